-- Whether an expression only reads: what it calls is known to change nothing in Lua. What changes outside is counted
-- elsewhere.
local lua_tokens = require 'lugger.inner.lint.lua_tokens'

local reads = {}

local readers = {}
for word in ([[
  help print write tostring tonumber type rawget rawequal select pairs ipairs unpack pcall assert error getmetatable
  describe census columns collections info resolved state plan preview trace
  find where limit skip sort project count first list docs
  query row value each exec quote is_null open use
  json get has with fields copy totable number bytes hex time unix milliseconds format add trunc div round abs
  coerce try_coerce rejects
]]):gmatch '%S+' do
  readers[word] = true
end

local words = {}
for word in ('and or not if elseif then else while until do in return function local repeat'):gmatch '%S+' do
  words[word] = true
end

---@type table<string, boolean|nil>
local libraries = { string = true, math = true, bit = true, os = true, vector = true, json = true }

local function is_reader(tokens, at, is_session)
  local name, before, owner = tokens[at].text, tokens[at - 1], tokens[at - 2]
  local dot = before and (before.text == '.' or before.text == ':')
  if not dot then
    return readers[name] or require('lugger').has(name) or is_session(name)
  end
  if before.text == '.' and owner and (libraries[owner.text] or owner.text == 'lugger') then return true end
  return readers[name] or (before.text == ':' and string[name] ~= nil)
end

local function begins_call(token)
  return token and (token.text == '(' or token.text == '{' or token.kind == 'string')
end

--- Whether the code of an expression calls nothing but what reads.
---@param code string
---@param is_session fun(name: string): boolean tells the variables that speak SQL
---@return boolean
function reads.only(code, is_session)
  local tokens = {}
  for _, token in ipairs(lua_tokens.read(' ' .. code)) do
    if token.kind ~= 'comment' then tokens[#tokens + 1] = token end
  end
  for at, token in ipairs(tokens) do
    if begins_call(tokens[at + 1]) then
      local of_result = token.text == ')' or token.text == ']' or token.text == '}' or token.kind == 'string'
      if of_result then return false end
      if token.kind == 'name' and not words[token.text] and not is_reader(tokens, at, is_session) then return false end
    end
  end
  return true
end

return reads
