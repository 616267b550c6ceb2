"""What a role may not do: each right that is missing is named with what it costs, and what still works does.
And what `plan` tells of a live collection that no table can have."""
import re
import signal
import time
import unittest

import bson
import harness
import mongo_proxy
from jobs import Work, job
from mongo_replica import Replica
from postgres import Postgres

COLUMNS = "{ 'n', 'int8' }, { 'at', 'timestamptz' }, { 'title', 'text' }"
DENIED = mongo_proxy.fail(13, 'not authorized on shop to execute command')
# The commands that an action allows; those of the handshake and of cursors need none.
ALLOWS = {'find': ['find', 'aggregate'], 'changeStream': ['aggregate'],
          'listCollections': ['listCollections'], 'listIndexes': ['listIndexes'],
          'collStats': ['collStats'], 'listDatabases': ['listDatabases']}
FREE = {'hello', 'isMaster', 'ismaster', 'ping', 'getMore', 'killCursors', 'endSessions'}


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.replica = Replica()
        self.addCleanup(self.replica.stop)
        self.client = self.replica.client()
        self.proxy = mongo_proxy.Proxy(self.replica.port)
        self.addCleanup(self.proxy.stop)
        self.fill('docs', 300)

    def fill(self, collection, count):
        self.client.command('shop', {'insert': collection, 'documents': [
            {'_id': bson.ObjectId(f'{i:024x}'), 'n': bson.Int32(i)} for i in range(count)]})

    def work(self, collection='shop.docs', **more):
        work = Work(self.server.fresh(), text=job(COLUMNS, collection=collection, conflict='update', **more))
        work.source = self.proxy.url
        return work

    def plan(self, expect=0, **more):
        return self.work(**more).lugger('plan', 'job.lua', '--create', expect=expect)

    def count(self, work):
        return work.database.number('select count(*) from docs')


class Rights(Live):
    def test_without_collstats_there_is_no_size(self):
        self.proxy.on('collStats', DENIED, times=0)
        told = self.plan()
        self.assertIn('may not run collStats on shop.docs', told.err)
        self.assertIn('lugger init --mongo-role', told.err)
        work = self.work()
        work.run('--create')
        self.assertEqual(self.count(work), 300)

    def test_without_listindexes_a_scaffold_has_no_indexes(self):
        self.proxy.on('listIndexes', DENIED, times=0)
        self.assertIn('may not run listIndexes on shop.docs', self.plan().err)
        told = self.work().lugger('describe', self.proxy.url)
        self.assertIn('may not run listIndexes on shop.docs', told.err)

    def test_without_listcollections_a_collection_named_in_full_is_read(self):
        self.proxy.on('listCollections', DENIED, times=0)
        work = self.work()
        told = work.run('--create')
        self.assertIn('it is not noticed when it is dropped and made anew', told.err)
        self.assertEqual(self.count(work), 300)
        self.proxy.on('getMore', mongo_proxy.fail(43), times=1)
        again = self.work()
        again.run('--create', '-j', '1')
        self.assertEqual(self.count(again), 300)
        self.proxy.on('listDatabases', DENIED, times=0)
        self.assertIn('not authorized', self.plan(collection='docs', expect=1).err)

    def test_names_alone_suffice(self):
        """A role that may read some collections of a database is told their names, and no more."""
        self.fill('other', 1)
        self.proxy.on('listCollections', DENIED, times=0, where=lambda body: 'nameOnly' not in body)
        work = self.work(collection='docs')
        self.assertIn('the UUID of docs is not known', work.run('--create').err)
        self.assertEqual(self.count(work), 300)
        self.assertIn('did you mean shop.docs', self.plan(collection='shop.dosc', expect=1).err)

    def test_without_find_nothing_is_read(self):
        self.proxy.on('find', DENIED, times=0)
        told = self.work().run('--create', expect=1)
        self.assertIn('not authorized', told.err)
        self.assertIn('lugger init --mongo-role', told.err)

    def test_a_server_repeats_a_command_with_all_its_ids(self):
        denied = ('not authorized on shop to execute command { find: "docs", '
                  'filter: { _id: { $in: [ 0, 1, 2 ] } }, $db: "shop" }')
        self.proxy.on('find', mongo_proxy.fail(13, denied), times=0)
        told = self.work().run('--create', expect=1).err
        self.assertIn('to execute command { find: "docs", ... }', told)
        self.assertNotIn('$in', told)

    def test_without_changestream_a_copy_is_still_made(self):
        self.proxy.on('aggregate', DENIED, times=0, where=is_stream)
        self.assertIn('its changes cannot be followed: ', self.plan().err)
        work = self.work()
        work.run('--create')
        self.assertEqual(self.count(work), 300)
        self.proxy.clear()
        self.assertNotIn('cannot be followed', self.plan().err)

    def test_the_printed_role_suffices(self):
        for flags, resource in (((), ''), (('--database', 'shop'), 'shop')):
            role = self.work().lugger('init', '--mongo-role', *flags).out
            self.assertIn(f'resource: {{ db: "{resource}", collection: "" }}', role)
            self.assertEqual('cluster: true' in role, not flags)
            actions = [word for line in re.findall(r'actions: \[(.*?)\]', role)
                       for word in re.findall(r'"(\w+)"', line)]
            allowed = FREE | {command for action in actions for command in ALLOWS[action]}
            self.proxy.clear()
            for command in ('listDatabases', 'listCollections', 'listIndexes', 'collStats', 'dbStats',
                            'count', 'serverStatus', 'aggregate', 'find'):
                if command not in allowed:
                    self.proxy.on(command, DENIED, times=0)
            told = self.plan(collection='shop.docs' if flags else 'docs')
            self.assertNotIn('may not', told.err)
            self.assertNotIn('cannot be followed', told.err)
            # A server lists the databases that a role has any right to, if it may not list all.
            asked = {next(iter(body)) for body in self.proxy.seen}
            self.assertLessEqual(asked, allowed | {'listDatabases'})

    def test_flags_of_the_role(self):
        role = self.work().lugger('init', '--mongo-role', '--database', 'a"b', '--database', 'c').out
        self.assertIn('db: "a\\"b"', role)
        self.assertIn('db: "c"', role)
        self.work().lugger('init', '--database', 'c', expect=2)
        self.work().lugger('init', '--mongo-role', 'x.lua', expect=2)


