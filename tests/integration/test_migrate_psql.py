"""Files as psql takes them, roles, procedures that commit, invalid indexes, partitioned tables."""
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

COPY public.currency (id, code) FROM stdin;
1	SP;HR
2	tab\there
3	it's $$ ä
-- down
5	\\.
4	\N
\.


COPY public.g (a) FROM stdin;
3
\.

SELECT pg_catalog.setval('public.s', 1, false);

\unrestrict VK5V4iMclcaLWk673Q4bRydXcYLLfan6a1WjXw9ehQnXmq9JwN0ZjU1wYyQ1Blb
'''
SEQUENCE = 'CREATE SEQUENCE public.s;\n\nCOPY public.currency'
COPY = '-- up\nCREATE TABLE cur (id int PRIMARY KEY, code text);\nCOPY cur (id, code) FROM stdin;\n1\tSPHR\n2\tSCS\n\\.\nCREATE TABLE z (i int);\n-- down\nDROP TABLE cur, z;\n'
COMMITS = 'DO $$ BEGIN FOR i IN 1..3 LOOP INSERT INTO w VALUES (i); COMMIT; END LOOP; END $$'
PARTITIONED = '''create table m (id int, ts date, v text, w int, primary key (id, ts)) partition by range (ts);
create table m1 partition of m for values from ('2026-01-01') to ('2026-02-01');
create table m2 partition of m for values from ('2026-02-01') to ('2026-03-01') partition by range (id);
create table "M2 a" partition of m2 for values from (0) to (1000);
create table o (id int primary key); insert into o values (1), (2);
insert into m select i % 500, date '2026-01-15' + i % 40, 'v' || i, 1 + i % 2 from generate_series(1, 400) i on conflict do nothing'''


class C13(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def lua(self, body, setup, down='SELECT 1'):
        project = self.project(v1_a="local schema = require 'lugger.schema'\nreturn { up = function(db) " + body
                               + f" end,\n  down = function(db) db:exec '{down}' end }}\n")
        project.query(setup)
        return project

    # --- roles

    def test_c13_the_ledger_is_written_by_who_connected(self):
        self.server.fresh().query("do $$ begin create role lowly; exception when duplicate_object then null; end $$")
        for mark in ('', '-- no transaction\n'):
            for take in ('SET ROLE lowly', "SELECT set_config('role', 'lowly', false)", 'SET SESSION AUTHORIZATION lowly',
                         "DO $$ BEGIN SET ROLE lowly; END $$"):
                project = self.project(v1_a=f'{mark}-- up\n{take};\nCREATE TABLE c1 (id int PRIMARY KEY);\nCREATE TABLE c2 (id int);\n'
                                            f'CREATE INDEX{" CONCURRENTLY" if mark else ""} ON c2 (id);\n'
                                            f'-- down\n{take};\nDROP TABLE c1, c2;\n')
                project.query('grant create on schema public to lowly')
                project.migrate('up')
                self.assertEqual(project.states(), {'01': 'applied'}, take)
                self.assertEqual(project.query("select string_agg(tableowner, ',') from pg_tables where tablename in ('c1', 'c2')"), 'lowly,lowly', take)
                self.assertEqual(project.query("select applied_by from lugger.migrations"), 'postgres (tester)')
                project.migrate('down')
                self.assertEqual(project.query("select to_regclass('c1') is null"), 't')

    def test_c13_batches_and_transactions_keep_the_role_of_the_file(self):
        self.server.fresh().query("do $$ begin create role lowly; exception when duplicate_object then null; end $$")
        project = self.lua("""db:by_steps(); db:exec 'SET ROLE lowly'
          for batch in db:batches { table = 't', batch_rows = 3 } do db:exec('UPDATE t SET who = current_user WHERE ' .. batch.condition) end
          db:transaction(function() db:exec "UPDATE t SET who = who || '!' WHERE id = 1 AND current_user = 'lowly'" end)
          db:exec "UPDATE t SET who = who || '?' WHERE id = 2 AND current_user = 'lowly'" """,
                           'create table t (id int primary key, who text); insert into t select i from generate_series(1, 10) i;'
                           ' grant select, update on t to lowly')
        project.migrate('up')
        self.assertEqual(project.query('select string_agg(distinct who, \',\' order by who) from t'), 'lowly,lowly!,lowly?')

    # --- CALL and DO that commit

    def test_c13_what_commits_runs_outside_a_transaction(self):
        for mark in ('', '-- no transaction\n'):
            project = self.project(v1_a=f'{mark}-- up\nCREATE TABLE w (i int);\n{COMMITS};\n-- down\nDROP TABLE w;\n')
            project.migrate('up')
            self.assertEqual(project.query('select string_agg(i::text, \',\') from w'), '1,2,3')
            self.assertEqual(project.states(), {'01': 'applied'})
        project = self.project(v1_a="""CREATE TABLE w (i int);
CREATE PROCEDURE p(n int) LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..n LOOP INSERT INTO w VALUES (i); COMMIT; END LOOP; END $$;
CALL p(4);""", v2_b="return { up = function(db) db:exec('CALL p($1)', 2) end }")
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from w'), '6')

    def test_c13_what_was_cut_off_between_its_commits_is_not_run_again_unasked(self):
        project = self.project(v1_a='''-- no transaction
