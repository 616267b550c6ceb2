"""Several processes share a run: each claims partitions, any of them may die, and the result is that
of one."""
import os
import random
import signal
import subprocess
import time
import unittest

from bson import ObjectId
import harness
from jobs import Work, job
from postgres import Postgres

ROWS = 48_000
SEED = int(os.environ.get('LUGGER_SEED', '20261129'))
COLUMNS = "{ 'n', 'int4' }, { 'pad', 'text' }"
TABLE = ("select count(*), count(distinct mongo_id), "
         "md5(string_agg(d::text, ',' order by mongo_id)) from docs d")
BOOKS = ('select sum(read), sum(inserted), sum(updated), sum(skipped), sum(rejected), bool_and(done) '
         'from lugger.partitions'
         " where run = (select run from lugger.runs where status = 'done')")
REJECTS = ("select count(*), md5(string_agg(document_id || code, ',' order by document_id)) "
           "from lugger.rejects")
HELD = 'select count(*) from lugger.partitions where not done and expires_at > now()'
RUNS = "select count(*), count(*) filter (where status = 'done') from lugger.runs"
EXPIRE = ("update lugger.partitions set expires_at = now() - interval '1 s' "
          "where holder like '%pid {}' and not done")
# Whoever slept for the throttle's sake between two units has gone on by then.
QUIET = ("select (count(*) filter (where state <> 'idle' or state_change > now() - interval '4 s') = 0)::int "
         "from pg_stat_activity where datname = current_database() and application_name = 'lugger load'")
SLOW = 'throttle = { rows_per_s = 6000 },'


def documents():
    """Some are rejects, some have the key of one far before them, in another partition."""
    rng = random.Random(SEED)
    for i in range(ROWS):
        key = i - 30_000 if i > 30_000 and rng.random() < 0.001 else i
        yield {'_id': ObjectId(f'{key:024x}'), 'n': 'n/a' if rng.random() < 0.001 else i,
               'pad': 'x' * rng.randrange(400, 800)}


