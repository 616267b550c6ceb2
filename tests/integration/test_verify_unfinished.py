"""A load that has not ended is never called equal, nor are rows of one key that stand side by side."""
import json
import signal

import harness
from jobs import job
from sessions import wait_for
from verdicts import Case, TAGS, counts, oid, text_of

EXTRA = TAGS + "unmapped = 'ignore',"
CHECK = "constraints = { { check = 'n >= 0' } },"


class Unfinished(Case):
    def documents(self):
        return [{'_id': oid(i % 8), 'n': i, 'tags': ['a']} for i in range(10)]

    def unsettled(self):
        """COPY let every row in; the key, that would have them settled, is missing."""
        work = self.made(self.documents(), conflict='error', extra=EXTRA + CHECK, expect=1)
        work.script(job("{ 'n', 'int4' }", conflict='update', extra=EXTRA + CHECK))
        self.assertEqual(work.database.number('select count(*) from docs'), 10)
        return work

    def test_rows_of_one_key_are_not_settled_yet(self):
        work = self.unsettled()
        result = self.verify(work, expect=4)
        self.assertIn('NOT equal: the load is not finished', result.out)
        for stage in ('index', 'constrain'):
            self.assertIn('is not finished', work.run('--stage', stage, '--accept-changes', expect=1).err)
        self.assertIn('finish it first: lugger run job.lua --create', result.err)
        self.assertEqual(counts(result)['docs'],
                         {'source': 8, 'target': 10, 'equal': 8, 'missing': 0, 'extra': 2, 'different': 0})
        found = json.loads(self.verify(work, '--json', expect=4).out)[0]
        self.assertEqual((found['equal'], found['reasons']), (False, ['the load is not finished']))
        for flags in (('--since', '1960-01-01'), ('--where', 'n < 1000'), ('--columns', 'n'),
                      ('--sample', '100'), ('--sample', '0.99')):
            with self.subTest(flags):
                self.assertIn('the load is not finished', self.verify(work, *flags, expect=4).out)

    def test_its_verdict_opens_no_gate(self):
        work = self.unsettled()
        self.verify(work, '--verdict', 'v.json', expect=4)
        refused = work.run('--stage', 'constrain', '--verdict', 'v.json', '--accept-changes', expect=(1, 4))
        self.assertIn('not equal', refused.err)
        work.run('--accept-changes')
        self.verify(work, '--verdict', 'v.json')
        work.run('--stage', 'constrain', '--verdict', 'v.json')

    def test_a_verdict_of_a_part_opens_no_gate(self):
        work = self.made(self.documents(), extra=EXTRA + CHECK, run=('--create', '--stage', 'load'))
        for flag, value in (('--since', '2099-01-01'), ('--where', 'n = 2'), ('--columns', 'mongo_id'),
                            ('--sample', '100')):
            with self.subTest(flag):
                self.verify(work, flag, value, '--verdict', 'v.json')
                refused = work.run('--stage', 'constrain', '--verdict', 'v.json', expect=4)
                self.assertIn(f'of a part of the rows ({flag})', refused.err)
        self.verify(work, '--verdict', 'v.json')
        work.run('--stage', 'constrain', '--verdict', 'v.json')

    def test_a_run_that_ended_before_its_first_commit_changes_nothing(self):
        documents = [{'_id': oid(i), 'n': i, 'tags': []} for i in range(5)]
        work = self.made(documents, conflict='error', extra=EXTRA + "indexes = { 'n' },",
                         run=('--create', '--stage', 'load'))
        self.verify(work)
        self.assertIn('is taken', work.run('--again', expect=1).err)
        self.verify(work)
        work.run('--stage', 'index')
        self.verify(work)

    def test_without_a_ledger_the_table_says_so(self):
        work = self.unsettled()
        work.database.query('drop schema lugger cascade')
        self.assertIn('the load is not finished', self.verify(work, expect=4).out)
        work.database.query('comment on table docs is null; comment on table tags is null')
        self.assertIn('NOT equal: 4 extra', self.verify(work, expect=4).out)
        self.assertIn('4 rows of docs have the key of another one',
                      self.verify(work, '--since', '1960-01-01', expect=4).out)
        for flags in (('--where', 'n < 1000'), ('--columns', 'n'), ('--sample', '100')):
            self.verify(work, *flags, expect=4)

    def test_killed_and_resumed(self):
        # three units of 8 MiB: the first is committed seconds before the second may begin
        documents = [{'_id': oid(i // 2), 'n': i, 'tags': ['a'], 'pad': 'p' * 6000} for i in range(4000)]
        work = self.made(documents, extra=EXTRA + 'throttle = { rows_per_s = 400 },',
                         run=('--dry-run', '--create'))
        process = work.start('run', 'job.lua', '--create')
        wait_for(work.database, "select to_regclass('docs') is not null and (select count(*) > 0 from docs)",
                 process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        result = self.verify(work, expect=4)
        self.assertIn('the load is not finished', result.out)
        self.assertIn('missing', result.out)
        work.script((work.directory / 'job.lua').read_text().replace('400', '1e6'))
        # the killed process's lease
        wait_for(work.database, "select not exists (select from pg_locks where locktype = 'advisory')")
        work.run('--accept-changes')
        self.verify(work)

    def test_what_is_finished_without_an_index_is_proved(self):
        """The key was dropped, or was never made: rows of one key are found all the same."""
        work = self.made([{'_id': oid(i), 'n': i, 'tags': ['a']} for i in range(8)], extra=EXTRA)
        work.database.query('alter table docs drop constraint docs_pkey cascade')
        self.verify(work)
        self.verify(work, '--since', '1960-01-01')
        work.database.query(f"insert into docs select * from docs where mongo_id = '{text_of(3)}'")
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)
        work.documents([*({'_id': oid(i), 'n': i, 'tags': ['a']} for i in range(8)),
                        {'_id': oid(3), 'n': 3, 'tags': []}])
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)

    def test_a_key_of_several_columns_that_may_be_null(self):
        work = self.made([{'_id': oid(i), 'n': i} for i in range(4)], extra="unmapped = 'ignore',")
        work.script((work.directory / 'job.lua').read_text().replace(
                        'key = "mongo_id"', "key = { 'mongo_id', 'n' }"))
        work.database.query('alter table docs drop constraint docs_pkey cascade')
        self.verify(work)
        work.database.query("insert into docs values ('x', null), ('x', null)")
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 2)

    def test_a_stage_that_is_still_to_come(self):
        indexes = "indexes = { 'n' }," + CHECK
        work = self.made(self.documents(), extra=EXTRA + indexes, run=('--create', '--stage', 'load'))
        self.verify(work, '--verdict', 'v.json')
        work.run('--stage', 'index')
        work.run('--stage', 'constrain', '--verdict', 'v.json')
        work = self.made(self.documents(), extra=EXTRA + "constraints = { { check = 'n > 100' } },", expect=4)
        self.verify(work)

    def test_a_table_without_a_key(self):
        work = self.made([{'_id': oid(i % 3), 'n': i % 3} for i in range(6)], extra="unmapped = 'ignore',",
                         key=None)
        self.verify(work)
        work.database.query("update lugger.runs set status = 'stopped'; "
                            "update lugger.partitions set done = false")
        self.assertIn('the load is not finished', self.verify(work, expect=4).out)


if __name__ == '__main__':
    harness.main()
