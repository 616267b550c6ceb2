"""FerretDB and mongo-java-server start here, and what they do with a reader's questions is known."""
import unittest

import harness
import mongo_lookalikes
import mongo_proxy
from mongo_wire import CommandError


class Lookalike:
    kind = None

    @classmethod
    def setUpClass(cls):
        cls.server = cls.kind()
        cls.addClassCleanup(cls.server.destroy)
        with cls.server.client() as client:
            client.insert('shop.t', *({'_id': place, 'v': 'x'} for place in range(300)))

    def setUp(self):
        self.client = self.server.client()
        self.addCleanup(self.client.close)

    def test_pages_through_a_proxy(self):
        with mongo_proxy.Proxy(self.server.port, set_name=None) as proxy, proxy.client() as client:
            found = client.find('shop.t', sort={'_id': 1}, batchSize=50)
            self.assertEqual([one['_id'] for one in found], list(range(300)))
            self.assertIn(proxy.count('getMore'), (5, 6))

    def test_bounds_are_passed_over_in_silence(self):
        """Why a reader must look whether the first document lies behind the bound that it asked for."""
        found = self.client.find('shop.t', min={'_id': 5}, hint={'_id': 1}, sort={'_id': 1}, limit=2)
        self.assertEqual([one['_id'] for one in found], [0, 1])

    def test_there_is_no_change_stream(self):
        with self.assertRaises(CommandError):
            self.client.command('shop', {'aggregate': 't', 'pipeline': [{'$changeStream': {}}], 'cursor': {}})

    def test_it_belongs_to_no_set(self):
        self.assertNotIn('setName', self.client.command('admin', {'isMaster': 1}))


class Ferret(Lookalike, unittest.TestCase):
    kind = mongo_lookalikes.FerretDB

    def test_a_restart_keeps_the_data(self):
        self.client.insert('shop.kept', {'_id': 1})
        self.server.restart()
        with self.server.client() as client:
            self.assertEqual(client.find('shop.kept'), [{'_id': 1}])


class Java(Lookalike, unittest.TestCase):
    kind = mongo_lookalikes.JavaServer

    def test_it_knows_no_hello(self):
        with self.assertRaises(CommandError) as caught:
            self.client.command('admin', {'hello': 1})
        self.assertEqual(caught.exception.code, 59)


if __name__ == '__main__':
    harness.main()