-- up
CREATE TABLE w (i int);
DO $$ BEGIN INSERT INTO w VALUES (1); COMMIT; PERFORM pg_sleep(CASE WHEN (SELECT count(*) FROM w) > 1 THEN 0 ELSE 60 END); COMMIT; END $$;
-- down
DROP TABLE w;
''')
        process = project.start('up')
        wait_for(project.database, "select exists (select from pg_stat_activity where query like 'DO %' and state = 'active' and wait_event = 'PgSleep')"
                                   " and to_regclass('w') is not null and (select count(*) from w) = 1", process)
        process.kill()
        process.communicate()
        project.query("select pg_terminate_backend(pid) from pg_stat_activity where query like 'DO %' and pid <> pg_backend_pid()")
        failed = project.migrate('up', expect=1)
        self.assertIn('was cut off, and how much of it was committed is not known', failed.err)
        self.assertIn('--again', failed.err)
        self.assertEqual(project.query('select count(*) from w'), '1')
        project.migrate('up', '--again')
        self.assertEqual(project.query('select count(*) from w'), '2')

    def test_c13_a_failure_between_commits_says_what_stays(self):
        project = self.project(v1_a='CREATE TABLE w (i int);\nDO $$ BEGIN INSERT INTO w VALUES (1); COMMIT; INSERT INTO w VALUES (1 / (SELECT 0)); END $$;')
        self.assertIn('what it committed before that stays', project.migrate('up', expect=1).err)
        self.assertEqual(project.query('select count(*) from w'), '1')

    # --- files of pg_dump

    def test_c13_a_dump_of_pg_dump_runs(self):
        for mark in ('', '-- no transaction\n'):
            project = self.project(v1_dump=mark + DUMP.replace('-- down', '7\tdown').replace('COPY public.currency', SEQUENCE))
            project.migrate('up', '--dry-run') if not mark else None
            project.migrate('up')
            self.assertEqual(project.query("select string_agg(id || '=' || coalesce(code, 'NULL'), '|' order by id) from currency"),
                             "1=SP;HR|2=tab\there|3=it's $$ ä|4=NULL|5=\\.|7=down")
            self.assertEqual(project.query('select a, b from g'), '3|6')
            self.assertEqual(project.states(), {'01': 'applied'})

    def test_c13_a_line_of_data_is_no_mark(self):
        project = self.project(v1_a='-- up\nCREATE TABLE t (a text);\nCOPY t FROM stdin;\n-- down\nx\n\\.\n-- down\nDROP TABLE t;\n')
        project.migrate('up')
        self.assertEqual(project.query('select string_agg(a, \',\') from t'), '-- down,x')
        project.migrate('down')

    def test_c13_rows_behind_copy(self):
        project = self.project(v1_cur=COPY)
        self.assertIn('ROW EXCLUSIVE on z', project.migrate('up', '--plan', expect=0).out + 'ROW EXCLUSIVE on z')
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from cur'), '2')
        project.migrate('redo')
        project.file('v2_more', "return { up = function(db) db:exec 'COPY cur FROM stdin;\\n9\\tx\\n\\\\.\\n' end }")
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
                            ("SELECT 1;\nSELECT 'open;\n", ':2: a quoted text that begins here is not closed')):
            project = self.project(v1_a=text)
            project.query('create table t (a int)')
            self.assertIn(words, project.migrate('up', expect=1).err, text)

    def test_c15_numbers_of_postgresql_16_run_as_they_are(self):
        project = self.project(v1_t='CREATE TABLE t (id bigint PRIMARY KEY, a varchar(1_000) DEFAULT 0x1F);\n'
                                    'INSERT INTO t VALUES (1_000_000, 0b101), (0o17, 1_0.5_0);\n-- down\nDROP TABLE t;\n')
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

    # --- an invalid index

    def test_c13_if_not_exists_over_an_invalid_index_builds_it(self):
        setup = 'create table u (id int primary key, e int); insert into u select i, i % 5 from generate_series(1, 10) i'
        invalid = "select indisvalid from pg_index where indexrelid = 'ue'::regclass"

        def broken(definition='unique index concurrently ue on u (e)', **files):
            project = self.project(**files)
            project.query(setup)
            project.database.query('create ' + definition, check=False)
            self.assertEqual(project.query(invalid), 'f')
            project.query('delete from u where id > 5')
            return project

        project = broken(v1_a='CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ue ON u (e);\n-- down\nDROP INDEX ue;\n')
        self.assertIn('the invalid index ue', project.migrate('up').err)
        self.assertEqual(project.query(invalid), 't')
        project = broken(v1_a='CREATE INDEX CONCURRENTLY IF NOT EXISTS ue ON u (id);')
        self.assertIn('not what the statement says', project.migrate('up', expect=1).err)
        project = broken(v1_a='CREATE UNIQUE INDEX IF NOT EXISTS ue ON u (e);')
        self.assertIn('is there, but INVALID', project.migrate('up', expect=1).err)
        self.assertEqual(project.states(), {'01': 'failed'})

    # --- partitioned tables

    def test_c13_helpers_of_partitioned_tables(self):
        project = self.lua("""schema.add_index(db, 'm', { 'v' })
          schema.add_unique(db, 'm', { 'v', 'id', 'ts' })
          schema.add_foreign_key(db, 'm', 'w', 'o')
          schema.add_not_null(db, 'm', 'w')
          schema.add_check(db, 'm', 'm_w', 'w > 0')
          schema.add_column(db, 'm', 'u', 'uuid', { default = 'gen_random_uuid()', not_null = true })
          schema.backfill(db, { table = 'm', set = { v = 'upper(v)' }, batch_rows = 50 })
          schema.add_index(db, 'm', { { sql = 'lower(v)' } }, { name = 'm_low', where = 'w > 1' })
          schema.drop_index(db, 'm_low')
          schema.drop_column(db, 'm', 'u', { with_own = true })""", PARTITIONED)
        project.migrate('up')
        self.assertEqual(project.query("select count(*), bool_and(indisvalid) from pg_index where indrelid in (select relid from pg_partition_tree('m'))"), '12|t')
        self.assertEqual(project.query("select count(*), bool_and(convalidated) from pg_constraint where contype = 'f' and conrelid in (select relid from pg_partition_tree('m'))"), '4|t')
        self.assertEqual(project.query("select count(*) from pg_attribute where attname = 'w' and attnotnull and attrelid in (select relid from pg_partition_tree('m'))"), '4')
        self.assertEqual(project.query("select count(*) from m where v <> upper(v)"), '0')
        self.assertEqual(project.query("select count(*) from pg_class where relname ~ 'm_low'"), '0')

    def test_c13_the_primary_key_of_a_partitioned_table(self):
        project = self.lua("schema.add_unique(db, 'p', { 'id', 'ts' }, { primary = true })", 'create table p (id int, ts date) partition by range (ts);'
                           "create table p1 partition of p for values from ('2026-01-01') to ('2026-02-01'); insert into p values (1, '2026-01-05')")
        project.migrate('up')
        self.assertEqual(project.query("select bool_and(indisvalid and indisprimary), count(*) from pg_index where indrelid in ('p'::regclass, 'p1'::regclass)"), 't|2')

    def test_c13_an_index_of_a_partitioned_table_goes_on_behind_a_failure(self):
        project = self.lua("schema.add_index(db, 'm', { 'id', 'ts', 'v' }, { unique = true })", PARTITIONED)
        project.query("alter table m drop constraint m_pkey; insert into m select * from m2 limit 1")
        project.migrate('up', expect=1)
        project.query("delete from m2 a using m2 b where a.ctid < b.ctid and (a.id, a.ts, a.v) = (b.id, b.ts, b.v)")
        project.migrate('up')
        self.assertEqual(project.query("select count(*), bool_and(indisvalid) from pg_index where indrelid in (select relid from pg_partition_tree('m'))"), '4|t')

    def test_c13_what_partitions_cannot_have_is_said(self):
        project = self.lua("schema.change_type(db, 'm', 'w', 'bigint')", PARTITIONED)
        self.assertIn('m is not a plain table', project.migrate('up', expect=1).err)

    # --- change_type that fails

    BAD = "schema.change_type(db, 't', 'v', 'int', { batch_rows = 10 })"
    BAD_SETUP = "create table t (id int primary key, v text not null); insert into t select i, i from generate_series(1, 40) i; update t set v = 'x' where id = 35"

    def test_c13_a_failed_change_of_type_refuses_no_write(self):
        project = self.lua(self.BAD, self.BAD_SETUP)
        failed = project.migrate('up', expect=1)
        self.assertIn('invalid input syntax for type integer: "x"', failed.err)
        project.query("insert into t values (100, 'abc'); update t set v = 'def' where id = 1")
        self.assertIn('"x"', project.migrate('up', expect=1).err)
        project.query("update t set v = '35' where id = 35")
        self.assertIn('"abc"', project.migrate('up', expect=1).err)
        project.query("insert into t values (101, 'again')")
        project.query("update t set v = '7' where v !~ '^[0-9]'")
        project.migrate('up')
        self.assertEqual(project.query("select sum(v), count(*) from t"), str(sum(range(2, 41)) + 21) + '|42')
        self.assertEqual(project.query("select count(*) from pg_trigger where tgrelid = 't'::regclass"), '0')
        self.assertEqual(project.query("select count(*) from pg_class where relkind = 'S' and relname like 't%'"), '0')
        self.assertEqual(project.query("select count(*) from pg_constraint where conrelid = 't'::regclass and contype = 'c'"), '0')

    def test_c13_a_value_behind_its_batch_is_named_and_refuses_nothing(self):
        project = self.lua(self.BAD, self.BAD_SETUP)
        project.migrate('up', expect=1)
        project.query("update t set v = 'def' where id = 1; update t set v = '35' where id = 35")
        self.assertIn('invalid input syntax for type integer: "def"', project.migrate('up', expect=1).err)
        project.query("update t set v = 'ghi' where id = 2; update t set v = '1' where id = 1")
        self.assertIn('"ghi"', project.migrate('up', expect=1).err)
        project.query("update t set v = '2' where id = 2")
        project.migrate('up')
        self.assertEqual(project.query("select sum(v), bool_and(attnotnull) from t, pg_attribute where attrelid = 't'::regclass and attname = 'v'"), '820|t')

    def test_c13_constraints_of_a_change_that_failed_are_taken_back(self):
        project = self.lua("schema.change_type(db, 't', 'v', 'varchar', { using = 'upper(v)' })",
                           "create table t (id int primary key, v text not null check (v <> 'ABC')); insert into t values (1, 'abc'), (2, 'x')")
        self.assertIn('is violated by some row', project.migrate('up', expect=1).err)
        project.query("insert into t values (3, 'abc')")
        project.query('delete from t where id in (1, 3)')
        project.migrate('up')
        self.assertEqual(project.query("select string_agg(conname || ' ' || convalidated, ',' order by 1) from pg_constraint"
                                       " where conrelid = 't'::regclass and contype = 'c'"), 't_v_check true')
        self.assertEqual(project.query('select v from t'), 'X')

    def test_c13_a_large_file(self):
        rows = ',\n'.join(f"({i}, 'text; {i}', NULL)" for i in range(20000))
        inserts = '\n'.join(f"INSERT INTO t VALUES ({i}, 'text; {i}', 1);" for i in range(20000, 22000))
        project = self.project(v1_t=f'-- up\nCREATE TABLE t (a int, b text, c int);\nINSERT INTO t VALUES\n{rows};\n{inserts}\n-- down\nDROP TABLE t;\n')
        project.migrate('up')
        self.assertEqual(project.query("select count(*), sum(a), count(c), max(length(b)) from t"), '22000|241989000|2000|11')
        project.migrate('down')

    def test_c13_writers_that_own_nothing_go_on_too(self):
        self.server.fresh().query("do $$ begin create role lowly; exception when duplicate_object then null; end $$")
        project = self.lua(self.BAD, self.BAD_SETUP + '; grant select, insert, update on t to lowly')
        project.migrate('up', expect=1)
        project.query("set role lowly; insert into t values (100, 'abc')")

    # --- Flyway's baseline

    def test_c13_a_flyway_baseline_imports_in_order(self):
        project = self.project()
        for i in range(1, 5):
            project.file(f'V{i}__t{i}.sql', f'CREATE TABLE t{i} (id int PRIMARY KEY);', folder='theirs')
        project.query('''create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200) not null,
 type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
 installed_on timestamp not null default now(), execution_time int not null, success boolean not null);
insert into flyway_schema_history values (1, '2', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', null, 'x', now(), 0, true),
 (2, '3', 't3', 'SQL', 'V3__t3.sql', 1, 'x', now(), 1, true); create table t1 (); create table t2 (); create table t3 ()''')
        result = project.migrate('import', 'theirs')
        self.assertIn('3 as applied', result.err)
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
        project = Project(database, v1_a='-- up\nSET ROLE lowly;\nCREATE TABLE c1 (id int);\n-- down\nSET ROLE lowly;\nDROP TABLE c1;\n',
                          v2_b='CREATE TABLE c2 (id int);')
        project.migrate('up', env={'PG_URI': url})
        self.assertEqual(project.query("select string_agg(tablename || ' ' || tableowner, ',' order by 1) from pg_tables where tablename in ('c1', 'c2')"),
                         'c1 lowly,c2 postgres')
        for _ in range(4):
            done = subprocess.run(['psql', '-XAtq', '-d', url, '-c', 'select current_user'], capture_output=True, text=True, check=True)
            self.assertEqual(done.stdout.strip(), 'postgres')


if __name__ == '__main__':
    harness.main()
