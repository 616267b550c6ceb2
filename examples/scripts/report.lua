-- Runs a job from Lua, shows a progress line of its own, and writes a report into the database.
local lugger = require 'lugger'

local job = lugger.copy {
  from = lugger.source('dump', { collection = 'acme.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'reported', key = 'mongo_id', on_conflict = 'update' }),
  columns = { { 'mongo_id', 'text', from = '_id' }, { 'price', 'numeric(12,2)', from = 'price_text' } },
  unmapped = 'ignore',
}
local result = job:run { create = true, jobs = 1, on_progress = function(progress)
  io.stderr:write(('%s documents\n'):format(progress.read))
end }

local db = lugger.session(lugger.env.PG_URI)
db:exec 'create table if not exists report (run uuid primary key, read int8, rejected int8, reasons jsonb)'
local reasons = lugger.array {}
for reject in job:rejects() do
  reasons[#reasons + 1] = { id = reject.document_id, column = reject.column, code = reject.code }
end
db:insert('report', { { run = result.run, read = result.tally.read, rejected = result.tally.rejected,
  reasons = reasons } })
print(result.status, result.tally.read, #reasons)
