"""A system that gives few threads or none: fewer workers, or an error that says so; never the end of
the process."""
import os
import pwd
import resource
import subprocess
import unittest
from pathlib import Path

import harness
from postgres import Postgres

JOB = """
local lugger = require 'lugger'
return lugger.copy { from = lugger.source('g.json', { collection = 'shop.docs' }),
  into = lugger.target(lugger.env.INTO, { table = 'docs', key = 'mongo_id',
  on_conflict = 'update' }), columns = { { 'mongo_id', 'text', from = '_id' }, { 'n', 'int4' } },
  indexes = lugger.env.INTO:find '^postgres' and { { 'n' }, { columns = { 'n', 'mongo_id' } } } or nil }
"""
ROWS = 20_000


@unittest.skipUnless(os.geteuid() == 0,
                     'the limit counts the threads of a user, and only root can be another')
class FewThreads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.user = pwd.getpwnam('nobody')

    def run_limited(self, threads, directory, into, *args):
        def limit():
            resource.setrlimit(resource.RLIMIT_NPROC, (threads, threads))
            os.setgid(self.user.pw_gid)
            os.setuid(self.user.pw_uid)
        os.chmod(directory, 0o777)
        return subprocess.run([harness.binary(), *args], cwd=directory,
                              env={**harness.clean_environment(), 'INTO': into, 'HOME': str(directory)},
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=limit,
                              timeout=120)

    def check(self, done, statuses):
        self.assertIn(done.returncode, statuses, done.stderr)
        if done.returncode == 1:
            self.assertIn('the system gives no thread', done.stderr)
        self.assertNotIn('please report', done.stderr)

    def directory(self):
        directory = Path(harness.scratch())
        (directory / 'job.lua').write_text(JOB)
        (directory / 'g.json').write_text(''.join('{"_id":%d,"n":%d}\n' % (n, n) for n in range(ROWS)))
        return directory

    def test_lines_and_a_census(self):
        reached = set()
        for threads in range(1, 7):
            with self.subTest(threads):
                directory = self.directory()
                done = self.run_limited(threads, directory, 'out.jsonl', 'run', 'job.lua', '-j', '4')
                self.check(done, (0, 1))
                reached.add(done.returncode)
                self.check(self.run_limited(threads, directory, 'out.jsonl', 'describe', 'g.json', '--full',
                                            '--no-trial'),
                           (0, 1))
        self.assertEqual(reached, {0, 1})

    def test_a_load_its_indexes_and_verify(self):
        database = self.server.fresh()
        for threads in range(2, 9):
            with self.subTest(threads):
                directory = self.directory()
                database.query('drop table if exists docs')
                self.check(self.run_limited(threads, directory, database.url, 'run', 'job.lua', '--create',
                                            '--restart', '-j', '4'),
                           (0, 1))
                self.check(self.run_limited(threads, directory, database.url, 'verify', 'job.lua', '-j', '4'),
                           (0, 1, 4))
        self.assertEqual(database.number('select count(*) from docs'), ROWS)
        self.assertEqual(database.number("select count(*) from pg_indexes where tablename = 'docs'"), 3)


if __name__ == '__main__':
    harness.main()
