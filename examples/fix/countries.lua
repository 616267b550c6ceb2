-- Country codes inside a jsonb column become upper case; nothing else of the document is touched.
local lugger = require 'lugger'

return lugger.fix {
  on = lugger.target(lugger.env.PG_URI, { table = 'customers', key = 'id' }),
  set = { 'profile.country' },
  map = function(row)
    local country = row['profile.country']
    if country then row['profile.country'] = country:upper() end
  end,
  throttle = { max_lag = '5s', max_lock_waits = 10, max_long_transaction = '10min' },
}
