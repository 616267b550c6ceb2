"""What a user meets in the first hour: how a run ends, what goes into a pipe, what may be typed at the prompt."""
import json
import os

import harness
import project
from postgres import Postgres
from terminal import TerminalCase

_server = None


def server():
    global _server
    if _server is None:
        _server = Postgres()
    return _server


ORDERS = """local lugger = require 'lugger'
return lugger.copy {
  name = 'orders',
  from = lugger.source('orders.json'),
  into = lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'id', on_conflict = 'update' }),
  columns = {
    { 'id', 'int4', from = '_id' },
    { 'total', 'numeric' },
    { 'email', 'text' },
    { 'rest', 'jsonb', from = '*' },
  },
  children = { { table = 'order_tags', from = 'tags[]', columns = { { 'tag', 'int4', from = '.' } } } },
  map = function(row, doc)
    if doc.note == 'no' then return lugger.reject 'the note says no' end
  end,
}
"""


def order(number, **more):
    return {"_id": number, "total": "9.5", "email": f"{number}@example.com", **more}


class EndOfARun(project.Case):
    def setUp(self):
        super().setUp()
        self.db = server().fresh()
        self.write("orders.lua", ORDERS)

    def run_orders(self, *flags, status=3, documents=None):
        self.write_json_lines("orders.json", documents or [
            *(order(n, total="12abc") for n in range(10, 20)), order(1), order(2, tags=[1, "x"]),
            order(3, note="no"), order(4, email="1@example.com")])
        return self.lugger("run", "orders.lua", *flags, env={"PG_URI": self.db.url}, status=status)

    def test_d_rejects_are_told_by_column_reason_and_example(self):
        err = self.run_orders("--create").err
        self.assertIn('orders.total: cannot read "12abc" as numeric: 10 documents, first $n:10\n', err)
        self.assertIn('order_tags.tag: cannot read "x" as int4: 1 document, first $n:2\n', err)
        self.assertIn('orders: the note says no: 1 document, first $n:3\n', err)
        self.assertEqual(err.count("12abc"), 1)

    def test_d_the_constraint_of_a_refusal_is_named(self):
        self.db.query("create table orders (id int primary key, total numeric check (total < 1000), email text "
                      "constraint one_address unique, rest jsonb);"
                      "create table order_tags (parent_id int, ordinal int, tag int, "
                      "primary key (parent_id, ordinal))")
        err = self.run_orders(documents=[order(n) for n in range(1, 5)] + [
            order(6, email="1@example.com"), order(7, total=5000), order(8, total=6000)]).err
        self.assertRegex(err, r'unique constraint "one_address"[^\n]*: 1 document, first \$n:6\n')
        self.assertRegex(err, r'check constraint "orders_total_check"[^\n]*: 2 documents, first \$n:[78]\n')

    def test_d_rejects_of_redacted_runs_quote_no_value(self):
        err = self.run_orders("--create", "--redact").err
        self.assertIn("orders.total: bad_value: 10 documents, first $n:10\n", err)
        self.assertNotIn("12abc", err)

    def test_d_rejects_by_reason_reach_programs(self):
        events = harness.json_lines(self.run_orders("--create", "--log", "json").err)
        end = next(event for event in events if event["event"] == "end")
        self.assertEqual(end["reject_codes"], {"bad_value": 11, "hook": 1})
        first = end["rejects"][0]
        self.assertEqual((first["table"], first["column"], first["code"], first["documents"],
                          first["document_id"]), ("orders", "total", "bad_value", 10, "$n:10"))
        self.assertIn("on_error", first["advice"])
        self.assertEqual(len([hint for hint in end["hints"] if "fillfactor" in hint]), 1)

    def test_d_a_task_tells_its_rejects_too(self):
        self.write("orders.lua", """local lugger = require 'lugger'
return lugger.task('orders', function(task)
  local docs = task:cursor(lugger.source('orders.json'))
  local out = task:writer(lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'id' }),
    { columns = { { 'id', 'int4', from = '_id' }, { 'total', 'numeric' } } })
  for batch in docs:batches() do out:write(batch) out:commit(batch:position()) end
end)
""")
        err = self.run_orders("--create").err
        self.assertIn('total: cannot read "12abc" as numeric: 10 documents, first $n:10\n', err)

    def test_d_hints_come_once_and_counts_come_once(self):
        for name in ("a", "b", "c"):
            self.write_json_lines(f"exports/{name}.json", [{"_id": 1, "tags": [1]}, {"_id": 2, "tags": [2]}])
        done = self.lugger("run", "mongo_to_postgres", "--from", "exports", "--into", self.db.url, status=0)
        self.assertEqual(done.err.count("fillfactor"), 1)
        self.assertEqual(done.err.count("jsonb_path_ops"), 1)
        self.assertIn("2 more tables", done.err)
        self.assertNotIn("inserted 2", done.err)
        self.assertRegex(done.err, r"(?m)^3 jobs +6 +6 +0 ")
        self.assertEqual([books["inserted"] for books in harness.all_books(done.err).values()], [2, 2, 2])
        err = self.run_orders("--create").err
        self.assertEqual(err.count("rejected 12"), 1)
        self.assertNotRegex(err, r"(?m)^job +read")


