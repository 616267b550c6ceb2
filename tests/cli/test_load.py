"""The story: describe, plan, preview, run, rejects, retry, runs, status, psql, on a private PostgreSQL."""
import json
import os
import signal
import subprocess
import time

import harness
import project
from postgres import binaries

PLACES = ["--from", "users.json", "--into", "local:./pg"]


class Story(project.Case):
    def setUp(self):
        super().setUp()
        self.users_project()

    def sql(self, statement):
        return self.lugger("psql", "local:./pg", "-At", "-c", statement, status=0).out.strip()

    def test_paths_that_no_document_had(self):
        documents = [{"_id": i, "email": "x", "lines": [{"sku": "s"}], "some": i % 2 or None}
                     for i in range(50)]
        documents[40]["rare"] = 1
        self.write("a.json", ''.join(json.dumps(d) + "\n" for d in documents))
        self.write("a.lua", """local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source 'a.json', into = lugger.target('out.jsonl', { key = 'id' }), unmapped = 'ignore',
  columns = { { 'id', 'int4', from = '_id' }, { 'mail', 'text', from = 'emial' }, { 'some', 'int4' },
    { 'rare', 'int4' }, { 'zip', 'text', from = 'ship.zip' }, { 'rest', 'jsonb', from = '*' } },
  children = { { table = 'l', from = 'lines[]', columns = { { 'skuu', 'text' } } },
    { table = 't', from = 'tagz[]', columns = { { 'tag', 'text', from = '.' } } } },
}""")
        for jobs in ("1", "2"):
            err = self.lugger("run", "a.lua", "-j", jobs, "--again", status=0).err
            self.assertIn("no document had: emial (column mail), lines[].skuu, ship.zip (column zip), "
                          "tagz[] (table t)", " ".join(err.split()))
            self.assertNotIn("rare", err)
        found = self.lugger("run", "a.lua", "--again", "--log", "json", status=0).err.split("\n")
        last = [json.loads(line) for line in found if line.startswith("{") and '"unmet"' in line][-1]
        self.assertEqual(len(last["unmet"]), 4)

    def test_from_plan_to_retry(self):
        plan = self.lugger("plan", "users.lua", *PLACES, "--create", status=0)
        self.assertIn("CREATE TABLE", plan.out)
        self.assertIn("PostgreSQL", plan.out)
        self.assertRegex(plan.out, r"age +int4 ")

        done = self.lugger("run", "users.lua", *PLACES, "--create", status=3)
        self.assertEqual(done.out, "")
        self.assertIn("read 3 = inserted 2 + updated 0 + unchanged 0 + skipped 0 + rejected 1", done.err)
        self.assertIn("legacy (1 document)", done.err)
        self.assertIn('age: cannot read "n/a" as int4: 1 document, first 64f1c0a2b3c4d5e6f7a8b902', done.err)
        self.assertIn("lugger rejects users.lua", done.err)
        self.assertEqual(self.sql("select count(*), sum(age) from users"), "2|38")

        rejects = self.lugger("rejects", "users.lua", *PLACES, status=0)
        self.assertIn("64f1c0a2b3c4d5e6f7a8b902", rejects.out)
        self.assertIn("age", rejects.out)
        self.lugger("rejects", "users.lua", *PLACES, "--export", "refused.jsonl", status=0)
        record = json.loads(self.read("refused.jsonl"))
        self.assertEqual(record["code"], "bad_value")
        self.assertEqual(record["document"]["age"], "n/a")
        self.assertEqual(record["document"]["_id"], {"$oid": "64f1c0a2b3c4d5e6f7a8b902"})

        self.write("users.lua",
                   project.USERS_LUA.replace("{ 'age', 'int4' }", "{ 'age', 'int4', on_error = 'null' }"))
        retry = self.lugger("rejects", "users.lua", *PLACES, "--retry", status=0)
        self.assertIn("read 1 = inserted 1", retry.err)
        self.assertEqual(self.sql("select count(*), count(age) from users"), "3|2")
        self.assertIn("no rejects", self.lugger("rejects", "users.lua", *PLACES, status=0).err)

        runs = self.lugger("runs", "local:./pg", status=0)
        self.assertIn("done", runs.out)
        run_id = runs.out.split("\n")[1].split()[0]
        status = self.lugger("status", run_id, "local:./pg", status=0)
        self.assertIn(run_id, status.out)
        self.assertIn("books", status.out)
        self.assertIn("no run ffffffff", self.lugger("status", "ffffffff", "local:./pg", status=1).err)

    def test_running_twice_changes_nothing(self):
        self.lugger("run", "users.lua", *PLACES, "--create", status=3)
        again = self.lugger("run", "users.lua", *PLACES, status=3)
        self.assertRegex(
            again.err, r"read 3 = inserted 0 \+ updated (2|0) \+ unchanged (0|2) \+ skipped 0 \+ rejected 1")
        self.assertEqual(self.sql("select count(*) from users"), "2")

    def test_a_missing_table_names_the_flag(self):
        done = self.lugger("run", "users.lua", *PLACES, status=1)
        self.assertIn("--create", done.err)

    def test_dry_run_and_limit(self):
        done = self.lugger("run", "users.lua", *PLACES, "--create", "--dry-run", status=3)
        self.assertIn("nothing was written", done.err)
        self.assertEqual(self.sql("select to_regclass('users') is null"), "t")
        limited = self.lugger("run", "users.lua", *PLACES, "--create", "--limit", "1", status=0)
        self.assertIn("read 1 = inserted 1", limited.err)

    def test_log_json(self):
        done = self.lugger("run", "users.lua", *PLACES, "--create", "--log", "json", status=3)
        events = [json.loads(line) for line in done.err.strip().split("\n")]
        self.assertEqual(events[0]["event"], "plan")
        self.assertEqual(events[-1]["event"], "end")
        self.assertEqual(events[-1]["read"], 3)
        self.assertEqual(events[-1]["reject_codes"], {"bad_value": 1})
        self.assertIs(events[-1]["balanced"], True)

    def test_quiet(self):
        self.assertEqual(self.lugger("run", "users.lua", *PLACES, "--create", "--quiet", status=3).err, "")

    def test_the_bundled_script(self):
        done = self.lugger("run", "mongo_to_postgres", *PLACES, "--create", status=0)
        self.assertIn("read 3 = inserted 3", done.err)
        self.assertEqual(self.sql("select count(*) from users"), "3")

    def test_a_cause_that_several_jobs_share_is_told_once(self):
        dump = harness.DATA.parent.parent / "examples" / "shop" / "dump"
        done = self.lugger("run", "mongo_to_postgres", "--from", dump, "--into",
                           "postgresql://nobody@127.0.0.1:1/x", status=1)
        self.assertEqual(done.err.count("cannot connect"), 1)
        self.assertRegex(" ".join(done.err.split()),
                         r"error: shop\.\w+, shop\.\w+, shop\.\w+ and \d+ more: cannot connect")

    def test_on_conflict_of_the_command_line_wins(self):
        self.lugger("run", "users.lua", *PLACES, "--create", status=3)
        done = self.lugger("run", "users.lua", *PLACES, "--on-conflict", "error", status=3)
        self.assertIn("users refuses keys that are there", " ".join(done.err.split()))
        done = self.lugger("run", "users.lua", *PLACES, "--on-conflict", "error", "--again", status=1)
        self.assertIn("on_conflict", done.err)

    def test_detach(self):
        done = self.lugger("run", "users.lua", *PLACES, "--create", "--detach", status=0)
        self.assertRegex(done.out, r"^\d+\n$")
        log = [word for word in done.err.split() if word.endswith(".log")][0]
        for _ in range(300):
            with open(log, encoding="utf-8") as file:
                text = file.read()
            if "read 3" in text:
                break
            time.sleep(0.1)
        self.assertIn("read 3 = inserted 2", text)


