"""A line of a JSON export that is no document is a reject with its line and its text.

The others are loaded.
"""
import gzip
import json
import re
import unittest
from pathlib import Path

import harness
from harness import lugger
from jobs import Work, job
from postgres import Postgres

GOOD = [f'{{"_id":{i},"v":"x{i}"}}' for i in range(6)]
# What is wrong with the line, and what it is called.
DAMAGE = {
    'cut in a string': b'{"_id":7,"v":"cut',
    'cut behind a comma': b'{"_id":7,',
    'cut in an array': b'{"_id":7,"v":[1,',
    'cut behind a bracket': b'{"_id":7,"v":[',
    'a byte that is no UTF-8': b'{"_id":7,"v":"caf\xe9"}',
    'a cut character': b'{"_id":7,"v":"\xe2\x82"}',
    'a control character': b'{"_id":7,"v":"a\x01b"}',
    'an escape of no JSON': rb'{"_id":7,"p":"C:\apps\vim\x86\new"}',
    'a quote too many': b'{"_id":7,"v":"say "hi} there""}',
    'a bracket too many': b'{"_id":7,"v":1}}',
    'words': b'exported 6 records',
    'a conflict marker': b'<<<<<<< HEAD',
    'no document': b'[1,2]',
    'a wrapper of a wrong kind': b'{"_id":7,"v":{"$numberInt":"many"}}',
    'a NUL': b'{"_id":7,\x00}',
}


def lines(damage, at, end=b'\n'):
    made = [line.encode() for line in GOOD]
    return end.join(made[:at] + [damage] + made[at:]) + end


def readable(reject):
    """Its text; how many bytes one U+FFFD stands for is the decoder's own choice."""
    return re.sub('\ufffd+', '\ufffd', reject['document']['$text'])


