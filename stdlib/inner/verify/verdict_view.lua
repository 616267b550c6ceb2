-- Shows verdicts: a table of counts, then the wrong rows.
local document = require 'lugger.inner.base.document'
local json = require 'lugger.json'
local recall_view = require 'lugger.inner.verify.recall_view'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'
local tonumber = tonumber --[[@as fun(count: any): integer]]

local verdict_view = {}

local longest_value = 60

local function number(value)
  return terminal.group(value)
end

-- "-": not checked.
local function count(found, name)
  if name == 'missing' and not found.verdict.looked_for_missing then return '-' end
  if name == 'extra' and not found.verdict.looked_for_extra then return '-' end
  return number(found.table[name])
end

--- The counts of all tables of several verdicts, as a table.
---@param list lugger.verdict[]
---@return string
function verdict_view.counts(list)
  local rows = {}
  for _, verdict in ipairs(list) do
    for _, one in ipairs(verdict.tables) do
      local found = { verdict = verdict, table = one }
      rows[#rows + 1] = { one.table, number(one.source), number(one.target), number(one.equal),
        count(found, 'missing'), count(found, 'extra'), number(one.different) }
    end
  end
  return table_view.render({ 'table', 'source', 'target', 'equal', 'missing', 'extra', 'different' }, rows,
    { right = { [2] = true, [3] = true, [4] = true, [5] = true, [6] = true, [7] = true } })
end

-- Cuts two texts where they begin to differ, so that a long value shows the difference.
local function cut(text, other)
  if text == nil then return 'NULL' end
  text = terminal.printable(text)
  local first = 1
  if other and #text > longest_value then
    while first < #text and text:byte(first) == other:byte(first) do first = first + 1 end
  end
  local from = math.max(1, first - 15)
  while from > 1 and text:byte(from) >= 0x80 and text:byte(from) < 0xC0 do from = from - 1 end
  local shown = table_view.cut(text:sub(from, from + 400), longest_value)
  return (from > 1 and '…' or '') .. shown
end

local longest_json = 65536 -- bytes; longer texts are not searched for differences
local most_paths = 5

local function flatten(value, path, out)
  local any = false
  for name, item in (document.is(value) and document.each(value) or function() end) do
    any = true
    flatten(item, path .. (type(name) == 'number' and '[' .. name .. ']' or '.' .. name), out)
  end
  if not any then out[path] = json.encode(value) end
  return out
end

