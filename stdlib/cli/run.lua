-- lugger run SCRIPT: loads what the script describes.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local detached = require 'lugger.inner.cli.detached'
local fix_runner = require 'lugger.inner.fix.runner'
local fix_view = require 'lugger.inner.fix.view'
local native = require 'lugger.native'
local outputs = require 'lugger.inner.job.outputs'
local references = require 'lugger.inner.job.references'
local runner = require 'lugger.inner.job.runner'
local source_speed = require 'lugger.inner.cli.source_speed'
local terminal = require 'lugger.inner.view.terminal'

local function tell_end(outcome, args, options)
  local result, tally = outcome.result, outcome.result.tally
  local changed = tonumber(tally.updated) > 0
  if result.status == 'failed' then
    terminal.fail(native.error(result.error_code ~= '' and result.error_code or 'bug', result.error, result.hint))
  end
  if not args.apply then
    if result.status == 'done' then
      terminal.say('nothing was written', changed and '; to write: ' .. options.resume .. ' --apply' or '')
    end
    return
  end
  if result.run == '' then return terminal.say('nothing was written') end
  if result.status ~= 'done' then
    terminal.say(changed and ('%s changed before, and stay changed; of the last batch nothing was written'):format(
      terminal.count(tally.updated, 'row')) or 'nothing was written')
    terminal.say('to go on: ', result.resume_command)
  end
  if changed then
    terminal.say('to take it back: lugger undo ', result.run:match('[^-]+$'), ' ', options.script)
    local kept = outcome.report.images_until
    if kept ~= '' then terminal.say('before and after of every row are kept until ', kept:sub(1, 16), ' UTC') end
  end
end

local function run_fix(loaded, args)
  if #loaded.jobs > 1 then
    config.raise(loaded.name .. ' returned a fix beside other things',
      'a script returns copies and tasks, or one fix: put the fix into a script of its own')
  end
  for _, flag in ipairs { 'jobs', 'create', 'redact', 'join', 'max-source-mbps' } do
    if args[(flag:gsub('-', '_'))] then config.raise(('--%s is not for a fix'):format(flag)) end
  end
  local options = { log = args.log, quiet = args.quiet, script = cli.script_line(args), resume = cli.resume_line(args) }
  local outcome = fix_runner.run(loaded.jobs[1], { apply = args.apply and not args.dry_run, limit = args.limit,
    limit_shown = args.limit_shown, restart = args.restart, accept_changes = args.accept_changes,
    window = args.window }, options)
  if args.json then
    terminal.line(fix_view.json(outcome))
    if outcome.result.status == 'failed' then tell_end(outcome, args, options) end
  else
    if outcome.result.status ~= 'failed' or outcome.result.run ~= '' then fix_view.show(outcome, args.full) end
    tell_end(outcome, args, options)
  end
  return fix_runner.status(outcome)
end

-- Returns a status when the verdict is not clean and --force was not given.
local function gate(args, loaded)
  if args.stage ~= 'constrain' then
    config.raise('--verdict is for --stage constrain', 'a verdict is written when the rows are in')
  end
  local problems = require('lugger.inner.verify.verdict_gate').problems(args.verdict, loaded.jobs)
  for _, problem in ipairs(problems) do
    if args.force then terminal.warn(problem) else terminal.obstacle(problem) end
  end
  if #problems > 0 and not args.force then
    terminal.say('no constraint was added; --force adds them all the same')
    return cli.exit.differences
  end
end

-- Refuses flags that concern a single process, or rows that only one process could know.
local function join_only(args)
  for _, flag in ipairs { 'dry-run', 'again', 'limit', 'stage' } do
    if args[(flag:gsub('-', '_'))] then
      config.raise(('--join and --%s exclude each other'):format(flag), 'the processes that join load everything, once')
    end
  end
end

local function refuse_tasks(jobs)
  for _, job in ipairs(jobs) do
    if not job.plan then
      config.raise(('--max-source-mbps is for copies, and %s is a task'):format(job:name()),
        'throttle = { rows_per_s = ... } in its first writer slows it down')
    end
  end
end

