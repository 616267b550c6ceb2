-- The report at the end of a run: the table, the balance, what is left over, and what to type next.
local failures = require 'lugger.inner.job.failures'
local json = require 'lugger.inner.base.json_text'
local load_advice = require 'lugger.inner.job.load_advice'
local native = require 'lugger.native'
local notices = require 'lugger.inner.view.notices'
local stage_view = require 'lugger.inner.view.stage'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): integer]]

local summary = {}

local shares = { 'inserted', 'updated', 'unchanged', 'skipped', 'rejected', 'suppressed', 'deleted' }
local seldom = { suppressed = true, deleted = true }

--- True when everything that was read is accounted for.
---@param tally lugger.tally
---@return boolean
function summary.balanced(tally)
  local sum = 0
  for _, name in ipairs(shares) do sum = sum + tonumber(tally[name]) end
  return sum == tonumber(tally.read)
end

--- "read 7 = inserted 5 + updated 0 + unchanged 0 + skipped 1 + rejected 1"; rare outcomes only when they occurred.
---@param tally lugger.tally
---@return string
function summary.books(tally)
  local parts = {}
  for _, name in ipairs(shares) do
    if not seldom[name] or tonumber(tally[name]) > 0 then
      parts[#parts + 1] = name .. ' ' .. terminal.group(tally[name])
    end
  end
  return ('read %s %s %s'):format(terminal.group(tally.read), summary.balanced(tally) and '=' or '<>',
    table.concat(parts, ' + '))
end

--- A result as plain fields, for JSON log lines.
---@param result lugger.run_result
---@param hints string[]|nil of all jobs, with the last
---@return table
function summary.fields(result, hints)
  local fields = { balanced = summary.balanced(result.tally) }
  for _, name in ipairs { 'run', 'job', 'status', 'seconds', 'resumed', 'dry_run', 'unmapped', 'unmet', 'skip_reasons',
    'reject_codes', 'notes',
    'warnings' } do
    fields[name] = result[name]
  end
  fields.refused = json.list(result.refused)
  fields.rejects = json.list(result.rejects)
  fields.noticed = json.list(result.noticed)
  fields.hints = hints and json.list(hints)
  if result.stage and result.stage ~= '' then fields.stage = result.stage end
  json.list(fields.notes)
  json.list(fields.unmet)
  json.list(fields.warnings)
  for _, name in ipairs { 'error', 'hint', 'error_code', 'resume_command' } do
    if result[name] and result[name] ~= '' then fields[name] = result[name] end
  end
  for _, name in ipairs { 'read', 'inserted', 'updated', 'unchanged', 'skipped', 'rejected', 'suppressed', 'deleted',
    'rows', 'child_rows', 'bytes' } do
    fields[name] = tonumber(result.tally[name])
  end
  return fields
end

local most_groups = 10 -- of rejects, for each job
local longest_id = 60
local most_texts = 1000 -- different texts that a group counts

local function rejects_command(options)
  return options.script and 'lugger rejects ' .. options.script or 'lugger rejects SCRIPT'
end

-- ` (and 6 other texts)`: a group has several where they quote values, or say of lines what is wrong with each.
local function other_texts(group)
  local others = tonumber(group.texts) - 1
  if others < 1 then return '' end
  return (' (and %s%s)'):format(terminal.count(others, 'other text'), others + 1 == most_texts and ' or more' or '')
end

-- `total: cannot read "12abc" as numeric (and 6 other texts): 10 documents, first $n:10`
local function reject_line(group, several)
  local message = group.message
  if message == '' then message = (group.column ~= '' and group.column .. ': ' or '') .. group.code end
  if several and group.table ~= '' then
    local column = group.column ~= '' and message:sub(1, #group.column) == group.column
    message = group.table .. (column and '.' or ': ') .. message
  end
  local first = ', first ' .. table_view.cut(terminal.printable(group.document_id), longest_id)
  return ('%s%s: %s%s'):format(terminal.printable(message), other_texts(group),
    terminal.count(group.documents, 'document'), group.document_id == '?' and '' or first)
end

local function tell_rejects(result, since)
  if #result.rejects == 0 then return end
  terminal.say('  rejected', since, ':')
  for i, group in ipairs(result.rejects) do
    if i > most_groups then
      terminal.say(('    and %s'):format(terminal.count(#result.rejects - most_groups, 'more reason')))
      break
    end
    terminal.say('    ', reject_line(group, result.tables > 1))
  end
end

local function tell_suppressed(tally)
  local documents = tonumber(tally.suppressed)
  if documents == 0 then return end
  terminal.warn(('%s suppressed: the server gave no error, and their rows are not all in the table '
    .. 'under their keys; a trigger, a rule or row-level security keeps them out (lugger plan names them)'):format(
    terminal.count(documents, 'document')))
end

-- Leaves out columns that are zero for every job.
local function columns_of(results)
  local columns = {}
  for _, name in ipairs { 'read', 'inserted', 'updated', 'unchanged', 'skipped', 'rejected', 'suppressed', 'deleted',
    'child_rows' } do
    local used = name == 'read' or name == 'inserted' or name == 'rejected'
    for _, result in ipairs(results) do used = used or tonumber(result.tally[name]) > 0 end
    if used then columns[#columns + 1] = name end
  end
  return columns
end

local function speed(rows, bytes, seconds)
  seconds = math.max(seconds, 0.001)
  return terminal.group(math.floor(tonumber(rows) / seconds)), ('%.1f'):format(tonumber(bytes) / seconds / 1e6)
end

-- `resumed`: the counts have what was loaded before, and the seconds do not: there is no speed.
local function row_of(name, columns, tally, seconds, resumed)
  local row = { terminal.is_terminal(2) and table_view.cut(name, 32) or name }
  for _, column in ipairs(columns) do row[#row + 1] = terminal.group(tally[column]) end
  row[#row + 1] = ('%.1f'):format(seconds)
  row[#row + 1], row[#row + 2] = '', ''
  if not resumed then row[#row - 1], row[#row] = speed(tally.rows, tally.bytes, seconds) end
  return row
end

--- The counts of several jobs, one line each, and their sums.
---@param results lugger.run_result[]
---@return string
function summary.table(results)
  local columns, rows, sum, seconds = columns_of(results), {}, { rows = 0, bytes = 0 }, 0
  ---@cast seconds number
  local resumed = false
  for i, result in ipairs(results) do
    rows[i] = row_of(result.job, columns, result.tally, result.seconds, result.resumed)
    for _, name in ipairs(columns) do sum[name] = (sum[name] or 0) + tonumber(result.tally[name]) end
    sum.rows = sum.rows + tonumber(result.tally.rows)
    sum.bytes = sum.bytes + tonumber(result.tally.bytes)
    seconds, resumed = seconds + result.seconds, resumed or result.resumed
  end
  rows[#rows + 1] = row_of(('%d jobs'):format(#results), columns, sum, seconds, resumed)
  local headers, right = { 'job' }, {}
  for _, column in ipairs(columns) do headers[#headers + 1] = (column:gsub('_', ' ')) end
  for _, title in ipairs { 'seconds', 'rows/s', 'MB/s' } do headers[#headers + 1] = title end
  for i = 2, #headers do right[i] = true end
  return table_view.render(headers, rows, { right = right, full = true, fd = 2 })
end

local function by_count(counts)
  local list = {}
  for name, count in pairs(counts) do list[#list + 1] = { name, tonumber(count) } end
  table.sort(list, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1]) end)
  return list
end

local function tell_counts(title, counts, word, after)
  local list = by_count(counts)
  if #list == 0 then return end
  local parts = {}
  for i, item in ipairs(list) do
    if i > 12 then
      parts[#parts + 1] = ('and %d more'):format(#list - 12)
      break
    end
    parts[i] = ('%s (%s)'):format(terminal.printable(item[1]), terminal.count(item[2], word))
  end
  terminal.say(terminal.wrap(title .. ': ' .. table.concat(parts, ', '), '  '))
  if after then terminal.say('    ', after) end
end

-- Paths that no document had, with a field of a like name that no column took.
local function tell_unmet(result, since)
  if #result.unmet == 0 then return end
  local others, near = {}, nil ---@type string[], string|false|nil
  for path in pairs(result.unmapped) do others[#others + 1] = path end
  for _, item in ipairs(result.unmet) do
    local found = native.system.nearest(item:match '^%S+', others)
    near = near or found and found ~= '' and found
  end
  terminal.say(terminal.wrap('no document had' .. since .. ': '
    .. terminal.printable(table.concat(result.unmet, ', ')), '  '))
  if near then terminal.say('    did you mean ', terminal.printable(near), '?') end
end

-- True for notes about keys and indexes, which the plan already showed; other notes are printed.
local function was_planned(note)
  return note:match('^ALTER TABLE') or note:match('^CREATE ') or note:match('^ANALYZE')
end

local function tell_notes(notes)
  for _, note in ipairs(notes) do
    if not was_planned(note) then terminal.say('  ', note) end
  end
end

-- If the terminal is too narrow for the whole line, the zeros are left out.
local function tell_books(result)
  local line = result.job .. ': ' .. summary.books(result.tally)
  if terminal.is_terminal(2) and table_view.text_width(line) > terminal.width() then
    line = line:gsub(' %+ %a+ 0%f[%D]', ''):gsub('= inserted 0 %+', '=')
  end
  terminal.say(line)
end

-- The counts are of the run that is done.
local function did_nothing(result)
  for _, note in ipairs(result.notes) do
    if note:find('nothing was loaded again', 1, true) then return true end
  end
  return false
end

local function tell_speed(result)
  local rows, megabytes = speed(result.tally.rows, result.tally.bytes, result.seconds)
  local children = tonumber(result.tally.child_rows)
  -- The counts of a resumed run have what was loaded before, and its seconds do not.
  local pace = result.resumed and ' since it was resumed' or (': %s rows/s, %s MB/s'):format(rows, megabytes)
  terminal.say('  in ', terminal.duration(result.seconds), pace,
    children > 0 and '; child rows: ' .. terminal.group(children) or '')
end

local function tell_refused(result, options)
  if not stage_view.any(result.refused) then return end
  terminal.say(result.constrained and '  rows violate these constraints, which were added NOT VALID where possible:'
    or '  no constraint was added: rows violate some of them:')
  terminal.say(stage_view.refused(result.refused, { fd = 2, indent = '    ' }))
  if not result.constrained then
    terminal.say('  correct the rows, then: lugger run ', options.script or 'SCRIPT', ' --stage constrain')
  end
end

local function tell_unbalanced(result)
  if summary.balanced(result.tally) then return end
  terminal.fail('the books of ' .. result.job .. ' do not balance: some documents are not accounted for; '
    .. 'please report this')
end

local function says_more(result)
  for _, note in ipairs(result.notes) do
    if not was_planned(note) then return true end
  end
  return result.resumed or next(result.unmapped) ~= nil or #result.unmet > 0 or next(result.skip_reasons) ~= nil
    or #result.rejects > 0 or #notices.lines(result.noticed) > 0
    or tonumber(result.tally.suppressed) > 0 or stage_view.any(result.refused) or terminal.warns_anew(result.warnings)
    or not summary.balanced(result.tally)
end

-- Prints details of one job. When there are several, the table has a line for each, and the job's name is printed only
-- if there are details.
local function tell(result, options, several)
  if not several then
    tell_books(result)
    if not did_nothing(result) then tell_speed(result) end
  elseif says_more(result) then
    terminal.say(result.job, ':')
  end
  tell_unbalanced(result)
  if result.resumed then terminal.say('  resumed: the counts include what was loaded before') end
  local since = result.resumed and ' since it was resumed' or ''
  tell_counts('no column took' .. since, result.unmapped, 'document',
    "to keep them: add columns, or { 'rest', 'jsonb', from = '*' }")
  tell_unmet(result, since)
  tell_counts('skipped' .. since, result.skip_reasons, 'document')
  tell_rejects(result, since)
  tell_suppressed(result.tally)
  for i, line in ipairs(notices.lines(result.noticed)) do
    if i == 1 then terminal.say('  noticed', since, ':') end
    terminal.say('    ', line)
  end
  tell_notes(result.notes)
  tell_refused(result, options)
  for _, warning in ipairs(result.warnings) do terminal.warn_once(warning) end
end

local function tell_stage(result, options)
  if result.status == 'done' then
    local word = result.stage == 'index' and 'indexes' or 'constraints'
    terminal.say(('%s: %s %s (%s)'):format(result.job, word, not result.constrained and 'not added'
      or #result.notes == 0 and 'stand' or 'stand, and:', terminal.duration(result.seconds)))
  end
  tell_notes(result.notes)
  tell_refused(result, options)
  for _, warning in ipairs(result.warnings) do terminal.warn_once(warning) end
end

-- The error says that the script is to be changed, and how to go on with the changed one.
local function asks_to_accept(result)
  return result.status == 'failed' and (result.error .. (result.hint or '')):find('--accept-changes', 1, true) ~= nil
end

-- The changes are lost: nothing but a new copy goes on.
local function asks_to_copy(result)
  return not asks_to_accept(result) and (result.hint or ''):find 'lugger move %S+ %-%-restart' ~= nil
end

local function tell_end(result, options)
  local begun = result.run and result.run ~= ''
  local resume = not begun and options.same or result.resume_command
  if not resume or resume == '' then resume = options.resume end
  if resume and asks_to_accept(result) then resume = resume .. ' --accept-changes' end
  if result.status == 'failed' then
    if begun and tonumber(result.tally.read) > 0 and resume and not asks_to_copy(result) then
      terminal.say('what was committed stays; when the cause is removed, go on with: ', resume)
    end
  elseif result.status == 'stopped' then
    terminal.say(result.job, ': stopped; nothing is lost, nothing is half written. Go on with: ', resume)
  end
end

--- Advice on the tables that were created, each kind once.
---@param results lugger.attempt_result[]
---@return string[]
function summary.hints(results)
  local made = {}
  for _, result in ipairs(results) do made[#made + 1] = result.made end
  return load_advice.lines(made)
end

local function tell_ran(ran, options)
  local several, rejects, dry = #ran > 1, false, false
  if several then terminal.say(summary.table(ran)) end
  for _, result in ipairs(ran) do
    tell(result, options, several)
    dry = dry or result.dry_run
    rejects = rejects or tonumber(result.tally.rejected) > 0
  end
  if dry then
    terminal.say('  dry run: nothing was written')
  elseif rejects then
    terminal.say('see the rejects with: ', rejects_command(options))
  end
  for _, hint in ipairs(summary.hints(ran)) do terminal.say('hint: ', hint) end
end

--- Prints the end of a run on standard error.
---@param results lugger.attempt_result[]
---@param jobs integer how many there were to run
---@param options { quiet: boolean|nil, script: string|nil, resume: string|nil }
function summary.print(results, jobs, options)
  local ran = {}
  for _, result in ipairs(results) do
    if result.status ~= 'failed' or tonumber(result.tally.read) > 0 then ran[#ran + 1] = result end
  end
  if not options.quiet and #ran > 0 then
    if ran[1].stage == '' then
      tell_ran(ran, options)
    else
      for _, result in ipairs(ran) do tell_stage(result, options) end
    end
  end
  failures.tell(results)
  for _, result in ipairs(results) do tell_end(result, options) end
  if #results < jobs then
    terminal.say(('%s not started'):format(terminal.count(jobs - #results, 'job')))
  end
end

return summary
