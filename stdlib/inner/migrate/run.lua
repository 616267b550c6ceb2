-- The state of one `lugger migrate` command: the connections, the ledger, the lock, the options.
local config = require 'lugger.inner.cli.config'
local connection = require 'lugger.inner.migrate.connection'
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local ledger = require 'lugger.inner.migrate.ledger'
local native = require 'lugger.native'
local retry = require 'lugger.inner.migrate.retry'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local run = {}

---@class lugger.migrate.run
---@field main lugger.migrate.connection
---@field ledger lugger.migrate.ledger
---@field options { dir: string, tries: integer, lock_timeout: string, statement_timeout: string|nil, schema: string }
---@field say fun(...: any)
---@field others table<string, lugger.migrate.connection|nil>
---@field books table<lugger.migrate.connection, lugger.migrate.ledger>
---@field history_id string|nil
---@field lease lugger.native.lease|nil
---@field observer lugger.migrate.connection|nil
---@field rehearsal table|nil
---@field lock_name string the job that the lease is for
local object = {}
local object_meta = { __index = object }

object.lock_name = 'lugger migrate'

--- Who is running migrations on the database, according to the ledger; nil: nobody.
---@return string|nil
function object:holder()
  return self.ledger:holder(self.lock_name)
end

--- A duration in PostgreSQL's form: "500ms", "3s", "2min". A bare number means seconds; 0 is no limit.
---@param text string
---@param flag string for messages
---@return string
function run.duration(text, flag)
  local number, unit = text:match('^(%d+)%s*(%a*)$')
  local units = { [''] = 's', ms = 'ms', s = 's', min = 'min', m = 'min', h = 'h' }
  if not number or not units[unit] then
    flags.usage_error(('--%s takes a duration, not "%s"'):format(flag, text), 'as in 500ms, 3s, 2min; 0 for none')
  end
  if tonumber(number) == 0 then return '0' end
  return number .. units[unit]
end

local function setting(args, name, otherwise)
  local table = config.section 'migrate'
  local value = args[name]
  if value == nil then value = table[name] end
  if value == nil then value = otherwise end
  return value
end

local section_keys = { 'dir', 'before', 'after', 'lock_timeout', 'statement_timeout', 'tries', 'allow_out_of_order' }

local function options_of(args)
  fault.check_keys('[migrate] in lugger.toml', config.section 'migrate', section_keys)
  local statement_timeout = setting(args, 'statement_timeout')
  return {
    dir = args.dir or config.section('migrate').dir or 'migrations',
    schema = args.state_schema or config.find('LUGGER_STATE_SCHEMA') or 'lugger',
    tries = tonumber(setting(args, 'tries', 10)),
    lock_timeout = run.duration(tostring(setting(args, 'lock_timeout', '3s')), 'lock-timeout'),
    statement_timeout = statement_timeout and run.duration(tostring(statement_timeout), 'statement-timeout') or nil,
    wait = args.wait, again = args.again,
    allow_out_of_order = args.allow_out_of_order or config.section('migrate').allow_out_of_order,
  }
end

--- The database that the command's flags or the environment name.
---@param args table
---@return string
function run.place(args)
  if args.on then return config.resolve(args.on) end
  local direct = config.find 'PG_DIRECT_URI'
  local place = direct or config.find 'PG_URI'
  if not place then
    config.raise('migrations of which database?', 'set PG_URI, or give --on PLACE: a URL, local:DIR or a connection')
  end
  return place
end

--- Another database by its name in lugger.toml.
---@param name string
---@return lugger.migrate.connection
function object:other(name)
  if self.others[name] then return self.others[name] end
  local known, is_known = config.connections(), false
  for _, one in ipairs(known) do is_known = is_known or one == name end
  if not is_known then
    local word = tostring(name)
    local hint = word:match '^[%w_%-]+$' and ('[connections.%s] in lugger.toml makes one'):format(word)
      or 'it knows databases by their names alone: [connections.NAME] in lugger.toml makes one'
    config.raise(('dbs has no "%s"'):format(word), fault.near(word, known, hint))
  end
  local place = native.pg_url(config.resolve(name))
  local made = connection.new(name, place, self.main.settings)
  self.others[name] = made
  return made
end

--- The ledger's tables in another database, where the marks are stored; created on first use.
---@param other lugger.migrate.connection
---@return lugger.migrate.ledger
function object:book_of(other)
  if other == self.main then return self.ledger end
  if not self.books[other] then
    local book = ledger.open(other, self.options.schema)
    other:session()
    book:ensure()
    self.books[other] = book
  end
  return self.books[other]
end

--- Identifies this history in other databases.
---@return string
function object:history()
  self.history_id = self.history_id or self.ledger:history()
  return self.history_id
end

--- Raises in the open transaction unless the lock is still ours.
function object:fence()
  if self.lease then self.ledger:fence(self.lease:token()) end
end

--- The sessions that hold locks on tables, as sentences; queried in a separate session.
---@param tables string[]
---@return string[]
function object:blockers(tables)
  if #tables == 0 then return {} end
  self.observer = self.observer or connection.new('observer', self.main.place, {}, 'migrate observer')
  return retry.blockers(self.observer, tables)
end

local function held_by(holder)
  return native.error('conflict', ('the migrations of this database are being run by %s'):format(holder),
    'wait for it with --wait; `lugger migrate status` shows how far it is')
end

local function take(self, lease)
  local told = false
  while true do
    local mine, holder = lease:take(self.lock_name)
    if mine then return end
    if not self.options.wait then error(held_by(holder), 0) end
    if not told then self.say('waiting for ', holder, ', which runs the migrations of this database') end
    told = true
    retry.check_stop()
    system.sleep(500)
  end
end

--- Does the work while no other lugger process runs migrations on this database.
---@param work fun(): any
---@return any
function object:locked(work)
  self.main:session()
  self.ledger:ensure()
  local before = system.interrupt_raises(false)
  local lease ---@type lugger.native.lease|nil
  local ok, result = pcall(function()
    lease = native.lease(self.main.place, self.options.schema, self.main.pooled)
    take(self, lease)
    self.lease = lease
    return work()
  end)
  self.lease = nil
  if lease then lease:close() end
  system.interrupt_raises(before)
  if not ok then error(result, 0) end
  return result
end

--- Reports that a step begins.
---@param ex table
---@param name string
---@param st lugger.statement
function object:tell_step(ex, name, st)
  local words = require('lugger.inner.migrate.statement').brief(st.text)
  if not ex.inner then self.say('  step ', name, ': ', terminal.printable(words)) end
end

--- Ends the sessions that a file has used, so that the next file gets new ones.
function object:end_sessions()
  self.main:end_session()
  for _, other in pairs(self.others) do other:end_session() end
end

--- Closes every connection.
function object:close()
  self.main:close()
  if self.observer then self.observer:close() end
  for _, other in pairs(self.others) do other:close() end
end

--- Opens the connections that the command's flags name.
---@param args table
---@param steps_table string|nil the ledger's table of steps
---@return lugger.migrate.run
function run.open(args, steps_table)
  local options = options_of(args)
  local settings = { lock_timeout = options.lock_timeout, statement_timeout = options.statement_timeout }
  local place = run.place(args)
  local main = connection.new('main', place, settings)
  main.place = native.pg_url(place)
  return setmetatable({ main = main, ledger = ledger.open(main, options.schema, steps_table), options = options,
    others = {}, books = {}, say = terminal.say }, object_meta)
end

--- Only the options, for actions without a database.
---@param args table
---@return table
function run.options(args)
  return options_of(args)
end

return run
