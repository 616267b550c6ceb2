"""pgvector into Pinecone and back: every namespace, dense and sparse values, metadata; and what becomes of
a row that a record cannot hold."""
import contextlib
import json
import random
import sqlite3
import unittest

import pinecone_faults as faults
from pinecone_jobs import BACK, LINES, PAD, THERE, Case, float_of

DIFFERENT = '''select count(*) from docs a full join again b using (namespace, id)
  where (a.embedding::text, a.sparse_values::text, a.metadata)
    is distinct from (b.embedding::text, b.sparse_values::text, b.metadata)'''


def rows_of(seed, count):
    chance = random.Random(seed)
    rows = []
    for n in range(count):
        numbers = [chance.choice((-0.0, 1e-45, 3.4028234663852886e38, 0.1, 16777217, chance.uniform(-1, 1)))
                   for _ in range(7)] + [1.5]
        places = sorted(chance.sample(range(1, 1001), 3))
        sparse = {at: float_of(chance.uniform(0.1, 9)) for at in places} if n % 3 else None
        metadata = {'n': n, 'x': n / 7, 'whole': 3.0, 'good': n % 2 == 0, 'tags': [f't{n}', '', '"\\'],
                    'Text \u00e9': 'line\n\u2028\u00e9\U0001f600', 'at': -1e-300} if n % 11 else None
        key = {0: f'a/b#c?d&e+f%20 {n}', 1: f'{n:024x}', 2: f'$n:{n}'}.get(n % 5, f'id-{n:05}')
        rows.append((('', 'acme', 'caf\u00e9'.encode().hex())[n % 3], key, numbers, sparse, metadata))
    return rows


