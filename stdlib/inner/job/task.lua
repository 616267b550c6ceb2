-- Tasks: a loop written in the script, with the ledger, rejects, dry run, resume and progress of a job.
local action = require 'lugger.inner.script.action'
local bson = require 'lugger.inner.base.bson'
local clock = require 'lugger.inner.base.clock'
local config = require 'lugger.inner.cli.config'
local cursors = require 'lugger.inner.job.cursor'
local document = require 'lugger.inner.base.document'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local job_names = require 'lugger.inner.job.names'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local runner = require 'lugger.inner.job.runner'
local script = require 'lugger.inner.script.script'
local throttle = require 'lugger.inner.job.throttle'
local traceback = require 'lugger.inner.script.traceback'
local turns = require 'lugger.inner.job.task_turns'

local pause, wait_for, wait_turn = turns.pause, turns.wait_for, turns.wait_turn

---@class lugger.task_cursor
---@field package state table
---@field package number integer
local cursor = {}
local cursor_meta = { __index = cursor, __name = 'cursor' }

--- The next batch; nil at the end. Batches and their documents are valid until the next commit.
---@return lugger.batch|nil
function cursor:next()
  pause(self.state)
  local state, number = self.state, self.number
  local found = wait_for(state, function()
    return state.native:next(number) or state.native:exhausted(number) and 'none'
  end)
  if found == 'none' then return nil end
  local batch = cursors.batch(found, state.native:position(number), self, number == 0 and state.taken or nil)
  state.found[batch:address()] = found
  return batch
end

--- Iterates over the batches, beginning after the last committed position.
---@return fun(): lugger.batch|nil
function cursor:batches()
  return function() return self:next() end
end

--- Its position, for commit.
---@return string
function cursor:position()
  return self.state.native:position(self.number)
end

-- Refuses names that no column or child table takes, at the line that has them.
local function check_names(row, names, within)
  for name, v in pairs(row) do
    local found = names[name]
    if found == nil then
      fault.raise('config', ('out:add: %s has no column "%s"'):format(within, tostring(name)), fault.near(name, names))
    end
    if found ~= true and type(v) == 'table' then
      for _, element in pairs(v) do
        if type(element) == 'table' then check_names(element, found, within .. '.' .. name) end
      end
    end
  end
end

-- The native batch and the index of a document, as the native task takes them.
local function find(self, call, doc)
  if not document.is_view(doc) then
    fault.raise('config', ('out:%s wants a document of a batch'):format(call), 'a copy does not say where it came from')
  end
  local state = self.state
  local found, near = state.found[document.batch_address(doc)], state.taken.index
  local index = document.index(doc, near)
  if not (index and found) then
    fault.raise('config', ('out:%s wants a document of this task, not a part of one'):format(call))
  end
  return found, index
end

---@class lugger.task_writer
---@field package state table
---@field package number integer
---@field package names table<string, true|table>
local writer = {}
local writer_meta = { __index = writer, __name = 'writer' }

--- Applies the columns to every document of the batch, natively as in a job.
---@param batch lugger.batch
function writer:write(batch)
  local found = cursors.native_batch(batch) or fault.raise('config', 'out:write wants a batch of a cursor')
  if not cursors.is_current(batch) then fault.raise('hook', 'batch used after its commit') end
  if not self.state.found[batch:address()] then
    fault.raise('config', 'out:write wants a batch of a cursor of this task', 'task:cursor(source) opens one')
  end
  self.state.native:write(self.number, found)
end

--- Adds one row by the names of its columns; values pass the same coercers. Child tables take theirs by the names of
--- their arrays: `out:add { id = 1, lines = { { sku = 'a' } } }`. The row belongs to `doc`, and is booked with it; when
--- not given, to the document of the first cursor that the script took last: that of its loop.
---@param row table<string, any>
---@param doc lugger.doc|string|nil or the table
---@param into string|nil which of the tables of `route`
function writer:add(row, doc, into)
  if type(row) ~= 'table' then
    fault.raise('config', 'out:add wants a table of columns: out:add { email = doc.email }')
  end
  if type(doc) == 'string' and into == nil then doc, into = nil, doc end
  check_names(row, self.names, 'a row')
  local state, found, index = self.state, nil, nil
  if doc ~= nil then
    found, index = find(self, 'add', doc)
  elseif state.taken.batch then
    found, index = cursors.native_batch(state.taken.batch), state.taken.index
  end
  state.native:add(self.number, bson.encode(document.document(row)), into or '', found, index)
end

--- Skips a document: nothing of it is loaded, whatever was or will be written of it. Skips are counted by reason.
---@param doc lugger.doc
---@param reason string|nil
function writer:skip(doc, reason)
  local found, index = find(self, 'skip', doc)
  self.state.native:skip(found, index, reason ~= nil and tostring(reason) or 'skipped by the task')
