-- Translates partialFilterExpression to the condition of a partial index. A part without an equivalent in SQL is
-- refused by name, never left out.
local document = require 'lugger.inner.base.document'
local json_text = require 'lugger.inner.base.json_text'
local mongo_path = require 'lugger.inner.mongo.path'
local sql_text = require 'lugger.inner.sql.text'
local truth = require 'lugger.inner.mongo.truth'

local mongo_filter = {}

local type_of -- lugger.type; loaded late, because it loads the value types

local function kind_of(value)
  type_of = type_of or require('lugger.inner.base.codec').type
  return type_of(value)
end

-- Ends the translation; the caller makes the message.
---@return never
local function refuse(text)
  error({ refused = text }, 0)
end

local value_kinds = {
  string = 'text', number = 'number', int64 = 'number', decimal = 'number', boolean = 'bool', date = 'time',
  objectid = 'id', uuid = 'uuid',
}

local function number_text(path, value)
  local text = type(value) == 'number' and json_text.encode(value) or tostring(value)
  if not text:match('^%-?%d[%d.eE+-]*$') then refuse(('%s is compared with %s'):format(path, tostring(value))) end
  return text
end

-- A value of the filter as a literal of the column's type.
local function literal(place, path, value)
  local kind = value_kinds[kind_of(value)]
  if not kind then
    refuse(('%s is compared with a value of type %s'):format(path, kind_of(value)))
  end
  local family = place.family
  if kind == 'id' and family == 'text' then return sql_text.literal(tostring(value)) end
  if kind ~= family then
    refuse(('%s is compared with a %s, and its column %s is %s'):format(path, kind_of(value), place.column, place.type))
  end
  if kind == 'number' then return number_text(path, value) end
  if kind == 'bool' then return value and 'true' or 'false' end
  if kind == 'time' then return place.type .. ' ' .. sql_text.literal(tostring(value)) end
  if kind == 'uuid' then return 'uuid ' .. sql_text.literal(tostring(value)) end
  return sql_text.literal(value)
end

local json_types = { text = 'string', number = 'number', bool = 'boolean', id = 'string' }

-- Inside jsonb: compares as jsonb, and only within one type, as MongoDB does.
local function json_compare(place, path, operator, value)
  local kind = value_kinds[kind_of(value)]
  local json_type = json_types[kind]
  if not json_type then
    refuse(('%s is compared with a %s, which jsonb has no form for that compares alike'):format(path, kind_of(value)))
  end
  local text = json_type == 'number' and number_text(path, value) or json_type == 'boolean' and tostring(value)
    or json_text.encode(tostring(value))
  local sql = mongo_path.json_sql(place.column, place.json, true)
  local compared = ('%s %s %s::jsonb'):format(sql, operator, sql_text.literal(text))
  if operator == '=' then return compared end
  return ("(jsonb_typeof(%s) = '%s' AND %s)"):format(sql, json_type, compared)
end

local function place_of(context, path)
  local place = mongo_path.resolve(context.mapping, path)
  if not place then return refuse(('no column holds %s'):format(path)) end
  if place.child then refuse(('%s lies in the child table %s'):format(path, place.table)) end
  if place.family == 'json' then refuse(('%s lies in a json column; jsonb can be compared'):format(path)) end
  return place
end

local function is_json(place)
  return place.json ~= nil or place.family == 'jsonb'
end

local function compare(context, path, operator, value)
  local place = place_of(context, path)
  if kind_of(value) == 'null' then
    if operator ~= '=' then refuse(('%s is ordered against null'):format(path)) end
    return place.sql .. ' IS NULL'
  end
  if is_json(place) then
    place.json = place.json or {}
    return json_compare(place, path, operator, value)
  end
  return ('%s %s %s'):format(place.sql, operator, literal(place, path, value))
end

local aliases = { [1] = 'double', [2] = 'string', [3] = 'object', [4] = 'array', [7] = 'objectId', [8] = 'bool',
  [9] = 'date', [16] = 'int', [18] = 'long', [19] = 'decimal' }
local type_families = { double = 'number', int = 'number', long = 'number', decimal = 'number', number = 'number',
  string = 'text', bool = 'bool', date = 'time', objectId = 'text' }
---@type table<string, table<string, boolean>>
local type_kinds = { double = { double = true }, int = { int32 = true }, long = { int64 = true },
  decimal = { decimal = true }, number = { double = true, int32 = true, int64 = true, decimal = true },
  string = { string = true }, bool = { bool = true }, date = { date = true }, objectId = { objectId = true } }

-- The condition includes rows that MongoDB's does not. This is harmless for lookups, but not for uniqueness.
local function widen(context, ...)
  context.wider = context.wider or string.format(...)
end

local json_words = { double = 'number', int = 'number', long = 'number', decimal = 'number', number = 'number',
  string = 'string', bool = 'boolean', object = 'object', array = 'array' }

