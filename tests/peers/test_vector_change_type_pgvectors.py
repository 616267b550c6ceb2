"""lugger vector change-type between pgvector and PGVecto.rs, both ways, on the double of the extension
(tests/support/pgvectors.py): its documented types, casts and DDL. Nothing is claimed of its searches."""
import random
import struct
import unittest

import harness
from pgvectors import PgVectors

# The type here, the type there, the same value in both texts, the bits' function here.
PAIRS = {
    'vector': ('public.vector(3)', 'vectors.vector(3)', '[1.5,-0.1,3e-30]'),
    'halfvec': ('public.halfvec(3)', 'vectors.vecf16(3)', '[0.1,-65504,6e-08]'),
    'bit': ('bit(9)', 'vectors.bvector(9)', '101100011'),
    'sparsevec': ('public.sparsevec(9)', 'vectors.svector(9)', '{1:0.5,4:-2.25,9:1e-20}/9'),
}


def single(number):
    return struct.unpack('f', struct.pack('f', number))[0]


class BothWays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors()

    def change(self, *args, expect=0, column='items.embedding'):
        return harness.lugger('vector', 'change-type', column, *args, env={'PG_URI': self.database.url},
                              expect=expect)

    def typed(self):
        return self.database.query("select concat(n.nspname, '.', format_type(t.oid, a.atttypmod)) from "
                                   "pg_attribute a join pg_type t on t.oid = a.atttypid join pg_namespace n "
                                   "on n.oid = t.typnamespace where attrelid = 'items'::regclass "
                                   "and attname = 'embedding'")

    def there_and_back(self, name):
        here, there, value = PAIRS[name]
        for version in ('0.3.0', '0.4.0'):
            with self.subTest(version):
                self.database = self.server.fresh(vectors=version)
                self.database.query(f"create table items (id bigserial primary key, embedding {here}); "
                                    f"insert into items (embedding) values ('{value}'), (null)")
                before = self.database.query('select id, embedding from items order by id')
                self.change(there, '--step', 'all')
                self.assertTrue(self.typed().startswith('vectors.'), self.typed())
                self.change('--step', 'drop')
                self.change(here, '--step', 'all')
                self.change('--step', 'drop')
                self.assertEqual(self.database.query('select id, embedding from items order by id'), before)

    def test_s2_07_vector(self):
        self.there_and_back('vector')

    def test_s2_08_halfvec(self):
        self.there_and_back('halfvec')

    def test_s2_09_bit(self):
        self.there_and_back('bit')

    def test_s2_10_sparsevec(self):
        self.there_and_back('sparsevec')

    def document(self):
        """The document's own table and rows."""
        self.database = self.server.fresh()
        self.database.query("""CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3));
            INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]');
            CREATE INDEX ON items USING hnsw (embedding vector_l2_ops)""")

    def test_s2_02_the_walk_of_the_document(self):
        self.document()
        said = self.change('vectors.vector(3)', '--step', 'plan').out
        for part in ('vector 0.8.5 in public', 'vectors 0.4.0 in vectors', 'USING vectors ',
                     'vectors.vector_l2_ops', 'pg_catalog.float4[]'):
            self.assertIn(part, said)
        self.change('vectors.vector(3)', '--step', 'all')
        self.assertEqual(self.database.query('SELECT embedding, pg_typeof("embedding") from items limit 3'),
                         '[1, 2, 3]|vectors.vector\n[4, 5, 6]|vectors.vector')
        self.assertIn('USING vectors (embedding vectors.vector_l2_ops)', self.database.query(
            "SELECT indexdef FROM pg_indexes WHERE indexname = 'items_embedding_idx'"))
        self.database.query("insert into items (embedding) values ('[7, 8, 9]')")
        self.assertEqual(self.database.query('select embedding__old from items where id = 3'), '[7,8,9]')
        self.assertIn('no column uses the extension vector any more: DROP EXTENSION',
                      self.change('--step', 'drop').err)
        self.database.query('DROP EXTENSION vector')

    def test_s2_26_back_from_pgvectors_with_its_index(self):
        self.database = self.server.fresh()
        chosen = random.Random(7)
        rows = [[single(chosen.uniform(-1, 1)) for _ in range(3)] for _ in range(40)]
        lines = ', '.join(f"('{row}')" for row in rows)
        self.database.query(f"""create table items (id bigserial primary key, embedding vectors.vector(3));
            insert into items (embedding) values {lines};
            create index near on items using vectors (embedding vectors.vector_cos_ops)
              with (options = $$[indexing.hnsw]
m = 20
ef_construction = 200$$)""")
        self.change('public.vector(3)', '--step', 'all')
        self.assertEqual(self.database.query("select indexdef from pg_indexes where indexname = 'near'"),
                         "CREATE INDEX near ON public.items USING hnsw (embedding vector_cosine_ops) "
                         "WITH (m='20', ef_construction='200')")
        found = [[single(float(x)) for x in line[1:-1].split(',')]
                 for line in self.database.query('select embedding from items order by id').splitlines()]
        self.assertEqual(found, rows)
        self.change('--step', 'back')
        self.assertEqual(self.typed(), 'vectors.vectors.vector(3)')

    def test_s2_10_what_a_type_does_not_hold_is_named(self):
        self.database = self.server.fresh()
        self.database.query("""create table items (id bigserial primary key, embedding vectors.vector(3));
            insert into items (embedding) values ('[1, NaN, 3]'), ('[1, 2, 3]'), ('[1, 2]')""")
        self.change('public.vector(3)', '--step', 'add')
        self.change('--step', 'backfill')
        said = self.change('--step', 'compare', expect=1).err
        for part in ('2 rows of public.items.embedding', 'id = 1: NaN not allowed in vector',
                     'id = 3: expected 3 dimensions, not 2'):
            self.assertIn(part, said)

    def test_s2_26_real_arrays_as_a_place_between(self):
        """The two extensions never together: the old one goes before the new one comes."""
        self.database = self.server.fresh(schema=None)
        self.database.query("""create table items (id bigserial primary key, embedding vectors.vector(3));
            insert into items (embedding) values ('[1.5, 2, 3]')""")
        self.change('real[]', '--step', 'all')
        self.change('--step', 'drop')
        self.database.query('drop extension vectors; create extension vector')
        self.change('vector(3)', '--step', 'all')
        self.change('--step', 'drop')
        self.assertEqual(self.database.query('select embedding from items order by id'), '[1.5,2,3]')

    def test_s2_05_a_name_of_two_types_must_be_qualified(self):
        self.document()
        self.assertIn('vector is the name of several types: public.vector, vectors.vector',
                      self.change('vector(3)', '--step', 'plan', expect=1).err)

    def test_s2_21_a_compatibility_mode_left_on_is_found(self):
        self.document()
        self.database.query(f'alter database "{self.database.name}" set vectors.pgvector_compatibility = on')
        self.assertIn('vectors.pgvector_compatibility is on',
                      self.change('vectors.vector(3)', '--step', 'add', expect=1).err)


if __name__ == '__main__':
    harness.main()
