-- The end of a run, told: the table, the books, what was left over, and what to type next.
local json = require 'lugger.inner.base.json_text'
local stage_view = require 'lugger.inner.view.stage'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local summary = {}

local shares = { 'inserted', 'updated', 'unchanged', 'skipped', 'rejected', 'suppressed', 'deleted' }
local seldom = { suppressed = true, deleted = true }

--- Whether everything read is accounted for.
---@param tally lugger.tally
---@return boolean
function summary.balanced(tally)
  local sum = 0
  for _, name in ipairs(shares) do sum = sum + tonumber(tally[name]) end
  return sum == tonumber(tally.read)
end

--- "read 7 = inserted 5 + updated 0 + unchanged 0 + skipped 1 + rejected 1"; seldom ones only where there are some.
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
---@return table
function summary.fields(result)
  local fields = { balanced = summary.balanced(result.tally) }
  for _, name in ipairs { 'run', 'job', 'status', 'seconds', 'resumed', 'dry_run', 'unmapped', 'skip_reasons',
    'reject_codes', 'notes',
    'warnings' } do
    fields[name] = result[name]
  end
  fields.refused = json.list(result.refused)
  if result.stage and result.stage ~= '' then fields.stage = result.stage end
  json.list(fields.notes)
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

local function tell_suppressed(tally)
  local documents = tonumber(tally.suppressed)
  if documents == 0 then return end
  terminal.warn(('%s suppressed: the server gave no error, and their rows are not all in the table '
    .. 'under their keys; a trigger, a rule or row-level security keeps them out (lugger plan names them)'):format(
    terminal.count(documents, 'document')))
end

