"""lugger scaffold: what it writes loads every document unedited, and says why it is as it is."""
import json
import os
import random
import re
import shutil
from pathlib import Path

import bson
import harness
from bson import Binary, Date, Decimal128, Int64, Regex, Timestamp
from harness import DATA, lugger
from jobs import dump
from scaffolding import Case, oid

ANN, BOB, GONE = '64f1c0a1b2c3d4e5f6071829', '64f1c0a1b2c3d4e5f607182a', '64f1c0a1b2c3d4e5f60718ff'


class Loads(Case):
    """Unedited, over the same source: every document, nothing refused that the scaffold did not tell."""

    def check(self, source, *flags):
        self.dir = Path(harness.scratch())
        done = self.scaffold(source, *flags)
        database, result = self.load(expect=(0, 3))
        told = re.findall(r'(?m)^(\S+) +\S+ +[\d,]+ +\d+ +\d+ +([\d,]+)$', done.out)
        told = {name.split('.', 1)[-1]: int(count.replace(',', '')) for name, count in told}
        found = harness.all_books(result.err)
        self.assertEqual(len(found), len(told), f'{done!r}\n{result!r}')
        for name, books in found.items():
            self.assertEqual(books['rejected'],
                             told[name.split(' -> ')[0].removesuffix('.json').split('.', 1)[-1]],
                             f'{done!r}\n{result!r}')
            self.assertEqual(books['read'], books['inserted'] + books['rejected'], name)
            self.assertNotIn('no column took', result.err)
        return database, sum(told.values()), done

    def test_s0_08_named_dump(self):
        for place in ('named/dump', 'named/dump-gzip', 'named/shop.archive'):
            with self.subTest(place):
                database, refused, done = self.check(DATA / place)
                # ids has a text with a NUL as _id, which no id text can be made of; raw holds what is
                # not valid.
                self.assertLessEqual(refused, 2, repr(done))
                self.assertEqual(database.number('select count(*) from users'), 60)

    def test_s0_08_random_dumps(self):
        for name in ('random', 'random-v1', 'concurrent'):
            with self.subTest(name):
                _, refused, done = self.check(DATA / name / 'dump')
                self.assertEqual(refused, 0, repr(done))

    def test_s0_08_exports(self):
        database, refused, _ = self.check(DATA / 'named/export/users.canonical.json')
        self.assertEqual((refused, database.number('select count(*) from users_canonical')), (0, 60))

    def test_s0_08_random_documents(self):
        for seed in range(6):
            with self.subTest(seed=seed):
                self.dir = Path(harness.scratch())
                source = dump(self.dir, 'rnd', {'things': Documents(seed).list(120)})
                done = self.scaffold(source)
                database, result = self.load(expect=0)
                self.assertEqual(result.books()['inserted'], 120, repr(done))
                self.assertNotIn('no column took', result.err)
                self.assertEqual(database.number('select count(*) from things'), 120)


