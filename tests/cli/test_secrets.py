"""Passwords stand in no output, whatever form they have and wherever they were typed."""
import os

import harness
import project
from postgres import Postgres

URL = "postgresql://u:Zq9@h/d"
PLACES = (URL, " " + URL, "\n" + URL, "jdbc:postgresql://h/d?user=u&password=Zq9", "u:Zq9@h:5432/d",
          "u:Zq9@h", "postgresql:u:Zq9@h/d",
          "postgresql//u:Zq9@h/d", "scram_client_key=Zq9 host=127.0.0.1",
          "host=127.0.0.1 port=1 password=a\\ Zq9", "host=h password='a\\'Zq9' x",
          "postgresql://u:a Zq9@h/d?x=1", "postgresql://127.0.0.1:1/d?passwor%64=Zq9",
          "postgresql://127.0.0.1:1/d?user=u&%70ass%77ord=Zq9", "postgres://u:Zq9#x@127.0.0.1:1/d",
          "postgresql://u:a?Zq9@127.0.0.1:1/d", "postgresql://u:a@Zq9/x@127.0.0.1:1/d",
          "postgresql://u:a?b=Zq9&c@127.0.0.1:1/d",
          "user=u password = 'a b\\'Zq9' host=127.0.0.1 port=1",
          "host=127.0.0.1 port=1 password=a\\ b\\ Zq9 user=u", "postgres//u:Zq9@h",
          "postgresql:///d?host=/nowhere&user=u&password=Zq9")


class Case(project.Case):
    def silent(self, *words, **more):
        done = self.lugger(*words, env={"LUGGER_CONNECT_WAIT": "0", **more.pop("env", {})}, **more)
        self.assertNotIn("Zq9", done.out + done.err, words)
        self.assertNotIn("zq9",
                         "".join(name.lower() for _, directories, files in os.walk(
                                     self.dir) for name in directories + files),
                         words)
        return done


class Places(Case):
    def test_b3_no_form_is_printed(self):
        self.users_project()
        for place in PLACES:
            for words in (("run", "users.lua", "--from", "users.json", "--into", place, "--create"),
                          ("run", "users.lua", "--log", "json", "--from", "users.json", "--into", place),
                          ("describe", place, "--table", "t"), ("psql", place, "-c", "select 1"),
                          ("runs", place), ("plan", "users.lua", "--from", "users.json", "--into", place),
                          ("verify", "users.lua", "--from", "users.json", "--into", place),
                          ("migrate", "status", "--on", place)):
                with self.subTest(words=words):
                    self.assertNotEqual(self.silent(*words).status, 0)
            self.silent("state", "sql", place)
            text = project.json.dumps(place)
            with self.subTest(prompt=place):
                self.silent("repl",
                            stdin=f"t = target({text})\nt\nprint(t)\npg.use({text})\npg 'select 1'\n"
                                  f"x = pg.open({text})\nx\nx 'select 1'\nsource({text}):describe()\n")
            with self.subTest(toml=place):
                self.write("lugger.toml", f"[connections.shop]\nurl = {text}\n")
                self.silent("describe", "shop", "--table", "t")
                self.silent("psql", "shop")
                os.remove(os.path.join(self.dir, "lugger.toml"))

    def test_b3_nor_where_another_word_belongs(self):
        self.users_project()
        for place in (URL, "host=h password=Zq9", "u:Zq9@h:5432/d",
                      "jdbc:postgresql://h/d?user=u&password=Zq9"):
            for words in ((),
                          *((name,) for name in ("run", "plan", "preview", "verify", "repair", "refs",
                                                 "trace", "lint", "test", "help", "ctl", "init", "undo")),
                          ("migrate",), ("migrate", "up"), ("migrate", "import"), ("migrate", "down"),
                          ("migrate", "baseline"), ("migrate", "new"), ("run", "users.lua"),
                          ("run", "users.lua", "--limit"), ("run", "users.lua", "--on-conflict"),
                          ("describe", "users.json", "--collection"), ("scripts", "show"),
                          ("verdict", "check", "x", "--key"), ("scaffold", "users.json", "--out"),
                          ("rejects", "users.lua", "--export"), ("completion",),
                          ("log",), ("run", "users.lua", "--from", "users.json", "--into", "out.jsonl"),
                          ("migrate", "new", "x", "--dir")):
                with self.subTest(words=words, place=place):
                    done = self.silent(*words, place)
                    if words[0:1] not in (("describe",), ("log",)):  # which look at what is there
                        self.assertNotEqual(done.status, 0)

    def test_a_place_is_no_path(self):
        self.write_json_lines("users.json", project.USERS)
        for words in (("init", "postgresql://h/d"), ("scaffold", "users.json", "--out", "postgresql://h/d"),
                      ("init", "mongodb://h"), ("init", URL)):
            done = self.silent(*words, status=1)
            self.assertIn("is a database, and no path of files", done.err)
        self.assertEqual(os.listdir(self.dir), ["users.json"])


