"""Where places come from, and where passwords do not go."""
import os
import time

import harness
import project

PRINT = "print(require('lugger').env.PG_URI)"


class Settings(project.Case):
    def setUp(self):
        super().setUp()
        self.write("p.lua", PRINT)

    def value(self, env=None):
        return self.lugger("p.lua", env=env, status=0).out.strip()

    def test_precedence(self):
        self.write("lugger.toml", '[env]\nPG_URI = "from-toml"\n')
        self.assertEqual(self.value(), "from-toml")
        self.write(".env", "PG_URI=from-dotenv\n")
        self.assertEqual(self.value(), "from-dotenv")
        self.assertEqual(self.value({"PG_URI": "from-environment"}), "from-environment")

    def test_forms_of_a_dotenv_file(self):
        for line, value in [("PG_URI=a b  # comment", "a b"), ("export PG_URI = a", "a"),
                            ("PG_URI='a # \"b'", "a # \"b"), ('PG_URI="a\\"b#c" # d', 'a"b#c'),
                            ("# c\n\nPG_URI=a=b", "a=b"), ("PG_URI=a\r", "a")]:
            self.write(".env", line + "\n")
            self.assertEqual(self.value(), value, line)

    def test_a_broken_dotenv_names_its_line(self):
        self.write(".env", "A=1\nnonsense\n")
        self.assertIn(".env: line 2", self.lugger("p.lua", status=1).err)
        self.write(".env", "A='1\n")
        self.assertIn("quote is not closed", self.lugger("p.lua", status=1).err)

    def test_a_missing_name_says_where_it_was_looked_for(self):
        done = self.lugger("p.lua", status=1)
        for word in ("PG_URI is not set", "environment", ".env", "lugger.toml", "--into"):
            self.assertIn(word, done.err)

    def test_connections_by_name(self):
        self.write_json_lines("users.json", project.USERS)
        self.write("lugger.toml", '[connections.shop]\nurl = "${WHERE}.json"\n')
        done = self.lugger("describe", "shop", env={"WHERE": "users"}, status=0)
        self.assertIn("email", done.out)
        self.assertIn("WHERE is not set", self.lugger("describe", "shop", status=1).err)

    def test_the_name_of_a_variable_is_no_place_and_env_in_front_is_told(self):
        env = {"MONGO_URI": "mongodb://u:geheim@127.0.0.1:1/", "PG_URI": "local:./pg", "NOTHING": "a b"}
        for command in (("describe", "MONGO_URI"), ("scaffold", "MONGO_URI", "--out", "m"),
                        ("status", "PG_URI"), ("runs", "PG_URI"), ("psql", "PG_URI"),
                        ("run", "p.lua", "--into", "PG_URI")):
            self.write("p.lua", "local l = require 'lugger' return l.copy { from = l.source 'users.json', "
                                "into = l.target('x', { table = 't' }), columns = { { 'a', 'text' } } }")
            told = self.lugger(*command, env=env, status=1).err
            name = "MONGO_URI" if "MONGO_URI" in command else "PG_URI"
            self.assertIn(f"env:{name} is the place", told, command)
            self.assertNotIn("geheim", told)
        self.assertNotIn("env:", self.lugger("describe", "NOTHING", env=env, status=1).err)
        self.write_json_lines("MONGO_URI", project.USERS)
        self.assertIn("email", self.lugger("describe", "MONGO_URI", env=env, status=0).out)

    def test_a_connection_without_url(self):
        self.write("lugger.toml", '[connections.shop]\nuri = "x"\n')
        self.assertIn('"shop" has no url', self.lugger("p.lua", status=1).err)

    def test_broken_toml(self):
        self.write("lugger.toml", "a = = 1\n")
        self.assertIn("lugger.toml", self.lugger("p.lua", status=1).err)


