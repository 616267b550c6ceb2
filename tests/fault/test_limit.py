"""--limit is exact while connections are lost, and over resumes."""
import time
import unittest

import harness
from jobs import Work, job
from postgres import Postgres


class Limit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def wide(self, count=9000):
        documents = [{'_id': i, 'n': i, 'pad': 'x' * (i * 7919 % 9000)} for i in range(count)]
        return Work(self.server.fresh(), documents, job("{ 'n', 'int4' }", conflict='update'))

    def cut(self, work):
        work.database.query("select count(pg_terminate_backend(pid)) from pg_stat_activity "
                            "where application_name like 'lugger%' and datname = current_database()")

    def begun(self, work, process):
        """A first unit is committed, or the run is over."""
        while process.poll() is None:
            if work.database.query('select count(*) from lugger.partitions where read > 0',
                                   check=False) not in ('', '0'):
                return
            time.sleep(0.02)

    def test_a6_connections_are_lost_in_mid_run(self):
        for jobs in (1, 3):
            with self.subTest(jobs):
                work = self.wide()
                process = work.start('run', 'job.lua', '--create', '--limit', '5000', '-j', str(jobs))
                for _ in range(3):
                    self.begun(work, process)
                    self.cut(work)
                _, err = process.communicate(timeout=120)
                if process.returncode != 0:    # gave up: the same command goes on
                    err = work.run('--limit', 5000, '-j', jobs).err
                self.assertIn('read 5000 =', err.replace(',', '').replace('_', ''))
                self.assertEqual(work.database.number('select count(*) from docs'), 5000)

    def test_a6_a_resumed_run_counts_what_was_read_before(self):
        work = self.wide(3000)
        work.run('--create', '--limit', 700)
        work.database.query("update lugger.runs set status = 'stopped'")
        self.assertEqual(work.run('--limit', 1000).books()['read'], 1000)
        self.assertEqual(work.database.number('select count(*) from docs'), 1000)


if __name__ == '__main__':
    harness.main()
