"""Fixes on every kind of table and type; what cannot work is refused with what to do."""
import unittest

import harness
from fixes import FixWork
from postgres import Postgres

TYPES = {
    'b': ('bool', 'true'), 'i2': ('int2', '-3'), 'i4': ('int4', '7'), 'i8': ('int8', '9007199254740993'),
    'f4': ('float4', '0.1'), 'f8': ('float8', '0.30000000000000004'), 'nan': ('float8', "'NaN'"),
    'inf': ('float8', "'-Infinity'"),
    'num': ('numeric', '1.500'), 'nnan': ('numeric', "'NaN'"), 'num2': ('numeric(12,2)', '12345.60'),
    'txt': ('text', "E'a\"b\\\\c, {}\\n''d'"),
    'empty': ('text', "''"), 'word': ('text', "'NULL'"), 'vc': ('varchar(9)', "'x  '"),
    'ch': ('char(4)', "'ab'"),
    'bytes': ('bytea', r"'\x00ff10'"), 'id1': ('uuid', "'0190f3a2-0000-7000-8000-000000000001'"),
    'd': ('date', "'0044-03-15 BC'"),
    'dinf': ('date', "'infinity'"), 'tm': ('time', "'12:34:56.789012'"), 'ttz': ('timetz', "'12:34:56+02'"),
    'ts': ('timestamp', "'2026-03-01 10:00:00.000001'"), 'tz': ('timestamptz', "'2026-03-01 10:00:00.5+02'"),
    'iv': ('interval', "'1 mon -2 days 03:04:05.6'"),
    'js': ('json', '\'{"b" : 1,  "a": 1.10}\''), 'jb': ('jsonb', '\'{"b": 1, "a": 1.10, "n": null}\''),
    'jn': ('jsonb', "'null'"),
    'ia': ('int[]', "'[2:3]={1,NULL}'"), 'ta': ('text[]', "array['a,b', '', 'NULL', null, E'\\\\\"']"),
    'ia2': ('int[]', "'{{1,2},{3,4}}'"),
    'ip': ('inet', "'10.0.0.1'"), 'rng': ('int4range', "'[1,5)'"), 'pt': ('point', "'(1,2.5)'"),
    'bits': ('bit(3)', "B'101'"),
    'vb': ('bit varying', "B'10'"), 'ml': ('macaddr', "'08:00:2b:01:02:03'"),
    'tv': ('tsvector', "'a:1 b:2A'"), 'mood': ('mood', "'it''s, ok'"),
    'dom': ('posint', '5'), 'comp': ('pair', "row(1, 'x,y')"), 'x': ('xml', "'<a>b</a>'"),
    'mny': ('money', '12.34'), 'lsn': ('pg_lsn', "'0/16B3748'"),
}


