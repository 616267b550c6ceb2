"""Commands, flags, help and exit status, without any data."""
import harness
import project

COMMANDS = ["init", "describe", "plan", "preview", "trace", "run", "rejects", "runs", "status", "psql",
            "repl", "scripts", "state", "help", "version"]


class Usage(project.Case):
    def test_version(self):
        done = self.lugger("version", status=0)
        self.assertRegex(done.out, r"^lugger \d+\.\d+\.\d+\n$")
        self.assertEqual(self.lugger("--version", status=0).out, done.out)

    def test_help_lists_every_command(self):
        done = self.lugger("help", status=0)
        for name in COMMANDS:
            self.assertRegex(done.out, rf"(?m)^  {name} ")
        self.assertEqual(done.err, "")

    def test_every_command_has_help_within_80_columns(self):
        for name in COMMANDS:
            done = self.lugger("help", name, status=0)
            self.assertIn("Usage: lugger " + name, done.out)
            self.assertEqual(self.lugger(name, "--help", status=0).out, done.out)
            usage = done.out.split("Examples:")[0]
            self.assertLessEqual(max(map(len, usage.split("\n"))), 95, name)

    def test_unknown_command(self):
        done = self.lugger("preveiw", status=2)
        self.assertIn('no command "preveiw"', done.err)
        self.assertIn("did you mean preview?", done.err)
        self.assertEqual(done.out, "")

    def test_unknown_flag(self):
        self.write("a.lua", "return {}")
        self.assertIn("--jops", self.lugger("run", "--jops", "2", "a.lua", status=2).err)
        self.assertIn("did you mean --jobs?", self.lugger("run", "a.lua", "--jops", "2", status=2).err)

    def test_wrong_values(self):
        self.assertIn("whole number", self.lugger("run", "a.lua", "-j", "many", status=2).err)
        self.assertIn("must be one of", self.lugger("run", "a.lua", "--log", "loud", status=2).err)
        self.assertIn("script", self.lugger("run", status=2).err)

    def test_a_command_of_several(self):
        self.assertIn("change-type", self.lugger("help", "vector", status=0).out)
        of_one = self.lugger("vector", "change-type", "--help", status=0).out
        self.assertIn("Usage: lugger vector change-type", of_one)
        self.assertEqual(self.lugger("help", "vector", "change-type", status=0).out, of_one)
        self.assertIn("name one: ", self.lugger("vector", status=2).err)
        self.assertIn("did you mean change-type?", self.lugger("vector", "change-typ", status=2).err)
        self.assertIn("lugger vector change\\-type", self.lugger("help", "--man", status=0).out)
        for shell in ("bash", "zsh", "fish"):
            self.assertIn("change-type", self.lugger("completion", shell, status=0).out)

    def test_help_of_a_misspelt_topic(self):
        self.assertIn("did you mean preview?", self.lugger("help", "previev", status=1).err)

    def test_help_of_a_function(self):
        done = self.lugger("help", "lugger.copy", status=0)
        self.assertIn("lugger.copy", done.out)
        self.assertIn("24 hex digits", self.lugger("help", "objectid", status=0).out)
        self.assertIn("lugger.job:run", self.lugger("help", "job:run", status=0).out)

    def test_help_has_only_what_scripts_reach(self):
        for name in ("lugger.inner.cli.help.find", "lugger.command", "native.job"):
            self.assertIn("there is no help", self.lugger("help", name, status=1).err)

    def test_pages_of_the_manual_are_embedded(self):
        pages = self.lugger("help", "pages", status=0).out.replace(",", " ").split()
        for page in ("quick-start", "sources", "targets", "mapping", "types", "hooks", "runs", "rejects",
                     "errors"):
            self.assertIn(page, pages)
        text = self.lugger("help", "sources", status=0).out
        self.assertTrue(text.startswith("Sources\n"), text[:80])
        self.assertNotIn("](", text)
        self.assertEqual(text, self.lugger("help", "docs/sources.md", status=0).out)

    def test_help_of_a_function_lists_what_its_table_takes(self):
        text = self.lugger("help", "lugger.copy", status=0).out
        for key in ("from:", "into:", "columns:", "on_conflict:"):
            self.assertIn(key, text)


