"""pgvector into Weaviate and back through kills at random moments: nothing differs.
LUGGER_TEST_VECTORS is how many rows there are, 5,000 when it is not set."""
import os
import random
import signal
import struct
import subprocess
import time
import unittest
from pathlib import Path

import harness
import vectors
from peer_postgres import PgVector
from weaviate import live_weaviate

ROWS = int(os.environ.get('LUGGER_TEST_VECTORS', '5000'))
SIZE = 384
THERE = '''
local lugger = require 'lugger'
local port = tonumber(os.getenv 'WEAVIATE_GRPC' or '')
return lugger.copy { name = 'there',
  from = lugger.source(lugger.env.PG, { table = 'docs', key = 'id' }),
  into = lugger.target(lugger.env.WEAVIATE_URL .. '/Docs', { key = 'id', index = 'flat',
    grpc_port = port }),
  columns = { { 'id', 'uuid' }, { 'n', 'int4' }, { 'body', 'text' }, { 'embedding', 'vector(384)' } },
}
'''
BACK = '''
local lugger = require 'lugger'
return lugger.copy { name = 'back',
  from = lugger.source(lugger.env.WEAVIATE_URL .. '/Docs'),
  into = lugger.target(lugger.env.PG, { table = 'again', key = 'id' }),
  columns = { { 'id', 'uuid', from = '_id' }, { 'n', 'int4' }, { 'body', 'text' },
    { 'embedding', 'vector(384)', from = 'vectors.embedding' } },
}
'''
# The sign and exponent of a float without the exponent's highest bit: any float below 2, subnormals too.
SMALL = bytes(byte & 0xBF for byte in range(256))


def write_rows(file):
    rng = random.Random(21)
    with open(file, 'wb') as out:
        out.write(vectors.SIGNATURE)
        for n in range(ROWS):
            floats = bytearray(rng.randbytes(4 * SIZE))
            floats[0::4] = floats[0::4].translate(SMALL)
            body = f'text {n} \u00e9'.encode()
            out.write(struct.pack('>hi16siii', 4, 16, rng.randbytes(16), 4, n, len(body)) + body +
                      struct.pack('>ihh', 4 + 4 * SIZE, SIZE, 0) + floats)
        out.write(struct.pack('>h', -1))


class Many(unittest.TestCase):
    def run_killed(self, script, *flags):
        """To its end through kills at random moments: (kills, seconds of the last attempt)."""
        kills = 0
        while True:
            process = harness.start('run', script, *flags, cwd=self.cwd, env=self.env)
            begun = time.monotonic()
            moment = self.chance.uniform(0.1, 1) * (0.2 + ROWS / 10000)
            try:
                _, err = process.communicate(timeout=moment if kills < 5 else 900)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                continue
            self.assertEqual(process.returncode, 0, err)
            return kills, time.monotonic() - begun

    def verified(self, script):
        begun = time.monotonic()
        told = harness.lugger('verify', script, cwd=self.cwd, env=self.env, timeout=900)
        self.assertRegex(told.out, rf'equal, {ROWS:,} rows')
        print(f'{script}: equal, {ROWS:,} rows, {time.monotonic() - begun:.1f} s', flush=True)

    def test_s1_31_killed_at_random_both_ways(self):
        postgres, server = PgVector(), live_weaviate()
        self.addCleanup(postgres.stop)
        self.addCleanup(server.stop)
        database = postgres.fresh()
        self.chance, self.cwd = random.Random(3), Path(harness.scratch())
        self.env = {'PG': database.url, 'WEAVIATE_URL': server.url,
                    'WEAVIATE_GRPC': str(getattr(server, 'grpc_port', ''))}
        database.query('create table docs (id uuid primary key, n int4, body text, '
                       f'embedding vector({SIZE}))')
        write_rows(self.cwd / 'rows.copy')
        subprocess.run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database.url, '-c',
                        f"\\copy docs from '{self.cwd}/rows.copy' with (format binary)"], check=True)
        (self.cwd / 'rows.copy').unlink()
        (self.cwd / 'there.lua').write_text(THERE, encoding='utf-8')
        (self.cwd / 'back.lua').write_text(BACK, encoding='utf-8')
        planned = harness.lugger('plan', 'there.lua', '--create', cwd=self.cwd, env=self.env)
        self.assertIn('by gRPC' if hasattr(server, 'grpc_port') else 'by REST', planned.out)
        total = 0
        for script in ('there.lua', 'back.lua'):
            kills, seconds = self.run_killed(script, '--create', '-j', '2')
            print(f'{script}: {kills} kills, {seconds:.1f} s for what was left', flush=True)
            self.verified(script)
            total += kills
        self.assertGreater(total, 0)
        self.assertEqual(database.number(
            'select count(*) from docs a full join again b using (id) where '
            'row(a.n, a.body, a.embedding::text) is distinct from row(b.n, b.body, b.embedding::text)'), 0)


if __name__ == '__main__':
    harness.main()
