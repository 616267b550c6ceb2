"""Intervals and dates in time zones compute as PostgreSQL does; local times are also those of zoneinfo."""
import random
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import harness
from harness import lugger
from postgres import Postgres

ZONES = ['Europe/Berlin', 'Europe/Dublin', 'Europe/Moscow', 'America/New_York', 'America/Sao_Paulo',
         'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'Pacific/Apia', 'Africa/Casablanca',
         'Asia/Beirut', 'UTC', 'America/St_Johns', 'Antarctica/Troll']
UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']
CASES = 200  # a zone
ISO = "to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

CHECK = r"""
local lugger = require 'lugger'
local bad = {}
local function same(what, found, wanted)
  if tostring(found) ~= tostring(wanted) then
    bad[#bad + 1] = ('%s: %s, not %s'):format(what, tostring(found), tostring(wanted))
  end
end
for line in io.lines 'cases' do
  local f = {}
  for field in line:gmatch '[^|]*' do if field ~= '' then f[#f + 1] = field end end
  check(f, same, line)
end
print(#bad == 0 and 'the same' or table.concat(bad, '\n', 1, math.min(#bad, 20)))
"""

IN_ZONES = r"""
local lugger = require 'lugger'
local function utc(text) return lugger.date(text):in_zone 'UTC' end
function _G.check(f, same, line)
  local zone, at, months, days, seconds, unit, moved, cut, shown = unpack(f)
  local year, month, day, hour, minute, made = unpack(f, 10)
  local there = lugger.date(at):in_zone(zone)
  local span = { months = tonumber(months), days = tonumber(days), seconds = tonumber(seconds) }
  same(line .. ' moved', there:add(span):in_zone 'UTC', utc(moved))
  same(line .. ' cut', there:trunc(unit):in_zone 'UTC', utc(cut))
  same(line .. ' shown', there:format '%Y-%m-%d %H:%M:%S', shown)
  same(line .. ' made', lugger.date { year = tonumber(year), month = tonumber(month), day = tonumber(day),
    hour = tonumber(hour), minute = tonumber(minute), zone = zone }:in_zone 'UTC', utc(made))
end
"""

INTERVALS = r"""
local lugger = require 'lugger'
local interval = lugger.interval
function _G.check(f, same, line)
  local a, b, number, sum, difference, product, quotient, order, epoch, parts, negative = unpack(f)
  local x, y, n = interval(a), interval(b), tonumber(number)
  same(line .. ' +', x + y, sum)
  same(line .. ' -', x - y, difference)
  same(line .. ' *', x * n, interval(product))
  same(line .. ' /', x / n, interval(quotient))
  same(line .. ' <', x < y and '<' or x == y and '=' or '>', order)
  same(line .. ' epoch', ('%.6f'):format(x:epoch()), epoch)
  same(line .. ' fields', ('%d %d %d %d %d %.6f'):format(x.years, x.months, x.days, x.hours, x.minutes,
    x.seconds), parts)
  same(line .. ' -', -x, negative)
end
"""


def around_changes(chosen, zone):
    """An instant; mostly near a change of the zone's clocks."""
    at = datetime(1972, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=chosen.randint(0, 70 * 365 * 86400))
    if chosen.random() < 0.3:
        return at
    place = ZoneInfo(zone)
    for _ in range(400):  # the next day on which the offset changes
        later = at + timedelta(days=1)
        if at.astimezone(place).utcoffset() != later.astimezone(place).utcoffset():
            break
        at = later
    return at + timedelta(minutes=chosen.randint(-60, 36 * 60))


def interval(chosen):
    parts = []
    if chosen.random() < 0.6:
        parts.append(f'{chosen.randint(-500, 500)} mons')
    if chosen.random() < 0.6:
        parts.append(f'{chosen.randint(-5000, 5000)} days')
    if chosen.random() < 0.7 or not parts:
        sign = chosen.choice(['', '-'])
        parts.append(f'{sign}{chosen.randint(0, 90)}:{chosen.randint(0, 59):02}:{chosen.randint(0, 59):02}'
                     + chosen.choice(['', f'.{chosen.randint(0, 999999):06}']))
    return ' '.join(parts)


