"""`lugger run vectors`: an index of Pinecone becomes a table, and nobody writes a script."""
import json
import unittest
import urllib.request

from pinecone_jobs import KEY, Case


class Script(Case):
    def test_s1_06_every_namespace_by_one_command(self):
        index = self.server.make('docs', 3, 'cosine')
        index.put({'a': ([1, 2, 3], {'title': 'x', 'n': 3.0}), 'b': [0, 0.5, 0]})
        index.put({'a': [4, 5, 6]}, namespace='acme')
        told = self.run_lugger('describe', 'pinecone://docs')
        self.assertIn('namespace acme: 1 record', told.out + told.err)
        self.assertIn('namespace __default__: 2 records', told.out + told.err)
        self.assertIn('read units', told.out + told.err)
        words = ('run', '--from', 'pinecone://docs', '--into', self.database.url, 'vectors', '--index')
        self.assertEqual(self.run_lugger(*words).books()['inserted'], 3)
        self.assertEqual(
            self.database.rows('select namespace, id, embedding, metadata from docs order by 1, 2'),
            [['', 'a', '[1,2,3]', '{"n": 3, "title": "x"}'], ['', 'b', '[0,0.5,0]', r'\N'],
             ['acme', 'a', '[4,5,6]', r'\N']])
        self.assertEqual(self.database.number("select count(*) from pg_indexes where tablename = 'docs' "
                                              "and indexdef ~ 'hnsw.*vector_cosine_ops'"), 1)
        index.put({'a': [7, 8, 9]}, namespace='acme')
        self.run_lugger('run', '--again', *words[1:])
        self.assertEqual(self.database.number("select count(*) from docs where embedding = '[7,8,9]'"), 1)

    def test_under_writes_passes_go_on_until_one_finds_nothing(self):
        index = self.server.make('docs', 2)
        index.put({f'id-{n:04}': ([n + 1.0, 1.0], {'n': n}) for n in range(600)})
        pages = []

        def write_meanwhile(ask):
            """Behind what is being read: changed, new, and gone."""
            if ask.call == 'list' and ask.index == 'docs':
                pages.append(ask)
                if len(pages) in (5, 14, 22):
                    turn = len(pages)
                    index.put({'id-0003': [turn, 2.0], f'id-0001-{turn}': [turn, 3.0]})
                    index.write('__default__', lambda space: space.remove([f'id-{turn:04}']))
                    index.settle()
        self.server.faults.hook = write_meanwhile
        told = self.run_lugger('run', '--from', 'pinecone://docs', '--into', self.database.url, 'vectors',
                               '--until-still')
        self.assertIn('read units', told.err)
        self.assertRegex(told.out, r'pass \d: 0 written, 0 deleted')
        wanted = sorted([key, record['values'][0]] for key, record in index.records('').items())
        found = self.database.rows('select id, (embedding::real[])[1] from docs order by id collate "C"')
        self.assertEqual([[key, float(first)] for key, first in found], wanted)
        self.assertEqual(len(wanted), 600)

    def test_sparse_and_hybrid_indexes(self):
        sparse = self.server.make('words')
        sparse.put({'a': (None, {'x': 'y'}, {7: 0.5, 4000000: 1.5})})
        hybrid = self.server.make('hybrid', 2, 'dotproduct')
        hybrid.put({'a': ([1, 2], {}, {3: 1.0}), 'b': [3, 4]})
        for name, expected in (('words', [['a', '{8:0.5,4000001:1.5}/1000000000']]),
                               ('hybrid', [['a', '{4:1}/1000000000'], ['b', r'\N']])):
            self.run_lugger('run', '--from', f'pinecone://{name}', '--into', self.database.url, 'vectors')
            self.assertEqual(self.database.rows(f'select id, sparse_values from {name} order by 1'), expected)

    def upsert(self, index, namespace, documents):
        request = urllib.request.Request(
            f'{self.server.host_of(index)}/namespaces/{namespace}/documents/upsert',
            json.dumps({'documents': documents}).encode(),
            {'Api-Key': KEY, 'X-Pinecone-Api-Version': '2026-07', 'Content-Type': 'application/json'})
        with urllib.request.urlopen(request) as answer:
            answer.read()

    def test_a_document_index_is_read(self):
        index = self.server.make('notes', fields={
            'v': {'type': 'dense_vector', 'dimension': 2, 'metric': 'euclidean'},
            'title': {'type': 'string', 'full_text_search': {}}})
        self.upsert(index, 'ns', [{'_id': 'a', 'v': [1.0, 2.0], 'title': 'x', 'year': 1999},
                                  {'_id': 'b', 'v': [3.0, 4.0]}])
        self.run_lugger('run', '--from', 'pinecone://notes', '--into', self.database.url, 'vectors')
        self.assertEqual(self.database.rows('select namespace, id, v, fields from notes order by 2'),
                         [['ns', 'a', '[1,2]', '{"year": 1999, "title": "x"}'],
                          ['ns', 'b', '[3,4]', '{}']])


if __name__ == '__main__':
    unittest.main()
