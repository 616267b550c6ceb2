-- The modules that scripts may require: lugger, the files of stdlib/lugger, and modules beside the script. Inner
-- modules change from version to version.
local fault = require 'lugger.inner.base.fault'
local methods = require 'lugger.inner.base.methods'
local native = require 'lugger.native'

local modules = {}

local raw_require = require
local public ---@type string[]|nil

--- True for a name that can only be one of lugger's modules.
---@param name any
---@return boolean
function modules.is_ours(name)
  return type(name) == 'string' and name:match '^lugger%f[%.%z]' ~= nil
end

--- The names of lugger's modules that scripts may require.
---@return string[]
function modules.public()
  if not public then
    public = { 'lugger' }
    for _, file in ipairs(native.embedded_names('lugger/')) do
      public[#public + 1] = 'lugger.' .. file:match '^lugger/(.*)%.lua$'
    end
    table.sort(public)
  end
  return public
end

--- Refuses a module of lugger that is not for scripts.
---@param name string
function modules.check(name)
  for _, known in ipairs(modules.public()) do
    if known == name then return end
  end
  fault.raise('config', ("lugger has no module '%s'"):format(name),
    'scripts may require ' .. table.concat(modules.public(), ', '))
end

--- `require` for scripts and the prompt.
---@param name string
---@return any
function modules.require(name)
  if modules.is_ours(name) then modules.check(name) end
  return raw_require(name)
end

local raw_ipairs, raw_pairs = ipairs, pairs

local function script_ipairs(v, ...)
  methods.refuse_loop(v, 'ipairs')
  return raw_ipairs(v, ...)
end

local function script_pairs(v, ...)
  methods.refuse_loop(v, 'pairs')
  return raw_pairs(v, ...)
end

--- What a worker has in place of the functions that scripts have: a hook that captured one gets the other.
---@type table<function, string|nil>
modules.plain = { [script_ipairs] = 'ipairs', [script_pairs] = 'pairs' }

--- The globals of scripts and of the modules beside them: the shared ones, except for `require`, and for `ipairs` and
--- `pairs`, which refuse what would be an empty table to them.
modules.environment = setmetatable({ require = modules.require, ipairs = script_ipairs, pairs = script_pairs },
  { __index = _G, __newindex = _G })

return modules
