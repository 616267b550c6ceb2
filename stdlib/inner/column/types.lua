-- Types of columns, spelled with their schemas, and the expression that makes a value of one type one of another.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'

local types = {}

---@class lugger.column_type
---@field oid string
---@field schema string
---@field name string
---@field family "pgvector"|"vectors"|"plain" whose type it is
---@field bare string SQL, with its schema, without a length
---@field spelled string SQL, with its schema and its length
---@field send string|nil the function that gives its binary form
---@field storage string "p": values are never moved out of the row

local found_sql = [[SELECT t.oid::text AS oid, n.nspname::text AS schema, t.typname::text AS name,
    CASE WHEN e.extname = 'vector' THEN 'pgvector' WHEN n.nspname = 'vectors' THEN 'vectors' ELSE 'plain' END AS family,
    pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(t.typname)) AS bare,
    (SELECT pg_catalog.concat(pg_catalog.quote_ident(m.nspname), '.', pg_catalog.quote_ident(p.proname))
      FROM pg_proc p JOIN pg_namespace m ON m.oid = p.pronamespace WHERE p.oid = t.typsend) AS send,
    t.typstorage::text AS storage
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
  LEFT JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
  WHERE ]]

---@param row table
---@return lugger.column_type
local function plain(row)
  local out = {} ---@type table
  for _, name in ipairs { 'oid', 'schema', 'name', 'family', 'bare', 'send', 'storage' } do out[name] = row[name] end
  return out --[[@as lugger.column_type]]
end

--- The type with an OID.
---@param db lugger.migration_db
---@param oid string
---@return lugger.column_type
function types.of(db, oid)
  local one = plain(db:query(found_sql .. 't.oid = $1::text::oid', oid)[1])
  one.spelled = one.bare
  return one
end

-- A name that several schemas have could mean another type in each session.
local function check_one(db, name, one)
  local rows = db:query(found_sql .. "t.typname = $1 AND t.typtype IN ('b', 'd', 'e') ORDER BY n.nspname", name)
  if #rows < 2 or one and one.schema == 'pg_catalog' then return rows[1] and plain(rows[1]) end
  local list = {}
  for i, row in ipairs(rows) do list[i] = row.bare end
  config.raise(('%s is the name of several types: %s'):format(name, table.concat(list, ', ')),
    'write it with its schema')
end

-- The library of PGVecto.rs is loaded when the server starts, or not at all.
local function preload_hint(db)
  local loaded = db:value "SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries'"
  if loaded and loaded:find('vectors', 1, true) then
    return 'CREATE EXTENSION vectors makes the types of PGVecto.rs, in a schema of that name'
  end
  return ("PGVecto.rs must stand in shared_preload_libraries%s, which wants a restart of the server; then CREATE "
    .. 'EXTENSION vectors'):format(loaded and (" (now '%s')"):format(loaded) or '')
end

--- The type that a text names. The search path of the session finds it, or nobody else has its name.
---@param db lugger.migration_db
---@param text string as SQL: "halfvec(1536)"
---@return lugger.column_type
function types.named(db, text)
  local base, length = text:match '^%s*(.-)%s*(%b())%s*$'
  base = base or text:match '^%s*(.-)%s*$' or ''
  local oid = db:value('SELECT pg_catalog.to_regtype($1)::oid::text', base)
  local one = oid and types.of(db, oid)
  if not base:find('.', 1, true) and base:match '^[%w_]+$' then
    one = check_one(db, base:lower(), one) or one
  end
  if not one then
    config.raise(('there is no type %s in this database'):format(base),
      base:lower():find '^vectors%.' and preload_hint(db)
      or 'write it with its schema; a type of an extension needs CREATE EXTENSION first')
  end
  one.spelled = one.schema == 'pg_catalog' and text or one.bare .. (length or '')
  return one
end

-- The two extensions for vectors have no casts between their types: both know arrays of float4.
local real = 'pg_catalog.float4[]'
local bits = 'pg_catalog.string_to_array(%s::pg_catalog.text, NULL)::' .. real

