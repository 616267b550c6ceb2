-- The history of the prompt: kept between sessions, each statement once, without secrets.
local native = require 'lugger.native'
local config = require 'lugger.inner.cli.config'
local edit, system = native.edit, native.system

local history = {}

local longest = 20000 -- bytes: longer text was pasted and is not kept

local function path()
  local home = system.getenv('XDG_STATE_HOME')
  if not home or home == '' then
    local user = system.getenv('HOME')
    if not user or user == '' then return nil end
    home = user .. '/.local/state'
  end
  return home .. '/lugger/history'
end

--- Text without its secrets: passwords in URLs and connection strings, and values of variables with a secret's name
--- from the environment or .env. False when the statement must be left out.
---@param text string
---@return string|false
function history.without_secrets(text)
  for name, secret in pairs(config.secrets()) do
    if text:find(secret, 1, true) then
      local before = text
      text = text:gsub('(["\'])(.-)%1', function(quote, inner)
        if inner == secret then return 'env.' .. name end
        return quote .. inner .. quote
      end)
      if text == before or text:find(secret, 1, true) then return false end
    end
  end
  text = text:gsub('(["\'])(.-)%1', function(quote, inner) return quote .. system.mask_secrets(inner) .. quote end)
  local lower = text:lower()
  -- alter role ... password 'x': recognised by the words before the quote.
  if lower:find 'password%s*=?%s*\\?["\']' or lower:find 'encrypted%s+password' or lower:find 'secret%s*=%s*["\']'
    or lower:find 'token%s*=%s*["\']' or lower:find 'api_?key%s*=%s*["\']' then
    return false
  end
  return text
end

--- Loads the statements of earlier sessions.
---@return boolean kept whether it can be written
function history.load()
  local file = path()
  if not file then return false end
  if not pcall(system.make_dir, assert(file:match '^(.*)/')) then return false end
  edit.load_history(file)
  return true
end

--- Adds a statement and removes an earlier equal one.
---@param text string
function history.add(text)
  if text:match '^%s*$' or #text > longest then return end
  local safe = history.without_secrets(text)
  if safe then edit.add_history(safe) end
end

--- Writes the history, readable only by the user. If the directory cannot be written, only the history is lost.
function history.save()
  local file = path()
  if file then pcall(edit.save_history, file) end
end

return history
