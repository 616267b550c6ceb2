-- Bytes as text of 64 characters (RFC 4648).
local abi = require 'lugger.inner.base.abi'
local bytes = require 'lugger.inner.base.bytes'
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local shown = require('lugger.inner.base.shown').value

---@class lugger.base64
local base64 = {}

local function check(alphabet)
  if alphabet ~= nil and alphabet ~= 'url' then
    fault.raise('config', ('base64 has no alphabet %s'):format(shown(alphabet)), "'url', or none")
  end
end

--- Base64 of text or a binary. 'url': with - and _ in the place of + and /, and without = at the end.
---@param v string|lugger.binary
---@param alphabet "url"|nil
---@return string
function base64.encode(v, alphabet)
  check(alphabet)
  local text = assert(abi.made(abi.C.lug_text_base64, bytes.of(v, 'lugger.base64.encode'), 0))
  if alphabet == 'url' then return (text:gsub('[+/=]', { ['+'] = '-', ['/'] = '_', ['='] = '' })) end
  return text
end

--- The bytes of base64 as a Lua string; lugger.binary(...) makes a value for a bytea column of them. Raises when it is
--- not base64.
---@param text string
---@param alphabet "url"|nil
---@return string
function base64.decode(text, alphabet)
  check(alphabet)
  local given = bytes.text(text, 'lugger.base64.decode')
  local standard = given
  if alphabet == 'url' then
    standard = not given:find '[+/=]' and given:gsub('[-_]', { ['-'] = '+', _ = '/' }) or '?'
    standard = standard .. ('='):rep(-#standard % 4)
  end
  return abi.made(abi.C.lug_text_base64, standard, 1)
    or fault.raise('coerce', ('%s is not base64'):format(shown(given)),
      alphabet == nil and given:find '[-_]' and "text with - and _ is of the alphabet 'url'" or nil)
end

return methods.module('lugger.base64', base64)
