-- Finds in a function's bytecode where it writes to what it captured, and actions whose result it throws away. What
-- cannot be decided from the bytecode alone is left out: frozen.lua watches it in the worker.
local ffi = require 'ffi'
local jit_util = require 'jit.util'

local captured_writes = {}

local band, rshift = bit.band, bit.rshift

local function op_of(code, pc)
  return band(jit_util.funcbc(code, pc) --[[@as integer]], 0xff)
end

-- Opcodes differ between versions of LuaJIT, so they are learned from known functions.
local up
local op = {
  uget = op_of(function() return up end, 1),
  mov = op_of(function(a, b) b = a return b end, 1), -- luacheck: ignore
  gget = op_of(function() return lugger_probe end, 1), -- luacheck: ignore
  tgets = op_of(function(t) return t.a end, 1),
  tgetv = op_of(function(t, k) return t[k] end, 1),
  tgetb = op_of(function(t) return t[1] end, 1),
  call = op_of(function(f) f() end, 2),
  jump = op_of(function(a) if a then return end return 1 end, 2),
}
local sets_upvalue = {
  [op_of(function(v) up = v end, 1)] = true, [op_of(function() up = 'k' end, 1)] = true,
  [op_of(function() up = 5 end, 1)] = true, [op_of(function() up = nil end, 1)] = true,
}
local sets_field = {
  [op_of(function(t) t.a = t end, 1)] = true, [op_of(function(t, k) t[k] = t end, 1)] = true,
  [op_of(function(t) t[1] = t end, 1)] = true,
}
-- Instructions that write several registers from A on.
local writes_many = {
  [op.call] = true,
  [op_of(function(f) f(f()) end, 4)] = true, -- CALLM
  [op_of(function() local a, b return a, b end, 1)] = true, -- luacheck: ignore 221
  [op_of(function(...) local a, b = ... return a, b end, 1)] = true, -- VARG
}

---@param text string
---@param at integer
---@return integer value
---@return integer behind
local function uleb(text, at)
  local out, shift = 0, 1
  repeat
    local byte = text:byte(at) --[[@as integer]]
    out, shift, at = out + byte % 128 * shift, shift * 128, at + 1
  until byte < 128
  return out, at
end

local function skip_numbers(text, at, count)
  for _ = 1, count do
    local _, behind = uleb(text, at)
    at = behind
  end
  return at
end

-- The variables that the function at a place in a dump captures, from 0.
local function captures_of(code, at, stripped)
  local count, list = code:byte(at + 3), {}
  at = skip_numbers(code, at + 4, 2) -- how many constants it has
  local instructions, from = uleb(code, at)
  if not stripped then
    local debug_size
    debug_size, from = uleb(code, from)
    if debug_size > 0 then from = skip_numbers(code, from, 2) end -- its lines
  end
  from = from + instructions * 4
  for i = 0, count - 1 do
    local low, high = code:byte(from + i * 2, from + i * 2 + 1)
    if ffi.abi 'be' then low, high = high, low end
    list[i] = low + high * 256
  end
  return list
end

