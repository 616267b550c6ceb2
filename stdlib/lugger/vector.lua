-- Vectors: local vector = require 'lugger.vector'. Numbers are float32; arithmetic is native, with sums in double. A
-- vector argument can be anything that can be read as one: a vector, a list of numbers, an array of a document or of
-- PostgreSQL, MongoDB's packed vector (binary subtype 9), a halfvec or sparsevec, text like "[1,2.5]".
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local value = require 'lugger.inner.base.value'
require 'lugger.inner.base.bson'
local C, null = abi.C, value.null
local vector_type = value.ctypes.vector

local vector = {}

local slot = ffi.new('lug_value') --[[@as lug_value]]
local room, buffer = 2048, ffi.new('float[?]', 2048)

-- Indexed by VectorFault of runtime/vector/elements.hpp.
---@type table<integer, string>
local faults = { 'it is not an array of numbers', 'its bytes are not valid', 'its text is not like [1,2.5]',
  'it has more than one dimension, or too many numbers', 'an element is not a number' }

local function new(count)
  local out = vector_type(count) --[[@as lugger.vector]]
  out.size = count
  return out
end

local function from_slot(of)
  local count = C.lug_vector_read(of, buffer, room) ---@type integer
  if count > room then
    room = count
    buffer = ffi.new('float[?]', room)
    count = C.lug_vector_read(of, buffer, room)
  end
  if count < 0 then return nil, faults[-count] end
  local out = new(count)
  ffi.copy(out.data, buffer, count * 4)
  return out
end

local function from_numbers(list)
  local count = #list
  for i = 1, count do
    if type(list[i]) ~= 'number' then return nil end
  end
  local out = new(count)
  for i = 1, count do out.data[i - 1] = list[i] end
  return out
end

local function read(v)
  if type(v) == 'table' and next(v) ~= nil and #v == 0 then return nil, faults[1] end
  local list = type(v) == 'table' and from_numbers(v)
  if list then return list end
  if type(v) ~= 'table' and type(v) ~= 'cdata' and type(v) ~= 'string' then return nil, faults[1] end
  local keep
  codec.encode(slot, v, function(bytes)
    keep = bytes  -- borrowed: the memory must not move until this function returns
    return ffi.cast('const uint8_t *', bytes)
  end)
  local out, why = from_slot(slot)
  return out, why, keep
end

