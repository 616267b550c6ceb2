"""Rows that the server does not take, without an error: triggers, rules, row-level security. What
the server counted is what is told."""
import unittest

import harness
from jobs import Work, job
from postgres import Postgres

COLUMNS = "{ 'v', 'int4' }, { 'tenant', 'text' }"
CHILDREN = "children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"
DROP_ODD = """create function drop_odd() returns trigger language plpgsql as
  $$ begin if new.v % 2 = 1 then return null; end if; return new; end $$;"""
TABLE = 'create table docs (mongo_id text primary key, v int, tenant text);'


# Tables that take some of ten rows: what they take of them the first time, what it counts as, and what
# is unchanged the second time (None: not looked at).
EVERY = ('error', 'skip', 'update', 'newer')
TAKES_SOME = {
    'a trigger of a partition': (
        'create table docs (mongo_id text primary key, v int, tenant text) partition by hash (mongo_id);'
        'create table docs_0 partition of docs for values with (modulus 1, remainder 0);'
            + DROP_ODD
            + 'create trigger odd_out before insert on docs_0 for each row execute function drop_odd()',
        EVERY, 'inserted', 5, None),
    'old-style partitions': (TABLE + ('create table docs_a () inherits (docs);'
                                      'create function route() returns trigger language plpgsql as'
                                      ' $$ begin insert into docs_a values (new.*); return null; end $$;'
                                      'create trigger to_a before insert '
                                      'on docs for each row execute function route()'),
                             EVERY, 'inserted', 0, None),
    'a trigger that changes the key': (
        TABLE + ('create function other_key() returns trigger language plpgsql as'
                 " $$ begin if new.v < 3 then new.mongo_id := 'x' || new.mongo_id; end if; "
                 "return new; end $$;"
                 'create trigger renames before insert on docs for each row execute function other_key()'),
        EVERY, 'inserted', 7, 7),
    'updates that a trigger swallows': (
        TABLE
            + "insert into docs select 'd' || i, -1, 'a' from generate_series(0, 9) i;" + DROP_ODD
            + 'create trigger odd_out before update on docs for each row execute function drop_odd()',
        ('update', 'newer'), 'updated', 5, 5),
}


