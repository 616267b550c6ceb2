"""Texts that become numbers, dates and intervals, against the server's own input functions: random
ones, thousands of them.

Where a text is taken, the value is PostgreSQL's. Where the two differ by choice, docs/types.md says
so, and the reason stands here. LUGGER_RANDOM=N asks N texts of each type, LUGGER_SEED other ones
(tools/check literals).
"""
import os
import random
import struct
import unittest
from decimal import Decimal, localcontext

import harness
import jobs
from bson import Decimal128, Int64
from postgres import Postgres

COUNT = int(os.environ.get('LUGGER_RANDOM', 1500))
SEED = int(os.environ.get('LUGGER_SEED', 0))
TRY = '''
create function tried(given text, type text) returns text language plpgsql as $$
declare out text;
begin
  execute format('select ($1::%s)::text', type) into out using given;
  return coalesce(out, 'null');
exception when others then
  return 'refused';
end $$'''


def halfway(rng, code):
    """The decimal digits between two neighbours of a binary float, sometimes a little beside."""
    size, form = (4, '<I') if code == 'f' else (8, '<Q')
    bits = rng.getrandbits(rng.choice([size * 8 - 1, size * 8 - 1, 4, 12, 20]))  # few bits: subnormal
    with localcontext() as context:
        context.prec = 1200
        low, high = (Decimal(struct.unpack('<' + code, struct.pack(form, min(one, 2**(size * 8 - 1) - 1)))[0])
                     for one in (bits, bits + 1))
        if not (low.is_finite() and high.is_finite()):
            return '1'
        exact = (low + high) / 2
        if rng.random() < 0.4:
            exact *= 1 + rng.choice([1, -1]) * Decimal(10) ** -rng.choice([18, 25, 40])
        return str(exact)


def float_text(rng, code):
    draw = rng.random()
    if draw < 0.35:
        return rng.choice(['', '-']) + halfway(rng, code)
    if draw < 0.5:  # about the ends of the range
        ends = [29, 30, 36, 37, 38, 44, 45, 46, 47, 53, 54, 300, 307, 315, 323, 324, 325, 333, 340]
        return (f"{rng.choice(['', '-'])}{rng.randrange(1, 10**9)}"
                f"e{rng.choice([-1, 1]) * rng.choice(ends)}")
    if draw < 0.75:
        return (f"{rng.choice(['', '-', '+'])}{rng.randrange(10**rng.randrange(1, 22))}"
                f".{rng.randrange(10**rng.randrange(1, 22)):0{rng.randrange(1, 25)}d}")
    return (f"{rng.randrange(10**rng.randrange(1, 20))}"
            f"{rng.choice(['', '.', '.5', '.25', 'e3', 'E-7', 'e+12', 'e-40'])}")


def clock_text(rng):
    out = f'{rng.randrange(25):02d}:{rng.randrange(61):02d}'
    if rng.random() < 0.8:
        out += f':{rng.randrange(62):02d}'
        if rng.random() < 0.5:
            out += '.' + ''.join(rng.choices('0123456789', k=rng.randrange(1, 7)))
    return out


def zone_text(rng):
    return rng.choice(['', '', 'Z', 'z', '+00', '+02', '-05', '+05:30', '+0530', '-11:45', ' UTC', ' GMT',
                       '+15:59', '+16', '+14:00:30', ' +02'])


def date_text(rng):
    year = rng.choice([rng.randrange(1900, 2100), rng.randrange(0, 10000), rng.randrange(1, 300000)])
    out = f'{year:04d}-{rng.randrange(1, 14):02d}-{rng.randrange(0, 33):02d}'
    if rng.random() < 0.05:
        out = rng.choice(['infinity', '-infinity', 'epoch', 'Infinity', '2024-02-29', '2023-02-29',
                          '1900-02-29', '2000-02-29', '0000-01-01', '4714-11-24 BC', '4714-11-23 BC'])
    return out


def moment_text(rng):
    out = date_text(rng)
    if rng.random() < 0.8:
        out += rng.choice(['T', ' ', ' ', 't']) + clock_text(rng) + zone_text(rng)
    if rng.random() < 0.1:
        out += rng.choice([' BC', ' bc'])
    return rng.choice(['', '', '', ' ']) + out + rng.choice(['', '', '', ' '])