class Pipes(project.Case):
    def setUp(self):
        super().setUp()
        self.users_project()
        self.long = "x" * 300
        self.write_json_lines("users.json", [
            {"_id": 1, "email": self.long, "age": 1}, {"_id": 2, "email": "b", "age": self.long}])

    def into(self, *args, status=None):
        return self.lugger(*args, "--from", "users.json", "--into", "out.jsonl", status=status)

    def test_d_what_is_piped_is_never_cut(self):
        self.assertIn(self.long, self.into("preview", "users.lua").out)
        self.into("run", "users.lua", status=3)
        self.assertIn(f'cannot read "{self.long[:60]}', self.into("rejects", "users.lua").out)
        out = self.into("preview", "users.lua").out
        self.assertEqual(max(map(len, out.splitlines())) > 300, True)
        self.assertNotIn("…", out)

    def test_d_piped_results_of_sql_are_whole(self):
        database = server().fresh()
        done = self.lugger("-e", "pg \"select repeat('y', 500) as a, repeat('z', 500) as b\"",
                           env={"PG_URI": database.url}, status=0)
        self.assertIn("y" * 500 + "  " + "z" * 500, done.out)

    def test_d_runs_and_preview_speak_json(self):
        self.into("run", "users.lua", status=3)
        runs = harness.json_lines(self.lugger("runs", ".lugger", "--json", status=0).out)
        self.assertEqual([(one["job"], one["status"], one["tally"]["rejected"]) for one in runs],
                         [("users", "done", 1)])
        found, = harness.json_lines(self.into("preview", "users.lua", "--json", status=0).out)
        self.assertEqual([(d["id"], d["fate"], d["code"]) for d in found["documents"]],
                         [("$n:1", "load", ""), ("$n:2", "reject", "bad_value")])
        self.assertEqual(found["documents"][0]["rows"], [{"table": "users", "values": {
            "mongo_id": "$n:1", "email": self.long, "age": "1", "created_at": None}}])
        self.into("preview", "users.lua", "--json", "--watch", status=2)

    def test_d_status_without_an_id_is_the_newest_run(self):
        self.into("run", "users.lua", status=3)
        self.into("run", "users.lua", "--restart", status=3)
        newest = harness.json_lines(self.lugger("runs", ".lugger", "--json").out)[0]["run"]
        for words in ((), (".lugger", ), ("users.lua", "--from", "users.json", "--into", "out.jsonl")):
            self.assertIn(newest, self.lugger("status", *words, status=0).out)


class Widths(TerminalCase):
    def show(self, columns, *args):
        """The lines that the program shows."""
        self.spawn(["sh", "-c", '"$@"; echo the end', "sh", harness.binary(), *args], columns=columns)
        shown = self.until("the end").replace("\r", "").split("\n")
        self.doCleanups()
        return shown

    def test_d_tables_fit_the_terminal_and_name_the_flag(self):
        self.users_project()
        self.write_json_lines("users.json", [{"_id": 1, "email": "x" * 300, "age": 1},
                                             {"_id": 2, "email": "b", "age": "y" * 300}])
        places = ("--from", "users.json", "--into", "out.jsonl")
        for columns in (60, 140):
            lines = self.show(columns, "preview", "users.lua", *places)
            table = [line for line in lines if "xxx" in line]
            self.assertEqual(len(table), 1)
            self.assertLessEqual(len(table[0]), columns)
            self.assertGreater(len(table[0]), columns - 30)
            self.assertIn("--full", "\n".join(lines))
        self.lugger("run", "users.lua", *places, status=3)
        lines = self.show(80, "rejects", "users.lua", *places)
        self.assertIn("--full", "\n".join(lines))
        self.assertLessEqual(max(len(line) for line in lines if "$n:2" in line), 80)

    def test_d_the_live_line_leaves_out_what_has_no_room(self):
        self.write("line.lua", """
local progress = require 'lugger.inner.job.progress'
local figures = { job = 'users', read = 1234567, bytes = 5e9, percent = 42, rows_per_s = 98765, bytes_per_s = 4e8,
  seconds_left = 754, rejected = 3 }
for _, width in ipairs { 200, 79, 66, 39 } do print(progress.sentence(figures, width)) end
""")
        wide, usual, small, least = harness.lugger("--lua", "line.lua", cwd=self.dir).out.splitlines()
        self.assertIn("98,765/s", wide)
        self.assertNotIn("98,765/s", usual)
        for line in (wide, usual, small):
            self.assertIn("12 min 34 s left", line)
            self.assertIn("3 rejects", line)
        self.assertEqual(least, "users: 1,234,567 documents · 3 rejects")


