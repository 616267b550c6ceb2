-- One line about all jobs of a move, for a terminal of any width.
local seen = require 'lugger.inner.job.seen'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local move_line = {}

-- On a narrow terminal, parts are dropped in this order.
local dropped_first = { 'kept', 'changes', 'documents', 'lag', 'rejects', 'waits' }
local shown_order = { 'lag', 'rejects', 'documents', 'kept', 'changes', 'waits' }
local phases = { 'copying', 'catching up', 'following', 'waiting' }

-- "1 copying 40 %, 2 following"; of one job without a number.
local function phases_of(list)
  local parts = {}
  for _, phase in ipairs(phases) do
    local jobs, percent = 0, nil ---@type integer, number|nil
    for _, one in ipairs(list) do
      if one.phase == phase then
        jobs = jobs + 1
        if one.percent then percent = math.min(percent or 100, one.percent) end
      end
    end
    local share = percent and phase == 'copying' and (' %d %%'):format(percent) or ''
    if jobs > 0 then parts[#parts + 1] = (#list > 1 and jobs .. ' ' or '') .. phase .. share end
  end
  return table.concat(parts, ', ')
end

-- What all have together; of the lag the largest.
local function facts_of(list)
  local sums, lag, waits = { documents = 0, kept = 0, changes = 0, rejects = 0 }, nil, nil ---@type any, number|nil, any
  for _, one in ipairs(list) do
    local copying = one.phase == 'copying'
    local key = copying and 'documents' or 'changes'
    sums[key] = sums[key] + tonumber(one.read)
    if copying then sums.kept = sums.kept + tonumber(one.kept) end
    sums.rejects = sums.rejects + tonumber(one.rejects or one.rejected)
    if one.waits_for and one.phase ~= 'waiting' then
      waits = waits or one
    elseif one.lag_s and not copying then
      lag = math.max(lag or 0, one.lag_s)
    end
  end
  local function counted(key, word, more)
    return sums[key] > 0 and terminal.count(sums[key], word) .. (more or '') or nil
  end
  return { documents = counted('documents', 'document'), kept = counted('kept', 'change', ' kept'),
    changes = counted('changes', 'change'), rejects = counted('rejects', 'reject'),
    lag = lag and ('%d s behind'):format(lag),
    waits = waits and (#list > 1 and waits.job .. ' ' or '') .. seen.wait(waits) }
end

local function joined(head, facts)
  local parts = { head }
  for _, name in ipairs(shown_order) do parts[#parts + 1] = facts[name] end
  return table.concat(parts, ' · ')
end

--- What is told of each, or of all together where that has no room; never wider than `width`.
---@param list lugger.move_figures[]
---@param width integer
---@return string
function move_line.text(list, width)
  if #list == 0 then return '' end
  local each = {}
  for i, one in ipairs(list) do each[i] = seen.sentence(one) end
  local line = table.concat(each, ' | ')
  if table_view.text_width(line) <= width then return line end
  local head = (#list > 1 and ('%d jobs'):format(#list) or assert(list[1]).job) .. ': ' .. phases_of(list)
  local facts = facts_of(list)
  line = joined(head, facts)
  for _, name in ipairs(dropped_first) do
    if table_view.text_width(line) <= width then break end
    facts[name] = nil
    line = joined(head, facts)
  end
  return table_view.cut(line, width)
end

return move_line
