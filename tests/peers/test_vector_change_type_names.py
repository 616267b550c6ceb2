"""lugger vector change-type with names that need quotes, that are words of SQL, and that the server gives."""
import unittest

import harness
from peer_postgres import PgVector

SHOP = '''create schema "My Shop"; create table "My Shop"."Line.Items" ("select" int primary key,
  "a.b" real not null, "a""b" real);
insert into "My Shop"."Line.Items" select i, i, i from generate_series(1, 9) i'''
# Of each column: its type, the type that it gets, and what names both the column and the word.
WORDS = {
    'precision': ('real', 'double precision', 'check ((%s)::double precision > 0)', '(%s)'),
    'zone': ('timestamp', 'timestamp(3)', 'check ((%s)::timestamp without time zone > %s - interval \'1s\')',
             '(%s nulls first)'),
    'first': ('int', 'bigint', 'check (%s > 0)', '(%s nulls first)'),
    'fillfactor': ('int', 'bigint', 'check (%s > 0)', '(%s) with (fillfactor = 70) where %s > 0'),
    'C': ('text', 'varchar(9)', "check (%s <> '')", '(%s collate "C")'),
}
LOOK = """select string_agg(regexp_replace(pg_get_constraintdef(oid), '::\\w+', '', 'g'), '; '
    order by conname) from pg_constraint where conrelid = 'w.t'::regclass;
  select string_agg(regexp_replace(pg_get_indexdef(indexrelid), '::\\w+', '', 'g'), '; ' order by indexrelid)
    from pg_index where indrelid = 'w.t'::regclass and indexrelid::regclass::text !~ '__old'"""
NOT_NULL = ("select string_agg(conname, ',' order by conname) from pg_constraint "
            "where conrelid = 'n'::regclass and contype = 'n'")


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.database = self.server.fresh()

    def change(self, column, *args, expect=0):
        return harness.lugger('vector', 'change-type', column, *args, env={'PG_URI': self.database.url},
                              expect=expect)

    def test_s2_17_names_in_quotes(self):
        self.database.query(SHOP)
        for name, kind in (('"My Shop"."Line.Items"."select"', 'bigint'),
                           ('My Shop."Line.Items"."a.b"', 'float8'),
                           ('"My Shop"."Line.Items"."a""b"', 'float8')):
            self.change(name, kind, '--step', 'all')
            self.change(name, '--step', 'back')
            self.change(name, kind, '--step', 'all')
            self.change(name, '--step', 'drop')
        self.assertEqual(self.database.query('select sum("select"), sum("a.b"), sum("a""b") '
                                             'from "My Shop"."Line.Items"'), '45|45|45')
        for wrong in ('t', '"t.x', '"a"b.c', 'a.b.c.d', 'a..b', '"a"."b".', ''):
            self.assertIn('is not a column of a table', self.change(wrong, 'int', expect=2).err)

    def test_s2_16_names_that_are_words_of_sql(self):
        for name, (kind, other, check, index) in WORDS.items():
            with self.subTest(name):
                quoted = f'"{name}"'
                self.database.query(
                    'drop schema if exists w, lugger cascade; create schema w; '
                    f'create table w.t (id int primary key, {quoted} {kind}, '
                    + check.replace('%s', quoted) + '); create index i on w.t ' + index.replace('%s', quoted)
                    + f"; insert into w.t (id) values (1)")
                before = self.database.query(LOOK)
                self.change('w.t.' + name, other, '--step', 'all')
                self.change('w.t.' + name, '--step', 'back')
                self.assertEqual(self.database.query(LOOK), before)

    def test_s2_16_not_null_keeps_its_name(self):
        self.database.query('create table n (id int primary key, x int constraint "given" not null, '
                            'y int not null)')
        before = self.database.query(NOT_NULL)
        for column in ('id', 'x', 'y'):
            self.change('n.' + column, 'bigint', '--step', 'all')
            self.assertEqual(self.database.query(NOT_NULL), before)
            self.change('n.' + column, '--step', 'back')
            self.assertEqual(self.database.query(NOT_NULL), before)
            self.change('n.' + column, 'bigint', '--step', 'all')
            self.change('n.' + column, '--step', 'drop')
            self.assertEqual(self.database.query(NOT_NULL), before)


if __name__ == '__main__':
    harness.main()
