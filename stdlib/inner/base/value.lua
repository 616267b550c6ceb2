-- The types that Lua lacks: null, object ids, uuids, dates, decimals, binaries, vectors. Values are immutable, print as
-- text, and are equal when they represent the same value.
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local C, types = abi.C, abi.types

local value = {}

--- Null: a value, distinct from nil (which is "no such field").
value.null = native.null

local function has_methods(word, class, ctype)
  methods.check(word, class, function(v) return ffi.istype(ctype, v) end)
end

local scratch, scratch_b = ffi.new 'lug_value', ffi.new 'lug_value'

local function fail(what, text, hint)
  fault.raise('coerce', ('%s cannot be read from %s'):format(what, text), hint)
end

local function show(given)
  return type(given) == 'string' and ('"%s"'):format(given) or ('a ' .. type(given))
end

local function text_of(slot)
  return abi.text(function(out, room) return C.lug_value_text(slot, out, room) end)
end

-- Object ids

local objectid_type = ffi.typeof 'lug_objectid'

local function hex(bytes, size)
  local out = {}
  for i = 0, size - 1 do out[i + 1] = ('%02x'):format(bytes[i]) end
  return table.concat(out)
end

local function compare_bytes(a, b, size)
  for i = 0, size - 1 do
    if a[i] ~= b[i] then return a[i] < b[i] and -1 or 1 end
  end
  return 0
end

---@class lugger.objectid
local objectid = {}

--- The second in which it was created.
---@return lugger.date
function objectid:time()
  local b = self.bytes
  return value.date((((b[0] * 256 + b[1]) * 256 + b[2]) * 256 + b[3]) * 1000)
end

has_methods('objectid', objectid, objectid_type)
ffi.metatype(objectid_type, {
  __index = objectid,
  __tostring = function(self) return hex(self.bytes, 12) end,
  __eq = function(a, b)
    return ffi.istype(objectid_type, a) and ffi.istype(objectid_type, b) and compare_bytes(a.bytes, b.bytes, 12) == 0
  end,
  __lt = function(a, b) return compare_bytes(a.bytes, b.bytes, 12) < 0 end,
  __le = function(a, b) return compare_bytes(a.bytes, b.bytes, 12) <= 0 end,
})

