"""lugger vector change-type while others write, hold locks, and come through a pooler."""
import time
import unittest

import harness
import pooler
from column_writers import Writers, held
from peer_postgres import PgVector
from sessions import Session, wait_for

ROWS = 1500
SETUP = f"""create table docs (id bigint primary key, title text not null, embedding vector(3));
insert into docs select i, 'title ' || i, format('[%s,%s,1]', i / 8.0, i / 7.0)::vector
  from generate_series(1, {ROWS}) i;
create index near on docs using hnsw (embedding vector_l2_ops)"""
OLD = "select md5(string_agg(embedding::text, ',' order by id)) from docs where id < 100000"


class Written(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.database = self.server.fresh()
        self.database.query(SETUP)

    def change(self, *args, expect=0, url=None, **more):
        return harness.lugger('vector', 'change-type', 'docs.embedding', 'halfvec(3)', '--batch-rows', '50',
                              *args, env={'PG_URI': url or self.database.url}, expect=expect, **more)

    def start(self, *args):
        return harness.start('vector', 'change-type', 'docs.embedding', 'halfvec(3)', *args,
                             env={'PG_URI': self.database.url})

    def judge(self, writers):
        said, rows = writers.end()
        self.assertEqual(said, '')
        self.assertGreater(len(rows), 20)
        self.assertEqual(held(self.database, [t.first // 100000 for t in writers.threads]), rows)

    def test_n_12_nothing_is_lost_while_others_write(self):
        before = self.database.query(OLD)
        writers = Writers(self.database)
        for step in ('add', 'backfill', 'compare', 'index', 'swap'):
            self.change('--step', step)
        time.sleep(1)
        self.change('--step', 'back')
        self.judge(writers)
        self.assertEqual(self.database.query(OLD), before)
        writers = Writers(self.database, first=5)
        self.change('--step', 'all')
        time.sleep(0.5)
        self.assertEqual(self.database.query(
            'select count(*) from docs where embedding__old::halfvec(3) is distinct from embedding'), '0')
        self.change('--step', 'drop')
        self.judge(writers)

    def test_s2_11_a_long_transaction_delays_the_swap_and_not_the_others(self):
        for step in ('add', 'backfill', 'compare', 'index'):
            self.change('--step', step)
        session = Session(self.database)
        session.run('begin; select count(*) from docs')
        process = self.start('--step', 'swap', '--lock-timeout', '200ms', '--tries', '30')
        worst = 0
        for number in range(12):
            begun = time.monotonic()
            self.database.query(f"insert into docs values ({200000 + number}, 'x', '[1,1,1]')")
            worst = max(worst, time.monotonic() - begun)
            self.assertIsNone(process.poll())
        session.run('commit')
        self.assertEqual(process.wait(60), 0, process.communicate())
        self.assertIn('try 2 of 30', process.communicate()[1])
        self.assertLess(worst, 2)
        self.assertEqual(self.database.query('select count(*), count(embedding) from docs'),
                         f'{ROWS + 12}|{ROWS + 12}')
        session.close()

    def test_s2_11_a_swap_that_gets_no_lock_leaves_all_as_it_was(self):
        for step in ('add', 'backfill', 'compare', 'index'):
            self.change('--step', step)
        session = Session(self.database)
        session.run('begin; lock table docs in row exclusive mode')
        said = self.change('--step', 'swap', '--lock-timeout', '100ms', '--tries', '2', expect=1).err
        self.assertIn('lock timeout', said)
        session.run('commit')
        session.close()
        self.database.query("insert into docs values (200000, 'x', '[1,1,1]')")
        self.assertIn('next: --step swap', self.change().out)
        self.change('--step', 'swap')

    def test_s2_12_batches_give_way_to_a_writer_that_holds_rows(self):
        self.change('--step', 'add')
        session = Session(self.database)
        session.run("begin; update docs set title = 'held' where id = 120")
        process = self.start('--step', 'backfill', '--batch-rows', '100')
        wait_for(self.database, "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock'",
                 process)
        # The other way round: two that wait for each other, and the writer is not the one that fails.
        self.assertEqual(session.run("update docs set title = 'held' where id = 101"), '')
        session.run('commit')
        session.close()
        self.assertEqual(process.wait(60), 0)
        self.change('--step', 'compare')

    def test_s2_12_a_batch_waits_while_the_server_is_not_well(self):
        self.change('--step', 'add')
        session = Session(self.database)
        session.run('begin; select 1')
        time.sleep(1.2)
        process = self.start('--step', 'backfill', '--batch-rows', '500', '--max-long-transaction', '1s')
        time.sleep(2)
        self.assertIsNone(process.poll())
        session.run('commit')
        session.close()
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 0, said)
        self.assertRegex(said, r'waits: a transaction is \d+ s old \(max_long_transaction 1 s\)\n *goes on')
        self.change('--step', 'compare')

    def test_behind_a_pooler(self):
        pooler.require()
        pooled = pooler.Pooled(self.server)
        url = pooled.url(self.database.name)
        writers = Writers(self.database, 2)
        self.change('--step', 'all', url=url)
        self.change('--step', 'back', url=url)
        self.change('--step', 'all', url=url)
        self.change('--step', 'drop', url=url)
        self.judge(writers)
        pooled.stop()


if __name__ == '__main__':
    harness.main()
