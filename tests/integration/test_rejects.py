"""Rejects of every kind of source: what is kept, shown, and loaded again."""
import gzip
import json
import os
import signal
import time
import unittest
from pathlib import Path

import archive
import bson
import harness
from harness import lua
from jobs import Work, dump, job
from postgres import Postgres

# What a column of a table can hold: type, and values that are awkward to copy.
TYPES = {
    'boolean': ['true', 'false'],
    'int2': ["'-32768'", '32767'],
    'int4': ["'-2147483648'"],
    'int8': ["'-9223372036854775808'", '9223372036854775807'],
    'float4': ["'-0'", "'NaN'", "'1e-45'"],
    'float8': ["'Infinity'", "'-0'", '0.1', "'5e-324'"],
    'numeric': ["'NaN'", '12345678901234567890123456789.000100', "'1e-300'", '0.00'],
    'numeric(12,4)': ['9.9000'],
    'text': ["''", "E'line\\nbreak \\u20ac \\\\ \"'"],
    'varchar(20)': ["'v'"],
    'char(5)': ["'a'"],
    'name': ["'n'"],
    '"char"': ["'c'"],
    'bytea': ["'\\x00ff00'", "''"],
    'uuid': ["'64f1c0a2-b3c4-d5e6-f7a8-b9c0d1e2f3a4'"],
    'date': ["'infinity'", "'4713-01-01 BC'", "'2026-02-28'"],
    'time': ["'23:59:59.999999'", "'24:00'"],
    'timetz': ["'23:59:59.999999+02'"],
    'timestamp': ["'-infinity'", "'2026-01-01 00:00:00.000001'"],
    'timestamptz': ["'infinity'", "'294276-12-31 23:59:59.999999Z'", "'0044-03-15 BC'"],
    'interval': ["'1 mon -2 days 00:00:00.000001'", "'-178000000 years'"],
    'json': ["'{\"b\": 1.10, \"a\": [null, 12345678901234567890]}'", "'null'"],
    'jsonb': ["'{\"b\": 1.10, \"a\": [null, 12345678901234567890123], \"\": {}}'", "'null'", "'\"x\"'"],
    'int4[]': ["'{}'", "'{1,NULL,3}'", "'[0:1][2:2]={{1},{2}}'"],
    'text[]': ["array['a', 'b\"c', null, 'NULL', '']"],
    'numeric[]': ["'{1.10,NaN}'"],
    'timestamptz[]': ["'{infinity,2026-01-01}'"],
    'jsonb[]': ["array['{\"a\": 1}'::jsonb, null]"],
    'bytea[]': ["array['\\x00'::bytea]"],
    'bit(3)': ["B'101'"],
    'varbit': ["B''", "B'1011'"],
    'inet': ["'10.0.0.1/8'", "'::1'"],
    'cidr': ["'10.0.0.0/8'"],
    'macaddr': ["'08:00:2b:01:02:03'"],
    'money': ["'12.34'"],
    'oid': ['4294967295'],
    'point': ["'(1.5,-2)'"],
    'polygon': ["'((0,0),(1,1),(2,0))'"],
    'int4range': ["'[1,5)'", "'empty'"],
    'tstzrange': ["'[2026-01-01,)'"],
    'int4multirange': ["'{[1,2),[5,6)}'"],
    'tsvector': ["'a:1 b:2A'"],
    'tsquery': ["'a & b'"],
    'xml': ["'<a>1</a>'"],
    'pg_lsn': ["'16/B374D848'"],
    'mood': ["'ok'", "'not ok'"],
    'positive': ['7'],
    'pair': ["row(1, 'a,\"b')", 'row(null, null)'],
    'pair[]': ["array[row(1, 'x')::pair]"],
    'mood[]': ["array['ok']::mood[]"],
}
SCHEMA = """create type mood as enum ('ok', 'not ok'); create domain positive as int check (value > 0);
create type pair as (n int, t text);"""


def wide_table(database):
    """Table every_type with a column a type, and a row a value; the names of its columns."""
    names = [f'c{i}' for i in range(len(TYPES))]
    database.query(SCHEMA)
    database.query("create table every_type (id int primary key, "
                   f"{', '.join(f'{n} {t}' for n, t in zip(names, TYPES))})")
    most = max(map(len, TYPES.values()))
    for i in range(most + 1):
        values = [f'{v[i]}::{t}' if i < len(v) else 'null' for t, v in TYPES.items()]
        database.query(f"insert into every_type values ({i}, {', '.join(values)})")
    return names, most + 1


