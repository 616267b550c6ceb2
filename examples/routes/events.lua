-- One collection, several tables: the field `kind` says which. Kinds without a table of their own go to `events`.
--   lugger run events.lua --into local:./pg --create
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('events.jsonl', { collection = 'shop.events' }),
  into = lugger.target(lugger.env.PG_URI, { key = 'mongo_id', on_conflict = 'skip' }),
  route = { from = 'kind', tables = { login = 'logins', order = 'orders_placed' }, otherwise = 'events' },
  columns = {
    { 'mongo_id', 'text',        from = '_id' },
    { 'kind',     'text' },
    { 'user',     'text',        required = true },
    { 'at',       'timestamptz', required = true },
    { 'total',    'numeric' },
  },
}
