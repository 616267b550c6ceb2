"""Indexes of PGVecto.rs and VectorChord by their DDL, what a plan refuses first, and searches whose scores
are those of every other store. Against doubles: an index of theirs is empty, nothing is said of recall."""
import json
import unittest

import harness
from jobs import Work, job
from pgvectors import PgVectors

DOCUMENTS = [{'_id': i, 'e': [i % 7, 1, i % 3], 'bits': [True, False, i % 2 == 0]} for i in range(60)]
TYPES = {'v': 'vectors.vector(3)', 'h': 'vectors.vecf16(3)', 's': 'vectors.svector(3)',
         'b': 'vectors.bvector(3)'}


def columns(*names):
    return ', '.join(f"{{ '{name}', '{TYPES[name]}', from = '{'bits' if name == 'b' else 'e'}' }}"
                     for name in names)


class Indexes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors()

    def work(self, text, indexes, **more):
        extra = f'indexes = {{ {indexes} }}, unmapped = "ignore"'
        return Work(self.server.fresh(**more), DOCUMENTS, job(text, extra=extra))

    def refused(self, text, index, **more):
        return self.work(text, index, **more).lugger('plan', 'job.lua', '--create', expect=1).err

    def definition(self, work, name):
        return work.database.query(f"select pg_get_indexdef('{name}'::regclass)")

    def test_s2_22_the_metric_is_an_operator_class_of_the_type(self):
        work = self.work(columns('v', 'h', 's', 'b'),
                         "{ 'v', method = 'vectors', metric = 'cosine', "
                         "with = { m = 20, ef_construction = 200 } }, "
                         "{ 'v', name = 'lists', method = 'vectors', metric = 'l2', with = { nlist = 7 } }, "
                         "{ 'h', method = 'vectors', metric = 'dot' }, "
                         "{ 's', method = 'vectors', metric = 'dot', with = { options = "
                         "'[indexing.sparse_inverted_index]' } }, "
                         "{ 'b', method = 'vectors', metric = 'jaccard' }, "
                         "{ 'b', name = 'of_bits', method = 'vectors', metric = 'hamming' }", schema=None)
        self.assertIn('USING vectors', work.lugger('plan', 'job.lua', '--create').out)
        work.run('--create')
        for name, wanted in (
                ('docs_v_idx', "(v vectors.vector_cos_ops) WITH (options='[indexing.hnsw]\nm = 20\n"
                               "ef_construction = 200\n')"),
                ('lists', "(v vectors.vector_l2_ops) WITH (options='[indexing.ivf]\nnlist = 7\n')"),
                ('docs_h_idx', '(h vectors.vecf16_dot_ops)'),
                ('docs_s_idx', '(s vectors.svector_dot_ops) '
                               "WITH (options='[indexing.sparse_inverted_index]')"),
                ('docs_b_idx', '(b vectors.bvector_jaccard_ops)'),
                ('of_bits', '(b vectors.bvector_hamming_ops)')):
            found = self.definition(work, name)
            self.assertTrue(found.endswith('USING vectors ' + wanted), found)
        work.lugger('verify', 'job.lua')
        self.assertNotIn('built', work.lugger('run', 'job.lua', '--stage', 'index').err)

    def test_s2_22_a_build_in_the_background_is_waited_for(self):
        work = self.work(columns('v'), "{ 'v', method = 'vectors', metric = 'l2' }")
        work.database.query(f'alter database "{work.database.name}" set vectors_double.indexing_s = 4')
        self.assertIn('went on building it after CREATE INDEX', work.run('--create').err)
        self.assertEqual(work.database.query('select idx_indexing from vectors.pg_vector_index_stat'), 'f')

    def test_s2_26_vectorchord_indexes_types_of_pgvector(self):
        work = self.work("{ 'v', 'vector(3)', from = 'e' }, { 'h', 'halfvec(3)', from = 'e' }, " +
                         columns('b'),
                         "{ 'v', method = 'vchordrq', metric = 'cosine', with = { lists = 10 } }, "
                         "{ 'h', method = 'vchordg', metric = 'l2' }, "
                         "{ 'v', name = 'of_pgvector', method = 'hnsw', metric = 'l2' }, "
                         "{ 'b', method = 'vectors', metric = 'hamming' }", vchord=True)
        work.run('--create')
        for name, wanted in (('docs_v_idx', "USING vchordrq (v vector_cosine_ops) WITH (options="
                                            "'[build.internal]\nlists = [10]\n')"),
                             ('docs_h_idx', 'USING vchordg (h halfvec_l2_ops)'),
                             ('of_pgvector', 'USING hnsw (v vector_l2_ops)'),
                             ('docs_b_idx', 'USING vectors (b vectors.bvector_hamming_ops)')):
            found = self.definition(work, name)
            self.assertTrue(found.endswith(wanted), found)
        work.lugger('verify', 'job.lua')

    def test_s2_22_what_the_server_would_refuse_is_refused_first(self):
        one = "{ 'v', method = 'vectors', metric = 'l2'%s }"
        self.assertIn('vectors has no parameter lists',
                      self.refused(columns('v'), one % ', with = { lists = 3 }'))
        self.assertIn('m = 3 is not a number from 4 to 128',
                      self.refused(columns('v'), one % ', with = { m = 3 }'))
        self.assertIn('no metric is given', self.refused(columns('v'), "{ 'v', method = 'vectors' }"))
        self.assertIn('has no metric hamming',
                      self.refused(columns('v'), "{ 'v', method = 'vectors', metric = 'hamming' }"))
        self.assertIn('has no metric cosine',
                      self.refused(columns('b'), "{ 'b', method = 'vectors', metric = 'cosine' }"))
        self.assertIn('v has no dimensions', self.refused("{ 'v', 'vectors.vector', from = 'e' }", one % ''))
        self.assertIn('which the extension does not index',
                      self.refused("{ 'v', 'vector(3)', from = 'e' }", one % ''))
        self.assertIn("use method = 'vectors'",
                      self.refused(columns('v'), "{ 'v', method = 'hnsw', metric = 'l2' }"))
        self.assertIn('sparse vectors and bits have hnsw', self.refused(
            "{ 's', 'sparsevec(3)', from = 'e' }", "{ 's', method = 'vchordrq', metric = 'l2' }",
            vchord=True))
        self.assertIn('CREATE EXTENSION vchord', self.refused(
            "{ 'v', 'vector(3)', from = 'e' }", "{ 'v', method = 'vchordrq', metric = 'l2' }"))
        self.assertIn('run CREATE EXTENSION vectors', self.refused(columns('v'), '', vectors=None))
        self.assertIn('take vectors.vecf16', self.refused("{ 'v', 'vectors.veci8(3)', from = 'e' }", ''))

    def test_s2_22_a_compatibility_mode_left_on_is_found(self):
        work = self.work("{ 'v', 'vector(3)', from = 'e' }", "{ 'v', method = 'hnsw', metric = 'l2' }")
        name = work.database.name
        work.database.query(f'alter database "{name}" set vectors.pgvector_compatibility = on')
        self.assertIn('vectors.pgvector_compatibility is on',
                      work.lugger('plan', 'job.lua', '--create', expect=1).err)

    def found(self, work, column, query, metric):
        code = f"""local docs = lugger.target(lugger.env.PG_URI, {{ table = 'docs', key = 'mongo_id' }})
          local wanted = {{ k = 3, column = '{column}', metric = '{metric}' }}
          for _, hit in ipairs(docs:search({query}, wanted)) do
          print(json.encode {{ hit.key, hit.score }}) end"""
        return [json.loads(line) for line in work.lugger('-e', code).out.splitlines()]

    def test_s2_26_scores_are_those_of_other_stores(self):
        """<-> is squared there, and <~> is another distance."""
        work = self.work(columns('v', 'h', 's', 'b') + ", { 'p', 'vector(3)', from = 'e' }, "
                         "{ 'q', 'bit(3)', from = 'bits' }", "{ 'v', method = 'vectors', metric = 'l2' }")
        work.run('--create')
        for metric in ('l2', 'cosine', 'dot'):
            wanted = self.found(work, 'p', '{ 6, 2, 0.5 }', metric)
            for column in ('v', 'h', 's'):
                found = self.found(work, column, '{ 6, 2, 0.5 }', metric)
                for one, other in zip(found, wanted, strict=True):
                    self.assertAlmostEqual(one[1], other[1], 5, (column, metric))
        for metric in ('hamming', 'jaccard'):
            wanted = self.found(work, 'q', '{ 1, 0, 1 }', metric)
            found = self.found(work, 'b', '{ 1, 0, 1 }', metric)
            self.assertEqual([score for _, score in found], [score for _, score in wanted], metric)


    def test_s2_26_recall_asks_by_their_operators(self):
        """Every row is compared here: the neighbours are the exact ones, and their scores the same."""
        documents = [{'_id': i, 'e': [i % 7 + i / 8, 1, i % 3], 'bits': [1, 0, i % 2]} for i in range(40)]
        for name, metric in (('v', 'l2'), ('h', 'cosine'), ('s', 'l2'), ('b', 'hamming')):
            with self.subTest(column=name):
                work = self.work(columns(name), f"{{ '{name}', method = 'vectors', metric = '{metric}' }}")
                work.documents(documents)
                work.run('--create')
                told = work.lugger('verify', 'job.lua', '--recall').out
                self.assertIn(f'of {name}, {metric}, 40 stored vectors', told)
                self.assertRegex(told, r'target +1\.000 .*every row is compared: no index is used')
        self.assertRegex(work.lugger('describe', work.database.url, '--table', 'docs').out,
                         r'b .* vectors\.bvector\(3\)')


if __name__ == '__main__':
    harness.main()
