-- The ledger: what was done with each migration, oldest first. Rows are added and never deleted.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local version = require 'lugger.inner.migrate.version'

local ledger = {}

---@class lugger.migrate.ledger
---@field connection lugger.migrate.connection
---@field schema string quoted
---@field name string of the schema, as it was given
---@field steps_table string
local book = {}
local book_meta = { __index = book }

--- Directions after which a migration counts as applied.
ledger.applies = { up = true, baseline = true, import = true, squash = true, repair = true }

local columns = [[entry, version, name, checksum, direction, state,
  pg_catalog.to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
  pg_catalog.to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
  duration_ms, applied_by, lugger_version, error]]

local fields = { 'entry', 'version', 'name', 'checksum', 'direction', 'state', 'started', 'finished', 'duration_ms',
  'applied_by', 'lugger_version', 'error' }

---@class lugger.migrate.entry
---@field entry string
---@field version string
---@field name string
---@field checksum string
---@field direction string
---@field state "running"|"done"|"failed"|"abandoned"
---@field started string UTC
---@field finished string|nil
---@field duration_ms string|nil
---@field applied_by string
---@field lugger_version string
---@field error string|nil

local function entry_of(row)
  local entry = {}
  for i, field in ipairs(fields) do
    if row[i] ~= native.null then entry[field] = row[i] end
  end
  return entry
end

--- A query as the role that connected, because a file may have set another one.
---@param sql string
---@param params any[]|nil
---@return lugger.native.pg_result
function book:query(sql, params)
  local connection = self.connection
  return connection:as_self(function() return connection:query(sql, params) end)
end

--- True when the tables exist; creates nothing.
---@return boolean
function book:exists()
  local found = self:query('SELECT pg_catalog.to_regclass($1) IS NOT NULL', { self.schema .. '.migrations' })
  local row = found.rows[1]
  return row[1] == 't'
end

--- Creates the tables, or upgrades them to this version.
function book:ensure()
  native.state(self.connection.place, { state_schema = self.name, pooled = self.connection.pooled or nil }):ensure()
end

--- All entries, oldest first.
---@return lugger.migrate.entry[]
function book:entries()
  if not self:exists() then return {} end
  local list = {}
  local found = self:query(('SELECT %s FROM %s.migrations ORDER BY entry'):format(columns, self.schema))
  for i, row in ipairs(found.rows) do list[i] = entry_of(row) end
  return list
end

---@class lugger.migrate.record
---@field applied lugger.migrate.entry|nil the entry that made it applied
---@field open lugger.migrate.entry|nil an entry that has begun and not ended: it failed, or was cut off
---@field last lugger.migrate.entry

--- The current state, by the key of the version, that results from the entries.
---@param entries lugger.migrate.entry[]
---@return table<string, lugger.migrate.record>
function ledger.sum(entries)
  local records = {}
  for _, entry in ipairs(entries) do
    local key = version.key(entry.version)
    local record = records[key] or {}
    records[key] = record
    record.last = entry
    if entry.state == 'done' then
      record.open = nil
      if ledger.applies[entry.direction] then record.applied = entry else record.applied = nil end
    elseif entry.state == 'abandoned' then
      record.open = nil
    else
      record.open = entry
    end
  end
  return records
end

--- A number for the next entry, so that the entry can be found when the answer to COMMIT was lost.
---@return string
function book:new_entry()
  return self:query('SELECT pg_catalog.nextval(pg_catalog.pg_get_serial_sequence($1, $2))',
    { self.schema .. '.migrations', 'entry' }).rows[1][1]
end

--- Writes an entry. Inside a transaction it commits together with what it records.
---@param entry table
function book:write(entry)
  local done = entry.state == 'done' or entry.state == 'failed'
  self:query(([[INSERT INTO %s.migrations AS m (entry, version, name, checksum, direction, state, started_at,
      finished_at, duration_ms, applied_by, lugger_version, error)
    VALUES ($1::bigint, $2, $3, $4, $5, $6, coalesce($7::timestamptz, pg_catalog.clock_timestamp()),
      CASE WHEN $8 = 'yes' THEN coalesce($12::timestamptz, pg_catalog.clock_timestamp()) END, $9::bigint,
      session_user || CASE WHEN $10 = '' THEN '' ELSE ' (' || $10 || ')' END, $11, $13)
    ON CONFLICT (entry) DO UPDATE SET state = excluded.state, finished_at = excluded.finished_at,
      duration_ms = excluded.duration_ms, error = excluded.error, checksum = excluded.checksum]]):format(self.schema),
    { entry.entry or self:new_entry(), entry.version, entry.name, entry.checksum, entry.direction, entry.state,
      entry.started or native.null, done and 'yes' or 'no', entry.duration_ms and ('%.0f'):format(entry.duration_ms)
      or native.null, native.system.getenv('USER') or native.system.getenv('LOGNAME') or '', native.version,
      entry.finished or native.null, entry.error or native.null })
