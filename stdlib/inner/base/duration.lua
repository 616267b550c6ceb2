-- Lengths of time as people write them: "500ms", "5s", "10min", "2h", "30d", "8w".
local fault = require 'lugger.inner.base.fault'

local duration = {}

local units = { ms = 0.001, s = 1, min = 60, m = 60, h = 3600, d = 86400, w = 604800 }

--- Seconds of a length of time; a number is seconds already.
---@param value string|number
---@param what string what it is of, for the message
---@return number seconds
function duration.seconds(value, what)
  if type(value) == 'number' and value >= 0 then return value end
  local number, unit = tostring(value):match('^(%d+%.?%d*)%s*(%a+)$')
  if not number or not units[unit] then
    fault.raise('config', ('%s takes a length of time, not "%s"'):format(what, tostring(value)),
      'as in 500ms, 5s, 10min, 2h, 30d')
  end
  return tonumber(number) --[[@as number]] * units[unit]
end

return duration
