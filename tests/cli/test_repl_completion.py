"""What TAB offers at the prompt, by where the cursor stands; and that it opens nothing."""
import os

import harness
import project
from postgres import Postgres
from terminal import TerminalCase

SCRIPT = r"""
local repl = require 'lugger.inner.repl.repl'
local completion = require 'lugger.inner.repl.completion'
local state = repl.new()
setfenv(assert(loadfile(arg[1])), state.environment)()
local breaks = " \t\n\"\\'`@$><=;|&{(,[]#+-*/%^~" -- as bindings/mod_edit.cpp has them
for typed in io.lines() do
  local before, line = typed:match '^(.*)@NL@(.*)$'
  state.lines, line = before and { (before:gsub('@NL@', '\n')) } or {}, line or typed
  local start = #line
  while start > 0 and not breaks:find(line:sub(start, start), 1, true) do start = start - 1 end
  print(table.concat(completion.complete(line:sub(start + 1), line, start, state), ' '))
end
"""


class Offered(project.Case):
    def offered(self, lines, setting="", env=None):
        self.write_json_lines("users.json", [{"_id": 1, "email": "a", "name": "b", "addr": {"city": "x"}}])
        self.write("complete.lua", SCRIPT)
        self.write("setting.lua", setting)
        done = self.lugger("--lua", "complete.lua", "setting.lua", stdin="\n".join(lines) + "\n", status=0,
                           env=env)
        self.assertEqual(done.err, "")
        return done.out.splitlines()

    def check(self, cases, setting="", env=None):
        for (line, wanted), words in zip(cases.items(), self.offered(list(cases), setting, env)):
            with self.subTest(line):
                self.assertEqual(words, wanted)

    def test_members_by_the_type_of_what_stands_before(self):
        self.check({
            "lugger.cop": "lugger.copy",
            "users:fi": "users:find",
            "users:find():li": "):limit ):list",
            "users:find { a = 1 }:li": "}:limit }:list",
            "source('users.json'):find():limit(2):co": "2):count",
            "source 'x.bson':cur": ":cursor",
            "now():f": "):format",
            "now().y": ").year ).yearday",
            "d:ro": "d:round",
            "d.sc": "",
            "decimal '1':ab": ":abs",
            "doc.em": "doc.email",
            "doc.addr.ci": "doc.addr.city",
            "doc:wi": "doc:with",
            "pg:tr": "pg:transaction",
            "pg.u": "pg.use",
            "pg('select 1')[1]:is": ":is_null",
            "vector.nor": "vector.norm vector.normalise",
            "json.": "json.decode json.encode json.to_bson",
            "string.for": "string.format",
            "text:up": "text:upper",
            "t.in": "t.inside",
            "t.inside.de": "t.inside.deep",
            "for _, x in ipairs(users:fi": "users:find",
            "nothing.x": "",
            "nothing:x": "",
            "#users:fi": "users:find",
        }, "users = source 'users.json' d = decimal '1' doc = users:find():first() "
           "vector = require 'lugger.vector' text = 'x' t = { inside = { deep = 1 } }")

    def test_keys_of_option_tables_and_their_values(self):
        self.check({
            "copy { fr": "from = ",
            "copy({ fr": "from = ",
            "x = lugger.copy { int": "into = ",
            "copy { from = users, fr": "",
            "copy { from = users, columns = { { 'a', 'text', fro": "from = ",
            "copy { from = users, columns = { { 'a', 'text', from = 'em": "email",
            "copy { children = { { columns = { { 'a', 'text', on_error = '":
                "default error null reject",
            "copy { on_conflict = 'u": "update",
            "copy { unmapped = '": "error ignore warn",
            "copy { route = { oth": "otherwise = ",
            "copy { throttle = { max_la": "max_lag = ",
            "copy {@NL@  from = users,@NL@  int": "into = ",
            "target('local:', { on_con": "on_conflict = ",
            "target('local:', { on_conflict = 's": "skip",
            "source('users.json', { for": "format = ",
            "source('users.json', { format = 'b": "bson",
            "job:run { dr": "dry_run = ",
            "fix { on = t, se": "set = ",
            "users:find { em": "email = ",
            "users:find({ ad": "['addr.city'] =  addr = ",
            "users:find { email = 1, na": "name = ",
            "users:find():sort 'na": "name",
            "users:find():sort { { 'na": "name",
            "users:find():project { 'addr": "addr addr.city",
        }, "users = source 'users.json' job = copy { from = users, into = target('local:', { table = 'x' }), "
           "columns = 'auto' }")

    def test_collections_files_topics_and_commands(self):
        dump = harness.ROOT / "examples" / "shop" / "dump"
        os.symlink(dump, os.path.join(self.dir, "dump"))
        self.write("lugger.toml", '[connections.warehouse]\nurl = "postgresql://nowhere.invalid/x"\n')
        self.check({
            "source('dump', { collection = 'shop.us": "shop.users",
            "source('dump', { collection = 'us": "users",
            "source 'use": "users.json",
            "source('dump/shop/use": "users.bson users.metadata.json",
            ":loa": ":load ",
            ":load use": "users.json",
            ":load dump/shop/users.b": "users.bson",
            ":set ro": "rows ",
            "help 'job:pl": "job:plan",
            "? verd": "verdict",
            "help 'mapp": "mapping",
            "session 'ware": "warehouse",
            "pg.use 'ware": "warehouse",
            "retu": "return",
        })

    def test_nothing_is_opened(self):
        """No server is started or asked, and no archive is read."""
        self.write("big.bson.gz", "not gzip")
        self.write("fifo.archive", "not an archive")
        setting = ("far = source('postgresql://nowhere.invalid/x', { table = 'x' }) "
                   "gz = source 'big.bson.gz' "
                   "archive = source 'fifo.archive' stdin = source '-' db = session 'local:./pg'")
        self.check({
            "far:find { zz": "",
            "gz:find { zz": "",
            "stdin:find { zz": "",
            "archive:find { zz": "",
            "source('fifo.archive', { collection = 'a": "",
            "source('postgresql://nowhere.invalid/x', { table = 'a": "",
            "copy { columns = { { 'a', 'text', from = 'zzz": "",
            "pg 'select * from zzz": "",
            "db 'select * from zzz": "",
            "db:query('select * from zzz": "",
            "select * from zzz": "",
        }, setting, env={"PG_URI": "local:./pg"})
        self.assertFalse(os.path.exists(os.path.join(self.dir, "pg")))


class Keys(TerminalCase):
    def test_tables_and_columns_of_a_database_that_is_open(self):
        server = Postgres()
        db = server.fresh()
        db.query("create table customers (surname text); insert into customers values ('Abel')")
        self.start(env={"PG_URI": db.url})
        self.send("pg 'select 1'\n")
        self.until("(1 row)")
        self.prompt()
        self.send("pg 'select surn\t from cust\t'\n")
        self.until("Abel")
        self.prompt()
        self.send("select surn\t from public.cust\t;\n")
        self.until("Abel")
        self.prompt()
        self.send("copy { key = 'surn\t', 5 }\n")
        self.until("ame', 5")


if __name__ == "__main__":
    harness.main()
