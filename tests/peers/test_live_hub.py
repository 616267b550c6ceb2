"""One change stream for all jobs of a move: what each of them gets from it, who reads alone, and that jobs
begin at once and begin again."""
import itertools
import json
import signal
import threading
import time
import unittest

import bson
import harness
import mongo_proxy
from harness import lua
from live_moves import BULK, SLOW, Move, Writer, copy, script
from mongo_servers import live_server, wait_for
from postgres import Postgres


def opens_stream(body):
    pipeline = body.get('pipeline') or [{}]
    return '$changeStream' in pipeline[0]


def of_stream(body):
    return str(body.get('collection')).startswith('$cmd.aggregate')


class Hub(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres({'max_connections': '200'})

    def setUp(self):
        self.server = live_server()
        self.addCleanup(self.server.destroy)
        self.proxy = mongo_proxy.Proxy(self.server.port)
        self.addCleanup(self.proxy.stop)
        self.moves = []
        self.addCleanup(lambda: [one.process.kill() for one in self.moves if one.process])

    def fill(self, name, count=20, database='shop', **more):
        with self.server.client() as client:
            client.insert(f'{database}.{name}', *({'_id': i, 'k': f'{i}', 'n': bson.Int32(i), **more}
                                                  for i in range(count)))

    def move(self, *jobs, postgres=None):
        one = Move(postgres or self.postgres, self.proxy.url, script(*jobs))
        self.moves.append(one)
        return one

    def plain(self, name, database='shop', **more):
        return copy(f'{database}.{name}', name, **{'extra': '', **more})

    def streams(self):
        """The $changeStream commands that came by, as (database, collection or 1)."""
        return [(body['$db'], body['aggregate']) for body in list(self.proxy.seen) if opens_stream(body)]

    def change(self, name, value, database='shop', count=20):
        with self.server.client() as client:
            client.update(f'{database}.{name}', {'_id': {'$lt': count}}, {'$set': {'n': bson.Int32(value)}},
                          multi=True)

    def applied(self, move, name, value, count=20, seconds=30):
        move.wait_for(lambda: move.number(f'select count(*) from {name} where n = {value}') == count,
                      f'{name} has {value}', seconds)


class Shared(Hub):
    def test_twenty_jobs_read_one_stream(self):
        names = [f'c{i}' for i in range(20)]
        for name in names:
            self.fill(name)
        move = self.move(*map(self.plain, names)).start('-j', '1')
        move.follow(jobs=20, seconds=120)
        for name in names:
            self.change(name, 7000)
        for name in names:
            self.applied(move, name, 7000)
        # A job that follows: its rows and its lock. All together: heartbeats and the status.
        sessions = ("select count(*) from pg_stat_activity where datname = current_database() and "
                    "application_name like 'lugger %'")
        move.wait_for(lambda: move.number(sessions) <= 44 and move.number(
            f"{sessions} and application_name = 'lugger lease'") == 1, 'two sessions a job')
        beats = 'select count(beat_at) from lugger.leases'
        move.wait_for(lambda: move.number(beats) == 20, 'heartbeats of all')
        # One after the other: keys while all are copied, then documents; anew when one begins earlier.
        self.assertLess(len(self.streams()), 8, self.streams())
        self.assertEqual(set(self.streams()), {('shop', 1)})
        self.proxy.clear()
        move.end()
        move.start('-j', '1').wait_to_say('c19 -> c19: goes on', 90)
        for name in names:
            self.change(name, 8000)
        for name in names:
            self.applied(move, name, 8000)
        move.end()
        # Who stood a little earlier than the first may begin alone.
        self.assertLess(len(self.streams()), 20, self.streams())

    def test_two_databases_are_watched_as_a_cluster(self):
        self.fill('users', database='else')
        self.fill('docs')
        self.fill('docs', database='other')
        move = self.move(self.plain('docs'), self.plain('users', 'else')).start().follow(jobs=2)
        with self.server.client() as client:    # the same name elsewhere is not ours
            client.insert('other.docs', {'_id': 900, 'k': '900', 'n': bson.Int32(5000)})
            client.insert('else.docs', {'_id': 900, 'k': '900', 'n': bson.Int32(5000)})
        for value in (5000, 6000):
            self.change('users', value, 'else')
            self.change('docs', value)
            self.applied(move, 'docs', value)
            self.applied(move, 'users', value)
        self.assertEqual(move.number('select count(*) from docs'), 20)
        self.assertEqual(set(self.streams()), {('admin', 1)})
        move.end()

    def test_urls_that_differ_in_the_database_share_a_stream(self):
        self.fill('docs')
        self.fill('users', database='else')
        jobs = [self.plain(name, database).replace('lugger.env.MONGO_URI', lua(self.url_of(database)))
                for name, database in (('docs', 'shop'), ('users', 'else'))]
        move = self.move(*jobs).start().follow(jobs=2)
        for value in (5000, 6000):
            self.change('docs', value)
            self.change('users', value, 'else')
            self.applied(move, 'docs', value)
            self.applied(move, 'users', value)
        self.assertEqual(set(self.streams()), {('admin', 1)})
        move.end()

    def url_of(self, database):
        return self.proxy.url.replace('/?', f'/{database}?')

    def test_a_job_that_still_copies_makes_no_events_large(self):
        """It asks for keys alone; who follows meanwhile is given events without documents, too."""
        self.fill('docs', 6000, bulk=BULK)
        self.fill('users', 2)
        writing = threading.Event()

        def write():
            with self.server.client() as client:
                for i in itertools.count(1000):
                    if writing.is_set():
                        return
                    client.insert('shop.users', {'_id': i, 'k': f'{i}', 'n': bson.Int32(i)})
                    time.sleep(0.005)
        writer = threading.Thread(target=write)
        writer.start()
        self.addCleanup(writing.set)
        move = self.move(self.plain('docs', extra=SLOW % 60), self.plain('users')).start().follow(jobs=1)
        time.sleep(1)
        writing.set()
        writer.join()
        self.change('users', 7000, count=2)
        self.applied(move, 'users', 7000, 2)
        self.assertFalse(move.follows(jobs=2), 'the other job had copied before it was of use')
        self.assertEqual(move.number("select count(*) from lugger.notices where kind = 'large'"), 0)
        self.assertNotIn('16 MB', move.told)
        move.end()

    def test_lost_replies_dead_cursors_and_elections(self):
        """Three jobs under writes; no getMore is sent twice."""
        writers = [Writer(self.server, seed, 200, name=f'docs{seed}').fill() for seed in (1, 2, 3)]
        jobs = [copy(f'shop.docs{i}', f'docs{i}', extra=self.tags(i)) for i in (1, 2, 3)]
        move = self.move(*jobs)
        lost = []

        def breaks(exchange):
            lost.append((len(self.proxy.seen), exchange.request.body['getMore']))
            return mongo_proxy.cut_after()(exchange)
        for nth in (4, 9, 15):
            self.proxy.on('getMore', breaks, nth=nth, where=of_stream)
        for writer in writers:
            writer.start()
        move.start().follow(jobs=3)
        for way in (self.server.kill_cursors, self.elect, self.proxy.drop_connections, self.server.restart):
            way()
            time.sleep(0.7)
        wait_for(lambda: len(lost) == 3, 'three replies were lost')
        for writer in writers:
            writer.finish()
        for i in (1, 2, 3):
            move.name = f'docs{i}'
            move.assert_equal(self.server, seconds=60)
        for at, cursor in lost:
            self.assertEqual([one for one in self.proxy.seen[at:] if one.get('getMore') == cursor], [])
        move.end()

    def tags(self, i):
        return (f"children = {{ {{ table = 'docs{i}_tags', from = 'tags[]', columns = {{ {{ 'tag', 'text', "
                "from = '.' } } } },")

    def elect(self):
        self.server.step_down()
        time.sleep(0.5)
        self.server.step_up()


class Alone(Hub):
    """Who reads a stream of its own, and that the others do not feel it."""

    def test_a_slow_job_holds_nobody_back(self):
        self.fill('slow')
        self.fill('quick')
        move = self.move(self.plain('slow', extra=SLOW % 60), self.plain('quick')).start().follow(jobs=2)
        for value in (100, 200):
            self.change('quick', value)
            self.applied(move, 'quick', value)
        with self.server.client() as client:
            for at in range(1000, 2000, 100):   # 32 MB, which take 16 seconds
                client.insert('shop.slow', *({'_id': i, 'k': f'{i}', 'n': bson.Int32(-1), 'bulk': BULK * 4}
                                             for i in range(at, at + 100)))
        self.change('quick', 300)
        self.applied(move, 'quick', 300, seconds=8)
        self.assertLess(move.number('select count(*) from slow where n = -1'), 1000)
        self.applied(move, 'slow', -1, 1000, seconds=60)
        self.assertGreater(len(self.streams()), 2)      # it fell out of the ring
        for value in (400, 500):                        # and is back in it
            self.change('slow', value)
            self.change('quick', value)
            self.applied(move, 'slow', value)
            self.applied(move, 'quick', value)
        move.end()

    def test_a_role_that_may_watch_collections_only(self):
        self.fill('docs')
        self.fill('users')
        denied = mongo_proxy.fail(13, 'not authorized on shop to execute command')
        self.proxy.on('aggregate', denied, times=0, where=lambda body: body['aggregate'] == 1
                      and opens_stream(body))
        move = self.move(self.plain('docs'), self.plain('users'))
        told = ' '.join(move.work.lugger('plan', 'job.lua', '--create').err.split())
        self.assertIn('no changeStream on all of shop', told)
        move.start().follow(jobs=2)
        for name in ('docs', 'users'):
            self.change(name, 9000)
            self.applied(move, name, 9000)
        move.wait_for(lambda: self.own_streams(move) == 2, 'the status of both')
        shown = ' '.join(move.work.lugger('status', 'job.lua').out.split())
        self.assertIn('docs and 1 other: the role has no changeStream on all of shop', shown)
        with self.server.client() as client:
            client.command('shop', {'drop': 'docs'})
        move.wait_to_say('the other jobs go on')
        self.change('users', 9500)
        self.applied(move, 'users', 9500)
        told = ' '.join(move.end(expect=1).split())
        self.assertIn('drop shop.docs', told)
        self.assertIn('each job reads a stream of its own', told)
        self.assertIn('no changeStream on all of shop', told)

    def own_streams(self, move):
        """How many jobs tell that the changes come by a stream of their own."""
        moves = json.loads(move.work.lugger('status', 'job.lua', '--json').out)['moves']
        return sum('a stream for each collection' in one.get('own_stream', '') for one in moves)

    def test_a_role_that_may_watch_databases_and_not_the_cluster(self):
        self.fill('docs')
        self.fill('docs', database='depot')
        denied = mongo_proxy.fail(13, 'not authorized on admin to execute command')
        self.proxy.on('aggregate', denied, times=0, where=lambda body: body['$db'] == 'admin'
                      and opens_stream(body))
        move = self.move(self.plain('docs'), copy('depot.docs', 'others', extra='')).start().follow(jobs=2)
        words = 'each job reads a stream of its own'
        move.wait_for(lambda: words in move.work.lugger('status', 'job.lua').out, 'the status')
        self.assertEqual(move.work.lugger('status', 'job.lua').out.count(words), 1)
        self.change('docs', 70, database='depot')
        self.applied(move, 'others', 70)
        self.assertIn(words, ' '.join(move.end().split()))

    def test_an_event_that_nobody_can_read_stops_its_job_only(self):
        self.fill('docs')
        self.fill('users')
        move = self.move(self.plain('docs'), self.plain('users')).start().follow(jobs=2)
        self.change('users', 100)
        self.applied(move, 'users', 100)

        def spoil(body):
            for event in body['cursor'].get('nextBatch', []):
                if event.get('ns', {}).get('coll') == 'docs':
                    event.pop('documentKey', None)
            return body
        self.proxy.on('getMore', mongo_proxy.alter(spoil), times=0, where=of_stream)
        time.sleep(1.5)     # what was asked before is answered
        self.change('docs', 200)
        move.wait_to_say('the other jobs go on')
        self.change('users', 300)
        self.applied(move, 'users', 300)
        self.assertIn('it has no documentKey._id', ' '.join(move.end(expect=1).split()))

    def test_an_oplog_that_is_lost_is_told_by_each(self):
        self.fill('docs')
        self.fill('users')
        move = self.move(self.plain('docs'), self.plain('users')).start().follow(jobs=2)
        move.end()
        for name in ('docs', 'users'):
            self.change(name, 100)
        self.server.trim_oplog()
        told = move.start().ended(1)
        self.assertEqual(told.count('no longer has the changes since'), 2, told)


class Again(Hub):
    def test_all_begin_at_once_and_the_largest_has_the_most_connections(self):
        for name in ('large', 'small', 'tiny'):
            self.fill(name, 10)
        with self.server.client() as client:
            for at in range(1000, 7000, 100):
                client.insert('shop.large', *({'_id': i, 'k': f'{i}', 'bulk': BULK}
                                              for i in range(at, at + 100)))
        jobs = [self.plain(name, extra=SLOW % 100) for name in ('large', 'small', 'tiny')]
        move = self.move(*jobs).start('-j', '2')
        move.wait_to_say('tiny: copied')
        self.assertNotIn('large: copied', move.told)
        move.end()

    def fill_large(self):
        with self.server.client() as client:
            for at in range(1000, 7000, 100):
                client.insert('shop.large', *({'_id': i, 'k': f'{i}', 'n': bson.Int32(i), 'bulk': 'z' * 9000}
                                              for i in range(at, at + 100)))

    def test_a_job_whose_server_is_away_waits_for_it(self):
        """Longer than a run waits; nothing but patience is needed."""
        self.fill('docs')
        move = self.move(self.plain('docs')).start().follow()
        self.change('docs', 100)
        self.applied(move, 'docs', 100)
        gone = self.proxy.on('aggregate', mongo_proxy.fail(11602, 'interrupted'), times=0, where=opens_stream)
        self.proxy.on('getMore', mongo_proxy.fail(43), where=of_stream)
        move.wait_to_say('the connection to the server is lost', 60)
        self.proxy.rules.remove(gone)
        self.change('docs', 200)
        self.applied(move, 'docs', 200, seconds=60)
        self.assertNotIn('begins again', move.told)
        move.end()

    def test_what_was_changed_while_the_server_was_away_is_not_passed_over(self):
        """It comes back while the readers wait for it: longer than a try, shorter than their patience."""
        self.fill('docs')
        self.fill('users')
        move = self.move(self.plain('docs'), self.plain('users')).start().follow(jobs=2)
        for value, seconds in ((100, 8), (200, 9), (300, 10)):
            gone = self.proxy.on('aggregate', mongo_proxy.fail(11602, 'interrupted'), times=0,
                                 where=opens_stream)
            self.proxy.on('getMore', mongo_proxy.fail(43), where=of_stream)
            time.sleep(seconds)
            self.change('docs', value)
            self.proxy.rules.remove(gone)
            self.applied(move, 'docs', value, seconds=60)
        move.end()

    def test_what_does_not_pass_is_not_tried_again(self):
        self.fill('docs')
        self.fill('users')
        move = self.move(self.plain('docs'), self.plain('users')).start().follow(jobs=2)
        move.database.query('drop table docs')
        self.change('docs', 100)
        move.wait_to_say('the other jobs go on')
        time.sleep(6)
        self.assertNotIn('begins again', move.told)
        self.assertIn('users: stopped', move.end(signal.SIGINT, 1))


if __name__ == '__main__':
    harness.main()
