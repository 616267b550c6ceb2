-- A table that is filled from a dump while the migration runs, in its transaction.
local lugger = require 'lugger'

return {
  up = function(db)
    db:exec 'create table totals (customer text primary key, city text, tags text[], total numeric, orders int)'
    local found, rows = {}, {}
    for doc in lugger.source('dump', { collection = 'acme.orders' }):find { status = { ['$ne'] = 'void' } } do
      local row = found[doc.customer]
      if not row then
        row = { customer = doc.customer, total = lugger.decimal '0', orders = 0 }
        found[doc.customer], rows[#rows + 1] = row, row
      end
      row.total, row.orders, row.city, row.tags = row.total + doc.total, row.orders + 1, doc.ship.city, doc.tags
    end
    db:insert('totals', rows)
  end,
  down = function(db) db:exec 'drop table totals' end,
  verify = function(db) return db:value 'select count(*) from totals' > 0, 'totals is empty' end,
}
