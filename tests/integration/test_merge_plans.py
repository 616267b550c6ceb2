"""How the server goes about a merge: no statement may look at all rows of a table for each row of
another. It knows nothing of a table that was filled a moment ago, and would take it for one of a
few rows."""
import glob
import re
import unittest

from bson import Int32
import harness
from jobs import Work, job
from postgres import Postgres

COUNT = 2500
TAGS = 'select parent_mongo_id, ordinal, tag from tags order by 1, 2'
DOCS = 'select mongo_id, v from docs order by 1'
# A plan's line for whatever goes through all it has.
FULL = re.compile(r'(?:Seq Scan|CTE Scan|Function Scan|Materialize|Subquery Scan)[^\n]*\(actual '
                  r'rows=[\d.]+ loops=(\d+)\)')
MOST = 20


def document(number, v, tags):
    return {'_id': f'k{number}', 'v': Int32(v), 'ver': v, 'tags': tags}


class MergePlans(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not glob.glob('/usr/lib/postgresql/*/lib/auto_explain.so'):
            harness.skip('auto_explain is not installed (Debian package: postgresql)')
        cls.server = Postgres({'session_preload_libraries': 'auto_explain',
                               'auto_explain.log_min_duration': '0', 'auto_explain.log_analyze': 'on',
                               'auto_explain.log_timing': 'off', 'autovacuum': 'off'})

    def work(self, found, policy='update', writer='copy'):
        work = Work(self.server.fresh(), found)
        newer = "newer = 'ver'," if policy == 'newer' else ''
        work.script(job("{ 'v', 'int4' }, { 'ver', 'int4' }", conflict=policy,
                        target_options=f"{newer} writer = '{writer}',",
                        extra="children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', "
                              "from = '.' } } } },"))
        return work

    def run_watched(self, work, *flags):
        """A run whose statements all keep to a few passes over what they read."""
        log = self.server.directory + '/log'
        with open(log, encoding='utf-8', errors='replace') as text:
            text.seek(0, 2)
            begin = text.tell()
        result = work.run('-j', '1', *flags)
        with open(log, encoding='utf-8', errors='replace') as text:
            text.seek(begin)
            plans = text.read().split('LOG:  duration:')
        self.assertTrue(any('lugger_stage' in plan or 'stage_0' in plan for plan in plans),
                        'no merge was seen')
        for plan in plans:
            passes = max(map(int, FULL.findall(plan)), default=0)
            self.assertLessEqual(passes, MOST, plan[:4000])
        return result

    def check(self, work, documents):
        """The table holds the last document of each key, with the child rows of that one."""
        last = {d['_id']: d for d in documents}
        self.assertEqual(work.database.rows(DOCS), [[k, str(d['v'].value)] for k, d in sorted(last.items())])
        self.assertEqual(work.database.rows(TAGS), [
            [k, str(i + 1), t] for k, d in sorted(last.items()) for i, t in enumerate(d['tags'])])

    def test_rows_of_one_key_are_settled(self):
        """Each key comes twice, every tenth four times."""
        turns = [(i, turn) for turn in range(4) for i in range(COUNT // 2) if turn < 2 or i % 10 == 0]
        for policy in ('update', 'newer', 'skip'):
            with self.subTest(policy):
                found = [document(i, turn, [f't{turn}', 'same']) for i, turn in turns]
                work = self.work(found, policy)
                books = self.run_watched(work, '--create').books()
                self.assertEqual(work.database.query('select mode from lugger.runs'), 'direct')
                self.check(work, found if policy != 'skip' else found[:COUNT // 2])
                self.assertEqual((books['read'], books['inserted']), (len(found), COUNT // 2))
                self.assertEqual(books['skipped' if policy == 'skip' else 'updated'], len(found) - COUNT // 2)

    def test_a_second_run_replaces_child_rows(self):
        first = [document(i, 1, ['a', 'b']) for i in range(COUNT)]
        second = {'rows': [document(i, 2, ['c', 'b']) for i in range(COUNT)],
                  'child rows only': [document(i, 1, ['c']) for i in range(COUNT)],
                  'nothing': first}
        for writer in ('copy', 'statement'):
            for index in (True, False):
                for what, documents in second.items():
                    with self.subTest(writer=writer, index=index, what=what):
                        work = self.work(first, writer=writer)
                        work.run('--create')
                        if not index:
                            work.database.query('alter table tags drop constraint tags_pkey')
                        work.documents(documents)
                        result = self.run_watched(work)
                        self.check(work, documents)
                        self.assertEqual(result.books()['unchanged' if what == 'nothing' else 'updated'],
                                         COUNT)
                        told = 'CREATE INDEX ON "tags" ("parent_mongo_id")'
                        (self.assertNotIn if index else self.assertIn)(told, result.err)

    def test_an_index_must_begin_with_the_parents_key(self):
        work = self.work([document(1, 1, ['a'])])
        work.run('--create')
        work.database.query('alter table tags drop constraint tags_pkey')
        told = 'tags has no index that finds the child rows of a document'
        for index, finds in (('(tag, parent_mongo_id)', False), ("(parent_mongo_id) where tag <> 'x'", False),
                             ('(lower(parent_mongo_id))', False), ('using hash (parent_mongo_id)', True),
                             ('(parent_mongo_id, lower(tag))', True)):
            work.database.query("create index found on tags "
                                f"{'' if index.startswith('using') else 'using btree'} {index}")
            with self.subTest(index):
                (self.assertNotIn if finds else self.assertIn)(
                    told, work.lugger('plan', 'job.lua', expect=None).err)
            work.database.query('drop index found')


if __name__ == '__main__':
    harness.main()
