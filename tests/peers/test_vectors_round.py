"""pgvector -> JSON lines -> pgvector, every bit of it, judged by a model that lugger has no part in."""
import json
import random
import signal
import subprocess
import time
import unittest
from decimal import Decimal

import harness
import vectors
from peer_postgres import PgVector
from vector_tables import Tables

SCHEMA = 'Ext "x'  # of the source's extension; the target has it in public
TABLE = '''create table docs (
  id text primary key, v {x}.vector(3), w {x}.vector, h {x}.halfvec(3), i {x}.halfvec,
  s {x}.sparsevec(9), t {x}.sparsevec, b bit(11), c varbit, meta jsonb, body text, n int8)'''
NAMES = ('id', 'v', 'w', 'h', 'i', 's', 't', 'b', 'c', 'meta', 'body', 'n')
OUT = '''
local lugger = require 'lugger'
local from = lugger.source(lugger.env.SOURCE, { table = 'docs', key = 'id' })
return lugger.copy { name = 'out', from = from, columns = from:columns(),
  into = lugger.target('docs.jsonl', { table = 'docs', key = 'id' }) }
'''
BACK = '''
local lugger = require 'lugger'
return lugger.copy { name = 'back', from = lugger.source('docs.jsonl', { style = 'plain' }),
  into = lugger.target(lugger.env.TARGET, { table = 'docs', key = 'id' }),
  columns = lugger.source(lugger.env.SOURCE, { table = 'docs' }):columns() }
'''
AGAIN = '''
local lugger, json = require 'lugger', require 'lugger.json'
return lugger.copy { name = '%(name)s',
  from = lugger.source(lugger.env.SOURCE, { query = 'select id, meta::text as meta from docs', key = 'id' }),
  into = lugger.target(lugger.env.TARGET, { table = 'docs_%(name)s', key = 'id' }),
  columns = { { 'id', 'text' }, %(column)s }, %(hook)s }
'''
DIGITS = ('null', "'null'", "'{}'", "'[1.10, 1.0, 0.00, -0.50, 1E2, 1e-05, 15.0, 100]'",
          "'3.14159265358979323846'", "'1.10'", "'true'", "'false'", "'\"1.10\"'",
          "'{\"a\": {\"$oid\": \"64f1c0a2b3c4d5e6f7a8b901\"}, \"b\": {\"$numberLong\": \"5\"}}'",
          "'{\"$date\": \"yesterday\"}'", "'[12345678901234567890123456789012345678901234567890.10]'")
METADATA = ('null', '{}', '{"a": null}', '[1, -0.0, 1e-7, 2.50]',
            '{"$oid": "64f1c0a2b3c4d5e6f7a8b901"}',
            '{"$date": 1, "big": 9007199254740993, "huge": 123456789012345678901234567890.5}',
            '{"precise": 0.12345678901234567890123}', '"text"', 'true', '17',
            '{"deep": {"list": [[], {}, [null]]}}')


class Case(Tables):
    """A source with rows of the model, an empty target, and the two jobs."""

    def __init__(self, servers, rows, table=TABLE):
        super().__init__()
        self.source = servers.fresh(schema=SCHEMA)
        self.target = servers.fresh()
        self.rows = rows
        self.source.query(table.format(x='"' + SCHEMA.replace('"', '""') + '"'))
        self.fill(self.source, rows)
        for name, text in (('out.lua', OUT), ('back.lua', BACK)):
            (self.directory / name).write_text(text, encoding='utf-8')

    @property
    def env(self):
        return {'SOURCE': self.source.url, 'TARGET': self.target.url}

    def docs(self, database, columns='*'):
        return self.stored(database, f'select {columns} from docs order by id collate "C"')

    def verified(self, script):
        return self.lugger('verify', script)

    def run_killed(self, script, *flags, chance, most=40):
        """Runs it to its end through kills at random moments; how many there were."""
        kills = 0
        while True:
            process = harness.start('run', script, *flags, cwd=self.directory, env=self.env)
            try:
                process.communicate(timeout=chance.uniform(0.02, 1.5) if kills < most else 300)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                time.sleep(0.05)
                continue
            assert process.returncode == 0, process.returncode
            return kills


