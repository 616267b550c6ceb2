-- Finds the globals that a function reads and sets, from its bytecode: LuaJIT has no other way.
local jit_util = require 'jit.util'

local global_names = {}

-- Opcodes differ between versions, so they are learned from two known functions.
local function bytecode_of(name)
  ---@diagnostic disable-next-line: global-in-non-module -- the bytecode of setting a global is wanted
  local code = name == 'get' and function() return lugger_probe end or function() lugger_probe = 1 end -- luacheck: ignore
  for pc = 1, 4 do
    local instruction = jit_util.funcbc(code, pc)
    local d = bit.rshift(instruction or 0, 16)
    if instruction and jit_util.funck(code, -d - 1) == 'lugger_probe' then return bit.band(instruction, 0xff) end
  end
end
local op_get, op_set = bytecode_of 'get', bytecode_of 'set'

--- Calls `see` for each global that the function, or a function inside it, uses.
---@param code function
---@param see fun(name: string, sets: boolean)
function global_names.each(code, see)
  for pc = 1, math.huge do
    local instruction = jit_util.funcbc(code, pc)
    if not instruction then break end
    local op = bit.band(instruction, 0xff)
    if op == op_get or op == op_set then
      see(jit_util.funck(code, -bit.rshift(instruction, 16) - 1), op == op_set)
    end
  end
  for k = -1, -math.huge, -1 do
    local constant = jit_util.funck(code, k)
    if constant == nil then break end
    if type(constant) == 'proto' then global_names.each(constant, see) end
  end
end

return global_names
