"""--sandbox: a script has what is listed, and no way to anything else, in hooks either."""
import os

import harness
import project

HEAD = "local lugger = require 'lugger'\n"

# Each line must raise, or give nil; what it gives is never a function, a table with functions, or a file.
ESCAPES = [
    "io.open('/etc/passwd')", "os.execute('id')", "os.getenv('HOME')", "os.remove('x')", "os.exit(9)",
    "debug.getinfo(1)", "package.loaded", "require 'ffi'",
    "require 'jit'", "require 'io'", "require 'debug'", "require 'lugger.native'",
    "require 'lugger.inner.base.abi'", "require 'lugger.inner.base.value'",
    "require 'lugger.inner.cli.config'",
    "require 'lugger.inner.script.sandbox'", "require 'lugger.inner.script.capture'", "require '../secret'",
    "require '/etc/passwd'", "loadfile('/etc/passwd')", "dofile('x.lua')",
    "string.dump(function() end)", "('').dump(function() end)", "getfenv(0).io", "setfenv(1, {})",
    "_G.io.open", "_G.os.execute", "newproxy(true)",
    "load('return io')().open", "loadstring('return io.open')()()", "loadstring('return os.execute')()('id')",
    "load(string.char(27) .. 'LJ')()", "getmetatable('').__index.dump",
    "getmetatable(lugger.source('x')).__index", "getmetatable(require 'lugger').__index",
    "setmetatable(lugger.source('x'), {})", "coroutine.wrap(function() return io.open end)()()",
    "pcall(require, 'ffi') and require('ffi').C", "lugger.env.HOME", "lugger.env.SECRET",
    "lugger.session('postgresql://evil@10.0.0.1/x') 'select 1'",
    "lugger.session('local:./pg').backend", "lugger.pg", "lugger.source('/etc/passwd'):describe()",
    "lugger.source('../secret.json'):describe()", "lugger.native.system",
    "lugger.json.decode and require('lugger.json').native.system",
    "xpcall(function() error 'x' end, debug.traceback)", "collectgarbage('count')",
    "(function() local s = lugger.source('users.json') s.place = '/etc/passwd' return s:describe() end)()",
    "rawset(_G, 'io', 1) and io.open", "lugger.copy.__index", "select(2, next(lugger)).dump", "jit.off()",
    "ffi.cast('int', 1)", "arg[0]",
]


class Sandbox(project.Case):
    def setUp(self):
        super().setUp()
        self.write_json_lines("users.json", [{"_id": 1, "email": "A@x"}])

    def run_script(self, text, *args, status=0, env=None):
        self.write("job.lua", HEAD + text)
        return self.lugger("run", "job.lua", "--sandbox", *args, status=status, env=env)

    def test_no_escape(self):
        tries = "".join(f"  {{ [==[{code}]==], function() return {code} end }},\n" for code in ESCAPES)
        done = self.run_script("local tries = {\n"
                                   + tries
                                   + "}\nfor _, try in ipairs(tries) do\n  local ok, v = pcall(try[2])\n"
                                     "  if ok and v ~= nil and v ~= false then print('ESCAPED', try[1], "
                                     "type(v), tostring(v)) end\nend\nprint 'done'\n",
                               env={"SECRET": "x"})
        self.assertEqual(done.out, "done\n")

    def test_what_scripts_need_is_there(self):
        self.write("rules.lua", "return { lower = function(text) return text:lower() end }\n")
        self.write("lugger.toml", "sandbox = true\n")
        done = self.lugger("run", self.write("load.lua", HEAD + """
            local rules = require 'rules'
            local when = os.time() > 0 and os.date('!%Y', 0)
            assert(when == '1970' and math.floor(1.5) == 1 and table.concat({ 'a' }) == 'a'
              and ('x'):upper() == 'X')
            assert(load 'return 1 + 1'() == 2 and setmetatable({}, { __index = { a = 1 } }).a == 1)
            helper = function(text) return text .. '!' end
            return lugger.copy {
              from = lugger.source('users.json'), into = lugger.target('out.jsonl', { table = 'users' }),
              columns = { { 'email', 'text' } },
              map = function(row)
                row.email = helper(rules.lower(row.email)) .. tostring(lugger.decimal '1.50')
              end,
            }
            """), "--create", status=0)
        self.assertIn('{"email":"a@x!1.50"}', self.read("out.jsonl"), done)

    def test_hooks_in_workers_are_shut_in_too(self):
        for code in ("io.open('/etc/passwd')", "os.execute('id')", "debug.getinfo(1)", "require('ffi')",
                     "require('lugger.native')", "('').dump(function() end)",
                     "lugger.source('/etc/passwd'):describe()", "getfenv(0)",
                     "loadstring('return io.open')()()",
                     "lugger.session('postgresql://e@10.0.0.1/x') 'select 1'"):
            done = self.run_script("return lugger.copy { from = lugger.source('users.json'), "
                                   "into = lugger.target('out.jsonl', { table = 'users' }),\n"
                                   "columns = { { 'email', 'text' } }, map = function(row)\n"
                                   f"local ok, v = pcall(function() return {code} end) row.email = ok "
                                   f"and v ~= nil and 'ESCAPED' or 'shut' end }}\n",
                                   "--create", "--restart", status=None)
            if done.status == 0:
                self.assertIn("shut", self.read("out.jsonl"), code)
            else:
                self.assertRegex(done.err, "workers do not have|sandbox", code)

    def test_packed_hooks_cannot_be_forged(self):
        done = self.run_script("local job = lugger.copy { from = lugger.source('users.json'), "
                               "into = lugger.target('out.jsonl', { table = 'users' }),\n"
                               "columns = { { 'email', 'text' } }, map = function(row) end }\n"
                               "print(rawget(job, 'hook'))\njob.hook = 'x'\nreturn job\n",
                               "--create")
        self.assertEqual(done.out.split("\n")[0], "nil")

    def test_declared_places_are_open(self):
        self.write("lugger.toml", f'[connections.people]\nurl = "{os.path.join(self.dir, "users.json")}"\n')
        done = self.run_script("print(lugger.source('people'):info().kind)\n")
        self.assertEqual(done.out, "json\n")

    def test_a_refusal_says_what_to_do(self):
        done = self.run_script("return lugger.source('/etc/passwd'):describe()\n", status=1)
        self.assertIn("the sandbox has no place /etc/passwd; name it under [connections]", done.err)

    def test_censuses_and_fixes_keep_to_declared_places_too(self):
        for code in ("lugger.source('/etc/passwd'):census()",
                     ("lugger.fix { on = lugger.target('postgresql://e@10.0.0.1/x', { table = 't', key = "
                      "'id' }), set = { 'a' }, map = function(row) end }")):
            self.assertIn("the sandbox has no place", self.run_script(f"return {code}\n", status=1).err)


if __name__ == "__main__":
    harness.main()
