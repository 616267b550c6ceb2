-- Vectors: whatever reads as one, arithmetic, the best k, the vectors of a batch.
local check = require 'check'
local lugger = require 'lugger'
local vector = require 'lugger.vector'
local equal = check.equal

local function near(found, wanted)
  if math.abs(found - wanted) > 1e-6 then error(('found %.9g, wanted %.9g'):format(found, wanted), 2) end
end

local function packed(hex)
  return lugger.binary((hex:gsub('%x%x', function(byte) return string.char(tonumber(byte, 16)) end)), 9)
end

local function places(matches)
  local out = {}
  for i, match in ipairs(matches) do out[i] = match.index end
  return out
end

-- A JSON Lines file of these documents.
local function source_of(lines)
  local path = check.scratch 'vectors.jsonl'
  local file = assert(io.open(path, 'w'))
  file:write(table.concat(lines, '\n'), '\n')
  file:close()
  return lugger.source(path), path
end

describe('vectors', function()
  it('are made of anything that reads as one', function()
    local doc = lugger.json.decode [[{"list": [1, -2, 0.5], "mixed": [1, {"$numberLong": "-2"},
      {"$numberDecimal": "0.5"}], "text": "[1, -2, 0.5]"}]]
    local wanted = lugger.vector { 1, -2, 0.5 }
    equal(vector.of { 1, -2, 0.5 }, wanted)
    equal(vector.of { 1, -2LL, lugger.decimal '0.5' }, wanted)
    equal(vector.of(doc.list), wanted)
    equal(vector.of(doc.mixed), wanted)
    equal(vector.of(doc.text), wanted)
    equal(vector.of(packed '27000000803f000000c00000003f'), wanted)
    equal(vector.of(packed '030001ff02'), lugger.vector { 1, -1, 2 })
    equal(vector.of(packed '1005a0'), lugger.vector { 1, 0, 1 })
    equal(vector.of(wanted), wanted)
    equal(vector.of(lugger.coercer('halfvec'):coerce { 1, -2, 0.5 }), wanted)
    equal(vector.of(lugger.coercer('sparsevec'):coerce { 0, 3, 0 }), lugger.vector { 0, 3, 0 })
    equal(vector.of(lugger.coercer('float8[]'):coerce { 1, -2, 0.5 }), wanted)
    equal(#vector.of {}, 0)
    local long = {}
    for i = 1, 5000 do long[i] = i end
    equal(vector.of(lugger.json.decode(lugger.json.encode { v = long }).v), lugger.vector(long))
  end)

  it('refuse what is none, and say why', function()
    local err = check.raises('cannot be read as a vector from a table', vector.of, { a = 1 })
    equal(err.code, 'coerce')
    check.raises('from nothing', vector.of)
    check.raises('from null', vector.norm, lugger.null)
    check.raises('from a number', vector.norm, 5)
    check.raises('from "abc": its text is not like [1,2.5]', vector.of, 'abc')
    check.raises('an element is not a number', vector.of, { 1, 'x' })
    check.raises('an element is not a number', vector.of, { 1, lugger.null, 2 })
    check.raises('its bytes are not valid', vector.of, packed '27000000803f00')
    check.raises('it is not an array of numbers', vector.of, lugger.binary 'abcd')
  end)

  it('compute', function()
    local a, b = { 3, 4 }, vector.of { 4, 3 }
    equal(vector.norm(a), 5)
    equal(vector.dot(a, b), 24)
    near(vector.cosine(a, b), 0.96)
    near(vector.l2(a, b), math.sqrt(2))
    equal(tostring(vector.normalise { 0, 5 }), '[0,1]')
    near(vector.norm(vector.normalise(a)), 1)
    equal(a[1], 3)
    vector.normalise(b)
    equal(b[1], 4)
  end)

  it('have distances of other kinds', function()
    local a, b = { 3, -4, 0, 1 }, vector.of { 1, 2, -1, 0.5 }
    equal(vector.l1(a, b), 9.5)
    equal(vector.hamming(a, b), 1)
    near(vector.jaccard(a, b), 1 - 2 / 3)
    equal(vector.jaccard({ 0, -1 }, { 0, 5 }), 1)
    local long, other = {}, {}
    for i = 1, 1537 do long[i], other[i] = i % 3 - 1, i % 2 end
    equal(vector.hamming(long, other), 769)
  end)

  it('make new ones and leave theirs alone', function()
    local v = vector.of { 1, -2.5, 300 }
    equal(vector.add(v, { 1, 1, 1 }), lugger.vector { 2, -1.5, 301 })
    equal(vector.scale(v, 0.5), lugger.vector { 0.5, -1.25, 150 })
    equal(vector.truncate(v, 2), lugger.vector { 1, -2.5 })
    equal(vector.mean { v, lugger.null, { 3, 0.5, 0 }, n = 4 }, lugger.vector { 2, -1, 150 })
    equal(vector.mean { n = 2 }, nil)
    equal(vector.quantise(v, 'int8'), lugger.vector { 1, -2, 127 })
    equal(vector.quantise(v, 'bit'), lugger.vector { 1, 0, 1 })
    equal(vector.quantise({ 0.1, 1e6 }, 'half')[1], 0.0999755859375)
    equal(vector.quantise({ 0.1, 1e6 }, 'half')[2], math.huge)
    equal(v, lugger.vector { 1, -2.5, 300 })
    check.raises('vector.mean: vectors[2] cannot be read', vector.mean, { v, 'x' })
    check.raises('vectors[2] has 1 dimensions, the first 3', vector.mean, { v, { 1 } })
    check.raises('the vector has 3 dimensions, and 4 are wanted', vector.truncate, v, 4)
    check.raises('the factor is nothing', vector.scale, v)
    check.raises('did you mean int8?', vector.quantise, v, 'int')
  end)

  it('of zeros have no direction; NaN spreads', function()
    equal(vector.normalise { 0, 0 }, lugger.vector { 0, 0 })
    local c = vector.cosine({ 0, 0 }, { 1, 1 })
    equal(c ~= c, true)
    local n = vector.dot({ 0 / 0, 1 }, { 1, 1 })
    equal(n ~= n, true)
  end)

  it('of NaN with other bits, which are other types to LuaJIT, hold NaN', function()
    for _, bits in ipairs { 'ffffffff', '0000ecff', '3412ecff', '0000d0ff', '3412a0ff', 'ffff8fff' } do
      local v = vector.of(packed('2700' .. bits .. bits))
      equal(type(v[2]), 'number')
      equal(v[2] ~= v[2], true)
    end
  end)

  it('of different dimensions are an error that names both', function()
    check.raises('vector.dot: the first vector has 2 dimensions, the second 3', vector.dot, { 1, 2 }, { 1, 2, 3 })
    check.raises('the first vector has 1 dimensions, the second 2', vector.cosine, { 1 }, { 1, 2 })
    check.raises('vectors[2] has 3 dimensions, the query 2', vector.top_k, { { 1, 2 }, { 1, 2, 3 } }, { 1, 1 }, 1)
  end)

  it('travel with a hook', function()
    local query = vector.of { 1, 2 }
    local job = lugger.copy {
      from = lugger.source(check.data 'mongo/users.bson'),
      into = lugger.target(check.scratch 'out.jsonl', { key = 'mongo_id' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'score', 'float8', from = 'none' },
        { 'v', 'vector(2)', from = 'nothing' } },
      map = function(row)
        row.score = vector.dot({ 10, 1 }, query)
        row.v = vector.normalise { 0, 2 }
      end,
    }
    check.same_list({ unpack(job:preview(1).documents[1].rows[1].values, 2) }, { '12', '[0,1]' })
  end)
end)

describe('vector.top_k', function()
  local set = { { 1, 0 }, { 0, 1 }, { 10, 10 }, { -1, 0 }, vector.of { 2, 0.1 } }

  it('gives places and scores, best first', function()
    local best = vector.top_k(set, { 1, 0 }, 3)
    check.same_list(places(best), { 1, 5, 3 })
    equal(best[1].score, 1)
    check.same_list(places(vector.top_k(set, { 1, 0 }, 2, { metric = 'dot' })), { 3, 5 })
    local nearest = vector.top_k(set, { 1, 0 }, 10, { metric = 'l2' })
    check.same_list(places(nearest), { 1, 5, 2, 4, 3 })
    near(nearest[3].score, math.sqrt(2))
    check.same_list(places(vector.top_k(set, { 1, 0 }, 2, { metric = 'l1' })), { 1, 5 })
    check.same_list(places(vector.top_k(set, { 1, -1 }, 2, { metric = 'hamming' })), { 1, 3 })
    check.same_list(places(vector.top_k(set, { 1, 1 }, 2, { metric = 'jaccard' })), { 3, 5 })
  end)

  it('passes over holes, NaN and zeros', function()
    check.same_list(places(vector.top_k({ nil, { 1, 1 }, lugger.null, { 0, 0 }, { 0 / 0, 1 }, { 2, 2.5 } }, { 1, 1 },
      10)), { 2, 6 })
    equal(#vector.top_k({}, { 1 }, 5), 0)
    equal(#vector.top_k({ n = 3 }, { 1 }, 5), 0)
  end)

  it('checks what it is given', function()
    check.raises('did you mean cosine?', vector.top_k, set, { 1, 0 }, 1, { metric = 'cosin' })
    check.raises('does not know the key "metrik"', vector.top_k, set, { 1, 0 }, 1, { metrik = 'l2' })
    check.raises('a whole number from 1 on, not 0', vector.top_k, set, { 1, 0 }, 0)
    check.raises('wants a list of vectors', vector.top_k, 'x', { 1, 0 }, 1)
    check.raises('the query cannot be read', vector.top_k, set, 'x', 1)
  end)
end)

describe('batch:vectors', function()
  it('gives the vectors of the documents, with holes', function()
    local source, path = source_of {
      '{"_id": 1, "embedding": [1, 0], "meta": {"v": [3]}}',
      '{"_id": 2}',
      '{"_id": 3, "embedding": null, "meta": 5}',
      '{"_id": 4, "embedding": {"$binary": {"base64": "JwAAAAAAAACAPw==", "subType": "09"}}, "meta": {"v": "[7]"}}',
      '{"_id": 5, "embedding": [2, 2]}' }
    local cursor = source:cursor()
    local batch = cursor:next()
    local vectors = batch:vectors 'embedding'
    equal(vectors.n, 5)
    equal(tostring(vectors[1]), '[1,0]')
    equal(vectors[2], nil)
    equal(vectors[3], nil)
    equal(tostring(vectors[4]), '[0,1]')
    local best = vector.top_k(vectors, { 1, 0.5 }, 2)
    check.same_list(places(best), { 5, 1 })
    equal(batch[best[1].index]._id, 5)
    local inner = batch:vectors 'meta.v'
    equal(tostring(inner[1]), '[3]')
    equal(inner[3], nil)
    equal(tostring(inner[4]), '[7]')
    check.raises('meta of document 1 cannot be read as a vector from a document', function() batch:vectors 'meta' end)
    check.raises('is not a path', function() batch:vectors '' end)
    cursor:next()
    equal(tostring(vectors[5]), '[2,2]')
    check.raises('batch used after', function() batch:vectors 'embedding' end)
    cursor:close()
    os.remove(path)
  end)

  it('serves the loop of a task', function()
    local source, path = source_of { '{"_id": "a", "embedding": [3, 4]}', '{"_id": "b", "embedding": [0, 2]}' }
    local out = check.scratch 'out.jsonl'
    local run = lugger.task('vectors ' .. out, function(task)
      local docs = task:cursor(source)
      local writer = task:writer(lugger.target(out, { key = 'id' }),
        { columns = { { 'id', 'text', from = '_id' }, { 'embedding', 'vector(2)' }, { 'place', 'int4' } } })
      for batch in docs:batches() do
        for place, match in ipairs(vector.top_k(batch:vectors 'embedding', { 0, 1 }, 10)) do
          local doc = batch[match.index]
          writer:add { id = doc._id, embedding = vector.normalise(doc.embedding), place = place }
        end
        writer:commit(batch:position())
      end
    end):start()
    local result = run:result()
    equal(result.error, '')
    local lines = {}
    for line in io.lines(out) do lines[#lines + 1] = line end
    check.same_list(lines, { '{"id":"b","embedding":[0,1],"place":1}', '{"id":"a","embedding":[0.6,0.8],"place":2}' })
    os.remove(out)
    os.remove(path)
  end)

  it('gives columns the types of the other extension', function()
    local columns = { { 'id', 'int8' }, { 'v', 'vector(3)', from = 'e' }, { 'h', 'halfvec' }, { 's', 'sparsevec(9)' },
      { 'b', 'bit(8)' }, { 'c', 'bit varying' } }
    local there = vector.retype(columns, 'vectors')
    local types = {}
    for i, column in ipairs(there) do types[i] = column[2] end
    equal(table.concat(types, ' '), 'int8 vectors.vector(3) vectors.vecf16 vectors.svector(9) vectors.bvector(8) ' ..
      'bit varying')
    equal(there[2].from, 'e')
    equal(columns[2][2], 'vector(3)')
    for i, column in ipairs(vector.retype(there, 'vector')) do equal(column[2], columns[i][2]) end
    equal(vector.retype({ { 'v', 'vectors.veci8(3)' } }, 'vector')[1][2], 'vector(3)')
    local ok, err = pcall(vector.retype, columns, 'pgvector')
    equal(ok, false)
    equal(err.code, 'config')
  end)
end)
