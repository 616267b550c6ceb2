-- Documents and arrays: views into a batch, with fields decoded on access, and copies that outlive it. They keep their
-- order, distinguish null from nil, and an empty array from an empty document.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local class = require 'lugger.inner.base.methods'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'
local shown = require('lugger.inner.base.shown').value
local value = require 'lugger.inner.base.value'
local C, types = abi.C, abi.types
local doc_type, own_type = value.ctypes.doc, value.ctypes.own

local document = {}

local slot = ffi.new('lug_value') --[[@as lug_value]]
local view = ffi.new('lug_doc') --[[@as lug_doc]]

-- The pointer to a document for C functions. Refuses a view that has outlived its batch, before memory is touched.
local function pointer(self)
  if ffi.istype(doc_type, self) then
    if self.lug_generation_ ~= self.lug_batch_.generation then
      fault.raise('hook', 'document used after its batch', 'keep doc:copy() instead')
    end
    return self, self.lug_batch_
  end
  view.lug_data_, view.lug_size_, view.lug_array_ = self.lug_data_, self.lug_size_, self.lug_array_
  return view, nil
end

local function own(data, size, array)
  local out = own_type(size) --[[@as lug_own]]
  out.lug_size_, out.lug_array_ = size, array
  ffi.copy(out.lug_data_, data, size)
  return out --[[@as lugger.doc]]
end

local function decoder(array)
  return function(v, batch)
    if batch == nil then return own(v.data, v.size, array) end
    local out = doc_type() --[[@as lug_doc]]
    out.lug_data_, out.lug_size_, out.lug_array_ = v.data, v.size, array
    out.lug_batch_, out.lug_generation_ = batch, batch.generation
    return out
  end
end
codec.on_decode(types.document, decoder(0))
codec.on_decode(types.array, decoder(1))

local function encode(v_slot, self, copy)
  local p = pointer(self)
  if p.lug_format_ ~= 0 then
    self = document.from_bson(document.to_bson(self))
    p = pointer(self)
  end
  v_slot.type, v_slot.aux, v_slot.size = p.lug_array_ == 1 and types.array or types.document, 0, p.lug_size_
  v_slot.data = copy(p.lug_data_, p.lug_size_)
end
codec.on_encode(doc_type, encode)
codec.on_encode(own_type, encode)

-- The methods stand behind the document's own fields: `doc.copy` is the field where there is one. They are also
-- functions of `lugger.doc`.
--- A document or an array, read only: doc.name, doc['a.b'], list[1], #list, pairs and ipairs. Fields come before
--- methods.
---@class lugger.doc
---@field [string] any a field: nil when there is no such field, lugger.null when it is null
---@field [integer] any an element of an array, from 1
---@operator len: integer
---@operator concat(any): string
local methods = {}

