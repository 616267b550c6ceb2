-- lugger.embed { url =, model = }: a model behind an HTTP endpoint, which makes vectors of texts.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local vector = require 'lugger.vector'

local embed = {}

---@class lugger.embed_spec
---@field url string what stands before /embeddings: 'http://localhost:8080/v1'
---@field model string|nil as the server names it
---@field key_env string|nil the environment variable that holds the key
---@field prefix string|nil stands before every text: 'query: '
---@field dimensions integer|nil of models that can be shortened; the model's own when not given
---@field batch integer|nil texts a request, at most; 32 when not given
---@field timeout_s number|nil seconds for a request; 120 when not given
---@field requests_per_s number|nil at most
---@field verify_tls boolean|nil whether the server's certificate is checked; true when not given
---@field ca_file string|nil certificates to trust, in place of the system's

--- A model that makes vectors of texts. It is asked when a text is there, not before.
---@class lugger.embedder
---@field spec lugger.embed_spec
local embedder = {}
local meta = { __index = embedder, __name = 'embedder' }
meta.__tostring = function(self)
  local name = self.spec.model and self.spec.model .. ' ' or ''
  return ('model %sat %s'):format(name, native.system.mask_secrets(self.spec.url))
end

local handles = setmetatable({}, { __mode = 'k' })

local known = { 'url', 'model', 'key_env', 'prefix', 'dimensions', 'batch', 'timeout_s', 'requests_per_s',
  'verify_tls', 'ca_file' }

local function key_of(name)
  if not name then return nil end
  return config.find(name) or config.raise(('key_env: %s is not set'):format(name),
    ('export %s=..., or write it into .env'):format(name))
end

local function handle(self)
  if handles[self] then return handles[self] end
  local settings = {}
  for name, v in pairs(self.spec) do
    if name ~= 'key_env' then settings[name] = v end
  end
  settings.key = key_of(self.spec.key_env)
  handles[self] = native.embedder(settings)
  return handles[self]
end

local function text_of(v, i)
  if type(v) ~= 'string' or v == '' then
    fault.raise('config', ('a model makes vectors of texts, and %s is %s'):format(i and 'text ' .. i or 'this',
      v == '' and 'empty' or 'a ' .. type(v)))
  end
  return v
end

--- The vectors of texts, in their order.
---@param texts string[]
---@return lugger.vector[]
function embedder:vectors(texts)
  if type(texts) ~= 'table' then fault.raise('config', ':vectors wants a list of texts', ":vectors { 'a', 'b' }") end
  local list, out = {}, {}
  for i, text in ipairs(texts) do list[i] = text_of(text, i) end
  if #list == 0 then return out end
  for i, bytes in ipairs(handle(self):vectors(list)) do
    local numbers, held = {}, ffi.cast('const float *', bytes)
    for n = 0, #bytes / 4 - 1 do numbers[n + 1] = held[n] end
    out[i] = vector.of(numbers)
  end
  return out
end

--- The vector of a text.
---@param text string
---@return lugger.vector
function embedder:vector(text)
  return assert(self:vectors({ text_of(text) })[1])
end

methods.close('embedder', embedder, meta, {})

--- True for the result of lugger.embed.
---@param v any
---@return boolean
function embed.is(v)
  return type(v) == 'table' and getmetatable(v) == meta
end

--- The native model behind it.
---@param v lugger.embedder
---@return lugger.native.embedder
function embed.handle(v)
  return handle(v)
end

--- Describes a model, for lugger.embed.
---@param spec lugger.embed_spec
---@return lugger.embedder
function embed.new(spec)
  if type(spec) ~= 'table' then
    fault.raise('config', ('lugger.embed wants a table, not a %s'):format(type(spec)),
      "lugger.embed { url = 'http://localhost:8080/v1', model = 'e5-small' }")
  end
  fault.check_keys('lugger.embed', spec, known)
  if type(spec.url) ~= 'string' then
    fault.raise('config', 'lugger.embed wants a url', "url = 'http://localhost:8080/v1'")
  end
  local copy = {}
  for name, v in pairs(spec) do copy[name] = v end
  return setmetatable({ spec = copy }, meta)
end

return embed
