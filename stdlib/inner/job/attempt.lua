-- One job on its way through a run: planned, announced, started, ended. Errors become a failed result.
local json = require 'lugger.inner.base.json_text'
local load_advice = require 'lugger.inner.job.load_advice'
local native = require 'lugger.native'
local plan_view = require 'lugger.inner.view.plan'
local progress = require 'lugger.inner.job.progress'
local shown = require 'lugger.inner.base.shown'
local terminal = require 'lugger.inner.view.terminal'

---@class lugger.attempt_result: lugger.run_result
---@field cause any the error of a failed one
---@field told boolean|nil its failure was told while others went on
---@field made { updated: string[], searched: string[] }|nil what load_advice says of the tables that it created

---@class lugger.attempt
---@field job table
---@field name string
---@field plan lugger.job_plan|nil
---@field run lugger.native.run|nil while it is under way
---@field result lugger.attempt_result|nil once it has ended
---@field settings lugger.run_settings
---@field options table
---@field reporter lugger.progress|nil
---@field asked integer|nil the level of the stop that was passed on
local attempt = {}
attempt.__index = attempt

local large_bytes = 50e9 -- beyond this a plain load is worth a second thought

--- A job that is to run with these settings; nothing is looked at yet.
---@param job table
---@param settings lugger.run_settings
---@param options { log: string|nil, quiet: boolean|nil }
---@return lugger.attempt
function attempt.new(job, settings, options)
  return setmetatable({ job = job, name = job:name(), settings = settings, options = options }, attempt)
end

--- What is known before a run, as one line.
---@param plan lugger.job_plan
---@param settings lugger.run_settings
---@return string
function attempt.forecast(plan, settings)
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

---@return lugger.attempt_result
local function failed(job, err, settings)
  return {
    job = job, status = 'failed', error = shown.error(err), hint = '',
    error_code = type(err) == 'table' and rawget(err, 'code') or '', cause = type(err) == 'table' and err or nil,
    tally = { read = 0, inserted = 0, updated = 0, unchanged = 0, skipped = 0, rejected = 0, suppressed = 0,
      deleted = 0, rows = 0, child_rows = 0, bytes = 0, balanced = true },
    seconds = 0, resumed = false, dry_run = settings ~= nil and settings.dry_run == true, unmapped = {}, unmet = {},
    skip_reasons = {}, reject_codes = {}, rejects = {}, tables = 0,
    notes = {}, noticed = {}, warnings = {}, refused = {}, constrained = true, position_lost = false,
    stage = settings and settings.stage or '',
    resume_command = '', run = '',
  }
end

--- Calls `work`; an error of it ends the attempt.
---@param work fun()
function attempt:try(work)
  local ok, err = pcall(work)
  if not ok then self.result = failed(self.name, err, self.settings) end
end

local function problems_of(plan)
  local problems = plan.report.problems
  if #problems == 0 then return nil end
  return native.error('config', #problems == 1 and problems[1]
    or ('%d problems keep the run from starting:\n  %s'):format(#problems, table.concat(problems, '\n  ')))
end

--- Looks at source and target. What stands in the way ends the attempt.
function attempt:look()
  self:try(function()
    local settings = self.settings
    local builds_only = settings.stage == 'index' or settings.stage == 'constrain'
    if builds_only and not self.job.plan then
      error(native.error('config', self.name .. ' is a task: it has no stages of its own'), 0)
    end
    if settings.retry_rejects or not self.job.plan or builds_only then return end
    self.plan = self.job:plan(settings)
    local problem = problems_of(self.plan)
    if problem then error(problem, 0) end
  end)
end

--- Tells what is planned, on standard error.
function attempt:announce()
  local plan, options = self.plan, self.options
  if not plan then return end
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
  terminal.say(attempt.forecast(plan, self.settings))
  if tonumber(plan.source_info.bytes) > large_bytes then
    terminal.warn(('%s is more than 50 GB: check disk space for twice that on the target, and consider '
      .. 'splitting the run'):format(terminal.bytes(plan.source_info.bytes)))
  end
  for _, list in ipairs { plan.warnings, plan.report.warnings } do
    for _, warning in ipairs(list) do terminal.warn_once(warning) end
  end
  plan_view.warn_of_keys(plan)
  require('lugger.inner.job.embed_forecast').tell(self.job)
end

--- Starts what was planned; the caller polls.
function attempt:start()
  self:try(function() self.run = self.job:start(self.settings) end)
end

--- How its progress is told.
---@return lugger.progress
function attempt:new_reporter()
  local options = self.options
  local reporter = progress.new(self.name, (options.quiet or options.log == 'none') and 'none' or options.log)
  reporter.on_progress = options.on_progress and function(figures)
    if options.raised then return end
    local ok, err = pcall(options.on_progress, figures)
    if ok then return end
    -- The run ends like one that is stopped, so that it can be resumed, and then the error is raised.
    options.raised = { err = err }
    assert(self.run):stop('finish')
  end
  return reporter
end

--- Takes the result of a run that has ended.
function attempt:finish()
  local run = assert(self.run)
  self.run = nil
  self:try(function()
    local result = run:result() --[[@as lugger.attempt_result]]
    local loaded = result.status == 'done' and not result.dry_run and tonumber(result.tally.rows) > 0
    if self.plan and self.settings.create and loaded then
      result.made = load_advice.of_made(self.plan, self.job:on_conflict())
    end
    self.result = result
  end)
end

return attempt
