"""Batches of objects by gRPC: what a server then holds is what REST gives it, bit for bit."""
import json
import struct
import time
import uuid

import harness
from tls_front import TlsFront, self_signed
from weaviate import RealWeaviate, real_weaviate
from weaviate_case import INTO, Case, document, floats, object_id

TYPES = '''
local lugger = require 'lugger'
return lugger.copy { name = '%s', from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL,
    { table = '%s', key = 'doc', index = 'flat', distance = 'l2-squared', state = '.%s', %s }),
  columns = {
    { 'doc', 'text', from = '_id' }, { 'n', 'int8' }, { 'm', 'int2' }, { 'x', 'float8' }, { 'y', 'float4' },
    { 'good', 'bool' }, { 'at', 'timestamptz' }, { 'local_', 'timestamp' }, { 'day', 'date' },
    { 'ref', 'uuid' }, { 'raw', 'bytea' }, { 'meta', 'jsonb' }, { 'money', 'numeric' },
    { 'texts', 'text[]' }, { 'ints', 'int8[]' }, { 'reals', 'float8[]' }, { 'singles', 'float4[]' },
    { 'bools', 'bool[]' }, { 'days', 'date[]' }, { 'refs', 'uuid[]' },
    { 'one', 'vector' }, { 'half', 'halfvec(3)' }, { 'many', 'vector(2)[]' },
  } }
'''
NESTED = {'name': 'meta', 'dataType': ['object'], 'nestedProperties': [{'name': 'a', 'dataType': ['int']}]}
ONE = [-0.0, 1e-45, 3.4028234663852886e38, 0.1, 16777217, -1.5, 7.038531e-26, 1.1754942e-38]


def full(number):
    ids = [{'$uuid': str(uuid.UUID(int=number * 7919 + i))} for i in range(3)]
    reals = [-0.0, 5e-324, 1.7976931348623157e308, number / 3, 1e22, 0.1]
    return {
        '_id': f'k{number} \u2028"\n\U0001f600', 'n': (2 ** 53 - number) * (-1) ** number, 'm': -number,
        'x': reals[number % 6], 'y': [0.1, 3.4e38, -0.0, 1e-45][number % 4], 'good': number % 2 == 0,
        'at': {'$date': f'2026-01-0{1 + number % 9}T01:02:03.004Z'},
        'local_': {'$date': '1969-12-31T23:59:59.999Z'}, 'day': '0044-03-15', 'ref': ids[0],
        'raw': {'$binary': {'base64': 'AAH/', 'subType': '00'}}, 'meta': {'a': [1, None, 'x\u0001']},
        'money': {'$numberDecimal': '12345678901234567890.10'}, 'texts': ['', 'a"b', '\u00e9\n'],
        'ints': [0, -1, 2 ** 53, number], 'reals': reals, 'singles': [0.1, -0.0, 1e-45],
        'bools': [True, False, number % 2 == 0], 'days': ['2026-11-30', '1970-01-01'], 'refs': ids,
        'one': ONE, 'half': [0.5, -0.0, number], 'many': [[number, -0.0], [1e-45, 0.1], [3.4e38, -1]],
    }


def documents():
    out = [full(i) for i in range(60)]
    for name in ('texts', 'ints', 'reals', 'singles', 'bools', 'days', 'refs'):
        out[1][name] = []
    # Of each value one document has none, and one has it alone.
    for i, name in enumerate(list(full(0))[1:]):
        del out[10 + i][name]
        out.append({'_id': f'alone {name}', name: full(5)[name]})
    out.append({'_id': 'bare'})
    return out


def bits(value):
    """JSON with every float as its bits, so that -0 is not 0."""
    if isinstance(value, float):
        return struct.pack('<d', value)
    if isinstance(value, list):
        return [bits(one) for one in value]
    if isinstance(value, dict):
        return {name: bits(one) for name, one in value.items()}
    return value


def told(ran):
    return ' '.join((ran.out + ran.err).split())


