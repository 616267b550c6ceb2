-- What is typed, statement by statement: Lua and SQL over several lines, commands, pasted text, and what comes back
-- from the history.
local native = require 'lugger.native'
local plain = require 'lugger.inner.repl.plain'
local sql_session = require 'lugger.inner.sql.session'
local statement = require 'lugger.inner.repl.statement'
local terminal = require 'lugger.inner.view.terminal'
local edit, system = native.edit, native.system

local input = {}

-- Reads a line; also returns whether Ctrl-C was pressed. nil at the end of input.
local function read_line(prompt)
  local pasted = edit.pasted_line()
  if pasted then
    terminal.line(prompt, pasted:sub(1, math.max(10, terminal.width() - #prompt)))
    return pasted, false
  end
  local before = system.interrupt_raises(false)
  local line = edit.readline(prompt)
  local interrupted = system.stop_level() > 0
  if interrupted then edit.forget_paste() end
  system.clear_stop()
  system.interrupt_raises(before)
  return line, interrupted
end

-- The prompt shows an open or failed transaction.
local function first_prompt()
  local mark = ''
  for _, session in ipairs(sql_session.list()) do
    local transaction = session:state()
    if transaction == 'failed' then mark = '!' end
    if transaction == 'open' and mark == '' then mark = '*' end
  end
  return mark .. '> '
end

-- What comes from the history may hold several lines.
local function each_line(text)
  return (text .. '\n'):gmatch '(.-)\n'
end

-- Reads SQL without `pg`, up to its semicolon, or to the end of a line that completes the statement. Returns it as a
-- statement of the prompt, and as it was typed.
local function read_sql(line, state)
  local lines = { line }
  state.lines = lines
  while true do
    local sql = table.concat(lines, '\n')
    local whole, ended = plain.whole(sql)
    local pasted = whole and not ended and edit.pasted_line()
    if whole and not pasted then return plain.pg(sql), sql end
    local more, interrupted = pasted, false
    if not pasted then more, interrupted = read_line('>> ') end
    if interrupted and more == nil then
      terminal.line('^C')
      return ''
    end
    if more == nil then return plain.pg(sql), sql end
    lines[#lines + 1] = more
  end
end

-- A whole statement from the first of its lines: a command, or SQL. Nil for Lua.
local function not_lua(line, state)
  if line:match '^%s*$' then return line end
  local word = plain.command(line, state)
  if word then return word, line end
  if plain.is_sql(line, state) then return read_sql(line, state) end
end

--- Reads one statement. nil at the end of input, "" when it was cancelled, false when the input ended inside it.
---@param state table of the prompt
---@return string|false|nil text
---@return string|nil typed the same as it was typed, for the history
function input.read(state)
  local scanner, prompt = statement.new(), first_prompt()
  while true do
    state.lines = scanner.lines
    local line, interrupted = read_line(prompt)
    if line == nil and interrupted then
      terminal.line('^C')
      return ''
    end
    if line == nil then
      if #scanner.lines > 0 then return false end
      return nil
    end
    -- Ctrl-C cancels the earlier lines; the line after it begins a new statement.
    if interrupted then scanner = statement.new() end
    if #scanner.lines == 0 then
      local text, typed = not_lua(line, state)
      if text then return text, typed end
    end
    for one in each_line(line) do scanner:add(one) end
    if not scanner:open() then
      local text = scanner:text()
      local _, problem = statement.compile(text, state.environment)
      if problem ~= 'incomplete' then return text, text end
    end
    prompt = scanner.quote and "'> " or '>> '
  end
end

return input