class Psql(Case):
    def setUp(self):
        super().setUp()
        tool = self.write("bin/psql", '#!/bin/sh\nprintf "%s\\n" "$@"\necho "password: $PGPASSWORD"\n')
        os.chmod(tool, 0o755)
        self.path = os.path.dirname(tool) + ":" + os.environ["PATH"]

    def test_it_is_read_as_libpq_does(self):
        for place, conninfo, password in (
                ("host=h password=a\\ Zq9 user=u", "host='h' user='u'", "a Zq9"),
                ("host=h password='a\\'Zq9'", "host='h'", "a'Zq9"),
                ("postgresql://u:Zq%409@h/d", "host='h' user='u' dbname='d'", "Zq@9"),
                ("postgresql://h/d?passwor%64=Zq9", "host='h' dbname='d'", "Zq9"),
                ("postgresql://u:Zq9@h:5/it's", "host='h' port='5' user='u' dbname='it\\'s'", "Zq9"),
                ("postgresql://u:Zq9?x@h/d", "host='h' user='u' dbname='d'", "Zq9?x"),
                ("postgresql:///d", "dbname='d'", "")):
            with self.subTest(place=place):
                done = self.lugger("psql", place, "-c", "select 1", env={"PATH": self.path}, status=0)
                words = done.out.split("\n")
                self.assertEqual(sorted(words[0].split(" ")), sorted(conninfo.split(" ")))
                self.assertEqual(words[1:4], ["-c", "select 1", "password: " + password])

    def test_other_secrets_have_no_way(self):
        for place in ("host=h sslpassword=Zq9", "postgresql://h/d?sslpassword=Zq9",
                      "dbname='x password=Zq9'"):
            with self.subTest(place=place):
                self.silent("psql", place, env={"PATH": self.path}, status=1)


