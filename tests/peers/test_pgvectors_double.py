"""The double of PGVecto.rs, judged by the samples and rules that the extension's sources document, before
lugger meets it. It says nothing of how the real one searches."""
import struct
import unittest

import harness
from pgvectors import PgVectors


class Double(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors()
        cls.now = cls.server.fresh()
        cls.third = cls.server.fresh(vectors='0.3.0')
        cls.second = cls.server.fresh(vectors='0.2.1')

    def refused(self, sql, words, database=None):
        with self.assertRaisesRegex(AssertionError, words):
            (database or self.now).query(sql)

    def test_it_is_an_extension_in_its_schema(self):
        self.assertEqual(self.now.query("select extname, extversion, extnamespace::regnamespace from "
                                        "pg_extension where extname like 'vector%' order by 1"),
                         'vector|0.8.5|public\nvectors|0.4.0|vectors')
        names = "select string_agg(typname, ' ' order by typname) from pg_type where typnamespace = " \
                "'vectors'::regnamespace and typtype = 'b' and typelem = 0"
        self.assertEqual(self.now.query(names), 'bvector svector vecf16 vector')
        self.assertEqual(self.third.query(names), 'bvector svector vecf16 veci8 vector')
        self.assertEqual(self.second.query(names), 'vecf16 vector')

    def test_texts(self):
        great = '34028235' + '0' * 31
        for type_, text, wanted in (('vector', '[1,2, 3,]', '[1, 2, 3]'),
                                    ('vecf16', '[ 0.5,-0]', '[0.5, -0]'),
                                    ('bvector', '[1,0,1]', '[1, 0, 1]'),
                                    ('svector', '{4:2, 0:-1,2:1,3:0}/5', '{0:-1, 2:1, 4:2}/5'),
                                    ('vector', '[NaN,inf,-Infinity,1e39]', '[NaN, inf, -inf, inf]'),
                                    ('vector', '[1e-7,3.4028235e38]', f'[0.0000001, {great}]')):
            self.assertEqual(self.now.query(f"select '{text}'::vectors.{type_}"), wanted)
        for type_, text in (('vector', '[]'), ('vector', '{1,2,3}'), ('vector', '[1,\t2]'),
                            ('bvector', '[2]'), ('vector', '[' + '1' * 49 + ']'), ('svector', '[1,2]'),
                            ('svector', '{1:1,1:2}/3'), ('svector', '{3:1}/3')):
            self.refused(f"select E'{text}'::vectors.{type_}", 'ERROR')

    def test_the_modifier_is_not_enforced_until_there_is_an_index(self):
        self.now.query("create table loose (v vectors.vector(3)); insert into loose values ('[1,2,3,4]')")
        declared = self.now.query("select format_type(atttypid, atttypmod) from pg_attribute where "
                                  "attrelid = 'loose'::regclass and attname = 'v'")
        self.assertEqual(declared, 'vectors.vector(3)')
        index = 'create index on loose using vectors (v vectors.vector_l2_ops)'
        self.refused(index, 'does not matched')
        self.now.query('delete from loose; ' + index)
        self.refused("insert into loose values ('[1,2,3,4]')", 'does not matched')
        for words in ('vectors.vector(0)', 'vectors.vector(65536)', 'vectors.svector(1048576)'):
            self.refused(f'create table wide (v {words})', 'Modifier of the type is invalid')
        self.refused('create table free (v vectors.vector); '
                     'create index on free using vectors (v vectors.vector_l2_ops)', 'needs the dimensions')

    def test_binary_forms(self):
        def sent(database, value):
            return bytes.fromhex(database.query(f"select encode(vectors._vectors_{value}, 'hex')"))
        self.assertEqual(sent(self.now, "vecf32_send('[1,-2.5]')"), struct.pack('<Hff', 2, 1, -2.5))
        self.assertEqual(sent(self.now, "vecf16_send('[1,-2.5]')"), struct.pack('<Hee', 2, 1, -2.5))
        self.assertEqual(sent(self.now, f"bvecf32_send('[1,0,1{',0' * 61},1]')"),
                         struct.pack('<HQQ', 65, 5, 1))
        self.assertEqual(sent(self.now, "svecf32_send('{0:-1,2:1,4:2}/5')"),
                         struct.pack('<II3I3f', 5, 3, 0, 2, 4, -1, 1, 2))
        levels = sent(self.third, "veci8_send('[0,255,51]')")
        self.assertEqual(struct.unpack('<Iff', levels[:12]), (3, 1.0, 128.0))
        self.assertEqual(struct.unpack('3b', levels[20:]), (-128, 127, -77))
        self.assertEqual(self.second.query("select typsend, typreceive from pg_type where oid = "
                                           "'vectors.vector'::regtype"), '-|-')
        self.refused('create table t (v vectors.vector); copy t to stdout (format binary)', 'binary',
                     self.second)

    def test_casts_are_exactly_those(self):
        casts = ("select string_agg(a || '>' || b || ' ' || castcontext::text, ', ') from (select "
                 "castcontext, castsource::regtype::text a, casttarget::regtype::text b from pg_cast) c "
                 "where 'vectors' in (split_part(a, '.', 1), split_part(b, '.', 1))")
        wide = {'real[]>vectors.vector i', 'vectors.vector>real[] i'}
        for one in ('vecf16', 'svector', 'bvector'):
            wide |= {f'vectors.vector>vectors.{one} e', f'vectors.{one}>vectors.vector e'}
        self.assertEqual(set(self.now.query(casts).split(', ')), wide)
        self.assertEqual(set(self.third.query(casts).split(', ')),
                         wide | {'vectors.vector>vectors.veci8 e', 'vectors.veci8>vectors.vector e'})
        self.assertEqual(set(self.second.query(casts).split(', ')),
                         {'real[]>vectors.vector i', 'vectors.vector>real[] i',
                          'vectors.vector>vectors.vecf16 e'})
        self.assertEqual(self.now.query("select array[1,null]::real[]::vectors.vector, "
                                        "'[1e9]'::vectors.vector::vectors.vecf16"), '[1, NaN]|[inf]')
        self.refused("select '[1,2]'::public.vector::vectors.vector", 'cannot cast')
        self.refused("select array[1,2]::vectors.vector", 'cannot cast')
        self.refused("select '[1,2]'::vectors.vector::vectors.bvector", '0 or 1')

    def test_operators_mean_what_they_mean_there(self):
        for kind, left, operator, right, wanted in (
                ('vector', '[1,2]', '<->', '[4,6]', '25'), ('vector', '[1,2]', '<#>', '[4,6]', '-16'),
                ('vecf16', '[1,0]', '<=>', '[0,1]', '1'), ('svector', '{0:3}/2', '<->', '{}/2', '9'),
                ('bvector', '[1,1,0]', '<->', '[1,0,1]', '2')):
            sql = f"select '{left}'::vectors.{kind} operator(vectors.{operator}) '{right}'"
            self.assertEqual(self.now.query(sql), wanted)
        self.assertAlmostEqual(float(self.now.query(
            "select '[1,1,0]'::vectors.bvector operator(vectors.<~>) '[1,0,1]'")), 2 / 3, 5)
        self.refused("select '[1]'::vectors.bvector operator(vectors.<=>) '[1]'", 'operator does not exist')

    def test_options_are_toml_and_the_view_tells_the_build(self):
        self.now.query('create table toml (v vectors.vector(2))')
        index = 'create index {} on toml using vectors (v vectors.vector_cos_ops) with (options = $${}$$)'
        self.now.query(index.format('good', '[indexing.hnsw]\nm = 20\nef_construction = 200\n'))
        self.refused(index.format('bad', '[indexing.hnsw]\nlists = 20\n'), 'unknown field')
        self.refused(index.format('bad', '[indexing.hnsw]\nm = 2\n'), 'out of range')
        self.refused('create index on toml using vectors (v)', 'no default operator class')
        state = "select idx_indexing from vectors.pg_vector_index_stat where indexname = 'good'"
        self.assertEqual(self.now.query("set vectors_double.indexing_s = 600; " + state), 't')
        self.assertEqual(self.now.query(state), 'f')
        plan = self.now.query("set enable_seqscan = off; explain select * from toml order by v "
                              "operator(vectors.<=>) '[1,2]' limit 1")
        self.assertNotIn('Index Scan', plan)

    def test_compatibility_rewrites_every_index(self):
        self.now.query("create table both_of (v vectors.vector(2), w public.vector(2));"
                       "set search_path = public, vectors; set vectors.pgvector_compatibility = on;"
                       "create index compat on both_of using hnsw (v vector_cosine_ops) with (m = 20)")
        self.assertIn('USING vectors', self.now.query("select pg_get_indexdef('compat'::regclass)"))
        self.refused('set vectors.pgvector_compatibility = on; '
                     'create index on both_of using hnsw (w vector_l2_ops)', 'ERROR')


if __name__ == '__main__':
    harness.main()
