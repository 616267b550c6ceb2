"""A sharded cluster, asked through mongos: it is described, copied and followed as a set is; what differs is told
by name. The real thing is not at hand: the peer says what a mongos says."""
import re
import signal
import time
import unittest

import bson
import harness
from jobs import Work, job
from live_moves import BULK, SLOW, TAGS, Move, Writer, copy, script
from mongo_mongos import Mongos
from mongo_servers import tell
from postgres import Postgres

COUNT = 2000


class Sharded(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()

    def setUp(self):
        self.mongos = Mongos({'shop.docs': ['k', 'region']})
        self.addCleanup(self.mongos.stop)
        tell(self.mongos)
        self.moves = []
        self.addCleanup(lambda: [one.process.kill() for one in self.moves if one.process])

    def move(self, rows_per_s=None, server=None):
        extra = TAGS + (SLOW % rows_per_s if rows_per_s else '')
        self.moves.append(Move(self.postgres, (server or self.mongos).url, script(copy(extra=extra))))
        return self.moves[-1]

    def writer(self, seed, count):
        return Writer(self.mongos, seed, count).fill()

    def test_moved_under_writes(self):
        """The key of an event begins with the fields of the shard key; finds are sorted, or come in any order."""
        writer, move = self.writer(1, 1200), self.move(400)
        self.addCleanup(writer.finish)
        writer.start()
        move.start().wait_for(move.is_copying, 'rows were copied')
        self.mongos.kill_cursors()
        move.end(signal.SIGKILL, -signal.SIGKILL)
        move.start().follow()
        time.sleep(1)
        self.mongos.restart()
        writer.finish()
        move.assert_equal(self.mongos)
        self.assertEqual(move.number('select count(*) from lugger.spool'), 0)
        move.end()

    def test_plan_tells_that_it_is_sharded(self):
        self.writer(2, 10)
        work = Work(self.postgres.fresh(), text=job("{ 'n', 'int8' }", conflict='update'))
        work.source = self.mongos.url
        told = work.lugger('plan', 'job.lua', '--create')
        self.assertIn('it is sharded: unless _id is the shard key', re.sub(r'\s+', ' ', told.out))
        self.assertNotIn('cannot be followed', told.err)
        for name in ('config.chunks', 'admin.system.users'):
            work.script(job("{ 'n', 'int8' }", conflict='update', collection=name))
            self.mongos.store.create(*name.split('.', 1), {}, 'collection')
            self.assertIn('belongs to the server itself', work.lugger('plan', 'job.lua', expect=1).err)

    def test_a_mongos_that_has_not_heard_of_the_time(self):
        """What was written before the position and is read after it must be read as it was then."""
        with self.mongos.client() as client:
            for at in range(0, COUNT, 500):
                client.insert('shop.docs', *({'_id': f'{i:06}', 'k': str(i), 'n': bson.Int32(1), 'bulk': BULK}
                                             for i in range(at, at + 500)))
            other = Mongos(behind=self.mongos)
            self.addCleanup(other.stop)
            other.forget()
            other.lag()
            client.update('shop.docs', {}, {'$set': {'n': bson.Int32(2)}}, multi=True)
        move = self.move(400)
        move.start().wait_for(move.is_copying, 'rows were copied')
        move.end()
        self.assertLess(move.number('select count(*) from docs'), COUNT)
        move.work.source = other.url
        move.start().follow()
        self.assertEqual(move.number('select count(*) from docs where n = 2'), COUNT)
        move.end()


if __name__ == '__main__':
    harness.main()
