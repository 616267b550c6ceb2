"""Several processes share a run: each claims partitions, any of them may die, and the result is that of one."""
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
TABLE = "select count(*), count(distinct mongo_id), md5(string_agg(d::text, ',' order by mongo_id)) from docs d"
BOOKS = ('select sum(read), sum(inserted), sum(updated), sum(skipped), sum(rejected), bool_and(done) from lugger.partitions'
         " where run = (select run from lugger.runs where status = 'done')")
REJECTS = "select count(*), md5(string_agg(document_id || code, ',' order by document_id)) from lugger.rejects"
HELD = 'select count(*) from lugger.partitions where not done and expires_at > now()'
RUNS = "select count(*), count(*) filter (where status = 'done') from lugger.runs"
SLOW = 'throttle = { rows_per_s = 6000 },'


def documents():
    """Some are rejects, some have the key of one far before them, in another partition."""
    rng = random.Random(SEED)
    for i in range(ROWS):
        key = i - 30_000 if i > 30_000 and rng.random() < 0.001 else i
        yield {'_id': ObjectId(f'{key:024x}'), 'n': 'n/a' if rng.random() < 0.001 else i, 'pad': 'x' * rng.randrange(400, 800)}


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
        return Work(self.server.fresh(), text=job(COLUMNS, source=self.source, conflict=conflict, extra=extra, **more))

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
        self.assertEqual([work.database.query(sql) for sql in (TABLE, BOOKS, REJECTS)], self.undisturbed(conflict))
        self.assertEqual(work.database.rows("select count(*) from lugger.runs where status <> 'done'"), [['0']])

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


if __name__ == '__main__':
    harness.main()