end

--- Ends an entry that will not be resumed.
---@param entry string
---@param why string
function book:abandon(entry, why)
  self:query(("UPDATE %s.migrations SET state = 'abandoned', "
    .. "error = pg_catalog.concat_ws('; ', error, $2::text)"
    .. " WHERE entry = $1::bigint"):format(self.schema), { entry, why })
end

--- The state of an entry; nil when there is none.
---@param entry string
---@return string|nil
function book:state_of(entry)
  local row = self:query(('SELECT state FROM %s.migrations WHERE entry = $1::bigint'):format(self.schema),
    { entry }).rows[1]
  return row and row[1]
end

---@class lugger.migrate.step
---@field step string its name: "1.2"
---@field statement string
---@field digest string
---@field state "running"|"done"|"failed"
---@field note string|nil
---@field error string|nil

--- The steps of an entry by their names.
---@param entry string
---@return table<string, lugger.migrate.step>
function book:steps(entry)
  local steps = {}
  local found = self:query(('SELECT step, statement, digest, state, note, error FROM %s.%s'
    .. ' WHERE entry = $1::bigint'):format(self.schema, self.steps_table), { entry })
  for _, row in ipairs(found.rows) do
    local step = {}
    for i, name in ipairs { 'step', 'statement', 'digest', 'state', 'note', 'error' } do
      if row[i] ~= native.null then step[name] = row[i] end
    end
    steps[step.step] = step
  end
  return steps
end

--- Writes a step; inside a transaction it commits together with what the step did.
---@param entry string
---@param step lugger.migrate.step
function book:write_step(entry, step)
  self:query(([[INSERT INTO %s.%s (entry, step, statement, digest, state,
      finished_at, note, error)
    VALUES ($1::bigint, $2, $3, $4, $5, CASE WHEN $5 <> 'running' THEN pg_catalog.clock_timestamp() END, $6, $7)
    ON CONFLICT (entry, step) DO UPDATE SET statement = excluded.statement, digest = excluded.digest, state =
      excluded.state, finished_at = excluded.finished_at,
      note = excluded.note, error = excluded.error]]):format(self.schema, self.steps_table),
    { entry, step.step, step.statement:sub(1, 4000), step.digest, step.state, step.note or native.null,
      step.error or native.null })
end

--- Identifies this history in other databases.
---@return string uuid
function book:history()
  return self:query(('SELECT history FROM %s.migration_history'):format(self.schema)).rows[1][1]
end

local function mark_sql(self, sql)
  return (sql:gsub('{schema}', function() return self.schema end))
end

--- The steps of a version that this database has committed for another's history: step -> direction.
---@param history string
---@param number string
---@return table<string, string>
function book:marks(history, number)
  local marks = {}
  local found = self:query(mark_sql(self, 'SELECT step, direction FROM {schema}.migration_marks'
    .. ' WHERE history = $1::uuid AND version = $2'), { history, number })
  for _, row in ipairs(found.rows) do marks[row[1]] = row[2] end
  return marks
end

--- Records, in the open transaction, that a step of another database's history was done here.
---@param history string
---@param number string
---@param step string
---@param direction string
function book:mark(history, number, step, direction)
  self:query(mark_sql(self, 'DELETE FROM {schema}.migration_marks WHERE history = $1::uuid'
    .. ' AND version = $2 AND direction <> $3'), { history, number, direction })
  self:query(mark_sql(self, 'INSERT INTO {schema}.migration_marks (history, version, step, direction)'
    .. ' VALUES ($1::uuid, $2, $3, $4) ON CONFLICT (history, version, step) DO NOTHING'),
    { history, number, step, direction })
end

--- The holder of a lease that has not expired.
---@param job string
---@return string|nil
function book:holder(job)
  if not self:exists() then return nil end
  local row = self:query(mark_sql(self, 'SELECT holder FROM {schema}.leases WHERE job = $1'
    .. ' AND (expires_at IS NULL OR expires_at > pg_catalog.now())'), { job }).rows[1]
  return row and row[1]
end

--- Raises in the open transaction when the lease is no longer ours.
---@param token string
function book:fence(token)
  local found = self:query(mark_sql(self, 'SELECT 1 FROM {schema}.leases WHERE token = $1 FOR SHARE'),
    { token })
  if #found.rows == 0 then
    config.raise('another process took over the migrations of this database meanwhile',
      'see `lugger migrate status`, then run the same command again')
  end
end

--- The ledger in a schema of a database.
---@param connection lugger.migrate.connection
---@param schema string
---@param steps_table string|nil where steps are written; migration_steps when not given
---@return lugger.migrate.ledger
function ledger.open(connection, schema, steps_table)
  return setmetatable({ connection = connection, name = schema, schema = native.sql.name(schema),
    steps_table = steps_table or 'migration_steps' }, book_meta)
end

return ledger
