"""The double of Pinecone, asked with plain requests what its official client would not send, or hides: what
is refused and in which words, pages, versions, faults."""
import http.client
import time
import urllib.parse

import harness
import pinecone_faults as faults
from pinecone_case import FIELDS, Case
from pinecone_double import VERSIONS


class Contract(Case):
    def test_the_shape_goes_by_the_version(self):
        spec = {'serverless': {'cloud': 'aws', 'region': 'us-east-1'}}
        body = {'name': 'docs', 'dimension': 3, 'metric': 'euclidean', 'spec': spec}
        self.assertEqual(self.raw('POST', '/indexes', body)[0], 201)
        before, after = (self.raw('GET', '/indexes/docs', version=version)[1] for version in VERSIONS[-2:])
        self.assertEqual((before['dimension'], before['metric'], before['vector_type']),
                         (3, 'euclidean', 'dense'))
        self.assertEqual(before['spec']['serverless']['region'], 'us-east-1')
        self.assertNotIn('schema', before)
        self.assertNotIn('dimension', after)
        self.assertEqual(after['schema']['fields']['_values']['metric'], 'euclidean')
        self.assertEqual(after['deployment'], {'deployment_type': 'managed', **spec['serverless']})
        self.refused(400, 'unknown field', 'POST', '/indexes', body | {'name': 'b'}, version='2026-07')
        self.refused(400, 'not supported', 'GET', '/indexes', version='2024-07')
        self.assertEqual(self.raw('GET', '/indexes', version=None)[1]['indexes'][0]['dimension'], 3)
        self.server.make('texts', fields=FIELDS)
        self.refused(400, '2026-07', 'GET', '/indexes/texts')
        index = self.server.indexes['docs']
        self.refused(404, '2026-04', 'POST', '/namespaces/n/documents/list', {}, index=index)

    def test_it_is_made_and_unmade_in_time(self):
        self.server.limits.ready_after = self.server.limits.gone_after = 0.2
        index = self.server.make('docs', 2)
        about = self.raw('GET', '/indexes/docs')[1]
        self.assertEqual((about['host'], about['status']), (None, {'ready': False, 'state': 'Initializing'}))
        self.refused(503, 'not ready', 'POST', '/describe_index_stats', {}, index=index)
        time.sleep(0.25)
        self.assertTrue(self.raw('GET', '/indexes/docs')[1]['status']['ready'])
        self.assertEqual(self.raw('DELETE', '/indexes/docs')[0], 202)
        self.assertEqual(self.raw('GET', '/indexes/docs')[1]['status']['state'], 'Terminating')
        time.sleep(0.25)
        self.refused(404, 'NOT_FOUND', 'GET', '/indexes/docs')

    def test_what_an_upsert_may_hold(self):
        index = self.server.make('docs', 2)
        good = {'id': 'a', 'values': [1, 2]}
        for words, bad in (
                ('Vector dimension 3 does not match the dimension of the index 2', {'values': [1, 2, 3]}),
                ('at least one non-zero value', {'values': [0, -0.0]}), ('ASCII', {'id': 'é'}),
                ('1 to 512', {'id': ''}), ('1 to 512', {'id': 'x' * 513}), ('must be a string', {'id': 1}),
                ('list of numbers', {'values': [1, '2']}), ('range of a float', {'values': [1, 1e39]}),
                ('unknown field', {'sparse_values': {}}), ('dense values', {'values': []}),
                ('does not support sparse', {'sparseValues': {'indices': [1], 'values': [1]}}),
                ('got \'{\\"a\\":1.0}\' for field \'k\'', {'metadata': {'k': {'a': 1}}}),
                ('list of strings', {'metadata': {'k': [1]}}), ('with \'$\'', {'metadata': {'$k': 1}}),
                ('range of a double', {'metadata': {'k': 10 ** 400}}),
                ('40960 bytes per vector', {'metadata': {'k': 'x' * 40960}})):
            reply = self.refused(400, words, 'POST', '/vectors/upsert', {'vectors': [good, good | bad]},
                                 index=index)
            self.assertEqual(reply['code'], 3)
        self.refused(400, 'invalid JSON', 'POST', '/vectors/upsert', b'{"vectors": [NaN]}', index=index)
        self.refused(400, 'exceeds the limit of 1000', 'POST', '/vectors/upsert', {'vectors': [good] * 1001},
                     index=index)
        self.refused(413, 'too large', 'POST', '/vectors/upsert', b' ' * (2 ** 21 + 1), index=index)
        self.assertEqual(index.records(), {})
        hybrid = self.server.make('hybrid', 2, 'dotproduct')
        for words, sparse in (('limit of 1000', {'indices': [*range(1001)], 'values': [1] * 1001}),
                              ('same length', {'indices': [1], 'values': [1, 2]}),
                              ('whole numbers', {'indices': [2 ** 32], 'values': [1]})):
            self.refused(400, words, 'POST', '/vectors/upsert', {'vectors': [good | {
                'sparseValues': sparse}]}, index=hybrid)

    def test_pages(self):
        index = self.server.make('docs', 1)
        index.put({f'{i:03}': [1] for i in range(250)}, 'n')

        def read(**query):
            ids, sizes = [], []
            while True:
                path = '/vectors/list?' + urllib.parse.urlencode({'namespace': 'n', **query})
                status, page, _ = self.raw('GET', path, index=index)
                self.assertEqual(status, 200, page)
                ids += [one['id'] for one in page['vectors']]
                sizes.append(len(page['vectors']))
                if 'pagination' not in page:
                    return ids, sizes
                query['paginationToken'] = page['pagination']['next']

        self.assertEqual(read(), ([f'{i:03}' for i in range(250)], [100, 100, 50]))
        self.assertEqual(read(prefix='01', limit=4)[1], [4, 4, 2])
        self.server.limits.short_page = 70
        self.assertEqual(read()[1], [70, 70, 70, 40])
        self.refused(400, 'between 1 and 100', 'GET', '/vectors/list?limit=101', index=index)
        self.refused(400, 'blanks', 'GET', '/vectors/list?prefix=a%20b', index=index)
        self.refused(400, 'pagination token', 'GET', '/vectors/list?paginationToken=x', index=index)
        self.refused(414, 'Too Long', 'GET', '/vectors/fetch?ids=' + 'x' * 8200, index=index)
        self.assertEqual(self.raw('GET', '/vectors/list?namespace=none', index=index)[1]['vectors'], [])

    def test_pods_are_not_listed(self):
        index = self.server.make('pods', 2, pods=True)
        index.put({'a': ([1, 2], {'k': 1}), 'b': [1, 2]})
        self.assertEqual(self.raw('GET', '/indexes/pods')[1]['spec']['pod']['pods'], 1)
        self.refused(501, 'serverless', 'GET', '/vectors/list', index=index)
        self.refused(501, 'serverless', 'GET', '/namespaces', index=index)
        stats = self.raw('POST', '/describe_index_stats', {'filter': {'k': 1}}, index=index)[1]
        self.assertEqual(stats['namespaces'], {'': {'vectorCount': 1}})
        self.assertEqual(self.raw('GET', '/vectors/fetch?ids=a', index=index)[1]['vectors']['a']['values'],
                         [1, 2])

    def test_statistics_come_later_still(self):
        index = self.server.make('docs', 2)
        index.stats_lag = 0.3
        self.raw('POST', '/vectors/upsert', {'vectors': [{'id': 'a', 'values': [1, 2]}]}, index=index)

        def count():
            return self.raw('POST', '/describe_index_stats', {}, index=index)[1]['totalVectorCount']

        self.assertEqual(len(self.raw('GET', '/vectors/list', index=index)[1]['vectors']), 1)
        self.assertEqual(count(), 0)
        time.sleep(0.35)
        self.assertEqual(count(), 1)

    def test_limits_of_rate_and_month(self):
        index = self.server.make('docs', 2)
        self.server.limits.rates = {'list': 3}
        replies = [self.raw('GET', '/vectors/list', index=index) for _ in range(8)]
        slow = [reply for reply in replies if reply[0] == 429]
        self.assertTrue(slow)
        self.assertLessEqual(float(slow[0][2]['Retry-After']), 1)
        self.server.limits.write_units = 1
        write = {'vectors': [{'id': 'a', 'values': [1, 2]}]}
        self.assertEqual(self.raw('POST', '/vectors/upsert', write, index=index)[0], 200)
        self.refused(429, 'current month', 'POST', '/vectors/upsert', write, index=index)
        self.assertEqual((self.server.counts['write_units'], index.lsn), (1, 1))

    def test_answers_that_go_wrong(self):
        index = self.server.make('docs', 2)
        fetch = ('GET', '/vectors/fetch?ids=a')
        for fault, what in ((faults.CUT, http.client.IncompleteRead), (faults.CLOSE, ConnectionError)):
            self.server.faults.add(fault)
            self.assertRaises(what, self.raw, *fetch, index=index)
        self.server.faults.add(faults.html())
        status, text, headers = self.raw(*fetch, index=index)
        self.assertEqual((status, headers['Content-Type']), (502, 'text/html'))
        self.assertIn(b'Bad Gateway', text)
        for fault in (faults.slow(0.2), faults.drip(0.2)):
            self.server.faults.add(fault)
            before = time.monotonic()
            self.assertEqual(self.raw(*fetch, index=index)[0], 200)
            self.assertGreater(time.monotonic() - before, 0.19)
        self.server.faults.reshape = lambda ask, reply: reply | {'namespace': ask.call}
        self.assertEqual(self.raw(*fetch, index=index)[1]['namespace'], 'fetch')

    def test_filters(self):
        index = self.server.make('docs', 1)
        index.put({'a': ([1], {'n': 1.0, 't': 'x', 'l': ['p', 'q'], 'b': True}), 'b': ([1], {'n': 2.0}),
                   'c': [1]})
        for given, wanted in (
                ({'n': 1}, 'a'), ({'n': {'$ne': 1}}, 'bc'), ({'n': {'$gt': 0, '$lt': 2}}, 'a'),
                ({'n': {'$lte': 2}}, 'ab'), ({'t': {'$in': ['x', 'y']}}, 'a'), ({'t': {'$nin': ['x']}}, 'bc'),
                ({'l': 'q'}, 'a'), ({'b': True}, 'a'), ({'n': True}, ''), ({'t': {'$exists': False}}, 'bc'),
                ({'$and': [{'n': {'$gte': 1}}, {'t': 'x'}]}, 'a'), ({'$or': [{'n': 2}, {'t': 'x'}]}, 'ab')):
            query = {'vector': [1], 'topK': 9, 'filter': given}
            found = self.raw('POST', '/query', query, index=index)[1]['matches']
            self.assertEqual(''.join(sorted(one['id'] for one in found)), wanted, given)
        for given in ({'n': {'$gt': 'x'}}, {'n': {'$like': 1}}, {'$not': []}, {'$and': {}}, {'n': None}):
            self.refused(400, '', 'POST', '/query', {'vector': [1], 'topK': 9, 'filter': given}, index=index)


if __name__ == '__main__':
    harness.main()
