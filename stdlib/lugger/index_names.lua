-- Names of translated indexes: one name space a schema in PostgreSQL, one a collection in MongoDB.
local sql_text = require 'lugger.sql_text'

local index_names = {}

local most_name_bytes = 63

--- The name of an index: the table stands in front, folded to lower case so that nobody must quote it, cut to 63 bytes,
--- numbered when it is taken.
---@param taken table<string, boolean> names in use; the new one is added
---@param source_name string
---@param table_name string
---@param warnings string[] what is to be told is added
---@return string
function index_names.make(taken, source_name, table_name, warnings)
  local bare = table_name:match('[^.]+$')
  local wanted = (bare .. '_' .. source_name):gsub('[^%w_\128-\255]+', '_'):gsub('_+$', ''):lower()
  if wanted == bare:lower() then wanted = wanted .. '_idx' end
  local name = sql_text.cut(wanted, most_name_bytes)
  if name ~= wanted then
    warnings[#warnings + 1] = ('its name is cut to %d bytes: %s'):format(most_name_bytes, name)
  end
  local unique, number = name, 1
  while taken[unique] do
    number = number + 1
    local tail = '_' .. number
    unique = sql_text.cut(wanted, most_name_bytes - #tail) .. tail
  end
  if number > 1 then
    warnings[#warnings + 1] = ('the name %s is taken (after folding or cutting): it is called %s'):format(name,
      unique)
  end
  taken[unique] = true
  return unique
end

--- Takes the names that lugger gives to the keys of a mapping's tables.
---@param taken table<string, boolean>
---@param mapping table table, key, children, as in a job
function index_names.reserve(taken, mapping)
  local bare = mapping.table:match('[^.]+$')
  taken[bare .. '_pkey'] = true
  if mapping.key then
    local key = type(mapping.key) == 'table' and table.concat(mapping.key, '_') or mapping.key
    taken[('%s_%s_key'):format(bare, key)] = true
  end
  for _, child in ipairs(mapping.children or {}) do index_names.reserve(taken, child) end
end

return index_names
