-- Arrays of PostgreSQL, decoded into a Lua list (nested for more dimensions). While nobody changes the list, it is
-- stored again as the same bytes.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
local C, types = abi.C, abi.types

local pg_array = {}

local reader = ffi.new('lug_array') --[[@as lug_array]]
local array_mark = getmetatable(document.array())

local function build(level)
  local list, shape = {}, {}
  for i = 1, reader.sizes[level] do
    local element, held
    if level + 1 < reader.dimensions then
      element, held = build(level + 1)
      if element == nil then return nil end
    elseif C.lug_array_next(reader) == 1 then
      local v = reader.value
      if v.type == types.json then
        element = document.from_plain_json(ffi.string(v.data, v.size))
      else
        element = codec.decode(v, nil)
      end
      held = element
    else
      return nil
    end
    list[i], shape[i] = element, held
  end
  return level > 0 and setmetatable(list, array_mark) or list, shape
end

-- True when the elements have not changed. Values are immutable, so an unchanged element is the same object.
local function same(list, shape, levels)
  if #list ~= #shape then return false end
  for i = 1, #shape do
    local now, before = list[i], shape[i]
    if levels > 1 then
      if type(now) ~= 'table' or not same(now, before, levels - 1) then return false end
    elseif not rawequal(now, before) and not (now ~= now and before ~= before) then
      return false
    end
  end
  return true
end

local function text(list)
  local held = pg_array.unchanged(list)
  return held and tostring(held) or require('lugger.json').encode(list)
end

codec.on_decode(types.pgarray, function(v)
  local bytes = codec.typed(v)
  if C.lug_array_start(reader, v) == 0 then return bytes end
  local levels = reader.dimensions
  local list, shape = {}, {}
  if reader.count > 0 then list, shape = build(0) end
  if list == nil then return bytes end
  return setmetatable(list, { __name = 'array', lugger_mark = 'array', lugger_array = bytes, __tostring = text,
    lugger_shape = shape, lugger_levels = levels })
end)

--- True for lists that came from a PostgreSQL array.
---@param v any
---@return boolean
function pg_array.is(v)
  local meta = type(v) == 'table' and getmetatable(v)
  return type(meta) == 'table' and meta.lugger_array ~= nil
end

--- The array as PostgreSQL gave it; nil when the list has been changed since, or is another table.
---@param list table
---@return lugger.typed|nil
function pg_array.unchanged(list)
  if not pg_array.is(list) then return nil end
  local meta = getmetatable(list)
  return same(list, meta.lugger_shape, meta.lugger_levels) and meta.lugger_array or nil
end

return pg_array
