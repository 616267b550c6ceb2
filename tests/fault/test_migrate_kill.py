"""Migrations that are killed, or lose the connection, at any statement: run again, everything is
there, and once."""
import os
import signal
import unittest

import harness
from cutting import Cutter
from migrations import Project
from postgres import Postgres

PLAIN = '''-- up
CREATE TABLE users (id bigint PRIMARY KEY, n int NOT NULL, email text);
INSERT INTO users SELECT i, i, 'u' || i FROM generate_series(1, 25) i;
CREATE TABLE log (what text);
INSERT INTO log VALUES ('plain');
CREATE TYPE mood AS ENUM ('sad');
'''
STEPS = '''-- up
ALTER TYPE mood ADD VALUE 'glad';
CREATE INDEX CONCURRENTLY users_n ON users (n);
INSERT INTO log SELECT 'steps ' || 'glad'::mood;
DROP INDEX CONCURRENTLY users_n;
CREATE UNIQUE INDEX CONCURRENTLY users_email ON users (email);
'''
BATCHES = '''
return { up = function(db, dbs)
  db:exec("INSERT INTO log VALUES ('before')")
  for batch in db:batches { table = 'users', batch_rows = 10 } do
    db:exec('UPDATE users SET n = n + 1 WHERE ' .. batch.condition)
  end
  db:exec('CREATE INDEX CONCURRENTLY users_n ON users (n)')
  local id = db:query("INSERT INTO users VALUES (1000, 0, 'last') RETURNING id")[1].id
  db:exec("INSERT INTO log VALUES ('after ' || $1)", id)
end }
'''
FILES = {'v1_plain': PLAIN, 'v2_steps': STEPS, 'v3_batches': BATCHES}
STATE = ("select string_agg(what, ',' order by what) from log",
         "select count(*), sum(n) from users",
         ("select string_agg(indexrelid::regclass || ' ' || indisvalid, ',' order by 1) from pg_index "
          "where indrelid = 'users'::regclass"),
         ("select string_agg(version || direction || count, ',') "
          "from (select version, direction, count(*) from lugger.migrations"
          " where state = 'done' group by 1, 2 order by 1) x"),
         "select count(*) from lugger.leases")
TYPE = '''
local schema = require 'lugger.schema'
return { up = function(db, dbs)
  dbs.other:exec 'INSERT INTO there VALUES (1)'
  schema.change_type(db, 'users', 'id', 'bigint', { batch_rows = 10 })
  dbs.other:exec 'INSERT INTO there VALUES (2)'
end }
'''
BOTH = '''
return { up = function(db, dbs)
  dbs.other:exec 'INSERT INTO there VALUES (3)'
  db:exec "INSERT INTO log VALUES ('both')"
end }
'''
MORE_STATE = STATE + (("select string_agg(attname || format_type(atttypid, -1), ',' order by attname) "
                       "from pg_attribute where attrelid = 'users'::regclass"
                       " and attnum > 0 and not attisdropped"),
                      "select count(*) from pg_trigger where not tgisinternal",
                      "select count(*) from pg_constraint where conrelid = 'users'::regclass")
EVERY = int(os.environ.get('LUGGER_EVERY', '67'))   # 1: each statement, each way


class Cut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        project = cls.project()
        watch = Cutter(cls.server, 10 ** 9)
        project.migrate('up', env={'PG_URI': watch.url(project.database)})
        cls.statements, cls.expected = watch.count, cls.state(project)
        watch.close()
        print(f'{cls.statements} statements')

    @classmethod
    def project(cls):
        return Project(cls.server.fresh(), **FILES)

    @staticmethod
    def state(project):
        return [project.query(sql) for sql in STATE]

    def points(self, offset):
        return range(1 + offset % EVERY, self.statements + 1, EVERY)

    def finish(self, project, at, what):
        for _ in range(5):
            result = project.migrate('up', expect=None)
            if result.status == 0:
                break
        self.assertEqual(result.status, 0, f'{what} statement {at} of {self.statements}\n{result!r}')
        self.assertEqual(self.state(project), self.expected,
                         f'{what} statement {at} of {self.statements}\n{result!r}')

    def cut(self, when, offset):
        for at in self.points(offset):
            project = self.project()
            cutter = Cutter(self.server, at, when)
            project.migrate('up', expect=None, env={'PG_URI': cutter.url(project.database)})
            cutter.close()
            self.finish(project, at, f'cut {when}')

    def kill(self, when, offset):
        for at in self.points(offset):
            project = self.project()
            cutter = Cutter(self.server, at, when, act=lambda: process.send_signal(signal.SIGKILL))
            process = project.start('up', env={'PG_URI': cutter.url(project.database)})
            process.communicate(timeout=60)
            cutter.close()
            self.finish(project, at, f'kill -9 {when}')

    def test_n_16_connection_cut_before_a_statement(self):
        self.cut('before', 0)

    def test_n_16_connection_cut_before_its_answer(self):
        self.cut('after', 2)

    def test_n_16_kill_9_before_a_statement(self):
        self.kill('before', 4)

    def test_n_16_kill_9_before_its_answer(self):
        self.kill('after', 6)


class CutType(Cut):
    """A change of a type, and another database, which must have everything once too."""

    @classmethod
    def project(cls):
        project = Project(cls.server.fresh(), v1_plain=PLAIN, v2_type=TYPE, v3_both=BOTH)
        project.other = cls.server.fresh()
        project.other.query('create table there (n int)')
        project.file('lugger.toml', f'[connections.other]\nurl = "{project.other.url}"\n', folder=None)
        return project

    @staticmethod
    def state(project):
        return [project.query(sql) for sql in MORE_STATE] + [
            project.other.query("select string_agg(n::text, ',' order by n) from there")]


if __name__ == '__main__':
    harness.main()
