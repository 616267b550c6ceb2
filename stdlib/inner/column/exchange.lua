-- The short transaction in which one column takes the place of the other, in both directions. It reads nothing that
-- takes time while it holds its lock.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local notes = require 'lugger.inner.column.notes'
local terminal = require 'lugger.inner.view.terminal'
local types = require 'lugger.inner.column.types'
local unchanged = require 'lugger.inner.column.unchanged'
local views = require 'lugger.inner.column.views'
local sql = native.sql

local exchange = {}

-- Rows' BEFORE triggers that fire behind the one that converts. Those of another change leave this column alone.
local later_sql = [[SELECT t.tgname::text AS name FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    JOIN pg_class c ON c.oid = t.tgrelid
  WHERE t.tgrelid = pg_catalog.to_regclass($1) AND NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 3 = 3
    AND t.tgtype & 20 <> 0 AND t.tgname::text COLLATE "C" > $2 COLLATE "C"
    AND p.proname <> pg_catalog.concat(c.relname, '_', t.tgname) ORDER BY 1]]

local function refuse_later(db, one, to)
  if db.executor.only_records then return end
  local row = db:query(later_sql, one.quoted, to.trigger)[1]
  if not row then return end
  config.raise(('the trigger %s of %s fires behind %s, which converts: what it makes of %s would not be seen'):format(
    terminal.printable(row.name), one.table, to.trigger, one.column),
    ('triggers fire in the order of their names: ALTER TRIGGER %s ON %s RENAME TO a name that begins with a letter')
      :format(sql.name(row.name), one.quoted) .. '; then --step compare, where the change has begun')
end

--- Raises for a trigger that would change the column behind the one that converts.
---@param db lugger.migration_db
---@param one lugger.column_job
function exchange.refuse_later(db, one)
  refuse_later(db, one, one.to_new)
end

-- Whoever disables a trigger, or enables it, writes its row in the catalog anew. Those of the application belong to it:
-- while one fired behind it, rows were changed unseen. A change of a column's type gives the table another file, and
-- fires none.
local trigger_sql = [[SELECT tgenabled::text AS enabled,
    (SELECT pg_catalog.string_agg(pg_catalog.concat(w.oid, ':', w.xmin), ' ' ORDER BY w.oid) FROM pg_trigger w
      WHERE w.tgrelid = g.tgrelid AND NOT w.tgisinternal AND w.tgtype & 3 = 3) AS written,
    pg_catalog.pg_relation_filenode(tgrelid)::text AS file,
    pg_catalog.obj_description(pg_catalog.to_regclass($3), 'pg_class') AS noted
  FROM pg_trigger AS g WHERE tgrelid = pg_catalog.to_regclass($1) AND tgname = $2 AND NOT tgisinternal]]

