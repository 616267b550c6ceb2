-- Lengths of time as PostgreSQL has them: months, days and time, which are not exchanged for one another. Immutable.
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value
local C, types = abi.C, abi.types
local floor = math.floor

local intervals = {}

local interval_type = ffi.typeof('lug_interval') --[[@as lug_ctype<lugger.interval>]]
intervals.type = interval_type

local most32 = 2147483647

---@return never
local function refuse(what, hint)
  return fault.raise('coerce', what, hint)
end

local function is_interval(v)
  return ffi.istype(interval_type, v)
end

local function out_of_range()
  refuse 'the interval is out of range'
end

local function total(a, b, subtract)
  local out = interval_type()
  if C.lug_interval_add(a, b, subtract, out) == 0 then out_of_range() end
  return out
end

local units = { 'years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds', 'microseconds' }
local micros_of = { hours = 3600000000, minutes = 60000000, seconds = 1000000, microseconds = 1 }

local function part(given, unit)
  local v = given[unit]
  if v == nil then return 0 end
  local number = ffi.istype('int64_t', v) and tonumber(v) or v
  local size = micros_of[unit]
  local fits = type(number) == 'number' and math.abs(number) <= 9.2e18 / (size or 9.2e18 / most32)
  if not fits or not size and number ~= floor(number) then
    refuse(('an interval cannot have %s %s'):format(shown(v), unit),
      size and 'give a number' or 'give a whole number: only hours, minutes and seconds may have a fraction')
  end
  return number
end

-- Whole units are exact; what is left is rounded to microseconds.
local function micros(given, unit)
  local number, size = part(given, unit), micros_of[unit]
  if ffi.istype('int64_t', given[unit]) then return given[unit] * size end
  local whole = floor(number)
  return ffi.cast('int64_t', whole) * size + floor((number - whole) * size + 0.5)
end

local function from_table(given)
  fault.check_keys('an interval', given, units)
  local days, months = part(given, 'weeks') * 7 + part(given, 'days'), part(given, 'years') * 12 + part(given, 'months')
  if math.abs(days) > most32 or math.abs(months) > most32 then out_of_range() end
  local out = interval_type(0, days, months)
  for _, unit in ipairs { 'hours', 'minutes', 'seconds', 'microseconds' } do
    out = total(out, interval_type(micros(given, unit), 0, 0), 0)
  end
  return out
end

--- A length of time: months, days and time apart, as PostgreSQL's interval. Compares with ==, < and <= as in
--- PostgreSQL: a month as 30 days, a day as 24 hours.
---@class lugger.interval: lug_interval
---@field years integer of its months
---@field months integer what is left of them: -11 to 11
---@field days integer
---@field hours integer of its time; not cut at 24
---@field minutes integer
---@field seconds number with their fraction
---@operator add(lugger.interval): lugger.interval
---@operator add(lugger.date): lugger.date
---@operator sub(lugger.interval): lugger.interval
---@operator mul(number): lugger.interval
---@operator div(number): lugger.interval
---@operator unm: lugger.interval
---@operator concat(any): string
local interval = {}

---@type table<string, integer|nil>
local fields = { years = 0, months = 1, days = 2, hours = 3, minutes = 4, seconds = 5 }

--- All of it in seconds, as PostgreSQL's `extract(epoch from ...)`: a year is 365.25 days, a month 30, a day 24 hours.
---@return number
function interval:epoch()
  return (self.years * 365.25 + self.months * 30 + self.lug_days_) * 86400
    + tonumber(self.lug_micros_) --[[@as number]] / 1000000
end

--- The same for all intervals that are equal, for lugger.key: whole days and microseconds of the day.
---@param self lugger.interval
---@return string
function intervals.key(self)
  local day, rest = 86400000000, self.lug_micros_ % 86400000000LL
  if rest < 0 then rest = rest + day end
  local days = self.lug_months_ * 30 + self.lug_days_ + tonumber((self.lug_micros_ - rest) / day) --[[@as number]]
  return ('%.0f:%.0f'):format(days, tonumber(rest))
end

local function order(a, b)
  local out = C.lug_interval_compare(a, b)
  return out
end

