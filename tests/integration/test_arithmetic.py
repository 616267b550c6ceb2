"""Decimals and dates of scripts compute as PostgreSQL's numeric and timestamptz do."""
import random
import unittest
from pathlib import Path

import harness
from harness import lugger
from postgres import Postgres

SCRIPT = r"""
local lugger = require 'lugger'
local bad = {}
for line in io.lines 'cases' do
  local a, b, scale, quotient, rounded = line:match '^(%S+) (%S+) (%S+) (%S+) (%S+)$'
  local divided = tostring(lugger.decimal(a) / b)
  if divided ~= quotient then bad[#bad + 1] = ('%s / %s: %s, not %s'):format(a, b, divided, quotient) end
  local short = tostring(lugger.decimal(a):round(tonumber(scale)))
  if short ~= rounded then bad[#bad + 1] = ('round(%s, %s): %s, not %s'):format(a, scale, short, rounded) end
end
print(#bad == 0 and 'the same' or table.concat(bad, '\n'))
"""


def number(chosen):
    whole = ''.join(chosen.choices('0123456789', k=chosen.randint(1, 25))).lstrip('0') or '0'
    if chosen.random() < 0.2:
        whole = '0'
    fraction = ''.join(chosen.choices('0123456789', k=chosen.randint(1, 20)))
    return chosen.choice(['', '-']) + whole + chosen.choice(['', '.' + fraction, '.' + fraction])


DATES = r"""
local lugger = require 'lugger'
local bad = {}
local function same(what, found, wanted)
  if found ~= lugger.date(wanted) then bad[#bad + 1] = what .. ': ' .. found .. ', not ' .. wanted end
end
for line in io.lines 'cases' do
  local at, months, days, seconds, unit, moved, cut, day = line:match(('(%S+) '):rep(7) .. '(%S+)')
  local date = lugger.date(at)
  local span = { months = tonumber(months), days = tonumber(days), seconds = tonumber(seconds) }
  same(at .. ' moved', date:add(span), moved)
  same(at .. ' ' .. unit, date:trunc(unit), cut)
  local fields = ('%d-%d-%d'):format(date.weekday, date.yearday, date.hour)
  if fields ~= day then bad[#bad + 1] = at .. ': ' .. fields .. ', not ' .. day end
end
print(#bad == 0 and 'the same' or table.concat(bad, '\n'))
"""


EXACT = r"""
local lugger = require 'lugger'
local decimal, bad = lugger.decimal, {}
local compute = {
  ['+'] = function(a, b) return a + b end, ['-'] = function(a, b) return a - b end,
  ['*'] = function(a, b) return a * b end, ['/'] = function(a, b) return a / b end,
  ['%'] = function(a, b) return a % b end,
}
for line in io.lines 'cases' do
  local a, op, b, wanted = line:match '^(%S+) (%S+) (%S+) (%S+)$'
  local ok, found = pcall(compute[op], decimal(a), decimal(b))
  if not ok and tostring(found):find('division of', 1, true) then found = 'zero' end
  if tostring(found) ~= wanted then bad[#bad + 1] = line .. ', not ' .. tostring(found) end
end
print(#bad == 0 and 'the same' or table.concat(bad, '\n'))
"""

# PostgreSQL raises for a zero divisor; a row cannot.
ANSWER = """case when op in ('/', '%') and b = 0 and a <> 'NaN' then 'zero'
  when op = '+' then (a + b)::text when op = '-' then (a - b)::text when op = '*' then (a * b)::text
  when op = '/' then (a / b)::text else (a % b)::text end"""


class Arithmetic(unittest.TestCase):
    def test_decimals_are_exact_also_with_infinities_and_nan(self):
        chosen = random.Random(15)
        special = ['NaN', 'Infinity', '-Infinity', '0', '0.00', '1', '-1', '2.50', '-7.5', '1e30', '-0.001']
        pairs = [(a, b) for a in special for b in special]
        pairs += [(number(chosen), number(chosen)) for _ in range(400)]
        values = ', '.join(f"('{a}'::numeric, '{op}', '{b}'::numeric)" for a, b in pairs for op in '+-*/%')
        answers = Postgres().fresh().query(
            f"select concat_ws(' ', a, op, b, {ANSWER}) from (values {values}) v (a, op, b)")
        room = Path(harness.scratch())
        (room / 'cases').write_text(answers + '\n', encoding='utf-8')
        (room / 'check.lua').write_text(EXACT, encoding='utf-8')
        self.assertEqual(lugger('--lua', 'check.lua', cwd=room).out.strip(), 'the same')

    def test_e4_divide_and_round_as_the_server(self):
        chosen = random.Random(13)
        cases = []
        while len(cases) < 1000:
            a, b = number(chosen), number(chosen)
            if b.strip('-0.') != '':
                cases.append((a, b, chosen.randint(-5, 15)))
        values = ', '.join(f"('{a}', '{b}', {scale})" for a, b, scale in cases)
        answers = Postgres().fresh().query(
            "select concat_ws(' ', a, b, s, a::numeric / b::numeric, round(a::numeric, s)) "
            f'from (values {values}) v (a, b, s)')
        room = Path(harness.scratch())
        (room / 'cases').write_text(answers + '\n', encoding='utf-8')
        (room / 'check.lua').write_text(SCRIPT, encoding='utf-8')
        self.assertEqual(lugger('--lua', 'check.lua', cwd=room).out.strip(), 'the same')

    def test_e4_dates_move_and_are_cut_as_the_server_does(self):
        chosen = random.Random(14)
        units = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second']
        values = ', '.join(
            f"(to_timestamp({chosen.randint(-9 * 10**9, 9 * 10**9)}.{chosen.randint(0, 999999):06}), "
            f"{chosen.randint(-40, 40)}, {chosen.randint(-400, 400)}, {chosen.randint(-10**6, 10**6)}, "
            f"'{chosen.choice(units)}')" for _ in range(1000))
        iso = 'to_char(%s, \'YYYY-MM-DD"T"HH24:MI:SS.US"Z"\')'
        answers = Postgres().fresh().query(
            f"select concat_ws(' ', {iso % 'at'}, m, d, s, u, "
            f"{iso % 'at + make_interval(months => m, days => d, secs => s)'}, {iso % 'date_trunc(u, at)'}, "
            "to_char(at, 'ID-FMDDD-FMHH24')) "
            f'from (values {values}) v (at, m, d, s, u)')
        room = Path(harness.scratch())
        (room / 'cases').write_text(answers + '\n', encoding='utf-8')
        (room / 'check.lua').write_text(DATES, encoding='utf-8')
        self.assertEqual(lugger('--lua', 'check.lua', cwd=room).out.strip(), 'the same')


if __name__ == '__main__':
    harness.main()
