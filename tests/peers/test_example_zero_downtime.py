"""examples/zero_downtime: the shop writes all the time, is moved, and both sides are equal at each pause."""
import importlib.util
import re
import shutil
import signal
import threading
import time
import unittest
from pathlib import Path

import harness
import mongo_wire
from mongo_servers import live_server, wait_for
from postgres import Postgres

PLACE = harness.ROOT / 'examples' / 'zero_downtime'
CUSTOMERS = 120


def application():
    """app.py as a module."""
    spec = importlib.util.spec_from_file_location('zero_downtime_app', PLACE / 'app.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page_block(begins):
    """The block of docs/live.md that begins so."""
    text = (harness.ROOT / 'docs' / 'live.md').read_text(encoding='utf-8')
    return next(block for block in re.findall(r'(?ms)^```text\n(.*?)^```$', text) if block.startswith(begins))


def masked(line):
    """A line without its numbers, times and positions, and whatever width they have."""
    line = re.sub(r'(snapshot|lsn) \S+|\d{4}-\d\d-\S+Z,\d+', r'\1', line)
    line = re.sub(r'\d[\d,.]*', '0', re.sub(' +', ' ', line))
    return re.sub(r'0 (ms|s|min 0 s)\b|; 0 documents? still changing, and not compared', '', line)


class Collection:
    """What app.py calls of pymongo's."""

    def __init__(self, client, name):
        self.client, self.name = client, f'shop.{name}'

    def find_one(self, sort):
        return next(iter(self.client.find(self.name, sort=dict(sort), limit=1)), None)

    def insert_one(self, document):
        self.client.insert(self.name, document)

    def update_one(self, query, change):
        self.client.update(self.name, query, change)

    def delete_one(self, query):
        self.client.delete(self.name, query, limit=1)


class Application:
    """The shop, open in a thread of its own."""

    def __init__(self, server):
        self.client = server.client()
        self.shop = application().Shop(Collection(self.client, 'users'), Collection(self.client, 'orders'))
        self.shop.open_with(CUSTOMERS)
        self.events, self.paused, self.failed = 0, threading.Event(), None
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        try:
            while not self.paused.is_set():
                self.shop.write()
                self.events += 1
                time.sleep(0.005)
        except (OSError, mongo_wire.CommandError) as error:
            self.failed = error

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.paused.set()
        self.thread.join(60)
        self.client.close()

    def happens(self, events):
        """Waits until so much more has happened."""
        goal = self.events + events
        wait_for(lambda: self.events >= goal or self.failed, 'what the shop does')
        if self.failed:
            raise AssertionError(f'the shop had to close: {self.failed}')


class ZeroDowntime(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.server = live_server()
        cls.addClassCleanup(cls.server.destroy)

    def setUp(self):
        self.room = Path(harness.scratch())
        shutil.copy(PLACE / 'shop.lua', self.room)
        self.database = self.postgres.fresh()
        self.env = {'MONGO_URI': self.server.url, 'PG_URI': self.database.url}

    def move(self):
        return harness.start('move', 'shop.lua', '--create', '--log', 'json', cwd=self.room, env=self.env)

    def lugger(self, *args, expect=0):
        return harness.lugger(*args, cwd=self.room, env=self.env, expect=expect)

    def ledger(self, table, what):
        """A number of the ledger; 0 before it is there."""
        if not self.database.number(f"select count(*) from pg_tables where schemaname = 'lugger' "
                                    f"and tablename = '{table}'"):
            return 0
        return self.database.number(f'select {what}')

    def follows(self):
        """Both jobs apply changes."""
        running = "count(*) from lugger.runs where mode = 'follow' and status = 'running'"
        wait_for(lambda: self.ledger('runs', running) == 2, 'that both jobs follow', 120)

    def is_equal_while_it_is_open(self):
        """As docs/live.md shows it, but for the numbers."""
        done = self.lugger('verify', 'shop.lua', '--live')
        self.assertEqual(done.out.count(': equal, '), 2, done.out)
        told = {masked(line) for line in (done.out + done.err).splitlines()}
        shown = [masked(line) for line in page_block('table  ').splitlines() if line != '  ...']
        self.assertGreater(len(shown), 6)
        self.assertEqual([line for line in shown if line not in told], [], done)

    def is_equal(self):
        """The application pauses: once what is on its way has come, no row is wrong."""
        wait_for(lambda: self.lugger('verify', 'shop.lua', expect=None).status == 0,
                 'that both sides are equal', 60)
        with self.server.client() as client:
            users, orders = client.find('shop.users'), client.find('shop.orders')
        counts = [self.database.number(f'select count(*) from {table}')
                  for table in ('users', 'orders', 'order_items')]
        self.assertEqual(counts, [len(users), len(orders), sum(len(one['items']) for one in orders)])
        self.assertGreater(len(orders), CUSTOMERS)

    def stop(self, process):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, out + err)

    def test_s0_53_the_story(self):
        shop = Application(self.server)
        with shop:
            shop.happens(50)
            move = self.move()
            self.follows()
            shop.happens(200)
            self.is_equal_while_it_is_open()
        self.is_equal()
        with Application(self.server) as shop:
            shop.happens(50)
            move.kill()
            move.communicate(timeout=60)
            shop.happens(100)
            move = self.move()
            shop.happens(200)
            wait_for(lambda: self.lugger('verify', 'shop.lua', '--live', expect=None).status == 0,
                     'that both sides are equal', 60)
        self.is_equal()
        self.stop(move)
        copies = "count(*) from lugger.runs where mode not in ('follow', 'verify')"
        self.assertEqual(self.ledger('runs', copies), 2, 'one copy of each')

    def test_killed_in_the_copy(self):
        """The keys of what changed meanwhile are kept beside the target, so the copy goes on as it is."""
        script = (self.room / 'shop.lua').read_text(encoding='utf-8')
        (self.room / 'shop.lua').write_text(script.replace(
            "indexes = { { 'user_id' } },", "indexes = { { 'user_id' } }, throttle = { rows_per_s = 60 },"),
            encoding='utf-8')
        with Application(self.server) as shop:
            move = self.move()
            wait_for(lambda: self.ledger('spool', 'count(*) from lugger.spool') > 0, 'keys that are kept')
            move.kill()
            move.communicate(timeout=60)
            shop.happens(100)
            move = self.move()
            self.follows()
            shop.happens(50)
        self.is_equal()
        self.stop(move)


if __name__ == '__main__':
    harness.main()