class Decisions(Live):
    def gives(self, command, documents):
        """The server's list of something is this."""
        self.proxy.on(command, mongo_proxy.alter(lambda body: {
            **body, 'cursor': {**body['cursor'], 'firstBatch': documents}}), times=0)

    def test_indexes_and_options(self):
        self.client.command('shop', {'create': 'log', 'capped': True, 'size': bson.Int32(4096),
                                     'validator': {'n': {'$type': 'int'}},
                                     'collation': {'locale': 'de', 'strength': bson.Int32(2)}})
        indexes = [({'at': 1}, {'expireAfterSeconds': 3600}),
                   ({'_fts': 'text', '_ftsx': 1}, {'weights': {'title': 1}}), ({'n': 'hashed'}, {}),
                   ({'place': '2dsphere'}, {}), ({'$**': 1}, {}), ({'n': 1}, {})]
        self.gives('listIndexes', [{'v': 2, 'key': key, 'name': '_'.join(key), **options}
                                   for key, options in indexes])
        told = self.plan(collection='shop.log').out
        for words in ('it is capped', 'it has a validator', 'locale de', 'TTL index at { at: 1 }',
                      'DELETE FROM "docs"', 'text index _fts__ftsx', 'hashed index n',
                      '2dsphere index place', 'wildcard index $**'):
            self.assertIn(words, told)
        self.proxy.clear()
        self.assertNotIn('replace', self.plan().out)

    def test_what_stands_around_a_collection(self):
        self.fill('fs.files', 1)
        self.fill('fs.chunks', 1)
        self.client.command('shop', {'create': 'grown', 'viewOn': 'docs', 'pipeline': []})
        self.assertIn('GridFS: fs.files', self.plan(collection='shop.fs.files').out)
        self.assertIn('views read from it, and are not copied: grown', self.plan().out)
        self.proxy.on('collStats', mongo_proxy.alter(lambda body: {**body, 'sharded': True}), times=0)
        self.assertIn('it is sharded', self.plan().out)

    def test_collections_of_the_server_are_refused(self):
        self.gives('listCollections', [{'name': name, 'type': 'collection', 'options': {}}
                                       for name in ('system.views', 'oplog.rs')])
        for name in ('shop.system.views', 'local.oplog.rs', 'admin.oplog.rs', 'config.oplog.rs'):
            self.assertIn('belongs to the server itself', self.plan(collection=name, expect=1).err, name)


class SourceSpeed(Live):
    def test_a_copy_waits_behind_what_it_has_read(self):
        for i in range(30):
            self.client.command('shop', {'insert': 'large', 'documents': [
                {'_id': bson.Int32(i), 'n': bson.Int32(i), 'pad': 'x' * 400_000}]})
        work = self.work(collection='shop.large')
        self.assertIn('leaves less than', work.run('--create', '--max-source-mbps', '0.01', expect=1).err)
        process = work.start('run', 'job.lua', '--create', '-j', '1', '--log', 'none',
                             '--max-source-mbps', '0.1')
        read = 'select coalesce(sum(read), 0) from lugger.partitions'
        while (work.database.query(read, check=False) or '0').strip() == '0':
            self.assertIsNone(process.poll())
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertLess(self.count(work), 30)
        work.run('--create', '-j', '1', '--max-source-mbps', '500')
        self.assertEqual(self.count(work), 30)

    def test_only_copies_have_a_source_to_hold_back(self):
        work = self.work(extra='throttle = { source_mbps = 50 },')
        work.run('--create')
        self.assertEqual(self.count(work), 300)
        work.script("return require 'lugger'.task('t', function() end)")
        self.assertIn('t is a task', work.run('--max-source-mbps', '5', expect=1).err)


def is_stream(body):
    return any('$changeStream' in stage for stage in body['pipeline'])


if __name__ == '__main__':
    harness.main()
