-- The first part of a scaffold: finds the collections of a place and takes a census of each.
local census = require 'lugger.inner.census.census'
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local system = native.system

local count = {}

local function is_wanted(item, wanted)
  if not wanted or #wanted == 0 then return true end
  for _, name in ipairs(wanted) do
    if item.name == name or item.name:match('^[^.]+%.(.+)$') == name then return true end
  end
  return false
end

-- A pipe can be read only once, and a database has tables already.
local function refuse_places(resolved)
  local kind = native.place_kind(resolved)
  if kind.read_once then
    config.raise(('%s is read only once, and a scaffold reads its source several times'):format(
      resolved == '-' and 'standard input' or resolved), 'save it to a file')
  end
  if kind.sql then
    config.raise('a scaffold is made from documents, and this is a PostgreSQL',
      "columns = lugger.source(...):columns() makes a job's columns from a table")
  end
end

local function decoded_metadata(info)
  local text = info.metadata_json
  if not text or text == '' then return nil end
  local ok, decoded = pcall(require('lugger.json').decode, text)
  return ok and decoded or nil
end

local function only_wanted(items, wanted)
  local out = {}
  for _, item in ipairs(items) do
    if is_wanted(item, wanted) then out[#out + 1] = item end
  end
  return out
end

--- Counts every collection of the place. `passed`: those that cannot be counted.
---@param place string
---@param settings lugger.scaffold_settings
---@param stop_when_asked fun()
---@return lugger.scaffold.list
function count.each(place, settings, stop_when_asked)
  local resolved = config.resolve(place, 'from')
  local list = { passed = {}, beside = {} } ---@type lugger.scaffold.list
  refuse_places(resolved)
  local items, passed = census.collections(resolved, {})
  items, list.passed = only_wanted(items, settings.collections), only_wanted(passed, settings.collections)
  census.count_each(items, list.passed, resolved, { jobs = settings.jobs, sample = settings.sample },
    function(item, told, run)
      stop_when_asked()
      local one = { name = item.name, options = item.options, census = told, run = run,
        metadata = decoded_metadata(told.info), repairs = {} }
      list[#list + 1] = one --[[@as lugger.scaffold.collection]]
    end)
  if #list == 0 and list.passed[1] then
    config.raise(('%s: %s'):format(list.passed[1].name, list.passed[1].reason))
  elseif #list == 0 then
    config.raise(('%s has no collection %s'):format(system.mask_secrets(place),
      table.concat(settings.collections or {}, ', ')), 'lugger describe lists them')
  end
  return list
end

return count