class Round(Case):
    def test_s1_09_every_namespace_there_and_back(self):
        rows = rows_of(1, 700)
        self.fill(rows)
        self.script('there.lua', THERE, "metric = 'dotproduct'")
        self.script('back.lua', BACK)
        self.assertEqual(self.run_lugger('run', 'there.lua', '--create').books()['inserted'], 700)
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'there: equal, 700 rows')
        index = self.server.indexes['docs']
        self.assertEqual(len(index.records('acme')), len([r for r in rows if r[0] == 'acme']))
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create').books()['inserted'], 700)
        self.assertRegex(self.run_lugger('verify', 'back.lua').out, 'back: equal, 700 rows')
        self.assertEqual(self.database.number(DIFFERENT), 0)

    def test_s1_07_ids_are_listed_and_fetched_in_groups_that_fit_a_url(self):
        index = self.server.make('docs', 8, 'cosine')
        long = {f'{"%/" * 200}{n:04}': [1.0 + n] * 8 for n in range(150)}
        index.put({**long, **{f'short-{n}': [1.0 + n] * 8 for n in range(330)}})
        self.script('back.lua', BACK)
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create').books()['inserted'], 480)
        self.assertEqual(self.database.number('select count(distinct id) from again'), 480)
        fetched = [ask for ask in self.server.requests if ask.call == 'fetch']
        self.assertTrue(all(ask.status == 200 for ask in fetched), {ask.status for ask in fetched})

    def test_groups_that_a_server_refuses_are_halved(self):
        index = self.server.make('docs', 8, 'cosine')
        index.put({f'id-{n:03}': [1.0 + n] * 8 for n in range(250)})
        self.server.limits.url = 300
        self.script('back.lua', BACK)
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create').books()['inserted'], 250)
        self.assertIn(414, {ask.status for ask in self.server.requests if ask.call == 'fetch'})
        self.assertEqual(self.database.number('select count(distinct id) from again'), 250)

    def test_records_that_an_answer_leaves_out_are_asked_for_again(self):
        index = self.server.make('docs', 8, 'cosine')
        index.put({f'id-{n:03}': [1.0 + n] * 8 for n in range(250)})

        def shortened(ask, reply):
            if ask.call == 'fetch' and len(reply['vectors']) > 70:
                reply['vectors'] = dict(list(reply['vectors'].items())[:70])
        self.server.faults.reshape = shortened
        self.script('back.lua', BACK)
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create').books()['inserted'], 250)

    def test_an_index_that_is_gone_is_not_an_empty_one(self):
        index = self.server.make('docs', 8, 'cosine')
        index.put({f'id-{n:03}': [1.0 + n] * 8 for n in range(250)})
        self.server.faults.hook = lambda ask: faults.status(404, 'Index docs not found', 'NOT_FOUND') \
            if ask.call == 'list' else None
        self.script('back.lua', BACK)
        self.assertIn('cannot be listed', self.run_lugger('run', 'back.lua', '--create', expect=1).err)

    def test_upserts_are_cut_by_the_bytes_of_their_json(self):
        chance = random.Random(5)
        lines = [{'_id': f'd{n}', 'v': [chance.uniform(-1, 1) for _ in range(1536)]} for n in range(300)]
        (self.cwd / 'docs.jsonl').write_text(''.join(json.dumps(one) + '\n' for one in lines))
        self.script('there.lua', '''
local lugger = require 'lugger'
return lugger.copy { from = lugger.source 'docs.jsonl',
  into = lugger.target('pinecone://docs', { key = 'id' }),
  columns = { { 'id', 'text', from = '_id' }, { 'v', 'vector(1536)' } } }''')
        self.server.limits.body = 2_000_000
        self.assertEqual(self.run_lugger('run', 'there.lua', '--create').books()['inserted'], 300)
        sent = [ask for ask in self.server.requests if ask.call == 'upsert']
        self.assertEqual({ask.status for ask in sent}, {200})
        self.assertGreater(max(ask.size for ask in sent), 1_500_000)
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 300 rows')

    def test_what_a_record_cannot_hold_is_told_and_rejected(self):
        good = [0.5] * 8
        self.fill([
            ('', 'good', good, None, {'a': None, 'b': 'x', 'n': 9007199254740992}),
            ('', 'zero', [0.0] * 8, None, {}),
            ('', 'nested', good, None, {'deep': {'a': 1}}),
            ('', 'numbers', good, None, {'list': [1, 2]}),
            ('', 'large', good, None, {'n': 9007199254740993}),
            ('', 'caf\u00e9', good, None, {}),
            ('', 'x' * 513, good, None, {}),
            ('', 'much', good, None, {'text': 'x' * 41000}),
            ('', 'dollar', good, None, {'$x': 1}),
        ])
        self.script('there.lua', THERE, "metric = 'dotproduct'")
        plan = self.run_lugger('plan', 'there.lua', '--create').err
        for words in ('ids are ASCII', 'a member that is null is left out', 'is not nested',
                      'beyond 2^53', '40 KB'):
            self.assertIn(words, plan)
        self.assertEqual(self.run_lugger('run', 'there.lua', '--create', expect=3).books()['rejected'], 8)
        told = self.run_lugger('rejects', 'there.lua').out
        for words in ('all zeros', 'nested', '9007199254740993 would be rounded', "ids = 'percent'",
                      'at most 512', '40 KB', 'names with $'):
            self.assertIn(words, told)
        self.assertEqual(list(self.server.indexes['docs'].records('')), ['good'])
        self.assertRegex(self.run_lugger('verify', 'there.lua', expect=(0, 3)).out,
                         'there: equal but for 8 rejected documents, 1 row')

    def test_what_is_asked_for_is_kept_as_text(self):
        good = [0.5] * 8
        self.fill([('caf\u00e9', 'd\u00e9j\u00e0 100%', good, None,
                    {'deep': {'a': [1, None]}, 'n': 9007199254740993, 'f': 0.1234567890123456789})])
        options = "ids = 'percent', nested = 'json', large_numbers = 'text', metric = 'dotproduct'"
        self.script('there.lua', THERE, options)
        self.script('back.lua', BACK, "ids = 'percent'")
        self.run_lugger('run', 'there.lua', '--create')
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 1 row')
        record = self.server.indexes['docs'].records('caf%C3%A9')['d%C3%A9j%C3%A0%20100%25']
        self.assertEqual(record['metadata']['n'], '9007199254740993')
        self.run_lugger('run', 'back.lua', '--create')
        self.assertEqual(self.database.rows('select namespace, id from again'),
                         [['caf\u00e9', 'd\u00e9j\u00e0 100%']])

    def test_rows_of_one_key_are_told_before_they_are_sent(self):
        self.script('lines.lua', LINES)
        ways = ([('', key) for key in 'aaba'], [('', 'a'), ('', 'b'), ('__default__', 'a')])
        for keys in ways:
            self.lines(keys)
            self.server.counts.pop('upsert', None)
            told = self.run_lugger('run', 'lines.lua', '--create', '--restart', expect=1).err
            self.assertRegex(told, r'the key of document .* came before')
            self.assertIn("on_conflict = 'update'", told)
            self.assertNotIn('upsert', self.server.counts)
        self.lines([('', 'first'), *[('', f'{n}') for n in range(1700)], ('', 'first')], PAD)
        told = self.run_lugger('run', 'lines.lua', '--restart', '-j', '1', expect=1).err
        self.assertRegex(told, 'came before')
        self.assertEqual(self.server.indexes['docs'].records('')['first']['metadata'], {'n': 0})

    def test_the_last_row_of_a_key_stands_and_books_count_it_as_updated(self):
        self.script('lines.lua', LINES, "on_conflict = 'update'")
        for keys, made in (([('', key) for key in 'aaba'], 2),
                           ([('', 'a'), ('__default__', 'a'), ('', 'a'), ('acme', 'a')], 2)):
            self.lines(keys)
            books = self.run_lugger('run', 'lines.lua', '--create', '--restart').books()
            self.assertEqual((books['inserted'], books['updated']), (made, 4 - made))
            index = self.server.indexes['docs']
            last = max(n for n, (name, key) in enumerate(keys) if name != 'acme' and key == 'a')
            self.assertEqual(index.records('')['a']['metadata'], {'n': last})
            self.assertEqual(sum(len(index.records(name)) for name in ('', 'acme')), made)
            self.server.forget(index)
        self.lines([('', 'first'), *[('', f'{n}') for n in range(1700)], ('', 'first')], PAD)
        books = self.run_lugger('run', 'lines.lua', '--create', '--restart').books()
        self.assertEqual((books['inserted'], books['updated']), (1701, 1))
        with contextlib.closing(sqlite3.connect(self.cwd / '.lugger/state.sqlite')) as state:
            self.assertEqual(state.execute('select count(*) from keys').fetchone(), (0,))


if __name__ == '__main__':
    unittest.main()
