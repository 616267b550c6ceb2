-- Quotes names and values for SQL: the only way for words from data or metadata to get into a statement.
local native = require 'lugger.native'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local sql_text = {}

--- A name, quoted: "na""me".
---@param name string
---@return string
function sql_text.name(name)
  return native.sql.name(name)
end

--- A table's name, "users" or "sales.users", with each part quoted; it is split at the first dot.
---@param qualified string
---@return string
function sql_text.table(qualified)
  return native.sql.table(qualified)
end

--- Text as a literal, correct with either setting of standard_conforming_strings.
---@param text string
---@return string
function sql_text.literal(text)
  return (native.sql.literal(text):gsub('^ ', ''))
end

--- Text as a text array literal, in the form of a path for `#>>`.
---@param elements string[]
---@return string
function sql_text.text_array(elements)
  local parts = {}
  for i, element in ipairs(elements) do
    local plain = element:match('^[%w_]+$') and element:lower() ~= 'null'
    parts[i] = plain and element or '"' .. element:gsub('[\\"]', '\\%0') .. '"'
  end
  return sql_text.literal('{' .. table.concat(parts, ',') .. '}')
end

--- Cuts text to this many bytes, never inside a UTF-8 character.
---@param text string
---@param bytes integer
---@return string
function sql_text.cut(text, bytes)
  if #text <= bytes then return text end
  local last = bytes
  while last > 0 and text:byte(last + 1) >= 0x80 and text:byte(last + 1) < 0xC0 do last = last - 1 end
  return text:sub(1, last)
end

--- The line of a statement that contains an error, with a mark below the position, as psql shows it.
---@param sql string
---@param position integer of a character, from 1
---@return string
function sql_text.pointer(sql, position)
  local at, bytes = 0, #sql + 1
  for place in sql:gmatch('()[%z\1-\127\192-\255][\128-\191]*') --[[@as fun(): integer]] do
    at = at + 1
    if at == position then bytes = place break end
  end
  local before, number = 1, 1
  for place in sql:sub(1, bytes - 1):gmatch('()\n') --[[@as fun(): integer]] do
    before, number = place + 1, number + 1
  end
  local line = sql:match('^[^\n]*', before) --[[@as string]]
  local head = ('LINE %d: '):format(number)
  local room = table_view.text_width(sql:sub(before, bytes - 1):gsub('\t', ' '))
  return head .. terminal.printable((line:gsub('\t', ' '))) .. '\n' .. (' '):rep(#head + room) .. '^'
end

return sql_text
