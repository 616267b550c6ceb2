"""lugger vector tune: what it measures is true, it goes on where it was killed, and leaves nothing behind."""
import json
import os
import random
import re
import signal
import subprocess
import time
import unittest
from html.parser import HTMLParser
from pathlib import Path

import harness
from peer_postgres import PgVector

ROWS, DIMENSIONS = 2000, 32
SMALL = ('--m', '8', '--ef-construction', '32', '--sample', '20')
FILL = f"""create table docs (id int primary key, tenant int, body text, embedding vector({DIMENSIONS}));
select setseed(0.3);
insert into docs select i, i % 20, repeat('text ', 40), v::real[]::vector from generate_series(1, {ROWS}) i,
  lateral (select array_agg(random() - 0.5 + (i % 7) * 0.1 + g * 0) v
           from generate_series(1, {DIMENSIONS}) g) r;
create index docs_embedding_idx on docs using hnsw (embedding vector_l2_ops);
analyze docs"""
LEFT = "select count(*) from pg_namespace where nspname like 'lugger%'"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.names, self.attributes, self.open = [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += [(tag, *one) for one in attrs]


class Tune(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()
        cls.database = cls.server.fresh()
        cls.database.query(FILL)

    def setUp(self):
        self.directory = Path(harness.scratch())
        self.env = {'PG_URI': self.database.url}

    def tearDown(self):
        self.database.query('drop schema if exists lugger_tune cascade; drop schema if exists lugger cascade')

    def tune(self, *words, expect=0, column='docs.embedding'):
        return harness.lugger('vector', 'tune', column, *words, cwd=self.directory, env=self.env,
                              expect=expect)

    def measured(self, *words, **more):
        return json.loads(self.tune(*words, '--json', **more).out)

    def queries(self, count, **more):
        """Queries of a file, and the vectors in them."""
        dice = random.Random(7)
        vectors = [[round(dice.uniform(-0.5, 1), 4) for _ in range(DIMENSIONS)] for _ in range(count)]
        (self.directory / 'q.jsonl').write_text(
            ''.join(json.dumps({'vector': one, **more}) + '\n' for one in vectors))
        return vectors

    def test_s1_30_the_recall_is_what_the_server_finds_exactly_and_by_an_index(self):
        before = self.database.query("select string_agg(pg_get_indexdef(indexrelid), ',') from pg_index "
                                     "where indrelid = 'docs'::regclass")
        vectors = self.queries(8)
        found = self.measured('--queries', 'q.jsonl', '--m', '4', '--ef-construction', '16', '--ef-search',
                              '10,400', '-k', '10', '--min-recall', '0.75')
        self.assertEqual((found['metric'], found['rows'], found['queries'], found['k']), ('l2', ROWS, 8, 10))
        low, high = found['points']
        self.assertEqual((low['search']['ef_search'], high['search']['ef_search']), (10, 400))
        # Each build draws its layers anew: 0.28 to 0.43, and 0.93 to 0.99.
        self.assertLess(low['recall'], 0.65)
        self.assertGreater(high['recall'], 0.8)
        self.assertEqual(found['best'], high)
        self.assertTrue(0 < low['p50_ms'] <= low['p95_ms'])
        self.assertGreater(low['bytes'], ROWS * DIMENSIONS * 4)
        # An index of the same kind finds about as much by the server's own account.
        shares = []
        self.database.query('create table twin as select id, embedding from docs; '
                            'create index twin_idx on twin using hnsw (embedding vector_l2_ops) '
                            'with (m = 4, ef_construction = 16)')
        for one in vectors:
            near = "(select id from {} order by embedding <-> '%s' limit 10)" % one
            shares.append(int(self.database.query(
                'set enable_seqscan = off; set hnsw.ef_search = 10; '
                'create temp table hits as select * from ' + near.format('twin') + ' a; '
                'set enable_indexscan = off; set enable_seqscan = on; '
                'select count(*) from hits where id in ' + near.format('twin')).split()[-1]) / 10)
        self.database.query('drop table twin')
        self.assertAlmostEqual(low['recall'], sum(shares) / len(shares), delta=0.35)
        self.assertEqual(self.database.query(LEFT), '0')
        self.assertEqual(before, self.database.query("select string_agg(pg_get_indexdef(indexrelid), ',') "
                                                     "from pg_index where indrelid = 'docs'::regclass"))

    def test_every_list_of_an_ivfflat_index_finds_all(self):
        found = self.measured('--method', 'ivfflat', '--lists', '10', '--probes', '1,10', '--sample', '10',
                              '--metric', 'cosine')
        self.assertEqual([one['search']['probes'] for one in found['points']], [1, 10])
        self.assertEqual((found['points'][1]['recall'], found['points'][1]['worst']), (1, 1))
        self.assertLess(found['points'][0]['recall'], 1)

    def test_s0_64_filtered_queries_come_short_and_iterative_scans_find_their_rows(self):
        found = self.measured(*SMALL, '--filter', 'tenant = 3 -- of one', '--ef-search', '10,40')
        self.assertEqual([(one['search']['iterative_scan'], one['search']['ef_search'])
                          for one in found['points']],
                         [('off', 10), ('off', 40), ('relaxed_order', 10), ('relaxed_order', 40)])
        off, on = found['points'][0], found['points'][2]
        self.assertEqual(off['short'], 20)
        self.assertLess(off['returned'], 3)
        self.assertEqual((on['short'], on['returned']), (0, 10))
        self.assertGreater(on['recall'], off['recall'])
        self.queries(4, filter={'tenant': 5, 'body': 'text ' * 40})
        self.assertEqual(self.measured('--m', '8', '--ef-construction', '32', '--queries', 'q.jsonl',
                                       '--ef-search', '10')['points'][1]['short'], 0)

    def test_the_table_the_page_and_the_migration_say_the_same(self):
        said = self.tune('--m', '16', '--ef-construction', '64', '--sample', '20', '--ef-search', '20,200',
                         '--html', 'tune.html', '--write', 'migrations', '--min-recall', '0.97',
                         '--filter', "body <> '<b>&'", '--iterative-scan', 'off')
        self.assertIn('up to about', said.err)
        best = re.search('^> hnsw, m = 16, ef_construction = 64; ef_search = (20|200): the least p95',
                         said.out, re.M).group(1)
        self.assertIn("with = { m = 16, ef_construction = 64 }", said.out)
        page = (self.directory / 'tune.html').read_text()
        tags = Tags()
        tags.feed(page)
        self.assertEqual(tags.names.count('svg'), 1)
        dots = [float(value) for tag, name, value in tags.attributes if tag == 'circle' and name == 'cx']
        self.assertEqual(len(dots), 3)     # two settings, and a ring around one of them
        self.assertEqual(dots[2], dots[['20', '200'].index(best)])
        self.assertTrue(all(0 <= one <= 960 for one in dots))
        self.assertNotIn('<b>&', page)
        self.assertNotRegex(page, r'https?://|url\(|<script')
        text = next((self.directory / 'migrations').iterdir()).read_text()
        self.assertIn('the index docs_embedding_idx is built so already', text)
        self.assertIn('ALTER DATABASE %I SET hnsw.ef_search = ' + best, text)
        self.assertNotIn('CREATE INDEX', text)
        harness.lugger('migrate', 'up', cwd=self.directory, env=self.env)
        self.assertEqual(self.database.query("select '[1]'::vector; show hnsw.ef_search").split()[-1], best)
        harness.lugger('migrate', 'down', cwd=self.directory, env=self.env)

    def test_a_migration_builds_the_index_and_takes_it_away(self):
        self.tune('--m', '6', '--ef-construction', '20', '--ef-search', '100', '--sample', '5', '--write',
                  'migrations', '--min-recall', '0')
        built = "select count(*) from pg_indexes where indexdef like '%m=''6''%ef_construction=''20''%'"
        harness.lugger('migrate', 'up', cwd=self.directory, env=self.env)
        self.assertEqual(self.database.query(built), '1')
        harness.lugger('migrate', 'down', cwd=self.directory, env=self.env)
        self.assertEqual(self.database.query(built), '0')

    def test_what_the_manual_types(self):
        page = (harness.ROOT / 'docs' / 'tune.md').read_text(encoding='utf-8')
        typed = re.search(r'^```sh not run[^\n]*\n(.*?)^```', page, re.M | re.S).group(1)
        program = self.directory / '.bin' / 'lugger'
        program.parent.mkdir()
        program.symlink_to(harness.binary())
        done = subprocess.run(['bash', '-euc', typed], cwd=self.directory, capture_output=True, text=True,
                              env={**harness.clean_environment(self.env),
                                   'PATH': f'{program.parent}:{os.environ["PATH"]}'})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.directory / 'tune.html').exists())
        harness.lugger('migrate', 'down', cwd=self.directory, env=self.env)

    def test_a_killed_sweep_goes_on_and_measures_no_point_twice(self):
        words = ('vector', 'tune', 'docs.embedding', '--m', '8,16', '--ef-construction', '100', '--ef-search',
                 '10,20', '--sample', '20')
        one = subprocess.Popen([os.environ['LUGGER'], *words], cwd=self.directory,
                               env={**os.environ, **self.env}, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        noted = "select count(*) from lugger_tune.points where name <> 'exact'"
        there = "select to_regclass('lugger_tune.points') is not null"
        while one.poll() is None:
            if self.database.query(there) == 't' and self.database.query(noted) != '0':
                break
            time.sleep(0.005)
        one.send_signal(signal.SIGKILL)
        one.wait()
        if self.database.query(LEFT) == '0':
            self.skipTest('it had ended before it was killed')
        # What was measured is told as it was noted, even where it cannot have been measured so.
        self.database.query("update lugger_tune.points "
                            "set result = replace(result, '\"p50\":', '\"p50\":1234')")
        count = int(self.database.query(noted))
        said = self.tune('--m', '4', '--sample', '21', expect=1)
        self.assertIn('an unfinished sweep of other rows or queries is there', said.err)
        for _ in range(50):
            done = harness.lugger(*words, '--json', cwd=self.directory, env=self.env, expect=None)
            if 'another sweep is under way' not in done.err:
                break
            time.sleep(0.1)
        self.assertIn('a sweep that was stopped goes on', done.err)
        points = json.loads(done.out)['points']
        self.assertEqual(len(points), 4)
        self.assertEqual(sum(one['p50_ms'] > 1000 for one in points), count)
        self.assertEqual(self.database.query(LEFT), '0')

    def test_a_copy_that_is_kept_takes_more_settings(self):
        self.tune(*SMALL, '--ef-search', '10', '--keep', '--min-recall', '0')
        said = self.tune(*SMALL, '--ef-search', '10,20', '--min-recall', '0', '--keep')
        self.assertIn('goes on', said.err)
        self.assertIn('ef_search = 20', said.out)
        self.tune('--drop')
        self.assertEqual(self.database.query(LEFT), '0')
        self.database.query('create schema lugger_tune; create table lugger_tune.mine (i int)')
        self.assertIn('not of a sweep', self.tune(*SMALL, expect=1).err)
        self.assertIn('not of a sweep', self.tune('--drop', expect=1).err)
        self.assertEqual(self.database.query('select count(*) from lugger_tune.mine'), '0')

    def test_what_it_takes_is_said_before_and_a_sample_is_named(self):
        said = self.tune('--dry-run', '--rows', '500')
        self.assertRegex(said.err, r'500 of about 2,000 rows, 32 dimensions, l2')
        self.assertRegex(said.err, r'unlogged, about [\d.]+ kB')
        self.assertEqual((said.out, self.database.query(LEFT)), ('', '0'))
        said = self.tune(*SMALL, '--ef-search', '40', '--rows', '500', '--min-recall', '0')
        self.assertIn('a sample of 500 of about 2,000 rows', said.out)
        self.assertIn('--rows all measures that', said.err)

    def test_a_stopped_sweep_says_how_it_goes_on(self):
        one = subprocess.Popen([os.environ['LUGGER'], 'vector', 'tune', 'docs.embedding', '--m', '50',
                                '--ef-construction', '1000', '--sample', '5'], cwd=self.directory,
                               env={**os.environ, **self.env}, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
        building = "select count(*) from pg_stat_progress_create_index"
        while one.poll() is None and self.database.query(building) == '0':
            time.sleep(0.01)
        one.send_signal(signal.SIGINT)
        said = one.communicate()[1]
        self.assertEqual(one.returncode, 130, said)
        self.assertIn('the same command goes on', said)
        self.assertEqual(self.database.query("select count(*) from pg_index i join pg_class c on c.oid = "
                                             "indexrelid where relname ~ 'hnsw_m50'"), '0')
        self.tune('--drop')
        self.assertEqual(self.database.query(LEFT), '0')

    def test_a_partitioned_table_gets_an_index_for_each_part(self):
        self.database.query("""create table parts (id int, embedding vector(32)) partition by hash (id);
            create table parts_a partition of parts for values with (modulus 2, remainder 0);
            create table parts_b partition of parts for values with (modulus 2, remainder 1);
            insert into parts select id, embedding from docs where id < 300""")
        self.addCleanup(self.database.query, 'drop table parts')
        self.tune(*SMALL, '--ef-search', '100', '--write', 'up.sql', '--min-recall', '0',
                  column='parts.embedding')
        text = (self.directory / 'up.sql').read_text()
        self.assertEqual(text.count('CREATE INDEX CONCURRENTLY'), 2)
        (self.directory / 'migrations').mkdir()
        (self.directory / 'up.sql').rename(self.directory / 'migrations' / '1_parts.sql')
        harness.lugger('migrate', 'up', cwd=self.directory, env=self.env)
        indexes = "select count(*) from pg_inherits where inhparent::regclass::text ~ 'parts_embedding'"
        self.assertEqual(self.database.query(indexes), '2')
        harness.lugger('migrate', 'down', cwd=self.directory, env=self.env)
        self.assertEqual(self.database.query(indexes), '0')

    def test_the_index_that_stands_is_among_the_usual_ones(self):
        self.database.query('create table own as select id, embedding from docs where id < 100; '
                            'create index on own using hnsw (embedding vector_cosine_ops) '
                            'with (m = 7, ef_construction = 33)')
        self.addCleanup(self.database.query, 'drop table own')
        found = self.measured('--sample', '3', '--ef-search', '50', column='own.embedding')
        self.assertEqual([one['with'] for one in found['points']][0], {'m': 7, 'ef_construction': 33})
        self.assertEqual((len(found['points']), found['metric']), (5, 'cosine'))
        self.assertGreater(found['exact_p95_ms'], 0)

    def test_names_and_an_extension_that_must_be_quoted(self):
        database = self.server.fresh(schema='ext s')
        database.query('''create schema "S p";
            create table "S p"."My Docs" ("ten'ant" text, "e m" "ext s".vector(2100), b bit(16));
            insert into "S p"."My Docs" select 'a''b' || i % 3, v::real[]::"ext s".vector, i::bit(16)
              from generate_series(1, 60) i, lateral (select array_agg(random() + i * 0 + g * 0) v
                from generate_series(1, 2100) g) r''')
        self.env = {'PG_URI': database.url}
        for column, kind in (('e m', 'halfvec_cosine_ops'), ('b', 'bit_hamming_ops')):
            said = self.tune(*SMALL, '--ef-search', '40', '--filter', "\"ten'ant\" <> 'a''b1'", '--write',
                             'm', '--min-recall', '0', column='S p.My Docs.' + column)
            self.assertIn("table = 'S p.My Docs', ef_search = 40", said.out)
            harness.lugger('migrate', 'up', '--dir', 'm', cwd=self.directory, env=self.env)
            built = f"select count(*) from pg_indexes where indexdef ~ '{kind}'"
            self.assertEqual(database.query(built), '1')
        self.assertEqual(database.query(LEFT.replace('%', '_tune%')), '0')

    def test_what_is_marked_production_is_asked_about(self):
        (self.directory / 'lugger.toml').write_text(
            f'[connections.live]\nurl = "{self.database.url}"\nproduction = true\n')
        self.assertIn('is marked production', self.tune(*SMALL, '--on', 'live', expect=1).err)
        self.tune('--on', 'live', '--dry-run')
        self.assertEqual(self.database.query(LEFT), '0')

    def test_nothing_finds_enough(self):
        said = self.tune(*SMALL, '--filter', 'tenant = 77', expect=1)
        self.assertIn('no query has a neighbour to find', said.err)
        self.assertEqual(self.database.query(LEFT), '0')

        said = self.tune('--m', '2', '--ef-construction', '4', '--ef-search', '10', '--sample', '10',
                         '--min-recall', '1', expect=4)
        self.assertIn('no setting reaches a recall of 1', said.out)

    def test_what_cannot_be_tuned_is_said(self):
        self.database.query("""create table odd (a text, b vector, c vector(3), "d e" halfvec(3));
            insert into odd values ('x', '[1]', '[1,2,3]', '[1,2,3]')""")
        self.addCleanup(self.database.query, 'drop table odd')
        for column, words, message in (
                ('odd.a', (), 'which pgvector does not index'), ('odd.b', (), 'has no dimensions'),
                ('odd.z', (), 'odd has no column z'), ('none.a', (), 'there is no table none'),
                ('odd.c', ('--metric', 'hamming'), 'is not compared by hamming'),
                ('odd.c', ('--filter', 'true) or (true'), 'is no condition'),
                ('odd.c', ('--filter', '1; drop table odd'), 'is no condition')):
            self.assertIn(message, self.tune(*words, column=column, expect=1).err)
        for words, message in ((('--m', '1'), 'from 2 to 100'), (('--method', 'hnws'), 'did you mean'),
                               (('--rows', 'many'), 'a number or all'), (('--min-recall', '95'), 'a share')):
            self.assertIn(message, self.tune(*words, column='odd.c', expect=2).err)
        (self.directory / 'q.jsonl').write_text('{"vector": [1, 2]}\n')
        self.assertIn('query 1: 2 dimensions, and c has 3', self.tune('--queries', 'q.jsonl', column='odd.c',
                                                                      expect=1).err)
        (self.directory / 'q.jsonl').write_text('{"vector": [1, 2, 3], "filter": {"nope": 1}}\n')
        self.assertIn('the filter names nope', self.tune('--queries', 'q.jsonl', column='odd.c',
                                                         expect=1).err)
        self.assertIn('odd.d e', self.tune(*SMALL, column='odd.d e').out)


if __name__ == '__main__':
    harness.main()
