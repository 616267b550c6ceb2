-- A task: the same machinery as a job, written as a loop. Orders whose total is text are looked at one by one,
-- the others go as they come.
--   lugger run task.lua --into local:./pg --create
local lugger = require 'lugger'

local opt = lugger.options {
  dump = { 'the dump to read', type = 'path', default = 'shop/dump' },
}

local total = lugger.coercer('numeric(10,2)')

return lugger.task('order totals', function(task)
  local source = lugger.source(opt.dump, { collection = 'shop.orders' })
  local target = lugger.target(lugger.env.PG_URI, { table = 'order_totals', key = 'mongo_id', on_conflict = 'update' })
  local orders = task:cursor(source, { batch_rows = 50 })
  local out = task:writer(target, {
    columns = {
      { 'mongo_id', 'text', from = '_id' },
      { 'status',   'text' },
      { 'total',    'numeric(10,2)' },
    },
  })
  for batch in orders:batches() do
    if not batch:has_type('total', 'string') then
      out:write(batch)
    else
      for doc in batch:docs() do
        local value, err = total:try_coerce(doc.total)
        if value then
          out:add({ mongo_id = doc._id, status = doc.status, total = value }, doc)
        else
          out:reject(doc, err, 'total')
        end
      end
    end
    out:commit(batch)
  end
end)
