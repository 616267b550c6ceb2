-- lugger runs: past and present runs in a target.
local cli = require 'lugger.inner.cli.cli'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local function minute(text)
  return (text:gsub('T', ' '):sub(1, 16))
end

local function records_of(args)
  local records = {}
  for _, target in ipairs(places.targets(args.script, function() return cli.load(args) end)) do
    for _, record in ipairs(native.state(target.place, target.options):runs(args.number or 20)) do
      records[#records + 1] = record
    end
  end
  return records
end

local function run(args)
  local records, rows = records_of(args), {}
  if args.json then
    for _, record in ipairs(records) do terminal.line(json.encode(record)) end
    return cli.exit.done
  end
  local short = terminal.is_terminal(1) -- the end of an id is enough for `status`
  for i, record in ipairs(records) do
    rows[i] = {
      short and record.run:match('[^-]+$') or record.run, minute(record.started), record.status, record.job,
      terminal.group(record.tally.read), terminal.group(record.tally.rejected),
    }
  end
  if #rows == 0 then
    terminal.say('no runs yet')
    return cli.exit.done
  end
  terminal.line(table_view.render({ 'run', 'started (UTC)', 'status', 'job', 'read', 'rejected' }, rows,
    { right = { [5] = true, [6] = true } }))
  terminal.say('one in detail: lugger status RUN', args.script and ' ' .. args.script or '')
  return cli.exit.done
end

return {
  summary = 'List past and present runs in a target, newest first.',
  arguments = { { 'script', 'a script, or a place such as local:./pg (default: PG_URI)', optional = true } },
  flags = cli.with_script_flags {
    { 'number', 'how many (default 20)', short = 'n', value = 'N', type = 'int', least = 1 },
    { 'json', 'one JSON object a line' },
  },
  takes_script = true,
  examples = { 'lugger runs', 'lugger runs users.lua', 'lugger runs local:./pg' },
  run = run,
}
