-- Passwords that change while a process runs for weeks: .env and lugger.toml are read again when they change.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local renewal = {}

-- As they were when the process began, and as they are taken by now.
local stamp, first, taken ---@type string|nil, table<string, string>|nil, table<string, string>|nil

local function stamp_of(path)
  local found = system.stat(path)
  return found and ('%s %s'):format(found.mtime, found.size) or ''
end

-- A place without its user and password.
local function bare(text)
  return (system.mask_secrets(text):gsub('^(%a[%w+.-]*://)[^/@]*@', '%1'))
end

--- Takes changed files into account, for connections that are made from now on.
function renewal.look()
  local now = stamp_of '.env' .. ' ' .. stamp_of 'lugger.toml'
  if now == stamp then return end
  local ok, fresh = pcall(config.texts)
  if not ok then return end -- it is being written
  stamp = now
  for name, old in pairs(first or {}) do
    local new = fresh[name]
    if new and new ~= assert(taken)[name] and bare(new) == bare(old) then
      native.renew_place(old, new)
      terminal.say(name, ' was changed: connections that are made from now on take its user and password')
    elseif new and new ~= assert(taken)[name] and system.mask_secrets(old) ~= old then
      terminal.warn(name .. ' names another place now, which is taken when lugger is started again')
    end
  end
  first, taken = first or fresh, fresh
end

return renewal
