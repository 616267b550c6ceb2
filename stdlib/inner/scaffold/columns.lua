-- Turns a census into a mapping: columns, child tables, what must follow the load, each with the reasons.
local census_advice = require 'lugger.inner.census.advice'
local distribute = require 'lugger.inner.scaffold.distribute'
local names = require 'lugger.inner.base.names'
local native = require 'lugger.native'
local types = require 'lugger.inner.scaffold.types'
local tonumber = tonumber --[[@as fun(count: any): number]]

local scaffold_columns = {}

local most_columns = 400 -- PostgreSQL's limit is 1600; a document with more fields is a dictionary
local most_child_columns = 60
local deepest_child = 3
local rare_share = 0.005 -- a field in fewer documents goes to `rest`, if there are enough documents to judge
local rare_documents = 2000

---@class lugger.scaffold.node one path of the census, with what is below it
---@field stats lugger.census_path
---@field fields lugger.scaffold.node[]
---@field element lugger.scaffold.node|nil of an array
---@field folded lugger.scaffold.node|nil stands for fields that were too many to be listed

---@class lugger.scaffold.column
---@field name string
---@field type string
---@field keys { [1]: string, [2]: any }[] as they stand in the script
---@field notes string[]
---@field field string|nil path in the census
---@field proven boolean no value of it is NULL

---@class lugger.scaffold.table
---@field table string
---@field from string|nil array path, relative to the table above
---@field parent string[]|nil
---@field key string|string[]|nil
---@field distribute string|nil column by which Citus is to distribute it
---@field columns lugger.scaffold.column[]
---@field children lugger.scaffold.table[]
---@field notes string[]

