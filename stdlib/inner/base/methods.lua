-- Checks that methods are called with a colon. Called with a dot, a method takes its first argument for its object;
-- this raises an error that names the method before anything goes wrong inside.
local fault = require 'lugger.inner.base.fault'

local methods = {}

local checked = setmetatable({}, { __mode = 'k' }) -- the original method, by the checking one

-- How one goes over what is no table, for who tries it with # , ipairs or pairs. These see no metatable of a table, so
-- scripts have an ipairs and a pairs of their own (inner/script/modules.lua).
local loops = {
  query = 'for doc in query do ... end; query:count() counts, query:list() makes a list',
  rejects = 'for reject in job:rejects() do ... end; rejects:count() counts, rejects:list() makes a list',
  source = 'for doc in source:find() do ... end; source:collections() lists what it has',
  cursor = 'for batch in cursor:batches() do for doc in batch:docs() do ... end end',
  db = "for row in db:each 'select ...' do ... end; db:query 'select ...' gives a list",
}

--- Raises for a loop over, or the length of, an object that is no table to the script. Nothing for other values.
---@param v any
---@param what string "ipairs"
function methods.refuse_loop(v, what)
  if type(v) == 'function' then
    fault.raise('config', ('%s wants a table, not a function'):format(what),
      'an iterator stands alone: for row in db:each(...) do ... end')
  end
  local kind = type(v)
  local meta = (kind == 'table' or kind == 'userdata') and debug.getmetatable(v)
  if type(meta) ~= 'table' then return end
  if rawget(meta, 'lugger_columns') and what == 'ipairs' then
    fault.raise('config', 'ipairs cannot go over the row of a query', 'its values have names: row.name, or pairs(row)')
  end
  local word = rawget(meta, 'lugger_word')
  if not word then return end
  local thing = word == 'rejects' and 'the rejects of a job' or 'a ' .. word
  fault.raise('config', (what == '#' and '%s: %s has no length' or '%s cannot go over %s'):format(what, thing),
    loops[word] or ('`help %s` lists what it has'):format(word))
end

--- Makes each method of a class check its object first.
---@param word string what the object is called in messages
---@param class table
---@param meta table|fun(v: any): boolean the metatable of its objects, or what tells them
function methods.check(word, class, meta)
  local is = type(meta) == 'function' and meta or function(v) return getmetatable(v) == meta end
  if type(meta) == 'table' then meta.lugger_word = word end
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

--- Makes a checked method of one argument refuse a second.
---@param word string
---@param class table
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

-- Raises for a name that something does not have, with the nearest that it has. `how`: the form of a name in the hint.
---@return never
local function no_name(word, class, name, how)
  local known = {}
  for one, member in pairs(class) do
    if type(member) == 'function' then known[#known + 1] = one end
  end
  return fault.raise('config', ('%s has no "%s"'):format(word, tostring(name)),
    fault.near(name, known, ('`lugger help %s` lists what it has'):format(word), how))
end

--- Makes it an error to read a name that a class does not have.
---@param word string what the object is called in messages
---@param class table
function methods.strict(word, class)
  setmetatable(class, { __index = function(_, name) no_name(word, class, name, word .. ':%s') end })
end

--- Makes it an error to read a name that a module does not have.
---@generic T: table
---@param name string "lugger.text"
---@param module T
---@return T
function methods.module(name, module)
  return setmetatable(module, { __index = function(_, one)
    if type(one) == 'string' then no_name(name, module, one, name .. '.%s') end
  end })
end

--- What lugger itself asks of whatever a script returned: jobs, fixes and tasks have some of it each.
methods.of_work = { 'is_fix', 'spec', 'plan', 'preview', 'trace', 'shape', 'preflight', 'verify', 'repair', 'rejects' }

--- Checks the methods of a class, and makes reading a name that neither an object nor its class has an error. It costs
--- nothing where the name is found.
---@param word string what the object is called in messages
---@param class table
---@param meta table|fun(v: any): boolean as for check
---@param fields string[]|nil what may be nil
function methods.close(word, class, meta, fields)
  methods.check(word, class, meta)
  local may_be_nil = {}
  for _, name in ipairs(fields or {}) do may_be_nil[name] = true end
  setmetatable(class, { __index = function(_, name)
    if type(name) ~= 'string' or may_be_nil[name] then return nil end
    no_name(word, class, name, word .. ':%s')
  end })
end

---@type table<string, boolean>
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
