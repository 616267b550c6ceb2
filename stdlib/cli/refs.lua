-- lugger refs SCRIPT: which references dangle, and what still uses mongo_id before it may be dropped.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local json = require 'lugger.inner.base.json_text'
local references = require 'lugger.inner.job.references'
local sql_text = require 'lugger.inner.sql.text'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local function session_of(job, sessions)
  local place = job:target()
  if sessions[place] == nil then sessions[place] = references.session(job) or false end
  return sessions[place] or config.raise(job:name() .. ' writes to a file: there is nothing to look references up in',
    'give a database: --into postgresql://...')
end

local function count_all(jobs, sessions, limit)
  local list = {}
  for _, job in ipairs(jobs) do
    for _, reference in ipairs(references.of(job)) do
      list[#list + 1] = { reference = reference, count = references.count(session_of(job, sessions), reference, limit) }
    end
  end
  return list
end

local function show_references(list)
  if #list == 0 then
    terminal.line('no column of these jobs has a ref')
    return
  end
  local rows = {}
  for i, item in ipairs(list) do
    local ref, count = item.reference.column.ref, item.count
    rows[i] = { item.reference.table .. '.' .. item.reference.column.name, ref.table .. '.' .. ref.column,
      count.problem and '-' or terminal.group(count.values), count.problem and '-' or terminal.group(count.dangling) }
  end
  terminal.line(table_view.render({ 'reference', 'points to', 'values', 'dangling' }, rows,
    { right = { [3] = true, [4] = true } }))
  for i, item in ipairs(list) do
    if item.count.problem then terminal.warn(rows[i][1] .. ': ' .. item.count.problem) end
    if #item.count.examples > 0 then
      terminal.line('\n', rows[i][1], ' without a row in ', item.reference.column.ref.table)
      local examples = {}
      for e, example in ipairs(item.count.examples) do examples[e] = { example.key, example.value } end
      local key = #item.reference.key > 0 and table.concat(item.reference.key, ', ') or 'row'
      terminal.line(table_view.render({ key, item.reference.column.name }, examples, { indent = '  ' }))
    end
  end
end

local function id_report(jobs, sessions, list, ignore_mentions)
  local all, holders = {}, {}
  for i, item in ipairs(list) do all[i] = item.reference end
  for _, job in ipairs(jobs) do
    for _, holder in ipairs(references.id_columns(job)) do
      local session = session_of(job, sessions)
      local _, options = job:target()
      holder.exists = session:query([[SELECT pg_catalog.count(*) FROM pg_attribute
        WHERE attrelid = pg_catalog.to_regclass($1)
        AND attname = $2 AND NOT attisdropped]], { sql_text.table(holder.table), holder.column }).rows[1][1] == '1'
      holder.uses, holder.blocking = {}, 0
      if holder.exists then
        holder.uses = references.uses(session, holder, all, options.state_schema)
        holder.scans = references.scans(session, holder)
      end
      for _, use in ipairs(holder.uses) do
        use.blocks = use.kind ~= 'own' and not (use.kind == 'mention' and ignore_mentions)
        if use.blocks then holder.blocking = holder.blocking + 1 end
      end
      holders[#holders + 1] = holder
    end
  end
  return holders
end

local words = { reference = 'column with ref', ['foreign key'] = 'foreign key', view = 'view', index = 'index',
  constraint = 'constraint', default = 'default or generated column', object = 'depends',
  mention = 'function mentions it', own = 'goes with the column' }

local function show_holder(holder)
  local name = holder.table .. '.' .. holder.column
  if not holder.exists then
    terminal.line('\n', name, ' is not there: nothing to drop')
    return
  end
  terminal.line('\n', terminal.paint(1, 'bold', name), ': ', holder.blocking == 0 and 'nothing uses it'
    or ('used by %s; it cannot be dropped yet'):format(terminal.count(holder.blocking, 'thing')))
  local rows = {}
  for i, use in ipairs(holder.uses) do rows[i] = { words[use.kind], use.text } end
  if #rows > 0 then terminal.line(table_view.render({ 'as', 'what' }, rows, { indent = '  ' })) end
  if holder.scans and holder.scans > 0 then
    terminal.line(('  its own index was used by %s since statistics began: some query still looks rows up by it')
      :format(terminal.count(holder.scans, 'scan')))
  end
  if holder.is_key then
    terminal.line(("  it is the key of its job: take key = 'id' before it goes, or the job cannot run again"))
  end
  if holder.blocking == 0 then
    terminal.line(('  when the cutover is stable:\n  ALTER TABLE %s DROP COLUMN %s;'):format(
      sql_text.table(holder.table), sql_text.name(holder.column)))
  end
end

local function run(args)
  local jobs = {}
  for _, job in ipairs(cli.jobs(cli.load(args))) do
    if job.shape then jobs[#jobs + 1] = job end
  end
  local sessions = {}
  local list = count_all(jobs, sessions, args.limit or 5)
  local holders = id_report(jobs, sessions, list, args.ignore_mentions)
  local found = false
  for _, item in ipairs(list) do found = found or item.count.dangling > 0 or item.count.problem ~= nil end
  for _, holder in ipairs(holders) do found = found or holder.blocking > 0 end
  if args.json then
    local plain = {}
    for i, item in ipairs(list) do
      plain[i] = { job = item.reference.job, table = item.reference.table, column = item.reference.column.name,
        ref = item.reference.column.ref, values = item.count.values, dangling = item.count.dangling,
        examples = json.list(item.count.examples), problem = item.count.problem }
    end
    for _, holder in ipairs(holders) do json.list(holder.uses) end
    terminal.line(json.encode { references = json.list(plain), ids = json.list(holders) })
  else
    show_references(list)
    for _, holder in ipairs(holders) do show_holder(holder) end
  end
  return found and cli.exit.differences or cli.exit.done
end

return {
  summary = 'Show which references point to no row, and what still uses mongo_id before it may be dropped.',
  arguments = { { 'script', 'a script (.lua) whose jobs have been run' } },
  flags = cli.with_script_flags {
    { 'limit', 'examples of dangling values to list (default 5)', value = 'N', type = 'int' },
    { 'ignore-mentions', 'functions whose text names mongo_id have been looked at: they no longer count' },
    { 'json', 'as one JSON object' },
  },
  takes_script = true,
  more = 'Exit status 4 while a reference dangles or mongo_id is in use.',
  examples = { 'lugger refs posts.lua', 'lugger refs migrate/all.lua --json' },
  run = run,
}
