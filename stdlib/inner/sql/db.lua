-- SQL for scripts, tasks, migrations, tests and the prompt: one class, whatever carries its statements.
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local sql_copy = require 'lugger.inner.sql.copy'
local sql_fault = require 'lugger.inner.sql.fault'
local sql_result = require 'lugger.inner.sql.result'

local sql_db = {}

---@class lugger.sql_given what the server gave of a statement
---@field names string[]
---@field types integer[]
---@field rows (string|false)[][] NULL is false
---@field count integer
---@field affected integer
---@field command string

---@alias lugger.sql_rows fun(): lugger.sql_row|nil
---@alias lugger.sql_run fun(self: table, sql: string, values: lugger.sql.parameters): lugger.sql_given[]

---@class lugger.sql_backend what carries the statements of a db
---@field label string
---@field run lugger.sql_run the results; the last is the one that is asked for
---@field exec function|nil gives the number of rows, where that is not what run tells
---@field types fun(self: table, oids: integer[]): lugger.sql.type[]
---@field look fun(self: table, sql: string, parameter: string): table<integer, any[]> a question of our own
---@field each fun(self: table, sql: string, values: table): lugger.sql_rows|nil nil: only as a whole
---@field copy function (sql, chunks, apart): rows; apart: statements may run while the chunks are made
---@field transaction fun(self: table, work: fun())
---@field state fun(self: table): string
---@field close fun(self: table)

--- SQL over one session. Values go as parameters $1, $2, ..., by the types that the server has for them; NULL is nil.
---@class lugger.db
---@overload fun(sql: string, ...: any): lugger.sql_result
---@field name string the place as it was named; in migrations "main", or its name in lugger.toml
local class = {}

-- Not a field: what carries the statements is no business of a script.
local backends = setmetatable({}, { __mode = 'k' })

local function backend_of(self)
  local backend = backends[self]
  return type(backend) == 'function' and backend() or backend
end

local function pack(...)
  return { n = select('#', ...), ... }
end

local function check_sql(sql, what)
  if type(sql) == 'string' then return end
  fault.raise('config', ('db:%s wants SQL as text, not a %s'):format(what, type(sql)),
    ("db:%s('select $1::int', 5)"):format(what))
end

local function placed(sql, ok, ...)
  if ok then return ... end
  error(sql_fault.placed((...), sql), 0)
end

-- `rows`: so many are wanted, else all.
local function run(self, what, rows, sql, ...)
  check_sql(sql, what)
  local backend, values = backend_of(self), pack(...)
  values.rows = rows
  return placed(sql, pcall(backend.run, backend, sql, values)), backend
end

