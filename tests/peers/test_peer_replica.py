"""The replica that tests of a live MongoDB run on, held against what a real server was recorded with; with
LUGGER_TEST_MONGOD the same is asked of that server."""
import json
import time
import unittest

import bson
import harness
import mongo_replay
from mongo_replay import Stream
from mongo_servers import RealServer, live_server, wait_for
from mongo_wire import CommandError

DUMP = harness.DATA / 'named' / 'dump'


def reply(name):
    """The first line of a recorded reply."""
    path = harness.DATA / 'replies' / f'{name}.json'
    return bson.from_extended(json.loads(path.read_text(encoding='utf-8').splitlines()[0]))


def shape(value, depth=2):
    """The names of a document in their order, so deep."""
    if isinstance(value, dict):
        return {name: shape(inner, depth - 1) for name, inner in value.items()} if depth else dict
    return type(value)


def kinds(events):
    return [event['operationType'] for event in events]


def ids(events):
    return [event['documentKey']['_id'] for event in events]


class Peer(unittest.TestCase):
    """One server for the tests of a class, filled by each test itself."""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.server = live_server(**cls.options)
        cls.addClassCleanup(cls.server.stop)
        cls.real = isinstance(cls.server, RealServer)

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        for one in self.client.command('admin', {'listDatabases': 1})['databases']:
            if one['name'] not in ('admin', 'config', 'local'):
                self.client.command(one['name'], {'dropDatabase': 1})

    def stream(self, database='shop', collection=1, options=None, stages=(), **more):
        client = self.server.client()
        self.addCleanup(client.close)
        return Stream(client, database, collection, options, stages, **more)

    def refused(self, database, command):
        with self.assertRaises(CommandError) as caught:
            self.client.command(database, command)
        return caught.exception

    def assert_refused_as(self, error, name):
        expected = reply(name)['error']
        self.assertEqual(list(error.answer), list(expected))
        self.assertEqual([error.code, error.answer['codeName'], error.labels], [
            expected['code'], expected['codeName'], expected.get('errorLabels', [])])

    def watch_error(self, options):
        return self.refused('shop', {'aggregate': 1, 'pipeline': [{'$changeStream': options}], 'cursor': {}})


class Events(Peer):
    def assert_same_events(self, events, recorded):
        self.assertEqual(len(events), len(recorded))
        for place, (event, expected) in enumerate(zip(events, recorded)):
            if mongo_replay.without_chance(event) != mongo_replay.without_chance(expected):
                self.fail(f'event {place}:\n{event}\nrecorded:\n{expected}')

    def replayed(self, dump, name, first=1, last=None, **options):
        """The events of recorded ones done again. The first was there before the dump was taken."""
        self.server.load_dump(harness.DATA / dump)
        recorded = mongo_replay.recorded(name)[first:last]
        stream = self.stream(recorded[0]['ns']['db'], options=options)
        mongo_replay.replay(self.client, recorded)
        self.assert_same_events(stream.read(len(recorded)), recorded)

    def test_named_steps(self):
        self.replayed('named/dump', 'named/changes/plain')

    def test_random_operations(self):
        self.replayed('random/dump', 'random/changes', last=2500)

    def test_a_collection_that_is_renamed(self):
        recorded = mongo_replay.recorded('named/changes/collection-late')
        self.client.command('shop', {'create': 'late'})
        stream = self.stream(collection='late')
        mongo_replay.replay(self.client, recorded)
        self.assert_same_events(stream.read(len(recorded) + 1), recorded)
        self.assertEqual((stream.id.value, stream.position), (0, recorded and stream.events[-1]['_id']))
        self.assert_refused_as(self.watch_error({'resumeAfter': stream.position}),
                               'error-resume-after-invalidate')
        again = self.stream(collection='late', options={'startAfter': stream.position})
        self.client.insert('shop.late', {'_id': 1})
        self.assertEqual(kinds(again.read(1)), ['insert'])

    def test_a_database_that_is_dropped(self):
        for name in ('a', 'b'):
            self.client.insert(f'shop.{name}', {'_id': 1})
        stream, everything = self.stream(), self.stream('admin', options={'allChangesForCluster': True})
        self.client.command('shop', {'dropDatabase': 1})
        lines = (harness.DATA / 'replies/change-stream-drop-database.json').read_text().splitlines()
        recorded = [bson.from_extended(json.loads(line)) for line in lines]
        events = stream.read(99)
        self.assertEqual(kinds(events), ['drop', 'drop', 'dropDatabase', 'invalidate'])
        for event, expected in zip(events[-3:], recorded[-3:]):
            self.assertEqual(shape(event), shape(expected))
            self.assertEqual(mongo_replay.token_without_chance(event['_id']),
                             mongo_replay.token_without_chance(expected['_id']))
        self.assertEqual(kinds(everything.read(3)), ['drop', 'drop', 'dropDatabase'])

    def test_lookup_gives_the_document_of_now(self):
        self.client.insert('shop.t', {'_id': 1}, {'_id': 2})
        stream = self.stream(options={'fullDocument': 'updateLookup'})
        for place in (1, 2):
            self.client.update('shop.t', {'_id': place}, {'$set': {'n': 1}})
        self.client.update('shop.t', {'_id': 1}, {'$set': {'n': 2}})
        self.client.delete('shop.t', {'_id': 2})
        events = stream.read(4)
        recorded = next(one for one in mongo_replay.recorded('named/changes/update-lookup')
                        if one['operationType'] == 'update')
        self.assertEqual(list(events[0]), list(recorded))
        self.assertEqual([event.get('fullDocument', 'none') for event in events],
                         [{'_id': 1, 'n': 2}, None, {'_id': 1, 'n': 2}, 'none'])


