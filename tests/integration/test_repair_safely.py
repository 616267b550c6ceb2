"""What verify blesses and repair deletes: by document, in the policy of the job, and never more than
was asked for."""
import harness
from jobs import Work, job
from sessions import Session, wait_for
from verdicts import Case, DELETE, TAGS, WAITS, counts, oid, text_of


class ByDocument(Case):
    def test_f1_a_key_that_comes_twice_and_one_version_rejected(self):
        # The earlier one is no reject where the later one is loaded with it.
        for first, second, status in (({'n': 1}, {'n': 'bad'}, 3), ({'n': 'bad'}, {'n': 1}, 0)):
            with self.subTest(first=first):
                work = self.made([{'_id': oid(1), **first}, {'_id': oid(1), **second},
                                  {'_id': oid(2), 'n': 2}], expect=status)
                before = self.rows(work)
                self.assertEqual(counts(self.verify(work))['docs']['equal'], 2)
                self.repair(work, *DELETE)
                self.assertEqual(self.rows(work), before)

    def test_f1_the_server_refused_one_version(self):
        for redact in ((), ('--redact',)):
            with self.subTest(redact=redact):
                work = self.made([{'_id': oid(1), 'n': 1}, {'_id': oid(1), 'n': 7}, {'_id': oid(2), 'n': 2},
                                  {'_id': oid(3), 'n': 7}],
                                 before='create table docs (mongo_id text primary key, n int check (n <> 7))',
                                 run=('-j', '1', *redact), expect=3)
                self.assertEqual(counts(self.verify(work))['docs']['equal'], 2)
                self.repair(work, *DELETE)
                self.assertEqual(
                    work.database.query('select string_agg(n::text, \',\' order by n) from docs'), '1,2')
        # A row that was lost is missing all the same: its document is no reject.
        work = self.made([{'_id': oid(1), 'n': 1}, {'_id': oid(1), 'n': 7}],
                         before='create table docs (mongo_id text primary key, n int check (n <> 7))',
                         run=('-j', '1'), expect=3)
        work.database.query('delete from docs')
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['missing'], 1)
        self.repair(work, '--apply')

    def test_f1_a_source_in_postgresql(self):
        """Two of its rows make one key, and the server refuses one of them; so after a retry."""
        work = Work(self.server.fresh(), None, """local lugger = require 'lugger'
          return lugger.copy { name = 'docs', from = lugger.source(lugger.env.PG_URI,
            { table = 'src', key = 'id' }),
            into = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'k', on_conflict = 'update' }),
            columns = { { 'k', 'text' }, { 'n', 'int4' } }, unmapped = 'ignore' }""")
        work.database.query("create table src (id int primary key, k text, n int); "
                            "insert into src values (1, 'a', 1), (2, 'a', 7), (3, 'b', 2), "
                            "(4, 'c', 7); create table docs (k text primary key, n int check (n <> 7))")
        work.run('-j', '1', expect=3)
        for _ in range(2):
            self.assertEqual(counts(self.verify(work))['docs']['equal'], 2)
            self.repair(work, *DELETE)
            self.assertEqual(self.rows(work), [['a', '1'], ['b', '2']])
            work.lugger('rejects', 'job.lua', '--retry', expect=3)

    def test_f1_with_children_hooks_and_several_workers(self):
        hook = """map = function(row, doc)
            if doc.emit then require 'lugger'.emit { mongo_id = row.mongo_id .. '#e', n = 100 } end
            if doc.n == 13 then return require 'lugger'.reject 'thirteen' end
          end,"""
        documents = []
        for i in range(600):
            documents.append({'_id': oid(i), 'n': i * 100 + 1, 'tags': ['a', 'b'], 'emit': i % 3 == 0})
            if i % 5 == 0:
                documents.append({'_id': oid(i), 'n': 13 if i % 2 else 'bad', 'tags': ['z'], 'emit': True})
        work = self.made(documents, extra=TAGS + "unmapped = 'ignore'," + hook, run=('--create', '-j', '4'),
                         expect=3)
        before = self.rows(work), self.rows(work, 'tags')
        self.assertEqual({t: c['equal'] for t, c in counts(self.verify(work)).items()},
                         {'docs': 800, 'tags': 1200})
        self.repair(work, *DELETE)
        self.assertEqual((self.rows(work), self.rows(work, 'tags')), before)

    def test_f1_rows_of_documents_that_are_refused_now_stay(self):
        """Loaded by an earlier mapping: the source has the document, though the mapping takes it no more."""
        for case, (now, unmapped) in {'required': ("{ 'n', 'int4' }, { 'm', 'int4', required = true }",
                                                   'ignore'),
                                      'unmapped': ("{ 'n', 'int4' }", 'error')}.items():
            with self.subTest(case):
                work = self.made([{'_id': oid(i), 'n': i, **({'m': 1} if i % 2 else {'x': 1}), 'tags': ['a']}
                                  for i in range(6)],
                                 columns="{ 'n', 'int4' }, { 'm', 'int4' }",
                                 extra=TAGS + "unmapped = 'ignore',")
                work.script(job(now, conflict='update', extra=TAGS + f"unmapped = '{unmapped}',"))
                work.database.query("insert into docs (mongo_id, n) values ('ghost', 1)")
                self.assertIn('extra', self.verify(work, expect=4).out)
                result = self.repair(work, *DELETE, expect=4)
                self.assertIn('they were refused', result.err)
                self.assertEqual(work.database.number('select count(*) from docs'), 6)
                self.assertEqual(work.database.number('select count(*) from tags'), 6)

    def test_f1_a_reject_that_is_there_after_all(self):
        """Its check was dropped and the row put in by hand: it is what the document says."""
        work = self.made(
            [{'_id': oid(i), 'n': i} for i in range(9)],
            before='create table docs (mongo_id text primary key, n int, ' 'constraint c check (n <> 7))',
            run=(), expect=3)
        work.database.query("alter table docs drop constraint c; "
                            f"insert into docs values ('{text_of(7)}', 7)")
        self.assertEqual(counts(self.verify(work))['docs'],
                         {'source': 9, 'target': 9, 'equal': 9, 'missing': 0, 'extra': 0, 'different': 0})
        work.database.query('update docs set n = 8 where n = 7')
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)
        self.repair(work, *DELETE, expect=4)
        self.assertEqual(work.database.number('select count(*) from docs'), 9)

    def test_f1_a_document_that_gives_its_key_twice(self):
        """Its own rows of one key are settled like those of two documents; its child rows stay expected."""
        hook = ("map = function(row) return { { mongo_id = row.mongo_id, n = 1 }, "
                "{ mongo_id = row.mongo_id, n = 2 } } end,")
        work = self.made([{'_id': oid(i), 'n': 0, 'tags': ['a']} for i in range(5)],
                         extra=TAGS + "unmapped = 'ignore'," + hook)
        self.assertEqual({t: c['equal'] for t, c in counts(self.verify(work)).items()},
                         {'docs': 5, 'tags': 5})
        work.database.query('delete from tags where parent_mongo_id = '
                            '(select min(parent_mongo_id) from tags)')
        self.assertEqual(counts(self.verify(work, expect=4))['tags']['missing'], 1)

    def test_f1_a_row_that_two_documents_make(self):
        """Writing the one again writes over what the other made: repair ends where the load did."""
        hook = """map = function(row, doc) require 'lugger'.emit { mongo_id = 'shared', n = doc.n } end,"""
        work = self.made([{'_id': oid(i), 'n': i} for i in range(1, 5)], extra="unmapped = 'ignore'," + hook)
        before = self.rows(work)
        self.verify(work)
        work.database.query(f"delete from docs where mongo_id = '{text_of(1)}'")
        self.repair(work, '--apply')
        self.assertEqual(self.rows(work), before)


