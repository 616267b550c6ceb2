"""Places that are awkward: hostile names, other encodings, missing rights, PostgreSQL as a source,
files as a target."""
import gzip
import json
import unittest

from bson import Date, Decimal128, Int64, ObjectId
import harness
from harness import lua
from jobs import Work, dump, job
from postgres import Database, Postgres

HOSTILE = '"; drop table users; --'


class Targets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_hostile_names(self):
        for name in (HOSTILE, "o'brien", 'Ünï "q"', 'select', 'a.b', '$x'):
            with self.subTest(name):
                database = self.server.fresh(options="template template0")
                database.query('create table users (keep int)')
                quoted = '"' + name.replace('"', '""') + '"'
                work = Work(database, [{'_id': 1, name: 'x'}],
                            job(f"{{ {lua(name)}, 'text', from = {lua(name.replace('.', chr(92) + '.'))} }}",
                                table=name if name != 'a.b' else 'public.a.b', extra="unmapped = 'ignore',"))
                work.run('--create')
                self.assertEqual(database.query(f'select {quoted} from {quoted}'), 'x')
                self.assertEqual(database.number("select count(*) from information_schema.tables "
                                                 "where table_name = 'users'"),
                                 1)

    def test_hostile_database_and_collection(self):
        database = self.server.fresh(name='x"; drop table users; --')
        place = dump(harness.scratch(), 'shop', {"c'; drop table x; --": [{'_id': 1, HOSTILE: 2}]})
        result = harness.lugger('run', 'mongo_to_postgres', '--from', place, '--into', database.url,
                                '--create')
        self.assertEqual(result.books()['inserted'], 1)
        self.assertEqual(database.number("select count(*) from information_schema.columns "
                                         "where table_schema = 'public' and "
                                         "column_name like '%drop table users%'"),
                         1)

    def test_databases_that_are_not_utf8_are_told_by_plan(self):
        database = self.server.fresh(options="template template0 encoding 'SQL_ASCII' lc_collate "
                                             "'C' lc_ctype 'C'")
        work = Work(database, [{'_id': 1, 'v': 'é'}], job("{ 'v', 'text' }"))
        result = work.lugger('plan', 'job.lua', '--create', expect=None)
        self.assertIn('SQL_ASCII', result.out + result.err)

    def test_latin1_keeps_what_it_can(self):
        database = self.server.fresh(options="template template0 encoding 'LATIN1' lc_collate "
                                             "'C' lc_ctype 'C'")
        work = Work(database, [{'_id': 1, 'v': 'é'}, {'_id': 2, 'v': '日'}], job("{ 'v', 'text' }"))
        result = work.run('--create', expect=3)
        self.assertIn('LATIN1', result.err)
        self.assertEqual(database.query("select encode(convert_to(v, 'UTF8'), 'hex') from docs"), 'c3a9')

    def test_c2_a_reject_that_the_encoding_cannot_hold_is_kept_in_ascii(self):
        database = self.server.fresh(options="template template0 encoding 'LATIN1' lc_collate "
                                             "'C' lc_ctype 'C'")
        documents = [{'_id': 'é', 'v': 'x'}, {'_id': 'a€', 'v': 'x'}, {'_id': 'b', 'v': '😀'},
                     {'_id': 'c', 'v': 1}]
        work = Work(database, documents,
                    job("{ 'v', 'text' }",
                        extra="map = function(row) if row.v == 'x' then return "
                              "lugger.reject('no €') end end"))
        self.assertEqual(work.run('--create', expect=3).books()['rejected'], 3)
        kept = {json.loads(line)['document']['_id']
                for line in work.lugger('rejects', 'job.lua', '--export', '-').out.splitlines()}
        self.assertEqual(kept, {'é', 'a€', 'b'}, 'the documents themselves are kept as bytes')
        self.assertIn('a\\u20ac', database.query('select document_id from lugger.rejects'))
        self.assertEqual(database.query("select document ->> 'v' from lugger.rejects where document_id = 'b'",
                                        check=False) or 'x',
                         'x')
        # Retried as they were: what the encoding holds is loaded.
        work.script(job("{ 'v', 'text' }"))
        self.assertEqual(work.lugger('rejects', 'job.lua', '--retry', expect=3).books()['inserted'], 1)

    def test_json_that_is_no_json_is_read_and_told(self):
        database = self.server.fresh()
        text = job("{ 'v', 'float8', non_finite = 'keep' }", collection=None)
        work = Work(database, text=text, source='docs.json')
        work.source.write_text('{"_id": ObjectId("64f1c0000000000000000001"), "v": NaN}\n'
                               '{"_id": 2, "v": 1.5}\n',
                               encoding='utf-8')
        result = work.run('--create')
        self.assertEqual(result.books()['inserted'], 2)
        self.assertIn('1 documents were not standard JSON', result.err)
        self.assertEqual(database.query('select mongo_id, v from docs order by v'),
                         '$n:2|1.5\n64f1c0000000000000000001|NaN')

    def test_read_only_role(self):
        database = self.server.fresh()
        database.query('create table docs (mongo_id text primary key, v text); create role reader login; '
                       'grant select on docs to reader')
        reader = Database(self.server, database.name, 'reader')
        work = Work(reader, [{'_id': 1, 'v': 'x'}], job("{ 'v', 'text' }"))
        plan = work.lugger('plan', 'job.lua', expect=None)
        self.assertRegex(plan.out + plan.err, r'(?i)insert|right|permission|privilege')
        result = work.run(expect=1)
        self.assertRegex(result.err, r'(?i)right|permission|privilege|grant')
        self.assertEqual(database.number('select count(*) from docs'), 0)

    def test_missing_table_and_column_are_told_with_what_to_do(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'v': 'x'}], job("{ 'v', 'text' }"))
        self.assertIn('--create', work.run(expect=1).err)
        work.database.query('create table docs (mongo_id text primary key)')
        result = work.run(expect=1)
        self.assertRegex(result.err, r'\bv\b')

    def test_types_without_an_encoder_of_ours(self):
        database = self.server.fresh()
        database.query("""create domain positive as int check (value > 0);
          create type mood as enum ('sad', 'happy');
          create table docs (mongo_id text primary key, p positive, m mood, a inet, r int4range,
            t tsvector)""")
        work = Work(database,
                    [{'_id': 1, 'p': 5, 'm': 'happy', 'a': '10.0.0.1', 'r': '[1,5)', 't': 'a fat cat'},
                     {'_id': 2, 'p': -1}, {'_id': 3, 'm': 'angry'}],
                    job("{ 'p', 'positive' }, { 'm', 'mood' }, { 'a', 'inet' }, { 'r', 'int4range' }, "
                        "{ 't', 'tsvector' }"))
        result = work.run(expect=3)
        self.assertEqual((result.books()['inserted'], result.books()['rejected']), (1, 2))
        self.assertEqual(database.query('select p, m, a, r, t from docs'),
                         "5|happy|10.0.0.1|[1,5)|'a' 'cat' 'fat'")

    def test_generated_and_identity_columns(self):
        database = self.server.fresh()
        database.query("""create table docs (id int generated always as identity, mongo_id text primary key,
          v text,
          shout text generated always as (upper(v)) stored)""")
        Work(database, [{'_id': 1, 'v': 'x'}], job("{ 'v', 'text' }")).run()
        self.assertEqual(database.query('select id, shout from docs'), '1|X')

    def test_triggers_are_honoured(self):
        database = self.server.fresh()
        database.query("""create table docs (mongo_id text primary key, v text); create table log (v text);
          create function note() returns trigger language plpgsql
            as 'begin insert into log values (new.v); return new; end';
          create trigger t before insert on docs for each row execute function note()""")
        Work(database, [{'_id': i, 'v': 'x'} for i in range(10)], job("{ 'v', 'text' }")).run()
        self.assertEqual(database.number('select count(*) from log'), 10)

    def test_statement_writer(self):
        database = self.server.fresh()
        work = Work(database, [{'_id': i, 'v': f'v{i}'} for i in range(1000)],
                    job("{ 'v', 'text' }", target_options="writer = 'statement',"))
        self.assertEqual(work.run('--create').books()['inserted'], 1000)
        self.assertEqual(database.number('select count(*) from docs'), 1000)

    def test_indexes_and_constraints_after_the_load(self):
        database = self.server.fresh()
        extra = """
          indexes = { { 'v', unique = true }, { columns = { '(lower(v))' }, where = 'n > 3' } },
          constraints = { { name = 'sane', sql = 'check (n >= 0)' } },"""
        work = Work(database, [{'_id': i, 'v': f'v{i}', 'n': i} for i in range(10)],
                    job("{ 'v', 'text' }, { 'n', 'int4' }", extra=extra))
        work.run('--create')
        self.assertEqual(database.number("select count(*) from pg_indexes where tablename = 'docs'"), 3)
        self.assertEqual(database.query("select convalidated from pg_constraint where conname = 'sane'"), 't')


