-- The rows whose value was refused: a table with their keys, as text, and the server's words. Of any type: that of a
-- key may change while the trigger writes to it.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local terminal = require 'lugger.inner.view.terminal'
local sql = native.sql
local concat = table.concat

local notes = {}

--- The statements that make the table. A publication of all tables would let nobody delete from one without an
--- identity; a hash takes keys of any length.
---@param one lugger.column_job
---@return string
function notes.make_sql(one)
  return (('CREATE TABLE %s (number pg_catalog.int8 GENERATED ALWAYS AS IDENTITY, "key" pg_catalog.text[], '
    .. 'error pg_catalog.text); ALTER TABLE %s REPLICA IDENTITY FULL; CREATE INDEX ON %s USING hash ("key")'):format(
    one.refused, one.refused, one.refused))
end

--- The key of a row as it is noted.
---@param one lugger.column_job
---@param row string SQL
---@return string SQL
function notes.key_sql(one, row)
  local out = {}
  for i, name in ipairs(one.key) do out[i] = ('%s.%s::pg_catalog.text'):format(row, sql.name(name)) end
  return 'ARRAY[' .. concat(out, ', ') .. ']'
end

local function parts_sql(one)
  local out = {}
  for i in ipairs(one.key) do out[i] = ('"key"[%d]'):format(i) end
  return concat(out, ', ')
end

--- Until the transaction ends the application's triggers do not fire: what they do for a write of its own (a time of
--- change, a history) must not happen because a column is filled. The trigger that converts fires always.
---@param db lugger.migration_db
---@param one lugger.column_job
function notes.quietly(db, one)
  if one.found.quiet then db.connection:query 'SET LOCAL session_replication_role = replica' end
end

--- An UPDATE that changes nothing by itself: the trigger converts.
---@param one lugger.column_job
---@param to lugger.column_way
---@return string
function notes.touch_sql(one, to)
  local hidden = sql.name(to.hidden)
  return ('UPDATE %s AS t SET %s = t.%s'):format(one.quoted, hidden, hidden)
end

local between = 'number > $1::pg_catalog.int8 AND number <= $2::pg_catalog.int8'

local function keys_sql(one, rows)
  local keys, names = {}, {}
  for i, name in ipairs(one.key) do names[i] = sql.name(name) end
  for i, row in ipairs(rows) do
    local values = {}
    for k in ipairs(names) do values[k] = sql.literal(row[k + 1]) end
    keys[i] = '(' .. concat(values, ', ') .. ')'
  end
  return ('(%s) IN (%s)'):format(concat(names, ', '), concat(keys, ', '))
end

-- A key of the time when its type was another may be none of this type: then the texts are compared, of every row.
local function touch_keys(connection, one, to, rows, after, reached)
  connection:query 'SAVEPOINT lugger_notes'
  local update = notes.touch_sql(one, to)
  local ok, err = pcall(connection.query, connection, update .. ' WHERE ' .. keys_sql(one, rows))
  if not ok then
    if retry.sqlstate(err):sub(1, 2) ~= '22' then error(err, 0) end
    connection:query 'ROLLBACK TO SAVEPOINT lugger_notes'
    connection:query(('%s WHERE %s = ANY (SELECT "key" FROM %s WHERE %s)'):format(update, notes.key_sql(one, 't'),
      one.refused, between), { after, reached })
  end
  connection:query 'RELEASE SAVEPOINT lugger_notes'
end

-- Some of the rows that are noted, once more; what is refused again is noted anew, behind `last`. The notes go last,
-- because the trigger asks for them.
---@return string|nil the number of the last one
local function touch(connection, one, to, after, last, most)
  local rows = connection:query(('SELECT number, %s FROM %s WHERE %s ORDER BY number LIMIT %d'):format(parts_sql(one),
    one.refused, between, most), { after, last }).rows
  if #rows == 0 then return nil end
  local reached = rows[#rows][1]
  touch_keys(connection, one, to, rows, after, reached)
  connection:query(('DELETE FROM %s WHERE %s'):format(one.refused, between), { after, reached })
  return reached
end

local function pass(db, one, to, each)
  local connection = db.connection
  local last = connection:query('SELECT pg_catalog.max(number) FROM ' .. one.refused).rows[1][1]
  local after = last ~= native.null and '0' or nil
  while after do
    local from = after
    after = each(function() return touch(connection, one, to, from, last, one.options.batch_rows or 1000) end)
  end
end

-- In a transaction of its own. It waits for a row for a shorter time than the usual deadlock_timeout: of two that wait
-- for each other, this one gives way.
local function alone(db, one, work)
  local connection, run = db.connection, db.executor.run
  local spec = { tries = run.options.tries, tell = run.say, recover = function() connection:rollback() end,
    about = function() return run:blockers { one.quoted } end }
  return (retry.run(spec, function()
    connection:begin()
    local patience = connection:query("SELECT pg_catalog.current_setting('lock_timeout')").rows[1][1]
    connection:query "SET LOCAL lock_timeout = '500ms'"
    notes.quietly(db, one)
    local reached = work()
    -- Not to look like settings of the session, which a pooler would lose.
    if one.found.quiet then connection:query 'SET LOCAL session_replication_role TO DEFAULT' end
    connection:query("SELECT pg_catalog.set_config('lock_timeout', $1, true)", { patience })
    run:fence()
    connection:commit()
    return reached
  end))
end

--- Tries the rows that were refused once more, in batches that commit.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param to lugger.column_way
function notes.again(db, one, to)
  if db.executor.only_records then return end
  if db.connection:in_transaction() then return notes.within(db, one, to) end
  pass(db, one, to, function(work) return alone(db, one, work) end)
end

--- The same in the open transaction.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param to lugger.column_way
function notes.within(db, one, to)
  if db.executor.only_records then return end
  notes.quietly(db, one)
  pass(db, one, to, function(work) return work() end)
  if one.found.quiet then db.connection:query 'SET LOCAL session_replication_role TO DEFAULT' end
end

--- The rows that are refused now, as lines.
---@param db lugger.migration_db
---@param one lugger.column_job
---@return integer count
---@return string[] lines the first ones
function notes.lines(db, one)
  local rows = db.connection:query(([[SELECT (pg_catalog.count(*) OVER ())::text, pg_catalog.min(error), %s FROM %s
    GROUP BY "key" ORDER BY pg_catalog.min(number) LIMIT 10]]):format(parts_sql(one), one.refused)).rows
  local lines = {}
  for i, row in ipairs(rows) do
    local parts = {}
    for k, name in ipairs(one.key) do parts[k] = name .. ' = ' .. row[k + 2] end
    lines[i] = ('%s: %s'):format(terminal.printable(concat(parts, ', ')), terminal.printable(row[2]))
  end
  return rows[1] and tonumber(rows[1][1]) --[[@as integer]] or 0, lines
end

--- Raises while a row is refused, with keys and reasons.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param what string "do not become bigint"
---@param hint string
function notes.refuse(db, one, what, hint)
  if db.executor.only_records then return end
  local count, lines = notes.lines(db, one)
  if count == 0 then return end
  if count > #lines then lines[#lines + 1] = ('... all of them: SELECT * FROM %s'):format(one.refused) end
  config.raise(('%s of %s.%s %s:\n  %s'):format(terminal.count(count, 'row'), one.table, one.column, what,
    concat(lines, '\n  ')), hint)
end

return notes
