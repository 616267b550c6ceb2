-- What scripts call to raise an error, and to wait.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local system = native.system

local raise = {}

local codes = { 'config', 'connect', 'auth', 'read', 'parse', 'coerce', 'constraint', 'conflict', 'timeout',
  'interrupted', 'hook', 'verify', 'bug' }

local slice_ms = 50 -- the longest wait that Ctrl-C does not end

--- Raises an error object, for lugger.error.
---@param fields lugger.error_fields|string
---@return never
function raise.error(fields)
  if type(fields) == 'string' then fields = { message = fields } end
  if type(fields) ~= 'table' then
    fault.raise('config', ('lugger.error wants a table, not a %s'):format(type(fields)),
      "lugger.error { code = 'config', message = '...', hint = '...' }")
  end
  fault.check_keys('lugger.error', fields, { 'code', 'message', 'hint' })
  for _, name in ipairs { 'code', 'message', 'hint' } do
    local v = fields[name]
    if v ~= nil and type(v) ~= 'string' or name == 'message' and v == nil then
      fault.raise('config', ('lugger.error: %s is a text, not a %s'):format(name, type(v)))
    end
  end
  local code = fields.code or 'config'
  local known = false
  for _, one in ipairs(codes) do known = known or one == code end
  if not known then
    fault.raise('config', ('lugger.error: there is no code "%s"'):format(code),
      fault.near(code, codes, 'codes are ' .. table.concat(codes, ', ')))
  end
  return fault.raise(code, fields.message, fields.hint)
end

--- Raises for a name that lugger does not have.
---@param lugger table
---@param name any
---@param modules table<string, boolean> those that are loaded when they are read
---@param apart table<string, boolean> those that only `require` loads
function raise.no_member(lugger, name, modules, apart)
  if type(name) ~= 'string' then return end
  if apart[name] then
    fault.raise('config', ('lugger.%s is a module of its own'):format(name), ("require 'lugger.%s'"):format(name))
  end
  local known = { 'env' }
  for _, names in ipairs { lugger, modules } do
    for one in pairs(names) do known[#known + 1] = one end
  end
  fault.raise('config', ('lugger has no "%s"'):format(name),
    fault.near(name, known, "help 'lugger' lists what it has; lugger.has(name) asks", 'lugger.%s'))
end

--- Waits, for lugger.sleep.
---@param seconds number
function raise.sleep(seconds)
  if type(seconds) ~= 'number' or not (seconds >= 0 and seconds < math.huge) then
    fault.raise('config', ('lugger.sleep wants seconds, not %s'):format(tostring(seconds)), 'lugger.sleep(0.5)')
  end
  local ends = system.monotonic() + seconds
  repeat
    if system.stop_level() > 0 then error(native.error('interrupted', 'stopped'), 0) end
    local left = (ends - system.monotonic()) * 1000
    if left > 0 then system.sleep(math.ceil(math.min(left, slice_ms))) end
  until left <= 0
end

return raise
