-- A document is changed on its way into a jsonb column: what is not named keeps its types and order.
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'patched', key = 'mongo_id' }),
  columns = { { 'mongo_id', 'text', from = '_id' }, { 'doc', 'jsonb', from = '*' } },
  map = function(row, doc)
    local total = lugger.decimal '0'
    for _, line in ipairs(doc.lines) do total = total + line.price * line.qty end
    row.doc = row.doc:with {
      ['ship.zip'] = 'D-' .. doc.ship.zip,
      labels = doc.tags, tags = lugger.remove, w = lugger.remove,
      line_total = total,
    }
  end,
}
