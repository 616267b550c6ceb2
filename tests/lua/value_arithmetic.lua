-- Decimals and dates compute as PostgreSQL's numeric and timestamptz do.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal
local decimal, date = lugger.decimal, lugger.date

describe('decimals', function()
  it('divide', function()
    equal(tostring(decimal '10':div(3, 2)), '3.33')
    equal(tostring(decimal '10':div(4)), '2.5000000000000000')
    equal(tostring(decimal '1' / 3), '0.33333333333333333333')
    equal(tostring(2 / decimal '3'), '0.66666666666666666667')
    equal(tostring(decimal '-10':div(3, 0, 'floor')), '-4')
    equal(tostring(decimal '-10':div(3, 0)), '-3')
    equal(tostring(decimal '1':div('0.003', 1)), '333.3')
    equal(tostring(decimal '123456789012345678901234567890':div('987654321098765432109', 5)), '124999998.86094')
    equal(tostring(decimal '0':div(7, 2)), '0.00')
    equal(tostring(decimal '1e20':div('1e-5', 0)), '10000000000000000000000000')
    check.raises('division of 5 by zero', function() return decimal '5' / 0 end)
    check.raises('division of 5 by zero', decimal '5'.div, decimal '5', decimal '0.00', 2)
    check.raises('the scale 1.5', decimal '5'.div, decimal '5', 2, 1.5)
    check.raises('the scale -1', decimal '5'.div, decimal '5', 2, -1)
    check.raises('no rounding "banker"', decimal '5'.div, decimal '5', 2, 0, 'banker')
    check.raises('from null', decimal '5'.div, decimal '5', lugger.null)
  end)

  it('round', function()
    local expected = {
      -- value, half_up, half_even, half_down, up, down, floor, ceiling
      { '2.5', '3', '2', '2', '3', '2', '2', '3' }, { '-2.5', '-3', '-2', '-2', '-3', '-2', '-3', '-2' },
      { '3.5', '4', '4', '3', '4', '3', '3', '4' }, { '2.51', '3', '3', '3', '3', '2', '2', '3' },
      { '0.1', '0', '0', '0', '1', '0', '0', '1' }, { '-0.1', '0', '0', '0', '-1', '0', '-1', '0' },
      { '0.5', '1', '0', '0', '1', '0', '0', '1' }, { '9.5', '10', '10', '9', '10', '9', '9', '10' },
      { '2', '2', '2', '2', '2', '2', '2', '2' },
    }
    for _, case in ipairs(expected) do
      for i, mode in ipairs { 'half_up', 'half_even', 'half_down', 'up', 'down', 'floor', 'ceiling' } do
        equal(mode .. ' ' .. tostring(decimal(case[1]):round(0, mode)), mode .. ' ' .. case[i + 1])
      end
    end
    equal(tostring(decimal '1.5':round(3)), '1.500')
    equal(tostring(decimal '1550':round(-2)), '1600')
    equal(tostring(decimal '49':round(-2)), '0')
    equal(tostring(decimal '1.005':round(2)), '1.01')
    equal(tostring(decimal 'NaN':round(2)), 'NaN')
    equal(tostring(decimal '7.9':round()), '8')
    equal(tostring(decimal '-7.9':abs()), '7.9')
    equal(tostring(decimal '7.9':abs()), '7.9')
  end)

  it('have a remainder with the sign of the dividend', function()
    equal(tostring(decimal '7' % 3), '1')
    equal(tostring(decimal '-7' % 3), '-1')
    equal(tostring(7 % decimal '-3'), '1')
    equal(tostring(decimal '10.50' % '0.4'), '0.10')
    equal(tostring(decimal '1e30' % 7), '1')
    equal(tostring(decimal '5' % decimal 'Infinity'), '5')
    check.raises('division of 5 by zero', function() return decimal '5' % 0 end)
  end)

  it('refuse a result with more digits before the point than numeric holds', function()
    local large, range = decimal '9e131071', 'out of the range of numeric (131072 digits before the point)'
    check.raises(range, function() return large * 10 end)
    check.raises(range, function() return large + large end)
    check.raises(range, function() return -large - large end)
    check.raises(range, function() return decimal '1e65536' * decimal '1e65536' end)
    check.raises(range, function() return large / 0.1 end)
    check.raises(range, function() return large:round(-131071 + 130100):round(-1000) * 2 end)
    equal(large - large, decimal(0))
    equal(large * 1, large)
    equal(decimal '0e5' * large, decimal(0))
    equal(tostring(decimal '1e-9000' * decimal '1e-9000'):find '[1-9]', nil)
  end)

  it('compute with infinities', function()
    local endless = decimal 'Infinity'
    equal(tostring(1 + endless), 'Infinity')
    equal(tostring(-endless), '-Infinity')
    equal(tostring(endless - endless), 'NaN')
    equal(tostring(endless * -2), '-Infinity')
    equal(tostring(endless * 0), 'NaN')
    equal(tostring(1 / endless), '0')
    equal(tostring(endless:div(2, 3)), 'Infinity')
    equal(tostring(decimal 'NaN' / 0), 'NaN')
    equal(tostring((-endless):abs()), 'Infinity')
    check.raises('division of Infinity by zero', function() return endless / 0 end)
  end)

  it('round and divide what documents hold', function()
    local doc = lugger.json.decode '{"p":{"$numberDecimal":"1E+3"},"q":{"$numberDecimal":"2.345"}}'
    equal(tostring(doc.p / 3), '333.3333333333333333')
    equal(tostring(doc.q:round(2, 'half_even')), '2.34')
    equal(doc.p:format { thousands = "'" }, "1'000")
  end)

  it('format', function()
    local d = decimal '1234567.895'
    equal(d:format(), '1234567.895')
    equal(d:format(2), '1234567.90')
    equal(d:format { scale = 2, decimal = ',', thousands = '.' }, '1.234.567,90')
    equal(d:format { scale = 0, thousands = '%' }, '1%234%568')
    equal(decimal '-123':format { thousands = ',' }, '-123')
    equal(decimal '-123456':format { thousands = ',' }, '-123,456')
    equal(decimal 'Infinity':format(2), 'Infinity')
    check.raises('did you mean decimal', d.format, d, { decimel = ',' })
  end)
end)

