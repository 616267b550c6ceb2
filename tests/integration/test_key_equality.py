"""Keys that are equal and spelled otherwise: which rows are of one key, and whose child rows are
whose, is for the stored column to say, by its type and its collation."""
import unittest

from bson import Decimal128, Int32
import harness
from jobs import Work
from postgres import Postgres

CI = "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
POLICIES = ('skip', 'update', 'newer')
WRITERS = ('copy', 'statement')
COLUMNS = 'n int4, ver int4'

# name: type in the mapping, two spellings, what must stand before (empty: lugger makes the table).
STANDING = {
    'collation': ('text', 'Ann', 'ann', f'{CI} create table docs (k text collate ci primary key, {COLUMNS})'),
    'collation of the index': ('text', 'Ann', 'ann', f'''{CI}
        create table docs (k text, {COLUMNS}); create unique index on docs (k collate ci)'''),
    'collation of a domain': ('text', 'Ann', 'ann', f'''{CI}
        create domain word as text collate ci; create table docs (k word primary key, {COLUMNS})'''),
    'domain over citext': ('word', 'Ann', 'ann', f'''create extension citext;
        create domain word as citext; create table docs (k word primary key, {COLUMNS})'''),
    'citext': ('citext', 'Ann', 'ann', f'''create extension citext;
        create table docs (k citext primary key, {COLUMNS})'''),
    'child with a collation': ('text', 'Ann', 'ann', f'''{CI}
        create table docs (k text collate ci primary key, {COLUMNS});
        create table tags (parent_k text collate "C", ordinal int4, tag text,
          primary key (parent_k, ordinal))'''),
    'foreign key': ('text', 'Ann', 'ann', f'''{CI}
        create table docs (k text collate ci primary key, {COLUMNS});
        create table tags (parent_k text references docs, ordinal int4, tag text,
          primary key (parent_k, ordinal))'''),
}
MADE = {
    'numeric': ('numeric', Decimal128('1'), Decimal128('1.00'), ''),
    'float8': ('float8', 0.0, -0.0, ''),
    'inet': ('inet', '10.0.0.1', '10.0.0.1/32', ''),
    'jsonb': ('jsonb', {'a': Decimal128('1')}, {'a': Decimal128('1.00')}, ''),
    'range': ('int4range', '[1,3)', '[1,2]', ''),
    'numeric[]': ('numeric[]', [Decimal128('1')], [Decimal128('1.00')], ''),
    'domain': ('word', 'Ann', 'ann', 'create extension citext; create domain word as citext'),
    'domain with a collation': ('word', 'Ann', 'ann', CI + 'create domain word as text collate ci'),
}


def combinations(cases):
    """Every case by both writers; the policies and hooks in turn."""
    for i, (name, case) in enumerate(cases.items()):
        yield name, case, 'update', WRITERS[i % 2], 'emit'
        yield name, case, POLICIES[i % 3], WRITERS[(i + 1) % 2], ('list', 'emit')[i % 2]


