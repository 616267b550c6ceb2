-- Names of translated indexes. In PostgreSQL they share one namespace with the tables of a schema; in MongoDB each
-- collection has its own.
local names = require 'lugger.inner.base.names'
local native = require 'lugger.native'

local index_names = {}

local function bare_of(table_name)
  return (table_name:gsub('^[^.]*%.', '', 1))
end

--- The name of an index: the table comes first; in lower case, so that it needs no quotes; at most 63 bytes; with a
--- number if the name is taken.
---@param taken lugger.names.set names in use; the new one is added
---@param source_name string
---@param table_name string
---@param warnings string[] what is to be told is added
---@return string
function index_names.make(taken, source_name, table_name, warnings)
  local bare = bare_of(table_name)
  local wanted = (bare .. '_' .. source_name):gsub('[^%w_\128-\255]+', '_'):gsub('_+$', ''):lower()
  if wanted == '' then wanted = 'idx' end -- both names are only punctuation
  if not native.system.is_utf8(wanted) then wanted = wanted:gsub('[\128-\255]', '_') end
  if wanted == bare:lower() then wanted = wanted .. '_idx' end
  local name = native.sql.fitted_name(wanted)
  if name ~= wanted then
    warnings[#warnings + 1] = ('its name has %d bytes, PostgreSQL takes 63: it is called %s'):format(#wanted, name)
  end
  local unique, number = name, 1
  while taken[unique:lower()] do
    number = number + 1
    unique = native.sql.fitted_name(wanted, '_' .. number)
  end
  if number > 1 then
    warnings[#warnings + 1] = ('the name %s is taken (after folding or shortening): it is called %s'):format(name,
      unique)
  end
  taken[unique:lower()] = 'an index of ' .. table_name
  return unique
end

--- Reserves the names of a mapping's tables, and those that lugger gives to their keys.
---@param taken lugger.names.set
---@param mapping table table, key, children, as in a job
function index_names.reserve(taken, mapping)
  local bare = bare_of(mapping.table)
  taken[bare:lower()] = mapping.table
  for _, key in ipairs(names.of_keys(bare)) do taken[key:lower()] = 'a key of ' .. mapping.table end
  if mapping.key then
    local key = type(mapping.key) == 'table' and table.concat(mapping.key, '_') or mapping.key
    taken[native.sql.fitted_name(bare .. '_' .. key, '_key'):lower()] = 'a key of ' .. mapping.table
  end
  for _, child in ipairs(mapping.children or {}) do index_names.reserve(taken, child) end
end

return index_names
