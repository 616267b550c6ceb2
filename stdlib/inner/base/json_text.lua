-- Encodes plain Lua values as JSON, for log lines and --json output. Documents are encoded natively.
local json_text = {}

local list = {} -- metatable of tables that are arrays even when empty

--- null as a value of a table, which nil cannot be.
json_text.null = setmetatable({}, { __tostring = function() return 'null' end })

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t' }

local function quote(text)
  return '"' .. text:gsub('[%z\1-\31"\\\127]', function(char) return escapes[char]
    or ('\\u%04x'):format(char:byte()) end) .. '"'
end

local function number_text(value)
  if value ~= value or value == math.huge or value == -math.huge then return 'null' end
  if value == math.floor(value) and math.abs(value) < 2 ^ 53 then return ('%.0f'):format(value) end
  local short = ('%.14g'):format(value)
  return tonumber(short) == value and short or ('%.17g'):format(value)
end

local encode ---@type fun(value: any): string

local function encode_table(value)
  local parts = {}
  if #value > 0 or getmetatable(value) == list then
    for i, item in ipairs(value) do parts[i] = encode(item) end
    return '[' .. table.concat(parts, ',') .. ']'
  end
  local keys = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for i, key in ipairs(keys) do parts[i] = quote(tostring(key)) .. ':' .. encode(value[key]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

--- Marks a table as an array, so that it is one even when it is empty.
---@param value table
---@return table
function json_text.list(value)
  return setmetatable(value, list)
end

--- JSON text of nil, booleans, numbers, strings and tables (a table with items 1..n is an array). Keys are sorted.
---@param value any
---@return string
function json_text.encode(value)
  local kind = type(value)
  if kind == 'nil' or value == json_text.null then return 'null' end
  if kind == 'boolean' then return tostring(value) end
  if kind == 'number' then return number_text(value) end
  if kind == 'table' then return encode_table(value) end
  if kind == 'cdata' then
    local digits = tostring(value):match('^(-?%d+)U?LL$')
    if digits then return digits end
  end
  return quote(tostring(value))
end
encode = json_text.encode

return json_text
