"""What is typed at the prompt in the first hour, and mistakes that are told by their name."""
import os

import harness
import project
from postgres import Postgres

_server = None


def server():
    global _server
    if _server is None:
        _server = Postgres()
    return _server


class Prompt(project.Case):
    def setUp(self):
        super().setUp()
        self.db = server().fresh()
        self.db.query(
            "create table users (id int primary key, email text unique);"
            "create table notes (id int, user_id int references users);"
            "create index on notes (user_id); insert into users values (1, 'ann'), (2, 'bob')"
        )

    def ask(self, *lines):
        return self.lugger(
            "repl", stdin="".join(line + "\n" for line in lines), status=0, env={"PG_URI": self.db.url}
        )

    def test_d_sql_by_itself_is_run(self):
        done = self.ask(
            "select count(*) as n from users",
            "SELECT email FROM users WHERE id = 1;",
            "select 'x' as y",
            "insert into users values (3, 'it''s')",
            "table users;",
            "values (7, 8)",
            "show work_mem",
            "begin",
            "delete from users;",
            "rollback",
            "do $$ begin raise notice 'heard'; end $$;",
            "update users set email = 'c'",
            "  where id = 3;",
            "explain select 1",
        )
        self.assertIn("n\n2\n", done.out)
        self.assertIn("email\nann\n", done.out)
        self.assertIn("y\nx\n", done.out)
        self.assertIn("1 row affected", done.out)
        self.assertIn("column1  column2\n      7        8\n", done.out)
        self.assertIn("work_mem", done.out)
        self.assertIn("heard", done.err)
        self.assertIn("QUERY PLAN", done.out)
        self.assertEqual(self.db.query("select count(*) from users"), "3")

    def test_d_sql_goes_on_to_its_semicolon(self):
        done = self.ask(
            "select id,",
            "       email",
            "  from users",
            "select 40 + 2 as n,",
            "  'a",
            "b' as two;",
            "6 * 7",
        )
        self.assertEqual(done.err, "")
        self.assertIn("(2 rows)", done.out)
        self.assertIn("42", done.out)
        self.assertTrue(done.out.endswith("42\n"))
        done = self.ask("select email", "from users", "where id = 2;")
        self.assertIn("email\nann\nbob\n", done.out.replace(" ", ""))

    def test_d_lua_stays_lua(self):
        done = self.ask(
            "select('#', 1, 2)",
            "show = 5",
            "show + 1",
            "table.concat({ 1, 2 }, '-')",
            "do local x = 9 print(x) end",
            "copy",
            "for i = 1, 2 do",
            "print(i)",
            "end",
        )
        self.assertEqual(done.err, "")
        self.assertIn("2\n6\n", done.out)
        self.assertIn("1-2", done.out)
        self.assertIn("9\n", done.out)
        self.assertTrue(done.out.endswith("1\n2\n"))

    def test_d_the_words_that_leave(self):
        for word in ("exit", "quit", "\\q", "exit()", "quit;", ":quit", "exit;"):
            done = self.ask(word, "print('still here')")
            self.assertEqual((done.out, done.err), ("", ""), word)
        self.assertEqual(self.ask("exit = 5", "exit").out, "5\n")

    def test_d_the_words_that_ask_for_help(self):
        for word in ("?", "help", "\\?", "help()", "\\h"):
            self.assertIn("an expression prints its value", self.ask(word).out, word)
        self.assertIn("lugger.copy(spec)", self.ask("? copy").out)

    def test_d_an_unknown_name_is_an_error(self):
        done = self.ask(
            "usres",
            "users = 1",
            "usres",
            "print(nothing_of_the_kind)",
            "count = count or 5",
            "count",
            "function later() return not_yet() end",
            "later()",
        )
        self.assertIn('nothing is named "usres"', done.err)
        self.assertIn("did you mean users?", done.err)
        self.assertIn('nothing is named "nothing_of_the_kind"', done.err)
        self.assertIn('nothing is named "not_yet"', done.err)
        self.assertEqual(done.out, "5\n")

    def test_d_hint_and_position_of_postgresql(self):
        done = self.ask("pg 'select emial from users'", "select *", "  form users;", "pg 'selec 1'")
        self.assertIn("LINE 1: select emial from users\n               ^\n", done.err)
        self.assertIn('hint: Perhaps you meant to reference the column "users.email".', done.err)
        self.assertIn("LINE 2:   form users\n          ^\n", done.err)
        self.assertIn("LINE 1: selec 1\n        ^\n", done.err)
        self.assertNotIn("on_conflict", self.ask("pg \"insert into users values (1, 'x')\"").err)

    def test_d_describing_a_table_shows_keys_and_indexes(self):
        out = self.ask("\\d users").out + self.ask("\\d notes").out
        for part in (
            "users_pkey",
            "(primary key)",
            "users_email_key",
            "notes_user_id_idx",
            "notes notes_user_id_fkey FOREIGN KEY",
            "notes_user_id_fkey FOREIGN KEY (user_id)",
        ):
            self.assertIn(part, out)

    def test_d_each_result_of_one_text_is_shown(self):
        out = self.ask("pg \"select 1 as a; insert into users values (9, 'z'); select 2 as b\"").out
        self.assertEqual(out, "a\n1\n(1 row)\n1 row affected\nb\n2\n(1 row)\n")
        self.assertEqual(self.ask("pg('select 1 as a; select 2 as b'):value()").out, "2\n")

    def test_d_sql_typed_alone_is_saved(self):
        done = self.ask("create table made (id int)", "insert into made values (1)", ":save made")
        self.assertIn("2 statements", done.out)
        (file,) = os.listdir(os.path.join(self.dir, "migrations"))
        self.assertIn("create table made", self.read(f"migrations/{file}"))


