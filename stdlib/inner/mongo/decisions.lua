-- What a collection has and no table: for its application to replace, or to decide.
local document = require 'lugger.inner.base.document'
local mongo_index = require 'lugger.mongo_index'
local truth = require 'lugger.inner.mongo.truth'

local decisions = {}

-- Indexes whose queries, or whose work, are others in PostgreSQL.
---@type table<string, string|nil>
local unlike = { ttl = 'TTL', text = 'text', ['2d'] = '2d', ['2dsphere'] = '2dsphere', hashed = 'hashed',
  wildcard = 'wildcard' }

local function columns_of(table_plan)
  local columns = {}
  for i, column in ipairs(table_plan.columns) do
    columns[i] = { column.name, column.type, from = column.from, generate = column.generate }
  end
  return columns
end

-- The tables of a plan in the form of a mapping, as far as indexes go.
local function mapping_of(plan)
  local main, children = plan.tables[1], {}
  for _, table_plan in ipairs(plan.tables) do
    if table_plan.parent == 1 then
      children[#children + 1] = { table = table_plan.name, from = table_plan.path, columns = columns_of(table_plan) }
    end
  end
  return { table = main.name, columns = columns_of(main), children = children }
end

local function of_options(options, out)
  if truth(options.capped) then
    out[#out + 1] = 'it is capped: its oldest documents go without an event, and their rows stay; delete them by age, '
      .. 'or keep them'
  end
  if document.is(options.validator) and document.each(options.validator)() then
    out[#out + 1] = 'it has a validator: write what it asks for as NOT NULL and CHECK; documents from before it may '
      .. 'break it'
  end
  local collation = options.collation
  if document.is(collation) then
    out[#out + 1] = ('its strings are compared by collation, locale %s: keys and unique columns that are equal there '
      .. 'are two values here, unless the column has such a COLLATE'):format(tostring(collation.locale))
  end
  if options.expireAfterSeconds then
    out[#out + 1] = ('its documents expire after %s s, and rows do not: delete them at intervals (cron, pg_cron)')
      :format(tostring(options.expireAfterSeconds):match '^%d+' or '0')
  end
end

--- Of the collection that a plan reads.
---@param plan lugger.job_plan
---@return string[]
function decisions.of(plan)
  local info, out = plan.source_info, {}
  for i, text in ipairs(info.decisions) do out[i] = text end
  if info.metadata_json == '' then return out end
  local metadata = require('lugger.json').decode(info.metadata_json)
  if document.is(metadata.options) then of_options(metadata.options, out) end
  for _, index in ipairs(mongo_index.translate(metadata, mapping_of(plan))) do
    local kind = unlike[index.kind]
    if kind then
      out[#out + 1] = ('%s index %s %s: %s'):format(kind, index.name, index.key, index.comment or index.warnings[1]
        or 'an index of another kind takes its place')
    end
  end
  return out
end

return decisions
