"""Servers that speak MongoDB's wire and know neither min nor change streams: their collections are
described, copied, verified, and gone on with behind a stop or a lost cursor."""
import signal
import time
import unittest

import bson
import harness
import mongo_lookalikes
import mongo_proxy
from jobs import Work, job
from postgres import Postgres

COLUMNS = "{ 'n', 'int8' }, { 'pad', 'text' }"
# What both servers keep of the types of an _id, in their order.
MIXED = [-1.5, bson.Int32(0), bson.Int64(2 ** 40), 'B', 'a', 'ü', {'a': bson.Int32(1), 'b': 'x'},
         bson.Binary(b'abc'), bson.ObjectId('5' * 24), False, True, bson.Date(-5), bson.Date(5)]


def documents(count, size=300):
    return [{'_id': bson.ObjectId(f'{i * 7:024x}'), 'n': bson.Int32(i), 'pad': 'x' * size}
            for i in range(count)]


class Lookalike:
    kind = None

    @classmethod
    def setUpClass(cls):
        cls.peer = cls.kind()
        cls.addClassCleanup(cls.peer.destroy)
        cls.server = Postgres()
        with cls.peer.client() as client:
            for name, found in (('docs', documents(2000, size=1000)), ('few', documents(300)),
                                ('mixed', [{'_id': key, 'n': bson.Int32(n)} for n, key in enumerate(MIXED)])):
                for at in range(0, len(found), 1000):
                    client.command('shop', {'insert': name, 'documents': found[at:at + 1000]})

    def work(self, url=None, collection='shop.docs', conflict='error', **more):
        work = Work(self.server.fresh(), text=job(COLUMNS, collection=collection, conflict=conflict, **more))
        work.source = url or self.peer.url
        return work

    def count(self, work):
        return work.database.number('select count(*) from docs')

    def test_described(self):
        told = self.work().lugger('describe', self.peer.url, '-c', 'shop.few')
        self.assertIn('300 documents', told.out)
        self.assertIn('objectId', told.out)
        self.assertIn('does not know `min`', told.err)

    def test_copied_verified_and_repaired(self):
        work = self.work(conflict='update')
        told = work.run('--create')
        self.assertIn('read 2,000', told.out + told.err)
        work.lugger('verify', 'job.lua')
        work.database.query('update docs set n = -1 where n = 1234')
        told = work.lugger('verify', 'job.lua', expect=4)
        self.assertIn(f'{1234 * 7:024x}', told.out + told.err)
        work.lugger('repair', 'job.lua', '--apply')
        work.lugger('verify', 'job.lua')

    def test_object_ids_are_read_in_parts(self):
        work = self.work()
        told = work.lugger('plan', 'job.lua', '--create', '-j', '4')
        self.assertIn('parts are cut at equal distances', told.err)
        work.run('--create', '-j', '4')
        self.assertEqual(self.count(work), 2000)
        self.assertGreaterEqual(work.database.number('select count(*) from lugger.partitions'), 4)
        self.assertEqual(work.database.number('select count(*) from lugger.partitions where read < 400'), 0)

    def test_other_ids_are_read_type_by_type(self):
        work = self.work(collection='shop.mixed')
        told = work.lugger('plan', 'job.lua', '--create', '-j', '4')
        self.assertIn('type by type, in one part', told.err)
        work.run('--create', '-j', '4')
        self.assertEqual(self.count(work), len(MIXED))
        self.assertEqual(work.database.number('select count(*) from lugger.partitions'), 1)

    def test_behind_every_key(self):
        """Each getMore dies, so that the scan goes on behind each second key."""
        with mongo_proxy.Proxy(self.peer.port, set_name=None) as proxy:
            rule = proxy.on('getMore', mongo_proxy.fail(43, 'cursor id 1 not found'), times=0)
            proxy.on('find', small_first(2), times=0)
            work = self.work(proxy.url, collection='shop.mixed')
            work.run('--create', '-j', '1')
            self.assertGreater(rule.hits, 1)
            self.assertEqual(self.count(work), len(MIXED))

    def test_parts_go_on_behind_lost_cursors(self):
        with mongo_proxy.Proxy(self.peer.port, set_name=None) as proxy:
            rule = proxy.on('getMore', mongo_proxy.fail(43), times=0)
            proxy.on('find', small_first(50), times=0)
            work = self.work(proxy.url, collection='shop.few')
            work.run('--create', '-j', '3')
            self.assertGreater(rule.hits, 2)
            self.assertEqual(self.count(work), 300)

    def test_a_lost_reply_of_a_getmore_loses_no_document(self):
        for action in (mongo_proxy.cut_after(), mongo_proxy.cut_before()):
            with mongo_proxy.Proxy(self.peer.port, set_name=None) as proxy:
                rule = proxy.on('getMore', action, nth=2)
                work = self.work(proxy.url)
                told = work.run('--create', '-j', '1')
                self.assertEqual(rule.hits, 1)
                self.assertIn('read 2,000', told.out + told.err)
                self.assertEqual(self.count(work), 2000)

    def test_a_stopped_run_goes_on_behind_its_last_key(self):
        with mongo_proxy.Proxy(self.peer.port, set_name=None) as proxy:
            rule = proxy.on('getMore', mongo_proxy.delay(1), times=0)
            work = self.work(proxy.url)
            process = work.start('run', 'job.lua', '--create', '-j', '1', '--log', 'none')
            end = time.monotonic() + 60
            while not rule.hits and time.monotonic() < end:
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 130)
            self.assertLess(self.count(work), 2000)
        work.source = self.peer.url
        told = work.run('--create', '-j', '1')
        self.assertIn('read 2,000', told.out + told.err)
        self.assertEqual(self.count(work), 2000)

    def test_changes_cannot_be_followed_and_plan_says_so(self):
        told = self.work(conflict='update').lugger('plan', 'job.lua', '--create')
        self.assertIn('its changes cannot be followed', told.err)
        self.assertIn('lugger run copies it', told.err)


def small_first(count):
    """The first reply to a find has so few documents that the rest is asked for."""
    def cut(body):
        cursor = body.get('cursor')
        if not cursor or len(cursor['firstBatch']) <= count:
            return body
        return {**body, 'cursor': {**cursor, 'firstBatch': cursor['firstBatch'][:count], 'id': bson.Int64(1)}}
    return mongo_proxy.alter(cut)


class Ferret(Lookalike, unittest.TestCase):
    kind = mongo_lookalikes.FerretDB


class Java(Lookalike, unittest.TestCase):
    kind = mongo_lookalikes.JavaServer


if __name__ == '__main__':
    harness.main()
