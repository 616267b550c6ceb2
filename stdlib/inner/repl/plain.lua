-- Input at the prompt that is not Lua: SQL without `pg`, and the commands of psql and of shells.
local native = require 'lugger.native'
local statement = require 'lugger.inner.repl.statement'
local value_text = require 'lugger.inner.view.value_text'

local plain = {}

local leaves = { exit = true, quit = true }

local function has(state, name)
  return rawget(state.environment, name) ~= nil or state.known(name) ~= nil
end

--- A command of the prompt in another form, as the prompt's own command: ":quit" for "exit". nil for any other line.
---@param line string
---@param state table of the prompt
---@return string|nil
function plain.command(line, state)
  if line:match '^%s*:%a+' then return line end
  local word, behind = line:match '^%s*(%a+)%s*(.-)%s*$'
  behind = behind or ''
  if leaves[word] and not rawget(state.environment, word) and behind:match '^%(?%s*%)?;?$' then return ':quit' end
  if word == 'help' and behind:match '^;?$' then return 'help()' end
  if line:match '^%s*\\q%s*$' then return ':quit' end
  local topic = line:match '^%s*\\?%?%s*(.-)%s*$' or line:match '^%s*\\h%s+(.-)%s*$' or line:match '^%s*\\h()%s*$'
  if topic then
    return type(topic) == 'string' and topic ~= '' and 'help ' .. value_text.quote(topic) or 'help()'
  end
  if line:match '^%s*\\%a' then return 'pg ' .. value_text.quote(line) end
end

--- True when a line begins a statement of SQL: its first word does, and the line is not valid Lua.
---@param line string
---@param state table of the prompt
---@return boolean
function plain.is_sql(line, state)
  local word = line:match '^%s*(%a+)'
  if not word or not statement.begins_sql(word) or line:match '^%s*%a+%s*[=,][^=]*' then return false end
  if word == 'do' then return line:match "^%s*do%s+[$']" ~= nil or line:match '^%s*do%s+language' ~= nil end
  if word == 'select' then return not line:match '^%s*select%s*%(' end
  if not has(state, word) then return true end
  local chunk, problem = statement.compile(line, {})
  return chunk == nil and problem ~= 'incomplete'
end

-- A column without a table, which may still follow in FROM.
local function names_column(node)
  if type(node) ~= 'table' then return false end
  for key, value in pairs(node) do
    if key == 'ColumnRef' or names_column(value) then return true end
  end
  return false
end

local function lacks_from(tree)
  local last = tree[#tree] and tree[#tree].stmt.SelectStmt
  return last and not last.fromClause and last.targetList and names_column(last.targetList)
end

--- Whether SQL is complete, valid or not; and whether it ends with a semicolon.
---@param sql string
---@return boolean whole
---@return boolean ended
function plain.whole(sql)
  local ok, tree = pcall(native.sql.tree, sql) ---@type boolean, any
  local message = ok and '' or type(tree) == 'table' and tree.message or tostring(tree)
  if message:find 'end of input' or message:find 'unterminated' then return false, false end
  if sql:match ';%s*$' then return true, true end
  return not (ok and lacks_from(tree)), false
end

--- SQL as a Lua statement of the prompt.
---@param sql string
---@return string
function plain.pg(sql)
  sql = sql:gsub('%s*;%s*$', '')
  if not sql:find '[\n\\\']' or sql:find(']]', 1, true) or sql:match '%]$' or sql:match '^\n' then
    return 'pg ' .. value_text.quote(sql)
  end
  return 'pg [[' .. sql .. ']]'
end

return plain
