-- Digests of text and binaries, as hex.
local abi = require 'lugger.inner.base.abi'
local bytes = require 'lugger.inner.base.bytes'
local ffi = require 'ffi'
local C = abi.C

local digest = {}

--- Hex of SHA-256 or SHA-512.
---@param bits 256|512
---@param v string|lugger.binary
---@param taker string
---@return string
function digest.sha(bits, v, taker)
  return assert(abi.made(C.lug_text_digest, bytes.of(v, taker), bits))
end

local room = 128
local out = ffi.new('char[?]', room)

--- Hex of HMAC with SHA-256 or SHA-512.
---@param bits 256|512
---@param key string|lugger.binary
---@param v string|lugger.binary
---@param taker string
---@return string
function digest.hmac(bits, key, v, taker)
  local secret, text = bytes.of(key, taker), bytes.of(v, taker)
  return ffi.string(out, C.lug_text_hmac(secret, #secret, text, #text, bits, out, room))
end

--- Whether two texts or binaries are the same, in a time that does not tell where they differ.
---@param a string|lugger.binary
---@param b string|lugger.binary
---@return boolean
function digest.same(a, b)
  local left, right = bytes.of(a, 'lugger.same_bytes'), bytes.of(b, 'lugger.same_bytes')
  return C.lug_text_same(left, #left, right, #right) == 1
end

return digest
