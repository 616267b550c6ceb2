-- The tables of a database as a scaffold sees them: columns, unique keys, foreign keys.
local scaffold_catalog = {}

---@class lugger.scaffold_catalog.column
---@field name string
---@field type string
---@field not_null boolean
---@field has_default boolean
---@field generated boolean
---@field identity boolean

---@class lugger.scaffold_catalog.table
---@field oid string
---@field name string as scripts name it: with its schema, unless that is on the search path
---@field bare string
---@field columns lugger.scaffold_catalog.column[]
---@field unique string[] columns that are unique alone
---@field links { column: string, oid: string, target: string }[] foreign keys of one column

local tables_sql = [[
SELECT c.oid::text, n.nspname, c.relname, pg_catalog.pg_table_is_visible(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'lugger')
  AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  ORDER BY pg_catalog.pg_table_is_visible(c.oid) DESC, n.nspname, c.relname]]

local columns_sql = [[
SELECT a.attrelid::text, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.atthasdef,
  a.attgenerated <> '', a.attidentity <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
  AND n.nspname NOT IN ('information_schema', 'lugger') ORDER BY a.attrelid, a.attnum]]

local keys_sql = [[
SELECT i.indrelid::text, a.attname FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indisunique AND i.indisvalid AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indexprs IS NULL]]

local links_sql = [[
SELECT k.conrelid::text, a.attname, k.confrelid::text, t.attname FROM pg_constraint k
JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
JOIN pg_attribute t ON t.attrelid = k.confrelid AND t.attnum = k.confkey[1]
WHERE k.contype = 'f' AND pg_catalog.cardinality(k.conkey) = 1]]

--- All tables that the role may read.
---@param session lugger.native.pg
---@return lugger.scaffold_catalog.table[]
function scaffold_catalog.read(session)
  local list, by_oid = {}, {} ---@type lugger.scaffold_catalog.table[], table<string, lugger.scaffold_catalog.table|nil>
  for _, row in ipairs(session:query(tables_sql).rows) do
    local visible, dotted = row[4] == 't', row[3]:find('.', 1, true)
    local item = { oid = row[1], bare = row[3], name = visible and not dotted and row[3] or row[2] .. '.' .. row[3],
      columns = {}, unique = {}, links = {} }
    list[#list + 1], by_oid[item.oid] = item, item
  end
  for _, row in ipairs(session:query(columns_sql).rows) do
    local holder = by_oid[row[1]]
    if holder then
      holder.columns[#holder.columns + 1] = { name = row[2], type = row[3], not_null = row[4] == 't',
        has_default = row[5] == 't', generated = row[6] == 't', identity = row[7] == 't' }
    end
  end
  for _, row in ipairs(session:query(keys_sql).rows) do
    local holder = by_oid[row[1]]
    if holder then table.insert(holder.unique, row[2]) end
  end
  for _, row in ipairs(session:query(links_sql).rows) do
    local holder = by_oid[row[1]]
    if holder then table.insert(holder.links, { column = row[2], oid = row[3], target = row[4] }) end
  end
  return list
end

--- True when a unique index covers only that column.
---@param holder lugger.scaffold_catalog.table
---@param name string
---@return boolean
function scaffold_catalog.is_unique(holder, name)
  for _, unique in ipairs(holder.unique) do
    if unique == name then return true end
  end
  return false
end

--- The column by which a table refers to the key of another; nil: there is none.
---@param child lugger.scaffold_catalog.table
---@param parent lugger.scaffold_catalog.table
---@param key string
---@return string|nil
function scaffold_catalog.link(child, parent, key)
  for _, link in ipairs(child.links) do
    if link.oid == parent.oid and link.target == key then return link.column end
  end
end

return scaffold_catalog
