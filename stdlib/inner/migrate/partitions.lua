-- Indexes and constraints of partitioned tables, while others read and write. First the parent's, with ONLY, which is
-- instant; then each partition's; then they are attached, and with the last one the parent's becomes valid.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local sql = native.sql

local partitions = {}

local tree_sql = [[SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS table, n.nspname::text AS schema,
    c.relname::text AS name, c.relkind::text AS kind, t.parentrelid::oid::text AS parent, c.oid::text AS oid
  FROM pg_catalog.pg_partition_tree(pg_catalog.to_regclass($1)) t JOIN pg_class c ON c.oid = t.relid JOIN pg_namespace n
    ON n.oid = c.relnamespace ORDER BY t.level, 1]]

---@class lugger.migrate.partition
---@field table string as SQL spells it
---@field schema string
---@field name string
---@field kind string "r", "p" (partitioned itself), "f"
---@field parent string|nil the OID of its parent
---@field oid string

--- True for a partitioned table.
---@param db lugger.migration_db
---@param table string
---@return boolean
function partitions.has(db, table)
  return db:value("SELECT relkind = 'p' FROM pg_class WHERE oid = pg_catalog.to_regclass($1)", sql.table(table)) == true
end

--- A partitioned table and its partitions, from top to bottom; read once.
---@param db lugger.migration_db
---@param table string
---@return lugger.migrate.partition[]
function partitions.of(db, table)
  db:by_steps()
  return db:remember('partitions of ' .. table, function()
    local list = {}
    for i, row in ipairs(db:query(tree_sql, sql.table(table))) do
      list[i] = { table = row.table, schema = row.schema, name = row.name, kind = row.kind, oid = row.oid,
        parent = row.parent ~= native.null and row.parent or nil }
    end
    return list
  end)
end

local function refuse_foreign(list, table)
  for _, one in ipairs(list) do
    if one.kind == 'f' then
      config.raise(('%s has the foreign partition %s, which can have no index: one of the whole table would stay '
        .. 'invalid'):format(table, one.table), 'make indexes of the other partitions one by one, or detach it first')
    end
  end
end

-- Names by OID, and the work for each; parents come before their partitions.
local function each(list, name, name_of, work)
  local names = {}
  for i, one in ipairs(list) do
    names[one.oid] = i == 1 and name or name_of(one.name)
    work(one, sql.name(names[one.oid]))
  end
  return names
end

local function attach(db, list, names)
  local by_oid = {} ---@type table<string, table>
  for _, one in ipairs(list) do by_oid[one.oid] = one end
  for i = #list, 2, -1 do
    local one = list[i]
    local parent = by_oid[one.parent]
    db:exec(('ALTER INDEX %s.%s ATTACH PARTITION %s.%s'):format(sql.name(parent.schema), sql.name(names[parent.oid]),
      sql.name(one.schema), sql.name(names[one.oid])))
  end
end

--- Adds an index to a partitioned table.
---@param db lugger.migration_db
---@param table string
---@param name string
---@param name_of fun(partition: string): string
---@param unique boolean|nil
---@param rest string what stands behind the table: USING, columns, INCLUDE, WHERE
function partitions.add_index(db, table, name, name_of, unique, rest)
  local list = partitions.of(db, table)
  refuse_foreign(list, table)
  local names = each(list, name, name_of, function(one, index)
    db:exec(('CREATE %sINDEX %s%s ON %s%s%s'):format(unique and 'UNIQUE ' or '', one.kind == 'p' and ''
      or 'CONCURRENTLY ', index, one.kind == 'p' and 'ONLY ' or '', one.table, rest))
  end)
  attach(db, list, names)
end

--- Adds a UNIQUE constraint or the primary key to a partitioned table; it must include the columns of the partition
--- key.
---@param db lugger.migration_db
---@param table string
---@param name string
---@param name_of fun(partition: string): string
---@param kind "UNIQUE"|"PRIMARY KEY"
---@param columns string as SQL spells them
function partitions.add_unique(db, table, name, name_of, kind, columns)
  local list = partitions.of(db, table)
  refuse_foreign(list, table)
  local names = each(list, name, name_of, function(one, constraint)
    if one.kind == 'p' then
      db:exec(('ALTER TABLE ONLY %s ADD CONSTRAINT %s %s (%s)'):format(one.table, constraint, kind, columns))
      return
    end
    db:exec(('CREATE UNIQUE INDEX CONCURRENTLY %s ON %s (%s)'):format(constraint, one.table, columns))
    db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s'):format(one.table, constraint, kind, constraint))
  end)
  attach(db, list, names)
end

--- Adds a foreign key to a partitioned table: first validated in each partition, then merged into the table's own.
---@param db lugger.migration_db
---@param table string
---@param name string as SQL spells it
---@param definition string FOREIGN KEY ...
function partitions.add_foreign_key(db, table, name, definition)
  for _, one in ipairs(partitions.of(db, table)) do
    if one.kind == 'r' then
      db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID'):format(one.table, name, definition))
      db:exec(('ALTER TABLE %s VALIDATE CONSTRAINT %s'):format(one.table, name))
    end
  end
  db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s'):format(sql.table(table), name, definition))
end

return partitions
