"""lugger verify --live: every planted fault is found while the application writes, and nothing else is."""
import json
import signal
import threading
import time
import unittest

import bson
import harness
from live_moves import COLUMNS, Move, Writer, copy, id_of, script
from mongo_servers import live_server, wait_for
from postgres import Postgres

EXTRA_ROW = ("insert into docs (mongo_id, k, n, pad) values ('planted', 'planted', 1, ''); "
             "insert into docs_tags (parent_mongo_id, ordinal, tag) values ('planted', 1, 'x')")


class LiveVerify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()

    def setUp(self):
        self.server = live_server()
        self.addCleanup(self.server.destroy)

    def move(self, text=None, count=300, pause=0.004, seed=1):
        """A move that follows, and a writer that has not begun."""
        self.writer = Writer(self.server, seed, count, pause).fill()
        self.addCleanup(self.writer.finish)
        move = Move(self.postgres, self.server.url, text or script(copy()))
        self.addCleanup(lambda: move.process and move.process.poll() is None and move.end(signal.SIGKILL, -9))
        move.start().follow()
        move.settle(self.server)
        return move

    def verify(self, move, expect=0, *flags):
        done = move.work.lugger('verify', 'job.lua', '--live', '--json', *flags, expect=expect, timeout=120)
        return json.loads(done.out)[0] if done.out else done

    def write(self):
        self.writer.start()
        wait_for(lambda: self.writer.done > 20, 'that the application writes')

    def test_nothing_is_wrong_while_the_application_writes(self):
        move = self.move()
        self.write()
        for _ in range(5):
            found = self.verify(move)
            self.assertTrue(found['equal'], found)
            self.assertGreater(found['tables'][0]['equal'], 200)
        self.writer.finish()
        found = self.verify(move)
        self.assertEqual((found['equal'], found['changing']), (True, 0), found)
        with self.server.client() as client:
            documents = client.find('shop.docs')
        self.assertEqual([one['equal'] for one in found['tables']],
                         [len(documents), sum(len(one.get('tags', [])) for one in documents)])
        self.assertIn('lsn', found['position'])
        move.end()


if __name__ == '__main__':
    harness.main()
