"""Weaviate's own client as the judge: what lugger wrote it reads, and what it wrote lugger reads."""
import datetime
import json
import uuid

import harness
import weaviate_client
from weaviate import real_weaviate
from weaviate_case import INTO, OUT, Case, document, floats, object_id

COUNT = 120
MANY = "{ 'many', 'vector(2)[]' }"
TYPES = {'doc': 'text', 'title': 'text', 'n': 'int', 'price': 'number', 'good': 'bool', 'at': 'date',
         'ref': 'uuid', 'tags': 'text[]', 'meta': 'text', 'raw': 'blob'}


def documents():
    out = [document(i) for i in range(COUNT)]
    for i, one in enumerate(out):
        one['many'] = [[i, 0.1], [-0.5, 3e-39]][:1 + i % 2]
    return out


def moment(text):
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


class Judge(Case):
    @classmethod
    def make(cls):
        server = real_weaviate()
        weaviate_client.interpreter()
        return server

    def assert_vectors(self, found, one):
        for name in ('embedding', 'small'):
            self.assertEqual(floats(found[name]), floats(one[name]), one['_id'])
        self.assertEqual([floats(row) for row in found['many']], [floats(row) for row in one['many']])

    def test_s1_31_the_client_reads_what_lugger_wrote(self):
        given = documents()
        self.documents(given)
        (self.cwd / 'into.lua').write_text(INTO.replace("{ 'small',", f"{MANY}, {{ 'small',").replace(
            "key = 'doc'", "key = 'doc', tenant = 'acme'"), encoding='utf-8')
        self.run_lugger('run', 'into.lua', '--create')
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        found = weaviate_client.ask(self.server, 'read', {
            'class': 'Docs', 'tenant': 'acme', 'properties': list(TYPES)})
        self.assertEqual(len(found), COUNT)
        for one in given:
            read = found[object_id(one['_id'])]
            self.assert_vectors(read['vectors'], one)
            properties = read['properties']
            for name in ('title', 'n', 'price', 'good', 'tags'):
                self.assertEqual(properties[name], one[name], name)
            self.assertEqual(json.loads(properties['meta']), one['meta'])
            self.assertEqual(properties['ref'], one['ref']['$uuid'])
            self.assertEqual(properties['raw'], one['raw']['$binary']['base64'])
            self.assertEqual(moment(properties['at']), moment(one['at']['$date']))

    def test_s1_31_lugger_reads_what_the_client_wrote(self):
        given = documents()
        weaviate_client.ask(self.server, 'write', {
            'class': 'Docs', 'properties': TYPES, 'vectors': ['embedding', 'small'], 'many': ['many'],
            'tenant': 'acme', 'objects': [{
                'id': str(uuid.UUID(int=i + 1)),
                'vectors': {name: one[name] for name in ('embedding', 'small', 'many')},
                'properties': {
                    'doc': one['_id'], 'title': one['title'], 'n': one['n'], 'price': one['price'],
                    'good': one['good'], 'at': one['at']['$date'].replace('Z', '+02:00'),
                    'ref': one['ref']['$uuid'], 'tags': one['tags'], 'meta': json.dumps(one['meta']),
                    'raw': one['raw']['$binary']['base64']}} for i, one in enumerate(given)]})
        (self.cwd / 'out.lua').write_text(
            OUT.replace("{ 'small',", "{ 'many', 'vector(2)[]', from = 'vectors.many' },\n    { 'small',")
               .replace("{ 'doc', 'text' }", "{ 'doc', 'text' }, { 'tenant', 'text' }"), encoding='utf-8')
        self.run_lugger('run', 'out.lua')
        self.assertIn('equal', repr(self.run_lugger('verify', 'out.lua')))
        found = {line['id']: line for line in self.lines()}
        self.assertEqual(len(found), COUNT)
        for i, one in enumerate(given):
            line = found[str(uuid.UUID(int=i + 1))]
            many = line['many'].replace('"', '').replace('{', '[').replace('}', ']')
            self.assert_vectors({**line, 'many': json.loads(many)}, one)
            for name in ('title', 'n', 'price', 'good', 'tags'):
                self.assertEqual(line[name], one[name], name)
            self.assertEqual((line['doc'], line['tenant']), (one['_id'], 'acme'))
            self.assertEqual((line['ref'], line['raw']), (one['ref']['$uuid'], '\\x0001ff'))
            self.assertEqual(moment(line['at']), moment(one['at']['$date'].replace('Z', '+02:00')))

    def test_s1_31_the_client_follows_references(self):
        self.client.make({'class': 'Papers', 'vectorizer': 'none', 'properties': [
            {'name': 'title', 'dataType': ['text']}]})
        self.client.ask('POST', '/schema/Papers/properties', {'name': 'cites', 'dataType': ['Papers']})
        ids = [object_id(f'paper {i}') for i in range(30)]
        self.documents({'_id': {'$uuid': ids[i]}, 'title': f'p{i}',
                        'cites': [{'$uuid': ids[-1 - i]}, {'$uuid': ids[0]}]} for i in range(30))
        (self.cwd / 'papers.lua').write_text('''
local lugger = require 'lugger'
return lugger.copy { name = 'papers', from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL, { table = 'Papers', key = 'id' }),
  columns = { { 'id', 'uuid', from = '_id' }, { 'title', 'text' }, { 'cites', 'uuid[]' } } }
''', encoding='utf-8')
        self.run_lugger('run', 'papers.lua')
        found = weaviate_client.ask(self.server, 'read', {
            'class': 'Papers', 'properties': ['title'], 'references': ['cites']})
        self.assertEqual({one: found[one]['references']['cites'] for one in ids},
                         {ids[i]: sorted([ids[-1 - i], ids[0]]) for i in range(30)})


if __name__ == '__main__':
    harness.main()
