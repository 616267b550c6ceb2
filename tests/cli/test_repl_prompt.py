"""What the prompt offers beside statements: _, :more, :edit, :load, :apropos, a pager, its own words."""
import os
import stat

import harness
import project
from terminal import TerminalCase


class Piped(project.Case):
    def repl(self, *lines, env=None):
        return self.lugger("repl", stdin="".join(line + "\n" for line in lines), env=env, status=0)

    def users(self, count):
        self.write_json_lines("users.json", [{"_id": n, "name": f"user {n}", "address": {
                                                  "street": "Long Street " * 3, "city": "Jena"}}
                                             for n in range(1, count + 1)])

    def test_the_last_value_is_an_underscore(self):
        done = self.repl("6 * 7", "_ + 1", "x = 5", "_", "print 'nothing'", "_", "nil", "_", "_ = 'own'", "1",
                         "_")
        self.assertEqual(done.err, "")
        self.assertEqual(done.out.splitlines(),
                         ["42", "43", "43", "nothing", "43", "nil", "43", "1", '"own"'])

    def test_the_last_value_is_not_there_at_first(self):
        self.assertIn('nothing is named "_"', self.repl("_").err)

    def test_nil_is_printed_and_nothing_is_not(self):
        done = self.repl("nil", "(function() end)()", "nil, nil", "false", "f = function() return nil end",
                         "f()", "('x'):match 'y'")
        self.assertEqual(done.out.splitlines(), ["nil", "nil\tnil", "false", "nil", "nil"])

    def test_documents_of_find_are_lines(self):
        self.users(3)
        done = self.repl("users = source 'users.json'", "users:find()", ":more", ":set rows 2",
                         "users:find()", ":more", ":more", ":full", ":lua", "users:find():limit(1)")
        lines = done.out.splitlines()
        for n in (1, 2, 3):
            self.assertTrue(lines[n - 1].startswith(f"document({{ _id = {n}, name = "), lines[n - 1])
            self.assertTrue(lines[n - 1].endswith(')'))
        self.assertIn("there are no more documents", done.err)
        self.assertIn("(2 documents; :more shows the next 2, :limit(n) takes a number, :count() counts)",
                      lines)
        rest = done.out.split(":count() counts)\n")[1]
        self.assertTrue(rest.startswith("document({ _id = 3,"), rest)
        self.assertEqual(rest.count("_id = 3"), 2)  # by :more, and in full by :full
        self.assertIn('\n  address = document', rest)

    def test_a_line_of_a_document_pastes_back(self):
        self.users(1)
        line = self.repl("source('users.json'):find()").out.strip()
        self.assertEqual(self.repl(f"d = {line}", "d.address.city").out.strip(), '"Jena"')

    def test_a_source_shows_its_collections(self):
        self.users(2)
        dump = harness.ROOT / "examples" / "shop" / "dump"
        done = self.repl(f"source '{dump}'", "source 'users.json'", "source 'nothing.bson'",
                         "source 'postgresql://nowhere.invalid/x'")
        self.assertIn("shop.users", done.out)
        self.assertIn("shop.orders", done.out)
        self.assertIn("takes one of them", done.out)
        self.assertIn("source users.json", done.out)
        self.assertIn("there is nothing at nothing.bson", done.err)
        self.assertIn("source postgresql://nowhere.invalid/x", done.out)

    def test_a_file_is_loaded_as_a_statement(self):
        self.write("given.lua", "#!/usr/bin/env lugger\nlocal n = 20\nfunction twice(x) return 2 * x end\n"
                                "return twice(n) + 2\n")
        self.write("broken.lua", "x = = 1\n")
        self.write("fails.lua", "local y = 1\nerror 'no'\n")
        done = self.repl(":load given.lua", "_ + 1", "twice(4)", ":load broken.lua", ":load fails.lua",
                         ":load missing.lua", ":load", ":history")
        self.assertEqual(done.out.splitlines()[:3], ["42", "43", "8"])
        self.assertIn("broken.lua:1", done.err)
        self.assertIn("fails.lua:2", done.err)
        self.assertIn("cannot read missing.lua", done.err)
        self.assertIn(":load wants a file", done.err)
        self.assertIn(":load given.lua", done.out)

    def test_e15_a_loaded_file_is_saved(self):
        self.write("given.lua", "local n = 20\nfunction twice(x) return 2 * x end\nreturn twice(n)\n")
        self.repl(":load given.lua", "n = _ + 2", "function show() print(twice(n)) end", "show()",
                  ":save all.lua")
        os.remove(os.path.join(self.dir, "given.lua"))
        self.assertEqual(self.lugger("all.lua", status=0).out, "84\n")

    def test_apropos(self):
        done = self.repl(":apropos sort", ":apropos ObjectId", ":apropos", ":apropos qqqq")
        self.assertIn("lugger.query:sort(keys, direction)", done.out)
        self.assertIn("lugger.objectid(text)", done.out)
        self.assertNotIn("native", done.out)
        self.assertIn(":apropos wants a word", done.err)
        self.assertIn('nothing speaks of "qqqq"', done.err)

    def test_messages_speak_the_words_of_the_prompt(self):
        self.users(1)
        done = self.repl("pg.use()", "env.PG_URI",
                         "job = copy { from = source 'users.json', into = target('local:', { table = 'u' }), "
                         "columns = { { 'id', 'int8', from = '_id', required = true } } }",
                         "job:run()", "job:run()", "job:run { stage = 'load', join = true }")
        self.assertIn("pg.use 'local:./pg'", done.err)
        self.assertIn("pg.use 'PLACE'", done.err)
        self.assertIn("job:run { again = true }", done.err)
        for flag in ("--create", "--again", "--into"):
            self.assertNotIn(flag, done.err)


