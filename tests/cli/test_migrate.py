"""lugger migrate, as far as it needs no database."""
import json
import re

import harness
from project import Case


class Migrate(Case):
    def test_new(self):
        path = self.lugger('migrate', 'new', 'Add: nick-name!', status=0).out.strip()
        self.assertRegex(path, r'^migrations/20\d{12}_add_nick_name\.lua$')
        self.assertIn('return {', self.read(path))
        other = self.lugger('migrate', 'new', 'more', '--sql', '--dir', 'db', status=0).out.strip()
        self.assertRegex(other, r'^db/20\d{12}_more\.sql$')
        again = self.lugger('migrate', 'new', 'more', '--sql', '--dir', 'db', status=0).out.strip()
        self.assertGreater(re.search(r'\d{14}', again)[0], re.search(r'\d{14}', other)[0])

    def test_usage(self):
        for words, wanted in ((['foo'], 'it has new, up'), (['stats'], 'did you mean status?'),
                              (['new'], 'needs a name'), (['up', 'x'], 'takes no "x"'),
                              (['up', '--plan', '--dry-run'], '--plan and --dry-run exclude each other'),
                              (['down', 'x'], 'takes a number'),
                              (['down', '2', '--to', '3'], 'not both'),
                              (['baseline'], 'up to which version?'), (['import'], 'which directory?'),
                              (['up', '--tries', '0'], 'from 1'),
                              (['up', '--lock-timeout', 'soon', '--on', 'local:pg'], 'takes a duration'),
                              ([], 'missing argument')):
            result = self.lugger('migrate', *words, status=2)
            self.assertIn(wanted, result.err, words)

    def test_no_database(self):
        self.assertIn('migrations of which database?', self.lugger('migrate', 'up', status=1).err)
        self.assertIn('is not a PostgreSQL', self.lugger('migrate', 'up', '--on', 'out.jsonl', status=1).err)
        self.assertIn('there is no directory migrations', self.lugger('migrate', 'lint', status=1).err)

    def test_settings(self):
        self.write('lugger.toml', '[migrate]\ndir = "db/steps"\n')
        self.assertRegex(self.lugger('migrate', 'new', 'a', status=0).out, r'^db/steps/')
        self.write('lugger.toml', '[migrate]\nlock_timeot = "1s"\n')
        self.assertIn('did you mean lock_timeout?', self.lugger('migrate', 'new', 'a', status=1).err)

    def test_lint_without_a_database_reads_every_file(self):
        self.write('migrations/20260101000001_a.sql', 'CREATE TABLE t (id int);\n-- down\nDROP TABLE t;\n')
        self.write('migrations/20260101000002_b.sql', 'TRUNCATE t;\n-- down\nSELECT 1;\n')
        found = json.loads(self.lugger('migrate', 'lint', '--json', status=4).out)
        self.assertEqual([(f['path'], f['code']) for f in found],
                         [('migrations/20260101000002_b.sql', 'truncate')])

    def test_help(self):
        self.assertIn('Safe forms', self.lugger('help', 'migrations', status=0).out)
        self.assertIn('schema.add_index(db, table, columns, options)',
                      self.lugger('help', 'lugger.schema.add_index', status=0).out)
        self.assertIn('lugger.migration_db:batches(spec)',
                      self.lugger('help', 'lugger.migration_db:batches', status=0).out)


if __name__ == '__main__':
    harness.main()
