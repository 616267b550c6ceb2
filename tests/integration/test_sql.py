"""SQL in scripts, tasks, migrations and at the prompt: one class."""

import harness
import pooler
import project
from migrations import Project
from postgres import Postgres

SERVER = None


def server():
    global SERVER
    if SERVER is None:
        SERVER = Postgres()
    return SERVER


class Case(project.Case):
    def setUp(self):
        super().setUp()
        self.db = server().fresh()

    def run_script(self, body, status=0, **env):
        self.write("a.lua", "local lugger = require 'lugger'\nlocal db = lugger.session(lugger.env.PG_URI)\n" + body)
        return self.lugger("run", "a.lua", env={"PG_URI": self.db.url, **env}, status=status)

    def fails(self, body):
        """What a script ends with."""
        return self.run_script(body, status=1).err


class Values(Case):
    def test_e1_numbers_are_exact(self):
        self.db.query("create table n (what text, f float8, d numeric, b bigint)")
        self.run_script("""
db:exec('insert into n (what, f) values ($1, $2)', 'sum', 0.1 + 0.2)
db:exec('insert into n (what, d) values ($1, $2)', 'micros', 1704067200123456)
db:exec('insert into n (what, d) values ($1, $2)', 'tenth', 0.1)
db:exec('insert into n (what, b) values ($1, $2)', 'bigint', 1704067200123456)
db:exec('insert into n (what, b) values ($1, $2)', 'largest', lugger.int64 '9223372036854775807')
local id = db:value "select b from n where what = 'bigint'"
assert(id == 1704067200123456 and db:exec('update n set f = 1 where b = $1', id) == 1)
local big = db:value "select b from n where what = 'largest'"
assert(db:exec('update n set f = 2 where b = $1', big) == 1)
assert(db:value "select f from n where what = 'sum'" == 0.1 + 0.2)
""")
        self.assertEqual(self.db.query("select what, f, d, b from n"),
                         "sum|0.30000000000000004||\nmicros||1704067200123456|\ntenth||0.1|\n"
                         "bigint|1||1704067200123456\nlargest|2||9223372036854775807")

    def test_e3_lists_and_documents_by_the_type_of_the_parameter(self):
        self.db.query("create domain tags as text[]; create type mood as enum ('ok', 'sad');"
                      "create table p (t text[], i int[], j jsonb, js jsonb[], d tags, m mood[], at timestamptz, "
                      "day date, u uuid, b bytea, n numeric)")
        self.run_script("""
local doc = lugger.json.decode '{"z":1,"a":[1,{"$oid":"64f1c0a2b3c4d5e6f7a8b901"}],"at":{"$date":"2024-01-01T00:00:00.5Z"}}'
db:exec('insert into p values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', { 'a', 'b"c', lugger.null },
  { { 1, 2 }, { 3, 4 } }, doc, { { a = 1 }, 'x' }, { 'd' }, lugger.array { 'ok' },
  lugger.date '2024-01-01T10:00:00.123456Z', lugger.date '2024-02-03',
  lugger.uuid '64f1c0a2-b3c4-4d5e-8f7a-8b9010000000', lugger.binary '\\0\\255', lugger.decimal '12345678901234567890.10')
assert(db:value('select $1 = any($2)', 'b', { 'a', 'b' }) == true)
assert(db:value('select count(*) from p where t && $1', { 'a' }) == 1)
assert(db:value('select $1::jsonb', doc:totable()).z == 1)
assert(tostring(db:value('select $1::jsonb', lugger.array {})) == '[]')
assert(tostring(db:value('select $1::jsonb', lugger.objectid '64f1c0a2b3c4d5e6f7a8b901')) == '64f1c0a2b3c4d5e6f7a8b901')
""")
        self.assertEqual(self.db.query("select t, i, j, js, d, m, at, day, u, b, n from p"), "|".join([
            '{a,"b\\"c",NULL}', "{{1,2},{3,4}}",
            '{"a": [1, "64f1c0a2b3c4d5e6f7a8b901"], "z": 1, "at": "2024-01-01T00:00:00.500Z"}',
            '{"{\\"a\\": 1}","\\"x\\""}', "{d}", "{ok}", "2024-01-01 10:00:00.123456+00", "2024-02-03",
            "64f1c0a2-b3c4-4d5e-8f7a-8b9010000000", "\\x00ff", "12345678901234567890.10"]))

    def test_e3_what_sql_cannot_take_is_refused(self):
        self.db.query("create table g (what text, t text)")
        for given, said in (("lugger.date('2024-01-01').unix", "parameter $2 is a function"),
                            ("io.stdout", "parameter $2 is a file"),
                            ("lugger.source 'x'", "parameter $2 is a source"),
                            ("db", "parameter $2 is a db"),
                            ("{ 'a' }", "parameter $2 is a list, and the statement takes text there"),
                            ("{ a = 1 }", "parameter $2 is a document, and the statement takes text there")):
            err = self.fails(f"db:exec('insert into g values ($1, $2)', 'x', {given})")
            self.assertIn(said, err)
            self.assertIn("a.lua:3", err)
        self.assertEqual(self.db.query("select count(*) from g"), "0")

    def test_null_is_nil_in_rows(self):
        self.run_script("""
local result = db:query "select 1 as a, null::text as b, false as c, '{1,null}'::int[] as d"
local row = result[1]
assert(row.b == nil and row:is_null 'b' and not row:is_null 'a' and not row:is_null 'c')
assert(row.c == false and row.d[2] == lugger.null and #row.d == 2)
assert(table.concat(result.names, ',') == 'a,b,c,d')
local keys = 0
for _ in pairs(row) do keys = keys + 1 end
assert(keys == 3)
assert(db:value 'select null' == nil and db:value 'select 1 where false' == nil)
assert(db:row 'select 1 where false' == nil and db:row('select $1::int as n', 5).n == 5)
assert(db:row('select true as is_null').is_null == true)
local ok, err = pcall(row.is_null, row, 'bb')
assert(not ok and tostring(err):find 'no column "bb".*did you mean b%?', err)
""")

    def test_e6_a_value_of_a_row_keeps_its_type(self):
        self.run_script("""
local row = db:row [[select timestamptz '2024-01-01 10:00:00.123456+00' a, timestamptz '2024-01-01 10:00+00' b,
  timestamp '2024-01-01 10:00:00.123456' c, date '2024-01-01' e, array[timestamptz '2024-01-01 10:00+02'] f,
  9007199254740993 g, 1.50 h, array['x']::name[] i]]
for _, name in ipairs { 'a', 'b', 'c', 'e' } do assert(lugger.type(row[name]) == 'date', name) end
assert(tostring(row.a) == '2024-01-01T10:00:00.123456Z' and tostring(row.e) == '2024-01-01')
assert(row.f[1] == lugger.date '2024-01-01T08:00:00Z')
assert(tostring(row.g) == '9007199254740993' and tostring(row.h) == '1.50' and row.i[1] == 'x')
for _, name in ipairs { 'a', 'b', 'e', 'g', 'h' } do
  assert(db:value(('select $1 = %s'):format(({ a = "timestamptz '2024-01-01 10:00:00.123456+00'",
    b = "timestamptz '2024-01-01 10:00+00'", e = "date '2024-01-01'", g = '9007199254740993', h = '1.50::numeric' })[name]),
    row[name]), name)
end
""")


