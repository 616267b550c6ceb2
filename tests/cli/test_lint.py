"""Lint: each code is found where it should be, and nowhere else."""
import json
import os
import re
import subprocess
import unittest

import harness
from harness import ROOT, lugger
from test_lint_rules import CASES as MORE_CASES

DOWN = '\n-- down\nSELECT 1;\n'

# Code -> (statements in which it is found, statements in which it is not).
CASES = {
    'volatile-default': (['ALTER TABLE t ADD COLUMN u uuid DEFAULT gen_random_uuid()',
                          'ALTER TABLE t ADD COLUMN u timestamptz DEFAULT clock_timestamp()',
                          'ALTER TABLE t ADD COLUMN u serial',
                          'ALTER TABLE t ADD COLUMN u int GENERATED ALWAYS AS IDENTITY',
                          'ALTER TABLE t ADD COLUMN u int GENERATED ALWAYS AS (1) STORED',
                          'ALTER TABLE t ADD COLUMN u text DEFAULT md5(random()::text)'],
                         ["ALTER TABLE t ADD COLUMN u text DEFAULT 'x'",
                          'ALTER TABLE t ADD COLUMN u timestamptz DEFAULT now()',
                          'CREATE TABLE n (u uuid DEFAULT gen_random_uuid())']),
    'type-change': (['ALTER TABLE t ALTER COLUMN a TYPE bigint'],
                    ['ALTER TABLE t ALTER COLUMN a SET DEFAULT 1']),
    'table-rewrite': (['VACUUM FULL t', 'CLUSTER t USING i', 'ALTER TABLE t SET UNLOGGED',
                       'ALTER TABLE t SET TABLESPACE x'],
                      ['VACUUM t', 'VACUUM (ANALYZE) t']),
    'set-not-null': (['ALTER TABLE t ALTER a SET NOT NULL',
                      ('ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; '
                       'ALTER TABLE t ALTER a SET NOT NULL'),
                      ('ALTER TABLE t ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID; '
                       'ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL')],
                     ['ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; '
                      'ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL']),
    'not-null-without-default': (['ALTER TABLE t ADD a int NOT NULL'],
                                 ['ALTER TABLE t ADD a int NOT NULL DEFAULT 1', 'ALTER TABLE t ADD a int']),
    'blocking-index': (['CREATE INDEX i ON t (a)', 'CREATE UNIQUE INDEX ON t (a)'],
                       ['CREATE INDEX CONCURRENTLY i ON t (a)',
                        'CREATE TABLE n (a int); CREATE INDEX ON n (a)',
                        'CREATE TABLE n (a int); CREATE INDEX ON public.n (a)']),
    'blocking-index-drop': (['DROP INDEX i'], ['DROP INDEX CONCURRENTLY i']),
    'blocking-reindex': (['REINDEX TABLE t', 'REINDEX INDEX i'], ['REINDEX TABLE CONCURRENTLY t']),
    'foreign-key-scan': (['ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o',
                          'ALTER TABLE t ADD COLUMN a int DEFAULT 1 REFERENCES o'],
                         ['ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES o NOT VALID',
                          'ALTER TABLE t ADD COLUMN a int REFERENCES o',
                          'CREATE TABLE n (a int REFERENCES o)']),
    'check-scan': (['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)',
                    'ALTER TABLE t ADD COLUMN a int CHECK (a > 0)'],
                   ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID']),
    'unique-scan': (['ALTER TABLE t ADD UNIQUE (a)', 'ALTER TABLE t ADD PRIMARY KEY (a)',
                     'ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)',
                     'ALTER TABLE t ADD COLUMN a int UNIQUE'],
                    ['ALTER TABLE t ADD CONSTRAINT c UNIQUE USING INDEX i']),
    'validate-in-same-transaction': (['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; '
                                      'ALTER TABLE t VALIDATE CONSTRAINT c'],
                                     [('-- no transaction\n'
                                       'ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; '
                                       'ALTER TABLE t VALIDATE CONSTRAINT c'),
                                      'ALTER TABLE t VALIDATE CONSTRAINT c']),
    'rename-in-use': (['ALTER TABLE t RENAME TO u', 'ALTER TABLE t RENAME COLUMN a TO b'],
                      ['ALTER INDEX i RENAME TO j', 'CREATE TABLE n (a int); ALTER TABLE n RENAME a TO b']),
    'drop-in-use': (['DROP TABLE t', 'ALTER TABLE t DROP COLUMN a'], ['CREATE TABLE n (); DROP TABLE n']),
    'drop-cascade': (['DROP VIEW v CASCADE', 'ALTER TABLE t DROP COLUMN a CASCADE'], ['DROP VIEW v']),
    'truncate': (['TRUNCATE t'], ['CREATE TABLE n (); TRUNCATE n']),
    'lock-held-across-backfill': (['ALTER TABLE t ADD a int; UPDATE t SET a = 1 WHERE a IS NULL',
                                   'ALTER TABLE t ADD a int; INSERT INTO o SELECT * FROM t'],
                                  ['UPDATE t SET a = 1 WHERE a IS NULL',
                                   ('-- no transaction\nALTER TABLE t ADD a int; '
                                    'UPDATE t SET a = 1 WHERE a IS NULL'),
                                   'CREATE TABLE n (a int); INSERT INTO n SELECT 1',
                                   "ALTER TABLE t ADD a int; INSERT INTO o VALUES (1)"]),
    'mixed-ddl-data': (['UPDATE t SET a = 1 WHERE id = 1; ALTER TABLE t ADD b int',
                        'ALTER TABLE t ADD a int; INSERT INTO o VALUES (1)'],
                       ['CREATE TABLE n (a int); INSERT INTO n VALUES (1)']),
    'locks-on-many-tables': (['ALTER TABLE t ADD a int; ALTER TABLE o ADD a int'],
                             ['ALTER TABLE t ADD a int; ALTER TABLE t ADD b int',
                              '-- no transaction\nALTER TABLE t ADD a int; ALTER TABLE o ADD a int']),
    'unbounded-update': (['UPDATE t SET a = 1'],
                         ['UPDATE t SET a = 1 WHERE a IS NULL',
                          'CREATE TABLE n (a int); UPDATE n SET a = 1']),
    'unbounded-delete': (['DELETE FROM t'], ['DELETE FROM t WHERE a = 1']),
    'transaction-control': (['BEGIN; SELECT 1; COMMIT'], ['SELECT 1']),
    'concurrently-in-transaction': (['BEGIN; CREATE INDEX CONCURRENTLY i ON t (a); COMMIT'],
                                    ['CREATE INDEX CONCURRENTLY i ON t (a)']),
    'jsonb-equality': (["SELECT * FROM t WHERE d = '{}'::jsonb", "DELETE FROM t WHERE d->'a' = '1'",
                        "SELECT * FROM t WHERE d IS DISTINCT FROM '{}'::json"],
                       ["SELECT * FROM t WHERE d->>'a' = '1'", "SELECT * FROM t WHERE d @> '{}'::jsonb"]),
    'unquoted-identifier': (['SELECT userId FROM t', 'ALTER TABLE myTable ADD a int'],
                            ['SELECT "userId" FROM t', 'SELECT NOW(), COUNT(*) FROM T',
                             "SELECT 'userId' -- userId\n"]),
    'not-parsed': (['FROBNICATE t'], ['SELECT 1']),
    'suppression': (['-- lugger: allow truncate\nTRUNCATE t',
                     '-- lugger: allow trunkate because x\nSELECT 1'],
                    ['-- lugger: allow truncate because it is empty\nTRUNCATE t']),
}

LUA = '''local schema = require 'lugger.schema'
local table_name = arg[1]
return {
  up = function(db)
    %s
  end,
  down = function(db) db:exec 'DROP TABLE t' end,
}
'''
CONCATENATED = [
    "db:exec('DELETE FROM t WHERE a = ' .. name)", 'db:query(("SELECT * FROM %s"):format(table_name))',
    'db:exec(string.format("SELECT \'%s\'", name))', "local sql = 'SELECT ' .. name\n    db:exec(sql)",
    "db:value('SELECT 1 FROM ' .. f(x) .. ' WHERE a = 1')", "db:exec(\"SELECT '\" .. name .. \"'\", 1)",
    "local format = string.format\n    db:exec(format('DELETE FROM t WHERE a = %s', name))"]
NOT_CONCATENATED = ["db:exec('DELETE FROM t WHERE a = $1', name)", "db:exec('SELECT 1 ' .. 'FROM t')",
                    "db:exec('SELECT * FROM ' .. db:quote_table(name) .. ' WHERE a = $1', 1)",
                    "db:exec('DELETE FROM t WHERE ' .. batch.condition)",
                    "db:exec(('SELECT %s FROM t'):format(db:quote(name)))", "print('x' .. name)",
                    "local t = 'users'\n    db:exec('SELECT 1 FROM ' .. t)",
                    "local format = string.format\n    db:exec(format('SELECT 1 FROM %s', 't'))"]


class Lint(unittest.TestCase):
    def setUp(self):
        self.dir = harness.scratch()

    def lint(self, text, name='20260101000001_x.sql', args=()):
        harness.script(text, name, self.dir)
        result = lugger('lint', '--json', name, *args, cwd=self.dir, expect=(0, 4))
        found = json.loads(result.out)
        self.assertEqual(result.status, 4 if any(f['level'] != 'note' for f in found) else 0)
        return found

    def codes(self, text, **more):
        return {f['code'] for f in self.lint(text, **more)}

    def test_n_17_each_code(self):
        for code, (bad, good) in CASES.items():
            for sql in bad:
                self.assertIn(code, self.codes(sql + ';' + DOWN), sql)
            for sql in good:
                self.assertNotIn(code, self.codes(sql + ';' + DOWN), sql)

    def test_every_code_has_a_case_and_a_place_in_the_manual(self):
        table = lugger('lint', '--codes').out.strip()
        codes = re.findall(r'^\| `([\w-]+)`', table, re.M)
        self.assertEqual(sorted(codes), sorted([*CASES, *MORE_CASES, 'missing-down', 'sql-concatenation']))
        self.assertIn(table, (ROOT / 'docs' / 'lint.md').read_text(encoding='utf-8'))

    def test_missing_down(self):
        self.assertEqual(self.codes('SELECT 1;'), {'missing-down'})
        self.assertEqual(self.codes('SELECT 1;', name='plain.sql'), set())
        self.assertEqual(self.codes('-- lugger: allow missing-down because it is data\nSELECT 1;'), set())

    def test_sql_put_together_in_lua(self):
        for code in CONCATENATED:
            found = self.lint(LUA % code, name='20260101000001_x.lua')
            self.assertIn('sql-concatenation', {f['code'] for f in found}, code)
        for code in NOT_CONCATENATED:
            found = self.lint(LUA % code, name='20260101000001_x.lua')
            self.assertNotIn('sql-concatenation', {f['code'] for f in found}, code)

    def test_down_is_not_judged(self):
        (up, down) = ("  up = function(db) db:exec 'TRUNCATE a' end,",
                      "  down = function(db) db:exec 'DROP TABLE b' end,")
        for lines in ((up, down), (down, up)):
            found = self.lint('return {\n' + '\n'.join(lines) + '\n}', name='20260101000001_x.lua')
            self.assertEqual([f['code'] for f in found], ['truncate'])
        self.assertEqual(self.codes('SELECT 1;\n-- down\nDROP TABLE b CASCADE;'), set())

    def test_lines(self):
        text = '-- up\n\nALTER TABLE t\n  ADD a int NOT NULL,\n  ALTER b TYPE int;\n\nTRUNCATE t;\n' + DOWN
        self.assertEqual([(f['code'], f['line']) for f in self.lint(text)],
                         [('not-null-without-default', 4), ('type-change', 5), ('truncate', 7)])
        lua = LUA % "db:exec [[\n      SELECT 1;\n      TRUNCATE t\n    ]]\n    db:exec 'DELETE FROM t'"
        self.assertEqual([(f['code'], f['line']) for f in self.lint(
                              lua, name='20260101000001_x.lua') if f['code'] != 'mixed-ddl-data'],
                         [('truncate', 7), ('lock-held-across-backfill', 9), ('unbounded-delete', 9)])

    def test_a_suppression_is_for_its_statement_alone(self):
        text = ('-- lugger: allow truncate because a is empty\nTRUNCATE a;\nTRUNCATE b; '
                '-- lugger: allow truncate because b too\nTRUNCATE c;'
                + DOWN)
        self.assertEqual([(f['code'], f['line']) for f in self.lint(text) if f['code'] == 'truncate'],
                         [('truncate', 4)])
        lua = (LUA % "-- lugger: allow truncate, sql-concatenation because a is empty\n"
                     "    db:exec('TRUNCATE ' .. name)\n    db:exec('TRUNCATE ' .. name)")
        self.assertEqual([(f['code'], f['line']) for f in self.lint(lua, name='20260101000001_x.lua') if f[
                              'code'] in ('truncate', 'sql-concatenation')],
                         [('sql-concatenation', 7), ('truncate', 7)])

    @unittest.skipUnless(os.geteuid() == 0, 'only root can be another user')
    def test_a_directory_that_cannot_be_read(self):
        directory = os.path.join(harness.scratch(), 'closed')
        os.mkdir(directory, 0o711)
        for command in ('lint', 'test', 'migrate lint --dir', 'migrate import'):
            done = subprocess.run([harness.binary(), *command.split(), directory], user='nobody', text=True,
                                  capture_output=True, env=harness.clean_environment(), check=False)
            self.assertIn(f'cannot read the directory {directory}', done.stderr, command)

    def test_order_over_files(self):
        (a, b) = ('20260101000001_a.sql', '20260101000002_b.sql')
        harness.script('ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID;' + DOWN, a, self.dir)
        found = self.lint('ALTER TABLE t VALIDATE CONSTRAINT c;\nALTER TABLE t ALTER a SET NOT NULL;' + DOWN,
                          name=b, args=())
        self.assertEqual({f['code'] for f in found}, {'set-not-null'})   # alone it does not know of the first
        self.assertEqual(json.loads(lugger('lint', '--json', a, b, cwd=self.dir).out), [])

    def test_what_is_newer_than_the_grammar_is_a_note(self):
        found = self.lint('ALTER TABLE t FROBNICATE WITH (x);\nSELECT 1;' + DOWN)
        self.assertEqual([(f['code'], f['level'], f['line']) for f in found], [('not-parsed', 'note', 1)])
        self.assertEqual(self.codes("SELECT 'open;" + DOWN), {'missing-down', 'unreadable'})

    def test_sarif_and_annotations(self):
        harness.script('TRUNCATE "a,b:c";' + DOWN, 'x.sql', self.dir)
        result = lugger('lint', 'x.sql', '--github', '--sarif', 'out.sarif', cwd=self.dir, expect=4)
        self.assertRegex(result.out, r'^::warning file=x.sql,line=1,title=truncate::TRUNCATE of a table')
        with open(self.dir + '/out.sarif', encoding='utf-8') as file:
            run = json.load(file)['runs'][0]
        self.assertEqual(run['results'][0]['ruleId'], 'truncate')
        self.assertEqual(run['results'][0]['locations'][0]['physicalLocation'],
                         {'artifactLocation': {'uri': 'x.sql'}, 'region': {'startLine': 1}})
        self.assertIn('truncate', [rule['id'] for rule in run['tool']['driver']['rules']])

    def test_for_people(self):
        harness.script('TRUNCATE t;' + DOWN, 'x.sql', self.dir)
        result = lugger('lint', '.', cwd=self.dir, expect=4)
        self.assertIn('./x.sql:1: warning truncate: TRUNCATE of a table that may hold data: t\n'
                      '  why:  all rows go',
                      result.out)
        self.assertIn('1 file: 1 warning', result.err)
        self.assertIn('there is no file y.sql', lugger('lint', 'y.sql', cwd=self.dir, expect=1).err)
        lugger('lint', cwd=self.dir, expect=2)


if __name__ == '__main__':
    harness.main()
