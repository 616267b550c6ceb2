-- What a store of vectors takes of another: the columns as it can hold them, and the copies that make it so.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local reading = require 'lugger.inner.store.reading'
local retype = require 'lugger.inner.script.retype'

local writing = {}

local MOST_SPARSE = 1048575

---@class lugger.store.wish
---@field collection string|nil what is read, where the place names none: a table, a class, an index
---@field table string|nil the table, class or index that is written; the name at the source when not given
---@field namespace string|nil only this namespace or tenant; '' is the default one
---@field types table<string, string>|nil of columns that the source does not know: { metadata = 'jsonb' }
---@field metric string|nil how vectors are compared, where the source does not say it
---@field ids "ascii"|"percent"|nil how ids stand in Pinecone
---@field extension "vector"|"vectors"|nil whose types a database gets, where it has both
---@field half boolean|nil halfvec in place of vector
---@field index boolean|nil an index for each dense column
---@field no_tenants boolean|nil into Weaviate: namespaces are a property, and a part of the key

---@class lugger.store.copy
---@field name string
---@field source table<string, any> options
---@field target table<string, any> options
---@field columns table[]
---@field indexes table[]|nil

local function copy_of(column)
  local out = {}
  for key, v in pairs(column) do out[key] = v end
  return out
end

local function is_dense(type)
  return type:find '^vector' ~= nil or type:find '^halfvec' ~= nil
end

-- The same column under another name.
local function renamed(column, name)
  if column[1] == name then return column end
  local out = copy_of(column)
  out[1], out.from = name, column.from or column[1]
  return out
end

