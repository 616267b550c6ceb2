-- `lugger migrate status`, as text and as JSON.
local json = require 'lugger.inner.base.json_text'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local status_view = {}

local function fields_of(item)
  local entry = item.record and (item.record.open or item.record.applied)
  return { version = item.version, name = item.name, state = item.state, explain = item.explain,
    file = item.migration and item.migration.path, applied_at = entry and entry.finished, by = entry
    and entry.applied_by, duration_ms = entry and tonumber(entry.duration_ms), checksum = item.migration
    and item.migration.checksum }
end

local function counts(items)
  local numbers, order = {}, {}
  for _, item in ipairs(items) do
    if not numbers[item.state] then order[#order + 1] = item.state end
    numbers[item.state] = (numbers[item.state] or 0) + 1
  end
  local parts = {}
  for i, state in ipairs(order) do parts[i] = terminal.group(numbers[state]) .. ' ' .. state end
  return #parts > 0 and table.concat(parts, ', ') or 'no migrations'
end

local shown = 40

--- Prints the items as a table, their problems, and the number of each kind.
---@param items lugger.migrate.item[]
---@param all boolean|nil also the oldest of a long history
function status_view.show(items, all)
  local rows, first = {}, all and 1 or math.max(1, #items - shown + 1)
  -- Items that are not simply applied are always shown.
  for i, item in ipairs(items) do
    if i >= first or item.state ~= 'applied' then
      local fields = fields_of(item)
      rows[#rows + 1] = { item.version, item.name, item.state, fields.applied_at or '', fields.by or '' }
    end
  end
  if #rows < #items then terminal.say('... ', terminal.group(#items - #rows),
    ' older ones are applied; --all shows them') end
  if #rows > 0 then terminal.line(table_view.render({ 'version', 'name', 'state', 'at (UTC)', 'by' }, rows)) end
  for _, item in ipairs(items) do
    if item.explain then terminal.say(('%s is %s: %s'):format(item.version, item.state, item.explain)) end
  end
  terminal.say(counts(items))
end

--- Prints the items as one JSON array.
---@param items lugger.migrate.item[]
function status_view.json(items)
  local list = json.list {}
  for i, item in ipairs(items) do list[i] = fields_of(item) end
  terminal.line(json.encode(list))
end

return status_view