class Loops(Case):
    def test_each_holds_few_rows(self):
        out = self.run_script("""
local function memory() collectgarbage() return collectgarbage 'count' end
local before, most, sum = memory(), 0, 0
for row in db:each("select i, repeat('x', $1) as t from generate_series(1, 300000) i", 100) do
  sum = sum + row.i
  if row.i % 50000 == 0 then most = math.max(most, memory()) end
end
print(sum, most - before < 8000, db:state())
""").out
        self.assertEqual(out, "45000150000\ttrue\tnone\n")

    def test_statements_may_run_in_a_loop(self):
        self.db.query("create table t (id int primary key, v int); insert into t select i, 0 from generate_series(1, 300) i")
        self.run_script("""
for row in db:each 'select id from t order by id' do
  db:exec('update t set v = $1 where id = $2', row.id * 2, row.id)
end
db:transaction(function()
  for row in db:each 'select id from t order by id for update' do
    db:exec('update t set v = v + 1 where id = $1', row.id)
  end
end)
""")
        self.assertEqual(self.db.query("select count(*) from t where v = id * 2 + 1"), "300")

    def test_a_loop_that_is_left_leaves_nothing(self):
        self.run_script("""
local function first() for row in db:each 'select i from generate_series(1, 1000) i' do return row.i end end
for _ = 1, 5 do assert(first() == 1) end
collectgarbage() collectgarbage()
db:exec 'select 1'
assert(db:value 'select count(*) from pg_cursors' == 0)
""")

    def test_what_writes_is_read_as_a_whole(self):
        self.db.query("create table t (id int)")
        self.run_script("""
local sum = 0
for row in db:each('insert into t select i from generate_series(1, $1) i returning id', 10) do sum = sum + row.id end
assert(sum == 55)
""")
        self.assertEqual(self.db.query("select count(*) from t"), "10")

    def test_a_loop_whose_transaction_ends_is_told(self):
        err = self.fails("""
db:exec 'begin'
for row in db:each 'select i from generate_series(1, 1000) i' do db:exec 'commit' end
""")
        self.assertIn("has ended before the loop did", err)

    def test_a_pooler_needs_a_transaction(self):
        pooler.require()
        pooled = pooler.Pooled(server())
        try:
            url = pooled.url(self.db.name)
            body = """
local ok, err = pcall(function() for _ in db:each 'select 1' do end end)
print(ok, err)
db:transaction(function()
  local n = 0
  for row in db:each 'select i from generate_series(1, 1000) i' do n = n + row.i end
  print(n)
end)
print(db:value('select ($1::int[])[2]', { 1, 2 }))
"""
            out = self.run_script(body, PG_URI=url).out
            self.assertIn("through a transaction pooler", out)
            self.assertTrue(out.endswith("500500\n2\n"), out)
        finally:
            pooled.stop()


