"""b5: a unit is written under the job's lease, and not by whoever has lost it."""

import unittest

from fixes import FixWork, Session, until
import harness
from jobs import Work, job
from postgres import Postgres

DOCUMENTS = [{'_id': i, 'n': i} for i in range(3000)]


class Lease(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def until(self, database, sql):
        until(lambda: database.query(sql) == 't', sql)

    def lose(self, work, table, *words):
        """The process waits at a lock; meanwhile another one takes the job."""
        database = work.database
        holder = Session(database)
        holder.process.stdin.write(f'begin; lock table {table} in exclusive mode;\n')
        holder.process.stdin.flush()
        self.until(
            database,
            f"select exists (select from pg_locks where relation = '{table}'::regclass and mode = "
            f"'ExclusiveLock' and granted)",
        )
        process = work.start(*words)
        self.until(
            database,
            f"select exists (select from pg_locks where relation = '{table}'::regclass and not granted)",
        )
        self.assertEqual(
            database.query("update lugger.leases set token = 'another', holder = 'thief' returning 1").split(
                '\n'
            )[0],
            '1',
        )
        database.query("update lugger.runs set message = 'of the other one'")
        holder.process.communicate('rollback;\n', timeout=60)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn('taken over by another process', err)
        # What the other one says of the run stands.
        self.assertEqual(
            database.query("select status, message from lugger.runs order by started_at desc limit 1"),
            'running|of the other one',
        )
        self.assertEqual(database.query('select token from lugger.leases'), 'another')

    def test_b5_a_load_whose_lease_was_taken_writes_nothing_more(self):
        for options in ('pooled = true,', ''):
            with self.subTest(options=options):
                work = Work(
                    self.server.fresh(),
                    DOCUMENTS,
                    job("{ 'n', 'int4' }", conflict='update', target_options=options),
                )
                work.database.query('create table docs (mongo_id text primary key, n int)')
                self.lose(work, 'docs', 'run', 'job.lua')
                self.assertEqual(work.database.query('select count(*) from docs'), '0')
                self.assertEqual(
                    work.database.query('select coalesce(sum(read), 0) from lugger.partitions'), '0'
                )

    def test_b5_a_fix_too(self):
        work = FixWork(self.server, rows=50)
        self.lose(work, 'customers', 'run', 'job.lua', '--apply')
        self.assertEqual(work.database.query("select count(*) from customers where phone like '00%'"), '25')

    def test_b5_a_repair_too(self):
        work = Work(self.server.fresh(), DOCUMENTS, job("{ 'n', 'int4' }", conflict='update'))
        work.run('--create')
        work.database.query('delete from docs where n < 10')
        self.lose(work, 'docs', 'repair', 'job.lua', '--apply')
        self.assertEqual(work.database.query('select count(*) from docs'), '2990')

    def test_b5_a_lease_that_is_held_lets_all_pass(self):
        work = Work(
            self.server.fresh(),
            DOCUMENTS,
            job("{ 'n', 'int4' }", conflict='update', target_options='pooled = true,'),
        )
        self.assertEqual(work.run('--create', '-j', 2).books()['inserted'], 3000)
        self.assertEqual(work.database.query('select count(*) from lugger.leases'), '0')


if __name__ == '__main__':
    harness.main()
