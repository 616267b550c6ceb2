-- lugger scaffold 0db97225450f2ff5 (of what follows: once it is edited, scaffold leaves the file alone)
-- shop.orders: 120 documents, 22.4 kB; every one was read.
-- lugger preview migrate/orders.lua -n 5
-- lugger run migrate/orders.lua --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'id', on_conflict = 'update' }),
  columns = {
    -- computed from the _id: the same in every run, and in every table that refers to it
    { 'id', 'uuid', generate = 'v5' },
    -- to look rows up by the old id; lugger refs tells when it may go
    { 'mongo_id', 'text', from = '_id', required = true },
    -- all 120 are ids of shop.users; "user" is a word of SQL: write it in quotes
    { 'user', 'uuid', ref = 'users', fk = true },
    { 'status', 'text' },
    -- mixed: 38 (32 %) string ($n:3, $n:7, $n:10); 74 % of the strings spell numbers
    { 'total', 'jsonb', json = 'typed' },
    { 'placed_at', 'timestamptz', from = 'placedAt' },
  },
  children = {
    -- 180 elements, at most 3 in a document
    {
      table = 'order_lines', from = 'lines[]', parent = { 'order_id' },
      columns = {
        { 'sku', 'text' },
        { 'qty', 'int4' },
        { 'price', 'numeric' }, -- doubles of at most 2 decimals, which look like amounts
        { 'opts', 'text[]' }, -- up to 1 values; a GIN index finds rows by element
      },
    },
  },
  -- every document has these: made NOT NULL by the stage "constrain", not before
  not_null = { 'user', 'status', 'total', 'placed_at' },
  constraints = {
    { name = 'orders_mongo_id_key', unique = { 'mongo_id' } },
    { table = 'order_lines', not_null = { 'sku', 'qty', 'price', 'opts' } },
  },
}
