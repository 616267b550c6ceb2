-- Aligned tables. If a table is too wide for the terminal, cells are cut with an ellipsis, or, with too many columns,
-- each row is shown as a block. A pipe or a file gets everything.
local system = require('lugger.native').system
local terminal = require 'lugger.inner.view.terminal'

local table_view = {}

local longest_cell = 2000 -- bytes that are used of values that may be megabytes long

-- The width according to the C library: 0 for combining characters, 2 for wide ones.
local function character_width(char)
  local first, size = char:byte(), #char
  if size == 1 then return 1 end
  local code = first < 0xE0 and first - 0xC0 or first < 0xF0 and first - 0xE0 or first - 0xF0
  for i = 2, size do code = code * 64 + (char:byte(i) - 0x80) end
  local width = system.char_width(code --[[@as integer]])
  return width < 0 and 1 or width
end

local function characters(text)
  return text:gmatch('[%z\1-\127\192-\255][\128-\191]*')
end

--- The number of columns that text takes on a terminal.
---@param text string
---@return integer
function table_view.text_width(text)
  if not text:find('[\128-\255]') then return #text end
  local width = 0
  for char in characters(text) do width = width + character_width(char) end
  return width
end

--- Text cut to `width` columns, with an ellipsis if something is missing.
---@param text string
---@param width integer
---@return string
function table_view.cut(text, width)
  if table_view.text_width(text) <= width then return text end
  local out, used = {}, 0
  for char in characters(text) do
    local columns = character_width(char)
    if used + columns > width - 1 then break end
    out[#out + 1], used = char, used + columns
  end
  return table.concat(out) .. '…'
end

local function pad(text, width, right)
  local spaces = (' '):rep(width - table_view.text_width(text))
  return right and spaces .. text or text .. spaces
end

-- The widest columns are narrowed first, each to no less than `least`.
local function narrow(widths, room, least)
  local function total()
    local sum = 0
    for _, width in ipairs(widths) do sum = sum + width end
    return sum
  end
  while total() > room do
    local widest = 1
    for i, width in ipairs(widths) do
      if width > widths[widest] then widest = i end
    end
    if widths[widest] <= least then return false end
    widths[widest] = widths[widest] - 1
  end
  return true
end

local function blocks(headers, cells, options)
  local longest = 0
  for _, header in ipairs(headers) do longest = math.max(longest, table_view.text_width(header)) end
  local lines, is_cut = {}, false
  local room = math.max(20, options.width - longest - 2 - #options.indent) --[[@as integer]]
  for number, row in ipairs(cells) do
    lines[#lines + 1] = ('%s-- %d --'):format(options.indent, number)
    for i, header in ipairs(headers) do
      local text = table_view.cut(row[i], room)
      is_cut = is_cut or text ~= row[i]
      lines[#lines + 1] = options.indent .. pad(header, longest) .. '  ' .. text
    end
  end
  return table.concat(lines, '\n'), is_cut
end

---@class lugger.table_view.options
---@field width integer|nil the terminal's when not given
---@field right table<integer, boolean>|nil columns aligned to the right
---@field indent string|nil
---@field least integer|nil the narrowest a column may get
---@field full boolean|nil nothing is cut
---@field fd integer|nil the stream it is for: 1 (when not given) or 2

--- The text of a table. `right`: the set of columns aligned to the right; `least`: the minimum width of a column.
---@param headers string[]
---@param rows any[][]
---@param options lugger.table_view.options|nil
---@return string
---@return boolean cut whether something is missing in it
function table_view.fit(headers, rows, options)
  options = options or {}
  local full = options.full or not (options.width or terminal.is_terminal(options.fd or 1))
  local settings = { width = options.width or terminal.width(), indent = options.indent or '' }
  local right, widths, cells, is_cut = options.right or {}, {}, {}, false
  for i, header in ipairs(headers) do widths[i] = table_view.text_width(header) end
  for r, row in ipairs(rows) do
    cells[r] = {}
    for i = 1, #headers do
      local text = tostring(row[i] == nil and '' or row[i])
      if not options.full and #text > longest_cell then
        text, is_cut = text:sub(1, longest_cell) .. '…', true
      end
      text = terminal.printable(text)
      cells[r][i] = text
      widths[i] = math.max(widths[i], table_view.text_width(text))
      if not full then widths[i] = math.min(widths[i], settings.width) end
    end
  end
  local room = settings.width - #settings.indent - 2 * (#headers - 1)
  if not full and not narrow(widths, room, options.least or 8) then return blocks(headers, cells, settings) end
  local lines = {}
  local function add(row)
    local parts = {}
    for i = 1, #headers do
      local text = table_view.cut(row[i], widths[i])
      is_cut = is_cut or text ~= row[i]
      parts[i] = pad(text, widths[i], right[i])
    end
    lines[#lines + 1] = (settings.indent .. table.concat(parts, '  ')):gsub('%s+$', '')
  end
  add(headers)
  for _, row in ipairs(cells) do add(row) end
  lines[1] = terminal.paint(options.fd or 1, 'bold', lines[1])
  return table.concat(lines, '\n'), is_cut
end

--- Text of a table, as table_view.fit makes it.
---@param headers string[]
---@param rows any[][]
---@param options lugger.table_view.options|nil
---@return string
function table_view.render(headers, rows, options)
  return (table_view.fit(headers, rows, options))
end

return table_view
