#!/usr/bin/env python3
"""The SQL functions and the JavaScript twin give the texts of tests/data/id_text_vectors.json. Exits
77 without PostgreSQL or node."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = os.path.join(ROOT, "tests", "data", "id_text_vectors.json")
SQL = os.path.join(ROOT, "stdlib", "sql", "mongo_id.sql")
JS = os.path.join(ROOT, "stdlib", "sql", "mongo_id.js")
DRIVER = os.path.join(ROOT, "tests", "integration", "id_text_driver.js")


def server_bin():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    return os.path.dirname(found[-1]) if found else None


class Server:
    """A PostgreSQL of our own on a unix socket in a temporary directory."""

    def __init__(self, binaries):
        self.binaries = binaries
        self.directory = tempfile.mkdtemp(prefix="lugger-id-")
        self.data = os.path.join(self.directory, "data")
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                 "-N")
        options = f"-k {self.directory} -c listen_addresses='' -c fsync=off"
        self.run("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.directory, "log"), "-o", options,
                 "start")

    def run(self, tool, *arguments):
        command = [os.path.join(self.binaries, tool), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def sql(self, text, variables=()):
        command = ["psql", "-h", self.directory, "-U", "postgres", "-d", "postgres", "-X", "-q", "-A", "-t",
                   "-v", "ON_ERROR_STOP=1"]
        for name, value in variables:
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", check=False)
        return done.returncode, done.stdout, done.stderr

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")
        shutil.rmtree(self.directory)


class SqlTwin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(server_bin())
        with open(SQL, encoding="utf-8") as file:
            text = file.read()
        for _ in range(2):  # it can be installed over itself
            code, _, errors = cls.server.sql(text)
            assert code == 0, errors
        with open(VECTORS, encoding="utf-8") as file:
            cls.vectors = json.load(file)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def text_of(self, value, kind="json"):
        code, out, errors = self.server.sql(f"select to_json(lugger.mongo_id(:'id'::{kind}))",
                                            [("id", json.dumps(value, ensure_ascii=False))])
        self.assertEqual(code, 0, errors)
        return json.loads(out)

    def test_every_vector(self):
        for vector in self.vectors:
            with self.subTest(vector["name"]):
                self.assertEqual(self.text_of(vector["id"]), vector["safe"])

    def test_jsonb_where_order_does_not_matter(self):
        for vector in self.vectors:
            plain = isinstance(vector["id"], dict) and vector["safe"].startswith("$o:") and len(vector[
                "id"]) > 1
            if not plain:
                with self.subTest(vector["name"]):
                    self.assertEqual(self.text_of(vector["id"], "jsonb"), vector["safe"])

    def test_jsonb_documents_are_refused(self):
        code, _, errors = self.server.sql("select lugger.mongo_id('{\"b\":1,\"a\":2}'::jsonb)")
        self.assertNotEqual(code, 0)
        self.assertIn("Pass the _id as json", errors)

    def test_null(self):
        self.assertEqual(self.server.sql("select lugger.mongo_id(null::json) is null")[1].strip(), "t")

    def test_uuid(self):
        space = uuid.uuid5(uuid.uuid5(uuid.UUID(int=0), "lugger"), "shop.users")
        wanted = str(uuid.uuid5(space, "Zoë"))
        code, _, errors = self.server.sql("select lugger.mongo_uuid('shop.users', 'Zoë')")
        self.assertNotEqual(code, 0)
        self.assertIn("uuid-ossp", errors)
        for extension in ("pgcrypto", "uuid-ossp"):
            code, out, errors = self.server.sql(
                f'create schema "odd Name"; create extension "{extension}" schema "odd Name";'
                "select lugger.mongo_uuid('shop.users', 'Zoë');"
                f'drop extension "{extension}"; drop schema "odd Name"')
            if "could not open extension control file" in errors or "is not available" in errors:
                self.skipTest(f"{extension} is not installed")
            self.assertEqual((code, out.strip()), (0, wanted), errors)


class JsTwin(unittest.TestCase):
    def test_every_vector(self):
        out = subprocess.run(["node", DRIVER, JS, VECTORS], capture_output=True, encoding="utf-8",
                             check=True).stdout
        texts = json.loads(out)
        with open(VECTORS, encoding="utf-8") as file:
            vectors = json.load(file)
        self.assertEqual(len(texts), len(vectors))
        for (name, text), vector in zip(texts, vectors):
            if name == "date beyond JavaScript's":
                continue  # such a value cannot reach JavaScript as a Date
            with self.subTest(name):
                self.assertEqual(text, vector["safe"])

    def test_what_is_no_id(self):
        for value in ("undefined", "'a\\0b'"):
            code = (f"try {{ require({json.dumps(JS)}).mongoId({value}); process.exit(1) }} catch (e) {{ "
                    f"process.exit(e instanceof TypeError ? 0 : 2) }}")
            self.assertEqual(subprocess.run(["node", "-e", code], check=False).returncode, 0)

    def test_values_of_javascript(self):
        cases = {"5": "$n:5", "5n": "$n:5", "0.5": "$n:0.5", "new Date(7)": "$d:7",
                 "/a/i": '$r:{"$regularExpression":{"pattern":"a","options":"i"}}',
                 "Buffer.from([0,1])": "$x:00:AAE=", "new Map([['b',1],['a',2]])": '$o:{"b":1,"a":2}'}
        for value, wanted in cases.items():
            code = f"process.stdout.write(require({json.dumps(JS)}).mongoId({value}))"
            out = subprocess.run(["node", "-e", code], capture_output=True, encoding="utf-8",
                                 check=True).stdout
            self.assertEqual(out, wanted)


if __name__ == "__main__":
    missing = [what for what, here in (("PostgreSQL", server_bin()), ("psql", shutil.which("psql")),
                                       ("node", shutil.which("node"))) if not here]
    if missing:
        print("skipped: no " + ", no ".join(missing), file=sys.stderr)
        sys.exit(77)
    unittest.main()
