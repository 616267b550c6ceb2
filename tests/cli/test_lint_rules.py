"""Lint against the public rule lists of other tools: what fires, and what fired wrongly."""
import json
import re
import unittest

import harness
from harness import ROOT, lugger

DOWN = '\n-- down\nSELECT 1;\n'


def read_cases(text):
    """Code -> (statements in which it is found, marked +, and those in which it is not, marked -)."""
    cases, lines = {}, []
    for line in text.strip().split('\n'):
        if line.startswith('      '):
            lines[-1] += ' ' + line.strip()   # goes on
        else:
            lines.append(line)
    for line in lines:
        if line.startswith('  '):
            sql = line[4:].replace('\\n', '\n').replace('{a63}', 'a' * 63).replace('{a64}', 'a' * 64)
            cases[code]['+-'.index(line[2])].append(sql)
        else:
            code = line
            cases[code] = ([], [])
    return cases


NEW = read_cases(r'''
blocking-refresh
  + REFRESH MATERIALIZED VIEW v
  - REFRESH MATERIALIZED VIEW CONCURRENTLY v
  - CREATE MATERIALIZED VIEW n AS SELECT 1;REFRESH MATERIALIZED VIEW public.n
blocking-detach
  + ALTER TABLE t DETACH PARTITION p
  - ALTER TABLE t DETACH PARTITION p CONCURRENTLY
  - CREATE TABLE n (a int) PARTITION BY LIST (a); ALTER TABLE n DETACH PARTITION p
attach-scan
  + ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1)
  + CREATE TABLE n (a int) PARTITION BY LIST (a); ALTER TABLE n ATTACH PARTITION old DEFAULT
  + ALTER TABLE p ADD CONSTRAINT c CHECK (a = 1) NOT VALID; ALTER TABLE t ATTACH PARTITION p FOR VALUES
      IN (1)
  - ALTER TABLE p ADD CONSTRAINT c CHECK (a = 1) NOT VALID; ALTER TABLE p VALIDATE CONSTRAINT c; ALTER
      TABLE t ATTACH PARTITION p FOR VALUES IN (1)
  - CREATE TABLE p (a int); ALTER TABLE t ATTACH PARTITION public.p FOR VALUES IN (1)
  - ALTER INDEX i ATTACH PARTITION j
explicit-lock
  + LOCK TABLE t
  + LOCK t IN SHARE MODE
  + LOCK a, t IN EXCLUSIVE MODE
  - LOCK TABLE t IN ACCESS SHARE MODE
  - LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE
  - CREATE TABLE n (); LOCK TABLE n
lock-timeout-off
  + SET lock_timeout = 0
  + SET LOCAL lock_timeout TO '0s'
  - SET lock_timeout = '2s'
  - SET statement_timeout = 0
  - RESET lock_timeout
triggers-off
  + ALTER TABLE t DISABLE TRIGGER ALL
  + ALTER TABLE t DISABLE TRIGGER x
  + ALTER TABLE t DISABLE TRIGGER USER
  + SET session_replication_role = replica
  + SET LOCAL session_replication_role = 'replica'
  - ALTER TABLE t ENABLE TRIGGER ALL
  - SET session_replication_role = DEFAULT
  - CREATE TABLE n (); ALTER TABLE n DISABLE TRIGGER ALL
json-column
  + ALTER TABLE t ADD a json
  - ALTER TABLE t ADD a jsonb
  - CREATE TABLE n (a json)
temporary-in-steps
  + -- no transaction\nCREATE TEMP TABLE n (a int)
  + CREATE TEMP TABLE n AS SELECT 1; CREATE INDEX CONCURRENTLY i ON t (a)
  + -- no transaction\nDECLARE c CURSOR WITH HOLD FOR SELECT 1
  - CREATE TEMP TABLE n (a int)
  - -- no transaction\nCREATE TEMP TABLE n (a int) ON COMMIT DROP
  - -- no transaction\nCREATE TABLE n (a int)
name-too-long
  + ALTER TABLE t ADD {a64} int
  + ALTER TABLE t ADD "{a64}" int
  - ALTER TABLE t ADD {a63} int
  - SELECT '{a64}'
unreadable
  + TRUNCATE t; SELECT 123abc
  + SELECT "open
  + \connect app
  + COPY t FROM stdin;\n1\n2
  - SELECT 1_000, 0x1F, 0o17, 0b101
  - FROBNICATE t
  - COPY t FROM stdin;\n1\n\.\nSELECT 1
  - \restrict x\nSELECT 1;\n\unrestrict x\nSELECT 2
''')

