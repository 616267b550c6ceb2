""":save: a session becomes a file that does the same again."""
import glob
import os
import re
import subprocess

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
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines),
                           env={"PG_URI": self.db.url, **(env or {})}, status=0)

    def test_n_19_a_session_becomes_a_script_that_runs(self):
        done = self.session("help 'run'", "1 + 1", "users = source('users.json')", "users:describe()",
                            "pg 'select count(*) from users'", "pg 'selec'", ":time", "print 'noise'",
                            "pg('insert into users values ($1, $2)', 7, 'seven')", "local gone = 1",
                            "for i = 8, 9 do pg('insert into users values ($1)', i) end",
                            "n = users:find():count()", "pg('insert into users values ($1)', 100 + n)",
                            ":history", ":save mend.lua")
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
        done = self.session("pg 'create table a (id int)'", "pg 'create table b (id int)'", "pg 'begin'",
                            "pg 'insert into a values (1)'", "pg 'commit'", ":save tables 2-5")
        path, = glob.glob(os.path.join(self.dir, "migrations", "*_tables.lua"))
        self.assertIn("2 statements", done.out)
        text = self.read(os.path.relpath(path, self.dir))
        self.assertNotIn("create table a", text)
        self.assertNotIn("begin", text)
        self.db.query("drop table b; truncate a")
        self.write("up.lua",
                   "local db = require('lugger').session(require('lugger').env.PG_URI)\n"
                   f"dofile('{os.path.relpath(path, self.dir)}')\n"
                   f"assert(loadfile('{os.path.relpath(path, self.dir)}'))().up(db)\n")
        self.lugger("run", "up.lua", env={"PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select (select count(*) from a), (select count(*) from b)"), "1|0")

    def test_what_was_rolled_back_is_noise(self):
        self.session("pg 'begin'", "pg 'insert into users values (1)'", "pg 'rollback'",
                     "pg 'insert into users values (2)'", ":save one.lua")
        self.assertNotIn("values (1)", self.read("one.lua"))
        self.assertNotIn("begin", self.read("one.lua"))

    def test_a_job_that_was_run_is_returned(self):
        self.session("users = source('users.json')",
                     f"into = target('{self.db.url}', {{ table = 'loaded', key = 'mongo_id', "
                     f"on_conflict = 'skip' }})",
                     "job = copy { from = users, into = into, columns = { { 'mongo_id', 'text', "
                     "from = '_id' }, { 'email', 'text' } },"
                     " map = function(row) row.email = row.email:lower() end }",
                     "job:preview(1)", "job:run { create = true }", ":save load.lua")
        self.assertIn("a@x", self.db.query("select email from loaded"))
        self.db.query("drop table loaded; drop schema lugger cascade")
        self.lugger("run", "load.lua", "--create", status=0)
        self.assertIn("a@x", self.db.query("select email from loaded"))

    def test_s0_29_secrets_become_variables(self):
        secret = self.db.url.replace("postgresql:///", "postgresql:///") + "&password=hunter22"
        done = self.session(f"other = pg.open '{secret}'", "other 'insert into users values (5)'",
                            "pg \"alter role postgres password 'swordfish'\"", ":save a.lua 1-2",
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
        done = self.session("1", ":save", ":save x.lua", "pg 'create table c (id int)'", ":save y.lua 9-3-1",
                            ":save ../../etc", ":save y.lua", ":save y.lua")
        for part in (":save wants a name", "there is nothing to save", "is not a range", "is there already"):
            self.assertIn(part, done.err)

    def saved(self, *lines, range=""):
        """The session as a file that was run: what both left in the table users, and the file."""
        done = self.session(*lines, f":save again.lua {range}")
        self.assertEqual(done.err.replace("time is on", ""), "")
        before = self.db.query("select id, email from users order by id, email")
        self.db.query("truncate users")
        self.lugger("run", "again.lua", env={"PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select id, email from users order by id, email"), before)
        self.assertNotEqual(before, "")
        return self.read("again.lua")

    def test_e15_names_are_declared_before_their_use(self):
        self.saved(
            "function put() pg('insert into users values ($1, $2)', number(), name) end",  # both come later
            "number = function() return 7 end",
            "name = 'seven'",
            "put()",
            "fact = function(n) return n < 2 and 1 or n * fact(n - 1) end",                # its own name
            "pg('insert into users values ($1)', fact(5))",
            "function again(n) if n > 0 then again(n - 1) put_one(500 + n) end end",
            "function put_one(n) pg('insert into users values ($1)', n) end",
            "again(2)",
            "total = total or 40",
            "a, b = 1, 2",
            "c = 3 d = c + 1",
            "if a then e = 5 end",
            "pg('insert into users values ($1)', total + a + b + c + d + e)")

    def test_e15_the_pg_of_the_session_and_a_pg_of_ones_own(self):
        text = self.saved(
            "users = source('users.json')",
            "pg 'insert into users values (1)'",
            "rows = {}",
            f"pg = lugger.session '{self.db.url}'",
            "for _, r in ipairs(pg 'select id from users') do rows[#rows + 1] = r.id end",
            "for _, id in ipairs(rows) do pg('insert into users values ($1)', id + 10) end")
        self.assertLess(text.index("local pg"), text.index("pg.use"))

    def test_e15_a_pg_that_is_ones_own_only(self):
        self.saved(f"pg = lugger.session '{self.db.url}'", "pg 'insert into users values (3)'")

    def test_e15_names_of_lugger_that_are_set_later(self):
        self.saved("users = source('users.json')", "source = 5", "print = print",
                   "tostring = function(v) return 'v' .. v end",
                   "pg('insert into users values ($1, $2)', source, tostring(users:find():count()))")

    def test_e15_names_that_lua_has_too(self):
        self.saved("pg('insert into users values (1, $1)', type(decimal '1'))",
                   "ok, err = pcall(error, { code = 'x' })",
                   "pg('insert into users values (2, $1)', err.code)")

    def test_e15_expressions_that_are_no_statements_of_lua(self):
        self.saved("1 + pg:exec 'insert into users values (1)'",
                   "#pg 'insert into users values (2) returning id'",
                   "= (pg 'insert into users values (3) returning id')[1].id",
                   "return pg:value 'insert into users values (4) returning id'",
                   "pg:exec 'insert into users values (5)', 6",
                   "x = 1",
                   "(function() pg('insert into users values ($1)', x + 9) end)()",
                   "t = {}",
                   "('x'):rep(2, pg:exec 'insert into users values (6)')")

    def test_e15_tables_that_were_changed_by_calls_with_values(self):
        self.saved("t = { 1, 2, 3 }", "table.remove(t)", "table.insert(t, 9)",
                   "function push(v) t[#t + 1] = v return #t end", "push(11)",
                   "for _, v in ipairs(t) do pg('insert into users values ($1)', v) end")

    def test_e15_local_variables_end_with_their_statement(self):
        self.saved("v = 1", "local v = 2", "local w = 5 u = w",
                   "pg('insert into users values ($1)', v + u)",
                   "do local v = 7 z = function() local q = v return q end end",
                   "pg('insert into users values ($1)', z())")

    def test_e15_the_last_value_in_a_saved_file(self):
        self.saved("6 * 7", "pg('insert into users values ($1)', _)", "source('users.json'):find():count()",
                   "n = _ + 1", "pg('insert into users values ($1)', n)",
                   "5 * 2", "_ * 10", "_ + 1", "pg('insert into users values ($1)', _)")

    def test_e15_comments_and_sql_of_several_lines(self):
        self.saved("x = 5 -- five", "y = { -- all", "  1, -- one", "}",
                   "insert into users", "values (5,", "'it''s -- no comment');",
                   "pg('insert into users values ($1)', x + y[1]) -- done",
                   "pg 'insert into users", "values (77)'",
                   "pg [[insert into users values (78) -- ]]")

    def test_e15_a_name_that_the_file_would_not_have(self):
        done = self.session("a = 1", "b = 2 error('no')", "pg 'begin'",
                            "r = pg:value 'insert into users values (1) returning id'", "pg 'rollback'",
                            "pg('insert into users values ($1)', a)",
                            "pg('insert into users values ($1)', b)",
                            "pg('insert into users values ($1)', r)",
                            ":save x.lua 6-6", ":save x.lua 7-7", ":save x.lua 8-8", ":save x.lua 1-6")
        self.assertIn('statement 6 uses "a"; statement 1 sets it, and is left out: it is not in the range',
                      done.err)
        self.assertIn('statement 7 uses "b"; statement 2 sets it, and is left out: it failed', done.err)
        self.assertIn('statement 8 uses "r"; statement 4 sets it, and is left out: it was rolled back',
                      done.err)
        self.assertIn("x.lua: 2 statements", done.out)

    def test_e15_more_variables_than_a_function_may_have(self):
        self.saved(*(f"v{i} = {i}" for i in range(260)), "pg('insert into users values ($1)', v0 + v259)")


WRITES = (
    "create table t as select i as id, i % 7 as n from generate_series(1, 50) i",
    "select id, n into copied from t where n > 3",
    "with gone as (delete from t where id > 45 returning *) select count(*) from gone",
    "with new as (insert into t values (100, 1) returning id) select id from new",
    "create sequence counted",
    "select setval(\'counted\', 77)",
    "select nextval(\'counted\')",
    "explain analyze delete from t where id = 7",
    "explain (analyze, costs off) update t set n = -1 where id = 8",
    ("create function bump(int) returns int language sql as $$ update t set n = n + 1 "
     "where id = $1 returning n $$"),
    "select bump(9)",
    "select * from bump(10), generate_series(1, 2)",
    "create view bumped as select bump(11) as n",
    "select * from bumped",
    "prepare p(int) as select bump($1)",
    "execute p(12)",
    "do $$ begin insert into t values (200, 2); end $$",
    "create procedure more() language sql as $$ insert into t values (201, 3) $$",
    "call more()",
    "insert into t values (202, 4) returning *",
    "create table if not exists t2 as table t",
    "select set_config(\'search_path\', \'public\', false)",
    "create materialized view m as select count(*) from t",
    "insert into t values (203, 5)",
    "refresh materialized view m",
    "begin", "select bump(13)", "savepoint s", "select bump(14)", "rollback to s", "select bump(15)",
    "commit",
    "begin", "select bump(16)", "rollback",
    "select 1; select bump(17)",
    "truncate copied",
)
READS = ("select * from t", "table t", "values (1)", "explain select * from t",
         "select count(*) from t where n > random()", "show search_path",
         "with x as (select 1) select * from x", "begin read only", "select max(id) from t", "rollback")


class Everything(project.Case):
    """What changed the database is saved, whatever the server answered with; the file does the same to
    an empty database."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def dump(self, database):
        done = subprocess.run(["pg_dump", "--no-owner", "-d", database.url], capture_output=True, text=True,
                              check=True)
        return [line for line in done.stdout.splitlines() if not re.match(r"--|.(un)?restrict ", line)]

    def session(self, database, *lines):
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines), env={"PG_URI": database.url},
                           status=0)

    def test_a14_what_wrote_is_saved_and_does_the_same(self):
        here, script, migrated = self.server.fresh(), self.server.fresh(), self.server.fresh()
        lines = [f"pg [[{sql}]]" for sql in WRITES]
        for at, sql in enumerate(READS):
            lines.insert((at + 1) * 4 if not sql.startswith(("begin", "select max",
                                                             "rollback")) else len(lines),
                         f"pg [[{sql}]]")
        done = self.session(here, *lines, ":explain analyze delete from t where id = 20", ":save all.lua",
                            ":save all")
        self.assertNotIn("error", done.err)
        text = self.read("all.lua")
        for sql in ("values (1)", "explain select", "random()", "show search_path", "bump(16)"):
            self.assertNotIn(sql, text)
        self.lugger("run", "all.lua", env={"PG_URI": script.url}, status=0)
        self.assertEqual(self.dump(script), self.dump(here))
        self.lugger("migrate", "up", env={"PG_URI": migrated.url}, status=0)
        migrated.query("drop schema lugger cascade")
        self.assertEqual(self.dump(migrated), self.dump(here))

    def test_a14_several_databases(self):
        first, second, third = self.server.fresh(), self.server.fresh(), self.server.fresh()
        lines = ("w = pg.open 'warehouse'", "w 'create table w as select 1 as id'",
                 "pg 'create table a as select 2 as id'", "w 'begin'",
                 "pg 'insert into a values (3)'", "w 'insert into w values (9)'", "w 'rollback'",
                 "w 'select count(*) from w'",
                 "pg.use 'warehouse'", "pg 'insert into w values (4)'",
                 "n = pg('select count(*) from w'):value()",
                 "pg('insert into w values ($1)', n + 100)")
        self.write("lugger.toml", f'[connections.warehouse]\nurl = "{second.url}"\n')
        self.session(first, *lines, ":save both.lua", ":save both")
        expected = self.dump(first), self.dump(second)
        self.assertEqual(second.query("select string_agg(id::text, ',' order by id) from w"), "1,4,102")
        self.assertEqual(first.query("select string_agg(id::text, ',' order by id) from a"), "2,3")
        for command in (("run", "both.lua"), ("migrate", "up")):
            one, two = self.server.fresh(), self.server.fresh()
            self.write("lugger.toml", f'[connections.warehouse]\nurl = "{two.url}"\n')
            self.lugger(*command, env={"PG_URI": one.url}, status=0)
            for database in (one, two):
                database.query("drop schema if exists lugger cascade")
            self.assertEqual((self.dump(one), self.dump(two)), expected, command)
        self.assertTrue(third)

    def test_a14_a_migration_takes_no_place_without_a_name(self):
        first, second = self.server.fresh(), self.server.fresh()
        done = self.session(first, f"w = pg.open '{second.url}'", "w 'create table w ()'", ":save it",
                            ":save it.lua")
        self.assertIn("by their names in lugger.toml", done.err)
        second.query("drop table w")
        self.lugger("run", "it.lua", env={"PG_URI": first.url}, status=0)
        self.assertEqual(second.query("select to_regclass('w') is null"), "f")

    def test_a14_what_failed_halfway_is_told(self):
        done = self.session(self.server.fresh(), "pg 'create table a ()'",
                            "for i = 1, 2 do pg('create table b' .. i .. ' ()') if i == 2 then "
                            "error 'no' end end",
                            ":save a.lua")
        self.assertIn("statement 2 changed something before it failed", done.err)

    def test_a14_transactions_in_one_statement(self):
        here = self.server.fresh()
        done = self.session(here, "pg 'begin; create table a as select 1; commit'", ":save a", ":save a.lua")
        self.assertIn("begins or ends a transaction among other things", done.err)
        there = self.server.fresh()
        self.lugger("run", "a.lua", env={"PG_URI": there.url}, status=0)
        self.assertEqual(self.dump(there), self.dump(here))


if __name__ == "__main__":
    harness.main()
