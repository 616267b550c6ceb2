"""lugger vector change-type beside the steps of the document: an index that is dropped first, the extension
at the end, the search_path, and what the server has recorded of the application's queries."""
import signal
import unittest

import harness
from cutting import Cutter
from peer_postgres import PgVector
from postgres import Postgres

DOCS = """create table docs (id int primary key, embedding vector(3));
insert into docs select i, format('[%s,%s,1]', i, i)::vector from generate_series(1, 50) i;
create index near on docs using hnsw (embedding vector_ip_ops) with (m = 7);
comment on index near is 'the nearest'"""
INDEX = "select pg_get_indexdef(indexrelid), obj_description(indexrelid) from pg_index " \
        "where indexrelid = to_regclass('near')"


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.database = self.server.fresh(schema='embeddings')
        self.path = f'alter database "{self.database.name}" set search_path = public, embeddings'
        self.database.query(self.path)
        self.database.query(DOCS)

    def change(self, column, *args, expect=0):
        return harness.lugger('vector', 'change-type', column, *args, env={'PG_URI': self.database.url},
                              expect=expect)

    def test_s2_19_an_index_that_is_dropped_first_is_made_again_of_what_was_recorded(self):
        change = ('docs.embedding', 'embeddings.halfvec(3)', '--downtime')
        said = self.change(*change).out
        self.assertLess(said.index('DROP INDEX public."near"'), said.index('ALTER TABLE'))
        before = self.database.query(INDEX)
        # The second ALTER: the first one is the estimate's.
        for at, text in ((2, b'ALTER COLUMN "embedding" TYPE'), (1, b'CREATE INDEX "near"')):
            process = None

            def kill():
                process.send_signal(signal.SIGKILL)
            cutter = Cutter(self.server, at, act=kill, text=text)
            process = harness.start('vector', 'change-type', *change, '--step', 'all',
                                    env={'PG_URI': cutter.url(self.database)})
            process.communicate(timeout=60)
            cutter.close()
            self.assertTrue(cutter.fired, text)
            self.assertEqual(self.database.query(INDEX), before)
        self.change(*change, '--step', 'all')
        self.assertEqual(self.database.query(INDEX), before.replace('vector_ip_ops', 'halfvec_ip_ops'))

    def test_s2_23_an_extension_goes_last_and_without_cascade(self):
        self.database.query('create table other (id int primary key, v vector(3))')
        self.change('docs.embedding', 'real[]', '--using', 'embedding::real[]', '--back',
                    'embedding::embeddings.vector', '--step', 'plan', expect=1)
        self.database.query('drop index near')
        for column, words in (('docs.embedding', 'vector is still used by 1 column, such as other.v'),
                              ('other.v', 'DROP EXTENSION "vector", without CASCADE')):
            self.change(column, 'real[]', '--step', 'all')
            with self.assertRaisesRegex(AssertionError, 'cannot drop extension vector'):
                self.database.query('drop extension vector')
            self.assertIn(words, self.change(column, '--step', 'drop').err)
        self.database.query('drop extension vector')

    def test_s2_24_a_path_that_names_what_is_gone_is_shown_corrected(self):
        self.database.query('drop index near; alter role postgres set search_path = "$user", embeddings')
        self.database.query("alter system set search_path = embeddings, public")
        self.change('public.docs.embedding', 'real[]', '--step', 'all')
        said = self.change('public.docs.embedding', '--step', 'drop').err
        name = self.database.name
        for part in (f'ALTER DATABASE "{name}" SET search_path = public',
                     'ALTER ROLE "postgres" SET search_path = "$user"',
                     f'ALTER DATABASE "{name}" SET search_path = public, as its owner, for new sessions; or '
                     'as a superuser, for every database: ALTER SYSTEM SET search_path = public; '
                     'SELECT pg_reload_conf()'):
            self.assertIn(part, said)
        self.database.query('alter system reset search_path; alter role postgres reset search_path')


class Recorded(unittest.TestCase):
    def test_s2_25_queries_that_the_server_has_recorded(self):
        server = Postgres({'shared_preload_libraries': 'pg_stat_statements'})
        database = server.fresh()
        database.query('create extension pg_stat_statements; create schema app; create role reader login; '
                       f'alter role reader in database "{database.name}" set search_path = app; '
                       'grant usage on schema app to reader; create table app.t (id int primary key, n int); '
                       'grant select, insert on app.t to reader; insert into app.t values (1, 1); '
                       "create function app.half(int) returns int language sql as 'select $1 / 2'")
        role, database.user = database.user, 'reader'
        database.query('select n from t where id = 1 and n < 7; insert into t (id, n) values (2, 2)')
        database.query('select half(n) from t where id = 1')
        database.user = role

        def change(*args, expect=0):
            return harness.lugger('vector', 'change-type', 'app.t.n', *args, env={'PG_URI': database.url},
                                  expect=expect)
        change('bigint', '--step', 'add')
        said = change('--queries', 'pg_stat_statements', '--role', 'reader', expect=4).err
        self.assertIn('1 of 3 statements on app.t do not run with the new type', said)
        self.assertRegex(said, r'reader: .*function half\(bigint\) does not exist')
        database.query("create function app.half(bigint) returns bigint language sql as 'select $1 / 2'")
        database.query("insert into app.t (id, n) select x, 1 from generate_series(5, 6) x, "
                       "jsonb_build_array('a')")
        said = change('--queries', 'pg_stat_statements', expect=4).err
        # INSERT without a list of columns; and a constant whose type is lost.
        self.assertRegex(said, r'1 of \d+ statements on app.t do not run .*:\n.*it names no columns')
        self.assertRegex(said, r'\d statements? on app.t cannot be run as recorded, with \$1 for a constant')


if __name__ == '__main__':
    harness.main()
