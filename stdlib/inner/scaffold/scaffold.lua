-- Makes the files of a migration from a source: a census, a mapping for each collection, its script, the DDL, and a
-- rehearsal that proves that every document loads.
local all_jobs = require 'lugger.inner.scaffold.all_jobs'
local config = require 'lugger.inner.cli.config'
local count = require 'lugger.inner.scaffold.count'
local lua_text = require 'lugger.inner.scaffold.lua_text'
local names = require 'lugger.inner.base.names'
local native = require 'lugger.native'
local scaffold_advice = require 'lugger.inner.scaffold.advice'
local scaffold_beside = require 'lugger.inner.scaffold.beside'
local scaffold_columns = require 'lugger.inner.scaffold.columns'
local distribute = require 'lugger.inner.scaffold.distribute'
local scaffold_indexes = require 'lugger.inner.scaffold.indexes'
local scaffold_onto = require 'lugger.inner.scaffold.onto'
local scaffold_references = require 'lugger.inner.scaffold.references'
local scaffold_script = require 'lugger.inner.scaffold.script'
local script = require 'lugger.inner.script.script'
local terminal = require 'lugger.inner.view.terminal'
local types = require 'lugger.inner.scaffold.types'
local system = native.system

local scaffold = {}

---@class lugger.scaffold_settings
---@field jobs integer|nil
---@field sample integer|nil
---@field collections string[]|nil only these
---@field snake_case boolean|nil
---@field not_null "later"|"now"|nil
---@field into string|nil place of the target, as it is to stand in the scripts
---@field schema string|nil of the tables
---@field distribute string|nil column by which Citus is to distribute the tables
---@field onto lugger.scaffold_onto|nil existing tables

---@class lugger.scaffold.collection one collection on its way to a script
---@field name string "shop.users"
---@field options table of its source
---@field census lugger.collection_census
---@field metadata lugger.doc|nil
---@field table lugger.scaffold.table
---@field indexes lugger.scaffold.index[]
---@field file string
---@field module string by which all.lua requires it
---@field text string
---@field jobs lugger.job[]|nil of its script
---@field kept boolean|nil the script on disk is the user's
---@field failed boolean|nil no script could be made of it
---@field unread string|nil why the user's script says nothing
---@field repairs string[] what the rehearsal changed
---@field run lugger.native.census
---@field rehearsal lugger.rehearsal|nil
---@field onto_notes string[]|nil what does not fit existing tables

---@class lugger.scaffold.list
---@field [integer] lugger.scaffold.collection
---@field passed lugger.census_passed[] collections that were not counted
---@field beside lugger.scaffold.beside[] of earlier scaffolds in the directory

local function stop_when_asked()
  if system.stop_level() > 0 then
    error(native.error('interrupted', 'stopped: nothing was written'), 0)
  end
end

-- All tables are named before any child table, so that collections keep their names. The names depend on everything in
-- the place, so that choosing some of the collections changes no name.
local function name_tables(list, place, settings)
  local chosen, used = names.of_tables(native.look_at_place(config.resolve(place, 'from'), {}).collections, settings)
  for _, item in ipairs(list) do
    local info = item.census.info
    item.chosen = chosen[info.database .. '.' .. info.collection]
      or names.choose(info.collection == '' and 'documents' or info.collection, used, 'table')
  end
  return used
end

-- Modules of Lua itself, which `require` would find instead of a file beside the script.
---@type table<string, boolean|nil>
local taken_modules = { string = true, table = true, math = true, io = true, os = true, debug = true, package = true,
  coroutine = true, bit = true, jit = true, ffi = true, lugger = true, argparse = true, all = true, _G = true }

local function name_files(list)
  local used = {}
  for _, item in ipairs(list) do
    local base = item.chosen.name:gsub('[^%w_%-]+', '_'):sub(1, 100)
    if taken_modules[base:lower()] or base == '' then base = base .. '_' end
    local name, number = base, 1
    while used[name:lower()] do
      number = number + 1
      name = base .. '_' .. number
    end
    used[name:lower()] = true
    item.module, item.file = name, name .. '.lua'
  end
end

-- Something that exists is a path, whatever it looks like; the registry decides the same way.
local function is_url(place)
  if system.stat(place) then return false end
  return place:match('^%a[%w+.-]*://') or place:match('^env:') or system.mask_secrets(place) ~= place
end

