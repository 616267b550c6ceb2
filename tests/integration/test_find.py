"""`find` against a model of MongoDB's query language (tests/support/mongo_model.py): named cases of
the manual, and random ones.

Some hundred random questions in every run; LUGGER_RANDOM=20000 asks so many (tools/check find).
"""
import itertools
import json
import os
import random
import unittest
from pathlib import Path

import harness
import mongo_model as model

SCRIPT = '''
local lugger = require 'lugger'
local source = lugger.source 'documents.jsonl'
for line in io.lines 'questions.jsonl' do
  local asked = lugger.json.decode(line)
  local ok, answer = pcall(function()
    local query = source:find(asked.filter)
    if asked:has 'sort' then
      local keys = {}
      for _, key in asked.sort:fields() do keys[#keys + 1] = { key[1], key[2] } end
      query = query:sort(keys)
    end
    if asked:has 'project' then
      local fields = {}
      for name, wanted in asked.project:fields() do fields[name] = wanted end
      query = query:project(fields)
    end
    local out = {}
    for doc in query:docs() do out[#out + 1] = doc:json 'canonical' end
    return '[' .. table.concat(out, ',') .. ']'
  end)
  io.write(ok and answer or lugger.json.encode { refused = tostring(answer) }, '\\n')
end
'''


def number(rng):
    return rng.choice([
        {'$numberInt': str(rng.randrange(-3, 7))}, {'$numberLong': str(rng.randrange(-3, 7))},
        {'$numberDouble': rng.choice(['0.5', '-0.0', '1.0', '2.5', 'NaN', 'Infinity', '-Infinity', '5.0'])},
        {'$numberDecimal': rng.choice(['1', '0.5', 'NaN', '5', '-2.50', 'Infinity'])},
        {'$numberLong': str(2**53 + rng.randrange(3))}])


def scalar(rng):
    return rng.choice([lambda: number(rng), lambda: number(rng),
                       lambda: rng.choice(['', 'a', 'b', 'ab', 'ä']), lambda: None,
                       lambda: rng.random() < 0.5,
                       lambda: {'$date': {'$numberLong': str(rng.randrange(3))}},
                       lambda: {'$oid': f'{rng.randrange(3):024x}'},
                       lambda: {rng.choice(['$minKey', '$maxKey']): 1}])()


def value(rng, depth=0):
    draw = rng.random()
    if depth < 3 and draw < 0.28:
        return [value(rng, depth + 1) for _ in range(rng.randrange(4))]
    if depth < 3 and draw < 0.55:
        return {name: value(rng,
                            depth + 1) for name in rng.sample(['a', 'b', 'c', '0', '1'], rng.randrange(4))}
    return scalar(rng)


def documents(rng, count):
    return [{'_id': {'$numberInt': str(i)},
             **{name: value(rng) for name in rng.sample(['a', 'b', 'c'], rng.randrange(1, 4))}}
            for i in range(count)]


def path(rng):
    return '.'.join([rng.choice('abc')] + rng.choices(['a', 'b', 'c', '0', '1'],
                                                      k=rng.choice([0, 0, 1, 1, 2, 3])))


def plain(rng):
    """A value that does not begin as an operator does."""
    return value(rng, rng.choice([1, 2, 3, 3]))


def operator(rng, depth, inside=False):
    draw = rng.randrange(13)
    if draw < 4:
        return {rng.choice(['$lt', '$lte', '$gt', '$gte', '$eq', '$ne']): plain(rng)}
    if draw == 4:
        return {rng.choice(['$in', '$nin']): [plain(rng) for _ in range(rng.randrange(4))]}
    if draw == 5:
        return {'$exists': rng.choice([True, False, None, {'$numberInt': '0'}, {'$numberDouble': '0.5'}])}
    if draw == 6:
        return {'$type': rng.choice(['int', 'long', 'double', 'decimal', 'number', 'string', 'object',
                                     'array', 'null', 'bool', 'date', 'objectId', ['string', 'array'],
                                     'minKey', 'maxKey'])}
    if draw == 7:
        return {'$size': {'$numberInt': str(rng.randrange(4))}}
    if draw == 8:
        return {'$mod': [{'$numberInt': str(rng.choice([-3, -1, 1, 2, 3]))},
                         {'$numberInt': str(rng.randrange(-2, 3))}]}
    if draw == 9:
        return {'$all': rng.choice([lambda: [plain(rng) for _ in range(rng.randrange(3))],
                                    lambda: [{'$elemMatch': element(rng, depth)}
                                             for _ in range(rng.randrange(1, 3))]])()}
    if draw == 10 and depth < 3:
        return {'$not': operator(rng, depth + 1, inside)}
    if draw == 11:
        return pattern(rng)
    return {'$elemMatch': element(rng, depth)} if depth < 3 else {'$gt': scalar(rng)}


