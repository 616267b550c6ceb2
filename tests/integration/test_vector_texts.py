"""Texts that are searched for: vectors by a model behind an endpoint, each side by its own, and by Weaviate's
own module."""
import json
import random
import unittest
from pathlib import Path

import harness
from embeddings import Embeddings, vector_of
from harness import lugger
from postgres import Postgres
from weaviate import RealWeaviate, program, tell

WORDS = [f'word {number}' for number in range(40)] + ['zażółć "gęślą"', 'line\nend\\', '🦫', "o'clock"]
KEY = 'sk-very-secret-1'


class Case(unittest.TestCase):
    def setUp(self):
        self.directory = Path(harness.scratch())
        self.model = Embeddings()
        self.addCleanup(self.model.stop)
        self.env = {'MODEL': self.model.url}
        self.write(lambda word: {'embedding': vector_of(word)})

    def write(self, fields):
        (self.directory / 'docs.jsonl').write_text(''.join(
            json.dumps({'_id': number, 'word': word, **fields(word)}) + '\n'
            for number, word in enumerate(WORDS)))

    def lugger(self, *args, expect=0, **env):
        return lugger(*args, cwd=self.directory, env={**self.env, **env}, expect=expect)


class Texts(Case):
    def search(self, text, options='', expect=0, **env):
        """The words that are found for a text, of a source that names the model."""
        code = f'''local model = lugger.embed {{ url = env.MODEL, {options} }}
            local docs = source('docs.jsonl', {{ embed = model }})
            for _, hit in ipairs(docs:search({json.dumps(text, ensure_ascii=False)}, {{ k = 3 }})) do
              print(json.encode {{ hit.doc.word, hit.score }}) end'''
        result = self.lugger('-e', code, expect=expect, **env)
        return [json.loads(line) for line in result.out.splitlines()] if expect == 0 else result.err

    def test_a_text_finds_itself(self):
        for text in WORDS[38:]:
            word, score = self.search(text)[0]
            self.assertEqual(word, text)
            self.assertAlmostEqual(score, 1, places=6)
        self.assertEqual(self.model.texts(), WORDS[38:])

    def test_what_is_sent(self):
        self.search('x', "prefix = 'query: ', model = 'e5 \"small\"', dimensions = 8")
        self.assertEqual(self.model.requests, [
            {'model': 'e5 "small"', 'dimensions': 8, 'input': ['query: x']}])
        self.search('x')
        self.assertEqual(self.model.requests[1], {'input': ['x']})

    def test_s1_03_another_model_than_that_of_the_vectors_is_refused(self):
        (self.directory / 'docs.jsonl.manifest').write_text(json.dumps(
            {'embedding': {'model': 'small', 'prefix': 'passage: '}}))
        err = self.search('x', "model = 'large'", expect=1)
        self.assertRegex(err, 'embedding of .*docs.jsonl was made by small, and the text would become a '
                              'vector of large')
        self.assertEqual(self.model.requests, [])
        self.search('x', "model = 'small', prefix = 'query: '")
        self.search('x')
        self.assertEqual(len(self.model.requests), 2)

    def test_bytes_in_base64_are_the_same_numbers(self):
        self.model.as_text = True
        self.assertEqual(self.search(WORDS[3])[0][0], WORDS[3])

    def test_many_texts_in_requests_that_are_halved(self):
        self.model.most = 3
        out = self.lugger('-e', '''local model = lugger.embed { url = env.MODEL, batch = 16 }
            local texts = {}
            for i = 1, 50 do texts[i] = 'text ' .. i end
            for i, v in ipairs(model:vectors(texts)) do print(i, #v, ('%.9g'):format(v[1])) end''').out
        lines = [line.split() for line in out.splitlines()]
        self.assertEqual(len(lines), 50)
        for number, (place, size, first) in enumerate(lines, 1):
            self.assertEqual((int(place), int(size)), (number, 8))
            self.assertAlmostEqual(float(first), vector_of(f'text {number}')[0], places=7)
        self.assertEqual(max(len(body['input']) for body in self.model.requests), 16)

    def test_the_key_comes_from_the_environment_and_is_never_shown(self):
        self.model.key = KEY
        self.assertEqual(self.search(WORDS[1], "key_env = 'THE_KEY'", THE_KEY=KEY)[0][0], WORDS[1])
        for env, options, said in (({'THE_KEY': KEY + 'x'}, "key_env = 'THE_KEY'", 'wrong key'),
                                   ({}, "key_env = 'NO_SUCH'", 'NO_SUCH is not set'), ({}, '', 'a key')):
            err = self.search('x', options, expect=1, **env)
            self.assertIn(said, err)
            self.assertNotIn(KEY, err)
        shown = self.lugger('-e', "lugger.embed { url = env.MODEL, key_env = 'THE_KEY', model = 'm' }",
                            THE_KEY=KEY).out
        self.assertEqual(shown, f'model m at {self.model.url}\n')

    def test_a_busy_server_is_asked_again_and_one_without_credit_is_not(self):
        answers = [(429, {'Retry-After': '0'}, {'error': {'message': 'slow down'}}),
                   (503, {}, '<html>later</html>'), 'close']
        self.model.fault = lambda _: answers.pop() if answers else None
        self.assertEqual(self.search(WORDS[2])[0][0], WORDS[2])
        self.assertEqual(len(self.model.requests), 4)
        for status, reply, said in (
                (429, {'error': {'message': 'no money', 'code': 'insufficient_quota'}}, 'no credit is left'),
                (500, {'error': {'message': 'is too large to process. increase'}}, 'no vector of text 1'),
                (400, {'error': 'empty'}, 'no vector of text 1'),
                (404, {'message': 'no such model'}, 'no such model')):
            with self.subTest(status=status):
                self.model.requests.clear()
                self.model.fault = lambda _, answer=(status, {}, reply): answer
                self.assertIn(said, self.search('x', expect=1))
                self.assertEqual(len(self.model.requests), 1)

    def test_answers_that_are_not_what_was_asked_for(self):
        def short(data):
            return data[1:]

        def twice(data):
            return [*data, data[0]]

        def without_place(data):
            return [{'embedding': one['embedding']} for one in data]

        def of_strings(data):
            return [{**one, 'embedding': ['a']} for one in data]

        def other_sizes(data):
            return [{**one, 'embedding': one['embedding'][:1 + one['index']]} for one in data]

        def too_large(data):
            return [{**one, 'embedding': [1e300]} for one in data]
        code = "lugger.embed({ url = env.MODEL }):vectors { 'a', 'b', 'c' }"
        for shape, said in ((short, 'nothing for text'), (twice, 'twice'), (without_place, 'place'),
                            (of_strings, 'no vector'), (other_sizes, 'dimensions'),
                            (too_large, 'finite')):
            self.model.shape = shape
            self.assertIn(said, self.lugger('-e', code, expect=1).err, shape.__name__)
        self.model.shape = None
        self.model.fault = lambda _: (200, {}, '{"data": [')
        self.assertIn('no list of vectors', self.lugger('-e', code, expect=1).err)
        # A server that takes no notice of dimensions.
        self.model.fault = lambda body: (200, {}, {'data': [{'index': 0, 'embedding': [1, 2]}]})
        self.assertIn('2 dimensions, although 8 were asked for',
                      self.search('x', 'dimensions = 8', expect=1))

    def test_what_is_refused_before_anything_is_asked(self):
        for code, said in (("lugger.embed { url = 'ftp://x' }:vector 'a'", 'no plain URL'),
                           ("lugger.embed { url = 'http://u:pw@h/v1' }:vector 'a'", 'no plain URL'),
                           ('lugger.embed { }', 'wants a url'), ("lugger.embed 'x'", 'wants a table'),
                           ("lugger.embed { url = 'http://h', modell = 'x' }", 'modell'),
                           ("lugger.embed { url = 'http://h' }:vector ''", 'empty'),
                           ("source('docs.jsonl', { embed = 'x' })", 'embed is a lugger.embed')):
            err = self.lugger('-e', code, expect=1).err
            self.assertIn(said, err)
            self.assertNotIn('pw@', err)
        self.assertEqual(self.model.requests, [])


