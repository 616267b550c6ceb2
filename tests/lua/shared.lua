-- lugger.shared: what is read from it is what was put in.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal

local function canonical(v)
  return lugger.json.encode(v, 'canonical')
end

describe('shared tables', function()
  it('keep marks, the order of fields, and numbers of hidden types', function()
    local held = {
      document = lugger.document({ b = 1, a = 2 }, 'b a'), list = lugger.array(), nested = { empty = lugger.array() },
      long = 5LL, big = lugger.int64 '9007199254740993', double = lugger.double(3),
      edited = lugger.json.decode '{"z":{"$numberLong":"7"},"d":{"$numberDouble":"3.0"},"l":[],"a":{}}':totable(),
      whole = lugger.json.decode '[{"$numberLong":"1"},{"$numberLong":"2"}]':totable(),
      decimal = lugger.decimal '1.50', nan = lugger.decimal 'NaN', at = lugger.date '2026-01-02T03:04:05.123456Z',
      day = lugger.date '2026-01-02', id = lugger.objectid '64f1c0aabbccddeeff001122', null = lugger.null,
      uuid = lugger.uuid '00112233-4455-6677-8899-aabbccddeeff', bytes = lugger.binary('x\0y', 5),
      doc = lugger.json.decode [[{"q":{"$timestamp":{"t":1,"i":2}},
        "r":{"$regularExpression":{"pattern":"a","options":"i"}}}]],
      text = 'a\0b', yes = true, no = false, fraction = 0.5,
    }
    local shared = lugger.shared(held)
    equal(canonical(shared), canonical(held))
    for name, v in pairs(held) do
      equal(canonical { shared[name] }, canonical { v })
      if type(v) ~= 'table' then equal(shared[name] == v or v ~= v or name == 'nan', true) end
    end
    equal(canonical(shared.nested), '{"empty":[]}')
    equal(canonical(shared.document), '{"b":{"$numberInt":"1"},"a":{"$numberInt":"2"}}')
    local json = canonical(shared.edited)
    equal(json, '{"z":{"$numberLong":"7"},"d":{"$numberDouble":"3.0"},"l":[],"a":{}}')
  end)

  it('may be marked themselves, and hold what is marked in lists', function()
    equal(canonical(lugger.shared(lugger.array())), '[]')
    equal(canonical(lugger.shared(lugger.array { lugger.array(), {} })), '[[],{}]')
    equal(canonical(lugger.shared(lugger.json.decode '{"b":1,"a":[]}':totable())), '{"b":{"$numberInt":"1"},"a":[]}')
  end)

  it('are stored in documents as what they were', function()
    local shared = lugger.shared { lines = lugger.array(), n = 5LL }
    local doc = lugger.json.decode '{"x":1}':with { s = shared.lines, t = shared }
    equal(doc:json 'canonical', '{"x":{"$numberInt":"1"},"s":[],"t":{"lines":[],"n":{"$numberLong":"5"}}}')
  end)
end)
