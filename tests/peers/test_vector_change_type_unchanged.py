"""lugger vector change-type: what others change in the catalog between two steps is named."""
import time
import unittest

import harness
from postgres import Postgres
from sessions import Session

SETUP = """create table t (id int primary key, x real, z real, n text);
insert into t select i, i / 4.0, -i, 'n' from generate_series(1, 5) i;
create index ix on t (x)"""
STEPS = ('add', 'backfill', 'compare', 'index', 'swap')
VALUES = "select string_agg(x::text, ',' order by id) from t"
ROLE = "do $$ begin create role unchanged; exception when duplicate_object then null; end $$; "

# Behind `add` and before the next steps: what is done, the words of the refusal, and how it is put back.
FORTH = {
    'another type': ('alter table t alter x type numeric', 'the column x was real (number 2), and is numeric',
                     'alter table t alter x type real'),
    'another column of the name': ('alter table t rename x to y; alter table t rename z to x',
                                   'the column x was real (number 2), and is real (number 3) now',
                                   'alter table t rename x to z; alter table t rename y to x'),
    'another type of the key': ('alter table t alter id type bigint',
                                'the column id was integer (number 1), and is bigint (number 1) now',
                                'alter table t alter id type int'),
    'row security': ('alter table t enable row level security, force row level security',
                     'row security was off, and is on and forced now',
                     'alter table t disable row level security, no force row level security'),
    'an owner': (ROLE + 'alter table t owner to unchanged', 'the owner was postgres, and is unchanged now',
                 'alter table t owner to postgres'),
    'a right': (ROLE + 'grant select (x) on t to unchanged', 'new: grant of SELECT to unchanged',
                'revoke select (x) on t from unchanged'),
    'a comment': ("comment on column t.x is 'said'", 'new: comment: said', 'comment on column t.x is null'),
    'a comment of the index': ("comment on index ix is 'said'", 'comment said now',
                               'comment on index ix is null'),
    'NOT NULL': ('alter table t alter x set not null', 'NOT NULL was not there, and is there now',
                 'alter table t alter x drop not null'),
    'a check': ('alter table t add constraint c check (x < 100)', 'new: constraint c: CHECK',
                'alter table t drop constraint c'),
    'the replica identity': ('alter table t replica identity full',
                             'the replica identity was the primary key, and is the row now',
                             'alter table t replica identity default'),
    'a mark of CLUSTER': ('alter table t cluster on ix', ', clustered now',
                          'alter table t set without cluster'),
    'a trigger': ("create function f() returns trigger language plpgsql as 'begin return new; end'; "
                  'create trigger g before update on t for each row execute function f()', 'new: trigger g',
                  'drop trigger g on t'),
    'a child': ('create table c () inherits (t)', 'the tree of tables that inherit was not there',
                'drop table c'),
    'a view': ('create view v as select x from t', 'new: view public.v', 'drop view v'),
    'a setting': ('alter table t alter x set statistics 7', 'the target of statistics was -1, and is 7 now',
                  'alter table t alter x set statistics -1'),
}

# Behind the swap, before `back`.
BACK = {
    'a check': FORTH['a check'], 'a view': FORTH['a view'], 'NOT NULL': FORTH['NOT NULL'],
    'a right': FORTH['a right'],
    'a comment': FORTH['a comment'],
    'a unique index': ('create unique index u on t (x)', 'new: index u: CREATE UNIQUE INDEX', 'drop index u'),
    'a default': ('alter table t alter x set default 7', 'new: default: 7',
                  'alter table t alter x drop default'),
    'row security': FORTH['row security'],
}


