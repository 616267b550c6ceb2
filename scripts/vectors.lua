-- All records of a vector store become rows of a table, without a script.
--   lugger run vectors --from pinecone://INDEX --into PG_URI
-- Columns: namespace, id, embedding, sparse (where the index may have sparse vectors), metadata. Of a
-- document index: namespace, id, and its fields. The key is namespace and id; the table is made. The
-- dimensions and the metric are those of the index. What stands under the same key is replaced, so
-- the same command brings the table up to date. While others write to the index: --until-still, which
-- deletes rows whose records are gone; with --namespace, those of that namespace alone.
local lugger = require 'lugger'

local opt = lugger.options {
  table = { 'the table; the name of the index when not given', default = '' },
  namespace = { 'only this namespace; "" is the default one', metavar = 'NAME', default = '*' },
  ids = { 'how ids stand in the store', choices = { 'ascii', 'percent' }, default = 'ascii' },
  half = { 'halfvec in place of vector', type = 'bool' },
  index = { 'an HNSW index of the metric', type = 'bool' },
  until_still = { 'list and fetch all again, compare by hashes, write what differs and delete what is gone, until a ' ..
    'pass finds nothing', type = 'bool' },
  delete_many = { 'with --until-still: delete more than a tenth of the rows in one pass, too', type = 'bool' },
  passes = { 'so many passes at most, for --until-still', type = 'int', default = 20 },
}

local settings = { ids = opt.ids }
if opt.namespace ~= '*' then settings.namespace = opt.namespace end
local from = lugger.source(lugger.env.PINECONE_URI, settings)
local info = from:info()
if info.kind ~= 'pinecone' then
  error('this script reads pinecone://INDEX; of other stores a job names the columns: lugger help vectors', 0)
end

-- What pgvector takes: a sparse vector has at most so many dimensions, of which it names those that are not 0.
local SPARSE = 'sparsevec(1000000000)'

-- A document index gives `_namespace`: its documents may have a field called namespace, which is theirs.
local documents = info.apart_by ~= 'namespace'
local columns = { { 'namespace', 'text', from = info.apart_by }, { 'id', 'text', from = '_id', id_text = 'plain' } }
local indexes = {}
for _, manifest in ipairs(info.manifests) do
  local field = manifest.column
  local dense = manifest.dimensions > 0
  local name = field == 'values' and 'embedding' or field
  local dense_type = ('%s(%d)'):format(opt.half and 'halfvec' or 'vector', manifest.dimensions)
  columns[#columns + 1] = { name, dense and dense_type or SPARSE, from = field }
  if opt.index and dense then indexes[#indexes + 1] = { name, method = 'hnsw' } end
end
columns[#columns + 1] = documents and { 'fields', 'jsonb', from = '*' } or { 'metadata', 'jsonb' }

-- Progress is kept by the name: another table is another job.
local into = opt.table ~= '' and opt.table or info.collection
local job = lugger.copy {
  name = 'vectors ' .. info.collection .. (into ~= info.collection and ' into ' .. into or ''),
  from = from,
  into = lugger.target(lugger.env.PG_URI, {
    table = into,
    key = { 'namespace', 'id' }, on_conflict = 'update',
  }),
  columns = columns,
  indexes = #indexes > 0 and indexes or nil,
}
if not opt.until_still then return { create = true, job } end

local mend = { apply = true, delete_extra = true, delete_many = opt.delete_many and 'unless_none' }
if settings.namespace then
  local name = settings.namespace == '__default__' and '' or settings.namespace
  local quoted = name:gsub('\\', '\\\\'):gsub("'", "''")
  mend.where, mend.where_of_all = ("namespace = E'%s'"):format(quoted), true
end
for _, line in ipairs(info.advice) do
  if line:find 'read units' then lugger.warn(line .. '; --until-still reads it at least twice') end
end
job:run { create = true, again = true, progress = true }
for pass = 1, opt.passes do
  local after, _, mended = job:repair(mend)
  print(('pass %d: %d written, %d deleted'):format(pass, mended.documents, mended.deleted))
  if mended.documents == 0 and mended.deleted == 0 and after.equal then
    print(after)
    return
  end
end
error(('the index still changed after %d passes: stop who writes to it, then run the same command')
  :format(opt.passes), 0)
