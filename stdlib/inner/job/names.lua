-- The default names of jobs without a table of their own, and name conflicts between the jobs of one script. Tables and
-- indexes share a namespace in a schema. Without this check, a table with the same name as another table's key would be
-- refused only after that other table is loaded.
local fault = require 'lugger.inner.base.fault'
local names = require 'lugger.inner.base.names'
local native = require 'lugger.native'

local job_names = {}

local longest = 60 -- bytes of the tables in a name; beyond, a digest of them stands for the rest

-- "v1, v2" of a route: jobs that write into other tables have other ledgers and rejects.
local function routed(route)
  local list, seen = {}, {}
  local function add(table_name)
    if type(table_name) ~= 'string' or seen[table_name] then return end
    seen[table_name] = true
    list[#list + 1] = table_name
  end
  for _, table_name in pairs(type(route.tables) == 'table' and route.tables or {}) do add(table_name) end
  add(route.otherwise)
  table.sort(list)
  local text = table.concat(list, ', ')
  if #text <= longest then return text end
  return ('%s and %d more (%s)'):format(list[1], #list - 1, native.system.sha256(text):sub(1, 8))
end

--- The name of a job that has none and no table either. nil: it has a table, and is named by that.
---@param spec table
---@return string|nil
function job_names.default(spec)
  local target = spec.into.options
  if spec.name or spec.table or target.table then return nil end
  local name = ('%s -> %s'):format(tostring(spec.from):sub(#'source ' + 1), tostring(spec.into):sub(#'target ' + 1))
  local tables = type(spec.route) == 'table' and routed(spec.route) or ''
  return tables == '' and name or name .. ' ' .. tables
end

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

-- Where the ledger of a job is. nil: not known, as for a task.
local function ledger_of(job)
  local into = job.spec and job.spec.into
  if not into then return nil end
  local options = into.options
  return table.concat({ into.place, options.state or '', options.state_schema or '' }, '\0')
end

-- The ledger knows a job by its name: of two with one name, the second would take over runs and rejects of the first.
local function check_own_names(jobs)
  local seen = {}
  for _, job in ipairs(jobs) do
    local known, name = pcall(job.name, job) -- a place that is not set is told when it is used
    if known then
      local ledger = ledger_of(job)
      for _, other in ipairs(seen[name] or {}) do
        if not ledger or not other.ledger or ledger == other.ledger then
          fault.raise('config', ('two jobs of the script have the name %s'):format(name),
            "give each its own: name = '...'. Runs and rejects are kept by it")
        end
      end
      seen[name] = seen[name] or {}
      table.insert(seen[name], { ledger = ledger })
    end
  end
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

--- Refuses a script with two jobs of one name, or whose jobs create a table and a key with the same name.
---@param jobs table[]
function job_names.check(jobs)
  check_own_names(jobs)
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