class KeyEquality(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, case, documents, policy, writer='copy', hook=''):
        kind, _, _, before = case
        newer = "newer = 'ver'," if policy == 'newer' else ''
        database = self.server.fresh()
        if before:
            database.query(before)
        return Work(database, documents, f'''
local lugger = require 'lugger'
return lugger.copy {{
  from = lugger.source(lugger.env.MONGO_URI),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'docs', key = 'k', on_conflict = '{policy}',
    writer = '{writer}', {newer} }}),
  columns = {{ {{ 'k', '{kind}' }}, {{ 'n', 'int4' }}, {{ 'ver', 'int4' }} }}, unmapped = 'ignore',
  children = {{ {{ table = 'tags', from = 'tags[]', columns = {{ {{ 'tag', 'text', from = '.' }} }} }} }},
  {hook}
}}''')

    def stands(self, work):
        return (work.database.query("select n || '|' || ver from docs"),
                work.database.query("select string_agg(tag, ',' order by ordinal) from tags"))

    def test_documents_of_one_key(self):
        """Every document takes its turn; a further run changes nothing but what the turns of its
        documents do."""
        for name, case, policy, writer, _ in combinations({**STANDING, **MADE}):
            with self.subTest(name, policy=policy, writer=writer):
                _, first, second, _ = case
                work = self.work(case,
                                 [{'_id': 1, 'k': first, 'n': Int32(1), 'ver': Int32(1),
                                   'tags': ['a', 'b', 'c']},
                                  {'_id': 2, 'k': second, 'n': Int32(2), 'ver': Int32(2), 'tags': ['x', 'y']},
                                  {'_id': 3, 'k': first, 'n': Int32(3), 'ver': Int32(1), 'tags': ['z']}],
                                 policy, writer)
                wanted = {'skip': ('1|1', 'a,b,c'), 'update': ('3|1', 'z'), 'newer': ('2|2', 'x,y')}[policy]
                books = work.run('--create', expect=(0, 3)).books()
                self.assertEqual(self.stands(work), wanted)
                other = {'skip': (2, 0), 'update': (0, 2), 'newer': (1, 1)}[policy]
                self.assertEqual((books['read'], books['inserted'], books['skipped'], books['updated'],
                                  books['rejected']),
                                 (3, 1, *other, 0))
                if policy == 'update':
                    work.run('--create', expect=(0, 3))
                    self.assertEqual(self.stands(work), wanted)

    def test_documents_of_one_key_are_refused(self):
        for i, (name, case) in enumerate({**STANDING, **MADE}.items()):
            writer = WRITERS[i % 2]
            with self.subTest(name, writer=writer):
                _, first, second, _ = case
                work = self.work(case,
                                 [{'_id': 1, 'k': first, 'n': Int32(1), 'ver': Int32(1), 'tags': ['a']},
                                  {'_id': 2, 'k': second, 'n': Int32(2), 'ver': Int32(2), 'tags': ['b']}],
                                 'error', writer)
                result = work.run('--create', expect=1)
                self.assertIn('on_conflict = "skip"', result.err)

    def test_rows_of_one_document(self):
        """The child rows are those of the document, whichever of its rows stands in the end."""
        hooks = {'emit': "require 'lugger'.emit { k = doc.k2, n = 2, ver = 2 }",
                 'list': "return { row, { k = doc.k2, n = 2, ver = 2 } }"}
        for name, case, policy, writer, hook in combinations({**STANDING, **MADE}):
            with self.subTest(name, policy=policy, writer=writer, hook=hook):
                _, first, second, _ = case
                work = self.work(case,
                                 [{'_id': 1, 'k': first, 'k2': second, 'n': Int32(1), 'ver': Int32(1),
                                   'tags': ['l', 'm']}],
                                 policy, writer, f'map = function(row, doc) {hooks[hook]} end')
                wanted = ('1|1' if policy == 'skip' else '2|2', 'l,m')
                work.run('--create', expect=(0, 3))
                self.assertEqual(self.stands(work), wanted)

    def test_keys_that_a_trigger_makes_equal(self):
        """Nobody can foresee it: the documents are taken one by one, the last one wins."""
        case = ('text', 'Ann', 'ann', f'''create table docs (k text primary key, {COLUMNS});
            create function low() returns trigger language plpgsql as $$ begin new.k := lower(new.k);
              return new; end $$;
            create trigger low before insert on docs for each row execute function low()''')
        for writer in WRITERS:
            with self.subTest(writer):
                work = self.work(case, [{'_id': i, 'k': key, 'n': Int32(i), 'ver': Int32(i), 'tags': []}
                                        for i, key in enumerate(('Ann', 'ann', 'ANN'))], 'update', writer)
                work.run('--create', expect=(0, 3))
                self.assertEqual(work.database.query('select * from docs'), 'ann|2|2')


if __name__ == '__main__':
    harness.main()
