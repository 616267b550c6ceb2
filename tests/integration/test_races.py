"""Other sessions in the way of a unit: it is done again."""
import unittest

import harness
from jobs import Work, job
from postgres import Postgres

ONCE = """
create sequence times;
create function lose() returns trigger language plpgsql as $$ begin
  if nextval('times') <= {times} then raise exception 'lost the race' using errcode = '{state}'; end if;
  return new;
end $$;
create trigger lose before update on docs for each row execute function lose()"""


class LostRaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_c7_a_unit_that_lost_a_race_is_done_again(self):
        for state in ('40P01', '40001'):
            for writer in ('copy', 'statement'):
                with self.subTest(state=state, writer=writer):
                    work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(1000)),
                                text=job("{ 'n', 'int4' }", conflict='update',
                                         target_options=f"writer = '{writer}',"))
                    work.run('--create')
                    work.database.query(ONCE.format(times=2, state=state))
                    work.documents({'_id': n, 'n': n + 1} for n in range(1000))
                    done = work.run()
                    self.assertEqual(done.books()['updated'], 1000)
                    self.assertEqual(work.database.query('select sum(n), (select last_value > 2 from times) '
                                                         'from docs'), f'{sum(range(1001))}|t')
                    self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 0)

    def test_c7_one_that_loses_again_and_again_ends_the_run_resumable(self):
        work = Work(self.server.fresh(), ({'_id': n, 'n': n} for n in range(10)),
                    text=job("{ 'n', 'int4' }", conflict='update'))
        work.run('--create')
        work.database.query(ONCE.format(times=1000, state='40001'))
        work.documents({'_id': n, 'n': n + 1} for n in range(10))
        self.assertIn('lost the race', work.run(expect=1).err)
        work.database.query('drop trigger lose on docs')
        self.assertEqual(work.run().books()['updated'], 10)


if __name__ == '__main__':
    harness.main()
