"""lugger move with a PostgreSQL source: a copy, then what pgoutput tells of, into another PostgreSQL."""
import itertools
import random
import signal
import threading
import time
import unittest

from harness import lua
from live_moves import Move
from mongo_servers import wait_for
from peer_postgres import PgVector
from postgres import Postgres
from sessions import Session

NUMBERS = itertools.count(1)
TABLE = '''create table {name} (id int8 primary key, "odd ""name" text, v vector(3), h halfvec(3), meta jsonb,
  n numeric, pad text)'''
COLUMNS = ('''{ 'id', 'int8' }, { 'odd "name', 'text' }, { 'v', 'vector(3)' }, { 'h', 'halfvec(3)' }, '''
           '''{ 'meta', 'jsonb' }, { 'n', 'numeric' }, { 'pad', 'text' }''')


def script(url, name, columns=COLUMNS, key='id', source='', target='', extra=''):
    """One job of a move."""
    return f'''local lugger = require 'lugger'
return lugger.move {{ jobs = {{ lugger.copy {{
  from = lugger.source({lua(url)}, {{ table = {lua(name)}, key = {lua(key)}, {source} }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = {lua(name)}, key = {lua(key)}, on_conflict = 'update',
    {target} }}),
  columns = {{ {columns} }}, {extra}
}} }} }}
'''


KEYS = """local lugger = require 'lugger'
return lugger.move { jobs = { lugger.copy {
  from = lugger.source(%s, { table = %s, key = { 'b%%,', 'a' } }),
  into = lugger.target(lugger.env.PG_URI, { table = %s, key = { 'b%%,', 'a' }, on_conflict = 'update' }),
  columns = { { 'a', 'text' }, { 'b%%,', 'text' }, { 'v', 'vector(3)' } },
} } }
"""


class Writer(threading.Thread):
    """Inserts, changes, deletes and moves keys, alone and in transactions, some of which are rolled back."""

    def __init__(self, database, name, seed, keys=400, pause=0.02):
        super().__init__(daemon=True)
        self.database, self.name, self.random = database, name, random.Random(seed)
        self.keys, self.pause, self.done, self.ending = keys, pause, 0, threading.Event()

    def row(self, i):
        pick = self.random
        vector = '[%s]' % ','.join(repr(pick.uniform(-1, 1)) for _ in range(3))
        text = pick.choice(["it''s", '\\.', 'ü', 'x\ty', ''])
        return (f"({i}, '{text}', '{vector}', '{vector}', '{{\"k\": {i}, \"t\": \"{i}ü\"}}', "
                f"{pick.randrange(10 ** 9)}.50, repeat('{pick.randrange(10 ** 6)}', {pick.randrange(2000)}))")

    def fill(self, rows):
        rows = ', '.join(self.row(i) for i in range(rows))
        self.database.query(f'insert into {self.name} values {rows}')
        return self

    def statement(self):
        i, j = self.random.randrange(self.keys), self.random.randrange(self.keys)
        what = self.random.randrange(10)
        if what < 3:
            return f'insert into {self.name} values {self.row(i)} on conflict do nothing'
        if what < 5:
            return f'update {self.name} set n = n + 1 where id = {i}'   # what is large stays as it is
        if what < 7:
            return f"update {self.name} set v = '[{i},0.5,-0.0]', \"odd \"\"name\" = null where id = {i}"
        if what < 8:
            return (f'update {self.name} set id = {j} where id = {i} and not exists '
                    f'(select from {self.name} where id = {j})')
        return f'delete from {self.name} where id = {i}'

    def run(self):
        while not self.ending.wait(self.pause * self.random.random()):
            some = [self.statement() for _ in range(self.random.choice([1, 1, 2, 7]))]
            end = 'rollback' if self.random.random() < 0.1 else 'commit'
            self.database.query('begin; ' + '; '.join(some) + '; ' + end, check=False)
            self.done += 1

    def finish(self):
        self.ending.set()
        self.join(60)


class LivePostgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source_server = PgVector({'wal_level': 'logical', 'max_replication_slots': '4'})
        cls.target_server = PgVector()
        cls.debian = Postgres({'wal_level': 'logical'})

    def setUp(self):
        self.name = f'docs{next(NUMBERS)}'
        self.source = self.source_server.fresh()
        self.source.query(TABLE.format(name=self.name))
        self.addCleanup(self.drop_slots)
        self.writer = Writer(self.source, self.name, seed=self.name)

    def drop_slots(self):
        self.writer.ending.set()
        for one in self.source.query('select slot_name from pg_replication_slots', check=False).split():
            wait_for(lambda name=one: self.source.query(
                f"select pg_drop_replication_slot('{name}') is not null from pg_replication_slots where "
                f"slot_name = '{name}' and active_pid is null", check=False) != '' or one not in
                self.source.query('select slot_name from pg_replication_slots'), 'the slot was let go')

    def move(self, **options):
        return self.moved(script(self.source.url, self.name, **options))

    def moved(self, text):
        move = Move(self.target_server, self.source.url, text, self.name)
        self.addCleanup(lambda: move.process and move.process.poll() is None and move.process.kill())
        return move

    def content(self, database, name=None):
        return sorted(database.rows(f'select * from {name or self.name}'))

    def assert_equal(self, move, seconds=40):
        """Once nobody writes, all that was written is there, and nothing else."""
        want = self.content(self.source)
        move.wait_for(lambda: self.content(move.database) == want, 'both sides were equal', seconds)

    def slot(self, what='slot_name'):
        return self.source.query(f'select {what} from pg_replication_slots')

    def test_a_table_with_vectors_is_copied_and_followed(self):
        self.writer.fill(300)
        move = self.move()
        move.start().follow()
        self.source.query(f'''
          insert into {self.name} (id, v, pad) values (1000, '[1,2,3]', repeat('x', 9000));
          update {self.name} set v = '[0,-0.0,5]' where id = 1;
          update {self.name} set id = 2000 where id = 2;
          delete from {self.name} where id = 3''')
        self.assert_equal(move)
        self.assertEqual(move.number(f'select count(*) from {self.name} where id in (2, 3)'), 0)
        told = move.end()
        self.assertIn('its changes are applied', told)
        self.assertIn(f"select pg_drop_replication_slot('{self.slot()}')", told)
        move.assert_books()
        told = move.work.lugger('status', 'job.lua').out
        self.assertRegex(told, rf'{self.name} +stopped +20')
        self.assertIn(self.slot(), told)
        self.assertIn('equal', move.work.lugger('verify', 'job.lua').out)

    def test_under_writes_with_kills_and_restarts_of_the_source(self):
        self.writer.fill(400).start()
        move = self.move()
        random_ = random.Random(7)
        for turn in range(6):
            move.start()
            time.sleep(random_.uniform(0.3, 2.5))
            if turn == 3:
                move.wait_to_say('changes')   # before that, a server that is away ends it
                self.source_server.stop(signal.SIGQUIT)
                self.source_server.start()
                time.sleep(1)
            move.end(signal.SIGKILL, -signal.SIGKILL)
        move.start().wait_to_say('following, ', 90)
        self.source_server.stop()
        self.source_server.start()
        time.sleep(2)
        self.writer.finish()
        self.assert_equal(move, seconds=90)
        move.end()
        move.assert_books()
        self.assertGreater(self.writer.done, 50)
        self.assertIn('equal', move.work.lugger('verify', 'job.lua').out)

    def test_large_transactions_and_awkward_keys(self):
        self.source.query(f"""drop table {self.name};
          create table {self.name} (a text, "b%," text, v vector(3), primary key ("b%,", a));
          insert into {self.name} select 'a,' || i, 'ü%' || i || chr(39) || chr(92) || chr(10), '[1,2,3]'
            from generate_series(1, 50) i""")
        move = self.moved(KEYS % (lua(self.source.url), lua(self.name), lua(self.name)))
        move.start().follow()
        self.source.query(f"""begin;
          insert into {self.name}
            select 'x"' || i, 'y{{}}' || i, ('[1,2,' || i || ']')::vector from generate_series(1, 45000) i;
          update {self.name} set a = a || ',' where a like 'a,%';
          delete from {self.name} where a like 'x"%7'; commit""")
        self.assert_equal(move)
        move.end()
        move.assert_books()

    def test_what_is_truncated(self):
        self.writer.fill(50)
        move = self.move()
        move.start().follow()

        def again(i):
            self.source.query(f'''begin; insert into {self.name} (id) values ({i}); truncate {self.name};
              insert into {self.name} (id) values ({i + 1}), ({i + 2}); commit;
              insert into {self.name} (id) values ({i + 3})''')
        again(900)
        told = move.ended()
        self.assertIn('was changed as a whole at 20', told)
        self.assertIn(f'truncate {self.name}', told)
        self.assertEqual(move.number(f'select count(*) from {self.name}'), 50)
        url = self.source.url
        move.work.script(script(url, self.name, extra="on_ddl = { drop = 'apply' },"))
        move.start('--accept-changes').follow()
        self.assert_equal(move)
        again(910)
        self.assert_equal(move)
        self.source.query(f'truncate {self.name}; truncate {self.name}')
        self.assert_equal(move)
        move.end()
        move.work.script(script(url, self.name, extra="on_ddl = { drop = 'warn' },"))
        self.source.query(f'insert into {self.name} (id) values (1), (2); ')
        move.start('--accept-changes').follow()
        self.assert_equal(move)
        self.source.query(f'truncate {self.name}; insert into {self.name} (id) values (3)')
        move.wait_for(lambda: move.number(f'select count(*) from {self.name}') == 3, 'the row came')
        move.end()

    def test_a_slot_that_is_gone(self):
        self.writer.fill(20)
        move = self.move()
        move.start().follow()
        told = move.work.lugger('verify', 'job.lua', '--live', expect=1).err
        self.assertIn('its source is PostgreSQL', told)
        self.assertIn('verify it without --live', told)
        move.end()
        slot = self.slot()
        self.source.query(f"select pg_drop_replication_slot('{slot}'); delete from {self.name} where id < 5")
        told = move.start().ended()
        self.assertIn('no longer has the changes since', told)
        self.assertIn('the replication slot is gone', told)
        self.assertIn('--restart', told)
        self.assertNotIn('go on with', told)
        self.assertRegex(move.work.lugger('status', 'job.lua').out, rf'{self.name} +lost')
        move.database.query(f'truncate {self.name}')
        move.start('--restart').follow()
        self.assertEqual(self.slot(), slot)
        self.assert_equal(move)
        move.end()

    def test_a_slot_that_the_server_has_invalidated(self):
        self.writer.fill(20)
        move = self.move()
        move.start().follow()
        move.end()
        admin = self.source
        admin.query("alter system set max_slot_wal_keep_size = '16MB'")
        admin.query('select pg_reload_conf()')
        try:
            for _ in range(6):
                admin.query("select pg_logical_emit_message(true, 'x', 'x'); select pg_switch_wal()")
            admin.query('checkpoint')
            self.assertEqual(self.slot('wal_status'), 'lost')
            told = move.start().ended()
            self.assertIn('invalidated', told)
        finally:
            admin.query('alter system reset max_slot_wal_keep_size')
            admin.query('select pg_reload_conf()')
        self.assertRegex(move.work.lugger('status', 'job.lua').out, rf'{self.name} +lost')

    def test_the_source_may_forget_only_what_is_committed(self):
        self.writer.fill(20)
        move = self.move()
        move.start().follow()
        self.source.query(f'update {self.name} set n = 1')
        self.assert_equal(move)
        position = ("select split_part(split_part(position, 'lsn:', 2), ' ', 1) from lugger.partitions "
                    "where partition = 'changes'")
        wait_for(lambda: self.slot(f"confirmed_flush_lsn = '{move.database.query(position)}'") == 't',
                 'what is committed was told of')
        holder = Session(move.database)
        holder.run(f'begin; lock table {self.name}')
        try:
            self.source.query(f'delete from {self.name} where id = 1')
            deleted = self.source.query('select pg_current_wal_lsn()')
            time.sleep(3)
            self.assertEqual(self.slot(f"confirmed_flush_lsn < '{deleted}'"), 't')
            move.end(signal.SIGKILL, -signal.SIGKILL)
        finally:
            holder.close()
        move.start().follow()
        self.assert_equal(move)
        move.end()

    def test_a_source_as_debian_has_it_and_keys_of_many_types(self):
        """A full replica identity has all columns, and so has the stream."""
        source = self.debian.fresh()
        source.query("""create domain word as varchar(40);
          create table many (u uuid, t timestamptz, d numeric(9,2), b bytea, f float8, w word, c char(3),
            i interval, e bool, pad text, g int8 generated always as (length(pad)) stored,
            primary key (u, t, d, b, f, w, c, i, e));
          alter table many replica identity full;
          insert into many select md5(i::text)::uuid, 'epoch'::timestamptz + i * interval '1.5 s', i * 1.10,
            int4send(i), i / 3.0, 'ü,' || i, i % 10, i * interval '1 day 2 s', i % 2 = 0, repeat('x', i * 99)
            from generate_series(1, 40) i""")
        key = ', '.join(f"'{c}'" for c in 'utdbfwcie')
        types = ("uuid timestamptz numeric(9,2) bytea float8 varchar(40) char(3) interval bool text").split()
        names = [*'utdbfwcie', 'pad']
        columns = ', '.join(f"{{ '{name}', '{kind}' }}" for name, kind in zip(names, types))
        columns += ", { 'g', 'int8' }"
        text = script(source.url, 'many', columns=columns, key='KEY').replace('"KEY"', '{ %s }' % key)
        move = self.moved(text)
        move.start().follow()
        source.query("""update many set f = f + 1, pad = 'short' where d < 10;
          delete from many where e and d > 30; update many set c = 'ab' where d > 20;
          insert into many select gen_random_uuid(), '1999-12-31 23:59:59.999999', -0.01, '', '-5e-324', '',
            '', '-1 mon', true""")
        want = self.content(source, 'many')
        move.wait_for(lambda: self.content(move.database, 'many') == want, 'both sides were equal')
        time.sleep(22)   # nobody writes
        self.assertNotIn('catching up', move.end())
        slot = source.query('select slot_name from pg_replication_slots')
        source.query(f"select pg_drop_replication_slot('{slot}')")

    def test_rows_with_keys_of_a_hook_are_refused(self):
        """Nothing is told of them when their row is deleted."""
        self.writer.fill(6)
        move = self.move(extra='''map = function(row)
          if row.id == 3 then row.id = row.id + 1000 end
          if row.id == 4 then lugger.emit { id = 2000 } end
          row.id = row.id
        end''')
        move.start().follow()
        self.source.query(f'''delete from {self.name} where id in (3, 4, 5);
          update {self.name} set id = 3 where id = 1; update {self.name} set n = n + 1 where id = 2;
          insert into {self.name} (id) values (7)''')
        ids = f'select string_agg(id::text, $$,$$ order by id) from {self.name}'
        move.wait_for(lambda: move.database.query(ids) == '0,2,7', 'what is applied is there, and no more')
        move.end()
        told = move.work.lugger('rejects', 'job.lua').out
        self.assertIn("the hook gave a row the key", told)
        self.assertIn('which is not its document', told)

    def test_arrays_in_the_key_are_refused(self):
        self.source.query(f'drop table {self.name}; '
                          f'create table {self.name} (k int4[], z text, primary key (k, z))')
        told = self.move(columns="{ 'k', 'int4[]' }, { 'z', 'text' }", key='k').work.lugger(
            'plan', 'job.lua', '--create', expect=1)
        self.assertIn('is in the key and an array', told.out + told.err)

    def test_what_keeps_a_table_from_being_followed_is_told_before(self):
        source = self.target_server.fresh()
        source.query(f'create unlogged table {self.name} (id int8, v vector(3)); create role plain login; '
                     f'grant select on {self.name} to plain')
        url = self.target_server.url(source.name, 'plain')
        move = self.moved(script(url, self.name, columns="{ 'id', 'int8' }"))
        told = move.work.lugger('plan', 'job.lua', '--create', expect=1)
        told = told.out + told.err
        for words in ('wal_level is replica', 'may not replicate', 'its changes are not logged'):
            self.assertIn(words, told)
        told = move.start().ended()
        self.assertIn('alter system set wal_level = logical', told)
        self.assertIn('alter role "plain" replication', told)
        self.source.query(f'drop table {self.name}; create table {self.name} (id int8)')
        told = self.move(columns="{ 'id', 'int8' }").start().ended()
        self.assertIn('neither a primary key nor another replica identity', told)
        self.assertEqual(self.slot(), '')

    def test_a_target_that_keeps_no_position_is_refused(self):
        text = script(self.source.url, self.name).replace('lugger.env.PG_URI', "'docs.jsonl'")
        told = self.moved(text).start().ended()
        self.assertIn('docs.jsonl', told)
        self.assertEqual(self.slot(), '')

    def test_a_publication_of_the_owner(self):
        self.source.query(f'create publication "the Owner\'s" for table {self.name}; '
                          f'create role mover login replication; grant select on {self.name} to mover')
        self.writer.fill(20)
        url = self.source_server.url(self.source.name, 'mover')
        move = self.moved(script(url, self.name, source="publication = \"the Owner's\""))
        move.start().follow()
        self.source.query(f"""update {self.name} set pad = 'z' where id < 9;
          delete from {self.name} where id = 11""")
        self.assert_equal(move)
        move.end()
        self.assertEqual(self.source.query('select count(*) from pg_publication'), '1')


if __name__ == '__main__':
    unittest.main()
