"""A live MongoDB that answers from memory (memory_peer.py): copied beside the same documents of a dump, and
followed beside what psql does with a staging table and INSERT ... ON CONFLICT; then changes that happen, so
many a second, and how old the newest row is."""
import datetime
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median

import harness
import merges
from measure import Sample, rss_anon, run

EVENTS_OF = 4       # recorded changes are of one document in so many
RATE = 2000         # changes a second
KINDS = {'replace': 'that carry the document', 'update': 'whose documents are looked up'}
PULSE = '64f1c0a2' + '0' * 16   # the document that says when it was changed
WARM = 10           # seconds until memory should stand


class Peer:
    """A program of its own, so that it shares no lock with whoever measures."""

    def __init__(self, documents, *flags):
        program = Path(__file__).with_name('memory_peer.py')
        self.process = subprocess.Popen(
            [sys.executable, '-B', str(program), documents, *map(str, flags)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def base(self):
        """When the first of the recorded changes was made."""
        seconds = int(self.process.stdout.readline())
        return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Session:
    """One psql that stays: its answer to a statement is one line."""

    def __init__(self, database):
        self.process = subprocess.Popen(['psql', '-XAtq', '-d', database.url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)

    def ask(self, sql):
        self.process.stdin.write(sql + ';\n')
        return self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class Follower:
    """`lugger follow` as a process, whose private memory is noted all the while."""

    def __init__(self, bench, url, *flags):
        env = harness.clean_environment({'MONGO_URI': url, 'PG_URI': bench.database.url})
        self.began, self.memory, self.ended = time.monotonic(), [], threading.Event()
        command = [harness.binary(), 'follow', 'merge-users.lua', '--log', 'none', *flags]
        self.process = subprocess.Popen(command, env=env, cwd=bench.directory, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.said = []
        self.threads = [threading.Thread(target=one) for one in (self._watch, self._read)]
        for one in self.threads:
            one.start()

    def _watch(self):
        while not self.ended.wait(0.02):
            self.memory.append((time.monotonic() - self.began, rss_anon(self.process.pid)))

    def _read(self):
        self.said.extend(self.process.stdout)

    def must_run(self):
        if self.process.poll() is not None:
            raise SystemExit('lugger follow has ended:\n' + ''.join(self.said))

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.ended.set()
        for one in self.threads:
            one.join()

    def peak(self, since=0, until=float('inf')):
        return max((bytes for at, bytes in self.memory if since <= at < until), default=0)


class Live:
    def __init__(self, bench):
        self.bench, self.database, self.series = bench, bench.database, bench.series
        self.merges = merges.Merges(bench)
        self.users, self.events = str(bench.data / 'users.bson'), bench.options.rows // EVENTS_OF
        self.ids, self.rows = bench.directory / 'events.ids', bench.directory / 'events.copy'

    def copy(self, connections):
        """Documents of a dump, then those of a server."""
        self.bench.lugger(f'dump {connections}', 'plain', 'users.bson', '-j', str(connections))
        self.database.query('drop table if exists users; drop schema if exists lugger cascade; checkpoint')
        with Peer(self.users) as peer:
            env = harness.clean_environment({'MONGO_URI': peer.url, 'PG_URI': self.database.url})
            sample = run([harness.binary(), 'run', 'plain.lua', '--create', '--log', 'none', '-j',
                          str(connections)], env, self.bench.directory)
        self.series.add(f'live {connections}', sample)
        self.bench.check()

    def round(self):
        for connections in (1, 2, 4):
            self.copy(connections)
        self.database.query('drop table if exists users; drop schema if exists lugger cascade')
        self.merges.lugger('', 'users', 2)
        self.record()
        for kind in KINDS:
            for who in (self.psql, self.feed):
                self.merges.lay("update users set name = 'User Number ' || "
                                "('x' || right(mongo_id, 16))::bit(64)::bigint where name like '%Change%'")
                who(kind)
        self.database.query('drop table users; drop schema lugger cascade')

    def record(self):
        """Some documents in an order of their own: their _ids for the peer, their rows, changed, for psql."""
        if self.rows.exists():
            return
        some = f'from users order by md5(mongo_id) limit {self.events}'
        self.database.query(
            f"\\copy (select mongo_id {some}) to '{self.ids}'\n"
            f"\\copy (select mongo_id, email, replace(name, 'Number', 'Change'), metadata, created_at, "
            f"updated_at {some}) to '{self.rows}' (format binary)")

    def psql(self, kind):
        script = (f"create temp table s ({merges.USERS['users']});\n"
                  f"\\copy s from '{self.rows}' (format binary)\n"
                  + merges.upsert('users', ('mongo_id',), merges.FIELDS, 's'))
        self.merges.psql(f'psql feed {kind}', [script])

    def feed(self, kind):
        """From the start of the program until the row of the last change is seen."""
        last = self.ids.read_text(encoding='ascii').split()[-1]
        server = Peer(self.users, '--events', self.ids, '--kind', kind)
        with server as peer, Session(self.database) as session:
            follower = Follower(self.bench, peer.url, '--from-time', peer.base(), '--restart')
            while session.ask(f"select name like '%Change%' from users where mongo_id = '{last}'") != 't':
                follower.must_run()
                time.sleep(0.02)
            wall = time.monotonic() - follower.began
            follower.end()
        self.series.add(f'feed {kind}', Sample(wall, 0, follower.peak(), ''))
        applied = self.database.number("select count(*) from users where name like '%Change%'")
        if applied != self.events:
            raise SystemExit(f'{applied} changes were applied, not {self.events}')

    def happening(self, seconds):
        """Changes as they happen; how old the row is that tells when it was changed, every 50 ms."""
        self.database.query('drop table if exists users; drop schema if exists lugger cascade')
        self.merges.lugger('', 'users', 2)
        self.database.query('vacuum analyze; checkpoint')
        now = datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
        age = ("select extract(epoch from clock_timestamp() - updated_at) from users where mongo_id = "
               f"'{PULSE}'")
        ages = []
        with Peer(self.users, '--live', RATE) as peer, Session(self.database) as session:
            follower = Follower(self.bench, peer.url, '--from-time', now, '--restart')
            while (at := time.monotonic() - follower.began) < seconds:
                follower.must_run()
                found = float(session.ask(age))
                if found < 3600:
                    ages.append((at, found))
                time.sleep(0.05)
            follower.end()
        steady = [age for at, age in ages if at > WARM]
        half = WARM + (seconds - WARM) / 2
        self.series.add('lag', Sample(max(steady), 0, 0, ''))
        self.series.add('lag median', Sample(median(steady), 0, 0, ''))
        self.series.add('happening first', Sample(0, 0, follower.peak(WARM, half), ''))
        self.series.add('happening', Sample(0, 0, follower.peak(half), ''))


def flat_row(series, what):
    """Memory of the second half beside that of the first."""
    first, second = (series.rss(name) / 1048576 for name in ('happening first', 'happening'))
    return [what, f'{second:.1f} MiB', f'{first:.1f} MiB', f'{second / first:.2f}x', 'at most 1.10x',
            'yes' if second <= first * 1.1 else 'no']


def rows(series, seconds, ratio_row, figure_row):
    out = [ratio_row(series, f'copy, {count} connection{"s" * (count > 1)}; peer: the same of a dump',
                     f'live {count}', f'dump {count}', 0.90, least=True) for count in (1, 2)]
    peer = "psql's staging table and upsert of the same rows"
    out += [ratio_row(series, f'recorded changes {what}; peer: {peer}', f'feed {kind}', f'psql feed {kind}',
                      0.80, least=True) for kind, what in KINDS.items()]
    most, usual = series.wall('lag'), series.wall('lag median')
    what = f'{RATE:,} changes a second for {seconds} s, age of the newest row'
    out += [figure_row(f'{what}: at most', most, f'{most:.2f} s', 1, 'at most 1.00 s'),
            [f'{what}: median', f'{usual:.2f} s', '', '', '', ''],
            flat_row(series, 'private memory meanwhile, second half; peer: first half')]
    for name, text in (('live 4', 'of a copy with 4 workers'), ('feed replace', 'of recorded changes')):
        rss = series.rss(name) / 1048576
        out.append(figure_row(f'private memory {text}', rss, f'{rss:.1f} MiB', 96, 'under 96 MiB'))
    return out
