-- The indexes of a collection for its script: entries of `indexes` with what differs, or a comment where nothing fits.
local mongo_index = require 'lugger.mongo_index'

local scaffold_indexes = {}

-- Types that typed jsonb writes as plain JSON, so that a text taken out of it can be cast.
local castable = { int4 = true, bool = true }

-- What the translation wants to know of the values.
local function facts_of(census)
  local options = { types = {}, max_length = {}, arrays = {} }
  for _, path in ipairs(census.paths) do
    local plain = path.path:gsub('%[%]', '')
    if castable[path.type] and path.kind == 'field' then options.types[plain] = path.type end
    if path.texts then
      options.max_length[plain] = math.max(options.max_length[plain] or 0, tonumber(path.texts.greatest))
    end
    if path.arrays then options.arrays[plain] = true end
  end
  return options
end

--- The paths that an index of the collection names, so that they become columns.
---@param metadata lugger.doc|nil decoded
---@return table<string, boolean>
function scaffold_indexes.paths(metadata)
  local paths = {}
  if not metadata or not metadata.indexes then return paths end
  for _, index in metadata.indexes:fields() do
    if index.key then
      for path in index.key:fields() do paths[path] = true end
    end
  end
  return paths
end

-- A table of the scaffold as the translation knows mappings.
local function mapping_of(made)
  local columns, children = {}, {}
  for i, column in ipairs(made.columns) do
    columns[i] = { column.name, column.type }
    for _, pair in ipairs(column.keys) do columns[i][pair[1]] = pair[2] end
    if column.proven then columns[i].required = true end
  end
  for i, child in ipairs(made.children) do
    local below = mapping_of(child)
    children[i] = { table = child.table, from = child.from, columns = below.columns, children = below.children }
  end
  return { table = made.table, columns = columns, children = children }
end

---@class lugger.scaffold.index
---@field value table|nil an entry of the job's `indexes`
---@field notes string[]

--- Every index of the collection.
---@param census lugger.collection_census
---@param metadata lugger.doc|nil decoded
---@param made lugger.scaffold.table
---@param taken table<string, boolean> names in use
---@return lugger.scaffold.index[]
function scaffold_indexes.of(census, metadata, made, taken)
  local list = {}
  if not metadata then return list end
  local options = facts_of(census)
  options.taken = taken
  for _, found in ipairs(mongo_index.translate(metadata, mapping_of(made), options)) do
    if found.kind ~= 'primary' then
      local notes = { ('%s %s'):format(found.name, found.key) }
      if found.comment then notes[#notes + 1] = found.comment end
      for _, warning in ipairs(found.warnings) do notes[#notes + 1] = warning end
      list[#list + 1] = { value = found.index, notes = notes }
    end
  end
  return list
end

return scaffold_indexes
