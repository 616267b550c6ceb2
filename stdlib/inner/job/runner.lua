-- Runs jobs one after another for the command line: forecast, progress, stop, summary, exit status.
local effects = require 'lugger.inner.base.effects'
local json = require 'lugger.inner.base.json_text'
local load_advice = require 'lugger.inner.job.load_advice'
local native = require 'lugger.native'
local oplog_view = require 'lugger.inner.view.oplog'
local plan_view = require 'lugger.inner.view.plan'
local progress = require 'lugger.inner.job.progress'
local script = require 'lugger.inner.script.script'
local summary = require 'lugger.inner.job.summary'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local runner = {}

local large_bytes = 50e9 -- beyond this a plain load is worth a second thought

--- What is known before a run, as one line.
---@param plan lugger.job_plan
---@param settings lugger.run_settings
---@return string
function runner.forecast(plan, settings)
  local info, parts = plan.source_info, {}
  if tonumber(info.bytes) > 0 then
    parts[#parts + 1] = terminal.bytes(info.bytes) .. (info.compressed and ' compressed' or '')
  end
  if info.documents then parts[#parts + 1] = terminal.count(info.documents, 'document') end
  if settings.limit and settings.limit > 0 then
    parts[#parts + 1] = 'of which at most ' .. terminal.group(settings.limit)
  end
  if #parts == 0 then parts[1] = 'size unknown' end
  local line = ('%s: %s'):format(plan.job, table.concat(parts, ', '))
  if plan.forecast_seconds > 0 then
    line = line .. '; forecast ' .. terminal.about(plan.forecast_seconds)
  end
  return line .. (plan.connections > 1 and ' on ' .. terminal.count(plan.connections, 'connection') or '')
end

local function announce(plan, settings, options)
  if options.log == 'json' then
    terminal.event('plan', {
      job = plan.job, source = plan.source, target = plan.target, mode = plan.report.mode,
      connections = plan.connections,
      bytes = plan.source_info.bytes, documents = plan.source_info.documents, forecast_seconds = plan.forecast_seconds,
      warnings = json.list(plan.warnings),
    })
    return
  end
  if options.quiet then return end
  terminal.say(runner.forecast(plan, settings))
  if tonumber(plan.source_info.bytes) > large_bytes then
    terminal.warn(('%s is more than 50 GB: check disk space for twice that on the target, and consider '
      .. 'splitting the run'):format(terminal.bytes(plan.source_info.bytes)))
  end
  oplog_view.advise(plan.warnings) -- jobs of one dump share some of theirs
  for _, warning in ipairs(plan.report.warnings) do terminal.warn(warning) end
  plan_view.warn_of_keys(plan)
end

local function building(snapshot)
  return snapshot.stage == 'index' or snapshot.stage == 'constrain'
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
      if options.log ~= 'json' and not options.quiet then
        terminal.say(level >= 2 and (building(snapshot) and 'stopping at once' or 'stopping at once; the open batch is '
          .. 'rolled back') or building(snapshot) and 'cancelling what is being built; once more leaves it as it is'
          or 'finishing the batch; once more stops at once')
      end
    end
    if not run:ended() then
      reporter:pause(snapshot)
      reporter:update(snapshot)
    end
  end
  reporter:finish()
  return run:result()
end

local function failed(job, err, settings)
  return {
    job = job, status = 'failed', error = type(err) == 'string' and err or tostring(err), hint = '',
    error_code = type(err) ~= 'string' and err.code or '',
    tally = { read = 0, inserted = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0, suppressed = 0,
      deleted = 0, rows = 0, child_rows = 0, bytes = 0 },
    seconds = 0, unmapped = {}, skip_reasons = {}, reject_codes = {}, rejects = {}, tables = 0,
    notes = {}, warnings = {}, refused = {}, constrained = true, stage = settings and settings.stage or '',
    resume_command = '', run = '',
  }
end

local function problems_of(plan)
  local problems = plan.report.problems
  if #problems == 0 then return nil end
  return native.error('config', #problems == 1 and problems[1]
    or ('%d problems keep the run from starting:\n  %s'):format(#problems, table.concat(problems, '\n  ')))
end

--- Runs one job and returns its result; errors become a failed result.
---@param job table
---@param settings lugger.run_settings
---@param options { log: string|nil, quiet: boolean|nil }
---@return lugger.run_result
function runner.run(job, settings, options)
  local name = job:name()
  local before = system.interrupt_raises(false)
  local ok, result = pcall(function()
    local builds_only = settings.stage == 'index' or settings.stage == 'constrain'
    if builds_only and not job.plan then
      error(native.error('config', name .. ' is a task: it has no stages of its own'), 0)
    end
    local plan
    if not settings.retry_rejects and job.plan and not builds_only then
      plan = job:plan(settings)
      announce(plan, settings, options)
      local problem = problems_of(plan)
      if problem then error(problem, 0) end
    end
    local mode = (options.quiet or options.log == 'none') and 'none' or options.log
    local reporter = progress.new(name, mode)
    local result = runner.watch(job:start(settings), reporter, options)
    if plan and settings.create and result.status == 'done' and not result.dry_run then
      result.made = load_advice.of_made(plan, job:on_conflict())
    end
    return result
  end)
  system.interrupt_raises(before)
  if not ok then return failed(name, result, settings) end
  return result
end

local function status_of(result)
  if result.status == 'failed' then return result.error_code == 'interrupted' and 130 or 1 end
  if result.status == 'stopped' then return 130 end
  if not summary.balanced(result.tally) then return 1 end
  if result.constrained == false then return 4 end
  return tonumber(result.tally.rejected) + tonumber(result.tally.suppressed) > 0 and 3 or 0
end

-- The worse of two: a failure is told before a stop, a stop before constraints that rows stand against, those before
-- rejects.
local rank = { [0] = 0, [3] = 1, [4] = 2, [130] = 3, [1] = 4 }

--- Runs jobs in order, prints the summary, and returns the exit status. A failed job does not keep the others from
--- running.
---@param jobs table[]
---@param settings lugger.run_settings
---@param options { log: string|nil, quiet: boolean|nil, script: string, resume: string }
---@return integer status
function runner.run_all(jobs, settings, options)
  local results, status = {}, 0
  for i, job in ipairs(jobs) do
    local result = runner.run(job, settings, options)
    results[i] = result
    local one = status_of(result)
    if rank[one] > rank[status] then status = one end
    if options.log == 'json' then
      terminal.event('end', summary.fields(result, (i == #jobs or one == 130) and summary.hints(results) or nil))
    end
    if one == 130 then break end
  end
  if options.log ~= 'json' then summary.print(results, #jobs, options) end
  return status
end

--- A job or task to its end, as scripts and the prompt want it: the result, or an error.
---@param work lugger.job|lugger.task
---@param settings lugger.run_settings|nil
---@return lugger.run_result
function runner.run_or_raise(work, settings)
  script.note_run()
  effects.note()
  local result = runner.run(work, settings or {}, {})
  if result.status == 'failed' then
    error(native.error(result.error_code ~= '' and result.error_code or 'bug', result.error, result.hint), 3)
  end
  return result
end

return runner
