-- vector.retype: the types of one extension for vectors as those of another.
local fault = require 'lugger.inner.base.fault'

local retype = {}

-- PGVecto.rs' types by pgvector's.
local there = { vector = 'vectors.vector', halfvec = 'vectors.vecf16', sparsevec = 'vectors.svector',
  bit = 'vectors.bvector' } ---@type table<string, string|nil>
local back = { ['vectors.veci8'] = 'vector' } ---@type table<string, string|nil>
for of_pgvector, of_vectors in pairs(there) do back[of_vectors] = of_pgvector end
local types = { vectors = there, vector = back } ---@type table<string, table<string, string|nil>|nil>

--- The columns with the types of `extension`; what is of neither stays.
---@param columns table[]
---@param extension string
---@return table[]
function retype.of(columns, extension)
  local names = types[extension]
  if not names then
    fault.raise('config', ('vector.retype: there is no extension "%s"'):format(tostring(extension)),
      "write 'vectors' for PGVecto.rs, or 'vector' for pgvector")
  end
  local out = {}
  for i, column in ipairs(columns) do
    local one = {}
    for key, value in pairs(column) do one[key] = value end
    local name, length = tostring(one[2]):match '^([^(]*)(.*)$'
    if names[name] then one[2] = names[name] .. length end
    out[i] = one
  end
  return out
end

return retype
