-- A value in a message: what kind it is, and what it holds when that is short.
local native = require 'lugger.native'

local shown = {}

--- '"12abc"', 'nan', 'null', 'true', 'a table'.
---@param v any
---@return string
function shown.value(v)
  local kind = type(v)
  if kind == 'string' then return ('"%s"'):format(#v > 60 and v:sub(1, 57) .. '...' or v) end
  if kind == 'number' and v ~= v then return 'nan' end -- the sign that printf gives it differs by machine
  if kind == 'nil' or kind == 'number' or kind == 'boolean' or v == native.null then return tostring(v) end
  if kind == 'cdata' then
    local text = tostring(v)
    return #text <= 60 and text or text:sub(1, 57) .. '...'
  end
  return 'a ' .. kind
end

return shown
