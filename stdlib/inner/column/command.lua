-- `lugger vector change-type`: which step may run now, and runs it.
local apply = require 'lugger.inner.migrate.apply'
local by_steps = require 'lugger.inner.migrate.by_steps'
local change_plan = require 'lugger.inner.column.plan'
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local downtime = require 'lugger.inner.column.downtime'
local exchange = require 'lugger.inner.column.exchange'
local executor = require 'lugger.inner.migrate.executor'
local found = require 'lugger.inner.column.found'
local job = require 'lugger.inner.column.job'
local migrate_run = require 'lugger.inner.migrate.run'
local migration_db = require 'lugger.inner.migrate.db'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local notes = require 'lugger.inner.column.notes'
local queries = require 'lugger.inner.column.queries'
local steps = require 'lugger.inner.column.steps'
local terminal = require 'lugger.inner.view.terminal'
local types = require 'lugger.inner.column.types'
local unchanged = require 'lugger.inner.column.unchanged'
local sql = native.sql

local command = {}

local numbers = { begun = 0 } ---@type table<string, integer>
for i, name in ipairs(steps.order) do numbers[name] = i end

-- Runs queries alone, and writes no ledger.
local reader = executor.class {}

---@private
function reader:query(connection, text, params)
  local result
  for _, st in ipairs(self:statements(text, params)) do result = self:send(connection, st, params) end
  return result
end

---@private
function reader:exec(connection, text, params)
  local result = self:query(connection, text, params)
  return result and tonumber(result.affected) or 0
end

---@return lugger.migration
local function migration_of(place)
  local words = ('the change of %s.%s'):format(place.table, place.column)
  return { file = words, path = words, version = '', name = '', kind = 'lua', checksum = '' } --[[@as lugger.migration]]
end

local function reading_db(run, place)
  return migration_db.new(setmetatable({ run = run, migration = migration_of(place) }, reader), run.main)
end

---@class lugger.column_place
---@field table string
---@field column string
---@field quoted string the table as SQL, with its schema

-- The table as SQL, and the column. Without quotes a name is taken as it is written.
local function named(word)
  local parts, rest = {}, '.' .. word:gsub('""', '\0')
  while rest ~= '' do
    local name, behind = rest:match '^%."([^"]+)"(.*)$'
    if not name then name, behind = rest:match '^%.([^."]+)(.*)$' end
    parts[#parts + 1] = name and name:gsub('%z', '"') or nil
    rest = behind or ''
    if not name then parts = {} end
  end
  local column = table.remove(parts)
  if #parts < 1 or #parts > 2 then
    require('lugger.inner.cli.flags').usage_error(('%s is not a column of a table'):format(word),
      [[as in docs.embedding, public.docs.embedding, or '"My Shop"."Line Items"."select"']])
  end
  for i, name in ipairs(parts) do parts[i] = sql.name(name) end
  return table.concat(parts, '.'), column
end

--- The table and the column that a word names: "docs.embedding", "public.docs.embedding".
---@param run lugger.migrate.run
---@param word string
---@return lugger.column_place
local function place_of(run, word)
  local name, column = named(word)
  local row = run.main:query([[SELECT n.oid::regnamespace::text, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1)]],
    { name }).rows[1]
  if not row then
    config.raise(('there is no table %s'):format(name), 'write it with its schema: public.' .. word)
  end
  if row[2]:find('.', 1, true) then
    config.raise(('the schema %s has a dot in its name'):format(row[2]), 'ALTER SCHEMA ... RENAME TO a name without')
  end
  return { quoted = row[1] .. '.' .. sql.name(row[3]), table = row[2] .. '.' .. row[3],
    column = column --[[@as string]] }
end

-- How fast a step goes is asked for with the step.
local function options_of(args)
  return { batch_rows = args.batch_rows, pause_ms = args.pause_ms, throttle = args.throttle }
end

local function open_job(row, args)
  local one = job.of(native.json_tables(row.spec))
  for _, flag in ipairs { 'using', 'back' } do
    if args[flag] and args[flag] ~= one[flag] then
      local began = one[flag] and ('with --%s %s'):format(flag, one[flag]) or 'without --' .. flag
      config.raise(('the change of %s.%s began %s'):format(one.table, one.column, began),
        'it is given when a change begins: --step back before the swap, then anew')
    end
  end
  one.entry, one.options = row.entry, options_of(args)
  return one
end