local function source_text(place, item)
  local where = is_url(place) and 'lugger.env.MONGO_URI' or lua_text.quote(place)
  local options = {}
  for key, value in pairs(item.options) do options[#options + 1] = { key, value } end
  local info = item.census.info
  if info.kind == 'mongodb' and not item.options.collection then -- tomorrow there may be another one
    options[#options + 1] = { 'collection', info.database .. '.' .. info.collection }
  end
  table.sort(options, function(a, b) return a[1] < b[1] end)
  if #options == 0 then return ('lugger.source(%s)'):format(where) end
  return ('lugger.source(%s, %s)'):format(where, lua_text.record({}, options))
end

--- True when scripts use PG_URI as their target: a place that may contain a password is not written into them.
---@param place string|nil
---@return boolean
function scaffold.by_variable(place)
  return not place or is_url(place) and true or false
end

local function target_text(place)
  if scaffold.by_variable(place) then return 'lugger.env.PG_URI' end
  return lua_text.quote(place)
end

local function title(item, directory)
  local found = item.census
  local read = found.sample and ('a sample of %s of about %s was read'):format(terminal.group(found.documents),
    terminal.group(tonumber(found.sample.documents) --[[@as number]]))
    or found.complete and 'every one was read' or 'not all were read'
  local path = terminal.shell_quote(directory .. '/' .. item.file)
  return {
    ('%s: %s, %s; %s.'):format(item.name, terminal.count(found.documents, 'document'), terminal.bytes(found.bytes),
      read),
    ('  lugger preview %s -n 5'):format(path),
    ('  lugger %s %s --create'):format(all_jobs.is_live(found.info) and 'move' or 'run', path),
  }
end

local function proven_columns(made, not_null, constraints, now)
  local list = {}
  for _, column in ipairs(made.columns) do
    local fixed = column.name == 'id' or column.field == '_id' or column.name == made.distribute
    if column.proven and not fixed then
      if now then
        column.keys[#column.keys + 1] = { 'required', true }
      else
        list[#list + 1] = column.name
      end
    end
  end
  if made.from and #list > 0 then
    constraints[#constraints + 1] = { value = { table = made.table, not_null = list } }
  elseif not made.from then
    for _, name in ipairs(list) do not_null[#not_null + 1] = name end
  end
  for _, child in ipairs(made.children) do proven_columns(child, not_null, constraints, now) end
end

local function write_script(item, place, settings)
  local advice, route = scaffold_advice.shapes(item.census, item.table)
  for _, list in ipairs { scaffold_advice.tenants(item.census, item.table), scaffold_advice.faults(item.census),
    item.repairs } do
    for _, text in ipairs(list) do advice[#advice + 1] = text end
  end
  item.text = scaffold_script.text {
    title = title(item, settings.out or '.'), source = source_text(place, item), target = target_text(settings.into),
    table = item.table, advice = advice, route = route, indexes = item.indexes, not_null = item.not_null,
    constraints = item.constraints,
  }
end

-- Loads the script as a job, in the same way as when the user runs it.
local function load_script(item, place)
  local loaded = script.load(item.file, { text = item.text, overrides = { from = place, into = 'local:' } })
  item.jobs = loaded.jobs
  return loaded.jobs[1]
end

--- The script on disk was edited and stays, so the reports describe that version of the mapping.
---@param item lugger.scaffold.collection
---@param place string
---@param directory string
function scaffold.keep(item, place, directory)
  item.kept, item.jobs = true, {}
  local ok, loaded = pcall(script.load, directory .. '/' .. item.file,
    { overrides = { from = place, into = 'local:' } })
  for _, job in ipairs(ok and loaded.jobs or {}) do
    if job.shape then item.jobs[#item.jobs + 1] = job end
  end
  if #item.jobs > 0 then
    local done, found = pcall(function() return item.jobs[1]:rehearse(0) end)
    if done then
      item.rehearsal = found
      return
    end
    ok, loaded = false, found
  end
  item.jobs, item.unread = {}, ok and 'it returns no job' or tostring(loaded)
  terminal.warn(('%s was edited and cannot be read, so the SQL files leave it out: %s'):format(item.file, item.unread))
end

local function table_named(made, name)
  if made.table == name then return made end
  for _, child in ipairs(made.children) do
    local found = table_named(child, name)
    if found then return found end
  end
end

local function set_key(column, key, value)
  for _, pair in ipairs(column.keys) do
    if pair[1] == key then
      if pair[2] == value then return false end
      pair[2] = value
      return true
    end
  end
  column.keys[#column.keys + 1] = { key, value }
  return true
end

local no_value = { malformed = true, required_missing = true } -- no type can represent it

-- Changes the mapping so that a refused value fits. False: nothing helps, and the document is reported.
local function mend(item, refusal, onto)
  local made = table_named(item.table, refusal.table)
  local column = made and types.column_named(made, refusal.column)
  if not column or column.field == '_id' then return false end
  local text = ('%s (%s%s)'):format(refusal.message, terminal.count(refusal.documents, 'document'),
    #refusal.examples > 0 and ': ' .. table.concat(refusal.examples, ', ') or '')
  if column.type == 'jsonb' and refusal.code == 'nul_in_text' then
    if onto or not set_key(column, 'nul', 'tag') then return false end
  elseif column.type == 'jsonb' and refusal.code == 'bad_utf8' then
    if onto or not set_key(column, 'utf8', 'tag') then return false end
  elseif refusal.code == 'non_finite' then
    if not set_key(column, 'non_finite', 'keep') then return false end
  elseif not no_value[refusal.code] and column.type ~= 'jsonb' and not onto then
    local from ---@type string|nil
    for _, pair in ipairs(column.keys) do
      if pair[1] == 'from' then from = pair[2] end
    end
    column.type, column.proven = 'jsonb', false
    column.keys = { { 'json', 'typed' }, { 'nul', 'tag' }, { 'utf8', 'tag' } }
    if from then table.insert(column.keys, 1, { 'from', from }) end
  else
    return false
  end
  column.notes[#column.notes + 1] = 'the rehearsal found: ' .. text
  return true
end

local most_rehearsals = 6
local long_rehearsal = 50e6 -- bytes; for larger sources, a message says that the rehearsal is running

-- Runs the source through the mapping until nothing is refused that a mapping could accept.
local function rehearse(item, place, settings)
  if tonumber(item.census.bytes) > long_rehearsal then terminal.say('rehearsing ', item.name) end
  for _ = 1, most_rehearsals do
    write_script(item, place, settings)
    local found = load_script(item, place):rehearse(settings.sample and 100 * settings.sample or 0)
    stop_when_asked()
    item.rehearsal = found
    local mended = false
    for _, refusal in ipairs(found.refusals) do mended = mend(item, refusal, settings.onto) or mended end
    if not mended then return end
  end
end

--- The constraint of scaffold's scripts besides the key: mongo_id, their second column, is unique.
---@param made { name: string, columns: { name: string }[] } its table
---@return { name: string, unique: string[] }|nil
function scaffold.unique_id(made)
  local column = made.columns[2]
  if not column then return nil end
  local name = assert(names.of_keys(made.name:match '^[^.]*%.(.+)$' or made.name)[2])
  return { name = name, unique = { column.name } }
end

local function unique_id(item)
  if item.table.key ~= 'id' or item.table.distribute then return end
  item.unique_id = scaffold.unique_id { name = item.chosen.name, columns = item.table.columns }
  table.insert(item.constraints, 1, { value = item.unique_id })
end

local function map(item, used, settings, references)
  item.not_null, item.constraints, item.indexes = {}, {}, {}
  if settings.onto then
    item.table, item.onto_notes = scaffold_onto.table_of(settings.onto, item.census, references)
    item.targets = scaffold_onto.targets(settings.onto, item.census.info)
    return
  end
  local indexed, exact = scaffold_indexes.paths(item.metadata)
  item.table = scaffold_columns.table_of(item.census, { snake_case = settings.snake_case, tables = used,
    table_name = item.chosen, schema = settings.schema and settings.schema .. '.' or '', references = references,
    indexed = indexed, exact = exact, distribute = settings.distribute })
  item.targets = scaffold_references.targets(references)
end

-- What follows the load depends on the columns as they are after the rehearsal.
local function finish(item, place, used, settings)
  if not settings.onto then
    -- What every document of a live source has today, the next one may lack.
    if settings.not_null or not all_jobs.is_live(item.census.info) then
      proven_columns(item.table, item.not_null, item.constraints, settings.not_null == 'now')
    end
    unique_id(item)
    item.indexes = scaffold_indexes.of(item.census, item.metadata, item.table, used)
    distribute.fit(item, used)
    item.indexes[#item.indexes + 1] = scaffold_advice.gin(item.census, item.table, item.indexes)
  end
  write_script(item, place, settings)
  load_script(item, place)
end

-- Runs a step for one collection, whose errors do not affect the others.
local function alone(item, step, ...)
  local ok, err = pcall(step, item, ...)
  if ok then return end
  if type(err) == 'table' and err.code == 'interrupted' then error(err, 0) end
  item.table, item.jobs, item.failed = nil, nil, true
  item.onto_notes = { 'left out: ' .. tostring(err) }
end

-- Finds the files of earlier scaffolds in the directory.
local function look_beside(list, place, settings)
  if not settings.out then return {} end
  local written, some = {}, settings.collections and #settings.collections > 0
  for _, item in ipairs(list) do written[item.file] = true end
  return scaffold_beside.find(settings.out, written, not some and place or nil)
end

local function build(list, place, settings)
  local used = name_tables(list, place, settings)
  name_files(list)
  list.beside = look_beside(list, place, settings)
  scaffold_beside.reserve(list.beside, used)
  local references = scaffold_references.find(list, place, settings)
  if settings.onto then scaffold_onto.assign(settings.onto, list) end
  -- All tables are named before the first index: they share a namespace.
  for _, item in ipairs(list) do alone(item, map, used, settings, references[item.name] or {}) end
  if settings.distribute then distribute.check(list, settings.distribute) end
  for _, item in ipairs(list) do
    if item.table then
      alone(item, rehearse, place, settings)
      if item.table then alone(item, finish, place, used, settings) end
    end
  end
end

--- Counts a place and makes a mapping for each of its collections. Writes no files.
---@param place string as the user wrote it
---@param settings lugger.scaffold_settings
---@return lugger.scaffold.list
function scaffold.make(place, settings)
  if settings.schema then names.check_schema(settings.schema) end
  local list = count.each(place, settings, stop_when_asked)
  build(list, place, settings)
  if settings.onto then
    require('lugger.inner.scaffold.trial').run(settings.onto, all_jobs.in_order(list), place, settings)
  end
  return list
end

return scaffold
