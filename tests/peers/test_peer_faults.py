"""The ways in which tests break a MongoDB: by the server itself, and by the proxy in front of any peer."""
import threading
import time
import unittest

import harness
import mongo_proxy
import mongo_wire
from mongo_replay import Stream
from mongo_replica import Replica
from mongo_servers import RealServer, live_server, wait_for
from mongo_wire import CommandError


class OnTheServer(unittest.TestCase):
    def setUp(self):
        self.server = live_server()
        self.addCleanup(self.server.destroy)
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        self.client.insert('shop.t', *({'_id': place} for place in range(10)))

    def only_here(self):
        if isinstance(self.server, RealServer):
            self.skipTest('only the replica of the tests can be made to')

    def test_killed_cursors_are_not_found(self):
        cursor = self.client.command('shop', {'find': 't', 'batchSize': 2})['cursor']
        self.server.kill_cursors()
        with self.assertRaises(CommandError) as caught:
            self.client.command('shop', {'getMore': cursor['id'], 'collection': 't'})
        self.assertEqual(caught.exception.code, 43)

    def test_a_restart_keeps_the_data_and_loses_the_cursors(self):
        stream = Stream(self.client, 'shop')
        self.client.insert('shop.t', {'_id': 'before'})
        position = stream.read(1)[0]['_id']
        port = self.server.port
        self.server.restart()
        self.assertEqual(self.server.port, port)
        with self.assertRaises(OSError):
            stream.more()
        self.assertEqual(stream.error().code, 43)
        self.client.insert('shop.t', {'_id': 'after'})
        again = Stream(self.client, 'shop', options={'startAfter': position})
        self.assertEqual([event['documentKey'] for event in again.read(1)], [{'_id': 'after'}])
        self.assertEqual(len(self.client.find('shop.t')), 12)

    def test_a_waiting_read_is_interrupted_when_the_primary_steps_down(self):
        self.only_here()
        stream, errors = Stream(self.server.client(), 'shop'), []

        def wait():
            try:
                stream.more(20000)
            except CommandError as error:
                errors.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_for(lambda: self.server.commands[-1] == 'getMore', 'a getMore that waits')
        self.server.step_down()
        waiting.join(10)
        self.assertEqual([(error.code, error.labels) for error in errors],
                         [(11602, ['ResumableChangeStreamError'])])
        with self.assertRaises(CommandError) as caught:
            self.client.insert('shop.t', {'_id': 'no'})
        self.assertEqual(caught.exception.code, 10107)
        self.assertFalse(self.client.command('admin', {'isMaster': 1})['ismaster'])
        self.server.step_up()
        self.client.insert('shop.t', {'_id': 'yes'})
        self.assertEqual([event['documentKey'] for event in stream.read(1)], [{'_id': 'yes'}])

    def test_a_lagging_secondary_answers_with_the_past(self):
        self.only_here()
        self.server.lag()
        answer = self.client.update('shop.t', {'_id': 1}, {'$set': {'n': 1}})
        self.client.insert('shop.new', {'_id': 1})
        self.assertEqual(self.client.find('shop.t', {'_id': 1}), [{'_id': 1}])
        self.assertEqual(self.client.find('shop.new'), [])
        after = {'readConcern': {'level': 'majority', 'afterClusterTime': answer['operationTime']}}
        self.assertEqual(self.client.find('shop.t', {'_id': {'$in': [1]}}, **after), [{'_id': 1, 'n': 1}])
        self.server.lag(0)
        self.assertEqual(self.client.find('shop.t', {'_id': 1}), [{'_id': 1, 'n': 1}])

    def test_errors_on_demand(self):
        self.only_here()
        self.server.fail('find', CommandError(91, 'shutting down'), times=2)
        for _ in range(2):
            with self.assertRaises(CommandError):
                self.client.find('shop.t')
        self.assertEqual(len(self.client.find('shop.t')), 10)

    def test_a_window_that_moves_on(self):
        self.only_here()
        stream = Stream(self.client, 'shop')
        self.server.advance_clock(3600)
        self.assertEqual(stream.more(), [])
        now = self.client.command('admin', {'ping': 1})['operationTime']
        self.assertGreater(now.seconds, time.time() + 3500)
        oldest = self.client.find('local.oplog.rs', sort={'$natural': 1}, limit=1)[0]['ts']
        self.server.trim_oplog()
        first = self.client.find('local.oplog.rs', sort={'$natural': 1}, limit=1)[0]['ts']
        self.assertGreater((first.seconds, first.increment), (oldest.seconds, oldest.increment))


    def test_a_cursor_belongs_to_its_session_and_namespace(self):
        mine = {'lsid': self.client.session}
        cursor = self.client.command('shop', {'find': 't', 'batchSize': 2, **mine})['cursor']
        more = {'getMore': cursor['id'], 'collection': 't', 'batchSize': 2}
        other = {'lsid': self.server.client().session}
        for code, wrong in ((50737, more), (50738, {**more, **other}),
                            (13, {**more, **mine, 'collection': 'x'}), (2, {**more, **mine, 'maxTimeMS': 5})):
            with self.assertRaises(CommandError) as caught:
                self.client.command('shop', wrong)
            self.assertEqual(caught.exception.code, code)
        found = self.client.command('shop', {**more, **mine})['cursor']['nextBatch']
        self.assertEqual([one['_id'] for one in found], [2, 3])
        self.client.command('admin', {'endSessions': [self.client.session]})
        with self.assertRaises(CommandError) as caught:
            self.client.command('shop', {**more, **mine})
        self.assertEqual(caught.exception.code, 43)


