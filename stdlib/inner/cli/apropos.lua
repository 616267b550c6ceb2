-- What speaks of a word: functions and types of the library, commands, pages of the manual.
local cli = require 'lugger.inner.cli.cli'
local config = require 'lugger.inner.cli.config'
local help = require 'lugger.inner.cli.help'
local native = require 'lugger.native'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local apropos = {}

local function has(text, word)
  return text:lower():find(word, 1, true) ~= nil
end

-- Pages with the word in a heading or in bold, or else anywhere: the headings.
local function pages(word)
  local rows = {}
  for _, file in ipairs(native.embedded_names 'docs/') do
    local text, name = assert(native.embedded(file)), file:match '^docs/(.+)%.md$'
    local title = text:match '^#%s*([^\n]+)' or ''
    local heading
    for line in text:gmatch '[^\n]+' do
      heading = heading or (line:match '^#' and has(line, word) and line:gsub('^#+%s*', '') or nil)
    end
    if name and not name:find '^api' and (heading or has(name, word)) then
      local found = heading and heading ~= title and title .. ': ' .. heading or title
      rows[#rows + 1] = { ("help '%s'"):format(name), found }
    end
  end
  return rows
end

local function commands(word)
  local rows = {}
  for _, name in ipairs(cli.commands()) do
    local summary = assert(cli.command(name)).summary
    if has(name, word) or has(summary, word) then rows[#rows + 1] = { ("help '%s'"):format(name), summary } end
  end
  return rows
end

--- Shows everything that speaks of a word: what has it in its name first.
---@param word string
function apropos.show(word)
  local rows, lower = {}, word:lower()
  for _, entry in ipairs(help.apropos(word)) do
    if entry.public then rows[#rows + 1] = { entry.signature, help.sentence(entry) } end
  end
  for _, list in ipairs { commands(lower), pages(lower) } do
    for _, row in ipairs(list) do rows[#rows + 1] = row end
  end
  if #rows == 0 then
    config.raise(('nothing speaks of "%s"'):format(word), "help 'pages' lists the pages, help(lugger) the functions")
  end
  for _, row in ipairs(rows) do
    local head = ('%-34s'):format(row[1])
    if #row[1] > 33 then head = row[1] .. '\n' .. (' '):rep(34) end
    local room = math.max(20, terminal.width() - 35)
    terminal.line(head, terminal.is_terminal(1) and table_view.cut(row[2], room) or row[2])
  end
end

return apropos
