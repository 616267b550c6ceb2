-- Translates MongoDB's indexes: each index of a collection's metadata becomes an entry of the job's `indexes`, DDL, or
-- a comment that gives the reason and the nearest equivalent.
local codec = require 'lugger.inner.base.codec'
local config = require 'lugger.inner.cli.config'
local document = require 'lugger.inner.base.document'
local index_names = require 'lugger.inner.mongo.index_names'
local index_parts = require 'lugger.inner.mongo.index_parts'
local mongo_filter = require 'lugger.inner.mongo.filter'
local native = require 'lugger.native'
local special = require 'lugger.inner.mongo.index_special'
local truth = require 'lugger.inner.mongo.truth'
local sql_text = require 'lugger.inner.sql.text'

local mongo_index = {}

---@alias lugger.index_kind
---| "plain"|"unique"|"sparse"|"partial"|"compound"|"multikey"|"ttl"|"text"|"2d"|"2dsphere"
---| "hashed"|"wildcard"|"collation"|"hidden"|"primary"|"clustered"|"unknown"

---@class lugger.translated_index
---@field name string of the source index
---@field kind lugger.index_kind
---@field key string its fields, as { email: 1, age: -1 }
---@field index table|nil an entry of a job's `indexes`
---@field ddl string|nil the same as a statement, CONCURRENTLY
---@field setup string|nil a statement that must come before it
---@field comment string|nil what has no equivalent, and the nearest; or why nothing is to be done
---@field warnings string[] what differs, or may go wrong

---@class lugger.index_options
---@field types table<string, string>|nil path inside jsonb -> column type that all of its values fit (a census knows)
---@field max_length table<string, integer>|nil path -> bytes of its longest text
---@field arrays table<string, boolean>|nil paths that hold arrays in some documents
---@field documents table<string, boolean>|nil paths that hold documents in some documents
---@field kinds table<string, table<string, boolean>>|nil path -> types of its values
---@field taken lugger.names.set|nil index names in use in the schema; those made here are added

