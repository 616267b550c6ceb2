"""lugger vector change-type: no write of the application is refused, nor ended for a deadlock; a swap that
was killed leaves nothing that would."""
import os
import signal
import time
import unittest

import harness
from cutting import Cutter
from postgres import Postgres
from sessions import Session, wait_for

SETUP = """create table t (id int primary key, x text not null constraint "once" unique,
  constraint "short" check (num_nonnulls(x) = 1));
insert into t select i, i from generate_series(1, 20) i"""
READY = """select coalesce((select indisready from pg_index where indexrelid = to_regclass('once__new')),
  false)"""
GONE = """select to_regclass('once__new') is null and not exists (select from pg_constraint
  where conname in ('x__new_not_null', 'short__new'))"""
WAITS = "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock'"


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
        self.assertEqual(self.database.query("select string_agg(conname, ',' order by conname) "
                                             "from pg_constraint where conrelid = 't'::regclass"),
                         'once,short,t_pkey')


    def test_n_12_a_key_that_becomes_wider_meanwhile(self):
        self.database.query("alter table t alter id type bigint; insert into t values (3000000001, 'bad')")
        self.assertEqual(self.database.query('select "key"[1] from t_x__new_refused'), '3000000001')
        self.database.query('delete from t where id > 20; alter table t alter id type int')
        self.change('--step', 'compare')

    def test_n_12_a_key_whose_names_are_those_of_the_notes(self):
        self.database.query('create table n ("~error" int, "key" text, error text, number text, '
                            'primary key ("~error", "key")); '
                            "insert into n values (1, 'it''s', '1', '2')")
        env = {'PG_URI': self.database.url}
        for column in ('error', 'number'):
            change = ('vector', 'change-type', 'n.' + column, 'int', '--step')
            harness.lugger(*change, 'add', env=env)
            self.database.query(f"update n set {column} = 'bad'")
            harness.lugger(*change, 'backfill', env=env)
            self.assertIn("~error = 1, key = it's: invalid", harness.lugger(*change, 'compare', env=env,
                                                                            expect=1).err)
            self.database.query(f"update n set {column} = '5'")
            harness.lugger(*change, 'all', env=env)
            harness.lugger(*change, 'drop', env=env)
        self.assertEqual(self.database.query('select * from n'), "1|it's|5|5")

    def test_s2_12_who_holds_a_row_that_was_refused_is_not_ended_for_a_deadlock(self):
        self.database.query("insert into t values (101, 'bad'), (102, 'bad2')")
        session = Session(self.database)
        session.run("begin; update t set x = '102' where id = 102")
        process = self.start('compare', self.database.url)
        wait_for(self.database, WAITS, process)
        time.sleep(1.3)  # longer than deadlock_timeout: the next who waits would be ended
        self.assertEqual(session.run("update t set x = '101' where id = 101; commit"), '')
        session.close()
        self.assertEqual(process.wait(60), 0, process.communicate())

    def test_s2_11_who_writes_to_a_table_of_a_reference_is_not_ended_either(self):
        self.database.query('create table r (n int primary key); create table o (id int primary key, n int '
                            'references r); insert into r values (1); insert into o values (1, 1)')
        env = {'PG_URI': self.database.url}
        for step in ('add', 'backfill', 'compare', 'index'):
            harness.lugger('vector', 'change-type', 'o.n', 'bigint', '--step', step, env=env)
        session = Session(self.database)
        session.run('begin; update r set n = n')
        process = harness.start('vector', 'change-type', 'o.n', '--step', 'swap', '--tries', '30', env=env)
        wait_for(self.database, WAITS, process)
        time.sleep(1.3)
        self.assertEqual(session.run('update o set id = id; commit'), '')
        session.close()
        self.assertEqual(process.wait(60), 0, process.communicate())


if __name__ == '__main__':
    harness.main()
