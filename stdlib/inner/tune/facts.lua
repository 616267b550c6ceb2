-- What is tuned: the column, its type, how it is searched, and the indexes it has.
local config = require 'lugger.inner.cli.config'
local fault = require 'lugger.inner.base.fault'
local flags = require 'lugger.inner.cli.flags'
local native = require 'lugger.native'
local sql = native.sql
local tonumber = tonumber --[[@as fun(text: any): number]]

local facts = {}

---@class lugger.tune.index
---@field name string
---@field method string
---@field opclass string its bare name
---@field options string as PostgreSQL keeps them: "m=16,ef_construction=64"
---@field expression string what it orders by, as SQL

---@class lugger.tune.facts
---@field oid string
---@field schema string
---@field table string
---@field quoted string the table as SQL
---@field column string
---@field type string "vector", "halfvec", "sparsevec", "bit"
---@field vectors string the schema of the extension, as SQL
---@field vectors_schema string the same as it is named
---@field dimensions integer
---@field rows number by the server's estimate, or counted
---@field bytes number of a value
---@field version integer of pgvector: 806 for 0.8.6
---@field columns string[] all columns of the table
---@field indexes lugger.tune.index[] of the column, by distance
---@field metric string
---@field method string of its index; "hnsw" without one
---@field leaves string[] the partitions that hold the rows, as SQL; none: it is no partitioned table

local table_sql = [[SELECT c.oid, n.nspname, c.relname, c.reltuples::int8, c.relkind::text
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = pg_catalog.to_regclass($1)]]

local column_sql = [[SELECT t.typname, n.nspname, a.atttypmod,
    (SELECT pg_catalog.string_agg(b.attname, E'\n') FROM pg_attribute b WHERE b.attrelid = a.attrelid AND b.attnum > 0
      AND NOT b.attisdropped)
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace n ON n.oid = t.typnamespace
  WHERE a.attrelid = $1::oid AND a.attname = $2 AND a.attnum > 0 AND NOT a.attisdropped]]

local extension_sql = [[SELECT pg_catalog.split_part(extversion, '.', 1)::int * 10000
    + pg_catalog.split_part(extversion, '.', 2)::int * 100
    + coalesce(nullif(pg_catalog.split_part(extversion, '.', 3), '')::int, 0), extnamespace::regnamespace::text,
    (SELECT nspname FROM pg_namespace WHERE oid = extnamespace) FROM pg_extension WHERE extname = 'vector']]

local index_sql = [[SELECT c.relname, m.amname, o.opcname, coalesce(pg_catalog.array_to_string(c.reloptions, ','), ''),
    pg_catalog.pg_get_indexdef(c.oid, 1, false)
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
  JOIN pg_opclass o ON o.oid = i.indclass[0]
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refobjid = i.indrelid
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = d.refobjsubid AND a.attname = $2
  WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indpred IS NULL AND m.amname IN ('hnsw', 'ivfflat')
  ORDER BY c.oid]]

-- pgvector's words, and the operators of each distance.
facts.metrics = {
  cosine = { class = 'cosine', op = '<=>' }, dot = { class = 'ip', op = '<#>' }, l2 = { class = 'l2', op = '<->' },
  l1 = { class = 'l1', op = '<+>' }, hamming = { class = 'hamming', op = '<~>' },
  jaccard = { class = 'jaccard', op = '<%>' },
}

-- The most dimensions of an index, by method and type. A longer vector is indexed as halfvec.
local most = { hnsw = { vector = 2000, halfvec = 4000, bit = 64000, sparsevec = math.huge },
  ivfflat = { vector = 2000, halfvec = 4000, bit = 64000 } }
local most_half = 4000

local function metric_of_class(name)
  for metric, words in pairs(facts.metrics) do
    if name:match('_' .. words.class .. '_ops$') then return metric end
  end
end

local function find_table(session, word)
  local name, column = word:match '^(.+)%.([^.]+)$'
  if not name then
    flags.usage_error(('%s is not a column of a table'):format(word), 'as in docs.embedding, or public.docs.embedding')
  end
  local row = session:query(table_sql, { sql.table(name) }).rows[1]
  if not row then
    config.raise(('there is no table %s'):format(name), 'write it with its schema: public.' .. word)
  end
  if row[5] ~= 'r' and row[5] ~= 'm' and row[5] ~= 'p' then
    config.raise(('%s is no table'):format(name), 'an index is built on a table: name that')
  end
  return row, column
end

local function count_rows(session, self, estimate)
  if estimate > 0 then return estimate end
  return tonumber(session:query(('SELECT pg_catalog.count(*) FROM %s'):format(self.quoted)).rows[1][1])
end

local function value_bytes(session, self)
  return tonumber(session:query(([[SELECT coalesce(pg_catalog.avg(pg_catalog.pg_column_size(v)), 0)::int8
    FROM (SELECT %s AS v FROM %s WHERE %s IS NOT NULL LIMIT 1000) AS q]]):format(sql.name(self.column), self.quoted,
    sql.name(self.column))).rows[1][1])
end

local function read_indexes(session, self)
  local list = {}
  for i, row in ipairs(session:query(index_sql, { self.oid, self.column }).rows) do
    list[i] = { name = row[1], method = row[2], opclass = row[3], options = row[4], expression = row[5] }
  end
  return list
end

local leaves_sql = [[SELECT n.nspname, c.relname FROM pg_catalog.pg_partition_tree($1::oid::regclass) p
  JOIN pg_class c ON c.oid = p.relid JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE p.isleaf AND p.level > 0 ORDER BY 1, 2]]

