-- lugger state: the DDL of the ledger, for users who may not create a schema; and the pruning of the ledger.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local flags = require 'lugger.inner.cli.flags'
local native = require 'lugger.native'
local places = require 'lugger.inner.cli.places'
local terminal = require 'lugger.inner.view.terminal'

local function schema_of(args, options)
  return args.state_schema or options and options.state_schema or config.find('LUGGER_STATE_SCHEMA') or 'lugger'
end

local function with_schema(options, schema)
  local out = {}
  for name, value in pairs(options or {}) do out[name] = value end
  out.state_schema = schema
  return out
end

local function seconds_of(text)
  local units = { h = 3600, d = 86400, w = 604800 }
  local number, unit = text:match('^(%d+)([hdw])$')
  if not number then
    flags.usage_error(('--older-than takes hours, days or weeks, not "%s"'):format(text), 'as in 12h, 30d, 8w')
  end
  return tonumber(number) --[[@as integer]] * units[unit]
end

local function has(session, relation)
  return session:query('SELECT pg_catalog.to_regclass($1) IS NOT NULL', { relation }).rows[1][1] == 't'
end

-- Deletes expired images of fixes that have ended: those rows can no longer be undone.
local function prune_images(place, schema)
  local session = native.pg(place, 'state', 'detect')
  local quoted = '"' .. schema:gsub('"', '""') .. '"'
  if not has(session, quoted .. '.images') then return 0 end
  local ended = "status IN ('done', 'abandoned', 'stopped', 'failed')"
  return session:query(('DELETE FROM %s.images i USING %s.fixes f, %s.runs r WHERE i.run = f.run AND r.run = f.run '
    .. 'AND f.images_until < pg_catalog.now() AND r.%s'):format(quoted, quoted, quoted, ended)).affected
end

local function prune(args)
  if not args.keep and not args.older_than and not args.images then
    flags.usage_error('state prune: which runs?', '--keep 10, --older-than 30d, or --images alone')
  end
  local seconds = args.older_than and seconds_of(args.older_than) or 0
  local runs, rejects, images = 0, 0, 0 ---@type number, number, integer
  for _, target in ipairs(places.targets(args.script, function() return cli.load(args) end)) do
    local options = target.options
    if native.place_kind(target.place).sql then
      local schema = schema_of(args, options)
      options = with_schema(options, schema)
      images = images + prune_images(target.place, schema)
    end
    if args.keep or args.older_than then
      local gone, refused = native.state(target.place, options):prune(args.keep or 0, seconds)
      runs, rejects = runs + tonumber(gone) --[[@as number]], rejects + tonumber(refused) --[[@as number]]
    end
  end
  if images > 0 or args.images then
    terminal.say('images of ', terminal.count(images, 'row'), ' removed: older than their retention')
  end
  if args.keep or args.older_than then
    terminal.say(terminal.count(runs, 'run'), ' and ', terminal.count(rejects, 'reject'), ' removed')
  end
  return cli.exit.done
end

local function run(args)
  if args.what == 'prune' then return prune(args) end
  if args.what ~= 'sql' then
    flags.usage_error(('state has no "%s"'):format(args.what), 'there are: lugger state sql, lugger state prune')
  end
  terminal.out(native.state_ddl(schema_of(args)))
  return cli.exit.done
end

return {
  summary = 'Print the DDL of the schema that holds runs, checkpoints and rejects, or remove old runs from it.',
  arguments = {
    { 'what', 'sql or prune' },
    { 'script', 'for prune: a script, or a place such as local:./pg (default: PG_URI)', optional = true },
  },
  flags = {
    { 'keep', 'prune: leave this many finished runs of each job', value = 'N', type = 'int' },
    { 'older-than', 'prune: only runs that ended longer ago: 12h, 30d, 8w', value = 'AGE' },
    { 'images', 'prune: only images of fixes that are older than their retention, no runs' },
    { 'state-schema', 'name of the schema (default lugger)', value = 'NAME' },
  },
  more = 'prune removes finished runs and their rejects, and images of fixes that are older than their retention; '
    .. 'what can be resumed or undone stays. In ./.lugger the newest run of a job stays too: it knows how much of the '
    .. 'output is its own.',
  examples = { 'lugger state sql | psql "$ADMIN_URI"', 'lugger state prune users.lua --keep 5',
    'lugger state prune local:./pg --older-than 30d' },
  run = run,
}
