-- SQL at the prompt: pg 'select ...', pg("select $1", 5), pg '\d users'. A session is opened at its first use, and
-- again when its connection was lost. It asks before it writes to a place marked as production.
local config = require 'lugger.inner.cli.config'
local effects = require 'lugger.inner.base.effects'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local production = require 'lugger.inner.cli.production'
local seen_secrets = require 'lugger.inner.base.seen_secrets'
local sql_effects = require 'lugger.inner.sql.effects'
local sql_result = require 'lugger.inner.sql.result'
local sql_text = require 'lugger.inner.sql.text'
local terminal = require 'lugger.inner.view.terminal'

local sql_session = { log = {} }

---@class lugger.sql_session
---@field name string as it was opened
local session = {}

local open_sessions = {}

local function parameter(v)
  if type(v) == 'table' or (type(v) == 'cdata' and require('lugger.inner.base.document').is(v)) then
    return require('lugger.json').encode(v, 'plain')
  end
  if type(v) == 'cdata' and require('lugger').type(v) == 'binary' then return '\\x' .. v:hex() end
  return v == nil and native.null or type(v) == 'userdata' and v or tostring(v)
end

local function connect(self)
  self.native = native.prompt.open(self.place)
  self.production = production.connection(self.name, self.place)
  self.native:fetch "set client_min_messages = 'notice'" -- a person wants to see them
  if self.production then self.native:fetch('set default_transaction_read_only = on') end
  open_sessions[self] = true
end

local function is_lost(self)
  return self.native and self.native:transaction() == 'lost'
end

-- A transaction that was open is lost with the connection; this must be reported.
local function reconnect(self)
  local was_open = self.in_transaction
  self.in_transaction = false
  if was_open then sql_session.note_use(self, { { command = 'ROLLBACK' } }) end
  self.native:close()
  connect(self)
  terminal.warn(('the connection to %s was lost; connected again%s'):format(self.label, was_open
    and ': the open transaction is gone, all of it was rolled back' or ''))
  return was_open
end

local reads = { select = true, show = true, table = true, values = true, explain = true }

-- True for a statement that may be repeated after a lost connection, judged by its first word.
local function looks_like_a_read(sql)
  local word = sql:match '^%s*(%a+)'
  return word and reads[word:lower()] and not sql:find ';%s*%S'
end

local function unknown_outcome()
  return native.error('connect', 'the connection was lost while the statement ran',
    'whether it was carried out cannot be known: look before running it again')
end

-- A SELECT may write (a function that it calls, INTO), and so may EXPLAIN ANALYZE: the server decides.
local function repeat_read(self, sql, parameters)
  self.native:fetch 'begin read only'
  local ok, fetched = pcall(self.native.fetch, self.native, sql, parameters)
  self.native:fetch(ok and 'commit' or 'rollback')
  if ok then return fetched end
  error(type(fetched) == 'table' and fetched.sqlstate == '25006' and unknown_outcome() or fetched, 0)
end

local function fetch(self, sql, parameters)
  local ok, fetched, changed = pcall(sql_effects.fetch, self.native, sql, parameters)
  if ok then
    fetched.changed = changed
    return fetched
  end
  local err = fetched
  if not is_lost(self) then error(err, 0) end
  local was_open = reconnect(self)
  if was_open then
    error(native.error('connect', 'the statement was not carried out: its transaction was lost with the connection',
      'begin again'), 0)
  end
  if not looks_like_a_read(sql) then error(unknown_outcome(), 0) end
  return repeat_read(self, sql, parameters)
end

local function guarded(self, sql, parameters)
  if self.production and production.loosens(sql) then production.confirm(self.label) end
  local ok, fetched = pcall(fetch, self, sql, parameters)
  if ok then return fetched end
  local err = fetched
  if not (self.production and type(err) == 'table' and err.sqlstate == '25006') then error(err, 0) end
  if self.native:transaction() ~= 'none' then
    error(native.error('config', ('%s is marked production, and the transaction is read-only'):format(self.label),
      "pg 'rollback', then pg 'begin read write', which asks"), 0)
  end
  production.confirm(self.label)
  self.native:fetch('set default_transaction_read_only = off')
  local done, result = pcall(fetch, self, sql, parameters)
  if self.native:transaction() == 'none' then self.native:fetch('set default_transaction_read_only = on') end
  if not done then error(result, 0) end
  return result
end

-- The names of types from extensions, for columns with such types.
local function type_names(self, given)
  local names = {}
  for i, oid in ipairs(given.types) do
    if oid >= 16384 and self.native:transaction() ~= 'failed' then
      self.types = self.types or {}
      if not self.types[oid] then
        local found = self.native:fetch('select typname from pg_catalog.pg_type where oid = $1', { oid })
        self.types[oid] = found[1].rows[1] and found[1].rows[1][1] or ''
      end
      names[i] = self.types[oid]
    end
  end
  return names
end

