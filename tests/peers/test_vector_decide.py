"""lugger vector decide between stores: their manifests, dimensions and counts, and Pinecone's units."""
import json

import harness
from pinecone_jobs import Case

LINE = 'lugger manifest: {"model":"small-4","metric":"cosine","dimensions":4}'


class Stores(Case):
    def setUp(self):
        super().setUp()
        self.database.query(f"""create table docs (id text primary key, body text, embedding vector(4), other
            halfvec(3)); comment on column docs.embedding is '{LINE}';
            insert into docs select n::text, repeat('word', n), '[1,0,0,0]' from generate_series(1, 199) n""")

    def decide(self, source, target, *flags, expect=4):
        return self.run_lugger('vector', 'decide', '--from', source, '--to', target, *flags, expect=expect)

    def judged(self, *words, expect=4):
        return json.loads(self.decide(*words, '--json', expect=expect).out)

    def test_s1_26_a_column_and_an_index(self):
        index = self.server.make('docs', 4, 'cosine')
        place = self.database.url + '#docs.embedding'
        found = self.judged(place, 'pinecone://docs')
        self.assertEqual((found['decision'], found['from']['model'], found['to']['dimensions']),
                         ('unknown', 'small-4', 4))
        found = self.judged(place, 'pinecone://docs', '--to-model', 'small-4', '--metadata-bytes', '984',
                            expect=0)
        self.assertEqual((found['decision'], found['from']['documents'], found['units']),
                         ('copy', 199, {'write': 199, 'cost_usd': 199 * 4 / 1e6}))
        index.put({f'id-{n}': [1, n, 0, 0] for n in range(250)})
        told = self.decide('pinecone://docs', place, '--from-model', 'small-4',
                           '--read-unit-price', '1000000', expect=0).out
        self.assertRegex(told, r'read +28 at 1000000 USD a million\n +cost +28\.00 USD')

    def test_texts_of_a_table_are_measured(self):
        told = self.decide(self.database.url + '#public.docs.embedding', 'other', '--text', 'body').out
        self.assertIn('100 tokens each, the longest 199, of 199 documents measured', told)

    def test_which_column(self):
        self.assertIn('several columns with vectors: embedding, other',
                      self.decide(self.database.url + '#docs', 'x', expect=1).err)
        self.assertIn('id of docs', self.decide(self.database.url + '#docs.id', 'x', expect=1).err)
        self.assertIn('which table of', self.decide(self.database.url, 'x', expect=1).err)
        self.assertEqual(self.judged(self.database.url + '#docs.other', 'x')['from']['dimensions'], 3)


if __name__ == '__main__':
    harness.main()
