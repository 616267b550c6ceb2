"""The prompt on a pseudo-terminal: keys, history, pastes, signals."""
import os
import signal

import harness
from terminal import TerminalCase


class Keys(TerminalCase):
    def history(self):
        with open(os.path.join(self.dir, ".local/state/lugger/history"), encoding="utf-8") as file:
            return file.read()

    def test_history_is_searched_and_each_statement_stands_once(self):
        self.start()
        for text in ("'needle' .. 1\n", "2 + 2\n", "'needle' .. 1\n"):
            self.send(text)
            self.prompt()
        self.send("\x12needl\n")
        self.until('"needle1"')
        self.prompt()
        self.leave()
        self.assertEqual(self.history().count("needle"), 1)

    def test_s0_29_no_secret_reaches_the_history(self):
        self.start(env={"PG_URI": "postgresql://u:topsecret@localhost/db"})
        for text in ("x = 'postgresql://ann:hunter22@db/shop'\n", "y = 'topsecret'\n",
                     "z = \"alter role ann password 'swordfish'\"\n", "'plain' .. 'ly'\n"):
            self.send(text)
            self.prompt()
        self.leave()
        kept = self.history()
        self.assertIn("plain", kept)
        self.assertIn("ann:***@db", kept)
        for secret in ("hunter22", "swordfish"):
            self.assertNotIn(secret, kept)
        self.assertEqual(os.stat(os.path.join(self.dir, ".local/state/lugger/history")).st_mode & 0o077, 0)

    def test_a_statement_over_several_lines_comes_back_as_one(self):
        self.start()
        self.send("for i = 1, 2 do\n")
        self.until(">> ")
        self.send("print('round', i)\n")
        self.until(">> ")
        self.send("end\n")
        self.until("round\t2")
        self.prompt()
        self.send("\x1b[A\n")
        self.until("round\t2")

    def type_lines(self, text):
        """Each line when the one before it was taken."""
        for line in text.split("\n"):
            self.send(line + "\n")
            self.until("\x1b[?2004h")
        self.until("> ")

    def test_e15_a_recalled_statement_is_read_by_its_lines(self):
        statements = {
            "function a() -- note\n  return 'com' .. 'ment' -- more\nend": ("a()", "comment"),
            "t = {\n  a = 1, -- first\n  b = 2,\n}": ("'b' .. t.b + 40", "b42"),
            "s = [[one -- no comment\n  two]]": ("#s", "23"),
            "--[[ long\n comment ]] c = 'long' --[==[ more\n]==]": ("c .. '!'", "long!"),
            "if true then -- always\n  d = 7 * 11\nend": ("d", "77"),
            "e = 'up \\\nper' -- goes on": ("e:gsub('%s', '') .. '?'", "upper?"),
            "f = 1 + -- half\n 998": ("f .. '.'", "999."),
            "repeat -- once\n  h = 'rep' .. 'eated'\nuntil true": ("h", "repeated"),
            "q = 'select 1 -- sql\n from x'": ("#q:gsub('[^\\n]', '') + 70", "71"),
        }
        self.start()
        for text, (asked, answer) in statements.items():
            with self.subTest(text):
                self.type_lines(text)
                self.send("a, t, s, c, d, e, f, h, q = nil\n")
                self.prompt()
                self.send("\x1b[A\x1b[A\n")
                self.prompt()
                self.send(asked + "\n")
                self.until(answer)
                self.prompt()

    def test_e15_a_pasted_statement_with_comments_comes_back(self):
        self.start()
        self.send("\x1b[200~k = {\r  a = 1, -- first\r  b = 41, -- second\r}\r\x1b[201~")
        self.prompt()
        self.send("k = nil\n")
        self.prompt()
        self.send("\x1b[A\x1b[A\n")
        self.prompt()
        self.send("k.a + k.b\n")
        self.until("42")

    def test_e15_sql_over_several_lines_is_recalled_as_it_was_typed(self):
        self.start(env={"PG_URI": "local:./pg"})
        self.send("select 'one\n")
        self.until(">> ")
        self.send("  two', 40 + 2 -- note\n")
        self.until("42")
        self.prompt()
        self.send("\x1b[A\n")
        self.until("note")
        self.until("42")
        self.prompt()
        self.leave()
        self.start(env={"PG_URI": "local:./pg"})  # another session, from the file
        self.send("\x1b[A\n")
        self.until("42")
        self.assertIn("select 'one\\012  two'", self.history().replace("\\040", " "))

    def test_sql_goes_on_over_its_line(self):
        self.start()
        self.send("#'select 1\n")
        self.until("'> ")
        self.send("from x'\n")
        self.until("15")

    def test_characters_are_not_bytes(self):
        self.start()
        self.send("'grüße' .. '中'\x7f\x7f日'\n")
        self.until('"grüße日"')

    def test_a_paste_of_a_megabyte(self):
        self.start()
        text = "t = {\r" + "".join(f"{i}, -- {'x' * 40}\r" for i in range(20000)) + "}\r"
        self.assertGreater(len(text), 1000000)
        self.send("\x1b[200~" + text + "\x1b[201~")
        self.send("#t\n")
        self.until("20000")

    def test_a_line_of_a_megabyte(self):
        self.start()
        self.send("\x1b[200~s = '" + "y" * 1000000 + "'\x1b[201~\n")
        self.until("bytes pasted]")
        self.prompt()
        self.send("#s\n")
        self.until("1000000")

    def test_a_window_that_changes_its_size(self):
        self.start()
        self.send("40 +")
        self.resize(60)
        os.kill(self.process.pid, signal.SIGWINCH)
        self.send(" 2\n")
        self.until("42")

    def test_a_dumb_terminal(self):
        self.start(env={"TERM": "dumb"})
        self.send("40 + 2\n")
        shown = self.until("42")
        self.assertNotIn("\x1b", shown)

    def test_completion_of_keys_fields_paths_and_commands(self):
        self.write_json_lines("users.json", [{"_id": 1, "address": {"city": "x"}, "email": "e"}])
        self.start()
        self.send("users = source('users.json')\n")
        self.prompt()
        self.send("#users:find { ema\t'e' }:list()\n")
        self.until("1\r\n")
        self.send("#users:find():sort 'addr\t\t")
        self.until("address.city")
        self.send("ess.city':list()\n")
        self.until("1\r\n")
        self.send(":hist\t\n")
        self.until("users:find")
        self.send("copy { fro\t1 }\n")
        self.until("from must be")

    def test_interrupting_a_loop_in_a_callback(self):
        self.start()
        self.send("print('spin' .. 'ning') pcall(function() while true do end end) while true do end\n")
        self.until("spinning")
        os.kill(self.process.pid, signal.SIGINT)
        self.send("")
        try:
            self.until("cancelled")
        except AssertionError:
            os.kill(self.process.pid, signal.SIGINT)  # the first one ended inside the script's own pcall
            self.until("cancelled")
        self.send("20 + 22\n")
        self.until("42")


if __name__ == "__main__":
    harness.main()
