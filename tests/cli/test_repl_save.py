""":save: a session becomes a file that does the same again."""
import glob
import os

import harness
import project
from postgres import Postgres


class Save(project.Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        super().setUp()
        self.db = self.server.fresh()
        self.db.query("create table users (id int, email text)")
        self.write_json_lines("users.json", [{"_id": 1, "email": "A@x"}, {"_id": 2, "email": "B@x"}])

    def session(self, *lines, env=None):
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines), env={"PG_URI": self.db.url, **(env or {})}, status=0)

    def test_n_19_a_session_becomes_a_script_that_runs(self):
        done = self.session("help 'run'", "1 + 1", "users = source('users.json')", "users:describe()", "pg 'select count(*) from users'", "pg 'selec'", ":time",
                            "print 'noise'", "pg('insert into users values ($1, $2)', 7, 'seven')", "local gone = 1", "for i = 8, 9 do pg('insert into users values ($1)', i) end",
                            "n = users:find():count()", "pg('insert into users values ($1)', 100 + n)", ":history", ":save mend.lua")
        self.assertIn("mend.lua: 6 statements", done.out)
        text = self.read("mend.lua")
        for noise in ("help", "describe", "selec ", "noise", "count(*)", ":time", "1 + 1"):
            self.assertNotIn(noise, text)
        self.assertIn("local users = source('users.json')", text)
        before = self.db.query("select id, email from users order by id")
        self.db.query("truncate users")
        self.lugger("run", "mend.lua", env={"PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select id, email from users order by id"), before)

    def test_a_range_and_a_migration(self):
        done = self.session("pg 'create table a (id int)'", "pg 'create table b (id int)'", "pg 'begin'", "pg 'insert into a values (1)'", "pg 'commit'",
                            ":save tables 2-5")
        path, = glob.glob(os.path.join(self.dir, "migrations", "*_tables.lua"))
        self.assertIn("2 statements", done.out)
        text = self.read(os.path.relpath(path, self.dir))
        self.assertNotIn("create table a", text)
        self.assertNotIn("begin", text)
        self.db.query("drop table b; truncate a")
        self.write("up.lua", f"local db = require('lugger').session(require('lugger').env.PG_URI)\ndofile('{os.path.relpath(path, self.dir)}')\n"
                   f"assert(loadfile('{os.path.relpath(path, self.dir)}'))().up(db)\n")
        self.lugger("run", "up.lua", env={"PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select (select count(*) from a), (select count(*) from b)"), "1|0")

    def test_what_was_rolled_back_is_noise(self):
        self.session("pg 'begin'", "pg 'insert into users values (1)'", "pg 'rollback'", "pg 'insert into users values (2)'", ":save one.lua")
        self.assertNotIn("values (1)", self.read("one.lua"))
        self.assertNotIn("begin", self.read("one.lua"))

    def test_a_job_that_was_run_is_returned(self):
        self.session("users = source('users.json')", f"into = target('{self.db.url}', {{ table = 'loaded', key = 'mongo_id', on_conflict = 'skip' }})",
                     "job = copy { from = users, into = into, columns = { { 'mongo_id', 'text', from = '_id' }, { 'email', 'text' } },"
                     " map = function(row) row.email = row.email:lower() end }", "job:preview(1)", "job:run { create = true }", ":save load.lua")
        self.assertIn("a@x", self.db.query("select email from loaded"))
        self.db.query("drop table loaded; drop schema lugger cascade")
        self.lugger("run", "load.lua", "--create", status=0)
        self.assertIn("a@x", self.db.query("select email from loaded"))

    def test_s0_29_secrets_become_variables(self):
        secret = self.db.url.replace("postgresql:///", "postgresql:///") + "&password=hunter22"
        done = self.session(f"other = pg.open '{secret}'", "other 'insert into users values (5)'", "pg \"alter role postgres password 'swordfish'\"", ":save a.lua 1-2",
                            ":save b.lua", env={"PG_URI": self.db.url})
        text = self.read("a.lua")
        self.assertNotIn("hunter22", text)
        self.assertIn("lugger.env.SAVED_URI_1", text)
        self.assertIn("put it into .env", done.err)
        self.assertIn("statement 3 holds a password", done.err)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "b.lua")))
        self.db.query("truncate users")
        self.lugger("run", "a.lua", env={"SAVED_URI_1": secret, "PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select count(*) from users"), "1")

    def test_mistakes(self):
        done = self.session("1", ":save", ":save x.lua", "pg 'create table c (id int)'", ":save y.lua 9-3-1", ":save ../../etc", ":save y.lua", ":save y.lua")
        for part in (":save wants a name", "there is nothing to save", "is no range", "is there already"):
            self.assertIn(part, done.err)


if __name__ == "__main__":
    harness.main()
