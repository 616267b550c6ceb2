"""Tests of a move: a live server, a PostgreSQL, and moves that end with the test."""
import unittest

from live_moves import Move, copy, script
from mongo_servers import live_server
from postgres import Postgres


class LiveCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()

    def setUp(self):
        self.server = live_server()
        self.addCleanup(self.server.destroy)
        self.moves = []
        self.addCleanup(lambda: [one.process.kill() for one in self.moves if one.process])

    def move(self, *jobs, url=None, name='docs', postgres=None):
        one = Move(postgres or self.postgres, url or self.server.url, script(*(jobs or [copy()])), name)
        self.moves.append(one)
        return one

    def insert(self, *documents, name='docs'):
        with self.server.client() as client:
            client.insert(f'shop.{name}', *documents)

    def update(self, query, change, name='docs', **more):
        with self.server.client() as client:
            client.update(f'shop.{name}', query, change, **more)

    def command(self, database, command):
        with self.server.client() as client:
            return client.command(database, command)
