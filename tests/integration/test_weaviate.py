"""Weaviate as target and source: JSON lines in, the same out, every value and vector compared; kills,
storms and refusals on the way."""
import json
import os
import random
import signal
import struct
import time
import unittest
import uuid
from pathlib import Path

import harness
from weaviate import DoubleWeaviate, live_weaviate
from weaviate_double import loads

INTO = '''
local lugger = require 'lugger'
return lugger.copy {
  name = 'into',
  from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL, { table = 'Docs', key = 'doc', index = 'flat' }),
  columns = {
    { 'doc', 'text', from = '_id' }, { 'title', 'text' }, { 'n', 'int8' }, { 'price', 'float8' },
    { 'good', 'bool' }, { 'at', 'timestamptz' }, { 'ref', 'uuid' }, { 'tags', 'text[]' },
    { 'meta', 'jsonb' }, { 'raw', 'bytea' }, { 'embedding', 'vector(8)' }, { 'small', 'halfvec(2)' },
  },
}
'''
OUT = '''
local lugger = require 'lugger'
return lugger.copy {
  name = 'out',
  from = lugger.source(lugger.env.WEAVIATE_URL, { collection = 'docs' }),
  into = lugger.target('out.jsonl', { key = 'doc' }),
  columns = {
    { 'id', 'uuid', from = '_id' }, { 'doc', 'text' }, { 'title', 'text' }, { 'n', 'int8' },
    { 'price', 'float8' }, { 'good', 'bool' }, { 'at', 'timestamptz' }, { 'ref', 'uuid' },
    { 'tags', 'text[]' }, { 'meta', 'jsonb' }, { 'raw', 'bytea' },
    { 'embedding', 'vector(8)', from = 'vectors.embedding' },
    { 'small', 'halfvec(2)', from = 'vectors.small' },
  },
}
'''
# A few that only an exact reader keeps: -0, the least and the greatest float, 17 digits.
ODD = [-0.0, 1e-45, 3.4028234663852886e38, 0.1, 16777217, 1.0000001192092896, -1.5, 0]


def vector_of(number):
    random.seed(number)
    return ODD if number == 0 else [random.uniform(-1, 1) for _ in range(8)]


def document(number):
    return {'_id': f'doc "{number}"\n\u00e9' if number % 7 == 0 else f'd{number}',
            'title': f'title {number} \u2028', 'n': number * 1000003, 'price': number / 3,
            'good': number % 2 == 0,
            'at': {'$date': f'2026-01-0{1 + number % 9}T01:02:03.004Z'},
            'ref': {'$uuid': str(uuid.UUID(int=number * 7919))}, 'tags': [f't{number}', '', 'a"b'],
            'meta': {'a': [1, 2.5, None], 'b': {'c': 'x'}},
            'raw': {'$binary': {'base64': 'AAH/', 'subType': '00'}},
            'embedding': vector_of(number), 'small': [number % 100, -0.5]}


def floats(vector):
    return struct.pack(f'<{len(vector)}f', *vector)


def object_id(key):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, key))


class Case(unittest.TestCase):
    @classmethod
    def make(cls):
        return live_weaviate()

    def setUp(self):
        self.server = self.make()
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.cwd = Path(harness.scratch())
        (self.cwd / 'into.lua').write_text(INTO, encoding='utf-8')
        (self.cwd / 'out.lua').write_text(OUT, encoding='utf-8')

    def documents(self, documents):
        (self.cwd / 'docs.jsonl').write_text(''.join(json.dumps(one) + '\n' for one in documents),
                                             encoding='utf-8')

    def run_lugger(self, *arguments, env=None, **options):
        return harness.lugger(*arguments, cwd=self.cwd, timeout=60,
                              env={'WEAVIATE_URL': self.server.url, **(env or {})}, **options)

    def lines(self):
        with open(self.cwd / 'out.jsonl', encoding='utf-8') as file:
            return [loads(line) for line in file]


