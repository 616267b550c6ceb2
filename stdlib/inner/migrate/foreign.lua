-- Directories and ledgers of other tools: goose, dbmate, Flyway, golang-migrate, sql-migrate and rambler.
local base_files = require 'lugger.inner.base.files'
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local version = require 'lugger.inner.migrate.version'
local system = native.system

local foreign = {}

---@class lugger.migrate.foreign
---@field number string the version as the other tool writes it
---@field name string
---@field up string
---@field down string|nil
---@field no_transaction boolean|nil
---@field stub boolean|nil code that cannot be carried over

local function read(directory, name)
  return (system.read_file(directory .. '/' .. name):gsub('^\239\187\191', ''):gsub('\r\n', '\n'))
end

local function section_of(text, up, down)
  local sections = { up = {}, down = nil }
  local current ---@type string[]|nil
  for line in (text .. '\n'):gmatch('(.-)\n') do
    if line:match(up) then
      current = sections.up
    elseif line:match(down) then
      sections.down = sections.down or {}
      current = sections.down
    elseif current then
      current[#current + 1] = line
    end
  end
  return table.concat(sections.up, '\n'), sections.down and table.concat(sections.down, '\n')
end

-- Tools that keep both directions in one file, VERSION_words.sql, each below a mark.
---@class lugger.migrate.marked_tool
---@field name string
---@field up string pattern of the mark above the way up
---@field down string
---@field dropped string|nil pattern of lines that mean something to the tool alone
---@field no_transaction string|nil pattern of the word that a file runs without a transaction
---@field code boolean|nil .go files are migrations too
---@field applied fun(connection: lugger.native.pg): table<string, table>
---@field fits (fun(name: string, text: string): boolean)|nil made of the marks
---@field file (fun(name: string, text: string): table|nil)|nil made of the marks

---@class lugger.migrate.tool
---@field name string
---@field fits fun(name: string, text: string): boolean
---@field file fun(name: string, text: string): table|nil nil: no migration
---@field applied fun(connection: lugger.native.pg, list: table[]): table<string, table>

---@param tool lugger.migrate.marked_tool
---@return lugger.migrate.tool
local function marked_tool(tool)
  local function clean(part)
    return part and tool.dropped and part:gsub(tool.dropped, '') or part
  end
  function tool.fits(name, text)
    return name:match('^%d+_.+%.sql$') ~= nil and text:match(tool.up) ~= nil
  end
  function tool.file(name, text)
    local number, words, kind = name:match('^(%d+)_(.+)%.(%l+)$')
    if kind == 'go' and tool.code then return { number = number, name = words, up = '', stub = true } end
    if kind ~= 'sql' then return nil end
    local up, down = section_of(text, '^%s*' .. tool.up, '^%s*' .. tool.down)
    return { number = number, name = words, up = clean(up), down = clean(down),
      no_transaction = tool.no_transaction ~= nil and text:match(tool.no_transaction) ~= nil }
  end
  return tool --[[@as lugger.migrate.tool]]
end

-- For a ledger that contains the names of files, not their versions.
local function applied_names(sql)
  return function(connection)
    local out = {}
    for _, row in ipairs(connection:query(sql).rows) do
      local number = row[1]:match('^(%d+)_')
      if number then out[number] = { at = row[2] ~= native.null and row[2] or nil } end
    end
    return out
  end
end

local goose = marked_tool { name = 'goose', code = true,
  up = '%-%-%s*%+goose%s+[Uu]p', down = '%-%-%s*%+goose%s+[Dd]own',
  dropped = '[^\n]*%-%-%s*%+goose%s+Statement%a+[^\n]*\n?',
  no_transaction = '%-%-%s*%+goose%s+NO%s+TRANSACTION',
  applied = function(connection)
    local out = {}
    for _, row in ipairs(connection:query([[SELECT DISTINCT ON (version_id) version_id, is_applied, tstamp
      FROM goose_db_version
      WHERE version_id > 0 ORDER BY version_id, id DESC]]).rows) do
      if row[2] == 't' then out[row[1]] = { at = row[3] } end
    end
    return out
  end }

local dbmate = marked_tool { name = 'dbmate',
  up = '%-%-%s*migrate:up', down = '%-%-%s*migrate:down',
  no_transaction = '%-%-%s*migrate:up[^\n]*transaction:%s*false',
  applied = function(connection)
    local out = {}
    for _, row in ipairs(connection:query('SELECT version FROM schema_migrations').rows) do out[row[1]] = {} end
    return out
  end }

local sql_migrate = marked_tool { name = 'sql-migrate',
  up = '%-%-%s*%+migrate%s+[Uu]p', down = '%-%-%s*%+migrate%s+[Dd]own',
  dropped = '[^\n]*%-%-%s*%+migrate%s+Statement%a+[^\n]*\n?',
  no_transaction = '%+migrate%s+%a+%s+notransaction',
  applied = applied_names('SELECT id, applied_at FROM gorp_migrations') }

local rambler = marked_tool { name = 'rambler',
  up = '%-%-%s*rambler%s+[Uu]p', down = '%-%-%s*rambler%s+[Dd]own',
  applied = applied_names('SELECT migration, NULL FROM migrations') }

---@return string[]
local function parts_of(number)
  local parts = {}
  for part in number:gmatch('%d+') do parts[#parts + 1] = (part:gsub('^0+(%d)', '%1')) end
  return parts
end

-- 1.2 comes before 1.10, and 2 is 2.0.
local function before(a, b)
  a, b = parts_of(a), parts_of(b)
  for i = 1, math.max(#a, #b) do
    local one, other = a[i] or '0', b[i] or '0'
    if one ~= other then return version.before(one, other) end
  end
  return false
end

local flyway = { name = 'Flyway' }

---@private
function flyway.fits(name)
  return name:match('^[VUR][%d._]*__.+%.sql$') ~= nil
end

---@private
function flyway.file(name, text)
  local kind, number, words = name:match('^([VU])([%d._]+)__(.+)%.sql$')
  if not kind then return nil end
  number = number:gsub('_', '.')
  if kind == 'U' then return { number = number, undo = text } end
  return { number = number, name = words, up = text, placeholders = text:match('%${') ~= nil }
end

-- A database that is older than its Flyway migrations: everything up to the baseline counts as applied.
local function add_baseline(out, list, number, at)
  for _, one in ipairs(list) do
    if one.number ~= number and not before(number, one.number) and not out[one.number] then
      out[one.number] = { at = at, baseline = true }
    end
  end
end

---@private
function flyway.applied(connection, list)
  local out = {}
  for _, row in ipairs(connection:query([[SELECT version, installed_on, installed_by, execution_time, success, type
    FROM flyway_schema_history WHERE version IS NOT NULL ORDER BY installed_rank]]).rows) do
    local number = row[1]:gsub('_', '.')
    if row[5] ~= 't' then
      config.raise(('flyway_schema_history says that version %s failed'):format(number), 'first: flyway repair')
    end
    if row[6]:match('^UNDO') or row[6] == 'DELETE' then
      out[number] = nil
    else
      out[number] = { at = row[2], duration_ms = tonumber(row[4]), baseline = row[6]:match('BASELINE') ~= nil }
      if out[number].baseline then add_baseline(out, list, number, row[2]) end
    end
  end
  return out
end

local golang = { name = 'golang-migrate' }

---@private
function golang.fits(name)
  return name:match('^%d+_.+%.up%.sql$') ~= nil
end

---@private
function golang.file(name, text)
  local number, words, way = name:match('^(%d+)_(.+)%.(%l+)%.sql$')
  if way == 'down' then return { number = number, undo = text } end
  if way == 'up' then return { number = number, name = words, up = text } end
end

-- Its ledger has one row: everything up to that version is applied.
---@private
function golang.applied(connection, list)
  local out = {}
  local row = connection:query('SELECT version, dirty FROM schema_migrations').rows[1]
  if not row then return out end
  if row[2] == 't' then
    config.raise(('schema_migrations says that version %s is dirty: it failed halfway'):format(row[1]),
      'correct the schema by hand and run `migrate force`, then import')
  end
  for _, one in ipairs(list) do
    if not version.before(row[1], one.number) then out[one.number] = {} end
  end
  return out
end

---@type lugger.migrate.tool[]
local tools = { golang, flyway, goose, dbmate, sql_migrate, rambler }
foreign.ledgers = { [goose] = 'goose_db_version', [dbmate] = 'schema_migrations', [flyway] = 'flyway_schema_history',
  [golang] = 'schema_migrations', [sql_migrate] = 'gorp_migrations', [rambler] = 'migrations' }

-- A link to nothing is no directory, and reading it says so.
local function is_directory(directory, name)
  local found = system.stat(directory .. '/' .. name)
  return found ~= nil and found.is_dir
end

--- The tool that a directory belongs to; raises when none is recognised.
---@param directory string
---@return lugger.migrate.tool
function foreign.detect(directory)
  local found = system.stat(directory)
  if not found or not found.is_dir then config.raise(('there is no directory %s'):format(directory)) end
  local names = base_files.names(directory)
  for _, tool in ipairs(tools) do
    for _, name in ipairs(names) do
      if name:match('%.sql$') and not is_directory(directory, name) and tool.fits(name, read(directory, name)) then
        return tool
      end
    end
  end
  return config.raise(('%s holds no migrations of goose, dbmate, Flyway, '
    .. 'golang-migrate, sql-migrate or rambler'):format(directory),
    'they are known by the names of their files and the marks in them') --[[@as any]]
end

--- Reads the migrations of another tool in order, and the names of files that are left out.
---@param tool table
---@param directory string
---@return lugger.migrate.foreign[] list
---@return string[] left
---@return string[] used
function foreign.read(tool, directory)
  local list, by_number, left, undo, used = {}, {}, {}, {}, {}
  for _, name in ipairs(base_files.names(directory)) do
    local is_file = not is_directory(directory, name)
    local one = is_file and (name:match('%.sql$') or name:match('%.go$')) and tool.file(name, read(directory, name))
    if one then
      used[#used + 1] = name
      if one.undo then
        undo[one.number] = one.undo
      else
        if by_number[one.number] then config.raise(('two files have the version %s'):format(one.number)) end
        by_number[one.number] = one
        list[#list + 1] = one
      end
    elseif is_file and (name:match('%.sql$') or name:match('%.go$')) then
      left[#left + 1] = name
    end
  end
  for number, text in pairs(undo) do
    if by_number[number] then by_number[number].down = text end
  end
  return list, left, used
end

--- Converts versions to lugger's form, which has only digits. Versions of several parts, such as 1.10, become digits of
--- a fixed width, in the same order.
---@param list { number: string }[]
---@return fun(number: string): string
function foreign.numbering(list)
  local longest, most = 1, 1
  for _, one in ipairs(list) do
    local parts = parts_of(one.number)
    most = math.max(most, #parts)
    for _, part in ipairs(parts) do longest = math.max(longest, #part) end
  end
  if most == 1 then return function(number) return number end end
  return function(number)
    local parts, out = parts_of(number), {}
    for i = 1, most do out[i] = ('0'):rep(longest - #(parts[i] or '0')) .. (parts[i] or '0') end
    return table.concat(out)
  end
end

return foreign
