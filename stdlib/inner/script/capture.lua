-- Sends functions to workers by value: as bytecode with captured values.
local action = require 'lugger.inner.script.action'
local buffer = require 'string.buffer'
local captured_values = require 'lugger.inner.script.captured_values'
local captured_writes = require 'lugger.inner.script.captured_writes'
local codec = require 'lugger.inner.base.codec'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
local frozen = require 'lugger.inner.script.frozen'
local global_names = require 'lugger.inner.script.global_names'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'
local shared = require 'lugger.inner.script.shared'
local prelude = require 'lugger.inner.base.prelude'
local value = require 'lugger.inner.base.value'
local script_modules = require 'lugger.inner.script.modules'

local capture = {}

local dump = string.dump -- a sandbox removes it from scripts

-- The sandbox of an environment; usually none.
local function sandbox_of(environment)
  local sandbox = package.loaded['lugger.inner.script.sandbox']
  return sandbox and sandbox.active and sandbox.is_environment(environment) and sandbox or nil
end

-- Objects that exist in every state under the same name: modules, and the functions in them.
local function named()
  local modules, members = {}, {}
  for name, module in pairs(package.loaded) do
    if type(module) == 'table' then
      modules[module] = name
      for key, member in pairs(module) do
        if type(key) == 'string' and type(member) == 'function' and not members[member] then
          local info = assert(debug.getinfo(member, 'S'))
          if info.what == 'C' or info.source:match('^@lugger') then members[member] = { name, key } end
        end
      end
    end
  end
  return modules, members
end

local function kind_of(v)
  local kind = type(v)
  if kind == 'userdata' or kind == 'table' then
    local text = tostring(v):match('^lugger%.native%.(%a+)') or (getmetatable(v) or {}).__name
    if text == 'pg' or text == 'db' then return 'a connection' end
    if text then return 'a ' .. text end
  end
  if kind == 'cdata' then
    local word = codec.type(v)
    return 'a ' .. (word == 'cdata' and tostring(ffi.typeof(v)):match 'lug_script_(%a+)' or word)
  end
  if io.type(v) then return 'a file' end
  return kind == 'thread' and 'a coroutine' or 'a ' .. kind
end

---@return never
local function refuse(state, path, what, hint)
  error(native.error('config', ('hook `%s` captures `%s` (%s)'):format(state.label, path, what),
    hint or 'hooks run in worker threads: they may capture nil, booleans, numbers, text, values of documents, '
      .. 'coercers, rows of a query, plain and shared tables, functions and required modules'), 0)
end

local pack ---@type fun(state: table, v: any, path: string, called: boolean|nil): integer

local most_levels, most_path = 1000, 60

-- A table in a table, and a function that another one has captured, go one level deeper.
local function go_deeper(state, path)
  state.level = state.level + 1
  if state.level <= most_levels then return end
  local begin = #path > most_path and path:sub(1, most_path) .. '...' or path
  refuse(state, begin, ('a table nested deeper than %d levels'):format(most_levels),
    'lugger.json.decode(lugger.json.encode(t)) makes a document of a table, and documents may be captured; a list '
      .. 'linked from element to element is better kept as { first, second, ... }')
end

-- The query's own module, when something of it has been loaded at all.
local function sql_result()
  return package.loaded['lugger.inner.sql.result']
end