class RoundTrip(Case):
    def test_there_and_back(self):
        documents = [document(i) for i in range(300)]
        self.documents(documents)
        ran = self.run_lugger('run', 'into.lua', '--create')
        self.assertEqual(ran.books()['inserted'], 300)
        stored = self.client.all('Docs')
        self.assertEqual(len(stored), 300)
        odd = stored[object_id('doc "0"\n\u00e9')]
        self.assertEqual(floats(odd['vectors']['embedding']), floats(ODD))
        self.assertEqual(odd['properties']['tags'], ['t0', '', 'a"b'])
        verified = self.run_lugger('verify', 'into.lua')
        self.assertIn('equal', verified.out + verified.err)
        self.run_lugger('run', 'out.lua')
        found = {line['doc']: line for line in self.lines()}
        self.assertEqual(len(found), 300)
        for one in documents:
            line = found[one['_id']]
            self.assertEqual(line['id'], object_id(one['_id']))
            self.assertEqual(floats(line['embedding']), floats(one['embedding']), one['_id'])
            self.assertEqual(json.loads(line['meta']), one['meta'])
            for name in ('title', 'n', 'price', 'good', 'tags'):
                self.assertEqual(line[name], one[name], name)
            self.assertEqual(line['ref'], one['ref']['$uuid'])
            self.assertEqual(line['raw'], '\\x0001ff')

    def test_differences_are_found_by_key(self):
        self.documents(document(i) for i in range(1, 40))
        self.run_lugger('run', 'into.lua', '--create')
        stored = self.client.all('Docs')
        changed = stored[object_id('d5')]
        changed['vectors']['embedding'][3] += 0.25
        extra = {**stored[object_id('d6')], 'id': str(uuid.uuid4())}
        extra['properties'] = {**extra['properties'], 'doc': 'nobody'}
        kept = ('class', 'id', 'properties', 'vectors')
        self.client.add([{name: one[name] for name in kept} for one in (changed, extra)])
        self.client.ask('DELETE', f"/objects/Docs/{object_id('d8')}")
        found = self.run_lugger('verify', 'into.lua', expect=4)
        text = found.out + found.err
        for word in ('d5', 'embedding', 'd8', 'nobody'):
            self.assertIn(word, text)
        self.run_lugger('repair', 'into.lua', '--apply', '--delete-extra')
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        self.assertEqual(len(self.client.all('Docs')), 39)

    def test_class_with_one_vector_without_a_name(self):
        self.client.make({'class': 'Docs', 'vectorizer': 'none', 'vectorIndexType': 'flat', 'properties': [
            {'name': 'title', 'dataType': ['text']}]})
        self.documents(document(i) for i in range(20))
        (self.cwd / 'legacy.lua').write_text('''
local lugger = require 'lugger'
local columns = { { 'id', 'uuid', from = 'ref' }, { 'title', 'text' }, { 'embedding', 'vector' } }
return lugger.copy { name = 'legacy', from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL .. '/Docs', { key = 'id' }), columns = columns }
''', encoding='utf-8')
        self.run_lugger('run', 'legacy.lua')
        stored = self.client.all('Docs')
        self.assertEqual(set(stored), {str(uuid.UUID(int=i * 7919)) for i in range(20)})
        self.assertEqual(floats(stored[str(uuid.UUID(int=7919))]['vector']), floats(vector_of(1)))
        self.assertIn('equal', repr(self.run_lugger('verify', 'legacy.lua')))
        (self.cwd / 'out2.lua').write_text('''
local lugger = require 'lugger'
return lugger.copy { from = lugger.source(lugger.env.WEAVIATE_URL .. '/Docs'),
  into = lugger.target 'out.jsonl',
  columns = { { 'id', 'uuid', from = '_id' }, { 'title', 'text' },
    { 'embedding', 'vector', from = 'vector' } } }
''', encoding='utf-8')
        self.run_lugger('run', 'out2.lua')
        back = {line['id']: line for line in self.lines()}
        self.assertEqual(floats(back[str(uuid.UUID(int=7919))]['embedding']), floats(vector_of(1)))


