-- Names and values as SQL text: the only way by which a word from data or metadata gets into a statement.
local native = require 'lugger.native'

local sql_text = {}

--- A name, quoted: "na""me".
---@param name string
---@return string
function sql_text.name(name)
  return native.sql.name(name)
end

--- A table's name, "users" or "sales.users", each part quoted; it splits at the first dot.
---@param qualified string
---@return string
function sql_text.table(qualified)
  return native.sql.table(qualified)
end

--- Text as a literal: right whatever standard_conforming_strings says.
---@param text string
---@return string
function sql_text.literal(text)
  return (native.sql.literal(text):gsub('^ ', ''))
end

--- Text as the literal of a text array, as `#>>` takes a path.
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

--- Cuts text to that many bytes, never inside a UTF-8 character.
---@param text string
---@param bytes integer
---@return string
function sql_text.cut(text, bytes)
  if #text <= bytes then return text end
  local last = bytes
  while last > 0 and text:byte(last + 1) >= 0x80 and text:byte(last + 1) < 0xC0 do last = last - 1 end
  return text:sub(1, last)
end

return sql_text
