"""Running again, conflicts, child tables, the books."""
import unittest

from bson import Date, ObjectId
import harness
from jobs import Work, job, load
from postgres import Postgres

POLICIES = ('skip', 'update', 'newer', 'error')


class Rerun(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, documents, columns, **more):
        return Work(self.server.fresh(), documents, job(columns, **more))

    def test_s0_27_running_twice_changes_nothing(self):
        documents = [{'_id': ObjectId(f'{i:024x}'), 'email': f'u{i}@example.com', 'n': i}
                     for i in range(3000)]
        for policy in ('skip', 'update'):
            work = self.work(documents, "{ 'email', 'text' }, { 'n', 'int4' }", conflict=policy)
            checksum = "select count(*), md5(string_agg(d::text, ',' order by mongo_id)) from docs d"
            self.assertEqual(work.run('--create').books()['inserted'], 3000)
            before = work.database.query(checksum)
            again = work.run().books()
            self.assertEqual(work.database.query(checksum), before)
            self.assertEqual((again['read'], again['inserted'], again['updated'], again['rejected']),
                             (3000, 0, 0, 0), policy)

    def changed(self, policy, **more):
        """Two runs over a row that changed and one that did not; what the second one did."""
        work = self.work([{'_id': 1, 'v': 'old', 'w': 1, 'at': Date(1000)},
                          {'_id': 2, 'v': 'same', 'w': 2, 'at': Date(1000)}],
                         "{ 'v', 'text' }, { 'w', 'int4' }, { 'at', 'timestamptz' }", conflict=policy, **more)
        work.run('--create')
        work.documents([{'_id': 1, 'v': 'new', 'w': None, 'at': Date(2000)},
                        {'_id': 2, 'v': 'same', 'w': 2, 'at': Date(1000)},
                        {'_id': 3, 'v': 'added', 'w': 3, 'at': Date(1000)}])
        return work, work.run(expect=None)

    def test_s0_40_skip(self):
        work, result = self.changed('skip')
        self.assertEqual(work.database.query("select v from docs where mongo_id = '$n:1'"), 'old')
        books = result.books()
        self.assertEqual((books['inserted'], books['updated'], books['rejected']), (1, 0, 0))
        self.assertEqual((books['skipped'], books['unchanged']), (1, 1),
                         'rows that differ are counted apart from those that are equal')

    def test_s0_40_update_sets_every_column(self):
        work, result = self.changed('update')
        self.assertEqual(work.database.query("select v, w is null, extract(epoch from at) from docs "
                                             "where mongo_id = '$n:1'"),
                         'new|t|2.000000')
        self.assertEqual((result.books()['inserted'], result.books()['updated'], result.books()['unchanged']),
                         (1, 1, 1))

    def test_s0_40_newer_wins(self):
        work, _ = self.changed('newer', target_options="newer = 'at',")
        self.assertEqual(work.database.query("select v from docs where mongo_id = '$n:1'"), 'new')
        work.documents([{'_id': 1, 'v': 'stale', 'w': 9, 'at': Date(1500)}])
        work.run()
        self.assertEqual(work.database.query("select v from docs where mongo_id = '$n:1'"), 'new')

    def test_s0_40_error_lists_the_choices(self):
        _, result = self.changed('error')
        self.assertIn(result.status, (1, 3))
        for word in ('skip', 'update', 'newer'):
            self.assertIn(word, result.err)

    def test_s1_16_on_conflict_by_flag(self):
        work, _ = self.changed('error')
        work.run('--on-conflict', 'update', '--restart', expect=(0, 2))
        work.run('--on-conflict', 'update')
        self.assertEqual(work.database.query("select v from docs where mongo_id = '$n:1'"), 'new')

    def test_documents_twice_in_one_dump(self):
        documents = [{'_id': 1, 'v': 'first'}, {'_id': 2, 'v': 'x'}, {'_id': 1, 'v': 'second'}]
        for policy, rows in (('skip', '2'), ('update', '2')):
            work = self.work(documents, "{ 'v', 'text' }", conflict=policy)
            books = work.run('--create').books()
            self.assertEqual(books['read'], 3)
            self.assertEqual(work.database.query('select count(*) from docs'), rows)
            self.assertEqual(sum(v for k, v in books.items() if k != 'read'), 3)

    def test_s0_46_everything_read_is_accounted_for(self):
        documents = [{'_id': i, 'n': 'bad' if i % 7 == 0 and i % 5 else i, 'gone': i % 5 == 0}
                     for i in range(1000)]
        work = self.work(documents, "{ 'n', 'int4' }",
                         extra="map = function(row, doc) if doc.gone then return lugger.skip 'gone' end "
                               "end,\n unmapped = 'ignore',")
        books = work.run('--create', expect=3).books()
        bad = sum(1 for d in documents if d['n'] == 'bad')
        gone = sum(1 for d in documents if d['gone'])
        self.assertEqual(books,
                         {'read': 1000, 'inserted': 1000 - bad - gone, 'updated': 0, 'unchanged': 0,
                          'skipped': gone, 'rejected': bad})
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), bad)
        self.assertEqual(work.database.number("select count(distinct document_id) from lugger.rejects "
                                              "where document_id ~ '^.n:'"),
                         bad)

    def test_s0_46_the_server_refuses_single_rows(self):
        work = self.work([{'_id': i, 'n': i} for i in range(500)], "{ 'n', 'int4' }")
        work.database.query("create table docs (mongo_id text primary key, n int check (n <> "
                            "77 and n <> 333))")
        result = work.run(expect=3)
        self.assertEqual((result.books()['inserted'], result.books()['rejected']), (498, 2))
        self.assertEqual(sorted(r[0] for r in work.database.rows('select document_id from lugger.rejects')),
                         ['$n:333', '$n:77'])
        self.assertEqual(work.database.query('select distinct code from lugger.rejects'), 'server')

    def test_rejects_are_loaded_after_mending(self):
        work = self.work([{'_id': i, 'n': 'n/a' if i == 3 else i} for i in range(10)], "{ 'n', 'int4' }")
        work.run('--create', expect=3)
        listing = work.lugger('rejects', 'job.lua')
        self.assertIn('n/a', listing.out)
        work.lugger('rejects', 'job.lua', '--export', 'out.jsonl')
        exported = harness.json_lines((work.directory / 'out.jsonl').read_text())
        self.assertEqual(exported[0]['document']['n'], 'n/a')
        work.script(job("{ 'n', 'int4', on_error = 'null' }"))
        work.lugger('rejects', 'job.lua', '--retry')
        self.assertEqual(work.database.query("select count(*), count(n) from docs"), '10|9')
        self.assertEqual(work.database.number('select count(*) from lugger.rejects'), 0)


