-- Runs a migration in one transaction for each database, together with its row in the ledger.
local executor = require 'lugger.inner.migrate.executor'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local session_state = require 'lugger.inner.migrate.session_state'
local statement = require 'lugger.inner.migrate.statement'

local one = executor.class {}

-- Transactions of other databases begin at their first use.
local function join(self, connection)
  if connection == self.run.main then return true end
  if self.joined[connection] == nil and self.plain_batches then
    self.joined[connection] = true
    if not connection:in_transaction() then connection:begin() end
    self.before[connection], connection.touched = session_state.read(connection:session()), {}
  elseif self.joined[connection] == nil then
    local book = self.run:book_of(connection)
    local marks = book:marks(self.run:history(), self.migration.version)
    -- The other database committed, but then the ledger here could not be: only the rest is done.
    self.joined[connection] = marks[''] ~= self.direction
    connection:begin()
  end
  return self.joined[connection]
end

local function send(self, connection, st, params)
  retry.check_stop()
  if not st.transactional then self:switch() end
  local ok, result = pcall(self.send, self, connection, st, params)
  if ok then return result end
  local state = retry.sqlstate(result)
  -- "cannot run inside a transaction block", "unsafe use of new value of enum type"
  if state == '25001' or state == '55P04' or statement.wants_to_commit(st, state) then self:switch() end
  error(result, 0)
end

---@private
function one:exec(connection, sql, params)
  local affected, wanted = 0, join(self, connection)
  for _, st in ipairs(self:statements(sql, params)) do
    if wanted then affected = tonumber(send(self, connection, st, params).affected) --[[@as integer]] end
  end
  return affected
end

---@private
function one:query(connection, sql, params)
  join(self, connection)
  local result
  for _, st in ipairs(self:statements(sql, params)) do result = send(self, connection, st, params) end
  return result or { names = {}, types = {}, rows = {}, affected = 0 }
end

---@private
function one:read(connection)
  join(self, connection)
end

---@private
function one:transaction(connection, work)
  join(self, connection)
  self:part(connection, work)
end

-- Batches commit in between, so they need steps, unless the transaction will be rolled back anyway.
---@private
function one:batches()
  if not self.plain_batches then self:switch() end
end

--- Runs the statements of an SQL file.
---@param statements lugger.statement[]
function one:sql(statements)
  for _, st in ipairs(statements) do
    self:check_control(st)
    send(self, self.run.main, st)
  end
end

--- Commits the other databases, each with a mark, then the main database with what `last` writes.
---@param last fun()
function one:commit(last)
  if not self.run.main:in_transaction() then
    error(native.error('config', 'the migration ended its transaction by itself; what it did stays',
      'take COMMIT and ROLLBACK out of it'), 0)
  end
  for connection, wanted in pairs(self.joined) do
    if wanted then
      self.run:book_of(connection):mark(self.run:history(), self.migration.version, '', self.direction)
    end
    connection:commit()
  end
  local ok, err = pcall(last)
  if not ok then
    -- "current transaction is aborted": the file caught the error that aborted it.
    error(retry.sqlstate(err) == '25P02' and self.failed or err, 0)
  end
  self.run.main:commit()
end

--- Rolls everything back.
function one:rollback()
  self.run.main:rollback()
  for connection in pairs(self.joined) do connection:rollback() end
  self.joined = {}
end

local module = {}

--- An executor for one attempt.
---@param run table
---@param migration lugger.migration
---@param direction "up"|"down"|"verify"
---@return table
function module.new(run, migration, direction)
  return setmetatable({ run = run, migration = migration, direction = direction, joined = {} }, one)
end

--- An executor for a transaction that will be rolled back: records nothing, and batches do not commit.
---@param run table
---@param migration lugger.migration
---@return table
function module.rehearsal(run, migration)
  local ex = module.new(run, migration, 'up')
  ex.plain_batches, ex.before = math.huge, { [run.main] = session_state.read(run.main:session()) }
  run.main.touched = {}
  return ex
end

return module
