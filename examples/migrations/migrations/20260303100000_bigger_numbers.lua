-- integer ends at two thousand million orders; bigint does not. Nobody has to stop reading or writing meanwhile.
local schema = require 'lugger.schema'

return {
  up = function(db) schema.change_type(db, 'orders', 'id', 'bigint', { batch_rows = 500 }) end,
  down = function(db) schema.change_type(db, 'orders', 'id', 'integer', { batch_rows = 500 }) end,
}
