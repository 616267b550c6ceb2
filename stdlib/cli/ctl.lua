-- lugger ctl RUN: shows the state of a run, pauses it, sets its speed, or stops it.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local run_finder = require 'lugger.inner.cli.run_finder'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local requests = { 'status', 'pause', 'resume', 'speed', 'stop' }
local done = { pause = 'pauses once its batch is committed', resume = 'goes on', stop = 'stops once its batch is '
  .. 'committed; run the same command again to go on' }

local function by_name(facts)
  local out = {}
  for _, fact in ipairs(facts) do out[fact.name] = fact.value end
  return out
end

-- A process may have several runs, as a move has of several jobs; only a signal stops them all.
local function tell_how(objects)
  local first, several, seen = assert(objects[1]), false, {}
  for _, fact in ipairs(objects) do
    local process = fact.process or '' -- one of an older version does not say
    several = several or process ~= '' and seen[process]
    seen[process] = true
  end
  terminal.say('to stop one (it can be resumed): lugger ctl ', #objects == 1 and first.run:match '[^-]+$' or 'RUN',
    ' stop; also pause, resume, speed N')
  if several then terminal.say('to stop all runs of a process: kill PROCESS, which is like Ctrl-C') end
end

local function list(args)
  local rows, objects = {}, {}
  for _, run in ipairs(native.control_runs()) do
    local ok, facts = pcall(native.control, run, 'status')
    if ok then
      local fact = by_name(facts)
      objects[#objects + 1] = fact
      rows[#rows + 1] = { run, fact.job or '', fact.stage or '', terminal.group(fact['looked at'] or fact.read or 0),
        fact.process or '', fact['waits for'] or '' }
    end
  end
  if args.json then
    for _, object in ipairs(objects) do terminal.line(json.encode(object)) end
  elseif #rows == 0 then
    terminal.say('no run of this user listens on this machine')
  else
    terminal.line(table_view.render({ 'run', 'job', 'stage', 'read', 'process', 'waits for' }, rows,
      { right = { [4] = true, [5] = true } }))
    tell_how(objects)
  end
  return cli.exit.done
end

local function show(facts, args)
  if args.json then return terminal.line(json.encode(by_name(facts))) end
  local width = 0
  for _, fact in ipairs(facts) do width = math.max(width, #fact.name) end
  for _, fact in ipairs(facts) do
    if fact.value ~= '' then
      terminal.line('  ', fact.name, (' '):rep(width - #fact.name + 2), terminal.printable(fact.value))
    end
  end
end

local function request_of(args)
  local what = args.what or 'status'
  local known = false
  for _, word in ipairs(requests) do known = known or word == what end
  if not known then
    flags.usage_error(('ctl does not know "%s"'):format(what), fault.near(what, requests,
      'status, pause, resume, speed ROWS_PER_S, stop'))
  end
  if (what == 'speed') ~= (args.value ~= nil) then
    flags.usage_error(what == 'speed' and 'ctl speed: how many rows a second?'
      or ('ctl %s takes no value'):format(what), 'lugger ctl RUN speed 500; 0 is as fast as it goes')
  end
  if what == 'speed' and not tonumber(args.value) then
    flags.usage_error(('ctl speed takes rows a second, not "%s"'):format(args.value), 'lugger ctl RUN speed 500')
  end
  if args.now and what ~= 'stop' then flags.usage_error('--now is for stop') end
  return what, what == 'speed' and 'speed ' .. args.value or args.now and 'stop now' or what
end

local function run(args)
  if not args.run_id then return list(args) end
  local what, request = request_of(args)
  local runs = native.control_runs()
  local id = run_finder.choose(runs, args.run_id)
  if not id then
    config.raise(('no run %s listens on this machine'):format(args.run_id),
      #runs == 0 and 'it has ended, or runs elsewhere, or for another user'
        or 'those that do: ' .. table.concat(runs, ', '))
  end
  local facts = native.control(id, request)
  if what == 'status' or args.json then
    show(facts, args)
  elseif what == 'speed' then
    terminal.say(by_name(facts).job or id, tonumber(args.value) == 0 and ': as fast as it goes'
      or (': at most %s a second'):format(terminal.count(tonumber(args.value) --[[@as number]], 'row')))
  else
    terminal.say(by_name(facts).job or id, ': ', args.now and 'stops at once; the open batch is rolled back'
      or done[what])
  end
  return cli.exit.done
end

return {
  summary = 'Ask a run on this machine how it is, pause it, set its speed, or stop it. Without a run: list them.',
  arguments = {
    { 'run_id', 'the id of the run, or its beginning or end', optional = true },
    { 'what', 'status (default), pause, resume, speed or stop', optional = true },
    { 'value', 'speed: rows a second, 0 for as fast as it goes', optional = true },
  },
  flags = {
    { 'now', 'stop: at once, rolling back the open batch' },
    { 'json', 'one JSON object' },
  },
  examples = { 'lugger ctl', 'lugger ctl 75867f0a513e pause', 'lugger ctl 75867f0a513e speed 500' },
  run = run,
}
