"""What constraints would refuse, before anything is attempted: in the table, or in the source."""
import json
import random
import unittest

from jobs import Work, job
from postgres import Postgres

# An index compresses what can be: only what cannot is too long for it.
NOISE = ''.join(random.Random(5).choices('0123456789abcdefghijklmnopqrstuvwxyz', k=5000))
COLUMNS = "{ 'email', 'text' }, { 'age', 'int4' }, { 'team', 'text' }"
DOCUMENTS = [{'_id': 1, 'email': 'a', 'age': 1, 'team': 'x'},
             {'_id': 2, 'email': 'a', 'age': -1, 'team': 'gone'}, {'_id': 3, 'age': None, 'team': None},
             {'_id': 4, 'email': 'a', 'age': 7}, {'_id': 5, 'email': NOISE, 'age': 8}]


class Preflight(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, extra, columns=COLUMNS, documents=DOCUMENTS, load=True):
        work = Work(self.server.fresh(), documents, job(columns, extra="unmapped = 'ignore', " + extra))
        if load:
            work.run('--create', '--stage', 'load')
        return work

    def found(self, work, *flags, expect=4):
        result = json.loads(work.lugger('preflight', 'job.lua', '--json', *flags, expect=expect).out)
        return {(one['kind'], one['column'] or one['constraint']): (
                    one['rows'], one['examples'] or []) for one in result[0]['refused']}

    def test_s0_62_every_column_about_to_become_not_null(self):
        work = self.work("not_null = { 'email', 'age', 'team' },")
        self.assertEqual(self.found(work),
                         {('not null', 'email'): (1, ['$n:3']), ('not null', 'age'): (1, ['$n:3']),
                          ('not null', 'team'): (3, ['$n:3', '$n:4', '$n:5'])})
        text = work.lugger('preflight', 'job.lua', expect=4).out
        self.assertRegex(text, r'docs +team +not null +3 +\$n:3; \$n:4; \$n:5')
        work.database.query("update docs set email = 'x', age = 1, team = 'y'")
        self.assertIn('clean', work.lugger('preflight', 'job.lua').out)

    def test_s0_19_documents_counted_before_the_load(self):
        work = self.work(
            "not_null = 'team',",
            columns="{ 'email', 'text', required = true }, { 'age', 'int4' }, { 'team', 'text' }", load=False,
            documents=[*DOCUMENTS, {'_id': 6, 'email': 'c', 'age': 'n/a', 'team': 't'}])
        self.assertEqual(self.found(work, '--source'), {
            ('required', 'email'): (1, ['$n:3']), ('not null', 'team'): (3, ['$n:3', '$n:4', '$n:5']),
            ('bad_value', 'age'): (1, ['$n:6'])})
        self.assertEqual(work.database.query("select to_regclass('docs') is null and "
                                             "to_regnamespace('lugger') is null"),
                         't', 'nothing is written')
        work.database.query('create table docs (mongo_id text primary key, email text, age int not '
                            'null, team text)')
        self.assertEqual(self.found(work, '--source')['NOT NULL of the table', 'age'], (1, ['$n:3']))
        self.assertEqual(len(self.found(work, '--source', '--limit', 2, expect=0)), 0)

    def test_hooks_are_counted_with(self):
        work = self.work("not_null = 'team', map = function(row) row.team = row.team or 'none' end,",
                         load=False)
        self.assertEqual(self.found(work, '--source', expect=0), {})

    def test_checks_unique_and_foreign_keys(self):
        work = self.work("constraints = { 'check (age > 0)', { unique = 'email' }, { name = 'f', "
                         "sql = 'foreign key (team) references teams' },"
                         " { name = 'e', sql = 'exclude using btree (email with =)' } }, "
                         "indexes = { { 'age', unique = true, nulls_not_distinct = true } },")
        work.database.query("create table teams (name text primary key); insert into teams values ('x'); "
                            "insert into docs values ('9', 'q', null, 'x')")
        found = self.found(work)
        self.assertEqual(found[('check', 'docs_constraint_1')], (1, ['$n:2']))
        self.assertEqual(found[('unique', 'email')], (2, ['a (3 times)']))
        self.assertEqual(found[('foreign key', 'team')], (1, ['$n:2']))
        self.assertEqual(found[('constraint', 'e')], (0, []))
        self.assertEqual(found[('unique', 'age')][0], 1)
        self.assertIn('cannot be counted', work.lugger('preflight', 'job.lua', expect=4).out)

    def test_text_too_long_for_a_btree(self):
        shrinks = {'_id': 6, 'email': 'b' * 5000, 'age': 9}
        work = self.work("indexes = { 'email', { 'email', method = 'hash', name = 'h' } },",
                         documents=[*DOCUMENTS, shrinks])
        self.assertEqual(self.found(work), {('too long', 'email'): (1, ['$n:5'])})

    def test_names_and_values_that_need_quoting(self):
        work = self.work(
            """not_null = 'we"ird',
              constraints = { { check = [["we""ird" <> 'x']] }, { unique = 'we"ird' } },""",
            columns="""{ 'we"ird', 'text', from = 'w' }""",
            documents=[{'_id': "o'x"}, {'_id': "b", 'w': "it's; drop"}, {'_id': 'c', 'w': "it's; drop"}])
        self.assertEqual(self.found(work), {
            ('not null', 'we"ird'): (1, ["o'x"]), ('unique', 'we"ird'): (1, ["it's; drop (2 times)"])})

    def test_a_table_that_is_not_there(self):
        work = self.work("not_null = 'age',", load=False)
        self.assertIn('--source', work.lugger('preflight', 'job.lua', expect=1).err)


if __name__ == '__main__':
    import harness
    harness.main()
