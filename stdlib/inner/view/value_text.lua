-- Values as Lua text that can be pasted back at the prompt: evaluating it gives an equal value.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
local marks = require 'lugger.inner.base.marks'
local terminal = require 'lugger.inner.view.terminal'
local value = require 'lugger.inner.base.value'
local C, types, ctypes, null = abi.C, abi.types, value.ctypes, value.null

local value_text = {}

local uint64 = ffi.typeof 'uint64_t'
local line_width = 78
local deepest = 100

local keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not
  or repeat return then true until
  while]]):gmatch('%a+') do
  keywords[word] = true
end

local escapes = { ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t', ['\\'] = '\\\\', ['"'] = '\\"' }

local function escaped(char)
  return escapes[char] or ('\\%03d'):format(char:byte())
end

local function each_escaped(bytes)
  return (bytes:gsub('.', escaped))
end

-- Bytes that are not UTF-8, and control characters, are written as escapes with their numbers.
local function sequence(bytes)
  local first, size = bytes:byte(), #bytes
  local wanted = first >= 0xF0 and 4 or first >= 0xE0 and 3 or 2
  if first < 0xC2 or first > 0xF4 or size ~= wanted then return each_escaped(bytes) end
  local second = bytes:byte(2)
  local bad = first == 0xE0 and second < 0xA0 or first == 0xED and second > 0x9F or first == 0xF0 and second < 0x90
    or first == 0xF4 and second > 0x8F or first == 0xC2 and second < 0xA0
  return bad and each_escaped(bytes) or bytes
end

--- A string as a Lua literal.
---@param text string
---@return string
function value_text.quote(text)
  text = text:gsub('[%z\1-\31\127"\\]', escaped)
  if text:find '[\128-\255]' then
    text = text:gsub('[\192-\255][\128-\191]*', sequence):gsub('([%z\1-\127])([\128-\191]+)', function(before, stray)
      return before .. each_escaped(stray)
    end):gsub('^[\128-\191]+', each_escaped)
  end
  return '"' .. text .. '"'
end
local quote = value_text.quote

local function number_text(number)
  if number ~= number then return '0/0' end
  if number == math.huge then return 'math.huge' end
  if number == -math.huge then return '-math.huge' end
  if number == math.floor(number) and math.abs(number) < 1e15 then return ('%.0f'):format(number) end
  for digits = 14, 16 do
    local short = ('%.' .. digits .. 'g'):format(number)
    if tonumber(short) == number then return short end
  end
  return ('%.17g'):format(number)
end

local function is_name(text)
  return text:match('^[%a_][%w_]*$') and not keywords[text]
end

-- `state` belongs to one value: the tables that contain the current one, and how many elements of a list are shown.
---@type fun(v: any, state: table, depth: integer): string
local text_of

local function key_text(key, state, depth)
  if type(key) == 'string' and is_name(key) then return key end
  return '[' .. text_of(key, state, depth) .. ']'
end

-- Parts in braces: on one line if they fit, otherwise one on each line. A comment says what was left out.
local function braced(parts, depth, left_out, head)
  head = head or ''
  if #parts == 0 and left_out == 0 then return head .. '{}' end
  local line = head .. '{ ' .. table.concat(parts, ', ') .. ' }'
  if left_out == 0 and #line + 2 * depth <= line_width and not line:find('\n', 1, true) then return line end
  local indent = ('  '):rep(depth + 1)
  local more = left_out > 0 and ('\n%s-- ... %s more'):format(indent, terminal.group(left_out)) or ''
  return head .. '{\n' .. indent .. table.concat(parts, ',\n' .. indent) .. (more ~= '' and ',' .. more or '') .. '\n'
    .. ('  '):rep(depth) .. '}'
end

local function sorted_keys(t, count)
  local keys = {}
  for key in pairs(t) do
    local in_list = type(key) == 'number' and key >= 1 and key <= count and key == math.floor(key)
    if not in_list then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b)
    if type(a) == type(b) and (type(a) == 'number' or type(a) == 'string') then return a < b end
    return type(a) < type(b)
  end)
  return keys
end

