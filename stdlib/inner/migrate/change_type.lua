-- Changes the type of a column of a table in use: shadow column, trigger, backfill, indexes and constraints, swap.
local config = require 'lugger.inner.cli.config'
local dependents = require 'lugger.inner.migrate.dependents'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local sql = native.sql
local concat = table.concat

local change_type = {}

local column_sql = [[SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
    (SELECT n.conname FROM pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated
      AND a.attnum = ANY (n.conkey)) AS unproven,
    a.attidentity::text AS identity, a.attgenerated::text AS generated,
    pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS default,
    pg_catalog.col_description(a.attrelid, a.attnum) AS comment, c.relkind::text AS kind,
    c.relreplident::text AS replica,
    c.relnamespace::regnamespace::text AS schema, pg_catalog.pg_table_size(c.oid) AS bytes,
    greatest(c.reltuples, 0)::float8 AS
      rows,
    pg_catalog.pg_get_serial_sequence(c.oid::regclass::text, a.attname) AS sequence
  FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2 AND NOT a.attisdropped]]

local index_sql = [[SELECT c.relname AS name, pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
    i.indisprimary AS primary,
    k.contype::text AS constraint_type, pg_catalog.pg_relation_size(i.indexrelid) AS bytes, i.indisreplident AS replica
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
  WHERE i.indrelid = pg_catalog.to_regclass($1) AND EXISTS (SELECT FROM pg_depend d
    WHERE d.refobjid = i.indrelid AND d.refobjsubid = (SELECT attnum FROM pg_attribute WHERE attrelid = i.indrelid
      AND attname = $2) AND (d.objid = i.indexrelid OR d.objid = k.oid)) ORDER BY 1]]

local constraint_sql = [[SELECT conname AS name, contype::text AS type,
    pg_catalog.pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE conrelid = pg_catalog.to_regclass($1) AND contype IN ('c', 'f')
    AND conkey @> ARRAY[(SELECT attnum
    FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2)] ORDER BY 1]]

local grant_sql = [[SELECT privilege_type AS privilege, CASE grantee WHEN 0 THEN 'PUBLIC'
    ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(grantee)) END AS grantee
  FROM pg_attribute a, pg_catalog.aclexplode(a.attacl)
  WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2]]

local function plain(rows)
  local list = {}
  for i, row in ipairs(rows) do
    list[i] = {}
    for _, name in ipairs(rows.names) do
      if row[name] ~= native.null then list[i][name] = type(row[name]) == 'cdata' and tonumber(row[name])
        or row[name] end
    end
  end
  return list
end

