-- What embedding texts anew costs, how long it takes, and the units that a store counts. Estimates.
local known_models = require 'lugger.inner.vector.known_models'

local costs = {}

-- Of a document that nobody has measured, of the cheapest of the usual models, and of its limit.
local usual = { tokens = 500, price = 0.02, per_minute = 2000, batch = 100, metadata_bytes = 1000,
  read_unit_price = 16, write_unit_price = 4 }
costs.usual = usual

---@class lugger.vector.costs
---@field documents number that are embedded
---@field tokens number of all of them
---@field tokens_per_document number
---@field price number US dollars a million tokens
---@field cost_usd number
---@field minutes number|nil nil: nothing limits a model of one's own but its speed
---@field limit string|nil what the minutes come from: "2000 documents a minute"
---@field keys integer

---@class lugger.vector.units
---@field read number|nil of Pinecone, of the side that is read
---@field write number|nil of the side that is written
---@field cost_usd number

-- The slowest of what is given decides; without any a rate of documents that is usual.
local function time_of(settings, documents, tokens)
  local limits = {}
  local function add(minutes, words) limits[#limits + 1] = { minutes = minutes / settings.keys, words = words } end
  if settings.requests_per_minute then
    local batch = settings.batch or usual.batch
    add(math.ceil(documents / batch) / settings.requests_per_minute,
      ('%d requests a minute of %d texts'):format(settings.requests_per_minute, batch))
  end
  if settings.tokens_per_minute then
    add(tokens / settings.tokens_per_minute, ('%d tokens a minute'):format(settings.tokens_per_minute))
  end
  local per_minute = settings.per_minute
  if not per_minute and #limits == 0 and not settings.own_endpoint then per_minute = usual.per_minute end
  if per_minute then add(documents / per_minute, ('%d documents a minute'):format(per_minute)) end
  table.sort(limits, function(a, b) return a.minutes > b.minutes end)
  return limits[1]
end

--- What embedding costs.
---@param documents number
---@param tokens_per_document number
---@param model string|nil
---@param settings table
---@return lugger.vector.costs
function costs.embedding(documents, tokens_per_document, model, settings)
  local known = model and known_models[model]
  local price = settings.price or settings.own_endpoint and 0 or known and known.price or usual.price
  local tokens = documents * tokens_per_document
  settings.keys = settings.keys or 1
  local slowest = time_of(settings, documents, tokens)
  return { documents = documents, tokens = tokens, tokens_per_document = tokens_per_document, price = price,
    cost_usd = tokens / 1e6 * price, minutes = slowest and slowest.minutes, limit = slowest and slowest.words,
    keys = settings.keys }
end

local function is_pinecone(making)
  return making.place and making.place:find '^pinecone:' ~= nil
end

--- The units that Pinecone counts when all of one side is read once, and written once to the other: a read unit for a
--- page of 100 ids and for 10 records, a write unit for a kilobyte. nil: neither side is one.
---@param from lugger.vector.making
---@param to lugger.vector.making
---@param documents number|nil
---@param settings table
---@return lugger.vector.units|nil
function costs.units(from, to, documents, settings)
  if not documents or not (is_pinecone(from) or is_pinecone(to)) then return nil end
  local out = { cost_usd = 0 } ---@type lugger.vector.units
  if is_pinecone(from) then
    out.read = math.ceil(documents / 100) + math.ceil(documents / 10)
    out.cost_usd = out.read / 1e6 * (settings.read_unit_price or usual.read_unit_price)
  end
  if is_pinecone(to) then
    local bytes = (to.dimensions or from.dimensions or 0) * 4 + (settings.metadata_bytes or usual.metadata_bytes)
    out.write = math.ceil(documents * bytes / 1000)
    out.cost_usd = out.cost_usd + out.write / 1e6 * (settings.write_unit_price or usual.write_unit_price)
  end
  return out
end

return costs
