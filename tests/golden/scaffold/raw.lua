-- lugger scaffold b707bb970ede3e6b (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.raw: 6 documents, 259 B; every one was read.
-- lugger preview migrate/raw.lua -n 5
-- lugger run migrate/raw.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.raw' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'raw', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- to look rows up by the old id; lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    { 'u', 'jsonb', json = 'typed' }, -- nothing but null
    { 'a', 'int4' }, -- in 33 % of the documents
    { 'p', 'jsonb', json = 'typed' }, -- no column type holds dbPointer; in 17 % of the documents
    -- 1 not UTF-8 (not utf-8), kept as {"$string": ...}; { ..., 'text', nul = 'replace', utf8 =
    -- 'replace' } would alter them; in 17 % of the documents
    { 's', 'jsonb', json = 'typed', utf8 = 'tag' },
    -- 1 not UTF-8 (not utf-8), kept as {"$string": ...}; { ..., 'text', nul = 'replace', utf8 =
    -- 'replace' } would alter them; in 17 % of the documents
    { 'cut', 'jsonb', json = 'typed', utf8 = 'tag' },
    -- 1 not UTF-8 (not utf-8), kept as {"$string": ...}; { ..., 'text', nul = 'replace', utf8 =
    -- 'replace' } would alter them; in 17 % of the documents
    { 'surrogate', 'jsonb', json = 'typed', utf8 = 'tag' },
    { 'n', 'int4' }, -- in 17 % of the documents
    { 'b', 'bool' }, -- in 17 % of the documents
    { 'dotted_name', 'int4', from = 'dotted\\.name' }, -- in 17 % of the documents
  },
  constraints = {
    { name = 'raw_mongo_id_key', unique = { 'mongo_id' } },
  },
}