-- The paths that differ between two JSON texts, as { path, source, target }; nil when they are not JSON, or when no
-- path shows the difference.
local function json_places(name, source, target)
  if not (source and target and source:match('^[%[{]') and target:match('^[%[{]')) then return nil end
  if #source > longest_json or #target > longest_json then return nil end
  local left, right ---@type table<string, string>, table<string, string>
  local ok = pcall(function()
    left, right = flatten(json.decode(source), name, {}), flatten(json.decode(target), name, {})
  end)
  if not ok then return nil end
  local paths = {}
  for path, text in pairs(left) do
    if right[path] ~= text then paths[#paths + 1] = path end
  end
  for path in pairs(right) do
    if left[path] == nil then paths[#paths + 1] = path end
  end
  if #paths == 0 or #paths > most_paths then return nil end
  table.sort(paths)
  for i, path in ipairs(paths) do paths[i] = { path, left[path] or '(nothing)', right[path] or '(nothing)' } end
  return paths
end

local function show_both(name, source, target)
  name = terminal.printable(name)
  terminal.line('    ', name, ': source ', cut(source, target))
  terminal.line('    ', (' '):rep(table_view.text_width(name)), '  target ', cut(target, source))
end

local function show_different(column)
  local places = json_places(column.column, column.source, column.target)
  for _, place in ipairs(places or {}) do show_both(place[1], place[2], place[3]) end
  if not places then show_both(column.column, column.source, column.target) end
end

local function show_row(row)
  terminal.line('  ', row.kind, ' in ', row.table, ': ', row.key ~= '' and terminal.printable(row.key) or '(no key)')
  for _, column in ipairs(row.columns) do
    if row.kind == 'different' then
      show_different(column)
    elseif row.key == '' then
      terminal.line('    ', column.column, ': ', cut(row.kind == 'extra' and column.target or column.source))
    end
  end
end

local function show_altered(verdict)
  for _, one in ipairs(verdict.altered) do
    if one.found == '' then
      terminal.line(('  %s.%s: the table has no such column any more (the mapping makes it %s)')
        :format(one.table, one.column, one.wanted))
    else
      terminal.line(('  %s.%s: is %s in the table, and %s in the mapping: its type was changed')
        :format(one.table, one.column, one.found, one.wanted))
    end
  end
end

local function show_rows(verdict)
  for _, row in ipairs(verdict.rows) do show_row(row) end
  local shown, all = #verdict.rows, 0
  for _, one in ipairs(verdict.tables) do
    all = all + tonumber(one.missing) + tonumber(one.extra) + tonumber(one.different)
  end
  if all > shown then
    terminal.line(('  and %s more; --limit-shown N shows more of them'):format(number(all - shown)))
  end
end

local function total(map)
  local sum, names = 0, {}
  for name, documents in pairs(map) do
    sum = sum + tonumber(documents)
    names[#names + 1] = name
  end
  table.sort(names, function(a, b)
    if tonumber(map[a]) ~= tonumber(map[b]) then return tonumber(map[a]) > tonumber(map[b]) end
    return a < b
  end)
  return sum, names
end

local function tell_map(title, map, most)
  local _, names = total(map)
  if #names == 0 then return end
  local parts = {}
  for i = 1, math.min(#names, most) do
    parts[i] = ('%s (%s)'):format(terminal.printable(names[i]), terminal.group(map[names[i]]))
  end
  if #names > most then parts[#parts + 1] = ('and %d more'):format(#names - most) end
  terminal.say('  ', title, ': ', table.concat(parts, ', '))
end

-- Of a verification under writes: where both sides stood, and what did not stand still.
local function tell_live(verdict)
  if verdict.applied_position == '' then return end
  terminal.say('  compared up to ', verdict.source_position, '; changes applied up to ', verdict.applied_position)
  terminal.say('  what was changed in the target is looked at up to ', verdict.position)
  for _, one in ipairs(verdict.tables) do tell_map(one.table .. ': differs in', one.differing, 8) end
end

local function tell_rest(verdict)
  tell_live(verdict)
  if tonumber(verdict.skipped) > 0 then tell_map('skipped, so not expected', verdict.skip_reasons, 5) end
  if tonumber(verdict.rejected) > 0 then tell_map('rejected, so not expected', verdict.reject_codes, 5) end
  if tonumber(verdict.kept_rejects) > 0 then
    terminal.say('  need not be there, as they stand among the rejects: ',
      terminal.count(verdict.kept_rejects, 'document'))
  end
  tell_map('not compared, as no column takes it', verdict.unmapped, 8)
  tell_map('values that could not be read and were replaced, as on_error says', verdict.replaced, 8)
  for _, one in ipairs(verdict.tables) do
    if tonumber(one.duplicates) > 0 then
      terminal.say(('  %s: %s had the key of another one and gave way, as on_conflict says'):format(one.table,
        terminal.count(one.duplicates, 'source row')))
    end
    if tonumber(one.newer) > 0 then
      terminal.say(('  %s: %s of documents that the target has newer: kept, as on_conflict says'):format(one.table,
        terminal.count(one.newer, 'row')))
    end
    if tonumber(one.settled) > 0 then
      terminal.say(('  %s: %s differed at first and settled when read again'):format(one.table,
        terminal.count(one.settled, 'row')))
    end
  end
  if verdict.window ~= '' then terminal.say('  window: ', verdict.window, '; extra rows were not looked for') end
  if verdict.where ~= '' then
    terminal.say('  where: ', verdict.where, verdict.looked_for_missing and '' or '; missing rows were not looked for')
  end
  if verdict.sample ~= '' then terminal.say('  sample: ', verdict.sample) end
  for _, note in ipairs(verdict.notes) do terminal.say('  ', note) end
end

-- Documents that are neither equal nor wrong.
local function still_changing(verdict)
  local changing = tonumber(verdict.changing)
  return changing > 0 and ('; %s still changing, and not compared'):format(terminal.count(changing, 'document')) or ''
end

-- Documents that have no row, and need none.
local function but_for_rejects(verdict)
  local refused = tonumber(verdict.rejected) + tonumber(verdict.kept_rejects)
  return refused > 0 and (' but for %s'):format(terminal.count(refused, 'rejected document')) or ''
end

--- "users: equal", "users: equal but for 2 rejected documents" or "users: NOT equal: 3 missing, 1 different".
---@param verdict lugger.verdict
---@return string
function verdict_view.sentence(verdict)
  if verdict.equal then
    local rows = 0
    for _, one in ipairs(verdict.tables) do rows = rows + tonumber(one.equal) end
    return ('%s: equal%s, %s compared by value in %s%s'):format(verdict.job, but_for_rejects(verdict),
      terminal.count(rows, 'row'), terminal.duration(tonumber(verdict.seconds)), still_changing(verdict))
  end
  local parts = {}
  local sums = { missing = 0, extra = 0, different = 0 } ---@type table<string, integer>
  for i, reason in ipairs(verdict.reasons) do parts[i] = reason end
  for _, one in ipairs(verdict.tables) do
    for name in pairs(sums) do sums[name] = sums[name] + tonumber(one[name]) end
  end
  for _, name in ipairs { 'missing', 'extra', 'different' } do
    if sums[name] > 0 then parts[#parts + 1] = terminal.group(sums[name]) .. ' ' .. name end
  end
  if #verdict.altered > 0 then parts[#parts + 1] = terminal.count(#verdict.altered, 'altered column') end
  return verdict.job .. ': NOT equal: ' .. table.concat(parts, ', ') .. still_changing(verdict)
end

--- Writes the warnings of a verdict to standard error.
---@param verdict lugger.verdict
function verdict_view.warn(verdict)
  for _, warning in ipairs(verdict.warnings) do terminal.warn(warning) end
end

--- Shows everything: counts and wrong rows on standard output, remarks on standard error.
---@param list lugger.verdict[]
function verdict_view.show(list)
  if #list == 0 then return end
  terminal.line(verdict_view.counts(list))
  for _, verdict in ipairs(list) do
    verdict_view.warn(verdict)
    terminal.line(terminal.paint(1, verdict.equal and 'green' or 'red', verdict_view.sentence(verdict)))
    show_altered(verdict)
    show_rows(verdict)
    if verdict.recall then recall_view.show(verdict.recall, tonumber(verdict.kept_rejects)) end
    tell_rest(verdict)
  end
end

return verdict_view
