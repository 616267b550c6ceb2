-- lugger rejects SCRIPT: what was refused and why; write it to a file, or load it again with a corrected mapping.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.inner.base.json_text'
local places = require 'lugger.inner.cli.places'
local rejects = require 'lugger.inner.job.rejects'
local runner = require 'lugger.inner.job.runner'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local whole_file = require 'lugger.inner.base.whole_file'

local each = rejects.each

-- One JSON object; the document, which is text already, stands in it as it is.
local function reject_line(reject, without_document)
  local parts = {}
  for _, name in ipairs { 'job', 'run', 'table', 'document_id', 'column', 'code', 'message', 'at' } do
    parts[#parts + 1] = json.encode(name) .. ':' .. json.encode(reject[name] or '')
  end
  if not without_document then
    parts[#parts + 1] = '"document":' .. (reject.document ~= '' and reject.document or 'null')
  end
  return '{' .. table.concat(parts, ',') .. '}\n'
end

local function export(jobs, path)
  local count = 0
  local function every(put)
    for _, job in ipairs(jobs) do
      each(places.state_of(job), job:name(), nil, function(reject)
        if put(reject_line(reject)) == false then return false end
        count = count + 1
      end)
    end
  end
  if path == '-' then
    every(terminal.out)
  else
    whole_file.stream(path, every)
  end
  terminal.say(terminal.count(count, 'reject'), ' written to ', path == '-' and 'standard output' or path)
  return cli.exit.done
end

local function list_json(jobs, args)
  for _, job in ipairs(jobs) do
    each(places.state_of(job), job:name(), args.limit, function(reject)
      return terminal.out(reject_line(reject, not args.documents))
    end)
  end
  return cli.exit.done
end

-- The message without the column, which is shown in a column of its own.
local function without_column(reject)
  local prefix = reject.column .. ': '
  if reject.column ~= '' and reject.message:sub(1, #prefix) == prefix then return reject.message:sub(#prefix + 1) end
  return reject.message
end

-- The document follows the script, and the script's flags follow both.
local function trace_command(args)
  local script, line = terminal.shell_quote(args.script), cli.script_line(args)
  return ('lugger trace %s DOCUMENT%s'):format(script, line:sub(#script + 1))
end

local function list(jobs, args)
  local limit, any = args.limit or 20, false
  for _, job in ipairs(jobs) do
    local state = places.state_of(job)
    local total = tonumber(state:count_rejects(job:name())) --[[@as number]]
    if total > 0 then
      if any then terminal.line() end
      any = true
      local rows = {}
      each(state, job:name(), limit, function(reject)
        rows[#rows + 1] = { reject.document_id, reject.column, reject.code, without_column(reject) }
        if args.documents then rows[#rows][5] = reject.document end
      end)
      terminal.line(terminal.paint(1, 'bold', job:name()), ': ', terminal.count(total, 'reject'))
      local headers = { 'document', 'column', 'code', 'why' } ---@type string[]
      if args.documents then headers[5] = 'as it is' end
      local text, is_cut = table_view.fit(headers, rows, { indent = '  ', full = args.full })
      terminal.line(text)
      if is_cut then terminal.say('  … stands where a value is cut; --full shows all of it') end
      if total > #rows then
        terminal.say(('the first %d of %s; --limit shows more'):format(#rows, terminal.group(total)))
      end
    end
  end
  if not any then
    terminal.say('no rejects')
    return cli.exit.done
  end
  for _, job in ipairs(jobs) do
    if job.trace then
      terminal.say('one in detail: ', trace_command(args))
      break
    end
  end
  terminal.say('after you have corrected the mapping: lugger rejects ', cli.script_line(args), ' --retry')
  return cli.exit.done
end

local function retry(jobs, args)
  local again = {}
  for _, job in ipairs(jobs) do
    if tonumber(places.state_of(job):count_rejects(job:name())) > 0 then again[#again + 1] = job end
  end
  if #again == 0 then
    terminal.say('no rejects: nothing to load again')
    return cli.exit.done
  end
  return runner.run_all(again, { jobs = args.jobs, retry_rejects = true }, {
    log = args.log, quiet = args.quiet, script = cli.script_line(args), resume = 'lugger rejects '
      .. cli.script_line(args) .. ' --retry',
  })
end

local function check_flags(args)
  local flags = require 'lugger.inner.cli.flags'
  if args.export and args.retry then
    flags.usage_error('--export and --retry exclude each other', 'export first, then retry')
  elseif args.json and (args.export or args.retry) then
    flags.usage_error('--json lists: it does not go with --export and --retry', '--export writes JSON lines anyway; '
      .. '--retry --log json')
  end
end

local function run(args)
  check_flags(args)
  local jobs, loaded = {}, cli.load(args)
  if #loaded.jobs == 0 then
    config.raise(('%s returned no job whose rejects could be looked up'):format(args.script),
      'end it with: return lugger.copy { ... }; or use job:rejects() in it')
  end
  for _, job in ipairs(loaded.jobs) do
    if not args.job or args.job == job:name() then jobs[#jobs + 1] = job end
  end
  if #jobs == 0 then config.raise(('%s has no job "%s"'):format(args.script, args.job)) end
  if args.export then return export(jobs, args.export) end
  if args.retry then return retry(jobs, args) end
  if args.json then return list_json(jobs, args) end
  return list(jobs, args)
end

return {
  summary = 'Show what was refused and why; export it, or load it again with a corrected mapping.',
  arguments = { { 'script', 'the script whose jobs were run' } },
  flags = cli.with_script_flags {
    { 'export', 'write all rejects with their documents as JSON lines; - is standard output', value = 'FILE' },
    { 'retry', 'load the rejects again with the script as it is now' },
    { 'limit', 'how many to list of each job (default 20; with --json all)', value = 'N', type = 'int' },
    { 'documents', 'list the documents too' },
    { 'full', 'cut no values' },
    { 'json', 'all, one JSON object a line; with --documents each holds its document' },
    { 'job', 'only this job of the script', value = 'NAME' },
    { 'jobs', 'connections for --retry', short = 'j', value = 'N', type = 'int', least = 1 },
    { 'log', 'form of the progress of --retry', value = 'FORM', choices = { 'json', 'plain', 'none' } },
    { 'quiet', 'tell only errors', short = 'q' },
  },
  takes_script = true,
  examples = { 'lugger rejects users.lua', 'lugger rejects users.lua --export refused.jsonl',
    'lugger rejects users.lua --retry' },
  run = run,
}
