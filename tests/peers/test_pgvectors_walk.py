"""The document "PGVecto.rs Migration Overview", step by step: its statements run as they are written where
they are right; where they are not, it is shown what they do, and what lugger does. Against the double of
the extension, whose compatibility mode rewrites DDL as the documented one does. Nothing is claimed of
searches."""
import re
import subprocess
import unittest

import harness
from pgvectors import PgVectors
from postgres import Postgres

TABLE = '''CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3));
INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]');
CREATE INDEX ON items USING hnsw (embedding vector_l2_ops);'''
INDEXES = "SELECT indexdef FROM pg_indexes WHERE tablename = 'items'"
RESULT = 'SELECT embedding, pg_typeof("embedding") from items limit 3'
# Of each conversion: the type here, values, the type there, and the document's expression.
KINDS = {
    'vector': ('vector(3)', "'[1,2,3]'), ('[4.5,-0,1e-40]'), (null", 'vectors.vector(3)',
               'embedding::real[]::vectors.vector'),
    'halfvec': ('halfvec(3)', "'[0.1,-65504,6e-08]'), ('[4,5,6]'), (null", 'vectors.vecf16(3)',
                'embedding::vector::real[]::vectors.vector::vectors.vecf16'),
    'bit': ('bit(3)', "'101'), ('000'), (null", 'vectors.bvector(3)',
            'string_to_array(embedding::text, NULL)::real[]::vectors.vector::vectors.bvector'),
}
METHOD_1 = '''ALTER TABLE items ADD COLUMN migrate_embedding {there};
UPDATE items SET migrate_embedding = {expression};
ALTER TABLE items DROP COLUMN embedding;
ALTER TABLE items RENAME COLUMN migrate_embedding TO embedding;'''
METHOD_2 = '''DROP INDEX IF EXISTS items_embedding_idx;
ALTER TABLE items ALTER COLUMN embedding TYPE {there} USING {expression};'''
NATIVE = ('CREATE INDEX items_embedding_idx ON public.items USING vectors (embedding '
          'vectors.vector_l2_ops)')


