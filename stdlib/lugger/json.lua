-- Extended JSON for scripts.
local abi = require 'lugger.inner.base.abi'
local bson = require 'lugger.inner.base.bson'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local json_value = require 'lugger.inner.base.json_value'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'

local json = {}

local slot = ffi.new('lug_value') --[[@as lug_value]]
local styles = { canonical = 0, relaxed = 1, plain = 2, typed = 3 }

--- JSON text of any value. A list is an array, any other table a document with its fields sorted by name.
---@param v any
---@param style "canonical"|"relaxed"|"plain"|"typed"|nil relaxed when not given
---@return string
function json.encode(v, style)
  local number = styles[style or 'relaxed']
  if not number then fault.raise('config', ('there is no JSON style "%s"'):format(tostring(style)),
    'canonical, relaxed, plain or typed') end
  if document.is(v) then return document.methods.json(v, style) end
  local keep = {}
  codec.encode(slot, v, function(bytes, size)
    local held = ffi.new('uint8_t[?]', math.max(size, 1))
    ffi.copy(held, bytes, size)
    keep[#keep + 1] = held
    return held
  end)
  local text = abi.text(function(out, room) return abi.C.lug_value_json(slot, number, out, room) end)
  return keep and text
end

--- The value of JSON text: documents and arrays as lugger.doc, which keep order, types, null and emptiness. Styles are
--- those of sources: 'extended' takes {"$oid": ...} and its like for MongoDB's types, in 'plain' it is an object, and
--- every digit of a number is kept: `1.10` is a decimal.
---@param text string
---@param style "extended"|"plain"|nil extended when not given
---@return any
function json.decode(text, style)
  local asked = style or 'extended' ---@type string
  if asked ~= 'extended' and asked ~= 'plain' then
    fault.raise('config', ('there is no style "%s" of JSON to read'):format(tostring(asked)), 'extended or plain')
  end
  local made = native.json_decode(text, asked)
  if asked == 'plain' then return document.of_json(text, made) end
  return json_value.of(text, made)
end

--- BSON bytes of a table or document.
---@param v table|lugger.doc
---@return string
function json.to_bson(v)
  return document.is(v) and document.to_bson(v) or bson.encode(v)
end

return methods.module('lugger.json', json)
