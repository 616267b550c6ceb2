-- What a change of a column's type by a second column cannot do safely: refused before anything is changed. And what
-- the plan tells of it, because only the reader can judge it.
local config = require 'lugger.inner.cli.config'
local names = require 'lugger.inner.column.names'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local views = require 'lugger.inner.column.views'
local sql = native.sql

local refusals = {}

-- Until the swap is through, the index of the column that comes refuses at once.
local function refuse_deferrable(_, one)
  for _, index in ipairs(one.found.indexes) do
    if index.deferrable then
      config.raise(('the constraint %s is DEFERRABLE: while the swap builds its index anew, writes would be '
        .. 'refused that are good at the end of their transaction'):format(index.name),
        ('ALTER TABLE %s DROP CONSTRAINT %s first, and add it behind --step drop; or change the type with --downtime')
          :format(one.quoted, sql.name(index.name)))
    end
  end
end

local owned_sql = [[SELECT c.oid::regclass::text AS name FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
  WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'a'
    AND c.relkind = 'S' AND a.attrelid = $1::text::oid AND a.attname = $2
    AND (c.oid::int8 <> pg_catalog.to_regclass(nullif($3, ''))::oid::int8 OR NOT EXISTS (SELECT FROM pg_attrdef f
      JOIN pg_depend u ON u.classid = 'pg_attrdef'::regclass AND u.objid = f.oid
        AND u.refclassid = 'pg_class'::regclass AND u.refobjid = c.oid
      WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum)) ORDER BY 1]]

-- Only the sequence of the default moves to the new column.
local function refuse_owned(db, one)
  local facts = one.found
  local row = db:query(owned_sql, facts.oid, one.column, facts.sequence or '')[1]
  if not row then return end
  config.raise(('the sequence %s belongs to %s.%s and is not its default: it would be dropped with the old column')
    :format(row.name, one.table, one.column), ('ALTER SEQUENCE %s OWNED BY NONE'):format(row.name))
end

local identity_sql = [[SELECT pg_catalog.concat_ws(', ',
    CASE WHEN seqincrement <> 1 THEN 'INCREMENT ' || seqincrement END,
    CASE WHEN seqcache <> 1 THEN 'CACHE ' || seqcache END, CASE WHEN seqmin <> 1 THEN 'MINVALUE ' || seqmin END,
    CASE WHEN seqmax <> CASE seqtypid WHEN 'pg_catalog.int2'::regtype THEN 32767
      WHEN 'pg_catalog.int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END THEN 'MAXVALUE ' || seqmax END,
    CASE WHEN seqcycle THEN 'CYCLE' END) AS unusual
  FROM pg_sequence WHERE seqrelid = pg_catalog.to_regclass($1)]]

local integers = { int2 = true, int4 = true, int8 = true } ---@type table<string, boolean|nil>

local function has_identity(one)
  return one.found.identity ~= nil and one.found.identity ~= ''
end

-- The new column gets an identity of its own, with the usual options.
local function refuse_identity(db, one)
  local facts = one.found
  if not has_identity(one) then return end
  if facts.to.schema ~= 'pg_catalog' or not integers[facts.to.name] then
    config.raise(('%s.%s is an identity, which %s cannot be'):format(one.table, one.column, facts.to.spelled),
      ('ALTER TABLE %s ALTER COLUMN %s DROP IDENTITY first'):format(one.quoted, sql.name(one.column)))
  end
  local row = facts.sequence and db:query(identity_sql, facts.sequence)[1]
  if not row or row.unusual == '' then return end
  config.raise(('the identity of %s.%s has options that would be lost: %s'):format(one.table, one.column, row.unusual),
    ('make it a default, which keeps its sequence: in one transaction CREATE SEQUENCE with these options, ALTER TABLE '
      .. '%s ALTER COLUMN %s DROP IDENTITY, then SET DEFAULT nextval(...); or change the type with --downtime'):format(
      one.quoted, sql.name(one.column)))
end

local domain_sql = [[WITH RECURSIVE d AS (SELECT oid, typbasetype, typdefault FROM pg_type WHERE oid = $1::text::oid
    UNION ALL SELECT t.oid, t.typbasetype, t.typdefault FROM d JOIN pg_type t ON t.oid = d.typbasetype)
  SELECT pg_catalog.min(typdefault) AS default, (SELECT typtype::text FROM pg_type WHERE oid = $1::text::oid) AS kind
  FROM d]]

