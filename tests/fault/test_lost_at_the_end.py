"""A connection that is lost behind the copy, while keys, indexes and constraints are made, is made anew;
rows and books end as those of a run that nothing disturbed."""
import unittest

import harness
from jobs import Work, job
from postgres import Postgres
from sessions import wait_for

# Holds a command up, once for each session name and kind of command, until somebody ends the session.
# Sequences are not rolled back.
HOLD = """
create schema held;
create function held.hold() returns event_trigger language plpgsql as $$
declare step text := replace(current_setting('application_name') || ' ' || tg_tag, ' ', '_');
begin
  if to_regclass('held.' || quote_ident(step)) is not null and nextval('held.' || quote_ident(step)) = 1 then
    perform pg_sleep(300);
  end if;
end $$;
create event trigger hold on ddl_command_start execute function held.hold();
"""
SLEEPS = "select exists (select from pg_stat_activity where wait_event = 'PgSleep')"
CUT = "select count(pg_terminate_backend(pid)) from pg_stat_activity where wait_event = 'PgSleep'"
ROWS = "select md5(string_agg(d::text, ',' order by mongo_id)) from docs d"
BOOKS = "select sum(read), sum(inserted), sum(updated), sum(unchanged), sum(rejected) from lugger.partitions"
EXTRA = """unmapped = 'ignore', indexes = { { 'n', name = 'by_n' } },
constraints = { { check = 'n >= 0', name = 'sane' } },"""

TASK = """local lugger = require 'lugger'
return lugger.task('t', function(task)
  local docs = task:cursor(lugger.source(lugger.env.MONGO_URI))
  local into = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'n' }),
    { columns = { { 'n', 'int4' } }, indexes = { { 'n', name = 'by_n' } } })
  for batch in docs:batches() do
    for doc in batch:docs() do into:add { n = doc.n } end
    into:commit(batch:position())
  end
end)
"""


class LostAtTheEnd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        # A fifth of the keys comes twice: they are settled when the key is made.
        cls.source = Work(cls.server.fresh(), ({'_id': i % 2500, 'n': i} for i in range(3000))).source
        undisturbed = cls.work()
        undisturbed.run('--create', '-j', '2')
        cls.expected = [undisturbed.database.query(sql) for sql in (ROWS, BOOKS)]

    @classmethod
    def work(cls):
        return Work(cls.server.fresh(),
                    text=job("{ 'n', 'int4' }", source=cls.source, conflict='update', extra=EXTRA))

    def cut_in(self, work, steps):
        work.database.query(HOLD + ''.join(f'create sequence held."{step}";' for step in steps))
        process = work.start('run', 'job.lua', '--create', '-j', '2', '--log', 'none')
        for _ in steps:
            wait_for(work.database, SLEEPS, process)
            self.assertEqual(work.database.number(CUT), 1)
            wait_for(work.database, f'select not ({SLEEPS[7:]})')
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)

    def lost_in(self, *steps):
        work = self.work()
        self.cut_in(work, steps)
        self.assertEqual([work.database.query(sql) for sql in (ROWS, BOOKS)], self.expected)
        self.assertEqual(work.database.query("select status from lugger.runs"), 'done')
        self.assertEqual(
            work.database.query("select count(*) from lugger.stage_steps where status <> 'done'"), '0')
        self.assertEqual(work.database.query("select count(*) from pg_index where not indisvalid"), '0')

    def test_while_the_key_is_made(self):
        self.lost_in('lugger_finish_CREATE_INDEX')

    def test_behind_the_rows_that_were_settled(self):
        self.lost_in('lugger_finish_COMMENT')

    def test_while_an_index_is_built(self):
        self.lost_in('lugger_index_CREATE_INDEX')

    def test_while_a_constraint_is_added(self):
        self.lost_in('lugger_constrain_ALTER_TABLE')

    def test_in_each_of_them(self):
        self.lost_in('lugger_finish_CREATE_INDEX', 'lugger_finish_COMMENT', 'lugger_index_CREATE_INDEX',
                     'lugger_constrain_ALTER_TABLE')

    def test_at_the_end_of_a_task(self):
        work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(500)), text=TASK)
        self.cut_in(work, ('lugger_finish_CREATE_INDEX', 'lugger_index_CREATE_INDEX'))
        self.assertEqual(work.database.query('select count(*), count(distinct n) from docs'), '500|500')
        self.assertEqual(work.database.query('select status, inserted from lugger.runs '
                                             'join lugger.partitions using (run)'), 'done|500')
        self.assertEqual(work.database.query(
            "select string_agg(relname, ' ' order by relname) from pg_class where relkind = 'i' "
            "and relnamespace = 'public'::regnamespace"), 'by_n docs_pkey')

    def test_while_a_repair_deletes_extra_rows(self):
        """In the statement, and at its commit."""
        for kind in ('', 'constraint'):
            with self.subTest(kind):
                work = self.work()
                work.run('--create')
                work.database.query(f'''insert into docs select 'extra' || n, n from generate_series(1, 9) n;
                    create schema held; create sequence held.once;
                    create function held.hold() returns trigger language plpgsql as $$ begin
                      if nextval('held.once') = 1 then perform pg_sleep(300); end if; return null; end $$;
                    create {kind} trigger hold after delete on docs
                      {kind and 'deferrable initially deferred'} for each row execute function held.hold()''')
                process = work.start('repair', 'job.lua', '--apply', '--delete-extra')
                wait_for(work.database, SLEEPS, process)
                self.assertEqual(work.database.number(CUT), 1)
                out, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, err)
                self.assertRegex(out + err, r'9 .*deleted|deleted 9')
                self.assertEqual(work.database.query(ROWS), self.expected[0])


if __name__ == '__main__':
    harness.main()
