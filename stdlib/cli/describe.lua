-- lugger describe PLACE: what a source holds: collections, or the fields of one.
local config = require 'lugger.inner.cli.config'
local describe_view = require 'lugger.inner.view.describe'
local flags = require 'lugger.inner.cli.flags'
local json = require 'lugger.inner.base.json_text'
local native = require 'lugger.native'
local oplog_view = require 'lugger.inner.view.oplog'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

-- True for a place that holds tables, as its options show.
local function has_tables(place)
  for _, option in ipairs(native.source_options(place)) do
    if option.name == 'table' then return true end
  end
  return false
end

-- The place as it can be typed again; a password is never printed.
local function typed(place)
  local shown = native.system.mask_secrets(place)
  return shown == place and terminal.shell_quote(place) or 'PLACE'
end

local function name_of(item, tables)
  return (tables or item.database == '') and item.collection or item.database .. '.' .. item.collection
end

local function show_collections(place, found, tables)
  local collections = found.collections
  terminal.line(native.system.mask_secrets(place), ': ',
    terminal.count(#collections, tables and 'table' or 'collection'), '\n')
  local rows = {}
  for i, item in ipairs(collections) do
    rows[i] = { name_of(item, tables),
      tables and item.type == 'collection' and 'table' or item.type,
      tonumber(item.bytes) > 0 and terminal.bytes(item.bytes) or '-' }
  end
  terminal.line(table_view.render({ tables and 'table' or 'collection', 'type', 'size' }, rows,
    { right = { [3] = true } }))
  if found.oplog then terminal.line('\noplog to replay  ', oplog_view.sentence(found.oplog)) end
  oplog_view.advise(found.warnings)
  oplog_view.advise(found.advice)
  for _, item in ipairs(collections) do
    if item.type ~= 'view' and tonumber(item.bytes) > 0 then
      terminal.say('\none in detail:\n  lugger describe ', typed(place), tables and ' --table ' or ' -c ',
        terminal.shell_quote(name_of(item, tables)))
      return
    end
  end
end

-- The parts of *.metadata.json that matter to a mapping: indexes, options, kind.
local function show_metadata(text)
  if not text or text == '' then return end
  local ok, value = pcall(function() return require('lugger.json').decode(text) end)
  if not ok then
    terminal.line('\nmetadata  ', table_view.cut(terminal.printable(text), 2000))
    return
  end
  local indexes = value.indexes
  if indexes and indexes[1] then
    terminal.line('\nindexes')
    local rows = {}
    while indexes[#rows + 1] do
      local index, notes = indexes[#rows + 1], {}
      for _, option in ipairs { 'unique', 'sparse', 'hidden' } do
        if index[option] then notes[#notes + 1] = option end
      end
      if index.expireAfterSeconds then
        notes[#notes + 1] = ('expires after %s s'):format(tostring(index.expireAfterSeconds))
      end
      if index.partialFilterExpression then
        notes[#notes + 1] = 'partial ' .. tostring(index.partialFilterExpression)
      end
      rows[#rows + 1] = { tostring(index.name), tostring(index.key), table.concat(notes, ', ') }
    end
    terminal.line(table_view.render({ 'name', 'key', '' }, rows, { indent = '  ' }))
  end
  if value.options and tostring(value.options) ~= '{}' then
    terminal.line('\noptions  ', table_view.cut(terminal.printable(tostring(value.options)), 2000))
  end
end

local function show(description)
  local info, words = description.info, { description.info.kind }
  if tonumber(info.bytes) > 0 then words[#words + 1] = terminal.bytes(info.bytes) end
  if info.compressed then words[#words + 1] = 'compressed' end
  words[#words + 1] = terminal.count(description.documents, 'document')
  if not description.complete then words[#words + 1] = 'the first ones; --limit 0 reads all' end
  local name = info.collection ~= '' and (info.database ~= '' and info.database .. '.' or '') .. info.collection
    .. ' in ' or ''
  terminal.line(native.system.mask_text(name), info.place, ' (', table.concat(words, ', '), ')\n')
  if tonumber(description.malformed) > 0 then
    terminal.warn(terminal.count(description.malformed, 'document')
      .. ' cannot be read: bytes that are not valid; a run rejects them')
  end
  terminal.line(#description.fields > 0 and describe_view.fields(description) or 'no documents')
  show_metadata(info.metadata_json)
  if info.oplog then terminal.line('\noplog replayed  ', oplog_view.sentence(info.oplog, true)) end
  for _, manifest in ipairs(info.manifests) do
    terminal.line('\nvectors  ', manifest.column, ': ', manifest.words)
  end
  for _, warning in ipairs(info.warnings) do terminal.warn(warning) end
  oplog_view.advise(info.advice)
end

local function options_of(args)
  local options = {}
  for _, name in ipairs { 'collection', 'table', 'query', 'style' } do options[name] = args[name] end
  options.oplog = oplog_view.choice(args.oplog)
  return options
end

-- Flags that only the census knows.
local full_flags = { 'sample', 'html', 'jobs', 'references', 'no_trial' }

local function check_flags(args)
  for _, name in ipairs(full_flags) do
    if args[name] and not args.full then
      local flag = name:gsub('_', '-')
      flags.usage_error(('--%s belongs to the census'):format(flag), ('add --full: lugger describe %s --full --%s')
        :format(args.place, flag))
    end
  end
  if args.sample and args.limit then
    flags.usage_error('--sample and --limit exclude each other',
      '--sample N takes N documents at random, --limit N the first N')
  end
end

local function run(args)
  check_flags(args)
  if args.full then return require('lugger.inner.census.command').run(args, options_of(args)) end
  local place, options = config.resolve(args.place), options_of(args)
  local tables = has_tables(place)
  if tables then options.table, options.collection = options.table or options.collection, nil end
  local found = native.look_at_place(place, options)
  local count, chosen = #found.collections, options.collection or options.table or options.query
  if not chosen and (count > 1 or tables and count == 0) then
    if args.json then
      terminal.line(json.encode(found.collections))
    else
      show_collections(args.place, found, tables)
    end
    return 0
  end
  if tables and not chosen then options.table = assert(found.collections[1]).collection end
  local description = native.describe(place, options, args.limit or 0)
  if args.json then
    terminal.line(json.encode(description))
  else
    show(description)
  end
  return 0
end

return {
  summary = 'Show what a source holds: its collections, or the fields of one with types, counts and the column '
    .. 'that suits.',
  arguments = {
    { 'place', 'a .bson, JSON or CSV file, a directory of them, an archive, a PostgreSQL URL, a connection' },
  },
  flags = {
    { 'collection', 'one collection of a dump: db.name or name', short = 'c', value = 'NAME' },
    { 'table', 'one table of a PostgreSQL source', value = 'NAME' },
    { 'query', 'a query of a PostgreSQL source', value = 'SQL' },
    { 'style', 'of JSON: extended reads wrappers such as $oid as types of MongoDB (default); plain: as it stands',
      value = 'STYLE', choices = { 'extended', 'plain' } },
    { 'oplog', 'the oplog.bson to replay (default: the one of the dump); no: none', value = 'FILE' },
    { 'limit', 'read at most this many documents (default: all)', value = 'N', type = 'int' },
    { 'json', 'as one JSON object' },
    { 'full', 'the census: every path of every document, with shares, ranges, examples and advice' },
    { 'sample', 'of the census: about N documents of each collection, taken at random', value = 'N', type = 'int',
      least = 1 },
    { 'jobs', 'of the census: threads (default: a core each, at most 4)', short = 'j', value = 'N', type = 'int',
      least = 1 },
    { 'references', 'of the census: look up every value that may refer to another collection' },
    { 'no-trial', 'of the census: leave out the timed trial of a load' },
    { 'html', 'of the census: write it as one HTML page', value = 'FILE' },
  },
  examples = { 'lugger describe dump/', 'lugger describe dump/shop/users.bson.gz',
    'lugger describe shop.archive -c shop.users', 'lugger describe dump/ --full --html census.html' },
  run = run,
}
