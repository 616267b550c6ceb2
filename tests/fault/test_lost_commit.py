"""A commit whose answer is lost may have happened: then the ledger knows, and what it counted is told."""
import unittest

from cutting import Cutter
import harness
from jobs import Work, job
from postgres import Postgres

WATCH = """local run = dofile('job.lua'):start { jobs = 1 }
repeat run:poll(50) until run:ended()
local told, kept = run:poll(0).tally, run:result().tally
print(tonumber(told.read), tonumber(told.rejected), tonumber(kept.read), tonumber(kept.rejected),
  run:result().status)"""


class LostCommit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_what_the_server_rejected_is_told(self):
        happened = 0
        for at in range(1, 20):
            work = Work(self.server.fresh(), [{'_id': i, 'n': i - 2} for i in range(10)],
                        job("{ 'n', 'int4' }"))
            work.database.query('create table docs (mongo_id text primary key, n int check (n >= 0))')
            cutter = Cutter(self.server, at, 'after', text=b'COMMIT')
            told = work.lugger('-e', WATCH, env={'PG_URI': cutter.url(work.database)}, expect=None)
            cutter.close()
            if not cutter.fired:
                break
            with self.subTest(commit=at):
                if 'done' in told.out:      # not where the ledger's own statements were cut
                    happened += 1
                    self.assertEqual(told.out.split(), ['10', '2', '10', '2', 'done'])
        self.assertGreater(happened, 0)


if __name__ == '__main__':
    harness.main()
