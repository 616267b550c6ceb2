"""Every dump and export of tests/data, written by a real server, loads with each document accounted for."""
import gzip
import json
import os
import unittest

import bson
import harness
from harness import DATA, lugger
from jobs import Work, job
from postgres import Postgres

COLLECTIONS = ('empty', 'ids', 'log', 'orders', 'raw', 'types', 'users')


def documents_in(path):
    opener = gzip.open if str(path).endswith('.gz') else open
    with opener(path, 'rb') as file:
        return bson.count(file.read())


class Fixtures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def load_place(self, place, expected):
        """Loads a whole place with the bundled script; `expected` is documents by 'db.collection'."""
        database = self.server.fresh()
        result = lugger('run', 'mongo_to_postgres', '--from', place, '--into', database.url, '--create',
                        expect=(0, 3))
        all_books = {}
        for name, books in self.books_of(result).items():
            self.assertEqual(books['read'], sum(v for k, v in books.items() if k != 'read'), name)
            all_books[name] = books
        found = sorted(b['read'] for b in all_books.values())
        self.assertEqual(found, sorted(expected.values()), f'{place}\n{result!r}')
        rejects = database.number('select count(*) from '
                                  'lugger.rejects') if any(b['rejected'] for b in all_books.values()) else 0
        self.assertEqual(rejects, sum(b['rejected'] for b in all_books.values()))
        rows = sum(database.number(f'select count(*) from {table}') for table in self.tables(database))
        self.assertEqual(rows, sum(b['inserted'] for b in all_books.values()))
        return database, all_books

    @staticmethod
    def tables(database):
        return [row[0] for row in database.rows(
                    "select oid::regclass from pg_class where relkind = 'r' and relnamespace not in"
                    "(select oid from pg_namespace where nspname like 'pg_%' or nspname in"
                    "('information_schema', 'lugger'))")]

    @staticmethod
    def books_of(result):
        return harness.all_books(result.err)

    def test_n_03_named_dump(self):
        expected = {c: documents_in(DATA / f'named/dump/shop/{c}.bson') for c in COLLECTIONS}
        database, _ = self.load_place(DATA / 'named/dump', expected)
        self.assertEqual(database.number('select count(*) from users'), 60)
        self.assertEqual(
            database.query("select balance from users where mongo_id = 'a500000000000000000003e9'"), '1.25')

    def test_s0_22_named_dump_gzip(self):
        expected = {c: documents_in(DATA / f'named/dump-gzip/shop/{c}.bson.gz') for c in COLLECTIONS}
        plain, _ = self.load_place(DATA / 'named/dump', expected)
        packed, _ = self.load_place(DATA / 'named/dump-gzip', expected)
        for table in ('users', 'orders', 'ids', 'types', 'log'):
            sql = f"select md5(string_agg(t::text, '|' order by t.mongo_id)) from {table} t"
            self.assertEqual(plain.query(sql), packed.query(sql), table)

    def test_n_03_archive(self):
        for name in ('shop.archive', 'shop.archive.gz'):
            with self.subTest(name):
                database = self.server.fresh()
                listing = lugger('describe', DATA / 'named' / name, expect=0)
                for collection in ('users', 'orders', 'types'):
                    self.assertIn(f'shop.{collection}', listing.out)
                result = lugger('run', 'mongo_to_postgres', '--from', DATA / 'named' / name, '--into',
                                database.url, '--create', expect=(0, 3))
                self.assertNotIn('<>', result.err)
                self.assertEqual(database.number('select count(*) from users'), 60)
                self.assertEqual(database.query('select count(*), sum(visits) from users'),
                                 '60|1770000012390')

    def test_n_03_random_dumps(self):
        for name in ('random', 'random-v1', 'concurrent'):
            with self.subTest(name):
                folder = DATA / name / 'dump'
                expected = {p.stem: documents_in(p)
                            for p in folder.glob('*/*.bson') if not p.stem.startswith('system.')}
                database = self.server.fresh()
                # As dumped: test_oplog.py has what the oplog makes of it.
                result = lugger('run', 'mongo_to_postgres', '--from', folder, '--into', database.url,
                                '--create', '--oplog', 'no', expect=(0, 3))
                for job_name, books in self.books_of(result).items():
                    self.assertEqual(books['read'], sum(v for k, v in books.items() if k != 'read'), job_name)
                reads = {next((c for c in expected if c in n),
                              n): b['read'] for n, b in self.books_of(result).items()}
                for collection, count in expected.items():
                    self.assertEqual(reads.get(collection), count, f'{collection}\n{result!r}')