class Documents:
    """Documents of fields that are mostly, but not always, of one type."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.fields = {
            f'{self.random.choice("aBcDé")}{n}': self.random.choice(self.makers()) for n in range(12)}

    def makers(self):
        r = self.random
        number = lambda: r.choice([r.randint(-9, 9), Int64(r.randint(-2**62, 2**62)), r.random(),
                                   float('nan'), Decimal128('1.50')])
        text = lambda: r.choice(['', 'x', '12', '12.5', 'a\0b', '2026-01-05T10:00:00Z',
                                 'é' * r.randint(0, 9), 'true'])
        moment = lambda: Date(r.choice([0, 1773221400123, -1, 2**60]))
        scalar = lambda: r.choice([number, text, moment, lambda: r.random() < 0.5, lambda: None,
                                   lambda: oid(r.randint(1, 99)), lambda: Binary(b'abc', r.choice([0, 3, 5])),
                                   lambda: Regex('^a', 'i'), lambda: Timestamp(1, 2)])()
        item = lambda: {'sku': text(), 'qty': r.randint(1, 9), 'tags': [text()], 'more': [{'n': number()}]}
        return [lambda: r.randint(0, 100), number, text, moment, scalar,
                lambda: [r.randint(0, 5)] * r.randint(0, 3),
                lambda: [scalar() for _ in range(r.randint(0, 3))],
                lambda: [item() for _ in range(r.randint(0, 3))],
                lambda: {'city': text(), 'zip': r.choice([r.randint(1, 9), '7'])},
                lambda: {r.choice('xyz$.é') + str(r.randint(0, 999)): 1},
                lambda: float(r.randint(0, 9)), lambda: r.choice([0.25, 9.99])]

    def list(self, count):
        out = []
        for number in range(count):
            document = {'_id': self.random.choice([number, oid(number), f'k{number}'])}
            for name, make in self.fields.items():
                if self.random.random() < 0.9:
                    document[name] = make() if self.random.random() < 0.97 else self.random.choice(
                        self.makers())()
            out.append(document)
        return out


class Golden(Case):
    def test_the_shop_is_written_as_it_was(self):
        """LUGGER_GOLDEN=1 writes the files anew."""
        self.dir = Path(harness.scratch())
        shutil.copytree(DATA / 'named/dump', self.dir / 'dump')
        self.scaffold('dump', '--snake-case', out=Path('migrate'))
        golden = harness.ROOT / 'tests' / 'golden' / 'scaffold'
        if os.environ.get('LUGGER_GOLDEN'):
            shutil.rmtree(golden, ignore_errors=True)
            shutil.copytree(self.dir / 'migrate', golden)
        names = sorted(p.name for p in golden.iterdir())
        self.assertEqual(sorted(p.name for p in (self.dir / 'migrate').iterdir()), names)
        for name in names:
            with self.subTest(name):
                self.assertEqual((self.dir / 'migrate' / name).read_text(encoding='utf-8'),
                                 (golden / name).read_text(encoding='utf-8'))


class Choices(Case):
    def test_s0_10_documents_and_s0_11_arrays(self):
        source = self.documents({'orders': [{'_id': 1, 'address': {'city': 'Oslo'}, 'tags': ['a', 'b'],
                                             'lines': [{'sku': 'x', 'qty': 1}, {'sku': 'y', 'qty': 2}]},
                                            {'_id': 2, 'address': {'city': 'Rome', 'zip': 7}, 'tags': [],
                                             'lines': []}]})
        self.scaffold(source)
        script = self.text('orders.lua')
        self.assertIn("{ 'address', 'jsonb', json = 'typed' }", script)
        self.assertIn("{ 'tags', 'text[]' }", script)
        self.assertIn("table = 'order_lines', from = 'lines[]', parent = { 'order_id' }", script)
        database, _ = self.load()
        self.assertEqual(database.query("select string_agg(sku || qty, ',' order by ordinal) "
                                        "from order_lines l join orders o on o.id = l.order_id"
                                        " where o.mongo_id = '$n:1'"),
                         'x1,y2')
        self.assertEqual(database.query("select address->>'city', tags from orders where mongo_id = '$n:2'"),
                         'Rome|{}')

    def test_minorities_are_named_with_their_documents(self):
        users = [{'_id': oid(n), 'age': n, 'code': 'x'} for n in range(1, 61)]
        users[6]['age'], users[9]['age'], users[3]['code'] = 'n/a', 'old', 7
        self.scaffold(self.documents({'users': users}))
        script = self.text('users.lua')
        self.assertRegex(script, r"string \(0{22}07, 0{23}a\)|strings?.*0{22}07")
        self.assertIn("on_error = 'null'", script)
        self.assertRegex(script, r"'age', 'jsonb'")
        self.assertRegex(script, r"'code', 'text'")
        database, _ = self.load()
        self.assertEqual(database.query("select jsonb_typeof(age), count(*) from users "
                                        "group by 1 order by 1"),
                         'number|58\nstring|2')

    def test_s0_13_not_null_comes_later(self):
        users = [{'_id': n, 'email': f'{n}@x', 'name': 'x', 'items': [{'sku': 'a'}]} for n in range(1, 9)]
        del users[3]['name']
        source = self.documents({'users': users})
        self.scaffold(source)
        self.assertNotIn('"email" text NOT NULL', self.text('schema.sql'))
        self.assertIn("not_null = { 'email' }", self.text('users.lua'))
        constraints = self.text('constraints.sql')
        self.assertRegex(constraints, r'(?s)NOT VALID.*VALIDATE.*"email" SET NOT NULL')
        self.assertNotIn('"name" SET NOT NULL', constraints)
        self.assertRegex(constraints, r'"user_items".*\n?.*"sku"')
        database = self.server.fresh()
        database.query(self.text('schema.sql'))
        self.assertEqual(database.query("select attnotnull from pg_attribute where attrelid = "
                                        "'users'::regclass and attname = 'email'"),
                         'f')
        lugger('run', self.out / 'users.lua', '--stage', 'load', cwd=self.dir, env={'PG_URI': database.url})
        database.query(self.text('constraints.sql'))
        database.query(self.text('indexes.sql'))
        self.assertEqual(database.query("select attname from pg_attribute where attrelid = 'users'::regclass "
                                        "and attnotnull and attnum > 0 order by 1"),
                         'email\nid\nmongo_id')

    def test_s0_17_the_table_of_the_article(self):
        """id uuid primary key default gen_random_uuid(), mongo_id text unique not null, NOT NULL up
        front on request."""
        at = Date(1773221400000)
        users = [{'_id': oid(n), 'email': f'{n}@x', 'name': 'n' if n % 2 else None, 'metadata': {'a': n},
                  'createdAt': at, 'updatedAt': at} for n in range(1, 9)]
        self.scaffold(self.documents({'users': users}), '--snake-case', '--not-null', 'now')
        database = self.server.fresh()
        database.query(self.text('schema.sql'))
        found = database.query('''select attname, format_type(atttypid, atttypmod), attnotnull,
            pg_get_expr(adbin, adrelid) from pg_attribute
            left join pg_attrdef on adrelid = attrelid and adnum = attnum where attrelid = 'users'::regclass
              and attnum > 0 order by attnum''')
        self.assertEqual(found.split('\n'),
                         ['id|uuid|t|gen_random_uuid()', 'mongo_id|text|t|', 'email|text|t|', 'name|text|f|',
                          'metadata|jsonb|t|', 'created_at|timestamp with time zone|t|',
                          'updated_at|timestamp with time zone|t|'])
        self.assertEqual(database.query("select contype from pg_constraint where conrelid = "
                                        "'users'::regclass and contype in ('p', 'u') order by 1"),
                         'p\nu')
        self.load(database=database)
        self.assertEqual(database.number('select count(*) from users'), 8)

    def test_s0_19_documents_that_lack_a_field_are_counted(self):
        users = [{'_id': oid(n), 'email': f'{n}@x'} for n in range(1, 9)]
        del users[2]['email']
        source = self.documents({'users': users})
        self.scaffold(source)
        self.assertNotIn('not_null', self.text('users.lua'))
        script = self.text('users.lua').replace("{ 'email', 'text' }", "{ 'email', 'text', required = true }")
        (self.out / 'users.lua').write_text(script, encoding='utf-8')
        _, result = self.load('users.lua', expect=3)
        self.assertEqual(result.books()['rejected'], 1)

    def test_s0_16_tenants_and_s0_78_shapes_are_the_users_decision(self):
        events = [{'_id': n, 'tenantId': f't{n % 3}', 'type': 'card' if n % 2 else 'bank',
                   **({'pan': '1'} if n % 2 else {'iban': 'x'})} for n in range(60)]
        self.scaffold(self.documents({'payments': events}))
        script = self.text('payments.lua')
        self.assertIn('tenantId looks like a tenant: 3 of them', script)
        self.assertRegex(script, r"-- route = \{ from = 'type'")
        self.assertRegex(script, r'type tells which fields a document has')
        live = re.sub(r"(?m)^  -- (route = |  otherwise)", r'  \1', script)
        self.assertNotEqual(live, script)
        self.assertIn("table = 'payments', name = 'payments_mongo_id_key'", script)
        (self.out / 'payments.lua').write_text(live, encoding='utf-8')
        database, _ = self.load('payments.lua')
        self.assertEqual(database.query('select (select count(*) from payments_card), '
                                        '(select count(*) from payments_bank)'),
                         '30|30')

    def test_s0_50_every_mapped_column_is_updated(self):
        source = self.documents({'users': [{'_id': 1, 'email': 'a', 'name': 'x', 'age': 1}]})
        self.scaffold(source)
        database, _ = self.load()
        bson.write(source / 'shop' / 'users.bson', [{'_id': 1, 'email': 'b', 'name': 'y', 'age': 2}])
        _, result = self.load(database=database)
        self.assertEqual(result.books()['updated'], 1)
        self.assertEqual(database.query('select email, name, age from users'), 'b|y|2')

    def test_a_sample_proves_nothing(self):
        self.scaffold(self.documents({'users': [{'_id': n, 'email': 'x'} for n in range(500)]}), '--sample',
                      '50')
        script = self.text('users.lua')
        self.assertNotIn('not_null', script)
        self.assertIn("{ 'rest', 'jsonb', from = '*'", script)
        self.assertIn('a sample of', script)


class References(Case):
    def test_s0_15_references_become_ref(self):
        users = [{'_id': oid(n), 'name': f'u{n}'} for n in range(1, 41)]
        posts = [{'_id': n, 'author': oid(n % 40 + 1), 'editor': oid(n % 40 + 1 if n else 999),
                  'readers': [oid(1), oid(2)], 'reviewer': {'$ref': 'users', '$id': oid(3)}, 'size': n % 40}
                 for n in range(60)]
        self.scaffold(self.documents({'users': users, 'posts': posts}))
        script = self.text('posts.lua')
        self.assertRegex(script,
                         r"\{ 'author', 'uuid', ref = 'users', fk = true \}, -- all 60 are ids of shop.users")
        self.assertRegex(script, r"\{ 'editor', 'uuid', ref = 'users' \}")
        self.assertIn('1 of 60 are not ids of shop.users', script)
        self.assertRegex(script, r"\{ 'readers', 'uuid\[\]', ref = 'users' \}")
        self.assertRegex(script, r"\{ 'reviewer', 'uuid', ref = 'users' \}")
        self.assertNotRegex(script, r"'size', 'uuid'")
        database, _ = self.load()
        self.assertEqual(database.number('select count(*) from posts p join users u on u.id = p.author'), 60)
        self.assertEqual(database.number('select count(*) from posts p join users u on u.id = p.reviewer'),
                         60)
        self.assertEqual(database.query("select conname from pg_constraint where contype = 'f' "
                                        "and conrelid = 'posts'::regclass"),
                         'posts_author_fkey')
        self.scaffold(self.dir / 'dump', '--schema', 'app', '--snake-case', '--force', 'posts.lua')
        self.assertIn("ref = { collection = 'users', table = 'app.users' }", self.text('posts.lua'))
        database, _ = self.load()
        self.assertEqual(
            database.number('select count(*) from app.posts p join app.users u on u.id = p.author'), 60)

    def test_s0_77_every_index_is_there_or_named(self):
        self.dir = Path(harness.scratch())
        self.scaffold(DATA / 'named/dump', '-c', 'shop.users')
        sql = self.text('indexes.sql')
        metadata = json.loads((DATA / 'named/dump/shop/users.metadata.json').read_text())
        for index in metadata['indexes']:
            if index['name'] != '_id_':
                self.assertIn(index['name'], sql)
        self.assertIn('CREATE UNIQUE INDEX CONCURRENTLY', sql)
        self.assertIn('no equivalent', sql)
        database, _ = self.load()
        built = database.number("select count(*) from pg_indexes where tablename = 'users'")
        self.assertGreaterEqual(built, 6)


if __name__ == '__main__':
    harness.main()
