"""lugger vector change-type: the whole walk on a server with pgvector, its dependents, and what stops it."""
import random
import unittest

import harness
from peer_postgres import PgVector

ROWS = 60


def values(seed, dims=3):
    chosen = random.Random(seed)
    return '[' + ','.join(repr(chosen.uniform(-2, 2)) for _ in range(dims)) + ']'


def documents(database, schema='public', rows=ROWS):
    """A table of documents with vectors, some of them NULL, in pgvector's `vector`."""
    lines = ', '.join(f"({i}, 'title {i}', " + ('NULL' if i % 9 == 0 else f"'{values(i)}'") + ')'
                      for i in range(1, rows + 1))
    database.query(f"create table docs (id bigint primary key, title text, embedding {schema}.vector(3)); "
                   f"insert into docs values {lines}; "
                   "create index docs_embedding_idx on docs "
                   f"using hnsw (embedding {schema}.vector_cosine_ops) with (m = 8, ef_construction = 40)")


TYPE = ("select format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'docs'::regclass "
        "and not attisdropped and attname = ")


class Walk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = PgVector()

    def setUp(self):
        self.database = self.server.fresh()
        documents(self.database)

    def change(self, *args, expect=0, column='docs.embedding', type='halfvec(3)', **more):
        return harness.lugger('vector', 'change-type', column, *([type] if type else []), *args,
                              env={'PG_URI': self.database.url}, expect=expect, **more)

    def steps(self, *names):
        for name in names:
            self.change('--step', name)

    def type_of(self, column):
        return self.database.query(TYPE + f"'{column}'")

    def test_s2_12_the_whole_walk(self):
        digest = "select md5(string_agg(vector_send(embedding)::text, ',' order by id)) from docs"
        before = self.database.query(digest)
        said = self.change('--step', 'plan').out
        for part in ('public.docs.embedding: vector(3) -> public.halfvec(3)', 'ACCESS EXCLUSIVE',
                     'of disk more', 'public.halfvec_cosine_ops', 'next: --step add'):
            self.assertIn(part, said)
        self.assertEqual(self.type_of('embedding'), 'vector(3)')
        self.assertIn('it begins with --step add', self.change('--step', 'swap', expect=1).err)
        self.steps('add', 'backfill', 'compare', 'index')
        self.assertIn('next: --step swap', self.change(type=None).out)
        self.steps('swap')
        self.assertEqual([self.type_of(c) for c in ('embedding', 'embedding__old')],
                         ['halfvec(3)', 'vector(3)'])
        self.assertEqual(self.database.query('select count(*) from docs where embedding is distinct from '
                                             'embedding__old::halfvec(3)'), '0')
        self.assertIn("hnsw (embedding halfvec_cosine_ops) WITH (m='8', ef_construction='40')",
                      self.database.query("select pg_get_indexdef('docs_embedding_idx'::regclass)"))
        self.steps('back')
        self.assertEqual(self.type_of('embedding'), 'vector(3)')
        self.assertEqual(self.type_of('embedding__old'), '')
        self.assertEqual(self.database.query(digest), before)
        self.steps('all', 'drop')
        self.assertEqual(self.type_of('embedding'), 'halfvec(3)')
        self.clean()

    def clean(self):
        """Nothing of a change is left in the database."""
        self.assertEqual(self.database.query(
            "select count(*) from pg_trigger where not tgisinternal"), '0')
        self.assertEqual(self.database.query(
            "select string_agg(relname, ',') from pg_class where relname ~ '__(new|old)'"), '')
        self.assertEqual(self.database.query(
            "select string_agg(proname, ',') from pg_proc where proname ~ '__'"), '')
        self.assertEqual(self.database.query(
            "select string_agg(attname, ',') from pg_attribute where attrelid = 'docs'::regclass "
            "and attname ~ '__' and not attisdropped"), '')
        self.assertEqual(self.database.query(
            'select count(*) from lugger.column_changes where finished_at is null'), '0')

    def test_s2_17_going_back_before_the_swap_leaves_nothing(self):
        for last in ('add', 'backfill', 'compare', 'index'):
            with self.subTest(last):
                for name in ('add', 'backfill', 'compare', 'index'):
                    self.steps(name)
                    if name == last:
                        break
                self.steps('back')
                self.assertEqual(self.type_of('embedding'), 'vector(3)')
                self.clean()

    def test_s2_16_what_is_written_behind_the_swap_is_there_when_one_goes_back(self):
        self.steps('all')
        self.database.query("""
            update docs set embedding = '[0.5,0.25,1]' where id = 1;
            update docs set title = 'other' where id = 2;
            insert into docs (id, embedding) values (1000, '[1,2,3]'), (1001, null);
            delete from docs where id = 3""")
        self.steps('back')
        self.assertEqual(self.database.query('select embedding from docs where id in (1, 1000, 1001) '
                                             'order by id'), '[0.5,0.25,1]\n[1,2,3]')
        # A row whose vector nobody wrote has what it had, to the last bit.
        self.assertEqual(self.database.query(f"select embedding = '{values(2)}' from docs where id = 2"), 't')
        self.clean()

    def test_s2_15_a_value_that_cannot_be_cast_stops_the_change_and_no_write(self):
        self.database.query("update docs set embedding = '[1,70000,3]' where id = 5")
        self.steps('add')
        self.database.query("insert into docs values (2000, 'big', '[1e6,0,0]')")
        self.steps('backfill')
        said = self.change('--step', 'compare', expect=1).err
        for part in ('2 rows of public.docs.embedding do not become halfvec(3)', 'id = 5: ', 'id = 2000: ',
                     'out of range'):
            self.assertIn(part, said)
        self.database.query("update docs set embedding = '[1,2,3]' where id in (5, 2000)")
        self.steps('compare', 'index')
        self.database.query("insert into docs values (2001, 'big', '[1e6,0,0]')")
        self.assertIn('id = 2001: ', self.change('--step', 'swap', expect=1).err)
        self.database.query("insert into docs values (2002, 'big', '[1e6,0,0]'); "
                            "delete from docs where id >= 2001")
        self.steps('swap', 'drop')
        self.assertEqual(self.database.query('select count(*) from docs'), str(ROWS + 1))
        self.clean()

    def test_s2_20_the_way_with_downtime_only_when_it_is_asked_for(self):
        self.database.query('create view near as select id, embedding from docs; '
                            "alter table docs alter embedding set default '[0,0,1]'; "
                            'create index other on docs (id, embedding)')
        said = self.change('--downtime')
        self.assertRegex(said.err, r'nobody reads or writes public.docs for about [\d.]+ s')
        for part in ('DROP INDEX public."docs_embedding_idx"', 'TYPE public.halfvec(3) USING',
                     'public.halfvec_cosine_ops'):
            self.assertIn(part, said.out)
        self.assertEqual(self.type_of('embedding'), 'vector(3)')
        self.assertIn('--downtime is one step', self.change('--downtime', '--step', 'swap', expect=2).err)
        self.database.query("update docs set embedding = '[1,70000,3]' where id = 5")
        self.assertIn('out of range', self.change('--downtime', '--step', 'all', expect=1).err)
        self.database.query("update docs set embedding = '[1,7,3]' where id = 5")
        self.change('--downtime', '--step', 'all')
        self.assertEqual(self.database.query('select pg_typeof(embedding), count(*) from near group by 1'),
                         f'halfvec|{ROWS}')
        self.assertEqual(self.database.query('insert into docs (id) values (500) returning embedding'),
                         '[0,0,1]')
        self.assertIn('halfvec_cosine_ops', self.database.query(
            "select pg_get_indexdef('docs_embedding_idx'::regclass)"))
        self.clean()

    def test_s2_16_what_cannot_go_along_is_found_first(self):
        self.database.query('alter table docs add constraint small check (vector_norm(embedding) < 1000)')
        said = self.change('--step', 'add', expect=1).err
        self.assertIn('cannot be made for halfvec(3): ', said)
        self.assertIn('vector_norm(halfvec) does not exist', said)
        self.assertEqual(self.database.query(
            "select count(*) from pg_class where relname ~ 'lugger_like'"), '0')
        self.assertEqual(self.type_of('embedding__new'), '')

    def test_s2_15_a_difference_is_found_and_named(self):
        self.steps('add', 'backfill')
        self.database.query("alter table docs disable trigger \"~embedding__new_sync\"; "
                            "update docs set embedding = '[7,7,7]' where id = 7; "
                            "alter table docs enable always trigger \"~embedding__new_sync\"")
        self.assertIn('id = 7: it differs', self.change('--step', 'compare', expect=1).err)
        self.steps('compare', 'index')
        self.database.query('alter table docs disable trigger "~embedding__new_sync"')
        self.assertIn('is disabled', self.change('--step', 'swap', expect=1).err)
        self.database.query("update docs set embedding = '[8,8,8]' where id = 8; "
                            'alter table docs enable always trigger "~embedding__new_sync"')
        self.assertIn('was off for a while', self.change('--step', 'swap', expect=1).err)
        self.assertIn('id = 8: it differs', self.change('--step', 'compare', expect=1).err)
        self.steps('compare', 'index', 'swap')
        self.assertEqual(self.database.query('select embedding from docs where id in (7, 8) order by id'),
                         '[7,7,7]\n[8,8,8]')

    def test_s2_16_what_came_since_the_change_began_stops_the_swap(self):
        self.steps('add', 'backfill', 'compare', 'index')
        self.database.query("create index later on docs (embedding); drop index docs_embedding_idx; "
                            "alter table docs alter embedding set default '[1,1,1]'")
        said = self.change('--step', 'swap', expect=1).err
        for part in ('new: index later', 'gone: index docs_embedding_idx',
                     "new: default: '[1,1,1]'"):
            self.assertIn(part, said)
        self.steps('back')
        self.clean()

    def test_rows_that_the_role_does_not_see_are_not_passed_over(self):
        self.database.query('alter table docs enable row level security, force row level security; '
                            'do $$ begin create role walker login; exception when duplicate_object '
                            'then null; end $$; alter table docs owner to walker; '
                            f'grant create on database "{self.database.name}" to walker; '
                            'grant create on schema public to walker')
        self.database.user = 'walker'
        self.assertIn('row security hides rows', self.change('--step', 'add', expect=1).err)


if __name__ == '__main__':
    harness.main()