class Mistakes(project.Case):
    """What is easily mistyped in a script is told by its name."""

    def setUp(self):
        super().setUp()
        self.users_project()

    def ask(self, code):
        return self.lugger(
            "-e",
            "users = source('users.json')\n" + code,
            status=1,
            env={"PG_URI": "postgresql://nobody@127.0.0.1:1/x"},
        ).err

    def test_d_a_method_called_with_a_dot_is_named(self):
        for code, said in (
            ("users.columns()", "source:columns"),
            ("users.find { age = 1 }", "source:find"),
            ("users:find().limit(1)", "query:limit"),
            ("users:cursor().next()", "cursor:next"),
            ("users:cursor():next().docs()", "batch:docs"),
            ("coercer('numeric').coerce '9'", "coercer:coerce"),
            ("coercer('numeric').try_coerce(9)", "coercer:try_coerce"),
            ("target('x.jsonl', { table = 'a' }).columns()", "target:columns"),
            ("users:find():first().copy()", "doc:copy"),
            ("date('2026-01-01').add(5)", "date:add"),
            ("objectid('64f1c0a2b3c4d5e6f7a8b901').time()", "objectid:time"),
            ("pg.query 'select 1'", "db:query"),
            ("lugger.session('local:./pg').exec 'x'", "db:exec"),
            (
                "copy { from = users, into = target('x.jsonl', { table = 'a' }), "
                "columns = users:columns() }.run()",
                "job:run",
            ),
        ):
            err = self.ask(code)
            self.assertIn("call it with a colon", err, code)
            self.assertIn(said + "(...)", err, code)

    def test_d_help_still_knows_the_methods(self):
        out = self.lugger(
            "repl", stdin="users = source('users.json')\nhelp(users.cursor)\nhelp(users)\n"
        ).out
        self.assertIn("source:cursor(options)", out)
        self.assertIn(":find(filter)", out)

    def test_d_a_dot_in_a_task_is_named_with_its_line(self):
        self.write(
            "task.lua",
            """local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task.cursor(lugger.source('users.json'))
end)
""",
        )
        err = self.lugger("run", "task.lua", status=1).err
        self.assertIn("task.cursor is a method: call it with a colon", err)
        self.assertIn("task.lua:3", err)

    def hook(self, body):
        self.write(
            "users.lua", project.USERS_LUA.rstrip()[:-1] + "map = function(row, doc)\n" + body + "\nend }"
        )
        return self.lugger("run", "users.lua", "--from", "users.json", "--into", "out.jsonl")

    def test_d_one_table_of_a_hook_is_named(self):
        err = self.hook("return { email = 'x' }").err
        self.assertIn('the hook returned one table (with "email"), not a list of rows', err)
        self.assertIn("return { { email = ... } }", err)
        self.assertIn("not a list", self.hook("return { { email = 'x' }, age = 5 }").err)
        self.assertEqual(
            self.hook("return { { email = 'x', age = 1 }, { email = 'y', age = 2 } }").status, 0
        )

    def test_d_numbers_of_scripts_have_their_bounds(self):
        cursor = "users:cursor { batch_rows = %s }:next()"
        job = "copy { from = users, into = target('x.jsonl', { table = 'a' }), columns = users:columns() }"
        for code, name in (
            (cursor % "-5", "batch_rows"),
            (cursor % "0", "batch_rows"),
            (cursor % "1.5", "batch_rows"),
            (cursor % "'many'", "batch_rows"),
            (cursor % "1e30", "batch_rows"),
            (cursor % "0/0", "batch_rows"),
            ("users:cursor { batch_bytes = -1 }:next()", "batch_bytes"),
            (job + ":run { jobs = -2 }", "jobs"),
            (job + ":run { limit = -1 }", "limit"),
            (job + ":run { jobs = 1e12 }", "jobs"),
            (job + ":preview(-1)", "documents"),
            (job + ":rehearse(-1)", "limit"),
            ("users:describe(-1)", "limit"),
            ("users:find():limit(-1)", "limit"),
            (
                "lugger.fix { on = target('local:', { table = 'a', key = 'id' }), set = 'a', "
                "batch_rows = -5, max_rows = 1, map = function() end }",
                "batch_rows",
            ),
        ):
            err = self.ask(code)
            self.assertIn("whole number", err, code)
            self.assertIn(name, err, code)


if __name__ == "__main__":
    harness.main()