PATTERNS = ['^a', 'b$', 'A', 'a|b', '.', '', '^$', 'Ä', '[ab]+$', '(a)b?', 'x']


def pattern(rng):
    found, options = rng.choice(PATTERNS), rng.choice(['', 'i', 'ms', 'isx', 'u'])
    regex = {'$regularExpression': {'pattern': found, 'options': options}}
    # Of two fields alone, Extended JSON's old form makes a value.
    return rng.choice([
        {'$regex': found, '$options': options, '$exists': True}, {'$regex': found}, {'$not': regex},
        {rng.choice(['$in', '$nin']): [regex, plain(rng)]}, {'$all': [regex]}])


def element(rng, depth):
    if rng.random() < 0.5:
        return operator(rng, depth + 1, True)
    return question(rng, depth + 1, ['a', 'b', '0', '1', 'a.b', 'b.0'])


def question(rng, depth=0, paths=None):
    out = {}
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        name = rng.choice(paths) if paths else path(rng)
        if depth < 2 and rng.random() < 0.2:
            out[rng.choice(['$and', '$or', '$nor'])] = [question(rng, depth + 1, paths)
                                                        for _ in range(rng.randrange(1, 3))]
        elif rng.random() < 0.7:
            out[name] = {key: inner for _ in range(rng.choice([1, 1, 2])) for key, inner in operator(
                             rng, depth).items()}
        else:
            out[name] = plain(rng)
    return out


def projection(rng):
    names = {path(rng) for _ in range(rng.randrange(3))}
    names = {one for one in names if not any(one != other and (other + '.').startswith(one + '.')
                                             for other in names)}
    out = dict.fromkeys(sorted(names), rng.random() < 0.5)
    if rng.random() < 0.5:
        out['_id'] = rng.random() < 0.5
    return out