class NotBound(Case):
    def test_f1_a_type_that_cannot_be_resolved(self):
        current = self.server.fresh()
        work = Work(current, [{'_id': oid(i), 'n': str(i)} for i in range(20)],
                    job("{ 'n', 'ltxt' }", conflict='update'))
        current.query("create schema ext; create type ext.ltxt as enum ("
                      + ', '.join(f"'{i}'" for i in range(20))
                      + ");"
                        "create table docs (mongo_id text primary key, n ext.ltxt); "
                        f"alter database {current.name} "
                        'set search_path = public, ext')
        work.run()
        self.verify(work)
        # The path that found it has changed: the column is known by its own type, so this is no matter.
        current.query(f'alter database {current.name} reset search_path')
        self.verify(work)
        self.repair(work, *DELETE)
        self.assertEqual(current.number('select count(*) from docs'), 20)
        # Nor may a role without USAGE on the type's schema call every row extra.
        current.query("create role reader login; grant select, insert, update, delete on docs to reader; "
                      "grant all on schema lugger to reader; "
                      "grant all on all tables in schema lugger to reader")
        url = self.server.url(current.name, 'reader')
        result = work.lugger('verify', 'job.lua', env={'PG_URI': url}, expect=1)
        self.assertIn('docs.n cannot be compared', result.err)
        work.lugger('repair', 'job.lua', *DELETE, '--delete-many', env={'PG_URI': url}, expect=1)
        self.assertEqual(current.number('select count(*) from docs'), 20)

    def test_f1_a_column_that_is_missing(self):
        work = self.made([{'_id': oid(i), 'n': i, 'm': i} for i in range(20)],
                         columns="{ 'n', 'int4' }, { 'm', 'int4' }")
        work.database.query("alter table docs drop column m; insert into docs values ('ghost', 1)")
        self.assertIn('would refuse to delete', self.repair(work, '--delete-extra', expect=4).err)
        self.assertIn('docs.m', self.repair(work, *DELETE, '--delete-many', expect=1).err)
        self.assertEqual(work.database.number('select count(*) from docs'), 21)

    def test_f1_more_than_a_tenth_is_asked_for_twice(self):
        work = self.made([{'_id': oid(i), 'n': i, 'tags': ['a']} for i in range(90)],
                         extra=TAGS + "unmapped = 'ignore',")
        work.database.query("insert into docs select 'g' || i, i from generate_series(1, 11) i; "
                            "insert into tags select mongo_id, 1, 'x' "
                            "from docs where mongo_id like 'g%'; update docs set n = -1 where n = 50")
        shown = self.repair(work, '--delete-extra', expect=4).err
        self.assertIn('11 of the 101 rows of docs would be deleted, more than a tenth', shown)
        result = self.repair(work, *DELETE, expect=1)
        self.assertIn('--delete-many', result.err)
        # nothing was written
        self.assertEqual(work.database.number('select count(*) from docs where n = -1'), 1)
        self.assertIn('--delete-extra', self.repair(work, '--apply', '--delete-many', expect=1).err)
        self.repair(work, *DELETE, '--delete-many')
        self.assertEqual(work.database.number('select count(*) from docs'), 90)
        # a tenth of 99, and not more than ten
        work.database.query("insert into docs select 'g' || i, i from generate_series(1, 9) i")
        self.repair(work, *DELETE)

    def test_f1_row_security_hides_nothing_in_silence(self):
        work = self.made([{'_id': oid(i), 'n': i} for i in range(20)])
        work.database.query("drop role if exists clerk; create role clerk login; grant all on docs to clerk; "
                            "alter table docs enable row "
                            "level security; create policy p on docs using (n < 100); "
                            "insert into docs values ('ghost', 100)")
        result = work.lugger('verify', 'job.lua',
                             env={'PG_URI': self.server.url(work.database.name, 'clerk')}, expect=1)
        self.assertIn('row-level security is in force on docs', result.err)
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)

    def test_f1_every_round_asks_before_it_deletes(self):
        """A trigger adds rows while the first round writes: the second finds them, and they were not
        asked for."""
        def flooded(rows):
            work = self.made([{'_id': oid(i), 'n': i} for i in range(90)])
            work.database.query(f"""delete from docs where n = 50;
              create function flood() returns trigger language plpgsql as $$ begin
                insert into docs select 'g' || i, i from generate_series(1, {rows}) i on conflict do nothing;
                return null; end $$;
              create trigger flood after insert on docs for each row when (new.mongo_id like '0%') execute
                function flood()""")
            return work
        work = flooded(20)
        result = self.repair(work, *DELETE, expect=1)
        self.assertIn('20 of the 110 rows of docs would be deleted, more than a tenth; '
                      'nothing more was written',
                      result.err)
        self.assertIn('--delete-many', result.err)
        self.assertEqual(work.database.number('select count(*) from docs'), 110)
        self.repair(work, *DELETE, '--delete-many')
        self.assertEqual(work.database.number('select count(*) from docs'), 90)
        # Few in each round, and many in all.
        work = flooded(8)
        work.database.query("insert into docs select 'h' || i, i from generate_series(1, 8) i")
        result = self.repair(work, *DELETE, expect=1)
        self.assertIn('8 of the 106 rows of docs were deleted and 8 more would be, more than a tenth',
                      result.err)
        self.assertEqual(work.database.number('select count(*) from docs'), 98)

    def test_f1_an_extra_row_that_its_collation_takes_for_another(self):
        """'K5' is 'k5' to a collation that ignores case: it goes alone, or not at all."""
        work = self.made([{'_id': f'k{i}', 'n': i} for i in range(30)])
        before = self.rows(work, order='n')
        work.database.query(
            "create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
            "alter table docs drop constraint docs_pkey; "
            "alter table docs alter mongo_id type text collate nocase; "
            "insert into docs values ('K5', 5); create unique index on docs ((mongo_id collate \"C\"))")
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)
        self.repair(work, *DELETE, expect=0)
        self.assertEqual(self.rows(work, order='n'), before)

    def test_f1_a_row_that_changes_before_it_is_deleted_stays(self):
        work = self.made([{'_id': oid(i), 'n': i} for i in range(20)])
        work.database.query("insert into docs values ('ghost', 1), ('ghost2', 1)")
        before = work.database.rows("select * from docs where mongo_id <> 'ghost' order by 1")
        other = Session(work.database)
        self.addCleanup(other.close)
        other.run("begin; update docs set n = 2 where mongo_id = 'ghost'")
        process = work.start('repair', 'job.lua', *DELETE)
        wait_for(work.database, WAITS, process)
        other.run('commit')
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn('extra rows were changed while they were being deleted', err)
        self.assertEqual(work.database.rows("select * from docs where mongo_id <> 'ghost' order by 1"),
                         before)
        self.assertEqual(work.database.query("select n from docs where mongo_id = 'ghost'"), '2')


