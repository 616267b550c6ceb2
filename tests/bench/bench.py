"""tools/bench: lugger beside its peers, in one run on one server; ratios, not promises. See
docs/performance.md."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import bson  # noqa: E402
import gen  # noqa: E402
import harness  # noqa: E402
import hooks  # noqa: E402
import live  # noqa: E402
import merges  # noqa: E402
import report  # noqa: E402
import vector_report  # noqa: E402
import vector_bench  # noqa: E402
from measure import Sample, Series, machine, run, time_to_prompt  # noqa: E402
from postgres import Database, Postgres  # noqa: E402
from small import Small  # noqa: E402

TABLE = '''drop table if exists users;
create table users (id uuid not null default gen_random_uuid(), mongo_id text not null, email text, name text,
  metadata jsonb,
  created_at timestamptz, updated_at timestamptz);'''
KEYS = ['alter table users add primary key (id);', 'create unique index on users (mongo_id);']
COLUMNS = 'mongo_id, email, name, metadata, created_at, updated_at'
JOB = '''local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.MONGO_URI, {{ collection = 'shop.users' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'users', key = 'mongo_id' }}),
  columns = {{
    {{ 'id', 'uuid', generate = 'server' }},
    {{ 'mongo_id', 'text', from = '_id', required = true }}, {{ 'email', 'text' }}, {{ 'name', 'text' }},
    {{ 'metadata', 'jsonb' }},
    {{ 'created_at', 'timestamptz', from = 'createdAt' }},
    {{ 'updated_at', 'timestamptz', from = 'updatedAt' }},
  }},
  {extra}
}}
'''
REJECTS = (0, 1, 10, 100, 1000)  # rows the server refuses, of REJECT_ROWS
REJECT_ROWS = 100_000
REJECT_JOB = '''local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.MONGO_URI),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'checked', key = 'id', on_conflict = '{conflict}' }}),
  columns = {{ {{ 'id', 'int4', from = '_id' }}, {{ 'n', 'int4' }}, {{ 'pad', 'text' }} }},
}}
'''
HOOK = 'map = function(row) row.email = row.name end,'


class Bench:
    def __init__(self, options):
        self.options, self.series, self.load = options, Series(), os.getloadavg()[0]
        self.directory = Path(tempfile.mkdtemp(prefix='lug-bench-', dir=options.directory))
        os.chmod(self.directory, 0o755)
        self.data = Path(options.data) if options.data else self.directory
        self.data.mkdir(exist_ok=True)
        self.server = Postgres({'shared_buffers': '1GB', 'max_wal_size': '16GB', 'checkpoint_timeout': '1h',
                                'maintenance_work_mem': '256MB', 'synchronous_commit': 'on',
                                'autovacuum': 'off'},
                               keep_durable=True)
        self.database = Database(self.server, 'postgres')
        for name, extra in (('plain', ''), ('hook', HOOK)):
            (self.directory / f'{name}.lua').write_text(JOB.format(extra=extra), encoding='utf-8')

    def prepare(self):
        gen.generate(self.data, self.options.rows)
        if self.options.live:
            return
        self.small = Small(self.directory, self.database, self.series)
        for name in ('users.bson', 'users.json'):
            if not (self.data / f'{name}.gz').exists():
                subprocess.run(['gzip', '-k', '-6', self.data / name], check=True)

    def empty_table(self, keys=False):
        """Drops what was loaded and writes everything out, so that no run pays for the one before it."""
        self.database.query(TABLE + (' '.join(KEYS) if keys else '') + 'checkpoint;')

    def psql(self, name, files):
        """psql loads files prepared beforehand, one connection each; then both indexes."""
        self.empty_table()
        began = time.monotonic()
        loads = [subprocess.Popen(['psql', '-XAtqc',
                                   f"\\copy users ({COLUMNS}) from '{self.data / f}' (format binary)", '-d',
                                   self.database.url]) for f in files]
        if any(load.wait() for load in loads):
            raise SystemExit('psql failed')
        builds = [subprocess.Popen(['psql', '-XAtqc', key, '-d', self.database.url])
                  for key in KEYS] if len(files) > 1 else None
        if builds is None:
            self.database.query(''.join(KEYS))
        elif any(build.wait() for build in builds):
            raise SystemExit('psql failed')
        self.series.add(name, Sample(time.monotonic() - began, 0, 0, ''))
        self.check()

    def check(self, rows=None):
        found = self.database.number('select count(*) from users')
        if found != (rows or self.options.rows):
            raise SystemExit(f'{found} rows were loaded, not {rows or self.options.rows}')

    def warm(self, source):
        """Into memory: a dry run is about the processor."""
        with open(self.data / source, 'rb') as file:
            while file.read(1 << 20):
                pass

    def lugger(self, name, job, source, *flags, rows=None):
        dry = '--dry-run' in flags
        self.database.query('drop table if exists users; drop schema if exists lugger cascade; checkpoint')
        if dry:
            self.warm(source)
        env = harness.clean_environment({'MONGO_URI': str(self.data / source), 'PG_URI': self.database.url})
        sample = run([harness.binary(), 'run', f'{job}.lua', '--create', '--log', 'none', *flags], env,
                     self.directory)
        self.series.add(name, sample)
        if not dry:
            self.check(rows)

    def verify(self, name, job, source, *flags):
        """Of what was loaded just before; every row must be equal."""
        env = harness.clean_environment({'MONGO_URI': str(self.data / source), 'PG_URI': self.database.url})
        sample = run([harness.binary(), 'verify', f'{job}.lua', *flags], env, self.directory)
        self.series.add(name, sample)

    def census(self):
        """One core: a thread, and no trial of a load."""
        self.series.add('census',
                        run([harness.binary(), 'describe', self.data / 'users.bson', '--full', '--no-trial',
                             '-j', '1'],
                            harness.clean_environment(), self.directory))

    def node(self):
        modules = self.options.directory_of_modules
        self.empty_table(keys=True)
        sample = run(['node', '--max-old-space-size=8192', str(Path(__file__).with_name('seed.mjs')),
                      str(self.data / 'users.json'), self.server.directory],
                     {**os.environ, 'SEED_MODULES': modules})
        sample.wall = float(sample.out.strip().splitlines()[-1])
        self.series.add('node', sample)
        self.check()

    def install_pg(self):
        """The npm package pg, in the bench's own directory; without npm the comparison is left out,
        and said so."""
        if not shutil.which('node') or not shutil.which('npm'):
            self.series.missing['node'] = 'node or npm is not installed'
            return False
        modules = self.directory / 'modules'
        modules.mkdir()
        done = subprocess.run(['npm', 'install', '--silent', '--no-audit', '--no-fund', 'pg@8'], cwd=modules,
                              capture_output=True, text=True)
        if done.returncode != 0:
            self.series.missing['node'] = 'npm could not install pg: ' + (
                done.stderr or done.stdout).strip()[-100:]
            return False
        self.options.directory_of_modules = str(modules)
        return True

    def round(self):
        """One of everything, peers between ours."""
        self.psql('psql 1', ['users.copy'])
        self.lugger('lugger 1', 'plain', 'users.bson', '-j', '1')
        self.verify('verify 1', 'plain', 'users.bson', '-j', '1')
        self.psql('psql 2', ['users.0.copy', 'users.1.copy'])
        self.lugger('lugger 2', 'plain', 'users.bson', '-j', '2')
        self.verify('verify 2', 'plain', 'users.bson', '-j', '2')
        self.lugger('lugger hook', 'hook', 'users.bson', '-j', '1')
        self.lugger('dry', 'plain', 'users.bson', '-j', '1', '--dry-run')
        self.lugger('dry hook', 'hook', 'users.bson', '-j', '1', '--dry-run')
        self.census()
        self.series.add('zcat', run(['sh', '-c', f'zcat {self.data}/users.bson.gz | wc -c']))
        self.lugger('dry gzip', 'plain', 'users.bson.gz', '-j', '1', '--dry-run')
        self.lugger('dry json', 'plain', 'users.json', '-j', '1', '--dry-run')
        self.lugger('lugger gzip', 'plain', 'users.bson.gz', '-j', '1')
        self.lugger('lugger json', 'plain', 'users.json', '-j', '1')
        self.rejects()
        self.small.round()
        for _ in range(5):
            self.series.add('version', run([harness.binary(), '--version']))
            self.series.add('prompt',
                            time_to_prompt([harness.binary()],
                                           harness.clean_environment({'TERM': 'xterm',
                                                                      'HOME': str(self.directory)})))

    def rejects(self):
        """Rows that a constraint refuses, spread evenly, in COPY straight into the table and in a
        merge; the server names those of a COPY alone."""
        for conflict in ('error', 'update'):
            name = f'checked-{conflict}.lua'
            (self.directory / name).write_text(REJECT_JOB.format(conflict=conflict), encoding='utf-8')
        for count in REJECTS:
            bad = {(i + 1) * REJECT_ROWS // (count + 1) for i in range(count)}
            bson.write(self.data / 'checked.bson', ({'_id': n, 'n': -1 if n in bad else n, 'pad': 'x' * 100}
                                                    for n in range(REJECT_ROWS)))
            env = harness.clean_environment({'MONGO_URI': str(self.data / 'checked.bson'),
                                             'PG_URI': self.database.url})
            for conflict in ('error', 'update'):
                self.database.query(
                    'drop schema if exists lugger cascade; drop table if exists checked; '
                    'create table checked (id int4 primary key, n int4 check (n >= 0), pad text);'
                    + ('insert into checked values (-1, 0)' if conflict == 'update' else ''))
                self.series.add(f'rejects {conflict} {count}',
                                run([harness.binary(), 'run', f'checked-{conflict}.lua', '-j', '1', '--log',
                                     'none'], env, self.directory, ok=(0, 3)))
                found = self.database.number('select count(*) from lugger.rejects')
                if found != count:
                    raise SystemExit(f'{found} rejects, not {count}')

    def rest(self):
        """What is measured once; the table."""
        if not self.options.no_node and self.install_pg():
            print('the JavaScript peer', flush=True)
            self.node()
        if not self.options.no_large:
            print('five times the documents', flush=True)
            self.large()
        return report.table(self.series, self.facts())

    def large(self):
        rows = self.options.rows * 5
        large = self.data / 'large'
        large.mkdir(exist_ok=True)
        gen.generate(large, rows, everything=False)
        self.lugger('lugger 5x', 'plain', 'large/users.bson', '-j', '2', rows=rows)
        self.verify('verify 5x', 'plain', 'large/users.bson', '-j', '2')

    def facts(self):
        node = subprocess.run(['node', '--version'], capture_output=True,
                              text=True).stdout.strip() if shutil.which('node') else 'none'
        return {
            'machine': machine(),
            'date': time.strftime('%Y-%m-%d', time.gmtime()),
            'lugger': run([harness.binary(), '--version']).out.strip(),
            'postgresql': self.database.query('show server_version'), 'node': node,
            'rows': self.options.rows, 'rounds': self.options.rounds,
            'seconds': self.options.seconds, 'load': self.load,
            'bson_bytes': (self.data / 'users.bson').stat().st_size,
            'json_bytes': (self.data / 'users.json').stat().st_size,
        }


def main():
    parser = argparse.ArgumentParser(prog='tools/bench')
    parser.add_argument('--rows', type=int,
                        help='documents (default 1,000,000; 200000 for a quick look), or vectors (50,000)')
    parser.add_argument('--rounds', type=int,
                        help='how often everything is measured (3, vectors 5); the medians count')
    parser.add_argument('--no-large', action='store_true',
                        help='leave out the run with five times as many documents')
    parser.add_argument('--no-node', action='store_true', help='leave out the JavaScript peer')
    parser.add_argument('--long', dest='seconds', action='store_const', const=600, default=60,
                        help='let changes of a live MongoDB happen for ten minutes instead of one')
    parser.add_argument('--live', action='store_true',
                        help='measure a live MongoDB alone')
    parser.add_argument('--vectors', action='store_true', help='measure vectors alone')
    parser.add_argument('--quick', action='store_true',
                        help='a fifth of the documents, a tenth of the vectors, two rounds; written nowhere')
    parser.add_argument('--no-write', action='store_true',
                        help='print the table, but keep docs/performance.md as it is')
    parser.add_argument('--data', help='keep the generated data in this directory')
    parser.add_argument('--directory', help='where to work (default: the temporary directory)')
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5 if options.vectors else 3)
    options.no_write = options.no_write or options.quick
    if options.vectors:
        return measure_vectors(options)
    options.rows = options.rows or (200_000 if options.quick else 1_000_000)
    return measure_documents(options)


def rounds(options, parts):
    for number in range(options.rounds):
        print(f'round {number + 1} of {options.rounds}', flush=True)
        for part in parts:
            part.round()


def show(options, tables):
    for name, text in tables.items():
        print(text)
        if not options.no_write:
            report.write(harness.ROOT / 'docs' / 'performance.md', name, text)


def measure_vectors(options):
    bench = vector_bench.Vectors(options)
    try:
        print('making the data', flush=True)
        bench.prepare()
        rounds(options, [bench])
        print('the row-by-row script', flush=True)
        bench.seed()
        show(options, {'bench of vectors': vector_report.table(bench.series, bench.facts())})
    finally:
        bench.destroy()


def measure_documents(options):
    bench = Bench(options)
    try:
        print('making the data', flush=True)
        bench.prepare()
        server = live.Live(bench)
        rounds(options, [server] if options.live else
               [bench, merges.Merges(bench), hooks.Hooks(bench), server])
        print(f'changes as they happen, {options.seconds} s', flush=True)
        server.happening(options.seconds)
        tables = {'bench of a live MongoDB': report.live_table(bench.series, bench.facts())}
        if not options.live:
            tables['bench'] = bench.rest()
        show(options, tables)
    finally:
        bench.server.destroy()
        shutil.rmtree(bench.directory, ignore_errors=True)


main()
