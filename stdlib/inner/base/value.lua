-- The types that Lua lacks: null, object ids, uuids, dates, decimals, binaries, vectors. Values are immutable, print as
-- text, and are equal when they represent the same value.
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local dates = require 'lugger.inner.base.date'
local decimals = require 'lugger.inner.base.decimal'
local intervals = require 'lugger.inner.base.interval'
local shown = require('lugger.inner.base.shown').value
local C = abi.C

local value = {}

--- Null: a value, distinct from nil (which is "no such field").
value.null = native.null
value.date, value.clock, value.decimal, value.interval = dates.new, dates.clock, decimals.new, intervals.new

local function has_methods(word, class, ctype)
  methods.check(word, class, function(v) return ffi.istype(ctype, v) end)
end

---@return never
local function fail(what, text, hint)
  return fault.raise('coerce', ('%s cannot be read from %s'):format(what, text), hint)
end

local function text_of(slot)
  return abi.text(function(out, room) return C.lug_value_text(slot, out, room) end)
end

-- Object ids

local objectid_type = ffi.typeof('lug_objectid') --[[@as lug_ctype<lugger.objectid>]]

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

--- An ObjectId of MongoDB: 12 bytes; tostring gives its 24 hex digits. Compares with ==, < and <= by its bytes.
---@class lugger.objectid: lug_objectid
---@operator concat(any): string
local objectid = {}

--- The second in which it was created.
---@return lugger.date
function objectid:time()
  local b = self.bytes
  return value.date((((b[0] * 256 + b[1]) * 256 + b[2]) * 256 + b[3]) * 1000)
end

has_methods('objectid', objectid, objectid_type)
methods.strict('objectid', objectid)
ffi.metatype(objectid_type, {
  __index = objectid,
  __tostring = function(self) return hex(self.bytes, 12) end,
  __concat = methods.concat,
  __eq = function(a, b)
    return ffi.istype(objectid_type, a) and ffi.istype(objectid_type, b) and compare_bytes(a.bytes, b.bytes, 12) == 0
  end,
  __lt = function(a, b) return compare_bytes(value.objectid(a).bytes, value.objectid(b).bytes, 12) < 0 end,
  __le = function(a, b) return compare_bytes(value.objectid(a).bytes, value.objectid(b).bytes, 12) <= 0 end,
})

