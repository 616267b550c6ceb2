-- The sessions of scripts and of the prompt: opened when they are first used, opened again when the connection is
-- lost, closed by the collector. A session asks before it writes to what is marked as production.
local config = require 'lugger.inner.cli.config'
local effects = require 'lugger.inner.base.effects'
local native = require 'lugger.native'
local parameters = require 'lugger.inner.sql.parameters'
local production = require 'lugger.inner.cli.production'
local seen_secrets = require 'lugger.inner.base.seen_secrets'
local sql_cursor = require 'lugger.inner.sql.cursor'
local sql_db = require 'lugger.inner.sql.db'
local sql_effects = require 'lugger.inner.sql.effects'
local sql_types = require 'lugger.inner.sql.types'
local terminal = require 'lugger.inner.view.terminal'

local sql_session = { log = {}, lazy = false }

---@class lugger.sql_session: lugger.sql_backend
---@field name string as it was opened
---@field label string the same without its password
---@field place string may hold a password
---@field native lugger.native.prompt|nil
---@field production table|nil
---@field in_transaction boolean|nil
---@field last_sql string|nil
---@field last_command string|nil
---@field last_parameters table|nil
---@field types_known table
---@field pooled boolean|nil
---@field dropped string[]
---@field savepoints integer
local session = {}
local session_meta = { __index = session }

local open_sessions = setmetatable({}, { __mode = 'k' })

local many = 8 -- sessions: those that nobody holds any more are closed first

local function close_forgotten()
  local count = 0
  for _ in pairs(open_sessions) do count = count + 1 end
  if count >= many then
    collectgarbage()
    collectgarbage() -- the first lets go of what holds the connection
  end
end

---@return lugger.native.prompt
local function connect(self)
  close_forgotten()
  self.native = native.prompt.open(self.place)
  self.types_known, self.dropped, self.pooled, self.told = {}, {}, nil, { count = 0 }
  self.production = production.connection(self.name, self.place)
  self.native:fetch "set client_min_messages = 'notice'" -- a person wants to see them
  if self.production then self.native:fetch('set default_transaction_read_only = on') end
  open_sessions[self] = true
  return self.native
end

local most_told = 1000

-- Says what the server had to say of a statement of the user's. A script says each once a connection, however often it
-- runs the statement; what is typed says it each time, as in psql.
local function tell(self, sql, notices)
  for _, notice in ipairs(notices) do
    local key = sql .. '\0' .. notice
    if effects.watched or not self.told[key] then terminal.say((notice:gsub('%s+$', ''))) end
    if not self.told[key] and self.told.count < most_told then
      self.told[key], self.told.count = true, self.told.count + 1
    end
  end
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

-- Connected, and behind loops that were left before their end.
---@return lugger.native.prompt
local function ready(self)
  effects.check()
  if not self.native then connect(self) end
  if effects.watched then sql_session.used = self end -- else it would live for ever
  if is_lost(self) then reconnect(self) end
  if #self.dropped > 0 and self.native:transaction() == 'none' then
    for _, name in ipairs(self.dropped) do pcall(self.native.fetch, self.native, 'CLOSE ' .. name) end
    self.dropped = {}
  end
  return self.native
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

local function bound(self, sql, values)
  return parameters.bind(values, function()
    return self:types(self.native:parameter_types(sql))
  end)
end

-- A SELECT may write (a function that it calls, INTO), and so may EXPLAIN ANALYZE: the server decides.
local function repeat_read(self, sql, values)
  self.native:fetch 'begin read only'
  local ok, fetched = pcall(function() return self.native:fetch(sql, bound(self, sql, values), values.rows) end)
  self.native:fetch(ok and 'commit' or 'rollback')
  if ok then return fetched end
  error(type(fetched) == 'table' and fetched.sqlstate == '25006' and unknown_outcome() or fetched, 0)
end

local function send(self, sql, values)
  local texts = bound(self, sql, values)
  self.last_parameters = texts
  local fetched, changed = sql_effects.fetch(self.native, sql, texts, values.rows)
  fetched.changed = changed
  return fetched
end