def row(chance, key):
    """A row of TABLE, field by field in binary form."""
    def maybe(field):
        return None if chance.random() < 0.1 else field
    return [key.encode(), maybe(vectors.vector(chance.singles(3))),
            maybe(vectors.vector(chance.singles(chance.randint(1, 20)))),
            maybe(vectors.halfvec(chance.halves(3))),
            maybe(vectors.halfvec(chance.halves(chance.randint(1, 9)))),
            maybe(vectors.sparsevec(chance.sparse(9, 9))),
            maybe(vectors.sparsevec(chance.sparse(chance.choice((1, 50, 10**9)), 12))),
            maybe(vectors.bit(chance.bits(11))), maybe(vectors.bit(chance.bits(chance.randint(0, 40)))),
            maybe(vectors.jsonb(chance.choice(METADATA))), maybe(chance.text().encode()),
            maybe(chance.randint(-2**63, 2**63 - 1).to_bytes(8, 'big', signed=True))]


def rows_of(seed, count):
    chance = vectors.Random(seed)
    keys = sorted({chance.text() + str(n) for n in range(count)}, key=lambda key: key.encode())
    return [row(chance, key) for key in keys]


def plain(fields):
    """A row without its metadata, which is compared as what it says."""
    return [field for name, field in zip(NAMES, fields) if name != 'meta']


def metadata(fields):
    text = fields[NAMES.index('meta')]
    return None if text is None else ('json', json.loads(text[1:], parse_float=Decimal))


