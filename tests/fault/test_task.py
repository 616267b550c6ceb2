"""Tasks among others: stopped by a signal, connections cut, the server away, kill -9: each row once,
and always resumable."""
import os
import random
import signal
import subprocess
import time
import unittest

import harness
from fixes import until
from jobs import Work
from postgres import Postgres

SEED = int(os.environ.get('LUGGER_SEED', '20261129'))
ROWS = 6000
TASK = """local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI), { batch_rows = 100 })
  local into = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'n' }),
    { columns = { { 'n', 'int4' } }, throttle = { rows_per_s = RATE } })
  for batch in docs:batches() do
    for doc in batch:docs() do
      if doc.n % 10 == 0 then into:reject(doc, 'a tenth') else into:add { n = doc.n } end
    end
    into:commit(batch:position())
  end
end)
"""
TWO = """local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI), { batch_rows = 100 })
  local into = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'n' }),
    { columns = { { 'n', 'int4' } }, throttle = { rows_per_s = RATE } })
  local thirds = task:writer(lugger.target(lugger.env.PG_URI, { table = 'thirds', key = 'n' }),
    { columns = { { 'n', 'int4' } } })
  for batch in docs:batches() do
    for doc in batch:docs() do
      if doc.n % 10 == 0 then into:reject(doc, 'a tenth') end
      into:add({ n = doc.n }, doc)
      if doc.n % 3 == 0 then thirds:add({ n = doc.n }, doc) end
    end
    into:commit(batch)
  end
end)
"""
CUT = ("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() "
       "and pid <> pg_backend_pid()"
       " and application_name like 'lugger%'")


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, rate=3000, server=None, text=TASK):
        return Work((server or self.server).fresh(), ({'_id': n, 'n': n} for n in range(ROWS)),
                    text=text.replace('RATE', str(rate)))

    def count(self, work):
        return int(work.database.query('select count(*) from docs', check=False) or 0)

    def start(self, work):
        """Once something was committed."""
        process = work.start('run', 'job.lua', '--create', '--log', 'none')
        until(lambda: process.poll() is not None or self.count(work) > 0, 'a first commit')
        self.assertIsNone(process.poll(), 'ended too early')
        return process

    def complete(self, work):
        loaded, refused = ROWS * 9 // 10, ROWS // 10
        self.assertEqual(work.database.query('select count(*), count(distinct n), '
                                             'count(*) filter (where n % 10 = 0) from docs'),
                         f'{loaded}|{loaded}|0')
        self.assertEqual(work.database.query('select count(*), count(distinct document_id) '
                                             'from lugger.rejects'),
                         f'{refused}|{refused}')
        self.assertEqual(work.database.query('select status, read, inserted, rejected from lugger.runs '
                                             'join lugger.partitions using (run)'),
                         f'done|{ROWS}|{loaded}|{refused}')

    def test_signals_give_130_and_the_command_that_resumes(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                work = self.work()
                process = self.start(work)
                process.send_signal(number)
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130, err)
                self.assertIn('lugger run job.lua', err)
                self.assertEqual(work.database.query('select status, message from lugger.runs'), 'stopped|')
                self.assertLess(self.count(work), ROWS * 9 // 10)
                work.run('--create', expect=3)
                self.complete(work)

    def test_stopped_while_it_builds_an_index(self):
        slow = ('create or replace function slow(n int) returns int immutable language plpgsql as $$ begin '
                'perform pg_sleep({}); return n; end $$')
        text = TASK.replace('RATE', '100000').replace(
            "throttle =", "indexes = { { columns = { '(slow(n))' } } }, throttle =")
        work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(ROWS)), text=text)
        work.database.query(slow.format(0.1))
        process = work.start('run', 'job.lua', '--create', '--log', 'none')
        builds = ("select count(*) from pg_stat_activity where datname = current_database() "
                  "and query ~* '^create.* index' and state = 'active'")
        until(lambda: process.poll() is not None or work.database.query(builds) == '1', 'it builds the index')
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertEqual(work.database.query('select status from lugger.runs'), 'stopped')
        work.database.query(slow.format(0))
        work.run('--create', expect=3)
        self.assertEqual(
            work.database.query("select count(*) from pg_indexes where indexdef like '%slow(n)%'"), '1')
        self.complete(work)

    def test_connections_cut_by_the_server(self):
        work = self.work()
        process = self.start(work)
        for _ in range(3):
            had = self.count(work)
            work.database.query(CUT)
            until(lambda had=had: process.poll() is not None or self.count(work) > had, 'it goes on')
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 3, err)
        self.complete(work)

    def test_a_server_that_goes_away_and_comes_back(self):
        server = Postgres()
        work = self.work(server=server)
        process = self.start(work)
        server.stop(signal.SIGQUIT)
        time.sleep(1)
        server.start()
        _, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 3, err)
        self.complete(work)
        server.destroy()

    def test_stopped_while_the_server_is_away(self):
        server = Postgres()
        work = self.work(server=server)
        process = self.start(work)
        server.stop(signal.SIGQUIT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('could not be recorded', err)
        server.start()
        work.run('--create', expect=3)
        self.complete(work)
        server.destroy()

    def complete_both(self, work):
        self.complete(work)
        thirds = sum(1 for n in range(ROWS) if n % 3 == 0 and n % 10 != 0)
        self.assertEqual(work.database.query('select count(*), count(distinct n) from thirds'),
                         f'{thirds}|{thirds}')

    def test_several_writers_whose_connections_are_cut(self):
        work = self.work(text=TWO)
        process = self.start(work)
        for _ in range(3):
            had = self.count(work)
            work.database.query(CUT)
            until(lambda had=had: process.poll() is not None or self.count(work) > had, 'it goes on')
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 3, err)
        self.complete_both(work)

    def test_kill_9_at_any_instant_with_several_writers(self):
        self.complete_both(self.killed(TWO))

    def test_kill_9_at_any_instant(self):
        self.complete(self.killed(TASK))

    def killed(self, text):
        rng, kills = random.Random(SEED), 0
        work = self.work(rate=6000, text=text)
        for _ in range(40):
            process = work.start('run', 'job.lua', '--create', '--log', 'none')
            try:
                process.communicate(timeout=rng.uniform(0.05, 0.6) if kills < 8 else 120)
                if process.returncode == 3:
                    break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
        self.assertGreater(kills, 0)
        return work


if __name__ == '__main__':
    harness.main()
