"""A file begins with a session as new, and leaves none behind."""
import subprocess
import unittest

import harness
from migrations import Project
import pooler
from postgres import Postgres

APP = ('-- up\nCREATE SCHEMA app;\n{};\nCREATE TABLE a (id int PRIMARY KEY);\n-- down\n'
       'DROP SCHEMA app CASCADE;\n')
PLAIN = '-- up\nCREATE TABLE b (id int PRIMARY KEY);\n-- down\nDROP TABLE b;\n'
WAYS = ('SET search_path = app', "SELECT set_config('search_path', 'app', false)",
        "SELECT pg_catalog.set_config('search_path', 'app', false)",
        "DO $$ BEGIN PERFORM set_config('search_path', 'app', false); END $$",
        "DO $$ BEGIN EXECUTE 'SET search_path = app'; END $$",
        "WITH x AS (SELECT set_config('search_path', 'app', false)) SELECT * FROM x")
WHERE = ("select string_agg(schemaname || '.' || tablename, ',' order by schemaname, tablename) "
         "from pg_tables where tablename in ('a', 'b', 'c')")
# What a file can leave in its session, and a file that would meet it.
LEFT = {
    'CREATE TEMP TABLE c (id int)': "CREATE TABLE c (id int)",
    "PREPARE p AS SELECT 1": 'PREPARE p AS SELECT 1',
    'SELECT pg_advisory_lock(7)': "DO $$ BEGIN IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' "
                                  "AND pid = pg_backend_pid())"
                                  " THEN RAISE 'a lock'; END IF; END $$",
    'LISTEN x': "DO $$ BEGIN IF EXISTS (SELECT FROM pg_listening_channels()) THEN RAISE "
                "'listens'; END IF; END $$",
    'DECLARE k CURSOR WITH HOLD FOR SELECT 1': 'DECLARE k CURSOR WITH HOLD FOR SELECT 1',
    "SET app.tenant = '7'": "DO $$ BEGIN IF current_setting('app.tenant', true) <> '' THEN RAISE 'a "
                            "setting'; END IF; END $$",
    'SET ROLE pg_monitor': "RESET ROLE; DO $$ BEGIN IF current_user <> session_user THEN RAISE 'a "
                           "role'; END IF; END $$",
}


class Sessions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def test_a10_settings_end_with_their_file(self):
        for way in WAYS:
            for mark in ('', '-- no transaction\n'):
                project = self.project(v1_a=mark + APP.format(way), v2_b=PLAIN)
                project.migrate('up')
                self.assertEqual(project.query(WHERE), 'app.a,public.b', mark + way)

    def test_a10_settings_are_there_again_when_a_file_is_gone_on_with(self):
        for way in WAYS:
            project = self.project(v1_a='-- no transaction\n' + APP.format(way).replace(
                '-- down',
                'SELECT 1 / (SELECT count(*) FROM public.ready);\nCREATE TABLE c (id int);\n-- down'))
            project.migrate('up', expect=1)
            project.query('create table ready (); insert into ready default values')
            project.migrate('up')
            self.assertEqual(project.query(WHERE), 'app.a,app.c', way)

    def test_a10_a_setting_for_one_transaction_is_not_given_to_the_next_attempt(self):
        project = self.project(v1_a="""-- no transaction
-- up
CREATE SCHEMA app;
DO $$ BEGIN PERFORM set_config('search_path', 'app', true); END $$;
SELECT 1 / (SELECT count(*) FROM public.ready);
CREATE TABLE c (id int);
""")
        project.migrate('up', expect=1)
        project.query('create table ready (); insert into ready default values')
        project.migrate('up')
        self.assertEqual(project.query(WHERE), 'public.c')

    def test_a10_settings_are_there_again_after_a_lost_connection(self):
        project = self.project(v1_a="""-- no transaction
-- up
CREATE SCHEMA app;
SELECT set_config('search_path', 'app', false);
CREATE TABLE a (id int PRIMARY KEY);
CREATE SEQUENCE public.once;
DO $$ BEGIN IF nextval('public.once') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid());
  PERFORM pg_sleep(9); END IF; END $$;
CREATE TABLE b (id int);
""")
        project.migrate('up')
        self.assertEqual(project.query(WHERE), 'app.a,app.b')

    def test_a10_nothing_else_reaches_the_next_file(self):
        for left, meets in LEFT.items():
            if 'ROLE' in left:
                left += '; RESET ROLE'   # the row of the ledger is written by the role of the file
            for mark in ('', '-- no transaction\n'):
                project = self.project(v1_a=f'{mark}-- up\n{left};\n', v2_b=f'-- up\n{meets};\n')
                project.migrate('up', '--dry-run', expect=None if mark else 0)
                project.migrate('up')
                self.assertEqual(project.query(WHERE), 'public.c' if 'TEMP' in left else '', left)

    def test_a10_a_failure_leaves_nothing_for_the_next_try(self):
        project = self.project(v1_a="""return { up = function(db)
  db:exec 'PREPARE p AS SELECT 1'
  db:exec "SELECT pg_advisory_lock(7)"
  db:exec 'CREATE INDEX CONCURRENTLY ON t (id)'
end }""")
        project.query('create table t (id int)')
        project.migrate('up')

    def test_a10_dry_run_and_rehearsal_are_as_up(self):
        for way in WAYS:
            project = self.project(v1_a=APP.format(way), v2_b=PLAIN)
            for flag in ('--dry-run', '--rehearse') if way == WAYS[3] else ('--dry-run',):
                out = project.migrate('up', flag).out
                self.assertIn('+ table b', out.replace('public.b', 'b'), way)
                self.assertNotIn('+ table app.b', out, way)
            self.assertEqual(project.query(WHERE), '')

    def test_a10_a_temporary_table_that_is_gone_is_told(self):
        text = ('-- no transaction\n-- up\nCREATE TEMP TABLE c AS SELECT 1 AS id;\n'
                '{}SELECT 1 / (SELECT count(*) FROM ready);\n{}')
        project = self.project(v1_a=text.format('', 'INSERT INTO t SELECT id FROM c;'))
        project.query('create table t (id int); create table c (id int); create table ready ()')
        project.migrate('up', expect=1)
        project.query('insert into ready default values')
        self.assertIn('c went with the session of an earlier attempt', project.migrate('up', expect=1).err)
        project = self.project(v1_a=text.format('DROP TABLE c;\n', 'CREATE TABLE c (id int);'))
        project.query('create table ready ()')
        project.migrate('up', expect=1)
        project.query('insert into ready default values')
        project.migrate('up')

    def test_a10_other_databases_begin_as_new_too(self):
        project = self.project(
            v1_a="return { up = function(db, dbs) dbs.other:exec 'CREATE SCHEMA app'; "
                 "dbs.other:exec 'SET search_path = app'; dbs.other:exec 'CREATE TABLE a ()' end }",
            v2_b="return { up = function(db, dbs) dbs.other:exec 'CREATE TABLE b ()' end }")
        other = self.server.fresh()
        project.file('lugger.toml', f'[connections.other]\nurl = "{other.url}"\n', folder=None)
        self.assertNotIn('app.b', project.migrate('up', '--dry-run').out)
        project.migrate('up')
        self.assertEqual(other.query(WHERE), 'app.a,public.b')


