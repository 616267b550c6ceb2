-- The command line: finds the command, runs it, and turns the result into an exit status.
local config = require 'lugger.inner.cli.config'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local native = require 'lugger.native'
local script = require 'lugger.inner.script.script'
local terminal = require 'lugger.inner.view.terminal'
local traceback = require 'lugger.inner.script.traceback'
local system = native.system

local cli = {}

cli.exit = { done = 0, failed = 1, usage = 2, rejects = 3, differences = 4, stopped = 130 }

-- The commands in the order of a typical migration, for the help. Every file of stdlib/cli is a command; the others
-- follow.
local order = { 'init', 'describe', 'scaffold', 'plan', 'preview', 'trace', 'test', 'run', 'preflight', 'rejects',
  'move', 'follow', 'verify', 'repair', 'verdict', 'refs', 'pairs', 'runs', 'status', 'ctl', 'undo', 'log', 'psql',
  'repl', 'migrate', 'lint', 'scripts', 'state', 'help', 'version', 'completion' }

--- Names of the commands.
---@return string[]
function cli.commands()
  local names, seen = {}, {}
  for _, name in ipairs(order) do names[#names + 1], seen[name] = name, true end
  for _, file in ipairs(native.embedded_names('cli/')) do
    local name = file:match('^cli/([%w_]+)%.lua$')
    if name and not seen[name] then names[#names + 1] = name end
  end
  return names
end

--- The command of that name, or nil. A part of a command is named behind it: "vector decide".
---@param name string
---@return lugger.command|nil
function cli.command(name)
  local of, part = name:match '^(%S+) (%S+)$'
  for _, known in ipairs(cli.commands()) do
    if known == (of or name) then
      local command = require('lugger.cli.' .. known) --[[@as lugger.command]]
      if not part then return command end
      return flags.part(command, part)
    end
  end
end

local function looks_like_script(word)
  return word == '-' or word:find('/', 1, true) ~= nil or word:match('%.lua$') ~= nil
end

-- A password in an argument is visible in the process list and the shell's history: use it, warn, and overwrite it.
local function guard_passwords(argv)
  for _, word in ipairs(argv) do
    if word:find('[:=]') and system.mask_secrets(word) ~= word then
      system.wipe_arguments(word)
      terminal.warn("a password stands in an argument, where `ps` and the shell's history show it; "
        .. 'put it into .env or lugger.toml')
    end
  end
end

-- Must be known before any output, because warnings about the command line are events too.
local function wants_events(argv)
  for i, word in ipairs(argv) do
    if word == '--' then return false end
    if word == '--log=json' or word == '--log' and argv[i + 1] == 'json' then return true end
  end
  return false
end

-- Must happen before any script runs; even reading its options runs it.
local function confine(command, words)
  local asked, takes = config.wants_sandbox(), false
  for _, word in ipairs(words) do asked = asked or word == '--sandbox' end
  for _, flag in ipairs(command.flags or {}) do takes = takes or flag[1] == 'sandbox' end
  if asked and takes then require('lugger.inner.script.sandbox').start(words) end
end

--- Runs a command by name with the words after it.
---@param name string
---@param words string[]
---@return integer status
function cli.dispatch(name, words)
  local command = cli.command(name)
  if not command then
    local hint = fault.near(name, cli.commands(), false)
    for _, bundled in ipairs(script.bundled()) do
      if bundled == name then hint = 'it is a bundled script: lugger run ' .. name end
    end
    if not hint and system.stat(name) then hint = 'a script is run by: lugger run ./' .. name end
    flags.usage_error(('there is no command "%s"'):format(name), hint or '`lugger help` lists them')
  end
  if command.parts and words[1] ~= '--help' and words[1] ~= '-h' then
    local part = words[1] or flags.usage_error(('`lugger %s` is several commands'):format(name),
      'name one: ' .. table.concat(flags.parts(command), ', '))
    if not flags.part(command, part) then
      flags.usage_error(('%s has no "%s"'):format(name, part), fault.near(part, flags.parts(command)))
    end
    return cli.dispatch(name .. ' ' .. part, { unpack(words, 2) })
  end
  confine(command, words)
  local args = flags.parse(name, command, words)
  if args.help then
    local target = command.takes_script and words[1] ~= '--help' and words[1] ~= '-h' and words[1]
    return require('lugger.cli.help').show(target or name)
  end
  traceback.wanted = traceback.wanted or args.traceback or false
  args.words, args.command, args.command_name = words, command, name
  return command.run(args) or cli.exit.done
end

local function route(argv)
  if argv[1] == '--yes' then
    require('lugger.inner.cli.production').allowed = true
    argv = { unpack(argv, 2) }
  end
  local first = argv[1]
  local rest = { unpack(argv, 2) } ---@type string[]
  if not first then
    if terminal.is_terminal(0) then return cli.dispatch('repl', {}) end
    return cli.dispatch('run', { '-' })
  end
  if first == '-h' or first == '--help' then return cli.dispatch('help', rest) end
  if first == '-V' or first == '--version' then return cli.dispatch('version', rest) end
  if first == '-e' then
    if not rest[1] then flags.usage_error('-e needs Lua code', "lugger -e 'print(1 + 1)'") end
    return require('lugger.inner.repl.repl').evaluate(rest[1], { unpack(rest, 2) })
  end
  if first:match('^%-.') then
    flags.usage_error('unknown flag ' .. first,
      'a command comes first, as in `lugger run users.lua`; `lugger help` lists them')
  end
  if looks_like_script(first) then return cli.dispatch('run', argv) end
  return cli.dispatch(first, rest)
end

--- Reports an error and returns the exit status.
---@param err any
---@return integer
function cli.report(err)
  terminal.fail(err)
  if type(err) == 'table' then
    if rawget(err, 'usage') then return cli.exit.usage end
    local code = rawget(err, 'code')
    if code == 'interrupted' then return cli.exit.stopped end
    if code == 'bug' then
      terminal.say('this is a fault of lugger; please report it with the command that led here')
    end
  end
  return cli.exit.failed
end

--- The program: arguments in, exit status out.
---@param argv string[]
---@return integer status
function cli.main(argv)
  jit.off() -- a compiled loop would not see Ctrl-C
  if wants_events(argv) then terminal.as_events() end
  guard_passwords(argv)
  local ok, status = xpcall(function()
    config.load()
    return route(argv)
  end, function(err) return traceback.last() and err or traceback.keep(err) end) ---@type boolean, any
  if not ok then status = cli.report(status) end
  local stack = status ~= cli.exit.done and traceback.last()
  if stack then terminal.say(stack) end
  io.stdout:flush()
  return status
end

--- Flags shared by every command that loads a script.
cli.script_flags = {
  { 'from', 'read from this place instead of the script\'s source', value = 'PLACE' },
  { 'into', 'write to this place instead of the script\'s target', value = 'PLACE' },
  { 'create', 'create tables that are missing' },
  { 'on-conflict', 'what happens when a row with that key exists', value = 'POLICY', choices = { 'error', 'skip',
    'update', 'newer' } },
  { 'sandbox', 'the script gets no files, programs or network but the places that the project names' },
  { 'traceback', 'print the Lua stack behind an error of the script' },
  { 'yes', 'let the script\'s own SQL write to connections marked production' },
}

--- The shared flags, with more after them.
---@param more lugger.flag[]
---@return lugger.flag[]
function cli.with_script_flags(more)
  local all = {}
  for _, flag in ipairs(more) do all[#all + 1] = flag end
  for _, flag in ipairs(cli.script_flags) do all[#all + 1] = flag end
  return all
end

--- Makes flags optional for a script that has its own of the same name: a script that works with `run` must work with
--- other commands too.
---@param list lugger.flag[]
---@return lugger.flag[]
function cli.yielding(list)
  for _, flag in ipairs(list) do flag.yields = true end
  return list
end

--- Loads the script that a command names, with --from, --into and the script's own flags.
---@param args table
---@return lugger.script.loaded
function cli.load(args)
  require('lugger.inner.cli.production').allowed = args.yes or false
  terminal.name_script(cli.script_line(args))
  local function load()
    return script.load(args.script, {
      arguments = args.script_arguments, reserved = flags.reserved(args.command),
      resume_command = cli.resume_line(args),
      overrides = { from = args.from, into = args.into, on_conflict = args.on_conflict },
    })
  end
  if args.command_name == 'run' then
    effects.confine_runs(args)
    return load()
  end
  return effects.without_runs(('%s runs its jobs itself, and `lugger %s` must not'):format(args.script,
    args.command_name), ('`lugger %s` runs it; a script that returns its jobs has all commands'):format(
    cli.script_line(args)), load)
end

---@type table<string, boolean>
local only_once = { ['--restart'] = true, ['--again'] = true, ['--detach'] = true, ['--accept-changes'] = true }
-- Where `lugger follow` begins: what goes on has a position.
---@type table<string, boolean>
local beginnings = { ['--from-time'] = true, ['--after'] = true }

--- The command that resumes a stopped run: this one, without flags that must not be repeated.
---@param args table
---@return string
function cli.resume_line(args)
  local own = { rejects = true, move = true, follow = true }
  local words, value_follows = { 'lugger', own[args.command_name] and args.command_name or 'run' }, false
  for _, word in ipairs(args.words) do
    local begins = args.command_name == 'follow' and beginnings[word:match '^[^=]*']
    if not (value_follows or begins or only_once[word]) then
      words[#words + 1] = terminal.shell_quote(system.mask_secrets(word))
    end
    value_follows = begins and not word:find('=', 1, true)
  end
  return table.concat(words, ' ')
end

--- The command itself, for what has not begun yet; no longer behind the terminal's back.
---@param args table
---@return string
function cli.same_line(args)
  local words = { 'lugger', args.command_name }
  for _, word in ipairs(args.words) do
    if word ~= '--detach' then words[#words + 1] = terminal.shell_quote(system.mask_secrets(word)) end
  end
  return table.concat(words, ' ')
end

--- The script with the flags that decide which jobs it makes, to be used after `lugger rejects`.
---@param args table
---@return string
function cli.script_line(args)
  local words = { terminal.shell_quote(args.script) }
  for _, name in ipairs { 'from', 'into' } do
    if args[name] then
      words[#words + 1] = '--' .. name
      words[#words + 1] = terminal.shell_quote(system.mask_secrets(args[name]))
    end
  end
  for _, word in ipairs(args.script_arguments) do words[#words + 1] = terminal.shell_quote(word) end
  return table.concat(words, ' ')
end

--- The jobs of a script, or an error when it returned none.
---@param loaded lugger.script.loaded
---@return table[]
function cli.jobs(loaded)
  if #loaded.jobs == 0 then
    config.raise(loaded.name .. ' returned no job', 'end it with: return lugger.copy { ... }')
  end
  for _, job in ipairs(loaded.jobs) do
    if job.is_fix then
      config.raise(loaded.name .. ' is a fix', ('lugger run %s shows what it would change, and writes nothing'):format(
        terminal.shell_quote(loaded.name)))
    end
  end
  return loaded.jobs
end

return cli
