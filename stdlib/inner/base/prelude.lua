-- Run once in every Lua state, before anything else: what differs from plain LuaJIT.
local ffi = require 'ffi'

-- Text only: bytecode can do anything to the process.
local raw_load = load
local function load_text(chunk, name, _, ...)
  return raw_load(chunk, name, 't', ...)
end
_G.load = load_text
_G.loadstring = function(chunk, name) return raw_load(chunk, name, 't') end

-- int64 prints as its digits, not as a C literal.
local raw_tostring = tostring
local int64, uint64 = ffi.typeof 'int64_t', ffi.typeof 'uint64_t'
_G.tostring = function(value)
  if type(value) == 'cdata' then
    if ffi.istype(int64, value) then return (raw_tostring(value):gsub('LL$', '')) end
    if ffi.istype(uint64, value) then return (raw_tostring(value):gsub('ULL$', '')) end
  end
  return raw_tostring(value)
end

-- Null is a light userdata: it compares fast and is true, as every value but nil and false.
local null = require('lugger.native').null
debug.setmetatable(null, {
  __tostring = function(value) return value == null and 'null' or 'pointer' end,
  __index = function(_, key) error(("field '%s' of null"):format(raw_tostring(key)), 2) end,
})

-- Names that every state has: a hook may use these as globals.
local prelude = { globals = {} }
for name in pairs(_G) do prelude.globals[name] = true end

return prelude
