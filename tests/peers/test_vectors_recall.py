"""verify --recall: searches of both sides against exact neighbours, with pgvector, and against a model that
knows nothing of lugger."""
import json
import math
import random
import struct
import unittest
from pathlib import Path

import harness
from harness import lugger
from peer_postgres import PgVector

DIMENSIONS = 12
TABLE = "lugger.source(lugger.env.FROM, { table = 'docs', key = 'id' })"


def floats(*numbers):
    return [struct.unpack('<f', struct.pack('<f', n))[0] for n in numbers]


def some_vector(rng, size=DIMENSIONS):
    return floats(*(rng.gauss(0, 1) for _ in range(size)))


def score(metric, a, b):
    """As a distance: the nearest has the least."""
    dot = math.fsum(x * y for x, y in zip(a, b))
    if metric == 'dot':
        return -dot
    if metric == 'l2':
        return math.sqrt(math.fsum((x - y) ** 2 for x, y in zip(a, b)))
    return 1 - dot / math.sqrt(math.fsum(x * x for x in a) * math.fsum(x * x for x in b))


def nearest(metric, rows, query, k):
    return sorted(rows, key=lambda key: score(metric, rows[key], query))[:k]


def recall(exact, hits):
    return len(set(exact) & set(hits)) / len(exact)


def quoted(vector):
    return "'[" + ','.join(repr(x) for x in vector) + "]'"


