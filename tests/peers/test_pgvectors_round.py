"""pgvector -> PGVecto.rs -> pgvector, and by way of JSON lines: every bit of every type, against the double
of the extension (its layouts are the documented ones; the extension itself was not run)."""
import json
import struct
import unittest

import harness
import vectors
from pgvectors import PgVectors
from vector_tables import Tables

COPY = '''
local lugger = require 'lugger'
return lugger.copy {{ name = '{name}',
  from = lugger.source(lugger.env.SOURCE, {{ table = '{source}', key = 'id' }}),
  into = lugger.target(lugger.env.TARGET, {{ table = '{target}', key = 'id'{options} }}),
  columns = {{ {{ 'id', 'int8' }}, {columns} }}{more} }}
'''
THERE = {'v': 'vectors.vector(3)', 'w': 'vectors.vector', 'h': 'vectors.vecf16(3)', 's': 'vectors.svector(9)',
         't': 'vectors.svector', 'b': 'vectors.bvector(67)', 'c': 'vectors.bvector'}
BACK = {'v': 'vector(3)', 'w': 'vector', 'h': 'halfvec(3)', 's': 'sparsevec(9)', 't': 'sparsevec',
        'b': 'bit(67)', 'c': 'varbit'}


def columns_of(types, **options):
    return ', '.join(f"{{ '{name}', '{type_}'{options.get(name, '')} }}" for name, type_ in types.items())


def row(chance, key):
    def maybe(field):
        return None if chance.random() < 0.1 else field
    return [struct.pack('>q', key), maybe(vectors.vector(chance.singles(3))),
            maybe(vectors.vector(chance.singles(chance.randint(1, 40)))),
            maybe(vectors.halfvec(chance.halves(3))), maybe(vectors.sparsevec(chance.sparse(9, 9))),
            maybe(vectors.sparsevec(chance.sparse(chance.choice((1, 50, 1048575)), 12))),
            maybe(vectors.bit(chance.bits(67))), maybe(vectors.bit(chance.bits(chance.randint(1, 200))))]


class Case(Tables):
    """A table of pgvector's types in one database, PGVecto.rs in another, and a third like the first."""

    def __init__(self, server, rows, version='0.4.0', types=None):
        types = types or BACK
        super().__init__()
        self.source, self.back = (server.fresh(vectors=None) for _ in range(2))
        self.there = server.fresh(schema=None, vectors=version)
        self.source.query('create table docs (id int8 primary key, ' +
                          ', '.join(f'{name} {type_}' for name, type_ in types.items()) + ')')
        self.rows = rows
        self.fill(self.source, rows)

    def docs(self, database, table='docs'):
        return self.stored(database, f'select * from {table} order by id')

    def lugger(self, *words, source=None, target=None, expect=0):
        env = {'SOURCE': (source or self.source).url, 'TARGET': (target or self.there).url}
        return harness.lugger(*words, cwd=self.directory, env=env, expect=expect)

    def job(self, name, types, source='docs', target='docs', options='', more='', **columns):
        file = self.directory / f'{name}.lua'
        file.write_text(COPY.format(name=name, source=source, target=target, options=options, more=more,
                                    columns=columns_of(types, **columns)), encoding='utf-8')
        return file.name


