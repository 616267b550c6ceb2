-- A census as text for a terminal of 80 columns: one table a collection, and what stands out beneath it.
local census_advice = require 'lugger.census_advice'
local table_view = require 'lugger.table_view'
local terminal = require 'lugger.terminal'

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

local function range_text(path)
  local ends = path.dates or path.integers or path.doubles or path.decimals
  if path.dates then return ends.least:sub(1, 10) .. ' .. ' .. ends.greatest:sub(1, 10) end
  if ends and ends.least then return ends.least .. ' .. ' .. ends.greatest end
  local lengths = path.texts or path.binaries
  if lengths then return ('%d..%d bytes'):format(num(lengths.least), num(lengths.greatest)) end
  if path.arrays then
    return ('%d..%d, mean %.1f'):format(num(path.arrays.least), num(path.arrays.greatest), num(path.arrays.mean))
  end
  return ''
end

local function distinct_text(path)
  local n = num(path.distinct)
  if n == 0 then return '' end
  if path.distinct_exact then return terminal.group(n) end
  if n >= 999500 then return ('~%.1f M'):format(n / 1e6) end
  if n >= 9995 then return ('~%.0f k'):format(n / 1e3) end
  return '~' .. terminal.group(n)
end

local function seen_text(path, census)
  if path.kind == 'element' or path.kind == 'folded' then
    return terminal.group(num(path.present) + num(path.nulls))
  end
  return share(num(path.parents) - num(path.missing), path.parents), census
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

-- Paths are long and alike: beneath its parent a path is its last name, indented.
local function label(path)
  local indent = ('  '):rep(path.depth - 1)
  if path.kind == 'element' then return indent .. '[]' end
  return indent .. (path.name == '' and '""' or path.name)
end

local function paths_table(census)
  local rows = {}
  for i, path in ipairs(census.paths) do
    rows[i] = { label(path), (seen_text(path, census)), types_text(path), range_text(path), distinct_text(path),
      suggestion_text(path.suggests) }
  end
  return table_view.render({ 'path', 'seen', 'types', 'range', 'distinct', 'suggests' }, rows,
    { right = { [2] = true, [5] = true }, least = 6 })
end

local function is_telling(path)
  local top = path.top
  return #top > 0 and num(path.distinct) > 1 and num(top[1].count) * 50 > num(path.present)
    and (num(path.distinct) <= 12 or num(top[1].count) * 5 > num(path.present)) and path.name ~= '_id'
end

