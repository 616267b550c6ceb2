-- Converts slots (lug_value) to Lua values and back.
local abi = require 'lugger.inner.base.abi'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local concat = require('lugger.inner.base.methods').concat
local shown = require('lugger.inner.base.shown').value
local value = require 'lugger.inner.base.value'
local C, types, null = abi.C, abi.types, value.null
local ctypes = value.ctypes

local codec = {}

-- Vectors and the rest

--- A vector of float32 numbers: v[1], #v, ipairs. Equal when all numbers are.
---@class lugger.vector: lug_vector
---@field [integer] number from 1
---@operator len: integer
---@operator concat(any): string
local vector = {}

--- Its numbers as a Lua table.
---@return number[]
function vector:totable()
  local out = {}
  for i = 0, self.size - 1 do out[i + 1] = self.data[i] end
  return out
end

local function each_number(self)
  local function step(v, i)
    if i < v.size then return i + 1, v.data[i] end
  end
  return step, self, 0
end

ffi.metatype(ctypes.vector, {
  __index = function(self, key)
    if type(key) == 'number' then return key >= 1 and key <= self.size and self.data[key - 1] or nil end
    return vector[key]
  end,
  __len = function(self) return self.size end,
  __ipairs = each_number,
  __pairs = each_number,
  __concat = concat,
  __tostring = function(self)
    local out = {}
    for i = 0, self.size - 1 do out[i + 1] = ('%.9g'):format(self.data[i]) end
    return '[' .. table.concat(out, ',') .. ']'
  end,
  __eq = function(a, b)
    if not (ffi.istype(ctypes.vector, a) and ffi.istype(ctypes.vector, b)) or a.size ~= b.size then return false end
    for i = 0, a.size - 1 do
      if a.data[i] ~= b.data[i] then return false end
    end
    return true
  end,
})

