-- Decimals: exact, as PostgreSQL's numeric; BSON's decimal128 is one of them. Immutable.
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value
local C, types = abi.C, abi.types

local decimals = {}

local decimal_type = ffi.typeof('lug_decimal') --[[@as lug_ctype<lugger.decimal>]]
local double_type = ffi.typeof 'lug_double'
decimals.type = decimal_type

local scratch = ffi.new('lug_value') --[[@as lug_value]]
local scratch_b = ffi.new('lug_value') --[[@as lug_value]]
local room = 4096
local buffer = ffi.new('uint8_t[?]', room)

---@return never
local function refuse(what, hint)
  return fault.raise('coerce', what, hint)
end

--- Puts a decimal into a slot, which points to its bytes.
---@param self lugger.decimal
---@param slot lug_value
function decimals.slot(self, slot)
  slot.type, slot.flags, slot.aux, slot.size, slot.data = self.type, 0, 0, self.size, self.data
end
local to_slot = decimals.slot

--- A decimal from its bytes.
---@param kind integer types.numeric or types.decimal
---@param data ffi.cdata*
---@param size integer
---@return lugger.decimal
function decimals.make(kind, data, size)
  local out = decimal_type(size) --[[@as lugger.decimal]]
  out.size, out.type = size, kind
  ffi.copy(out.data, data, size)
  return out
end