class InBetween(unittest.TestCase):
    def setUp(self):
        self.server = live_server()
        self.addCleanup(self.server.destroy)
        self.proxy = mongo_proxy.Proxy(self.server.port)
        self.addCleanup(self.proxy.stop)
        self.client = self.proxy.client()
        self.client.timeout = 1
        self.addCleanup(self.client.close)
        with self.server.client() as direct:
            direct.insert('shop.t', *({'_id': place} for place in range(10)))

    def page(self):
        cursor = self.client.command('shop', {'find': 't', 'batchSize': 3, 'sort': {'_id': 1}})['cursor']
        return {'getMore': cursor['id'], 'collection': 't', 'batchSize': 3}

    def test_a_driver_stays_with_the_proxy(self):
        found = self.client.command('admin', {'isMaster': 1})
        self.assertEqual((found['hosts'], found['me'], found['primary']),
                         ([self.proxy.address], self.proxy.address, self.proxy.address))

    def test_a_lost_reply_was_done_all_the_same(self):
        actions = ((mongo_proxy.swallow_reply(), TimeoutError), (mongo_proxy.cut_after(), OSError))
        for action, error in actions:
            more = self.page()
            rule = self.proxy.on('getMore', action)
            with self.assertRaises(error):
                self.client.command('shop', more)
            found = self.client.command('shop', more)['cursor']['nextBatch']
            self.assertEqual([one['_id'] for one in found], [6, 7, 8])
            self.assertEqual(rule.hits, 1)

    def test_a_lost_command_was_not_done(self):
        more = self.page()
        self.proxy.on('getMore', mongo_proxy.cut_before())
        with self.assertRaises(OSError):
            self.client.command('shop', more)
        found = self.client.command('shop', more)['cursor']['nextBatch']
        self.assertEqual([one['_id'] for one in found], [3, 4, 5])
        self.assertEqual(self.proxy.count('getMore'), 2)

    def test_the_nth_and_no_more(self):
        rule = self.proxy.on('ping', mongo_proxy.fail(11602, labels=['X']), nth=2, times=2)
        codes = []
        for _ in range(5):
            try:
                self.client.command('admin', {'ping': 1})
                codes.append(0)
            except CommandError as error:
                codes.append((error.code, error.labels))
        self.assertEqual(codes, [0, (11602, ['X']), (11602, ['X']), 0, 0])
        self.assertEqual(rule.hits, 2)

    def test_a_reply_may_be_altered_or_late(self):
        self.proxy.on('ping', mongo_proxy.alter(lambda body: {**body, 'planted': True}))
        self.assertTrue(self.client.command('admin', {'ping': 1})['planted'])
        self.proxy.on('ping', mongo_proxy.delay(0.3))
        begin = time.monotonic()
        self.client.command('admin', {'ping': 1})
        self.assertGreaterEqual(time.monotonic() - begin, 0.29)


class OldHandshake(unittest.TestCase):
    def test_op_query_is_answered_by_op_reply(self):
        """As drivers of these years begin every connection."""
        with Replica() as server, server.client() as client:
            client.command('admin', {'ping': 1})
            name = b'admin.$cmd\0'
            query = b'\0\0\0\0' + name + b'\0\0\0\0\xff\xff\xff\xff' + mongo_wire.bson.encode({'isMaster': 1})
            head = mongo_wire.HEADER.pack(len(query) + 16, 7, 0, mongo_wire.OP_QUERY)
            client.connection.sendall(head + query)
            answer = mongo_wire.receive(client.connection)
            self.assertEqual((answer.kind, answer.answers), (mongo_wire.OP_REPLY, 7))
            self.assertTrue(answer.body['ismaster'])


if __name__ == '__main__':
    harness.main()