describe('unsigned integers', function()
  it('are stored where they fit', function()
    local most = 18446744073709551615ULL
    local function coerced(type, v)
      return tostring(lugger.coercer(type):coerce(v))
    end
    equal(coerced('int8', 5ULL), '5')
    equal(lugger.coercer('int8'):coerce(9223372036854775807ULL), 9223372036854775807LL)
    equal(coerced('numeric', most), '18446744073709551615')
    equal(coerced('text', most), '18446744073709551615')
    equal(coerced('float8', 2ULL), '2')
    equal(select(2, lugger.coercer('int8'):try_coerce(most)).code, 'coerce')
    equal(lugger.json.encode({ a = most, b = 5ULL }, 'plain'), '{"a":18446744073709551615,"b":5}')
    equal(lugger.json.decode '{}':with { a = 5ULL }:json 'canonical', '{"a":{"$numberLong":"5"}}')
    equal(lugger.type(most), 'uint64')
  end)
end)

describe('dates', function()
  it('have fields', function()
    local at = date '2024-02-29T23:59:58.123456Z'
    local fields = {}
    for _, name in ipairs { 'year', 'month', 'day', 'hour', 'minute', 'second', 'microsecond', 'weekday', 'yearday' } do
      fields[#fields + 1] = at[name]
    end
    check.same_list(fields, { 2024, 2, 29, 23, 59, 58, 123456, 4, 60 })
    local before = date '1969-12-31T23:59:59.999Z'
    check.same_list({ before.year, before.month, before.day, before.second, before.microsecond, before.weekday },
      { 1969, 12, 31, 59, 999000, 3 })
    equal(date '0001-01-01'.year, 1)
    equal(date '+12026-01-01'.year, 12026)
    equal(at.nothing, nil)
    check.raises('infinity has no calendar day', function() return date 'infinity'.year end)
  end)

  it('move as intervals do', function()
    local at = date '2024-01-31T12:00:00Z'
    equal(tostring(at:add { months = 1 }), '2024-02-29T12:00:00Z')
    equal(tostring(at:add { months = 13 }), '2025-02-28T12:00:00Z')
    equal(tostring(at - { months = 2 }), '2023-11-30T12:00:00Z')
    equal(tostring(at:add { years = 1, days = 1, hours = 12 }), '2025-02-02T00:00:00Z')
    equal(tostring(at:add { weeks = -1, minutes = 0.5 }), '2024-01-24T12:00:30Z')
    equal(tostring(at + { days = 1 }), '2024-02-01T12:00:00Z')
    local day = lugger.coercer('date'):coerce '2024-01-31'
    equal(tostring(day:add { months = 1 }), '2024-02-29')
    equal(tostring(day + 3600), '2024-01-31T01:00:00Z')
    equal(tostring(date 'infinity':add { months = 1 }), 'infinity')
  end)

  it('are cut', function()
    local at = date '2026-08-13T09:31:45.678901Z' -- a Thursday
    for unit, text in pairs { year = '2026-01-01T00:00:00Z', quarter = '2026-07-01T00:00:00Z',
      month = '2026-08-01T00:00:00Z', week = '2026-08-10T00:00:00Z', day = '2026-08-13T00:00:00Z',
      hour = '2026-08-13T09:00:00Z', minute = '2026-08-13T09:31:00Z', second = '2026-08-13T09:31:45Z' } do
      equal(tostring(at:trunc(unit)), text)
    end
    equal(tostring(date '1969-12-31T23:59:59Z':trunc 'day'), '1969-12-31T00:00:00Z')
    equal(tostring(lugger.coercer('date'):coerce '2024-01-31':trunc 'month'), '2024-01-01')
    check.raises('no unit "decade"', at.trunc, at, 'decade')
  end)

  it('are written by a pattern', function()
    local at = date '2026-03-01T09:30:05.5Z'
    equal(at:format '%d.%m.%Y %H:%M', '01.03.2026 09:30')
    equal(at:format '%S.%f %%f', '05.500000 %f')
    equal(at:format(), '2026-03-01T09:30:05.500Z')
    equal(date '1900-01-01':format '%Y', '1900')
    check.raises('no pattern', at.format, at, '*t')
    check.raises('no pattern', at.format, at, 5)
  end)
end)
