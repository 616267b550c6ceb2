"""A server that goes away while it is worked with is waited for, and that is said."""

import signal
import unittest

import harness
from jobs import Work, job
from postgres import Postgres
from sessions import Session, wait_for

BLOCKED = (
    "select exists (select from pg_stat_activity where application_name like 'lugger%' "
    "and wait_event_type = 'Lock')"
)


class ServerAway(unittest.TestCase):
    def lines_until(self, process, word):
        lines = []
        for line in process.stderr:
            lines.append(line)
            if word in line:
                return lines
        self.fail(f'{word!r} was not said:\n{"".join(lines)}')

    def go_away_in(self, work, server, *command):
        """Starts a command, stops the server while it waits for a lock on docs, and starts it again
        when the command has said so."""
        holder = Session(work.database)
        holder.run('begin; lock table docs in share mode')
        process = work.start(*command)
        wait_for(work.database, BLOCKED, process)
        server.stop(signal.SIGQUIT)
        holder.close()
        self.lines_until(process, 'the connection to the server is lost; trying again')
        server.start()
        rest = process.communicate(timeout=120)[1]
        self.assertEqual(process.returncode, 0, rest)
        return rest

    def test_d_a_load_says_that_it_waits_for_the_server(self):
        server = Postgres()
        work = Work(server.fresh(), [{'_id': i, 'n': i} for i in range(50)], job("{ 'n', 'int4' }"))
        work.database.query('create table docs (mongo_id text primary key, n int)')
        rest = self.go_away_in(work, server, 'run', 'job.lua', '-j', '1')
        self.assertIn('read 50 = inserted 50', rest)
        self.assertEqual(work.database.query('select count(*) from docs'), '50')

    def test_d_a_fix_says_that_it_waits_for_the_server(self):
        server = Postgres()
        work = Work(server.fresh())
        work.database.query(
            'create table docs (id int primary key, n int);'
            'insert into docs select i, i from generate_series(1, 50) i'
        )
        work.script("""local lugger = require 'lugger'
return lugger.fix {
  on = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id' }), set = 'n', max_rows = 100,
  map = function(row) row.n = row.n + 1000 end,
}
""")
        self.go_away_in(work, server, 'run', 'job.lua', '--apply')
        self.assertEqual(work.database.query('select count(*) from docs where n > 1000'), '50')


if __name__ == '__main__':
    harness.main()
