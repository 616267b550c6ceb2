-- lugger plan SCRIPT: what a run would do; writes nothing.
local cli = require 'lugger.inner.cli.cli'
local decisions = require 'lugger.inner.mongo.decisions'
local flags = require 'lugger.inner.cli.flags'
local inverse_view = require 'lugger.inner.view.inverse'
local json = require 'lugger.inner.base.json_text'
local outputs = require 'lugger.inner.job.outputs'
local plan_view = require 'lugger.inner.view.plan'
local references = require 'lugger.inner.job.references'
local terminal = require 'lugger.inner.view.terminal'

--- Status 1: a mapping has no inverse.
local function invert(args)
  local loaded, status, all = cli.load(args), cli.exit.done, {}
  for _, job in ipairs(cli.jobs(loaded)) do
    local inverse = job:inverse()
    if not inverse.possible then status = cli.exit.failed end
    if args.json then
      all[#all + 1] = inverse_view.record(job:name(), inverse)
    else
      inverse_view.show(job:name(), inverse)
    end
  end
  if args.json then terminal.line(json.encode(json.list(all))) end
  return status
end

-- What would keep the changes of a move from being applied keeps it from beginning.
local function add_problems_of_move(job, plan, settings)
  local followed = job:plan({ follow = true, create = settings.create }).report
  for _, kind in ipairs { 'problems', 'warnings' } do
    local known = {}
    for _, text in ipairs(plan.report[kind]) do known[text] = true end
    for _, text in ipairs(followed[kind]) do
      if not known[text] then table.insert(plan.report[kind], text) end
    end
  end
end

-- Of a live source: what no table has, and whether its changes can be followed.
local function look_at_live(job, plan, settings)
  local kind = plan.source_info.kind
  if kind ~= 'mongodb' and not (kind == 'postgresql' and job.moves) then return nil end
  local obstacle, advice = job:handle():ask_to_follow()
  if obstacle == '' and job.moves then add_problems_of_move(job, plan, settings) end
  if obstacle ~= '' then
    local text = ('its changes cannot be followed: %s. lugger run copies it; lugger verify compares the two once '
      .. 'nobody writes'):format(obstacle)
    table.insert(job.moves and plan.report.problems or plan.warnings, text)
  end
  if advice ~= '' then table.insert(plan.warnings, advice) end
  return kind == 'mongodb' and decisions.of(plan) or nil
end

local function run(args)
  if args.invert then return invert(args) end
  if args.json then flags.usage_error('--json goes with --invert', 'lugger plan users.lua --invert --json') end
  local loaded, problems = cli.load(args), 0
  outputs.refuse_shared(loaded.jobs)
  local warnings = references.warnings(cli.jobs(loaded))
  for i, job in ipairs(loaded.jobs) do
    if i > 1 then terminal.line() end
    if job.plan then
      local settings = { jobs = args.jobs, create = args.create or loaded.create, limit = args.limit }
      local plan = job:plan(settings)
      for _, warning in ipairs(warnings[job:name()] or {}) do table.insert(plan.warnings, warning) end
      plan_view.show(plan, settings, look_at_live(job, plan, settings))
      problems = problems + #plan.report.problems
    else
      terminal.line(job:name(), '\n  a task: what it does is known only while it runs; try `lugger run --dry-run`')
    end
  end
  if problems == 0 then return cli.exit.done end
  terminal.say(('%s, as told above, %s a run from starting'):format(terminal.count(problems, 'problem'),
    problems == 1 and 'keeps' or 'keep'))
  return cli.exit.failed
end

return {
  summary = 'Show what a run would do: tables, DDL, policies, mode, forecast. Writes nothing.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'jobs', 'connections that would load at once', short = 'j', value = 'N', type = 'int', least = 1 },
    { 'limit', 'as for run', value = 'N', type = 'int' },
    { 'invert', 'instead: what of the documents the rows would give back, column by column' },
    { 'json', 'with --invert: as one JSON list' },
  },
  takes_script = true,
  more = 'Exit status 1 when a problem keeps a run from starting; with --invert, when a mapping has no way back.',
  examples = { 'lugger plan users.lua', 'lugger plan mongo_to_postgres --from dump/ --into local:./pg --create' },
  run = run,
}
