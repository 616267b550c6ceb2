"""Values that only a type's own input function can judge: each is a reject, whatever SQLSTATE it reports."""
import unittest

import harness
from harness import lua
from jobs import Work, job
from postgres import Postgres

# What the type takes, and what it refuses: syntax errors, invalid names, internal errors, things that do
# not exist.
VALUES = {
    'ltree': ('a.b', 'a..b'),
    'tsvector': ('fat:1 cat:2', "it's a 'broken one"),
    'tsquery': ('fat & cat', 'fat &'),
    'hstore': ('a=>1', 'a=>'),
    'jsonpath': ('$.a', '$.'),
    'regtype': ('int4', 'no_such_type'),
    'lquery': ('a.*', 'a.*{'),
    'int4range': ('[1,5)', '[5,1)'),
    'xml': ('<a/>', '<a'),
}


class InputFunctions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_c1_a_value_that_its_type_refuses_is_a_reject(self):
        for type, (good, bad) in VALUES.items():
            for options in ("writer = 'copy'", "writer = 'statement'"):
                with self.subTest(type=type, options=options):
                    database = self.server.fresh()
                    database.query('create extension ltree; create extension hstore')
                    documents = [{'_id': i, 'v': bad if i in (7, 300) else good} for i in range(400)]
                    work = Work(database, documents,
                                job(f"{{ 'v', {lua(type)} }}", conflict='update', target_options=options))
                    result = work.run('--create', expect=3)
                    self.assertEqual(result.books()['inserted'], 398)
                    self.assertEqual(database.query('select document_id, code '
                                                    'from lugger.rejects order by reject'),
                                     '$n:7|server\n$n:300|server')
                    self.assertEqual(database.number('select count(*) from docs'), 398)

    def test_c1_all_of_a_small_load_may_be_rejects(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'v': "'"}],
                    job("{ 'v', 'tsvector' }", conflict='update'))
        self.assertEqual(work.run('--create', expect=3).books()['rejected'], 1)

    def test_c1_a_fault_of_the_statement_is_no_reject(self):
        """A trigger that calls what is not there refuses every row, and none of them is to blame."""
        for body in ('perform 1 from no_such_table', 'perform no_such_function()', "execute 'not sql'"):
            with self.subTest(body):
                database = self.server.fresh()
                database.query(f"""create table docs (mongo_id text primary key, v text);
                  create function f() returns trigger language plpgsql as $$ begin {body}; return new; end $$;
                  create trigger t before insert on docs for each row execute function f()""")
                work = Work(database, [{'_id': i, 'v': 'x'} for i in range(100)],
                            job("{ 'v', 'text' }", conflict='update'))
                result = work.run(expect=1)
                self.assertEqual(database.number('select count(*) from lugger.rejects'), 0, result)


if __name__ == '__main__':
    harness.main()
