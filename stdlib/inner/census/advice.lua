-- Advice from a census: the column, child table or jsonb that suits each path, and what to consider.
local pg_names = require 'lugger.inner.base.pg_names'
local terminal = require 'lugger.inner.view.terminal'
local vectors_of = require 'lugger.inner.census.vectors'

local census_advice = {}

---@class lugger.census_suggestion
---@field as "key"|"column"|"children"|"jsonb"|"none" none: a name of a dictionary
---@field type string|nil column type; of elements: the type of a child's column
---@field options table<string, any> options of the column: { on_error = 'null' }
---@field table string|nil children: a name for the child table
---@field not_null boolean every document (or element) has it, never null; only of a census of everything
---@field why string short; "" where the type speaks for itself
---@field instead string|nil what else would do

local rare_share = 0.05 -- a smaller minority does not decide the type
local float_scale = 4 -- decimal places, for doubles that look like amounts
local most_digits = 40 -- with more digits, the type is numeric without a precision
local vector_least = 16 -- an array of numbers of at least this fixed length is taken for an embedding

local number_types = { int32 = true, int64 = true, double = true, decimal = true, numeric = true }
local text_types = { string = true, symbol = true }
local money_words = { 'price', 'amount', 'total', 'cost', 'balance', 'fee', 'tax', 'sum', 'rate', 'money', 'paid' }

local function num(value)
  return tonumber(value) or 0
end

--- A percentage for people: "97 %", "< 0.1 %"; never "100 %" or "0 %" unless exact.
---@param part number
---@param whole number
---@return string
function census_advice.share(part, whole)
  part, whole = num(part), num(whole)
  if whole == 0 then return '-' end
  if part == 0 then return '0 %' end
  if part == whole then return '100 %' end
  local percent = 100 * part / whole
  if percent < 0.1 then return '< 0.1 %' end
  if percent > 99.9 then return '> 99.9 %' end
  if percent < 10 or percent > 90 then
    local text = ('%.1f'):format(percent)
    if text == '100.0' then return '> 99.9 %' end
    return (text:gsub('%.0$', '')) .. ' %'
  end
  return ('%.0f %%'):format(percent)
end

--- "9 (15 %)".
---@param part number
---@param whole number
---@return string
function census_advice.part(part, whole)
  return ('%s (%s)'):format(terminal.group(part), census_advice.share(part, whole))
end

