"""`lugger run vectors` from any store into any: Pinecone, Weaviate, pgvector, PGVecto.rs, sixteen directions,
and around all of them and back. What arrives is read past lugger, and compared bit by bit. Pinecone is the
server of its contract, PGVecto.rs the double of its extension; pgvector is real, and Weaviate where built."""
import itertools
import json
import random
import unittest
from pathlib import Path

import harness
import store_readers as readers
from pgvectors import PgVectors
from pinecone_double import Pinecone
from store_readers import DEFAULT, Record
from vectors import bits_of, float_of
from weaviate import live_weaviate

KEY = 'pcsk_of-the-tests'
NAMESPACES, ROWS = ('acme', 'beta-2', ''), 40
STORES = ('pinecone', 'weaviate', 'pgvector', 'pgvectors')
ODD = (-0.0, 1e-45, 0.1, 16777217, 1.0000001192092896, 3.4028234663852886e38)
# What neither a text of Weaviate nor a sparse vector of Pinecone says of itself.
TYPES = ('--type', 'metadata=jsonb', '--type', 'sparse_values=sparsevec(1000)')


def records():
    rng, out = random.Random(16), {}
    for name, number in itertools.product(NAMESPACES, range(ROWS)):
        dense = [rng.uniform(-1, 1) for _ in range(7)] + [rng.choice(ODD[:5])]
        places = sorted(rng.sample(range(1000), 4)) if number % 3 else ()
        metadata = {'n': number, 'x': number / 7, 'good': number % 2 == 0, 'tags': ['', 'a"b', f't{number}'],
                    'text': 'line\nt\u00e9 \U0001f600'} if number % 5 else None
        # The same ids in each namespace.
        out[name, f'doc {number}/#?%'] = Record(
            tuple(map(bits_of, dense)), tuple((at, bits_of(rng.uniform(0.1, 9))) for at in places), metadata)
    return out


def insert(database, all_records):
    def quoted(text):
        return 'NULL' if text is None else "'" + text.replace("'", "''") + "'"
    rows = []
    for (name, key), record in all_records.items():
        dense = '[' + ','.join(repr(float_of(one)) for one in record.dense) + ']'
        sparse = '{' + ','.join(f'{at + 1}:{float_of(one)!r}' for at, one in record.sparse) + '}/1000'
        rows.append(', '.join(map(quoted, (name, key, dense, sparse if record.sparse else None,
                                           record.metadata and json.dumps(record.metadata)))))
    database.query(
        'create table docs (namespace text, id text, embedding vector(8), sparse_values sparsevec(1000), '
        'metadata jsonb, primary key (namespace, id)); insert into docs values (' + '), ('.join(rows) + ')')


def named(store, name):
    """As a store takes it: an index has no _."""
    return name.replace('_', '-') if store == 'pinecone' else name


