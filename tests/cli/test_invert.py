"""A mapping turned around: what `plan --invert` tells, and documents that come back as JSON lines."""
import json
import unittest

import project

# One of every type, with a field that only '*' takes, nested fields and arrays of documents.
DOCUMENTS = [
    {"_id": {"$oid": "64f1c0a2b3c4d5e6f7a8b901"}, "name": "Ann", "address": {"city": "Rome", "zip": "00100"},
     "seen": {"$date": {"$numberLong": "1773221400123"}}, "visits": {"$numberLong": "7"},
     "score": {"$numberDouble": "0.5"},
     "token": {"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}},
     "orders": [{"sku": "a", "lines": [{"n": {"$numberInt": "1"}}, {"n": {"$numberInt": "2"}}]},
                {"sku": "b", "odd": True}],
     "price": {"$numberDecimal": "1.50"}, "re": {"$regularExpression": {"pattern": "^a", "options": "i"}},
     "small": {"$numberLong": "1"}},
    {"_id": "64f1c0a2b3c4d5e6f7a8b901", "name": "Bob", "address": {},
     "looks": {"like": {"$oid": "64f1c0a2b3c4d5e6f7a8b901"}}},
    {"_id": {"$numberInt": "5"}, "name": "Cyd", "orders": [{"lines": [{"n": {"$numberInt": "3"}}]}],
     "empty": []},
]

SCRIPT = """local lugger = require 'lugger'
return lugger.copy {
  name = 'people',
  from = lugger.source 'people.json',
  into = lugger.target('out.jsonl', { table = 'people', key = 'mongo_id' %(options)s }),
  columns = {
    { 'id', 'uuid', generate = 'v5' },
    { 'mongo_id', 'text', from = '_id' },
    { 'name', 'text', required = true },
    { 'city', 'text', from = 'address.city' },
    { 'seen', 'timestamptz' }, { 'visits', 'int8' }, { 'score', 'float8' }, { 'token', 'uuid' },
    { 'rest', 'jsonb', from = '*' },
  },
  children = { { table = 'orders', from = 'orders[]',
    columns = { { 'sku', 'text' }, { 'rest', 'jsonb', from = '*' } },
    children = { { table = 'lines', from = 'lines[]', columns = { { 'n', 'int4' } } } } } },
  %(more)s
}
"""


class Inverse(project.Case):
    def setUp(self):
        super().setUp()
        self.write_json_lines('people.json', DOCUMENTS)
        self.script()

    def script(self, options='', more=''):
        self.write('people.lua', SCRIPT % {'options': options, 'more': more})

    def told(self, status=0):
        done = self.lugger('plan', 'people.lua', '--invert', '--json', status=status)
        return json.loads(done.out)[0]

    def test_a_column_a_line(self):
        done = self.lugger('plan', 'people.lua', '--invert', status=0)
        self.assertRegex(done.out,
                         r'(?m)^ *people +city +address\.city +comes back as a string; null as no field$')
        self.assertRegex(
            done.out, r'(?m)^ *lines +n +orders\[\]\.lines\[\]\.n +comes back as an int32; null as no field$')
        self.assertRegex(done.out, r'(?m)^ *people +id +computed from _id$')
        self.assertRegex(done.out.strip().splitlines()[-1],
                         r'the mapping can be turned around: \d+ of \d+ columns')

    def test_as_json(self):
        told = self.told()
        self.assertTrue(told['possible'])
        rest = next(c for c in told['columns'] if (c['table'], c['column']) == ('people', 'rest'))
        self.assertEqual((rest['path'], rest['verdict'], rest['words']),
                         ('*', 'same', 'comes back as it was'))
        self.assertIn('--json goes with --invert', self.lugger('plan', 'people.lua', '--json', status=2).err)

    def test_a_hook_is_named(self):
        self.script(more='map = function(row) row.name = row.name:lower() end,')
        told = self.told()
        self.assertEqual(told['verdict'], 'the mapping can be turned around, its hook cannot')
        self.assertNotIn('same', {c['verdict'] for c in told['columns'] if c['table'] == 'people'})

    def test_without_an_id(self):
        self.write('people.lua',
                   SCRIPT.replace("{ 'mongo_id', 'text', from = '_id' },",
                                  "{ 'mongo_id', 'uuid', from = '_id', ref = 'x' "
                                  "},") % {'options': ", documents = true", 'more': ''})
        told = self.told(status=1)
        self.assertFalse(told['possible'])
        self.assertIn('no column gives _id back', told['verdict'])
        self.assertIn('no column gives _id back', self.lugger('run', 'people.lua', status=1).err)

    def test_documents_come_back(self):
        self.script(options=', documents = true')
        self.lugger('run', 'people.lua', status=0)
        lines = [json.loads(line) for line in self.read('out.jsonl').splitlines()]
        self.assertEqual(lines, DOCUMENTS)

    def test_documents_make_the_round_again(self):
        self.script(options=', documents = true')
        self.lugger('run', 'people.lua', status=0)
        first = self.read('out.jsonl')
        self.write('people.json', first)
        self.lugger('run', 'people.lua', '--restart', status=0)
        self.assertEqual(self.read('out.jsonl'), first)

    def test_rows_without_the_option(self):
        self.lugger('run', 'people.lua', status=0)
        line = json.loads(self.read('out.jsonl').splitlines()[0])
        self.assertEqual((line['city'], line['orders'][0]['lines'][1]['n']), ('Rome', 2))


if __name__ == '__main__':
    unittest.main()
