-- A migration that cannot be one transaction: each step is recorded, with it where PostgreSQL allows, else before and
-- behind it. A function is called again from its beginning after a failure; steps that are done are passed over.
local config = require 'lugger.config'
local executor = require 'lugger.migrate.executor'
local json = require 'lugger.json_text'
local native = require 'lugger.native'
local outside = require 'lugger.migrate.outside'
local retry = require 'lugger.migrate.retry'
local statement = require 'lugger.migrate.statement'

local steps = executor.class {}

local largest_note = 1000000 -- bytes of rows that a recorded step keeps

local function digest(text, params)
  local parts = { text }
  for _, param in ipairs(params or {}) do parts[#parts + 1] = tostring(param) end
  return native.system.sha256(table.concat(parts, '\0'))
end

-- The name of the next step of the part under way: "2.3".
local function next_step(self)
  self.counter = self.counter + 1
  return ('%d.%d'):format(self.part, self.counter)
end

local function known_step(self, name, hash)
  local known = self.known[name]
  if known and known.state == 'done' and known.digest ~= hash then
    config.raise(('step %s of %s was done as: %s'):format(name, self.migration.file,
      statement.brief(known.statement, 200)) .. ' -- and is now something else',
      'put back the steps that are done, and change only those behind them; '
      .. '`lugger migrate repair` forgets the attempt')
  end
  return known
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

local function given_again(known)
  if not known.note then return empty end
  local found = native.json_tables(known.note)
  if found.large then
    config.raise('a step that is done returned more rows than are kept, so the migration cannot go on behind it',
      'read the rows by a query of its own')
  end
  for key, value in pairs(empty) do found[key] = found[key] or value end
  for _, row in ipairs(found.rows) do
    for column = 1, #found.names do row[column] = row[column] or native.null end
  end
  return found
end

-- The step and its record in one transaction.
local function with_record(self, name, hash, text, work)
  local main = self.run.main
  local given, committed = retry.run(spec_of(self, main, name), function()
    main:begin()
    local result = work()
    local step = { step = name, statement = text, digest = hash, state = 'done', note = result
      and steps.note_of(result) }
    record(self, step)
    self.run:fence()
    main:commit()
    return result
  end)
  if committed then
    self.known[name] = self.run.ledger:steps(self.entry)[name]
    given = given_again(self.known[name])
  end
  return given
end

-- On another database the step commits with a mark; the record here follows.
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

local function unrecordable(self, name, hash, st)
  local earlier = self.known[name]
  local note = earlier and earlier.note and native.json_tables(earlier.note) or outside.before(self.run.main, st)
  local one = { step = name, statement = st.text, digest = hash, state = 'running', note = json.encode(note) }
  record(self, one)
  local ok, result = pcall(outside.run, self, st, note, earlier ~= nil)
  one.state, one.error = ok and 'done' or 'failed', not ok and tostring(result) or nil
  if ok then
    one.note = nil
    record(self, one)
    return result
  end
  if self.run.main:alive() then pcall(record, self, one) end
  error(result, 0)
end

--- What a record keeps of a result, so that it can be given again.
---@param result table
---@return string
function steps.note_of(result)
  local rows = json.list {}
  for i, row in ipairs(result.rows or {}) do
    rows[i] = json.list {}
    for column = 1, #result.names do rows[i][column] = row[column] ~= native.null and row[column] end
  end
  local text = json.encode { names = json.list(result.names or {}), types = json.list(result.types or {}),
    affected = tonumber(result.affected), rows = rows }
  if #text <= largest_note then return text end
  return json.encode { affected = tonumber(result.affected), large = true }
end

local function step(self, connection, st, params)
  retry.check_stop()
  if self.inner then return self:send(connection, st, params) end
  if st.sets then return self:send(connection, st, params) end -- holds for the session: done each time
  local name, hash = next_step(self), digest(connection.name .. st.text, params)
  local known = known_step(self, name, hash)
  if known and known.state == 'done' then return given_again(known) end
  self.run:tell_step(self, name, st)
  if connection ~= self.run.main then return elsewhere(self, connection, name, hash, st, params) or empty end
  if not st.transactional then return unrecordable(self, name, hash, st) or empty end
  return with_record(self, name, hash, st.text, function() return self:send(connection, st, params) end) or empty
end

---@private
function steps:exec(connection, sql, params)
  local affected = 0
  for _, st in ipairs(self:statements(sql, params)) do
    affected = tonumber(step(self, connection, st, params).affected)
  end
  return affected
end

---@private
function steps:query(connection, sql, params)
  local result = empty
  for _, st in ipairs(self:statements(sql, params)) do
    if st.reads_only then
      retry.check_stop()
      result = self:send(connection, st, params)
    else
      result = step(self, connection, st, params)
    end
  end
  return result
end

---@private
function steps:transaction(connection, work)
  if self.inner then return work() end
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

--- What was found out by an earlier attempt, else what `find` gives now.
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

--- Begins a step of batches: its name, and the position it came to, or nil and true when it is done.
---@param label string
---@return string name
---@return string|nil position
---@return boolean done
function steps:begin_batches(label)
  local name = next_step(self)
  local known = known_step(self, name, digest(label))
  if known and known.state == 'done' then return name, nil, true end
  return name, known and known.note, false
end

--- Ends a batch: what was done in it commits with its position; a batch without one is the last.
---@param name string
---@param label string
---@param position string|nil
function steps:end_batch(name, label, position)
  record(self, { step = name, statement = label, digest = digest(label), state = position and 'running' or 'done',
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
  if self.inner then self:end_batch(self.batch.name, self.batch.label) end
  record(self, { step = tostring(self.part), statement = label, digest = digest(label), state = 'done' })
end

--- True when the part was done by an earlier attempt.
---@return boolean
function steps:part_done()
  local known = self.known[tostring(self.part)]
  return known ~= nil and known.state == 'done'
end

local module = {}

--- An executor that goes on where the entry's steps end.
---@param run table
---@param migration lugger.migration
---@param direction "up"|"down"
---@param entry string
---@return table
function module.new(run, migration, direction, entry)
  return setmetatable({ run = run, migration = migration, direction = direction, entry = entry, counter = 0, part = 0,
    known = run.ledger:steps(entry) }, steps)
end

return module
