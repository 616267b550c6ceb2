-- ObjectIds become uuids, and so do the references to them.
local lugger = require 'lugger'

return lugger.copy {
  name = 'orders_rekeyed',
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'rekeyed', key = 'mongo_id' }),
  columns = {
    { 'id', 'uuid', generate = 'v5' },
    { 'mongo_id', 'text', from = '_id' },
    { 'parent_id', 'uuid', from = 'ref', ref = 'orders' },
    { 'no', 'int8' },
  },
  unmapped = 'ignore',
}
