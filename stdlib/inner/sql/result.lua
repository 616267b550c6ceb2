-- The result of a statement at the prompt: rows by number, values by column name, and how it is displayed.
local sql_values = require 'lugger.inner.sql.values'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local sql_result = {}

---@class lugger.sql_row: { [string]: any }

---@class lugger.sql_result
---@field names string[]
---@field command string what the server says was done: "SELECT 3", "UPDATE 1"
---@field affected integer rows that were written
---@field [integer] lugger.sql_row
local methods = {}

local raw = setmetatable({}, { __mode = 'k' }) -- the server's data, by result

local weak = { __mode = 'k' }
local cells_of, given_of = setmetatable({}, weak), setmetatable({}, weak) -- of rows that nobody has accessed yet

-- Fills a row with values by name, decoded at the first access.
local function fill(row)
  local cells, given = cells_of[row], given_of[row]
  cells_of[row], given_of[row] = nil, nil
  for i, key in ipairs(given.keys) do
    rawset(row, key, sql_values.decode(cells[i], given.types[i], given.type_names[i]))
  end
end

-- A column with a duplicate name, or without a name, is accessed by its number.
local function keys_of(names)
  local keys, seen = {}, {}
  for i, name in ipairs(names) do
    keys[i] = (seen[name] or name == '?column?') and ('column_%d'):format(i) or name
    seen[name] = true
  end
  return keys
end

local row_meta = {
  __name = 'row',
  lugger_fill = function(row)
    if cells_of[row] then fill(row) end
  end,
  __index = function(row, key)
    if not cells_of[row] then return nil end
    fill(row)
    return rawget(row, key)
  end,
}

local function row_of(given, number)
  local row = setmetatable({}, row_meta)
  cells_of[row], given_of[row] = given.rows[number], given
  return row
end

--- Gives rows from elsewhere the methods of a result.
---@param rows table
---@return table
function sql_result.with_value(rows)
  return setmetatable(rows, { __index = { value = function(self)
    local first = self[1]
    return first and first[self.names[1]]
  end } })
end

--- A row as a plain table.
---@param row lugger.sql_row
---@return table<string, any>
function sql_result.plain_row(row)
  if cells_of[row] then fill(row) end
  return row
end

--- The only value of the only row; nil when there are no rows.
---@return any
function methods:value()
  local given = raw[self]
  local cells = given.rows[1]
  if not cells then return nil end
  return sql_values.decode(cells[1], given.types[1], given.type_names[1])
end

local meta = {
  __name = 'sql result',
  __index = methods,
  __tostring = function(self) return ('%s, %s'):format(raw[self].command, terminal.count(raw[self].count, 'row')) end,
}

--- Makes a result from the data of native.prompt.
---@param given table
---@param type_names table<integer, string> by column, of types that are not built in
---@param lazy boolean|nil values are decoded when one of their row is asked for: for results that are mostly shown
---@return lugger.sql_result
function sql_result.new(given, type_names, lazy)
  local self = setmetatable({ names = given.names, command = given.command, affected = given.affected }, meta)
  given.type_names, given.keys = type_names, keys_of(given.names)
  raw[self] = given
  for number = 1, #given.rows do
    self[number] = row_of(given, number)
    if not lazy then fill(self[number]) end
  end
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
