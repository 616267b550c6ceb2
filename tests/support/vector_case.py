"""A test with documents in a file, a database with pgvector, and jobs between them."""
import json
import unittest
from pathlib import Path

import harness
from peer_postgres import PgVector


class VectorCase(unittest.TestCase):
    LINES = ()  # the documents of docs.jsonl

    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.directory = Path(harness.scratch())
        self.database = self.server.fresh()
        self.env = {'PG': self.database.url}
        self.documents(self.LINES)

    def documents(self, documents, name='docs.jsonl'):
        (self.directory / name).write_text(''.join(json.dumps(one) + '\n' for one in documents))

    def lugger(self, *words, expect=0):
        return harness.lugger(*words, cwd=self.directory, env=self.env, expect=expect)
