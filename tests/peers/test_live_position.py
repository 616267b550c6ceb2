"""The place where a move stands: what the server no longer has is a gap that is told and closed, never
stepped over."""
import shutil
import time
import unittest
from pathlib import Path

import bson
import harness
from mongo_servers import live_server, wait_for
from postgres import Postgres

PLACE = harness.ROOT / 'examples' / 'zero_downtime'


class Position(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.database = Postgres().fresh()
        cls.server = live_server(oplog_mb=1)
        cls.addClassCleanup(cls.server.destroy)

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        self.room = Path(harness.scratch())
        shutil.copy(PLACE / 'shop.lua', self.room)
        self.env = {'MONGO_URI': self.server.url, 'PG_URI': self.database.url}

    def insert(self, first, last):
        self.client.insert('shop.users', *[{'_id': n, 'email': f'u{n}@x'} for n in range(first, last)])
        self.client.insert('shop.orders', *[{'_id': n, 'status': 'open', 'items': [{'sku': 'a'}]}
                                            for n in range(first, last)])

    def lugger(self, *args, expect=0):
        return harness.lugger(*args, cwd=self.room, env=self.env, expect=expect)

    def followed(self, *args):
        """A command that follows, until both jobs have all there is."""
        before = self.positions()
        process = harness.start(*args, '--log', 'json', cwd=self.room, env=self.env)
        wait_for(lambda: self.positions() not in ('', before), 'both jobs stand somewhere new', 60)
        wait_for(lambda: self.lugger('verify', 'shop.lua', expect=None).status == 0, 'equal sides', 60)
        process.terminate()
        process.communicate(timeout=60)

    def positions(self):
        """Of the runs that follow; '' until both have one."""
        found = self.database.query(
            "select run, position from lugger.partitions where partition = 'changes' and position <> '' "
            'order by run', check=False)
        return found if (found or '').count('token:') >= 2 else ''

    def now(self):
        """A second that everything so far lies before."""
        seconds = self.client.command('admin', {'ping': 1})['operationTime'].seconds + 1
        wait_for(lambda: time.time() > seconds + 1, 'a second')
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(seconds))

    def test_n_06_a_position_that_the_server_has_no_more_is_a_gap_that_is_told_and_closed(self):
        self.insert(1, 50)
        self.followed('move', 'shop.lua', '--create')
        stood = self.positions()
        self.client.delete('shop.users', {'_id': 7})
        self.insert(60, 70)
        time.sleep(1)
        self.insert(70, 71)
        self.server.trim_oplog()
        for _ in range(2):    # asked again it says the same, and stands where it stood
            told = self.lugger('move', 'shop.lua', expect=1)
            self.assertRegex(told.err, r'the oplog of \S+ no longer has the changes since 20\d\d-')
            self.assertEqual(self.positions(), stood)
        beginning = self.now()
        self.insert(80, 82)
        self.lugger('repair', 'shop.lua', '--apply', '--delete-extra')
        self.client.delete('shop.users', {'_id': 8})
        self.client.update('shop.users', {'_id': 9}, {'$set': {'name': 'Nine', 'at': bson.Date(5)}})
        self.insert(90, 92)
        self.followed('follow', 'shop.lua', '--from-time', beginning, '--restart')
        self.insert(92, 93)
        self.followed('move', 'shop.lua')
        self.assertEqual(self.database.number('select count(*) from users'), 49 + 10 + 1 + 2 + 2 + 1 - 2)


if __name__ == '__main__':
    harness.main()
