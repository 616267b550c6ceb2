"""The changes of a move when replies are lost, documents are refused, collections go away, or somebody
stops it."""
import json
import os
import signal
import time

import bson
import harness
import mongo_proxy
from live_case import LiveCase
from live_moves import COLUMNS, SLOW, TAGS, Move, Writer, copy, script
from mongo_replica import Replica
from mongo_servers import live_server, wait_for


def of_stream(body):
    return body.get('collection') == '$cmd.aggregate'


def looks_up(body):
    key = body.get('filter', {}).get('_id')
    return isinstance(key, dict) and '$in' in key


class LostReplies(LiveCase):
    def follow_through(self, command, where, action, nth=3):
        """A move through a proxy that breaks some replies; both sides are equal."""
        with live_server() as self.server, mongo_proxy.Proxy(self.server.port) as proxy:
            writer = Writer(self.server, 11, 200).fill()
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
                again = [body for body in seen[at:] if body.get('getMore') == request.body['getMore']]
                self.assertEqual(again, [])

    def test_a_lookup_whose_reply_is_lost_is_asked_again(self):
        for action in (mongo_proxy.cut_after(), mongo_proxy.delay(1.5), mongo_proxy.fail(11602)):
            self.follow_through('find', looks_up, action)

    def test_events_that_come_late(self):
        self.follow_through('getMore', of_stream, mongo_proxy.delay(2), nth=2)


