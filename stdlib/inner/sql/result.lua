-- What a statement gives: rows by number, values by the names of their columns; NULL is nil. And how it is shown.
local fault = require 'lugger.inner.base.fault'
local marks = require 'lugger.inner.base.marks'
local sql_values = require 'lugger.inner.sql.values'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local sql_result = {}

--- A row of a result: values by the names of their columns. NULL is nil.
---@class lugger.sql_row: { [string]: any }
local row_methods = {}

--- What a statement gave: its rows, result[1], #result, ipairs.
---@class lugger.sql_result
---@field names string[] the columns, in their order
---@field command string what the server says was done: "SELECT 3", "UPDATE 1"
---@field affected integer rows that were written
---@field [integer] lugger.sql_row
local methods = {}

local weak = { __mode = 'k' }
---@type table<lugger.sql_result, table|nil>
local raw = setmetatable({}, weak) -- what the server gave, by result
local cells_of = setmetatable({}, weak) -- of rows that nobody looked into yet

local as_row_metas = setmetatable({}, weak) -- by the list of names

-- A column with a duplicate name, or without a name, is accessed by its number.
local function keys_of(names)
  local keys, seen = {}, {}
  for i, name in ipairs(names) do
    keys[i] = (seen[name] or name == '?column?') and ('column_%d'):format(i) or name
    seen[name] = true
  end
  return keys
end

--- Whether the value of a column is NULL, which reads as nil.
---@param name string
---@return boolean
function row_methods:is_null(name)
  local meta = getmetatable(self)
  if type(meta) ~= 'table' or not meta.lugger_columns then
    fault.raise('config', 'row.is_null is a method: call it with a colon', "row:is_null 'name'")
  end
  meta.lugger_fill(self)
  if rawget(self, name) ~= nil then return false end
  for _, key in ipairs(meta.lugger_columns) do
    if key == name then return true end
  end
  return fault.raise('config', ('the row has no column "%s"'):format(tostring(name)),
    fault.near(name, meta.lugger_columns)) --[[@as any]]
end

local function text_of_row(row)
  local meta, out = getmetatable(row), {}
  meta.lugger_fill(row)
  for i, name in ipairs(meta.lugger_columns) do out[i] = ('%s = %s'):format(name, tostring(rawget(row, name))) end
  return ('{ %s }'):format(table.concat(out, ', '))
end

local function stored_row(row)
  return nil, marks.document_of_row(row)
end

--- What the rows of a result share: the names of their columns, what reads each, and the metatable.
---@param given { names: string[] }
---@param types lugger.sql.type[]
---@return table shape
function sql_result.shape(given, types)
  local keys, readers = keys_of(given.names), {}
  for i, type_of in ipairs(types) do readers[i] = sql_values.reader(type_of) or false end
  local shape = { keys = keys, readers = readers }
  local function fill(row)
    local cells = cells_of[row]
    if not cells then return end
    cells_of[row] = nil
    sql_result.fill(row, shape, cells)
  end
  -- A column comes before a method of its name.
  shape.meta = { __name = 'row', lugger_columns = keys, lugger_fill = fill,
    lugger_bson = stored_row, __tostring = text_of_row }
  shape.meta.__index = function(row, key)
    if cells_of[row] then
      fill(row)
      local v = rawget(row, key)
      if v ~= nil then return v end
    end
    return row_methods[key]
  end
  return shape
end

--- Gives a row its values.
---@param row table
---@param shape table
---@param cells (string|false)[] NULL is false
function sql_result.fill(row, shape, cells)
  local keys, readers = shape.keys, shape.readers
  for i = 1, #keys do
    local cell = cells[i]
    if cell then
      local read = readers[i]
      if read then cell = read(cell) end
      rawset(row, keys[i], cell)
    end
  end
end

--- A row with its values.
---@param shape table
---@param cells (string|false)[]
---@return lugger.sql_row
function sql_result.row(shape, cells)
  local row = {}
  sql_result.fill(row, shape, cells)
  return setmetatable(row, shape.meta)
end

--- A row as a plain table.
---@param row lugger.sql_row
---@return table<string, any>
function sql_result.plain_row(row)
  local meta = getmetatable(row)
  if type(meta) == 'table' and meta.lugger_fill then meta.lugger_fill(row) end
  return row
end

