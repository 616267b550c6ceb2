-- What a session holds besides the rows of its database: settings, temporary tables, prepared statements, listeners,
-- advisory locks, WITH HOLD cursors. A file begins without any of them and leaves none behind.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'

local session_state = {}

-- Settings changed by SET, in whatever way. The role is queried separately, because pg_settings does not contain it.
local settings_sql = [[SELECT name, setting FROM pg_catalog.pg_settings
    WHERE source = 'session' AND name NOT LIKE 'transaction\_%'
  UNION ALL SELECT name, pg_catalog.current_setting(name)
    FROM (VALUES ('role'), ('session_authorization')) AS v (name)]]

--- The settings that were changed in the session.
---@param session lugger.native.pg
---@return table<string, string>
function session_state.settings(session)
  local found = {}
  for _, row in ipairs(session:query(settings_sql).rows) do found[row[1]] = row[2] end
  return found
end

--- The differences of settings: the new value, or false for a setting at its default again. nil when nothing changed.
---@param before table<string, string>
---@param after table<string, string>
---@return table<string, string|false>|nil
function session_state.changes(before, after)
  local changes = {}
  for name, value in pairs(after) do
    if before[name] ~= value then changes[name] = value end
  end
  for name in pairs(before) do
    if after[name] == nil then changes[name] = false end
  end
  return next(changes) and changes or nil
end

---@type table<string, integer|nil>
local whose = { session_authorization = 1, role = 2 }

--- Sets what changed. session_authorization comes first, because it also changes the role.
---@param session lugger.native.pg
---@param changes table<string, string|false>
function session_state.set(session, changes)
  local names = {}
  for name in pairs(changes) do names[#names + 1] = name end
  table.sort(names, function(a, b)
    if whose[a] or whose[b] then return (whose[a] or 3) < (whose[b] or 3) end
    return a < b
  end)
  for _, name in ipairs(names) do
    local value = changes[name]
    if value == false and whose[name] then
      session:query(name == 'role' and 'RESET ROLE' or 'RESET SESSION AUTHORIZATION')
    else
      session:query('SELECT pg_catalog.set_config($1, $2, false)', { name, value or native.null })
    end
  end
end

local prepared_sql = 'SELECT name FROM pg_catalog.pg_prepared_statements WHERE from_sql'
local advisory_sql = [[SELECT classid, objid, objsubid, mode FROM pg_catalog.pg_locks
  WHERE locktype = 'advisory' AND pid = pg_catalog.pg_backend_pid()
    AND database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())]]
local temporary_sql = [[SELECT relname FROM pg_catalog.pg_class
  WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind IN ('r', 'p', 'v', 'S', 'm')]]
local cursors_sql = 'SELECT name FROM pg_catalog.pg_cursors WHERE is_holdable'

local function names(session, sql)
  local found = {}
  for _, row in ipairs(session:query(sql).rows) do found[table.concat(row, ' ')] = row end
  return found
end

---@class lugger.migrate.session_state
---@field settings table<string, string>
---@field prepared table<string, string[]>
---@field advisory table<string, string[]>
---@field temporary table<string, string[]>
---@field cursors table<string, string[]>

--- Reads what a session holds now.
---@param session lugger.native.pg
---@return lugger.migrate.session_state
function session_state.read(session)
  return { settings = session_state.settings(session), prepared = names(session, prepared_sql),
    advisory = names(session, advisory_sql), temporary = names(session, temporary_sql),
    cursors = names(session, cursors_sql) }
end

-- pg_locks does not show which locks end with the transaction, and a lock may be held several times. So the server is
-- asked to unlock until nothing of the session is left; its final warning is suppressed. A lock with a single key has
-- it in two halves.
local unlock_sql = [[DO $lugger$
DECLARE told text := pg_catalog.current_setting('client_min_messages');
BEGIN
  PERFORM pg_catalog.set_config('client_min_messages', 'error', true);
  WHILE pg_catalog.%s(%s) LOOP END LOOP;
  PERFORM pg_catalog.set_config('client_min_messages', told, true);
END $lugger$]]

local function unlock(session, row)
  local call = row[4] == 'ShareLock' and 'pg_advisory_unlock_shared' or 'pg_advisory_unlock'
  local key = row[3] == '1' and ('(%s::bigint << 32) | %s::bigint'):format(row[1], row[2])
    or ('%s::bigint::bit(32)::int, %s::bigint::bit(32)::int'):format(row[1], row[2])
  session:query(unlock_sql:format(call, key))
end

local function each_new(before, after, work)
  for key, row in pairs(after) do
    if not before[key] then work(row) end
  end
end

--- Returns a session, inside its transaction, to the state that it had before.
---@param session lugger.native.pg
---@param before lugger.migrate.session_state
---@param whole_session boolean it is ours alone: settings get the value they had, and temporary tables go; else, on a
--- pooled connection, what changed gets its default back, for our own settings are those of the transaction
---@param touched table<string, boolean> settings that were named: an application's own are in no list of the server
function session_state.restore(session, before, whole_session, touched)
  local now = session_state.settings(session)
  local changes = session_state.changes(now, before.settings)
  if changes then
    if not whole_session then
      for name in pairs(changes) do changes[name] = false end
    end
    session_state.set(session, changes)
  end
  for name in pairs(touched) do
    if name:find('.', 1, true) then session_state.set(session, { [name] = false }) end
  end
  local after = session_state.read(session)
  each_new(before.prepared, after.prepared, function(row)
    session:query('DEALLOCATE ' .. native.sql.name(row[1]))
  end)
  each_new(before.cursors, after.cursors, function(row) session:query('CLOSE ' .. native.sql.name(row[1])) end)
  each_new(before.advisory, after.advisory, function(row) unlock(session, row) end)
  if whole_session and next(after.temporary) then session:query 'DISCARD TEMP' end
end

local hint = 'name the server itself in PG_DIRECT_URI'

--- Raises when a transaction made a temporary table that would remain on a pooled connection.
---@param session lugger.native.pg
---@param before lugger.migrate.session_state
---@param ends_itself table<string, boolean> names of those that go at COMMIT
function session_state.refuse_temporary(session, before, ends_itself)
  each_new(before.temporary, names(session, temporary_sql), function(row)
    if ends_itself[row[1]] then return end
    config.raise(('the temporary table %s would stay on a connection that the pooler gives to others'):format(row[1]),
      'make it ON COMMIT DROP, or ' .. hint)
  end)
end

--- Behind a transaction pooler, raises for a statement with an effect on the session, because there is no session.
---@param st lugger.statement
---@param place string|nil
---@param in_transaction boolean settings that are made in a transaction are taken back in it
function session_state.refuse_pooled(st, place, in_transaction)
  local lasting = st.lasting
  if not lasting or lasting == 'setting' and in_transaction then return end
  config.raise(('%s%s behind a transaction pooler: %s'):format(place and place .. ': ' or '',
    statement.brief(st.text), lasting == 'setting'
      and 'this file runs step by step, and a setting does not last from one step to the next'
      or 'it would stay on a connection that the pooler gives to others'),
    lasting == 'setting' and 'write names with their schemas, or ' .. hint or hint)
end

return session_state
