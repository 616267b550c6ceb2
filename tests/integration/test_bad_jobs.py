"""Jobs that cannot work, rights that lack, servers that go away, names that bite: told once, clearly."""
import re
import signal
import subprocess
import time
import unittest

from bson import ObjectId
import harness
from harness import lua, lugger
from jobs import Work, dump, job
from postgres import Postgres

GOOD = [{'_id': i, 'v': i} for i in range(10)]
EVIL = '"; drop table users; --'
TABLE = 'create table docs (mongo_id text primary key, v int4)'


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def fails(self, text, *words, setup=None, flags=(), env=None, command='run', database=None):
        work = Work(database or self.server.fresh(), GOOD, text)
        if setup:
            work.database.query(setup)
        result = work.lugger(command, 'job.lua', *flags, expect=1, env=env)
        told = re.findall(r'^error: .*|^problem: .*', result.err + result.out, re.M)
        self.assertEqual(len(told), 1, result)
        for word in words:
            self.assertIn(word, told[0])
        return work


class Jobs(Case):
    def test_unknown_key(self):
        self.fails(job("{ 'v', 'int4' }", extra="on_conflcit = 'skip',"), '"on_conflcit"',
                   'did you mean on_conflict?')
        self.fails(job("{ 'v', 'int4' }", target_options="on_conflct = 'skip',"), '"on_conflct"',
                   'did you mean on_conflict?')
        self.fails(job("{ 'v', 'int4', requird = true }"), '"requird"', 'column v', 'did you mean required?')

    def test_missing_table(self):
        self.fails(job("{ 'v', 'int4' }"), 'table docs does not exist', '--create')

    def test_missing_column(self):
        self.fails(job("{ 'vv', 'int4' }"), 'table docs has no column vv', 'did you mean v?', setup=TABLE)

    def test_type_that_cannot_work(self):
        self.fails(job("{ 'v', 'timestamptz' }"), 'docs.v is integer', 'timestamptz', setup=TABLE)
        self.fails(job("{ 'v', 'integr' }"), '"integr" is not a column type', 'did you mean integer?')
        self.fails(job("{ 'v', 'mood' }"), 'docs.v: the database has no type mood', flags=('--create',))

    def test_a_field_that_would_not_be_read(self):
        for generate, said in (('v5', "generate = 'v5' reads the `_id`: from = 'slug' is not read"),
                               ('v7', "generate = 'v7' reads no field: from = 'slug' is not read")):
            self.fails(job(f"{{ 'id', 'uuid', generate = '{generate}', from = 'slug' }}"), said,
                       'column id', "{ 'id', 'uuid', from = 'slug' }", flags=('--create',))
        self.fails(job("{ 'w', 'text', value = 'x', from = 'slug' }"), "from = 'slug' is not read",
                   'column w', flags=('--create',))
        Work(self.server.fresh(), GOOD, job("{ 'id', 'uuid', generate = 'v5', from = '_id' }, "
                                            "{ 'v', 'int4' }")).run('--create')

    def test_hook_that_captures_a_connection(self):
        self.fails("local con = io.stdout\n" + job("{ 'v', 'int4' }",
                                                   extra='map = function(row) con:write(row.v) end,'),
                   'hook `map` captures `con`', 'worker threads', flags=('--create',))

    def test_hook_error(self):
        self.fails(job("{ 'v', 'int4' }", extra='map = function(row, doc) row.v = doc.nothing.deep end,'),
                   'job.lua:', "field 'nothing'", 'document $n:0', 'on_hook_error', flags=('--create',))

    def test_key_that_no_index_holds(self):
        self.fails(job("{ 'v', 'int4' }"), 'needs a unique index on docs (mongo_id)', 'CREATE UNIQUE INDEX',
                   setup='create table docs (mongo_id text, v int4)')

    def test_source_that_is_not_there(self):
        self.fails(job("{ 'v', 'int4' }", source='nosuch.bson'), 'nosuch.bson does not exist')

    def test_unset_variable(self):
        self.fails(job("{ 'v', 'int4' }"), 'PG_URI is not set', 'export PG_URI', env={'PG_URI': None})


