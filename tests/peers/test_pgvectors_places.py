"""What PGVecto.rs holds and others do not, and the other way round: NaN, dimensions, int8, another store;
types are known by what they belong to, whatever the search_path says. Against the double."""
import struct
import subprocess
import unittest
from pathlib import Path

import harness
import vectors
from pgvectors import PgVectors
from weaviate import live_weaviate

NAN, INF = 0x7FC00000, 0x7F800000


class Places(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors()

    def setUp(self):
        self.directory = Path(harness.scratch())

    def lugger(self, *words, expect=0, **env):
        return harness.lugger(*words, cwd=self.directory, env=env, expect=expect)

    def copy(self, name, from_, into, columns):
        (self.directory / f'{name}.lua').write_text(
            f"local lugger = require 'lugger'\nreturn lugger.copy {{ name = '{name}', from = {from_}, "
            f'into = {into}, columns = {columns} }}', encoding='utf-8')
        return f'{name}.lua'

    def stored(self, database, sql):
        file = self.directory / 'stored.copy'
        subprocess.run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database.url, '-c',
                        f"\\copy ({sql}) to '{file}' with (format binary)"], check=True)
        return vectors.copied(file.read_bytes())

    table = "lugger.source(lugger.env.SOURCE, { table = 'docs', key = 'id' })"
    other = "lugger.target(lugger.env.TARGET, { table = 'docs', key = 'id' })"

    def test_s1_14_nan_and_infinity_are_held_there_and_refused_elsewhere(self):
        source, target = self.server.fresh(schema=None), self.server.fresh()
        source.query("create table docs (id int primary key, v vectors.vector(2), h vectors.vecf16(2));"
                     "insert into docs values (1, '[NaN,1]', '[1,inf]'), (2, '[inf,-inf]', '[NaN,0]'), "
                     "(3, '[1,2]', '[3,4]')")
        names = "{ { 'id', 'int4' }, { 'v', 'vector(2)' %s }, { 'h', 'halfvec(2)' %s } }"
        env = {'SOURCE': source.url, 'TARGET': target.url}
        refused = self.copy('refused', self.table, self.other, names % ('', ''))
        done = self.lugger('run', refused, '--create', expect=3, **env)
        self.assertEqual((done.books()['inserted'], done.books()['rejected']), (1, 2))
        target.query('drop table docs')
        null = ", non_finite = 'null'"
        self.lugger('run', self.copy('null', self.table, self.other, names % (null, null)), '--create', **env)
        self.assertEqual(target.number('select count(*) from docs where v is null and h is null'), 2)
        # The same type holds them: columns() keeps them, also through a file.
        out = self.copy('out', 'from', "lugger.target('docs.jsonl', { table = 'docs', key = 'id' })",
                        'from:columns()')
        text = (self.directory / out).read_text().replace('return', f'local from = {self.table}\nreturn')
        (self.directory / out).write_text(text)
        self.lugger('run', out, **env)
        types = "{ { 'id', 'int4' }, { 'v', 'vectors.vector(2)', non_finite = 'keep' }, " \
                "{ 'h', 'vectors.vecf16(2)', non_finite = 'keep' } }"
        again = self.copy('again', "lugger.source('docs.jsonl', { style = 'plain' })",
                          "lugger.target(lugger.env.SOURCE, { table = 'again', key = 'id' })", types)
        self.lugger('run', again, '--create', **env)
        self.assertEqual(source.query('select * from again order by id'),
                         source.query('select * from docs order by id'))
        self.lugger('verify', again, **env)

    def test_s1_14_dimensions_are_held_against_the_type(self):
        """The server would take any."""
        target = self.server.fresh(schema=None)
        (self.directory / 'docs.jsonl').write_text(
            '{"id": 1, "v": [1, 2], "w": [1]}\n{"id": 2, "v": [1, 2, 3], "w": [2]}\n'
            f'{{"id": 3, "v": [1, 2], "w": {[1] * 65535}}}\n{{"id": 4, "v": [1, 2], "w": {[1] * 65536}}}\n')
        lines = "lugger.source('docs.jsonl', { style = 'plain' })"
        job = self.copy('job', lines, self.other,
                        "{ { 'id', 'int4' }, { 'v', 'vectors.vector(2)' }, { 'w', 'vectors.vecf16' } }")
        self.lugger('run', job, '--create', expect=3, TARGET=target.url)
        self.assertEqual(target.query('select id, vectors._vectors_vecf16_dims(w) from docs order by id'),
                         '1|1\n3|65535')
        loose = self.copy('loose', lines, self.other, "{ { 'id', 'int4' }, { 'v', 'vectors.vector' } }")
        self.assertIn('write the dimensions into the mapping',
                      self.lugger('plan', loose, expect=1, TARGET=target.url).err)
        wide = self.copy('wide', lines, self.other, "{ { 'id', 'int4' }, { 'v', 'vectors.vector(3)' } }")
        self.assertIn('no vector would fit', self.lugger('plan', wide, expect=1, TARGET=target.url).err)

    def test_s2_26_int8_is_read_as_what_it_stands_for(self):
        source, target = self.server.fresh(vectors='0.3.0'), self.server.fresh()
        source.query("create table docs (id int primary key, v vectors.veci8(4)); "
                     "insert into docs select i, array[i * 0.37, -1, i % 7, 0.001]::real[]::vectors.vector"
                     '::vectors.veci8 from generate_series(1, 100) i')
        env = {'SOURCE': source.url, 'TARGET': target.url}
        job = self.copy('job', self.table, self.other, "{ { 'id', 'int4' }, { 'v', 'vector(4)' } }")
        self.lugger('run', job, '--create', **env)
        self.lugger('verify', job, **env)
        self.assertEqual(self.stored(target, 'select v from docs order by id'),
                         self.stored(source, 'select v::vectors.vector::real[]::public.vector from docs '
                                             'order by id'))
        # Back into int8 the server rounds, and the plan says so.
        back = self.copy('back', "lugger.source(lugger.env.TARGET, { table = 'docs', key = 'id' })",
                         "lugger.target(lugger.env.SOURCE, { table = 'back', key = 'id' })",
                         "{ { 'id', 'int4' }, { 'v', 'vectors.veci8(4)' } }")
        self.assertIn('rounds each vector to 256 levels', repr(self.lugger('plan', back, '--create', **env)))
        self.lugger('run', back, '--create', **env)
        self.lugger('verify', back, **env)
        self.assertEqual(source.query("select count(*), count(v) from back"), '100|100')

    def test_s2_26_the_search_path_decides_nothing(self):
        """The documented installation puts `vectors` into it, before pgvector or behind."""
        for path in ('public, vectors', 'vectors, public'):
            with self.subTest(path=path):
                source, target = self.server.fresh(), self.server.fresh()
                source.query('create table docs (id int primary key, v vectors.vector(2), '
                             'w public.vector(2), s vectors.svector(3)); '
                             "insert into docs values (1, '[1,2]', '[3,4]', '{0:5}/3')")
                for database in (source, target):
                    database.query(f'alter database "{database.name}" set search_path = {path}')
                env = {'SOURCE': source.url, 'TARGET': target.url}
                job = self.copy('job', self.table, self.other,
                                "{ { 'id', 'int4' }, { 'v', 'public.vector(2)' }, "
                                "{ 'w', 'vectors.vector(2)' }, { 's', 'public.sparsevec(3)' } }")
                for word in ('run', 'verify'):
                    self.lugger(word, job, *(['--create'] if word == 'run' else []), **env)
                self.assertEqual(self.stored(target, 'select v, w, s from docs'),
                                 [[vectors.vector([0x3F800000, 0x40000000]),
                                   struct.pack('<Hff', 2, 3, 4), vectors.sparsevec((3, {0: 0x40A00000}))]])
                bare = self.copy('bare', self.table, "lugger.target(lugger.env.TARGET, { table = 'bare' })",
                                 "{ { 'v', 'vector(2)' } }")
                said = repr(self.lugger('plan', bare, '--create', **env,
                                        expect=1 if path.startswith('vectors') else 0))
                self.assertEqual('is vectors.vector of PGVecto.rs' in said, path.startswith('vectors'), said)

    def test_weaviate_and_back(self):
        weaviate = live_weaviate()
        self.addCleanup(weaviate.stop)
        source, target = self.server.fresh(schema=None), self.server.fresh(schema=None)
        chance = vectors.Random(11)
        rows = ', '.join(
            f"(gen_random_uuid(), 'text {i}', '{[vectors.float_of(b) for b in chance.singles(8)]}', "
            f"'{[round(chance.uniform(-9, 9), 2) for _ in range(4)]}')" for i in range(200))
        source.query('create table docs (id uuid primary key, body text, v vectors.vector(8), '
                     f'h vectors.vecf16(4)); insert into docs values {rows}')
        env = {'SOURCE': source.url, 'TARGET': target.url, 'WEAVIATE': weaviate.url}
        there = self.copy('there', self.table, "lugger.target(lugger.env.WEAVIATE .. '/Docs', { key = 'id', "
                          "index = 'flat', distance = 'l2-squared' })",
                          "{ { 'id', 'uuid' }, { 'body', 'text' }, { 'v', 'vectors.vector(8)' }, "
                          "{ 'h', 'vectors.vecf16(4)' } }")
        self.assertEqual(self.lugger('run', there, '--create', **env).books()['inserted'], 200)
        self.lugger('verify', there, **env)
        home = self.copy('home', "lugger.source(lugger.env.WEAVIATE .. '/Docs')", self.other,
                         "{ { 'id', 'uuid', from = '_id' }, { 'body', 'text' }, "
                         "{ 'v', 'vectors.vector(8)', from = 'vectors.v' }, "
                         "{ 'h', 'vectors.vecf16(4)', from = 'vectors.h' } }")
        self.lugger('run', home, '--create', **env)
        self.lugger('verify', home, **env)
        self.assertEqual(self.stored(target, 'select * from docs order by id'),
                         self.stored(source, 'select * from docs order by id'))


if __name__ == '__main__':
    harness.main()
