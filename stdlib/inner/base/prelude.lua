-- Runs once in every Lua state before anything else: the differences from plain LuaJIT.
local ffi = require 'ffi'

-- Text only: bytecode can do anything to the process.
local raw_load = load
local function load_text(chunk, name, _, ...)
  return raw_load(chunk, name, 't', ...)
end
_G.load = load_text
_G.loadstring = function(chunk, name) return raw_load(chunk, name, 't') end

-- Lua's own limit counts its slots. A call back into Lua through C also uses the C stack, and its overflow would end
-- the process.
local check_stack = require('lugger.native').check_stack
local gsub, resume, wrap = string.gsub, coroutine.resume, coroutine.wrap
local function guarded_gsub(text, pattern, replacement, count)
  if type(replacement) ~= 'string' then check_stack() end
  return gsub(text, pattern, replacement, count)
end
local function guarded_resume(...)
  check_stack()
  return resume(...)
end
local function guarded_wrap(body)
  local step = wrap(body)
  return function(...)
    check_stack()
    return step(...)
  end
end
string.gsub, coroutine.resume, coroutine.wrap = guarded_gsub, guarded_resume, guarded_wrap -- luacheck: ignore 122

-- int64 prints as digits, without the suffix of a C literal, and joins with text. No other way leads to a type that C
-- has built in than the metatable of all of FFI's objects.
local raw_tostring = tostring
local int64, uint64 = ffi.typeof 'int64_t', ffi.typeof 'uint64_t'
local function is_integer(value)
  return type(value) == 'cdata' and (ffi.istype(int64, value) or ffi.istype(uint64, value))
end
local objects = assert(debug.getmetatable(0LL))
local concat_objects, text_of_object = objects.__concat, objects.__tostring
function objects.__tostring(value)
  if is_integer(value) then return (text_of_object(value):gsub('U?LL$', '')) end
  return text_of_object(value)
end
function objects.__concat(a, b)
  local first, second = is_integer(a), is_integer(b)
  if not (first or second) then return concat_objects(a, b) end
  if first then a = raw_tostring(a) end
  if second then b = raw_tostring(b) end
  return a .. b
end

-- table.concat of arrays in documents, and of lists that hold values.
local raw_concat = table.concat
local function texts(list)
  local out, is_plain = {}, true
  for i, v in (type(list) == 'cdata' and pairs or ipairs)(list) do
    local kind = type(v)
    is_plain = is_plain and kind ~= 'cdata'
    out[i] = kind == 'cdata' and raw_tostring(v) or v
  end
  return out, is_plain and type(list) ~= 'cdata'
end
local function concat(list, ...)
  if type(list) == 'cdata' then return raw_concat((texts(list)), ...) end
  local ok, text = pcall(raw_concat, list, ...)
  if ok then return text end
  if type(list) == 'table' then
    local out, is_plain = texts(list)
    if not is_plain then return raw_concat(out, ...) end
  end
  error(text, 2)
end
table.concat = concat -- luacheck: ignore 122

-- Null is a light userdata: comparing it is fast, and it is true, like every value except nil and false.
local null = require('lugger.native').null
debug.setmetatable(null, {
  __tostring = function(value) return value == null and 'null' or 'pointer' end,
  __index = function(_, key) error(("field '%s' of null"):format(raw_tostring(key)), 2) end,
  __concat = function() error('null cannot be joined with text by ..: compare with lugger.null first', 2) end,
})

-- Globals of every state, which a hook may use.
local prelude = { globals = {} }
for name in pairs(_G) do prelude.globals[name] = true end

return prelude
