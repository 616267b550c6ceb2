"""The helpers of lugger.schema: partitioned tables, and a change of type that fails."""
import unittest

import harness
from migrations import Project
from postgres import Postgres

PARTITIONED = '''
create table m (id int, ts date, v text, w int, primary key (id, ts)) partition by range (ts);
create table m1 partition of m for values from ('2026-01-01') to ('2026-02-01');
create table m2 partition of m for values from ('2026-02-01') to ('2026-03-01') partition by range (id);
create table "M2 a" partition of m2 for values from (0) to (1000);
create table o (id int primary key); insert into o values (1), (2);
insert into m select i % 500, date '2026-01-15' + i % 40, 'v' || i, 1 + i % 2 from generate_series(1, 400) i
  on conflict do nothing'''
TREE = "(select relid from pg_partition_tree('m'))"
INDEXES = f'select count(*), bool_and(indisvalid) from pg_index where indrelid in {TREE}'

# Row 35 does not become an int.
CHANGE = "schema.change_type(db, 't', 'v', 'int', { batch_rows = 10 })"
ROWS = '''create table t (id int primary key, v text not null);
insert into t select i, i from generate_series(1, 40) i; update t set v = 'x' where id = 35'''
CHECKS = """select string_agg(conname || ' ' || convalidated, ',' order by 1) from pg_constraint
  where conrelid = 't'::regclass and contype = 'c'"""


