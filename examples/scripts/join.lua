-- Orders with the country they were sent to, and its VAT, from a table that stands in the database already.
local lugger = require 'lugger'

local db = lugger.session(lugger.env.PG_URI)
db:exec 'create table if not exists countries (code text primary key, name text not null, vat numeric not null)'
if db:value 'select count(*) from countries' == 0 then
  db:insert('countries', {
    { code = 'DE', name = 'Germany', vat = lugger.decimal '0.19' },
    { code = 'FR', name = 'France', vat = lugger.decimal '0.20' },
    { code = 'US', name = 'United States', vat = 0 },
    { code = 'JP', name = 'Japan', vat = lugger.decimal '0.10' },
    { code = 'CH', name = 'Switzerland', vat = lugger.decimal '0.081' },
  })
end
local countries = {} ---@type table<string, { name: string, vat: lugger.decimal }>
for row in db:each 'select code, name, vat from countries' do
  countries[row.code] = { name = row.name, vat = row.vat }
end
db:close()

return lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'orders_by_country', key = 'mongo_id' }),
  columns = {
    { 'mongo_id', 'text', from = '_id' },
    { 'no', 'int8' },
    { 'country', 'text' },
    { 'country_name', 'text', computed = true },
    { 'total', 'numeric(12,2)' },
    { 'vat', 'numeric(12,4)', computed = true },
  },
  unmapped = 'ignore',
  map = function(row)
    local code = row.country:upper():match '%a+'
    local country = countries[code]
    if not country then return lugger.reject('no country ' .. code) end
    row.country, row.country_name = code, country.name
    row.vat = (row.total * country.vat):round(4)
  end,
}