local function top_text(path)
  local parts = {}
  for i = 1, math.min(#path.top, 6) do
    local item = path.top[i]
    parts[i] = ('%s %s'):format(table_view.cut(terminal.printable(item.value), 24), share(item.count, path.present))
  end
  if num(path.distinct) > #parts then parts[#parts + 1] = '...' end
  return table.concat(parts, ', ')
end

local function about(lines, head, text)
  lines[#lines + 1] = terminal.wrap(head .. ': ' .. text, '    ', terminal.width()):gsub('^  ', '')
end

-- What a reader must know of each path beyond its line.
local function notes(census)
  local lines, values = {}, {}
  for _, path in ipairs(census.paths) do
    local name = terminal.printable(path.path)
    local parts = {}
    if path.suggests.why ~= '' then
      parts[1] = path.suggests.why .. (path.suggests.instead and '; or ' .. path.suggests.instead or '')
    end
    for _, note in ipairs(path.notes) do parts[#parts + 1] = note end
    if #path.types > 1 and not (parts[1] or ''):find('(', 1, true) then
      for i = 2, #path.types do
        local item = path.types[i]
        parts[#parts + 1] = ('%s %s: %s'):format(terminal.count(num(item.values), 'value'), item.type,
          census_advice.some(item.examples))
      end
    end
    if num(path.nulls) > 0 then
      parts[#parts + 1] = ('null in %s'):format(census_advice.some(path.null_examples))
    end
    if #parts > 0 then about(lines, name, terminal.printable(table.concat(parts, '; '))) end
    if is_telling(path) then about(values, name, top_text(path)) end
  end
  return lines, values
end

local function faults_text(census)
  local lines = {}
  if num(census.malformed) > 0 then
    lines[#lines + 1] = terminal.count(num(census.malformed), 'document')
      .. ' cannot be read to the end; what stands before the fault was counted:'
    for _, item in ipairs(census.faults) do
      local where = item.at and (', at byte %s'):format(terminal.group(num(item.at) + num(item.inside))) or ''
      lines[#lines + 1] = terminal.printable(('  document %s%s%s%s: %s'):format(terminal.group(item.document),
        item.id ~= '' and ' (' .. item.id .. ')' or '', where, item.path ~= '' and ', in ' .. item.path or '',
        item.what))
    end
  end
  for _, item in ipairs(census.breaks) do
    lines[#lines + 1] = ('reading ended behind document %s: %s; %s'):format(terminal.group(item.documents),
      item.message, item.hint)
  end
  return lines
end

--- What a sample proves, in words.
---@param census lugger.collection_census
---@return string
function census_view.confidence(census)
  local n, all = num(census.documents), num(census.sample.documents)
  if num(census.sample.chance) >= 1 then return 'The sample is everything: ' .. terminal.count(all, 'document') .. '.' end
  if n == 0 then return 'The sample is empty: ask for more documents.' end
  local rare, span = 300 / n, 98 / math.sqrt(n)
  return (('A random sample: %s of %s documents, each with the same chance. What occurs in more than %s of all documents '
    .. 'is in it, and shares are right within %s points, each with 95 %% confidence. What is rarer may be missing here.')
    :format(terminal.group(n), terminal.group(all), ('%.2g %%'):format(math.min(rare, 100)), ('%.2g'):format(span)))
end

local function head_text(census)
  local info, words = census.info, { terminal.count(num(census.documents), 'document') }
  words[#words + 1] = terminal.bytes(num(census.bytes)) .. (info.compressed and ' unpacked' or '')
  if num(census.documents) > 0 then
    words[#words + 1] = ('%s a document (at most %s: %s)'):format(terminal.bytes(math.floor(num(census.sizes.mean))),
      terminal.bytes(num(census.sizes.greatest)), terminal.printable(census.largest))
  end
  return terminal.paint(1, 'bold', terminal.printable(census.name)) .. '\n' .. terminal.wrap(table.concat(words, ', '), '  ')
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
  lines[#lines + 1] = terminal.wrap(("to load each kind into a table of its own: route = { from = '%s', tables = { ... } }")
    :format(found.path), '  ')
  return lines
end

local function section(lines, title, more)
  if #more == 0 then return end
  lines[#lines + 1] = '\n' .. title
  for _, line in ipairs(more) do lines[#lines + 1] = line end
end

--- One collection as text.
---@param census lugger.collection_census
---@return string
function census_view.collection(census)
  local lines = { head_text(census) }
  if census.sample then lines[#lines + 1] = terminal.wrap(census_view.confidence(census), '  ') end
  if not census.complete and not census.sample and #census.breaks == 0 then
    lines[#lines + 1] = '  only the first of them were read'
  end
  if #census.paths > 0 then lines[#lines + 1] = '\n' .. paths_table(census) end
  local told, values = notes(census)
  section(lines, 'notes', told)
  section(lines, 'frequent values', values)
  for i, found in ipairs(census.discriminators) do
    if i > 3 then break end
    section(lines, i == 1 and 'kinds of documents' or '', discriminator_lines(found, census))
  end
  section(lines, 'damaged', faults_text(census))
  return table.concat(lines, '\n')
end

--- A whole place as text.
---@param taken lugger.place_census
---@return string
function census_view.place(taken)
  local parts = {}
  for i, census in ipairs(taken.collections) do parts[i] = census_view.collection(census) end
  return table.concat(parts, '\n\n')
end

return census_view