-- Refuses dependents that cannot be carried over, such as views and references of other tables.
local function refuse_others(db, table, column)
  local lines = {}
  for _, one in ipairs(dependents.of(db, table, column)) do
    if not one.own then lines[#lines + 1] = '\n  ' .. one.text end
  end
  if #lines > 0 then
    config.raise(('the type of %s.%s is not changed; on it depend:%s'):format(table, column, concat(lines)),
      'drop these first, and make them anew afterwards')
  end
end

local function inspect(db, table, column)
  dependents.check(db, table, column)
  local quoted = sql.table(table)
  local found = plain(db:query(column_sql, quoted, column))[1]
  if found.kind ~= 'r' then
    config.raise(('%s is not a plain table: its columns cannot be changed by a second one'):format(table),
      found.kind == 'p' and 'of a partitioned table PostgreSQL changes a type in all partitions at once: '
      .. 'ALTER TABLE ... ALTER COLUMN ... TYPE in a window, or a new table that is filled and takes its place' or nil)
  end
  if found.generated and found.generated ~= '' then config.raise(('%s.%s is a generated column'):format(table,
    column)) end
  refuse_others(db, table, column)
  found.indexes = plain(db:query(index_sql, quoted, column))
  found.constraints = plain(db:query(constraint_sql, quoted, column))
  found.grants = plain(db:query(grant_sql, quoted, column))
  for _, index in ipairs(found.indexes) do
    if index.constraint_type == 'x' then config.raise(('%s is an EXCLUDE constraint'):format(index.name),
      'drop it first') end
  end
  return found
end

--- SQL in which one column replaces another, based on its tokens.
---@param text string
---@param old string
---@param new string
---@return string
function change_type.replaced(text, old, new)
  local out, at, tokens = {}, 1, sql.tokens(text)
  for i, token in ipairs(tokens) do
    local name = token.kind == 'quoted' and token.text:sub(2, -2):gsub('""', '"')
      or (token.kind == 'name' or token.kind == 'keyword') and token.text:lower() or nil
    local before, after = tokens[i - 1] and tokens[i - 1].text, tokens[i + 1] and tokens[i + 1].text
    if name == old and after ~= '(' and before ~= '::' and before ~= '.' then
      out[#out + 1] = text:sub(at, token.offset) .. sql.name(new)
      at = token.offset + #token.text + 1
    end
  end
  return concat(out) .. text:sub(at)
end

local function estimate(db, job, options)
  local found, indexes = job.found, 0
  for _, index in ipairs(found.indexes) do indexes = indexes + index.bytes end
  -- Each row is written once more, and its old version stays until VACUUM.
  local bytes = found.bytes + indexes * 2
  db:say(('%s.%s %s -> %s: about %s rows; needs up to %s of disk until the next vacuum'):format(job.table, job.column,
    found.type, job.type, terminal.group(found.rows), terminal.bytes(bytes)))
  if options.max_bytes and bytes > options.max_bytes then
    config.raise(('changing the type of %s.%s needs up to %s of disk; max_bytes allows %s'):format(job.table,
      job.column,
      terminal.bytes(bytes), terminal.bytes(options.max_bytes)), 'make room, or raise max_bytes')
  end
end

-- The application's writes must not fail. So the trigger counts a value that cannot be converted and does not refuse
-- it, even while the migration has failed and waits to be corrected. The counter (a sequence) is not rolled back with a
-- write; a count too many costs only a second check. Every role that writes to the table counts, so every role may.
local trigger_sql = [[CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql AS $lugger$
BEGIN
  BEGIN
    SELECT %s INTO NEW.%s FROM (SELECT NEW.*) AS "row";
  EXCEPTION WHEN OTHERS THEN
    NEW.%s := NULL;
    PERFORM pg_catalog.nextval(%s);
  END;
  RETURN NEW;
END $lugger$]]

local function add_shadow(db, job)
  local shadow = sql.name(job.shadow)
  db:transaction(function()
    db:exec(('ALTER TABLE %s ADD COLUMN %s %s'):format(job.quoted, shadow, job.type))
    db:exec('CREATE SEQUENCE ' .. job.refused)
    db:exec(('GRANT USAGE ON SEQUENCE %s TO PUBLIC'):format(job.refused))
    db:exec(trigger_sql:format(job.trigger, job.using, shadow, shadow, sql.literal(job.refused)))
    db:exec(('CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s()'):format(
      sql.name(job.trigger_name), job.quoted, job.trigger))
  end)
end

local function fill(db, job, options)
  -- Types without equality (json) are only checked for NULL; the trigger keeps the other rows up to date.
  local where = ('%s IS NULL AND %s IS NOT NULL'):format(sql.name(job.shadow), job.using)
  for batch in db:batches { table = job.table, key = options.key, batch_rows = options.batch_rows,
    pause_ms = options.pause_ms } do
    db:exec(('UPDATE %s SET %s = %s WHERE %s AND %s'):format(job.quoted, sql.name(job.shadow), job.using,
      batch.condition, where))
  end
end

local function build(db, job)
  for _, index in ipairs(job.found.indexes) do
    local head, tail = index.definition:match('^(CREATE U?N?I?Q?U?E? ?INDEX) .- (ON .*)$')
    -- The name is not included in the replacement, because it may be equal to the column's.
    db:exec(('%s CONCURRENTLY %s %s'):format(head, sql.name(index.name .. '__new'), change_type.replaced(tail,
      job.column,
      job.shadow)))
  end
end

local function constrain(db, job)
  for _, constraint in ipairs(job.found.constraints) do
    local name = sql.name(constraint.name .. '__new')
    local definition = change_type.replaced(constraint.definition:gsub(' NOT VALID$', ''), job.column, job.shadow)
    local enforced = not definition:match ' NOT ENFORCED$'
    db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s%s'):format(job.quoted, name, definition, enforced and ' NOT VALID'
      or ''))
    if enforced and not constraint.definition:match ' NOT VALID$' then
      db:exec(('ALTER TABLE %s VALIDATE CONSTRAINT %s'):format(job.quoted, name))
    end
  end
  if job.found.not_null and not job.found.unproven then
    db:exec(('ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID'):format(job.quoted,
      sql.name(job.not_null), sql.name(job.shadow)))
    db:exec(('ALTER TABLE %s VALIDATE CONSTRAINT %s'):format(job.quoted, sql.name(job.not_null)))
  end
