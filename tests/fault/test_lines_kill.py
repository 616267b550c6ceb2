"""kill -9 at any instant while JSON lines are written, run again: every row once, every reject once,
and the ledger says so."""
import gzip
import os
import random
import signal
import sqlite3
import time
import unittest

import harness
from jobs import Work

ROWS = 40_000
SEED = int(os.environ.get('LUGGER_SEED', '20260307'))
KILLS = 15
JOB = """local lugger = require 'lugger'
return lugger.copy { from = lugger.source('%s', { collection = 'shop.docs' }), into = lugger.target('%s'),
  columns = { { 'id', 'int4', from = '_id' }, { 'n', 'int4' }, { 'pad', 'text' } } }"""


def documents():
    rng = random.Random(SEED)
    for i in range(ROWS):
        yield {'_id': i, 'n': 'n/a' if rng.random() < 0.01 else i, 'pad': chr(97 + i % 26) * 1500}


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source = Work(None, documents()).source

    def work(self, name):
        return Work(None, text=JOB % (self.source, name))

    def start(self, work):
        return harness.start('run', 'job.lua', '-j', '2', '--log', 'none', cwd=work.directory)

    def state(self, work, name):
        """What the file holds, and what the ledger says of it."""
        path = work.directory / name
        with (gzip.open if name.endswith('.gz') else open)(path, 'rt', encoding='utf-8') as file:
            lines = sorted(file)
        ledger = sqlite3.connect(work.directory / '.lugger/state.sqlite')
        try:
            self.assertEqual(ledger.execute('pragma integrity_check').fetchall(), [('ok',)])
            self.assertEqual(ledger.execute('select output_size from runs '
                                            'order by ordinal desc limit 1').fetchone()[0],
                             path.stat().st_size)
            # A kill behind the end of a run is followed by a run of its own, which writes the file anew.
            counts = ledger.execute('select count(distinct run), sum(read), sum(inserted), sum(rejected), '
                                    'min(done) from partitions'
                                    ' where run = (select run from runs order by '
                                    'ordinal desc limit 1)').fetchone()
            rejects = ledger.execute('select document_id, code from rejects order by document_id').fetchall()
        finally:
            ledger.close()
        return lines, counts, rejects

    def kill_until_done(self, work, rng, longest):
        kills = 0
        for _ in range(KILLS * 4):
            process = self.start(work)
            try:
                _, err = process.communicate(timeout=rng.uniform(0, longest) if kills < KILLS else 120)
            except Exception:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                continue
            self.assertEqual(process.returncode, 3, err)
            return kills
        self.fail('the run never ended')

    def prove(self, name):
        undisturbed = self.work(name)
        began = time.monotonic()
        process = self.start(undisturbed)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 3, err)
        longest = (time.monotonic() - began) * 1.1
        expected = self.state(undisturbed, name)
        self.assertEqual(expected[1][1], ROWS)
        self.assertEqual(len(expected[0]) + len(expected[2]), ROWS)
        rng, total = random.Random(SEED), 0
        while total < KILLS:
            work = self.work(name)
            kills = self.kill_until_done(work, rng, longest)
            total += kills
            for found, wanted in zip(self.state(work, name), expected):
                self.assertTrue(found == wanted, f'after {kills} kills, seed {SEED}')   # too long to be shown
            longest *= 0.7 if kills == 0 else 1
        print(f'{total} kills ({name})')

    def test_kill_9_while_lines_are_written(self):
        self.prove('out.jsonl')

    def test_kill_9_while_packed_lines_are_written(self):
        self.prove('out.jsonl.gz')


if __name__ == '__main__':
    harness.main()
