"""pgvector into Weaviate and back: every value and every vector the same, in rows of a table of its own."""
import random
import struct
import unittest
from pathlib import Path

import harness
from peer_postgres import PgVector
from weaviate import live_weaviate

ROWS = 500
COLUMNS = '''{ 'id', 'uuid' }, { 'body', 'text' }, { 'n', 'int4' }, { 'score', 'float4' },
    { 'at', 'timestamptz' }, { 'labels', 'text[]' }, { 'meta', 'jsonb'%s }'''
THERE = '''
local lugger = require 'lugger'
local port = tonumber(os.getenv 'WEAVIATE_GRPC' or '')
return lugger.copy { name = 'there',
  from = lugger.source(lugger.env.PG, { table = 'docs', key = 'id' }),
  into = lugger.target(lugger.env.WEAVIATE_URL .. '/Docs', { key = 'id', index = 'flat',
    distance = 'l2-squared', grpc_port = port }),
  columns = { %s, { 'embedding', 'vector(16)' }, { 'short', 'halfvec(4)' } },
}
''' % (COLUMNS % ', json_null = true')
BACK = '''
local lugger = require 'lugger'
return lugger.copy { name = 'back',
  from = lugger.source(lugger.env.WEAVIATE_URL .. '/Docs'),
  into = lugger.target(lugger.env.PG, { table = 'again', key = 'id' }),
  columns = { %s, { 'embedding', 'vector(16)', from = 'vectors.embedding' },
    { 'short', 'halfvec(4)', from = 'vectors.short' } },
}
''' % (COLUMNS % ', json_text = true').replace("{ 'id', 'uuid' }", "{ 'id', 'uuid', from = '_id' }")
META = ('NULL', "'null'", "'{\"a\": 1.10, \"b\": {\"$date\": \"no\"}}'",
        "'3.14159265358979323846'", "'[1E2, 1.0]'")


def vector(rng, size):
    """Of any bits that a float32 may have, but for infinities and NaN."""
    out = []
    while len(out) < size:
        bits = rng.getrandbits(32)
        if bits >> 23 & 255 != 255:
            out.append(struct.unpack('<f', struct.pack('<I', bits))[0])
    return out


class ThereAndBack(unittest.TestCase):
    def test_pgvector_weaviate_pgvector(self):
        postgres, server = PgVector(), live_weaviate()
        self.addCleanup(postgres.stop)
        self.addCleanup(server.stop)
        database = postgres.fresh()
        rng = random.Random(7)
        database.query('CREATE TABLE docs (id uuid PRIMARY KEY, body text, n int4, score float4, '
                       'at timestamptz, labels text[], meta jsonb, embedding vector(16), short halfvec(4))')
        values = []
        for i in range(ROWS):
            numbers = ','.join(repr(x) for x in vector(rng, 16))
            halves = ','.join(str(rng.uniform(-100, 100)) for _ in range(4))
            body = 'NULL' if i % 11 == 0 else f"E'text {i} \\\\\\\\ \\\" \\n'"
            values.append(f"(gen_random_uuid(), {body}, {i - 250}, {rng.random()}, now(), ARRAY['a{i}', ''], "
                          f"{META[i % len(META)]}, '[{numbers}]', '[{halves}]')")
        database.query('INSERT INTO docs VALUES ' + ','.join(values))
        cwd = Path(harness.scratch())
        (cwd / 'there.lua').write_text(THERE, encoding='utf-8')
        (cwd / 'back.lua').write_text(BACK, encoding='utf-8')

        def lugger(*arguments):
            return harness.lugger(*arguments, cwd=cwd, env={
                'PG': database.url, 'WEAVIATE_URL': server.url,
                'WEAVIATE_GRPC': str(getattr(server, 'grpc_port', ''))})
        self.assertEqual(lugger('run', 'there.lua', '--create').books()['inserted'], ROWS)
        self.assertIn('equal', repr(lugger('verify', 'there.lua')))
        self.assertEqual(lugger('run', 'back.lua', '--create').books()['inserted'], ROWS)
        self.assertIn('equal', repr(lugger('verify', 'back.lua')))
        row = ', '.join(f'{{0}}.{name}' for name in (
            'body', 'n', 'score', 'at', 'labels', 'meta::text', 'embedding::text', 'short::text'))
        self.assertEqual(database.number(
            'SELECT count(*) FROM docs a FULL JOIN again b USING (id) '
            f'WHERE ROW({row.format("a")}) IS DISTINCT FROM ROW({row.format("b")})'), 0)


if __name__ == '__main__':
    unittest.main()
