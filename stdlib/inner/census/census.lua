-- The census of a place: counts every collection, finds references between them, and forecasts the load.
local census_advice = require 'lugger.inner.census.advice'
local census_forecast = require 'lugger.inner.census.forecast'
local census_references = require 'lugger.inner.census.references'
local census_updates = require 'lugger.inner.census.updates'
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local json_text = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local progress = require 'lugger.inner.job.progress'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number]]

local census = {}

local trial_seconds, trial_bytes = 1, 20e6 -- a smaller collection is tried for a shorter time, but at least once

---@class lugger.census_settings
---@field jobs integer|nil threads; a core each, at most four, when not given
---@field limit integer|nil documents of each collection, from its beginning
---@field sample integer|nil about this many documents of each collection, taken at random
---@field references boolean|nil look up every value that may refer to another collection
---@field trial boolean|nil false: no timed trial of a load, and no forecast
---@field log "live"|"plain"|"json"|"none"|nil how progress is told

---@class lugger.named_census: lugger.collection_census
---@field name string
---@field forecast lugger.census_forecast|nil
---@field trial_failed string|nil why there is no forecast
---@field updates lugger.census_updates|nil of an oplog

---@class lugger.place_census
---@field place string secrets masked
---@field collections lugger.named_census[]
---@field references lugger.census_reference[]
---@field server_version string|nil of the MongoDB server that a dump was taken from, when it says so
---@field oplog string|nil whose updates were counted
---@field forecast lugger.census_forecast|nil of all collections
---@field passed lugger.census_passed[] collections that were not counted
---@field stopped boolean|nil the user stopped it

---@class lugger.census_passed
---@field name string
---@field reason string
---@field failed boolean it could not be read

local own_databases = { admin = true, config = true, ['local'] = true } ---@type table<string, boolean|nil>

-- False for views, which hold no data, and for the server's system collections.
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

local function full_name(item)
  return (item.database ~= '' and item.database .. '.' or '') .. item.collection
end

local time_series = 'a time series: what is stored are its buckets, not its documents; export it with mongoexport '
  .. 'and copy that file'

