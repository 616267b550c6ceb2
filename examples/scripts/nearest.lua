-- The documents whose embeddings are nearest to one of them: lugger nearest.lua 7
local lugger, vector = require 'lugger', require 'lugger.vector'

local opt = lugger.options { number = { 'which one, from 1', argument = 1, type = 'int', default = 7 } }

local all, titles = {}, {}
for batch in lugger.source('dump', { collection = 'acme.embeddings' }):cursor():batches() do
  local found = batch:vectors 'e'
  for i, doc in ipairs(batch) do
    all[#all + 1] = vector.normalise(found[i])
    titles[#all] = doc.title
  end
end

for _, match in ipairs(vector.top_k(all, all[opt.number], 3, { metric = 'dot' })) do
  print(('%.4f  %s'):format(match.score, titles[match.index]))
end