# The same for codes that have cases elsewhere; from blocking-index on, what fired wrongly.
MORE = read_cases(r'''
rename-in-use
  + ALTER TABLE t SET SCHEMA s
  + ALTER VIEW v SET SCHEMA s
  + ALTER FUNCTION f() SET SCHEMA s
  + ALTER TYPE e RENAME VALUE 'a' TO 'b'
  + ALTER SCHEMA a RENAME TO b
  + ALTER TYPE e RENAME TO f
  + ALTER FUNCTION f() RENAME TO g
  + ALTER MATERIALIZED VIEW v RENAME TO w
  + ALTER SEQUENCE s RENAME TO r
  - ALTER TYPE e ADD VALUE 'a'
  - CREATE TYPE e AS ENUM ('a'); ALTER TYPE e RENAME VALUE 'a' TO 'b'
  - CREATE TABLE n (); ALTER TABLE n SET SCHEMA s; ALTER TABLE s.n RENAME TO m
  - ALTER TABLE t RENAME CONSTRAINT a TO b
  - CREATE SCHEMA a; ALTER SCHEMA a RENAME TO b
drop-in-use
  + DROP VIEW v
  + DROP FUNCTION f(int)
  + DROP TYPE e
  + DROP SEQUENCE s
  + DROP SCHEMA s
  + DROP MATERIALIZED VIEW v
  + DROP PROCEDURE p
  + DROP DOMAIN d
  + DROP EXTENSION x
  + DROP DATABASE d
  + DROP OWNED BY x
  + -- no transaction\nDROP VIEW v; CREATE VIEW v AS SELECT 1
  + DROP TABLE t; CREATE TABLE t (a int)
  + CREATE VIEW v AS SELECT 1; DROP VIEW s.v
  - CREATE VIEW v AS SELECT 1; DROP VIEW v
  - DROP VIEW v; CREATE VIEW v AS SELECT 1
  - DROP TRIGGER x ON t
  - DROP INDEX CONCURRENTLY i
  - CREATE SCHEMA s; DROP SCHEMA s CASCADE
  - CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1$$; DROP FUNCTION f()
set-not-null
  + ALTER TABLE t ADD PRIMARY KEY USING INDEX i
  + ALTER DOMAIN d SET NOT NULL
  + CREATE UNIQUE INDEX CONCURRENTLY i ON t (a, b); ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t
      ADD PRIMARY KEY USING INDEX i
  - -- no transaction\nCREATE UNIQUE INDEX CONCURRENTLY i ON t (a); ALTER TABLE t ADD CONSTRAINT c CHECK
      (a IS NOT NULL) NOT VALID; ALTER TABLE public.t VALIDATE CONSTRAINT c; ALTER TABLE t ADD PRIMARY KEY
      USING INDEX i
  - ALTER TABLE t ADD UNIQUE USING INDEX i
  - CREATE DOMAIN d AS int; ALTER DOMAIN d SET NOT NULL
check-scan
  + ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)
  - ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0) NOT VALID
  - CREATE DOMAIN d AS int; ALTER DOMAIN d ADD CHECK (VALUE > 0)
  - ALTER DOMAIN d DROP CONSTRAINT c
unbounded-delete
  + DELETE FROM t WHERE true
  + DELETE FROM t WHERE 1 = 1
  + DELETE FROM t WHERE 'a' = 'a'
  + DELETE FROM t WHERE a = 1 OR true
  + DELETE FROM t WHERE NOT false
  + WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x
  + WITH x AS (DELETE FROM t RETURNING *) INSERT INTO o SELECT * FROM x
  + EXPLAIN ANALYZE DELETE FROM t
  + COPY (DELETE FROM t RETURNING a) TO stdout
  + DO $$ BEGIN DELETE FROM t; END $$
  + DO $x$ DECLARE r record; BEGIN FOR r IN DELETE FROM t RETURNING a LOOP NULL; END LOOP; END $x$
  + DO $$ BEGIN IF true THEN EXECUTE 'DELETE FROM t'; END IF; END $$
  + DO $$ BEGIN EXECUTE format('DELETE FROM %I', 't'); END $$
  - DELETE FROM t WHERE a = 1
  - DELETE FROM t WHERE a = 1 AND true
  - DELETE FROM t WHERE 1 = 2
  - DELETE FROM t WHERE a OR b
  - EXPLAIN DELETE FROM t
  - PREPARE x AS DELETE FROM t
  - WITH x AS (DELETE FROM t WHERE a = 1 RETURNING *) SELECT * FROM x
  - CREATE RULE r AS ON INSERT TO t DO ALSO DELETE FROM o
  - DO $$ BEGIN RAISE NOTICE 'DELETE FROM t'; END $$
  - DO $$ BEGIN DELETE FROM t WHERE a = CASE WHEN b THEN 1 ELSE 2 END; END $$
unbounded-update
  + UPDATE t SET a = 1 WHERE true
  + WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT 1
  + DO $$ BEGIN UPDATE t SET a = CASE WHEN b THEN 1 ELSE 2 END; END $$
  - UPDATE t SET a = 1 WHERE b = b
lock-held-across-backfill
  + ALTER TABLE t ADD a int; WITH x AS (UPDATE t SET a = 1 WHERE b RETURNING *) SELECT 1
  + ALTER TABLE t ADD a int; DO $$ BEGIN UPDATE t SET a = 1 WHERE b; END $$
  - ALTER TABLE t ADD a int; WITH x AS (SELECT 1) SELECT * FROM x
type-change
  + DO $$ BEGIN EXECUTE 'ALTER TABLE ' || quote_ident(x) || ' ALTER COLUMN a TYPE ' || y; END $$
  - DO $$ BEGIN EXECUTE 'SELECT 1' INTO x USING 'ALTER TABLE t ALTER a TYPE int'; END $$
drop-cascade
  + DROP FUNCTION f CASCADE
  + DROP SCHEMA s CASCADE
  - CREATE SCHEMA s; DROP SCHEMA s CASCADE
truncate
  + CREATE TABLE n (); TRUNCATE n CASCADE
  + DO $$ BEGIN TRUNCATE t; END $$
  - CREATE TEMP TABLE n (a int); TRUNCATE n
table-rewrite
  + VACUUM FULL
  - VACUUM
  - CREATE TABLE n (a int); CLUSTER public.n USING i
blocking-reindex
  + REINDEX INDEX i
  - CREATE TABLE n (a int); REINDEX TABLE n
blocking-index-drop
  + CREATE INDEX CONCURRENTLY i ON t (a); DROP INDEX i
  - CREATE TABLE n (a int); CREATE INDEX i ON n (a); DROP INDEX public.i
blocking-index
  + CREATE INDEX i ON t (a)
  + CREATE TABLE app.n (a int); CREATE INDEX ON n (a)
  - CREATE INDEX i ON ONLY t (a)
  - CREATE TABLE "n" (a int); CREATE INDEX ON N (a)
  - CREATE TABLE n (a int); CREATE INDEX ON db.public.n (a)
  - CREATE SCHEMA app; SET search_path = app; CREATE TABLE n (a int); CREATE INDEX ON app.n (a)
  - SELECT set_config('search_path', 'app', false); CREATE TABLE app.n (a int); CREATE INDEX ON n (a)
  - CREATE SCHEMA app CREATE TABLE n (a int); CREATE INDEX ON app.n (a)
  - CREATE TABLE app.n (a int); ALTER TABLE app.n SET SCHEMA b; CREATE INDEX ON b.n (a)
  - CREATE TABLE n (a int); ALTER TABLE public.n RENAME TO m; CREATE INDEX ON m (a)
  - CREATE TEMP TABLE n (a int); CREATE INDEX ON pg_temp.n (a)
  - SELECT 1 AS a INTO n; CREATE INDEX ON n (a)
locks-on-many-tables
  + ALTER TABLE t ADD a int; ALTER TABLE public.o ADD a int
  - ALTER TABLE t DETACH PARTITION p
  - ALTER TABLE t ADD a int; ALTER TABLE public.t ADD b int
unique-scan
  + ALTER TABLE ONLY t ADD CONSTRAINT c UNIQUE (a)
  - ALTER TABLE ONLY t ADD CONSTRAINT c UNIQUE (a); ALTER INDEX c ATTACH PARTITION d
''')

