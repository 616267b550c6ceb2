-- The SQL in a migration written in Lua, as far as it is literal: the arguments of db:exec, db:query and so on.
-- Nothing of the file is run.
local lua_tokens = require 'lugger.inner.lint.lua_tokens'

local lua_source = {}

---@class lugger.lint.sql_in_lua
---@field sql string
---@field line integer the line the text begins in
---@field exact boolean nothing in it is put together while it runs
---@field unsafe boolean a value may get into it
---@field at integer|nil the line of the call

local calls = { exec = true, query = true, value = true, row = true, each = true }
-- Functions that return SQL that is already quoted.
local safe_calls = { quote = true, quote_table = true, name = true, table = true, literal = true, quote_name = true }

---@type table<string, boolean>, table<string, boolean>
local opening, closing = { ['('] = true, ['{'] = true, ['['] = true }, { [')'] = true, ['}'] = true, [']'] = true }

-- The tokens of an expression that begins at `from`, up to a comma or the closing bracket.
local function expression(tokens, from)
  local list, depth, i = {}, 0, from
  while tokens[i] do
    local token = tokens[i]
    if token.kind == 'operator' then
      if opening[token.text] then depth = depth + 1 end
      if closing[token.text] then
        if depth == 0 then break end
        depth = depth - 1
      end
      if depth == 0 and (token.text == ',' or token.text == ';') then break end
    end
    if depth == 0 and #list > 0 and token.kind == 'name' and tokens[i - 1].kind ~= 'operator' then break end
    list[#list + 1] = token
    i = i + 1
  end
  return list, i
end

local function split(list, separator)
  local parts, depth = { {} }, 0
  for _, token in ipairs(list) do
    if token.kind == 'operator' and opening[token.text] then depth = depth + 1 end
    if token.kind == 'operator' and closing[token.text] then depth = depth - 1 end
    if depth == 0 and token.kind == 'operator' and token.text == separator then
      parts[#parts + 1] = {}
    else
      table.insert(parts[#parts], token)
    end
  end
  return parts
end

local evaluate ---@type fun(list: lugger.lint.token[], variables: table): lugger.lint.sql_in_lua|nil

local function strip(list)
  while #list >= 2 and list[1].text == '(' and list[#list].text == ')' and list[1].kind == 'operator' do
    local depth = 0
    for i, token in ipairs(list) do
      if token.kind == 'operator' and opening[token.text] then depth = depth + 1 end
      if token.kind == 'operator' and closing[token.text] then depth = depth - 1 end
      if depth == 0 and i < #list then return list end
    end
    list = { unpack(list, 2, #list - 1) }
  end
  return list
end

-- A replacement for a part that is not a literal, so that the rest can still be parsed.
local function stand_in(list)
  local last = list[#list]
  if last.kind == 'name' and last.text == 'condition' then return ' true ', false end
  if last.kind == 'number' and #list == 1 then return last.text, false end
  if last.text == ')' then
    local depth = 0
    for i = #list, 1, -1 do
      if list[i].text == ')' then depth = depth + 1 end
      if list[i].text == '(' then depth = depth - 1 end
      if depth == 0 then
        local name = list[i - 1]
        if name and name.kind == 'name' and safe_calls[name.text] then return ' "x" ', false end
        break
      end
    end
  end
  return ' "x" ', true
end

-- ('...'):format(...) and string.format('...', ...)
---@param list lugger.lint.token[]
---@param variables table<string, lugger.lint.sql_in_lua|nil>
local function formatted(list, variables)
  for i, token in ipairs(list) do
    if token.kind == 'name' and token.text == 'format' and list[i + 1] and list[i + 1].text == '(' then
      local arguments = split({ unpack(list, i + 2, #list - 1) }, ',')
      local before = list[i - 1]
      local receiver = before and before.text == ':' and strip { unpack(list, 1, i - 2) }
      local pattern = receiver or table.remove(arguments, 1)
      local base = evaluate(pattern or {}, variables)
      if not base then return nil end
      local out = { sql = base.sql:gsub('%%[sdq]', ' "x" '), line = base.line, exact = false, unsafe = base.unsafe }
      for _, argument in ipairs(arguments) do
        local _, unsafe = stand_in(#argument > 0 and argument or { { kind = 'name', text = '?' } })
        local literal = #argument == 1 and argument[1].kind == 'string'
        out.unsafe = out.unsafe or (unsafe and not literal)
      end
      return out
    end
  end
end

--- The text of an expression; nil when it is not known.
function evaluate(list, variables)
  list = strip(list)
  if #list == 0 then return nil end
  local parts = split(list, '..')
  if #parts == 1 then
    local token = list[1]
    if #list == 1 and token.kind == 'string' then
      return { sql = token.value, line = token.first, exact = true, unsafe = false }
    end
    if #list == 1 and token.kind == 'name' then return variables[token.text] end
    return formatted(list, variables)
  end
  local out = { sql = '', exact = true, unsafe = false }
  for _, part in ipairs(parts) do
    local known = evaluate(part, variables)
    if known then
      out.sql, out.line = out.sql .. known.sql, out.line or known.line
      out.exact, out.unsafe = out.exact and known.exact, out.unsafe or known.unsafe
    else
      local text, unsafe = stand_in(#part > 0 and strip(part) or { { kind = 'name', text = '?' } })
      out.sql, out.exact, out.unsafe = out.sql .. text, false, out.unsafe or unsafe
    end
  end
  return out.line and out or nil
end

---@param tokens lugger.lint.token[]
---@return lugger.lint.token[] list
---@return lugger.lint.token[] comments
local function without_comments(tokens)
  local list, comments = {}, {}
  for _, token in ipairs(tokens) do
    if token.kind == 'comment' then comments[#comments + 1] = token else list[#list + 1] = token end
  end
  return list, comments
end

-- Remembers variables with a known text; a later assignment replaces an earlier one.
local function note_variable(tokens, i, variables)
  if tokens[i].kind == 'name' and tokens[i + 1] and tokens[i + 1].text == '=' and tokens[i + 1].kind == 'operator' then
    local list = expression(tokens, i + 2)
    local known = evaluate(list, variables)
    -- x = x .. y
    variables[tokens[i].text] = known
  end
end

local function call_at(tokens, i)
  local name, before, after = tokens[i], tokens[i - 1], tokens[i + 1]
  if name.kind ~= 'name' or not calls[name.text] or not before or before.text ~= ':' or not after then return nil end
  if after.kind == 'string' then return { after } end
  if after.text == '(' and after.kind == 'operator' then return (expression(tokens, i + 2)) end
end

---@class lugger.lint.lua_facts
---@field found lugger.lint.sql_in_lua[] as they follow in the text
---@field comments lugger.lint.token[]
---@field has_down boolean
---@field steps boolean it runs step by step: batches, transaction = false, helpers of lugger.schema
---@field down_line integer|nil
---@field up_line integer|nil

--- Reads a source.
---@param text string
---@return lugger.lint.lua_facts
function lua_source.read(text)
  local tokens, comments = without_comments(lua_tokens.read(text))
  local out, variables = { found = {}, comments = comments, has_down = false, steps = false }, {}
  for i, token in ipairs(tokens) do
    note_variable(tokens, i, variables)
    local argument = call_at(tokens, i)
    if argument then
      local known = evaluate(argument, variables)
      if known then
        out.found[#out.found + 1] = { sql = known.sql, line = known.line, exact = known.exact, unsafe = known.unsafe,
          at = token.line }
      elseif #argument > 1 then
        local _, unsafe = stand_in(argument)
        if unsafe and argument[1].kind == 'string' then
          out.found[#out.found + 1] = { sql = '', line = token.line, at = token.line, exact = false, unsafe = true }
        end
      end
    end
    local follows = tokens[i + 1]
    if token.kind == 'name' and follows and follows.text == '=' then
      if token.text == 'down' then out.has_down, out.down_line = true, out.down_line or token.line end
      if token.text == 'up' then out.up_line = out.up_line or token.line end
      if token.text == 'transaction' and tokens[i + 2] and tokens[i + 2].text == 'false' then out.steps = true end
    end
    if token.kind == 'name' and (token.text == 'batches' or token.text == 'backfill'
        or token.text == 'change_type') then
      out.steps = true
    end
  end
  return out
end

return lua_source
