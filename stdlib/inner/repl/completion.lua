-- Completion at the prompt: globals, fields, methods, keys of option tables, paths of documents, names of tables and
-- columns inside SQL, file names inside other quotes, commands.
local help = require 'lugger.inner.cli.help'
local names = require 'lugger.inner.repl.completion_names'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'

local completion = {}

local words_of_lua = { 'and', 'do', 'else', 'elseif', 'end', 'false', 'for', 'function', 'if', 'in', 'local', 'nil',
  'not', 'or',
  'repeat', 'return', 'then', 'true', 'until', 'while' }

local function begins(text, prefix)
  return text:sub(1, #prefix) == prefix
end

local function add_keys(list, holder, head, prefix, methods_only)
  for depth = 1, 4 do
    if type(holder) ~= 'table' then return end
    for key, member in pairs(holder) do
      local fits = type(key) == 'string' and key:match('^[%a_][%w_]*$') and begins(key, prefix) and not begins(key,
        '__')
      if fits and (not methods_only or type(member) == 'function') then list[head .. key] = true end
    end
    local meta = getmetatable(holder)
    holder = type(meta) == 'table' and depth < 4 and rawget(meta, '__index') or nil
  end
end

-- Looks up members without calling anything except __index of plain tables.
local function field(holder, key)
  local ok, value = pcall(function() return holder[key] end)
  return ok and value or nil
end

local function holder_of(value)
  if type(value) == 'table' then return value end
  local ok, meta = pcall(getmetatable, value)
  if ok and type(meta) == 'table' and type(meta.__index) == 'table' then return meta.__index end
end

local function members(word, environment)
  local path, separator, prefix = word:match('^(.-)([%.:])([%w_]*)$')
  local list, value = {}, environment
  for part in path:gmatch('[%w_]+') do value = value ~= nil and field(value, part) or nil end
  local holder = holder_of(value)
  if holder then add_keys(list, holder, path .. separator, prefix, separator == ':') end
  return list
end

local function globals(word, environment, words)
  local list = {}
  for _, holder in ipairs { environment, words, require('lugger'), _G } do
    for key in pairs(holder) do
      if type(key) == 'string' and begins(key, word) then list[key] = true end
    end
  end
  for _, keyword in ipairs(words_of_lua) do
    if begins(keyword, word) then list[keyword] = true end
  end
  return list
end

-- The text before an open quote; nil when none is open.
local function open_quote(before)
  local quote, at
  for place_of, char in before:gmatch('()(["\'])') do
    if not quote then quote, at = char, place_of elseif quote == char then quote = nil end
  end
  return quote and before:sub(1, at - 1)
end

local function add_beginning(list, candidates, word)
  for _, name in ipairs(candidates) do
    if begins(name, word) then list[name] = true end
  end
  return list
end

-- Inside quotes: SQL for a session, a path of a document, otherwise a file name.
local function quoted(state, head, word)
  local called = head:match '([%a_][%w_]*)%s*%(?%s*$'
  local session = called and names.session(state, called)
  if session then return add_beginning({}, names.of_session(session), word) end
  local of_path = head:match 'from%s*=%s*$' or head:match ':sort%s*[%({]?[^%)]*$'
    or head:match ':project%s*[%({]?[^%)]*$'
  if of_path then
    local list = add_beginning({}, names.of_sources(state.environment), word)
    if next(list) then return list end
  end
end

-- users:find { ad<Tab>: the fields of that source.
local function find_paths(state, before, word)
  local called = before:match '([%a_][%w_]*):find%s*%(?%s*{[^{}]*$'
  local source = called and rawget(state.environment, called)
  if not place.is(source, 'source') then return {} end
  local list = {}
  for _, path in ipairs(names.of_source(source)) do
    if begins(path, word) then list[path:find '^[%a_][%w_]*$' and path .. ' = ' or "['" .. path .. "'] = "] = true end
  end
  return list
end

-- Options that are not fields of a documented class.
local options_of = {
  source = { 'collection', 'database', 'format', 'table', 'query', 'key', 'pooled', 'row_security' },
  target = { 'table', 'key', 'on_conflict', 'newer', 'writer', 'pooled', 'distribute', 'state_schema' },
}

local function files(word)
  local directory, prefix = word:match('^(.*/)([^/]*)$')
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

-- Keys for the option table that is open at the end of `before`: copy { fr<Tab>.
local function option_keys(before, word)
  local depth, list = 0, {}
  for at = #before, 1, -1 do
    local char = before:sub(at, at)
    if char == '}' then depth = depth + 1 end
    if char == '{' then
      if depth == 0 then
        local name = before:sub(1, at - 1):match('([%w_%.:]+)%s*%(?[^%(%){}]*$')
        local entry = name and help.find(name)
        local own = before:sub(1, at - 1):match("([%a_]+)%s*%(%s*[%w_%.'\"/:-]+%s*,%s*$")
        for _, option in ipairs(own and options_of[own] or {}) do
          if begins(option, word) then list[option .. ' = '] = true end
        end
        for _, param in ipairs(entry and entry.params or {}) do
          local class = help.find((param.type:gsub('[%?%[%]|].*$', '')))
          for _, item in ipairs(class and class.fields or {}) do
            if item.name:match('^[%a_]') and begins(item.name, word) then
              list[item.name:gsub('%?$', '') .. ' = '] = true
            end
          end
        end
        return list
      end
      depth = depth - 1
    end
  end
  return list
end

--- Words that can replace `word`.
---@param word string
---@param line string
---@param start integer bytes of the line in front of the word
---@param state table of the prompt
---@return string[]
function completion.complete(word, line, start, state)
  local before = line:sub(1, start)
  local list
  local head = open_quote(before)
  if before == '' and word:sub(1, 1) == ':' then
    list = {}
    for _, name in ipairs(require('lugger.inner.repl.commands').names()) do
      if begins(':' .. name, word) then list[':' .. name .. ' '] = true end
    end
  elseif head then
    list = quoted(state, head, word) or files(word)
  elseif word:find('[%.:]') then
    list = members(word, state.environment)
  else
    list = find_paths(state, before, word)
    if not next(list) then list = option_keys(before, word) end
    if not next(list) then list = globals(word, state.environment, state.words) end
  end
  local sorted = {}
  for name in pairs(list) do sorted[#sorted + 1] = name end
  table.sort(sorted)
  return sorted
end

return completion
