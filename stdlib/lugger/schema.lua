-- Safe schema changes for migrations: local schema = require 'lugger.schema'. Names are quoted; types and expressions
-- are SQL as written.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local partitions = require 'lugger.inner.migrate.partitions'
local sql = native.sql
local concat = table.concat

local schema = {}

local function check(options, known, what)
  fault.check_keys('schema.' .. what, options, known)
  return options or {}
end

local function check_texts(what, ...)
  for i = 1, select('#', ...) do
    local text = select(i, ...)
    if type(text) ~= 'string' or text == '' then
      fault.raise('config', ('schema.%s: argument %d is a %s, not a name'):format(what, i + 1, type(text)),
        ('help(schema.%s)'):format(what))
    end
  end
end

local function names(list)
  local out = {}
  for i, name in ipairs(type(list) == 'string' and { list } or list) do out[i] = sql.name(name) end
  return concat(out, ', ')
end

local function bare(name)
  return name:match('^[^.]+%.(.+)$') or name
end

-- Shortens names to 63 bytes, because PostgreSQL would truncate them silently.
local function made_name(...)
  local name = concat({ ... }, '_')
  if #name <= 63 then return name end
  return name:sub(1, 54) .. '_' .. native.system.sha256(name):sub(1, 8)
end

local function exists(db, name)
  return db:value('SELECT pg_catalog.to_regclass($1) IS NOT NULL', sql.table(name))
end

local function check_table(db, name)
  if not exists(db, name) then fault.raise('config', ('there is no table %s'):format(name)) end
end

--- Adds a column without rewriting the table. When the default differs from row to row, it is set afterwards, and
--- existing rows are filled in batches.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param type string as SQL: 'text', 'numeric(12,2)'
---@param options { default: string?, not_null: boolean?, batch_rows: integer?, key: string|string[]? }|nil default: SQL
function schema.add_column(db, table, column, type, options)
  options = check(options, { 'default', 'not_null', 'batch_rows', 'key' }, 'add_column')
  check_texts('add_column', table, column, type)
  local volatile = options.default and require('lugger.inner.migrate.locks').is_volatile(sql.tree('SELECT '
    .. options.default))
  local head = ('ALTER TABLE %s ADD COLUMN %s %s'):format(sql.table(table), sql.name(column), type)
  if not volatile then
    db:exec(head .. (options.default and ' DEFAULT ' .. options.default or '')
      .. (options.not_null and options.default and ' NOT NULL' or ''))
    if options.not_null and not options.default then schema.add_not_null(db, table, column) end
    return
  end
  db:by_steps()
  db:exec(head)
  db:exec(('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s'):format(sql.table(table), sql.name(column), options.default))
  schema.backfill(db, { table = table, key = options.key, batch_rows = options.batch_rows,
    set = { [column] = options.default --[[@as string]] }, where = sql.name(column) .. ' IS NULL' })
  if options.not_null then schema.add_not_null(db, table, column) end
end

--- SET NOT NULL without a table scan under a strong lock: a CHECK proves it, which is validated while others work.
---@param db lugger.migration_db
---@param table string
---@param column string
function schema.add_not_null(db, table, column)
  check_texts('add_not_null', table, column)
  local name = made_name(bare(table), column, 'not_null')
  schema.add_check(db, table, name, sql.name(column) .. ' IS NOT NULL')
  db:transaction(function()
    db:exec(('ALTER TABLE %s ALTER COLUMN %s SET NOT NULL'):format(sql.table(table), sql.name(column)))
    db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(sql.table(table), sql.name(name)))
  end)
end

--- Adds a CHECK: first for new rows only, then validated while others read and write.
---@param db lugger.migration_db
---@param table string
---@param name string
---@param expression string SQL
function schema.add_check(db, table, name, expression)
  check_texts('add_check', table, name, expression)
  db:by_steps()
  db:exec(('ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s) NOT VALID'):format(sql.table(table), sql.name(name),
    expression))
  schema.validate(db, table, name)
end

