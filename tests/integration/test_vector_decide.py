"""lugger vector decide: whether vectors may be copied, fact by fact, and what embedding anew would cost."""
import json
import re
import unittest
from pathlib import Path

import harness

SMALL = {'model': 'text-embedding-3-small', 'dimensions': 1536}


class Decide(unittest.TestCase):
    def setUp(self):
        self.directory = Path(harness.scratch())

    def decide(self, source, target, *flags, expect=0):
        words = [json.dumps(one) if isinstance(one, dict) else one for one in (source, target)]
        done = harness.lugger('vector', 'decide', '--from', words[0], '--to', words[1], *flags,
                              cwd=self.directory, expect=expect)
        return json.loads(done.out) if '--json' in flags else done.out if expect in (0, 4) else done.err

    def judged(self, source, target, *flags, expect=0):
        return self.decide(source, target, '--json', *flags, expect=expect)

    def fact(self, found, name):
        return next(one for one in found['facts'] if one['name'] == name)

    def test_s1_02_the_four_facts_of_the_document(self):
        (self.directory / 'four.lua').write_text('''
local vector, json = require 'lugger.vector', require 'lugger.json'
local found = vector.decide { from = { model = 'text-embedding-ada-002', dimensions = 1536 },
  to = { model = 'text-embedding-3-small', dimensions = 1536 }, documents = 100000 }
print(json.encode { found.re_embed_required, found.reason, found.estimated_cost_usd,
  found.estimated_time_minutes, found.decision })
''')
        four = json.loads(harness.lugger('run', 'four.lua', cwd=self.directory).out)
        self.assertEqual([four[0], *four[2:]], [True, 1.0, 50, 'embed'])
        self.assertIn('model text-embedding-ada-002 and not text-embedding-3-small', four[1])
        told = self.decide('text-embedding-ada-002', 'text-embedding-3-small', '--documents', '100000',
                           expect=4)
        self.assertIn('decision: embed the texts anew', told)
        self.assertRegex(told, r'cost +1\.00 USD')
        self.assertRegex(told, r'time +50 min at 2000 documents a minute \(assumed\)')

    def test_s1_03_equal_dimensions_are_no_equal_spaces(self):
        found = self.judged('text-embedding-ada-002', SMALL, expect=4)
        self.assertEqual(found['decision'], 'embed')
        self.assertIn('though both have 1,536 dimensions', found['reason'])
        self.assertEqual(self.fact(found, 'dimensions')['verdict'], 'same')
        self.assertIn('says nothing of the space', self.fact(found, 'dimensions')['says'])

    def test_each_fact_decides(self):
        made = {**SMALL, 'revision': 'a', 'prefix': 'passage: ', 'pooling': 'mean', 'truncation': 512,
                'metric': 'cosine', 'normalised': True}
        self.assertEqual(self.judged(made, made)['decision'], 'copy')
        for name, other in (('revision', 'b'), ('prefix', 'query: '), ('pooling', 'cls'),
                            ('truncation', 8191)):
            found = self.judged(made, {**made, name: other}, expect=4)
            self.assertEqual((found['decision'], self.fact(found, name)['verdict']), ('embed', 'differs'))
        without = {name: v for name, v in made.items() if name != 'prefix'}
        found = self.judged(made, without)
        self.assertEqual((found['decision'], self.fact(found, 'prefix')['verdict']), ('copy', 'unsaid'))

    def test_metric_and_length_are_settled_in_a_copy(self):
        made = {**SMALL, 'metric': 'cosine', 'normalised': True}
        found = self.judged(made, {**made, 'metric': 'dot'})
        self.assertIn('same neighbours', self.fact(found, 'metric')['says'])
        self.assertIn("metric = 'dot'", found['steps'][0])
        found = self.judged({**made, 'normalised': False}, {**made, 'metric': 'dot'})
        self.assertIn('may order them otherwise', self.fact(found, 'metric')['says'])
        self.assertIn('vector.normalise(doc.embedding)', ' '.join(found['steps']))
        self.assertEqual(self.judged(made, {**made, 'normalised': False})['decision'], 'copy')
        dot = {**made, 'metric': 'dot'}
        self.assertEqual(self.judged(dot, {**dot, 'normalised': False}, expect=4)['decision'], 'embed')

    def test_s1_04_only_what_may_be_shortened_is_cut(self):
        short = {**SMALL, 'dimensions': 512}
        found = self.judged(SMALL, short)
        self.assertEqual(found['decision'], 'shorten')
        self.assertIn('vector.normalise(vector.truncate(doc.embedding, 512))', found['steps'][0])
        self.assertIn('cannot be made longer', self.judged(short, SMALL, expect=4)['reason'])
        own, own_short = {'model': 'own', 'dimensions': 768}, {'model': 'own', 'dimensions': 256}
        self.assertIn('nothing says that of this one', self.judged(own, own_short, expect=4)['reason'])
        self.assertEqual(self.judged(own, own_short, '--shortenable')['decision'], 'shorten')
        other = {'model': 'text-embedding-3-large', 'dimensions': 3072}
        self.assertEqual(self.judged(other, short, '--shortenable', expect=4)['decision'], 'embed')
        self.assertEqual(self.judged({'dimensions': 768}, own_short, expect=4)['decision'], 'embed')

    def test_nothing_tells(self):
        for source, target in ((SMALL, {'dimensions': 1536}), ({'dimensions': 1536}, SMALL), ({}, {})):
            found = self.judged(source, target, expect=4)
            self.assertEqual((found['decision'], found['re_embed_required']), ('unknown', True))
            self.assertIn('nothing tells which model made', found['reason'])

    def test_s1_29_a_million_documents_and_what_cuts_it(self):
        def time(*flags):
            told = self.decide('text-embedding-ada-002', 'text-embedding-3-small', *flags, expect=4)
            return re.search(r'time +(.+)', told).group(1)
        million = ('--documents', '1000000')
        self.assertEqual(time(*million), '8.3 h at 2000 documents a minute (assumed); with 4 keys 2.1 h')
        self.assertEqual(time(*million, '--keys', '4'),
                         '2.1 h at 2000 documents a minute (assumed), with 4 keys')
        self.assertEqual(time(*million, '--own-endpoint'), 'as fast as the endpoint answers')
        self.assertEqual(time(*million, '--own-endpoint', '--per-minute', '20000'),
                         '50 min at 20000 documents a minute')
        self.assertEqual(time(*million, '--requests-per-minute', '100', '--batch', '200'),
                         '50 min at 100 requests a minute of 200 texts')
        self.assertTrue(time(*million, '--per-minute', '100000', '--tokens-per-minute', '1000000')
                        .startswith('8.3 h at 1000000 tokens a minute'))

    def test_s1_05_texts_are_measured_and_prices_are_given(self):
        documents = [{'_id': n, 'v': [1, 2, 3], 'meta': {'text': 'x' * 4 * n}} for n in range(1, 100)]
        (self.directory / 'docs.jsonl').write_text(
            ''.join(json.dumps(one) + '\n' for one in documents + [{'_id': 'none', 'v': [1, 2, 3]}]))
        flags = ('--from-model', 'own', '--text', 'meta.text', '--price', '1000')
        found = self.judged('docs.jsonl#v', 'other', *flags, expect=4)
        self.assertEqual((found['from']['dimensions'], found['texts']['without_text']), (3, 1))
        self.assertEqual((found['embedding']['documents'], found['embedding']['tokens_per_document']),
                         (99, 50))
        self.assertEqual(found['estimated_cost_usd'], 4.95)
        told = self.decide('docs.jsonl#v', 'other', *flags, '--bytes-per-token', '2', expect=4)
        self.assertIn('100 tokens each, the longest 198, of 100 documents measured at 2 bytes a token', told)
        self.assertRegex(told, r'cost +9\.90 USD at 1000 USD a million tokens\n')
        self.assertIn('exclude each other',
                      self.decide('docs.jsonl#v', 'other', *flags, '--tokens', '3', expect=1))

    def test_a_manifest_beside_lines(self):
        (self.directory / 'docs.jsonl').write_text('{"_id": 1, "v": [1, 2], "w": [1, 2, 3]}\n')
        (self.directory / 'docs.jsonl.manifest').write_text(json.dumps(
            {'v': {'model': 'own', 'dimensions': 2, 'prefix': 'q: '}, 'w': {'model': 'other'}}))
        found = self.judged('docs.jsonl#v', 'docs.jsonl.manifest#w', expect=4)
        self.assertEqual((found['from']['model'], found['from']['prefix'], found['to']['model']),
                         ('own', 'q: ', 'other'))
        self.assertEqual(self.judged('docs.jsonl#v', 'docs.jsonl.manifest#v')['decision'], 'copy')
        self.assertIn('several columns with vectors: v, w', self.decide('docs.jsonl', 'own', expect=1))
        self.assertIn('says nothing of x', self.decide('docs.jsonl.manifest#x', 'own', expect=1))
        self.assertIn('its manifest says model own, and not mine',
                      self.decide('docs.jsonl#v', 'own', '--from-model', 'mine', expect=1))

    def test_sources_in_a_script(self):
        (self.directory / 'docs.jsonl').write_text('{"_id": 1, "v": [1, 2]}\n')
        (self.directory / 'some.lua').write_text('''
local lugger, vector = require 'lugger', require 'lugger.vector'
local docs = lugger.source 'docs.jsonl'
local found = vector.decide { from = { source = docs, column = 'v', model = 'own', prefix = 'q: ' },
  to = { model = 'own', dimensions = 2, prefix = 'q: ' } }
print(found.decision, found.from.dimensions, found.estimated_cost_usd)
print(pcall(vector.decide, { from = { source = docs, colunm = 'v' }, to = 'own' }))
print(pcall(vector.decide, { from = 'own', to = 'own', tokns = 1 }))
''')
        lines = harness.lugger('run', 'some.lua', cwd=self.directory).out.split('\n')
        self.assertEqual(lines[0].split(), ['copy', '2', 'nil'])
        self.assertIn('did you mean column', lines[1])
        self.assertIn('did you mean tokens', lines[2])

    def test_what_cannot_be_decided(self):
        self.assertIn('there is no file nowhere.jsonl', self.decide('nowhere.jsonl#v', 'own', expect=1))
        self.assertIn('is JSON, and this is none', self.decide('{"model": ', 'own', expect=1))
        self.assertIn('did you mean model', self.decide('{"modle": "own"}', 'own', expect=1))
        self.assertIn('--tokens takes a number', self.decide('a', 'b', '--tokens', 'many', expect=2))
        self.assertIn('tokens is a number greater than 0', self.decide('a', 'b', '--tokens', '0', expect=1))
        taken = harness.lugger('vector', 'decide', '--from', 'docs.embedding', '--to', 'own', expect=4)
        self.assertIn('env:PG_URI#docs.embedding', taken.err)
        self.assertIn('is no place', self.decide('a', 'b', '--text', 'x', expect=1))
        done = harness.lugger('vector', 'decide', '--from', 'a', expect=2)
        self.assertIn('--to is missing', done.err)


if __name__ == '__main__':
    harness.main()
