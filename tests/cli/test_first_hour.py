"""What a user meets in the first hour: how a run ends, what goes into a pipe, what a failure says."""


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
        self.write_json_lines(
            "orders.json",
            documents
            or [
                *(order(n, total="12abc") for n in range(10, 20)),
                order(1),
                order(2, tags=[1, "x"]),
                order(3, note="no"),
                order(4, email="1@example.com"),
            ],
        )
        return self.lugger("run", "orders.lua", *flags, env={"PG_URI": self.db.url}, status=status)

    def test_d_rejects_are_told_by_column_reason_and_example(self):
        err = self.run_orders("--create").err
        self.assertIn('orders.total: cannot read "12abc" as numeric: 10 documents, first $n:10\n', err)
        self.assertIn('order_tags.tag: cannot read "x" as int4: 1 document, first $n:2\n', err)
        self.assertIn('orders: the note says no: 1 document, first $n:3\n', err)
        self.assertEqual(err.count("12abc"), 1)

    def test_d_the_constraint_of_a_refusal_is_named(self):
        self.db.query(
            "create table orders (id int primary key, total numeric check (total < 1000), email text "
            "constraint one_address unique, rest jsonb);"
            "create table order_tags (parent_id int, ordinal int, tag int, "
            "primary key (parent_id, ordinal))"
        )
        err = self.run_orders(
            documents=[order(n) for n in range(1, 5)]
            + [order(6, email="1@example.com"), order(7, total=5000), order(8, total=6000)]
        ).err
        self.assertRegex(err, r'unique constraint "one_address"[^\n]*: 1 document, first \$n:6\n')
        self.assertRegex(err, r'check constraint "orders_total_check"[^\n]*: 2 documents, first \$n:[78]\n')

    def test_rejects_that_read_otherwise_are_told(self):
        documents = [order(n, total=text) for n, text in enumerate(["9,99", "n/a", "9,99", "-", ""])]
        done = self.run_orders("--create", documents=documents)
        self.assertRegex(done.err, r'orders.total: cannot read "[^"]+" as numeric '
                                   r'\(and 3 other texts\): 5 documents')
        once = self.run_orders("--restart", documents=[order(n, total="n/a") for n in range(3)])
        self.assertIn('orders.total: cannot read "n/a" as numeric: 3 documents, first $n:0\n', once.err)

    def test_d_rejects_of_redacted_runs_quote_no_value(self):
        err = self.run_orders("--create", "--redact").err
        self.assertIn("orders.total: bad_value: 10 documents, first $n:10\n", err)
        self.assertNotIn("12abc", err)

    def test_d_rejects_by_reason_reach_programs(self):
        events = harness.json_lines(self.run_orders("--create", "--log", "json").err)
        end = next(event for event in events if event["event"] == "end")
        self.assertEqual(end["reject_codes"], {"bad_value": 11, "hook": 1})
        first = end["rejects"][0]
        self.assertEqual(
            (first["table"], first["column"], first["code"], first["documents"], first["document_id"]),
            ("orders", "total", "bad_value", 10, "$n:10"),
        )
        self.assertIn("on_error", first["advice"])
        self.assertEqual(len([hint for hint in end["hints"] if "fillfactor" in hint]), 1)

    def test_d_a_task_tells_its_rejects_too(self):
        self.write(
            "orders.lua",
            """local lugger = require 'lugger'
return lugger.task('orders', function(task)
  local docs = task:cursor(lugger.source('orders.json'))
  local out = task:writer(lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'id' }),
    { columns = { { 'id', 'int4', from = '_id' }, { 'total', 'numeric' } } })
  for batch in docs:batches() do out:write(batch) out:commit(batch:position()) end
end)
""",
        )
        err = self.run_orders("--create").err
        self.assertIn('total: cannot read "12abc" as numeric: 10 documents, first $n:10\n', err)

    def test_d_hints_come_once_and_counts_come_once(self):
        for name in ("a", "b", "c"):
            self.write_json_lines(
                f"exports/{name}.json", [{"_id": 1, "tags": [1]}, {"_id": 2, "tags": [2]}]
            )
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
        self.write_json_lines(
            "users.json",
            [{"_id": 1, "email": self.long, "age": 1}, {"_id": 2, "email": "b", "age": self.long}],
        )

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
        done = self.lugger(
            "-e",
            "pg \"select repeat('y', 500) as a, repeat('z', 500) as b\"",
            env={"PG_URI": database.url},
            status=0,
        )
        self.assertIn("y" * 500 + "  " + "z" * 500, done.out)

    def test_d_runs_and_preview_speak_json(self):
        self.into("run", "users.lua", status=3)
        runs = harness.json_lines(self.lugger("runs", ".lugger", "--json", status=0).out)
        self.assertEqual(
            [(one["job"], one["status"], one["tally"]["rejected"]) for one in runs], [("users", "done", 1)]
        )
        (found,) = harness.json_lines(self.into("preview", "users.lua", "--json", status=0).out)
        self.assertEqual(
            [(d["id"], d["fate"], d["code"]) for d in found["documents"]],
            [("$n:1", "load", ""), ("$n:2", "reject", "bad_value")],
        )
        self.assertEqual(
            found["documents"][0]["rows"],
            [
                {
                    "table": "users",
                    "values": {"mongo_id": "$n:1", "email": self.long, "age": "1", "created_at": None},
                }
            ],
        )
        self.into("preview", "users.lua", "--json", "--watch", status=2)

    def test_d_status_without_an_id_is_the_newest_run(self):
        self.into("run", "users.lua", status=3)
        self.into("run", "users.lua", "--restart", status=3)
        newest = harness.json_lines(self.lugger("runs", ".lugger", "--json").out)[0]["run"]
        for words in ((), (".lugger",), ("users.lua", "--from", "users.json", "--into", "out.jsonl")):
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
        self.write_json_lines(
            "users.json",
            [{"_id": 1, "email": "x" * 300, "age": 1}, {"_id": 2, "email": "b", "age": "y" * 300}],
        )
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

    def test_problems_stand_before_the_ddl_and_are_counted_at_the_end(self):
        self.users_project()
        self.write_json_lines("users.json", project.USERS)
        database = server().fresh()
        database.query("create table users (mongo_id text primary key, email text not null)")
        lines = self.show(80, "plan", "users.lua", "--from", "users.json", "--into", database.url)
        problems = [place for place, line in enumerate(lines) if "problem: " in line]
        self.assertEqual(len(problems), 2, lines)
        self.assertLess(max(problems), lines.index("  table users (key mongo_id)"))
        told = [line for line in lines if line.strip()]
        self.assertEqual(told[-2:], ["2 problems, as told above, keep a run from starting", "the end"])

    def test_d_the_live_line_leaves_out_what_has_no_room(self):
        self.write(
            "line.lua",
            """
local progress = require 'lugger.inner.job.progress'
local figures = { job = 'users', read = 1234567, bytes = 5e9, percent = 42, rows_per_s = 98765,
  bytes_per_s = 4e8, seconds_left = 754, rejected = 3 }
for _, width in ipairs { 200, 79, 66, 39 } do print(progress.sentence(figures, width)) end
""",
        )
        wide, usual, small, least = harness.lugger("--lua", "line.lua", cwd=self.dir).out.splitlines()
        self.assertIn("98,765/s", wide)
        self.assertNotIn("98,765/s", usual)
        for line in (wide, usual, small):
            self.assertIn("12 min 34 s left", line)
            self.assertIn("3 rejects", line)
        self.assertEqual(least, "users: 1,234,567 documents · 3 rejects")


