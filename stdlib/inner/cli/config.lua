-- Where settings come from: arguments, then the environment, then .env, then lugger.toml; the last two in the current
-- directory.
local native = require 'lugger.native'
local system = native.system

local config = {}

---@class lugger.config.connection
---@field url string
---@field production any

---@class lugger.config.state
---@field loaded boolean
---@field dotenv table<string, string|nil>
---@field variables table<string, string|nil>
---@field connections table<string, lugger.config.connection|nil>
---@field sections table<string, any>
---@field overrides table<string, string|nil>
---@field sandbox boolean

---@return lugger.config.state
local function nothing_read()
  return { loaded = false, dotenv = {}, variables = {}, connections = {}, sections = {}, overrides = {},
    sandbox = false }
end

-- Read once in a process; `overrides` are --from and --into.
local state = nothing_read()

---@return never
local function raise(message, hint)
  error(native.error('config', message, hint), 0)
end

local function unquote(value, line_number)
  local quote = value:match('^["\']')
  if not quote then return (value:gsub('%s+#.*$', ''):gsub('%s+$', '')) end
  local closing, i = nil, 2 ---@type integer|nil, integer
  while i <= #value do
    local char = value:sub(i, i)
    if char == '\\' and quote == '"' then
      i = i + 1
    elseif char == quote then
      closing = i
      break
    end
    i = i + 1
  end
  if not closing then return raise(('.env: line %d: the quote is not closed'):format(line_number)) end
  local inner = value:sub(2, closing - 1)
  if quote == "'" then return inner end
  local escapes = { n = '\n', r = '\r', t = '\t' }
  return (inner:gsub('\\(.)', function(char) return escapes[char] or char end))
end

--- Parses the text of a .env file: NAME=VALUE, quotes, comments, an `export` in front.
---@param text string
---@return table<string, string>
function config.parse_dotenv(text)
  local values, number = {}, 0
  for line in (text:gsub('\r\n', '\n') .. '\n'):gmatch('(.-)\n') do
    number = number + 1
    line = line:gsub('^%s+', ''):gsub('^export%s+', '')
    if line ~= '' and line:sub(1, 1) ~= '#' then
      local name, value = line:match('^([%a_][%w_]*)%s*=%s*(.-)%s*$')
      if not name then raise(('.env: line %d is not NAME=VALUE'):format(number)) end
      values[name] = unquote(value, number)
    end
  end
  return values
end

local function read_if_there(path)
  local found = system.stat(path)
  if not found or found.is_dir then return nil end
  return system.read_file(path)
end

local function load_toml(text)
  local ok, values = pcall(native.toml, text)
  if not ok then raise('lugger.toml: ' .. tostring(values)) end
  for name, connection in pairs(values.connections or {}) do
    if type(connection) ~= 'table' or type(connection.url) ~= 'string' then
      raise(('lugger.toml: connection "%s" has no url'):format(name), 'write [connections.' .. name
        .. '] and url = "..."')
    end
    state.connections[name] = connection
  end
  state.sections = values
  state.sandbox = values.sandbox == true
  for name, value in pairs(values.env or {}) do state.variables[name] = tostring(value) end
end

local function is_secret(name, text)
  local lower = name:lower()
  local named = lower:find 'pass' or lower:find 'secret' or lower:find 'token' or lower:find 'key'
  return #text >= 6 and (named or system.mask_secrets(text) ~= text)
end

local function warn_of_readers(values)
  local found = system.stat '.env'
  if not found or found.mode % 64 == 0 then return end -- the last six bits: permissions of the group and others
  for name, text in pairs(values) do
    if is_secret(name, text) then
      require('lugger.inner.view.terminal').warn('.env holds a password and others can read it: chmod 600 .env')
      return
    end
  end
end