class Round(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = PgVector()

    def assert_same(self, case):
        stored = case.docs(case.target)
        self.assertEqual(len(stored), len(case.rows))
        for wanted, found in zip(case.rows, stored):
            self.assertEqual(plain(found), plain(wanted), wanted[0])
            self.assertEqual(metadata(found), metadata(wanted), wanted[0])

    def test_s1_13_every_bit_there_and_back(self):
        for seed in range(3):
            with self.subTest(seed=seed):
                case = Case(self.servers, rows_of(seed, 700))
                self.assertEqual(case.lugger('run', 'out.lua').books()['inserted'], 700)
                self.assertRegex(case.verified('out.lua').out, r'out: equal, 700 rows')
                self.assertEqual(case.lugger('run', 'back.lua', '--create').books()['inserted'], 700)
                self.assertRegex(case.verified('back.lua').out, r'back: equal, 700 rows')
                self.assert_same(case)

    def test_s1_13_lines_say_the_same_to_others(self):
        """A reader that has only doubles gets every float."""
        case = Case(self.servers, rows_of(7, 400))
        case.lugger('run', 'out.lua')
        lines = (case.directory / 'docs.jsonl').read_text(encoding='utf-8').split('\n')[:-1]
        self.assertEqual(len(lines), 400)
        lines = sorted(map(json.loads, lines), key=lambda one: one['id'].encode())
        for line, wanted in zip(lines, case.rows):
            fields = dict(zip(NAMES, wanted))
            self.assertEqual(line['id'].encode(), fields['id'])
            for name in 'vw':
                found = line[name] and vectors.vector([vectors.bits_of(float(x)) for x in line[name]])
                self.assertEqual(found, fields[name], line['id'])
            self.assertEqual(line['b'] and vectors.bit(line['b']), fields['b'])
            self.assertEqual('meta' in line, fields['meta'] is not None)

    def test_s1_13_the_types_come_from_the_source(self):
        case = Case(self.servers, rows_of(8, 1))
        case.source.query('delete from docs')
        case.lugger('run', 'out.lua')
        case.lugger('run', 'back.lua', '--create')
        types = case.target.query(
            "select string_agg(attname || ' ' || format_type(atttypid, atttypmod), ', ' order by attnum) "
            "from pg_attribute where attrelid = 'docs'::regclass and attnum > 0")
        self.assertEqual(types, 'id text, v vector(3), w vector, h halfvec(3), i halfvec, s sparsevec(9), '
                         't sparsevec, b bit(11), c bit varying, meta jsonb, body text, n bigint')
        described = case.lugger('describe', case.source.url, '--table', 'docs').out
        self.assertRegex(described, r'(?m)^v .* vector\(3\)$')

    def test_s1_13_arrays_of_vectors(self):
        case = Case(self.servers, [], 'create table docs (id text primary key, v {x}.vector(2)[], '
                    'h {x}.halfvec[], s {x}.sparsevec[], b bit(3)[], deep int4[])')
        quoted = SCHEMA.replace('"', '""')
        case.source.query(f'''set search_path = public, "{quoted}"; insert into docs values
          ('a', '{{"[1e-45,-0]","[3.4028235e38,7.038531e-26]",NULL}}', '{{"[65504,-0]"}}',
           '{{"{{1:1e-30,7:2}}/9"}}', '{{101,010}}', '{{1,2}}'), ('b', '{{}}', NULL, '{{}}', '{{}}', NULL)''')
        case.lugger('run', 'out.lua')
        self.assertRegex(case.verified('out.lua').out, 'equal, 2 rows')
        case.lugger('run', 'back.lua', '--create')
        self.assertRegex(case.verified('back.lua').out, 'equal, 2 rows')
        # Elements have the OIDs of their own database: compared as text.
        text = 'id, v::text, h::text, s::text, b::text, deep::text'
        self.assertEqual(case.docs(case.source, text), case.docs(case.target, text))

    def test_numbers_that_json_has_not_and_json_that_lines_have_not(self):
        case = Case(self.servers, [], 'create table docs (id text primary key, v {x}.vector(2), '
                    'f float4[], d float8[], n numeric[], r real, j json)')
        case.source.query("""insert into docs values
          ('a', null, '{NaN,1e-45,-0}', '{Infinity,-Infinity,NULL}', '{NaN,1.5}', 'NaN',
           E'{"b":  [1,\\r\\n 2], "a\\\\nb": 1.5}'),
          ('b', null, '{}', '{1,NaN}', null, '-Infinity', 'null')""")
        told = case.lugger('run', 'out.lua').err
        self.assertIn('j: of json a line keeps the value, not its text', told)
        lines = [json.loads(line) for line in (case.directory / 'docs.jsonl').read_text().splitlines()]
        self.assertEqual((lines[0]['f'][0], lines[0]['j']), ('NaN', {'b': [1, 2], 'a\nb': 1.5}))
        self.assertRegex(case.verified('out.lua').out, 'equal, 2 rows')
        case.lugger('run', 'back.lua', '--create')
        text = 'id, f::text, d::text, n::text, r::text, j::jsonb::text'
        self.assertEqual(case.docs(case.source, text), case.docs(case.target, text))
        (case.directory / 'strict.lua').write_text(BACK.replace(
            "columns = lugger.source(lugger.env.SOURCE, { table = 'docs' }):columns()",
            "columns = { { 'id', 'text' }, { 'f', 'float4[]' } }, unmapped = 'ignore'")
            .replace("table = 'docs', key", "table = 'strict', key").replace("'back'", "'strict'"))
        case.lugger('run', 'strict.lua', '--create', expect=3)
        self.assertIn('non_finite = "null" or "keep"', case.lugger('rejects', 'strict.lua').out)

    def test_what_lines_do_not_keep_of_arrays_is_told(self):
        case = Case(self.servers, [], 'create table docs (id text primary key, v {x}.vector(2), '
                    'n int4[], j jsonb[])')
        case.source.query("""insert into docs values ('a', null, '{1,NULL}', array['{"a":1}']::jsonb[])""")
        told = case.lugger('run', 'out.lua').err
        self.assertNotIn('arrays', told)
        case.source.query("""insert into docs values ('b', null, '[0:1]={1,2}', array['null', NULL]::jsonb[]),
          ('c', null, '[5:5]={1}', '{}'), ('d', null, '{{1,2},{3,4}}', null)""")
        told = case.lugger('run', 'out.lua').err
        for words in ('arrays that do not begin at 1: 2', 'arrays of several dimensions: 1',
                      'arrays of json with NULL as an element: 1'):
            self.assertIn(words, told)

    def test_s1_13_json_keeps_its_very_digits(self):
        """Through lines, and through a hook that decodes text: scale, exponents, lookalikes."""
        case = Case(self.servers, [], 'create table docs (id text primary key, meta jsonb)')
        for key, meta in enumerate(DIGITS):
            case.source.query(f"insert into docs values ('d{key}', {meta})")
        case.lugger('run', 'out.lua')
        self.assertRegex(case.verified('out.lua').out, 'equal')
        case.lugger('run', 'back.lua', '--create')
        self.assertRegex(case.verified('back.lua').out, 'equal')
        wanted = case.source.rows('select id, meta::text from docs order by id')
        self.assertEqual(case.target.rows('select id, meta::text from docs order by id'), wanted)
        for name, column, hook in (
                ('text', "{ 'meta', 'jsonb', json_text = true }", ''),
                ('hook', "{ 'meta', 'jsonb', json_null = true, computed = true }",
                 "map = function(row, doc) if doc.meta ~= lugger.null then "
                 "row.meta = json.decode(doc.meta, 'plain') end end")):
            (case.directory / 'again.lua').write_text(
                AGAIN % {'name': name, 'column': column, 'hook': hook}, encoding='utf-8')
            case.lugger('run', 'again.lua', '--create')
            self.assertRegex(case.verified('again.lua').out, 'equal')
            self.assertEqual(case.target.rows(f'select id, meta::text from docs_{name} order by id'), wanted)

    def test_s1_13_null_of_a_row_stays_null_through_a_hook(self):
        case = Case(self.servers, [], 'create table docs (id text primary key, meta jsonb)')
        case.source.query("insert into docs values ('a', null), ('b', 'null'), ('c', '{\"x\": null}'), "
                          "('d', null), ('e', 'null'), ('f', '1'), ('g', '1')")
        (case.directory / 'through.lua').write_text('''
local lugger = require 'lugger'
local from = lugger.source(lugger.env.SOURCE, { table = 'docs', key = 'id' })
return lugger.copy { name = 'through', from = from, columns = from:columns(),
  into = lugger.target(lugger.env.TARGET, { table = 'docs', key = 'id' }),
  map = function(row, doc)
    if doc.id < 'd' then row.meta = doc.meta end
    if doc.id == 'd' or doc.id == 'e' then return { { meta = doc.meta } } end
    if doc.id == 'f' then row.meta = nil end
    if doc.id == 'g' then row.meta = lugger.null end
  end }
''', encoding='utf-8')
        case.lugger('run', 'through.lua', '--create')
        self.assertEqual(case.target.rows('select id, meta::text from docs order by id'),
                         [['a', '\\N'], ['b', 'null'], ['c', '{"x": null}'], ['d', '\\N'], ['e', 'null'],
                          ['f', '\\N'], ['g', 'null']])
        self.assertRegex(case.verified('through.lua').out, 'equal')

    def test_s1_13_killed_at_random_and_resumed(self):
        chance = random.Random(11)
        numbers = vectors.Random(11)
        rows = [[f'{n:06}'.encode(), vectors.vector(numbers.singles(64)), vectors.jsonb('{"n": %d}' % n)]
                for n in range(30000)]
        case = Case(self.servers, rows,
                    'create table docs (id text primary key, v {x}.vector(64), meta jsonb)')
        kills = case.run_killed('out.lua', '-j', '3', chance=chance)
        self.assertRegex(case.verified('out.lua').out, 'equal, 30,000 rows')
        kills += case.run_killed('back.lua', '--create', '-j', '3', chance=chance)
        self.assertRegex(case.verified('back.lua').out, 'equal, 30,000 rows')
        self.assertGreater(kills, 0)
        self.assertEqual(case.docs(case.target, 'id, v, meta'), rows)

    def test_s1_13_verify_sees_a_bit(self):
        case = Case(self.servers, rows_of(12, 50))
        case.source.query("update docs set v = '[0,1,2]'")
        case.lugger('run', 'out.lua')
        file = case.directory / 'docs.jsonl'
        lines = file.read_text(encoding='utf-8').split('\n')
        key = json.loads(lines[7])['id']
        lines[7] = lines[7].replace('"v":[0,1,2]', '"v":[-0.0,1,2]')
        lines[9] = lines[9].replace('"v":[0,1,2]', '"v":[0,1]')
        lines.append(lines.pop(3).replace('[0,1,2]', '[0,1,2.0000002]'))
        file.write_text('\n'.join(lines[1:]), encoding='utf-8')
        found = case.lugger('verify', 'out.lua', expect=4).out
        self.assertRegex(found, r'docs +50 +48 +46 +2 +0 +2')
        self.assertIn(json.dumps(key, ensure_ascii=False)[1:-1].split('\\')[0], found)


if __name__ == '__main__':
    harness.main()
