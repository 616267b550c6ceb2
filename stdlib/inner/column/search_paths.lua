-- Settings of search_path in which one pair of quotes holds several schemas: a schema of that name exists nowhere, so
-- the path is empty.
local native = require 'lugger.native'

local search_paths = {}

local settings_sql = [[SELECT d.datname::text AS database, r.rolname::text AS role, s.line AS line
  FROM pg_db_role_setting x LEFT JOIN pg_database d ON d.oid = x.setdatabase LEFT JOIN pg_roles r ON r.oid = x.setrole,
    pg_catalog.unnest(x.setconfig) AS s (line)
  WHERE s.line LIKE 'search\_path=%' AND (x.setdatabase = 0 OR d.datname = pg_catalog.current_database())
  ORDER BY 1, 2]]

local system_sql = [[SELECT setting FROM pg_catalog.pg_file_settings WHERE name = 'search_path' AND applied]]

--- The setting with each schema in quotes of its own; nil when it is right as it is.
---@param value string
---@return string|nil
function search_paths.corrected(value)
  local wrong = false
  local out = value:gsub('"([^"]*)"', function(inside)
    if not inside:find(',', 1, true) then return nil end
    wrong = true
    local names = {}
    for name in inside:gmatch '[^,]+' do
      local bare = name:match '^%s*(.-)%s*$' or ''
      names[#names + 1] = bare:match '^[%l_][%l%d_]*$' and bare or native.sql.name(bare)
    end
    return table.concat(names, ', ')
  end)
  return wrong and out or nil
end

-- Names as they are written in a path.
local function names_of(value)
  local out = {}
  for name in (value .. ','):gmatch '%s*(.-)%s*,' do
    if name ~= '' then out[#out + 1] = name end
  end
  return out
end

-- Who sets it, and whom it reaches: ALTER DATABASE before ALTER SYSTEM, which reaches every database and needs more.
---@param db lugger.migration_db
---@param made fun(value: string): string|nil what it should be; nil: it is right
---@return { value: string, statements: string }[]
local function settings(db, made)
  local out = {}
  for _, row in ipairs(db:query(settings_sql)) do
    local where = row.role and 'ALTER ROLE ' .. native.sql.name(row.role)
      .. (row.database and ' IN DATABASE ' .. native.sql.name(row.database) or '')
      or 'ALTER DATABASE ' .. native.sql.name(row.database)
    local value = row.line:match '=(.*)$'
    local right = made(value)
    if right then out[#out + 1] = { value = value, statements = ('%s SET search_path = %s'):format(where, right) } end
  end
  -- Only superusers and those who may read all settings see the files.
  local ok, rows = pcall(db.query, db, system_sql)
  for _, row in ipairs(ok and rows or {}) do
    local right = made(row.setting)
    if right then
      out[#out + 1] = { value = row.setting, statements = ('ALTER DATABASE %s SET search_path = %s, as its owner, for '
        .. 'new sessions; or as a superuser, for every database: ALTER SYSTEM SET search_path = %s; '
        .. 'SELECT pg_reload_conf()'):format(native.sql.name(db:value 'SELECT pg_catalog.current_database()'), right,
        right) }
    end
  end
  return out
end

--- What is wrong in the settings of this database, its roles and the server, with the statement that mends it.
---@param db lugger.migration_db
---@return string[]
function search_paths.wrong(db)
  local out = {}
  for i, one in ipairs(settings(db, search_paths.corrected)) do
    out[i] = ('search_path is %s, which names one schema with a comma in its name: %s'):format(one.value,
      one.statements)
  end
  return out
end

--- The settings that name a schema, with the statement that takes it out of the path.
---@param db lugger.migration_db
---@param schema string
---@return string[]
function search_paths.naming(db, schema)
  local quoted, out = native.sql.name(schema), {}
  local function without(value)
    local names, kept = names_of(value), {}
    for _, name in ipairs(names) do
      if name ~= schema and name ~= quoted then kept[#kept + 1] = name end
    end
    if #kept == #names then return nil end
    return #kept > 0 and table.concat(kept, ', ') or "''"
  end
  for i, one in ipairs(settings(db, without)) do
    out[i] = ('search_path is %s, which still names %s: %s'):format(one.value, schema, one.statements)
  end
  return out
end

return search_paths
