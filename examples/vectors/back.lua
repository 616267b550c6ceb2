-- JSON lines into pgvector, and an index for searches by cosine.
local lugger = require 'lugger'

return lugger.copy {
  name = 'docs back',
  from = lugger.source('docs.jsonl', { style = 'plain' }),
  into = lugger.target(lugger.env.PG_TARGET, { table = 'docs', key = 'id', on_conflict = 'update' }),
  columns = {
    { 'id',        'text' },
    { 'embedding', 'vector(4)' },
    { 'small',     'halfvec(4)' },
    { 'terms',     'sparsevec(1000)' },
    { 'flags',     'bit(4)' },
    { 'metadata',  'jsonb', json_null = true },
    { 'body',      'text' },
  },
  -- The metric is that of the manifest beside docs.jsonl.
  indexes = { { 'embedding', method = 'hnsw' } },
}
