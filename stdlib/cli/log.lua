-- lugger log: what fixes did, when, and how to undo it.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local fix_log = require 'lugger.inner.fix.log'
local json = require 'lugger.inner.base.json_text'
local places = require 'lugger.inner.cli.places'
local run_finder = require 'lugger.inner.cli.run_finder'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local function undo_line(entry, args)
  return ('lugger undo %s%s'):format(entry.run:match('[^-]+$'), args.script and ' '
    .. terminal.shell_quote(args.script) or '')
end

local function show_one(entry, args)
  terminal.line(terminal.paint(1, 'bold', entry.job), ' ', entry.status)
  local function field(name, value)
    if value and value ~= '' then terminal.line('  ', name, (' '):rep(14 - #name), terminal.printable(value)) end
  end
  field('run', entry.run)
  field('table', entry.table)
  field('where', entry.condition)
  field('columns', entry.fields)
  field('started', entry.started .. ' UTC')
  field('ended', entry.status ~= 'running' and entry.ended .. ' UTC' or nil)
  field('looked at', terminal.count(entry.read, 'row'))
  field('changed', terminal.count(entry.changed, 'row'))
  field('skipped', tonumber(entry.skipped) > 0 and terminal.count(entry.skipped, 'row') or nil)
  field('rejected', tonumber(entry.rejected) > 0 and terminal.count(entry.rejected, 'row') or nil)
  field('message', entry.message)
  field('command', entry.command)
  field('undoes', entry.undoes)
  field('undone by', entry.undone_by)
  if tonumber(entry.images) > 0 then
    field('images', ('%s, kept until %s UTC'):format(terminal.count(entry.images, 'row'), entry.images_until))
    field('undo', undo_line(entry, args))
  elseif tonumber(entry.changed) > 0 then
    field('images', 'removed by lugger state prune: it can no longer be undone')
  end
end

local function state_of(entry)
  if entry.undone_by ~= '' then return entry.status .. ', undone' end
  return entry.status
end

local function show_all(entries, args)
  local rows, short = {}, terminal.is_terminal(1)
  for i, entry in ipairs(entries) do
    rows[i] = { short and entry.run:match('[^-]+$') or entry.run, entry.started:sub(1, 16), entry.kind, state_of(entry),
      entry.table, entry.fields, terminal.group(entry.changed), entry.images_until:sub(1, 10) }
  end
  terminal.line(table_view.render({ 'run', 'started (UTC)', 'kind', 'status', 'table', 'columns', 'changed',
    'kept until' }, rows, { right = { [7] = true } }))
  terminal.say('one in detail: lugger log RUN', args.script and ' ' .. args.script or '')
end

local function find(entries, word)
  local ids, by_id = {}, {}
  for i, entry in ipairs(entries) do
    ids[i] = entry.run
    by_id[entry.run] = entry
  end
  local id = run_finder.choose(ids, word)
  if not id then config.raise('there is no fix ' .. word, '`lugger log` lists them') end
  return by_id[id]
end

local function run(args)
  places.shift(args)
  local all = {} ---@type table[]
  for _, target in ipairs(places.targets(args.script, function() return cli.load(args) end)) do
    for _, entry in ipairs(fix_log.entries(target, nil, args.run_id and 10000 or args.number or 20)) do
      all[#all + 1] = entry
    end
  end
  local wanted = args.run_id and { find(all, args.run_id) } or all
  if args.json then
    for _, entry in ipairs(wanted) do terminal.line(json.encode(entry)) end
  elseif #wanted == 0 then
    terminal.say('no fixes yet')
  elseif args.run_id then
    show_one(wanted[1], args)
  else
    show_all(wanted, args)
  end
  return cli.exit.done
end

return {
  summary = 'Tell what fixes did: when, to which table, how many rows, how long they can be undone.',
  arguments = {
    { 'run_id', 'the id of a run, or its beginning or end; all when not given', optional = true },
    { 'script', 'a script, or a place such as local:./pg (default: PG_URI)', optional = true },
  },
  flags = cli.with_script_flags {
    { 'number', 'how many (default 20)', short = 'n', value = 'N', type = 'int', least = 1 },
    { 'json', 'one JSON object a line' },
  },
  examples = { 'lugger log', 'lugger log 75867f0a513e', 'lugger log local:./pg' },
  run = run,
}
