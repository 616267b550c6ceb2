-- lugger pairs FILE: runs an application's queries on the new schema: time, plan, and the index that would help.
local config = require 'lugger.inner.cli.config'
local places = require 'lugger.inner.cli.places'
local query_pairs = require 'lugger.inner.verify.query_pairs'

local function run(args)
  local place = args.on and config.resolve(args.on) or (config.find('PG_URI'))
  if not place then config.raise('on which database?', '--on local:./pg, or set PG_URI') end
  return query_pairs.command(args.file, places.existing(place), {
    times = args.times, timeout_ms = args.timeout, analyze = args.analyze, buffers = args.buffers, json = args.json })
end

return {
  summary = 'Run the queries of an application on the new schema, read only: p50 and p95, plan, the index that would '
    .. 'help.',
  arguments = { { 'file', 'Lua that returns a list of { name =, sql =, params =, mongo =, max_ms =, max_ratio = }' } },
  flags = {
    { 'on', 'the database (default: PG_URI)', value = 'PLACE' },
    { 'times', 'how often each is run (default 20)', value = 'N', type = 'int', least = 1 },
    { 'timeout', 'milliseconds after which a statement is given up (default 30000)', value = 'MS', type = 'int',
      least = 1 },
    { 'analyze', 'EXPLAIN runs the query too: real rows' },
    { 'buffers', 'EXPLAIN counts pages; runs the query too' },
    { 'json', 'as one JSON list' },
  },
  more = 'Exit status: 0, 4 when a pair failed or its p95 is above max_ms.',
  examples = { 'lugger pairs queries.lua --on local:./pg', 'lugger pairs queries.lua --times 100 --buffers' },
  run = run,
}
