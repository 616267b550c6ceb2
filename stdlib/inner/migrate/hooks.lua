-- Shell commands of the project, before and after migrations: [migrate] before = "...", after = "..." in lugger.toml.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'

local hooks = {}

local function list_of(what)
  local found = config.section('migrate')[what]
  if found == nil then return {} end
  if type(found) == 'string' then return { found } end
  if type(found) ~= 'table' then config.raise(('lugger.toml: %s of [migrate] is text or a list'):format(what)) end
  return found
end

---@return never
local function failed(command, what, status)
  local so_far = what == 'before' and 'nothing was done' or 'the migrations themselves are done'
  error(native.error('config', ('the command `%s` (%s of [migrate] in lugger.toml) ended with status %d; %s'):format(
    native.system.mask_secrets(command), what, status, so_far)), 0)
end

--- Runs the commands of `before` or `after` in a shell; a failed command stops everything.
---@param what "before"|"after"
---@param say fun(...: any)
---@param environment table<string, string> beside what we have ourselves
function hooks.run(what, say, environment)
  for _, command in ipairs(list_of(what)) do
    say(what, ': ', native.system.mask_secrets(command))
    io.stdout:flush()
    local status = native.system.spawn({ 'sh', '-c', command }, environment)
    if status ~= 0 then failed(command, what, status) end
  end
end

return hooks
