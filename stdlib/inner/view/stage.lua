-- Shows stages: steps in progress, and rows that prevent constraints.
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local longest_example = 60
local stage_view = {}

--- One line about the steps in progress: "index 3 of 12 · users_email_1 building index: scanning table 43%".
---@param snapshot lugger.run_snapshot
---@return string
function stage_view.sentence(snapshot)
  local total, parts = tonumber(snapshot.steps_total), {}
  local head = snapshot.stage == 'index' and 'index' or 'constraint'
  if total > 0 then
    parts[1] = ('%s %d of %d'):format(head, math.min(tonumber(snapshot.steps_done) + 1, total), total)
  else
    parts[1] = snapshot.stage == 'index' and 'indexes' or 'constraints'
  end
  for _, step in ipairs(snapshot.steps) do
    local text = step.step .. (step.phase ~= '' and ' ' .. step.phase or '')
    if step.share then text = ('%s %.0f%%'):format(text, step.share * 100) end
    if step.waiting ~= '' then text = text .. ', waits for ' .. step.waiting end
    parts[#parts + 1] = text
  end
  return table.concat(parts, ' · ')
end

--- The steps in progress as plain fields, for JSON log lines.
---@param snapshot lugger.run_snapshot
---@return table
function stage_view.fields(snapshot)
  local list = {}
  for i, step in ipairs(snapshot.steps) do
    list[i] = { step = step.step, table = step.table, phase = step.phase, seconds = math.floor(step.seconds),
      percent = step.share and math.floor(step.share * 1000) / 10 or nil,
      waiting = step.waiting ~= '' and step.waiting or nil }
  end
  return { steps = require('lugger.inner.base.json_text').list(list), steps_done = tonumber(snapshot.steps_done),
    steps_total = tonumber(snapshot.steps_total) }
end

--- A table of the rows that would be refused; a constraint that cannot be counted has a line below it.
---@param refused lugger.refused[]
---@param options { fd: integer|nil, indent: string|nil, word: string|nil }|nil word: "row" when not given
---@return string
function stage_view.refused(refused, options)
  options = options or {}
  local rows, notes = {}, {}
  for _, one in ipairs(refused) do
    if tonumber(one.rows) > 0 then
      local cut = {}
      for i, example in ipairs(one.examples) do cut[i] = table_view.cut(example, longest_example) end
      local examples = table.concat(cut, '; ')
      if tonumber(one.rows) > #one.examples and #one.examples > 0 then examples = examples .. '; ...' end
      rows[#rows + 1] = { one.table, one.column ~= '' and one.column or one.constraint, one.kind,
        terminal.group(one.rows), examples }
    end
    if one.message ~= '' then
      notes[#notes + 1] = ('%s%s: %s'):format(options.indent or '', one.constraint, one.message)
    end
  end
  local text = #rows > 0 and table_view.render({ 'table', 'column', 'refused by', (options.word or 'row') .. 's',
    'for example' }, rows, { right = { [4] = true }, fd = options.fd, indent = options.indent }) or ''
  if #notes > 0 then text = text .. (text ~= '' and '\n' or '') .. table.concat(notes, '\n') end
  return text
end

--- True when rows were counted that would be refused.
---@param refused lugger.refused[]
---@return boolean
function stage_view.any(refused)
  for _, one in ipairs(refused) do
    if tonumber(one.rows) > 0 then return true end
  end
  return false
end

return stage_view
