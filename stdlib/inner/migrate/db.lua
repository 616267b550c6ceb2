-- The arguments of a migration's functions: the open target, and the other databases by name.
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local values = require 'lugger.inner.migrate.values'

local db = {}

---@class lugger.migration_db
---@field name string "main", or its name in lugger.toml
local object = {}
local object_meta = { __index = object, __name = 'db', __tostring = function(self) return 'db ' .. self.name end }

local function check_sql(sql, what)
  if type(sql) ~= 'string' then
    fault.raise('config', ('db:%s wants SQL as text, not a %s'):format(what, type(sql)),
      ("db:%s('UPDATE t SET a = $1', 1)"):format(what))
  end
end

--- Runs SQL. Values are passed as parameters $1, $2, ..., never in the text. Several statements are possible only
--- without values.
---@param sql string
---@param ... any values: texts, numbers, booleans, lugger's own, lists (arrays), tables (JSON); nil is NULL
---@return integer affected rows
function object:exec(sql, ...)
  check_sql(sql, 'exec')
  return self.executor:exec(self.connection, sql, values.params(select('#', ...), ...))
end

--- Runs a query and returns its rows by column name: for _, row in ipairs(db:query('SELECT id FROM t')) do ... end
---@param sql string
---@param ... any values, as for exec
---@return lugger.migrate.rows
function object:query(sql, ...)
  check_sql(sql, 'query')
  return values.rows(self.executor:query(self.connection, sql, values.params(select('#', ...), ...)))
end

--- The first value of the first row, or nil.
---@param sql string
---@param ... any values, as for exec
---@return any
function object:value(sql, ...)
  local rows = self:query(sql, ...)
  local found = rows[1] and rows[1][rows.names[1]]
  if found == native.null then return nil end
  return found
end

---@class lugger.batches_spec
---@field table string
---@field key string|string[]|nil the key's columns; the primary key when not given
---@field batch_rows integer|nil 1000 when not given
---@field where string|nil a condition in SQL: only rows that meet it
---@field params any[]|nil values of $1, $2, ... in `where`

---@class lugger.migration_batch
---@field rows integer
---@field condition string SQL that holds for the rows of this batch, to stand behind WHERE; its values are quoted in it

--- Iterates over the rows of a table in batches by key. Each batch is a transaction of its own, which includes its
--- position, so an interrupted migration continues after the last batch. What db:exec does in the loop is part of the
--- batch's transaction.
---@param spec lugger.batches_spec
---@return fun(): lugger.migration_batch|nil
function object:batches(spec)
  return require('lugger.inner.migrate.batches').iterate(self, spec)
end

--- Runs a function in one transaction, as one step, in a file that is not a single transaction.
---@param work fun()
function object:transaction(work)
  self.executor:transaction(self.connection, work)
end

--- From here on each step is committed by itself: for statements that must not share a transaction.
function object:by_steps()
  if self.executor.batches then self.executor:batches() end
end

--- Runs `find` once and records its result with the steps, so that a resumed migration gets the same result. Plain
--- values only.
---@param label string
---@param find fun(): any
---@return any
function object:remember(label, find)
  if self.executor.remember then return self.executor:remember(label, find) end
  return find()
end

--- A name quoted for SQL: "na""me".
---@param name string
---@return string
function object:quote(name) -- luacheck: ignore self
  return native.sql.name(name)
end

--- A table's name, with or without its schema, quoted for SQL.
---@param name string
---@return string
function object:quote_table(name) -- luacheck: ignore self
  return native.sql.table(name)
end

--- Writes a message to standard error.
---@param ... any
function object:say(...)
  self.executor:say(...)
end

--- The object for a connection.
---@param executor table
---@param connection lugger.migrate.connection
---@return lugger.migration_db
function db.new(executor, connection)
  return setmetatable({ name = connection.name, executor = executor, connection = connection }, object_meta)
end

methods.check('db', object, object_meta)

return db