class Tables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def refused(self, text, sql='', status=1, **more):
        work = FixWork(self.server, 3, sql=sql, **more)
        result = work.run(expect=status)
        self.assertIn(text, ' '.join(result.err.split()))
        return result

    def test_n_18_every_type_comes_back_bit_by_bit(self):
        columns = ', '.join(f'{n} {t}' for n, (t, _) in TYPES.items())
        values = ', '.join(v for _, v in TYPES.values())
        sql = f"""create type mood as enum ('sad', 'it''s, ok');
            create domain posint as int check (value > 0);
            create type pair as (a int, b text); create table t (id int primary key, {columns});
            insert into t values (1, {values}), (2, {', '.join(v for _, v in TYPES.values())});
            insert into t (id) values (3);"""
        clear = ' '.join(f'row.{name} = nil' for name in TYPES)
        work = FixWork(self.server, 0, sql=sql, table='t', set_=list(TYPES), where=None,
                       map_=f'function(row) {clear} end')
        digest = "select md5(string_agg(t::text, E'\\n' order by id)) from t"
        exact = ("select id, pg_column_size(t), md5(concat_ws('|', encode(float8send(f8), 'hex'), "
                 "encode(numeric_send(num), 'hex'), encode(textsend(js::text), 'hex'))) from t order by id")
        before = work.values(digest), work.values(exact)
        run = work.apply()
        self.assertEqual((run['changed'], run['unchanged']), (2, 1))
        self.assertEqual(
            work.values('select count(*) from t where num_nonnulls(' + ', '.join(TYPES) + ') > 0'), '0')
        self.assertEqual(work.undo(run['run'])['changed'], 2)
        self.assertEqual((work.values(digest), work.values(exact)), before)

    def test_what_the_hook_does_not_touch_stays_byte_for_byte(self):
        columns = ', '.join(f'{n} {t}' for n, (t, _) in TYPES.items())
        sql = f"""create type mood as enum ('sad', 'it''s, ok');
            create domain posint as int check (value > 0);
            create type pair as (a int, b text); create table t (id int primary key, note text, {columns});
            insert into t values (1, 'n', {', '.join(v for _, v in TYPES.values())});"""
        work = FixWork(self.server, 0, sql=sql, table='t', set_=['note', *TYPES], where=None,
                       map_="function(row) row.note = row.note .. '!' end")
        before = work.values("select md5((to_jsonb(t) - 'note')::text), md5(t.js::text) from t")
        self.assertEqual(work.apply()['changed'], 1)
        self.assertEqual(work.values("select md5((to_jsonb(t) - 'note')::text), md5(t.js::text) from t"),
                         before)
        self.assertEqual(work.values('select fields from lugger.images'), '{note}')

    def test_a_trigger_that_alters_nothing_is_no_alarm(self):
        sql = """create domain price as numeric(10,2);
            create table t (id int primary key, n numeric(10,2), ns numeric(10,2)[], p price, c char(6),
              cs char(6)[], v varchar(6), j jsonb,
              js json, at timestamptz(3), pt point);
            insert into t (id) select generate_series(1, 3);
            create function same() returns trigger language plpgsql as $$ begin return new; end $$;
            create trigger nothing before update on t for each row execute function same();"""
        values = """row.n = 5 row.ns = { 5, 6 } row.p = 7 row.c = 'ab' row.cs = { 'ab' } row.v = 'ab'
            row.j = { b = 1.0, a = { 1 } }
            row.js = { 1 } row.at = '2026-03-01T10:00:00.500+02:00' row.pt = '(1,2.50)'"""
        names = ['n', 'ns', 'p', 'c', 'cs', 'v', 'j', 'js', 'at', 'pt']
        work = FixWork(self.server, 0, sql=sql, table='t', set_=names, where=None,
                       map_=f'function(row) {values} end')
        run = work.apply()
        self.assertEqual((run['changed'], run['notes']), (3, []))
        self.assertEqual(work.values('select n, c, p, j from t where id = 1'),
                         '5.00|ab    |7.00|{"a": [1], "b": 1}')
        self.assertEqual(work.undo(run['run'])['changed'], 3)
        again = work.apply()
        self.assertEqual(again['notes'], [])
        work.values("update t set n = 1, c = 'x', at = 'epoch', ns = '{1}', p = 1, cs = '{x}' where id = 2")
        self.assertEqual(work.undo(work.apply()['run'])['changed'], 1)
        self.assertEqual(work.values('select n, c, ns, p, cs from t where id = 2'),
                         '1.00|x     |{1.00}|1.00|{"x     "}')

    def test_a_trigger_that_alters_a_little_is_told(self):
        for column, wrote, made in (('n numeric(10,2)', '5', '5.01'), ('c char(6)', "'ab'", "'aB'"),
                                    ('j jsonb', '{ a = 1 }', "'{}'"), ('t citext_like', "'ab'", "'AB'"),
                                    ('at timestamptz', "'2026-03-01T10:00:00Z'", "'2026-03-01 10:00:01Z'")):
            name = column.split()[0]
            sql = f"""create collation any_case (provider = icu, locale = 'und-u-ks-level2',
                deterministic = false);
                create domain citext_like as text collate any_case;
                create table t (id int primary key, {column}); insert into t (id) values (1);
                create function other() returns trigger language plpgsql as $$ begin new.{name} := {made};
                  return new; end $$;
                create trigger alters before update on t for each row execute function other();"""
            work = FixWork(self.server, 0, sql=sql, table='t', set_=[name], where=None,
                           map_=f'function(row) row.{name} = {wrote} end')
            self.assertEqual(work.apply()['notes'],
                             ['in 1 rows the server made something else of what was written'], column)

    def test_arrays_written_back_are_unchanged(self):
        sql = ("create table t (id int primary key, a int[], b text[]); "
               "insert into t values (1, '{{1,2},{3,4}}', array['x,y', null])")
        work = FixWork(self.server, 0, sql=sql, table='t', set_=['a', 'b'], where=None,
                       map_='function(row) row.a = row.a row.b = { "x,y", "NULL", "" } end')
        self.assertEqual(work.apply()['changed'], 1)
        self.assertEqual(work.values('select a, b, fields from lugger.images, t'),
                         '{{1,2},{3,4}}|{"x,y","NULL",""}|{b}')

    def test_composite_keys_and_odd_names(self):
        sql = '''create schema odd; create table odd."t ""x" ("k 1" text, k2 date, "v'v" text,
            primary key ("k 1", k2));
            insert into odd."t ""x" select chr(97 + i % 5) || ',''"\\', date '2026-01-01' + i, 'v' || i
              from generate_series(1, 40) i;'''
        work = FixWork(self.server, 0, sql=sql, table='odd.t "x', key=None,
                       where='''"t ""x"."v'v" <> 'v3' ''', set_=["v'v"],
                       map_='''function(row) row["v'v"] = row["v'v"]:upper() end''', extra='batch_rows = 7,')
        run = work.apply()
        self.assertEqual(run['changed'], 39)
        self.assertEqual(work.undo(run['run'])['changed'], 39)
        self.assertEqual(work.values('''select count(*) from odd."t ""x" where "v'v" like 'v%' '''), '40')

    def test_partitioned_tables(self):
        sql = """create table t (id int, region text, v text,
            primary key (id, region)) partition by list (region);
            create table t_a partition of t for values in ('a');
            create table t_b partition of t for values in ('b');
            insert into t select i, case when i % 2 = 0 then 'a' else 'b' end, 'x'
              from generate_series(1, 20) i"""
        work = FixWork(self.server, 0, sql=sql, table='t', key=None, where=None, set_=['v'],
                       map_="function(row) row.v = row.region .. row.id end")
        run = work.apply()
        self.assertEqual(run['changed'], 20)
        self.assertEqual(work.undo(run['run'])['changed'], 20)
        self.assertEqual(work.values('select distinct v from t'), 'x')

    def test_triggers_and_generated_columns(self):
        sql = """alter table customers add changed_at text,
            add long int generated always as (length(phone)) stored, add n int generated always as identity;
            create function stamp() returns trigger language plpgsql as $$ begin new.changed_at := 'now';
              return new; end $$;
            create trigger stamp before update on customers for each row execute function stamp();
            create trigger other before update of name on customers for each row execute function stamp();"""
        work = FixWork(self.server, 10, sql=sql)
        report = work.apply()
        self.assertEqual(report['triggers'], ['stamp'])
        self.assertEqual(work.values('select long, changed_at, n from customers where id = 2'), '2|now|2')
        self.assertEqual(work.undo(report['run'])['changed'], 5)
        self.assertEqual(work.values('select phone, long from customers where id = 2'), '002|3')

    def test_a_trigger_that_keeps_rows(self):
        sql = """create function keep() returns trigger language plpgsql as $$ begin
            if new.id = 4 then return null; end if; return new; end $$;
            create trigger keep before update on customers for each row execute function keep();"""
        report = FixWork(self.server, 10, sql=sql).apply(expect=3)
        self.assertEqual((report['changed'], report['rejected']), (4, 1))
        self.assertIn('row-level security or a trigger keeps it', report['rejects'][0]['message'])

    def test_row_security(self):
        sql = """create role clerk login; grant select, update on customers to clerk;
            alter table customers enable row level security;
            create policy see on customers for select using (id < 9);
            create policy change on customers for update using (id <> 4) with check (phone <> '+6');
            create schema mine authorization clerk;"""
        work = FixWork(self.server, 10, sql=sql)
        work.script((work.directory / 'job.lua').read_text().replace(
                        "{ table", "{ state_schema = 'mine', table"))
        work.database.user = 'clerk'
        report = work.apply(expect=3)
        self.assertEqual((report['looked_at'], report['changed'], report['rejected']), (4, 2, 2))
        self.assertIn('row-level security is in force', report['notes'][0])
        messages = {r['key']: r['message'] for r in report['rejects']}
        self.assertIn('row-level security', messages['4'])
        self.assertIn('row-level security', messages['6'])

    def test_no_rights(self):
        work = FixWork(self.server, 3, sql='create role reader login; grant select on customers to reader')
        work.database.user = 'reader'
        work.run()
        result = work.run('--apply', expect=1)
        self.assertIn('permission denied: UPDATE on customers.phone', result.err)
        self.assertIn('GRANT UPDATE (phone) ON customers', result.err)

    def test_tables_that_cannot_be_fixed(self):
        self.refused('customers has no primary key; name columns with a unique index',
                     sql='alter table customers drop constraint customers_pkey', key=None)
        self.refused('no unique index on (id)', sql='alter table customers drop constraint customers_pkey')
        self.refused('may be NULL', sql='create unique index on customers (phone)', key='phone',
                     set_=['name'])
        self.refused('v is a view', sql='create view v as select * from customers', table='v')
        self.refused('there is no table custmers; did you mean customers?', table='custmers')

    def test_words_that_do_not_fit(self):
        self.refused('set: customers has no column "phon"; did you mean phone?', set_=['phon'])
        self.refused('set: id is part of the key', set_=['id'])
        self.refused('key: customers has no column "ids"; did you mean id?', key='ids')
        self.refused('set: g is generated',
                     sql='alter table customers add g int generated always as (1) stored', set_=['g'])
        self.refused('set: name looks into name'.replace('name looks', 'name.first looks'),
                     set_=['name.first'])
        self.refused('map writes name, which is not in `set`', map_="function(row) row.name = 'x' end",
                     where=None)
        self.refused('the row has no column "phon"', map_="function(row) row.phon = 'x' end", where=None)
        self.refused('a fix does not know the key "wher" (script job.lua); did you mean where?',
                     extra="wher = 'x',")
        self.refused('max_rows must be a whole number from 1', extra='max_rows = 0,')
        self.refused('a where or a query, not both', extra="query = 'select 1 as id',")
        self.refused('takes a length of time', extra="retention = 'soon',")

    def test_a_condition_with_a_mistake(self):
        result = self.refused('where: PostgreSQL: syntax error at or near "lke"', where="phone lke '00%'")
        self.assertIn('at "lke', result.err)
        self.refused('column "fone" does not exist', where='fone is null')

    def test_a_fix_and_other_things(self):
        work = FixWork(self.server, 3)
        text = (work.directory / 'job.lua').read_text()
        work.script(text.replace('return lugger.fix {', 'local f = lugger.fix {')
                    + '\nreturn { f, lugger.task("t", function() end) }')
        self.assertIn('a script returns copies and tasks, or one fix', work.run(expect=1).err)
        work.script(text)
        self.assertIn('job.lua is a fix', work.lugger('plan', 'job.lua', expect=1).err)
        self.assertIn('job.lua is a fix', work.lugger('preview', 'job.lua', expect=1).err)

    def test_an_error_in_map_writes_nothing(self):
        work = FixWork(self.server, 5000, where=None,
                       map_="function(row) if row.id == 3999 then error('what is this') end "
                            "row.phone = 'x' end")
        result = work.run('--apply', expect=1)
        self.assertRegex(result.err, r'map: .*job\.lua:\d+: what is this')
        self.assertIn('3999', result.err)
        self.assertEqual(work.values("select count(*) from customers where phone = 'x'"), '0')
        work.script((work.directory / 'job.lua').read_text().replace(
                        'map =', "on_hook_error = 'reject', map ="))
        self.assertEqual(work.apply(expect=3)['changed'], 4999)