class Poison(LiveCase):
    def test_a_refused_document_is_kept_until_a_good_one_comes(self):
        self.insert({'_id': 'a', 'n': bson.Int32(1)}, {'_id': 'b', 'n': 'not a number'})
        move = self.move()
        move.start().follow()
        rejects = 'select document_id, code from lugger.rejects order by 1'
        move.wait_for(lambda: move.number('select count(*) from lugger.rejects') == 1, 'the copy refused one')
        self.update({'_id': 'a'}, {'$set': {'n': 'nor this'}})
        self.update({'_id': 'b'}, {'$set': {'n': 'still none'}})
        self.insert({'_id': 'c', 'n': 'none'})
        move.settle(self.server)
        self.assertEqual(move.database.query(rejects), 'a|bad_value\nb|bad_value\nc|bad_value')
        self.assertEqual(move.number("select n from docs where mongo_id = 'a'"), 1)
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(2)}})
        self.update({'_id': 'b'}, {'$set': {'n': bson.Int32(3)}})
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': 'c'})
        move.settle(self.server)
        self.assertEqual(move.database.query(rejects), '')
        self.assertEqual(move.database.query("select n from docs where n > 0 order by 1"), '2\n3')
        move.assert_books()
        move.end()

    def test_a_copy_that_is_refused_as_a_whole_is_warned_of(self):
        self.insert({'_id': 'a', 'n': 'no number'}, {'_id': 'b', 'n': 'none'})
        move = self.move()
        move.start().wait_to_say('every document was rejected')
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
        self.assertEqual(move.database.query("select mongo_id, n from docs where n > 0"), 'a|1\nb|5')
        self.update({'_id': 'a'}, {'$set': {'n': bson.Int32(99)}})
        self.update({'_id': 'c'}, {'$set': {'n': bson.Int32(98)}})
        move.settle(self.server)
        self.assertEqual(move.number('select count(*) from lugger.rejects'), 0)
        self.assertEqual(move.number('select sum(n) from docs where n > 0'), 99 + 5 + 98)
        move.end()

    def test_the_failure_of_one_job_does_not_stop_the_other(self):
        self.insert({'_id': 'a', 'k': 'a'})
        self.insert({'_id': 'a', 'k': 'a'}, name='users')
        move = self.move(copy(), copy('shop.users', 'users', extra=''))
        move.start().follow(jobs=2)
        move.settle(self.server)
        move.database.query('drop table users')
        self.insert({'_id': 'b', 'k': 'b'}, name='users')
        move.wait_to_say('the other jobs go on')
        self.assertIn('error: shop.users', move.told)
        self.insert({'_id': 'b', 'k': 'b'})
        move.assert_equal(self.server)
        told = move.end(expect=1)
        self.assertIn('shop.docs -> docs: stopped', told)
        self.assertIn('shop.users -> users: failed before, as is told above', told)
        self.assertEqual(told.count('error: shop.users'), 1)

    def test_users_who_exchange_unique_values(self):
        """Each takes what the next one gives up; the last two swap."""
        for create in ('create unique index on docs (n)', 'alter table docs add unique (n) deferrable',
                       'alter table docs add unique (n) deferrable initially deferred',
                       'alter table docs alter n set not null, add unique (n) deferrable'):
            self.exchange(create)

    def exchange(self, create):
        with live_server() as self.server:
            self.insert(*({'_id': f'u{i}', 'k': f'u{i}', 'n': bson.Int32(i)} for i in range(60)))
            move = self.move()
            move.start().follow()
            move.settle(self.server)
            move.database.query(create)
            with self.server.client() as client:
                for i in range(0, 60, 4):
                    new = [(i, i + 1), (i + 1, i + 1000)]
                    new += [(i + 2, i + 3), (i + 3, i + 2)]
                    away = {'updates': [{'q': {'_id': f'u{a}'}, 'u': {'$set': {'n': bson.Int32(b)}}}
                                        for a, b in new]}
                    client.transaction('shop', [{'update': 'docs', **away}])
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
        self.assertEqual(move.database.query('select k, n from docs where n > 0 order by 1'), 'a|1\nb|2')
        move.end()

    def test_what_is_inserted_behind_a_delete_is_newer(self):
        """Whatever its version: that of the deleted document is another one's. Both come at once."""
        columns, more = COLUMNS + ", { 'version', 'int8' }", "newer = 'version',"
        old = {'n': bson.Int32(1), 'version': bson.Int32(5), 'tags': ['old', 'old']}
        self.insert(*({'_id': one, 'k': one, **old} for one in 'abc'))
        move = self.move(copy(conflict='newer', columns=columns, more=more))
        move.start().follow()
        move.settle(self.server)
        new = {'n': bson.Int32(2), 'version': bson.Int32(4), 'tags': ['new']}
        with self.server.client() as client:
            for one in 'ab':
                commands = [{'delete': 'docs', 'deletes': [{'q': {'_id': one}, 'limit': 1}]},
                            {'insert': 'docs', 'documents': [{'_id': one, 'k': one, **new}]}]
                if one == 'b':  # whose document is looked up, then
                    commands.append({'update': 'docs', 'updates': [
                        {'q': {'_id': one}, 'u': {'$set': {'n': bson.Int32(3)}}}]})
                client.transaction('shop', commands)
            client.update('shop.docs', {'_id': 'c'}, {'$set': new})
        move.settle(self.server)
        self.assertEqual(move.database.query('select k, n, version from docs where n > 0 order by 1'),
                         'a|2|4\nb|3|4\nc|1|5')
        self.assertEqual(move.database.query('select parent_mongo_id, tag from docs_tags order by 1'),
                         'a|new\nb|new\nc|old\nc|old')
        move.assert_books()
        move.end()


class Whole(LiveCase):
    """Changes of a whole collection stop its job with words that say what to do."""

    def test_dropped_renamed_and_databases_dropped(self):
        drop, rename = {'drop': 'docs'}, {'renameCollection': 'shop.docs', 'to': 'shop.older'}
        onto = {'renameCollection': 'shop.other', 'to': 'shop.docs', 'dropTarget': True}
        for database, command, words in (
                ('shop', drop, 'drop shop.docs'), ('admin', rename, 'rename shop.docs to shop.older'),
                ('admin', onto, 'rename shop.other to shop.docs'), ('shop', {'dropDatabase': 1}, 'drop')):
            with live_server() as self.server, self.server.client() as client:
                self.goes_away(client, database, command, words)

    def goes_away(self, client, database, command, words):
        client.insert('shop.docs', {'_id': 'a', 'k': 'a'})
        client.insert('shop.other', {'_id': 'z', 'k': 'z'})
        client.insert('else.users', {'_id': 'a', 'k': 'a'})
        move = self.move(copy(), copy('else.users', 'users', extra=''))
        move.start().follow(jobs=2)
        client.command(database, command)
        move.wait_to_say('the other jobs go on')
        client.insert('else.users', {'_id': 'b', 'k': 'b'})
        move.wait_for(lambda: move.number('select count(*) from users') == 2, 'the other job went on')
        told = ' '.join(move.end(expect=1).split())
        self.assertIn('was changed as a whole', told)
        self.assertIn(words, told)
        self.assertIn('--restart', told)
        self.assertEqual(move.number("select count(*) from docs where k = 'a'"), 1)
        again = move.start(command='follow')
        again.wait_to_say('shop.docs')
        wait_for(lambda: 'error' in again.told or again.process.poll() is not None, 'it was refused again')
        again.process.kill()
        again.process.wait()


