"""Tables that the user distributed with Citus. LUGGER_TEST_CITUS is the URL of a coordinator."""
import datetime

import bson
import harness
from citus import HOURS, Case
from harness import lua

COLUMNS = "{ 'mongo_id', 'text', from = '_id' }, { 'n', 'int4' }, { 'at', 'timestamptz' }, { 'j', 'json' }"


class Citus(Case):
    def setUp(self):
        super().setUp()
        self.database.query('''
            create table lugger_test.docs (mongo_id text primary key, n int, at timestamptz, j json);
            create table lugger_test.tags (parent_mongo_id text, ordinal int, tag text,
              primary key (parent_mongo_id, ordinal));
            select create_distributed_table('lugger_test.docs', 'mongo_id');
            select create_distributed_table('lugger_test.tags', 'parent_mongo_id',
              colocate_with => 'lugger_test.docs')''')
        self.documents(0)

    def documents(self, more):
        bson.write(self.directory / 'docs.bson', [
            {'_id': f'k{i}', 'n': i + (more if i % 10 == 0 else 0), 'at': HOURS + datetime.timedelta(hours=i),
             'j': {'a': i}, 'tags': ['a', 'b'][:i % 3]} for i in range(300)])

    def target(self, table='docs', more=''):
        return (f"lugger.target({lua(self.database.url)}, {{ table = 'lugger_test.{table}', key = "
                f"'mongo_id', state_schema = 'lugger_test_state' {more} }})")

    def job(self, conflict):
        newer = ", newer = 'n'" if conflict == 'newer' else ''
        (self.directory / 'job.lua').write_text(f'''
            local lugger = require 'lugger'
            return lugger.copy {{
              from = lugger.source('docs.bson', {{ collection = 'shop.docs' }}),
              into = {self.target(more=f", on_conflict = '{conflict}'" + newer)},
              columns = {{ {COLUMNS} }}, unmapped = 'ignore',
              children = {{ {{ table = 'lugger_test.tags', from = 'tags[]',
                columns = {{ {{ 'tag', 'text', from = '.' }} }} }} }} }}''')

    def load(self, conflict):
        self.job(conflict)
        return self.lugger('run', 'job.lua', '--log', 'none', '--restart').err

    def test_every_policy(self):
        self.assertIn('inserted 300', self.load('error'))
        self.assertIn('updated 0 + unchanged 300', self.load('update'))
        for policy, told in {'skip': 'updated 0 + unchanged 270 + skipped 30',
                             'newer': 'updated 30 + unchanged 270',
                             'update': 'updated 30 + unchanged 270'}.items():
            self.documents({'skip': 1, 'newer': 2, 'update': 3}[policy])
            self.assertIn(told, self.load(policy), policy)
        self.lugger('verify', 'job.lua')

    def test_repair(self):
        self.load('update')
        self.database.query('''update lugger_test.docs set at = '2001-01-01', n = 1 where mongo_id = 'k5';
                               delete from lugger_test.docs where mongo_id = 'k7';
                               delete from lugger_test.tags where parent_mongo_id = 'k8' ''')
        self.lugger('verify', 'job.lua', expect=4)
        self.lugger('repair', 'job.lua', '--apply')
        self.lugger('verify', 'job.lua')

    def test_extra_rows_are_deleted_by_their_key(self):
        self.load('update')
        self.database.query("insert into lugger_test.docs values ('extra', 1); "
                            "insert into lugger_test.tags values ('extra', 1, 'x'), ('k8', 99, 'x')")
        self.lugger('verify', 'job.lua', expect=4)
        self.lugger('repair', 'job.lua', '--apply', '--delete-extra')
        self.assertEqual(self.database.number('select count(*) from lugger_test.docs'), 300)
        self.lugger('verify', 'job.lua')

    def test_a_fix_and_its_undo(self):
        self.load('update')
        before = self.database.query('select md5(string_agg(d::text, chr(10) order by mongo_id)) '
                                     'from lugger_test.docs d')
        (self.directory / 'fix.lua').write_text(f'''
            local lugger = require 'lugger'
            return lugger.fix {{ on = {self.target()},
              where = 'n < 50', set = {{ 'n', 'at' }}, max_rows = 100,
              map = function(row) row.n = row.n + 1000; row.at = '2026-05-05 05:05:05Z' end }}''')
        result = self.lugger('run', 'fix.lua', '--apply', '--yes')
        self.assertIn('50 changed', result.out + result.err)
        self.assertEqual(self.database.number("select count(*) from lugger_test.docs where n >= 1000 "
                                              "and at = '2026-05-05 05:05:05Z'"),
                         50)
        run = self.database.query("select run from lugger_test_state.fixes")
        self.lugger('undo', run, 'fix.lua', '--yes')
        self.assertEqual(self.database.query('select md5(string_agg(d::text, chr(10) order by mongo_id)) '
                                             'from lugger_test.docs d'),
                         before)


if __name__ == '__main__':
    harness.main()
