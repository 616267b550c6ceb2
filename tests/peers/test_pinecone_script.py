"""`lugger run vectors`: an index of Pinecone becomes a table, and nobody writes a script."""
import json
import unittest
import urllib.request

from pinecone_jobs import BACK, KEY, THERE, Case

INTO_DOCUMENTS = '''
local lugger = require 'lugger'
local from = lugger.source(lugger.env.PG_URI, { table = 'NAME', key = { 'namespace', 'id' } })
return lugger.copy { name = 'into NAME', from = from, columns = from:columns(),
  into = lugger.target('pinecone://NAME-again', { key = { 'namespace', 'id' }, documents = true,
    metadata = 'fields' }) }
'''
ODD = "it's \\' or true--"     # a namespace


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
        first = self.run_lugger(*words)
        self.assertEqual(first.books()['inserted'], 3)
        self.assertNotIn('records of one id', first.err)        # the namespace is in the key
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

    def vectors(self, *words, index='docs', **options):
        return self.run_lugger('run', '--from', f'pinecone://{index}', '--into', self.database.url, 'vectors',
                               *words, **options)

    def counts(self, table='docs'):
        return dict(self.database.rows(f'select namespace, count(*) from {table} group by 1'))

    def made(self):
        """Three namespaces, and a table that holds all of them."""
        index = self.server.make('docs', 2)
        for name, rows in (('', 30), ('n1', 40), (ODD, 20)):
            index.put({f'id-{n:02}': [n + 1.0, 1.0] for n in range(rows)}, namespace=name)
        self.vectors()
        self.assertEqual(self.counts(), {'': '30', 'n1': '40', ODD: '20'})
        return index

    def test_a_namespace_that_is_not_there_deletes_nothing(self):
        self.made()
        for words in ((), ('--until-still',), ('--until-still', '--delete-many')):
            told = self.vectors('--namespace', 'nope', *words, expect=1)
            self.assertIn('the index docs has no namespace nope', told.err)
            self.assertIn('n1', told.err)
            self.assertEqual(self.counts(), {'': '30', 'n1': '40', ODD: '20'})
        self.script('nope.lua', BACK.replace("'again'", "'docs'").replace('vector(8)', 'vector(2)')
                    .replace("{ 'sparse_values', 'sparsevec(1000)' },", ''), "namespace = 'nope'")
        told = self.run_lugger('repair', 'nope.lua', '--apply', '--delete-extra', '--delete-many', expect=1)
        self.assertIn('extra rows are not deleted: the index docs has no namespace nope', told.err)
        self.assertEqual(self.counts(), {'': '30', 'n1': '40', ODD: '20'})

    def test_one_namespace_is_brought_up_to_date_and_the_others_stay(self):
        index = self.made()
        kept = self.counts()
        for name, own in (('n1', 'n1'), (ODD, ODD), ('', ''), ('__default__', '')):
            quoted = own.replace("'", "''")
            self.database.query(f"insert into docs values ('{quoted}', 'gone', '[1,1]')")
            lists = []

            def write_meanwhile(ask, own=own, lists=lists):
                if ask.call == 'list':
                    lists.append(ask)
                    if len(lists) == 2:     # behind the load
                        index.put({'late': [7, 7], 'id-03': [8, 8]}, namespace=own)
            self.server.faults.hook = write_meanwhile
            told = self.vectors('--namespace', name, '--until-still')
            self.server.faults.hook = None
            self.assertRegex(told.out, r'pass 1: \d written, 1 deleted')
            kept[own] = str(len(index.records(own)))
            self.assertEqual(self.counts(), kept)
            self.assertEqual(self.database.number("select count(*) from docs where id = 'gone'"), 0)
        self.assertEqual(kept, {'': '31', 'n1': '41', ODD: '21'})

    def test_a_source_that_gives_nothing_deletes_nothing(self):
        index = self.made()
        index.write(ODD, lambda space: space.remove(list(space.records)))
        index.settle()
        for words in ((), ('--delete-many',)):
            told = self.vectors('--namespace', ODD, '--until-still', *words, expect=1)
            self.assertIn('the source gives nothing at all', told.err)
            self.assertEqual(self.counts(), {'': '30', 'n1': '40', ODD: '20'})
        self.server.make('none', 2)
        self.database.query("create table few as select * from docs where id < 'id-01'; "
                            "alter table few add primary key (namespace, id)")
        told = self.run_lugger('run', '--from', 'pinecone://none', '--into', self.database.url, 'vectors',
                               '--table', 'few', '--until-still', expect=1)
        self.assertIn('the source gives nothing at all', told.err)
        self.assertEqual(self.database.number('select count(*) from few'), 3)

    def test_a_list_that_comes_to_nothing_while_it_is_read_deletes_nothing(self):
        self.made()
        lists = []

        def nothing_more(ask, reply):
            if ask.call == 'list':
                lists.append(ask)
                return {**reply, 'vectors': []} if len(lists) > 3 else None     # behind the load
            return None
        self.server.faults.reshape = nothing_more
        told = self.vectors('--until-still', '--delete-many', expect=1)
        self.assertIn('the source gives nothing at all', told.err)
        self.assertIn('empty the table yourself', told.err)
        self.assertEqual(self.counts(), {'': '30', 'n1': '40', ODD: '20'})
        self.assertGreater(len(lists), 3)

    def test_more_than_a_tenth_is_deleted_on_request(self):
        index = self.made()
        index.write('n1', lambda space: space.remove([f'id-{n:02}' for n in range(15)]))
        index.settle()
        told = self.vectors('--namespace', 'n1', '--until-still', expect=1)
        self.assertIn('15 of the 40 rows of docs would be deleted, more than a tenth', told.err)
        self.assertEqual(self.counts(), {'': '30', 'n1': '40', ODD: '20'})
        self.vectors('--namespace', 'n1', '--until-still', '--delete-many')
        self.assertEqual(self.counts(), {'': '30', 'n1': '25', ODD: '20'})

    def test_another_table_is_another_load_and_late_counts_are_seen_through(self):
        index = self.made()
        told = self.vectors('--table', 'other')
        self.assertNotIn('loaded before', told.err + told.out)
        self.assertEqual(self.counts('other'), self.counts())
        index.counts.clear()
        self.script('there.lua', THERE, "on_conflict = 'update'")
        told = self.run_lugger('plan', 'there.lua')
        self.assertIn('the index holds records', told.out + told.err)

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
        self.vectors(index='notes')
        self.assertEqual(self.database.rows('select namespace, id, v, fields from notes order by 2'),
                         [['ns', 'a', '[1,2]', '{"year": 1999, "title": "x"}'],
                          ['ns', 'b', '[3,4]', '{}']])

    def test_a_field_called_namespace_is_the_documents_own(self):
        fields = {'v': {'type': 'dense_vector', 'dimension': 2, 'metric': 'cosine'}}
        declared = {'namespace': {'type': 'string', 'full_text_search': {}}}
        for name, more in (('declared', declared), ('loose', {})):
            index = self.server.make(name, fields={**fields, **more})
            self.upsert(index, 'acme', [{'_id': 'a', 'v': [1.0, 2.0], 'namespace': 'theirs', 'id': 'x'}])
            self.upsert(index, 'other', [{'_id': 'b', 'v': [3.0, 4.0], 'namespace': 'acme'}])
            rows = [['acme', 'a', '{"id": "x", "namespace": "theirs"}'],
                    ['other', 'b', '{"namespace": "acme"}']]
            shown = f'select namespace, id, fields from {name} order by 2'
            self.vectors('--until-still', index=name)
            self.assertEqual(self.database.rows(shown), rows)
            self.database.query(f"insert into {name} values ('acme', 'gone', '[1,1]', '{{}}')")
            self.vectors('--namespace', 'acme', '--until-still', '--delete-many', index=name)
            self.assertEqual(self.database.rows(shown), rows)
            self.script('into.lua', INTO_DOCUMENTS.replace('NAME', name))
            self.run_lugger('run', 'into.lua', '--create')
            self.assertRegex(self.run_lugger('verify', 'into.lua').out, 'equal, 2 rows')
            again = self.server.indexes[f'{name}-again']
            self.assertEqual([again.records(space) for space in ('acme', 'other')],
                             [index.records(space) for space in ('acme', 'other')])


if __name__ == '__main__':
    unittest.main()