-- Columns that are zero for every job are left out; the line with the books names them all.
local function columns_of(results)
  local columns = { { 'read', 'read' }, { 'inserted', 'inserted' } }
  local function when_used(name, title)
    for _, result in ipairs(results) do
      if tonumber(result.tally[name]) > 0 then
        columns[#columns + 1] = { name, title }
        return
      end
    end
  end
  when_used('updated', 'updated')
  when_used('unchanged', 'unchanged')
  when_used('skipped', 'skipped')
  columns[#columns + 1] = { 'rejected', 'rejected' }
  when_used('suppressed', 'suppressed')
  when_used('deleted', 'deleted')
  when_used('child_rows', 'child rows')
  return columns
end

--- The table of a run, a line a job.
---@param results lugger.run_result[]
---@return string
function summary.table(results)
  local columns = columns_of(results)
  local headers, right, rows = { 'job' }, {}, {}
  for i, column in ipairs(columns) do headers[i + 1], right[i + 1] = column[2], true end
  for _, title in ipairs { 'seconds', 'rows/s', 'MB/s' } do
    headers[#headers + 1] = title
    right[#headers] = true
  end
  for i, result in ipairs(results) do
    local row = { table_view.cut(result.job, 32) }
    for _, column in ipairs(columns) do row[#row + 1] = terminal.group(result.tally[column[1]]) end
    local seconds = math.max(result.seconds, 0.001)
    row[#row + 1] = ('%.1f'):format(result.seconds)
    row[#row + 1] = terminal.group(math.floor(tonumber(result.tally.rows) / seconds))
    row[#row + 1] = ('%.1f'):format(tonumber(result.tally.bytes) / seconds / 1e6)
    rows[i] = row
  end
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

local function rejects_command(options)
  return options.script and 'lugger rejects ' .. options.script or 'lugger rejects SCRIPT'
end

-- Keys and indexes were in the plan; whatever else was done is told.
local function tell_notes(notes)
  for _, note in ipairs(notes) do
    if not (note:match('^ALTER TABLE') or note:match('^CREATE ') or note:match('^ANALYZE')) then
      terminal.say('  ', note)
    end
  end
end

-- A terminal that is too narrow for the whole line gets it without the zeros.
local function tell_books(result)
  local line = result.job .. ': ' .. summary.books(result.tally)
  if terminal.is_terminal(2) and table_view.text_width(line) > terminal.width() then
    line = line:gsub(' %+ %a+ 0%f[%D]', ''):gsub('= inserted 0 %+', '=')
  end
  terminal.say(line)
end

local function tell_refused(result, options)
  if not stage_view.any(result.refused) then return end
  terminal.say(result.constrained and '  constraints that rows stand against, added as far as they can be:'
    or '  no constraint was added, since rows stand against some:')
  terminal.say(stage_view.refused(result.refused, { fd = 2, indent = '    ' }))
  if not result.constrained then
    terminal.say('  mend the rows, then: lugger run ', options.script or 'SCRIPT', ' --stage constrain')
  end
end

local function tell_stage(result)
  if result.status ~= 'done' then return end
  local word = result.stage == 'index' and 'indexes' or 'constraints'
  terminal.say(('%s: %s %s (%s)'):format(result.job, word, not result.constrained and 'not added'
    or #result.notes == 0 and 'stand' or 'stand, and:', terminal.duration(result.seconds)))
end

local function tell(result, options)
  if result.stage ~= '' then
    tell_stage(result)
    tell_notes(result.notes)
    tell_refused(result, options)
    for _, warning in ipairs(result.warnings) do terminal.warn(warning) end
    return
  end
  tell_books(result)
  if not summary.balanced(result.tally) then
    terminal.fail('the books of ' .. result.job .. ' do not balance: some documents are not accounted for; '
      .. 'please report this')
  end
  if result.resumed then terminal.say('  resumed: the counts include what was loaded before') end
  if result.dry_run then terminal.say('  dry run: nothing was written') end
  local since = result.resumed and ' since it was resumed' or ''
  tell_counts('no column took' .. since, result.unmapped, 'document',
    "to keep them: add columns, or { 'rest', 'jsonb', from = '*' }")
  tell_counts('skipped' .. since, result.skip_reasons, 'document')
  tell_counts('rejected' .. since, result.reject_codes, 'document')
  tell_suppressed(result.tally)
  tell_notes(result.notes)
  tell_refused(result, options)
  for _, warning in ipairs(result.warnings) do terminal.warn(warning) end
end

local function cause_of(result)
  local text = result.error
  if result.hint and result.hint ~= '' and not text:find(result.hint, 1, true) then
    text = text .. '; ' .. result.hint
  end
  return text
end

local shown_jobs = 3

-- A cause that several jobs share, a server out of reach say, is told once.
local function tell_failures(results)
  local causes, jobs = {}, {}
  for _, result in ipairs(results) do
    if result.status == 'failed' then
      local cause = cause_of(result)
      if not jobs[cause] then
        causes[#causes + 1] = cause
        jobs[cause] = {}
      end
      table.insert(jobs[cause], result.job)
    end
  end
  for _, cause in ipairs(causes) do
    local names = jobs[cause]
    local more = #names - shown_jobs
    terminal.fail(('%s%s: %s'):format(table.concat(names, ', ', 1, math.min(#names, shown_jobs)),
      more > 0 and (' and %d more'):format(more) or '', cause))
  end
end

local function tell_end(result, options)
  local resume = result.resume_command
  if not resume or resume == '' then resume = options.resume end
  if result.status == 'failed' then
    if result.run and result.run ~= '' and tonumber(result.tally.read) > 0 and resume then
      terminal.say('what was committed stays; when the cause is mended, go on with: ', resume)
    end
  elseif result.status == 'stopped' then
    terminal.say(result.job, ': stopped; nothing is lost, nothing is half written. Go on with: ', resume)
  end
end

--- Prints the end of a run on standard error.
---@param results lugger.run_result[]
---@param jobs integer how many there were to run
---@param options { quiet: boolean|nil, script: string|nil, resume: string|nil }
function summary.print(results, jobs, options)
  local ran = {}
  for _, result in ipairs(results) do
    if result.status ~= 'failed' or tonumber(result.tally.read) > 0 then ran[#ran + 1] = result end
  end
  if not options.quiet and #ran > 0 then
    if ran[1].stage == '' then terminal.say(summary.table(ran)) end
    local rejects = false
    for _, result in ipairs(ran) do
      tell(result, options)
      rejects = rejects or (tonumber(result.tally.rejected) > 0 and not result.dry_run)
    end
    if rejects then terminal.say('see the rejects with: ', rejects_command(options)) end
  end
  tell_failures(results)
  for _, result in ipairs(results) do tell_end(result, options) end
  if #results < jobs then
    terminal.say(('%s not started'):format(terminal.count(jobs - #results, 'job')))
  end
end

return summary
