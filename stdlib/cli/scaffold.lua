-- lugger scaffold SOURCE --out DIR: scripts, DDL and notes for a migration, from a census of the source.
local all_jobs = require 'lugger.inner.scaffold.all_jobs'
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local scaffold = require 'lugger.inner.scaffold.scaffold'
local scaffold_files = require 'lugger.inner.scaffold.files'
local scaffold_onto = require 'lugger.inner.scaffold.onto'
local scaffold_report = require 'lugger.inner.scaffold.report'
local scaffold_sql = require 'lugger.inner.scaffold.sql'
local terminal = require 'lugger.inner.view.terminal'

-- The constraint on mongo_id is in schema.sql, if the script still has it.
local function unique_id_of(item, shape)
  for _, step in ipairs(shape.steps) do
    if item.unique_id and step.name == item.unique_id.name then return item.unique_id end
  end
end

-- The shapes for the SQL files: those of the script, whoever edited it last.
local function shapes_of(list)
  local shapes = {}
  for _, item in ipairs(list) do
    for _, job in ipairs(item.jobs or {}) do
      local shape = job:shape()
      shapes[#shapes + 1] = { name = item.name, shape = shape, indexes = not item.kept and item.indexes or nil,
        unique_id = unique_id_of(item, shape) }
    end
  end
  for _, item in ipairs(list.beside) do
    for _, job in ipairs(item.jobs) do
      local shape = job:shape()
      shapes[#shapes + 1] = { name = item.name, shape = shape,
        unique_id = unique_id_of({ unique_id = scaffold.unique_id(shape.tables[1]) }, shape) }
    end
  end
  table.sort(shapes, function(a, b) return a.name < b.name end)
  return shapes
end

local function files_of(list, args)
  local files = { { 'all.lua', all_jobs.text(list, args.out) } }
  -- Existing tables have their own keys, constraints and indexes, which somebody else maintains.
  if not args.onto then
    local shapes = shapes_of(list)
    files[#files + 1] = { 'schema.sql', scaffold_sql.schema(shapes) }
    files[#files + 1] = { 'constraints.sql', scaffold_sql.constraints(shapes) }
    files[#files + 1] = { 'indexes.sql', scaffold_sql.indexes(shapes) }
  end
  files[#files + 1] = { 'README.md', scaffold_report.readme(list, args) }
  return files
end

local words = { written = 'written', same = 'same', renewed = 'renewed', kept = 'kept' }

local function write(list, args)
  native.system.make_dir(args.out)
  local force, kept = {}, {}
  for _, name in ipairs(args.force or {}) do force[name:match('([^/]+)$')] = true end
  local function put(name, body)
    local outcome = scaffold_files.put(args.out, name, body, force)
    terminal.line(('  %-8s %s/%s'):format(words[outcome], args.out, name))
    if outcome == 'kept' then kept[#kept + 1] = name end
    force[name] = nil
    return outcome
  end
  -- The scripts first: if the user's version of a script is kept, the other files describe that version.
  for _, item in ipairs(list) do
    if item.table and put(item.file, item.text) == 'kept' then scaffold.keep(item, args.place, args.out) end
  end
  for _, file in ipairs(files_of(list, args)) do put(file[1], file[2]) end
  for name in pairs(force) do terminal.warn(('--force names %s, which scaffold does not write'):format(name)) end
  if #kept > 0 then
    terminal.say('kept, since they were edited: ', table.concat(kept, ', '), '; to overwrite one: --force ', kept[1])
  end
end

local function run(args)
  if not args.out then
    require('lugger.inner.cli.flags').usage_error('--out DIR says where the files go',
      'lugger scaffold dump/ --out migrate')
  end
  if args.onto and args.distribute then
    require('lugger.inner.cli.flags').usage_error('--distribute is for tables that are made, and --onto maps to those '
      .. 'that stand', 'Citus says of them itself whether they are distributed')
  end
  local settings = { jobs = args.jobs, sample = args.sample, collections = args.collection,
    snake_case = args.snake_case, not_null = args.not_null, into = args.into, schema = args.schema, out = args.out,
    distribute = args.distribute }
  if args.onto then settings.onto = scaffold_onto.open(config.resolve(args.onto)) end
  local list = scaffold.make(args.place, settings)
  write(list, args)
  scaffold_report.show(list, args)
  for _, item in ipairs(list) do
    if item.failed then return cli.exit.failed end
  end
  for _, item in ipairs(list.passed) do
    if item.failed then return cli.exit.failed end
  end
  return cli.exit.done
end

return {
  summary = 'Write a script for each collection, the DDL of its tables, constraints and indexes, ready for review.',
  arguments = {
    { 'place', 'a dump directory, an archive, a .bson, JSON or CSV file, a directory of them, a connection' },
  },
  flags = {
    { 'out', 'directory of the files; made when missing', value = 'DIR' },
    { 'onto', 'map to the tables that are in this database, and say what does not fit', value = 'PLACE' },
    { 'collection', 'only this collection: db.name or name; may be repeated', short = 'c', value = 'NAME',
      many = true },
    { 'snake-case', 'createdAt becomes created_at' },
    { 'not-null', 'NOT NULL where every document has the field: in constraints.sql, or now, in the tables',
      value = 'WHEN', choices = { 'later', 'now' } },
    { 'into', 'target that stands in the scripts (default: lugger.env.PG_URI)', value = 'PLACE' },
    { 'schema', 'schema of the tables', value = 'NAME' },
    { 'distribute', 'column by which Citus is to distribute the tables; the keys hold it', value = 'COLUMN' },
    { 'sample', 'read about this many documents of each collection instead of all', value = 'N', type = 'int',
      least = 1 },
    { 'jobs', 'how many threads', short = 'j', value = 'N', type = 'int', least = 1 },
    { 'force', 'overwrite this file although it was edited; may be repeated', value = 'FILE', many = true },
  },
  more = 'A second run shows what would differ. Files that were edited since are kept.',
  examples = { 'lugger scaffold dump/ --out migrate', 'lugger scaffold dump/ --out migrate --snake-case -c shop.users',
    'lugger scaffold dump/ --out migrate --onto postgresql://db/app' },
  run = run,
}
