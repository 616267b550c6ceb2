-- lugger scripts: the bundled ones.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local script = require 'lugger.inner.script.script'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local function list()
  local rows = {}
  for i, name in ipairs(script.bundled()) do
    rows[i] = { name, (script.summary((script.read(name))):match('^[^\n]*')) }
  end
  terminal.line(table_view.render({ 'script', 'what it does' }, rows))
end

local function run(args)
  if args.what == nil or args.what == 'list' then
    list()
  elseif args.what == 'show' then
    if not args.name then flags.usage_error('which script?', 'lugger scripts show NAME') end
    local known = false
    for _, name in ipairs(script.bundled()) do known = known or name == args.name end
    if not known then
      config.raise(('there is no bundled script "%s"'):format(args.name), fault.near(args.name,
        script.bundled()))
    end
    terminal.out((script.read(args.name)))
  else
    flags.usage_error(('scripts has no "%s"'):format(args.what), 'there are: list, show NAME')
  end
  return 0
end

return {
  summary = 'List the bundled scripts, or show the text of one, to start your own from.',
  arguments = { { 'what', 'list (default) or show', optional = true }, { 'name', 'a bundled script, for show',
    optional = true } },
  examples = { 'lugger scripts list', 'lugger scripts show mongo_to_postgres > mine.lua' },
  run = run,
}
