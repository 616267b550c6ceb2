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

-- int64 prints as digits, without the suffix of a C literal.
local raw_tostring = tostring
local int64, uint64 = ffi.typeof 'int64_t', ffi.typeof 'uint64_t'
_G.tostring = function(value)
  if type(value) == 'cdata' then
    if ffi.istype(int64, value) then return (raw_tostring(value):gsub('LL$', '')) end
    if ffi.istype(uint64, value) then return (raw_tostring(value):gsub('ULL$', '')) end
  end
  return raw_tostring(value)
end

-- Null is a light userdata: comparing it is fast, and it is true, like every value except nil and false.
local null = require('lugger.native').null
debug.setmetatable(null, {
  __tostring = function(value) return value == null and 'null' or 'pointer' end,
  __index = function(_, key) error(("field '%s' of null"):format(raw_tostring(key)), 2) end,
})

-- Globals of every state, which a hook may use.
local prelude = { globals = {} }
for name in pairs(_G) do prelude.globals[name] = true end

return prelude