class Transactions(Case):
    def setUp(self):
        super().setUp()
        self.db.query("create table t (id int primary key)")

    def ids(self):
        return self.db.query("select coalesce(string_agg(id::text, ',' order by id), '') from t")

    def test_e9_transaction_calls_its_function(self):
        out = self.run_script("""
print(db:transaction(function(inner)
  assert(inner == db and db:state() == 'open')
  db:exec 'insert into t values (1)'
  return 'a', nil, 'c'
end))
print(db:state())
""").out
        self.assertEqual(out, "a\tnil\tc\nnone\n")
        self.assertEqual(self.ids(), "1")

    def test_an_error_takes_everything_back(self):
        err = self.fails("db:transaction(function() db:exec 'insert into t values (1)' error 'no luck' end)")
        self.assertIn("no luck", err)
        self.assertEqual(self.ids(), "")

    def test_a_part_is_taken_back_by_itself(self):
        self.run_script("""
db:transaction(function()
  db:exec 'insert into t values (1)'
  local ok = pcall(db.transaction, db, function() db:exec 'insert into t values (2), (1)' end)
  assert(not ok and db:state() == 'open')
  db:transaction(function() db:exec 'insert into t values (3)' end)
end)
""")
        self.assertEqual(self.ids(), "1,3")

    def test_a_caught_error_is_no_success(self):
        err = self.fails("db:transaction(function() db:exec 'insert into t values (1)' "
                         "pcall(db.exec, db, 'insert into nowhere values (1)') end)")
        self.assertIn("all of it was rolled back", err)
        self.assertEqual(self.ids(), "")

    def test_a_function_that_commits_is_told(self):
        err = self.fails("db:transaction(function() db:exec 'insert into t values (1)' db:exec 'commit' end)")
        self.assertIn("ended the transaction by itself", err)

    def test_a_lost_connection_in_it(self):
        err = self.fails("""
local other = lugger.session(lugger.env.PG_URI)
db:transaction(function()
  db:exec 'insert into t values (1)'
  other:exec('select pg_terminate_backend($1)', db:value 'select pg_backend_pid()')
end)
""")
        self.assertIn("the connection was lost while the transaction was committed", err)
        self.assertIn("whether it was carried out cannot be known", err)
        self.assertEqual(self.ids(), "")


