-- A scaffold for existing tables: matches collections with tables and fields with columns by name, and reports what
-- does not fit.
local census_advice = require 'lugger.inner.census.advice'
local names = require 'lugger.inner.base.names'
local native = require 'lugger.native'
local scaffold_catalog = require 'lugger.inner.scaffold.catalog'
local scaffold_columns = require 'lugger.inner.scaffold.columns'
local tonumber = tonumber --[[@as fun(count: any): number]]

local scaffold_onto = {}

---@class lugger.scaffold_onto
---@field place string
---@field tables lugger.scaffold_catalog.table[]
---@field loads table<string, { collection: string, table: string, name: string }|nil> what is loaded, by oid

--- Reads the tables of a database, without changing anything in it.
---@param place string resolved
---@return lugger.scaffold_onto
function scaffold_onto.open(place)
  local session = native.pg(require('lugger.inner.cli.places').existing(place), 'scaffold', 'detect')
  local tables = scaffold_catalog.read(session)
  session:close()
  return { place = place, tables = tables, loads = {} }
end

local singular = scaffold_columns.singular

-- How similar two names are: 4 equal, 3 except for case, 2 in snake case, 1 except for singular or plural; nil: not
-- similar.
local function likeness(field, stored)
  if field == stored then return 4 end
  if field:lower() == stored:lower() then return 3 end
  local a, b = names.snake_case(field):gsub('^_+', ''), names.snake_case(stored):gsub('^_+', '')
  if a == b then return 2 end
  return singular(a) == singular(b) and 1 or nil
end

local function best(list, name_of, wanted, accept)
  local found, score ---@type any, integer|nil
  for _, item in ipairs(list) do
    local like = likeness(wanted, name_of(item))
    if like and (not score or like > score) and (not accept or accept(item)) then found, score = item, like end
  end
  return found
end

local function table_for(onto, info)
  local bare = function(item) return item.bare end
  local wanted = info.collection:match('[^.]+$') or info.collection
  return best(onto.tables, bare, info.collection) or best(onto.tables, bare, wanted)
end

local function text_type(stored)
  return stored.type == 'text' or stored.type:match('^character varying') ~= nil
end

local function share_text(count, whole, examples)
  return ('%s of the documents%s'):format(census_advice.share(count, whole), #examples > 0 and ' ('
    .. census_advice.some(examples) .. ')' or '')
end

