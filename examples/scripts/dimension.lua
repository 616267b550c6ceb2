-- A slowly changing dimension: a row for each time a customer's country or city changed.
local lugger = require 'lugger'

local db = lugger.session(lugger.env.PG_URI)
db:exec [[create table if not exists dim_customer (customer text, valid_from timestamptz, valid_to timestamptz,
  country text, city text, primary key (customer, valid_from))]]

return lugger.task('dimension', function(task)
  local orders = task:cursor(lugger.source('dump', { collection = 'acme.orders' }), { batch_rows = 50 })
  local into = lugger.target(lugger.env.PG_URI,
    { table = 'dim_customer', key = { 'customer', 'valid_from' }, on_conflict = 'update' })
  local out = task:writer(into, {
    columns = { { 'customer', 'text' }, { 'valid_from', 'timestamptz' }, { 'valid_to', 'timestamptz' },
      { 'country', 'text' }, { 'city', 'text' } },
  })
  for batch in orders:batches() do
    local ids, current = {}, {} ---@type string[], table<string, table|nil>
    for doc in batch:docs() do ids[#ids + 1] = doc.customer end
    for _, row in ipairs(db:query('select * from dim_customer where valid_to is null and customer = any($1)', ids)) do
      current[row.customer] = row
    end
    for doc in batch:docs() do
      local now = current[doc.customer]
      if now and now.country == doc.country and now.city == doc.ship.city then
        out:skip(doc, 'unchanged')
      else
        if now then
          out:add({ customer = doc.customer, valid_from = now.valid_from, valid_to = doc.at, country = now.country,
            city = now.city }, doc)
        end
        local new = { customer = doc.customer, valid_from = doc.at, country = doc.country, city = doc.ship.city }
        out:add(new, doc)
        current[doc.customer] = new
      end
    end
    out:commit(batch)
  end
end)
