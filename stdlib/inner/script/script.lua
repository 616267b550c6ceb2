-- Finds a script, runs it, and takes the jobs and tasks that it returns.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local modules = require 'lugger.inner.script.modules'
local native = require 'lugger.native'
local options = require 'lugger.inner.script.options'
local terminal = require 'lugger.inner.view.terminal'
local traceback = require 'lugger.inner.script.traceback'
local system = native.system

local script = {}

--- The script that is running or ran last. Jobs made by it take their identity from it.
---@class lugger.script.context
---@field name string as the user wrote it
---@field text string
---@field arguments string[] its own flags
---@field modules table<string, string> text of the modules it required from its own directory
---@field files table<string, boolean> paths of these modules
---@field resume_command string|nil
---@field made table<table, boolean|nil> jobs and tasks that it made and did nothing with yet

local context = nil ---@type lugger.script.context|nil

--- The context of the script, or nil at the prompt.
---@return lugger.script.context|nil
function script.context()
  return context
end

--- Notes a job that the script made, so that a forgotten `return` is noticed.
---@param job table
function script.note_job(job)
  if context then context.made[job] = true end
end

--- Notes that the script itself does something with a job: it need not be returned.
---@param job table
function script.note_use(job)
  if context then context.made[job] = nil end
end

---@return integer
local function idle_jobs()
  local count = 0
  for _ in pairs(assert(context).made) do count = count + 1 end
  return count
end

---@class lugger.script.identity
---@field script_hash string
---@field resume_command string