class Ledger(project.Case):
    def test_prune_removes_finished_runs_and_their_rejects(self):
        self.users_project()
        for _ in range(3):
            self.lugger("run", "users.lua", *PLACES, "--create", status=3)
        self.assertIn("0 runs and 0 rejects",
                      self.lugger("state", "prune", PLACES[-1], "--older-than", "1d", status=0).err)
        self.assertIn("2 runs and 0 rejects",
                      self.lugger("state", "prune", PLACES[-1], "--keep", "1", status=0).err)
        self.assertIn("1 run and 1 reject",
                      self.lugger("state", "prune", PLACES[-1], "--keep", "0", status=0).err)
        self.assertIn("no runs yet", self.lugger("runs", PLACES[-1], status=0).err)
        self.assertIn("--older-than takes",
                      self.lugger("state", "prune", PLACES[-1], "--older-than", "soon", status=2).err)

    def test_rejects_as_json(self):
        self.users_project()
        self.lugger("run", "users.lua", *PLACES, "--create", status=3)
        done = self.lugger("rejects", "users.lua", *PLACES, "--json", status=0)
        reject = json.loads(done.out)
        self.assertEqual((reject["document_id"], reject["column"], reject["code"], done.err),
                         ("64f1c0a2b3c4d5e6f7a8b902", "age", "bad_value", ""))
        self.assertNotIn("document", reject)
        exported = self.lugger("rejects", "users.lua", *PLACES, "--export", "-", status=0).out
        self.assertEqual(self.lugger("rejects", "users.lua", *PLACES, "--json", "--documents", status=0).out,
                         exported)
        self.assertEqual(self.lugger("rejects", "users.lua", *PLACES, "--json", "--limit", "0",
                                     status=0).out, "")
        self.lugger("rejects", "users.lua", *PLACES, "--json", "--retry", status=2)
        self.lugger("rejects", "users.lua", *PLACES, "--json", "--export", "-", status=2)

    def test_redacted_rejects_keep_no_document_and_stay_on_retry(self):
        self.users_project()
        self.lugger("run", "users.lua", *PLACES, "--create", "--redact", status=3)
        reject = json.loads(self.lugger("rejects", "users.lua", *PLACES, "--export", "-", status=0).out)
        self.assertEqual((reject["document_id"], reject["document"]), ("64f1c0a2b3c4d5e6f7a8b902", None))
        self.assertEqual(reject["message"], reject["code"])
        self.write("users.lua", project.USERS_LUA.replace("{ 'age', 'int4' }", "{ 'age', 'text' }"))
        retry = self.lugger("rejects", "users.lua", *PLACES, "--retry")
        self.assertIn("read 0 = inserted 0", retry.err)
        self.assertIn("1 reject", self.lugger("rejects", "users.lua", *PLACES, status=0).out)

    def test_tables_and_ledger_live_in_schemas_of_their_own(self):
        self.users_project()
        self.lugger("run", "users.lua", *PLACES, "--create", status=3)
        self.write("runs.lua",
                   project.USERS_LUA.replace("table = 'users'",
                                             "table = 'runs'").replace("name = 'users'", "name = 'runs'"))
        self.lugger("run", "runs.lua", *PLACES, "--create", status=3)
        found = self.lugger("psql", PLACES[-1], "-At", "-c",
                            "select table_schema from information_schema.tables "
                            "where table_name in ('users', 'runs') order by 1",
                            status=0)
        self.assertEqual(found.out.split(), ["lugger", "public", "public"])

    def test_looking_at_a_private_server_makes_none(self):
        for command in ("psql", "runs"):
            self.assertIn("no private server in ./typo", self.lugger(command, "local:./typo", status=1).err)
        self.assertFalse(os.path.exists(os.path.join(self.dir, "typo")))

    def test_a_run_that_committed_nothing_gives_way_to_a_changed_script(self):
        self.users_project()
        self.write("users.lua", project.USERS_LUA.replace(
            "  columns = {", "  map = function(row) row.email = row.email:lowr() end,\n  columns = {"))
        self.lugger("run", "users.lua", *PLACES, "--create", status=1)
        self.write("users.lua", project.USERS_LUA)
        self.assertIn("inserted 2", self.lugger("run", "users.lua", *PLACES, "--create", status=3).err)

    def test_a_table_without_a_key_is_warned_of(self):
        self.users_project()
        self.write("users.lua", project.USERS_LUA.replace(", key = 'mongo_id', on_conflict = 'update'", ""))
        self.assertIn("table users has no key",
                      self.lugger("run", "users.lua", *PLACES, "--create", status=3).err)


