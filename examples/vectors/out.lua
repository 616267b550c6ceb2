-- A table with vectors as JSON lines, every bit of it.
local lugger = require 'lugger'

local docs = lugger.source(lugger.env.PG_URI, { table = 'docs', key = 'id' })

return lugger.copy {
  name = 'docs out',
  from = docs,
  into = lugger.target('docs.jsonl', { table = 'docs', key = 'id' }),
  columns = docs:columns(),
  manifest = { embedding = { model = 'words-4', metric = 'cosine' } },
}
