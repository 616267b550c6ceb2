"""lugger vector change-type: what others do meanwhile, or with other settings, changes no outcome."""
import time
import unittest

import harness
from postgres import Postgres
from sessions import Session, wait_for

WAITS = "select count(*) > 0 from pg_stat_activity where wait_event_type = 'Lock' and pid <> pg_backend_pid()"
BUILT = ('add', 'backfill', 'compare', 'index')


class Apart(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.database = self.server.fresh()
        self.database.query('create table t (id int primary key, n int, at timestamp, day text); '
                            "insert into t select i, i, '2024-07-01 12:00', '2/3/2024' "
                            'from generate_series(1, 20) i')

    def change(self, column, *args, expect=0):
        return harness.lugger('vector', 'change-type', column, *args, env={'PG_URI': self.database.url},
                              expect=expect)

    def start(self, column, *args):
        return harness.start('vector', 'change-type', column, *args, env={'PG_URI': self.database.url})

    def steps(self, column, type, *names):
        for name in names:
            self.change(column, type, '--step', name)

    def walk_past(self, step, first, then):
        session = Session(self.database)
        session.run('begin; ' + first)
        process = self.start('t.n', '--step', step, '--tries', '30')
        wait_for(self.database, WAITS, process)
        time.sleep(1.3)  # it has looked for a deadlock in vain: the next who waits is the one that is ended
        self.assertNotIn('ERROR', session.run(then))
        session.run('rollback')
        session.close()
        self.assertEqual(process.wait(60), 0, process.communicate())

    def test_s2_11_who_holds_a_view_is_not_ended_for_a_deadlock(self):
        self.database.query('create view v as select id, n from t; create view w as select n from v')
        for first, then in (("comment on view w is 'held'", 'insert into t (id) values (100)'),
                            ('select count(*) > 0 from t', 'select count(*) > 0 from w')):
            self.steps('t.n', 'bigint', *BUILT)
            for step in ('swap', 'back'):
                with self.subTest(step + ': ' + first):
                    self.walk_past(step, first, then)
        self.assertEqual(self.database.query('select count(*) from w'), '20')

    def test_s2_11_who_holds_the_table_of_a_reference_is_not_ended_either(self):
        self.database.query('create table r (n int primary key); insert into r select n from t; '
                            'alter table t add foreign key (n) references r (n)')
        self.steps('t.n', 'bigint', *BUILT)
        self.walk_past('swap', 'select count(*) from r', 'update t set day = null where id = 1')

    def test_s2_16_the_settings_of_who_writes_change_no_value(self):
        self.database.query("do $$ begin create role elsewhere login; exception when duplicate_object "
                            "then null; end $$; grant all on t to elsewhere; "
                            "alter role elsewhere set timezone = 'America/New_York'; "
                            "alter role elsewhere set datestyle = 'SQL, DMY'")
        write = (" insert into t (id, at, day) values (100, '2024-07-01 12:00', '2/3/2024'); "
                 "update t set at = '2024-07-02 12:00', day = '4/5/2024' where id = 2")
        day = ("select count(*) from t where day::text <> case id when 2 then '2024-04-05' "
               "else '2024-02-03' end")
        role = self.database.user
        said = self.change('t.at', 'timestamptz', '--step', 'plan').out
        self.assertIn('times are converted under TimeZone UTC, DateStyle ISO, MDY', said)
        self.assertIn("""--using with "at" AT TIME ZONE '...'""", said)
        for column, type in (('at', 'timestamptz'), ('day', 'date')):
            self.steps('t.' + column, type, *BUILT[:2])
        self.database.user = 'elsewhere'
        self.database.query(write)
        self.database.user = role
        for column in ('at', 'day'):
            for step in ('compare', 'index', 'swap'):
                self.change('t.' + column, '--step', step)
        self.assertEqual(self.database.query("set timezone = 'UTC'; set datestyle = 'ISO'; select string_agg("
                         "at::text, ',' order by id) from t where id in (1, 2, 100)"),
                         '2024-07-01 12:00:00+00,2024-07-02 12:00:00+00,2024-07-01 12:00:00+00')
        self.assertEqual(self.database.query("set datestyle = 'ISO'; " + day), '0')
        self.database.user = 'elsewhere'
        self.database.query("update t set at = '2024-07-03 12:00Z', day = '2024-12-30' where id = 1")
        self.database.user = role
        self.change('t.at', '--step', 'back')
        self.change('t.day', '--step', 'back')
        self.assertEqual(self.database.query('select at, day from t where id = 1'),
                         '2024-07-03 12:00:00|2024-12-30')

    def test_s2_15_a_trigger_behind_the_one_that_converts_is_refused(self):
        self.database.query("""create function f() returns trigger language plpgsql
            as 'begin new.n := new.n * 2; return new; end';
            create trigger "ändern" before update on t for each row execute function f();
            create trigger "~~after" after update on t for each row execute function f()""")
        for step in ('plan', 'add'):
            said = self.change('t.n', 'bigint', '--step', step, expect=1).err
            self.assertIn('the trigger ändern of public.t fires behind ~n__new_sync', said)
        self.assertIn('RENAME TO', said)
        self.database.query('alter trigger "ändern" on t rename to changes')
        self.steps('t.n', 'bigint', *BUILT)
        self.database.query('alter trigger changes on t rename to "~~late"; update t set n = 50 where id = 1')
        self.assertIn('the trigger ~~late of public.t', self.change('t.n', '--step', 'swap', expect=1).err)
        self.database.query('alter trigger "~~late" on t rename to changes')
        self.assertIn('--step compare', self.change('t.n', '--step', 'swap', expect=1).err)
        self.assertIn('id = 1: it differs', self.change('t.n', '--step', 'compare', expect=1).err)
        for step in ('compare', 'index', 'swap'):
            self.change('t.n', '--step', step)
        self.assertEqual(self.database.query('select n from t where id = 1'), '100')

    def test_s2_16_two_columns_of_a_table_change_at_once(self):
        for column, type in (('n', 'bigint'), ('day', 'varchar(20)')):
            self.change('t.' + column, type, '--step', 'all')
        for column in ('n', 'day'):
            self.change('t.' + column, '--step', 'drop')

    def test_s2_16_expressions_are_tried_before_anything_begins(self):
        for flags in (('--using', 'm / 100.0'), ('--using', 'n / 100.0', '--back', 'm * 100')):
            for step in ('plan', 'add'):
                said = self.change('t.n', 'numeric', *flags, '--step', step, expect=1).err
                self.assertIn(f'{flags[-2]} {flags[-1]} does not give a ', said)
                self.assertIn('column "m" does not exist', said)
        self.change('t.n', 'numeric', '--using', 'n / 100.0', '--back', 'round(n * 100)::int',
                    '--step', 'add')

    def test_s2_15_the_backfill_says_what_was_refused(self):
        self.steps('t.n', 'numeric(3,1)', 'add')
        self.database.query("update t set n = 1000 where id < 4")
        self.database.query('insert into t (id, n) values (50, 5000)')
        self.assertIn('backfill: 4 rows of public.t were refused and have no value in n__new',
                      self.change('t.n', '--step', 'backfill').err)

    def test_s2_15_a_comparison_that_fails_again_stops_what_comes_behind(self):
        self.steps('t.n', 'smallint', *BUILT)
        self.database.query('insert into t (id, n) values (50, 70000)')
        self.assertIn('id = 50: ', self.change('t.n', '--step', 'compare', expect=1).err)
        for step in ('index', 'swap'):
            self.assertIn('compare comes before ' + step, self.change('t.n', '--step', step, expect=1).err)
        self.database.query('delete from t where id = 50')
        self.change('t.n', '--step', 'all')

    def test_s2_16_a_publication_that_came_meanwhile_stops_the_swap(self):
        self.steps('t.n', 'bigint', *BUILT)
        self.database.query('create publication later for all tables')
        self.assertIn('is published (later)', self.change('t.n', '--step', 'swap', expect=1).err)
        self.change('t.n', '--step', 'back')
        self.database.query('drop publication later; create publication later for table t')
        self.change('t.n', 'bigint', '--step', 'add', '--published')
        for step in BUILT[1:] + ('swap', 'drop'):
            self.change('t.n', '--step', step)

    def test_s2_17_a_null_that_no_write_has_changed_stays(self):
        self.database.query("update t set day = null where id in (1, 2, 3)")
        expression = ('--using', "coalesce(day, '2000-01-01')::date", '--back', "nullif(day::text, 'bad')")
        self.change('t.day', 'date', *expression, '--step', 'all')
        self.database.query("update t set n = -1 where id = 2; update t set day = '2001-01-01' where id = 3")
        self.change('t.day', '--step', 'back')
        self.assertEqual(self.database.query('select id, day from t where id < 4 order by id'),
                         '1|\n2|\n3|2001-01-01')

    def test_s2_17_no_way_back_is_guessed(self):
        flags = ('numeric', '--using', 'n / 100.0')
        said = self.change('t.n', *flags, '--step', 'plan').out
        self.assertIn('and back:   no way', said)
        said = self.change('t.n', *flags, '--step', 'all').err
        for part in ('look at: from the swap on there is no way back', 'look at: the column moves to the end',
                     'look at: statements that sessions hold prepared', 'the old column stays as it is'):
            self.assertIn(part, said)
        self.database.query('update t set n = 9.99 where id = 1; insert into t (id, n) values (50, 5)')
        self.assertNotIn('--step back', self.change('t.n').out)
        self.assertIn('began without --back', self.change(
            't.n', '--step', 'back', '--back', 'n * 100', expect=1).err)
        for more in ((), ('--accept-loss',)):
            self.assertIn('there is no way back', self.change('t.n', '--step', 'back', *more, expect=1).err)
        self.assertEqual(self.database.query('select n__old from t where id in (1, 50) '
                                             'and n__old is not null'),
                         '1')
        self.change('t.n', '--step', 'drop')
        self.assertEqual(self.database.query('select count(*) from pg_proc where proname ~ \'^t_~\''), '0')


if __name__ == '__main__':
    harness.main()
