"""What the prompt prints, and in which form: N-19."""
import json

import harness
import project


class Values(project.Case):
    def repl(self, text, **more):
        return self.lugger("repl", stdin=text, status=0, **more)

    def test_n_19_what_is_printed_pastes_back(self):
        """tests/lua/value_text.lua does it for every sample document; here through the prompt itself."""
        for value in ("decimal '9.990'", "objectid '64f1c0a2b3c4d5e6f7a8b901'",
                      "date '2026-03-11T09:30:00.5Z'", "null", "9007199254740993LL",
                      "uuid '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f'", "vector { 1, -0.5 }",
                      "binary '\\0\\255'", "json.decode '{\"b\":1,\"a\":[]}'",
                      "array {}", "json.decode '{\"t\":{\"$timestamp\":{\"t\":1,\"i\":2}}}'"):
            first = self.repl(value + "\n").out.strip()
            self.assertEqual(self.repl("= " + first + "\n").out.strip(), first)
            self.assertNotEqual(first, "")

    def test_documents_are_trees(self):
        self.write_json_lines("users.json", project.USERS)
        out = self.repl("source('users.json'):find():first()\n").out
        self.assertEqual(out,
                         'document({\n  _id = objectid "64f1c0a2b3c4d5e6f7a8b901",\n  email = '
                         '"Ann@example.com",\n  age = 31,\n'
                         '  createdAt = date "2026-01-05T10:00:00Z"\n}, "_id email age createdAt")\n')

    def test_long_results_are_cut(self):
        out = self.repl(":set rows 20\nlist = {} for i = 1, 10000 do list[i] = i end\nlist\n").out
        self.assertIn("-- ... 9,980 more", out)
        self.assertLess(len(out), 400)

    def test_forms(self):
        self.write_json_lines("users.json",
                              [{"_id": 1, "name": "a,b", "tags": ["x"]}, {"_id": 2, "name": "c"}])
        users = "users = source('users.json')\n"
        lines = self.repl(users + ":json\nusers:find()\n").out.splitlines()
        self.assertEqual([json.loads(line)["_id"] for line in lines], [1, 2])
        self.assertEqual(self.repl(users + ":csv\nusers:find()\n").out,
                         '_id,name,tags\n1,"a,b","[""x""]"\n2,c,\n')
        self.assertIn("_id  name  tags\n1    a,b   [\"x\"]\n2    c\n",
                      self.repl(users + ":table\nusers:find()\n").out)
        self.assertIn("there is no form", self.repl(":set form xml\n").err)

    def test_settings_and_commands(self):
        done = self.repl(":set\n:sett\n:set rowz 5\n:help\n:time\n1\n")
        self.assertIn("rows 100 on a terminal", done.out)
        self.assertIn("did you mean :set?", done.err)
        self.assertIn("did you mean rows?", done.err)
        self.assertIn(":save NAME [FROM-TO]", done.out)
        self.assertRegex(done.err, r"time: \d+\.\d{3} s")

    def test_wide_and_combining_characters_line_up(self):
        self.write_json_lines("wide.json",
                              [{"_id": 1, "a": "日本", "b": 1}, {"_id": 2, "a": "e\u0301a\u0300", "b": 2},
                               {"_id": 3, "a": "abcd", "b": 3}])
        out = self.repl(":table\nsource('wide.json'):find()\n").out
        self.assertIn("1    日本  1\n2    e\u0301a\u0300    2\n3    abcd  3\n", out)

    def test_an_unfinished_statement_at_the_end_of_input(self):
        done = self.lugger("repl", stdin="for i = 1, 2 do\n", status=1)
        self.assertIn("the input ended inside a statement", done.err)

    def test_a_megabyte_of_text(self):
        lines = "".join(f"  {i}, -- number {i}\n" for i in range(50000))
        self.assertEqual(self.repl("t = {\n" + lines + "}\n#t\n").out, "50000\n")
        self.assertEqual(self.repl("#'" + "x" * 1000000 + "'\n").out, "1000000\n")

    def test_no_home_and_a_history_that_cannot_be_written(self):
        self.assertEqual(self.repl("1 + 1\n", env={"HOME": None}).out, "2\n")
        self.assertEqual(self.repl("1 + 1\n", env={"XDG_STATE_HOME": "/proc/none"}).out, "2\n")


if __name__ == "__main__":
    harness.main()