class Ledger(Case):
    def test_a_ledger_of_version_4_is_read_by_a_role_that_may_not_upgrade_it(self):
        work = self.made([{'_id': oid(1), 'n': 1}, {'_id': oid(2), 'n': 7}],
                         before='create table docs (mongo_id text primary key, n int check (n <> 7))',
                         run=('-j', '1'), expect=3)
        work.database.query('alter table lugger.partitions drop column suppressed; '
                            'delete from lugger.meta where version > 4; '
                            'drop role if exists auditor; create role auditor login; '
                            'grant select on docs to auditor; '
                            'grant usage on schema lugger to auditor; '
                            'grant select on all tables in schema lugger to auditor')
        result = work.lugger('verify', 'job.lua',
                             env={'PG_URI': self.server.url(work.database.name, 'auditor')})
        self.assertNotIn('ledger cannot be read', result.err)
        self.assertEqual(counts(result)['docs']['equal'], 1)

    def test_rejects_without_a_document_are_told_for_what_they_may_be(self):
        work = self.made([{'_id': oid(1), 'n': 1}, {'_id': oid(2), 'n': 7}],
                         before='create table docs (mongo_id text primary key, n int check (n <> 7))',
                         run=('-j', '1'), expect=3)
        # as those of great documents are kept
        work.database.query('update lugger.rejects set raw = null, document = null')
        self.assertIn('1 rejects hold no document (--redact, or too large to keep)', self.verify(work).err)


