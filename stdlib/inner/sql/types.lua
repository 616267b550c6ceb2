-- The types of parameters and columns as far as they decide how a value is written or read. What is not built in is
-- looked up, once a session.
local types = {}

---@class lugger.sql.type
---@field kind "plain"|"json"|"array"|"vector"|"bytea"|"uuid"
---@field oid integer of what values are read by: a domain's is that of its base type
---@field name string for messages: "text", "jsonb", "integer[]"
---@field element lugger.sql.type|nil of an array

local kinds = { [114] = 'json', [3802] = 'json', [17] = 'bytea', [2950] = 'uuid' }
local names = { [16] = 'boolean', [17] = 'bytea', [20] = 'bigint', [21] = 'smallint', [23] = 'integer', [25] = 'text',
  [26] = 'oid', [114] = 'json', [700] = 'real', [701] = 'double precision', [1042] = 'character', [1043] = 'varchar',
  [1082] = 'date', [1114] = 'timestamp', [1184] = 'timestamptz', [1186] = 'interval', [1700] = 'numeric',
  [2950] = 'uuid', [3802] = 'jsonb' }
-- Arrays: their OID, and that of their elements.
local elements = { [1000] = 16, [1001] = 17, [1016] = 20, [1005] = 21, [1007] = 23, [1009] = 25, [1028] = 26,
  [199] = 114, [1021] = 700, [1022] = 701, [1014] = 1042, [1015] = 1043, [1182] = 1082, [1115] = 1114, [1185] = 1184,
  [1187] = 1186, [1231] = 1700, [2951] = 2950, [3807] = 3802 }

---@type table<integer, lugger.sql.type|nil>
local known = {}
for oid, name in pairs(names) do known[oid] = { kind = kinds[oid] or 'plain', oid = oid, name = name } end
for oid, element in pairs(elements) do
  local one = known[element] --[[@as lugger.sql.type]]
  known[oid] = { kind = 'array', oid = oid, name = one.name .. '[]', element = one }
end

local text = known[25] --[[@as lugger.sql.type]]

local lookup = [[
select t.typname, t.typtype, t.typcategory, t.typelem, t.typbasetype, pg_catalog.format_type(t.oid, null)
  from pg_catalog.pg_type t where t.oid = $1::pg_catalog.oid]]

local vectors = { vector = true, halfvec = true, vecf16 = true }

local function found(oid, row, of)
  local base, element = tonumber(row[5]), tonumber(row[4])
  if row[2] == 'd' and base ~= 0 then
    local inner = of(base)
    return { kind = inner.kind, oid = inner.oid, name = row[6], element = inner.element }
  end
  if row[3] == 'A' and element ~= 0 then
    return { kind = 'array', oid = oid, name = row[6], element = of(element) }
  end
  return { kind = vectors[row[1]] and 'vector' or 'plain', oid = oid, name = row[6], type_name = row[1] }
end

--- The type of an OID.
---@param oid integer
---@param kept table<integer, lugger.sql.type|nil> what the session looked up before
---@param look fun(sql: string, parameter: string): any[]|nil the first row; nil where nothing can be asked
---@return lugger.sql.type
function types.of(oid, kept, look)
  local one = known[oid] or kept[oid]
  if one then return one end
  local row = look(lookup, ('%d'):format(oid))
  if not row then return text end
  one = found(oid, row, function(inner) return types.of(inner, kept, look) end)
  kept[oid] = one
  return one
end

--- The types of text, of an array of texts and of JSON.
types.text, types.any_array, types.any_json = text, known[1009], known[3802]

return types
