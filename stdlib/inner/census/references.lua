-- References between the collections of a place: the census finds candidates, and a second pass checks them.
local native = require 'lugger.native'
local terminal = require 'lugger.inner.view.terminal'

local census_references = {}

---@class lugger.census_check every value of a path looked up
---@field values integer
---@field found integer
---@field dangling integer
---@field examples { document: string, value: string }[] of dangling values, the first three

---@class lugger.census_reference a path whose values look like the _id of a collection
---@field collection string
---@field path string
---@field target string the collection it refers to
---@field by "values"|"name" samples of both sides met, or the name alone says so
---@field values integer at the path
---@field looked_at integer sampled values that could be compared
---@field found integer of these, those that are an _id
---@field checked lugger.census_check|nil what the second pass found

--- Candidates from the first pass. `runs` are the censuses of `items`, in the same order.
---@param items { name: string, options: table }[]
---@param runs lugger.native.census[]
---@return lugger.census_reference[]
function census_references.find(items, runs)
  local out = {}
  for i, found in ipairs(native.find_references(runs)) do
    out[i] = {
      collection = assert(items[found.collection]).name, path = found.path,
      target = assert(items[found.target]).name, by = found.by,
      values = found.values, looked_at = found.looked_at, found = found.found,
    }
  end
  return out
end

-- References between the same two collections are checked in one pass.
local function pairs_of(references)
  local list, known = {}, {}
  for _, reference in ipairs(references) do
    local key = reference.collection .. '\n' .. reference.target
    if not known[key] then
      known[key] = { from = reference.collection, to = reference.target, references = {}, paths = {} }
      list[#list + 1] = known[key]
    end
    table.insert(known[key].references, reference)
    table.insert(known[key].paths, reference.path)
  end
  return list
end

--- Looks up every value of the candidates; adds `checked` to each.
---@param references lugger.census_reference[]
---@param place string resolved
---@param items { name: string, options: table }[]
function census_references.check(references, place, items)
  local options = {}
  for _, item in ipairs(items) do options[item.name] = item.options end
  for _, pair in ipairs(pairs_of(references)) do
    terminal.say(('looking up %s of %s in %s'):format(table.concat(pair.paths, ', '), pair.from, pair.to))
    local counts = native.check_references(place, options[pair.from], pair.paths, place, options[pair.to])
    for i, count in ipairs(counts) do
      pair.references[i].checked = { values = count.values, found = count.found, dangling = count.dangling,
        examples = count.examples }
    end
  end
end

--- The references of one collection.
---@param references lugger.census_reference[]
---@param name string
---@return lugger.census_reference[]
function census_references.of(references, name)
  local out = {}
  for _, reference in ipairs(references) do
    if reference.collection == name then out[#out + 1] = reference end
  end
  return out
end

return census_references