class Find(unittest.TestCase):
    def ask(self, docs, questions):
        """The answers: lists of documents as the model reads them, or the words of a refusal."""
        folder = Path(harness.scratch())
        for name, lines in (('documents.jsonl', docs), ('questions.jsonl', questions)):
            (folder / name).write_text(''.join(json.dumps(line) + '\n' for line in lines), encoding='utf-8')
        (folder / 'ask.lua').write_text(SCRIPT, encoding='utf-8')
        out = harness.lugger('ask.lua', cwd=folder, timeout=1200).out
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len(answers), len(questions), out[-2000:])
        return [answer['refused'] if isinstance(answer, dict) else [
                    model.dump(model.load(doc)) for doc in answer] for answer in answers]

    def ids(self, docs, query):
        (answer,) = self.ask(docs, [{'filter': query}])
        self.assertIsInstance(answer, list, answer)
        return [int(doc['document'][0][1][1]) for doc in answer]

    def refused(self, query, *words):
        (answer,) = self.ask([{'_id': 1}], [{'filter': query}])
        self.assertIsInstance(answer, str, f'{query} was not refused')
        for word in words:
            self.assertIn(word, answer)

    def test_f9_random_questions_get_the_answers_of_the_model(self):
        count = int(os.environ.get('LUGGER_RANDOM', 600))
        seed = int(os.environ.get('LUGGER_SEED', 9))
        rng = random.Random(seed)
        for start in range(0, count, 2000):
            docs = documents(rng, 60)
            questions = []
            for _ in range(min(2000, count - start)):
                asked = {'filter': question(rng)}
                if rng.random() < 0.25:
                    asked = {'filter': {},
                             'sort': [[path(rng), rng.choice([1, -1])] for _ in range(rng.randrange(1, 3))]}
                if rng.random() < 0.25:
                    asked['project'] = projection(rng)
                questions.append(asked)
            loaded = [model.load(doc) for doc in docs]
            for asked, got in zip(questions, self.ask(docs, questions)):
                query = model.load(asked['filter'])
                wanted = [doc for doc in loaded if model.matches(query, doc)]
                if 'sort' in asked:
                    wanted = model.sorted_by(wanted, asked['sort'])
                wanted = [model.dump(model.project(doc, asked.get('project', {}))) for doc in wanted]
                if got != wanted:
                    different = [one for one in wanted if one not in got] + [
                        one for one in got if one not in wanted]
                    self.fail(f'{json.dumps(asked)} (seed {seed})\nmodel: {len(wanted)}, find: '
                              f'{got if isinstance(got, str) else len(got)}\n'
                              f'{json.dumps(different[:3] or [wanted[:3], got[:3]])}')

    def test_f9_numbers_in_paths_are_places_and_names(self):
        # Every nesting of arrays and documents with a field 0 around one number, by depth; found as
        # MongoDB finds them.
        docs, shapes = [], []
        for depth in range(5):
            for shape in itertools.product('[{', repeat=depth):
                inner = {'$numberInt': '42'}
                for level in reversed(shape):
                    inner = [inner] if level == '[' else {'0': inner}
                docs.append({'_id': {'$numberInt': str(len(docs))}, 'a': inner})
                shapes.append(''.join(shape))
        found = {shapes[i] for i in self.ids(docs, {'a.0': {'$numberInt': '42'}})}
        self.assertEqual(found, {'[', '{', '[{', '{[', '[{['})
        found = {shapes[i] for i in self.ids(docs, {'a.0.0': {'$numberInt': '42'}})}
        self.assertEqual(found, {
            '[[', '[{', '{[', '{{', '[[{', '[{[', '[{{', '{[{', '{{[', '[[{[', '[{[{', '[{{[', '{[{['})
        found = {shapes[i]
                 for i in self.ids(docs, {'a.0': {'$all': [{'$elemMatch': {'0': {'$numberInt': '42'}}}]}})}
        self.assertEqual(found, {'[[[', '[[{', '{[[', '{[{', '[[[[', '[[{[', '[{[[', '[{[{', '{[[[', '{[{['})

    def test_f9_nan_and_the_ends_of_all_values(self):
        docs = [{'_id': {'$numberInt': str(i)}, 'v': one} for i, one in enumerate([
                    {'$numberDouble': 'NaN'}, {'$numberDecimal': 'NaN'}, {'$numberInt': '3'}, 'x', None,
                    {'$minKey': 1}, {'$maxKey': 1}, [{'$numberInt': '3'}]])]
        self.assertEqual(self.ids(docs, {'v': {'$lt': {'$numberInt': '5'}}}), [2, 7])
        self.assertEqual(self.ids(docs, {'v': {'$gte': {'$numberDouble': 'NaN'}}}), [0, 1])
        self.assertEqual(self.ids(docs, {'v': {'$lt': {'$maxKey': 1}}}), [0, 1, 2, 3, 4, 5, 7])
        self.assertEqual(self.ids(docs, {'v': {'$lte': {'$maxKey': 1}}}), list(range(8)))
        self.assertEqual(self.ids(docs, {'v': {'$gt': {'$minKey': 1}}}), [0, 1, 2, 3, 4, 6, 7])
        self.assertEqual(self.ids(docs, {'v': {'$gt': {'$maxKey': 1}}}), [])

    def test_f9_what_mongodb_refuses_is_refused(self):
        regex = {'$regularExpression': {'pattern': 'a', 'options': ''}}
        for name in ('$and', '$or', '$nor'):
            self.refused({name: []}, name, 'at least one')
        for query in ({'a': {'$ne': regex}}, {'a': {'$gt': regex}}):
            self.refused(query, 'takes no regular expression', '$not')
        for query, *parts in (({'a': {'$options': 'i'}}, '$options stands beside $regex'),
                              ({'a': {'$regex': {'$numberInt': '1'}}}, '$regex wants text'),
                              ({'a': {'$regex': 'a(', '$options': 'i'}}, 'cannot be read'),
                              ({'a': {'$regex': 'a', '$options': 'g'}}, 'no flag "g"')):
            self.refused(query, *parts)
        self.refused({'a': {'$in': [{'$gt': 1}]}}, 'not operators')
        self.refused({'a': {'$all': [{'$elemMatch': {'b': 1}}, 1]}}, '$all')
        self.refused({'a': {'$mod': [0, 1]}}, '$mod')
        self.refused({'a': {'$size': -1}}, '$size')
        self.refused({'a': {'$type': []}}, '$type')
        docs = [{'_id': {'$numberInt': '1'}, 'a': regex}, {'_id': {'$numberInt': '2'}, 'a': 'a'}]
        self.assertEqual(self.ids(docs, {'a': {'$eq': regex}}), [1])
        self.assertEqual(self.ids(docs, {'a': regex}), [1, 2])

    def test_f9_regular_expressions(self):
        def regex(pattern, options=''):
            return {'$regularExpression': {'pattern': pattern, 'options': options}}

        docs = [{'_id': {'$numberInt': str(i)}, 'a': one} for i, one in enumerate([
            'Anna', 'anna', 'x\nanna', ['b', 'Anna'], {'$numberInt': '1'}, None, regex('^a', 'i'),
            regex('^a'), {'b': 'anna'}, [['anna']], {'$symbol': 'anna'}, 'ÄRGER'])]
        for query, wanted in (
                (regex('^a'), [1, 7, 10]), (regex('^a', 'i'), [0, 1, 3, 6, 10]),
                (regex('^a', 'm'), [1, 2, 10]),
                ({'$options': 'i', '$regex': '^AN', '$exists': True}, [0, 1, 3, 10]),
                ({'$regex': '^A'}, [0, 3]),
                ({'$regex': '^A N', '$options': 'ix', '$exists': True}, [0, 1, 3, 10]),
                ({'$regex': 'x.a', '$options': 's'}, [2]), ({'$regex': 'ärger', '$options': 'iu'}, [11]),
                ({'$in': [regex('^A'), {'$numberInt': '1'}]}, [0, 3, 4]),
                ({'$nin': [regex('a', 'i')]}, [4, 5, 6, 7, 8, 9, 11]),
                ({'$not': regex('n')}, [4, 5, 6, 7, 8, 9, 11]),
                ({'$all': [regex('^b'), regex('^A')]}, [3]), ({'$elemMatch': {'$regex': '^A'}}, [3])):
            with self.subTest(query):
                self.assertEqual(self.ids(docs, {'a': query}), wanted)

    def test_f9_projections_keep_types_and_order(self):
        doc = {'_id': {'$numberInt': '1'}, 'c': {'$numberLong': '1'},
               'a': {'x': {'$numberDouble': '3.0'}, 'b': {'$numberInt': '2'}}}
        cases = [({'_id': True}, {'_id': doc['_id']}),
                 ({'_id': False}, {key: doc[key] for key in ('c', 'a')}),
                 ({'a.x': True, '_id': False}, {'a': {'x': doc['a']['x']}}),
                 ({'c': True}, {key: doc[key] for key in ('_id', 'c')}),
                 ({}, doc)]
        answers = self.ask([doc], [{'filter': {}, 'project': fields} for fields, _ in cases])
        self.assertEqual(answers, [[model.dump(model.load(wanted))] for _, wanted in cases])
        (answer,) = self.ask([doc], [{'filter': {}, 'project': {'a': True, 'a.x': True}}])
        self.assertIn('lies inside', answer)
        (answer,) = self.ask([doc], [{'filter': {}, 'project': {'a': 'yes'}}])
        self.assertIn(':project', answer)

    def test_f9_empty_arrays_sort_before_null(self):
        docs = [{'_id': {'$numberInt': str(i)}, **one}
                for i, one in enumerate([{'a': {'$numberInt': '1'}}, {'a': None}, {}, {'a': []},
                                         {'a': {'$minKey': 1}}, {'a': [{'$numberInt': '0'}, 'x']}])]
        up, down = self.ask(docs, [{'filter': {}, 'sort': [['a', 1]]}, {'filter': {}, 'sort': [['a', -1]]}])
        self.assertEqual([int(doc['document'][0][1][1]) for doc in up], [4, 3, 1, 2, 5, 0])
        self.assertEqual([int(doc['document'][0][1][1]) for doc in down], [5, 0, 1, 2, 3, 4])


if __name__ == '__main__':
    harness.main()