class Fleet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.source = Work(cls.server.fresh(), documents()).source
        cls.expected = {}

    def setUp(self):
        self.started = []

    def tearDown(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def work(self, conflict='update', extra='', **more):
        return Work(self.server.fresh(),
                    text=job(COLUMNS, source=self.source, conflict=conflict, extra=extra, **more))

    def join(self, work, *flags):
        process = work.start('run', 'job.lua', '--create', '--join', '-j', '2', '--log', 'none', *flags)
        self.started.append(process)
        return process

    def until(self, database, sql, least=1, seconds=60):
        """Polls a number that may not be there yet."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = database.query(sql, check=False)
            if text and text.strip().isdigit() and int(text) >= least:
                return
            time.sleep(0.02)
        self.fail(f'never came true: {sql}')

    def ends(self, process, status=3):
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, status, f'{out}{err}')
        return f'{out}{err}'

    def undisturbed(self, conflict):
        if conflict not in self.expected:
            work = self.work(conflict)
            work.run('--create', '-j', '2', expect=3)
            self.expected[conflict] = [work.database.query(sql) for sql in (TABLE, BOOKS, REJECTS)]
        return self.expected[conflict]

    def prove(self, work, conflict='update'):
        self.assertEqual([work.database.query(sql) for sql in (TABLE, BOOKS, REJECTS)],
                         self.undisturbed(conflict))
        self.assertEqual(work.database.rows("select count(*) from lugger.runs where status <> 'done'"),
                         [['0']])

    def test_two_processes_do_the_work_of_one(self):
        work = self.work(extra=SLOW)
        pair = [self.join(work), self.join(work)]
        self.until(work.database, HELD.replace('count(*)', 'count(distinct holder)'), 2)
        run = work.database.query('select run from lugger.runs').strip()
        shown = work.lugger('status', run, 'job.lua').out
        for process in pair:
            self.assertIn(f'pid {process.pid} works on', shown)
        told = [self.ends(process) for process in pair]
        self.prove(work)
        for text in told:
            self.assertIn('read 48,000', text)
        self.assertEqual(work.database.number('select count(distinct holder) from lugger.partitions'), 2)
        late = work.run('--create', '--join', expect=3)
        self.assertIn('was done at', late.out + late.err)
        self.assertEqual(work.database.number('select count(*) from lugger.runs'), 1)


    def test_whoever_is_killed_or_stopped_the_tables_are_the_same(self):
        """At any instant, also the one that began the run and the one that finishes it."""
        rng = random.Random(SEED)
        for conflict in ('update', 'skip', 'update', 'skip'):
            work = self.work(conflict, extra=SLOW.replace('6000', '12000'))
            fleet = [self.join(work), self.join(work)]
            for strike in range(5):
                time.sleep(rng.uniform(0, 1))  # the instant is what is random
                victim = fleet[0] if strike == 0 else rng.choice(fleet)
                if victim.poll() is not None:
                    continue
                if rng.random() < 0.5:
                    victim.kill()
                    fleet.remove(victim)
                    fleet.append(self.join(work))
                else:
                    self.hang(work, victim)
            for process in fleet:
                self.ends(process)
            self.prove(work, conflict)

    def hang(self, work, process):
        """For longer than its claims last, as others see it."""
        os.kill(process.pid, signal.SIGSTOP)
        work.database.query(EXPIRE.format(process.pid), check=False)
        time.sleep(0.5)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGCONT)

    def test_a_process_that_lost_its_claims_commits_nothing(self):
        work = self.work(extra=SLOW)
        lost, other = self.join(work), self.join(work)
        self.until(work.database, HELD.replace('count(*)', 'count(distinct holder)'), 2)
        mine = f"holder like '%pid {lost.pid}'"
        os.kill(lost.pid, signal.SIGSTOP)
        held = [row[0] for row in work.database.rows('select partition from lugger.partitions '
                                                     f'where {mine} and not done')]
        self.assertTrue(held)
        work.database.query(EXPIRE.format(lost.pid))
        self.ends(other)   # takes them over, and finishes alone
        self.prove(work)
        names = ', '.join(f"'{name}'" for name in held)
        self.assertEqual(work.database.number("select count(*) from lugger.partitions "
                                              f"where partition in ({names}) "
                                              f"and holder like '%pid {other.pid}'"),
                         len(held))
        os.kill(lost.pid, signal.SIGCONT)
        told = self.ends(lost)
        self.assertIn('read 48,000', told)
        self.prove(work)

    def test_a_commit_without_its_claim_is_rolled_back(self):
        """The check in the transaction alone: nobody ends the sessions of the process that hung."""
        work = self.work(extra=SLOW)
        lost = self.join(work)
        self.until(work.database, HELD, 2)
        os.kill(lost.pid, signal.SIGSTOP)
        taken = work.database.rows("update lugger.partitions set claim = 'x', member = 'x', "
                                   "member_lock = null, expires_at = now() + interval '1 hour'"
                                   ' where not done returning partition, position, read')
        before = work.database.number('select sum(read) from lugger.partitions')
        os.kill(lost.pid, signal.SIGCONT)
        # With all that is left in another's hands it waits, and has committed nothing.
        self.until(work.database, QUIET)
        self.assertEqual(work.database.number('select sum(read) from lugger.partitions'), before)
        self.assertEqual(work.database.rows('select partition, position, read from lugger.partitions '
                                            'where not done order by 1'),
                         sorted(taken))
        work.database.query("update lugger.partitions set expires_at = now() where claim = 'x'")
        self.ends(lost)
        self.prove(work)

    def test_through_a_pooler(self):
        from pooler import Pooled, require
        require()
        pooler = Pooled(self.server)
        self.addCleanup(pooler.stop)
        work = self.work(extra=SLOW, target_options='pooled = true,')
        direct = work.database
        pair = []
        for _ in range(2):
            pair.append(harness.start('run', 'job.lua', '--create', '--join', '-j', '1', '--log', 'none',
                                      cwd=work.directory,
                                      env={**work.env, 'PG_URI': pooler.url(direct.name)}))
            self.started.append(pair[-1])
        self.until(direct, HELD.replace('count(*)', 'count(distinct holder)'), 2)
        pair[0].kill()
        direct.query(EXPIRE.format(pair[0].pid))   # as after half a minute
        self.ends(pair[1])
        self.prove(work)

    def test_a_killed_process_gives_its_partitions_back_at_once(self):
        work = self.work(extra=SLOW)
        first, second = self.join(work), self.join(work)
        self.until(work.database, HELD.replace('count(*)', 'count(distinct holder)'), 2)
        first.kill()
        # Well before the claims expire by themselves.
        self.ends(second)
        self.prove(work)

    def test_whoever_finishes_may_die(self):
        work = self.work()
        work.run('--create', '--join', '-j', '1', expect=3)   # tables and ledger stand
        for how in (signal.SIGKILL, signal.SIGINT):
            work = self.work('update')
            # Its ANALYZE and keys wait for this lock: nobody can finish while it is held.
            first = self.join(work)
            self.until(work.database, 'select count(*) from lugger.partitions')
            second = self.join(work)
            blocker = subprocess.Popen(['psql', '-X', '-q', work.database.url], stdin=subprocess.PIPE,
                                       text=True, stdout=subprocess.DEVNULL)
            try:
                blocker.stdin.write('begin; lock table docs in row exclusive mode;\n')
                blocker.stdin.flush()
                self.until(work.database,
                           "select count(*) from lugger.leases l, lugger.runs r where l.job = r.job "
                           "and not exists (select from lugger.partitions where not done)")
                holder = work.database.query('select holder from lugger.leases').strip()
                finisher, other = (first, second) if holder.endswith(f'pid {first.pid}') else (second, first)
                finisher.send_signal(how)
                if how == signal.SIGINT:
                    finisher.send_signal(how)
            finally:
                blocker.stdin.close()
                blocker.wait()
            self.ends(other)
            finisher.communicate(timeout=60)
            self.prove(work)

    def test_interrupting_one_leaves_the_others_working(self):
        work = self.work(extra=SLOW)
        first, second = self.join(work), self.join(work)
        self.until(work.database, HELD.replace('count(*)', 'count(distinct holder)'), 2)
        first.send_signal(signal.SIGINT)
        told = self.ends(first, 130)
        self.assertIn('--join', told)
        self.assertEqual(work.database.query('select status from lugger.runs').strip(), 'running')
        self.ends(second)
        self.prove(work)

    def test_the_last_one_that_stops_leaves_a_run_to_resume(self):
        work = self.work(extra=SLOW)
        only = self.join(work)
        self.until(work.database, HELD)
        only.send_signal(signal.SIGINT)
        self.ends(only, 130)
        self.assertEqual(work.database.query('select status from lugger.runs').strip(), 'stopped')
        work.run('--create', '-j', '2', expect=3)   # alone, as any run
        self.prove(work)

    def test_a_changed_script_begins_anew_when_asked(self):
        work = self.work(extra=SLOW)
        only = self.join(work)
        self.until(work.database, HELD)
        only.kill()
        only.communicate()
        work.script(job(COLUMNS, source=self.source, conflict='update') + '-- mended')
        self.assertIn('--join --restart', work.run('--create', '--join', expect=1).err)
        work.run('--create', '--join', '--restart', expect=3)
        self.assertEqual(work.database.query('select status from lugger.runs order by started_at').split(),
                         ['abandoned', 'done'])
        self.assertEqual(work.database.query(TABLE), self.undisturbed('update')[0])

    def test_a_run_of_one_process_and_a_shared_one_exclude_each_other(self):
        work = self.work(extra=SLOW)
        one = self.join(work)
        self.until(work.database, HELD)
        for flags in ((), ('--restart',), ('--restart', '--join')):
            refused = work.run('--create', *flags, expect=1)
            self.assertIn(f'pid {one.pid}', refused.err)
        self.ends(one)
        self.prove(work)

    def test_another_script_or_source_is_refused(self):
        work = self.work(extra=SLOW)
        one = self.join(work)
        self.until(work.database, HELD)
        work.script(job("{ 'n', 'int4' }", source=self.source, conflict='update', extra=SLOW), 'other.lua')
        refused = work.run('--create', '--join', script='other.lua', expect=1)
        self.assertIn('the script, or what it was given, is not that of the run', refused.err)
        copy = work.directory / 'copy.bson'
        copy.write_bytes(self.source.read_bytes()[:-200] + b'\0' * 200)
        work.script(job(COLUMNS, source=copy, conflict='update', extra=SLOW), 'copied.lua')
        refused = work.run('--create', '--join', script='copied.lua', expect=1)
        self.assertIn('its source is not the one that the run began with', refused.err)
        self.ends(one)

    def test_the_same_file_elsewhere_is_the_same_source(self):
        work = self.work(extra=SLOW)
        script = f"local lugger = require 'lugger'\n" + (work.directory / 'job.lua').read_text()
        copies = []
        for name in ('a', 'b'):
            folder = work.directory / name
            folder.mkdir()
            (folder / 'docs.bson').write_bytes(self.source.read_bytes())
            (folder / 'job.lua').write_text(script.replace(str(self.source), 'docs.bson'))
            copies.append(harness.start('run', 'job.lua', '--create', '--join', '-j', '1', '--log', 'none',
                                        cwd=folder, env=work.env))
            self.started.append(copies[-1])
        for process in copies:
            self.ends(process)
        self.prove(work)

    def test_what_cannot_be_shared_is_refused(self):
        work = self.work()
        for flag in (('--dry-run',), ('--again',), ('--limit', '5'), ('--stage', 'index')):
            self.assertIn('--join and', work.run('--join', *flag, expect=1).err)
        work.script(job(COLUMNS, source=self.source, key=None).replace('lugger.env.PG_URI', "'out.jsonl'"))
        self.assertIn('out.jsonl', work.run('--join', expect=1).err)


if __name__ == '__main__':
    harness.main()
