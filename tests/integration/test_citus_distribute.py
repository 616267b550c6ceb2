"""Tables that lugger makes and distributes with Citus. LUGGER_TEST_CITUS is the URL of a coordinator."""
import datetime
import random
import re
import shutil
import subprocess

import bson
import harness
from citus import HOURS, Case
from harness import lua, lugger
from jobs import dump

MADE = ['docs|mongo_id', 'subs|parent_mongo_id', 'tags|parent_mongo_id']
DOCS = ('create table lugger_test.docs '
        '(id uuid, mongo_id text primary key, n int, tenant text, at timestamptz);')
TAGS = ('create table lugger_test.tags (parent_mongo_id text, ordinal int, tag text, '
        'primary key (parent_mongo_id, ordinal));')


class Distribute(Case):
    def setUp(self):
        super().setUp()
        self.documents()

    def documents(self, count=300, changed=lambda i: 0, more=()):
        bson.write(self.directory / 'docs.bson',
                   [self.document(i, changed(i)) for i in range(count)] + list(more))

    @staticmethod
    def document(i, more=0):
        return {'_id': f'k{i}', 'n': i + more, 'tenant': f't{i % 7}',
                'at': HOURS + datetime.timedelta(hours=i % 5000),
                'tags': [{'tag': 'a', 'subs': [{'x': 1}, {'x': i}]}, {'tag': 'b', 'subs': []}][:i % 3]}

    def job(self, conflict='update', distribute='mongo_id', key="'mongo_id'", extra='', children=True,
            n='int4'):
        tags = '''children = { { table = 'lugger_test.tags', from = 'tags[]', columns = { { 'tag', 'text' } },
                children = { { table = 'lugger_test.subs', from = 'subs[]',
                  columns = { { 'x', 'int4' } } } } } },'''
        newer = "newer = 'n'," if conflict == 'newer' else ''
        (self.directory / 'job.lua').write_text(f'''
            local lugger = require 'lugger'
            return lugger.copy {{
              from = lugger.source('docs.bson', {{ collection = 'shop.docs' }}),
              into = lugger.target({lua(self.database.url)}, {{
                table = 'lugger_test.docs', key = {key}, on_conflict = '{conflict}', {newer}
                distribute = {lua(distribute)}, state_schema = 'lugger_test_state' }}),
              columns = {{ {{ 'id', 'uuid', generate = 'v5' }}, {{ 'mongo_id', 'text', from = '_id' }},
                {{ 'n', {lua(n)} }}, {{ 'tenant', 'text' }}, {{ 'at', 'timestamptz' }} }},
              unmapped = 'ignore',
              {tags if children else ''} {extra} }}''')

    def run_job(self, *flags, expect=0):
        return self.lugger('run', 'job.lua', '--create', '--log', 'none', *flags, expect=expect).err

    def again(self, setup=''):
        self.clean()
        self.database.query('create schema lugger_test;' + setup)

    def relations(self):
        return self.database.query('select count(*) from pg_class '
                                   "where relnamespace = 'lugger_test'::regnamespace")

    def in_the_way(self):
        """Refused before anything is made or loaded."""
        before = self.relations()
        self.run_job(expect=1)
        told = self.lugger('plan', 'job.lua', '--create', expect=1).err
        self.assertEqual(told.count('problem: '), 1, told)
        self.assertEqual(self.relations(), before)
        return told

    def distribution(self):
        """Tables of ours and their columns; their shards lie side by side."""
        ours = ('from citus_tables where table_name in '
                "(select oid from pg_class where relnamespace = 'lugger_test'::regnamespace)")
        self.assertIn(self.database.query('select count(distinct colocation_id) ' + ours), ('0', '1'))
        found = self.database.query(f'select relname, distribution_column from (select * {ours}) t '
                                    'join pg_class c on c.oid = table_name order by 1')
        return found.split('\n') if found else []

    def names(self, sql):
        return self.database.query(sql + ' order by 1').split('\n')

    def foreign_keys(self, table):
        return self.database.number("select count(*) from pg_constraint where contype = 'f' "
                                    f"and conrelid = 'lugger_test.{table}'::regclass")

    def test_made_loaded_indexed_constrained(self):
        self.job(extra='''indexes = { { 'n' }, { 'mongo_id', 'n', unique = true } }, not_null = { 'at' },
            constraints = { { check = 'n >= 0' }, { unique = { 'mongo_id', 'tenant' } } },''')
        self.assertIn('inserted 300', self.run_job('-j', '2'))
        self.assertEqual(self.distribution(), MADE)
        self.assertEqual(self.names('''select conname from pg_constraint
                                       where connamespace = 'lugger_test'::regnamespace
                                         and convalidated'''), [
            'docs_check_1', 'docs_mongo_id_tenant_key', 'docs_pkey', 'subs_parent_fkey', 'subs_pkey',
            'tags_parent_fkey', 'tags_pkey'])
        self.assertEqual(self.names('''select relname from pg_index join pg_class on oid = indexrelid
                                       where indrelid = 'lugger_test.docs'::regclass and indisvalid'''), [
            'docs_mongo_id_n_idx', 'docs_mongo_id_tenant_key', 'docs_n_idx', 'docs_pkey'])
        self.assertEqual(
            self.database.query("select obj_description('lugger_test.docs'::regclass, 'pg_class')"), '')
        self.lugger('verify', 'job.lua')
        self.assertIn('clean', self.lugger('preflight', 'job.lua').out)

    def test_stages_later(self):
        self.job()
        self.run_job('--stage', 'load')
        self.job(extra='''indexes = { { 'n' }, { 'mongo_id', 'tenant', unique = true } },
            constraints = { { unique = { 'mongo_id', 'n' } } },''')
        self.lugger('run', 'job.lua', '--stage', 'index')
        self.lugger('run', 'job.lua', '--stage', 'constrain')
        self.assertEqual(self.database.number("select count(*) from pg_index where indisvalid "
                                              "and indrelid = 'lugger_test.docs'::regclass"),
                         4)
        self.assertEqual(self.foreign_keys('subs'), 1)

    def test_loaded_again(self):
        for policy, told in {'error': 'inserted 300', 'update': 'updated 0 + unchanged 300',
                             'skip': 'unchanged 270 + skipped 30',
                             'newer': 'updated 30 + unchanged 270'}.items():
            more = {'skip': 1, 'newer': 2}.get(policy, 0)
            self.documents(changed=lambda i, m=more: 0 if i % 10 else m)
            self.job(policy)
            self.assertIn(told, self.run_job('--restart'), policy)
        self.lugger('verify', 'job.lua')
        self.database.query('''delete from lugger_test.subs where parent_mongo_id = 'k8';
                               delete from lugger_test.tags where parent_mongo_id = 'k8';
                               delete from lugger_test.docs where mongo_id = 'k9';
                               update lugger_test.docs set n = -1 where mongo_id = 'k5' ''')
        self.lugger('verify', 'job.lua', expect=4)
        self.lugger('repair', 'job.lua', '--apply')
        self.lugger('verify', 'job.lua')
        self.assertEqual(self.distribution(), MADE)

    def test_keys_that_come_twice(self):
        self.documents(more=[self.document(i, 1000) for i in range(0, 300, 10)])
        self.job('error')
        self.assertIn('more than one document has the key', self.run_job(expect=1))
        for policy, more in {'skip': 0, 'update': 1000, 'newer': 1000}.items():
            with self.subTest(policy):
                self.again()
                self.job(policy)
                self.assertIn('60 rows with a key that came more than once were settled', self.run_job())
                self.assertEqual(self.database.number('select count(*) from lugger_test.docs'), 300)
                self.assertEqual(
                    self.database.number("select n from lugger_test.docs where mongo_id = 'k10'"), 10 + more)
                self.lugger('verify', 'job.lua')
                self.assertEqual(self.distribution(), MADE)

    def test_killed_and_resumed(self):
        """Whenever it is: there is no table, or all are distributed; and in the end every row is there,
        once."""
        self.documents(20000, more=[self.document(i, 1000) for i in range(0, 20000, 100)])
        self.job()
        chance, kills = random.Random(7), 0
        while True:
            process = harness.start('run', 'job.lua', '--create', '--log', 'none', '-j', '2',
                                    cwd=self.directory)
            try:
                process.communicate(timeout=chance.uniform(0.02, 0.8) if kills < 12 else 120)
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                kills += 1
                self.assertIn(self.distribution(), ([], MADE))
        self.assertEqual(process.returncode, 0)
        self.assertGreater(kills, 0)
        self.assertEqual(self.distribution(), MADE)
        self.lugger('verify', 'job.lua')

    def test_a_fix_and_its_undo(self):
        self.job()
        self.run_job()
        (self.directory / 'fix.lua').write_text(f'''
            local lugger = require 'lugger'
            return lugger.fix {{
              on = lugger.target({lua(self.database.url)}, {{ table = 'lugger_test.docs', key = 'mongo_id',
                distribute = 'mongo_id', state_schema = 'lugger_test_state' }}),
              where = 'n < 50', set = {{ 'n' }}, max_rows = 100,
              map = function(row) row.n = row.n + 1000 end }}''')
        self.lugger('run', 'fix.lua', '--apply', '--yes')
        self.assertEqual(self.database.number('select count(*) from lugger_test.docs where n >= 1000'), 50)
        run = self.database.query('select run from lugger_test_state.fixes')
        self.lugger('undo', run, 'fix.lua', '--yes')
        self.lugger('verify', 'job.lua')

    def test_a_key_of_several_columns(self):
        for policy, told in {'update': 'inserted 300', 'skip': 'unchanged 300'}.items():
            self.job(policy, distribute='tenant', key="{ 'mongo_id', 'tenant' }")
            self.assertIn(told, self.run_job('--restart'))
        self.assertEqual(self.distribution(), ['docs|tenant', 'subs|parent_tenant', 'tags|parent_tenant'])
        self.lugger('verify', 'job.lua')

    def test_names_that_bite(self):
        self.job(children=False, extra=r'''children = { { table = "lugger_test.\"o'dd", from = 'tags[]',
            parent = { "Par'ent \\\"" }, columns = { { 'tag', 'text' } } } },''')
        self.run_job()
        self.assertEqual(self.distribution(), ["\"o'dd|Par'ent \\\"", 'docs|mongo_id'])
        self.lugger('verify', 'job.lua')

    def test_routes(self):
        self.job(children=False, extra='''route = { from = 'tenant',
            tables = { t1 = 'lugger_test.one', t2 = 'lugger_test.two' },
            otherwise = 'lugger_test.docs' },''')
        self.run_job()
        self.assertEqual(self.distribution(), ['docs|mongo_id', 'one|mongo_id', 'two|mongo_id'])
        self.lugger('verify', 'job.lua')

    def test_a_table_that_stands_and_is_not_distributed(self):
        self.database.query(DOCS)
        self.job(children=False)
        self.assertIn('lugger_test.docs exists but is not distributed', self.in_the_way())
        result = self.lugger('preflight', 'job.lua')
        statement = '''SELECT create_distributed_table('"lugger_test"."docs"', 'mongo_id')'''
        self.assertIn(statement, result.out + result.err)
        self.database.query(statement)
        self.run_job()
        self.lugger('verify', 'job.lua')

    def test_what_stands_and_is_distributed_stays_and_the_rest_comes_beside_it(self):
        self.database.query(
            DOCS + "select create_distributed_table('lugger_test.docs', 'mongo_id', shard_count => 5)")
        self.job()
        self.run_job()
        self.assertEqual(self.distribution(), MADE)
        self.lugger('verify', 'job.lua')
        self.again(
            TAGS + "select create_distributed_table('lugger_test.tags', 'parent_mongo_id', shard_count => 3)")
        self.run_job()
        self.assertEqual(self.distribution(), MADE)

    def test_a_table_that_stands_otherwise(self):
        self.job('error', children=False, extra='''children = { { table = 'lugger_test.tags', from = 'tags[]',
            columns = { { 'tag', 'text' } } } },''')
        loose = DOCS.replace(' primary key', '')
        for setup, words in {
            f"{loose} select create_distributed_table('lugger_test.docs', 'tenant')":
                'is distributed by tenant, not by mongo_id',
            f"{DOCS} select create_reference_table('lugger_test.docs')": 'as a reference table of Citus',
            f'''{DOCS} {TAGS} select create_distributed_table('lugger_test.docs', 'mongo_id');
                select create_distributed_table('lugger_test.tags', 'parent_mongo_id',
                  colocate_with => 'none')''': 'do not lie side by side',
            'create view lugger_test.docs as select 1': 'is not a table that Citus could distribute',
        }.items():
            self.again(setup)
            told = self.lugger('plan', 'job.lua', '--create', expect=1).err
            self.assertIn(words, told)
            for statement in re.findall('SELECT alter_distributed_table.*', told):  # what is told helps
                self.database.query(statement)
                self.lugger('plan', 'job.lua', '--create')

    def test_steps_that_citus_refuses(self):
        """Told before the load, not when all rows are in."""
        self.database.query('''
            create table lugger_test.plain (tenant text primary key);
            create table lugger_test.known (tenant text primary key);
            create table lugger_test.other (mongo_id text primary key);
            select create_reference_table('lugger_test.known');
            select create_distributed_table('lugger_test.other', 'mongo_id');
            insert into lugger_test.known select 't' || i from generate_series(0, 6) i;
            insert into lugger_test.other select 'k' || i from generate_series(0, 299) i''')
        key = "constraints = {{ {{ foreign_key = '{}', references = 'lugger_test.{}' }} }},"
        for extra, words in {
            key.format('tenant', 'plain'): 'make lugger_test.plain a reference table',
            key.format('tenant', 'other'): 'Citus takes it only where the one column refers to the other',
            "indexes = { { 'n', unique = true } },": 'Citus keeps unique only what holds that column',
            "constraints = { { unique = 'n' } },": 'Citus keeps unique only what holds that column',
        }.items():
            self.job(extra=extra)
            self.assertIn(words, self.in_the_way())
        self.job(extra='''constraints = {
            { foreign_key = 'tenant', references = 'lugger_test.known' },
            { foreign_key = 'mongo_id', references = 'lugger_test.other' } },''')
        self.run_job()
        self.assertEqual(self.foreign_keys('docs'), 2)

    def test_rows_that_the_server_refuses(self):
        self.database.query('create domain lugger_test.small as int check (value < 250)')
        self.job(n='lugger_test.small')
        self.assertIn('inserted 250', self.run_job(expect=3))
        self.assertEqual(self.database.number('select count(*) from lugger_test.tags'), 249)

    def test_the_example_of_the_manual(self):
        page = (harness.ROOT / 'docs' / 'fleet.md').read_text(encoding='utf-8')
        script = page.split('```lua fragment\n-- orders.lua\n')[1].split('```')[0]
        script = script.replace("table = 'orders'",
                                "state_schema = 'lugger_test_state', table = 'lugger_test.orders'")
        script = script.replace("table = 'order_lines'", "table = 'lugger_test.order_lines'")
        (self.directory / 'orders.lua').write_text(script, encoding='utf-8')
        shutil.copytree(harness.ROOT / 'examples' / 'shop' / 'dump', self.directory / 'dump')
        lugger('run', 'orders.lua', '--create', cwd=self.directory, env={'PG_URI': self.database.url})
        self.assertEqual(self.distribution(), ['order_lines|parent_mongo_id', 'orders|mongo_id'])
        lugger('verify', 'orders.lua', cwd=self.directory, env={'PG_URI': self.database.url})

    def test_a_scaffold(self):
        users = [{'_id': bson.ObjectId(f'{n:024x}'), 'email': f'{n}@x', 'teams': [{'name': 'a'}] * (n % 3)}
                 for n in range(1, 50)]
        notes = [{'_id': bson.ObjectId(f'{1000 + n:024x}'), 'userId': bson.ObjectId(f'{n:024x}')}
                 for n in range(1, 40)]
        dump(self.directory, 'shop', {'users': users, 'notes': notes})
        self.lugger('scaffold', 'dump', '--out', 'migrate', '--schema', 'lugger_test',
                    '--distribute', 'mongo_id')
        for script in (self.directory / 'migrate').glob('*.lua'):
            script.write_text(script.read_text().replace(
                "distribute = 'mongo_id'", "distribute = 'mongo_id', state_schema = 'lugger_test_state'"))
        made = ['notes|mongo_id', 'user_teams|user_mongo_id', 'users|mongo_id']
        where = {'PG_URI': self.database.url}
        self.again()
        lugger('run', 'migrate/all.lua', '--create', cwd=self.directory, env=where)
        self.assertEqual(self.distribution(), made)
        lugger('verify', 'migrate/all.lua', cwd=self.directory, env=where)
        self.again()
        for name in ('schema.sql', 'indexes.sql', 'constraints.sql'):
            self.database.query((self.directory / 'migrate' / name).read_text())
        self.assertEqual(self.distribution(), made)
        lugger('run', 'migrate/all.lua', cwd=self.directory, env=where)
        lugger('verify', 'migrate/all.lua', cwd=self.directory, env=where)


if __name__ == '__main__':
    harness.main()
