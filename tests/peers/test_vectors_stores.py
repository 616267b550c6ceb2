"""Any store to any other: named and sparse vectors, tenants and ids go pgvector -> Weaviate -> JSON lines ->
pgvector, and each step is compared value by value and by its answers."""
import json
import random
import unittest
from pathlib import Path

import harness
import vectors
from peer_postgres import PgVector
from weaviate import live_weaviate

ROWS, TENANTS = 300, ('acme', 'beta')
COPY = '''
local lugger = require 'lugger'
return lugger.copy {{ name = '{name}', from = lugger.source({source}), into = lugger.target({target}),
  columns = {{ {columns} }}, unmapped = 'ignore' }}
'''
PLAIN = "{ 'n', 'int8' }, { 'kind', 'text' }, { 's', 'text' }"
NAMED = "{ 'v', 'vector(8)', from = 'vectors.v' }, { 'w', 'halfvec(3)', from = 'vectors.w' }"


class Stores(unittest.TestCase):
    def setUp(self):
        self.postgres, self.weaviate = PgVector(), live_weaviate()
        self.addCleanup(self.postgres.stop)
        self.addCleanup(self.weaviate.stop)
        self.directory = Path(harness.scratch())
        self.first, self.last = self.postgres.fresh(), self.postgres.fresh()
        self.env = {'FIRST': self.first.url, 'LAST': self.last.url, 'WEAVIATE_URL': self.weaviate.url}
        chance = vectors.Random(10)
        rng = random.Random(10)

        def row(tenant, i):
            sparse = ','.join(f'{at + 1}:{vectors.float_of(bits)!r}'
                              for at, bits in chance.sparse(9, 5)[1].items())
            dense, small = ([rng.gauss(0, 1) for _ in range(count)] for count in (8, 3))
            return (f"('{tenant}', gen_random_uuid(), {rng.randint(-2**53, 2**53)}, "
                    f"'{'rare' if i % 20 == 0 else 'much'}', '{dense}', '{small}', '{{{sparse}}}/9')")
        self.first.query(
            'create table docs (tenant text, id uuid, n int8, kind text, v vector(8), w halfvec(3), '
            's sparsevec(9), primary key (tenant, id)); insert into docs values '
            + ','.join(row(tenant, i) for tenant in TENANTS for i in range(ROWS)))

    def lugger(self, *words, expect=0):
        return harness.lugger(*words, cwd=self.directory, env=self.env, expect=expect)

    def job(self, name, source, target, columns):
        (self.directory / f'{name}.lua').write_text(
            COPY.format(name=name, source=source, target=target, columns=columns), encoding='utf-8')

    def there(self, tenant):
        """pgvector -> Weaviate, a tenant of its own each."""
        query = f"select * from docs where tenant = '{tenant}'"
        self.job(tenant, f'lugger.env.FIRST, {{ query = "{query}", key = "id" }}',
                 "lugger.env.WEAVIATE_URL, { table = 'Docs', key = 'id', index = 'flat', "
                 f"distance = 'l2-squared', tenant = '{tenant}', on_conflict = 'update' }}",
                 f"{{ 'id', 'uuid' }}, {PLAIN}, {{ 'v', 'vector(8)' }}, {{ 'w', 'halfvec(3)' }}")
        self.lugger('run', f'{tenant}.lua', '--create')
        return self.lugger('verify', f'{tenant}.lua', '--json')

    def test_n_10_around_all_stores(self):
        for tenant in TENANTS:
            self.assertTrue(json.loads(self.there(tenant).out)[0]['equal'])
        key = "{ 'id', 'uuid', from = '_id' }, { 'tenant', 'text' }, "
        self.job('lines', "lugger.env.WEAVIATE_URL .. '/Docs'", "'docs.jsonl', { key = { 'tenant', 'id' } }",
                 key + PLAIN + ', ' + NAMED)
        self.assertNotIn('tenants are read', self.lugger('plan', 'lines.lua').err)
        self.job('flat', "lugger.env.WEAVIATE_URL .. '/Docs'", "'flat.jsonl', { key = 'id' }", key + PLAIN)
        self.assertIn('2 tenants are read', self.lugger('plan', 'flat.lua').err)
        self.assertEqual(self.lugger('run', 'lines.lua').books()['inserted'], 2 * ROWS)
        self.lugger('verify', 'lines.lua')
        self.job('last', "'docs.jsonl', { style = 'plain' }",
                 "lugger.env.LAST, { table = 'docs', key = { 'tenant', 'id' }, partition_by = 'tenant' }",
                 "{ 'tenant', 'text' }, { 'id', 'uuid' }, { 'n', 'int8' }, { 'kind', 'text' }, "
                 "{ 'v', 'vector(8)' }, { 'w', 'halfvec(3)' }, { 's', 'sparsevec(9)' }")
        self.lugger('run', 'last.lua', '--create')
        self.lugger('verify', 'last.lua')
        rows = 'select tenant, id, n, kind, v::text, w::text, s::text from docs order by tenant, id'
        self.assertEqual(self.last.rows(rows), self.first.rows(rows))

    def test_n_10_what_a_store_cannot_hold_is_listed(self):
        self.job('sparse', "lugger.env.FIRST, { table = 'docs', key = { 'tenant', 'id' } }",
                 "lugger.env.WEAVIATE_URL, { table = 'Docs', key = { 'tenant', 'id' }, vector = 'v' }",
                 "{ 'tenant', 'text' }, { 'id', 'text' }, { 'n', 'int8' }, { 'v', 'vector(8)' }, "
                 "{ 'w', 'halfvec(3)' }, { 's', 'sparsevec(9)' }")
        told = self.lugger('plan', 'sparse.lua', '--create', expect=1).err
        for words in ("sparse vector, and Weaviate has none: as a text column it is kept, { 's', 'text' }",
                      'n: integers beyond 2^53 become rejects', 'a vector without a name has no others',
                      'each is made from tenant, id (version 5)', 'Weaviate keeps that name for itself'):
            self.assertIn(words, told)
        self.job('text', "'docs.jsonl'", "lugger.env.LAST, { table = 'docs', key = 'id' }",
                 "{ 'id', 'text', from = '_id' }, { 'body', 'text' }, { 'kept', 'text', nul = 'strip' }, "
                 "{ 'v', 'vector(8)' }")
        (self.directory / 'docs.jsonl').write_text('{"_id": "a", "v": [1,2,3,4,5,6,7,8]}\n')
        self.assertIn('documents with one in id, body become rejects',
                      self.lugger('plan', 'text.lua', '--create').err)

    def test_n_11_values_one_by_one_and_recall_on_both_sides(self):
        rng = random.Random(11)
        (self.directory / 'queries.jsonl').write_text(''.join(
            json.dumps({'vector': [rng.gauss(0, 1) for _ in range(8)], **where}) + '\n'
            for where in ({}, {'filter': {'kind': 'rare'}}) for _ in range(10)))
        self.there('acme')
        flags = ('--recall-queries', 'queries.jsonl', '--recall-column', 'v', '--json')
        done = self.lugger('verify', 'acme.lua', *flags, expect=None)
        found = json.loads(done.out)[0]
        self.assertTrue(found['equal'], done)
        self.assertEqual((found['recall']['queries_tested'], found['recall']['target']['recall'],
                          found['recall']['exact_overlap']), (20, 1, 1))
        client = self.weaviate.client()
        one = next(iter(client.all('Docs', 'acme').values()))
        vector = one['vectors']['v']
        vector[3] = vectors.float_of(vectors.bits_of(vector[3]) ^ 1)
        client.add([{**one, 'tenant': 'acme'}])
        wrong = json.loads(self.lugger('verify', 'acme.lua', '--json', expect=4).out)[0]
        self.assertEqual([table['different'] for table in wrong['tables']], [1])


if __name__ == '__main__':
    harness.main()
