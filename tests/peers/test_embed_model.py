"""Columns that a real small model makes: a search finds what is meant; another variant is another space."""
import unittest

import harness
from small_model import DIMENSIONS, SmallModel
from vector_case import VectorCase

TEXTS = ['how to reset a forgotten password', 'the cat sleeps on the sofa',
         'shipping takes three working days', 'invoices are sent by mail', 'a recipe for apple pie',
         'zażółć gęślą jaźń']
JOB = f'''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source 'docs.jsonl',
  into = lugger.target(lugger.env.PG, {{ table = 'docs', key = 'n', on_conflict = 'update' }}),
  columns = {{ {{ 'n', 'int4' }}, {{ 'body', 'text' }},
    {{ 'embedding', 'vector({DIMENSIONS})', from = 'body',
      embed = lugger.embed {{ url = lugger.env.MODEL, model = 'e5-passage' }} }} }},
}}
'''
SEARCH = '''
local model = lugger.embed { url = env.MODEL, model = 'e5-passage' }
local docs = source(env.PG, { table = 'docs', embed = model })
for _, hit in ipairs(docs:search('I cannot log in, my password is gone', { k = 1, key = 'n' })) do
  print(hit.doc.body)
end
'''


class RealModel(VectorCase):
    LINES = [{'n': n, 'body': text} for n, text in enumerate(TEXTS)]

    def load(self, variant):
        model = SmallModel(variant)
        self.addCleanup(model.stop)
        self.env['MODEL'] = model.url
        (self.directory / 'job.lua').write_text(JOB)
        self.lugger('run', 'job.lua', '--create')
        return self.database.query('select embedding::text from docs order by n')

    def test_s1_20_a_search_finds_what_is_meant_and_another_url_is_another_making(self):
        one = self.load('original')
        self.assertEqual(self.lugger('-e', SEARCH).out.strip(), TEXTS[0])
        other = self.load('enpt')
        self.assertNotEqual(one, other)
        self.assertEqual(self.lugger('-e', SEARCH).out.strip(), TEXTS[0])
        self.assertEqual(self.database.query('select count(*) from docs'), str(len(TEXTS)))


if __name__ == '__main__':
    harness.main()
