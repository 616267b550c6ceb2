"""What changed while a collection was copied is settled while the application goes on writing: the position
moves on meanwhile, and whatever is changed, killed or cut off then, both sides end equal."""
import random
import signal
import threading
import time
import unittest

import bson
import harness
from live_moves import Writer, id_of
from live_seen import Seen
from mongo_proxy import Proxy, delay
from mongo_replica import Replica
from mongo_servers import wait_for

CUT = 'select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid()'


def is_look_up(request):
    return '$in' in str(request.get('filter', {}).get('_id', ''))


def is_page(request):
    return request['find'] == 'docs' and 'limit' not in request and not is_look_up(request)


class Hold:
    """An action of a proxy: the server has answered, and the driver gets the reply when it is let go."""

    def __init__(self):
        self.asked, self.go_on = threading.Event(), threading.Event()

    def __call__(self, exchange):
        reply = exchange.ask()
        self.asked.set()
        self.go_on.wait(120)
        return reply


class LiveSettle(Seen):
    """The proxy stands between the move and the server, and holds up the look-ups of documents."""

    def setUp(self):
        super().setUp()
        self.proxy = Proxy(self.server.port)
        self.addCleanup(self.proxy.stop)

    def take(self, server):
        """Another server than the one that was begun."""
        self.proxy.stop()
        self.server = server
        self.addCleanup(server.destroy)
        self.proxy = Proxy(server.port)
        self.addCleanup(self.proxy.stop)

    def hold(self, times, where):
        hold = Hold()
        self.addCleanup(hold.go_on.set)
        self.proxy.on('find', hold, times=times, where=where)
        return hold

    def fill(self, count=700):
        Writer(self.server, 0, count).fill()

    def write(self, seed, count, **more):
        """Writes all the while to the first `count` documents."""
        writer = Writer(self.server, seed, count, **more)
        self.addCleanup(writer.finish)
        writer.start()
        return writer

    def slow_look_ups(self, seconds):
        self.proxy.on('find', delay(seconds), times=0, where=is_look_up)

    def change(self, count, word, some=lambda i: True):
        """Changes of the first documents: each fifth is deleted, and each tenth of all inserted again."""
        numbers = [i for i in range(count) if some(i)]
        updates = [{'q': {'_id': id_of(i)}, 'u': {'$set': {'n': bson.Int32(-i), 'pad': word}}}
                   for i in numbers if i % 5]
        deletes = [{'q': {'_id': id_of(i)}, 'limit': 1} for i in numbers if i % 5 == 0]
        again = [{'_id': id_of(i), 'k': str(i), 'n': bson.Int32(i), 'pad': word, 'tags': [word]}
                 for i in numbers if i % 10 == 0]
        with self.server.client() as client:
            for command in ({'update': 'docs', 'updates': updates}, {'delete': 'docs', 'deletes': deletes},
                            {'insert': 'docs', 'documents': again}):
                client.command('shop', command)

    def settles(self, move):
        running = "select count(*) from lugger.runs where mode = 'follow' and status = 'running'"
        return move.number(running) > 0

    def kept(self, move):
        return move.number('select count(*) from lugger.spool')

    def position(self, move):
        """Seconds and ordinal before which all is spooled."""
        time_of = move.number('select coalesce(max("time"), 0) from lugger.feeds')
        return time_of >> 32, time_of & 0xffffffff

    def now(self):
        with self.server.client() as client:
            last = client.command('admin', {'ping': 1})['operationTime']
        return last.seconds, last.increment

    def mark(self):
        """Writes a document, and gives the time behind it."""
        word = f'mark {time.monotonic()}'
        with self.server.client() as client:
            client.insert('shop.docs', {'_id': word, 'k': word, 'tags': []})
        return self.now()

    def reach(self, move):
        """The time behind a change of now, once the position is there."""
        now = self.mark()
        move.wait_for(lambda: self.position(move) >= now, 'the position moved on', 30)
        return now

    def begin_to_copy(self):
        """The first page is read, and held."""
        self.page = self.hold(0, is_page)
        move = self.move(url=self.proxy.url).start()
        move.wait_for(self.page.asked.is_set, 'a page was read')
        return move

    def begin_to_settle(self, count):
        """So many documents are changed behind the first page, and the move settles that."""
        move = self.begin_to_copy()
        self.change(count, 'changed')
        self.reach(move)
        self.page.go_on.set()
        move.wait_for(lambda: self.settles(move), 'the copy was done')
        return move

    def assert_settles(self, move):
        self.assertFalse(move.follows(), 'the look-ups are too fast for the test')

    def assert_ends_equal(self, move, writer=None):
        self.proxy.clear()
        if writer:
            writer.finish()
        move.follow()
        move.assert_equal(self.server)
        self.assertEqual(self.kept(move), 0)
        self.assertEqual(move.number('select count(*) from lugger.feeds'), 0)
        move.end()

    def test_settled_for_longer_than_the_window_of_the_oplog(self):
        self.take(Replica(window=5, noop_seconds=1))
        self.fill()
        self.slow_look_ups(1)
        move = self.begin_to_settle(600)
        began = self.server.store.oplog.last
        writer = self.write(1, 800, pause=0.01)
        time.sleep(10)
        self.assert_settles(move)
        self.assertGreater(self.server.store.oplog.oldest, began)   # what was then is long gone
        self.assertGreater(self.position(move), began)
        self.assert_ends_equal(move, writer)

    def test_the_oplog_forgets_what_was_before_while_it_settles(self):
        self.fill(1500)
        self.slow_look_ups(5)
        move = self.begin_to_settle(1400)
        for _ in range(2):
            self.server.trim_oplog(self.reach(move))
            self.reach(move)    # a real server forgets more than it is asked to
            move.end(signal.SIGKILL, -signal.SIGKILL)
            move.start().wait_for(lambda: self.settles(move), 'it settles again')
            self.assert_settles(move)
        self.assert_ends_equal(move, self.write(2, 700))

    def test_three_hours_of_copy_and_one_of_settling_against_ten_minutes_of_oplog(self):
        self.take(Replica(window=600))
        self.fill()
        self.slow_look_ups(3)
        move = self.begin_to_copy()
        writer = self.write(3, 700, pause=0.01)

        def pass_time(hours):
            """In steps of eight minutes, each when the position is behind the one before."""
            began = self.server.store.oplog.last[0]
            while self.server.store.oplog.last[0] < began + hours * 3600:
                self.server.advance_clock(480)
                self.reach(move)
            self.assertGreater(self.server.store.oplog.oldest[0], began + hours * 3600 - 700)
        pass_time(3)
        self.assertFalse(self.settles(move))
        self.page.go_on.set()
        move.wait_for(lambda: self.settles(move), 'the copy was done')
        pass_time(1)
        self.assert_settles(move)
        self.assert_ends_equal(move, writer)

    def test_changed_between_the_look_up_and_its_commit(self):
        """The reply of a look-up is held while its documents are updated, deleted and inserted again, and
        the spooler hears of that: what the reply has is old, and may not be the last word."""
        self.fill()
        held = self.hold(1, is_look_up)
        move = self.begin_to_settle(60)
        move.wait_for(held.asked.is_set, 'the documents were looked up')
        self.change(60, 'later', lambda i: i % 10 or i % 3)
        with self.server.client() as client:
            for i in range(0, 60, 7):
                client.delete('shop.docs', {'_id': id_of(i)})
        self.reach(move)
        held.go_on.set()
        self.assert_ends_equal(move)

    def test_killed_again_and_again_while_it_settles(self):
        pick = random.Random(5)
        self.fill()
        self.slow_look_ups(0.3)
        move = self.begin_to_settle(700)
        before = self.kept(move)
        writer = self.write(5, 700, pause=0.1)
        for _ in range(8):
            time.sleep(0.1 + pick.random() * 0.7)
            move.end(signal.SIGKILL, -signal.SIGKILL)
            move.start().wait_for(lambda: self.settles(move), 'it settles again')
        self.assert_settles(move)
        move.wait_for(lambda: 0 < self.kept(move) < before - 50, 'keys left the spool')
        self.assert_settles(move)
        self.assert_ends_equal(move, writer)

    def test_both_sides_are_lost_while_it_settles(self):
        self.fill()
        self.slow_look_ups(0.5)
        move = self.begin_to_settle(600)
        writer = self.write(6, 700, pause=0.01)
        for way in (lambda: move.database.query(CUT, check=False), self.proxy.drop_connections,
                    self.server.kill_cursors, self.server.restart) * 2:
            way()
            time.sleep(0.7)
        self.assert_settles(move)
        self.assert_ends_equal(move, writer)

    def test_dropped_while_it_settles(self):
        """The documents of the last changes are not known any more."""
        self.fill()
        self.slow_look_ups(0.5)
        move = self.begin_to_settle(400)
        self.command('shop', {'drop': 'docs'})
        self.proxy.clear()
        told = ' '.join(move.ended(1).split())
        self.assertIn('was dropped, renamed or made anew before what changed during', told)
        self.assertGreater(self.kept(move), 0)
        self.assertGreater(move.number('select count(*) from docs'), 0)

    def test_it_is_seen(self):
        self.fill()
        self.slow_look_ups(1)
        move = self.begin_to_settle(700)

        def seen():
            found = self.status(move)
            return found if found['phase'] == 'catching up' and found['kept'] else None
        first = wait_for(seen, 'it is seen to settle')
        time.sleep(1.5)
        self.mark()

        def later():
            found = seen()
            return found and found['kept'] < first['kept'] and found['changes_to'] > first['changes_to']
        wait_for(later, 'the spool gets smaller and the position moves on')
        self.proxy.clear()
        move.follow()
        wait_for(lambda: self.status(move)['phase'] == 'following', 'it follows')
        self.assertEqual(self.status(move)['kept'], 0)
        move.end()

    def test_memory_does_not_grow_with_the_spool(self):
        """The keys of 100,000 documents that are not there any more."""
        self.fill()
        move = self.begin_to_copy()
        self.reach(move)
        move.database.query(
            "insert into lugger.spool (job, place) select f.job, '\\x0e000000105f696400'::bytea || "
            "substr(int4send(i), 4, 1) || substr(int4send(i), 3, 1) || substr(int4send(i), 2, 1) || "
            "substr(int4send(i), 1, 1) || '\\x00' from lugger.feeds f, "
            'generate_series(10000000, 10099999) i; '
            'update lugger.feeds set spooled = spooled + 100000')
        self.page.go_on.set()
        move.wait_for(lambda: self.settles(move), 'the copy was done')
        sizes = []

        def done():
            sizes.append(self.anonymous(move))
            return move.follows()
        move.wait_for(done, 'it was settled', 120)
        read = move.number("select read from lugger.partitions where partition = 'settle'")
        self.assertGreater(read, 100_000)
        self.assertLess(max(sizes) - sizes[0], 40 << 10)
        move.assert_equal(self.server)
        move.end()

    @staticmethod
    def anonymous(move):
        """KiB of memory that are the process's own."""
        with open(f'/proc/{move.process.pid}/status', encoding='ascii') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('RssAnon'))


if __name__ == '__main__':
    harness.main()