--- Reads .env and lugger.toml of the current directory, once.
function config.load()
  if state.loaded then return end
  state.loaded = true
  local dotenv = read_if_there('.env')
  if dotenv then
    state.dotenv = config.parse_dotenv(dotenv)
    system.set_dotenv(state.dotenv)
    warn_of_readers(state.dotenv)
  end
  local toml = read_if_there('lugger.toml')
  if toml then load_toml(toml) end
end

--- Discards what was read, so that changed files are read again.
function config.reload()
  state.loaded, state.dotenv, state.variables, state.connections = false, {}, {}, {}
  state.sections = {}
  config.load()
end

--- What .env and lugger.toml say by now, read anew: variables and the places of connections, by name.
---@return table<string, string>
function config.texts()
  local dotenv = read_if_there '.env'
  local found = dotenv and config.parse_dotenv(dotenv) or {}
  local toml = read_if_there 'lugger.toml'
  local values = toml and native.toml(toml) or {}
  for name, value in pairs(values.env or {}) do found[name] = found[name] or tostring(value) end
  local function of(name) return found[name] or config.find(name) end
  local places = {}
  for name, connection in pairs(values.connections or {}) do
    if type(connection) == 'table' and type(connection.url) == 'string' then
      places['connection ' .. name] = connection.url:gsub('%${([%a_][%w_]*)}', of)
    end
  end
  for name, place in pairs(places) do found[name] = place end
  return found
end

--- Sets places that take precedence over those in the script (--from, --into).
---@param overrides { from: string?, into: string?, on_conflict: string? }
function config.override(overrides)
  state.overrides = overrides --[[@as table<string, string|nil>]]
  for _, role in ipairs { 'from', 'into' } do
    local ok, place = pcall(config.resolve, overrides[role] or '', role)
    if ok then native.gate.allow(place) end
  end
end

--- The value of a variable and where it was found; nil when it is not set.
---@param name string
---@return string|nil value
---@return string|nil where "environment", ".env" or "lugger.toml"
function config.find(name)
  config.load()
  local value = system.getenv(name)
  -- set_dotenv makes the variables of .env visible to getenv, so that libraries see PGPASSFILE and so on. It does not
  -- change variables that were set before.
  if value and value ~= '' then return value, state.dotenv[name] == value and '.env' or 'environment' end
  value = state.dotenv[name]
  if value and value ~= '' then return value, '.env' end
  value = state.variables[name]
  if value and value ~= '' then return value, 'lugger.toml' end
  return nil
end

