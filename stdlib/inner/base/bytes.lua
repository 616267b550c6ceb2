-- Bytes that a function takes: of text, or of a binary.
local fault = require 'lugger.inner.base.fault'
local ffi = require 'ffi'
local shown = require('lugger.inner.base.shown').value
local value = require 'lugger.inner.base.value'

local bytes = {}

--- The bytes of text or of a binary as a Lua string; anything else is refused.
---@param v string|lugger.binary
---@param taker string the function, in messages: "lugger.sha256"
---@return string
function bytes.of(v, taker)
  if type(v) == 'string' then return v end
  if not (type(v) == 'cdata' and ffi.istype(value.ctypes.binary, v)) then
    fault.raise('coerce', ('%s takes text or a binary, not %s'):format(taker, shown(v)),
      v ~= nil and v ~= value.null and 'tostring(v) makes text of a value' or nil)
  end
  return v:bytes()
end

--- Text; a number's digits; anything else is refused.
---@param v string|number
---@param taker string
---@return string
function bytes.text(v, taker)
  if type(v) == 'string' then return v end
  if type(v) ~= 'number' then
    fault.raise('coerce', ('%s takes text, not %s'):format(taker, shown(v)),
      v ~= nil and v ~= value.null and 'tostring(v) makes text of a value' or nil)
  end
  return tostring(v)
end

return bytes
