-- vector.estimate: what embedding the texts of a source would cost.
local fault = require 'lugger.inner.base.fault'
local value = require 'lugger.inner.base.value'
local tonumber = tonumber --[[@as fun(count: any): number]]

local estimate = {}

---@class lugger.vector.estimate_settings
---@field text string|string[] the dotted path of the text, or of several that are embedded together
---@field per_million number|nil the price of a million tokens
---@field per_minute number|nil documents that the model takes in a minute
---@field sample integer|nil measure about this many documents, from all parts of the source; all when not given
---@field bytes_per_token number|nil 4 when not given, as of English

---@class lugger.vector.estimate
---@field documents integer of the source
---@field measured integer documents that were read
---@field without_text integer those of them that have none: they cannot be embedded
---@field tokens number of all documents
---@field tokens_per_document number the mean of those that have text
---@field longest number tokens of the longest text
---@field cost number|nil
---@field minutes number|nil

local known = { 'text', 'per_million', 'per_minute', 'sample', 'bytes_per_token' }

local function number(settings, name)
  local given = settings[name]
  if given ~= nil and (type(given) ~= 'number' or given <= 0) then
    fault.raise('config', ('vector.estimate: %s must be a number greater than 0'):format(name))
  end
  return given
end

local function field(doc, path)
  local at = doc
  for name in path:gmatch '[^.]+' do
    if type(at) ~= 'table' and type(at) ~= 'cdata' then return nil end
    at = at[name]
    if at == nil or at == value.null then return nil end
  end
  return at
end

-- The bytes of a document's text.
---@return integer
local function size_of(doc, paths)
  local bytes = 0 --[[@as integer]]
  for _, path in ipairs(paths) do
    local text = field(doc, path)
    if type(text) == 'string' then bytes = bytes + #text end
  end
  return bytes
end

local function measure(cursor, paths, most, found)
  for batch in cursor:batches() do
    for doc in batch:docs() do
      local bytes = size_of(doc, paths)
      found.measured = found.measured + 1
      if bytes == 0 then found.without_text = found.without_text + 1 end
      found.bytes = found.bytes + bytes
      found.longest = math.max(found.longest, bytes)
    end
    most = most - #batch
    if most <= 0 then break end
  end
  found.read = found.read + tonumber(cursor:bytes())
end

--- Reads texts and counts what they would cost.
---@param source lugger.source
---@param settings lugger.vector.estimate_settings
---@return lugger.vector.estimate
function estimate.of(source, settings)
  fault.check_keys('vector.estimate', settings, known)
  local paths = settings.text
  if type(paths) == 'string' then paths = { paths } end
  if type(paths) ~= 'table' or #paths == 0 then
    fault.raise('config', 'vector.estimate: no text is named', "vector.estimate(docs, { text = 'body' })")
  end
  local per_token = number(settings, 'bytes_per_token') or 4
  local info = source:info()
  local sample, size = number(settings, 'sample'), not info.compressed and tonumber(info.bytes) or 0
  if not info.documents and size == 0 then sample = nil end -- nothing tells how much the rest is
  local parts = sample and source:split(16) or { false }
  ---@type { measured: integer, without_text: integer, bytes: number, longest: number, read: number }
  local found = { measured = 0, without_text = 0, bytes = 0, longest = 0, read = 0 }
  for _, part in ipairs(parts) do
    local most = sample and math.ceil(sample / #parts) or math.huge
    local cursor = source:cursor { partition = part or nil, batch_rows = math.min(most, 1000) }
    measure(cursor, paths, most, found)
    cursor:close()
  end
  local with_text = found.measured - found.without_text
  local documents = found.measured
  if sample and info.documents then
    documents = math.max(documents, tonumber(info.documents) --[[@as integer]])
  elseif sample and found.read > 0 then
    documents = math.floor(documents * math.max(size / found.read, 1) + 0.5)
  end
  local mean = with_text > 0 and found.bytes / with_text / per_token or 0
  local share = found.measured > 0 and with_text / found.measured or 0
  local out = {
    documents = documents, measured = found.measured, without_text = found.without_text,
    tokens_per_document = mean, longest = found.longest / per_token, tokens = mean * documents * share,
  }
  local price, rate = number(settings, 'per_million'), number(settings, 'per_minute')
  out.cost = price and out.tokens / 1e6 * price
  out.minutes = rate and documents * share / rate
  return out
end

return estimate
