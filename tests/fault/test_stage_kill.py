"""kill -9 and Ctrl-C between and within the steps of a stage: the next run goes on at that step, and
no INVALID index is left unnamed."""
import os
import random
import signal
import unittest

import harness
from jobs import Work, job
from postgres import Postgres
from sessions import Session, wait_for

SEED = int(os.environ.get('LUGGER_SEED', '20261125'))
KILLS = 12
BUILDS = """unmapped = 'ignore',
indexes = { { 'email', unique = true, concurrently = true }, { 'age', concurrently = true },
  { columns = { '(lower(email))' }, name = 'lower_email' } },
not_null = { 'email', 'age' }, constraints = { { check = 'age >= 0', name = 'sane' },
  { unique = { 'email', 'age' } } },
children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"""
SHAPE = """select string_agg(x, E'\\n' order by x)
  from (select replace(indexdef, 'CONCURRENTLY ', '') from pg_indexes where schemaname = 'public'
  union all select conrelid::regclass || ' ' || conname || ' ' || convalidated from pg_constraint
    where connamespace = 'public'::regnamespace
  union all select attrelid::regclass || '.' || attname from pg_attribute where attnotnull and attnum > 0
    and attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r')
  union all select 'INVALID ' || indexrelid::regclass from pg_index where not indisvalid) s (x)"""
BUILDING = "select exists (select from pg_stat_progress_create_index)"


class StageKill(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.source = Work(cls.server.fresh(),
                          ({'_id': i, 'email': f'u{i}', 'age': i, 'tags': ['x']} for i in range(3000))).source

    def work(self, extra=BUILDS):
        return Work(self.server.fresh(),
                    text=job("{ 'email', 'text' }, { 'age', 'int4' }", source=self.source, extra=extra))

    def test_kill_9_between_any_two_steps(self):
        whole = self.work()
        whole.run('--create', '-j', '2')
        expected = whole.database.query(SHAPE)
        self.assertIn('lower_email', expected)
        rng = random.Random(SEED)
        work, kills = self.work(), 0
        for attempt in range(KILLS * 6):
            process = work.start('run', 'job.lua', '--create', '-j', '2', '--log', 'none')
            try:
                process.communicate(timeout=rng.uniform(0.05, 1.2) if kills < KILLS else 120)
            except Exception:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                continue
            if process.returncode == 1:   # the server may still hold the killed process's lease
                continue
            self.assertEqual(process.returncode, 0)
            if kills >= KILLS:
                break
            self.assertEqual(work.database.query(SHAPE), expected, f'after {kills} kills, seed {SEED}')
            work = self.work()
        self.assertEqual(work.database.query(SHAPE), expected, f'after {kills} kills, seed {SEED}')
        self.assertEqual(
            work.database.query("select count(*) from lugger.stage_steps where status <> 'done'"), '0')

    def held_build(self):
        """A CONCURRENTLY that waits for another session's open transaction."""
        work = self.work("unmapped = 'ignore', indexes = { { 'age', name = 'by_age' } },")
        work.run('--create', '--stage', 'load')
        holder = Session(work.database)
        holder.run('begin; update docs set age = age where false; select pg_current_xact_id()')
        process = work.start('run', 'job.lua', '--stage', 'index', '--log', 'none')
        wait_for(work.database, BUILDING, process)
        return work, holder, process

    def test_a_killed_build_that_the_server_goes_on_with_is_waited_for(self):
        work, holder, process = self.held_build()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        wait_for(work.database, BUILDING)
        again = work.start('run', 'job.lua', '--stage', 'index', '--log', 'json')
        lines = []
        while not any('another session builds it' in line for line in lines):
            lines.append(again.stderr.readline())
            self.assertNotEqual(lines[-1], '', ''.join(lines))
        holder.run('commit')
        _, err = again.communicate(timeout=60)
        holder.close()
        self.assertEqual(again.returncode, 0, err)
        self.assertIn('was waited for', err)
        self.assertEqual(
            work.database.query("select indisvalid from pg_index where indexrelid = 'by_age'::regclass"), 't')

    def test_s0_18_a_build_killed_with_its_server_session_is_built_anew(self):
        work, holder, process = self.held_build()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        work.database.query("select pg_terminate_backend(pid) from pg_stat_progress_create_index")
        wait_for(work.database, 'select not exists (select from pg_stat_progress_create_index)')
        self.assertEqual(
            work.database.query("select indisvalid from pg_index where indexrelid = 'by_age'::regclass"), 'f')
        holder.run('commit')
        holder.close()
        result = work.run('--stage', 'index')
        self.assertIn('by_age: an INVALID leftover', result.err)
        self.assertEqual(
            work.database.query("select indisvalid from pg_index where indexrelid = 'by_age'::regclass"), 't')

    def test_ctrl_c_cancels_the_build_and_leaves_nothing(self):
        work, holder, process = self.held_build()
        # a snapshot, but no lock on the table
        holder.run('commit; begin isolation level repeatable read; select 1')
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        holder.close()
        if process.returncode == 0:   # it got through before the signal
            return
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('--stage index', err)
        self.assertEqual(work.database.query("select to_regclass('by_age') is null"), 't')
        work.run('--stage', 'index')
        self.assertEqual(
            work.database.query("select indisvalid from pg_index where indexrelid = 'by_age'::regclass"), 't')

    def test_a_leftover_that_cannot_be_dropped_is_named(self):
        work, holder, process = self.held_build()
        process.send_signal(signal.SIGINT)
        wait_for(work.database,
                 "select exists (select from pg_stat_activity where query like 'DROP INDEX CONCURRENTLY%' "
                 "and state = 'active')",
                 process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, err)
        self.assertIn('INVALID index by_age is left behind', err)
        holder.run('commit')
        holder.close()
        work.run('--stage', 'index')
        self.assertEqual(
            work.database.query("select indisvalid from pg_index where indexrelid = 'by_age'::regclass"), 't')


if __name__ == '__main__':
    harness.main()
