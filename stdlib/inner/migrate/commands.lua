-- up, down, redo, status, verify, baseline, repair: the actions of `lugger migrate` on a database.
local apply = require 'lugger.inner.migrate.apply'
local config = require 'lugger.inner.cli.config'
local files = require 'lugger.inner.migrate.files'
local hooks = require 'lugger.inner.migrate.hooks'
local marks = require 'lugger.inner.migrate.marks'
local native = require 'lugger.native'
local one_transaction = require 'lugger.inner.migrate.one_transaction'
local status = require 'lugger.inner.migrate.status'
local terminal = require 'lugger.inner.view.terminal'
local version = require 'lugger.inner.migrate.version'
local system = native.system

local commands = {}

local function warn_of_strays(strays)
  for _, name in ipairs(strays) do
    terminal.warn((marks.is_code(name) and '%s is code of another tool, so it is left out'
      or '%s has no version in front of its name, so it is left out'):format(name))
  end
end

--- Compares files and ledger; the entries are read once.
---@param run lugger.migrate.run
---@return lugger.migrate.item[]
function commands.items(run)
  local list, strays = files.read(run.options.dir)
  warn_of_strays(strays)
  return status.compare(list, run.ledger:entries())
end

local function names_of(items)
  local names = {}
  for i, item in ipairs(items) do names[i] = item.version .. '_' .. item.name end
  return table.concat(names, ' ')
end

local function report_failure(done, left)
  if done > 0 then
    terminal.say(terminal.count(done, 'migration'), ' before it ', done == 1 and 'stays' or 'stay', ' applied')
  end
  if left > 0 then
    terminal.say(terminal.count(left, 'migration'), ' behind it ', left == 1 and 'was' or 'were', ' not run')
  end
end

-- For a migration that runs step by step, the error also says what is done and how to continue.
local function tell_undone(err, direction)
  if type(err) ~= 'table' or not err.undone or err.code == 'interrupted' then return end
  terminal.say('its transaction was rolled back: nothing of it was changed. Correct the file, then run again: ',
    'lugger migrate ', direction)
end