--- Validates a constraint: every row is read, while others read and write.
---@param db lugger.migration_db
---@param table string
---@param name string
function schema.validate(db, table, name)
  check_texts('validate', table, name)
  db:by_steps()
  db:exec(('ALTER TABLE %s VALIDATE CONSTRAINT %s'):format(sql.table(table), sql.name(name)))
end

--- Adds a foreign key: first for new rows only, then validated while others read and write. It does not add an index on
--- the columns: use schema.add_index.
---@param db lugger.migration_db
---@param table string
---@param columns string|string[]
---@param other string the table they refer to
---@param other_columns string|string[]|nil its primary key when not given
---@param options { name: string?, on_delete: string?, on_update: string? }|nil on_delete: 'CASCADE', 'SET NULL', ...
function schema.add_foreign_key(db, table, columns, other, other_columns, options)
  options = check(options, { 'name', 'on_delete', 'on_update' }, 'add_foreign_key')
  check_texts('add_foreign_key', table, other)
  local first = type(columns) == 'string' and columns or columns[1]
  local name = options.name or made_name(bare(table), first, 'fkey')
  local definition = ('FOREIGN KEY (%s) REFERENCES %s%s%s%s'):format(names(columns), sql.table(other),
    other_columns and ' (' .. names(other_columns) .. ')' or '',
    options.on_delete and ' ON DELETE ' .. options.on_delete or '',
    options.on_update and ' ON UPDATE ' .. options.on_update or '')
  db:by_steps()
  if partitions.has(db, table) then return partitions.add_foreign_key(db, table, sql.name(name), definition) end
  db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s NOT VALID'):format(sql.table(table), sql.name(name), definition))
  schema.validate(db, table, name)
end

local function elements(columns)
  local out = {}
  for i, column in ipairs(type(columns) == 'string' and { columns } or columns) do
    -- { sql = 'lower(email)' } is an expression; a string is a name.
    out[i] = type(column) == 'table' and column.sql and '(' .. column.sql .. ')' or sql.name(column)
  end
  return concat(out, ', ')
end

--- Builds an index while others read and write (CREATE INDEX CONCURRENTLY). An INVALID index that a failed build leaves
--- is removed when the migration is resumed. On a partitioned table, the index of each partition is built by itself,
--- and then they are attached.
---@param db lugger.migration_db
---@param table string
---@param columns string|(string|{ sql: string })[] names, or expressions as { sql = 'lower(email)' }
---@param options { name: string?, unique: boolean?, using: string?, where: string?, include: string[]? }|nil
---@return string name
function schema.add_index(db, table, columns, options)
  options = check(options, { 'name', 'unique', 'using', 'where', 'include' }, 'add_index')
  check_texts('add_index', table)
  local parts = {}
  for i, column in ipairs(type(columns) == 'table' and columns or { columns }) do
    parts[i] = type(column) == 'string' and column or 'expr'
  end
  parts[#parts + 1] = 'idx'
  local name = options.name or made_name(bare(table), unpack(parts))
  local rest = ('%s (%s)%s%s'):format(options.using and ' USING ' .. sql.name(options.using) or '', elements(columns),
    options.include and ' INCLUDE (' .. names(options.include) .. ')' or '',
    options.where and ' WHERE ' .. options.where or '')
  db:by_steps()
  if partitions.has(db, table) then
    partitions.add_index(db, table, name, function(partition)
      return options.name and made_name(partition, options.name) or made_name(partition, unpack(parts))
    end, options.unique, rest)
  else
    db:exec(('CREATE %sINDEX CONCURRENTLY %s ON %s%s'):format(options.unique and 'UNIQUE ' or '', sql.name(name),
      sql.table(table), rest))
  end
  return name
end

--- Drops an index while others read and write. PostgreSQL cannot do that for a partitioned table: its index is dropped
--- in one short transaction, with the table and its partitions locked.
---@param db lugger.migration_db
---@param name string with its schema when the search path does not find it
function schema.drop_index(db, name)
  check_texts('drop_index', name)
  local partitioned = db:remember('kind of ' .. name, function()
    return db:value("SELECT relkind = 'I' FROM pg_class WHERE oid = pg_catalog.to_regclass($1)", sql.table(name))
      or false
  end)
  if partitioned then
    db:exec('DROP INDEX ' .. sql.table(name))
    return
  end
  db:exec('DROP INDEX CONCURRENTLY ' .. sql.table(name))
end

--- Adds a UNIQUE constraint or the primary key: builds its index while others read and write, then attaches it.
---@param db lugger.migration_db
---@param table string
---@param columns string|string[]
---@param options { name: string?, primary: boolean? }|nil
function schema.add_unique(db, table, columns, options)
  options = check(options, { 'name', 'primary' }, 'add_unique')
  local list = type(columns) == 'table' and columns or { columns }
  local name = options.name or options.primary and made_name(bare(table), 'pkey')
    or made_name(bare(table), unpack(list)) .. '_key'
  if options.primary then
    for _, column in ipairs(list) do schema.add_not_null(db, table, column) end
  end
  local kind = options.primary and 'PRIMARY KEY' or 'UNIQUE'
  db:by_steps()
  if partitions.has(db, table) then
    partitions.add_unique(db, table, name, function(partition) return made_name(partition, name) end, kind,
      names(columns))
    return
  end
  schema.add_index(db, table, columns, { name = name, unique = true })
  db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s'):format(sql.table(table), sql.name(name), kind,
    sql.name(name)))
