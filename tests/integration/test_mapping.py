"""Where values come from and what stands in for them: defaults, routes, names that come twice, what
nobody takes."""
import json
import unittest
from pathlib import Path

import bson
import harness
import jobs
from bson import Int64
from postgres import Postgres


def twice(*pairs):
    """A document with these fields, names repeated or not, as bytes."""
    body = b''
    for name, value in pairs:
        if isinstance(value, list):
            body += b'\x03' + name.encode() + b'\0' + twice(*value)
        else:
            body += bson.encode({name: value})[4:-1]
    return (len(body) + 5).to_bytes(4, 'little') + body + b'\0'


class Mapping(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def load(self, documents, columns, expect=0, **more):
        database = self.server.fresh()
        work = jobs.Work(database, text=jobs.job(columns, **more))
        if isinstance(documents, bytes):
            work.source.write_bytes(documents)
        else:
            work.documents(documents)
        return database, work.run('--create', expect=expect), work

    def test_ids_of_rows_that_a_hook_gives(self):
        """The first row keeps the document's id; no two rows of different keys share one."""
        ids = "{ 'id', 'uuid', generate = 'v5' }, "
        documents = [{'_id': f'k{i}', 'n': i} for i in range(20)]
        for key in ('mongo_id', 'id'):
            plain, _, _ = self.load(documents, ids + "{ 'n', 'int4' }", key=key)
            own = dict(plain.rows('select mongo_id, id from docs'))
            for hook in ('return { {} }', 'return { { n = 7 }, { mongo_id = row.mongo_id .. "#", n = 8 } }',
                         'lugger.emit { mongo_id = row.mongo_id .. "#", n = 9 }'):
                with self.subTest(key=key, hook=hook):
                    database, _, work = self.load(documents, ids + "{ 'n', 'int4' }", key=key,
                                                  conflict='update', extra=f'map = function(row) {hook} end,')
                    rows = database.rows('select mongo_id, id from docs')
                    self.assertEqual({k: v for k, v in rows if not k.endswith('#')}, own)
                    self.assertEqual(len({v for _, v in rows}), len(rows))
                    self.assertIn(len(rows), (20, 40))
                    self.assertEqual(len(rows) == 40, '#' in hook)
                    work.lugger('verify', 'job.lua')

    def test_f4_defaults_keep_their_type(self):
        columns = """
          { 'a', 'numeric', decimal = ',', thousands = '.', default = 1.234 },
          { 'b', 'numeric', decimal = ',', default = 2 },
          { 'c', 'int4', trim = true, strict = true, default = 3 },
          { 'd', 'int8', default = lugger.int64 '9007199254740993' },
          { 'e', 'timestamptz', default = lugger.date '2026-03-11T09:30:00.123456Z' },
          { 'f', 'numeric', decimal = ',', default = lugger.decimal '1.50' },
          { 'g', 'bool', default = false }, { 'h', 'int4[]', default = { 1, 2 } },
          { 'i', 'jsonb', default = { k = { 1, 'x' } } },
          { 'j', 'text', default = 1.5 }, { 'k', 'numeric', decimal = ',', default = '1,5' },
          { 'l', 'float8', default = 0.1 },
          { 'm', 'text', default = lugger.null }"""
        database, _, _ = self.load([{'_id': 'x'}], columns)
        self.assertEqual(database.rows("select a, b, c, d, e, f, g, h, i, j, k, l, m from docs"),
                         [['1.234', '2', '3', '9007199254740993', '2026-03-11 09:30:00.123456+00', '1.50',
                           'f', '{1,2}', '{"k": [1, "x"]}', '1.5', '1.5', '0.1', '\\N']])

    def test_f4_a_default_that_does_not_fit_is_refused_when_planned(self):
        for default in ('70000', "'x'", '1.5', '{ 1 }', 'true', "lugger.date '2026-01-01'"):
            work = jobs.Work(self.server.fresh(), [{'_id': 'x'}],
                             jobs.job(f"{{ 'v', 'int2', default = {default} }}"))
            said = work.lugger('plan', 'job.lua', '--create', expect=1)
            self.assertIn('docs.v: default', said.err)

    ROUTE = "route = { from = 'kind', tables = { a = 'docs_a' }, otherwise = 'docs_o' },"

    def test_f5_the_discriminator_is_told_or_kept(self):
        documents = [{'_id': 'x', 'kind': 'a'}, {'_id': 'y', 'kind': 'b', 'n': 1}]
        _, result, _ = self.load(documents, "{ 'n', 'int4' }", extra=self.ROUTE)
        self.assertIn('no column took: kind (2 documents)', result.err)
        database, result, _ = self.load(documents, "{ 'rest', 'jsonb', from = '*' }", extra=self.ROUTE)
        self.assertEqual(database.query('select rest from docs_a union all select rest from docs_o'),
                         '{"kind": "a"}\n{"n": 1, "kind": "b"}')
        self.assertNotIn('no column took', result.err)
        _, result, _ = self.load(documents, "{ 'n', 'int4' }", extra=self.ROUTE + "unmapped = 'ignore',")
        self.assertNotIn('no column took', result.err)
        _, result, _ = self.load(documents, "{ 'n', 'int4' }", extra=self.ROUTE + "unmapped = 'error',",
                                 expect=3)
        self.assertEqual(result.books()['rejected'], 2)

    def test_f5_map_runs_for_documents_that_no_route_takes(self):
        hook = """route = { from = 'kind', tables = { a = 'docs_a', b = 'docs_b' } },
          map = function(row, doc)
            if doc.kind == 'c' then return lugger.route 'docs_b' end
            if doc.kind == 'd' then return lugger.skip 'd' end
            if doc.kind == 'e' then return lugger.reject 'e' end
            if doc.kind == 'f' then row.n = 7 end
            if doc.kind == 'g' then return { { n = 1 }, { n = 2 } } end
          end,"""
        documents = [{'_id': kind, 'kind': kind, 'n': 0} for kind in 'abcdefg']
        database, result, _ = self.load(documents, "{ 'kind', 'text' }, { 'n', 'int4' }", expect=3,
                                        extra=hook, key=None)
        self.assertEqual(database.query("select 'a', mongo_id from docs_a union all select 'b', mongo_id "
                                        "from docs_b order by 1, 2"),
                         'a|a\nb|b\nb|c')
        self.assertEqual(result.books(), {
            'read': 7, 'inserted': 3, 'updated': 0, 'unchanged': 0, 'skipped': 1, 'rejected': 3})
        self.assertEqual(database.query("select document_id, code from lugger.rejects order by 1"),
                         'e|hook\nf|no_route\ng|no_route')

    def test_a_route_and_what_comes_behind_the_load(self):
        documents = [{'_id': 'x', 'kind': 'a', 'n': 1}, {'_id': 'y', 'kind': 'b', 'n': 2}]
        for key, one in (('indexes', "{ 'n' }"), ('indexes', "'n'"), ('constraints', "{ check = 'n > 0' }"),
                         ('constraints', "{ unique = 'n' }")):
            with self.subTest(one):
                _, result, _ = self.load(documents, "{ 'n', 'int4' }",
                                         extra=self.ROUTE + f"unmapped = 'ignore', {key} = {{ {one} }},",
                                         expect=1)
                self.assertIn(f'{key}: the route leads to several tables (docs_a, docs_o)', result.err)
                self.assertIn("table = 'docs_a'", result.err)
        extra = self.ROUTE + """unmapped = 'ignore', not_null = 'n',
          indexes = { { table = 'docs_a', 'n' }, { table = 'docs_o', 'n' } },
          constraints = { { table = 'docs_o', check = 'n > 0' } },"""
        database, _, _ = self.load(documents, "{ 'n', 'int4' }", extra=extra)
        self.assertEqual(database.query("select tablename from pg_indexes "
                                        "where indexname like '%_n_idx' order by 1"),
                         'docs_a\ndocs_o')
        self.assertEqual(database.query("select attrelid::regclass from pg_attribute where attname = 'n' "
                                        "and attnotnull order by 1::text"),
                         'docs_a\ndocs_o')
        self.assertEqual(database.query("select conrelid::regclass from pg_constraint where contype = 'c' "
                                        "and conname like 'docs%'"),
                         'docs_o')

    def test_f7_the_last_of_equal_names(self):
        documents = twice(('_id', 'old'), ('b', [('x', 1), ('z', 1)]), ('s', 'one'),
                          ('b', [('y', 2), ('y', 3)]), ('s', 'two'), ('_id', 'new'))
        columns = ("{ 'x', 'int4', from = 'b.x' }, { 'y', 'int4', from = 'b.y' }, { 's', 'text' }, { 'seen', "
                   "'text', from = 'none' }")
        hook = ("map = function(row, doc) row.seen = doc.s .. tostring(doc.b.x) .. "
                "tostring(doc.b.y) .. doc._id end,")
        database, result, _ = self.load(documents, columns, extra=hook)
        self.assertEqual(database.query('select * from docs'), 'new||3|two|twonil3new')
        work = jobs.Work(database)
        work.source.write_bytes(documents)
        found = work.lugger('-e',
                            f"s = source('{work.source}'); print(s:find {{ s = 'two', ['b.x'] = null "
                            f"}}:count(), s:find {{ s = 'one' }}:count(), "
                            f"s:find {{ ['b.z'] = 1 }}:count())").out
        self.assertEqual(found.split(), ['1', '0', '0'])

    def test_a19_unmapped_error_refuses_what_would_be_lost(self):
        documents = [{'_id': 'good', 'v': {'d': 1, 'e': 2}}, {'_id': 'lost', 'v': {'d': 1}, 'w': []}]
        database, result, _ = self.load(documents, "{ 'v', 'jsonb' }, { 'd', 'int4', from = 'v.d' }",
                                        expect=3, extra="unmapped = 'error',")
        self.assertEqual(database.query('select mongo_id, d from docs'), 'good|1')
        self.assertEqual(database.query('select document_id, code from lugger.rejects'), 'lost|unmapped')
        children = ("unmapped = 'error', children = { { table = 'lines', from = 'lines[]', "
                    "columns = { { 'sku', 'text' } } } },")
        documents = [{'_id': 'good', 'lines': [{'sku': 'a'}]},
                     {'_id': 'lost', 'lines': [{'sku': 'a'}, {'sku': 'b', 'note': 'n'}]}]
        database, result, _ = self.load(documents, "{ 'n', 'int4' }", expect=3, extra=children)
        self.assertEqual(database.query('select parent_mongo_id, sku from lines'), 'good|a')

    def test_f18_an_element_that_is_no_document_is_named(self):
        children = "children = { { table = 'lines', from = 'lines[]', columns = { { 'sku', 'text' } } } },"
        database, _, _ = self.load([{'_id': 'x', 'lines': [{'sku': 'a'}, 5]}], "{ 'n', 'int4' }", expect=3,
                                   extra=children)
        self.assertEqual(database.query('select code, message from lugger.rejects'),
                         'wrong_type|lines[]: an element is int32 5, '
                         'not a document whose fields the columns could read')

    def test_f18_dates_beyond_year_9999_have_milliseconds_in_jsonb(self):
        database, _, _ = self.load([{'_id': 'x', 'v': bson.Date(317351347200000)},
                                    {'_id': 'y', 'v': bson.Date(317351347200120)},
                                    {'_id': 'z', 'v': bson.Date(0)}],
                                   "{ 'v', 'jsonb' }")
        self.assertEqual(json.loads(database.query('select jsonb_agg(v order by mongo_id) from docs')),
                         ['+12026-06-19T00:00:00.000Z', '+12026-06-19T00:00:00.120Z',
                          '1970-01-01T00:00:00.000Z'])


if __name__ == '__main__':
    harness.main()