local function run(args)
  if args.restart and args.accept_changes then
    config.raise('--restart and --accept-changes exclude each other',
      '--restart begins anew, --accept-changes goes on with the changed script')
  end
  if args.join then join_only(args) end
  if args.detach then detached.go(args) end
  local loaded = cli.load(args)
  if #loaded.jobs == 0 then
    if args.dry_run and not args.quiet then terminal.say('a dry run: no job of the script wrote anything') end
    return cli.exit.done
  end
  for _, job in ipairs(loaded.jobs) do
    if job.is_fix then return run_fix(loaded, args) end
  end
  local of_fix = args.apply and 'apply' or args.json and 'json' or args.full and 'full'
    or args.limit_shown and 'limit-shown' ---@type string|nil
  if of_fix then
    config.raise(('--%s is for a fix'):format(of_fix),
      loaded.name .. ' loads: lugger run writes without it, and --dry-run does not')
  end
  outputs.refuse_shared(loaded.jobs)
  if not args.quiet then
    for _, list in pairs(references.warnings(loaded.jobs)) do
      for _, warning in ipairs(list) do terminal.warn(warning) end
    end
  end
  if args.max_source_mbps then refuse_tasks(loaded.jobs) end
  local gated = args.verdict and gate(args, loaded)
  if gated then return gated end
  return runner.run_all(loaded.jobs, {
    jobs = args.jobs, create = args.create or loaded.create, dry_run = args.dry_run, restart = args.restart,
    accept_changes = args.accept_changes, again = args.again, redact = args.redact, join = args.join,
    limit = args.limit, window = args.window, source_mbps = source_speed.of(args), stage = args.stage,
    max_usd = args.max_usd, max_tokens = args.max_tokens, max_requests = args.max_requests,
    force = args.force, index_memory = args.index_memory, lock_timeout_ms = args.lock_timeout,
    lock_tries = args.lock_tries,
  }, { log = args.log, quiet = args.quiet, script = cli.script_line(args), resume = cli.resume_line(args) })
end

return {
  summary = 'Load what a script describes, or show what a fix would change. An unfinished run is resumed.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'jobs', 'connections that load at once (default: one a core, at most 4)', short = 'j', value = 'N',
      type = 'int', least = 1 },
    { 'apply', 'a fix: write what it would change; without it, it is only shown' },
    { 'json', 'a fix: the report as one JSON object on standard output' },
    { 'full', 'a fix: cut no values' },
    { 'limit-shown', 'a fix: rows to show, of each kind (default 10)', value = 'N', type = 'int', least = 0 },
    { 'window', 'work only in these hours of the day, as in 22:00-05:00, and wait outside them', value = 'HOURS' },
    { 'max-source-mbps', 'read no faster from the source, in megabytes a second, all connections together',
      value = 'MB', type = 'number' },
    { 'max-usd', 'send models of columns no request that could cost more than this in all, earlier attempts with it',
      value = 'USD', type = 'number' },
    { 'max-tokens', 'so of tokens', value = 'N', type = 'int', least = 1 },
    { 'max-requests', 'so of requests', value = 'N', type = 'int', least = 1 },
    { 'limit', 'stop after this many documents, or rows of a fix', value = 'N', type = 'int' },
    { 'dry-run', 'read, convert and check everything, write nothing' },
    { 'restart', 'forget an unfinished run of these jobs and start over; a file of lines is written over, whoever '
      .. 'wrote it' },
    { 'again', 'load a table without a key again after a completed run: rows will be there twice' },
    { 'join', 'share the run with other processes that are started like this, on this host or others' },
    { 'accept-changes', 'resume although the script changed since' },
    { 'stage', 'only this stage (default: all, in this order)', value = 'STAGE', choices = { 'load', 'index',
      'constrain' } },
    { 'verdict', 'with --stage constrain: only when this file of `lugger verify --verdict` is clean', value = 'FILE' },
    { 'force', 'add constraints although rows violate them: NOT VALID where possible' },
    { 'index-memory', 'memory for all index builds together, as in 1GB (default: the server\'s setting for each)',
      value = 'SIZE' },
    { 'lock-timeout', 'milliseconds that a statement waits for its lock before it is tried again (default 2000)',
      value = 'MS', type = 'int', least = 1 },
    { 'lock-tries', 'how often it tries (default 30)', value = 'N', type = 'int', least = 1 },
    { 'redact', 'keep rejects without their documents; such rejects cannot be retried' },
    { 'detach', 'go on when the terminal closes; output goes to ./.lugger/' },
    { 'log', 'form of the progress', value = 'FORM', choices = { 'json', 'plain', 'none' } },
    { 'quiet', 'tell only errors', short = 'q' },
  },
  takes_script = true,
  more = 'Flags behind the script that are not listed here are the script\'s own: lugger help SCRIPT.\n'
    .. 'Exit status: 0 done, 1 failed, 2 usage, 3 done with rejects, 4 done but rows violate constraints to be '
    .. 'added, 5 a model may cost no more and 130 stopped, both resumable.',
  examples = {
    'lugger run users.lua -j 4 --create',
    'lugger run users.lua --since 2026-01-01',
    'lugger run users.lua --stage index --index-memory 1GB',
    'lugger run users.lua --join',
    'lugger run mongo_to_postgres --from dump/ --into local:./pg',
    'lugger run fix_phones.lua',
    'lugger run fix_phones.lua --apply --window 22:00-05:00',
  },
  run = run,
}
