-- Values of Lua as the text that PostgreSQL reads for a type. Numbers are exact; a list is an array, JSON or a vector
-- as the type asks; what SQL cannot take is refused by its name and place.
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'
local types = require 'lugger.inner.sql.types'
local value = require 'lugger.inner.base.value'
local ctypes, null = value.ctypes, native.null

local parameters = {}

--- A number with the fewest digits that give it again.
---@param number number
---@return string
function parameters.number(number)
  if number ~= number then return 'NaN' end
  if number == math.huge then return 'Infinity' end
  if number == -math.huge then return '-Infinity' end
  if number == math.floor(number) and math.abs(number) < 2 ^ 63 then return ('%.0f'):format(number) end
  for digits = 15, 16 do
    local short = ('%.' .. digits .. 'g'):format(number)
    if tonumber(short) == number then return short end
  end
  return ('%.17g'):format(number)
end

-- The word for what cannot be a value of SQL.
local function word_of(v)
  local kind = type(v)
  if kind == 'table' or kind == 'userdata' then
    local meta = kind == 'table' and getmetatable(v) or nil
    local name = type(meta) == 'table' and rawget(meta, '__name')
    if name then return name end
    if io.type(v --[[@as file]]) then return 'file' end
    if kind == 'userdata' then return (tostring(v):gsub('^lugger%.native%.', '')) end
  end
  if kind == 'cdata' then return tostring(ffi.typeof(v)) end
  return kind
end

---@return never
local function refuse(v, at)
  local hint = 'SQL takes texts, numbers, booleans, lugger\'s own values, lists and documents'
  if type(v) == 'function' then hint = 'is a call missing? value:method() instead of value.method' end
  return fault.raise('coerce', ('%s is a %s, which SQL cannot take'):format(at, word_of(v)), hint)
end

---@return never
local function refuse_for(v, type_of, at)
  local is_list = type(v) == 'table' and #v > 0 or type(v) == 'cdata' and require('lugger').type(v) == 'array'
  return fault.raise('coerce', ('%s is a %s, and the statement takes %s there'):format(at,
    is_list and 'list' or 'document', type_of.name), is_list and 'say what it is: $1::text[], $1::jsonb'
    or 'say that it is JSON: $1::jsonb, or take lugger.json.encode(v)')
end

local is_value = {} -- by ctype: has a text of its own
for _, name in ipairs { 'objectid', 'uuid', 'date', 'interval', 'typed' } do is_value[name] = ctypes[name] end

local data_names = { array = true, document = true, row = true, ['sql result'] = true }

-- Tables that are data, and not an object of lugger or of the script's own.
local function is_data(v)
  local meta = getmetatable(v)
  if type(meta) ~= 'table' then return meta == nil end
  if meta.lugger_mark or meta.lugger_array then return true end
  return data_names[rawget(meta, '__name')] or rawget(meta, '__name') == nil and rawget(meta, '__tostring') == nil
end

-- Everything in it can be written as JSON.
local function check_inside(v, at)
  if type(v) ~= 'table' then return end
  for key, item in pairs(v) do
    local kind, place = type(item), ('%s: its element %s'):format(at, tostring(key))
    if kind == 'function' or kind == 'thread' or kind == 'userdata' and item ~= null then refuse(item, place) end
    if kind == 'table' then
      if not is_data(item) then refuse(item, place) end
      check_inside(item, at)
    end
  end
end

-- Rows of a query as documents, with their columns in order and NULL as null; other tables as they are.
local function documents_of(v)
  local meta = getmetatable(v)
  if type(meta) ~= 'table' then return v end
  if meta.lugger_columns then return marks.document_of_row(v) end
  if rawget(meta, '__name') ~= 'sql result' then return v end
  local rows = {}
  for i, row in ipairs(v) do rows[i] = documents_of(row) end
  return document.array(rows)
end

local function json(v, at)
  if type(v) == 'table' then
    v = documents_of(v)
    check_inside(v, at)
  end
  return require('lugger.json').encode(v, 'plain')
end

---@type fun(v: any, type_of: lugger.sql.type, at: string): string
local text_of

local function array_element(v, element, at)
  if v == nil or v == null then return 'NULL' end
  local text = element.kind == 'json' and json(v, at) or text_of(v, element, at)
  return '"' .. text:gsub('[\\"]', '\\%0') .. '"'
end

-- The elements of a list; false when it is none.
---@return any[]|false
local function items_of(v, at)
  local items = {}
  if document.is(v) then
    if require('lugger').type(v) ~= 'array' then return false end
    for i, item in document.each(v) do items[i] = item end
    return items
  end
  local count = 0 ---@type number
  for key in pairs(v) do
    if type(key) ~= 'number' or key < 1 or key ~= math.floor(key) then return false end
    count = math.max(count, key)
  end
  for i = 1, count do
    if v[i] == nil then
      fault.raise('coerce', ('%s is a list with nothing at %d'):format(at, i), 'NULL in a list is lugger.null')
    end
    items[i] = v[i]
  end
  return items
end

local function is_list_like(v)
  return type(v) == 'table' or document.is(v)
end

local function array(v, type_of, at)
  local items = items_of(v, at)
  if not items then return refuse_for(v, type_of, at) end
  local element = type_of.element
  for i, item in ipairs(items) do
    local nested = element.kind ~= 'json' and is_list_like(item)
    items[i] = nested and array(item, type_of, at) or array_element(item, element, at)
  end
  return '{' .. table.concat(items, ',') .. '}'