class OfPostgres(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def copy(self, database, names, types, extra='', source=None):
        endless = ('numeric', 'float', 'date', 'timestamp')
        columns = ', '.join(f"{{ {lua(n)}, "
                            f"{lua(t)}{', non_finite = ' + lua('keep') if t.startswith(endless) else ''} }}"
                            for n, t in zip(names, types))
        source = source or "{ table = 'every_type', key = 'id' }"
        return f"""local lugger = require 'lugger'
          return lugger.copy {{ from = lugger.source(lugger.env.PG_URI, {source}),
            into = lugger.target(lugger.env.PG_URI, {{ table = 'copy', key = 'id', on_conflict = 'update' }}),
            columns = {{ {{ 'id', 'int4' }}, {columns} }}, {extra} }}"""

    def same(self, database, left='every_type', right='copy'):
        for one, other in ((left, right), (right, left)):
            self.assertEqual(
                database.query(f'select t::text from {one} t except select t::text from {other} t'), '')

    def test_a1_every_type_comes_back_from_the_rejects(self):
        """Refused by the server, then loaded again: byte for byte what the table holds."""
        for redo in ('server', 'hook'):
            with self.subTest(redo):
                database = self.server.fresh()
                names, rows = wide_table(database)
                database.query('create table copy (like every_type including all)')
                work = Work(database)
                if redo == 'server':
                    database.query('alter table copy add constraint no check (id < 0)')
                    work.script(self.copy(database, names, TYPES))
                else:
                    work.script(self.copy(database, names, TYPES,
                                          extra="map = function(row) return lugger.reject('no') end"))
                self.assertEqual(work.run(expect=3).books()['rejected'], rows)
                shown = work.lugger('rejects', 'job.lua', '--documents', '--full').out
                self.assertIn('12345678901234567890123', shown)
                self.assertNotIn('malformed', shown)
                database.query('alter table copy drop constraint if exists no')
                work.script(self.copy(database, names, TYPES))
                books = work.lugger('rejects', 'job.lua', '--retry').books()
                self.assertEqual((books['read'], books['inserted']), (rows, rows))
                self.assertEqual(database.number('select count(*) from lugger.rejects'), 0)
                self.same(database)

    def test_a1_a_retry_that_refuses_again_keeps_ids_and_reasons(self):
        database = self.server.fresh()
        database.query("create table original (id int primary key, n text); "
                       "insert into original values (1, '1'), (2, 'two'), (3, null), (4, 'four')")
        work = Work(database,
                    text=self.copy(database, ['n'], ['int4'], source="{ table = 'original', key = 'id' }"))
        work.run('--create', expect=3)
        before = database.rows('select document_id, "column", code, message, document::text '
                               'from lugger.rejects order by 1')
        self.assertEqual([row[0] for row in before], ['2', '4'])
        for _ in range(2):
            work.lugger('rejects', 'job.lua', '--retry', expect=3)
            self.assertEqual(database.rows('select document_id, "column", code, message, document::text '
                                           'from lugger.rejects order by 1'),
                             before)
        # The table has changed meanwhile: the rejects are the rows as they were.
        database.query('alter table original add column later int; update original set later = 1')
        work.script(self.copy(database, ['n'], ['int4'], source="{ table = 'original', key = 'id' }").replace(
                        '"int4" }', '"int4", on_error = "null" }'))
        self.assertEqual(work.lugger('rejects', 'job.lua', '--retry').books()['inserted'], 2)
        self.assertEqual(database.query('select count(*), count(n) from copy'), '4|1')

    def test_a1_a_query_without_a_key(self):
        database = self.server.fresh()
        work = Work(database,
                    text=self.copy(database, ['n'], ['int4'],
                                   source="{ query = 'select i as id, i * 3000000000 as n "
                                          "from generate_series(0, 9) i' }"))
        self.assertEqual(work.run('--create', expect=3).books()['rejected'], 9)
        work.script(self.copy(database, ['n'], ['int4'],
                              source="{ query = 'select i as id, i * 3000000000 as n "
                                     "from generate_series(0, 9) i' "
                                     "}").replace('"int4" }', '"int4", on_error = "null" }'))
        self.assertEqual(work.lugger('rejects', 'job.lua', '--retry').books()['inserted'], 9)

    def test_a1_rejects_of_an_earlier_version_are_left_alone(self):
        """Rows that were kept without their types cannot be read: they stay, and are told."""
        database = self.server.fresh()
        database.query("create table original (id int primary key, n text); "
                       "insert into original values (1, 'x')")
        text = self.copy(database, ['n'], ['int4'], source="{ table = 'original', key = 'id' }")
        work = Work(database, text=text)
        work.run('--create', expect=3)
        database.query("update lugger.rejects set raw = '\\x00020000000400000001000000017a'")
        result = work.lugger('rejects', 'job.lua', '--retry', expect=None)
        self.assertIn('1 reject', result.err)
        self.assertEqual(database.rows('select document_id, code from lugger.rejects'), [['1', 'bad_value']])


class OfDumps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    DOCUMENTS = [{'_id': i, 'n': f'no {i}' if i % 3 == 0 else i, 'd': bson.Decimal128('1.10'),
                  'at': bson.Date(1772841600123)} for i in range(30)]

    def test_a1_every_kind_of_file(self):
        """The same documents as a dump, gzip, an archive, an export: the same rejects, and the same
        rows in the end."""
        room = Path(harness.scratch())
        dump(room, 'shop', {'docs': self.DOCUMENTS})
        data = (room / 'dump/shop/docs.bson').read_bytes()
        (room / 'docs.bson.gz').write_bytes(gzip.compress(data))
        (room / 'shop.archive').write_bytes(archive.archive({'shop.docs': (data, '{}')}))
        line = ('{"_id": %d, "n": %s, "d": {"$numberDecimal": "1.10"}, "at": {"$date": {"$numberLong": '
                '"1772841600123"}}}\n')
        (room / 'docs.json').write_text(''.join(line % (d['_id'], json.dumps(d['n']))
                                                for d in self.DOCUMENTS))
        seen = []
        for place in ('dump', 'dump/shop/docs.bson', 'docs.bson.gz', 'shop.archive', 'docs.json'):
            with self.subTest(place):
                work = Work(self.server.fresh())
                columns = "{ 'n', 'int4' }, { 'd', 'numeric' }, { 'rest', 'jsonb', from = '*' }"
                work.script(job(columns, source=room / place))
                self.assertEqual(work.run('--create', expect=3).books()['rejected'], 10)
                rejects = work.database.rows('select document_id, message, document::text '
                                             'from lugger.rejects order by 1')
                self.assertEqual(work.lugger('rejects', 'job.lua', '--retry', expect=3).books()['read'], 10)
                self.assertEqual(work.database.rows('select document_id, message, document::text '
                                                    'from lugger.rejects order by 1'),
                                 rejects)
                work.script(job(columns.replace("'int4'", "'text'"), source=room / place))
                work.database.query('alter table docs alter n type text')
                work.lugger('rejects', 'job.lua', '--retry')
                rows = work.database.rows('select * from docs order by mongo_id')
                self.assertEqual(len(rows), 30)
                seen.append((rejects, rows))
        for one in seen[1:]:
            self.assertEqual(one, seen[0])

    def test_a7_more_rejects_than_a_page_holds(self):
        count = 12000
        work = Work(self.server.fresh(), [{'_id': i, 'n': 'x', 'pad': 'y' * 50} for i in range(count)],
                    job("{ 'n', 'int4' }"))
        self.assertEqual(work.run('--create', expect=3).books()['rejected'], count)
        result = work.lugger('rejects', 'job.lua', '--retry', expect=3)
        self.assertEqual((result.books()['read'], result.books()['rejected']), (count, count))
        work.script(job("{ 'n', 'text' }"))
        work.database.query('alter table docs alter n type text')
        self.assertEqual(work.lugger('rejects', 'job.lua', '--retry').books()['inserted'], count)
        self.assertEqual(work.database.query('select count(*) from docs'), str(count))
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 0)

    def test_a7_into_json_lines(self):
        count = 6000
        work = Work(self.server.fresh(), [{'_id': i, 'n': 'x' if i % 2 else i} for i in range(count)])
        text = """local lugger = require 'lugger'
          return lugger.copy { from = lugger.source('docs.bson'), into = lugger.target('out.jsonl'),
            columns = { { 'n', '%s' } } }"""
        work.script(text % 'int4')
        self.assertEqual(work.run(expect=3).books()['rejected'], count // 2)
        self.assertEqual(work.lugger('rejects', 'job.lua', '--retry', expect=3).books()['read'], count // 2)
        work.script(text % 'text')
        self.assertEqual(work.lugger('rejects', 'job.lua', '--retry').books()['inserted'], count // 2)
        self.assertEqual(len((work.directory / 'out.jsonl').read_text().splitlines()), count)

    def test_a7_a_retry_that_is_killed_goes_on(self):
        count = 60000
        work = Work(self.server.fresh(),
                    [{'_id': i, 'n': 'x' if i % 2 else 'y', 'pad': 'z' * 600} for i in range(count)],
                    job("{ 'n', 'int4' }"))
        work.run('--create', expect=3)
        # Half of them load now, the others are refused again and get new numbers.
        work.script(job("{ 'n', 'text', default = 'd' }",
                        extra="map = function(row) if row.n == 'x' then return lugger.reject('odd') end end"))
        work.database.query('alter table docs alter n type text')
        process = work.start('rejects', 'job.lua', '--retry')
        for _ in range(2000):
            if work.database.query("select coalesce(sum(read), 0) from lugger.partitions "
                                   "where partition = 'rejects'") not in ('0', ''):
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        read = work.database.number("select sum(read) from lugger.partitions where partition = 'rejects'")
        result = work.lugger('rejects', 'job.lua', '--retry', expect=3)
        books = result.books()
        if read < count:
            self.assertEqual(books['read'], count, 'the books are those of the whole retry')
            self.assertEqual(work.database.number("select count(*) from lugger.runs where run in "
                                                  "(select run from lugger.partitions where "
                                                  "partition = 'rejects')"),
                             1)
        self.assertEqual(work.database.query('select count(*) from docs'), str(count // 2))
        self.assertEqual(work.database.query("select count(*), count(distinct document_id) "
                                             "from lugger.rejects"),
                         f'{count // 2}|{count // 2}')

    def test_a7_redacted_rejects_stay_and_are_told(self):
        work = Work(self.server.fresh(), [{'_id': i, 'n': 'x'} for i in range(5)], job("{ 'n', 'int4' }"))
        work.run('--create', '--redact', expect=3)
        result = work.lugger('rejects', 'job.lua', '--retry', expect=None)
        self.assertIn('5 rejects hold no document', result.err)
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 5)

    def test_a_later_state_is_not_overwritten_by_one_that_had_to_wait(self):
        """A unique value keeps the first state out; by the end of the unit it is free."""
        work = Work(self.server.fresh(), [{'_id': '3', 'n': 5}, {'_id': 'z', 'n': 6}, {'_id': '3', 'n': 7}],
                    job("{ 'n', 'int4' }", conflict='update'))
        work.database.query('create table docs (mongo_id text primary key, n int unique); '
                            "insert into docs values ('z', 5)")
        self.skipped(work.run(), 1)
        self.retried(work)
        self.assertEqual(work.database.query('select * from docs order by 1').split(), ['3|7', 'z|6'])

    def skipped(self, run, count, rejected=0):
        books = run.books()
        self.assertEqual((books['skipped'], books['rejected']), (count, rejected))

    def retried(self, work, expect=0):
        return work.lugger('rejects', 'job.lua', '--retry', expect=expect)

    def test_a_retry_puts_no_earlier_state_over_a_later_one(self):
        """Whatever kept the earlier one out: a foreign key, a value that cannot be read, a check."""
        for kept_out, column in ((5, "{ 'n', 'int4' }"), ('x', "{ 'n', 'int4', on_error = 'reject' }"),
                                 (-1, "{ 'n', 'int4' }")):
            with self.subTest(kept_out=kept_out):
                states = [{'_id': 'a"\\', 'n': kept_out}, {'_id': 'b', 'n': kept_out},
                          {'_id': 'a"\\', 'n': 7}]
                work = Work(self.server.fresh(), states, job(column, conflict='update'))
                work.database.query('create table parents (id int primary key); '
                                    'insert into parents values (7); '
                                    'create table docs (mongo_id text primary key, '
                                    'n int check (n > 0) references parents)')
                self.skipped(work.run(expect=3), 1, rejected=1)
                work.database.query('insert into parents values (5), (-1); alter table docs drop constraint '
                                    'docs_n_check')
                if kept_out == 'x':
                    work.script(job("{ 'n', 'int4', on_error = 'null' }", conflict='update'))
                self.retried(work)
                self.assertEqual(work.database.query("select n from docs where mongo_id like 'a%'"), '7')
                self.assertEqual(work.database.number('select count(*) from docs'), 2)

    def test_two_states_that_are_refused_are_tried_again_in_their_order(self):
        work = Work(self.server.fresh(), [{'_id': 'a', 'n': 5}, {'_id': 'a', 'n': 6}],
                    job("{ 'n', 'int4' }", conflict='update'))
        work.database.query('create table parents (id int primary key); '
                            'create table docs (mongo_id text primary key, n int references parents)')
        self.skipped(work.run(expect=3), 0, rejected=2)
        work.database.query('insert into parents values (5), (6)')
        self.retried(work)
        self.assertEqual(work.database.query('select * from docs'), 'a|6')

    def test_what_is_newer_says_its_own_column(self):
        work = Work(self.server.fresh(), [{'_id': 'a', 'n': 5, 'v': 2}, {'_id': 'a', 'n': 7, 'v': 1}],
                    job("{ 'n', 'int4' }, { 'v', 'int4' }", conflict='newer', target_options="newer = 'v'"))
        work.database.query('create table parents (id int primary key); insert into parents values (7); '
                            'create table docs (mongo_id text primary key, n int references parents, v int)')
        self.skipped(work.run(expect=3), 0, rejected=1)
        work.database.query('insert into parents values (5)')
        self.retried(work)
        self.assertEqual(work.database.query('select * from docs'), 'a|5|2')


if __name__ == '__main__':
    harness.main()
