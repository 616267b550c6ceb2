"""Migrations over several databases, hooks, squash and status."""
import json

import harness
from migrations import USERS, WithUsers


class More(WithUsers):
    def two_databases(self, **files):
        project = self.project(**files)
        other = self.server.fresh()
        project.file('lugger.toml', f'[connections.warehouse]\nurl = "{other.url}"\n', folder=None)
        return project, other

    BOTH = '''return { up = function(db, dbs)
  db:exec 'CREATE TABLE here (n int)'
  dbs.warehouse:exec 'CREATE TABLE there (n int)'
  for _, row in ipairs(dbs.warehouse:query 'SELECT 7 AS n') do db:exec('INSERT INTO here VALUES ($1)',
    row.n) end
  %s
end, down = function(db, dbs)
  db:exec 'DROP TABLE here'
  dbs.warehouse:exec 'DROP TABLE there'
end }'''

    def test_n_14_one_history_for_several_databases(self):
        project, other = self.two_databases(v1_both=self.BOTH % '')
        project.migrate('up')
        self.assertEqual((project.query('select n from here'), other.query('select count(*) from there')),
                         ('7', '0'))
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
        project.query('create table k (id int primary key); create table f '
                      '(id int references k deferrable initially deferred)')
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
        project, _ = self.two_databases(v1_a="return { up = function(db, dbs) dbs.warehouze:exec "
                                             "'SELECT 1' end }")
        self.assertIn('dbs has no "warehouze"', project.migrate('up', expect=1).err)

    def test_s0_65_hooks(self):
        project = self.project(v1_users=USERS)
        project.file('lugger.toml',
                     '[migrate]\nbefore = "echo before $LUGGER_DIRECTION $LUGGER_MIGRATIONS $TOKEN >> log; '
                     'test ! -e stop"\n'
                     'after = ["echo after >> log", "psql -X -d \\"$PG_URI\\" -Atc \'select count(*) '
                     'from users\' >> log || true"]\n',
                     folder=None)
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
        project = self.with_users(v2_lua="return { up = function(db) db:exec 'ALTER TABLE users ADD COLUMN a "
                                         "int DEFAULT 3' end }")
        old = self.project(
            v1_users=USERS,
            v2_lua="return { up = function(db) db:exec 'ALTER TABLE users ADD COLUMN a int DEFAULT 3' end }")
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
        self.assertEqual(project.query("select string_agg(attname, ',' order by attnum) from pg_attribute "
                                       "where attrelid = 'users'::regclass and attnum > 0"),
                         'id,email,data,a,b')
        project.database = old.database
        self.assertIn('only some are applied here', project.migrate('up', expect=1).err)
        old.migrate('up')
        project.migrate('up')
        self.assertEqual(project.states(), {'01': 'squashed', '02': 'applied', '03': 'applied'})

    def test_squash_up_to_a_version_joins_the_files(self):
        project = self.project(v1_a='CREATE TABLE a ();',
                               v2_b='CREATE TABLE b (t text);\nINSERT INTO b VALUES (\'x;\');',
                               v3_c='CREATE TABLE c ();')
        project.migrate('up')
        path = project.migrate('squash', '--to', '20260101000002').out.strip()
        self.assertIn("-- from 20260101000002_b.sql\nCREATE TABLE b (t text);\nINSERT INTO b VALUES ('x;');",
                      (project.directory / path).read_text())
        self.assertEqual(project.states(), {'01': 'squashed', '02': 'applied', '03': 'applied'})

    def test_status_as_json(self):
        project = self.with_users(v2_more='SELECT 1;')
        items = json.loads(project.migrate('status', '--json').out)
        self.assertEqual([(i['version'], i['state']) for i in items],
                         [('20260101000001', 'applied'), ('20260101000002', 'pending')])


if __name__ == '__main__':
    harness.main()