local writes = { INSERT = true, UPDATE = true, DELETE = true, MERGE = true, COPY = true, SELECT = false, SHOW = false,
  EXPLAIN = false, FETCH = false, BEGIN = true, COMMIT = true, ROLLBACK = true, SAVEPOINT = true, RELEASE = true }

local function note_effects(fetched)
  if fetched.changed ~= nil then
    if fetched.changed then effects.note() end
    return
  end
  for _, given in ipairs(fetched) do
    local effect = writes[given.command:match '^%u+' or '']
    if effect == nil or effect then effects.note() end
  end
end

-- Shows the position in the statement that the server reported.
local function pointed(err, sql)
  local position = type(err) == 'table' and err.notes and tonumber(err.notes.position)
  if position then err.text, err.pointer = err.message, sql_text.pointer(sql, position) end
  return err
end

--- Runs SQL and returns its rows; for several statements, those of the last (the prompt shows all). NULL is
--- lugger.null.
---@param sql string
---@param ... any parameters $1, $2, ...
---@return lugger.sql_result
function session:query(sql, ...)
  if type(sql) ~= 'string' then
    config.raise(('pg wants SQL as text, not a %s'):format(type(sql)), "pg('select $1::int', 5)")
  end
  if not self.native then connect(self) end
  sql_session.used = self
  if effects.watched then seen_secrets.note_sql(sql) end
  if is_lost(self) then reconnect(self) end
  local parameters
  if select('#', ...) > 0 then
    parameters = { n = select('#', ...) }
    for i = 1, parameters.n do parameters[i] = parameter((select(i, ...))) end
  end
  local ok, fetched = pcall(guarded, self, sql, parameters)
  self.in_transaction = self.native:transaction() ~= 'none'
  if not ok then error(pointed(fetched, sql), 0) end
  note_effects(fetched)
  sql_session.note_use(self, fetched)
  for _, notice in ipairs(fetched.notices) do terminal.say(notice) end
  local given = fetched[#fetched]
  self.last_parameters = parameters
  self.last_sql, sql_session.last, self.last_command = sql, self, given and given.command or ''
  if not given then return nil end
  local results = {}
  for i, one in ipairs(fetched) do
    results[i] = sql_result.new(one, type_names(self, one), sql_session.lazy or i < #fetched)
  end
  return sql_result.behind(results)
end

--- Runs SQL and returns the number of rows that it changed.
---@param sql string
---@param ... any parameters $1, $2, ...
---@return integer
function session:exec(sql, ...)
  local result = self:query(sql, ...)
  return result and result.affected or 0
end

--- The transaction status: "none", "open", "failed", or "lost" when the connection was lost.
---@return string
function session:transaction()
  return self.native and self.native:transaction() or 'none'
end

--- Opens a session with another place: `warehouse = pg.open 'warehouse'`.
---@param name string
---@return lugger.sql_session
function session.open(name)
  return sql_session.open(name)
end

--- Closes the connection; the next statement opens a new one.
function session:close()
  if self.native then self.native:close() end
  self.native, open_sessions[self] = nil, nil
end

local meta = {
  __index = session,
  __name = 'sql session',
  __call = function(self, sql, ...)
    local command = type(sql) == 'string' and sql:match '^%s*\\(.*)$'
    if command then return require('lugger.inner.sql.describe').run(self, command) end
    return self:query(sql, ...)
  end,
  __tostring = function(self) return 'session with ' .. self.label end,
}

local open = session.open -- a function: pg.open 'warehouse'
methods.check('pg', session, meta)
session.open = open

--- A session with a place. Nothing is opened yet.
---@param name string URL, local:DIR, or the name of a connection in lugger.toml
---@return lugger.sql_session
function sql_session.open(name)
  if type(name) ~= 'string' then
    config.raise('a session wants a place as text', "pg.open 'local:./pg'")
  end
  local place = config.resolve(name, 'into')
  if not native.place_kind(place).sql then
    config.raise(('%s is not a PostgreSQL'):format(native.system.mask_secrets(place)),
      'give local:DIR, a postgresql:// URL or a connection of lugger.toml')
  end
  if effects.watched then seen_secrets.note_place(place) end
  return setmetatable({ name = name, place = place, label = native.system.mask_secrets(name) }, meta)
end

--- Records a statement for callers that keep them; they must empty `sql_session.log`.
---@param one lugger.sql_session
---@param fetched { command: string }[]
function sql_session.note_use(one, fetched)
  if not effects.watched then return end
  local words = {}
  for i, given in ipairs(fetched) do words[i] = given.command:match '^%u+' or '' end
  sql_session.log[#sql_session.log + 1] = { session = one, words = words, open = one.in_transaction == true }
end

--- All connected sessions.
---@return lugger.sql_session[]
function sql_session.list()
  local list = {}
  for one in pairs(open_sessions) do list[#list + 1] = one end
  table.sort(list, function(a, b) return a.label < b.label end)
  return list
end

--- True for sessions.
---@param v any
---@return boolean
function sql_session.is(v)
  return type(v) == 'table' and getmetatable(v) == meta
end

return sql_session