---@return never
local function missing(name)
  local places = { 'the environment' }
  places[#places + 1] = next(state.dotenv) and '.env' or '.env (no such file here)'
  places[#places + 1] = system.stat('lugger.toml') and '[env] of lugger.toml' or 'lugger.toml (no such file here)'
  local hint = ('export %s=..., or write it into .env (lugger init makes an example)'):format(name)
  if name == 'MONGO_URI' then hint = hint .. ', or give --from' end
  if name == 'PG_URI' then hint = hint .. ', or give --into' end
  return raise(('%s is not set; looked in %s'):format(name, table.concat(places, ', ')), hint)
end

local well_known = { PG_URI = true, PG_DIRECT_URI = true, MONGO_URI = true }

-- A variable that a script asks for by name. In a sandbox only variables that the project's own files name, and those
-- that every project has.
local function for_script(name)
  if native.gate.is_shut() and not (well_known[name] or config.is_declared(name)) then
    raise(('lugger.env.%s is not for scripts in a sandbox'):format(tostring(name)),
      'name it in .env or under [env] of lugger.toml')
  end
  return config.find(name)
end

--- Variables by name: `lugger.env.PG_URI`. A name that is not set raises an error with the places that were searched.
--- While --from or --into replaces a place, a missing name becomes "env:NAME" and is an error only when it is used.
---@class lugger.env: { [string]: string }
config.env = setmetatable({}, {
  __index = function(_, name)
    local value = for_script(name)
    if value then return value end
    if next(state.overrides) then return 'env:' .. name end
    missing(name)
  end,
  __newindex = function(_, name) raise('lugger.env.' .. tostring(name) .. ' cannot be set from a script') end,
})

local function expand(text)
  return (text:gsub('%${([%a_][%w_]*)}', function(name) return config.find(name) or missing(name) end))
end

--- What to write for the name of a variable that was given as a place; nil when it is no such name.
---@param word string
---@return string|nil
function config.as_variable(word)
  if native.gate.is_shut() or not word:match '^[%a_][%w_]*$' then return nil end
  local place = config.find(word)
  if not place or not (place:find '://' or place:find '^local:' or system.stat(place)) then return nil end
  return ('a variable is called so: env:%s is the place that it names'):format(word)
end

--- The place to open: resolves "env:NAME" and the names of connections in lugger.toml. A value from the command line
--- for the role (--from, --into, --on-conflict) takes precedence.
---@param place string
---@param role "from"|"into"|"on_conflict"|nil
---@return string
function config.resolve(place, role)
  config.load()
  local given = role and state.overrides[role]
  if role == 'on_conflict' then return given or place end
  if given then place = given end
  local name = place:match('^env:([%a_][%w_]*)$')
  if name then return (given and config.find(name) or for_script(name)) or missing(name) end
  local connection = state.connections[place]
  if connection then return expand(connection.url) end
  local hint = config.as_variable(place)
  if hint and not system.stat(place) then
    raise(('there is no file, directory or connection %s'):format(place), hint)
  end
  return place
end

--- Names of the connections in lugger.toml, sorted.
---@return string[]
function config.connections()
  config.load()
  local names = {}
  for name in pairs(state.connections) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- A table of lugger.toml, such as [migrate]; empty when it does not exist.
---@param name string
---@return table<string, any>
function config.section(name)
  config.load()
  local found = state.sections[name]
  if found ~= nil and type(found) ~= 'table' then
    raise(('lugger.toml: %s is not a table'):format(name), ('write [%s] on a line of its own'):format(name))
  end
  return found or {}
end

--- A connection of lugger.toml, with its resolved url; nil when there is none of that name.
---@param name string
---@return table|nil
function config.connection(name)
  config.load()
  local found = state.connections[name]
  if not found then return nil end
  local out = {}
  for key, v in pairs(found) do out[key] = v end
  local ok, url = pcall(expand, found.url) ---@type boolean, any
  out.url = ok and url or found.url
  return out
end

--- True when the project's own files name a variable.
---@param name string
---@return boolean
function config.is_declared(name)
  config.load()
  return state.dotenv[name] ~= nil or state.variables[name] ~= nil
end

--- The places that the project's files and the well-known variables name, resolved.
---@return string[]
function config.declared_places()
  config.load()
  local places = {}
  for name in pairs(state.connections) do places[#places + 1] = assert(config.connection(name)).url end
  for name in pairs(well_known) do places[#places + 1] = (config.find(name)) end
  for _, values in ipairs { state.dotenv, state.variables } do
    for _, text in pairs(values) do places[#places + 1] = text end
  end
  return places
end

--- Whether lugger.toml says `sandbox = true`.
---@return boolean
function config.wants_sandbox()
  config.load()
  return state.sandbox
end

--- Values that must never be shown or written: those of variables with a secret's name, and the passwords in URLs, by
--- the name of the variable.
---@return table<string, string>
function config.secrets()
  config.load()
  local found = {}
  local function look(name, text)
    if is_secret(name, text) then found[name] = text end
  end
  for _, values in ipairs { state.variables, state.dotenv } do
    for name, text in pairs(values) do look(name, text) end
  end
  for _, name in ipairs { 'PG_URI', 'PG_DIRECT_URI', 'MONGO_URI', 'PGPASSWORD' } do
    local text = system.getenv(name)
    if text then look(name, text) end
  end
  return found
end

--- Raises an error of code "config": what is wrong, and what to do next.
---@param message string
---@param hint string|nil
---@return never
function config.raise(message, hint)
  return raise(message, hint)
end

return config
