-- lugger scaffold d4b814319b9c252a (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.log: 20 documents, 650 B; every one was read.
-- lugger preview migrate/log.lua -n 5
-- lugger run migrate/log.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.log' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'log', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- to look rows up by the old id; lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    { 'line', 'text' },
  },
  -- every document has these: made NOT NULL by the stage "constrain", not before
  not_null = { 'line' },
  constraints = {
    { name = 'log_mongo_id_key', unique = { 'mongo_id' } },
  },
}
