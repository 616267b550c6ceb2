-- The steps of a change of a column's type: add, backfill, compare, index, swap, and then drop or back. Each leaves the
-- table usable, and the mark that it is done commits with what it did.
local config = require 'lugger.inner.cli.config'
local exchange = require 'lugger.inner.column.exchange'
local extensions = require 'lugger.inner.column.extensions'
local health = require 'lugger.inner.column.health'
local job = require 'lugger.inner.column.job'
local names = require 'lugger.inner.column.names'
local native = require 'lugger.native'
local notes = require 'lugger.inner.column.notes'
local opclasses = require 'lugger.inner.column.opclasses'
local trial = require 'lugger.inner.column.trial'
local types = require 'lugger.inner.column.types'
local sql = native.sql

local steps = {}

--- The steps in their order; behind "swap" comes one of the last two.
steps.order = { 'add', 'backfill', 'compare', 'index', 'swap', 'drop', 'back' }

local storage_words = { p = 'PLAIN', e = 'EXTERNAL', m = 'MAIN', x = 'EXTENDED' } ---@type table<string, string>

-- What was set for the old column and is not part of its type.
local function carry_settings(db, one)
  local found = one.found
  local alter = ('ALTER TABLE %s ALTER COLUMN %s SET '):format(one.quoted, sql.name(one.shadow))
  if found.storage ~= found.usual_storage and found.to.storage ~= 'p' then
    db:exec(alter .. 'STORAGE ' .. storage_words[found.storage])
  end
  if found.target and found.target >= 0 then db:exec(('%sSTATISTICS %d'):format(alter, found.target)) end
  if found.options then db:exec(('%s(%s)'):format(alter, found.options)) end
end

--- Adds the column and the trigger that fills it in every write from now on.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.add(db, one)
  db:transaction(function()
    exchange.refuse_later(db, one)
    trial.around(db, one, function()
      db:exec(('ALTER TABLE %s ADD COLUMN %s %s'):format(one.quoted, sql.name(one.shadow), one.found.to.spelled))
      carry_settings(db, one)
      db:exec(notes.make_sql(one))
      for _, text in ipairs(one:follow_sql(one.to_new)) do db:exec(text) end
    end)
    one:mark(db, 'add')
  end)
end

local function batches(db, one)
  local options = one.options
  return db:batches { table = one.table, key = one.key, batch_rows = options.batch_rows, pause_ms = options.pause_ms,
    between = options.throttle and health.waiter(db, options.throttle) }
end

--- Fills the rows that were there before, in batches by key. The trigger converts: one place decides what a value
--- becomes, and a value that cannot be converted is noted and stops nothing.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.backfill(db, one)
  local shadow = sql.name(one.shadow)
  local where = shadow .. ' IS NULL'
  if not one.using then where = ('%s AND %s IS NOT NULL'):format(where, sql.name(one.column)) end
  for batch in batches(db, one) do
    -- Shorter than the usual deadlock_timeout: of two that wait for each other, this one gives way.
    db:exec "SET LOCAL lock_timeout = '500ms'"
    notes.quietly(db, one)
    db:exec(('%s WHERE %s AND %s'):format(notes.touch_sql(one, one.to_new), where, batch.condition))
  end
end

-- What the rows of a batch must have, and have not.
local function differing(one, to)
  local found = one.found
  local source, kept = one.column, one.shadow
  if not to.forth then source, kept = one.old, one.column end
  local value = ('CAST(%s AS %s)'):format(one:forth(source), found.to.spelled)
  local differs = ('%s IS DISTINCT FROM %s'):format(types.image(found.to, sql.name(kept)), types.image(found.to, value))
  if one.using then return differs end
  -- A value that cannot be converted must not end the comparison.
  return ('CASE WHEN %s IS NULL THEN %s IS NOT NULL ELSE %s END'):format(sql.name(kept), sql.name(source), differs)
end

local function note_differences(db, one, to, why)
  local select = ('INSERT INTO %s ("key", error) SELECT %s, %s FROM %s AS "row" WHERE '):format(one.refused,
    notes.key_sql(one, '"row"'), sql.literal(why), one.quoted)
  local condition, fixed = differing(one, to), one:fixed 'SET LOCAL %s = %s;'
  for batch in batches(db, one) do
    db:exec(fixed)
    db:exec(('%s%s AND %s'):format(select, batch.condition, condition))
  end
end

-- Within a step, because behind the last one the notes are gone: a function that is played again must not ask for them.
local function refuse(db, one, what, hint)
  db:transaction(function() notes.refuse(db, one, what, hint) end)
end

local function try_again(db, one, to, what, hint)
  db:remember('the rows that were refused, once more', function()
    notes.again(db, one, to)
    return true
  end)
  refuse(db, one, what, hint)
end

local function do_not_become(one)
  return 'do not become ' .. one.type
end

local mend = 'correct or delete these rows, then run the same command again: it goes on here'

