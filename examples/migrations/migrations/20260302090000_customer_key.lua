-- Orders are looked up by the customer's name in lower case.
local schema = require 'lugger.schema'

return {
  up = function(db)
    schema.add_column(db, 'orders', 'customer_key', 'text')
    schema.backfill(db, { table = 'orders', set = { customer_key = 'lower(customer)' }, batch_rows = 500 })
    schema.add_index(db, 'orders', 'customer_key')
  end,
  down = function(db)
    schema.drop_index(db, 'orders_customer_key_idx')
    db:exec 'ALTER TABLE orders DROP COLUMN customer_key'
  end,
  verify = function(db)
    local missing = db:value 'SELECT count(*) FROM orders WHERE customer_key IS NULL'
    return missing == 0, missing .. ' orders have no customer_key'
  end,
}
