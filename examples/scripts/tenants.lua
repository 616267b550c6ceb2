-- A table for each tenant; some documents go elsewhere, some give two rows, some none.
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { key = 'mongo_id', on_conflict = 'update' }),
  route = { from = 'tenant', tables = { alpha = 'alpha_orders', beta = 'beta_orders' }, otherwise = 'other_orders' },
  columns = { { 'mongo_id', 'text', from = '_id' }, { 'tenant', 'text' }, { 'total', 'numeric(12,2)' },
    { 'status', 'text' } },
  unmapped = 'ignore',
  map = function(_, doc)
    if doc.status == 'void' and doc.tenant == 'gamma' then return lugger.skip 'void' end
    if doc.qty == 9 then lugger.emit { mongo_id = doc._id .. ':bonus', status = 'bonus' } end
    if doc.qty == 8 then return lugger.route 'alpha_orders' end
  end,
}