local function new_job(run, place, args)
  if not args.type then
    require('lugger.inner.cli.flags').usage_error(('no change of %s.%s is under way: to which type?'):format(
      place.table, place.column), ("lugger vector change-type %s.%s 'halfvec(1536)' --step plan"):format(place.table,
      place.column))
  end
  local db = reading_db(run, place)
  local facts = found.inspect(db, place.table, place.column, args.type)
  local one = job.new(db, facts, place.column, args.type, { using = args.using, back = args.back, key = args.key,
    batch_rows = args.batch_rows, pause_ms = args.pause_ms, throttle = args.throttle })
  if not args.using then types.check_cast(db, facts.from, facts.to, '--using EXPRESSION gives the new value in SQL') end
  if not args.back and not args.using then
    types.check_cast(db, facts.to, facts.from,
      '--back EXPRESSION gives the old value in SQL: the old column is kept current by it')
  end
  steps.try(run.main, one)
  return one, db
end

-- What a step did, and how it is told.
local does = {}
does.add, does.backfill, does.compare, does.index = steps.add, steps.backfill, steps.compare, steps.index
does.swap, does.drop = steps.swap, steps.drop

local says = {
  add = 'every write fills %s from now on', backfill = 'every row has its value in %s',
  compare = 'every value of %s is what the conversion gives', index = 'the indexes of %s are built',
  swap = '%s is in its place; the old column is kept current until --step drop',
  drop = 'the old column is dropped', back = 'all is as it was before',
}

says.one_way = '%s is in its place; the old column stays as it is until --step drop'

local filled = { add = true, backfill = true, compare = true, index = true } ---@type table<string, boolean|nil>

local marks_itself = { add = true, swap = true, drop = true, back = true } ---@type table<string, boolean>

local function mark(run, ex, one, phase)
  run.main:begin()
  one:mark({ executor = ex }, phase)
  run:fence()
  run.main:commit()
end

-- Whatever has happened, a change can be taken away, and the old column dropped.
local function check_unchanged(db, one, name, phase)
  if name == 'drop' then return unchanged.check_left(db, one) end
  if name == 'back' and phase ~= 'swap' then return end
  local to = name == 'back' and one.to_old or one.to_new
  if to.forth then exchange.refuse_later(db, one) end
  unchanged.check(db, one, to)
  if phase ~= 'begun' then unchanged.check_notes(db, one, to) end
end

local function run_step(run, place, one, name, phase, args)
  local number = numbers[name]
  local ex = by_steps.new(run, migration_of(place), 'up', one.entry)
  ex.part = number
  local work = does[name]
  if name == 'back' then
    work = function(db) steps.back(db, one, phase, args.accept_loss) end
  end
  check_unchanged(reading_db(run, place), one, name, phase)
  if name == 'swap' then change_plan.check_published(reading_db(run, place), one, args) end
  if name == 'swap' and args.queries and not queries.check(run, one, args.queries, args.role) then
    return cli.exit.differences
  end
  if name == 'back' and phase == 'swap' and one:is_one_way() then
    config.raise(('there is no way back: the change of %s.%s began with --using and without --back'):format(one.table,
      one.column), ('%s has the values as they were at the swap, and NULL in rows that came later'):format(one.old))
  end
  if name == 'back' and phase == 'swap' then steps.check_kept(reading_db(run, place), one) end
  terminal.say(name, ' ...')
  apply.function_by_steps(run, ex, function(db) work(db, one) end)
  if not marks_itself[name] then mark(run, ex, one, name) end
  local refused = name == 'backfill' and notes.lines(reading_db(run, place), one) or 0
  if refused > 0 then
    terminal.say(('backfill: %s of %s were refused and have no value in %s; --step compare names them'):format(
      terminal.count(refused, 'row'), one.table, one.shadow))
    return cli.exit.done
  end
  local words = says[name == 'swap' and one:is_one_way() and 'one_way' or name]
  terminal.say(name, ': ', (words:format(filled[name] and one.shadow or one.column)))
  return cli.exit.done
end

-- Comparing may be repeated until the swap; it begins anew then, and nothing comes behind it until it is through.
local function forget(run, place, one, name)
  run.main:begin()
  run.ledger:query(([[DELETE FROM %s.column_change_steps WHERE entry = $1::bigint
    AND step LIKE $2]]):format(run.ledger.schema), { one.entry, numbers[name] .. '.%' })
  one:mark({ executor = by_steps.new(run, migration_of(place), 'up', one.entry) }, steps.order[numbers[name] - 1])
  run:fence()
  run.main:commit()
end

-- The number of the step that comes next.
local function next_of(phase)
  return numbers[phase] + 1
end

local function check_order(place, name, phase)
  local number, what = numbers[name], ('%s.%s'):format(place.table, place.column)
  if name == 'back' then return true end
  if phase == 'swap' then
    if name == 'drop' then return true end
    return false
  end
  if number <= numbers[phase] then return name == 'compare' and 'again' end
  if number > next_of(phase) then
    config.raise(('%s: %s comes before %s'):format(what, steps.order[next_of(phase)], name),
      ('--step %s, or --step all for all of them as far as swap'):format(steps.order[next_of(phase)]))
  end
  return true
end

