"""A live MongoDB read by _id: all types, while it is written to, through every way in which a cursor, a
connection or a server is lost."""
import random
import signal
import socket
import time
import unittest

import bson
import harness
import mongo_proxy
from jobs import Work, job
from mongo_replica import Replica
from mongo_servers import live_server
from postgres import Postgres

COLUMNS = "{ 'n', 'int8' }, { 'pad', 'text' }"
MIXED = [bson.MinKey(), None, float('nan'), float('-inf'), -1.5, bson.Int32(0), bson.Int64(2 ** 40), '',
         'a', 'B', 'ü', {'a': bson.Int32(1), 'b': 'x'}, {'b': bson.Int32(1)}, bson.Binary(b'abc'),
         bson.ObjectId('5' * 24), False, True, bson.Date(-5), bson.Date(5), bson.Timestamp(5, 1),
         bson.Code('x'), bson.MaxKey()]


def documents(count, size=300):
    return [{'_id': bson.ObjectId(f'{i:024x}'), 'n': bson.Int32(i), 'pad': 'x' * size} for i in range(count)]


def fill(client, found, collection='docs'):
    for at in range(0, len(found), 1000):
        client.command('shop', {'insert': collection, 'documents': found[at:at + 1000]})


class LiveScan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.replica = live_server()
        cls.addClassCleanup(cls.replica.destroy)

    def setUp(self):
        self.client = self.replica.client()
        self.addCleanup(self.client.close)
        self.client.command('shop', {'dropDatabase': 1})

    def work(self, url, conflict='update', **more):
        work = Work(self.server.fresh(), text=job(COLUMNS, conflict=conflict, **more))
        work.source = url
        return work

    def count(self, work):
        return work.database.number('select count(*) from docs')

    def test_n_05_every_type_of_id_in_one_scan_and_behind_every_key(self):
        for n, key in enumerate(random.Random(1).sample(MIXED, len(MIXED))):
            self.client.command('shop', {'insert': 'docs', 'documents': [{'_id': key, 'n': bson.Int32(n)}]})
        whole = self.work(self.replica.url)
        whole.run('--create', '-j', '1')
        self.assertEqual(self.count(whole), len(MIXED))
        ids = sorted(row[0] for row in whole.database.rows('select mongo_id from docs'))
        for batch in (2, 3):   # each getMore dies, so that the scan goes on behind each key in turn
            with mongo_proxy.Proxy(self.replica.port) as proxy:
                rule = proxy.on('getMore', mongo_proxy.fail(43, 'cursor id 1 not found'), times=0)
                proxy.on('find', small_first(batch), times=0)
                again = self.work(proxy.url)
                again.run('--create', '-j', '1')
                self.assertGreater(rule.hits, 5)
                found = again.database.rows('select mongo_id from docs')
                self.assertEqual(sorted(row[0] for row in found), ids)

    def test_a_collation_of_the_collection_says_the_order(self):
        if self.replica.name == Replica.name:
            self.skipTest(f'{Replica.name} knows no collations')
        self.client.command('shop', {'create': 'docs', 'collation': {'locale': 'en', 'strength':
                            bson.Int32(2)}})
        keys = [*'bCaDZyX', 'B2', bson.Int32(5), {'k': 'Q'}, {'k': 'a'}]
        fill(self.client, [{'_id': key} for key in keys])
        with mongo_proxy.Proxy(self.replica.port) as proxy:
            rule = proxy.on('getMore', mongo_proxy.fail(43), times=0)
            proxy.on('find', small_first(2), times=0)
            work = self.work(proxy.url)
            work.run('--create', '-j', '1')
        self.assertGreater(rule.hits, 5)
        self.assertEqual(self.count(work), len(keys))

    def test_a_lost_reply_of_a_getmore_loses_no_document(self):
        """The server has moved on: sent again, the getMore would bring the batch after it."""
        fill(self.client, documents(5000))
        for action in (mongo_proxy.cut_after(), mongo_proxy.cut_before()):
            with mongo_proxy.Proxy(self.replica.port) as proxy:
                rule = proxy.on('getMore', action, nth=2)
                work = self.work(proxy.url, conflict='error')
                told = work.run('--create', '-j', '1')
                self.assertEqual(rule.hits, 1)
                self.assertIn('read 5,000', told.out + told.err)
                self.assertEqual(self.count(work), 5000)

    def test_elections_killed_cursors_and_shutdowns(self):
        fill(self.client, documents(5000))
        for code in (43, 237, 175, 11602, 11600, 91, 189, 10107, 13435):
            with mongo_proxy.Proxy(self.replica.port) as proxy:
                rule = proxy.on('getMore', mongo_proxy.fail(code), nth=1, times=2)
                work = self.work(proxy.url, conflict='error')
                work.run('--create', '-j', '1')
                self.assertEqual((rule.hits, self.count(work)), (2, 5000), code)

    def test_a_collection_that_is_made_anew_is_noticed(self):
        fill(self.client, documents(5000))
        with mongo_proxy.Proxy(self.replica.port) as proxy:
            def anew(exchange):
                self.client.command('shop', {'drop': 'docs'})
                fill(self.client, documents(10))
                return mongo_proxy.fail(43)(exchange)
            proxy.on('getMore', anew, nth=2)
            told = self.work(proxy.url).run('--create', '-j', '1', expect=1)
        self.assertIn('dropped and made anew while it was read', told.err)

    def test_a_secondary_that_lags_is_not_believed(self):
        replica = Replica()
        self.addCleanup(replica.stop)
        client = replica.client()
        fill(client, documents(100))
        replica.lag()
        client.command('shop', {'update': 'docs', 'updates': [
            {'q': {'_id': documents(1)[0]['_id']}, 'u': {'$set': {'n': bson.Int32(777)}}}]})
        work = self.work(replica.url)
        work.run('--create')
        self.assertEqual(work.database.number('select count(*) from docs where n = 777'), 1)

    def test_s0_30_parts_have_every_document_once(self):
        fill(self.client, documents(3000, size=12_000))
        fill(self.client, [{'_id': key} for key in MIXED])
        work = self.work(self.replica.url, conflict='error')
        work.run('--create', '-j', '2')
        self.assertEqual(self.count(work), 3000 + len(MIXED))
        self.assertGreater(work.database.number('select count(*) from lugger.partitions'), 1)
        self.assertEqual(work.database.number('select count(*) from lugger.partitions where read = 0'), 0)

    def test_a_stopped_run_goes_on_behind_its_last_key(self):
        fill(self.client, documents(30_000))
        work = self.work(self.replica.url, conflict='error', extra='throttle = { rows_per_s = 2000 },')
        process = work.start('run', 'job.lua', '--create', '-j', '1', '--log', 'none')
        read = 'select coalesce(sum(read), 0) from lugger.partitions'
        while (work.database.query(read, check=False) or '0').strip() == '0':
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertLess(self.count(work), 30_000)
        self.assertIn('id:', work.database.query('select position from lugger.partitions'))
        told = work.run('--create', '-j', '1')
        self.assertIn('read 30,000', told.out + told.err)
        self.assertEqual(self.count(work), 30_000)

    def test_verify_compares_by_value(self):
        fill(self.client, documents(2000))
        work = self.work(self.replica.url)
        work.run('--create')
        work.lugger('verify', 'job.lua')
        work.database.query("update docs set n = -1 where n = 1234")
        told = work.lugger('verify', 'job.lua', expect=4)
        self.assertIn(f'{1234:024x}', told.out + told.err)
        work.lugger('repair', 'job.lua', '--apply')
        work.lugger('verify', 'job.lua')

    def test_a_server_that_does_not_know_min_is_read_type_by_type(self):
        for n, key in enumerate(MIXED):
            self.client.command('shop', {'insert': 'docs', 'documents': [{'_id': key, 'n': bson.Int32(n)}]})
        refused = mongo_proxy.fail(9, "unknown field 'min'")
        with mongo_proxy.Proxy(self.replica.port) as proxy:
            proxy.on('find', refused, times=0, where=lambda body: 'min' in body or 'max' in body)
            proxy.on('getMore', mongo_proxy.fail(43), times=0)
            proxy.on('find', small_first(2), times=0)
            work = self.work(proxy.url)
            work.run('--create')
            self.assertEqual(self.count(work), len(MIXED))

    def test_what_cannot_be_read_is_said(self):
        self.client.command('shop', {'create': 'grown', 'viewOn': 'docs', 'pipeline': []})
        fill(self.client, documents(1))
        for collection, words in (('shop.grown', 'is a view'), ('shop.dosc', 'did you mean shop.docs')):
            told = self.work(self.replica.url, collection=collection).run('--create', expect=1)
            self.assertIn(words, told.err)
        url = 'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=300'
        told = self.work(url).run('--create', expect=1)
        self.assertIn('connection refused', told.err)

    def test_what_is_not_encrypted_is_said(self):
        name = socket.gethostname()
        try:
            here = socket.gethostbyname(name).startswith('127.')
        except OSError:
            here = False
        if not here:
            self.skipTest(f'{name} is no name of 127.0.0.1')
        fill(self.client, documents(1))
        words = f'the connection to {name}:{self.replica.port} is not encrypted'
        url = f'mongodb://{name}:{self.replica.port}/?directConnection=true'
        self.assertIn(words, self.work(url).run('--create').err)
        self.assertNotIn('encrypted', self.work(self.replica.url).run('--create').err)

    def test_passwords_are_not_shown(self):
        for url in ('mongodb://u:S3cret@127.0.0.1:1/shop?serverSelectionTimeoutMS=200',
                    'mongodb://u:S3cr@S3cret@127.0.0.1:1/shop', 'mongodb://u:S3/S3cret@127.0.0.1:1/shop',
                    'mongodb://u:S3cr%S3cret@127.0.0.1:1/shop', 'mongodb+srv://u:S3cret@nowhere.invalid/shop',
                    'mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200&'
                    'tlsCertificateKeyFilePassword=S3cret'):
            told = self.work(url).run('--create', expect=1)
            self.assertNotIn('S3', told.out + told.err, url)


def small_first(count):
    """The first reply to a find has so few documents that the rest is asked for."""
    def cut(body):
        cursor = body.get('cursor')
        if not cursor or len(cursor['firstBatch']) <= count:
            return body
        return {**body, 'cursor': {**cursor, 'firstBatch': cursor['firstBatch'][:count], 'id': bson.Int64(1)}}
    return mongo_proxy.alter(cut)


if __name__ == '__main__':
    harness.main()
