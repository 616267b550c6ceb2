-- Customers from a spreadsheet that was saved as CSV.
local lugger = require 'lugger'

return lugger.copy {
  from = lugger.source 'emails.csv',
  into = lugger.target(lugger.env.PG_URI, { table = 'customers', key = 'customer' }),
  columns = {
    { 'customer', 'text' },
    { 'email', 'text', computed = true },
    { 'notes', 'text[]', computed = true },
  },
  unmapped = 'ignore',
  map = function(row, doc)
    row.email = 'old-' .. doc.email
    row.notes = { doc.note }
  end,
}
