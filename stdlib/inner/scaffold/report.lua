-- The results of a scaffold, for its README and for the terminal.
local all_jobs = require 'lugger.inner.scaffold.all_jobs'
local scaffold = require 'lugger.inner.scaffold.scaffold'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local scaffold_report = {}

local function count_tables(made)
  local tables, columns = 1, #made.columns
  for _, child in ipairs(made.children) do
    local below, more = count_tables(child)
    tables, columns = tables + below, columns + more
  end
  return tables, columns
end

-- A row for the user's own version of the script.
local function kept_row(item, mark)
  local names, tables, columns = {}, 0, 0
  for _, job in ipairs(item.jobs) do
    for i, made in ipairs(job:shape().tables) do
      if i == 1 then names[#names + 1] = made.name end
      tables, columns = tables + 1, columns + #made.columns
    end
  end
  return (names[1] or '?') .. mark, tostring(tables), tostring(columns)
end

local function rows_of(list)
  local rows = {}
  for _, item in ipairs(list.beside) do
    local row = { item.name, '?', '-', '?', '?', '-' }
    if item.jobs[1] then row[2], row[4], row[5] = kept_row(item, '') end
    rows[#rows + 1] = row
  end
  for _, item in ipairs(list) do
    local row = { item.name, '-', terminal.group(item.census.documents), '-', '-', '-' }
    if item.table then
      local tables, columns = count_tables(item.table)
      row[2], row[4], row[5] = item.table.table, tostring(tables), tostring(columns)
      row[6] = item.unread and '?' or terminal.group(item.rehearsal.rejected)
      if item.kept then row[2], row[4], row[5] = kept_row(item, ' (edited)') end
    end
    rows[#rows + 1] = row
  end
  table.sort(rows, function(a, b) return a[1] < b[1] end)
  return rows
end

local headers = { 'collection', 'table', 'documents', 'tables', 'columns', 'refused' }

local function refusals_of(item)
  local list = {}
  for _, refusal in ipairs(item.rehearsal and item.rehearsal.refusals or {}) do
    list[#list + 1] = ('%s%s: %s (%s: %s)'):format(item.name, refusal.column ~= '' and '.' .. refusal.column or '',
      refusal.message, terminal.count(refusal.documents, 'document'), table.concat(refusal.examples, ', '))
  end
  return list
end

-- Escapes any data for a cell of a Markdown table.
local function cell(text)
  return (terminal.printable(text):gsub('[|`<>\\]', '\\%0'))
end

-- The places of this scaffold and the earlier ones, each once.
local function places_of(list, args)
  local places = { (require 'lugger.native').system.mask_secrets(args.place) } ---@type string[]
  local seen = { [places[1]] = true } ---@type table<string, boolean|nil>
  for _, item in ipairs(list.beside) do
    if item.place ~= '' and not seen[item.place] then
      seen[item.place] = true
      places[#places + 1] = item.place
    end
  end
  table.sort(places)
  if #places > 3 then places = { places[1], places[2], ('%d more'):format(#places - 2) } end
  return table.concat(places, ', ')
end

-- Commands to type in the directory where scaffold ran, because the scripts name their source relative to it.
local function commands(args, live)
  local all, create = terminal.shell_quote(args.out .. '/all.lua'), args.onto and '' or ' --create'
  local function file(name) return terminal.shell_quote(args.out .. '/' .. name) end
  local function by_hand(name)
    if args.onto or not scaffold.by_variable(args.into) then return '' end
    return ('   # or: psql "$PG_URI" -f ' .. file(name))
  end
  local lines = { ('lugger plan %s%s   # tables, policies, problems'):format(all, create) }
  local function add(line, more) lines[#lines + 1] = line:format(all, more) end
  if live then
    add('lugger move %s%s   # copies, then applies the changes until it is stopped; the same command goes on', create)
    add 'lugger status %s   # from another terminal: how far it is'
    add 'lugger verify %s --live   # every value, on both sides, while both change'
  else
    add('lugger run %s%s --stage load   # loads; stop and resume at will', create)
    add 'lugger verify %s   # every value, on both sides'
    add('lugger run %s --stage index%s', by_hand 'indexes.sql')
    add('lugger run %s --stage constrain%s', by_hand 'constraints.sql')
  end
  add 'lugger refs %s   # references that dangle, what still uses mongo_id'
  return table.concat(lines, '\n')
end

-- The variables that the scripts read, for a sentence.
local function variables(args, live)
  local list = {} ---@type string[]
  if live then list[1] = '`MONGO_URI` set to the source' end
  if scaffold.by_variable(args.into) then
    list[#list + 1] = (live and '`PG_URI` to the target') or '`PG_URI` set to the target'
  end
  return #list > 0 and ', with ' .. table.concat(list, ' and ') or ''
end

local standalone = 'A standalone server keeps no oplog and cannot be followed: stop what writes to it, and give `run` '
  .. 'in\nplace of `move`. A move builds the indexes and constraints itself, behind the copy.\n'

--- README.md: what was found, and what to do next.
---@param list lugger.scaffold.list
---@param args table
---@return string
function scaffold_report.readme(list, args)
  local live = all_jobs.are_live(list)
  local lines = { '# Migration of ' .. cell(places_of(list, args)), '',
    'Made by `lugger scaffold`, to be read and edited. Every column says why it is what it is.', '',
    '| ' .. table.concat(headers, ' | ') .. ' |', '|---|---|--:|--:|--:|--:|' }
  for _, row in ipairs(rows_of(list)) do
    for i, text in ipairs(row) do row[i] = cell(text) end
    lines[#lines + 1] = '| ' .. table.concat(row, ' | ') .. ' |'
  end
  lines[#lines + 1] = '\nEvery document was sent through these mappings: "refused" counts those that no table can take.'
  for _, item in ipairs(list) do
    for _, text in ipairs(refusals_of(item)) do lines[#lines + 1] = '- ' .. cell(text) end
    for _, text in ipairs(item.onto_notes or {}) do lines[#lines + 1] = '- ' .. cell(item.name .. ': ' .. text) end
  end
  for _, item in ipairs(list.passed) do
    lines[#lines + 1] = '- ' .. cell(('%s: left out: %s'):format(item.name, item.reason))
  end
  lines[#lines + 1] = ([[

## In this order
In the directory in which `lugger scaffold` was run%s:
```sh
%s
```
%s%s`lugger scaffold` run again shows what the source has become since; files that were edited are kept, and scripts of
other sources in this directory stay.
]]):format(variables(args, live), commands(args, live),
    args.onto and '' or '`schema.sql` makes the same tables without lugger, for a review or an ORM to look into.\n',
    (live and standalone or '')
      .. (args.distribute and 'Citus distributes the tables: `CREATE EXTENSION citus` in the database comes before.\n'
        or ''))
  return table.concat(lines, '\n')
end

--- The table of collections and the remarks, for the terminal.
---@param list lugger.scaffold.list
---@param args table
function scaffold_report.show(list, args)
  terminal.line()
  local numbers = { [3] = true, [4] = true, [5] = true, [6] = true }
  terminal.line(table_view.render(headers, rows_of(list), { right = numbers }))
  for _, item in ipairs(list) do
    for _, text in ipairs(refusals_of(item)) do terminal.warn(text) end
    for _, text in ipairs(item.onto_notes or {}) do terminal.warn(item.name .. ': ' .. text) end
  end
  for _, item in ipairs(list.passed) do terminal.warn(('%s: left out: %s'):format(item.name, item.reason)) end
  terminal.say('\nnext: read ', args.out, '/README.md, then\n  lugger plan ',
    terminal.shell_quote(args.out .. '/all.lua'), args.onto and '' or ' --create')
end

return scaffold_report
