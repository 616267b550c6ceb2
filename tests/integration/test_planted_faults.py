"""Faults planted in every column type: each one is found and named; the clean table raises no alarm."""
import re
import unittest

import bson
from bson import ObjectId
import harness
from jobs import Work, job
from postgres import Postgres

ID = ObjectId('64f1c0a2b3c4d5e6f7a8b901')
KEY = ID.hex

# column: (type, value in the document, faults as SQL over the column "v")
TYPES = {
    'bool': ('bool', True, ['not v', 'null']),
    'int2': ('int2', 77, ['v # 1::int2', 'v + 1::int2', 'null']),
    'int4': ('int4', 123456, ['v # 1', '-v', '0', 'null']),
    'int8': ('int8', bson.Int64(9007199254740993), ['v # 1', 'v - 1']),
    'float4': ('float4', 0.1, ["float4 '0.10000001'", "'nan'", '-v', 'v + 1e-8::float4 * 10']),
    'float8': ('float8', 0.1, ["float8 '0.10000000000000002'", "'nan'", '-v']),
    'nan': ("float8', non_finite = 'keep", float('nan'), ['0', "'infinity'", 'null']),
    'numeric': ('numeric', bson.Decimal128('12345.678901234567890123456789'),
                ['v + 1e-24', 'round(v, 23)', '-v', "'nan'", 'v * 10000']),
    'numeric_s': ('numeric(12,2)', bson.Decimal128('9.90'), ['9.91', '9.89', '99.0']),
    'text': ('text', 'Ångström "x"\n',
             ['upper(v)', "v || ' '", 'left(v, -1)', 'normalize(v, NFD)', "''", 'null']),
    'varchar': ('varchar(20)', 'abc', ["'abd'", 'left(v, 2)', "v || ' '"]),
    'char': ('char(6)', 'ab', ["'ac'", "' ab'", "'abc'"]),
    'bytea': ('bytea', bson.Binary(b'\x00\x01\xff'), [r"'\x0001fe'", r"'\x0001'", r"'\x0001ff00'", "''"]),
    'uuid': ('uuid', bson.Binary(bytes(range(16)), 4),
             ["overlay(v::text placing '1' from 1)::uuid", 'gen_random_uuid()']),
    'date': ('date', bson.Date(1772582400000), ['v + 1', "'infinity'", "v - interval '1 year'"]),
    'time': ('time', '12:34:56.789', ["v + interval '1 microsecond'", "'00:00'"]),
    'timestamp': ('timestamp', bson.Date(1772582400123),
                  ["v + interval '1 microsecond'", "v + interval '1 hour'"]),
    'timestamptz': ('timestamptz', bson.Date(1772582400123),
                    ["v + interval '1 hour'", "v::timestamp at time zone 'Europe/Oslo'",
                     "date_trunc('second', v)"]),
    'interval': ('interval', '1 day', ["'24:00'", "'1 day 00:00:01'", "'30 days'"]),
    'json': ('json', {'a': 1, 'b': 2}, ['\'{"a":1,"b":3}\'', '\'{"b":2,"a":1}\'']),
    'jsonb': ('jsonb', {'a': {'x': [1, 2.5, None, 'n']}, 'b': 'null'},
              ["jsonb_set(v, '{a,x,1}', '2.50000001')", "jsonb_set(v, '{b}', 'null')", "v - 'b'",
               "v || '{\"c\": null}'", "jsonb_set(v, '{a,x}', '[2.5, 1, null, \"n\"]')",
               "jsonb_set(v, '{a,x,0}', '\"1\"')", "'null'", 'null']),
    'int_array': ('int4[]', [1, 2, 3],
                  ["'{1,2}'", "'{1,3,2}'", "'{1,2,NULL}'", "'{1,2,3,3}'", "'[0:2]={1,2,3}'", "'{{1,2,3}}'",
                   "'{}'"]),
    'text_array': ('text[]', ['a', '', 'NULL'],
                   ["array['a','','NULL ']", "array['a','',null]", "array['A','','NULL']",
                    "array['a','NULL','']"]),
    'numeric_array': ('numeric[]', [bson.Decimal128('1.10'), bson.Decimal128('2')],
                      ["'{1.11,2}'", "'{1.1,2.0001}'"]),
    'jsonb_array': ('jsonb[]', [{'a': 1}, {'b': 2}], ["array['{\"a\":1}', '{\"b\":3}']::jsonb[]"]),
    'bit': ('bit(5)', '10101', ["b'10100'"]),
    'varbit': ('varbit', '10101', ["b'1010'", "b'101010'"]),
    'inet': ('inet', '10.0.0.1/8', ["'10.0.0.1'", "'10.0.0.2/8'"]),
    'mood': ('mood', 'happy', ["'sad'", 'null']),
    'range': ('int4range', '[1,5)', ["'[1,6)'", "'empty'", "'(,5)'"]),
    'email': ('email', 'a@b.c', ["'A@b.c'"]),
    'pair': ('pair', '(1,x)', ["'(2,x)'", "'(1,)'"]),
    'tsv': ('tsvector', 'fat:1 cat:2', ["'fat:1'", "'cat:2 fat:3'"]),
    'money': ('money', '1.50', ["'1.51'"]),
    'xml': ('xml', '<a b="1"/>', ["'<a b=\"2\"/>'"]),
    'mac': ('macaddr', '08:00:2b:01:02:03', ["'08:00:2b:01:02:04'"]),
    'inets': ('inet[]', ['10.0.0.1', '::1'], ["'{10.0.0.1,::2}'"]),
}
BEFORE = """create type mood as enum ('sad', 'happy'); create domain email as text check (value like '%@%');
 create type pair as (n int, t text);"""
