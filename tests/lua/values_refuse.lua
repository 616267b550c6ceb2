-- E4: constructors refuse what they cannot hold, by name and value; arithmetic and comparison go by type.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal
local null, decimal, date, int64 = lugger.null, lugger.decimal, lugger.date, lugger.int64

local function refused(text, make, ...)
  equal(check.raises(text, make, ...).code, 'coerce')
end

describe('test_e4', function()
  it('int64 refuses', function()
    refused('an int64 cannot be read from null', int64, null)
    refused('from true', int64, true)
    refused('from nil', int64, nil)
    refused('from a table', int64, {})
    refused('from 1e+19', int64, 1e19)
    refused('from -1e+19', int64, -1e19)
    refused('from 9.2233720368548e+18', int64, 2 ^ 63)
    refused('from nan', int64, 0 / 0)
    refused('from inf', int64, math.huge)
    refused('from 1.5', int64, 1.5)
    refused('"1.5"', int64, '1.5')
    refused('"9223372036854775808"', int64, '9223372036854775808')
    refused('from 18446744073709551615', int64, 18446744073709551615ULL)
    refused('from 2.5', int64, decimal '2.5')
    refused('from NaN', int64, decimal 'NaN')
    equal(int64(-2 ^ 63) == int64 '-9223372036854775808', true)
    equal(tostring(int64(decimal '9223372036854775807.00')), '9223372036854775807')
    equal(int64(5ULL) == 5, true)
    equal(int64 '-0' == 0, true)
    equal(int64(lugger.double(3)) == 3, true)
  end)

  it('dates refuse', function()
    refused('a date cannot be read from nan', date, 0 / 0)
    refused('from 1e+30', date, 1e30)
    refused('from -inf', date, -math.huge)
    refused('from null', date, null)
    refused('from true', date, true)
    refused('from nil', date, nil)
    refused('the day 30', date, { year = 2025, month = 2, day = 30 })
    refused('the month 0', date, { year = 2025, month = 0, day = 1 })
    refused('the hour 1.5', date, { year = 2025, month = 1, day = 1, hour = 1.5 })
    refused('the year nil', date, { month = 1, day = 1 })
    check.raises('did you mean month', date, { year = 2025, mont = 1, day = 1 })
    local day = date '2024-01-01'
    refused('moved by nan seconds', day.add, day, 0 / 0)
    refused('moved by null seconds', day.add, day, null)
    refused('moved by 1e+30 seconds', day.add, day, 1e30)
    refused('moved by nil seconds', day.add, day, nil)
    refused('1.5 months', day.add, day, { months = 1.5 })
    check.raises('did you mean months', day.add, day, { month = 1 })
    equal(tostring(date(1.5)), '1970-01-01T00:00:00.001500Z')
    equal(tostring(date { year = 2026, month = 2, day = 28, hour = 23, second = 1.5 }), '2026-02-28T23:00:01.500Z')
  end)

  it('others refuse', function()
    refused('the subtype 300', lugger.binary, 'x', 300)
    refused('the subtype -1', lugger.binary, 'x', -1)
    refused('the subtype 1.5', lugger.binary, 'x', 1.5)
    refused('a binary cannot be read from 5', lugger.binary, 5)
    refused('a double cannot be read from null', lugger.double, null)
    refused('"3"', lugger.double, '3')
    refused('a decimal cannot be read from null', decimal, null)
    refused('from true', decimal, true)
    -- Its digits are no number.
    refused('from 650000000000000000000000', decimal, lugger.objectid '650000000000000000000000')
    refused('element 2 of a vector cannot be "x"', lugger.vector, { 1, 'x' })
    refused('element 1 of a vector cannot be 1e+39', lugger.vector, { 1e39 })
    refused('element 1 of a vector cannot be null', lugger.vector, { null })
    refused('a vector cannot be read from null', lugger.vector, null)
    refused('an object id cannot be read from null', lugger.objectid, null)
    refused('a uuid cannot be read from null', lugger.uuid, null)
    refused('a name for uuid_v5', lugger.uuid_v5, lugger.uuid(), 5)
    refused('a uuid', lugger.uuid_v5, nil, 'x')
  end)

  it('dates minus numbers are dates, dates minus dates are seconds', function()
    local at = date '2026-03-11T09:30:00Z'
    equal(tostring(at - 86400), '2026-03-10T09:30:00Z')
    equal(tostring(at + 0.5), '2026-03-11T09:30:00.500Z')
    equal(tostring(1 + at), '2026-03-11T09:30:01Z')
    equal(at - date '2026-03-11', 34200)
    equal(date '1999-01-01' > lugger.now() - 86400, false)
    equal(lugger.now() > lugger.now() - 86400, true)
    equal(tostring(at - { months = 1 }), '2026-02-11T09:30:00Z')
    refused('added to a date', function() return at + at end)
    refused('subtracted from 5', function() return 5 - at end)
    refused('compared with 5', function() return at < 5 end)
    refused('compared with null', function() return at <= null end)
    equal(at < '2026-03-12', true)
    equal(at == 5, false)
    equal(tostring(date 'infinity' + 5), 'infinity')
    local day = date '2026-03-11'
    for _, second in ipairs { 1LL, 1ULL, decimal '1', decimal '1.00', lugger.double(1) } do
      equal(tostring(day + second), '2026-03-11T00:00:01Z')
      equal(tostring(day - second), '2026-03-10T23:59:59Z')
    end
    equal(tostring(1ULL + day), '2026-03-11T00:00:01Z')
    equal(tostring(day + decimal '0.25'), '2026-03-11T00:00:00.250Z')
    refused('moved by NaN seconds', function() return day + decimal 'NaN' end)
    refused('moved by Infinity seconds', function() return day - decimal 'Infinity' end)
    equal(date 'infinity' - at, math.huge)
    equal(date '-infinity':unix(), -math.huge)
  end)

  it('numbers of all types compare', function()
    local one = decimal '1'
    equal(decimal '0' == 0, true)
    equal(0 == decimal '0.00', true)
    equal(one == 1LL, true)
    equal(1LL == one, true)
    equal(one == lugger.double(1), true)
    equal(one ~= 2, true)
    equal(one < 2 and 2 > one and one <= 1 and 0 < one, true)
    equal(one < 2LL and 0LL < one, true)
    equal(decimal '0.1' == 0.1, true)
    equal(decimal(2 ^ 62) == int64(2 ^ 62), true)
    equal(one == '1', false)
    equal(one == nil, false)
    equal(one == null, false)
    equal(lugger.double(3) == 3, true)
    equal(lugger.double(3) < 4, true)
    equal(lugger.double(3) + 1, 4)
    refused('from "x"', function() return one < 'x' end)
  end)

  it('makes keys of values', function()
    local key = lugger.key
    local seen = { [key(lugger.objectid '650000000000000000000000')] = 1 }
    equal(seen[key(lugger.objectid '650000000000000000000000')], 1)
    equal(seen[key '650000000000000000000000'], nil)
    for _, same in ipairs { { 1, 1LL, decimal '1', decimal '1.00', lugger.double(1), 1ULL },
      { 0, -0.0, decimal '0.0', 0LL }, { 0.1, decimal '0.10' },
      { int64 '9007199254740993', decimal '9007199254740993' },
      { 2 ^ 62, int64(2 ^ 62), decimal(2 ^ 62) }, { 1e23, decimal '1e23' }, { 0 / 0, decimal 'NaN' },
      { math.huge, decimal 'Infinity' }, { date(5), date(5LL), date '1970-01-01T00:00:00.005Z' },
      { lugger.json.decode '{"a":1}', lugger.json.decode '{"a": 1}', { a = 1 } },
      { lugger.binary('x', 5), lugger.binary('x', 5) } } do
      for _, v in ipairs(same) do equal(key(v), key(same[1])) end
    end
    local all, count = {}, 0
    for _, v in ipairs { 1, 2, 1.5, '1', '$n:1', '$s:$n:1', '', true, false, null, 'null', date(1), date(1.5),
      lugger.uuid '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f', '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f', lugger.binary 'x',
      lugger.binary('x', 1), 'x', lugger.json.decode '{"a":1}', lugger.json.decode '[1]', lugger.vector { 1 }, 'a\0b',
      '\255', lugger.json.decode '{"$regularExpression":{"pattern":"x","options":""}}',
      lugger.coercer('interval'):coerce '1 day', int64 '9007199254740993', int64 '9007199254740992' } do
      if all[key(v)] then error('a second ' .. key(v)) end
      all[key(v)], count = true, count + 1
    end
    equal(count, 27)
    equal(key(lugger.objectid(('a'):rep(24))), lugger.id_text(lugger.objectid(('a'):rep(24))))
    check.raises('nil cannot be a key', key, nil)
    check.raises('a function cannot be a key', key, print)
  end)

  it('joins values with text', function()
    local id = lugger.objectid '650000000000000000000000'
    equal('x' .. id, 'x650000000000000000000000')
    equal(decimal '1.50' .. ' EUR', '1.50 EUR')
    equal('n' .. 5LL .. '!', 'n5!')
    equal(1 .. decimal '2', '12')
    equal(5LL .. decimal '2', '52')
    equal(('%s'):format(5LL), '5')
    equal(date '2026-03-11' .. '', '2026-03-11T00:00:00Z')
    equal(table.concat({ 1, decimal '2.0', 3LL, id }, ','), '1,2.0,3,' .. tostring(id))
    equal(table.concat({ 'a', 'b', 'c' }, '-', 2, 3), 'b-c')
    equal(table.concat({ 5LL, 'b', 'c' }, '-', 1, 2), '5-b')
    check.raises('null cannot be joined', function() return 'D-' .. null end)
    check.raises('null', function() return decimal '1' .. null end)
    check.raises('a nil', function() return decimal '1' .. nil end)
    check.raises('concat', table.concat, { {} })
    check.raises('concat', table.concat, { null })
  end)
end)
