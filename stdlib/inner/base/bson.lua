-- Encodes Lua tables as BSON: values that a hook stores in a json column, and arguments of lugger.json.encode.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'
local pg_array = require 'lugger.inner.base.pg_array'
local value = require 'lugger.inner.base.value'
local C, types, ctypes = abi.C, abi.types, value.ctypes

local bson = {}

local bytes_at = ffi.typeof 'const uint8_t *'

local int32, int64, double = ffi.new 'int32_t[1]', ffi.new 'int64_t[1]', ffi.new 'double[1]'

local function le32(n)
  int32[0] = n
  return ffi.string(int32, 4)
end
local function le64(n)
  int64[0] = n
  return ffi.string(int64, 8)
end
local function le_double(n)
  if n ~= n then return '\0\0\0\0\0\0\248\127' end -- always the same bits, whatever 0/0 gives on this machine
  double[0] = n
  return ffi.string(double, 8)
end

---@return never
local function refuse(message)
  return fault.raise('hook', message)
end

local function text_payload(text)
  return le32(#text + 1) .. text .. '\0'
end

local scratch, decimal_out = ffi.new('lug_value') --[[@as lug_value]], ffi.new 'uint8_t[16]'

-- What no BSON type holds is a binary that lugger alone understands (runtime/value/marked.hpp).
local function marked_element()
  return 5, abi.text(function(out, room) return C.lug_value_marked(scratch, out, room) end)
end

local function decimal_element(v)
  value.decimal_slot(v, scratch)
  if C.lug_decimal_bson(scratch, decimal_out) == 0 then return marked_element() end
  return 19, ffi.string(decimal_out, 16)
end

local function date_element(v)
  value.date_slot(v, scratch)
  if scratch.type == types.date then return 9, le64(scratch.i64) end
  return marked_element()
end

-- Other values that PostgreSQL has and BSON has not: intervals, times of day, vectors.
local function other_element(v)
  codec.encode(scratch, v, function(bytes) return bytes end)
  return marked_element()
end

local function binary_element(subtype, data, size)
  local bytes = ffi.string(data, size)
  if subtype == 2 then bytes = le32(size) .. bytes end -- the old generic subtype repeats its length inside
  return 5, le32(#bytes) .. string.char(subtype) .. bytes
end

-- A value's type byte and payload; or nil and what stands for it.
local typed_elements = {
  [types.regex] = function(v) return 11, ffi.string(v.data, v.size) end,
  [types.dbPointer] = function(v) return 12, ffi.string(v.data, v.size) end,
  [types.code] = function(v) return 13, text_payload(ffi.string(v.data, v.size)) end,
  [types.symbol] = function(v) return 14, text_payload(ffi.string(v.data, v.size)) end,
  [types.codeWithScope] = function(v) return 15, ffi.string(v.data, v.size) end,
  [types.timestamp] = function(v) return 17, le64(v.i64) end,
  [types.minKey] = function() return 255, '' end,
  [types.maxKey] = function() return 127, '' end,
  [types.json] = function(v)
    return nil, require('lugger.inner.base.json_value').stored(ffi.string(v.data, v.size))
  end,
}

local function cdata_element(v)
  if document.is(v) then return codec.type(v) == 'array' and 4 or 3, document.to_bson(v)
  elseif ffi.istype(ctypes.int64, v) then return 18, le64(v)
  elseif ffi.istype(ctypes.uint64, v) then
    if v <= 9223372036854775807ULL then return 18, le64(ffi.cast('int64_t', v)) end
    return decimal_element(value.decimal(v))
  elseif ffi.istype(ctypes.double, v) then return 1, le_double(v.number_)
  elseif ffi.istype(ctypes.date, v) then return date_element(v)
  elseif ffi.istype(ctypes.objectid, v) then return 7, ffi.string(v.bytes, 12)
  elseif ffi.istype(ctypes.uuid, v) then return binary_element(4, v.bytes, 16)
  elseif ffi.istype(ctypes.decimal, v) then return decimal_element(v)
  elseif ffi.istype(ctypes.binary, v) then return binary_element(v.subtype, v.data, v.size)
  elseif ffi.istype(ctypes.vector, v) or ffi.istype(ctypes.interval, v) then return other_element(v)
  elseif ffi.istype(ctypes.typed, v) then
    local encode = typed_elements[v.type]
    if encode then return encode(v) end
    local kind, payload = other_element(v)
    if payload ~= '' then return kind, payload end
    return 2, text_payload(tostring(v))
  elseif ffi.istype(ctypes.shared, v) then return nil, require('lugger.inner.script.shared').totable(v)
  end
  refuse(('a %s cannot be part of a document'):format(tostring(ffi.typeof(v))))
end

-- What native code does not know: cdata, tables with a say of their own (`lugger_bson`), and what no document can hold.
local function foreign(v)
  if type(v) == 'cdata' then return cdata_element(v) end
  if v == value.remove then refuse 'lugger.remove is for doc:with alone' end
  if type(v) == 'table' then return getmetatable(v).lugger_bson(v) end
  fault.raise('hook', ('a %s cannot be part of a document'):format(type(v)), codec.method_hint(v))
end

local write = native.table_writer(foreign, value.remove)

--- The names of the fields of a table, in the order in which they are stored: first in the order of lugger.document,
--- then by name.
---@param t table
---@return string[]
function bson.field_names(t)
  local names, refused = write.names(t)
  return names or refuse(refused)
end

--- The BSON bytes of a table: a list becomes an array, any other table a document, its fields in the order
--- of lugger.document, else sorted by name.
---@param t table
---@return string
function bson.encode(t)
  local bytes, refused = write.table(t)
  return bytes or refuse(refused)
end

local function kind_of_change(v)
  if v == value.remove then return 'r' end
  if type(v) == 'number' then return 'n' end
  return type(v) == 'table' and getmetatable(v) == nil and next(v) == nil and 'e' or 's'
end

--- The changes of doc:with for native code: BSON with a path for each name, and a letter for each change.
---@param changes table<string|integer, any>
---@return string bson
---@return string kinds
function bson.patch(changes)
  local by_path, kinds, values = {}, {}, {}
  for key, v in pairs(changes) do by_path[type(key) == 'number' and tostring(key - 1) or key] = v end
  local marked = marks.mark(changes) == 'document'
  local names = bson.field_names(marked and changes or document.document(by_path))
  for i, path in ipairs(names) do
    local v = by_path[path]
    kinds[i] = kind_of_change(v)
    values[i] = v == value.remove and value.null or v
  end
  local bytes, refused = write.fields(names, values)
  return bytes or refuse(refused), table.concat(kinds)
end

--- A value in a new slot, for native code (mappings read defaults from it). The second result owns the memory that the
--- slot points to.
---@param v any
---@return lug_value slot
---@return table held
function bson.slot(v)
  local slot, held = ffi.new('lug_value') --[[@as lug_value]], {}
  codec.encode(slot, v, function(bytes, size)
    held[#held + 1] = ffi.new('uint8_t[?]', math.max(size, 1))
    ffi.copy(held[#held], bytes, size)
    return held[#held]
  end)
  return slot, held
end

--- The text of an _id; nil for what cannot be one. The empty text stands for itself.
---@param id any
---@param style "safe"|"plain"|nil
---@return string|nil
function bson.try_id_text(id, style)
  if id == '' then return '' end
  local slot, held = bson.slot(id)
  local text = abi.text(function(out, room) return C.lug_id_text(slot, style == 'plain' and 1 or 0, out, room) end)
  held[1] = nil -- until here it keeps the slot's memory alive
  return text ~= '' and text or nil
end

--- The same; lugger.id_text is this.
---@param id any
---@param style "safe"|"plain"|nil
---@return string
function bson.id_text(id, style)
  local text = bson.try_id_text(id, style)
  if not text then refuse(('a %s cannot be an _id'):format(codec.type(id))) end
  return text
end

codec.on_table(function(slot, t, copy)
  if t == value.remove then refuse 'lugger.remove is for doc:with alone' end
  local held = pg_array.unchanged(t)
  if held then return codec.encode(slot, held, copy) end
  local address, size, array = write.place(t)
  if address == nil then refuse(size) end
  slot.type, slot.aux, slot.size = array and types.array or types.document, 0, size
  slot.data = copy(ffi.cast(bytes_at, address), size)
end)

return bson
