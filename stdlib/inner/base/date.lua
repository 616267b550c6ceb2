-- Dates: instants with microseconds, in UTC or seen from a time zone, and calendar days. Immutable.
local abi = require 'lugger.inner.base.abi'
local decimals = require 'lugger.inner.base.decimal'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local intervals = require 'lugger.inner.base.interval'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value
local zone = require 'lugger.inner.base.zone'
local C = abi.C
local floor = math.floor

local dates = {}

local date_type = ffi.typeof('lug_date') --[[@as lug_ctype<lugger.date>]]
local double_type = ffi.typeof 'lug_double'
dates.type = date_type

local later, earlier = 9223372036854775807LL, -9223372036854775807LL - 1 -- "infinity" and "-infinity"
local exact = 9007199254740992 -- beyond it a Lua number does not hold every integer
local utc, plain_day = zone.utc, 1 -- places; others are numbers of zones

---@return never
local function refuse(what, hint)
  return fault.raise('coerce', what, hint)
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

-- The number of whatever computes as one; nil for all else, and for what is no number.
local function finite(v)
  if ffi.istype('int64_t', v) or ffi.istype('uint64_t', v) then v = tonumber(v)
  elseif ffi.istype(decimals.type, v) or ffi.istype(double_type, v) then v = v:number() end
  return type(v) == 'number' and v == v and math.abs(v) ~= math.huge and v or nil
end

local function out_of_range()
  refuse 'the date is out of range'
end

-- The numbers of runtime/value/date_math.hpp.
---@type table<string, integer|nil>
local fields = { year = 0, month = 1, day = 2, hour = 3, minute = 4, second = 5, microsecond = 6, weekday = 7,
  yearday = 8, offset = 9 }
local units = { year = 0, quarter = 1, month = 2, week = 3, day = 4, hour = 5, minute = 6, second = 7 }

local function field(self, number)
  if is_endless(self) then refuse(('%s has no calendar day'):format(tostring(self))) end
  local out = C.lug_date_field(self, number)
  return out
end

local function moved(self, by)
  if is_endless(self) then return self end
  local out = date_type()
  if C.lug_date_add(self, by, out) == 0 then out_of_range() end
  return out
end

local function shifted(self, seconds)
  local number = finite(seconds)
  if not number or math.abs(number) > exact / 1000 then
    refuse(('a date cannot be moved by %s seconds'):format(shown(seconds)),
      "give a number of seconds, { months = 1, days = -2, hours = 12 }, or lugger.interval '1 month'")
  end
  local whole = floor(number)
  local micros = ffi.cast('int64_t', whole) * 1000000 + floor((number - whole) * 1e6 + 0.5)
  return moved(self, intervals.type(micros, 0, 0))
end

local function added(self, span)
  if type(span) == 'table' or ffi.istype(intervals.type, span) then return moved(self, intervals.new(span)) end
  return shifted(self, span)
end

--- An instant to the microsecond, in UTC or seen from a time zone, or a calendar day. Dates compare with ==, < and <=,
--- also with ISO text.
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
---@field zone string|nil "Europe/Berlin"; "UTC"; a calendar day has none
---@field offset integer seconds east of UTC
---@operator add(number|lugger.interval|lugger.date_span): lugger.date
---@operator sub(number|lugger.interval|lugger.date_span): lugger.date
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
---@field microseconds number|nil

--- Seconds since 1970, with their fraction.
---@return number
function date:unix()
  if is_endless(self) then return self.lug_ms_ == later and math.huge or -math.huge end
  return tonumber(self.lug_ms_) --[[@as number]] / 1000 + self.lug_us_ / 1e6
end

--- Milliseconds since 1970.
---@return number
function date:milliseconds()
  return is_endless(self) and self:unix() or tonumber(self.lug_ms_) --[[@as number]]
end

--- A date that is this much later: a number of seconds, an interval, or its parts: `date:add { months = 1 }`. Months go
--- before days, and end at the last day of a month: January 31 and a month is February 28. `date + span` and `date -
--- span` are the same.
---@param span number|lugger.interval|lugger.date_span
---@return lugger.date
function date:add(span)
  return added(self, span)
end

