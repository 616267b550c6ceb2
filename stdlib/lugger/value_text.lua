-- Values as Lua text that can be pasted back.
local ffi = require 'ffi'

local value_text = {}

local int64, uint64 = ffi.typeof 'int64_t', ffi.typeof 'uint64_t'

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not
  or repeat return then true until
  while]]):gmatch('%a+') do
  keywords[word] = true
end

local escapes = { ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t', ['\\'] = '\\\\', ['"'] = '\\"' }

--- A string as a Lua literal.
---@param text string
---@return string
function value_text.quote(text)
  return '"' .. text:gsub('[%z\1-\31\127"\\]', function(char)
    return escapes[char] or ('\\%03d'):format(char:byte())
  end) .. '"'
end

local function number_text(number)
  if number ~= number then return '0/0' end
  if number == math.huge then return 'math.huge' end
  if number == -math.huge then return '-math.huge' end
  if number == math.floor(number) and math.abs(number) < 1e15 then return ('%.0f'):format(number) end
  local short = ('%.14g'):format(number)
  return tonumber(short) == number and short or ('%.17g'):format(number)
end

local function key_text(key, seen, depth)
  if type(key) == 'string' and key:match('^[%a_][%w_]*$') and not keywords[key] then return key end
  return '[' .. value_text.of(key, seen, depth) .. ']'
end

local function sorted_keys(value, count)
  local keys = {}
  for key in pairs(value) do
    local in_list = type(key) == 'number' and key >= 1 and key <= count and key == math.floor(key)
    if not in_list then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == 'number' or type(a) == 'string') then return a < b end
    return type(a) < type(b)
  end)
  return keys
end

local function table_text(value, seen, depth)
  if seen[value] then return '{ --[[ itself ]] }' end
  if depth > 8 then return '{ --[[ deeper ]] }' end
  seen[value] = true
  local parts, count = {}, #value
  for i = 1, count do parts[i] = value_text.of(value[i], seen, depth + 1) end
  for _, key in ipairs(sorted_keys(value, count)) do
    parts[#parts + 1] = key_text(key, seen, depth + 1) .. ' = ' .. value_text.of(value[key], seen, depth + 1)
  end
  seen[value] = nil
  if #parts == 0 then return '{}' end
  local line = '{ ' .. table.concat(parts, ', ') .. ' }'
  if #line + 2 * depth <= 78 and not line:find('\n', 1, true) then return line end
  local indent = ('  '):rep(depth + 1)
  return '{\n' .. indent .. table.concat(parts, ',\n' .. indent) .. '\n' .. ('  '):rep(depth) .. '}'
end

--- A value as text: strings quoted, tables written out, objects as they describe themselves.
---@param value any
---@param seen table|nil tables on the way here
---@param depth integer|nil
---@return string
function value_text.of(value, seen, depth)
  local kind = type(value)
  if kind == 'string' then return value_text.quote(value) end
  if kind == 'number' then return number_text(value) end
  if kind == 'table' then
    local meta = getmetatable(value)
    if type(meta) == 'table' and meta.__tostring then return tostring(value) end
    return table_text(value, seen or {}, depth or 0)
  end
  if kind == 'cdata' then
    -- tostring() gives the digits of 64-bit numbers; pasted back they need their suffix.
    if ffi.istype(int64, value) then return tostring(value) .. 'LL' end
    if ffi.istype(uint64, value) then return tostring(value) .. 'ULL' end
  end
  return tostring(value)
end

return value_text
