"""What is done to a source table, and to its server, while it is copied or followed."""
import itertools
import os
import shutil
import time
import unittest

from harness import lua
from jobs import Work
from live_moves import Move
from mongo_servers import wait_for
from peer_postgres import PgVector
from sessions import Session
from sessions import wait_for as wait_for_sql
from test_live_postgres import COLUMNS as ALL_COLUMNS
from test_live_postgres import TABLE, Writer, script

NUMBERS = itertools.count(1)
COLUMNS = "{ 'id', 'int8' }, { 'n', 'int8' }, { 'body', 'text' }"


class Altered(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source_server = PgVector({'wal_level': 'logical', 'max_replication_slots': '40',
                                      'max_wal_senders': '20', 'max_wal_size': '32MB'})
        cls.target_server = PgVector()

    def setUp(self):
        self.name = f'altered{next(NUMBERS)}'
        self.source = self.source_server.fresh()
        self.source.query(f'create table {self.name} (id int8 primary key, n int8, body text)')
        self.addCleanup(self.drop_slots)

    def drop_slots(self):
        self.source.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where '
                          'database = current_database() and active_pid is null', check=False)

    def fill(self, rows, pad=1):
        self.source.query(f"insert into {self.name} select i, i, repeat('x', {pad}) "
                          f"from generate_series(1, {rows}) i")
        return self

    def move(self, columns=COLUMNS, name=None, key='id', **options):
        text = script(self.source.url, name or self.name, columns=columns, key=key, **options)
        move = Move(self.target_server, self.source.url, text, name or self.name)
        self.addCleanup(lambda: move.process and move.process.poll() is None and move.process.kill())
        return move

    def assert_equal(self, move, select=None):
        select = select or f'select id, n, body from {self.name}'
        move.wait_for(lambda: sorted(move.database.rows(select)) == sorted(self.source.rows(select)),
                      'both sides were equal')

    def session(self):
        session = Session(self.source)
        self.addCleanup(session.close)
        return session


class Emptier(Writer):
    """Empties the table now and then, also within transactions."""

    def statement(self):
        return f'truncate {self.name}' if self.random.random() < 0.04 else super().statement()


class Copies(Altered):
    def test_a_table_that_is_written_anew_between_its_parts(self):
        """For a snapshot that is older than the new file the table is empty."""
        self.fill(24000, 900)
        text = f'''local lugger = require 'lugger'
          return lugger.copy {{
            from = lugger.source({lua(self.source.url)}, {{ table = {lua(self.name)}, key = 'id' }}),
            into = lugger.target(lugger.env.PG_URI, {{ table = {lua(self.name)}, key = 'id' }}),
            columns = {{ {COLUMNS} }}, throttle = {{ rows_per_s = 6000 }},
          }}'''
        work = Work(self.target_server.fresh(), text=text)
        process = work.start('run', 'job.lua', '--create', '-j', '2')
        self.addCleanup(process.kill)
        wait_for_sql(self.source, f"select count(*) > 0 from pg_locks where pid <> pg_backend_pid() and "
                     f"relation = '{self.name}'::regclass and mode = 'AccessShareLock'", process)
        self.source.query(f'alter table {self.name} add column more float8 default random()')
        out, err = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, out + err)
        self.assertEqual(work.database.number(f'select count(*) from {self.name}'), 24000)

    def test_ctrl_c_ends_the_wait_for_an_open_transaction(self):
        self.fill(20)
        session = self.session()
        session.run('begin; select pg_current_xact_id()')
        move = self.move().start()
        wait_for_sql(self.source, "select count(*) = 1 from pg_stat_activity where query like "
                     "'%pg_create_logical_replication_slot%' and wait_event_type = 'Lock' and pid <> "
                     "pg_backend_pid()", move.process)
        begun = time.monotonic()
        move.end()
        self.assertLess(time.monotonic() - begun, 10)
        self.assertEqual(self.source.query(
            'select count(*) from pg_replication_slots where database = current_database()'), '0')
        self.assertEqual(self.source.query('select count(*) from pg_publication'), '0')
        session.close()
        move.start().follow()
        self.assert_equal(move)
        move.end()

    def test_a_truncate_before_what_changed_is_settled(self):
        """Rows that changed while they were copied, and are not found any more, were not deleted."""
        for policy in ('stop', 'apply'):
            with self.subTest(policy=policy):
                self.source.query(f'truncate {self.name}')
                self.fill(3000)
                move = self.move(
                    extra=f"on_ddl = {{ drop = '{policy}' }}, throttle = {{ rows_per_s = 1500 }},")
                move.start().wait_for(move.is_copying, 'it was copying')
                self.source.query(f"update {self.name} set body = 'new' where id <= 1000; "
                                  f'delete from {self.name} where id between 2001 and 2010')
                session = self.session()
                session.run(f'begin; truncate {self.name}; '
                            f'insert into {self.name} values (5, 5, $$again$$)')
                move.wait_to_say('its changes are applied')
                self.assertGreaterEqual(move.number('select count(*) from lugger.spool'), 1000)
                session.run('commit')
                if policy == 'stop':
                    self.assertIn(f'truncate {self.name}', move.ended())
                    self.assertEqual(move.number(f'select count(*) from {self.name}'), 2990)
                else:
                    self.assert_equal(move)
                    move.end()
                move.assert_books()
                session.close()
                self.drop_slots()