local function one_step(run, place, name, args)
  local row = job.open(run.ledger, place.quoted, place.column)
  if row and args.type and row.type ~= args.type then
    config.raise(('%s.%s is being changed to %s'):format(place.table, place.column, row.type),
      'finish that change first, or give it up: --step back')
  end
  if not row and job.ended(run.ledger, place.quoted, place.column) == name then
    terminal.say(name, ' is done already')
    return cli.exit.done
  end
  if not row and numbers[name] > numbers.add then
    config.raise(('no change of %s.%s is under way'):format(place.table, place.column), 'it begins with --step add')
  end
  local one = row and open_job(row, args) or new_job(run, place, args)
  if not row then
    change_plan.check(reading_db(run, place), one, args)
    change_plan.warn(reading_db(run, place), one)
    one:record(run.ledger, 'begun')
  end
  local phase = row and row.phase or 'begun'
  local wanted = check_order(place, name, phase)
  if not wanted then
    terminal.say(name, ' is done already')
    return cli.exit.done
  end
  if wanted == 'again' then forget(run, place, one, name) end
  return run_step(run, place, one, name, phase, args)
end

local function all(run, place, args)
  local row = job.open(run.ledger, place.quoted, place.column)
  local phase = row and row.phase or 'begun'
  if phase == 'swap' then
    terminal.say 'swap is done already'
    return cli.exit.done
  end
  local status = cli.exit.done
  for number = next_of(phase), numbers.swap do status = one_step(run, place, steps.order[number], args) end
  return status
end

-- ALTER TABLE ... TYPE, where somebody has asked for it in so many words.
local function at_once(run, place, args)
  local row = job.open(run.ledger, place.quoted, place.column)
  if row and row.phase ~= 'begun' then
    config.raise(('%s.%s is being changed step by step'):format(place.table, place.column),
      'go on without --downtime, or give that up: --step back')
  end
  local one = row and open_job(row, args) or new_job(run, place, args)
  change_plan.check(reading_db(run, place), one, args)
  downtime.show(run.main, one)
  if not row then one:record(run.ledger, 'begun') end
  local ex = by_steps.new(run, migration_of(place), 'up', one.entry)
  ex.part = numbers.add
  local ok, err = pcall(apply.function_by_steps, run, ex, function(db) downtime.run(db, one) end)
  if not ok then
    run.main:rollback()
    mark(run, ex, one, 'back')
    error(err, 0)
  end
  terminal.say(one.table, '.', one.column, ' is ', one.found.to.spelled)
  return cli.exit.done
end

local function show_next(run, place, args)
  local row = job.open(run.ledger, place.quoted, place.column)
  if not row then
    local one, db = new_job(run, place, args)
    if args.downtime then
      downtime.show(run.main, one, true)
      return cli.exit.done
    end
    change_plan.show(db, one, args, run.options)
    return cli.exit.done
  end
  terminal.line(('%s.%s is being changed to %s since %s UTC'):format(place.table, place.column, row.type, row.since))
  terminal.line('done: ', row.phase == 'begun' and 'nothing' or row.phase)
  local ends = '--step drop, which ends it'
  if not open_job(row, {}):is_one_way() then ends = ends .. ', or --step back' end
  terminal.line('next: ', row.phase == 'swap' and ends
    or '--step ' .. steps.order[next_of(row.phase)] .. ', or --step back, which takes it away')
end

local function check_queries(run, place, args)
  local row = job.open(run.ledger, place.quoted, place.column)
  local phase = row and row.phase or 'begun'
  if phase == 'begun' or phase == 'swap' then
    config.raise(('%s.%s: --queries runs on the new column before the swap'):format(place.table, place.column),
      phase == 'begun' and 'it is there from --step add on; with --step index plans are as they will be' or nil)
  end
  return queries.check(run, open_job(row, args), args.queries, args.role) and cli.exit.done or cli.exit.differences
end

--- Runs the command.
---@param args table
---@return integer status
function command.run(args)
  if args.downtime and args.step and args.step ~= 'all' and args.step ~= 'plan' then
    require('lugger.inner.cli.flags').usage_error('--downtime is one step', 'with --step all it is done')
  end
  places.existing(migrate_run.place(args))
  local run = migrate_run.open(args, 'column_change_steps')
  run.tell_step = function() end
  local ok, result = pcall(function()
    local place = place_of(run, args.column)
    if not args.step and args.queries then return check_queries(run, place, args) end
    if not args.step or args.step == 'plan' then return show_next(run, place, args) end
    return run:locked(function()
      if args.downtime then return at_once(run, place, args) end
      if args.step == 'all' then return all(run, place, args) end
      return one_step(run, place, args.step, args)
    end)
  end)
  run:close()
  if not ok then error(result, 0) end
  return result --[[@as integer]]
end

return command
