"""What is asked for again, and what the server, the role or something between them does not allow."""
import os
import shutil
import unittest

from bson import ObjectId
import harness
from jobs import Work, job
from postgres import Postgres


def documents(count=100):
    return [{'_id': ObjectId(f'{i:024x}'), 'n': i} for i in range(count)]


class AskedAgain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def keyless(self):
        return Work(self.server.fresh(), documents(),
                    job("{ 'n', 'int4' }", key=None, extra="unmapped = 'ignore',"))

    def test_a27_a_table_without_a_key_is_loaded_again_only_on_request(self):
        work = self.keyless()
        work.run('--create')
        again = work.run()
        self.assertIn('this source was loaded before', again.err)
        self.assertIn('has no key, so nothing was loaded again', again.err)
        self.assertEqual(work.database.number('select count(*) from docs'), 100)
        self.assertEqual(work.database.number("select count(*) from lugger.runs"), 1)
        work.run('--again')
        self.assertEqual(work.database.number('select count(*) from docs'), 200)
        self.assertIn('nothing was loaded again', work.run().err)

    def test_a27_killed_behind_the_end(self):
        """The ledger says done, and the process did not live to tell."""
        work = self.keyless()
        work.run('--create')
        work.run()
        work.documents(documents(120))      # another source is another load
        work.run()
        self.assertEqual(work.database.number('select count(*) from docs'), 220)

    def test_a27_a_dump_that_was_copied_moved_or_touched_is_the_same(self):
        def copied(path):
            shutil.copy(path, path.with_name('copy.bson'))
            os.replace(path.with_name('copy.bson'), path)
        for change in (lambda path: os.utime(path, (1, 1)), copied):
            work = self.keyless()
            work.run('--create')
            change(work.source)
            again = work.run()
            self.assertIn('nothing was loaded again', again.err)
            self.assertIn('copied, moved, touched', ' '.join(again.err.split()))
            self.assertEqual(work.database.number('select count(*) from docs'), 100)
            work.run('--again')
            self.assertEqual(work.database.number('select count(*) from docs'), 200)

    def test_a27_what_is_still_to_be_built_is_built(self):
        extra = '''unmapped = 'ignore', indexes = { { 'n', name = 'by_n' } },
            constraints = { { check = 'n >= 0', name = 'n_sane' } },'''
        work = Work(self.server.fresh(), documents(), job("{ 'n', 'int4' }", key=None, extra=extra))
        work.run('--create', '--stage', 'load')
        self.assertIn('nothing was loaded again', work.run().err)
        self.assertEqual(work.database.number('select count(*) from docs'), 100)
        self.assertEqual(work.database.number("select count(*) from pg_indexes where indexname = 'by_n'"), 1)
        self.assertEqual(work.database.number("select count(*) from pg_constraint where conname = 'n_sane'"),
                         1)

    def test_a27_rows_that_were_taken_away_are_loaded(self):
        work = self.keyless()
        work.run('--create')
        work.database.query('truncate docs')
        work.run()
        self.assertEqual(work.database.number('select count(*) from docs'), 100)

    def test_a27_part_of_it_was_loaded(self):
        work = self.keyless()
        work.run('--create', '--limit', '10')
        result = work.run(expect=1)
        self.assertIn('stopped at its limit', result.err)
        self.assertIn('--again', result.err)
        self.assertEqual(work.database.number('select count(*) from docs'), 10)

    def test_a27_a_table_with_a_key_says_so_and_is_settled(self):
        work = Work(self.server.fresh(), documents(), job("{ 'n', 'int4' }", conflict='update'))
        self.assertNotIn('loaded before', work.run('--create').err)
        again = work.run()
        self.assertIn('this source was loaded before', again.err)
        self.assertEqual(again.books()['unchanged'], 100)

    def refusing(self, text=None):
        rows = documents()
        rows[7]['n'] = rows[8]['n'] = 'no number'
        return Work(self.server.fresh(), rows, text or job("{ 'n', 'int4' }", conflict='error'))

    def rejects(self, work):
        return work.database.number('select count(*) from lugger.rejects')

    def test_a27_keys_that_are_there_and_refused(self):
        """Killed between the ledger's "done" and the end of the process, the same command can only say so;
        and nothing that it does costs the rejects."""
        work = self.refusing()
        first = work.run('--create', expect=3)
        again = work.run(expect=3)
        self.assertIn('docs refuses keys that are there, so nothing was loaded again', again.err)
        self.assertEqual(again.books(), first.books())
        self.assertEqual(self.rejects(work), 2)
        self.assertEqual(work.database.number('select count(*) from lugger.runs'), 1)

    def test_a27_rejects_stay_until_another_run_is_done(self):
        work = self.refusing()
        work.run('--create', expect=3)
        self.assertIn('key', work.run('--again', expect=1).err)
        self.assertEqual(self.rejects(work), 2)
        work.script(job("{ 'n', 'int8' }", conflict='error'))  # another script: nobody says it is done
        work.database.query('alter table docs alter n type int8')
        work.run(expect=1)
        self.assertEqual(self.rejects(work), 2)
        work.script(job("{ 'n', 'int8' }", conflict='skip'))
        work.run(expect=3)
        self.assertEqual(self.rejects(work), 2)
        self.assertEqual(work.database.query("select distinct status from lugger.rejects join lugger.runs "
                                             'using (run)'), 'done')

    def test_a27_a_task(self):
        text = '''local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI), { batch_rows = 10 })
  local into = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', KEY }),
    { columns = { { 'n', 'int4' } } })
  for batch in docs:batches() do
    for doc in batch:docs() do
      if doc.n == 'no number' then into:reject(doc, 'no number') else into:add { n = doc.n } end
    end
    into:commit(batch:position())
  end
end)
'''
        for key in ("key = 'n'", ''):
            with self.subTest(key):
                work = self.refusing(text.replace('KEY', key))
                work.run('--create', '--limit', '50', expect=3)
                work.run(expect=3)      # behind its limit
                self.assertEqual(work.database.number('select count(*) from docs'), 98)
                again = work.run(expect=3)
                self.assertIn('this run continues after what it read', again.err)
                self.assertEqual(work.database.query('select count(*), count(distinct n) from docs'), '98|98')
                self.assertEqual(self.rejects(work), 2)


