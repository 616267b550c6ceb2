-- The prompt: statements over several lines, values that can be pasted back, history, completion, help.
local commands = require 'lugger.inner.repl.commands'
local completion = require 'lugger.inner.repl.completion'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local global_names = require 'lugger.inner.script.global_names'
local help_value = require 'lugger.inner.cli.help_value'
local history = require 'lugger.inner.repl.history'
local input = require 'lugger.inner.repl.input'
local modules = require 'lugger.inner.script.modules'
local native = require 'lugger.native'
local pager = require 'lugger.inner.view.pager'
local prompt_pg = require 'lugger.prompt_pg'
local reads = require 'lugger.inner.repl.reads'
local result_view = require 'lugger.inner.repl.result_view'
local sql_db = require 'lugger.inner.sql.db'
local sql_session = require 'lugger.inner.sql.session'
local statement = require 'lugger.inner.repl.statement'
local terminal = require 'lugger.inner.view.terminal'
local transactions = require 'lugger.inner.repl.transactions'
local words = require 'lugger.inner.repl.words'
local edit, system = native.edit, native.system

local repl = {}

local brief = [[
help(copy), help 'job:run'     a function
help 'run', help 'mapping'     a command, a page of the manual
help 'pages'                   which pages there are
users:columns()                an expression prints its value
select 1                       SQL, on the target used last, or PG_URI
pg('select $1::int', 5)        SQL with values, as a result for Lua; \dt, \d users
users:find { age = 31 }        documents of a source
:help                          the commands of the prompt: :json, :time, :save ...
exit                           leave (or Ctrl-D)]]