end

--- Makes a document a reject with this reason: nothing of it is loaded, whatever was or will be written of it.
---@param doc lugger.doc
---@param reason lugger.error|string|nil
---@param column string|nil
function writer:reject(doc, reason, column)
  local found, index = find(self, 'reject', doc)
  local why = type(reason) == 'table' and reason.message or reason ~= nil and tostring(reason) or 'refused by the task'
  self.state.native:reject(self.number, found, index, column or '', why)
end

local last_one = 'out:commit(batch) with the batch that was read last'

-- The position that a commit means.
local function position_of(state, given)
  if cursors.native_batch(given) then
    local from = cursors.cursor_of(given)
    if not from or from.state ~= state then
      fault.raise('config', 'out:commit wants a batch of this task', last_one)
    end
    if from.number ~= 0 then
      fault.raise('config', 'out:commit wants a batch of the task\'s first cursor: its position is kept, and a resumed '
        .. 'run begins there', 'the cursor that was opened first leads; others are read to their ends again')
    end
    return given:position()
  end
  if given == nil then return state.has_cursor and state.native:position(0) or '' end
  if type(given) == 'string' then return given end
  fault.raise('config', ('out:commit wants a batch or its position, not a %s'):format(type(given)),
    last_one)
end

--- Commits what all writers have, rejects and position, in one transaction. Batches read before become invalid.
---@param batch lugger.batch|string|nil the last batch of the first cursor, or its position, which is meant when nothing
--- is given: behind the loop, and in a task without a cursor
function writer:commit(batch)
  local state = self.state
  local position = position_of(state, batch)
  wait_for(state, function() return state.native:commit(position) end)
  state.taken.batch = nil
  wait_turn(state)
end

---@class lugger.task_context
---@field package state table
local context = {}
local context_meta = { __index = context, __name = 'task' }

--- Opens a cursor. The position of the first cursor is stored, and a resumed run begins after it.
---@param source lugger.source
---@param options { batch_rows: integer? }|nil
---@return lugger.task_cursor
function context:cursor(source, options)
  if not place.is(source, 'source') then fault.raise('config', 'task:cursor wants a lugger.source(...)') end
  local state = self.state
  local where, batch_rows = config.resolve(source.place, 'from'), (options or {}).batch_rows or 1000
  local number = state.native:add_cursor(where, source.options, batch_rows)
  state.has_cursor = true
  return setmetatable({ state = state, number = number }, cursor_meta)
end

--- Makes a writer. Several writers of a task share a target, and what they write is committed together; they are made
--- before the first commit.
---@param target lugger.target
---@param mapping table { columns = ..., children =, key =, on_conflict =, unmapped =, throttle = } as for lugger.copy
---@return lugger.task_writer
function context:writer(target, mapping)
  if not place.is(target, 'target') then fault.raise('config', 'task:writer wants a lugger.target(...)') end
  job_names.check_route(mapping or {}, target)
  local columns, limits = {}, nil
  for key, v in pairs(mapping or {}) do
    if key == 'throttle' then limits = throttle.check(v) else columns[key] = v end
  end
  local state = self.state
  local number, names = state.native:add_writer(config.resolve(target.place, 'into'), target.options, columns, limits)
  local now = state.native:now()
  if now ~= '' then clock.set(now) end -- a resumed run keeps its instant
  wait_turn(state)
  return setmetatable({ state = state, number = number, names = names }, writer_meta)
end

-- A run that is polled like a job's: the body is a coroutine that yields where it reads and commits.
local run = {}
local run_meta = { __index = run, __name = 'run' }

--- Whether it came to its end.
---@return boolean
function run:ended()
  return self.outcome ~= nil
end

local function finish(self, status, err)
  self.ending = true
  self.state.native:finish(status, err)
end

-- The body has come to its end by itself: how the run ends. What it has not committed would be lost.
local function finish_body(self, given)
  local state = self.state
  if state.stop or state.native:stopping() then return finish(self, 'stopped') end
  ---@type boolean, any
  local ok, err = pcall(function()
    if action.is(given) then
      fault.raise('config', ('the body of a task returned lugger.%s, which is for hooks'):format(given.lugger_action),
        'in a task: out:skip(doc, reason), out:reject(doc, reason), out:add(row, doc, table)')
    end
    state.native:check_committed()
  end)
  if ok then return finish(self, 'done') end
  if type(err) == 'table' or type(err) == 'userdata' then
    local notes = {}
    for _, key in ipairs(err.notes or {}) do notes[key] = err.notes[key] end
    notes.script = state.line or notes.script
    err = native.error(err.code, err.message, err.hint, nil, notes)
  end
  finish(self, 'failed', err)
