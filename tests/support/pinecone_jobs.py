"""What the tests of Pinecone's places share: a server, a database with pgvector, jobs there and back."""
import json
import struct
import unittest
from pathlib import Path

import harness
from peer_postgres import PgVector
from pinecone_double import Pinecone

KEY = 'pcsk_of-the-tests'
TABLE = '''create table docs (namespace text, id text, embedding vector(8), sparse_values sparsevec(1000),
  metadata jsonb, primary key (namespace, id))'''
THERE = '''
local lugger = require 'lugger'
local from = lugger.source(lugger.env.PG_URI, { table = 'docs', key = { 'namespace', 'id' } })
return lugger.copy { name = 'there', from = from, columns = from:columns(),
  into = lugger.target('pinecone://docs', { key = { 'namespace', 'id' }, OPTIONS }) }
'''
BACK = '''
local lugger = require 'lugger'
return lugger.copy { name = 'back', from = lugger.source('pinecone://docs', { OPTIONS }),
  into = lugger.target(lugger.env.PG_URI, { table = 'again', key = { 'namespace', 'id' } }),
  columns = { { 'namespace', 'text' }, { 'id', 'text', from = '_id', id_text = 'plain' },
    { 'embedding', 'vector(8)', from = 'values' }, { 'sparse_values', 'sparsevec(1000)' },
    { 'metadata', 'jsonb' } } }
'''
LINES = '''
local lugger = require 'lugger'
return lugger.copy { name = 'lines', from = lugger.source 'rows.jsonl', unmapped = 'ignore',
  into = lugger.target('pinecone://docs', { key = { 'namespace', 'id' }, patience_s = 1, OPTIONS }),
  columns = { { 'namespace', 'text' }, { 'id', 'text' }, { 'embedding', 'vector(2)' }, { 'n', 'int4' } } }
'''
PAD = 'x' * 10_000     # a unit of commit is 8 MB: 838 lines of so many bytes


def float_of(number):
    return struct.unpack('<f', struct.pack('<f', number))[0]


class Case(unittest.TestCase):
    postgres = None

    @classmethod
    def setUpClass(cls):
        cls.postgres = PgVector()
        cls.addClassCleanup(cls.postgres.stop)

    def setUp(self):
        self.server = Pinecone(key=KEY)
        self.addCleanup(self.server.stop)
        self.database = self.postgres.fresh()
        self.cwd = Path(harness.scratch())

    def script(self, name, text, options=''):
        (self.cwd / name).write_text(text.replace('OPTIONS', options), encoding='utf-8')

    def lines(self, keys, pad=''):
        """rows.jsonl, of (namespace, id); n counts them."""
        (self.cwd / 'rows.jsonl').write_text(''.join(json.dumps(
            {'namespace': name, 'id': key, 'embedding': [1, n + 1], 'n': n, 'pad': pad}) + '\n'
            for n, (name, key) in enumerate(keys)), encoding='utf-8')

    @property
    def env(self):
        return {'PINECONE_API_KEY': KEY, 'PINECONE_CONTROLLER_HOST': self.server.url,
                'PG_URI': self.database.url}

    def run_lugger(self, *words, **options):
        env = {**self.env, **options.pop('env', {})}
        return harness.lugger(*words, cwd=self.cwd, env=env, timeout=60, **options)

    def fill(self, rows):
        """Rows of TABLE: namespace, id, numbers, {place from 1: number}, metadata."""
        def quoted(text):
            return 'NULL' if text is None else "'" + text.replace("'", "''") + "'"
        values = []
        for name, key, numbers, sparse, metadata in rows:
            dense = '[' + ','.join(repr(one) for one in numbers) + ']'
            pairs = sparse and '{' + ','.join(f'{at}:{one!r}' for at, one in sparse.items()) + '}/1000'
            document = None if metadata is None else json.dumps(metadata, ensure_ascii=False)
            values.append('(' + ','.join(map(quoted, (name, key, dense, pairs, document))) + ')')
        self.database.query(TABLE)
        for at in range(0, len(values), 200):
            self.database.query('insert into docs values ' + ','.join(values[at:at + 200]))
