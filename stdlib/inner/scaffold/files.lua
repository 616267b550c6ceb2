-- Writes the files of a scaffold. Each begins with the hash of its content, so that an edited file is recognised and
-- kept.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local scaffold_files = {}

local hash_digits = 16

local function hash_of(body)
  return system.sha256(body):sub(1, hash_digits)
end

local function head(name, hash)
  local text = ('lugger scaffold %s (of what follows: once it is edited, scaffold leaves the file alone)'):format(hash)
  return name:match('%.md$') and '<!-- ' .. text .. ' -->\n' or '-- ' .. text .. '\n'
end

--- A file's whole text.
---@param name string
---@param body string
---@return string
function scaffold_files.text(name, body)
  return head(name, hash_of(body)) .. body
end

-- The hash with which a file was written, and its present content.
local function parts(text)
  local first, body = text:match('^([^\n]*)\n(.*)$')
  return first and first:match('lugger scaffold (%x+)'), body or text
end

local write = system.write_file

-- Prints the difference between the existing file and the new text, without their first lines.
local function show_difference(path, old, fresh)
  local names = { os.tmpname(), os.tmpname() }
  write(names[1], old)
  write(names[2], fresh)
  io.stdout:flush()
  local ok, status = pcall(system.spawn,
    { 'diff', '-u', '--label', path, '--label', path .. ' (scaffold)', names[1], names[2] })
  for _, name in ipairs(names) do os.remove(name) end
  if not ok or status == 127 then terminal.warn('the program diff is needed to show what changed in ' .. path) end
end

---@alias lugger.scaffold_files.outcome "written"|"same"|"renewed"|"kept"

--- Writes a file that is new or has not been edited since it was written. An edited file is kept, unless `force` names
--- it; in both cases the difference is shown.
---@param directory string
---@param name string
---@param body string
---@param force table<string, boolean> names of files to overwrite
---@return lugger.scaffold_files.outcome
function scaffold_files.put(directory, name, body, force)
  local path, text = directory .. '/' .. name, scaffold_files.text(name, body)
  local found = system.stat(path)
  if not found then
    write(path, text)
    return 'written'
  end
  if found.is_dir then config.raise(('%s is a directory: no file can be written there'):format(path)) end
  local there = system.read_file(path)
  if there == text then return 'same' end
  local hash, old_body = parts(there)
  local edited = hash ~= hash_of(old_body)
  -- Only the user has changed it; the scaffold would write the same as before.
  if edited and hash == hash_of(body) and not force[name] then return 'kept' end
  show_difference(path, old_body, body)
  if edited and not force[name] then return 'kept' end
  write(path, text)
  return 'renewed'
end

return scaffold_files