-- A value that cannot be converted leaves NULL in either column, and what nobody has filled yet is NULL.
local function refuse_type(db, type)
  local row = db:query(domain_sql, type.oid)[1]
  if row.default and row.default ~= native.null then
    config.raise(('the type %s has a DEFAULT (%s): a column that is added would be full of it, and one that is '
      .. 'replaced would lose it'):format(type.bare, row.default),
      ('ALTER DOMAIN %s DROP DEFAULT, and give its columns the default'):format(type.bare))
  end
  if row.kind ~= 'd' then return end
  local ok, err = pcall(views.without_path, db.connection, function()
    return db.connection:query(('SELECT NULL::%s'):format(type.bare))
  end) ---@type boolean, any
  if ok then return end
  if _G.type(err) ~= 'table' or err.code == 'connect' then error(err, 0) end
  config.raise(('the type %s holds no NULL: a value that cannot be converted could not be set aside, and the write '
    .. 'would be refused'):format(type.bare), 'take the NOT NULL from the domain and give it to the column')
end

local function refuse_types(db, one)
  refuse_type(db, one.found.to)
  refuse_type(db, one.found.from)
end

-- Those that publish the table without naming it.
local everything_sql = [[SELECT p.pubname::text AS name FROM pg_publication p JOIN pg_class c ON c.oid = $1::text::oid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_publication_tables t ON t.pubname = p.pubname AND t.schemaname = n.nspname
      AND t.tablename = c.relname
  WHERE NOT EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid) ORDER BY 1]]

local function refuse_publication(db, one)
  local row = db:query(everything_sql, one.found.oid)[1]
  if not row then return end
  config.raise(('the publication %s sends every table, also the one of notes (%s), which has no key and is not at its '
    .. 'subscribers'):format(row.name, one.refused),
    'publish by a list of tables (CREATE PUBLICATION ... FOR TABLE ...) first; or change the type with --downtime')
end

local foreign_sql = [[SELECT k.conname::text AS name, k.conrelid = k.confrelid AND a.attnum = ANY (k.confkey) AS itself,
    pg_catalog.format_type(r.atttypid, r.atttypmod) AS type
  FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attname = $2
  LEFT JOIN pg_attribute r ON r.attrelid = k.confrelid
    AND r.attnum = k.confkey[pg_catalog.array_position(k.conkey, a.attnum)]
  WHERE k.contype = 'f' AND k.conrelid = $1::text::oid
    AND (a.attnum = ANY (k.conkey) OR k.conrelid = k.confrelid AND a.attnum = ANY (k.confkey)) ORDER BY 1]]

-- Tried on two empty tables: a foreign key of the table itself would lock the other one.
local function try_reference(connection, one, type)
  local like = ('%s.lugger_like_%s'):format(one.found.schema, one.found.oid)
  connection:query(('CREATE TABLE %s_to (x %s UNIQUE)'):format(like, type))
  connection:query(('CREATE TABLE %s_from (x %s REFERENCES %s_to (x))'):format(like, one.found.to.spelled, like))
end

local function refuse_foreign(db, one)
  local rows = views.without_path(db.connection, function() return db:query(foreign_sql, one.found.oid, one.column) end)
  for _, row in ipairs(rows) do
    local hint = ('ALTER TABLE %s DROP CONSTRAINT %s first, and add it again afterwards'):format(one.quoted,
      sql.name(row.name))
    if row.itself then
      config.raise(('the foreign key %s refers to %s.%s itself'):format(row.name, one.table, one.column), hint)
    end
    local ok, err = pcall(views.without_path, db.connection, function()
      try_reference(db.connection, one, row.type)
    end) ---@type boolean, any
    if not ok then
      if type(err) ~= 'table' or err.code == 'connect' then error(err, 0) end
      config.raise(('the foreign key %s cannot be made for %s: %s'):format(row.name, one.type, err.message), hint)
    end
  end
end