-- Columns with the types that were asked for, or that stand there. A name that nothing else has is a member of
-- Pinecone's metadata.
local function typed(from, columns, types)
  local out, there = {}, {} ---@type table[], table<any, boolean>
  for _, column in ipairs(columns) do
    local one, wanted = copy_of(column), types[column[1]]
    if wanted and wanted ~= one[2] then
      one.json_text = (wanted == 'jsonb' or wanted == 'json') and one[2] == 'text' or nil
      one[2] = wanted
    end
    there[one[1] --[[@as string]]], out[#out + 1] = true, one
  end
  local names = {}
  for name in pairs(types) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    if not there[name] and from.members then
      out[#out + 1] = { name, types[name], from = from.members .. name }
    end
  end
  return out
end

-- A sparse vector of PGVecto.rs has fewer dimensions than one of Pinecone may have.
local function short_enough(columns)
  for _, column in ipairs(columns) do
    local dimensions = tonumber(column[2]:match '^vectors%.svector%((%d+)%)$')
    if dimensions and dimensions > MOST_SPARSE then column[2] = ('vectors.svector(%d)'):format(MOST_SPARSE) end
  end
  return columns
end

local function with_half(columns)
  for _, column in ipairs(columns) do
    column[2] = column[2]:gsub('^vector%(', 'halfvec('):gsub('^vectors%.vector%(', 'vectors.vecf16(')
  end
  return columns
end

-- The extension whose types a database has.
local function extension_of(place)
  local session = native.pg(native.pg_url(place), 'vectors', 'detect')
  local found = session:query [[select extname from pg_catalog.pg_extension
    where extname in ('vector', 'vectors') order by 1]].rows
  session:close()
  return found[1] and found[1][1] or 'vector'
end

local function indexes_of(columns, extension)
  local out = {}
  for _, column in ipairs(columns) do
    if is_dense((column[2]:gsub('^vectors%.vecf16', 'halfvec'):gsub('^vectors%.', ''))) then
      out[#out + 1] = { column[1], method = extension == 'vectors' and 'vectors' or 'hnsw' }
    end
  end
  return #out > 0 and out or nil
end

-- A table that stands may call a namespace a tenant, have no column for the only one, and none for all of the metadata.
local function as_it_stands(from, columns, stands)
  local out, division = {}, from.division
  for _, column in ipairs(columns) do
    if column[1] ~= from.rest or stands[from.rest] then out[#out + 1] = column end
  end
  if division and not stands[division[1]] then
    local other = division[1] == 'namespace' and 'tenant' or 'namespace'
    if stands[other] then
      division = renamed(division, other)
    elseif #from.divisions <= 1 then
      division = nil
    end
  end
  return out, division
end

local function into_table(from, place, wish)
  local extension = wish.extension or extension_of(place)
  local name = wish.table or from.name:match '[^.]+$'
  local stands = {} ---@type table<string, string>
  for _, column in ipairs(native.target(place, {}):columns(name)) do stands[column.name] = column.type end
  local columns = short_enough(retype.of(typed(from, from.columns, wish.types or {}), extension))
  if wish.half then columns = with_half(columns) end
  local key, division = { unpack(from.key) }, from.division
  if next(stands) ~= nil then columns, division = as_it_stands(from, columns, stands) end
  if division then
    table.insert(columns, 1, division)
    table.insert(key, 1, division[1])
  end
  columns = typed(from, columns, stands)
  return { { name = '', source = from.options, columns = columns,
    target = { table = name, key = key, on_conflict = 'update' },
    indexes = wish.index and indexes_of(columns, extension) or nil } }
end

-- A URL that says which class or index is meant.
local function names_one(place)
  return place:match '^weaviates?://[^/]*/[^/?]' or place:match '^pinecone://[^/]'
end

-- Names that Weaviate keeps for itself, and those of columns that become text there.
local function for_objects(from, wish)
  local columns, key = {}, {}
  for i, column in ipairs(typed(from, retype.of(from.columns, 'vector'), wish.types or {})) do
    local type = column[2]
    local is_id = #from.key == 1 and from.key[1] == column[1] and type == 'uuid'
    if column[1] == 'id' and not is_id then column = renamed(column, 'doc_id') end
    if type:find '^sparsevec' then column[2] = 'text' end
    columns[i] = column
  end
  for i, name in ipairs(from.key) do
    key[i] = name
    for _, column in ipairs(columns) do
      if column[1] == 'doc_id' and name == 'id' then key[i] = 'doc_id' end
    end
  end
  return columns, key
end

-- Pinecone's own word for the namespace without a name.
local DEFAULT = '__default__'

local function tenant_of(name)
  if name == '' then return DEFAULT end
  if name:find '^[%w_-]+$' and #name <= 64 then return name end
  fault.raise('config', ('"%s" cannot be the name of a tenant: Weaviate takes up to 64 letters, digits, - and _')
    :format(name), '--no-tenants keeps it as a property, which is a part of the key')
end

local function into_class(from, place, wish)
  local columns, key = for_objects(from, wish)
  local name = wish.table or (not names_one(place) and from.name:gsub('[^%w_]', '_')) or nil
  local divided = from.division and not (#from.divisions == 1 and from.divisions[1] == '')
  local target = { table = name, key = key, on_conflict = 'update' }
  if not divided then return { { name = '', source = from.options, columns = columns, target = target } } end
  if wish.no_tenants or #from.divisions == 0 then
    table.insert(columns, 1, from.division)
    table.insert(key, 1, from.division[1])
    return { { name = '', source = from.options, columns = columns, target = target } }
  end
  local out = {}
  for i, division in ipairs(from.divisions) do
    local one = copy_of(target)
    one.tenant = tenant_of(division)
    out[i] = { name = ' ' .. one.tenant, source = reading.options_of(from, division), columns = columns, target = one }
  end
  return out
end

local function into_index(from, place, wish)
  local columns, dense, sparse = {}, 0, 0
  local documents = false
  for i, column in ipairs(typed(from, retype.of(from.columns, 'vector'), wish.types or {})) do
    columns[i] = column
    dense = dense + (is_dense(column[2]) and 1 or 0)
    sparse = sparse + (column[2]:find '^sparsevec' and 1 or 0)
    documents = documents or column.from == '*'
  end
  local key = { unpack(from.key) }
  if from.division then
    table.insert(columns, 1, renamed(from.division, 'namespace'))
    table.insert(key, 1, 'namespace')
  end
  local name = wish.table or (not names_one(place) and from.name:lower():gsub('[^%w-]', '-')) or nil
  local target = { table = name, key = key, on_conflict = 'update', ids = wish.ids }
  if documents or dense > 1 or sparse > 1 then target.documents = true end
  if documents then target.metadata = 'fields' end
  return { { name = '', source = from.options, columns = columns, target = target } }
end

local writers = { postgresql = into_table, weaviate = into_class, pinecone = into_index }

--- The copies that load all that is read into the store at a place: one, or one for each tenant.
---@param from lugger.store.reading
---@param place string resolved
---@param wish lugger.store.wish
---@return lugger.store.copy[]
function writing.copies(from, place, wish)
  local kind = native.place_kind(place).name
  if not writers[kind] then
    fault.raise('config', 'the target is no store of vectors',
      'this script writes to PostgreSQL, Weaviate and Pinecone')
  end
  return writers[kind](from, place, wish)
end

return writing