-- Handles a column that is NOT NULL for a field that is sometimes missing.
local function mind_nulls(state, stored, stats, column)
  if not stored.not_null then return end
  column.keys[#column.keys + 1] = { 'required', true }
  local lacking = tonumber(stats.missing) + tonumber(stats.nulls)
  if lacking > 0 then
    state.notes[#state.notes + 1] = ('%s is NOT NULL there, and %s is missing or null in %s: they will be rejected')
      :format(stored.name, stats.path, share_text(lacking, stats.parents, stats.null_examples))
  end
end

-- A foreign key of the table shows what the column refers to when the census does not.
local function linked(state, found, stored, stats)
  if stored.type ~= 'uuid' or #stats.types ~= 1 or stats.types[1].type ~= 'objectId' then return nil end
  for _, link in ipairs(found.links) do
    local target = link.column == stored.name and state.loads[link.oid]
    if target then
      local ref = { collection = target.collection, table = target.table, column = link.target }
      return { ref = ref, certain = true, notes = { 'by the foreign key of the table' } }
    end
  end
end

local function fill(state, made, found, stored, node)
  local stats, keys = node.stats, {}
  local from = scaffold_columns.escaped(stats.name)
  if from ~= stored.name then keys[1] = { 'from', from } end
  local column = { name = stored.name, type = stored.type, keys = keys, notes = {}, field = stats.path }
  local reference = state.references[stats.path] or linked(state, found, stored, stats)
  if reference and stored.type == 'uuid' and reference.certain then
    keys[#keys + 1] = { 'ref', reference.ref }
    column.notes = reference.notes
  end
  if stored.type == 'jsonb' or stored.type == 'json' then keys[#keys + 1] = { 'json', 'plain' } end
  mind_nulls(state, stored, stats, column)
  made.columns[#made.columns + 1] = column
  state.used[stored.name] = true
end

-- A reference is stored as author_id, whatever the name of the field is.
local function column_for(state, found, node)
  local open = function(stored) return not state.used[stored.name] and not stored.generated end
  local name_of = function(stored) return stored.name end
  local name = node.stats.name
  local stored = best(found.columns, name_of, name, open)
  if stored then return stored end
  return best(found.columns, name_of, name .. '_id', function(item) return open(item) and item.type == 'uuid' end)
end

-- The columns that the _id fills, and the key that they form.
local function identify(state, made, found)
  local by_name = {} ---@type table<string, lugger.scaffold_catalog.column|nil>
  for _, stored in ipairs(found.columns) do by_name[stored.name] = stored end
  local id, mongo_id = by_name.id, by_name.mongo_id
  if id and id.type == 'uuid' then
    made.columns[1] = { name = 'id', type = 'uuid', keys = { { 'generate', 'v5' } },
      notes = { 'computed from the _id' } }
    state.used.id, made.key = true, scaffold_catalog.is_unique(found, 'id') and 'id' or nil
  end
  if mongo_id and text_type(mongo_id) then
    made.columns[#made.columns + 1] = { name = 'mongo_id', type = 'text', field = '_id', notes = {},
      keys = { { 'from', '_id' }, { 'required', true } } }
    state.used.mongo_id = true
    made.key = made.key or scaffold_catalog.is_unique(found, 'mongo_id') and 'mongo_id' or nil
  elseif id and text_type(id) then
    made.columns[1] = { name = 'id', type = 'text', keys = { { 'from', '_id' }, { 'required', true } }, field = '_id',
      notes = { 'the _id as canonical text' } }
    state.used.id, made.key = true, scaffold_catalog.is_unique(found, 'id') and 'id' or nil
  end
  if not made.key then
    state.notes[#state.notes + 1] = ('no unique column of %s takes the _id (id uuid, id text or mongo_id text): '
      .. 'without a key its rows are not found again'):format(found.name)
  end
end

local ordinal_names = { 'ordinal', 'position', 'line_number', 'line_no', 'idx', 'index', 'seq', 'sort_order', 'rank' }

-- The table for an array: it refers to the parent, and has a column for the order of the elements.
local function child_table_for(state, onto, found, made, node)
  for _, candidate in ipairs(onto.tables) do
    local link = scaffold_catalog.link(candidate, found, made.key)
    local wanted = singular(found.bare) .. '_' .. node.stats.name
    if link and (likeness(node.stats.name, candidate.bare) or likeness(wanted, candidate.bare)
      or likeness(found.bare .. '_' .. node.stats.name, candidate.bare)) then
      for _, name in ipairs(ordinal_names) do
        for _, stored in ipairs(candidate.columns) do
          if stored.name == name and stored.type:match('int') then return candidate, link, name end
        end
      end
      state.notes[#state.notes + 1] = ('%s could take %s[], but has no column for the order of its elements '
        .. '(ordinal, position)'):format(candidate.name, node.stats.path)
      return nil
    end
  end
end

local function not_filled(state, found)
  for _, stored in ipairs(found.columns) do
    local filled_there = stored.has_default or stored.generated or stored.identity
    if not state.used[stored.name] and stored.not_null and not filled_there then
      state.notes[#state.notes + 1] = ('%s.%s is NOT NULL without a default, and no field fills it; `map` can fill a '
        .. "column { '%s', '%s', computed = true }"):format(found.name, stored.name, stored.name, stored.type)
    elseif not state.used[stored.name] and not filled_there then
      state.empty[#state.empty + 1] = stored.name
    end
  end
end

local rest_names = { rest = 1, extra = 2, extras = 3, document = 4, doc = 5, data = 6, payload = 7, raw = 8,
  attributes = 9 }

-- Fields without a column go to a jsonb column that nothing else fills: one of a fitting name, or the only one.
local function keep_rest(state, made, found, left)
  if #left == 0 then return end
  local open, chosen = {}, nil
  for _, stored in ipairs(found.columns) do
    if stored.type == 'jsonb' and not state.used[stored.name] then open[#open + 1] = stored end
  end
  for _, stored in ipairs(open) do
    local rank = rest_names[stored.name]
    if rank and (not chosen or rank < rest_names[chosen.name]) then chosen = stored end
  end
  chosen = chosen or #open == 1 and open[1]
  local text = table.concat(left, ', ')
  if not chosen then
    state.notes[#state.notes + 1] = ('no column of %s takes %s, and no jsonb column is left for them'):format(
      found.name, text)
    return
  end
  made.columns[#made.columns + 1] = { name = chosen.name, type = 'jsonb', notes = { 'takes ' .. text },
    keys = { { 'from', '*' }, { 'nul', 'tag' }, { 'utf8', 'tag' } } }
  state.used[chosen.name] = true
end

local function map_fields(state, onto, made, found, node)
  local left = {}
  for _, field in ipairs(node.fields) do
    local stored = field.stats.path ~= '_id' and column_for(state, found, field)
    if stored then
      fill(state, made, found, stored, field)
    elseif field.stats.path ~= '_id' then
      local child, link, ordinal ---@type lugger.scaffold_catalog.table|nil, string|nil, string|nil
      if field.element and made.key then child, link, ordinal = child_table_for(state, onto, found, made, field) end
      if child then
        local below = { table = child.name, from = scaffold_columns.escaped(field.stats.name) .. '[]',
          parent = { link }, ordinal = ordinal, columns = {}, children = {}, notes = {} }
        local inner = { notes = state.notes, empty = state.empty, references = state.references, loads = state.loads,
          used = { [link] = true, [ordinal] = true } }
        map_fields(inner, onto, below, child, field.element)
        not_filled(inner, child)
        made.children[#made.children + 1] = below
      else
        left[#left + 1] = field.stats.name
      end
    end
  end
  keep_rest(state, made, found, left)
end

--- Records which collections are loaded, in order to resolve the foreign keys between their tables.
---@param onto lugger.scaffold_onto
---@param list lugger.scaffold.collection[]
function scaffold_onto.assign(onto, list)
  onto.loads = {}
  for _, item in ipairs(list) do
    local info = item.census.info
    local found = table_for(onto, info)
    if found then onto.loads[found.oid] = { collection = info.collection, table = found.name, name = item.name } end
  end
end

--- The collections that this one's table refers to by foreign keys: they must be loaded first.
---@param onto lugger.scaffold_onto
---@param info lugger.source_info
---@return string[]
function scaffold_onto.targets(onto, info)
  local found, list = table_for(onto, info), {}
  for _, link in ipairs(found and found.links or {}) do
    local load = onto.loads[link.oid]
    if load then list[#list + 1] = load.name end
  end
  return list
end

--- Maps a collection to the table with its name; nil: there is none.
---@param onto lugger.scaffold_onto
---@param census lugger.collection_census
---@param references table<string, lugger.scaffold.reference>
---@return lugger.scaffold.table|nil
---@return string[] notes what does not fit
function scaffold_onto.table_of(onto, census, references)
  local found = table_for(onto, census.info)
  if not found then
    return nil, { ('no table is called like it: left out (a table %s would be taken)'):format(
      names.snake_case(census.info.collection)) }
  end
  local root = scaffold_columns.tree(census)
  local made = { table = found.name, columns = {}, children = {}, notes = {} }
  local state = { notes = {}, empty = {}, used = {}, references = references, loads = onto.loads }
  identify(state, made, found)
  map_fields(state, onto, made, found, root)
  not_filled(state, found)
  if #state.empty > 0 then
    made.notes[#made.notes + 1] = ('no field fills %s; `map` can, in columns with computed = true'):format(
      table.concat(state.empty, ', '))
  end
  for _, text in ipairs(state.notes) do made.notes[#made.notes + 1] = text end
  return made, state.notes
end

return scaffold_onto
