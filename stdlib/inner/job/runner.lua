-- Runs jobs for the command line: progress, stop, summary, exit status.
local abreast = require 'lugger.inner.job.abreast'
local attempt = require 'lugger.inner.job.attempt'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local script = require 'lugger.inner.script.script'
local summary = require 'lugger.inner.job.summary'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system
local tonumber = tonumber --[[@as fun(count: any): number]]

local runner = {}

-- What a stop will do, once it is asked for.
local function tell_stop(level, snapshot, options)
  if options.log == 'json' or options.quiet then return end
  local building = snapshot.stage == 'index' or snapshot.stage == 'constrain'
  terminal.say(level >= 2 and (building and 'stopping at once' or 'stopping at once; the open batch is rolled back')
    or building and 'cancelling what is being built; once more leaves it as it is'
    or 'finishing the batch; once more stops at once')
end

--- Polls until the end; Ctrl-C (SIGTERM, SIGHUP) once finishes the batch, twice stops at once.
---@param run lugger.native.run|lugger.native.fix_run
---@param reporter table with pause, update and finish, as lugger.progress has them
---@param options { log: string|nil, quiet: boolean|nil }
---@return lugger.run_result
function runner.watch(run, reporter, options)
  local asked = 0
  while not run:ended() do
    local snapshot = run:poll(200)
    local level = system.stop_level()
    if level > asked then
      asked = level
      run:stop(level >= 2 and 'now' or 'finish')
      reporter:finish()
      tell_stop(level, snapshot, options)
    end
    if not run:ended() then
      reporter:pause(snapshot)
      reporter:update(snapshot)
    end
  end
  reporter:finish()
  if reporter.ended then reporter:ended(run:poll(0)) end
  return run:result()
end

-- The way of one job by itself, from where it stands.
local function go(one, options)
  if not one.plan and not one.result then one:look() end
  one:announce()
  if not one.result then one:start() end
  if one.run then
    one:try(function() runner.watch(one.run, one:new_reporter(), options) end)
    one:finish()
  end
  return one.result
end

--- Calls `work` while Ctrl-C only sets the level of the stop, for whoever watches.
---@param work fun()
function runner.without_interrupts(work)
  local before = system.interrupt_raises(false)
  local ok, err = pcall(work)
  system.interrupt_raises(before)
  if not ok then error(err, 0) end
end

--- Runs one job and returns its result; errors become a failed result.
---@param job table
---@param settings lugger.run_settings
---@param options { log: string|nil, quiet: boolean|nil }
---@return lugger.attempt_result
function runner.run(job, settings, options)
  local result ---@type lugger.attempt_result
  runner.without_interrupts(function() result = go(attempt.new(job, settings, options), options) end)
  return result
end

-- Failures that the same command goes on from.
local ended = { interrupted = 130, budget = 5 } ---@type table<string, integer|nil>

local function status_of(result)
  if result.status == 'failed' then return ended[result.error_code] or 1 end
  if result.status == 'stopped' then return 130 end
  if not summary.balanced(result.tally) then return 1 end
  if result.constrained == false then return 4 end
  return tonumber(result.tally.rejected) + tonumber(result.tally.suppressed) > 0 and 3 or 0
end

-- The worse of two: a failure is told before a stop, a stop before constraints that rows stand against, those before
-- rejects.
local rank = { [0] = 0, [3] = 1, [4] = 2, [5] = 3, [130] = 4, [1] = 5 }

--- The exit status of jobs that ran side by side: the worst of theirs.
---@param results lugger.attempt_result[]
---@return integer
function runner.status(results)
  local status = 0
  for _, result in ipairs(results) do
    local one = status_of(result)
    if rank[one] > rank[status] then status = one end
  end
  return status
end

--- Runs jobs in order, small ones side by side, prints the summary, and returns the exit status. A failed job does not
--- keep the others from running.
---@param jobs table[]
---@param settings lugger.run_settings
---@param options { log: string|nil, quiet: boolean|nil, script: string, resume: string }
---@return integer status
function runner.run_all(jobs, settings, options)
  local results, status, stopped = {}, 0, false
  local function on_end(result, others_at_work)
    results[#results + 1] = result
    local one = status_of(result)
    if rank[one] > rank[status] then status = one end
    stopped = stopped or one == 130
    if options.log == 'json' then
      local last = not others_at_work and (stopped or #results == #jobs)
      terminal.event('end', summary.fields(result, last and summary.hints(results) or nil))
    end
    return not stopped
  end
  runner.without_interrupts(function()
    abreast.run(jobs, settings, options, {
      alone = function(one) return go(one, options) end,
      on_end = on_end,
      on_stop = function(level, snapshot) tell_stop(level, snapshot, options) end,
    })
  end)
  if options.log ~= 'json' then summary.print(results, #jobs, options) end
  return status
end

---@class lugger.job_run_settings: lugger.run_settings
---@field on_progress nil|fun(figures: lugger.progress_figures) called several times a second, and at the end
---@field progress boolean|nil tell the progress on standard error: in a script if true, at the prompt unless false

--- Refuses what is no setting of a run, at the caller's line.
---@param call string "job:run"
---@param settings any
function runner.check_settings(call, settings)
  if settings == nil then return end
  if type(settings) ~= 'table' then
    fault.raise('config', ('%s wants a table of settings, not a %s'):format(call, type(settings)),
      call .. ' { create = true }')
  end
  local on_progress, told = settings.on_progress, settings.progress
  if on_progress ~= nil and type(on_progress) ~= 'function' then
    fault.raise('config', ('%s: on_progress is a function, not a %s'):format(call, type(on_progress)))
  end
  if told ~= nil and type(told) ~= 'boolean' then
    fault.raise('config', ('%s: progress is true or false, not a %s'):format(call, type(told)))
  end
  local own = { 'on_progress', 'progress' }
  for key in pairs(settings) do
    local hint = key ~= 'on_progress' and key ~= 'progress' and fault.near(key, own, false)
    if hint then fault.raise('config', ('%s does not know "%s"'):format(call, tostring(key)), hint) end
  end
  native.check_settings(runner.without_progress(settings))
end

--- The settings that concern the run, without how it is told.
---@param settings table|nil
---@return lugger.run_settings
function runner.without_progress(settings)
  local out = {}
  for key, v in pairs(settings or {}) do
    if key ~= 'on_progress' and key ~= 'progress' then out[key] = v end
  end
  return out
end

--- A job or task to its end, as scripts and the prompt want it: the result, or an error.
---@param work lugger.job|lugger.task
---@param settings lugger.job_run_settings|nil
---@return lugger.run_result
function runner.run_or_raise(work, settings)
  settings = effects.run_settings(settings)
  effects.note()
  local told = settings and settings.progress
  if told == nil then told = script.context() == nil end
  local options = { on_progress = settings and settings.on_progress, quiet = not told }
  local result = runner.run(work, runner.without_progress(settings), options)
  if options.raised then error(options.raised.err, 0) end
  if result.cause then error(result.cause, 0) end
  if result.status == 'failed' then
    fault.raise(result.error_code ~= '' and result.error_code or 'bug', result.error, result.hint)
  end
  return result
end

return runner
