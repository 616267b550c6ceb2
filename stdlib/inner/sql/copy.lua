-- Rows of Lua into a table by COPY.
local config = require 'lugger.inner.cli.config'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local parameters = require 'lugger.inner.sql.parameters'
local sql_result = require 'lugger.inner.sql.result'

local sql_copy = {}

local chunk_bytes = 1048576

local columns_sql = [[
select a.attname, a.atttypid from pg_catalog.pg_attribute a
 where a.attrelid = $1::pg_catalog.regclass and a.attnum > 0 and not a.attisdropped order by a.attnum]]

local escapes = { ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }

local function check_row(row, number)
  if type(row) == 'table' or document.is(row) then return sql_result.plain_row(row) end
  fault.raise('config', ('row %d is a %s, not a table of values by column'):format(number, type(row)),
    "db:insert('users', { { id = 1, email = 'ann@example.com' } })")
end

local function each_field(row)
  if document.is(row) then return document.each(row) end
  return pairs(row)
end

-- The names that rows give, of all of them.
local function names_in(rows)
  local seen = {}
  for number, row in ipairs(rows) do
    for name in each_field(check_row(row, number)) do seen[name] = seen[name] or number end
    for _, name in ipairs(sql_result.columns(row) or {}) do seen[name] = seen[name] or number end
  end
  return seen
end

---@return never
local function no_column(table_name, name, number, columns)
  local names = {}
  for i, column in ipairs(columns) do names[i] = column.name end
  return config.raise(('row %d: %s has no column "%s"'):format(number, table_name, tostring(name)),
    fault.near(name, names))
end

-- The columns of the table that rows fill, in its order.
local function wanted(table_name, columns, seen)
  local list, known = {}, {}
  for _, column in ipairs(columns) do
    known[column.name] = true
    if seen[column.name] then list[#list + 1] = column end
  end
  for name, number in pairs(seen) do
    if not known[name] then no_column(table_name, name, number, columns) end
  end
  return list
end

local function line_of(row, number, columns)
  local cells = {}
  for i, column in ipairs(columns) do
    local v
    if document.is(row) then v = row:get(column.name) else v = rawget(row, column.name) end
    local text = parameters.text(v, column.type, ('row %d: %s'):format(number, column.name))
    cells[i] = type(text) == 'string' and text:gsub('[\\\n\r\t]', escapes) or '\\N'
  end
  return table.concat(cells, '\t') .. '\n'
end

-- Rows of a list, or those that a function gives one after the other.
local function iterator(rows)
  if type(rows) == 'function' then return rows end
  local i = 0
  return function()
    i = i + 1
    return rows[i]
  end
end

--- True for a single row where a list of rows is wanted: the braces of the list were forgotten.
---@param rows table
---@return boolean
function sql_copy.is_one_row(rows)
  if sql_result.columns(rows) then return true end
  return not sql_result.raw(rows) and rawget(rows, 1) == nil and next(rows) ~= nil
end

--- The COPY of rows into a table: its statement, and what gives its lines.
---@param look fun(sql: string, parameter: string): any[][]
---@param types_of fun(oids: integer[]): lugger.sql.type[]
---@param table_name string
---@param rows table[]|fun(): table|nil
---@return string|nil sql nil when there is no row
---@return fun(): string|nil chunks
function sql_copy.of(look, types_of, table_name, rows)
  local quoted, columns, oids = native.sql.table(table_name), {}, {}
  for i, row in ipairs(look(columns_sql, quoted)) do
    columns[i], oids[i] = { name = row[1] }, tonumber(row[2])
  end
  for i, type_of in ipairs(types_of(oids)) do columns[i].type = type_of end
  local next_row = iterator(rows)
  local first, number = next_row(), 0
  if first == nil then return nil, function() end end
  local filled = wanted(table_name, columns, names_in(type(rows) == 'table' and rows or { first }))
  local known, names = {}, {}
  for i, column in ipairs(filled) do known[column.name], names[i] = true, native.sql.name(column.name) end
  if #names == 0 then config.raise('the rows have no values', 'name at least one column in them') end

  local function line()
    local row = first
    first = nil
    if row == nil then row = next_row() end
    if row == nil then return nil end
    number = number + 1
    check_row(row, number)
    for name in each_field(row) do
      if not known[name] then
        config.raise(('row %d has the column "%s", which the first row has not'):format(number, tostring(name)),
          'the first row names all columns; lugger.null is NULL')
      end
    end
    return line_of(row, number, filled)
  end

  return ('COPY %s (%s) FROM STDIN'):format(quoted, table.concat(names, ', ')), function()
    local parts, bytes = {}, 0
    while bytes < chunk_bytes do
      local text = line()
      if not text then break end
      parts[#parts + 1], bytes = text, bytes + #text
    end
    return #parts > 0 and table.concat(parts) or nil
  end
end

return sql_copy