class Unchanged(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.database = self.server.fresh()
        self.database.query(SETUP)

    def change(self, *args, expect=0, column='t.x', type='double precision'):
        return harness.lugger('vector', 'change-type', column, type, *args, env={'PG_URI': self.database.url},
                              expect=expect)

    def steps(self, *names, **more):
        for name in names:
            self.change('--step', name, **more)

    def test_s2_16_a_difference_stops_each_step_and_is_named(self):
        self.steps('add')
        for number, (name, (made, words, undone)) in enumerate(FORTH.items()):
            with self.subTest(name):
                self.database.query(made)
                said = self.change('--step', 'backfill', expect=1).err
                self.assertIn('since the change of public.t.x began'.replace(' of public.t.x', ''), said)
                self.assertIn(words, said)
                self.assertIn('--step back', said)
                self.database.query(undone)
        self.steps('backfill', 'compare', 'index')
        for name in ('a right', 'row security'):
            self.database.query(FORTH[name][0])
            self.assertIn(FORTH[name][1], self.change('--step', 'swap', expect=1).err)
            self.database.query(FORTH[name][2])
        self.steps('compare', 'index', 'swap', 'drop')
        self.assertEqual(self.database.query(VALUES), '0.25,0.5,0.75,1,1.25')

    def test_s2_16_before_the_swap_back_asks_for_nothing(self):
        self.steps('add', 'backfill')
        self.database.query(FORTH['a check'][0] + '; alter table t add y int; '
                            'drop trigger "~x__new_sync" on t; drop table "t_x__new_refused"')
        self.assertIn('new: constraint c', self.change('--step', 'compare', expect=1).err)
        self.database.query(FORTH['a check'][2])
        self.assertIn('t_x__new_refused" is gone', self.change('--step', 'compare', expect=1).err)
        self.steps('back')
        self.assertEqual(self.database.query(
            "select (select count(*) from pg_proc where proname ~ '__new'), count(*) from pg_attribute "
            "where attrelid = 't'::regclass and attname ~ '__new'"), '0|0')

    def test_s2_16_behind_the_swap_what_back_would_lose_stops_it(self):
        self.steps('all')
        for name, (made, words, undone) in BACK.items():
            with self.subTest(name):
                self.database.query(made)
                for more in ((), ('--accept-loss',)):
                    said = self.change('--step', 'back', *more, expect=1).err
                    self.assertIn('of public.t.x this has changed since the swap:', said)
                    self.assertIn(words, said)
                self.database.query(undone)
        self.steps('back')
        self.assertEqual(self.database.query(VALUES), '0.25,0.5,0.75,1,1.25')

    def test_s2_15_a_column_that_was_written_anew_is_compared_again(self):
        self.steps('add', 'backfill', 'compare', 'index')
        self.database.query('alter table t alter x type real using x * 100')
        self.assertIn('was written anew since the rows were compared',
                      self.change('--step', 'swap', expect=1).err)
        self.assertIn('id = 1: it differs', self.change('--step', 'compare', expect=1).err)
        self.steps('compare', 'index', 'swap')
        self.assertEqual(self.database.query(VALUES), '25,50,75,100,125')
        self.database.query('vacuum full t')
        self.assertIn('--step back without --accept-loss', self.change('--step', 'back', '--accept-loss',
                                                                       expect=1).err)
        self.steps('back')

    def test_s2_16_the_trigger_of_the_way_back_was_off(self):
        self.steps('all')
        self.database.query('alter table t disable trigger "~x__old_sync"; update t set x = 55 where id = 1; '
                            'alter table t enable always trigger "~x__old_sync"')
        self.assertIn('was off for a while since the swap', self.change('--step', 'back', '--accept-loss',
                                                                       expect=1).err)
        self.assertIn('id = 1: ', self.change('--step', 'back', expect=1).err)
        # A comparison that has found something settles nothing.
        self.assertIn('was off for a while', self.change('--step', 'back', '--accept-loss', expect=1).err)
        self.database.query('update t set x = 56 where id = 1')
        self.steps('back')
        self.assertEqual(self.database.query(VALUES), '56,0.5,0.75,1,1.25')

    def test_s2_16_what_comes_while_the_swap_waits_stops_it(self):
        self.steps('add', 'backfill', 'compare', 'index')
        session = Session(self.database)
        session.run('begin; select count(*) from t')
        process = harness.start('vector', 'change-type', 't.x', 'double precision', '--step', 'swap',
                                '--lock-timeout', '300ms', '--tries', '30', env={'PG_URI': self.database.url})
        time.sleep(1.5)
        self.assertIsNone(process.poll())
        self.database.query('set lock_timeout = 0; create unique index late on t (x) where x > 100')
        session.run('commit')
        said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1, said)
        self.assertIn('new: index late', said)
        session.close()
        self.database.query('drop index late')
        self.steps('swap', 'drop')

    def test_s2_16_an_index_on_the_old_column_is_not_dropped_with_it(self):
        self.steps('all')
        self.database.query('create index mine on t (x__old)')
        self.assertIn('index mine', self.change('--step', 'drop', expect=1).err)
        self.database.query('drop index mine')
        self.steps('drop')

    def test_s2_16_definitions_are_bound_to_no_search_path(self):
        self.database.query("""create schema a; create schema b; alter table t alter x type int;
create function a.ok(int) returns boolean language sql immutable as 'select true';
create function b.ok(int) returns boolean language sql immutable as 'select true';
create function a.ok(bigint) returns boolean language sql immutable as 'select true';
create function b.ok(bigint) returns boolean language sql immutable as 'select true';
create function a.dflt() returns int language sql as 'select 1';
create function b.dflt() returns int language sql as 'select 2';
create table a.c (id int primary key); create table b.c (id int primary key);
insert into a.c select generate_series(0, 9); insert into b.c select generate_series(0, 9);
alter table t alter x set default a.dflt(), add constraint k check (a.ok(x)),
  add constraint f foreign key (x) references a.c (id)""")

        def path(first):
            self.database.query(f'alter database "{self.database.name}" set search_path = {first}, public')
        path('a')
        self.steps('add', 'backfill', 'compare', 'index', type='bigint')
        path('b')
        self.steps('swap', 'drop', type='bigint')
        self.assertEqual(self.database.query(
            "set search_path = ''; select string_agg(pg_get_constraintdef(oid), ' ' order by conname) "
            "from pg_constraint where conname in ('k', 'f'); select pg_get_expr(adbin, adrelid) "
            "from pg_attrdef where adrelid = 'public.t'::regclass"),
            'FOREIGN KEY (x) REFERENCES a.c(id) CHECK (a.ok(x))\na.dflt()')

    def test_s2_15_a_generated_key_is_refused(self):
        self.database.query('create table g (a int, x real, '
                            'id int generated always as (a + 1) stored primary key)')
        said = self.change('--step', 'plan', column='g.x', expect=1).err
        self.assertIn('id of the key of public.g is a generated column', said)

    def test_s2_17_a_last_step_that_is_done_says_so(self):
        for last in ('back', 'drop'):
            self.steps('all', last)
            self.assertIn(f'{last} is done already', self.change('--step', last).err)


if __name__ == '__main__':
    harness.main()
