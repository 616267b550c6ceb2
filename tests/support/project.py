"""A project of a user: a directory with a script and a source, and lugger run in it."""
import json
import os
import unittest

import harness

USERS = [
    {"_id": {"$oid": "64f1c0a2b3c4d5e6f7a8b901"}, "email": "Ann@example.com", "age": 31,
     "createdAt": {"$date": "2026-01-05T10:00:00Z"}},
    {"_id": {"$oid": "64f1c0a2b3c4d5e6f7a8b902"}, "email": "bob@example.com", "age": "n/a",
     "createdAt": {"$date": "2026-02-05T10:00:00Z"}},
    {"_id": {"$oid": "64f1c0a2b3c4d5e6f7a8b903"}, "email": "cyd@example.com", "age": 7, "legacy": True},
]

USERS_LUA = """-- Users of the shop.
local lugger = require 'lugger'
local opt = lugger.options {
  since = { 'only users created at or after this time', type = 'timestamptz', default = '1970-01-01' },
  tenant = { 'whose users', default = 'main', choices = { 'main', 'other' } },
  times = { 'how often', type = 'int', default = 1 },
  loud = { 'shout', type = 'flag' },
}
return lugger.copy {
  name = 'users',
  from = lugger.source(lugger.env.MONGO_URI),
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'mongo_id', on_conflict = 'update' }),
  columns = {
    { 'mongo_id', 'text', from = '_id' },
    { 'email', 'text', required = true },
    { 'age', 'int4' },
    { 'created_at', 'timestamptz', from = 'createdAt' },
  },
}
"""


class Case(unittest.TestCase):
    """A directory of its own, and lugger run in it with an environment that holds no places."""

    def setUp(self):
        self.dir = harness.scratch()
        os.chmod(self.dir, 0o777)

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def write_json_lines(self, name, documents):
        return self.write(name, "".join(json.dumps(document) + "\n" for document in documents))

    def read(self, name):
        with open(os.path.join(self.dir, name), encoding="utf-8") as file:
            return file.read()

    def environment(self, extra=None):
        return harness.clean_environment({"HOME": self.dir, "LUGGER_TRACEBACK": None, **(extra or {})})

    def lugger(self, *args, stdin="", env=None, status=None):
        return harness.lugger(*args, cwd=self.dir, env=self.environment(env), input=stdin, expect=status)

    def users_project(self):
        self.write("users.lua", USERS_LUA)
        self.write_json_lines("users.json", USERS)
