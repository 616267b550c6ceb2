-- `pg` at the prompt, and in the files that :save writes. It connects to the place it was given, else to the most
-- recent target, else to PG_URI. Each place has one session.
local config = require 'lugger.inner.cli.config'
local sql_result = require 'lugger.inner.sql.result'
local sql_session = require 'lugger.inner.sql.session'

local prompt_pg = {}

local function callable(words, session_of, name)
  return setmetatable(words, {
    __name = 'pg',
    __index = function(_, key) return session_of()[key] end,
    __call = function(_, sql, ...) return session_of()(sql, ...) end,
    __tostring = function() return name or tostring(session_of()) end,
  })
end

--- Makes a new `pg`.
---@param told (fun(place: string))|nil hears which place is spoken to
---@param opened (fun(place: string))|nil hears what pg.open and pg.use are handed
---@return table pg
---@return fun(): lugger.sql_session session_of its session now
function prompt_pg.new(told, opened)
  local sessions, chosen = {}, nil

  local function session_for(name)
    if not sessions[name] then sessions[name] = sql_session.open(name) end
    return sessions[name]
  end

  local function session_of()
    local name = chosen or require('lugger').last_target() or (config.find 'PG_URI')
    if not name then
      config.raise('pg: on which target?', "pg.use 'local:./pg', make a target first, or set PG_URI")
    end
    if told then told(name) end
    return session_for(name)
  end

  local pg = {}

  --- Opens a separate session with another place: `warehouse = pg.open 'warehouse'`, then `warehouse 'select 1'`.
  function pg.open(name)
    local session = sql_session.open(name)
    if opened then opened(name) end
    return session
  end

  --- Sets the place that `pg` connects to from now on.
  function pg.use(name)
    session_for(name)
    if opened then opened(name) end
    chosen = name
  end

  return callable(pg, session_of), session_of
end

-- A database of a migration, with the interface of a session at the prompt.
local function of_database(database)
  local session = {}

  function session:query(sql, ...) -- luacheck: ignore self
    return sql_result.with_value(database:query(sql, ...))
  end

  function session:exec(sql, ...) -- luacheck: ignore self
    return database:exec(sql, ...)
  end

  return setmetatable(session, { __call = function(self, sql, ...) return self:query(sql, ...) end,
    __tostring = function() return tostring(database) end })
end

--- `pg` in a migration: the main database, and the others by their names in lugger.toml.
---@param db lugger.migration_db
---@param dbs table<string, lugger.migration_db>
---@return table
function prompt_pg.of_migration(db, dbs)
  local main = of_database(db)
  local chosen, pg = main, {}

  function pg.open(name)
    return name and of_database(dbs[name]) or main
  end

  function pg.use(name)
    chosen = name and of_database(dbs[name]) or main
  end

  return callable(pg, function() return chosen end, 'pg')
end

return prompt_pg