class Exports(unittest.TestCase):
    """The same collection as dump and as each kind of export gives the same rows."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def rows(self, path, collection, style):
        database = self.server.fresh()
        work = Work(database,
                    text=job(f"{{ 'doc', 'jsonb', from = '*', json = '{style}', nul = 'strip' }}",
                             source=path, collection=collection))
        result = work.run('--create', expect=(0, 3))
        books = result.books()
        self.assertEqual(books['read'], sum(v for k, v in books.items() if k != 'read'))
        return books, dict(database.rows('select mongo_id, doc from docs order by 1'))

    def test_s0_24_canonical_exports_equal_the_dump(self):
        for collection in ('users', 'types', 'ids'):
            dump, expected = self.rows(DATA / f'named/dump/shop/{collection}.bson', f'shop.{collection}',
                                       'canonical')
            for form in ('canonical', 'canonical-array'):
                with self.subTest(collection=collection, form=form):
                    books, rows = self.rows(DATA / f'named/export/{collection}.{form}.json',
                                            f'shop.{collection}', 'canonical')
                    self.assertEqual(books, dump)
                    self.assertEqual(rows.keys(), expected.keys())
                    for key in rows:
                        self.assertEqual(rows[key], expected[key], key)

    def test_s0_24_relaxed_exports_hold_every_document(self):
        for collection in ('users', 'types', 'ids'):
            dump, expected = self.rows(DATA / f'named/dump/shop/{collection}.bson', f'shop.{collection}',
                                       'plain')
            for form in ('relaxed', 'relaxed-array-pretty'):
                with self.subTest(collection=collection, form=form):
                    books, rows = self.rows(DATA / f'named/export/{collection}.{form}.json',
                                            f'shop.{collection}', 'plain')
                    self.assertEqual(books['read'], dump['read'])
                    self.assertEqual(set(rows), set(expected))

    def test_s0_24_canonical_text_is_what_mongoexport_writes(self):
        _, rows = self.rows(DATA / 'named/dump/shop/users.bson', 'shop.users', 'canonical')
        with open(DATA / 'named/export/users.canonical.json', encoding='utf-8') as file:
            for line in file:
                exported = json.loads(line)
                key = exported.pop('_id')['$oid']
                self.assertEqual(json.loads(rows[key]), exported)


class OneFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_standard_input(self):
        data = (DATA / 'named/dump/shop/users.bson').read_bytes()
        for name, given in (('plain', data), ('gzip', gzip.compress(data))):
            with self.subTest(name):
                work = Work(self.server.fresh(),
                            text=job("{ 'email', 'text' }", source='-', collection='shop.users',
                                     extra="unmapped = 'ignore',"))
                result = work.run('--create', input=given)
                self.assertEqual(result.books()['inserted'], 60)

    def test_gzip_of_one_file(self):
        work = Work(self.server.fresh(), text=job("{ 'email', 'text' }", extra="unmapped = 'ignore',"),
                    source='users.bson.gz')
        work.source.write_bytes(gzip.compress((DATA / 'named/dump/shop/users.bson').read_bytes()))
        self.assertEqual(work.run('--create').books()['inserted'], 60)

    def test_every_worker_count_reads_everything(self):
        source = DATA / 'concurrent/dump/rnd/alpha.bson'
        count = documents_in(source)
        for workers in (1, 2, 4):
            work = Work(self.server.fresh(),
                        text=job("{ 'doc', 'jsonb', from = '*', nul = 'strip' }", source=source,
                                 collection='rnd.alpha'))
            books = work.run('--create', '-j', workers, expect=(0, 3)).books()
            self.assertEqual(books['read'], count)
            self.assertEqual(work.database.number('select count(*) from docs'), books['inserted'])


if __name__ == '__main__':
    assert os.path.isdir(DATA)
    harness.main()
