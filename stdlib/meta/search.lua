---@meta lugger.native
-- Searches for vectors, and models that make them.

---@class lugger.native
local native = {}

---@class lugger.native.source
local source = {}
--- The vectors nearest to one: `query` are its floats as bytes; or to a text, of a store that makes vectors itself.
---@param request { query: string?, text: string?, k: integer?, column: string?, metric: string?, key: string[]?, filter: string[][]? }
---@return lugger.native.search_found
function source:search(request) end

--- What the models of a run may be asked for in all, earlier attempts with it.
---@class lugger.embed_caps
---@field max_usd number|nil send no request that could cost more than this
---@field max_tokens integer|nil so of tokens
---@field max_requests integer|nil so of requests

--- A model that makes vectors of texts; lugger.embed wraps it.
---@param settings table as lugger.embed_spec, with `keys` for key_env and `truncate` for long
---@return lugger.native.embedder
function native.embedder(settings) end

---@class lugger.native.embedder
local embedder = {}
--- The vectors of texts, in their order, their floats as bytes.
---@param texts string[]
---@return string[]
function embedder:vectors(texts) end
---@return string "e5-small at http://localhost:8080/v1"
function embedder:shown() end

return native