-- Without its trigger nobody can tell whether the columns are still in step.
local function check_trigger(db, one, to)
  if db.executor.only_records then return end
  local row = db:query(trigger_sql, one.quoted, to.trigger, one.refused)[1]
  if not row or row.enabled ~= 'A' then
    config.raise(('the trigger %s of %s is %s: what was written meanwhile was not converted'):format(to.trigger,
      one.table, not row and 'gone' or row.enabled == 'D' and 'disabled' or 'not ENABLE ALWAYS'),
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
  config.raise(('the trigger %s of %s was off for a while since %s, or others of the table changed'):format(to.trigger,
    one.table, since), hint)
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

local function comment_constraint(db, one, name, text)
  if not text then return end
  db:exec(('COMMENT ON CONSTRAINT %s ON %s IS %s'):format(sql.name(name), one.quoted, sql.literal(text)))
end

local named_sql = [[SELECT k.conname FROM pg_constraint k JOIN pg_attribute a ON a.attrelid = k.conrelid
    AND k.conkey = ARRAY[a.attnum]
  WHERE k.contype = 'n' AND a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2]]

-- From version 18 on NOT NULL has a name.
local function name_not_null(db, one)
  local wanted = one.found.not_null_name
  if not wanted or db.executor.only_records then return end
  local name = db:value(named_sql, one.quoted, one.column)
  if not name or name == wanted then return end
  db:exec(('ALTER TABLE %s RENAME CONSTRAINT %s TO %s'):format(one.quoted, sql.name(name), sql.name(wanted)))
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
    if index.clustered then db:exec(('ALTER TABLE %s CLUSTER ON %s'):format(one.quoted, sql.name(index.name))) end
    comment_constraint(db, one, index.name, index.constraint_comment)
    if index.comment then db:exec(('COMMENT ON INDEX %s IS %s'):format(quoted, sql.literal(index.comment))) end
  end
  for _, constraint in ipairs(found.constraints) do
    db:exec(('ALTER TABLE %s RENAME CONSTRAINT %s TO %s'):format(one.quoted, sql.name(constraint.name .. to.suffix),
      sql.name(constraint.name)))
    comment_constraint(db, one, constraint.name, constraint.comment)
  end
  name_not_null(db, one)
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

local timeout_sql = "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'lock_timeout'"

local function wait_for_locks(db, milliseconds)
  db:query("SELECT pg_catalog.set_config('lock_timeout', $1, true)", milliseconds)
end

-- Whoever reads a view locks it first, and behind it what it is made of: so does this. Others may take them in another
-- order; of two that wait for each other this one gives way, before the server ends the other for the deadlock.
local function lock(db, one, patience)
  local function hold(text)
    db:exec(text)
    if patience == 0 or patience > 500 then wait_for_locks(db, '500') end
  end
  local list = one.found.views
  for i = #list, 1, -1 do hold('DROP VIEW ' .. list[i].name) end
  hold(('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE'):format(one.quoted))
end

--- One transaction that takes locks on several tables, and gives way for each.
---@param db lugger.migration_db
---@param work fun()
function exchange.briefly(db, work)
  db:transaction(function()
    local patience = db:value(timeout_sql)
    wait_for_locks(db, '500')
    work()
    wait_for_locks(db, patience or '0')
  end)
end

--- One transaction in which nobody reads or writes the table. Its views are dropped, and made again behind the work.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param work fun()
---@param behind fun()|nil what is done when all is there
function exchange.alone(db, one, work, behind)
  db:transaction(function()
    local patience = db:value(timeout_sql)
    lock(db, one, tonumber(patience) or 0)
    work()
    views.make(db, one.found.views)
    if behind then behind() end
    -- Not to look like a setting of the session, which a pooler would lose.
    wait_for_locks(db, patience or '0')
  end)
end

-- The row of pg_attribute keeps its grants, so the old column keeps its own for the way back.
local function begin(db, one, to, what, hint)
  refuse_later(db, one, to)
  unchanged.check(db, one, to, true)
  check_compared(db, one, to)
  notes.within(db, one, to)
  notes.refuse(db, one, what, hint)
  for _, text in ipairs(one:leave_sql(to)) do db:exec(text) end
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
  exchange.alone(db, one, function()
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
    if not one:is_one_way() then
      for _, text in ipairs(one:follow_sql(one.to_old)) do db:exec(text) end
      exchange.note(db, one, exchange.seen(db, one, one.to_old))
    end
    one:mark(db, 'swap')
  end, function() unchanged.swapped(db, one) end)
end

--- The old column takes its place again, and the new one goes.
---@param db lugger.migration_db
---@param one lugger.column_job
function exchange.back(db, one)
  local name = sql.name(one.column)
  exchange.alone(db, one, function()
    begin(db, one, one.to_old, ('were written meanwhile and do not become %s again'):format(one.found.type), again)
    db:exec('DROP TABLE ' .. one.refused)
    db:exec(('ALTER TABLE %s DROP COLUMN %s'):format(one.quoted, name))
    db:exec(('ALTER TABLE %s RENAME COLUMN %s TO %s'):format(one.quoted, sql.name(one.old), name))
    take_names(db, one, one.to_old)
    one:mark(db, 'back')
  end)
end

return exchange
