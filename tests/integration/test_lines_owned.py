"""A run of JSON lines writes over what its own job wrote, and over nothing else."""
import json
import signal
import subprocess
import time
import unittest

import harness
from harness import lugger
from jobs import Work

JOB = """lugger.copy {{ name = '{name}', from = lugger.source('{source}', {{ {given} }}), into =
  lugger.target('{into}', {{ table = '{name}', key = 'id', {options} }}),
  columns = {{ {{ 'id', 'int4', from = '_id' }}, {{ 't', 'text' }} }} }}"""


def job(name, into='out.jsonl', source='docs.jsonl', options='', given="collection = 'docs'"):
    return JOB.format(name=name, into=into, source=source, options=options, given=given)


def script(*jobs):
    return "local lugger = require 'lugger'\nreturn { " + ', '.join(jobs) + ' }'


def lines(count, text):
    return ''.join(json.dumps({'_id': i, 't': text}) + '\n' for i in range(count))


class Owned(unittest.TestCase):
    def setUp(self):
        self.work = Work(None, [], script(job('x')))
        self.directory = self.work.directory
        self.out = self.directory / 'out.jsonl'
        self.write('docs.jsonl', lines(9, 'x'))
        self.write('more.jsonl', lines(3, 'y'))

    def write(self, name, text):
        (self.directory / name).write_text(text)

    def lugger(self, *words, **more):
        return lugger(*words, cwd=self.directory, **more)

    def refused(self, why, *words, **more):
        """By the plan and by the run, and neither touches the file."""
        before = self.out.read_bytes()
        words = words or ('job.lua',)
        for verb in ('plan', 'run'):
            done = self.lugger(verb, *words, expect=1, **more)
            self.assertIn(why, ' '.join((done.out + done.err).split()), verb)
        self.assertEqual(self.out.read_bytes(), before)

    def test_two_jobs_of_a_script(self):
        self.write('out.jsonl', '')
        self.write('job.lua', script(job('x'), job('y', './out.jsonl', 'more.jsonl')))
        self.refused('x and y both write to out.jsonl')
        self.refused('x and y both write to out.jsonl', 'job.lua')
        self.lugger('run', 'job.lua', '--restart', expect=1)
        self.assertEqual(self.out.read_text(), '')
        # by another name it is the same file
        (self.directory / 'other.jsonl').symlink_to('out.jsonl')
        self.write('job.lua', script(job('x'), job('y', 'other.jsonl', 'more.jsonl')))
        done = self.lugger('run', 'job.lua', expect=1)
        self.assertIn('holds the lines of x', ' '.join(done.err.split()))
        self.assertEqual(self.out.read_text().count('"t":"x"'), 9)
        self.write('job.lua', script(job('x'), job('y', 'y.jsonl', 'more.jsonl')))
        self.lugger('run', 'job.lua')
        self.assertEqual(self.out.read_text().count('"t":"x"'), 9)
        self.assertEqual((self.directory / 'y.jsonl').read_text().count('\n'), 3)

    def test_another_script(self):
        self.lugger('run', 'job.lua')
        self.write('other.lua', script(job('y', source='more.jsonl')))
        self.refused('out.jsonl holds the lines of x (run ', 'other.lua')
        self.refused('out.jsonl holds the lines of x (run ', 'other.lua', '--limit', '1')
        self.lugger('run', 'other.lua', '--dry-run')
        self.assertEqual(self.out.read_text().count('"t":"x"'), 9)
        self.lugger('run', 'other.lua', '--restart')
        self.assertEqual(self.out.read_text().count('"t":"y"'), 3)
        self.refused('holds the lines of y')

    def test_a_file_of_somebody_else(self):
        for source in ('docs.jsonl', 'empty.jsonl'):
            self.write('empty.jsonl', '')
            self.write('out.jsonl', 'precious\n')
            self.write('job.lua', script(job('x', source=source)))
            for _ in range(2):  # what was refused does not own it
                self.refused('out.jsonl is there already, and no run in .lugger wrote it')
        self.write('job.lua', script(job('x', options="state = 'elsewhere'")))
        self.refused('no run in elsewhere wrote it')
        self.lugger('run', 'job.lua', '--restart')
        self.assertEqual(self.out.read_text().count('\n'), 9)

    def test_its_own(self):
        for _ in range(2):
            self.lugger('run', 'job.lua', '--again')
            self.assertEqual(self.out.read_text().count('\n'), 9)
        self.write('docs.jsonl', lines(4, 'z'))
        self.lugger('run', 'job.lua')
        self.assertEqual(self.out.read_text().count('"t":"z"'), 4)
        with self.out.open('a') as file:
            file.write('mine\n')
        self.refused('so it was changed since')
        self.lugger('run', 'job.lua', '--restart')
        self.assertEqual(self.out.read_text().count('"t":"z"'), 4)
        self.out.unlink()
        self.lugger('run', 'job.lua')
        self.assertEqual(self.out.read_text().count('"t":"z"'), 4)
        # the directory has another name now
        moved = self.directory / 'moved'
        moved.mkdir()
        for name in ('.lugger', 'out.jsonl', 'docs.jsonl', 'job.lua'):
            (self.directory / name).rename(moved / name)
        lugger('run', 'job.lua', cwd=moved)

    def test_a_task(self):
        self.write('out.jsonl', 'precious\n')
        self.write('task.lua', """local lugger = require 'lugger'
          return lugger.task('t', function(task)
            local out = task:writer(lugger.target('out.jsonl'), { columns = { { 'n', 'int4' } } })
            out:add { n = 1 }
            out:commit()
          end)""")
        self.assertIn('no run in .lugger wrote it', self.lugger('run', 'task.lua', expect=1).err)
        self.assertEqual(self.out.read_text(), 'precious\n')
        self.lugger('run', 'task.lua', '--restart')
        self.lugger('run', 'task.lua', '--again')
        self.assertEqual(self.out.read_text(), '{"n":1}\n')

    def test_two_processes(self):
        """Of other directories, so that no ledger keeps them apart."""
        self.write('docs.jsonl', '')
        self.write('job.lua', script(job('x', source='-', given="format = 'json', collection = 'docs'")))
        process = subprocess.Popen([harness.binary(), 'run', 'job.lua'], cwd=self.directory,
                                   env=harness.clean_environment(), stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdin.write(lines(100_000, 'x').encode())
        process.stdin.flush()
        for _ in range(3000):
            if self.out.exists():
                break
            time.sleep(0.01)
        other = Work(None, [], script(job('y', str(self.out))))
        (other.directory / 'docs.jsonl').write_text(lines(3, 'y'))
        err = lugger('run', 'job.lua', '--restart', cwd=other.directory, expect=1).err
        self.assertIn('is being written by another run', err)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertNotIn('"t":"y"', self.out.read_text())
        lugger('run', 'job.lua', '--restart', cwd=other.directory)
        self.assertEqual(self.out.read_text().count('"t":"y"'), 3)


if __name__ == '__main__':
    harness.main()