local function read_leaves(session, self)
  local list = {}
  for i, row in ipairs(session:query(leaves_sql, { self.oid }).rows) do
    list[i] = sql.name(row[1]) .. '.' .. sql.name(row[2])
  end
  return list
end

local function choose_metric(self, wanted)
  if wanted and not facts.metrics[wanted] then
    config.raise(('there is no metric "%s"'):format(wanted), fault.near(wanted, facts.metrics))
  end
  local metric = wanted
  for _, index in ipairs(self.indexes) do metric = metric or metric_of_class(index.opclass) end
  metric = metric or (self.type == 'bit' and 'hamming' or 'cosine')
  local of_bits = metric == 'hamming' or metric == 'jaccard'
  if of_bits ~= (self.type == 'bit') then
    config.raise(('%s.%s is %s, which is not compared by %s'):format(self.table, self.column, self.type, metric),
      self.type == 'bit' and '--metric hamming or jaccard' or '--metric cosine, dot, l2 or l1')
  end
  return metric
end

--- Looks at the column. Raises for what no index of pgvector can be built on.
---@param session lugger.native.pg
---@param word string "docs.embedding"
---@param metric string|nil
---@return lugger.tune.facts
function facts.of(session, word, metric)
  local row, column = find_table(session, word)
  local self = { oid = row[1], schema = row[2], table = row[3], column = column,
    quoted = sql.name(row[2]) .. '.' .. sql.name(row[3]) }
  local extension = session:query(extension_sql).rows[1]
  local found = session:query(column_sql, { self.oid, column }).rows[1]
  if not found then config.raise(('%s has no column %s'):format(self.table, column), 'name the column of vectors') end
  self.type = found[1]
  if not extension or not most.hnsw[self.type] or (found[2] == 'vectors' and self.type ~= 'bit') then
    config.raise(('%s.%s is %s, which pgvector does not index'):format(self.table, column, found[1]),
      'tune knows vector, halfvec, sparsevec and bit, with the extension vector in the database')
  end
  self.version, self.vectors, self.vectors_schema = tonumber(extension[1]), extension[2], extension[3]
  self.dimensions = tonumber(found[3])
  if self.dimensions < 1 then
    config.raise(('%s.%s has no dimensions, so it cannot be indexed'):format(self.table, column),
      ('lugger vector change-type %s \'%s(1536)\' gives it some'):format(word, self.type))
  end
  self.columns = {}
  for name in (found[4] .. '\n'):gmatch '(.-)\n' do self.columns[#self.columns + 1] = name end
  self.rows, self.bytes = count_rows(session, self, tonumber(row[4])), value_bytes(session, self)
  if self.rows == 0 or self.bytes == 0 then
    config.raise(('%s has no vectors in %s'):format(self.table, column), 'load it first: lugger run')
  end
  self.indexes, self.leaves = read_indexes(session, self), read_leaves(session, self)
  self.metric, self.method = choose_metric(self, metric), self.indexes[1] and self.indexes[1].method or 'hnsw'
  return self --[[@as lugger.tune.facts]]
end

--- The options of an index, those that were not given included.
---@param index lugger.tune.index
---@return table<string, integer>
function facts.options(index)
  ---@type table<string, integer|nil>
  local out = index.method == 'hnsw' and { m = 16, ef_construction = 64 } or { lists = 100 }
  for name, value in index.options:gmatch '([%w_]+)=(%d+)' do
    if out[name] then out[name] = tonumber(value) --[[@as integer]] end
  end
  return out --[[@as table<string, integer>]]
end

--- Whether an index is by the distance that is asked for.
---@param self lugger.tune.facts
---@param index lugger.tune.index
---@return boolean
function facts.serves(self, index)
  return metric_of_class(index.opclass) == self.metric
end

--- A type of pgvector, or bit, as SQL.
---@param self lugger.tune.facts
---@param name string
---@return string
function facts.spelled(self, name)
  if name == 'bit' then return ('pg_catalog."bit"(%d)'):format(self.dimensions) end
  return ('%s.%s(%d)'):format(self.vectors, name, self.dimensions)
end

---@class lugger.tune.searched how an index of a method orders the column
---@field type string of what is ordered by
---@field expression string as SQL
---@field entry string as an entry of `columns` of a job's index
---@field opclass string as it is named in a job: with the schema
---@field class string the same as SQL

--- How the column is indexed by a method. Raises when pgvector has no such index.
---@param self lugger.tune.facts
---@param method string
---@return lugger.tune.searched
function facts.searched(self, method)
  local limit, type = assert(most[method])[self.type], self.type
  local class = assert(facts.metrics[self.metric]).class
  if limit and type == 'vector' and self.dimensions > limit and self.dimensions <= most_half then
    limit, type = most_half, 'halfvec'
  end
  local lacks = method == 'ivfflat' and (self.metric == 'l1' or self.metric == 'jaccard')
  if not limit or lacks then
    config.raise(('%s has no index of %s by %s'):format(method, self.type, self.metric), '--method hnsw')
  end
  if self.dimensions > limit then
    config.raise(('%s.%s has %d dimensions, and an index of %s takes %d'):format(self.table, self.column,
      self.dimensions, self.type, limit), 'see docs/vectors.md, "Indexes": halfvec, bits, or a part of the vector')
  end
  local name = sql.name(self.column)
  local cast = type ~= self.type and ('(%s::%s)'):format(name, facts.spelled(self, type))
  return { type = type, expression = cast or name, entry = cast or self.column,
    opclass = ('%s.%s_%s_ops'):format(self.vectors_schema, type, class),
    class = ('%s.%s_%s_ops'):format(self.vectors, type, class) }
end

return facts