--- A vector of float32 numbers.
---@param numbers number[]|lugger.vector
---@return lugger.vector
function codec.vector(numbers)
  if ffi.istype(ctypes.vector, numbers) then return numbers --[[@as lugger.vector]] end
  if type(numbers) ~= 'table' and type(numbers) ~= 'cdata' then
    fault.raise('coerce', ('a vector cannot be read from %s'):format(shown(numbers)), 'give a list of numbers')
  end
  local out = ctypes.vector(#numbers) --[[@as lugger.vector]]
  out.size = #numbers
  for i = 1, #numbers do
    local number = tonumber(numbers[i])
    if type(numbers[i]) == 'string' or not number or number == number and math.abs(number) ~= math.huge
        and math.abs(number) >= 3.4028235677973366e38 then
      fault.raise('coerce', ('element %d of a vector cannot be %s'):format(i, shown(numbers[i])),
        'its elements are float4 numbers')
    end
    out.data[i - 1] = number
  end
  return out
end

---@type table<integer, boolean>
local carries_i64 = { [types.timestamp] = true, [types.time] = true, [types.minKey] = true, [types.maxKey] = true,
  [types.undefined] = true }

local function typed_slot(self, slot)
  slot.type, slot.flags, slot.aux, slot.size = self.type, 0, self.aux, self.size
  if carries_i64[self.type] then slot.i64 = self.i64 else slot.data = self.data end
end

--- A value of a type that has no class of its own here: regex, timestamp, time, minKey, ...
---@class lugger.typed: lug_typed
---@operator concat(any): string
local typed = {}

local scratch = ffi.new('lug_value') --[[@as lug_value]]

--- The word for its type.
---@return string
function typed:kind()
  return abi.words[self.type]
end

ffi.metatype(ctypes.typed, {
  __index = typed,
  __concat = concat,
  __tostring = function(self)
    typed_slot(self, scratch)
    return value.text_of(scratch)
  end,
  __eq = function(a, b)
    return ffi.istype(ctypes.typed, a) and ffi.istype(ctypes.typed, b) and a.type == b.type and a.size == b.size
      and a.aux == b.aux and a.i64 == b.i64 and value.compare_bytes(a.data, b.data, a.size) == 0
  end,
})

-- Decoding

local function new_typed(v)
  local size = carries_i64[v.type] and 0 or v.size
  local out = ctypes.typed(size) --[[@as lugger.typed]]
  out.type, out.aux, out.size = v.type, v.aux, size
  if carries_i64[v.type] then out.i64 = v.i64 else ffi.copy(out.data, v.data, size) end
  return out
end

local function integer(v)
  local i = v.i64
  if i >= -9007199254740992LL and i <= 9007199254740992LL then return tonumber(i) end
  return i
end

local function fixed(ctype, size)
  return function(v)
    local out = ctype()
    ffi.copy(out, v.data, size)
    return out
  end
end
local new_uuid = fixed(ctypes.uuid, 16)

local function new_date(v)
  local out = ctypes.date()
  C.lug_date_from_value(v, out)
  return out
end

local function new_decimal(v)
  return value.new_decimal(v.type, v.data, v.size > 0 and v.size or 16)
end

---@type table<integer, fun(v: lug_value, batch: lug_batch|nil): any>
local decoders = {
  [types.missing] = function() return nil end,
  [types.null] = function() return null end,
  [types.undefined] = function() return null end,
  [types.bool] = function(v) return v.i64 ~= 0 end,
  [types.int32] = integer,
  [types.int64] = integer,
  [types.double] = function(v) return v.f64 end,
  [types.decimal] = new_decimal,
  [types.numeric] = new_decimal,
  [types.string] = function(v) return ffi.string(v.data, v.size) end,
  [types.pgtext] = function(v) return ffi.string(v.data, v.size) end,
  [types.binary] = function(v)
    if v.aux == 4 and v.size == 16 then return new_uuid(v) end
    local out = ctypes.binary(v.size) --[[@as lugger.binary]]
    out.size, out.subtype = v.size, v.aux
    ffi.copy(out.data, v.data, v.size)
    return out
  end,
  [types.objectId] = fixed(ctypes.objectid, 12),
  [types.uuid] = new_uuid,
  [types.date] = new_date,
  [types.timestamptz] = new_date,
  [types.day] = new_date,
  [types.interval] = value.interval_of_slot,
  [types.vector] = function(v)
    local count = (v.size / 4) --[[@as integer]]
    local out = ctypes.vector(count) --[[@as lugger.vector]]
    out.size = count
    C.lug_vector_read(v, out.data, count) -- not copied: to LuaJIT a NaN with other bits is a value of another type
    return out
  end,
}
--- For pg_array.lua: makes an opaque value from its bytes.
codec.typed = new_typed

for number = 0, 34 do decoders[number] = decoders[number] or new_typed end

--- The Lua value of a slot. With `batch`, nested documents are views into it; otherwise they are copies.
---@param v lug_value
---@param batch lug_batch|nil
---@return any
function codec.decode(v, batch)
  local out = decoders[v.type](v, batch) -- no tail call: LuaJIT gives up a trace that has many of them
  return out
end

--- For document.lua, which registers how documents and arrays are decoded.
---@param number integer the type of lug_value
---@param decoder fun(v: lug_value, batch: lug_batch|nil): any
function codec.on_decode(number, decoder)
  decoders[number] = decoder
end

-- Encoding

local function bytes(slot, kind, data, size, copy)
  slot.type, slot.aux, slot.size = kind, 0, size
  slot.data = copy(data, size)
end

local encoders = {} -- by the number of the ctype

--- For document.lua: registers how values of a ctype are put into slots, with fn(slot, value, copy).
---@param ctype ffi.ctype*
---@param encoder fun(slot: lug_value, v: any, copy: function)
function codec.on_encode(ctype, encoder)
  encoders[tonumber(ctype)] = encoder
end

codec.on_encode(ctypes.date, function(slot, v) value.date_slot(v, slot) end)
codec.on_encode(ctypes.interval, function(slot, v, copy)
  value.interval_slot(v, slot)
  slot.data = copy(slot.data, 16)
end)
codec.on_encode(ctypes.decimal, function(slot, v, copy) bytes(slot, v.type, v.data, v.size, copy) end)
codec.on_encode(ctypes.objectid, function(slot, v, copy) bytes(slot, types.objectId, v.bytes, 12, copy) end)
codec.on_encode(ctypes.uuid, function(slot, v, copy) bytes(slot, types.uuid, v.bytes, 16, copy) end)
codec.on_encode(ctypes.vector, function(slot, v, copy)
  bytes(slot, types.vector, ffi.cast('const uint8_t *', v.data), v.size * 4, copy)
end)
codec.on_encode(ctypes.binary, function(slot, v, copy)
  bytes(slot, types.binary, v.data, v.size, copy)
  slot.aux = v.subtype
end)
codec.on_encode(ctypes.typed, function(slot, v, copy)
  typed_slot(v, slot)
  if not carries_i64[v.type] then slot.data = copy(v.data, v.size) end
end)
codec.on_encode(ctypes.double, function(slot, v)
  slot.type, slot.size, slot.f64 = types.double, 0, v.number_
end)
codec.on_encode(ctypes.int64, function(slot, v)
  slot.type, slot.size, slot.i64 = types.int64, 0, v
end)

-- What an int64 does not hold is a numeric.
codec.on_encode(ctypes.uint64, function(slot, v, copy)
  if v <= 9223372036854775807ULL then
    slot.type, slot.size, slot.i64 = types.int64, 0, ffi.cast('int64_t', v)
  else
    local made = value.decimal(v)
    bytes(slot, made.type, made.data, made.size, copy)
  end
end)

local encode_table ---@type fun(slot: lug_value, v: table, copy: function)

--- For bson.lua: registers how a plain table is put into a slot, with fn(slot, table, copy).
---@param encoder fun(slot: lug_value, v: table, copy: function)
function codec.on_table(encoder)
  encode_table = encoder
end

--- Puts a Lua value into a slot. `copy(bytes, size)` gives memory that lives as long as the slot.
---@param slot lug_value
---@param v any
---@param copy fun(bytes: any, size: integer): ffi.cdata*
function codec.encode(slot, v, copy)
  local kind = type(v)
  if kind == 'string' then
    slot.type, slot.aux, slot.size = types.string, 0, #v
    slot.data = copy(v, #v)
  elseif kind == 'number' then
    slot.size = 0
    if v >= -9007199254740992 and v <= 9007199254740992 and v == math.floor(v) and (v ~= 0 or 1 / v > 0) then
      slot.type, slot.i64 = types.int64, v
    else
      slot.type, slot.f64 = types.double, v
    end
  elseif kind == 'boolean' then
    slot.type, slot.size, slot.i64 = types.bool, 0, v and 1 or 0
  elseif v == nil or v == null then
    -- Both are NULL in a slot. i64 tells them apart when a document is written: nil removes a field
    -- (runtime/fix/mapper.cpp). nil is a row's NULL, also where json_null keeps null.
    slot.type, slot.size, slot.i64 = types.null, 0, v == null and 1 or 0
    slot.aux = v == nil and 1 or 0
  elseif kind == 'cdata' then
    local encode = encoders[tonumber(ffi.typeof(v))]
    if not encode then fault.raise('hook', 'a ' .. tostring(ffi.typeof(v)) .. ' cannot be stored') end
    encode(slot, v, copy)
  elseif kind == 'table' then
    encode_table(slot, v, copy)
  else
    fault.raise('hook', ('a %s cannot be stored in a column'):format(kind), codec.method_hint(v))
  end
end

--- What to say about a function that was meant as a value: a document without a field "copy" gives its method.
---@param v any
---@return string|nil
function codec.method_hint(v)
  for name, method in pairs(type(v) == 'function' and package.loaded['lugger.inner.base.document'].methods or {}) do
    if method == v then return ('the document has no field "%s": doc:get \'%s\' gives nil then'):format(name, name) end
  end
end

-- True for a list that was read from a PostgreSQL array.
local function pg_array(v)
  local meta = getmetatable(v)
  return type(meta) == 'table' and meta.lugger_array ~= nil
end

--- The word for a value's type: "string", "int32", "decimal", "document", ... Lua numbers are "number".
---@param v any
---@return string
function codec.type(v)
  if v == null then return 'null' end
  local kind = type(v)
  if kind == 'table' and pg_array(v) then return 'array' end
  if kind ~= 'cdata' then return kind end
  for name, ctype in pairs(ctypes) do
    if ffi.istype(ctype, v) then
      if name == 'typed' then return abi.words[v.type] end
      if name == 'doc' or name == 'own' then return v.lug_array_ == 1 and 'array' or 'document' end
      return name
    end
  end
  return kind
end

return codec