class Recall(Case):
    """Queries that are texts, in a comparison."""
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        super().setUp()
        self.database = self.server.fresh()
        self.env['INTO'] = self.database.url
        (self.directory / 'queries.jsonl').write_text(''.join(
            json.dumps(line) + '\n' for line in (
                {'text': 'what?'}, {'text': 'zażółć "gęślą"'},
                {'text': 'then', 'filter': {'word': WORDS[5]}})))

    def job(self, source='', target='', more='', columns="{ 'embedding', 'float4[]' }"):
        (self.directory / 'job.lua').write_text(f'''
local lugger = require 'lugger'
local function model(name, dimensions)
  return lugger.embed {{ url = lugger.env.MODEL, model = name, dimensions = dimensions }}
end
return lugger.copy {{
  from = lugger.source('docs.jsonl', {{ {source} }}),
  into = lugger.target(lugger.env.INTO, {{ table = 'docs', key = 'id', {target} }}),
  columns = {{ {{ 'id', 'int4', from = '_id' }}, {{ 'word', 'text' }}, {columns} }},
  unmapped = 'ignore', {more}
}}''')

    def verify(self, *flags, expect=0):
        return json.loads(self.lugger('verify', 'job.lua', '--json', *flags, expect=expect).out)[0]

    def test_one_model_for_both(self):
        for side in ({'source': "embed = model('double')"}, {'target': "embed = model('double')"}):
            self.job(**side)
            self.lugger('run', 'job.lua', '--create', '--restart', '--on-conflict', 'update')
            self.model.requests.clear()
            figures = self.verify('--recall-queries', 'queries.jsonl', '--recall-k', '5')['recall']
            self.assertEqual((figures['queries_tested'], figures['target']['recall'],
                              figures['exact_overlap'], figures['source']['wanted']), (3, 1, 1, 11))
            self.assertEqual(figures['queries_from'], f'queries.jsonl, texts by double at {self.model.url}')
            self.assertEqual(self.model.texts(), ['what?', 'zażółć "gęślą"', 'then'])

    def test_s1_26_each_side_by_its_own_model(self):
        self.write(lambda word: {'embedding': vector_of(word, 8, 'old'), 'fresh': vector_of(word, 4, 'new')})
        self.job("embed = model('old')", "embed = model('new', 4)",
                 'map = function(row, doc) row.embedding = doc.fresh end',
                 "{ 'embedding', 'float4[]', computed = true }")
        self.lugger('run', 'job.lua', '--create')
        figures = self.verify('--recall-queries', 'queries.jsonl', '--recall-k', '5')['recall']

        def nearest(text, dimensions, model):
            asked = vector_of(text, dimensions, model)

            def product(number):
                return sum(a * b for a, b in zip(asked, vector_of(WORDS[number], dimensions, model)))
            return set(sorted(range(len(WORDS)), key=product, reverse=True)[:5])
        texts = ('what?', 'zażółć "gęślą"')
        shared = sum(len(nearest(text, 8, 'old') & nearest(text, 4, 'new')) / 5 for text in texts) + 1
        self.assertAlmostEqual(figures['avg_result_overlap'], shared / 3, places=9)
        self.assertEqual((figures['source']['recall'], figures['target']['recall']), (1, 1))
        self.assertIn('old at', figures['queries_from'])
        self.assertIn('new at', figures['queries_from'])
        self.assertEqual({(body['model'], body.get('dimensions')) for body in self.model.requests},
                         {('old', None), ('new', 4)})

    def test_s1_03_each_side_is_asked_by_the_model_of_its_vectors(self):
        self.job("embed = model('old')", "embed = model('new')")
        self.lugger('run', 'job.lua', '--create')
        words = ('verify', 'job.lua', '--recall-queries', 'queries.jsonl')
        self.database.query("comment on column docs.embedding is 'lugger manifest: {\"model\":\"old\"}'")
        self.model.requests.clear()
        for more in ((), ('--recall-column', 'embedding')):
            self.assertIn('was made by old, and the text would become a vector of new',
                          self.lugger(*words, *more, expect=1).err)
        self.assertEqual(self.model.requests, [])
        self.job("embed = model('old')")
        self.verify(*words[2:])

    def test_a_text_without_a_model(self):
        self.job()
        self.lugger('run', 'job.lua', '--create')
        err = self.lugger('verify', 'job.lua', '--recall-queries', 'queries.jsonl', expect=1).err
        self.assertIn('queries.jsonl, query 1: a text', err)
        self.assertIn('embed = lugger.embed', err)

    def test_what_the_job_says_and_flags_that_win(self):
        self.job(more='verify = { recall = { k = 3, sample = 7, least = 0.5 }, limit_shown = 2 },')
        self.lugger('run', 'job.lua', '--create')
        figures = self.verify()['recall']
        self.assertEqual((figures['k'], figures['queries_tested'], figures['least']), (3, 7, 0.5))
        figures = self.verify('--recall-k', '2', '--min-recall', '1')['recall']
        self.assertEqual((figures['k'], figures['queries_tested'], figures['least']), (2, 7, 1))
        result = self.lugger('verify', 'job.lua', '--where', 'id < 5')
        self.assertIn('recall is left out', result.err)
        out = self.lugger('-e', '''local job = dofile 'job.lua'
            print(job:verify().recall.k, job:verify({ recall = { k = 4 } }).recall.k,
              job:verify({ recall = false }).recall)''').out
        self.assertEqual(out.split(), ['3', '4', 'nil'])
        self.database.query('update docs set embedding = null where id < 30')
        self.assertFalse(self.verify(expect=4)['equal'])
        self.lugger('repair', 'job.lua', '--apply')
        self.assertTrue(self.verify()['equal'])
        self.job(more='verify = { recall = true },')
        self.assertEqual(self.verify()['recall']['k'], 10)
        for more, said in (('verify = { recal = true },', 'recal'), ('verify = 1,', 'table of options'),
                           ('verify = { recall = { kk = 1 } },', 'kk')):
            self.job(more=more)
            self.assertIn(said, self.lugger('plan', 'job.lua', expect=1).err)


