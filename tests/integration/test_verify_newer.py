"""What on_conflict = 'newer' leaves in the target: told by verify, kept by repair, in the order of the
server."""
import json

import harness
from sessions import Session, wait_for
from verdicts import Case, DELETE, TAGS, WAITS, counts, oid, text_of


class Newer(Case):
    def made_newer(self, documents, **more):
        return self.made(documents, columns="{ 'ver', 'int4' }, { 'n', 'int4' }", conflict='newer',
                         target_options="newer = 'ver',", extra=TAGS + "unmapped = 'ignore',", **more)

    def documents(self):
        return [{'_id': oid(i), 'ver': 5, 'n': i, 'tags': ['a', 'b']} for i in range(20)]

    def test_f8_a_target_that_is_newer_is_not_different(self):
        work = self.made_newer(self.documents())
        work.database.query(f"""update docs set ver = 6, n = 100 where n = 3;
          delete from tags where parent_mongo_id = '{text_of(3)}' and ordinal = 2;
          insert into tags values ('{text_of(3)}', 7, 'new'); update docs set ver = 4 where n = 4;
          update docs set n = 50 where n = 5;
          update docs set ver = null where n = 6""")
        kept = work.database.rows(f"select * from docs where mongo_id = '{text_of(3)}'")
        result = self.verify(work, expect=4)
        self.assertEqual(counts(result)['docs'],
                         {'source': 20, 'target': 20, 'equal': 16, 'missing': 0, 'extra': 0, 'different': 3})
        self.assertEqual(counts(result)['tags'],
                         {'source': 40, 'target': 40, 'equal': 38, 'missing': 0, 'extra': 0, 'different': 0})
        self.assertIn('that the target has newer', result.err)
        self.assertIn('3 documents written again', self.repair(work, '--apply').err)
        self.assertEqual(work.database.rows(f"select * from docs where mongo_id = '{text_of(3)}'"), kept)
        self.assertEqual(work.database.query("select string_agg(tag, ',' order by ordinal) from tags "
                                             f"where parent_mongo_id = '{text_of(3)}'"),
                         'a,new')
        self.assertEqual(work.database.number('select count(*) from docs where ver = 5'), 19)
        self.repair(work, *DELETE)
        self.assertEqual(work.database.number("select count(*) from tags where tag = 'new'"), 1)
        self.repair(work, '--apply', '--overwrite-newer')
        self.assertEqual(work.database.number('select count(*) from docs where ver = 5'), 20)
        self.assertEqual(work.database.number("select count(*) from tags where tag = 'new'"), 0)

    def test_f8_a_row_that_gets_newer_while_it_is_repaired(self):
        """The statement that writes looks once more: another session's row is committed while it waits
        for it."""
        work = self.made_newer(self.documents())
        work.database.query('update docs set n = 50 where n = 5')
        other = Session(work.database)
        self.addCleanup(other.close)
        other.run('begin; update docs set ver = 9, n = 99 where n = 50')
        process = work.start('repair', 'job.lua', '--apply')
        wait_for(work.database, WAITS, process)
        other.run('commit')
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(work.database.rows(f"select ver, n from docs where mongo_id = '{text_of(5)}'"),
                         [['9', '99']])

    def ordered(self, kind, versions, stored=''):
        """Documents of one key each, or of several when a list of versions is given."""
        documents = [{'_id': oid(k), 'ver': ver, 'n': n}
                     for k, several in enumerate(versions) for n, ver in enumerate(several)]
        return self.made(documents, columns=f"{{ 'ver', '{kind}' }}, {{ 'n', 'int4' }}", conflict='newer',
                         target_options="newer = 'ver',",
                         before=f'create table docs (mongo_id text primary key, ver {stored or kind}, n int)',
                         run=('-j', '1'))

    def test_f8_text_is_ordered_by_its_collation(self):
        work = self.ordered('text', [['B'], ['a'], ['m']], 'text collate "en-x-icu"')
        # older there, and greater by its bytes
        work.database.query("update docs set ver = 'a', n = 100 where ver = 'B'")
        result = self.verify(work, expect=4)
        self.assertEqual(counts(result)['docs']['different'], 1)
        self.assertIn('only the server can tell which of two rows is newer by ver', result.out + result.err)
        self.repair(work, '--apply')
        self.assertEqual(work.database.query(f"select ver from docs where mongo_id = '{text_of(0)}'"), 'B')
        # newer there: it stays, and is told
        work.database.query(f"update docs set ver = 'B', n = 100 where mongo_id = '{text_of(1)}'")
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], 1)
        self.repair(work, '--apply', expect=4)
        self.assertEqual(work.database.query(f"select n from docs where mongo_id = '{text_of(1)}'"), '100')

    def test_f8_the_newest_document_of_a_key_is_the_servers(self):
        low, high = '00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'
        for kind, stored, older, newer in (('text', 'text collate "en-x-icu"', 'a', 'B'),
                                           ('uuid', '', low, high), ('interval', '', '30 hours', '2 days'),
                                           ('numeric', '', '1.00000000000000000001',
                                            '1.00000000000000000002')):
            for versions in ([older, newer], [newer, older]):
                with self.subTest(kind=kind, versions=versions):
                    work = self.ordered(kind, [versions, [older]], stored)
                    before = self.rows(work)
                    self.assertEqual(before[0][2], str(versions.index(newer)))
                    self.verify(work)
                    work.database.query(f"delete from docs where mongo_id = '{text_of(0)}'")
                    self.repair(work, '--apply')
                    self.assertEqual(self.rows(work), before)

    def test_minus_infinity_is_newer_than_null(self):
        for versions, stays in (([None, '-infinity', None], 1), (['-infinity', None, '-infinity'], 0)):
            with self.subTest(versions):
                work = self.ordered('timestamptz', [versions])
                self.assertEqual(self.rows(work)[0][2], str(stays))
                self.verify(work)

    def test_f8_minus_zero_is_no_older_than_zero(self):
        work = self.ordered('float8', [[-0.0], [1.0]])
        work.database.query('update docs set ver = 0.0, n = 100 where ver = 0')
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], 1)
        self.repair(work, '--apply')

    def test_f8_a_child_column_of_that_name_says_nothing(self):
        parts = ("children = { { table = 'parts', from = 'parts[]', columns = { { 'ver', 'int4' } } } }, "
                 "unmapped = 'ignore',")
        work = self.made([{'_id': oid(i), 'ver': 5, 'parts': [{'ver': 1}]} for i in range(5)],
                         columns="{ 'ver', 'int4' }", conflict='newer', target_options="newer = 'ver',",
                         extra=parts)
        work.database.query('update parts set ver = 9 where parent_mongo_id = '
                            '(select min(mongo_id) from docs)')
        self.assertEqual(counts(self.verify(work, expect=4))['parts']['different'], 1)

    def test_f8_equal_versions_in_one_dump(self):
        documents = [{'_id': oid(i % 10), 'ver': 5, 'n': i, 'tags': []} for i in range(20)]
        work = self.made_newer(documents)
        self.assertEqual(counts(self.verify(work))['docs']['equal'], 10)

    def test_child_rows_of_superseded_documents_are_no_older_rows(self):
        work = self.made_newer([{'_id': oid(0), 'ver': 3, 'n': 1, 'tags': ['a']},
                                {'_id': oid(0), 'ver': 1, 'n': 2, 'tags': ['b', 'c']}])
        work.database.query('update docs set ver = 9, n = 5')
        found = {t['table']: t for t in json.loads(self.verify(work, '--json').out)[0]['tables']}
        self.assertEqual([found[t]['older'] for t in ('docs', 'tags')], [1, 1], found)
        self.assertEqual(found['tags']['source'], 1)

    def test_f8_narrowed_comparisons_know_the_policy_too(self):
        work = self.made_newer(self.documents())
        work.database.query('update docs set ver = 6, n = 100 where n = 3')
        self.verify(work, '--columns', 'n')
        self.verify(work, '--where', 'ver = 6')
        self.verify(work, '--sample', '100')
        self.verify(work, '--since', '1960-01-01')


if __name__ == '__main__':
    harness.main()
