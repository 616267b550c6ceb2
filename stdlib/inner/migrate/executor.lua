-- Runs what a migration's functions request of their databases, in one of three ways: all in one transaction; step by
-- step, with each step recorded; or only recorded, for a plan.
local config = require 'lugger.inner.cli.config'
local db = require 'lugger.inner.migrate.db'
local fault = require 'lugger.inner.base.fault'
local index_build = require 'lugger.inner.migrate.index_build'
local locks = require 'lugger.inner.migrate.locks'
local native = require 'lugger.native'
local session_state = require 'lugger.inner.migrate.session_state'
local statement = require 'lugger.inner.migrate.statement'

local executor = {}

---@class lugger.migrate.executor
---@field run table the run it belongs to: connections, ledger, options
---@field migration lugger.migration
---@field direction "up"|"down"|"verify"
---@field switched boolean|nil
---@field last lugger.statement|nil
---@field replay lugger.migrate.session_replay|nil
---@field known table<string, lugger.migrate.step|nil>|nil
---@field inner boolean|nil
---@field failed lugger.error|nil
---@field parts integer|nil
---@field main lugger.migration_db|nil
---@field dbs table<string, lugger.migration_db>|nil
---@field only_records boolean|nil statements are noted, not run
local base = {}

-- Raised when a file cannot stay in one transaction: it is rolled back and begun again step by step.
local switch = setmetatable({}, { __tostring = function()
  return 'this migration cannot run in one transaction'
end })

--- True for the error that requests steps.
---@param err any
---@return boolean
function executor.is_switch(err)
  return err == switch
end

--- Ends the attempt in one transaction; the caller begins again, step by step.
function base:switch()
  self.switched = true
  error(switch, 0)
end

local function where_of(self, st)
  if st and st.line then return ('%s:%d'):format(self.migration.path, st.line) end
  local place = fault.where()
  return place ~= self.migration.path and place or nil
end

-- Statements whose effect goes beyond the database, to the whole server.
local server_wide = { CreateRoleStmt = true, AlterRoleStmt = true, AlterRoleSetStmt = true, DropRoleStmt = true,
  GrantRoleStmt = true, CreatedbStmt = true, DropdbStmt = true, AlterSystemStmt = true, CreateTableSpaceStmt = true,
  DropTableSpaceStmt = true }

local function refuse_server_wide(self, st)
  local rehearsal = self.run.rehearsal
  if rehearsal and rehearsal.same_server and server_wide[st.tag] then
    config.raise('not in a rehearsal on the same server, which it would change: ' .. statement.brief(st.text),
      'rehearse as far as the migration before it: --to VERSION')
  end
end

-- Refuses COPY between a file and the server.
local function check_copy(self, st)
  if st.tag ~= 'CopyStmt' or st.node.filename or st.node.is_program then return end
  local place = where_of(self, st)
  local at = place and place .. ': ' or ''
  if not st.node.is_from then
    config.raise(at .. 'COPY ... TO stdout in a migration: nobody reads what it writes',
      'read rows by db:query in Lua, or copy them by a script')
  end
  if not st.data then
    config.raise(at .. 'COPY ... FROM stdin has no data here',
      'in SQL the rows stand on the lines behind it, and a line \\. ends them')
  end
end

---@return table
local function ask(connection, st, params, patiently)
  local meta = params and getmetatable(params)
  if meta and meta.bind then params = meta.bind() end
  if st.data then return connection:copy_in(st.text, st.data) end
  if patiently and not params then return connection:query_patiently(st.text) end
  return connection:query(st.text, params)
end

