"""Bad input of every kind: one clear message with where and what next, the stated exit status, and the
good rows kept."""
import gzip
import json
import struct
import unittest

import bson
from bson import Raw
import harness
from harness import DATA, lugger
from jobs import Work, job
from postgres import Postgres

GOOD = [{'_id': i, 'v': i} for i in range(10)]
HEAD = b''.join(map(bson.encode, GOOD))
ONE = bson.encode({'_id': 100, 'v': 'hello'})
LAST = bson.encode({'_id': 200, 'v': 1})
LINES = ''.join(f'{{"_id":{i},"v":{i}}}\n' for i in range(10))


def resized(document, size):
    return struct.pack('<i', size) + document[4:]


def element(kind, data):
    return bson.encode({'_id': 100, 'v': Raw(kind, data)})


def nested(levels):
    document = bson.encode({'a': 1})
    for _ in range(levels):
        document = struct.pack('<i', len(document) + 8) + b'\x03a\0' + document + b'\0'
    return document


class Bad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, data=HEAD, columns="{ 'v', 'jsonb' }", source='docs.bson', **more):
        work = Work(self.server.fresh(), text=job(columns, **more), source=source)
        work.source.write_bytes(data if isinstance(data, bytes) else data.encode())
        return work

    def fails(self, data, *words, status=1, flags=('--create',), **more):
        """The run ends so, with one error line that holds all the words."""
        return self.told(self.work(data, **more).run(*flags, expect=status), *words)

    def told(self, result, *words):
        errors = [line for line in result.err.splitlines() if line.startswith('error: ')]
        self.assertEqual(len(errors), 1, result)
        for word in words:
            self.assertIn(word, errors[0])
        return errors[0]

    def rejects(self, data, code, *words, rows=11, **more):
        """One document is refused, so; the others are loaded."""
        work = self.work(data, **more)
        books = work.run('--create', expect=3).books()
        self.assertEqual((books['inserted'], books['rejected'], books['read']), (rows, 1, rows + 1))
        self.assertEqual(work.database.number('select count(*) from docs'), rows)
        reject = work.database.rows('select code, message from lugger.rejects')
        self.assertEqual(reject[0][0], code)
        for word in words:
            self.assertIn(word, reject[0][1])
        return work


