-- Checks throttle = { ... }, the limits on the target's health and the speed of a run, and converts their units.
local duration = require 'lugger.inner.base.duration'
local fault = require 'lugger.inner.base.fault'

local throttle = {}

local known = { 'max_lag', 'max_lock_waits', 'max_long_transaction', 'canary', 'canary_ms', 'rows_per_s',
  'source_mbps' }

---@class lugger.throttle_spec
---@field max_lag string|nil how far the slowest standby may be behind: '5s'
---@field max_lock_waits integer|nil sessions of the database that may wait for a lock
---@field max_long_transaction string|nil how old the oldest transaction may be: '5min'
---@field canary string|nil a query that is run now and then
---@field canary_ms number|nil how long it may take; 1000 when not given
---@field rows_per_s number|nil no more rows a second than this
---@field source_mbps number|nil of lugger.copy: no more megabytes a second than this are read from its source

local function number(key, value, least)
  if type(value) ~= 'number' or value < least then
    fault.raise('config', ('throttle.%s takes a number from %g, not %s'):format(key, least, tostring(value)))
  end
  return value
end

--- Checks a throttle table and converts durations to seconds.
---@param spec lugger.throttle_spec
---@param copies boolean|nil it is that of a lugger.copy
---@return table
function throttle.check(spec, copies)
  if type(spec) ~= 'table' then
    fault.raise('config', ('throttle must be a table, not a %s'):format(type(spec)), "throttle = { max_lag = '5s' }")
  end
  local out = {}
  for key, value in pairs(spec --[[@as table<string, any>]]) do
    if key == 'max_lag' or key == 'max_long_transaction' then
      out[key] = duration.seconds(value, 'throttle.' .. key)
    elseif key == 'max_lock_waits' then
      out[key] = number(key, value, 0)
    elseif key == 'canary_ms' or key == 'rows_per_s' then
      out[key] = number(key, value, 1)
    elseif key == 'source_mbps' then
      out[key] = number(key, value, 0.1)
    elseif key == 'canary' then
      if type(value) ~= 'string' or value == '' then fault.raise('config', 'throttle.canary takes a query as text') end
      out[key] = value
    else
      fault.raise('config', ('throttle does not know the key "%s"'):format(tostring(key)), fault.near(key, known))
    end
  end
  if out.source_mbps and not copies then
    fault.raise('config', 'throttle.source_mbps is for lugger.copy', 'rows_per_s limits what is written')
  end
  if out.canary_ms and not out.canary then
    fault.raise('config', 'throttle.canary_ms is for a canary', "add canary = 'select 1 from orders limit 1'")
  end
  return out
end

return throttle