local generated_sql = [[SELECT attname::text AS name FROM pg_attribute
  WHERE attrelid = $1::text::oid AND attgenerated <> '' AND attnum > 0 AND NOT attisdropped]]

-- What the server has not computed yet is NULL for the trigger, which fires before.
local function refuse_generated(db, one, text, flag)
  if not text then return end
  local generated = {} ---@type table<string, boolean|nil>
  for _, row in ipairs(db:query(generated_sql, one.found.oid)) do generated[row.name] = true end
  local tokens = sql.tokens(text)
  for i in ipairs(tokens) do
    local name = names.at(tokens, i)
    if name and generated[name] then
      config.raise(('%s reads %s, a generated column: the trigger that converts fires before it has its value'):format(
        flag, name), 'write its expression in its place')
    end
  end
end

local checks = { refuse_deferrable, refuse_owned, refuse_identity, refuse_types, refuse_publication, refuse_foreign }

--- Raises when the change by a second column would lose something, or refuse a write of the application.
---@param db lugger.migration_db
---@param one lugger.column_job
function refusals.check(db, one)
  for _, refuse in ipairs(checks) do refuse(db, one) end
  refuse_generated(db, one, one.using, '--using')
  refuse_generated(db, one, one.back, '--back')
end

-- The application's triggers, without those of a change of another column.
local triggers_sql = [[SELECT t.tgname::text AS name, p.oid::regprocedure::text AS made, t.tgtype & 1 = 1 AS by_row,
    t.tgtype & 1 = 1 AND p.prosrc ~* '\m(new|old)\s*\.\s*\*|\mselect\s+\(?\s*(new|old)\M' AS copies,
    t.tgenabled IN ('A', 'R') AND t.tgtype & 16 = 16 AND t.tgattr::text = '' AS always
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
  WHERE t.tgrelid = $1::text::oid AND NOT t.tgisinternal AND t.tgenabled <> 'D'
    AND p.proname <> pg_catalog.concat(c.relname, '_', t.tgname) ORDER BY 1]]

-- What the role that makes a view again gives by default and the view does not give now.
local given_sql = [[SELECT x.privilege_type AS privilege, CASE x.grantee WHEN 0 THEN 'PUBLIC'
    ELSE pg_catalog.pg_get_userbyid(x.grantee) END AS grantee
  FROM pg_class c JOIN pg_default_acl d ON d.defaclnamespace IN (0, c.relnamespace) AND d.defaclobjtype = 'r'
    AND d.defaclrole = (SELECT oid FROM pg_roles WHERE rolname = current_user),
    pg_catalog.aclexplode(d.defaclacl) AS x
  WHERE c.oid = pg_catalog.to_regclass($1) AND x.grantee <> c.relowner AND x.grantee <> d.defaclrole
    AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(c.relacl) AS h
      WHERE h.grantee = x.grantee AND h.privilege_type = x.privilege_type)
  GROUP BY 1, 2 ORDER BY 2, 1]]

--- What the plan tells.
---@param db lugger.migration_db
---@param one lugger.column_job
---@return string[]
function refusals.notes(db, one)
  local out = {}
  local function add(text, ...) out[#out + 1] = text:format(...) end
  for _, row in ipairs(db:query(triggers_sql, one.found.oid)) do
    local name = terminal.printable(row.name)
    if row.copies then
      add('the trigger %s (%s) copies whole rows: from --step add on they have a column more, and where it does '
        .. 'not fit, the write that fires it fails', name, row.made)
    end
    if row.always and one.found.quiet then
      add('the trigger %s is ENABLE ALWAYS or REPLICA: it fires for each %s that is filled', name,
        row.by_row and 'row' or 'batch')
    end
  end
  if has_identity(one) then
    add('its numbering goes on in another sequence: look where %s is named, or has rights of its own; TRUNCATE ... '
      .. 'RESTART IDENTITY will begin with the number that came next at the swap', one.found.sequence)
  end
  for _, view in ipairs(one.found.views) do
    for _, row in ipairs(db:query(given_sql, view.name)) do
      add('ALTER DEFAULT PRIVILEGES gives %s on the view %s to %s when it is made again: REVOKE it behind the swap',
        row.privilege, view.name, row.grantee)
    end
  end
  return out
end

return refusals
