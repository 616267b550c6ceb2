"""The same loads into PostgreSQL versions that Debian does not ship here, and into pgvector's own types."""
import struct
import unittest

import harness
import peer_postgres
from bson import ObjectId
from jobs import Work, job
from postgres import Postgres

TABLES = ('users', 'types', 'orders', 'ids', 'raw', 'log')


def contents(database):
    """Every loaded table as text, in the order of the key."""
    return {table: database.query(f'select t::text from "{table}" t order by mongo_id collate '
                                  '"C"') for table in TABLES}


class Versions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = {major: Postgres(binaries_of=peer_postgres.server(major))
                       for major in peer_postgres.INSTALLATIONS}
        cls.ours = Postgres()

    def load(self, database, *flags):
        return harness.lugger('run', 'mongo_to_postgres', '--from', harness.DATA / 'named' / 'dump', '--into',
                              database.url, *flags, expect=(0, 3))

    def test_s0_03_every_version_gets_the_same_rows(self):
        expected = self.ours.fresh()
        ours = self.load(expected)
        books = [ours.books(f'shop.{name}') for name in ('users', 'types')]
        for major, server in self.servers.items():
            with self.subTest(version=major):
                database = server.fresh()
                result = self.load(database)
                self.assertEqual([result.books(f'shop.{name}') for name in ('users', 'types')], books)
                self.assertEqual(contents(database), contents(expected))

    def test_s0_03_a_second_run_is_merged(self):
        for major, server in self.servers.items():
            with self.subTest(version=major):
                work = Work(server.fresh(), [{'_id': i, 'v': i, 'tags': ['a', 'b']} for i in range(500)],
                            job("{ 'v', 'int4' }, { 'tags', 'text[]' }", conflict='update'))
                self.assertEqual(work.run('--create').books()['inserted'], 500)
                work.documents([{'_id': i, 'v': i + i % 2, 'tags': ['a', 'b']} for i in range(600)])
                books = work.run().books()
                self.assertEqual((books['inserted'], books['updated'], books['unchanged']), (100, 250, 250))
                self.assertEqual(work.database.number('select sum(v) from docs'),
                                 sum(i + i % 2 for i in range(600)))

    def test_s0_03_rows_the_server_refuses(self):
        for major, server in self.servers.items():
            with self.subTest(version=major):
                database = server.fresh()
                database.query('create table docs (mongo_id text primary key, v int4 check (v <> 77))')
                work = Work(database, [{'_id': i, 'v': i} for i in range(200)], job("{ 'v', 'int4' }"))
                self.assertEqual(work.run(expect=3).books()['rejected'], 1)
                self.assertEqual(database.number('select count(*) from docs'), 199)

    def test_s1_13_types_of_pgvector(self):
        singles = [struct.unpack('<f', struct.pack('<f', x))[0] for x in (0.1, -1 / 3, 1e-30, 65504.0)]
        columns = ("{ 'v', 'vector(4)', from = 'e' }, { 'h', 'halfvec(4)', "
                   "from = 'e' }, { 's', 'sparsevec(4)', from = 'e' }, "
                   "{ 'b', 'bit(4)', from = 'flags' }")
        documents = [{'_id': 'good', 'e': singles, 'flags': [True, False, True, True]},
                     {'_id': 'nan', 'e': [0.5, float('nan'), 1.0, 1.0], 'flags': [True] * 4},
                     {'_id': 'short', 'e': [1.0], 'flags': [True] * 4},
                     {'_id': ObjectId('64f1c0a2b3c4d5e6f7a8b901')}]
        for major, server in self.servers.items():
            with self.subTest(version=major):
                database = server.fresh()
                database.query('create extension vector')
                work = Work(database, documents, job(columns))
                work.run('--create', expect=3)
                self.assertEqual(database.query("select encode(vector_send(v), 'hex') from docs "
                                                "where mongo_id = 'good'"),
                                 '00040000' + ''.join(struct.pack('>f', x).hex() for x in singles))
                self.assertEqual(database.query("select h, s, b from docs where mongo_id = 'good'"),
                                 database.query("select v::halfvec, v::sparsevec, '1011'::bit(4) from docs "
                                                "where mongo_id = 'good'"))
                self.assertEqual(sorted(r[0]
                                        for r in database.rows('select document_id from lugger.rejects')),
                                 ['nan', 'short'])
                work.lugger('verify', 'job.lua')
                for column, wrong in (('v', '[0.1,0,0,0]'), ('h', '[0.1,0,0,0]'), ('s', '{1:0.1}/4'),
                                      ('b', '0000')):
                    database.query(f"update docs set {column} = '{wrong}' where mongo_id = 'good'")
                    self.assertRegex(work.lugger('verify', 'job.lua', '--columns', column, expect=4).out,
                                     rf'    {column}(\[\d\])?: source')
                self.assertEqual(work.lugger('repair', 'job.lua', '--apply').status, 0)


if __name__ == '__main__':
    harness.main()