class EventsBefore47(Events):
    """Servers that log updates by paths."""
    options = {'wire': 9}
    test_named_steps = test_lookup_gives_the_document_of_now = test_a_database_that_is_dropped = None
    test_a_collection_that_is_renamed = None

    def test_random_operations(self):
        if self.real:
            self.skipTest('a real server is of its own version')
        self.replayed('random-v1/dump', 'random-v1/changes')


class Positions(Peer):
    def test_an_empty_batch_moves_the_position(self):
        self.client.insert('shop.t', {'_id': 1})
        stream = self.stream(stages=[{'$match': {'ns.coll': 't'}}])
        self.assertEqual(shape(self.client.command('shop', {
            'aggregate': 't', 'pipeline': [{'$changeStream': {}}], 'cursor': {}})),
                         shape(reply('change-stream-start-after-invalidate')))
        before = stream.position
        self.client.insert('shop.other', {'_id': 1})
        wait_for(lambda: stream.more() == [] and stream.position != before, 'a later position')
        self.assertEqual(len(stream.position['_data']), len('826B016D2A000000052B0229296E04'))
        self.client.insert('shop.t', {'_id': 2})
        self.assertEqual(stream.read(1)[0]['documentKey'], {'_id': 2})
        self.assertEqual(stream.position, stream.events[0]['_id'])

    def test_every_position_goes_on_exactly(self):
        first = self.stream()
        for place in range(3):
            self.client.insert('shop.t', {'_id': place})
        self.client.transaction('shop', [{'insert': 't', 'documents': [{'_id': n}]} for n in range(3, 6)])
        tokens = [first.position] + [event['_id'] for event in first.read(6)]
        for way in ('startAfter', 'resumeAfter'):
            for done, token in enumerate(tokens):
                found = self.stream(options={way: token}).read(6 - done) if done < 6 else []
                self.assertEqual(ids(found), list(range(done, 6)))
        times = [event['clusterTime'] for event in first.events]
        self.assertEqual(len(set(times)), 4)
        found = self.stream(options={'startAtOperationTime': times[-1]}).read(3)
        self.assertEqual(ids(found), [3, 4, 5])

    def test_small_batches_lose_nothing(self):
        stream = self.stream()
        self.client.transaction('shop', [{'insert': 't', 'documents': [{'_id': n} for n in range(7)]}])
        wait_for(lambda: stream.more(batchSize=2) or True, 'a batch')
        while len(stream.events) < 7:
            self.assertEqual(stream.position, stream.events[-1]['_id'])
            stream.more(batchSize=2)
        self.assertEqual(ids(stream.events), list(range(7)))

    def test_the_wait_ends_with_an_event(self):
        stream, begin = self.stream(), time.monotonic()
        self.assertEqual(stream.more(300), [])
        self.assertGreaterEqual(time.monotonic() - begin, 0.29)

    def test_tokens_that_are_no_good(self):
        damaged = self.watch_error({'startAfter': {'_data': 'BE' + '00' * 20}})
        self.assert_refused_as(damaged, 'error-bad-token')
        self.assertEqual(self.watch_error({'startAfter': {'_data': 'no hex'}}).code, 9)
        stream = self.stream()
        self.client.insert('shop.t', {'_id': 1}, {'_id': 2})
        both = {'startAfter': stream.read(2)[0]['_id']}
        self.assertEqual(self.watch_error({**both, 'resumeAfter': both['startAfter']}).code, 50865)
        changed = stream.events[0]['_id']['_data'].replace('2B020004', '2B0E0004')
        error = self.watch_error({'startAfter': {'_data': changed}})
        self.assertEqual((error.code, error.labels), (280, ['NonResumableChangeStreamError']))

    def test_options_that_nobody_knows(self):
        self.assertEqual(self.watch_error({'whatever': 1}).code, 40415)

    def test_a_position_that_the_oplog_lost(self):
        server = live_server(oplog_mb=1)
        self.addCleanup(server.stop)
        with server.client() as client:
            stream = Stream(server.client(), 'shop')
            client.insert('shop.t', {'_id': 1})
            position = stream.read(1)[0]['_id']
            client.insert('shop.t', {'_id': 2})
            server.trim_oplog()
            again = Stream(server.client(), 'shop', options={'startAfter': position})
            self.assert_refused_as(again.error(), 'error-history-lost')