# Plain SQL, which is no migration.
PLAIN = read_cases(r'''
setting-left-on
  + SET statement_timeout = 0
  + SELECT set_config('work_mem', '1GB', false)
  + SET ROLE x
  - BEGIN; SET LOCAL statement_timeout = 0; COMMIT
  - SET work_mem = 1; RESET work_mem
  - SET ROLE x; RESET ROLE
  - SET a.b = 1; RESET ALL
  - SET work_mem = 1; SET work_mem TO DEFAULT
open-transaction
  + BEGIN; SELECT 1
  + BEGIN; COMMIT; START TRANSACTION
  - BEGIN; SELECT 1; COMMIT
  - SELECT 1
''')

CASES = {**NEW, **PLAIN}


class Rules(unittest.TestCase):
    def setUp(self):
        self.dir = harness.scratch()

    def lint(self, text, name='20260101000001_x.sql'):
        harness.script(text, name, self.dir)
        return json.loads(lugger('lint', '--json', name, cwd=self.dir, expect=(0, 4)).out)

    def each(self, cases, end=';' + DOWN, **more):
        for code, (bad, good) in cases.items():
            for sql in bad:
                self.assertIn(code, {f['code'] for f in self.lint(sql + end, **more)}, sql)
            for sql in good:
                self.assertNotIn(code, {f['code'] for f in self.lint(sql + end, **more)}, sql)

    def test_c14_new_codes(self):
        self.each(NEW)

    def test_c14_known_codes_see_more(self):
        self.each(MORE)

    def test_c14_plain_files(self):
        self.each(PLAIN, end=';\n', name='plain.sql')
        self.assertNotIn('setting-left-on', {f['code'] for f in self.lint('SET work_mem = 1;' + DOWN)})

    def test_c14_what_the_lexer_refuses_hides_nothing(self):
        text = 'TRUNCATE t;\nSELECT 123abc;\nTRUNCATE u;\n\\connect app\nTRUNCATE v;\nSELECT \'open'
        harness.script(text, 'x.sql', self.dir)
        found = json.loads(lugger('lint', '--json', 'x.sql', cwd=self.dir, expect=4).out)
        self.assertEqual([(f['code'], f['line'], f['level']) for f in found],
                         [('truncate', 1, 'warning'), ('unreadable', 2, 'error'), ('truncate', 3, 'warning'),
                          ('unreadable', 4, 'error'), ('truncate', 5, 'warning'), ('unreadable', 6, 'error')])
        harness.script("SELECT 'open", 'y.sql', self.dir)
        lugger('lint', 'y.sql', cwd=self.dir, expect=4)
        lua = self.lint("return { up = function(db) db:exec 'TRUNCATE t; SELECT 1a' end, down = print }",
                        name='20260101000001_x.lua')
        self.assertEqual([f['code'] for f in lua], ['truncate', 'unreadable'])
        self.assertIn('unreadable', {f['code'] for f in self.lint('-- up\nSELECT 1;\n-- up\nSELECT 2;\n')})

    def test_c14_lines_within_a_do(self):
        found = self.lint('SELECT 1;\nDO $$\nBEGIN\n  TRUNCATE t;\n  IF true THEN\n    DELETE FROM t;\n'
                          '  END IF;\nEND $$;' + DOWN)
        self.assertEqual([(f['code'], f['line']) for f in found],
                         [('truncate', 4), ('lock-held-across-backfill', 6), ('unbounded-delete', 6)])

    def test_c14_data_of_copy_is_not_judged(self):
        found = self.lint('CREATE TABLE n (a text);\nCOPY n FROM stdin;\nTRUNCATE t;\nuserId\n\\.\n'
                          'TRUNCATE u;' + DOWN)
        self.assertEqual([(f['code'], f['line']) for f in found], [('truncate', 6)])

    def test_c14_the_manual_tells_of_every_public_rule(self):
        page = (ROOT / 'docs' / 'lint.md').read_text(encoding='utf-8')
        codes = set(re.findall(r'^\| `([\w-]+)`', lugger('lint', '--codes').out, re.M))
        table = page[page.index('## Beside other linters'):]
        rows = re.findall(r'^\| (squawk|strong_migrations) \| ([^|]+) \| ([^|]+) \|$', table, re.M)
        self.assertGreater(len(rows), 55)
        for _, rule, ours in rows:
            named = re.findall(r'`([\w-]+)`', ours)
            self.assertTrue(named and set(named) <= codes or ours.strip().startswith('no: '), rule)


if __name__ == '__main__':
    harness.main()
