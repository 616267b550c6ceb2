-- Telephone numbers that begin with 00 get a plus sign. `lugger run phones.lua` shows, `--apply` writes.
local lugger = require 'lugger'

return lugger.fix {
  on = lugger.target(lugger.env.PG_URI, { table = 'customers', key = 'id' }),
  where = "phone like '00%'",
  set = { 'phone' },
  max_rows = 500,
  map = function(row)
    row.phone = row.phone:gsub('^00', '+')
  end,
}
