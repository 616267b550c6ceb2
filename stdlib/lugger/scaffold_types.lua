-- The column type that holds every value a census saw of a path, the policies it needs, and why.
local scaffold_types = {}

local int4_headroom = 1e9 -- an int32 counter beyond this is half way to its end

---@class lugger.scaffold.choice
---@field type string
---@field policies { [1]: string, [2]: any }[] keys of the column, in order
---@field notes string[] why, and what else could be chosen

local plural = { array = 'arrays', objectId = 'object ids', document = 'documents', string = 'strings', date = 'dates',
  double = 'doubles', decimal = 'decimals', bool = 'booleans', binary = 'binaries', symbol = 'symbols', regex = 'regexes' }

local function words_of(type_name)
  return plural[type_name] or type_name .. ' values'
end

--- 3.1 %, < 0.1 %, 100 %.
---@param part number
---@param whole number
---@return string
function scaffold_types.percent(part, whole)
  local percent = whole > 0 and 100 * part / whole or 0
  if percent > 0 and percent < 0.1 then return '< 0.1 %' end
  if percent > 99.9 and percent < 100 then return '99.9 %' end
  return (('%.1f %%'):format(percent):gsub('%.0 %%', ' %%'))
end

local function ids(examples)
  return #examples > 0 and ': ' .. table.concat(examples, ', ') or ''
end

local function values_of(path)
  local total = 0
  for _, item in ipairs(path.types) do total = total + tonumber(item.values) end
  return total
end

--- "3.1 % strings: 64f1.., 64f2..", for each type but the first.
---@param path lugger.census_path
---@return string[]
function scaffold_types.minorities(path)
  local list, total = {}, values_of(path)
  for i = 2, #path.types do
    local item = path.types[i]
    list[#list + 1] = ('%s %s%s'):format(scaffold_types.percent(tonumber(item.values), total), words_of(item.type),
      ids(item.examples))
  end
  return list
end

local numeric = { int32 = true, int64 = true, double = true, decimal = true }
local scalar = { int32 = true, int64 = true, double = true, decimal = true, string = true, symbol = true, bool = true,
  objectId = true, date = true }

-- Whether every type is one of a set, and the values of those types.
local function only(path, set)
  for _, item in ipairs(path.types) do
    if not set[item.type] then return false end
  end
  return #path.types > 0
end

local function count_of(path, set)
  local total = 0
  for _, item in ipairs(path.types) do
    if set[item.type] then total = total + tonumber(item.values) end
  end
  return total
end

local function with(set, more)
  local out = {}
  for name in pairs(set) do out[name] = true end
  for _, name in ipairs(more) do out[name] = true end
  return out
end

local strings = { string = true, symbol = true }

-- All texts were looked at, and all of them look like that.
local function all_look(path, what)
  local texts = path.texts
  return texts and tonumber(texts.values) > 0 and tonumber(texts.looks.looked_at) == tonumber(texts.values)
    and tonumber(texts.looks[what]) == tonumber(texts.values)
end

