"""Locks: ours among lugger processes, and those of tables in use."""
import subprocess
import threading
import time
import unittest

import harness
from migrations import Project
from pooler import Pooled, require
from postgres import Postgres

SLOW = "-- up\nSELECT pg_sleep(2);\nCREATE TABLE t (id int);\n"


class Session:
    """A psql whose transaction stays open."""

    def __init__(self, database, *statements):
        self.process = subprocess.Popen(['psql', '-XAtq', '-d', database.url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.send(*statements, 'select 1')
        self.process.stdout.readline()

    def send(self, *statements):
        self.process.stdin.write(''.join(s + ';\n' for s in statements))
        self.process.stdin.flush()

    def end(self):
        self.process.communicate('rollback;\n', timeout=20)


class Locks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.pooler = None

    @classmethod
    def tearDownClass(cls):
        if cls.pooler:
            cls.pooler.stop()

    def pooled(self, project):
        require()
        type(self).pooler = self.pooler or Pooled(self.server)
        return {'PG_URI': self.pooler.url(project.database.name)}

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def second(self, env=None):
        """What a second process says while a first one runs."""
        project = self.project(v1_slow=SLOW)
        first = project.start('up', env=env and env(project))
        while 'up 2026' not in (first.stderr.readline() or 'up 2026'):
            pass
        leaves = project.migrate('up', expect=1, env=env and env(project))
        self.assertIn('are being run by', leaves.err)
        self.assertIn(' pid ', leaves.err)
        waits = project.migrate('up', '--wait', env=env and env(project))
        self.assertIn('nothing to do', waits.err)
        first.communicate(timeout=30)
        self.assertEqual(first.returncode, 0)
        self.assertEqual(project.query('select count(*) from lugger.leases'), '0')

    def test_two_at_once(self):
        self.second()

    def test_a_process_that_lost_the_lock_cannot_commit(self):
        project = self.project(v1_slow=SLOW)
        process = project.start('up')
        while 'up 2026' not in (process.stderr.readline() or 'up 2026'):
            pass
        project.query("update lugger.leases set token = 'another', holder = 'thief'")
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1, said)
        self.assertIn('another process took over the migrations', said)
        self.assertEqual(project.query("select to_regclass('t') is null"), 't')
        self.assertIn('being run by thief', project.migrate('status').err)

    def test_n_16_two_at_once_through_a_transaction_pool(self):
        self.second(self.pooled)

    def test_n_16_concurrently_never_waits_for_ourselves(self):
        project = self.project(v1_t='CREATE TABLE t (id int);',
                               v2_index='CREATE INDEX CONCURRENTLY t_id ON t (id);')
        env = self.pooled(project)
        # A second process that waits for the first must not hold a snapshot that the index build waits for.
        processes = [project.start('up', '--wait', env=env) for _ in range(3)]
        for process in processes:
            said = process.communicate(timeout=60)[1]
            self.assertEqual(process.returncode, 0, said)
        self.assertEqual(project.query("select indisvalid from pg_index where indexrelid = 't_id'::regclass"),
                         't')
        self.assertEqual(project.query("select count(*) from lugger.migrations where state = 'done'"), '2')
        self.assertEqual(project.query("select count(*) from pg_locks where locktype = 'advisory'"), '0')

    def test_a_direct_connection_serves_where_the_other_is_a_pooler(self):
        project = self.project(v1_who='CREATE TABLE who AS SELECT pg_backend_pid() AS pid')
        project.migrate('up', env={
            'PG_URI': 'postgresql:///nowhere?host=/nowhere', 'PG_DIRECT_URI': project.database.url})
        self.assertEqual(project.query('select count(*) from who'), '1')

    def test_s2_11_short_lock_with_retry(self):
        project = self.project(v1_t='CREATE TABLE t (id int); INSERT INTO t VALUES (1);')
        project.migrate('up')
        project.file('v2_column', 'ALTER TABLE t ADD COLUMN more int;')
        blocker = Session(project.database, 'begin', 'select * from t')
        process = project.start('up', '--lock-timeout', '100ms', '--tries', '50')
        line = ''
        while '; try 2 of 50' not in line:
            line = process.stderr.readline()
            self.assertNotEqual(line, '', 'no second try')
        # While it pauses nobody waits behind it.
        self.assertIn('ACCESS', process.stderr.readline())
        self.assertEqual(project.query("set statement_timeout = '20s'; select count(*) from t"), '1')
        blocker.end()
        self.assertIn('1 migration applied', process.communicate(timeout=60)[1])
        self.assertEqual(project.query('select more is null from t'), 't')

    def test_a_lock_that_is_never_granted(self):
        project = self.project(v1_t='CREATE TABLE t (id int);')
        project.migrate('up')
        project.file('v2_column', 'ALTER TABLE t ADD COLUMN more int;')
        blocker = Session(project.database, 'begin', 'select * from t')
        result = project.migrate('up', '--lock-timeout', '50ms', '--tries', '2', expect=1)
        blocker.end()
        self.assertIn('holds ACCESS SHARE on t', result.err)
        self.assertIn('lock timeout', result.err)
        self.assertEqual(project.states(), {'01': 'applied', '02': 'failed'})
        project.migrate('up')
        self.assertEqual(project.states(), {'01': 'applied', '02': 'applied'})

    def test_statement_timeout(self):
        project = self.project(v1_slow=SLOW)
        result = project.migrate('up', '--statement-timeout', '50ms', expect=1)
        self.assertIn('statement timeout', result.err)

    def test_an_index_build_waits_longer_than_the_lock_timeout(self):
        project = self.project(v1_t='CREATE TABLE t (id int); INSERT INTO t VALUES (1);')
        project.migrate('up')
        project.file('v2_index', 'CREATE INDEX CONCURRENTLY t_id ON t (id);')
        writer = Session(project.database, 'begin', 'insert into t values (2)')
        threading.Thread(target=lambda: (time.sleep(1), writer.end())).start()
        result = project.migrate('up', '--lock-timeout', '50ms', '--tries', '1')
        self.assertIn('1 migration applied', result.err)


if __name__ == '__main__':
    harness.main()