class Bson(Bad):
    def test_truncated(self):
        self.fails(HEAD + ONE[:-7], 'docs.bson', 'byte 210', '27 bytes long, but 20 bytes are left',
                   'dump the file again')
        self.fails(HEAD + b'\x10\0', 'byte 210', 'too few for a document')

    def test_overlong(self):
        self.fails(HEAD + resized(ONE, len(ONE) + 9), 'byte 210', '36 bytes long, but 27 bytes are left')

    def test_lying_size(self):
        self.fails(HEAD + resized(ONE, len(ONE) - 3) + HEAD, 'byte 234', 'is not the length of a document',
                   'damaged')

    def test_negative_size(self):
        for size in (-5, 0, 4, -2**31):
            self.fails(HEAD + resized(ONE, size) + HEAD,
                       f'{size} at byte 210 is not the length of a document')

    def test_lying_sizes_inside(self):
        for name, bad in {'long': element(2, struct.pack('<i', 1000) + b'abc\0'),
                          'negative': element(2, struct.pack('<i', -1) + b'abc\0'),
                          'most': element(2, struct.pack('<i', 2**31 - 1) + b'abc\0'),
                          'document': element(3, struct.pack('<i', 4000) + b'\0'),
                          'binary': element(5, struct.pack('<iB', 2**31 - 1, 0) + b'abc'),
                          'bool': element(8, b'\x07')}.items():
            with self.subTest(name):
                self.rejects(HEAD + bad + LAST, 'malformed', 'not valid: ')

    def test_unknown_type_byte(self):
        work = self.rejects(HEAD + element(0x20, b'abcd') + LAST, 'malformed', 'an unknown element type')
        exported = work.lugger('rejects', 'job.lua', '--export', '-').out
        self.assertEqual(json.loads(exported)['document']['$malformed'], element(0x20, b'abcd').hex())

    def test_nested_to_ten_thousand_levels(self):
        self.assertEqual(self.work(HEAD + element(3, nested(90))).run('--create').books()['inserted'], 11)
        for levels in (250, 10_000):
            self.rejects(HEAD + element(3, nested(levels)) + LAST, 'too_deep', 'v: nested too deep')
            self.rejects(HEAD + element(3, nested(levels)) + LAST, 'too_deep',
                         columns="{ 'rest', 'jsonb', from = '*' }")

    def test_text_that_is_not_utf8(self):
        bad = HEAD + element(2, bson.string(b'ab\xff\xfe')) + LAST
        for kind in ('text', 'jsonb'):
            self.rejects(bad, 'bad_utf8', 'v: text that is not UTF-8', 'utf8 = "strip"',
                         columns=f"{{ 'v', '{kind}' }}")
        work = self.work(bad, "{ 'v', 'text', utf8 = 'strip' }")
        work.run('--create')
        self.assertEqual(work.database.query("select v from docs where mongo_id = '$n:100'"), 'ab')

    def test_names_that_are_not_utf8(self):
        bad = HEAD + bson.encode({'_id': 100, 'XX': 1}).replace(b'XX\0', b'\xff\xfe\0') + LAST
        self.rejects(bad, 'bad_utf8', 'rest: ', columns="{ 'rest', 'jsonb', from = '*' }")
        result = lugger('run', 'mongo_to_postgres', '--from', self.work(bad).source, '--into',
                        self.server.fresh().url, '--create', expect=3)
        self.assertEqual(result.books()['rejected'], 1)

    def test_nul_in_text_and_keys(self):
        self.rejects(HEAD + element(2, bson.string(b'a\0b')) + LAST, 'nul_in_text', 'nul = "strip"')
        # A name ends at its first NUL; what follows is read as its value, and does not fit.
        self.rejects(HEAD + bson.encode({'_id': 100, 'a\0b': 1}) + LAST, 'malformed')

    def test_keys_that_come_twice_or_are_empty(self):
        work = self.work(bson.encode((('_id', 1), ('v', 1),
                                      ('v', 2))) + bson.encode((('_id', 2), ('', 5), ('v', 3))),
                         "{ 'v', 'int4' }, { 'rest', 'jsonb', from = '*' }")
        self.assertEqual(work.run('--create').books()['inserted'], 2)
        self.assertEqual(work.database.rows('select mongo_id, v, rest from docs order by 1'),
                         [['$n:1', '2', '{}'], ['$n:2', '3', '{"": 5}']])

    def test_document_over_16_mib(self):
        self.fails(HEAD + bson.encode({'_id': 1, 'v': 'x' * (17 << 20)}), 'byte 210',
                   'is not the length of a document')
        work = self.work(json.dumps({'_id': 1, 'v': 'x' * (17 << 20)}), "{ 'v', 'text' }", source='docs.json')
        self.assertEqual(work.run('--create').books()['inserted'], 1)

    def test_id_is_missing(self):
        self.rejects(HEAD + bson.encode({'v': 1}) + LAST, 'required_missing', 'mongo_id is required')

    def test_what_was_refused_loads_after_a_mapping_fix(self):
        work = self.work(HEAD + bson.encode({'_id': 100, 'v': 'n/a'}) + LAST, "{ 'v', 'int4' }")
        work.run('--create', expect=3)
        work.script(job("{ 'v', 'int4', on_error = 'null' }"))
        work.lugger('rejects', 'job.lua', '--retry')
        self.assertEqual(work.database.query('select count(*), count(v) from docs'), '12|11')
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 0)


