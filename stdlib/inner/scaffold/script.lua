-- Writes the Lua script of a collection, with the reasons as comments.
local lua_text = require 'lugger.inner.scaffold.lua_text'
local terminal = require 'lugger.inner.view.terminal'

local scaffold_script = {}

local widest = 118

local function column_line(column, indent)
  local record = lua_text.record({ column.name, column.type }, column.keys)
  local note = table.concat(column.notes, '; ')
  local line = indent .. record .. ','
  if note == '' then return line end
  local beside = line .. ' -- ' .. terminal.printable(note)
  if #beside <= widest then return beside end
  return lua_text.comment(note, indent) .. '\n' .. line
end

local function columns_block(lines, columns, indent)
  lines[#lines + 1] = indent .. 'columns = {'
  for _, column in ipairs(columns) do lines[#lines + 1] = column_line(column, indent .. '  ') end
  lines[#lines + 1] = indent .. '},'
end

local function children_block(lines, children, indent)
  if #children == 0 then return end
  lines[#lines + 1] = indent .. 'children = {'
  for _, child in ipairs(children) do
    for _, note in ipairs(child.notes) do lines[#lines + 1] = lua_text.comment(note, indent .. '  ') end
    lines[#lines + 1] = indent .. '  {'
    lines[#lines + 1] = ('%s    table = %s, from = %s,%s%s'):format(indent, lua_text.quote(child.table),
      lua_text.quote(child.from), child.parent and ' parent = ' .. lua_text.value(child.parent) .. ',' or '',
      child.ordinal and ' ordinal = ' .. lua_text.quote(child.ordinal) .. ',' or '')
    columns_block(lines, child.columns, indent .. '    ')
    children_block(lines, child.children, indent .. '    ')
    lines[#lines + 1] = indent .. '  },'
  end
  lines[#lines + 1] = indent .. '},'
end

-- A table too long for a line, with one key a line.
local function block(named, indent)
  local lines = { '{' }
  for _, pair in ipairs(named) do
    if pair[2] ~= nil then
      lines[#lines + 1] = ('%s  %s = %s,'):format(indent, lua_text.key(pair[1]), lua_text.value(pair[2]))
    end
  end
  lines[#lines + 1] = indent .. '}'
  return table.concat(lines, '\n')
end

-- `head`, the table and `tail`, on one line if they fit.
local function fitted(head, named, tail, indent)
  local line = indent .. head .. lua_text.record({}, named) .. tail
  return #line <= widest and line or indent .. head .. block(named, indent) .. tail
end

-- Entries of `indexes` and `constraints`, one a line, with their comments above. `own`: the table for entries that name
-- none, in a job with routes to several tables.
local function entries_block(lines, name, entries, order, own)
  if #entries == 0 then return end
  lines[#lines + 1] = '  ' .. name .. ' = {'
  for _, entry in ipairs(entries) do
    for _, note in ipairs(entry.notes or {}) do lines[#lines + 1] = lua_text.comment(note, '    ') end
    if entry.value then
      local named = {}
      for i, key in ipairs(order) do named[i] = { key, entry.value[key] or key == 'table' and own or nil } end
      lines[#lines + 1] = fitted('', named, ',', '    ')
    end
  end
  lines[#lines + 1] = '  },'
end

local index_keys = { 'table', 'name', 'columns', 'unique', 'method', 'where', 'include', 'opclass', 'with',
  'nulls_not_distinct', 'setup' }
local constraint_keys = { 'table', 'name', 'not_null', 'check', 'unique', 'foreign_key', 'references', 'referenced',
  'on_delete', 'sql' }

---@class lugger.scaffold.script everything a script says
---@field title string[] comment lines in front
---@field source string Lua text of the source
---@field target string Lua text of the place
---@field table lugger.scaffold.table
---@field advice string[] paragraphs above the job
---@field route string[] commented lines
---@field indexes { value: table|nil, notes: string[] }[]
---@field not_null string[]
---@field constraints { value: table|nil, notes: string[] }[]

--- The text of the script.
---@param script lugger.scaffold.script
---@return string
function scaffold_script.text(script)
  local made, lines = script.table, {}
  for _, line in ipairs(script.title) do lines[#lines + 1] = lua_text.comment(line) end
  lines[#lines + 1] = "local lugger = require 'lugger'\n"
  for _, paragraph in ipairs(script.advice) do lines[#lines + 1] = lua_text.comment(paragraph) end
  for _, note in ipairs(made.notes) do lines[#lines + 1] = lua_text.comment(note) end
  lines[#lines + 1] = 'return lugger.copy {'
  lines[#lines + 1] = '  from = ' .. script.source .. ','
  local options = { { 'table', made.table } } ---@type { [1]: string, [2]: any }[]
  if made.key then
    options[#options + 1] = { 'key', made.key }
    options[#options + 1] = { 'on_conflict', 'update' }
  end
  options[#options + 1] = { 'distribute', made.distribute }
  lines[#lines + 1] = fitted(('into = lugger.target(%s, '):format(script.target), options, '),', '  ')
  columns_block(lines, made.columns, '  ')
  children_block(lines, made.children, '  ')
  for _, line in ipairs(script.route) do lines[#lines + 1] = '  -- ' .. terminal.printable(line) end
  local own = #script.route > 0 and made.table or nil
  entries_block(lines, 'indexes', script.indexes, index_keys, own)
  if #script.not_null > 0 then
    lines[#lines + 1] = '  -- every document has these: made NOT NULL by the stage "constrain", not before'
    lines[#lines + 1] = '  not_null = ' .. lua_text.value(script.not_null) .. ','
  end
  entries_block(lines, 'constraints', script.constraints, constraint_keys, own)
  lines[#lines + 1] = '}'
  return table.concat(lines, '\n') .. '\n'
end

return scaffold_script
