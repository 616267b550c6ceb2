"""Locks that others hold: what waits for them says so, and who has them."""
import signal
import time
import unittest

import harness
from fixes import Session
from jobs import Work, job
from postgres import Postgres

TYPED = """local lugger = require 'lugger'
local db = lugger.session(lugger.env.PG_URI)
print(db:exec "update docs set n = n + 1 where mongo_id = 'a'")
print(db:value 'select n from docs')
db:insert('docs', { { mongo_id = 'c', n = 3 } })
"""


class LockWaits(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.work = Work(self.server.fresh(), [{'_id': 'a', 'n': 1}, {'_id': 'b', 'n': 2}],
                         job("{ 'n', 'int4' }", conflict='update'))
        self.work.database.query("create table docs (mongo_id text primary key, n int);"
                                 "insert into docs values ('a', 0)")
        self.work.script(TYPED, 'typed.lua')
        self.other = Session(self.work.database)
        self.addCleanup(self.other.close)
        self.other.run("set application_name = 'reports'")
        self.pid = self.other.run('select pg_backend_pid()')

    def held(self, lock, *words):
        """A command that began while another session held the lock; it has said that it waits."""
        self.other.run(f'begin; {lock}')
        process = self.work.start(*words)
        said = ''
        while 'waiting for a lock' not in said:
            line = process.stderr.readline()
            if not line:
                self.fail(f'{words} ended with status {process.wait()}: {said}')
            said += line
        return process, said.splitlines()[-1]

    def test_it_is_told_and_goes_on(self):
        for words in (('plan', 'job.lua'), ('run', 'job.lua'), ('verify', 'job.lua'),
                      ('run', 'typed.lua')):
            with self.subTest(words):
                process, said = self.held('lock table docs in access exclusive mode', *words)
                self.assertRegex(said, rf'waiting for a lock on public\.docs, which pid {self.pid} '
                                       r'\(reports, idle in transaction for \d\d:\d\d:\d\d\) has')
                time.sleep(1)
                self.assertIsNone(process.poll())
                self.other.run('rollback')
                err = process.communicate(timeout=60)[1]
                self.assertIn(process.returncode, (0, 4) if words[0] == 'verify' else (0,), err)
                self.assertNotIn('waiting for a lock', err)

    def test_a_row_that_another_transaction_changed(self):
        process, said = self.held("update docs set n = 7 where mongo_id = 'a'", 'run', 'typed.lua')
        self.assertIn(f'waiting for a lock on a row, which pid {self.pid} (reports, ', said)
        self.other.run('commit')
        self.assertEqual(process.communicate(timeout=60)[0].split(), ['1', '8'])

    def test_one_ctrl_c_ends_the_wait(self):
        """Whoever only reads or looks has nothing to finish."""
        opened = "for doc in lugger.source(lugger.env.PG_URI, { table = 'docs', key = 'mongo_id' })"
        self.work.script(f"local lugger = require 'lugger'\n{opened}:find {{}} do print(doc) end\n"
                         "print 'at the end'", 'read.lua')
        self.work.script("local lugger = require 'lugger'\nprint(pcall(function()\n"
                         f"  {opened}:find {{}} do print(doc) end\nend))", 'caught.lua')
        for words, status in ((('plan', 'job.lua'), 130), (('preflight', 'job.lua'), 130),
                              (('run', 'job.lua'), 130), (('verify', 'job.lua'), 130),
                              (('run', 'read.lua'), 130), (('run', 'typed.lua'), 130),
                              (('run', 'caught.lua'), 0)):
            with self.subTest(words):
                process, _ = self.held('lock table docs in access exclusive mode', *words)
                before = time.monotonic()
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, status, err)
                self.assertLess(time.monotonic() - before, 20)
                self.assertNotIn('error in error handling', err)
                self.assertNotIn('at the end', out)
                self.other.run('rollback')

    def test_what_only_takes_long_is_not_told(self):
        self.work.script("""local lugger = require 'lugger'
print(lugger.session(lugger.env.PG_URI):value 'select pg_sleep(3) is null')""", 'slow.lua')
        self.assertEqual(self.work.run(script='slow.lua').err, '')


if __name__ == '__main__':
    harness.main()
