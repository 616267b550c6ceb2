"""Options of indexes and collections as MongoDB takes them: everything but false, 0, null and
undefined is true."""
import json
import unittest
from pathlib import Path

import bson
import harness
from harness import lugger
from postgres import Postgres

TRUE = ['true', '1', '-1', '0.5', '{"$numberInt": "1"}', '{"$numberLong": "1"}', '{"$numberDouble": "1.0"}',
        '{"$numberDouble": "NaN"}',
        '{"$numberDouble": "Infinity"}', '{"$numberDecimal": "1"}', '{"$numberDecimal": "0.10"}',
        '{"$numberDecimal": "NaN"}', '""', '"false"', '"0"',
        '{}', '[]', '{"$date": {"$numberLong": "0"}}', '{"$minKey": 1}']
FALSE = ['false', '0', '-0.0', 'null', '{"$numberInt": "0"}', '{"$numberLong": "0"}',
         '{"$numberDouble": "0.0"}', '{"$numberDouble": "-0.0"}', '{"$numberDecimal": "0"}',
         '{"$numberDecimal": "0E+3"}', '{"$numberDecimal": "-0.00"}', '{"$undefined": true}']
MAPPING = ("{ table = 't', columns = { { 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', "
           "from = '_id' }, { 'a', 'int4' }, { 'b', 'int4' } } }")
SCRIPT = """
local text = io.open('metadata.json'):read('*a')
local list = require('lugger.mongo_index').translate(text, %s)
print(require('lugger.inner.base.json_text').encode(require('lugger.inner.base.json_text').list(list)))
""" % MAPPING


class Options(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.dir = Path(harness.scratch())

    def translate(self, text):
        (self.dir / 'metadata.json').write_text(text)
        (self.dir / 't.lua').write_text(SCRIPT)
        return json.loads(lugger('--lua', 't.lua', cwd=self.dir).out)

    def each(self, option, values):
        """An index of its own for each value of an option."""
        text = ', '.join('{"v": 2, "key": {"a": 1}, "name": "i%d", "%s": %s}' % (n, option, value)
                         for n, value in enumerate(values))
        return list(zip(values, self.translate('{"indexes": [%s]}' % text)))

    def test_a21_unique_sparse_and_hidden(self):
        for values, wanted in ((TRUE, True), (FALSE, False)):
            for value, found in self.each('unique', values):
                self.assertEqual('CREATE UNIQUE INDEX' in found['ddl'], wanted, f'unique: {value}')
            for value, found in self.each('sparse', values):
                self.assertEqual('IS NOT NULL' in found['ddl'], wanted, f'sparse: {value}')
            for value, found in self.each('hidden', values):
                self.assertEqual('ddl' not in found, wanted, f'hidden: {value}')
            for value, found in self.each('background', values):
                self.assertIn('CREATE INDEX', found['ddl'])

    def test_a21_absent_options_of_null(self):
        for option in ('collation', 'partialFilterExpression', 'expireAfterSeconds', 'weights',
                       'wildcardProjection'):
            found = self.translate(
                '{"indexes": [{"v": 2, "key": {"a": 1}, "name": "i", "%s": null}]}' % option)
            self.assertEqual(found[0]['kind'], 'plain', option)

    def test_a21_directions_and_exists(self):
        found = self.translate('''{"indexes": [{"v": 1, "key": {"a": -1e-05, "b": {"$numberLong": "-3"}},
            "name": "d"},
            {"v": 2, "key": {"a": {"$numberDouble": "NaN"}, "b": {"$numberDecimal": "-1"}}, "name": "n"}]}''')
        self.assertIn('("a" desc, "b" desc)', found[0]['ddl'])
        self.assertIn('("a", "b" desc)', found[1]['ddl'])
        for values, wanted in ((TRUE, '"a" IS NOT NULL'), (FALSE, '"a" IS NULL')):
            for value in values:
                found = self.translate('{"indexes": [{"v": 2, "key": {"b": 1}, "name": "i", '
                                       '"partialFilterExpression": {"a": {"$exists": %s}}}]}'
                                       % value)
                self.assertIn(wanted, found[0]['ddl'], value)

    def test_a21_a_field_may_be_called_like_a_method(self):
        found = self.translate('{"indexes": [{"v": 2, "key": {"fields": 1}, "name": "f"}, {"v": 2, "key": '
                               '{"get": 1, "a": 1}, "name": "g", "unique": 1}]}')
        self.assertIn('no column holds fields', found[0]['comment'])
        self.assertIn('no column holds get', found[1]['comment'])

    def test_a21_a_scaffold_keeps_them(self):
        (self.dir / 'dump/app').mkdir(parents=True)
        bson.write(self.dir / 'dump/app/t.bson', [{'_id': n, 'a': n, 'b': n, 'c': n} for n in range(3)])
        indexes = [('{"a": 1}', '"unique": true'), ('{"a": 1, "b": 1}', '"unique": {"$numberInt": "1"}'),
                   ('{"b": 1}', '"unique": {"$numberDouble": "1.0"}, "sparse": {"$numberInt": "1"}'),
                   ('{"b": 1, "c": 1}', '"unique": 0')]
        (self.dir / 'dump/app/t.metadata.json').write_text(
            '{"indexes": [%s]}' % ', '.join('{"v": 1, "key": %s, "name": "i%d", %s}' % (key, n, flags)
                                            for n, (key, flags) in enumerate(indexes)))
        lugger('scaffold', 'dump', '--out', 'migrate', cwd=self.dir)
        database = self.server.fresh()
        lugger('run', 'migrate/all.lua', '--create', cwd=self.dir, env={'PG_URI': database.url})
        self.assertEqual(database.query("select c.relname, indisunique, indpred is not null from pg_index i "
                                        "join pg_class c on c.oid = indexrelid"
                                        " where c.relname like 't\\_i_' order by 1"),
                         't_i0|t|f\nt_i1|t|f\nt_i2|t|t\nt_i3|f|f')


if __name__ == '__main__':
    harness.main()
