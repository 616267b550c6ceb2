-- Values that a hook captures, for the way to the workers' states: what describes each, and how it is made again.
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
local regex = require 'lugger.inner.base.regex'
local value = require 'lugger.inner.base.value'
local ctypes = value.ctypes

local captured_values = {}

-- Structs that are the same bytes in every state.
local fixed = { 'objectid', 'uuid', 'date', 'interval', 'double' }

local function of_typed(v)
  local out = { k = 'typed', type = v.type, aux = v.aux, size = v.size, i64 = v.i64 }
  out.text = ffi.string(v.data, v.size)
  return out
end

--- What describes a cdata value; nil for one that cannot be sent.
---@param v any
---@return table|nil
function captured_values.of_cdata(v)
  if ffi.istype('int64_t', v) or ffi.istype('uint64_t', v) then return { k = 'value', v = v } end
  for _, name in ipairs(fixed) do
    if ffi.istype(ctypes[name], v) then return { k = 'fixed', type = name, text = ffi.string(v, ffi.sizeof(v)) } end
  end
  if ffi.istype(ctypes.decimal, v) then
    return { k = 'decimal', type = v.type, text = ffi.string(v.data, v.size) }
  elseif ffi.istype(ctypes.binary, v) then
    return { k = 'binary', text = v:bytes(), subtype = v.subtype }
  elseif document.is(v) then
    return { k = 'document', text = document.to_bson(v), array = codec.type(v) == 'array' }
  elseif ffi.istype(ctypes.vector, v) then
    return { k = 'vector', text = ffi.string(v.data, (v.size * 4) --[[@as integer]]) }
  elseif ffi.istype(ctypes.typed, v) then
    return of_typed(v)
  end
end

--- What describes an object of lugger that is a table: a coercer, a regular expression. nil for any other.
---@param v table
---@return table|nil
function captured_values.of_object(v)
  local pattern, flags = regex.parts(v)
  if pattern then return { k = 'regex', text = pattern, flags = flags } end
  local coercer = package.loaded['lugger.inner.base.coercer']
  local spec = coercer and coercer.spec(v)
  return spec and { k = 'coercer', type = spec.type, policy = spec.policy }
end

--- Makers by kind.
---@type table<string, fun(node: table): any>
captured_values.makers = {
  value = function(node) return node.v end,
  null = function() return value.null end,
  remove = function() return value.remove end,
  fixed = function(node)
    local out = ctypes[node.type]()
    ffi.copy(out, node.text, #node.text)
    return out
  end,
  decimal = function(node) return value.new_decimal(node.type, ffi.cast('const uint8_t *', node.text), #node.text) end,
  binary = function(node) return value.binary(node.text, node.subtype) end,
  vector = function(node)
    local out = ctypes.vector(#node.text / 4) --[[@as lugger.vector]]
    out.size = (#node.text / 4) --[[@as integer]]
    ffi.copy(out.data, node.text, #node.text)
    return out
  end,
  typed = function(node)
    local out = ctypes.typed(#node.text) --[[@as lugger.typed]]
    out.type, out.aux, out.size, out.i64 = node.type, node.aux, node.size, node.i64
    ffi.copy(out.data, node.text, #node.text)
    return out
  end,
  regex = function(node) return regex.new(node.text, node.flags) end,
  document = function(node) return document.from_bson(node.text, node.array) end,
  coercer = function(node) return require('lugger.inner.base.coercer').new(node.type, node.policy) end,
}

return captured_values
