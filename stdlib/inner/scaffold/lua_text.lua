-- Writes values as Lua source. Names and texts from data are quoted, and cannot add a newline to a comment.
local terminal = require 'lugger.inner.view.terminal'

local lua_text = {}

local words = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch('%S+') do
  words[word] = true
end

local escapes = { ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t', ['\\'] = '\\\\', ["'"] = "\\'" }

--- A string literal.
---@param text string
---@return string
function lua_text.quote(text)
  return "'" .. text:gsub("[%z\1-\31\\'\127]", function(char)
    return escapes[char] or ('\\%03d'):format(char:byte())
  end) .. "'"
end

--- A key of a table constructor: `from`, or `['not a name']`.
---@param key string
---@return string
function lua_text.key(key)
  if key:match('^[%a_][%w_]*$') and not words[key] then return key end
  return '[' .. lua_text.quote(key) .. ']'
end

--- A boolean, number, string or list of these, on one line.
---@param value any
---@return string
function lua_text.value(value)
  if type(value) == 'string' then return lua_text.quote(value) end
  if type(value) ~= 'table' then return tostring(value) end
  local parts, named = {}, {}
  for i, item in ipairs(value) do parts[i] = lua_text.value(item) end
  for key in pairs(value) do
    if type(key) == 'string' then named[#named + 1] = key end
  end
  table.sort(named)
  for _, key in ipairs(named) do parts[#parts + 1] = lua_text.key(key) .. ' = ' .. lua_text.value(value[key]) end
  return #parts == 0 and '{}' or '{ ' .. table.concat(parts, ', ') .. ' }'
end

--- A table on one line: first the items of the list, then the named keys in the given order.
---@param list any[]
---@param named { [1]: string, [2]: any }[]
---@return string
function lua_text.record(list, named)
  local parts = {}
  for i, item in ipairs(list) do parts[i] = lua_text.value(item) end
  for _, pair in ipairs(named) do
    if pair[2] ~= nil then parts[#parts + 1] = lua_text.key(pair[1]) .. ' = ' .. lua_text.value(pair[2]) end
  end
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

--- Comment lines of at most 100 columns, also for SQL. Control characters from data are shown as text.
---@param text string
---@param indent string|nil
---@return string
function lua_text.comment(text, indent)
  indent = indent or ''
  return terminal.wrap(terminal.printable(text), indent .. '-- ', 100)
end

return lua_text
