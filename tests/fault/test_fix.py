"""Fixes among others: rows that change meanwhile, kill -9 at any instant, connections cut, started
twice, stopped."""
import os
import random
import signal
import subprocess
import time
import unittest

import harness
from fixes import FixWork, Session, until
from postgres import Postgres

SEED = int(os.environ.get('LUGGER_SEED', '20260307'))
ROWS = 1500
PHONES = "function(row) row.phone = '+' .. row.id end"
SLOW = """function(row)
  local x = 0
  for i = 1, 5000 do x = (x * 31 + i) % 1000003 end
  row.phone = '+' .. row.id .. (x == -1 and 'x' or '')
end"""


class Fixes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def slow_work(self, rows=ROWS):
        """It keeps to a speed, so that there is a middle."""
        return FixWork(self.server, rows, where=None, map_=PHONES,
                       extra='batch_rows = 50, throttle = { rows_per_s = 500 },')

    def changed(self, work):
        return int(work.database.query("select count(*) from lugger.images", check=False) or 0)

    def in_the_middle(self, work, *flags):
        """Frozen once something was committed."""
        process = work.start('run', 'job.lua', '--apply', '--log', 'none', *flags)
        until(lambda: process.poll() is not None or self.changed(work) > 0, 'a first batch')
        self.assertIsNone(process.poll(), 'ended too early')
        process.send_signal(signal.SIGSTOP)
        return process

    def complete(self, work):
        """Everything was changed once, each with the image of what it was."""
        self.assertEqual(work.values("select count(*) from customers where phone <> '+' || id"), '0')
        self.assertEqual(work.values('select count(*), count(distinct key) from lugger.images'),
                         work.values("select count(*), count(*) from customers where id % 2 = 0"))
        self.assertEqual(work.values("select count(*) from lugger.images where before[1] <> '00' || key[1] "
                                     "or after[1] <> '+' || key[1]"),
                         '0')
        self.assertEqual(work.values('select count(*), min(status) from lugger.runs'), '1|done')

    def test_rows_changed_between_read_and_write(self):
        work = FixWork(self.server, 10)
        other = Session(work.database)
        other.run("begin; update customers set phone = '0099', city = 'new' where id = 4; "
                  "delete from customers where id = 6;"
                  "update customers set phone = 'no longer' where id = 8; "
                  "update customers set city = 'other' where id = 10")
        process = work.start('run', 'job.lua', '--apply', '--json')
        waits = ("select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
                 "and application_name like 'lugger%'")
        until(lambda: work.values(waits) == '1', 'the fix waits for the row')
        other.run('commit')
        other.close()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(work.values('select id, phone, city from customers where id % 2 = 0 order by id'),
                         '2|+2|c2\n4|+99|new\n8|no longer|c2\n10|+10|other')
        self.assertIn('"retried":4', out)
        self.assertIn('"changed":3', out)
        self.assertIn('"skipped":2', out)
        self.assertEqual(work.values("select before, after from lugger.images where key = '{4}'"),
                         '{0099}|{+99}')

    def test_no_change_of_another_session_is_lost(self):
        """Sessions write to the very rows a fix goes over: each of their writes, and the fix's, is
        there at the end."""
        work = FixWork(self.server, 400, sql='alter table customers add hits int default 0', where=None,
                       set_=['name', 'hits'],
                       map_="function(row) row.name = row.name .. '!' row.hits = row.hits + 1000 end",
                       extra='batch_rows = 20,')
        rng = random.Random(SEED)
        others = [subprocess.Popen(['psql', '-XAtq', '-d', work.database.url], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, text=True) for _ in range(3)]
        for other in others:
            other.stdin.write(''.join('update customers set hits = hits + 1 '
                                      f'where id = {rng.randint(1, 400)};'
                                      for _ in range(2000)))
            other.stdin.close()
        reports = [work.apply()['changed'] for _ in range(3)]
        for other in others:
            other.wait(60)
        self.assertEqual(reports, [400] * 3)
        self.assertEqual(work.values("select count(*), sum(hits) from customers where name like '%!!!'"),
                         f'400|{400 * 3000 + 6000}')

    def test_a_lock_that_is_held_for_long(self):
        work = FixWork(self.server, 10)
        other = Session(work.database)
        other.run('begin; lock table customers in share row exclusive mode')
        process = work.start('run', 'job.lua', '--apply', '--json')
        waits = ("select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
                 "and application_name like 'lugger%'")
        until(lambda: work.values(waits) == '1', 'the fix waits')
        until(lambda: work.values(waits) == '0', 'it gives way')
        other.run('commit')
        other.close()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertIn('"changed":5', out)

    def test_kill_9_at_any_instant(self):
        rng, kills = random.Random(SEED), 0
        work = FixWork(self.server, ROWS, where=None, map_=SLOW, extra='batch_rows = 20,')
        for _ in range(60):
            process = work.start('run', 'job.lua', '--apply', '--log', 'none')
            try:
                process.communicate(timeout=rng.uniform(0.02, 1) if kills < 12 else 120)
                if process.returncode == 0:
                    break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                # Killed behind its end: the same command would be another fix.
                if work.database.query('select min(status) from lugger.runs', check=False) == 'done':
                    break
        print(f'{kills} kills')
        self.assertGreater(kills, 0)
        self.complete(work)

    def test_an_undo_killed_and_resumed(self):
        work = FixWork(self.server, 6000, where=None, map_=PHONES)
        before = work.values('select md5(string_agg(c::text, chr(10) order by id)) from customers c')
        run = work.apply()['run']
        work.database.query("""create function slow() returns trigger
            language plpgsql as $$ begin perform pg_sleep(0.001); return new; end $$;
            create trigger slow before update on customers for each row execute function slow()""")
        count = f"select count(*) from lugger.images where run <> '{run}'"
        for _ in range(3):
            had = work.values(count)
            process = work.start('undo', run, '--log', 'none')
            until(lambda had=had, process=process: process.poll() is not None or work.values(count) != had,
                  'some rows are back')
            process.kill()
            process.communicate()
        work.database.query('drop trigger slow on customers')
        work.undo(run)
        self.assertEqual(work.values('select md5(string_agg(c::text, chr(10) order by id)) from customers c'),
                         before)
        self.assertEqual(work.values("select count(*), count(distinct key) from lugger.images "
                                     f"where run <> '{run}'"),
                         '3000|3000')

    def test_s0_42_stopped_by_a_signal_and_resumed(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('to go on: lugger run job.lua --apply', err)
        self.assertRegex(err, r'to take it back: lugger undo [0-9a-f]{12} job\.lua')
        self.assertEqual(work.values('select status from lugger.runs'), 'stopped')
        work.apply()
        self.complete(work)

    def test_s0_42_a_hook_that_fails_in_the_middle(self):
        work = self.slow_work(1000)
        flag = work.directory / 'flag'
        work.script((work.directory / 'job.lua').read_text().replace(
            'function(row)',
            f"function(row) if row.id == 999 and io.open('{flag}') then error('out of order') end", 1))
        process = self.in_the_middle(work)
        flag.touch()
        process.send_signal(signal.SIGCONT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn('out of order', err)
        self.assertRegex(err,
                         r'\d+ rows changed before, and stay changed; of the last batch nothing was written')
        self.assertIn('lugger undo', err)
        flag.unlink()
        work.apply()
        self.complete(work)

    def test_the_same_fix_twice_at_once(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        self.assertIn('is already running', work.run('--apply', expect=1).err)
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        work.apply()
        self.complete(work)

    def test_connections_cut_by_the_server(self):
        work = self.slow_work()
        process = self.in_the_middle(work)
        process.send_signal(signal.SIGCONT)
        for _ in range(3):
            had = self.changed(work)
            work.values("select count(pg_terminate_backend(pid)) from pg_stat_activity "
                        "where application_name = 'lugger fix'")
            until(lambda had=had: process.poll() is not None or self.changed(work) > had, 'it goes on')
        _, err = process.communicate(timeout=120)
        self.assertIn(process.returncode, (0, 1), err)
        work.apply() if process.returncode else None
        self.complete(work)

    def test_stopped_while_the_server_is_away(self):
        server = Postgres()
        work = FixWork(server, ROWS, where=None, map_=PHONES,
                       extra='batch_rows = 50, throttle = { rows_per_s = 500 },')
        process = self.in_the_middle(work)
        server.stop(signal.SIGQUIT)
        process.send_signal(signal.SIGCONT)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        server.start()
        work.apply()
        self.complete(work)
        server.destroy()

    def test_a_limit_holds_behind_a_lost_connection(self):
        work = self.slow_work()
        process = self.in_the_middle(work, '--limit', '600')
        process.send_signal(signal.SIGCONT)
        work.values("select count(pg_terminate_backend(pid)) from pg_stat_activity "
                    "where application_name = 'lugger fix'")
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(work.values('select read from lugger.partitions'), '600')

    def test_a_standby_or_read_only_server(self):
        work = FixWork(self.server, 4)
        work.database.query(f'alter database {work.database.name} set default_transaction_read_only = on')
        work.run()
        self.assertIn('the server takes no writes', work.run('--apply', expect=1).err)


if __name__ == '__main__':
    harness.main()
