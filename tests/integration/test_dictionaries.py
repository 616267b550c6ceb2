"""Documents whose names are data become child rows: loaded, proved, repaired, and made documents again."""

import json
import unittest

import harness
from jobs import Work
from postgres import Postgres

COPY = """local lugger = require 'lugger'
return lugger.copy {
  name = 'items',
  from = lugger.source(lugger.env.MONGO_URI, { collection = 'shop.items' }),
  into = lugger.target(%s, { table = 'items', key = 'id', on_conflict = 'update' %s }),
  columns = { { 'id', 'int4', from = '_id' } },
  children = {
    { table = 'names', from = 'names{}', entry = 'language', columns = { { 'name', 'text', from = '.' } } },
    { table = 'prices', from = 'shop.prices{}',
      columns = { { 'price', 'numeric' }, { 'rest', 'jsonb', from = '*' } },
      children = {
        { table = 'steps', from = 'steps[]', columns = { { 'amount', 'int4', from = '.' } } },
        { table = 'notes', from = 'notes{}', columns = { { 'note', 'text', from = '.' } } },
      } },
  },
  %s
}
"""

PEOPLE = """local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source(lugger.env.MONGO_URI, { collection = 'shop.people' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'people', key = 'id', on_conflict = 'update' }),
  columns = { { 'id', 'int4', from = '_id' }, { 'v', 'int4' } },
  children = { { table = 'at', from = 'at{}', entry = 'who', columns = { { 'x', 'int4', from = '.' } } } },
}
"""

DOCUMENTS = [
    {
        '_id': 1,
        'names': {'en': 'Salt', 'de': 'Salz', "a.b'\u00e4 ": 'odd', '': 'empty'},
        'shop': {
            'prices': {
                'eu': {'price': 5, 'vat': True, 'steps': [1, 2], 'notes': {'x': 'one'}},
                'us': {'price': 7},
            }
        },
    },
    {'_id': 2, 'names': {}, 'shop': {'prices': None}},
    {'_id': 3},
    {'_id': 4, 'names': {'en': None}},
]