class Reading(Peer):
    def setUp(self):
        super().setUp()
        self.server.load_dump(DUMP)

    def pages(self, name, size):
        """A collection page by page, from the last key on; `min` alone leaves MaxKey out."""
        found, page = [], None
        while page != [] and not (found and isinstance(found[-1]['_id'], bson.MaxKey)):
            after = {'min': {'_id': found[-1]['_id']}} if found else {}
            page = self.client.command('shop', {
                'find': name, 'hint': {'_id': 1}, 'sort': {'_id': 1}, 'limit': size, 'singleBatch': True,
                **after})['cursor']['firstBatch'][bool(found):]
            found += page
        return found + ([] if page else self.client.find(f'shop.{name}', {'_id': bson.MaxKey()}))

    def test_pages_by_key_have_the_recorded_order(self):
        recorded = mongo_replay.recorded('named/changes/plain')[1:]
        mongo_replay.replay(self.client, [one for one in recorded if one['ns'].get('coll') == 'ids'])
        lines = (harness.DATA / 'named/final/ids.json').read_text(encoding='utf-8').splitlines()
        final = [bson.encode(bson.from_extended(json.loads(line))) for line in lines]
        for size in (2, 3, 100):
            self.assertEqual([bson.encode(one) for one in self.pages('ids', size)], final)

    def test_every_type_of_key_in_order(self):
        ids = [bson.encode(one) for one in self.client.find('shop.ids', sort={'_id': 1})]
        self.assertEqual(len(ids), 21)
        self.assertEqual([bson.encode(one) for one in self.pages('ids', 2)], ids)
        down = [bson.encode(one) for one in self.client.find('shop.ids', sort={'_id': -1}, batchSize=4)]
        self.assertEqual(down, ids[::-1])

    def test_bounds_are_inclusive_and_exclusive(self):
        def between(**bounds):
            found = self.client.find('shop.orders', hint={'_id': 1}, sort={'_id': 1}, **bounds)
            return [one['_id'] for one in found]
        self.assertEqual(between(min={'_id': 5}, max={'_id': 8}), [5, 6, 7])
        self.assertEqual(between(min={'_id': bson.Decimal128('5.5')}, max={'_id': 6.5}), [6])
        self.assertEqual(between(min={'_id': 'x'}), [])

    def test_bounds_that_are_refused(self):
        hint = {'hint': {'_id': 1}}
        for code, more in ((51173, {'min': {'_id': 1}}), (51174, {'min': {'status': 1}, **hint}),
                           (51175, {'min': {'_id': 1}, 'max': {'_id': 1}, **hint}),
                           (51175, {'min': {'_id': 2}, 'max': {'_id': 1.0}, **hint}),
                           (51175, {'min': {'_id': bson.MaxKey()}, **hint}),
                           (51175, {'max': {'_id': bson.MinKey()}, **hint}),
                           (2, {'hint': {'nothing': 1}})):
            self.assertEqual(self.refused('shop', {'find': 'orders', **more}).code, code)

    def test_comparisons_stay_inside_of_a_type(self):
        for query, count in (
                ({'$gt': 'a'}, 1), ({'$gte': ''}, 4), ({'$lt': 2}, 2), ({'$type': 'string'}, 3),
                ({'$gt': bson.MinKey()}, 20), ({'$gte': None}, 1), ({'$in': [1.0, None, 'text']}, 3)):
            self.assertEqual(len(self.client.find('shop.ids', {'_id': query})), count, query)

    def test_cursors(self):
        first = self.client.command('shop', {'find': 'orders', 'batchSize': 2})
        self.assertEqual(list(first['cursor']), ['firstBatch', 'id', 'ns'])
        more = {'getMore': first['cursor']['id'], 'collection': 'orders'}
        self.client.command('shop', {'killCursors': 'orders', 'cursors': [more['getMore']]})
        self.assert_refused_as(self.refused('shop', more), 'error-cursor-not-found')
        self.assertEqual(len(self.client.find('shop.orders', batchSize=0)), 120)
        dropped = self.client.command('shop', {'find': 'orders', 'batchSize': 2})['cursor']
        self.client.command('shop', {'drop': 'orders'})
        self.assertEqual(self.refused('shop', {'getMore': dropped['id'], 'collection': 'orders'}).code, 175)

    def test_replies_have_the_recorded_fields(self):
        for name, database, command in (
                ('isMaster', 'admin', {'isMaster': 1}), ('listDatabases', 'admin', {'listDatabases': 1}),
                ('listIndexes-users', 'shop', {'listIndexes': 'users'})):
            found, recorded = self.client.command(database, command), reply(name)
            self.assertEqual(list(found), [key for key in recorded if key in found], name)
            missing = recorded.keys() - found.keys() - {'totalSize', 'totalSizeMb'}
            self.assertEqual(missing, set(), name)
        found = self.client.command('shop', {'listCollections': 1})['cursor']['firstBatch']
        recorded = {one['name']: one for one in reply('listCollections')['cursor']['firstBatch']}
        for one in found:
            if one['name'] in recorded:
                self.assertEqual(shape(one, 1), shape(recorded[one['name']], 1))
        self.assertEqual({one['name'] for one in found if one['type'] == 'view'}, {'adult_users'})

    def test_a_partitioner_finds_what_it_asks_for(self):
        def run(*stages):
            command = {'aggregate': 'orders', 'pipeline': list(stages), 'cursor': {}}
            return self.client.command('shop', command)['cursor']['firstBatch']
        sample = run({'$sample': {'size': 10}}, {'$project': {'_id': 1}}, {'$sort': {'_id': 1}})
        self.assertEqual(sorted({one['_id'] for one in sample}), [one['_id'] for one in sample])
        stats = run({'$collStats': {'storageStats': {}}})[0]['storageStats']
        self.assertEqual(stats['count'], 120)
        self.assertGreater(stats['size'], 1000)
        self.assertEqual(run({'$match': {'_id': {'$lt': 9}}}, {'$count': 'n'}), [{'n': 9}])