class Passwords(project.Case):
    URL = "postgresql://app:s3cr3t-w0rd@localhost:1/shop"

    def test_never_printed(self):
        self.users_project()
        for words in (["run", "users.lua", "--from", "users.json", "--into", self.URL],
                      ["plan", "users.lua", "--from", "users.json", "--into", self.URL], ["runs", self.URL],
                      ["describe", self.URL, "--table", "users"]):
            done = self.lugger(*words, status=1)
            self.assertNotIn("s3cr3t-w0rd", done.out + done.err, words)
            self.assertIn("a password stands in an argument", done.err)

    def test_wiped_from_the_process_list(self):
        os.mkfifo(os.path.join(self.dir, "never"))
        self.write("slow.lua", "local f = io.open('ready', 'w') f:close() io.open('never'):read('*a')")
        import subprocess
        process = subprocess.Popen([harness.binary(), "run", "slow.lua", "--into", self.URL], cwd=self.dir,
                                   env=self.environment(), stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                if os.path.exists(os.path.join(self.dir, "ready")):
                    break
                time.sleep(0.05)
            with open(f"/proc/{process.pid}/cmdline", "rb") as file:
                shown = file.read()
            self.assertIn(b"slow.lua", shown)
            self.assertNotIn(b"s3cr3t-w0rd", shown)
        finally:
            process.kill()
            process.wait()

    def test_psql_gets_it_through_the_environment(self):
        tool = self.write("bin/psql", '#!/bin/sh\necho "args: $*"\necho "password: $PGPASSWORD"\n')
        os.chmod(tool, 0o755)
        path = os.path.dirname(tool) + ":" + os.environ["PATH"]
        done = self.lugger("psql", self.URL, "-c", "select 1", env={"PATH": path}, status=0)
        self.assertIn("password: s3cr3t-w0rd", done.out)
        self.assertNotIn("s3cr3t-w0rd", done.out.split("\n")[0])
        self.assertIn("-c select 1", done.out)
        for words in (("--", "-c", "select 1"), ("-c", "select 1")):
            done = self.lugger("psql", *words, env={"PATH": path, "PG_URI": self.URL}, status=0)
            self.assertRegex(done.out, r"args: .*host='localhost'.* -c select 1\n")


class Init(project.Case):
    def test_files(self):
        self.write(".gitignore", "*.o")
        done = self.lugger("init", status=0)
        for name in ("lugger.toml", ".env.example", ".luarc.json", ".gitignore", "users.lua"):
            self.assertIn(name, done.out)
            self.assertTrue(self.read(name))
        self.assertEqual(self.read(".gitignore"), "*.o\n.env\n.lugger/\n")
        self.assertTrue(os.path.exists(os.path.join(self.dir, ".lugger/library/lugger.lua")))

    def test_the_library_for_editors_is_written_anew(self):
        old = self.write(".lugger/library/lugger/older/gone.lua", "---@class lugger.job\n")
        self.lugger("init", status=0)
        self.assertFalse(os.path.exists(old))
        for name in ("schema.lua", "inner/job/job.lua"):
            self.assertTrue(os.path.exists(os.path.join(self.dir, ".lugger/library/lugger", name)))

    def test_nothing_is_overwritten(self):
        self.write("users.lua", "-- mine\n")
        self.lugger("init", status=0)
        again = self.lugger("init", status=0)
        self.assertIn("kept", again.out)
        self.assertEqual(self.read("users.lua"), "-- mine\n")
        self.assertEqual(self.read(".gitignore").count(".env"), 1)

    def test_a_systemd_unit(self):
        self.write("users.lua", "return {}")
        done = self.lugger("init", "--systemd", "users.lua", status=0)
        unit = self.read("lugger-users.service")
        self.assertIn("lugger run users.lua", unit)
        self.assertIn("WorkingDirectory=" + self.dir, unit)
        self.assertIn("SuccessExitStatus=3", unit)
        self.assertIn("systemctl enable", done.err)

    def test_a_directory_is_no_script_for_a_unit(self):
        self.lugger("init", "shop", status=0)
        self.assertIn("there is no script shop/jobs/",
                      self.lugger("init", "--systemd", "shop/jobs/", status=1).err)

    def test_s0_02_a_unit_that_keeps_to_its_hours(self):
        self.write("fix.lua", "return {}")
        self.lugger("init", "--systemd", "fix.lua", "--apply", "--window", "22:00-05:00", status=0)
        self.assertIn("lugger run fix.lua --log plain --apply --window 22:00-05:00\n",
                      self.read("lugger-fix.service"))
        self.assertIn("is not a window of the day",
                      self.lugger("init", "--systemd", "fix.lua", "--window", "tonight", status=1).err)


if __name__ == "__main__":
    harness.main()
