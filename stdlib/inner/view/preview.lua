-- A preview as text: the rows of each table, skips and rejects, and the difference between two previews.
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local preview_view = {}

local function shown_value(row, column)
  if row.is_null[column] then return 'NULL' end
  local value = row.values[column]
  if value == 'NULL' or value == '' then return '"' .. value .. '"' end
  return value
end

local function numeric(type_name)
  return type_name:find('^int') or type_name:find('^bigint') or type_name:find('^smallint')
    or type_name:find('^numeric')
    or type_name:find('^float') or type_name:find('^double') or type_name:find('^real')
end

local function rows_of(preview, index)
  local rows = {}
  for _, document in ipairs(preview.documents) do
    for _, row in ipairs(document.fate == 'load' and document.rows or {}) do
      if row.table == index then
        local cells = {}
        for column in ipairs(preview.tables[index].columns) do cells[column] = shown_value(row, column) end
        rows[#rows + 1] = cells
      end
    end
  end
  return rows
end

-- The reason is never cut, because it matters most.
local function show_fate(preview, fate, title)
  local found = {}
  for _, document in ipairs(preview.documents) do
    if document.fate == fate then found[#found + 1] = document end
  end
  if #found == 0 then return end
  terminal.line('\n', title:format(#found))
  for _, document in ipairs(found) do
    terminal.line('  ', terminal.printable(document.id), document.code ~= '' and '  ' .. document.code or '')
    local message = terminal.printable(document.message)
    terminal.line(terminal.is_terminal(1) and terminal.wrap(message, '      ', terminal.width()) or '      ' .. message)
  end
end

--- Prints a preview on standard output.
---@param name string
---@param preview lugger.preview
---@param options { full: boolean|nil, only_filled: boolean|nil }|nil
function preview_view.show(name, preview, options)
  options = options or {}
  local is_cut = false
  terminal.line(terminal.paint(1, 'bold', name), ': ', terminal.count(#preview.documents, 'document'))
  for index, table_plan in ipairs(preview.tables) do
    local rows = rows_of(preview, index)
    local headers, right = {}, {}
    for i, column in ipairs(table_plan.columns) do
      headers[i] = column.name
      right[i] = numeric(column.type) and true or false
    end
    if #rows > 0 or not options.only_filled then
      terminal.line('\n', table_plan.name, ' (', terminal.count(#rows, 'row'), ')')
    end
    if #rows > 0 then
      local text, some = table_view.fit(headers, rows, { right = right, indent = '  ', full = options.full,
        least = 6 })
      terminal.line(text)
      is_cut = is_cut or some
    end
  end
  if is_cut then terminal.say('  … stands where a value is cut; --full shows all of it') end
  show_fate(preview, 'reject', 'rejected (%d)')
  show_fate(preview, 'skip', 'skipped (%d)')
end

local function cells_of(preview, row)
  local table_plan, cells = preview.tables[row.table], {}
  for i, column in ipairs(table_plan.columns) do cells[i] = column.name .. '=' .. shown_value(row, i) end
  return { table = table_plan.name, cells = cells }
end

-- Each document as its rows, or as the one line that says why it has none.
local function outcomes(preview)
  local order, found = {}, {}
  for place, document in ipairs(preview and preview.documents or {}) do
    local rows = {}
    if document.fate == 'load' then
      for i, row in ipairs(document.rows) do rows[i] = cells_of(preview, row) end
    else
      rows[1] = { table = document.fate == 'skip' and 'skipped:' or 'rejected:', cells = { document.message } }
    end
    local key = document.id .. '#' .. place
    order[#order + 1] = key
    found[key] = { id = document.id, rows = rows }
  end
  return order, found
end

-- The cells that differ from the row at the same position; all cells when that row was of another table.
local function line_of(row, other)
  local cells = {}
  local comparable = other and other.table == row.table and #other.cells == #row.cells
  for i, cell in ipairs(row.cells) do
    if not comparable or other.cells[i] ~= cell then cells[#cells + 1] = cell end
  end
  return (not comparable or #cells > 0) and row.table .. ' ' .. table.concat(cells, '  ') or nil
end

local function differences(rows, others)
  local lines = {}
  for i, row in ipairs(rows) do lines[#lines + 1] = line_of(row, others[i]) end
  return lines
end

local function print_lines(sign, colour, lines)
  for _, line in ipairs(lines) do
    local text = terminal.printable(line)
    if terminal.is_terminal(1) then text = table_view.cut(text, terminal.width() - 4) end
    terminal.line(terminal.paint(1, colour, '  ' .. sign .. ' ' .. text))
  end
end

--- Prints the documents whose rows or rejects differ from the earlier preview.
---@param name string
---@param before lugger.preview|nil
---@param after lugger.preview
---@return integer changed
function preview_view.changes(name, before, after)
  local _, old = outcomes(before)
  local order, new = outcomes(after)
  local changed = 0
  for _, key in ipairs(order) do
    local before_rows, rows = old[key] and old[key].rows or {}, new[key].rows
    local gone, come = differences(before_rows, rows), differences(rows, before_rows)
    if #gone + #come > 0 then
      changed = changed + 1
      terminal.line(terminal.paint(1, 'bold', new[key].id))
      print_lines('-', 'red', gone)
      print_lines('+', 'green', come)
    end
  end
  local function rejects(preview)
    local count = 0
    for _, document in ipairs(preview and preview.documents or {}) do
      if document.fate == 'reject' then count = count + 1 end
    end
    return count
  end
  terminal.line(('%s: %s changed; rejects %d -> %d'):format(name, terminal.count(changed, 'document'),
    rejects(before), rejects(after)))
  return changed
end

return preview_view
