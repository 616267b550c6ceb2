-- In the worker of a fix: reads json and jsonb columns as documents, arrays and plain values.
local abi = require 'lugger.inner.base.abi'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
require 'lugger.inner.base.bson'

local fix_json = {}

local function decode(slot)
  return document.from_plain_json(ffi.string(slot.data, slot.size))
end

--- From now on this state decodes slots of type json.
function fix_json.install()
  codec.on_decode(abi.types.json, decode)
end

return fix_json
