"""vector.estimate: tokens, cost and minutes of embedding the real texts of a source."""
import json
import unittest
from pathlib import Path

import harness

SCRIPT = '''
local lugger, vector = require 'lugger', require 'lugger.vector'
local found = vector.estimate(lugger.source('docs.jsonl'), %s)
print(lugger.json.encode { documents = found.documents, measured = found.measured,
  without = found.without_text, tokens = found.tokens, each = found.tokens_per_document,
  longest = found.longest, cost = found.cost, minutes = found.minutes })
'''


class Estimate(unittest.TestCase):
    def setUp(self):
        self.directory = Path(harness.scratch())

    def estimate(self, documents, settings, expect=0):
        (self.directory / 'docs.jsonl').write_text(''.join(json.dumps(one) + '\n' for one in documents))
        (self.directory / 'estimate.lua').write_text(SCRIPT % settings)
        done = harness.lugger('run', 'estimate.lua', cwd=self.directory, expect=None)
        return json.loads(done.out) if expect == 0 else done.err

    def test_s1_05_texts_are_measured_and_price_and_rate_are_given(self):
        documents = [{'_id': i, 'meta': {'text': 'é' * (2 * i)}} for i in range(101)]
        found = self.estimate(documents + [{'_id': 'none'}, {'_id': 'null', 'meta': {'text': None}}],
                              "{ text = 'meta.text', per_million = 0.5, per_minute = 50 }")
        bytes_of = 4 * sum(range(101))
        self.assertEqual((found['documents'], found['measured'], found['without']), (103, 103, 3))
        self.assertAlmostEqual(found['tokens'], bytes_of / 4)
        self.assertAlmostEqual(found['each'], bytes_of / 4 / 100)
        self.assertAlmostEqual(found['longest'], 100)
        self.assertAlmostEqual(found['cost'], bytes_of / 4 / 1e6 * 0.5)
        self.assertAlmostEqual(found['minutes'], 2)

    def test_s1_05_a_sample_is_of_all_parts(self):
        documents = [{'_id': i, 'text': 'x' * (40 if i < 40000 else 4000)} for i in range(44000)]
        found = self.estimate(documents,
                              "{ text = { 'text', 'nobody' }, sample = 1600, bytes_per_token = 2 }")
        tokens = (40000 * 40 + 4000 * 4000) / 2
        self.assertLess(found['measured'], 3000)
        self.assertAlmostEqual(found['tokens'] / tokens, 1, delta=0.4)

    def test_what_cannot_be_estimated(self):
        for settings, said in (("{}", 'no text is named'), ("{ text = 'a', prise = 1 }", 'prise'),
                               ("{ text = 'a', per_million = 0 }", 'per_million must be a number')):
            self.assertIn(said, self.estimate([{'a': 'b'}], settings, expect=1))


if __name__ == '__main__':
    harness.main()
