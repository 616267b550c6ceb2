-- In the worker of a fix: reads json and jsonb columns as documents, arrays and plain values.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
local native = require 'lugger.native'
require 'lugger.inner.base.bson'

local fix_json = {}

local function decode(slot)
  local text = ffi.string(slot.data, slot.size)
  local doc = document.from_bson(native.json_plain(text))
  if text:match('^%s*{') then return doc end
  return doc['']
end

--- From now on this state decodes slots of type json.
function fix_json.install()
  codec.on_decode(abi.types.json, decode)
end

return fix_json