class Writing(Peer):
    def test_errors_as_recorded(self):
        self.client.insert('shop.t', {'_id': 1})
        writes = {'error-duplicate-key': lambda: self.client.insert('shop.t', {'_id': 1}),
                  'error-validation': lambda: self.client.update('shop.t', {'_id': 1}, {'$set': {'_id': 2}})}
        for name, write in writes.items():
            with self.assertRaises(CommandError) as caught:
                write()
            self.assertEqual(list(caught.exception.answer), list(reply(name)))
            found, recorded = (one['writeErrors'][0] for one in (caught.exception.answer, reply(name)))
            self.assertEqual((list(found), found['code']), (list(recorded), recorded['code']))

    def test_a_transaction_is_seen_when_it_is_committed(self):
        self.client.insert('shop.t', {'_id': 0})
        stream = self.stream()
        self.client.transaction('shop', [{'insert': 't', 'documents': [{'_id': 1}]}], commit=False)
        self.client.transaction('shop', [
            {'insert': 't', 'documents': [{'_id': 2}]},
            {'update': 't', 'updates': [{'q': {'_id': 2}, 'u': {'$inc': {'n': 1}}}]}])
        self.assertEqual([one['_id'] for one in self.client.find('shop.t', sort={'_id': 1})], [0, 2])
        self.assertEqual([one['documentKey']['_id'] for one in stream.read(2)], [2, 2])
        self.assertEqual(stream.events[0]['clusterTime'], stream.events[1]['clusterTime'])