class Servers(Case):
    def test_no_server_and_no_password_shown(self):
        self.fails(job("{ 'v', 'int4' }"), 'cannot connect',
                   env={'PG_URI': 'postgresql:///x?host=/nonexistent'})
        work = self.fails(job("{ 'v', 'int4' }"), 'cannot connect', 'u:***@',
                          env={'PG_URI': 'postgresql://u:s3cret@127.0.0.1:1/x'})
        self.assertNotIn('s3cret',
                         work.lugger('run', 'job.lua', env={'PG_URI': 'postgresql://u:s3cret@127.0.0.1:1/x'},
                                     expect=1).err)
        self.fails(job("{ 'v', 'int4' }"), 'database "nodb" does not exist', 'createdb',
                   env={'PG_URI': self.server.url('nodb')})

    def test_no_rights(self):
        database = self.server.fresh()
        database.query(TABLE + '; create role reader login; create role writer login; '
                               'grant select on docs to reader; grant all on docs to writer')
        for command in ('run', 'plan'):
            self.fails(job("{ 'v', 'int4' }"), 'permission denied', 'schema lugger', 'lugger state sql',
                       command=command, env={'PG_URI': self.server.url(database.name, 'writer')},
                       database=database)
        work = Work(database, GOOD, job("{ 'v', 'int4' }"))
        result = work.run(expect=1, env={'PG_URI': self.server.url(database.name, 'reader')})
        self.assertIn('permission denied: INSERT on docs', result.err)
        database.query(f'grant create on database "{database.name}" to writer')
        self.assertEqual(
            work.run(env={'PG_URI': self.server.url(database.name, 'writer')}).books()['inserted'], 10)

    def big(self):
        documents = [{'_id': ObjectId(f'{i:024x}'), 'pad': 'x' * 300} for i in range(150_000)]
        return Work(self.server.fresh(), documents, job("{ 'pad', 'text' }", conflict='error'))

    def wait_for(self, work, sql, seconds=30):
        for _ in range(seconds * 20):
            if work.database.query(sql, check=False) in ('t', '1'):
                return
            time.sleep(0.05)
        self.fail(f'never true: {sql}')

    def test_server_gone_and_back(self):
        server = self.server
        work = self.big()
        work.database.query('create table docs (mongo_id text primary key, pad text)')
        process = work.start('run', 'job.lua', '-j', '2')
        self.wait_for(work, "select count(*) > 0 from lugger.partitions")
        server.stop(signal.SIGQUIT)
        time.sleep(1)
        server.start()
        _, err = process.communicate(timeout=120)
        if process.returncode != 0:     # it met the server between two steps that are not tried again
            self.assertEqual(process.returncode, 1, err)
            self.assertIn('lugger run job.lua', err)
            work.run('-j', '2')
        self.assertEqual(work.database.query('select count(*), count(distinct mongo_id) from docs'),
                         '150000|150000')

    def test_the_same_job_twice(self):
        work = self.big()
        work.database.query('create table docs (mongo_id text primary key, pad text)')
        lock = subprocess.Popen(['psql', '-Xqd', work.database.url], stdin=subprocess.PIPE, text=True)
        try:
            lock.stdin.write('begin; lock table docs in share mode; select pg_sleep(60);\n')
            lock.stdin.flush()
            first = work.start('run', 'job.lua', '-j', '1')
            self.wait_for(work, "select count(*) = 1 from lugger.leases")
            second = work.run(expect=1)
            self.assertRegex(second.err, r'is already running \(.*pid \d+\); wait for it, or stop it')
            work.database.query("select pg_cancel_backend(pid) from pg_stat_activity "
                                "where query like '%pg_sleep%' and pid <> pg_backend_pid()")
        finally:
            lock.kill()
            lock.communicate()
        _, err = first.communicate(timeout=120)
        self.assertEqual(first.returncode, 0, err)
        self.assertEqual(work.database.number('select count(*) from docs'), 150_000)


class Names(Case):
    """Names that would end a statement, hide a line, or are PostgreSQL's own."""

    def test_hostile_names_in_a_dump(self):
        folder = dump(harness.scratch(), "sh'op$(x)", {
            EVIL: [{'_id': 1, EVIL: 1, "a'b": 2, '$c': 3, 'd"e': {'x;y': 1}, 'new\nline': 1, '': 1, '.': 2,
                    'a.b': 3, '*': 7, 'l[]': 8, 'x' * 70: 1, 'select': 1}],
            'a%2Fb': [{'_id': 1}],
            'users': [{'_id': 1, 'ctid': 1, 'xmin': 2, 'id': 3, 'mongo_id': 4, 'rest': 5, 'tableoid': 6}]})
        database = self.server.fresh()
        for expected in ('inserted', 'unchanged'):
            result = lugger('run', 'mongo_to_postgres', '--from', folder, '--into', database.url, '--create')
            books = harness.all_books(result.err)
            self.assertEqual([one[expected] for one in books.values()], [1, 1, 1], result)
        quoted = EVIL.replace('"', '""')
        self.assertEqual(database.query(f'select "{quoted}", "a\'b", "$c", "d""e", ".", "a.b", "*", "l[]", '
                                        f'"select" from "{quoted}"'),
                         '1|2|3|{"x;y": 1}|2|3|7|8|1')
        self.assertEqual(database.query('select mongo_id, ctid_, xmin_, id_, mongo_id_, rest_, '
                                        'tableoid_ from users'),
                         '$n:1|1|2|3|4|5|6')
        self.assertEqual(database.number('select count(*) from "a/b"'), 1)

    def test_hostile_names_in_a_job(self):
        table = f'docs{EVIL}'
        columns = f"{{ {lua(EVIL)}, 'int4', from = {lua(EVIL)} }}, {{ \"a'b\", 'text' }}"
        work = Work(self.server.fresh(),
                    [{'_id': EVIL, EVIL: 3, "a'b": "x'y\\"}, {'_id': 2, EVIL: "'); drop table users"}],
                    job(columns, table=table))
        work.run('--create', expect=3)
        quoted = table.replace('"', '""')
        self.assertEqual(work.database.rows(f'select * from "{quoted}"'), [[EVIL, '3', "x'y\\"]])
        work.run(expect=3)
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 1)

    def test_hostile_database_name(self):
        database = self.server.fresh(name=EVIL)
        work = Work(database, GOOD, job("{ 'v', 'int4' }"))
        self.assertEqual(work.run('--create').books()['inserted'], 10)


if __name__ == '__main__':
    harness.main()
