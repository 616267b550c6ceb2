-- What an oplog shows about updates: which paths change often, and what that means for PostgreSQL.
local pg_names = require 'lugger.inner.base.pg_names'
local terminal = require 'lugger.inner.view.terminal'

local census_updates = {}

-- A path is hot when at least this share of the updates, and at least this number of them, change it.
local hot_share, hot_least = 0.05, 5
local shown = 10
-- Changes for each document: from this value on, a page should leave space for new row versions (fillfactor).
local fillfactors = { { 1, 70 }, { 0.2, 85 } }

---@class lugger.census_hot_path
---@field path string
---@field updates integer
---@field column string|nil what to add to the script for a key inside jsonb

---@class lugger.census_updates
---@field inserts integer
---@field updates integer
---@field replacements integer of whole documents
---@field deletes integer
---@field hot lugger.census_hot_path[] most updated first
---@field other_paths integer updates of paths beyond the first 10,000
---@field fillfactor integer|nil lower than PostgreSQL's 100, where rows are updated often

---@return integer
local function num(value)
  return tonumber(value) --[[@as integer|nil]] or 0
end

local function by_path(census)
  local known = {}
  for _, path in ipairs(census.paths) do known[path.path] = path end
  return known
end

-- The column of a path. Changing a key inside jsonb rewrites the whole value; a column of its own does not.
local function column_for(census, known, path)
  local told = known[path]
  local top = known[path:match('^[^%.%[]+')]
  if not told or told == top or path:find('[', 1, true) or not top or top.suggests.as ~= 'jsonb' then return nil end
  if told.suggests.as ~= 'column' then return nil end
  return ("{ '%s', '%s', from = '%s' }"):format(pg_names.table(path), told.suggests.type, path), census
end

local function fillfactor_of(changes, documents)
  for _, step in ipairs(fillfactors) do
    if documents > 0 and changes / documents >= step[1] then return step[2] end
  end
end

--- Adds `updates` to the census of a collection.
---@param census lugger.named_census
---@param counts table of native.count_updates, of this collection
function census_updates.add(census, counts)
  local known, hot = by_path(census), {}
  for path, updates in pairs(counts.paths) do
    if num(updates) >= hot_least and num(updates) >= hot_share * num(counts.updates) then
      hot[#hot + 1] = { path = path, updates = num(updates), column = (column_for(census, known, path)) }
    end
  end
  table.sort(hot, function(a, b)
    if a.updates ~= b.updates then return a.updates > b.updates end
    return a.path < b.path
  end)
  census.updates = {
    inserts = num(counts.inserts), updates = num(counts.updates), replacements = num(counts.replacements),
    deletes = num(counts.deletes), hot = hot, other_paths = num(counts.other_paths),
    fillfactor = fillfactor_of(num(counts.updates) + num(counts.replacements), num(census.documents)),
  }
end

--- The updates of a collection as sentences.
---@param updates lugger.census_updates
---@return string[]
function census_updates.lines(updates)
  local lines = { ('in the oplog: %s, %s, %s, %s'):format(terminal.count(updates.inserts, 'insert'),
    terminal.count(updates.updates, 'update'), terminal.count(updates.replacements, 'replacement'),
    terminal.count(updates.deletes, 'delete')) }
  for i, item in ipairs(updates.hot) do
    if i > shown then break end
    local line = ('%s: updated %s'):format(item.path, terminal.count(item.updates, 'time'))
    if item.column then
      line = line .. '; a column of its own spares writing the whole jsonb: ' .. item.column
    elseif item.path:find('[', 1, true) then
      line = line .. '; rows of a child table are updated alone'
    end
    lines[#lines + 1] = line
  end
  if updates.fillfactor then
    lines[#lines + 1] = ('rows change often: fillfactor = %d leaves room for their next versions on the same page')
      :format(updates.fillfactor)
  end
  return lines
end

return census_updates