--- The same instant as clocks show it in a time zone: `date:in_zone 'Europe/Berlin'`. Its fields, text, `format`,
--- `trunc` and `add` go by local time. A calendar day becomes its first instant there.
---@param name string of the system's time zones, or "UTC"
---@return lugger.date
function date:in_zone(name)
  local number = zone.number(name)
  if self.lug_place_ ~= plain_day or is_endless(self) then return date_type(self.lug_ms_, self.lug_us_, number) end
  local out = date_type()
  C.lug_date_make(field(self, fields.year), field(self, fields.month), field(self, fields.day), 0, number, out)
  return out
end

--- Its calendar day, without time and zone.
---@return lugger.date
function date:to_day()
  local out = date_type(self.lug_ms_, 0, plain_day)
  if is_endless(self) then return out end
  C.lug_date_make(field(self, fields.year), field(self, fields.month), field(self, fields.day), 0, plain_day, out)
  return out
end

--- The beginning of the year, quarter, month, week (Monday), day, hour, minute or second it is in.
---@param unit "year"|"quarter"|"month"|"week"|"day"|"hour"|"minute"|"second"
---@return lugger.date
function date:trunc(unit)
  local number = units[unit]
  if not number then
    refuse(('a date has no unit %s'):format(shown(unit)), 'year, quarter, month, week, day, hour, minute or second')
  end
  if is_endless(self) then return self end
  local out = date_type()
  if C.lug_date_trunc(self, number, out) == 0 then out_of_range() end
  return out
end

-- The same local time in UTC.
local function as_utc(self)
  return date_type(self.lug_ms_ + field(self, fields.offset) * 1000, self.lug_us_, utc)
end

-- Seconds since 1970, rounded down.
---@param self lugger.date
---@return any int64
local function seconds_of(self)
  local rest = self.lug_ms_ % 1000
  return (self.lug_ms_ - (rest < 0 and rest + 1000 or rest)) / 1000
end

--- Its text by a pattern of strftime: `date:format '%d.%m.%Y %H:%M'`. `%f` is the microseconds, six digits, `%z` the
--- offset ("+0200"), `%Z` the zone ("CEST"). Without a pattern its ISO text.
---@param pattern string|nil
---@return string
function date:format(pattern)
  if pattern == nil then return tostring(self) end
  if type(pattern) ~= 'string' or pattern:find '^%*' then
    refuse(('%s is no pattern for a date'):format(shown(pattern)), "write it like '%d.%m.%Y'")
  end
  local written = { f = ('%06d'):format(field(self, fields.microsecond)),
    z = zone.offset_text(field(self, fields.offset), ''), Z = 'UTC' }
  if self.lug_place_ > plain_day then written.Z = zone.abbreviation(self.lug_place_, seconds_of(self)) end
  local text = pattern:gsub('%%(.)', written)
  local out = os.date('!' .. text, tonumber(seconds_of(as_utc(self))))
  return out or refuse(('the year of %s is too large for a pattern'):format(tostring(self)))
end

local comparable ---@type fun(v: any): lugger.date

-- Dates are compared with dates and their texts. A number might be seconds or milliseconds. (`is_date` would be a call
-- that gets hot by itself.)
local function order(a, b)
  if not ffi.istype(date_type, a) then a = comparable(a) end
  if not ffi.istype(date_type, b) then b = comparable(b) end
  local out = C.lug_date_compare(a, b)
  return out
end

function comparable(v)
  if type(v) ~= 'string' then
    refuse(('a date cannot be compared with %s'):format(shown(v)),
      'compare dates: date(milliseconds), or date:unix() with seconds')
  end
  return dates.new(v)
end

--- Puts a date into a slot.
---@param self lugger.date
---@param slot lug_value
function dates.slot(self, slot)
  C.lug_date_to_value(self, slot)
end

local scratch = ffi.new('lug_value') --[[@as lug_value]]

--- Its ISO text in UTC, whatever its zone.
---@param self lugger.date
---@return string
function dates.utc_text(self)
  dates.slot(self, scratch)
  return abi.text(function(out, room) return C.lug_value_text(scratch, out, room) end)
end

