"""Vectors: into pgvector and out of it, in JSON, re-encoded, searched exactly, and through Weaviate, each
beside a peer in the same run. tools/bench --vectors."""
import asyncio
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

import bson
import gen
import harness
import weaviate
from measure import Sample, Series, machine, run
from peer_postgres import PgVector
from postgres import Database

DIMENSIONS, SMALL = 1536, 384
POOL = 1 << 20          # floats that all vectors are cut from
SEARCHED, QUERIES = 200_000, 100
JOB = '''local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.FROM, {source}),
  into = lugger.target(lugger.env.INTO, {target}),
  columns = {{ {{ 'id', '{key}', from = '{id}' }}, {{ 'embedding', 'vector({dimensions})'{path} }},
    {{ 'metadata', 'jsonb' }} }},
}}
'''
ROWS = "{ table = 'docs', key = 'id' }"
SMALL_ROWS = "{ table = 'small', key = 'id' }"
CLASS = "{ collection = 'Docs' }"
DUMP = "{ collection = 'docs' }"


class Data:
    """Rows of an id, a vector and metadata, as a dump, a COPY BINARY file and JSON lines."""

    def __init__(self, directory, name, rows, dimensions):
        self.rows, self.dimensions = rows, dimensions
        self.bson, self.copy, self.lines = (directory / f'{name}.{ending}'
                                            for ending in ('bson', 'copy', 'jsonl'))
        rng = random.Random(rows + dimensions)
        self.numbers = array('f', (rng.gauss(0, 0.03) for _ in range(POOL)))
        self.offsets = rng.sample(range(POOL - dimensions), rows)
        self.texts = [shortest(number) for number in self.numbers]

    def metadata(self, number):
        return f'{{"source":"doc {number}","page":{number % 900}}}'

    def key(self, number):
        return f'{number:08x}-0000-4000-8000-000000000000'

    def write(self, lines=True):
        swapped = array('f', self.numbers)
        swapped.byteswap()
        width = 4 * self.dimensions
        native, foreign = self.numbers.tobytes(), swapped.tobytes()
        head = struct.pack('>ihh', width + 4, self.dimensions, 0)
        with open(self.bson, 'wb') as dump, open(self.copy, 'wb') as copy:
            copy.write(gen.COPY_HEAD)
            for number, at in enumerate(self.offsets):
                metadata, key = self.metadata(number), self.key(number).encode()
                stored = b'\x01' + metadata.encode()
                packed = b'\x27\0' + native[4 * at:4 * at + width]
                body = (gen.string_field(b'_id', key.decode()) + b'\x05embedding\0'
                        + struct.pack('<iB', len(packed), 9) + packed + b'\x03metadata\0'
                        + bson.encode(json.loads(metadata)) + b'\0')
                dump.write(struct.pack('<i', len(body) + 4) + body)
                copy.write(b'\0\x03' + struct.pack('>i', len(key)) + key + head
                           + foreign[4 * at:4 * at + width] + struct.pack('>i', len(stored)) + stored)
            copy.write(b'\xff\xff')
        if lines:
            with open(self.lines, 'w', encoding='ascii') as file:
                for number, at in enumerate(self.offsets):
                    numbers = ','.join(self.texts[at:at + self.dimensions])
                    file.write(f'{{"_id":"{self.key(number)}","embedding":[{numbers}],'
                               f'"metadata":{self.metadata(number)}}}\n')


def shortest(number):
    """The fewest digits that give the float back."""
    for digits in (7, 8, 9):
        text = f'{number:.{digits}g}'
        if array('f', [float(text)])[0] == number:
            return text
    return repr(number)