class Sources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    DDL = """create table original (id int primary key, b bool, i2 int2, i8 int8, f8 float8, n numeric,
      t text, y bytea, u uuid, d date,
      ts timestamptz, j jsonb, a int4[], ta text[]);
      insert into original select i, i % 2 = 0, i, i::int8 * 10000000000, i / 3.0, i / 7.0, 'text ' || i,
      decode(md5(i::text), 'hex'),
        md5(i::text)::uuid, date '2000-01-01' + i, timestamptz '2000-01-01 00:00Z' + i * interval '1 hour',
        jsonb_build_object('i', i, 'n', null),
        array[i, i + 1, null], array['a', 'b"c', null] from generate_series(1, 2000) i;
      insert into original (id) values (0);"""

    def test_s2_14_a_table_copied_to_itself_is_equal(self):
        database = self.server.fresh()
        database.query(self.DDL)
        names = "id b i2 i8 f8 n t y u d ts j a ta".split()
        kinds = (
            'int4 bool int2 int8 float8 numeric text bytea uuid date timestamptz jsonb int4[] text[]'.split())
        columns = ', '.join(f"{{ '{n}', '{k}' }}" for n, k in zip(names, kinds))
        work = Work(database, text=f"""local lugger = require 'lugger'
          return lugger.copy {{ from = lugger.source(lugger.env.PG_URI, {{ table = 'original', key = 'id' }}),
            into = lugger.target(lugger.env.PG_URI, {{ table = 'copy', key = 'id' }}),
            columns = {{ {columns} }} }}""")
        self.assertEqual(work.run('--create', '-j', 2).books()['inserted'], 2001)
        for pair in (('original', 'copy'), ('copy', 'original')):
            self.assertEqual(database.number(f'select count(*) from (select * from {pair[0]} except select * '
                                             f'from {pair[1]}) x'),
                             0)

    def test_a_query_as_a_source(self):
        database = self.server.fresh()
        database.query(self.DDL)
        work = Work(database, text="""local lugger = require 'lugger'
          return lugger.copy { from = lugger.source(lugger.env.PG_URI,
            { query = 'select id, t from original where id < 11' }),
            into = lugger.target(lugger.env.PG_URI, { table = 'few', key = 'id' }),
            columns = { { 'id', 'int4' }, { 't', 'text' } } }""")
        self.assertEqual(work.run('--create').books()['inserted'], 11)

    def test_json_lines_as_a_target(self):
        documents = [{'_id': ObjectId('64f1c0a2b3c4d5e6f7a8b901'), 'n': Decimal128('9.90'), 'l': Int64(2**60),
                      'at': Date(1772841600123), 'o': {'b': 1, 'a': [None]}}]
        for name in ('out.jsonl', 'out.jsonl.gz'):
            work = Work(self.server.fresh(), documents, text=f"""local lugger = require 'lugger'
              return lugger.copy {{ from = lugger.source('docs.bson', {{ collection = 'shop.docs' }}),
                into = lugger.target('{name}'),
                columns = {{ {{ 'mongo_id', 'text', from = '_id' }}, {{ 'n', 'numeric' }}, {{ 'l', 'int8' }},
                  {{ 'at', 'timestamptz' }}, {{ 'o', 'jsonb' }} }} }}""")
            result = work.run()
            self.assertEqual(result.books()['inserted'], 1)
            data = (work.directory / name).read_bytes()
            line = json.loads(gzip.decompress(data) if name.endswith('.gz') else data)
            self.assertEqual((line['mongo_id'], line['l'], line['o']),
                             ('64f1c0a2b3c4d5e6f7a8b901', 2**60, {'b': 1, 'a': [None]}))
            self.assertEqual(float(line['n']), 9.9)

    def test_json_broken_at_a_line(self):
        work = Work(self.server.fresh(), text=job("{ 'v', 'text' }"), source='docs.json')
        work.source.write_text('{"_id": 1, "v": "a"}\n{"_id": 2, "v": \n{"_id": 3, "v": "c"}\n',
                               encoding='utf-8')
        result = work.run('--create', expect=(1, 3))
        self.assertRegex(result.err + result.out, r'\b(line )?[23]\b')


if __name__ == '__main__':
    harness.main()
