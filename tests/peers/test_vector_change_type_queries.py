"""lugger vector change-type --queries: what the application asks, on the new column before the swap."""
import unittest

import harness
from peer_postgres import PgVector

SETUP = """create schema app; create schema ext;
create extension vector schema ext;
create table app.docs (id bigint primary key, title text, embedding ext.vector(3) not null);
insert into app.docs select i, 't', format('[%s,%s,1]', i, i)::ext.vector from generate_series(1, 50) i;
create index near on app.docs using hnsw (embedding ext.vector_l2_ops);
do $$ begin create role reader login; exception when duplicate_object then null; end $$;
grant usage on schema app, ext to reader;
grant select (id, embedding) on app.docs to reader;
alter role reader in database "DATABASE" set search_path = app, ext"""
GOOD = """-- What the application asks.
select id from docs order by embedding <-> '[1,2,3]' limit 3;
select id from app.docs where embedding <-> $1 < $2;
select d.id, d.embedding from docs as d where id = $1::bigint;
select 1"""
WRITES = """insert into docs (id, embedding) values (60, '[1,2,3]');
update docs set embedding = $1 where id = $2;
delete from docs where id = 1"""


class Queries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.database = self.server.fresh(schema=None)
        self.database.query(SETUP.replace('DATABASE', self.database.name))
        self.change('ext.halfvec(3)', '--step', 'add')
        for step in ('backfill', 'compare', 'index'):
            self.change('--step', step)

    def change(self, *args, expect=0):
        return harness.lugger('vector', 'change-type', 'app.docs.embedding', *args,
                              env={'PG_URI': self.database.url}, expect=expect)

    def ask(self, text, *args, expect=0):
        path = harness.script(text, 'queries.sql')
        return self.change('--queries', path, *args, expect=expect).err

    def test_s2_25_queries_run_under_their_role_and_its_search_path(self):
        self.assertIn('queries: 3 of 4 statements run', self.ask(GOOD, '--role', 'reader'))
        self.assertIn("permission denied", self.ask(WRITES, '--role', 'reader', expect=4))

    def test_s2_25_what_fails_is_named_and_stops_the_swap(self):
        self.database.query('alter database "%s" set search_path = app, ext' % self.database.name)
        self.assertIn('3 of 3', self.ask(WRITES))
        bad = GOOD + "; select vector_norm(embedding) from docs; insert into docs values (61, 't', '[1,2,3]')"
        said = self.ask(bad, '--step', 'swap', expect=4)
        for part in ('2 of 5 statements on app.docs do not run with the new type', 'vector_norm(halfvec)',
                     'does not exist', 'it names no columns, and their order changes'):
            self.assertIn(part, said)
        self.assertIn('next: --step swap', self.change().out)
        self.assertEqual(self.database.query('select count(*), max(id) from app.docs'), '50|50')
        self.ask(GOOD, '--role', 'reader', '--step', 'swap')

    def test_s2_05_the_path_of_the_document_is_shown_corrected(self):
        self.change('--step', 'back')
        self.database.query("alter database \"%s\" set search_path = '$user, public'" % self.database.name)
        self.database.query("alter role reader set search_path = '$user, public, vectors'")
        self.database.query("alter system set search_path = '$user, public, vectors'")
        said = self.change('ext.halfvec(3)', '--step', 'plan').out
        name = self.database.name
        for part in (f'ALTER DATABASE "{name}" SET search_path = "$user", public',
                     'ALTER ROLE "reader" SET search_path = "$user", public, vectors',
                     'ALTER SYSTEM SET search_path = "$user", public, vectors; SELECT pg_reload_conf()'):
            self.assertIn(part, said)
        self.database.query('alter system reset search_path; alter role reader reset search_path')


if __name__ == '__main__':
    harness.main()
