"""A Weaviate that is busy, breaks, vanishes or is not trusted: what only the double does on demand."""
import random
import unittest

from tls_front import self_signed
from weaviate import DoubleWeaviate
from weaviate_case import INTO, OUT, Case, document


class Faults(Case):
    @classmethod
    def make(cls):
        return DoubleWeaviate()

    def load(self, count=300, **options):
        self.documents(document(i) for i in range(count))
        return self.run_lugger('run', 'into.lua', '--create', '-j', '1', **options)

    def test_s1_10_a_storm_of_429_and_cut_answers(self):
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


class Tls(Case):
    @classmethod
    def make(cls):
        cls.certificate = self_signed()
        return DoubleWeaviate(certificate=cls.certificate)

    def test_a_certificate_is_checked(self):
        self.documents([document(1)])
        refused = self.run_lugger('plan', 'into.lua', '--create', expect=1)
        self.assertIn('cannot be trusted', refused.err)
        self.assertEqual(self.server.requests, [])
        for option in (f"ca_file = '{self.certificate}'", 'verify_tls = false'):
            (self.cwd / 'into.lua').write_text(INTO.replace("key = 'doc'", f"key = 'doc', {option}"),
                                               encoding='utf-8')
            self.run_lugger('plan', 'into.lua', '--create')
        self.assertNotEqual(self.server.requests, [])


if __name__ == '__main__':
    unittest.main()
