-- The extensions that a column's types and indexes belong to: what must be so before, and what may go afterwards.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local search_paths = require 'lugger.inner.column.search_paths'
local terminal = require 'lugger.inner.view.terminal'
local sql = native.sql

local extensions = {}

local of_types_sql = [[SELECT DISTINCT e.extname::text AS name, e.extversion AS version,
    n.nspname::text AS schema
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.refclassid = 'pg_extension'::regclass
    AND d.refobjid = e.oid AND d.deptype = 'e'
  WHERE d.objid IN ($1::text::oid, $2::text::oid) OR e.extname IN ('vector', 'vectors', 'vchord') ORDER BY 1]]

--- The extensions for vectors, and those that the two types belong to, as lines.
---@param db lugger.migration_db
---@param one lugger.column_job
---@return string[]
function extensions.lines(db, one)
  local out = {}
  for i, row in ipairs(db:query(of_types_sql, one.found.from.oid, one.found.to.oid)) do
    out[i] = ('extension %s %s in %s'):format(row.name, row.version, row.schema)
  end
  return out
end

-- It makes an index of PGVecto.rs of every index of pgvector, whose names it takes without their schemas.
local mode_sql = "SELECT pg_catalog.current_setting('vectors.pgvector_compatibility', true) = 'on'"

--- Raises while the session would not do what a statement says.
---@param db lugger.migration_db
function extensions.check(db)
  if db:value(mode_sql) then
    config.raise('vectors.pgvector_compatibility is on: an index of pgvector would become one of PGVecto.rs',
      'take it out of the settings of the database and the role (ALTER DATABASE ... RESET ...): indexes are made '
      .. 'with USING vectors here')
  end
end

local building_sql = [[SELECT coalesce(pg_catalog.bool_or(s.idx_indexing), false)
  FROM vectors.pg_vector_index_stat AS s WHERE s.indexrelid = pg_catalog.to_regclass($1)]]

--- PGVecto.rs goes on building after CREATE INDEX has returned: waits for it.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param index table
---@param name string
function extensions.wait(db, one, index, name)
  if not index.class or index.class.method ~= 'vectors' or db.executor.only_records then return end
  local spelled, told = ('%s.%s'):format(one.found.schema, sql.name(name)), false
  while db:value(building_sql, spelled) do
    if not told then db:say(name, ' is still being built') end
    told = true
    retry.check_stop()
    native.system.sleep(200)
  end
end

local operator_sql = [[SELECT pg_catalog.concat('OPERATOR(', pg_catalog.quote_ident(n.nspname), '.', o.oprname, ')')
    AS spelled
  FROM pg_index i JOIN pg_opclass c ON c.oid = ANY (i.indclass)
  JOIN pg_amop p ON p.amopfamily = c.opcfamily AND p.amoppurpose = 'o' AND p.amoplefttype = c.opcintype
  JOIN pg_operator o ON o.oid = p.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace
  WHERE i.indexrelid = pg_catalog.to_regclass($1) AND i.indpred IS NULL LIMIT 1]]

--- Asks an index for the nearest of a vector that is there, and tells whether it answers.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param index table
---@param name string
function extensions.prove(db, one, index, name)
  if not index.class or db.executor.only_records then return end
  local spelled = ('%s.%s'):format(one.found.schema, sql.name(name))
  -- Kept, because the index has another name when this is played again behind the swap.
  local operator = db:remember('operator of ' .. name, function() return db:value(operator_sql, spelled) or false end)
  if not operator then return end
  local column = sql.name(one.shadow)
  local query = ('SELECT 1 FROM %s ORDER BY %s %s (SELECT %s FROM %s WHERE %s IS NOT NULL LIMIT 1) LIMIT 1'):format(
    one.quoted, column, operator, column, one.quoted, column)
  local used = false
  db:transaction(function()
    db:exec 'SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off'
    for _, row in ipairs(db:query('EXPLAIN ' .. query)) do
      used = used or row['QUERY PLAN']:find(name, 1, true) ~= nil
    end
    db:query(query)
    db:exec 'SET LOCAL enable_seqscan TO DEFAULT; SET LOCAL enable_sort TO DEFAULT'
  end)
  db:say(name, used and ' answers the nearest by ' or ' is not used for the nearest by ', operator)
end

-- Columns of an extension's types, in any table.
local uses_sql = [[SELECT (pg_catalog.count(*))::float8 AS n,
    pg_catalog.min(pg_catalog.concat(a.attrelid::regclass, '.', a.attname)) AS example
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.deptype = 'e' AND d.objid IN (t.oid, t.typelem)
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
  WHERE e.extname = $1 AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid
      AND x.deptype = 'e')]]

local owner_sql = [[SELECT e.extname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
  WHERE d.classid = 'pg_type'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND d.objid = $1::text::oid]]

local schema_sql = [[SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  WHERE e.extname = $1]]

--- Tells, when the old column is gone, whether something still uses the extension of its type.
---@param db lugger.migration_db
---@param one lugger.column_job
function extensions.farewell(db, one)
  local name = db:value(owner_sql, one.found.from.oid)
  if not name or name == db:value(owner_sql, one.found.to.oid) then return end
  local row = db:query(uses_sql, name)[1]
  if row.n > 0 then
    db:say(('the extension %s is still used by %s, such as %s'):format(name, terminal.count(row.n, 'column'),
      row.example))
    return
  end
  db:say(('no column uses the extension %s any more: DROP EXTENSION %s, without CASCADE, when nothing else does')
    :format(name, sql.name(name)))
  local schema = db:value(schema_sql, name)
  for _, text in ipairs(schema ~= 'public' and search_paths.naming(db, schema) or {}) do db:say(text) end
end

return extensions
