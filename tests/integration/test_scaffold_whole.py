"""A scaffold loses nothing: random hostile collections are scaffolded and loaded, and every document
is rebuilt from the tables."""
import base64
import json
import random
import re
import unittest
from decimal import Decimal
from pathlib import Path

import bson
import harness
from bson import Binary, Code, Date, Decimal128, Int64, MaxKey, MinKey, Raw, Regex, Timestamp, Undefined
from harness import DATA, lugger
from scaffolding import Case, oid

NAMES = ['a', 'b.c', '$x', 'id', 'mongo_id', 'rest', 'ordinal', 'parent_id', 'x.', '.y', '*', 'z[]', '[',
         '\\', "it's", 'say "hi"', 'sp ace', '1', 'é😀', 'ctid', 'order', 'N' * 70, 'N' * 71, 'n',
         'tab\there', 'createdAt', 'created_at', '--', '%s', 'end', 'things', 'things_pkey']


def canonical(value):
    """A value as JSON-like data in which all that MongoDB tells apart differs, and 5 and 5.0 do not."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Int64, Decimal128)):
        number = value.value if isinstance(value, Int64) else Decimal(value.text) if isinstance(
            value, Decimal128) else value
        number = Decimal(number)
        return {'number': str(number) if not number.is_finite() else str(number.normalize() + 0)}
    if isinstance(value, Raw):
        return {'text': base64.b64encode(value.data[4:-1]).decode()}
    if isinstance(value, str):
        return {'text': base64.b64encode(value.encode('utf-8', 'surrogateescape')).decode()}
    if isinstance(value, dict):
        return {'document': {name: canonical(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {'array': [canonical(inner) for inner in value]}
    if isinstance(value, bytes):
        return {'binary': [0, base64.b64encode(value).decode()]}
    if isinstance(value, Binary):
        return {'binary': [value.subtype, base64.b64encode(value.data).decode()]}
    if value is Undefined or isinstance(value, Undefined):
        return 'undefined'
    if isinstance(value, (MinKey, MaxKey)):
        return type(value).__name__
    return repr(value)


TAGS = {
    '$oid': lambda v: bson.ObjectId(v), '$date': lambda v: Date(int(v['$numberLong'])),
    '$numberLong': lambda v: int(v), '$numberInt': lambda v: int(v),
    '$numberDouble': lambda v: float(v),
    '$numberDecimal': lambda v: Decimal128(v.upper() if v[-1].isdigit() else v),
    '$symbol': lambda v: untag(v),
    '$binary': lambda v: Binary(base64.b64decode(v['base64']), int(v['subType'], 16)) if v[
        'subType'] != '00' else base64.b64decode(v['base64']),
    '$regularExpression': lambda v: Regex(v['pattern'], v['options']),
    '$timestamp': lambda v: Timestamp(v['t'], v['i']), '$code': lambda v: Code(untag(v)),
    '$minKey': lambda v: MinKey(), '$maxKey': lambda v: MaxKey(), '$undefined': lambda v: Undefined(),
    '$string': lambda v: base64.b64decode(v['base64']).decode('utf-8', 'surrogateescape'),
    '$document': lambda v: {k: untag(x) for k, x in v.items()},
}


def untag(value):
    """Typed jsonb back to what it was."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in TAGS:
            name, inner = next(iter(value.items()))
            return TAGS[name](inner)
        return {name: untag(inner) for name, inner in value.items()}
    if isinstance(value, Decimal):   # every other number says what it is
        return float(value)
    return [untag(inner) for inner in value] if isinstance(value, list) else value


class Rebuilt:
    """Documents from the tables of a script, as its job describes them."""

    def __init__(self, database, script):
        self.database, self.job = database, script

    def rows(self, table):
        name = '.'.join('"' + part.replace('"', '""') + '"' for part in [table])
        # jsonb keeps numerics of any length; floats would not.
        text = self.database.query(f'select coalesce(json_agg("whole row"), \'[]\') from {name} "whole row"')
        return json.loads(text, parse_float=Decimal, parse_int=int)

    def cell(self, column, value):
        kind = column['type']
        if value is None:
            return None
        if kind == 'jsonb':
            return untag(value)
        if kind.endswith('[]'):
            return [self.cell({**column, 'type': kind[:-2]}, inner) for inner in value]
        if kind in ('numeric', 'float8') or kind.startswith('int'):
            return Decimal128(str(value)) if not isinstance(value, int) else value
        return {'as': kind, 'text': value} if kind in ('timestamptz', 'bytea', 'uuid') else value


