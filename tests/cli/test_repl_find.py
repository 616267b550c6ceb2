"""users:find {...} over dumps and exports."""

import harness
import project

PEOPLE = [{"_id": i, "age": i % 50, "city": {"name": "Berlin" if i % 2 else "Paris"},
           "tags": ["a"] if i % 3 else [], "n": i} for i in range(2500)]


class Find(project.Case):
    def ask(self, *lines, status=0):
        self.write_json_lines("people.json", PEOPLE)
        return self.lugger("repl",
                           stdin="p = source('people.json')\n" + "".join(line + "\n" for line in lines),
                           status=status)

    def test_n_19_one_line_over_a_dump(self):
        out = self.ask(":json",
                       "p:find { age = { ['$gt'] = 48 }, ['city.name'] = 'Berlin' }:limit(2):project { "
                       "'n', 'city.name' }").out
        self.assertEqual(
            out, '{"_id":49,"city":{"name":"Berlin"},"n":49}\n{"_id":99,"city":{"name":"Berlin"},"n":99}\n')

    def test_counting_reads_everything(self):
        self.assertEqual(self.ask("p:find():count()", "p:find { age = 7 }:count()",
                                  "p:find { age = 7 }:skip(10):limit(100):count()").out,
                         "2500\n50\n40\n")

    def test_sorting(self):
        out = self.ask(":json",
                       "p:find { age = { ['$lt'] = 2 } }:sort { { 'age', -1 }, { 'n', "
                       "-1 } }:limit(2):project { _id = false, city = false, tags = false }").out
        self.assertEqual(out, '{"age":1,"n":2451}\n{"age":1,"n":2401}\n')
        self.assertEqual(self.ask("p:find():sort { n = -1 }:skip(2499):first()._id").out, "0\n")

    def test_where_asks_lua(self):
        self.assertEqual(self.ask("p:find { tags = 'a' }:where(function(doc) return doc.n % 100 == 1 "
                                  "end):skip(1):count()").out,
                         "16\n")

    def test_loops_hold_nothing(self):
        self.assertEqual(self.ask("s = 0", "for doc in p:find():docs() do s = s + doc.n end", "s").out,
                         f"{sum(range(2500))}\n")

    def test_mistakes_are_named(self):
        err = self.ask("p:find { name = { ['$where'] = '^a' } }", "p:find { a = { ['$gtt'] = 1 } }",
                       "p:find { 1 }", "p:find():sort { b = 1, a = 1 }", "p:find():limit 'x'",
                       "p:find():project { a = true, b = false }").err
        for part in ("find does not know the operator $where; ask Lua", "did you mean $gt",
                     "conditions by field, not a list", "has no order", ":limit wants a whole number",
                     "not both"):
            self.assertIn(part, err)

    def test_a_sort_that_does_not_fit_says_so(self):
        self.write_json_lines("big.json", [{"_id": i, "text": "x" * 100000} for i in range(800)])
        done = self.lugger("repl",
                           stdin="source('big.json'):find():sort 'text':count()\n"
                                 "source('big.json'):find():sort 'text':first()._id\n"
                                 "for d in source('big.json'):find():sort 'text':docs() do end\n",
                           status=0)
        self.assertEqual(done.out, "800\n0\n")
        self.assertIn("add :limit(n)", done.err)

    def test_b5_full_after_anything(self):
        done = self.ask(":full", "p:find { nmae = 'x' }", ":full", "p:find { n = 7 }", ":full",
                        "p:find():limit(30)", ":full", "p:find { n = 8 }:first()", ":full")
        self.assertEqual(done.err, "no documents were shown yet: users:find { age = 31 }\nno documents\n"
                                   "the last find showed no documents\n")
        shown = done.out.count("document({")
        self.assertEqual(shown, 1 + 1 + 30 + 20 + 1 + 1 + done.out.count('city = document({'))
        self.assertEqual([done.out.count(f"  n = {n}\n") for n in (7, 8, 9, 29)], [1, 2, 0, 1])

    def test_b5_a_direction_is_taken_or_refused(self):
        done = self.ask("p:find():sort('n', -1):first().n", "p:find():sort('n', 1):first().n",
                        "p:find():sort({ n = 1 }, -1)", "p:find():sort('n', 'down')",
                        "p:find():first():get('city', 'name')")
        self.assertEqual(done.out, "2499\n0\n")
        for part in (":sort takes a direction behind a single path", ":sort wants paths and directions",
                     "doc:get takes one argument", "doc:get 'address.city'"):
            self.assertIn(part, done.err)

    def test_b6_near_names(self):
        err = self.ask("p:fnd {}", "p:find():prject {}", ":prject { 'n' }", ":tim", "lugger.cpy", "copyy",
                       "local x, y = 5", "y", "local function f() end", "f()", "z").err
        for part in ('source has no "fnd" (script prompt:1); did you mean source:find?',
                     'query has no "prject" (script prompt:1); did you mean query:project?',
                     "users:find { age = 31 }:project", "did you mean :time?",
                     'lugger has no "cpy" (script prompt:1); did you mean lugger.copy?', "did you mean copy?",
                     'nothing is named "y"; a local ends with its line: write y = ...',
                     'nothing is named "f"; a local ends with its line', 'nothing is named "z"; help()'):
            self.assertIn(part, err)

    def test_the_manual_lists_every_operator(self):
        script = self.write("operators.lua",
                            "print(table.concat(require('lugger.native').find_operators(), ' '))")
        words = self.lugger("--lua", script, status=0).out.split()
        self.assertIn("$elemMatch", words)
        page = (harness.ROOT / "docs" / "repl.md").read_text(encoding="utf-8")
        self.assertEqual([word for word in words if f"`{word}`" not in page], [])


if __name__ == "__main__":
    harness.main()
