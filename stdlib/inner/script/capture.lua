-- Sends functions to workers by value: as bytecode with captured values.
local buffer = require 'string.buffer'
local document = require 'lugger.inner.base.document'
local ffi = require 'ffi'
local global_names = require 'lugger.inner.script.global_names'
local marks = require 'lugger.inner.base.marks'
local native = require 'lugger.native'
local prelude = require 'lugger.inner.base.prelude'
local regex = require 'lugger.inner.base.regex'
local value = require 'lugger.inner.base.value'
local environment_of_scripts = require('lugger.inner.script.modules').environment

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
          local info = debug.getinfo(member, 'S')
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
  return kind == 'thread' and 'a coroutine' or 'a ' .. kind
end

local function refuse(state, path, what, hint)
  error(native.error('config', ('hook `%s` captures `%s` (%s)'):format(state.label, path, what),
    hint or 'hooks run in worker threads: they may capture nil, booleans, numbers, text, plain tables, '
      .. 'functions and required modules'), 0)
end

local pack

local function pack_table(state, t, path)
  local mark = marks.mark(t)
  if getmetatable(t) ~= nil and not mark then
    refuse(state, path, getmetatable(t).__name and kind_of(t) or 'a table with a metatable')
  end
  local order = mark == 'document' and marks.order(t) or nil
  local node = { k = 'table', mark = mark, order = order and #order > 0 and order or nil,
    hidden = marks.hidden(t), keys = {}, values = {} }
  local id = state.add(t, node)
  for key, v in pairs(t) do
    local name = path .. (type(key) == 'string' and '.' .. key or '[' .. tostring(key) .. ']')
    node.keys[#node.keys + 1] = pack(state, key, name)
    node.values[#node.values + 1] = pack(state, v, name)
  end
  return id
end

-- At the prompt a function's globals are in the prompt's environment. They are sent like captured locals; members of
-- lugger are available by their bare names.
local function check_globals(state, code, node, environment)
  global_names.each(code, function(name)
    local own = environment and rawget(environment, name)
    if state.sandbox and state.sandbox.has_global(name) then
      return -- every sandbox has it, also that of the worker
    elseif own ~= nil then
      node.env[name] = pack(state, own, name)
    elseif not prelude.globals[name] and not (environment and environment[name] ~= nil) then
      local message = ('hook `%s` uses the global `%s`, which workers do not have'):format(state.label, name)
      error(native.error('config', message,
        'make it local before the function: a captured local travels along'), 0)
    end
  end)
end

local function pack_function(state, fn, path)
  if debug.getinfo(fn, 'S').what == 'C' then refuse(state, path, 'a function written in C') end
  local environment = debug.getfenv(fn)
  if environment == _G or environment == environment_of_scripts then environment = nil end
  state.sandbox = state.sandbox or sandbox_of(environment)
  local node = { k = 'function', code = dump(fn), up = {}, env = environment and {} }
  local id = state.add(fn, node)
  check_globals(state, fn, node, environment)
  for i = 1, debug.getinfo(fn, 'u').nups do
    local name, v = debug.getupvalue(fn, i)
    local cell = debug.upvalueid(fn, i)
    if not state.cells[cell] then
      state.cell_count = state.cell_count + 1
      state.cells[cell] = state.cell_count
    end
    node.up[i] = { cell = state.cells[cell], id = pack(state, v, name ~= '' and name or ('upvalue ' .. i)) }
  end
  return id
end

local texts = { objectid = tostring, uuid = tostring, decimal = tostring, date = tostring }

local function pack_cdata(state, v, path)
  if ffi.istype('int64_t', v) then return state.add(nil, { k = 'value', v = v }) end
  for name, text in pairs(texts) do
    if ffi.istype(value.ctypes[name], v) then return state.add(nil, { k = name, text = text(v) }) end
  end
  if ffi.istype(value.ctypes.binary, v) then
    return state.add(nil, { k = 'binary', text = v:bytes(), subtype = v.subtype })
  end
  if ffi.istype(value.ctypes.own, v) then
    return state.add(nil, { k = 'document', text = document.to_bson(v), array = v.lug_array_ == 1 })
  end
  if ffi.istype(value.ctypes.vector, v) then
    return state.add(nil, { k = 'vector', text = ffi.string(v.data, v.size * 4) })
  end
  refuse(state, path, 'a ' .. tostring(ffi.typeof(v)))
end

-- Modules that every state can require; a script's own modules are sent as text.
local standard = { ffi = true, jit = true, ['jit.util'] = true, ['string.buffer'] = true, argparse = true, _G = true }
local function required_by_name(state, name)
  return name == 'lugger' or name:match('^lugger%.') or prelude.globals[name] or standard[name] or state.modules[name]
end

function pack(state, v, path)
  if v == nil then return 0 end
  local kind = type(v)
  if state.ids[v] then return state.ids[v] end
  if kind == 'boolean' or kind == 'number' or kind == 'string' then return state.add(nil, { k = 'value', v = v }) end
  if v == value.null then return state.add(nil, { k = 'null' }) end
  if v == value.remove then return state.add(nil, { k = 'remove' }) end
  if kind == 'cdata' then return pack_cdata(state, v, path) end
  local pattern, flags = regex.parts(v)
  if pattern then return state.add(v, { k = 'regex', text = pattern, flags = flags }) end
  if kind == 'table' then
    local name = state.by_module[v] or state.sandbox and state.sandbox.module_name(v)
    if name and required_by_name(state, name) then return state.add(v, { k = 'module', name = name }) end
    return pack_table(state, v, path)
  end
  if kind == 'function' then
    local member = state.by_member[v]
    if member then return state.add(v, { k = 'member', module = member[1], name = member[2] }) end
    return pack_function(state, v, path)
  end
  refuse(state, path, kind_of(v))
end

--- Packs a function for capture.unpack in another state. Error{config} names a value that cannot be sent.
---@param fn function
---@param label string what the function is called in messages: "map"
---@param modules table<string, string>|nil text of the script's own modules, by name
---@return string
function capture.pack(fn, label, modules)
  local nodes = {}
  local state = { label = label, ids = {}, modules = modules or {}, cells = {}, cell_count = 0 }
  state.by_module, state.by_member = named()
  function state.add(key, node)
    nodes[#nodes + 1] = node
    if key ~= nil then state.ids[key] = #nodes end
    return #nodes
  end
  local root = pack(state, fn, label)
  return buffer.encode({ root = root, nodes = nodes, modules = modules or {},
    now = require('lugger.inner.base.clock').text(), sandboxed = state.sandbox ~= nil })
end

-- Reading: makers by kind. Functions and tables may refer to each other, so they are created first and filled later.
local makers = {
  value = function(node) return node.v end,
  null = function() return value.null end,
  remove = function() return value.remove end,
  objectid = function(node) return value.objectid(node.text) end,
  uuid = function(node) return value.uuid(node.text) end,
  decimal = function(node) return value.decimal(node.text) end,
  date = function(node) return value.date(node.text) end,
  binary = function(node) return value.binary(node.text, node.subtype) end,
  regex = function(node) return regex.new(node.text, node.flags) end,
  vector = function(node)
    local out = value.ctypes.vector(#node.text / 4)
    out.size = #node.text / 4
    ffi.copy(out.data, node.text, #node.text)
    return out
  end,
  document = function(node) return document.from_bson(node.text, node.array) end,
  module = function(node, sandbox) return sandbox and sandbox.module(node.name) or require(node.name) end,
  member = function(node) return require(node.module)[node.name] end,
  table = function(node)
    if node.hidden then
      local hidden = node.hidden
      if node.mark == 'array' then return marks.array({}, hidden.types, hidden.element) end
      return marks.document({}, node.order or {}, hidden.types)
    end
    if node.mark then return document[node.mark]({}, node.order) end
    return {}
  end,
}

local function fill(packed, made, sandbox)
  local cells = {}
  local confined = sandbox and sandbox.environment(function() end)
  local prompt = setmetatable({}, { __index = confined or function(_, name)
    local member = rawget(require 'lugger', name)
    if member ~= nil then return member end
    return _G[name]
  end })
  for id, node in ipairs(packed.nodes) do
    if node.k == 'table' then
      for i = 1, #node.keys do made[id][made[node.keys[i]]] = made[node.values[i]] end
    elseif node.k == 'function' then
      if node.env then debug.setfenv(made[id], prompt) end
      for name, from in pairs(node.env or {}) do prompt[name] = made[from] end
      for i, up in ipairs(node.up) do
        local known = cells[up.cell]
        if known then
          debug.upvaluejoin(made[id], i, known.fn, known.i)
        else
          debug.setupvalue(made[id], i, made[up.id])
          cells[up.cell] = { fn = made[id], i = i }
        end
      end
    end
  end
end

--- The function that capture.pack has packed.
---@param text string
---@param undump fun(code: string): function
---@param now string|nil what lugger.now() gives; else the instant of the packing
---@return function
function capture.unpack(text, undump, now)
  local packed = buffer.decode(text)
  for name, source in pairs(packed.modules) do
    local chunk_name = '@' .. name:gsub('%.', '/') .. '.lua'
    package.preload[name] = function(...) return assert(loadstring(source, chunk_name))(...) end
  end
  require('lugger.inner.base.clock').set(now or packed.now)
  local made, sandbox = {}, packed.sandboxed and require 'lugger.inner.script.sandbox' or nil
  if sandbox then sandbox.confine_state() end
  for id, node in ipairs(packed.nodes) do
    made[id] = node.k == 'function' and undump(node.code) or makers[node.k](node, sandbox)
  end
  fill(packed, made, sandbox)
  return made[packed.root]
end

return capture