-- What a table is apart from its keys and values.
local function describe_table(state, t, path)
  local columns = sql_result() and sql_result().columns(t)
  if columns then
    sql_result().plain_row(t)
    return { k = 'row', columns = pack(state, columns, path) }
  end
  local result = sql_result() and sql_result().outline(t)
  if result then return { k = 'result', outline = result } end
  if frozen.is_scratch(t) then return { k = 'table', scratch = true } end
  local mark = marks.mark(t)
  if getmetatable(t) ~= nil and not mark then
    refuse(state, path, getmetatable(t).__name and kind_of(t) or 'a table with a metatable')
  end
  local order = mark == 'document' and marks.order(t) or nil
  return { k = 'table', mark = mark, order = order and #order > 0 and order or nil, hidden = marks.hidden(t) }
end

local function pack_table(state, t, path)
  local node = describe_table(state, t, path) ---@type table<string, any>
  node.keys, node.values = {}, {}
  local id, outside = state.add(t, node), state.in_scratch
  go_deeper(state, path)
  state.in_scratch = outside or node.scratch or false
  node.of = not state.in_scratch and state.variable or nil
  for key, v in next, t do
    if type(key) == 'cdata' then
      refuse(state, path, 'a table with a key of type ' .. codec.type(key),
        'a key of this kind is never found again: t[lugger.key(v)], where it is set and where it is read')
    end
    local name = path .. (type(key) == 'string' and '.' .. key or '[' .. tostring(key) .. ']')
    node.keys[#node.keys + 1] = pack(state, key, name)
    node.values[#node.values + 1] = pack(state, v, name)
  end
  state.in_scratch, state.level = outside, state.level - 1
  return id
end

-- At the prompt a function's globals are in the prompt's environment. They are sent like captured locals; members of
-- lugger are available by their bare names.
local function check_globals(state, code, node, environment, called)
  global_names.each(code, function(name, sets)
    if sets then
      error(native.error('config', ('hook `%s` sets the global `%s`'):format(state.label, name), frozen.hint), 0)
    end
  end)
  global_names.each(code, function(name)
    local own = environment and rawget(environment, name)
    if state.sandbox and state.sandbox.has_global(name) then
      return -- every sandbox has it, also that of the worker
    elseif own ~= nil then
      state.variable = name
      node.env[name] = pack(state, own, name, called)
    elseif not prelude.globals[name] and not (environment and environment[name] ~= nil) then
      local message = ('hook `%s` uses the global `%s`, which workers do not have'):format(state.label, name)
      error(native.error('config', message,
        'make it local before the function: a captured local travels along'), 0)
    end
  end)
end

local actions = { [action.skip] = 'skip', [action.reject] = 'reject', [action.route] = 'route' }

-- What keys lead to from a value, as far as they are known; and whether a table of lugger.scratch is on the way.
local function follow(v, keys)
  for _, key in ipairs(keys) do
    if frozen.is_scratch(v) then return v, true end
    if type(v) ~= 'table' then return nil, false end
    if not key then -- any of its values
      for _, one in next, v do
        if frozen.is_scratch(one) then return one, true end
      end
      return v, false
    end
    v = rawget(v, key)
  end
  return v, frozen.is_scratch(v)
end

-- The variable that a write begins with, what it holds, and what makes it the worker's own.
local function root_of(fn, from)
  if from.root then
    local name, v = debug.getupvalue(fn, from.root)
    return name, v, ', which it has captured'
  end
  local name = from.global
  return name, getfenv(fn)[name], prelude.globals[name] and ', of which each worker has its own' or ''
end

local function name_of_call(name, keys)
  local out = name
  for _, key in ipairs(keys) do out = out .. (type(key) == 'string' and '.' .. key or '[...]') end
  return out
end

-- Refuses what the bytecode of a function says for certain: each worker would keep what it writes for itself. `through`
-- is the function of a module of the script's own that the hook calls, and that leads here.
local function check_writes(state, fn, code, through)
  local file = assert(debug.getinfo(fn, 'S')).short_src
  local who = through and ('hook `%s` calls `%s`, which'):format(state.label, through)
    or ('hook `%s`'):format(state.label)
  captured_writes.each(fn, code, function(kind, from, line)
    local name, root, whose = root_of(fn, from)
    local v, is_scratch = follow(root, from.keys)
    local message, hint = nil, frozen.hint ---@type string|nil, string|nil
    if kind == 'call' then
      local owner = state.by_module[root]
      local of_module = through or owner and state.modules[owner]
      if of_module and type(v) == 'function' and not state.looked_at[v] then
        local info = assert(debug.getinfo(v, 'S'))
        state.looked_at[v] = true
        if info.what ~= 'C' and not info.source:match '^@lugger' then
          check_writes(state, v, dump(v), through or name_of_call(name, from.keys))
        end
      end
    elseif kind == 'lost' then
      local word = actions[v]
      message = word and ('%s calls lugger.%s and does not return it'):format(who, word)
      hint = word and ('write: return lugger.%s(...)'):format(word)
    elseif kind == 'variable' then
      message = ('%s sets `%s`, which it has captured'):format(who, name)
    elseif type(root) == 'table' and not is_scratch then
      message = ('%s writes to `%s`%s'):format(who, name, whose)
    end
    if message then
      error(native.error('config', message, hint, nil, { script = ('%s:%d'):format(file, line) }), 0)
    end
  end)
end

-- `called`: the hook calls the function as far as one can tell; a function in a table may be there for others.
local function pack_function(state, fn, path, called)
  local info = assert(debug.getinfo(fn, 'Su'))
  if info.what == 'C' then refuse(state, path, 'a function written in C') end
  local environment = getfenv(fn) ---@type table|nil
  if environment == _G or environment == script_modules.environment then environment = nil end
  state.sandbox = state.sandbox or sandbox_of(environment)
  local ours = info.source:match '^@lugger' ~= nil
  local node = { k = 'function', code = dump(fn), up = {}, env = environment and {} }
  local id = state.add(fn, node)
  go_deeper(state, path)
  check_globals(state, fn, node, environment, called)
  if called and not ours then check_writes(state, fn, node.code) end
  for i = 1, info.nups do
    local name, v = debug.getupvalue(fn, i)
    local cell = debug.upvalueid(fn, i)
    if not state.cells[cell] then
      state.cell_count = state.cell_count + 1
      state.cells[cell] = state.cell_count
    end
    name = name ~= '' and name or ('upvalue ' .. i)
    state.variable = name
    node.up[i] = { cell = state.cells[cell], id = pack(state, v, name, called), name = not ours and name or nil }
  end
  state.level = state.level - 1
  return id
end

-- Modules that every state can require; a script's own modules are sent as text.
local standard = { ffi = true, jit = true, ['jit.util'] = true, ['string.buffer'] = true, argparse = true, _G = true }
local function required_by_name(state, name)
  return name == 'lugger' or name:match('^lugger%.') or prelude.globals[name] or standard[name] or state.modules[name]
end

function pack(state, v, path, called)
  if v == nil then return 0 end
  local kind = type(v)
  if state.ids[v] then return state.ids[v] end
  if kind == 'boolean' or kind == 'number' or kind == 'string' then return state.add(nil, { k = 'value', v = v }) end
  if v == value.null then return state.add(nil, { k = 'null' }) end
  if v == value.remove then return state.add(nil, { k = 'remove' }) end
  if kind == 'cdata' then
    if shared.is(v) then
      state.shared[#state.shared + 1] = v
      return state.add(nil, { k = 'shared', place = #state.shared })
    end
    local node = captured_values.of_cdata(v)
    return node and state.add(nil, node) or refuse(state, path, kind_of(v))
  end
  if kind == 'table' then
    local name = state.by_module[v] or state.sandbox and state.sandbox.module_name(v)
    if name and required_by_name(state, name) then return state.add(v, { k = 'module', name = name }) end
    local node = captured_values.of_object(v)
    return node and state.add(v, node) or pack_table(state, v, path)
  end
  if kind == 'function' then
    local plain, member = script_modules.plain[v], state.by_member[v]
    if plain then return state.add(v, { k = 'member', module = '_G', name = plain }) end
    if member then return state.add(v, { k = 'member', module = member[1], name = member[2] }) end
    return pack_function(state, v, path, called)
  end
  refuse(state, path, kind_of(v))
end

--- Packs a function for capture.unpack in another state. Error{config} names a value that cannot be sent.
---@param fn function
---@param label string what the function is called in messages: "map"
---@param modules table<string, string>|nil text of the script's own modules, by name
---@return { text: string, shared: lugger.shared_table[] }
function capture.pack(fn, label, modules)
  local nodes = {}
  local state = { label = label, ids = {}, modules = modules or {}, cells = {}, cell_count = 0,
    shared = {}, looked_at = {}, level = 0 }
  state.by_module, state.by_member = named()
  function state.add(key, node)
    nodes[#nodes + 1] = node
    if key ~= nil then state.ids[key] = #nodes end
    return #nodes
  end
  local root = pack(state, fn, label, true)
  local text = buffer.encode({ root = root, nodes = nodes, modules = modules or {},
    now = require('lugger.inner.base.clock').text(), sandboxed = state.sandbox ~= nil })
  return { text = text, shared = state.shared }
end

-- Reading: makers by kind. Functions and tables may refer to each other, so they are created first and filled later.
local makers = {
  row = function() return {} end,
  result = function(node) return require('lugger.inner.sql.result').of_outline(node.outline) end,
  module = function(node, sandbox) return sandbox and sandbox.module(node.name) or require(node.name) end,
  member = function(node) return require(node.module)[node.name] end,
  table = function(node)
    if node.hidden then
      local hidden = node.hidden
      if node.mark == 'array' then return marks.array({}, hidden.types, hidden.element) end
      return marks.document({}, node.order or {}, hidden.types)
    end
    if node.mark == 'array' then return document.array {} end
    if node.mark then return document.document({}, node.order) end
    return {}
  end,
}
for kind, make in pairs(captured_values.makers) do makers[kind] = make end

local function fill_table(node, t, made)
  for i = 1, #node.keys do rawset(t, made[node.keys[i]], made[node.values[i]]) end
  if node.k == 'row' then require('lugger.inner.sql.result').as_row(t, made[node.columns]) end
end

local function fill_function(node, fn, made, cells)
  for i, up in ipairs(node.up) do
    local known = cells[up.cell]
    if known then
      debug.upvaluejoin(fn, i, known.fn, known.i)
    else
      debug.setupvalue(fn, i, made[up.id])
      cells[up.cell] = { fn = fn, i = i }
      if up.name then frozen.watch(fn, i, made[up.id], up.name) end
    end
  end
end

local function fill(packed, made, sandbox)
  local cells = {}
  local confined = sandbox and sandbox.environment(function() end)
  local prompt = setmetatable({}, { __index = confined or function(_, name)
    local member = rawget(require 'lugger', name)
    if member ~= nil then return member end
    return _G[name]
  end })
  for id, node in ipairs(packed.nodes) do
    if node.keys then
      fill_table(node, made[id], made)
    elseif node.k == 'function' then
      if node.env then debug.setfenv(made[id], prompt) end
      for name, from in pairs(node.env or {}) do prompt[name] = made[from] end
      fill_function(node, made[id], made, cells)
    end
  end
  for id, node in ipairs(packed.nodes) do
    if node.of then frozen.freeze(made[id], node.of) end
  end
  frozen.watch_modules()
  frozen.freeze_globals(_G)
  if confined then frozen.freeze_globals(confined) end
end

--- The function that capture.pack has packed.
---@param text string
---@param undump fun(code: string): function
---@param now string|nil what lugger.now() gives; else the instant of the packing
---@param tables userdata[] shared tables that the function has captured
---@return function
function capture.unpack(text, undump, now, tables)
  local packed = buffer.decode(text) --[[@as table]]
  shared.enter_worker()
  for name, source in pairs(packed.modules) do
    local chunk_name = '@' .. name:gsub('%.', '/') .. '.lua'
    package.preload[name] = function(...)
      frozen.module_begins()
      local chunk, err = loadstring(source, chunk_name)
      if not chunk then error(err, 0) end
      local module = chunk(...)
      frozen.module_ends(name, module)
      return module
    end
  end
  require('lugger.inner.base.clock').set(now or packed.now)
  local made = {}
  local sandbox = packed.sandboxed and require 'lugger.inner.script.sandbox' or nil ---@type table|nil
  if sandbox then sandbox.confine_state() end
  for id, node in ipairs(packed.nodes) do
    if node.k == 'function' then
      made[id] = undump(node.code)
    elseif node.k == 'shared' then
      made[id] = shared.captured(tables[node.place])
    else
      made[id] = makers[node.k](node, sandbox)
    end
  end
  fill(packed, made, sandbox)
  return made[packed.root]
end

return capture
