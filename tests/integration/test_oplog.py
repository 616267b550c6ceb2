"""A dump and its oplog give what a real server had in the end: every value, every type, every order of
fields."""
import gzip
import json
import shutil
import unittest
from pathlib import Path

import archive
import bson
import harness
from harness import DATA, lua, lugger
from jobs import dump
from oplogs import final_documents, read
from postgres import Postgres


class Recorded(unittest.TestCase):
    maxDiff = 2000

    def check(self, place, collection, final, **options):
        found, result = read(place, collection, **options)
        expected = final_documents(final)
        self.assertEqual(len(found), len(expected), f'{collection}\n{result!r}')
        for one, other in zip(found, expected):
            self.assertEqual(one, other)
        self.assertIn('replayed the oplog', result.err)

    def test_s0_20_named_steps(self):
        for collection in ('users', 'orders', 'ids', 'types', 'log', 'steps', 'later', 'implicit', 'empty'):
            with self.subTest(collection):
                found, result = read(DATA / 'named/dump', f'shop.{collection}',
                                     oplog=str(DATA / 'named/oplog.bson'))
                self.assertEqual(found, final_documents(DATA / f'named/final/{collection}.json'), result)

    def test_n_03_random_operations(self):
        for name in ('random', 'random-v1'):
            for collection in ('alpha', 'beta'):
                with self.subTest(name, collection=collection):
                    self.check(DATA / name / 'dump', f'rnd.{collection}',
                               DATA / f'{name}/final/{collection}.json.gz',
                               oplog=str(DATA / name / 'oplog.bson'))

    def test_n_03_a_dump_taken_while_six_writers_ran(self):
        for collection in ('alpha', 'beta'):
            with self.subTest(collection):
                self.check(DATA / 'concurrent/dump', f'rnd.{collection}',
                           DATA / f'concurrent/expected/{collection}.json.gz')


    def test_n_03_each_way_a_dump_may_lie(self):
        """Directory, gzip with the oplog under its plain name, one database of it, archives plain and
        gzip."""
        room = Path(harness.scratch())
        source = DATA / 'random'
        oplog = gzip.decompress((source / 'oplog.bson').read_bytes())
        shutil.copytree(source / 'dump', room / 'dump')
        (room / 'dump/oplog.bson').write_bytes(oplog)
        (room / 'gz/rnd').mkdir(parents=True)
        shutil.copy(source / 'oplog.bson', room / 'gz/oplog.bson')
        parts = {}
        for name in ('alpha', 'beta'):
            data, metadata = (source / f'dump/rnd/{name}.bson').read_bytes(), (
                source / f'dump/rnd/{name}.metadata.json').read_bytes()
            (room / f'gz/rnd/{name}.bson.gz').write_bytes(gzip.compress(data))
            (room / f'gz/rnd/{name}.metadata.json.gz').write_bytes(gzip.compress(metadata))
            parts[f'rnd.{name}'] = (data, metadata.decode())
        parts['admin.system.version'] = (bson.encode({'_id': 'featureCompatibilityVersion'}), '{}')
        (room / 'rnd.archive').write_bytes(archive.archive(parts, oplog))
        (room / 'rnd.archive.gz').write_bytes(gzip.compress((room / 'rnd.archive').read_bytes()))
        for place in ('dump', 'gz', 'dump/rnd', 'gz/rnd', 'rnd.archive', 'rnd.archive.gz'):
            with self.subTest(place):
                self.check(room / place, 'rnd.alpha', source / 'final/alpha.json.gz')
        self.check(room / 'dump/rnd/beta.bson', 'rnd.beta', source / 'final/beta.json.gz', oplog=True)
        untouched, result = read(room / 'rnd.archive.gz', 'rnd.beta', oplog=False)
        self.assertEqual(len(untouched), len(archive.split(parts['rnd.beta'][0])))
        self.assertNotIn('oplog', result.err)

    def test_n_03_exports_and_standard_input(self):
        final = final_documents(DATA / 'named/final/users.json')
        oplog = str(DATA / 'named/oplog.bson')
        found, _ = read(DATA / 'named/export/users.canonical.json', 'shop.users', oplog=oplog)
        self.assertEqual(found, final)
        found, _ = read('-', 'shop.users', input=(DATA / 'named/dump/shop/users.bson').read_bytes(),
                        oplog=oplog)
        self.assertEqual(found, final)

    def test_every_number_of_workers_gives_the_same(self):
        big = Path(harness.scratch())
        documents = [{'_id': i, 'pad': 'x' * 2000, 'n': 0} for i in range(6000)]
        place = dump(big, 'shop', {'docs': documents})
        entries = []
        for i in range(0, 6500, 3):
            change = {'op': 'i', 'o': {'_id': i, 'n': 'new'}} if i % 2 else {
                'op': 'u', 'o': {'$v': 2, 'diff': {'u': {'n': i}}}, 'o2': {'_id': i}}
            entries.append({'ts': bson.Timestamp(1000 + i, 1), 'ns': 'shop.docs', **change})
            if i % 5 == 0:
                entries.append({'ts': bson.Timestamp(1000 + i, 2), 'ns': 'shop.docs', 'op': 'd',
                                'o': {'_id': i}})
        bson.write(place / 'oplog.bson', entries)
        one, _ = read(place, 'shop.docs')
        expected = {i for i in range(6000)} | {i for i in range(0, 6500, 3) if i % 2}
        self.assertEqual(len(one), len(expected - set(range(0, 6500, 15))))
        for jobs in (2, 4):
            self.assertEqual(read(place, 'shop.docs', jobs=jobs)[0], one)


