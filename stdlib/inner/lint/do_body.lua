-- The SQL in a DO block of PL/pgSQL, as far as it is literal. Other parts, such as conditions, are skipped.
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'

local do_body = {}

---@class lugger.lint.inner_statement
---@field st lugger.statement
---@field offset integer where it begins in the text of the DO

local opens = { begin = true, ['then'] = true, ['else'] = true, loop = true }
local verbs = {}
for word in ('insert update delete merge truncate alter create drop with select perform execute lock refresh reindex '
  .. 'cluster copy set reset comment grant revoke rename analyze call commit rollback'):gmatch('%S+') do
  verbs[word] = true
end

local function body_of(st)
  local as, language = statement.option(st.node.args, 'as'), statement.option(st.node.args, 'language')
  local name = language and language.arg.String and language.arg.String.sval
  if not as or name and name ~= 'plpgsql' then return nil end
  local body = as.arg.String and as.arg.String.sval
  local found = body and st.text:find(body, 1, true)
  return body, found and found - 1
end

local function unquoted(text)
  local tag = text:match('^%$[^$]*%$')
  if tag then return text:sub(#tag + 1, -#tag - 1) end
  local inner = text:match("^[eE]?'(.*)'$")
  return inner and inner:gsub("''", "'") .. ''
end

local function word(token) return token.text:lower() end

-- The text of one operand of ||. format('text', ...) gives its text; anything else that is not text becomes a name.
local function operand(tokens)
  local first = tokens[1] and word(tokens[1]) == 'format' and tokens[3] or #tokens == 1 and tokens[1]
  local sql = first and first.kind == 'text' and unquoted(first.text)
  if not sql then return ' "x" ' end
  if first == tokens[1] then return sql end
  return (sql:gsub('%%%d*%$?[Is]', '"x"'):gsub('%%%d*%$?L', "'x'"))
end

-- The SQL of EXECUTE, as far as it is literal: the tokens up to INTO or USING.
---@return string sql
---@return integer offset
local function executed(tokens, from, to)
  local sql, part, depth = '', {}, 0
  for i = from + 1, to do
    local text = word(tokens[i])
    if depth == 0 and (text == 'into' or text == 'using') then break end
    if text == '(' then depth = depth + 1 end
    if text == ')' then depth = depth - 1 end
    if depth == 0 and text == '||' then
      sql, part = sql .. operand(part), {}
    else
      part[#part + 1] = tokens[i]
    end
  end
  return sql .. operand(part), tokens[from].offset
end

-- Ranges of tokens that are statements: from the verb to the semicolon, or to LOOP for the query of a FOR.
local function stretches(tokens)
  local list, first, depth = {}, nil, 0
  for i, token in ipairs(tokens) do
    local text = word(token)
    if text == '(' then depth = depth + 1 end
    if text == ')' then depth = depth - 1 end
    local head = first and word(tokens[first])
    if text == ';' and depth <= 0 then
      if head and verbs[head] then list[#list + 1] = { first, i - 1 } end
      first, depth = nil, 0
    elseif first and depth == 0 and text == 'loop' and head and verbs[head] and tokens[first - 1]
        and word(tokens[first - 1]) == 'in' then
      list[#list + 1] = { first, i - 1 }
      first = i + 1
    elseif depth == 0 and not (head and verbs[head]) and opens[text] then
      first = i + 1
    elseif depth == 0 and head == 'for' and text == 'in' then
      first = i + 1
    elseif not first then
      first = i
    end
  end
  return list
end

--- The statements in a DO block, in order.
---@param st lugger.statement
---@return lugger.lint.inner_statement[]
function do_body.statements(st)
  local body, base = body_of(st)
  local ok, tokens = pcall(native.sql.tokens, body or '')
  local list, kept = {}, {}
  for _, token in ipairs(ok and body and tokens or {}) do
    if token.kind ~= 'comment' then kept[#kept + 1] = token end
  end
  for _, one in ipairs(stretches(kept)) do
    local from = assert(kept[one[1]])
    local to = assert(kept[one[2]])
    local sql, offset = body:sub(from.offset + 1, to.offset + #to.text), from.offset
    if word(from) == 'execute' then sql, offset = executed(kept, one[1], one[2]) end
    if sql and word(from) == 'perform' then sql = 'SELECT ' .. sql:sub(9) end
    local inner = sql and statement.read(sql)
    if inner and inner.node then list[#list + 1] = { st = inner, offset = (base or 0) + offset } end
  end
  return list
end

return do_body
