"""How the server goes about a merge: no statement may look at all rows of a table for each row of
another. It knows nothing of a table that was filled a moment ago, and would take it for one of a
few rows."""
import glob
import os
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

    def test_c23_what_is_as_it_comes_is_not_written(self):
        """Nor sorted, nor told: one statement a unit says what was inserted and updated."""
        first = [document(i, 1, ['a', 'b']) for i in range(COUNT)]
        first.sort(key=lambda d: d['_id'])
        work = self.work(first)
        work.run('--create')
        rows = 'select sum(xmin::text::int8), count(*) from {}'
        before = [work.database.query(rows.format(table)) for table in ('docs', 'tags')]
        log = self.server.directory + '/log'
        begin = os.path.getsize(log)
        self.assertEqual(work.run('-j', '1').books()['unchanged'], COUNT)
        self.assertEqual([work.database.query(rows.format(table)) for table in ('docs', 'tags')], before)
        with open(log, encoding='utf-8', errors='replace') as text:
            text.seek(begin)
            plans = text.read().split('LOG:  duration:')
        upserts = [plan for plan in plans if 'INSERT INTO "docs"' in plan]
        self.assertTrue(upserts)
        for plan in upserts:
            self.assertNotIn('Sort Key', plan)
        self.assertNotIn('ANALYZE', ''.join(upserts))

    def test_c23_child_rows_of_a_row_that_changed_stay(self):
        work = self.work([document(i, 1, ['a', 'b']) for i in range(100)])
        work.run('--create')
        before = work.database.query('select sum(xmin::text::int8), count(*) from tags')
        work.documents([document(i, 2, ['a', 'b']) for i in range(100)])
        self.assertEqual(work.run().books()['updated'], 100)
        self.assertEqual(work.database.query('select sum(xmin::text::int8), count(*) from tags'), before)
        # One more, one other, one less.
        tags = [['a', 'b', 'c'], ['a', 'x'], ['a'], ['a', 'b']]
        changed = [document(i, 2, tags[i % 4]) for i in range(100)]
        work.documents(changed)
        books = work.run().books()
        self.assertEqual((books['updated'], books['unchanged']), (75, 25))
        self.check(work, changed)

    def test_c23_what_a_type_calls_equal_is_written_where_it_differs(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'w': 'Ann', 'm': '1.0', 'f': 0.0}])
        work.database.query('create extension citext; create table docs (mongo_id text primary key, '
                            'w citext, m numeric, f float8)')
        work.script(job("{ 'w', 'citext' }, { 'm', 'numeric' }, { 'f', 'float8' }", conflict='update'))
        work.run()
        work.documents([{'_id': 1, 'w': 'ann', 'm': '1.00', 'f': -0.0}])
        self.assertEqual(work.run().books()['updated'], 1)
        self.assertEqual(work.database.query('select w, m, f from docs'), 'ann|1.00|-0')
        self.assertEqual(work.run().books()['unchanged'], 1)

    def test_c23_rows_that_others_refer_to_go_first(self):
        """One child table takes its rows in place, the other, with one more unique index, does not."""
        def found(turn):
            return [{'_id': f'k{i}', 'items': [{'sku': f's{i}-{(j + turn) % 2}', 'subs': ['x', 'y']}
                                               for j in range(2)]} for i in range(20)]
        for index in ('items (sku)', 'subs (parent_mongo_id, ordinal_1, v)'):
            with self.subTest(index):
                work = Work(self.server.fresh(), found(0))
                work.script(job('', conflict='update', extra="""children = { { table = 'items', from =
                    'items[]', columns = { { 'sku', 'text' } }, children = { { table = 'subs',
                    from = 'subs[]', columns = { { 'v', 'text', from = '.' } } } } } },"""))
                work.run('--create')
                work.database.query('alter table subs drop constraint subs_parent_fkey, add foreign '
                                    'key (parent_mongo_id, ordinal_1) references items (parent_mongo_id, '
                                    f'ordinal); create unique index on {index}')
                work.documents(found(1))
                self.assertEqual(work.run().books()['updated'], 20)
                self.assertEqual(work.database.query('select sku from items order by parent_mongo_id, '
                                                     'ordinal limit 2'), 's0-1\ns0-0')
                work.lugger('verify', 'job.lua')

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
