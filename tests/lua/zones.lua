-- Dates in time zones: the same instant as clocks show it somewhere.
local check = require 'check'
local lugger = require 'lugger'
local equal = check.equal
local date, interval = lugger.date, lugger.interval

local function berlin(text)
  return date(text):in_zone 'Europe/Berlin'
end

describe('zones', function()
  it('show the local time', function()
    local at = berlin '2026-03-28T23:30:15.250001Z'
    check.same_list({ at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond, at.weekday,
      at.yearday }, { 2026, 3, 29, 0, 30, 15, 250001, 7, 88 })
    equal(at.zone, 'Europe/Berlin')
    equal(at.offset, 3600)
    equal(tostring(at), '2026-03-29T00:30:15.250001+01:00')
    equal(at:format '%d.%m.%Y %H:%M %z %Z %f', '29.03.2026 00:30 +0100 CET 250001')
    equal(berlin '2026-07-01':format '%H:%M %z %Z', '02:00 +0200 CEST')
    equal(date '2026-07-01'.zone, 'UTC')
    equal(date '2026-07-01':format '%z %Z', '+0000 UTC')
    equal(tostring(at:in_zone 'UTC'), '2026-03-28T23:30:15.250001Z')
    equal(at, date '2026-03-28T23:30:15.250001Z')
    equal(at - date '2026-03-28T23:30:15.250001Z', 0)
    equal(tostring(berlin '1880-01-01'), '1880-01-01T00:53:28+00:53:28')
    equal(date(tostring(at)), at)
    equal(tostring(date 'infinity':in_zone 'Europe/Berlin'), 'infinity')
    equal(lugger.key(at), lugger.key(at:in_zone 'UTC'))
  end)

  it('move by local time', function()
    local before = berlin '2026-03-28T12:00:00Z' -- 13:00, the day before clocks go forward
    equal(tostring(before + { days = 1 }), '2026-03-29T13:00:00+02:00')
    equal(tostring(before + { hours = 24 }), '2026-03-29T14:00:00+02:00')
    equal(tostring(before + 86400), '2026-03-29T14:00:00+02:00')
    equal(tostring(before - interval '1 mon'), '2026-02-28T13:00:00+01:00')
    equal(tostring(berlin '2026-10-24T23:30:00Z' + { days = 1 }), '2026-10-26T01:30:00+01:00')
    equal(tostring(before:trunc 'day'), '2026-03-28T00:00:00+01:00')
    equal(tostring(berlin '2026-03-29T12:00:00Z':trunc 'day'), '2026-03-29T00:00:00+01:00')
    equal(tostring(berlin '2026-07-01T12:00:00Z':trunc 'year'), '2026-01-01T00:00:00+01:00')
  end)

  it('read times that clocks skip, and those that they show twice, as PostgreSQL', function()
    local function at(hour, minute, day, month)
      return tostring(date { year = 2026, month = month, day = day, hour = hour, minute = minute,
        zone = 'Europe/Berlin' })
    end
    equal(at(1, 59, 29, 3), '2026-03-29T01:59:00+01:00')
    equal(at(2, 30, 29, 3), '2026-03-29T03:30:00+02:00') -- skipped
    equal(at(3, 0, 29, 3), '2026-03-29T03:00:00+02:00')
    equal(at(1, 59, 25, 10), '2026-10-25T01:59:00+02:00')
    equal(at(2, 30, 25, 10), '2026-10-25T02:30:00+01:00') -- twice: the second
    local first, second = berlin '2026-10-25T00:45:00Z', berlin '2026-10-25T01:45:00Z'
    equal(tostring(first), '2026-10-25T02:45:00+02:00')
    equal(tostring(first:trunc 'hour'), '2026-10-25T02:00:00+02:00')
    equal(tostring(second:trunc 'hour'), '2026-10-25T02:00:00+01:00')
    -- Days without midnight, and a day that was left out.
    equal(tostring(date { year = 2018, month = 11, day = 4, zone = 'America/Sao_Paulo' }), '2018-11-04T01:00:00-02:00')
    equal(tostring(date { year = 2011, month = 12, day = 30, hour = 12, zone = 'Pacific/Apia' }),
      '2011-12-31T12:00:00+14:00')
  end)

  it('and calendar days', function()
    local day = lugger.coercer('date'):coerce '2026-03-29'
    equal(day.zone, nil)
    equal(tostring(day:in_zone 'Europe/Berlin'), '2026-03-29T00:00:00+01:00')
    equal(tostring(day:in_zone 'UTC'), '2026-03-29T00:00:00Z')
    equal(tostring(berlin '2026-03-28T23:30:00Z':to_day()), '2026-03-29')
    equal(tostring(date '2026-03-28T23:30:00Z':to_day()), '2026-03-28')
    equal(tostring(date '-infinity':to_day()), '-infinity')
    equal(tostring(day + { days = 1 }), '2026-03-30')
    equal(day:to_day(), day)
  end)

  it('are known by name', function()
    local at = date '2026-03-29'
    local function hint(name)
      return check.raises('there is no time zone', at.in_zone, at, name).hint
    end
    equal(hint 'Europe/Berlim', 'did you mean Europe/Berlin?')
    equal(hint 'europe/berlin', 'did you mean Europe/Berlin?')
    equal(hint 'Berlin', 'did you mean Europe/Berlin?')
    equal(hint 'New York', 'did you mean America/New_York?')
    for _, name in ipairs { '', '../../../etc/passwd', '/etc/passwd', 'Europe', 'Fixed/UTC+01:00:00', 'posixrules' } do
      hint(name)
    end
    hint(5)
    hint(nil)
    check.raises('no time zone', date, { year = 2026, month = 1, day = 1, zone = 'Nowhere/Else' })
  end)

  it('are not part of what is stored', function()
    local at = berlin '2026-07-01T12:00:00Z'
    equal(lugger.json.encode({ at = at }), '{"at":{"$date":"2026-07-01T12:00:00Z"}}')
    equal(lugger.coercer('timestamp'):coerce(at), date '2026-07-01T12:00:00Z')
    equal(lugger.id_text(at), lugger.id_text(date '2026-07-01T12:00:00Z'))
    equal(lugger.json.decode '{}':with { at = at }.at.zone, 'UTC')
  end)
end)
