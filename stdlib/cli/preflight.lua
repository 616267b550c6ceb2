-- lugger preflight SCRIPT: the rows that constraints and unique indexes would refuse, before anything is attempted.
local cli = require 'lugger.inner.cli.cli'
local json = require 'lugger.inner.base.json_text'
local stage_view = require 'lugger.inner.view.stage'
local terminal = require 'lugger.inner.view.terminal'

local function count(job, args)
  if not args.source then return job:preflight(), 'row' end
  return job:preflight_source(args.limit), 'document'
end

local function show(name, refused, word)
  if stage_view.any(refused) then
    terminal.line(terminal.paint(1, 'bold', name), ': ', word, 's that would be refused')
  else
    terminal.line(terminal.paint(1, 'bold', name), ': clean')
  end
  if #refused > 0 then terminal.line(stage_view.refused(refused, { fd = 1, indent = '  ', word = word })) end
end

local function run(args)
  local loaded, status, all = cli.load(args), cli.exit.done, {}
  for _, job in ipairs(cli.jobs(loaded)) do
    if job.preflight then
      local refused, word = count(job, args)
      if stage_view.any(refused) then status = cli.exit.differences end
      all[#all + 1] = { job = job:name(), refused = json.list(refused) }
      if not args.json then show(job:name(), refused, word) end
    end
  end
  if args.json then terminal.line(json.encode(json.list(all))) end
  return status
end

return {
  summary = 'Count the rows that the constraints and unique indexes of a script would refuse, with examples. Writes '
    .. 'nothing.',
  arguments = { { 'script', 'a script (.lua), a bundled script by name, or - for standard input' } },
  flags = cli.with_script_flags {
    { 'source', 'count documents of the source instead, when the table is not loaded yet: required, not_null and key '
      .. 'columns, NOT NULL columns of the target' },
    { 'limit', 'with --source: read at most this many documents', value = 'N', type = 'int' },
    { 'json', 'as one JSON list' },
  },
  takes_script = true,
  more = 'Exit status: 0 clean, 4 when something would be refused.',
  examples = { 'lugger preflight users.lua', 'lugger preflight users.lua --source' },
  run = run,
}