local function refuse_cut(given)
  if given.count == #given.rows then return end
  fault.raise('config', ('the result has %d rows, and memory was found for %d'):format(given.count, #given.rows),
    'for row in db:each(...) goes over them one after the other')
end

--- Runs SQL and gives its rows; of several statements those of the last (the prompt shows all). Several only without
--- values.
---@param sql string
---@param ... any parameters $1, $2, ...: texts, numbers, booleans, lugger's own values, lists, documents; nil is NULL
---@return lugger.sql_result
function class:query(sql, ...)
  local fetched, backend = run(self, 'query', nil, sql, ...)
  local results = {}
  for i, given in ipairs(fetched) do
    if not fetched.lazy then refuse_cut(given) end
    results[i] = sql_result.new(given, backend:types(given.types), fetched.lazy or i < #fetched)
  end
  return (#results > 0 and sql_result.behind(results) or nil) --[[@as lugger.sql_result]] -- a text may hold nothing
end

--- Goes over rows without holding them: `for row in db:each('select * from users') do ... end`. Inside a transaction
--- they are read as the loop goes; outside, the server keeps the result until the loop has ended, so that other
--- statements may run in between. What writes and returns rows is read as a whole.
---@param sql string
---@param ... any parameters
---@return fun(): lugger.sql_row|nil
function class:each(sql, ...)
  check_sql(sql, 'each')
  local backend = backend_of(self)
  local found = placed(sql, pcall(backend.each, backend, sql, pack(...)))
  if found then return found end
  local rows, i = class.query(self, sql, ...), 0
  return function()
    i = i + 1
    return rows and rows[i]
  end
end

--- The first row, or nil.
---@param sql string
---@param ... any parameters
---@return lugger.sql_row|nil
function class:row(sql, ...)
  local fetched, backend = run(self, 'row', 1, sql, ...)
  local given = fetched[#fetched]
  local cells = given and given.rows[1]
  return cells and sql_result.row(sql_result.shape(given, backend:types(given.types)), cells) or nil
end

--- The first value of the first row; nil when there is no row, and for NULL.
---@param sql string
---@param ... any parameters
---@return any
function class:value(sql, ...)
  local fetched, backend = run(self, 'value', 1, sql, ...)
  local given = fetched[#fetched]
  if not given or not given.rows[1] then return nil end
  return sql_result.new({ names = given.names, types = given.types, rows = { given.rows[1] }, count = 1, command = '' },
    backend:types(given.types), true):value()
end

--- Runs SQL and gives the number of rows that its last statement changed.
---@param sql string
---@param ... any parameters
---@return integer
function class:exec(sql, ...)
  local backend = backend_of(self)
  if backend.exec then
    check_sql(sql, 'exec')
    return placed(sql, pcall(backend.exec, backend, sql, pack(...)))
  end
  local fetched = run(self, 'exec', 1, sql, ...)
  local given = fetched[#fetched]
  return given and tonumber(given.affected) --[[@as integer]] or 0
end

--- Runs a function in a transaction: commits what it did and gives what it returned; an error takes everything back.
--- Inside a transaction it becomes a part that is taken back by itself.
---@param work fun(db: lugger.db): ...
---@return any ... what the function returned
function class:transaction(work)
  if type(work) ~= 'function' then
    fault.raise('config', ('db:transaction wants a function, not a %s'):format(type(work)),
      'db:transaction(function() db:exec(...) end)')
  end
  local results = { n = 0 }
  backend_of(self):transaction(function() results = pack(work(self)) end)
  return unpack(results, 1, results.n)
end

--- Whether a transaction is open: "none", "open", "failed", or "lost" when the connection is.
---@return "none"|"open"|"failed"|"lost"
function class:state()
  return backend_of(self):state()
end

--- A name as SQL takes it: "na""me".
---@param name string
---@return string
---@diagnostic disable-next-line: unused
function class:quote(name) -- luacheck: ignore self
  return native.sql.name(name)
end

--- A table's name, with or without its schema, as SQL takes it.
---@param name string
---@return string
---@diagnostic disable-next-line: unused
function class:quote_table(name) -- luacheck: ignore self
  return native.sql.table(name)
end

--- Puts rows into a table by COPY: a list of tables by column, or a function that gives one after the other, such as
--- `other:each(...)`. Columns that no row names keep their defaults.
---@param table_name string
---@param rows table[]|fun(): table|nil
---@return integer rows
function class:insert(table_name, rows)
  if type(rows) ~= 'table' and type(rows) ~= 'function' then
    fault.raise('config', ('db:insert wants rows, not a %s'):format(type(rows)),
      "db:insert('users', { { id = 1, email = 'ann@example.com' } })")
  end
  if type(rows) == 'table' and sql_copy.is_one_row(rows) then
    fault.raise('config', 'db:insert wants a list of rows, not a single row',
      ('db:insert(%s, { { ... } })'):format(("'%s'"):format(tostring(table_name))))
  end
  local backend = backend_of(self)
  local what = 'COPY ' .. tostring(table_name) .. ' FROM STDIN'
  local sql, chunks = placed(what, pcall(sql_copy.of, function(...) return backend:look(...) end,
    function(oids) return backend:types(oids) end, table_name, rows))
  if not sql then return 0 end
  return placed(what, pcall(backend.copy, backend, sql, chunks, type(rows) == 'function'))
end

--- Closes the connection; the next statement opens it again.
function class:close()
  backend_of(self):close()
end

local function is(v)
  local meta = type(v) == 'table' and getmetatable(v)
  return type(meta) == 'table' and meta.lugger_db == true
end

methods.close('db', class --[[@as table]], is, { 'name', 'executor', 'connection' })

--- A class of objects with the methods of a db, and others.
---@param more table|nil methods
---@return table meta
function sql_db.meta(more)
  if more then methods.check('db', more, is) end
  return {
    __name = 'db', lugger_db = true, lugger_word = 'db',
    __index = more and setmetatable(more, { __index = class }) or class,
    __call = function(self, sql, ...)
      local command = type(sql) == 'string' and sql:match '^%s*\\(.*)$'
      if command then return require('lugger.inner.sql.describe').run(self, command) end
      return self:query(sql, ...)
    end,
    __tostring = function(self) return 'db ' .. backend_of(self).label end,
  }
end

local plain = sql_db.meta()

--- A db over a backend, or over the one that a function gives at each call.
---@param backend lugger.sql_backend|fun(): lugger.sql_backend
---@param fields table
---@param meta table|nil of sql_db.meta
---@return lugger.db
function sql_db.new(backend, fields, meta)
  backends[fields] = backend
  return setmetatable(fields, meta or plain)
end

--- What carries the statements of a db.
---@param db lugger.db
---@return lugger.sql_backend
function sql_db.backend(db)
  return backend_of(db)
end

--- True for such objects.
---@param v any
---@return boolean
function sql_db.is(v)
  return is(v)
end

return sql_db
