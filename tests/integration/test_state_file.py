"""The ledger of JSON lines: read without naming a target, shared by processes, refused where it cannot
be written."""
import os
import pwd
import signal
import sqlite3
import subprocess
import time
import unittest

import harness
from harness import lugger
from jobs import Work
from postgres import Postgres

JOB = """local lugger = require 'lugger'
return lugger.copy {{ from = lugger.source({source}), into = lugger.target('{name}.jsonl', {{ {options} }}),
  columns = {{ {{ 'n', 'int4' }} }} }}"""


def job(name='out', source="'docs.bson'", options=''):
    return JOB.format(name=name, source=source, options=options)


class StateFile(unittest.TestCase):
    def work(self, count=4, **words):
        work = Work(None, [{'_id': i, 'n': 'x' if i % 2 else i} for i in range(count)], job(**words))
        self.directory = work.directory
        return work

    def lugger(self, *args, **more):
        return lugger(*args, cwd=self.directory, **more)

    def runs(self, *args):
        """(run, status, job) of each."""
        rows = [line.split() for line in self.lugger('runs', *args).out.splitlines()[1:]]
        return [(row[0], row[3]) for row in rows]

    def test_commands_find_it_in_the_directory(self):
        self.work()
        self.assertIn('of which target?', self.lugger('runs', expect=1).err)
        self.lugger('run', 'job.lua', expect=3)
        [(run, status)] = self.runs()
        self.assertEqual(status, 'done')
        for words in (('.lugger',), ('./.lugger',), ('job.lua',), ('out.jsonl',)):
            self.assertEqual(self.runs(*words), [(run, 'done')], words)
        self.assertIn('read 4 = inserted 2', self.lugger('status', run[-8:]).out)
        self.assertIn('no fixes yet', self.lugger('log').err)
        self.assertIn('2 rejects', self.lugger('rejects', 'job.lua').out)

    def test_another_directory(self):
        self.work(options="state = 'deep/er'")
        self.lugger('run', 'job.lua', expect=3)
        self.assertFalse((self.directory / '.lugger').exists())
        self.assertEqual(len(self.runs('deep/er')), 1)

    def test_prune_leaves_what_knows_the_output(self):
        work = self.work(count=600)
        for _ in range(3):
            self.lugger('run', 'job.lua', '--again', expect=3)
        self.lugger('rejects', 'job.lua', '--retry', expect=3)
        self.assertIn('0 runs and 0 rejects', self.lugger('state', 'prune', '--older-than', '1d').err)
        self.assertIn('2 runs and 0 rejects', self.lugger('state', 'prune', 'job.lua', '--keep', '2').err)
        self.assertIn('1 run and 0 rejects', self.lugger('state', 'prune', '--keep', '0').err)
        self.assertIn('0 runs and 0 rejects', self.lugger('state', 'prune', '--keep', '0').err)
        work.script(job().replace('int4', 'text'))
        self.lugger('rejects', 'job.lua', '--retry')
        self.assertEqual(len((self.directory / 'out.jsonl').read_text().splitlines()), 600)

    def test_a_ledger_of_the_old_form_is_told(self):
        self.work()
        (self.directory / '.lugger').mkdir()
        (self.directory / '.lugger/state.log').write_text('run\t1\n')
        for words in (('run', 'job.lua'), ('runs',), ('runs', '.lugger'), ('rejects', 'job.lua')):
            self.assertIn('.lugger/state.log is the ledger of an older lugger',
                          self.lugger(*words, expect=1).err)
        self.assertFalse((self.directory / 'out.jsonl').exists())

    def test_a_damaged_ledger_is_told_and_the_output_stays(self):
        self.work()
        self.lugger('run', 'job.lua', expect=3)
        before = (self.directory / 'out.jsonl').read_bytes()
        (self.directory / '.lugger/state.sqlite').write_bytes(b'no database' * 1000)
        for words in (('run', 'job.lua'), ('runs',), ('rejects', 'job.lua', '--retry')):
            self.assertIn('state.sqlite: file is not a database', self.lugger(*words, expect=1).err)
        self.assertEqual((self.directory / 'out.jsonl').read_bytes(), before)

    def test_a_job_runs_once_and_its_lock_dies_with_it(self):
        self.work(source="'-', { format = 'json', collection = 'shop.docs' }")
        process = subprocess.Popen([harness.binary(), 'run', 'job.lua'], cwd=self.directory,
                                   env=harness.clean_environment(), stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        # more than is looked at to tell what it is; the end never comes
        process.stdin.write(b'{"n":1}\n' * 100_000)
        process.stdin.flush()
        for _ in range(3000):
            if (self.directory / '.lugger/state.sqlite').exists() and self.runs():
                break
            time.sleep(0.01)
        else:
            self.fail('the run never began')
        err = self.lugger('run', 'job.lua', input='{"n":1}\n', expect=1).err
        self.assertIn('is already running', err)
        self.assertIn(f'pid {process.pid}', err)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.lugger('run', 'job.lua', '--restart', input='{"n":1}\n')
        self.assertEqual((self.directory / 'out.jsonl').read_text(), '{"n":1}\n')

    def test_jobs_of_one_directory_run_at_once(self):
        count = 3000
        work = self.work(count=count)
        names = [f'out{i}' for i in range(4)]
        for name in names:
            work.script(job(name), name=f'{name}.lua')
        processes = [harness.start('run', f'{name}.lua', '-j', '2', cwd=self.directory) for name in names]
        for process in processes:
            _, err = process.communicate(timeout=120)
            self.assertEqual(process.returncode, 3, err)
        self.assertEqual([status for _, status in self.runs()], ['done'] * len(names))
        for name in names:
            self.assertEqual(len((self.directory / f'{name}.jsonl').read_text().splitlines()), count // 2)
            self.assertIn(f'{count // 2:,} rejects', self.lugger('rejects', f'{name}.lua').out)

    def as_other(self, *args):
        """As a user to whom the directory is open for reading alone."""
        def other():
            if os.geteuid() == 0:
                nobody = pwd.getpwnam('nobody')
                os.setgroups([])
                os.setgid(nobody.pw_gid)
                os.setuid(nobody.pw_uid)
        done = subprocess.run([harness.binary(), *args], cwd=self.directory, env=harness.clean_environment(),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=other,
                              timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_who_may_only_read_reads(self):
        self.work()
        self.lugger('run', 'job.lua', expect=3)
        state = self.directory / '.lugger'
        if os.geteuid() == 0:
            status, _, err = self.as_other('runs')   # rejects hold documents: nobody else reads them
            self.assertEqual(status, 1, err)
            self.assertIn('unable to open database file', err)
            self.assertIn('it belongs to another user', err)
        os.chmod(state / 'state.sqlite', 0o444)
        os.chmod(state, 0o555)
        self.addCleanup(os.chmod, state, 0o755)
        for words in (('runs',), ('rejects', 'job.lua')):
            status, out, err = self.as_other(*words)
            self.assertEqual(status, 0, err)
            self.assertIn('out.jsonl', out)
        for words in (('run', 'job.lua', '--again'), ('rejects', 'job.lua', '--retry'),
                      ('state', 'prune', '--keep', '1')):
            status, out, err = self.as_other(*words)
            self.assertEqual(status, 1, err)
            self.assertIn('run as that user, or name another directory', err)
        self.assertEqual(os.listdir(state).count('state.sqlite-journal'), 0)

    def test_a_directory_that_cannot_be_made(self):
        self.work()
        os.chmod(self.directory, 0o555)
        self.addCleanup(os.chmod, self.directory, 0o755)
        status, _, err = self.as_other('run', 'job.lua')
        self.assertEqual(status, 1, err)
        self.assertIn('cannot make .lugger: Permission denied', err)


class Secrets(unittest.TestCase):
    def test_passwords_stay_outside(self):
        server = Postgres()
        self.addCleanup(server.destroy)
        database = server.fresh()
        database.query("create table t (id int primary key, n text); insert into t values (1, '1'), (2, 'x')")
        work = Work(None, text=job(source="lugger.env.FROM, { table = 't', key = 'id' }"))
        url = database.url + '&password=s3cr3t'
        for words in (('run', 'job.lua'), ('run', 'job.lua', '--again', '--from', url),
                      ('rejects', 'job.lua', '--retry')):
            lugger(*words, cwd=work.directory, env={'FROM': url}, expect=3)
        for path in (work.directory / '.lugger').iterdir():
            self.assertNotIn(b's3cr3t', path.read_bytes(), path)
        ledger = sqlite3.connect(work.directory / '.lugger/state.sqlite')
        self.addCleanup(ledger.close)
        self.assertNotEqual(ledger.execute('select count(*) from runs').fetchone()[0], 0)


if __name__ == '__main__':
    harness.main()