class NullKeys(Case):
    def keyed(self, kind, key, count=40):
        value = (lambda i: i) if kind == 'int4' else (lambda i: f'k{i}')
        documents = [{'_id': value(i), 'j': i, 'n': i} for i in range(count)]
        keys = "{ 'k', 'j' }" if key == 'two' else "'k'"
        text = f"""local lugger = require 'lugger'
          return lugger.copy {{ from = lugger.source(lugger.env.MONGO_URI),
            into = lugger.target(lugger.env.PG_URI,
              {{ table = 'docs', key = {keys}, on_conflict = 'update' }}),
            columns = {{ {{ 'k', '{kind}', from = '_id' }}, {{ 'j', 'int4' }}, {{ 'n', 'int4' }} }} }}"""
        work = Work(self.server.fresh(), documents, text)
        work.database.query(f'create table docs (k {kind}, j int, n int); create unique index '
                            f'on docs ({"k, j" if key == "two" else "k"})')
        work.run()
        return work

    def test_f3_rows_whose_key_is_null_are_extra(self):
        for kind in ('text', 'int4'):
            for key, rows in (('one', ['null, 1, 1', 'null, 1, 1', 'null, 2, 2']),
                              ('two',
                               ['null, 1, 1', 'null, null, 1', 'null, null, 1', "'7', null, 7",
                                "'7', null, 8"])):
                with self.subTest(kind=kind, key=key):
                    work = self.keyed(kind, key)
                    before = self.rows(work, order='1')
                    work.database.query('insert into docs values ' + ', '.join(f'({row})' for row in rows))
                    result = self.verify(work, expect=4)
                    self.assertEqual(counts(result)['docs'],
                                     {'source': 40, 'target': 40 + len(rows), 'equal': 40, 'missing': 0,
                                      'extra': len(rows), 'different': 0})
                    self.assertIn('k=NULL', result.out)
                    self.verify(work, '--where', 'n < 3', expect=4)
                    self.verify(work, '--sample', '1000000', expect=4)
                    self.assertIn(f'{len(rows)} extra rows would stay', self.repair(work, expect=4).err)
                    self.repair(work, *DELETE)
                    self.assertEqual(self.rows(work, order='1'), before)

    def test_f3_child_rows_whose_parent_key_is_null(self):
        for kind, value in (('text', lambda i: f'k{i}'), ('int4', lambda i: i)):
            with self.subTest(kind):
                text = f"""local lugger = require 'lugger'
                  return lugger.copy {{ from = lugger.source(lugger.env.MONGO_URI),
                    into = lugger.target(lugger.env.PG_URI,
                      {{ table = 'docs', key = 'k', on_conflict = 'update' }}),
                    columns = {{ {{ 'k', '{kind}', from = '_id' }}, {{ 'n', 'int4' }} }}, {TAGS} }}"""
                work = Work(self.server.fresh(),
                            [{'_id': value(i), 'n': i, 'tags': ['a', 'b']} for i in range(40)], text)
                work.database.query(f'create table docs (k {kind} unique, n int); '
                                    f'create table tags (parent_k {kind}, ordinal int, tag text)')
                work.run()
                before = self.rows(work, order='1'), self.rows(work, 'tags')
                work.database.query("insert into tags values (null, 1, 'a'), (null, null, 'a'), "
                                    "(null, 1, 'a'), "
                                    "((select min(k) from docs), null, 'b')")
                self.assertEqual(counts(self.verify(work, expect=4))['tags']['extra'], 4)
                self.repair(work, *DELETE)
                self.assertEqual((self.rows(work, order='1'), self.rows(work, 'tags')), before)

    def test_f3_a_key_that_its_own_text_does_not_find(self):
        """What is read again must be found where it is known to be, or it has not gone."""
        work = self.made([{'_id': oid(i), 'n': i} for i in range(20)], before="""create type odd;
          create function odd_in(cstring) returns odd language internal immutable strict as 'textin';
          create function odd_out(odd) returns cstring language internal immutable strict as 'textout';
          create type odd (input = odd_in, output = odd_out, like = text);
          create function odd_eq(odd, odd) returns bool language sql immutable as $$
            select $1::text = $2::text and $1::text not like 'gh%' $$;
          create cast (odd as text) with inout; create cast (text as odd) with inout;
          create operator = (leftarg = odd, rightarg = odd, function = odd_eq);
          create table docs (mongo_id text primary key, n int)""", run=())
        work.database.query("alter table docs drop constraint docs_pkey; alter table docs alter mongo_id "
                            "type odd using mongo_id::odd; "
                            "insert into docs values ('ghost', 1)")
        self.assertEqual(counts(self.verify(work, expect=4))['docs']['extra'], 1)