--- The columns of a row in their order; nil for another table.
---@param row any
---@return string[]|nil
function sql_result.columns(row)
  local meta = type(row) == 'table' and getmetatable(row)
  return type(meta) == 'table' and meta.lugger_columns or nil
end

--- Makes a row of a plain table, in a worker that got it by capture.
---@param values table<string, any>
---@param names string[]
---@return lugger.sql_row
function sql_result.as_row(values, names)
  as_row_metas[names] = as_row_metas[names] or { __name = 'row', lugger_columns = names, lugger_fill = function() end,
    lugger_bson = stored_row, __index = row_methods, __tostring = text_of_row }
  return setmetatable(values, as_row_metas[names])
end

--- The first value of the first row; nil when there is no row, and for NULL.
---@return any
function methods:value()
  local given = raw[self]
  if not given then
    fault.raise('config', 'result.value is a method: call it with a colon', 'result:value()')
  end
  if given.captured then return (self[1] or {})[given.first] end
  local cell, read = (given.rows[1] or {})[1], given.shape.readers[1]
  if not cell then return nil end
  if read then return read(cell) end
  return cell
end

local meta = {
  __name = 'sql result',
  __index = methods,
  lugger_bson = function(self)
    local rows = {}
    for i, row in ipairs(self) do rows[i] = row end
    return nil, marks.array(rows)
  end,
  __tostring = function(self)
    local given = raw[self] --[[@as table]]
    return ('%s, %s'):format(given.command, terminal.count(given.count, 'row'))
  end,
}

--- Makes a result of what the server gave.
---@param given table names, types, rows of texts where NULL is false, count, affected, command
---@param types lugger.sql.type[] by column
---@param lazy boolean|nil values are decoded when one of their row is asked for: for results that are mostly shown
---@return lugger.sql_result
function sql_result.new(given, types, lazy)
  local self = setmetatable({ names = given.names, command = given.command, affected = given.affected }, meta)
  given.shape = sql_result.shape(given, types)
  given.keys = given.shape.keys
  raw[self] = given
  for number, cells in ipairs(given.rows) do
    if lazy then
      self[number] = setmetatable({}, given.shape.meta)
      cells_of[self[number]] = cells
    else
      self[number] = sql_result.row(given.shape, cells)
    end
  end
  return self
end

--- What a result is apart from its rows, for sql_result.of_outline; nil for any other value.
---@param v table
---@return table|nil
function sql_result.outline(v)
  local given = getmetatable(v) == meta and raw[v]
  if not given then return nil end
  return { first = given.keys[1], command = given.command, count = given.count }
end

--- A result without rows, which are added.
---@param outline table
---@return lugger.sql_result
function sql_result.of_outline(outline)
  local self = setmetatable({}, meta)
  raw[self] = { captured = true, first = outline.first, command = outline.command, count = outline.count }
  return self
end

local earlier_of = setmetatable({}, weak)

--- The last of several results; the earlier ones can be read from it.
---@param results lugger.sql_result[]
---@return lugger.sql_result
function sql_result.behind(results)
  local last = table.remove(results)
  if #results > 0 then earlier_of[last] = results end
  return last
end

--- The results of the earlier statements in the same text.
---@param result lugger.sql_result
---@return lugger.sql_result[]
function sql_result.earlier(result)
  return earlier_of[result] or {}
end

--- The server's data of a result: rows of text, names, types, count; nil for any other value.
---@param v any
---@return table|nil
function sql_result.raw(v)
  return type(v) == 'table' and getmetatable(v) == meta and raw[v] or nil
end

--- The result as an aligned table with at most `limit` rows.
---@param given table of sql_result.raw
---@param limit integer|nil
---@param null_text string
---@return string
function sql_result.table_text(given, limit, null_text)
  local rows, right = {}, {}
  for i, oid in ipairs(given.types) do right[i] = sql_values.is_number(oid) end
  for number = 1, math.min(#given.rows, limit or math.huge) do
    local cells = {}
    for i, cell in ipairs(given.rows[number]) do cells[i] = cell or null_text end
    rows[number] = cells
  end
  local text = table_view.render(given.names, rows, { right = right })
  if given.count > #rows then text = ('%s\n... %s more'):format(text, terminal.group(given.count - #rows)) end
  return text .. '\n(' .. terminal.count(given.count, 'row') .. ')'
end

return sql_result
