-- The directory of migrations: VERSION_name.lua and VERSION_name.sql.
local base_files = require 'lugger.inner.base.files'
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local marks = require 'lugger.inner.migrate.marks'
local native = require 'lugger.native'
local script = require 'lugger.inner.script.script'
local sql_file = require 'lugger.inner.migrate.sql_file'
local version = require 'lugger.inner.migrate.version'
local system = native.system

local files = {}

---@class lugger.migration
---@field version string as in the file's name
---@field name string
---@field file string the file's name
---@field path string
---@field kind "lua"|"sql"
---@field checksum string SHA-256 of the text, whatever its line ends
---@field squashed string|nil the versions that it replaces
---@field loaded lugger.migration_body|nil once it was read
local migration = {}
local migration_meta = { __index = migration, __tostring = function(self) return self.file end }

local function read_text(path)
  local ok, text = pcall(system.read_file, path)
  if not ok then config.raise(('cannot read %s: %s'):format(path, tostring(text))) end
  return text
end

--- The text of the file.
---@return string
---@internal
function migration:text()
  return read_text(self.path)
end

local function is_part(value)
  if type(value) == 'function' then return true end
  if type(value) ~= 'table' and type(value) ~= 'userdata' then return false end
  local ok, start = pcall(function() return value.start end)
  return ok and start ~= nil
end

-- A function, a job, a task, or a list of them: always as a list.
local function parts_of(value, what, path)
  if value == nil then return nil end
  local list = is_part(value) and { value } or value
  if type(list) ~= 'table' or #list == 0 and next(list) ~= nil then
    config.raise(('%s: `%s` is a %s'):format(path, what, type(value)),
      ('%s = function(db, dbs) db:exec(...) end, a job, a task, or a list of them'):format(what))
  end
  local parts = {}
  for i, item in ipairs(list) do
    if not is_part(item) then
      config.raise(('%s: item %d of `%s` is a %s, not a function, a job or a task'):format(path, i, what, type(item)))
    end
    parts[i] = type(item) == 'function' and { kind = 'function', run = item } or { kind = 'job', job = item }
  end
  return parts
end

local known = { 'up', 'down', 'verify', 'transaction' }

local function check_keys(result, path)
  if type(result) ~= 'table' or is_part(result) then
    config.raise(('%s returned a %s'):format(path, result == nil and 'nothing' or type(result)),
      'end it with: return { up = function(db) ... end, down = function(db) ... end }')
  end
  fault.check_keys(path, result, known)
end

---@return lugger.migration_body
local function load_lua(self)
  local result = script.value(self.path, { text = sql_file.normal(self:text()),
    resume_command = 'lugger migrate up' })
  check_keys(result, self.path)
  if result.up == nil then
    config.raise(self.path .. ' has no `up`', 'return { up = function(db) ... end }')
  end
  local transaction = result.transaction
  if transaction ~= nil and type(transaction) ~= 'boolean' then
    config.raise(('%s: `transaction` is true or false, not a %s'):format(self.path, type(transaction)))
  end
  return { up = parts_of(result.up, 'up', self.path) --[[@as table[] ]],
    down = parts_of(result.down, 'down', self.path),
    verify = parts_of(result.verify, 'verify', self.path), no_transaction = transaction == false }
end

---@return lugger.migration_body
local function load_sql(self)
  local sections, body = sql_file.parse(self:text(), self.path), {}
  for word, section in pairs(sections) do
    if word == 'up' or #section.statements > 0 then
      body[word] = { { kind = 'sql', statements = section.statements, no_transaction = section.no_transaction } }
    end
  end
  return body --[[@as lugger.migration_body]]
end

---@class lugger.migration_body
---@field up table[] parts, in order
---@field down table[]|nil
---@field verify table[]|nil
---@field no_transaction boolean|nil

--- Reads the parts for `up`, `down` and `verify`.
---@return lugger.migration_body
---@internal
function migration:body()
  if not self.loaded then self.loaded = self.kind == 'lua' and load_lua(self) or load_sql(self) end
  return self.loaded
end

local function read_one(directory, name)
  local number, words, kind = name:match('^(%d+)_(.+)%.(%l+)$')
  if not number or (kind ~= 'lua' and kind ~= 'sql') then return nil end
  local path = directory .. '/' .. name
  local text = read_text(path)
  return setmetatable({ version = number, name = words, file = name, path = path, kind = kind,
    checksum = system.sha256(sql_file.normal(text)),
    squashed = kind == 'sql' and text:match('^%-%- lugger: squashed ([%d ]+)') or nil }, migration_meta)
end

--- The migrations of a directory, oldest first, and the names of files that look like migrations but have no version.
---@param directory string
---@return lugger.migration[]
---@return string[] strays
function files.read(directory)
  local found = system.stat(directory)
  if not found then
    config.raise(('there is no directory %s'):format(directory),
      'lugger migrate new NAME makes it; --dir names another')
  end
  if not found.is_dir then config.raise(directory .. ' is not a directory') end
  local list, strays = {}, {}
  local seen = {} ---@type table<string, string|nil>
  local names = base_files.names(directory)
  marks.refuse_names(directory, names)
  for _, name in ipairs(names) do
    local one = name:sub(1, 1) ~= '.' and read_one(directory, name)
    if one then
      local other = seen[version.key(one.version)]
      if other then
        config.raise(('two files have the version %s: %s and %s'):format(one.version, other, name),
          'give one of them another version; `lugger migrate new` makes one that is free')
      end
      seen[version.key(one.version)] = name
      list[#list + 1] = one
    elseif name:match('%.sql$') or name:match('%.lua$') or marks.is_code(name) then
      strays[#strays + 1] = name
    end
  end
  table.sort(list, function(a, b) return version.before(a.version, b.version) end)
  table.sort(strays)
  return list, strays
end

local templates = {}
templates.lua = [==[
-- {words}
return {
  up = function(db)
    -- db:exec('ALTER TABLE users ADD COLUMN nickname text')
    -- local rows = db:query('SELECT id FROM users WHERE email = $1', 'ann@example.com')
  end,
  down = function(db)
    -- db:exec('ALTER TABLE users DROP COLUMN nickname')
  end,
}
]==]
templates.sql = [==[
-- {words}
-- up

-- down

]==]

--- Writes a new migration and returns its path.
---@param directory string
---@param name string
---@param kind "lua"|"sql"
---@return string path
function files.new(directory, name, kind)
  if system.mask_text(name) ~= name then
    config.raise(('%s is a place, and makes no name of a file'):format(name),
      'as in: lugger migrate new add_nickname')
  end
  local words = name:lower():gsub('[^%w]+', '_'):gsub('^_+', ''):gsub('_+$', '')
  if words == '' then
    config.raise(('"%s" makes no name of a file'):format(name), 'as in: lugger migrate new add_nickname')
  end
  if not system.stat(directory) then system.make_dir(directory) end
  local list = files.read(directory)
  local path = ('%s/%s_%s.%s'):format(directory, version.new(list[#list] and list[#list].version), words, kind)
  files.write(path, (templates[kind]:gsub('{words}', (name:gsub('[%c%%]', ' ')))))
  return path
end

--- Writes a file; raises when it cannot.
---@param path string
---@param text string
function files.write(path, text)
  system.write_file(path, text)
end

return files