class Weaviate(unittest.TestCase):
    def test_s1_31_the_module_of_a_class_makes_the_vector(self):
        if not program():
            harness.skip('the double of Weaviate has no modules')
        model = Embeddings(in_order=True)
        self.addCleanup(model.stop)
        server = RealWeaviate(ENABLE_MODULES='text2vec-openai', OPENAI_APIKEY='none')
        self.addCleanup(server.stop)
        tell(server.name)
        module = {'model': 'text-embedding-3-small', 'dimensions': 512,
                  'baseURL': model.url.removesuffix('/v1'), 'vectorizeClassName': False,
                  'vectorizePropertyName': False}
        client, random_words = server.client(), random.Random(3).sample(WORDS, 10)
        client.make({'class': 'Docs', 'properties': [{'name': 'word', 'dataType': ['text']}],
                     'vectorConfig': {'named': {'vectorizer': {'text2vec-openai': module},
                                                'vectorIndexType': 'hnsw'}}})
        client.make({'class': 'Alone', 'properties': [{'name': 'word', 'dataType': ['text']}],
                     'vectorizer': 'text2vec-openai', 'moduleConfig': {'text2vec-openai': module}})
        for name in ('Docs', 'Alone'):
            for word in random_words:  # a batch makes this module panic
                client.ask('POST', '/objects', {'class': name, 'properties': {'word': word}})
            for word in random_words[:3]:
                out = lugger('-e', f'''local docs = source(env.W, {{ collection = '{name}' }})
                    local hit = docs:search({json.dumps(word, ensure_ascii=False)}, {{ k = 2 }})[1]
                    print(json.encode(hit.doc), hit.score > 0.99)''', env={'W': server.url}).out
                said, near = out.strip().split('\t')
                self.assertEqual((json.loads(said), near), ({'word': word}, 'true'))


if __name__ == '__main__':
    harness.main()
