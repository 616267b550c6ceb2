"""What the tests of Pinecone share: a double, plain requests to it, the official client's steps."""
import http.client
import json
import struct
import unittest

import pinecone_client
from pinecone_double import Pinecone

# Of an index of documents.
FIELDS = {'v': {'type': 'dense_vector', 'dimension': 2, 'metric': 'euclidean'},
          's': {'type': 'sparse_vector'}, 'body': {'type': 'string', 'full_text_search': {}},
          'year': {'type': 'integer'}}


def single(number):
    return struct.unpack('<f', struct.pack('<f', number))[0]


class Case(unittest.TestCase):
    def setUp(self):
        self.server = Pinecone(key='secret')
        self.addCleanup(self.server.stop)

    def client(self, *steps, **options):
        return pinecone_client.ask(self.server, *steps, **options)

    def raw(self, method, path, body=None, index=None, version='2026-04', key='secret'):
        """(status, the answer's object or text, headers) of a plain request."""
        port = index.port if index else self.server.port
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
        self.addCleanup(connection.close)
        headers = {'Api-Key': key} | ({'X-Pinecone-Api-Version': version} if version else {})
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, headers)
        reply = connection.getresponse()
        text = reply.read()
        try:
            return reply.status, json.loads(text), reply.headers
        except ValueError:
            return reply.status, text, reply.headers

    def refused(self, status, words, method, path, body=None, **options):
        found, reply, _ = self.raw(method, path, body, **options)
        self.assertEqual(found, status, reply)
        self.assertIn(words, json.dumps(reply, ensure_ascii=False))
        return reply

    def assert_floats(self, found, given):
        self.assertEqual([single(one) for one in found], [single(one) for one in given])