# Ways of writing the same value: no alarm.
SAME = {
    'numeric': 'v::text::numeric(60,30)', 'numeric_s': "9.9", 'jsonb': "v::text::jsonb", 'char': "'ab  '",
    'timestamptz': "'2026-03-04T02:00:00.123+02:00'", 'inet': "'10.0.0.1/8'::text::inet", 'nan': "'NaN'",
    'range': "'[1,4]'", 'uuid': 'upper(v::text)::uuid', 'float8': '1e-1',
}


class PlantedFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        document = {'_id': ID, **{name: value for name, (_, value, _) in TYPES.items()}}
        columns = ', '.join(f"{{ '{name}', '{kind}' }}" for name, (kind, _, _) in TYPES.items())
        cls.work = Work(cls.server.fresh(), [document, {'_id': ObjectId('0' * 24)}], job(columns))
        cls.work.database.query(BEFORE)
        cls.work.run('--create')
        cls.saved = cls.work.database
        cls.saved.query('create table clean as select * from docs')

    def setUp(self):
        self.mend(TYPES)

    def verify(self, expect, *flags):
        return self.work.lugger('verify', 'job.lua', '--rechecks', '0', *flags, expect=expect)

    def plant(self, faults):
        """One statement: {column: SQL over v}."""
        values = ', '.join(f'"{c}" = (select ({fault})::{TYPES[c][0].split(chr(39))[0]} from (select '
                           f'c."{c}" as v) x)'
                           for c, fault in faults.items())
        self.saved.query(f"update docs d set {values} from clean c where d.mongo_id = '{KEY}' "
                         "and c.mongo_id = d.mongo_id")

    def mend(self, columns):
        values = ', '.join(f'"{c}" = c."{c}"' for c in columns)
        self.saved.query(f'update docs d set {values} from clean c where c.mongo_id = d.mongo_id')

    def test_clean_table_raises_no_alarm(self):
        result = self.verify(0)
        self.assertNotIn('warning', result.err)
        self.assertEqual(self.saved.query(f"select * from docs where mongo_id = '{KEY}'").count('|'),
                         len(TYPES))

    def test_n_01_a_fault_in_every_type_is_found_and_named(self):
        """All types at once, the n-th fault of each in the n-th round: one row, every column named."""
        for number in range(max(len(faults) for _, _, faults in TYPES.values())):
            planted = {
                column: faults[number] for column, (_, _, faults) in TYPES.items() if number < len(faults)}
            self.plant(planted)
            result = self.verify(4)
            named = {re.split(r'[.\[:]', line.strip())[0]
                     for line in result.out.splitlines() if ': source ' in line}
            self.assertEqual(named, set(planted), f'round {number}\n{result!r}')
            self.mend(planted)
        self.verify(0)

    def test_s0_61_the_same_value_written_otherwise_is_equal(self):
        self.plant(SAME)
        self.assertNotIn('different in', self.verify(0).out)


