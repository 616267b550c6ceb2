-- Rows one after the other: a cursor in the server, from which as much is fetched at a time as a megabyte holds.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local sql_fault = require 'lugger.inner.sql.fault'
local sql_result = require 'lugger.inner.sql.result'
local statement = require 'lugger.inner.migrate.statement'

local sql_cursor = {}

local first_rows, most_rows, wanted_bytes = 10, 5000, 1048576

local number = 0

--- Whether a statement can be read by a cursor: one that only reads, and inside a transaction one that locks.
---@param sql string
---@param hold boolean there is no transaction
---@return boolean
function sql_cursor.takes(sql, hold)
  local ok, list = pcall(statement.split, sql)
  if not ok or #list ~= 1 or list[1].tag ~= 'SelectStmt' then return false end
  if list[1].reads_only then return true end
  local node = list[1].node --[[@as table]]
  return not hold and node.lockingClause ~= nil and not node.intoClause and not node.withClause
end

local function next_count(count, rows)
  local bytes = 0
  for _, cells in ipairs(rows) do
    bytes = bytes + 64
    for _, cell in ipairs(cells) do bytes = bytes + (cell and #cell or 0) end
  end
  local fitting = bytes > 0 and math.floor(#rows * wanted_bytes / bytes) or most_rows
  return math.max(1, math.min(fitting, count * 10, most_rows))
end

---@class lugger.sql.reading what a cursor reads by
---@field send fun(sql: string, values: lugger.sql.parameters|nil): table runs a statement of the cursor
---@field hold boolean there is no transaction: the server keeps the rows by itself
---@field types fun(oids: integer[]): lugger.sql.type[]
---@field dropped fun(name: string) a loop was left before its end: the cursor is to be closed some time

--- Goes over the rows of a statement.
---@param reading lugger.sql.reading
---@param sql string
---@param values lugger.sql.parameters
---@return fun(): lugger.sql_row|nil
function sql_cursor.each(reading, sql, values)
  number = number + 1
  local name = ('lugger_rows_%d'):format(number)
  local head = ('DECLARE %s NO SCROLL CURSOR %sFOR '):format(name, reading.hold and 'WITH HOLD ' or '')
  local opened, problem = pcall(reading.send, head .. sql, values)
  if not opened then error(sql_fault.placed(problem, sql, #head), 0) end
  ---@type { open: boolean, guard: userdata, count: integer, at: integer, rows: table, shape: any }
  local state = { open = true, guard = newproxy(true), count = first_rows, at = 0, rows = {} }
  getmetatable(state.guard).__gc = function()
    if state.open then reading.dropped(name) end
  end

  local function fetch()
    local ok, given = pcall(reading.send, ('FETCH FORWARD %d FROM %s'):format(state.count, name))
    if not ok then
      state.open = false
      if type(given) == 'table' and given.sqlstate == '34000' then
        given = native.error('config', 'the transaction in which the rows were read has ended before the loop did',
          'begin the loop outside of it, or end the transaction behind the loop')
      end
      error(sql_fault.placed(given, sql), 0)
    end
    state.shape = state.shape or sql_result.shape(given, reading.types(given.types))
    state.rows, state.at = given.rows, 0
    if #given.rows < state.count then
      state.open = false
      reading.send('CLOSE ' .. name)
    end
    state.count = next_count(state.count, given.rows)
  end

  return function()
    if state.at == #state.rows and state.open then fetch() end
    if state.at == #state.rows then return nil end
    state.at = state.at + 1
    local cells = state.rows[state.at]
    state.rows[state.at] = false
    return sql_result.row(state.shape, cells)
  end
end

--- Refuses a loop that a pooler would break.
function sql_cursor.refuse_pooled()
  config.raise('each() outside a transaction, through a transaction pooler: the rows would be on another connection',
    'put the loop into db:transaction(function() ... end), or name the server itself')
end

return sql_cursor
