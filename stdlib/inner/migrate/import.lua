-- `migrate import DIR`: imports the migrations of another tool, and records as applied what its ledger lists as
-- applied.
local config = require 'lugger.inner.cli.config'
local files = require 'lugger.inner.migrate.files'
local foreign = require 'lugger.inner.migrate.foreign'
local native = require 'lugger.native'
local statement = require 'lugger.inner.migrate.statement'
local sql_file = require 'lugger.inner.migrate.sql_file'
local terminal = require 'lugger.inner.view.terminal'
local version = require 'lugger.inner.migrate.version'
local system = native.system

local import = {}

local stub = [==[
-- {name}: was code of another tool. Write it anew before it has to run.
return {
  up = function() error 'this migration was not carried over: write it in Lua' end,
}
]==]

local function text_of(one)
  if one.stub then return (stub:gsub('{name}', function() return one.name end)), 'lua' end
  local parts = {}
  if one.no_transaction then parts[#parts + 1] = '-- no transaction\n' end
  parts[#parts + 1] = '-- up\n' .. one.up:gsub('%s+$', '') .. '\n'
  if one.down and one.down:match('%S') then parts[#parts + 1] = '\n-- down\n' .. one.down:gsub('%s+$', '') .. '\n' end
  return table.concat(parts), 'sql'
end

-- Removes BEGIN and COMMIT around the whole file, because lugger makes the transaction.
local function without_frame(text)
  local ok, list = pcall(statement.split, text)
  local first, last = ok and list[1], ok and list[#list]
  if not first or (first.control ~= 'BEGIN' and first.control ~= 'START TRANSACTION') or last.control ~= 'COMMIT' then
    return text
  end
  local function cut(st)
    local stop = text:find(';', st.offset + #st.text, true) or #text
    text = text:sub(1, st.offset) .. text:sub(stop + 1)
  end
  cut(last)
  cut(first)
  return text
end

-- Everything is read and checked before the first file is written.
local function convert(list, directory)
  local number, out = foreign.numbering(list), {}
  for i, one in ipairs(list) do
    if one.up then one.up = without_frame(one.up) end
    if one.down then one.down = without_frame(one.down) end
    local text, kind = text_of(one)
    local own, words = number(one.number), one.name:gsub('[^%w_%-%.]', '_')
    local path = ('%s/%s_%s.%s'):format(directory, own, words, kind)
    if kind == 'sql' then sql_file.parse(text, path) end
    out[i] = { version = own, name = words, path = path, text = text, foreign = one,
      checksum = system.sha256(sql_file.normal(text)) }
  end
  return out
end

local function put_aside(directory, names)
  local aside = directory .. '/imported'
  system.make_dir(aside)
  for _, name in ipairs(names) do
    local ok, problem = os.rename(directory .. '/' .. name, aside .. '/' .. name)
    if not ok then config.raise('cannot move ' .. problem) end
  end
  return aside
end

local function write_all(converted, directory, source, used)
  if not system.stat(directory) then system.make_dir(directory) end
  if directory == source then
    terminal.say('the old files are in ', put_aside(source, used))
  end
  for _, one in ipairs(converted) do
    if system.stat(one.path) then config.raise(one.path .. ' is there already', 'give an empty directory: --dir') end
    files.write(one.path, one.text)
  end
end

local function take_over(run, tool, list, converted)
  local name = foreign.ledgers[tool]
  if run.main:query('SELECT pg_catalog.to_regclass($1) IS NULL', { name }).rows[1][1] == 't' then
    terminal.say('there is no ', name, ' in the database: nothing counts as applied')
    return 0
  end
  local applied, count = tool.applied(run.main, list), 0
  run.main:begin()
  for _, one in ipairs(converted) do
    local there = applied[one.foreign.number] or applied[version.key(one.foreign.number)]
    if there then
      run.ledger:write { version = one.version, name = one.name, checksum = one.checksum, direction = 'import',
        state = 'done', started = there.at, finished = there.at, duration_ms = there.duration_ms }
      count = count + 1
      applied[one.foreign.number], applied[version.key(one.foreign.number)] = nil, nil
    end
  end
  run:fence()
  run.main:commit()
  local lost = {}
  for number, there in pairs(applied) do
    if not there.baseline then lost[#lost + 1] = number end
  end
  table.sort(lost)
  if #lost > 0 then
    terminal.warn(('%s says that these are applied, but there is no file of them: %s'):format(name,
      table.concat(lost, ', ')))
  end
  return count
end

local function trimmed(path)
  return (path:gsub('/+$', ''):gsub('^%./', ''))
end

local function warn_of(converted, left)
  for _, name in ipairs(left) do terminal.warn(name .. ' has no counterpart here and is left out') end
  for _, one in ipairs(converted) do
    if one.foreign.stub then terminal.warn(one.path .. ' is a stub: the old one was code') end
    if one.foreign.placeholders then
      terminal.warn(one.path .. ' holds ${...}: placeholders are not replaced here; write the values in')
    end
  end
end

--- Imports a directory and, when a database is given, its ledger.
---@param options table of the run
---@param source string
---@param locked fun(work: fun(run: lugger.migrate.run))|nil
---@return integer status
function import.run(options, source, locked)
  source = trimmed(source)
  local directory = trimmed(options.dir)
  local tool = foreign.detect(source)
  local list, left, used = foreign.read(tool, source)
  local converted, count = convert(list, directory), nil
  local function work(run)
    if run then
      if #run.ledger:entries() > 0 then
        config.raise('the ledger of this database is not empty', 'import is for the first step only')
      end
      count = take_over(run, tool, list, converted)
    end
    write_all(converted, directory, source, used)
  end
  if locked then locked(work) else work() end
  warn_of(converted, left)
  terminal.say(('%s of %s written to %s'):format(terminal.count(#converted, 'migration'), tool.name, directory),
    count and ('; %s as applied'):format(terminal.group(count))
      or '; no database was given, so the ledger was not taken over')
  return 0
end

return import
