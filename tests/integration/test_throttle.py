"""Runs that step back: paused from outside, outside their hours, or because the target is unwell."""
import datetime
import os
import socket
import stat
import unittest
from pathlib import Path

from bson import ObjectId
import harness
from fixes import FixWork, Session, until
from jobs import Work, job
from postgres import Database, Postgres

MAP = "function(row) row.phone = '+' .. row.id end"


class Throttle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.runtime = harness.scratch()
        os.chmod(cls.runtime, 0o700)

    def work(self, rows=2000, extra=''):
        return self.listening(FixWork(self.server, rows, where=None, map_=MAP,
                                      extra='batch_rows = 100, ' + extra))

    def listening(self, work):
        class Listening(type(work)):
            env = property(lambda this: {**super(Listening, this).env, 'XDG_RUNTIME_DIR': self.runtime})
        work.__class__ = Listening
        return work

    def line(self, process, text):
        """Reads standard error until a line holds this."""
        seen = []
        for line in process.stderr:
            seen.append(line)
            if text in line:
                return line
        self.fail(f'no line with "{text}":\n' + ''.join(seen) + str(process.poll()))

    def one_waits(self, work):
        """The session that another one waits for, until it commits."""
        work.database.query('create table other (i int)')
        holder, waiter = Session(work.database), Session(work.database)
        self.addCleanup(waiter.close)
        self.addCleanup(holder.close)
        holder.run('begin; lock table other')
        waiter.start('begin; lock table other; commit')
        until(lambda: work.database.query("select count(*) from pg_stat_activity "
                                          "where wait_event_type = 'Lock'") == '1',
              'a session waits')
        return holder

    def ctl(self, work, *words, **more):
        return work.lugger('ctl', *words, **more)

    def the_run(self, work):
        return until(lambda: work.database.query("select run from lugger.runs where status = 'running'",
                                                 check=False),
                     'a run in the ledger')

    def changed(self, work):
        return int(work.values('select count(*) from lugger.images'))

    def finish(self, process, status=0):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        return out, err

    def test_n_09_a_lock_wait(self):
        work = self.work(extra='throttle = { max_lock_waits = 0 },')
        holder = self.one_waits(work)
        process = work.start('run', 'job.lua', '--apply', '--json')
        self.assertIn('waits: 1 session waits for a lock (max_lock_waits 0)', self.line(process, 'waits'))
        self.assertEqual(self.changed(work), 0)
        holder.run('commit')
        self.finish(process)
        self.assertEqual(self.changed(work), 1000)

    def test_n_09_a_long_transaction(self):
        work = self.work(extra="throttle = { max_long_transaction = '10ms' },")
        other = Session(work.database)
        other.run('begin; select 1')
        process = work.start('run', 'job.lua', '--apply', '--json')
        self.assertIn('transaction is', self.line(process, 'waits'))
        other.run('commit')
        self.finish(process)
        other.close()

    def test_n_09_a_canary(self):
        work = self.work(extra="throttle = { canary = 'select count(*) from canary', canary_ms = 200 },")
        self.assertIn('throttle: canary', work.run('--apply', expect=1).err)
        work.database.query('create table canary (i int)')
        other = Session(work.database)
        other.run('begin; lock table canary')
        process = work.start('run', 'job.lua', '--apply', '--json')
        self.assertIn('the canary takes more than 200 ms', self.line(process, 'waits'))
        other.run('commit')
        self.finish(process)
        other.close()

    def test_n_09_replication_lag(self):
        work = self.work(extra="throttle = { max_lag = '2s' },")
        standby = self.server.standby()
        on_standby = Database(standby, 'postgres')
        until(lambda: work.values("select count(*) from pg_stat_replication "
                                  "where state = 'streaming'") == '1',
              'it streams')
        on_standby.query('select pg_wal_replay_pause()')
        work.database.query('create table other (i int)')
        until(lambda: work.values("insert into other values (1); select coalesce(max(replay_lag), '0') > "
                                  "interval '2.5 s' "
                                  'from pg_stat_replication') == 't',
              'the standby is behind')
        process = work.start('run', 'job.lua', '--apply', '--json')
        self.assertRegex(self.line(process, 'waits'), r'a standby is [0-9.]+ s behind \(max_lag 2 s\)')
        self.assertEqual(self.changed(work), 0)
        on_standby.query('select pg_wal_replay_resume()')
        self.finish(process)
        self.assertEqual(self.changed(work), 1000)
        standby.stop()

    def test_n_09_a_copy_steps_back_too(self):
        documents = ({'_id': ObjectId(f'{i:024x}'), 'n': i} for i in range(100))
        work = self.listening(Work(self.server.fresh(), documents,
                                   job("{ 'n', 'int4' }", extra="throttle = { max_lock_waits = 0 },")))
        holder = self.one_waits(work)
        process = work.start('run', 'job.lua', '--create')
        self.line(process, 'waits: 1 session waits for a lock')
        holder.run('commit')
        self.finish(process)
        self.assertEqual(work.database.number('select count(*) from docs'), 100)

    def test_s0_02_paused_and_resumed_from_outside(self):
        work = self.work(extra='throttle = { rows_per_s = 200 },')
        process = work.start('run', 'job.lua', '--apply', '--json')
        run = self.the_run(work)
        until(lambda: run in self.ctl(work).out, 'it listens')
        self.ctl(work, run[-10:], 'pause')
        self.line(process, 'waits: paused by lugger ctl')
        self.assertIn('paused by lugger ctl', self.ctl(work, run).out)
        count = self.changed(work)
        self.assertLess(count, 1000)
        self.assertEqual(self.changed(work), count)
        self.assertIn('as fast as it goes', self.ctl(work, run, 'speed', '0').err)
        self.ctl(work, run, 'resume')
        self.finish(process)
        self.assertEqual(self.changed(work), 1000)
        self.assertEqual(os.listdir(Path(self.runtime) / 'lugger'), [])

    def test_s0_02_stopped_from_outside(self):
        work = self.work(extra='throttle = { rows_per_s = 200 },')
        process = work.start('run', 'job.lua', '--apply', '--json')
        run = self.the_run(work)
        until(lambda: run in self.ctl(work).out, 'it listens')
        path = Path(self.runtime) / 'lugger' / f'{run}.ctl'
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.ctl(work, run, 'stop')
        self.finish(process, 130)
        self.assertEqual(work.values('select status from lugger.runs'), 'stopped')
        work.script((work.directory / 'job.lua').read_text().replace(
                        'rows_per_s = 200', 'rows_per_s = 100000'))
        work.apply('--accept-changes')
        self.assertEqual(self.changed(work), 1000)

    def test_s0_02_a_copy_paused_and_stopped(self):
        documents = ({'_id': ObjectId(f'{i:024x}'), 'n': i} for i in range(1000))
        work = self.listening(Work(self.server.fresh(), documents, job("{ 'n', 'int4' }")))
        process = work.start('run', 'job.lua', '--create', '--window', self.hours(60, 120))
        run = self.the_run(work)
        until(lambda: run in self.ctl(work).out, 'it listens')
        until(lambda: 'outside its hours' in self.ctl(work, run).out, 'it waits')
        self.ctl(work, run, 'stop')
        _, err = self.finish(process, 130)
        work.run()
        self.assertEqual(work.database.number('select count(*) from docs'), 1000)

    def test_s0_02_a_fix_that_still_counts(self):
        work = self.work(extra='throttle = { max_lock_waits = 0 },')
        holder = self.one_waits(work)
        process = work.start('run', 'job.lua', '--apply', '--json')
        listed = until(lambda: [line for line in self.ctl(work).out.splitlines() if 'counting' in line],
                       'it listens')[0]
        self.assertIn('waits for a lock', listed)
        run = listed.split()[0]
        self.ctl(work, run, 'pause')
        holder.run('commit')
        until(lambda: 'paused by lugger ctl' in self.ctl(work, run).out, 'it is paused')
        self.ctl(work, run, 'stop')
        self.finish(process, 130)
        self.assertEqual(work.values("select count(*) from lugger.runs"), '0')

    def test_n_18_a_fix_that_still_runs_cannot_be_undone(self):
        work = self.work(extra='throttle = { rows_per_s = 200 },')
        process = work.start('run', 'job.lua', '--apply', '--json')
        run = self.the_run(work)
        until(lambda: self.changed(work) > 0, 'it writes')
        refused = work.lugger('undo', run, expect=1).err
        self.assertIn('fix customers still runs', ' '.join(refused.split()))
        self.assertIn(f'lugger ctl {run} stop', refused)
        self.ctl(work, run, 'speed', '0')
        self.finish(process)
        work.undo(run)
        self.assertEqual(work.values("select count(*) from customers where phone = '+' || id and id % 2 = 0"),
                         '0')

    TASK = '''
local lugger = require 'lugger'
return lugger.task('numbers', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI, { collection = 'shop.docs' }),
    { batch_rows = 100 })
  local out = task:writer(lugger.target(lugger.env.PG_URI,
    { table = 'docs', key = 'mongo_id', on_conflict = 'skip' }), {
    columns = { { 'mongo_id', 'text', from = '_id' }, { 'n', 'int4' } }, THROTTLE })
  for batch in docs:batches() do
    out:write(batch)
    out:commit(batch:position())
  end
end)
'''

    def task(self, throttle):
        documents = ({'_id': ObjectId(f'{i:024x}'), 'n': i} for i in range(1000))
        return self.listening(Work(self.server.fresh(), documents, self.TASK.replace('THROTTLE', throttle)))

    def test_s0_02_a_task_paused_sped_up_and_stopped(self):
        work = self.task('throttle = { rows_per_s = 200 }')
        process = work.start('run', 'job.lua', '--create')
        run = self.the_run(work)
        until(lambda: run in self.ctl(work).out, 'it listens')
        self.ctl(work, run, 'pause')
        self.line(process, 'waits: paused by lugger ctl')
        before = work.database.number('select count(*) from docs')
        self.assertLess(before, 1000)
        self.assertIn('numbers', self.ctl(work, run).out)
        self.assertEqual(work.database.number('select count(*) from docs'), before)
        self.assertEqual(work.database.number("select count(*) from pg_stat_activity "
                                              "where datname = current_database() "
                                              "and state like 'idle in transaction%'"),
                         0)
        self.ctl(work, run, 'stop')
        self.finish(process, 130)
        process = work.start('run', 'job.lua')
        until(lambda: run in self.ctl(work).out, 'it listens again')
        self.ctl(work, run, 'speed', '0')
        self.finish(process)
        self.assertEqual(work.database.number('select count(*) from docs'), 1000)

    def test_n_09_a_task_steps_back_too(self):
        work = self.task('throttle = { max_lock_waits = 0 }')
        holder = self.one_waits(work)
        process = work.start('run', 'job.lua', '--create')
        self.line(process, 'waits: 1 session waits for a lock')
        self.assertEqual(work.database.number('select count(*) from docs'), 0)
        holder.run('commit')
        self.finish(process)
        self.assertEqual(work.database.number('select count(*) from docs'), 1000)
        self.assertIn('throttle does not know the key "max_lagg"',
                      self.task('throttle = { max_lagg = 1 }').run('--create', expect=1).err)

    @staticmethod
    def hours(first, last):
        """A window that begins and ends so many minutes from now."""
        now = datetime.datetime.now()
        return '-'.join((now + datetime.timedelta(minutes=m)).strftime('%H:%M') for m in (first, last))

    def test_s0_02_hours_of_the_day(self):
        work = self.work()
        process = work.start('run', 'job.lua', '--apply', '--json', '--window', self.hours(60, 120))
        self.assertIn('outside its hours', self.line(process, 'waits'))
        self.assertEqual(self.changed(work), 0)
        process.kill()
        process.communicate()
        self.assertEqual(work.apply('--window', self.hours(-60, 60))['changed'], 1000)
        self.assertIn('is not a window of the day', work.run('--window', '25:00-3', expect=1).err)

    def test_stale_sockets_and_wrong_words(self):
        work = self.work()
        folder = Path(self.runtime) / 'lugger'
        folder.mkdir(mode=0o700, exist_ok=True)
        left = socket.socket(socket.AF_UNIX)
        left.bind(str(folder / 'dead.ctl'))
        left.close()
        self.assertIn('no run of this user listens', self.ctl(work).err)
        self.assertFalse((folder / 'dead.ctl').exists())
        self.assertIn('no run 123 listens', self.ctl(work, '123', expect=1).err)
        self.assertIn('did you mean pause', self.ctl(work, '123', 'pauze', expect=2).err)
        self.assertIn('how many rows a second', self.ctl(work, '123', 'speed', expect=2).err)

    def test_a_directory_of_another_is_refused(self):
        work = self.work(10)
        other = harness.scratch()
        os.mkdir(os.path.join(other, 'lugger'), 0o777)
        os.chmod(os.path.join(other, 'lugger'), 0o777)
        result = work.lugger('run', 'job.lua', '--apply', env={'XDG_RUNTIME_DIR': other})
        self.assertIn('not a directory of this user alone', ' '.join(result.err.split()))
        result = self.task('').lugger('run', 'job.lua', '--create', env={'XDG_RUNTIME_DIR': other})
        self.assertIn('not a directory of this user alone', ' '.join(result.err.split()))

    def test_words_that_do_not_fit(self):
        for extra, text in (("throttle = { max_lagg = '5s' },", 'did you mean max_lag?'),
                            ("throttle = { max_lag = 'x' },", 'takes a length of time'),
                            ('throttle = { canary_ms = 5 },', 'is for a canary'),
                            ('throttle = 5,', 'throttle must be a table')):
            self.assertIn(text, self.work(1, extra=extra).run(expect=1).err)


if __name__ == '__main__':
    harness.main()