--- The paths of a census as a tree.
---@param census lugger.collection_census
---@return lugger.scaffold.node
function scaffold_columns.tree(census)
  local root, nodes = { fields = {} }, {}
  for place, path in ipairs(census.paths) do
    local node = { stats = path, fields = {} }
    nodes[place] = node
    local above = path.parent and nodes[path.parent] or root
    if path.kind == 'element' then
      above.element = node
    elseif path.kind == 'folded' then
      above.folded = node
    else
      above.fields[#above.fields + 1] = node
    end
  end
  return root --[[@as lugger.scaffold.node]]
end

local function escaped(name)
  return (name:gsub('[%.\\%*%[]', '\\%0'))
end
scaffold_columns.escaped = escaped

local function is_child(node)
  local stats, element = node.stats, node.element
  if not element or #stats.types ~= 1 or stats.types[1].type ~= 'array' then return false end
  local only_documents = #element.stats.types == 1 and element.stats.types[1].type == 'document'
    and tonumber(element.stats.nulls) == 0
  return only_documents and #element.fields > 0 and #element.fields <= most_child_columns and not element.folded
end

local function singular(name)
  if name:match('ies$') and #name > 4 then return (name:gsub('ies$', 'y')) end
  if name:match('sses$') or name:match('xes$') or name:match('ches$') then return (name:gsub('es$', '')) end
  if name:match('[^su]s$') then return (name:gsub('s$', '')) end
  return name
end
scaffold_columns.singular = singular

-- A name in the form that the user requested, different from all other names of the table.
local function name_of(context, wanted, used, kind)
  local form = context.snake_case and names.snake_case(wanted) or wanted
  return names.choose(form, used, kind)
end

local function reference_column(context, node, column)
  local reference = context.references[node.stats.path] or node.element and context.references[node.element.stats.path]
  if not reference then return end
  local array = node.element and context.references[node.element.stats.path] == reference
  for _, text in ipairs(reference.notes) do column.notes[#column.notes + 1] = text end
  if not reference.certain then return end
  if reference.may_be_null then column.may_be_null = true end
  column.type = array and 'uuid[]' or 'uuid'
  column.keys = { { 'ref', reference.ref } }
  if reference.fk and not array and context.distribute then
    column.notes[#column.notes + 1] = 'no foreign key: Citus takes one only where it holds ' .. context.distribute
  elseif reference.fk and not array then
    column.keys[#column.keys + 1] = { 'fk', true }
  end
  column.may_dangle = not reference.fk
end

-- The id computed for a missing row does not show the original value, which is therefore kept beside it as text.
local function kept_value(column, used)
  local keys, from = {}, column.name
  for _, pair in ipairs(column.keys) do
    if pair[1] == 'from' then from = pair[2] end
    if pair[1] == 'ref' then keys[#keys + 1] = pair end
  end
  table.insert(keys, 1, { 'from', from })
  return { name = names.choose(column.name .. '_mongo_id', used, 'column').name,
    type = column.type == 'uuid[]' and 'text[]' or 'text', keys = keys, field = column.field, proven = column.proven,
    notes = { 'the value itself, which a row that is not there would take along' } }
end

-- A note about how rare a field is.
local function presence_note(stats)
  local parents, present = tonumber(stats.parents), tonumber(stats.present)
  if present > 0 and present * 2 < parents then
    return 'in ' .. census_advice.share(present, parents) .. ' of the documents'
  end
end

local function column_of(context, node, used)
  local stats = node.stats
  local chosen = name_of(context, stats.name, used, 'column')
  local choice = types.choose(node, context.exact[stats.path])
  local column = { name = chosen.name, type = choice.type, keys = choice.keys, notes = choice.notes,
    field = stats.path }
  reference_column(context, node, column)
  local from = escaped(stats.name)
  if from ~= chosen.name then table.insert(column.keys, 1, { 'from', from }) end
  for _, text in ipairs(stats.notes) do
    local told = text:find('NUL', 1, true) or text:find('UTF-8', 1, true) or text:find('^the name')
    if not told then column.notes[#column.notes + 1] = text end
  end
  local presence = presence_note(stats)
  if presence then table.insert(column.notes, presence) end
  for _, text in ipairs(chosen.notes) do column.notes[#column.notes + 1] = text end
  column.proven = stats.suggests.not_null and not context.sampled and not column.may_be_null
  return column
end

local function rest_column(used, notes)
  local column = { name = names.choose('rest', used, 'column').name, type = 'jsonb', notes = notes,
    keys = { { 'from', '*' }, { 'nul', 'tag' }, { 'utf8', 'tag' } } }
  return column
end

---@type fun(context: table, node: lugger.scaffold.node, made: table, used: table, depth: integer)
local fill -- fills a table with columns and child tables for a node's fields

local function child_of(context, node, above, depth)
  local element, stats = node.element, node.stats
  local base = above.singular or above.table
  local chosen = name_of(context, base .. '_' .. stats.name, context.tables, 'table')
  local child = { table = context.schema .. chosen.name, singular = singular(chosen.name),
    from = escaped(stats.name) .. '[]', columns = {}, children = {}, notes = {}, field = stats.path }
  local used = names.set()
  if depth == 1 and above.key then
    child.parent = {}
    for i, name in ipairs(distribute.columns_of(above.key)) do
      child.parent[i] = native.sql.fitted_name(above.singular_bare, '_' .. name)
    end
  end
  -- A grandchild has the key of the first parent under the same names.
  child.parent_names = child.parent or above.parent_names
  for _, name in ipairs(child.parent_names or {}) do names.choose(name, used, 'column') end
  for _, name in ipairs { 'ordinal', 'ordinal_1', 'ordinal_2', 'parent_id' } do used[name] = name end
  local lengths = stats.arrays
  child.notes[1] = ('%s elements, at most %d in a document'):format(tostring(tonumber(element.stats.present)),
    tonumber(lengths and lengths.greatest or 0))
  if lengths and tonumber(lengths.empty) > 0 and tonumber(stats.missing) + tonumber(stats.nulls) > 0 then
    child.notes[2] = ('%d empty arrays and %d documents without one look alike here'):format(tonumber(lengths.empty),
      tonumber(stats.missing) + tonumber(stats.nulls))
  end
  for _, text in ipairs(chosen.notes) do child.notes[#child.notes + 1] = text end
  fill(context, element, child, used, depth + 1)
  if #child.columns == 0 then child.columns[1] = rest_column(used, { 'the elements have no fields of their own' }) end
  return child
end

local function is_rare(context, stats)
  local parents = tonumber(stats.parents)
  return context.wide and parents >= rare_documents and tonumber(stats.present) < parents * rare_share
    and not context.indexed[stats.path]
end

-- The fields without _id, which is represented by id and mongo_id.
local function fields_of(node)
  local list = {}
  for _, field in ipairs(node.fields) do
    if field.stats.path ~= '_id' then list[#list + 1] = field end
  end
  return list
end

fill = function(context, node, made, used, depth)
  local rare, unnamed = 0, false
  for _, field in ipairs(fields_of(node)) do
    if field.stats.name == '' then -- no path can refer to it
      unnamed = true
    elseif is_rare(context, field.stats) or #made.columns >= most_columns then
      rare = rare + 1
    elseif context.keyed and is_child(field) and depth <= deepest_child then
      made.children[#made.children + 1] = child_of(context, field, made, depth)
    else
      local column = column_of(context, field, used)
      made.columns[#made.columns + 1] = column
      if column.may_dangle then made.columns[#made.columns + 1] = kept_value(column, used) end
    end
  end
  local notes = {}
  if rare > 0 then
    notes[#notes + 1] = ('%d fields that few documents have'):format(rare)
  end
  if unnamed then notes[#notes + 1] = 'a field without a name' end
  if node.folded then
    notes[#notes + 1] = ('about %d different field names: a dictionary'):format(tonumber(node.folded.stats.names))
  end
  if context.sampled and depth == 1 then
    notes[#notes + 1] = 'only a sample was read: what it did not show is kept here'
  end
  if #node.fields == 0 and depth == 1 then notes[#notes + 1] = 'no document was there to learn from' end
  if #notes > 0 then made.columns[#made.columns + 1] = rest_column(used, notes) end
end

local function id_columns(root, made, used)
  local id ---@type lugger.census_path|nil
  for _, field in ipairs(root.fields) do
    if field.stats.path == '_id' then id = field.stats end
  end
  local notes = {}
  if id and #id.types > 1 then notes[1] = 'of several types: ' .. types.shares(id) end
  if id and id.types[1] and id.types[1].type == 'document' then
    notes[#notes + 1] = 'compound: canonical JSON behind $o:'
  end
  if not id and #root.fields > 0 then return false end
  made.columns[1] = { name = names.choose('id', used, 'column').name, type = 'uuid', keys = { { 'generate', 'v5' } },
    notes = { 'computed from the _id: the same in every run, and in every table that refers to it' }, proven = true }
  table.insert(notes, 'to look rows up by the old id; lugger refs tells when it may go')
  made.columns[2] = { name = names.choose('mongo_id', used, 'column').name, type = 'text',
    keys = { { 'from', '_id' }, { 'required', true } }, notes = notes, field = '_id' }
  return true
end

--- The table of a collection, its columns and child tables.
---@param census lugger.collection_census
---@param context table snake_case, table_name, references, tables (names in use), schema, indexed and exact (paths),
--- distribute
---@return lugger.scaffold.table
function scaffold_columns.table_of(census, context)
  local root = scaffold_columns.tree(census)
  context.documents = tonumber(census.documents)
  context.sampled = census.sample ~= nil or not census.complete
  context.wide = #root.fields > 30
  local chosen = context.table_name
  local made = { table = context.schema .. chosen.name, columns = {}, children = {}, notes = chosen.notes }
  made.singular_bare = singular(chosen.name)
  made.singular = made.singular_bare
  local used = names.set()
  local key = context.distribute and distribute.key(context.distribute) or 'id'
  made.key, made.distribute = id_columns(root, made, used) and key or nil, context.distribute
  context.keyed = made.key ~= nil -- then child rows can refer to it
  if not made.key then made.notes[#made.notes + 1] = 'the documents have no _id: the table gets no key' end
  if context.distribute then made.notes[#made.notes + 1] = distribute.note(context.distribute) end
  fill(context, root, made, used, 1)
  return made
end

return scaffold_columns