class Prompt(project.Case):
    def setUp(self):
        super().setUp()
        self.db = server().fresh()
        self.db.query("create table users (id int primary key, email text unique);"
                      "create table notes (id int, user_id int references users);"
                      "create index on notes (user_id); insert into users values (1, 'ann'), (2, 'bob')")

    def ask(self, *lines):
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines), status=0,
                           env={"PG_URI": self.db.url})

    def test_d_sql_by_itself_is_run(self):
        done = self.ask("select count(*) as n from users", "SELECT email FROM users WHERE id = 1;", "select 'x' as y",
                        "insert into users values (3, 'it''s')", "table users;", "values (7, 8)", "show work_mem",
                        "begin", "delete from users;", "rollback", "do $$ begin raise notice 'heard'; end $$;",
                        "update users set email = 'c'", "  where id = 3;", "explain select 1")
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
        done = self.ask("select id,", "       email", "  from users", "select 40 + 2 as n,", "  'a", "b' as two;", "6 * 7")
        self.assertEqual(done.err, "")
        self.assertIn("(2 rows)", done.out)
        self.assertIn("42", done.out)
        self.assertTrue(done.out.endswith("42\n"))
        done = self.ask("select email", "from users", "where id = 2;")
        self.assertIn("email\nann\nbob\n", done.out.replace(" ", ""))

    def test_d_lua_stays_lua(self):
        done = self.ask("select('#', 1, 2)", "show = 5", "show + 1", "table.concat({ 1, 2 }, '-')",
                        "do local x = 9 print(x) end", "copy", "for i = 1, 2 do", "print(i)", "end")
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
        done = self.ask("usres", "users = 1", "usres", "print(nothing_of_the_kind)", "count = count or 5", "count",
                        "function later() return not_yet() end", "later()")
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
        for part in ("users_pkey", "(primary key)", "users_email_key", "notes_user_id_idx",
                     "notes notes_user_id_fkey FOREIGN KEY", "notes_user_id_fkey FOREIGN KEY (user_id)"):
            self.assertIn(part, out)

    def test_d_each_result_of_one_text_is_shown(self):
        out = self.ask("pg \"select 1 as a; insert into users values (9, 'z'); select 2 as b\"").out
        self.assertEqual(out, "a\n1\n(1 row)\n1 row affected\nb\n2\n(1 row)\n")
        self.assertEqual(self.ask("pg('select 1 as a; select 2 as b'):value()").out, "2\n")

    def test_d_sql_typed_alone_is_saved(self):
        done = self.ask("create table made (id int)", "insert into made values (1)", ":save made")
        self.assertIn("2 statements", done.out)
        file, = os.listdir(os.path.join(self.dir, "migrations"))
        self.assertIn("create table made", self.read(f"migrations/{file}"))


