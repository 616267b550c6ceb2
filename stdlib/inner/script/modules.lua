-- The modules that scripts may require: lugger, the files of stdlib/lugger, and modules beside the script. Inner
-- modules change from version to version.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'

local modules = {}

local raw_require = require
local public

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

--- The globals of scripts and of the modules beside them: the shared ones, except for `require`.
modules.environment = setmetatable({ require = modules.require }, { __index = _G, __newindex = _G })

return modules
