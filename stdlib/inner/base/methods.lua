-- Methods are called with a colon. One that is called with a dot lacks its object, and takes its first argument for it:
-- that is told by name, before anything goes wrong inside.
local fault = require 'lugger.inner.base.fault'

local methods = {}

local checked = setmetatable({}, { __mode = 'k' }) -- the method behind each that checks

--- Has each method of a class look at its object first.
---@param word string what the object is called in messages
---@param class table<string, function>
---@param meta table|fun(v: any): boolean the metatable of its objects, or what tells them
function methods.check(word, class, meta)
  local is = type(meta) == 'function' and meta or function(v) return getmetatable(v) == meta end
  for name, method in pairs(class) do
    if type(method) == 'function' then
      class[name] = function(self, ...)
        if not is(self) then
          fault.raise('config', ('%s.%s is a method: call it with a colon'):format(word, name),
            ('%s:%s(...)'):format(word, name))
        end
        return method(self, ...)
      end
      checked[class[name]] = method
    end
  end
end

--- The method that was written, of one that checks its object; any other value as it is.
---@param method any
---@return any
function methods.written(method)
  return checked[method] or method
end

return methods