class Helpers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, body, setup):
        project = Project(self.server.fresh(), v1_a=f"""local schema = require 'lugger.schema'
return {{ up = function(db)
  {body}
end }}
""")
        project.query(setup)
        return project

    def fails(self, project, words):
        self.assertIn(words, project.migrate('up', expect=1).err)

    def test_c13_helpers_of_partitioned_tables(self):
        project = self.project("""schema.add_index(db, 'm', { 'v' })
          schema.add_unique(db, 'm', { 'v', 'id', 'ts' })
          schema.add_foreign_key(db, 'm', 'w', 'o')
          schema.add_not_null(db, 'm', 'w')
          schema.add_check(db, 'm', 'm_w', 'w > 0')
          schema.add_column(db, 'm', 'u', 'uuid', { default = 'gen_random_uuid()', not_null = true })
          schema.backfill(db, { table = 'm', set = { v = 'upper(v)' }, batch_rows = 50 })
          schema.add_index(db, 'm', { { sql = 'lower(v)' } }, { name = 'm_low', where = 'w > 1' })
          schema.drop_index(db, 'm_low')
          schema.drop_column(db, 'm', 'u', { with_own = true })""", PARTITIONED)
        project.migrate('up')
        self.assertEqual(project.query(INDEXES), '12|t')
        self.assertEqual(project.query(f"""select count(*), bool_and(convalidated) from pg_constraint
          where contype = 'f' and conrelid in {TREE}"""), '4|t')
        self.assertEqual(project.query(f"""select count(*) from pg_attribute
          where attname = 'w' and attnotnull and attrelid in {TREE}"""), '4')
        self.assertEqual(project.query('select count(*) from m where v <> upper(v)'), '0')
        self.assertEqual(project.query("select count(*) from pg_class where relname ~ 'm_low'"), '0')

    def test_c13_the_primary_key_of_a_partitioned_table(self):
        project = self.project("schema.add_unique(db, 'p', { 'id', 'ts' }, { primary = true })", """
create table p (id int, ts date) partition by range (ts);
create table p1 partition of p for values from ('2026-01-01') to ('2026-02-01');
insert into p values (1, '2026-01-05')""")
        project.migrate('up')
        self.assertEqual(project.query("""select bool_and(indisvalid and indisprimary), count(*) from pg_index
          where indrelid in ('p'::regclass, 'p1'::regclass)"""), 't|2')

    def test_c13_an_index_of_a_partitioned_table_goes_on_behind_a_failure(self):
        project = self.project("schema.add_index(db, 'm', { 'id', 'ts', 'v' }, { unique = true })",
                               PARTITIONED)
        project.query('alter table m drop constraint m_pkey; insert into m select * from m2 limit 1')
        project.migrate('up', expect=1)
        project.query('''delete from m2 a using m2 b
          where a.ctid < b.ctid and (a.id, a.ts, a.v) = (b.id, b.ts, b.v)''')
        project.migrate('up')
        self.assertEqual(project.query(INDEXES), '4|t')

    def test_c13_what_partitions_cannot_have_is_said(self):
        self.fails(self.project("schema.change_type(db, 'm', 'w', 'bigint')", PARTITIONED),
                   'm is not a plain table')
        project = self.project("schema.add_index(db, 'm', { 'v' })", PARTITIONED + ''';
alter table m drop constraint m_pkey; create foreign data wrapper w; create server s foreign data wrapper w;
create foreign table f partition of m for values from ('2026-03-01') to ('2026-04-01') server s''')
        self.fails(project, 'm has the foreign partition public.f, which can have no index')

    def test_c13_a_failed_change_of_type_refuses_no_write(self):
        project = self.project(CHANGE, ROWS)
        self.fails(project, 'invalid input syntax for type integer: "x"')
        project.query("insert into t values (100, 'abc'); update t set v = 'def' where id = 1")
        self.fails(project, '"x"')
        project.query("update t set v = '35' where id = 35")
        self.fails(project, '"abc"')
        project.query("insert into t values (101, 'again')")
        project.query("update t set v = '7' where v !~ '^[0-9]'")
        project.migrate('up')
        self.assertEqual(project.query('select sum(v), count(*) from t'), f'{sum(range(2, 41)) + 21}|42')
        self.assertEqual(project.query("select count(*) from pg_trigger where tgrelid = 't'::regclass"), '0')
        self.assertEqual(project.query("select count(*) from pg_sequences where sequencename ~ '^t'"), '0')
        self.assertEqual(project.query(CHECKS), '')

    def test_batches_take_values_as_other_statements_do(self):
        project = self.project("""for batch in db:batches { table = 't', batch_rows = 3,
      params = { { "it's", 'b', 'c' }, 12 }, where = "v = any($1) /* $2 */ and v <> '$2' and id <= $2" } do
    db:exec('UPDATE t SET n = n + $1 WHERE ' .. batch.condition, 1)
  end
  schema.backfill(db, { table = 't', set = { n = 'n * 10' }, where = 'v = $1', params = { 'b' } })""", """
create table t (id int primary key, v text, n int not null default 1);
insert into t select i, (array['it''s', 'b', 'c', 'd', '$2'])[1 + i % 5] from generate_series(1, 20) i""")
        project.migrate('up')
        self.assertEqual(project.query("""select count(*), count(*) filter (where n = case v
          when 'd' then 1 when '$2' then 1 else 1 + (id <= 12)::int end * case v when 'b' then 10 else 1 end)
          from t"""), '20|20')

    def test_batches_refuse_values_that_where_does_not_name(self):
        rows = 'create table t (id int primary key, v text)'
        for spec, part in (("where = 'id < $1', params = { 1, 2 }", 'up to $1, and params has 2 values'),
                           ("where = 'id < $2', params = { 1 }", 'up to $2, and params has 1 value'),
                           ("params = { 1 }", 'where has no $1, and params has 1 value'),
                           ("where = 'id < $1', params = { print }", 'parameter $1 is a function'),
                           ("where = 'id < $1', params = 1", 'params is a list of the values of where')):
            project = self.project("for _ in db:batches { table = 't', %s } do end" % spec, rows)
            self.fails(project, part)

    def test_c13_a_value_behind_its_batch_is_named_and_refuses_nothing(self):
        project = self.project(CHANGE, ROWS)
        project.migrate('up', expect=1)
        project.query("update t set v = 'def' where id = 1; update t set v = '35' where id = 35")
        self.fails(project, 'invalid input syntax for type integer: "def"')
        project.query("update t set v = 'ghi' where id = 2; update t set v = '1' where id = 1")
        self.fails(project, '"ghi"')
        project.query("update t set v = '2' where id = 2")
        project.migrate('up')
        self.assertEqual(project.query('select sum(v) from t'), '820')
        self.assertEqual(project.query("""select attnotnull from pg_attribute
          where attrelid = 't'::regclass and attname = 'v'"""), 't')

    def test_c13_constraints_of_a_change_that_failed_are_taken_back(self):
        project = self.project("schema.change_type(db, 't', 'v', 'varchar', { using = 'upper(v)' })", """
create table t (id int primary key, v text not null check (v <> 'ABC'));
insert into t values (1, 'abc'), (2, 'x')""")
        self.fails(project, 'is violated by some row')
        project.query("insert into t values (3, 'abc')")
        project.query('delete from t where id in (1, 3)')
        project.migrate('up')
        self.assertEqual(project.query(CHECKS), 't_v_check true')
        self.assertEqual(project.query('select v from t'), 'X')

    def test_c13_writers_that_own_nothing_go_on_too(self):
        project = self.project(CHANGE, ROWS + ''';
create role lowly; grant select, insert, update on t to lowly''')
        project.migrate('up', expect=1)
        project.query("set role lowly; insert into t values (100, 'abc')")


if __name__ == '__main__':
    harness.main()
