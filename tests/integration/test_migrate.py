"""Versioned migrations: up, down, status, and the ledger."""
import signal
import unittest

import harness
from migrations import Project
from postgres import Postgres

USERS = '''-- up
CREATE TABLE users (id bigint PRIMARY KEY, email text);
INSERT INTO users SELECT i, 'U' || i FROM generate_series(1, 10) i;
-- down
DROP TABLE users;
'''
NICK = '''
return {
  up = function(db)
    db:exec('ALTER TABLE users ADD COLUMN nick text')
    for _, row in ipairs(db:query('SELECT id, email FROM users ORDER BY id')) do
      db:exec('UPDATE users SET nick = $1 WHERE id = $2', row.email:lower(), row.id)
    end
  end,
  down = function(db) db:exec('ALTER TABLE users DROP COLUMN nick') end,
  verify = function(db) return db:value('SELECT count(*) FROM users WHERE nick IS NULL') == 0,
  'a nick is NULL' end,
}
'''


class Migrate(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def test_up_down_status(self):
        project = self.project(v1_users=USERS, v2_nick=NICK)
        self.assertEqual(project.states(), {'01': 'pending', '02': 'pending'})
        self.assertIn('2 migrations applied', project.migrate('up').err)
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied'})
        self.assertEqual(project.query("select string_agg(nick, ',' order by id) from users where id < 3"),
                         'u1,u2')
        self.assertIn('nothing to do', project.migrate('up').err)
        project.migrate('down')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})
        project.migrate('up')
        project.migrate('down', 2)
        self.assertEqual(project.query("select to_regclass('users') is null"), 't')


    def test_s0_48_the_state_is_one_table_and_every_change_is_kept(self):
        project = self.project(v1_users=USERS, v2_nick=NICK)
        project.migrate('up')
        project.migrate('down')
        project.migrate('redo')
        self.assertEqual(project.query("select string_agg(name, ',' order by version) "
                                       "from lugger.current_migrations"),
                         'users')
        rows = project.database.rows('select version, direction, state, applied_by, lugger_version, '
                                     'duration_ms is not null, finished_at >= started_at'
                                     ' from lugger.migrations order by entry')
        self.assertEqual([(r[0][-2:], r[1]) for r in rows],
                         [('01', 'up'), ('02', 'up'), ('02', 'down'), ('01', 'down'), ('01', 'up')])
        self.assertEqual({tuple(r[2:4] + r[5:]) for r in rows}, {('done', 'postgres (tester)', 't', 't')})

    def test_to_a_version(self):
        project = self.project(v1_a='-- up\nCREATE TABLE a ();\n-- down\nDROP TABLE a',
                               v2_b='CREATE TABLE b ();',
                               v3_c='-- up\nCREATE TABLE c ();\n-- down\nDROP TABLE c')
        project.migrate('up', '--to', '20260101000002')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied', '03': 'pending'})
        project.migrate('up')
        project.migrate('down', '--to', '20260101000002')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied', '03': 'pending'})
        result = project.migrate('down', '--to', '0', expect=1)
        self.assertIn('02_b.sql has no `down`; nothing was reverted', result.err)
        self.assertIn('there is no migration of version 7', project.migrate('up', '--to', '7', expect=1).err)
        project.migrate('down', '20260101000001', expect=2)

    def test_a_failure_in_a_transaction_takes_all_of_its_file_back(self):
        project = self.project(v1_a='CREATE TABLE a ();',
                               v2_b='-- up\nCREATE TABLE b ();\n\nCREATE TABLE a ();',
                               v3_c='CREATE TABLE c ();')
        result = project.migrate('up', expect=1)
        self.assertIn('relation "a" already exists', result.err)
        self.assertIn('migrations/20260101000002_b.sql:4', result.err)
        self.assertIn('1 migration before it stays applied', result.err)
        self.assertIn('1 migration behind it was not run', result.err)
        self.assertEqual(project.states(), {'01': 'applied', '02': 'failed', '03': 'pending'})
        self.assertEqual(project.query("select to_regclass('b') is null, to_regclass('c') is null"), 't|t')
        project.file('v2_b', 'CREATE TABLE b ();')
        project.migrate('up')
        self.assertEqual(set(project.states().values()), {'applied'})

    def test_n_16_a_failed_step_is_gone_on_with(self):
        project = self.project(v1_t='CREATE TABLE t (id int); INSERT INTO t VALUES (1), (1);',
                               v2_steps='-- no transaction\nINSERT INTO t VALUES (2);\n'
                                        'CREATE UNIQUE INDEX CONCURRENTLY t_id ON t (id);\n'
                                        'INSERT INTO t VALUES (3);')
        result = project.migrate('up', expect=1)
        self.assertIn('is duplicated', result.err)
        self.assertIn('1 of its steps are done and stay; `lugger migrate up` goes on behind them', result.err)
        self.assertEqual(project.query("select count(*) from pg_index where not indisvalid"), '0')
        project.query('delete from t where id = 1')
        self.assertIn('going on behind step 1', project.migrate('up').err)
        self.assertEqual(project.query("select string_agg(id::text, ',' order by id) from t"), '2,3')
        self.assertEqual(project.query("select indisvalid from pg_index where indexrelid = 't_id'::regclass"),
                         't')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied'})

    def test_a_failed_step_may_be_mended_in_the_file(self):
        steps = '-- no transaction\nCREATE TABLE t (id int);\nINSERT INTO t VALUES ({});'
        project = self.project(v1_t=steps.format("'x'"))
        project.migrate('up', expect=1)
        project.file('v1_t', steps.format('7').replace('(id int)', '(id bigint)'))
        said = project.migrate('up', expect=1).err
        self.assertIn('step 1.1 of 20260101000001_t.sql was done as: CREATE TABLE t (id int)', said)
        self.assertIn('put it back, then `lugger migrate up` goes on; or `lugger migrate repair` forgets',
                      said)
        self.assertNotIn('goes on behind', said)
        status = project.migrate('status').err
        self.assertIn('and is now something else; correct the cause, then `lugger migrate up` runs it again '
                      'and passes over its done steps', status)
        self.assertNotIn('put it back', status)
        project.file('v1_t', steps.format('7'))
        project.migrate('up')
        self.assertEqual(project.query('select id from t'), '7')

    def test_nothing_below_a_half_done_migration_is_reverted(self):
        table = '-- up\nCREATE TABLE t (id int primary key);\n-- down\nDROP TABLE t;\n'
        sql = ('-- up\n-- no transaction\nALTER TABLE t ADD COLUMN a int;\n'
               'CREATE TABLE u (id int primary key);\nINSERT INTO u VALUES (1), ({});\n'
               '-- down\nDROP TABLE u;\n')
        lua = ("return {{ transaction = false, up = function(db)\n"
               "  db:exec 'ALTER TABLE t ADD COLUMN a int'\n"
               "  db:exec 'CREATE TABLE u (id int primary key)'\n"
               "  db:exec 'INSERT INTO u VALUES (1), ({})'\nend, "
               "down = function(db) db:exec 'DROP TABLE u' end }}")
        for text in (sql, lua):
            project = self.project(v1_t=table, v2_a=text.format(1))
            project.migrate('up', expect=1)
            for command in (['down'], ['down', '2'], ['down', '--to', '0'], ['redo']):
                with self.subTest(text=text, command=command):
                    said = project.migrate(*command, expect=1).err
                    self.assertIn('20260101000002_a is half done, so nothing below it is reverted', said)
                    self.assertIn('`lugger migrate up` goes on', said)
                    self.assertIn('`lugger migrate repair` forgets the attempt', said)
            self.assertEqual(project.states(), {'01': 'applied', '02': 'failed'})
            file = project.file('v2_a', text.format(2))
            self.assertIn('going on behind step 2', project.migrate('up').err)
            self.assertEqual(project.query('select count(a) from t'), '0')
            project.migrate('down')
            file.write_text(text.format(1), encoding='utf-8')
            project.query('alter table t drop column a')
            project.migrate('up', expect=1)
            project.query('alter table t drop column a; drop table u')   # undone by hand
            project.migrate('repair')
            project.migrate('down')
            self.assertEqual(project.states(), {'01': 'pending', '02': 'pending'})

    def test_below_an_attempt_that_changed_nothing_is_reverted(self):
        for text in ('-- no transaction\nBOGUS;', 'CREATE TABLE u ();\nBOGUS;'):
            project = self.project(v1_t='-- up\nCREATE TABLE t ();\n-- down\nDROP TABLE t;', v2_a=text)
            project.migrate('up', expect=1)
            project.migrate('down')
            self.assertEqual(project.query("select to_regclass('t') is null"), 't')

    def test_values_that_cannot_wait_for_the_end_of_a_transaction(self):
        project = self.project(
            v1_mood="CREATE TYPE mood AS ENUM ('sad');",
            v2_glad="ALTER TYPE mood ADD VALUE 'glad';\nCREATE TABLE m AS SELECT 'glad'::mood AS m;",
            v3_lua="return { up = function(db)\n db:exec(\"ALTER TYPE mood ADD VALUE 'mad'\")\n"
                   " db:exec(\"INSERT INTO m VALUES ('mad')\") end }")
        result = project.migrate('up')
        self.assertEqual(result.err.count('step by step'), 2)
        self.assertEqual(project.query("select string_agg(m::text, ',' order by m) from m"), 'glad,mad')

    def test_a_file_edited_after_it_was_applied(self):
        project = self.project(v1_users=USERS)
        project.migrate('up')
        project.file('v1_users', USERS.replace('\n', '\r\n').encode())
        self.assertEqual(project.states(), {'01': 'applied'})   # line ends are no change
        project.file('v1_users', USERS.replace('10', '11'))
        self.assertEqual(project.states(), {'01': 'changed'})
        self.assertIn('the file was edited after it was applied at', project.migrate('up', expect=1).err)
        self.assertIn('its file is accepted as it is now', project.migrate('repair').out)
        self.assertIn('nothing to do', project.migrate('up').err)
        self.assertEqual(project.query("select string_agg(direction, ',' order by entry) "
                                       "from lugger.migrations"),
                         'up,repair')

    def test_a_file_that_is_missing(self):
        project = self.project(v1_users=USERS, v2_nick=NICK)
        project.migrate('up')
        (project.directory / 'migrations/20260101000002_nick.lua').unlink()
        self.assertEqual(project.states(), {'01': 'applied', '02': 'missing'})
        self.assertIn('there is no file', project.migrate('up', expect=1).err)
        self.assertIn('file is missing', project.migrate('down', expect=1).err)
        project.migrate('repair')
        self.assertEqual(project.states(), {'01': 'applied'})

    def test_n_16_out_of_order_is_seen(self):
        project = self.project(v2_b='CREATE TABLE b ();')
        project.migrate('up')
        project.file('v1_a', 'CREATE TABLE a ();')
        self.assertEqual(project.states(), {'01': 'out of order', '02': 'applied'})
        self.assertIn('older than 20260101000002, which is applied', project.migrate('up', expect=1).err)
        project.migrate('up', '--allow-out-of-order')
        self.assertEqual(set(project.states().values()), {'applied'})

    def test_repair_of_a_failed_attempt(self):
        project = self.project(v1_t='-- no transaction\nCREATE TABLE t ();\nBOGUS;')
        project.migrate('up', expect=1)
        said = project.migrate('repair').out
        self.assertIn('what its steps 1.1 did stays in the database', said)
        self.assertEqual(project.states(), {'01': 'pending'})

    def test_baseline(self):
        project = self.project(v1_users=USERS, v2_nick=NICK)
        project.query('create table users (id bigint primary key, email text)')
        project.migrate('baseline', '20260101000001')
        project.migrate('up')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied'})
        self.assertEqual(project.query('select count(*) from users'), '0')
        self.assertIn('was not run here (baseline)', project.migrate('down', 2, expect=1).err)

    def test_verify(self):
        project = self.project(v1_users=USERS, v2_nick=NICK)
        project.migrate('up')
        self.assertIn('1 verify function asked, 0 wrong', project.migrate('verify').err)
        project.query('update users set nick = null where id = 3')
        self.assertIn('verify says no: a nick is NULL', project.migrate('verify', expect=4).out)
        # A verify that says no takes the migration back.
        project.query('update users set email = null where id = 3')
        result = project.migrate('redo', expect=1)
        self.assertEqual(project.states()['02'], 'failed', result)

    def test_two_files_of_one_version(self):
        project = self.project(v1_a='CREATE TABLE a ();')
        project.file('20260101000001_b.sql', 'CREATE TABLE b ();')
        self.assertIn('two files have the version 20260101000001: 20260101000001_a.sql '
                      'and 20260101000001_b.sql',
                      project.migrate('up', expect=1).err)

    def test_line_ends_and_byte_order_mark(self):
        project = self.project(v1_a='\ufeff-- UP\r\nCREATE TABLE a (t text);\r\nINSERT INTO a '
                                    'VALUES (E\'x\');\r\n--  Down\r\nDROP TABLE a;\r\n')
        project.migrate('up')
        project.migrate('down')
        self.assertEqual(project.query("select to_regclass('a') is null"), 't')

    def test_marks_inside_a_text_are_none(self):
        project = self.project(v1_f="CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$\n-- down\n"
                                    "SELECT '\n-- up\n' $$;")
        project.migrate('up')
        self.assertEqual(project.query('select length(f())'), '7')

    def test_a_version_in_the_future(self):
        project = self.project()
        project.file('20991231235959_later.sql', 'CREATE TABLE a ();')
        self.assertIn('lies in the future: is a clock wrong?', project.migrate('up').err)
        self.assertRegex(project.migrate('new', 'next').out, r'migrations/20991231235960_next.lua')

    def test_a_history_of_ten_thousand_files(self):
        project = self.project()
        for i in range(10_000):
            project.file(f'{20200101000000 + i}_m.sql', 'SELECT 1;\n')
        project.query('select 1')
        project.migrate('baseline', '20200101009998')
        result = project.migrate('status')
        self.assertIn('9,999 applied, 1 pending', result.err)
        self.assertLess(len(result.out.splitlines()), 60)
        self.assertEqual(len(project.states()), 100)

    def test_no_rights(self):
        project = self.project(v1_a='CREATE TABLE a ();')
        project.query('do $$ begin create role nobody_much login; '
                      'exception when duplicate_object then null; end $$')
        project.database.user = 'nobody_much'
        result = project.migrate('up', expect=1)
        self.assertIn('lugger state sql', result.err)
        self.assertEqual(project.states(), {'01': 'pending'})   # looking needs no ledger

    def test_transactions_are_not_the_files_business(self):
        project = self.project(v1_a='BEGIN; CREATE TABLE a (); COMMIT;')
        self.assertIn('20260101000001_a.sql:1: BEGIN in a migration', project.migrate('up', expect=1).err)
        project = self.project(v1_a='-- no transaction\nBEGIN; CREATE TABLE a (); COMMIT;',
                               v2_b="return { up = function(db) db:exec 'COMMIT' end }")
        self.assertIn('20260101000001_a.sql:2: BEGIN in a migration', project.migrate('up', expect=1).err)
        (project.directory / 'migrations/20260101000001_a.sql').unlink()
        project.migrate('repair')
        self.assertIn('COMMIT in a migration: lugger begins and ends its transactions itself',
                      project.migrate('up', expect=1).err)

    def test_settings_of_one_file_do_not_reach_the_next(self):
        project = self.project(v1_a="SET search_path = pg_catalog; SET lock_timeout = '1ms';",
                               v2_b="CREATE TABLE public.s AS SELECT current_setting('search_path') AS s, "
                                    "current_setting('lock_timeout') AS l")
        project.migrate('up')
        self.assertEqual(project.query('select * from s'), '"$user", public|3s')

    def test_values_go_and_come_back(self):
        project = self.project(v1_a=r"""
return { up = function(db)
  local lugger = require 'lugger'
  local row = db:query('SELECT $1::int AS i, $2::text AS t, $3::bool AS b, $4::numeric AS n, ' ..
    '$5::jsonb AS j, $6::int[] AS a, $7::uuid AS u, $8::text AS z, $9::bigint AS big',
    7, "o'x\\", true, lugger.decimal '1.50', { a = 1 }, { 1, 2 },
    lugger.uuid '64f1c0a2-b3c4-4d5e-8f7a-8b9010000000', nil, lugger.int64 '9007199254740993')[1]
  assert(row.i == 7 and row.t == "o'x\\" and row.b == true and row.z == nil and row:is_null 'z')
  assert(tostring(row.n) == '1.50' and tostring(row.big) == '9007199254740993' and row.j.a == 1
    and #row.a == 2 and row.a[2] == 2)
  assert(tostring(row.u) == '64f1c0a2-b3c4-4d5e-8f7a-8b9010000000')
  assert(db:value 'SELECT 1 WHERE false' == nil and db:value 'SELECT NULL' == nil)
end }
""")
        project.migrate('up')

    def test_a_signal_stops_the_statement_under_way(self):
        project = self.project(v1_slow='CREATE TABLE a ();\nSELECT pg_sleep(60);', v2_b='CREATE TABLE b ();')
        process = project.start('up')
        while project.query("select count(*) from pg_stat_activity where query like 'SELECT pg_sleep%' "
                            "and pid <> pg_backend_pid()") == '0':
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 130, said)
        self.assertIn('the statement was cancelled', said)
        self.assertEqual(project.query("select to_regclass('a') is null"), 't')
        self.assertEqual(project.query('select count(*) from lugger.leases'), '0')
        project.file('v1_slow', 'CREATE TABLE a ();')
        project.migrate('up')

    def test_an_error_that_the_file_caught_still_counts(self):
        project = self.project(v1_a="return { up = function(db) pcall(db.exec, db, 'SELECT 1 "
                                    "FROM nowhere') end }")
        self.assertIn('relation "nowhere" does not exist', project.migrate('up', expect=1).err)
        project.file('v1_a',
                     "return { up = function(db)\n db:exec 'SAVEPOINT a'\n "
                     "pcall(db.exec, db, 'SELECT 1 FROM nowhere')\n db:exec 'ROLLBACK TO a' end }")
        project.migrate('up')

    def test_warnings_of_the_server_are_told(self):
        project = self.project(v1_a="DO $$ BEGIN RAISE WARNING 'mind %', 'the gap'; END $$;")
        self.assertIn('mind the gap', project.migrate('up').err)

    def test_mistakes_in_files(self):
        for text, wanted in (("return 7", 'returned a number'), ("return { up = 7 }", '`up` is a number'),
                             ("return { upp = print }", 'did you mean up?'),
                             ("return { down = function() end }", 'has no `up`'), ("return {", 'unexpected'),
                             ("return { up = { print, 3 } }", 'item 2 of `up` is a number'),
                             ("return { up = function(db) db:exec(7) end }", 'db:exec wants SQL as text'),
                             ("return { up = function(db) error 'mine' end }", 'mine'),
                             ("return { up = function(db) db:exec('SELECT $1', print) end }",
                              'parameter $1 is a function'),
                             ("return { up = function(db) db:exec('SELECT 1 FROM nowhere') end }",
                              '20260101000001_a.lua:1'),
                             (("return { up = function(db) for _ in db:batches { table = "
                               "'nowhere' } do end end }"),
                              'there is no table nowhere')):
            project = self.project(v1_a=text)
            result = project.migrate('up', expect=1)
            self.assertIn(wanted, result.err, text)
            self.assertNotIn('bug', result.err)

    def test_jobs_are_steps(self):
        project = self.project(v1_t='CREATE TABLE docs (mongo_id text PRIMARY KEY, n int);')
        project.file('docs.jsonl', '{"_id": "a", "n": 1}\n{"_id": "b", "n": 2}\n', folder=None)
        project.file('v2_load', """
local lugger = require 'lugger'
return { up = {
  lugger.copy { from = lugger.source 'docs.jsonl',
    into = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'mongo_id' }),
    columns = { { 'mongo_id', 'text', from = '_id' }, { 'n', 'int4' } } },
  function(db) db:exec 'UPDATE docs SET n = n * 10' end,
} }
""")
        project.migrate('up')
        self.assertEqual(project.query('select sum(n) from docs'), '30')



if __name__ == '__main__':
    harness.main()
