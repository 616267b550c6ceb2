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
from postgres import Postgres

MAP = "function(row) row.phone = '+' .. row.id end"


class Throttle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.runtime = harness.scratch()
        os.chmod(cls.runtime, 0o700)

    def work(self, rows=2000, extra=''):
        return self.listening(FixWork(self.server, rows, where=None, map_=MAP, extra='batch_rows = 100, ' + extra))

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

    def ctl(self, work, *words, **more):
        return work.lugger('ctl', *words, **more)

    def the_run(self, work):
        return until(lambda: work.database.query("select run from lugger.runs where status = 'running'", check=False), 'a run in the ledger')

    def changed(self, work):
        return int(work.values('select count(*) from lugger.images'))

    def finish(self, process, status=0):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        return out, err

    def test_n_09_a_lock_wait(self):
        work = self.work(extra='throttle = { max_lock_waits = 0 },')
        work.database.query('create table other (i int)')
        holder, waiter = Session(work.database), Session(work.database)
        holder.run('begin; lock table other')
        waiter.start('begin; lock table other; commit')
        waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        until(lambda: work.values(waiting) == '1', 'a session waits')
        process = work.start('run', 'job.lua', '--apply', '--json')
        self.assertIn('waits: 1 sessions wait for a lock (max_lock_waits 0)', self.line(process, 'waits'))
        self.assertEqual(self.changed(work), 0)
        holder.run('commit')
        self.finish(process)
        self.assertEqual(self.changed(work), 1000)
        holder.close()
        waiter.close()

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
        """No standby is at hand: a view of that name, in front of the catalog's, stands for one."""
        work = self.work(extra="throttle = { max_lag = '5s' },")
        work.database.query("""create table lag (s interval); insert into lag values ('7 s');
            create view public.pg_stat_replication as select s as write_lag, s as flush_lag, s as replay_lag from lag;
            alter database %s set search_path = public, pg_catalog""" % work.database.name)
        process = work.start('run', 'job.lua', '--apply', '--json')
        self.assertIn('a standby is 7.0 s behind (max_lag 5 s)', self.line(process, 'waits'))
        work.database.query("update lag set s = '1 s'")
        self.finish(process)

    def test_n_09_a_copy_steps_back_too(self):
        documents = ({'_id': ObjectId(f'{i:024x}'), 'n': i} for i in range(100))
        work = self.listening(Work(self.server.fresh(), documents, job("{ 'n', 'int4' }", extra="throttle = { max_lock_waits = 0 },")))
        work.database.query('create table other (i int)')
        holder, waiter = Session(work.database), Session(work.database)
        holder.run('begin; lock table other')
        waiter.start('begin; lock table other; commit')
        until(lambda: work.database.query("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") == '1', 'a session waits')
        process = work.start('run', 'job.lua', '--create')
        self.line(process, 'waits: 1 sessions wait for a lock')
        holder.run('commit')
        self.finish(process)
        self.assertEqual(work.database.number('select count(*) from docs'), 100)
        holder.close()
        waiter.close()

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
        work.script((work.directory / 'job.lua').read_text().replace('rows_per_s = 200', 'rows_per_s = 100000'))
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
        self.assertIn('is no window of the day', work.run('--window', '25:00-3', expect=1).err)

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

    def test_words_that_do_not_fit(self):
        for extra, text in (("throttle = { max_lagg = '5s' },", 'did you mean max_lag?'), ("throttle = { max_lag = 'x' },", 'takes a length of time'),
                            ('throttle = { canary_ms = 5 },', 'is for a canary'), ('throttle = 5,', 'throttle must be a table')):
            self.assertIn(text, self.work(1, extra=extra).run(expect=1).err)


if __name__ == '__main__':
    harness.main()
