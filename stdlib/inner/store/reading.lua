-- What a store of vectors gives when all of it is read: the columns of its records, their key, and what divides them (a
-- namespace of Pinecone, a tenant of Weaviate, a column of a table that is called so).
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'

local reading = {}

---@class lugger.store.reading
---@field kind string of the place: "pinecone", "weaviate", "postgresql"
---@field name string the index, class or table
---@field place string
---@field options table<string, any> of its source
---@field columns table[] of everything but the division
---@field key string[] columns
---@field division table|nil the column of it
---@field divisions string[] those that there are, where all of it is read; "" is Pinecone's default namespace
---@field rest string|nil the column that has what no other one has
---@field members string|nil what stands before the name of a column that only a wish or the target knows
---@field info lugger.source_info
---@field ignores "ignore"|nil the id of an object that is made of its properties is no column

-- What pgvector takes: a sparse vector has at most so many dimensions, of which it names those that are not 0.
local SPARSE = 'sparsevec(1000000000)'
local SAMPLE = 1000 -- objects that tell how long the vectors of a class are

-- The names that parts of a source have.
local function divisions_of(source, word)
  local found, seen = {}, {}
  for _, part in ipairs(source:split(1)) do
    local name = part.spec:match(word .. ':(%S*)')
    if name then
      name = name:gsub('%%(%x%x)', function(hex) return string.char(assert(tonumber(hex, 16))) end)
      if not seen[name] then found[#found + 1] = name end
      seen[name] = true
    end
  end
  return found
end

local function of_pinecone(source, info, out)
  -- A document index gives `_namespace`: its documents may have a field called namespace, which is theirs.
  local documents = info.apart_by ~= 'namespace'
  out.division = { 'namespace', 'text', from = info.apart_by }
  out.divisions = divisions_of(source, 'namespace')
  out.key, out.columns = { 'id' }, { { 'id', 'text', from = '_id', id_text = 'plain' } }
  for _, manifest in ipairs(info.manifests) do
    local field = manifest.column
    local name = field == 'values' and 'embedding' or field
    local type = manifest.dimensions > 0 and ('vector(%d)'):format(manifest.dimensions) or SPARSE
    out.columns[#out.columns + 1] = { name, type, from = field }
  end
  out.rest = documents and 'fields' or 'metadata'
  out.columns[#out.columns + 1] = { out.rest, 'jsonb', from = documents and '*' or nil }
  out.members = documents and '' or 'metadata.'
end

local of_property = { text = 'text', string = 'text', int = 'int8', number = 'float8', boolean = 'bool',
  date = 'timestamptz', uuid = 'uuid', blob = 'bytea', object = 'jsonb', geoCoordinates = 'jsonb',
  phoneNumber = 'jsonb' } ---@type table<string, string|nil>

-- The type of a column that holds a property; those that are called as classes are references.
local function type_of_property(type)
  local element = type:match '^(.*)%[%]$'
  if of_property[element or type] then
    local found = of_property[element or type]
    return (element and found ~= 'jsonb') and found .. '[]' or found
  end
  return type:find ',' and 'text[]' or 'uuid[]'
end

local function vectors_of_class(source, taken, out)
  local described = source:describe(SAMPLE).fields
  for _, manifest in ipairs(source:info().manifests) do
    local path = manifest.column
    local name = path:match '^_?vectors%.(.*)$' or 'embedding'
    if name == 'default' then name = 'embedding' end
    local found
    for _, field in ipairs(described) do
      if field.path == path and field.suggests:find '^vector' then found = field.suggests end
    end
    if found or manifest.dimensions > 0 then
      local column = { taken[name] and name .. '_vector' or name, found or ('vector(%d)'):format(manifest.dimensions),
        from = path }
      out.columns[#out.columns + 1] = column
    end
  end
end

local function ids_in_properties(out)
  local columns = {}
  for _, column in ipairs(out.columns) do
    local name = column[1]
    if name == 'doc_id' then
      column[1], column.from = 'id', name
    end
    if not out.division and (name == 'namespace' or name == 'tenant') then
      out.division = column
    else
      columns[#columns + 1] = column
    end
  end
  out.columns, out.ignores = columns, 'ignore'
end

local function of_weaviate(source, info, out)
  local taken = {} ---@type table<string, boolean>
  out.divisions = divisions_of(source, 'tenant')
  out.key = { 'id' }
  for _, property in ipairs(native.target(out.place, { table = info.collection }):columns(info.collection)) do
    taken[property.name] = true
    out.columns[#out.columns + 1] = { property.name, type_of_property(property.type) }
  end
  if #out.divisions > 0 then out.division = { 'tenant', 'text', from = taken.tenant and '_tenant' or nil } end
  -- Of a class that was loaded with other keys than UUIDs, the ids are made of properties.
  if taken.doc_id then
    ids_in_properties(out)
  else
    table.insert(out.columns, 1, { 'id', 'uuid', from = '_id' })
  end
  vectors_of_class(source, taken, out)
end

local KEY = [[select a.attname from pg_catalog.pg_index i, unnest(i.indkey) with ordinality k(n, at),
  pg_catalog.pg_attribute a where i.indrelid = $1::pg_catalog.regclass and i.indisprimary
  and a.attrelid = i.indrelid and a.attnum = k.n order by k.at]]

local function quoted(name)
  return '"' .. name:gsub('"', '""') .. '"'
end

-- The table's name as SQL reads it.
local function table_in_sql(name)
  return name:find '"' and name or (name:gsub('[^.]+', quoted))
end

local function of_table(source, _, out)
  local session = native.pg(native.pg_url(out.place), 'vectors', 'detect')
  local sql_name = table_in_sql(out.options.table)
  local key, all, names = {}, source:columns(), {} ---@type string[], table[], table<string, table>
  for _, row in ipairs(session:query(KEY, { sql_name }).rows) do key[#key + 1] = row[1] end
  if #key == 0 then
    fault.raise('config', ('the table %s has no primary key'):format(out.options.table),
      'a record of a store wants an id: add one, or write a job of your own: lugger help vectors')
  end
  for _, column in ipairs(all) do names[column[1]] = column end
  for _, name in ipairs(key) do
    local divides = (name == 'namespace' or name == 'tenant') and #key > 1 and names[name][2] == 'text'
    if divides and not out.division then
      out.division = names[name]
    else
      out.key[#out.key + 1] = name
    end
  end
  for _, column in ipairs(all) do
    if column ~= out.division then out.columns[#out.columns + 1] = column end
  end
  if out.division then
    local distinct = ('select distinct %s from %s order by 1'):format(quoted(out.division[1]), sql_name)
    for _, row in ipairs(session:query(distinct).rows) do out.divisions[#out.divisions + 1] = row[1] end
  end
  session:close()
  out.options.key = key
end

local readers = { pinecone = of_pinecone, weaviate = of_weaviate, postgresql = of_table }

--- What a store gives.
---@param source lugger.source
---@return lugger.store.reading
function reading.of(source)
  local place = source:resolved()
  local kind = native.place_kind(place).name
  local info = source:info()
  local out = { kind = kind, name = info.collection, place = place, options = source.options, columns = {}, key = {},
    divisions = {}, info = info }
  if not readers[kind] then
    fault.raise('config', ('%s is no store of vectors'):format(info.place),
      'this script reads pinecone://INDEX, weaviate://HOST/Class and tables of PostgreSQL; for others write a job')
  end
  readers[kind](source, info, out)
  return out
end

--- The options of a source that reads one division alone.
---@param from lugger.store.reading
---@param name string
---@return table<string, any>
function reading.options_of(from, name)
  local options = {}
  for key, v in pairs(from.options) do options[key] = v end
  if from.kind == 'pinecone' then
    options.namespace = name
  elseif from.kind == 'weaviate' then
    options.tenant = name
  else
    options.table = nil
    options.query = ('select * from %s where %s = %s'):format(table_in_sql(from.options.table),
      quoted(assert(from.division)[1]), "E'" .. name:gsub('\\', '\\\\'):gsub("'", "''") .. "'")
    options.key = from.key
  end
  return options
end

return reading
