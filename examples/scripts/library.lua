-- A module of one's own that loads whatever it is asked to, and one line that proves it.
local lugger = require 'lugger'

local function load_orders(from, into, table)
  return lugger.copy {
    from = lugger.source(from, { collection = 'acme.orders' }),
    into = lugger.target(into, { table = table, key = 'mongo_id', on_conflict = 'update' }),
    columns = { { 'mongo_id', 'text', from = '_id' }, { 'no', 'int8' } },
    unmapped = 'ignore',
  }
end

local job = load_orders('dump', lugger.env.PG_URI, 'library')
local result = job:run { create = true }
print(result.status, result.tally.read)
print(job:verify())

---@type boolean, any
local ok, err = pcall(function() return load_orders('nosuch', lugger.env.PG_URI, 'library'):run() end)
print(ok, err.code)