end

-- Constraints on the new column would refuse values that cannot be converted. So when the change fails here, they are
-- dropped, and added again when it is resumed.
local function take_constraints_back(job)
  local undo = {}
  for _, constraint in ipairs(job.found.constraints) do undo[#undo + 1] = constraint.name .. '__new' end
  undo[#undo + 1] = job.not_null
  for i, name in ipairs(undo) do
    undo[i] = ('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s'):format(job.quoted, sql.name(name))
  end
  return undo
end

local function times_refused(db, job)
  -- Begun by an earlier version of lugger.
  if not db:value('SELECT pg_catalog.to_regclass($1)::text', job.refused) then return '0' end
  return tostring(db:value(('SELECT last_value + is_called::int FROM %s'):format(job.refused)))
end

-- Rows written after their batch, with a value that could not be converted: this fails and names the value.
local function fill_rest(db, job)
  local shadow = sql.name(job.shadow)
  db:exec(('UPDATE %s SET %s = %s WHERE %s IS NULL AND %s IS NOT NULL'):format(job.quoted, shadow, job.using, shadow,
    job.using))
end

-- After this every row has its value, and no value was written that cannot be converted. The SHARE lock waits briefly
-- for open writes: their failures are counted, and later statements see their rows.
local function settle(db, job)
  if not job.settled then
    db:exec 'SAVEPOINT lugger_settle'
    db:exec(('LOCK TABLE %s IN SHARE MODE'):format(job.quoted))
    local refused = times_refused(db, job)
    db:exec 'ROLLBACK TO SAVEPOINT lugger_settle'
    fill_rest(db, job)
    job.settled = refused
  end
  db:exec(('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE'):format(job.quoted))
  if times_refused(db, job) ~= job.settled then
    config.raise(('a value was written to %s.%s meanwhile that does not become %s'):format(job.table, job.column,
      job.type), 'run the migration again: it goes on here, and names such a value where one stands')
  end
end

---@type table<string, string|nil>
local identities = { a = 'ALWAYS', d = 'BY DEFAULT' }

-- The numbering continues where the old column's sequence is.
local function carry_default(db, job)
  local found, alter = job.found, ('ALTER TABLE %s ALTER COLUMN %s '):format(job.quoted, sql.name(job.shadow))
  local identity = identities[found.identity]
  if identity then
    local next_value = db:query(('SELECT last_value + is_called::int AS n FROM %s'):format(found.sequence))[1].n
    db:exec(('ALTER TABLE %s ALTER COLUMN %s DROP IDENTITY'):format(job.quoted, sql.name(job.column)))
    db:exec(('%sADD GENERATED %s AS IDENTITY (START WITH %s)'):format(alter, identity, tostring(next_value)))
    return
  end
  if not found.default then return end
  db:exec(alter .. 'SET DEFAULT ' .. found.default)
  if found.sequence then
    local kinds = { smallint = true, integer = true, bigint = true } ---@type table<string, boolean>
    if kinds[job.type] then db:exec(('ALTER SEQUENCE %s AS %s'):format(found.sequence, job.type)) end
    db:exec(('ALTER SEQUENCE %s OWNED BY %s.%s'):format(found.sequence, job.quoted, sql.name(job.shadow)))
  end
end

local function carry_rest(db, job)
  local found = job.found
  for _, index in ipairs(found.indexes) do
    local new = sql.name(index.name .. '__new')
    if index.constraint_type then
      db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s'):format(job.quoted, sql.name(index.name),
        index.constraint_type == 'p' and 'PRIMARY KEY' or 'UNIQUE', new))
    else
      db:exec(('ALTER INDEX %s.%s RENAME TO %s'):format(found.schema, new, sql.name(index.name)))
    end
    if index.replica then
      db:exec(('ALTER TABLE %s REPLICA IDENTITY USING INDEX %s'):format(job.quoted, sql.name(index.name)))
    end
  end
  for _, constraint in ipairs(found.constraints) do
    db:exec(('ALTER TABLE %s RENAME CONSTRAINT %s TO %s'):format(job.quoted, sql.name(constraint.name .. '__new'),
      sql.name(constraint.name)))
  end
  for _, grant in ipairs(found.grants) do
    db:exec(('GRANT %s (%s) ON %s TO %s'):format(grant.privilege, sql.name(job.column), job.quoted, grant.grantee))
  end
  if found.comment then
    db:exec(('COMMENT ON COLUMN %s.%s IS %s'):format(job.quoted, sql.name(job.column), sql.literal(found.comment)))
  end
