-- vector.decide: whether vectors may be copied or must be embedded anew, and what that would cost.
local costs = require 'lugger.inner.vector.costs'
local fault = require 'lugger.inner.base.fault'
local making = require 'lugger.inner.vector.making'
local same_space = require 'lugger.inner.vector.same_space'

local decide = {}

---@class lugger.vector.decide_settings
---@field from any PLACE#COLUMN, the name of a model, a source, { source =, column =, model = }, or facts: { model = }
---@field to any the same
---@field from_model string|nil the model of a place whose manifest does not say it
---@field to_model string|nil
---@field shortenable boolean|nil whether the model's vectors may be cut; else what is known of it
---@field documents number|nil how many; else as many as `from` holds
---@field text string|string[]|nil the path of the text in `from`, to be measured; or in `texts`
---@field texts lugger.source|nil where the texts are, when not in `from`
---@field sample integer|nil measure about so many texts; 1,000 when not given
---@field bytes_per_token number|nil of the texts; 4 when not given
---@field tokens number|nil a document, when they are not measured; 500 when not given
---@field price number|nil US dollars a million tokens; that of the model, else 0.02
---@field per_minute number|nil documents a minute and key; 2,000 when no rate is given
---@field requests_per_minute number|nil a key
---@field batch integer|nil texts a request; 100 when not given
---@field tokens_per_minute number|nil a key
---@field keys integer|nil that are used side by side; 1 when not given
---@field own_endpoint boolean|nil a model of one's own: no price, no limit but what is given
---@field metadata_bytes number|nil of a record of Pinecone; 1,000 when not given
---@field read_unit_price number|nil US dollars a million of Pinecone's read units; 16 when not given
---@field write_unit_price number|nil of its write units; 4 when not given

---@class lugger.vector.decision
---@field re_embed_required boolean true, too, where nothing tells
---@field reason string
---@field estimated_cost_usd number|nil of embedding everything anew; nil: nothing tells how many documents there are
---@field estimated_time_minutes number|nil
---@field decision "copy"|"shorten"|"embed"|"unknown"
---@field reasons string[]
---@field facts lugger.vector.fact[] fact by fact
---@field steps string[] what a copy has to do
---@field from lugger.vector.making
---@field to lugger.vector.making
---@field embedding lugger.vector.costs|nil
---@field units lugger.vector.units|nil
---@field texts lugger.vector.estimate|nil of the texts that were measured

local numbers = { 'documents', 'sample', 'bytes_per_token', 'tokens', 'per_minute', 'requests_per_minute', 'batch',
  'tokens_per_minute', 'keys' }
local prices = { 'price', 'metadata_bytes', 'read_unit_price', 'write_unit_price' }
local others = { 'from', 'to', 'from_model', 'to_model', 'shortenable', 'text', 'texts', 'own_endpoint' }

local function check(settings)
  local known = {}
  for _, list in ipairs { numbers, prices, others } do
    for _, name in ipairs(list) do known[#known + 1] = name end
  end
  fault.check_keys('vector.decide', settings, known)
  for i, list in ipairs { numbers, prices } do
    for _, name in ipairs(list) do
      local v = settings[name]
      local ok = v == nil or type(v) == 'number' and v < math.huge and (v > 0 or i == 2 and v == 0)
      if not ok then
        fault.raise('config', ('%s is a number %s, not %s'):format(name, i == 1 and 'greater than 0' or 'from 0',
          tostring(v)))
      end
    end
  end
  if settings.text and settings.tokens then
    fault.raise('config', 'text and tokens exclude each other', 'text measures them, tokens says them')
  end
end

-- The texts, of a place that has them.
local function measure(settings, side)
  if not settings.text then return nil end
  local source = settings.texts or side.source
  if not source then
    fault.raise('config', ('there are no texts to measure: %s is no place'):format(side.making.shown),
      'texts names where they are')
  end
  return require('lugger.inner.script.estimate').of(source, { text = settings.text,
    sample = settings.sample or 1000, bytes_per_token = settings.bytes_per_token })
end

local function to_cents(number) return math.floor(number * 100 + 0.5) / 100 end
local function to_tenths(number) return math.floor(number * 10 + 0.5) / 10 end

--- Decides. Asks nobody but the places that are named.
---@param settings lugger.vector.decide_settings
---@return lugger.vector.decision
function decide.of(settings)
  if type(settings) ~= 'table' then
    fault.raise('config', 'vector.decide wants a table',
      "vector.decide { from = 'PLACE#docs.embedding', to = 'MODEL' }")
  end
  check(settings)
  local own = {} ---@type table<string, any>
  for name, v in pairs(settings) do own[name] = v end
  local from, to = making.of(own.from, own.from_model, 'from'), making.of(own.to, own.to_model, 'to')
  local judged = same_space.judge(from.making, to.making, own.shortenable)
  local texts = measure(own, from)
  local documents = own.documents or from.making.documents or texts and texts.documents
  local out = { decision = judged.decision, re_embed_required = judged.decision == 'embed'
    or judged.decision == 'unknown', reason = table.concat(judged.reasons, '; '), reasons = judged.reasons,
    facts = judged.facts, steps = judged.steps, from = from.making, to = to.making, texts = texts }
  if documents then
    local share = texts and texts.measured > 0 and 1 - texts.without_text / texts.measured or 1
    out.embedding = costs.embedding(documents * share, texts and texts.tokens_per_document or own.tokens
      or costs.usual.tokens, to.making.model, own)
    out.estimated_cost_usd = to_cents(out.embedding.cost_usd)
    out.estimated_time_minutes = out.embedding.minutes and to_tenths(out.embedding.minutes)
    out.units = costs.units(from.making, to.making, documents, own)
  end
  return out
end

return decide
