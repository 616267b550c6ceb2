"""pg at the prompt: parameters, descriptions, transactions, lost connections, production."""
import os
import signal

import harness
import project
from postgres import Postgres
from terminal import TerminalCase

SERVER = None


def server():
    global SERVER
    if SERVER is None:
        SERVER = Postgres()
    return SERVER


class Sql(project.Case):
    def setUp(self):
        super().setUp()
        self.db = server().fresh()
        self.db.query(
            "create table users (id int primary key, email text not null, price numeric(12,2), tags text[]);"
            "create table orders (id int, user_id int references users); create index on orders (user_id);"
            "insert into users values (1, 'ann', 9.99, '{a,b}'), (2, null is null, null, null)")

    def ask(self, *lines, status=0, env=None):
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines), status=status,
                           env={"PG_URI": self.db.url, **(env or {})})

    def test_n_19_one_line_power(self):
        out = self.ask("pg 'select id, email, price from users order by id'").out
        self.assertEqual(out, "id  email  price\n 1  ann     9.99\n 2  true    NULL\n(2 rows)\n")

    def test_parameters_and_values(self):
        out = self.ask("pg('select $1::int + 1 as n', 5)", "r = pg 'select * from users order by id'",
                       "r[1].price + 1", "r[1].tags[2]", "r[2].price == nil and r[2]:is_null 'price'",
                       "pg('select $1::jsonb as j', { a = 1 })[1].j.a",
                       "pg('select $1::text is null', null):value()", "#r").out
        self.assertEqual(out, 'n\n6\n(1 row)\ndecimal "10.99"\n"b"\ntrue\n1\ntrue\n2\n')

    def test_rows_paste_back(self):
        out = self.ask(":lua",
                       "pg \"select 1::int8 as a, 9.90::numeric as b, "
                       "'2026-01-02 03:04:05+00'::timestamptz as c, 'x'::text as d, "
                       "'\\\\x00ff'::bytea as e, '00112233-4455-6677-8899-aabbccddeeff'::uuid as f\"").out
        again = self.ask("= " + " ".join(out.split("\n"))).out
        self.assertEqual(again, out)
        for part in ('decimal "9.90"', 'date "2026', 'd = "x"', 'binary "\\000\\255"', 'uuid "0011'):
            self.assertIn(part, out)

    def test_long_results_are_cut(self):
        out = self.ask(":set rows 20", "pg 'select generate_series(1, 10000) as n'").out
        self.assertIn("... 9,980 more\n(10,000 rows)", out)

    def test_descriptions(self):
        done = self.ask("pg '\\d users'", "pg '\\dt'", "\\di", "pg '\\l'", "pg '\\d user'", "pg '\\q'")
        self.assertIn("id      integer        not null", done.out)
        self.assertIn("CREATE UNIQUE INDEX users_pkey", done.out)
        self.assertIn("orders orders_user_id_fkey FOREIGN KEY", done.out)
        self.assertRegex(done.out, r"public  orders  table")
        self.assertIn("orders_user_id_idx", done.out)
        self.assertIn("postgres", done.out)
        self.assertIn("did you mean users?", done.err)
        self.assertIn("pg knows no \\q", done.err)

    def test_names_from_data_are_quoted(self):
        self.db.query('create table "odd \'; drop table users; --" (id int)')
        self.assertIn("id", self.ask("pg [[\\d \"odd '; drop table users; --\"]]").out)
        self.assertEqual(self.db.query("select count(*) from users"), "2")

    def test_several_databases_side_by_side(self):
        other = server().fresh()
        out = self.ask(f"other = pg.open '{other.url}'", "pg 'select current_database()'",
                       "other 'select current_database() as other'", ":sessions").out
        self.assertIn(self.db.name, out)
        self.assertIn(other.name, out)

    def test_a_statement_over_several_lines(self):
        self.assertIn("(2 rows)", self.ask("pg 'select id", "from users", "order by id'").out)

    def test_explain_and_notices(self):
        done = self.ask("pg 'select * from users where id = 1'", ":explain", ":explain select 1",
                        "pg \"do $$ begin raise notice 'hello there'; end $$\"")
        self.assertIn("Scan", done.out)
        self.assertIn("Result", done.out)
        self.assertIn("NOTICE:  hello there", done.err)
        again = self.ask("create table if not exists users ()", "create table if not exists users ()")
        self.assertEqual(again.err.count("already exists, skipping"), 2)

    def test_a_lost_connection_is_said(self):
        kill = ("pg.open(env.PG_URI) \"select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'lugger prompt' and pid <> pg_backend_pid()\"")
        done = self.ask("pg 'select 1 as before'", kill, "pg 'select 2 as after'", "pg 'begin'", kill,
                        "pg 'insert into orders values (1)'", "pg 'select 3 as again'")
        self.assertIn("connected again", done.err)
        self.assertIn("after", done.out)
        self.assertIn("the open transaction is gone", done.err)
        self.assertIn("again", done.out)
        self.assertEqual(self.db.query("select count(*) from orders"), "0")

    def test_what_may_have_written_is_not_repeated(self):
        self.db.query("create function noted() returns int language sql as "
                      "'insert into orders values (7) returning 7'")
        kill = ("pg.open(env.PG_URI) \"select pg_terminate_backend(pid) from pg_stat_activity "
                "where application_name = 'lugger prompt' and pid <> pg_backend_pid()\"")
        for statement in ("select noted()", "explain analyze delete from orders",
                          "select 1 as one into copied"):
            done = self.ask("pg 'select 1'", kill, f"pg '{statement}'", "pg 'select 41 + 1 as again'")
            self.assertIn("whether it was carried out cannot be known", done.err)
            self.assertIn("42", done.out)
        self.assertEqual(self.db.query("select count(*) from orders"), "0")

    def production(self):
        self.write("lugger.toml", f'[connections.live]\nurl = "{self.db.url}"\nproduction = true\n')

    def test_production_is_not_written_to_unasked(self):
        self.production()
        done = self.ask("pg.use 'live'", "pg 'select count(*) from users'", "pg 'delete from users'",
                        "pg 'set transaction_read_only = off'",
                        "lugger.session('live'):query 'delete from users'")
        self.assertIn("is marked production: a write needs --yes", done.err)
        self.assertEqual(done.err.count("is marked production"), 3)
        self.assertEqual(self.db.query("select count(*) from users"), "2")
        self.lugger("--yes", "-e", "pg.use 'live' pg 'delete from users where id = 2'", status=0)
        self.assertEqual(self.db.query("select count(*) from users"), "1")
        self.write("w.lua", "require('lugger').session('live'):query 'delete from users'\n")
        self.assertIn("production", self.lugger("run", "w.lua", status=1).err)
        self.lugger("run", "w.lua", "--yes", status=0)
        self.assertEqual(self.db.query("select count(*) from users"), "0")

    def test_s0_43_code_files_and_standard_input(self):
        env = {"PG_URI": self.db.url}
        self.assertEqual(self.lugger("-e", "pg('select 40 + $1::int', 2):value()", env=env, status=0).out,
                         "42\n")
        self.assertEqual(self.lugger("-e", "print(...)", "a", "b", status=0).out, "a\tb\n")
        self.assertEqual(self.lugger("-e", "error 'no'", status=1).out, "")
        self.assertIn("syntax error", self.lugger("-e", "pg 'selec 1'", env=env, status=1).err)
        script = self.write(
            "hello.lua", "#!/usr/bin/env lugger\nprint('hello', ...)\nif ... == 'bad' then error 'bad' end\n")
        self.assertEqual(self.lugger("./hello.lua", status=0).out, "hello\n")
        self.assertEqual(self.lugger("./hello.lua", "bad", status=1).out, "hello\tbad\n")
        self.assertEqual(self.lugger(stdin="print(6 * 7)\n", status=0).out, "42\n")
        self.lugger(stdin="error 'no'\n", status=1)
        os.chmod(script, 0o755)
        done = __import__("subprocess").run(
            [script, "x"], capture_output=True, text=True, cwd=self.dir,
            env={**self.environment(), "PATH": os.path.dirname(harness.binary()) + ":" + os.environ["PATH"]})
        self.assertEqual((done.returncode, done.stdout), (0, "hello\tx\n"))


