"""The other ways rows of PGVecto.rs are read and written by: followed, mended by a fix, kept as rejects, one
statement a batch. Against the double."""
import unittest

import harness
import vectors
from fixes import FixWork
from harness import lua
from jobs import Work
from live_moves import Move
from pgvectors import PgVectors
from vector_tables import Tables

TABLE = '''create table docs (id int primary key, n int, v vectors.vector(2), h vectors.vecf16(2),
  s vectors.svector(4), b vectors.bvector(3));
insert into docs select i, i, format('[%s,0.5]', i)::vectors.vector, format('[%s,-0]', i)::vectors.vecf16,
  format('{0:%s, 3:-1}/4', i)::vectors.svector, format('[1,0,%s]', i % 2)::vectors.bvector
  from generate_series(1, 20) i'''
COLUMNS = {'pgvector': "{ 'v', 'vector(2)' }, { 'h', 'halfvec(2)' }, { 's', 'sparsevec(4)' }, "
                       "{ 'b', 'bit(3)' }",
           'vectors': "{ 'v', 'vectors.vector(2)' }, { 'h', 'vectors.vecf16(2)' }, { 's', 'svector(4)' }, "
                      "{ 'b', 'bvector(3)' }"}


def wanted(n):
    """A row's vectors as pgvector sends them."""
    return [vectors.vector([vectors.bits_of(n), 0x3F000000]), vectors.sparsevec((4, {0: vectors.bits_of(n),
            3: 0xBF800000})), vectors.bit(f'10{n % 2}')]


class Ways(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors({'wal_level': 'logical'})

    def job(self, source, kind='pgvector', options=''):
        return f'''lugger.copy {{
          from = lugger.source({lua(source.url)}, {{ table = 'docs', key = 'id' }}),
          into = lugger.target(lugger.env.PG_URI, {{ table = 'docs', key = 'id',
            on_conflict = 'update' {options} }}),
          columns = {{ {{ 'id', 'int4' }}, {{ 'n', 'int4' }}, {COLUMNS[kind]} }} }}'''

    def test_a_table_is_followed(self):
        source = self.server.fresh()
        source.query(TABLE)
        text = f"local lugger = require 'lugger'\nreturn lugger.move {{ jobs = {{ {self.job(source)} }} }}"
        move = Move(self.server, source.url, text)
        self.addCleanup(lambda: move.process.poll() is None and move.process.kill())
        move.start().follow()
        source.query("update docs set v = '[77,0.5]', s = '{0:77, 3:-1}/4', b = '[1,0,1]' where id = 4; "
                     "delete from docs where id = 5; insert into docs values (21, 1, '[21,0.5]', '[21,0]', "
                     "'{0:21, 3:-1}/4', '[1,0,1]')")
        move.wait_for(lambda: move.number('select count(*) from docs where id > 20 or v = \'[77,0.5]\'') == 2,
                      'changes were applied')
        move.end()
        self.assertIn('equal', move.work.lugger('verify', 'job.lua').out)
        found = Tables().stored(move.database, 'select v, s, b from docs where id in (4, 20, 21) order by id')
        self.assertEqual(found, [wanted(77), wanted(20), wanted(21)])
        for slot in source.query('select slot_name from pg_replication_slots').split():
            source.query(f"select pg_drop_replication_slot('{slot}')")

    def test_a_fix_sees_and_writes_them(self):
        work = FixWork(self.server, sql=TABLE, set_=('v', 's', 'b'), where='id < 4', table='docs',
                       map_='''function(row)
          local vector = require 'lugger.vector'
          assert(row.v[1] == row.n and row.v[2] == 0.5)
          row.v = vector.scale(row.v, 2)
          row.s = ('{1:%d,4:-1}/4'):format(row.n * 2)
          row.b = '111'
        end''')
        work.apply()
        self.assertEqual(work.database.query('select v, s, b from docs where id in (3, 4) order by id'),
                         '[6, 1]|{0:6, 3:-1}/4|[1, 1, 1]\n[4, 0.5]|{0:4, 3:-1}/4|[1, 0, 0]')

    def test_rejects_are_tried_again(self):
        for version in ('0.4.0', '0.2.1'):
            with self.subTest(version=version):
                source = self.server.fresh(schema=None, vectors=version)
                if version == '0.4.0':
                    source.query(TABLE)
                    job = self.job(source)
                else:
                    source.query("create table docs (id int primary key, n int, v vectors.vector(2)); "
                                 "insert into docs select i, i, format('[%s,0.5]', i)::vectors.vector from "
                                 'generate_series(1, 20) i')
                    job = self.job(source).replace(COLUMNS['pgvector'], "{ 'v', 'vector(2)' }")
                work = Work(self.server.fresh(vectors=None))
                text = "local lugger = require 'lugger'\nreturn " + job
                no = "map = function(row) return lugger.reject 'no' end, columns ="
                work.script(text.replace('columns =', no))
                self.assertEqual(work.run('--create', expect=3).books()['rejected'], 20)
                work.script(text)
                self.assertEqual(work.lugger('rejects', 'job.lua', '--retry').books()['inserted'], 20)
                work.lugger('verify', 'job.lua')
                columns = 'v, s, b' if version == '0.4.0' else 'v'
                self.assertEqual(Tables().stored(work.database, f'select {columns} from docs where id = 7'),
                                 [wanted(7)[:1 + columns.count(',')]])

    def test_one_statement_a_batch(self):
        source, target = self.server.fresh(schema=None), Work(self.server.fresh(schema=None))
        source.query(TABLE)
        target.script("local lugger = require 'lugger'\nreturn " +
                      self.job(source, 'vectors', options=", writer = 'statement'"))
        target.run('--create')
        target.lugger('verify', 'job.lua')
        everything = 'select * from docs order by id'
        self.assertEqual(Tables().stored(target.database, everything), Tables().stored(source, everything))


if __name__ == '__main__':
    harness.main()
