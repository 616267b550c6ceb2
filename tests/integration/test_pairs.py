"""Query pairs: the queries of an application on the new schema, read only, with the index that would help."""
import json
import unittest

from jobs import Work, job
from postgres import Postgres

TABLE = """create table users (id int primary key, email text, city text, age int, rest jsonb);
insert into users select i, 'u' || i || '@x', 'c' || i % 20, i % 90, jsonb_build_object('nick', 'n' || i)
  from generate_series(1, 30000) i;
analyze users;"""


class Pairs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.work = Work(cls.server.fresh())
        cls.work.database.query(TABLE)

    def pairs(self, text, *flags, expect=0):
        self.work.script('return {' + text + '}', 'queries.lua')
        return self.work.lugger('pairs', 'queries.lua', '--times', 3, *flags, expect=expect)

    def one(self, text, *flags, expect=0):
        return json.loads(self.pairs(text, '--json', *flags, expect=expect).out)[0]

    def test_s0_64_times_plan_and_the_index_that_helps(self):
        found = self.one("{ name = 'by email', mongo = 'db.users.find({email: ...})', sql = 'select * "
                         "from users where email = $1', params = { 'u7@x' }, max_ratio = 2 }")
        self.assertEqual(found['rows'], 1)
        self.assertGreaterEqual(found['p95_ms'], found['p50_ms'])
        self.assertIn('Seq Scan on users', found['nodes'][0])
        self.assertEqual(len(found['advice']), 1)
        self.assertIn('CREATE INDEX CONCURRENTLY ON "users" ("email")', found['advice'][0])
        self.assertIn('side was not run; max_ratio was not checked', found['notes'][0])
        sql = found['advice'][0].split(': ')[-1]
        self.work.database.query(sql)
        again = self.one("{ sql = 'select * from users where email = $1', params = { 'u7@x' } }")
        self.assertEqual(again['advice'], {})
        self.assertIn('Index Scan by users_email_idx', again['nodes'][0])
        self.work.database.query('drop index users_email_idx')

    def test_s0_74_distinct_is_slower_and_what_helps(self):
        found = self.one("{ name = 'cities', mongo = \"db.users.distinct('city')\", "
                         "sql = 'select distinct city from users' }")
        self.assertEqual(found['rows'], 20)
        self.assertIn('CREATE INDEX CONCURRENTLY ON "users" ("city")', found['advice'][0])
        rewritten = found['advice'][1].split('value: ')[1]
        self.work.database.query(found['advice'][0].split(': ')[-1])
        self.assertEqual(self.work.database.query(rewritten + ' order by 1'),
                         self.work.database.query('select distinct city from users order by 1'))
        self.work.database.query('drop index users_city_idx')

    def test_what_else_would_help(self):
        sorted_ = self.one("{ sql = 'select * from users order by age desc limit 5' }")
        self.assertIn('("age" DESC)', sorted_['advice'][0])
        both = self.one("{ sql = 'select * from users where age > $1 and city = $2', params = { 88, 'c7' } }")
        self.assertIn('("city", "age")', both['advice'][0])
        inside = self.one("{ sql = [[select * from users where rest->>'nick' = $1]], params = { 'n5' } }")
        self.assertIn("ON \"users\" (((\"rest\" ->> 'nick')))", inside['advice'][0])
        self.work.database.query(inside['advice'][0].split(': ')[-1] + '; drop index users_expr_idx')

    def test_s0_64_beside_a_verification(self):
        work = Work(self.server.fresh(), [{'_id': i, 'v': i} for i in range(50)], job("{ 'v', 'int4' }"))
        work.run('--create')
        work.script("return { { name = 'big ones', sql = 'select * from docs "
                    "where v > $1', params = { 40 } } }",
                    'good.lua')
        done = work.lugger('verify', 'job.lua', '--query-pairs', 'good.lua')
        self.assertIn('big ones', done.out)
        self.assertIn('equal', done.out)
        work.script("return { { name = 'no such column', sql = 'select nothing from docs' } }", 'bad.lua')
        self.assertIn('no such column',
                      work.lugger('verify', 'job.lua', '--query-pairs', 'bad.lua', expect=4).out)

    def test_limits(self):
        slow = self.one("{ name = 'slow', sql = 'select pg_sleep(0.02)', max_ms = 1 }", expect=4)
        self.assertEqual((slow['passed'], slow['error'] if 'error' in slow else None), (False, None))
        self.assertIn('max_ms', slow['notes'][0])
        late = self.one("{ sql = 'select pg_sleep(60)' }", '--timeout', 100, expect=4)
        self.assertIn('timeout', late['error'])
        buffers = self.one("{ sql = 'select count(*) from users' }", '--buffers')
        self.assertIn('pages:', buffers['notes'][0])

    def test_it_only_reads(self):
        for sql in ('delete from users', 'with d as (delete from users returning 1) select * from d',
                    'select 1; drop table users', "select nextval('s')"):
            with self.subTest(sql):
                self.assertRegex(self.pairs("{ sql = [[" + sql + "]] }", expect=(1, 4)).out + 'x', '.')
        self.assertEqual(self.work.database.number('select count(*) from users'), 30000)
        bound = self.one("{ sql = 'select count(*) from users where email = $1', params = { [[x' "
                         "or true --]] } }")
        self.assertEqual(bound['rows'], 1)

    def test_mistakes(self):
        self.assertIn('did you mean params', self.pairs("{ sql = 'select 1', parms = {} }", expect=1).err)
        self.assertIn('has no sql', self.pairs("{ name = 'x' }", expect=1).err)
        self.assertIn('one statement', self.pairs("{ sql = 'select 1; select 2' }", expect=1).err)
        self.assertIn('no file', self.work.lugger('pairs', 'gone.lua', expect=1).err)
        self.assertIn('on which database',
                      self.work.lugger('pairs', 'queries.lua', env={'PG_URI': ''}, expect=1).err)
        missing = self.pairs("{ name = 'm', sql = 'select * from nowhere' }, { sql = 'select 1' }", expect=4)
        self.assertIn('nowhere', missing.out)
        self.assertIn('ok', missing.out)


if __name__ == '__main__':
    import harness
    harness.main()
