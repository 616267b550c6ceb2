"""Undo: what it gives back is compared, and a run that was undone is over."""
import unittest

import harness
from fixes import FixWork, until
from postgres import Postgres

ROWS = ("create table t (id int primary key, v text, w text); insert into t select i, 'a', 'w' "
        "from generate_series(1, {}) i")
ADD = "function(row) row.v = row.v .. 'x' end"
BEFORE = """create function loud() returns trigger language plpgsql as $$ begin {} return new; end $$;
create trigger loud before update on t for each row execute function loud();"""
AFTER = """create function later() returns trigger language plpgsql as $$ begin
  if pg_trigger_depth() = 1 and new.id % 2 = 0 then update t set v = new.v || '!' where id = new.id; end if;
  return null; end $$;
create trigger later after update on t for each row execute function later();"""


class Undo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, rows=20, sql='', extra=''):
        return FixWork(self.server, sql=ROWS.format(rows) + ';' + sql, set_=('v',), map_=ADD, where='',
                       table='t', key='id', extra=extra)

    def values(self, work):
        return work.values("select string_agg(v || ':' || n, ',' order by v) "
                           "from (select v, count(*) n from t group by v) x")

    def killed(self, extra=''):
        """A fix that was killed when some of its 1,500 rows were written."""
        work = self.work(1500, extra='batch_rows = 50, throttle = { rows_per_s = 500 },' + extra)
        process = work.start('run', 'job.lua', '--apply', '--log', 'none')
        until(lambda: int(work.values("select count(*) from t where v = 'ax'")) > 100,
              'some rows are written')
        process.kill()
        process.communicate()
        until(lambda: work.values("select count(*) from pg_stat_activity "
                                  "where application_name like 'lugger%'") == '0',
              'its sessions end')
        self.assertGreater(int(work.values("select count(*) from t where v = 'a'")), 0)
        return work, work.values('select run from lugger.runs')

    def test_a11_an_undone_run_is_over(self):
        work, run = self.killed()
        result = work.lugger('undo', run)
        self.assertIn('had not finished; it is now marked abandoned', ' '.join(result.err.split()))
        self.assertEqual(self.values(work), 'a:1500')
        self.assertEqual(work.apply()['changed'], 1500)
        self.assertEqual(self.values(work), 'ax:1500')

    def test_a11_a_run_that_was_undone_in_part_is_not_gone_on_with(self):
        work, run = self.killed()
        changed = int(work.values("select count(*) from t where v = 'ax'"))
        work.lugger('undo', run, '--where', 'id <= 100')
        before = self.values(work)
        err = work.run('--apply', expect=1).err
        self.assertIn(f'undone in part: {changed - 100} of its rows', err)
        self.assertEqual(self.values(work), before)
        work.lugger('undo', run)
        work.apply()
        self.assertEqual(self.values(work), 'ax:1500')

    def test_a11_an_undo_that_was_undone(self):
        work, run = self.killed()
        work.lugger('undo', run)
        work.lugger('undo', work.values("select run from lugger.runs where mode = 'undo'"))
        self.assertIn('undone in part', work.run('--apply', expect=1).err)
        work.run('--apply', '--restart')

    def test_a11_what_looks_only_does_not_end_a_run(self):
        work, run = self.killed()
        work.lugger('undo', run, '--dry-run')
        work.apply()
        self.assertEqual(self.values(work), 'ax:1500')

    def test_a25_a_trigger_that_rewrites_what_comes_back(self):
        work = self.work()
        run = work.apply()['run']
        work.values(BEFORE.format("if new.id % 4 = 0 then new.v = new.v || '?'; end if;"))
        result = work.undo(run, expect=3)
        self.assertEqual(self.values(work), 'a:15,ax:5')
        self.assertEqual((result['changed'], result['rejected']), (15, 5))
        shown = work.lugger('undo', run, expect=3).out
        self.assertIn('the server made "a?" of v', shown)
        self.assertEqual(work.values("select count(*) from lugger.images where run <> '%s'" % run), '15')

    def test_a25_a_trigger_that_writes_afterwards(self):
        work = self.work()
        run = work.apply()['run']
        work.values(AFTER)
        self.assertEqual(work.undo(run, expect=3)['changed'], 10)
        self.assertEqual(self.values(work), 'a:10,ax:10')

    def test_a25_triggers_of_other_columns_are_no_matter(self):
        work = self.work(sql=BEFORE.format("new.w = 'touched';"))
        run = work.apply()['run']
        self.assertEqual(work.undo(run)['changed'], 20)
        self.assertEqual(self.values(work), 'a:20')

    def test_a25_swallowed_rows_are_told(self):
        work = self.work()
        run = work.apply()['run']
        work.values(BEFORE.format('if new.id = 3 then return null; end if;'))
        self.assertEqual(work.undo(run, expect=3)['changed'], 19)
        self.assertEqual(self.values(work), 'a:19,ax:1')

    def test_a25_another_type_of_the_column(self):
        work = FixWork(self.server,
                       sql="create table t (id int primary key, v numeric); "
                           "insert into t values (1, 1.255), (2, 2)",
                       set_=('v',), map_='function(row) row.v = row.v + 1 end', where='', table='t', key='id')
        run = work.apply()['run']
        work.values('alter table t alter v type numeric(8,1) using case when id = 1 then 2.255 else v end')
        work.undo(run, expect=3)
        self.assertEqual(work.values('select v from t where id = 1'), '2.3')

    def test_a25_a_fix_tells_what_a_trigger_made_of_its_values(self):
        work = self.work(sql=BEFORE.format("if new.id = 7 then new.v = 'other'; end if;"))
        self.assertIn("in 1 rows the server made something else", ' '.join(work.run('--apply').err.split()))
        work.undo(work.values('select run from lugger.runs'), expect=3)


if __name__ == '__main__':
    harness.main()
