-- bindings/abi.h for FFI: the structs and functions that Lua calls without the C API.
local ffi = require 'ffi'
local native = require 'lugger.native'

local text = assert(assert(native.embedded('abi.h')):match('/%* cdef begin %*/(.*)/%* cdef end %*/'))
ffi.cdef((text:gsub('LUG_NOEXCEPT', '')))

if ffi.C.lug_abi_version() ~= ffi.C.LUG_ABI_VERSION then
  error(('abi.h is version %d, this lugger %d: --stdlib points to another version'):format(
    ffi.C.LUG_ABI_VERSION, ffi.C.lug_abi_version()), 0)
end

-- Values with a size that is fixed when they are made; they own their bytes.
ffi.cdef [[
typedef struct lug_decimal { uint32_t size; uint8_t type; uint8_t data[?]; } lug_decimal;
typedef struct lug_binary { uint32_t size; uint8_t subtype; uint8_t data[?]; } lug_binary;
typedef struct lug_vector { uint32_t size; float data[?]; } lug_vector;
typedef struct lug_typed { int64_t i64; uint32_t size; uint16_t aux; uint8_t type; uint8_t data[?]; } lug_typed;
typedef struct lug_double { double number_; } lug_double;
typedef struct lug_script_batch { const lug_batch *lug_view_; uint32_t lug_generation_, lug_count_; } lug_script_batch;
typedef struct lug_own { uint32_t lug_size_; uint8_t lug_array_; uint8_t lug_data_[?]; } lug_own;
]]

local abi = { C = ffi.C }

-- The numbers in runtime/value/type.hpp.
abi.types = {
  missing = 0, null = 1, undefined = 2, bool = 3, int32 = 4, int64 = 5, double = 6, decimal = 7,
  string = 8, binary = 9, objectId = 10, date = 11, regex = 12, dbPointer = 13, code = 14,
  symbol = 15, codeWithScope = 16, timestamp = 17, minKey = 18, maxKey = 19, document = 20,
  array = 21, numeric = 22, uuid = 23, day = 24, time = 25, timestamptz = 26, interval = 27,
  json = 28, vector = 29, halfvec = 30, sparsevec = 31, bit = 32, pgarray = 33, pgtext = 34,
}
abi.words = {}
for word, number in pairs(abi.types) do abi.words[number] = word end

-- One buffer for all text functions, because texts are copied into Lua strings at once.
local room, buffer = 256, ffi.new('char[?]', 256)

--- Calls a text function of abi.h (..., out, room) and gives its text.
---@param call fun(out: ffi.cdata*, room: integer): integer
---@return string
function abi.text(call)
  local size = call(buffer, room)
  if size > room then
    room = size
    buffer = ffi.new('char[?]', room)
    size = call(buffer, room)
  end
  return ffi.string(buffer, size)
end

--- Calls a text function of abi.h with a way of doing it (text, size, how, out, room); nil when it cannot.
---@param call fun(given: string, size: integer, how: integer, out: ffi.cdata*, room: integer): integer
---@param given string
---@param how integer
---@return string|nil
function abi.made(call, given, how)
  local size = call(given, #given, how, buffer, room)
  if size > room then
    room = size
    buffer = ffi.new('char[?]', room)
    size = call(given, #given, how, buffer, room)
  end
  if size < 0 then return nil end
  return ffi.string(buffer, size)
end

return abi
