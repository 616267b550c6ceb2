-- Value fidelity: what Lua lacks is there, exact, printable, comparable.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal

describe('values', function()
  it('null is not nil', function()
    local doc = lugger.json.decode '{"a": null}'
    equal(doc.a, lugger.null)
    equal(doc.b, nil)
    equal(doc:has 'a', true)
    equal(doc:has 'b', false)
    equal(tostring(lugger.null), 'null')
    check.raises("field 'x' of null", function() return doc.a.x end)
  end)

  it('empty arrays and documents stay what they are', function()
    local text = '{"a":[],"d":{}}'
    local doc = lugger.json.decode(text)
    equal(lugger.type(doc.a), 'array')
    equal(lugger.type(doc.d), 'document')
    equal(lugger.json.encode(doc:totable()), text)
    equal(lugger.json.encode { a = lugger.array {}, d = {} }, text)
  end)

  it('int64 is exact', function()
    local doc = lugger.json.decode '{"big": {"$numberLong": "9007199254740993"}, "small": {"$numberLong": "5"}}'
    equal(type(doc.big), 'cdata')
    equal(tostring(doc.big), '9007199254740993')
    equal(doc.big == 9007199254740993LL, true)
    equal(('%d'):format(doc.big), '9007199254740993')
    equal(doc.small, 5)
    equal(tostring(lugger.int64 '-9223372036854775808'), '-9223372036854775808')
    check.raises('out of range', lugger.int64, '9223372036854775808')
    equal(lugger.json.encode({ n = doc.big }, 'canonical'), '{"n":{"$numberLong":"9007199254740993"}}')
  end)

  it('decimals are exact', function()
    local d = lugger.decimal
    equal(tostring(d '9.90' + d '0.10'), '10.00')
    equal(tostring(d '0.1' * d '0.2'), '0.02')
    equal(tostring(d '1' - d '1.5'), '-0.5')
    equal(tostring(d '-7.25' + 7), '-0.25')
    equal(d '1.0' == d '1', true)
    equal(d '1.0' < d '1.1', true)
    equal(d '-2' < d '1', true)
    equal(tostring(d(0.1)), '0.1')
    equal(d '12.5':number(), 12.5)
    check.raises('"12abc"', d, '12abc')
    local doc = lugger.json.decode '{"p": {"$numberDecimal": "12345678901234567890.123456789"}}'
    equal(tostring(doc.p), '12345678901234567890.123456789')
    equal(lugger.json.encode({ p = doc.p }, 'canonical'), '{"p":{"$numberDecimal":"12345678901234567890.123456789"}}')
  end)

  it('dates', function()
    local date = lugger.date '2026-03-11T09:30:00.123456+01:00'
    equal(tostring(date), '2026-03-11T08:30:00.123456Z')
    equal(tostring(date:add(0.876544)), '2026-03-11T08:30:01Z')
    equal(date == lugger.date '2026-03-11T08:30:00.123456Z', true)
    equal(lugger.date '2026-03-11' < date, true)
    equal(lugger.date '2026-03-12' - lugger.date '2026-03-11', 86400)
    equal(lugger.date(0):unix(), 0)
    equal(tostring(lugger.date(-1)), '1969-12-31T23:59:59.999Z')
    check.raises('2026-13-01', lugger.date, '2026-13-01')
  end)

  it('object ids, uuids, binaries', function()
    local id = lugger.objectid '64f1c0aabbccddeeff001122'
    equal(tostring(id), '64f1c0aabbccddeeff001122')
    equal(id == lugger.objectid(tostring(id)), true)
    equal(tostring(id:time()), '2023-09-01T10:44:58Z')
    check.raises('24 hex digits', lugger.objectid, 'x')
    equal(tostring(lugger.uuid '{0190F2C48A017CC398C4DC0C0C07398F}'), '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f')
    equal(lugger.uuid() ~= lugger.uuid(), true)
    equal(lugger.binary 'a\0b':bytes(), 'a\0b')
    equal(#lugger.binary 'a\0b', 3)
    equal(tostring(lugger.vector { 1, 2.5 }), '[1,2.5]')
  end)

  it('id text', function()
    equal(lugger.id_text(1), '$n:1')
    equal(lugger.id_text(lugger.objectid(('a'):rep(24))), ('a'):rep(24))
    equal(lugger.id_text(('a'):rep(24)), '$s:' .. ('a'):rep(24))
    equal(lugger.id_text('$x'), '$s:$x')
  end)
end)

describe('documents', function()
  it('keeps order, types and bytes', function()
    local text = '{"z":1,"a":{"$oid":"64f1c0aabbccddeeff001122"},"m":[1,"x",{"$numberDecimal":"1.50"}]}'
    local doc = lugger.json.decode(text)
    equal(tostring(doc), text)
    local names = {}
    for name in doc:fields() do names[#names + 1] = name end
    check.same_list(names, { 'z', 'a', 'm' })
    equal(doc.m[2], 'x')
    equal(#doc.m, 3)
    equal(doc.m[4], nil)
    equal(tostring(doc:copy()), text)
    equal(doc:copy() == doc, true)
  end)

  it('reaches fields named like methods', function()
    local doc = lugger.json.decode '{"copy": 7, "": 8}'
    equal(doc:get 'copy', 7)
    equal(doc:get '', 8)
  end)

  it('hides no field behind what is its own', function()
    local text = '{"data":1,"size":2,"format":3,"array":4,"generation":5,"shape":6,"batch":7}'
    local doc = lugger.json.decode(text)
    for name, v in doc:fields() do equal(doc[name], v) end
    equal(doc.data, 1)
    equal(doc.size, 2)
    equal(doc.batch, 7)
  end)

  it('is read only', function()
    check.raises('read only', function() lugger.json.decode('{}').a = 1 end)
  end)

  it('refuses what JSON and BSON cannot hold', function()
    check.raises('a function', lugger.json.encode, { f = print })
    local loop = {}
    loop.loop = loop
    check.raises('nested deeper', lugger.json.encode, loop)
    check.raises('NUL', lugger.json.encode, { ['a\0b'] = 1 })
  end)
end)

describe('coercers', function()
  it('are those of columns', function()
    local price = lugger.coercer('numeric(12,2)', { decimal = ',' })
    equal(tostring(price:coerce '9,99'), '9.99')
    local v, err = price:try_coerce '12abc'
    equal(v, nil)
    equal(err.code, 'coerce')
    equal(err.message, 'cannot read "12abc" as numeric(12,2)')
    equal(check.raises('12abc', price.coerce, price, '12abc').code, 'coerce')
    equal(lugger.coercer('int4'):coerce '42', 42)
    equal(lugger.coercer('text'):coerce(lugger.null), lugger.null)
    check.raises('did you mean decimal?', lugger.coercer, 'numeric', { decimel = ',' })
  end)
end)

describe('methods that a value does not have', function()
  it('name the nearest one', function()
    for _, case in ipairs {
      { lugger.decimal '1.5', 'decimal', 'rnd', 'did you mean decimal:round?' },
      { lugger.objectid '64f1c0aabbccddeeff001122', 'objectid', 'tiem', 'did you mean objectid:time?' },
      { lugger.double(1), 'double', 'numbr', 'did you mean double:number?' },
    } do
      local v, word, name, hint = unpack(case)
      local problem = check.raises(('%s has no "%s"'):format(word, name), function()
        return v[name]
      end)
      check.equal(problem.hint, hint)
    end
  end)
end)
