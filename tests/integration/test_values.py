"""Values on their way into columns: dates, nulls, numbers, text. Test names carry the requirement they
prove."""
import random
import unittest

from bson import Binary, Date, Decimal128, Int32, Int64, ObjectId, Undefined
import harness
import jobs
from postgres import Postgres


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def load(self, documents, columns, expect=0, **more):
        database = self.server.fresh()
        return database, jobs.load(database, documents, columns, expect=expect, **more)

    def column(self, values, kind, expect=0, policy='', select='v::text'):
        """Each value through one column; {id: text} of what arrived, and the result."""
        database, result = self.load([{'_id': f'{i:04d}', 'v': v} for i, v in enumerate(values)],
                                     f"{{ 'v', '{kind}' {',' if policy else ''} {policy} }}", expect)
        rows = dict(database.rows(f'select mongo_id, {select} from docs'))
        return [rows.get(f'{i:04d}') for i in range(len(values))], result, database

    def test_s0_12_isodate_to_timestamptz(self):
        milliseconds = [0, 1772841600123, -1, -62135596800000, 253402300799999]
        got, _, _ = self.column([Date(ms) for ms in milliseconds], 'timestamptz',
                                select="(extract(epoch from v) * 1000)::numeric(20,0)::text")
        self.assertEqual(got, [str(ms) for ms in milliseconds])

    def test_s0_12_dates_outside_postgresqls_range(self):
        beyond = [Date(2**63 - 1), Date(-2**63), Date(1)]
        got, result, _ = self.column(beyond, 'timestamptz', expect=3)
        self.assertEqual(got[:2], [None, None])
        self.assertEqual(result.books()['rejected'], 2)
        got, _, _ = self.column(beyond, 'timestamptz', policy="out_of_range = 'infinity'")
        self.assertEqual(got[:2], ['infinity', '-infinity'])
        got, _, _ = self.column(beyond, 'timestamptz', policy="out_of_range = 'null'")
        self.assertEqual(got[:2], ['\\N', '\\N'])

    def test_s0_70_isodate_property(self):
        rng = random.Random(70)
        values = [rng.randrange(-62135596800000, 253402300799999) for _ in range(500)]
        got, _, _ = self.column([Date(ms) for ms in values], 'timestamptz',
                                select="(extract(epoch from v) * 1000)::numeric(20,0)::text")
        self.assertEqual(got, [str(ms) for ms in values])

    def test_s0_36_dates_of_every_kind(self):
        values = [Date(1772841600123), '2026-03-07T00:00:00.123Z', '2026-03-07T05:30:00.123+05:30', None]
        got, _, _ = self.column(
            values, 'timestamptz',
            select="coalesce((extract(epoch from v) * 1000)::numeric(20,0)::text, 'null')")
        self.assertEqual(got, ['1772841600123'] * 3 + ['null'])
        got, _, _ = self.column([1772841600, Int64(1772841600)], 'timestamptz', policy="epoch = 's'",
                                select='extract(epoch from v)::int8::text')
        self.assertEqual(got, ['1772841600'] * 2)
        got, _, _ = self.column([Int64(1772841600123)], 'timestamptz', policy="epoch = 'ms'",
                                select="to_char(v, 'YYYY-MM-DD MS')")
        self.assertEqual(got, ['2026-03-07 123'])

    def test_s0_36_invalid_dates_are_rejects_with_a_reason(self):
        got, result, database = self.column(['yesterday', '2026-02-30', True, ''], 'timestamptz', expect=3)
        self.assertEqual(got, [None] * 4)
        self.assertEqual(result.books()['rejected'], 4)
        reasons = dict(database.rows('select document_id, message from lugger.rejects'))
        self.assertIn('yesterday', reasons['0000'])
        self.assertTrue(all('timestamptz' in m for m in reasons.values()), reasons)

    def test_s0_33_missing_and_null_become_sql_null(self):
        database, _ = self.load([{'_id': 'null', 'v': None}, {'_id': 'missing'},
                                 {'_id': 'undefined', 'v': Undefined()}, {'_id': 'there', 'v': 'x'}],
                                "{ 'v', 'text' }, { 'r', 'jsonb', from = '*' }")
        self.assertEqual(dict(database.rows('select mongo_id, v from docs')),
                         {'null': '\\N', 'missing': '\\N', 'undefined': '\\N', 'there': 'x'})

    def test_s0_33_missing_and_null_can_be_told_apart(self):
        documents = [{'_id': 'null', 'v': None}, {'_id': 'missing'}, {'_id': 'element', 'v': [None, 1]}]
        database, _ = self.load(documents, "{ 'v', 'jsonb', json_null = true }")
        self.assertEqual(dict(database.rows("select mongo_id, coalesce(v::text, 'SQL NULL') from docs")),
                         {'null': 'null', 'missing': 'SQL NULL', 'element': '[null, 1]'})

    def test_s0_34_presence_not_truthiness(self):
        values = ['', 0, False, 0.0, {}, []]
        got, _, _ = self.column(values, 'jsonb')
        self.assertEqual(got, ['""', '0', 'false', '0', '{}', '[]'])

    def test_s0_35_json_null_against_sql_null(self):
        documents = [{'_id': 'null', 'v': None}, {'_id': 'missing'}, {'_id': 'word', 'v': 'null'}]
        expected = {
            '': {'null': 'SQL NULL', 'missing': 'SQL NULL', 'word': '"null"'},
            ', json_null = true': {'null': 'null', 'missing': 'SQL NULL', 'word': '"null"'},
        }
        for policy, rows in expected.items():
            database, _ = self.load(documents, f"{{ 'v', 'jsonb'{policy} }}")
            self.assertEqual(dict(database.rows("select mongo_id, coalesce(v::text, 'SQL NULL') from docs")),
                             rows)
        database, result = self.load(documents, "{ 'v', 'jsonb', required = true }", expect=3)
        self.assertEqual(database.query('select mongo_id from docs'), 'word')
        self.assertEqual(result.books()['rejected'], 2)

    def test_s0_71_never_the_text_null_by_accident(self):
        database, _ = self.load([{'_id': 1, 'v': None}, {'_id': 2, 'v': {'a': None}}],
                                "{ 'v', 'jsonb' }, { 't', 'text', from = 'v.a' }")
        self.assertEqual(
            database.number("select count(*) from docs where v = '\"null\"' or t = 'null' or v = 'null'"), 0)
        self.assertEqual(database.query("select v from docs where v is not null"), '{"a": null}')

    def test_s1_15_null_in_metadata_is_a_choice(self):
        for policy, expected in (('', 't'), (', json_null = true', 'f')):
            database, _ = self.load([{'_id': 1, 'metadata': None}], f"{{ 'metadata', 'jsonb'{policy} }}")
            self.assertEqual(database.query('select metadata is null from docs'), expected)

    def test_s0_32_text_is_strict_converted_or_rejected(self):
        values = ['a', 5, 1.5, True, ObjectId('64f1c0a2b3c4d5e6f7a8b901'), Decimal128('9.90')]
        got, _, _ = self.column(values, 'text')
        self.assertEqual(got, ['a', '5', '1.5', 'true', '64f1c0a2b3c4d5e6f7a8b901', '9.90'])
        got, result, database = self.column(values, 'text', expect=3, policy='strict = true')
        self.assertEqual(got, ['a'] + [None] * 5)
        self.assertEqual(result.books()['rejected'], 5)
        self.assertEqual(database.query('select distinct code from lugger.rejects'), 'wrong_type')

    def test_s0_44_numbers_as_strings(self):
        got, _, _ = self.column(['9.99', 9.99, Decimal128('9.99'), 7, Int64(2**53 + 1), '-1e3'], 'numeric')
        self.assertEqual(got, ['9.99', '9.99', '9.99', '7', str(2**53 + 1), '-1000'])

    def test_s0_45_12abc_is_a_reject_never_12(self):
        bad = ['12abc', '', ' ', '0x1F', '1,234.50', '1.234,50', '-', 'NaN!', True]
        got, result, database = self.column(bad, 'numeric', expect=3)
        self.assertEqual(got, [None] * len(bad))
        self.assertEqual(result.books(),
                         {'read': len(bad), 'inserted': 0, 'updated': 0, 'unchanged': 0, 'skipped': 0,
                          'rejected': len(bad)})
        self.assertIn('12abc',
                      database.query("select message from lugger.rejects where document_id = '0000'"))

    def test_s0_45_locale_forms_only_when_declared(self):
        got, _, _ = self.column(['1.234,50', '9,99'], 'numeric(12,2)',
                                policy="decimal = ',', thousands = '.'")
        self.assertEqual(got, ['1234.50', '9.99'])

    def test_s0_45_nan_and_infinity_policy(self):
        values = [float('nan'), float('inf'), float('-inf'), Decimal128('NaN')]
        got, result, _ = self.column(values, 'numeric', expect=3)
        self.assertEqual((got, result.books()['rejected']), ([None] * 4, 4))
        got, _, _ = self.column(values, 'numeric', policy="non_finite = 'keep'")
        self.assertEqual(got, ['NaN', 'Infinity', '-Infinity', 'NaN'])
        got, _, _ = self.column(values, 'float8', policy="non_finite = 'null'")
        self.assertEqual(got, ['\\N'] * 4)

    def test_s0_45_money_keeps_its_digits(self):
        rng = random.Random(45)
        texts = [f'{rng.randrange(-10**12, 10**12)}.{rng.randrange(100):02d}' for _ in range(300)]
        got, _, _ = self.column([Decimal128(t) for t in texts], 'numeric(20,2)')
        self.assertEqual(got, [t.lstrip('+') for t in texts])
        doubles = [rng.uniform(-1e6, 1e6) for _ in range(300)]
        got, _, _ = self.column(doubles, 'numeric')
        self.assertEqual([float(t) for t in got], doubles)

    def test_whole_doubles_and_fractions_into_int(self):
        got, result, _ = self.column([3.0, 1.5, 2.0**31, -0.0], 'int4', expect=3)
        self.assertEqual(got, ['3', None, None, '0'])
        got, _, _ = self.column([1.5, 2.5, -1.5], 'int4', policy="fraction = 'truncate'")
        self.assertEqual(got, ['1', '2', '-1'])

    def test_nul_in_text(self):
        got, _, database = self.column(['a\0b'], 'text', expect=3)
        self.assertEqual(database.query('select code from lugger.rejects'), 'nul_in_text')
        got, _, _ = self.column(['a\0b'], 'text', policy="nul = 'strip'")
        self.assertEqual(got, ['ab'])

    def test_s0_09_mongo_id_and_id(self):
        ids = [ObjectId('64f1c0a2b3c4d5e6f7a8b901'), '1', 1, Int64(1), 1.5, '64f1c0a2b3c4d5e6f7a8b901',
               {'a': 1}, True, Date(5), Binary(bytes(range(16)), 4), Decimal128('2.5')]
        database, result = self.load([{'_id': i} for i in ids], "{ 'id', 'uuid', generate = 'v5' }")
        self.assertEqual(result.books()['inserted'], len(ids) - 1, 'int 1 and long 1 are equal in MongoDB')
        self.assertEqual(database.query('select count(distinct id), count(distinct mongo_id) from docs'),
                         f'{len(ids) - 1}|{len(ids) - 1}')
        texts = [row[0] for row in database.rows('select mongo_id from docs')]
        self.assertIn('64f1c0a2b3c4d5e6f7a8b901', texts)
        self.assertIn('$s:64f1c0a2b3c4d5e6f7a8b901', texts)
        self.assertEqual(database.query('select distinct substr(id::text, 15, 1) from docs'), '5')

    def test_s0_31_ids_never_collide(self):
        database, _ = self.load([{'_id': 1, 'v': 'int'}, {'_id': '1', 'v': 'string'}], "{ 'v', 'text' }")
        self.assertEqual(dict(database.rows('select mongo_id, v from docs')), {'$n:1': 'int', '1': 'string'})

    def test_s0_37_renamed_columns(self):
        database, _ = self.load([{'_id': 1, 'createdAt': Date(0), 'address': {'city': 'Oslo'}}],
                                "{ 'created_at', 'timestamptz', from = 'createdAt' }, { 'city', 'text', "
                                "from = 'address.city' }")
        self.assertEqual(database.query("select created_at at time zone 'UTC', city from docs"),
                         '1970-01-01 00:00:00|Oslo')

    def test_s0_39_metadata_is_encoded_once(self):
        database, _ = self.load([{'_id': 1, 'metadata': {'a': 'x"y\\', 'n': Int32(1), 'list': [1, 'two']}}],
                                "{ 'metadata', 'jsonb' }")
        self.assertEqual(database.query("select jsonb_typeof(metadata), metadata->>'a', "
                                        "metadata->'list'->>1 from docs"),
                         'object|x"y\\|two')

    def test_s1_13_vectors_are_bit_exact(self):
        rng = random.Random(13)
        vectors = [[rng.uniform(-1, 1) for _ in range(8)] for _ in range(20)]
        got, _, _ = self.column(vectors, 'float8[]')
        self.assertEqual([[float(x) for x in t.strip('{}').split(',')] for t in got], vectors)


if __name__ == '__main__':
    harness.main()