def interval_number(rng):
    sign = rng.choice(['', '', '', '-', '+'])
    return sign + rng.choice([str(rng.randrange(100)),
                              f'{rng.randrange(40)}.{rng.randrange(10**rng.randrange(1, 9))}', '0.5', '.5',
                              '1.', str(rng.randrange(10**rng.randrange(1, 12)))])


def interval_text(rng):
    if rng.random() < 0.5:
        out = 'P'
        for unit in rng.sample('YMWD', rng.randrange(3)):
            out += interval_number(rng) + unit
        if rng.random() < 0.6:
            out += 'T' + ''.join(interval_number(rng) + unit
                                 for unit in rng.sample('HMS', rng.randrange(1, 3)))
        return out if rng.random() < 0.95 else out.lower()
    words = ['year', 'years', 'yr', 'mon', 'mons', 'month', 'week', 'weeks', 'w', 'day', 'days', 'd', 'hour',
             'hours', 'h', 'min', 'mins', 'minutes', 'm', 'sec', 'second', 's', 'millisecond', 'ms', 'msec',
             'us', 'microseconds', 'decade', 'century', 'DAYS', 'mss']
    parts = [interval_number(rng) + rng.choice([' ', ' ', '', '  ']) + rng.choice(words)
             for _ in range(rng.randrange(3))]
    if rng.random() < 0.4:
        parts.append(rng.choice(['', '-', '+']) + rng.choice(
            [clock_text(rng), f'{rng.randrange(300)}:{rng.randrange(60):02d}:{rng.randrange(61):02d}.5']))
    return ' '.join(parts)


