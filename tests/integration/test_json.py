"""Numbers and strings of JSON, from a file into columns."""
import gzip
import json
import unittest
from pathlib import Path

import harness
from harness import lua
from jobs import Work, job
from postgres import Postgres

# Text as it stands in JSON; PostgreSQL is asked what it makes of it.
NUMBERS = ['9223372036854775807', '9223372036854775808', '-9223372036854775809', '18446744073709551615',
           '18446744073709551616',
           '340282366920938463463374607431768211456', '12345678901234567890123456789012345', '9' * 34,
           '9' * 200, '-' + '123456789' * 12,
           '1' + '0' * 60, '1e400', '-1.5E+400', '1e-400', '2.5e-420', '1E+6000', '0', '-5', '1.5', '1e10',
           '5e-324']


class Numbers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def load(self, lines, columns, expect=0, name='docs.json', flags=()):
        work = Work(self.server.fresh())
        data = ''.join(line + '\n' for line in lines).encode()
        (work.directory / name).write_bytes(gzip.compress(data) if name.endswith('.gz') else data)
        work.script(job(columns, source=name, collection=None))
        return work, work.run('--create', *flags, expect=expect)

    def test_plain_json_is_described_as_it_stands(self):
        work = Work(self.server.fresh())
        (work.directory / 'meta.jsonl').write_text('{"id": 1, "meta": {"$oid": "no wrapper"}}\n')
        for full in ((), ('--full',)):
            told = work.lugger('describe', 'meta.jsonl', '--style', 'plain', *full)
            self.assertNotIn('cannot be read', told.out + told.err)
        self.assertIn('cannot be read', work.lugger('describe', 'meta.jsonl').err)

    def test_a18_every_digit_where_the_column_can_hold_it(self):
        lines = [f'{{"_id": {i}, "v": {n}, "o": {{"a": [{n}, {{"b": {n}}}]}}}}'
                 for i, n in enumerate(NUMBERS)]
        for name in ('docs.json', 'docs.json.gz'):
            work, result = self.load(lines,
                                     "{ 'v', 'numeric' }, { 'j', 'jsonb', from = 'v' }, { 'o', 'jsonb' }, "
                                     "{ 't', 'text', from = 'v' }, { 'rest', 'jsonb', from = '*' }",
                                     name=name)
            self.assertNotIn('not standard JSON', result.err)
            for i, n in enumerate(NUMBERS):
                with self.subTest(n):
                    where = f"where mongo_id = '$n:{i}'"
                    self.assertEqual(work.database.query(f"select v = '{n}'::numeric, v from docs "
                                                         f"{where}").split('|')[0],
                                     't', n)
                    for path, column in (('{}', 'j'), ('{a,0}', 'o'), ('{a,1,b}', 'o')):
                        self.assertEqual(work.database.query(f"select ({column} #>> '{path}')::numeric = "
                                                             f"'{n}'::numeric, jsonb_typeof({column} #> "
                                                             f"'{path}') from docs {where}"),
                                         't|number', (n, path))
                    self.assertEqual(
                        work.database.query(f"select t::numeric = '{n}'::numeric from docs {where}"), 't')
                    if n.lstrip('-').isdigit():
                        self.assertEqual(work.database.query(f"select t from docs {where}"), n)
            work.lugger('verify', 'job.lua')
            work.run()
            self.assertEqual(work.database.number('select count(*) from docs'), len(NUMBERS))

    def test_a18_float8_is_what_postgresql_reads(self):
        # below the range of a double: what coercers do there is their own test
        numbers = [n for n in NUMBERS if 'e-4' not in n]
        lines = [f'{{"_id": {i}, "v": {n}}}' for i, n in enumerate(numbers)]
        work, result = self.load(lines, "{ 'v', 'float8' }", expect=3)
        # by the column's policy, as for any integer that no double holds
        self.assertIn('would lose digits as float8', result.err)
        work, _ = self.load(lines, "{ 'v', 'float8', fraction = 'round' }", expect=3)
        for i, n in enumerate(numbers):
            wanted = work.database.query(f"select '{n}'::float8", check=False)
            self.assertEqual(work.database.query(f"select v from docs where mongo_id = '$n:{i}'"), wanted, n)
        self.assertEqual(work.database.query('select distinct code from lugger.rejects'), 'out_of_range')
        work.lugger('verify', 'job.lua')

    def test_a18_integers_are_refused_where_they_do_not_fit(self):
        work, result = self.load([f'{{"_id": {i}, "v": {n}}}' for i, n in enumerate(NUMBERS[:6])],
                                 "{ 'v', 'int8' }", expect=3)
        self.assertEqual(work.database.query('select v from docs'), '9223372036854775807')
        self.assertEqual(result.books()['rejected'], 5)
        work.script(job("{ 'v', 'numeric' }", source='docs.json', collection=None))
        work.database.query('alter table docs alter v type numeric')
        work.lugger('rejects', 'job.lua', '--retry')
        self.assertEqual(sorted(work.database.query('select v from docs').split()), sorted(NUMBERS[:6]))

    def test_a18_what_describe_and_scaffolded_columns_make_of_them(self):
        work, _ = self.load([f'{{"_id": {i}, "v": {n}}}' for i, n in enumerate(NUMBERS[1:9])],
                            "{ 'v', 'numeric' }")
        described = json.loads(work.lugger('describe', 'docs.json', '--json').out)
        field = next(f for f in described['fields'] if f['path'] == 'v')
        self.assertEqual(field['suggests'], 'numeric')
        work.lugger('describe', 'docs.json', '--full', '--no-trial')
        work.script("local lugger = require 'lugger'\nreturn lugger.copy { "
                    "from = lugger.source('docs.json'), into = lugger.target(lugger.env.PG_URI, { table = "
                    "'auto', key = 'mongo_id' }), columns = 'auto' }")
        work.run('--create')
        self.assertEqual(work.database.query('select count(*) from auto a join docs d using '
                                             '(mongo_id) where a.v = d.v'),
                         '8')

    def test_a18_wrappers(self):
        big = '1234567890' * 5
        work, _ = self.load([f'{{"_id": 1, "v": {{"$numberDecimal": "{big}"}}}}',
                             '{"_id": 2, "v": {"$numberLong": "5"}}'],
                            "{ 'v', 'numeric' }")
        self.assertEqual(work.database.query("select v from docs where mongo_id = '$n:1'"), big)
        _, result = self.load(['{"_id": 1, "v": {"$numberLong": "9223372036854775808"}}'], 
                              "{ 'v', 'numeric' }", expect=3)
        self.assertEqual(result.books()['rejected'], 1)

    def test_a17_escapes_that_json_does_not_have(self):
        for text in (r'C:\apps\vim\x86\new', r'\x41', r'\v', r'\a', r'\0', r"it\'s"):
            with self.subTest(text):
                work, _ = self.load(['{"_id":1,"p":"good"}', '{"_id":2,"p":"%s"}' % text],
                                    "{ 'p', 'text' }", expect=3)
                told = work.lugger('rejects', 'job.lua', '--full').out
                self.assertIn('line 2', told)
                self.assertIn('expected an escape of JSON', told)


if __name__ == '__main__':
    harness.main()
