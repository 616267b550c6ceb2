-- The databases of a saved migration: the main one, and the others by their names in lugger.toml. No URL is written.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local value_text = require 'lugger.inner.view.value_text'

local save_places = {}

--- The main database: the first one that the statements used, otherwise PG_URI.
---@param kept lugger.repl.entry[]
---@return string|nil
function save_places.main(kept)
  for _, entry in ipairs(kept) do
    if entry.place then return config.resolve(entry.place) end
  end
  return (config.find 'PG_URI')
end

--- The name of a place; nil for the main database.
---@param place string
---@param main string|nil
---@param number integer of the statement that speaks to it
---@return string|nil
function save_places.name(place, main, number)
  local url = config.resolve(place)
  if url == main then return nil end
  for _, name in ipairs(config.connections()) do
    if name == place then return name end
  end
  for _, name in ipairs(config.connections()) do
    if assert(config.connection(name)).url == url then return name end
  end
  config.raise(('statement %d speaks to %s, and a migration reaches other databases by their names in lugger.toml')
    :format(number, native.system.mask_secrets(place)),
    '[connections.NAME] there makes one; or save a script: :save NAME.lua')
end

-- The end of a call's arguments: (...), 'x' or [[x]].
local function argument_end(code, at)
  local _, stop = code:find('^%b()', at)
  if not stop then _, _, _, stop = code:find('^(["\']).-%1()', at) end
  if stop and code:sub(at, at) ~= '(' then return stop - 1 end
  if not stop then _, stop = code:find('^%[%[.-%]%]', at) end
  return stop
end

-- The calls of pg.open and pg.use, in order.
---@return { first: integer, last: integer, word: string, argument: string }[]
local function calls_of(code)
  local calls = {}
  for first, word, at in code:gmatch '%f[%w_]()pg%s*%.%s*(%a+)%s*()' do
    local stop = (word == 'open' or word == 'use') and argument_end(code, at)
    if stop then calls[#calls + 1] = { first = first, last = stop, word = word, argument = code:sub(at, stop) } end
  end
  return calls
end

local function check_literals(calls, main, number)
  for _, call in ipairs(calls) do
    local literal = call.argument:match '^%(?%s*(["\'].-["\'])%s*%)?$'
    local value = literal and loadstring('return ' .. literal)
    if value then save_places.name(value(), main, number) end
  end
end

--- The code of a statement, with places replaced by their names.
---@param entry lugger.repl.entry
---@param main string|nil
---@return string code
function save_places.in_code(entry, main)
  local code = assert(entry.code)
  local calls, names, same = calls_of(code), {}, true
  check_literals(calls, main, entry.number)
  for i, opened in ipairs(entry.opened or {}) do
    names[i] = save_places.name(opened, main, entry.number) or ''
    same = same and names[i] == opened
  end
  if same then return code end
  if #calls ~= #names then
    config.raise(('statement %d opens other databases, and not each by one pg.open or pg.use that stands in it')
      :format(entry.number), "run pg.open 'NAME' as a statement of its own; or save a script: :save NAME.lua")
  end
  local parts, at = {}, 1
  for i, call in ipairs(calls) do
    parts[#parts + 1] = code:sub(at, call.first - 1)
    parts[#parts + 1] = ('pg.%s(%s)'):format(call.word, names[i] ~= '' and value_text.quote(names[i]) or '')
    at = call.last + 1
  end
  return table.concat(parts) .. code:sub(at)
end

return save_places