--- Compares every element of every row, to the last bit, with what the conversion gives now.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.compare(db, one)
  db.executor:or_undo(function()
    try_again(db, one, one.to_new, do_not_become(one), mend)
    db:transaction(function() exchange.note_trigger(db, one) end)
    note_differences(db, one, one.to_new, 'it differs from what the conversion gives')
    refuse(db, one, do_not_become(one), mend .. '; what differs is converted again')
  end, {})
end

--- The statement that builds an index on the column that comes.
---@param one lugger.column_job
---@param index table
---@param to { hidden: string, suffix: string, forth: boolean }
---@return string
function steps.index_sql(one, index, to)
  local head, tail = index.definition:match('^(CREATE U?N?I?Q?U?E? ?INDEX) .- (ON .*)$')
  -- The name is not included in the replacement, because it may be equal to the column's.
  tail = names.indexed(tail, one.column, to.hidden)
  if to.forth then tail = opclasses.definition(tail, index, index.class, to.hidden) end
  return ('%s CONCURRENTLY %s %s'):format(head, sql.name(index.name .. to.suffix), tail)
end

--- The statements that build the indexes on the new column, in both steps that do so.
---@param one lugger.column_job
---@return string[]
function steps.index_statements(one)
  local out = {}
  for i, index in ipairs(one.found.indexes) do out[i] = steps.index_sql(one, index, one.to_new) end
  return out
end