class Literals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def compare(self, make, type, policy='', seed=1, count=COUNT):
        """(text, lugger's answer, the server's) of random texts; 'refused' where there is none."""
        rng = random.Random(SEED + seed)
        texts = list(dict.fromkeys(make(rng) for _ in range(count)))
        return self.answers(texts, texts, type, policy)

    def answers(self, values, texts, type, policy=''):
        database = self.server.fresh()
        documents = [{'_id': f'{i:06d}', 'v': value, 't': text}
                     for i, (value, text) in enumerate(zip(values, texts))]
        jobs.load(database, documents, f"{{ 'v', '{type}', on_error = 'null', {policy} }}, {{ 't', 'text' }}")
        database.query(TRY)
        rows = database.rows(f"select t, coalesce(v::text, 'refused'), tried(t, '{type}') from docs "
                             "order by mongo_id")
        self.assertEqual(len(rows), len(texts))
        return rows

    def same(self, rows, stricter=lambda text: False):
        """Lugger's answer is the server's, or a refusal where `stricter` says that it may be."""
        # Year 0 is read as ISO 8601 reads it; the server knows none.
        wrong = [row for row in rows if row[1] != row[2] and not (
                     row[1] == 'refused' and stricter(row[0])) and not row[0].strip().startswith('0000-')]
        self.assertEqual(wrong[:10], [], f'{len(wrong)} of {len(rows)}')
        self.assertGreater(sum(row[1] != 'refused' for row in rows), len(rows) // 5,
                           'hardly any text was taken')

    def test_a16_float4_from_text_is_rounded_once(self):
        self.same(self.compare(lambda rng: float_text(rng, 'f'), 'float4'))

    def test_a16_float8_from_text_is_rounded_once(self):
        self.same(self.compare(lambda rng: float_text(rng, 'd'), 'float8', "fraction = 'round'"))

    def test_a16_float4_from_int64_and_decimals(self):
        rng = random.Random(SEED + 16)
        numbers = [rng.getrandbits(rng.randrange(1, 63)) * rng.choice([1, -1]) for _ in range(COUNT // 3)]
        numbers += [(1 << bit) + (1 << bit - 24) + near for bit in range(26, 62) for near in (-1, 0, 1)]
        self.same(self.answers([Int64(n) for n in numbers], [str(n) for n in numbers], 'float4',
                               "fraction = 'round'"))
        texts = [
            f'{rng.choice(["", "-"])}{rng.randrange(1, 10**rng.randrange(1, 34))}'
            f'E{rng.choice([0, -5, 10, -30, -45, -60, 30, 5])}'
            for _ in range(COUNT // 3)]
        texts += [text for text in (halfway(rng, 'f') for _ in range(COUNT))
                  if len(Decimal(text).as_tuple().digits) <= 34]
        for kind in ('float4', 'float8'):
            self.same(self.answers([Decimal128(text) for text in texts], texts, kind, "fraction = 'round'"))

    def test_a16_float4_from_double(self):
        rng = random.Random(SEED + 17)
        numbers = [struct.unpack('<d', struct.pack('<Q', rng.getrandbits(64)))[0] for _ in range(COUNT)]
        numbers += [float(halfway(rng, 'f')) for _ in range(COUNT)]
        numbers = [n for n in numbers if n == n and abs(n) != float('inf')]
        database = self.server.fresh()
        jobs.load(database, [{'_id': f'{i:06d}', 'v': n, 'd': n} for i, n in enumerate(numbers)],
                  "{ 'v', 'float4', on_error = 'null' }, { 'd', 'float8' }")
        database.query(TRY)
        wrong = database.rows("""
          create function single(float8) returns text language plpgsql as $$ begin return $1::float4::text;
            exception when others then return 'refused'; end $$;
          select d, v, single(d) from docs where coalesce(v::text, 'refused') <> single(d) limit 10""")
        self.assertEqual(wrong, [])

    def test_a23_intervals(self):
        # Refused though the server takes them: a number without a unit, and a space or nothing where it
        # would guess.
        def stricter(text):
            return text[:1] != 'P'
        self.same(self.compare(interval_text, 'interval'), stricter)

    def test_a23_iso_8601_intervals_with_fractions(self):
        texts = ['P0.5W', 'P0.5Y', 'P1.5M', 'P0.3M', 'P2.7W', 'P1.25D', 'PT0.0000005S', 'PT1.5H', 'P-0.5Y',
                 'PT-1.5S', 'P1Y-2M3.5D', 'P0.33Y', 'P178956970Y', 'P178956971Y', 'P2147483647D',
                 'P2147483648D', 'PT2562047788H', 'PT2562047789H', 'p1d', 'P1D2', 'P+1D']
        self.same(self.answers(texts, texts, 'interval'))

    def test_a23_timestamptz(self):
        self.same(self.compare(moment_text, 'timestamptz', seed=2), lambda text: True)

    def test_a23_date_time_and_timestamp(self):
        def zoneless(rng):
            return date_text(rng) + rng.choice(['', ' ' + clock_text(rng), 'T' + clock_text(rng)])
        self.same(self.compare(zoneless, 'timestamp', seed=3), lambda text: True)
        self.same(self.compare(lambda rng: date_text(rng) + rng.choice(['', ' BC', ' 00:00', 'T00:00:00']),
                               'date', seed=4),
                  lambda text: True)
        self.same(self.compare(clock_text, 'time', seed=5), lambda text: True)

    def test_a23_digits_finer_than_a_microsecond_round_as_the_servers(self):
        def fine(rng, begin):
            digits = ''.join(rng.choices('0123456789', k=6)) + rng.choice([
                '5', '50', '500000', '49', '4999', '51', '9', '0', str(rng.randrange(10**6))])
            return begin + f'{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}.{digits}'
        self.same(self.compare(lambda rng: fine(rng, '2026-03-11 '), 'timestamptz', "fraction = 'round'",
                               seed=6))
        self.same(self.compare(lambda rng: fine(rng, ''), 'time', "fraction = 'round'", seed=7))

    def test_a23_an_offset_in_a_text_counts_where_the_server_drops_it(self):
        texts = ['2026-03-11T09:30:00+02:00', '2026-03-11 00:30:00-05']
        self.assertEqual([row[1] for row in self.answers(texts, texts, 'timestamp')],
                         ['2026-03-11 07:30:00', '2026-03-11 05:30:00'])
        texts = ['2026-03-11T00:00:00+02:00', '2026-03-11T02:00:00+02:00']
        self.assertEqual([row[1] for row in self.answers(texts, texts, 'date')], ['refused', '2026-03-11'])


if __name__ == '__main__':
    harness.main()
