-- Documents and arrays: views into a batch, with fields decoded on access, and copies that outlive it. They keep their
-- order, distinguish null from nil, and an empty array from an empty document.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local check_methods = require('lugger.inner.base.methods').check
local value = require 'lugger.inner.base.value'
local C, types = abi.C, abi.types
local doc_type, own_type = value.ctypes.doc, value.ctypes.own

local document = {}

local slot = ffi.new 'lug_value'
local view = ffi.new 'lug_doc'

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
  local out = own_type(size)
  out.lug_size_, out.lug_array_ = size, array
  ffi.copy(out.lug_data_, data, size)
  return out
end

local function decoder(array)
  return function(v, batch)
    if batch == nil then return own(v.data, v.size, array) end
    local out = doc_type()
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

---@class lugger.doc
---@field [string] any a field: nil when there is no such field, lugger.null when it is null
---@field [integer] any an element of an array, from 1
local methods = {}

local function get(self, key)
  local p, batch = pointer(self)
  if type(key) == 'number' then
    if key < 1 then return nil end
    C.lug_doc_at(p, key - 1, slot)
  else
    C.lug_doc_field(p, key, #key, slot)
  end
  return codec.decode(slot, batch)
end

--- A field by name, even if a method has the same name.
---@param name string|integer
---@return any
function methods:get(name)
  return get(self, name)
end

--- True when the field exists, even if it is null.
---@param name string
---@return boolean
function methods:has(name)
  return C.lug_doc_field(pointer(self), name, #name, slot) ~= 0
end

--- Iterates over the fields in order: `for name, value in doc:fields()`; for an array, over indices and elements.
---@return fun(): string|integer, any
function methods:fields()
  local p, batch = pointer(self)
  local iter, array, place, keep = ffi.new 'lug_iter', p.lug_array_ == 1, 0, self
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

--- Converts all of it to a Lua table. Arrays and documents are marked, so that they are stored as the same type again.
---@return table
function methods:totable()
  local out = {}
  for key, v in self:fields() do
    if ffi.istype(doc_type, v) or ffi.istype(own_type, v) then v = v:totable() end
    out[key] = v
  end
  return pointer(self).lug_array_ == 1 and document.array(out) or document.document(out)
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
    local method = methods[key]
    if method then return method end
    return get(self, key)
  end,
  __newindex = function(_, key)
    fault.raise('hook', ('a document is read only: field "%s"'):format(tostring(key)), 'write to the row')
  end,
  __len = function(self) return C.lug_doc_count((pointer(self))) end,
  __tostring = function(self) return methods.json(self) end,
  __eq = function(a, b)
    local function is(v) return ffi.istype(doc_type, v) or ffi.istype(own_type, v) end
    if not (is(a) and is(b)) then return false end
    -- Copies share one scratch view, so all data of the first document is read before the second.
    local p = pointer(a)
    local size, array, data = p.lug_size_, p.lug_array_, p.lug_data_
    local q = pointer(b)
    return q.lug_size_ == size and q.lug_array_ == array and value.compare_bytes(q.lug_data_, data, size) == 0
  end,
}
check_methods('doc', methods, function(v) return document.is(v) end)
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

--- The names of its fields in the order given to lugger.document; empty when none was given.
---@param t table
---@return string[] names a list of its own
function document.order(t)
  local m, names = getmetatable(t), {}
  for i, name in ipairs(type(m) == 'table' and m.lugger_order or {}) do names[i] = name end
  return names
end

--- What a table was marked as: "array", "document" or nil.
---@param t table
---@return "array"|"document"|nil
function document.mark(t)
  local m = getmetatable(t)
  return type(m) == 'table' and m.lugger_mark or nil
end

--- Iterates over fields or elements in stored order: names and slots. A slot is valid until the next step.
---@param doc lugger.doc
---@return fun(): string|nil, ffi.cdata* lug_value
function document.slots(doc)
  local p = pointer(doc)
  local iter, keep = ffi.new 'lug_iter', doc
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

--- The BSON bytes of a document.
---@param doc lugger.doc
---@return string
function document.to_bson(doc)
  local p = pointer(doc)
  if p.lug_format_ == 0 then return ffi.string(p.lug_data_, p.lug_size_) end
  return require('lugger.inner.base.bson').encode_fields(doc)
end

--- A view of a document of a batch.
---@param batch ffi.cdata* lug_batch
---@param index integer from 0
---@return lugger.doc
function document.view(batch, index)
  local from, out = batch.documents[index], doc_type()
  out.lug_data_, out.lug_size_, out.lug_format_, out.lug_shape_ = from.data, from.size, from.format, from.shape
  out.lug_batch_, out.lug_generation_ = batch, batch.generation
  return out
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
  return tonumber(ffi.cast('intptr_t', doc.lug_batch_))
end

--- The index of a document in its batch, from 0; nil for a part of a document.
---@param doc lugger.doc
---@return integer|nil
function document.index(doc)
  local _, batch = pointer(doc)
  for i = 0, batch.count - 1 do
    if batch.documents[i].data == doc.lug_data_ then return i end
  end
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