class Loaded(unittest.TestCase):
    """The same into PostgreSQL, by the bundled script."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def load(self, database, place, *flags, expect=0):
        return lugger('run', 'mongo_to_postgres', '--from', place, '--into', database.url, *flags,
                      expect=expect)

    def test_s0_20_named_into_tables(self):
        database = self.server.fresh()
        result = self.load(database, DATA / 'named/dump', '--oplog', DATA / 'named/oplog.bson', '--columns',
                           'document', expect=(0, 3))
        tables = {row[0] for row in database.rows("select relname from pg_class where relkind = 'r' "
                                                  "and relnamespace = 'public'::regnamespace")}
        self.assertLessEqual({'users', 'orders', 'steps', 'later', 'implicit', 'log', 'empty'}, tables)
        self.assertFalse({'late', 'tmp_build'} & tables, 'renamed away')
        self.assertEqual(database.number('select count(*) from log'), 50,
                         'a capped collection keeps its newest')
        self.assertEqual(database.query('select min(mongo_id), max(mongo_id) from steps'),
                         '|'.join((min(self.steps()), max(self.steps()))))
        for name in ('users', 'orders', 'ids', 'log', 'steps', 'later', 'implicit'):
            self.same(database, name, DATA / f'named/final/{name}.json', f'shop.{name}')
        self.assertIn('left out as deleted', result.err)

    @staticmethod
    def steps():
        return [json.loads(line)['_id']
                for line in open(DATA / 'named/final/steps.json', encoding='utf-8') if line.strip()]

    def same(self, database, table, final, collection):
        """The table equals what the final state loads as."""
        text = f'''
            local lugger = require 'lugger'
            return lugger.copy {{
              from = lugger.source({lua(str(final))}, {{ collection = {lua(collection)} }}),
              into = lugger.target(lugger.env.PG_URI, {{ table = 'final_{table}' }}),
              columns = 'document',
            }}'''
        lugger('run', harness.script(text), '--create', env={'PG_URI': database.url}, expect=0)
        wrong = database.rows(f'select * from {table} a full join final_{table} b using (id) '
                              'where a.doc is distinct from b.doc'
                              ' or a.mongo_id is distinct from b.mongo_id')
        self.assertEqual(wrong, [], table)

    def test_n_03_concurrent_into_tables(self):
        database = self.server.fresh()
        self.load(database, DATA / 'concurrent/dump', '--columns', 'document', '-j', '2')
        for name in ('alpha', 'beta'):
            self.same(database, name, DATA / f'concurrent/expected/{name}.json.gz', f'rnd.{name}')
        again = self.load(database, DATA / 'concurrent/dump', '--columns', 'document')
        self.assertIn('unchanged', again.err)

    def test_typed_columns_see_the_oplog(self):
        database = self.server.fresh()
        self.load(database, DATA / 'named/dump', '--oplog', DATA / 'named/oplog.bson', '--only', 'orders',
                  expect=(0, 3))
        self.assertEqual(database.number('select count(*) from orders'), 130)
        before = self.server.fresh()
        self.load(before, DATA / 'named/dump', '--oplog', 'no', '--only', 'orders', expect=(0, 3))
        self.assertEqual(before.number('select count(*) from orders'),
                         bson.count((DATA / 'named/dump/shop/orders.bson').read_bytes()))


if __name__ == '__main__':
    harness.main()
