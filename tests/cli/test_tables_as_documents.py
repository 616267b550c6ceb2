"""Lua tables become BSON: random tables beside tests/support/bson.py, in scripts and in hooks."""
import random
import unittest
from pathlib import Path

import bson
import harness
from bson import Decimal128, Int64, ObjectId

WORDS = ('a', 'b', 'name', 'x y', 'ä', 'a.b', '1', '', 'end', 'long' * 20)


def text(value):
    return '"' + ''.join(f'\\{byte:03d}' for byte in value.encode()) + '"'


def scalar(rng):
    """Lua source, and what it is stored as."""
    whole = rng.choice((0, -1, 7, 2**31 - 1, 2**31, -2**31, -2**31 - 1, 2**53, rng.randrange(-2**40, 2**40)))
    word = rng.choice(WORDS)
    return rng.choice((
        (str(whole), whole), (text(word), word), ('true', True), ('false', False), ('lugger.null', None),
        ('0.5', 0.5), ('-0.0', -0.0), ('1e300', 1e300), ('lugger.double(3)', 3.0),
        ('9007199254740993LL', Int64(9007199254740993)), ('5LL', Int64(5)),
        ('lugger.decimal "12.50"', Decimal128('12.50')),
        (f'lugger.objectid "{"0a" * 12}"', ObjectId('0a' * 12)), ('lugger.date(1500)', bson.Date(1500)),
        ('lugger.json.decode [[{"z": 1, "a": [true]}]]', {'z': 1, 'a': [True]}),
    ))


def pair(rng, depth):
    kind = rng.random()
    if depth > 4 or kind < 0.6:
        return scalar(rng)
    children = [pair(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 3, 12)))]
    if kind < 0.75:
        return 'lugger.array { ' + ', '.join(c[0] for c in children) + ' }', [c[1] for c in children]
    return document(rng, depth)


def document(rng, depth):
    names = rng.sample(WORDS, rng.randrange(len(WORDS)))
    values = {name: pair(rng, depth + 1) for name in names}
    source = '{ ' + ', '.join(f'[{text(n)}] = {values[n][0]}' for n in names) + ' }'
    order = rng.sample(names, len(names)) if rng.random() < 0.5 else []
    order = order[:rng.randrange(len(order) + 1)]
    stored = [*order, *sorted((n for n in names if n not in order), key=str.encode)]
    if order or not names:
        source = f'lugger.document({source}, {{ {", ".join(map(text, order))} }})'
    return source, {n: values[n][1] for n in stored}


class Tables(unittest.TestCase):
    def run_lua(self, source, expect=0):
        directory = Path(harness.scratch())
        (directory / 'a.lua').write_text("local lugger = require 'lugger'\n" + source, encoding='utf-8')
        return harness.lugger('--lua', 'a.lua', cwd=directory, expect=expect)

    def test_random_tables(self):
        rng = random.Random(20)
        cases = [document(rng, 0) for _ in range(400)]
        lines = [f'show(function() return {source} end)' for source, _ in cases]
        out = self.run_lua('''
local function show(make)
  print((lugger.json.to_bson(make()):gsub('.', function(c) return ('%02x'):format(c:byte()) end)))
end
''' + '\n'.join(lines)).out.split('\n')
        for (source, stored), line in zip(cases, out):
            self.assertEqual(line, bson.encode(stored).hex(), source)

    def test_in_a_hook(self):
        rng = random.Random(21)
        cases = [document(rng, 0) for _ in range(120)]
        directory = Path(harness.scratch())
        bson.write(directory / 'docs.bson', [{'_id': i} for i in range(len(cases))])
        makers = ',\n'.join(f'function() return {source} end' for source, _ in cases)
        (directory / 'job.lua').write_text(f'''local lugger = require 'lugger'
local makers = {{ {makers} }}
return lugger.copy {{
  from = lugger.source 'docs.bson', into = lugger.target 'out.jsonl',
  columns = {{ {{ 'id', 'int4', from = '_id' }}, {{ 'd', 'jsonb' }}, {{ 'same', 'bool' }} }},
  map = function(row, doc)
    row.d = makers[doc._id + 1]()
    row.same = lugger.json.to_bson(row.d) == lugger.json.to_bson(makers[doc._id + 1]())
  end,
}}''', encoding='utf-8')
        harness.lugger('run', 'job.lua', '-j', '1', cwd=directory)
        text_of = (directory / 'out.jsonl').read_text(encoding='utf-8')
        self.assertEqual(text_of.count('"same":true'), len(cases))

    def test_what_no_document_holds(self):
        for source, message in (
                ('{ a = print }', 'a function cannot be part of a document'),
                ('{ a = { 1, x = 2 } }', 'a list also has the key "x"'),
                ('{ a = { 1, [2.5] = 2 } }', 'a list also has the key "2.5"'),
                ('{ a = { 1, [0] = 2 } }', 'a list also has the key "0"'),
                ('{ a = { 1, [2^40] = 2 } }', 'a list has an element 1099511627776'),
                ('{ [true] = 1 }', 'a document has a key that is a boolean'),
                (r'{ ["a\0b"] = 1 }', 'the name of a field holds a NUL byte'),
                ('{ a = { lugger.remove } }', 'lugger.remove is for doc:with alone'),
                ('own', 'nested deeper than 190 levels, or a table holds itself')):
            with self.subTest(source):
                result = self.run_lua('local own = {} own.own = own\n'
                                      f'print(lugger.json.to_bson({source}))', expect=1)
                self.assertIn(message, result.err)
                self.assertIn('a.lua:3', result.err)

    def test_an_error_on_the_way_leaves_the_next_one_whole(self):
        self.run_lua('''
for _ = 1, 3 do
  assert(not pcall(lugger.json.to_bson, { x = 1, y = { 1, { print } } }))
  assert(lugger.json.encode { 1, { 2 }, 'ä' } == '[1,[2],"ä"]')
end''')


if __name__ == '__main__':
    unittest.main()
