-- --sandbox: scripts get an environment with what is listed here, and nothing else. Allowed places are those of
-- lugger.toml, .env and the command line, and files below the current directory.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local modules = require 'lugger.inner.script.modules'
local native = require 'lugger.native'

local sandbox = {}

sandbox.active = false ---@type boolean

local plain = { '_VERSION', 'assert', 'error', 'ipairs', 'next', 'pairs', 'pcall', 'xpcall', 'print', 'rawequal',
  'rawget', 'rawset', 'select', 'tonumber', 'tostring', 'type', 'unpack' }
local libraries = {
  bit = { 'arshift', 'band', 'bnot', 'bor', 'bswap', 'bxor', 'lshift', 'rol', 'ror', 'rshift', 'tobit', 'tohex' },
  coroutine = { 'create', 'resume', 'running', 'status', 'wrap', 'yield' },
  math = { 'abs', 'acos', 'asin', 'atan', 'atan2', 'ceil', 'cos', 'cosh', 'deg', 'exp', 'floor', 'fmod', 'frexp',
    'huge', 'ldexp', 'log', 'log10', 'max', 'min', 'modf', 'pi', 'pow', 'rad', 'random', 'randomseed', 'sin',
    'sinh', 'sqrt', 'tan', 'tanh' },
  os = { 'clock', 'date', 'difftime', 'time' },
  string = { 'byte', 'char', 'find', 'format', 'gmatch', 'gsub', 'len', 'lower', 'match', 'rep', 'reverse', 'sub',
    'upper' },
  table = { 'concat', 'insert', 'maxn', 'remove', 'sort' },
}
-- From the library: functions that describe work and make values.
local members = { 'copy', 'task', 'fix', 'move', 'source', 'target', 'options', 'coercer', 'session', 'skip',
  'reject', 'emit', 'route', 'scratch', 'shared',
  'objectid', 'uuid', 'uuid_v5', 'date', 'decimal', 'interval', 'double', 'binary', 'int64', 'vector',
  'array', 'document', 'now', 'type', 'id_text', 'key', 'remove', 'null', 'version',
  'snake_case', 'table_names', 'warn', 'regex', 'sha256', 'sha512', 'hmac_sha256', 'hmac_sha512', 'same_bytes', 'glob',
  'read_file', 'lines' }
local member_modules = { 'base64', 'csv', 'doc', 'hex', 'json', 'text' }

local raw_load, raw_setmetatable = load, setmetatable
local own_metatables = setmetatable({}, { __mode = 'k' })

local function picked(from, names)
  local out = {}
  for _, name in ipairs(names) do out[name] = from[name] end
  return out
end

-- The environment variables; config decides which of them scripts may read.
local function variables()
  return setmetatable({}, {
    __metatable = false,
    __newindex = function() fault.raise('config', 'lugger.env cannot be set from a script') end,
    __index = function(_, name) return config.env[name] end,
  })
end

local known_modules = {}

local function public(name)
  if known_modules[name] then return known_modules[name] end
  local module = require(name)
  local copy = {}
  if name == 'lugger' then
    for _, member in ipairs(members) do
      local ok, v = pcall(function() return module[member] end)
      if ok then copy[member] = v end
    end
    copy.env = variables()
    for _, member in ipairs(member_modules) do copy[member] = public('lugger.' .. member) end
    copy.has = function(one) return rawget(copy, one) ~= nil end
    setmetatable(copy, { __index = function(_, one)
      require('lugger.inner.script.raise').no_member(copy, one, {}, {})
    end })
  else
    for key, v in pairs(module) do copy[key] = v end
  end
  known_modules[name] = copy
  return copy
end

--- The name of a module's copy in a sandbox; nil for anything else.
---@param v any
---@return string|nil
function sandbox.module_name(v)
  for name, copy in pairs(known_modules) do
    if copy == v then return name end
  end
end

--- A module as a sandboxed script sees it.
---@param name string
---@return table
function sandbox.module(name)
  modules.check(name)
  return public(name)
end

local environments = setmetatable({}, { __mode = 'k' })

--- True for environments made here.
---@param environment table|nil
---@return boolean
function sandbox.is_environment(environment)
  return environment ~= nil and environments[environment] == true
end

local made_here = { _G = true, load = true, loadstring = true, require = true, setmetatable = true,
  getmetatable = true }

--- True for globals that every sandbox has.
---@param name string
---@return boolean
function sandbox.has_global(name)
  if libraries[name] or made_here[name] then return true end
  for _, known in ipairs(plain) do
    if known == name then return true end
  end
  return false
end

local function add_functions(environment, find_module)
  local function load_text(chunk, name, _, into)
    local made, problem = raw_load(chunk, name, 't')
    if not made then return nil, problem end
    return setfenv(made, type(into) == 'table' and into or environment)
  end
  environment.load = load_text
  environment.loadstring = function(text, name) return load_text(text, name) end
  -- Metatables of lugger's own objects must not be reachable.
  environment.setmetatable = function(t, meta)
    if type(t) ~= 'table' or (getmetatable(t) ~= nil and not own_metatables[getmetatable(t)]) then
      error('setmetatable: not a table of the script', 2)
    end
    if meta ~= nil then own_metatables[meta] = true end
    return raw_setmetatable(t, meta)
  end
  environment.getmetatable = function(t)
    local meta = type(t) == 'table' and getmetatable(t) or nil
    return type(meta) == 'table' and own_metatables[meta] and meta or nil
  end
  local loaded = {}
  environment.require = function(name)
    if type(name) ~= 'string' then error('require wants a name', 2) end
    if modules.is_ours(name) then return sandbox.module(name) end
    if loaded[name] == nil then
      local text, chunk_name = find_module(name)
      if not text then error(("module '%s' is not beside the script"):format(name), 2) end
      local made, problem = raw_load(text, chunk_name, 't')
      if not made then error(problem, 0) end
      loaded[name] = true
      setfenv(made, environment)
      local value = made(name)
      if value ~= nil then loaded[name] = value end
    end
    return loaded[name]
  end
end

--- The globals of a script in the sandbox.
---@param find_module fun(name: string): string|nil, string|nil text and chunk name of a module beside the script
---@return table
function sandbox.environment(find_module)
  local environment = picked(_G, plain)
  for name, functions in pairs(libraries) do environment[name] = picked(_G[name], functions) end
  environment._G = environment
  add_functions(environment, find_module)
  environments[environment] = true
  return environment
end

--- Removes from a Lua state what no script may have: `("").dump` can be reached without any global. Also used for the
--- state of a worker.
function sandbox.confine_state()
  sandbox.active = true
  require 'lugger.inner.script.capture' -- it keeps the functions that it needs
  string.dump = nil -- luacheck: ignore
end

-- Allows what a person typed: paths and places, alone or after "--flag=".
local function allow_words(words)
  for _, word in ipairs(words) do
    local text = word:match '^%-%-[^=]+=(.*)$' or word
    if text ~= '' then native.gate.allow(text) end
    local directory = text:match '^(.+)/[^/]*%.lua$'
    if directory then native.gate.allow(directory) end -- of a script and the modules beside it
  end
end

--- Starts the sandbox: from now on scripts are loaded into it, and only named places can be opened. This cannot be
--- undone.
---@param words string[] of the command
function sandbox.start(words)
  if sandbox.active then return end
  for _, place in ipairs(config.declared_places()) do
    if place ~= '' then native.gate.allow(place) end
  end
  allow_words(words)
  native.gate.shut()
  sandbox.confine_state()
end

return sandbox