class AnyToAny(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres, cls.weaviate, cls.pinecone = PgVectors(), live_weaviate(), Pinecone(key=KEY)
        for server in (cls.postgres, cls.weaviate, cls.pinecone):
            cls.addClassCleanup(server.stop)
        cls.records = records()

    def setUp(self):
        self.cwd = Path(harness.scratch())
        self.databases = {'pgvector': self.postgres.fresh(vectors=None),
                          'pgvectors': self.postgres.fresh(schema=None)}
        insert(self.databases['pgvector'], self.records)

    def place(self, store, name):
        """(URL, the flags that name the table there)."""
        if store == 'pinecone':
            return f'pinecone://{name}', ()
        if store == 'weaviate':
            return f'{self.weaviate.url}/{name.capitalize()}', ()
        return self.databases[store].url, (name,)

    def lugger(self, command, source, target, *flags, before=(), expect=0):
        """One of the script's commands from (store, name) into (store, name)."""
        (read, collection), (written, table) = self.place(*source), self.place(*target)
        words = [word for flag, names in (('--collection', collection), ('--table', table)) if names
                 for word in (flag, *names)]
        env = {'PINECONE_API_KEY': KEY, 'PINECONE_CONTROLLER_HOST': self.pinecone.url}
        return harness.lugger(command, *before, '--from', read, '--into', written, 'vectors', *words, *flags,
                              cwd=self.cwd, env=env, expect=expect)

    def held(self, store, name):
        if store == 'pinecone':
            return readers.of_index(self.pinecone.indexes[name], NAMESPACES)
        if store == 'weaviate':
            tenants = [one or DEFAULT for one in NAMESPACES]
            return readers.of_class(self.weaviate.client(), name.capitalize(), tenants)
        division = self.databases[store].query(
            f"select attname from pg_attribute where attrelid = '{name}'::regclass and attnum = 1")
        return readers.of_table(self.databases[store], name, division, int(store == 'pgvector'))

    def copy(self, source, target):
        """Loads, verifies, and looks."""
        flags = TYPES if source[0] in ('pinecone', 'weaviate') and target[0] != 'weaviate' else ()
        done = self.lugger('run', source, target, *flags)
        self.lugger('verify', source, target, *flags)
        self.assertEqual(self.held(*target), self.records, (source, target, done))

    def test_n_10_sixteen_directions(self):
        for store in STORES:
            if store != 'pgvector':
                self.copy(('pgvector', 'docs'), (store, 'docs'))
        for source, target in itertools.product(STORES, STORES):
            if source != 'pgvector' or target == 'pgvector':
                with self.subTest(source=source, target=target):
                    self.copy((source, 'docs'), (target, named(target, f'from_{source}')))

    def test_n_10_around_all_stores_and_back(self):
        """Each step reads what the one before it wrote."""
        steps = [('pgvector', 'docs'), *((store, named(store, 'ring')) for store in (
            'pinecone', 'pgvectors', 'weaviate', 'pgvector'))]
        for source, target in itertools.pairwise(steps):
            self.copy(source, target)

    def test_n_10_what_cannot_be_kept_is_said_first(self):
        database = self.databases['pgvector']
        database.query("update docs set namespace = 'caf\u00e9' where namespace = 'beta-2'")
        source, target = ('pgvector', 'docs'), ('weaviate', 'divided')
        told = self.lugger('plan', source, target, expect=1).err
        self.assertIn('"caf\u00e9" cannot be the name of a tenant', told)
        self.assertIn('--no-tenants', told)
        told = self.lugger('plan', source, target, '--no-tenants', expect=None).err
        self.assertIn('each is made from namespace, doc_id (version 5)', told)
        self.assertIn('metadata: jsonb is kept as text', told)
        self.lugger('run', source, target, '--no-tenants')
        self.lugger('verify', source, target, '--no-tenants')
        self.lugger('run', target, ('pgvector', 'again'), *TYPES)
        self.lugger('verify', target, ('pgvector', 'again'), *TYPES)
        self.assertEqual(readers.of_table(database, 'again'), readers.of_table(database, 'docs'))
        told = self.lugger('plan', source, ('pinecone', 'divided'), expect=None).err
        for words in ('ids are ASCII', 'metadata of more than 40 KB, and vectors of zeros, become rejects'):
            self.assertIn(words, told)
        database.query('alter table docs drop constraint docs_pkey')
        self.assertIn('has no primary key', self.lugger('plan', source, target, expect=1).err)
        self.assertIn('which table is read?', self.lugger('plan', ('pgvector', ''), target, expect=1).err)

    def test_n_10_named_vectors_and_a_table_that_stands(self):
        """Several vectors of one row: named in Weaviate, fields of a document index. What comes back has the
        types of the table that stands."""
        database = self.databases['pgvector']
        columns = ('id uuid primary key, title text, n int4, v vector(3), w halfvec(2), s sparsevec(9), '
                   't sparsevec(7)')
        database.query(f"""create table named ({columns}); create table back ({columns});
            insert into named select gen_random_uuid(), 'title ' || i, i, format('[%s,0.1,-0]', i)::vector,
              format('[0.1,%s]', i)::halfvec, format('{{1:%s}}/9', i)::sparsevec,
              case when i % 2 = 0 then format('{{7:0.%s1}}/7', i)::sparsevec end
            from generate_series(1, 30) i""")
        rows = 'select id, title, n, v, w, s, t from {} order by id'
        for store in ('weaviate', 'pinecone'):
            with self.subTest(store):
                self.lugger('run', ('pgvector', 'named'), (store, 'named'))
                self.lugger('verify', ('pgvector', 'named'), (store, 'named'))
                self.lugger('run', (store, 'named'), ('pgvector', 'back'))
                self.lugger('verify', (store, 'named'), ('pgvector', 'back'))
                self.assertEqual(database.query(rows.format('back')), database.query(rows.format('named')))
                database.query('truncate back')

    def test_n_11_recall_on_both_sides(self):
        """Without an index: a double's gives no neighbours, so nothing is said of it."""
        self.lugger('run', ('pgvector', 'docs'), ('pinecone', 'recalled'))
        self.lugger('run', ('pgvector', 'docs'), ('weaviate', 'recalled'))
        for source, target, metric in (('pinecone', 'pgvector', 'dot'),
                                       ('weaviate', 'pgvectors', 'cosine')):
            with self.subTest(source=source, target=target):
                recall = ('--recall-column', 'embedding', '--recall-metric', metric, '--json')
                flags = ('--namespace', 'acme', *TYPES)
                self.lugger('run', (source, 'recalled'), (target, 'recalled'), *flags)
                done = self.lugger('verify', (source, 'recalled'), (target, 'recalled'), *flags,
                                   before=recall)
                found = json.loads(done.out)[0]
                self.assertTrue(found['equal'])
                self.assertEqual(found['recall']['target']['recall'], 1)


if __name__ == '__main__':
    harness.main()
