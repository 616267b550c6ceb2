-- lugger init: the files that a project begins with. Nothing that exists is overwritten.
local native = require 'lugger.native'
local terminal = require 'lugger.terminal'
local templates = require 'lugger.templates'
local system = native.system

local function write(path, text)
  local file, problem = io.open(path, 'w')
  if not file then require('lugger.config').raise('cannot write ' .. problem) end
  file:write(text)
  file:close()
end

local function create(path, text)
  if system.stat(path) then
    terminal.line('  kept     ', path)
    return
  end
  write(path, text)
  terminal.line('  written  ', path)
end

local function ignore(entries)
  local text = system.stat('.gitignore') and system.read_file('.gitignore') or ''
  local added = {}
  for _, entry in ipairs(entries) do
    if not ('\n' .. text .. '\n'):find('\n' .. entry .. '\n', 1, true) then added[#added + 1] = entry end
  end
  if #added == 0 then
    terminal.line('  kept     .gitignore')
    return
  end
  if text ~= '' and text:sub(-1) ~= '\n' then text = text .. '\n' end
  write('.gitignore', text .. table.concat(added, '\n') .. '\n')
  terminal.line('  written  .gitignore (', table.concat(added, ', '), ')')
end

-- Editors complete lugger's functions from its annotated sources.
local function write_library()
  for _, name in ipairs(native.embedded_names('')) do
    if name:match('^meta/') or name == 'lugger.lua' or name:match('^lugger/') then
      local path = '.lugger/library/' .. name
      system.make_dir(path:match('^(.*)/'))
      write(path, native.embedded(name))
    end
  end
  terminal.line('  written  .lugger/library (for the editor; .luarc.json points to it)')
end

local function systemd(args)
  local script = args.systemd
  local found = system.stat(script)
  if not found then
    require('lugger.config').raise(('there is no script %s'):format(script), 'lugger init --systemd users.lua')
  end
  local directory = system.cwd()
  local name = 'lugger-' .. script:match('([^/]+)$'):gsub('%.lua$', ''):gsub('[^%w_%-]', '_')
  local path = name .. '.service'
  local words = (args.apply and ' --apply' or '') .. (args.window and ' --window ' .. args.window or '')
  if args.window and not args.window:match('^%d%d:%d%d%-%d%d:%d%d$') then
    require('lugger.config').raise(('%s is no window of the day'):format(args.window), 'as in 22:00-05:00')
  end
  create(path, templates.unit { name = name, directory = directory, script = script, user = system.getenv('USER')
    or 'postgres', flags = words })
  terminal.say(('\ninstall it:\n  sudo cp %s /etc/systemd/system/\n'
    .. '  sudo systemctl daemon-reload\n  sudo systemctl enable --now %s\n')
    :format(path, name) .. 'It resumes the run after a reboot, and stops once the run is done.')
end

local function run(args)
  if args.systemd then
    systemd(args)
    return 0
  end
  create('lugger.toml', templates.toml)
  create('.env.example', templates.dotenv)
  create('.luarc.json', templates.luarc)
  ignore { '.env', '.lugger/' }
  create(args.script or 'users.lua', templates.script)
  write_library()
  terminal.say('\nnext: cp .env.example .env, write your places into it, then\n  lugger preview ', args.script
    or 'users.lua', ' -n 5')
  return 0
end

return {
  summary = 'Write the files a project begins with: lugger.toml, .env.example, .luarc.json, an example script.',
  arguments = { { 'script', 'name of the example script (default users.lua)', optional = true } },
  flags = { { 'systemd', 'write a systemd unit that runs this script and resumes it after a reboot',
    value = 'SCRIPT' },
    { 'window', '--systemd: hours of the day it works in, as in 22:00-05:00', value = 'HOURS' },
    { 'apply', '--systemd: the script is a fix, and writes' } },
  examples = { 'lugger init', 'lugger init --systemd users.lua --window 22:00-05:00' },
  run = run,
}
