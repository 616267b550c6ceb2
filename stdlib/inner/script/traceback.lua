-- The Lua stack behind an error, for --traceback: kept where the error is caught first, because it is raised again from
-- there without it.
local native = require 'lugger.native'

local traceback = { wanted = native.system.getenv 'LUGGER_TRACEBACK' ~= nil }

local kept

--- A message handler for xpcall: keeps the stack of the function that failed.
---@param err any
---@return any err
function traceback.keep(err)
  if traceback.wanted then kept = debug.traceback('', 2) end
  return err
end

--- Keeps the stack of a coroutine that ended with an error.
---@param thread thread
function traceback.keep_thread(thread)
  if traceback.wanted then kept = debug.traceback(thread) end
end

--- The stack that was kept last, if it is wanted.
---@return string|nil
function traceback.last()
  return traceback.wanted and kept and kept:gsub('^%s+', '') or nil
end

return traceback
