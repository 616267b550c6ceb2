"""kill -9 while an oplog is replayed, run again: nothing lost, nothing twice, and no temporary file left."""
import os
import random
import signal
import time
import unittest
from pathlib import Path

import bson
import harness
from harness import lua
from jobs import dump
from postgres import Postgres

DOCUMENTS = 20_000
SEED = int(os.environ.get('LUGGER_SEED', '20260307'))
KILLS = 8
SCRIPT = '''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source({place}, {{ collection = 'shop.docs' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'docs', key = 'mongo_id', on_conflict = 'error' }}),
  columns = {{ {{ 'mongo_id', 'text', from = '_id' }}, {{ 'n', 'int8' }}, {{ 'pad', 'text' }} }},
}}
'''
STATE = ("select count(*), count(distinct mongo_id), sum(n), "
         "md5(string_agg(d::text, ',' order by mongo_id)) from docs d")


def write(room):
    """A dump, and an oplog that updates, deletes and adds; the documents there are in the end."""
    rng = random.Random(SEED)
    documents = {i: {'_id': i, 'n': i, 'pad': 'x' * rng.randrange(400)} for i in range(DOCUMENTS)}
    place = dump(room, 'shop', {'docs': documents.values()})
    entries = []

    def entry(**fields):
        entries.append({'ts': bson.Timestamp(1000 + len(entries), 1), 'ns': 'shop.docs', **fields})
    for _ in range(15_000):
        i = rng.randrange(DOCUMENTS + 5000)
        if i in documents and rng.random() < 0.2:
            del documents[i]
            entry(op='d', o={'_id': i})
        elif i in documents:
            documents[i] = {**documents[i], 'n': len(entries)}
            entry(op='u', o={'$v': 2, 'diff': {'u': {'n': len(entries)}}}, o2={'_id': i})
        else:
            documents[i] = {'_id': i, 'n': -i, 'pad': 'new'}
            entry(op='i', o=documents[i])
    bson.write(place / 'oplog.bson', entries)
    return place, documents


class Kill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_n_03_kill_9_while_the_oplog_is_replayed(self):
        room = Path(harness.scratch())
        place, documents = write(room)
        script = harness.script(SCRIPT.format(place=lua(str(place))), cwd=room)
        temporary = room / 'tmp'
        temporary.mkdir()
        expected = f"{len(documents)}|{len(documents)}|{sum(d['n'] for d in documents.values())}"
        rng, kills, longest, states = random.Random(SEED), 0, 3.0, set()
        while kills < KILLS:
            database = self.server.fresh()
            killed = self.run_until_done(script, database, temporary, rng, longest)
            kills += killed
            states.add(database.query(STATE))
            longest = longest * 0.7 if killed == 0 else longest
            self.assertEqual(list(temporary.iterdir()), [])
        self.assertEqual(len(states), 1, f'seed {SEED}')
        self.assertEqual(states.pop().rpartition('|')[0], expected)
        print(f'{kills} kills')

    def run_until_done(self, script, database, temporary, rng, longest):
        """Starts again after each kill; how often that was."""
        kills, env = 0, {'PG_URI': database.url, 'TMPDIR': temporary}
        for _ in range(KILLS * 4):
            process = harness.start('run', script, '--create', '-j', '2', '--log', 'none', env=env)
            try:
                _, err = process.communicate(timeout=rng.uniform(0, longest) if kills < KILLS else 120)
            except Exception:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                if self.is_done(database):   # killed behind its last commit: another run would be a new one
                    return kills
                continue
            # the server still holds the killed process's lease
            if process.returncode == 1 and 'already running' in err:
                time.sleep(0.1)
                continue
            self.assertEqual(process.returncode, 0, err)
            return kills
        self.fail('the run never ended')

    @staticmethod
    def is_done(database):
        if database.query("select to_regclass('lugger.runs')") == '':
            return False
        return database.query("select count(*) from lugger.runs where status = 'done'") != '0'

    def test_an_oplog_that_changed_is_no_ground_to_go_on(self):
        room = Path(harness.scratch())
        place, _ = write(room)
        database = self.server.fresh()
        script = harness.script(SCRIPT.format(place=lua(str(place))), cwd=room)
        env = {'PG_URI': database.url}
        harness.lugger('run', script, '--create', env=env, cwd=room)
        database.query("update lugger.runs set status = 'failed'")
        with open(place / 'oplog.bson', 'ab') as file:
            file.write(bson.encode({'ts': bson.Timestamp(9, 9), 'op': 'n', 'ns': '', 'o': {}}))
        result = harness.lugger('run', script, env=env, cwd=room, expect=1)
        self.assertIn('the source has changed', result.err)


if __name__ == '__main__':
    harness.main()
