"""Random writes, with transactions and every type of _id, while everything that can go away goes away: a move
ends with equal sides each time they are compared, or stopped and saying what to do.

LUGGER_TORTURE_SECONDS makes it long and LUGGER_TORTURE_SEED another one; a failure tells the seed.
"""
import os
import random
import signal
import sys
import time
import unittest

import harness
from live_moves import SLOW, TAGS, Move, copy, script
from live_torture import NAMES, TortureWriter
from mongo_servers import live_server
from postgres import Postgres

SECONDS = float(os.environ.get('LUGGER_TORTURE_SECONDS', '20'))
SEED = int(os.environ.get('LUGGER_TORTURE_SEED', '1'))
STOPPED = 'the other jobs go on'
GIVEN_UP = ('connection', 'No suitable servers', 'is lost', 'starting up', 'shutting down')


class Watched(Move):
    """Waits no longer when a job has failed."""

    def wait_for(self, condition, what, seconds=40):
        def look():
            if STOPPED in self.told:
                raise AssertionError(f'a job failed before {what}:\n{self.told}')
            return condition()
        return super().wait_for(look, what, seconds)


class Torture(unittest.TestCase):
    def setUp(self):
        self.postgres = Postgres()
        self.addCleanup(self.postgres.destroy)
        self.server = live_server(oplog_mb=128)
        self.addCleanup(self.server.destroy)
        self.pick, self.move, self.log, self.rate = random.Random(SEED), None, [], 400
        self.addCleanup(lambda: self.move and self.move.process and self.move.process.kill())
        self.writers = [TortureWriter(self.server, SEED * 10 + place).fill() for place in range(2)]
        self.addCleanup(lambda: [writer.finish() for writer in self.writers])

    def test_equal_after_each(self):
        try:
            end, lives = time.monotonic() + SECONDS, 0
            for writer in self.writers:
                writer.start()
            while lives == 0 or time.monotonic() < end:
                lives += 1
                self.life(min(end, time.monotonic() + 60))
            self.oplog_too_small()
            self.note(f'{lives} moves, {sum(writer.done for writer in self.writers)} changes')
        except (AssertionError, OSError) as error:
            raise AssertionError(f'seed {SEED}, after {self.log}: {error}') from error

    def note(self, words):
        self.log.append(words)
        if 'LUGGER_TORTURE_SECONDS' in os.environ:
            print(f'{time.strftime("%X")} {words}', file=sys.stderr, flush=True)

    # A move from its first second on
    def life(self, end):
        extra = SLOW % self.pick.choice([200, 400, 800])
        jobs = [copy(f'shop.{name}', name, extra=TAGS.replace('docs', name) + extra) for name in NAMES]
        marks = self.move.marks if self.move else 0     # those of earlier moves are still there
        self.move = Watched(self.postgres, self.server.url, script(*jobs))
        self.move.marks = marks
        self.note('a move')
        self.begin()
        for _ in range(self.pick.randrange(3)):
            time.sleep(self.pick.random())
            self.strike()
        while True:
            self.equal()
            if time.monotonic() >= end:
                break
            for _ in range(self.pick.randrange(1, 4)):
                time.sleep(self.pick.random())
                self.strike()
        self.move.end()

    def begin(self):
        self.move.start()

    def strike(self):
        ways = [self.kill, self.kill, self.kill_again_and_again, self.interrupt, self.freeze, self.elect,
                self.server.kill_cursors, self.server.restart, self.crash_server, self.crash_postgres,
                self.restart_postgres, self.cut_postgres]
        ways += [self.server.drop_connections] if hasattr(self.server, 'drop_connections') else []
        way = self.pick.choice(ways)
        self.note(way.__name__)
        way()

    def kill(self):
        if self.move.process.poll() is None:
            self.move.end(signal.SIGKILL, -signal.SIGKILL)
        self.go_on()

    def kill_again_and_again(self):
        for _ in range(self.pick.randrange(3, 9)):
            time.sleep(0.1 + 0.5 * self.pick.random())
            self.kill()

    def interrupt(self):
        if self.move.process.poll() is None:
            self.move.process.send_signal(signal.SIGINT)
            self.move.process.wait(60)
        self.go_on()

    def freeze(self):
        self.move.process.send_signal(signal.SIGSTOP)
        time.sleep(2 * self.pick.random())
        self.move.process.send_signal(signal.SIGCONT)

    def elect(self):
        self.server.step_down()
        time.sleep(self.pick.random())
        self.server.step_up()

    def crash_server(self):
        self.server.restart(signal.SIGKILL)

    def crash_postgres(self):
        self.postgres.stop(signal.SIGQUIT)
        time.sleep(self.pick.random())
        self.postgres.start()

    def restart_postgres(self):
        self.postgres.stop()
        self.postgres.start()

    def cut_postgres(self):
        self.move.database.query(
            'select count(pg_terminate_backend(pid)) from pg_stat_activity where pid <> pg_backend_pid()',
            check=False)

    # What must be true after each
    def go_on(self):
        """The same command again; one that gave up by itself has said that a server was away."""
        if self.move.process.poll() not in (None, -signal.SIGKILL, 130):
            told = self.move.ended(1)
            self.note('gave up')
            self.assertTrue(any(words in told for words in GIVEN_UP), told)
        if self.move.process.poll() is not None:
            self.begin()

    def equal(self):
        self.go_on()
        for attempt in range(4):
            try:
                self.move.follow(len(NAMES), seconds=120)
                self.compare()
                return
            except AssertionError:
                # A job may have been giving up already, because of what was away before.
                if attempt == 3 or not (self.move.process.poll() or STOPPED in self.move.told):
                    raise
                if self.move.process.poll() is None:
                    self.interrupt()
                self.go_on()

    def compare(self, books=True):
        self.hold()
        try:
            for name in NAMES:
                self.move.name = name
                self.move.assert_equal(self.server, seconds=60, books=books)
        finally:
            self.go()

    def hold(self):
        for writer in self.writers:
            writer.turn.acquire()

    def go(self):
        for writer in self.writers:
            writer.turn.release()

    def oplog_too_small(self):
        """It stops and says what to do; what it says is done, and both sides are equal."""
        self.begin()
        self.equal()
        self.move.end()
        self.server.trim_oplog()
        told = self.move.start().ended(1)
        self.assertIn('no longer has the changes since', told)
        self.assertIn('lugger repair', told)
        time.sleep(2)
        now = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())
        self.hold()
        self.move.work.lugger('repair', 'job.lua', '--apply', '--delete-extra', '--delete-many', timeout=300)
        self.go()
        self.move.start('--from-time', now, '--restart', command='follow')
        self.move.wait_for(lambda: self.move.told.count('following') >= len(NAMES), 'both are followed', 120)
        self.compare(books=False)
        self.move.end()
        self.move.start()
        self.compare(books=False)
        self.move.end()


if __name__ == '__main__':
    harness.main()