class Saved(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        super().setUp()
        self.db = self.server.fresh()
        self.url = self.with_password(self.db.url)

    @staticmethod
    def with_password(url):
        return url + ("&" if "?" in url else "?") + "password=Zq9"

    def session(self, *lines, env=None):
        return self.silent("repl", stdin="".join(line + "\n" for line in lines),
                           env={"PG_URI": self.url, **(env or {})}, status=0)

    def saved(self):
        directory = os.path.join(self.dir, "migrations")
        return "".join(self.read(os.path.join("migrations", name))
                       for name in (os.listdir(directory) if os.path.isdir(directory) else ()))

    def test_the_main_database_opened_again_is_the_main_one(self):
        self.session("pg 'create table q5 (a int)'", "w = pg.open(env.PG_URI)", "w 'create table w5 (x int)'",
                     ":save mig")
        self.assertNotIn("Zq9", self.saved())
        self.db.query("drop table q5; drop table w5")
        self.silent("migrate", "up", env={"PG_URI": self.url}, status=0)
        self.assertEqual(self.db.query("select count(*) from pg_class where relname in ('q5', 'w5')"), "2")

    def test_another_place_has_a_name_or_is_refused_at_once(self):
        other = self.with_password(self.server.fresh().url)
        lines = ("pg 'create table q5 (a int)'", "w = pg.open(env.OTHER)", "w 'create table w5 (x int)'",
                 ":save mig")
        done = self.session(*lines, env={"OTHER": other})
        self.assertIn("a migration reaches other databases by their names in lugger.toml", done.err)
        self.assertEqual(self.saved(), "")
        self.db.query("drop table q5")
        self.write("lugger.toml", '[connections.other]\nurl = "${OTHER}"\n')
        self.session("pg 'create table q5 (a int)'", "w = pg.open(env.OTHER)", "pg.use(env.OTHER)",
                     "pg 'create table w6 (x int)'", ":save mig", env={"OTHER": other})
        text = self.saved()
        self.assertIn("pg.open(\"other\")", text)
        self.assertIn('pg.use "other"', text)
        self.db.query("drop table q5")

    def test_a_url_where_a_name_belongs_reaches_no_ledger(self):
        self.write("migrations/20260101000001_x.lua",
                   f"return {{ up = function(db, dbs) dbs['{self.url}']:exec('select 1') end }}\n")
        done = self.silent("migrate", "up", env={"PG_URI": self.url}, status=1)
        self.assertIn("by their names alone", done.err)
        self.assertNotIn("Zq9", self.db.query("select string_agg(m::text, ' ') from lugger.migrations m"))

    def test_what_turned_up_as_a_secret_is_not_written(self):
        place = f"pg.use('{self.db.url}' .. '{'&' if '?' in self.db.url else '?'}password=' .. p)"
        for lines in (("p = 'Zq9'", place, "pg 'create table s1 (a int)'"),
                      ("p = [[Zq9]]", place, "pg 'create table s2 (a int)'"),
                      ("pg 'create role zz1'", "pg([[alter role zz1 password ]] .. \"'Zq9'\")"),
                      ("pg(('create role zz2 password %s'):format([['Zq9']]))",),
                      ("p = 'Zq9'", "t = target('postgresql://u:' .. p .. '@h/d')",
                       "pg 'create table s3 (a int)'")):
            for name in ("a.lua", "mig"):
                with self.subTest(lines=lines, name=name):
                    self.db.query("drop role if exists zz1, zz2; drop table if exists s1, s2, s3")
                    done = self.session(*lines, f":save {name}")
                    self.assertIn("holds a password", done.err)
                    self.assertFalse(os.path.exists(os.path.join(self.dir, "a.lua")))
                    self.assertEqual(self.saved(), "")


class Kept(Case):
    """b3: the same where a connection succeeds, in whatever is kept or seen from outside."""

    # The server trusts whoever comes by its socket, so that a connection succeeds with any password.
    SPELLINGS = (
        "{url}&pass%77ord=Zq9", "{url}&p%61ssword=x&password=Zq9", "{url}&sslpassword=Zq9",
        "host={directory} user=postgres dbname={name} password=a\\ Zq9",
        "host={directory} user=postgres password = 'it\\'s Zq9' dbname={name}",
        "postgresql://postgres:Zq9#x@{quoted}/{name}", "postgresql://postgres:a?b=Zq9@{quoted}/{name}",
        "postgresql://postgres:Zq9%40x@{quoted}/{name}", "service=shop", "postgresql:///{name}?service=shop",
    )

    def environment_for(self, server, database):
        service = os.path.join(harness.scratch(), "services")
        with open(service, "w", encoding="utf-8") as file:
            file.write(f"[shop]\nhost={server.directory}\nuser=postgres\ndbname={database.name}\n"
                       "password=Zq9\n")
        return {"MONGO_URI": "users.json", "HOME": self.dir, "PGSERVICEFILE": service}

    def test_b3_nothing_that_is_kept_holds_it(self):
        server = Postgres()
        for spelling in self.SPELLINGS:
            with self.subTest(spelling=spelling):
                database = server.fresh()
                url = spelling.format(url=database.url, directory=server.directory, name=database.name,
                                      quoted=server.directory.replace("/", "%2F"))
                self.dir = harness.scratch()
                self.users_project()
                self.keep(url, self.environment_for(server, database))
                for table in ("runs", "rejects", "partitions", "leases", "stage_steps"):
                    self.assertNotIn("Zq9", database.query(f"select t::text from lugger.{table} t"))
                for directory, _, files in os.walk(self.dir):
                    for name in files:
                        with open(os.path.join(directory, name), "rb") as file:
                            self.assertNotIn(b"Zq9", file.read(), name)
                shown = "service=shop" if "service" in spelling else "***"
                self.assertIn(shown, database.query("select command from lugger.runs limit 1"))
        server.stop()

    def keep(self, url, env):
        """Whatever prints or keeps a place, with this one."""
        place, text = ("--from", "users.json", "--into", url), project.json.dumps(url)
        self.silent("plan", "users.lua", *place, "--create", env=env, status=0)
        self.silent("run", "users.lua", *place, "--create", "--log", "json", env=env, status=3)
        for words in (("rejects", "users.lua", *place), ("verify", "users.lua", *place), ("runs", url),
                      ("status", "users.lua", *place), ("describe", url, "--table", "users"),
                      ("plan", "users.lua", *place, "--json"),
                      ("run", "users.lua", *place, "--again", "--json"),
                      ("preflight", "users.lua", *place), ("repair", "users.lua", *place),
                      ("log", "users.lua", *place), ("psql", url, "-c", "select 1"),
                      ("migrate", "status", "--on", url)):
            self.silent(*words, env=env)
        self.silent("repl", env=env, stdin=f"pg.use({text})\npg 'select 1'\npg 'create table kept (a int)'\n"
                                           f"t = target({text}, {{ table = 'users' }})\nt\nx = "
                                           f"pg.open({text})\n"
                                           "x 'select 1'\nx\n:history\n:save kept.lua\n")


if __name__ == "__main__":
    harness.main()
