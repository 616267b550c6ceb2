-- The users of the shop, each with the tags it carries.
--   lugger run users.lua --into local:./pg --create
local lugger = require 'lugger'

local opt = lugger.options {
  dump = { 'the dump to read', type = 'path', default = 'dump' },
}

return lugger.copy {
  from = lugger.source(opt.dump, { collection = 'shop.users' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'mongo_id', on_conflict = 'update' }),
  columns = {
    { 'id',         'uuid',          generate = 'v5' },       -- the same in every run
    { 'mongo_id',   'text',          from = '_id' },
    { 'email',      'text',          required = true },
    { 'name',       'text' },
    { 'age',        'int4' },                               -- 19 and "18" are numbers; "12abc" would be a reject
    { 'city',       'text',          from = 'address.city' },
    { 'zip',        'text',          from = 'address.zip' },
    { 'balance',    'numeric(12,2)' },                        -- decimal128, exact
    { 'visits',     'int8' },
    { 'metadata',   'jsonb',         from = 'attrs' },
    { 'created_at', 'timestamptz',   from = 'createdAt' },    -- a date, in some documents ISO text
    { 'rest',       'jsonb',         from = '*' },            -- every field no other column took
  },
  children = {
    { table = 'user_tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } },
  },
  indexes = { { 'email', unique = true } },
  map = function(row)
    row.email = row.email:lower()
  end,
}