--- An ObjectId from its 24 hex digits.
---@param text string|lugger.objectid
---@return lugger.objectid
function value.objectid(text)
  if ffi.istype(objectid_type, text) then return text --[[@as lugger.objectid]] end
  local out = objectid_type()
  if type(text) ~= 'string' or C.lug_objectid_parse(text, #text, out) == 0 then
    fail('an object id', shown(text), 'give 24 hex digits')
  end
  return out
end

-- UUIDs

local uuid_type = ffi.typeof('lug_uuid') --[[@as lug_ctype<lugger.uuid>]]

-- Here nil is no new uuid.
local function as_uuid(v)
  return value.uuid(v == nil and value.null or v)
end

ffi.metatype(uuid_type, {
  __tostring = function(self)
    local h = hex(self.bytes, 16)
    return ('%s-%s-%s-%s-%s'):format(h:sub(1, 8), h:sub(9, 12), h:sub(13, 16), h:sub(17, 20), h:sub(21))
  end,
  __concat = methods.concat,
  __eq = function(a, b)
    return ffi.istype(uuid_type, a) and ffi.istype(uuid_type, b) and compare_bytes(a.bytes, b.bytes, 16) == 0
  end,
  __lt = function(a, b) return compare_bytes(as_uuid(a).bytes, as_uuid(b).bytes, 16) < 0 end,
  __le = function(a, b) return compare_bytes(as_uuid(a).bytes, as_uuid(b).bytes, 16) <= 0 end,
})

--- A UUID: 16 bytes. Compares with ==, < and <= by its bytes.
---@class lugger.uuid: lug_uuid
---@operator concat(any): string

--- A UUID from its text; without an argument, a new UUID of version 7.
---@param text string|lugger.uuid|nil
---@return lugger.uuid
function value.uuid(text)
  if ffi.istype(uuid_type, text) then return text --[[@as lugger.uuid]] end
  local out = uuid_type()
  if text == nil then
    C.lug_uuid_v7(out)
  elseif type(text) ~= 'string' or C.lug_uuid_parse(text, #text, out) == 0 then
    fail('a uuid', shown(text), 'write it like 0190f2c4-8a01-7cc3-98c4-dc0c0c07398f')
  end
  return out
end

--- A UUID of version 5: the same for the same namespace and name.
---@param space string|lugger.uuid
---@param name string
---@return lugger.uuid
function value.uuid_v5(space, name)
  local out = uuid_type()
  if type(name) ~= 'string' then fail('a name for uuid_v5', shown(name), 'give text: uuid_v5(space, tostring(id))') end
  C.lug_uuid_v5(as_uuid(space), name, #name, out)
  return out
end

-- Binaries, vectors, and everything else

local binary_type = ffi.typeof('lug_binary') --[[@as lug_ctype<lugger.binary>]]
-- A double with an integral value: a plain Lua number would be stored as an integer.
local double_type = ffi.typeof('lug_double') --[[@as lug_ctype<lugger.double>]]

--- Bytes that are not text, with their subtype in BSON. Equal when bytes and subtype are.
---@class lugger.binary: lug_binary
---@field subtype integer
---@operator len: integer
---@operator concat(any): string
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
methods.strict('binary', binary)
ffi.metatype(binary_type, {
  __index = binary,
  __len = function(self) return self.size end,
  __tostring = function(self) return hex(self.data, self.size) end,
  __concat = methods.concat,
  __eq = function(a, b)
    return ffi.istype(binary_type, a) and ffi.istype(binary_type, b) and a.size == b.size and a.subtype == b.subtype
      and compare_bytes(a.data, b.data, a.size) == 0
  end,
})

--- Bytes that are not text.
---@param bytes string
---@param subtype integer|nil BSON's subtype, 0 to 255; 0 when not given
---@return lugger.binary
function value.binary(bytes, subtype)
  if ffi.istype(binary_type, bytes) and subtype == nil then return bytes --[[@as lugger.binary]] end
  if type(bytes) ~= 'string' then fail('a binary', shown(bytes), 'give its bytes as text') end
  subtype = subtype or 0
  if type(subtype) ~= 'number' or not (subtype >= 0 and subtype <= 255) or subtype ~= math.floor(subtype) then
    fault.raise('coerce', ('a binary cannot have the subtype %s'):format(shown(subtype)), 'subtypes are 0 to 255')
  end
  local out = binary_type(#bytes) --[[@as lugger.binary]]
  out.size, out.subtype = #bytes, subtype
  ffi.copy(out.data, bytes, #bytes)
  return out
end

-- Integers

local function int64_of_text(text)
  local digits = text:match('^%s*([+-]?%d+)%s*$')
  if not digits then return nil end
  local out = 0LL ---@type any
  for digit in digits:gmatch('%d') do out = out * 10 + tonumber(digit) --[[@as number]] end
  out = digits:sub(1, 1) == '-' and -out or out
  local plain = digits:gsub('^%+', ''):gsub('^(-?)0+(%d)', '%1%2'):gsub('^%-0$', '0')
  if tostring(out) ~= plain then return nil, 'it is out of range' end
  return out
end

--- An exact 64-bit integer from a whole number, its digits, or a decimal without a fraction.
---@param from number|string|lugger.decimal|ffi.cdata*
---@return ffi.cdata*
function value.int64(from)
  local kind, out, why = type(from), nil, nil
  if ffi.istype('int64_t', from) then return from --[[@as ffi.cdata*]] end
  if kind == 'string' then
    out, why = int64_of_text(from)
  elseif kind == 'number' then
    if from >= -9223372036854775808 and from < 9223372036854775808 and from == math.floor(from) then
      return ffi.cast('int64_t', from)
    end
    why = from == from and from == math.floor(from) and 'it is out of range' or 'give a whole number'
  elseif ffi.istype(decimals.type, from) then
    local whole = (from --[[@as lugger.decimal]]):round(0)
    if whole == from then out, why = int64_of_text(tostring(whole)) else why = 'give a whole number' end
  elseif ffi.istype('uint64_t', from) then
    out, why = int64_of_text(tostring(from))
  elseif ffi.istype(double_type, from) then
    return value.int64((from --[[@as lug_double]]).number_)
  end
  return out or fail('an int64', shown(from), why)
end

--- A number that stays a double in documents although it is whole. It computes and compares as its number.
---@class lugger.double: lug_double
---@operator add(number): number
---@operator sub(number): number
---@operator mul(number): number
---@operator div(number): number
---@operator unm: number
---@operator concat(any): string
local double = {}

--- The number.
---@return number
function double:number()
  return self.number_
end

has_methods('double', double, double_type)
methods.strict('double', double)

local function number_of(v)
  return ffi.istype(double_type, v) and v.number_ or v
end

-- Computes as its number: only what is stored is told apart.
ffi.metatype(double_type, {
  __index = double,
  __tostring = function(self) return tostring(self.number_) end,
  __concat = methods.concat,
  __eq = function(a, b) return number_of(a) == number_of(b) end,
  __lt = function(a, b) return number_of(a) < number_of(b) end,
  __le = function(a, b) return number_of(a) <= number_of(b) end,
  __add = function(a, b) return number_of(a) + number_of(b) end,
  __sub = function(a, b) return number_of(a) - number_of(b) end,
  __mul = function(a, b) return number_of(a) * number_of(b) end,
  __div = function(a, b) return number_of(a) / number_of(b) end,
  __unm = function(a) return -a.number_ end,
})

--- A number that is stored in documents as a double even if it is integral: `double(3)`.
---@param number number
---@return lugger.double
function value.double(number)
  if ffi.istype(double_type, number) then return number --[[@as lugger.double]] end
  if ffi.istype('int64_t', number) then number = tonumber(number) --[[@as number]] end
  if type(number) ~= 'number' then fail('a double', shown(number), 'give a number') end
  return double_type(number)
end

--- What removes a field in `doc:with`.
value.remove = setmetatable({}, { __name = 'remove', __tostring = function() return 'remove' end })

value.ctypes = {
  objectid = objectid_type, uuid = uuid_type, date = dates.type, interval = intervals.type,
  decimal = decimals.type, binary = binary_type,
  vector = ffi.typeof 'lug_vector', typed = ffi.typeof 'lug_typed', own = ffi.typeof 'lug_own',
  doc = ffi.typeof 'lug_doc', shared = ffi.typeof 'lug_shared',
  double = double_type, row = ffi.typeof 'lug_row',
  int64 = ffi.typeof 'int64_t', uint64 = ffi.typeof 'uint64_t',
}
value.date_slot, value.read_date, value.date_utc_text = dates.slot, dates.read, dates.utc_text
value.interval_slot, value.interval_of_slot = intervals.slot, intervals.of_slot
value.interval_key = intervals.key
value.decimal_slot, value.new_decimal = decimals.slot, decimals.make
value.text_of = text_of
value.compare_bytes = compare_bytes

return value