class Children(unittest.TestCase):
    CHILDREN = """children = { { table = 'lines', from = 'lines[]', columns = { { 'sku', 'text' } },
      children = { { table = 'opts', from = 'opts[]', columns = { { 'opt', 'text', from = '.' } } } } } },"""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def orders(self):
        return [{'_id': 'a', 'lines': [{'sku': 'S1', 'opts': ['x', 'y']}, {'sku': 'S2', 'opts': []}]},
                {'_id': 'b', 'lines': []}, {'_id': 'c', 'lines': [{'sku': 'S3', 'opts': ['z']}]}]

    def test_s0_11_array_to_child_rows(self):
        work = Work(self.server.fresh(), self.orders(), job('', conflict='update', extra=self.CHILDREN))
        result = work.run('--create')
        self.assertEqual(result.books()['read'], 3)
        self.assertEqual(work.database.rows('select parent_mongo_id, ordinal, sku from lines order by 1, 2'),
                         [['a', '1', 'S1'], ['a', '2', 'S2'], ['c', '1', 'S3']])
        self.assertEqual(work.database.number('select count(*) from opts'), 3)

    def test_s0_11_children_are_replaced_as_one(self):
        work = Work(self.server.fresh(), self.orders(), job('', conflict='update', extra=self.CHILDREN))
        work.run('--create')
        work.documents([{'_id': 'a', 'lines': [{'sku': 'NEW', 'opts': []}]},
                        {'_id': 'c', 'lines': [{'sku': 'S3', 'opts': ['z']}]}])
        work.run()
        self.assertEqual(work.database.rows('select parent_mongo_id, ordinal, sku from lines order by 1, 2'),
                         [['a', '1', 'NEW'], ['c', '1', 'S3']])
        self.assertEqual(work.database.rows('select opt from opts'), [['z']])

    def test_s0_10_nested_document_to_jsonb_or_child_table(self):
        documents = [{'_id': 1, 'address': {'city': 'Oslo'}, 'tags': ['a', 'b']}]
        database = self.server.fresh()
        load(database, documents, "{ 'address', 'jsonb' }, { 'tags', 'jsonb' }")
        self.assertEqual(database.query('select address, tags from docs'), '{"city": "Oslo"}|["a", "b"]')
        database = self.server.fresh()
        load(database, documents, "{ 'city', 'text', from = 'address.city' }",
             extra="children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', "
                   "from = '.' } } } },")
        self.assertEqual(database.query('select city from docs'), 'Oslo')
        self.assertEqual(database.query('select string_agg(tag, ordinal::text order by ordinal) from tags'),
                         'a2b')


if __name__ == '__main__':
    harness.main()
