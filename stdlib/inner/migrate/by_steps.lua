-- A migration that cannot be one transaction. Each step is recorded: in the same transaction where PostgreSQL allows
-- it, otherwise before and after the step. After a failure a function is called again from its beginning, and steps
-- that are done are skipped.
local config = require 'lugger.inner.cli.config'
local executor = require 'lugger.inner.migrate.executor'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local outside = require 'lugger.inner.migrate.outside'
local retry = require 'lugger.inner.migrate.retry'
local session_replay = require 'lugger.inner.migrate.session_replay'
local statement = require 'lugger.inner.migrate.statement'
local stuck = require 'lugger.inner.migrate.stuck'
local undoing = require 'lugger.inner.migrate.undoing'

---@class lugger.migrate.steps: lugger.migrate.executor
---@field known table<string, lugger.migrate.step|nil>
---@field inner boolean
---@field counter integer of the steps of a part
---@field batch table|nil
local steps = executor.class {}

local largest_note = 1000000 -- bytes of result rows that the record of a step can hold

local function digest(text, params)
  local parts = { text }
  for _, param in ipairs(params or {}) do parts[#parts + 1] = tostring(param) end
  return native.system.sha256(table.concat(parts, '\0'))
end

-- The name of the next step in the current part: "2.3".
local function next_step(self)
  self.counter = self.counter + 1
  return ('%d.%d'):format(self.part, self.counter)
end

local function known_step(self, name, hash)
  local known = self.known[name]
  if known and known.state == 'done' and known.digest ~= hash then
    stuck.raise(('step %s of %s was done as: %s -- and is now something else'):format(name, self.migration.file,
      statement.brief(known.statement, 200)),
      ('put it back, then `lugger migrate %s` goes on; or `lugger migrate repair` forgets the attempt, and what it did '
      .. 'stays'):format(self.direction))
  end
  return known
end

-- The record of a statement's earlier attempt, even if its text was elsewhere in the file then.
local function earlier_of(self, name, hash)
  local known = self.known[name]
  if known and known.digest == hash then return known end
  for _, former in pairs(self.former) do
    if former.digest == hash then return former end
  end
  if known and known.state ~= 'done' then outside.settle_former(self, known) end
end

local function record(self, step)
  self.known[step.step] = step
  self.run.ledger:write_step(self.entry, step)
end

local function spec_of(self, connection, name)
  return { tries = self.run.options.tries, tell = self.run.say,
    about = function() return self.run:blockers(self:last_tables()) end,
    recover = function()
      connection:rollback()
      self.run.main:rollback()
    end,
    done = name and function()
      local found = self.run.ledger:steps(self.entry)[name]
      return found ~= nil and found.state == 'done'
    end or nil }
end

local empty = { names = {}, types = {}, rows = {}, affected = 0 }

local function given_again(self, known, st)
  if st then self.replay:passed(st) end
  if not known.note then return empty end
  local found = native.json_tables(known.note)
  if found.session then self.replay:again(self.run.main, found.session) end
  if found.large then
    stuck.raise('a step that is done returned more rows than are kept, so the migration cannot go on behind it',
      '`lugger migrate repair` forgets the attempt, and what it did stays; read the rows by a query of its own')
  end
  for key, value in pairs(empty) do found[key] = found[key] or value end
  for _, row in ipairs(found.rows) do
    for column = 1, #found.names do row[column] = row[column] or native.null end
  end
  return found
end

-- Settings that a function in the database changed must also be restored in the session of a later attempt.
local function changed_settings(self, text)
  local changes = self.replay:changes(self.run.main)
  if changes and self.run.main.pooled then
    config.raise(('this step changed the setting %s behind a transaction pooler, where it does not last to the next '
      .. 'step: %s'):format(next(changes), statement.brief(text)), 'name the server itself in PG_DIRECT_URI')
  end
  return changes
end

-- Until the transaction ends, SET LOCAL looks like a setting of the session.
local function settle_settings(self, step, result, changes)
  if not changes then return end
  local left = self.replay:see(self.run.main)
  local note = steps.note_of(result, left)
  if note == step.note then return end
  step.note = note
  record(self, step)
end

-- Runs the step and records it in one transaction.
local function with_record(self, name, hash, text, work)
  local main = self.run.main
  local given, committed = retry.run(spec_of(self, main, name), function()
    self.replay:begin(main)
    main:begin()
    local result = work()
    local changes = changed_settings(self, text)
    local step = { step = name, statement = text, digest = hash, state = 'done', note = (result or changes)
      and steps.note_of(result or empty, changes) }
    record(self, step)
    self.run:fence()
    main:commit()
    settle_settings(self, step, result or empty, changes)
    return result
  end)
  if committed then
    self.known[name] = self.run.ledger:steps(self.entry)[name]
    given = given_again(self, self.known[name])
  end
  return given
end

-- On another database the step commits together with a mark; the record here follows.
local function elsewhere(self, connection, name, hash, st, params)
  local book = self.run:book_of(connection)
  local result
  local function is_marked()
    return book:marks(self.run:history(), self.migration.version)[name] == self.direction
  end
  if not is_marked() then
    local spec = spec_of(self, connection)
    spec.done = is_marked
    retry.run(spec, function()
      connection:begin()
      result = self:send(connection, st, params)
      book:mark(self.run:history(), self.migration.version, name, self.direction)
      connection:commit()
    end)
  end
  record(self, { step = name, statement = st.text, digest = hash, state = 'done', note = result
    and steps.note_of(result) })
  return result
end

-- If the statement contains COMMITs and its answer was lost, nobody can tell how far the attempt came.
local function check_unseen(self, hash, st)
  if not st.may_commit or self.run.options.again then return end
  for name, former in pairs(self.former) do
    if former.digest == hash and former.state == 'running' then
      config.raise(('step %s was cut off, and how much of it was committed is not known: %s'):format(name,
        statement.brief(st.text)), ('look in the database: when it was carried out, take it out of the file; else '
        .. '`lugger migrate %s --again` runs it once more'):format(self.direction))
    end
  end
end

local function unrecordable(self, name, hash, st, params)
  local one = { step = name, statement = st.text, digest = hash, state = 'running' }
  local state, result = outside.run(self, st, params, earlier_of(self, name, hash), function(note)
    one.note = json.encode(note)
    record(self, one)
  end)
  if state == 'done' then
    one.state, one.note = 'done', nil
    record(self, one)
    return result
  end
  -- When the server refused the step, the failure is recorded. When it never answered, the step stays "running" and is
  -- checked next time.
  if state == 'failed' and self.run.main:alive() then
    one.state, one.error = 'failed', tostring(result)
    pcall(record, self, one)
    if st.may_commit then
      local stays = 'what it committed before that stays, and the next run begins it anew'
      result = native.error(result.code, result.message, result.hint ~= '' and result.hint .. '; ' .. stays or stays,
        result.sqlstate, result.notes)
    end
  end
  error(result, 0)
end

local function run_each_time(self, connection, st, params)
  local result = self:send(connection, st, params)
  if not self.inner then self.replay:ran(connection, st, params) end
  return result
end

--- The part of a result that is recorded, so that it can be returned again.
---@param result table
---@param session table<string, string|false>|nil what it made of the session's settings
---@return string
function steps.note_of(result, session)
  local rows = json.list {}
  for i, row in ipairs(result.rows or {}) do
    rows[i] = json.list {}
    for column = 1, #result.names do rows[i][column] = row[column] ~= native.null and row[column] end
  end
  local text = json.encode { names = json.list(result.names or {}), types = json.list(result.types or {}),
    affected = tonumber(result.affected), rows = rows, session = session }
  if #text <= largest_note then return text end
  return json.encode { affected = tonumber(result.affected), large = true, session = session }
end

local function step(self, connection, st, params)
  retry.check_stop()
  if self.inner then return self:send(connection, st, params) end
  if st.sets then return run_each_time(self, connection, st, params) end
  local name, hash = next_step(self), digest(connection.name .. st.text .. (st.data or ''), params)
  local known = known_step(self, name, hash)
  if known and known.state == 'done' then return given_again(self, known, st) end
  self.run:tell_step(self, name, st)
  if connection ~= self.run.main then return elsewhere(self, connection, name, hash, st, params) or empty end
  check_unseen(self, hash, st)
  if not st.transactional then return unrecordable(self, name, hash, st) or empty end
  local ok, result = pcall(with_record, self, name, hash, st.text, function()
    return self:send(connection, st, params)
  end)
  if ok then
    if st.lasting then self.replay:made(connection, st) end
    return result or empty
  end
  -- "cannot run inside a transaction block", "invalid transaction termination": only the server can know.
  local state = retry.sqlstate(result)
  if not statement.wants_to_commit(st, state) and (state ~= '25001' or params) then error(result, 0) end
  return unrecordable(self, name, hash, st, params) or empty
end

---@private
function steps:exec(connection, sql, params)
  local affected = 0
  for _, st in ipairs(self:statements(sql, params)) do
    affected = tonumber(step(self, connection, st, params).affected) --[[@as integer]]
  end
  return affected
end

---@private
function steps:query(connection, sql, params)
  local result = empty
  for _, st in ipairs(self:statements(sql, params)) do
    if st.reads_only then
      retry.check_stop()
      result = st.sets and run_each_time(self, connection, st, params) or self:send(connection, st, params)
    else
      result = step(self, connection, st, params)
    end
  end
  return result
end

---@private
function steps:transaction(connection, work)
  if self.inner then return self:part(connection, work) end
  if connection ~= self.run.main then config.raise('db:transaction is for the main database') end
  local name, hash = next_step(self), digest 'transaction'
  local known = known_step(self, name, hash)
  if known and known.state == 'done' then return end
  local ok, err = pcall(with_record, self, name, hash, 'transaction', function()
    self.inner = true
    work()
    self.inner = false
  end)
  self.inner = false
  if not ok then error(err, 0) end
end

--- The value found by an earlier attempt, otherwise the result of `find`.
---@param label string
---@param find fun(): any
---@return any
function steps:remember(label, find)
  if self.inner then return find() end
  local name, hash = next_step(self), digest(label)
  local known = known_step(self, name, hash)
  if known and known.state == 'done' then return native.json_tables(known.note).found end
  local found = find()
  record(self, { step = name, statement = label, digest = hash, state = 'done', note = json.encode { found = found } })
  return found
end

--- Does work; when it fails, or the process is killed, reverts what its steps made.
---@param work fun()
---@param undo string[] SQL
---@param needed string|nil SQL: true until the work is done for good
function steps:or_undo(work, undo, needed)
  undoing.run(self, work, undo, needed)
end

--- Begins a step of batches. Returns its name and the position it has reached, or nil and true when it is done.
---@param label string
---@param identity string what they go over: a position belongs to these rows and no others
---@return string name
---@return string|nil position
---@return boolean done
function steps:begin_batches(label, identity)
  local name = next_step(self)
  local hash, before = digest(identity), self.known[name]
  -- Earlier versions recorded only the label.
  if before and before.digest == digest(label) then before.digest = hash end
  local known = known_step(self, name, hash)
  if known and known.state == 'done' then return name, nil, true end
  if known and known.digest ~= hash and known.note then
    stuck.raise(('step %s of %s was begun as: %s -- and now goes over other rows'):format(name, self.migration.file,
      statement.brief(known.statement, 200)),
      ('put `where`, `key` and `table` back, then `lugger migrate %s` goes on; or `lugger migrate repair` forgets the '
      .. 'attempt, and what it did stays'):format(self.direction))
  end
  return name, known and known.note, false
end

--- Ends a batch and commits it with its position. A batch without a position is the last.
---@param name string
---@param label string
---@param position string|nil
---@param identity string
function steps:end_batch(name, label, position, identity)
  record(self, { step = name, statement = label, digest = digest(identity), state = position and 'running' or 'done',
    note = position })
  self.run:fence()
  self.run.main:commit()
  self.inner = false
end

--- Runs the statements of an SQL file.
---@param statements lugger.statement[]
function steps:sql(statements)
  for _, st in ipairs(statements) do
    self:check_control(st)
    step(self, self.run.main, st)
  end
end

--- Marks a part as done.
---@param label string
function steps:end_part(label)
  local batch = self.batch
  if self.inner and batch then self:end_batch(batch.name, batch.label, nil, batch.identity) end
  record(self, { step = tostring(self.part), statement = label, digest = digest(label), state = 'done' })
end

--- True when an earlier attempt has done the part.
---@return boolean
function steps:part_done()
  local known = self.known[tostring(self.part)]
  return known ~= nil and known.state == 'done'
end

local module = {}

--- An executor that continues after the recorded steps of the entry.
---@param run table
---@param migration lugger.migration
---@param direction "up"|"down"
---@param entry string
---@return table
function module.new(run, migration, direction, entry)
  local known, former = run.ledger:steps(entry), {}
  for name, one in pairs(known) do
    if one.state ~= 'done' then former[name] = one end
  end
  return setmetatable({ run = run, migration = migration, direction = direction, entry = entry, counter = 0, part = 0,
    known = known, former = former, replay = session_replay.new() }, steps)
end

return module
