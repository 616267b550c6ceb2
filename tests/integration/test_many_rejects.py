"""Rejects that the server makes cost in proportion to their number, and are told in the order of the
documents."""
import unittest

import harness
from cutting import Cutter
from jobs import Work, job
from postgres import Postgres

ROWS = 5000
PIECE = b'SAVEPOINT lugger_piece'


class ManyRejects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def pieces(self, bad, check, conflict='error', writer='copy', rows=ROWS):
        """How many pieces were tried, ended or taken back; each way of loading tells the same."""
        work = Work(self.server.fresh(), [], text=job("{ 'n', 'int4' }", conflict=conflict,
                                                      target_options=f"writer = '{writer}',"))
        work.run('--create')
        work.database.query(check)
        work.documents({'_id': n, 'n': -n if n in bad else n} for n in range(1, rows + 1))
        counter = Cutter(self.server, 10 ** 9, text=PIECE)
        self.addCleanup(counter.close)
        done = work.lugger('run', 'job.lua', '-j', '1', env={'PG_URI': counter.url(work.database)}, expect=3)
        self.assertEqual(done.books()['rejected'], len(bad))
        good = set(range(1, rows + 1)) - bad
        self.assertEqual(work.database.query('select count(*), sum(n) from docs'),
                         f'{len(good)}|{sum(good)}')
        self.assertEqual(work.database.query('select string_agg(document_id, $$ $$ order by reject) from '
                                             'lugger.rejects'), ' '.join(f'$n:{n}' for n in sorted(bad)))
        self.assertEqual(work.database.query('select distinct code from lugger.rejects'), 'server')
        return counter.count // 2  # begun, and ended one way or the other

    def test_c8_rejects_that_the_server_names_cost_two_pieces_each(self):
        for step in (10, 100, 1000):
            bad = set(range(7, ROWS + 1, step))
            found = self.pieces(bad, 'alter table docs add check (n > 0)')
            self.assertLessEqual(found, 2 * len(bad) + 20, step)

    def test_c8_neighbours(self):
        bad = {*range(100, 150), 1, ROWS}
        self.assertLessEqual(self.pieces(bad, 'alter table docs add check (n > 0)'), 2 * len(bad) + 20)

    def test_c8_what_the_server_does_not_name_is_halved(self):
        for writer in ('copy', 'statement'):
            bad = set(range(5, 500, 10))
            found = self.pieces(bad, 'alter table docs add check (n > 0)', 'update', writer, rows=500)
            self.assertLessEqual(found, 7 * len(bad) + 20, writer)

    def test_c8_pieces_leave_nothing_in_the_catalog(self):
        """A version of a catalog row that each piece left would be read by every later one."""
        work = Work(self.server.fresh(), [], text=job("{ 'n', 'int4' }, { 't', 'text' }", conflict='update'))
        work.run('--create')
        work.database.query('alter table docs add check (n > 0); insert into docs values ($$z$$, 1)')
        size = "select pg_relation_size('pg_class')"
        before = work.database.number(size)
        work.documents({'_id': n, 'n': -n if n % 5 == 0 else n, 't': 'x'} for n in range(1, 1001))
        self.assertEqual(work.run('-j', '1', expect=3).books()['rejected'], 200)
        self.assertLess(work.database.number(size) - before, 100_000)


if __name__ == '__main__':
    harness.main()
