-- What the catalog says of a column whose type changes, and what stops the change before anything is begun.
local config = require 'lugger.inner.cli.config'
local dependents = require 'lugger.inner.migrate.dependents'
local native = require 'lugger.native'
local opclasses = require 'lugger.inner.column.opclasses'
local types = require 'lugger.inner.column.types'
local views = require 'lugger.inner.column.views'
local sql = native.sql
local concat = table.concat

local found = {}

local column_sql = [[SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.atttypid::text AS type_oid,
    a.attnotnull AS not_null,
    (SELECT n.conname FROM pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated
      AND a.attnum = ANY (n.conkey)) AS unproven,
    (SELECT n.conname FROM pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND n.convalidated
      AND a.attnum = ANY (n.conkey)) AS not_null_name,
    a.attidentity::text AS identity, a.attgenerated::text AS generated,
    pg_catalog.col_description(a.attrelid, a.attnum) AS comment, c.relkind::text AS kind,
    c.relispartition OR a.attinhcount > 0 OR EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AS inherits,
    c.relname::text AS bare, c.oid::text AS oid, c.relnamespace::regnamespace::text AS schema,
    (SELECT nspname::text FROM pg_namespace n WHERE n.oid = c.relnamespace) AS namespace,
    pg_catalog.pg_table_size(c.oid) AS bytes, greatest(c.reltuples, 0)::float8 AS rows,
    a.attstorage::text AS storage, t.typstorage::text AS usual_storage, a.attstattarget AS target,
    pg_catalog.array_to_string(a.attoptions, ', ') AS options,
    pg_catalog.pg_get_serial_sequence(c.oid::regclass::text, a.attname) AS sequence,
    pg_catalog.pg_get_userbyid(c.relowner) AS owner,
    pg_catalog.has_parameter_privilege('session_replication_role', 'SET') AS quiet,
    pg_catalog.row_security_active(c.oid) AS filtered
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND NOT a.attisdropped]]

local default_sql = [[SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS text
  FROM pg_attribute a JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2]]

-- `place`: which of the index's columns is the column itself, not an expression over it.
local index_sql = [[SELECT c.relname AS name, pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
    i.indisunique AS unique, k.contype::text AS constraint_type, pg_catalog.pg_relation_size(i.indexrelid) AS bytes,
    i.indisreplident AS replica, i.indisclustered AS clustered,
    m.amname::text AS method, o.opcname::text AS opclass, o.opcdefault AS opclass_default,
    pg_catalog.quote_ident(o.opcname) AS opclass_bare,
    pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(o.opcname)) AS opclass_spelled,
    o.opcintype = a.atttypid AS opclass_typed, k.condeferrable AS deferrable, k.condeferred AS deferred,
    (SELECT pg_catalog.json_object_agg(option_name, option_value)::text
      FROM pg_catalog.pg_options_to_table(c.reloptions)) AS options,
    pg_catalog.obj_description(i.indexrelid, 'pg_class') AS comment,
    pg_catalog.obj_description(k.oid, 'pg_constraint') AS constraint_comment, i.indisvalid AS valid
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = $2
  LEFT JOIN LATERAL (SELECT p.place FROM pg_catalog.generate_series(0, i.indnkeyatts - 1) AS p (place)
    WHERE i.indkey[p.place] = a.attnum LIMIT 1) AS own ON true
  LEFT JOIN pg_opclass o ON o.oid = i.indclass[own.place] LEFT JOIN pg_namespace n ON n.oid = o.opcnamespace
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
  WHERE i.indrelid = pg_catalog.to_regclass($1) AND EXISTS (SELECT FROM pg_depend d
    WHERE d.refobjid = i.indrelid AND d.refobjsubid = a.attnum AND (d.objid = i.indexrelid OR d.objid = k.oid))
  ORDER BY 1]]

local constraint_sql = [[SELECT conname AS name, contype::text AS type,
    pg_catalog.pg_get_constraintdef(oid) AS definition,
    pg_catalog.obj_description(oid, 'pg_constraint') AS comment
  FROM pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND contype IN ('c', 'f')
    AND conkey @> ARRAY[(SELECT attnum
    FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2)] ORDER BY 1]]

local grant_sql = [[SELECT privilege_type AS privilege, CASE grantee WHEN 0 THEN 'PUBLIC'
    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END AS grantee, is_grantable AS grantable
  FROM pg_attribute a, pg_catalog.aclexplode(a.attacl)
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2]]

local publication_sql = [[SELECT DISTINCT p.pubname::text AS name FROM pg_catalog.pg_publication_tables p
  JOIN pg_class c ON c.relname = p.tablename AND c.relnamespace::regnamespace::text =
    pg_catalog.quote_ident(p.schemaname) WHERE c.oid = pg_catalog.to_regclass($1) ORDER BY 1]]

