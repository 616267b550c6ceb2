"""The changes of a move when replies are lost, documents are refused, collections go away, or somebody
stops it."""
import json
import os
import signal
import time
import unittest

import bson
import harness
import mongo_proxy
from live_moves import COLUMNS, SLOW, TAGS, Move, Writer, copy, script
from mongo_replica import Replica
from mongo_servers import live_server, wait_for
from postgres import Postgres


def of_stream(body):
    return body.get('collection') == '$cmd.aggregate'


def looks_up(body):
    return '$in' in body.get('filter', {}).get('_id', {})


class Feed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()

    def setUp(self):
        self.server = live_server()
        self.addCleanup(self.server.destroy)
        self.moves = []
        self.addCleanup(lambda: [one.process.kill() for one in self.moves if one.process])

    def move(self, *jobs, url=None, name='docs'):
        one = Move(self.postgres, url or self.server.url, script(*(jobs or [copy()])), name)
        self.moves.append(one)
        return one

    def insert(self, *documents, name='docs'):
        with self.server.client() as client:
            client.insert(f'shop.{name}', *documents)

    def update(self, query, change, name='docs', **more):
        with self.server.client() as client:
            client.update(f'shop.{name}', query, change, **more)


class LostReplies(Feed):
    def follow_through(self, command, where, action, nth=3):
        """A move through a proxy that breaks some replies; both sides are equal."""
        writer = Writer(self.server, 11, 200).fill()
        with mongo_proxy.Proxy(self.server.port) as proxy:
            lost = []

            def breaks(exchange):
                lost.append((len(proxy.seen), exchange.request))
                return action(exchange)
            move = self.move(url=proxy.url)
            rules = [proxy.on(command, breaks, nth=nth * place, where=where) for place in range(1, 5)]
            writer.start()
            move.start().follow()
            wait_for(lambda: sum(rule.hits for rule in rules) == 4, 'four replies were lost')
            time.sleep(0.5)
            writer.finish()
            move.assert_equal(self.server)
            move.end()
            return lost, list(proxy.seen)

    def test_a_getmore_of_the_stream_is_never_sent_twice(self):
        """The server has moved on: the same cursor would give the batch behind the lost one."""
        for action in (mongo_proxy.cut_after(), mongo_proxy.cut_before()):
            lost, seen = self.follow_through('getMore', of_stream, action)
            for at, request in lost:
                again = [body for body in seen[at:] if body.get('getMore') == request['getMore']]
                self.assertEqual(again, [])

    def test_a_lookup_whose_reply_is_lost_is_asked_again(self):
        for action in (mongo_proxy.cut_after(), mongo_proxy.delay(1.5), mongo_proxy.fail(11602)):
            self.follow_through('find', looks_up, action)

    def test_events_that_come_late(self):
        self.follow_through('getMore', of_stream, mongo_proxy.delay(2), nth=2)


