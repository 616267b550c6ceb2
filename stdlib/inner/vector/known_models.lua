-- What is known of models by their name. Prices change: they are defaults, and said with each estimate.

---@class lugger.vector.known_model
---@field dimensions integer
---@field shortenable boolean|nil its vectors may be cut to their first elements, and normalised again
---@field price number US dollars a million tokens

---@type table<string, lugger.vector.known_model|nil>
return {
  ['text-embedding-3-small'] = { dimensions = 1536, shortenable = true, price = 0.02 },
  ['text-embedding-3-large'] = { dimensions = 3072, shortenable = true, price = 0.13 },
  ['text-embedding-ada-002'] = { dimensions = 1536, price = 0.10 },
}
