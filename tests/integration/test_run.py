"""What a run says and does around the rows: forecasts, settings, secrets, memory, resuming, exit statuses."""
import json
import os
import stat
import time
import unittest

import bson
from bson import ObjectId
import harness
from harness import lugger
from jobs import Work, dump, job
from postgres import Postgres


def users(count):
    return [{'_id': ObjectId(f'{i:024x}'), 'email': f'u{i}@example.com', 'price': f'{i}.50',
             'deleted': i % 10 == 0} for i in range(count)]


class Running(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, count=100, columns="{ 'email', 'text' }", extra="unmapped = 'ignore',", **more):
        return Work(self.server.fresh(), users(count), job(columns, extra=extra, **more))

    def test_s0_01_size_and_forecast_first(self):
        work = self.work(5000)
        for command in ('plan', 'run'):
            result = work.lugger(command, 'job.lua', '--create')
            self.assertRegex(result.out + result.err, r'\d+(\.\d+)? [kMG]?B')
            self.assertRegex(result.out + result.err, r'(?i)forecast')

    def test_s0_01_a_warning_above_50_gb(self):
        work = self.work(1)
        with open(work.source, 'ab') as file:
            try:
                file.truncate(51 * 10**9)   # sparse: takes no room
            except OSError as error:
                harness.skip(f'no sparse files here: {error}')
        self.assertIn('50 GB', self.first_words(work))

    @staticmethod
    def first_words(work):
        process = work.start('run', 'job.lua', '--create')
        text, began = '', time.monotonic()
        while time.monotonic() - began < 30 and process.poll() is None and '50 GB' not in text:
            text += process.stderr.readline()
        process.kill()
        text += process.communicate()[1]
        return text

    def test_s0_02_stopped_at_a_limit_and_restarted(self):
        work = self.work(1000)
        self.assertEqual(work.run('--create', '--limit', 300).books()['read'], 300)
        self.assertEqual(work.database.number('select count(*) from docs'), 300)
        work.run()
        self.assertEqual(work.database.number('select count(*) from docs'), 1000)

    def test_s0_04_batches_rejects_summary(self):
        work = self.work(1000, columns="{ 'price', 'int4' }")
        result = work.run('--create', expect=3)
        self.assertRegex(result.err, r'read 1,000 = inserted 0 .* rejected 1,000')
        self.assertEqual(result.books()['rejected'], 1000)
        work.lugger('rejects', 'job.lua', '--export', 'rejects.jsonl')
        self.assertEqual(len((work.directory / 'rejects.jsonl').read_text().splitlines()), 1000)

    def test_s0_05_one_script_for_dump_directory_and_file(self):
        work = self.work(50)
        place = dump(work.directory, 'shop', {'docs': users(50)})
        for source in (work.source, place):
            database = self.server.fresh()
            result = work.lugger('run', 'job.lua', '--create', '--from', source, '--into', database.url)
            self.assertEqual(result.books()['inserted'], 50)

    def test_s0_26_batches_of_a_cursor(self):
        work = self.work(1200)
        work.script("""local lugger = require 'lugger'
          local sizes = {}
          local cursor = lugger.source(lugger.env.MONGO_URI,
            { collection = 'shop.docs' }):cursor { batch_rows = 500 }
          for batch in cursor:batches() do
            local count = 0
            for _ in batch:docs() do count = count + 1 end
            sizes[#sizes + 1] = count
          end
          print(table.concat(sizes, ' '))""")
        self.assertEqual(work.run().out.strip(), '500 500 200')

    def test_s0_28_nothing_to_install(self):
        result = lugger('--version', env={'PATH': '/nonexistent', 'LUA_PATH': '/nonexistent/?.lua'})
        self.assertRegex(result.out, r'\d+\.\d+\.\d+')

    def test_s0_29_places_from_environment_and_dotenv(self):
        work = self.work(10)
        work.run('--create')
        database = self.server.fresh()
        (work.directory / '.env').write_text(f'PG_URI={database.url}\nMONGO_URI={work.source}\n',
                                             encoding='utf-8')
        lugger('run', 'job.lua', '--create', cwd=work.directory)
        self.assertEqual(database.number('select count(*) from docs'), 10)

    def test_s0_29_passwords_are_never_printed(self):
        work = self.work(10)
        secret = 'hunter2-äß'
        url = (work.database.url.replace('postgresql:///', 'postgresql://postgres:hunter2-%C3%A4%C3%9F@/')
               + '&password=hunter2-%C3%A4%C3%9F')
        for words in (['plan', 'job.lua', '--create'], ['run', 'job.lua', '--create'], ['runs', 'job.lua'],
                      ['run', 'job.lua', '--into', 'postgresql://a:hunter2-x@nowhere.invalid/db']):
            result = work.lugger(*words, env={'PG_URI': url}, expect=None)
            self.assertNotIn('hunter2', result.out + result.err.replace(secret, 'hunter2'), words)
        ledger = work.database.query("select string_agg(r::text, '') from lugger.runs r")
        self.assertNotIn('hunter2', ledger)

    def test_s0_38_copy_merge_and_statement_write_the_same(self):
        sums = set()
        for options in ('', "writer = 'statement',"):
            work = self.work(500, target_options=options, conflict='update')
            work.database.query("create table docs (mongo_id text primary key, email text); "
                                "insert into docs values ('x', 'y')")
            work.run()
            sums.add(work.database.query("select md5(string_agg(d::text, ',' order by "
                                         "mongo_id)) from docs d"))
        self.assertEqual(len(sums), 1)

    def test_s0_41_progress_as_plain_lines_and_json(self):
        work = self.work(1000)
        events = [e for e in harness.json_lines(work.run('--create', '--log', 'json').err)]
        self.assertEqual([e['event'] for e in events if e['event'] != 'progress'], ['plan', 'end'])
        end = events[-1]
        self.assertEqual((end['read'], end['inserted'], end['balanced']), (1000, 1000, True))
        self.assertNotIn('\r', work.run().err)

    def test_s0_42_failures_have_a_status_and_a_way_on(self):
        work = self.work(100,
                         extra="unmapped = 'ignore', map = function(row) error('boom ' .. row.email) end,")
        result = work.run('--create', expect=1)
        self.assertIn('job.lua', result.err)
        self.assertIn('boom', result.err)
        self.assertEqual(work.lugger('run', 'missing.lua', expect=(1, 2)).out, '')

    def test_s0_43_run_with_environment(self):
        work = self.work(20)
        result = lugger('run', 'job.lua', '--create', cwd=work.directory, env=work.env)
        self.assertEqual(result.books()['inserted'], 20)

    def test_s1_12_binary_copy_and_merge(self):
        work = self.work(100)
        self.assertIn('direct', work.lugger('plan', 'job.lua', '--create').out)
        work.run('--create')
        self.assertIn('staged', work.lugger('plan', 'job.lua').out)

    def test_s1_08_memory_does_not_grow_with_the_data(self):
        if os.environ.get('LUGGER_SANITIZE'):
            harness.skip('sanitizers keep memory of their own')
        peaks = []
        for count in (20_000, 200_000):
            work = Work(self.server.fresh(), text=job("{ 'email', 'text' }", extra="unmapped = 'ignore',"))
            body = b''.join(bson.encode({'_id': ObjectId(f'{i:024x}'), 'email': f'u{i}@example.com',
                                         'pad': 'x' * 200}) for i in range(1000))
            work.source.write_bytes(body * (count // 1000))
            process = work.start('run', 'job.lua', '--create', '--dry-run', '-j', '2', '--log', 'none')
            peaks.append(self.peak(process))
        self.assertLess(peaks[1], 64 << 20)
        self.assertLess(peaks[1], peaks[0] + (16 << 20))

    @staticmethod
    def peak(process):
        most = 0
        while process.poll() is None:
            try:
                with open(f'/proc/{process.pid}/status', encoding='ascii') as file:
                    most = max([most,
                                *(int(line.split()[1]) << 10 for line in file if line.startswith('RssAnon'))])
            except OSError:
                pass
            time.sleep(0.005)
        _, err = process.communicate()
        assert process.returncode == 0, err
        return most

    def test_dry_run_and_preview_write_nothing(self):
        work = self.work(100)
        work.run('--create', '--dry-run')
        work.lugger('preview', 'job.lua', '--create')
        work.lugger('plan', 'job.lua', '--create')
        self.assertEqual(
            work.database.number("select count(*) from pg_class where relname in ('docs', 'runs')"), 0)

    def test_a_changed_script_is_refused_with_a_choice(self):
        # More than one unit, so that rows of the old script are committed when the hook fails.
        work = self.work(60_000,
                         extra="unmapped = 'ignore', map = function(row) if row.email == "
                               "'u59999@example.com' then error 'stop' end end,")
        work.run('--create', '-j', 1, expect=1)
        self.assertGreater(work.database.number('select count(*) from docs'), 0)
        work.script(job("{ 'email', 'text' }", extra="unmapped = 'ignore',"))
        result = work.run('--create', '-j', 1, expect=1)
        self.assertIn('the script has changed since it began; '
                      '`lugger run job.lua --create -j 1 --accept-changes` goes on where it stopped, '
                      '`lugger run job.lua --create -j 1 --restart` begins again', result.err)
        # Another script that makes the same job.
        work.script(job("{ 'email', 'text' }", extra="unmapped = 'ignore',"), 'other.lua')
        result = work.run(expect=1, script='other.lua')
        self.assertIn('an unfinished run that `lugger run job.lua --create -j 1` began, and its script or '
                      'options were not these; to go on with it, type that command; with this script '
                      '`lugger run other.lua --accept-changes` goes on where it stopped, '
                      '`lugger run other.lua --restart` begins again', result.err)
        work.run('--accept-changes')
        self.assertEqual(work.database.number('select count(*) from docs'), 60_000)

    def test_the_local_server(self):
        room = harness.scratch()
        os.chmod(room, os.stat(room).st_mode | stat.S_IXOTH | stat.S_IROTH)
        bson.write(f'{room}/docs.bson', users(10))
        harness.script(job("{ 'email', 'text' }", extra="unmapped = 'ignore',"), cwd=room)
        env = {'MONGO_URI': 'docs.bson', 'PG_URI': 'local:./pg'}
        self.assertEqual(lugger('run', 'job.lua', '--create', cwd=room, env=env).books()['inserted'], 10)
        shown = lugger('psql', 'local:./pg', '-XAtc', 'select count(*) from docs', cwd=room, env=env)
        self.assertEqual(shown.out.strip(), '10')


class Events(unittest.TestCase):
    """--log json: whatever stands on standard error is an event."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def events(self, result):
        return [json.loads(line) for line in result.err.splitlines()]

    def test_c17_warnings_and_errors_are_events(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'v': 'x', 'more': 1}, {'_id': 2, 'v': 'n/a'}],
                    job("{ 'v', 'int4', on_error = 'reject' }"))
        secret = work.database.url + ('&' if '?' in work.database.url else '?') + 'password=geheim'
        for words, status in ((('run', 'job.lua', '--create', '--log', 'json'), 3),
                              (('run', 'job.lua', '--log=json'), 3),
                              (('rejects', 'job.lua', '--retry', '--log', 'json'), 3),
                              (('run', 'job.lua', '--into', secret, '--log', 'json'), 3),
                              (('run', 'job.lua', '--into', 'postgresql://127.0.0.1:1/x?sslmode=disable',
                                '--log', 'json'), 1),
                              (('run', 'gone.lua', '--log', 'json'), 1),
                              (('run', 'job.lua', '--log', 'json', '--no-such-flag'), 2)):
            with self.subTest(words):
                result = work.lugger(*words, expect=status, env={'LUGGER_CONNECT_WAIT': '1'})
                told = self.events(result)
                self.assertTrue(all(event['event'] for event in told))
                self.assertNotIn('geheim', result.err)
                kinds = {event['event'] for event in told}
                if status == 3:
                    self.assertIn('end', kinds)
                else:
                    self.assertTrue(kinds & {'error', 'end'})
                if secret in words:
                    warned = next(event['message'] for event in told if event['event'] == 'warning')
                    self.assertIn('password', warned)
        plain = work.lugger('run', 'job.lua', expect=3)
        self.assertNotIn('{"', plain.err)

    def test_a_job_that_cannot_begin_ends_with_its_error(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'v': 'x'}], job("{ 'v', 'text' }"))
        result = work.lugger('run', 'job.lua', '--into', 'postgresql://127.0.0.1:1/x?sslmode=disable',
                             '--log', 'json', expect=1)
        end = self.events(result)[-1]
        self.assertEqual((end['event'], end['status'], end['error_code']), ('end', 'failed', 'connect'))
        self.assertIn('127.0.0.1', end['error'])
        self.assertEqual(end['unmet'], [])


if __name__ == '__main__':
    harness.main()
