-- The secrets used in a session at the prompt, in places and in PASSWORD clauses, so that :save writes none of them.
local native = require 'lugger.native'

local seen_secrets = {}

local seen = {}

local function note(text)
  if text and text ~= '' then seen[text] = true end
end

--- Adds the password of a place, both as written and decoded.
---@param place string
function seen_secrets.note_place(place)
  local ok, _, password = pcall(native.pg_program_place, place)
  if ok then note(password) end
  note(place:match '//[^:/@]*:(.*)@' or place:match '^[^:/@]+:(.*)@')
end

--- Adds the string constants after PASSWORD.
---@param sql string
function seen_secrets.note_sql(sql)
  local lower, at = sql:lower(), 1
  while true do
    local _, quote = lower:find("password%s*[eu]?&?'", at)
    if not quote then break end
    local closing = lower:find("'", quote + 1, true)
    while closing and lower:sub(closing + 1, closing + 1) == "'" do closing = lower:find("'", closing + 2, true) end
    note((sql:sub(quote + 1, (closing or #sql + 1) - 1):gsub("''", "'")))
    at = (closing or #sql) + 1
  end
  for from, tag in lower:gmatch 'password%s*()(%$[%w_]*%$)' do
    local body = from --[[@as integer]] + #tag
    note(sql:sub(body, (sql:lower():find(tag, body, true) or #sql + 1) - 1))
  end
end

-- True for a secret long and varied enough not to be part of another word by chance.
local function is_telling(secret)
  return #secret >= 6 and secret:find '[^%l]' ~= nil
end

--- True when a text is one of the secrets, with or without quotes, or contains one.
---@param text string
---@return boolean
function seen_secrets.is_in(text)
  if seen[text] or seen[text:match '^[%s\'"]*(.-)[%s\'"]*$'] then return true end
  for secret in pairs(seen) do
    if is_telling(secret) and text:find(secret, 1, true) then return true end
  end
  return false
end

return seen_secrets