-- Functions whose text has both names. What stands in text is bound to nothing: it is told, and not judged.
local function_sql = [[SELECT DISTINCT p.oid::regprocedure::text AS name FROM pg_proc p
  JOIN pg_language l ON l.oid = p.prolang
  WHERE l.lanname NOT IN ('c', 'internal') AND p.prosrc ~ ('\m' || $1 || '\M') AND p.prosrc ~ ('\m' || $2 || '\M')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
      AND d.deptype = 'e') ORDER BY 1]]

local function plain(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = {}
    for _, name in ipairs(rows.names) do
      if row[name] ~= nil and row[name] ~= native.null then
        list[i][name] = type(row[name]) == 'cdata' and tonumber(row[name]) or row[name]
      end
    end
  end
  return list
end

--- Refuses what cannot be carried over: references of other tables, policies, rules, triggers that name the column,
--- statistics, publications with lists of columns, functions whose body the server has parsed. Views are made again.
---@param db lugger.migration_db
---@param table string
---@param column string
function found.refuse_others(db, table, column)
  local lines = {}
  for _, one in ipairs(dependents.of(db, table, column)) do
    if not one.own and not (one.kind == 'view' and one.returns) then lines[#lines + 1] = '\n  ' .. one.text end
  end
  if #lines > 0 then
    config.raise(('the type of %s.%s is not changed; on it depend:%s'):format(table, column, concat(lines)),
      'drop these first, and make them anew afterwards')
  end
end

local function refuse_kind(table, column, one)
  if one.kind ~= 'r' then
    config.raise(('%s is not a plain table: its columns cannot be changed by a second one'):format(table),
      one.kind == 'p' and 'of a partitioned table PostgreSQL changes a type in all partitions at once: '
      .. 'ALTER TABLE ... ALTER COLUMN ... TYPE in a window, or a new table that is filled and takes its place' or nil)
  end
  if one.inherits then
    config.raise(('%s is a partition, or part of a tree of tables that inherit'):format(table),
      'a column of one table of the tree cannot be changed alone')
  end
  if one.filtered then
    config.raise(('row security hides rows of %s from this role: they would not be converted'):format(table),
      'as the owner of the table (without FORCE ROW LEVEL SECURITY), or a role with BYPASSRLS')
  end
  if one.generated and one.generated ~= '' then
    config.raise(('%s.%s is a generated column'):format(table, column))
  end
end

--- The functions whose text names the table and the column.
---@param db lugger.migration_db
---@param one table
---@param column string
---@return string[]
function found.functions(db, one, column)
  local list = {}
  local function pattern(name) return (name:gsub('[^%w_\128-\255]', '\\%0')) end
  for i, row in ipairs(db:query(function_sql, pattern(one.bare), pattern(column))) do list[i] = row.name end
  return list
end

--- The publications that send the table to others.
---@param db lugger.migration_db
---@param quoted string
---@return string[]
function found.publications(db, quoted)
  local list = {}
  for i, row in ipairs(db:query(publication_sql, quoted)) do list[i] = row.name end
  return list
end

-- What decides how a value becomes one of another type, besides the value. Vectors ask for none of them.
local settings = { 'TimeZone', 'DateStyle', 'IntervalStyle', 'bytea_output', 'extra_float_digits', 'lc_monetary',
  'lc_numeric', 'lc_time', 'default_text_search_config' }

local function settings_of(db)
  local list = {}
  for i, name in ipairs(settings) do
    list[i] = { name = name, value = db:value('SELECT pg_catalog.current_setting($1)', name) }
  end
  return list
end

--- Everything that a change needs to know, as plain values; raises when the column cannot be changed.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param type string
---@return table
function found.inspect(db, table, column, type)
  dependents.check(db, table, column)
  local quoted = sql.table(table)
  local one = plain(db:query(column_sql, quoted, column))[1]
  local function definitions(text)
    -- What is made again elsewhere must not depend on who asks for it.
    return views.without_path(db.connection, function()
      return plain(db:query(text, one.schema .. '.' .. sql.name(one.bare), column))
    end)
  end
  refuse_kind(table, column, one)
  found.refuse_others(db, table, column)
  one.views = views.over(db.connection, one.oid, column)
  one.from = types.of(db, one.type_oid)
  one.to = types.named(db, type)
  one.settings = settings_of(db)
  one.indexes = definitions(index_sql)
  one.constraints = definitions(constraint_sql)
  one.default = (definitions(default_sql)[1] or {}).text
  one.grants = plain(db:query(grant_sql, quoted, column))
  for _, index in ipairs(one.indexes) do
    if index.constraint_type == 'x' then
      config.raise(('%s is an EXCLUDE constraint'):format(index.name), 'drop it first')
    end
    if not index.valid then
      config.raise(('the index %s is INVALID'):format(index.name), 'drop it, or REINDEX it, first')
    end
    index.options = index.options and native.json_tables(index.options) or nil
    index.class = opclasses.map(db, index, one.from, one.to)
  end
  return one
end

return found