class Stopping(LiveCase):
    """Ctrl-C, a second move, a changed script, another source."""

    def started(self, rows_per_s=400):
        Writer(self.server, 21, 2500).fill()
        move = self.move(copy(extra=TAGS + SLOW % rows_per_s))
        return move.start()

    def test_stopped_once_and_twice_in_each_phase(self):
        move = self.started(rows_per_s=150)     # after four stops some of the copy is left
        for words in ('forecast', 'copying', 'its changes'):
            for times in (1, 2):
                move.wait_to_say(words)
                for _ in range(times):
                    move.process.send_signal(signal.SIGINT)
                    time.sleep(0.05)
                self.assertIn('Go on with: lugger move job.lua', move.ended(130))
                move.start()
        move.follow()
        move.assert_equal(self.server)
        move.end(signal.SIGTERM)

    def test_a_second_move_and_a_changed_script(self):
        move = self.started()
        other = Move(self.postgres, self.server.url, '')
        other.work, other.database = move.work, move.database
        for phase in (move.is_copying, move.follows):
            move.wait_for(phase, 'its phase')
            for command in ('move', 'follow'):
                self.assertIn('stop it first', other.start(command=command).ended(1))
        move.settle(self.server)
        move.end()
        move.work.script(script(copy(conflict='newer', more="newer = 'n',")))
        self.assertIn('--accept-changes', move.start().ended(1))
        move.start('--accept-changes').follow()
        move.settle(self.server)
        move.end()
        move.start().follow()
        move.settle(self.server)
        move.end()

    def test_another_replica_set(self):
        move = self.started()
        move.follow()
        move.end()
        with live_server(set_name='rs1') as another:
            with another.client() as client:
                client.insert('shop.docs', {'_id': 'a', 'k': 'a'})
            move.work.source = another.url
            for command in ('move', 'follow'):
                self.assertIn('the source has changed', move.start(command=command).ended(1))
        self.assertEqual(move.number("select count(*) from docs where k = 'a'"), 0)

    def test_s0_23_a_standalone_says_what_works(self):
        with live_server(set_name=None) as alone:
            with alone.client() as client:
                client.insert('shop.docs', {'_id': 'a', 'k': 'a', 'n': bson.Int32(1)})
            move = self.move(url=alone.url)
            told = ' '.join(move.start().ended(1).split())
            self.assertIn('is a standalone server', told)
            self.assertIn('lugger run', told)
            move.work.run('--create')
            self.assertEqual(move.number('select count(*) from docs'), 1)

    def test_json_events_and_detached(self):
        Writer(self.server, 22, 100).fill()
        move = self.move()
        move.start('--log', 'json').follow()
        move.settle(self.server)
        time.sleep(6)
        events = [json.loads(line) for line in move.end().splitlines()]
        self.assertEqual({one['event'] for one in events} & {'phase', 'progress', 'end'},
                         {'phase', 'progress', 'end'})
        phases = [one['phase'] for one in events if one['event'] == 'phase']
        self.assertEqual(phases, ['copying', 'following'])
        end = [one for one in events if one['event'] == 'end'][-1]
        self.assertEqual((end['status'], end['job']), ('stopped', 'shop.docs -> docs'))
        told = move.start('--detach').ended(0)
        number = int(told.split()[-1])
        wait_for(move.follows, 'it follows without the terminal')
        os.kill(number, signal.SIGINT)
        wait_for(lambda: not os.path.exists(f'/proc/{number}'), 'its end')
        log = ''.join(one.read_text() for one in (move.work.directory / '.lugger').glob('*.log'))
        self.assertIn('stopped; nothing is lost', log)


if __name__ == '__main__':
    harness.main()