class Packed(Bad):
    def test_gzip_cut(self):
        whole = gzip.compress(HEAD * 100)
        for size in (5, 20, len(whole) - 30, len(whole) - 1):
            self.fails(whole[:size], 'docs.bson.gz', f'cut short at byte {size}', 'gzip -t',
                       source='docs.bson.gz')

    def test_gzip_damaged(self):
        self.fails(gzip.compress(HEAD)[:-8] + bytes(8), 'damaged at byte', 'data check',
                   source='docs.bson.gz')

    def test_gzip_followed_by_garbage(self):
        self.fails(gzip.compress(HEAD) + b'garbage', 'garbage behind the end', source='docs.bson.gz')
        self.assertEqual(self.work(gzip.compress(HEAD) + gzip.compress(ONE),
                                   source='docs.bson.gz').run('--create').books()['read'],
                         11)
        self.assertEqual(self.work(gzip.compress(HEAD) + bytes(512),
                                   source='docs.bson.gz').run('--create').books()['read'],
                         10)

    def archive(self, data):
        work = Work(self.server.fresh(), source='shop.archive')
        work.source.write_bytes(data)
        result = work.lugger('run', 'mongo_to_postgres', '--from', work.source, '--into', work.database.url,
                             '--create', expect=1)
        for line in result.err.splitlines():
            if line.startswith('error: '):
                self.assertRegex(line, r'shop\.archive.*(cut short|CRC|checksum|damaged|ends|cannot tell)',
                                 result)
        self.assertIn('error: ', result.err)
        return result

    def test_archive_cut_in_its_magic(self):
        self.fails((DATA / 'named/shop.archive').read_bytes()[:3], 'cannot tell what', '6de299',
                   source='shop.archive')

    def test_archive_cut_anywhere(self):
        whole = (DATA / 'named/shop.archive').read_bytes()
        for size in (30, 400, len(whole) // 3, len(whole) * 3 // 4, len(whole) - 40, len(whole) - 4):
            with self.subTest(size=size):
                self.archive(whole[:size])

    def test_archive_gzip_cut(self):
        self.archive((DATA / 'named/shop.archive.gz').read_bytes()[:-100])

    def test_archive_wrong_crc(self):
        data = bytearray((DATA / 'named/shop.archive').read_bytes())
        data[data.rfind(b'CRC\0') + 4] ^= 0xFF
        self.assertIn('checksum', self.archive(bytes(data)).err)


class Json(Bad):
    def broken(self, text, *words):
        return self.fails(text, *words, source='docs.json')

    def refused(self, text, *words):
        """The one line of these that is no document is a reject."""
        work = self.work(text, source='docs.json')
        books = work.run('--create', expect=3).books()
        self.assertEqual(books['rejected'], 1)
        told = work.lugger('rejects', 'job.lua', '--export', '-').out
        message = json.loads(told)['message']
        for word in words:
            self.assertIn(word, message)

    def test_broken_at_line_11(self):
        for name, line, words in (
                ('literal', '{"_id":11,"v":tru}', ('column 15', 'expected a value')),
                ('open', '{"_id":11,"v":', ('column 1', 'not closed before line 13')),
                ('text', 'hello', ('column 1', "begins with '{'")),
                ('number', '17', ('column 1', "begins with '{'")),
                ('oid', '{"_id":{"$oid":"xyz"}}', ('24 hex digits',)),
                ('nul key', '{"_id":11,"v":{"a\\u0000b":1}}', ('field names without a NUL',))):
            with self.subTest(name):
                self.refused(f'{LINES}{line}\n{LINES}', 'line 11', *words)

    def test_not_utf8(self):
        self.refused(LINES.encode() + b'{"_id":11,"v":"a\xff"}\n', 'line 11', 'expected UTF-8')

    def test_utf16(self):
        self.broken(LINES.encode('utf-16'), 'docs.json is UTF-16', 'UTF-8')

    def test_array_cut(self):
        self.broken('[{"_id":1},\n{"_id":2},', 'line 2', "closing ']' is missing")
        self.broken('[{"_id":1}] hello', 'line 1, column 13', 'nothing after')

    def test_nested_to_ten_thousand_levels(self):
        for levels in (250, 10_000):
            self.refused(LINES + '{"_id":11,"v":' + '{"a":' * levels + '1' + '}' * levels + '}\n',
                         'line 11', 'nested deeper')
        self.broken(LINES + '{"_id":11,"v":' + '[' * 10_000, 'line 11')


class Auto(Bad):
    def test_documents_without_id(self):
        work = self.work(b''.join(bson.encode({'v': i}) for i in range(5)), source='oplog.bson')
        result = work.lugger('run', 'mongo_to_postgres', '--from', work.source, '--into', work.database.url)
        self.assertEqual(result.books()['inserted'], 5)
        self.assertIn('have no _id', result.err)


if __name__ == '__main__':
    harness.main()
