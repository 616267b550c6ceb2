"""A dump and its oplog give what a real server had in the end: every value, every type, every order of fields."""
import gzip
import json
import re
import unittest
from pathlib import Path

import bson
import harness
from harness import DATA, lua, lugger
from jobs import dump
from postgres import Postgres

WHOLE = '''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source({place}, {options}),
  into = lugger.target('out.jsonl'),
  columns = {{ {{ 'doc', 'jsonb', from = '*', json = 'canonical', nul = 'replace', utf8 = 'replace' }} }},
}}
'''


class Pairs(list):
    """A document; a list is an array."""


def parse(line):
    def walk(value):
        if isinstance(value, Pairs):
            if len(value) == 1 and value[0][0] == '$numberDouble':
                return ('double', repr(float(value[0][1].replace('Infinity', 'inf'))))
            # What recorded the final states wrote numeric names first, as JavaScript objects have them: so do both sides here.
            numeric = sorted((int(k), k, v) for k, v in value if re.fullmatch(r'0|[1-9]\d{0,8}', k))
            others = [(k, v) for k, v in value if not re.fullmatch(r'0|[1-9]\d{0,8}', k)]
            return ('document', tuple((k, walk(v)) for k, v in [(k, v) for _, k, v in numeric] + others))
        if isinstance(value, list):
            return ('array', tuple(map(walk, value)))
        return value.replace('\0', '\ufffd') if isinstance(value, str) else value   # as nul = 'replace' has it
    return walk(json.loads(line, object_pairs_hook=Pairs))


def final_documents(path):
    opener = gzip.open if path.suffix == '.gz' else open
    with opener(path, 'rt', encoding='utf-8') as file:
        return sorted(map(repr, map(parse, filter(str.strip, file))))


def read(place, collection, expect=0, jobs=1, **options):
    """The documents of a collection as a job reads them, and the result of its run."""
    room = Path(harness.scratch())
    text = WHOLE.format(place=lua(str(place)), options=lua({'collection': collection, **options}))
    result = lugger('run', harness.script(text, cwd=room), '-j', jobs, cwd=room, expect=expect)
    lines = (room / 'out.jsonl').read_text(encoding='utf-8').splitlines() if (room / 'out.jsonl').exists() else []
    return sorted(repr(dict(walk_line(line))['doc']) for line in lines), result


def walk_line(line):
    return parse(line)[1]


class Recorded(unittest.TestCase):
    maxDiff = 2000

    def check(self, place, collection, final, **options):
        found, result = read(place, collection, **options)
        expected = final_documents(final)
        self.assertEqual(len(found), len(expected), f'{collection}\n{result!r}')
        for one, other in zip(found, expected):
            self.assertEqual(one, other)
        self.assertIn('replayed the oplog', result.err) if options.get('touched', True) else None
        return result

    def test_s0_20_named_steps(self):
        for collection in ('users', 'orders', 'ids', 'types', 'log', 'steps', 'later', 'implicit', 'empty'):
            with self.subTest(collection):
                found, result = read(DATA / 'named/dump', f'shop.{collection}', oplog=str(DATA / 'named/oplog.bson'))
                self.assertEqual(found, final_documents(DATA / f'named/final/{collection}.json'), result)

    def test_n_03_random_operations(self):
        for name in ('random', 'random-v1'):
            for collection in ('alpha', 'beta'):
                with self.subTest(name, collection=collection):
                    self.check(DATA / name / 'dump', f'rnd.{collection}', DATA / f'{name}/final/{collection}.json.gz',
                               oplog=str(DATA / name / 'oplog.bson'))

    def test_n_03_a_dump_taken_while_six_writers_ran(self):
        for collection in ('alpha', 'beta'):
            with self.subTest(collection):
                self.check(DATA / 'concurrent/dump', f'rnd.{collection}', DATA / f'concurrent/expected/{collection}.json.gz')


if __name__ == '__main__':
    harness.main()
