"""The programs of examples/scripts, against what Python makes of the same dump."""
import json
import shutil
import unittest
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import bson
import harness
from postgres import Postgres

PLACE = harness.ROOT / 'examples' / 'scripts'


def plain(value):
    """Numbers and texts of a document as Python's own."""
    if isinstance(value, (bson.Int32, bson.Int64)):
        return value.value
    if isinstance(value, bson.Date):
        return value.ms
    if isinstance(value, bson.Decimal128):
        return Decimal(value.text)
    if isinstance(value, bson.ObjectId):
        return value.hex
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.orders = [plain(d) for d in bson.decode_all((PLACE / 'dump/acme/orders.bson').read_bytes())]

    def setUp(self):
        self.database = self.server.fresh()
        self.directory = Path(harness.scratch()) / 'scripts'
        shutil.copytree(PLACE, self.directory)

    def lugger(self, *command, expect=0):
        return harness.lugger(*command, cwd=self.directory, env={'PG_URI': self.database.url}, expect=expect)

    def run_script(self, name, expect=0):
        return self.lugger('run', name, '--create', expect=expect)

    def rows(self, sql):
        return self.database.rows(sql)

    def test_every_program_is_tried(self):
        tests = Path(__file__).read_text(encoding='utf-8')
        page = (PLACE / 'README.md').read_text(encoding='utf-8')
        for path in PLACE.glob('*.lua'):
            self.assertIn(f"'{path.name}'", tests)
            self.assertIn(f'lugger run {path.name}', page)

    def test_join(self):
        vat = {'DE': '0.19', 'FR': '0.20', 'US': '0', 'JP': '0.10', 'CH': '0.081'}
        self.run_script('join.lua', expect=3)
        known = [d for d in self.orders if d['country'].strip().upper() in vat]
        self.assertEqual(self.rows('select no, country, vat from orders_by_country order by no'),
                         [[str(d['no']), d['country'].strip().upper(),
                           str((d['total'] * Decimal(vat[d['country'].strip().upper()]))
                               .quantize(Decimal('0.0001'), ROUND_HALF_UP))] for d in known])
        self.assertEqual(self.database.number('select count(*) from lugger.rejects'),
                         len(self.orders) - len(known))

    def test_newest(self):
        result = self.run_script('newest.lua')
        newest = {}
        for d in self.orders:
            if d['email'].lower() not in newest or newest[d['email'].lower()]['at'] < d['at']:
                newest[d['email'].lower()] = d
        self.assertEqual(self.rows("select email, no, ship->>'zip', cardinality(tags) from newest "
                                   "order by 1"),
                         [[email, str(d['no']), d['ship']['zip'], str(len(d['tags']))]
                          for email, d in sorted(newest.items())])
        self.assertIn(f'read {len(self.orders)} =', result.err)

    def test_five_tables(self):
        self.run_script('five_tables.lua')
        self.assertEqual(self.rows('select count(*), sum(line_count), count(distinct customer_id) from o'),
                         [[str(len(self.orders)), str(sum(len(d['lines']) for d in self.orders)),
                           str(len({d['customer'] for d in self.orders}))]])
        for table, count in (('o_lines', sum(len(d['lines']) for d in self.orders)),
                             ('o_tags', sum(len(d['tags']) for d in self.orders)),
                             ('o_point', 2 * len(self.orders)), ('o_ship', 3 * len(self.orders))):
            self.assertEqual(self.database.number(f'select count(*) from {table}'), count, table)
        self.assertEqual(self.database.query('select sum(qty * price) from o_lines'),
                         str(sum(line['qty'] * line['price'] for d in self.orders for line in d['lines'])))

    def test_dimension(self):
        self.lugger('run', 'dimension.lua')
        spans, current = [], {}
        for d in self.orders:
            place = (d['country'], d['ship']['city'])
            known = current.get(d['customer'])
            if known and tuple(known[3:]) == place:
                continue
            if known:
                known[2] = str(d['at'])
            current[d['customer']] = [d['customer'], str(d['at']), '\\N', *place]
            spans.append(current[d['customer']])
        self.assertEqual(self.rows('select customer, (extract(epoch from valid_from) * 1000)::int8, '
                                   '(extract(epoch from valid_to) * 1000)::int8, country, city '
                                   'from dim_customer order by 1, 2'), sorted(spans))

    def test_tenants(self):
        for again in ((), ('--again',)):
            self.lugger('run', 'tenants.lua', '--create', *again)
            expected = Counter()
            for d in self.orders:
                if d['status'] == 'void' and d['tenant'] == 'gamma':
                    continue
                own = {'alpha': 'alpha_orders', 'beta': 'beta_orders'}.get(d['tenant'], 'other_orders')
                expected['alpha_orders' if d['qty'] == 8 else own] += 1
                expected[own] += d['qty'] == 9
            for table, count in expected.items():
                self.assertEqual(self.database.number(f'select count(*) from {table}'), count, table)

    def test_geometry(self):
        self.run_script('geometry.lua')
        found = self.rows('select mongo_id, point[0], point[1], longitude, wkt from places order by 1')
        for d, (_, x, y, longitude, text) in zip(self.orders, found):
            self.assertEqual([float(x), float(y)], d['ship']['geo']['coordinates'])
            self.assertEqual(float(longitude), d['ship']['geo']['coordinates'][0])
            self.assertEqual(text, 'SRID=4326;POINT(%.5f %.5f)' % tuple(d['ship']['geo']['coordinates']))

    def test_currency(self):
        self.run_script('currency.lua', expect=3)
        prices = {'1.234,50': '1234.50', '12,00': '12.00', '7.5': '7.50', 'EUR 9,99': '9.99'}
        rates = {'EUR': '1', 'USD': '0.92', 'JPY': '0.0061', 'CHF': '1.05'}
        expected = []
        for d in self.orders:
            if d['price_text'] in prices:
                price = Decimal(prices[d['price_text']])
                euros = (price * Decimal(rates[d['cur']])).quantize(Decimal('0.01'), ROUND_HALF_UP)
                expected.append([d['_id'], str(price), str(euros)])
        self.assertEqual(self.rows('select mongo_id, price, euros from prices order by 1'), expected)

    def test_rekey(self):
        self.run_script('rekey.lua')
        pairs = self.rows('select a.no, b.no from rekeyed a join rekeyed b on b.id = a.parent_id order by 1')
        self.assertEqual(pairs, [[str(d['no']), str(int(d['ref'], 16) - int(self.orders[0]['_id'], 16))]
                                 for d in self.orders if 'ref' in d])

    def test_patch(self):
        self.run_script('patch.lua')
        for d, (text,) in zip(self.orders, self.rows('select doc from patched order by mongo_id')):
            doc = json.loads(text, parse_float=Decimal)
            self.assertEqual(doc['ship']['zip'], 'D-' + d['ship']['zip'])
            self.assertEqual((doc['labels'], 'tags' in doc, 'w' in doc), (d['tags'], False, False))
            self.assertEqual(Decimal(doc['line_total']['$numberDecimal']),
                             sum(x['qty'] * x['price'] for x in d['lines']))
            views = doc['views']  # beyond 2^53 it says its type
            self.assertEqual(int(views['$numberLong'] if isinstance(views, dict) else views), d['views'])

    def test_customers_and_the_fix(self):
        self.run_script('customers.lua')
        self.assertIn('customers', self.lugger('run', 'fix_from_csv.lua').out)
        digest = "select md5(string_agg(c::text, ',' order by customer)) from customers c"
        before = self.database.query(digest)
        self.lugger('run', 'fix_from_csv.lua', '--apply')
        self.assertEqual(self.rows("select customer, email, notes[2] from customers where customer = 'C003'"),
                         [['C003', 'new3@example.com', 'was old-new3@example.com']])
        self.assertEqual(self.database.query("select notes[1] from customers where customer = 'C006'"),
                         'moved, "6"')
        run = self.database.query("select run from lugger.runs where mode like 'fix%' "
                                  'order by started_at desc limit 1')
        self.lugger('undo', run, 'fix_from_csv.lua')
        self.assertEqual(self.database.query(digest), before)

    def test_nearest(self):
        data = (PLACE / 'dump/acme/embeddings.bson').read_bytes()
        found = [d['e'] for d in bson.decode_all(data)]

        def cosine(a, b):
            return sum(x * y for x, y in zip(a, b)) / (sum(x * x for x in a) * sum(x * x for x in b)) ** 0.5
        best = sorted(range(len(found)), key=lambda i: -cosine(found[6], found[i]))[:3]
        out = self.lugger('nearest.lua', '7').out.split('\n')
        self.assertEqual([line.split('  ')[1] for line in out if line], [f'doc {i}' for i in best])

    def test_report_and_library(self):
        refused = sum(d['price_text'] in ('1.234,50', '12,00', 'EUR 9,99', 'n/a') for d in self.orders)
        out = self.lugger('report.lua').out.split()
        self.assertEqual(out, ['done', str(len(self.orders)), str(refused)])
        self.assertEqual(self.rows('select read, rejected, jsonb_array_length(reasons) from report'),
                         [[str(len(self.orders)), str(refused), str(refused)]])
        out = self.lugger('library.lua').out
        self.assertIn(f'done\t{len(self.orders)}\n', out)
        self.assertIn('equal', out)
        self.assertIn('false\t', out)

    def test_migrations(self):
        self.lugger('migrate', 'up')
        orders = [d for d in self.orders if d['status'] != 'void']
        self.assertEqual(self.database.query('select sum(total) from totals'),
                         str(sum(d['total'] for d in orders)))
        self.assertEqual(self.database.number('select sum(orders) from totals'), len(orders))
        self.assertEqual(self.database.query('select sum(total) from order_totals'),
                         str(sum(d['total'] for d in self.orders)))


if __name__ == '__main__':
    unittest.main()
