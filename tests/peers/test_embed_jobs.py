"""Columns with a model: beside hooks, in books, previews and manifests."""
import json

import harness
from embeddings import Embeddings, vector_of
from vector_case import VectorCase

TEXTS = [f'text number {number} — zażółć' for number in range(120)] + ['🦫 "quoted"\nline', '[1,2,3]']
JOB = '''
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.PG, { table = 'docs', key = 'id', on_conflict = 'update' }),
  columns = {
    { 'id', 'int4', from = '_id' }, { 'body', 'text' },
    { 'embedding', 'vector(8)', from = 'body',
      embed = lugger.embed { url = lugger.env.MODEL, model = 'double', %s }, %s },
  },
  %s
}
'''


class Jobs(VectorCase):
    LINES = [{'_id': number, 'body': text} for number, text in enumerate(TEXTS)]

    def setUp(self):
        super().setUp()
        self.model = Embeddings()
        self.addCleanup(self.model.stop)
        self.env['MODEL'] = self.model.url

    def job(self, model='', column='', more=''):
        (self.directory / 'job.lua').write_text(JOB % (model, column, more))

    def run_job(self, *flags, expect=0):
        return self.lugger('run', 'job.lua', '--create', *flags, expect=expect)

    def value(self, sql):
        return str(self.database.rows(sql)[0][0])

    def stored(self):
        return {number: json.loads(vector) for number, vector in
                self.database.rows('select id, embedding::text from docs order by id')}

    def check_stored(self, numbers=range(len(TEXTS)), prefix=''):
        stored = self.stored()
        self.assertEqual(sorted(stored, key=int), [str(number) for number in numbers])
        for number, vector in stored.items():
            self.assertEqual(vector, json.loads(json.dumps(vector)))
            for got, wanted in zip(vector, vector_of(prefix + TEXTS[int(number)]), strict=True):
                self.assertAlmostEqual(got, wanted, places=6)

    def test_s1_20_texts_become_vectors_once(self):
        for as_text in (False, True):
            self.model.as_text = as_text
            self.model.requests.clear()
            self.job("prefix = 'passage: ', batch = 50, per_million = 0.02")
            result = self.run_job('--restart', '-j', '2')
            self.check_stored(prefix='passage: ')
            done = {'inserted': 0, 'unchanged': 122} if as_text else {'inserted': 122, 'unchanged': 0}
            self.assertEqual(result.books(), {'read': 122, 'updated': 0, 'skipped': 0, 'rejected': 0, **done})
            if as_text:
                self.assertEqual(self.model.requests, [], 'paid for twice')
                self.assertIn('122 were kept in .lugger/embeddings.sqlite', result.err)
            else:
                self.assertEqual(sorted(self.model.texts()), sorted('passage: ' + text for text in TEXTS))
                self.assertEqual(max(len(body['input']) for body in self.model.requests), 50)
                self.assertIn('double at 127.0.0.1', result.err)
                self.assertIn('122 texts', result.err)
        comment = self.value("select col_description('docs'::regclass, 3)")
        self.assertIn('"model":"double"', comment)
        self.assertIn('"prefix":"passage: "', comment)
        self.lugger('verify', 'job.lua')
        self.assertEqual(self.model.requests, [])

    def test_the_same_text_is_paid_for_once(self):
        self.documents({'_id': number, 'body': f'text {number % 5}'} for number in range(3000))
        self.job()
        self.run_job('-j', '4')
        self.assertEqual(sorted(self.model.texts()), [f'text {number}' for number in range(5)])
        self.assertEqual(self.value('select count(*) from docs where embedding is not null'), '3000')

    def test_s1_21_documents_without_a_text(self):
        self.documents([{'_id': 0, 'body': TEXTS[0]}, {'_id': 1}, {'_id': 2, 'body': ''},
                        {'_id': 3, 'body': None}, {'_id': 4, 'body': 17}, {'_id': 5, 'body': TEXTS[5]}])
        self.job()
        result = self.run_job(expect=3)
        self.assertEqual(result.books()['rejected'], 4)
        self.assertIn('no_text', result.err + self.lugger('rejects', 'job.lua').out)
        self.check_stored([0, 5])
        self.job(column="on_error = 'null'")
        self.run_job('--restart')
        self.assertEqual(self.value('select count(*) from docs where embedding is null'), '4')

    def test_a_hook_gives_the_text_or_the_vector(self):
        self.job(more='''map = function(row)
            if row.id == 7 then row.embedding = { 1, 0, 0, 0, 0, 0, 0, 0 } return end
            if row.id == 8 then return lugger.skip 'eight' end
            row.embedding = row.body:upper()
          end,''')
        self.run_job()
        texts = [text.upper() if text.isascii() else None for text in TEXTS]
        self.assertEqual(len(self.model.texts()), len(TEXTS) - 2)
        self.assertTrue({text for text in texts if text} <= set(self.model.texts()))
        self.assertEqual(self.stored()['7'], [1, 0, 0, 0, 0, 0, 0, 0])
        self.assertNotIn('8', self.stored())

    def test_long_texts(self):
        self.documents([{'_id': 0, 'body': 'ż' * 40}, {'_id': 1, 'body': TEXTS[1]}])
        self.job('longest = 51')
        result = self.run_job(expect=3)
        self.assertIn('not_embedded', result.err + self.lugger('rejects', 'job.lua').out)
        self.assertEqual(self.model.texts(), [TEXTS[1]])
        self.job("longest = 51, long = 'truncate'")
        self.run_job('--restart')
        self.assertIn('ż' * 25, self.model.texts())
        self.model.fault = lambda body: (400, {}, {'error': {'message': 'too long'}}) if any(
            len(text) > 30 for text in body['input']) else None
        self.documents([{'_id': number, 'body': 'x' * (60 if number == 3 else number + 1)}
                        for number in range(9)])
        self.job()
        result = self.run_job('--restart', expect=3)
        self.assertEqual(result.books()['rejected'], 1)
        self.assertIn('too long', self.lugger('rejects', 'job.lua').out)

    def test_a_dry_run_tells_the_same_and_asks_nothing(self):
        self.job('per_million = 0.02')
        said = self.run_job('--dry-run').err
        for word in ('double at 127.0.0.1', '122 texts', 'tokens', 'USD'):
            self.assertIn(word, said)
        self.assertEqual(self.model.requests, [])
        self.assertFalse((self.directory / '.lugger/embeddings.sqlite').exists())
        self.assertIn('(embedded)', self.lugger('preview', 'job.lua').out)
        self.assertEqual(self.model.requests, [])

    def test_what_is_refused_before_anything_is_asked(self):
        self.job(more="manifest = { model = 'other' },")
        self.assertIn('embedded by', self.run_job(expect=1).err)
        for model, said in (('max_usd = 1', 'no price'), ("long = 'cut'", "'reject' or 'truncate'"),
                            ("long = 'reject'", 'how long'), ("key_env = { 'NO_KEY' }", 'NO_KEY is not set')):
            self.job(model)
            self.assertIn(said, self.run_job(expect=1).err)
        script = self.directory / 'job.lua'
        self.job()
        script.write_text(script.read_text().replace('vector(8)', 'text'))
        self.assertIn('embedding is text, and a model makes vectors', self.run_job(expect=1).err)
        self.assertEqual(self.model.requests, [])


if __name__ == '__main__':
    harness.main()
