-- Work whose steps are taken back when it fails: by this process, or by the server when this process is gone.
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local sql = native.sql

local undoing = {}

-- What has been made may refuse the application's writes, so it must not outlive a process that was killed. A session
-- of the server waits until nobody has the lease of the migrations, and takes it away then. It asks every half second,
-- in a new transaction, so that a build of an index, which waits for older snapshots, does not wait for this one.
local watch_sql = [[
#variable_conflict use_column
BEGIN
  PERFORM pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings
    WHERE name = 'client_connection_check_interval';
  LOOP
    COMMIT;
    PERFORM pg_catalog.pg_sleep(0.5);
    COMMIT;
    EXIT WHEN NOT (%s);
    BEGIN
      PERFORM pg_catalog.set_config('lock_timeout', '500ms', true);
      IF pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(%s, 0)) AND NOT EXISTS (SELECT
        FROM %s.leases WHERE job = %s AND expires_at > pg_catalog.clock_timestamp()) AND (%s) THEN
%s
        UPDATE %s.%s SET state = 'failed', note = NULL, error = 'rolled back by the server: the process was gone'
          WHERE entry = %s AND state = 'done' AND pg_catalog.split_part(step, '.', 1) = '%d'
            AND nullif(pg_catalog.split_part(step, '.', 2), '')::int > %d;
        EXIT;
      END IF;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      NULL;
    END;
  END LOOP;
END]]

-- The server notices that the other end of a session is gone while it works for it.
local notice_sql = [[SELECT pg_catalog.set_config(name, '1s', false) FROM pg_catalog.pg_settings
  WHERE name = 'client_connection_check_interval']]

local function watch(ex, first, undo, needed)
  local run = ex.run
  if not run.main.pooled then run.main:query(notice_sql) end
  local lines, ledger, job = {}, run.ledger, run.lock_name
  for i, text in ipairs(undo) do lines[i] = ('        EXECUTE %s;'):format(sql.literal(text)) end
  local body = watch_sql:format(needed, sql.literal(('lugger %s %s'):format(ledger.schema, job)), ledger.schema,
    sql.literal(job), needed, table.concat(lines, '\n'), ledger.schema, ledger.steps_table, ex.entry, ex.part, first)
  local session = native.pg(run.main.place, 'migrate undo', run.main.pooled)
  session:leave('DO ' .. sql.literal(body))
  return session
end

local function revert_once(ex, undone, undo)
  local main = ex.run.main
  main:begin()
  local patience = main:query("SELECT pg_catalog.current_setting('lock_timeout')").rows[1][1]
  main:query "SET LOCAL lock_timeout = '500ms'"
  for _, text in ipairs(undo) do main:query(text) end
  for _, step in ipairs(undone) do ex.run.ledger:write_step(ex.entry, step) end
  ex.run:fence()
  main:query("SELECT pg_catalog.set_config('lock_timeout', $1, true)", { patience })
  main:commit()
end

-- Reverts the steps in one transaction with the record that they must be done again. It waits for a lock for a shorter
-- time than the usual deadlock_timeout: of two that wait for each other, this one gives way.
local function revert(ex, first, undo)
  local main, undone = ex.run.main, {}
  main:rollback()
  ex.inner = false
  for number = first + 1, ex.counter do
    local known = ex.known[('%d.%d'):format(ex.part, number)]
    if known and known.state == 'done' then
      undone[#undone + 1] = { step = known.step, statement = known.statement, digest = known.digest, state = 'failed',
        error = 'rolled back, since a later step failed' }
    end
  end
  retry.run({ tries = ex.run.options.tries, tell = ex.run.say, recover = function() main:rollback() end }, function()
    revert_once(ex, undone, undo)
  end)
  for _, step in ipairs(undone) do ex.known[step.step] = step end
end

--- Does work; when it fails, or the process is killed, what its steps made is reverted.
---@param ex lugger.migrate.steps
---@param work fun()
---@param undo string[] SQL
---@param needed string|nil SQL: true until the work is done for good; nil: a process that is gone reverts nothing
function undoing.run(ex, work, undo, needed)
  local first = ex.counter
  -- Nobody else has a rehearsal's copy, and it has no lease.
  local session = needed and ex.run.lease and watch(ex, first, undo, needed)
  local ok, err = pcall(work)
  local undone, why = true, nil ---@type boolean, any
  if not ok then undone, why = pcall(revert, ex, first, undo) end
  if session and undone then
    session:cancel()
    session:close()
  end
  if ok then return end
  if not undone then ex:say('what this step had made is still there: ', tostring(why)) end
  error(err, 0)
end

return undoing
