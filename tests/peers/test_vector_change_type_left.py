"""lugger vector change-type: a swap that was killed leaves nothing that refuses the application's writes."""
import os
import signal
import unittest

import harness
from cutting import Cutter
from postgres import Postgres
from sessions import Session, wait_for

SETUP = """create table t (id int primary key, x text not null constraint "once" unique,
  constraint "short" check (num_nonnulls(x) = 1));
insert into t select i, i from generate_series(1, 20) i"""
READY = "select coalesce((select indisready from pg_index where indexrelid = to_regclass('once__new')), false)"
GONE = """select to_regclass('once__new') is null and not exists (select from pg_constraint
  where conname in ('x__new_not_null', 'short__new'))"""


class Left(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.database = self.server.fresh()
        self.database.query(SETUP)
        self.change('numeric', '--step', 'add')
        for step in ('backfill', 'compare', 'index'):
            self.change('--step', step)

    def change(self, *args, expect=0):
        return harness.lugger('vector', 'change-type', 't.x', *args, env={'PG_URI': self.database.url},
                              expect=expect)

    def start(self, step, url):
        return harness.start('vector', 'change-type', 't.x', '--step', step, env={'PG_URI': url})

    def test_n_16_a_unique_index_that_two_values_share(self):
        session = Session(self.database)
        session.run('begin isolation level repeatable read; select 1')
        process = self.start('swap', self.database.url)
        wait_for(self.database, READY, process)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        wait_for(self.database, GONE)
        self.database.query("insert into t values (100, '01'), (101, 'bad')")
        session.close()
        self.assertIn('id = 101: invalid input syntax', self.change('--step', 'swap', expect=1).err)
        self.database.query("update t set x = '21' where id = 101")
        self.assertIn('once__new', self.change('--step', 'swap', expect=1).err)
        self.database.query("insert into t values (102, '002'); delete from t where id in (100, 102)")
        self.change('--step', 'swap')
        self.change('--step', 'drop')
        self.assertEqual(self.database.query('select sum(x), count(*) from t'), '231|21')

    def killed_at_the_exchange(self, step, write):
        process = None

        def kill():
            process.send_signal(signal.SIGKILL)
        cutter = Cutter(self.server, 1, act=kill, text=b'IN ACCESS EXCLUSIVE MODE')
        process = self.start(step, cutter.url(self.database))
        process.communicate(timeout=60)
        cutter.close()
        self.assertTrue(cutter.fired)
        wait_for(self.database, GONE)
        self.database.query(write)
        said = self.change('--step', step, expect=1).err
        self.database.query('delete from t where id > 20')
        self.change('--step', step)
        return said

    def test_n_16_constraints_that_are_proven(self):
        self.assertIn('id = 101: invalid input syntax',
                      self.killed_at_the_exchange('swap', "insert into t values (101, 'bad')"))
        self.assertEqual(self.database.query("select string_agg(conname, ',' order by conname) from pg_constraint "
                                             "where conrelid = 't'::regclass"), 'once,short,t_pkey')


if __name__ == '__main__':
    harness.main()
