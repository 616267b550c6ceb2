"""A column that a model makes: each text is asked for once, whatever happens on the way, within a budget."""
import json
import os
import random
import signal
import unittest

import harness
from embeddings import Embeddings, vector_of
from vector_case import VectorCase

JOB = '''
local lugger = require 'lugger'
local model = lugger.embed { url = %s, model = 'double', batch = 4, per_million = 100, %s }
return lugger.copy {
  from = lugger.source 'docs.jsonl',
  into = lugger.target(lugger.env.PG, { table = 'docs', key = 'n' }),
  columns = { { 'n', 'int4' }, { 'body', 'text' },
              { 'embedding', 'vector(8)', from = 'body', embed = model } },
}
'''
ODD = ['zażółć "gęślą"', 'line\nend\\', '🦫', "o'clock", '$body', ' ']
CENT = 0.01


class Column(VectorCase):
    LINES = [{'n': n, 'body': f'text {n:04}'} for n in range(40)]

    def setUp(self):
        super().setUp()
        self.model = Embeddings()
        self.addCleanup(self.model.stop)
        self.job()

    def job(self, options=''):
        (self.directory / 'job.lua').write_text(JOB % (harness.lua(self.model.url), options))

    def run_job(self, *flags, expect=0):
        return self.lugger('run', 'job.lua', '--create', *flags, expect=expect)

    def count(self):
        if self.database.query("select to_regclass('docs') is null") == 't':
            return 0
        return int(self.database.query('select count(*) from docs'))

    def assert_right(self, texts, dimensions=8):
        """Every row has the vector of its own text."""
        lines = self.database.query('select json_build_array(body, embedding::text) from docs order by n')
        rows = [json.loads(line) for line in lines.splitlines()]
        self.assertEqual([row[0] for row in rows], texts)
        for text, shown in rows:
            for got, wanted in zip(json.loads(shown), vector_of(text, dimensions), strict=True):
                self.assertAlmostEqual(got, wanted, places=6)

    def test_s1_21_each_row_has_the_vector_of_its_text_and_none_without_one_is_loaded(self):
        texts = ODD + [f'text {n}' for n in range(30)] + ['text 1', 'text 1']
        lines = [{'n': n, 'body': text} for n, text in enumerate(texts)]
        self.documents(lines + [{'n': 100}, {'n': 101, 'body': None}, {'n': 102, 'body': ''},
                                {'n': 103, 'body': 7}])
        self.model.as_text = True
        result = self.run_job(expect=3)
        self.assertRegex(result.out + result.err, '4 .*rejected|rejected +4')
        self.assert_right(texts)
        self.assertEqual(sorted(self.model.texts()), sorted(set(texts)), 'each text once')
        self.assertIn('no_text', self.lugger('rejects', 'job.lua').out)

    def test_an_answer_that_is_not_what_was_asked_for_loads_no_row_of_its_batch(self):
        def short(data):
            return data[1:]

        def twice(data):
            return data[1:] + data[1:2]

        def beyond(data):
            return [{**one, 'index': one['index'] + 1} for one in data]

        def nothing(data):
            return [{**one, 'embedding': [0.0] * 8} for one in data]

        def nan(data):
            return [{**one, 'embedding': [float('nan')] * 8} for one in data]

        def narrow(data):
            return [{**one, 'embedding': one['embedding'][:7]} for one in data]

        for shape in (short, twice, beyond, nothing, nan, narrow):
            with self.subTest(shape=shape.__name__):
                self.model.shape = shape
                self.run_job(expect=1)
                self.assertEqual(self.count(), 0)
        self.model.shape = None
        self.run_job()
        self.assert_right([line['body'] for line in self.LINES])

    def test_s1_20_a_run_that_is_killed_asks_only_for_what_it_has_no_answer_to(self):
        started, answered = [], []

        def fault(body):
            if len(answered) >= 16 and started:
                os.kill(started.pop().pid, signal.SIGKILL)
                return 'close'
            answered.extend(body['input'])
            return None

        self.model.fault = fault
        started.append(harness.start('run', 'job.lua', '--create', cwd=self.directory, env=self.env))
        process = started[0]
        process.wait(60)
        self.assertEqual(self.count(), 0)
        asked = set(answered)
        self.assertGreaterEqual(len(asked), 12)
        self.run_job()
        self.assert_right([line['body'] for line in self.LINES])
        twice = [text for text in asked if self.model.texts().count(text) > 1]
        # The last answer before the signal may not have been read.
        self.assertLessEqual(len(twice), 4)
        self.assertEqual(set(self.model.texts()), {line['body'] for line in self.LINES})

        requests = len(self.model.requests)
        self.database.query('drop table docs')
        self.run_job('--restart')
        self.assertEqual(len(self.model.requests), requests, 'the same texts again cost nothing')
        self.lugger('verify', 'job.lua')
        self.assertEqual(len(self.model.requests), requests, 'nor does verify')

    def spent(self):
        """USD for what was sent, when every byte is a token and each text has two more."""
        tokens = sum(len(text.encode()) + 2 for text in self.model.texts())
        return tokens * 100 / 1e6

    def test_n_13_a_cap_of_a_cent_is_never_exceeded_by_a_server_that_fails_twice_before_it_answers(self):
        tries = {}

        def fault(body):
            key = tuple(body['input'])
            tries[key] = tries.get(key, 0) + 1
            return (500, {'Retry-After': '0'}, {'error': 'later'}) if tries[key] <= 2 else None

        self.model.fault = fault
        result = self.run_job('--max-usd', str(CENT), expect=5)
        self.assertIn('max_usd', result.err)
        self.assertGreater(len(self.model.requests), 0)
        self.assertLessEqual(self.spent(), CENT)
        again = self.run_job('--max-usd', str(CENT), expect=5)
        self.assertIn('max_usd', again.err)
        self.assertLessEqual(self.spent(), CENT, 'a run that goes on counts what was spent before')
        self.run_job('--max-usd', '1')
        self.assert_right([line['body'] for line in self.LINES])

    def test_s1_22_requests_and_tokens_have_caps_too_and_a_dry_run_asks_nothing(self):
        result = self.run_job('--dry-run')
        for said in (self.model.url.split('/')[2], '40 texts', 'tokens', 'USD'):
            self.assertIn(said, result.out + result.err)
        self.assertEqual(self.model.requests, [])
        result = self.run_job('--max-requests', '3', expect=5)
        self.assertIn('max_requests = 3', result.err)
        self.assertEqual(len(self.model.requests), 3)
        self.job('max_tokens = 40')
        self.run_job('--restart', expect=5)
        self.job()
        self.run_job('--restart')
        self.assertEqual(sorted(self.model.texts()), sorted(line['body'] for line in self.LINES),
                         'each text once over all runs')
        self.assert_right([line['body'] for line in self.LINES])

    def test_long_texts(self):
        lines = self.LINES[:5] + [{'n': 9, 'body': 'ż' * 20}]
        self.documents(lines)
        self.job('longest = 21')
        self.run_job(expect=3)
        self.assertIn('longest', self.lugger('rejects', 'job.lua').out)
        self.job("longest = 21, long = 'truncate'")
        self.database.query('drop table docs')
        self.run_job('--restart')
        self.assertIn('ż' * 10, self.model.texts())
        self.assertEqual(self.count(), 6)

    def test_a_model_of_other_dimensions_ends_the_run_at_its_first_answer(self):
        script = self.directory / 'job.lua'
        script.write_text(script.read_text().replace('vector(8)', 'vector(9)'))
        result = self.run_job(expect=1)
        self.assertIn('makes vectors of 8 dimensions, and embedding has 9', result.err)
        self.assertEqual((len(self.model.requests), self.count()), (1, 0))

    def test_another_making_is_another_vector(self):
        self.run_job()
        self.job("prefix = 'passage: '")
        self.database.query('drop table docs')
        self.run_job('--restart')
        asked = self.model.texts()
        self.assertEqual(len(asked), 80)
        self.assertEqual(sum(text.startswith('passage: ') for text in asked), 40)

    def test_a_busy_server_many_workers_and_several_keys(self):
        rng = random.Random(7)
        self.model.fault = lambda _: rng.choice([None, None, (429, {'Retry-After': '0'}, {'error': 'slow'})])
        self.env |= {'KEY_A': 'a', 'KEY_B': 'b'}
        self.job("key_env = { 'KEY_A', 'KEY_B' }, in_flight = 3")
        self.run_job('-j', '3')
        self.assert_right([line['body'] for line in self.LINES])
        self.assertEqual(self.model.keys, {'Bearer a', 'Bearer b'})

    def test_s1_20_the_example_embeds_a_table_anew_and_its_table_takes_the_place(self):
        self.database.query('create table docs (id int8 primary key, body text, embedding vector(3))')
        self.database.query("insert into docs select n, 'text ' || n, '[1,2,3]' from generate_series(1, 9) n")
        example = harness.ROOT / 'examples/vectors/reembed.lua'
        self.env |= {'PG_URI': self.database.url, 'EMBED_URL': self.model.url, 'EMBED_MODEL': 'double'}
        self.lugger('run', example, '--create', '--max-requests', '1')
        self.lugger('verify', example)
        self.assertEqual(len(self.model.requests), 1)
        self.database.query('alter table docs rename to docs_old; alter table docs_new rename to docs')
        shown = self.database.query('select embedding::text from docs where id = 4')
        self.assertAlmostEqual(json.loads(shown)[0], vector_of('text 4')[0], places=6)
        comment = self.database.query("select col_description('docs'::regclass, 3)")
        self.assertIn('"model":"double"', comment)

    def test_texts_of_standard_input_and_of_child_rows(self):
        self.documents([{'_id': n, 'parts': [{'part': f'{n} {place}'} for place in range(3)]}
                        for n in range(4)])
        (self.directory / 'job.lua').write_text('''
            local lugger = require 'lugger'
            return lugger.copy {
              from = lugger.source '-', into = lugger.target(lugger.env.PG, { table = 'docs', key = 'n' }),
              columns = { { 'n', 'int4', from = '_id' } },
              children = { { table = 'parts', from = 'parts[]', columns = { { 'part', 'text' },
                { 'v', 'vector(8)', from = 'part', embed = lugger.embed { url = %s } } } } } }''' % (
            harness.lua(self.model.url)))
        harness.lugger('run', 'job.lua', '--create', cwd=self.directory, env=self.env,
                       input=(self.directory / 'docs.jsonl').read_text())
        lines = self.database.query('select json_build_array(part, v::text) from parts').splitlines()
        self.assertEqual(len(lines), 12)
        for text, shown in map(json.loads, lines):
            self.assertAlmostEqual(json.loads(shown)[0], vector_of(text)[0], places=6)


if __name__ == '__main__':
    harness.main()
