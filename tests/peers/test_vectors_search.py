"""docs:search on every store: the same hits in pgvector, in Weaviate and in files."""
import json
import random
import unittest
from pathlib import Path

import harness
from embeddings import vector_of
from harness import lugger
from peer_postgres import PgVector
from weaviate import live_weaviate

WORDS = ['cat', 'car', 'dog', 'a "quoted" one', "o'clock", 'zażółć', 'tab\tand line\n', '$where', 'ox', 'hen',
         'vet', 'oak']
INTO = '''
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.INTO, { %s key = 'id', %s }),
  columns = { { 'id', 'uuid' }, { 'word', 'text' }, { 'kind', 'text' }, { 'n', 'int4' }, { 'live', 'bool' },
              { 'embedding', 'vector(8)' } },
}
'''


def document(number):
    word = WORDS[number]
    return {'id': f'00000000-0000-4000-8000-{number:012}', 'word': word, 'n': number, 'live': number % 3 == 0,
            'kind': 'animal' if number % 2 == 0 else 'thing', 'embedding': vector_of(word)}


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()
        cls.weaviate = live_weaviate()
        cls.addClassCleanup(cls.weaviate.stop)

    def setUp(self):
        self.directory = Path(harness.scratch())
        (self.directory / 'docs.jsonl').write_text(
            ''.join(json.dumps(document(number)) + '\n' for number in range(len(WORDS))))
        self.database = self.server.fresh()
        self.env = {'PG': self.database.url, 'WEAVIATE': self.weaviate.url}

    def lugger(self, *args, expect=0, **env):
        return lugger(*args, cwd=self.directory, env={**self.env, **env}, expect=expect)

    def load(self, url, table='docs', options=''):
        (self.directory / 'into.lua').write_text(INTO % (f"table = '{table}',", options))
        self.lugger('run', 'into.lua', '--create', INTO=url)

    def found(self, place, query, options='', expect=0):
        """The words that are found, and their scores."""
        code = f'''for _, hit in ipairs({place}:search({query}, {{ {options} }})) do
            print(json.encode {{ hit.key or null, hit.score, hit.doc.word }}) end'''
        result = self.lugger('-e', code, expect=expect)
        return [json.loads(line) for line in result.out.splitlines()] if expect == 0 else result.err

    def places(self):
        self.load(self.database.url)
        name = f'Docs{random.randrange(10**9)}'
        self.load(self.weaviate.url, name)
        return {
            'file': ("source 'docs.jsonl'", "key = 'id',"),
            'postgres': ("source(env.PG, { table = 'docs' })", ''),
            'target': ("target(env.PG, { table = 'docs', key = 'id' })", ''),
            'weaviate': (f"source(env.WEAVIATE, {{ collection = '{name}' }})", ''),
            'class': (f"target(env.WEAVIATE, {{ table = '{name}', key = 'id' }})", ''),
        }

    def test_s1_28_every_store_finds_the_same_with_and_without_a_filter(self):
        query = '{ ' + ', '.join(map(repr, vector_of('what is asked'))) + ' }'
        places = self.places()
        self.database.query('create index on docs using hnsw (embedding vector_cosine_ops)')
        for options, least in (('k = 5', 5), ("k = 4, filter = { kind = 'animal' }", 4),
                               ("filter = { live = true, kind = 'animal' }", 2),
                               ('filter = { n = 4 }', 1), ('filter = { n = 400 }', 0)):
            answers = {name: self.found(place, query, more + options)
                       for name, (place, more) in places.items()}
            wanted = answers['file']
            self.assertEqual(len(wanted), least, options)
            for name, answer in answers.items():
                with self.subTest(options=options, place=name):
                    self.assertEqual([hit[2] for hit in answer], [hit[2] for hit in wanted])
                    for (_, score, _), (_, right, _) in zip(answer, wanted):
                        self.assertAlmostEqual(score, right, places=5)
                    if name not in ('weaviate', 'class'):
                        self.assertEqual([hit[0] for hit in answer], [hit[0] for hit in wanted])

    def test_a_hit_is_named_by_the_key_of_the_place(self):
        lines = [{'slug': f's"{i}', 'id': f'i{i}', 'word': WORDS[i], 'embedding': vector_of(WORDS[i])}
                 for i in range(5)]
        (self.directory / 'keyed.jsonl').write_text(''.join(json.dumps(one) + '\n' for one in lines))
        query = '{ ' + ', '.join(map(repr, vector_of(WORDS[3]))) + ' }'
        for place, options, wanted in (("source 'keyed.jsonl'", '', 'i3'),
                                       ("source 'keyed.jsonl'", "key = 'slug',", 's"3'),
                                       ("target('keyed.jsonl', { key = 'slug' })", '', 's"3'),
                                       ("target('keyed.jsonl', { key = 'slug' })", "key = 'id',", 'i3')):
            self.assertEqual(self.found(place, query, options + 'k = 1')[0][0], wanted, place)
        self.database.query("create table arrays (n int, slug text primary key, word text, e float4[]); "
                            "insert into arrays values (1, 'a.b', 'x', '{1,0}'), (2, 'c', 'y', '{0,1}')")
        found = self.found("source(env.PG, { table = 'arrays', key = 'slug' })", '{ 1, 0 }', 'k = 1')
        self.assertEqual(found[0][0], 'a.b')

    def test_one_word_for_a_metric(self):
        query = '{ ' + ', '.join(map(repr, vector_of('cat'))) + ' }'
        self.assertIn("metric = 'dot'", self.found("source 'docs.jsonl'", query, "metric = 'ip'", expect=1))
        self.assertEqual(len(self.found("source 'docs.jsonl'", query, "metric = 'dot', k = 3")), 3)

    def test_a_table_at_the_prompt(self):
        self.places()
        query = '{ ' + ', '.join(map(repr, vector_of('cat'))) + ' }'
        out = self.lugger('-e', f"source(env.PG, {{ table = 'docs' }}):search({query}, {{ k = 1 }})").out
        self.assertEqual(out.splitlines()[0].split(), ['id', 'cosine', 'word', 'kind', 'n', 'live'])
        self.assertEqual(out.splitlines()[1].split(),
                         ['00000000-0000-4000-8000-000000000000', '1', 'cat', 'animal', '0', 'true'])
        self.assertIn('no index is used', out)

    def test_json_of_a_hit_is_as_it_stands(self):
        self.database.query('''create table odd (id int primary key, meta jsonb, v vector(2));
          insert into odd values (1, '{"$date": "yesterday", "n": 3.14159265358979323846}', '[1,0]'),
            (2, '{"a": {"$oid": "64f1c0a2b3c4d5e6f7a8b901"}}', '[0,1]')''')
        shown = self.lugger('-e', '''
          local hits = source(env.PG, { table = 'odd', key = 'id' }):search { 1, 0 }
          print(hits[1].doc.meta['$date'], hits[1].doc.meta.n, hits[2].doc.meta.a:json())
          print(hits)''').out
        self.assertIn('yesterday\t3.14159265358979323846\t{"$oid":"64f1c0a2b3c4d5e6f7a8b901"}', shown)
        self.assertIn('{"n":3.14159265358979323846,"$date":"yesterday"}', shown)

    def test_tables_with_unfriendly_names_types_and_rights(self):
        self.database.query('''
            create table "od'd ""t" ("k0" int, "h" text, "Key, 2" text, distance float8, e halfvec(2),
              b bit(3), arr float4[], m jsonb, secret text, primary key ("Key, 2", "k0"));
            insert into "od'd ""t" values
              (1, 'x', 'a,b', 0.5, '[1,0]', '101', '{1,2}', '{"a": [1, null]}', 's'),
              (2, null, 'c\\d', 'NaN', '[0,1]', '100', null, 'null', 's')''')
        place = "source(env.PG, { table = [[public.od'd \"t]] })"
        out = self.lugger('-e', f"""local found = {place}:search {{ 1, 0.1 }}
            print(found[1].key, found[2].key, found[1].doc.m.a[1], found[1].doc.distance, found[1].doc.h)
            print(found)""").out
        self.assertEqual(out.splitlines()[0].split('\t'), ['a\\,b, 1', 'c\\\\d, 2', '1', '0.5', 'x'])
        query = 'source(env.PG, { query = [[select %s from "od\'d ""t"]] })'
        self.assertIn("column = 'NAME'", self.found(query % 'arr, arr as other', '{ 1, 2 }', expect=1))
        found = self.found(query % 'h as word, arr', '{ 1, 2 }')
        self.assertEqual([hit[2] for hit in found], ['x'])
        for query, options, said in (('{ 1 }', '', 'dimensions'), ('{ 1, 0 }', "column = 'nope'", 'nope'),
                                     ('{ 1, 0 }', "column = 'h'", 'no cosine distance|vector'),
                                     ('{ 1, 0 }', "filter = { nope = 1 }", 'no column nope'),
                                     ("'text'", '', 'makes no vectors of texts')):
            self.assertRegex(self.found(place, query, options, expect=1), said)
        for path, value, hits in (('m.a.0', '1', 1), ('m.a.0', '"1"', 1), ('m.a.0', '2', 0),
                                  ('m.nope', '1', 0)):
            found = self.found(place, '{ 1, 0 }', f"filter = {{ ['{path}'] = {value} }}")
            self.assertEqual(len(found), hits, path)
        for path, said in (('h.x', 'od.d "t.h is text'), ('n.x', 'no column n')):
            self.assertRegex(self.found(place, '{ 1, 0 }', f"filter = {{ ['{path}'] = 1 }}", expect=1), said)
        self.database.query('create table plain (a int); insert into plain values (1)')
        self.assertIn('no column with vectors',
                      self.found("source(env.PG, { table = 'plain' })", '{ 1 }', expect=1))

    def test_a_class_that_cannot_be_asked_this(self):
        name = f'Docs{random.randrange(10**9)}'
        self.load(self.weaviate.url, name)
        place = f"source(env.WEAVIATE, {{ collection = '{name}' }})"
        self.assertRegex(self.found(place, '{ 1, 0 }', expect=1), 'vector|dimension')
        self.assertIn('by cosine, not by l2', self.found(place, '{ 1, 0 }', "metric = 'l2'", expect=1))
        self.assertIn('makes no vectors', self.found(place, "'cat'", expect=1))


if __name__ == '__main__':
    harness.main()
