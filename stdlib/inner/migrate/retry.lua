-- Retries after locks that were not granted in time, deadlocks, and lost connections. At that point nothing was
-- committed.
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local retry = {}

-- Two processes that wait for the same lock must not retry at the same instant.
math.randomseed(system.pid() * 1000 + os.time() % 1000)

local lock_states = { ['55P03'] = true, ['40P01'] = true, ['40001'] = true }

--- The error's SQLSTATE, or "".
---@param err any
---@return string
function retry.sqlstate(err)
  return type(err) == 'table' and err.sqlstate or ''
end

--- True for lock timeouts, deadlocks and serialization failures.
---@param err any
---@return boolean
function retry.is_lock(err)
  return lock_states[retry.sqlstate(err)] == true
end

--- True when the connection was lost.
---@param err any
---@return boolean
function retry.is_lost(err)
  return type(err) == 'table' and err.code == 'connect'
end

--- Raises "interrupted" when a signal requested a stop.
function retry.check_stop()
  if system.stop_level() > 0 then error(native.error('interrupted', 'stopped'), 0) end
end

local function wait(seconds)
  local stop = system.monotonic() + seconds
  while true do
    retry.check_stop()
    local left = stop - system.monotonic()
    if left <= 0 then return end
    system.sleep(math.floor(math.min(left, 0.2) * 1000))
  end
end

-- The pause doubles from half a second to half a minute; a random part of it is used.
local function pause_of(try)
  return math.min(30, 0.5 * 2 ^ (try - 1)) * (0.5 + math.random() / 2)
end

local blockers = [[SELECT DISTINCT l.pid, coalesce(a.usename, ''), coalesce(a.state, ''), l.mode,
    extract(epoch FROM pg_catalog.now() - a.xact_start)::int,
    pg_catalog.left(pg_catalog.regexp_replace(coalesce(a.query, ''), '\s+', ' ', 'g'), 60),
    l.relation::regclass::text
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.granted AND l.locktype = 'relation' AND l.pid <> pg_catalog.pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = pg_catalog.current_database())
    AND l.relation = ANY (SELECT pg_catalog.to_regclass(t)::oid FROM pg_catalog.unnest($1::text[]) t)
  ORDER BY 5 DESC NULLS LAST LIMIT 3]]

--- The sessions that hold locks on these tables, as sentences, if they can be found.
---@param connection lugger.migrate.connection
---@param tables string[] as SQL spells them
---@return string[]
function retry.blockers(connection, tables)
  local list = {}
  for i, name in ipairs(tables) do tables[i] = '"' .. name:gsub('[\\"]', '\\%0') .. '"' end
  local ok, found = pcall(connection.query, connection, blockers, { '{' .. table.concat(tables, ',') .. '}' })
  for _, row in ipairs(ok and found.rows or {}) do
    local since = row[5] ~= native.null and (' for ' .. terminal.duration(tonumber(row[5]) --[[@as number]])) or ''
    local mode = row[4]:gsub('Lock$', ''):gsub('(%l)(%u)', '%1 %2'):upper()
    list[#list + 1] = ('process %s (%s) holds %s on %s, %s%s: %s'):format(row[1], row[2], mode, row[7], row[3], since,
      terminal.printable(row[6]))
  end
  return list
end

---@class lugger.retry_spec
---@field tries integer
---@field recover fun(err: any) takes back what was begun
---@field done (fun(): boolean)|nil after a lost connection: whether it was committed after all
---@field tell fun(text: string)
---@field about (fun(): string[])|nil who is in the way
---@field moved (fun(): boolean)|nil whether it got on since the last failure: then tries are counted anew

--- Does the work. Repeats it after a pause when a lock was not granted or the connection was lost.
---@param spec lugger.retry_spec
---@param work fun(): any
---@return any
---@return boolean|nil true when it had been committed after all: what it gave is lost
function retry.run(spec, work)
  local try = 0
  while true do
    try = try + 1
    local ok, result = pcall(work) ---@type boolean, any
    if ok then return result end
    local lost, locked = retry.is_lost(result), retry.is_lock(result)
    spec.recover(result)
    if not (lost or locked) then error(result, 0) end
    if spec.moved and spec.moved() then try = 1 end
    local who = locked and spec.about and spec.about() or {}
    if try >= spec.tries then
      if #who > 0 then spec.tell(table.concat(who, '\n')) end
      error(result, 0)
    end
    local pause = pause_of(try)
    spec.tell(('%s; try %d of %d in %.1f s%s'):format(lost and 'the connection was lost' or tostring(result.message),
      try + 1, spec.tries, pause, #who > 0 and '\n  ' .. table.concat(who, '\n  ') or ''))
    wait(pause)
    if lost and spec.done then
      local answered, done = pcall(spec.done)
      if answered and done then return nil, true end
    end
  end
end

return retry
