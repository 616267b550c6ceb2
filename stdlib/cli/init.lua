-- lugger init: writes the first files of a project. Never overwrites an existing file.
local config = require 'lugger.inner.cli.config'
local flags = require 'lugger.inner.cli.flags'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local files = require 'lugger.inner.cli.templates_repository'
local templates = require 'lugger.inner.cli.templates'
local system = native.system

local write = system.write_file

local function create(path, text)
  local directory = path:match '^(.*)/'
  if directory then system.make_dir(directory) end
  if system.stat(path) then
    terminal.line('  kept     ', path)
    return
  end
  write(path, text)
  terminal.line('  written  ', path)
end

local function ignore(root, entries)
  local path = root .. '.gitignore'
  local text = system.stat(path) and system.read_file(path) or ''
  local added = {}
  for _, entry in ipairs(entries) do
    if not ('\n' .. text .. '\n'):find('\n' .. entry .. '\n', 1, true) then added[#added + 1] = entry end
  end
  if #added == 0 then
    terminal.line('  kept     ', path)
    return
  end
  if text ~= '' and text:sub(-1) ~= '\n' then text = text .. '\n' end
  write(path, text .. table.concat(added, '\n') .. '\n')
  terminal.line('  written  ', path, ' (', table.concat(added, ', '), ')')
end

-- Removes files that an older version wrote and this version does not have.
local function remove_others(directory, written)
  for _, name in ipairs(system.list_dir(directory) or {}) do
    local path = directory .. '/' .. name
    local found = system.stat(path)
    if found and found.is_dir then
      remove_others(path, written)
    elseif name:match '%.lua$' and not written[path] then
      os.remove(path)
    end
  end
end

-- Editors complete lugger's functions from its annotated sources.
local function write_library(root)
  local library, written = root .. '.lugger/library', {}
  for _, name in ipairs(native.embedded_names('')) do
    if name:match('^meta/') or name == 'lugger.lua' or name:match('^lugger/') or name:match('^inner/') then
      local path = library .. '/' .. name:gsub('^inner/', 'lugger/inner/')
      written[path] = true
      system.make_dir(assert(path:match('^(.*)/')))
      write(path, assert(native.embedded(name)))
    end
  end
  remove_others(library .. '/lugger', written)
  terminal.line('  written  ', library, ' (for the editor; .luarc.json points to it)')
end

local function systemd(args)
  local script = args.systemd
  local found = system.stat(script)
  if not found or found.is_dir then
    config.raise(('there is no script %s'):format(script), 'lugger init --systemd users.lua')
  end
  local directory = system.cwd()
  local name = 'lugger-' .. script:match('([^/]+)$'):gsub('%.lua$', ''):gsub('[^%w_%-]', '_')
  local path = name .. '.service'
  local words = (args.apply and ' --apply' or '') .. (args.window and ' --window ' .. args.window or '')
  if args.window and not args.window:match('^%d%d:%d%d%-%d%d:%d%d$') then
    config.raise(('%s is not a window of the day'):format(args.window), 'as in 22:00-05:00')
  end
  create(path, templates.unit { name = name, directory = directory, script = script, user = system.getenv('USER')
    or 'postgres', flags = words })
  terminal.say(('\ninstall it:\n  sudo cp %s /etc/systemd/system/\n'
    .. '  sudo systemctl daemon-reload\n  sudo systemctl enable --now %s\n')
    :format(path, name) .. 'It resumes the run after a reboot, and stops once the run is done.')
end

local function common(root)
  create(root .. 'lugger.toml', templates.toml)
  create(root .. '.env.example', templates.dotenv)
  create(root .. '.luarc.json', templates.luarc)
  ignore(root, { '.env', '.lugger/' })
end

local function has_migration(directory)
  for _, name in ipairs(system.list_dir(directory) or {}) do
    if name:match '^%d+_' then return true end
  end
  return false
end

local function repository(directory)
  local root = directory == '.' and '' or (directory:gsub('/*$', '')) .. '/'
  local found = system.stat(directory)
  if found and not found.is_dir then config.raise(directory .. ' is a file, not a directory') end
  system.make_dir(directory)
  common(root)
  create(root .. '.luacheckrc', files.luacheckrc)
  create(root .. 'README.md', files.readme)
  create(root .. 'jobs/users.lua', files.job)
  create(root .. 'tests/users_test.lua', files.test)
  if has_migration(root .. 'migrations') then
    terminal.line('  kept     ', root, 'migrations/')
  else
    create(('%smigrations/%s_users.lua'):format(root, os.date '!%Y%m%d%H%M%S'), files.migration)
  end
  create(root .. '.github/workflows/check.yml', files.ci)
  write_library(root)
  terminal.say('\nnext:', root ~= '' and '\n  cd ' .. root or '',
    '\n  lugger test tests/        the mapping on sample documents\n',
    '  cp .env.example .env      and write your places into it\n  lugger preview jobs/users.lua -n 5')
end

-- A role of MongoDB with the rights that a copy and its changes need, for mongosh.
local function mongo_role(args)
  if args.name then
    flags.usage_error('--mongo-role prints, and takes no file', 'lugger init --mongo-role --database shop')
  end
  terminal.line(templates.mongo_role(args.database or {}))
  return 0
end

local function run(args)
  if args.mongo_role then return mongo_role(args) end
  if #(args.database or {}) > 0 then flags.usage_error('--database goes with --mongo-role') end
  if args.systemd then
    systemd(args)
    return 0
  end
  if args.name and not args.name:match '%.lua$' then
    repository(args.name)
    return 0
  end
  local script = args.name or 'users.lua'
  common('')
  create(script, templates.script)
  write_library('')
  terminal.say('\nnext: cp .env.example .env, write your places into it, then\n  lugger preview ', script, ' -n 5')
  return 0
end

return {
  summary = 'Write the files a project begins with: configuration, an example script; with a directory a small '
    .. 'repository with a job, its test, a migration, checks. What exists is kept.',
  arguments = { { 'name',
    'a directory (. is this one) for a repository; or NAME.lua, the example script alone (default users.lua)',
    optional = true } },
  flags = { { 'systemd', 'write a systemd unit that runs this script and resumes it after a reboot',
    value = 'SCRIPT' },
    { 'window', '--systemd: hours of the day it works in, as in 22:00-05:00', value = 'HOURS' },
    { 'apply', '--systemd: the script is a fix, and writes' },
    { 'mongo-role', 'instead: print the command for mongosh that makes a role with the rights that suffice' },
    { 'database', '--mongo-role: the role is for this database; may be repeated (default: all)', value = 'NAME',
      many = true } },
  examples = { 'lugger init shop', 'lugger init', 'lugger init --systemd users.lua --window 22:00-05:00',
    'lugger init --mongo-role --database shop' },
  run = run,
}
