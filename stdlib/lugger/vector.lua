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

---@param from lugger.vector
---@return lugger.vector
local function copy(from)
  local out = new(from.size)
  ffi.copy(out.data, from.data, from.size * 4)
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
  local out = copy(as_vector(v, 'vector.normalise: it'))
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

--- The sum of the distances along each dimension.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return number
function vector.l1(a, b)
  a, b = pair(a, b, 'vector.l1')
  return C.lug_vector_l1(a.data, b.data, a.size)
end

--- How many bits differ. An element greater than 0 is a 1, as in pgvector's binary_quantize.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return number
function vector.hamming(a, b)
  a, b = pair(a, b, 'vector.hamming')
  return C.lug_vector_hamming(a.data, b.data, a.size)
end

--- The Jaccard distance of the bits, from 0 to 1: 1 when they share no 1. An element greater than 0 is a 1.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return number
function vector.jaccard(a, b)
  a, b = pair(a, b, 'vector.jaccard')
  return C.lug_vector_jaccard(a.data, b.data, a.size)
end

--- The length.
---@param v lugger.vector|number[]|lugger.doc
---@return number
function vector.norm(v)
  local from = as_vector(v, 'vector.norm: it')
  return C.lug_vector_norm(from.data, from.size)
end

-- The best k of a list

local metrics = { cosine = 0, dot = 1, l2 = 2, l1 = 3, hamming = 4, jaccard = 5 }

local function metric_of(options)
  fault.check_keys('vector.top_k', options, { 'metric' })
  local name = options and options.metric or 'cosine'
  if not metrics[name] then
    fault.raise('config', ('there is no metric "%s"'):format(tostring(name)),
      name == 'ip' and "pgvector's ip is 'dot'" or fault.near(name, metrics))
  end
  return metrics[name]
end

local function count_of(vectors)
  return vectors.n or table.maxn(vectors)
end

-- An array of pointers, with NULL for holes, and the objects that own the memory.
local function pointers_to(vectors, wanted, whose)
  local count = count_of(vectors)
  local pointers, keep = ffi.new('const float *[?]', math.max(count, 1)), {}
  for i = 1, count do
    local v = vectors[i]
    if v ~= nil and v ~= null then
      v = as_vector(v, ('vectors[%d]'):format(i))
      if v.size ~= wanted then
        fault.raise('coerce', ('vectors[%d] has %d dimensions, %s %d'):format(i, v.size, whose, wanted),
          'vectors of one model have the same dimensions')
      end
      keep[i], pointers[i - 1] = v, v.data
    end
  end
  return pointers, count, keep
end

local function check_list(vectors, who)
  if type(vectors) == 'table' then return end
  fault.raise('config', ('%s wants a list of vectors, not %s'):format(who, show(vectors)),
    "batch:vectors 'embedding' gives one")
end

--- The k vectors nearest to the query, best first. The search is exact. Skips holes, and vectors whose score is NaN
--- (they contain NaN, or are all zeros with cosine).
---@param vectors (lugger.vector|number[]|lugger.doc|nil)[] as batch:vectors gives them; `n`, if there, is their number
---@param query lugger.vector|number[]|lugger.doc
---@param k integer
---@param options { metric: "cosine"|"dot"|"l2"|"l1"|"hamming"|"jaccard"|nil }|nil cosine when not given
---@return { index: integer, score: number }[] places in the list; scores are cosines, dot products, distances
function vector.top_k(vectors, query, k, options)
  local metric = metric_of(options)
  check_list(vectors, 'vector.top_k')
  if type(k) ~= 'number' or k < 1 or k ~= math.floor(k) then
    fault.raise('config', ('vector.top_k wants k, a whole number from 1 on, not %s'):format(tostring(k)))
  end
  query = as_vector(query, 'vector.top_k: the query')
  local pointers, count, keep = pointers_to(vectors, query.size, 'the query')
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

-- New vectors of others

--- The sum of each element.
---@param a lugger.vector|number[]|lugger.doc
---@param b lugger.vector|number[]|lugger.doc
---@return lugger.vector
function vector.add(a, b)
  a, b = pair(a, b, 'vector.add')
  local out = new(a.size)
  C.lug_vector_add(a.data, b.data, out.data, a.size)
  return out
end

