-- The census of a place: every collection counted, references between them, the forecast of a load.
local census_advice = require 'lugger.census_advice'
local config = require 'lugger.config'
local fault = require 'lugger.fault'
local json_text = require 'lugger.json_text'
local native = require 'lugger.native'
local progress = require 'lugger.progress'
local system = native.system

local census = {}

---@class lugger.census_settings
---@field jobs integer|nil threads; a core each, at most four, when not given
---@field limit integer|nil documents of each collection, from its beginning
---@field sample integer|nil about so many documents of each collection, taken at random
---@field log "live"|"plain"|"json"|"none"|nil how progress is told

---@class lugger.place_census
---@field place string secrets masked
---@field collections lugger.collection_census[]
---@field stopped boolean|nil the user stopped it

local own_databases = { admin = true, config = true, ['local'] = true }

-- Views hold nothing of their own, and what the server keeps for itself is not the user's.
local function is_counted(item)
  return item.type ~= 'view' and not item.collection:find('^system%.') and not own_databases[item.database]
end

local function options_for(options, item)
  local out = {}
  for key, value in pairs(options or {}) do out[key] = value end
  if item.database and item.database ~= '' then
    out.collection = item.database .. '.' .. item.collection
  elseif item.collection and item.collection ~= '' then
    out.collection = item.collection
  end
  return out
end

--- What a census of the place covers: { name, options } of each collection.
---@param place string
---@param options table
---@return { name: string, options: table }[]
function census.collections(place, options)
  if options.collection or options.table or options.query then
    return { { name = options.collection or options.table or 'query', options = options } }
  end
  local found, counted = native.collections(place, options), {}
  if #found == 1 then return { { name = found[1].collection, options = options } } end
  for _, item in ipairs(found) do
    if is_counted(item) then
      local postgres = place:find('^postgres') or place:find('^local:')
      local own = options_for(options, item)
      if postgres then own.table, own.collection = item.collection, nil end
      counted[#counted + 1] = { name = (item.database ~= '' and item.database .. '.' or '') .. item.collection,
        options = own }
    end
  end
  if #counted == 0 then
    fault.raise('config', system.mask_secrets(place) .. ' holds no collection to count',
      'views and system collections are left out; name one by -c')
  end
  return counted
end

local function watch(run, reporter)
  while not run:ended() do
    local seen = run:poll(100)
    if system.stop_level() > 0 then run:stop() end
    if not run:ended() then
      reporter:update { run = '', stage = 'counting', total_bytes = seen.total_bytes, seconds = seen.seconds,
        tally = { read = seen.documents, bytes = seen.bytes, rejected = 0 } }
    end
  end
  reporter:finish()
end

--- Counts one collection. Ctrl-C ends it early with what was counted.
---@param name string for progress
---@param place string resolved
---@param options table
---@param settings lugger.census_settings
---@return lugger.collection_census
---@return lugger.native.census
function census.count(name, place, options, settings)
  local run = native.census(place, options, { jobs = settings.jobs, limit = settings.limit, sample = settings.sample })
  local before = system.interrupt_raises(false)
  local ok, result = pcall(function()
    watch(run, progress.new(name, settings.log))
    return run:result()
  end)
  system.interrupt_raises(before)
  if not ok then error(result, 0) end
  result.name = name
  return census_advice.add(result), run
end

--- Counts everything a place holds.
---@param place string a place or the name of a connection
---@param options table|nil as lugger.source takes them
---@param settings lugger.census_settings|nil
---@return lugger.place_census
function census.take(place, options, settings)
  settings = settings or {}
  local resolved = config.resolve(place, 'from')
  local out = { place = system.mask_secrets(place), collections = {} }
  for _, item in ipairs(census.collections(resolved, options or {})) do
    local told = census.count(item.name, resolved, item.options, settings)
    out.collections[#out.collections + 1] = told
    if system.stop_level() > 0 then
      out.stopped = true
      break
    end
  end
  return out
end

-- Lists that may be empty must be lists in JSON too.
local lists = { 'collections', 'paths', 'types', 'examples', 'null_examples', 'top', 'discriminators', 'decides', 'kinds',
  'always', 'never', 'faults', 'breaks', 'notes', 'warnings', 'subtypes', 'same_but_case', 'references' }
local is_list = {}
for _, name in ipairs(lists) do is_list[name] = true end

local function mark(value)
  for key, item in pairs(value) do
    if type(item) == 'table' then
      if is_list[key] then json_text.list(item) end
      mark(item)
    end
  end
  return value
end

--- A census as JSON text; docs/census.md tells its fields.
---@param taken lugger.place_census
---@return string
function census.json(taken)
  return json_text.encode(mark(taken))
end

return census
