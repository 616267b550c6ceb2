"""Files as psql takes them; roles, procedures that commit, indexes that are not valid."""
import subprocess
import unittest

import harness
from migrations import Project
import pooler
from postgres import Postgres
from sessions import wait_for

DUMP = r'''--
-- PostgreSQL database dump
--

\restrict VK5V4iMclcaLWk673Q4bRydXcYLLfan6a1WjXw9ehQnXmq9JwN0ZjU1wYyQ1Blb

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.currency (
    id integer NOT NULL,
    code text
);

COMMENT ON TABLE public.currency IS 'x;''y';

CREATE TABLE public.g (
    a integer,
    b integer GENERATED ALWAYS AS ((a * 2)) STORED
);
CREATE SEQUENCE public.s;

COPY public.currency (id, code) FROM stdin;
1	SP;HR
2	tab\there
3	it's $$ ä
7	down
5	\\.
4	\N
\.


COPY public.g (a) FROM stdin;
3
\.

SELECT pg_catalog.setval('public.s', 1, false);

\unrestrict VK5V4iMclcaLWk673Q4bRydXcYLLfan6a1WjXw9ehQnXmq9JwN0ZjU1wYyQ1Blb
'''
COPY = r'''-- up
CREATE TABLE cur (id int PRIMARY KEY, code text);
COPY cur (id, code) FROM stdin;
1	SPHR
2	SCS
\.
CREATE TABLE z (i int);
-- down
DROP TABLE cur, z;
'''
TAKES = ('SET ROLE lowly', "SELECT set_config('role', 'lowly', false)", 'SET SESSION AUTHORIZATION lowly',
         'DO $$ BEGIN SET ROLE lowly; END $$')
TAKEN = '''{mark}-- up
{take};
CREATE TABLE c1 (id int PRIMARY KEY);
CREATE TABLE c2 (id int);
CREATE INDEX {concurrently} ON c2 (id);
-- down
{take};
DROP TABLE c1, c2;
'''
OWNERS = "select string_agg(tableowner, ',') from pg_tables where tablename in ('c1', 'c2')"
COMMITS = '''{}-- up
CREATE TABLE w (i int);
DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO w VALUES (i); COMMIT; END LOOP; END $$;
-- down
DROP TABLE w;
'''
CALLS = '''CREATE TABLE w (i int);
CREATE PROCEDURE p(n int) LANGUAGE plpgsql AS $$ BEGIN
  FOR i IN 1..n LOOP INSERT INTO w VALUES (i); COMMIT; END LOOP;
END $$;
CALL p(4);
'''
CUT_OFF = '''-- no transaction
CREATE TABLE w (i int);
DO $$ BEGIN
  INSERT INTO w VALUES (1);
  COMMIT;
  PERFORM pg_sleep(CASE WHEN (SELECT count(*) FROM w) > 1 THEN 0 ELSE 60 END);
  COMMIT;
END $$;
'''
SLEEPS = '''select exists (select from pg_stat_activity where query like 'DO %' and wait_event = 'PgSleep')
  and to_regclass('w') is not null'''
U = 'create table u (id int primary key, e int); insert into u select i, i % 5 from generate_series(1, 10) i'
FLYWAY = '''create table flyway_schema_history (installed_rank int primary key, version varchar(50),
  description varchar(200) not null, type varchar(20) not null, script varchar(1000) not null, checksum int,
  installed_by varchar(100) not null, installed_on timestamp not null default now(),
  execution_time int not null, success boolean not null);
insert into flyway_schema_history values
  (1, '2', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', null, 'x', now(), 0, true),
  (2, '3', 't3', 'SQL', 'V3__t3.sql', 1, 'x', now(), 1, true);
create table t1 (); create table t2 (); create table t3 ()'''