class Walk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors()
        cls.addClassCleanup(cls.server.stop)

    def sample(self, sql=TABLE):
        """The prerequisites, and step 1."""
        database = self.server.fresh(vectors=None)
        database.query(sql)
        database.query('CREATE EXTENSION vectors;')
        return database

    def change(self, database, *words, column='items.embedding', expect=0):
        return harness.lugger('vector', 'change-type', column, *words, env={'PG_URI': database.url},
                              expect=expect)

    def twins(self, kind, index=''):
        here, values, _, _ = KINDS[kind]
        return [self.sample(f'CREATE TABLE items (id bigserial PRIMARY KEY, embedding {here}); '
                            f'INSERT INTO items (embedding) VALUES ({values}); {index}') for _ in range(2)]

    def test_s2_01_what_is_installed_and_where_is_looked_at_first(self):
        """`\\dx` says it to people, the plan to whoever runs the change. A type is known by its extension."""
        database = self.sample()
        said = self.change(database, 'vectors.vector(3)', '--step', 'plan').out
        for line in ('extension vector 0.8.5 in public', 'extension vectors 0.4.0 in vectors'):
            self.assertIn(line, said)
        # pgvector in a schema of another name, which no path holds: nothing is different.
        database = self.server.fresh(schema='my "own"')
        database.query('create table items (id bigserial primary key, embedding "my ""own""".vector(3)); '
                       "insert into items (embedding) values ('[1,2,3]')")
        said = self.change(database, 'vectors.vector(3)', '--step', 'plan').out
        self.assertIn('extension vector 0.8.5 in my "own"', said)
        self.change(database, 'vectors.vector(3)', '--step', 'all')
        self.assertEqual(database.query(RESULT), '[1, 2, 3]|vectors.vector')

    def test_s2_04_both_extensions_are_listed(self):
        database = self.sample()
        listed = subprocess.run(['psql', '-XAtq', '-d', database.url, '-c', '\\dx'], check=True,
                                capture_output=True, text=True).stdout
        for line in ('vector|0.8.5|public|', 'vectors|0.4.0|vectors|'):
            self.assertIn(line, re.sub(r'\|([\d.]+)\|\1\|', r'|\1|', listed))

    def test_s2_03_an_extension_that_is_not_there_and_one_that_was_not_loaded(self):
        database = self.server.fresh(vectors=None)
        database.query(TABLE)
        self.assertIn('CREATE EXTENSION vectors makes the types of PGVecto.rs',
                      self.change(database, 'vectors.vector(3)', '--step', 'plan', expect=1).err)
        plain = Postgres()
        self.addCleanup(plain.stop)
        database = plain.fresh()
        database.query('create table items (id bigserial primary key, embedding real[])')
        said = self.change(database, 'vectors.vector(3)', '--step', 'plan', expect=1).err
        self.assertIn("must stand in shared_preload_libraries (now ''), which wants a restart", said)

    def test_s2_05_the_document_s_path_is_one_schema_that_does_not_exist(self):
        database = self.sample()
        for path in ('"$user, public"', '"$user, public, vectors"'):
            with self.subTest(path):
                sets = f'SET search_path = {path}; '
                self.assertEqual(database.query(sets + 'select current_schemas(false)'), '{}')
                self.assertEqual(database.query(sets + 'SELECT * FROM items', check=False), '')
        self.assertEqual(database.query('SET search_path = "$user", public, vectors; '
                                        'select current_schemas(false)'), '{public,vectors}')
        # Ours has the same result under the document's path, and under one that leads astray.
        for path in ("'$user, public'", '"$user", vectors, public'):
            with self.subTest(path):
                database = self.sample()
                database.query(f'alter database "{database.name}" set search_path = {path}')
                self.change(database, 'vectors.vector(3)', '--step', 'all', column='public.items.embedding')
                self.assertEqual(database.query('select embedding from public.items'), '[1, 2, 3]\n[4, 5, 6]')

    def test_s2_06_the_definitions_are_kept_with_the_change(self):
        database = self.sample()
        self.assertEqual(database.query(INDEXES).split('\n'), [
            'CREATE UNIQUE INDEX items_pkey ON public.items USING btree (id)',
            'CREATE INDEX items_embedding_idx ON public.items USING hnsw (embedding vector_l2_ops)'])
        database.query('create index other on items using ivfflat (embedding vector_cosine_ops) '
                       "with (lists = 7) where id > 0")
        said = self.change(database, 'vectors.vector(3)', '--step', 'add')
        kept = database.query('select string_agg(c::text, chr(10)) from lugger.column_changes c')
        for word in ('items_embedding_idx', 'hnsw', 'vector_l2_ops', 'ivfflat', 'vector_cosine_ops', 'lists',
                     '(id > 0)'):
            self.assertIn(word, kept, said)
        # They are known when the index itself is gone.
        for step in ('backfill', 'compare', 'index', 'swap', 'drop'):
            self.change(database, '--step', step)
        found = database.query(INDEXES + ' order by indexname')
        self.assertIn('USING vectors (embedding vectors.vector_l2_ops)', found)
        self.assertIn('USING vectors (embedding vectors.vector_cos_ops)', found)
        self.assertIn('WHERE (id > 0)', found)

    def test_s2_07_method_1_as_it_is_written_and_ours_give_the_same(self):
        for kind, (_, _, there, expression) in KINDS.items():
            with self.subTest(kind):
                theirs, ours = self.twins(kind)
                theirs.query(METHOD_1.format(there=there, expression=expression))
                self.change(ours, there, '--step', 'all')
                self.change(ours, '--step', 'drop')
                rows = 'select id, embedding, pg_typeof(embedding) from items order by id'
                self.assertEqual(ours.query(rows), theirs.query(rows))
                typed = ("select format_type(atttypid, atttypmod) from pg_attribute where attname = "
                         "'embedding' and attrelid = 'items'::regclass")
                self.assertEqual(ours.query(typed), theirs.query(typed))

    def test_s2_20_method_2_as_it_is_written_and_ours_give_the_same(self):
        for kind, (_, _, there, expression) in KINDS.items():
            with self.subTest(kind):
                theirs, ours = self.twins(kind, 'create index items_embedding_idx on items using hnsw '
                                          '(embedding vector_l2_ops)' if kind == 'vector' else '')
                theirs.query(METHOD_2.format(there=there, expression=expression))
                self.change(ours, there, '--downtime', '--step', 'all')
                rows = 'select id, embedding, pg_typeof(embedding) from items order by id'
                self.assertEqual(ours.query(rows), theirs.query(rows))
                if kind == 'vector':    # the document's has no index now
                    self.assertNotIn('embedding', theirs.query(INDEXES))
                    self.assertIn('USING vectors (embedding vectors.vector_l2_ops)', ours.query(INDEXES))

    def test_s2_10_the_type_that_the_document_does_not_support(self):
        database = self.sample("""CREATE TABLE items (id bigserial PRIMARY KEY, embedding sparsevec(9));
            INSERT INTO items (embedding) VALUES ('{1:0.5,9:-2}/9')""")
        refused = database.query('select embedding::real[]::vectors.vector::vectors.svector from items',
                                 check=False)
        self.assertEqual(refused, '')
        self.change(database, 'vectors.svector(9)', '--step', 'all')
        self.assertEqual(database.query('select embedding from items'), '{0:0.5, 8:-2}/9')

    def test_s2_21_the_compatibility_mode_and_the_index_without_it(self):
        """The document's statement wants `vectors` in the path that it took it out of; ours neither."""
        database = self.sample()
        database.query(METHOD_1.format(there='vectors.vector(3)', expression=KINDS['vector'][3]))
        create = 'CREATE INDEX items_embedding_idx ON public.items USING hnsw (embedding vector_l2_ops);'
        mode = 'SET vectors.pgvector_compatibility=on; '
        database.query(mode + create, check=False)
        self.assertNotIn('items_embedding_idx', database.query(INDEXES))
        database.query('SET search_path = vectors, public; ' + mode + create)
        self.assertIn('USING vectors', database.query(INDEXES))
        ours = self.sample()
        self.change(ours, 'vectors.vector(3)', '--step', 'all')
        self.change(ours, '--step', 'drop')
        native = next(line for line in ours.query(INDEXES).split('\n') if 'items_embedding_idx' in line)
        self.assertTrue(native.startswith(NATIVE), native)
        self.assertEqual(ours.query("select setting from pg_settings where name = "
                                    "'vectors.pgvector_compatibility'"), 'off')

    def test_s2_25_the_result_as_the_document_shows_it(self):
        for ours in (False, True):
            with self.subTest(ours=ours):
                database = self.sample()
                refused = database.query('DROP extension vector;', check=False)
                self.assertEqual((refused, database.query("select count(*) from pg_extension where extname = "
                                                          "'vector'")), ('', '1'))
                if ours:
                    self.change(database, 'vectors.vector(3)', '--step', 'all')
                    self.change(database, '--step', 'drop')
                else:
                    database.query(METHOD_1.format(there='vectors.vector(3)', expression=KINDS['vector'][3]))
                database.query('DROP extension vector;')
                self.assertEqual(database.query(RESULT), '[1, 2, 3]|vectors.vector\n[4, 5, 6]|vectors.vector')


if __name__ == '__main__':
    harness.main()
