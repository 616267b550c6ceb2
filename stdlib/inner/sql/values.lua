-- Converts PostgreSQL's values from their text form to Lua.
local document = require 'lugger.inner.base.document'
local json_value = require 'lugger.inner.base.json_value'
local value = require 'lugger.inner.base.value'
local null = value.null

local sql_values = {}

local function number(text)
  if text == 'NaN' then return 0 / 0 end
  if text == 'Infinity' then return math.huge end
  if text == '-Infinity' then return -math.huge end
  return tonumber(text)
end

local function int8(text)
  local small = tonumber(text)
  if small and math.abs(small) < 9007199254740992 then return small end
  return value.int64(text)
end

local function date(text)
  return value.read_date(text) or text
end

local function day(text)
  return value.read_date(text, true) or text
end

local function bytea(text)
  local digits = text:match '^\\x(%x*)$'
  if not digits then return text end
  return value.binary((digits:gsub('%x%x', function(pair)
    return string.char(tonumber(pair, 16) --[[@as integer]])
  end)))
end

local function vector(text)
  local list = {}
  for item in text:sub(2, -2):gmatch '[^,]+' do list[#list + 1] = tonumber(item) end
  return require('lugger').vector(list)
end

-- By OID; other types stay text.
local decoders = {
  [16] = function(text) return text == 't' end,
  [20] = int8, [21] = number, [23] = number, [26] = number, [700] = number, [701] = number,
  [1700] = value.decimal, [1082] = day, [1114] = date, [1184] = date, [2950] = value.uuid, [17] = bytea,
  [1186] = value.interval, [114] = json_value.stored, [3802] = json_value.stored,
}
local right_aligned = { [20] = true, [21] = true, [23] = true, [26] = true, [700] = true, [701] = true, [1700] = true }

local function read_array(text, decode)
  local at = text:find('{', 1, true)
  local function list()
    local out = {}
    at = at + 1
    while at <= #text do
      local char = text:sub(at, at)
      if char == '}' then
        at = at + 1
        return document.array(out)
      elseif char == '{' then
        out[#out + 1] = list()
      elseif char == '"' then
        local from = at + 1
        at = from
        while text:sub(at, at) ~= '"' do at = at + (text:sub(at, at) == '\\' and 2 or 1) end
        out[#out + 1] = decode((text:sub(from, at - 1):gsub('\\(.)', '%1')))
        at = at + 1
      elseif char == ',' then
        at = at + 1
      else
        local word = text:match('^[^,}]*', at)
        out[#out + 1] = word == 'NULL' and null or decode(word)
        at = at + #word
      end
    end
  end
  return at and list() or text
end

--- The elements of a text array; NULL is lugger.null.
---@param text string
---@return table
function sql_values.array(text)
  return read_array(text, function(word) return word end)
end

-- Returns nil for types whose values stay text.
local function reader(type_of)
  if type_of.kind == 'array' then
    local read = reader(type_of.element) or function(word) return word end
    return function(text) return read_array(text, read) end
  end
  return type_of.type_name == 'vector' and vector or decoders[type_of.oid]
end

--- Returns the function that converts values of a type from their text; nil for types whose values stay text.
---@param type_of lugger.sql.type
---@return (fun(text: string): any)|nil
function sql_values.reader(type_of)
  return reader(type_of)
end

--- True when columns of the type are aligned to the right.
---@param oid integer
---@return boolean
function sql_values.is_number(oid)
  return right_aligned[oid] or false
end

return sql_values
