-- lugger status [RUN]: one run in detail, the newest when none is named.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.inner.base.json_text'
local moves = require 'lugger.inner.view.moves'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local run_finder = require 'lugger.inner.cli.run_finder'
local summary = require 'lugger.inner.job.summary'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local function show_partitions(partitions)
  local done, rows, held, holders = 0, {}, {}, {}
  local joint = false
  for _, partition in ipairs(partitions) do joint = joint or partition.holder ~= '' end
  for _, partition in ipairs(partitions) do
    if partition.done then done = done + 1 end
    rows[#rows + 1] = {
      partition.id, partition.done and 'done' or partition.held and 'claimed'
        or partition.position ~= '' and 'begun' or 'waiting', terminal.bytes(partition.bytes),
      terminal.group(partition.tally.read), partition.position, joint and partition.holder or nil,
    }
    if partition.held then
      if not held[partition.holder] then holders[#holders + 1] = partition.holder end
      held[partition.holder] = (held[partition.holder] or 0) + 1
    end
  end
  terminal.line(('  partitions %d of %d done'):format(done, #partitions))
  for _, holder in ipairs(holders) do
    terminal.line(('    %s works on %s'):format(terminal.printable(holder), terminal.count(held[holder], 'partition')))
  end
  if #partitions > 1 and #partitions <= 64 then
    local heads = { 'part', 'state', 'size', 'read', 'position', joint and 'by' or nil }
    terminal.line(table_view.render(heads, rows,
      { indent = '    ', right = { [3] = true, [4] = true } }))
  end
end

local function show_steps(steps, run)
  local rows = {}
  for _, step in ipairs(steps) do
    if step.run == run then
      rows[#rows + 1] = { step.stage, step.step, step.status, step.ended:sub(1, 19), step.message }
    end
  end
  if #rows == 0 then return end
  terminal.line('  steps')
  terminal.line(table_view.render({ 'stage', 'step', 'state', 'ended', '' }, rows, { indent = '    ' }))
end

local function show(state, record)
  terminal.line(terminal.paint(1, 'bold', record.job), ' ', record.status)
  local function field(name, value)
    if not value or value == '' then return end
    local text = terminal.printable(value)
    -- A command must stay whole, so that it can be copied; a sentence may be wrapped.
    if terminal.is_terminal(1) and name ~= 'resume' then
      text = terminal.wrap(text, (' '):rep(13), terminal.width()):sub(14)
    end
    terminal.line('  ', name, (' '):rep(11 - #name), text)
  end
  field('run', record.run)
  field('source', record.source)
  field('mode', record.mode)
  field('started', record.started)
  field('updated', record.updated)
  field('books', summary.books(record.tally))
  field('child rows', tonumber(record.tally.child_rows) > 0 and terminal.group(record.tally.child_rows) or nil)
  field('bytes', terminal.bytes(record.tally.bytes))
  field('message', record.message)
  show_partitions(state:partitions(record.run))
  show_steps(state:steps(record.job), record.run)
  if record.status ~= 'done' and record.status ~= 'abandoned' then field('resume', record.command) end
end

-- The newest run of these jobs, or of all. What compares them and has ended does not hide that they run.
local function newest(state, jobs)
  local first
  for _, record in ipairs(state:runs(jobs and 1000 or 1)) do
    local is_theirs = not jobs or jobs[record.job] or jobs[record.job:match('^(.*) %(verify%)$') or '']
    if is_theirs and (not first or record.status == 'running') then first = record end
    if first and (first.mode ~= 'verify' or first.status == 'running') then break end
  end
  return first or jobs and state:runs(1)[1]
end

-- The requested run and its ledger, and the jobs of the script; without a name, the newest run.
local function find(args)
  local state, record, jobs ---@type lugger.native.state|nil, lugger.run_record|nil, table<string, boolean>|nil
  for _, target in ipairs(places.targets(args.script, function() return cli.load(args) end)) do
    local one = native.state(target.place, target.options)
    local found = args.run_id and run_finder.find(one, args.run_id) or not args.run_id and newest(one, target.jobs)
    if found and (not record or found.run > record.run) then state, record, jobs = one, found, target.jobs end
  end
  return state, record, jobs
end

local function run(args)
  places.shift(args)
  local state, record, jobs = find(args)
  if record and state and args.json then
    terminal.line(json.encode { run = record, partitions = json.list(state:partitions(record.run)),
      moves = json.list(moves.of(state, jobs)) })
    return cli.exit.done
  end
  if record and state then
    show(state, record)
    if not args.run_id then moves.show(state, jobs) end
    return cli.exit.done
  end
  if not args.run_id then
    terminal.say('no runs yet')
    return cli.exit.done
  end
  config.raise('there is no run ' .. args.run_id, config.as_variable(args.run_id) or '`lugger runs` lists them')
end

return {
  summary = 'Show one run, the newest when none is named: where it stands, and how to resume it; and what follows '
    .. 'changes.',
  arguments = {
    { 'run_id', 'the id of the run, or its beginning or end, as `lugger runs` shows it', optional = true },
    { 'script', 'a script, or a place such as local:./pg (default: PG_URI)', optional = true },
  },
  flags = cli.with_script_flags { { 'json', 'as one JSON object' } },
  examples = { 'lugger status', 'lugger status users.lua', 'lugger status shop.lua --json',
    'lugger status 0195f3a2 users.lua' },
  run = run,
}
