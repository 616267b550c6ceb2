"""Through pgbouncer in transaction mode, with the option `pooled`."""
import json
import subprocess
import unittest

from bson import ObjectId
from fixes import FixWork
import harness
from jobs import Work, job
from pooler import Pooled, require
from postgres import Postgres

require()


class PgBouncer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.pooler = Pooled(cls.server)

    @classmethod
    def tearDownClass(cls):
        cls.pooler.stop()

    def work(self, count, **more):
        database = self.server.fresh()
        documents = [{'_id': ObjectId(f'{i:024x}'), 'n': i, 'list': [i, i + 1]} for i in range(count)]
        return Work(database, documents,
                    job("{ 'n', 'int4' }", target_options='pooled = true,',
                        **more)), self.pooler.url(database.name)

    def test_s0_38_load_through_a_transaction_pool(self):
        work, url = self.work(5000, conflict='update')
        env = {'PG_URI': url, 'PG_DIRECT_URI': work.database.url}
        self.assertEqual(work.run('--create', '-j', 2, env=env).books()['inserted'], 5000)
        again = work.run('-j', 2, env=env).books()
        self.assertEqual((again['read'], again['inserted'], again['rejected']), (5000, 0, 0))
        self.assertEqual(work.database.query('select count(*), sum(n) from docs'), f'5000|{sum(range(5000))}')

    def test_verify_and_repair_through_a_transaction_pool(self):
        work, url = self.work(3000, conflict='update')
        env = {'PG_URI': url, 'PG_DIRECT_URI': work.database.url}
        work.run('--create', env=env)
        self.assertIn('equal, 3,000 rows', work.lugger('verify', 'job.lua', env=env).out)
        work.database.query('update docs set n = -n where n in (7, 8)')
        self.assertIn('2 different', work.lugger('verify', 'job.lua', env=env, expect=4).out)
        work.lugger('repair', 'job.lua', '--apply', env=env)

    def test_f14_a_pooler_that_nobody_mentioned_is_noticed(self):
        database = self.server.fresh()
        documents = [{'_id': ObjectId(f'{i:024x}'), 'n': i, 'list': [i, i + 1]} for i in range(3000)]
        work = Work(database, documents,
                    job("{ 'n', 'int4' }", conflict='update',
                        extra="indexes = { { columns = { 'n' } } },"
                              "throttle = { max_lock_waits = 50 }, unmapped = 'ignore',"))
        env = {'PG_URI': self.pooler.url(database.name)}
        self.assertEqual(work.run('--create', '-j', 2, env=env).err.count('pooler in transaction mode'), 1)
        for _ in range(3):
            self.assertEqual(work.run('-j', 2, env=env).books()['unchanged'], 3000)
        self.assertIn('equal, 3,000 rows', work.lugger('verify', 'job.lua', '-j', 2, env=env).out)
        database.query('update docs set n = -n where n in (7, 8)')
        work.lugger('repair', 'job.lua', '--apply', env=env)
        self.assertEqual(database.number("select count(*) from pg_class where relpersistence = 't'"), 0)
        self.assertEqual(database.number("select count(*) from pg_locks where locktype = 'advisory'"), 0)

    def test_f14_an_undo_notices_the_pooler(self):
        work = FixWork(self.server, 40)
        name = work.database.name
        work.database.query(f"alter database \"{name}\" set statement_timeout = '7min'")
        env = {'PG_URI': self.pooler.url(name)}
        run = json.loads(work.run('--apply', '--json', env=env).out)['run']
        work.lugger('undo', run, env=env)
        self.assertEqual(work.values("select count(*) from customers where phone like '00%'"), '20')
        # What a session sets for itself would stay on the connection that the pooler gives to others.
        shown = subprocess.run(['psql', '-XAtq', '-d', env['PG_URI'], '-c', 'show statement_timeout'],
                               capture_output=True, text=True, check=True)
        self.assertEqual(shown.stdout.strip(), '7min')

    def test_f14_what_builds_goes_to_the_server_itself(self):
        database = self.server.fresh()
        work = Work(database, [{'_id': 1, 'n': 1}],
                    job("{ 'n', 'int4' }", extra="indexes = { { columns = { 'n' } } },"))
        work.run('--create', env={'PG_URI': self.pooler.url(database.name), 'PG_DIRECT_URI': database.url})
        self.assertEqual(database.number("select count(*) from pg_indexes where tablename = 'docs'"), 2)
        # Without a pooler the URL of the pooler's server means nothing: it may be another one.
        work.run(env={'PG_URI': database.url, 'PG_DIRECT_URI': 'postgresql:///nowhere?host=/nowhere'})

    def test_c4_a_timeout_of_the_role_cancels_nothing_of_ours(self):
        work, url = self.work(2000, conflict='update')
        # Statements that build take longer than the role's timeout lets them.
        work.database.query(f"""
create function dawdle() returns event_trigger language plpgsql as $$ begin perform pg_sleep(1); end $$;
create event trigger dawdle on ddl_command_start when tag in ('CREATE INDEX', 'ALTER TABLE', 'COMMENT')
  execute function dawdle();
alter database {work.database.name} set statement_timeout = '700ms'""")
        work.run('--create', '-j', 2, env={'PG_URI': url})
        self.assertEqual(work.database.number("select count(*) from pg_constraint where "
                                              "conrelid = 'docs'::regclass and contype = 'p'"), 1)
        self.assertEqual(work.run('-j', 2, env={'PG_URI': url}).books()['unchanged'], 2000)

    def test_c4_what_no_setting_can_reach_is_refused(self):
        work, url = self.work(2000, conflict='update', extra="indexes = { { columns = { 'n' } } },")
        work.database.query('create table docs (mongo_id text primary key, n int4); insert into docs '
                            "values ('there', 1)")
        work.database.query(f"alter database {work.database.name} set statement_timeout = '1min'")
        refused = work.run('-j', 2, env={'PG_URI': url, 'PG_DIRECT_URI': None}, expect=1)
        self.assertIn('CREATE INDEX CONCURRENTLY would be cancelled after 1min', refused.err)
        self.assertIn('PG_DIRECT_URI', refused.err)
        work.run('-j', 2, env={'PG_URI': url, 'PG_DIRECT_URI': work.database.url})
        self.assertEqual(work.database.number("select count(*) from pg_indexes where tablename = 'docs'"), 2)

    def test_the_pool_is_clean_afterwards(self):
        work, url = self.work(100)
        work.run('--create', env={'PG_URI': url, 'PG_DIRECT_URI': work.database.url})
        self.assertEqual(work.database.number("select count(*) from pg_class where relpersistence = 't'"), 0)
        self.assertEqual(work.database.number("select count(*) from pg_locks where locktype = 'advisory'"), 0)


if __name__ == '__main__':
    harness.main()
