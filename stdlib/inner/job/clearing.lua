-- Jobs that delete the rows of a dropped collection: all rows of their tables.
local fault = require 'lugger.inner.base.fault'

local clearing = {}

local function clears(spec)
  local policy = spec.on_ddl
  if type(policy) ~= 'table' then return policy == 'apply' end
  return policy.drop == 'apply' or policy.dropDatabase == 'apply'
end

local function table_of(spec)
  return spec.into.place .. ' ' .. tostring(spec.table or spec.into.options.table or spec.from.options.collection)
end

--- Refuses jobs that would delete the rows of another one.
---@param jobs lugger.job[]
function clearing.check(jobs)
  local users = {} ---@type table<string, integer>
  for _, job in ipairs(jobs) do users[table_of(job.spec)] = (users[table_of(job.spec)] or 0) + 1 end
  for _, job in ipairs(jobs) do
    if clears(job.spec) and users[table_of(job.spec)] > 1 then
      fault.raise('config', ('%s shares its table with another job: a drop cannot be applied to its rows alone')
        :format(job:name()), "on_ddl = { drop = 'warn', dropDatabase = 'warn' }, or leave them out to stop")
    end
  end
end

return clearing
