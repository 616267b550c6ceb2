"""Plans, dry runs, rehearsals, other databases, hooks, squash and the safe forms of schema changes."""
import json
import subprocess
import unittest

import harness
from migrations import Project
from postgres import Postgres

TABLE = '''-- up
CREATE TABLE users (id int PRIMARY KEY, email text, data jsonb);
INSERT INTO users SELECT i, 'U' || i, jsonb_build_object('n', i) FROM generate_series(1, 20) i;
-- down
DROP TABLE users;
'''


class More(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def with_users(self, **files):
        project = self.project(v1_users=TABLE)
        project.migrate('up')
        for name, text in files.items():
            project.file(name, text)
        return project

    def test_s2_13_the_lock_plan(self):
        project = self.with_users(v2_sql='''-- up
ALTER TABLE users ADD COLUMN a int DEFAULT 1, ADD COLUMN b uuid DEFAULT gen_random_uuid();
ALTER TABLE users ALTER COLUMN email TYPE varchar(100);
ALTER TABLE users ALTER COLUMN id TYPE bigint;
CREATE TABLE notes (user_id int REFERENCES users);
CREATE INDEX ON notes (user_id);
''', v3_lua='''return { up = function(db)
  for _, row in ipairs(db:query('SELECT id FROM users WHERE id < 3 ORDER BY id')) do
    db:exec('UPDATE users SET email = lower(email) WHERE id = $1', row.id)
  end
  db:exec 'CREATE INDEX CONCURRENTLY users_email ON users (email)'
end }''')
        out = project.migrate('up', '--plan').out
        self.assertIn('20260101000002 sql (one transaction)', out)
        self.assertIn('20260101000003 lua (step by step, each recorded)', out)
        self.assertIn('ACCESS EXCLUSIVE on users: reads and writes wait; rewrites the whole table', out)
        self.assertIn('SHARE ROW EXCLUSIVE on users: writes wait', out)
        self.assertIn('SHARE UPDATE EXCLUSIVE on users: reads and writes go on; reads the whole table', out)
        self.assertIn('ACCESS EXCLUSIVE is held from statement 1 to the end of the transaction', out)
        self.assertEqual(out.count('UPDATE users SET email'), 2)
        self.assertNotIn('on notes', out)   # nobody waits for a table that is new
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending', '03': 'pending'})

    def test_the_plan_knows_which_types_need_no_rewriting(self):
        project = self.project(v1_t='CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t (a varchar(10), b numeric(10,2), c int, d text);')
        project.migrate('up')
        for change, rewrites in (('a TYPE varchar(20)', False), ('a TYPE text', False), ('b TYPE numeric(12,2)', False), ('b TYPE numeric(12,3)', True),
                                 ('c TYPE bigint', True), ('a TYPE varchar(5)', True), ('d TYPE varchar', False)):
            project.file('v2_c', f'ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u, ALTER COLUMN {change};')
            self.assertEqual('rewrites' in project.migrate('up', '--plan').out, rewrites, change)

    def test_n_15_dry_run_shows_rows_and_schema_and_takes_all_back(self):
        project = self.with_users(v2_more='''return { up = function(db)
  db:exec('UPDATE users SET email = lower(email) WHERE id <= $1', 2)
  db:exec 'DELETE FROM users WHERE id = 20'
  db:exec "INSERT INTO users VALUES (100, 'new')"
  db:exec 'ALTER TABLE users ADD COLUMN age int'
  db:exec 'CREATE INDEX users_age ON users (age)'
  for batch in db:batches { table = 'users', batch_rows = 4 } do db:exec('UPDATE users SET age = 5 WHERE id = 3 AND ' .. batch.condition) end
end }''')
        result = project.migrate('up', '--dry-run')
        self.assertIn('users: 1 inserted, 3 updated, 1 deleted; rows: 20 before, 20 after', result.out)
        self.assertIn('~ (1): email: U1 -> u1', result.out)
        self.assertIn('+ id = 100, email = new', result.out)
        self.assertIn('- id = 20, email = U20', result.out)
        self.assertIn('+ column users.age: integer', result.out)
        self.assertIn('+ index users_age: CREATE INDEX', result.out)
        self.assertIn('all of it was taken back', result.err)
        self.assertEqual(project.query('select count(*), min(email) from users'), '20|U1')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})

    def test_dry_run_of_what_cannot_be_one(self):
        project = self.with_users(v2_a='ALTER TABLE users ADD COLUMN a int;', v3_b='CREATE INDEX CONCURRENTLY b ON users (a);')
        result = project.migrate('up', '--dry-run', expect=1)
        self.assertIn('+ column users.a: integer', result.out)
        self.assertIn('20260101000003_b.sql: it cannot run in one transaction; `lugger migrate up --rehearse`', result.err)

    def test_dry_run_of_a_failure(self):
        project = self.with_users(v2_a='ALTER TABLE nobody ADD COLUMN a int;')
        self.assertIn('relation "nobody" does not exist', project.migrate('up', '--dry-run', expect=1).err)
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})

    def rehearse(self, project):
        result = project.migrate('up', '--rehearse')
        self.assertIn('+ index users_email: CREATE UNIQUE INDEX', result.out)
        self.assertIn('users: 1 deleted', result.out)
        self.assertEqual(project.query('select count(*) from users'), '20')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})
        self.assertEqual(project.query("select count(*) from pg_database where datname like 'lugger%'"), '0')
        return result

    REHEARSED = '-- no transaction\nDELETE FROM users WHERE id = 7;\nCREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);'

    def test_n_15_rehearsal_on_a_database_from_the_template(self):
        self.assertIn('a database made from this one', self.rehearse(self.with_users(v2_index=self.REHEARSED)).err)

    def test_n_15_rehearsal_on_a_private_server_with_a_sample(self):
        project = self.with_users(v2_index=self.REHEARSED)
        project.query('create table orders (user_id int references users); insert into orders values (1), (20)')
        # Somebody is connected, so the database cannot be a template.
        other = subprocess.Popen(['psql', '-XAtq', '-d', project.database.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        other.stdin.write('select 1;\n')
        other.stdin.flush()
        other.stdout.readline()
        result = self.rehearse(project)
        other.communicate('\n')
        self.assertIn('a private server with the schema, and 22 rows of 2 tables', result.err)

    def test_a_rehearsal_runs_no_jobs(self):
        project = self.with_users(v2_job="""
local lugger = require 'lugger'
return { up = lugger.copy { from = lugger.source 'docs.jsonl', into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'id' }), columns = { { 'id', 'int4' } } } }
""")
        project.file('docs.jsonl', '{"id": 77}\n', folder=None)
        self.assertIn('would write to its own target and not to the copy', project.migrate('up', '--rehearse', expect=1).err)
        self.assertEqual(project.query('select count(*) from users'), '20')

    def test_a_rehearsal_changes_nothing_of_the_server(self):
        project = self.with_users(v2_role='CREATE ROLE never_made;')
        self.assertIn('not in a rehearsal on the same server', project.migrate('up', '--rehearse', expect=1).err)
        self.assertEqual(project.query("select count(*) from pg_roles where rolname = 'never_made'"), '0')

    def two_databases(self, **files):
        project = self.project(**files)
        other = self.server.fresh()
        project.file('lugger.toml', f'[connections.warehouse]\nurl = "{other.url}"\n', folder=None)
        return project, other

    BOTH = '''return { up = function(db, dbs)
  db:exec 'CREATE TABLE here (n int)'
  dbs.warehouse:exec 'CREATE TABLE there (n int)'
  for _, row in ipairs(dbs.warehouse:query 'SELECT 7 AS n') do db:exec('INSERT INTO here VALUES ($1)', row.n) end
  %s
end, down = function(db, dbs)
  db:exec 'DROP TABLE here'
  dbs.warehouse:exec 'DROP TABLE there'
end }'''

    def test_n_14_one_history_for_several_databases(self):
        project, other = self.two_databases(v1_both=self.BOTH % '')
        project.migrate('up')
        self.assertEqual((project.query('select n from here'), other.query('select count(*) from there')), ('7', '0'))
        project.migrate('down')
        self.assertEqual(other.query("select to_regclass('there') is null"), 't')
        project.migrate('up')
        self.assertEqual(other.query("select to_regclass('there') is null"), 'f')
        self.assertEqual(other.query('select count(*) from lugger.migrations'), '0')

    def test_n_14_a_failure_takes_both_back(self):
        project, other = self.two_databases(v1_both=self.BOTH % "db:exec 'BOGUS'")
        project.migrate('up', expect=1)
        self.assertEqual(other.query("select to_regclass('there') is null"), 't')
        project.file('v1_both', self.BOTH % '')
        project.migrate('up')

    def test_n_14_what_another_database_has_committed_is_not_done_twice(self):
        project, other = self.two_databases(v1_both=self.BOTH % '')
        # The commit here fails after the one there: a deferred constraint says so only then.
        project.query('create table k (id int primary key); create table f (id int references k deferrable initially deferred)')
        project.file('v1_both', self.BOTH % "db:exec 'INSERT INTO f VALUES (1)'")
        self.assertIn('foreign key', project.migrate('up', expect=1).err)
        self.assertEqual(other.query("select to_regclass('there') is null"), 'f')
        self.assertEqual(project.states(), {'01': 'failed'})
        project.query('insert into k values (1)')
        project.migrate('up')
        self.assertEqual(project.query('select n from here'), '7')

    def test_n_14_steps_on_other_databases(self):
        project, other = self.two_databases(v1_both='''return { transaction = false, up = function(db, dbs)
  dbs.warehouse:exec 'CREATE TABLE there (n int)'
  db:exec 'CREATE TABLE here (n int)'
  dbs.warehouse:exec('INSERT INTO there VALUES ($1)', 1)
  if db:value "SELECT to_regclass('go') IS NULL" then error 'not yet' end
end }''')
        project.migrate('up', expect=1)
        project.query('create table go ()')
        project.migrate('up')
        self.assertEqual(other.query('select count(*) from there'), '1')

    def test_an_unknown_database(self):
        project, _ = self.two_databases(v1_a="return { up = function(db, dbs) dbs.warehouze:exec 'SELECT 1' end }")
        self.assertIn('dbs has no "warehouze"', project.migrate('up', expect=1).err)

    def test_s0_65_hooks(self):
        project = self.project(v1_users=TABLE)
        project.file('lugger.toml', '[migrate]\nbefore = "echo before $LUGGER_DIRECTION $LUGGER_MIGRATIONS $TOKEN >> log; test ! -e stop"\n'
                     'after = ["echo after >> log", "psql -X -d \\"$PG_URI\\" -Atc \'select count(*) from users\' >> log || true"]\n', folder=None)
        result = project.migrate('up', env={'TOKEN': 'secret-token'})
        log = (project.directory / 'log').read_text()
        self.assertEqual(log.splitlines()[:2], ['before up 20260101000001_users secret-token', 'after'])
        self.assertNotIn('secret-token', result.err + result.out)
        (project.directory / 'stop').write_text('')
        failed = project.migrate('down', expect=1)
        self.assertIn('ended with status 1; nothing was done', failed.err)
        self.assertEqual(project.states(), {'01': 'applied'})
        self.assertIn('nothing to do', project.migrate('up').err)   # without work no commands

    def test_squash_by_pg_dump(self):
        project = self.with_users(v2_lua="return { up = function(db) db:exec 'ALTER TABLE users ADD COLUMN a int DEFAULT 3' end }")
        old = self.project(v1_users=TABLE, v2_lua="return { up = function(db) db:exec 'ALTER TABLE users ADD COLUMN a int DEFAULT 3' end }")
        project.migrate('up')
        old.migrate('up', '--to', '20260101000001')
        result = project.migrate('squash')
        self.assertIn('rows that these wrote are not in it: 20260101000001_users.sql', result.err)
        self.assertEqual(project.states(), {'01': 'squashed', '02': 'applied'})
        project.file('v3_next', 'ALTER TABLE users ADD COLUMN b int;')
        project.migrate('up')
        # A new database runs the squash, an old one adopts it.
        project.database = self.server.fresh()
        project.migrate('up')
        self.assertEqual(project.query("select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = 'users'::regclass and attnum > 0"),
                         'id,email,data,a,b')
        project.database = old.database
        self.assertIn('only some are applied here', project.migrate('up', expect=1).err)
        old.migrate('up')
        project.migrate('up')
        self.assertEqual(project.states(), {'01': 'squashed', '02': 'applied', '03': 'applied'})

    def test_squash_up_to_a_version_joins_the_files(self):
        project = self.project(v1_a='CREATE TABLE a ();', v2_b='CREATE TABLE b (t text);\nINSERT INTO b VALUES (\'x;\');', v3_c='CREATE TABLE c ();')
        project.migrate('up')
        path = project.migrate('squash', '--to', '20260101000002').out.strip()
        self.assertIn("-- from 20260101000002_b.sql\nCREATE TABLE b (t text);\nINSERT INTO b VALUES ('x;');", (project.directory / path).read_text())
        self.assertEqual(project.states(), {'01': 'squashed', '02': 'applied', '03': 'applied'})

    def lua(self, body, **more):
        project = self.with_users(**more)
        project.file('v2_change', f"local schema = require 'lugger.schema'\nreturn {{ up = function(db)\n{body}\nend }}")
        return project

    def test_safe_forms(self):
        project = self.lua('''
  schema.add_column(db, 'users', 'plain', 'int', { default = '7', not_null = true })
  schema.add_column(db, 'users', 'token', 'uuid', { default = 'gen_random_uuid()', not_null = true, batch_rows = 6 })
  schema.add_not_null(db, 'users', 'email')
  schema.add_index(db, 'users', { 'plain', { sql = 'lower(email)' } }, { where = 'id > 1' })
  schema.add_unique(db, 'users', 'email')
  schema.add_check(db, 'users', 'positive', 'id > 0')
  schema.create_table(db, 'Order', { { 'id', 'bigint', primary = true }, { 'select', 'int', not_null = true }, { 'o"dd', 'text', default = "'x'" } })
  schema.add_foreign_key(db, 'Order', 'select', 'users', 'id', { on_delete = 'CASCADE' })
  schema.rename_column(db, 'Order', 'o"dd', 'even')
  schema.create_extension(db, 'plpgsql')''')
        project.migrate('up')
        self.assertEqual(project.query("select count(distinct token), min(plain) from users"), '20|7')
        self.assertEqual(project.query("select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = 'users'::regclass and attnotnull and attnum > 0"),
                         'id,email,plain,token')
        self.assertEqual(project.query("select string_agg(conname || contype::text || convalidated, ',' order by conname) from pg_constraint where conrelid in ('users'::regclass, '\"Order\"'::regclass) and contype <> 'n'"),
                         'Order_pkeypt,Order_select_fkeyft,positivect,users_email_keyut,users_pkeypt'.replace('t,', 'true,') + 'rue')
        self.assertEqual(project.query("select string_agg(attname, ',' order by attnum) from pg_attribute where attrelid = '\"Order\"'::regclass and attnum > 0"), 'id,select,even')
        self.assertEqual(project.query("select count(*) from pg_index where indrelid = 'users'::regclass and not indisvalid"), '0')

    def test_s1_11_names_are_quoted_and_extension_rights_are_checked(self):
        hostile = 'x"; DROP TABLE users; --'
        project = self.lua(f'''
  local name = {harness.lua(hostile)}
  schema.create_table(db, name, {{ {{ 'user', 'int', primary = true }} }})
  schema.add_index(db, name, 'user', {{ name = name .. 'i' }})
  schema.add_column(db, name, name, 'int')
  db:exec('INSERT INTO ' .. db:quote_table(name) .. ' VALUES ($1)', 1)
  local ok, err = pcall(schema.create_extension, db, 'no such thing')
  assert(not ok and tostring(err):find 'the server has no extension')''')
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from users'), '20')
        project.query('do $$ begin create role small login; exception when duplicate_object then null; end $$; grant all on schema public to small;'
                      ' grant create on database "%s" to small' % project.database.name)
        project.database = type(project.database)(self.server, project.database.name, 'small')
        project.file('v3_extension', "local schema = require 'lugger.schema'\nreturn { up = function(db) schema.create_extension(db, 'file_fdw') end }")
        project.database.user = 'small'
        found = project.migrate('up', '--state-schema', 'mine', '--allow-out-of-order', expect=1)
        self.assertNotIn('DROP TABLE', found.out)

    def test_s2_12_change_of_a_type(self):
        project = self.lua("""
  schema.change_type(db, 'users', 'id', 'bigint', { batch_rows = 6 })
  schema.change_type(db, 'users', 'email', 'varchar(40)', { using = 'lower(email)', keep_old = true })""")
        project.query("create index by_email on users (email, lower(email)) where email <> ''; comment on column users.email is 'mail';"
                      " alter table users alter email set default 'nobody', alter email set not null, add constraint short check (length(email) < 99)")
        result = project.migrate('up')
        self.assertIn('of disk until the next vacuum', result.err)
        self.assertIn('VACUUM', result.err)
        self.assertEqual(project.query("select string_agg(attname || ' ' || format_type(atttypid, atttypmod) || attnotnull, ',' order by attname) from pg_attribute"
                                       " where attrelid = 'users'::regclass and attnum > 0 and not attisdropped"),
                         'data jsonbfalse,email character varying(40)true,email__old textfalse,id biginttrue')
        self.assertEqual(project.query("select string_agg(indexrelid::regclass::text || indisvalid, ',' order by indexrelid::regclass::text) from pg_index where indrelid = 'users'::regclass"),
                         'by_emailtrue,users_pkeytrue')
        self.assertEqual(project.query("insert into users (id) values (10000000000) returning email, length(email)"), 'nobody|6')
        self.assertEqual(project.query('select count(*) from pg_trigger where not tgisinternal'), '0')
        self.assertEqual(project.query("select min(email), col_description('users'::regclass, (select attnum from pg_attribute where attrelid = 'users'::regclass and attname = 'email')) from users"), 'nobody|mail')

    def test_s2_17_readers_never_miss_the_column(self):
        project = self.lua("  schema.change_type(db, 'users', 'email', 'varchar(40)', { batch_rows = 5, pause_ms = 30 })")
        process = project.start('up')
        reads = 0
        while process.poll() is None:
            self.assertEqual(project.query('select count(email) from users'), '20')
            reads += 1
        self.assertEqual(process.communicate(timeout=60) and process.returncode, 0)
        self.assertGreater(reads, 0)
        # Drop and rename are one step.
        self.assertEqual(project.query("select count(*) from lugger.migration_steps where statement = 'transaction'"), '2')

    def test_s2_16_what_depends_on_a_column_is_told(self):
        project = self.lua("  schema.drop_column(db, 'users', 'email')")
        project.query("create view mails as select email from users; alter table users alter email set default 'x', add check (email <> '');"
                      " do $$ begin create role reader; exception when duplicate_object then null; end $$; grant select (email) on users to reader")
        result = project.migrate('up', expect=1)
        for part in ('users.email is not dropped; on it depend:', 'view mails', 'default value for column email of table users',
                     'constraint users_email_check on table users', 'grant of SELECT to reader'):
            self.assertIn(part, result.err)
        project.query('drop view mails')
        self.assertIn('with_own = true', project.migrate('up', expect=1).err)
        project.file('v2_change', "local schema = require 'lugger.schema'\nreturn { up = function(db) schema.drop_column(db, 'users', 'email', { with_own = true }) end }")
        project.migrate('up')
        self.assertEqual(project.query("select count(*) from pg_attribute where attrelid = 'users'::regclass and attname = 'email'"), '0')

    def test_s2_16_a_type_that_a_view_needs_is_not_changed(self):
        project = self.lua("  schema.change_type(db, 'users', 'email', 'varchar(40)')")
        project.query('create view mails as select email from users')
        self.assertIn('view mails', project.migrate('up', expect=1).err)
        self.assertEqual(project.query("select count(*) from pg_attribute where attrelid = 'users'::regclass and attnum > 0"), '3')

    def test_s2_18_disk_is_estimated_first(self):
        project = self.lua("  schema.change_type(db, 'users', 'email', 'varchar(40)', { max_bytes = 1000 })")
        self.assertRegex(project.migrate('up', expect=1).err, r'needs up to [\d.]+ kB of disk; max_bytes allows 1.0 kB')
        self.assertEqual(project.query("select count(*) from pg_attribute where attrelid = 'users'::regclass and attnum > 0"), '3')

    def test_writes_during_a_change_of_type_are_kept(self):
        project = self.lua("""
  schema.change_type(db, 'users', 'email', 'varchar(40)', { batch_rows = 5, pause_ms = 150 })""")
        process = project.start('up')
        while project.query("select count(*) from pg_trigger where not tgisinternal") == '0':
            self.assertIsNone(process.poll())
        project.query("update users set email = 'changed' where id = 1; insert into users values (500, 'inserted')")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(project.query("select string_agg(email, ',' order by id) from users where id in (1, 500)"), 'changed,inserted')

    def test_status_as_json(self):
        project = self.with_users(v2_more='SELECT 1;')
        items = json.loads(project.migrate('status', '--json').out)
        self.assertEqual([(i['version'], i['state']) for i in items], [('20260101000001', 'applied'), ('20260101000002', 'pending')])


if __name__ == '__main__':
    harness.main()
