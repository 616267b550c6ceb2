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

    def test_an_index_with_sparse_vectors(self):
        self.server.make('docs', 4, 'dotproduct').put({'a': [1, 2, 3, 4]})
        self.assertIn('several columns with vectors: sparse_values, values',
                      self.decide('pinecone://docs', 'x', expect=1).err)
        for column, dimensions in (('values', 4), ('sparse_values', None)):
            found = self.judged('pinecone://docs#' + column, 'x')
            self.assertEqual((found['from'].get('dimensions'), found['from']['documents']), (dimensions, 1))

    def test_texts_of_a_table_are_measured(self):
        told = self.decide(self.database.url + '#public.docs.embedding', 'other', '--text', 'body').out
        self.assertIn('100 tokens each, the longest 199, of 199 documents measured', told)

    def test_which_column(self):
        self.assertIn('several columns with vectors: embedding, other',
                      self.decide(self.database.url + '#docs', 'x', expect=1).err)
        self.assertIn('id of docs', self.decide(self.database.url + '#docs.id', 'x', expect=1).err)
        self.assertIn('which table of', self.decide(self.database.url, 'x', expect=1).err)
        self.assertEqual(self.judged(self.database.url + '#docs.other', 'x')['from']['dimensions'], 3)

    def job(self, name, source, target, columns, more=''):
        self.script(name, f"""local lugger = require 'lugger'
            return lugger.copy {{ from = lugger.source({source}), into = lugger.target({target}),
              columns = {{ {columns} }}, {more} }}""")

    def test_s1_03_the_manifest_goes_into_the_index_and_out_of_it(self):
        made = {'model': 'BAAI/small+4', 'revision': 'r 1', 'prefix': 'passage: ', 'pooling': 'mean',
                'truncation': 512, 'normalised': False, 'metric': 'cosine', 'dimensions': 4}
        line = 'lugger manifest: ' + json.dumps(made)
        self.database.query(f"comment on column docs.embedding is '{line}'")
        columns = "{ 'id', 'text' }, { 'embedding', 'vector(4)' }, { 'metadata', 'jsonb', from = 'no' }"
        self.job('there.lua', "lugger.env.PG_URI, { table = 'docs', key = 'id' }",
                 "'pinecone://docs', { key = 'id', on_conflict = 'update' }", columns, "unmapped = 'ignore'")
        self.assertNotIn('not kept', self.run_lugger('run', 'there.lua', '--create').err)
        tags = self.server.indexes['docs'].tags
        self.assertEqual((tags['lugger_model'], tags['lugger_prefix']), ('BAAI+2Fsmall+2B4', 'passage+3A+20'))
        self.server.indexes['docs'].tags['team'] = 'search'
        place = self.database.url + '#docs.embedding'
        self.assertEqual(self.judged(place, 'pinecone://docs', expect=0)['to']['model'], 'BAAI/small+4')
        self.job('back.lua', "'pinecone://docs'",
                 "lugger.env.PG_URI, { table = 'again', key = 'id' }",
                 "{ 'id', 'text', from = '_id', id_text = 'plain' }, "
                 "{ 'embedding', 'vector(4)', from = 'values' }", "unmapped = 'ignore'")
        self.run_lugger('run', 'back.lua', '--create')
        kept = self.database.query("select col_description('again'::regclass, 2)")
        self.assertEqual(json.loads(kept.removeprefix('lugger manifest: ')), made)
        self.run_lugger('verify', 'there.lua')
        other = "unmapped = 'ignore', manifest = { model = 'other', revision = 'R', on_mismatch = 'MODE' }"
        source = "lugger.env.PG_URI, { query = 'select id, embedding from docs', key = 'id' }"
        target = "'pinecone://docs', { key = 'id', on_conflict = 'update' }"
        self.job('other.lua', source, target, columns, other.replace('MODE', 'error'))
        self.assertIn('those in the target have model "BAAI/small+4" and not "other"',
                      self.run_lugger('run', 'other.lua', expect=1).err)
        self.job('other.lua', source, target, columns,
                 other.replace('MODE', 'warn').replace("'R'", "('r'):rep(121)"))
        self.assertIn('the revision of embedding is too long for a tag',
                      self.run_lugger('run', 'other.lua').err)
        tags = self.server.indexes['docs'].tags
        self.assertEqual((tags['lugger_model'], 'lugger_revision' in tags, tags['team']),
                         ('other', False, 'search'))


if __name__ == '__main__':
    harness.main()
