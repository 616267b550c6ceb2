-- One collection into five tables, with keys that are computed: the same in every run.
local lugger = require 'lugger'

local space = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

return lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'o', key = 'mongo_id' }),
  columns = {
    { 'id', 'uuid', generate = 'v5' },
    { 'mongo_id', 'text', from = '_id' },
    { 'customer_id', 'uuid', computed = true },
    { 'total', 'numeric(12,2)' },
    { 'line_count', 'int4', computed = true },
    { 'city', 'text', from = 'ship.city' },
  },
  children = {
    { table = 'o_lines', from = 'lines[]',
      columns = { { 'sku', 'text' }, { 'qty', 'int4' }, { 'price', 'numeric(12,2)' } } },
    { table = 'o_tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } },
    { table = 'o_point', from = 'ship.geo.coordinates[]', columns = { { 'degrees', 'float8', from = '.' } } },
    { table = 'o_ship', from = 'ship{}', columns = { { 'value', 'jsonb', from = '.' } } },
  },
  unmapped = 'ignore',
  map = function(row, doc)
    row.customer_id = lugger.uuid_v5(space, doc.customer)
    row.line_count = #doc.lines
  end,
}
