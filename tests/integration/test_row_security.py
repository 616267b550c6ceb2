"""A PostgreSQL source under row-level security: refused, not filtered without a word."""
import unittest

import harness
from jobs import Work
from postgres import Postgres

JOB = """
local lugger = require 'lugger'
return lugger.copy { from = lugger.source(lugger.env.FROM, { %s, key = 'id' }),
  into = lugger.target('out.jsonl'), columns = { { 'id', 'int4' } } }
"""


class RowSecurity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.work = Work(self.server.fresh())
        self.work.database.query("""
            drop role if exists reader;
            create role reader login;
            create table t (id int primary key); insert into t select generate_series(1, 10);
            create view v as select * from t;
            alter table t enable row level security; create policy p on t using (id <= 3);
            grant select on t, v to reader;
            create table free (id int primary key); insert into free values (1);
            grant select on free to reader;""")
        self.addCleanup(self.work.database.query, 'drop owned by reader; drop role reader')

    def run_as(self, user, what, expect=0):
        self.work.script(JOB % what)
        url = self.server.url(self.work.database.name, user)
        return self.work.lugger('run', 'job.lua', '--restart', env={'FROM': url}, expect=expect)

    def test_hidden_rows_are_refused(self):
        for what in ("table = 't'", "query = 'select id from t where id < 5'"):
            with self.subTest(what):
                result = self.run_as('reader', what, expect=1)
                self.assertIn('row-level security', result.err)
                self.assertIn('BYPASSRLS', result.err)
                self.assertIn('row_security = true', result.err)

    def test_on_purpose(self):
        result = self.run_as('reader', "table = 't', row_security = true")
        self.assertEqual(result.books()['inserted'], 3)
        self.assertIn('policies hide', result.err)

    def test_where_no_policy_applies(self):
        self.assertEqual(self.run_as('reader', "table = 'free'").books()['inserted'], 1)
        self.assertEqual(self.run_as('postgres', "table = 't'").books()['inserted'], 10)
        self.assertEqual(self.run_as('reader', "table = 'v'").books()['inserted'], 10)

    def test_describe_says_so(self):
        url = self.server.url(self.work.database.name, 'reader')
        self.assertIn('row-level security', self.work.lugger('describe', url, '--table', 't', expect=1).err)


if __name__ == '__main__':
    harness.main()