local function trial_sql(one, like)
  local out, facts, hidden = {}, one.found, sql.name(one.shadow)
  local function add(text, ...) out[#out + 1] = text:format(...) end
  add('CREATE TABLE %s (LIKE %s)', like, one.quoted)
  add('ALTER TABLE %s ADD COLUMN %s %s', like, hidden, facts.to.spelled)
  if facts.default then
    add('ALTER TABLE %s ALTER COLUMN %s SET DEFAULT %s', like, hidden, exchange.default_of(one, one.to_new))
  end
  for _, text in ipairs(steps.index_statements(one)) do
    out[#out + 1] = text:gsub(' CONCURRENTLY ', ' ', 1):gsub(' ON .- USING ', function()
      return ' ON ' .. like .. ' USING '
    end, 1)
  end
  for _, constraint in ipairs(facts.constraints) do
    -- A foreign key would lock the other table.
    if constraint.type == 'c' then
      add('ALTER TABLE %s ADD %s', like, names.replaced(constraint.definition, one.column, one.shadow))
    end
  end
  return out
end

-- The expressions that were given, typed, on a table of this shape.
local function try_expressions(connection, one, like)
  local facts = one.found
  local function try(flag, expression, wanted)
    local ok, err = pcall(connection.query, connection, ('SELECT CAST(%s AS %s) FROM %s AS "row"'):format(expression,
      wanted, like))
    if ok then return end
    if type(err) ~= 'table' or err.code == 'connect' then error(err, 0) end
    config.raise(('--%s %s does not give a %s: %s'):format(flag, one[flag], wanted, err.message))
  end
  if one.using then try('using', one:forth(one.column), facts.to.spelled) end
  if not one.back then return end
  local rename = 'ALTER TABLE %s RENAME COLUMN %s TO %s'
  connection:query(rename:format(like, sql.name(one.column), sql.name(one.old)))
  connection:query(rename:format(like, sql.name(one.shadow), sql.name(one.column)))
  try('back', one:reverse(), facts.type)
end

--- Raises when what goes along cannot be made on the new type: tried on an empty table of the same shape, and rolled
--- back.
---@param connection lugger.migrate.connection
---@param one lugger.column_job
function steps.try(connection, one)
  if connection:in_transaction() then return end
  local like = ('%s.lugger_like_%s'):format(one.found.schema, one.found.oid)
  local ok, err = pcall(function()
    connection:begin()
    for _, text in ipairs(trial_sql(one, like)) do connection:query(text) end
  end)
  local tried, why = true, nil ---@type boolean, any
  if ok then tried, why = pcall(try_expressions, connection, one, like) end
  connection:rollback()
  if not tried then error(why, 0) end
  if ok then return end
  if type(err) ~= 'table' or err.code == 'connect' then error(err, 0) end
  config.raise(('what goes along with %s.%s cannot be made for %s: %s'):format(one.table, one.column, one.type,
    err.message), 'drop it first, and make what you want in its place afterwards')
end

--- Builds the indexes while others read and write. A unique one may refuse a write, so it is left to the swap.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.index(db, one)
  for _, index in ipairs(one.found.indexes) do
    if not index.unique then
      db:exec(steps.index_sql(one, index, one.to_new))
      extensions.wait(db, one, index, index.name .. '__new')
      extensions.prove(db, one, index, index.name .. '__new')
    end
  end
  db:exec(('ANALYZE %s (%s)'):format(one.quoted, sql.name(one.shadow)))
end

-- The unique indexes and the constraints of the column that comes. From here on they may refuse a write; when the
-- exchange fails they are dropped, and made again when it is resumed.
local function constrain(db, one, to)
  local found, hidden = one.found, sql.name(to.hidden)
  for _, index in ipairs(found.indexes) do
    if index.unique then db:exec(steps.index_sql(one, index, to)) end
  end
  for _, constraint in ipairs(found.constraints) do
    local name = sql.name(constraint.name .. to.suffix)
    local definition = names.constrained(constraint.definition:gsub(' NOT VALID$', ''), one.column, to.hidden)
    local enforced = not definition:match ' NOT ENFORCED$'
    exchange.briefly(db, function()
      db:exec(('ALTER TABLE %s ADD CONSTRAINT %s %s%s'):format(one.quoted, name, definition, enforced and ' NOT VALID'
        or ''))
    end)
    if enforced and not constraint.definition:match ' NOT VALID$' then
      db:exec(('ALTER TABLE %s VALIDATE CONSTRAINT %s'):format(one.quoted, name))
    end
  end
  if found.not_null and not found.unproven then
    db:exec(('ALTER TABLE %s ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID'):format(one.quoted,
      sql.name(to.not_null), hidden))
    db:exec(('ALTER TABLE %s VALIDATE CONSTRAINT %s'):format(one.quoted, sql.name(to.not_null)))
  end
end

local function undo_of(one, to)
  local undo = {}
  local function drop(name)
    undo[#undo + 1] = ('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s'):format(one.quoted, sql.name(name))
  end
  for _, constraint in ipairs(one.found.constraints) do drop(constraint.name .. to.suffix) end
  drop(to.not_null)
  for _, index in ipairs(one.found.indexes) do
    if index.unique then
      undo[#undo + 1] = ('DROP INDEX IF EXISTS %s.%s'):format(one.found.schema, sql.name(index.name .. to.suffix))
    end
  end
  return undo
end

-- True as long as the exchange is not done. Of this change: a later one of the column has another entry.
local function waiting_sql(db, one, to)
  local ex = db.executor
  local open = ex.known and job.open(ex.run.ledger, one.quoted, one.column)
  if not open then return nil end
  return ("EXISTS (SELECT FROM %s.column_changes WHERE entry = %s AND finished_at IS NULL AND phase %s 'swap')"):format(
    ex.run.ledger.schema, open.entry, to.forth and '<>' or '=')
end

--- Puts the new column in the place of the old one, which a trigger keeps current until it is dropped.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.swap(db, one)
  db.executor:or_undo(function()
    try_again(db, one, one.to_new, do_not_become(one), mend)
    constrain(db, one, one.to_new)
    exchange.swap(db, one)
  end, undo_of(one, one.to_new), waiting_sql(db, one, one.to_new))
end

--- Drops the old column, and with it the way back.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.drop(db, one)
  db:transaction(function()
    if not one:is_one_way() then
      for _, text in ipairs(one:leave_sql(one.to_old)) do db:exec(text) end
    end
    db:exec('DROP TABLE IF EXISTS ' .. one.refused)
    db:exec(('ALTER TABLE %s DROP COLUMN %s'):format(one.quoted, sql.name(one.old)))
    one:mark(db, 'drop')
  end)
  if not db.executor.only_records then extensions.farewell(db, one) end
end

-- Before the swap nothing but what was added goes, whatever somebody has dropped of it.
local function take_away(db, one)
  db:transaction(function()
    for _, text in ipairs(one:leave_sql(one.to_new)) do db:exec(text) end
    db:exec('DROP TABLE IF EXISTS ' .. one.refused)
    db:exec(('ALTER TABLE %s DROP COLUMN IF EXISTS %s'):format(one.quoted, sql.name(one.shadow)))
    one:mark(db, 'back')
  end)
end

--- The old column takes its place again, with all that was written since.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param phase string the last step that is done
---@param accept_loss boolean|nil values that the old type does not hold exactly are no reason to stop
function steps.back(db, one, phase, accept_loss)
  if phase == 'begun' then return db:transaction(function() one:mark(db, 'back') end) end
  if phase ~= 'swap' then return take_away(db, one) end
  local what = 'do not become ' .. one.found.type .. ' again'
  db.executor:or_undo(function()
    try_again(db, one, one.to_old, what, mend)
    if not accept_loss then
      local seen = db:remember('the trigger', function() return exchange.seen(db, one, one.to_old) end)
      note_differences(db, one, one.to_old, 'the old type does not hold it exactly')
      refuse(db, one, what, mend .. '; with --accept-loss the old column has the nearest value')
      db:transaction(function() exchange.note(db, one, seen) end)
    end
    constrain(db, one, one.to_old)
    exchange.back(db, one)
  end, undo_of(one, one.to_old), waiting_sql(db, one, one.to_old))
end

--- Whether the old column's indexes are all there, for going back.
---@param db lugger.migration_db
---@param one lugger.column_job
function steps.check_kept(db, one)
  for _, index in ipairs(one.found.indexes) do
    local name = ('%s.%s'):format(one.found.schema, sql.name(index.name .. '__old'))
    if not index.unique and not db:value('SELECT pg_catalog.to_regclass($1) IS NOT NULL', name) then
      config.raise(('the index %s is gone'):format(name), 'build it again under this name first: '
        .. steps.index_sql(one, index, one.to_old))
    end
  end
end

return steps
