-- Bytes as hex digits.
local abi = require 'lugger.inner.base.abi'
local bytes = require 'lugger.inner.base.bytes'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value

---@class lugger.hex
local hex = {}

--- Lowercase hex digits of text or a binary.
---@param v string|lugger.binary
---@return string
function hex.encode(v)
  return assert(abi.made(abi.C.lug_text_hex, bytes.of(v, 'lugger.hex.encode'), 0))
end

--- The bytes of hex digits as a Lua string; lugger.binary(...) makes a value for a bytea column of them. Raises when
--- they are not hex digits.
---@param text string
---@return string
function hex.decode(text)
  local given = bytes.text(text, 'lugger.hex.decode')
  return abi.made(abi.C.lug_text_hex, given, 1)
    or fault.raise('coerce', ('%s is not hex'):format(shown(given)), 'give an even number of the digits 0-9a-f')
end

return methods.module('lugger.hex', hex)
