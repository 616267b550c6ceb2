-- lugger scaffold 9bd8fc1102bb5c3b (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.empty: 0 documents, 0 B; every one was read.
-- lugger preview migrate/empty.lua -n 5
-- lugger run migrate/empty.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.empty' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'empty', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- to look rows up by the old id; lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    { 'rest', 'jsonb', from = '*', nul = 'tag', utf8 = 'tag' }, -- no document was there to learn from
  },
  indexes = {
    -- no index looks into rest; when queries do, by containment (@>): CREATE INDEX CONCURRENTLY ON
    -- "empty" USING gin ("rest" jsonb_path_ops)
  },
  constraints = {
    { name = 'empty_mongo_id_key', unique = { 'mongo_id' } },
  },
}