class Json(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    SQL = """create table t (id int primary key, p jsonb);
        insert into t values (1, '{"phone": "001", "price": 1.10, "big": 12345678901234567890.5,
          "w": {"$oid": "x"}, "a": {"b": [1, {"c": 2}]}}'),
        (2, '{"phone": null}'), (3, '{}'), (4, null), (5, '[1]'), (6, '7');"""

    def work(self, set_, map_, where=None):
        return FixWork(self.server, 0, sql=self.SQL, table='t', set_=set_, where=where, map_=map_)

    def test_a_path_changes_nothing_beside_it(self):
        work = self.work(['p.phone'],
                         "function(row) if row['p.phone'] == '001' then row['p.phone'] = '+1' end end")
        run = work.apply()
        self.assertEqual(run['changed'], 1)
        self.assertEqual(work.values("select p - 'phone' from t where id = 1"),
                         '{"a": {"b": [1, {"c": 2}]}, "w": {"$oid": "x"}, "big": '
                         '12345678901234567890.5, "price": 1.10}')
        self.assertEqual(work.values("select p ->> 'phone' from t where id = 1"), '+1')
        self.assertEqual(work.values('select fields, before, after from lugger.images'),
                         '{p.phone}|{"\\"001\\""}|{"\\"+1\\""}')

    def test_undo_of_a_path_after_changes_elsewhere_in_the_document(self):
        work = self.work(['p.phone', 'p.a.b.0'], """function(row)
          if row.id == 1 then row['p.phone'] = '+1' row['p.a.b.0'] = { x = 1 } end end""")
        run = work.apply()['run']
        self.assertEqual(work.values("select p -> 'a' from t where id = 1"), '{"b": [{"x": 1}, {"c": 2}]}')
        work.database.query("""update t set p = jsonb_set(p, '{new}', '5') where id = 1""")
        self.assertEqual(work.undo(run)['changed'], 1)
        self.assertEqual(work.values("select p ->> 'phone', p -> 'a', p -> 'new' from t where id = 1"),
                         '001|{"b": [1, {"c": 2}]}|5')

    def test_null_and_nil(self):
        work = self.work(['p.phone'], """function(row)
          local null = require('lugger').null
          if row.id == 1 then row['p.phone'] = nil end
          if row.id == 2 then assert(row['p.phone'] == null) end
          if row.id == 3 then assert(row['p.phone'] == nil) row['p.phone'] = null end
          if row.id == 4 then row['p.phone'] = 'x' end
          if row.id == 6 then row['p.phone'] = 'x' end
        end""")
        run = work.apply(expect=3)
        self.assertEqual(work.values("select p ? 'phone' from t where id = 1"), 'f')
        self.assertEqual(work.values('select p from t where id = 3'), '{"phone": null}')
        self.assertEqual([(r['key'], r['code']) for r in run['rejects']],
                         [('4', 'wrong_type'), ('6', 'wrong_type')])
        self.assertEqual(work.undo(run['run'])['changed'], 2)
        self.assertEqual(work.values("select p ->> 'phone' from t where id = 1"), '001')
        self.assertEqual(work.values('select p from t where id = 3'), '{}')

    def test_whole_documents(self):
        work = self.work(['p'], """function(row)
          if row.id ~= 1 then return end
          local p = row.p:totable()
          p.phone = nil
          p.tags = { 'a', 'b' }
          row.p = p
        end""")
        work.apply()
        self.assertEqual(work.values('select p from t where id = 1'),
                         '{"a": {"b": [1, {"c": 2}]}, "w": {"$oid": "x"}, "big": 12345678901234567890.5, '
                         '"tags": ["a", "b"], "price": 1.1}')
        self.assertEqual(work.values('select count(*) from lugger.images'), '1')

    def test_a_document_cannot_be_changed_in_passing(self):
        work = self.work(['p'], "function(row) if row.id == 1 then row.p.phone = 'x' end end")
        self.assertIn('a document is read only', work.run(expect=1).err)

    def test_overlapping_paths(self):
        work = self.work(['p.a', 'p.a.b'], 'function(row) end')
        self.assertIn('set: p.a.b lies inside p.a', work.run(expect=1).err)


if __name__ == '__main__':
    harness.main()
