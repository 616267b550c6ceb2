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

-- Interpreted, because the LuaJIT of Debian 12 (2.1.0-beta3 of March 2022) compiles this recursion wrongly and loses
-- deeply nested values.
jit.off(true, true)

local bson = {}

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

local function refuse(message)
  fault.raise('hook', message)
end

local function text_payload(text)
  return le32(#text + 1) .. text .. '\0'
end

-- `kind` is the type that the number had, where it came from a document.
local function number_element(n, kind)
  if kind == types.double then return '\1', le_double(n) end
  if kind == types.int64 and n == math.floor(n) and math.abs(n) <= 9007199254740992 then return '\18', le64(n) end
  if n == math.floor(n) and n >= -9007199254740992 and n <= 9007199254740992 and (n ~= 0 or 1 / n > 0) then
    if n >= -2147483648 and n <= 2147483647 then return '\16', le32(n) end
    return '\18', le64(n)
  end
  return '\1', le_double(n)
end

local decimal_out, decimal_slot = ffi.new 'uint8_t[16]', ffi.new 'lug_value'

local function decimal_element(v)
  value.decimal_slot(v, decimal_slot)
  if C.lug_decimal_bson(decimal_slot, decimal_out) == 0 then
    refuse(('%s has more digits than a decimal inside a document holds (34)'):format(tostring(v)))
  end
  return '\19', ffi.string(decimal_out, 16)
end

local function date_element(v)
  -- BSON's dates have milliseconds. Dates with microseconds, and calendar days, are stored as text.
  if v.lug_us_ ~= 0 or v.lug_day_ == 1 then return '\2', text_payload(tostring(v)) end
  return '\9', le64(v.lug_ms_)
end

local function binary_element(subtype, data, size)
  local bytes = ffi.string(data, size)
  if subtype == 2 then bytes = le32(size) .. bytes end -- the old generic subtype repeats its length inside
  return '\5', le32(#bytes) .. string.char(subtype) .. bytes
end

local typed_elements = {
  [types.regex] = function(v) return '\11', ffi.string(v.data, v.size) end,
  [types.dbPointer] = function(v) return '\12', ffi.string(v.data, v.size) end,
  [types.code] = function(v) return '\13', text_payload(ffi.string(v.data, v.size)) end,
  [types.symbol] = function(v) return '\14', text_payload(ffi.string(v.data, v.size)) end,
  [types.codeWithScope] = function(v) return '\15', ffi.string(v.data, v.size) end,
  [types.timestamp] = function(v) return '\17', le64(v.i64) end,
  [types.minKey] = function() return '\255', '' end,
  [types.maxKey] = function() return '\127', '' end,
  [types.json] = function(v)
    local parsed = document.from_bson(native.json_decode(ffi.string(v.data, v.size)))
    return bson.element(document.methods.has(parsed, '') and parsed[''] or parsed, 0)
  end,
}

local function cdata_element(v)
  if document.is(v) then
    return codec.type(v) == 'array' and '\4' or '\3', document.to_bson(v)
  elseif ffi.istype(ctypes.int64, v) then return '\18', le64(v)
  elseif ffi.istype(ctypes.double, v) then return '\1', le_double(v.number_)
  elseif ffi.istype(ctypes.date, v) then return date_element(v)
  elseif ffi.istype(ctypes.objectid, v) then return '\7', ffi.string(v.bytes, 12)
  elseif ffi.istype(ctypes.uuid, v) then return binary_element(4, v.bytes, 16)
  elseif ffi.istype(ctypes.decimal, v) then return decimal_element(v)
  elseif ffi.istype(ctypes.binary, v) then return binary_element(v.subtype, v.data, v.size)
  elseif ffi.istype(ctypes.vector, v) then return '\4', bson.encode(v:totable(), 0)
  elseif ffi.istype(ctypes.typed, v) then
    local encode = typed_elements[v.type]
    if encode then return encode(v) end
    return '\2', text_payload(tostring(v))
  end
  if ffi.istype(ctypes.shared, v) then
    return bson.element(require('lugger.inner.script.shared').totable(v), 0)
  end
  refuse(('a %s cannot be part of a document'):format(tostring(ffi.typeof(v))))
end

local function is_array(t)
  local mark = marks.mark(t)
  if mark then return mark == 'array' end
  return #t > 0
end

--- Type byte and payload of one value. `hidden` is the type of marks.hidden_type.
---@param v any
---@param depth integer
---@param hidden integer|nil
---@return string, string
function bson.element(v, depth, hidden)
  local kind = type(v)
  if kind == 'string' then return '\2', text_payload(v)
  elseif kind == 'number' then return number_element(v, hidden)
  elseif kind == 'boolean' then return '\8', v and '\1' or '\0'
  elseif v == value.null then return hidden == types.undefined and '\6' or '\10', ''
  elseif v == value.remove then refuse 'lugger.remove is for doc:with alone'
  elseif kind == 'cdata' then return cdata_element(v)
  elseif kind == 'table' then return is_array(v) and '\4' or '\3', bson.encode(v, depth + 1)
  end
  fault.raise('hook', ('a %s cannot be part of a document'):format(kind), codec.method_hint(v))
end

local function append(out, name, v, depth, hidden)
  if name:find('\0', 1, true) then refuse 'the name of a field holds a NUL byte' end
  local tag, payload = bson.element(v, depth, hidden)
  out[#out + 1] = tag .. name .. '\0' .. payload
end

local function finish(out)
  local body = table.concat(out)
  return le32(#body + 5) .. body .. '\0'
end

--- The names of the fields of a table, in the order in which they are stored: first in the order of lugger.document,
--- then by name.
---@param t table
---@return string[]
function bson.field_names(t)
  local names, order = {}, marks.order(t)
  for place, name in ipairs(order) do
    if t[name] ~= nil then order[name] = place end
  end
  for key in pairs(t) do
    if type(key) ~= 'string' then refuse(('a document has a key that is a %s'):format(type(key))) end
    names[#names + 1] = key
  end
  table.sort(names, function(a, b)
    local first, second = order[a] or math.huge, order[b] or math.huge
    if first ~= second then return first < second end
    return a < b
  end)
  return names
end

--- The BSON bytes of a table: a list becomes an array, any other table a document, its fields in the order
--- of lugger.document, else sorted by name.
---@param t table
---@param depth integer|nil
---@return string
function bson.encode(t, depth)
  depth = depth or 0
  if depth > 190 then refuse 'a table is nested deeper than 190 levels, or holds itself' end
  local out = {}
  if is_array(t) then
    local last = 0
    for key in pairs(t) do
      if type(key) ~= 'number' then refuse(('a list also has the key "%s"'):format(tostring(key))) end
      last = math.max(last, key)
    end
    for i = 1, last do
      append(out, tostring(i - 1), t[i] == nil and value.null or t[i], depth, marks.hidden_type(t, i))
    end
    return finish(out)
  end
  for _, name in ipairs(bson.field_names(t)) do
    append(out, name, t[name], depth, marks.hidden_type(t, name))
  end
  return finish(out)
end

--- The changes of doc:with for native code: BSON with a path for each name, and a letter for each change.
---@param changes table<string|integer, any>
---@return string bson
---@return string kinds
function bson.patch(changes)
  local by_path, kinds, out = {}, {}, {}
  for key, v in pairs(changes) do by_path[type(key) == 'number' and tostring(key - 1) or key] = v end
  local mark = marks.mark(changes) == 'document'
  for i, path in ipairs(bson.field_names(mark and changes or by_path)) do
    local v = by_path[path]
    kinds[i] = v == value.remove and 'r' or type(v) == 'number' and 'n' or 's'
    append(out, path, v == value.remove and value.null or v, 0)
  end
  return finish(out), table.concat(kinds)
end

--- The BSON bytes of a row read from PostgreSQL, fields in their order.
---@param doc lugger.doc
---@return string
function bson.encode_fields(doc)
  local out = {}
  for name, v in document.methods.fields(doc) do append(out, name, v, 0) end
  return finish(out)
end

--- A value in a new slot, for native code (mappings read defaults from it). The second result owns the memory that the
--- slot points to.
---@param v any
---@return ffi.cdata* slot lug_value
---@return table held
function bson.slot(v)
  local slot, held = ffi.new 'lug_value', {}
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
  local bytes = bson.encode(t)
  slot.type, slot.aux, slot.size = is_array(t) and types.array or types.document, 0, #bytes
  slot.data = copy(bytes, #bytes)
end)

return bson
