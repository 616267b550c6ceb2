-- Truth in MongoDB, for options and operators with a yes or no: `unique: 1` means the same as `unique: true`.
local codec = require 'lugger.inner.base.codec'

local numbers = { number = true, int64 = true, int32 = true, double = true, decimal = true }
local nothing = { ['nil'] = true, null = true, undefined = true, missing = true }

--- False for false, 0 of any numeric type, null, undefined and a missing value; true for everything else, including NaN
--- and the empty string.
---@param value any as decoded from BSON or Extended JSON
---@return boolean
return function(value)
  if value == nil then return false end
  if type(value) == 'boolean' then return value end
  local kind = codec.type(value)
  if nothing[kind] then return false end
  if not numbers[kind] then return true end
  if type(value) == 'number' then return value ~= 0 end
  -- True for a digit other than 0 before the exponent, or for a word: NaN, Infinity.
  local mantissa = tostring(value):match('^[^eE]*') --[[@as string]]
  return mantissa:find('[1-9%a]') ~= nil
end
