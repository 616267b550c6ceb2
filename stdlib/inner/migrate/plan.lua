-- `migrate up --plan`: every statement, the locks it takes, and what it rewrites or scans. Runs nothing except queries
-- of Lua migrations, in a read-only transaction.
local apply = require 'lugger.inner.migrate.apply'
local executor = require 'lugger.inner.migrate.executor'
local fault = require 'lugger.inner.base.fault'
local locks = require 'lugger.inner.migrate.locks'
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'
local terminal = require 'lugger.inner.view.terminal'

local plan = {}

-- Records what a function requests. Of batches it runs only the first.
local recorder = executor.class { plain_batches = 1, only_records = true }

local function note(self, connection, st)
  local place = st.line and ('%s:%d'):format(self.migration.path, st.line) or fault.where()
  self.list[#self.list + 1] = { st = st, connection = connection, at = place }
end

---@private
function recorder:exec(connection, sql, params)
  for _, st in ipairs(self:statements(sql, params)) do note(self, connection, st) end
  return 0
end

---@private
function recorder:query(connection, sql, params)
  local result = { names = {}, types = {}, rows = {}, affected = 0 }
  for _, st in ipairs(self:statements(sql, params)) do
    if st.reads_only and st.lasting ~= 'other' then
      if not connection:in_transaction() then connection:begin(true) end
      result = self:send(connection, st, params)
    else
      note(self, connection, st)
    end
  end
  return result
end

---@private
function recorder.transaction(_, _, work)
  work()
end

-- Called by what commits in between: db:batches, db:by_steps.
---@private
function recorder:batches()
  self.steps = true
end

---@private
---@diagnostic disable-next-line: unused
function recorder:say() -- luacheck: ignore self
end

---@private
function recorder:sql(statements)
  for _, st in ipairs(statements) do note(self, self.run.main, st) end
end

---@class lugger.migrate.planned
---@field statements { st: lugger.statement, connection: lugger.migrate.connection, at: string|nil }[]
---@field jobs string[] jobs and tasks that run too
---@field problem any what kept the rest from being known
---@field transaction boolean

--- The statements of a migration, as far as they are known without running it.
---@param run lugger.migrate.run
---@param migration lugger.migration
---@return lugger.migrate.planned
function plan.of(run, migration)
  local recorded = setmetatable({ run = run, migration = migration, direction = 'up', list = {} }, recorder)
  local out = { statements = recorded.list, jobs = {}, transaction = apply.in_one_transaction(migration, 'up') }
  for _, part in ipairs(migration:body().up) do
    if part.kind == 'job' then
      out.jobs[#out.jobs + 1] = part.job:name()
    else
      local ok, err = pcall(apply.run_parts, recorded, { part })
      run.main:rollback()
      if not ok then
        out.problem = err
        break
      end
    end
  end
  if recorded.steps then out.transaction = false end
  for _, one in ipairs(recorded.list) do
    if not one.st.transactional then out.transaction = false end
  end
  return out
end

-- Types between which a conversion needs no rewrite.
local kept = {
  text = { ['character varying'] = true, citext = false }, ['character varying'] = { text = true },
  cidr = { inet = true },
}

local function keeps_bytes(old, new)
  local old_base, old_size = old:match('^([%a ]+)%(?(%d*)')
  local new_base, new_size = new:match('^([%a ]+)%(?(%d*)')
  if old == new then return true end
  if not old_base or not new_base then return false end
  if old_base == new_base then
    if new_size == '' then return true end
    local same_scale = old:match(',(%d+)') == new:match(',(%d+)')
    return old_size ~= '' and same_scale and tonumber(new_size) >= tonumber(old_size)
  end
  return kept[old_base] ~= nil and kept[old_base][new_base] == true and new_size == ''
end

local columns = [[SELECT pg_catalog.format_type(a.atttypid, a.atttypmod),
  pg_catalog.format_type(pg_catalog.to_regtype($3), -1)
  FROM pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass($1) AND a.attname = $2]]

-- Reads from the catalog what the statement does not say: the present type of a column.
local function look_at_types(run, st, list)
  if st.tag ~= 'AlterTableStmt' then return end
  for _, item in ipairs(st.node.cmds) do
    local command = item.AlterTableCmd
    for _, lock in ipairs(command.subtype == 'AT_AlterColumnType' and list or {}) do
      if lock.column == command.name then
        local name, modifiers = locks.spelled_type(command.def.ColumnDef.typeName)
        local row = run.main:query(columns, { lock.quoted, command.name, name }).rows[1]
        if row and row[2] ~= native.null then lock.rewrites = not keeps_bytes(row[1], row[2] .. modifiers) or nil end
      end
    end
  end
end

local function size_of(run, quoted)
  local row = run.main:query('SELECT pg_catalog.pg_total_relation_size(pg_catalog.to_regclass($1))', { quoted }).rows[1]
  local bytes = row[1] ~= native.null and tonumber(row[1])
  return bytes and bytes > 0 and terminal.bytes(bytes) or nil
end

local function made_by(st)
  if st.tag == 'CreateStmt' then return st.node.relation end
  if st.tag == 'CreateTableAsStmt' then return st.node.into.rel end
end

local function show_lock(run, lock, made)
  if made[lock.table] then return end
  local parts = { ('%s on %s: %s'):format(lock.mode, lock.table, locks.stops[lock.mode]) }
  if lock.rewrites or lock.scans then
    local size = size_of(run, lock.quoted)
    parts[#parts + 1] = (lock.rewrites and 'rewrites' or 'reads') .. ' the whole '
      .. (lock.of_index and 'index' or 'table') .. (size and ' (' .. size .. ')' or '')
  end
  terminal.line('       ', table.concat(parts, '; '))
end

local function show_statement(run, number, one, made)
  local st, elsewhere = one.st, one.connection ~= run.main and ' [' .. one.connection.name .. ']' or ''
  terminal.line(('  %2d%s '):format(number, elsewhere), terminal.printable(statement.brief(st.text, 110)))
  if st.problem then
    terminal.line('       the grammar of PostgreSQL ', native.sql.grammar(),
      ' does not know it; its locks are not known')
    return
  end
  if elsewhere ~= '' then
    for _, lock in ipairs(locks.of(st)) do terminal.line('       ', lock.mode, ' on ', lock.table) end
    return
  end
  local list = locks.of(st)
  look_at_types(run, st, list)
  for _, lock in ipairs(list) do show_lock(run, lock, made) end
  local relation = made_by(st)
  if relation then made[statement.relation(relation)] = true end
end

---@return integer|nil
local function longest_hold(planned)
  local strongest
  for i, one in ipairs(planned.statements) do
    for _, lock in ipairs(locks.of(one.st)) do
      if lock.mode == 'ACCESS EXCLUSIVE' and i < #planned.statements and not strongest then strongest = i end
    end
  end
  return strongest
end

--- Prints the plan of one migration.
---@param run lugger.migrate.run
---@param migration lugger.migration
---@param made table<string, boolean> tables that exist only once this plan is carried out
function plan.show(run, migration, made)
  local planned = plan.of(run, migration)
  terminal.line(migration.version, ' ', migration.name, planned.transaction and ' (one transaction)'
    or ' (step by step, each recorded)')
  for i, one in ipairs(planned.statements) do show_statement(run, i, one, made) end
  for _, name in ipairs(planned.jobs) do terminal.line('     job ', name, ' (see `lugger plan`)') end
  if planned.problem then
    terminal.line('     what follows is known only while it runs: ', terminal.error_text(planned.problem))
  end
  local held = planned.transaction and #planned.statements > 1 and longest_hold(planned)
  if held then
    terminal.line(('     ACCESS EXCLUSIVE is held from statement %d to the end of the transaction'):format(held))
  end
end

--- Prints the plans of several migrations.
---@param run lugger.migrate.run
---@param items lugger.migrate.pending_item[]
function plan.show_all(run, items)
  local made = {}
  for i, item in ipairs(items) do
    if i > 1 then terminal.line() end
    plan.show(run, item.migration, made)
  end
  if #items == 0 then terminal.say('nothing to do: all migrations are applied') end
  if #items > 0 then
    terminal.say(('each lock is waited for %s at most, then tried again, up to %d times'):format(
      run.options.lock_timeout == '0' and 'without end' or run.options.lock_timeout, run.options.tries))
  end
end

return plan
