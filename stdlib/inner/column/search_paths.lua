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

local function told(value, command)
  local right = search_paths.corrected(value)
  return right and ('search_path is %s, which names one schema with a comma in its name: %s %s'):format(value, command,
    right)
end

--- What is wrong in the settings of this database, its roles and the server, with the statement that mends it.
---@param db lugger.migration_db
---@return string[]
function search_paths.wrong(db)
  local out = {}
  for _, row in ipairs(db:query(settings_sql)) do
    local where = row.role and 'ALTER ROLE ' .. native.sql.name(row.role)
      .. (row.database and ' IN DATABASE ' .. native.sql.name(row.database) or '')
      or 'ALTER DATABASE ' .. native.sql.name(row.database)
    out[#out + 1] = told(row.line:match '=(.*)$', where .. ' SET search_path =')
  end
  -- Only superusers and those who may read all settings see the files.
  local ok, rows = pcall(db.query, db, system_sql)
  for _, row in ipairs(ok and rows or {}) do
    out[#out + 1] = told(row.setting, 'ALTER SYSTEM SET search_path =')
      and told(row.setting, 'ALTER SYSTEM SET search_path =') .. '; SELECT pg_reload_conf()'
  end
  return out
end

return search_paths