--- "64f1.., 64f2..": the first examples of a list.
---@param examples string[]
---@return string
function census_advice.some(examples)
  return table.concat(examples, ', ', 1, math.min(#examples, 3))
end

-- " (of 5,000 looked at)" when not every value was looked at.
local function looked_at(looks, values)
  if num(looks.looked_at) >= num(values) then return '' end
  return (' (of %s looked at)'):format(terminal.group(num(looks.looked_at)))
end

local function digits_of(precision, scale)
  precision, scale = num(precision), num(scale)
  return scale > 0 and ('numeric(%d,%d)'):format(math.max(precision, 1), scale) or ('numeric(%d)'):format(
    math.max(precision, 1))
end

local function integer_type(least, greatest)
  least, greatest = num(least), num(greatest)
  if least >= -2147483648 and greatest <= 2147483647 then return 'int4' end
  if least > -9.2e18 and greatest < 9.2e18 then return 'int8' end
  return 'numeric'
end

local function is_money(name)
  name = name:lower()
  for _, word in ipairs(money_words) do
    if name:find(word, 1, true) then return true end
  end
  return false
end

-- The kind of all texts, when every text was looked at and all are of one kind.
local function texts_are(texts)
  local looks = texts.looks
  local all = num(texts.values)
  if all == 0 or num(looks.looked_at) < all then return nil end
  for _, kind in ipairs { 'number', 'date', 'bool', 'uuid', 'object_id', 'json' } do
    if num(looks[kind]) == all then return kind end
  end
end

local function of_texts(path, out)
  local texts, looks = path.texts, path.texts.looks
  local kind = texts_are(texts)
  if kind == 'number' and num(looks.padded) > 0 then
    out.type, out.why = 'text', 'digits, but some with leading zeros or signs that a number would lose'
  elseif kind == 'number' and num(looks.integer) == num(texts.values) then
    out.type = num(looks.precision) <= 9 and 'int4' or num(looks.precision) <= 18 and 'int8' or 'numeric'
    out.why, out.instead = 'every text is a whole number', 'text'
  elseif kind == 'number' then
    out.type, out.instead = 'numeric', 'text'
    out.why = ('every text is a number; %s holds them'):format(digits_of(looks.precision, looks.scale))
  elseif kind == 'date' then
    out.type, out.instead = 'timestamptz', 'text'
    out.why = 'every text is an ISO date; without a zone it is read as UTC'
  elseif kind == 'uuid' then
    out.type, out.why, out.instead = 'uuid', 'every text is a uuid', 'text'
  elseif kind == 'bool' then
    out.type, out.why, out.instead = 'bool', 'every text is true or false', 'text'
  else
    out.type = 'text'
    if kind == 'object_id' then out.why = 'every text is the hex of an ObjectId' end
    if kind == 'json' then out.why, out.instead = 'every text is JSON', 'jsonb' end
  end
  if num(texts.with_nul) > 0 then out.options.nul = 'strip' end
  if num(texts.bad_utf8) > 0 then out.options.utf8 = 'replace' end
end

local function of_doubles(path, out)
  local doubles = path.doubles
  local odd = num(doubles.nan) + num(doubles.infinite)
  if num(doubles.whole) == num(doubles.values) then
    local least, greatest = num(doubles.least), num(doubles.greatest)
    if path.integers then
      least = math.min(least, num(path.integers.least))
      greatest = math.max(greatest, num(path.integers.greatest))
    end
    local kind = integer_type(least, greatest)
    if kind ~= 'numeric' then
      out.type, out.why, out.instead = kind, 'every double is whole', path.type
      return
    end
  end
  if is_money(path.name) and odd == 0 and num(doubles.scale) <= float_scale and num(doubles.scale) > 0 then
    out.type, out.instead = 'numeric', 'float8'
    out.why = ('doubles of at most %d decimals, which look like amounts%s'):format(num(doubles.scale),
      looked_at(doubles, doubles.values))
    return
  end
  if odd > 0 then
    out.options.non_finite = 'keep'
  end
end

local function of_decimals(path, out)
  local digits = digits_of(path.decimals.precision, path.decimals.scale)
  out.why = (num(path.decimals.precision) <= most_digits and digits or 'numeric alone') .. ' holds every one'
  if num(path.decimals.special) > 0 then
    out.options.non_finite = 'keep'
    out.why = ('NaN or infinite %s; %s'):format(terminal.count(num(path.decimals.special), 'time'), out.why)
  end
end

local function only(path, kinds)
  for _, item in ipairs(path.types) do
    if not kinds[item.type] then return false end
  end
  return #path.types > 0
end

local function has(path, kind)
  for _, item in ipairs(path.types) do
    if item.type == kind then return item end
  end
end

-- Numbers together with texts that contain numbers become numbers.
local function numbers_and_texts(path, out)
  local kinds = { string = true }
  for kind in pairs(number_types) do kinds[kind] = true end
  if not only(path, kinds) or not path.texts or texts_are(path.texts) ~= 'number' then return false end
  local looks = path.texts.looks
  if num(looks.padded) > 0 then return false end
  out.type, out.instead = 'numeric', 'jsonb'
  out.why = ('%s strings, every one a number: %s'):format(
    census_advice.part(path.texts.values, path.present), census_advice.some(has(path, 'string').examples))
  if path.integers and not path.doubles and not path.decimals and num(looks.integer) == num(path.texts.values)
    and num(looks.precision) <= 18 then
    out.type = num(looks.precision) > 9 and 'int8' or integer_type(path.integers.least, path.integers.greatest)
  end
  return true
end

-- Dates together with texts that contain dates become dates.
local function dates_and_texts(path, out)
  if not only(path, { date = true, string = true }) or not path.texts or texts_are(path.texts) ~= 'date' then
    return false
  end
  out.type, out.instead = 'timestamptz', 'jsonb'
  out.why = ('%s strings, every one an ISO date: %s'):format(
    census_advice.part(path.texts.values, path.present), census_advice.some(has(path, 'string').examples))
  if path.dates and num(path.dates.outside) > 0 then out.options.out_of_range = 'null' end
  return true
end

local narrow = {
  bool = 'bool', int32 = 'int4', int64 = 'int8', double = 'float8', decimal = 'numeric', numeric = 'numeric',
  string = 'text', objectId = 'text', date = 'timestamptz', symbol = 'text',
}

local function minority_text(path)
  local parts = {}
  for i = 2, #path.types do
    local item = path.types[i]
    parts[#parts + 1] = ('%s %s (%s)'):format(census_advice.part(item.values, path.present), item.type,
      census_advice.some(item.examples))
  end
  return table.concat(parts, ', ')
end

-- Several types that no single type can represent.
local function of_mixed(path, out)
  local vector = vectors_of.column(path)
  if vector then out.as, out.type = 'column', vector return end
  if numbers_and_texts(path, out) or dates_and_texts(path, out) then return end
  out.as, out.type, out.why = 'jsonb', 'jsonb', 'mixed: ' .. minority_text(path)
  if #path.types == 1 then
    out.why = ('no column type holds %s'):format(path.types[1].type)
    return
  end
  local first = path.types[1]
  local others = num(path.present) - num(first.values)
  if narrow[first.type] and others <= num(path.present) * rare_share and first.type ~= 'string' then
    out.as, out.type, out.options.on_error, out.instead = 'column', narrow[first.type], 'null', 'jsonb'
    if first.type == 'int64' or first.type == 'int32' then
      out.type = integer_type(path.integers.least, path.integers.greatest)
    end
    out.why = minority_text(path) .. ' would become NULL'
  elseif text_types[first.type] and only(path, { string = true, symbol = true, int32 = true, int64 = true,
    objectId = true, bool = true, date = true, decimal = true, double = true }) then
    out.as, out.type, out.instead = 'column', 'text', 'jsonb'
    out.why = minority_text(path) .. ' become text'
  end
end

local array_elements = {
  bool = true, int4 = true, int8 = true, float8 = true, numeric = true, text = true, uuid = true, timestamptz = true,
} ---@type table<string, boolean|nil>

local function of_array(path, inside, stem, out)
  local arrays = path.arrays
  if not inside or num(inside.present) + num(inside.nulls) == 0 then
    out.as, out.type, out.why = 'jsonb', 'jsonb', 'every array is empty'
    return
  end
  if only(inside, number_types) and num(arrays.least) == num(arrays.greatest) and num(arrays.least) >= vector_least
    and num(inside.nulls) == 0 then
    out.as, out.type, out.instead = 'column', ('vector(%d)'):format(num(arrays.least)), 'float4[]'
    out.why = ('always %d numbers: an embedding'):format(num(arrays.least))
    return
  end
  if only(inside, { document = true }) then
    out.as, out.type, out.table, out.instead = 'children', nil, pg_names.table(stem .. '_' .. path.name), 'jsonb'
    out.why = ('documents, up to %d in one array'):format(num(arrays.greatest))
    return
  end
  if array_elements[inside.type] then
    local most, long = num(arrays.greatest), path.vectors and num(arrays.greatest) >= vector_least
    out.as, out.type, out.instead = 'column', inside.type .. '[]', long and 'vector' or 'children'
    out.why = long and ('up to %d numbers; if they are embeddings: vector(%d) rejects other lengths'):format(most, most)
      or ('up to %d values; a GIN index finds rows by element'):format(most)
    return
  end
  out.as, out.type = 'jsonb', 'jsonb'
  local what = #inside.types > 1 and 'elements of several types' or #inside.types == 0 and 'nothing but null in it'
    or 'elements are of type ' .. inside.types[1].type
  out.why = what .. '; a GIN index (jsonb_path_ops) finds rows by element'
end

local function of_document(path, below, out)
  out.as, out.type = 'jsonb', 'jsonb'
  if #below == 1 and below[1].kind == 'folded' then
    out.why = ("a dictionary of about %d names: jsonb, or a child table with from = '%s{}', a row a name"):format(
      num(below[1].names), path.path)
    return
  end
  local flat = #below > 0 and #below <= 12
  for _, child in ipairs(below) do
    if child.suggests.as ~= 'column' or num(child.missing) > num(child.parents) / 2 then flat = false end
  end
  if flat then
    out.instead = 'columns'
    out.why = terminal.count(#below, 'plain field') .. ', which could be columns of their own'
  end
end

local function suggest(path, below, stem)
  local out = { as = 'column', type = path.type, options = {}, why = '',
    not_null = num(path.missing) == 0 and num(path.nulls) == 0 and num(path.present) > 0 and path.kind ~= 'folded' }
  if path.kind == 'folded' then
    out.as = 'none'
  elseif path.name == '_id' and path.depth == 1 then
    out.as, out.type = 'key', 'text'
  elseif #path.types == 0 then
    out.as, out.type, out.why = 'jsonb', 'jsonb', 'nothing but null'
  elseif only(path, { document = true }) then
    of_document(path, below, out)
  elseif only(path, { array = true }) then
    of_array(path, below[1], stem, out)
  elseif only(path, text_types) and path.texts then
    of_texts(path, out)
  elseif path.type == 'jsonb' then
    of_mixed(path, out)
  elseif path.decimals and not path.doubles then
    of_decimals(path, out)
  elseif path.doubles and not path.decimals then
    of_doubles(path, out)
  elseif path.dates and num(path.dates.outside) > 0 then
    out.why, out.instead = terminal.count(num(path.dates.outside), 'date') .. " outside PostgreSQL's years",
      'timestamptz, out_of_range = "null"'
  end
  if #path.types > 1 and out.why == '' then out.why = minority_text(path) end
  if path.kind == 'element' then out.not_null = num(path.nulls) == 0 and num(path.present) > 0 end
  return out
end

-- A column of PostgreSQL keeps its type.
local function as_it_is(path)
  return { as = 'column', type = path.type, options = {}, why = '',
    not_null = num(path.nulls) == 0 and num(path.present) > 0 }
end

-- All notes about one path that its type does not express.
local function notes_of(path, siblings_of_case)
  local notes = {}
  local function note(...) notes[#notes + 1] = string.format(...) end
  local texts, doubles, integers = path.texts, path.doubles, path.integers
  if texts and num(texts.with_nul) > 0 then
    note('NUL, which PostgreSQL refuses, in %s (%s): nul = "strip" or "replace"',
      terminal.count(num(texts.with_nul), 'text'), texts.nul_example)
  end
  if texts and num(texts.bad_utf8) > 0 then
    note('not UTF-8 in %s (%s): utf8 = "replace"', terminal.count(num(texts.bad_utf8), 'text'), texts.utf8_example)
  end
  local spelt = texts and num(texts.looks.number) or 0
  if spelt > 0 and #path.types > 1 and spelt < num(texts.looks.looked_at) then
    note('%s of the strings spell numbers%s', census_advice.share(texts.looks.number, texts.looks.looked_at),
      looked_at(texts.looks, texts.values))
  end
  if integers and num(integers.beyond_double) > 0 then
    note('%s beyond 2^53: JavaScript and doubles lose the last digits',
      terminal.count(num(integers.beyond_double), 'integer'))
  end
  if doubles and num(doubles.nan) + num(doubles.infinite) > 0 then
    note('NaN or infinite %s: non_finite = "keep", "null" or "reject"',
      terminal.count(num(doubles.nan) + num(doubles.infinite), 'time'))
  end
  for _, item in ipairs(path.subtypes or {}) do
    if num(item.subtype) == 3 then
      note('%s of the old binary subtype 3: old_uuid says whose', terminal.count(num(item.values), 'uuid'))
    end
  end
  if path.name == '_id' and path.depth == 1 and num(path.distinct) < num(path.present) * 0.9 then
    note('about %s distinct in %s: documents come several times', terminal.group(num(path.distinct)),
      terminal.count(num(path.present), 'document'))
  end
  for _, text in ipairs(vectors_of.notes(path.vectors)) do note('%s', text) end
  if path.not_walked then note('%d nested deeper than 100 levels were not looked into', num(path.not_walked)) end
  if path.repeated then
    note('the name comes twice in %s (%s); the last one counts', terminal.count(num(path.repeated), 'document'),
      path.repeated_example)
  end
  if path.kind == 'field' then
    for _, text in ipairs(pg_names.notes(path.name)) do note('%s', text) end
    if siblings_of_case then note('differs by case alone from %s', table.concat(siblings_of_case, ', ')) end
  end
  return notes
end

--- Adds `suggests` and `notes` to every path of a census. Returns the census.
---@param census lugger.collection_census
---@return lugger.collection_census
function census_advice.add(census)
  local below = {}
  for i, path in ipairs(census.paths) do
    below[i] = {}
    if path.parent then table.insert(below[path.parent], path) end
  end
  local proves = census.complete and not census.sample and num(census.malformed) == 0
  local stem = census.info.collection ~= '' and census.info.collection or 'items'
  for i = #census.paths, 1, -1 do -- children follow their parent in the list; this visits them first
    local path = census.paths[i]
    path.suggests = census.info.rows and as_it_is(path) or suggest(path, below[i], stem)
    path.suggests.not_null = path.suggests.not_null and proves
    path.notes = notes_of(path, path.same_but_case)
  end
  return census
end

return census_advice