class Processor:
    """CPU of a process with all its children, the ended ones too, while something runs."""

    def __init__(self, process):
        self.root = process.pid
        self.before = self.spent()

    def spent(self):
        parents, times = {}, {}
        for entry in os.listdir('/proc'):
            if entry.isdigit():
                try:
                    with open(f'/proc/{entry}/stat', encoding='utf-8', errors='replace') as file:
                        fields = file.read().rsplit(')', 1)[1].split()
                except OSError:
                    continue
                parents[int(entry)] = int(fields[1])
                times[int(entry)] = sum(map(int, fields[11:15]))
        ours = {self.root}
        while more := {one for one, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return sum(times.get(one, 0) for one in ours) / os.sysconf('SC_CLK_TCK')

    def taken(self):
        """A process that is reaped while they are read is missed once, but not twice."""
        first = self.spent()
        time.sleep(0.05)
        return max(first, self.spent()) - self.before


class Vectors:
    def __init__(self, options):
        self.options, self.series, self.load = options, Series(), os.getloadavg()[0]
        self.directory = Path(tempfile.mkdtemp(prefix='lug-bench-', dir=options.directory))
        os.chmod(self.directory, 0o755)
        self.rows = options.rows or (5_000 if options.quick else 50_000)
        self.objects = 2 * self.rows
        self.searched = 20_000 if options.quick else SEARCHED
        self.server = PgVector({'shared_buffers': '1GB', 'max_wal_size': '16GB', 'checkpoint_timeout': '1h',
                                'maintenance_work_mem': '256MB', 'autovacuum': 'off'}, keep_durable=True)
        Database(self.server, 'postgres').query('create extension vector')
        self.database = Database(self.server, 'postgres')
        self.native = str(Path(harness.binary()).parent / 'tests' / 'vector_bench')
        self.weaviate = weaviate.RealWeaviate() if weaviate.program() else None
        self.words, self.blas = {}, None

    def prepare(self):
        self.docs = Data(self.directory, 'docs', self.rows, DIMENSIONS)
        self.docs.write()
        self.small = Data(self.directory, 'small', self.objects, SMALL)
        self.small.write(lines=False)
        wide, narrow = {'dimensions': DIMENSIONS}, {'dimensions': SMALL}
        dump = {'key': 'text', 'id': '_id', 'path': '', 'source': DUMP}
        from_table = {'key': 'text', 'id': 'id', 'path': '', 'source': ROWS}
        from_small = {'key': 'uuid', 'id': 'id', 'path': '', 'source': SMALL_ROWS}
        from_class = {'key': 'uuid', 'id': '_id', 'path': ", from = 'vectors.embedding'", 'source': CLASS}
        into_class = "{ table = 'Docs', key = 'id', index = 'flat', on_conflict = 'update' }"
        for name, parts in {
                'in': {**wide, **dump, 'target': ROWS}, 'out': {**wide, **from_table, 'target': ROWS},
                'small': {**narrow, **dump, 'key': 'uuid', 'target': SMALL_ROWS},
                'to-class': {**narrow, **from_small, 'target': into_class},
                'from-class': {**narrow, **from_class, 'target': SMALL_ROWS}}.items():
            (self.directory / f'{name}.lua').write_text(JOB.format(**parts), encoding='utf-8')
        self.install()

    def install(self):
        """asyncpg and OpenBLAS from PyPI, in the bench's own directory; what is missing is left out."""
        for name, package in (('seed', 'asyncpg'), ('sgemm', 'scipy-openblas32')):
            done = subprocess.run([sys.executable, '-m', 'pip', 'install', '-q', '--target',
                                   str(self.directory / 'modules'), package], capture_output=True, text=True)
            if done.returncode != 0:
                self.series.missing[name] = f'pip could not install {package}'
        sys.path.insert(0, str(self.directory / 'modules'))
        found = list((self.directory / 'modules').rglob('libscipy_openblas*.so'))
        self.blas = str(found[0]) if found else None

    def lugger(self, name, job, source, target, *flags, server=None, command='run'):
        env = harness.clean_environment({'FROM': str(source), 'INTO': str(target)})
        processor = Processor(server or self.server.process)
        sample = run([harness.binary(), command, f'{job}.lua', '-j', '1', '--log', 'none', *flags], env,
                     self.directory)
        self.add(name, sample, processor)

    def add(self, name, sample, processor):
        sample.server_cpu = processor.taken()
        self.series.add(name, sample)

    def psql(self, name, *statements):
        """One session; its time, its CPU and its server's."""
        processor = Processor(self.server.process)
        arguments = [part for one in statements for part in ('-c', one)]
        self.add(name, run(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', self.database.url, *arguments]),
                 processor)

    def empty(self):
        """lugger's own tables stay, but for the first round, as they do for a user's second job."""
        self.database.query('drop table if exists docs; checkpoint')

    def must_be(self, table, rows):
        found = self.database.number(f'select count(*) from {table}')
        if found != rows:
            raise SystemExit(f'{found} rows are in {table}, not {rows}')

    def pgvector(self):
        self.empty()
        self.database.query(f'create table docs (id text not null, embedding vector({DIMENSIONS}), '
                            'metadata jsonb); checkpoint')
        self.psql('psql in', f"\\copy docs from '{self.docs.copy}' (format binary)",
                  'alter table docs add primary key (id)', 'analyze docs')
        self.must_be('docs', self.rows)
        self.empty()
        self.lugger('in', 'in', self.docs.bson, self.database.url, '--create', '--restart')
        self.must_be('docs', self.rows)
        self.psql('psql out', "\\copy docs to '/dev/null' (format binary)")
        self.lugger('out', 'out', self.database.url, self.directory / 'out.jsonl', '--dry-run')
        self.lugger('lines', 'out', self.database.url, self.directory / 'out.jsonl', '--restart')
        (self.directory / 'out.jsonl').unlink()

    def json(self):
        for line in self.tell('json', self.docs.lines).items():
            self.series.add('plain json', Sample(line[1], line[1], 0, ''))
        self.lugger('json', 'in', self.docs.lines, self.database.url, '--create', '--dry-run')

    def tell(self, *arguments):
        out = {}
        for line in run([self.native, *map(str, arguments)]).out.splitlines():
            name, text = line.split(' ', 1)
            try:
                out[name] = float(text)
            except ValueError:
                self.words[name] = text
        return out

    def recode(self):
        for name, figure in self.tell('recode').items():
            self.series.add(f'recode {name}', Sample(figure, 0, 0, ''))

    def search(self):
        blas = [self.blas] if self.blas else []
        for name, seconds in self.tell('search', self.searched, DIMENSIONS, QUERIES, os.cpu_count(),
                                       *blas).items():
            self.series.add(f'search {name}', Sample(seconds, 0, 0, ''))

    def through_weaviate(self):
        """A table into a class, and the class into a table again."""
        if not self.weaviate:
            self.series.missing['weaviate'] = 'Weaviate is not built here'
            return
        client = self.weaviate.client()
        self.database.query('drop table if exists small; drop schema if exists lugger cascade; create table '
                            f'small (id uuid primary key, embedding vector({SMALL}), metadata jsonb)')
        run([harness.binary(), 'run', 'small.lua', '--log', 'none'], harness.clean_environment(
            {'FROM': str(self.small.bson), 'INTO': self.database.url}), self.directory)
        if any(one['class'] == 'Docs' for one in client.get('/schema')['classes']):
            client.ask('DELETE', '/schema/Docs')
        shutil.rmtree(self.directory / '.lugger', ignore_errors=True)
        self.lugger('weaviate in', 'to-class', self.database.url, self.weaviate.url, '--create',
                    server=self.weaviate.process)
        self.database.query('truncate small; drop schema if exists lugger cascade')
        self.lugger('weaviate out', 'from-class', self.weaviate.url, self.database.url,
                    server=self.weaviate.process)
        self.must_be('small', self.objects)

    def round(self):
        self.pgvector()
        self.json()
        self.recode()
        self.search()
        self.through_weaviate()

    def seed(self):
        """The row-by-row script, once, with all vectors in memory before the clock starts."""
        if 'seed' in self.series.missing:
            return
        import asyncpg
        numbers = self.docs.numbers.tolist()
        rows = [{'id': self.docs.key(number), 'values': numbers[at:at + DIMENSIONS],
                 'metadata': json.loads(self.docs.metadata(number))}
                for number, at in enumerate(self.docs.offsets)]

        async def work():
            connection = await asyncpg.connect(host=self.server.directory, user='postgres',
                                               database='postgres')
            await connection.execute('drop table if exists docs')
            await connection.execute(f'create table docs (id text primary key, embedding vector({DIMENSIONS}'
                                     '), metadata jsonb, created_at timestamptz default now())')
            began = time.monotonic()
            for row in rows:
                text = '[' + ','.join(str(number) for number in row['values']) + ']'
                await connection.execute('insert into docs (id, embedding, metadata) values ($1, $2::vector, '
                                         '$3::jsonb) on conflict (id) do nothing', row['id'], text,
                                         json.dumps(row['metadata']))
            wall = time.monotonic() - began
            await connection.close()
            return wall
        processor, own = Processor(self.server.process), time.process_time()
        wall = asyncio.run(work())
        self.add('seed', Sample(wall, time.process_time() - own, 0, ''), processor)
        self.must_be('docs', self.rows)

    def facts(self):
        return {'machine': machine(), 'date': time.strftime('%Y-%m-%d', time.gmtime()), 'load': self.load,
                'lugger': run([harness.binary(), '--version']).out.strip(),
                'postgresql': self.database.query("select current_setting('server_version') || ' with "
                                                  "pgvector ' || extversion from pg_extension "
                                                  "where extname = 'vector'"),
                'rows': self.rows, 'objects': self.objects, 'searched': self.searched,
                'rounds': self.options.rounds, 'words': self.words,
                'weaviate': weaviate.VERSION if self.weaviate else 'none'}

    def destroy(self):
        self.server.destroy()
        if self.weaviate:
            self.weaviate.destroy()
        shutil.rmtree(self.directory, ignore_errors=True)
