"""A class of Weaviate with tenants into Pinecone's namespaces and back: a tenant is a namespace there."""
import random
import struct
import unittest

from pinecone_jobs import Case
from weaviate import live_weaviate

THERE = '''
local lugger = require 'lugger'
return lugger.copy { name = 'there', from = lugger.source(lugger.env.WEAVIATE_URL .. '/Docs'),
  into = lugger.target('pinecone://docs', { key = { 'namespace', 'id' } }),
  columns = { { 'namespace', 'text', from = 'tenant' }, { 'id', 'uuid', from = '_id' },
    { 'title', 'text' }, { 'n', 'int4' }, { 'embedding', 'vector(8)', from = 'vectors.embedding' } } }
'''
BACK = '''
local lugger = require 'lugger'
return lugger.copy { name = 'back', from = lugger.source('pinecone://docs', { namespace = 'acme' }),
  into = lugger.target(lugger.env.WEAVIATE_URL .. '/Again', { key = 'id', index = 'flat' }),
  columns = { { 'id', 'uuid', from = '_id' }, { 'title', 'text', from = 'metadata.title' },
    { 'n', 'int4', from = 'metadata.n' }, { 'embedding', 'vector(8)', from = 'values' } },
  unmapped = 'ignore' }
'''
FILL = '''
local lugger = require 'lugger'
return lugger.copy { name = 'fill', from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL .. '/Docs', { key = 'id', index = 'flat', tenant = 'TENANT' }),
  columns = { { 'id', 'uuid', from = '_id', generate = 'v5' }, { 'title', 'text' }, { 'n', 'int4' },
    { 'embedding', 'vector(8)' } } }
'''


class Stores(Case):
    def test_n_10_tenants_become_namespaces_and_come_back(self):
        weaviate = live_weaviate()
        self.addCleanup(weaviate.stop)
        env = {'WEAVIATE_URL': weaviate.url}
        chance = random.Random(4)

        def number():
            return struct.unpack('<f', struct.pack('<f', chance.uniform(-1, 1)))[0]
        lines = [f'{{"_id": "k{n}", "title": "t\\u00e9 {n}", "n": {n}, '
                 f'"embedding": [{", ".join(repr(number()) for _ in range(8))}]}}' for n in range(120)]
        (self.cwd / 'docs.jsonl').write_text('\n'.join(lines), encoding='utf-8')
        for tenant in ('acme', 'other'):
            self.script(f'fill-{tenant}.lua', FILL.replace('TENANT', tenant))
            self.run_lugger('run', f'fill-{tenant}.lua', '--create', env=env)
        self.script('there.lua', THERE)
        self.script('back.lua', BACK)
        self.assertEqual(self.run_lugger('run', 'there.lua', '--create', env=env).books()['inserted'], 240)
        self.assertRegex(self.run_lugger('verify', 'there.lua', env=env).out, 'equal, 240 rows')
        self.assertEqual(len(self.server.indexes['docs'].records('acme')), 120)
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create', env=env).books()['inserted'], 120)
        self.assertRegex(self.run_lugger('verify', 'back.lua', env=env).out, 'equal, 120 rows')


if __name__ == '__main__':
    unittest.main()