local function parse(text)
  if #text > room then
    room = #text + 64
    buffer = ffi.new('uint8_t[?]', room)
  end
  local size = C.lug_decimal_parse(text, #text, buffer, room)
  return size ~= 0 and decimals.make(types.numeric, buffer, size) or nil
end

-- Whole numbers as far as int64 goes have all their digits, others the shortest that read back as the same.
local function number_text(number)
  if number == math.floor(number) and math.abs(number) < 9223372036854775808 then return ('%.0f'):format(number) end
  for digits = 1, 16 do
    local short = ('%.' .. digits .. 'g'):format(number)
    if tonumber(short) == number then return short end
  end
  return ('%.17g'):format(number)
end

local function is_integer(v)
  return ffi.istype('int64_t', v) or ffi.istype('uint64_t', v)
end

--- An exact decimal from text ("9.99"), a number (its shortest digits) or an int64.
---@param from string|number|lugger.decimal|ffi.cdata*
---@return lugger.decimal
function decimals.new(from)
  if ffi.istype(decimal_type, from) then return from --[[@as lugger.decimal]] end
  local text = from
  if ffi.istype(double_type, from) then text = number_text((from --[[@as lug_double]]).number_)
  elseif type(from) == 'number' then text = number_text(from)
  elseif is_integer(from) then text = tostring(from) end
  local out = type(text) == 'string' and parse(text)
  return out or refuse(('a decimal cannot be read from %s'):format(shown(from)), 'write it like -12.50')
end

decimals.nan = decimals.new 'NaN'

-- Further arguments are what must live until here.
---@overload fun(size: integer, ...: any): lugger.decimal
local function finished(size)
  if size == 0 then refuse 'the decimal result is too long' end
  if size == C.LUG_DECIMAL_OUT_OF_RANGE then
    refuse 'the result is out of the range of numeric (131072 digits before the point)'
  end
  return decimals.make(types.numeric, buffer, size)
end

-- Numbers go to native code as they are. Gives what must live as long as the slot is used.
local function operand(v, slot)
  if type(v) ~= 'number' then
    local made = decimals.new(v)
    to_slot(made, slot)
    return made
  end
  if v == math.floor(v) and math.abs(v) < 9223372036854775808 then
    slot.type, slot.i64 = types.int64, v
  else
    slot.type, slot.f64 = types.double, v
  end
end

local function compute(a, b, op)
  local first, second = operand(a, scratch), operand(b, scratch_b)
  local size = C.lug_decimal_compute(scratch, scratch_b, op, buffer, room)
  return finished(size, first, second)
end

local function order(a, b)
  local first, second = operand(a, scratch), operand(b, scratch_b)
  return C.lug_decimal_compare(scratch, scratch_b), first, second
end

local function is_number(v)
  return type(v) == 'number' or ffi.istype(decimal_type, v) or is_integer(v) or ffi.istype(double_type, v)
end

-- The numbers in runtime/value/decimal_division.hpp.
local modes = { half_up = 0, half_even = 1, half_down = 2, up = 3, down = 4, floor = 5, ceiling = 6 }

local function mode_number(mode)
  return modes[mode or 'half_up'] or refuse(('there is no rounding %s'):format(shown(mode)),
    'half_up, half_even, half_down, up, down, floor or ceiling')
end

local function check_scale(scale, least)
  if type(scale) == 'number' and scale == math.floor(scale) and scale >= least and scale <= 1000 then return scale end
  refuse(('a decimal cannot have the scale %s'):format(shown(scale)), ('whole numbers from %d to 1000'):format(least))
end

-- NaN divided by zero is NaN, as in PostgreSQL.
local function check_divisor(a, b)
  if order(b, 0) == 0 and order(a, decimals.nan) ~= 0 then
    refuse(('division of %s by zero'):format(tostring(a)))
  end
end

---@alias lugger.rounding "half_up"|"half_even"|"half_down"|"up"|"down"|"floor"|"ceiling"

--- An exact decimal number. Numbers, int64 and decimals of one value are equal, and compare with < and <=.
---@class lugger.decimal: lug_decimal
---@operator add(lugger.decimal|number): lugger.decimal
---@operator sub(lugger.decimal|number): lugger.decimal
---@operator mul(lugger.decimal|number): lugger.decimal
---@operator div(lugger.decimal|number): lugger.decimal
---@operator mod(lugger.decimal|number): lugger.decimal
---@operator unm: lugger.decimal
---@operator concat(any): string
local decimal = {}

--- The nearest Lua number: digits beyond the seventeenth are lost.
---@return number
function decimal:number()
  to_slot(self, scratch)
  return C.lug_decimal_number(scratch)
end

--- The quotient with `scale` decimals. `a / b` has as many as PostgreSQL's numeric.
---@param by lugger.decimal|number|string
---@param scale integer|nil as many decimals as PostgreSQL's numeric when not given
---@param mode lugger.rounding|nil half_up (a half goes away from zero, as in PostgreSQL) when not given
---@return lugger.decimal
function decimal:div(by, scale, mode)
  local divisor, number = decimals.new(by), mode_number(mode)
  check_divisor(self, divisor)
  to_slot(self, scratch)
  to_slot(divisor, scratch_b)
  return finished(C.lug_decimal_divide(scratch, scratch_b, scale == nil and -1 or check_scale(scale, 0), number,
    buffer, room))
end

--- It with `scale` decimals; -2 rounds to hundreds.
---@param scale integer|nil 0 when not given
---@param mode lugger.rounding|nil half_up (a half goes away from zero, as in PostgreSQL) when not given
---@return lugger.decimal
function decimal:round(scale, mode)
  local number = mode_number(mode)
  to_slot(self, scratch)
  return finished(C.lug_decimal_round(scratch, check_scale(scale or 0, -1000), number, buffer, room))
end

--- Without its sign.
---@return lugger.decimal
function decimal:abs()
  return order(self, 0) < 0 and -self or self
end

local function grouped(digits, mark)
  local out = digits:reverse():gsub('%d%d%d', '%0\0'):reverse():gsub('^%z', '')
  return (out:gsub('%z', (mark:gsub('%%', '%%%%'))))
end

--- Its text for people: `d:format { scale = 2, decimal = ',', thousands = '.' }` is "1.234.567,90". A number is the
--- scale.
---@param options integer|{ scale: integer?, mode: lugger.rounding?, decimal: string?, thousands: string? }|nil
---@return string
function decimal:format(options)
  if type(options) ~= 'table' then options = { scale = options } end
  fault.check_keys('decimal:format', options, { 'scale', 'mode', 'decimal', 'thousands' })
  local rounded = options.scale and self:round(check_scale(options.scale, 0) --[[@as integer]], options.mode)
    or compute(self, 0, 43)
  local sign, whole, fraction = tostring(rounded):match '^(-?)(%d+)%.?(%d*)$'
  if not whole then return tostring(rounded) end -- NaN, Infinity
  if fraction ~= '' then fraction = (options.decimal or '.') .. fraction end
  return sign .. (options.thousands and grouped(whole, options.thousands) or whole) .. fraction
end

methods.check('decimal', decimal, function(v) return ffi.istype(decimal_type, v) end)
methods.strict('decimal', decimal)
ffi.metatype(decimal_type, {
  __index = decimal,
  __tostring = function(self)
    to_slot(self, scratch)
    return abi.text(function(out, size) return C.lug_value_text(scratch, out, size) end)
  end,
  __concat = methods.concat,
  __eq = function(a, b) return is_number(a) and is_number(b) and order(a, b) == 0 end,
  __lt = function(a, b) return order(a, b) < 0 end,
  __le = function(a, b) return order(a, b) <= 0 end,
  __add = function(a, b) return compute(a, b, 43) end,
  __sub = function(a, b) return compute(a, b, 45) end,
  __mul = function(a, b) return compute(a, b, 42) end,
  __div = function(a, b) return decimals.new(a):div(b) end,
  __mod = function(a, b)
    local dividend, divisor = decimals.new(a), decimals.new(b)
    check_divisor(dividend, divisor)
    return compute(dividend, divisor, 37)
  end,
  __unm = function(a) return compute(0, a, 45) end,
})

return decimals
