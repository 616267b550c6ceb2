"""Moves that are looked at while they run, by status and by metrics."""
import json
import re
import subprocess
import urllib.request

import bson
from live_case import LiveCase
from mongo_servers import live_server, wait_for


class Seen(LiveCase):
    def with_short_oplog(self):
        """A server whose oplog has let something go already."""
        self.server = live_server(oplog_mb=1)
        self.addCleanup(self.server.destroy)
        with self.server.client() as client:
            client.insert('shop.before', {'_id': bson.Int32(1)})
        self.server.trim_oplog()

    def following(self, *flags, documents=3, **more):
        self.insert(*range(documents))
        return self.move(**more).start(*flags).follow()

    def insert(self, *numbers):
        with self.server.client() as client:
            client.insert('shop.docs', *[{'_id': bson.Int32(i), 'k': str(i), 'n': bson.Int32(i), 'pad': 'p',
                                          'tags': []} for i in numbers])

    def update(self, number, change):
        with self.server.client() as client:
            client.update('shop.docs', {'_id': bson.Int32(number)}, {'$set': change})

    def status(self, move):
        found = json.loads(move.work.lugger('status', 'job.lua', '--json').out)['moves']
        self.assertEqual(len(found), 1, found)
        return found[0]

    def wait_for_status(self, move, condition, what, seconds=40):
        def look():
            found = self.status(move)
            return found if condition(found) else None
        return wait_for(look, what, seconds)


def scrape(port, path='/metrics'):
    with urllib.request.urlopen(f'http://127.0.0.1:{port}{path}', timeout=10) as reply:
        assert reply.headers['Content-Type'] == 'text/plain; version=0.0.4; charset=utf-8', reply.headers
        return reply.read().decode()


LINE = re.compile(r'^(lugger_move_[a-z_]+)\{job="((?:[^"\\\n]|\\[\\"n])*)"'
                  r'(?:,phase="([a-z ]+)")?\} (-?[0-9.]+)$')


def samples(text):
    """{name: {job: value}}; of the phase the one that is 1."""
    found, typed = {}, set()
    for line in text.splitlines():
        if line.startswith('#'):
            _, kind, name, rest = line.split(' ', 3)
            assert kind in ('HELP', 'TYPE') and rest, line
            typed.add((kind, name))
            continue
        name, job, phase, value = LINE.match(line).groups()
        assert {('HELP', name), ('TYPE', name)} <= typed, f'{name} has no head before it'
        job = re.sub(r'\\(.)', lambda m: '\n' if m[1] == 'n' else m[1], job)
        series = found.setdefault(name, {})
        if phase is None:
            assert job not in series, f'{name} has two samples of {job}'
            series[job] = float(value)
        elif float(value):
            series[job] = phase
    return found


def has_library():
    done = subprocess.run(['ldconfig', '-p'], capture_output=True, text=True, check=False)
    return 'libmicrohttpd.so.12' in done.stdout
