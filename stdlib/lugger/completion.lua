-- Completion at the prompt: globals, fields, methods, keys of option tables, file names inside quotes.
local help = require 'lugger.help'
local native = require 'lugger.native'

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

-- Members are looked up without calling anything but __index of plain tables.
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

local function open_quote(before)
  local quote
  for char in before:gmatch('["\']') do
    if not quote then quote = char elseif quote == char then quote = nil end
  end
  return quote
end

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

-- Keys of the option table that is open at the end of `before`: copy { fr<Tab>.
local function option_keys(before, word)
  local depth, list = 0, {}
  for at = #before, 1, -1 do
    local char = before:sub(at, at)
    if char == '}' then depth = depth + 1 end
    if char == '{' then
      if depth == 0 then
        local name = before:sub(1, at - 1):match('([%w_%.:]+)%s*%(?[^%(%){}]*$')
        local entry = name and help.find(name)
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

--- Words that may stand where `word` stands.
---@param word string
---@param line string
---@param start integer bytes of the line in front of the word
---@param environment table globals of the prompt
---@param words table<string, any>
---@return string[]
function completion.complete(word, line, start, environment, words)
  local before = line:sub(1, start)
  local list
  if open_quote(before) then
    list = files(word)
  elseif word:find('[%.:]') then
    list = members(word, environment)
  else
    list = option_keys(before, word)
    if not next(list) then list = globals(word, environment, words) end
  end
  local sorted = {}
  for name in pairs(list) do sorted[#sorted + 1] = name end
  table.sort(sorted)
  return sorted
end

return completion