local function text_of(self)
  if self.lug_place_ <= plain_day or is_endless(self) then return dates.utc_text(self) end
  return (dates.utc_text(as_utc(self)):gsub('Z$', zone.offset_text(field(self, fields.offset), ':')))
end

methods.check('date', date, is_date)
ffi.metatype(date_type, {
  __index = function(self, key)
    local number = fields[key]
    if number then
      local out = field(self, number)
      return out
    end
    if key == 'zone' then return self.lug_place_ ~= plain_day and zone.name(self.lug_place_) or nil end
    return date[key]
  end,
  __tostring = text_of,
  __concat = methods.concat,
  __eq = function(a, b) return is_date(a) and is_date(b) and order(a, b) == 0 end,
  __lt = function(a, b) return order(a, b) < 0 end,
  __le = function(a, b) return order(a, b) <= 0 end,
  __add = function(a, b)
    local at, span = a, b
    if not ffi.istype(date_type, a) then at, span = b, a end
    if ffi.istype(date_type, span) then refuse('a date cannot be added to a date', 'a date minus a date is seconds') end
    local out = added(at, span)
    return out
  end,
  __sub = function(a, b)
    if not ffi.istype(date_type, a) then
      if type(a) ~= 'string' then refuse(('a date cannot be subtracted from %s'):format(shown(a))) end
      a = dates.new(a)
    end
    if type(b) == 'table' or ffi.istype(intervals.type, b) then
      local out = moved(a, intervals.negated(intervals.new(b)))
      return out
    end
    if not is_date(b) and type(b) ~= 'string' then
      local number = finite(b)
      local out = shifted(a, number and -number or b)
      return out
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
  fault.check_keys('a date', given, { 'year', 'month', 'day', 'hour', 'minute', 'second', 'zone' })
  local of = {}
  for _, bound in ipairs(bounds) do
    local name, least, most = unpack(bound)
    local number = finite(given[name] == nil and defaults[name] or given[name])
    if name == 'day' then most = C.lug_days_in_month(of.year, of.month) end
    local whole = name == 'second' and number ~= 60 or number == floor(number or 0.5)
    if not number or number < least or number > most or not whole then
      refuse(('a date cannot have the %s %s'):format(name, shown(given[name])),
        'date { year = 2026, month = 3, day = 11 }')
    end
    of[name] = number
  end
  local second, out = floor(of.second), date_type()
  C.lug_date_make(of.year, of.month, of.day, (of.hour * 3600 + of.minute * 60 + second) * 1000,
    given.zone == nil and utc or zone.number(given.zone), out)
  return shifted(out, of.second - second)
end

-- Rounded to microseconds.
local function from_number(ms)
  if not (ms >= -exact and ms <= exact) then return nil end
  local whole = floor(ms)
  local us = floor((ms - whole) * 1000 + 0.5)
  if us == 1000 then return date_type(whole + 1, 0, utc) end
  return date_type(whole, us, utc)
end

--- A date from ISO text ("2026-03-11", "2026-03-11T09:30:00.5Z"; UTC unless a zone is given), from Unix milliseconds,
--- or from its fields: `date { year = 2026, month = 3, day = 11, hour = 9, zone = 'Europe/Berlin' }`.
---@param from string|number|lugger.date|table
---@return lugger.date
function dates.new(from)
  if is_date(from) then return from --[[@as lugger.date]] end
  local kind = type(from)
  if ffi.istype('int64_t', from) then return date_type(from, 0, 0) end
  if kind == 'table' then return from_table(from) end
  local out = date_type() ---@type lugger.date|nil
  if kind == 'number' then
    out = from_number(from)
  elseif kind ~= 'string' or C.lug_date_parse(from, #from, 0, out) == 0 then
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

--- A date from text as PostgreSQL prints it, also of years before Christ; nil when it is not one.
---@param text string
---@param is_day boolean|nil a calendar day
---@return lugger.date|nil
function dates.read(text, is_day)
  local out = date_type()
  return C.lug_date_parse(text, #text, is_day and 1 or 0, out) == 1 and out or nil
end

---@diagnostic disable-next-line: inject-field intervals are loaded first, and know of dates from here
intervals.is_date, intervals.add_to_date = is_date, added

return dates
