-- Forecasts the load of a collection from a short trial: rows, space, time. An estimate, not a promise.
local census_forecast = {}

census_forecast.large_bytes = 50e9 -- above it, a plain load needs planning

local tuple_bytes = 28 -- header and line pointer of a row
local key_bytes = 44 -- a mongo_id in the key's index, with pages 90 % full
local scaling = 0.45 -- the gain from each further connection (docs/performance.md)

---@class lugger.census_forecast
---@field rows integer
---@field source_bytes integer as BSON
---@field table_bytes integer of the collection's own table
---@field index_bytes integer of its key
---@field disk_bytes integer to have free: table, key, and as much again for WAL and sorting
---@field seconds number
---@field connections integer
---@field refused integer documents of the trial that would be rejected
---@field trial { documents: integer, bytes: integer, seconds: number }

local function num(value)
  return tonumber(value) or 0
end

--- The forecast of one collection from its census and a trial (native.try_load).
---@param census lugger.collection_census
---@param trial table
---@return lugger.census_forecast|nil nil when there was nothing to try
function census_forecast.of(census, trial)
  local tried = num(trial.documents)
  if tried == 0 or num(census.documents) == 0 then return nil end
  local share = census.sample and num(census.sample.documents) / num(census.documents) or 1
  local rows, bytes = math.floor(num(census.documents) * share + 0.5), num(census.bytes) * share
  -- Each field has a length of 4 bytes in COPY, but about one byte on disk.
  local row = num(trial.row_bytes) / tried - 2 - 3 * num(trial.columns) + tuple_bytes
  local connections = math.max(1, num(census.workers))
  local convert = bytes * num(trial.seconds) / num(trial.bytes) / connections
  local server = bytes * num(trial.connection_seconds_per_byte) / (1 + scaling * (connections - 1))
  local space, index = math.floor(rows * row), rows * key_bytes
  local forecast = {
    rows = rows, source_bytes = math.floor(bytes), table_bytes = space, index_bytes = index,
    disk_bytes = 2 * (space + index), seconds = math.max(convert, server), connections = connections,
    refused = num(trial.refused), trial = { documents = tried, bytes = num(trial.bytes), seconds = num(trial.seconds) },
  }
  return forecast --[[@as lugger.census_forecast]]
end

--- The sum over all collections of a place; nil when none has a forecast.
---@param collections lugger.named_census[]
---@return lugger.census_forecast|nil
function census_forecast.sum(collections)
  local total ---@type table<string, number>|nil
  for _, census in ipairs(collections) do
    local one = census.forecast
    if one then
      total = total or { rows = 0, source_bytes = 0, table_bytes = 0, index_bytes = 0, disk_bytes = 0, seconds = 0 }
      for key, value in pairs(total) do total[key] = value + one[key] end
    end
  end
  return total --[[@as lugger.census_forecast|nil]]
end

return census_forecast
