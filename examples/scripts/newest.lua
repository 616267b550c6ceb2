-- The newest order of each customer: a task, since a row is made of many documents.
local lugger = require 'lugger'

return lugger.task('newest', function(task)
  local orders = task:cursor(lugger.source('dump', { collection = 'acme.orders' }))
  local into = lugger.target(lugger.env.PG_URI, { table = 'newest', key = 'email', on_conflict = 'update' })
  local out = task:writer(into, {
    columns = { { 'email', 'text' }, { 'order_id', 'text' }, { 'no', 'int8' }, { 'tags', 'text[]' },
      { 'ship', 'jsonb' }, { 'at', 'timestamptz' } },
  })
  local newest = {} ---@type table<string, lugger.date>
  for batch in orders:batches() do
    for doc in batch:docs() do
      local email = doc.email:lower()
      local known = newest[email]
      if known and known >= doc.at then
        out:skip(doc, 'older')
      else
        newest[email] = doc.at
        out:add({ email = email, order_id = doc._id, no = doc.no, tags = doc.tags, ship = doc.ship, at = doc.at }, doc)
      end
    end
    out:commit(batch)
  end
end)
