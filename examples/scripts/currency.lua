-- Prices as people typed them, in two notations, and their worth in euros.
local lugger = require 'lugger'

local german = lugger.coercer('numeric(12,2)', { decimal = ',', thousands = '.' })
local english = lugger.coercer 'numeric(12,2)'
local rates = { EUR = lugger.decimal '1', USD = lugger.decimal '0.92', JPY = lugger.decimal '0.0061',
  CHF = lugger.decimal '1.05' }

return lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'prices', key = 'mongo_id' }),
  columns = {
    { 'mongo_id', 'text', from = '_id' },
    { 'typed', 'text', from = 'price_text' },
    { 'currency', 'text', from = 'cur' },
    { 'price', 'numeric(12,2)', computed = true },
    { 'euros', 'numeric(12,2)', computed = true },
  },
  unmapped = 'ignore',
  map = function(row)
    local text = row.typed:gsub('^%u+%s*', '')
    local price, err = (text:find(',', 1, true) and german or english):try_coerce(text)
    if err then return lugger.reject(err.message) end
    row.price, row.euros = price, (price * rates[row.currency]):round(2)
  end,
}