local function new_pg(state)
  local pg
  pg, state.pg_default = prompt_pg.new(function(place) state.place = place end,
    function(place) state.opened[#state.opened + 1] = place end)
  return pg
end

local function words_of_prompt(state)
  local own = { pg = new_pg(state) }

  --- Help for a function, a name or a value: help(lugger.copy), help 'trace', help(users).
  function own.help(...)
    local value = ...
    if select('#', ...) == 0 or value == own.help then
      terminal.line(brief)
    else
      local function work()
        if type(value) == 'string' then
          require('lugger.cli.help').show(value)
        else
          terminal.line(help_value.of(value))
        end
      end
      if state.settings.pager then pager.show(work) else work() end
    end
  end

  return own
end

local function no_name(state, name)
  local message = ('nothing is named "%s"'):format(name)
  if state.locals[name] then
    error(native.error('config', message, ('a local ends with its line: write %s = ...'):format(name)), 0)
  end
  local names = {}
  for _, holder in ipairs { state.environment, state.words, require 'lugger', _G } do
    for key in pairs(holder) do names[#names + 1] = tostring(key) end
  end
  local otherwise = 'help() tells what there is' ---@type string|nil
  if #name > 1 then otherwise = fault.near(name, names, otherwise) end -- a single letter is near to every other
  error(native.error('config', message, otherwise), 0)
end

-- The names that a statement sets; it may read them before they have a value: x = x or 1.
local function names_set(chunk)
  local sets = {}
  global_names.each(chunk, function(name, is_set) sets[name] = sets[name] or is_set end)
  return sets
end

--- The state of a prompt: its globals (those of scripts, all of `lugger` by bare names, help and pg), its settings, and
--- the statements so far.
---@return table
function repl.new()
  local lugger = require 'lugger'
  local state = { entries = {}, opened = {}, sets = {}, locals = {}, transactions = {}, lines = {} }
  state.settings = { form = 'auto', null = 'NULL', pager = true }
  state.words = words_of_prompt(state)
  local function known(key)
    if state.words[key] ~= nil then return state.words[key] end
    if key == 'require' then return modules.require end
    if key == 'error' then return error end -- of Lua: it raises whatever it is given; lugger.error does not
    if lugger.has(key) then return lugger[key] end
    return _G[key]
  end
  state.known = known
  state.environment = setmetatable({ lugger = lugger }, { __index = function(_, key)
    local found = known(key)
    if found == nil and not state.sets[key] then no_name(state, key) end
    return found
  end })
  return state
end

-- The locals that a statement declares, for those who read them in the next one.
local function note_locals(code, locals)
  for names in code:gmatch '%f[%w_]local%s+([%a_][%w_%s,]*)' do
    for name in names:gsub('^function%s', ''):gmatch '[%a_][%w_]*' do locals[name] = true end
  end
end

local function protected(chunk, arguments)
  terminal.forget_warnings()
  local trace ---@type string|nil
  local function pack(...) return { n = select('#', ...), ... } end
  -- The handler runs on what is left of a stack that may have overflowed; so the message is made after it.
  local results = pack(xpcall(function() return chunk(unpack(arguments or {})) end, function(err)
    trace = debug.traceback('', 2)
    return err
  end))
  if trace then
    -- Removes the frames of the prompt itself.
    trace = trace:gsub("\n%s*%[C%]: in function 'xpcall'\n%s*lugger/inner/repl/repl%.lua.*$", '')
    local ok, text = pcall(terminal.error_text, results[2])
    if not ok or type(text) ~= 'string' then
      text = 'an error that cannot be printed'
      results[2] = text
    end
    trace = text .. trace
  end
  return results, trace
end

--- Runs code as at the prompt, without reading input. Returns the exit status.
---@param code string
---@param arguments string[] what stands behind it: `...` of the code
---@return integer
function repl.evaluate(code, arguments)
  local state = repl.new()
  local chunk, problem = statement.compile(code, state.environment)
  if not chunk then
    terminal.fail(problem == 'incomplete' and 'the code is incomplete' or problem)
    return 1
  end
  state.sets = names_set(chunk)
  local results = protected(chunk, arguments)
  if not results[1] then return require('lugger.inner.cli.cli').report(results[2]) end
  result_view.show_all(results, state.settings)
  return 0
end

local function is_interruption(err)
  return type(err) == 'table' and rawget(err, 'code') == 'interrupted'
end

-- `_` is the last value that an expression gave, or a file that was loaded.
local function note_result(state, entry, results)
  if not (entry.ok and (entry.expression or entry.as_function)) or results[2] == nil then return end
  state.words._, entry.gives = results[2], true
end

local function compile(text, state, path)
  if path then
    local chunk = loadstring(text, '@' .. path) --[[@as function]] -- :load has tried it
    return setfenv(chunk, state.environment), nil, false, text
  end
  return statement.compile(text, state.environment)
end

local function tell_failure(err, trace, state)
  if is_interruption(err) then
    terminal.say('cancelled')
  else
    state.trace = trace
    terminal.fail(err)
  end
end

local function show(state, work)
  if state.settings.pager then pager.show(work) else work() end
end

-- `typed`: as it was typed; `path`: the file that the text is of.
local function run_statement(text, state, typed, path)
  local entry = { number = #state.entries + 1, text = typed or text, ok = false, as_function = path ~= nil }
  state.entries[entry.number] = entry
  local chunk, problem, expression, code = compile(text, state, path)
  if not chunk then
    local command = text:match('^%s*lugger%s+(%a+)')
    terminal.fail(command and ('`lugger %s` is for the shell: Ctrl-D leaves the prompt'):format(command) or problem)
    return
  end
  entry.code, entry.expression = code, expression
  note_locals(code, state.locals)
  local before, started = effects.counted(), system.monotonic()
  sql_session.used, sql_session.log, state.place, sql_session.lazy = nil, {}, nil, expression
  state.opened = {}
  state.sets = names_set(chunk)
  local results, trace = protected(chunk)
  entry.ok, entry.effect, entry.sql = results[1], effects.counted() > before, sql_session.used ~= nil
  entry.reads = reads.only(code, function(name)
    return sql_db.is(rawget(state.environment, name) or state.words[name])
  end)
  note_result(state, entry, results)
  entry.place, entry.opened = entry.sql and state.place or nil, state.opened
  transactions.follow(state, entry)
  if results[1] then
    local shown, err = pcall(show, state, function() result_view.show_all(results, state.settings) end)
    if not shown then tell_failure(err, trace, state) end
  else
    tell_failure(results[2], trace, state)
  end
  system.clear_stop()
  if state.settings.time then terminal.say('time: ', ('%.3f s'):format(system.monotonic() - started)) end
end

---@type table<string, boolean|nil>
local paged = { help = true, history = true, more = true, full = true, apropos = true }

-- True when the prompt should end.
---@return boolean
local function run_text(text, state, typed)
  local word, argument = text:match('^%s*:(%a+)%s*(.-)%s*$')
  if not word then
    run_statement(text, state, typed)
    return false
  end
  local leaves = false
  local results, trace = protected(function()
    local function work() leaves = commands.run(state, word, argument) == true end
    if paged[word] then show(state, work) else work() end
  end)
  if not results[1] then tell_failure(results[2], trace, state) end
  system.clear_stop()
  return leaves
end

local function begin(state)
  effects.watched = true
  terminal.speak(words.of_prompt)
  state.remember = function(text)
    if terminal.is_terminal(0) then history.add(text) end
  end
  state.run = function(text, typed, path)
    if path then run_statement(text, state, typed, path) else run_text(text, state, typed) end
  end
  if terminal.is_terminal(0) then
    terminal.line('lugger ', native.version, '; help() tells more, Ctrl-D leaves')
    io.stdout:flush()
    history.load()
  end
  edit.on_complete(function(word, line, start) return completion.complete(word, line, start, state) end)
  system.interrupt_raises(true)
end

--- Starts the prompt; returns when the input ends.
---@return integer status
function repl.start()
  local state = repl.new()
  begin(state)
  while true do
    local text, typed = input.read(state)
    if text == nil then break end
    if text == false then
      terminal.fail('the input ended inside a statement')
      if not terminal.is_terminal(0) then return 1 end
      break
    end
    if not text:match('^%s*$') then
      state.remember(typed or text)
      if run_text(text, state, typed) then break end
    end
    io.stdout:flush()
  end
  if terminal.is_terminal(0) then
    history.save()
    terminal.line()
  end
  return 0
end

return repl