--- An ObjectId from its 24 hex digits.
---@param text string|lugger.objectid
---@return lugger.objectid
function value.objectid(text)
  if ffi.istype(objectid_type, text) then return text end
  local out = objectid_type()
  if type(text) ~= 'string' or C.lug_objectid_parse(text, #text, out) == 0 then
    fail('an object id', show(text), 'give 24 hex digits')
  end
  return out
end

-- UUIDs

local uuid_type = ffi.typeof 'lug_uuid'

ffi.metatype(uuid_type, {
  __tostring = function(self)
    local h = hex(self.bytes, 16)
    return ('%s-%s-%s-%s-%s'):format(h:sub(1, 8), h:sub(9, 12), h:sub(13, 16), h:sub(17, 20), h:sub(21))
  end,
  __eq = function(a, b)
    return ffi.istype(uuid_type, a) and ffi.istype(uuid_type, b) and compare_bytes(a.bytes, b.bytes, 16) == 0
  end,
  __lt = function(a, b) return compare_bytes(a.bytes, b.bytes, 16) < 0 end,
  __le = function(a, b) return compare_bytes(a.bytes, b.bytes, 16) <= 0 end,
})

---@class lugger.uuid

--- A UUID from its text; without an argument, a new UUID of version 7.
---@param text string|lugger.uuid|nil
---@return lugger.uuid
function value.uuid(text)
  if ffi.istype(uuid_type, text) then return text end
  local out = uuid_type()
  if text == nil then
    C.lug_uuid_v7(out)
  elseif type(text) ~= 'string' or C.lug_uuid_parse(text, #text, out) == 0 then
    fail('a uuid', show(text), 'write it like 0190f2c4-8a01-7cc3-98c4-dc0c0c07398f')
  end
  return out
end

--- A UUID of version 5: the same for the same namespace and name.
---@param space string|lugger.uuid
---@param name string
---@return lugger.uuid
function value.uuid_v5(space, name)
  local out = uuid_type()
  C.lug_uuid_v5(value.uuid(space), name, #name, out)
  return out
end

-- Dates

local date_type = ffi.typeof 'lug_date'

---@class lugger.date
local date = {}

--- Seconds since 1970, with their fraction.
---@return number
function date:unix()
  return tonumber(self.ms) / 1000 + self.us / 1e6
end

--- Milliseconds since 1970.
---@return number
function date:milliseconds()
  return tonumber(self.ms)
end

--- A date that is this many seconds later.
---@param seconds number
---@return lugger.date
function date:add(seconds)
  local micros = math.floor(seconds * 1e6 + 0.5) + self.us
  return date_type(self.ms + math.floor(micros / 1000), micros % 1000, 0)
end

local function date_order(a, b)
  if a.ms ~= b.ms then return a.ms < b.ms and -1 or 1 end
  return a.us < b.us and -1 or a.us > b.us and 1 or 0
end

local function date_slot(self, slot)
  if self.day == 1 then
    slot.type, slot.flags, slot.size = types.day, 0, 0
    slot.i64 = (self.ms - 946684800000LL) / 86400000LL
  else
    C.lug_date_to_value(self, slot)
  end
end

has_methods('date', date, date_type)
ffi.metatype(date_type, {
  __index = date,
  __tostring = function(self)
    date_slot(self, scratch)
    return text_of(scratch)
  end,
  __eq = function(a, b) return ffi.istype(date_type, a) and ffi.istype(date_type, b) and date_order(a, b) == 0 end,
  __lt = function(a, b) return date_order(value.date(a), value.date(b)) < 0 end,
  __le = function(a, b) return date_order(value.date(a), value.date(b)) <= 0 end,
  __sub = function(a, b) return value.date(a):unix() - value.date(b):unix() end,
})

--- A date from ISO text ("2026-03-11", "2026-03-11T09:30:00.5Z"; UTC unless a zone is given) or from Unix milliseconds.
---@param from string|number|lugger.date
---@return lugger.date
function value.date(from)
  if ffi.istype(date_type, from) then return from end
  if type(from) == 'number' or ffi.istype('int64_t', from) then return date_type(from, 0, 0) end
  local out = date_type()
  if type(from) ~= 'string' or C.lug_date_parse(from, #from, out) == 0 then
    fail('a date', show(from), 'write it like 2026-03-11T09:30:00Z')
  end
  return out
end

--- The current time of the clock, in microseconds.
---@return lugger.date
function value.clock()
  local micros = C.lug_now_micros()
  return date_type(micros / 1000, tonumber(micros % 1000), 0)
end

-- Decimals

local decimal_type = ffi.typeof 'lug_decimal'

local function decimal_slot(self, slot)
  slot.type, slot.flags, slot.aux, slot.size, slot.data = self.type, 0, 0, self.size, self.data
end

local parse_room = 4096
local parse_buffer = ffi.new('uint8_t[?]', parse_room)

local function new_decimal(kind, data, size)
  local out = decimal_type(size)
  out.size, out.type = size, kind
  ffi.copy(out.data, data, size)
  return out
end

local function parse_decimal(text)
  if #text > parse_room then
    parse_room = #text + 64
    parse_buffer = ffi.new('uint8_t[?]', parse_room)
  end
  local size = C.lug_decimal_parse(text, #text, parse_buffer, parse_room)
  return size ~= 0 and new_decimal(types.numeric, parse_buffer, size) or nil
end

--- An exact decimal from text ("9.99"), a number (its shortest digits) or an int64.
---@param from string|number|lugger.decimal
---@return lugger.decimal
function value.decimal(from)
  if ffi.istype(decimal_type, from) then return from end
  local text = from
  if type(from) == 'number' then text = ('%.17g'):format(from)
    for digits = 1, 16 do
      local short = ('%.' .. digits .. 'g'):format(from)
      if tonumber(short) == from then text = short break end
    end
  elseif type(from) == 'cdata' then text = tostring(from) end
  local out = type(text) == 'string' and parse_decimal(text)
  if not out then fail('a decimal', show(from), 'write it like -12.50') end
  return out
end

local function compute(a, b, op)
  decimal_slot(value.decimal(a), scratch)
  decimal_slot(value.decimal(b), scratch_b)
  local size = C.lug_decimal_compute(scratch, scratch_b, op, parse_buffer, parse_room)
  if size == 0 then fault.raise('coerce', 'the decimal result is too long') end
  return new_decimal(types.numeric, parse_buffer, size)
end

local function decimal_order(a, b)
  decimal_slot(value.decimal(a), scratch)
  decimal_slot(value.decimal(b), scratch_b)
  return C.lug_decimal_compare(scratch, scratch_b)
end

---@class lugger.decimal
local decimal = {}

--- The nearest Lua number: digits beyond the seventeenth are lost.
---@return number
function decimal:number()
  decimal_slot(self, scratch)
  return C.lug_decimal_number(scratch)
end

has_methods('decimal', decimal, decimal_type)
ffi.metatype(decimal_type, {
  __index = decimal,
  __tostring = function(self)
    decimal_slot(self, scratch)
    return text_of(scratch)
  end,
  __eq = function(a, b)
    return ffi.istype(decimal_type, a) and ffi.istype(decimal_type, b) and decimal_order(a, b) == 0
  end,
  __lt = function(a, b) return decimal_order(a, b) < 0 end,
  __le = function(a, b) return decimal_order(a, b) <= 0 end,
  __add = function(a, b) return compute(a, b, 43) end,
  __sub = function(a, b) return compute(a, b, 45) end,
  __mul = function(a, b) return compute(a, b, 42) end,
  __unm = function(a) return compute(0, a, 45) end,
})

-- Binaries, vectors, and everything else

local binary_type = ffi.typeof 'lug_binary'

---@class lugger.binary
---@field subtype integer
local binary = {}

--- Its bytes as a Lua string.
---@return string
function binary:bytes()
  return ffi.string(self.data, self.size)
end

--- Its bytes as hex digits.
---@return string
function binary:hex()
  return hex(self.data, self.size)
end

has_methods('binary', binary, binary_type)
ffi.metatype(binary_type, {
  __index = binary,
  __len = function(self) return self.size end,
  __tostring = function(self) return hex(self.data, self.size) end,
  __eq = function(a, b)
    return ffi.istype(binary_type, a) and ffi.istype(binary_type, b) and a.size == b.size and a.subtype == b.subtype
      and compare_bytes(a.data, b.data, a.size) == 0
  end,
})

--- Bytes that are not text.
---@param bytes string
---@param subtype integer|nil BSON's subtype, 0 when not given
---@return lugger.binary
function value.binary(bytes, subtype)
  local out = binary_type(#bytes)
  out.size, out.subtype = #bytes, subtype or 0
  ffi.copy(out.data, bytes, #bytes)
  return out
end

--- An exact 64-bit integer.
---@param from number|string|ffi.cdata*
---@return ffi.cdata*
function value.int64(from)
  if type(from) == 'string' then
    local digits = from:match('^%s*([+-]?%d+)%s*$')
    local out = digits and 0LL
    for digit in (digits or ''):gmatch('%d') do out = out * 10 + tonumber(digit) end
    if not out then fail('an int64', show(from)) end
    out = digits:sub(1, 1) == '-' and -out or out
    if tostring(out) ~= (digits:gsub('^%+', ''):gsub('^(-?)0+(%d)', '%1%2')) then
      fail('an int64', show(from), 'it is out of range')
    end
    return out
  end
  return ffi.cast('int64_t', from)
end

-- A double with an integral value: a plain Lua number would be stored as an integer.
local double_type = ffi.typeof 'lug_double'

---@class lugger.double
local double = {}

--- The number.
---@return number
function double:number()
  return self.number_
end

has_methods('double', double, double_type)
ffi.metatype(double_type, {
  __index = double,
  __tostring = function(self) return tostring(self.number_) end,
  __eq = function(a, b)
    return ffi.istype(double_type, a) and ffi.istype(double_type, b) and a.number_ == b.number_
  end,
})

--- A number that is stored in documents as a double even if it is integral: `double(3)`.
---@param number number
---@return lugger.double
function value.double(number)
  return double_type(number)
end

value.ctypes = {
  objectid = objectid_type, uuid = uuid_type, date = date_type, decimal = decimal_type, binary = binary_type,
  vector = ffi.typeof 'lug_vector', typed = ffi.typeof 'lug_typed', own = ffi.typeof 'lug_own',
  doc = ffi.typeof 'lug_doc', double = double_type, row = ffi.typeof 'lug_row', int64 = ffi.typeof 'int64_t',
}
value.date_slot, value.decimal_slot, value.new_decimal, value.text_of = date_slot, decimal_slot, new_decimal, text_of
value.compare_bytes = compare_bytes

return value
