-- Connections marked `production = true` in lugger.toml. Writes to them outside a job must be confirmed.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

local production = {}

production.allowed = false ---@type boolean

--- The marked connection of a place: it has the place's name or the same URL.
---@param name string as the user gave it
---@param place string what it stands for
---@return boolean
function production.connection(name, place)
  for _, known in ipairs(config.connections()) do
    local connection = assert(config.connection(known))
    if connection.production == true and (known == name or connection.url == place) then return true end
  end
  return false
end

--- True for a statement that disables this protection, so that it must be confirmed itself.
---@param sql string
---@return boolean
function production.loosens(sql)
  local lower = sql:lower()
  return lower:find('read%s+write') ~= nil or lower:find('transaction_read_only', 1, true) ~= nil
    or lower:find('session%s+characteristics') ~= nil or lower:find '^%s*reset%s+all' ~= nil
    or lower:find '^%s*discard%s+all' ~= nil
end

--- Asks for confirmation of a write to `label`. Raises when it is refused, or when nobody can be asked.
---@param label string
function production.confirm(label)
  if production.allowed then return end
  if not (terminal.is_terminal(0) and terminal.is_terminal(2)) then
    config.raise(('%s is marked production: a write needs --yes here'):format(label),
      'nobody is there to be asked')
  end
  local before = native.system.interrupt_raises(false)
  local answer = native.edit.readline(('this writes to %s, which is marked production. Type yes to go on: '):format(
    label))
  native.system.clear_stop()
  native.system.interrupt_raises(before)
  if answer ~= 'yes' then error(native.error('config', 'nothing was written to ' .. label), 0) end
end

return production