--- The collections that a census of the place includes, as { name, options }; and those it leaves out, with the reason.
---@param place string
---@param options table
---@return { name: string, options: table }[]
---@return lugger.census_passed[]
function census.collections(place, options)
  if options.collection or options.table or options.query then
    return { { name = options.collection or options.table or 'query', options = options } }, {}
  end
  local found, counted, passed = native.look_at_place(place, options).collections, {}, {}
  local by_table = native.place_kind(place).sql
  if #found == 1 then return { { name = full_name(found[1]), options = options } }, passed end
  for _, item in ipairs(found) do
    if is_counted(item) and item.type == 'timeseries' then
      passed[#passed + 1] = { name = full_name(item), reason = time_series, failed = false }
    elseif is_counted(item) then
      local own = options_for(options, item)
      if by_table then own.table, own.collection = item.collection, nil end
      counted[#counted + 1] = { name = full_name(item), options = own }
    end
  end
  if #counted == 0 then
    fault.raise('config', system.mask_secrets(place) .. ' holds no collection to count',
      'views and system collections are left out; name one by -c')
  end
  return counted, passed
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

--- Counts one collection. Ctrl-C ends it early, with the counts up to then.
---@param name string for progress
---@param place string resolved
---@param options table
---@param settings lugger.census_settings
---@return lugger.named_census
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
  ---@cast result lugger.named_census
  result.name = name
  census_advice.add(result)
  return result, run
end

--- Counts several collections in turn. If there are several, one that cannot be read is skipped.
---@param items { name: string, options: table }[]
---@param passed lugger.census_passed[] those are added
---@param place string resolved
---@param settings lugger.census_settings
---@param use fun(item: table, told: lugger.collection_census, run: table, i: integer): boolean|nil true: enough
function census.count_each(items, passed, place, settings, use)
  local first_error, counted ---@type any, boolean|nil
  for i, item in ipairs(items) do
    local ok, told, run = pcall(census.count, item.name, place, item.options, settings)
    if ok then
      counted = true
      if use(item, told, run, i) then return end
    elseif #items == 1 or type(told) == 'table' and told.code == 'interrupted' then
      error(told, 0)
    else
      first_error = first_error or told
      passed[#passed + 1] = { name = item.name, reason = tostring(told), failed = true }
    end
  end
  if first_error and not counted then error(first_error, 0) end
end

local function try(census_of, place, options)
  local before = system.interrupt_raises(false)
  local ok, trial = pcall(native.try_load, place, options,
    trial_seconds * math.min(1, tonumber(census_of.bytes) / trial_bytes)) ---@type boolean, any
  system.interrupt_raises(before)
  if ok then
    census_of.forecast = census_forecast.of(census_of, trial)
  elseif type(trial) == 'string' or trial.code ~= 'interrupted' then
    census_of.trial_failed = tostring(trial)
  end
end

local known_settings = { 'jobs', 'limit', 'sample', 'references', 'trial', 'log' }

-- Rejects bad settings first: a typing error must not cost an hour of counting.
local function check(settings)
  for key in pairs(settings) do
    local known = false
    for _, name in ipairs(known_settings) do known = known or name == key end
    if not known then
      fault.raise('config', ('a census has no setting "%s"'):format(tostring(key)),
        fault.near(key, known_settings))
    end
  end
  return settings
end

-- mongodump writes the server's version into a prelude file, in the directory of the collections or above.
local function server_version(place)
  for _, file in ipairs { place .. '/prelude.json', (place:gsub('[^/]+$', 'prelude.json')) } do
    local there, text = pcall(system.read_file, file)
    if there then return text:match('"ServerVersion"%s*:%s*"([%w%.%-]+)"') end
  end
end

-- The collections to count, and those to show. Finding references needs the keys of the others too.
local function chosen(place, options, settings)
  local shown, passed = census.collections(place, options)
  if not settings.references or not options.collection then return shown, #shown, passed end
  local without = {}
  for key, value in pairs(options) do without[key] = key ~= 'collection' and value or nil end
  local all = census.collections(place, without)
  local wanted = assert(shown[1])
  local list = { wanted }
  for _, item in ipairs(all) do
    if item.name ~= wanted.name and item.name:match('%.(.*)$') ~= wanted.name then list[#list + 1] = item end
  end
  return list, 1, passed
end

-- Adds the updates of an oplog to the collections.
local function add_updates(out, place, options)
  local counts = native.count_updates(place, options)
  if not counts then return end
  out.oplog = counts.place
  for _, told in ipairs(out.collections) do
    local found = counts.collections[told.info.database .. '.' .. told.info.collection]
    if found then census_updates.add(told, found) end
  end
end

--- Counts everything a place holds.
---@param place string a place or the name of a connection
---@param options table|nil as lugger.source takes them
---@param settings lugger.census_settings|nil
---@return lugger.place_census
function census.take(place, options, settings)
  options, settings = options or {}, check(settings or {})
  local resolved = config.resolve(place, 'from')
  local out, runs, counted = { place = system.mask_secrets(place), collections = {}, references = {} }, {}, {}
  local items, shown, passed = chosen(resolved, options, settings)
  out.passed = passed
  local trial = settings.trial ~= false and not native.place_kind(resolved).read_once
  census.count_each(items, passed, resolved, settings, function(item, told, run, i)
    runs[#runs + 1], counted[#counted + 1] = run, item
    if i <= shown then out.collections[#out.collections + 1] = told end
    out.stopped = system.stop_level() > 0 or nil
    if trial and not out.stopped and i <= shown then try(told, resolved, item.options) end
    return out.stopped
  end)
  for _, reference in ipairs(census_references.find(counted, runs)) do
    for _, told in ipairs(out.collections) do
      if told.name == reference.collection then table.insert(out.references, reference) end
    end
  end
  if settings.references and not out.stopped then census_references.check(out.references, resolved, counted) end
  out.server_version = server_version(resolved)
  out.forecast = census_forecast.sum(out.collections)
  if not out.stopped then add_updates(out, resolved, options) end
  return out
end

-- Lists that may be empty must be encoded as lists in JSON.
local lists = { 'collections', 'paths', 'types', 'examples', 'null_examples', 'top', 'discriminators', 'decides',
  'kinds', 'always', 'never', 'faults', 'breaks', 'notes', 'warnings', 'subtypes', 'same_but_case',
  'references', 'hot', 'passed', 'zero_examples', 'non_finite_examples', 'duplicate_examples' }
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

--- A census as JSON text; docs/census.md describes its fields.
---@param taken lugger.place_census
---@return string
function census.json(taken)
  return json_text.encode(mark(taken))
end

return census
