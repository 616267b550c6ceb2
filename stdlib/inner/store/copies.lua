-- Copies of all records of one store of vectors into another: any of Pinecone, Weaviate, pgvector and PGVecto.rs.
local fault = require 'lugger.inner.base.fault'
local native = require 'lugger.native'
local place = require 'lugger.inner.job.place'
local job = require 'lugger.inner.job.job'
local reading = require 'lugger.inner.store.reading'
local writing = require 'lugger.inner.store.writing'

local copies = {}

-- What the source is opened with: each kind names its collections in its own way.
local function source_options(kind, wish)
  if kind == 'postgresql' then
    if not wish.collection or wish.collection == '' then
      fault.raise('config', 'which table is read?', '--collection NAME says it')
    end
    return { table = wish.collection }
  end
  local options = { collection = wish.collection }
  if kind == 'pinecone' then options.ids, options.namespace = wish.ids, wish.namespace end
  if kind == 'weaviate' then options.tenant = wish.namespace end
  return options
end

-- The metric that was asked for, of each column of vectors.
local function manifest_of(columns, metric)
  if not metric then return nil end
  local out = {}
  for _, column in ipairs(columns) do
    if column[2]:find 'vec' then out[column[1]] = { metric = metric } end
  end
  return out
end

--- The copies, and what is read.
---@param from string the place that is read, as written
---@param into string the place that is written to
---@param wish lugger.store.wish
---@return lugger.job[] jobs
---@return lugger.store.reading
---@return boolean whether `repair` may delete there what the source has not
function copies.of(from, into, wish)
  local kind = native.place_kind(place.source(from):resolved()).name
  local read = reading.of(place.source(from, source_options(kind, wish)))
  local target = place.target(into):resolved()
  local jobs = { create = true } ---@type table
  for _, one in ipairs(writing.copies(read, target, wish)) do
    local name = one.target.table
    jobs[#jobs + 1] = job.copy {
      -- Progress is kept by the name: another table is another job.
      name = 'vectors ' .. read.name .. (name and name ~= read.name and ' into ' .. name or '') .. one.name,
      from = place.source(from, one.source --[[@as any]]),
      into = place.target(into, one.target --[[@as any]]), columns = one.columns,
      indexes = one.indexes, manifest = manifest_of(one.columns, wish.metric), unmapped = read.ignores,
    }
  end
  return jobs, read, read.kind == 'pinecone' and native.place_kind(target).name == 'postgresql'
end

return copies
