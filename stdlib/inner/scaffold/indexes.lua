-- The indexes of a collection in its script: entries of `indexes` with remarks, or a comment where there is no
-- equivalent.
local document = require 'lugger.inner.base.document'
local mongo_index = require 'lugger.mongo_index'
local truth = require 'lugger.inner.mongo.truth'

local scaffold_indexes = {}

-- Types that typed jsonb writes as plain JSON, so that their text can be cast.
local castable = { int4 = true, bool = true }

-- What the translation must know about the values.
local function facts_of(census)
  local options = { types = {}, max_length = {}, arrays = {}, documents = {}, kinds = {} }
  for _, path in ipairs(census.paths) do
    local plain = path.path:gsub('%[%]', '')
    if castable[path.type] and path.kind == 'field' then options.types[plain] = path.type end
    if path.texts then
      local longest = tonumber(path.texts.greatest) --[[@as number]]
      options.max_length[plain] = math.max(options.max_length[plain] or 0, longest)
    end
    if path.arrays then options.arrays[plain] = true end
    local kinds = options.kinds[plain] or {}
    options.kinds[plain] = kinds
    for _, item in ipairs(path.types) do
      kinds[item.type] = true
      if item.type == 'document' then options.documents[plain] = true end
    end
  end
  return options
end

-- The paths in a filter, at any depth of $and and $or.
local function filter_paths(filter, out)
  for name, value in document.each(filter) do
    if type(name) == 'number' or name:sub(1, 1) == '$' then
      if document.is(value) then filter_paths(value, out) end
    else
      out[name] = true
    end
  end
end

--- The paths that the collection's indexes use, so that they become columns; and the paths with a unique index, on
--- which two different values of MongoDB must stay different.
---@param metadata lugger.doc|nil decoded
---@return table<string, boolean> indexed
---@return table<string, boolean> exact
function scaffold_indexes.paths(metadata)
  local paths, exact = {}, {}
  if not metadata or not document.is(metadata.indexes) then return paths, exact end
  for _, index in document.each(metadata.indexes) do
    if document.is(index) and document.is(index.key) then
      for path in document.each(index.key) do
        paths[path] = true
        if truth(index.unique) then exact[path] = true end
      end
      if truth(index.unique) and document.is(index.partialFilterExpression) then
        filter_paths(index.partialFilterExpression, exact)
      end
    end
  end
  return paths, exact
end

-- A table of the scaffold in the form of a mapping.
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
