"""Whatever waits at the server ends when it is told to stop; a connection of which one side alone
heard the end keeps nobody waiting."""
import signal
import subprocess
import threading
import time
import unittest

import harness
from cutting import Cutter
from jobs import Work, job
from middle import Middle
from migrations import Project
from postgres import Postgres
from sessions import Session, wait_for

WAITS = ("select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' "
         "and datname = current_database()")
OURS = ("select count(*) from pg_stat_activity where datname = current_database() "
        "and application_name like 'lugger%'")
ROWS = 30_000
SLOW = """map = function(row)
  local x = 0
  for i = 1, 8000 do x = (x * 31 + i) % 1000003 end
  if x == -1 then row.n = 0 end
end,"""
FIX = """
local lugger = require 'lugger'
return lugger.fix {
  on = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'mongo_id' }),
  set = { 'n' }, max_rows = 100000, map = function(row) row.n = row.n + 1 end,
}
"""
TASK = """
local lugger = require 'lugger'
return lugger.task('by hand', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI))
  local into = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'mongo_id',
    on_conflict = 'update' }), { columns = { { 'mongo_id', 'text', from = '_id' }, { 'n', 'int4' } } })
  for batch in docs:batches() do
    into:write(batch)
    into:commit(batch:position())
  end
end)
"""


def stop_twice(test, process):
    """Ends within the limit, which means a hang and not slowness."""
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    try:
        out, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        test.fail('it did not end:\n' + process.communicate()[1])
    test.assertEqual(process.returncode, 130, out + err)
    return err


