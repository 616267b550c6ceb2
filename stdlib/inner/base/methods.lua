-- Checks that methods are called with a colon. Called with a dot, a method takes its first argument for its object;
-- this raises an error that names the method before anything goes wrong inside.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'

local methods = {}

local checked = setmetatable({}, { __mode = 'k' }) -- the original method, by the checking one

--- Makes each method of a class check its object first.
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

--- Makes it an error to read a method that a class does not have; the error names the nearest one.
---@param word string
---@param class table<string, function>
function methods.strict(word, class)
  setmetatable(class, { __index = function(_, name)
    fault.raise('config', ('a value of type %s has no method "%s"'):format(word, tostring(name)),
      fault.near(name, class))
  end })
end

--- Makes a checked method of one argument refuse a second.
---@param word string
---@param class table<string, function>
---@param name string
---@param hint string
function methods.take_one(word, class, name, hint)
  local method = class[name]
  class[name] = function(self, argument, second)
    if second ~= nil then fault.raise('config', ('%s:%s takes one argument'):format(word, name), hint) end
    return method(self, argument)
  end
  checked[class[name]] = checked[method]
end

--- Raises for a name that something does not have, with the nearest that it has.
---@param holder string what was asked: "job"
---@param name string
---@param known string[]
---@param how string the form of a name in the hint: "job:%s"
---@return never
function methods.no_name(holder, name, known, how)
  table.sort(known)
  local near = native.system.nearest(name, known)
  fault.raise('config', ('%s has no "%s"'):format(holder, name), near and near ~= ''
    and ('did you mean %s?'):format(how:format(near)) or ('`lugger help %s` lists what it has'):format(holder))
end

--- What lugger itself asks of whatever a script returned: jobs, fixes and tasks have some of it each.
methods.of_work = { 'is_fix', 'spec', 'plan', 'preview', 'trace', 'shape', 'preflight', 'verify', 'repair', 'rejects' }

--- Checks the methods of a class, and makes reading a name that neither an object nor its class has an error. It costs
--- nothing where the name is found.
---@param word string what the object is called in messages
---@param class table<string, function>
---@param meta table|fun(v: any): boolean as for check
---@param fields string[]|nil what may be nil
function methods.close(word, class, meta, fields)
  methods.check(word, class, meta)
  local may_be_nil = {}
  for _, name in ipairs(fields or {}) do may_be_nil[name] = true end
  setmetatable(class, { __index = function(_, name)
    if type(name) ~= 'string' or may_be_nil[name] then return nil end
    local known = {}
    for one, member in pairs(class) do
      if type(member) == 'function' then known[#known + 1] = one end
    end
    methods.no_name(word, name, known, word .. ':%s')
  end })
end

local joined = { string = true, number = true, cdata = true }

--- `..` for values: what tostring gives, joined. Null and nil are refused, as Lua refuses nil.
---@param a any
---@param b any
---@return string
function methods.concat(a, b)
  if not (joined[type(a)] and joined[type(b)]) then
    local other = a
    if joined[type(a)] then other = b end
    fault.raise('hook', ('a value cannot be joined with %s by ..'):format(
      type(other) == 'userdata' and tostring(other) or 'a ' .. type(other)), 'compare with nil and lugger.null first')
  end
  return tostring(a) .. tostring(b)
end

--- The original method of one that checks its object; any other value is returned unchanged.
---@param method any
---@return any
function methods.written(method)
  return checked[method] or method
end

return methods
