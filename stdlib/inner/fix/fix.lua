-- Fixes, as lugger.fix makes them. They show changes first, and write only when asked to.
local config = require 'lugger.inner.cli.config'
local duration = require 'lugger.inner.base.duration'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'
local parameters = require 'lugger.inner.sql.parameters'
local place = require 'lugger.inner.job.place'
local script = require 'lugger.inner.script.script'

--- A fix of rows of a table, as lugger.fix describes it.
---@class lugger.fix
---@field spec lugger.fix_spec what lugger.fix was given
local fix = { is_fix = true }
local fix_meta = { __index = fix, __name = 'fix', __tostring = function(self) return 'fix ' .. self:name() end }

local known = { 'on', 'where', 'query', 'params', 'set', 'max_rows', 'map', 'name', 'batch_rows', 'retention',
  'throttle', 'on_hook_error' }

---@return never
local function fail(message, hint)
  return fault.raise('config', message, hint)
end

local function check_keys(spec)
  if type(spec) ~= 'table' then fail(('lugger.fix wants a table, not a %s'):format(type(spec))) end
  fault.check_keys('a fix', spec, known)
end

local function check_text(spec, key)
  local v = spec[key]
  if v ~= nil and (type(v) ~= 'string' or v:match('^%s*$')) then
    fail(('%s must be SQL as text, not %s'):format(key, v == '' and 'empty' or 'a ' .. type(v)))
  end
end

local function check_set(spec)
  if type(spec.set) == 'string' then spec.set = { spec.set } end
  if type(spec.set) ~= 'table' or #spec.set == 0 then
    fail('a fix says in `set` which columns it writes', "set = { 'phone' }")
  end
  for _, name in ipairs(spec.set) do
    if type(name) ~= 'string' or name == '' then fail("set is a list of column names: set = { 'phone' }") end
  end
end

local function check(spec)
  check_keys(spec)
  if not place.is(spec.on, 'target') then
    fail('on must be a lugger.target(...)',
      "on = lugger.target(lugger.env.PG_URI, { table = 'customers', key = 'id' })")
  end
  if not spec.on.options.table then
    fail('the fix names no table', "on = lugger.target(PLACE, { table = 'customers' })")
  end
  if type(spec.map) ~= 'function' then
    fail(spec.map == nil and 'the fix has no map' or ('map must be a function, not a %s'):format(type(spec.map)),
      'map = function(row) row.phone = ... end')
  end
  check_text(spec, 'where')
  check_text(spec, 'query')
  if spec.where and spec.query then
    fail('a fix has a where or a query, not both', 'put the condition into the query')
  end
  if spec.params ~= nil and type(spec.params) ~= 'table' then fail("params is a list: params = { '2026-01-01' }") end
  if spec.params and #spec.params > 0 and not (spec.where or spec.query) then
    fail('params are for where or query', "where = 'created_at >= $1'")
  end
  fault.check_whole('max_rows', spec.max_rows, 1)
  fault.check_whole('batch_rows', spec.batch_rows, 1)
  if spec.on_hook_error ~= nil and spec.on_hook_error ~= 'stop' and spec.on_hook_error ~= 'reject' then
    fail(('on_hook_error cannot be "%s"'):format(tostring(spec.on_hook_error)), 'stop or reject')
  end
  check_set(spec)
end

-- In addition to a job's hook, the hook of a fix reads json and jsonb as documents, arrays and values rather than text.
-- The user's hook is sent to its worker inside this one.
local function with_json(map)
  local ready = false
  return function(row, doc)
    if not ready then
      require('lugger.inner.fix.json').install()
      ready = true
    end
    return map(row, doc)
  end
end

local function texts(params)
  local out = {}
  for i, v in ipairs(params or {}) do out[i] = parameters.untyped(v, ('params: $%d'):format(i)) end
  return out
end

local function normalise(self)
  local spec, options = self.spec, {}
  for key, v in pairs(spec.on.options) do options[key] = v end
  return {
    target = { place = config.resolve(spec.on.place, 'into'), options = options },
    name = spec.name, where = spec.where, query = spec.query, params = texts(spec.params), set = spec.set,
    max_rows = spec.max_rows, batch_rows = spec.batch_rows, on_hook_error = spec.on_hook_error, hook = self.hook,
    now = self.now, retention_s = duration.seconds(spec.retention or '30d', 'retention'), throttle = self.throttle,
    script_hash = self.identity.script_hash, resume_command = self.identity.resume_command,
  }
end

--- Its name, which identifies it in the ledger.
---@return string
function fix:name()
  return self.spec.name or 'fix ' .. self.spec.on.options.table
end

--- The place and the options of its target.
---@return string place may hold a password
---@return table options
function fix:target()
  return config.resolve(self.spec.on.place, 'into'), self.spec.on.options
end

--- Starts it; the caller polls. Nothing is written without apply = true.
---@param settings lugger.fix_settings|nil
---@return lugger.native.fix_run
function fix:start(settings)
  script.note_use(self)
  return native.fix(normalise(self), effects.apply_settings(settings, true) or {})
end

--- What it would change; `print(fix:show())` prints it. Writes nothing.
---@param settings lugger.fix_settings|nil
---@return lugger.fix_outcome
function fix:show(settings)
  script.note_use(self)
  return require('lugger.inner.fix.runner').run_or_raise(self, settings, false)
end

--- Writes the changes; the outcome prints as for show. Raises when it fails.
---@param settings lugger.fix_settings|nil
---@return lugger.fix_outcome
function fix:apply(settings)
  script.note_use(self)
  return require('lugger.inner.fix.runner').run_or_raise(self, settings, true)
end

methods.close('fix', fix, fix_meta, { 'hook', 'now', 'throttle', unpack(methods.of_work) })

local module = {}

--- Makes a fix from its specification, for lugger.fix.
---@param spec table
---@return lugger.fix
function module.new(spec)
  check(spec)
  local self = setmetatable({ spec = spec, identity = script.identity() }, fix_meta)
  local context = script.context()
  if spec.throttle ~= nil then self.throttle = require('lugger.inner.job.throttle').check(spec.throttle) end
  self.hook = require('lugger.inner.script.capture').pack(with_json(spec.map), 'map', context and context.modules)
  self.now = require('lugger.inner.base.clock').text()
  script.note_job(self)
  return self
end

return module
