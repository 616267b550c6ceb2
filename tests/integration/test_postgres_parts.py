"""A PostgreSQL table is read in parts by several connections, under one snapshot; and goes on after
kill -9."""
import signal
import threading
import unittest
from pathlib import Path

import harness
from harness import lua, lugger
from fixes import until
from postgres import Postgres
from sessions import Session

ROWS = 60_000
WIDE = 300   # bytes of a row: enough for several parts
COLUMNS = "{ 'id', 'int8' }, { 'part', 'text' }, { 'amount', 'int8' }, { 'pad', 'text' }"
SUM = ("select count(*), count(distinct (part, id)), sum(amount), "
       "md5(string_agg(md5(t::text), ',' order by part, id)) from {} t")
JOB = '''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source({source}, {{ {options} }}),
  into = lugger.target({target}, {{ table = 'docs' {target_options} }}),
  columns = {{ {columns} }},
  {extra}
}}
'''
SLOW = 'throttle = { rows_per_s = 20000 },'


class Parts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres({'max_wal_size': '1GB', 'max_connections': '100'})

    def setUp(self):
        self.source, self.target = self.server.fresh(), self.server.fresh()
        self.directory = harness.scratch()
        self.fill()

    def fill(self, name='t', rows=ROWS):
        self.source.query(f'''
            create table {name} (id int8 not null, part text not null, amount int8, pad text,
              primary key (part, id));
            insert into {name} select i, 'p,' || i % 3, 100, repeat('x', {WIDE}) || i
              from generate_series(1, {rows}) i
              order by i * 7919 % {rows};
            analyze {name}''')

    def script(self, options, target_options='', extra=''):
        text = JOB.format(source=lua(self.source.url), options=options, target=lua(self.target.url),
                          columns=COLUMNS, target_options=target_options and ', ' + target_options,
                          extra=extra)
        Path(self.directory, 'job.lua').write_text(text, encoding='utf-8')

    def run_job(self, *flags, expect=0):
        return lugger('run', 'job.lua', '--log', 'none', *flags, cwd=self.directory, expect=expect)

    def parts(self):
        return self.target.number("select count(*) from lugger.partitions where run = "
                                  "(select run from lugger.runs order by run desc limit 1)")

    def same(self, name='t'):
        self.assertEqual(self.target.query(SUM.format('docs')), self.source.query(SUM.format(name)))

    def kill_midway(self, rows=15_000):
        process = harness.start('run', 'job.lua', '--create', '-j', '2', '--log', 'none', cwd=self.directory)
        count = "select case when to_regclass('lugger.partitions') is null then 0 else 1 end"
        until(lambda: self.target.query(count) == '1' and self.read() > rows or process.poll() is not None,
              'rows were committed')
        self.assertIsNone(process.poll(), 'the run ended before it could be killed')
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertLess(self.read(), ROWS)
        until(lambda: self.target.query("select count(*) from pg_stat_activity "
                                        "where application_name like 'lugger%'") == '0',
              'its sessions end')

    def read(self):
        return self.target.number('select coalesce(sum(read), 0) from lugger.partitions')

    def test_each_row_once_whoever_reads(self):
        for name, options in {'by key': "table = 't', key = { 'part', 'id' }",
                              'by blocks': "table = 't'"}.items():
            for jobs in (1, 4):
                with self.subTest(name, jobs=jobs):
                    self.target = self.server.fresh()
                    self.script(options)
                    result = self.run_job('--create', '-j', str(jobs))
                    self.assertIn(f'read {ROWS:,} = inserted {ROWS:,}', result.err)
                    self.same()
                    self.assertEqual(self.parts() > 4, jobs == 4)
        self.assertEqual(self.source.query("select count(*) from pg_stat_activity "
                                           "where application_name like 'lugger%'"),
                         '0')

    def test_a_small_table_and_what_is_no_table_are_one_part(self):
        self.fill('small', 100)
        self.source.query('''
            create view v as select * from t;
            create table parent (like t) partition by range (id);
            create table one partition of parent for values from (minvalue) to (30000);
            create table two partition of parent for values from (30000) to (maxvalue);
            insert into parent select * from t;
            create table old (like t); create table child () inherits (old);
            insert into old select * from t where id < 20000;
            insert into child select * from t where id >= 20000;
            create table nullable as table t; create unique index on nullable (part, id);
            create table partial as table t; alter table partial alter part set not null,
            alter id set not null;
            create unique index on partial (part, id) where amount = 100''')
        key = ", key = { 'part', 'id' }"
        for options, rows in {"table = 'small'": 100, "table = 'v'": ROWS, "table = 'parent'": ROWS,
                              "table = 'old'": ROWS,
                              "query = 'select * from t'": ROWS, "table = 'nullable'" + key: ROWS,
                              "table = 'partial'" + key: ROWS,
                              "table = 'parent'" + key: ROWS, "table = 'v'" + key: ROWS}.items():
            with self.subTest(options):
                self.target = self.server.fresh()
                self.script(options)
                self.run_job('--create', '-j', '4')
                self.assertEqual(self.target.number('select count(distinct (part, id)) from docs'), rows)
                self.assertEqual(self.target.number('select count(*) from docs'), rows)
                self.assertEqual(self.parts(), 1)

    def test_a_table_that_is_written_to_is_read_as_of_one_moment(self):
        """Every transaction moves an amount from one row to another, and both rows to other blocks."""
        stop = threading.Event()

        def write():
            session = Session(self.source)
            while not stop.is_set():
                session.run(f'''with pair as (select (array_agg(id))[1] a, (array_agg(id))[2] b from
                                  (select 1 + floor(random() * {ROWS})::int id from generate_series(1, 2)) r)
                                update t set amount = amount + case when id = a then 1 else -1 end
                                from pair where id in (a, b) and a <> b''')
            session.close()
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for options in ("table = 't'", "table = 't', key = { 'part', 'id' }"):
                with self.subTest(options):
                    self.target = self.server.fresh()
                    self.script(options, extra=SLOW)
                    self.run_job('--create', '-j', '3')
                    self.assertEqual(self.target.query('select count(*), count(distinct (part, id)), '
                                                       'sum(amount) from docs'),
                                     f'{ROWS}|{ROWS}|{ROWS * 100}')
        finally:
            stop.set()
            writer.join()

    def test_by_key_it_goes_on_whatever_was_written(self):
        for conflict in ('error', 'skip', 'update'):
            with self.subTest(conflict):
                self.target = self.server.fresh()
                self.script("table = 't', key = { 'part', 'id' }",
                            f"key = {{ 'part', 'id' }}, on_conflict = '{conflict}'", SLOW)
                self.kill_midway()
                self.source.query('update t set amount = amount + 0, pad = pad; '
                                  'update t set amount = amount where id % 2 = 0')
                self.run_job('-j', '2')
                self.assertGreater(self.parts(), 2)
                self.same()

    def test_by_blocks_it_goes_on_where_nothing_was_written(self):
        self.script("table = 't'", extra=SLOW)
        self.kill_midway()
        self.source.query('delete from t where id = 1; begin; update t set amount = 0 where id = 5; '
                          'rollback; vacuum t')
        self.run_job('-j', '2')
        self.assertEqual(self.target.query('select count(*) - count(distinct (part, id)), '
                                           'count(*) in (%d, %d) from docs'
                                           % (ROWS, ROWS - 1)),
                         '0|t')

    def test_by_blocks_it_is_refused_where_something_was_written(self):
        for write, told in {'update t set amount = 7 where id = 5': 'was written to (1 rows)',
                            "insert into t values (0, 'new', 1, '')": 'was written to (1 rows)',
                            'vacuum full t': 'was written anew'}.items():
            with self.subTest(write):
                self.target = self.server.fresh()
                self.script("table = 't'", extra=SLOW)
                self.kill_midway()
                self.source.query(write)
                result = self.run_job('-j', '2', expect=1)
                self.assertIn(told, result.err)
                self.assertIn('--restart', result.err)
                self.source.query('drop table t')
                self.fill()

    def test_what_is_neither_is_not_read_again_from_the_beginning(self):
        self.script("query = 'select * from t'", extra=SLOW)
        self.kill_midway()
        rows = self.target.query('select count(*) from docs')
        result = self.run_job('-j', '2', expect=1)
        self.assertIn('was read without a key, so it cannot be resumed', result.err)
        self.assertEqual(self.target.query('select count(*) from docs'), rows)

    def test_the_session_of_the_snapshot_is_lost(self):
        holder = ("select pid from pg_stat_activity where application_name = 'lugger source' "
                  "and state = 'idle in transaction'")
        for options in ("table = 't'", "table = 't', key = { 'part', 'id' }"):
            with self.subTest(options):
                self.target = self.server.fresh()
                self.script(options, extra=SLOW)
                process = harness.start('run', 'job.lua', '--create', '-j', '2', '--log', 'none',
                                        cwd=self.directory)
                until(lambda: self.source.query(holder), 'a snapshot is held')
                self.source.query(f'select pg_terminate_backend(({holder} limit 1))')
                _, err = process.communicate(timeout=120)
                self.assertEqual(process.returncode, 0, err)
                self.same()

    def test_from_a_standby(self):
        standby = self.server.standby()
        try:
            self.source, primary = type(self.source)(standby, self.source.name), self.source
            until(lambda: self.source.query("select count(*) from pg_class where relname = 't'") == '1',
                  'the table is there')
            until(lambda: self.source.query('select count(*) from t') == str(ROWS), 'its rows are')
            for options in ("table = 't'", "table = 't', key = { 'part', 'id' }"):
                with self.subTest(options):
                    self.target = self.server.fresh()
                    self.script(options)
                    self.run_job('--create', '-j', '3')
                    self.assertGreater(self.parts(), 2)
                    self.same()
            self.source = primary
        finally:
            standby.destroy()

    def test_verify_reads_it_in_parts_and_looks_again(self):
        self.script("table = 't', key = { 'part', 'id' }", "key = { 'part', 'id' }")
        self.run_job('--create', '-j', '3')
        result = lugger('verify', 'job.lua', '-j', '3', cwd=self.directory)
        self.assertIn('equal', result.out)
        self.target.query("update docs set amount = 1 where id = 17")
        lugger('verify', 'job.lua', '-j', '3', cwd=self.directory, expect=4)


if __name__ == '__main__':
    harness.main()
