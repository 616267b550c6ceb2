-- A census as text for a terminal of 80 columns: one table for each collection, with remarks below it.
local census_advice = require 'lugger.inner.census.advice'
local census_references = require 'lugger.inner.census.references'
local census_updates = require 'lugger.inner.census.updates'
local oplog_view = require 'lugger.inner.view.oplog'
local table_view = require 'lugger.inner.view.table'
local terminal = require 'lugger.inner.view.terminal'

local census_view = {}

local share = census_advice.share

local function num(value)
  return tonumber(value) or 0
end

-- "int32 97 %, string 3 %"; the type alone when there is one, with the share of null.
local function types_text(path)
  local parts, whole = {}, num(path.present) + num(path.nulls)
  if #path.types == 1 and num(path.nulls) == 0 then return path.types[1].type end
  for _, item in ipairs(path.types) do parts[#parts + 1] = item.type .. ' ' .. share(item.values, whole) end
  if num(path.nulls) > 0 then parts[#parts + 1] = 'null ' .. share(path.nulls, whole) end
  return table.concat(parts, ', ')
end

local function span(least, greatest)
  return least == greatest and least or least .. ' .. ' .. greatest
end

local function day_of(iso)
  return iso:match('^(.-)T') or iso
end

local function range_of_others(path)
  local ends = path.dates or path.integers or path.doubles or path.decimals
  if path.dates then return span(day_of(ends.least), day_of(ends.greatest)) end
  if ends and ends.least then return span(ends.least, ends.greatest) end
  local lengths = path.texts or path.binaries
  if lengths then
    if num(lengths.least) == num(lengths.greatest) then return terminal.count(num(lengths.least), 'byte') end
    return ('%s to %s bytes, mean %.0f'):format(terminal.group(num(lengths.least)),
      terminal.group(num(lengths.greatest)), num(lengths.mean))
  end
  if path.arrays then
    if num(path.arrays.least) == num(path.arrays.greatest) then
      return terminal.count(num(path.arrays.least), 'element')
    end
    return ('%s to %s elements, mean %.1f'):format(terminal.group(num(path.arrays.least)),
      terminal.group(num(path.arrays.greatest)), num(path.arrays.mean))
  end
  return ''
end

local function range_text(path)
  local vectors = path.vectors
  local pure = vectors and num(vectors.values) == num(path.present)
  local same = vectors and num(vectors.least) == num(vectors.greatest)
  if not vectors or pure and not same then return range_of_others(path) end
  local dimensions = terminal.count(num(vectors.greatest), 'dimension')
  if not same then dimensions = ('%d to %s'):format(num(vectors.least), dimensions) end
  if pure then return dimensions end
  local others = range_of_others(path)
  return ('%s in %s%s'):format(dimensions, terminal.count(num(vectors.values), 'vector'),
    others ~= '' and ', ' .. others or '')
end

-- The values of _id are always distinct, so an estimate says nothing.
local function distinct_text(path)
  local n = num(path.distinct)
  if n == 0 or (path.name == '_id' and path.depth == 1) then return '' end
  if path.distinct_exact then return terminal.group(n) end
  if n >= 999500 then return ('~%.1f M'):format(n / 1e6) end
  if n >= 9995 then return ('~%.0f k'):format(n / 1e3) end
  return '~' .. terminal.group(n)
end

local function seen_text(path)
  if path.kind == 'element' or path.kind == 'folded' then
    return terminal.group(num(path.present) + num(path.nulls))
  end
  return share(num(path.parents) - num(path.missing), path.parents)
end

local function suggestion_text(suggests)
  if suggests.as == 'none' then return '' end
  local text = suggests.as == 'children' and 'table ' .. suggests.table or suggests.type
  local keys = {}
  for key in pairs(suggests.options) do keys[#keys + 1] = key end
  table.sort(keys)
  for _, key in ipairs(keys) do text = text .. (', %s = "%s"'):format(key, suggests.options[key]) end
  return text
end

--- The column a path would become, as one line: 'int4, on_error = "null"'.
---@param suggests lugger.census_suggestion
---@return string
function census_view.suggestion(suggests)
  return suggestion_text(suggests)
end

-- Paths are long and similar, so below its parent a path is shown by its last name, indented.
---@param path lugger.census_path
local function label(path)
  local indent = ('  '):rep(path.depth - 1)
  if path.kind == 'element' then return indent .. '[]' end
  return indent .. (path.name == '' and '""' or path.name)
end

local function paths_table(census)
  local rows = {}
  for i, path in ipairs(census.paths) do
    rows[i] = { label(path), seen_text(path), types_text(path), suggestion_text(path.suggests) }
  end
  return table_view.render({ 'path', 'seen', 'types', 'suggests' }, rows, { right = { [2] = true }, least = 10 })
end

-- Values are worth showing when there are few, or one of them is frequent.
local function is_telling(path)
  local top = path.top
  if #top == 0 or num(path.distinct) < 2 or (path.name == '_id' and path.depth == 1) then return false end
  local first = num(top[1].count)
  return first > 1 and (num(path.distinct) <= 12 or first * 20 > num(path.present))
end

local function top_text(path)
  local parts = {}
  for i = 1, math.min(#path.top, 6) do
    local item = path.top[i]
    local value = item.value == '' and '""' or table_view.cut(terminal.printable(item.value), 24)
    parts[i] = ('%s %s'):format(value, share(item.count, path.present))
  end
  if num(path.distinct) > #parts then parts[#parts + 1] = '...' end
  return table.concat(parts, ', ')
end

local function values_text(path)
  local parts = {}
  local range = range_text(path)
  if range ~= '' then parts[1] = range end
  if distinct_text(path) ~= '' then
    local values = distinct_text(path) .. ' distinct'
    if is_telling(path) then values = values .. ': ' .. top_text(path) end
    parts[#parts + 1] = values
  end
  return table.concat(parts, '; ')
end

--- The range of a path's values: numbers, dates, lengths; "" without one.
---@param path lugger.census_path
---@return string
function census_view.range(path)
  return range_text(path)
end

--- How many distinct values a path has; "~" marks an estimate.
---@param path lugger.census_path
---@return string
function census_view.distinct(path)
  return distinct_text(path)
end

--- Whether the most frequent values are worth showing.
---@param path lugger.census_path
---@return boolean
function census_view.is_telling(path)
  return is_telling(path)
end

local function about(lines, head, text)
  lines[#lines + 1] = terminal.wrap(head .. ': ' .. text, '    ', terminal.width()):gsub('^  ', '')
end

local function minorities(path)
  local parts = {}
  for i = 2, #path.types do
    local item = path.types[i]
    if not path.suggests.why:find(item.examples[1] or '', 1, true) then
      parts[#parts + 1] = ('%s in %s'):format(item.type, census_advice.some(item.examples))
    end
  end
  return parts
end

-- What a reader must know about a path in addition to its line.
local function note_text(path)
  local parts, why, instead = {}, path.suggests.why, path.suggests.instead
  if instead == 'columns' then instead = nil end -- the reason already says it
  if why ~= '' then parts[1] = why .. (instead and '; or ' .. instead or '') end
  for _, text in ipairs(minorities(path)) do parts[#parts + 1] = text end
  if num(path.nulls) > 0 and #path.types > 0 then
    parts[#parts + 1] = 'null in ' .. census_advice.some(path.null_examples)
  end
  for _, note in ipairs(path.notes) do parts[#parts + 1] = note end
  return table.concat(parts, '; ')
end

local function lines_of(census, text_of)
  local lines = {}
  for _, path in ipairs(census.paths) do
    local text = text_of(path)
    if text ~= '' then about(lines, terminal.printable(path.path), terminal.printable(text)) end
  end
  return lines
end

--- Remarks about a path in addition to its line; "" without any.
---@param path lugger.census_path
---@return string
function census_view.note(path)
  return note_text(path)
end

--- Range and distinct values of a path as one line.
---@param path lugger.census_path
---@return string
function census_view.values(path)
  return values_text(path)
end

--- What could not be read, and where, one line each.
---@param census lugger.collection_census
---@return string[]
function census_view.damaged(census)
  local lines = {}
  if num(census.malformed) > 0 then
    lines[1] = terminal.count(num(census.malformed), 'document')
      .. ' cannot be read to the end; what stands before the fault was counted'
  end
  for _, item in ipairs(census.faults) do
    local where = item.at and (', at byte %s'):format(terminal.group(num(item.at) + num(item.inside))) or ''
    lines[#lines + 1] = terminal.printable(('document %s%s%s%s: %s'):format(terminal.group(num(item.document)),
      item.id ~= '' and ' (' .. item.id .. ')' or '', where, item.path ~= '' and ', in ' .. item.path or '',
      item.what))
  end
  for _, item in ipairs(census.breaks) do
    lines[#lines + 1] = terminal.printable(('reading ended behind document %s: %s; %s'):format(
      terminal.group(num(item.documents)), item.message, item.hint))
  end
  return lines
end

--- What a sample proves, in words.
---@param census lugger.collection_census
---@return string
function census_view.confidence(census)
  local sample = assert(census.sample)
  local n, all = num(census.documents), num(sample.documents)
  if num(sample.chance) >= 1 then
    return 'The sample is everything: ' .. terminal.count(all, 'document') .. '.'
  end
  if n == 0 then return 'The sample is empty: ask for more documents.' end
  local rare, points = 300 / n, 98 / math.sqrt(n)
  return (('A random sample: %s of %s documents, each with the same chance. What occurs in more than %s of all '
    .. 'documents is in it, and shares are right within %s points, each with 95 %% confidence. What is rarer may be '
    .. 'missing here.')
    :format(terminal.group(n), terminal.group(all), ('%.2g %%'):format(math.min(rare, 100)), ('%.2g'):format(points)))
end

--- Size and number of a collection's documents as one line.
---@param census lugger.collection_census
---@return string
function census_view.head(census)
  local info, words = census.info, { terminal.count(num(census.documents), 'document') }
  words[#words + 1] = terminal.bytes(num(census.bytes)) .. (info.compressed and ' unpacked' or '')
  if num(census.documents) > 0 then
    words[#words + 1] = ('%s a document (at most %s: %s)'):format(terminal.bytes(math.floor(num(census.sizes.mean))),
      terminal.bytes(num(census.sizes.greatest)), census.largest)
  end
  if not census.complete and not census.sample and #census.breaks == 0 then
    words[#words + 1] = 'only the first of them were read'
  end
  return terminal.printable(table.concat(words, ', '))
end

local function head_text(census)
  return terminal.paint(1, 'bold', terminal.printable(census.name)) .. '\n'
    .. terminal.wrap(census_view.head(census), '  ')
end

local function discriminator_lines(found, census)
  local lines = {}
  lines[#lines + 1] = terminal.wrap(('%s tells kinds of documents apart: it decides %s'):format(
    terminal.printable(found.path), terminal.printable(table.concat(found.decides, ', '))), '  ')
  for _, kind in ipairs(found.kinds) do
    local has = #kind.always > 0 and 'with ' .. table.concat(kind.always, ', ') or 'with none of them'
    lines[#lines + 1] = terminal.wrap(terminal.printable(('%s %s: %s'):format(kind.value,
      share(kind.documents, census.documents), has)), '    ')
  end
  lines[#lines + 1] = terminal.wrap(("a table of its own for each kind: route = { from = '%s', tables = { ... } }")
    :format(terminal.printable(found.path)), '  ')
  return lines
end

local function section(lines, title, more)
  if #more == 0 then return end
  lines[#lines + 1] = '\n' .. terminal.paint(1, 'bold', title)
  for _, line in ipairs(more) do lines[#lines + 1] = line end
end

--- A reference as a sentence.
---@param reference lugger.census_reference
---@return string
function census_view.reference(reference)
  local head = ('%s refers to %s._id'):format(reference.path, reference.target)
  local checked = reference.checked
  if checked then
    if num(checked.dangling) == 0 then
      return ('%s: all %s are there'):format(head, terminal.count(num(checked.values), 'value'))
    end
    local parts = {}
    for i, example in ipairs(checked.examples) do parts[i] = ('%s in %s'):format(example.value, example.document) end
    return ('%s: %s of %s dangle (%s)'):format(head, terminal.group(num(checked.dangling)),
      terminal.count(num(checked.values), 'value'), table.concat(parts, ', '))
  end
  if num(reference.looked_at) == 0 then return head .. ', by its name; --references looks' end
  return ('%s: %d of %d sampled values are there; --references counts all'):format(head, num(reference.found),
    num(reference.looked_at))
end

-- Wraps each line at the terminal's width and indents the continuation.
local function wrapped(texts)
  local lines = {}
  for i, text in ipairs(texts) do
    lines[i] = terminal.wrap(terminal.printable(text), '    ', terminal.width()):gsub('^  ', '')
  end
  return lines
end

local function reference_lines(references)
  local lines = {}
  for i, reference in ipairs(references) do lines[i] = census_view.reference(reference) end
  return wrapped(lines)
end

--- A forecast as sentences.
---@param forecast lugger.census_forecast
---@return string
function census_view.forecast(forecast)
  local text = ('%s, %s as BSON: about %s in the table and %s in its key; have %s of disk free. '):format(
    terminal.count(forecast.rows, 'row'), terminal.bytes(forecast.source_bytes), terminal.bytes(forecast.table_bytes),
    terminal.bytes(forecast.index_bytes), terminal.bytes(forecast.disk_bytes))
  if not forecast.trial then return text .. 'Loading: ' .. terminal.about(forecast.seconds) .. '.' end
  return text .. ('Loading: %s on %s. A forecast: %s were converted for %s, the server is taken to be as fast as one '
    .. 'that was measured.'):format(terminal.about(forecast.seconds),
    terminal.count(forecast.connections, 'connection'), terminal.count(forecast.trial.documents, 'document'),
    terminal.duration(forecast.trial.seconds))
end

--- One collection as text.
---@param census lugger.named_census
---@param references lugger.census_reference[]
---@return string
function census_view.collection(census, references)
  local lines = { head_text(census) }
  if census.sample then lines[#lines + 1] = terminal.wrap(census_view.confidence(census), '  ') end
  if census.info.oplog then
    lines[#lines + 1] = terminal.wrap(
      'as at the end of the oplog: ' .. oplog_view.sentence(census.info.oplog, true), '  ')
  end
  if #census.paths > 0 then lines[#lines + 1] = '\n' .. paths_table(census) end
  section(lines, 'values', lines_of(census, values_text))
  section(lines, 'notes', lines_of(census, note_text))
  for i, found in ipairs(census.discriminators) do
    if i <= 3 then section(lines, i == 1 and 'kinds of documents' or 'or', discriminator_lines(found, census)) end
  end
  section(lines, 'references', reference_lines(references))
  if census.updates then section(lines, 'updates', wrapped(census_updates.lines(census.updates))) end
  section(lines, 'damaged', wrapped(census_view.damaged(census)))
  if census.forecast then
    section(lines, 'forecast', { terminal.wrap(census_view.forecast(census.forecast), '  ') })
  end
  return table.concat(lines, '\n')
end

--- A whole place as text.
---@param taken lugger.place_census
---@return string
function census_view.place(taken)
  local parts = {}
  for i, census in ipairs(taken.collections) do
    parts[i] = census_view.collection(census, census_references.of(taken.references, census.name))
  end
  if #taken.collections > 1 and taken.forecast then
    parts[#parts + 1] = terminal.paint(1, 'bold', 'all collections') .. '\n'
      .. terminal.wrap(census_view.forecast(taken.forecast), '  ')
  end
  return table.concat(parts, '\n\n')
end

return census_view
