-- Lua's protocols over batches, documents and arrays; documents that are changed and keep the rest.
local check = require 'check'
local lugger = require 'lugger'
local equal, decode = check.equal, lugger.json.decode

local function canonical(v)
  return lugger.json.encode(v, 'canonical')
end

local function batch_of_ten()
  return lugger.source(check.data 'mongo/users.bson'):cursor { batch_rows = 10 }:next()
end

-- A BSON file of one document with these elements, read.
local function from_bson_file(elements)
  local path = check.scratch 'bits.bson'
  local file = assert(io.open(path, 'wb'))
  file:write(string.char(#elements + 5, 0, 0, 0), elements, '\0')
  file:close()
  return lugger.source(path):cursor():next()[1]
end

local function bytes_of(hex)
  return (hex:gsub('%x%x', function(byte) return string.char(tonumber(byte, 16)) end))
end

describe('numbers', function()
  it('that are NaN with other bits, which are other types to LuaJIT, are NaN', function()
    for _, bits in ipairs { 'ffffffffffffffff', 'e8beadde0080fdff', '785634120000faff', '705634120080feff',
      '010000000000f07f', '000000000000f8ff' } do
      local doc = from_bson_file('\1v\0' .. bytes_of(bits) .. '\4l\0\16\0\0\0\0010\0' .. bytes_of(bits) .. '\0')
      for _, v in ipairs { { doc.v }, { doc.l[1] }, { doc:totable().v }, { doc:copy():get 'l.0' } } do
        equal(type(v[1]), 'number')
        equal(v[1] ~= v[1], true)
      end
    end
    for _, bits in ipairs { 'ffffffff', '0000ecff', '3412ecff', '0000d0ff', '0000a0ff' } do
      local held = 'lugger vector\0' .. bytes_of(bits):rep(3)
      local v = from_bson_file('\5v\0' .. string.char(#held) .. '\0\0\0\229' .. held).v
      equal(#v, 3)
      equal(type(v[2]), 'number')
      equal(v[2] ~= v[2], true)
    end
  end)
end)

describe('test_e5', function()
  it('a batch has a length, and goes through ipairs and pairs', function()
    local batch, count = batch_of_ten(), 0
    equal(#batch, 10)
    for i, doc in ipairs(batch) do
      count = count + 1
      equal(i, count)
      equal(doc.email, batch[i].email)
    end
    equal(count, 10)
    for i, doc in pairs(batch) do equal(doc == batch[i], true) end
    equal(batch[11], nil)
    equal(batch[0], nil)
    check.raises('read only', function() batch.x = 1 end)
  end)

  it('a batch that is held stays, whatever becomes of its cursor', function()
    local batch = batch_of_ten()
    collectgarbage()
    collectgarbage()
    equal(batch[1].email, 'u0@example.test')
    equal(#batch, 10)
  end)

  it('what is left of a batch fails by name', function()
    local cursor = lugger.source(check.data 'mongo/users.bson'):cursor { batch_rows = 10 }
    local batch = cursor:next()
    local doc = batch[1]
    cursor:next()
    check.raises('batch used after its cursor went on', function() return #batch end)
    check.raises('batch used after its cursor went on', function() for _ in ipairs(batch) do error 'no' end end)
    check.raises('document used after its batch', function() return pairs(doc) end)
    check.raises('document used after its batch', function() return doc:get 'a.b' end)
  end)

  it('documents and arrays go through pairs, ipairs, # and table.concat', function()
    local doc = decode '{"z":1,"a":null,"list":["x","y",{"$numberLong":"7"},null]}'
    local names = {}
    for name, v in pairs(doc) do names[#names + 1] = name .. '=' .. tostring(v) end
    check.same_list(names, { 'z=1', 'a=null', 'list=["x","y",7,null]' })
    local seen = {}
    for i, v in ipairs(doc.list) do seen[i] = tostring(v) end
    check.same_list(seen, { 'x', 'y', '7', 'null' })
    for i in ipairs(doc) do error('a document has no element ' .. i) end
    equal(#doc, 3)
    equal(#doc.list, 4)
    equal(table.concat(decode '["a","b",3]', ', '), 'a, b, 3')
    equal(table.concat(decode '[]', ', '), '')
    equal(table.concat(decode '["a","b","c"]', '', 2, 3), 'bc')
    equal('tags ' .. decode '["a"]', 'tags ["a"]')
    local sum = 0
    for _, v in ipairs(lugger.vector { 1, 2.5 }) do sum = sum + v end
    equal(sum, 3.5)
  end)
end)

describe('test_e13', function()
  it('fields come before methods', function()
    local doc = decode '{"_id":1,"fields":["a"],"copy":null,"json":"{}","get":1,"has":2,"totable":3,"with":4}'
    equal(#doc.fields, 1)
    equal(doc.copy, lugger.null)
    equal(doc.json, '{}')
    for name, v in pairs(doc) do equal(doc[name] == v, true) end
    equal(tostring(doc):sub(1, 8), '{"_id":1')
    equal(lugger.json.encode(doc), tostring(doc))
    equal(lugger.doc.get(doc, 'fields.0'), 'a')
    equal(lugger.doc.has(doc, 'copy'), true)
    equal(lugger.doc.copy(doc) == doc, true)
    equal(lugger.doc.totable(doc).totable, 3)
    equal(lugger.doc.with(doc, { copy = 6 }).copy, 6)
    equal(require 'lugger.doc', lugger.doc)
  end)

  it('a method stands where there is no field', function()
    local doc = decode '{"a":1}'
    equal(doc:get 'has', nil)
    equal(doc:has 'has', false)
    check.raises('call it with a colon', function() return doc.has 'a' end)
    check.raises([[the document has no field "copy"]], lugger.json.encode, { v = doc.copy })
  end)

  it('is reached from a hook', function()
    local of = lugger.doc
    local preview = lugger.copy {
      from = lugger.source(check.data 'mongo/users.bson'),
      into = lugger.target(check.scratch 'e13.jsonl', { key = 'mongo_id' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'name', 'text' } },
      map = function(row, doc)
        row.name = tostring(of.get(doc, 'address.city')) .. tostring(doc:get 'no.such.path')
      end,
    }:preview(1)
    equal(preview.documents[1].rows[1].values[2]:sub(-3), 'nil')
  end)
end)

describe('paths', function()
  it('are dotted, count from 0 and stop at what is missing', function()
    local doc = decode '{"a":{"b":[{"c":5},null]},"x.y":1,"n":null,"":8}'
    equal(doc:get 'a.b.0.c', 5)
    equal(doc:get 'a.b.1', lugger.null)
    equal(doc:get 'a.b.1.c', nil)
    equal(doc:get 'a.b.7.c', nil)
    equal(doc:get 'n.deep.er', nil)
    equal(doc:get [[x\.y]], 1)
    equal(doc['x.y'], 1)
    equal(doc:get '', 8)
    equal(doc:has 'a.b.0', true)
    equal(doc:has 'a.c', false)
    equal(doc.a.b:get(1).c, 5)
    equal(doc.a.b:get '0.c', 5)
    check.raises('"a..b" is not a path', doc.get, doc, 'a..b')
    check.raises('null is not a path', doc.get, doc, lugger.null)
  end)
end)

local all_types = [[{"_id":{"$oid":"64f1c0aabbccddeeff001122"},"f":{"$numberDouble":"3.0"},"n":{"$numberLong":"5"},
  "i":{"$numberInt":"7"},"arr":[{"$numberDouble":"1.0"},{"$numberDouble":"2.5"}],"mix":[{"$numberLong":"1"},"x"],
  "d":{"$numberDecimal":"1E+3"},"at":{"$date":{"$numberLong":"5"}},"u":{"$undefined":true},"nul":null,
  "r":{"$regularExpression":{"pattern":"x","options":"i"}},"t":{"$timestamp":{"t":1,"i":2}},
  "b":{"$binary":{"base64":"AQI=","subType":"80"}},"min":{"$minKey":1},"c":{"$code":"x"},"s":{"$symbol":"y"},
  "neg":{"$numberDouble":"-0.0"},"nan":{"$numberDouble":"NaN"},"e":{},"l":[],"z":{"y":{"$numberInt":"1"},"b":"2"}}]]

describe('test_e6', function()
  it('totable and back keeps types and order', function()
    local doc = decode(all_types)
    equal(canonical(doc:totable()), doc:json 'canonical')
    equal(lugger.id_text(decode '{"_id":{"z":1,"a":2}}'._id:totable()), '$o:{"z":1,"a":2}')
  end)

  it('a field that is changed keeps its numeric type', function()
    local t = decode('{"n":{"$numberLong":"5"},"f":{"$numberDouble":"3.0"},"i":1,"l":[{"$numberDouble":"1.0"}]}')
      :totable()
    t.n, t.f, t.i, t.l[2] = t.n + 1, 4, 2, 9
    equal(canonical(t), '{"n":{"$numberLong":"6"},"f":{"$numberDouble":"4.0"},"i":{"$numberInt":"2"},'
      .. '"l":[{"$numberDouble":"1.0"},{"$numberDouble":"9.0"}]}')
    t.n, t.f = 1.5, nil
    equal(canonical(t):sub(1, 31), '{"n":{"$numberDouble":"1.5"},"i')
  end)

  it('changes are named by fields', function()
    local doc = decode '{"a":{"b":1}}'
    for _, changes in ipairs { { 'qty' }, { [1] = 'a' }, { [true] = 1 } } do
      local problem = check.raises('doc:with wants names of fields', function() doc:with(changes) end)
      equal(problem.hint ~= nil, true)
    end
    equal(canonical(decode '["a","b"]':with { 'c' }), '["c","b"]')
    check.raises('wants names of fields', function() decode '["a"]':with { [true] = 1 } end)
  end)

  it('an empty table takes the kind of what it replaces', function()
    local doc = decode '{"lines":[1],"none":[],"sub":{"a":[2],"b":{"c":1}},"all":[[1],[2]],"t":"x"}'
    local changed = doc:with { lines = {}, none = {}, ['sub.a'] = {}, ['sub.b'] = {}, ['all.0'] = {}, t = {}, new = {} }
    equal(canonical(changed),
      '{"lines":[],"none":[],"sub":{"a":[],"b":{}},"all":[[],[{"$numberInt":"2"}]],"t":{},"new":{}}')
    equal(canonical(doc:with { lines = lugger.document {} }):match '"lines":{}', '"lines":{}')
    local edited = doc:edit(function(t)
      t.lines, t.none, t.sub.a, t.sub.b, t.all[1], t.t, t.new = {}, {}, {}, {}, {}, {}, {}
    end)
    equal(canonical(edited), canonical(changed))
    equal(canonical(doc:edit(function(t) t.lines = { a = 1 } t.none = lugger.document {} end)):sub(1, 50),
      '{"lines":{"a":{"$numberInt":"1"}},"none":{},"sub":')
  end)

  it('an edit leaves no gap in a list', function()
    local doc = decode '{"a":{"b":[1,2,3],"c":[{"d":["x","y"]}]}}'
    local function refused(change) return check.raises('is a list with nothing at', function() doc:edit(change) end) end
    equal(refused(function(t) t.a.b[5] = 1 end).message, '"a.b" is a list with nothing at 4')
    equal(refused(function(t) t.a.b[2] = nil end).message, '"a.b" is a list with nothing at 2')
    equal(refused(function(t) t.a.c[1].d[4] = 'z' end).message, '"a.c.0.d" is a list with nothing at 3')
    equal(refused(function(t) t.new = { 'x', nil, 'y' } end).message, '"new" is a list with nothing at 2')
    equal(canonical(decode '[1]':edit(function(t) t[2] = lugger.null end)), '[{"$numberInt":"1"},null]')
    check.raises('is a list with nothing at 2', function() decode '["a"]':edit(function(t) t[3] = 'c' end) end)
    equal(tostring(doc:edit(function(t) t.a.b[4] = 4 table.remove(t.a.b, 1) end).a.b), '[2,3,4]')
  end)

  it('an edit gives back the table that it was given, or nothing', function()
    local doc = decode '{"a":1}'
    check.raises('the function of doc:edit returned a table', function()
      doc:edit(function() return { a = 1 } end)
    end)
    equal(canonical(doc:edit(function(t) t.a = 'x' return t end)), '{"a":"x"}')
  end)

  it('an edit by a function keeps the rest', function()
    local doc = decode(all_types)
    local text = doc:edit(function(t) t.z.y, t.i = 9, nil end):json 'canonical'
    equal(text, (doc:json 'canonical':gsub('"y":{"$numberInt":"1"}', '"y":{"$numberInt":"9"}')
      :gsub('"i":{"$numberInt":"7"},', '')))
  end)

  it('tables keep their types on the way to a worker', function()
    local t = decode '{"b":{"$numberLong":"5"},"a":[{"$numberDouble":"2.0"}]}':totable()
    local preview = lugger.copy {
      from = lugger.source(check.data 'mongo/users.bson'),
      into = lugger.target(check.scratch 'e6.jsonl', { key = 'mongo_id' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'name', 'text' } },
      map = function(row) row.name = require('lugger.json').encode(t, 'canonical') end,
    }:preview(1)
    equal(preview.documents[1].rows[1].values[2], '{"b":{"$numberLong":"5"},"a":[{"$numberDouble":"2.0"}]}')
  end)
end)

describe('doc:with', function()
  it('keeps what is not touched, byte by byte', function()
    local doc = decode(all_types)
    equal(doc:with {} == doc, true)
    local out = doc:with { ['z.b'] = 'D-1', e = lugger.remove }
    equal(out:json 'canonical', (doc:json 'canonical':gsub('"b":"2"', '"b":"D-1"'):gsub('"e":{},', '')))
    equal(out:with { ['z.b'] = '2' }:json 'canonical', (doc:json 'canonical':gsub('"e":{},', '')))
  end)

  it('keeps the type of a number', function()
    local doc = decode '{"n":{"$numberLong":"5"},"f":{"$numberDouble":"3.0"},"i":1,"s":"x"}'
    equal(doc:with { n = 6, f = 4, i = 2, s = 3 }:json 'canonical',
      '{"n":{"$numberLong":"6"},"f":{"$numberDouble":"4.0"},"i":{"$numberInt":"2"},"s":{"$numberInt":"3"}}')
    equal(doc:with { f = lugger.int64(4), n = 1.5 }:json 'canonical',
      '{"n":{"$numberDouble":"1.5"},"f":{"$numberLong":"4"},"i":{"$numberInt":"1"},"s":"x"}')
  end)

  it('adds, makes what lies on the way, and goes through arrays', function()
    local doc = decode '{"a":{"l":[1,{"q":2},3]}}'
    equal(tostring(doc:with { ['x.y.z'] = 1, b = lugger.null }), '{"a":{"l":[1,{"q":2},3]},"b":null,"x":{"y":{"z":1}}}')
    equal(tostring(doc:with { ['a.l.1.q'] = { k = 'v' } }), '{"a":{"l":[1,{"q":{"k":"v"}},3]}}')
    equal(tostring(doc:with { ['a.l.3'] = 4, ['a.l.4'] = 5 }), '{"a":{"l":[1,{"q":2},3,4,5]}}')
    equal(tostring(doc:with { ['a.l.0'] = lugger.remove }), '{"a":{"l":[{"q":2},3]}}')
    equal(tostring(doc.a.l:with { 7, [3] = 8 }), '[7,{"q":2},8]')
    equal(tostring(doc:with { ['no.such'] = lugger.remove, ['a.l.0.x'] = lugger.remove }), tostring(doc))
    equal(tostring(doc:with(lugger.document({ z = 1, y = 2 }, 'z y'))), '{"a":{"l":[1,{"q":2},3]},"z":1,"y":2}')
    equal(tostring(doc:with { [ [[a\.b]] ] = 1 }), '{"a":{"l":[1,{"q":2},3]},"a.b":1}')
  end)

  it('reads JSON that is nobody\'s Extended JSON with every digit', function()
    local plain = decode('{"a":{"$oid":"64f1c0aabbccddeeff001122"},"n":1.10,"w":1.0,"x":0.5}', 'plain')
    equal(tostring(plain.a['$oid']), '64f1c0aabbccddeeff001122')
    equal(tostring(plain.n), '1.10')
    equal(plain.x, 0.5)
    equal(plain:json 'plain', '{"a":{"$oid":"64f1c0aabbccddeeff001122"},"n":1.10,"w":1.0,"x":0.5}')
    equal(decode('null', 'plain'), lugger.null)
    equal(decode('false', 'plain'), false)
    check.raises('there is no style "typed"', decode, '{}', 'typed')
    check.raises('JSON, byte', decode, '{"a":NaN}', 'plain')
  end)

  it('leaves the last of several fields with the same name, which is the one that counts', function()
    local twice = lugger.json.decode '{"b":{"x":1},"b":{"y":2},"c":3}'
    equal(tostring(twice:with { ['b.x'] = 5 }), '{"b":{"y":2,"x":5},"c":3}')
    equal(tostring(twice:with { b = lugger.remove }), '{"c":3}')
    twice = require('lugger.inner.base.document').from_bson(
      '\19\0\0\0\16a\0\1\0\0\0\16a\0\2\0\0\0\0')
    equal(tostring(twice:with { a = 5 }), '{"a":5}')
    equal(tostring(twice:with { a = lugger.remove }), '{}')
  end)

  it('refuses', function()
    local doc = decode '{"a":"x","n":null,"l":[1]}'
    check.raises('"a.b": a is a string, which has no fields', doc.with, doc, { ['a.b'] = 1 })
    check.raises('"n.b": n is a null', doc.with, doc, { ['n.b'] = 1 })
    check.raises('"l.5": the array has 1 elements', doc.with, doc, { ['l.5'] = 1 })
    check.raises('changed twice', doc.with, doc, { l = 1, ['l.0'] = 2 })
    check.raises('has an empty name', doc.with, doc, { ['l..0'] = 2 })
    check.raises('wants a table, not 5', doc.with, doc, 5)
    check.raises('a function cannot be part', doc.with, doc, { a = print })
    check.raises('for doc:with alone', lugger.json.encode, { a = lugger.remove })
    check.raises('for doc:with alone', lugger.json.encode, lugger.remove)
  end)

  it('works on views, in hooks', function()
    local remove = lugger.remove
    local preview = lugger.copy {
      from = lugger.source(check.data 'mongo/users.bson'),
      into = lugger.target(check.scratch 'with.jsonl', { key = 'mongo_id' }),
      columns = { { 'mongo_id', 'text', from = '_id' }, { 'name', 'text' } },
      map = function(row, doc)
        local out = doc:with { ['address.city'] = 'D-' .. doc:get 'address.city', email = remove }
        row.name = tostring(out.address.city:sub(1, 2)) .. tostring(out.email)
      end,
    }:preview(1)
    equal(preview.documents[1].rows[1].values[2], 'D-nil')
  end)
end)
