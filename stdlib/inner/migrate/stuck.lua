-- Errors of an attempt that cannot go on as its file is now. Their hint is all there is to do.
local native = require 'lugger.native'

local stuck = {}

local raised = setmetatable({}, { __mode = 'k' }) ---@type table<any, boolean>

--- Raises one.
---@param message string
---@param hint string
---@return never
function stuck.raise(message, hint)
  local err = native.error('config', message, hint)
  raised[err] = true
  error(err, 0)
end

--- True for such an error.
---@param err any
---@return boolean
function stuck.is(err)
  return err ~= nil and raised[err] == true
end

return stuck