class Follows(Altered):
    def test_what_is_emptied_at_random_under_kills(self):
        """What the source has in the end is what the target has."""
        self.source.query(f'drop table {self.name}; ' + TABLE.format(name=self.name))
        writer = Emptier(self.source, self.name, seed=11, keys=200).fill(200)
        move = self.move(columns=ALL_COLUMNS, extra="on_ddl = { drop = 'apply' },")
        move.start().follow()
        writer.start()
        self.addCleanup(writer.finish)
        for seconds in (2.5, 0.7, 3.1, 1.3):
            time.sleep(seconds)
            move.end(9, -9)
            move.start()
        time.sleep(2)
        writer.finish()
        self.assert_equal(move, f'select * from {self.name}')
        self.assertGreater(move.number("select sum(count) from lugger.notices where kind = 'drop'"), 3)
        move.end()
        move.assert_books()

    def test_a_row_that_is_deleted_and_comes_back_older_is_newer(self):
        """Whatever version a deleted row had: the next one of its key takes its place."""
        self.fill(60)
        text = script(self.source.url, self.name, columns=COLUMNS).replace(
            "on_conflict = 'update'", "on_conflict = 'newer', newer = 'n'")
        move = Move(self.target_server, self.source.url, text, self.name)
        self.addCleanup(lambda: move.process and move.process.poll() is None and move.process.kill())
        move.start().follow()

        def again(first):
            self.source.query(f"""begin; delete from {self.name} where id = {first};
              insert into {self.name} values ({first}, -1, 'back'); commit;
              delete from {self.name} where id = {first + 1};
              insert into {self.name} values ({first + 1}, -2, 'back');
              update {self.name} set id = id + 1000 where id = {first + 2};
              insert into {self.name} values ({first + 2}, -3, 'back');
              delete from {self.name} where id = {first + 3}""")
        again(1)
        self.assert_equal(move)
        move.end()
        again(11)
        move.start()
        self.assert_equal(move)
        move.end()
        move.assert_books()

    def test_a_column_of_another_type_is_not_misread(self):
        """An int8 and a float8 have as many bytes."""
        self.fill(20)
        move = self.move()
        move.start().follow()
        self.source.query(f'alter table {self.name} alter n type float8; '
                          f'update {self.name} set n = 7 where id = 3')
        told = ' '.join(move.ended().split())
        self.assertIn('was altered: "n" is double precision by now, and was bigint', told)
        self.assertEqual(move.number(f'select n from {self.name} where id = 3'), 3)
        move.start().follow()
        self.assert_equal(move)
        move.end()
        self.source.query(f'alter table {self.name} add extra text default $$x$$; '
                          f'alter table {self.name} rename body to text')
        self.source.query(f'update {self.name} set n = 8 where id = 4')
        told = ' '.join(move.start().ended().split())
        self.assertIn(f'{self.name}.body: ', told)
        self.assertIn('has no column body, so the changes would empty it', told)
        self.assertEqual(move.number(f'select count(body) from {self.name}'), 20)

    def test_a_column_is_added_renamed_and_dropped_meanwhile(self):
        self.fill(20)
        move = self.move()
        move.start().follow()
        self.source.query(f"alter table {self.name} add extra text default 'x'; "
                          f"update {self.name} set n = 7, extra = 'y' where id = 3")
        self.assert_equal(move)
        self.source.query(f'alter table {self.name} drop body')
        self.source.query(f'update {self.name} set n = 8 where id = 4')
        told = ' '.join(move.ended().split())
        self.assertIn('was altered', told)
        self.assertIn('--accept-changes', told)
        self.assertEqual(move.number(f'select count(*) from {self.name}'), 20)

    def test_a_server_that_was_restored_from_a_backup(self):
        self.fill(20)
        move = self.move()
        move.start().follow()
        move.end()
        server = self.source_server
        server.stop()
        backup = server.data + '.backup'
        shutil.copytree(server.data, backup, symlinks=True)
        own_all(server, backup)
        server.start()
        move.start().follow()
        self.source.query(f"update {self.name} set n = 1; select pg_switch_wal(); checkpoint")
        self.source.query(f"update {self.name} set n = 2")
        self.assert_equal(move)
        time.sleep(7)
        move.end()
        server.stop()
        shutil.rmtree(server.data)
        shutil.move(backup, server.data)
        server.start()
        self.source.query(f"update {self.name} set n = 3")
        told = move.start().ended()
        self.assertIn('it was restored from a backup', told)

    def test_the_slot_is_told_of_once(self):
        self.fill(20)
        move = self.move()
        move.start().follow().wait_to_say('the source keeps its log for it')
        for turn in range(3):
            self.source.query('select pg_terminate_backend(active_pid) from pg_replication_slots where '
                              'database = current_database() and active_pid is not null')
            self.source.query(f'update {self.name} set n = {turn} where id <= 10')
            self.assert_equal(move)
        self.assertEqual(move.told.count('the source keeps its log for it'), 1)
        move.end()
        self.assertEqual(move.number("select sum(count) from lugger.notices where kind = 'slot'"), 1)

    def test_what_the_slot_keeps_is_told(self):
        self.fill(20)
        move = self.move()
        move.start('--log', 'json').follow()

        def facts(what):
            return move.database.query(f"select facts::jsonb ->> '{what}' from lugger.watched")
        move.wait_for(lambda: facts('log_state') == 'reserved', 'it was told')
        self.assertRegex(move.work.lugger('status', 'job.lua').out, r'[kM]?B kept')
        holder = Session(move.database)
        holder.run(f'begin; lock table {self.name}')
        self.addCleanup(holder.close)
        self.source.query(f"update {self.name} set n = 0")
        for _ in range(4):
            self.source.query("select pg_logical_emit_message(true, 'x', 'x'); select pg_switch_wal()")
        move.wait_for(lambda: facts('log_state') == 'extended', 'its state was seen')
        told = move.work.lugger('status', 'job.lua').out
        self.assertRegex(told, r'alarm: the source keeps .* of its log for the slot lugger_altered')
        self.assertIn('more than max_wal_size', told)
        move.wait_to_say('"event":"alarm"')
        self.source.query("alter system set max_slot_wal_keep_size = '48MB'")
        self.addCleanup(lambda: self.source.query('alter system reset max_slot_wal_keep_size'))
        self.source.query('select pg_reload_conf()')
        move.wait_for(lambda: facts('log_state') in ('unreserved', 'lost'), 'it is about to go')
        self.assertIn('max_slot_wal_keep_size', move.work.lugger('status', 'job.lua').out)
        move.end(9, -9)
        self.source.query('alter system reset max_slot_wal_keep_size')
        self.source.query('select pg_reload_conf()')


