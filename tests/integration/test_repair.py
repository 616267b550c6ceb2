"""lugger repair: writes exactly what is wrong, deletes only when told, survives kill -9, and verifies
what it did."""
import signal
import time
import unittest

from bson import ObjectId
from fixes import until
import harness
from jobs import Work, job
from postgres import Postgres

EXTRA = """children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },
  unmapped = 'ignore',
  map = function(row) row.t = row.t:upper() end,"""


def documents(count):
    return [{'_id': ObjectId(f'{i:024x}'), 'n': i, 't': f'text {i}', 'tags': ['a', 'b'][:i % 3]}
            for i in range(count)]


class Repair(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def loaded(self, count=400, conflict='skip', **more):
        work = Work(self.server.fresh(), documents(count),
                    job("{ 'n', 'int4' }, { 't', 'text' }", conflict=conflict, extra=EXTRA, **more))
        work.run('--create')
        work.state = self.state(work)
        return work

    @staticmethod
    def state(work):
        return [work.database.query(f"select md5(string_agg(x::text, ',' order by x::text)) from {table} x")
                for table in ('docs', 'tags')]

    def repair(self, work, *flags, expect=0):
        return work.lugger('repair', 'job.lua', *flags, expect=expect)

    def break_it(self, work):
        work.database.query("""update docs set t = 'x' where n in (10, 11); delete from docs where n = 12;
          delete from tags where
          parent_mongo_id = lpad(to_hex(14), 24, '0') and ordinal = 1;
          update tags set tag = 'y' where parent_mongo_id = lpad(to_hex(17), 24, '0')""")

    def test_n_02_exactly_the_wrong_rows(self):
        work = self.loaded()
        self.break_it(work)
        broken = self.state(work)
        work.database.query(
            'create table touched (k text); create function note() returns trigger language plpgsql as '
            "$$ begin insert into touched values (new.mongo_id); return new; end $$; "
            'create trigger t after update or insert on docs for each row execute function note()')
        result = self.repair(work, expect=4)
        self.assertIn('would write 5 documents again', result.err)
        self.assertIn('nothing was written', result.err)
        self.assertEqual(self.state(work), broken)
        result = self.repair(work, '--apply')
        self.assertIn('5 documents written again, 0 rows deleted', result.err)
        self.assertEqual(self.state(work), work.state)
        self.assertEqual(work.database.query('select string_agg(k, \',\' order by k) from touched'),
                         ','.join(f'{i:024x}' for i in (10, 11, 12)))
        self.assertIn('docs (repair)',
                      work.lugger('runs', 'job.lua').out.replace('shop.docs -> docs', 'docs'))

    def test_a_second_repair_finds_nothing(self):
        work = self.loaded()
        self.break_it(work)
        self.repair(work, '--apply')
        self.assertNotIn('written again', self.repair(work, '--apply').err)

    def test_extra_rows_go_only_when_told(self):
        work = self.loaded()
        work.database.query("""alter table tags drop constraint tags_parent_fkey;
          insert into docs (mongo_id, n) values ('ghost', 1), ('spook', 2);
          insert into tags values ('ghost', 1, 't'),
          ('orphan', 1, 't'), (lpad(to_hex(2), 24, '0'), 9, 'more')""")
        result = self.repair(work, '--apply', expect=4)
        self.assertIn('--delete-extra deletes', result.err)
        self.assertEqual(
            work.database.number("select count(*) from docs where mongo_id in ('ghost', 'spook')"), 2)
        self.assertEqual(work.database.number('select count(*) from tags where ordinal = 9'), 1)
        self.repair(work, '--apply', '--delete-extra')
        self.assertEqual(self.state(work), work.state)

    def test_child_rows_that_outlived_their_parent(self):
        work = self.loaded()
        work.database.query('alter table tags drop constraint tags_parent_fkey; '
                            'delete from docs where n in (4, 5)')
        self.repair(work, '--apply')
        self.assertEqual(self.state(work), work.state)
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 0)

    def test_where_narrows_the_repair(self):
        work = self.loaded()
        work.database.query("update docs set t = 'x' where n in (10, 300)")
        self.repair(work, '--apply', '--where', 'n < 100')
        self.assertEqual(work.database.query("select n from docs where t = 'x'"), '300')

    def test_a_key_without_an_index_is_said(self):
        work = self.loaded()
        work.database.query("alter table docs drop constraint docs_pkey cascade; "
                            "update docs set t = 'x' where n = 1")
        self.assertIn('needs a unique index', self.repair(work, '--apply', expect=1).err)

    def test_rows_twice_are_left_to_the_user(self):
        work = self.loaded()
        work.database.query('alter table docs drop constraint docs_pkey cascade; '
                            'insert into docs select * from docs where n = 5')
        self.repair(work, expect=4)

    def test_documents_the_server_refuses_become_rejects(self):
        work = self.loaded()
        work.database.query("delete from docs where n = 5; alter table docs add check (n <> 5)")
        self.repair(work, '--apply')
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 1)

    def test_an_unfinished_load_is_still_resumed(self):
        work = self.loaded()
        work.database.query("update docs set t = 'x' where n = 1; update lugger.runs set status = 'stopped'")
        self.repair(work, '--apply')
        told = work.run().err
        # The counts of both attempts are no speed of the second one.
        self.assertRegex(told, r'(?m)^  in [\d. a-z]+ since it was resumed; child rows')
        self.assertNotIn('rows/s', told)
        self.assertEqual(work.database.query("select string_agg(status, ',' order by started_at) "
                                             "from lugger.runs where job not like '%(%'"),
                         'done')

    def test_kill_9_and_again(self):
        work = self.loaded(6000)
        work.database.query("update docs set t = 'x' where n % 2 = 0; delete from docs where n % 7 = 0")
        killed = 0
        for delay in (0.1, 0.2, 0.3, 0.4, 0.6, 0.8):
            process = work.start('repair', 'job.lua', '--apply', '-q')
            time.sleep(delay)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            killed += process.returncode == -signal.SIGKILL
            torn = work.database.number("select count(*) from docs d where (select count(*) from tags where "
                                        "parent_mongo_id = mongo_id) <> d.n % 3 "
                                        "and t <> 'x'")
            self.assertEqual(torn, 0)
        self.assertGreater(killed, 0)
        for _ in range(50):
            result = self.repair(work, '--apply', expect=(0, 1))
            if result.status == 0:
                break
            time.sleep(0.1)   # the server may still hold the killed process's lease for a moment
        self.assertEqual(self.state(work), work.state)

    def test_connections_cut_while_it_writes(self):
        work = self.loaded(3000)
        work.database.query("""update docs set t = 'x';
            create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.0005);
              return new; end $$;
            create trigger slow before insert or update on docs for each row execute function slow()""")
        process = work.start('repair', 'job.lua', '--apply', '-q')
        mended = "select count(*) from docs where t <> 'x'"
        cuts = 0
        for _ in range(3):
            had = work.database.number(mended)
            until(lambda had=had: process.poll() is not None or work.database.number(mended) > had,
                  'it goes on')
            cuts += process.poll() is None
            work.database.query("select pg_terminate_backend(pid) from pg_stat_activity "
                                "where datname = current_database() and "
                                "application_name in ('lugger load', 'lugger repair', 'lugger state')")
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        self.assertGreater(cuts, 0)
        self.assertEqual(self.state(work), work.state)
        self.assertEqual(work.database.query("select status, read, updated from lugger.runs "
                                             "join lugger.partitions using (run) where "
                                             "job like '%(repair)'"),
                         'done|3000|3000')

    def test_one_that_was_cut_off_gives_way_to_the_next(self):
        work = self.loaded()
        self.break_it(work)
        self.repair(work, '--apply')
        work.database.query("update lugger.runs set status = 'running' where job like '%(repair)'")
        self.break_it(work)
        self.repair(work, '--apply')
        self.assertEqual(work.database.query("select string_agg(status, ',' order by started_at) "
                                             "from lugger.runs where job like '%(repair)'"),
                         'abandoned,done')

    def test_scripts_repair_their_jobs(self):
        work = self.loaded()
        self.break_it(work)
        job_text = (work.directory / 'job.lua').read_text()
        work.script(job_text.replace('return lugger.copy', 'local made = lugger.copy') + """
          local after, before, repair = made:repair { apply = true }
          print(after.equal, before.equal, repair.documents)
          return {}""", 'own.lua')
        self.assertIn('true\tfalse\t5', work.run(script='own.lua').out)

    def test_of_several_one_that_cannot_be_repaired_leaves_the_others(self):
        work = self.loaded(3)
        one, two = (job("{ 'n', 'int4' }", source=work.source, table=name, conflict='update',
                        extra=f"name = '{name}', unmapped = 'ignore',") for name in ('gone', 'docs'))
        jobs = ', '.join(text.split('return')[1] for text in (one, two))
        work.script("local lugger = require 'lugger'\nreturn { " + jobs + ' }')
        work.database.query("update docs set n = 99 where n = 1")
        told = self.repair(work, '--apply', expect=1).err
        self.assertIn('gone', told)
        self.assertIn('1 document written again', told)
        self.assertEqual(work.database.query('select n from docs order by n').split(), ['0', '1', '2'])


if __name__ == '__main__':
    harness.main()
