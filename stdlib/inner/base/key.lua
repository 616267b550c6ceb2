-- Keys of Lua tables for values that Lua compares by address: ObjectIds, int64, decimals, dates, documents.
local bson = require 'lugger.inner.base.bson'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local shown = require('lugger.inner.base.shown').value
local value = require 'lugger.inner.base.value'
local ctypes = value.ctypes

local key = {}

local function of_number(v)
  if v == math.floor(v) and v >= -9e15 and v <= 9e15 then return ('$n:%.0f'):format(v + 0) end
  return bson.id_text(value.decimal(v))
end

local function of_text(v)
  if v:byte(1) == 36 or #v == 24 and v:find '^%x+$' then return '$s:' .. v end
  return v
end

-- BSON's dates have no microseconds, and the same instant is the same key.
local function of_date(v)
  local us = v.lug_us_ ~= 0 and ('.%03d'):format(v.lug_us_) or ''
  return '$d:' .. tostring(v.lug_ms_) .. us
end

local function of_cdata(v)
  if ffi.istype(ctypes.double, v) then return of_number(v.number_) end
  if ffi.istype('uint64_t', v) then return bson.id_text(value.decimal(v)) end
  if ffi.istype(ctypes.date, v) then return of_date(v) end
  if ffi.istype(ctypes.interval, v) then return '$interval:' .. value.interval_key(v) end
  if ffi.istype(ctypes.vector, v) then return '$vector:' .. tostring(v) end
  local text = bson.try_id_text(v)
  if text then return text end
  if document.is(v) then return '$bson:' .. document.to_bson(v) end
  return ('$%s:%s'):format(codec.type(v), tostring(v))
end

--- Text that is the same for equal values, for a key of a table: `seen[lugger.key(doc._id)]`. 1, 1.0, int64 1 and
--- decimal 1 have one key; text and an ObjectId with the same digits have two. Ids have the text of `lugger.id_text`,
--- except that numbers with a fraction go by their shortest digits, as `==` does: 0.1 is decimal 0.1.
---@param v any
---@return string
function key.of(v)
  local kind = type(v)
  if kind == 'string' then return of_text(v) end
  if kind == 'number' then return of_number(v) end
  if kind == 'cdata' then return of_cdata(v) end
  if not (kind == 'boolean' or v == value.null or kind == 'table' and v ~= value.remove) then
    fault.raise('config', ('%s cannot be a key'):format(shown(v)), 'nil is no value: compare with nil first')
  end
  return bson.id_text(v)
end

return key
