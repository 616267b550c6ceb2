-- All records of a vector store go into another one, without a script: any of Pinecone, Weaviate, pgvector and
-- PGVecto.rs into any.
--   lugger run vectors --from pinecone://INDEX --into PG_URI
--   lugger run vectors --from PG_URI --into weaviate://HOST/Class --collection docs
-- Of Pinecone the columns are namespace, id, embedding, sparse_values (where the index may have them), metadata; of
-- others those that there are. Namespaces, tenants, and a column of the key that is called so, become each other. The
-- table, class or index is made, with the dimensions and the metric of the source. What stands under the same key is
-- replaced, so the same command brings it up to date. From Pinecone into PostgreSQL while others write to the index:
-- --until-still, which deletes rows whose records are gone; with --namespace, those of that namespace alone.
local lugger, vector = require 'lugger', require 'lugger.vector'

local opt = lugger.options {
  collection = { 'what is read, where the place names none: a table, a class, an index', metavar = 'NAME' },
  table = { 'the table, class or index that is written; the name at the source when not given', metavar = 'NAME' },
  namespace = { 'only this namespace or tenant; "" is the default one', metavar = 'NAME' },
  type = { 'the type of a column that the source does not know, as in metadata=jsonb', list = true,
    metavar = 'COLUMN=TYPE' },
  metric = { 'how vectors are compared, where the source does not say it', choices = { 'cosine', 'l2', 'dot',
    'l1' } },
  ids = { 'how ids stand in Pinecone', choices = { 'ascii', 'percent' }, default = 'ascii' },
  extension = { 'whose types a database gets, where it has both', choices = { 'vector', 'vectors' } },
  half = { 'halfvec in place of vector, vecf16 of PGVecto.rs', type = 'bool' },
  index = { 'an index of the metric for each dense column: hnsw, or that of PGVecto.rs', type = 'bool' },
  no_tenants = { 'into Weaviate: namespaces are a property, and a part of the key', type = 'bool' },
  until_still = { 'list and fetch all again, compare by hashes, write what differs and delete what is gone, until a ' ..
    'pass finds nothing', type = 'bool' },
  delete_many = { 'with --until-still: delete more than a tenth of the rows in one pass, too', type = 'bool' },
  passes = { 'so many passes at most, for --until-still', type = 'int', default = 20 },
}

local types = {}
for _, one in ipairs(opt.type or {}) do
  local name, type = one:match '^([^=]+)=(.+)$'
  if not name then error(('--type %s: write COLUMN=TYPE, as in metadata=jsonb'):format(one), 0) end
  types[name] = type
end
local jobs, from, mendable = vector.copies(lugger.env.PINECONE_URI, lugger.env.PG_URI, {
  collection = opt.collection, table = opt.table, types = types, metric = opt.metric, namespace = opt.namespace,
  ids = opt.ids, extension = opt.extension, half = opt.half, index = opt.index, no_tenants = opt.no_tenants,
})
if not opt.until_still then return jobs end

if not mendable then
  error('--until-still is for Pinecone into PostgreSQL: elsewhere run the same command again, then lugger verify', 0)
end
local job, info = jobs[1], from.info
local mend = { apply = true, delete_extra = true, delete_many = opt.delete_many and 'unless_none' }
if opt.namespace then
  local name = opt.namespace == '__default__' and '' or opt.namespace
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
