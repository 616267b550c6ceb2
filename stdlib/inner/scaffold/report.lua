-- What a scaffold found, for its README and for the terminal.
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

-- As the user's own script has it.
local function kept_row(item)
  local names, tables, columns = {}, 0, 0
  for _, job in ipairs(item.jobs) do
    for i, made in ipairs(job:shape().tables) do
      if i == 1 then names[#names + 1] = made.name end
      tables, columns = tables + 1, columns + #made.columns
    end
  end
  return (names[1] or '?') .. ' (edited)', tostring(tables), tostring(columns)
end

local function rows_of(list)
  local rows = {}
  for i, item in ipairs(list) do
    rows[i] = { item.name, '-', terminal.group(item.census.documents), '-', '-', '-' }
    if item.table then
      local tables, columns = count_tables(item.table)
      rows[i][2], rows[i][4], rows[i][5] = item.table.table, tostring(tables), tostring(columns)
      rows[i][6] = item.unread and '?' or terminal.group(item.rehearsal.rejected)
      if item.kept then rows[i][2], rows[i][4], rows[i][5] = kept_row(item) end
    end
  end
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

-- Everything data may hold, inside a cell of a Markdown table.
local function cell(text)
  return (terminal.printable(text):gsub('[|`<>\\]', '\\%0'))
end

--- README.md: what was found, and how to go on.
---@param list lugger.scaffold.collection[]
---@param args table
---@return string
function scaffold_report.readme(list, args)
  local lines = { '# Migration of ' .. cell((require 'lugger.native').system.mask_secrets(args.place)), '',
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
  local steps = args.onto and 'lugger plan all.lua' or 'lugger plan all.lua --create'
  lines[#lines + 1] = ([[

## In this order
Where `%s` is the present directory of the commands, and the scripts stand in `%s`:
```
%s                      # tables, policies, what stands in the way
lugger run all.lua%s --stage load        # loads; stop and resume at will
lugger verify all.lua                     # every value, on both sides
lugger run all.lua --stage index          # or: psql -f indexes.sql
lugger run all.lua --stage constrain      # or: psql -f constraints.sql
lugger refs all.lua                       # references that dangle, what still uses mongo_id
```
%s%s`lugger scaffold` run again shows what the source has become since; files that were edited are kept.
]]):format(cell(args.out), cell(args.out), steps, args.onto and '' or ' --create',
    args.onto and '' or '`schema.sql` makes the same tables without lugger, for a review or an ORM to look into.\n',
    args.distribute and 'Citus distributes the tables: `CREATE EXTENSION citus` in the database comes before.\n' or '')
  return table.concat(lines, '\n')
end

--- The table of collections, and what is to be minded, for the terminal.
---@param list lugger.scaffold.collection[]
---@param args table
function scaffold_report.show(list, args)
  terminal.line()
  local numbers = { [3] = true, [4] = true, [5] = true, [6] = true }
  terminal.line(table_view.render(headers, rows_of(list), { right = numbers }))
  for _, item in ipairs(list) do
    for _, text in ipairs(refusals_of(item)) do terminal.warn(text) end
    for _, text in ipairs(item.onto_notes or {}) do terminal.warn(item.name .. ': ' .. text) end
  end
  terminal.say('\nnext: read ', args.out, '/README.md, then\n  lugger plan ',
    terminal.shell_quote(args.out .. '/all.lua'), args.onto and '' or ' --create')
end

return scaffold_report
