"""lugger verify: clean data is equal, and says so; what it is asked for, it does; what it cannot do,
it says."""
import json
import time
import unittest

import bson
from bson import ObjectId
import harness
from harness import DATA, lugger
from jobs import Work, dump, job
from postgres import Postgres
from verdicts import counts

TAGS = ("children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', "
        "from = '.' } } } }, unmapped = 'ignore',")


def oid(number):
    return ObjectId(f'{number:024x}')


def users(count):
    return [{'_id': oid(i), 'email': f'u{i}@example.com', 'n': i, 'tags': ['a', 'b', 'c'][:i % 4]}
            for i in range(count)]


class Verify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def loaded(self, documents=None, columns="{ 'email', 'text' }, { 'n', 'int4' }", extra=TAGS, expect=0,
               flags=(), **more):
        work = Work(self.server.fresh(), users(500) if documents is None else documents,
                    job(columns, extra=extra, **more))
        work.run('--create', '-j', '1', *flags, expect=expect)
        return work

    def verify(self, work, *flags, expect=0):
        return work.lugger('verify', 'job.lua', *flags, expect=expect)

    def test_s0_59_counts_missing_and_extra_apart(self):
        work = self.loaded()
        self.assertEqual(counts(self.verify(work))['docs'], {
            'source': 500, 'target': 500, 'equal': 500, 'missing': 0, 'extra': 0, 'different': 0})
        work.database.query("delete from docs where n in (3, 5); insert into docs (mongo_id, n) "
                            "values ('a', 1), ('b', 2), ('c', 3)")
        result = self.verify(work, expect=4)
        self.assertEqual(counts(result)['docs'], {
            'source': 500, 'target': 501, 'equal': 498, 'missing': 2, 'extra': 3, 'different': 0})
        self.assertIn(f'missing in docs: mongo_id={3:024x}', result.out)
        self.assertIn('extra in docs: mongo_id=a', result.out)

    def test_s0_61_values_not_presence(self):
        work = self.loaded()
        work.database.query("update docs set email = upper(email) where n = 7; "
                            "update tags set tag = 'z' where parent_mongo_id "
                            f"= '{7:024x}' and ordinal = 2")
        result = self.verify(work, expect=4)
        self.assertEqual({t: c['different'] for t, c in counts(result).items()}, {'docs': 1, 'tags': 1})
        self.assertRegex(result.out, r'email: source u7@example.com\n\s+target U7@EXAMPLE.COM')
        self.assertRegex(result.out,
                         r'different in tags: parent_mongo_id=0+7, ordinal=2\n\s+tag: source b\n\s+target z')

    def test_s0_10_nested_and_child_rows_round_trip(self):
        documents = [{'_id': oid(i), 'deep': {'b': [1, {'x': None}], 'a': 1.5},
                      'lines': [{'sku': f's{i}', 'parts': [1, 2]}] * (i % 3)} for i in range(60)]
        extra = """children = { { table = 'lines', from = 'lines[]', columns = { { 'sku', 'text' } },
          children = { { table = 'parts', from = 'parts[]',
            columns = { { 'part', 'int4', from = '.' } } } } } },"""
        work = self.loaded(documents, columns="{ 'deep', 'jsonb' }", extra=extra)
        self.assertEqual({t: c['equal'] for t, c in counts(self.verify(work)).items()},
                         {'docs': 60, 'lines': 60, 'parts': 120})
        work.database.query('delete from parts where part = 2 and ordinal_1 = 2')
        self.assertEqual(counts(self.verify(work, expect=4))['parts']['missing'], 20)

    def test_s0_71_json_null_is_not_null_nor_text(self):
        work = self.loaded([{'_id': oid(1), 'v': None}, {'_id': oid(2)}],
                           columns="{ 'v', 'jsonb', json_null = true }", extra='')
        self.verify(work)
        for wrong in ("null", "'\"null\"'", "'{}'"):
            work.database.query(f"update docs set v = {wrong} where mongo_id = '{1:024x}'")
            self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], 1, wrong)
        work.database.query(f"update docs set v = 'null' where mongo_id = '{1:024x}'")
        self.verify(work)

    def test_progress_counts_the_documents_of_one_pass(self):
        work = self.loaded()
        work.database.query("update docs set n = -1 where n % 100 = 0")
        text = (work.directory / 'job.lua').read_text(encoding='utf-8')
        work.script(text.replace('return lugger.copy', 'local made = lugger.copy') + """
local running = require('lugger.native').verify(made:handle(), {})
while not running:ended() do running:poll(100) end
local last = running:poll(0)
assert(not running:result().equal)
print(tonumber(last.documents) <= 500, tonumber(last.rows) <= 2000, tonumber(last.documents) > 0)
""", 'watch.lua')
        self.assertEqual(work.lugger('--lua', 'watch.lua').out.split(), ['true'] * 3)

    def test_s0_63_one_verdict_signed(self):
        work = self.loaded()
        home = {'HOME': str(work.directory)}
        unsigned = work.lugger('verify', 'job.lua', '--verdict', 'v.json', env=home)
        self.assertIn('not signed', unsigned.err)
        key = work.lugger('verdict', 'key', env=home).out.strip()
        self.assertIn('there is a key already', work.lugger('verdict', 'key', env=home, expect=1).err)
        work.lugger('verify', 'job.lua', '--verdict', 'v.json', env=home)
        file = work.directory / 'v.json'
        content = json.loads(file.read_text())
        found = content['jobs'][0]
        self.assertEqual((content['format'], content['equal'], found['tables'][0]['equal']),
                         ('lugger-verdict/1', True, 500))
        for name in ('run', 'script_hash', 'mapping_hash', 'source_identity', 'target_identity', 'server',
                     'position', 'finished'):
            self.assertTrue(found[name], name)
        self.assertEqual(found['tables'][0]['source_digest'], found['tables'][0]['target_digest'])
        work.lugger('verdict', 'check', 'v.json', '--key', key)
        work.lugger('verdict', 'check', 'v.json', env=home)
        file.write_text(file.read_text().replace('"missing":0', '"missing":1', 1))
        self.assertIn('changed', work.lugger('verdict', 'check', 'v.json', env=home, expect=4).out)
        secret = work.directory / '.config/lugger/verdict.key'
        secret.chmod(0o640)
        self.assertIn('chmod 600',
                      work.lugger('verify', 'job.lua', '--verdict', 'v.json', env=home, expect=1).err)

    def test_s0_25_a_window_is_closed_and_recorded(self):
        documents = [{'_id': ObjectId(f'{0x60000000 + i * 3600:08x}{i:016x}'), 'n': i} for i in range(100)]
        work = self.loaded(documents, columns="{ 'n', 'int4' }", extra='')
        work.database.query('update docs set n = n + 1000 where n in (10, 90)')
        result = self.verify(work, '--since', '2021-01-16T00:00:00Z', '--verdict', 'v.json', expect=4)
        found = json.loads((work.directory / 'v.json').read_text())['jobs'][0]
        self.assertEqual((found['tables'][0]['different'], found['looked_for_extra']), (1, False))
        self.assertIn('made at or after 2021-01-16', found['window'])
        self.assertIn('window: ', result.err)
        self.assertIn('2021-01-16',
                      work.lugger('status', work.lugger('runs', 'job.lua').out.split('\n')[1].split()[0],
                                  'job.lua').out)

    def test_since_by_a_field(self):
        documents = [{'_id': oid(i), 'n': i, 'at': bson.Date(1700000000000 + i * 1000)} for i in range(50)]
        work = self.loaded(documents, columns="{ 'n', 'int4' }", extra="unmapped = 'ignore',")
        work.database.query('update docs set n = n + 1000 where n in (1, 40)')
        result = self.verify(work, '--since', 'at=2023-11-14T22:13:30Z', expect=4)
        self.assertEqual(counts(result)['docs'], {
            'source': 40, 'target': 40, 'equal': 39, 'missing': 0, 'extra': '-', 'different': 1})
        self.assertIn('since: cannot read "soon"', self.verify(work, '--since', 'soon', expect=1).err)

    def test_where_looks_at_rows_of_the_target(self):
        work = self.loaded()
        work.database.query("update docs set email = 'x' where n in (1, 2); "
                            "insert into docs (mongo_id, n) values ('zz', 1); "
                            'delete from docs where n = 400')
        found = counts(self.verify(work, '--where', 'n < 2 or n > 497', expect=4))
        self.assertEqual(found['docs'],
                         {'source': 4, 'target': 5, 'equal': 3, 'missing': '-', 'extra': 1, 'different': 1})
        self.assertEqual(found['tags']['equal'], 0 + 1 + 2 + 3)
        self.assertIn('does not exist', self.verify(work, '--where', 'nope = 1', expect=1).err)

    def test_columns_narrow_what_is_compared(self):
        work = self.loaded()
        work.database.query("update docs set email = 'x' where n = 1")
        self.verify(work, '--columns', 'n,tag')
        self.verify(work, '--columns', 'email', expect=4)
        self.assertIn('did you mean email', self.verify(work, '--columns', 'emial', expect=1).err)

    def test_a_sample_says_what_it_proves(self):
        work = self.loaded(users(2000))
        first = self.verify(work, '--sample', '300', '--seed', '5')
        self.assertEqual(counts(first), counts(self.verify(work, '--sample', '300', '--seed', '5')))
        self.assertRegex(first.err,
                         r'\d+ of 2,000 rows equal: with 99 % confidence fewer than [\d.]+ % of all '
                         r'differ \(seed 5\)')
        looked_at = counts(first)['docs']['equal']
        self.assertTrue(200 < looked_at < 400, looked_at)
        work.database.query("update docs set email = 'x'")
        self.assertIn('are wrong', self.verify(work, '--sample', '0.9', expect=4).err)

    def test_unmapped_skipped_and_rejected_are_told(self):
        documents = [{'_id': oid(i), 'n': i if i % 7 else 'n/a', 'other': 1} for i in range(70)]
        work = self.loaded(
            documents, columns="{ 'n', 'int4' }", expect=3,
            extra="map = function(row, doc) if doc.n == 3 then return require 'lugger'.skip 'three' end end,")
        result = self.verify(work)
        self.assertIn('three (1)', result.err)
        self.assertIn('bad_value (10)', result.err)
        self.assertIn('docs: equal but for 10 rejected documents, 59 rows compared', result.out)
        self.assertIn('see the rejects with: lugger rejects job.lua', result.err)
        self.assertIn('equal but for 10 rejects', work.lugger('status').out)
        self.assertRegex(result.err, r'no column takes it: other \(\d+\)')
        work.database.query(f"insert into docs (mongo_id, n) values ('{7:024x}', 7)")
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)

    def test_where_all_was_rejected_nothing_is_called_equal(self):
        documents = [{'_id': oid(i), 'n': 'n/a'} for i in range(12)]
        work = self.loaded(documents, columns="{ 'n', 'int4' }", expect=3, extra='')
        result = self.verify(work, expect=4)
        self.assertIn('docs: NOT equal: no row was compared, as 12 documents were rejected', result.out)
        self.assertIn('see the rejects with: lugger rejects job.lua', result.err)
        self.assertNotIn('lugger repair', result.err)
        found = json.loads(self.verify(work, '--json', '--verdict', 'verdict.json', expect=4).out)[0]
        self.assertEqual((found['equal'], found['rejected']), (False, 12))
        kept = json.loads((work.directory / 'verdict.json').read_text(encoding='utf-8'))
        self.assertEqual((kept['equal'], kept['jobs'][0]['reasons']), (False, found['reasons']))
        self.assertIn('not equal; no row was compared', work.lugger('status').out)
        work.lugger('repair', 'job.lua', expect=4)

    def test_where_the_server_refused_all_nothing_is_called_equal(self):
        work = Work(self.server.fresh(), users(1), job("{ 'n', 'int4' }", extra="unmapped = 'ignore',"))
        work.database.query('create table docs (mongo_id text primary key, n int check (n > 7))')
        work.run(expect=3)
        self.assertIn('no row was compared, as 1 document was rejected', self.verify(work, expect=4).out)

    def test_hook_and_now_are_those_of_the_run(self):
        extra = (
            """map = function(row) row.email = row.email:upper();
                row.at = require 'lugger'.now() end, unmapped = 'ignore',""")
        work = self.loaded(columns="{ 'email', 'text' }, { 'at', 'timestamptz' }", extra=extra)
        self.assertEqual(counts(self.verify(work))['docs']['equal'], 500)

    def test_rows_the_server_refused_are_not_missing(self):
        work = Work(self.server.fresh(), users(50), job("{ 'n', 'int4' }", extra="unmapped = 'ignore',"))
        work.database.query('create table docs (mongo_id text primary key, n int check (n not in (7, 8)))')
        work.run(expect=3)
        self.assertIn('among the rejects: 2 documents', self.verify(work).err)
        # A reject that was loaded since is none.
        work.database.query('alter table docs drop constraint docs_n_check; '
                            f"insert into docs values ('{7:024x}', 7)")
        result = self.verify(work)
        self.assertIn('among the rejects: 1 document', result.err)
        self.assertIn('docs: equal but for 1 rejected document, 49 rows', result.out)

    def test_duplicates_in_the_dump_are_no_false_alarm(self):
        documents = [{'_id': oid(i % 90), 'email': f'v{i}', 'n': i, 'tags': ['t'] * (i % 3)}
                     for i in range(100)]
        for conflict, more in (('skip', ''), ('update', ''), ('newer', "newer = 'n',")):
            with self.subTest(conflict):
                work = self.loaded(documents, conflict=conflict, target_options=more)
                result = self.verify(work)
                self.assertEqual(counts(result)['docs']['equal'], 90)
                self.assertIn('10 source rows had the key of another one', result.err)
                work.database.query(f"update docs set email = 'x' where mongo_id = '{5:024x}'")
                self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], 1)

    def test_routes_and_several_rows_a_document(self):
        documents = [{'_id': oid(i), 'kind': 'ab'[i % 2], 'n': i} for i in range(40)]
        route = "route = { from = 'kind', tables = { a = 'docs_a', b = 'docs_b' } }, unmapped = 'ignore',"
        work = self.loaded(documents, columns="{ 'n', 'int4' }", extra=route)
        self.assertEqual({t: c['equal'] for t, c in counts(self.verify(work)).items()},
                         {'docs_a': 20, 'docs_b': 20})
        work.database.query('insert into docs_a select * from docs_b where n = 3; '
                            'delete from docs_b where n = 3')
        found = counts(self.verify(work, expect=4))
        self.assertEqual((found['docs_a']['extra'], found['docs_b']['missing']), (1, 1))

    def test_a_table_without_a_key_is_a_multiset(self):
        documents = [{'_id': oid(i), 'n': i // 2} for i in range(40)]
        work = Work(self.server.fresh(), documents, job("{ 'n', 'int4' }", key=None, extra="").replace(
            "{ 'mongo_id', 'text', from = '_id' }, ", ''))
        work.script(work.directory.joinpath('job.lua').read_text().replace(
                        "columns = {", "unmapped = 'ignore', columns = {"))
        work.run('--create')
        self.verify(work)
        work.database.query('delete from docs where ctid = (select min(ctid) from docs where n = 3); '
                            'insert into docs values (4)')
        found = counts(self.verify(work, expect=4))['docs']
        self.assertEqual((found['missing'], found['extra'], found['different'], found['equal']),
                         (1, 1, 0, 39))

    def test_every_fixture_is_equal_after_its_load(self):
        for place in ('named/dump', 'random/dump', 'random-v1/dump', 'mongo/users.canonical.json',
                      'mongo/types.relaxed.json', 'mongo/ids.canonical-array.json', 'named/shop.archive.gz'):
            with self.subTest(place):
                database = self.server.fresh()
                words = ['mongo_to_postgres', '--from', DATA / place, '--into', database.url]
                lugger('run', *words, '--create', expect=(0, 3))
                result = lugger('verify', *words, expect=0)
                self.assertNotIn('NOT equal', result.out)
                lugger('verify', *words, '-j', '1', '-q')

    def test_flags_of_the_script_win_behind_it(self):
        work = self.loaded(extra=TAGS, flags=())
        text = (work.directory / 'job.lua').read_text().replace("return lugger.copy", """
          local opt = lugger.options { since = { 'x', default = '1' }, where = { 'x', default = '' } }
          assert(opt.since == '7' or opt.since == '1', opt.since)
          return lugger.copy""")
        work.script(text)
        self.verify(work, '--since', '7')
        self.assertIn('made at or after', work.lugger('verify', '--since', '1960-01-01', 'job.lua').err)

    def test_s0_61_many_differences_are_compared_in_groups(self):
        work = self.loaded(users(3000))
        work.database.query("update docs set email = 'x' where n % 3 = 0; delete from docs where n % 5 = 0; "
                            "update tags set tag = 'z'")
        whole = counts(self.verify(work, expect=4))
        job_text = (work.directory / 'job.lua').read_text()
        work.script(job_text.replace('return lugger.copy', 'local made = lugger.copy') + """
          for _, one in ipairs(made:verify { group_rows = 700, limit_shown = 0 }.tables) do
            print(one.table, one.source, one.target, one.equal, one.missing, one.extra, one.different)
          end
          return {}""", 'own.lua')
        rows = [line.split('\t') for line in work.run(script='own.lua').out.splitlines()]
        self.assertEqual({row[0]: [int(cell) for cell in row[1:]] for row in rows},
                         {table: list(numbers.values()) for table, numbers in whole.items()})
        self.assertEqual(whole['docs']['different'], 800)

    def test_n_01_a_row_that_is_being_written_settles(self):
        hook = """map = function(row)
            if row.n == 0 then
              io.open('started', 'w'):close()
              while not io.open('go') do end
            end
          end, unmapped = 'ignore',"""
        work = self.loaded(extra="unmapped = 'ignore',")
        work.script((work.directory / 'job.lua').read_text().replace("unmapped = 'ignore',", hook))
        work.database.query("update docs set email = 'half way' where n in (3, 4, 5); "
                            "delete from docs where n = 6; "
                            "insert into docs (mongo_id, n) values ('passing', 1)")
        process = work.start('verify', 'job.lua')
        while not (work.directory / 'started').exists() and process.poll() is None:
            time.sleep(0.01)
        work.database.query("update docs set email = 'u' || n || '@example.com' where n in (3, 4); "
                            "delete from docs where n = 1 and "
                            "mongo_id = 'passing'; insert into docs "
                            f"values ('{6:024x}', 'u6@example.com', 6)")
        (work.directory / 'go').touch()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 4, err)
        self.assertIn('NOT equal: 1 different', out)
        self.assertIn('4 rows differed at first and settled', err)

    def test_what_changed_since_the_run_is_said(self):
        work = self.loaded()
        self.assertNotIn('warning', self.verify(work).err)
        work.script((work.directory / 'job.lua').read_text() + '-- changed')
        self.assertIn('the script changed since', self.verify(work).err)
        work.database.query("update lugger.runs set status = 'failed' where job not like "
                            "'%(%'; update lugger.partitions set done = false")
        self.assertIn('the load is not finished', self.verify(work, expect=4).err)
        work.documents(users(501))
        self.assertIn('the source changed since', self.verify(work, expect=4).err)

    def test_partitioned_tables_and_odd_names(self):
        work = Work(self.server.fresh(), users(200),
                    job("{ 'n', 'int4' }", table='odd schema.doc"s', extra="unmapped = 'ignore',"))
        work.database.query('create schema "odd schema"; create table "odd schema"."doc""s" '
                            '(mongo_id text, n int, primary key (mongo_id, n)) '
                            'partition by range (n); create table p1 partition of "odd schema"."doc""s" for '
                            'values from (0) to (100); '
                            'create table p2 partition of "odd schema"."doc""s" default')
        work.script((work.directory / 'job.lua').read_text().replace(
                        "key = 'mongo_id'",
                        "key = { 'mongo_id', 'n' }").replace('key = "mongo_id"', "key = { 'mongo_id', 'n' }"))
        work.run()
        self.assertIn('equal, 200 rows', self.verify(work).out)
        work.database.query('update p1 set n = 99 where n = 98')
        self.assertIn('1 missing, 1 extra', self.verify(work, expect=4).out)

    def test_stdin_and_tasks_are_told(self):
        work = self.loaded()
        work.script("""local lugger = require 'lugger'
          return lugger.task('t', function() end)""", 'task.lua')
        self.assertIn('is a task', work.lugger('verify', 'task.lua', expect=1).err)
        self.assertIn('is a task', work.lugger('repair', 'task.lua', expect=1).err)
        self.assertIn('has no job "x"', self.verify(work, '--job', 'x', expect=1).err)
        self.assertIn('a number of rows', self.verify(work, '--sample=-1', expect=1).err)

    def test_values_that_on_error_replaced_are_counted(self):
        work = Work(self.server.fresh(), [{'_id': oid(i), 'n': 'bad' if i < 3 else i} for i in range(9)],
                    job("{ 'n', 'int4', on_error = 'null' }", extra="unmapped = 'ignore',"))
        work.run('--create')
        self.assertIn('as on_error says: docs.n (3)', self.verify(work).err)
        self.assertEqual(json.loads(self.verify(work, '--json').out)[0]['replaced'], {'docs.n': 3})

    def test_json_for_machines(self):
        work = self.loaded()
        work.database.query('update docs set email = null where n = 1')
        found = json.loads(self.verify(work, '--json', expect=4).out)
        self.assertEqual(found[0]['rows'][0]['columns'], [{'column': 'email', 'source': 'u1@example.com'}])
        self.assertEqual(self.verify(work, '-q', expect=4).out, '')

    def test_scripts_verify_their_jobs(self):
        work = self.loaded()
        job_text = (work.directory / 'job.lua').read_text()
        work.script(job_text.replace('return lugger.copy', 'local made = lugger.copy') + """
          local verdict = made:verify { columns = 'n' }
          print(verdict.equal, verdict.tables[1].equal, verdict.tables[1].table)
          print(pcall(made.verify, made, { colums = 'n' }))
          return {}""", 'own.lua')
        out = work.run(script='own.lua').out
        self.assertIn('true\t500\tdocs', out)
        self.assertIn('did you mean columns', out)


if __name__ == '__main__':
    harness.main()
