-- Converts values between Lua and SQL: parameters to text, results by the type of their column.
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local native = require 'lugger.native'
local value = require 'lugger.inner.base.value'

local values = {}

local null = native.null

local function number_text(number)
  if number == math.floor(number) and math.abs(number) < 2 ^ 63 then return ('%.0f'):format(number) end
  if number ~= number then return 'NaN' end
  if number == math.huge then return 'Infinity' end
  if number == -math.huge then return '-Infinity' end
  return ('%.17g'):format(number)
end

local function array_item(item)
  if item == null then return 'NULL' end
  local text = values.text(item)
  return '"' .. text:gsub('[\\"]', '\\%0') .. '"'
end

local function is_scalar_list(list)
  if #list == 0 then return next(list) == nil end
  for key, item in pairs(list) do
    if type(key) ~= 'number' or (type(item) == 'table' and not getmetatable(item)) then return false end
  end
  return true
end

local function table_text(v)
  local meta = getmetatable(v)
  -- lugger's own values print in a form that PostgreSQL reads. Plain lists become arrays, everything else JSON.
  if not meta and is_scalar_list(v) then
    local items = {}
    for i, item in ipairs(v) do items[i] = array_item(item) end
    return '{' .. table.concat(items, ',') .. '}'
  end
  if not meta then return require('lugger.json').encode(v) end
  return tostring(v)
end

--- A value as the text of a parameter: lists become PostgreSQL arrays, other plain tables JSON.
---@param v any
---@return string|userdata text null for what is absent
function values.text(v)
  if v == nil or v == null then return null end
  local kind = type(v)
  if kind == 'string' then return v end
  if kind == 'number' then return number_text(v) end
  if kind == 'boolean' then return v and 'true' or 'false' end
  if kind == 'table' then return table_text(v) end
  if kind == 'cdata' then
    return (ffi.istype(value.ctypes.binary, v) and '\\x' or '') .. tostring(v)
  end
  fault.raise('config', ('a %s cannot be a parameter'):format(kind))
end

--- The parameters of a call, for native.pg; a nil among them is NULL.
---@param count integer
---@param ... any
---@return any[]|nil
function values.params(count, ...)
  if count == 0 then return nil end
  local params = {}
  for i = 1, count do params[i] = values.text((select(i, ...))) end
  return params
end

local function float(text)
  if text == 'NaN' then return 0 / 0 end
  if text == 'Infinity' then return math.huge end
  if text == '-Infinity' then return -math.huge end
  return tonumber(text)
end

local function from_hex(text)
  return value.binary((text:sub(3):gsub('%x%x', function(pair) return string.char(tonumber(pair, 16)) end)))
end

local readers = {
  [16] = function(text) return text == 't' end,
  [17] = from_hex,
  [20] = function(text) return #text < 16 and tonumber(text) or value.int64(text) end,
  [21] = tonumber, [23] = tonumber, [26] = tonumber,
  [114] = function(text) return require('lugger.json').decode(text) end,
  [700] = float, [701] = float,
  [1700] = function(text) return value.decimal(text) end,
  [2950] = function(text) return value.uuid(text) end,
  [3802] = function(text) return require('lugger.json').decode(text) end,
}

---@class lugger.migrate.rows one table a row, by the names of the columns
---@field names string[]
---@field affected integer

--- A result of native.pg as rows by column name: numbers, booleans, decimals, uuids, decoded JSON, the rest as text.
---@param result { names: string[], types: integer[], rows: any[][], affected: integer }
---@return lugger.migrate.rows
function values.rows(result)
  local out = { names = result.names, affected = tonumber(result.affected) }
  for i, row in ipairs(result.rows) do
    local named = {}
    for column, name in ipairs(result.names) do
      local text, read = row[column], readers[result.types[column]]
      if text ~= null and read then
        named[name] = read(text)
      else
        named[name] = text
      end
    end
    out[i] = named
  end
  return out
end

return values
