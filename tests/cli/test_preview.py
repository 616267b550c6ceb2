"""describe, preview, --watch and trace: what is shown before anything is written."""
import os
import queue
import subprocess
import threading
import time

import harness
import project

PLACES = ["--from", "users.json", "--into", "out.jsonl"]


class Shown(project.Case):
    def setUp(self):
        super().setUp()
        self.users_project()

    def test_describe(self):
        done = self.lugger("describe", "users.json", status=0)
        self.assertRegex(done.out, r"(?m)^_id +100% +objectId")
        self.assertRegex(done.out, r"(?m)^age +100% +int32 67%, string 33%")
        self.assertRegex(done.out, r"(?m)^legacy +33% +bool")

    def test_preview(self):
        done = self.lugger("preview", "users.lua", *PLACES, status=0)
        self.assertIn("ann@example.com", done.out.lower())
        self.assertRegex(done.out, r"rejected \(1\)")
        self.assertRegex(
            done.out, r'64f1c0a2b3c4d5e6f7a8b902 +bad_value\n +age: cannot read "n/a" as int4; set on_error')
        self.assertFalse(os.path.exists(os.path.join(self.dir, "out.jsonl")))

    def test_preview_of_one(self):
        done = self.lugger("preview", "users.lua", *PLACES, "-n", "1", status=0)
        self.assertIn("users (1 row)", done.out)
        self.assertNotIn("rejected", done.out)

    def test_control_characters_never_reach_the_terminal(self):
        self.write_json_lines("users.json", [{"_id": 1, "email": "a\u001b[31mb\nc", "age": 1}])
        done = self.lugger("preview", "users.lua", *PLACES, status=0)
        self.assertNotIn("\u001b", done.out)
        self.assertIn("a\\x1b[31mb\\nc", done.out)

    def test_trace(self):
        done = self.lugger("trace", "users.lua", "64f1c0a2b3c4d5e6f7a8b902", *PLACES, status=0)
        self.assertRegex(done.out, r'(?m)^age +string "n/a" +int4')
        self.assertIn('cannot read "n/a" as int4', done.out)

    def test_trace_of_nobody(self):
        self.assertIn("nobody", self.lugger("trace", "users.lua", "nobody", *PLACES, status=1).err)

    def test_watch(self):
        process = subprocess.Popen([harness.binary(), "preview", "users.lua", *PLACES, "--watch"],
                                   cwd=self.dir, env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in process.stdout], daemon=True).start()

        def until(word):
            seen, end = "", time.monotonic() + 60
            while word not in seen and time.monotonic() < end:
                try:
                    seen += lines.get(timeout=1)
                except queue.Empty:
                    pass
            self.assertIn(word, seen)
            return seen

        try:
            until("watching users.lua")
            self.write("users.lua",
                       project.USERS_LUA.replace("{ 'age', 'int4' }", "{ 'age', 'int4', on_error = 'null' }"))
            changed = until("rejects 1 -> 0")
            self.assertIn("64f1c0a2b3c4d5e6f7a8b902", changed)
            self.assertIn("1 document changed", changed)
            self.assertNotIn("64f1c0a2b3c4d5e6f7a8b901", changed)
            self.write("users.lua", "this is not Lua")
            until("error: ")
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


class JsonLinesTarget(project.Case):
    def test_run_into_a_file(self):
        self.users_project()
        done = self.lugger("run", "users.lua", *PLACES, status=3)
        self.assertIn("read 3 = inserted 2", done.err)
        rows = [line for line in self.read("out.jsonl").split("\n") if line]
        self.assertEqual(len(rows), 2)
        self.assertIn("bad_value", self.lugger("rejects", "users.lua", *PLACES, status=0).out)
        self.assertIn("done", self.lugger("runs", "users.lua", *PLACES, status=0).out)


if __name__ == "__main__":
    harness.main()
