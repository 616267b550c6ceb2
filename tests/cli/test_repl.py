"""The prompt, through a pipe and on a terminal of its own."""
import os
import signal

import harness
import project
from terminal import TerminalCase


class Piped(project.Case):
    def repl(self, text):
        return self.lugger("repl", stdin=text, status=0)

    def values(self, text):
        return self.repl(text).out

    def test_values_paste_back(self):
        for value in ('{ 1, 2, a = "x\\ny", ["b c"] = { true } }', "0.1", "1e+100", '"\\000"',
                      "9007199254740993LL", "nil or false"):
            first = self.values("= " + value + "\n").strip()
            self.assertEqual(self.values("= " + first + "\n").strip(), first)

    def test_a_statement_over_several_lines(self):
        done = self.repl("for i = 1, 2 do\nprint('line', i)\nend\nx =\n5\nx * 2\n")
        self.assertEqual(done.out, "line\t1\nline\t2\n10\n")
        self.assertEqual(done.err, "")

    def test_lugger_by_bare_names(self):
        self.write_json_lines("users.json", project.USERS)
        done = self.repl("copy == lugger.copy\nusers = source('users.json')\ntype(users)\n")
        self.assertIn("true", done.out)
        self.assertEqual(done.err, "")

    def test_errors_are_one_sentence_and_keep_their_traceback(self):
        done = self.repl("nothing.there\n:traceback\nnothing.there = 1 +\n+\n1 + 1\n")
        self.assertIn('nothing is named "nothing"', done.err)
        self.assertNotIn("stack traceback", done.err)
        self.assertIn("stack traceback", done.out)
        self.assertIn("2", done.out)

    def test_help(self):
        done = self.repl("help(copy)\nhelp 'run'\nhelp()\n")
        self.assertIn("lugger.copy(", done.out)
        self.assertIn("Usage: lugger run", done.out)

    def test_quit(self):
        self.assertNotIn("never", self.repl(":quit\nprint('never')\n").out)


    def test_help_of_a_method(self):
        self.assertIn("cursor(options)", self.lugger("-e", "help(source('a.bson').cursor)", status=0).out)

    def test_a_command_typed_at_the_prompt(self):
        self.assertIn("is for the shell", self.lugger("repl", stdin="lugger run users.lua\n").err)


class Terminal(TerminalCase):
    """Reads what the prompt shows, key by key."""

    def test_history_is_kept(self):
        self.start()
        self.send("'first' .. 'word'\n")
        self.until('firstword"')
        self.prompt()  # a key before the prompt is the terminal's, one behind it the editor's
        self.leave()
        with open(os.path.join(self.dir, ".local/state/lugger/history"), encoding="utf-8") as file:
            self.assertIn("first", file.read())

    def test_completion(self):
        self.start()
        self.send("lugger.cop\t == lugger.copy\n")
        self.until("true")

    def test_an_open_statement_is_continued_and_cancelled(self):
        self.start()
        self.send("for i = 1, 2 do\n")
        self.until(">> ")
        os.write(self.master, b"\x03")
        self.send("40 + 2\n")
        self.until("42")

    def test_interrupt_stops_a_loop_and_not_the_prompt(self):
        self.start()
        self.send("print('spin' .. 'ning') while true do end\n")
        self.until("spinning")
        os.kill(self.process.pid, signal.SIGINT)
        self.until("cancelled")
        self.send("20 + 22\n")
        self.until("42")


if __name__ == "__main__":
    harness.main()
