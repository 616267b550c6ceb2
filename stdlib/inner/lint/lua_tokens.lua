-- The tokens of Lua source, with their lines: enough to find calls and their arguments.
local lua_tokens = {}

---@class lugger.lint.token
---@field kind "name"|"string"|"number"|"operator"|"comment"
---@field text string
---@field value string|nil what a string holds
---@field line integer
---@field first integer|nil the line in which the contents of a string begin

local escapes = { n = '\n', r = '\r', t = '\t', a = '\a', b = '\b', f = '\f', v = '\v', ['\n'] = '\n' }

local function unescape(body)
  body = body:gsub('\\z%s*', '')
  body = body:gsub('\\(%d%d?%d?)', function(digits) return string.char(tonumber(digits) --[[@as integer]] % 256) end)
  body = body:gsub('\\x(%x%x)', function(digits) return string.char(tonumber(digits, 16) --[[@as integer]]) end)
  return (body:gsub('\\(.)', function(char) return escapes[char] or char end))
end

local function quoted_end(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text do
    local char = text:sub(i, i)
    if char == '\\' then
      i = i + 1
    elseif char == quote or char == '\n' then
      break
    end
    i = i + 1
  end
  return i
end

local function long_bracket(text, at)
  local equals = text:match('^%[(=*)%[', at)
  if not equals then return nil end
  local body = at + #equals + 2
  local close = text:find(']' .. equals .. ']', body, true)
  local stop = close and close + #equals + 1 or #text
  return stop, text:sub(body, (close or #text + 1) - 1)
end

local operators = { '...', '..', '==', '~=', '<=', '>=', '::' }

local function operator_at(text, at)
  for _, operator in ipairs(operators) do
    if text:sub(at, at + #operator - 1) == operator then return operator end
  end
  return text:sub(at, at)
end

-- One token at `at`, and the position of the next.
local function read(text, at)
  if text:find('^%-%-', at) then
    local stop = long_bracket(text, at + 2)
    stop = stop or (text:find('\n', at, true) or #text + 1) - 1
    return { kind = 'comment', text = text:sub(at, stop) }, stop + 1
  end
  local word = text:match('^[%a_][%w_]*', at)
  if word then return { kind = 'name', text = word }, at + #word end
  local number = text:match('^0[xX]%x+', at) or text:match('^%d+%.?%d*[eE][+-]?%d+', at) or text:match('^%d+%.?%d*', at)
  if number then return { kind = 'number', text = number }, at + #number end
  local char = text:sub(at, at)
  if char == '"' or char == "'" then
    local stop = quoted_end(text, at)
    return { kind = 'string', text = text:sub(at, stop), value = unescape(text:sub(at + 1, stop - 1)) }, stop + 1
  end
  local stop, body = long_bracket(text, at)
  if stop then
    -- A newline directly after the bracket is not part of the string.
    local skipped = body:match('^\r?\n')
    return { kind = 'string', text = text:sub(at, stop), value = skipped and body:sub(#skipped + 1) or body,
      skipped = skipped and 1 or 0 }, stop + 1
  end
  local operator = operator_at(text, at)
  return { kind = 'operator', text = operator }, at + #operator
end

--- Reads the tokens of a source; also gives tokens for text that is not valid Lua.
---@param text string
---@return lugger.lint.token[]
function lua_tokens.read(text)
  local list, at, line = {}, 1, 1
  if text:sub(1, 1) == '#' then at = text:find('\n', 1, true) or #text + 1 end
  while true do
    local blank = text:match('^%s*', at) --[[@as string]]
    line = line + select(2, blank:gsub('\n', ''))
    at = at + #blank
    if at > #text then return list end
    local token, after = read(text, at)
    token.line, token.first = line, line + (token.skipped or 0)
    list[#list + 1] = token
    line = line + select(2, token.text:gsub('\n', ''))
    at = after
  end
end

return lua_tokens