local function show(v)
  if v == nil then return 'nothing' end
  local kind = codec.type(v)
  if kind == 'string' then return ('"%s"'):format(#v > 40 and v:sub(1, 40) .. '...' or v) end
  return v == null and 'null' or (kind:find '^[aeiou]' and 'an ' or 'a ') .. kind
end

---@return lugger.vector
local function as_vector(v, who)
  if ffi.istype(vector_type, v) then return v end
  local out, why = read(v)
  return out or fault.raise('coerce', ('%s cannot be read as a vector from %s: %s'):format(who, show(v), why),
    'give numbers: a list, an array, a vector')
end

---@return lugger.vector, lugger.vector
local function pair(a, b, who)
  if not ffi.istype(vector_type, a) then a = as_vector(a, who .. ': the first') end
  if not ffi.istype(vector_type, b) then b = as_vector(b, who .. ': the second') end
  if a.size ~= b.size then
    fault.raise('coerce', ('%s: the first vector has %d dimensions, the second %d'):format(who, a.size, b.size),
      'vectors of one model have the same dimensions')
  end
  return a, b
end

--- Makes a vector from a list of numbers, or from anything else that can be read as one.
---@param list number[]|lugger.vector|lugger.doc|lugger.binary|string
---@return lugger.vector
function vector.of(list)
  return as_vector(list, 'vector.of: it')
end

--- A new vector with the same direction and length 1. A vector of zeros is returned unchanged.
---@param v lugger.vector|number[]|lugger.doc
---@return lugger.vector
function vector.normalise(v)
  local from = as_vector(v, 'vector.normalise: it')
  local out = new(from.size)
  ffi.copy(out.data, from.data, from.size * 4)
  C.lug_vector_normalise(out.data, out.size)
  return out
end

--- The dot product.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return number
function vector.dot(a, b)
  a, b = pair(a, b, 'vector.dot')
  return C.lug_vector_dot(a.data, b.data, a.size)
end

--- The cosine of the angle between them, from -1 to 1: the similarity, 1 for the same direction. NaN when either is all
--- zeros.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return number
function vector.cosine(a, b)
  a, b = pair(a, b, 'vector.cosine')
  return C.lug_vector_cosine(a.data, b.data, a.size)
end

--- The Euclidean distance.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return number
function vector.l2(a, b)
  a, b = pair(a, b, 'vector.l2')
  return C.lug_vector_l2(a.data, b.data, a.size)
end

--- The length.
---@param v lugger.vector|number[]|lugger.doc
---@return number
function vector.norm(v)
  local from = as_vector(v, 'vector.norm: it')
  return C.lug_vector_norm(from.data, from.size)
end

-- The best k of a list

local metrics = { cosine = 0, dot = 1, l2 = 2 }

local function metric_of(options)
  fault.check_keys('vector.top_k', options, { 'metric' })
  local name = options and options.metric or 'cosine'
  if not metrics[name] then
    fault.raise('config', ('there is no metric "%s"'):format(tostring(name)), fault.near(name, metrics))
  end
  return metrics[name]
end

-- An array of pointers, with NULL for holes, and the objects that own the memory.
local function pointers_to(vectors, wanted)
  local count = vectors.n or table.maxn(vectors)
  local pointers, keep = ffi.new('const float *[?]', math.max(count, 1)), {}
  for i = 1, count do
    local v = vectors[i]
    if v ~= nil and v ~= null then
      v = as_vector(v, ('vectors[%d]'):format(i))
      if v.size ~= wanted then
        fault.raise('coerce', ('vectors[%d] has %d dimensions, the query %d'):format(i, v.size, wanted),
          'the query must come from the model that made the vectors')
      end
      keep[i], pointers[i - 1] = v, v.data
    end
  end
  return pointers, count, keep
end

--- The k vectors nearest to the query, best first. The search is exact. Skips holes, and vectors whose score is NaN
--- (they contain NaN, or are all zeros with cosine).
---@param vectors (lugger.vector|number[]|lugger.doc|nil)[] as batch:vectors gives them; `n`, if there, is their number
---@param query lugger.vector|number[]|lugger.doc
---@param k integer
---@param options { metric: "cosine"|"dot"|"l2"|nil }|nil cosine when not given
---@return { index: integer, score: number }[] places in the list; scores are cosines, dot products, distances
function vector.top_k(vectors, query, k, options)
  local metric = metric_of(options)
  if type(vectors) ~= 'table' then
    fault.raise('config', 'vector.top_k wants a list of vectors, not ' .. show(vectors),
      "batch:vectors 'embedding' gives one")
  end
  if type(k) ~= 'number' or k < 1 or k ~= math.floor(k) then
    fault.raise('config', ('vector.top_k wants k, a whole number from 1 on, not %s'):format(tostring(k)))
  end
  query = as_vector(query, 'vector.top_k: the query')
  local pointers, count, keep = pointers_to(vectors, query.size)
  local most = math.min(k, count)
  local matches = ffi.new('lug_match[?]', math.max(most, 1)) --[[@as table<integer, lug_match>]]
  local found = C.lug_vector_top_k(pointers, count, query.data, query.size, metric, matches, most)
  local out = {}
  for i = 1, keep and found do
    local match = matches[i - 1]
    out[i] = { index = match.index + 1, score = match.score }
  end
  return out
end

--- The vectors of a field, for batch:vectors.
---@param view lug_batch
---@param path string
---@return { [integer]: lugger.vector, n: integer }
---@internal
function vector.of_batch(view, path)
  if type(path) ~= 'string' then fault.raise('config', "batch:vectors wants a field: batch:vectors 'embedding'") end
  local values = ffi.new('lug_value[?]', math.max(view.count, 1)) --[[@as table<integer, lug_value>]]
  if C.lug_batch_values(view, path, #path, values) == 0 then
    fault.raise('config', ('"%s" is not a path'):format(path), 'write it like meta.embedding')
  end
  local out = { n = view.count }
  for i = 1, view.count do
    local of = values[i - 1]
    if of.type > abi.types.undefined then
      local v, why = from_slot(of)
      if not v then
        local found = show(codec.decode(of, nil))
        local id = document.view(view, i - 1)._id
        fault.raise('coerce', ('%s of document %s cannot be read as a vector from %s: %s'):format(path,
          id == nil and i or tostring(id), found, why), 'leave such documents out, or correct them first')
      end
      out[i] = v
    end
  end
  return out
end

return vector