class Refusals(Case):
    def test_a_refused_object_takes_nobody_along(self):
        documents = [document(i) for i in range(1, 60)]
        documents[30]['n'] = {'$numberLong': str(2 ** 53 + 1)}
        documents[40].pop('_id')
        self.documents(documents)
        ran = self.run_lugger('run', 'into.lua', '--create', expect=3)
        books = ran.books()
        self.assertEqual((books['read'], books['inserted'], books['rejected']), (59, 57, 2))
        self.assertEqual(len(self.client.all('Docs')), 57)
        self.assertIn('is beyond 2^53', self.run_lugger('rejects', 'into.lua').out)

    def test_vectors_of_another_length_are_rejects(self):
        self.client.make({'class': 'Docs', 'properties': [{'name': 'doc', 'dataType': ['text']}],
                          'vectorConfig': {'embedding': {'vectorizer': {'none': {}},
                                                         'vectorIndexType': 'hnsw'}}})
        documents = [{'_id': f'd{i}', 'embedding': [1, 2, i]} for i in range(50)]
        documents[33]['embedding'] = [1, 2]
        self.documents(documents)
        (self.cwd / 'into.lua').write_text(INTO.replace("index = 'flat'", '').split('columns')[0] + '''
  columns = { { 'doc', 'text', from = '_id' }, { 'embedding', 'vector' } },
}''', encoding='utf-8')
        ran = self.run_lugger('run', 'into.lua', '-j', '1', expect=3)
        self.assertEqual(ran.books()['rejected'], 1)
        told = self.run_lugger('rejects', 'into.lua')
        self.assertIn('length', told.out + told.err)
        self.assertIn('d33', told.out + told.err)
        verified = self.run_lugger('verify', 'into.lua', expect=(0, 3, 4))
        self.assertIn('equal', verified.out + verified.err)

    def test_a_class_that_holds_objects_is_not_written_over_unasked(self):
        self.documents(document(i) for i in range(1, 10))
        self.run_lugger('run', 'into.lua', '--create')
        self.documents(document(i) for i in range(5, 20))
        refused = self.run_lugger('run', 'into.lua', '--restart', expect=1)
        self.assertIn("on_conflict = 'update'", refused.err)
        update = INTO.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'")
        (self.cwd / 'into.lua').write_text(update, encoding='utf-8')
        self.assertEqual(self.run_lugger('run', 'into.lua', '--restart').books()['updated'], 15)
        self.assertEqual(len(self.client.all('Docs')), 19)

    def test_a_missing_class_is_made_when_asked_for(self):
        self.documents([document(1)])
        self.assertIn('add --create', self.run_lugger('run', 'into.lua', expect=1).err)
        self.assertEqual(self.client.get('/schema')['classes'], [])

    def test_plan_says_what_weaviate_cannot_hold(self):
        self.documents([document(1)])
        (self.cwd / 'bad.lua').write_text('''
local lugger = require 'lugger'
return lugger.copy { from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL, { table = 'Docs', key = 'n' }),
  columns = { { 'id', 'text', from = '_id' }, { 'bad name', 'text', from = 'title' },
    { 'sparse', 'sparsevec(8)', from = 'embedding' }, { 'price', 'numeric' }, { 'n', 'int8' } },
  children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },
}''', encoding='utf-8')
        planned = self.run_lugger('plan', 'bad.lua', expect=(0, 1))
        text = planned.out + planned.err
        for words in ("no property can be called id", 'bad name', 'sparse vector', 'numeric is kept as text',
                      '2^53', 'child rows'):
            self.assertIn(words, text)
        (self.cwd / 'bad.lua').write_text(INTO.replace("key = 'doc', ", ''), encoding='utf-8')
        self.assertIn("key = '...'", repr(self.run_lugger('plan', 'bad.lua', expect=(0, 1))))


class Places(Case):
    def test_a_key_is_sent_and_never_shown(self):
        self.server.stop()
        self.server = live_weaviate(key='s3cr3t-key')
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.documents([document(1)])
        refused = self.run_lugger('run', 'into.lua', '--create', expect=1)
        self.assertIn('none was given', refused.err)
        wrong = self.run_lugger('run', 'into.lua', '--create', env={'WEAVIATE_API_KEY': 'wr0ng'}, expect=1)
        self.assertNotIn('wr0ng', wrong.out + wrong.err)
        ran = self.run_lugger('run', 'into.lua', '--create', env={'WEAVIATE_API_KEY': 's3cr3t-key'})
        url = self.server.url.replace('://', '://:s3cr3t-key@')
        planned = self.run_lugger('plan', 'into.lua', env={'WEAVIATE_URL': url})
        for one in (ran, planned):
            self.assertNotIn('s3cr3t', one.out + one.err)
        self.assertEqual(len(self.client.all('Docs')), 1)

    def test_tenants(self):
        self.documents(document(i) for i in range(1, 30))
        (self.cwd / 'into.lua').write_text(INTO.replace("index = 'flat'", "index = 'flat', tenant = 'acme'"),
                                           encoding='utf-8')
        self.run_lugger('run', 'into.lua', '--create')
        self.assertEqual(len(self.client.all('Docs', 'acme')), 29)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        self.client.ask('POST', '/schema/Docs/tenants', [{'name': 'beta'}])
        self.client.add([{'class': 'Docs', 'id': str(uuid.uuid4()), 'tenant': 'beta', 'properties': {
            'doc': 'b'}, 'vectors': {'embedding': [1] * 8, 'small': [1, 2]}}])
        both = OUT.replace("{ 'doc', 'text' }", "{ 'doc', 'text' }, { 'tenant', 'text' }")
        (self.cwd / 'out.lua').write_text(both, encoding='utf-8')
        self.run_lugger('run', 'out.lua')
        tenants = [line['tenant'] for line in self.lines()]
        self.assertEqual((tenants.count('acme'), tenants.count('beta')), (29, 1))

    def test_describe_and_find(self):
        self.documents(document(i) for i in range(1, 5))
        self.run_lugger('run', 'into.lua', '--create')
        told = self.run_lugger('describe', f'{self.server.url}/Docs')
        self.assertIn('title', told.out + told.err)
        missing = self.run_lugger('describe', f'{self.server.url}/Nobody', expect=1)
        self.assertIn('Nobody', missing.err)


