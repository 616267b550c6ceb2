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
frozen.on_refuse = nil ---@type nil|fun()

---@return never
local function refuse(message)
  local tell = frozen.on_refuse --[[@as nil|fun()]]
  if tell then tell() end
  error(native.error('hook', message, frozen.hint, nil, { script = require('lugger.inner.base.fault').where() }), 0)
end

---@return never
local function refuse_table(name)
  return refuse(('the hook writes to `%s`, which it has captured'):format(name))
end

-- Metatables of read-only tables, by the metatable they had and the captured variable.
local metas, plain = {}, {} ---@type table<table, table<string, table|nil>>, table

local function meta_of(meta, name)
  metas[meta] = metas[meta] or {}
  local known = metas[meta][name]
  if known then return known end
  local own = { __newindex = function() refuse_table(name) end }
  for key, v in pairs(meta) do own[key] = own[key] or v end
  metas[meta][name] = own
  return own
end

-- Lua tells only new keys. Values, lengths and variables are compared after each batch; of large tables a part, and of
-- the largest the length alone, since what is compared takes as much memory again.
local kSmall, kAll, kPart, kLarge = 64, 512, 8192, 262144
---@type table<integer, table>, table<integer, table>, table<integer, table>, integer, integer
local tables, large, variables, watched, held = {}, {}, {}, 0, 0

local function is_same(now, before)
  return rawequal(now, before) or now ~= now and before ~= before
end

local function watch_table(t, name)
  local values, count = {}, 0
  for key, v in next, t do
    values[key], count = v, count + 1
    if held + count > kLarge then break end
  end
  local one = { t = t, name = name, values = values, count = count, length = #t }
  if count <= kSmall and watched + count <= kAll then
    watched = watched + count
    tables[#tables + 1] = one
  elseif held + count <= kLarge then
    held = held + count
    large[#large + 1] = one
  elseif #t > 0 and #tables < kAll then
    one.values = {}
    tables[#tables + 1] = one
  end
end

--- Makes a captured table read only; `name` is the captured variable that it belongs to.
---@param t table
---@param name string
function frozen.freeze(t, name)
  setmetatable(t, meta_of(getmetatable(t) or plain, name))
  watch_table(t, name)
end

local libraries = {}

---@return never
local function refuse_library(name)
  return refuse(('the hook writes to `%s`, of which each worker has its own'):format(name))
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

-- Modules of the script's own

-- What is loaded, and not watched yet: a module may be completed by another one while both are loaded.
local loaded, loading, started = {}, 0, false

--- A module begins to be loaded.
function frozen.module_begins()
  loading = loading + 1
end

--- It is there. What the hook itself loads is watched from then on.
---@param name string
---@param module any
function frozen.module_ends(name, module)
  loading = loading - 1
  loaded[#loaded + 1] = { name = name, module = module }
  if started and loading == 0 then frozen.watch_modules() end
end

local seen, level, most_levels = {}, 0, 200

local function is_ours(fn)
  local info = assert(debug.getinfo(fn, 'S'))
  return info.what == 'C' or info.source:match '^@lugger' ~= nil
end

-- Objects of lugger may keep something for themselves, which changes no result.
local function is_object_of_ours(t)
  for _, member in next, getmetatable(t) or plain do
    if type(member) == 'function' and is_ours(member) then return true end
  end
  return false
end

local watch_value ---@type fun(v: any, name: string, others: table<table, boolean>)

local function watch_table_of(t, name, others)
  if frozen.is_scratch(t) or others[t] or is_object_of_ours(t) then return end
  local meta = getmetatable(t)
  if meta == nil or meta.lugger_mark then setmetatable(t, meta_of(meta or plain, name)) end
  watch_table(t, name)
  for _, v in next, t do watch_value(v, name, others) end
  if meta then watch_value(meta, name, others) end
end

local function watch_function_of(fn, name, others)
  if is_ours(fn) then return end
  for place = 1, assert(debug.getinfo(fn, 'u')).nups do
    local id = debug.upvalueid(fn, place)
    if not seen[id] then
      seen[id] = true
      local variable, v = debug.getupvalue(fn, place)
      if type(v) ~= 'function' then frozen.watch(fn, place, v, ('%s` of the module `%s'):format(variable, name)) end
      watch_value(v, name, others)
    end
  end
end

function watch_value(v, name, others)
  local kind = type(v)
  if (kind ~= 'table' and kind ~= 'function') or seen[v] then return end
  if level == most_levels then return end
  seen[v], level = true, level + 1
  if kind == 'table' then watch_table_of(v, name, others) else watch_function_of(v, name, others) end
  level = level - 1
end

--- Watches the modules that were loaded since: what lies in their tables, and what their functions have captured.
function frozen.watch_modules()
  local list, others = loaded, {}
  loaded, loading, started = {}, 0, true
  for _, module in pairs(#list > 0 and package.loaded or {}) do
    if type(module) == 'table' then others[module] = true end
  end
  for _, one in ipairs(list) do
    if type(one.module) == 'table' then others[one.module] = nil end
    watch_value(one.module, one.name, others)
  end
end

local function check_part(one)
  local key, before = one.count > kPart and one.at or nil, nil -- luacheck: ignore 311
  for _ = 1, kPart do
    key, before = next(one.values, key)
    if key == nil then break end
    if not is_same(rawget(one.t, key), before) then refuse_table(one.name) end
  end
  one.at = key
end

--- Raises if something captured has been changed since.
function frozen.check()
  for i = 1, #variables do
    local one = variables[i]
    local _, now = debug.getupvalue(one.fn, one.place)
    if not is_same(now, one.v) then refuse(('the hook sets `%s`, which it has captured'):format(one.name)) end
  end
  for i = 1, #large do
    if #large[i].t ~= large[i].length then refuse_table(large[i].name) end
    check_part(large[i])
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
jit.off(check_part)
jit.off(is_same)

return frozen
