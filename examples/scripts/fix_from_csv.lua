-- New addresses from a spreadsheet: previewed without --apply, undone by lugger undo.
local lugger = require 'lugger'

local emails = {}
for row in lugger.csv.rows 'emails.csv' do emails[row.customer] = row.email end

return lugger.fix {
  on = lugger.target(lugger.env.PG_URI, { table = 'customers', key = 'customer' }),
  set = { 'email', 'notes' },
  map = function(row)
    local email = emails[row.customer]
    if not email then return end
    local notes = row.notes
    notes[#notes + 1] = 'was ' .. row.email
    row.email, row.notes = email, notes
  end,
}
