"""What the tests of Weaviate share: a job into a class, one out of it, and documents for both."""
import json
import random
import struct
import unittest
import uuid
from pathlib import Path

import harness
from weaviate import live_weaviate
from weaviate_double import loads

INTO = '''
local lugger = require 'lugger'
local port = tonumber(os.getenv 'WEAVIATE_GRPC' or '')
return lugger.copy {
  name = 'into',
  from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL, { table = 'Docs', key = 'doc', grpc_port = port,
    index = 'flat' }),
  columns = {
    { 'doc', 'text', from = '_id' }, { 'title', 'text' }, { 'n', 'int8' }, { 'price', 'float8' },
    { 'good', 'bool' }, { 'at', 'timestamptz' }, { 'ref', 'uuid' }, { 'tags', 'text[]' },
    { 'meta', 'jsonb' }, { 'raw', 'bytea' }, { 'embedding', 'vector(8)' }, { 'small', 'halfvec(2)' },
  },
}
'''
OUT = '''
local lugger = require 'lugger'
return lugger.copy {
  name = 'out',
  from = lugger.source(lugger.env.WEAVIATE_URL, { collection = 'docs' }),
  into = lugger.target('out.jsonl', { key = 'doc' }),
  columns = {
    { 'id', 'uuid', from = '_id' }, { 'doc', 'text' }, { 'title', 'text' }, { 'n', 'int8' },
    { 'price', 'float8' }, { 'good', 'bool' }, { 'at', 'timestamptz' }, { 'ref', 'uuid' },
    { 'tags', 'text[]' }, { 'meta', 'jsonb' }, { 'raw', 'bytea' },
    { 'embedding', 'vector(8)', from = 'vectors.embedding' },
    { 'small', 'halfvec(2)', from = 'vectors.small' },
  },
}
'''
# A few that only an exact reader keeps: -0, the least and the greatest float, 17 digits.
ODD = [-0.0, 1e-45, 3.4028234663852886e38, 0.1, 16777217, 1.0000001192092896, -1.5, 0]


def vector_of(number):
    random.seed(number)
    return ODD if number == 0 else [random.uniform(-1, 1) for _ in range(8)]


def document(number):
    return {'_id': f'doc "{number}"\n\u00e9' if number % 7 == 0 else f'd{number}',
            'title': f'title {number} \u2028', 'n': number * 1000003, 'price': number / 3,
            'good': number % 2 == 0,
            'at': {'$date': f'2026-01-0{1 + number % 9}T01:02:03.004Z'},
            'ref': {'$uuid': str(uuid.UUID(int=number * 7919))}, 'tags': [f't{number}', '', 'a"b'],
            'meta': {'a': [1, 2.5, None], 'b': {'c': 'x'}},
            'raw': {'$binary': {'base64': 'AAH/', 'subType': '00'}},
            'embedding': vector_of(number), 'small': [number % 100, -0.5]}


def floats(vector):
    return struct.pack(f'<{len(vector)}f', *vector)


def object_id(key):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, key))


class Case(unittest.TestCase):
    @classmethod
    def make(cls):
        return live_weaviate()

    def setUp(self):
        self.server = self.make()
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.cwd = Path(harness.scratch())
        (self.cwd / 'into.lua').write_text(INTO, encoding='utf-8')
        (self.cwd / 'out.lua').write_text(OUT, encoding='utf-8')

    @property
    def env(self):
        """Batches go by gRPC where the server speaks it."""
        port = getattr(self.server, 'grpc_port', None)
        return {'WEAVIATE_URL': self.server.url, **({'WEAVIATE_GRPC': str(port)} if port else {})}

    def documents(self, documents):
        (self.cwd / 'docs.jsonl').write_text(''.join(json.dumps(one) + '\n' for one in documents),
                                             encoding='utf-8')

    def run_lugger(self, *arguments, env=None, **options):
        return harness.lugger(*arguments, cwd=self.cwd, timeout=60,
                              env={**self.env, **(env or {})}, **options)

    def lines(self):
        with open(self.cwd / 'out.jsonl', encoding='utf-8') as file:
            return [loads(line) for line in file]
