-- Jobs, as lugger.copy makes them.
local config = require 'lugger.inner.cli.config'
local effects = require 'lugger.inner.base.effects'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local job_names = require 'lugger.inner.job.names'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local runner = require 'lugger.inner.job.runner'
local script = require 'lugger.inner.script.script'

--- A copy from a source into a target, as lugger.copy describes it: plan it, preview it, run it, verify it.
---@class lugger.job
---@field spec lugger.copy_spec what lugger.copy was given
---@field package native lugger.native.job|nil
---@field package normal table what native.job was given
---@field package line string|nil
---@field package now string|nil
---@field moves boolean|nil it is of a lugger.move
---@field package identity lugger.script.identity
local job = {}
local job_meta = { __index = job, __name = 'job', __tostring = function(self) return 'job ' .. self:name() end }

-- Packed hooks by job, not accessible to scripts, because their content is executed unchecked.
local hooks = setmetatable({}, { __mode = 'k' })

local known = { 'from', 'into', 'columns', 'children', 'map', 'name', 'key', 'table', 'on_conflict', 'newer', 'route',
  'unmapped', 'indexes', 'constraints', 'not_null', 'on_hook_error', 'on_ddl', 'throttle', 'verify', 'manifest' }

---@return never
local function fail(message, hint)
  return fault.raise('config', message, hint)
end

local function check(spec)
  if type(spec) ~= 'table' then fail(('lugger.copy wants a table, not a %s'):format(type(spec))) end
  fault.check_keys('a job', spec, known)
  if not place.is(spec.from, 'source') then
    fail('from must be a lugger.source(...)', "from = lugger.source('dump/shop/users.bson')")
  end
  if not place.is(spec.into, 'target') then
    fail('into must be a lugger.target(...)', "into = lugger.target(lugger.env.PG_URI, { table = 'users' })")
  end
  if spec.columns == nil then
    fail('the job has no columns', "columns = 'auto' makes one for each field; or list them: { 'email', 'text' }")
  end
  if spec.map ~= nil and type(spec.map) ~= 'function' then
    fail(('map must be a function, not a %s'):format(type(spec.map)))
  end
  if spec.verify ~= nil then require('lugger.inner.verify.verification').check(spec.verify) end
  job_names.check_route(spec, spec.into)
end

-- True when a target of this kind has the option.
local function takes(target, option)
  for _, known_option in ipairs(native.target_options(target)) do
    if known_option.name == option then return true end
  end
  return false
end

-- The table that native.job reads. `context` holds the modules of the script, which are sent along with the hook.
local function normalise(spec, self)
  local out = {}
  for _, key in ipairs { 'columns', 'children', 'name', 'key', 'table', 'newer', 'route', 'unmapped', 'indexes',
    'constraints', 'not_null', 'on_hook_error', 'on_ddl', 'manifest' } do
    out[key] = spec[key]
  end
  local models = require 'lugger.inner.job.embed'
  out.columns, out.children = models.bound(spec.columns), models.bound_children(spec.children)
  local target_options = {}
  for key, v in pairs(spec.into.options) do target_options[key] = v end
  -- --on-conflict takes precedence over the script, as --from and --into do.
  local on_conflict = config.resolve(spec.on_conflict or target_options.on_conflict or 'error', 'on_conflict')
  out.on_conflict, target_options.on_conflict = on_conflict, nil
  out.name = out.name or job_names.default(spec)
  out.source = { place = config.resolve(spec.from.place, 'from'), options = spec.from.options }
  out.target = { place = config.resolve(spec.into.place, 'into'), options = target_options }
  if not target_options.direct_behind_pooler and takes(out.target.place, 'direct_behind_pooler') then
    target_options.direct_behind_pooler = config.find 'PG_DIRECT_URI'
  end
  if spec.map then out.hook, out.now = hooks[self], self.now end
  out.throttle = spec.throttle and require('lugger.inner.job.throttle').check(spec.throttle, true)
  out.script_hash, out.resume_command = self.identity.script_hash, self.identity.resume_command
  return out
end

local function make(self)
  local spec = normalise(self.spec, self)
  local ok, made = pcall(native.job, spec)
  if ok then
    self.native, self.normal = made, spec
    return
  end
  local err = made
  if type(err) ~= 'table' or err.code ~= 'config' then error(err, 0) end
  local notes = {}
  for _, key in ipairs(err.notes) do notes[key] = err.notes[key] end
  notes.script = self.line or notes.script
  error(native.error(err.code, err.message, err.hint, nil, notes), 0)
end

local function ready(self)
  if not self.native then make(self) end
  return self.native
end

-- The same for a script that does something with the job by itself: it need not return it.
local function using(self)
  script.note_use(self)
  return ready(self)
end

--- Its name, which identifies it in the ledger.
---@return string
function job:name()
  return ready(self):name()
end

--- The place and the options of its source.
---@return string place may hold a password
---@return table options
function job:source()
  ready(self)
  return self.normal.source.place, self.normal.source.options
end

--- The place and the options of its target.
---@return string place may hold a password
---@return table options
function job:target()
  ready(self)
  return self.normal.target.place, self.normal.target.options
end

--- Its tables and their DDL, without inspecting the target.
---@return lugger.job_shape
---@internal
function job:shape()
  return using(self):shape()
