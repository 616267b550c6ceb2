-- source:search over files: the exact neighbours, found in one pass.
local check = require 'check'
local lugger = require 'lugger'
local equal, raises = check.equal, check.raises

local function source_of(lines, options)
  local path = check.scratch 'search.jsonl'
  local file = assert(io.open(path, 'w'))
  file:write(table.concat(lines, '\n'), '\n')
  file:close()
  return lugger.source(path, options)
end

local words = {
  '{"_id": 1, "word": "cat", "live": true, "n": 0.1, "at": {"x": "a"}, "embedding": [0.9, 0.1, 0]}',
  '{"_id": 2, "word": "car", "live": false, "n": 2, "embedding": [0, 0.2, 0.9]}',
  '{"_id": 3, "word": "dog", "live": true, "n": 3, "embedding": [0.8, 0.3, 0.1]}',
  '{"_id": 4, "word": "an undescribed thing", "embedding": null}',
  '{"_id": 5, "word": "zeros", "embedding": [0, 0, 0]}',
}

local function keys(found)
  local out = {}
  for i, hit in ipairs(found) do out[i] = hit.key end
  return table.concat(out, ' ')
end

describe('search over files', function()
  it('finds the nearest first, with their other fields', function()
    local found = source_of(words):search({ 1, 0, 0 }, { k = 2 })
    equal(keys(found), '1 3')
    equal(found.metric, 'cosine')
    equal(found[1].doc.word, 'cat')
    equal(found[1].doc.at.x, 'a')
    equal(found[1].doc.embedding, nil)
    equal(('%.3f %.3f'):format(found[1].score, found[2].score), '0.994 0.930')
    equal(found.how, '4 vectors compared, 1 document without one')
  end)

  it('takes a vector as text', function()
    equal(keys(source_of(words):search(' [1, 0,0] ', { k = 2 })), '1 3')
    equal(keys(source_of(words):search('{1:1}/3', { k = 2 })), '1 3')
    raises('no element of a sparse vector of 3', function() source_of(words):search '{4:1}/3' end)
    raises('makes no vectors of texts', function() source_of(words):search '[1] of 3' end)
  end)

  it('gives fewer than k when there are fewer, and leaves out what has no score', function()
    equal(keys(source_of(words):search({ 1, 0, 0 })), '1 3 2')
    equal(keys(source_of(words):search({ 1, 0, 0 }, { metric = 'l2' })), '1 3 5 2')
    equal(keys(source_of(words):search({ 1, 0, 0 }, { metric = 'dot', k = 1 })), '1')
  end)

  it('prints as a table', function()
    local shown = tostring(source_of(words):search({ 1, 0, 0 }, { k = 2 }))
    equal(shown, table.concat({ '_id    cosine  word  live  n    at', '1    0.993884  cat   true  0.1  {"x":"a"}',
      '3    0.929981  dog   true  3', '(4 vectors compared, 1 document without one)' }, '\n'))
    equal(tostring(source_of(words):search({ 1, 0, 0 }, { filter = { word = 'ox' } })),
      'nothing found: 0 vectors compared')
  end)

  it('takes only what has the values of a filter', function()
    equal(keys(source_of(words):search({ 0, 0, 1 }, { filter = { live = true } })), '3 1')
    equal(keys(source_of(words):search({ 0, 0, 1 }, { filter = { n = 0.1 } })), '1')
    equal(keys(source_of(words):search({ 0, 0, 1 }, { filter = { ['at.x'] = 'a', live = true } })), '1')
    raises('tenat', function() source_of(words):search({ 0, 0, 1 }, { filter = { tenat = 'a' } }) end)
    raises('columns and values', function() source_of(words):search({ 0, 0, 1 }, { filter = { 'a' } }) end)
    raises('at is no text', function() source_of(words):search({ 0, 0, 1 }, { filter = { at = { x = 1 } } }) end)
  end)

  it('finds the field with vectors, also inside another', function()
    local found = source_of { '{"_id": 1, "meta": {"v": [1, 0]}}', '{"_id": 2, "meta": {"v": [0, 1]}}' }
      :search({ 0, 1 }, { k = 1 })
    equal(keys(found), '2')
    equal(found[1].doc.meta.v, nil)
    local two = source_of { '{"a": [1, 0], "b": [0, 1]}' }
    raises('several columns with vectors: a, b', function() two:search { 0, 1 } end)
    equal(#two:search({ 0, 1 }, { column = 'b' }), 1)
  end)

  it('keeps equal scores in their order', function()
    local lines = {}
    for i = 1, 300 do lines[i] = ('{"_id": %d, "v": [%d, 0]}'):format(i, i) end
    equal(keys(source_of(lines):search({ 1, 0 }, { k = 3 })), '1 2 3')
    equal(keys(source_of(lines):search({ 1, 0 }, { k = 3, metric = 'dot' })), '300 299 298')
  end)

  it('agrees with top_k', function()
    local vector = require 'lugger.vector'
    math.randomseed(7)
    local lines, vectors = {}, {}
    for i = 1, 500 do
      local numbers = {}
      for d = 1, 7 do numbers[d] = math.random() - 0.5 end
      vectors[i] = vector.of(numbers)
      for d = 1, 7 do numbers[d] = ('%.9g'):format(vectors[i][d]) end
      lines[i] = ('{"_id": %d, "v": [%s]}'):format(i, table.concat(numbers, ','))
    end
    local docs = source_of(lines)
    for _, metric in ipairs { 'cosine', 'dot', 'l2', 'l1' } do
      local wanted = vector.top_k(vectors, vectors[9], 20, { metric = metric })
      for i, hit in ipairs(docs:search(vectors[9], { k = 20, metric = metric })) do
        equal(hit.key, tostring(wanted[i].index))
        equal(hit.score, wanted[i].score)
      end
    end
  end)

  it('says what is wrong with a question', function()
    local docs = source_of(words)
    raises('embedding has 3', function() docs:search({ 1, 0 }) end)
    raises('has 3', function() docs:search({ 1, 0 }, { column = 'embedding' }) end)
    raises('holds no vectors', function() docs:search({ 1, 0 }, { column = 'word' }) end)
    raises('holds vectors', function() source_of { '{"a": 1}' }:search({ 1, 0 }) end)
    raises('makes no vectors of texts', function() docs:search('cat') end)
    raises('a vector or a text', function() docs:search(nil) end)
    raises('k is a whole number', function() docs:search({ 1, 0, 0 }, { k = 0 }) end)
    raises('near', function() docs:search({ 1, 0, 0 }, { metric = 'near' }) end)
    raises('kk', function() docs:search({ 1, 0, 0 }, { kk = 1 }) end)
  end)
end)
