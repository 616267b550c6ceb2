-- References between collections that a census found, as `ref` of a column, with the evidence.
local census_advice = require 'lugger.inner.census.advice'
local census_references = require 'lugger.inner.census.references'
local config = require 'lugger.inner.cli.config'
local lua_text = require 'lugger.inner.scaffold.lua_text'
local names = require 'lugger.inner.base.names'
local scaffold_columns = require 'lugger.inner.scaffold.columns'
local tonumber = tonumber --[[@as fun(count: any): number]]

local scaffold_references = {}

local enough = 0.9 -- the share of values that must be an _id of the other collection

---@class lugger.scaffold.reference
---@field ref string|table as the column says it
---@field fk boolean nothing dangles
---@field target string|nil name of the collection
---@field certain boolean false: only a comment
---@field may_be_null boolean a DBRef without $id
---@field notes string[]
---@field share number of the values that were found

local function ref_of(target, database, schema)
  local info = target.census.info
  local table_name = schema .. target.chosen.name
  local plain = not info.collection:find('.', 1, true) and table_name == info.collection
  if plain then return info.database == database and info.collection or info.database .. '.' .. info.collection end
  local ref = { collection = info.collection, table = table_name }
  if info.database ~= database then ref.database = info.database end
  return ref
end

-- userId, user_ids, users: the field has the name of the collection.
local function names_it(path, collection)
  local last = path:gsub('%[%]', ''):match('[^.]+$') or path
  local word = names.snake_case(last):gsub('_ids?$', '')
  local wanted = names.snake_case(collection:match('[^.]+$'))
  return word == wanted or scaffold_columns.singular(word) == scaffold_columns.singular(wanted)
end

local function path_of(item, path)
  for _, stats in ipairs(item.census.paths) do
    if stats.path == path then return stats end
  end
end

local function only_object_ids(stats)
  return #stats.types == 1 and stats.types[1].type == 'objectId'
end

local function evidence(found, target)
  local checked = found.checked
  if not checked then
    return ('%d of %d values looked at are ids of %s'):format(tonumber(found.found), tonumber(found.looked_at),
      target.name)
  end
  local total, dangling = tonumber(checked.values), tonumber(checked.dangling)
  if dangling == 0 then return ('all %d are ids of %s'):format(total, target.name) end
  local ids = {}
  for i, example in ipairs(checked.examples) do ids[i] = example.document end
  return ('%d of %d are not ids of %s: documents %s'):format(dangling, total, target.name, census_advice.some(ids))
end

local function share_of(found)
  local checked = found.checked
  if checked then return tonumber(checked.values) > 0 and tonumber(checked.found) / tonumber(checked.values) or 0 end
  return tonumber(found.looked_at) > 0 and tonumber(found.found) / tonumber(found.looked_at) or 0
end

local function suggestion(ref, text)
  return ("%s; if it refers to it: { ..., 'uuid', ref = %s }"):format(text, lua_text.value(ref))
end

local function judge(found, item, target, schema)
  local stats = path_of(item, found.path)
  if not stats then return nil end
  local share, ref = share_of(found), ref_of(target, item.census.info.database, schema)
  local certain = share >= enough and (only_object_ids(stats) or names_it(found.path, target.census.info.collection))
  local text, checked = evidence(found, target), found.checked
  return { ref = ref, certain = certain, share = share, target = target.name,
    fk = checked ~= nil and tonumber(checked.dangling) == 0, notes = { certain and text or suggestion(ref, text) } }
end

-- The "$db" of a DBRef may name another database.
local function stays_in(item, place)
  for _, stats in ipairs(item.census.paths) do
    if stats.parent == place and stats.name == '$db' then
      return tonumber(stats.distinct) == 1 and stats.top[1] and stats.top[1].value == item.census.info.database
    end
  end
  return true
end

-- Documents with $ref and $id that always name the same collection.
local function db_refs(item, by_collection, schema, out)
  for _, stats in ipairs(item.census.paths) do
    local parent = stats.name == '$ref' and stats.parent and item.census.paths[stats.parent]
    local one = parent and #parent.types == 1 and parent.types[1].type == 'document' and tonumber(stats.distinct) == 1
      and stats.distinct_exact and tonumber(stats.missing) == 0 and stays_in(item, stats.parent)
    local target = one and by_collection[item.census.info.database .. '.' .. stats.top[1].value]
    if target then
      out[parent.path] = { ref = ref_of(target, item.census.info.database, schema), certain = true, share = 1,
        fk = false, may_be_null = true, notes = { ('a DBRef, always to %s'):format(target.name) } }
    end
  end
end

-- Hex digits in a text with the name of a collection: only a comment, because no value proves the reference.
local function hex_texts(item, list, out)
  for _, stats in ipairs(item.census.paths) do
    local texts = stats.texts
    local hex = texts and #stats.types == 1 and not out[stats.path] and tonumber(texts.values) > 0
      and tonumber(texts.looks.object_id) == tonumber(texts.values)
    for _, target in ipairs(hex and list or {}) do
      if names_it(stats.path, target.census.info.collection) then
        out[stats.path] = { certain = false, share = 0, notes = {
          ("every text is the hex of an ObjectId; of %s?: { ..., 'uuid', ref = { collection = %s, from_hex = true } }")
            :format(target.name, lua_text.quote(target.census.info.collection)) } }
      end
    end
  end
end

--- References by collection and path.
---@param list lugger.scaffold.collection[]
---@param place string
---@param settings lugger.scaffold_settings
---@return table<string, table<string, lugger.scaffold.reference>>
function scaffold_references.find(list, place, settings)
  local runs, by_name, by_collection, out = {}, {}, {}, {}
  local schema = settings.schema and settings.schema .. '.' or ''
  for i, item in ipairs(list) do
    runs[i], by_name[item.name], out[item.name] = item.run, item, {}
    by_collection[item.census.info.database .. '.' .. item.census.info.collection] = item
  end
  local found = census_references.find(list, runs)
  if not settings.sample then census_references.check(found, config.resolve(place, 'from'), list) end
  for _, candidate in ipairs(found) do
    local of_item = out[candidate.collection]
    local judged = judge(candidate, by_name[candidate.collection], by_name[candidate.target], schema)
    local known = of_item[candidate.path]
    local better = judged and (not known or judged.certain and not known.certain or judged.share > known.share)
    if better and candidate.path ~= '_id' then of_item[candidate.path] = judged end
  end
  for _, item in ipairs(list) do
    db_refs(item, by_collection, schema, out[item.name])
    hex_texts(item, list, out[item.name])
  end
  return out
end

--- The collections that foreign keys refer to.
---@param references table<string, lugger.scaffold.reference>
---@return string[]
function scaffold_references.targets(references)
  local list = {}
  for _, reference in pairs(references) do
    if reference.fk then list[#list + 1] = reference.target end
  end
  table.sort(list)
  return list
end

return scaffold_references