class WaitingForALock(unittest.TestCase):
    """test_c5: every kind of run."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, rows=2000):
        work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(rows)),
                    text=job("{ 'n', 'int4' }", conflict='update'))
        work.run('--create')
        return work

    def stopped(self, work, mode, *words, beats=False):
        holder = Session(work.database)
        holder.run(f'begin; lock table docs in {mode} mode')
        process = work.start(*words)
        wait_for(work.database, WAITS, process)
        if beats:
            wait_for(work.database, 'select beat_at is not null from lugger.leases', process)
        err = stop_twice(self, process)
        wait_for(work.database, OURS.replace('count(*)', 'count(*) = 0'))
        holder.close()
        return err

    def test_c5_a_load_that_waits_for_a_lock(self):
        work = self.work()
        work.documents({'_id': n, 'n': -n} for n in range(2000))
        self.assertIn('Go on with', self.stopped(work, 'share', 'run', 'job.lua', beats=True))
        work.run()
        self.assertEqual(work.database.number('select sum(n) from docs'), -sum(range(2000)))
        self.stopped(work, 'access exclusive', 'run', 'job.lua')

    def test_c5_before_a_load_begins_one_stop_is_enough(self):
        work = self.work()
        holder = Session(work.database)
        holder.run('begin; lock table docs in access exclusive mode')
        process = work.start('run', 'job.lua')
        wait_for(work.database, WAITS, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, out + err)
        self.assertIn('stopped while it waited for the server', err)
        holder.close()

    def test_c5_a_retry_names_its_own_command(self):
        work = self.work()
        work.documents({'_id': 5000 + n, 'n': 'none'} for n in range(20))
        work.run(expect=3)
        work.script(job("{ 'n', 'text', from = 'none' }, { 't', 'text', from = 'n' }", conflict='update'))
        work.database.query('alter table docs add t text, alter n type text')
        err = self.stopped(work, 'share', 'rejects', 'job.lua', '--retry')
        self.assertIn('lugger rejects job.lua --retry', err)
        work.lugger('rejects', 'job.lua', '--retry')

    def test_c5_a_fix(self):
        work = self.work()
        work.script(FIX, 'fix.lua')
        self.stopped(work, 'share', 'run', 'fix.lua', '--apply')

    def test_c5_a_task(self):
        work = self.work()
        work.script(TASK)
        self.stopped(work, 'share', 'run', 'job.lua')

    def test_c5_verify_and_repair(self):
        work = self.work()
        self.stopped(work, 'access exclusive', 'verify', 'job.lua')
        work.database.query('delete from docs where n < 10')
        self.stopped(work, 'share', 'repair', 'job.lua', '--apply')

    def test_c5_the_census_of_a_table(self):
        work = self.work()
        self.stopped(work, 'access exclusive', 'describe', work.database.url, '--table', 'docs', '--full')

    def test_c5_a_migration(self):
        project = Project(self.server.fresh(), v1_a='update docs set n = n + 1')
        project.query('create table docs as select 1 as n')
        holder = Session(project.database)
        holder.run('begin; select from docs for update')
        process = project.start('up')
        wait_for(project.database, WAITS, process)
        stop_twice(self, process)
        holder.close()

    def test_c5_the_prompt(self):
        work = self.work(10)
        holder = Session(work.database)
        holder.run('begin; lock table docs in access exclusive mode')
        process = work.start('-e', "require 'lugger'.session(os.getenv 'PG_URI') 'select from docs'")
        wait_for(work.database, WAITS, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        holder.close()


class Silence(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.middle = Middle(self.server)
        self.addCleanup(self.middle.close)

    def slow_work(self):
        return Work(self.server.fresh(), ({'_id': n, 'n': n, 'pad': 'x' * 900} for n in range(ROWS)),
                    text=job("{ 'n', 'int4' }", extra="unmapped = 'ignore', " + SLOW))

    def in_the_middle(self, work):
        """Once it has committed something."""
        process = harness.start('run', 'job.lua', '--create', '-j', '2', '--log', 'none',
                                cwd=work.directory,
                                env={**work.env, 'PG_URI': self.middle.url(work.database)})
        wait_for(work.database, 'select coalesce(sum(read), 0) > 0 from lugger.partitions', process)
        return process

    def finished(self, work):
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id), sum(n) from docs'),
                         f'{ROWS}|{ROWS}|{sum(range(ROWS))}')
        self.assertEqual(work.database.query("select sum(read), sum(inserted) from lugger.partitions"),
                         f'{ROWS}|{ROWS}')

    def test_c5_a_server_that_does_not_answer(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        self.middle.fall_silent()
        stop_twice(self, process)

    def test_c6_only_one_side_hears_that_the_connection_is_gone(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        self.middle.forget()
        _, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 0, err)
        self.finished(work)

    def test_c6_a_later_run_does_not_wait_for_the_dead(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGSTOP)  # it would find its connections gone
        self.middle.forget()
        process.kill()
        process.communicate(timeout=60)
        held = work.run('--create', expect=1)
        self.assertIn('already running', held.err)
        work.database.query("update lugger.leases set beat_at = now() - interval '2 minutes'")
        work.run('--create', '-j', '2')
        self.finished(work)

    def test_c6_a_process_that_slept_through_a_take_over_commits_nothing(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGSTOP)
        work.database.query("update lugger.leases set beat_at = now() - interval '2 minutes'")
        work.run('--create', '-j', '2')
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=240)
        self.assertIn(process.returncode, (0, 1), err)  # by then nothing may be left to do
        self.finished(work)

    def test_c6_a_unit_is_not_committed_once_the_job_is_anothers(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGSTOP)
        work.database.query("update lugger.leases set token = 'another', holder = 'thief'")
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn('the job was taken over by another process', err)
        self.assertEqual(work.database.query('select count(*) from docs'),
                         work.database.query('select sum(read) from lugger.partitions'))


class KilledWhileItBuiltAKey(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_c18_the_server_still_builds_the_key(self):
        work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(2000)),
                    text=job("{ 'id', 'uuid', generate = 'v7' }, { 'n', 'int4' }", conflict='update'))
        killed = threading.Event()
        cutter = Cutter(self.server, 1, text=b'CREATE UNIQUE INDEX IF NOT',
                        act=lambda: (process.kill(), killed.set()))
        self.addCleanup(cutter.close)
        process = harness.start('run', 'job.lua', '--create', '-j', '1', cwd=work.directory,
                                env={**work.env, 'PG_URI': cutter.url(work.database)})
        process.communicate(timeout=120)
        self.assertTrue(killed.is_set())
        # What the killed process asked for is under way.
        builder = Session(work.database)
        builder.run('begin; create unique index docs_mongo_id_key on docs (mongo_id)')
        again = work.start('run', 'job.lua', '--create', '-j', '2')
        wait_for(work.database, WAITS, again)
        builder.run('commit')
        _, err = again.communicate(timeout=120)
        self.assertEqual(again.returncode, 0, err)
        builder.close()
        self.assertEqual(work.database.query(
            "select string_agg(contype::text, '' order by contype) from pg_constraint "
            "where conrelid = 'docs'::regclass and contype in ('p', 'u')"), 'pu')


if __name__ == '__main__':
    harness.main()
