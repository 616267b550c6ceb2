"""b2: what belongs to users keeps to their search_path, and PostgreSQL's names come first all the same."""
import unittest

import harness
from jobs import Work, job
from postgres import Postgres

DOCUMENTS = [{'_id': i, 'n': i} for i in range(5)]


class Tables(unittest.TestCase):
    """What belongs to users keeps to their search_path."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def test_b2_triggers_defaults_and_checks_run_along_their_path(self):
        database = self.server.fresh()
        database.query("""
            create schema app; alter database %s set search_path = app, public;
            set search_path = app, public;
            create function twice(int) returns int language sql immutable as 'select $1 * 2';
            create function later(int) returns int language plpgsql as 'begin return twice($1); end';
            create table notes (n int);
            create table docs (mongo_id text primary key, n int, m int default later(21),
              check (later(n) >= 0));
            create function note() returns trigger language plpgsql as
              'begin insert into notes values (twice(new.n)); return new; end';
            create trigger note before insert or update on docs for each row execute function note();
            create table public.docs (mongo_id text primary key)""" % database.name)
        work = Work(
            database, DOCUMENTS, job("{ 'n', 'int4' }", conflict='update', extra="unmapped = 'ignore',")
        )
        self.assertEqual(work.run().books()['inserted'], 5)
        self.assertEqual(work.run('--again').books()['unchanged'], 5)
        self.assertEqual(
            database.query('select sum(n), sum(m) from app.docs; select count(*) from public.docs'),
            '10|210\n0',
        )
        self.assertGreaterEqual(database.number('select count(*) from app.notes'), 5)
        work.lugger('verify', 'job.lua')

    def test_b2_pg_catalog_comes_before_what_the_path_names_first(self):
        database = self.server.fresh()
        database.query("""
            create schema evil; create table evil.reached (a text);
            create function evil.to_regclass(text) returns regclass language plpgsql as
              $$ begin insert into evil.reached values ('to_regclass'); return null; end $$;
            create function evil.count() returns bigint language plpgsql as
              $$ begin insert into evil.reached values ('count'); return 7; end $$;
            create view evil.pg_class as select * from pg_catalog.pg_class where false;
            create domain evil.text as pg_catalog.text check (false);
            alter database %s set search_path = evil, pg_catalog, public""" % database.name)
        work = Work(database, DOCUMENTS, job("{ 'n', 'int4' }", table='public.docs'))
        work.run('--create')
        work.lugger('verify', 'job.lua')
        self.assertEqual(database.query('select pg_catalog.count(*) from evil.reached'), '0')
        self.assertEqual(database.query('select pg_catalog.count(*) from public.docs'), '5')


if __name__ == '__main__':
    harness.main()
