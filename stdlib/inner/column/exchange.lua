-- The short transaction in which one column takes the place of the other, in both directions. It reads nothing that
-- takes time while it holds its lock.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local types = require 'lugger.inner.column.types'
local unchanged = require 'lugger.inner.column.unchanged'
local views = require 'lugger.inner.column.views'
local sql = native.sql

local exchange = {}

-- Whoever disables a trigger, or enables it, writes its row in the catalog anew. A change of a column's type gives the
-- table another file, without a trigger.
local trigger_sql = [[SELECT tgenabled::text AS enabled, xmin::text AS written,
    pg_catalog.pg_relation_filenode(tgrelid)::text AS file,
    pg_catalog.obj_description(pg_catalog.to_regclass($3), 'pg_class') AS noted
  FROM pg_trigger WHERE tgrelid = pg_catalog.to_regclass($1) AND tgname = $2 AND NOT tgisinternal]]

-- Without its trigger nobody can tell whether the columns are still in step.
local function check_trigger(db, one, to)
  if db.executor.only_records then return end
  local row = db:query(trigger_sql, one.quoted, to.trigger, one.refused)[1]
  if not row or row.enabled ~= 'A' then
    config.raise(('the trigger %s of %s is %s: what was written meanwhile was not converted'):format(to.trigger,
      one.table, row and 'disabled' or 'gone'),
      row and ('ALTER TABLE %s ENABLE ALWAYS TRIGGER %s, then compare again'):format(one.quoted, sql.name(to.trigger))
      or to.forth and '`--step back` takes the change away; begin it anew'
      or 'the old column is out of step for good: --step drop ends the change')
  end
  return row
end

--- What rows are compared under: the trigger and the table's file, as they are now.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param to lugger.column_way
---@return string
function exchange.seen(db, one, to)
  local row = check_trigger(db, one, to)
  return row and row.written .. ' / ' .. row.file or ''
end

--- Notes it.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param seen string
function exchange.note(db, one, seen)
  if db.executor.only_records then return end
  db:exec(('COMMENT ON TABLE %s IS %s'):format(one.refused, sql.literal(seen)))
end

--- Notes that rows are compared from here on, under this trigger as it is now.
---@param db lugger.migration_db
---@param one lugger.column_job
function exchange.note_trigger(db, one)
  exchange.note(db, one, exchange.seen(db, one, one.to_new))
end

local function check_compared(db, one, to)
  local row = check_trigger(db, one, to)
  if not row or row.noted == row.written .. ' / ' .. row.file then return end
  local since = to.forth and 'the rows were compared' or 'the swap'
  local hint = to.forth and 'compare them again: --step compare'
    or 'only a comparison can tell what it did: --step back without --accept-loss'
  if (row.noted or ''):match ' / (.*)$' ~= row.file then
    config.raise(('%s was written anew since %s: by ALTER TABLE, VACUUM FULL, CLUSTER or TRUNCATE'):format(one.table,
      since), hint)
  end
  config.raise(('the trigger %s of %s was off for a while since %s'):format(to.trigger, one.table, since), hint)
end

---@type table<string, string|nil>
local identities = { a = 'ALWAYS', d = 'BY DEFAULT' }

local sequence_sql = 'SELECT pg_catalog.pg_get_serial_sequence($1, $2)'
local integers = { int2 = 'smallint', int4 = 'integer', int8 = 'bigint' } ---@type table<string, string|nil>

--- The default of the column that comes.
---@param one lugger.column_job
---@param to lugger.column_way
---@return string
function exchange.default_of(one, to)
  local found = one.found
  if not to.forth or found.from.family == found.to.family then return found.default end
  return types.cast(found.from, found.to, '(' .. found.default .. ')')
end

-- The numbering continues where the sequence of the column in use is.
local function carry_default(db, one, to)
  local found, hidden = one.found, sql.name(to.hidden)
  local alter = ('ALTER TABLE %s ALTER COLUMN %s '):format(one.quoted, hidden)
  local identity = identities[found.identity]
  local sequence = (identity or found.default) and db:value(sequence_sql, one.quoted, one.column)
  if identity then
    local next_value = db:value(('SELECT (last_value + is_called::int)::text FROM %s'):format(sequence))
    db:exec(('ALTER TABLE %s ALTER COLUMN %s DROP IDENTITY'):format(one.quoted, sql.name(one.column)))
    db:exec(('%sADD GENERATED %s AS IDENTITY (START WITH %s)'):format(alter, identity, next_value))
    return
  end
  if not found.default then return end
  db:exec(alter .. 'SET DEFAULT ' .. exchange.default_of(one, to))
  if sequence then
    local kind = integers[to.forth and found.to.name or found.from.name]
    if kind then db:exec(('ALTER SEQUENCE %s AS %s'):format(sequence, kind)) end
    db:exec(('ALTER SEQUENCE %s OWNED BY %s.%s'):format(sequence, one.quoted, hidden))
  end
end

