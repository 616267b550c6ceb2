-- A page of the manual on a terminal: wrapped prose, and tables as lists when they are too wide.
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local page_view = {}

-- Removes links, which are for readers of the files, and comments, which are for tools.
local function plain(text)
  return (text:gsub('%[([^%]]*)%]%([^%)]*%)', '%1'):gsub('<!%-%-.-%-%->', ''):gsub('%*%*(.-)%*%*', '%1'))
end

local function cells_of(line)
  local cells = {}
  for cell in line:gsub('\\|', '\1'):gsub('^|', ''):gmatch('([^|]*)|') do
    cells[#cells + 1] = (plain(cell):gsub('\1', '|'):gsub('^%s+', ''):gsub('%s+$', ''))
  end
  return cells
end

-- The other columns of a row, each with its title; columns with equal content are combined.
local function told(header, row)
  local parts, places = {}, {}
  for i = 2, #header do
    local text = row[i] or ''
    if text ~= '' and #header > 7 then
      if not places[text] then
        parts[#parts + 1] = text .. ': ' .. header[i]
        places[text] = #parts
      else
        parts[places[text]] = parts[places[text]] .. ', ' .. header[i]
      end
    elseif text ~= '' then
      parts[#parts + 1] = (#header > 2 and header[i] ~= '' and header[i] .. ': ' or '') .. text
    end
  end
  return table.concat(parts, '; ')
end

-- A table that fits is shown as a table; otherwise the first column is a heading for the others.
local function table_text(rows, width)
  local header = table.remove(rows, 1)
  table.remove(rows, 1) -- the line of dashes
  local text = table_view.render(header, rows, { full = true })
  local widest = 0
  for line in text:gmatch('[^\n]+') do widest = math.max(widest, table_view.text_width(line)) end
  if widest <= width then return text end
  local lines = {}
  for _, row in ipairs(rows) do
    lines[#lines + 1] = '  ' .. row[1]
    lines[#lines + 1] = terminal.wrap(told(header, row), '      ', width)
  end
  return table.concat(lines, '\n')
end

-- Groups lines into blocks with a kind: "code", "table", "title", "item" or "prose".
local function blocks_of(text)
  local blocks, fenced = {}, false
  local function add(kind, line, anew)
    local last = blocks[#blocks]
    if not last or last.kind ~= kind or anew then
      last = { kind = kind, lines = {} }
      blocks[#blocks + 1] = last
    end
    table.insert(last.lines, line)
  end
  for line in (text .. '\n'):gmatch('(.-)\n') do
    if line:match('^```') then
      fenced = not fenced
      add('end', '', true)
    elseif fenced or line:match('^    ') then
      add('code', line)
    elseif line:match('^|') then
      add('table', line)
    elseif line:match('^#+ ') then
      add('title', line, true)
    elseif line:match('^%s*$') then
      add('end', '', true)
    elseif line:match('^%s*%-%s') or line:match('^%d+%.%s') then
      add('item', line, true)
    else
      local last = blocks[#blocks]
      add(last and last.kind == 'item' and 'item' or 'prose', line)
    end
  end
  return blocks
end

local function block_text(block, width)
  if block.kind == 'code' then return '  ' .. table.concat(block.lines, '\n  ') end
  if block.kind == 'title' then
    return terminal.paint(1, 'bold', (block.lines[1]:gsub('^#+ ', '')))
  elseif block.kind == 'table' then
    local rows = {}
    for i, line in ipairs(block.lines) do rows[i] = cells_of(line) end
    return table_text(rows, width)
  end
  local text = plain(table.concat(block.lines, ' '))
  if block.kind == 'item' then return (terminal.wrap(text, '    ', width):gsub('^  ', '')) end
  return terminal.wrap(text, '', width)
end

--- The text of a page as a terminal shows it.
---@param text string Markdown
---@return string
function page_view.render(text)
  local width, parts = math.min(terminal.width(), 100), {}
  local gap = false
  for _, block in ipairs(blocks_of(text)) do
    if block.kind == 'end' then
      gap = true
    else
      local shown = block_text(block, width)
      if shown:match('%S') then
        if gap and #parts > 0 then parts[#parts + 1] = '' end
        parts[#parts + 1] = shown
        gap = block.kind == 'title'
      end
    end
  end
  return table.concat(parts, '\n')
end

return page_view
