-- What a migration's functions get: the open target, and the other databases by name. A db as scripts have it, whose
-- statements are the migration's, and what only migrations do.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local parameters = require 'lugger.inner.sql.parameters'
local sql_cursor = require 'lugger.inner.sql.cursor'
local sql_db = require 'lugger.inner.sql.db'
local sql_types = require 'lugger.inner.sql.types'

local db = {}

---@class lugger.migration_db: lugger.db
---@field name string "main", or its name in lugger.toml
---@field executor table what runs its statements; not for migrations
---@field connection any not for migrations
local object = {}

---@class lugger.batches_spec
---@field table string
---@field key string|string[]|nil the key's columns; the primary key when not given
---@field batch_rows integer|nil 1000 when not given
---@field where string|nil a condition in SQL: only rows that meet it
---@field params any[]|nil values of $1, $2, ... in `where`
---@field pause_ms integer|nil between batches
---@field between (fun(rows: integer))|nil called behind each batch, when it is committed and nothing is open

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

--- From here on step by step, each committed by itself: for statements that must not share a transaction.
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

--- Tells the reader something, on standard error.
---@param ... any
function object:say(...)
  self.executor:say(...)
end

local meta = sql_db.meta(object)

---@class lugger.migrate.backend: lugger.sql_backend
---@field executor table
---@field connection lugger.migrate.connection
---@field known table
local backend = {}
local backend_meta = { __index = backend }

-- The results of native.pg as the class takes them.
---@return lugger.sql_given
local function given_of(result)
  local rows = {}
  for i, row in ipairs(result.rows) do
    local cells = {}
    for column = 1, #result.names do
      local cell = row[column]
      cells[column] = cell ~= nil and cell ~= native.null and cell
    end
    rows[i] = cells
  end
  return { names = result.names, types = result.types, rows = rows, count = #rows,
    affected = tonumber(result.affected) --[[@as integer]], command = '' }
end

-- The values of a call as its step is known by; what the server takes is asked when the statement is sent.
local function values_of(self, sql, values)
  local texts = parameters.identity(values)
  if not texts then return nil end
  return setmetatable(texts, { bind = function()
    local session = self.connection:session()
    return parameters.bind(values, function() return self:types(session:parameter_types(sql)) end)
  end })
end

---@private
function backend:run(sql, values)
  return { given_of(self.executor:query(self.connection, sql, values_of(self, sql, values))) }
end

---@private
function backend:exec(sql, values)
  return self.executor:exec(self.connection, sql, values_of(self, sql, values))
end

---@private
function backend:look(sql, parameter)
  return given_of(self.connection:query(sql, { parameter })).rows
end

---@private
function backend:types(oids)
  local list = {}
  for i, oid in ipairs(oids) do
    list[i] = sql_types.of(oid, self.known, function(sql, parameter) return self:look(sql, parameter)[1] end)
  end
  return list
end

---@private
function backend:each(sql, values)
  self.executor:read(self.connection)
  local connection = self.connection
  local session = connection:session()
  local hold = not session:in_transaction()
  if not sql_cursor.takes(sql, hold) then return nil end
  if hold and session:pooled() then sql_cursor.refuse_pooled() end
  connection:note_use()
  local params = values_of(self, sql, values)
  local texts = params and getmetatable(params).bind()
  return sql_cursor.each({
    hold = hold,
    types = function(oids) return self:types(oids) end,
    dropped = function() end, -- the session ends with the file
    send = function(text, given) return given_of(session:query(text, given and texts)) end,
  }, sql, values)
end

-- The rows follow the statement, as in a file: so they identify the step.
---@private
function backend:copy(sql, chunks)
  local parts = { sql .. ';\n' }
  for chunk in chunks do parts[#parts + 1] = chunk end
  parts[#parts + 1] = '\\.\n'
  return self.executor:exec(self.connection, table.concat(parts), nil)
end

---@private
function backend:transaction(work)
  self.executor:transaction(self.connection, work)
end

---@private
function backend:state()
  local connection = self.connection
  if connection.open and not connection.open:alive() then return 'lost' end
  return connection:in_transaction() and 'open' or 'none'
end

---@private
---@diagnostic disable-next-line: unused
function backend:close() -- luacheck: ignore self
  config.raise('lugger opens and closes the databases of a migration itself', 'take db:close() out')
end

--- The object for a connection.
---@param executor table
---@param connection lugger.migrate.connection
---@return lugger.migration_db
function db.new(executor, connection)
  local carrier = setmetatable({ label = connection.name, executor = executor, connection = connection, known = {} },
    backend_meta) --[[@as lugger.migrate.backend]]
  return sql_db.new(carrier, { name = connection.name, executor = executor, connection = connection }, meta)
end

return db