class Dictionaries(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, documents=DOCUMENTS, into='lugger.env.PG_URI', target='', extra=''):
        return Work(self.server.fresh(), documents, COPY % (into, target, extra))

    def test_d_each_field_becomes_a_row(self):
        work = self.work()
        work.run('--create')
        query = work.database.rows
        self.assertEqual(
            query('select parent_id, language, name from names order by 1, language collate "C"'),
            [
                ['1', '', 'empty'],
                ['1', "a.b'\u00e4 ", 'odd'],
                ['1', 'de', 'Salz'],
                ['1', 'en', 'Salt'],
                ['4', 'en', '\\N'],
            ],
        )
        self.assertEqual(
            query('select parent_id, entry, price, rest from prices order by 2'),
            [['1', 'eu', '5', '{"vat": true}'], ['1', 'us', '7', '{}']],
        )
        self.assertEqual(
            query('select parent_id, entry_1, ordinal, amount from steps order by 3'),
            [['1', 'eu', '1', '1'], ['1', 'eu', '2', '2']],
        )
        self.assertEqual(
            query('select parent_id, entry_1, entry, note from notes'), [['1', 'eu', 'x', 'one']]
        )
        self.assertEqual(
            work.database.query(
                "select pg_get_constraintdef(oid) from pg_constraint "
                "where conrelid = 'names'::regclass and contype = 'p'"
            ),
            'PRIMARY KEY (parent_id, language)',
        )

    def test_d_a_second_run_replaces_what_changed(self):
        work = self.work()
        work.run('--create')
        work.documents([{'_id': 1, 'names': {'fr': 'Sel', 'en': 'salt'}}, *DOCUMENTS[1:]])
        books = work.run().books()
        self.assertEqual((books['updated'], books['unchanged']), (1, 3))
        self.assertEqual(
            work.database.rows('select language, name from names where parent_id = 1 order by 1'),
            [['en', 'salt'], ['fr', 'Sel']],
        )
        self.assertEqual(work.database.query('select count(*) from prices'), '0')
        work.lugger('verify', 'job.lua')

    def test_c23_names_that_are_equal_by_their_type_are_never_merged(self):
        """Whatever stands there, and whether its neighbours changed, too."""
        both = {'Ann': 1, 'Ann ': 5}
        for stored, given, neighbour in (({'Ann': 1}, both, 2), ({'Ann': 1}, both, 1), ({'Ann': 2}, both, 2),
                                         ({}, both, 1), ({'Ann ': 5}, both, 2)):
            with self.subTest(stored=stored, neighbour=neighbour):
                work = Work(self.server.fresh(), [{'_id': 1, 'v': 1, 'at': stored}, {'_id': 2, 'v': 1}],
                            text=PEOPLE)
                work.database.query(
                    'create table people (id int4 primary key, v int4); create table at (parent_id int4 '
                    'references people on delete cascade, who char(5), x int4, primary key (parent_id, who))')
                work.run()
                work.documents([{'_id': 1, 'v': 2, 'at': given}, {'_id': 2, 'v': neighbour}])
                self.assertEqual(work.run(expect=3).books()['rejected'], 1)
                self.assertEqual(work.database.query('select count(*), coalesce(sum(x), 0) from at'),
                                 f'{len(stored)}|{sum(stored.values())}')

    def test_d_verify_finds_and_repair_mends(self):
        work = self.work()
        work.run('--create')
        work.lugger('verify', 'job.lua')
        work.database.query(
            "update names set name = 'x' where language = 'de';"
            "delete from notes; insert into names values (1, 'it', 'Sale')"
        )
        told = work.lugger('verify', 'job.lua', expect=4)
        self.assertIn('language=de', told.out)
        self.assertIn('language=it', told.out)
        work.lugger('repair', 'job.lua', '--apply', '--delete-extra')
        work.lugger('verify', 'job.lua')
        self.assertEqual(work.database.query("select name from names where language = 'de'"), 'Salz')

    def test_d_rows_become_documents_again(self):
        work = self.work(into="'out.jsonl'", target=', documents = true')
        work.run()
        lines = [json.loads(line) for line in (work.directory / 'out.jsonl').read_text().splitlines()]
        self.assertEqual(lines[0]['names'], DOCUMENTS[0]['names'])
        self.assertEqual(
            lines[0]['shop']['prices']['eu'],
            {
                'price': {'$numberDecimal': '5'},
                'vat': True,
                'steps': [{'$numberInt': '1'}, {'$numberInt': '2'}],
                'notes': {'x': 'one'},
            },
        )
        self.assertIn('gives the field its name', work.lugger('plan', 'job.lua', '--invert').out)

    def test_d_what_is_no_document_is_a_reject(self):
        work = self.work(
            [{'_id': 1, 'names': 'Salt'}, {'_id': 2, 'names': ['a']}, {'_id': 3, 'names': {'en': 'b'}}]
        )
        result = work.run('--create', expect=3)
        self.assertIn('a document of names rows', result.err)
        self.assertEqual(result.books()['rejected'], 2)
        self.assertEqual(work.database.query('select parent_id, name from names'), '3|b')

    def test_d_of_a_name_that_comes_twice_the_last_counts(self):
        work = self.work()
        (work.directory / 'docs.json').write_text(
            '{"_id": 1, "names": {"en": "a", "de": "b", "en": "c"}}\n'
        )
        work.script(
            COPY.replace("lugger.env.MONGO_URI, { collection = 'shop.items' }", "'docs.json'")
            % ('lugger.env.PG_URI', '', '')
        )
        work.run('--create')
        self.assertEqual(
            work.database.rows('select language, name from names order by 1'), [['de', 'b'], ['en', 'c']]
        )
        work.lugger('verify', 'job.lua')

    def test_d_fields_of_entries_that_nobody_took_are_told(self):
        work = self.work(
            [{'_id': 1, 'shop': {'prices': {'eu': {'price': 1, 'notes': {'a': 'b'}}}, 'open': 1}}]
        )
        self.assertIn('shop.open (1 document)', work.run('--create').err)

    def test_d_hooks_leave_the_children_of_dictionaries(self):
        work = self.work(extra='map = function(row) end')
        work.run('--create')
        self.assertEqual(work.database.query('select count(*) from names'), '5')

    def test_d_the_options_are_checked(self):
        for text, said in (
            ("from = 'names{}', ordinal = 'n'", 'entry = '),
            ("from = 'names[]', entry = 'n'", 'ordinal = '),
            ("from = 'names'", 'names{}'),
        ):
            work = self.work()
            work.script(
                "local lugger = require 'lugger'\nreturn lugger.copy { from = lugger.source('docs.bson'), "
                "into = lugger.target('local:', { table = 'a', key = 'id' }), columns = { { 'id', 'int4', "
                "from "
                "= '_id' } }, children = { { table = 'b', %s, columns = { { 'v', 'text', from = '.' } } } } }"
                % text
            )
            self.assertIn(said, work.lugger('plan', 'job.lua', expect=1).err)

    def test_d_describe_names_the_form(self):
        work = self.work(
            [{'_id': n, 'days': {f'2026-{n:02}-{d:02}': d for d in range(1, 4)}} for n in range(1, 100)]
        )
        told = json.loads(work.lugger('describe', work.source, '--full', '--json').out)
        why = [
            path['suggests']['why'] for path in told['collections'][0]['paths'] if path['path'] == 'days'
        ]
        self.assertIn("a child table with from = 'days{}'", why[0])


if __name__ == '__main__':
    harness.main()
