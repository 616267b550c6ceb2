-- A scaffold for tables distributed by Citus: keys include the distribution column, and there is no constraint that
-- only a single shard could enforce.
local config = require 'lugger.inner.cli.config'
local names = require 'lugger.inner.base.names'
local native = require 'lugger.native'
local types = require 'lugger.inner.scaffold.types'

local distribute = {}

--- The key of a table that is distributed by one of its columns.
---@param column string
---@return string|string[]
function distribute.key(column)
  if column == 'id' or column == 'mongo_id' then return column end
  return { column, 'id' }
end

--- The columns of a key.
---@param key string|string[]|nil
---@return string[]
function distribute.columns_of(key)
  return type(key) == 'table' and key or { key }
end

--- The comment above the job in a script.
---@param column string
---@return string
function distribute.note(column)
  return ('distributed by %s: Citus keeps unique only what holds that column, so the key does'):format(column)
end

local function nearest(made, wanted)
  local list = {}
  for i, column in ipairs(made.columns) do list[i] = column.name end
  return native.system.nearest(wanted, list)
end

--- Refuses a column that one of the tables lacks. Every document must have it, because it is part of the key.
---@param list lugger.scaffold.collection[]
---@param column string
function distribute.check(list, column)
  local lacking, near = {}, nil
  for _, item in ipairs(list) do
    local found = item.table and types.column_named(item.table, column)
    if found and not found.proven and found.field ~= '_id' then
      found.notes[#found.notes + 1] = 'a part of the key: a document without it is rejected'
    elseif item.table and not found then
      lacking[#lacking + 1] = item.name
      near = near or nearest(item.table, column)
    end
  end
  if #lacking == 0 then return end
  config.raise(('--distribute: no column %s in the table of %s'):format(column, table.concat(lacking, ', ')),
    near and ('did you mean %s?'):format(near)
      or 'name a column as the scripts have it; -c chooses collections, and those of a run share it')
end

-- The distribution column of each table; child tables have it as part of their parent's key.
local function by_table(made, column, out, place)
  out[made.table] = made.parent and made.parent[place] or column
  for _, child in ipairs(made.children) do by_table(child, out[made.table], out, place) end
  return out
end

-- Drops uniqueness that MongoDB enforced on a single server.
local function loosen(item, columns)
  for _, index in ipairs(item.indexes) do
    local value = index.value
    local column = value and value.unique and columns[value.table or item.table.table]
    local held = false
    for _, part in ipairs(column and value.columns or {}) do
      held = held or part:gsub(' desc$', ''):gsub(' asc$', '') == column
    end
    if column and not held then
      value.unique, value.nulls_not_distinct = nil, nil
      index.notes[#index.notes + 1] = ('not unique: Citus keeps unique only what holds %s'):format(column)
    end
  end
end

-- Rows are looked up by both ids, and other tables refer to one of them.
local function find_by_id(item, key, used)
  local place = 0
  for _, name in ipairs { 'id', 'mongo_id' } do
    if key[1] ~= name and types.column_named(item.table, name) then
      place = place + 1
      local chosen = names.choose(('%s_%s_idx'):format(item.chosen.name, name), used, 'index').name
      table.insert(item.indexes, place, { value = { name = chosen, columns = { name } },
        notes = { ('rows are looked up by %s; not unique, since Citus distributes them by %s'):format(name,
          item.table.distribute) } })
    end
  end
end

--- Adapts the indexes of a collection to its distributed tables.
---@param item lugger.scaffold.collection
---@param used lugger.names.set names of tables and indexes
function distribute.fit(item, used)
  local made = item.table
  if not made.distribute then return end
  local key, place = distribute.columns_of(made.key), 1
  for i, name in ipairs(key) do
    if name == made.distribute then place = i end
  end
  loosen(item, by_table(made, made.distribute, {}, place))
  if #key > 0 then find_by_id(item, key, used) end
end

return distribute
