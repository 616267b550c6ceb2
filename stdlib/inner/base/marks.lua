-- What the metatable of a Lua table says about the array or document that it stands for: its kind, the order of its
-- fields, and types that Lua's values do not tell.
local fault = require 'lugger.inner.base.fault'
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

-- A list with a gap would get nulls that nobody wrote. No table holds itself: it has been encoded.
local function refuse_gaps(t, path)
  local meta = getmetatable(t)
  if meta ~= nil and not (type(meta) == 'table' and meta.lugger_mark) then return end
  local last, count = 0, 0 ---@type number, integer
  for key, v in next, t do
    local place = key ---@type any
    if type(key) == 'number' then last, count, place = math.max(last, key), count + 1, key - 1 end
    if type(v) == 'table' then refuse_gaps(v, path .. tostring(place) .. '.') end
  end
  if last == count then return end
  local gap = 1
  while rawget(t, gap) ~= nil do gap = gap + 1 end
  local name = path == '' and 'it' or ('"%s"'):format(path:sub(1, -2))
  fault.raise('coerce', ('%s is a list with nothing at %d'):format(name, gap),
    'null in a list is lugger.null; table.remove(list, i) takes an element out')
end

--- Refuses a list with a gap in a table that has been encoded, and in what lies in it.
---@param t table
function marks.refuse_gaps(t)
  refuse_gaps(t, '')
end

return marks
