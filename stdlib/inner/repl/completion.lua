-- Completion at the prompt: globals, fields and methods, keys of option tables and their values, paths of documents,
-- collections, tables and columns, file names inside other quotes, commands. Nothing is opened that is not open, but
-- for files that are read quickly.
local annotations = require 'lugger.inner.cli.annotations'
local context = require 'lugger.inner.repl.completion_context'
local document = require 'lugger.inner.base.document'
local help = require 'lugger.inner.cli.help'
local names = require 'lugger.inner.repl.completion_names'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local plain = require 'lugger.inner.repl.plain'

local completion = {}

local words_of_lua = { 'and', 'do', 'else', 'elseif', 'end', 'false', 'for', 'function', 'if', 'in', 'local', 'nil',
  'not', 'or', 'repeat', 'return', 'then', 'true', 'until', 'while' }

local function begins(text, prefix)
  return text:sub(1, #prefix) == prefix
end

local function add_beginning(list, candidates, word)
  for _, name in ipairs(candidates) do
    if begins(name, word) then list[name] = true end
  end
  return list
end

-- The value of a variable, without an error for a name that nothing has.
local function finder(state)
  return function(name)
    local own = rawget(state.environment, name)
    if own ~= nil then return own end
    return state.known(name)
  end
end

local function is_name(key)
  return type(key) == 'string' and key:find '^[%a_][%w_]*$' ~= nil and key:sub(1, 2) ~= '__'
end

local function add_keys(list, value, head, prefix, methods_only)
  for depth = 1, 4 do
    local of_object = type(value) == 'userdata' and debug.getmetatable(value)
    if type(of_object) == 'table' then value = rawget(of_object, 'lugger_methods') or rawget(of_object, '__index') end
    if type(value) ~= 'table' then return end
    for key, member in next, value do
      if is_name(key) and begins(key, prefix) and (not methods_only or type(member) == 'function') then
        list[head .. key] = true
      end
    end
    local meta = getmetatable(value)
    if type(meta) == 'table' and meta.lugger_columns then add_beginning(list, meta.lugger_columns, prefix) end
    value = type(meta) == 'table' and depth < 4 and rawget(meta, '__index') or nil
  end
end

local function add_annotated(list, class, head, prefix, methods_only)
  local line = {} ---@type table<string, boolean>
  for _, one in ipairs(help.line_of(class)) do line[one] = true end
  for _, entry in ipairs(annotations.entries()) do
    local name = line[entry.name:match '^(.*):' or ''] and not entry.inner and entry.name:match '[%w_]+$'
    if name and begins(name, prefix) then list[head .. name] = true end
  end
  for _, field in ipairs(not methods_only and help.fields(class) or {}) do
    if is_name(field.name) and begins(field.name, prefix) then list[head .. field.name] = true end
  end
end

local function members(state, before, word)
  local head, prefix = word:match '^(.*[%.:])([%w_]*)$'
  local methods_only = head:sub(-1) == ':'
  local tokens = context.read(before .. head:sub(1, -2))
  local found = context.expression(tokens, #tokens, finder(state))
  local list = {}
  if not found then return list end
  if document.is(found.value) and not methods_only then
    for name in document.each(found.value) do
      if is_name(name) and begins(name, prefix) then list[head .. name] = true end
    end
  end
  add_keys(list, found.value, head, prefix, methods_only)
  if found.class then add_annotated(list, found.class, head, prefix, methods_only) end
  if type(found.value) == 'string' then add_keys(list, string, head, prefix, true) end
  return list
end

local function globals(word, state)
  local list = {}
  for _, holder in ipairs { state.environment, state.words, require('lugger'), _G } do
    for key in next, holder do
      if is_name(key) and begins(key, word) then list[key] = true end
    end
  end
  return add_beginning(list, words_of_lua, word)
end

local function files(word)
  local directory, prefix = word:match '^(.*/)([^/]*)$'
  directory, prefix = directory or '', prefix or word
  local list = {}
  for _, name in ipairs(native.system.list_dir(directory == '' and '.' or directory) or {}) do
    if begins(name, prefix) and (name:sub(1, 1) ~= '.' or prefix:sub(1, 1) == '.') then
      local found = native.system.stat(directory .. name)
      list[directory .. name .. (found and found.is_dir and '/' or '')] = true
    end
  end
  return list
end

-- Files by the whole path in a quote, for the word at its end.
local function files_behind(path, word)
  local list, before = {}, #path - #word
  for name in next, files(path) do list[name:sub(before + 1)] = true end
  return list
end

-- The place that a call of source or target was given as text in front of its options.
local function place_of_call(tokens, opener)
  local given = tokens[opener + 1]
  return given and given.kind == 'string' and given.value or nil
end

-- Values of a key: its choices, collections of the place, tables and columns of a database that is open.
local function values_of_key(state, tokens, open, key)
  local find = finder(state)
  local class = context.table_class(tokens, open, find)
  local choices = context.choices(class, key)
  if #choices > 0 then return choices end
  local _, _, opener = context.call(tokens, open, open[#open], find)
  local where = opener and place_of_call(tokens, opener)
  if key == 'collection' then return where and names.of_place(where) or {} end
  if key == 'from' then return names.of_sources(state.environment) end
  if key == 'table' or key == 'key' or key == 'newer' then return names.of_open(where) end
  return {}
end

-- Inside quotes. Nil: file names.
local function quoted(state, in_front, word)
  local tokens, open = context.read(in_front)
  local last, find = tokens[#tokens], finder(state)
  if last and last.text == '=' and #open > 0 and tokens[#tokens - 1] then
    return add_beginning({}, values_of_key(state, tokens, open, tokens[#tokens - 1].text), word)
  end
  local called, argument = context.call(tokens, open, #tokens + 1, find)
  local name = called and called.entry and called.entry.name or ''
  local session = called and names.session(state, called.value)
  if session then return add_beginning({}, names.of_session(session), word) end
  if name:find '^lugger%.db:' and argument == 1 then
    return add_beginning({}, names.of_open(), word)
  end
  local of_path = name == 'lugger.query:sort' or name == 'lugger.query:project'
  if of_path or in_front:find ':sort%s*[%({][^%)]*$' or in_front:find ':project%s*[%({][^%)]*$' then
    return add_beginning({}, names.of_sources(state.environment), word)
  end
  if called and called.value == state.words.help then return add_beginning({}, names.topics(), word) end
  local opens = name == 'lugger.session' or called and called.value ~= nil
    and (called.value == state.words.pg.use or called.value == state.words.pg.open)
  if opens then
    return add_beginning({}, names.connections(), word)
  end
end

-- users:find { ad<Tab>: the fields of that source.
---@param open integer[]
---@return table<string, boolean>
local function find_paths(state, tokens, open, word)
  local at = open[#open] - 1
  if at > 0 and tokens[at].text == '(' then at = at - 1 end
  if at < 3 or tokens[at].text ~= 'find' or tokens[at - 1].text ~= ':' then return {} end
  local owner = context.expression(tokens, at - 2, finder(state))
  if not (owner and place.is(owner.value, 'source')) then return {} end
  local list = {}
  for _, path in ipairs(names.of_source(owner.value)) do
    if begins(path, word) then
      list[path:find '^[%a_][%w_]*$' and path .. ' = ' or "['" .. path .. "'] = "] = true
    end
  end
  return list
end

-- Keys of the option table that is open: copy { fr<Tab>.
---@return table<string, boolean>
local function option_keys(state, tokens, open, word)
  local opener, last = open[#open], tokens[#tokens]
  if not opener or tokens[opener].text ~= '{' then return {} end
  if not (last.text == '{' or last.text == ',' or last.text == ';') then return {} end
  local class, list = context.table_class(tokens, open, finder(state)), {}
  local given = context.keys(tokens, opener)
  for _, field in ipairs(class and help.fields(class) or {}) do
    local name = field.name:gsub('%?$', '')
    if is_name(name) and begins(name, word) and not given[name] then list[name .. ' = '] = true end
  end
  return list
end

-- The lines of the statement above the one that is edited.
local function earlier_lines(state)
  return #state.lines > 0 and table.concat(state.lines, '\n') .. '\n' or ''
end

local function sql_words(state, before, word)
  local sql = earlier_lines(state) .. before
  if not plain.is_sql(sql, state) then return nil end
  local session = names.session(state, state.words.pg)
  local head, prefix = word:match '^(.*%.)([^%.]*)$'
  local list = {}
  for _, name in ipairs(session and names.of_session(session) or {}) do
    if begins(name, prefix or word) then list[(head or '') .. name] = true end
  end
  return list
end

local function command_words(before, word)
  local command, behind = before:match '^%s*:(%a+)%s+(.*)$'
  if command == 'load' or command == 'save' then return files_behind(behind .. word, word) end
  if command == 'set' and behind == '' then
    return add_beginning({}, { 'rows ', 'null ', 'form ', 'time ', 'pager ' }, word)
  end
  local topic = before:match '^%s*%?%s*$'
  return topic and add_beginning({}, names.topics(), word) or nil
end

local function candidates(state, before, word)
  if before == '' and word:sub(1, 1) == ':' then
    local list = {}
    for _, name in ipairs(require('lugger.inner.repl.commands').names()) do
      if begins(':' .. name, word) then list[':' .. name .. ' '] = true end
    end
    return list
  end
  local list = command_words(before, word) or sql_words(state, before, word)
  if list then return list end
  before = earlier_lines(state) .. before
  local inside, in_front = context.quote(before .. word)
  if inside then
    -- The editor replaces the word that it found, which may begin inside the quote.
    local part = inside:sub(-#word) == word and word or inside
    return quoted(state, in_front, part) or files_behind(inside, part)
  end
  if word:find '[%.:]' then return members(state, before, word) end
  local tokens, open = context.read(before)
  if #open > 0 then
    local found = find_paths(state, tokens, open, word)
    if not next(found) then found = option_keys(state, tokens, open, word) end
    if next(found) then return found end
  end
  return globals(word, state)
end

--- Words that can replace `word`.
---@param word string
---@param line string
---@param start integer bytes of the line in front of the word
---@param state table of the prompt
---@return string[]
function completion.complete(word, line, start, state)
  local sorted = {}
  for name in pairs(candidates(state, line:sub(1, start), word)) do sorted[#sorted + 1] = name end
  table.sort(sorted)
  return sorted
end

return completion
