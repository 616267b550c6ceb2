-- One database for migrations: a session that is opened when it is needed, and again after it was lost.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local session_state = require 'lugger.inner.migrate.session_state'

local connection = {}

---@class lugger.migrate.connection
---@field name string "main", or its name in lugger.toml
---@field place string may hold a password
---@field pooled boolean|nil known once it is open
---@field settings table<string, string> lock_timeout and the like
---@field touched table<string, boolean>|nil settings that statements of the transaction named
---@field restore fun(session: lugger.native.pg)|nil gives a new session what the file made in the one before
---@field open lugger.native.pg|nil
---@field purpose string
---@field used boolean
---@field is_self boolean
---@field held table|nil
---@field ends_itself table<string, boolean>|nil
local conn = {}
local conn_meta = { __index = conn }

-- lugger's settings, as SET or SET LOCAL.
local function settings_sql(settings, word)
  local parts = {}
  for _, name in ipairs { 'lock_timeout', 'statement_timeout' } do
    if settings[name] then parts[#parts + 1] = ('%s %s = %s'):format(word, name, native.sql.literal(settings[name])) end
  end
  return table.concat(parts, ';')
end

--- The open session.
---@return lugger.native.pg
function conn:session()
  if self.open and not self.open:alive() then self:close() end
  if not self.open then
    self.open = native.pg(self.place, self.purpose, self.pooled == nil and 'detect' or self.pooled)
    self.pooled = self.open:pooled()
    self:apply_settings()
    self.used, self.is_self = self.restore ~= nil, false
    if self.restore then self.restore(self.open) end
  end
  return self.open
end

--- Applies lugger's settings, also after the session has reset all of them.
function conn:apply_settings()
  local sql, open = settings_sql(self.settings, 'SET'), self.open
  if open and not self.pooled and sql ~= '' then open:query(sql) end
end

--- Runs SQL and returns the result of native.pg.
---@param sql string
---@param params any[]|nil
---@return lugger.native.pg_result
function conn:query(sql, params)
  return self:session():query(sql, params)
end

--- COPY ... FROM stdin with its data.
---@param sql string
---@param data string
---@return lugger.native.pg_result
function conn:copy_in(sql, data)
  return { names = {}, types = {}, rows = {}, affected = self:session():copy_in(sql, data) }
end

-- Returns to the role that connected, whatever role a file has set: SET LOCAL ends with the transaction. A pooled
-- session keeps nothing anyway, and a setting made there must not return at COMMIT.
local function be_oneself(self)
  if self.is_self then return end
  local word = self.pooled and 'SET' or 'SET LOCAL'
  for _, name in ipairs { 'session_authorization', 'role' } do
    self.open:query(('%s %s TO DEFAULT'):format(word, name))
  end
  self.is_self = true
end

--- Does work of lugger's own, such as writing the ledger, as the role that connected. Inside a transaction that role
--- stays until the transaction ends.
---@param work fun(): any
---@return any
function conn:as_self(work)
  self:session()
  if not self.used then return work() end
  if self:in_transaction() then
    be_oneself(self)
    return work()
  end
  self:begin()
  be_oneself(self)
  local ok, result = pcall(work)
  if not ok then
    self:rollback()
    error(result, 0)
  end
  self:commit()
  return result
end

--- Records that a statement of a file runs: after it, the current role is unknown.
function conn:note_use()
  self.used, self.is_self = true, false
end

--- Begins a transaction, with lugger's settings where the session cannot keep them.
---@param read_only boolean|nil
function conn:begin(read_only)
  local session = self:session()
  session:begin()
  self.is_self = false
  if self.pooled then
    local sql = settings_sql(self.settings, 'SET LOCAL')
    if sql ~= '' then session:query(sql) end
    self.held, self.ends_itself, self.touched = session_state.read(session), {}, {}
  end
  if read_only then session:query 'SET TRANSACTION READ ONLY' end
end

--- Commits the transaction. Behind a pooler, first removes what it has made for its session.
function conn:commit()
  if not self.open or not self.open:alive() then
    error(native.error('connect', 'the connection was lost before the transaction ended'), 0)
  end
  if self.pooled and self.held and self.ends_itself and self.touched then
    session_state.refuse_temporary(self.open, self.held, self.ends_itself)
    session_state.restore(self.open, self.held, false, self.touched)
  end
  self.open:commit()
end

--- Rolls the transaction back; does nothing when there is none.
function conn:rollback()
  if self.open and self.open:alive() then self.open:rollback() end
end

--- True inside a transaction.
---@return boolean
function conn:in_transaction()
  return self.open ~= nil and self.open:alive() and self.open:in_transaction()
end

--- Runs one statement without lock_timeout: it waits for others, but nobody waits for it.
---@param sql string
---@return table
function conn:query_patiently(sql)
  local session = self:session()
  if self.pooled or not self.settings.lock_timeout then return session:query(sql) end
  session:query 'SET lock_timeout = 0'
  local ok, result = pcall(session.query, session, sql)
  if session:alive() then session:query(settings_sql({ lock_timeout = self.settings.lock_timeout }, 'SET')) end
  if not ok then error(result, 0) end
  return result
end

--- True while the session is open and answers.
---@return boolean
function conn:alive()
  return self.open ~= nil and self.open:alive()
end

--- Closes the session, and forgets what a file has set in it.
function conn:end_session()
  self.restore = nil
  self:close()
end

--- Closes the session; the next use opens a new one.
function conn:close()
  if self.open then self.open:close() end
  self.open = nil
end

--- A connection to a place. Nothing is opened yet.
---@param name string
---@param place string URL, local:DIR
---@param settings table<string, string>
---@param purpose string|nil what the server's list of sessions calls it: "migrate" when not given
---@return lugger.migrate.connection
function connection.new(name, place, settings, purpose)
  if not native.place_kind(place).sql then
    config.raise(('%s is not a PostgreSQL'):format(native.system.mask_secrets(place)),
      'migrations work on PostgreSQL: give a postgresql:// URL, local:DIR or a connection of lugger.toml')
  end
  return setmetatable({ name = name, place = place, settings = settings, purpose = purpose or 'migrate' }, conn_meta)
end

return connection