class Errors(Case):
    def test_e14_line_statement_and_position(self):
        self.db.query("create table users (id int primary key, email text)")
        err = self.fails("db:query [[select emial\n  from users]]")
        self.assertIn('column "emial" does not exist (a.lua:4)', err)
        self.assertIn("LINE 1: select emial", err)
        self.assertIn("hint: Perhaps you meant to reference the column", err)
        out = self.run_script("""
local ok, err = pcall(db.exec, db, 'insert into users values ($1, $2), ($1, $2)', 1, 'x')
print(err.code, err.sqlstate, err.notes.script, err.notes.statement, err.notes.constraint)
print(err)
""").out
        self.assertIn("constraint\t23505\ta.lua:4\tinsert into users values ($1, $2), ($1, $2)\tusers_pkey", out)
        self.assertIn("Key (id)=(1) already exists", out)

    def test_e14_the_password_in_a_statement_is_not_shown(self):
        err = self.fails("db:exec [[create role users password 'Secr3t-word' nonsense]]")
        self.assertNotIn("Secr3t", err)
        self.assertIn("create role ...", err)

    def test_e14_sessions_are_closed_by_the_collector(self):
        out = self.run_script("""
local function count()
  local one = lugger.session(lugger.env.PG_URI)
  return one:value "select count(*) from pg_stat_activity where application_name like 'lugger%' and datname = current_database()"
end
local most = 0
for _ = 1, 40 do most = math.max(most, count()) end
collectgarbage() collectgarbage()
print(most < 20, count())
""").out
        self.assertRegex(out, r"^true\t[12]\n$")

    def test_a_dot_is_told(self):
        for name in ("query", "each", "row", "value", "exec", "transaction", "state", "quote", "insert", "close"):
            err = self.fails(f"db.{name} 'select 1'")
            self.assertIn(f"db.{name} is a method: call it with a colon", err)
            self.assertIn(f"db:{name}(...)", err)


class Insert(Case):
    def setUp(self):
        super().setUp()
        self.db.query('create schema s; create table s.u (id int primary key, email text, "Tags" text[], doc jsonb, '
                      "n int default 7)")

    def test_rows_by_copy(self):
        out = self.run_script(r"""
print(db:insert('s.u', {
  { id = 1, email = 'a\tb\\n\nc', Tags = { 'x', lugger.null }, doc = { k = { 1, 2 } } },
  { id = 2, email = lugger.null },
  { id = 3 },
}))
print(db:insert('s.u', {}))
""").out
        self.assertEqual(out, "3\n0\n")
        self.assertEqual(self.db.query('select id, email, "Tags", doc, n from s.u order by id'),
                         '1|a\tb\\n\nc|{x,NULL}|{"k": [1, 2]}|7\n2||||7\n3||||7')

    def test_rows_of_another_query_without_holding_them(self):
        out = self.run_script("""
local other = lugger.session(lugger.env.PG_URI)
print(db:insert('s.u', other:each "select i as id, 'u' || i as email from generate_series(1, 20000) i"))
""").out
        self.assertEqual(out, "20000\n")
        self.assertEqual(self.db.query("select count(*), max(email) from s.u where n = 7"), "20000|u9999")

    def test_all_or_nothing(self):
        err = self.fails("db:insert('s.u', { { id = 1 }, { id = 1 } })")
        self.assertIn("already exists", err)
        self.assertIn("a.lua:3", err)
        self.assertIn("row 2: s.u has no column \"emial\"; did you mean email?",
                      self.fails("db:insert('s.u', { { id = 1 }, { id = 2, emial = 'x' } })"))
        self.assertIn("row 1: email is a function", self.fails("db:insert('s.u', { { id = 1, email = print } })"))
        self.assertIn("row 3 is a number", self.fails(
            "local i = 0 db:insert('s.u', function() i = i + 1 return i < 3 and { id = i } or 5 end)"))
        self.assertEqual(self.db.query("select count(*) from s.u"), "0")


