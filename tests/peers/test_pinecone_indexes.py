"""Indexes that lugger makes, document indexes, searches of an index, and recall."""
import json
import math
import random
import unittest

from pinecone_jobs import Case

COLUMNS = "{ 'id', 'text' }, { 'title', 'text' }, { 'year', 'int4' }, { 'embedding', 'vector(8)' }"
JOB = '''
local lugger = require 'lugger'
return lugger.copy { name = 'there',
  from = lugger.source(lugger.env.PG_URI, { table = 'docs', key = 'id' }),
  into = lugger.target('pinecone://docs', { key = 'id', OPTIONS }),
  columns = { %s }, indexes = nil }
''' % COLUMNS
BACK = '''
local lugger = require 'lugger'
return lugger.copy { name = 'back',
  from = lugger.source('pinecone://docs', { namespace = 'ns' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'again', key = 'id' }),
  columns = { { 'id', 'text', from = '_id', id_text = 'plain' }, { 'title', 'text' }, { 'year', 'int4' },
              { 'embedding', 'vector(8)' } }, unmapped = 'ignore' }
'''
DIFFERENT = '''select count(*) from docs a full join again b using (id)
  where (a.title, a.year, a.embedding::text) is distinct from (b.title, b.year, b.embedding::text)'''


class Indexes(Case):
    def table(self, count, seed=1):
        chance = random.Random(seed)
        self.database.query('create table docs (id text primary key, title text, year int, '
                            'embedding vector(8))')
        self.rows = {f'd{n}': [chance.gauss(0, 1) for _ in range(8)] for n in range(count)}
        self.database.query('insert into docs values ' + ','.join(
            f"('{key}', 'title {key}', {1900 + n % 100}, '{json.dumps(numbers)}')"
            for n, (key, numbers) in enumerate(self.rows.items())))

    def test_s1_17_the_index_is_made_with_the_metric_of_the_source(self):
        self.table(20)
        self.database.query('create index on docs using hnsw (embedding vector_l2_ops)')
        self.server.limits.ready_after = 1
        for version in ('2026-04', '2026-07'):
            self.script('there.lua', JOB, f"api_version = '{version}'")
            self.run_lugger('run', 'there.lua', '--create', '--restart')
            self.assertEqual(self.server.indexes['docs'].dimension, 8)
            self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 20 rows')
            self.server.forget(self.server.indexes['docs'])

    def test_a_metric_and_dimensions_that_differ_are_refused(self):
        self.table(3)
        self.server.make('docs', 9)
        self.script('there.lua', JOB)
        ended = self.run_lugger('plan', 'there.lua', expect=1)
        self.assertIn('8 dimensions', ended.out + ended.err)

    def test_what_is_there_is_replaced_when_asked(self):
        self.table(30)
        index = self.server.make('docs', 8)
        index.put({'other': [1.0] * 8, 'd1': [2.0] * 8})
        self.script('there.lua', JOB)
        self.assertIn('holds records', repr(self.run_lugger('run', 'there.lua', expect=1)))
        self.script('there.lua', JOB, "on_conflict = 'update'")
        self.assertEqual(self.run_lugger('run', 'there.lua').books()['updated'], 30)
        found = self.run_lugger('verify', 'there.lua', expect=4).out
        self.assertIn('other', found)
        self.run_lugger('repair', 'there.lua', '--apply', '--delete-extra', expect=None)
        self.assertNotIn('other', index.records(''))

    def test_n_10_a_document_index_is_written_and_read(self):
        self.table(250)
        self.script('there.lua', JOB, "documents = true, namespace = 'ns'")
        self.assertEqual(self.run_lugger('run', 'there.lua', '--create').books()['inserted'], 250)
        index = self.server.indexes['docs']
        self.assertTrue(index.documents)
        self.assertEqual(sorted(index.records('ns')), sorted(self.rows))
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 250 rows')
        self.script('back.lua', BACK)
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create').books()['inserted'], 250)
        self.assertEqual(self.database.number(DIFFERENT), 0)
        self.database.query("update docs set title = 'other' where id = 'd7'")
        self.assertIn('d7', self.run_lugger('verify', 'there.lua', expect=4).out)

    def test_an_index_is_searched(self):
        self.table(200)
        query = [0.1 * n for n in range(8)]

        def l2(key):
            return math.dist(query, self.rows[key])
        exact = sorted(self.rows, key=l2)[:5]
        for options in ("metric = 'euclidean'", "metric = 'euclidean', documents = true"):
            self.script('there.lua', JOB, options)
            self.run_lugger('run', 'there.lua', '--create', '--restart')
            (self.cwd / 'search.lua').write_text('''
local lugger = require 'lugger'
for _, hit in ipairs(lugger.source('pinecone://docs', { namespace = '' }):search(
    { %s }, { k = 5, filter = FILTER })) do print(hit.key, ('%%.4f'):format(hit.score)) end
''' % ', '.join(map(str, query)), encoding='utf-8')
            script = (self.cwd / 'search.lua').read_text(encoding='utf-8')
            (self.cwd / 'all.lua').write_text(script.replace('FILTER', 'nil'), encoding='utf-8')
            (self.cwd / 'some.lua').write_text(script.replace('FILTER', '{ year = 1950 }'), encoding='utf-8')
            found = [line.split('\t') for line in self.run_lugger('all.lua').out.splitlines()]
            self.assertEqual([key for key, _ in found], exact)
            self.assertAlmostEqual(float(found[0][1]), l2(exact[0]), 3)
            found = [line.split('\t')[0] for line in self.run_lugger('some.lua').out.splitlines()]
            self.assertEqual(sorted(found), ['d150', 'd50'])
            self.server.forget(self.server.indexes['docs'])

    def test_s1_23_recall_of_both_sides(self):
        self.table(200)
        self.script('there.lua', JOB)
        self.run_lugger('run', 'there.lua', '--create')
        told = self.run_lugger('verify', 'there.lua', '--recall', '--recall-sample', '20').out
        self.assertIn('equal', told)
        self.assertIn('index docs (cosine)', told)


if __name__ == '__main__':
    unittest.main()