class Suppressed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, sql, conflict='update', writer='copy', key='mongo_id', documents=None, columns=COLUMNS,
             extra=''):
        database = self.server.fresh()
        database.query(sql)
        documents = documents or [{'_id': f'd{i}', 'v': i, 'tenant': 'a', 'tags': ['x', 'y']}
                                  for i in range(10)]
        more = f"writer = '{writer}',"
        if conflict == 'newer':
            more += " newer = 'v',"
        return Work(database, documents, job(columns, key=key, conflict=conflict, target_options=more,
                                             extra=extra + " unmapped = 'ignore',"))

    def plan(self, work):
        result = work.lugger('plan', 'job.lua')
        return result.out + result.err

    def each(self, sql, check, policies=('error', 'skip', 'update', 'newer'), **more):
        for writer in ('copy', 'statement'):
            for policy in policies:
                with self.subTest(writer=writer, policy=policy):
                    check(self.work(sql, policy, writer, **more), policy)

    def test_a5_rows_that_a_trigger_swallows_are_told(self):
        def check(work, policy):
            result = work.run(expect=3)
            books = result.books()
            self.assertEqual((books['inserted'], books['suppressed']), (5, 5))
            self.assertEqual(work.database.number('select count(*) from docs'), 5)
            self.assertIn('5 documents suppressed', result.err)
            self.assertIn('odd_out', self.plan(work))
            self.assertEqual(work.database.query('select sum(suppressed), sum(rows) from lugger.partitions'),
                             '5|5')
            if policy != 'error':
                again = work.run(expect=3).books()
                self.assertEqual((again['inserted'], again['unchanged'], again['suppressed']), (0, 5, 5))
        self.each(TABLE + DROP_ODD + 'create trigger odd_out before insert '
                                     'on docs for each row execute function drop_odd()',
                  check)

    def test_a5_without_a_key(self):
        work = self.work('create table docs (mongo_id text, v int, tenant text);'
                             + DROP_ODD
                             + 'create trigger odd_out before insert '
                               'on docs for each row execute function drop_odd()',
                         'error', key=None)
        books = work.run(expect=3).books()
        self.assertEqual((books['inserted'], books['suppressed']), (5, 5))

    def test_a5_whatever_takes_only_some(self):
        for name, (sql, policies, way, taken, unchanged) in TAKES_SOME.items():
            def check(work, policy, way=way, taken=taken, unchanged=unchanged):
                books = work.run(expect=3).books()
                self.assertEqual((books[way], books['suppressed']), (taken, 10 - taken))
                if 'odd_out' in sql:
                    self.assertIn('odd_out', self.plan(work))
                if unchanged is not None and policy != 'error':
                    again = work.run(expect=3).books()
                    self.assertEqual((again[way], again['unchanged'], again['suppressed']),
                                     (0, unchanged, 10 - unchanged))
            with self.subTest(name):
                self.each(sql, check, policies=policies)

    def test_a5_harmless_triggers_are_no_alarm(self):
        sql = (TABLE + "create function shout() returns trigger language plpgsql as"
               " $$ begin new.tenant := upper(new.tenant); return new; end $$;"
               'create trigger shouts before insert or update on docs for each row execute function shout()')

        def check(work, policy):
            self.assertEqual(work.run().books()['inserted'], 10)
            if policy != 'error':
                work.run()
        self.each(sql, check)

    def test_a5_child_rows(self):
        sql = (TABLE + 'create table tags (parent_mongo_id text, ordinal int, tag text, primary key '
                       '(parent_mongo_id, ordinal));'
                       "create function no_y() returns trigger language plpgsql as"
                       " $$ begin if new.tag = 'y' and new.parent_mongo_id < 'd4' then return null; end if; "
                       "return new; end $$;"
                       'create trigger y_out before insert on tags for each row execute function no_y()')

        def check(work, policy):
            books = work.run(expect=3).books()
            self.assertEqual((books['inserted'], books['suppressed']), (6, 4))
            self.assertEqual(work.database.query('select sum(rows), sum(child_rows) from lugger.partitions'),
                             '26|16')
        self.each(sql, check, extra=CHILDREN)

    def test_a5_views_take_rows(self):
        sql = TABLE.replace('docs', 'store') + 'create view docs as select * from store'
        for writer in ('copy', 'statement'):
            for key in ('mongo_id', None):
                with self.subTest(writer=writer, key=key):
                    work = self.work(sql, 'error', writer, key=key)
                    self.assertEqual(work.run().books()['inserted'], 10)
                    self.assertEqual(work.database.number('select count(*) from store'), 10)

    def test_a5_views_with_instead_of(self):
        sql = (TABLE.replace('docs', 'store') + '''create view docs as select mongo_id, v,
            tenant || '' as tenant from store;
            create function store_it() returns trigger language plpgsql as $$ begin
              if new.v % 2 = 1 then return null; end if;
              insert into store values (new.mongo_id, new.v, new.tenant); return new; end $$;
            create trigger stores instead of insert on docs for each row execute function store_it()''')

        def check(work, policy):
            books = work.run(expect=3).books()
            self.assertEqual((books['inserted'], books['suppressed']), (5, 5))
            self.assertEqual(work.database.number('select count(*) from store'), 5)
        self.each(sql, check, policies=('error',))

    def test_a5_foreign_tables_take_rows(self):
        for writer in ('copy', 'statement'):
            with self.subTest(writer=writer):
                work = self.work(TABLE.replace('docs', 'store'), 'error', writer)
                if not work.database.number("select count(*) from pg_available_extensions "
                                            "where name = 'postgres_fdw'"):
                    harness.skip('postgres_fdw is not installed')
                work.database.query(f'''create extension postgres_fdw;
                    create server here foreign data wrapper postgres_fdw options
                      (host '{self.server.directory}', dbname '{work.database.name}');
                    create user mapping for current_user server here options (user 'postgres');
                    create foreign table docs (mongo_id text, v int,
                      tenant text) server here options (table_name 'store')''')
                self.assertEqual(work.run().books()['inserted'], 10)
                self.assertEqual(work.database.number('select count(*) from store'), 10)

    def test_a5_rules(self):
        sql = TABLE + 'create rule away as on insert to docs where new.v % 2 = 1 do instead nothing'
        for writer in ('copy', 'statement'):
            work = self.work(sql, 'error', writer)
            books = work.run(expect=3).books()
            self.assertEqual((books['inserted'], books['suppressed']), (5, 5))
            self.assertIn('away', self.plan(work))
            refused = self.work(sql, 'update', writer).run(expect=1)
            self.assertIn('has rules (away)', refused.err)

    def test_a5_rows_that_row_security_hides(self):
        """A key taken by a row that the role cannot see."""
        sql = (TABLE + "insert into docs values ('d1', 1, 'b');"
               "create role hidden_loader login; grant all on docs to hidden_loader;"
               "alter table docs enable row level security; create policy p on docs using (tenant = 'a');")
        work = self.work(sql, 'skip')
        name = work.database.name
        work.database.query(f'grant create on database "{name}" to hidden_loader')
        env = {'PG_URI': self.server.url(name, 'hidden_loader')}
        books = work.run(env=env, expect=3).books()
        self.assertEqual((books['inserted'], books['suppressed']), (9, 1))


