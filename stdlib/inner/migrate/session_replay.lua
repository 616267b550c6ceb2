-- Restores the session state of a file that runs step by step. Sessions end with their connection or process; the next
-- session gets the same state, so that later statements have the same meaning.
local config = require 'lugger.inner.cli.config'
local session_state = require 'lugger.inner.migrate.session_state'
local statement = require 'lugger.inner.migrate.statement'

---@class lugger.migrate.session_replay
---@field sessions table<lugger.migrate.connection, { settings: table<string, string>, made: table[] }>
---@field gone table<string, string> temporary tables and cursors that went with a session: name -> the statement
local replay = {}
local replay_meta = { __index = replay }

local function give(self, session, made)
  for _, one in ipairs(made) do
    if one.name then
      self.gone[one.name] = one.text
    elseif one.text then
      session:query(one.text, one.params)
    else
      session_state.set(session, one.changes)
    end
  end
end

local function of(self, connection)
  local kept = self.sessions[connection]
  if not kept then
    kept = { settings = session_state.settings(connection:session()), made = {} }
    self.sessions[connection] = kept
    connection.restore = function(session)
      give(self, session, kept.made)
      kept.settings = session_state.settings(session)
    end
  end
  return kept
end

--- Watches the session from here on.
---@param connection lugger.migrate.connection
function replay:begin(connection)
  connection:session()
  if not connection.pooled then of(self, connection) end
end

--- Records a statement with an effect on the session.
---@param connection lugger.migrate.connection
---@param st lugger.statement
---@param params any[]|nil
function replay:ran(connection, st, params)
  local kept = of(self, connection)
  kept.made[#kept.made + 1] = { text = st.text, params = params }
  local node = st.node
  if node and (node.kind == 'VAR_RESET_ALL' or node.target == 'DISCARD_ALL') then connection:apply_settings() end
  kept.settings = session_state.settings(connection:session())
end

--- Records a step that made something a later session cannot get: a temporary table, a WITH HOLD cursor.
---@param connection lugger.migrate.connection
---@param st lugger.statement
function replay:made(connection, st)
  local name = st.temporary or st.cursor
  if not name then return end
  local kept = of(self, connection)
  kept.made[#kept.made + 1] = { name = name, text = st.text }
end

local function mentions(text, name)
  return text:lower():find('%f[%w_]' .. name:lower():gsub('%W', '%%%0') .. '%f[^%w_]') ~= nil
end

--- Records that a step of an earlier attempt is skipped.
---@param st lugger.statement
function replay:passed(st)
  local name = st.temporary or st.cursor
  if name then self.gone[name] = st.text end
  if st.tag ~= 'DropStmt' and st.tag ~= 'ClosePortalStmt' then return end
  for gone in pairs(self.gone) do
    if mentions(st.text, gone) then self.gone[gone] = nil end
  end
end

--- Raises for a statement that refers to something that was lost with an earlier session.
---@param st lugger.statement
function replay:check(st)
  for name, text in pairs(self.gone) do
    if mentions(st.text, name) then
      config.raise(('%s went with the session of an earlier attempt, in which it was made: %s'):format(name,
        statement.brief(text)), 'put it and what uses it into one db:transaction, or make it a table that is not '
        .. 'temporary; `lugger migrate repair` gives the attempt up')
    end
  end
end

--- The changes of settings since the last see(), without marking them as seen.
---@param connection lugger.migrate.connection
---@return table<string, string|false>|nil
function replay:changes(connection)
  local before = connection.pooled and connection.held and connection.held.settings or of(self, connection).settings
  return session_state.changes(before, session_state.settings(connection:session()))
end

--- Marks the present settings as seen.
---@param connection lugger.migrate.connection
---@return table<string, string|false>|nil
function replay:see(connection)
  local kept, changes = of(self, connection), self:changes(connection)
  if changes then
    kept.made[#kept.made + 1] = { changes = changes }
    kept.settings = session_state.settings(connection:session())
  end
  return changes
end

--- Applies to the session the settings that a step of an earlier attempt made.
---@param connection lugger.migrate.connection
---@param changes table<string, string|false>
function replay:again(connection, changes)
  of(self, connection)
  session_state.set(connection:session(), changes)
  self:see(connection)
end

--- Call this before a function is called again from its beginning: it will make all its settings again.
function replay:forget()
  for _, kept in pairs(self.sessions) do kept.made = {} end
end

--- Makes a new, empty one.
---@return lugger.migrate.session_replay
function replay.new()
  return setmetatable({ sessions = {}, gone = {} }, replay_meta)
end

return replay
