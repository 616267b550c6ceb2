"""Scripts of many small jobs: what they cost the server, and that nobody sees them run side by side."""
import ctypes
import json
import os
import re
import signal
import struct
import time
import unittest
from pathlib import Path

import bson
import harness
from jobs import Work
from postgres import Postgres
from sessions import Session, wait_for

COLUMNS = "{ { 'id', 'text', from = '_id' }, { 'n', 'int4' }, { 'rest', 'jsonb', from = '*' } }"


def collections(directory, count, documents=20):
    """A dump of small collections with metadata, as mongodump writes it."""
    folder = Path(directory) / 'dump' / 'shop'
    folder.mkdir(parents=True)
    for c in range(count):
        bson.write(folder / f'c{c}.bson',
                   [{'_id': f'{c}-{i}', 'n': i, 'tag': 'x'} for i in range(documents)])
        (folder / f'c{c}.metadata.json').write_text(json.dumps({
            'options': {}, 'indexes': [{'v': 2, 'key': {'_id': 1}, 'name': '_id_'}],
            'collectionName': f'c{c}'}))
    return folder


def script(count, extra='', table='name'):
    return f'''
local lugger = require 'lugger'
local jobs = {{}}
for i = 0, {count - 1} do
  local name = 'c' .. i
  jobs[#jobs + 1] = lugger.copy {{ name = name,
    from = lugger.source('dump', {{ collection = 'shop.' .. name }}),
    into = lugger.target(lugger.env.PG_URI, {{ table = {table}, key = 'id', on_conflict = 'update' }}),
    columns = {COLUMNS}, {extra} }}
end
return jobs
'''


class Small(unittest.TestCase):
    def work(self, count, extra='', table='name', server=None):
        database = (server or self.server).fresh()
        work = Work(database, text=script(count, extra, table))
        collections(work.directory, count)
        return work


class SideBySide(Small):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def blocked(self, work, *flags, tables=('c0',)):
        """A run whose loads of these tables wait for another session."""
        holder = Session(work.database)
        self.addCleanup(holder.close)
        holder.run(f'begin; lock table {", ".join(tables)} in share mode')
        running = work.start('run', 'job.lua', *flags)
        for table in tables:
            wait_for(work.database, 'select exists (select from pg_locks where not granted and '
                     f"relation = '{table}'::regclass)", running)
        return holder, running

    def ends(self, running, status=0):
        _, err = running.communicate(timeout=60)
        self.assertEqual(running.returncode, status, err)
        return err

    def test_c22_a_job_that_waits_keeps_no_neighbour_waiting(self):
        work = self.work(4)
        work.run('--create')
        work.database.query('truncate c0, c1, c2, c3')
        holder, running = self.blocked(work, '-j', '2', '--log', 'json')
        wait_for(work.database, 'select count(*) = 20 from c3', running)
        holder.run('commit')
        err = self.ends(running)
        told = [(one['event'], one['job']) for one in map(json.loads, err.splitlines())
                if one['event'] in ('plan', 'end')]
        self.assertEqual(told, [(event, f'c{i}') for i in range(4) for event in ('plan', 'end')])
        self.assertEqual(work.database.number('select count(*) from c0'), 20)

    def test_c22_one_connection_is_one_job_at_a_time(self):
        work = self.work(3)
        work.run('--create')
        work.database.query('truncate c0, c1, c2')
        holder, running = self.blocked(work, '-j', '1')
        self.assertEqual(work.database.number(
            "select count(*) from lugger.runs where status = 'running'"), 1)
        holder.run('commit')
        self.ends(running)
        self.assertEqual(work.database.number('select count(*) from c2'), 20)

    def test_c22_jobs_of_one_table_follow_each_other(self):
        work = self.work(2, table="'both'")
        work.run('--create')
        self.assertEqual(work.database.number('select count(*) from "both"'), 40)
        work.database.query('truncate "both"')
        holder, running = self.blocked(work, '-j', '2', tables=('"both"',))
        self.assertEqual(work.database.number(
            "select count(*) from lugger.runs where status = 'running'"), 1)
        holder.run('commit')
        self.ends(running)
        self.assertEqual(work.database.number('select count(*) from "both"'), 40)

    def test_c22_a_foreign_key_keeps_the_order(self):
        work = self.work(3)
        work.database.query('''create table c0 (id text primary key, n int4, rest jsonb);
            create table c1 (id text primary key, n int4, rest jsonb);
            create table c2 (id text primary key, n int4, rest jsonb);
            alter table c1 add foreign key (id) references c0''')
        holder, running = self.blocked(work, '-j', '2', '--quiet')
        self.assertEqual(work.database.number('select count(*) from c2'), 0)
        holder.run('commit')
        # Ids of c1 are not those of c0: the server refuses each of its documents.
        self.ends(running, 3)
        self.assertEqual(work.database.number('select count(*) from c2'), 20)
        self.assertEqual(work.database.number("select count(*) from lugger.rejects where job = 'c1'"), 20)

    def test_c22_a_trigger_keeps_the_order(self):
        work = self.work(2)
        work.run('--create')
        work.database.query('''truncate c0, c1; create function sees() returns trigger language plpgsql as
            $$ begin if not exists (select from c0) then raise 'c0 is empty'; end if; return new; end $$;
            create trigger sees before insert on c1 for each row execute function sees()''')
        holder, running = self.blocked(work, '-j', '2')
        holder.run('commit')
        self.ends(running)
        self.assertEqual(work.database.number('select count(*) from c1'), 20)

    def test_c22_a_failure_keeps_no_neighbour_from_running(self):
        work = self.work(4)
        work.run('--create')
        work.database.query('truncate c0, c1, c2, c3; drop table c1; create table c1 (id text)')
        done = work.run('-j', '2', expect=1)
        self.assertIn('c1', done.err)
        for table in ('c0', 'c2', 'c3'):
            self.assertEqual(work.database.number(f'select count(*) from {table}'), 20)
        self.assertEqual(re.findall('^(c[0-9]) +20 +20 ', done.err, re.M), ['c0', 'c2', 'c3'])

    def test_c22_control_c_stops_all_that_are_at_work(self):
        work = self.work(12)
        work.run('--create')
        work.database.query('truncate ' + ', '.join(f'c{i}' for i in range(12)))
        holder, running = self.blocked(work, '-j', '2', tables=('c0', 'c1'))
        running.send_signal(signal.SIGINT)
        told = iter(running.stderr.readline, '')
        self.assertTrue(any('once more stops at once' in line for line in told))
        running.send_signal(signal.SIGINT)
        self.assertTrue(any('stopping at once' in line for line in told))
        holder.run('commit')
        err = self.ends(running, 130)
        self.assertNotIn('once more stops at once', err)
        self.assertIn('10 jobs not started', err)
        work.run('-j', '2')
        self.assertEqual(work.database.number('select count(*) from c0'), 20)
        self.assertEqual(work.database.number('select count(*) from c11'), 20)

    def test_c22_verdicts_come_in_order(self):
        work = self.work(5)
        work.run('--create')
        work.database.query("delete from c1 where n = 3; update c3 set n = 0 where n = 4")
        done = work.lugger('verify', 'job.lua', '--json', '-j', '2', expect=4)
        found = json.loads(done.out)
        self.assertEqual([one['job'] for one in found], [f'c{i}' for i in range(5)])
        self.assertEqual([one['equal'] for one in found], [True, False, True, False, True])

    def test_c22_one_verification_that_fails_ends_the_command(self):
        work = self.work(5)
        work.run('--create')
        work.database.query('drop table c2')
        done = work.lugger('verify', 'job.lua', '-j', '2', expect=1)
        self.assertIn('table c2 does not exist', done.err)


