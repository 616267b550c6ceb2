-- Scripts that earlier scaffolds wrote into the same directory. Files that list all collections keep listing theirs.
local native = require 'lugger.native'
local script = require 'lugger.inner.script.script'
local terminal = require 'lugger.inner.view.terminal'
local system = native.system

local beside = {}

---@class lugger.scaffold.beside
---@field name string of its collection
---@field file string
---@field module string
---@field jobs lugger.job[]
---@field unread string|nil why the script says nothing
---@field place string of its source, secrets masked

local function name_of(job, file)
  local place, options = job:source()
  local name = options.collection or file:gsub('%.lua$', '')
  return name, system.mask_secrets(place), place
end

-- If a script cannot be read, its collection is unknown, but the script stays in all.lua.
local function load(directory, file)
  local item = { name = file:gsub('%.lua$', ''), file = file, module = file:gsub('%.lua$', ''), jobs = {}, place = '' }
  local ok, err = pcall(function()
    local loaded = script.load(directory .. '/' .. file, { overrides = { into = 'local:' } })
    for _, job in ipairs(loaded.jobs) do
      if job.shape then
        job:shape()
        item.jobs[#item.jobs + 1] = job
      end
    end
    if not item.jobs[1] then error('it returns no job', 0) end
    item.name, item.place, item.source = name_of(item.jobs[1], file)
  end)
  if not ok then
    item.jobs, item.unread = {}, tostring(err)
    terminal.warn(('%s cannot be read, so the SQL files leave it out: %s'):format(file, item.unread))
  end
  return item
end

--- The scripts in the order of all.lua. When a whole place is scaffolded and no longer makes a script of that place,
--- its collection has been removed: the script is reported and left out.
---@param directory string
---@param written table<string, boolean> file names of the present scaffold
---@param whole string|nil the place, when nothing of it was left out
---@return lugger.scaffold.beside[]
function beside.find(directory, written, whole)
  local order, list = {}, {}
  local all = system.stat(directory .. '/all.lua') and system.read_file(directory .. '/all.lua') or ''
  for module in all:gmatch("\n  require '([^'\n]+)',") do
    order[#order + 1] = module
    order[module] = #order
  end
  for _, file in ipairs(system.stat(directory) and system.list_dir(directory) or {}) do
    local path = directory .. '/' .. file
    local found = system.stat(path) -- nil for a link to nothing
    local ours = found and not found.is_dir and file:match '%.lua$' and file ~= 'all.lua' and not written[file]
      and system.read_file(path):match '^%-%- lugger scaffold %x+ '
    local item = ours and load(directory, file) ---@type table|false|nil
    if item and whole and item.source == whole then
      terminal.warn(('%s: %s has no such collection any more, so all.lua leaves it out'):format(file, whole))
    elseif item then
      list[#list + 1] = item
    end
  end
  table.sort(list, function(a, b)
    local left, right = order[a.module] or math.huge, order[b.module] or math.huge
    if left ~= right then return left < right end
    return a.module < b.module
  end)
  return list
end

--- Reserves the names of their tables, keys, indexes and constraints.
---@param list lugger.scaffold.beside[]
---@param used lugger.names.set
function beside.reserve(list, used)
  local function take(name, what)
    local bare = name:match '^[^.]*%.(.+)$' or name
    used[bare:lower()] = used[bare:lower()] or what
  end
  for _, item in ipairs(list) do
    for _, job in ipairs(item.jobs) do
      local shape = job:shape()
      for _, made in ipairs(shape.tables) do take(made.name, 'a table of ' .. item.file) end
      for _, step in ipairs(shape.steps) do take(step.name, 'an index of ' .. item.file) end
    end
  end
end

return beside
