-- What a hook has captured, and the globals, stay as they were in a worker. Each worker has copies of its own, so what
-- one of them kept there would depend on the number of workers.
local native = require 'lugger.native'

local frozen = {}

frozen.hint = 'each worker has its own copy, so results would depend on -j. Against doubles: key and on_conflict; to '
  .. 'count: the reasons of lugger.skip, or SQL after the load; for a cache that no result depends on: lugger.scratch()'

local scratch_mark = { __name = 'scratch' }

--- A table of each worker's own, for what no result depends on: a cache. `first` is what it begins with.
---@param first table|nil
---@return table
function frozen.scratch(first)
  if first ~= nil and (type(first) ~= 'table' or getmetatable(first) ~= nil) then
    error(native.error('config', 'lugger.scratch wants a plain table, or nothing'), 0)
  end
  return setmetatable(first or {}, scratch_mark)
end

--- True for a table of lugger.scratch in the state of the script.
---@param v any
---@return boolean
function frozen.is_scratch(v)
  return type(v) == 'table' and getmetatable(v) == scratch_mark
end

-- For hook.lua: called before an error that ends the run, whatever on_hook_error says.
frozen.on_refuse = nil ---@type fun()|nil

---@return never
local function refuse(message)
  if frozen.on_refuse then frozen.on_refuse() end
  error(native.error('hook', message, frozen.hint, nil, { script = require('lugger.inner.base.fault').where() }), 0)
end

---@return never
local function refuse_table(name)
  refuse(('the hook writes to `%s`, which it has captured'):format(name))
end

-- Metatables of read-only tables, by the metatable they had and the captured variable.
local metas, plain = {}, {}

local function meta_of(meta, name)
  metas[meta] = metas[meta] or {}
  local known = metas[meta][name]
  if known then return known end
  local own = { __newindex = function() refuse_table(name) end }
  for key, v in pairs(meta) do own[key] = own[key] or v end
  metas[meta][name] = own
  return own
end

-- Lua tells only new keys. Values of small tables, lengths and variables are compared after each batch.
local kSmall, kAll = 64, 512
local tables, variables, watched = {}, {}, 0

local function is_same(now, before)
  return rawequal(now, before) or now ~= now and before ~= before
end

--- Makes a captured table read only; `name` is the captured variable that it belongs to.
---@param t table
---@param name string
function frozen.freeze(t, name)
  setmetatable(t, meta_of(getmetatable(t) or plain, name))
  local values, count = {}, 0
  for key, v in next, t do
    values[key], count = v, count + 1
    if count > kSmall then break end
  end
  if count <= kSmall and watched + count <= kAll then
    watched = watched + count
    tables[#tables + 1] = { t = t, name = name, values = values, length = #t }
  elseif #t > 0 and #tables < kAll then
    tables[#tables + 1] = { t = t, name = name, values = {}, length = #t }
  end
end

local libraries = {}

---@return never
local function refuse_library(name)
  refuse(('the hook writes to `%s`, of which each worker has its own'):format(name))
end

--- Makes globals read only, and the libraries among them.
---@param globals table<string, any>
function frozen.freeze_globals(globals)
  for name, t in next, globals do
    if type(t) == 'table' and getmetatable(t) == nil then
      local values = {}
      for key, v in next, t do values[key] = v end
      libraries[#libraries + 1] = { t = t, name = name, values = values }
      setmetatable(t, { __newindex = function() refuse_library(name) end })
    end
  end
end

local function check_library(one)
  for key, v in next, one.values do
    if not is_same(rawget(one.t, key), v) then refuse_library(one.name) end
  end
  for key in next, one.t do -- new ones, by rawset
    if one.values[key] == nil then refuse_library(one.name) end
  end
end

--- Watches a captured variable.
---@param fn function that has captured it
---@param place integer
---@param v any
---@param name string
function frozen.watch(fn, place, v, name)
  if #variables < kAll then variables[#variables + 1] = { fn = fn, place = place, v = v, name = name } end
end

--- Raises if something captured has been changed since.
function frozen.check()
  for i = 1, #variables do
    local one = variables[i]
    local _, now = debug.getupvalue(one.fn, one.place)
    if not is_same(now, one.v) then refuse(('the hook sets `%s`, which it has captured'):format(one.name)) end
  end
  for i = 1, #tables do
    local one = tables[i]
    if #one.t ~= one.length then refuse_table(one.name) end
    for key, v in next, one.values do
      if not is_same(rawget(one.t, key), v) then refuse_table(one.name) end
    end
  end
  for i = 1, #libraries do check_library(libraries[i]) end
end

-- LuaJIT does not compile debug.getupvalue, and would try it, and what is called beside it, for each batch.
jit.off(frozen.check)
jit.off(check_library)
jit.off(is_same)

return frozen
