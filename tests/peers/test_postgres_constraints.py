"""NOT NULL ... NOT VALID and NOT ENFORCED of PostgreSQL 18 prove nothing of the rows that are there."""
import unittest

import harness
import peer_postgres
from fixes import FixWork
from jobs import Work, job
from migrations import Project
from postgres import Postgres

TABLE = ("create table t (id int primary key, a int unique, v text); insert into t "
         "select i, nullif(i, 3), 'x' from generate_series(1, 5) i;"
         " alter table t add constraint a_there not null a not valid;")
FILL = """local schema = require 'lugger.schema'
return { up = function(db) schema.backfill(db, { table = 't', key = 'a', set = { v = "'y'" } }) end }"""


class Unproven(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres(binaries_of=peer_postgres.server(18))

    def test_f13_batches_over_an_unproven_key_are_refused(self):
        project = Project(self.server.fresh(), v1_a=FILL)
        project.query(TABLE)
        self.assertIn('key column a of t may be NULL', project.migrate('up', expect=1).err)
        project.query('update t set a = 3 where a is null; alter table t validate constraint a_there')
        project.migrate('up')
        self.assertEqual(project.query("select count(*) from t where v = 'y'"), '5')

    def test_f13_fixes_over_an_unproven_key_are_refused(self):
        work = FixWork(self.server, sql=TABLE, set_=('v',), map_="function(row) row.v = 'y' end", where='',
                       table='t', key='a')
        self.assertIn('key column a of t may be NULL', work.run(expect=1).err)

    def work(self, extra, sql):
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 1}], job("{ 'n', 'int4' }", extra=extra))
        work.database.query('create table docs (mongo_id text primary key, n int4)')
        work.run()
        work.database.query(sql)
        return work

    def test_f13_an_unproven_not_null_is_counted_and_proven(self):
        work = self.work("constraints = { { not_null = { 'n' } } },",
                         "alter table docs alter n drop not null; insert into docs values ('x', null); "
                         "alter table docs add not null n not valid")
        result = work.lugger('preflight', 'job.lua', expect=None)
        self.assertIn('not null', (result.out + result.err).lower())
        self.assertNotEqual(result.status, 0, result)
        work.database.query('update docs set n = 2 where n is null')
        work.run('--stage', 'constrain')
        self.assertEqual(work.database.query("select bool_and(convalidated) from pg_constraint "
                                             "where conrelid = 'docs'::regclass and contype = 'n'"),
                         't')

    def test_f13_a_constraint_that_is_not_enforced_does_not_stand(self):
        work = self.work("constraints = { { name = 'small', check = 'n < 100' } },",
                         "alter table docs drop constraint if exists small; "
                         "alter table docs add constraint small check (n < 100) not enforced")
        result = work.run('--stage', 'constrain', expect=1)
        self.assertIn('constraint small of docs is NOT ENFORCED', result.err)
        work.database.query('alter table docs drop constraint small')
        work.run('--stage', 'constrain')
        self.assertEqual(work.database.query("select conenforced and convalidated from pg_constraint "
                                             "where conname = 'small'"),
                         't')

    def test_f13_a_change_of_type_proves_no_more_than_before(self):
        project = Project(self.server.fresh(), v1_a="""local schema = require 'lugger.schema'
return { up = function(db) schema.change_type(db, 't', 'b', 'bigint') end }""")
        project.query("create table t (id int primary key, b int); insert into t values (1, null), (2, 2);"
                      " alter table t add constraint there not null b not valid; "
                      "alter table t add constraint big check (b > 5) not enforced")
        project.migrate('up')
        self.assertEqual(project.query("select string_agg(conname || convalidated || conenforced, ',' order "
                                       "by conname) from pg_constraint"
                                       " where conrelid = 't'::regclass and contype in ('n', 'c') "
                                       "and conname <> 't_id_not_null'"),
                         'bigfalsefalse,therefalsetrue')
        self.assertEqual(project.query("select atttypid::regtype from pg_attribute "
                                       "where attrelid = 't'::regclass and attname = 'b'"),
                         'bigint')


if __name__ == '__main__':
    harness.main()