local function has_type(context, path, wanted)
  local place = place_of(context, path)
  local word = type(wanted) == 'number' and aliases[wanted] or tostring(wanted)
  if is_json(place) then
    if not json_words[word] then refuse(('$type: "%s" of %s, which jsonb does not tell apart'):format(word, path)) end
    local sql = mongo_path.json_sql(place.column, place.json or {}, true)
    return ("jsonb_typeof(%s) = '%s'"):format(sql, json_words[word])
  end
  if type_families[word] ~= place.family then
    refuse(('$type: "%s" of %s, whose column %s is %s'):format(word, path, place.column, place.type))
  end
  local known = context.kinds and context.kinds[path]
  for kind in pairs(known or { any = true }) do
    if not type_kinds[word][kind] then widen(context, '$type: "%s" of %s is wider here', word, path) end
  end
  return place.sql .. ' IS NOT NULL'
end

local function one_of(context, path, list)
  local parts, null = {}, false
  if kind_of(list) ~= 'array' then refuse(('%s: $in without a list'):format(path)) end
  for _, value in document.each(list) do
    if kind_of(value) == 'null' then
      null = true
    else
      parts[#parts + 1] = compare(context, path, '=', value)
    end
  end
  if null then parts[#parts + 1] = compare(context, path, '=', require('lugger.native').null) end
  if #parts == 0 then return 'false' end
  return #parts == 1 and parts[1] or '(' .. table.concat(parts, ' OR ') .. ')'
end

local function exists(context, path, wanted)
  local place = place_of(context, path)
  local yes = truth(wanted)
  if place.json then
    -- A field that is null exists: its jsonb value is there.
    return mongo_path.json_sql(place.column, place.json, true) .. (yes and ' IS NOT NULL' or ' IS NULL')
  end
  if yes then
    context.notes[#context.notes + 1] = ('$exists: %s that is null counts as missing in a column'):format(path)
  else
    widen(context, '$exists: false of %s holds null too, here', path)
  end
  return place.sql .. (yes and ' IS NOT NULL' or ' IS NULL')
end

---@type table<string, nil|fun(context: table, path: string, value: any): string>
local operators = {
  ['$eq'] = function(context, path, value) return compare(context, path, '=', value) end,
  ['$gt'] = function(context, path, value) return compare(context, path, '>', value) end,
  ['$gte'] = function(context, path, value) return compare(context, path, '>=', value) end,
  ['$lt'] = function(context, path, value) return compare(context, path, '<', value) end,
  ['$lte'] = function(context, path, value) return compare(context, path, '<=', value) end,
  ['$in'] = one_of,
  ['$exists'] = exists,
  ['$type'] = has_type,
}

local function is_document(value)
  return kind_of(value) == 'document'
end

local function field(context, path, wanted)
  local first = is_document(wanted) and document.each(wanted)() --[[@as string|nil]]
  if not first or first:sub(1, 1) ~= '$' then
    if is_document(wanted) then refuse(('%s is compared with a whole document'):format(path)) end
    return compare(context, path, '=', wanted)
  end
  local parts = {}
  for operator, value in document.each(wanted) do
    local make = operators[operator]
    if not make then return refuse(('%s uses %s'):format(path, operator)) end
    parts[#parts + 1] = make(context, path, value)
  end
  return table.concat(parts, ' AND ')
end

local function expression(context, filter, depth)
  if depth > 20 then refuse('it is nested more than 20 levels deep') end
  local parts = {}
  for name, wanted in document.each(filter) do
    ---@cast name string
    if name == '$and' or name == '$or' then
      local inner = {}
      if kind_of(wanted) ~= 'array' then refuse(name .. ' without a list') end
      for _, item in document.each(wanted) do inner[#inner + 1] = expression(context, item, depth + 1) end
      local joined = table.concat(inner, name == '$and' and ' AND ' or ' OR ')
      parts[#parts + 1] = #inner > 1 and '(' .. joined .. ')' or joined
    elseif name:sub(1, 1) == '$' then
      refuse(('it uses %s'):format(name))
    else
      parts[#parts + 1] = field(context, name, wanted)
    end
  end
  return table.concat(parts, ' AND ')
end

--- The condition of a partial index.
---@param filter lugger.doc partialFilterExpression
---@param mapping table table, columns, children, as in a job
---@param kinds table<string, table<string, boolean>>|nil path -> types of its values, where a census knows them
---@return string|nil sql nil: it cannot be said in SQL
---@return string|string[] note why not; else what differs, a sentence each
---@return string|nil wider why it holds rows that the filter does not
function mongo_filter.translate(filter, mapping, kinds)
  local context = { mapping = mapping, notes = {}, kinds = kinds }
  local ok, result = pcall(expression, context, filter, 1)
  if ok then return result, context.notes, context.wider end
  if type(result) == 'table' and result.refused then return nil, result.refused end
  error(result, 0)
end

return mongo_filter