--- Runs one statement; an error includes its location.
---@param connection lugger.migrate.connection
---@param st lugger.statement
---@param params any[]|nil
---@param patiently boolean|nil without a timeout for locks
---@return table
function base:send(connection, st, params, patiently)
  refuse_server_wide(self, st)
  check_copy(self, st)
  self.last = st
  if self.replay then self.replay:check(st) end
  connection:session()
  if connection.pooled then
    local whole = connection:in_transaction() and (not self.known or self.inner == true)
    session_state.refuse_pooled(st, where_of(self, st), whole)
  end
  connection:note_use()
  local ok, result = pcall(ask, connection, st, params, patiently)
  if ok then
    local open = connection:alive() and connection.open
    for _, notice in ipairs(open and open:notices() or {}) do
      self:say((notice:gsub('%s+$', '')))
    end
    if st.tag == 'IndexStmt' and not st.node.concurrent then index_build.refuse_invalid(connection, st) end
    if st.setting and connection.touched then connection.touched[st.setting] = true end
    if st.drops_itself and connection.ends_itself then connection.ends_itself[st.temporary] = true end
    return result
  end
  if type(result) ~= 'table' then error(result, 0) end
  ---@type table<string, string|nil>
  local notes = { statement = statement.brief(st.text), at = where_of(self, st) }
  for _, key in ipairs(result.notes or {}) do notes[key] = result.notes[key] end
  if notes.at then notes.script = nil end
  local hint = result.hint
  if statement.wants_to_commit(st, result.sqlstate) and self.inner then
    hint = 'what it runs commits: take it out of db:transaction and db:batches'
  end
  self.failed = native.error(result.code, result.message, hint, result.sqlstate, notes)
  error(self.failed, 0)
end

--- Refuses statements that would begin or end a transaction of lugger's.
---@param st lugger.statement
function base:check_control(st)
  if not st.control then return end
  local place = where_of(self, st)
  error(native.error('config', ('%s%s in a migration: lugger begins and ends its transactions itself'):format(
    place and place .. ': ' or '', st.control),
    'take it out; `-- no transaction` (SQL) or transaction = false (Lua) runs each statement on its own'), 0)
end

--- The statements of a call: several only without values.
---@param sql string
---@param params any[]|nil
---@return lugger.statement[]
function base:statements(sql, params)
  local list = params and { statement.read(sql) } or statement.split(sql)
  -- For a call from Lua, the line of the call is the useful one.
  for i, st in ipairs(list) do
    list[i] = setmetatable({ line = false }, { __index = st })
    self:check_control(list[i])
  end
  return list
end

--- Tables that the last statement tried to lock.
---@return string[]
function base:last_tables()
  local tables = {}
  for _, lock in ipairs(self.last and locks.of(self.last) or {}) do tables[#tables + 1] = lock.quoted end
  return tables
end

--- Does work that is taken back by itself when it fails, within the transaction of the connection.
---@param connection lugger.migrate.connection
---@param work fun()
function base:part(connection, work)
  self.parts = (self.parts or 0) + 1
  local point = ('lugger_part_%d'):format(self.parts)
  connection:query('SAVEPOINT ' .. point)
  local ok, err = pcall(work)
  if not connection:in_transaction() then
    error(not ok and err or native.error('config', 'the function ended the transaction by itself'), 0)
  end
  if not ok then
    connection:query(('ROLLBACK TO SAVEPOINT %s; RELEASE SAVEPOINT %s'):format(point, point))
    error(err, 0)
  end
  connection:query('RELEASE SAVEPOINT ' .. point)
end

--- Before rows are read past the executor.
---@param connection lugger.migrate.connection
---@diagnostic disable-next-line: unused
function base:read(connection) -- luacheck: ignore self connection
end

--- Tells the reader something.
---@param ... any
function base:say(...)
  self.run.say('  ', ...)
end

--- Does work whose steps are reverted when it fails. An executor that records no steps rolls everything back anyway.
---@param work fun()
---@diagnostic disable-next-line: unused
function base:or_undo(work) -- luacheck: ignore self
  work()
end

-- The other databases by their names in lugger.toml.
---@return table<string, lugger.migration_db>
local function others(self)
  return setmetatable({}, { __index = function(list, name)
    local connection = self.run:other(name)
    local found = db.new(self, connection)
    rawset(list, name, found)
    return found
  end, __newindex = function() config.raise('dbs cannot be changed') end })
end

--- Calls a function of a migration with its databases.
---@param body fun(db: lugger.migration_db, dbs: table<string, lugger.migration_db>): any, any
---@return any result
---@return any message
function base:call(body)
  self.main = self.main or db.new(self, self.run.main)
  self.dbs = self.dbs or others(self)
  local result, message = body(self.main, self.dbs)
  -- The file may have caught the error.
  if self.switched then error(switch, 0) end
  return result, message
end

--- Makes a class of executors.
---@param methods table
---@return table
function executor.class(methods)
  for name, method in pairs(base) do
    if methods[name] == nil then methods[name] = method end
  end
  methods.__index = methods
  return methods
end

return executor