class Identities(Altered):
    def test_large_values_and_names_with_quotes(self):
        """An update of another column does not send what is kept out of line."""
        name = 'Od"d.Na me'
        quoted = '"Od""d"."Na me"'
        self.source.query(f"""create schema "Od""d"; drop table {self.name};
          create table {quoted} ("Id" int8 primary key, "N" int8, v vector(1536), big text);
          insert into {quoted} select i, i,
            (select array_agg(random()) from generate_series(1, 1536) where i > 0)::vector,
            (select string_agg(md5(random()::text), '') from generate_series(1, 400) where i > 0)
            from generate_series(1, 30) i""")
        move = self.move(name=name, key='Id', columns="{ 'Id', 'int8' }, { 'N', 'int8' }, "
                         "{ 'v', 'vector(1536)' }, { 'big', 'text' }")
        move.database.query('create schema "Od""d"')
        move.start().follow()
        select = f'select "Id", "N", v::text, big from {quoted}'
        self.source.query(f"""update {quoted} set "N" = -"N" where "Id" % 2 = 0;
          update {quoted} set "Id" = "Id" + 100 where "Id" < 9; delete from {quoted} where "Id" = 30""")
        move.wait_for(lambda: sorted(move.database.rows(select)) == sorted(self.source.rows(select)),
                      'both sides were equal')
        move.end()

    def test_an_index_as_the_replica_identity(self):
        self.source.query(f"""drop table {self.name};
          create table {self.name} (id int8 primary key, n int8 not null, body text not null,
            half int8 generated always as (n / 2) stored,
            twice int8 generated always as (n * 2) virtual);
          create unique index {self.name}_n on {self.name} (n, body);
          alter table {self.name} replica identity using index {self.name}_n""")
        self.source.query(f"insert into {self.name} select i, i, 'b' from generate_series(1, 40) i")
        columns = COLUMNS + ", { 'half', 'int8' }, { 'twice', 'int8' }"
        move = self.move(columns=columns, key='n')
        move.work.script(script(self.source.url, self.name, columns=columns, key='id'))
        self.assertIn('id is in the key of the source, and not told of a row that is deleted',
                      move.start().ended())
        move.work.script(script(self.source.url, self.name, columns=columns, key='n'))
        move.start().follow()
        self.source.query(f"""update {self.name} set n = n + 1000 where id < 9;
          delete from {self.name} where id = 20;
          update {self.name} set id = id + 500 where id > 30; update {self.name} set body = 'c' where n = 15;
          alter table {self.name} replica identity default""")
        self.assert_equal(move, f'select id, n, body, half, twice from {self.name}')
        move.end()

    def test_a_partitioned_table_is_refused_and_its_parts_are_followed(self):
        name = self.name
        self.source.query(f"""drop table {name}; create table {name} (id int8 primary key, n int8, body text)
            partition by range (id);
          create table {name}_1 partition of {name} for values from (0) to (100);
          create table {name}_2 partition of {name} for values from (100) to (200);
          insert into {name} select i, i, 'b' from generate_series(1, 150) i""")
        told = self.move().start().ended()
        self.assertIn('it is partitioned', told)
        self.assertIn('follow each of its parts by a job of its own', told)
        jobs = ', '.join(f"""lugger.copy {{
          from = lugger.source({lua(self.source.url)}, {{ table = '{name}_{i}', key = 'id' }}),
          into = lugger.target(lugger.env.PG_URI, {{ table = '{name}_{i}', key = 'id',
            on_conflict = 'update' }}),
          columns = {{ {COLUMNS} }} }}""" for i in (1, 2))
        move = self.move()
        move.work.script(f"local lugger = require 'lugger'\nreturn lugger.move {{ jobs = {{ {jobs} }} }}")
        move.start().follow(2)
        self.source.query(f'update {name} set id = id + 66 where id between 85 and 95; '
                          f'update {name} set n = 0 where id % 3 = 0')
        for i in (1, 2):
            self.assert_equal(move, f'select id, n, body from {name}_{i}')
        move.end()


def own_all(server, folder):
    """As the server's own directory."""
    for at, _, files in os.walk(folder):
        for one in (at, *(os.path.join(at, name) for name in files)):
            if server.user:
                os.chown(one, server.user.pw_uid, server.user.pw_gid)


if __name__ == '__main__':
    unittest.main()