local function fetch(self, sql, values)
  local ok, fetched = pcall(send, self, sql, values)
  if ok then return fetched end
  local err = fetched
  if not is_lost(self) then error(err, 0) end
  local was_open = reconnect(self)
  if was_open then
    error(native.error('connect', 'the statement was not carried out: its transaction was lost with the connection',
      'begin again'), 0)
  end
  if not looks_like_a_read(sql) then error(unknown_outcome(), 0) end
  return repeat_read(self, sql, values)
end

-- Work that may write: on a place that is marked production it is asked about.
local function guarded(self, work)
  local ok, done = pcall(work)
  if ok then return done end
  local err = done
  if not (self.production and type(err) == 'table' and err.sqlstate == '25006') then error(err, 0) end
  if self.native:transaction() ~= 'none' then
    error(native.error('config', ('%s is marked production, and the transaction is read-only'):format(self.label),
      "pg 'rollback', then pg 'begin read write', which asks"), 0)
  end
  production.confirm(self.label)
  self.native:fetch('set default_transaction_read_only = off')
  local again, result = pcall(work)
  if self.native:transaction() == 'none' then self.native:fetch('set default_transaction_read_only = on') end
  if not again then error(result, 0) end
  return result
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

---@private
function session:run(sql, values)
  ready(self)
  if effects.watched then seen_secrets.note_sql(sql) end
  if self.production and production.loosens(sql) then production.confirm(self.label) end
  local ok, fetched = pcall(guarded, self, function() return fetch(self, sql, values) end) ---@type boolean, any
  local connection = self.native --[[@as lugger.native.prompt]] -- another one where the first was lost
  self.in_transaction = connection:transaction() ~= 'none'
  if not ok then error(fetched, 0) end
  note_effects(fetched)
  sql_session.note_use(self, fetched)
  tell(self, sql, fetched.notices)
  local given = fetched[#fetched]
  self.last_sql, self.last_command = sql, given and given.command or ''
  if effects.watched then sql_session.last = self end
  fetched.lazy = sql_session.lazy
  return fetched
end

---@private
function session:look(sql, parameter)
  local connection = self.native or connect(self)
  return connection:fetch(sql, { parameter })[1].rows
end

---@private
function session:types(oids)
  local list = {}
  for i, oid in ipairs(oids) do
    list[i] = sql_types.of(oid, self.types_known, function(sql, parameter)
      if self:state() == 'failed' then return nil end
      return self:look(sql, parameter)[1]
    end)
  end
  return list
end

---@private
function session:each(sql, values)
  local connection = ready(self)
  local hold = connection:transaction() == 'none'
  if not sql_cursor.takes(sql, hold) then return nil end
  if hold and self.pooled == nil then self.pooled = connection:behind_pooler() end
  if hold and self.pooled then sql_cursor.refuse_pooled() end
  self.last_sql = sql
  if effects.watched then sql_session.last = self end
  local texts = bound(self, sql, values)
  return sql_cursor.each({
    hold = hold,
    types = function(oids) return self:types(oids) end,
    dropped = function(name)
      if hold and self.native == connection then self.dropped[#self.dropped + 1] = name end
    end,
    send = function(text, given)
      if self.native ~= connection or is_lost(self) then
        error(native.error('connect', 'the connection was lost while rows were read'), 0)
      end
      local fetched = connection:fetch(text, given and texts)
      tell(self, sql, fetched.notices)
      return fetched[#fetched]
    end,
  }, sql, values)
end

local function copy(self, sql, chunks)
  ready(self)
  local started = false
  local ok, rows = pcall(guarded, self, function()
    self.native:notices() -- those of other statements
    self.native:copy_in_start(sql)
    started = true
    for chunk in chunks do self.native:copy_in_put(chunk) end
    started = false
    return self.native:copy_in_end()
  end)
  if not ok and started then self.native:copy_in_abort 'the rows could not be made' end
  self.in_transaction = self.native:transaction() ~= 'none'
  if not ok then error(rows, 0) end
  effects.note()
  tell(self, sql, self.native:notices())
  sql_session.note_use(self, { { command = 'COPY' } })
  return tonumber(rows) --[[@as integer]]
end

local function one_chunk(chunk)
  return function()
    local given = chunk
    chunk = nil
    return given
  end
end

-- The number of the row among all.
local function counted_from(before, err)
  local row = type(err) == 'table' and err.notes and tonumber(err.notes.row)
  if not row then return err end
  local notes = {}
  for _, key in ipairs(err.notes) do notes[key] = err.notes[key] end
  notes.row = ('%d'):format(before + row)
  return native.error(err.code, err.message, err.hint, err.sqlstate, notes)
end

---@private
function session:copy(sql, chunks, apart)
  if not apart then return copy(self, sql, chunks) end
  -- Whoever makes the rows may use this session, which a COPY under way would not allow: one COPY a chunk.
  local total = 0
  self:transaction(function()
    total = 0
    for chunk in chunks do
      local ok, rows = pcall(copy, self, sql, one_chunk(chunk))
      if not ok then error(counted_from(total, rows), 0) end
      total = total + rows
    end
  end)
  return total
end

local function end_transaction(self, connection, ok, err, commit, back)
  local state = self.native == connection and connection:transaction() or 'lost'
  if ok and state == 'none' then
    err = native.error('config', 'the function ended the transaction by itself: what it did is not one transaction',
      'take COMMIT and ROLLBACK out of it')
  elseif ok and state == 'lost' then
    err = native.error('connect', 'the connection was lost, and the transaction with it: all of it was rolled back')
  elseif ok and state == 'failed' then
    err = native.error('config', 'a statement of the transaction failed and the error was caught: all of it was '
      .. 'rolled back', 'let the error pass, or put what may fail into a db:transaction of its own')
  end
  if not err then
    local done, failure = pcall(connection.fetch, connection, commit)
    if done then return tell(self, commit, failure.notices) end
    if connection:transaction() ~= 'lost' then error(failure, 0) end
    error(native.error('connect', 'the connection was lost while the transaction was committed',
      'whether it was carried out cannot be known: look before running it again'), 0)
  end
  if state == 'open' or state == 'failed' then
    if back then connection:fetch(back) else connection:rollback() end
  end
  error(err, 0)
end

---@private
function session:transaction(work)
  local connection = ready(self)
  local outer = connection:transaction() ~= 'none'
  if outer then self.savepoints = self.savepoints + 1 end
  local point = outer and ('lugger_%d'):format(self.savepoints)
  connection:fetch(outer and 'SAVEPOINT ' .. point or self.production and production.allowed and 'BEGIN READ WRITE'
    or 'BEGIN')
  self.in_transaction = true
  local ok, err = pcall(work)
  if not ok and err == nil then err = 'nil' end
  local ended, failure = pcall(end_transaction, self, connection, ok, not ok and err or nil,
    outer and 'RELEASE SAVEPOINT ' .. point or 'COMMIT',
    outer and ('ROLLBACK TO SAVEPOINT %s; RELEASE SAVEPOINT %s'):format(point, point) or nil)
  if outer then self.savepoints = self.savepoints - 1 end
  self.in_transaction = self.native ~= nil and self.native:transaction() ~= 'none'
  if not outer then sql_session.note_use(self, { ended and {} or { command = 'ROLLBACK' } }) end
  if not ended then error(failure, 0) end
end

--- What its transaction is: "none", "open", "failed" or "lost".
---@return string
function session:state()
  return self.native and self.native:transaction() or 'none'
end

---@private
function session:close()
  if self.native then self.native:close() end
  self.native, open_sessions[self] = nil, nil
end

--- A session with a place. Nothing is opened yet.
---@param name string URL, local:DIR, or the name of a connection in lugger.toml
---@return lugger.db
function sql_session.open(name)
  if type(name) ~= 'string' then
    config.raise('a session wants a place as text', "lugger.session 'local:./pg'")
  end
  local place = config.resolve(name, 'into')
  if not native.place_kind(place).sql then
    config.raise(('%s is not a PostgreSQL'):format(native.system.mask_secrets(place)),
      'give local:DIR, a postgresql:// URL or a connection of lugger.toml')
  end
  if effects.watched then seen_secrets.note_place(place) end
  local label = native.system.mask_secrets(name)
  local backend = setmetatable({ name = name, place = place, label = label, savepoints = 0 }, session_meta)
  return sql_db.new(backend, { name = label })
end

--- Records a statement for callers that keep them; they must empty `sql_session.log`.
---@param one lugger.sql_session
---@param fetched { command: string|nil }[]
function sql_session.note_use(one, fetched)
  if not effects.watched then return end
  local words = {}
  for i, given in ipairs(fetched) do words[i] = given.command and given.command:match '^%u+' or '' end
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

return sql_session
