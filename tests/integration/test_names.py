"""Names of tables, keys, indexes and constraints: chosen once, kept apart, never cut by the server."""
import json
import random
import unittest
from pathlib import Path

import harness
from harness import lugger
from jobs import dump
from postgres import Postgres

USER_TABLES = ("select relname from pg_class where relkind = 'r' "
               "and relnamespace = 'public'::regnamespace order by 1")


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.dir = Path(harness.scratch())
        self.database = self.server.fresh()

    def run_script(self, *flags, expect=0, command='run'):
        return lugger(command, 'mongo_to_postgres', '--from', 'dump', '--into', self.database.url, *flags,
                      cwd=self.dir, expect=expect)

    def tables(self):
        return self.database.query(USER_TABLES).split('\n')

    def whole(self, collections):
        """Every document of every collection stands in a table of its own, with its keys."""
        tables = self.tables()
        self.assertEqual(len(tables), len(collections), tables)
        found = {}
        for table in tables:
            quoted = '"' + table.replace('"', '""') + '"'
            marks = self.database.query(f'select distinct mark from {quoted}').split('\n')
            self.assertEqual(len(marks), 1, (table, marks))
            found[marks[0]] = self.database.number(f'select count(*) from {quoted}')
            relation = ('public.' + quoted).replace("'", "''")
            keys = self.database.query(
                "select string_agg(contype::text, '' order by contype) from pg_constraint "
                f"where conrelid = '{relation}'::regclass and contype in ('p', 'u')")
            self.assertEqual(keys, 'pu', table)
        self.assertEqual(found, collections)
        return tables

    def dump(self, names, database='shop'):
        """Documents that say where they come from."""
        counts = {}
        for number, name in enumerate(names):
            rows = 2 + number % 3
            dump(self.dir, database, {name: [{'_id': n, 'mark': f'{database}.{name}'} for n in range(rows)]})
            counts[f'{database}.{name}'] = rows
        return counts

    def test_a3_a_dot_and_an_underscore(self):
        counts = self.dump(['order.items', 'order_items', 'order_items_2'])
        result = self.run_script()
        self.assertEqual(self.whole(counts), ['order_items', 'order_items_2', 'order_items_3'])
        self.assertEqual(self.database.query('select distinct mark from order_items'), 'shop.order_items')
        self.assertIn('order.items goes to the table order_items_3', result.err)

    def test_a3_several_databases(self):
        counts = {**self.dump(['users'], 'a'), **self.dump(['users', 'a_users'], 'b')}
        self.run_script()
        self.whole(counts)
        self.assertEqual(self.database.query('select distinct mark from a_users'), 'b.a_users')

    def test_a3_a_choice_of_collections_changes_no_name(self):
        self.dump(['order.items', 'order_items'])
        self.run_script('--only', 'order.items')
        self.assertEqual(self.tables(), ['order_items_2'])
        self.run_script('--except', 'order.items')
        self.assertEqual(self.tables(), ['order_items', 'order_items_2'])
        again = self.run_script()
        self.assertEqual(
            [again.books(f'shop.{name}')['unchanged'] for name in ('order.items', 'order_items')], [2, 3])

    def test_a3_long_names(self):
        stem = 'a' * 63
        counts = self.dump([stem + '_one', stem + '_two', 'é' * 40, 'é' * 41, '😀' * 17])
        self.run_script()
        for table in self.whole(counts):
            self.assertLessEqual(len(table.encode()), 63)
        again = self.run_script()
        self.assertIn('unchanged', again.err)
        self.assertEqual(lugger('verify', 'mongo_to_postgres', '--from', 'dump', '--into', self.database.url,
                                cwd=self.dir).status,
                         0)

    def test_a3_table_names_of_55_to_63_bytes_keep_their_keys(self):
        counts = self.dump(['t' * n for n in range(55, 64)] + ['ü' * 30, 'ü' * 31])
        self.run_script()
        self.whole(counts)

    def test_a3_odd_names(self):
        names = ['User', 'user', 'USER', 'select', 'order by', '1st', 'a"b', "it's", 'a-b', 'a_b', '-- x',
                 'x;drop', '😀', 'ünï', 'A.B', 'a.b.c', 'system_x', 'mongo_id', 'users', 'users_pkey',
                 'users_mongo_id_key', 'pg_class', 'rest', '%41', 'tab\tbed']
        counts = self.dump(names)
        self.run_script()
        self.whole(counts)

    def test_a3_random_names(self):
        rnd = random.Random(7)
        letters = ['a', 'A', '_', '.', 'é', '😀', '-', 'b' * 20, '_pkey', '_2', 'ab.c']
        for _ in range(3):
            self.setUp()
            names = set()
            while len(names) < 25:
                name = ''.join(rnd.choice(letters) for _ in range(rnd.randint(1, 6)))
                if len(name.encode()) < 120 and not name.startswith(('.', 'system.')):
                    names.add(name)
            counts = self.dump(sorted(names))
            self.run_script()
            self.whole(counts)

    def scaffold(self, *flags):
        return lugger('scaffold', 'dump', '--out', 'migrate', *flags, cwd=self.dir)

    def test_a3_scaffold_names_alike(self):
        stem = 'a' * 63
        counts = self.dump(['order.items', 'order_items', stem + '_one', stem + '_two', 'users', 'users_pkey',
                            'b' * 60, 'User', 'user'])
        index = '{"v": 2, "key": {"mark": 1}, "name": "%s"}'
        for name, named in (('order_items', 'pkey'), ('users', 'pkey'), ('b' * 60, 'mark_1'),
                            ('User', 'pkey'), ('user', 'pkey')):
            (self.dir / f'dump/shop/{name}.metadata.json').write_text(
                '{"indexes": [{"v": 2, "key": {"_id": 1}, "name": "_id_"}, %s]}' % (index % named))
        self.scaffold()
        lugger('run', 'migrate/all.lua', '--create', cwd=self.dir, env={'PG_URI': self.database.url})
        self.whole(counts)
        self.assertEqual(self.database.number("select count(*) from pg_indexes where schemaname = 'public' "
                                              "and indexdef like '%(mark)'"),
                         5)
        # The same objects by psql.
        other = self.server.fresh()
        for file in ('schema.sql', 'constraints.sql', 'indexes.sql'):
            other.query((self.dir / 'migrate' / file).read_text(encoding='utf-8'))
        objects = ("select relname, relkind from pg_class where relnamespace = 'public'::regnamespace "
                   "union all select conrelid::regclass || ' ' || conname,"
                   " contype from pg_constraint where connamespace = 'public'::regnamespace order by 1, 2")
        self.assertEqual(other.query(objects), self.database.query(objects))

    def job(self, table='docs', extra='',
            columns="{ 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', "
                    "from = '_id' }, { 'mark', 'text' }"):
        return f"""lugger.copy {{ from = lugger.source('dump', {{ collection = 'shop.x' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = '{table}', key = 'mongo_id', on_conflict = 'update' }}),
  columns = {{ {columns} }}, {extra} }}"""

    def refused(self, *jobs, command='plan'):
        self.dump(['x'])
        (self.dir / 'job.lua').write_text(
            "local lugger = require 'lugger'\nreturn { " + ', '.join(jobs) + ' }')
        result = lugger(command, 'job.lua', '--create', cwd=self.dir, env={'PG_URI': self.database.url},
                        expect=1)
        self.assertEqual(self.database.query(USER_TABLES), '')
        return result.err + result.out

    def hostile(self):
        """Collections, fields and indexes whose names mean something elsewhere.

        Arrays of documents are among the fields.
        """
        fields = {'x.': [{'a': 1}], 'x.y': [{'a': 1, 'b.c': [{'z': 1}]}], '': [{'q': 1}], '.': [{'q': 1}],
                  '..': 5, 'a"b': [{'"': 1}], "o'k": 1, 'q': {'': 1, '.': 2}, 'x[]': [{'a[]': [{'b': 1}]}],
                  '*': 1, '$a': 2, '-- x': 3, '\n': 4, '[]': 6, '\\': [{'k': 1}]}
        keys = (("o'k", 'a.b'), ('..', '"'), ('*', '_'), ('-- x', 'x' * 200), ('x..a', 'm'), ('q.', 'f'),
                ('$a', 'idx;drop'), ('\n', '\n'))
        indexes = [{'v': 2, 'key': {'_id': 1}, 'name': '_id_'}] + [
            {'v': 2, 'key': {key: 1}, 'name': name} for key, name in keys]
        names = ['plain', 'a.b', 'a"b', "o'k", 'x;drop table y', '-- x', 'UPPER', 'select', 'a\nb', 'a b',
                 'x.', 'x.y', '%', '[]', '*', '\\', 'x' * 100, '_', '0', 'a/b', 'all', 'lugger']
        for number, name in enumerate(names):
            documents = [{'_id': i, **fields} for i in range(2)]
            folder = dump(self.dir, 'shop', {f'c{number}': documents}) / 'shop'
            (folder / f'c{number}.metadata.json').write_text(json.dumps(
                {'collectionName': name, 'type': 'collection', 'options': {}, 'indexes': indexes}))
        return len(names)

    def test_c20_hostile_names_are_quoted_and_never_split(self):
        count = self.hostile()
        for flags in ((), ('--snake-case',)):
            with self.subTest(flags):
                out, database = f'out{len(flags)}', self.server.fresh()
                told = lugger('scaffold', 'dump', '--out', out, *flags, cwd=self.dir)
                self.assertNotIn('left out', told.err)
                env = {'PG_URI': database.url}
                lugger('run', f'{out}/all.lua', '--create', cwd=self.dir, env=env)
                schemas = database.query("select nspname from pg_namespace "
                                         "where nspname !~ '^pg_|^information' order by 1")
                self.assertEqual(schemas, 'lugger\npublic')
                tables = [table for table, in database.rows(USER_TABLES)]  # some hold a line break
                self.assertEqual(len(tables), 9 * count)
                for table in tables:
                    quoted = '"' + table.replace('"', '""') + '"'
                    self.assertGreaterEqual(database.number(f'select count(*) from {quoted}'), 2, table)
                lugger('verify', f'{out}/all.lua', cwd=self.dir, env=env)
                again = self.server.fresh()
                for name in ('schema.sql', 'indexes.sql', 'constraints.sql'):
                    again.query((self.dir / out / name).read_text())
                self.assertEqual([table for table, in again.rows(USER_TABLES)], tables)

    def test_a3_what_the_server_would_cut_is_refused_before_the_first_row(self):
        long = 'n' * 64
        for jobs in ([self.job(table=long)], [self.job(table=f'{long}.docs')],
                     [self.job(extra=f"indexes = {{ {{ 'mark', name = '{long}' }} }}")],
                     [self.job(extra=f"constraints = {{ {{ check = 'true', name = '{long}' }} }}")],
                     [self.job(extra=f"children = {{ {{ table = '{long}', from = 'a[]', columns = {{ {{ 'b', "
                                     f"'text' }} }} }} }}")]):
            with self.subTest(jobs[0]):
                self.assertIn('has 64 bytes, and PostgreSQL would cut it to 63',
                              self.refused(*jobs, command='run'))

    def test_a3_names_of_a_script_that_meet_are_refused(self):
        twice = "indexes = { { 'mark', name = 'same' }, { 'mongo_id', name = 'same' } }"
        self.assertIn('the name same is given twice', self.refused(self.job(extra=twice)))
        self.assertIn('the table docs_pkey has the name that the key of docs gets',
                      self.refused(self.job(), self.job(table='docs_pkey')))

    def test_a3_names_that_something_else_has_are_refused_by_plan(self):
        self.database.query('create view docs_pkey as select 1; create table other (a int); '
                            'create index by_mark on other (a)')
        self.dump(['x'])
        (self.dir / 'job.lua').write_text("local lugger = require 'lugger'\nreturn "
                                          + self.job(extra="indexes = { { 'mark', name = 'by_mark' } }"))
        result = lugger('run', 'job.lua', '--create', cwd=self.dir, env={'PG_URI': self.database.url},
                        expect=1)
        self.assertRegex(result.err,
                         'docs_pkey, which an index of it is to have, is taken by another table or view')
        self.assertRegex(result.err,
                         'by_mark, which an index of it is to have, is taken by an index of other')
        self.assertEqual(self.tables(), ['other'])

    def test_a3_derived_names_of_indexes_and_constraints_stay_apart(self):
        long = 'c' * 60
        columns = (
            "{ 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', from = '_id' }, { 'mark', 'text' },"
            f" {{ '{long}1', 'text' }}, {{ '{long}2', 'text' }}, {{ 'a-b', 'text' }}, {{ 'a b', 'text' }}")
        extra = (f"indexes = {{ {{ '{long}1' }}, {{ '{long}2' }}, {{ 'a-b' }}, {{ 'a b' }} }}, "
                 "unmapped = 'ignore',"
                 f" constraints = {{ {{ unique = {{ '{long}1' }} }}, {{ unique = {{ '{long}2' }} }}, "
                 f"{{ check = 'true' }} }}")
        self.dump(['x'])
        (self.dir / 'job.lua').write_text("local lugger = require 'lugger'\nreturn " + self.job(
                                              table='t' * 62, columns=columns, extra=extra))
        lugger('run', 'job.lua', '--create', cwd=self.dir, env={'PG_URI': self.database.url})
        self.assertEqual(self.database.number("select count(*) from pg_index i join pg_class c "
                                              "on c.oid = i.indexrelid where relnamespace = "
                                              "'public'::regnamespace"),
                         8)
        self.assertEqual(self.database.number("select count(*) from pg_constraint where connamespace = "
                                              "'public'::regnamespace"),
                         5)
        again = lugger('run', 'job.lua', cwd=self.dir, env={'PG_URI': self.database.url})
        self.assertNotIn('creating', again.err)


if __name__ == '__main__':
    harness.main()
