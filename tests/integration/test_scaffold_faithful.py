"""A scaffold is never narrower than its source: unique indexes, references, dates among texts, edited
scripts, tables that exist."""
import json
from pathlib import Path

import bson
import harness
from bson import Date, Decimal128, Int64
from harness import lugger
from jobs import dump
from scaffolding import Case, oid


class Faithful(Case):
    def with_index(self, documents, key, name='c', **options):
        source = self.documents({name: documents})
        index = {'v': 2, 'key': key, 'name': 'i', 'unique': True, **options}
        (source / 'shop' / f'{name}.metadata.json').write_text(
            json.dumps({'indexes': [{'v': 2, 'key': {'_id': 1}, 'name': '_id_'}, index]}))
        self.scaffold(source)
        return self.text(f'{name}.lua')

    def test_f10_unique_over_a_field_and_an_array(self):
        script = self.with_index([{'_id': n, 'shop': 'a', 'tags': [f't{n}'], 'items': [{'sku': f's{n}'}]}
                                  for n in range(9)],
                                 {'tags': 1, 'shop': 1})
        self.assertNotIn('unique = true', script)
        self.assertIn('unique over all its fields together: not kept here', script)
        self.load()
        script = self.with_index([{'_id': n, 'shop': 'a', 'items': [{'sku': f's{n}'}]} for n in range(9)],
                                 {'items.sku': 1, 'shop': 1})
        self.assertNotIn('unique = true', script)
        self.load()

    def test_f10_unique_over_values_that_one_type_would_make_equal(self):
        cases = [[5, '5', *range(10, 60)], ['5', 5, *[f't{n}' for n in range(20)]],
                 [0.1, Decimal128('0.1'), Decimal128('2')],
                 [Date(0), '1970-01-01T00:00:00.000Z', Date(5), Date(6)], [True, 'true', False],
                 [oid(1), f'{1:024x}', oid(2)],
                 [{'a': 1, 'b': 2}, {'b': 2, 'a': 1}], [Int64(2**60 + 1), float(2**60), 7]]
        for values in cases:
            for path in ('v', 'in.v'):
                with self.subTest(values=values[:2], path=path):
                    documents = [{'_id': n, **({'v': value} if path == 'v' else {'in': {'v': value, 'x': n}})}
                                 for n, value in enumerate(values)]
                    self.with_index(documents, {path: 1})
                    database, result = self.load()
                    self.assertEqual(result.books()['inserted'], len(values))
                    self.assertEqual(database.number('select count(*) from c'), len(values))

    def test_f10_unique_with_a_condition_that_is_wider_here(self):
        documents = [{'_id': n, 'v': 1, **({'gone': None} if n else {})} for n in range(3)]
        script = self.with_index(documents, {'v': 1}, partialFilterExpression={'gone': {'$exists': False}})
        self.assertIn('not unique here', script)
        self.load()
        documents = [{'_id': 1, 'v': 1, 'n': 1}, {'_id': 2, 'v': 1, 'n': 1.5}]
        self.with_index(documents, {'v': 1}, partialFilterExpression={'n': {'$type': 'int'}})
        self.load()

    def test_f10_a_unique_index_stays_one_where_it_can(self):
        for path, documents in (('v', [{'_id': n, 'v': f't{n}'} for n in range(5)]),
                                ('in.v', [{'_id': n, 'in': {'v': n, 'w': 'x'}} for n in range(5)]),
                                ('v', [{'_id': 1, 'v': 5}, {'_id': 2, 'v': '5'}])):
            self.assertIn('unique = true', self.with_index(documents, {path: 1}))
            database, _ = self.load()
            self.assertEqual(database.number("select count(*) from pg_index i join pg_class c "
                                             "on c.oid = indexrelid where relname = 'c_i' and indisunique"),
                             1)

    def test_f10_a_dangling_reference_keeps_its_value(self):
        users = [{'_id': oid(n), 'name': f'u{n}'} for n in range(1, 41)]
        orders = [{'_id': n, 'user': oid(n % 40 + 1 if n != 7 else 999),
                   'all': [oid(1), oid(998 if n == 3 else 2)], 'good': oid(1 + n % 40)} for n in range(60)]
        self.scaffold(self.documents({'users': users, 'orders': orders}))
        script = self.text('orders.lua')
        self.assertIn("{ 'user_mongo_id', 'text', from = 'user', ref = 'users' }", script)
        self.assertIn("{ 'all_mongo_id', 'text[]', from = 'all', ref = 'users' }", script)
        self.assertNotIn('good_mongo_id', script)
        database, _ = self.load()
        self.assertEqual(database.query("select user_mongo_id from orders where mongo_id = '$n:7'"),
                         f'{999:024x}')
        self.assertEqual(database.query("select all_mongo_id from orders where mongo_id = '$n:3'"),
                         f'{{{1:024x},{998:024x}}}')
        self.assertEqual(database.number('select count(*) from orders o join users u on u.id = o.user_id'
                                         if "'user_id'" in script
                                         else 'select count(*) from orders o join users u '
                                              'on u.id = o."user"'),
                         59)

    def test_f10_one_date_among_texts(self):
        for odd in (Date(0), 7, True):
            documents = [{'_id': n, 'when': f'2026-01-{n % 28 + 1:02}' if odd != 7 else str(n)}
                         for n in range(59)] + [{'_id': 99, 'when': odd}]
            self.scaffold(self.documents({'c': documents}))
            self.assertRegex(self.text('c.lua'), r"'when', 'text'")
            self.assertRegex(self.text('c.lua'), r'1 \(1.7 %\)')
            database, _ = self.load()
            self.assertEqual(database.query("select \"when\" from c where mongo_id = '$n:3'"),
                             documents[3]['when'])

    def test_f10_texts_that_a_number_would_not_give_back_stay_texts(self):
        for odd, kept in (('.5', False), ('+2.5', False), ('01.5', False), ('-0.0', False), ('2.', False),
                          (' 2.5', False), ('2.50', True), ('-2.5', True)):
            documents = [{'_id': n, 'v': n + 0.5} for n in range(20)] + [{'_id': 99, 'v': odd}]
            self.scaffold(self.documents({'c': documents}))
            self.assertEqual("'v', 'numeric'" in self.text('c.lua'), kept, odd)
            database, _ = self.load()
            self.assertEqual(database.query("select v::text from c where mongo_id = '$n:99'").strip('"'), odd)

    def test_f10_odd_field_names_at_any_depth(self):
        item = {'order_id': 1, 'id': 2, 'parent_id': 3, 'ordinal': 4, 'ordinal_1': 5, 'x.y': 6, '': 7,
                'rest': 8}
        order = {'_id': 1, 'x.': [item], 'x.y': [{**item, 'lots': [{**item, 'deep': [item]}]}],
                 'n' * 70: [item], 'parcels': [{'lots': [item]}]}
        self.scaffold(self.documents({'order': [order], 'fine': [{'_id': 1}], 'order_x_y': [{'_id': 1}],
                                      'x.y': [order]}))
        database, result = self.load()
        self.assertEqual(database.number("select count(*) from pg_namespace where nspname like '%x'"), 0)
        self.assertNotIn('no column took', result.err)

    def test_f11_numbers_that_are_one_id(self):
        products = [{'_id': float(n), 'n': n} for n in range(40)]
        orders = [{'_id': n,
                   'product_id': [n % 40, Int64(n % 40), float(n % 40), Decimal128(f'{n % 40}.0')][n % 4],
                   'kind': {'product': n}} for n in range(80)]
        self.scaffold(self.documents({'products': products, 'orders': orders}))
        script = self.text('orders.lua')
        self.assertIn("fk = true", script)
        self.assertIn('all 80 are ids of shop.products', script)
        database, result = self.load()
        self.assertEqual(
            database.number('select count(*) from orders o join products p on p.id = o.product_id'), 80)
        lugger('refs', self.out / 'all.lua', cwd=self.dir, env={'PG_URI': database.url, 'MONGO_URI': 'dump'},
               expect=(0, 4))
        told = json.loads(lugger('describe', 'dump', '--full', '--references', '--no-trial', '--json',
                                 cwd=self.dir).out)
        checked = [r['checked'] for r in told['references'] if r['path'] == 'product_id']
        self.assertEqual([(c['values'], c['dangling']) for c in checked], [(80, 0)])