class Poison(Feed):
    TWO = [copy(extra=TAGS), copy('shop.users', 'users', extra="", more='')]

    def test_a_refused_document_is_kept_until_a_good_one_comes(self):
        self.insert({'_id': 'a', 'n': bson.Int32(1)}, {'_id': 'b', 'n': 'not a number'})
        move = self.move()
        move.start().follow()
        rejects = "select string_agg(document_id || ' ' || code, ',' order by document_id) from lugger.rejects"
        move.wait_for(lambda: move.number('select count(*) from lugger.rejects') == 1, 'the copy refused one')
        self.update({'_id': 'a'}, {'$set': {'n': 'nor this'}})
        self.update({'_id': 'b'}, {'$set': {'n': 'still none'}})
        self.insert({'_id': 'c', 'n': 'none'})
        move.settle(self.server)
        self.assertEqual(move.database.query(rejects), 'a syntax,b syntax,c syntax')
        self.assertEqual(move.number("select n from docs where mongo_id = 'a'"), 1)
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(2)}})
        self.update({'_id': 'b'}, {'$set': {'n': bson.Int32(3)}})
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': 'c'})
        move.settle(self.server)
        self.assertEqual(move.database.query(rejects), '')
        self.assertEqual(move.database.query("select n from docs where mongo_id in ('a', 'b') order by 1"), '2\n3')
        move.assert_books()
        move.end()

    def test_a_document_that_the_server_refuses(self):
        self.insert({'_id': 'a', 'n': bson.Int32(1)})
        move = self.move()
        move.start().follow()
        move.settle(self.server)
        move.database.query('alter table docs add check (n < 100)')
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(100)}})
        self.insert({'_id': 'b', 'n': bson.Int32(5)}, {'_id': 'c', 'n': bson.Int32(500)})
        move.settle(self.server)
        self.assertEqual(move.number('select count(*) from lugger.rejects'), 2)
        self.assertEqual(move.database.query("select mongo_id, n from docs where n > 0 order by 1"), 'a|1\nb|5')
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(99)}})
        self.update({'_id': 'c'}, {'$set': {'n': bson.Int32(98)}})
        move.settle(self.server)
        self.assertEqual(move.number('select count(*) from lugger.rejects'), 0)
        self.assertEqual(move.number('select sum(n) from docs'), 99 + 5 + 98)
        move.end()

    def test_the_failure_of_one_job_does_not_stop_the_other(self):
        self.insert({'_id': 'a', 'n': bson.Int32(1)})
        self.insert({'_id': 'a', 'n': bson.Int32(1)}, name='users')
        move = self.move(copy(), copy('shop.users', 'users', extra=''))
        move.start().follow(jobs=2)
        move.settle(self.server)
        move.database.query('drop table users')
        self.insert({'_id': 'b', 'n': bson.Int32(1)}, name='users')
        wait_for(lambda: move.number("select count(*) from lugger.runs where status = 'failed'"), 'the failure')
        self.insert({'_id': 'b', 'n': bson.Int32(1)})
        move.assert_equal(self.server)
        self.assertIn('users', move.end(expect=1))

    def test_users_who_swap_an_email(self):
        users = [{'_id': f'u{i}', 'k': f'u{i}', 'n': bson.Int32(0), 'pad': f'mail {i}'} for i in range(40)]
        self.insert(*users)
        move = self.move()
        move.start().follow()
        move.settle(self.server)
        move.database.query('create unique index on docs (pad)')
        with self.server.client() as client:
            for i in range(0, 40, 2):
                client.transaction('shop', [
                    {'update': 'docs', 'updates': [{'q': {'_id': f'u{a}'}, 'u': {'$set': {'pad': f'mail {b}'}}}]}
                    for a, b in ((i, i + 1), (i + 1, i))])
        move.assert_equal(self.server)
        self.assertEqual(move.number('select count(*) from lugger.rejects'), 0)
        move.end()

    def test_arrays_that_shrink_and_grow(self):
        self.insert(*({'_id': f'u{i}', 'k': f'u{i}', 'n': bson.Int32(0), 'pad': '', 'tags': ['a'] * (i % 7)}
                      for i in range(30)))
        move = self.move()
        move.start().follow()
        for size in (0, 12, 1, 5):
            for i in range(30):
                self.update({'_id': f'u{i}'}, {'$set': {'tags': [f'{size}'] * ((size + i) % 13)}})
            move.assert_equal(self.server)
        move.end()

    def test_the_newer_row_stays(self):
        columns, more = COLUMNS + ", { 'version', 'int8' }", "newer = 'version',"
        self.insert({'_id': 'a', 'k': 'a', 'n': bson.Int32(1), 'version': bson.Int32(5)},
                    {'_id': 'b', 'k': 'b', 'n': bson.Int32(1), 'version': bson.Int32(5)})
        move = self.move(copy(conflict='newer', columns=columns, more=more))
        move.start().follow()
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(2), 'version': bson.Int32(4)}})
        self.update({'_id': 'b'}, {'$set': {'n': bson.Int32(2), 'version': bson.Int32(6)}})
        move.settle(self.server)
        self.assertEqual(move.database.query("select k, n from docs where k in ('a', 'b') order by 1"), 'a|1\nb|2')
        move.end()


class Whole(Feed):
    """Changes of a whole collection stop its job with words that say what to do."""

    def test_dropped_renamed_and_databases_dropped(self):
        ways = [('docs', {'drop': 'docs'}, 'shop', 'drop shop.docs'),
                ('docs', {'renameCollection': 'shop.docs', 'to': 'shop.older'}, 'admin', 'rename shop.docs'),
                ('docs', {'renameCollection': 'shop.other', 'to': 'shop.docs', 'dropTarget': True}, 'admin',
                 'rename shop.other to shop.docs'),
                ('docs', {'dropDatabase': 1}, 'shop', 'drop')]
        for _, command, database, words in ways:
            self.server.destroy()
            self.server = live_server()
            self.addCleanup(self.server.destroy)
            with self.server.client() as client:
                client.insert('shop.docs', {'_id': 'a', 'k': 'a'})
                client.insert('shop.other', {'_id': 'z', 'k': 'z'})
                client.insert('else.users', {'_id': 'a', 'k': 'a'})
                move = self.move(copy(), copy('else.users', 'users', extra=''))
                move.start().follow(jobs=2)
                client.command(database, command)
                wait_for(lambda: 'changed as a whole' in move.told, words, 20)
                self.assertIn(words, move.told)
                client.insert('else.users', {'_id': 'b', 'k': 'b'})
                wait_for(lambda: move.number('select count(*) from users') == 2, 'the other job went on')
            told = move.end(expect=1)
            self.assertIn('--restart', told)
            again = move.start(command='follow')
            again.wait_for_end = None
            self.assertEqual(move.number("select count(*) from docs where k = 'a'"), 1)
            move.end(signal.SIGKILL, -signal.SIGKILL)


if __name__ == '__main__':
    harness.main()
