"""Indexes of pgvector: chosen by metric, refused before the load where the server would refuse them
after it, and built with what the machine has."""
import unittest

import harness
from jobs import Work, job
from peer_postgres import PgVector

DOCUMENTS = [{'_id': i, 'e': [i % 7, 1, i % 3], 'bits': [True, False, i % 2 == 0]} for i in range(200)]


class Indexes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector({'maintenance_work_mem': '1MB'})

    def work(self, columns, indexes, documents=None, **more):
        return Work(self.server.fresh(**more), documents or DOCUMENTS,
                    job(columns, extra=f'indexes = {{ {indexes} }}, unmapped = "ignore"'))

    def definition(self, work, name):
        return work.database.query(f"select pg_get_indexdef('{name}'::regclass)")

    def refused(self, columns, index):
        return self.work(columns, index).lugger('plan', 'job.lua', '--create', expect=1).err

    def test_s1_17_the_metric_is_an_operator_class_of_the_type(self):
        work = self.work("{ 'v', 'vector(3)', from = 'e' }, { 'h', 'halfvec(3)', from = 'e' }, "
                         "{ 's', 'sparsevec(3)', from = 'e' }, { 'b', 'bit(3)', from = 'bits' }",
                         "{ 'v', method = 'hnsw', metric = 'cosine', "
                         "with = { m = 8, ef_construction = 32 } }, "
                         "{ 'v', name = 'lists', method = 'ivfflat', with = { lists = 2 } }, "
                         "{ 'h', method = 'hnsw', metric = 'dot' }, { 's', method = 'hnsw', metric = 'l1' }, "
                         "{ 'b', method = 'hnsw', metric = 'jaccard' }", schema='Ext "x')
        work.run('--create')
        path = 'set search_path = public, "Ext ""x"; '
        for name, wanted in (('docs_v_idx', "hnsw (v vector_cosine_ops) WITH (ef_construction='32', m='8')"),
                             ('lists', "ivfflat (v) WITH (lists='2')"),
                             ('docs_h_idx', 'hnsw (h halfvec_ip_ops)'),
                             ('docs_s_idx', 'hnsw (s sparsevec_l1_ops)'),
                             ('docs_b_idx', 'hnsw (b bit_jaccard_ops)')):
            found = work.database.query(f"{path}select pg_get_indexdef('{name}'::regclass)")
            self.assertTrue(found.endswith(wanted), found)
        work.lugger('verify', 'job.lua')
        # A second run finds them standing.
        self.assertNotIn('built', work.lugger('run', 'job.lua', '--stage', 'index').err)

    def test_s1_17_more_than_2000_dimensions_are_indexed_as_halfvec(self):
        documents = [{'_id': i, 'e': [(i + j) % 5 for j in range(2001)]} for i in range(20)]
        work = self.work("{ 'v', 'vector(2001)', from = 'e' }", "{ 'v', method = 'hnsw', metric = 'cosine' }",
                         documents)
        work.run('--create')
        self.assertTrue(self.definition(work, 'docs_v_idx').endswith(
            'hnsw (((v)::halfvec(2001)) halfvec_cosine_ops)'), self.definition(work, 'docs_v_idx'))

    def test_s1_17_an_expression_has_the_class_of_what_it_is_cast_to(self):
        for part, metric, word in (('((binary_quantize(v)::bit(3)))', 'hamming', 'bit_hamming_ops'),
                                   ('((v::halfvec(3)))', 'cosine', 'halfvec_cosine_ops')):
            index = f"{{ '{part}', name = 'by_part', method = 'hnsw', metric = '{metric}' }}"
            work = self.work("{ 'v', 'vector(3)', from = 'e' }", index)
            work.run('--create')
            self.assertIn(word, self.definition(work, 'by_part'))
        vector = "{ 'v', 'vector(3)', from = 'e' }"
        self.assertIn('nothing tells the type', self.refused(
            vector, "{ '((v))', method = 'hnsw', metric = 'l2' }"))
        self.assertIn('bit has no metric l2', self.refused(
            vector, "{ '((binary_quantize(v)::bit(3)))', method = 'hnsw', metric = 'l2' }"))

    def test_s1_17_what_the_server_would_refuse_is_refused_first(self):
        vector = "{ 'v', 'vector(3)', from = 'e' }"
        self.assertIn('no metric is given for v', self.refused(vector, "{ 'v', method = 'hnsw' }"))
        self.assertIn("metric = 'dot'", self.refused(vector, "{ 'v', method = 'hnsw', metric = 'ip' }"))
        self.assertIn("metric = 'cosinus' is not one of",
                      self.refused(vector, "{ 'v', method = 'hnsw', metric = 'cosinus' }"))
        self.assertIn('v has no dimensions', self.refused("{ 'v', 'vector', from = 'e' }",
                                                          "{ 'v', method = 'hnsw', metric = 'l2' }"))
        self.assertIn('takes at most 2000', self.refused("{ 'v', 'vector(4001)', from = 'e' }",
                                                         "{ 'v', method = 'hnsw', metric = 'l2' }"))
        self.assertIn('vector has no metric hamming',
                      self.refused(vector, "{ 'v', method = 'hnsw', metric = 'hamming' }"))
        self.assertIn('there is none of sparsevec',
                      self.refused("{ 'v', 'sparsevec(3)', from = 'e' }", "{ 'v', method = 'ivfflat' }"))
        for words, said in (('m = 1', 'm = 1 is not a number from 2 to 100'),
                            ('m = 40', 'at least 80 is wanted'),
                            ('lists = 4', 'hnsw has no parameter lists')):
            self.assertIn(said, self.refused(
                vector, f"{{ 'v', method = 'hnsw', metric = 'l2', with = {{ {words} }} }}"))
        self.assertIn('never unique', self.refused(
            vector, "{ 'v', method = 'hnsw', metric = 'l2', unique = true }"))
        self.assertIn("metric belongs to method", self.refused(vector, "{ 'v', metric = 'l2' }"))

    def test_s1_18_memory_that_does_not_hold_the_graph_is_told(self):
        documents = [{'_id': i, 'e': [(i * j) % 11 for j in range(100)]} for i in range(2000)]
        work = self.work("{ 'v', 'vector(100)', from = 'e' }", "{ 'v', method = 'hnsw', metric = 'l2' }",
                         documents)
        self.assertRegex(work.run('--create').err, r'docs_v_idx: its graph takes about 2\.\d MB, and '
                         r'maintenance_work_mem is 1\.\d MB: .* --index-memory \dMB holds it')
        work.database.query('drop index docs_v_idx')
        again = work.lugger('run', 'job.lua', '--stage', 'index', '--index-memory', '64MB').err
        self.assertNotIn('its graph', again)
        self.assertIn('indexes: 1 built', again)

    def test_s1_18_parallel_builds_before_0_8_2_are_not_trusted(self):
        work = self.work("{ 'v', 'vector(3)', from = 'e' }", "{ 'v', method = 'hnsw', metric = 'l2' }")
        work.database.query("update pg_extension set extversion = '0.8.1' where extname = 'vector'")
        self.assertIn('docs_v_idx: built without parallel workers: pgvector before 0.8.2',
                      work.run('--create').err)
        self.assertEqual(work.database.query("select indisvalid from pg_index where indexrelid = "
                                             "'docs_v_idx'::regclass"), 't')

    def test_s1_14_zeros_are_counted_or_refused(self):
        documents = [{'_id': i, 'e': [0, -0.0, 0] if i % 4 == 0 else [1, i, 0]} for i in range(40)]
        index = "{ 'v', method = 'hnsw', metric = 'cosine' }"
        work = self.work("{ 'v', 'vector(3)', from = 'e' }", index, documents)
        self.assertIn('docs_v_idx: 10 rows are not in it, since their vectors are all zeros',
                      work.run('--create').err)
        # An index has what is very large or very small, whose distances are not numbers.
        large = [{'_id': i, 'e': [0, 0, 0] if i < 2 else [3e38, 3e38, 1] if i < 9 else [1e-38, 0, i]}
                 for i in range(12)]
        self.assertIn('docs_v_idx: 2 rows are not in it',
                      self.work("{ 'v', 'vector(3)', from = 'e' }", index, large).run('--create').err)
        for kind in ('vector', 'halfvec', 'sparsevec'):
            self.assertIn('docs_v_idx: 10 rows are not in it', self.work(
                f"{{ 'v', '{kind}(3)', from = 'e' }}", index, documents).run('--create').err)
            column = f"{{ 'v', '{kind}(3)', from = 'e', zero = 'reject' }}"
            work = self.work(column, index, documents)
            done = work.run('--create', expect=3)
            self.assertEqual(done.books()['rejected'], 10)
            self.assertNotIn('not in it', done.err)
            self.assertEqual(work.database.query('select distinct code from lugger.rejects'), 'zero_vector')
        work = self.work("{ 'v', 'vector(3)', from = 'e', zero = 'reject', on_error = 'null' }", index,
                         documents)
        self.assertRegex(work.run('--create').err, r'v.*10')
        self.assertEqual(work.database.number('select count(*) from docs where v is null'), 10)

    def test_s1_14_each_fault_has_its_policy_and_count(self):
        bad = {'short': [1, 2], 'long': [1, 2, 3, 4], 'nan': [1, float('nan'), 2],
               'inf': [float('inf'), 1, 2], 'big': [1e39, 1, 2], 'text': ['x', 1, 2], 'none': None,
               'word': 'no vector'}
        documents = [{'_id': key, 'e': value} for key, value in {**bad, 'good': [1, 2, 3]}.items()]
        work = self.work("{ 'v', 'vector(3)', from = 'e' }", '', documents)
        self.assertEqual(work.run('--create', expect=3).books()['rejected'], 7)
        codes = work.database.query("select string_agg(code || ' ' || n, ', ' order by code) from (select "
                                    'code, count(*) n from lugger.rejects group by code) q')
        self.assertEqual(codes,
                         'bad_element 1, bad_value 1, non_finite 2, out_of_range 1, wrong_dimensions 2')
        work = self.work("{ 'v', 'vector(3)', from = 'e', on_error = 'null' }", '', documents)
        self.assertRegex(work.run('--create').err, r'docs\.v.* 7 |7 .*docs\.v|v: 7')
        self.assertEqual(work.database.number('select count(*) from docs where v is null'), 8)


if __name__ == '__main__':
    harness.main()
