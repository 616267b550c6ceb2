-- Tasks: a loop written in the script, with the ledger, rejects, dry run, resume and progress of a job.
local bson = require 'lugger.inner.base.bson'
local clock = require 'lugger.inner.base.clock'
local config = require 'lugger.inner.cli.config'
local cursors = require 'lugger.inner.job.cursor'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local script = require 'lugger.inner.script.script'
local throttle = require 'lugger.inner.job.throttle'

local yield_every = 0.2 -- seconds between two yields to the caller that polls the run

local look_every_ms = 50 -- while it waits for permission to go on

local function check_stop(state)
  if state.stop or state.native:stopping() then error(native.error('interrupted', 'stopped'), 0) end
end

-- Yields to the caller that polls the run: it may look, ask it to stop, or show why it waits.
local function give_way(state)
  if coroutine.running() == state.thread then
    coroutine.yield()
  elseif state.waits_for then
    -- Inside a coroutine of the script itself there is no caller to yield to.
    native.system.sleep(look_every_ms)
    state.stop = state.stop or native.system.stop_level() > 0
  end
  state.paused = native.system.monotonic()
  check_stop(state)
end

-- Yields if enough time has passed since the last time.
local function pause(state)
  check_stop(state)
  if native.system.monotonic() - state.paused >= yield_every then give_way(state) end
end

-- Calls `ask` repeatedly until it returns something.
local function wait_for(state, ask)
  local found = ask()
  while not found do
    state.waits_for = state.native:waits_for()
    give_way(state)
    found = ask()
  end
  state.waits_for = nil
  return found
end

-- Before a unit, with nothing open on the target, waits while the run is paused, outside its hours, over its speed, or
-- while a limit on the target's health is exceeded.
local function wait_turn(state)
  wait_for(state, function() return state.native:may_go_on() end)
  pause(state)
end

---@class lugger.task_cursor
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
  local batch = cursors.batch(found, state.native:position(self.number), self)
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

---@class lugger.task_writer
local writer = {}
local writer_meta = { __index = writer, __name = 'writer' }

--- Applies the columns to every document of the batch, natively as in a job.
---@param batch lugger.batch
function writer:write(batch)
  local found = cursors.native_batch(batch) or fault.raise('config', 'out:write wants a batch of a cursor')
  if not cursors.is_current(batch) then fault.raise('hook', 'batch used after its commit') end
  self.state.native:write(found)
end

--- Adds one row by the names of its columns; values pass the same coercers.
---@param row table<string, any>
function writer:add(row)
  if type(row) ~= 'table' then
    fault.raise('config', 'out:add wants a table of columns: out:add { email = doc.email }')
  end
  self.state.native:add(bson.encode(document.document(row)))
end

--- Makes a document a reject with this reason.
---@param doc lugger.doc
---@param reason lugger.error|string|nil
---@param column string|nil
function writer:reject(doc, reason, column)
  if not document.is_view(doc) then fault.raise('config', 'out:reject wants a document of a batch') end
  local index, found = document.index(doc), self.state.found[document.batch_address(doc)]
  if not (index and found) then fault.raise('config', 'out:reject wants a document of this task, not a part of one') end
  local why = type(reason) == 'table' and reason.message or reason ~= nil and tostring(reason) or 'refused by the task'
  self.state.native:reject(found, index, column or '', why)
end

--- Commits rows, rejects and position in one transaction. Batches read before become invalid.
---@param position string batch:position() or cursor:position()
function writer:commit(position)
  if type(position) ~= 'string' then
    fault.raise('config', 'out:commit wants a position: out:commit(batch:position())')
  end
  local state = self.state
  wait_for(state, function() return state.native:commit(position) end)
  wait_turn(state)
end

---@class lugger.task_context
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
  return setmetatable({ state = state, number = number }, cursor_meta)
end

--- Makes the writer; a task has only one.
---@param target lugger.target
---@param mapping table { columns = ..., children =, key =, on_conflict =, unmapped =, throttle = } as for lugger.copy
---@return lugger.task_writer
function context:writer(target, mapping)
  if not place.is(target, 'target') then fault.raise('config', 'task:writer wants a lugger.target(...)') end
  local columns, limits = {}, nil
  for key, v in pairs(mapping or {}) do
    if key == 'throttle' then limits = throttle.check(v) else columns[key] = v end
  end
  self.state.native:set_writer(config.resolve(target.place, 'into'), target.options, columns, limits)
  local now = self.state.native:now()
  if now ~= '' then clock.set(now) end -- a resumed run keeps its instant
  wait_turn(self.state)
  return setmetatable({ state = self.state }, writer_meta)
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
  self.state.native:rollback()
  self.ending = true
  self.state.native:finish(status, err)
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
  if state.waits_for then native.system.sleep(look_every_ms) end
  state.paused = native.system.monotonic()
  local ok, err = coroutine.resume(state.thread)
  if not ok then
    local stopped = type(err) == 'table' and err.code == 'interrupted'
    finish(self, stopped and 'stopped' or 'failed', not stopped and err or nil)
  elseif coroutine.status(state.thread) == 'dead' then
    finish(self, 'done')
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
local task = {}
local task_meta = { __index = task, __name = 'task', __tostring = function(self) return 'task ' .. self.label end }

--- Its name, which identifies it in the ledger.
---@return string
function task:name()
  return self.label
end

--- Starts it; each poll runs it for a while.
---@param settings lugger.run_settings|nil
---@return table run
function task:start(settings)
  local identity = self.identity
  local state = { paused = native.system.monotonic(), found = {} }
  state.native = native.task(self.label, identity.script_hash, identity.resume_command, settings or {}, clock.text())
  state.thread = coroutine.create(function() self.body(setmetatable({ state = state }, context_meta)) end)
  return setmetatable({ state = state }, run_meta)
end

--- Runs it to the end, with progress on standard error. Raises when it fails.
---@param settings lugger.run_settings|nil
---@return lugger.run_result
function task:run(settings)
  return require('lugger.inner.job.runner').run_or_raise(self, settings)
end

methods.check('cursor', cursor, cursor_meta)
methods.check('writer', writer, writer_meta)
methods.check('task', context, context_meta)
methods.check('task', task, task_meta)

local module = {}

--- Makes a task, for lugger.task.
---@param name string
---@param body fun(task: lugger.task_context)
---@return lugger.task
function module.new(name, body)
  if type(name) ~= 'string' or type(body) ~= 'function' then
    fault.raise('config', 'lugger.task wants a name and a function', "lugger.task('plans', function(task) ... end)")
  end
  script.note_job()
  return setmetatable({ label = name, body = body, identity = script.identity() }, task_meta)
end

return module
