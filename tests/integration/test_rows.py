"""What the other files leave unproved of requirement rows: whole stories of S0 and S1, each under its
row's name."""
import fcntl
import gzip
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
import time
import unittest
import uuid

import bson
from bson import Binary, Decimal128, ObjectId
import harness
from harness import DATA, json_lines, lugger
from jobs import Work, job
from postgres import Postgres

BAD = 55_000   # behind the first 50,000 documents, which are one transaction
ROWS = 60_000


def users(count):
    return [{'_id': ObjectId(f'{i:024x}'), 'email': f'u{i}@example.com', 'n': i} for i in range(count)]


class Rows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, documents, columns="{ 'email', 'text' }", extra="unmapped = 'ignore',", server=None,
             **more):
        return Work((server or self.server).fresh(), documents, job(columns, extra=extra, **more))

    # -- running ---------------------------------------------------------------------------------------------

    def test_s0_02_detached_from_its_terminal(self):
        work = self.work(
            users(ROWS),
            extra="unmapped = 'ignore', map = function(row) for i = 1, 500 do row.n = row.n end end,",
            columns="{ 'email', 'text' }, { 'n', 'int4' }")
        leader, follower = pty.openpty()
        shell = os.fork()
        if shell == 0:   # a shell on a terminal of its own, which then goes away
            os.setsid()
            fcntl.ioctl(follower, termios.TIOCSCTTY, 0)
            os.chdir(work.directory)
            done = lugger('run', 'job.lua', '--create', '--detach', '-j', 1, cwd=work.directory, env=work.env,
                          expect=None)
            os._exit(done.status)
        _, status = os.waitpid(shell, 0)
        os.close(follower)
        os.close(leader)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        for _ in range(1200):
            if work.database.query('select status from lugger.runs', check=False) == 'done':
                break
            time.sleep(0.1)
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id) from docs'),
                         f'{ROWS}|{ROWS}')

    def test_s0_02_reboot_of_everything(self):
        server = Postgres({'synchronous_commit': 'on', 'wal_writer_delay': '10ms'}, keep_durable=True)
        work = self.work(users(ROWS), server=server, columns="{ 'n', 'int4' }",
                         extra="unmapped = 'ignore', map = function(row) local x = 0 for i = 1, "
                               "4000 do x = (x * 31 + i) % 1000003 end end,")
        process = work.start('run', 'job.lua', '--create', '-j', '1', '--log', 'none')
        for _ in range(1200):
            if work.database.query('select 1 from docs limit 1',
                                   check=False) == '1' or process.poll() is not None:
                break
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        server.stop(signal.SIGQUIT)
        process.communicate()
        server.start()
        kept = work.database.query('select count(*), (select sum(read) from '
                                   'lugger.partitions) from docs').split('|')
        self.assertEqual(kept[0], kept[1], 'rows and position are one transaction, kept or lost together')
        self.assertLess(int(kept[0]), ROWS)
        work.lugger('init', '--systemd', 'job.lua')
        unit = (work.directory / 'lugger-job.service').read_text(encoding='utf-8')
        command = re.search(r'^ExecStart=.*\blugger (.*)$', unit, re.M)
        self.assertIsNotNone(command, unit)
        result = work.lugger(*command.group(1).split())
        self.assertIn('resumed', result.err)
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id), sum(n) from docs'),
                         f'{ROWS}|{ROWS}|{sum(range(ROWS))}')
        server.destroy()

    def test_s0_22_gzip_without_temporary_files(self):
        work = self.work([])
        data = b''.join(bson.encode(d) for d in users(20_000))
        packed = work.directory / 'docs.bson.gz'
        packed.write_bytes(gzip.compress(data))
        before = set(os.listdir(work.directory))
        work.run('--create', '--from', packed,
                 env={'TMPDIR': '/nonexistent', 'TMP': '/nonexistent', 'TEMP': '/nonexistent'})
        self.assertEqual(work.database.number('select count(*) from docs'), 20_000)
        self.assertEqual(set(os.listdir(work.directory)) - before, set())

    def test_s0_26_batches_by_bytes(self):
        work = self.work([{'_id': i, 'pad': 'x' * 1000} for i in range(100)])
        work.script("""local lugger = require 'lugger'
          local cursor = lugger.source(lugger.env.MONGO_URI,
            { collection = 'shop.docs' }):cursor { batch_bytes = 10000 }
          for batch in cursor:batches() do
            local count = 0
            for _ in batch:docs() do count = count + 1 end
            print(count)
          end""")
        sizes = [int(n) for n in work.run().out.split()]
        self.assertEqual(sum(sizes), 100)
        self.assertTrue(all(n <= 10 for n in sizes), sizes)
        self.assertTrue(all(n >= 9 for n in sizes[:-1]), sizes)

    def test_s0_28_a_load_needs_no_other_program(self):
        work = self.work(users(100))
        work.run('--create', env={
            'PATH': '/nonexistent', 'LUA_PATH': '/nonexistent/?.lua', 'LUA_CPATH': '/nonexistent/?.so'})
        self.assertEqual(work.database.number('select count(*) from docs'), 100)

    def test_s0_29_connections_by_name(self):
        work = self.work(users(10))
        (work.directory / 'lugger.toml').write_text(f'[connections.dump]\nurl = "{work.source}"\n'
                                                    f'[connections.warehouse]\nurl = "${{WHERE}}"\n',
                                                    encoding='utf-8')
        work.script(job("{ 'email', 'text' }", extra="unmapped = 'ignore',").replace(
                        'lugger.env.MONGO_URI', "'dump'").replace('lugger.env.PG_URI', "'warehouse'"))
        lugger('run', 'job.lua', '--create', cwd=work.directory, env={'WHERE': work.database.url})
        self.assertEqual(work.database.number('select count(*) from docs'), 10)

    def test_s0_41_one_live_line_on_a_terminal(self):
        documents = [{**d, 'n': 'n/a' if i < 7 else i} for i, d in enumerate(users(10_000))]
        work = self.work(documents, columns="{ 'n', 'int4' }",
                         extra="unmapped = 'ignore', map = function(row) local x = 0 for i = 1, "
                               "8000 do x = (x * 31 + i) % 1000003 end end,")
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('4H', 40, 200, 0, 0))
        shown = []

        def read():
            while True:
                try:
                    piece = os.read(leader, 65536)
                except OSError:
                    return
                if not piece:
                    return
                shown.append(piece)
        reader = threading.Thread(target=read)
        reader.start()
        process = subprocess.Popen([harness.binary(), 'run', 'job.lua', '--create', '-j', '1'],
                                   cwd=work.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=follower,
                                   env=harness.clean_environment({**work.env, 'TERM': 'xterm'}))
        os.close(follower)
        self.assertEqual(process.wait(240), 3)
        reader.join(20)
        os.close(leader)
        text = b''.join(shown).decode('utf-8', 'replace')
        lines = [line for line in text.split('\r') if ' documents' in line]
        self.assertTrue(any(re.search(r'[\d,]+ documents · [\d.]+ [kM]B · \d+% · [\d,]+/s, '
                                      r'[\d.]+ [kMG]?B/s · .* left · 7 rejects',
                                      line) for line in lines),
                        lines[:20])

    def test_s0_42_the_checkpoint_stays_and_one_line_resumes(self):
        work = self.work(users(ROWS),
                         extra="unmapped = 'ignore', map = function(row) if row.email == "
                               f"'u{BAD}@example.com' then error 'boom' end end,")
        result = work.run('--create', '-j', 1, expect=1)
        self.assertIn('boom', result.err)
        self.assertRegex(result.err, r'(?m)^.*go on with: lugger run job\.lua.*$')
        self.assertEqual(work.database.query('select status from lugger.runs'), 'failed')
        kept = work.database.query('select count(*), (select sum(read) from '
                                   'lugger.partitions) from docs').split('|')
        self.assertEqual(kept[0], kept[1])
        self.assertTrue(0 < int(kept[0]) < ROWS, kept)
        work.script(job("{ 'email', 'text' }", extra="unmapped = 'ignore',"))
        resumed = work.run('--accept-changes')
        self.assertEqual(resumed.books()['read'], ROWS)
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id) from docs'),
                         f'{ROWS}|{ROWS}')

    def test_s1_12_rows_travel_by_binary_copy_and_merge(self):
        server = Postgres({'log_statement': 'all'})
        work = self.work(users(2000), server=server, conflict='update')
        work.run('--create')
        first = self.logged(server)
        self.assertIn('format binary', first)
        self.assertNotRegex(first, r'insert into \S*docs')
        work.documents([{**d, 'email': d['email'].upper()} for d in users(2000)])
        self.assertEqual(work.run().books()['updated'], 2000)
        second = self.logged(server)[len(first):]
        self.assertIn('format binary', second)
        self.assertLessEqual(len(re.findall(r'insert into \S*"docs"', second)), 4,
                             'one merge a unit, never one a row')
        server.destroy()

    @staticmethod
    def logged(server):
        with open(server.directory + '/log', encoding='utf-8', errors='replace') as file:
            return file.read().lower()

    # -- values ----------------------------------------------------------------------------------------------

    def test_s0_09_the_default_mapping(self):
        database = self.server.fresh()
        lugger('run', 'mongo_to_postgres', '--from', DATA / 'named/dump', '--into', database.url, '--create',
               expect=(0, 3))
        for collection in ('users', 'orders', 'ids'):
            columns = dict(database.rows("select column_name, data_type from information_schema.columns "
                                         f"where table_name = '{collection}'"))
            self.assertEqual((columns['id'], columns['mongo_id']), ('uuid', 'text'), collection)
            space = uuid.uuid5(uuid.uuid5(uuid.UUID(int=0), 'lugger'), f'shop.{collection}')
            for given, mongo_id in database.rows(f'select id, mongo_id from {collection}'):
                self.assertEqual(given, str(uuid.uuid5(space, mongo_id)), 'anyone can compute the same id')
        self.assertEqual(database.query("select mongo_id from orders order by length(mongo_id), "
                                        "mongo_id limit 2"),
                         '$n:0\n$n:1')

    def test_s0_31_int_and_string_by_policy(self):
        documents = [{'_id': 1, 'v': 'int'}, {'_id': '1', 'v': 'string'}]
        work = self.work(documents, "{ 'v', 'text' }")
        work.script(job("{ 'v', 'text' }").replace("from = '_id' }", "from = '_id', id_text = 'plain' }"))
        books = work.run('--create').books()
        self.assertEqual(work.database.rows('select mongo_id from docs'), [['1']],
                         'plain says that they are one')
        self.assertEqual((books['read'], books['inserted'], books['skipped']), (2, 1, 1),
                         'and the one that gave way is counted')

    def test_s0_32_each_conversion_that_failed_is_counted(self):
        documents = [{'_id': i, 'v': 5 if i < 3 else 'x'} for i in range(10)]
        for policy, kept in (("on_error = 'null'", '7'), ("on_error = 'default', default = 'none'", '10')):
            work = self.work(documents, f"{{ 'v', 'text', strict = true, {policy} }}")
            result = work.run('--create')
            self.assertRegex(result.err, r'\bv: 3 values could not be read')
            self.assertEqual(work.database.query('select count(*), count(v) from docs'), f'10|{kept}')

    def test_s0_34_empty_zero_and_false_arrive_in_every_type(self):
        work = self.work([{'_id': 1, 't': '', 'i': 0, 'f': 0.0, 'b': False, 'a': [], 'y': Binary(b''),
                           'm': {'x': 0}},
                          {'_id': 2}],
                         "{ 't', 'text' }, { 'i', 'int4' }, { 'f', 'float8' }, { 'b', 'bool' }, { 'a', "
                         "'text[]' }, { 'y', 'bytea' }, { 'x', 'int4', from = 'm.x' }")
        work.run('--create')
        self.assertEqual(work.database.rows('select t, i, f, b, a, y, x from docs order by mongo_id'),
                         [['', '0', '0', 'f', '{}', '\\x', '0'], ['\\N'] * 7])

    def test_s0_40_a_policy_for_each_table(self):
        documents = [{'_id': 1, 'v': 'old'}]
        work = self.work(documents)
        text = """local lugger = require 'lugger'
          local function one(name, policy)
            return lugger.copy { name = name, from = lugger.source('docs.bson', { collection = 'shop.docs' }),
              into = lugger.target(lugger.env.PG_URI,
                { table = name, key = 'mongo_id', on_conflict = policy }),
              columns = { { 'mongo_id', 'text', from = '_id' }, { 'v', 'text' } } }
          end
          return { one('kept', 'skip'), one('taken', 'update') }"""
        work.script(text)
        work.run('--create')
        work.documents([{'_id': 1, 'v': 'new'}])
        work.run()
        self.assertEqual(work.database.query('select kept.v, taken.v from kept, taken'), 'old|new')

    def test_s1_13_float4_is_bit_exact_and_nan_is_refused_with_its_id(self):
        singles = [struct.unpack('<f', struct.pack('<f', x))[0]
                   for x in (0.1, -1 / 3, 1e-45, 3.4028234663852886e38, 16777217.0, -0.0)]
        documents = [{'_id': 'good', 'v': singles}, {'_id': 'nan', 'v': [1.0, float('nan')]},
                     {'_id': 'inf', 'v': [float('-inf'), 1.0]}]
        work = self.work(documents, "{ 'v', 'float4[]' }")
        result = work.run('--create', expect=3)
        self.assertEqual(result.books()['rejected'], 2)
        self.assertEqual(sorted(r[0] for r in work.database.rows('select document_id from lugger.rejects')),
                         ['inf', 'nan'])
        got = work.database.query("select string_agg(encode(float4send(x), 'hex'), ' ' order by i) "
                                  "from docs, unnest(v) with ordinality u (x, i)")
        self.assertEqual(got, ' '.join(struct.pack('>f', x).hex() for x in singles))

    def test_s1_13_pgvector(self):
        database = self.server.fresh()
        if database.number("select count(*) from pg_available_extensions where name = 'vector'") == 0:
            harness.skip('the extension vector is not installed (Debian package: postgresql-NN-pgvector)')
        database.query('create extension vector')
        work = Work(database,
                    [{'_id': 'good', 'v': [0.5, -2.0, 0.1]}, {'_id': 'nan', 'v': [0.5, float('nan'), 1.0]},
                     {'_id': 'short', 'v': [1.0]}],
                    job("{ 'v', 'vector(3)' }"))
        work.run('--create', expect=3)
        self.assertEqual(database.query('select v from docs'), '[0.5,-2,0.1]')
        self.assertEqual(sorted(r[0] for r in database.rows('select document_id from lugger.rejects')),
                         ['nan', 'short'])

    def test_s1_15_typed_columns_for_keys_of_metadata(self):
        work = self.work([{'_id': 1, 'metadata': {'n': Decimal128('9.90'), 'lang': 'no', 'none': None}},
                          {'_id': 2, 'metadata': None}, {'_id': 3}],
                         "{ 'n', 'numeric', from = 'metadata.n' }, { 'lang', 'text', "
                         "from = 'metadata.lang' }, { 'metadata', 'jsonb' }")
        work.run('--create')
        self.assertEqual(work.database.rows('select n, lang, metadata from docs order by mongo_id'),
                         [['9.90', 'no', '{"n": 9.90, "lang": "no", "none": null}'], ['\\N'] * 3,
                          ['\\N'] * 3])

    def test_s2_14_lengths_and_scales_are_part_of_the_type(self):
        documents = [{'_id': 'fits', 's': 'abc', 'n': '123.45', 'c': 'x'},
                     {'_id': 'long', 's': 'abcd', 'n': 1, 'c': 'x'},
                     {'_id': 'wide', 's': 'a', 'n': '1234.5', 'c': 'x'}]
        work = self.work(documents, "{ 's', 'varchar(3)' }, { 'n', 'numeric(5,2)' }, { 'c', 'char(2)' }")
        self.assertEqual(work.run('--create', expect=3).books()['rejected'], 2)
        types = ("select string_agg(format_type(atttypid, atttypmod), ', ' order by attnum) "
                 "from pg_attribute where attrelid = '{}'::regclass and attnum > 1")
        self.assertEqual(work.database.query(types.format('docs')),
                         'character varying(3), numeric(5,2), character(2)')
        self.assertEqual(work.database.query('select s, n from docs'), 'abc|123.45')
        self.assertEqual(dict(work.database.rows('select document_id, "column" from lugger.rejects')),
                         {'long': 's', 'wide': 'n'})
        free = self.work(documents, "{ 's', 'varchar' }, { 'n', 'numeric' }, { 'c', 'text' }")
        free.run('--create')
        self.assertEqual(free.database.rows('select s, n from docs order by mongo_id'),
                         [['abc', '123.45'], ['abcd', '1'], ['a', '1234.5']])

    def test_s0_04_what_was_refused_is_a_file_that_loads_again(self):
        work = self.work([{'_id': i, 'n': 'n/a' if i < 5 else i} for i in range(20)], "{ 'n', 'int4' }")
        work.run('--create', expect=3)
        work.lugger('rejects', 'job.lua', '--export', 'refused.jsonl')
        refused = json_lines((work.directory / 'refused.jsonl').read_text(encoding='utf-8'))
        self.assertEqual([r['id'] if 'id' in r else r['document_id'] for r in refused],
                         [f'$n:{i}' for i in range(5)])
        self.assertTrue(all('n/a' in r['message'] and r['code'] for r in refused), refused[0])


if __name__ == '__main__':
    harness.main()