class Whole(Case):
    def values(self, rnd):
        text = lambda: rnd.choice(['', 'x', '12', '007', '12.50', '2026-01-05', '2026-01-05T10:00:00.000Z',
                                   'true', 'é' * rnd.randint(0, 5), 'n' * 80, "q'\"\\"])
        odd = lambda: rnd.choice(['a\0b', '\0', Raw(2, bson.string(b'\xff\xfe')),
                                  Raw(2, bson.string(b'x\xc3')), 'fine'])
        number = lambda: rnd.choice([0, 5, -3, 5.0, 0.1, 1e300, -0.0, float('nan'), float('inf'),
                                     Int64(2**62), Int64(5), Decimal128('5'), Decimal128('0.1'),
                                     Decimal128('1E+30'), Decimal128('NaN')])
        moment = lambda: Date(rnd.choice([0, 1773221400123, -1, 2**60]))
        nested = lambda: {rnd.choice(['p', '$oid', '$date', '$x', 'a.b', '']): rnd.choice([
                              text(), odd(), number(), moment(), [number(), text()]])}
        binary = lambda: Binary(b'\0\1\2', rnd.choice([0, 2, 5, 128]))
        special = lambda: rnd.choice([Regex('^a', 'i'), Timestamp(5, 6), Code('f()'), MinKey(), MaxKey(),
                                      Undefined(), None, True, oid(rnd.randint(1, 9))])
        items = lambda: [{'sku': text(), 'odd': odd(), 'n': number(), 'x.': 1}
                         for _ in range(rnd.randint(1, 3))]
        plain = [lambda: rnd.randint(0, 9), text, odd, number, moment, nested, binary, special, items,
                 lambda: [text() for _ in range(rnd.randint(0, 3))], lambda: [odd()],
                 lambda: [[number()], []], lambda: oid(rnd.randint(1, 999)), lambda: rnd.random() < 0.5,
                 lambda: {'$oid': 'not one'}]
        return plain

    def documents(self, seed, count):
        rnd = random.Random(seed)
        makers = self.values(rnd)
        fields = {name: rnd.choice(makers) for name in rnd.sample(NAMES, 16)}
        out = []
        for number in range(count):
            document = {'_id': rnd.choice([number, oid(number), f'k{number}', {'k': number}])}
            for name, make in fields.items():
                if rnd.random() < 0.85:
                    document[name] = make() if rnd.random() < 0.95 else rnd.choice(makers)()
            out.append(document)
        return out

    def write(self, documents):
        self.dir = Path(harness.scratch())
        (self.dir / 'dump/shop').mkdir(parents=True)
        bson.write(self.dir / 'dump/shop/things.bson', documents)
        return self.dir / 'dump'

    def shape(self):
        """The columns of every table, where each comes from and how."""
        (self.dir / 'shape.lua').write_text("""
local job = dofile(arg[1])
local json = require 'lugger.inner.base.json_text'
local function columns(list)
  local out = {}
  for i, c in ipairs(list) do out[i] = { name = c[1], type = c[2],
    from = c.from or c[1], generate = c.generate, ref = c.ref and true } end
  return json.list(out)
end
local function table_of(spec, name)
  local children = {}
  for i, child in ipairs(spec.children or {}) do children[i] = table_of(child, child.table);
  children[i].from = child.from end
  return { table = name, columns = columns(spec.columns), children = json.list(children), parent = spec.parent
    and spec.parent[1], ordinal = spec.ordinal }
end
print(json.encode(table_of(job.spec, job.spec.into.options.table)))
""")
        return json.loads(lugger('--lua', 'shape.lua', self.out / 'things.lua', cwd=self.dir,
                                 env={'PG_URI': 'local:./x'}).out)

    def rebuild(self, database, table, parent_key=None):
        """Rows as {key: [(ordinal, fields)]}: each field with the text that its column has."""
        rows = Rebuilt(database, None).rows(table['table'])
        below = [(child, self.rebuild(database, child, True)) for child in table['children']]
        out = {}
        for row in rows:
            fields = {}
            for column in table['columns']:
                if column.get('generate') or column['from'] == '_id' or column.get('ref'):
                    continue
                value = row[column['name']]
                if column['from'] == '*':
                    fields.update({name: ('jsonb', inner) for name, inner in (value or {}).items()})
                elif value is not None:
                    fields[re.sub(r'\\(.)', r'\1', column['from'])] = (column['type'], value)
            key = row['id'] if parent_key is None else row[
                next(name for name in row if name == (
                         table.get('parent') or 'parent_id') or name.startswith('parent'))]
            out.setdefault(key, []).append((row.get('ordinal', 0), row, fields))
        for child, found in below:
            name = re.sub(r'\\(.)', r'\1', child['from'][:-2])
            for _, entries in out.items():
                for _, row, fields in entries:
                    of_row = sorted(found.get(row.get('id', key), []), key=lambda e: e[0])
                    if of_row and parent_key is None:
                        fields[name] = ('rows', [inner for _, _, inner in of_row])
        return out

    def same(self, kind, cell, value, where):
        """A cell holds the value: as itself, or in the one text that it has."""
        told = f'{where}: {kind} {cell!r} is not {value!r}'
        if kind == 'rows':
            self.assertEqual(len(cell), len(value), told)
            for row, document in zip(cell, value):
                self.all_fields(row, document, where)
        elif kind == 'jsonb':
            self.assertEqual(canonical(untag(cell)), canonical(value), told)
        elif kind.endswith('[]'):
            self.assertEqual(len(cell), len(value), told)
            for one, inner in zip(cell, value):
                self.same(kind[:-2], one, inner, where) if inner is not None else self.assertIsNone(one, told)
        elif kind == 'numeric' or kind == 'float8' or kind.startswith('int'):
            number = value if not isinstance(value, str) else Decimal128(value)
            self.assertEqual(
                canonical(Decimal128(str(cell)) if not isinstance(cell, int) else cell)['number'],
                str(Decimal(repr(number)).normalize() + 0)
                    if isinstance(number, float) and kind == 'numeric' else canonical(number)['number'],
                told)
        elif kind == 'text':
            if isinstance(value, str):
                self.assertEqual(cell, value, told)
            else:
                # another type's one text: the comment tells how many
                self.assertTrue(cell != '' or isinstance(value, Code), told)
        elif kind == 'bool':
            self.assertIn(cell, (value, {'true': True, 'false': False}.get(str(value).lower())), told)
        elif kind == 'bytea':
            self.assertEqual(bytes.fromhex(cell[2:]), value if isinstance(value, bytes) else value.data, told)
        else:
            self.assertTrue(cell, told)

    def all_fields(self, fields, document, where):
        for name, value in document.items():
            if name == '_id' and where.count('.') == 0:
                continue
            if value is None or isinstance(value, Undefined) or value == []:
                if name in fields:
                    kind, cell = fields[name]
                    self.assertIn(canonical(untag(cell)) if kind == 'jsonb' else cell,
                                  (None, [], 'undefined', {'array': []}), f'{where}.{name}')
                continue
            self.assertIn(name, fields, f'{where}: {name} = {value!r} is lost')
            self.same(*fields[name], value, f'{where}.{name}')

    def check(self, documents):
        source = self.write(documents)
        done = self.scaffold(source)
        database, result = self.load(expect=(0, 3))
        refused = int(re.search(r'(?m)^shop\.things +\S+ +[\d,]+ +\d+ +\d+ +([\d,]+)$', done.out)[1])
        books = result.books()
        self.assertEqual(books['rejected'], refused, f'{done!r}\n{result!r}')
        shape = self.shape()
        found = self.rebuild(database, shape)
        ids = dict(line.split('\x1f') for line in database.query(
                       f'''select id || E'\\x1f' || mongo_id from "{shape['table']}"''').split('\n'))
        by_id = {ids[key]: entries[0][2] for key, entries in found.items()}
        rebuilt = 0
        for document in documents:
            text = {int: lambda v: f'$n:{v}', str: lambda v: v,
                    dict: lambda v: '$o:' + json.dumps(v, separators=(',', ':')),
                    bson.ObjectId: lambda v: v.hex}[type(document['_id'])](document['_id'])
            if text in by_id:
                rebuilt += 1
                self.all_fields(by_id[text], document, text.replace('.', '_'))
        self.assertEqual(rebuilt, len(documents) - refused)
        verdict = lugger('verify', self.out / 'all.lua', cwd=self.dir,
                         env={'PG_URI': database.url, 'MONGO_URI': 'dump'}, expect=(0, 3))
        self.assertIn('equal', verdict.out + verdict.err)
        return refused

    def test_a15_random_hostile_documents_are_rebuilt_from_the_tables(self):
        for seed in range(8):
            with self.subTest(seed=seed):
                self.check(self.documents(seed, 60))

    def test_a15_nul_and_bad_utf8_are_kept_as_they_are(self):
        documents = [{'_id': n, 's': 'a\0b' if n % 2 else 'plain', 'list': ['x', 'y\0'],
                      'deep': {'in': ['\0', {'k': Raw(2, bson.string(b'\xff'))}]},
                      'items': [{'t': Raw(2, bson.string(b'\xe9t\xe9'))}], 'user': {'$string': 'x'}}
                     for n in range(9)]
        self.assertEqual(self.check(documents), 0)
        self.assertIn("'s', 'jsonb', json = 'typed', nul = 'tag'", self.text('things.lua'))
        self.assertIn('4 with a NUL byte', self.text('things.lua'))

    def test_a15_verify_says_which_policies_alter_values(self):
        source = self.write([{'_id': 1, 's': 'a\0b', 'n': 'no'}, {'_id': 2, 's': 'x', 'n': 5}])
        (self.dir / 'job.lua').write_text(f"""local lugger = require 'lugger'
return lugger.copy {{ from = lugger.source('{source}', {{ collection = 'shop.things' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'things', key = 'mongo_id', on_conflict = 'skip' }}),
  columns = {{ {{ 'mongo_id', 'text', from = '_id' }}, {{ 's', 'text', nul = 'strip' }},
    {{ 'n', 'int4', on_error = 'null' }} }} }}""")
        env = {'PG_URI': self.server.fresh().url}
        lugger('run', 'job.lua', '--create', cwd=self.dir, env=env)
        verdict = lugger('verify', 'job.lua', cwd=self.dir, env=env)
        self.assertIn('a value that these policies alter counts as equal: things.s (nul = "strip"), '
                      'things.n (on_error = "null")',
                      verdict.err + verdict.out)
        told = json.loads(lugger('verify', 'job.lua', '--json', cwd=self.dir, env=env).out)
        self.assertIn('things.s (nul = "strip")', json.dumps(told, ensure_ascii=False).replace('\\"', '"'))

    def test_a15_tag_is_for_typed_jsonb_alone(self):
        source = self.write([{'_id': 1, 's': 'x'}])
        self.scaffold(source)
        for column in ("{ 's', 'text', nul = 'tag' }", "{ 's', 'jsonb', utf8 = 'tag' }",
                       "{ 's', 'jsonb', json = 'plain', nul = 'tag' }"):
            script = self.text('things.lua').replace("{ 's', 'text' }", column)
            self.assertIn(column, script)
            (self.dir / 'job.lua').write_text(script)
            result = lugger('plan', 'job.lua', '--create', cwd=self.dir,
                            env={'PG_URI': self.server.fresh().url}, expect=1)
            self.assertIn('which only typed jsonb and json can say', result.err + result.out)


if __name__ == '__main__':
    harness.main()
