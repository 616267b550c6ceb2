-- A step of a migration may be a copy.
local lugger = require 'lugger'

return {
  up = {
    function(db) db:exec 'create table order_totals (mongo_id text primary key, total numeric)' end,
    lugger.copy {
      from = lugger.source('dump', { collection = 'acme.orders' }),
      into = lugger.target(lugger.env.PG_URI, { table = 'order_totals', key = 'mongo_id', on_conflict = 'skip' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'total', 'numeric' } },
      unmapped = 'ignore',
    },
  },
  down = function(db) db:exec 'drop table order_totals' end,
}
