-- Files of text for scripts. Whatever is opened passes the gate of the sandbox.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local shown = require('lugger.inner.base.shown').value
local system = native.system

local files = {}

local function check(path, taker)
  if type(path) == 'string' and path ~= '' then return end
  fault.raise('config', ('%s takes a path, not %s'):format(taker, shown(path)))
end

--- The whole of a file.
---@param path string
---@return string
function files.read(path)
  check(path, 'lugger.read_file')
  return system.read_file(path)
end

--- Goes over the lines of a file, without their ends.
---@param path string
---@return fun(): string|nil
function files.lines(path)
  check(path, 'lugger.lines')
  local lines = native.lines(path)
  return function() return lines:next() end
end

--- Writes a file as a whole, or leaves it as it was.
---@param path string
---@param text string|lugger.binary
function files.write(path, text)
  check(path, 'lugger.write_file')
  system.write_file(path, require('lugger.inner.base.bytes').of(text, 'lugger.write_file'))
end

--- The names in a directory, sorted. Raises when it cannot be read.
---@param directory string
---@return string[]
function files.names(directory)
  return system.list_dir(directory)
    or fault.raise('read', ('cannot read the directory %s'):format(directory), 'look at its permissions')
end

local function joined(directory, name)
  if directory == '' then return name end
  return directory:sub(-1) == '/' and directory .. name or directory .. '/' .. name
end

-- What there is for one part of a pattern in a directory.
local function step(directory, part)
  if not part:find '[%*%?%[\\]' then
    local path = joined(directory, part)
    return system.stat(path) and { path } or {}
  end
  local out = {}
  for _, name in ipairs(system.list_dir(directory == '' and '.' or directory) or {}) do
    if system.matches_glob(part, name) then out[#out + 1] = joined(directory, name) end
  end
  return out
end

--- Paths that a pattern names, sorted.
---@param pattern string
---@return string[]
function files.glob(pattern)
  check(pattern, 'lugger.glob')
  if pattern:find('**', 1, true) then
    fault.raise('config', 'lugger.glob knows no **', 'a * stands for one name: dumps/*/*.bson')
  end
  local found = { pattern:sub(1, 1) == '/' and '/' or '' }
  for part in pattern:gmatch '[^/]+' do
    local deeper = {}
    for _, directory in ipairs(found) do
      for _, path in ipairs(step(directory, part)) do deeper[#deeper + 1] = path end
    end
    found = deeper
  end
  table.sort(found)
  return found
end

return files
