"""What changed while a collection was copied is settled while the application goes on writing: the position
moves on meanwhile, and whatever is changed, killed or cut off then, both sides end equal."""
import random
import signal
import threading
import time
import unittest

import bson
import harness
from live_moves import SLOW, TAGS, Writer, copy, id_of
from live_seen import Seen
from mongo_proxy import Proxy, delay
from mongo_replica import Replica
from mongo_servers import wait_for

CUT = 'select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid()'


def is_look_up(request):
    return '$in' in str(request.get('filter', {}).get('_id', ''))


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

    def fill(self, count=1500):
        """So many that the copy has two units, between which a speed is kept."""
        Writer(self.server, 0, count).fill()

    def write(self, seed, count, **more):
        """Writes all the while to the first `count` documents."""
        writer = Writer(self.server, seed, count, **more)
        self.addCleanup(writer.finish)
        writer.start()
        return writer

    def slow_look_ups(self, seconds):
        self.proxy.on('find', delay(seconds), times=0, where=is_look_up)

    def slow_copy(self, rows_per_s=200):
        return self.move(copy(extra=TAGS + SLOW % rows_per_s), url=self.proxy.url)

    def change(self, count):
        """A change of each of the first documents, of which some are deleted and some inserted again."""
        with self.server.client() as client:
            for i in range(count):
                key = {'_id': id_of(i)}
                if i % 5:
                    client.update('shop.docs', key, {'$set': {'n': bson.Int32(-i), 'pad': 'changed'}})
                    continue
                client.delete('shop.docs', key)
                if i % 10:
                    client.insert('shop.docs', {**key, 'k': str(i), 'n': bson.Int32(i), 'pad': 'again', 'tags': []})

    def settles(self, move):
        return move.number("select count(*) from lugger.runs where mode = 'follow' and status = 'running'") > 0

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

    def begin_to_settle(self, move, count):
        """So many documents are changed during the copy, and the move settles that."""
        move.start().wait_for(move.is_copying, 'rows were copied')
        self.change(count)
        self.assertFalse(self.settles(move), 'the copy is too fast for the test')
        move.wait_for(lambda: self.settles(move), 'the copy was done')
        self.assertFalse(move.follows(), 'it is to be settled for a while')

    def test_settled_for_longer_than_the_window_of_the_oplog(self):
        self.take(Replica(window=4))
        self.fill()
        move = self.slow_copy()
        self.slow_look_ups(1)
        self.begin_to_settle(move, 600)
        began = self.server.store.oplog.last
        writer = self.write(1, 700, pause=0.01)
        time.sleep(12)
        self.assertFalse(move.follows(), 'the look-ups are too fast for the test')
        self.assertGreater(self.server.store.oplog.oldest, began)   # what was then is long gone
        self.assertGreater(self.position(move), began)
        self.proxy.clear()
        move.follow()
        writer.finish()
        move.assert_equal(self.server)
        self.assertEqual(self.kept(move), 0)
        self.assertEqual(move.number('select count(*) from lugger.feeds'), 0)
        move.end()

    def test_the_oplog_forgets_what_was_before_while_it_settles(self):
        self.fill()
        move = self.slow_copy()
        self.slow_look_ups(2)
        self.begin_to_settle(move, 500)
        for _ in range(3):
            now = self.mark()
            move.wait_for(lambda now=now: self.position(move) >= now, 'the position moved on', 15)
            self.server.trim_oplog(now)
            move.end(signal.SIGKILL, -signal.SIGKILL)
            move.start().wait_for(lambda: self.settles(move), 'it settles again')
            self.assertFalse(move.follows(), 'the look-ups are too fast for the test')
        writer = self.write(2, 700)
        self.proxy.clear()
        move.follow()
        writer.finish()
        move.assert_equal(self.server)
        move.end()

    def test_three_hours_of_copy_and_one_of_settling_against_ten_minutes_of_oplog(self):
        self.take(Replica(window=600))
        self.fill(3000)
        move = self.slow_copy()
        self.slow_look_ups(0.7)
        first = self.server.store.oplog.last
        writer = self.write(3, 900, pause=0.01)
        move.start().wait_for(move.is_copying, 'rows were copied')
        for minute in range(180):
            self.assertFalse(self.settles(move), f'the copy took {minute} minutes')
            self.server.advance_clock(60)
            time.sleep(0.02)
        self.assertGreater(self.server.store.oplog.oldest[0], first[0] + 160 * 60)
        move.wait_for(lambda: self.settles(move), 'the copy was done')
        began = self.server.store.oplog.last
        for minute in range(60):
            self.assertFalse(move.follows(), f'it settled for {minute} minutes')
            self.server.advance_clock(60)
            time.sleep(0.05)
        self.assertGreater(self.server.store.oplog.oldest[0], began[0] + 45 * 60)
        move.wait_for(lambda: self.position(move)[0] > began[0] + 55 * 60, 'the position moved on')
        self.proxy.clear()
        writer.finish()
        move.follow()
        move.assert_equal(self.server)
        move.end()

    def test_changed_between_the_look_up_and_its_commit(self):
        """The reply of a look-up is held while its documents are updated, deleted and inserted again, and
        the spooler hears of that: what the reply has is old, and may not be the last word."""
        count = 60
        self.fill()
        move = self.slow_copy()
        asked, go_on = threading.Event(), threading.Event()

        def hold(exchange):
            reply = exchange.ask()
            asked.set()
            go_on.wait(60)
            return reply
        self.addCleanup(go_on.set)
        self.proxy.on('find', hold, times=1, where=is_look_up)
        self.begin_to_settle(move, count)
        move.wait_for(asked.is_set, 'the documents were looked up')
        with self.server.client() as client:
            for i in range(count):
                if i % 3 == 0:
                    client.delete('shop.docs', {'_id': id_of(i)})
                elif i % 5:
                    client.update('shop.docs', {'_id': id_of(i)}, {'$set': {'n': bson.Int32(1000 + i)}})
                elif i % 10 == 0:   # it was deleted
                    client.insert('shop.docs', {'_id': id_of(i), 'k': str(i), 'n': bson.Int32(7), 'tags': ['risen']})
        now = self.now()
        move.wait_for(lambda: self.position(move) >= now, 'the changes were spooled', 15)
        go_on.set()
        move.follow()
        move.assert_equal(self.server)
        move.end()

    def test_killed_again_and_again_while_it_settles(self):
        pick = random.Random(5)
        self.fill()
        move = self.slow_copy()
        self.slow_look_ups(0.15)
        self.begin_to_settle(move, 700)
        before = self.kept(move)
        writer = self.write(5, 700, pause=0.1)
        for _ in range(8):
            time.sleep(0.1 + pick.random() * 0.7)
            move.end(signal.SIGKILL, -signal.SIGKILL)
            move.start().wait_for(lambda: self.settles(move), 'it settles again')
        self.assertFalse(move.follows(), 'the look-ups are too fast for the test')
        move.wait_for(lambda: self.kept(move) < before - 50, 'keys left the spool')
        self.proxy.clear()
        writer.finish()
        move.follow()
        move.assert_equal(self.server)
        move.end()

    def test_both_sides_are_lost_while_it_settles(self):
        self.fill()
        move = self.slow_copy()
        self.slow_look_ups(0.3)
        self.begin_to_settle(move, 500)
        writer = self.write(6, 700, pause=0.01)
        for way in (lambda: move.database.query(CUT, check=False), self.proxy.drop_connections,
                    self.server.kill_cursors, self.server.restart) * 2:
            way()
            time.sleep(0.7)
        self.proxy.clear()
        writer.finish()
        move.follow()
        move.assert_equal(self.server)
        move.end()

    def test_it_is_seen(self):
        self.fill()
        move = self.slow_copy()
        self.slow_look_ups(0.5)
        self.begin_to_settle(move, 500)

        def seen():
            found = self.status(move)
            return found if found['phase'] == 'catching up' and found['kept'] else None
        first = wait_for(seen, 'it is seen to settle')
        self.assertLessEqual(first['kept'], 500)
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
        move = self.slow_copy()
        move.start().wait_for(move.is_copying, 'rows were copied')
        move.database.query(
            "insert into lugger.spool (job, place) select f.job, '\\x0e000000105f696400'::bytea || "
            "substr(int4send(i), 4, 1) || substr(int4send(i), 3, 1) || substr(int4send(i), 2, 1) || "
            "substr(int4send(i), 1, 1) || '\\x00' from lugger.feeds f, generate_series(10000000, 10099999) i; "
            'update lugger.feeds set spooled = spooled + 100000')
        sizes = []

        def done():
            sizes.append(self.anonymous(move))
            return move.follows()
        move.wait_for(lambda: self.settles(move), 'the copy was done')
        move.wait_for(done, 'it was settled', 120)
        self.assertGreater(move.number("select read from lugger.partitions where partition = 'settle'"), 100_000)
        self.assertLess(max(sizes) - sizes[0], 40 << 10)
        move.assert_equal(self.server)
        move.end()

    def anonymous(self, move):
        """KiB of memory that are the process's own."""
        with open(f'/proc/{move.process.pid}/status', encoding='ascii') as status:
            return next(int(line.split()[1]) for line in status if line.startswith('RssAnon'))


if __name__ == '__main__':
    harness.main()