--- Each element times a number.
---@param v lugger.vector|number[]|lugger.doc
---@param factor number
---@return lugger.vector
function vector.scale(v, factor)
  local out = copy(as_vector(v, 'vector.scale: it'))
  if type(factor) ~= 'number' then
    fault.raise('coerce', 'vector.scale: the factor is ' .. show(factor), 'give a number')
  end
  C.lug_vector_scale(out.data, out.size, factor)
  return out
end

--- The mean of each element. Skips holes; nil when nothing else is there.
---@param vectors (lugger.vector|number[]|lugger.doc|nil)[] as batch:vectors gives them; `n`, if there, is their number
---@return lugger.vector|nil
function vector.mean(vectors)
  check_list(vectors, 'vector.mean')
  local list = {}
  for i = 1, count_of(vectors) do
    local v = vectors[i]
    if v ~= nil and v ~= null then list[#list + 1] = as_vector(v, ('vector.mean: vectors[%d]'):format(i)) end
  end
  if #list == 0 then return nil end
  local out = new(list[1].size)
  local pointers, count, keep = pointers_to(list, out.size, 'the first')
  C.lug_vector_mean(pointers, count, out.data, keep and out.size)
  return out
end

--- The first elements, for models whose vectors may be shortened. Normalise it again where length 1 is wanted.
---@param v lugger.vector|number[]|lugger.doc
---@param dimensions integer
---@return lugger.vector
function vector.truncate(v, dimensions)
  local from = as_vector(v, 'vector.truncate: it')
  local whole = type(dimensions) == 'number' and dimensions == math.floor(dimensions)
  if not whole or dimensions < 1 or dimensions > from.size then
    fault.raise('coerce', ('vector.truncate: the vector has %d dimensions, and %s are wanted'):format(from.size,
      tostring(dimensions)), ('give a whole number from 1 to %d'):format(from.size))
  end
  local out = new(dimensions)
  ffi.copy(out.data, from.data, dimensions * 4)
  return out
end

local precisions = { half = 0, int8 = 1, bit = 2 }

--- What is left of each element when it is stored with less precision: `half` rounds to float16, `int8` to whole
--- numbers from -128 to 127, `bit` gives 1 for what is greater than 0, and 0.
---@param v lugger.vector|number[]|lugger.doc
---@param precision "half"|"int8"|"bit"
---@return lugger.vector
function vector.quantise(v, precision)
  local out = copy(as_vector(v, 'vector.quantise: it'))
  if not precisions[precision] then
    fault.raise('config', ('there is no precision "%s"'):format(tostring(precision)), fault.near(precision, precisions))
  end
  C.lug_vector_quantise(out.data, out.size, precisions[precision])
  return out
end

--- What it would cost to embed the texts of a source anew: measured of its real texts, priced by what you say.
---@param source lugger.source
---@param settings lugger.vector.estimate_settings { text = 'body', per_million = 0.02, per_minute = 2000 }
---@return lugger.vector.estimate
function vector.estimate(source, settings)
  return require('lugger.inner.script.estimate').of(source, settings)
end

--- Whether vectors may be copied or must be embedded anew, fact by fact, and what that would cost and take.
---@param settings lugger.vector.decide_settings { from = 'PLACE#docs.embedding', to = 'text-embedding-3-small' }
---@return lugger.vector.decision
function vector.decide(settings)
  return require('lugger.inner.vector.decide').of(settings)
end

--- Columns with the types of the other extension: `vectors.vector(3)` for `vector(3)`, `vectors.vecf16` for `halfvec`,
--- `vectors.svector` for `sparsevec`, `vectors.bvector` for `bit`, or the other way round. Other columns stay.
---@param columns table[] as source:columns() gives them
---@param extension "vectors"|"vector" whose types they get: PGVecto.rs, or pgvector
---@return table[]
function vector.retype(columns, extension)
  return require('lugger.inner.script.retype').of(columns, extension)
end

--- Copies of all records of one store of vectors into another: any of Pinecone, Weaviate, pgvector, PGVecto.rs.
---@param from string the place that is read
---@param into string the place that is written to
---@param wish lugger.store.wish|nil { collection = 'docs' }
---@return lugger.job[] jobs one, or one for each tenant
---@return lugger.store.reading found what is read
---@return boolean mendable whether `repair` may delete what the source has no more
function vector.copies(from, into, wish)
  return require('lugger.inner.store.copies').of(from, into, wish or {})
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