-- Applies items in order, until one fails.
local function apply_all(run, items, direction)
  for i, item in ipairs(items) do
    local began = system.monotonic()
    run.say(direction, ' ', item.version, ' ', item.name)
    local ok, how = pcall(apply.one, run, item.migration, direction, item.record)
    if not ok then
      terminal.say('failed: ', item.migration.path)
      tell_undone(how, direction)
      report_failure(i - 1, #items - i)
      if type(how) == 'table' and how.code == 'interrupted' then
        terminal.say('the same command goes on here')
      end
      error(how, 0)
    end
    run.say('  done in ', terminal.duration(system.monotonic() - began), how == 'steps' and ', step by step' or '')
  end
end

local function with_hooks(run, items, direction)
  if #items == 0 then return end
  local environment = { LUGGER_DIRECTION = direction, LUGGER_MIGRATIONS = names_of(items) }
  hooks.run('before', run.say, environment)
  apply_all(run, items, direction)
  hooks.run('after', run.say, environment)
end

-- Records squashes as applied when all of their old migrations are applied here.
local function adopt(run, items)
  for _, item in ipairs(items) do
    if item.adopt and not (item.record and item.record.applied
        and item.record.applied.checksum == item.migration.checksum) then
      run.ledger:write { version = item.version, name = item.name, checksum = item.migration.checksum,
        direction = 'squash', state = 'done' }
      run.say(item.version, ' ', item.name, ': stands for migrations that are applied here')
    end
  end
end

-- Shows what `up` would do, without even creating the ledger.
local function look(run, args, show)
  local items = commands.items(run)
  status.refuse(items, run.options)
  return show(run, status.pending(items, args.to)) or 0
end

--- Prints what `up` would run.
---@param run lugger.migrate.run
---@param args table
---@return integer status
function commands.plan(run, args)
  return look(run, args, require('lugger.inner.migrate.plan').show_all)
end

--- Runs the pending migrations and rolls them back.
---@param run lugger.migrate.run
---@param args table
---@return integer status
function commands.dry_run(run, args)
  return look(run, args, require('lugger.inner.migrate.dry_run').run)
end

--- Runs the pending migrations on a copy.
---@param run lugger.migrate.run
---@param args table
---@return integer status
function commands.rehearse(run, args)
  return look(run, args, require('lugger.inner.migrate.rehearse').run)
end

--- Runs the pending migrations.
---@param run lugger.migrate.run
---@param args table
---@return integer status
function commands.up(run, args)
  return run:locked(function()
    local items = commands.items(run)
    if args.to then status.find(items, args.to) end
    status.refuse(items, run.options)
    adopt(run, items)
    local pending = status.pending(items, args.to)
    for _, item in ipairs(pending) do
      if item.state == 'pending' and item.explain then terminal.warn(('%s: %s'):format(item.version, item.explain)) end
      item.migration:body() -- reports a file that cannot be read before anything runs
    end
    with_hooks(run, pending, 'up')
    terminal.say(#pending == 0 and 'nothing to do: all migrations are applied'
      or terminal.count(#pending, 'migration') .. ' applied')
    return 0
  end)
end

-- What has changed the database, or may have, in an attempt: its steps that did not fail.
local function steps_that_stay(run, open)
  local names = {}
  for name, step in pairs(run.ledger:steps(open.entry)) do
    if step.state ~= 'failed' then names[#names + 1] = name end
  end
  return names
end

-- A half-done migration stands on what is applied: when that is reverted, its done steps may be undone with it, and
-- `up` would pass over them all the same.
local function refuse_half_done(run, items)
  for _, item in ipairs(items) do
    local open = item.record and item.record.open
    if open and open.direction == 'up' and #steps_that_stay(run, open) > 0 then
      config.raise(('%s_%s is half done, so nothing below it is reverted'):format(item.version, item.name),
        '`lugger migrate up` goes on behind its done steps; or undo these by hand first, then `lugger migrate repair` '
        .. 'forgets the attempt')
    end
  end
end

local function to_take_back(run, args)
  local items = commands.items(run)
  local applied, chosen = status.applied(items), {}
  if args.to then
    local last = args.to == '0' and { version = '0' } or status.find(items, args.to)
    for _, item in ipairs(applied) do
      if version.before(last.version, item.version) then chosen[#chosen + 1] = item end
    end
  else
    for i = 1, math.min(args.count or 1, #applied) do chosen[i] = applied[i] end
  end
  if #chosen > 0 then refuse_half_done(run, items) end
  for _, item in ipairs(chosen) do
    if not item.migration then
      config.raise(('%s_%s cannot be reverted: its file is missing'):format(item.version, item.name),
        'put the file back')
    end
    local direction = item.record.applied and item.record.applied.direction
    if direction == 'baseline' or direction == 'squash' then
      config.raise(('%s_%s was not run here (%s), so it is not reverted'):format(item.version, item.name, direction))
    end
    if not item.migration:body().down then
      config.raise(('%s has no `down`; nothing was reverted'):format(item.migration.path),
        'write one, or undo what it did with a new migration')
    end
  end
  return chosen
end

--- Reverts the newest migration, or several.
---@param run lugger.migrate.run
---@param args table
---@return integer status
function commands.down(run, args)
  return run:locked(function()
    local chosen = to_take_back(run, args)
    with_hooks(run, chosen, 'down')
    terminal.say(#chosen == 0 and 'nothing to revert' or terminal.count(#chosen, 'migration') .. ' reverted')
    return 0
  end)
end

--- Reverts the newest migration and applies it again.
---@param run lugger.migrate.run
---@return integer status
function commands.redo(run)
  return run:locked(function()
    local chosen = to_take_back(run, { count = 1 })
    if #chosen == 0 then
      terminal.say('nothing to do again')
      return 0
    end
    with_hooks(run, chosen, 'down')
    for _, item in ipairs(commands.items(run)) do
      if item.version == chosen[1].version then with_hooks(run, { item }, 'up') end
    end
    return 0
  end)
end

--- Runs `verify` of the applied migrations, in read-only transactions.
---@param run lugger.migrate.run
---@return integer status
function commands.verify(run)
  local wrong, asked = 0, 0
  for _, item in ipairs(commands.items(run)) do
    local migration = item.migration
    if item.explain and item.state ~= 'pending' then
      wrong = wrong + 1
      terminal.line(item.version, ' ', item.name, ': ', item.state, ': ', item.explain)
    end
    local parts = migration and item.record and item.record.applied and migration:body().verify
    if migration and parts then
      asked = asked + 1
      run.main:begin(true)
      local ok, err = pcall(apply.check_verified, one_transaction.new(run, migration, 'verify'), parts)
      run.main:rollback()
      run:end_sessions()
      if not ok then
        if type(err) == 'table' and err.code == 'interrupted' then error(err, 0) end
        wrong = wrong + 1
        terminal.line(item.version, ' ', item.name, ': ', terminal.error_text(err))
      end
    end
  end
  terminal.say(('%s asked, %s wrong'):format(terminal.count(asked, 'verify function'), terminal.group(wrong)))
  return wrong > 0 and 4 or 0
end

--- Records everything up to a version as applied, without running it: for a database that is older than its migrations.
---@param run lugger.migrate.run
---@param args table
---@return integer status
function commands.baseline(run, args)
  return run:locked(function()
    local items, count = commands.items(run), 0
    status.find(items, args.value)
    run.main:begin()
    for _, item in ipairs(items) do
      local applied = item.record and item.record.applied
      if item.migration and not applied and not version.before(args.value, item.version) then
        run.ledger:write { version = item.version, name = item.name, checksum = item.migration.checksum,
          direction = 'baseline', state = 'done' }
        count = count + 1
      end
    end
    run:fence()
    run.main:commit()
    terminal.say(terminal.count(count, 'migration'), ' recorded as applied, none of them run')
    return 0
  end)
end

---@type table<string, nil|fun(run: lugger.migrate.run, item: lugger.migrate.item): string>
local repairs = {}

---@private
function repairs.changed(run, item)
  local migration = item.migration --[[@as lugger.migration]] -- there is a file, which changed
  run.ledger:write { version = item.version, name = item.name, checksum = migration.checksum,
    direction = 'repair', state = 'done' }
  return 'its file is accepted as it is now'
end

---@private
function repairs.missing(run, item)
  run.ledger:write { version = item.version, name = item.name, checksum = '', direction = 'forget', state = 'done' }
  return 'forgotten: there is no file of it, and nothing in the database was changed'
end

local function unfinished(run, item)
  local open, done = item.record.open, {}
  for name, step in pairs(run.ledger:steps(open.entry)) do
    if step.state == 'done' and name:find('.', 1, true) then done[#done + 1] = name end
  end
  run.ledger:abandon(open.entry, 'given up by repair')
  table.sort(done)
  if #done == 0 then return ('the attempt (%s) is given up; it had changed nothing'):format(open.direction) end
  return ('the attempt (%s) is given up; what its steps %s did stays in the database: see lugger.migration_steps of '
    .. 'entry %s'):format(open.direction, table.concat(done, ', '), open.entry)
end
repairs.failed, repairs.running = unfinished, unfinished

--- Resolves differences between files and ledger, and says what that means.
---@param run lugger.migrate.run
---@return integer status
function commands.repair(run)
  return run:locked(function()
    local count = 0
    for _, item in ipairs(commands.items(run)) do
      local mend = repairs[item.state]
      if item.state == 'missing' and item.record and item.record.open then mend = unfinished end
      if mend then
        count = count + 1
        terminal.line(item.version, ' ', item.name, ': ', mend(run, item))
      end
    end
    terminal.say(count == 0 and 'nothing to repair' or terminal.count(count, 'migration') .. ' repaired')
    return 0
  end)
end

return commands
