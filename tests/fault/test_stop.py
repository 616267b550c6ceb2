"""Stopped by a signal, left by the server, started twice: always resumable, never twice."""
import signal
import subprocess
import time
import unittest

from bson import ObjectId
import harness
from jobs import Work, job
from postgres import Postgres

ROWS = 60_000


class Stop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.source = Work(cls.server.fresh(),
                          ({'_id': ObjectId(f'{i:024x}'), 'n': i, 'pad': 'x' * 100}
                           for i in range(ROWS))).source

    def slow_work(self, database=None):
        """A hook that takes its time, so that there is a middle to stop in."""
        slow = """unmapped = 'ignore', map = function(row)
          local x = 0
          for i = 1, 8000 do x = (x * 31 + i) % 1000003 end
          if x == -1 then row.n = 0 end
        end,"""
        return Work(database or self.server.fresh(),
                    text=job("{ 'n', 'int4' }, { 'pad', 'text' }", source=self.source, extra=slow))

    def in_the_middle(self, work, *flags):
        """Starts a run and freezes it once it has committed something, so that no test depends on
        being quick."""
        process = work.start('run', 'job.lua', '--create', '-j', '1', '--log', 'none', *flags)
        for _ in range(1200):
            if process.poll() is not None:
                self.fail('the run ended too early:\n' + process.communicate()[1])
            if work.database.query("select 1 from docs limit 1", check=False) == '1':
                process.send_signal(signal.SIGSTOP)
                return process
            time.sleep(0.05)
        process.kill()
        self.fail('nothing was committed within a minute:\n' + process.communicate()[1])

    def finish(self, work):
        work.run('--create', '-j', '2')
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id), sum(n) from docs'),
                         f'{ROWS}|{ROWS}|{sum(range(ROWS))}')

    def test_s0_02_signals_give_130_and_the_command_that_resumes(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                work = self.slow_work()
                process = self.in_the_middle(work)
                process.send_signal(number)
                process.send_signal(signal.SIGCONT)
                _, err = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 130, err)
                self.assertIn('lugger run job.lua', err)
                self.assertEqual(work.database.query('select status from lugger.runs'), 'stopped')
                count = work.database.number('select count(*) from docs')
                self.assertLess(count, ROWS)
                self.finish(work)

    def test_a_table_that_was_dropped_after_the_run_began(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        work.database.query('drop table docs')
        for flags in ((), ('--create',)):
            refused = work.run(*flags, expect=1)
            self.assertIn('docs is not there: it was dropped after the run began', refused.err)
            self.assertIn('--restart', refused.err)
        work.run('--restart', '--create', '-j', '2')
        self.assertEqual(work.database.query('select count(*), sum(n) from docs'),
                         f'{ROWS}|{sum(range(ROWS))}')

    def test_a_dropped_table_of_a_run_that_committed_nothing_is_made_again(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 1}],
                    text=job("{ 'n', 'int4' }", extra="map = function(row) error 'no' end,"))
        work.run('--create', expect=1)
        work.database.query('drop table docs')
        work.run('--create', expect=1)
        self.assertEqual(work.database.number('select count(*) from docs'), 0)
        work.script(job("{ 'n', 'int4' }"))
        work.database.query('drop table docs')
        work.run('--create')
        self.assertEqual(work.database.number('select count(*) from docs'), 1)

    def test_a_dropped_table_of_a_task(self):
        work = Work(self.server.fresh(), [{'_id': n, 'n': n} for n in range(100)], text="""
local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI), { batch_rows = 10 })
  local into = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'n' }),
    { columns = { { 'n', 'int4' } } })
  for batch in docs:batches() do
    into:write(batch)
    into:commit(batch:position())
    if os.getenv 'BREAK' then error 'broken' end
  end
end)
""")
        work.lugger('run', 'job.lua', '--create', env={'BREAK': '1'}, expect=1)
        work.database.query('drop table docs')
        refused = work.run('--create', expect=1)
        self.assertIn('it was dropped after the run began', refused.err)
        work.run('--create', '--restart')
        self.assertEqual(work.database.number('select count(*) from docs'), 100)

    def test_twice_stops_at_once(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, err)
        self.finish(work)

    def test_the_same_job_twice_at_once(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        second = work.run('--create', expect=1)
        self.assertRegex(second.err, r'(?i)already|another|run(s|ning) it|held')
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=60)
        self.finish(work)

    def test_server_restarted_in_the_middle(self):
        server = Postgres()
        work = self.slow_work(server.fresh())
        process = self.in_the_middle(work)
        server.stop(signal.SIGQUIT)
        process.send_signal(signal.SIGCONT)
        time.sleep(1)
        server.start()
        try:
            _, err = process.communicate(timeout=240)
        except subprocess.TimeoutExpired:
            process.kill()
            self.fail('the run did not end:\n' + process.communicate()[1])
        self.assertIn(process.returncode, (0, 1, 130), err)
        self.finish(work) if process.returncode else None
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id) from docs'),
                         f'{ROWS}|{ROWS}')
        server.destroy()

    def test_stopped_while_the_server_is_away(self):
        server = Postgres()
        work = self.slow_work(server.fresh())
        process = self.in_the_middle(work)
        server.stop(signal.SIGQUIT)
        process.send_signal(signal.SIGCONT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('lugger run job.lua', err)
        server.start()
        self.finish(work)
        server.destroy()

    def test_connections_cut_by_the_server(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGCONT)
        for _ in range(3):
            work.database.query("select pg_terminate_backend(pid) from pg_stat_activity "
                                "where datname = current_database() and pid <> pg_backend_pid()")
            time.sleep(0.5)
        _, err = process.communicate(timeout=240)
        self.assertIn(process.returncode, (0, 1), err)
        self.finish(work) if process.returncode else None
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id) from docs'),
                         f'{ROWS}|{ROWS}')


if __name__ == '__main__':
    harness.main()
