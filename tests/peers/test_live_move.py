"""A move under writes: the copy, the hand-off and the changes give what the server has, whatever is killed,
cut off, restarted or away meanwhile."""
import random
import signal
import time

import bson
import harness
import mongo_proxy
from live_case import LiveCase
from live_moves import SLOW, TAGS, Writer, copy
from mongo_replica import Replica
from postgres import Postgres


class LiveMove(LiveCase):
    def move(self, rows_per_s=None, url=None, postgres=None):
        extra = TAGS + (SLOW % rows_per_s if rows_per_s else '')
        return super().move(copy(extra=extra), url=url, postgres=postgres)

    def writer(self, seed, count=300, **more):
        writer = Writer(self.server, seed, count, **more).fill()
        self.addCleanup(writer.finish)
        return writer

    def test_plan_tells_what_keeps_a_move_from_beginning(self):
        """A key that a deleted document would not tell: the copy alone can be made, and the move cannot."""
        self.insert({'_id': 'a', 'k': 'é', 'n': bson.Int32(1)})
        columns = "{ 'mongo_id', 'int8', from = 'n' }, { 'k', 'text' }"
        move = LiveCase.move(self, copy(columns=columns, extra=''))
        told = move.work.lugger('plan', 'job.lua', '--create', expect=1)
        self.assertIn('is in the key and not made of _id', told.out + told.err)
        self.assertEqual((told.out + told.err).count('not made of _id'), 1)
        self.assertIn('not made of _id', move.start().ended(1))

    def test_plan_tells_what_may_come_one_before_the_other(self):
        self.insert({'_id': 'a', 'k': 'a'})
        move = LiveCase.move(self, copy(extra=''))
        move.database.query('create table parents (k text primary key); create table docs (mongo_id text '
                            'primary key, k text references parents unique, n int8, pad text)')
        told = ' '.join(move.work.lugger('plan', 'job.lua', '--create').err.split())
        self.assertIn('docs refers to parents; docs has the unique index docs_k_key: changes of', told)

    def test_a_server_that_goes_away_before_the_copy_is_waited_for(self):
        Writer(self.server, 9, 2000).fill()
        with mongo_proxy.Proxy(self.server.port) as proxy:
            proxy.on('aggregate', mongo_proxy.fail(11600, 'interrupted at shutdown'),
                     where=lambda body: '$sample' in str(body.get('pipeline')))
            move = self.move(url=proxy.url).start('-j', '4')
            move.wait_to_say('begins again in 5 s')
            self.assertIn('interrupted at shutdown', move.told)
            move.follow()
            move.assert_equal(self.server)
            move.end()

    def test_copied_and_followed_under_writes(self):
        writer = self.writer(1, 2000)
        move = self.move(rows_per_s=500)
        writer.start()
        move.start().wait_for(move.is_copying, 'rows were copied')
        move.follow()
        self.assertGreater(writer.done, 50)
        time.sleep(2)
        writer.finish()
        move.assert_equal(self.server)
        self.assertEqual(move.number('select count(*) from lugger.spool'), 0)
        self.assertEqual(move.number('select count(*) from lugger.feeds'), 0)
        move.end()

    def test_killed_again_and_again(self):
        writer, pick = self.writer(2, 1500), random.Random(2)
        move = self.move(rows_per_s=600)
        writer.start()
        for _ in range(25):
            move.start()
            time.sleep(0.1 + pick.random() * 0.9)
            if move.process.poll() is None:
                move.end(signal.SIGKILL, -signal.SIGKILL)
            else:
                self.fail(f'it ended by itself:\n{move.told}')
        move.start().follow()
        writer.finish()
        move.assert_equal(self.server)
        move.end()

    def test_postgresql_restarted_and_its_connections_cut(self):
        postgres = Postgres()
        writer, move = self.writer(3, 1500), self.move(rows_per_s=400, postgres=postgres)
        writer.start()
        move.start().wait_for(move.is_copying, 'rows were copied')
        cut = 'select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid()'
        for step in range(8):
            if step in (2, 6):
                postgres.stop(signal.SIGQUIT if step == 2 else signal.SIGINT)
                time.sleep(0.3)
                postgres.start()
            else:
                move.database.query(cut, check=False)
            time.sleep(0.8)
        move.follow()
        move.database.query(cut, check=False)
        postgres.stop(signal.SIGQUIT)
        postgres.start()
        writer.finish()
        move.assert_equal(self.server)
        move.end()
        postgres.destroy()

    def test_the_server_restarts_steps_down_and_kills_cursors(self):
        pick = random.Random(4)
        writer, move = self.writer(4, 1500), self.move(rows_per_s=400)
        ways = [self.server.restart, self.server.kill_cursors, self.elect]
        ways += [self.server.drop_connections] if hasattr(self.server, 'drop_connections') else []
        writer.start()
        move.start().wait_for(move.is_copying, 'rows were copied')
        for _ in range(3):
            pick.choice(ways)()
            time.sleep(0.4)
        move.follow()
        for way in ways + ways:
            way()
            time.sleep(0.5)
        writer.finish()
        move.assert_equal(self.server)
        move.end()

    def test_no_primary_for_longer_than_a_reader_waits(self):
        """A URL may ask for the primary alone."""
        writer, move = self.writer(8, 300), self.move(url=self.server.url + '&readPreference=primary')
        writer.start()
        move.start().follow()
        self.server.step_down()
        time.sleep(9)
        self.server.step_up()
        writer.finish()
        move.assert_equal(self.server, seconds=40)
        move.end()

    def elect(self):
        self.server.step_down()
        time.sleep(0.5)
        self.server.step_up()

    def test_a_copy_longer_than_the_window_of_the_oplog(self):
        self.server = Replica(window=4)
        self.addCleanup(self.server.destroy)
        writer, move = self.writer(5, 3000), self.move(rows_per_s=300)
        writer.start()
        first = self.server.store.oplog.last
        move.start().follow(seconds=60)
        self.assertGreater(self.server.store.oplog.oldest, first)   # what was first is long gone
        writer.finish()
        move.assert_equal(self.server)
        move.end()

    def test_followed_too_late(self):
        writer, move = self.writer(6, 50), self.move()
        move.start().follow()
        move.settle(self.server)
        move.end()
        where = "select position from lugger.partitions where partition = 'changes'"
        stood = move.database.query(where)
        writer.start()
        time.sleep(1.5)
        writer.finish()
        self.server.trim_oplog()
        for command in ('follow', 'move', 'follow'):
            told = move.start(command=command).ended(1)
            self.assertIn('no longer has the changes since ' + stood.split('time:')[1][:19], told)
            self.assertIn('the position stands', ' '.join(told.split()))
            self.assertEqual(move.database.query(where), stood)
        self.assertIn('empty the tables', ' '.join(told.split()))
        move.database.query('truncate docs, docs_tags')
        move.start('--restart').follow()
        move.assert_equal(self.server, books=False)
        move.end()

    def test_a_secondary_that_lags_is_not_believed(self):
        self.server = Replica()
        self.addCleanup(self.server.destroy)
        writer, move = self.writer(7, 500), self.move(rows_per_s=300)
        self.server.lag()
        writer.start()
        move.start().follow()
        self.server.catch_up()
        self.server.lag(5)
        time.sleep(2)
        writer.finish()
        move.settle(self.server)
        self.server.catch_up()
        move.assert_equal(self.server)
        move.end()

    def test_a_member_that_has_not_heard_of_the_time_yet(self):
        """It refuses to read behind a time that nobody has told it."""
        self.server = Replica()
        self.addCleanup(self.server.destroy)
        writer, move = self.writer(9, 300), self.move()
        writer.start()
        move.start().follow()
        self.server.turn_deaf()
        time.sleep(2)
        writer.finish()
        move.assert_equal(self.server)
        move.end()


if __name__ == '__main__':
    harness.main()
