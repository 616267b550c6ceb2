-- Whether the application's triggers bear a column more: one row is written as it is, before and behind the change of
-- the table, and each time rolled back. `INSERT INTO history SELECT NEW.*` does not bear it.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local sql = native.sql
local concat = table.concat

local trial = {}

local triggers_sql = [[SELECT EXISTS (SELECT FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgrelid = pg_catalog.to_regclass($1) AND NOT t.tgisinternal
    AND t.tgenabled IN ('O', 'A') AND p.proname <> pg_catalog.concat(c.relname, '_', t.tgname))]]

local columns_sql = [[SELECT attname, attidentity FROM pg_attribute WHERE attrelid = pg_catalog.to_regclass($1)
  AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum]]

local function columns_of(connection, one)
  local names, free = {}, nil ---@type string[], string?
  for i, row in ipairs(connection:query(columns_sql, { one.quoted }).rows) do
    names[i] = sql.name(row[1])
    if row[2] ~= 'a' then free = free or names[i] end
  end
  return concat(names, ', '), free
end

local some = [[SELECT ctid::text FROM %s LIMIT 1]]

-- What writes a row as it is, by kind. A row is inserted again where it was deleted, which no trigger has seen.
local function statements(connection, one, place)
  local list, free = columns_of(connection, one)
  local here = ('WHERE ctid = %s'):format(sql.literal(place))
  local out = {}
  if free then out.UPDATE = { ('UPDATE %s SET %s = %s %s'):format(one.quoted, free, free, here) } end
  if one.found.quiet then
    out.INSERT = {
      ('CREATE TEMPORARY TABLE lugger_row ON COMMIT DROP AS SELECT %s FROM %s %s'):format(list, one.quoted, here),
      'SET LOCAL session_replication_role = replica', ('DELETE FROM %s %s'):format(one.quoted, here),
      'SET LOCAL session_replication_role = origin',
      ('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pg_temp.lugger_row'):format(one.quoted, list, list) }
  end
  return out
end

-- What the server says to each kind of write; the session waits for no lock of others for long.
local function said(connection, one)
  local row = connection:query(some:format(one.quoted)).rows[1]
  local out = {}
  for kind, list in pairs(row and statements(connection, one, row[1]) or {}) do
    connection:query "SAVEPOINT lugger_trial; SET LOCAL lock_timeout = '500ms'"
    local ok, err = pcall(function()
      for _, text in ipairs(list) do connection:query(text) end
      connection:query 'SET CONSTRAINTS ALL IMMEDIATE'
    end) ---@type boolean, any
    if not connection:in_transaction() then error(err, 0) end
    connection:query 'ROLLBACK TO SAVEPOINT lugger_trial; RELEASE SAVEPOINT lugger_trial'
    if not ok then
      if type(err) ~= 'table' or retry.is_lock(err) then error(err, 0) end
      out[kind] = err.message
    end
  end
  return out
end

--- Does work that adds a column; raises when a row that could be written before cannot be written behind it.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param work fun()
function trial.around(db, one, work)
  local connection = db.connection
  if db.executor.only_records or not db:value(triggers_sql, one.quoted) then return work() end
  -- Before any other lock on it, because a stronger one follows.
  db:exec(('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE'):format(one.quoted))
  local before = said(connection, one)
  work()
  local behind = said(connection, one)
  for _, kind in ipairs { 'INSERT', 'UPDATE' } do
    if behind[kind] and not before[kind] then
      config.raise(('with a column more %s of %s fails: %s'):format(kind, one.table, behind[kind]),
        'a trigger copies whole rows (SELECT NEW.*): let it name its columns first; nothing is changed')
    end
  end
end

return trial
