-- Name conflicts between the jobs of one script. Tables and indexes share a namespace in a schema. Without this check,
-- a table with the same name as another table's key would be refused only after that other table is loaded.
local fault = require 'lugger.inner.base.fault'
local names = require 'lugger.inner.base.names'

local job_names = {}

local function tables_of(spec, out)
  local own = spec.table or spec.into and spec.into.options.table
  if type(own) == 'string' then out[#out + 1] = own end
  if type(spec.route) == 'table' then
    for _, table_name in pairs(type(spec.route.tables) == 'table' and spec.route.tables or {}) do
      out[#out + 1] = table_name
    end
    out[#out + 1] = spec.route.otherwise
  end
  for _, child in ipairs(type(spec.children) == 'table' and spec.children or {}) do
    if type(child) == 'table' then tables_of(child, out) end
  end
  return out
end

-- "sales." and "users" of "sales.users".
local function split(table_name)
  local schema, bare = table_name:match('^([^.]*%.)(.*)$')
  return schema or '', bare or table_name
end

--- Refuses a table beside a route that does not lead to it: nothing would be written there.
---@param spec table of lugger.copy or task:writer
---@param target lugger.target
function job_names.check_route(spec, target)
  local own, route = spec.table or target.options.table, spec.route
  if type(own) ~= 'string' or type(route) ~= 'table' then return end
  local tables = type(route.tables) == 'table' and route.tables or {}
  if next(tables) == nil and route.otherwise == nil or route.otherwise == own then return end
  for _, one in pairs(tables) do
    if one == own then return end
  end
  fault.raise('config', ('the table %s is none of those that the route leads to'):format(own), route.otherwise == nil
    and ("for what has no table of its own: route = { ..., otherwise = '%s' }"):format(own)
    or ("leave table = '%s' out: the route names the tables"):format(own))
end

--- Refuses a script whose jobs create a table and a key with the same name.
---@param jobs table[]
function job_names.check(jobs)
  local tables, all = {}, {}
  for _, job in ipairs(jobs) do
    local spec = type(job) == 'table' and job.spec
    if spec and spec.into then
      for _, table_name in ipairs(tables_of(spec, {})) do
        local place = tostring(spec.into.place) .. '\0'
        if type(table_name) == 'string' then
          tables[place .. table_name] = true
          all[#all + 1] = { place = place, name = table_name }
        end
      end
    end
  end
  for _, item in ipairs(all) do
    local schema, bare = split(item.name)
    for _, key in ipairs(names.of_keys(bare)) do
      if tables[item.place .. schema .. key] then
        fault.raise('config', ('the table %s has the name that the key of %s gets'):format(schema .. key, item.name),
          'give one of the tables another name')
      end
    end
  end
end

return job_names