class PlantedRows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        documents = [{'_id': ObjectId(f'{i:024x}'), 'n': i, 't': f'text {i}'} for i in range(300)]
        self.work = Work(self.server.fresh(), documents, job("{ 'n', 'int4' }, { 't', 'text' }"))
        self.work.run('--create')

    def found(self, sql, expect=4):
        self.work.database.query(sql)
        return self.work.lugger('verify', 'job.lua', expect=expect)

    def test_s0_60_a_dropped_row(self):
        self.assertIn(f'missing in docs: mongo_id={9:024x}', self.found('delete from docs where n = 9').out)

    def test_a_duplicated_row(self):
        result = self.found('alter table docs drop constraint docs_pkey; '
                            'insert into docs select * from docs where n = 9')
        self.assertIn(f'extra in docs: mongo_id={9:024x}', result.out)
        self.assertIn('NOT equal: 1 extra', result.out)

    def test_two_rows_swapped(self):
        result = self.found("update docs set t = case n when 4 then 'text 5' else 'text 4' end "
                            "where n in (4, 5)")
        self.assertIn('NOT equal: 2 different', result.out)

    def test_a_text_cut(self):
        self.assertRegex(self.found('update docs set t = left(t, 4) where n = 200').out,
                         r't: source text 200\n\s+target text')

    def test_a_nul_in_a_jsonb_key_is_refused_not_missed(self):
        self.work.documents([{'_id': ObjectId('0' * 24), 'n': 1, 't': 'a\0b'}])
        result = self.found('select 1')
        self.assertIn('nul_in_text (1)', result.err)
        self.assertIn('the source changed since', result.err)

    def test_a_type_that_was_changed(self):
        result = self.found('alter table docs alter n type text')
        self.assertIn('docs.n: is text in the table, and int4 in the mapping: its type was changed',
                      result.out)
        self.assertIn('1 altered column', result.out)

    def test_a_wider_integer_is_no_alarm(self):
        self.found('alter table docs alter n type bigint', expect=0)

    def test_digits_that_a_changed_type_lost(self):
        result = self.found('alter table docs alter t type varchar(6) using left(t, 6)')
        self.assertIn('NOT equal: 290 different', result.out)

    def test_a_dropped_column(self):
        result = self.found('alter table docs drop column t')
        self.assertIn('docs.t: the table has no such column any more', result.out)

    def test_a_missing_table_and_missing_rights(self):
        self.work.database.query('create role reader login; grant usage on schema public to reader')
        url = self.work.database.url.replace('user=postgres', 'user=reader')
        result = self.work.lugger('verify', 'job.lua', '--into', url, expect=1)
        self.assertIn('permission denied: SELECT on docs', result.err)
        self.work.database.query('grant select on docs to reader')
        result = self.work.lugger('verify', 'job.lua', '--into', url)
        self.assertIn('the ledger cannot be read', result.err)
        self.work.database.query('drop table docs')
        self.assertIn('table docs does not exist', self.work.lugger('verify', 'job.lua', expect=1).err)

    def test_json_lines_are_no_database(self):
        result = self.work.lugger('verify', 'job.lua', '--into', 'out.jsonl', expect=1)
        self.assertIn('PostgreSQL, Weaviate and files of plain JSON lines can be verified', result.err)


if __name__ == '__main__':
    harness.main()
