-- Applies one migration in one direction: in a single transaction with its row in the ledger, or step by step.
local by_steps = require 'lugger.inner.migrate.by_steps'
local config = require 'lugger.inner.cli.config'
local executor = require 'lugger.inner.migrate.executor'
local native = require 'lugger.native'
local one_transaction = require 'lugger.inner.migrate.one_transaction'
local retry = require 'lugger.inner.migrate.retry'
local stuck = require 'lugger.inner.migrate.stuck'
local system = native.system

local apply = {}

-- True when a file needs steps, as far as this is known before it runs.
local function needs_steps(body, parts)
  if body.no_transaction then return true end
  for _, part in ipairs(parts) do
    if part.kind == 'job' or part.no_transaction then return true end
    for _, st in ipairs(part.statements or {}) do
      if not st.transactional or (st.alone and #part.statements > 1) then return true end
    end
  end
  return false
end

--- True when a migration runs in one transaction, as far as this is known before it runs.
---@param migration lugger.migration
---@param direction "up"|"down"
---@return boolean
function apply.in_one_transaction(migration, direction)
  local body = migration:body()
  return not needs_steps(body, body[direction] or {})
end

local function entry_of(migration, direction, more)
  local entry = { version = migration.version, name = migration.name, checksum = migration.checksum,
    direction = direction }
  for key, value in pairs(more) do entry[key] = value end
  return entry
end

local function check_verified(ex, parts)
  for i, part in ipairs(parts or {}) do
    if part.kind ~= 'function' then config.raise(('item %d of `verify` is not a function'):format(i)) end
    local good, message = ex:call(part.run)
    if good == false then
      error(native.error('verify', ('verify says no: %s'):format(tostring(message or 'it returned false'))), 0)
    end
  end
end

--- Runs the functions of `verify` with an executor; raises when one fails.
apply.check_verified = check_verified

local function run_part(ex, part)
  if part.kind == 'sql' then return ex:sql(part.statements) end
  if part.kind == 'function' then return ex:call(part.run) end
  ex:switch()
end

--- Runs all parts with an executor that records no steps.
---@param ex table
---@param parts table[]
function apply.run_parts(ex, parts)
  for _, part in ipairs(parts) do run_part(ex, part) end
end

local function try_once(run, migration, direction, entry, begun)
  local ex, body = one_transaction.new(run, migration, direction), migration:body()
  run.executor = ex
  run.main:begin()
  apply.run_parts(ex, body[direction])
  if direction == 'up' then check_verified(ex, body.verify) end
  retry.check_stop()
  begun.commits = true
  ex:commit(function()
    run.ledger:write(entry_of(migration, direction, { entry = entry, state = 'done', started = begun.at,
      duration_ms = (system.monotonic() - begun.clock) * 1000 }))
    run:fence()
  end)
end

-- True when everything that a failed attempt did was rolled back. Not so when the migration ended its transaction
-- itself, or when other databases have committed already.
local function is_undone(run, begun, err)
  if type(err) ~= 'table' or err.code == 'connect' or not run.main:in_transaction() then return false end
  return not begun.commits or next(run.executor.joined) == nil
end

-- What the ledger keeps of an error: its hint is for the moment, and `status` has its own.
local function lasting_text(err)
  local text, hint = tostring(err), type(err) == 'table' and err.hint
  if type(hint) == 'string' and text:sub(-#hint - 2) == '; ' .. hint then text = text:sub(1, -#hint - 3) end
  return system.mask_text(text)
end

local function note_failure(run, migration, direction, entry, begun, err)
  if executor.is_switch(err) then return end
  pcall(function()
    run.main:rollback()
    run.ledger:write(entry_of(migration, direction, { entry = entry, state = 'failed', started = begun.at,
      error = lasting_text(err), duration_ms = (system.monotonic() - begun.clock) * 1000 }))
  end)
end

local function in_transaction(run, migration, direction)
  local entry = run.ledger:new_entry()
  local begun = { clock = system.monotonic(), at = run.main:query('SELECT pg_catalog.clock_timestamp()').rows[1][1] }
  local ok, err = pcall(retry.run, { tries = run.options.tries, tell = run.say,
    recover = function()
      run.executor:rollback()
      run:end_sessions() -- for things outside the transaction: prepared statements, advisory locks
    end,
    done = function() return run.ledger:state_of(entry) == 'done' end,
    about = function() return run:blockers(run.executor:last_tables()) end,
  }, function()
    begun.commits = false
    local done, why = pcall(try_once, run, migration, direction, entry, begun) ---@type boolean, any
    if not done and is_undone(run, begun, why) then why.undone = true end
    if not done then error(why, 0) end
  end)
  if not ok then
    note_failure(run, migration, direction, entry, begun, err)
    error(err, 0)
  end
end

-- A job may have finished before its step could be recorded; it is not run again.
local function job_is_done(job, started)
  if not started then return false end
  local place, options = job:target()
  local ok, latest = pcall(function() return native.state(place, options):latest(job:name()) end)
  return ok and latest and latest.status == 'done' and latest.started >= started or false
end

local function run_job(run, ex, part)
  if run.rehearsal then
    config.raise(('%s runs the job %s, which would write to its own target and not to the copy'):format(
      ex.migration.path, part.job:name()), 'rehearse as far as the migration before it: --to VERSION')
  end
  local name = tostring(ex.part)
  local known = ex.known[name]
  local step = { step = name, statement = 'job ' .. part.job:name(), digest = '', state = 'running',
    note = known and known.note or os.date('!%Y-%m-%dT%H:%M:%S') }
  run.ledger:write_step(ex.entry, step)
  if known and part.job.target and job_is_done(part.job, known.note) then return end
  local result = require('lugger.inner.job.runner').run(part.job, {}, {})
  if result.status == 'failed' then
    error(native.error(result.error_code ~= '' and result.error_code or 'bug', result.error, result.hint), 0)
  elseif result.status == 'stopped' then
    error(native.error('interrupted', 'stopped; the job goes on where it was'), 0)
  end
  require('lugger.inner.job.summary').print({ result }, 1, { script = ex.migration.path })
end

-- How far the steps are, as text.
local function place_of(ex)
  local parts = {}
  for name, step in pairs(ex.known) do parts[#parts + 1] = name .. step.state .. (step.note or '') end
  table.sort(parts)
  return table.concat(parts, '\0')
end

--- Runs a function of a migration step by step.
---@param run lugger.migrate.run
---@param ex table an executor of steps
---@param body fun(db: lugger.migration_db, dbs: table<string, lugger.migration_db>)
function apply.function_by_steps(run, ex, body)
  -- When a batch cannot get a lock, the function is called again, and skips what is done.
  local last = place_of(ex)
  retry.run({ tries = run.options.tries, tell = run.say,
    recover = function()
      run.main:rollback()
      ex.replay:forget()
      ex.inner, ex.counter, ex.batch = false, 0, nil
      ex.known = run.ledger:steps(ex.entry)
    end,
    moved = function()
      local before = last
      last = place_of(ex)
      return last ~= before
    end,
    about = function() return run:blockers(ex:last_tables()) end,
  }, function()
    ex.counter = 0
    local ok, err = pcall(ex.call, ex, body) ---@type boolean, any
    if not ok and not ex.batch and retry.is_lock(err) then
      -- The statement has already been retried on its own.
      error(native.error(err.code, err.message, err.hint, nil, err.notes), 0)
    end
    if not ok then error(err, 0) end
  end)
end

local function run_steps(run, ex, body)
  for i, part in ipairs(body[ex.direction]) do
    ex.part, ex.counter = i, 0
    if not ex:part_done() then
      if part.kind == 'sql' then
        ex:sql(part.statements)
      elseif part.kind == 'function' then
        apply.function_by_steps(run, ex, part.run)
      else
        run_job(run, ex, part)
      end
      ex:end_part(part.kind == 'job' and 'job ' .. part.job:name() or part.kind)
    end
  end
  if ex.direction == 'up' then check_verified(one_transaction.new(run, ex.migration, 'up'), body.verify) end
end

---@return integer
local function done_steps(ex)
  local count = 0
  for _, step in pairs(ex.known) do
    if step.state == 'done' and step.step:find('.', 1, true) then count = count + 1 end
  end
  return count
end

local function step_by_step(run, migration, direction, open)
  local begun = system.monotonic()
  local entry = entry_of(migration, direction, { entry = open and open.entry or run.ledger:new_entry(),
    state = 'running' })
  run.ledger:write(entry)
  local ex = by_steps.new(run, migration, direction, entry.entry)
  if done_steps(ex) > 0 then
    run.say('  going on behind step ', done_steps(ex), ' of an earlier attempt')
  end
  local ok, err = pcall(run_steps, run, ex, migration:body())
  entry.duration_ms = (system.monotonic() - begun) * 1000
  if ok then
    entry.state = 'done'
    run.main:begin()
    run.ledger:write(entry)
    run:fence()
    run.main:commit()
    return
  end
  entry.state, entry.error = 'failed', lasting_text(err)
  pcall(function()
    run.main:rollback()
    run.ledger:write(entry)
  end)
  if type(err) ~= 'table' or stuck.is(err) then error(err, 0) end
  local notes = {}
  for _, key in ipairs(err.notes or {}) do notes[key] = err.notes[key] end
  error(native.error(err.code, err.message,
    ('%s%d of its steps are done and stay; `lugger migrate %s` goes on behind them')
    :format(err.hint ~= '' and err.hint .. '; ' or '', done_steps(ex), direction), err.sqlstate, notes), 0)
end

local function has_steps(run, open)
  return open and next(run.ledger:steps(open.entry)) ~= nil
end

--- Applies a migration; raises when it fails. Continues what an earlier attempt has left.
---@param run lugger.migrate.run
---@param migration lugger.migration
---@param direction "up"|"down"
---@param record lugger.migrate.record|nil
---@return "transaction"|"steps"
function apply.one(run, migration, direction, record)
  local body = migration:body()
  if not body[direction] then
    config.raise(('%s has no `%s`'):format(migration.path, direction),
      'undo a migration that has no `down` with a new one')
  end
  local open = record and record.open
  open = open and open.direction == direction and has_steps(run, open) and open or nil
  if not open and not needs_steps(body, body[direction]) then
    local ok, err = pcall(in_transaction, run, migration, direction)
    run:end_sessions()
    if ok then return 'transaction' end
    if not executor.is_switch(err) then error(err, 0) end
  end
  local ok, err = pcall(step_by_step, run, migration, direction, open)
  run:end_sessions()
  if not ok then error(err, 0) end
  return 'steps'
end

return apply
