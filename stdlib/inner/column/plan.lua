-- What a change of a column's type will do: its statements, its locks, its disk, and what it cannot see to.
local change_type = require 'lugger.inner.migrate.change_type'
local config = require 'lugger.inner.cli.config'
local extensions = require 'lugger.inner.column.extensions'
local found = require 'lugger.inner.column.found'
local refusals = require 'lugger.inner.column.refusals'
local search_paths = require 'lugger.inner.column.search_paths'
local steps = require 'lugger.inner.column.steps'
local terminal = require 'lugger.inner.view.terminal'

local plan = {}

local triggers_sql = [[SELECT tgname::text AS name FROM pg_trigger WHERE tgrelid = pg_catalog.to_regclass($1)
  AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 16 = 16 AND tgtype & 1 = 1 AND tgattr::text = ''
  ORDER BY 1]]

local function notes(db, one)
  local out = {}
  local function add(text, ...) out[#out + 1] = text:format(...) end
  add('the column moves to the end of the row: INSERT without a list of columns, COPY without one and SELECT * see it')
  add('until it is dropped, one column more is there: %s before the swap, %s behind it', one.shadow, one.old)
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

--- Raises when something must be done before the first step.
---@param db lugger.migration_db
---@param one lugger.column_job
---@param args table
function plan.check(db, one, args)
  extensions.check(db)
  if not args.downtime then refusals.check(db, one) end
  local publications = found.publications(db, one.quoted)
  if #publications > 0 and not args.published then
    config.raise(('%s is published (%s): a subscriber without the column %s stops'):format(one.table,
      table.concat(publications, ', '), one.shadow),
      ('add the column %s %s there first, then give --published'):format(one.shadow, one.found.to.spelled))
  end
  local bytes = change_type.bytes(one)
  if args.max_bytes and bytes > args.max_bytes then
    config.raise(('this needs up to %s of disk; --max-bytes allows %s'):format(terminal.bytes(bytes),
      terminal.bytes(args.max_bytes)), 'make room, or raise --max-bytes')
  end
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
  terminal.line('  and back:   ', one:reverse())
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
