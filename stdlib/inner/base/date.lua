-- Dates: instants with microseconds, and calendar days. UTC throughout; immutable.
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value
local C, types = abi.C, abi.types
local floor = math.floor

local dates = {}

local date_type = ffi.typeof 'lug_date'
dates.type = date_type

local ms_of = { second = 1000, minute = 60000, hour = 3600000, day = 86400000 }
local day_ms = ms_of.day
local later, earlier = 9223372036854775807LL, -9223372036854775807LL - 1 -- "infinity" and "-infinity"
local exact = 9007199254740992 -- beyond it a Lua number does not hold every integer

---@return never
local function refuse(what, hint)
  fault.raise('coerce', what, hint)
end

local function is_date(v)
  return ffi.istype(date_type, v)
end

--- True for "infinity" and "-infinity".
---@param self lugger.date
---@return boolean
function dates.is_endless(self)
  return self.lug_ms_ == later or self.lug_ms_ == earlier
end
local is_endless = dates.is_endless

-- A number of Lua or an int64; nil for all else, and for what is no number.
local function finite(v)
  if ffi.istype('int64_t', v) then v = tonumber(v) end
  return type(v) == 'number' and v == v and math.abs(v) ~= math.huge and v or nil
end

-- The civil calendar: days since 1970-01-01 and back (Howard Hinnant's algorithms).
local function days_of(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = floor(year / 400)
  local of_era = year - era * 400
  local of_year = floor((153 * (month + (month > 2 and -3 or 9)) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + floor(of_era / 4) - floor(of_era / 100) + of_year - 719468
end

local function civil_of(days)
  days = days + 719468
  local era = floor(days / 146097)
  local of_era = days - era * 146097
  local of_year = floor((of_era - floor(of_era / 1460) + floor(of_era / 36524) - floor(of_era / 146096)) / 365)
  local day_of_year = of_era - (365 * of_year + floor(of_year / 4) - floor(of_year / 100))
  local place = floor((5 * day_of_year + 2) / 153)
  local month = place + (place < 10 and 3 or -9)
  return of_year + era * 400 + (month <= 2 and 1 or 0), month, day_of_year - floor((153 * place + 2) / 5) + 1
end

local function month_length(year, month)
  return days_of(month == 12 and year + 1 or year, month % 12 + 1, 1) - days_of(year, month, 1)
end

-- Days since 1970 and the milliseconds of the day.
local function split(self)
  if is_endless(self) then refuse(('%s has no calendar day'):format(tostring(self))) end
  local rest = self.lug_ms_ % day_ms
  if rest < 0 then rest = rest + day_ms end
  return tonumber((self.lug_ms_ - rest) / day_ms), tonumber(rest)
end

local fields = {
  year = function(self) return (civil_of((split(self)))) end,
  month = function(self) return (select(2, civil_of((split(self))))) end,
  day = function(self) return (select(3, civil_of((split(self))))) end,
  hour = function(self) return floor(select(2, split(self)) / ms_of.hour) end,
  minute = function(self) return floor(select(2, split(self)) / ms_of.minute) % 60 end,
  second = function(self) return floor(select(2, split(self)) / 1000) % 60 end,
  microsecond = function(self) return select(2, split(self)) % 1000 * 1000 + self.lug_us_ end,
  weekday = function(self) return (split(self) + 3) % 7 + 1 end,
  yearday = function(self)
    local days = split(self)
    return days - days_of((civil_of(days)), 1, 1) + 1
  end,
}

-- A date from milliseconds, of any size, and microseconds from 0 to 999.
local function from_parts(ms, us, day)
  if not (ms > -9.2e18 and ms < 9.2e18) then refuse('the date is out of range') end
  return date_type(ms, us, day)
end

local function shifted(self, seconds)
  local number = finite(seconds)
  if not number or math.abs(number) > exact / 1000 then
    refuse(('a date cannot be moved by %s seconds'):format(shown(seconds)),
      'give a number of seconds, or { months = 1, days = -2, hours = 12 }')
  end
  if is_endless(self) then return self end
  local whole = floor(number)
  local micros = floor((number - whole) * 1e6 + 0.5) + self.lug_us_
  local by = whole * 1000 + floor(micros / 1000)
  if math.abs(tonumber(self.lug_ms_) --[[@as number]] + by) > 9.2e18 then refuse('the date is out of range') end
  return date_type(self.lug_ms_ + by, micros % 1000, 0)
end

local units = { 'years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds' }

local function whole_part(span, unit)
  local number = span[unit] == nil and 0 or finite(span[unit])
  if not number or number ~= floor(number) or math.abs(number) > 1e10 then
    refuse(('a date cannot be moved by %s %s'):format(shown(span[unit]), unit), 'give a whole number')
  end
  return number
end

-- As PostgreSQL adds an interval: months first, at most to the end of the month, then days, then time.
local function moved(self, span, sign)
  fault.check_keys('a span of time', span, units)
  local months = (whole_part(span, 'years') * 12 + whole_part(span, 'months')) * sign
  local days = (whole_part(span, 'weeks') * 7 + whole_part(span, 'days')) * sign
  if is_endless(self) then return self end
  local day, rest = split(self)
  if months ~= 0 then
    local year, month, of_month = civil_of(day)
    local total = year * 12 + month - 1 + months
    year, month = floor(total / 12), total % 12 + 1
    day = days_of(year, month, math.min(of_month, month_length(year, month)))
  end
  local out = from_parts((day + days) * day_ms + rest, self.lug_us_, self.lug_day_)
  local seconds = 0
  for unit, size in pairs { hours = 3600, minutes = 60, seconds = 1 } do
    if span[unit] ~= nil then
      local number = finite(span[unit])
      if not number then refuse(('a date cannot be moved by %s %s'):format(shown(span[unit]), unit)) end
      seconds = seconds + number * size
    end
  end
  return seconds == 0 and out or shifted(out, seconds * sign)
end

--- An instant to the microsecond, in UTC, or a calendar day. Dates compare with ==, < and <=, also with ISO text.
---@class lugger.date: lug_date
---@field year integer
---@field month integer from 1
---@field day integer of the month, from 1
---@field hour integer
---@field minute integer
---@field second integer
---@field microsecond integer of the second
---@field weekday integer 1 is Monday, 7 Sunday
---@field yearday integer from 1
---@operator add(number|lugger.date_span): lugger.date
---@operator sub(number|lugger.date_span): lugger.date
---@operator sub(lugger.date): number
---@operator concat(any): string
local date = {}

---@class lugger.date_span whole years, months, weeks and days; hours, minutes and seconds may have a fraction
---@field years integer|nil
---@field months integer|nil
---@field weeks integer|nil
---@field days integer|nil
---@field hours number|nil
---@field minutes number|nil
---@field seconds number|nil

--- Seconds since 1970, with their fraction.
---@return number
function date:unix()
  if is_endless(self) then return self.lug_ms_ == later and math.huge or -math.huge end
  return tonumber(self.lug_ms_) --[[@as number]] / 1000 + self.lug_us_ / 1e6
end

--- Milliseconds since 1970.
---@return number
function date:milliseconds()
  return is_endless(self) and self:unix() or tonumber(self.lug_ms_)
end

--- A date that is this much later: a number of seconds, or a span: `date:add { months = 1 }`. Months go before days,
--- and end at the last day of a month: January 31 and a month is February 28. `date + span` and `date - span` are the
--- same.
---@param span number|lugger.date_span
---@return lugger.date
function date:add(span)
  if type(span) == 'table' then return moved(self, span, 1) end
  return shifted(self, span)
end

local first_month = { year = function() return 1 end, quarter = function(m) return m - (m - 1) % 3 end,
  month = function(m) return m end }

--- The beginning of the year, quarter, month, week (Monday), day, hour, minute or second it is in.
---@param unit "year"|"quarter"|"month"|"week"|"day"|"hour"|"minute"|"second"
---@return lugger.date
function date:trunc(unit)
  if not (first_month[unit] or ms_of[unit] or unit == 'week') then
    refuse(('a date has no unit %s'):format(shown(unit)), 'year, quarter, month, week, day, hour, minute or second')
  end
  if is_endless(self) then return self end
  local day, rest = split(self)
  if first_month[unit] then
    local year, month = civil_of(day)
    day, rest = days_of(year, first_month[unit](month), 1), 0
  elseif unit == 'week' then
    day, rest = day - (day + 3) % 7, 0
  else
    rest = rest - rest % ms_of[unit]
  end
  return from_parts(day * day_ms + rest, 0, self.lug_day_)
end

--- Its text by a pattern of strftime, in UTC: `date:format '%d.%m.%Y %H:%M'`. `%f` is the microseconds, six digits.
--- Without a pattern its ISO text.
---@param pattern string|nil
---@return string
function date:format(pattern)
  if pattern == nil then return tostring(self) end
  if type(pattern) ~= 'string' or pattern:find '^%*' then
    refuse(('%s is no pattern for a date'):format(shown(pattern)), "write it like '%d.%m.%Y'")
  end
  local days, rest = split(self)
  local micros = ('%06d'):format(rest % 1000 * 1000 + self.lug_us_)
  local text = pattern:gsub('%%(.)', function(letter) return letter == 'f' and micros or nil end)
  local out = os.date('!' .. text, days * 86400 + floor(rest / 1000))
  return out or refuse(('the year of %s is too large for a pattern'):format(tostring(self)))
end

local function order(a, b)
  if a.lug_ms_ ~= b.lug_ms_ then return a.lug_ms_ < b.lug_ms_ and -1 or 1 end
  return a.lug_us_ < b.lug_us_ and -1 or a.lug_us_ > b.lug_us_ and 1 or 0
end

-- Dates are compared with dates and their texts. A number might be seconds or milliseconds.
local function comparable(v)
  if is_date(v) or type(v) == 'string' then return dates.new(v) end
  refuse(('a date cannot be compared with %s'):format(shown(v)),
    'compare dates: date(milliseconds), or date:unix() with seconds')
end

--- Puts a date into a slot.
---@param self lugger.date
---@param slot lug_value
function dates.slot(self, slot)
  if self.lug_day_ == 1 and not is_endless(self) then
    slot.type, slot.flags, slot.size = types.day, 0, 0
    slot.i64 = (self.lug_ms_ - 946684800000LL) / 86400000LL
  else
    C.lug_date_to_value(self, slot)
  end
end

local scratch = ffi.new 'lug_value' --[[@as lug_value]]

local function text_of(self)
  dates.slot(self, scratch)
  return abi.text(function(out, room) return C.lug_value_text(scratch, out, room) end)
end

methods.check('date', date, is_date)
ffi.metatype(date_type, {
  __index = function(self, key)
    local field = fields[key]
    if field then return field(self) end
    return date[key]
  end,
  __tostring = text_of,
  __concat = methods.concat,
  __eq = function(a, b) return is_date(a) and is_date(b) and order(a, b) == 0 end,
  __lt = function(a, b) return order(comparable(a), comparable(b)) < 0 end,
  __le = function(a, b) return order(comparable(a), comparable(b)) <= 0 end,
  __add = function(a, b)
    if is_date(a) and is_date(b) then refuse('a date cannot be added to a date', 'a date minus a date is seconds') end
    if is_date(a) then return a:add(b) end
    return b:add(a)
  end,
  __sub = function(a, b)
    if not is_date(a) and type(a) ~= 'string' then refuse(('a date cannot be subtracted from %s'):format(shown(a))) end
    a = dates.new(a)
    if type(b) == 'table' then return moved(a, b, -1) end
    if not is_date(b) and type(b) ~= 'string' then
      local number = finite(b)
      return shifted(a, number and -number or b)
    end
    b = dates.new(b)
    if is_endless(a) or is_endless(b) then return a:unix() - b:unix() end
    return tonumber(a.lug_ms_ - b.lug_ms_) --[[@as number]] / 1000 + (a.lug_us_ - b.lug_us_) / 1e6
  end,
})

local bounds = { { 'year', -290000, 290000 }, { 'month', 1, 12 }, { 'day', 1, 31 }, { 'hour', 0, 23 },
  { 'minute', 0, 59 }, { 'second', 0, 60 } }
local defaults = { hour = 0, minute = 0, second = 0 }

local function from_table(given)
  fault.check_keys('a date', given, { 'year', 'month', 'day', 'hour', 'minute', 'second' })
  local of = {}
  for _, bound in ipairs(bounds) do
    local name, least, most = unpack(bound)
    local number = finite(given[name] == nil and defaults[name] or given[name])
    if name == 'day' and of.month then most = month_length(of.year, of.month) end
    local whole = name == 'second' and number ~= 60 or number == floor(number or 0.5)
    if not number or number < least or number > most or not whole then
      refuse(('a date cannot have the %s %s'):format(name, shown(given[name])),
        'date { year = 2026, month = 3, day = 11 }')
    end
    of[name] = number
  end
  local day = from_parts(days_of(of.year, of.month, of.day) * day_ms, 0, 0)
  return shifted(day, of.hour * 3600 + of.minute * 60 + of.second)
end

-- Rounded to microseconds.
local function from_number(ms)
  if not (ms >= -exact and ms <= exact) then return nil end
  local whole = floor(ms)
  local us = floor((ms - whole) * 1000 + 0.5)
  if us == 1000 then return date_type(whole + 1, 0, 0) end
  return date_type(whole, us, 0)
end

--- A date from ISO text ("2026-03-11", "2026-03-11T09:30:00.5Z"; UTC unless a zone is given), from Unix milliseconds,
--- or from its fields: `date { year = 2026, month = 3, day = 11, hour = 9 }`.
---@param from string|number|lugger.date|table
---@return lugger.date
function dates.new(from)
  if is_date(from) then return from end
  local kind = type(from)
  if ffi.istype('int64_t', from) then return date_type(from, 0, 0) end
  if kind == 'table' then return from_table(from) end
  local out = date_type()
  if kind == 'number' then
    out = from_number(from)
  elseif kind ~= 'string' or C.lug_date_parse(from, #from, out) == 0 then
    out = nil
  end
  return out or refuse(('a date cannot be read from %s'):format(shown(from)),
    kind == 'number' and 'a number is milliseconds since 1970' or 'write it like 2026-03-11T09:30:00Z')
end

--- The current time of the clock, in microseconds.
---@return lugger.date
function dates.clock()
  local micros = C.lug_now_micros()
  return date_type(micros / 1000, tonumber(micros % 1000), 0)
end

return dates