class Keys(TerminalCase):
    def program(self, name, text):
        path = self.write(name, "#!/bin/sh\n" + text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def test_an_editor(self):
        editor = self.program("ed.sh", "sed -i 's/wrong/right/' \"$1\"\n")
        self.start(env={"EDITOR": editor})
        self.send("function f()\n")
        self.until(">> ")
        self.send("return 'wrong' .. 'ly' end\n")
        self.prompt()
        self.send(":edit\n")
        self.until("return 'right' .. 'ly' end")
        self.prompt()
        self.send("f()\n")
        self.until('"rightly"')
        self.prompt()
        self.send("'wrong' .. '?'\n")
        self.prompt()
        self.send(":edit 4\n")
        self.until('"right?"')
        self.prompt()
        self.send("\x1b[A\n")  # what was edited stands in the history, too
        self.until('"right?"')

    def test_an_editor_that_fails(self):
        self.start(env={"EDITOR": "false"})
        self.send("6 * 7\n")
        self.until("42")
        self.prompt()
        self.send(":edit\n")
        self.until("ended with an error")

    def test_long_output_goes_through_a_pager(self):
        pager = self.program("page.sh", "echo paged from here; cat; echo to there\n")
        self.start(env={"PAGER": pager})
        self.send("t = {} for i = 1, 99 do t[i] = 'line ' .. i end\n")
        self.prompt()
        self.send("{ 'short' }\n")
        self.assertNotIn("paged", self.prompt())
        self.send("t\n")
        self.until("paged from here")
        self.until('"line 99"')
        self.until("to there")
        self.prompt()
        self.send("help 'repl'\n")
        self.until("paged from here")
        self.prompt()
        self.send(":set pager off\n")
        self.prompt()
        self.send("t\n")
        self.assertNotIn("paged", self.prompt())

    def test_a_pager_that_is_left(self):
        self.write_json_lines("users.json", [{"_id": n, "text": "x" * 60} for n in range(30000)])
        pager = self.program("page.sh", "head -5; echo enough\n")
        self.start(env={"PAGER": pager})
        self.send("users = source 'users.json'\n")
        self.prompt()
        self.send(":set rows all\n")
        self.prompt()
        self.send("users:find()\n")
        self.until("enough")
        self.prompt()
        self.send("20 + 22\n")
        self.until("42")

    def test_documents_are_cut_to_the_terminal(self):
        self.write_json_lines("users.json", [{"_id": n, "text": "x" * 200} for n in range(30)])
        self.start()
        self.send("source('users.json'):find()\n")
        shown = self.until(":full shows these in full")
        self.assertIn("…", shown)
        self.assertEqual(shown.count("document {"), 20)
        self.prompt()
        self.send(":more\n")
        self.until("(30 documents")
        self.prompt()
        self.send(":full\n")
        self.until("x" * 200)


if __name__ == "__main__":
    harness.main()