class NotAllowed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def role(self, work, name, more=''):
        name += '_' + work.database.name
        work.database.query(f"create role {name} login {more}; "
                            f'grant create on database {work.database.name} to {name}; '
                            f'grant all on schema public to {name}')
        return {'PG_URI': self.server.url(work.database.name, name)}

    def test_f15_limits_that_the_role_cannot_see(self):
        for limit in ("max_lag = '2s'", 'max_lock_waits = 3', "max_long_transaction = '1h'"):
            with self.subTest(limit):
                work = Work(self.server.fresh(), documents(),
                            job("{ 'n', 'int4' }", extra=f'throttle = {{ {limit} }},'))
                env = self.role(work, 'blind')
                self.assertIn('GRANT pg_monitor TO blind',
                              work.lugger('plan', 'job.lua', '--create', env=env, expect=None).out
                                  + work.lugger('plan', 'job.lua', '--create', env=env, expect=None).err)
                self.assertIn('GRANT pg_monitor TO blind', work.run('--create', env=env, expect=1).err)
                work.database.query(f'grant pg_monitor to blind_{work.database.name}')
                work.run('--create', env=env)

    def test_f15_few_connections_are_enough_for_a_stage(self):
        indexes = ("indexes = { { columns = { 'n' } }, { columns = { 'a' } }, { columns = { 'b' } } }, "
                   "unmapped = 'ignore',")
        work = Work(self.server.fresh(), documents(),
                    job("{ 'n', 'int4' }, { 'a', 'int4' }, { 'b', 'int4' }", extra=indexes))
        env = self.role(work, 'few', 'connection limit 3')
        work.run('--create', '-j', '1', '--stage', 'load', env=env)
        result = work.run('-j', '4', '--stage', 'index', env=env)
        self.assertEqual(work.database.number("select count(*) from pg_indexes where tablename = 'docs'"), 4,
                         result.err)

    def test_f15_the_grants_of_state_sql_are_enough(self):
        work = Work(self.server.fresh(), documents(), job("{ 'n', 'int4' }", conflict='update'))
        sql = work.lugger('state', 'sql').out
        work.database.query(sql
                            + 'drop role if exists clerk; create role clerk login; '
                              'grant all on schema public to clerk;'
                            + '\n'.join(line[3:].replace('TO role', 'TO clerk')
                                        for line in sql.splitlines() if line.startswith('-- GRANT')))
        env = {'PG_URI': self.server.url(work.database.name, 'clerk')}
        work.run('--create', env=env)
        (work.directory / 'migrations').mkdir()
        (work.directory / 'migrations' / '20260101000000_a.sql').write_text('create table a (n int);')
        (work.directory / 'migrations' / '20260101000001_b.sql').write_text(
            'create index concurrently on a (n);')
        work.lugger('migrate', 'up', env=env)
        self.assertEqual(work.database.number("select count(*) from pg_indexes where tablename = 'a'"), 1)

    def test_f1_a_type_that_is_not_found_is_a_problem_of_the_plan(self):
        work = Work(self.server.fresh(), documents(), job("{ 'n', 'numb' }", conflict='update'))
        work.database.query('create schema ext; create domain ext.numb as int; '
                            'create table docs (mongo_id text primary key, n ext.numb)')
        self.assertIn('does not find the type numb', work.run(expect=1).err)


class Rehearsal(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_f15_a_rehearsal_begins_with_the_settings_of_the_role(self):
        for set_by in ('alter role postgres in database {0} set search_path = app, public',
                       'alter database {0} set search_path = app, public'):
            with self.subTest(set_by):
                work = Work(self.server.fresh())
                work.database.query('create schema app; ' + set_by.format(work.database.name))
                (work.directory / 'migrations').mkdir()
                (work.directory / 'migrations' / '20260101000000_a.sql').write_text(
                    "create table a (n int);\ndo $$ begin if to_regclass('app.a') is null then raise 'not in "
                    "app'; end if; end $$;\n")
                work.lugger('migrate', 'up', '--rehearse')
                self.assertEqual(work.database.query("select to_regclass('app.a') is null"), 't')


if __name__ == '__main__':
    harness.main()
