-- Decides whether the input is a complete statement. It works line by line, so that a long paste takes linear time.
local statement = {}

local opens = { ['function'] = true, ['do'] = true, ['if'] = true, ['repeat'] = true }
local closes = { ['end'] = true, ['until'] = true }
local sql_words = {}
for word in ([[select with insert update delete merge create alter drop truncate begin start explain values table show
  set do call grant revoke analyze vacuum comment copy refresh reindex lock declare execute prepare commit rollback
  savepoint release reset cluster checkpoint discard listen notify fetch deallocate abort]]):gmatch '%S+' do
  sql_words[word] = true
end

--- Whether a word is the first of a statement of SQL.
---@param word string
---@return boolean
function statement.begins_sql(word)
  return sql_words[word:lower()] == true
end

---@class lugger.statement_scanner
---@field depth integer blocks and brackets that are open; below 0 something was closed that was not open
---@field long string|nil what closes the long string or comment under way: "]==]"
---@field quote string|nil the quote of the SQL text under way
---@field escaped boolean|nil
---@field lines string[]
local scanner = {}
local meta = { __index = scanner }

--- A new scanner.
---@return lugger.statement_scanner
function statement.new()
  return setmetatable({ depth = 0, lines = {} }, meta)
end

-- A short string ends with its line, unless it is SQL: as in psql, a statement may continue on the next line.
local function is_sql(text)
  return statement.begins_sql(text:match '^%s*(%a+)' or '') or text:match '^%s*$' ~= nil
end

local function short_string(self, line, at, quote)
  local start = at
  while at <= #line do
    local char = line:sub(at, at)
    if char == '\\' then
      at = at + 1
    elseif char == quote then
      self.quote = nil
      return at + 1
    end
    at = at + 1
  end
  local escaped = line:sub(-1) == '\\' and not line:find '\\\\$'
  if self.quote or escaped or is_sql(line:sub(start)) then
    self.quote = quote
    self.escaped = escaped
  end
  return at
end

local function long_opening(line, at)
  local level = line:match('^%[(=*)%[', at)
  return level and ']' .. level .. ']'
end

local function block_word(self, word)
  if opens[word] then self.depth = self.depth + 1 end
  if closes[word] then self.depth = self.depth - 1 end
end

local function scan(self, line)
  local at = 1
  if self.quote then at = short_string(self, line, 1, self.quote) end
  while at <= #line do
    if self.long then
      local _, last = line:find(self.long, at, true)
      if not last then return end
      self.long, at = nil, last + 1
    end
    local char = line:sub(at, at)
    local word = line:match('^[%a_][%w_]*', at)
    if word then
      block_word(self, word)
      at = at + #word
    elseif line:find('^%-%-', at) then
      self.long = long_opening(line, at + 2)
      if not self.long then return end
      at = at + 2
    elseif char == '[' and long_opening(line, at) then
      self.long = long_opening(line, at)
      at = at + #self.long
    elseif char == '"' or char == "'" then
      at = short_string(self, line, at + 1, char)
    else
      if char:find '[%(%[{]' then self.depth = self.depth + 1 end
      if char:find '[%)%]}]' then self.depth = self.depth - 1 end
      at = at + 1
    end
  end
end

--- Adds a line.
---@param line string
function scanner:add(line)
  -- A short Lua string continues on the next line after a backslash.
  local open = self.quote and not self.escaped
  if open then self.lines[#self.lines] = self.lines[#self.lines] .. '\\' end
  self.escaped = false
  self.lines[#self.lines + 1] = line
  scan(self, line)
end

--- True when more input must follow; false when the compiler can decide.
---@return boolean
function scanner:open()
  return self.depth > 0 or self.long ~= nil or self.quote ~= nil
end

--- The input so far, as Lua.
---@return string
function scanner:text()
  return table.concat(self.lines, '\n')
end

-- psql's describe commands begin with a backslash, which has another meaning in Lua strings: pg '\d users'.
local function double(quote, command)
  return quote .. '\\\\' .. command
end

--- Doubles the backslash in pg '\d ...' for Lua.
---@param text string
---@return string
function statement.describing(text)
  return (text:gsub([[(['"])\(%a[%a+]*)]], double))
end

local function compiled(text)
  local expression = text:match '^%s*=(.*)$' or text:match '^%s*return%f[^%w_](.*)$'
  local chunk, problem = loadstring('return ' .. (expression or text), '=prompt')
  if chunk then return chunk, nil, true, expression or text end
  if not expression then chunk, problem = loadstring(text, '=prompt') end
  return chunk, problem, false, text
end

--- Compiles a statement or an expression. "incomplete": more lines are needed.
---@param text string
---@param environment table
---@return function|nil chunk
---@return string|nil problem
---@return boolean|nil expression whether it is one
---@return string|nil code as it was compiled
function statement.compile(text, environment)
  local chunk, problem, expression, code = compiled(text)
  if not chunk and problem:find('invalid escape', 1, true) then
    chunk, problem, expression, code = compiled(statement.describing(text))
  end
  if chunk then return setfenv(chunk, environment), nil, expression, code end
  ---@cast problem string
  if problem:find("'<eof>'", 1, true) then return nil, 'incomplete' end
  return nil, problem
end

return statement
