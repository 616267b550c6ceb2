"""kill -9 at any instant, run again, and the result equals an undisturbed run: nothing lost, nothing
twice."""
import os
import random
import signal
import time
import unittest

from bson import ObjectId
import harness
from jobs import Work, job
from postgres import Postgres

ROWS = 40_000
SEED = int(os.environ.get('LUGGER_SEED', '20260307'))
KILLS = 25
CHILDREN = ("children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', "
            "from = '.' } } } }, unmapped = 'ignore',")
STATE = (
    "select count(*), count(distinct mongo_id), md5(string_agg(d::text, ',' order by mongo_id)) from docs d",
    "select count(*), md5(string_agg(t::text, ',' order by parent_mongo_id, ordinal)) from tags t",
    ("select count(*), md5(string_agg(document_id || code || message, ',' order by document_id)) from"
     " (select distinct document_id, code, message from lugger.rejects) r"),
    # A run killed behind its last commit is done: the next one is a run of its own, with rejects of its own.
    "select count(*) - count(distinct (run, document_id)) from lugger.rejects")


def documents():
    """Some are rejects, some have the same key as one before."""
    rng = random.Random(SEED)
    for i in range(ROWS):
        yield {'_id': ObjectId(f'{i:024x}'), 'n': 'n/a' if rng.random() < 0.001 else i,
               'pad': 'x' * rng.randrange(200), 'tags': ['a', 'b'][:rng.randrange(3)]}


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.source = Work(cls.server.fresh(), documents()).source

    def work(self, conflict, **more):
        work = Work(self.server.fresh(),
                    text=job("{ 'n', 'int4' }, { 'pad', 'text' }", source=self.source, conflict=conflict,
                             extra=CHILDREN, **more))
        if conflict == 'update':
            work.database.query("create table docs (mongo_id text primary key, n int, pad text); "
                                "insert into docs values ('old', 1, 'kept')")
        return work

    def state(self, work):
        return [work.database.query(sql) for sql in STATE]

    def kill_until_done(self, work, rng, longest, limit=KILLS):
        """Runs again after each kill; returns how often the run was killed."""
        kills = 0
        for _ in range(limit * 4):
            process = work.start('run', 'job.lua', '--create', '-j', '2', '--log', 'none')
            delay = rng.uniform(0, longest) if kills < limit else 120
            try:
                process.communicate(timeout=delay)
            except Exception:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                continue
            if process.returncode == 1:   # the server may still hold the killed process's lease for a moment
                time.sleep(0.1)
                continue
            self.assertEqual(process.returncode, 3)
            return kills
        self.fail('the run never ended')

    def prove(self, conflict):
        undisturbed = self.work(conflict)
        began = time.monotonic()
        undisturbed.run('--create', '-j', '2', expect=3)
        took = time.monotonic() - began
        expected = self.state(undisturbed)
        rng = random.Random(SEED)
        total = 0
        while total < KILLS:
            work = self.work(conflict)
            kills = self.kill_until_done(work, rng, took * 1.2)
            total += kills
            self.assertEqual(self.state(work), expected, f'after {kills} kills, seed {SEED}')
            if kills == 0:
                took *= 0.7
        print(f'{total} kills ({conflict})')

    def test_kill_9_into_an_empty_table(self):
        self.prove('skip')

    def test_kill_9_into_a_table_with_rows(self):
        self.prove('update')


if __name__ == '__main__':
    harness.main()
