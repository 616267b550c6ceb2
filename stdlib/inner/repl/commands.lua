-- Commands of the prompt. They begin with a colon, which no Lua statement does.
local apropos = require 'lugger.inner.cli.apropos'
local config = require 'lugger.inner.cli.config'
local editing = require 'lugger.inner.repl.editing'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local query_view = require 'lugger.inner.repl.query_view'
local repl_save = require 'lugger.inner.repl.save'
local result_view = require 'lugger.inner.repl.result_view'
local sql_db = require 'lugger.inner.sql.db'
local sql_session = require 'lugger.inner.sql.session'
local terminal = require 'lugger.inner.view.terminal'
local value_text = require 'lugger.inner.view.value_text'

local repl_commands = {}

local help = {
  { ':auto :lua :table :json :csv', 'the form of results; auto shows rows as tables, the rest as Lua text' },
  { ':more, :full', 'the next documents of the last find; those shown last, in full' },
  { ':edit [NUMBER]', 'the last statement, or one of :history, in $EDITOR; then it is run' },
  { ':load FILE', 'run a file of Lua as a statement; its globals stay' },
  { ':apropos WORD', 'functions, types and pages that speak of a word' },
  { ':time', 'how long each statement took: on or off' },
  { ':explain [SQL]', 'the plan of a query; of the last one without SQL' },
  { ':set [NAME VALUE]', 'rows: how many are shown; null: how NULL is shown; form; time; pager: on or off' },
  { ':history [WORDS]', 'the statements of this session, with their numbers' },
  { ':save NAME [FROM-TO]', 'what did something as migrations/..._NAME.lua; with NAME.lua as a script' },
  { ':sessions', 'which databases are open' },
  { ':traceback', 'where the last error came from' },
  { ':quit', 'leave (or Ctrl-D)' },
}