class Scripts(project.Case):
    def test_missing_script_is_named_with_a_suggestion(self):
        self.write("users.lua", "return {}")
        done = self.lugger("user.lua", status=1)
        self.assertIn("no script user.lua", done.err)
        self.assertIn("did you mean users.lua?", done.err)

    def test_a_script_that_prints_is_a_program(self):
        self.write("hello.lua", "print('hello', ...)")
        self.assertEqual(self.lugger("hello.lua", status=0).out, "hello\n")
        self.assertEqual(self.lugger("./hello.lua", status=0).out, "hello\n")
        self.assertEqual(self.lugger("run", "hello.lua", status=0).out, "hello\n")

    def test_standard_input_is_a_script(self):
        self.assertEqual(self.lugger("-", stdin="print(6 * 7)", status=0).out, "42\n")
        self.assertEqual(self.lugger(stdin="print(6 * 7)", status=0).out, "42\n")

    def test_code_from_the_command_line(self):
        self.assertEqual(self.lugger("-e", "print(6 * 7)", status=0).out, "42\n")
        self.assertEqual(self.lugger("-e", "type(copy), ...", "word", status=0).out, '"function"\t"word"\n')
        self.lugger("-e", "error('boo')", status=1)

    def test_a_mistake_is_told_with_file_and_line(self):
        self.write("broken.lua", "local x = 1\nlocal = 2\n")
        self.assertIn("broken.lua:2:", self.lugger("broken.lua", status=1).err)
        self.write("fails.lua", "local x\n\nx.y = 1\n")
        done = self.lugger("fails.lua", status=1)
        self.assertIn("fails.lua:3:", done.err)
        self.assertNotIn("traceback", done.err)

    def test_what_a_script_may_not_return(self):
        self.write("number.lua", "return 7")
        self.assertIn("returned a number", self.lugger("number.lua", status=1).err)
        self.write("list.lua", "return { 7 }")
        self.assertIn("item 1 is a number", self.lugger("list.lua", status=1).err)

    def test_a_forgotten_return_is_noticed(self):
        self.write("users.lua", project.USERS_LUA.replace("return lugger.copy", "lugger.copy"))
        done = self.lugger("run", "users.lua", "--from", "users.json", "--into", "out.jsonl", status=1)
        self.assertIn("neither returned nor used it", done.err)

    def test_modules_beside_the_script(self):
        self.write("sub/mapping.lua", "return { word = 'beside' }")
        self.write("sub/main.lua", "print(require('mapping').word)")
        self.assertEqual(self.lugger("sub/main.lua", status=0).out, "beside\n")

    def test_lugger_itself_is_never_taken_from_beside_the_script(self):
        self.write("lugger.lua", "error('taken from the directory')")
        self.write("lugger/config.lua", "error('taken from the directory')")
        self.write("main.lua", "print(type(require('lugger').copy))")
        self.assertEqual(self.lugger("main.lua", status=0).out, "function\n")

    def test_bundled_scripts(self):
        self.assertIn("mongo_to_postgres", self.lugger("scripts", "list", status=0).out)
        self.assertIn("lugger.copy", self.lugger("scripts", "show", "mongo_to_postgres", status=0).out)
        self.assertIn("did you mean mongo_to_postgres?", self.lugger("run", "mongo_to_postgre", status=1).err)
        self.assertIn("lugger run mongo_to_postgres", self.lugger("mongo_to_postgres", status=2).err)


class Options(project.Case):
    SCRIPT = """
local lugger = require 'lugger'
local opt = lugger.options {
  times = { 'how often', type = 'int', default = 1 },
  tenant = { 'whose', default = 'main', choices = { 'main', 'other' } },
  loud = { 'shout', type = 'flag' },
  tag = { 'tags', list = true },
  since = { 'from when', type = 'timestamptz' },
}
print(opt.times, opt.tenant, opt.loud, opt.tag and table.concat(opt.tag, '+'), opt.since ~= nil)
"""

    def setUp(self):
        super().setUp()
        self.write("o.lua", self.SCRIPT)

    def run_with(self, *args, status=0):
        return self.lugger("run", "o.lua", *args, status=status)

    def test_values(self):
        self.assertEqual(self.run_with().out, "1\tmain\tfalse\tnil\tfalse\n")
        done = self.run_with("--times", "3", "--tenant=other", "--loud", "--tag", "a", "--tag", "b", "-j",
                             "2", "--since", "2026-01-01")
        self.assertEqual(done.out, "3\tother\ttrue\ta+b\ttrue\n")

    def test_checks(self):
        self.assertIn("whole number", self.run_with("--times", "x", status=1).err)
        self.assertIn("main, other", self.run_with("--tenant", "x", status=1).err)
        self.assertIn("needs a value", self.run_with("--tenant", status=1).err)
        self.assertIn("--since", self.run_with("--since", "soon", status=1).err)

    def test_unknown(self):
        self.assertIn("did you mean --times?", self.run_with("--tims", "3", status=2).err)
        self.write("none.lua", "print 'x'")
        self.assertIn("unknown flag --tims", self.lugger("run", "none.lua", "--tims", "3", status=2).err)

    def test_help(self):
        for words in (["help", "o.lua"], ["run", "o.lua", "--help"]):
            done = self.lugger(*words, status=0)
            self.assertIn("--times VALUE", done.out)
            self.assertIn("how often (int, default 1)", done.out)
            self.assertIn("main | other", done.out)

    def test_a_flag_of_lugger_cannot_be_declared(self):
        self.write("o.lua", "require('lugger').options { limit = { 'x' } }")
        self.assertIn("--limit is a flag of lugger itself", self.run_with(status=1).err)

    def test_a_misspelt_declaration(self):
        self.write("o.lua", "require('lugger').options { a = { 'x', defualt = 1 } }")
        self.assertIn("did you mean default?", self.run_with(status=1).err)


if __name__ == "__main__":
    harness.main()
