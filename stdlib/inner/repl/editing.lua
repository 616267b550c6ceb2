-- :edit and :load: statements from an editor and from files.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local plain = require 'lugger.inner.repl.plain'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local editing = {}

local function statement_of(state, argument)
  if argument == '' then return state.entries[#state.entries] end
  local entry = state.entries[tonumber(argument) or 0]
  if not entry then
    config.raise(('there is no statement %s'):format(argument), ':history lists them with their numbers')
  end
  return entry
end

local function editor()
  for _, name in ipairs { 'VISUAL', 'EDITOR' } do
    local program = system.getenv(name)
    if program and program ~= '' then return program end
  end
  return 'vi'
end

-- The text as the editor leaves it.
local function edited(text)
  local path = os.tmpname()
  system.write_file(path, text, tonumber('600', 8))
  io.stdout:flush()
  local before = system.interrupt_raises(false) -- Ctrl-C is the editor's
  local status = os.execute(('%s %s'):format(editor(), terminal.shell_quote(path)))
  system.clear_stop()
  system.interrupt_raises(before)
  local ok, after = pcall(system.read_file, path)
  os.remove(path)
  if status ~= 0 or not ok then
    config.raise(('the editor "%s" ended with an error'):format(editor()), 'EDITOR names another one; nothing was run')
  end
  return (after:gsub('%s+$', ''))
end

--- :edit: the last statement, or one by its number, in an editor; what it leaves is run.
---@param state table of the prompt
---@param argument string
---@return nil
function editing.edit(state, argument)
  if not terminal.is_terminal(0) then config.raise(':edit is for a terminal') end
  local entry = statement_of(state, argument)
  local text = edited(entry and (entry.typed or entry.text) .. '\n' or '')
  if text == '' then return terminal.say('nothing was left to run') end
  terminal.line(text)
  state.remember(text)
  if plain.is_sql(text, state) then
    state.run(plain.pg(text), text)
  else
    state.run(plain.command(text, state) or text, text)
  end
end

--- :load: a file is run as one statement; what it returns is the value.
---@param state table of the prompt
---@param argument string
function editing.load(state, argument)
  local path = argument:match '^["\'](.*)["\']$' or argument
  if path == '' then config.raise(':load wants a file', ':load fix.lua') end
  local text = system.read_file(path):gsub('^#[^\n]*', '')
  local chunk, problem = loadstring(text, '@' .. path)
  if not chunk then config.raise(problem --[[@as string]]) end
  state.run(text, (':load %s'):format(path), path)
end

return editing
