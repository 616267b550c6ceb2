-- lugger help [TOPIC]: commands, scripts and their flags, functions of the library, pages of the manual.
local annotations = require 'lugger.inner.cli.annotations'
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local help = require 'lugger.inner.cli.help'
local native = require 'lugger.native'
local options = require 'lugger.inner.script.options'
local page_view = require 'lugger.inner.view.page'
local script = require 'lugger.inner.script.script'
local terminal = require 'lugger.inner.view.terminal'

local command = {
  summary = 'Show help for a command, a script, a function or a page of the manual.',
  arguments = { { 'topic', 'a command, a script, a function such as lugger.copy, or a page', optional = true,
    many = true } },
  flags = { { 'man', 'print the manual page (roff) instead' } },
  examples = { 'lugger help', 'lugger help run', 'lugger help users.lua', 'lugger help lugger.copy',
    'lugger help rejects' },
}

local function pages()
  local names = {}
  for _, name in ipairs(native.embedded_names('docs/')) do names[#names + 1] = name:match('^docs/(.+)%.md$') end
  return names
end

local function overview()
  terminal.line('lugger ', native.version, ': moves MongoDB dumps and exports into PostgreSQL.\n')
  terminal.line('  lugger COMMAND [flags]      lugger SCRIPT.lua [flags] (the same as run)')
  terminal.line("  lugger (the prompt)         lugger -e 'Lua code'\n")
  for _, name in ipairs(cli.commands()) do
    local summary = assert(cli.command(name)).summary:gsub('%. .*$', '.'):gsub(': .*$', '.'):gsub(';.*$', '.')
    terminal.line(('  %-10s '):format(name), (terminal.wrap(summary, (' '):rep(13), 80):gsub('^%s+', '')))
  end
  local bundled = script.bundled()
  if #bundled > 0 then terminal.line('\nbundled scripts: ', table.concat(bundled, ', ')) end
  local list = pages()
  if #list > 0 then terminal.line(terminal.wrap('pages: ' .. table.concat(list, ', '), '', 80)) end
  terminal.line('\nmore: lugger help COMMAND, SCRIPT, PAGE or a function such as lugger.copy')
end

local function about_script(name)
  if config.wants_sandbox() then require('lugger.inner.script.sandbox').start { name } end
  local about = script.about(name)
  if about.problem and not about.options then
    terminal.warn('the script cannot be loaded: ' .. terminal.error_text(about.problem))
  end
  if about.summary ~= '' then terminal.line(about.summary, '\n') end
  terminal.line('usage: lugger run ', name, options.usage(about.options or {}), ' [flags of run]')
  if about.options then
    terminal.line('\nits arguments and flags:')
    terminal.line(options.describe(about.options))
  end
  terminal.line('\nflags of run: lugger help run')
end

local function is_script(name)
  if name:find('/', 1, true) or name:match('%.lua$') then return true end
  for _, bundled in ipairs(script.bundled()) do
    if bundled == name then return true end
  end
  return false
end

local function candidates()
  local names = cli.commands()
  for _, list in ipairs { script.bundled(), pages() } do
    for _, name in ipairs(list) do names[#names + 1] = name end
  end
  for _, entry in ipairs(annotations.entries()) do
    if entry.public then
      names[#names + 1] = entry.name
      names[#names + 1] = entry.name:match '[%w_]+$'
    end
  end
  return names
end

-- A command or a page may have the name of functions: `run`, `verify`.
local function tell_functions(topic)
  local names = {}
  for _, entry in ipairs(help.all(topic, true)) do
    if entry.public and entry.kind == 'function' then names[#names + 1] = entry.name end
  end
  if #names > 0 then
    terminal.line('\n', terminal.wrap(('functions of that name: %s; help \'%s\''):format(table.concat(names, ', '),
      names[1]:gsub('^lugger%.', ''))))
  end
end

--- Shows the help of a topic.
---@param topic string|nil
---@return integer status
function command.show(topic)
  if not topic then
    overview()
    return 0
  end
  topic = topic:gsub('^docs/', ''):gsub('%.md$', '')
  if topic == 'pages' then
    terminal.line(terminal.wrap(table.concat(pages(), ', ')))
    return 0
  end
  local text = native.embedded('docs/' .. topic:match '%S*$' .. '.md')
  local page = text and page_view.render(text) ---@type string|nil
  local known = cli.command(topic)
  if known then
    terminal.line(flags.help(topic, known))
    if page then terminal.line('\n', page) end
    tell_functions(topic:match '%S*$')
    return 0
  end
  if is_script(topic) then
    about_script(topic)
    return 0
  end
  local entry = help.text(topic, true)
  if not page and not entry then
    config.raise(('there is no help for "%s"'):format(topic), fault.near(topic, candidates(),
      '`lugger help` lists the topics'))
  end
  terminal.line(page or entry)
  if page then tell_functions(topic) end
  return 0
end

function command.run(args)
  if args.man then
    terminal.out(require('lugger.inner.cli.man_page').text())
    return 0
  end
  return command.show(args.topic and args.topic[1] and table.concat(args.topic, ' '))
end

return command
