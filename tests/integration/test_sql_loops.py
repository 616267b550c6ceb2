"""SQL in scripts, migrations and at the prompt: one class. Loops over rows, and transactions."""
import harness
import pooler
from migrations import Project
from sql_scripts import Case, server


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
        self.db.query("create table t (id int primary key, v int);"
                      "insert into t select i, 0 from generate_series(1, 300) i")
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
for row in db:each('insert into t select i from generate_series(1, $1) i returning id', 10) do
  sum = sum + row.id
end
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
  assert(db:transaction(function(inner)
    inner:exec "update t set v = 'b' where id = 2"
    return 'done'
  end) == 'done')
  local ok = pcall(db.transaction, db, function()
    db:exec 'delete from t'
    db:transaction(function() db:exec 'insert into u values (7)' end)
    pcall(db.transaction, db, function()
      db:exec 'insert into u values (8)'
      db:exec 'select 1 / 0'
    end)
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
        self.db.query("create table t (email text)")
        made = Project(self.db, v1_a="return { up = function(db)\n  db:query 'select emial from t'\nend }")
        err = made.migrate("up", expect=1).err
        self.assertIn('column "emial" does not exist', err)
        self.assertIn("20260101000001_a.lua:2", err)
        self.assertIn("position 8", err)
        self.assertIn('Perhaps you meant to reference the column "t.email"', err)


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
        done = self.ask("pg 'create table t (id int)'",
                        "pg:transaction(function() pg 'insert into t values (1)' end)",
                        ":save made")
        self.assertIn("2 statements", done.out, done.err)
        self.assertEqual(self.db.query("select count(*) from t"), "1")
        self.db.query("drop table t")
        self.lugger("migrate", "up", env={"PG_URI": self.db.url}, status=0)
        self.assertEqual(self.db.query("select count(*) from t"), "1")


if __name__ == "__main__":
    harness.main()
