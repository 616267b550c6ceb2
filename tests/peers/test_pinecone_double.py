"""The double of Pinecone, judged by Pinecone's own client: what the client takes for right answers, and
refusals it understands."""
import math
import random

import harness
import pinecone_client
import pinecone_faults as faults
from mongo_secure import authority, certificate, need_openssl
from pinecone_case import FIELDS, Case, single
from pinecone_double import Pinecone

ODD_IDS = ['a/b', 'a b', 'a+b', 'a&ids=c', 'a?b#c', '%41', '"', "'", '~', '\x01', 'x' * 512]


class Client(Case):
    def setUp(self):
        pinecone_client.interpreter()
        super().setUp()

    def test_indexes(self):
        dense = {'fields': {'_values': {'type': 'dense_vector', 'dimension': 3, 'metric': 'cosine'}}}
        made, again, sparse, documents, listed, changed, kept, freed, gone, missing = self.client(
            ('indexes', 'create', {'name': 'docs', 'schema': dense, 'tags': {'a': 'b'},
                                   'deletion_protection': 'enabled'}),
            ('indexes', 'create', {'name': 'docs', 'schema': dense}),
            ('indexes', 'create', {'name': 'words', 'vector_type': 'sparse'}),
            ('indexes', 'create', {'name': 'texts', 'schema': {'fields': FIELDS}}),
            ('indexes', 'list', {}),
            ('indexes', 'configure', {'name': 'docs', 'tags': {'a': '', 'c': 'd'}}),
            ('indexes', 'delete', {'name': 'docs'}),
            ('indexes', 'configure', {'name': 'docs', 'deletion_protection': 'disabled'}),
            ('indexes', 'delete', {'name': 'docs'}),
            ('indexes', 'describe', {'name': 'docs'}))
        self.assertEqual((made['name'], made['status'], made['tags'], made['deletion_protection']),
                         ('docs', {'ready': True, 'state': 'Ready'}, {'a': 'b'}, 'enabled'))
        self.assertEqual(made['deployment']['deployment_type'], 'managed')
        self.assertEqual((again['raised'], again['status']), ('ConflictError', 409))
        self.assertEqual(list(sparse['schema']['fields']), ['_sparse_values'])
        self.assertEqual(documents['schema']['fields']['v']['dimension'], 2)
        self.assertEqual([one['name'] for one in listed], ['docs', 'texts', 'words'])
        self.assertEqual(changed['tags'], {'c': 'd'})
        self.assertEqual((kept['raised'], kept['status']), ('FailedPreconditionError', 412))
        self.assertEqual((freed['deletion_protection'], gone), ('disabled', None))
        self.assertEqual((missing['raised'], missing['status']), ('NotFoundError', 404))

    def test_vectors(self):
        self.server.make('docs', 3, 'cosine')
        vectors = [{'id': one, 'values': [i + 1, 0.1, -1e-40], 'metadata': {
            'n': i, 'big': 2 ** 53 + 1, 'tags': ['x', 'é'], 'yes': True, 'none': None}}
            for i, one in enumerate(ODD_IDS)]
        upserted, found, stats, listed, namespaces = self.client(
            ('docs', 'upsert', {'vectors': vectors, 'namespace': 'one two'}),
            ('docs', 'fetch', {'ids': [*ODD_IDS, 'missing'], 'namespace': 'one two'}),
            ('docs', 'describe_index_stats', {}),
            ('docs', 'list', {'namespace': 'one two', 'limit': 4}),
            ('docs', 'list_namespaces', {}))
        self.assertEqual(upserted['upsertedCount'], len(ODD_IDS))
        self.assertEqual(found['vectors'].keys(), set(ODD_IDS))
        for one in vectors:
            read = found['vectors'][one['id']]
            self.assert_floats(read['values'], one['values'])
            self.assertEqual(read['metadata'], {'n': one['metadata']['n'], 'big': 2 ** 53,
                                                'tags': ['x', 'é'], 'yes': True})
            self.assertIsInstance(read['metadata']['n'], float)
        self.assertEqual(stats['namespaces'], {'one two': {'vectorCount': len(ODD_IDS)}})
        self.assertEqual((stats['dimension'], stats['metric'], stats['vectorType']), (3, 'cosine', 'dense'))
        self.assertEqual([len(page['vectors']) for page in listed], [4, 4, 3])
        self.assertEqual([one['id'] for page in listed for one in page['vectors']], sorted(ODD_IDS))
        self.assertEqual([(one['name'], one['record_count']) for one in namespaces[0]['namespaces']],
                         [('one two', len(ODD_IDS))])

    def test_queries(self):
        random.seed(7)
        rows = {f'v{i}': [random.uniform(-1, 1) for _ in range(8)] for i in range(200)}
        wanted, best = [random.uniform(-1, 1) for _ in range(8)], {}
        for metric in ('cosine', 'euclidean', 'dotproduct'):
            index = self.server.make(metric, 8, metric)
            index.put({one: (row, {'half': i % 2}) for i, (one, row) in enumerate(rows.items())})
            near = {'cosine': lambda row: -sum(map(float.__mul__, wanted, row)) / math.hypot(*row),
                    'euclidean': lambda row: math.dist(wanted, row),
                    'dotproduct': lambda row: -sum(map(float.__mul__, wanted, row))}[metric]
            best[metric] = sorted(rows, key=lambda one, near=near: near(rows[one]))
        *found, some, by_id = self.client(
            *((metric, 'query', {'vector': wanted, 'top_k': 10}) for metric in best),
            ('cosine', 'query', {'vector': wanted, 'top_k': 5, 'filter': {'half': {'$eq': 1}},
                                 'include_values': True, 'include_metadata': True}),
            ('cosine', 'query', {'id': 'v3', 'top_k': 1}))
        for reply, order in zip(found, best.values()):
            self.assertEqual([one['id'] for one in reply['matches']], order[:10])
            self.assertEqual(reply['matches'][0]['values'], [])
        halves = [one for one in best['cosine'] if int(one[1:]) % 2][:5]
        self.assertEqual([one['id'] for one in some['matches']], halves)
        self.assert_floats(some['matches'][0]['values'], rows[halves[0]])
        self.assertEqual(some['matches'][0]['metadata'], {'half': 1})
        self.assertEqual(by_id['matches'][0]['id'], 'v3')

    def test_changes(self):
        index = self.server.make('docs', 2, 'dotproduct')
        index.put({f'v{i}': ([i + 1, 0], {'n': i, 'kept': 'x'}) for i in range(6)})
        dry, by_filter, _, _, _, page = self.client(
            ('docs', 'update', {'filter': {'n': {'$gte': 3}}, 'set_metadata': {'m': 1}, 'dry_run': True}),
            ('docs', 'update', {'filter': {'n': {'$gte': 3}}, 'set_metadata': {'m': 2}}),
            ('docs', 'update', {'id': 'v1', 'values': [9, 9], 'set_metadata': {'n': 'text'},
                                'sparse_values': {'indices': [4294967295], 'values': [0.1]}}),
            ('docs', 'delete', {'filter': {'$or': [{'n': 0}, {'n': {'$in': [4, 5]}}]}}),
            ('docs', 'delete', {'ids': ['v2', 'nobody']}),
            ('docs', 'fetch_by_metadata', {'filter': {'kept': {'$exists': True}}, 'limit': 1}))
        self.assertEqual((dry['matchedRecords'], by_filter['matchedRecords']), (3, 3))
        found = index.records()
        self.assertEqual(found.keys(), {'v1', 'v3'})
        self.assertEqual(found['v3']['metadata'], {'n': 3, 'kept': 'x', 'm': 2})
        self.assertEqual(found['v1'], {
            'values': [9, 9], 'metadata': {'n': 'text', 'kept': 'x'},
            'sparse': {'indices': [4294967295], 'values': [single(0.1)]}})
        self.assertEqual(list(page['vectors']), ['v1'])
        self.assertTrue(page['pagination']['next'])

    def test_sparse(self):
        self.server.make('words')
        _, found, near, refused = self.client(
            ('words', 'upsert', {'vectors': [
                {'id': str(i), 'sparse_values': {'indices': [i, 7], 'values': [0.5, i]}}
                for i in range(1, 4)]}),
            ('words', 'fetch', {'ids': ['2']}),
            ('words', 'query', {'sparse_vector': {'indices': [7], 'values': [1]}, 'top_k': 2}),
            ('words', 'upsert', {'vectors': [{'id': 'd', 'values': [1, 2]}]}))
        self.assertEqual(found['vectors']['2']['sparseValues'], {'indices': [2, 7], 'values': [0.5, 2]})
        self.assertEqual([(one['id'], one['score']) for one in near['matches']], [('3', 3), ('2', 2)])
        self.assertEqual(refused['status'], 400)

    def test_documents(self):
        index = self.server.make('texts', fields=FIELDS)
        rows = [{'_id': f'd{i}', 'v': [i, 0.1], 'body': f'word {"more " * i}', 'year': 2000 + i, 'extra': 'x',
                 's': {'indices': [i], 'values': [1]}} for i in range(5)]
        upserted, incomplete, listed, found, near, texts, _, matched, _, wrong = self.client(
            ('texts/documents', 'upsert', {'namespace': 'ns', 'documents': rows}),
            ('texts/documents', 'upsert', {'namespace': 'ns', 'documents': [{'_id': 'x', 'body': 'y'}]}),
            ('texts/documents', 'list', {'namespace': 'ns', 'limit': 2}),
            ('texts/documents', 'fetch', {'namespace': 'ns', 'ids': ['d1', 'nobody']}),
            ('texts/documents', 'search', {'namespace': 'ns', 'top_k': 2, 'include_fields': ['year'],
                                           'filter': {'year': {'$gt': 2001}}, 'score_by': [
                                               {'type': 'dense_vector', 'field': 'v', 'values': [0, 0]}]}),
            ('texts/documents', 'search', {'namespace': 'ns', 'top_k': 1, 'score_by': [
                {'type': 'text', 'fields': ['body'], 'query': 'more'}]}),
            ('texts/documents', 'update', {'namespace': 'ns', 'documents': [
                {'_id': 'd0', 'year': 1, '_remove_fields': ['extra']}, {'_id': 'nobody', 'year': 2}]}),
            ('texts/documents', 'delete', {'namespace': 'ns', 'filter': {'year': {'$gte': 2003}}}),
            ('texts/documents', 'delete', {'namespace': 'ns', 'ids': ['d1']}),
            ('texts', 'upsert', {'vectors': [{'id': 'a', 'values': [1, 2]}]}))
        self.assertEqual(upserted['upserted_count'], 5)
        self.assertIn('v', incomplete['message'])
        self.assertEqual([one['_id'] for one in listed], [f'd{i}' for i in range(5)])
        self.assertEqual(found['documents'].keys(), {'d1'})
        self.assert_floats(found['documents']['d1']['v'], [1, 0.1])
        self.assertEqual(found['documents']['d1']['s'], {'indices': [1], 'values': [1]})
        self.assertEqual([(one['_id'], one['year']) for one in near['matches']], [('d2', 2002), ('d3', 2003)])
        self.assertEqual([one['_id'] for one in texts['matches']], ['d4'])
        self.assertEqual(matched['matched_records'], 2)
        self.assertEqual((wrong['status'], wrong['raised']), (400, 'ApiError'))
        left = index.records('ns')
        self.assertEqual(left.keys(), {'d0', 'd2'})
        self.assertEqual((left['d0']['year'], 'extra' in left['d0'], left['d0']['body']), (1, False, 'word '))

    def test_many_at_once(self):
        index, texts = self.server.make('docs', 64), self.server.make('texts', fields=FIELDS)
        rows = [{'id': f'{i:05}', 'values': [i + 1, *range(63)]} for i in range(3000)]
        large = [{'_id': str(i), 'v': [1, 2], 'body': 'x' * 38000} for i in range(100)]
        done, split, pages, refused, imports = self.client(
            ('docs', 'upsert', {'vectors': rows, 'batch_size': 100, 'show_progress': False}),
            ('texts/documents', 'batch_upsert', {'namespace': 'n', 'documents': large, 'batch_size': 100,
                                                 'show_progress': False}),
            ('docs', 'list', {}),
            ('docs', 'search_records', {'namespace': 'n', 'inputs': {'text': 'x'}, 'top_k': 1}),
            ('docs', 'list_imports', {}))
        self.assertEqual((done['upsertedCount'], done['errors'], len(index.records())), (3000, [], 3000))
        self.assertEqual([one['id'] for page in pages for one in page['vectors']], [r['id'] for r in rows])
        # A batch beyond 2 MB is refused, and sent again in parts.
        self.assertEqual((split['errors'], len(texts.records('n'))), ([], 100))
        self.assertIn(413, [ask.status for ask in self.server.requests if ask.index == 'texts'])
        self.assertEqual((refused['status'], imports), (400, []))

    def test_namespaces(self):
        index = self.server.make('docs', 2)
        index.put({'a': [1, 2]})
        index.put({'b': [1, 2]}, '__default__')
        made, twice, stats, every, default, _, gone, nobody = self.client(
            ('docs', 'create_namespace', {'name': 'new', 'schema': {'fields': {'g': {'filterable': True}}}}),
            ('docs', 'create_namespace', {'name': 'new'}),
            ('docs', 'describe_index_stats', {}),
            ('docs', 'list_namespaces', {'limit': 1}),
            ('docs', 'describe_namespace', {'name': '__default__'}),
            ('docs', 'delete_namespace', {'name': '__default__'}),
            ('docs', 'list_namespaces', {}),
            ('docs', 'delete', {'ids': ['a'], 'namespace': 'nobody'}))
        self.assertEqual((made['name'], made['indexed_fields']['fields']), ('new', ['g']))
        self.assertEqual(twice['status'], 409)
        self.assertEqual(stats['namespaces'], {'__default__': {'vectorCount': 2}, 'new': {'vectorCount': 0}})
        self.assertEqual([one['name'] for page in every for one in page['namespaces']],
                         ['__default__', 'new'])
        self.assertEqual(default['record_count'], 2)
        self.assertEqual([one['name'] for page in gone for one in page['namespaces']], ['new'])
        self.assertEqual(nobody['status'], 404)

    def test_faults(self):
        index = self.server.make('docs', 2)
        self.server.faults.add(faults.rate(0.05), call='upsert')
        self.server.faults.add(faults.LOST, call='upsert', after=1)
        self.server.faults.add(faults.html(503), call='fetch')
        self.server.faults.add(faults.CUT, call='list', times=math.inf)
        self.server.faults.add(faults.quota(), call='query', times=math.inf)
        write = {'vectors': [{'id': 'a', 'values': [1, 2]}]}
        first, second, found, listed, query = self.client(
            ('docs', 'upsert', write), ('docs', 'upsert', write), ('docs', 'fetch', {'ids': ['a']}),
            ('docs', 'list_paginated', {}), ('docs', 'query', {'vector': [1, 2], 'top_k': 1}))
        self.assertEqual((first['upsertedCount'], second['upsertedCount']), (1, 1))
        self.assertEqual(list(found['vectors']), ['a'])
        self.assertEqual((query['raised'], query['status']), ('RateLimitError', 429))
        self.assertIn('current month', query['message'])
        self.assertIn('raised', listed)
        self.assertEqual((self.server.counts['upsert'], index.lsn), (4, 3))

    def test_a_wrong_key(self):
        self.server.make('docs', 2)
        self.assertEqual(self.client(('indexes', 'list', {}), key='wrong')[0]['raised'], 'UnauthorizedError')
        self.server.wrong_key = 403
        self.assertEqual(self.client(('indexes', 'list', {}), key='wrong')[0]['raised'], 'ForbiddenError')

    def test_a_host_without_a_scheme_is_asked_by_tls(self):
        need_openssl()
        self.server = Pinecone(certificate=certificate('pinecone', '/CN=pinecone'), bare=True)
        self.addCleanup(self.server.stop)
        index = self.server.make('docs', 2)
        index.put({'a': [1, 2]})
        about, found = self.client(('indexes', 'describe', {'name': 'docs'}),
                                   ('docs', 'fetch', {'ids': ['a']}),
                                   authority=authority('pinecone') / 'ca.pem')
        self.assertEqual((about['host'], list(found['vectors'])), (f'https://127.0.0.1:{index.port}', ['a']))

    def test_what_was_written_is_seen_later(self):
        index = self.server.make('docs', 2)
        index.lag = math.inf
        wrote, early = self.client(('docs', 'upsert', {'vectors': [{'id': 'a', 'values': [1, 2]}]}),
                                   ('docs', 'fetch', {'ids': ['a']}))
        index.settle()
        late, = self.client(('docs', 'fetch', {'ids': ['a']}))
        self.assertEqual((list(early['vectors']), list(late['vectors'])), ([], ['a']))
        seen = [one['responseInfo']['raw_headers'] for one in (early, late)]
        committed = wrote['responseInfo']['raw_headers']['x-pinecone-lsn-committed']
        self.assertEqual([one['x-pinecone-lsn-reconciled'] for one in seen], ['0', committed])


if __name__ == '__main__':
    harness.main()