end

local function vector(v, type_of, at)
  local items = items_of(v, at)
  if not items then return refuse_for(v, type_of, at) end
  for i, item in ipairs(items) do items[i] = text_of(item, type_of, at) end
  return '[' .. table.concat(items, ',') .. ']'
end

local function of_table(v, type_of, at)
  if type(v) == 'table' and not is_data(v) then refuse(v, at) end
  if type_of.kind == 'json' then return json(v, at) end
  if type_of.kind == 'array' then return array(v, type_of, at) end
  if type_of.kind == 'vector' then return vector(v, type_of, at) end
  refuse_for(v, type_of, at)
end

-- PostgreSQL has no sign in front of a year, and no year 0.
local function date_text(v)
  local text = value.date_utc_text(v) -- a column of type timestamp would take the local time of another zone
  local sign, year, rest = text:match '^([+-]?)(%d+)(%-.*)$'
  if not year then return text end
  if sign == '-' or tonumber(year) == 0 then return ('%04d%s BC'):format(tonumber(year) --[[@as number]] + 1, rest) end
  return year .. rest
end

local function of_cdata(v, type_of, at)
  if ffi.istype(ctypes.int64, v) or ffi.istype(ctypes.uint64, v) or ffi.istype(ctypes.decimal, v) then
    return (tostring(v):gsub('U?LL$', ''))
  end
  if ffi.istype(ctypes.double, v) then return parameters.number(v:number()) end
  if document.is(v) then return of_table(v, type_of, at) end
  if ffi.istype(ctypes.vector, v) then
    if type_of.kind == 'array' then return '{' .. tostring(v):sub(2, -2) .. '}' end
    return tostring(v)
  end
  if ffi.istype(ctypes.binary, v) then
    if type_of.kind == 'json' then return json(v, at) end
    return (type_of.kind == 'uuid' and '' or '\\x') .. v:hex()
  end
  if ffi.istype(ctypes.date, v) and type_of.kind ~= 'json' then return date_text(v) end
  for _, ctype in pairs(is_value) do
    if ffi.istype(ctype, v) then
      if type_of.kind == 'json' then return json(v, at) end
      return tostring(v)
    end
  end
  refuse(v, at)
end

function text_of(v, type_of, at)
  local kind = type(v)
  if kind == 'string' then return v end
  if kind == 'number' then return parameters.number(v) end
  if kind == 'boolean' then return v and 'true' or 'false' end
  if kind == 'table' then return of_table(v, type_of, at) end
  if kind == 'cdata' then return of_cdata(v, type_of, at) end
  refuse(v, at)
end

--- A value as the text that the server reads for a type; null for what is absent.
---@param v any
---@param type_of lugger.sql.type
---@param at string what it is, for messages: "parameter $2"
---@return string|userdata
function parameters.text(v, type_of, at)
  if v == nil or v == null then return null end
  return text_of(v, type_of, at)
end

-- Whether how a value is written hangs on the type.
local function asks_type(v)
  local kind = type(v)
  if kind == 'table' then return true end
  return kind == 'cdata' and not (ffi.istype(ctypes.int64, v) or ffi.istype(ctypes.uint64, v)
    or ffi.istype(ctypes.decimal, v) or ffi.istype(ctypes.double, v))
end

---@class lugger.sql.parameters values as they were given; `n` is their number
---@field n integer
---@field [integer] any
---@field rows integer|nil that are wanted; all when not given

--- The parameters of a call as texts, NULL as null; nil without any. What the server takes is asked only when a value
--- hangs on it.
---@param values lugger.sql.parameters
---@param types_of fun(): lugger.sql.type[]
---@return any[]|nil
function parameters.bind(values, types_of)
  if values.n == 0 then return nil end
  local out, asks = { n = values.n } --[[@as any[] ]], false
  for i = 1, values.n do
    local v = values[i]
    asks = asks or asks_type(v)
    if not asks_type(v) then out[i] = parameters.text(v, types.text, ('parameter $%d'):format(i)) end
    if type(v) == 'table' and not is_data(v) then refuse(v, ('parameter $%d'):format(i)) end
  end
  if not asks then return out end
  local described = types_of()
  for i = 1, values.n do
    if asks_type(values[i]) then
      out[i] = parameters.text(values[i], described[i] or types.text,
        ('parameter $%d'):format(i))
    end
  end
  return out
end

--- A value as text where nobody can be asked for the type: a list is an array, a document JSON.
---@param v any
---@param at string
---@return string|userdata
function parameters.untyped(v, at)
  if v == nil or v == null then return null end
  if not is_list_like(v) then return text_of(v, types.text, at) end
  local list = type(v) == 'table' and is_data(v) and items_of(v, at) or document.is(v) and items_of(v, at)
  return text_of(v, list and types.any_array or types.any_json, at)
end

--- Names for what a list of values is, whatever the server takes: what a record of a step is known by.
---@param values lugger.sql.parameters
---@return any[]|nil
function parameters.identity(values)
  if values.n == 0 then return nil end
  local out = {}
  for i = 1, values.n do
    local v, at = values[i], ('parameter $%d'):format(i)
    if not asks_type(v) then
      out[i] = parameters.text(v, types.text, at)
    elseif type(v) == 'table' or document.is(v) then
      if type(v) == 'table' and not is_data(v) then refuse(v, at) end
      out[i] = json(v, at)
    else
      out[i] = tostring(v)
    end
  end
  return out
end

return parameters