class OnTerminal(TerminalCase):
    def begin(self, **more):
        self.db = server().fresh()
        self.db.query("create table users (id int, email text)")
        self.start(env={"PG_URI": self.db.url, **more})

    def test_transactions_show_in_the_prompt(self):
        self.begin()
        self.send("pg 'begin'\n")
        self.prompt("*")
        self.send("pg 'selec'\n")
        self.prompt("!")
        self.send("pg 'rollback'\n")
        self.prompt()

    def test_ctrl_c_cancels_the_query_and_not_the_session(self):
        self.begin()
        self.send("pg 'select pg_backend_pid() as pid'\n")
        self.until("(1 row)")
        self.prompt()
        self.send("pg 'select pg_sleep(600)'\n")
        for _ in range(600):
            if self.db.query("select count(*) from pg_stat_activity where query like 'select pg_sleep%' "
                             "and state = 'active'") == "1":
                break
        os.kill(self.process.pid, signal.SIGINT)
        self.until("cancelled")
        self.send("pg 'select 40 + 2 as n'\n")
        self.until("42")
        self.assertEqual(self.db.query("select count(*) from pg_stat_activity where query like 'select "
                                       "pg_sleep%' and state = 'active'"),
                         "0")

    def test_names_of_tables_and_columns_complete(self):
        self.begin()
        self.send("pg 'select 1'\n")
        self.until("(1 row)")
        self.prompt()
        self.send("pg 'select count(ema\t) from use\t'\n")
        self.until("(1 row)")

    def test_production_asks(self):
        self.db = server().fresh()
        self.db.query("create table users (id int)")
        self.write("lugger.toml", f'[connections.live]\nurl = "{self.db.url}"\nproduction = true\n')
        self.start()
        self.send("pg.use 'live'\n")
        self.prompt()
        for answer, count in (("no", "0"), ("yes", "1")):
            self.send("pg 'insert into users values (1)'\n")
            self.until("Type yes to go on: ")
            self.send(answer + "\n")
            self.until("nothing was written" if answer == "no" else "1 row affected")
            self.prompt()
            self.assertEqual(self.db.query("select count(*) from users"), count)


if __name__ == "__main__":
    harness.main()
