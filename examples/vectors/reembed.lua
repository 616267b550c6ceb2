-- Texts of a table to vectors of another model, in a table beside it: docs/reembed.md.
local lugger = require 'lugger'

local model = lugger.embed {
  url = lugger.env.EMBED_URL, model = lugger.env.EMBED_MODEL, batch = 32, per_million = 0.02, max_usd = 1,
}

return lugger.copy {
  from = lugger.source(lugger.env.PG_URI, { table = 'docs' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'docs_new', key = 'id', on_conflict = 'update' }),
  columns = {
    { 'id', 'int8' },
    { 'body', 'text' },
    { 'embedding', 'vector(8)', from = 'body', embed = model },
  },
  indexes = { { 'embedding', method = 'hnsw', metric = 'cosine' } },
}