end

---@class lugger.backfill_spec
---@field table string
---@field set table<string, string> column -> SQL expression
---@field key string|string[]|nil the primary key when not given
---@field where string|nil only rows that meet it, in SQL
---@field params any[]|nil values of $1, $2, ... in `where`
---@field batch_rows integer|nil 1000 when not given
---@field pause_ms integer|nil between batches

--- Fills columns in batches by key. Each batch is committed with its position, so that after a failure the backfill
--- continues after the last batch.
---@param db lugger.migration_db
---@param spec lugger.backfill_spec
function schema.backfill(db, spec)
  check(spec, { 'table', 'set', 'key', 'where', 'params', 'batch_rows', 'pause_ms' }, 'backfill')
  if type(spec.set) ~= 'table' or not next(spec.set) then
    fault.raise('config', 'schema.backfill wants columns to set', "set = { nick = 'lower(email)' }")
  end
  local columns, assignments = {}, {}
  for column in pairs(spec.set) do columns[#columns + 1] = column end
  table.sort(columns)
  for i, column in ipairs(columns) do assignments[i] = sql.name(column) .. ' = ' .. spec.set[column] end
  for batch in db:batches { table = spec.table, key = spec.key, where = spec.where, params = spec.params,
    batch_rows = spec.batch_rows, pause_ms = spec.pause_ms } do
    db:exec(('UPDATE %s SET %s WHERE %s'):format(sql.table(spec.table), concat(assignments, ', '), batch.condition))
  end
  db:say(('%s: as many dead rows as were filled; VACUUM %s when convenient'):format(spec.table, sql.table(spec.table)))
end

--- Makes a table; every name is quoted.
---@param db lugger.migration_db
---@param table string
---@param columns table[] { 'id', 'bigint', primary = true }, { 'email', 'text', not_null =, default =, unique = }, ...
---@param options { constraints: string[]? }|nil constraints as SQL
function schema.create_table(db, table, columns, options)
  options = check(options, { 'constraints' }, 'create_table')
  check_texts('create_table', table)
  local parts, key = {}, {}
  for i, column in ipairs(columns) do
    if type(column) ~= 'table' or type(column[1]) ~= 'string' or type(column[2]) ~= 'string' then
      fault.raise('config', ('schema.create_table: column %d is not { name, type }'):format(i), "{ 'email', 'text' }")
    end
    for key_name in pairs(column) do
      if key_name ~= 1 and key_name ~= 2 then
        check({ [key_name] = true }, { 'primary', 'not_null', 'default', 'unique' }, 'create_table')
      end
    end
    parts[i] = ('%s %s%s%s%s'):format(sql.name(column[1]), column[2], column.not_null and ' NOT NULL' or '',
      column.default and ' DEFAULT ' .. column.default or '', column.unique and ' UNIQUE' or '')
    if column.primary then key[#key + 1] = column[1] end
  end
  if #key > 0 then parts[#parts + 1] = 'PRIMARY KEY (' .. names(key) .. ')' end
  for _, constraint in ipairs(options.constraints or {}) do parts[#parts + 1] = constraint end
  db:exec(('CREATE TABLE %s (\n  %s\n)'):format(sql.table(table), concat(parts, ',\n  ')))
end

local extension = [[SELECT e.extversion IS NOT NULL AS installed, v.name IS NOT NULL AS available,
    coalesce(v.trusted, false) AS trusted, r.rolsuper AS super,
    pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create
  FROM (SELECT $1::text AS name) w
  LEFT JOIN pg_extension e ON e.extname = w.name
  LEFT JOIN LATERAL (SELECT name, pg_catalog.bool_or(trusted) AS trusted FROM pg_available_extension_versions a
    WHERE a.name = w.name GROUP BY name) v ON true
  JOIN pg_roles r ON r.rolname = current_user]]

--- Installs an extension unless it exists. Fails in advance when the server lacks it or the role may not install it.
---@param db lugger.migration_db
---@param name string
function schema.create_extension(db, name)
  check_texts('create_extension', name)
  local found = db:query(extension, name)[1]
  if found.installed then return end
  if not found.available then
    fault.raise('config', ('the server has no extension "%s"'):format(name),
      'install its package on the server; SELECT * FROM pg_available_extensions lists what is there')
  end
  if not found.super and not (found.trusted and found.may_create) then
    fault.raise('auth', ('permission denied to create the extension "%s"'):format(name),
      found.trusted and 'it needs the right CREATE on the database'
      or 'have a superuser run: CREATE EXTENSION ' .. sql.name(name))
  end
  db:exec('CREATE EXTENSION IF NOT EXISTS ' .. sql.name(name))
end

--- What depends on a column: views, defaults, constraints, indexes, grants, triggers, policies.
---@param db lugger.migration_db
---@param table string
---@param column string
---@return { kind: string, text: string, own: boolean }[] own: goes with the column, and harms nothing else
function schema.dependents(db, table, column)
  check_texts('dependents', table, column)
  return require('lugger.inner.migrate.dependents').of(db, table, column)
end

--- Drops a column if nothing depends on it; otherwise lists what does, and fails.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param options { with_own: boolean? }|nil with_own: its own default, indexes, constraints and grants go with it
function schema.drop_column(db, table, column, options)
  options = check(options, { 'with_own' }, 'drop_column')
  check_texts('drop_column', table, column)
  require('lugger.inner.migrate.dependents').refuse(db, table, column, options.with_own)
  db:exec(('ALTER TABLE %s DROP COLUMN %s'):format(sql.table(table), sql.name(column)))
end

--- Renames a column in one short transaction. Code that uses the old name fails from then on: first release code that
--- works with both names.
---@param db lugger.migration_db
---@param table string
---@param old string
---@param new string
function schema.rename_column(db, table, old, new)
  check_texts('rename_column', table, old, new)
  check_table(db, table)
  db:transaction(function()
    db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(sql.table(table), sql.name(old), sql.name(new)))
  end)
end

---@class lugger.change_type_options
---@field using string|nil the new value as an SQL expression
---@field back string|nil the old value as an SQL expression of the new one; with `using` and without it: no way back
---@field key string|string[]|nil the primary key when not given
---@field batch_rows integer|nil 1000 when not given
---@field pause_ms integer|nil between batches
---@field keep_old boolean|nil the old column stays, as NAME__old
---@field max_bytes integer|nil refuse when more disk is needed

--- Changes the type of a column while others read and write: fills a second column in batches, while a trigger keeps it
--- up to date; builds the indexes and constraints on it; and replaces the old column in a short transaction.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param type string as SQL
---@param options lugger.change_type_options|nil
function schema.change_type(db, table, column, type, options)
  options = check(options, { 'using', 'back', 'key', 'batch_rows', 'pause_ms', 'keep_old', 'max_bytes' }, 'change_type')
  check_texts('change_type', table, column, type)
  require('lugger.inner.migrate.change_type').run(db, table, column, type, options)
end

return schema