class Migrations(Case):
    def test_e3_parameters_of_migrations(self):
        done = Project(self.db, v1_a="""
local lugger = require 'lugger'
return { up = function(db)
  db:exec 'create table p (what text, t text[], j jsonb)'
  db:exec('insert into p values ($1, $2, $3)', 'list', lugger.json.decode '["a"]', lugger.json.decode '["a"]')
  db:exec('insert into p values ($1, $2, $3)', 'plain', lugger.array { 'a' }, { 'a', { b = 1 } })
  local ok, err = pcall(db.exec, db, 'insert into p (what) values ($1)', lugger.source 'x')
  assert(not ok and tostring(err):find 'is a source', err)
end }
""")
        done.migrate("up")
        self.assertEqual(self.db.query("select * from p"), 'list|{a}|["a"]\nplain|{a}|["a", {"b": 1}]')

    def body(self, more):
        return f"""
return {{ {more} up = function(db)
  db:exec 'create table t (id int primary key, v text); create table u (id int)'
  assert(db:insert('t', {{ {{ id = 1, v = 'a' }}, {{ id = 2 }}, {{ id = 3, v = 'x\\ty' }} }}) == 3)
  local sum = 0
  for row in db:each('select id, v from t where id >= $1 order by id', 2) do
    sum = sum + row.id
    db:exec('insert into u values ($1)', row.id)
  end
  assert(sum == 5 and db:value 'select count(*) from u' == 2)
  local row = db:row 'select * from t where id = 2'
  assert(row.v == nil and row:is_null 'v')
  assert(db:transaction(function(inner) inner:exec "update t set v = 'b' where id = 2" return 'done' end) == 'done')
  local ok = pcall(db.transaction, db, function()
    db:exec 'delete from t'
    db:transaction(function() db:exec 'insert into u values (7)' end)
    pcall(db.transaction, db, function() db:exec 'insert into u values (8), (null)' db:exec 'select 1 / 0' end)
    assert(db:value 'select count(*) from u' == 3)
    error 'no'
  end)
  assert(not ok and db:value 'select count(*) from t' == 3 and db:value 'select count(*) from u' == 2)
  assert(db:query('select 1 as n').names[1] == 'n' and db 'select 2':value() == 2)
  assert(db:quote 'a b' == '"a b"' and (db:state() == 'open' or db:state() == 'none'))
  assert(not pcall(db.close, db))
end }}
"""

    def test_the_same_class_in_one_transaction_and_by_steps(self):
        for more in ("", "transaction = false,"):
            with self.subTest(more):
                self.db = server().fresh()
                made = Project(self.db, v1_a=self.body(more))
                made.migrate("up", "--dry-run") if not more else None
                made.migrate("up")
                self.assertEqual(self.db.query("select id, v from t order by id"), "1|a\n2|b\n3|x\ty")

    def test_errors_of_migrations_have_their_place(self):
        made = Project(self.db, v1_a="return { up = function(db)\n  db:query 'select nothing'\nend }")
        err = made.migrate("up", expect=1).err
        self.assertIn('column "nothing" does not exist', err)
        self.assertIn("20260101000001_a.lua:2", err)
        self.assertIn("position 8", err)


class Prompt(Case):
    def ask(self, *lines):
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines), env={"PG_URI": self.db.url})

    def test_pg_is_one_of_them(self):
        done = self.ask("pg:exec 'create table t (id int)'", "pg:insert('t', { { id = 4 }, { id = 5 } })",
                        "pg:value 'select sum(id) from t'", "pg:row('select * from t where id = $1', 5).id",
                        "pg:transaction(function() pg 'delete from t' error 'x' end)", "pg:state()",
                        "for row in pg:each 'select id from t order by id' do print(row.id) end",
                        "pg:query 'select 1 as n'")
        self.assertEqual(done.out, '0\n2\n9\n5\n"none"\n4\n5\nn\n1\n(1 row)\n')
        self.assertIn("x", done.err)

    def test_a_transaction_can_be_saved(self):
        done = self.ask("pg 'create table t (id int)'", "pg:transaction(function() pg 'insert into t values (1)' end)",
                        ":save made")
        self.assertIn("2 statements", done.out, done.err)
        self.assertEqual(self.db.query("select count(*) from t"), "1")
        self.db.query("drop table t")
        self.lugger("migrate", "up", env={"PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select count(*) from t"), "1")


if __name__ == "__main__":
    harness.main()