class Costs(Small):
    """Counted by the server itself."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres({'log_min_duration_statement': '0', 'log_connections': 'on'})
        cls.log = cls.server.directory + '/log'

    def cost(self, work, count, *args):
        """Statements of one job, and connections in all."""
        before = os.path.getsize(self.log)
        work.lugger(*args)
        with open(self.log, encoding='utf-8', errors='replace') as text:
            text.seek(before)
            lines = text.read().splitlines()
        statement = re.compile(r'duration: [\d.]+ ms +(statement|execute)')
        statements = sum(bool(statement.search(line)) for line in lines)
        return statements / count, sum('connection authorized' in line for line in lines)

    def test_c22_many_small_jobs_ask_little_of_the_server(self):
        count = 20
        work = self.work(count)
        for args, most, connections in ((('run', 'job.lua', '--create', '-j', '2'), 75, 12),
                                        (('run', 'job.lua', '-j', '2'), 75, 12),
                                        (('verify', 'job.lua', '-j', '2'), 40, 12)):
            with self.subTest(' '.join(args)):
                statements, made = self.cost(work, count, *args)
                self.assertLessEqual(statements, most)
                self.assertLessEqual(made, connections)


class Opens:
    """Counts how often files of a directory are opened."""

    def __init__(self, directory):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        opened = 0x20
        if self.fd < 0 or self.libc.inotify_add_watch(self.fd, os.fsencode(directory), opened) < 0:
            harness.skip('no inotify here')

    def names(self):
        """Of the files that were opened since; a directory that is listed has none."""
        out, data = [], b''
        while True:
            try:
                data = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                return out
            while data:
                _, _, _, length = struct.unpack_from('iIII', data)
                name = data[16:16 + length].rstrip(b'\0')
                out += [name.decode()] if name else []
                data = data[16 + length:]


class Listing(Small):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def settle(self, folder):
        """As a dump that was not written this very moment."""
        for path in (folder, folder.parent):
            os.utime(path, (time.time() - 60,) * 2)

    def test_c22_metadata_of_a_dump_is_read_once_and_not_by_every_collection(self):
        count = 20
        work = self.work(count)
        folder = work.directory / 'dump' / 'shop'
        self.settle(folder)
        for args in (('describe', 'dump', '--full'), ('run', 'job.lua', '--create')):
            with self.subTest(args[0]):
                opens = Opens(folder)
                work.lugger(*args)
                metadata = [name for name in opens.names() if name.endswith('.metadata.json')]
                self.assertLessEqual(len(metadata), 6 * count)

    def test_c22_what_changes_in_a_dump_is_seen(self):
        work = self.work(3)
        folder = work.directory / 'dump' / 'shop'
        self.settle(folder)
        work.script('''
local lugger = require 'lugger'
local function look(name)
  local source = lugger.source('dump', { collection = 'shop.' .. name })
  local ok, found = pcall(source.describe, source)
  return ok and found.documents .. ' ' .. found.info.metadata_json:match('"name": "([^"]+)"') or 'gone'
end
print(look 'c0', look 'c1', look 'c2')
os.rename('dump/shop/c1.bson', 'dump/shop/d1.bson')
local file = io.open('dump/shop/c2.metadata.json', 'w')
file:write('{"indexes": [{"v": 2, "key": {"_id": 1}, "name": "_other_"}], "collectionName": "c2"}')
file:close()
print(look 'c0', look 'c1', look 'c2')
''', 'look.lua')
        done = work.lugger('--lua', 'look.lua')
        self.assertEqual(done.out.split('\n')[:2],
                         ['20 _id_\t20 _id_\t20 _id_', '20 _id_\tgone\t20 _other_'])


if __name__ == '__main__':
    harness.main()
