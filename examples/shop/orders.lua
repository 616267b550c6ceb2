-- The orders of the shop and their lines, in two tables that commit together. Ten orders say "12abc" where a number
-- should stand: they are rejects, and `lugger rejects orders.lua` says so.
--   lugger run orders.lua --into local:./pg --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'mongo_id', on_conflict = 'update' }),
  columns = {
    { 'id',        'uuid',          generate = 'v5' },
    { 'mongo_id',  'text',          from = '_id' },
    { 'user_id',   'text',          from = 'user' },
    { 'status',    'text',          required = true },
    { 'total',     'numeric(10,2)' },                         -- 3.5 and "10.50" are numbers, "12abc" is not
    { 'placed_at', 'timestamptz',   from = 'placedAt' },
  },
  children = {
    {
      table = 'order_lines', from = 'lines[]', ordinal = 'line',
      columns = {
        { 'sku',   'text' },
        { 'qty',   'int4' },
        { 'price', 'numeric(10,2)', on_error = 'reject' },
        { 'opts',  'text[]' },
      },
    },
  },
}
