-- `pg` at the prompt, and in the files that :save writes. It connects to the place it was given, else to the most
-- recent target, else to PG_URI. Each place has one session.
local config = require 'lugger.inner.cli.config'
local sql_db = require 'lugger.inner.sql.db'
local sql_session = require 'lugger.inner.sql.session'

local prompt_pg = {}

--- A new `pg`.
---@param told (fun(place: string))|nil hears which place is spoken to
---@param opened (fun(place: string))|nil hears what pg.open and pg.use are handed
---@return lugger.db pg
---@return fun(): lugger.db db_of what it speaks to now
function prompt_pg.new(told, opened)
  local dbs, chosen = {}, nil

  local function db_for(name)
    if not dbs[name] then dbs[name] = sql_session.open(name) end
    return dbs[name]
  end

  local function db_of()
    local name = chosen or require('lugger').last_target() or (config.find 'PG_URI')
    if not name then
      config.raise('pg: on which target?', "pg.use 'local:./pg', make a target first, or set PG_URI")
    end
    if told then told(name) end
    return db_for(name)
  end

  local pg = {}

  local function check_place(word, name)
    if type(name) ~= 'string' then
      config.raise(('pg.%s wants a place: a URL, local:DIR, or a connection of lugger.toml'):format(word),
        ("pg.%s 'local:./pg'"):format(word))
    end
  end

  --- Opens a separate session with another place: `warehouse = pg.open 'warehouse'`, then `warehouse 'select 1'`.
  function pg.open(name)
    check_place('open', name)
    local db = sql_session.open(name)
    if opened then opened(name) end
    return db
  end

  --- Sets the place that `pg` connects to from now on.
  function pg.use(name)
    check_place('use', name)
    db_for(name)
    if opened then opened(name) end
    chosen = name
  end

  return sql_db.new(function() return sql_db.backend(db_of()) end, pg), db_of
end

--- `pg` in a migration: the main database, and the others by their names in lugger.toml.
---@param db lugger.migration_db
---@param dbs table<string, lugger.migration_db>
---@return lugger.db
function prompt_pg.of_migration(db, dbs)
  local chosen, pg = db, {}

  function pg.open(name)
    return name and dbs[name] or db
  end

  function pg.use(name)
    chosen = name and dbs[name] or db
  end

  return sql_db.new(function() return sql_db.backend(chosen) end, pg)
end

return prompt_pg
