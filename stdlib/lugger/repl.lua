-- The prompt: statements over several lines, values that paste back, history, completion, help.
local completion = require 'lugger.completion'
local config = require 'lugger.config'
local help = require 'lugger.help'
local native = require 'lugger.native'
local table_view = require 'lugger.table_view'
local terminal = require 'lugger.terminal'
local value_text = require 'lugger.value_text'
local edit, system = native.edit, native.system

local repl = {}

local brief = [[
help(copy), help 'job:run'     a function
help 'run', help 'mapping'     a command, a page of the manual
help 'pages'                   which pages there are
users:columns()                an expression prints its value
:traceback                     where the last error came from
:quit                          leave (or Ctrl-D)]]

local function words_of_prompt(session)
  local words = {}

  --- Help for a function, a name or a module: help(lugger.copy), help 'trace'.
  function words.help(value)
    if value == nil then
      terminal.line(brief)
      return
    end
    local text = help.of(value)
    if not text and type(value) == 'string' then
      require('lugger.cli.help').show(value)
      return
    end
    terminal.line(text or 'there is no help for that')
  end

  --- Runs SQL on a place, or on the target used last, and shows the rows: pg 'select count(*) from users'.
  function words.pg(sql, place)
    local lugger = require 'lugger'
    place = place and config.resolve(place) or (lugger.last_target and lugger.last_target())
      or (config.find('PG_URI'))
    if not place then
      config.raise('pg: on which target?', "pg('select 1', 'local:./pg'), make a target first, or set PG_URI")
    end
    if not session.pg or session.place ~= place then session.pg, session.place = native.pg(place, 'prompt'), place end
    local result = session.pg:query(sql)
    if #result.names == 0 then
      terminal.line(terminal.count(result.affected, 'row'), ' affected')
      return
    end
    local rows = {}
    for i, row in ipairs(result.rows) do
      rows[i] = {}
      for column = 1, #result.names do
        local value = row[column]
        rows[i][column] = type(value) == 'string' and value or 'NULL'
      end
    end
    terminal.line(table_view.render(result.names, rows))
    terminal.line('(', terminal.count(#rows, 'row'), ')')
  end

  return words
end

--- The globals of the prompt: what scripts have, everything of `lugger` by its bare name, help and pg.
---@return table
function repl.environment()
  local lugger = require 'lugger'
  local words = words_of_prompt({})
  local members = setmetatable({}, { __index = function(_, key)
    if words[key] ~= nil then return words[key] end
    local member = lugger[key]
    if member ~= nil then return member end
    return _G[key]
  end })
  members.lugger = lugger
  repl.words = words
  return members
end

--- Compiles a statement or an expression. "incomplete" means that more lines are needed.
---@param text string
---@param environment table
---@return function|nil chunk
---@return string|nil problem
function repl.compile(text, environment)
  local expression = text:match('^%s*=(.*)$')
  local chunk, problem = loadstring('return ' .. (expression or text), '=prompt')
  if not chunk and not expression then chunk, problem = loadstring(text, '=prompt') end
  if chunk then return setfenv(chunk, environment) end
  if problem:find("'<eof>'", 1, true) then return nil, 'incomplete' end
  return nil, problem
end

-- What jobs give back is shown as the commands show it.
local function show_known(value)
  if type(value) ~= 'table' or getmetatable(value) then return false end
  if value.documents and value.tables and value.tally then
    require('lugger.preview_view').show('preview', value)
  elseif value.report and value.partitions then
    require('lugger.plan_view').show(value)
  elseif value.steps and value.outcome then
    require('lugger.cli.trace').show(value)
  elseif value.reject_codes and value.tally then
    require('lugger.summary').print({ value }, 1, {})
  else
    return false
  end
  return true
end

local function show_results(results)
  if results.n < 2 or (results.n == 2 and show_known(results[2])) then return end
  local parts = {}
  for i = 2, results.n do parts[#parts + 1] = value_text.of(results[i]) end
  if not (results.n == 2 and results[2] == nil) then terminal.line(table.concat(parts, '\t')) end
end

local function protected(chunk, arguments)
  local trace
  local function pack(...) return { n = select('#', ...), ... } end
  local results = pack(xpcall(function() return chunk(unpack(arguments or {})) end, function(err)
    -- What called the prompt is not the reader's.
    local whole = debug.traceback(terminal.error_text(err), 2)
    trace = whole:gsub("\n%s*%[C%]: in function 'xpcall'\n%s*lugger/repl%.lua.*$", '')
    return err
  end))
  return results, trace
end

--- Runs code as at the prompt, without reading anything; the status for the command line.
---@param code string
---@param arguments string[] what stands behind it: `...` of the code
---@return integer
function repl.evaluate(code, arguments)
  local chunk, problem = repl.compile(code, repl.environment())
  if not chunk then
    terminal.fail(problem == 'incomplete' and 'the code is incomplete' or problem)
    return 1
  end
  local results = protected(chunk, arguments)
  if not results[1] then return require('lugger.cli').report(results[2]) end
  show_results(results)
  return 0
end

local function history_path()
  local home = system.getenv('XDG_STATE_HOME')
  if not home or home == '' then
    local user = system.getenv('HOME')
    if not user or user == '' then return nil end
    home = user .. '/.local/state'
  end
  return home .. '/lugger/history'
end

local function is_interruption(err)
  return type(err) ~= 'string' and err ~= nil and err.code == 'interrupted'
end

-- A line, and whether Ctrl-C came while it was read; nil at the end of input.
local function read_line(prompt)
  local before = system.interrupt_raises(false)
  local line = edit.readline(prompt)
  local interrupted = system.stop_level() > 0
  system.clear_stop()
  system.interrupt_raises(before)
  return line, interrupted
end

-- Reads one statement; nil at the end of input, "" when it was cancelled.
local function read_statement(environment)
  local text
  while true do
    local line, interrupted = read_line(text and '>> ' or '> ')
    if line == nil and interrupted then
      terminal.line('^C')
      return ''
    end
    if line == nil then return text and '' or nil end
    -- What was there before Ctrl-C is cancelled; the line that came after it begins anew.
    text = text and not interrupted and text .. '\n' .. line or line
    if text:match('^%s*$') or text:match('^%s*:%a+%s*$') then return text end
    local _, problem = repl.compile(text, environment)
    if problem ~= 'incomplete' then return text end
  end
end

local function run_statement(text, environment, state)
  local chunk, problem = repl.compile(text, environment)
  if not chunk then
    local command = text:match('^%s*lugger%s+(%a+)')
    terminal.fail(command and ('`lugger %s` is for the shell: Ctrl-D leaves the prompt'):format(command) or problem)
    return
  end
  local results, trace = protected(chunk)
  if results[1] then
    local shown, err = pcall(show_results, results)
    if not shown then terminal.fail(err) end
  elseif is_interruption(results[2]) then
    terminal.say('cancelled')
  else
    state.trace = trace
    terminal.fail(results[2])
  end
  system.clear_stop()
  io.stdout:flush()
end

-- Commands of the prompt begin with a colon, which no Lua statement does.
local function meta_command(word, state)
  if word == 'traceback' then
    terminal.line(state.trace or 'no error yet')
  elseif word == 'quit' or word == 'q' then
    return true
  else
    terminal.line(':traceback  where the last error came from\n:quit       leave (or Ctrl-D)')
  end
end

--- Starts the prompt; returns when the input ends.
---@return integer status
function repl.start()
  local environment, state, path = repl.environment(), {}, history_path()
  if terminal.is_terminal(0) then
    terminal.line('lugger ', native.version, '; help() tells more, Ctrl-D leaves')
    io.stdout:flush()
  end
  if path then
    pcall(system.make_dir, (path:match('^(.*)/')))
    edit.load_history(path)
  end
  edit.on_complete(function(word, line, start) return completion.complete(word, line, start, environment,
    repl.words) end)
  system.interrupt_raises(true)
  while true do
    local text = read_statement(environment)
    if text == nil then break end
    if not text:match('^%s*$') then
      edit.add_history((text:gsub('\n', ' ')))
      local word = text:match('^%s*:(%a+)%s*$')
      if word then
        if meta_command(word, state) then break end
      else
        run_statement(text, environment, state)
      end
    end
    io.stdout:flush()
  end
  if path then edit.save_history(path) end
  if terminal.is_terminal(0) then terminal.line() end
  return 0
end

return repl