local function comparable(v)
  if is_interval(v) or type(v) == 'string' then return intervals.new(v) end
  refuse(('an interval cannot be compared with %s'):format(shown(v)), "compare with lugger.interval '1 day', or "
    .. 'interval:epoch() with seconds')
end

local function operand(v, what)
  if is_interval(v) or type(v) == 'table' then return intervals.new(v) end
  refuse(('%s %s an interval'):format(shown(v), what), "lugger.interval { seconds = 5 }")
end

local zero = interval_type()

local function negated(self)
  local out = total(zero, self, 1)
  return out
end
intervals.negated = negated

local function scaled(self, by, divide)
  local number = type(by) == 'cdata' and not is_interval(by) and tonumber(tostring(by)) or by
  local word = divide and 'divided by' or 'multiplied with'
  if type(number) ~= 'number' or number ~= number or math.abs(number) == math.huge or divide and number == 0 then
    refuse(('an interval cannot be %s %s'):format(word, shown(by)), 'give a number')
  end
  local out = interval_type()
  if C.lug_interval_scale(self, number, divide and 1 or 0, out) == 0 then out_of_range() end
  return out
end

local scratch, scratch_bytes = ffi.new('lug_value') --[[@as lug_value]], ffi.new 'uint8_t[16]'

--- Puts an interval into a slot; its bytes are valid until the next call.
---@param self lugger.interval
---@param slot lug_value
function intervals.slot(self, slot)
  C.lug_interval_bytes(self, scratch_bytes)
  slot.type, slot.flags, slot.aux, slot.size, slot.data = types.interval, 0, 0, 16, scratch_bytes
end

--- The interval in a slot.
---@param slot lug_value
---@return lugger.interval
function intervals.of_slot(slot)
  local out = interval_type()
  C.lug_interval_of_bytes(slot.data, out)
  return out
end

methods.check('interval', interval, is_interval)
ffi.metatype(interval_type, {
  __index = function(self, key)
    local number = fields[key]
    if number then
      local out = C.lug_interval_field(self, number)
      return out
    end
    return interval[key]
  end,
  __tostring = function(self)
    intervals.slot(self, scratch)
    return abi.text(function(out, room) return C.lug_value_text(scratch, out, room) end)
  end,
  __concat = methods.concat,
  __eq = function(a, b) return is_interval(a) and is_interval(b) and order(a, b) == 0 end,
  __lt = function(a, b) return order(comparable(a), comparable(b)) < 0 end,
  __le = function(a, b) return order(comparable(a), comparable(b)) <= 0 end,
  __add = function(a, b)
    if intervals.is_date(b) then
      local out = intervals.add_to_date(b, a)
      return out
    end
    local out = total(operand(a, 'cannot be added to'), operand(b, 'cannot be added to'), 0)
    return out
  end,
  __sub = function(a, b)
    local out = total(operand(a, 'cannot be reduced by'), operand(b, 'cannot be subtracted from'), 1)
    return out
  end,
  __mul = function(a, b)
    local self, by = a, b
    if not is_interval(a) then self, by = b, a end
    local out = scaled(self, by, false)
    return out
  end,
  __div = function(a, b)
    if not is_interval(a) then refuse(('%s cannot be divided by an interval'):format(shown(a))) end
    local out = scaled(a, b, true)
    return out
  end,
  __unm = function(a)
    local out = negated(a)
    return out
  end,
})

--- A length of time from what PostgreSQL reads ('1 day 02:30', 'P1DT2H', '3 mons'), or from its parts: `lugger.interval
--- { months = 1, days = -2, hours = 1.5 }`. Only hours, minutes and seconds may have a fraction.
---@param from string|lugger.interval|lugger.date_span
---@return lugger.interval
function intervals.new(from)
  if ffi.istype(interval_type, from) then return from --[[@as lugger.interval]] end
  if type(from) == 'table' then return from_table(from) end
  local out = interval_type()
  if type(from) ~= 'string' or C.lug_interval_parse(from, #from, out) == 0 then
    refuse(('an interval cannot be read from %s'):format(shown(from)), type(from) == 'number'
      and 'say of what: lugger.interval { seconds = 5 }'
      or "write it like '1 day 02:30:00', or { days = 1, hours = 2 }")
  end
  return out
end

return intervals