class Psql(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.server.fresh().query('create role lowly')

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    # --- roles

    def test_c13_the_ledger_is_written_by_who_connected(self):
        for mark, concurrently in (('', ''), ('-- no transaction\n', 'CONCURRENTLY')):
            for take in TAKES:
                project = self.project(v1_a=TAKEN.format(mark=mark, take=take, concurrently=concurrently))
                project.query('grant create on schema public to lowly')
                project.migrate('up')
                self.assertEqual(project.states(), {'01': 'applied'}, take)
                self.assertEqual(project.query(OWNERS), 'lowly,lowly', take)
                self.assertEqual(project.query('select applied_by from lugger.migrations'),
                                 'postgres (tester)')
                project.migrate('down')
                self.assertEqual(project.query("select to_regclass('c1') is null"), 't')

    def test_c13_batches_and_transactions_keep_the_role_of_the_file(self):
        project = self.project(v1_a="""return { up = function(db)
  db:by_steps()
  db:exec 'SET ROLE lowly'
  for batch in db:batches { table = 't', batch_rows = 3 } do
    db:exec('UPDATE t SET who = current_user WHERE ' .. batch.condition)
  end
  db:transaction(function()
    db:exec "UPDATE t SET who = who || '!' WHERE id = 1 AND current_user = 'lowly'"
  end)
  db:exec "UPDATE t SET who = who || '?' WHERE id = 2 AND current_user = 'lowly'"
end }""")
        project.query('create table t (id int primary key, who text); grant select, update on t to lowly;'
                      ' insert into t select i from generate_series(1, 10) i')
        project.migrate('up')
        self.assertEqual(project.query("select string_agg(distinct who, ',' order by who) from t"),
                         'lowly,lowly!,lowly?')

    def test_c13_a_failure_after_a_role_is_recorded_and_gone_on_with(self):
        for mark in ('', '-- no transaction\n'):
            project = self.project(v1_a=f'{mark}SET ROLE lowly;\nCREATE TABLE c1 (id int);\n'
                                        'CREATE TABLE c2 AS SELECT * FROM later;\n')
            project.query('grant create on schema public to lowly')
            self.assertIn('relation "later" does not exist', project.migrate('up', expect=1).err)
            self.assertEqual(project.states(), {'01': 'failed'})
            project.query('create table later (id int); grant select on later to lowly')
            project.migrate('up')
            self.assertEqual(project.query(OWNERS), 'lowly,lowly')

    # --- CALL and DO that commit

    def test_c13_what_commits_runs_outside_a_transaction(self):
        for mark in ('', '-- no transaction\n'):
            project = self.project(v1_a=COMMITS.format(mark))
            project.migrate('up')
            self.assertEqual(project.query("select string_agg(i::text, ',') from w"), '1,2,3')
            self.assertEqual(project.states(), {'01': 'applied'})
        project = self.project(v1_a=CALLS, v2_b="return { up = function(db) db:exec('CALL p($1)', 2) end }")
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from w'), '6')

    def test_c13_what_was_cut_off_between_its_commits_is_not_run_again_unasked(self):
        project = self.project(v1_a=CUT_OFF)
        process = project.start('up')
        wait_for(project.database, SLEEPS, process)
        process.kill()
        process.communicate()
        project.query("select pg_terminate_backend(pid) from pg_stat_activity where query like 'DO %'")
        failed = project.migrate('up', expect=1)
        self.assertIn('was cut off, and how much of it was committed is not known', failed.err)
        self.assertIn('lugger migrate up --again', failed.err)
        self.assertEqual(project.query('select count(*) from w'), '1')
        project.migrate('up', '--again')
        self.assertEqual(project.query('select count(*) from w'), '2')

    def test_c13_a_failure_between_commits_says_what_stays(self):
        project = self.project(v1_a='CREATE TABLE w (i int);\nDO $$ BEGIN INSERT INTO w VALUES (1); COMMIT;'
                                    ' INSERT INTO w VALUES (1 / (SELECT 0)); END $$;')
        self.assertIn('what it committed before that stays', project.migrate('up', expect=1).err)
        inner = self.project(v1_a="""return { up = function(db)
  db:transaction(function() db:exec 'DO $$ BEGIN COMMIT; END $$' end)
end, transaction = false }""")
        self.assertIn('take it out of db:transaction', inner.migrate('up', expect=1).err)
        self.assertEqual(project.query('select count(*) from w'), '1')

    # --- files of pg_dump

    def test_c13_a_dump_of_pg_dump_runs(self):
        for mark in ('', '-- no transaction\n'):
            project = self.project(v1_dump=mark + DUMP)
            if not mark:
                project.migrate('up', '--dry-run')
            project.migrate('up')
            rows = "select string_agg(id || '=' || coalesce(code, 'NULL'), '|' order by id) from currency"
            self.assertEqual(project.query(rows),
                             "1=SP;HR|2=tab\there|3=it's $$ ä|4=NULL|5=\\.|7=down")
            self.assertEqual(project.query('select a, b from g'), '3|6')
            self.assertEqual(project.states(), {'01': 'applied'})

    def test_c13_a_line_of_data_is_no_mark(self):
        project = self.project(v1_a='-- up\nCREATE TABLE t (a text);\nCOPY t FROM stdin;\n-- down\nx\n\\.\n'
                                    '-- down\nDROP TABLE t;\n')
        project.migrate('up')
        self.assertEqual(project.query("select string_agg(a, ',') from t"), '-- down,x')
        project.migrate('down')

    def test_c13_rows_behind_copy(self):
        project = self.project(v1_cur=COPY)
        self.assertIn('COPY cur (id, code) FROM stdin', project.migrate('up', '--plan').out)
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from cur'), '2')
        project.migrate('redo')
        project.file('v2_more', "return { up = function(db)\n"
                                "  db:exec 'COPY cur FROM stdin;\\n9\\tx\\n\\\\.\\n'\nend }")
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from cur'), '3')
        project.file('v3_bad', 'COPY cur FROM stdin;\n10\tx\nnine\ty\n\\.\n')
        self.assertIn('invalid input syntax for type integer: "nine"', project.migrate('up', expect=1).err)
        self.assertEqual(project.query('select count(*) from cur'), '3')

    def test_c13_what_psql_alone_knows_is_said(self):
        for text, words in (('SELECT 1;\n\\connect app\n', ':2: \\connect is a command of psql'),
                            ('COPY t FROM stdin;\n1\nSELECT 1;\n', 'is not ended by a line \\.'),
                            ('COPY t FROM stdin;', 'COPY ... FROM stdin has no data here'),
                            ('COPY t FROM stdin; SELECT 1;\n', 'begins on the line behind it'),
                            ('COPY t TO stdout;', 'nobody reads what it writes'),
                            ("SELECT 1;\nSELECT 'open;\n", ':2: a quoted text that begins here is not')):
            project = self.project(v1_a=text)
            project.query('create table t (a int)')
            self.assertIn(words, project.migrate('up', expect=1).err, text)

    def test_c13_a_large_file(self):
        rows = ',\n'.join(f"({i}, 'text; {i}', NULL)" for i in range(20000))
        inserts = '\n'.join(f"INSERT INTO t VALUES ({i}, 'text; {i}', 1);" for i in range(20000, 22000))
        project = self.project(v1_t='-- up\nCREATE TABLE t (a int, b text, c int);\n'
                                    f'INSERT INTO t VALUES\n{rows};\n{inserts}\n-- down\nDROP TABLE t;\n')
        project.migrate('up')
        self.assertEqual(project.query('select count(*), sum(a), count(c), max(length(b)) from t'),
                         '22000|241989000|2000|11')
        project.migrate('down')

    def test_c15_numbers_of_postgresql_16_run_as_they_are(self):
        project = self.project(v1_t='CREATE TABLE t (id bigint PRIMARY KEY, a varchar(1_000) DEFAULT 0x1F);\n'
                                    'INSERT INTO t VALUES (1_000_000, 0b101), (0o17, 1_0.5_0);\n')
        plan = project.migrate('up', '--plan')
        self.assertNotIn('does not know it', plan.out)
        self.assertIn('VALUES (1_000_000, 0b101), (0o17, 1_0.5_0)', plan.out)
        if project.database.number("select current_setting('server_version_num')") >= 160000:
            project.migrate('up')
            self.assertEqual(project.query('select sum(id) from t'), '1000015')
        else:   # an older server says so itself
            self.assertIn('at or near', project.migrate('up', expect=1).err)
        project = self.project(v1_t='SELECT 1__000;')
        self.assertIn(':1: ', project.migrate('up', '--plan', expect=1).err)

    # --- an index that is not valid

    def broken(self, statement):
        """A project over a table whose unique index `ue` could not be built."""
        project = self.project(v1_a=statement)
        project.query(U)
        project.database.query('create unique index concurrently ue on u (e)', check=False)
        self.assertFalse(self.is_valid(project))
        project.query('delete from u where id > 5')
        return project

    def is_valid(self, project):
        return project.query("select indisvalid from pg_index where indexrelid = 'ue'::regclass") == 't'

    def test_c13_if_not_exists_over_an_invalid_index_builds_it(self):
        project = self.broken('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ue ON u (e);')
        self.assertIn('the invalid index ue', project.migrate('up').err)
        self.assertTrue(self.is_valid(project))
        project = self.broken('CREATE INDEX CONCURRENTLY IF NOT EXISTS ue ON u (id);')
        self.assertIn('not what the statement says', project.migrate('up', expect=1).err)
        project = self.broken('CREATE UNIQUE INDEX IF NOT EXISTS ue ON u (e);')
        self.assertIn('is there, but INVALID', project.migrate('up', expect=1).err)
        self.assertEqual(project.states(), {'01': 'failed'})

    # --- Flyway's baseline

    def test_c13_a_flyway_baseline_imports_in_order(self):
        project = self.project()
        for i in range(1, 5):
            project.file(f'V{i}__t{i}.sql', f'CREATE TABLE t{i} (id int PRIMARY KEY);', folder='theirs')
        project.query(FLYWAY)
        self.assertIn('3 as applied', project.migrate('import', 'theirs').err)
        self.assertEqual(project.states(), {'1': 'applied', '2': 'applied', '3': 'applied', '4': 'pending'})
        project.migrate('up')
        self.assertEqual(project.query("select to_regclass('t4') is not null"), 't')


class Pooled(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        pooler.require()
        cls.server = Postgres()
        cls.pooler = pooler.Pooled(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.pooler.stop()

    def test_c13_a_role_does_not_stay_with_the_pool(self):
        database = self.server.fresh()
        database.query('create role lowly; grant create on schema public to lowly')
        url = self.pooler.url(database.name)
        project = Project(database, v1_a='SET ROLE lowly;\nCREATE TABLE c1 (id int);\n',
                          v2_b='CREATE TABLE c2 (id int);')
        project.migrate('up', env={'PG_URI': url})
        self.assertEqual(project.query(OWNERS.replace('tableowner', "tablename || ' ' || tableowner")),
                         'c1 lowly,c2 postgres')
        for _ in range(4):
            done = subprocess.run(['psql', '-XAtq', '-d', url, '-c', 'select current_user'],
                                  capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout.strip(), 'postgres')


if __name__ == '__main__':
    harness.main()
