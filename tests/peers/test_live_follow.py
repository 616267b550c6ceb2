"""lugger follow: the changes of a live MongoDB from a time on, or behind a dump."""
import itertools
import signal
import time
import unittest

import bson
import harness
import mongo_proxy
import mongo_wire
from jobs import Work, dump, job
from mongo_servers import live_server, wait_for
from postgres import Postgres

COLUMNS = "{ 'n', 'int8' }"
NUMBERS = itertools.count(1)


def private_memory(process):
    try:
        with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
            return max([0, *(int(line.split()[1]) << 10 for line in file if line.startswith('RssAnon'))])
    except OSError:
        return 0


class LiveFollow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.server = live_server()
        cls.addClassCleanup(cls.server.destroy)
        time.sleep(1.1)   # a time of the second in which its oplog began lies before it

    def setUp(self):
        self.peak = 0   # private memory of what followed
        self.client = self.server.client()
        self.addCleanup(self.client.close)
        self.name = f'docs{next(NUMBERS)}'   # what is dropped in one test would be an event of the next
        self.client.command('shop', {'insert': self.name, 'documents': [self.document(i) for i in range(50)]})
        self.work = Work(self.postgres.fresh(),
                         text=job(COLUMNS, conflict='update', collection=f'shop.{self.name}'))
        self.work.source = self.server.url

    def document(self, number, value=None):
        return {'_id': bson.ObjectId(f'{number:024x}'), 'n': bson.Int32(number if value is None else value)}

    def write(self, value):
        """One document changes, one goes, one comes."""
        self.client.command('shop', {'update': self.name, 'updates': [
            {'q': {'_id': self.document(1)['_id']}, 'u': {'$set': {'n': bson.Int32(value)}}}]})
        self.client.command('shop', {'delete': self.name, 'deletes': [
            {'q': {'_id': self.document(value % 40 + 2)['_id']}, 'limit': bson.Int32(1)}]})
        self.client.command('shop', {'insert': self.name, 'documents': [self.document(value)]})

    def now(self):
        """Time of the deployment, in the form that --from-time takes."""
        stamp = self.client.command('admin', {'ping': 1})['operationTime']
        return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(stamp.seconds)), stamp

    def expected(self):
        found = self.client.find(f'shop.{self.name}')
        return sorted([one['_id'].hex, str(int(getattr(one['n'], 'value', one['n'])))] for one in found)

    def rows(self):
        return sorted(self.work.database.rows('select mongo_id, n from docs'))

    def follow(self, *flags):
        """Follows until both sides are equal, then stops it; what it told."""
        process = self.work.start('follow', 'job.lua', '--log', 'plain', *flags)
        end = time.monotonic() + 60
        while time.monotonic() < end and process.poll() is None and self.rows() != self.expected():
            self.peak = max(self.peak, private_memory(process))
            time.sleep(0.1)
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(self.rows(), self.expected(), out + err)
        self.assertEqual(process.returncode, 130, out + err)
        return out + err

    def test_from_a_time_on_and_on_again(self):
        self.work.run('--create')
        begin, _ = self.now()
        self.write(1001)
        told = self.follow('--from-time', begin)
        self.assertIn('Go on with: lugger follow job.lua --log plain\n', told)
        self.write(1002)
        self.assertIn('goes on', self.follow())
        told = self.work.lugger('status', 'job.lua').out
        self.assertRegex(told, r'docs +stopped +20\d\d-')
        self.assertIn('"phase":"stopped"', self.work.lugger('status', 'job.lua', '--json').out)

    def test_a_key_computed_from_the_id(self):
        """As scaffolds make it: a deleted document's row is found by it."""
        self.work.script(job("{ 'id', 'uuid', generate = 'v5' }, " + COLUMNS, conflict='update', key='id',
                             collection=f'shop.{self.name}'))
        self.work.run('--create')
        begin, _ = self.now()
        self.write(3001)
        self.follow('--from-time', begin)

    def test_many_changes_come_in_replies_of_a_bounded_size(self):
        self.work.script(job(COLUMNS, conflict='update', collection=f'shop.{self.name}',
                             extra="unmapped = 'ignore',"))
        self.work.run('--create')
        begin, _ = self.now()
        for at in range(1000, 4000, 500):
            self.client.command('shop', {'insert': self.name, 'documents': [
                {**self.document(i), 'pad': 'x' * 20000} for i in range(at, at + 500)]})
        self.client.command('shop', {'update': self.name, 'updates': [
            {'q': {}, 'u': {'$set': {'n': bson.Int32(5)}}, 'multi': True}]})
        self.follow('--from-time', begin)
        self.assertLess(self.peak, 72 << 20)

    def test_behind_a_dump(self):
        documents = [self.document(i) for i in range(50)]
        _, stamp = self.now()
        noop = {'ts': stamp, 't': bson.Int64(1), 'h': bson.Int64(0), 'v': bson.Int64(2), 'op': 'n', 'ns': '',
                'wall': bson.Date(stamp.seconds * 1000), 'o': {'msg': 'end'}}
        place = dump(self.work.directory, 'shop', {self.name: documents})
        bson.write(place / 'oplog.bson', [noop])
        self.write(2001)
        self.work.run('--create', '--from', str(place))
        self.follow('--after', str(place))

    def test_what_is_looked_up_behind_a_rename_is_not_taken_for_deleted(self):
        """The change is committed before its stream comes to the rename."""
        self.work.run('--create')
        with mongo_proxy.Proxy(self.server.port) as proxy:
            self.work.source = proxy.url
            begin, _ = self.now()
            process = self.work.start('follow', 'job.lua', '--from-time', begin, '--accept-changes')
            self.addCleanup(process.kill)
            stands = "select count(*) from lugger.partitions where position <> '' and partition = 'changes'"
            wait_for(lambda: self.work.database.query(stands, check=False) == '1', 'a position')

            def rename(exchange):
                self.client.command('admin', {'renameCollection': f'shop.{self.name}',
                                              'to': f'shop.{self.name}_old'})
                proxy.on('getMore', nothing_yet, times=2)
                return exchange.ask()
            renamed = proxy.on('find', rename, where=lambda body: '$in' in str(body.get('filter')))
            self.client.command('shop', {'update': self.name, 'updates': [
                {'q': {'_id': self.document(1)['_id']}, 'u': {'$set': {'n': bson.Int32(-1)}}}]})
            out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, renamed.hits), (1, 1), out + err)
        self.assertIn('rename', err)
        self.assertEqual(len(self.rows()), 50)

    def test_what_is_missing_is_said(self):
        self.work.run('--create')
        plain = dump(self.work.directory, 'shop', {self.name: [self.document(1)]})
        for flags, words in (
                ((), 'nothing says from where on'), (('--from-time', 'yesterday'), 'yesterday'),
                (('--after', str(plain)), 'has no oplog'),
                (('--after', str(plain), '--from-time', '2026-01-01'), 'exclude each other')):
            told = self.work.lugger('follow', 'job.lua', *flags, expect=1)
            self.assertIn(words, told.err, flags)


def nothing_yet(exchange):
    """The stream has no event for longer than a unit stays open."""
    time.sleep(1.2)
    return mongo_wire.Message({'cursor': {'nextBatch': [], 'id': exchange.request.body['getMore'],
                                          'ns': 'shop.$cmd.aggregate'}, 'ok': 1.0})


if __name__ == '__main__':
    harness.main()