class Columns(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def load(self, sql, conflict, role=None, expect=0):
        database = self.server.fresh()
        database.query(sql)
        options = "newer = 'name'," if conflict == 'newer' else ''
        work = Work(database, [{'_id': 'a', 'serial': 7, 'name': 'n'}],
                    job("{ 'serial', 'int8' }, { 'name', 'text' }", conflict=conflict,
                        target_options=options))
        env = {}
        if role:
            database.query(f'grant create on database "{database.name}" to {role}')
            env = {'PG_URI': self.server.url(database.name, role)}
        return work, work.run(env=env, expect=expect)

    IDENTITY = ('create table docs (serial bigint generated always as identity, mongo_id text primary '
                'key, name text);')

    def test_a20_an_identity_that_no_update_sets_is_refused(self):
        for policy in ('update', 'newer'):
            _, result = self.load(self.IDENTITY, policy, expect=1)
            self.assertIn('docs.serial is GENERATED ALWAYS AS IDENTITY', result.err)

    def test_a20_where_nothing_is_updated_it_is_written(self):
        for policy in ('skip', 'error'):
            work, _ = self.load(self.IDENTITY, policy)
            self.assertEqual(work.database.query('select serial from docs'), '7')

    def test_a20_by_default_is_updated(self):
        work, _ = self.load(
            self.IDENTITY.replace('always', 'by default') + "insert into docs values (1, 'a', 'old')",
            'update')
        self.assertEqual(work.database.query('select serial, name from docs'), '7|n')

    def test_a20_as_the_key_it_is_no_matter(self):
        database = self.server.fresh()
        database.query('create table docs (mongo_id text, serial bigint generated always as identity '
                       'primary key, name text)')
        work = Work(database, [{'_id': 'a', 'serial': 7, 'name': 'n'}],
                    job("{ 'serial', 'int8' }, { 'name', 'text' }", key='serial', conflict='update'))
        work.run()
        self.assertEqual(work.run().books()['unchanged'], 1)

    def test_a20_columns_without_the_right(self):
        table = 'create table docs (mongo_id text primary key, serial int8, name text);'
        for number, (grants, told) in enumerate(
                (('grant select, insert on docs to {0}; grant update (name) on docs to {0}',
                  'permission denied: UPDATE on docs.serial'),
                 ('grant select, update on docs to {0}; grant insert (mongo_id, name) on docs to {0}',
                  'permission denied: INSERT on docs.serial'),
                 ('grant insert, update on docs to {0}; grant select (mongo_id, name) on docs to {0}',
                  'permission denied: SELECT on docs.serial'))):
            role = f'column_loader_{number}'
            _, result = self.load(table + f'create role {role} login;' + grants.format(role), 'update', role,
                                  expect=1)
            self.assertIn(told, result.err)


class Routes(unittest.TestCase):
    def test_f6_routes_with_a_child_table_are_refused(self):
        work = Work(
            Postgres().fresh(), [{'_id': 1, 'kind': 'a', 'tags': ['x']}],
            job("{ 'kind', 'text' }",
                extra=CHILDREN + "route = { from = 'kind', tables = { a = 'docs_a', b = 'docs_b' } },"))
        result = work.run('--create', expect=1)
        self.assertIn('would share the child table tags', result.err)


if __name__ == '__main__':
    harness.main()
