"""SQL in scripts: values, errors, rows by COPY."""
import harness
from sql_scripts import Case


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
                      "create table p (t text[], i int[], j jsonb, js jsonb[], d tags, m mood[], "
                      "at timestamptz, day date, u uuid, b bytea, n numeric)")
        self.run_script("""
local id, at = '{"$oid":"64f1c0a2b3c4d5e6f7a8b901"}', '{"$date":"2024-01-01T00:00:00.5Z"}'
local doc = lugger.json.decode('{"z":1,"a":[1,' .. id .. '],"at":' .. at .. '}')
db:exec('insert into p values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', { 'a', 'b"c', lugger.null },
  { { 1, 2 }, { 3, 4 } }, doc, { { a = 1 }, 'x' }, { 'd' }, lugger.array { 'ok' },
  lugger.date '2024-01-01T10:00:00.123456Z', lugger.date '2024-02-03',
  lugger.uuid '64f1c0a2-b3c4-4d5e-8f7a-8b9010000000', lugger.binary '\\0\\255',
  lugger.decimal '12345678901234567890.10')
assert(db:value('select $1 = any($2)', 'b', { 'a', 'b' }) == true)
assert(db:value('select count(*) from p where t && $1', { 'a' }) == 1)
assert(db:value('select $1::jsonb', doc:totable()).z == 1)
assert(tostring(db:value('select $1::jsonb', lugger.array {})) == '[]')
local hex = '64f1c0a2b3c4d5e6f7a8b901'
assert(tostring(db:value('select $1::jsonb', lugger.objectid(hex))) == hex)
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
assert(lugger.json.encode(row) == '{"a":1,"b":null,"c":false,"d":[1,null]}')
assert(lugger.json.encode { rows = { db:row "select 2 as z, 'x' as y" } } == '{"rows":[{"z":2,"y":"x"}]}')
assert(lugger.json.encode { r = db:query 'select 1 as a' } == '{"r":[{"a":1}]}')
assert(lugger.json.encode { r = db:query 'select 1 as a where false' } == '{"r":[]}')
assert(lugger.json.encode(db:query 'select 1 as a') == '[{"a":1}]')
assert(db:value 'select null' == nil and db:value 'select 1 where false' == nil)
assert(db:row 'select 1 where false' == nil and db:row('select $1::int as n', 5).n == 5)
assert(db:row('select true as is_null').is_null == true)
local ok, err = pcall(row.is_null, row, 'bb')
assert(not ok and tostring(err):find 'no column "bb".*did you mean b%?', err)
""")

    def test_e6_a_value_of_a_row_keeps_its_type(self):
        self.run_script("""
local row = db:row [[select timestamptz '2024-01-01 10:00:00.123456+00' a,
  timestamptz '2024-01-01 10:00+00' b,
  timestamp '2024-01-01 10:00:00.123456' c, date '2024-01-01' e, array[timestamptz '2024-01-01 10:00+02'] f,
  9007199254740993 g, 1.50 h, array['x']::name[] i]]
for _, name in ipairs { 'a', 'b', 'c', 'e' } do assert(lugger.type(row[name]) == 'date', name) end
assert(tostring(row.a) == '2024-01-01T10:00:00.123456Z' and tostring(row.e) == '2024-01-01')
assert(row.f[1] == lugger.date '2024-01-01T08:00:00Z')
assert(tostring(row.g) == '9007199254740993' and tostring(row.h) == '1.50' and row.i[1] == 'x')
for name, sql in pairs { a = "timestamptz '2024-01-01 10:00:00.123456+00'", e = "date '2024-01-01'",
  b = "timestamptz '2024-01-01 10:00+00'", g = '9007199254740993', h = '1.50::numeric' } do
  assert(db:value('select $1 = ' .. sql, row[name]), name)
end
""")


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
        self.assertIn("constraint\t23505\ta.lua:4\tinsert into users values ($1, $2), ($1, $2)\t"
                      "users_pkey", out)
        self.assertIn("Key (id)=(1) already exists", out)

    def test_e14_the_password_in_a_statement_is_not_shown(self):
        err = self.fails("db:exec [[create role users password 'Secr3t-word' nonsense]]")
        self.assertNotIn("Secr3t", err)
        self.assertIn("create role ...", err)

    def test_e14_coercion_errors_have_their_line(self):
        self.assertIn('cannot read "x" as int4 (script a.lua:4)',
                      self.fails("local int4 = lugger.coercer 'int4'\nint4:coerce 'x'"))

    def test_e14_sessions_are_closed_by_the_collector(self):
        out = self.run_script("""
local function count()
  local one = lugger.session(lugger.env.PG_URI)
  return one:value [[select count(*) from pg_stat_activity
    where application_name like 'lugger%' and datname = current_database()]]
end
local most = 0
for _ = 1, 40 do most = math.max(most, count()) end
collectgarbage() collectgarbage()
print(most < 20, count())
""").out
        self.assertRegex(out, r"^true\t[12]\n$")

    def test_a_dot_is_told(self):
        for name in ("query", "each", "row", "value", "exec", "transaction", "state", "quote", "insert",
                     "close"):
            err = self.fails(f"db.{name} 'select 1'")
            self.assertIn(f"db.{name} is a method: call it with a colon", err)
            self.assertIn(f"db:{name}(...)", err)


