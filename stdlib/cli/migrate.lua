-- lugger migrate: versioned migrations.
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local terminal = require 'lugger.inner.view.terminal'

local function need_no_value(args)
  if args.value then flags.usage_error(('migrate %s takes no "%s"'):format(args.what, args.value)) end
end

local function commands()
  return require 'lugger.inner.migrate.commands'
end

-- Opens the database, does the work, closes it.
local function on_database(args, work)
  local run = require('lugger.inner.migrate.run').open(args)
  local ok, result = pcall(work, run)
  run:close()
  if not ok then error(result, 0) end
  return result
end

local does = {}

function does.new(args)
  if not args.value then flags.usage_error('a new migration needs a name', 'lugger migrate new add_nickname') end
  local options = require('lugger.inner.migrate.run').options(args)
  terminal.line((require('lugger.inner.migrate.files').new(options.dir, args.value, args.sql and 'sql' or 'lua')))
  return 0
end

local function one_way(args)
  local chosen = {}
  for _, name in ipairs { 'plan', 'dry_run', 'rehearse' } do
    if args[name] then chosen[#chosen + 1] = '--' .. name:gsub('_', '-') end
  end
  if #chosen > 1 then flags.usage_error(table.concat(chosen, ' and ') .. ' exclude each other') end
end

function does.up(args)
  need_no_value(args)
  one_way(args)
  return on_database(args, function(run)
    if args.plan then return commands().plan(run, args) end
    if args.dry_run then return commands().dry_run(run, args) end
    if args.rehearse then return commands().rehearse(run, args) end
    return commands().up(run, args)
  end)
end

function does.down(args)
  if args.value and args.to then flags.usage_error('migrate down takes a number or --to, not both') end
  if args.value then
    args.count = args.value:match('^%d+$') and tonumber(args.value)
    if not args.count then flags.usage_error(('migrate down takes a number, not "%s"'):format(args.value)) end
    if #args.value > 6 then
      flags.usage_error(args.value .. ' is not a number of migrations', 'a version goes behind --to')
    end
  end
  return on_database(args, function(run) return commands().down(run, args) end)
end

function does.redo(args)
  need_no_value(args)
  return on_database(args, function(run) return commands().redo(run) end)
end

function does.status(args)
  need_no_value(args)
  return on_database(args, function(run)
    local items = commands().items(run)
    local view = require 'lugger.inner.migrate.status_view'
    if args.json then
      view.json(items)
    else
      view.show(items, args.all)
      local holder = run:holder()
      if holder then terminal.say('migrations are being run by ', holder, ', unless it was killed') end
    end
    return 0
  end)
end

function does.verify(args)
  need_no_value(args)
  return on_database(args, function(run) return commands().verify(run) end)
end

function does.baseline(args)
  if not args.value then flags.usage_error('baseline up to which version?',
    'lugger migrate baseline 20260311093000') end
  return on_database(args, function(run) return commands().baseline(run, args) end)
end

function does.repair(args)
  need_no_value(args)
  return on_database(args, function(run) return commands().repair(run) end)
end

function does.squash(args)
  need_no_value(args)
  return on_database(args, function(run)
    return run:locked(function()
      return require('lugger.inner.migrate.squash').run(run, commands().items(run), args.to)
    end)
  end)
end

local function has_database(args)
  local config = require 'lugger.inner.cli.config'
  return args.on or config.find 'PG_DIRECT_URI' or config.find 'PG_URI'
end

function does.import(args)
  if not args.value then flags.usage_error('import which directory?', 'lugger migrate import db/migrations') end
  local import, options = require 'lugger.inner.migrate.import', require('lugger.inner.migrate.run').options(args)
  if not has_database(args) then return import.run(options, args.value) end
  return on_database(args, function(run)
    return import.run(options, args.value, function(work) run:locked(function() work(run) end) end)
  end)
end

-- With a database, checks only what is pending there; otherwise every file.
function does.lint(args)
  need_no_value(args)
  local linted = require 'lugger.inner.lint.lint'
  local list, pending = {}, false
  local function add(migration)
    list[#list + 1] = { path = migration.path, text = migration:text() }
  end
  if has_database(args) then
    pending = true
    on_database(args, function(run)
      local items = require('lugger.inner.migrate.status').pending(commands().items(run))
      for _, item in ipairs(items) do add(item.migration) end
    end)
  else
    local directory = require('lugger.inner.migrate.run').options(args).dir ---@type string
    for _, migration in ipairs((require('lugger.inner.migrate.files').read(directory))) do add(migration) end
  end
  return require('lugger.inner.lint.report').all(linted.files(list, pending), #list, args)
end

local order = { 'new', 'up', 'down', 'redo', 'status', 'verify', 'lint', 'baseline', 'repair', 'squash', 'import' }

local function run(args)
  local work = does[args.what]
  if not work then
    flags.usage_error(('migrate has no "%s"'):format(args.what), fault.near(args.what, order))
  end
  return work(args)
end

return {
  summary = 'Versioned migrations: files in a directory, their history in the database.',
  arguments = {
    { 'what', 'new NAME, up, down [N], redo, status, verify, lint, baseline VERSION, repair, squash, import DIR' },
    { 'value', 'the NAME, number, version or directory', optional = true },
  },
  flags = {
    { 'on', 'the database (default: PG_DIRECT_URI, else PG_URI)', value = 'PLACE' },
    { 'dir', 'the directory of the migrations (default migrations/, or dir of [migrate] in lugger.toml)',
      value = 'DIR' },
    { 'sql', 'new: an SQL file instead of Lua' },
    { 'to', 'up, down, squash: as far as this version; down --to 0 reverts all', value = 'VERSION' },
    { 'plan', 'up: print each statement and the locks it takes; nothing is run' },
    { 'dry-run', 'up: run in a transaction, show what changed, roll back' },
    { 'rehearse', 'up: run on a throwaway copy' },
    { 'allow-out-of-order', 'up: run what is older than the newest applied one too' },
    { 'wait', 'wait while another process runs migrations' },
    { 'again', 'up, down: run a CALL or DO with COMMIT once more that was cut off' },
    { 'lock-timeout', 'give up waiting for a lock after this time, and try again (default 3s; 0: wait)',
      value = 'TIME' },
    { 'tries', 'attempts when another session holds a lock (default 10)', value = 'N', type = 'int', least = 1 },
    { 'statement-timeout', 'the longest a statement may take (default: no limit)', value = 'TIME' },
    { 'state-schema', 'schema of the ledger (default lugger)', value = 'NAME' },
    { 'all', 'status: also the oldest of a long history' },
    { 'json', 'status, lint: as JSON' },
    { 'github', 'lint: as annotations of GitHub Actions' },
    { 'sarif', 'lint: also write this file, as SARIF', value = 'FILE' },
  },
  more = 'Exit status: 0 done, 1 failed, 2 usage, 4 verify or lint found something, 130 stopped.',
  examples = { 'lugger migrate new add_nickname', 'lugger migrate up --plan', 'lugger migrate up',
    'lugger migrate status',
    'lugger migrate down' },
  run = run,
}
