-- What the metatable of a Lua table says about the array or document that it stands for: its kind, the order of its
-- fields, and types that Lua's values do not tell.
local null = require('lugger.native').null

local marks = {}

--- For doc:totable: fields in their order, and the types that Lua's values hide, by name.
---@param fields table
---@param names string[]
---@param hidden table<string, integer>|nil
---@return table
function marks.document(fields, names, hidden)
  return setmetatable(fields, { __name = 'document', lugger_mark = 'document', lugger_order = names,
    lugger_types = hidden })
end

--- The same of an array; `common` is the type that all elements have.
---@param list table
---@param hidden table<integer, integer>|nil
---@param common integer|false|nil
---@return table
function marks.array(list, hidden, common)
  return setmetatable(list, { __name = 'array', lugger_mark = 'array', lugger_types = hidden,
    lugger_element = common or nil })
end

--- A row of SQL (inner/sql/result.lua) as a document: its columns in order, NULL as null.
---@param row lugger.sql_row
---@return table
function marks.document_of_row(row)
  local meta, fields = getmetatable(row), {}
  meta.lugger_fill(row)
  for _, name in ipairs(meta.lugger_columns) do
    local field = rawget(row, name)
    if field == nil then field = null end
    fields[name] = field
  end
  return marks.document(fields, meta.lugger_columns)
end

--- The type that the value under a key is stored with, where Lua's value does not tell: int64, double or undefined.
---@param t table
---@param key string|integer
---@return integer|nil
function marks.hidden_type(t, key)
  local m = getmetatable(t)
  if type(m) ~= 'table' or not m.lugger_types then return nil end
  return m.lugger_element or m.lugger_types[key]
end

--- The hidden types of a table, for a copy in another state.
---@param t table
---@return { types: table, element: integer|nil }|nil
function marks.hidden(t)
  local m = getmetatable(t)
  return type(m) == 'table' and m.lugger_types and { types = m.lugger_types, element = m.lugger_element } or nil
end

--- The names of its fields in the order given to lugger.document, or of the document it was; empty when none was given.
---@param t table
---@return string[] names a list of its own
function marks.order(t)
  local m, names = getmetatable(t), {}
  for i, name in ipairs(type(m) == 'table' and m.lugger_order or {}) do names[i] = name end
  return names
end

--- What a table was marked as: "array", "document" or nil.
---@param t table
---@return "array"|"document"|nil
function marks.mark(t)
  local m = getmetatable(t)
  return type(m) == 'table' and m.lugger_mark or nil
end

return marks
