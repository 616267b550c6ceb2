"""Keys that are longer than an entry of a btree: rejects of the load, not a run that never ends."""
import random
import string
import unittest

import harness
from jobs import Work, job
from postgres import Postgres

CHILD = """children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"""


def noise(length, seed=1):
    """Text that does not compress."""
    return ''.join(random.Random(seed).choices(string.ascii_letters + string.digits, k=length))


class LongKeys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, documents, **more):
        return Work(self.server.fresh(), documents, text=job("{ 'n', 'int4' }", extra=CHILD, **more))

    def documents(self):
        long = [{'_id': noise(6000, seed), 'n': seed, 'tags': ['a', 'b']} for seed in (1, 2)]
        return [{'_id': 'first', 'n': 0, 'tags': ['a']}, long[0], {'_id': 'x' * 6000, 'n': 3, 'tags': ['c']},
                {'_id': noise(2600, 3), 'n': 4, 'tags': []}, long[1], {'_id': 'last', 'n': 5, 'tags': ['d']}]

    def test_c3_they_are_rejects_and_the_rest_is_loaded(self):
        for conflict in ('error', 'update'):
            with self.subTest(conflict):
                work = self.work(self.documents(), conflict=conflict)
                done = work.run('--create', expect=3)
                self.assertEqual(done.books()['rejected'], 2)
                # The one that compresses is as long, and fits.
                self.assertEqual(work.database.query('select n from docs order by n').split(),
                                 ['0', '3', '4', '5'])
                self.assertEqual(work.database.number('select count(*) from tags'), 3)
                told = work.database.query('select document_id, message from lugger.rejects order by reject')
                self.assertEqual([line[:20] for line in told.split('\n')],
                                 [noise(6000, seed)[:20] for seed in (1, 2)])
                self.assertIn('the key is too long: ', told)
                self.assertNotIn('lugger_stage', told)
                self.assertEqual(work.database.query(
                    "select count(*) from pg_constraint where conrelid = 'docs'::regclass "
                    "and contype in ('p', 'u')"), '1')

    def test_c3_again_over_the_rows(self):
        work = self.work(self.documents(), conflict='update')
        work.run('--create', expect=3)
        self.assertEqual(work.run(expect=3).books()['rejected'], 2)
        work.lugger('verify', 'job.lua')

    def test_c3_preflight_counts_them_in_the_source(self):
        work = self.work(self.documents())
        told = work.lugger('preflight', 'job.lua', '--source', expect=None)
        self.assertIn('too long', told.out + told.err)
        self.assertIn('mongo_id', told.out + told.err)

    def test_c3_a_run_of_an_earlier_version_names_the_rows(self):
        work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(10)), text=job("{ 'n', 'int4' }"))
        work.run('--create')
        work.database.query("alter table docs drop constraint docs_pkey; "
                            f"insert into docs values ('{noise(6000)}', 11); "
                            "comment on table docs is 'lugger: load not finished'; "
                            "update lugger.runs set status = 'running'")
        stuck = work.run('--create', expect=1)
        self.assertIn('1 rows have a key that is too long for its index: ' + noise(6000)[:40], stuck.err)
        self.assertIn('too long', work.lugger('preflight', 'job.lua', expect=None).out)
        work.database.query('delete from docs where n = 11')
        work.run('--create')
        self.assertEqual(work.database.number("select count(*) from pg_constraint where "
                                              "conrelid = 'docs'::regclass and contype = 'p'"), 1)


if __name__ == '__main__':
    harness.main()