end

--- Continues until the body next reads or commits. When the body has ended, waits for the stages after it.
---@param timeout_ms integer|nil
---@return lugger.run_snapshot
function run:poll(timeout_ms)
  local state = self.state
  if self.ending then
    local snapshot = state.native:poll(timeout_ms or 0)
    if state.native:ended() then self.outcome = state.native:result() end
    return snapshot
  end
  if state.waits_for then native.system.sleep(turns.look_every_ms) end
  state.paused = native.system.monotonic()
  local ok, err = coroutine.resume(state.thread) -- at the end of the body: what it returned
  if not ok then
    traceback.keep_thread(state.thread)
    local stopped = type(err) == 'table' and err.code == 'interrupted'
    finish(self, stopped and 'stopped' or 'failed', not stopped and err or nil)
  elseif coroutine.status(state.thread) == 'dead' then
    finish_body(self, err)
  end
  local snapshot = state.native:poll(0)
  snapshot.waits_for = state.waits_for or ''
  return snapshot
end

--- Asks it to end: at the next read, or in the stages after the body.
---@param level "finish"|"now"|nil
function run:stop(level)
  self.state.stop = true
  self.state.native:stop(level)
end

--- Waits for the end.
---@return lugger.run_result
function run:result()
  while not self.outcome do self:poll(200) end
  return self.outcome
end

--- Closes its connections.
function run:close()
  self.state.native:close()
end

--- A loop written by hand, as lugger.task describes it; run, resumed and counted as jobs are.
---@class lugger.task
---@field package label string
---@field package identity lugger.script.identity
---@field package line string|nil
---@field package body fun(task: lugger.task_context)
local task = {}
local task_meta = { __index = task, __name = 'task', __tostring = function(self) return 'task ' .. self.label end }

--- Its name, which identifies it in the ledger.
---@return string
function task:name()
  return self.label
end

-- A task whose body is asked where it writes: it gets cursors that cannot be read, and learning the target ends it.
local learnt = {}
local unread_meta = { __index = function() error(learnt, 0) end }

---@param self lugger.task
---@return lugger.target
local function ask_target(self)
  local target ---@type lugger.target|nil
  local probe = {} ---@type any
  function probe.cursor() return setmetatable({}, unread_meta) end
  function probe.writer(_, where)
    target = where
    error(learnt, 0)
  end
  local ok, err = effects.without(
    ('where %s keeps its rejects is asked, and its body changes something before it makes a writer'):format(self.label),
    function() self.body(probe) end)
  if not target then
    if not ok and err ~= learnt then error(err, 0) end
    fault.raise('config', ('%s reads before it makes a writer, so it does not tell where its rejects are'):format(
      self.label), 'make its writers at the top of its body')
  end
  return target
end

--- The place and the options of its target. Its body is entered for that, up to its first task:writer.
---@return string place may hold a password
---@return table options
function task:target()
  local found = ask_target(self)
  return config.resolve(found.place, 'into'), found.options
end

--- Starts it; each poll runs it for a while.
---@param settings lugger.run_settings|nil
---@return table run
function task:start(settings)
  script.note_use(self)
  settings = effects.run_settings(settings)
  local identity = self.identity
  local state = { paused = native.system.monotonic(), found = {}, taken = {}, line = self.line }
  state.native = native.task(self.label, identity.script_hash, identity.resume_command, settings or {}, clock.text())
  state.thread = coroutine.create(function() return self.body(setmetatable({ state = state }, context_meta)) end)
  return setmetatable({ state = state }, run_meta)
end

--- Runs it to the end. Raises when it fails. A script hears nothing of it unless it asks, as for job:run.
---@param settings lugger.job_run_settings|nil
---@return lugger.run_result
function task:run(settings)
  script.note_use(self)
  runner.check_settings('task:run', settings)
  return runner.run_or_raise(self, settings)
end

--- Its rejects, as for job:rejects.
---@return lugger.rejects
function task:rejects()
  script.note_use(self)
  return require('lugger.inner.job.rejects').of(self)
end

methods.close('cursor', cursor, cursor_meta)
methods.close('writer', writer, writer_meta)
methods.close('task', context, context_meta)
methods.close('task', task, task_meta, methods.of_work)

local module = {}

--- Makes a task, for lugger.task.
---@param name string
---@param body fun(task: lugger.task_context)
---@return lugger.task
function module.new(name, body)
  if type(name) ~= 'string' or type(body) ~= 'function' then
    fault.raise('config', 'lugger.task wants a name and a function', "lugger.task('plans', function(task) ... end)")
  end
  local identity = script.identity()
  local made = setmetatable({ label = name, body = body, line = fault.where(), identity = identity }, task_meta)
  script.note_job(made)
  return made
end

return module
