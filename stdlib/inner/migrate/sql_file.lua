-- A migration written in SQL: `-- up`, `-- down` and `-- no transaction` on lines of their own.
local config = require 'lugger.inner.cli.config'
local foreign_marks = require 'lugger.inner.migrate.marks'
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'

local sql_file = {}

local words = { up = 'up', down = 'down', ['no transaction'] = 'no transaction' }

local function marker_of(line)
  local word = line:match('^%s*%-%-%s*(.-)%s*$')
  return word and words[word:lower():gsub('%s+', ' ')]
end

-- The marks in the text. A line inside a string or a function body is not a mark. Marks of other tools are refused.
---@return { word: string, from: integer, to: integer }[]
local function markers(text, path)
  local found, offsets, at, number = {}, nil, 1, 1
  while at <= #text do
    local stop = text:find('\n', at, true) or #text + 1
    local line = text:sub(at, stop - 1)
    local word = marker_of(line)
    local foreign = not word and foreign_marks.of_line(line)
    if word or foreign then
      offsets = offsets or native.sql.comments(text)
      local dash = at - 1 + line:find('-', 1, true) - 1
      local stands = offsets[dash]
      if foreign and stands then foreign_marks.refuse(foreign, path, number, line) end
      if word and stands then found[#found + 1] = { word = word, from = at, to = stop } end
    end
    at, number = stop + 1, number + 1
  end
  return found
end

local function blank(text)
  return (text:gsub('[^\n]+', function(line) return (' '):rep(#line) end))
end

local function line_of(text, characters)
  local line, seen = 1, 0
  for char in text:gmatch('[%z\1-\127\192-\255][\128-\191]*') do
    seen = seen + 1
    if seen >= characters then break end
    if char == '\n' then line = line + 1 end
  end
  return line
end

local function split(text, path, tolerant)
  local ok, list = pcall(statement.split, text, 1, tolerant) ---@type boolean, any
  if ok then return list end
  local line = line_of(text, tonumber(list.notes and list.notes.position) or 1)
  config.raise(('%s:%d: %s'):format(path, line, list.message or tostring(list)), list.hint)
end

local function empty(text)
  local ok, list = pcall(native.sql.split, text)
  return ok and #list == 0
end

--- Text without a byte order mark, and with plain newlines.
---@param text string
---@return string
function sql_file.normal(text)
  return (text:gsub('^\239\187\191', ''):gsub('\r\n', '\n'))
end

---@class lugger.sql_sections
---@field up lugger.sql_section
---@field down lugger.sql_section|nil

---@class lugger.sql_section
---@field statements lugger.statement[]
---@field no_transaction boolean

--- The sections of a file. Text before the first mark is `up`, and so is a file without marks.
---@param text string
---@param path string for messages
---@param tolerant boolean|nil what is no statement is among them, as statement.split has it
---@return lugger.sql_sections
function sql_file.parse(text, path, tolerant)
  text = sql_file.normal(text)
  local marks, whole = markers(text, path), false
  local sections = {} ---@type table<string, table|nil>
  local current ---@type table|nil
  for i, mark in ipairs(marks) do
    if mark.word == 'no transaction' then
      if current then current.no_transaction = true else whole = true end
    else
      if not current and not empty(text:sub(1, mark.from - 1)) then
        if mark.word == 'up' then
          config.raise(('%s: statements stand before the first `-- up`'):format(path), 'move them below it')
        end
        sections.up = { text = text:sub(1, mark.from - 1), no_transaction = whole }
      end
      if sections[mark.word] then
        config.raise(('%s: `-- %s` stands there twice'):format(path, mark.word))
      end
      local stop = #text
      for j = i + 1, #marks do
        if marks[j].word ~= 'no transaction' then
          stop = marks[j].from - 1
          break
        end
      end
      -- Earlier text is replaced by blanks, so that line numbers are those of the file.
      current = { text = blank(text:sub(1, mark.to)) .. text:sub(mark.to + 1, stop), no_transaction = whole }
      sections[mark.word] = current
    end
  end
  if not current then sections.up = { text = text, no_transaction = whole } end
  for _, section in pairs(sections) do
    section.no_transaction = section.no_transaction or whole
    section.statements = split(section.text, path, tolerant)
  end
  if not sections.up then
    config.raise(path .. ' has a `-- down` but no `-- up`', 'write `-- up` above what it does')
  end
  return sections --[[@as lugger.sql_sections]]
end

return sql_file
