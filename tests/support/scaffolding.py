"""What the tests of lugger scaffold share: a server, a place to write to, dumps made on the spot."""
import unittest
from pathlib import Path

import harness
from bson import ObjectId
from harness import lugger
from jobs import dump
from postgres import Postgres


def oid(number):
    return ObjectId(f'{number:024x}')


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def scaffold(self, source, *flags, expect=0, out=None, env=None):
        self.dir = getattr(self, 'dir', None) or Path(harness.scratch())
        self.out = out or self.dir / 'migrate'
        return lugger('scaffold', source, '--out', self.out, *flags, cwd=self.dir, expect=expect, env=env)

    def documents(self, collections, database='shop'):
        self.dir = Path(harness.scratch())
        return dump(self.dir, database, collections)

    def text(self, name):
        return (self.out / name).read_text(encoding='utf-8')

    def load(self, name='all.lua', expect=0, database=None):
        database = database or self.server.fresh()
        result = lugger('run', self.out / name, '--create', cwd=self.dir,
                        env={'PG_URI': database.url, 'MONGO_URI': 'dump'}, expect=expect)
        return database, result