class Stopping(project.Case):
    def test_interrupt_ends_with_130_and_the_run_resumes(self):
        # A hook that works for its living keeps the run going until the signal has come.
        slow = "  map = function(row) for i = 1, 5000 do row.age = row.age end end,\n  columns = {"
        self.write("users.lua", project.USERS_LUA.replace("  columns = {", slow))
        with open(os.path.join(self.dir, "users.json"), "w", encoding="utf-8") as file:
            for number in range(60000):
                file.write('{"_id":%d,"email":"user%d@example.com","age":%d}\n' % (
                               number, number, number % 90))
        process = subprocess.Popen([harness.binary(), "run", "users.lua", *PLACES, "--create", "-j", "1",
                                    "--log", "json"],
                                   cwd=self.dir, env=self.environment(), stderr=subprocess.PIPE, text=True)
        self.assertIn('"event":"plan"', process.stderr.readline())
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        process.stderr.close()
        status = process.wait()
        self.assertEqual(status, 130, rest)
        done = self.lugger("run", "users.lua", *PLACES, "--create", "-j", "1", status=0)
        self.assertIn("read 60,000 =", done.err)
        count = self.lugger("psql", "local:./pg", "-At", "-c",
                            "select count(*), count(distinct mongo_id) from users", status=0)
        self.assertEqual(count.out.strip(), "60000|60000")
        self.assertIn('"resume_command":"lugger run users.lua', rest)
        self.assertIn("resumed", done.err)


if __name__ == "__main__":
    if not binaries():
        harness.skip("no PostgreSQL server binaries: install postgresql")
    harness.main()
