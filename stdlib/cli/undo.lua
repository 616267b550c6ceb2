-- lugger undo RUN: undoes a fix row by row, where nobody has changed the row since.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local fix_log = require 'lugger.inner.fix.log'
local fix_runner = require 'lugger.inner.fix.runner'
local fix_view = require 'lugger.inner.fix.view'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local run_finder = require 'lugger.inner.cli.run_finder'
local terminal = require 'lugger.inner.view.terminal'
local undo = require 'lugger.inner.fix.undo'
local system = native.system

local function find(args)
  for _, target in ipairs(places.targets(args.script, function() return cli.load(args) end)) do
    local ids = {}
    for i, entry in ipairs(fix_log.entries(target, nil, 10000)) do ids[i] = entry.run end
    local run = run_finder.choose(ids, args.run_id)
    if run then return run, target end
  end
  return config.raise('there is no fix ' .. args.run_id, '`lugger log` lists them')
end

local function command_line(args)
  local words = { 'lugger', 'undo' }
  for _, word in ipairs(args.words) do words[#words + 1] = terminal.shell_quote(system.mask_secrets(word)) end
  return table.concat(words, ' ')
end

local function tell_end(outcome, args)
  local result, changed = outcome.result, tonumber(outcome.result.tally.updated) > 0
  if result.status == 'failed' then
    terminal.fail(native.error(result.error_code ~= '' and result.error_code or 'bug', result.error, result.hint))
  end
  if args.dry_run then return terminal.say('nothing was written') end
  if result.status ~= 'done' and result.run ~= '' then
    terminal.say(terminal.count(result.tally.updated, 'row'), ' restored so far')
    terminal.say('to go on: ', result.resume_command)
  end
  if changed then
    terminal.say('to take the undo back: lugger undo ', result.run:match('[^-]+$'),
      args.script and ' ' .. terminal.shell_quote(system.mask_secrets(args.script)) or '')
  end
end

local function run(args)
  local id, target = find(args)
  local work = undo.new(id, assert(target), { where = args.where, resume_command = command_line(args) })
  local outcome = fix_runner.run(work, { apply = not args.dry_run, restart = args.restart,
    accept_changes = args.accept_changes, limit_shown = args.limit_shown }, { log = args.log, quiet = args.quiet })
  if args.json then terminal.line(fix_view.json(outcome)) else fix_view.show(outcome, args.full) end
  tell_end(outcome, args)
  return fix_runner.status(outcome)
end

return {
  summary = 'Restore the rows of a fix that nobody has touched since; list those someone has. An undo can be undone.',
  arguments = {
    { 'run_id', 'the id of the run, or its beginning or end, as `lugger log` shows it' },
    { 'script', 'the fix\'s script, or a place such as local:./pg (default: PG_URI)', optional = true },
  },
  flags = cli.with_script_flags {
    { 'where', 'restore only rows that this SQL condition names', value = 'SQL' },
    { 'dry-run', 'show what would be restored, write nothing' },
    { 'restart', 'forget an unfinished undo of this run and start over' },
    { 'accept-changes', 'go on with an unfinished undo although --where is another' },
    { 'json', 'the report as one JSON object on standard output' },
    { 'full', 'cut no values' },
    { 'limit-shown', 'rows to show, of each kind (default 10)', value = 'N', type = 'int', least = 0 },
    { 'log', 'form of the progress', value = 'FORM', choices = { 'json', 'plain', 'none' } },
    { 'quiet', 'tell only errors', short = 'q' },
  },
  more = 'A row is restored when the columns the fix wrote still hold what it left in them; other columns may have '
    .. 'changed.\nExit status: 0 done, 1 failed, 3 done, but rows were left alone, 130 stopped and resumable.',
  examples = { 'lugger undo 75867f0a513e', 'lugger undo 75867f0a513e fix_phones.lua --where "country = \'DE\'"' },
  run = run,
}