-- Before the renames: what the column in use leaves. Its plain indexes stay with it, under another name.
local function clear_names(db, one, to)
  for _, index in ipairs(one.found.indexes) do
    if index.constraint_type then
      db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(one.quoted, sql.name(index.name)))
    elseif index.unique or not to.forth then
      db:exec(('DROP INDEX %s.%s'):format(one.found.schema, sql.name(index.name)))
    else
      db:exec(('ALTER INDEX %s.%s RENAME TO %s'):format(one.found.schema, sql.name(index.name),
        sql.name(index.name .. '__old')))
    end
  end
  for _, constraint in ipairs(one.found.constraints) do
    db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(one.quoted, sql.name(constraint.name)))
  end
end

local function add_constraint(db, one, index, built)
  local late = index.deferrable and (index.deferred and ' DEFERRABLE INITIALLY DEFERRED' or ' DEFERRABLE') or ''
  db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s'):format(one.quoted, sql.name(index.name),
    index.constraint_type == 'p' and 'PRIMARY KEY' or 'UNIQUE', built, late))
end

local function take_names(db, one, to)
  local found, name = one.found, sql.name(one.column)
  for _, index in ipairs(found.indexes) do
    local built = sql.name(index.name .. to.suffix)
    local quoted = ('%s.%s'):format(found.schema, sql.name(index.name))
    if index.constraint_type then
      add_constraint(db, one, index, built)
    else
      db:exec(('ALTER INDEX %s.%s RENAME TO %s'):format(found.schema, built, sql.name(index.name)))
    end
    if index.replica then
      db:exec(('ALTER TABLE %s REPLICA IDENTITY USING INDEX %s'):format(one.quoted, sql.name(index.name)))
    end
    if index.comment then db:exec(('COMMENT ON INDEX %s IS %s'):format(quoted, sql.literal(index.comment))) end
  end
  for _, constraint in ipairs(found.constraints) do
    db:exec(('ALTER TABLE %s RENAME CONSTRAINT %s TO %s'):format(one.quoted, sql.name(constraint.name .. to.suffix),
      sql.name(constraint.name)))
  end
  if to.forth then
    for _, grant in ipairs(found.grants) do
      db:exec(('GRANT %s (%s) ON %s TO %s%s'):format(grant.privilege, name, one.quoted, grant.grantee,
        grant.grantable and ' WITH GRANT OPTION' or ''))
    end
    if found.comment then
      db:exec(('COMMENT ON COLUMN %s.%s IS %s'):format(one.quoted, name, sql.literal(found.comment)))
    end
  end
  if found.unproven then
    db:exec(('ALTER TABLE %s ADD CONSTRAINT %s NOT NULL %s NOT VALID'):format(one.quoted, sql.name(found.unproven),
      name))
  end
end

-- The row of pg_attribute keeps its grants, so the old column keeps its own for the way back.
local function begin(db, one, to, what, hint)
  db:exec(('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE'):format(one.quoted))
  unchanged.check(db, one, to, true)
  check_compared(db, one, to)
  db:exec(one:again_sql(to))
  one:refuse(db, what, hint)
  for _, text in ipairs(one:leave_sql(to)) do db:exec(text) end
  views.drop(db, one.found.views)
  if one.found.not_null and not one.found.unproven then
    db:exec(('ALTER TABLE %s ALTER COLUMN %s SET NOT NULL'):format(one.quoted, sql.name(to.hidden)))
    db:exec(('ALTER TABLE %s DROP CONSTRAINT %s'):format(one.quoted, sql.name(to.not_null)))
  end
  carry_default(db, one, to)
  clear_names(db, one, to)
end

local again = 'correct these rows, then run the same command again: it goes on here'

--- The new column takes the place of the old one.
---@param db lugger.migration_db
---@param one lugger.column_job
function exchange.swap(db, one)
  local name, old, shadow = sql.name(one.column), sql.name(one.old), sql.name(one.shadow)
  db:transaction(function()
    begin(db, one, one.to_new, 'were written meanwhile and do not become ' .. one.type, again)
    if one.found.not_null then
      db:exec(('ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL'):format(one.quoted, name))
    end
    if one.found.default then
      db:exec(('ALTER TABLE %s ALTER COLUMN %s DROP DEFAULT'):format(one.quoted, name))
    end
    db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(one.quoted, name, old))
    db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(one.quoted, shadow, name))
    take_names(db, one, one.to_new)
    views.make(db, one.found.views)
    -- A key whose own type has changed is noted in its new type.
    db:exec('DROP TABLE ' .. one.refused)
    db:exec(one:refused_sql())
    for _, text in ipairs(one:follow_sql(one.to_old)) do db:exec(text) end
    exchange.note(db, one, exchange.seen(db, one, one.to_old))
    one:mark(db, 'swap')
    unchanged.swapped(db, one)
  end)
end

--- The old column takes its place again, and the new one goes.
---@param db lugger.migration_db
---@param one lugger.column_job
function exchange.back(db, one)
  local name = sql.name(one.column)
  db:transaction(function()
    begin(db, one, one.to_old, ('were written meanwhile and do not become %s again'):format(one.found.type), again)
    db:exec('DROP TABLE ' .. one.refused)
    db:exec(('ALTER TABLE %s DROP COLUMN %s'):format(one.quoted, name))
    db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(one.quoted, sql.name(one.old), name))
    take_names(db, one, one.to_old)
    views.make(db, one.found.views)
    one:mark(db, 'back')
  end)
end

return exchange