class Migrations(project.Case):
    def test_d_a_migration_that_failed_says_that_nothing_changed_and_what_to_do(self):
        database = server().fresh()
        self.write("migrations/20260101000001_a.sql", "create table a (id int);")
        self.write(
            "migrations/20260101000002_b.sql", "create table b (id int);\nalter table nowhere add x int;"
        )
        self.write("migrations/20260101000003_c.sql", "create table c (id int);")
        err = self.lugger("migrate", "up", env={"PG_URI": database.url}, status=1).err
        self.assertIn("its transaction was rolled back: nothing of it was changed", err)
        self.assertIn("Correct the file, then run again: lugger migrate up", err)
        self.assertIn("1 migration before it stays applied", err)
        self.assertIn("1 migration behind it was not run", err)
        self.assertEqual(database.query("select to_regclass('b') is null"), "t")

    def test_d_what_was_committed_is_not_called_unchanged(self):
        database = server().fresh()
        self.write(
            "migrations/20260101000001_b.sql",
            "create table b (id int);\ncreate index concurrently on b (id);\nselect 1 / 0;",
        )
        err = self.lugger("migrate", "up", env={"PG_URI": database.url}, status=1).err
        self.assertNotIn("nothing of it was changed", err)
        self.assertIn("2 of its steps are done and stay", err)


if __name__ == "__main__":
    harness.main()
