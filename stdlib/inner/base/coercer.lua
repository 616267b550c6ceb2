-- The coercers that columns use, for scripts.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
require 'lugger.inner.base.bson'
local C = abi.C

--- What a column of a type does to a value.
---@class lugger.coercer
---@field package handle lugger.native.coercer
---@field package pointer ffi.cdata*
local coercer = {}

local meta = { __index = coercer, __name = 'coercer' }
meta.__tostring = function(self) return 'coercer ' .. self.handle:type() end

local input = ffi.new('lug_value') --[[@as lug_value]]
local output = ffi.new('lug_value') --[[@as lug_value]]

---@param self lugger.coercer
---@param v any
---@return any
---@return any kept the memory of the value; or the error
local function try(self, v)
  local keep = {}
  input.type, input.flags, input.aux, input.size, input.i64 = 0, 0, 0, 0, 0
  codec.encode(input, v, function(bytes, size)
    local held = ffi.new('uint8_t[?]', math.max(size, 1))
    ffi.copy(held, bytes, size)
    keep[#keep + 1] = held
    return held
  end)
  local failure = C.lug_coerce(self.pointer, input, output)
  if failure == 0 then return codec.decode(output, nil), keep end
  local text = abi.text(function(out, room) return C.lug_coerce_failure(self.pointer, failure, input, out, room) end)
  return nil, native.error('coerce', text)
end

--- Turns a value into the type. Raises an error of code "coerce" when it cannot.
---@param v any
---@return any null comes back as lugger.null
function coercer:coerce(v)
  local out, err = try(self, v)
  if out == nil then fault.raise(err.code, err.message, err.hint) end
  return out
end

--- The same without raising.
---@param v any
---@return any value nil when it cannot be read
---@return lugger.error|nil err
function coercer:try_coerce(v)
  local out, err = try(self, v)
  if out == nil then return nil, err end
  return out
end

methods.check('coercer', coercer, meta)

local module = {}

local specs = setmetatable({}, { __mode = 'k' })

--- What a coercer was made of; nil for any other value.
---@param v any
---@return { type: string, policy: table|nil }|nil
function module.spec(v)
  return specs[v]
end

--- A coercer: what a column of this type does to a value.
---@param type string a column type: 'numeric(12,2)', 'timestamptz', 'uuid'
---@param policy lugger.coercer_policy|nil { decimal = ',', fraction = 'round', ... } as in a column
---@return lugger.coercer
function module.new(type, policy)
  local handle = native.coercer(type, policy)
  local self = setmetatable({ handle = handle, pointer = ffi.cast('void *', handle:pointer()) }, meta)
  local kept ---@type table|nil
  if policy then
    kept = {}
    for key, v in pairs(policy) do kept[key] = v end
  end
  specs[self] = { type = type, policy = kept }
  return self
end

--- Whether a type is one whose values only a server can check: it is passed on as text.
---@param type string
---@return boolean
function module.is_left_to_server(type)
  output.type = abi.types.missing
  try(module.new(type), 'x')
  return output.type == abi.types.pgtext
end

return module