class Notices(Case):
    """What the server has to say beside its answers."""

    def test_a_script_says_each_once(self):
        err = self.run_script("""
for i = 1, 3 do
  db:exec 'create table if not exists t (id int)'
  db:exec("do $$ begin raise notice 'to %', 'all'; end $$")
  db:query('select pg_notify($1, $2)', 'a', 'b')
end
lugger.session(lugger.env.PG_URI):exec 'create table if not exists t (id int)'
""").err
        self.assertEqual(err.count("already exists, skipping"), 2)  # a connection each
        self.assertEqual(err.count("NOTICE:  to all"), 1)

    def test_those_of_loops_of_copy_and_of_commit(self):
        self.db.query("""create table t (id int);
create function told() returns trigger language plpgsql as
  $$ begin raise notice '% %', tg_argv[0], new.id; return new; end $$;
create trigger a before insert on t for each row execute function told('row');
create constraint trigger b after insert on t deferrable initially deferred for each row
  execute function told('at commit');
create function f() returns int language plpgsql as $$ begin raise notice 'in f'; return 1; end $$""")
        err = self.run_script("""
for row in db:each 'select f() as x' do assert(row.x == 1) end
db:insert('t', { { id = 7 }, { id = 8 } })
db:transaction(function() db:exec 'insert into t values (9)' end)
""").err
        for part in ("in f", "row 7", "row 8", "at commit 7", "row 9", "at commit 9"):
            self.assertEqual(err.count(f"NOTICE:  {part}\n"), 1, err)


class Insert(Case):
    def setUp(self):
        super().setUp()
        self.db.query('create schema s; create table s.u (id int primary key, email text, "Tags" text[], '
                      "doc jsonb, n int default 7)")

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

    def test_rows_of_the_same_session(self):
        out = self.run_script("""
local rows = db:each "select i as id, repeat('x', 1000) as email from generate_series(1, 3000) i"
print(db:insert('s.u', function()
  local row = rows()
  if row then row.n = db:value('select $1::int + 1', row.id) end
  return row
end), db:state())
""").out
        self.assertEqual(out, "3000\tnone\n")
        self.assertEqual(self.db.query("select count(*) from s.u where n = id + 1"), "3000")
        err = self.fails("db:insert('s.u', db:each \"select 20000 - i as id, repeat('y', 100) as email "
                         "from generate_series(1, 20000) i\")")
        self.assertIn("already exists", err)
        self.assertRegex(err, r"row 170\d\d")
        self.assertEqual(self.db.query("select count(*) from s.u"), "3000")

    def test_all_or_nothing(self):
        err = self.fails("db:insert('s.u', { { id = 1 }, { id = 1 } })")
        self.assertIn("already exists", err)
        self.assertIn("a.lua:3", err)
        self.assertIn("row 2: s.u has no column \"emial\"; did you mean email?",
                      self.fails("db:insert('s.u', { { id = 1 }, { id = 2, emial = 'x' } })"))
        self.assertIn("row 1: email is a function",
                      self.fails("db:insert('s.u', { { id = 1, email = print } })"))
        for rows in ("{ id = 1, email = 'x' }", "db:row 'select 1 as id'", "{ [2] = { id = 1 } }"):
            err = self.fails(f"db:insert('s.u', {rows})")
            self.assertIn("db:insert wants a list of rows, not a single row", err)
            self.assertIn("db:insert('s.u', { { ... } })", err)
        none = self.run_script("print(db:insert('s.u', db:query 'select 1 as id where false'))")
        self.assertEqual(none.out, "0\n")
        self.assertIn("row 3 is a number", self.fails(
            "local i = 0 db:insert('s.u', function() i = i + 1 return i < 3 and { id = i } or 5 end)"))
        self.assertEqual(self.db.query("select count(*) from s.u"), "0")


if __name__ == "__main__":
    harness.main()
