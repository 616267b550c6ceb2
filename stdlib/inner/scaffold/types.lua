-- Makes the types that a census suggests safe to use without review: no value is lost or refused, and the reasons are
-- kept.
local census_advice = require 'lugger.inner.census.advice'

local scaffold_types = {}

local int4_headroom = 1e9 -- an int32 counter above this is half way to its limit

---@class lugger.scaffold.choice
---@field type string
---@field keys { [1]: string, [2]: any }[] of the column, in order
---@field notes string[] why, and what else could be chosen

local function num(value)
  return tonumber(value) or 0
end

local function add(choice, key, value)
  choice.keys[#choice.keys + 1] = { key, value }
end

local function note(choice, text, ...)
  if text == '' then return end
  choice.notes[#choice.notes + 1] = select('#', ...) > 0 and text:format(...) or text
end

-- jsonb keeps texts that PostgreSQL cannot store as {"$string": ...}.
local function text_policies(choice, nul, utf8, nul_example, utf8_example)
  if nul > 0 then
    add(choice, 'nul', 'tag')
    note(choice, '%d with a NUL byte (%s), kept as {"$string": ...}', nul, nul_example)
  end
  if utf8 > 0 then
    add(choice, 'utf8', 'tag')
    note(choice, '%d not UTF-8 (%s), kept as {"$string": ...}', utf8, utf8_example)
  end
end

-- True when a text column cannot store every text of the path.
local function has_odd_texts(path)
  local texts = path.texts
  return texts ~= nil and num(texts.with_nul) + num(texts.bad_utf8) > 0
end

-- Sums the texts of everything below a jsonb column.
local function nested_texts(node, sum)
  local texts = node.stats.texts
  if texts then
    sum.nul, sum.utf8 = sum.nul + num(texts.with_nul), sum.utf8 + num(texts.bad_utf8)
    sum.nul_example, sum.utf8_example = texts.nul_example or sum.nul_example, texts.utf8_example or sum.utf8_example
  end
  for _, field in ipairs(node.fields) do nested_texts(field, sum) end
  for _, below in ipairs { node.element or false, node.folded or false } do
    if below then nested_texts(below, sum) end
  end
  return sum
end

--- "objectId 97 %, string 3 % (a, b)".
---@param path lugger.census_path
---@return string
function scaffold_types.shares(path)
  local parts = {}
  for i, item in ipairs(path.types) do
    local examples = i > 1 and ' (' .. census_advice.some(item.examples) .. ')' or ''
    parts[i] = ('%s %s%s'):format(item.type, census_advice.part(item.values, path.present), examples)
  end
  return table.concat(parts, ', ')
end

--- jsonb in a form that preserves every type.
---@param node lugger.scaffold.node
---@return lugger.scaffold.choice
function scaffold_types.jsonb(node)
  local choice = { type = 'jsonb', keys = { { 'json', 'typed' } }, notes = {} }
  local sum = nested_texts(node, { nul = 0, utf8 = 0 })
  text_policies(choice, sum.nul, sum.utf8, sum.nul_example, sum.utf8_example)
  return choice
end

local function non_finite(choice, path)
  local odd = path.doubles and num(path.doubles.nan) + num(path.doubles.infinite) or 0
  odd = odd + (path.decimals and num(path.decimals.special) or 0)
  if odd > 0 then add(choice, 'non_finite', 'keep') end
end

local text_types = { string = true, symbol = true, code = true } ---@type table<string, boolean|nil>

local function only_texts(path)
  for _, item in ipairs(path.types) do
    if not text_types[item.type] then return false end
  end
  return true
end

local function wide_int(path)
  local range = path.integers
  return range and (math.abs(num(range.greatest)) > int4_headroom or math.abs(num(range.least)) > int4_headroom)
end

-- bytea does not store a binary's subtype.
local function of_binaries(node)
  local numbers = {}
  for i, item in ipairs(node.stats.subtypes or {}) do numbers[i] = tostring(num(item.subtype)) end
  if #numbers == 1 and numbers[1] == '0' then return { type = 'bytea', keys = {}, notes = {} } end
  local choice = scaffold_types.jsonb(node)
  note(choice, 'binaries of subtype %s, which bytea would forget', table.concat(numbers, ', '))
  for _, number in ipairs(numbers) do
    if number == '3' then
      note(choice, "if a Java driver wrote the old UUIDs: { ..., 'uuid', old_uuid = 'java' } (or csharp, python)")
    end
  end
  return choice
end

-- Mostly texts, which another type could parse, but without keeping the original spelling.
local function of_mostly_texts(node)
  local path = node.stats
  if has_odd_texts(path) then return scaffold_types.jsonb(node) end
  local choice = { type = 'text', keys = {}, notes = {} }
  note(choice, '%s; all are kept as text', scaffold_types.shares(path))
  note(choice, "'%s' would read the texts, and not keep how they are written", path.suggests.type)
  return choice
end

-- A suggestion that keeps every value unchanged, or expresses it in another type without loss.
local function of_column(node)
  local path, suggests = node.stats, node.stats.suggests
  if text_types[path.types[1] and path.types[1].type] and not only_texts(path) and suggests.type ~= 'text' then
    return of_mostly_texts(node)
  end
  if suggests.options.on_error then
    local choice = scaffold_types.jsonb(node)
    note(choice, (suggests.why:gsub(' would become NULL$', '')))
    note(choice, "jsonb keeps them; { ..., '%s', on_error = 'null' } would lose them, counted", suggests.type)
    return choice
  end
  if path.type == 'bytea' then return of_binaries(node) end
  local choice = { type = suggests.type, keys = {}, notes = {} }
  note(choice, suggests.why)
  if only_texts(path) and suggests.type ~= 'text' then
    choice.type = 'text'
    note(choice, "'%s' would take it", suggests.type)
  elseif suggests.type == 'int4' and wide_int(path) then
    choice.type = 'int8'
    note(choice, 'up to %s: int4 would soon be full', path.integers.greatest)
  end
  if choice.type == 'text' and has_odd_texts(path) then
    local kept = scaffold_types.jsonb(node)
    note(kept, "{ ..., 'text', nul = 'replace', utf8 = 'replace' } would alter them")
    return kept
  end
  non_finite(choice, path)
  return choice
end

-- True for more than half of the values.
local function is_most(item, path)
  return 2 * num(item.values) > num(path.present)
end

local readable = {
  { kind = 'date', look = 'date', type = 'timestamptz', word = 'dates' },
  { kind = 'bool', look = 'bool', type = 'bool', word = 'booleans' },
}

-- Dates or booleans, and a minority of texts that can all be parsed as such; nil: there are other values.
local function of_readable_texts(node)
  local path = node.stats
  local texts = path.texts
  if #path.types ~= 2 or not texts or num(texts.looks.looked_at) ~= num(texts.values) then return nil end
  for _, rule in ipairs(readable) do
    local other = text_types[path.types[1].type] and path.types[2] or path.types[1]
    local fits = other.type == rule.kind and num(texts.looks[rule.look]) == num(texts.values)
    if fits and is_most(other, path) and not (path.dates and num(path.dates.outside) > 0) then
      local text = path.types[1] == other and path.types[2] or path.types[1]
      local choice = { type = rule.type, keys = {}, notes = {} }
      note(choice, '%s %s (%s), and all of these read as %s', census_advice.part(text.values, path.present), text.type,
        census_advice.some(text.examples), rule.word)
      return choice
    end
  end
end

-- An array of plain values of one kind; nil: jsonb.
local function of_array(node)
  local element, suggests = node.element, node.stats.suggests
  if not element or element.stats.type == 'jsonb' or element.stats.type == 'bytea' or #element.stats.types == 0
    or has_odd_texts(element.stats) then
    return nil
  end
  local choice = { type = element.stats.type .. '[]', keys = {}, notes = {} }
  note(choice, suggests.why)
  if suggests.type and suggests.type:match('^vector') then
    note(choice, "with pgvector: { ..., '%s' }", suggests.type)
  end
  non_finite(choice, element.stats)
  return choice
end

-- Types that can share a column without making two values equal that MongoDB distinguishes.
local apart_together = {
  { int32 = true, int64 = true, decimal = true }, { int32 = true, double = true }, { string = true, symbol = true },
}

local function stays_apart(path)
  if #path.types < 2 then return true end
  for _, group in ipairs(apart_together) do
    local all = true
    for _, item in ipairs(path.types) do all = all and group[item.type] end
    if all then return true end
  end
  return false
end

--- The type for a path, the options of the column, and the reasons.
---@param node lugger.scaffold.node
---@param exact boolean|nil a unique index is on it: values that differ in MongoDB must differ in the column
---@return lugger.scaffold.choice
function scaffold_types.choose(node, exact)
  local path = node.stats
  local suggests = assert(path.suggests)
  if exact and not stays_apart(path) then
    local choice = scaffold_types.jsonb(node)
    note(choice, '%s; a unique index tells these apart, and so does jsonb', scaffold_types.shares(path))
    return choice
  end
  if #path.types == 1 and path.types[1].type == 'array' then
    local choice = of_array(node)
    if choice then return choice end
  else
    local choice = of_readable_texts(node) or suggests.as == 'column' and of_column(node)
    if choice then return choice end
  end
  local choice = scaffold_types.jsonb(node)
  note(choice, #path.types == 1 and suggests.why:find('^mixed') and path.types[1].type or suggests.why)
  return choice
end

--- A column, by name, of a table that is being made.
---@param made { columns: { name: string }[] }
---@param name string
---@return table|nil
function scaffold_types.column_named(made, name)
  for _, column in ipairs(made.columns) do
    if column.name == name then return column end
  end
end

return scaffold_types