class Kills(Case):
    def test_kill_and_resume(self):
        count = 3000
        documents = [document(i) for i in range(count)]
        for one in documents:
            one['title'] += 'x' * 3000
        self.documents(documents)
        for attempt in range(3):
            process = harness.start('run', 'into.lua', '--create', '-j', '1', cwd=self.cwd,
                                    env={'WEAVIATE_URL': self.server.url})
            time.sleep(1.0 + attempt)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.run_lugger('run', 'into.lua', '--create', '-j', '1')
        self.assertEqual(len(self.client.all('Docs')), count)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        for _ in range(2):
            process = harness.start('run', 'out.lua', cwd=self.cwd, env={'WEAVIATE_URL': self.server.url})
            time.sleep(0.7)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.run_lugger('run', 'out.lua')
        self.assertEqual(sorted(line['doc'] for line in self.lines()),
                         sorted(one['_id'] for one in documents))


class Faults(Case):
    """What only the double does on demand."""

    @classmethod
    def make(cls):
        return DoubleWeaviate()

    def load(self, count=300, **options):
        self.documents(document(i) for i in range(count))
        return self.run_lugger('run', 'into.lua', '--create', '-j', '1', **options)

    def test_a_storm_of_429_and_cut_answers(self):
        random.seed(5)
        storm = [(429, {'Retry-After': '0'}, 'slow down'), (503, {}, 'no leader'), 'cut', 'close',
                 *[None] * 8]
        self.server.fault = lambda request: random.choice(storm)
        self.load()
        self.run_lugger('run', 'out.lua')
        self.server.fault = None
        self.assertEqual(len(self.client.all('Docs')), 300)
        self.assertEqual(len(self.lines()), 300)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))

    def test_bodies_that_are_too_large_are_halved(self):
        self.server.limit = 20000
        self.load()
        self.assertEqual(len(self.client.all('Docs')), 300)
        sizes = [size for _, path, size in self.server.requests if path == '/v1/batch/objects']
        self.assertGreater(max(sizes), 20000)

    def test_a_class_that_vanishes_is_not_made_by_guesses(self):
        batches = []

        def vanish(request):
            if request[1] == '/v1/batch/objects':
                batches.append(1)
                if len(batches) == 2:
                    self.server.classes.pop('Docs')
            return None
        self.server.fault = vanish
        documents = [document(i) for i in range(9000)]
        for one in documents:
            one['title'] += 'x' * 4000
        self.documents(documents)
        failed = self.run_lugger('run', 'into.lua', '--create', '-j', '1', expect=1)
        self.assertRegex(failed.err, 'the class Docs (is gone|was changed)')

    def test_a_store_that_is_read_only_is_waited_for(self):
        def recover(request):
            reads = sum(1 for _, path, _ in self.server.requests if path == '/v1/batch/objects')
            self.server.read_only = reads < 3
        self.server.fault = recover
        self.assertEqual(self.load(50).books()['inserted'], 50)

    def test_a_server_that_is_slower_than_the_timeout(self):
        self.documents([document(1)])
        self.client.make({'class': 'Docs', 'vectorConfig': {}, 'properties': []})
        slow = OUT.replace("collection = 'docs'", "collection = 'docs', timeout_s = 0.2")
        (self.cwd / 'slow.lua').write_text(slow, encoding='utf-8')
        self.server.fault = lambda request: 1.0
        failed = self.run_lugger('run', 'slow.lua', expect=1)
        self.assertIn('timed out', failed.err)


if __name__ == '__main__':
    os.environ.setdefault('PYTHONHASHSEED', '0')
    unittest.main()
