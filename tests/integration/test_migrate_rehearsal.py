"""Plans of migrations, dry runs and rehearsals: what would happen, and nothing of it done."""
import subprocess

import harness
from migrations import WithUsers


class Rehearsal(WithUsers):
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

    def test_the_plan_says_what_runs_step_by_step(self):
        lua = "local schema = require 'lugger.schema'\nreturn {{ up = function(db) {} end }}"
        project = self.with_users(
            v2_fill=lua.format("schema.backfill(db, { table = 'users', set = { email = 'lower(email)' } })"),
            v3_batches=lua.format("for _ in db:batches { table = 'none' } do end"),
            v4_check=lua.format("schema.add_check(db, 'users', 'positive', 'id > 0')"),
            v5_plain=lua.format("db:transaction(function() db:exec 'UPDATE users SET id = id' end)"))
        out = project.migrate('up', '--plan').out
        for words in ('02 fill (step', '03 batches (step', '04 check (step', '05 plain (one transaction)'):
            self.assertIn(words, out)

    def test_the_plan_knows_which_types_need_no_rewriting(self):
        project = self.project(v1_t='CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE t '
                                    '(a varchar(10), b numeric(10,2), c int, d text);')
        project.migrate('up')
        for change, rewrites in (('a TYPE varchar(20)', False), ('a TYPE text', False),
                                 ('b TYPE numeric(12,2)', False), ('b TYPE numeric(12,3)', True),
                                 ('c TYPE bigint', True), ('a TYPE varchar(5)', True),
                                 ('d TYPE varchar', False)):
            project.file('v2_c', f'ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES u, ALTER COLUMN {change};')
            self.assertEqual('rewrites' in project.migrate('up', '--plan').out, rewrites, change)

    def test_n_15_dry_run_shows_rows_and_schema_and_takes_all_back(self):
        project = self.with_users(v2_more='''return { up = function(db)
  db:exec('UPDATE users SET email = lower(email) WHERE id <= $1', 2)
  db:exec 'DELETE FROM users WHERE id = 20'
  db:exec "INSERT INTO users VALUES (100, 'new')"
  db:exec 'ALTER TABLE users ADD COLUMN age int'
  db:exec 'CREATE INDEX users_age ON users (age)'
  for batch in db:batches { table = 'users', batch_rows = 4 } do
    db:exec('UPDATE users SET age = 5 WHERE id = 3 AND ' .. batch.condition) end
end }''')
        result = project.migrate('up', '--dry-run')
        self.assertIn('users: 1 inserted, 3 updated, 1 deleted; rows: 20 before, 20 after', result.out)
        self.assertIn('~ (1): email: U1 -> u1', result.out)
        self.assertIn('+ id = 100, email = new', result.out)
        self.assertIn('- id = 20, email = U20', result.out)
        self.assertIn('+ column users.age: integer', result.out)
        self.assertIn('+ index users_age: CREATE INDEX', result.out)
        self.assertIn('all of it was rolled back', result.err)
        self.assertEqual(project.query('select count(*), min(email) from users'), '20|U1')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})

    def test_dry_run_of_what_cannot_be_one(self):
        project = self.with_users(v2_a='ALTER TABLE users ADD COLUMN a int;',
                                  v3_b='CREATE INDEX CONCURRENTLY b ON users (a);')
        result = project.migrate('up', '--dry-run', expect=1)
        self.assertIn('+ column users.a: integer', result.out)
        self.assertIn('20260101000003_b.sql: it cannot run in one transaction; '
                      '`lugger migrate up --rehearse`',
                      result.err)

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

    REHEARSED = ('-- no transaction\nDELETE FROM users WHERE id = 7;\nCREATE UNIQUE INDEX CONCURRENTLY '
                 'users_email ON users (email);')

    def test_n_15_rehearsal_on_a_database_from_the_template(self):
        self.assertIn('a database made from this one',
                      self.rehearse(self.with_users(v2_index=self.REHEARSED)).err)

    def test_n_15_rehearsal_on_a_private_server_with_a_sample(self):
        project = self.with_users(v2_index=self.REHEARSED)
        project.query('create table orders (user_id int references users); '
                      'insert into orders values (1), (20)')
        # Somebody is connected, so the database cannot be a template.
        other = subprocess.Popen(['psql', '-XAtq', '-d', project.database.url], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True)
        other.stdin.write('select 1;\n')
        other.stdin.flush()
        other.stdout.readline()
        result = self.rehearse(project)
        other.communicate('\n')
        self.assertIn('a private server with the schema, and 22 rows of 2 tables', result.err)

    def test_a_rehearsal_runs_no_jobs(self):
        project = self.with_users(v2_job="""
local lugger = require 'lugger'
return { up = lugger.copy { from = lugger.source 'docs.jsonl',
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'id' }), columns = { { 'id', 'int4' } } } }
""")
        project.file('docs.jsonl', '{"id": 77}\n', folder=None)
        self.assertIn('would write to its own target and not to the copy',
                      project.migrate('up', '--rehearse', expect=1).err)
        self.assertEqual(project.query('select count(*) from users'), '20')

    def test_a_rehearsal_changes_nothing_of_the_server(self):
        project = self.with_users(v2_role='CREATE ROLE never_made;')
        self.assertIn('not in a rehearsal on the same server',
                      project.migrate('up', '--rehearse', expect=1).err)
        self.assertEqual(project.query("select count(*) from pg_roles where rolname = 'never_made'"), '0')


if __name__ == '__main__':
    harness.main()