-- The order of a document's names as the second argument of document(); empty when they are sorted.
local function order_text(names)
  local sorted, plain = true, true
  for i, name in ipairs(names) do
    if i > 1 and name <= names[i - 1] then sorted = false end
    if name == '' or name:find '[%s%c"\\\128-\255]' then plain = false end
  end
  if sorted then return nil end
  if plain then return '"' .. table.concat(names, ' ') .. '"' end
  local parts = {}
  for i, name in ipairs(names) do parts[i] = quote(name) end
  return '{ ' .. table.concat(parts, ', ') .. ' }'
end

local function document_text(parts, names, depth)
  local order = order_text(names)
  if not order then return braced(parts, depth, 0, 'document ') end
  return braced(parts, depth, 0, 'document(') .. ', ' .. order .. ')'
end

local function table_text(t, state, depth)
  if state[t] then return '{ --[[ itself ]] }' end
  local meta = getmetatable(t)
  if type(meta) == 'table' and meta.lugger_fill then meta.lugger_fill(t) end
  if depth > deepest then return '{ --[[ deeper ]] }' end
  state[t] = true
  local mark, parts, count = marks.mark(t), {}, #t
  local shown = math.min(count, state.limit or count)
  for i = 1, shown do parts[i] = text_of(t[i], state, depth + 1) end
  local keys = sorted_keys(t, count)
  local order = mark == 'document' and marks.order(t) or {}
  if #order > 0 then keys = require('lugger.inner.base.bson').field_names(t) end
  local names = {}
  for _, key in ipairs(keys) do
    names[#names + 1] = key
    parts[#parts + 1] = key_text(key, state, depth + 1) .. ' = ' .. text_of(t[key], state, depth + 1)
  end
  state[t] = nil
  if mark == 'document' and count == 0 then return document_text(parts, names, depth) end
  local read_from_pg = type(meta) == 'table' and meta.lugger_array ~= nil
  return braced(parts, depth, count - shown, mark and not read_from_pg and mark .. ' ' or nil)
end

local function canonical(slot)
  return abi.text(function(out, room) return C.lug_value_json(slot, 0, out, room) end)
end

local function decoded(json)
  return 'json.decode ' .. quote(json)
end

-- Text for slots whose Lua value does not represent them fully.
local slot_texts = {
  [types.int64] = function(slot) return (tostring(slot.i64):gsub('LL$', '')) .. 'LL' end,
  [types.double] = function(slot)
    local number = slot.f64
    local as_integer = number == math.floor(number) and math.abs(number) <= 9007199254740992 and 1 / number ~=
      -math.huge
    return as_integer and 'double(' .. number_text(number) .. ')' or number_text(number)
  end,
}
-- PostgreSQL's numeric, which `decimal` makes, does not have 1E+3 or -0.
slot_texts[types.decimal] = function(slot)
  local v = codec.decode(slot, nil)
  local text = tostring(v)
  return (text:find('E', 1, true) or text:find '^%-0') and decoded(canonical(slot)) or 'decimal ' .. quote(text)
end
for _, name in ipairs { 'regex', 'dbPointer', 'code', 'symbol', 'codeWithScope', 'timestamp', 'minKey',
  'maxKey' } do
  slot_texts[types[name]] = function(slot) return decoded(canonical(slot)) end
end

local function slot_text(slot, state, depth)
  local exact = slot_texts[slot.type]
  if exact then return exact(slot) end
  return text_of(codec.decode(slot, nil), state, depth)
end

local function array_text(doc, state, depth)
  local parts, count, limit = {}, #doc, state.limit or math.huge
  for _, slot in document.slots(doc) do
    if #parts >= limit then break end
    -- As a Lua value, undefined would be null.
    if slot.type == types.undefined then return decoded(document.methods.json(doc, 'canonical')) end
    parts[#parts + 1] = slot_text(slot, state, depth + 1)
  end
  return braced(parts, depth, count - #parts, 'array ')
end

local function doc_text(doc, state, depth)
  if depth > deepest then return decoded(document.methods.json(doc, 'canonical')) end
  doc = document.is_view(doc) and document.methods.copy(doc) or doc
  if codec.type(doc) == 'array' then return array_text(doc, state, depth) end
  local parts, names, seen = {}, {}, {}
  for name, slot in document.slots(doc) do
    -- A Lua table cannot contain a name twice, and undefined would become null.
    if seen[name] or slot.type == types.undefined then return decoded(document.methods.json(doc, 'canonical')) end
    seen[name], names[#names + 1] = true, name
    parts[#parts + 1] = key_text(name, state, depth + 1) .. ' = ' .. slot_text(slot, state, depth + 1)
  end
  return document_text(parts, names, depth)
end

local function vector_text(v)
  local parts = {}
  for i = 0, v.size - 1 do
    local number = v.data[i]
    parts[i + 1] = number ~= number and '0/0' or math.abs(number) == math.huge and number_text(number)
      or ('%.9g'):format(number)
  end
  return 'vector { ' .. table.concat(parts, ', ') .. ' }'
end

local slot_of_typed = ffi.new 'lug_value' --[[@as lug_value]]

-- A type without its own class: as Extended JSON if it is a BSON type, otherwise by the coercer of its PostgreSQL type.
local function typed_text(v)
  if slot_texts[v.type] then
    codec.encode(slot_of_typed, v, function(bytes) return bytes end)
    return decoded(canonical(slot_of_typed))
  end
  return ('coercer(%s):coerce(%s)'):format(quote(abi.words[v.type]), quote(tostring(v)))
end

local function named(name)
  return function(v) return name .. ' ' .. quote(tostring(v)) end
end

-- Calendar days, and instants whose text cannot be parsed as a date, are written in another way.
local function date_text(v)
  local text, zone = value.date_utc_text(v), v.zone
  if not zone then return ('coercer("date"):coerce(%s)'):format(quote(text)) end
  local ok, back = pcall(value.date, text)
  local out = ok and back == v and 'date ' .. quote(text)
    or ('date(%sLL)'):format((tostring(v.lug_ms_):gsub('LL$', '')))
  return zone == 'UTC' and out or ('%s:in_zone %s'):format(out, quote(zone))
end

local cdata_texts = {
  { ctypes.int64, function(v) return (tostring(v):gsub('LL$', '')) .. 'LL' end },
  { uint64, function(v) return (tostring(v):gsub('ULL$', '')) .. 'ULL' end },
  { ctypes.decimal, named 'decimal' },
  { ctypes.objectid, named 'objectid' },
  { ctypes.uuid, named 'uuid' },
  { ctypes.date, date_text },
  { ctypes.interval, named 'interval' },
  { ctypes.double, function(v) return 'double(' .. number_text(v.number_) .. ')' end },
  { ctypes.vector, vector_text },
  { ctypes.binary, function(v)
    local bytes = '"' .. v:bytes():gsub('[%z\1-\31\127-\255"\\]', escaped) .. '"'
    return v.subtype == 0 and 'binary ' .. bytes or ('binary(%s, %d)'):format(bytes, v.subtype)
  end },
  { ctypes.typed, typed_text },
}

local function cdata_text(v, state, depth)
  if document.is(v) then return doc_text(v, state, depth) end
  for _, known in ipairs(cdata_texts) do
    if ffi.istype(known[1], v) then return known[2](v) end
  end
  return tostring(v)
end

function text_of(v, state, depth)
  local kind = type(v)
  if kind == 'string' then return quote(v) end
  if kind == 'number' then return number_text(v) end
  if v == null then return 'null' end
  if kind == 'cdata' then return cdata_text(v, state, depth) end
  if kind == 'table' then
    local meta = getmetatable(v)
    local is_data = type(meta) == 'table' and (meta.lugger_array or meta.lugger_columns)
    if type(meta) == 'table' and meta.__tostring and not is_data then return tostring(v) end
    return table_text(v, state, depth)
  end
  return tostring(v)
end

--- A value as text: strings quoted, tables and documents written out, values as calls of the functions that make them,
--- objects by their descriptions.
---@param v any
---@param limit integer|nil elements of a list that are shown; the others are counted in a comment
---@return string
function value_text.of(v, limit)
  return text_of(v, { limit = limit }, 0)
end

return value_text
