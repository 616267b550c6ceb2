-- Versions: digits, usually the UTC second in which the file was made. Compared as numbers of any length.
local version = {}

--- The common form of all spellings of a version: 0007 becomes 7.
---@param text string
---@return string
function version.key(text)
  return (text:gsub('^0+(%d)', '%1'))
end

--- True when a comes before b.
---@param a string
---@param b string
---@return boolean
function version.before(a, b)
  a, b = version.key(a), version.key(b)
  if #a ~= #b then return #a < #b end
  return a < b
end

--- A new version: the present time in UTC, or the newest version plus one when the clock is behind it.
---@param newest string|nil
---@return string
function version.new(newest)
  local now = os.date('!%Y%m%d%H%M%S')
  if not newest or version.before(newest, now) then return now end
  local digits, carry = {}, 1
  for digit in newest:reverse():gmatch('%d') do
    local sum = tonumber(digit) --[[@as number]] + carry
    carry = sum == 10 and 1 or 0
    digits[#digits + 1] = tostring(sum % 10)
  end
  if carry == 1 then digits[#digits + 1] = '1' end
  return table.concat(digits):reverse()
end

--- True for a time stamp in the future, by this machine's clock.
---@param text string
---@return boolean
function version.in_future(text)
  if not text:match('^20%d%d%d%d%d%d%d%d%d%d%d%d$') then return false end
  return version.before(os.date('!%Y%m%d%H%M%S', os.time() + 60), text)
end

return version