end

-- Reads nothing while it holds the lock: everything that takes time was done before.
local function swap(db, job, keep_old)
  local name, shadow = sql.name(job.column), sql.name(job.shadow)
  db:transaction(function()
    settle(db, job)
    db:exec(('DROP TRIGGER %s ON %s'):format(sql.name(job.trigger_name), job.quoted))
    db:exec(('DROP FUNCTION %s()'):format(job.trigger))
    db:exec('DROP SEQUENCE IF EXISTS ' .. job.refused)
    if job.found.not_null and not job.found.unproven then
      db:exec(('ALTER TABLE %s ALTER COLUMN %s SET NOT NULL'):format(job.quoted, shadow))
      db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(job.quoted, sql.name(job.not_null)))
    end
    carry_default(db, job)
    for _, index in ipairs(job.found.indexes) do
      if index.constraint_type then
        db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(job.quoted, sql.name(index.name)))
      else
        db:exec(('DROP INDEX %s.%s'):format(job.found.schema, sql.name(index.name)))
      end
    end
    for _, constraint in ipairs(job.found.constraints) do
      db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(job.quoted, sql.name(constraint.name)))
    end
    if keep_old then
      local old = sql.name(job.column .. '__old')
      db:exec(('ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL, ALTER COLUMN %s DROP DEFAULT'):format(job.quoted, name,
        name))
      db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(job.quoted, name, old))
    else
      db:exec(('ALTER TABLE %s DROP COLUMN %s'):format(job.quoted, name))
    end
    db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(job.quoted, shadow, name))
    carry_rest(db, job)
    if job.found.unproven then
      db:exec(('ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID'):format(job.quoted,
        sql.name(job.found.unproven), name))
    end
  end)
end

local function refuse_long_names(job)
  local names = { job.shadow, job.trigger_name, job.not_null }
  for _, list in ipairs { job.found.indexes, job.found.constraints } do
    for _, one in ipairs(list) do names[#names + 1] = one.name .. '__new' end
  end
  for _, name in ipairs(names) do
    if #name > 63 then config.raise(('%s is longer than the 63 bytes of a name'):format(name), 'rename it first') end
  end
end

--- Implements schema.change_type.
---@param db lugger.migration_db
---@param table string
---@param column string
---@param type string
---@param options table
function change_type.run(db, table, column, type, options)
  db:by_steps()
  local label = ('change the type of %s.%s to %s'):format(table, column, type)
  local found = db:remember(label, function() return inspect(db, table, column) end)
  found.indexes, found.constraints, found.grants = found.indexes or {}, found.constraints or {}, found.grants or {}
  local shadow = column .. '__new'
  local job = { table = table, quoted = sql.table(table), column = column, type = type, shadow = shadow, found = found,
    using = '(' .. (options.using or sql.name(column) .. '::' .. type) .. ')', trigger_name = '~' .. shadow
      .. '_sync', -- triggers fire in alphabetical order

    not_null = shadow .. '_not_null' }
  local bare = table:gsub('^.-%.', '')
  job.trigger = found.schema .. '.' .. sql.name(bare .. '_' .. job.trigger_name)
  job.refused = found.schema .. '.' .. sql.name(bare .. '_' .. shadow .. '_refused')
  refuse_long_names(job)
  estimate(db, job, options)
  add_shadow(db, job)
  fill(db, job, options)
  build(db, job)
  db.executor:or_undo(function()
    fill_rest(db, job)
    constrain(db, job)
    swap(db, job, options.keep_old)
  end, take_constraints_back(job))
  db:exec('ANALYZE ' .. job.quoted)
  db:say(('%s: every row was written once more; VACUUM %s when convenient'):format(table, job.quoted))
end

return change_type
