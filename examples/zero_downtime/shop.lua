-- The customers and orders of a shop that stays open: copied from a live MongoDB, then kept equal.
--   lugger move shop.lua --create          MONGO_URI and PG_URI are in the environment or in .env
local lugger = require 'lugger'

local function collection(name) return lugger.source(lugger.env.MONGO_URI, { collection = 'shop.' .. name }) end

-- Changes come to rows that are there already, so a table of a move has a key and on_conflict = 'update'.
local function rows(name)
  return lugger.target(lugger.env.PG_URI, { table = name, key = 'id', on_conflict = 'update' })
end

return lugger.move {
  jobs = {
    lugger.copy {
      from = collection 'users',
      into = rows 'users',
      columns = {
        { 'id',        'int8',        from = '_id' },
        { 'email',     'text',        required = true },
        { 'name',      'text' },
        { 'city',      'text',        from = 'address.city' },
        { 'orders',    'int4' },
        { 'joined_at', 'timestamptz', from = 'joinedAt' },
        { 'rest',      'jsonb',       from = '*' },            -- every field no other column took
      },
      indexes = { { 'email' } },
    },
    lugger.copy {
      from = collection 'orders',
      into = rows 'orders',
      columns = {
        { 'id',        'int8',        from = '_id' },
        { 'user_id',   'int8',        from = 'user' },
        { 'status',    'text',        required = true },
        { 'placed_at', 'timestamptz', from = 'placedAt' },
      },
      -- An item is a row. When an order changes, its items are written anew, in one transaction with it.
      children = {
        {
          table = 'order_items', from = 'items[]', ordinal = 'line',
          columns = { { 'sku', 'text' }, { 'qty', 'int4' }, { 'cents', 'int8' } },
        },
      },
      indexes = { { 'user_id' } },
    },
  },
}
