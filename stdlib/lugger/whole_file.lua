-- Files written in pieces, which are there whole or not at all.
local config = require 'lugger.config'
local system = require('lugger.native').system

local whole_file = {}

--- Calls `produce` with a function that takes the text piece by piece. The file gets its name when all of it is
--- written; when anything fails before, it is as it was.
---@param path string
---@param produce fun(put: fun(text: string))
function whole_file.stream(path, produce)
  local found = system.stat(path)
  local in_place = found ~= nil and not found.is_file -- /dev/stdout, a pipe
  local name = in_place and path or ('%s.%d.part'):format(path, system.pid())
  local file, problem = io.open(name, 'wb')
  if not file then config.raise('cannot write ' .. problem) end
  local function check(ok, why)
    if not ok then config.raise(('cannot write %s: %s'):format(path, why), 'make room, then run the command again') end
  end
  local ok, err = pcall(function()
    produce(function(text) check(file:write(text)) end)
    check(file:flush())
  end)
  local closed, why = file:close()
  if ok then ok, err = pcall(check, closed, why) end
  if ok and not in_place then return system.settle_file(name, path) end
  if not in_place then os.remove(name) end
  if not ok then error(err, 0) end
end

return whole_file
