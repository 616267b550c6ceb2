"""Fixes: shown first, written with images, undone where nobody was since."""
import unittest

import harness
from fixes import FixWork
from postgres import Postgres


class Fix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, rows=10, **more):
        return FixWork(self.server, rows, **more)

    def test_n_18_shows_and_writes_nothing(self):
        work = self.work(1000)
        result = work.run()
        self.assertIn('looked at 500 rows: 500 would change, 0 unchanged', result.err)
        self.assertRegex(result.out, r'2 +phone +002 +-> +\+2')
        self.assertIn('nothing was written', result.err)
        self.assertIn('lugger run job.lua --apply', result.err)
        self.assertEqual(work.values("select count(*) from customers where phone like '00%'"), '500')
        self.assertEqual(work.values("select to_regnamespace('lugger')"), '')

    def test_it_says_how_many_of_the_rows_it_shows(self):
        work = self.work(80, map_="""function(row)
          if row.id > 40 then return lugger.reject 'too new' end
          row.phone = '+' .. row.phone
        end""")
        out = work.run(expect=3).out
        self.assertIn('10 of 20 rows; --limit-shown N shows more', out)
        self.assertIn('... and 10 more rows; --limit-shown N shows more', out)
        out = work.run('--limit-shown', '20', expect=3).out
        self.assertEqual(len([line for line in out.splitlines() if ' phone ' in line and '->' in line]), 20)
        self.assertEqual(out.count('too new'), 20)
        self.assertNotIn('shows more', out)
        self.assertIn('none of 20 changed rows is shown', work.run('--limit-shown', '0', expect=3).out)
        text = (work.directory / 'job.lua').read_text(encoding='utf-8')
        text = text.replace('return lugger.fix', 'local f = lugger.fix')
        text += '\nprint(f:show { limit_shown = 3 })'
        (work.directory / 'shown.lua').write_text(text, encoding='utf-8')
        self.assertIn('3 of 20 rows; limit_shown = N shows more', work.lugger('run', 'shown.lua').out)
        run = work.apply(expect=3)['run']
        undone = work.lugger('undo', run, 'job.lua', '--dry-run').out
        self.assertIn('10 of 20 rows; --limit-shown N shows more', undone)
        undone = work.lugger('undo', run, 'job.lua', '--dry-run', '--limit-shown', '20').out
        self.assertNotIn('shows more', undone)

    def test_b6_outcomes_print_what_the_command_shows(self):
        work = self.work(10)
        text = (work.directory / 'job.lua').read_text(encoding='utf-8')
        text = text.replace('return lugger.fix', 'local f = lugger.fix')
        (work.directory / 'shown.lua').write_text(text + '\nprint(f:show()) print(f:apply())',
                                                  encoding='utf-8')
        shown = work.lugger('run', 'shown.lua')
        self.assertEqual(shown.err, '')
        self.assertRegex(shown.out, r'2 +phone +002 +-> +\+2')
        self.assertIn('looked at 5 rows: 5 would change, 0 unchanged', shown.out)
        self.assertIn('looked at 5 rows: 5 changed, 0 unchanged', shown.out)
        self.assertEqual(work.values("select count(*) from customers where phone like '00%'"), '0')

    def test_the_histogram_and_the_books(self):
        work = self.work(9, set_=['city', 'name'], where=None, map_="""function(row)
          if row.id == 9 then return lugger.skip 'the last' end
          if row.id == 8 then return lugger.reject 'not this one' end
          row.city = row.city == 'c1' and 'one' or row.city
          row.name = row.name
        end""")
        report = work.report(expect=3)
        self.assertEqual([report[k] for k in ('looked_at', 'changed', 'unchanged', 'skipped', 'rejected')],
                         [9, 3, 4, 1, 1])
        self.assertEqual(report['columns'][0]['rows'], 3)
        self.assertEqual([(p['before'], p['after'], p['rows']) for p in report['columns'][0]['pairs']],
                         [('c1', 'one', 3)])
        self.assertEqual(report['columns'][1]['rows'], 0)
        self.assertEqual([(r['key'], r['code'], r['message']) for r in report['rejects']],
                         [('8', 'hook', 'not this one')])

    def test_n_18_apply_keeps_images_and_undo_restores(self):
        work = self.work(1000)
        before = work.values('select * from customers order by id')
        report = work.apply()
        self.assertEqual((report['looked_at'], report['changed']), (500, 500))
        self.assertEqual(work.values("select count(*) from customers where phone like '00%'"), '0')
        self.assertEqual(work.values('select key, fields, before, after from lugger.images '
                                     'order by image limit 1'),
                         '{2}|{phone}|{002}|{+2}')
        self.assertEqual(work.values('select mode, status from lugger.runs'), 'fix|done')
        undone = work.undo(report['run'])
        self.assertEqual((undone['kind'], undone['changed']), ('undo', 500))
        self.assertEqual(work.values('select * from customers order by id'), before)

    def test_n_18_undo_leaves_rows_that_someone_touched(self):
        work = self.work(12)
        run = work.apply()['run']
        work.database.query("update customers set phone = 'mine' where id = 2; "
                            "delete from customers where id = 4;"
                            "update customers set city = 'elsewhere' where id = 6")
        undone = work.undo(run, expect=3)
        self.assertEqual([undone[k] for k in ('looked_at', 'changed', 'rejected')], [6, 4, 2])
        self.assertEqual([(r['key'], r['code']) for r in undone['rejects']],
                         [('2', 'touched'), ('4', 'deleted')])
        self.assertIn('phone is "mine" now; the run left "+2"', undone['rejects'][0]['message'])
        self.assertEqual(work.values('select phone, city from customers where id in (2, 6) order by id'),
                         'mine|c2\n006|elsewhere')
        # and back again
        again = work.undo(undone['run'])
        self.assertEqual(again['changed'], 4)
        self.assertEqual(work.values("select phone from customers where id = 6"), '+6')

    def test_n_18_undo_with_where(self):
        work = self.work(12)
        run = work.apply()['run']
        shown = work.undo(run, '--where', "customers.city = 'c0'", '--dry-run')
        self.assertEqual((shown['changed'], shown['applied']), (2, False))
        self.assertEqual(work.undo(run, '--where', "city = 'c0'")['changed'], 2)
        self.assertEqual(work.values("select string_agg(id::text, ' ' order by id) from customers "
                                     "where phone like '00%'"),
                         '6 12')

    def test_n_18_row_budget_before_the_first_write(self):
        work = self.work(1000, extra='max_rows = 499,')
        self.assertIn('these are more than max_rows, 499: --apply would write nothing', work.run().err)
        result = work.run('--apply', expect=1)
        self.assertIn('more than 499 rows would change, which is max_rows; nothing was written', result.err)
        self.assertEqual(work.values("select count(*) from customers where phone like '00%'"), '500')
        self.assertEqual(work.values('select count(*) from lugger.runs'), '0')
        work.run()

    def test_values_pass_the_coercers_of_jobs(self):
        map_ = """function(row)
          row.age = ({ '12', 99999, 'x' })[row.id]
          if row.id == 1 then row.born = '2026-02-03' end
        end"""
        work = self.work(3, sql='alter table customers add age int2, add born date', set_=['age', 'born'],
                         where=None, map_=map_)
        report = work.apply(expect=3)
        self.assertEqual([(r['key'], r['code']) for r in report['rejects']],
                         [('2', 'out_of_range'), ('3', 'bad_value')])
        self.assertEqual(work.values('select age, born from customers order by id'), '12|2026-02-03\n|\n|')

    def test_the_server_refuses_single_rows(self):
        work = self.work(200, sql="alter table customers add check (phone <> '+66' and phone <> '+68')")
        report = work.apply(expect=3)
        self.assertEqual((report['changed'], report['rejected']), (98, 2))
        self.assertEqual([r['key'] for r in report['rejects']], ['66', '68'])
        self.assertEqual(work.values('select code, document_id from lugger.rejects order by document_id'),
                         'server|66\nserver|68')

    def test_a_query_gives_the_keys(self):
        sql = ("create table dups (id int primary key, email text); insert into dups select i, 'e' || i % 50 "
               "from generate_series(1, 100) i")
        work = self.work(0, sql=sql, table='dups', set_=['email'], where=None,
                         map_="function(row) row.email = row.email .. '+' .. row.id end",
                         extra="query = 'select max(id) as id from dups where id > $1 "
                               "group by email having count(*) > 1', params = { 0 }, batch_rows = 7,")
        self.assertEqual(work.report()['changed'], 50)
        self.assertEqual(work.apply()['changed'], 50)
        self.assertEqual(work.values('select count(distinct email) from dups'), '100')
        self.assertEqual(work.values('select count(*) from lugger.fix_keys'), '0')

    def test_parameters(self):
        work = self.work(10, where='phone like $1 and id <= $2', extra="params = { '00%', 4 },")
        self.assertEqual(work.report()['changed'], 2)

    def test_e1_parameters_are_exact(self):
        work = self.work(10, where='id = any($1) and $2::numeric = 1704067200123456 and phone like $3',
                         extra="params = { { 2, 4, 5 }, 1704067200123456, '00%' },")
        self.assertEqual(work.report()['changed'], 2)

    def test_log_tells_people(self):
        work = self.work(10)
        run = work.apply()['run']
        undone = work.undo(run)['run']
        listed = work.lugger('log').out
        self.assertRegex(listed, rf'{undone} +[\d: -]+ +undo +done +customers')
        self.assertRegex(listed, rf'{run} +[\d: -]+ +fix +done, undone')
        one = work.lugger('log', run[-8:]).out
        self.assertIn("where         phone like '00%'", one)
        self.assertIn('changed       5 rows', one)
        self.assertRegex(one, f'undone by +{undone}')
        self.assertIn('images        5 rows, kept until', one)

    def test_images_go_when_their_time_is_over(self):
        work = self.work(10, extra="retention = '1h',")
        run = work.apply()['run']
        self.assertIn('images of 0 rows', work.lugger('state', 'prune', '--images').err)
        self.assertIn('0 runs', work.lugger('state', 'prune', '--keep', '0').err)
        work.database.query("update lugger.fixes set images_until = now() - interval '1 s'")
        self.assertIn('images of 5 rows removed: older than their retention',
                      work.lugger('state', 'prune', '--images').err)
        self.assertIn('can no longer be undone', work.lugger('log', run).out)
        self.assertIn('1 run and', work.lugger('state', 'prune', '--keep', '0').err)

    def test_limit(self):
        work = self.work(1000)
        self.assertEqual(work.report('--limit', 30)['looked_at'], 30)
        self.assertEqual(work.apply('--limit', 30)['changed'], 30)
        self.assertEqual(work.values("select count(*) from customers where phone like '+%'"), '530')

    def test_unchanged_is_decided_by_the_server(self):
        work = self.work(0,
                         sql="create table t (id int primary key, a numeric(6,2), j jsonb, x int[]);"
                             "insert into t values (1, 1.5, '{\"b\": 1, \"a\": [1, 2]}', '{{1,2},{3,4}}')",
                         table='t', where=None, set_=['a', 'j', 'x'],
                         map_="function(row) row.a = '1.5' row.j = { a = { 1, 2 }, b = 1 } row.x = row.x end")
        self.assertEqual(work.report()['unchanged'], 1)

    def test_a_changed_script_is_not_resumed(self):
        work = self.work(1000, extra='batch_rows = 100,')
        work.database.query("create function slow() returns trigger language plpgsql as $$ begin if new.id > "
                            "500 then raise exception"
                            " sqlstate '57014'; end if; return new; end $$; create trigger slow before "
                            "update on customers for each row execute function slow()")
        work.run('--apply', expect=1)
        work.database.query('drop trigger slow on customers')
        work.script((work.directory / 'job.lua').read_text() + '-- another\n')
        self.assertIn('the script has changed', work.run('--apply', expect=1).err)
        self.assertEqual(work.apply('--accept-changes')['status'], 'done')
        self.assertEqual(work.values("select count(*) from customers where phone like '00%'"), '0')
        self.assertEqual(work.values('select count(*), count(distinct key) from lugger.images'), '500|500')


if __name__ == '__main__':
    harness.main()