class Lines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, data, name='docs.json'):
        work = Work(self.server.fresh(), source=name)
        work.source.write_bytes(data)
        work.script(job("{ 'v', 'text' }, { 'rest', 'jsonb', from = '*' }", collection='shop.docs',
                        extra="unmapped = 'ignore',"))
        return work

    def rejects(self, work):
        work.lugger('rejects', 'job.lua', '--export', 'bad.jsonl', expect=(0, 3))
        return [json.loads(line) for line in (work.directory / 'bad.jsonl').read_text('utf-8').splitlines()]

    def check(self, data, line, text, name='docs.json', flags=()):
        work = self.work(data, name)
        result = work.run('--create', *flags, expect=3)
        self.assertEqual({k: result.books()[k] for k in ('read', 'inserted', 'rejected')},
                         {'read': 7, 'inserted': 6, 'rejected': 1}, result)
        found, = self.rejects(work)
        self.assertRegex(found['message'], rf'^line {line}, column \d+: ')
        self.assertEqual(found['code'], 'malformed')
        self.assertEqual(readable(found), text.decode('utf-8', 'replace'))
        self.assertEqual(work.database.number('select count(distinct v) from docs'), 6)
        return work, result

    def test_c12_a_damaged_line_is_a_reject(self):
        for number, (what, damage) in enumerate(DAMAGE.items()):
            at = (1, 3, 6)[number % 3]
            with self.subTest((what, at)):
                self.check(lines(damage, at), at + 1, damage)

    def test_c12_as_the_first_line(self):
        for what in ('cut in a string', 'a byte that is no UTF-8', 'cut behind a bracket',
                     'an escape of no JSON'):
            with self.subTest(what):
                self.check(lines(DAMAGE[what], 0), 1, DAMAGE[what])

    def test_c12_gzip_and_other_ends_of_lines(self):
        for what, damage in list(DAMAGE.items())[::2]:
            with self.subTest(what):
                self.check(gzip.compress(lines(damage, 3, b'\r\n')), 4, damage, 'docs.json.gz')

    def test_c12_elements_of_an_array(self):
        for number, (what, damage) in enumerate(DAMAGE.items()):
            at = (6, 1, 3)[number % 3]
            with self.subTest((what, at)):
                made = [line.encode() for line in GOOD]
                work = self.work(b'[' + b',\n'.join(made[:at] + [damage] + made[at:]) + b']\n')
                result = work.run('--create', expect=3)
                self.assertEqual((result.books()['read'], result.books()['rejected']), (7, 1), result)
                self.assertRegex(self.rejects(work)[0]['message'], rf'^line {at + 1}, ')

    def test_c12_within_a_line_and_over_several(self):
        for join in (b'', b' '):
            made = join.join([GOOD[0].encode(), DAMAGE['an escape of no JSON'],
                              *(line.encode() for line in GOOD[1:])])
            for text in (made, made + b'\n'):
                with self.subTest(text):
                    self.check(text, 1, DAMAGE['an escape of no JSON'])
        pretty = [json.dumps({**json.loads(line), 'more': [{'a': 1}, {'b': [1]}]}, indent=2).encode()
                  for line in GOOD]
        for damage in (pretty[0].replace(b'"x0"', rb'"\q"'), pretty[0].replace(b'"x0",', b'"x0'),
                       pretty[0].replace(b'"x0"', b'\xff'), pretty[0].replace(b'[\n', b'\n', 1)):
            for at in (0, 2, 6):
                with self.subTest((damage, at)):
                    work = self.work(b'\n'.join(pretty[:at] + [damage] + pretty[at:]) + b'\n')
                    result = work.run('--create', expect=3)
                    self.assertEqual((result.books()['read'], result.books()['rejected']), (7, 1), result)
                    self.assertEqual(readable(self.rejects(work)[0]), damage.decode('utf-8', 'replace'))

    def test_c12_a_file_that_was_cut_is_an_error(self):
        for tail in (b'{"_id":9,"na', b'{"_id":9,', b'{"_id":9,"v":[{"a":1}'):
            with self.subTest(tail):
                work = self.work(lines(GOOD[0].encode(), 0) + tail)
                self.assertRegex(work.run('--create', expect=1).err,
                                 r'line 8, column 1: .*not closed before the input ends')
        work = self.work(b'[' + b',\n'.join(line.encode() for line in GOOD))
        self.assertIn("closing ']' is missing", work.run('--create', expect=1).err)

    def test_c12_what_holds_no_documents_is_an_error(self):
        work = self.work(b'id,name\n1,Ada\n')
        self.assertIn("line 1, column 1", work.run('--create', expect=1).err)

    def test_c12_verify_retry_and_census_cope(self):
        damage = DAMAGE['a byte that is no UTF-8']
        work, _ = self.check(lines(damage, 3), 4, damage)
        verdict = work.lugger('verify', 'job.lua', expect=(0, 3))
        self.assertNotIn('missing 1', verdict.err + verdict.out)
        again = work.lugger('rejects', 'job.lua', '--retry', expect=3)
        self.assertEqual(again.books()['rejected'], 1)
        self.assertRegex(self.rejects(work)[0]['message'], r'^line 4, ')
        work.lugger('verify', 'job.lua', expect=(0, 3))
        result = work.lugger('describe', 'docs.json', expect=0)
        self.assertIn('1 document cannot be read', result.err)
        census = json.loads(work.lugger('describe', 'docs.json', '--full', '--no-trial',
                                        '--json').out)['collections'][0]
        self.assertEqual((census['documents'], census['malformed']), (7, 1))
        self.assertRegex(census['faults'][0]['what'], r'^line 4, ')
        for words in (('preview', 'job.lua', '-n', '7'), ('plan', 'job.lua'),
                      ('scaffold', 'docs.json', '--out', 'out')):
            work.lugger(*words, expect=(0, 3))
        redacted = self.work(lines(damage, 3))
        redacted.run('--create', '--redact', expect=3)
        self.assertNotIn('caf', self.rejects(redacted)[0].get('message') or '')
        redacted.lugger('verify', 'job.lua', expect=(0, 3, 4))

    def test_c12_with_parts_and_resumed(self):
        good = b''.join(b'{"_id":%d,"v":"%s"}\n' % (i, b'x' * 300) for i in range(60000))
        data = good[:len(good) // 3].rsplit(b'\n', 1)[0] + b'\n'
        rest = good[len(data):]
        data += DAMAGE['cut in a string'] + b'\n' + rest + DAMAGE['cut behind a bracket'] + b'\n'
        for flags in (('-j', '1'), ('-j', '3')):
            work = self.work(data)
            result = work.run('--create', *flags, expect=3)
            self.assertEqual((result.books()['read'], result.books()['rejected']), (60002, 2), result)
            self.assertEqual(
                sorted(int(item['message'].split()[1].rstrip(',')) for item in self.rejects(work)),
                [data[:data.index(b'cut')].count(b'\n') + 1, 60002])

    def test_c12_lone_surrogates_are_read_and_told(self):
        lone = [rb'{"_id":1,"v":"a\ud83d"}', rb'{"_id":2,"v":"\udc00b"}',
                rb'{"_id":3,"v":"\ud83d\u0041\udc00\ud83d\ude00"}',
                rb'{"_id":4,"\ud800":1,"v":"\ud800\ud800\udc00"}', rb'{"_id":5,"v":"\ud83d\ude00"}']
        work = self.work(b'\n'.join(lone) + b'\n')
        result = work.run('--create')
        self.assertEqual(result.books()['inserted'], 5)
        self.assertIn('4 documents were not standard JSON', result.err)
        self.assertEqual(work.database.query('select v from docs order by mongo_id').split('\n'),
                         ['a\ufffd', '\ufffdb', '\ufffdA\ufffd\U0001f600', '\ufffd\U00010000', '\U0001f600'])
        work.lugger('verify', 'job.lua')
        work.lugger('describe', 'docs.json', '--full', '--no-trial')


if __name__ == '__main__':
    harness.main()