---@type table<string, string|nil>
local to_real = {
  ['pgvector.vector'] = '%s::' .. real, ['pgvector.halfvec'] = '%s::{vector}.vector::' .. real,
  ['plain.bit'] = bits, ['plain.varbit'] = bits, ['plain._float4'] = '%s', ['plain._float8'] = '%s::' .. real,
  ['vectors.vector'] = '%s::' .. real,
}

---@type table<string, string|nil>
local of_real = {
  ['pgvector.vector'] = '%s::{vector}.vector', ['pgvector.halfvec'] = '%s::{vector}.halfvec',
  ['plain.bit'] = 'pg_catalog.array_to_string(%s, \'\')::pg_catalog."bit"',
  ['plain.varbit'] = 'pg_catalog.array_to_string(%s, \'\')::pg_catalog.varbit', ['plain._float4'] = '%s',
  ['vectors.vector'] = '%s::vectors.vector',
}
for _, name in ipairs { 'vecf16', 'svector', 'bvector', 'veci8' } do
  to_real['vectors.' .. name] = '%s::vectors.vector::' .. real
  of_real['vectors.' .. name] = '%s::vectors.vector::vectors.' .. name
end

-- Sparse vectors go by their text: pgvector counts elements from 1, PGVecto.rs from 0. Both list them in order.
local sparse = [[(SELECT pg_catalog.concat('{', pg_catalog.string_agg(pg_catalog.concat(
    pg_catalog.split_part(p.e, ':', 1)::pg_catalog.int4 OPERATOR(pg_catalog.%s) 1, ':',
    pg_catalog.btrim(pg_catalog.split_part(p.e, ':', 2))), ',' ORDER BY p.n), '}/', pg_catalog.split_part(s.t, '/', 2))
  FROM (SELECT {value}::pg_catalog.text AS t) AS s LEFT JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(
    nullif(pg_catalog.btrim(pg_catalog.split_part(s.t, '/', 1), '{} '), ''), ',')) WITH ORDINALITY AS p (e, n) ON true
  WHERE s.t IS NOT NULL GROUP BY s.t)]]

local pairs_by_text = {
  ['pgvector.sparsevec vectors.svector'] = sparse:format '-' .. '::vectors.svector',
  ['vectors.svector pgvector.sparsevec'] = sparse:format '+' .. '::{vector}.sparsevec',
}

local function filled(text, value, schema)
  local name = native.sql.name(schema)
  return (text:gsub('{vector}', function() return name end):gsub('%%s', function() return value end)
    :gsub('{value}', function() return value end))
end

--- The SQL that makes a value of type `from` one of type `to`. The column's length is checked when it is assigned.
---@param from lugger.column_type
---@param to lugger.column_type
---@param value string SQL
---@return string
function types.cast(from, to, value)
  local a, b = from.family .. '.' .. from.name, to.family .. '.' .. to.name
  local schema = from.family == 'pgvector' and from.schema or to.schema
  if (from.family == 'vectors') ~= (to.family == 'vectors') then
    local by_text = pairs_by_text[a .. ' ' .. b]
    if by_text then return filled(by_text, value, schema) end
    local first, last = to_real[a], of_real[b]
    if first and last then return filled(last, filled(first, value, schema), schema) end
  end
  if from.family == 'vectors' and to.family == 'vectors' and from.name ~= 'vector' and to.name ~= 'vector' then
    return ('%s::vectors.vector::%s'):format(value, to.bare)
  end
  return ('%s::%s'):format(value, to.bare)
end

--- The SQL whose value is the same for two values only when they are the same to the last bit.
---@param type lugger.column_type
---@param value string SQL
---@return string
function types.image(type, value)
  return type.send and ('%s(%s)'):format(type.send, value) or ('(%s)::pg_catalog.text'):format(value)
end

--- Raises unless the server can make one type of the other, before anything is changed.
---@param db lugger.migration_db
---@param from lugger.column_type
---@param to lugger.column_type
---@param hint string
function types.check_cast(db, from, to, hint)
  local value = types.cast(from, to, ('(NULL::%s)'):format(from.bare))
  local ok, err = pcall(db.query, db, ('SELECT (%s)::%s IS NULL'):format(value, to.bare)) ---@type boolean, any
  if ok then return end
  config.raise(('%s does not become %s: %s'):format(from.bare, to.bare, tostring(err.message or err)), hint)
end

return types