local function run_help()
  local lines = {}
  for _, entry in ipairs(help) do
    lines[#lines + 1] = ('%-31s'):format(entry[1]) .. terminal.wrap(entry[2], (' '):rep(31)):sub(32)
  end
  terminal.line(table.concat(lines, '\n'))
end

local function run_time(state, argument)
  local settings = state.settings
  settings.time = argument == '' and not settings.time or argument == 'on'
  terminal.say('time is ', settings.time and 'on' or 'off')
end

local function run_explain(state, argument)
  local session = sql_session.last or sql_db.backend(state.pg_default())
  local sql = argument ~= '' and argument or session.last_sql
  if not sql then config.raise('no query was run yet', ':explain select * from users') end
  local parameters = argument == '' and session.last_parameters or { n = 0 }
  local before, db = effects.counted(), sql_db.new(session, {})
  local ok, plan = pcall(db.query, db, 'explain ' .. sql, unpack(parameters, 1, parameters.n))
  if effects.counted() > before then -- EXPLAIN ANALYZE executes the statement
    state.entries[#state.entries + 1] = { number = #state.entries + 1, text = ':explain ' .. sql, ok = ok, sql = true,
      expression = true, effect = true, place = session.name, sessions = {},
      code = 'pg ' .. value_text.quote('explain ' .. sql) }
  end
  session.last_sql = sql:gsub('^%s*[aA][nN][aA][lL][yY][zZ][eE]%s+', '')
  if not ok then error(plan, 0) end
  for _, row in ipairs(plan) do terminal.line(row['QUERY PLAN']) end
end

local function number(text, name)
  local n = tonumber(text)
  if text == 'all' then return nil end
  if not n or n < 1 or n ~= math.floor(n) then config.raise((':set %s wants a whole number, or all'):format(name)) end
  return n
end

local setters = {
  rows = function(settings, text) settings.rows = number(text, 'rows') or math.huge end,
  null = function(settings, text) settings.null = text end,
  form = function(settings, text)
    for _, form in ipairs(result_view.forms) do
      if form == text then settings.form = form return end
    end
    config.raise(('there is no form "%s"'):format(text), table.concat(result_view.forms, ', '))
  end,
  time = function(settings, text) settings.time = text == 'on' or text == 'true' end,
  pager = function(settings, text) settings.pager = text == 'on' or text == 'true' end,
}

local function run_set(state, argument)
  local settings = state.settings
  local name, text = argument:match '^(%a+)%s*(.-)$'
  if not name then
    local rows = settings.rows == math.huge and 'all' or settings.rows or '100 on a terminal, else all'
    terminal.line(('form %s\nnull %s\nrows %s\ntime %s\npager %s'):format(settings.form, settings.null, rows,
      settings.time and 'on' or 'off', settings.pager and 'on' or 'off'))
    return
  end
  if not setters[name] then
    config.raise(('the prompt has no setting "%s"'):format(name), fault.near(name, setters,
      "rows, null, form, time, pager; settings of the server: pg 'set statement_timeout = 5000'"))
  end
  setters[name](settings, text)
end

local function run_history(state, argument)
  for _, entry in ipairs(state.entries) do
    if argument == '' or entry.text:find(argument, 1, true) then
      local first = native.system.mask_text(entry.text:match '^[^\n]*')
      local more = entry.text:find '\n' and ' ...' or ''
      terminal.line(('%4d%s %s%s'):format(entry.number, entry.ok and ' ' or '!', terminal.printable(first), more))
    end
  end
end

local function run_save(state, argument)
  local name, range = argument:match '^(%S+)%s*(.-)$'
  if not name then config.raise(':save wants a name', ':save users makes a migration, :save users.lua a script') end
  local first, last = range:match '^(%d+)%s*%-%s*(%d+)$'
  if not first then first = range:match '^(%d+)%-?$' last = range:match '^(%d+)$' end
  if range ~= '' and not first then
    config.raise(('"%s" is not a range'):format(range), ':save users 3-7; :history shows the numbers')
  end
  local path, count, new, failed = repl_save.write(state.entries, name, tonumber(first) --[[@as integer|nil]],
    tonumber(last) --[[@as integer|nil]])
  terminal.line(('%s: %s'):format(path, terminal.count(count, 'statement')))
  for _, entry in ipairs(failed) do
    terminal.warn(('statement %d changed something before it failed, and is left out'):format(entry.number))
  end
  for _, variable in ipairs(new) do
    terminal.say(('a place with a password became lugger.env.%s: put it into .env under that name'):format(variable))
  end
end

local function run_sessions()
  local list = sql_session.list()
  if #list == 0 then terminal.line 'none is open' end
  for _, session in ipairs(list) do
    local words = { none = '', open = 'in a transaction', failed = 'in a failed transaction', lost = 'lost' }
    terminal.line(session.label, session.production and '  production' or '', '  ', words[session:state()])
  end
end

local function run_traceback(state)
  terminal.line(state.trace or 'no error yet')
end

local function run_more(state)
  if not query_view.more(state.settings) then terminal.say('there are no more documents') end
end

local function run_full(state)
  query_view.full(state.settings)
end

local function run_apropos(_, argument)
  if argument == '' then config.raise(':apropos wants a word', ':apropos reject') end
  apropos.show(argument)
end

local function run_quit()
  return true
end

local commands = { help = run_help, time = run_time, explain = run_explain, set = run_set, history = run_history,
  save = run_save, sessions = run_sessions, traceback = run_traceback, quit = run_quit,
  q = run_quit, more = run_more, full = run_full, apropos = run_apropos, edit = editing.edit, load = editing.load }
for _, form in ipairs(result_view.forms) do
  commands[form] = function(state)
    state.settings.form = form
    terminal.say('results are shown as ', form)
  end
end

--- The names of the commands.
---@return string[]
function repl_commands.names()
  local names = {}
  for name in pairs(commands) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- Runs a command; true when the prompt should end.
---@param state table of the prompt
---@param word string
---@param argument string
---@return boolean|nil
function repl_commands.run(state, word, argument)
  local command = commands[word]
  if command then return command(state, argument) end
  local otherwise = fault.near(word, query_view.methods, ':help lists them',
    'the method of a query: users:find { age = 31 }:%s ...')
  config.raise(('there is no command :%s'):format(word), fault.near(word, repl_commands.names(), otherwise, ':%s'))
end

return repl_commands