class Children(Case):
    def test_f18_doubled_child_rows_are_mended(self):
        work = self.made([{'_id': oid(i), 'n': i, 'tags': ['a', 'b']} for i in range(20)],
                         extra=TAGS + "unmapped = 'ignore',")
        work.database.query('alter table tags drop constraint tags_pkey; insert into tags select * from tags '
                            'where ordinal = 1 limit 3')
        self.assertEqual(counts(self.verify(work, expect=4))['tags']['extra'], 3)
        self.assertIn('3 extra rows would stay; --delete-extra', self.repair(work, expect=4).err)
        result = self.repair(work, *DELETE)
        self.assertEqual(work.database.number('select count(*) from tags'), 40)
        self.assertNotIn('--delete-extra', result.err)

    def test_f18_what_cannot_be_told_apart_does_not_suggest_the_flag(self):
        work = self.made([{'_id': oid(i), 'n': i} for i in range(20)])
        work.database.query('alter table docs drop constraint docs_pkey; '
                            'insert into docs select * from docs where n = 5')
        result = self.repair(work, '--delete-extra', expect=4)
        self.assertIn('no key tells such a row', result.err)
        self.assertNotIn('--delete-extra', result.err)
        self.assertNotIn('--apply writes', self.repair(work, expect=4).err)


if __name__ == '__main__':
    harness.main()