class Recall(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.directory = Path(harness.scratch())
        self.source, self.target = self.server.fresh(), self.server.fresh()
        self.env = {'FROM': self.source.url, 'INTO': self.target.url}

    def table(self, database, rows, type_of='vector(12)', tenants=None):
        database.query(f'create table docs (id int primary key, tenant text, live bool default true, '
                       f'embedding {type_of})')
        if not rows:
            return
        values = ','.join(f"({key}, '{(tenants or {}).get(key, 'a')}', "
                          f"{'null' if vector is None else quoted(vector)}::{type_of})"
                          for key, vector in rows.items())
        database.query('insert into docs (id, tenant, embedding) values ' + values)

    def job(self, type_of='vector(12)', source=TABLE):
        (self.directory / 'job.lua').write_text(f'''
local lugger = require 'lugger'
return lugger.copy {{
  from = {source},
  into = lugger.target(lugger.env.INTO, {{ table = 'docs', key = 'id' }}),
  columns = {{ {{ 'id', 'int4' }}, {{ 'tenant', 'text' }}, {{ 'live', 'bool' }},
               {{ 'embedding', '{type_of}' }} }},
  unmapped = 'ignore',
}}
''', encoding='utf-8')

    def lugger(self, *args, expect=0):
        return lugger(*args, cwd=self.directory, env=self.env, expect=expect)

    def verify(self, *flags, expect=0):
        return json.loads(self.lugger('verify', 'job.lua', '--json', *flags, expect=expect).out)[0]

    def queries(self, lines):
        path = self.directory / 'queries.jsonl'
        path.write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')
        return '--recall-queries', 'queries.jsonl'

    def ask(self, database, operator, query, k, where='true', type_of='vector'):
        return [int(key) for key, in database.rows(
            f"select id from docs where {where} order by embedding {operator} "
            f"{quoted(query)}::{type_of} limit {k}")]

    def test_s1_23_figures_are_those_of_a_model(self):
        rng = random.Random(15)
        for metric, operator, opclass in (('cosine', '<=>', 'vector_cosine_ops'),
                                          ('dot', '<#>', 'vector_ip_ops'), ('l2', '<->', 'vector_l2_ops')):
            with self.subTest(metric=metric):
                self.setUp()
                rows = {key: some_vector(rng) for key in range(700)}
                self.table(self.source, rows)
                self.job()
                self.lugger('run', 'job.lua', '--create')
                # An index that finds little: few links, and a short list of candidates.
                self.source.query(f'create index on docs using hnsw (embedding {opclass})')
                self.target.query(f'create index docs_poor on docs using hnsw (embedding {opclass}) '
                                  'with (m = 2, ef_construction = 4)')
                self.target.query(f'alter database "{self.target.name}" set hnsw.ef_search = 10')
                self.target.query(f'alter database "{self.target.name}" set enable_seqscan = off')
                self.source.query(f'alter database "{self.source.name}" set enable_seqscan = off')
                asked = [some_vector(rng) for _ in range(40)]
                found = self.verify(*self.queries({'vector': query} for query in asked), '--recall-k', '10',
                                    expect=4)
                self.assertFalse(found['equal'])
                self.assertIn('recall@10 of the target', found['reasons'][0])
                figures, exact = found['recall'], [nearest(metric, rows, query, 10) for query in asked]
                answers = {side: [self.ask(database, operator, query, 10) for query in asked]
                           for side, database in (('source', self.source), ('target', self.target))}
                self.assertEqual((figures['metric'], figures['k'], figures['queries_tested']),
                                 (metric, 10, 40))
                for side, hits in answers.items():
                    each = [recall(e, h) for e, h in zip(exact, hits)]
                    self.assertAlmostEqual(figures[side]['recall'], sum(each) / 40, places=9)
                    self.assertAlmostEqual(figures[side]['worst'], min(each), places=9)
                    self.assertEqual(figures[side]['vectors'], 700)
                    self.assertIn('hnsw', figures[side]['how'])
                overlaps = [len(set(a) & set(b)) / max(len(a), len(b))
                            for a, b in zip(answers['source'], answers['target'])]
                self.assertAlmostEqual(figures['avg_result_overlap'], sum(overlaps) / 40, places=9)
                self.assertEqual(figures['perfect_matches'], sum(one == 1 for one in overlaps))
                self.assertEqual((figures['exact_overlap'], figures['largest_score_delta']), (1, 0))
                self.assertLess(figures['target']['recall'], 0.95)
                self.assertIn('docs_poor', figures['target']['how'])

    def test_s1_25_stored_vectors_are_sampled_and_drawn_again_by_seed(self):
        rng = random.Random(16)
        rows = {key: some_vector(rng) for key in range(300)}
        rows[7] = None
        self.table(self.source, rows)
        self.job()
        self.lugger('run', 'job.lua', '--create')
        first = self.verify('--recall', '--recall-sample', '20', '--seed', '5')
        again = self.verify('--recall', '--recall-sample', '20', '--seed', '5')
        self.assertTrue(first['equal'])
        self.assertEqual(first['recall'], again['recall'])
        figures = first['recall']
        self.assertEqual(figures['queries_from'], '20 stored vectors (seed 5)')
        self.assertEqual((figures['target']['recall'], figures['avg_result_overlap'],
                          figures['perfect_matches'], figures['rank_agreement']), (1, 1, 20, 1))
        self.assertEqual((figures['source']['without'], figures['target']['vectors']), (1, 299))
        self.assertIn('no index', figures['target']['how'])

    def test_s1_24_the_three_figures_are_printed_by_their_names(self):
        rng = random.Random(21)
        self.table(self.source, {key: some_vector(rng) for key in range(50)})
        self.job()
        self.lugger('run', 'job.lua', '--create')
        shown = self.lugger('verify', 'job.lua', '--recall', '--recall-sample', '20').out
        self.assertIn('avg_result_overlap 1.000  queries_tested 20  perfect_matches 20', shown)

    def test_s1_27_filtered_queries_that_an_index_answers_too_shortly(self):
        rng = random.Random(17)
        rows = {key: some_vector(rng) for key in range(900)}
        tenants = {key: 'rare' if key % 60 == 0 else 'a' for key in rows}
        self.table(self.source, rows, tenants=tenants)
        self.job()
        self.lugger('run', 'job.lua', '--create')
        self.target.query('create index on docs using hnsw (embedding vector_cosine_ops)')
        self.target.query(f'alter database "{self.target.name}" set enable_seqscan = off')
        self.target.query(f'alter database "{self.target.name}" set enable_sort = off')
        query = some_vector(rng)
        lines = [{'vector': query, 'filter': {'tenant': 'rare'}}, {'vector': query},
                 {'vector': query, 'filter': {'tenant': 'nobody'}},
                 {'vector': query, 'filter': {'tenant': 'rare', 'live': True}}]
        found = self.verify(*self.queries(lines), '--min-recall', '0')
        figures = found['recall']
        hits = self.ask(self.target, '<=>', query, 10, "tenant = 'rare'")
        self.assertLess(len(hits), 10)
        few = {key: vector for key, vector in rows.items() if tenants[key] == 'rare'}
        expected = recall(nearest('cosine', few, query, 10), hits)
        self.assertEqual((figures['queries_tested'], figures['nothing_to_find']), (3, 1))
        self.assertEqual(figures['target']['short_answers'], 2)
        self.assertEqual((figures['target']['wanted'], figures['target']['returned']),
                         (30, 10 + 2 * len(hits)))
        self.assertAlmostEqual(figures['target']['worst'], expected, places=9)
        self.assertEqual(figures['source']['recall'], 1)
        self.assertEqual({one['filter'] for one in figures['worst'][:2]},
                         {'tenant = rare', 'live = true, tenant = rare'})

    def test_s1_23_halves_ties_and_few_rows(self):
        rng = random.Random(18)
        # Twenty equal vectors: whichever of them are found, they are right.
        same = some_vector(rng)
        rows = {key: same if key < 20 else some_vector(rng) for key in range(60)}
        self.table(self.source, rows)
        self.job('halfvec(12)')
        self.lugger('run', 'job.lua', '--create')
        flags = self.queries([{'embedding': same}, {'embedding': some_vector(rng)}])
        figures = self.verify(*flags, '--recall-k', '5')['recall']
        self.assertEqual((figures['source']['recall'], figures['target']['recall']), (1, 1))
        self.assertGreater(figures['largest_score_delta'], 0)
        figures = self.verify(*flags, '--recall-k', '500')['recall']
        self.assertEqual((figures['target']['wanted'], figures['target']['returned'],
                          figures['target']['short_answers']), (120, 120, 0))

    def test_s1_23_copies_of_vectors_tie_and_zeros_have_no_neighbours(self):
        rng = random.Random(21)
        ten = [some_vector(rng) for _ in range(10)]
        rows = {key: ten[key % 10] for key in range(300)} | {300: [0.0] * DIMENSIONS}
        self.table(self.source, rows)
        self.job()
        self.lugger('run', 'job.lua', '--create')
        self.target.query('cluster docs using docs_pkey; update docs set tenant = tenant where id < 150')
        lines = [{'vector': some_vector(rng)} for _ in range(5)] + [{'vector': [0] * DIMENSIONS}]
        figures = self.verify(*self.queries(lines))['recall']
        self.assertEqual((figures['queries_tested'], figures['nothing_to_find']), (5, 1))
        self.assertEqual((figures['exact_overlap'], figures['target']['recall']), (1, 1))
        self.assertEqual(figures['target']['short_answers'], 0)

    def test_s1_23_sparse_vectors_and_bits_of_lines(self):
        rng = random.Random(22)
        (self.directory / 'docs.jsonl').write_text(''.join(json.dumps(
            {'id': key, 'terms': '{%d:1,%d:%.3f}/9' % (1 + key % 4, 5 + key % 5, rng.random()),
             'flags': format(rng.getrandbits(12), '012b')}) + '\n' for key in range(60)))
        for column, kind, metric in (('terms', 'sparsevec(9)', 'cosine'), ('flags', 'bit(12)', 'hamming')):
            with self.subTest(column=column):
                self.target = self.server.fresh()
                self.env['INTO'] = self.target.url
                self.job(source="lugger.source 'docs.jsonl'")
                text = (self.directory / 'job.lua').read_text()
                (self.directory / 'job.lua').write_text(
                    text.replace("'embedding', 'vector(12)'", f"'{column}', '{kind}'"))
                self.lugger('run', 'job.lua', '--create')
                figures = self.verify('--recall')['recall']
                self.assertEqual((figures['metric'], figures['target']['recall'], figures['queries_tested']),
                                 (metric, 1, 60))

    def test_s1_23_a_source_without_a_search_answers_exactly(self):
        rng = random.Random(19)
        (self.directory / 'docs.jsonl').write_text(''.join(
            json.dumps({'id': key, 'tenant': 'a', 'embedding': some_vector(rng)}) + '\n'
            for key in range(120)))
        self.job(source="lugger.source 'docs.jsonl'")
        self.lugger('run', 'job.lua', '--create')
        found = self.verify('--recall')
        self.assertTrue(found['equal'])
        self.assertEqual((found['recall']['source']['how'], found['recall']['queries_tested']), ('', 100))
        self.target.query('update docs set embedding = null where id < 60')
        found = self.verify('--recall', expect=4)
        self.assertEqual(found['recall']['target']['without'], 60)
        self.assertLess(found['recall']['exact_overlap'], 1)

    def test_s1_23_each_way_of_searching_is_told_with_its_queries(self):
        rng = random.Random(23)
        rows = {key: some_vector(rng) for key in range(600)}
        self.table(self.source, rows, tenants={key: 'rare' if key % 200 == 0 else 'a' for key in rows})
        self.job()
        self.lugger('run', 'job.lua', '--create')
        self.target.query('create index docs_near on docs using hnsw (embedding vector_cosine_ops);'
                          'create index docs_tenant on docs (tenant); analyze docs')
        self.target.query(f'alter database "{self.target.name}" set enable_seqscan = off')
        lines = [{'vector': some_vector(rng)} for _ in range(3)]
        lines.append({'vector': some_vector(rng), 'filter': {'tenant': 'rare'}})
        how = self.verify(*self.queries(lines), '--min-recall', '0')['recall']['target']['how']
        self.assertEqual(how, '3 queries: index docs_near (hnsw), hnsw.ef_search = 40; 1 query: the rows '
                              'that index docs_tenant (btree) selects are compared')

    def test_s1_23_partitions_are_searched_by_indexes_of_their_own(self):
        rng = random.Random(24)
        self.table(self.source, {key: some_vector(rng) for key in range(300)})
        self.target.query('create table docs (id int primary key, tenant text, live bool, '
                          'embedding vector(12)) partition by range (id);'
                          'create table docs_a partition of docs for values from (0) to (150);'
                          'create table docs_b partition of docs for values from (150) to (300)')
        self.job()
        self.lugger('run', 'job.lua')
        self.target.query('create index on docs using hnsw (embedding vector_cosine_ops)')
        self.target.query(f'alter database "{self.target.name}" set enable_seqscan = off')
        self.assertEqual(self.verify('--recall', '--recall-sample', '5')['recall']['target']['how'],
                         'index docs_a_embedding_idx and 1 of other partitions (hnsw), hnsw.ef_search = 40')

    def test_s1_23_the_worst_of_the_source_are_listed_too(self):
        rng = random.Random(25)
        rows = {key: some_vector(rng) for key in range(500)}
        self.table(self.source, rows)
        self.job()
        self.lugger('run', 'job.lua', '--create')
        self.source.query('create index on docs using hnsw (embedding vector_cosine_ops) '
                          'with (m = 2, ef_construction = 4)')
        self.source.query(f'alter database "{self.source.name}" set enable_seqscan = off')
        figures = self.verify('--recall', '--recall-sample', '60', '--seed', '3')['recall']
        self.assertEqual(figures['target']['worst'], 1)
        self.assertLess(figures['source']['worst'], 0.9)
        self.assertIn(figures['source']['worst'], [one['source'] for one in figures['worst']])
        self.assertLessEqual(len(figures['worst']), 10)

    def test_s1_23_long_sparse_vectors_and_zeros(self):
        self.source.query('create table docs (id int primary key, embedding sparsevec(30000));'
                          "insert into docs select i, ('{' || i || ':1,' || i + 1 || ':0.5}/30000')::"
                          "sparsevec from generate_series(1, 7) i; insert into docs values (9, '{}/30000')")
        self.job('sparsevec(30000)', source="lugger.source 'docs.jsonl'")
        job = self.directory / 'job.lua'
        job.write_text(job.read_text().replace("{ 'tenant', 'text' }, { 'live', 'bool' },", ''))
        (self.directory / 'docs.jsonl').write_text(''.join(
            json.dumps({'id': int(key), 'embedding': vector}) + '\n'
            for key, vector in self.source.rows('select id, embedding from docs')))
        self.lugger('run', 'job.lua', '--create')
        figures = self.verify('--recall')['recall']
        # The zero vector is near to nothing, and is no hit of a side.
        self.assertEqual((figures['target']['vectors'], figures['queries_tested'],
                          figures['nothing_to_find']), (8, 7, 1))
        self.assertEqual((figures['target']['recall'], figures['avg_result_overlap'],
                          figures['perfect_matches']), (1, 1, 7))

    def test_s1_23_arrays_beside_the_vector_are_not_meant(self):
        rng = random.Random(26)
        self.table(self.source, {key: some_vector(rng) for key in range(30)})
        self.source.query("alter table docs add nums float8[] default '{1,2}'")
        self.job()
        job = self.directory / 'job.lua'
        job.write_text(job.read_text().replace("columns = {", "columns = { { 'nums', 'float8[]' },"))
        self.lugger('run', 'job.lua', '--create')
        self.assertEqual(self.verify('--recall')['recall']['column'], 'embedding')
        asked = self.queries([{'vector': some_vector(rng), 'filter': {'tenant': 'a'}}])
        self.assertEqual(self.verify(*asked)['recall']['queries_tested'], 1)
        self.assertIn('the filter names tenant, which is no column of docs that is compared',
                      self.lugger('verify', 'job.lua', '--columns', 'embedding', *asked, expect=1).err)
        self.assertIn('recall: tenant is text, which holds no vectors',
                      self.lugger('verify', 'job.lua', '--recall-column', 'tenant', expect=1).err)

    def test_s1_23_rejects_explain_other_neighbours(self):
        rng = random.Random(27)
        self.table(self.source, {key: some_vector(rng) for key in range(30)})
        self.table(self.target, {})
        self.target.query('alter table docs add check (id > 2)')
        self.job()
        self.lugger('run', 'job.lua', expect=3)
        self.assertIn('exact neighbours differ: the source has 3 vectors that the target has not; the load '
                      'rejected 3 documents', self.lugger('verify', 'job.lua', '--recall').err)

    def test_bad_questions_are_refused_with_their_line(self):
        rng = random.Random(20)
        self.table(self.source, {1: some_vector(rng), 2: some_vector(rng)})
        self.job()
        self.lugger('run', 'job.lua', '--create')
        good = some_vector(rng)
        for lines, said in ((({'vector': good}, {'vector': [1, 2]}), 'query 2: 2 dimensions'),
                            (({'v': good},), 'query 1: it has no vector'),
                            (({'vector': 'x'},), 'query 1: this is no vector'),
                            (({'vector': good, 'flter': {'tenant': 'a'}},), 'query 1: unknown key "flter"'),
                            (({'vector': good, 'filter': {'nope': 1}},), 'filter names nope')):
            result = self.lugger('verify', 'job.lua', *self.queries(lines), expect=1)
            self.assertIn(said, result.err)
        whole = json.dumps({'vector': good})
        for text, said in ((f'{whole}\n\n{whole[:20]}', 'line 3, column 1'), (whole[:9], 'line 1, column 1'),
                           (f'{whole}\n{whole[:-1]}\n', 'line 2, column 1'),
                           (f'{whole}\n{{"vector": [1, oops]}}\n{whole}\n', 'query 2 is no JSON: line 2')):
            (self.directory / 'queries.jsonl').write_text(text)
            result = self.lugger('verify', 'job.lua', '--recall-queries', 'queries.jsonl', expect=1)
            self.assertIn('queries.jsonl', result.err)
            self.assertIn(said, result.err)
        found = self.verify(*self.queries([]), expect=4)
        self.assertEqual(found['reasons'], ['no query could be tested'])
        # Queries of other dimensions than what is stored.
        result = self.lugger('verify', 'job.lua', *self.queries([{'vector': [1, 2]}]), expect=1)
        self.assertIn('none of the 2 vectors of the source has the 2 dimensions of the queries', result.err)
        for flags, said in ((('--recall-column', 'tenants'), 'no column tenants'),
                            (('--recall-metric', 'near'), 'near'),
                            (('--min-recall', '1.01'), 'a share from 0 to 1, not 1.01'),
                            (('--min-recall', '95'), 'a share from 0 to 1'),
                            (('--min-recall=-0.1',), 'a share from 0 to 1'),
                            (('--recall-sample', '5', '--recall-queries', 'queries.jsonl'),
                             'no sample is drawn'),
                            (('--recall', '--sample', '10'), 'leave out')):
            self.assertIn(said, self.lugger('verify', 'job.lua', *flags, expect=1).err)

    def test_a_sample_and_a_file_of_queries_take_each_others_place(self):
        rng = random.Random(23)
        self.table(self.source, {key: some_vector(rng) for key in range(30)})
        self.job()
        self.lugger('run', 'job.lua', '--create')
        self.queries([{'vector': some_vector(rng)}])
        text = (self.directory / 'job.lua').read_text()
        for own, flags, said in (("queries = 'queries.jsonl'", (), 'queries.jsonl'),
                                 ("queries = 'queries.jsonl'", ('--recall-sample', '7'), '7 stored vectors'),
                                 ('sample = 7', ('--recall-queries', 'queries.jsonl'), 'queries.jsonl')):
            (self.directory / 'job.lua').write_text(
                text.replace("unmapped", f"verify = {{ recall = {{ {own} }} }}, unmapped"))
            self.assertIn(said, self.verify(*flags)['recall']['queries_from'])
        for own, said in (("queries = 'queries.jsonl', sample = 7", 'no sample is drawn'),
                          ('least = 2', 'a share from 0 to 1, not 2')):
            (self.directory / 'job.lua').write_text(
                text.replace("unmapped", f"verify = {{ recall = {{ {own} }} }}, unmapped"))
            self.assertIn(said, self.lugger('verify', 'job.lua', expect=1).err)


if __name__ == '__main__':
    harness.main()