class Round(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVectors()

    def case(self, seed, count, **more):
        chance = vectors.Random(seed)
        return Case(self.server, [row(chance, key) for key in range(count)], **more)

    def through(self, case, types=None, back=None):
        """There and back, each verified by lugger; what arrives is what left."""
        count = len(case.rows)
        there = case.job('there', types or THERE)
        self.assertEqual(case.lugger('run', there, '--create').books()['inserted'], count)
        self.assertRegex(case.lugger('verify', there).out, f'there: equal, {count} rows')
        home = case.job('home', back or BACK)
        ends = {'source': case.there, 'target': case.back}
        self.assertEqual(case.lugger('run', home, '--create', **ends).books()['inserted'], count)
        self.assertRegex(case.lugger('verify', home, **ends).out, f'home: equal, {count} rows')
        self.assertEqual(case.docs(case.back), case.rows)

    def test_s2_07_every_bit_there_and_back(self):
        for version in ('0.4.0', '0.3.0'):
            with self.subTest(version=version):
                case = self.case(3, 400, version=version)
                self.through(case)
                types = case.there.query("select string_agg(format_type(atttypid, atttypmod), ' ' order by "
                                         "attnum) from pg_attribute where attrelid = 'docs'::regclass and "
                                         'attnum > 1')
                self.assertEqual(types, ' '.join(THERE.values()))
                # What the server says of them, in its own words.
                first = next(one for one in case.rows if one[6] is not None)
                key = struct.unpack('>q', first[0])[0]
                bits = case.there.query(f'select b from docs where id = {key}')
                self.assertEqual(bits[1:-1].replace(', ', ''),
                                 case.source.query(f'select b from docs where id = {key}'))

    def test_s2_10_sparse_indices_begin_at_0_there(self):
        rows = [[struct.pack('>q', 1), vectors.sparsevec((5, {0: 0xBF800000, 4: 0x40000000}))],
                [struct.pack('>q', 2), vectors.sparsevec((1048575, {1048574: 0x3F800000}))]]
        case = Case(self.server, rows, types={'t': 'sparsevec'})
        self.through(case, {'t': 'vectors.svector'}, {'t': 'sparsevec'})
        self.assertEqual(case.there.query('select t from docs order by id'),
                         '{0:-1, 4:2}/5\n{1048574:1}/1048575')

    def test_s2_08_version_0_2_has_text_alone(self):
        types = {'v': 'vector(3)', 'w': 'vector', 'h': 'halfvec(3)'}
        there = {'v': 'vectors.vector(3)', 'w': 'vectors.vector', 'h': 'vectors.vecf16(3)'}
        chance = vectors.Random(9)
        rows = [row(chance, key)[:4] for key in range(300)]
        case = Case(self.server, rows, version='0.2.1', types=types)
        self.through(case, there, types)

    def test_s2_09_updates_change_what_changed(self):
        """Through the staging table, and a second run finds nothing to do."""
        case = self.case(4, 200)
        job = case.job('there', THERE, options=", on_conflict = 'update'")
        case.lugger('run', job, '--create')
        case.there.query("update docs set b = '[" + ','.join('1' * 67) + "]' where id < 5")
        case.there.query("update docs set t = '{1:1}/2', v = '[1,2,3]' where id = 6")
        books = case.lugger('run', job).books()
        self.assertEqual((books['updated'], books['unchanged']), (6, 194))
        self.assertRegex(case.lugger('verify', job).out, 'equal, 200 rows')
        case.there.query("update docs set c = '[1,0]', s = '{8:5}/9' where id = 7")
        case.lugger('verify', job, expect=4)

    def test_s1_13_json_lines_and_back(self):
        case = self.case(5, 300)
        case.lugger('run', case.job('there', THERE), '--create')
        for name, text in (('out.lua', """
local from = lugger.source(lugger.env.SOURCE, { table = 'docs', key = 'id' })
return lugger.copy { name = 'out', from = from, columns = from:columns(),
  into = lugger.target('docs.jsonl', { table = 'docs', key = 'id' }) }"""),
                           ('home.lua', f"""return lugger.copy {{ name = 'home',
  from = lugger.source('docs.jsonl', {{ style = 'plain' }}),
  into = lugger.target(lugger.env.TARGET, {{ table = 'docs', key = 'id' }}),
  columns = {{ {{ 'id', 'int8' }}, {columns_of(BACK)} }} }}"""),
                           ('again.lua', f"""return lugger.copy {{ name = 'again',
  from = lugger.source('docs.jsonl', {{ style = 'plain' }}),
  into = lugger.target(lugger.env.TARGET, {{ table = 'again', key = 'id' }}),
  columns = {{ {{ 'id', 'int8' }}, {columns_of(THERE)} }} }}""")):
            (case.directory / name).write_text("local lugger = require 'lugger'\n" + text, encoding='utf-8')
        case.lugger('run', 'out.lua', source=case.there)
        self.assertRegex(case.lugger('verify', 'out.lua', source=case.there).out, 'equal, 300 rows')
        case.lugger('run', 'home.lua', '--create', target=case.back)
        self.assertEqual(case.docs(case.back), case.rows)
        case.lugger('run', 'again.lua', '--create')
        self.assertEqual(case.docs(case.there, 'again'), case.docs(case.there))
        line = json.loads((case.directory / 'docs.jsonl').read_text(encoding='utf-8').split('\n')[0])
        self.assertIsInstance(line.get('b', ''), str)


if __name__ == '__main__':
    harness.main()
