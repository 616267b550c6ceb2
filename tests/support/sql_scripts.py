"""Lua scripts with a session, `db`, in a fresh database."""
import project
from postgres import Postgres

_servers = []


def server():
    """One for all tests of a file."""
    if not _servers:
        _servers.append(Postgres())
    return _servers[0]


class Case(project.Case):
    def setUp(self):
        super().setUp()
        self.db = server().fresh()

    def run_script(self, body, status=0, **env):
        self.write("a.lua", "local lugger = require 'lugger'\n"
                   "local db = lugger.session(lugger.env.PG_URI)\n" + body)
        return self.lugger("run", "a.lua", env={"PG_URI": self.db.url, **env}, status=status)

    def fails(self, body):
        """What a script ends with."""
        return self.run_script(body, status=1).err