class Grpc(Case):
    @classmethod
    def make(cls):
        return real_weaviate()

    def job(self, name, options):
        (self.cwd / f'{name}.lua').write_text(TYPES % (name, name, name, options), encoding='utf-8')
        return f'{name}.lua'

    def test_objects_of_all_types_are_those_of_rest(self):
        self.documents(documents())
        port = f'grpc_port = {self.server.grpc_port}'
        stored = {}
        for name, options, words in (
                ('Called', port, f'batches by gRPC at 127.0.0.1:{self.server.grpc_port}'),
                ('Rested', port + ', grpc = false', 'batches by REST: grpc is false')):
            job = self.job(name, options)
            planned = self.run_lugger('plan', job, '--create')
            self.assertIn(words, told(planned))
            ran = self.run_lugger('run', job, '--create')
            self.assertEqual(ran.books()['inserted'], len(documents()))
            self.assertIn('equal', repr(self.run_lugger('verify', job)))
            stored[name] = self.client.all(name)
        self.assertEqual(len(stored['Called']), len(documents()))
        self.assertEqual(stored['Called'].keys(), stored['Rested'].keys())
        for one, called in stored['Called'].items():
            rested = stored['Rested'][one]
            for part in ('properties', 'vectors', 'vector', 'tenant'):
                self.assertEqual(bits(called.get(part)), bits(rested.get(part)), called)
        odd = stored['Called'][object_id(full(0)['_id'])]
        self.assertEqual(floats(odd['vectors']['one']), floats(ONE))

    def test_an_object_that_is_refused_is_a_reject_as_with_rest(self):
        rows = [full(i) for i in range(50)]
        rows[0]['one'] = [1, 2]  # the class is made with what comes first
        rows[20]['one'] = rows[30]['one'] = [1, 2, 3]
        self.documents(rows[1:])
        stored = []
        for name, options in (('Called', ''), ('Rested', ', grpc = false')):
            job = self.job(name, f'grpc_port = {self.server.grpc_port}{options}')
            ran = self.run_lugger('run', job, '--create', '-j', '1', expect=3)
            self.assertEqual((ran.books()['inserted'], ran.books()['rejected']), (47, 2))
            stored.append(sorted(self.client.all(name)))
            self.assertEqual(len(stored[-1]), 47)
        self.assertEqual(stored[0], stored[1])

    def both_ways(self):
        """Of an empty class for each way: the way, and rows for a job that fills the class in that way."""
        into = INTO.split('columns')[0].replace("index = 'flat'", "on_conflict = 'update'")
        columns = "columns = { { 'doc', 'text', from = '_id' }, { 'embedding', 'vector' }%s } }"
        for way, more in (('REST', ", { 'meta', 'jsonb' }"), ('gRPC', '')):
            self.client.ask('DELETE', '/schema/Docs')
            self.client.make({'class': 'Docs', 'properties': [{'name': 'doc', 'dataType': ['text']}, NESTED],
                              'vectorConfig': {'embedding': {'vectorizer': {'none': {}},
                                                             'vectorIndexType': 'hnsw'}}})
            (self.cwd / 'into.lua').write_text(into + columns % more, encoding='utf-8')
            self.documents([])
            self.assertIn(f'batches by {way}', told(self.run_lugger('plan', 'into.lua')))
            yield way, [{'_id': f'd{i}', 'meta': {'a': i}, 'embedding': [1, 2, i]} for i in range(30)]

    def test_an_object_that_is_stored_and_refused_is_taken_out(self):
        for _, rows in self.both_ways():
            # An index without vectors takes any; which are wrong shows when they are stored.
            del rows[0]['embedding']
            rows[25]['embedding'] = [7]
            self.documents(rows)
            ran = self.run_lugger('run', 'into.lua', '--restart', '-j', '1', expect=3)
            self.assertEqual(len(self.client.all('Docs')), 30 - ran.books()['rejected'])

    def test_an_object_that_was_there_stands_when_a_new_one_is_refused(self):
        for way, rows in self.both_ways():
            self.documents(rows)
            self.run_lugger('run', 'into.lua', '--restart', '-j', '1')
            before = self.client.all('Docs')
            # Of d3 the property does not fit, of d5 the vector, and of d29 not even the id is new.
            self.documents([*rows[:3], {**rows[3], 'meta': {'a': 'x'}}, rows[4],
                            {**rows[5], 'embedding': [1, 2]}, *rows[6:], {**rows[29], 'embedding': [7]}])
            ran = self.run_lugger('run', 'into.lua', '--restart', '-j', '1', expect=3)
            self.assertEqual(ran.books()['rejected'], 2 if way == 'gRPC' else 3, ran.out)
            after = self.client.all('Docs')
            self.assertEqual(after.keys(), before.keys())
            for one, stood in before.items():
                self.assertEqual(after[one]['vectors'], stood['vectors'])

    def test_a_message_that_is_too_large_is_halved(self):
        self.server.stop()
        self.server = RealWeaviate(GRPC_MAX_MESSAGE_SIZE=20000)
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        documents = [document(i) for i in range(400)]
        documents[250]['title'] = 'x' * 20000
        self.documents(documents)
        self.assertIn('batches by gRPC', told(self.run_lugger('plan', 'into.lua', '--create')))
        ran = self.run_lugger('run', 'into.lua', '--create', '-j', '1', expect=3)
        self.assertEqual((ran.books()['inserted'], ran.books()['rejected']), (399, 1))
        self.assertIn('larger than the 20000 that the server takes',
                      told(self.run_lugger('rejects', 'into.lua')))
        self.assertEqual(len(self.client.all('Docs')), 399)

    def test_a_class_that_is_read_only_is_waited_for(self):
        self.documents([document(0)])
        self.run_lugger('run', 'into.lua', '--create')
        self.documents([document(i) for i in range(50)])
        (self.cwd / 'into.lua').write_text(INTO.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'"),
                                           encoding='utf-8')
        shard = '/schema/Docs/shards/' + self.client.get('/schema/Docs/shards')[0]['name']
        self.client.ask('PUT', shard, {'status': 'READONLY'})
        process = harness.start('run', 'into.lua', '--restart', '-j', '1', cwd=self.cwd, env=self.env)
        time.sleep(2)
        self.assertIsNone(process.poll())
        self.assertEqual(len(self.client.all('Docs')), 1)
        self.client.ask('PUT', shard, {'status': 'READY'})
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(len(self.client.all('Docs')), 50)

    def test_a_port_where_something_else_answers(self):
        self.documents(document(i) for i in range(5))
        for port in (self.server.port, 1):
            (self.cwd / 'into.lua').write_text(
                INTO.replace("grpc_port = port", f"on_conflict = 'update', grpc_port = {port}"),
                encoding='utf-8')
            planned = self.run_lugger('plan', 'into.lua', '--create')
            self.assertIn(f'batches by REST: no gRPC is at 127.0.0.1:{port}', told(planned))
            self.assertIn('warning: batches go by REST', told(planned))
            ran = self.run_lugger('run', 'into.lua', '--create', '--restart')
            self.assertIn('warning: batches go by REST', told(ran))
        self.assertEqual(len(self.client.all('Docs')), 5)

    def test_the_port_of_another_server(self):
        other = real_weaviate()
        self.addCleanup(other.stop)
        self.documents(document(i) for i in range(50))
        (self.cwd / 'into.lua').write_text(
            INTO.replace('grpc_port = port', f'grpc_port = {other.grpc_port}'), encoding='utf-8')
        failed = self.run_lugger('run', 'into.lua', '--create', '-j', '1', expect=1)
        self.assertIn('the port of gRPC does not know the class Docs', failed.err)
        self.assertEqual(self.client.all('Docs'), {})
        self.assertEqual(other.client().get('/schema')['classes'], [])

    def test_nested_objects_go_by_rest(self):
        self.client.make({'class': 'Docs', 'vectorizer': 'none', 'properties': [
            {'name': 'doc', 'dataType': ['text']}, NESTED]})
        self.documents({'_id': f'd{i}', 'meta': {'a': i}} for i in range(20))
        columns = "columns = { { 'doc', 'text', from = '_id' }, { 'meta', 'jsonb' } } }"
        (self.cwd / 'into.lua').write_text(INTO.split('columns')[0] + columns, encoding='utf-8')
        planned = self.run_lugger('plan', 'into.lua')
        self.assertIn('batches by REST: objects have nested values', told(planned))
        self.run_lugger('run', 'into.lua')
        self.assertEqual(self.client.all('Docs')[object_id('d7')]['properties']['meta'], {'a': 7})

    def test_a_certificate_is_checked(self):
        certificate = self_signed()
        rest = TlsFront(self.server.port, certificate, 'http/1.1')
        calls = TlsFront(self.server.grpc_port, certificate, 'h2')
        self.addCleanup(rest.stop)
        self.addCleanup(calls.stop)
        env = {'WEAVIATE_URL': f'weaviates://127.0.0.1:{rest.port}', 'WEAVIATE_GRPC': str(calls.port)}
        self.documents(document(i) for i in range(1, 2500))
        self.assertIn('cannot be trusted', self.run_lugger('plan', 'into.lua', expect=1, env=env).err)
        trusting = INTO.replace("key = 'doc'", f"key = 'doc', ca_file = '{certificate}'")
        (self.cwd / 'into.lua').write_text(trusting, encoding='utf-8')
        planned = self.run_lugger('plan', 'into.lua', '--create', env=env)
        self.assertIn(f'batches by gRPC at 127.0.0.1:{calls.port}', told(planned))
        self.run_lugger('run', 'into.lua', '--create', env=env)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua', env=env)))
        # Another's certificate is no reason to go the other way without a word.
        other = TlsFront(self.server.grpc_port, self_signed(), 'h2')
        self.addCleanup(other.stop)
        planned = self.run_lugger('plan', 'into.lua', expect=(0, 1),
                                  env={**env, 'WEAVIATE_GRPC': str(other.port)})
        self.assertRegex(told(planned), 'batches by REST: no gRPC is at .* cannot be trusted')

    def test_the_key_goes_with_every_call(self):
        self.server.stop()
        self.server = real_weaviate(key='s3cr3t-key')
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.documents(document(i) for i in range(1, 2500))
        env = {'WEAVIATE_API_KEY': 's3cr3t-key'}
        planned = self.run_lugger('plan', 'into.lua', '--create', env=env)
        self.assertIn('batches by gRPC', told(planned))
        ran = self.run_lugger('run', 'into.lua', '--create', env=env)
        self.assertNotIn('s3cr3t', json.dumps([planned.out, planned.err, ran.out, ran.err]))
        self.assertEqual(len(self.client.all('Docs')), 2499)


if __name__ == '__main__':
    harness.main()