local function add(choice, key, value)
  choice.policies[#choice.policies + 1] = { key, value }
end

local function note(choice, text, ...)
  choice.notes[#choice.notes + 1] = select('#', ...) > 0 and text:format(...) or text
end

-- What text columns of these values must do with bytes PostgreSQL does not take.
local function text_policies(choice, nul, utf8, nul_example, utf8_example)
  if nul > 0 then
    add(choice, 'nul', 'replace')
    note(choice, '%d with a NUL byte, which PostgreSQL cannot hold%s', nul, ids { nul_example })
  end
  if utf8 > 0 then
    add(choice, 'utf8', 'replace')
    note(choice, '%d not UTF-8%s', utf8, ids { utf8_example })
  end
end

local function of_texts(choice, path)
  local texts = path.texts
  if texts then
    text_policies(choice, tonumber(texts.with_nul), tonumber(texts.bad_utf8), texts.nul_example, texts.utf8_example)
  end
end

local function of_numbers(choice, path)
  local special = 0
  if path.doubles then special = tonumber(path.doubles.nan) + tonumber(path.doubles.infinite) end
  if path.decimals then special = special + tonumber(path.decimals.special) end
  if special > 0 then
    add(choice, 'non_finite', 'keep')
    note(choice, '%d NaN or infinite, kept as they are', special)
  end
end

-- Every text below a jsonb column counts.
local function nested_texts(node, sum)
  local texts = node.stats.texts
  if texts then
    sum.nul, sum.utf8 = sum.nul + tonumber(texts.with_nul), sum.utf8 + tonumber(texts.bad_utf8)
    sum.nul_example, sum.utf8_example = texts.nul_example or sum.nul_example, texts.utf8_example or sum.utf8_example
  end
  for _, field in ipairs(node.fields) do nested_texts(field, sum) end
  return sum
end

--- jsonb that gives back every type it was given.
---@param node lugger.scaffold.node
---@return lugger.scaffold.choice
function scaffold_types.jsonb(node)
  local choice = { type = 'jsonb', policies = { { 'json', 'typed' } }, notes = {} }
  local sum = nested_texts(node, { nul = 0, utf8 = 0 })
  text_policies(choice, sum.nul, sum.utf8, sum.nul_example, sum.utf8_example)
  return choice
end

local function simple(type_name)
  return { type = type_name, policies = {}, notes = {} }
end

local function wide_int(path)
  local range = path.integers
  if not range then return false end
  return math.abs(tonumber(range.greatest) or 0) > int4_headroom or math.abs(tonumber(range.least) or 0) > int4_headroom
end

-- One family of types: the narrowest type of all values.
local function of_one_family(node)
  local path, choice = node.stats, simple(node.stats.type)
  if choice.type == 'int4' and wide_int(path) then
    choice.type = 'int8'
    note(choice, 'up to %s: int4 would soon be full', path.integers.greatest)
  elseif choice.type == 'text' and path.dates then
    note(choice, '%d dates are outside of what timestamptz holds (4714 BC to 294276)', tonumber(path.dates.outside))
  elseif choice.type == 'bytea' then
    local subtypes = path.subtypes or {}
    if #subtypes > 1 or (subtypes[1] and tonumber(subtypes[1].subtype) ~= 0) then
      choice = scaffold_types.jsonb(node)
      local numbers = {}
      for i, item in ipairs(subtypes) do numbers[i] = tostring(tonumber(item.subtype)) end
      note(choice, 'binaries of subtype %s: bytea would forget it%s', table.concat(numbers, ', '),
        numbers[1] == '3' and "; old UUIDs: { ..., 'uuid', old_uuid = 'java' } if a Java driver wrote them" or '')
      return choice
    end
  end
  of_texts(choice, path)
  of_numbers(choice, path)
  if #path.types > 1 and choice.type ~= 'jsonb' then
    note(choice, table.concat(scaffold_types.minorities(path), '; '))
  end
  return choice
end

-- Texts among other values that all read as these.
local function of_readable_texts(path)
  local rules = {
    { with(numeric, { 'string', 'symbol' }), numeric, 'number', 'numeric', 'numbers' },
    { { date = true, string = true, symbol = true }, { date = true }, 'date', 'timestamptz', 'dates' },
    { { bool = true, string = true, symbol = true }, { bool = true }, 'bool', 'bool', 'booleans' },
  }
  for _, rule in ipairs(rules) do
    local fits = only(path, rule[1]) and count_of(path, rule[2]) > count_of(path, strings) and all_look(path, rule[3])
    if fits and not (path.dates and tonumber(path.dates.outside) > 0) then
      local choice = simple(rule[4])
      of_numbers(choice, path)
      note(choice, '%s, and all of these read as %s', table.concat(scaffold_types.minorities(path), '; '), rule[5])
      return choice
    end
  end
end

local narrow = { int32 = 'int4', int64 = 'int8', double = 'float8', decimal = 'numeric', date = 'timestamptz',
  bool = 'bool' }

local function of_a_mixture(node)
  local path = node.stats
  local minorities = table.concat(scaffold_types.minorities(path), '; ')
  local readable = of_readable_texts(path)
  if readable then return readable end
  if only(path, scalar) and count_of(path, strings) * 2 >= values_of(path) then
    local choice = simple 'text'
    of_texts(choice, path)
    note(choice, '%s become their text', minorities)
    return choice
  end
  local choice = scaffold_types.jsonb(node)
  note(choice, minorities)
  local first = path.types[1].type
  if narrow[first] and tonumber(path.types[1].values) * 10 >= values_of(path) * 9 then
    note(choice, "jsonb keeps them; { ..., '%s', on_error = 'null' } would lose them", narrow[first])
  end
  return choice
end

-- An array of plain values of one kind, as PostgreSQL's array; nil: jsonb.
local function of_array(node)
  local element = node.element
  if not element then return nil end
  local stats = element.stats
  if #stats.types == 0 or stats.type == 'jsonb' or stats.type == 'bytea' then return nil end
  local choice = of_one_family(element)
  if choice.type == 'jsonb' then return nil end
  choice.type = choice.type .. '[]'
  return choice
end

--- The type for a path, policies and reasons.
---@param node lugger.scaffold.node
---@return lugger.scaffold.choice
function scaffold_types.choose(node)
  local path = node.stats
  if #path.types == 0 then
    local choice = scaffold_types.jsonb(node)
    note(choice, 'only null was seen')
    return choice
  end
  if path.types[1].type == 'array' and #path.types == 1 then
    local choice = of_array(node)
    if choice then return choice end
    choice = scaffold_types.jsonb(node)
    if node.element and #node.element.stats.types > 1 then
      note(choice, 'elements: %s %s; %s', scaffold_types.percent(tonumber(node.element.stats.types[1].values),
        values_of(node.element.stats)), words_of(node.element.stats.types[1].type),
        table.concat(scaffold_types.minorities(node.element.stats), '; '))
    end
    return choice
  end
  if path.type ~= 'jsonb' then return of_one_family(node) end
  if #path.types == 1 then
    local choice = scaffold_types.jsonb(node)
    if path.types[1].type ~= 'document' then note(choice, words_of(path.types[1].type)) end
    return choice
  end
  return of_a_mixture(node)
end

return scaffold_types