class Onto(Case):
    def onto(self, schema, collections, expect=0):
        self.dir = Path(harness.scratch())
        dump(self.dir, 'shop', collections)
        self.database = self.server.fresh()
        self.database.query(schema)
        self.out = self.dir / 'migrate'
        done = lugger('scaffold', 'dump', '--out', 'migrate', '--onto', self.database.url, cwd=self.dir,
                      expect=expect)
        self.assertEqual(self.database.query("select count(*) from pg_namespace "
                                             "where nspname like 'lugger_rehearsal%'"),
                         '0')
        return done

    def test_f10_what_onto_says_is_what_happens(self):
        schema = '''create type kind as enum ('admin', 'user'); create domain posint as int check (value > 0);
            create table refs (id int primary key);
            insert into refs select generate_series(0, 9);
            create table users (id uuid primary key, mongo_id text, kind kind, pos posint, ip inet,
              code char(3), u text unique, n serial,
              "full" text generated always as (u || '!') stored, ref_id int references refs (id),
              chk int check (chk > 5));'''
        users = [{'_id': oid(i), 'kind': 'guest' if i == 4 else 'admin', 'pos': i - 1,
                  'ip': '10.0.0.1' if i != 5 else 'nonsense', 'code': 'abc' if i != 2 else 'toolong',
                  'u': f'x{i if i != 7 else 6}', 'ref_id': i, 'chk': 9 if i != 8 else 1} for i in range(20)]
        done = self.onto(schema, {'users': users})
        before = self.database.query('select last_value, is_called from users_n_seq')
        self.assertEqual(self.database.number('select count(*) from users'), 0)
        self.assertEqual(before, '1|f')
        told = int(done.out.split('shop.users')[1].split('\n')[0].split()[-1])
        self.load_onto(told)
        for text in ('posint', 'nonsense', 'no row of refs has it', 'chk', 'users_u_key'):
            self.assertIn(text, done.err)
        self.assertNotIn('lugger_rehearsal', done.err + self.text('README.md'))

    def load_onto(self, told):
        result = lugger('run', 'migrate/all.lua', cwd=self.dir, env={'PG_URI': self.database.url},
                        expect=3 if told else 0)
        self.assertEqual(result.books()['rejected'], told, result)

    def test_f10_tables_that_refer_to_each_other(self):
        schema = '''create table users (id uuid primary key, mongo_id text);
            create table lines (id bigserial primary key, order_id uuid not null, position int,
            sku text not null);
            create table orders (id uuid primary key, user_id uuid references users (id));
            alter table lines add foreign key (order_id) references orders (id);'''
        users = [{'_id': oid(n)} for n in range(1, 5)]
        orders = [{'_id': n, 'user': oid(n + 1), 'lines': [{'sku': 'a'}, {'sku': None if n == 1 else 'b'}]}
                  for n in range(4)]
        done = self.onto(schema, {'users': users, 'orders': orders})
        told = int(done.out.split('shop.orders')[1].split('\n')[0].split()[-1])
        self.assertEqual(told, 1)
        result = lugger('run', 'migrate/all.lua', cwd=self.dir, env={'PG_URI': self.database.url}, expect=3)
        self.assertEqual(self.database.number('select count(*) from orders'), 3, result)

    def test_f10_without_the_right_to_try_it_is_said(self):
        self.dir = Path(harness.scratch())
        dump(self.dir, 'shop', {'users': [{'_id': oid(1), 'email': 'x'}]})
        self.database = self.server.fresh()
        name = self.database.query('select current_database()')
        self.database.query(f'''create table users (id uuid primary key, email text);
            create role limited_{name} login; grant select, insert on users to limited_{name};
            revoke create on database {name} from public;''')
        url = self.database.url.replace('user=postgres', f'user=limited_{name}')
        done = lugger('scaffold', 'dump', '--out', 'migrate', '--onto', url, cwd=self.dir)
        self.assertIn('rehearsed through the mapping alone', done.err)


if __name__ == '__main__':
    harness.main()
