-- The operator class that an index of the old type becomes on the new one: the same method, the same metric.
local config = require 'lugger.inner.cli.config'
local native = require 'lugger.native'
local sql = native.sql

local opclasses = {}

-- Words of pgvector and of PGVecto.rs for one metric.
---@type table<string, string|nil>
local dialects = { ip = 'dot', cosine = 'cos' }
---@type table<string, string|nil>
local back = { dot = 'ip', cos = 'cosine' }

local class_sql = [[SELECT pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', pg_catalog.quote_ident(o.opcname))
    AS spelled
  FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod JOIN pg_namespace n ON n.oid = o.opcnamespace
  WHERE a.amname = $1 AND o.opcname = $2 AND o.opcintype = $3::text::oid]]

-- varchar has the operator classes of text, for example.
local same_sql = [[SELECT EXISTS (SELECT FROM pg_cast c JOIN pg_opclass o ON o.opcintype = c.casttarget
    JOIN pg_am a ON a.oid = o.opcmethod WHERE c.castsource = $3::text::oid AND c.castmethod = 'b' AND a.amname = $1
      AND o.opcname = $2)]]

local default_sql = [[SELECT EXISTS (SELECT FROM pg_opclass o JOIN pg_am a ON a.oid = o.opcmethod
  WHERE a.amname = $1 AND o.opcdefault AND (o.opcintype = $2::text::oid OR o.opcintype IN (SELECT c.casttarget
    FROM pg_cast c WHERE c.castsource = $2::text::oid AND c.castmethod = 'b')))]]

-- Defaults for element types that are built in: "bit_ops" holds for bit, "array_ops" for every array.
local function wanted(index, from, to)
  local metric = index.opclass:match('^' .. from.name .. '_(.*)_ops$')
  if to.family == 'vectors' and metric then
    return 'vectors', ('%s_%s_ops'):format(to.name, dialects[metric] or metric)
  end
  if from.family == 'vectors' and metric then return 'hnsw', ('%s_%s_ops'):format(to.name, back[metric] or metric) end
  local tail = index.opclass:match('^' .. from.name .. '(_.*)$')
  return index.method, tail and to.name .. tail or index.opclass
end

---@class lugger.column_class
---@field method string the index's access method on the new type
---@field opclass string|nil SQL; nil: the default one of the new type

--- How an index on the column itself is built on the new type; raises when there is no such operator class.
---@param db lugger.migration_db
---@param index table
---@param from lugger.column_type
---@param to lugger.column_type
---@return lugger.column_class|nil nil: the index is over expressions, which the server checks by itself
function opclasses.map(db, index, from, to)
  if not index.opclass then return nil end
  local method, name = wanted(index, from, to)
  if index.opclass_default and method == index.method and db:value(default_sql, method, to.oid) then
    return { method = method }
  end
  local row = db:query(class_sql, method, name, to.oid)[1] ---@type table|nil
  if row then return { method = method, opclass = row.spelled } end
  if db:value(same_sql, index.method, index.opclass, to.oid) then
    return { method = index.method, opclass = index.opclass_spelled }
  end
  if not index.opclass_default and not index.opclass_typed then
    return { method = index.method, opclass = index.opclass_spelled }
  end
  config.raise(('index %s: %s has no operator class %s for %s'):format(index.name, method, name, to.bare),
    'drop the index first, and build what you want in its place afterwards')
end

-- Options of a vector index in the words of PGVecto.rs (TOML), and back.
local function toml(index)
  local options = index.options or {}
  local lists, m, ef = options.lists, options.m, options.ef_construction
  if lists then return ('[indexing.ivf]\nnlist = %s\n'):format(lists) end
  local parts = { '[indexing.hnsw]\n' }
  if m then parts[#parts + 1] = ('m = %s\n'):format(m) end
  if ef then parts[#parts + 1] = ('ef_construction = %s\n'):format(ef) end
  return #parts > 1 and table.concat(parts) or nil
end

local function of_toml(index)
  local text, out = index.options and index.options.options or '', {}
  for _, key in ipairs { 'm', 'ef_construction' } do
    local value = text:match('%f[%w_]' .. key .. '%s*=%s*(%d+)')
    if value then out[#out + 1] = ('%s = %s'):format(key, value) end
  end
  return out
end

local function split(tail)
  local head, rest = tail:match '^(ON .- USING [%w_"]+ )(.*)$'
  local list = rest:match '^%b()'
  return head, list, rest:sub(#list + 1)
end

--- The text of CREATE INDEX behind its name, for the other column.
---@param tail string "ON t USING hnsw (...) WITH (...)", the column's name replaced already
---@param index table
---@param class lugger.column_class|nil
---@param column string the other column
---@return string
function opclasses.definition(tail, index, class, column)
  if not class then return tail end
  local head, list, rest = split(tail)
  local quoted = sql.name(column)
  local from, to = list:find(quoted, 1, true)
  local behind = list:sub(to + 1)
  for _, spelled in ipairs { index.opclass_spelled, index.opclass_bare } do
    if behind:sub(1, #spelled + 1) == ' ' .. spelled then
      behind = behind:sub(#spelled + 2)
      break
    end
  end
  if class.opclass then behind = ' ' .. class.opclass .. behind end
  list = list:sub(1, from - 1) .. quoted .. behind
  if class.method == index.method then return head .. list .. rest end
  head = head:gsub('USING [%w_"]+ $', function() return 'USING ' .. class.method .. ' ' end)
  rest = rest:gsub('^%s*WITH %b()', '')
  if class.method == 'vectors' then
    local options = toml(index)
    return ('%s%s%s%s'):format(head, list, options and ' WITH (options = ' .. sql.literal(options) .. ')' or '', rest)
  end
  local options = of_toml(index)
  return ('%s%s%s%s'):format(head, list, #options > 0 and ' WITH (' .. table.concat(options, ', ') .. ')' or '', rest)
end

return opclasses
