-- `lugger vector tune`: which index of a column finds enough, and how fast.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local estimate = require 'lugger.inner.tune.estimate'
local files = require 'lugger.inner.base.files'
local flags = require 'lugger.inner.cli.flags'
local grid = require 'lugger.inner.tune.grid'
local json = require 'lugger.inner.base.json_text'
local measure = require 'lugger.inner.tune.measure'
local migration = require 'lugger.inner.tune.migration'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local production = require 'lugger.inner.cli.production'
local sweep = require 'lugger.inner.tune.sweep'
local terminal = require 'lugger.inner.view.terminal'
local tune_copy = require 'lugger.inner.tune.copy'
local tune_facts = require 'lugger.inner.tune.facts'
local tune_queries = require 'lugger.inner.tune.queries'
local view = require 'lugger.inner.tune.view'

local command = {}

local usual_rows, usual_sample, usual_k, usual_least, usual_seed = 100000, 100, 10, 0.95, 1

local function place_of(args)
  local place = args.on and config.resolve(args.on) or config.find 'PG_DIRECT_URI' or config.find 'PG_URI'
  if not place then
    config.raise('the column of which database?', 'set PG_URI, or give --on PLACE: a URL, local:DIR or a connection')
  end
  if not native.place_kind(place).sql then
    config.raise(('%s is not a PostgreSQL'):format(native.system.mask_secrets(place)),
      "tune knows the indexes of pgvector; the ef of a Weaviate class is a word of its configuration")
  end
  return places.existing(place)
end

local function rows_of(args, facts)
  if not args.rows then return math.min(usual_rows, facts.rows), usual_rows end
  if args.rows == 'all' then return facts.rows, nil end
  local rows = tonumber(args.rows)
  if not rows or rows < 1 or rows % 1 ~= 0 then
    flags.usage_error(('--rows takes a number or all, not "%s"'):format(args.rows))
  end
  return math.min(rows, facts.rows), rows
end

local function check(args)
  if args.min_recall and not (args.min_recall >= 0 and args.min_recall <= 1) then
    flags.usage_error('--min-recall is a share from 0 to 1')
  end
  if args.queries and args.sample then flags.usage_error('--queries and --sample exclude each other') end
end

local function open(place)
  local session = native.pg(place, 'tune', 'detect')
  if session:pooled() then
    session:close()
    config.raise('the database is reached through a pooler, where settings end with a transaction',
      'name the server itself: --on, or PG_DIRECT_URI')
  end
  return session
end

local function progress(rows)
  local said = native.system.monotonic()
  return function(done)
    if native.system.monotonic() - said < 5 then return end
    said = native.system.monotonic()
    terminal.say(('exact neighbours: %s of %s rows'):format(terminal.group(done), terminal.group(rows)))
  end
end

local function spec_of(args, facts, wanted, limit)
  local condition = tune_queries.condition(args.filter)
  local read = args.queries and tune_queries.read(args.queries, facts, condition)
  local conditions = { condition ~= '' and condition or nil }
  for _, query in ipairs(read or {}) do
    if query.condition ~= '' then conditions[#conditions + 1] = query.condition end
  end
  local k, sample, seed = args.k or usual_k, args.sample or usual_sample, args.seed or usual_seed
  local from = args.queries and ('%s of %s'):format(#read == 1 and '1 query' or #read .. ' queries', args.queries)
  local identity = { facts.schema .. '.' .. facts.table .. '.' .. facts.column, facts.metric, 'k = ' .. k,
    limit and ('%d rows'):format(limit) or 'all rows', 'seed ' .. seed, from or ('%d drawn'):format(sample),
    args.filter }
  if args.queries then
    identity[#identity + 1] = native.system.sha256(native.system.read_file(args.queries)):sub(1, 12)
  end
  return { rows = limit, seed = seed, k = k, sample = sample, condition = condition, from = from,
    filtered = #conditions > 0, columns = tune_queries.columns_of(conditions, facts.columns, facts.table),
    read = read and function() return read end, identity = table.concat(identity, ', '), tell = progress(wanted) }
end

-- A filter that no row meets, or queries of zeros: there is nothing to measure.
local function check_answers(copy)
  for _, answer in ipairs(copy.answers) do
    if answer.wanted > 0 then return end
  end
  tune_copy.drop(copy.session, copy.schema)
  config.raise('no query has a neighbour to find', 'no row of the copy meets the filter, or the queries are zeros')
end

local function report_of(args, facts, spec, copy, results)
  local least = args.min_recall or usual_least
  local best, enough = sweep.knee(results, least)
  return { facts = facts, k = spec.k, rows = copy.rows, queries = results[1].found.queries, from = spec.from
    or ('%s (seed %d)'):format(terminal.count(#copy.queries, 'stored vector'), spec.seed),
    filter = args.filter, least = least, round_trip = measure.round_trip(copy.session),
    exact = assert(copy:point 'exact'), results = results, best = best, enough = enough,
    sampled = spec.rows ~= nil and (spec.rows < facts.rows or copy.rows >= spec.rows) }
end

local function tell(args, report)
  if args.json then
    terminal.line(json.encode(view.fields(report)))
  else
    view.show(report)
    migration.tell(report)
  end
  if args.html then
    files.write(args.html, require('lugger.inner.tune.page').text(report))
    terminal.say('wrote ', args.html)
  end
  if args.write then terminal.say('wrote ', migration.write(report, args.write)) end
  if report.sampled then
    terminal.say('measured on a sample: in all rows an index finds less and answers later; --rows all measures that')
  end
end

-- Builds take the server's processors and memory, whatever table they are of.
local function confirm(args, place)
  if production.connection(args.on or place, place) then
    production.confirm(native.system.mask_secrets(args.on or place))
  end
end

---@param stands fun() called once there is a copy to go on with
local function tune(args, place, session, schema, stands)
  local facts = tune_facts.of(session, args.column, args.metric)
  local wanted, limit = rows_of(args, facts)
  local spec = spec_of(args, facts, wanted, limit)
  local builds = grid.builds(args, facts, wanted, spec.filtered, spec.k)
  for _, method in ipairs(grid.methods(args, facts)) do tune_facts.searched(facts, method) end
  estimate.say(facts, builds, wanted, schema)
  if args.dry_run then return cli.exit.done end
  confirm(args, place)
  tune_copy.lock(session, schema)
  local copy = tune_copy.open(session, schema, facts, spec)
  check_answers(copy)
  stands()
  local results = sweep.run({ place = place, schema = schema, facts = facts, copy = copy, session = session,
    k = spec.k, index_memory = args.index_memory, builds = builds })
  local report = report_of(args, facts, spec, copy, results)
  tell(args, report)
  if args.keep then
    terminal.say(('the copy stays in the schema %s: --drop drops it'):format(schema))
  else
    tune_copy.drop(session, schema)
  end
  return report.enough and cli.exit.done or cli.exit.differences
end

local function drop(session, schema)
  tune_copy.lock(session, schema)
  terminal.say(tune_copy.drop(session, schema) and ('dropped the schema %s'):format(schema)
    or ('there is no schema %s'):format(schema))
  return cli.exit.done
end

--- Runs the command.
---@param args table
---@return integer status
function command.run(args)
  check(args)
  local place, schema = place_of(args), args.schema or 'lugger_tune'
  local session, stands = open(place), false
  local ok, result = pcall(function()
    if args.drop then return drop(session, schema) end
    return tune(args, place, session, schema, function() stands = true end)
  end)
  session:close()
  if ok then return result --[[@as integer]] end
  if stands then terminal.say('the same command goes on from here; --drop drops the copy') end
  error(result, 0)
end

return command