class Pooled(Sessions):
    """The same behind a transaction pooler: settings end with their transaction, what cannot is refused."""

    @classmethod
    def setUpClass(cls):
        pooler.require()
        super().setUpClass()
        cls.pooler = pooler.Pooled(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.pooler.stop()

    def project(self, **files):
        project = Project(self.server.fresh(), **files)
        direct, url = project.database, self.pooler.url(project.database.name)

        class Through(Project):
            env = {'PG_URI': url, 'LOGNAME': 'tester', 'USER': 'tester'}
        project.__class__ = Through
        self.assertTrue(direct)
        return project

    def test_a10_settings_end_with_their_file(self):
        for way in WAYS:
            project = self.project(v1_a=APP.format(way), v2_b=PLAIN)
            project.migrate('up')
            self.assertEqual(project.query(WHERE), 'app.a,public.b', way)
            self.assertEqual(self.through(project, 'show search_path'), '"$user", public', way)

    def through(self, project, sql):
        """What every connection of the pool answers."""
        answers = [subprocess.run(['psql', '-XAtq', '-d', self.pooler.url(project.database.name), '-c', sql],
                                  capture_output=True, text=True, check=True) for _ in range(4)]
        return '\n'.join({answer.stdout.strip() for answer in answers})

    def test_a10_settings_of_steps_are_refused_by_name(self):
        for way in WAYS:
            project = self.project(v1_a='-- no transaction\n' + APP.format(way))
            err = project.migrate('up', expect=1).err
            self.assertIn('behind a transaction pooler', err, way)
            self.assertEqual(self.through(project, 'show search_path'), '"$user", public', way)

    def test_a10_nothing_else_reaches_the_next_file(self):
        for left in LEFT:
            if left.startswith('SET'):
                continue
            for flags in ((), ('--dry-run',)):
                project = self.project(v1_a=f'-- up\n{left};\n')
                err = project.migrate('up', *flags, expect=1).err
                self.assertIn('behind a transaction pooler', err, left)
                self.assertIn(left[:20], err)

    def test_a10_what_ends_with_the_transaction_is_taken(self):
        project = self.project(v1_a="""-- up
CREATE TEMP TABLE c (id int) ON COMMIT DROP;
SELECT pg_advisory_xact_lock(7);
SET LOCAL search_path = pg_catalog;
DO $$ BEGIN PERFORM pg_advisory_lock(8); EXECUTE 'PREPARE p AS SELECT 1'; EXECUTE 'SET work_mem = 12345';
  EXECUTE 'SET lock_timeout = 77'; END $$;
DO $$ BEGIN PERFORM pg_advisory_lock(8); PERFORM pg_advisory_lock(8, -9);
  PERFORM pg_advisory_lock_shared(-10); END $$;
""")
        result = project.migrate('up')
        self.assertNotIn('own a lock', result.out + result.err)
        self.assertEqual(project.query("select count(*) from pg_locks where locktype = 'advisory'"), '0')
        self.assertEqual(self.through(project, 'select count(*) from pg_prepared_statements'), '0')
        self.assertEqual(
            self.through(project, "select current_setting('work_mem') || current_setting('lock_timeout')"),
            '4MB0')
        project.file('v2_b', "-- up\nDO $$ BEGIN EXECUTE 'CREATE TEMP TABLE hidden (id int)'; END $$;\n")
        self.assertIn('the temporary table hidden would stay', project.migrate('up', expect=1).err)

    test_a10_settings_are_there_again_when_a_file_is_gone_on_with = None
    test_a10_a_setting_for_one_transaction_is_not_given_to_the_next_attempt = None
    test_a10_settings_are_there_again_after_a_lost_connection = None
    test_a10_a_failure_leaves_nothing_for_the_next_try = None
    test_a10_a_temporary_table_that_is_gone_is_told = None
    test_a10_other_databases_begin_as_new_too = None


if __name__ == '__main__':
    harness.main()
