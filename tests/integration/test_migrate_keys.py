"""Batches go over a key that holds no NULL, and find every row."""
import unittest

import harness
from migrations import Project
from postgres import Postgres

FILL = """local schema = require 'lugger.schema'
return {{ up = function(db) schema.backfill(db, {{ table = 't', key = {key}, set = {{ v = "'y'" }},
  batch_rows = 2 }}) end }}"""
# How the key is made, and what the refusal says; None where it is fine.
KEYS = (
    ('a int unique', 'may be NULL'),
    ('a int', 'may be NULL'),
    ('a int not null', 'no unique index'),
    ('a int not null unique', None),
    ('a int unique check (a is not null)', 'may be NULL'),
    ('a int not null unique deferrable', 'no unique index'),
    ('a int, unique nulls not distinct (a)', 'may be NULL'),
    ('a int not null; create unique index on t (a) where a > 0', 'no unique index'),
    ('a int not null; create unique index on t (abs(a))', 'no unique index'),
    ('a int not null; create unique index on t (a) include (b)', None),
    ('a int not null; create unique index on t (a, b)', 'no unique index'),
    ('a present', 'may be NULL'),
)
PAIRS = (
    ('a int not null, unique (a, b)', 'key column b of t may be NULL'),
    ('a int not null, unique (b, a); alter table t alter b set not null', None),
)


def create(words):
    columns, _, rest = words.partition(';')
    return f"create domain present int not null; create table t (b int default 1, v text, {columns}); {rest}"


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def check(self, words, key, refusal):
        project = Project(self.server.fresh(), v1_a=FILL.format(key=key))
        project.query(create(words))
        project.query('insert into t (a) select i from generate_series(1, 5) i')
        err = project.migrate('up', expect=1 if refusal else 0).err
        if refusal:
            self.assertIn(refusal, err, words)
        self.assertEqual(project.query("select count(*) from t where v = 'y'"), '0' if refusal else '5',
                         words)

    def test_a12_a_key_that_may_be_null_is_refused(self):
        for words, refusal in KEYS:
            self.check(words, "'a'", refusal)
        for words, refusal in PAIRS:
            self.check(words, "{ 'a', 'b' }", refusal)

    def test_a12_what_is_no_key_at_all(self):
        self.check('a int not null unique', "'zzz'", 'has no column zzz')
        self.check('a int not null unique', '{}', 'names no column')
        self.check('a int not null unique', '{ 1 }', 'key is a column, or a list of columns')
        self.check('a int not null unique', 'nil', 'has no primary key')

    def test_a12_an_invalid_index_is_no_key(self):
        project = Project(self.server.fresh(), v1_a=FILL.format(key="'a'"))
        project.query('create table t (a int not null, v text); insert into t values (1), (1), (2)')
        project.database.query('create unique index concurrently bad on t (a)', check=False)
        self.assertIn('no unique index', project.migrate('up', expect=1).err)


if __name__ == '__main__':
    harness.main()
