"""A project with migrations and a database."""
import os
import re
import unittest
from pathlib import Path

import harness
from postgres import Postgres


class Project:
    def __init__(self, database, **files):
        self.directory = Path(harness.scratch())
        os.chmod(self.directory, 0o777)
        self.database = database
        (self.directory / 'migrations').mkdir()
        for name, text in files.items():
            self.file(name, text)

    @property
    def env(self):
        return {'PG_URI': self.database.url, 'LOGNAME': 'tester', 'USER': 'tester'}

    def file(self, name, text, folder='migrations'):
        """`v1_users` is migrations/20260101000001_users.sql; a name with a dot is itself. Text with
        `return` is Lua."""
        match = re.fullmatch(r'v(\d+)_(\w+)', name)
        if match:
            kind = 'lua' if re.search(r'^\s*return\b', text if isinstance(text, str) else text.decode(),
                                      re.M) else 'sql'
            name = f'202601010000{int(match[1]):02}_{match[2]}.{kind}'
        path = self.directory / folder / name if folder else self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding='utf-8')
        return path

    def migrate(self, *args, expect=0, env=None, **more):
        return harness.lugger('migrate', *args, cwd=self.directory, env={**self.env, **(env or {})},
                              expect=expect, **more)

    def start(self, *args, env=None):
        return harness.start('migrate', *args, cwd=self.directory, env={**self.env, **(env or {})})

    def states(self):
        """Version (its last two digits) -> state."""
        items = harness.json_lines(self.migrate('status', '--json').out)[0]
        return {item['version'][-2:]: item['state'] for item in items}

    def query(self, sql):
        return self.database.query(sql)


USERS = '''-- up
CREATE TABLE users (id int PRIMARY KEY, email text, data jsonb);
INSERT INTO users SELECT i, 'U' || i, jsonb_build_object('n', i) FROM generate_series(1, 20) i;
-- down
DROP TABLE users;
'''


class WithUsers(unittest.TestCase):
    """Tests of projects whose first migration made a table of twenty users."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, **files):
        return Project(self.server.fresh(), **files)

    def with_users(self, **files):
        project = self.project(v1_users=USERS)
        project.migrate('up')
        for name, text in files.items():
            project.file(name, text)
        return project
