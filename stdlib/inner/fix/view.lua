-- Shows what a fix would change or has changed, as text and as JSON.
local json = require 'lugger.inner.base.json_text'
local summary = require 'lugger.inner.job.summary'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): number]]

local fix_view = {}

local function shown(value)
  if value == nil then return 'NULL' end
  if value == 'NULL' or value == '' then return '"' .. value .. '"' end
  return value
end

-- One line for each changed field, with the values before and after side by side.
local function add_samples(out, report, changed, options)
  local all, count = tonumber(changed), #report.samples
  if count == 0 then
    if all > 0 then out[#out + 1] = ('\n  none of %s is shown\n'):format(terminal.count(all, 'changed row')) end
    return
  end
  local rows, last = {}, nil
  for _, sample in ipairs(report.samples) do
    for _, cell in ipairs(sample.cells) do
      rows[#rows + 1] = { last ~= sample and sample.key or '', cell.field, shown(cell.before), '->', shown(cell.after) }
      last = sample
    end
  end
  out[#out + 1] = '\n'
  out[#out + 1] = table_view.render({ 'key', 'column', 'before', '', 'after' }, rows,
    { indent = '  ', full = options.full, least = 6 }) .. '\n'
  if all > count then
    out[#out + 1] = ('  %s of %s; %s shows more\n'):format(terminal.group(count), terminal.count(all, 'row'),
      options.more)
  end
end

-- A histogram helps when values repeat. When each pair occurs once, the sample already shows them.
local function pair_rows(field)
  local rows = {}
  if #field.pairs > 0 and (tonumber(field.pairs[1].rows) > 1 or #field.pairs == 1) then
    for i, pair in ipairs(field.pairs) do
      rows[i] = { '', terminal.group(pair.rows), shown(pair.before), '->', shown(pair.after) }
    end
    if field.more then rows[#rows + 1] = { '', '', '... and others' } end
  end
  return rows
end

local function add_fields(out, report, full)
  local rows = {}
  for _, field in ipairs(report.fields) do
    local below = pair_rows(field)
    local head = { field.field, terminal.group(field.rows), #field.pairs > 1 and #below == 0 and 'no two alike' or '' }
    if #field.pairs == 1 and #below == 1 then
      head, below = { field.field, terminal.group(field.rows), unpack(below[1], 3) }, {}
    end
    rows[#rows + 1] = head
    for _, row in ipairs(below) do rows[#rows + 1] = row end
  end
  out[#out + 1] = '\n'
  out[#out + 1] = table_view.render({ 'column', 'rows', 'most common', '', '' }, rows,
    { indent = '  ', right = { [2] = true }, full = full, least = 6 }) .. '\n'
end

local function add_refusals(out, report, result, options)
  if #report.refusals == 0 then return end
  out[#out + 1] = '\n'
  local by_code, order = {}, {}
  for _, refusal in ipairs(report.refusals) do
    if not by_code[refusal.code] then
      by_code[refusal.code] = {}
      order[#order + 1] = refusal.code
    end
    table.insert(by_code[refusal.code], refusal)
  end
  for _, code in ipairs(order) do
    out[#out + 1] = ('  left as they are: %s (%s)\n'):format(code, terminal.count(result.reject_codes[code], 'row'))
    for _, refusal in ipairs(by_code[code]) do
      out[#out + 1] = ('    %s  %s\n'):format(terminal.printable(refusal.key), terminal.printable(refusal.message))
    end
    local more = tonumber(result.reject_codes[code]) - #by_code[code]
    if more > 0 then
      out[#out + 1] = ('    ... and %s; %s shows more\n'):format(terminal.count(more, 'more row'), options.more)
    end
  end
end

local function add_skips(out, result)
  local names = {}
  for reason in pairs(result.skip_reasons) do names[#names + 1] = reason end
  table.sort(names)
  for _, reason in ipairs(names) do
    out[#out + 1] = ('  skipped: %s (%s)\n'):format(terminal.printable(reason),
      terminal.count(result.skip_reasons[reason], 'row'))
  end
end

--- "looked at 4,000 rows: 3,998 would change, 1 unchanged, 1 rejected".
---@param outcome lugger.fix_outcome
---@return string
function fix_view.sentence(outcome)
  local tally, report = outcome.result.tally, outcome.report
  local verb = report.kind == 'undo' and (report.applied and 'restored' or 'would be restored')
    or report.applied and 'changed' or 'would change'
  local parts = { terminal.group(tally.updated) .. ' ' .. verb, terminal.group(tally.unchanged) .. ' unchanged' }
  if tonumber(tally.skipped) > 0 then parts[#parts + 1] = terminal.group(tally.skipped) .. ' skipped' end
  if tonumber(tally.rejected) > 0 then
    parts[#parts + 1] = terminal.group(tally.rejected)
      .. (report.kind == 'undo' and ' left alone' or ' rejected')
  end
  return ('%s: looked at %s: %s'):format(outcome.result.job, terminal.count(tally.read, 'row'),
    table.concat(parts, ', '))
end

local function notes_of(report)
  local out = {}
  if #report.triggers > 0 then
    out[1] = ('  triggers that %s: %s'):format(report.applied and 'fired' or 'will fire',
      table.concat(report.triggers, ', '))
  end
  for _, note in ipairs(report.notes) do out[#out + 1] = terminal.wrap(note, '  ') end
  if tonumber(report.retried) > 0 then
    out[#out + 1] = ('  %s changed by other sessions meanwhile: read again, and through map again'):format(
      terminal.count(report.retried, 'row'))
  end
  return out
end

-- What changes, without the summary.
local function changes_of(outcome, title, options)
  local report, result = outcome.report, outcome.result
  local out = { title, ': ', report.table,
    report.where ~= '' and ' where ' .. terminal.printable(report.where) or '', '\n' }
  if tonumber(result.tally.updated) > 0 then
    add_samples(out, report, result.tally.updated, options)
    add_fields(out, report, options.full)
  end
  add_refusals(out, report, result, options)
  add_skips(out, result)
  return table.concat(out)
end

--- An outcome as one text, for print and the prompt.
---@param outcome lugger.fix_outcome
---@return string
function fix_view.text(outcome)
  local lines = notes_of(outcome.report)
  table.insert(lines, 1, fix_view.sentence(outcome))
  return changes_of(outcome, outcome.result.job, { more = 'limit_shown = N' }) .. '\n' .. table.concat(lines, '\n')
end

--- Prints an outcome: data on standard output; the summary and the next command on standard error.
---@param outcome lugger.fix_outcome
---@param full boolean|nil cut no values
function fix_view.show(outcome, full)
  terminal.out(changes_of(outcome, terminal.paint(1, 'bold', outcome.result.job),
    { full = full, more = '--limit-shown N' }))
  terminal.say()
  terminal.say(fix_view.sentence(outcome))
  for _, note in ipairs(notes_of(outcome.report)) do terminal.say(note) end
  if not summary.balanced(outcome.result.tally) then
    terminal.fail('the read counts do not add up; please report this')
  end
end

local function list_of(items, make)
  local out = {}
  for i, item in ipairs(items) do out[i] = make(item) end
  return json.list(out)
end

-- NULL is written as null, so that it differs from an absent field.
local function cell(object, before, after)
  object.before_is_null, object.after_is_null = before == nil, after == nil
  object.before, object.after = before, after
  return object
end

--- An outcome as one JSON object.
---@param outcome lugger.fix_outcome
---@return string
function fix_view.json(outcome)
  local report, result = outcome.report, outcome.result
  local tally = result.tally
  return json.encode {
    kind = report.kind, job = result.job, run = result.run ~= '' and result.run or nil, table = report.table,
    where = report.where, applied = report.applied, status = result.status, seconds = result.seconds,
    looked_at = tonumber(tally.read), changed = tonumber(tally.updated), unchanged = tonumber(tally.unchanged),
    skipped = tonumber(tally.skipped), rejected = tonumber(tally.rejected), retried = tonumber(report.retried),
    triggers = json.list(report.triggers), notes = json.list(report.notes),
    error = result.error ~= '' and result.error or nil, hint = result.hint ~= '' and result.hint or nil,
    images_until = report.images_until ~= '' and report.images_until or nil,
    columns = list_of(report.fields, function(field)
      return { column = field.field, rows = tonumber(field.rows), more = field.more,
        pairs = list_of(field.pairs, function(pair)
          return cell({ rows = tonumber(pair.rows) }, pair.before, pair.after)
        end) }
    end),
    samples = list_of(report.samples, function(sample)
      return { key = sample.key, columns = list_of(sample.cells, function(one)
        return cell({ column = one.field }, one.before, one.after)
      end) }
    end),
    rejects = list_of(report.refusals, function(refusal)
      return { key = refusal.key, code = refusal.code, message = refusal.message }
    end),
    reject_codes = result.reject_codes, skip_reasons = result.skip_reasons,
  }
end

return fix_view