-- Puts the value at a path into the scratch slot; says its type, 0 when there is none.
local function look(self, path)
  local p, batch = pointer(self)
  if type(path) == 'number' then
    if path < 1 then return 0, batch end
    return C.lug_doc_at(p, path - 1, slot), batch
  end
  if type(path) ~= 'string' then
    fault.raise('config', ('%s is not a path'):format(shown(path)), "write it like 'address.city'")
  end
  if path == '' then return C.lug_doc_field(p, path, 0, slot), batch end
  local found = C.lug_doc_path(p, path, #path, slot)
  if found < 0 then
    fault.raise('config', ('"%s" is not a path'):format(path), 'a dot inside a name is written as "a\\.b"')
  end
  return found, batch
end

--- The value at a dotted path, as in a column's `from`: `doc:get 'lines.0.qty'`, elements from 0, a dot inside a name
--- as `a\.b`. nil when anything on the way is missing. A number is an element of an array, from 1.
---@param path string|integer
---@return any
function methods:get(path)
  local found, batch = look(self, path)
  if found == 0 then return nil end
  local out = codec.decode(slot, batch)
  return out
end

--- True when there is a value at the dotted path, even if it is null.
---@param path string|integer
---@return boolean
function methods:has(path)
  return look(self, path) ~= 0
end

--- A document with some values changed: `doc:with { ['ship.zip'] = 'D-1', w = lugger.remove }`. Names are dotted
--- paths. Whatever is not named keeps its bytes, its type and its place; a number takes the numeric type of the number
--- it replaces, and {} is an empty array where it replaces an array. New fields come last, sorted by name, documents on
--- the way to them are made; what is removed from an array closes the gap. In an array, whole numbers are elements from
--- 1.
---@param changes table<string|integer, any>
---@return lugger.doc
function methods:with(changes)
  if type(changes) ~= 'table' then
    fault.raise('config', ('doc:with wants a table, not %s'):format(shown(changes)), "doc:with { ['a.b'] = 1 }")
  end
  local bson, array = document.to_bson(self), pointer(self).lug_array_ == 1
  for key in pairs(changes) do
    if type(key) ~= 'string' and not (array and type(key) == 'number') then
      fault.raise('config', ('doc:with wants names of fields: %s is none'):format(shown(key)),
        "doc:with { name = value }; an element of an array in it: { ['lines.0'] = value }")
    end
  end
  local patch, kinds = require('lugger.inner.base.bson').patch(changes)
  return document.from_bson(native.bson_patch(bson, array, patch, kinds), array)
end

--- A document as a function leaves it: the function gets what totable gives, and changes it.
---@param change fun(fields: table)
---@return lugger.doc
function methods:edit(change)
  local fields = methods.totable(self)
  local returned = change(fields)
  if returned ~= nil and returned ~= fields then
    fault.raise('config', ('the function of doc:edit returned %s, which would be lost'):format(shown(returned)),
      'change the table that it is given: function(t) t.a = 1 end')
  end
  local bson = require('lugger.inner.base.bson').encode(fields)
  marks.refuse_gaps(fields)
  return document.from_bson(bson, pointer(self).lug_array_ == 1)
end

--- Iterates over the fields in order: `for name, value in doc:fields()`; for an array, over indices and elements.
---@return fun(): string|integer, any
function methods:fields()
  local p, batch = pointer(self)
  local iter, array, place, keep = ffi.new('lug_iter') --[[@as lug_iter]], p.lug_array_ == 1, 0, self
  C.lug_iter_start(iter, p)
  return function()
    pointer(keep)
    local more = C.lug_iter_next(iter)
    if more == 1 then
      place = place + 1
      return array and place or ffi.string(iter.name, iter.name_size), codec.decode(iter.value, batch)
    end
    if more < 0 then fault.raise('read', 'the bytes of the document are not valid') end
  end
end

--- A copy that outlives its batch.
---@return lugger.doc
function methods:copy()
  local p = pointer(self)
  if p.lug_format_ ~= 0 then return document.from_bson(document.to_bson(self)) end
  return own(p.lug_data_, p.lug_size_, p.lug_array_)
end

-- A Lua number does not tell an int64 from an int32, nor 3.0 from 3; an empty table is no array by itself.
local function is_hidden(v)
  local kind = v.type
  return kind == types.int64 or kind == types.array or kind == types.undefined
    or kind == types.double and v.f64 == math.floor(v.f64)
end

local function list_of(self)
  local out, hidden, common, i = {}, nil, nil, 0
  for _, v in document.slots(self) do
    i = i + 1
    out[i] = document.is_nested(v) and methods.totable(codec.decode(v, nil)) or codec.decode(v, nil)
    common = (common == nil or common == v.type) and v.type
    if is_hidden(v) then
      hidden = hidden or {}
      hidden[i] = v.type
    end
  end
  return marks.array(out, hidden, common)
end

--- Converts all of it to a Lua table. It is stored with the same types and the same order of fields again: a field that
--- was an int64 or a double stays one when a number is assigned to it, and an array when {} is.
---@return table
function methods:totable()
  if pointer(self).lug_array_ == 1 then return list_of(self) end
  ---@type table, string[], any
  local out, names, hidden = {}, {}, nil
  for name, v in document.slots(self) do
    if out[name] == nil then names[#names + 1] = name end
    out[name] = document.is_nested(v) and methods.totable(codec.decode(v, nil)) or codec.decode(v, nil)
    hidden = hidden or is_hidden(v) and {}
    if hidden then hidden[name] = is_hidden(v) and v.type or nil end
  end
  return marks.document(out, names, hidden)
end

--- Extended JSON text.
---@param style "canonical"|"relaxed"|"plain"|"typed"|nil relaxed when not given
---@return string
function methods:json(style)
  local p = pointer(self)
  local styles = { canonical = 0, relaxed = 1, plain = 2, typed = 3 }
  local number = styles[style or 'relaxed'] or fault.raise('config', ('there is no JSON style "%s"'):format(style))
  return abi.text(function(out, room) return C.lug_doc_json(p, number, out, room) end)
end

local meta = {
  __index = function(self, key)
    local p, batch = pointer(self)
    if type(key) == 'string' then
      if C.lug_doc_field(p, key, #key, slot) == 0 then return methods[key] end
    elseif type(key) ~= 'number' or key < 1 or C.lug_doc_at(p, key - 1, slot) == 0 then
      return nil
    end
    local out = codec.decode(slot, batch)
    return out
  end,
  __newindex = function(_, key)
    fault.raise('hook', ('a document is read only: field "%s"'):format(tostring(key)),
      "doc:with { name = value } gives a changed copy; in a hook, write to the row")
  end,
  __len = function(self) return C.lug_doc_count((pointer(self))) end,
  __pairs = function(self) return methods.fields(self) end,
  __ipairs = function(self)
    if pointer(self).lug_array_ == 1 then return methods.fields(self) end
    return function() end
  end,
  __concat = class.concat,
  __tostring = function(self) return methods.json(self) end,
  __eq = function(a, b)
    if not (document.is(a) and document.is(b)) then return false end
    -- Copies share one scratch view, so all data of the first document is read before the second.
    local p = pointer(a)
    local size, array, data = p.lug_size_, p.lug_array_, p.lug_data_
    local q = pointer(b)
    return q.lug_size_ == size and q.lug_array_ == array and value.compare_bytes(q.lug_data_, data, size) == 0
  end,
}
class.check('doc', methods, function(v) return document.is(v) end)
for _, name in ipairs { 'get', 'has' } do
  class.take_one('doc', methods, name, ("the way to a field is one text: doc:%s 'address.city'"):format(name))
end
document.methods = methods
ffi.metatype(doc_type, meta)
ffi.metatype(own_type, meta)

local array_mark = { __name = 'array', lugger_mark = 'array' }
local document_mark = { __name = 'document', lugger_mark = 'document' }

--- Marks a table as an array, so that it is stored as one even when empty.
---@param list table|nil
---@return table
function document.array(list)
  return setmetatable(list or {}, array_mark)
end

--- Marks a table as a document, so that it is stored as one, whatever its keys are. `order` lists its fields in the
--- order in which they are stored, as a list or as words separated by spaces; other fields come last.
---@param fields table|nil
---@param order string|string[]|nil
---@return table
function document.document(fields, order)
  if order == nil then return setmetatable(fields or {}, document_mark) end
  local names = {}
  if type(order) == 'table' then
    for i, name in ipairs(order) do names[i] = name end
  else
    for name in tostring(order):gmatch '%S+' do names[#names + 1] = name end
  end
  return setmetatable(fields or {}, { __name = 'document', lugger_mark = 'document', lugger_order = names })
end

--- Iterates over fields or elements in stored order: names and slots. A slot is valid until the next step.
---@param doc lugger.doc
---@return fun(): string|nil, lug_value
function document.slots(doc)
  local p = pointer(doc)
  local iter, keep = ffi.new('lug_iter') --[[@as lug_iter]], doc
  C.lug_iter_start(iter, p)
  return function()
    pointer(keep)
    local more = C.lug_iter_next(iter)
    if more == 1 then return ffi.string(iter.name, iter.name_size), iter.value end
    if more < 0 then fault.raise('read', 'the bytes of the document are not valid') end
  end
end

--- A document that owns its bytes, from BSON.
---@param bson string
---@param array boolean|nil
---@return lugger.doc
function document.from_bson(bson, array)
  return own(bson, #bson, array and 1 or 0)
end

--- What the text of a json or jsonb value of PostgreSQL says; no object is taken for a wrapper of another type.
---@param json string
---@return any
function document.from_plain_json(json)
  return document.of_json(json, native.json_plain(json))
end

--- What JSON text says, given its BSON: whatever is not an object stands in it under "".
---@param json string
---@param bson string
---@return any
function document.of_json(json, bson)
  local doc = document.from_bson(bson)
  if json:match '^%s*{' then return doc end
  return doc['']
end

--- The BSON bytes of a document.
---@param doc lugger.doc
---@return string
function document.to_bson(doc)
  local p = pointer(doc)
  if p.lug_format_ == 0 then return ffi.string(p.lug_data_, p.lug_size_) end
  local bytes = abi.text(function(out, room) return C.lug_row_bson(p, out, room) end)
  if bytes == '' then
    fault.raise('read', 'the row cannot be made a document: JSON in it is nested deeper than 1,000 levels, or the name '
      .. 'of a field holds a NUL character')
  end
  return bytes
end

--- A view of a document of a batch.
---@param batch lug_batch
---@param index integer from 0
---@return lugger.doc
function document.view(batch, index)
  local from, out = batch.documents[index], doc_type() --[[@as lug_doc]]
  out.lug_data_, out.lug_size_, out.lug_format_, out.lug_shape_ = from.data, from.size, from.format, from.shape
  out.lug_batch_, out.lug_generation_ = batch, batch.generation
  return out --[[@as lugger.doc]]
end

--- True for views into a batch.
---@param v any
---@return boolean
function document.is_view(v)
  return type(v) == 'cdata' and ffi.istype(doc_type, v)
end

--- The address of a view's batch, as a number that identifies the batch.
---@param doc lugger.doc
---@return number
function document.batch_address(doc)
  return tonumber(ffi.cast('intptr_t', doc.lug_batch_)) --[[@as number]]
end

--- The index of a document in its batch, from 0; nil for a part of a document.
---@param doc lugger.doc
---@param near integer|nil where it probably is
---@return integer|nil
function document.index(doc, near)
  local _, batch = pointer(doc)
  if near and near < batch.count and batch.documents[near].data == doc.lug_data_ then return near end
  for i = 0, batch.count - 1 do
    if batch.documents[i].data == doc.lug_data_ then return i end
  end
end

--- True for slots that hold a document or an array.
---@param v lug_value
---@return boolean
function document.is_nested(v)
  return v.type == types.document or v.type == types.array
end

--- True for views and copies of documents and arrays.
---@param v any
---@return boolean
function document.is(v)
  return type(v) == 'cdata' and (ffi.istype(doc_type, v) or ffi.istype(own_type, v))
end

--- Iterates over the fields of a document or the elements of an array. Unlike doc:fields() it works for any field
--- names.
---@param doc lugger.doc
---@return fun(): string|integer, any
function document.each(doc)
  return methods.fields(doc)
end

return document
