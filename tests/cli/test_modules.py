"""What scripts may require: the public modules and those beside the script, and no inner one."""
import harness
import project

PUBLIC = ["lugger", "lugger.base64", "lugger.csv", "lugger.doc", "lugger.hex", "lugger.json",
          "lugger.mongo_index", "lugger.prompt_pg", "lugger.schema", "lugger.test", "lugger.text",
          "lugger.vector"]
INNER = ["lugger.place", "lugger.native", "lugger.inner.job.place", "lugger.cli.run", "lugger.cli", "lugger.",
         "lugger.json.x"]


class Modules(project.Case):
    def refused(self, done, name):
        self.assertIn(f"lugger has no module '{name}'", done.err)
        self.assertIn("scripts may require " + ", ".join(PUBLIC), done.err)

    def test_the_public_ones_are_there(self):
        for name in PUBLIC:
            self.assertEqual(self.lugger("-e", f"type(require '{name}')", status=0).out, '"table"\n')

    def test_a_script_gets_no_inner_one(self):
        for name in INNER:
            self.write("job.lua", f"local lugger = require 'lugger'\nlocal x = require '{name}'\n")
            done = self.lugger("run", "job.lua", status=1)
            self.refused(done, name)
            self.assertIn("job.lua:2", done.err)
            self.refused(self.lugger("run", "job.lua", "--sandbox", status=1), name)

    def test_nor_does_what_lies_beside_it(self):
        self.write("rules.lua", "local place = require 'lugger.inner.job.place'\nreturn place\n")
        self.write("job.lua", "return require 'rules'\n")
        done = self.lugger("run", "job.lua", status=1)
        self.refused(done, "lugger.inner.job.place")
        self.assertIn("rules.lua:1", done.err)

    def test_nor_the_prompt_nor_a_test(self):
        self.refused(self.lugger("-e", "require 'lugger.place'", status=1), "lugger.place")
        self.assertIn("lugger has no module", self.lugger("repl", stdin="require 'lugger.place'\n").err)
        self.write("a_test.lua", "require 'lugger.place'\n")
        self.refused(self.lugger("test", "a_test.lua", status=1), "lugger.place")

    def test_pcall_tells_which_version_has_a_module(self):
        self.write("job.lua",
                   "local ok, err = pcall(require, 'lugger.newer')\nprint(ok, err.code)\nreturn {}\n")
        self.assertEqual(self.lugger("run", "job.lua").out, "false\tconfig\n")

    def test_globals_are_everyones(self):
        self.write("rules.lua",
                   "shared = (shared or 0) + 1\nreturn { seen = function() return shared end }\n")
        self.write("job.lua",
                   "shared = 1\nlocal rules = require 'rules'\nprint(shared, rules.seen(), _G.shared)\n"
                   "function _G.later() return 'later' end\nprint(later())\nreturn {}\n")
        self.assertEqual(self.lugger("run", "job.lua", status=0).out, "2\t2\t2\nlater\n")

    def test_hooks_require_in_the_worker(self):
        self.write_json_lines("users.json", [{"_id": 1, "v": [3.0, 4.0]}])
        self.write("rules.lua",
                   "local vector = require 'lugger.vector'\n"
                   "return { length = function(list) return "
                   "vector.norm(require('lugger').vector(list)) end }\n")
        self.write("job.lua", """
            local lugger = require 'lugger'
            local rules, require_too = require 'rules', require
            return lugger.copy {
              from = lugger.source('users.json'), into = lugger.target('out.jsonl', { table = 'users' }),
              columns = { { 'a', 'float8' }, { 'b', 'text' }, { 'c', 'text' } },
              map = function(row)
                row.a = rules.length { 3, 4 }
                row.b = type(require 'lugger.json')
                row.c = type(require_too 'lugger.vector')
              end,
            }
            """)
        self.lugger("run", "job.lua", "--create", status=0)
        self.assertIn('"b":"table","c":"table"', self.read("out.jsonl"))

    def test_a_bundled_script_can_be_copied(self):
        self.write_json_lines("users.json", [{"_id": 1, "email": "a"}])
        self.write("mine.lua", self.lugger("scripts", "show", "mongo_to_postgres", status=0).out)
        plan = self.lugger("plan", "mine.lua", "--from", "users.json", "--into", "out.jsonl", "--schema",
                           "shop", status=0)
        self.assertIn("shop.users", plan.out)
        self.lugger("run", "mine.lua", "--from", "users.json", "--into", "out.jsonl", "--sandbox", status=0)
        self.assertIn('"email":"a"', self.read("out.jsonl"))
        self.assertIn("not the name of a schema",
                      self.lugger("plan", "mine.lua", "--from", "users.json", "--into", "out.jsonl",
                                  "--schema", "a.b", status=1).err)


if __name__ == "__main__":
    harness.main()