local function copy_columns(mapping)
  if mapping.columns == 'document' then
    return { { 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', from = '_id', required = true },
      { 'doc', 'jsonb', from = '*' } }
  end
  if type(mapping.columns) ~= 'table' then
    config.raise('indexes can be translated for a list of columns only',
      'columns = lugger.source(...):columns() makes one')
  end
  return mapping.columns
end

local function kind_of(source, parts)
  if parts.wildcard then return 'wildcard' end
  if parts.text then return 'text' end
  if parts.special then
    local known = { ['2d'] = '2d', ['2dsphere'] = '2dsphere', geoHaystack = '2d', hashed = 'hashed' }
    return known[parts.special] or 'unknown'
  end
  if source.expireAfterSeconds then return 'ttl' end
  for _, part in ipairs(parts) do
    if part.array or part.place and part.place.child then return 'multikey' end
  end
  if source.collation and tostring(source.collation.locale) ~= 'simple' then return 'collation' end
  if source.partialFilterExpression then return 'partial' end
  if source.sparse then return 'sparse' end
  if source.unique then return 'unique' end
  return #parts > 1 and 'compound' or 'plain'
end

local function conjoin(a, b)
  if not a then return b end
  if not b then return a end
  return a .. ' AND ' .. b
end

-- A sparse index: at least one of the fields exists.
local function sparse_condition(parts)
  local conditions = {}
  for i, part in ipairs(parts) do conditions[i] = part.place.sql .. ' IS NOT NULL' end
  local joined = table.concat(conditions, ' OR ')
  return #conditions > 1 and '(' .. joined .. ')' or joined
end

-- The reason why a unique index would refuse documents here that MongoDB accepts; nil: it would not.
local function narrower(context, parts, out)
  local documents = context.options.documents or {}
  for _, part in ipairs(parts) do
    if documents[part.path] and not (part.place and part.place.exact) then
      return ('%s holds documents, and jsonb does not tell them apart by the order of their fields'):format(part.path)
    end
  end
  if out.wider then return out.wider end
end

-- Condition and uniqueness, which are the same for all ordinary indexes. False: the filter cannot be expressed in SQL.
local function conditions(context, source, parts, out)
  local entry, where = out.index, nil
  if source.partialFilterExpression then
    local sql, note, wider = mongo_filter.translate(source.partialFilterExpression, context.mapping,
      context.options.kinds)
    out.wider = wider
    if not sql then
      out.comment = ('no equivalent: its partialFilterExpression cannot be translated: %s; nearest: an index without '
        .. 'the condition%s'):format(note,
          source.unique and ', which may refuse rows, since it is unique' or '')
      return false
    end
    where = sql ~= '' and sql or nil
    for _, text in ipairs(note --[[@as (string[])]]) do out.warnings[#out.warnings + 1] = text end
  end
  if source.sparse then
    where = conjoin(where, sparse_condition(parts))
    if source.unique then
      out.warnings[#out.warnings + 1] = 'sparse and unique: a field that is there but null counts in MongoDB, and not '
        .. 'here'
    end
  end
  entry.where = where
  local unlike = source.unique and narrower(context, parts, out)
  if unlike then
    out.warnings[#out.warnings + 1] = 'not unique here: ' .. unlike
  elseif source.unique then
    entry.unique = true
    local nullable = false
    for _, part in ipairs(parts) do nullable = nullable or part.place.nullable end
    if nullable and not (source.sparse and #parts == 1) then
      entry.nulls_not_distinct = true
      out.warnings[#out.warnings + 1] = 'unique, and missing or null is one value in MongoDB: NULLS NOT DISTINCT'
    end
  end
  return true
end

local function collate(source, parts, out)
  local collation = source.collation and special.collation(source.collation)
  if not collation then return nil end
  local textual = false
  for _, part in ipairs(parts) do textual = textual or part.family == 'text' end
  if not textual then return nil end
  out.setup = collation.ddl
  out.index.setup = collation.ddl
  local text = ('a query uses it when it says COLLATE %s, or when the column is declared with it'):format(
    sql_text.name(collation.name))
  if not collation.deterministic then
    text = text .. '; it takes case or accents as equal, so LIKE does not work with it'
  end
  out.warnings[#out.warnings + 1] = text
  return collation
end

local function ordinary(context, source, parts, out)
  out.index = { columns = {}, method = 'btree' }
  if not conditions(context, source, parts, out) then
    out.index = nil
    return
  end
  local collation = collate(source, parts, out)
  for i, part in ipairs(parts) do
    index_parts.bound_text(context, part, out, out.index.unique)
    if part.note then out.warnings[#out.warnings + 1] = part.note end
    out.index.columns[i] = index_parts.entry_of(part, collation)
  end
  local only = parts[1]
  if #parts == 1 and only.hashed and not out.index.unique then
    out.index.columns = { only.place.json and '(' .. only.place.sql .. ')' or only.place.column }
    out.index.method = 'hash'
    out.warnings[#out.warnings] = ('%s has text that is longer than the %d bytes a btree takes: a hash index, which '
      .. 'answers equality only'):format(only.path, index_parts.most_key_bytes)
  end
end

local function ttl(context, source, parts, out)
  ordinary(context, source, parts, out)
  local part = parts[1]
  local time = part.place.sql
  if part.place.json then time = ('%s::timestamptz'):format(time) end
  out.comment = ("no equivalent: rows do not expire; nearest: run at intervals (cron, pg_cron): DELETE FROM %s WHERE "
    .. "%s < now() - interval '%s seconds'"):format(sql_text.table(part.table), time,
      tostring(source.expireAfterSeconds):match('^%d+') or '0')
end

local function finish(context, source, out, part_table)
  local entry = out.index
  if not entry then return end
  entry.table = part_table
  entry.name = index_names.make(context.taken, tostring(source.name or 'index'), part_table, out.warnings)
  out.ddl = native.sql.create_index(entry, true)
end

local function new_entry(source, kind)
  return { name = tostring(source.name or ''), kind = kind, key = index_parts.key_text(source.key), warnings = {} }
end

local function hide(out)
  if not out.ddl then return end
  out.comment = 'hidden in the source, so no query used it: not built; to build it: ' .. out.ddl
  out.index, out.ddl, out.setup = nil, nil, nil
end

local makers = { text = special.text, ['2d'] = special.geo, ['2dsphere'] = special.geo, hashed = special.hashed,
  wildcard = special.wildcard }

-- One source index over fields in several tables gives an entry for each table.
local function split(context, source, parts, kind, results)
  local groups = index_parts.groups_of(parts)
  if source.unique and #groups > 1 then
    source = setmetatable({ unique = false, was_unique = true }, { __index = source })
  end
  for _, group in ipairs(groups) do
    local out = new_entry(source, kind)
    if group.array then
      special.array(group, out)
      if source.unique or source.was_unique then
        out.warnings[#out.warnings + 1] = 'no equivalent: unique over the elements of an array; this index does not '
          .. 'keep them unique'
      end
    else
      local plain = source
      if group.child and source.unique then
        plain = setmetatable({ unique = false }, { __index = source })
        out.warnings[#out.warnings + 1] = 'unique between documents, where one document may repeat a value: not kept '
          .. 'here'
      end
      ordinary(context, plain, group, out)
    end
    if source.was_unique and not group.array then
      out.warnings[#out.warnings + 1] = 'unique over all its fields together: not kept here, since a part of them '
        .. 'alone may repeat'
    end
    if #groups > 1 then
      out.warnings[#out.warnings + 1] = ('one of %d: its fields lie in %d places, which no single index spans'):format(
        #groups, #groups)
    end
    finish(context, source, out, group[1].table)
    results[#results + 1] = out
  end
end

local option_names = { 'key', 'name', 'collation', 'partialFilterExpression', 'expireAfterSeconds', 'weights',
  'default_language', 'language_override', 'wildcardProjection' }
local flag_names = { 'unique', 'sparse', 'hidden', 'clustered' }

-- Reads the options of an index: flags as MongoDB interprets them; null counts as absent.
local function options_of(index)
  local out = {}
  for _, name in ipairs(option_names) do
    if codec.type(index[name]) ~= 'null' then out[name] = index[name] end
  end
  for _, name in ipairs(flag_names) do out[name] = truth(index[name]) end
  return out
end

local function translate_one(context, index, results)
  local source = document.is(index) and options_of(index)
  if not source or not document.is(source.key) then
    results[#results + 1] = { name = '', kind = 'unknown', key = '{}', warnings = {},
      comment = 'no equivalent: the metadata does not say what it is on' }
    return
  end
  local parts = index_parts.of(context, source)
  local first = parts[1]
  if #parts == 1 and first.path == '_id' and not parts.special then
    local out = new_entry(source, source.clustered and 'clustered' or 'primary')
    out.comment = 'nothing to do: the key of the table is unique'
    results[#results + 1] = out
    return
  end
  local kind = kind_of(source, parts)
  local own = makers[kind]
  local begun = #results
  if #parts.missing > 0 and own ~= special.geo then
    local out = new_entry(source, kind)
    out.comment = ("no equivalent: no column holds %s; nearest: add a column, or { 'rest', 'jsonb', from = '*' }")
      :format(table.concat(parts.missing, ', '))
    results[#results + 1] = out
  elseif kind == 'multikey' then
    split(context, source, parts, kind, results)
  else
    local out = new_entry(source, kind)
    if own then
      own(context, source, out, parts)
    elseif kind == 'unknown' then
      out.comment = ('no equivalent: lugger does not know indexes of the kind "%s"'):format(parts.special)
    elseif kind == 'ttl' then
      ttl(context, source, parts, out)
    end
    if not out.index and not out.comment then ordinary(context, source, parts, out) end
    finish(context, source, out, first and first.table or context.mapping.table)
    results[#results + 1] = out
  end
  if source.hidden then
    for i = begun + 1, #results do
      results[i].kind = 'hidden'
      hide(results[i])
    end
  end
end

local function clustered(context, metadata, results)
  local by = metadata.options and metadata.options.clusteredIndex
  if not by then return end
  results[#results + 1] = { name = tostring(by.name or '_id_'), kind = 'clustered', key = '{ _id: 1 }', warnings = {},
    comment = ('no equivalent: tables are not kept in the order of a key; nearest: the primary key, CLUSTER %s once')
      :format(sql_text.table(context.mapping.table)) }
end

--- Translates every index of a collection. An index whose fields lie in several tables gives several entries.
---@param metadata lugger.doc|string the collection's metadata, decoded or as JSON text
---@param mapping table table, columns, children, as in a job
---@param options lugger.index_options|nil
---@return lugger.translated_index[]
function mongo_index.translate(metadata, mapping, options)
  if type(metadata) == 'string' then metadata = require('lugger.json').decode(metadata) end
  options = options or {}
  local columns = copy_columns(mapping)
  local context = { options = options, taken = options.taken or {},
    mapping = { table = mapping.table, columns = columns, children = mapping.children, key = mapping.key } }
  index_names.reserve(context.taken, context.mapping)
  local results = {}
  if metadata.indexes then
    for _, source in document.each(metadata.indexes) do translate_one(context, source, results) end
  end
  clustered(context, metadata, results)
  return results
end

return mongo_index