-- Which variables the functions in a dump capture, in the order of the dump: children before parents. A variable is a
-- register of the parent (0x8000 and more) or one that the parent captures itself.
local function captures_in(code)
  local lists = {}
  local flags, at = uleb(code, 5)
  local stripped = band(flags, 2) ~= 0
  local size ---@type integer
  if not stripped then
    size, at = uleb(code, at)
    at = at + size
  end
  while true do
    size, at = uleb(code, at)
    if size == 0 then return lists end
    lists[#lists + 1] = captures_of(code, at, stripped)
    at = at + size
  end
end

---@return integer|nil op nil behind the last one
---@return integer a
---@return integer b
---@return integer c
---@return integer d
local function decoded(code, pc)
  local word = jit_util.funcbc(code, pc)
  if not word then return nil, 0, 0, 0, 0 end
  return band(word, 0xff), band(rshift(word, 8), 0xff), rshift(word, 24), band(rshift(word, 16), 0xff),
    rshift(word, 16)
end

-- True when a jump from before the instruction `load` leads behind it, up to `use`: the value may come from elsewhere.
local function may_bypass(code, load, use)
  for pc = 1, load - 1 do
    local what, _, _, _, d = decoded(code, pc)
    local target = pc + 1 + d - 0x8000
    if what == op.jump and target > load and target <= use then return true end
  end
  return false
end

local function text_constant(code, index)
  return jit_util.funck(code, -index - 1)
end

local origin ---@type fun(code: any, captured: table, use: integer, register: integer): captured_writes.origin|nil

local function load_of(code, captured, pc, what, b, c, d)
  if what == op.uget then
    local root = captured[d]
    return root and { root = root, keys = {} }
  end
  if what == op.gget then return { global = text_constant(code, d), keys = {} } end
  local from = origin(code, captured, pc, b)
  if not from then return nil end
  from.keys[#from.keys + 1] = what == op.tgets and text_constant(code, c) or what == op.tgetb and c or false
  return from
end

-- Where the value of a register comes from: { root = captured variable } or { global = name }, and the keys that lead
-- from there to it, false for one that is computed. nil: somewhere else, or unknown.
function origin(code, captured, use, register)
  for pc = use - 1, 1, -1 do
    local what, a, b, c, d = decoded(code, pc)
    if not (sets_field[what] or sets_upvalue[what] or what == op.jump) then
      if a == register then
        local is_load = what == op.uget or what == op.gget or what == op.tgets or what == op.tgetv or what == op.tgetb
        if not (is_load or what == op.mov) or may_bypass(code, pc, use) then return nil end
        if what == op.mov then return origin(code, captured, pc, d) end
        return load_of(code, captured, pc, what, b, c, d)
      end
      if writes_many[what] and a <= register then return nil end
    end
  end
end

-- Changing functions of the table library, and rawset.
local changes_first = { insert = true, remove = true, sort = true }

local function changes_argument(callee)
  if callee.global == 'rawset' then return #callee.keys == 0 end
  return callee.global == 'table' and #callee.keys == 1 and changes_first[callee.keys[1]] == true
end

local function look_at(code, captured, see)
  local first_argument = ffi.abi 'gc64' and 2 or 1
  for pc = 1, math.huge do
    local what, a, b = decoded(code, pc)
    if not what then return end
    local function tell(kind, from) see(kind, from, jit_util.funcinfo(code, pc).currentline) end
    if sets_upvalue[what] then
      if captured[a] then tell('variable', { root = captured[a], keys = {} }) end
    elseif sets_field[what] then
      local from = origin(code, captured, pc, b)
      if from then tell('table', from) end
    elseif what == op.call then
      local callee = origin(code, captured, pc, a)
      if callee and callee.root then
        tell('call', callee)
        if b == 1 then tell('lost', callee) end
      end
      local argument = callee and callee.global and changes_argument(callee)
        and origin(code, captured, pc, a + first_argument)
      if argument then tell('table', argument) end
    end
  end
end

-- Gives a function's children their captured variables, and looks at each.
local function walk(code, lists, place, sees)
  local children = {}
  for k = -1, -math.huge, -1 do
    local constant = jit_util.funck(code, k)
    if constant == nil then break end
    if type(constant) == 'proto' then
      place = walk(constant, lists, place, function(captured_of) children[#children + 1] = captured_of end)
    end
  end
  place = place + 1
  local mine = lists[place]
  sees(function(parent, see)
    local captured = {}
    for i, variable in pairs(mine) do
      if not parent then
        captured[i] = i + 1
      elseif variable < 0x8000 then
        captured[i] = parent[band(variable, 0x3fff)]
      end
    end
    look_at(code, captured, see)
    for _, child in ipairs(children) do child(captured, see) end
  end)
  return place
end

---@class captured_writes.origin
---@field root integer|nil
---@field global string|nil
---@field keys any[]
---@alias captured_writes.see fun(kind: "variable"|"table"|"call"|"lost", from: captured_writes.origin, line: integer)

--- Calls `see` for each place in a function, or a function inside it, that sets a captured variable ("variable"),
--- writes to a captured table ("table"), or calls a captured function ("call"), and throws its result away ("lost").
--- `from.root` is the number of the captured variable, or `from.global` the name of a global; `from.keys` is what leads
--- from it to the table or function: false for a computed key.
---@param fn function
---@param code string its dump
---@param see captured_writes.see
function captured_writes.each(fn, code, see)
  walk(fn, captures_in(code), 0, function(root) root(nil, see) end)
end

return captured_writes
