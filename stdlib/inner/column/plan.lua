-- What a change of a column's type will do: its statements, its locks, its disk, and what it cannot see to.
local change_type = require 'lugger.inner.migrate.change_type'
local config = require 'lugger.inner.cli.config'
local extensions = require 'lugger.inner.column.extensions'
local exchange = require 'lugger.inner.column.exchange'
local found = require 'lugger.inner.column.found'
local native = require 'lugger.native'
local refusals = require 'lugger.inner.column.refusals'
local search_paths = require 'lugger.inner.column.search_paths'
local steps = require 'lugger.inner.column.steps'
local terminal = require 'lugger.inner.view.terminal'

local plan = {}

local triggers_sql = [[SELECT tgname::text AS name FROM pg_trigger WHERE tgrelid = pg_catalog.to_regclass($1)
  AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 16 = 16 AND tgtype & 1 = 1 AND tgattr::text = ''
  ORDER BY 1]]

---@type table<string, boolean|nil>
local times = { timestamp = true, timestamptz = true, date = true, time = true, timetz = true, interval = true }

local function time_note(one)
  local facts, values = one.found, {}
  if not times[facts.from.name] and not times[facts.to.name] then return nil end
  for i = 1, 3 do values[i] = facts.settings[i].name .. ' ' .. facts.settings[i].value end
  return ('times are converted under %s, whichever session writes; another zone: --using with %s AT TIME ZONE \'...\'')
    :format(table.concat(values, ', '), native.sql.name(one.column))
end

local function notes(db, one)
  local out = { time_note(one) }
  local function add(text, ...) out[#out + 1] = text:format(...) end
  add('the column moves to the end of the row: INSERT without a list of columns, COPY without one and SELECT * see it')
  add('until it is dropped, one column more is there: %s before the swap, %s behind it', one.shadow, one.old)
  add('statements that sessions hold prepared fail (cached plan must not change result type): SELECT * at add, swap, '
    .. 'back and drop, those that return the column at swap and back; connect these sessions anew')
  if one:is_one_way() then add('from the swap on there is no way back: --using is given and --back is not') end
  for _, row in ipairs(one.found.quiet and {} or db:query(triggers_sql, one.quoted)) do
    add('the trigger %s fires for each row that is filled', row.name)
  end
  for _, name in ipairs(found.functions(db, one.found, one.column)) do
    add('the function %s has both names in its text: look whether it works with the new type', name)
  end
  for _, text in ipairs(refusals.notes(db, one)) do out[#out + 1] = text end
  for _, text in ipairs(search_paths.wrong(db)) do out[#out + 1] = text end
  return out
end

--- Raises when subscribers would stop, unless somebody has seen to it, now or when the change began.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param args table
function plan.check_published(db, one, args)
  local publications, known = {}, {} ---@type string[], table<string, boolean>
  for _, name in ipairs(one.published or {}) do known[name] = true end
  for _, name in ipairs(found.publications(db, one.quoted)) do
    if not known[name] then publications[#publications + 1] = name end
  end
  if args.published then one.published = found.publications(db, one.quoted) end
  if #publications == 0 or args.published then return end
  config.raise(('%s is published (%s): a subscriber without the column %s stops'):format(one.table,
    table.concat(publications, ', '), one.shadow),
    ('add the column %s %s there first, then give --published'):format(one.shadow, one.found.to.spelled))
end

--- Raises when something must be done before the first step.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param args table
function plan.check(db, one, args)
  extensions.check(db)
  exchange.refuse_later(db, one)
  if not args.downtime then refusals.check(db, one) end
  plan.check_published(db, one, args)
  local bytes = change_type.bytes(one)
  if args.max_bytes and bytes > args.max_bytes then
    config.raise(('this needs up to %s of disk; --max-bytes allows %s'):format(terminal.bytes(bytes),
      terminal.bytes(args.max_bytes)), 'make room, or raise --max-bytes')
  end
end

--- Tells what nobody can judge from here.
---@param db lugger.migration_db
---@param one lugger.column_job
function plan.warn(db, one)
  for _, text in ipairs(notes(db, one)) do terminal.say('look at: ', text) end
end

local function lines_of(list)
  for _, line in ipairs(list) do terminal.line('  ', line) end
end

local function goes_along(one)
  local out, facts = {}, one.found
  local function add(text, ...) out[#out + 1] = text:format(...) end
  for _, index in ipairs(facts.indexes) do
    add('%s %s', index.constraint_type and 'constraint' or 'index', index.name)
  end
  for _, constraint in ipairs(facts.constraints) do add('constraint %s: %s', constraint.name, constraint.definition) end
  for _, view in ipairs(facts.views) do add('view %s, dropped and made again in the swap', view.name) end
  if facts.not_null then add('NOT NULL') end
  if facts.default then add('default %s', facts.default) end
  if facts.identity and facts.identity ~= '' then add('identity') end
  for _, grant in ipairs(facts.grants) do add('grant of %s to %s', grant.privilege, grant.grantee) end
  if facts.comment then add('its comment') end
  return out
end

--- Prints the plan; changes nothing.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param args table
---@param options { lock_timeout: string, tries: integer }
function plan.show(db, one, args, options)
  local facts = one.found
  terminal.line(terminal.paint(1, 'bold', one.table .. '.' .. one.column), ': ', facts.type, ' -> ',
    facts.to.spelled)
  terminal.line('  about ', terminal.group(facts.rows), ' rows in ', terminal.bytes(facts.bytes),
    '; up to ', terminal.bytes(change_type.bytes(one)), ' of disk more until the next vacuum')
  lines_of(extensions.lines(db, one))
  terminal.line('  new value:  ', one:forth(one.column))
  terminal.line('  and back:   ', one:is_one_way() and 'no way, from the swap on: --back EXPRESSION gives it'
    or one:reverse())
  local along = goes_along(one)
  if #along > 0 then
    terminal.line 'goes along:'
    lines_of(along)
  end
  local brief = ('for a moment; waits %s for it, %d times'):format(options.lock_timeout, options.tries)
  terminal.line 'steps, and what they lock:'
  lines_of {
    'add       ACCESS EXCLUSIVE ' .. brief,
    ('backfill  ROW EXCLUSIVE, and the rows of one batch (%d at most)'):format(one.options.batch_rows or 1000),
    'compare   nothing: it reads',
    'index     SHARE UPDATE EXCLUSIVE: others read and write; it waits for transactions that are older',
    'swap      SHARE UPDATE EXCLUSIVE while constraints are proven, then ACCESS EXCLUSIVE ' .. brief,
    'drop      ACCESS EXCLUSIVE ' .. brief,
    'back      as add before the swap, as swap behind it',
  }
  local index_lines = steps.index_statements(one)
  if #index_lines > 0 then
    terminal.line 'indexes:'
    lines_of(index_lines)
  end
  terminal.line 'look at:'
  lines_of(notes(db, one))
  plan.check(db, one, args)
  terminal.line 'next: --step add, or --step all as far as swap'
end

return plan
