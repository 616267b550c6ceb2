-- Errors that name the line of the script that caused them, however deep in lugger they are raised.
local native = require 'lugger.native'

local fault = {}

--- The nearest line outside lugger: "users.lua:12". A script that ends with `return lugger.copy { ... }` is a tail call
--- without a line; then this is the name of the script.
---@return string|nil
function fault.where()
  for level = 3, 60 do
    local info = debug.getinfo(level, 'Sl')
    if not info or info.source:match('^@lugger/inner/script/script%.lua') then
      local context = require('lugger.inner.script.script').context()
      return context and context.name
    end
    local ours = info.what == 'C' or info.source:match('^@lugger')
    if not ours and info.currentline > 0 then
      return ('%s:%d'):format(info.short_src, info.currentline)
    end
  end
end

--- Raises an error object with the line in its notes.
---@param code string
---@param message string
---@param hint string|nil
---@return never
function fault.raise(code, message, hint)
  error(native.error(code, message, hint, nil, { script = fault.where() }), 0)
end

--- Raises unless a value is nil, or a whole number of at least `least`.
---@param name string of the option: "batch_rows"
---@param v any
---@param least integer
function fault.check_whole(name, v, least)
  if v == nil or type(v) == 'number' and v >= least and v == math.floor(v) and v <= 2 ^ 53 then return end
  fault.raise('config', ('%s must be a whole number from %d, not %s'):format(name, least, tostring(v)))
end

--- A hint for a name that is not known: the nearest known one; else what `otherwise` says, or all of them, a list in
--- its order.
---@param name any
---@param known string[]|table<string, any> a list of names, or a table with them as keys
---@param otherwise string|false|nil when no name is near; false: then there is no hint
---@param form string|nil of the name in the hint: "job:%s"
---@return string|nil hint
function fault.near(name, known, otherwise, form)
  local names = {}
  for key, v in pairs(known) do names[#names + 1] = type(key) == 'string' and key or v end
  table.sort(names)
  local near = native.system.nearest(tostring(name), names)
  if near then return ('did you mean %s?'):format((form or '%s'):format(near)) end
  if otherwise == nil then return 'it has ' .. table.concat(#known > 0 and known or names, ', ') end
  return otherwise or nil
end

--- Raises for a key that is not one of `known`, and names the nearest known key.
---@param holder string what has the keys: "a migration"
---@param given table|nil
---@param known string[]
function fault.check_keys(holder, given, known)
  local is_known = {}
  for _, key in ipairs(known) do is_known[key] = true end
  for key in pairs(given or {}) do
    if not is_known[key] then
      fault.raise('config', ('%s does not know the key "%s"'):format(holder, tostring(key)), fault.near(key, known))
    end
  end
end

return fault
