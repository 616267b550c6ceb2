"""lugger init DIR, and lugger test: mappings on sample documents, without a database."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import harness
import project


class Init(project.Case):
    def test_a_repository_that_works_as_it_stands(self):
        done = self.lugger("init", "shop", status=0)
        self.assertIn("next:", done.err)
        for name in ("lugger.toml", ".env.example", ".luarc.json", ".luacheckrc", "README.md",
                     "jobs/users.lua", "tests/users_test.lua", ".github/workflows/check.yml", ".gitignore",
                     ".lugger/library/lugger.lua", ".lugger/library/meta/native.lua"):
            self.assertTrue(os.path.exists(os.path.join(self.dir, "shop", name)), name)
        self.assertEqual(len(os.listdir(os.path.join(self.dir, "shop", "migrations"))), 1)
        tested = harness.lugger("test", "tests/", cwd=os.path.join(self.dir, "shop"), env=self.environment(),
                                expect=0)
        self.assertIn("2 passed, 0 failed", tested.out)
        if shutil.which("luacheck"):
            checked = subprocess.run(["luacheck", "-q", "."], cwd=os.path.join(self.dir, "shop"),
                                     capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stdout)

    def commands(self, text):
        """Every command of the ```sh blocks, in their order."""
        blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S)
        return [line for block in blocks for line in block.splitlines()]

    def test_c16_the_workflow_is_yaml_and_its_steps_run(self):
        self.lugger("init", "shop", status=0)
        text = self.read("shop/.github/workflows/check.yml")
        for line in text.splitlines():
            self.assertRegex(line, r"^ *(#.*|(- )?[\w-]+:( .*)?)$")
        steps = re.findall(r"^ +- run: (.*)$", text, re.M)
        self.assertIn("lugger test tests/", steps)
        try:
            import yaml
            found = yaml.safe_load(text)["jobs"]["check"]["steps"]
            self.assertEqual([step["run"] for step in found if "run" in step], steps)
        except ImportError:
            pass
        for step in steps:
            words = step.split()
            if words[0] == "lugger":
                harness.lugger(*words[1:], cwd=os.path.join(self.dir, "shop"), env=self.environment(),
                               expect=0)

    def test_c16_the_readme_is_typed_from_top_to_bottom(self):
        self.lugger("init", "shop", status=0)
        shop = Path(self.dir, "shop")
        shutil.copytree(harness.ROOT / "examples/shop/dump", shop / "dump")
        (shop / "bin").mkdir()
        (shop / "bin/lugger").symlink_to(harness.binary())
        os.chmod(self.dir, 0o755)
        commands = self.commands((shop / "README.md").read_text())
        self.assertGreater(len(commands), 5)
        for command in commands:
            done = subprocess.run(["bash", "-euc", command], cwd=shop,
                                  env=harness.clean_environment({"PATH": f"{shop}/bin:{os.environ['PATH']}"}),
                                  capture_output=True, text=True, timeout=120)
            self.assertIn(done.returncode, (0, 3), (command, done.stdout, done.stderr))

    def test_nothing_is_overwritten(self):
        self.lugger("init", "shop", status=0)
        for name in ("README.md", "jobs/users.lua"):
            self.write("shop/" + name, "-- mine\n")
        again = self.lugger("init", "shop", status=0)
        self.assertIn("kept     shop/migrations/", again.out)
        self.assertEqual(self.read("shop/README.md"), "-- mine\n")
        self.assertEqual(self.read("shop/jobs/users.lua"), "-- mine\n")


class Tests(project.Case):
    def setUp(self):
        super().setUp()
        self.write("jobs/orders.lua", """
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source(lugger.env.MONGO_URI, { collection = 'shop.orders' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'orders', key = 'mongo_id' }),
  columns = { { 'mongo_id', 'text', from = '_id' }, { 'total', 'numeric(12,2)' }, { 'at', 'timestamptz' },
    { 'tags', 'text[]' }, { 'rest', 'jsonb', from = '*' } },
  children = { { table = 'items', from = 'items[]', columns = { { 'sku', 'text' } } } },
  map = function(row, doc) if doc.deleted then return lugger.skip 'deleted' end end,
}
""")

    def run_test(self, text, *args, status=0):
        self.write("tests/orders_test.lua",
                   "local lugger = require 'lugger'\nlocal t = require 'lugger.test'\n"
                   "local orders = t.job '../jobs/orders.lua'\n"
                       + text)
        return self.lugger("test", *(args or ("tests/orders_test.lua",)), status=status)

    def test_values_are_compared_as_the_column_reads_them(self):
        done = self.run_test("""
t.case('rows, children, rejects, skips', function(t)
  local docs = {
    { _id = 1, total = lugger.decimal '9.9', at = lugger.date '2026-01-05T10:00:00Z',
      tags = { 'a', lugger.null }, items = { { sku = 'x' }, { sku = 'y' } }, more = { 1, 2 } },
    { _id = 2, total = 'abc' },
    { _id = 3, deleted = true },
  }
  t.rows(orders, docs):equals { { mongo_id = '$n:1', total = 9.90, at = '2026-01-05 10:00Z',
    tags = { 'a', lugger.null }, rest = { more = { 1, 2 } } } }
  t.rows(orders, docs, 'items'):count(2):equals { { sku = 'x' }, { sku = 'y' } }
  t.rejects(orders, docs):equals { { id = '$n:2', column = 'total' } }
  t.skipped(orders, docs):equals { { id = '$n:3' } }
  t.rows(orders, { '{"_id": {"$numberLong": "5"}, "total": 1}' }):equals
    { { total = lugger.decimal '1.00', at = lugger.null } }
  t.expect(('x'):rep(3)):equals('xxx'):matches('^x+$')
  t.expect(function() error 'boom' end):raises 'boom'
end)
""")
        self.assertEqual(done.out, "ok     rows, children, rejects, skips\n1 passed, 0 failed\n")

    def test_a_failure_shows_the_difference_and_its_line(self):
        done = self.run_test("t.case('wrong', function()\n  t.rows(orders, { { _id = 1, total = 2 } "
                             "}):equals { { total = 3, nothing = 1 } }\nend)\n"
                             "t.case('too few', function() t.rows(orders, {}):equals { { total = 3 } } end)\n"
                             "t.case('right', function() t.expect(1):equals(1) end)\n"
                             "t.case('broken', function() local x = nil; x.y = 1 end)\n",
                             status=1)
        self.assertIn("orders_test.lua:5: wrong", done.out)
        self.assertIn("row 1, total:\n    - 3\n    + 2.00", done.out)
        self.assertIn("there is no column nothing", done.out)
        self.assertIn("row 1 is missing", done.out)
        self.assertIn("attempt to index", done.out)
        self.assertIn("1 passed, 3 failed", done.out)

    def test_golden_rows(self):
        text = ("t.case('golden', function() t.rows(orders, { { _id = 1, total = %s } }):golden "
                "'golden/orders.txt' end)\n")
        self.assertIn("lugger test --update writes it", self.run_test(text % 1, status=1).out)
        self.run_test(text % 1, "tests/", "--update")
        self.run_test(text % 1)
        self.assertIn("- total: 1.00\n    + total: 2.00", self.run_test(text % 2, status=1).out)

    def test_mistakes(self):
        self.assertIn("there is no test nowhere", self.lugger("test", "nowhere", status=1).err)
        self.assertIn("has no case", self.run_test("", status=1).err)
        self.assertIn("no case was run",
                      self.run_test("t.case('a', function() end)\n", "tests/", "--only", "zzz", status=1).err)

    def test_in_a_sandbox(self):
        self.run_test("t.case('a', function() t.rows(orders, { { _id = 1 } }):count(1) "
                      "assert(io == nil) end)\n",
                      "tests/", "--sandbox")


if __name__ == "__main__":
    harness.main()
