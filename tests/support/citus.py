"""A Citus coordinator. LUGGER_TEST_CITUS is its URL; the tests make schemas of their own there."""
import datetime
import os
import unittest
from pathlib import Path

import harness
from harness import lugger
from postgres import Database

HOURS = datetime.datetime(2026, 1, 1)


class Coordinator(Database):
    def __init__(self, url):
        super().__init__(None, '')
        self.place = url

    url = property(lambda self: self.place)


class Case(unittest.TestCase):
    def setUp(self):
        place = os.environ.get('LUGGER_TEST_CITUS')
        if not place:
            harness.skip('LUGGER_TEST_CITUS names no Citus coordinator')
        self.database = Coordinator(place)
        self.directory = Path(harness.scratch())
        self.clean()
        self.addCleanup(self.clean)
        self.database.query('create schema lugger_test')

    def clean(self):
        self.database.query('drop schema if exists lugger_test cascade; '
                            'drop schema if exists lugger_test_state cascade')

    def lugger(self, *args, expect=0):
        return lugger(*args, cwd=self.directory, expect=expect)