end

--- Which fields of a document can be restored from its rows, according to the mapping alone.
---@return lugger.mapping_inverse
---@internal
function job:inverse()
  return using(self):inverse()
end

--- What happens to a row when its key exists already.
---@return "error"|"skip"|"update"|"newer"
---@internal
function job:on_conflict()
  ready(self)
  return self.normal.on_conflict
end

--- What a run would do: tables, DDL, mode, partitions, forecast. Writes nothing.
---@param settings lugger.run_settings|nil
---@return lugger.job_plan
function job:plan(settings)
  return using(self):plan(settings)
end

--- The rows of the first documents as they would be written, and the rejects with their reasons. Writes nothing.
---@param documents integer|nil 10 when not given
---@return lugger.preview
function job:preview(documents)
  return using(self):preview(documents or 10)
end

--- One document step by step: fields, coercions, hook, the rows it becomes.
---@param document_id string its _id as text
---@return lugger.trace
function job:trace(document_id)
  return using(self):trace(document_id)
end

--- Runs every document through the mapping, without hook and target: what would be refused, by column.
---@param limit integer|nil documents; all when not given
---@return lugger.rehearsal
---@internal
function job:rehearse(limit)
  return using(self):rehearse(limit or 0)
end

--- Rows of the target that indexes and constraints still to be built would refuse, with examples. Writes nothing.
---@return lugger.refused[]
function job:preflight()
  return using(self):preflight()
end

--- Documents of the source that NOT NULL columns would refuse, by column, with their ids. Applies mapping and hook,
--- before anything is loaded. Writes nothing.
---@param limit integer|nil read at most this many documents
---@return lugger.refused[]
---@internal
function job:preflight_source(limit)
  return using(self):preflight_source(limit or 0)
end

--- Starts it. The caller polls until run:ended(); run:poll(timeout_ms) waits up to 200 ms when not told otherwise.
---@param settings lugger.run_settings|nil
---@return lugger.native.run
function job:start(settings)
  settings = effects.run_settings(settings)
  return using(self):start(settings)
end

--- Runs it to the end. Raises when it fails. A script hears nothing of it unless it asks: `on_progress` is called with
--- the figures of the run, `progress = true` tells them on standard error, as at the prompt. A new `local:` database is
--- empty, so missing tables are created in it unless create = false.
---@param settings lugger.job_run_settings|nil
---@return lugger.run_result
function job:run(settings)
  script.note_use(self)
  runner.check_settings('job:run', settings)
  if self:target() == 'local:' and (settings or {}).create == nil then
    local with_tables = { create = true } ---@type any
    for key, setting in pairs(settings or {}) do with_tables[key] = setting end
    settings = with_tables
  end
  return runner.run_or_raise(self, settings)
end

--- Its rejects, as the ledger has them: `for reject in job:rejects()`, in bounded memory; `job:rejects():list()` as a
--- list. Each has document_id, column, code, message, and `document`, the document itself.
---@return lugger.rejects
function job:rejects()
  script.note_use(self)
  return require('lugger.inner.job.rejects').of(self)
end

--- Compares source and target by value, through this mapping. Writes nothing.
---@param options lugger.verify_options|nil
---@return lugger.verdict
function job:verify(options)
  script.note_use(self)
  return require('lugger.inner.verify.verification').verify(self, options, script.context() ~= nil)
end

--- Verifies; with `apply`, also writes missing and different rows again from the source, and verifies once more.
---@param options lugger.repair_options|nil
---@return lugger.verdict after what is there now
---@return lugger.verdict before
---@return lugger.repair repair what was done
function job:repair(options)
  script.note_use(self)
  effects.check()
  options = effects.apply_settings(options)
  local mend, narrow = {}, {}
  for key, value in pairs(options or {}) do
    if key == 'apply' or key == 'delete_extra' or key == 'delete_many' then
      mend[key] = value
    else
      narrow[key] = value
    end
  end
  return require('lugger.inner.verify.verification').repair(self, narrow, mend, script.context() ~= nil)
end

--- The native job behind it.
---@return lugger.native.job
---@internal
function job:handle()
  return ready(self)
end

methods.close('job', job, job_meta, { 'native', 'normal', 'line', 'now', 'moves', unpack(methods.of_work) })

local module = {}

--- Makes a job from its specification, for lugger.copy.
---@param spec table
---@return lugger.job
function module.copy(spec)
  check(spec)
  local self = setmetatable({ spec = spec, line = fault.where(), identity = script.identity() }, job_meta)
  if spec.map then
    local context = script.context()
    hooks[self] = require('lugger.inner.script.capture').pack(spec.map, 'map', context and context.modules)
    self.now = require('lugger.inner.base.clock').text()
  end
  script.note_job(self)
  -- Places that cannot be resolved yet (an unset variable, while help is requested) are an error only when they are
  -- used.
  if pcall(normalise, spec, self) then make(self) end
  return self
end

--- A job with another specification and the hook of this one, for tests on sample documents.
---@param other lugger.job
---@param spec table
---@return lugger.job
function module.like(other, spec)
  local self = setmetatable({ spec = spec, line = other.line, identity = other.identity, now = other.now }, job_meta)
  hooks[self] = hooks[other]
  make(self)
  return self
end

return module
