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
---@field key_env string|string[]|nil the environment variable that holds the key, or those of several keys
---@field prefix string|nil stands before every text: 'query: '
---@field dimensions integer|nil of models that can be shortened; the model's own when not given
---@field batch integer|nil texts a request, at most; 32 when not given
---@field batch_tokens integer|nil tokens a request, about, at most; 100,000 when not given
---@field in_flight integer|nil requests that one connection of a job has under way; 1, or one a key, when not given
---@field per_million number|nil the price of a million tokens, in USD
---@field bytes_per_token number|nil to tell tokens beforehand; 4 when not given, as of English
---@field max_usd number|nil a run of a job sends no request that could cost more than this in all
---@field max_tokens integer|nil so of tokens
---@field max_requests integer|nil so of requests
---@field longest integer|nil bytes of a text that the model takes whole
---@field long "reject"|"truncate"|nil what becomes of a longer text in a job; 'reject' when not given
---@field cache string|nil the file in which a job keeps vectors; '.lugger/embeddings.sqlite' when not given
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

local known = { 'url', 'model', 'key_env', 'prefix', 'dimensions', 'batch', 'batch_tokens', 'in_flight', 'timeout_s',
  'requests_per_s', 'verify_tls', 'ca_file', 'per_million', 'bytes_per_token', 'max_usd', 'max_tokens',
  'max_requests', 'longest', 'long', 'cache' }

local function keys_of(names)
  local keys = {}
  for i, name in ipairs(type(names) == 'table' and names or { names }) do
    keys[i] = config.find(name) or config.raise(('key_env: %s is not set'):format(name),
      ('export %s=..., or write it into .env'):format(name))
  end
  return keys
end

-- What native.embedder reads, and a column of native.job.
local function settings_of(self)
  local settings = {}
  for name, v in pairs(self.spec) do
    if name ~= 'key_env' and name ~= 'long' then settings[name] = v end
  end
  settings.keys = keys_of(self.spec.key_env)
  settings.truncate = self.spec.long == 'truncate'
  settings.cache = self.spec.cache or '.lugger/embeddings.sqlite'
  settings.in_flight = self.spec.in_flight or math.max(#settings.keys, 1)
  return settings
end

local function handle(self)
  if handles[self] then return handles[self] end
  handles[self] = native.embedder(settings_of(self))
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

local openai = 'https://api.openai.com/v1'

-- embed = 'MODEL': at EMBED_URL, with the key of EMBED_KEY.
local function named(model)
  local url = config.find 'EMBED_URL' or openai
  local key = config.find 'EMBED_KEY' and 'EMBED_KEY' or url == openai and 'OPENAI_API_KEY' or nil
  return embed.new { url = url, model = model, key_env = key }
end

--- The model that a column says.
---@param column table
---@return lugger.embedder|nil
function embed.of(column)
  local model = column.embed
  if model == nil or embed.is(model) then return model end
  if type(model) == 'string' then return named(model) end
  fault.raise('config', ('embed is a lugger.embed { ... } or the name of a model, not a %s'):format(type(model)),
    "{ 'embedding', 'vector(1536)', from = 'text', embed = 'text-embedding-3-small' }")
end

--- The columns of a job as native.job reads them: models with their settings and keys.
---@param columns any
---@return any
function embed.bound(columns)
  if type(columns) ~= 'table' then return columns end
  local out = {}
  for i, column in ipairs(columns) do
    local model = type(column) == 'table' and embed.of(column)
    out[i] = column
    if model then
      out[i] = {}
      for key, v in pairs(column) do out[i][key] = v end
      out[i].embed = settings_of(model)
    end
  end
  return out
end

--- The same for child tables, to any depth.
---@param children any
---@return any
function embed.bound_children(children)
  if type(children) ~= 'table' then return children end
  local out = {}
  for i, child in ipairs(children) do
    out[i] = child
    if type(child) == 'table' then
      out[i] = {}
      for key, v in pairs(child) do out[i][key] = v end
      out[i].columns, out[i].children = embed.bound(child.columns), embed.bound_children(child.children)
    end
  end
  return out
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
  local long = spec.long ---@type any
  if long ~= nil and long ~= 'reject' and long ~= 'truncate' then
    fault.raise('config', ("long is 'reject' or 'truncate', not %s"):format(tostring(long)))
  end
  if long and not spec.longest then
    fault.raise('config', 'long: nothing says how long a text may be', 'longest = 30000 is so in bytes')
  end
  local copy = {}
  for name, v in pairs(spec) do copy[name] = v end
  return setmetatable({ spec = copy }, meta)
end

return embed
