"""lugger scaffold --onto: maps to tables that exist, and says what does not fit."""
import unittest
from pathlib import Path

import harness
from bson import Date, ObjectId
from harness import lugger
from jobs import dump
from postgres import Postgres

ORM = '''
create table users (
  id uuid primary key default gen_random_uuid(), mongo_id text unique, email text not null, age integer,
  created_at timestamptz, tenant text not null, nickname text, data jsonb);
create table order_items (
  id bigint generated always as identity primary key, order_id uuid not null references users (id),
  position integer, sku text);
create table orders (id uuid primary key, user_id uuid references users (id), total numeric(8,2));
alter table order_items drop constraint order_items_order_id_fkey;
alter table order_items add foreign key (order_id) references orders (id);
'''


def oid(number):
    return ObjectId(f'{number:024x}')


class Onto(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def scaffold(self, schema, collections, *flags):
        self.dir = Path(harness.scratch())
        dump(self.dir, 'shop', collections)
        self.database = self.server.fresh()
        self.database.query(schema)
        self.before = self.database.query(CATALOG)
        done = lugger('scaffold', 'dump', '--out', 'migrate', '--onto', self.database.url, *flags,
                      cwd=self.dir)
        self.assertEqual(self.database.query(CATALOG), self.before, 'the tables were changed')
        return done

    def script(self, name):
        return (self.dir / 'migrate' / name).read_text(encoding='utf-8')

    def load(self, expect=0):
        return lugger('run', 'migrate/all.lua', cwd=self.dir, env={'PG_URI': self.database.url},
                      expect=expect)

    def test_an_orms_tables(self):
        users = [{'_id': oid(n), 'email': f'{n}@x', 'age': n, 'createdAt': Date(0), 'tenant': 't',
                  'plan': {'a': n}, 'legacy': True} for n in range(1, 9)]
        orders = [{'_id': n, 'user': oid(n), 'total': 9.5, 'items': [{'sku': 'a'}, {'sku': 'b'}]}
                  for n in range(1, 5)]
        done = self.scaffold(ORM, {'users': users, 'orders': orders, 'logs': [{'_id': 1}]})
        script = self.script('users.lua')
        self.assertIn("{ 'created_at', 'timestamp with time zone', from = 'createdAt' }", script)
        self.assertIn("{ 'data', 'jsonb', from = '*'", script)
        self.assertIn('takes plan, legacy', script)
        self.assertIn('no field fills nickname', script)
        self.assertIn('shop.logs: no table is called like it', done.err)
        self.assertFalse((self.dir / 'migrate' / 'schema.sql').exists())
        self.load()
        self.assertEqual(
            self.database.number('select count(*) from orders o join users u on u.id = o.user_id'), 4)
        self.assertEqual(self.database.query("select string_agg(sku, ',' order by order_id, position) "
                                             "from order_items"),
                         'a,b,a,b,a,b,a,b')
        self.assertEqual(self.database.query("select data->'plan'->>'a' from users where email = '3@x'"), '3')

    def test_what_does_not_fit_is_said(self):
        users = [{'_id': oid(n), 'email': f'{n}@x', 'age': n if n != 4 else 'old', 'extra': 1}
                 for n in range(1, 9)]
        del users[2]['email']
        schema = (
            '''create table "User" (id uuid primary key, email text not null, age integer,
                tenant text not null);''')
        done = self.scaffold(schema, {'users': users})
        for text in ('email is NOT NULL there', f'{3:024x}', 'User.tenant is NOT NULL without a default',
                     'no column of User takes extra', 'cannot read "old" as int4', f'{4:024x}'):
            self.assertIn(text, done.err)
        self.database.query('alter table "User" alter tenant drop not null')
        result = self.load(expect=3)
        self.assertEqual(result.books()['rejected'], 2)
        self.assertEqual(self.database.number('select count(*) from "User"'), 6)

    def test_serial_ids_and_a_table_without_a_key(self):
        self.scaffold('create table users (id serial primary key, email text); '
                      'create table shop_logs (msg text)',
                      {'users': [{'_id': 1, 'email': 'x'}]})
        self.assertIn('without a key', self.script('users.lua'))
        self.load()
        self.assertEqual(self.database.query('select id, email from users'), '1|x')

    def test_another_schema(self):
        self.scaffold('create schema app; create table app.users (id text primary key, email varchar(5))',
                      {'users': [{'_id': oid(1), 'email': 'x'},
                                 {'_id': oid(2), 'email': 'longer than five'}]})
        self.assertIn("table = 'app.users'", self.script('users.lua'))
        self.load(expect=3)
        self.assertEqual(self.database.query('select id from app.users'), f'{1:024x}')

    def test_no_such_database(self):
        self.dir = Path(harness.scratch())
        dump(self.dir, 'shop', {'users': [{'_id': 1}]})
        done = lugger('scaffold', 'dump', '--out', 'migrate', '--onto', 'local:./nothing', cwd=self.dir,
                      expect=1)
        self.assertIn('no private server', done.err)
        self.assertFalse((self.dir / 'migrate').exists())
        self.assertFalse((self.dir / 'nothing').exists())


CATALOG = '''select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull from pg_class c
    join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace not in (select oid from pg_namespace
      where nspname ~ '^pg_' or nspname = 'information_schema') order by 1, a.attnum'''

if __name__ == '__main__':
    harness.main()