class Definitions(Peer):
    def described(self, name):
        return self.client.command('shop', {'listCollections': 1, 'filter': {'name': name}})[
            'cursor']['firstBatch'][0]

    def test_a_capped_collection_forgets_without_a_word(self):
        self.client.command('shop', {'create': 'log', 'capped': True, 'size': 4096, 'max': 3})
        stream = self.stream()
        for place in range(5):
            self.client.insert('shop.log', {'_id': place})
        self.assertEqual([one['_id'] for one in self.client.find('shop.log')], [2, 3, 4])
        self.assertEqual(kinds(stream.read(5)) + kinds(stream.more()), ['insert'] * 5)

    def test_a_view_has_documents_and_no_index(self):
        self.client.insert('shop.t', *({'_id': place, 'n': place} for place in range(9)))
        pipeline = [{'$match': {'n': {'$gt': 5}}}]
        self.client.command('shop', {'create': 'most', 'viewOn': 't', 'pipeline': pipeline})
        self.assertEqual([one['_id'] for one in self.client.find('shop.most', sort={'_id': 1})], [6, 7, 8])
        self.assertEqual(self.described('most')['type'], 'view')
        self.assertEqual(self.client.command('shop', {'count': 'most'})['n'], 3)
        for command in ({'find': 'most', 'min': {'_id': 1}, 'hint': {'_id': 1}}, {'listIndexes': 'most'},
                        {'aggregate': 'most', 'pipeline': [{'$changeStream': {}}], 'cursor': {}}):
            self.refused('shop', command)

    def test_a_rename_needs_room_or_makes_it(self):
        self.client.insert('shop.a', {'_id': 1})
        self.client.insert('shop.b', {'_id': 2})
        command = {'renameCollection': 'shop.a', 'to': 'shop.b'}
        self.assertEqual(self.refused('admin', command).code, 48)
        stream, identity = self.stream(), self.described('a')['info']['uuid']
        self.client.command('admin', {**command, 'dropTarget': True})
        self.assertEqual(kinds(stream.read(1)) + kinds(stream.more()), ['rename'])
        self.assertEqual(self.described('b')['info']['uuid'], identity)
        self.client.command('shop', {'drop': 'b'})
        self.client.insert('shop.b', {'_id': 3})
        self.assertNotEqual(self.described('b')['info']['uuid'], identity)

    def test_what_is_not_there(self):
        self.assertEqual(self.client.find('shop.nothing'), [])
        stats = {'aggregate': 'nothing', 'pipeline': [{'$collStats': {'count': {}}}], 'cursor': {}}
        for command in (stats, {'listIndexes': 'nothing'}, {'drop': 'nothing'}):
            self.assertEqual(self.refused('shop', command).code, 26)
        self.assertEqual(self.refused('shop', {'noSuchCommand': 1}).code, 59)


class Standalone(Peer):
    options = {'set_name': None}

    def test_it_has_no_oplog(self):
        self.assert_refused_as(self.watch_error({}), 'standalone-error-change-stream')
        found, recorded = self.client.command('admin', {'hello': 1}), reply('standalone-hello')
        self.assertEqual(found.keys(), recorded.keys())


if __name__ == '__main__':
    harness.main()