class TimeArithmetic(unittest.TestCase):
    def told(self, script, cases):
        room = Path(harness.scratch())
        (room / 'cases').write_text('\n'.join(cases) + '\n', encoding='utf-8')
        (room / 'check.lua').write_text(script + CHECK, encoding='utf-8')
        return lugger('--lua', 'check.lua', cwd=room).out.strip()

    def test_zones_as_the_server(self):
        database, chosen, cases = Postgres().fresh(), random.Random(21), []
        for zone in ZONES:
            values = []
            for _ in range(CASES):
                at = around_changes(chosen, zone)
                local = (at + timedelta(hours=chosen.randint(-14, 14))).replace(tzinfo=None)
                values.append(
                    f"('{at:%Y-%m-%d %H:%M:%S}.{chosen.randint(0, 999999):06}+00'::timestamptz, "
                    f"{chosen.choice([0, 0, chosen.randint(-40, 40)])}, "
                    f"{chosen.choice([0, chosen.randint(-400, 400)])}, "
                    f"{chosen.choice([0, chosen.randint(-10**6, 10**6)])}, '{chosen.choice(UNITS)}', "
                    f"'{local:%Y-%m-%d %H:%M}'::timestamp)")
            moved = ISO.format('(at + make_interval(months => m, days => d, secs => s))')
            answers = database.query(
                f"set timezone = '{zone}'; "
                f"select concat_ws('|', '{zone}', {ISO.format('at')}, m, d, s, u, {moved}, "
                f"{ISO.format('date_trunc(u, at)')}, to_char(at, 'YYYY-MM-DD HH24:MI:SS'), "
                "to_char(l, 'YYYY|MM|DD|HH24|MI'), " + ISO.format('l::timestamptz') + ') from (values '
                + ', '.join(values) + ') v (at, m, d, s, u, l)')
            cases += answers.splitlines()
        self.assertEqual(len(cases), CASES * len(ZONES))
        self.assertEqual(self.told(IN_ZONES, cases), 'the same')

    def test_local_times_are_those_of_zoneinfo(self):
        chosen, lines, wanted = random.Random(22), [], []
        for _ in range(1000):
            zone = chosen.choice(ZONES)
            at = around_changes(chosen, zone)
            there = at.astimezone(ZoneInfo(zone))
            lines.append(f'{zone} {int(at.timestamp())}')
            wanted.append(f'{there:%Y-%m-%d %H:%M:%S %z}')
        room = Path(harness.scratch())
        (room / 'cases').write_text('\n'.join(lines) + '\n', encoding='utf-8')
        (room / 'show.lua').write_text(
            "local lugger = require 'lugger'\nfor line in io.lines 'cases' do\n"
            "  local zone, seconds = line:match '(%S+) (%S+)'\n"
            "  local at = lugger.date(tonumber(seconds) * 1000)\n"
            "  print(at:in_zone(zone):format '%Y-%m-%d %H:%M:%S %z')\nend\n",
            encoding='utf-8')
        self.assertEqual(lugger('--lua', 'show.lua', cwd=room).out.splitlines(), wanted)

    def test_intervals_as_the_server(self):
        chosen = random.Random(23)
        pairs = []
        for _ in range(2000):
            a = interval(chosen)
            b = a if chosen.random() < 0.1 else interval(chosen)
            some = round(chosen.uniform(-10, 10), 3) or 1
            number = chosen.choice([chosen.randint(1, 9), -2, 0.5, 1.5, some, 1 / 3])
            pairs.append(f"('{a}'::interval, '{b}'::interval, {number!r}::float8)")
        pairs += [f"('{a}'::interval, '{b}'::interval, 2::float8)" for a, b in
                  [('1 mon', '30 days'), ('1 day', '24:00'), ('-1 mon', '-30 days'), ('1 year', '360 days')]]
        answers = Postgres().fresh().query(
            "select concat_ws('|', a, b, n, a + b, a - b, a * n, a / n, "
            "case when a < b then '<' when a = b then '=' else '>' end, "
            "to_char(extract(epoch from a), 'FM9999999999990.000000'), "
            "concat_ws(' ', extract(year from a), extract(month from a), extract(day from a), "
            'extract(hour from a), extract(minute from a), extract(second from a)), -a) '
            'from (values ' + ', '.join(pairs) + ') v (a, b, n)')
        self.assertEqual(self.told(INTERVALS, answers.splitlines()), 'the same')


if __name__ == '__main__':
    harness.main()