class Mistakes(project.Case):
    """What is easily mistyped in a script is told by its name."""

    def setUp(self):
        super().setUp()
        self.users_project()

    def ask(self, code):
        return self.lugger("-e", "users = source('users.json')\n" + code, status=1,
                           env={"PG_URI": "postgresql://nobody@127.0.0.1:1/x"}).err

    def test_d_a_method_called_with_a_dot_is_named(self):
        for code, said in (("users.columns()", "source:columns"), ("users.find { age = 1 }", "source:find"),
                           ("users:find().limit(1)", "query:limit"), ("users:cursor().next()", "cursor:next"),
                           ("users:cursor():next().docs()", "batch:docs"),
                           ("coercer('numeric').coerce '9'", "coercer:coerce"),
                           ("coercer('numeric').try_coerce(9)", "coercer:try_coerce"),
                           ("target('x.jsonl', { table = 'a' }).columns()", "target:columns"),
                           ("users:find():first().copy()", "doc:copy"), ("date('2026-01-01').add(5)", "date:add"),
                           ("objectid('64f1c0a2b3c4d5e6f7a8b901').time()", "objectid:time"),
                           ("pg.query 'select 1'", "pg:query"), ("lugger.session('local:./pg').exec 'x'", "pg:exec"),
                           ("copy { from = users, into = target('x.jsonl', { table = 'a' }), "
                            "columns = users:columns() }.run()", "job:run")):
            err = self.ask(code)
            self.assertIn("call it with a colon", err, code)
            self.assertIn(said + "(...)", err, code)

    def test_d_help_still_knows_the_methods(self):
        out = self.lugger("repl", stdin="users = source('users.json')\nhelp(users.cursor)\nhelp(users)\n").out
        self.assertIn("source:cursor(options)", out)
        self.assertIn("source:find(filter)", out)

    def test_d_a_dot_in_a_task_is_named_with_its_line(self):
        self.write("task.lua", """local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task.cursor(lugger.source('users.json'))
end)
""")
        err = self.lugger("run", "task.lua", status=1).err
        self.assertIn("task.cursor is a method: call it with a colon", err)
        self.assertIn("task.lua:3", err)

    def hook(self, body):
        self.write("users.lua", project.USERS_LUA.rstrip()[:-1] + "map = function(row, doc)\n" + body + "\nend }")
        return self.lugger("run", "users.lua", "--from", "users.json", "--into", "out.jsonl")

    def test_d_one_table_of_a_hook_is_named(self):
        err = self.hook("return { email = 'x' }").err
        self.assertIn('the hook returned one table (with "email"), not a list of rows', err)
        self.assertIn("return { { email = ... } }", err)
        self.assertIn("not a list", self.hook("return { { email = 'x' }, age = 5 }").err)
        self.assertEqual(self.hook("return { { email = 'x', age = 1 }, { email = 'y', age = 2 } }").status, 0)

    def test_d_numbers_of_scripts_have_their_bounds(self):
        cursor = "users:cursor { batch_rows = %s }:next()"
        job = "copy { from = users, into = target('x.jsonl', { table = 'a' }), columns = users:columns() }"
        for code, name in ((cursor % "-5", "batch_rows"), (cursor % "0", "batch_rows"), (cursor % "1.5", "batch_rows"),
                           (cursor % "'many'", "batch_rows"), (cursor % "1e30", "batch_rows"),
                           (cursor % "0/0", "batch_rows"), ("users:cursor { batch_bytes = -1 }:next()", "batch_bytes"),
                           (job + ":run { jobs = -2 }", "jobs"), (job + ":run { limit = -1 }", "limit"),
                           (job + ":run { jobs = 1e12 }", "jobs"), (job + ":preview(-1)", "documents"),
                           (job + ":rehearse(-1)", "limit"), ("users:describe(-1)", "limit"),
                           ("users:find():limit(-1)", "limit"),
                           ("lugger.fix { on = target('local:', { table = 'a', key = 'id' }), set = 'a', "
                            "batch_rows = -5, max_rows = 1, map = function() end }", "batch_rows")):
            err = self.ask(code)
            self.assertIn("whole number", err, code)
            self.assertIn(name, err, code)


class Migrations(project.Case):
    def test_d_a_migration_that_failed_says_that_nothing_changed_and_what_to_do(self):
        database = server().fresh()
        self.write("migrations/20260101000001_a.sql", "create table a (id int);")
        self.write("migrations/20260101000002_b.sql", "create table b (id int);\nalter table nowhere add x int;")
        self.write("migrations/20260101000003_c.sql", "create table c (id int);")
        err = self.lugger("migrate", "up", env={"PG_URI": database.url}, status=1).err
        self.assertIn("its transaction was rolled back: nothing of it was changed", err)
        self.assertIn("Correct the file, then run again: lugger migrate up", err)
        self.assertIn("1 migration before it stays applied", err)
        self.assertIn("1 migration behind it was not run", err)
        self.assertEqual(database.query("select to_regclass('b') is null"), "t")

    def test_d_what_was_committed_is_not_called_unchanged(self):
        database = server().fresh()
        self.write("migrations/20260101000001_b.sql",
                   "create table b (id int);\ncreate index concurrently on b (id);\nselect 1 / 0;")
        err = self.lugger("migrate", "up", env={"PG_URI": database.url}, status=1).err
        self.assertNotIn("nothing of it was changed", err)
        self.assertIn("2 of its steps are done and stay", err)


if __name__ == "__main__":
    harness.main()