--- What a job needs from its script: the hash of script, modules and options, and the command that resumes it.
---@return lugger.script.identity
function script.identity()
  if not context then return { script_hash = '', resume_command = '' } end
  local parts, names = { context.text }, {}
  for name in pairs(context.modules) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do parts[#parts + 1] = name .. '\0' .. context.modules[name] end
  for _, argument in ipairs(context.arguments) do parts[#parts + 1] = argument end
  return { script_hash = system.sha256(table.concat(parts, '\0')), resume_command = context.resume_command or '' }
end

--- Names of the bundled scripts.
---@return string[]
function script.bundled()
  local names = {}
  for _, name in ipairs(native.embedded_names('scripts/')) do
    names[#names + 1] = (name:gsub('^scripts/', ''):gsub('%.lua$', ''))
  end
  table.sort(names)
  return names
end

--- The first comment block of a script, which describes it.
---@param text string
---@return string
function script.summary(text)
  local lines = {}
  for line in (text:gsub('^#![^\n]*\n', '') .. '\n'):gmatch('(.-)\n') do
    local comment = line:match('^%-%-+%s?(.*)$')
    if not comment then break end
    lines[#lines + 1] = comment
  end
  return table.concat(lines, '\n')
end

local function suggestions(name)
  if system.stat(name .. '.lua') then return ('did you mean %s.lua?'):format(name) end
  local known = script.bundled()
  for _, file in ipairs(system.list_dir('.') or {}) do
    if file:match('%.lua$') then known[#known + 1] = file end
  end
  return fault.near(name, known, 'give the path of a script, or one of the bundled: '
    .. table.concat(script.bundled(), ', '))
end

--- The text of a script: "-" is standard input, a path with "/" or ".lua" a file, any other word a bundled script.
---@param name string
---@return string text
---@return string chunk name for messages
function script.read(name)
  if name == '-' then return io.stdin:read('*a'), '=stdin' end
  if name:find('/', 1, true) or name:match('%.lua$') then
    local found = system.stat(name)
    if not found then config.raise(('there is no script %s'):format(name), suggestions(name)) end
    if found.is_dir then config.raise(('%s is a directory, not a script'):format(name)) end
    return system.read_file(name), '@' .. name
  end
  local text = native.embedded('scripts/' .. name .. '.lua')
  if text then return text, '@scripts/' .. name .. '.lua' end
  local found = system.stat(name)
  if not found or found.is_dir then
    config.raise(('there is no bundled script "%s"'):format(name), suggestions(name))
  end
  return system.read_file(name), '@' .. name
end

-- The text of a module beside the script. Such modules are part of its hash. lugger.* never comes from there.
local function module_text(directory, name)
  local path = directory .. name:gsub('%.', '/') .. '.lua'
  local found = system.stat(path)
  if not found or found.is_dir then return nil, path end
  local text = system.read_file(path)
  local mine = assert(context)
  mine.modules[name], mine.files[path] = text, true
  return text, path
end

local function module_searcher(directory)
  return function(name)
    if modules.is_ours(name) or not context then return nil end
    local text, path = module_text(directory, name)
    if not text then return ("\n\tno file '%s'"):format(path) end
    local chunk, err = loadstring(text, '@' .. path)
    if not chunk then error(err, 0) end
    return setfenv(chunk, modules.environment)
  end
end

-- In a sandbox, a script and its modules have their own globals; otherwise only their own `require`.
local function confine(chunk, directory)
  local sandbox = require 'lugger.inner.script.sandbox'
  if not sandbox.active then return setfenv(chunk, modules.environment) end
  return setfenv(chunk, sandbox.environment(function(name)
    local text, path = module_text(directory, name)
    return text, '@' .. path
  end))
end

local function is_job(value)
  if type(value) ~= 'table' and type(value) ~= 'userdata' then return false end
  local ok, run = pcall(function() return value.start end)
  return ok and run ~= nil
end

local function collect(result, name)
  if result == nil then
    local idle = idle_jobs()
    if idle > 0 then
      config.raise(('%s made %s and neither returned nor used %s'):format(name, terminal.count(idle, 'job'),
        idle == 1 and 'it' or 'them'), 'write: return lugger.copy { ... }, or job:run()')
    end
    return {}
  end
  if is_job(result) then return { result } end
  if type(result) == 'table' and (#result > 0 or next(result) == nil) then
    for i, job in ipairs(result) do
      if not is_job(job) then
        config.raise(('%s returned a list whose item %d is a %s, not a job or task'):format(name, i, type(job)))
      end
    end
    return result
  end
  config.raise(('%s returned a %s, not a job, a task or a list of them'):format(name, type(result)),
    type(result) == 'table' and 'write: return lugger.copy { ... }' or nil)
end

local function execute(chunk, directory, arguments)
  local searcher = module_searcher(directory)
  table.insert(package.loaders, 2, searcher)
  local old_arg = rawget(_G, 'arg')
  rawset(_G, 'arg', arguments)
  local results = { xpcall(function() return chunk(unpack(arguments)) end, traceback.keep) } ---@type any[]
  rawset(_G, 'arg', old_arg)
  for i, loader in ipairs(package.loaders) do
    if loader == searcher then
      table.remove(package.loaders, i)
      break
    end
  end
  if not results[1] then error(results[2], 0) end
  return results[2]
end

---@class lugger.script.loaded
---@field name string
---@field jobs table[] jobs and tasks, in order
---@field create boolean the list said `create = true`: missing tables are made without --create
---@field context lugger.script.context

---@class lugger.script.settings
---@field arguments string[]|nil its own flags
---@field reserved table<string, boolean>|nil flags it may not declare
---@field overrides { from: string?, into: string?, on_conflict: string? }|nil
---@field resume_command string|nil
---@field text string|nil instead of what the name stands for
---@field help boolean|nil only its options are wanted

--- Runs a script and returns any value that it returns.
---@param name string path, bundled name or "-"
---@param settings lugger.script.settings|nil
---@return any
function script.value(name, settings)
  settings = settings or {}
  local text, chunk_name = settings.text, '=' .. name
  if not text then text, chunk_name = script.read(name) end
  local arguments = settings.arguments or {}
  for module in pairs(context and context.modules or {}) do package.loaded[module] = nil end
  context = { name = name, text = text, arguments = arguments, modules = {}, files = {}, made = {},
    resume_command = settings.resume_command }
  config.override(settings.overrides or {})
  options.prepare { arguments = arguments, reserved = settings.reserved or {}, help = settings.help, script = name }
  local chunk, err = loadstring(text:gsub('^#![^\n]*', '', 1), chunk_name)
  if not chunk then config.raise(err --[[@as string]]) end
  local directory = name:match('^(.*/)') or './'
  local result = execute(confine(chunk, directory), directory, arguments)
  options.finish(result == nil and idle_jobs() == 0)
  return result
end

--- Loads a script and returns its jobs.
---@param name string path, bundled name or "-"
---@param settings lugger.script.settings|nil
---@return lugger.script.loaded
function script.load(name, settings)
  local result = script.value(name, settings)
  local create = type(result) == 'table' and not is_job(result) and result.create == true
  local jobs = collect(result, name)
  require('lugger.inner.job.names').check(jobs)
  return { name = name, jobs = jobs, create = create, context = assert(context) }
end

--- Loads a script while another one is loading, without affecting it.
---@param name string
---@param settings lugger.script.settings|nil
---@return lugger.script.loaded
function script.load_apart(name, settings)
  local before = context
  context = nil
  local ok, loaded = pcall(script.load, name, settings)
  context = before
  if not ok then error(loaded, 0) end
  return loaded
end

--- The description of a script: its comment and its options. Opens nothing.
---@param name string
---@return { summary: string, options: table[]|nil, problem: any }
function script.about(name)
  local text = script.read(name)
  local ok, err = pcall(script.load, name, { text = text, help = true, overrides = { help = true } })
  if not ok and err ~= options.help_wanted then
    return { summary = script.summary(text), options = options.declared(), problem = err }
  end
  return { summary = script.summary(text), options = options.declared() }
end

return script
