"""Keys that are equal for the server and spelled in two ways, and keys of every kind of type: rows
of one key are settled as the load settled them, and a repair touches nothing that is right."""
import bson
import harness
from verdicts import Case, DELETE, TAGS, counts, oid

D = bson.Decimal128
DAY = 86_400_000
CI = "create collation ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"


def existing(kind):
    return f"""create table docs (mongo_id text, k {kind} primary key, ver int, n int);
      create table tags (parent_k {kind}, ordinal int, tag text, primary key (parent_k, ordinal))"""


# Type of the mapping, what there is before, two spellings of one key, and another key.
ALIKE = {
    'citext': ('citext', 'create extension citext', 'Ann', 'ANN', 'bob'),
    'domain': ('em', 'create extension citext; create domain em as citext', 'Ann', 'ANN', 'bob'),
    'collation': ('text', CI + existing('text collate ci'), 'Ann', 'ANN', 'bob'),
    'varchar': ('varchar(9)', CI + existing('varchar(9) collate ci'), 'Ann', 'ANN', 'bob'),
    'citext[]': ('citext[]', 'create extension citext', ['Ann', 'b'], ['ANN', 'B'], ['bob']),
    'float8': ('float8', '', 0.0, -0.0, 1.5),
    'float4': ('float4', '', -0.0, 0.0, 1.5),
    'float8[]': ('float8[]', '', [0.0, 1.0], [-0.0, 1.0], [1.0]),
    'interval': ('interval', '', '1 day', '24 hours', '2 days'),
    'numeric': ('numeric', '', D('1'), D('1.00'), D('2')),
    'numeric in a domain': ('num', 'create domain num as numeric', D('1'), D('1.00'), D('2')),
    'jsonb': ('jsonb', '', {'a': D('1')}, {'a': D('1.00')}, {'b': 1}),
    'jsonb in a domain': ('js', 'create domain js as jsonb', {'a': D('1')}, {'a': D('1.00')}, {'b': 1}),
    'range': ('numrange', '', '[1,2)', '[1.0,2.00)', '[3,4)'),
    'hstore': ('hstore', 'create extension hstore', 'a=>1,b=>2', 'b=>2,a=>1', 'a=>2'),
    'inet': ('inet', '', '10.0.0.1', '10.0.0.1/32', '10.0.0.2'),
    'char': ('char(5)', '', 'a', 'a  ', 'b'),
}
STANDS = {'skip': 1, 'update': 4, 'newer': 2}
THERE = (
    """select n, ver, k::text, (select string_agg(tag, ',' order by ordinal) from tags where parent_k = k)
        from docs order by n""")

# Type of the mapping, and three keys.
KINDS = {
    'text[]': ('', [['a'], ['b', 'c'], ['d "x"', ',']]), 'int4[]': ('', [[1], [2, 3], [4]]),
    'float8[]': ('', [[1.5], [2, 3], [4]]),
    'date[]': ('', [[bson.Date(0)], [bson.Date(DAY)], [bson.Date(2 * DAY)]]),
    'bytea': ('', [b'a', b'\0\\', b'']),
    'mood': ("create type mood as enum ('a', 'b c', 'd')", ['a', 'b c', 'd']),
    'dom': ('create domain dom as int check (value > 0)', [1, 2, 3]),
    'list': ('create domain list as int[]', ['{1}', '{2,3}', '{4}']), 'bit(3)': ('', ['101', '111', '000']),
    'bit varying(5)': ('', ['1', '10', '11']),
    'inet': ('', ['10.0.0.1', '10.0.0.0/8', '::1']), 'jsonb': ('', [{'a': 1}, {'b': [1, 2]}, {}]),
    'numrange': ('', ['[1,2)', '[2,3)', 'empty']),
    'timetz': ('', ['10:00:00+00', '11:00:00+01', '12:00:00-03']),
    'interval': ('', ['1 day', '2 days', '3 hours']),
    'numeric': ('', [D('1.5'), D('2'), D('3.25')]),
    'timestamptz(3)': ('', [bson.Date(1), bson.Date(2), bson.Date(3)]),
}

# As format_type() spells them, and names that are near to others.
SPELLED = {
    'time with time zone': '10:00:00+00', 'time(2) with time zone': '10:00:00.129+01',
    'time(3) without time zone': '10:00:00.1239',
    'timestamp(3) without time zone': '2026-01-01T00:00:00.1239Z',
    'timestamp(0) with time zone': '2026-01-01T00:00:00.5Z',
    'interval(0)': '1.6 seconds', 'interval day to second': '1 day 1.6 seconds',
    'interval day to second(0)': '1.6 seconds',
    '"char"': 'a', 'bit varying(5)': '101', 'character varying(20)': 'x', 'double precision': 1.5,
    'timetz[]': ['10:00:00+00'],
    'public.number': 5, 'public."string"': 'x', 'public.tex': 'x', 'apart.citext': 'Ann', 'money': '1.50',
    'oid': 5, 'name': 'x',
}
NAMES = """create domain number as int; create domain "string" as text; create type tex as enum ('x');
  create schema apart;
  create extension citext schema apart"""

# Equal without regard to case, with an order and no hash.
LOOSE = """create type loose; create function loose_in(cstring) returns loose
  language internal immutable strict as 'textin';
  create function loose_out(loose) returns cstring language internal immutable strict as 'textout';
  create type loose (input = loose_in, output = loose_out, like = text);
  create cast (loose as text) without function as assignment;
  create cast (text as loose) without function as assignment;
  create function loose_cmp(loose, loose) returns int language plpgsql immutable strict as $$ begin
    return case when lower($1::text) < lower($2::text) then -1 when lower($1::text) = lower($2::text)
      then 0 else 1 end; end $$;
""" + ''.join(f"""create function loose_{name}(loose, loose) returns bool language plpgsql immutable strict as
    $$ begin return loose_cmp($1, $2) {sign} 0; end $$;
  create operator {sign} (leftarg = loose, rightarg = loose, function = loose_{name});
""" for name, sign in (('lt', '<'), ('le', '<='), ('eq', '='), ('ge', '>='), ('gt', '>'))) + """
  create operator class loose_ops default for type loose using btree as operator 1 <, operator 2 <=,
  operator 3 =, operator 4 >=, operator 5 >,
    function 1 loose_cmp(loose, loose)"""


class Keys(Case):
    def loaded(self, kind, before, rows, policy):
        documents = [{'_id': oid(i), 'k': k, 'ver': ver, 'n': n, 'tags': tags}
                     for i, (k, ver, n, tags) in enumerate(rows)]
        return self.made(documents, columns=f"{{ 'k', '{kind}' }}, {{ 'ver', 'int4' }}, {{ 'n', 'int4' }}",
                         key='k', conflict=policy, before=before,
                         target_options="newer = 'ver'," if policy == 'newer' else '',
                         extra=TAGS + "unmapped = 'ignore',")

    def mended(self, work, sql, wanted, **wrong):
        work.database.query(sql)
        found = counts(self.verify(work, expect=4))
        self.assertEqual({k: found[t][k] for t, k in (w.split('_') for w in wrong)},
                         {w.split('_')[1]: v for w, v in wrong.items()})
        self.repair(work, *DELETE, '--delete-many', '--overwrite-newer')
        self.assertEqual(work.database.rows(THERE), wanted)
        self.verify(work)

    def test_keys_that_are_equal_for_the_server(self):
        for number, (name, (kind, before, one, same, other)) in enumerate(ALIKE.items()):
            for policy, stands in list(STANDS.items()) if name in ('citext', 'collation', 'float8') else [
                    list(STANDS.items())[number % 3]]:
                with self.subTest(name, policy=policy):
                    work = self.loaded(kind, before,
                                       [(one, 1, 1, ['a']), (same, 2, 2, ['b', 'c']), (other, 1, 3, ['d']),
                                        (one, 1, 4, [])],
                                       policy)
                    there = work.database.rows(THERE)
                    self.assertEqual(sorted(int(row[0]) for row in there), sorted([3, stands]))
                    self.verify(work)
                    self.mended(work, 'update docs set n = 30 where n = 3', there, docs_different=1)
                    self.mended(work, f'update docs set n = 40 where n = {stands}', there, docs_different=1)
                    if stands != 4:
                        self.mended(work, "update tags set tag = 'z' where tag in ('a', 'b')", there,
                                    tags_different=1)
                    work.database.query('delete from tags; delete from docs')
                    self.assertEqual(counts(self.verify(work, expect=4))['docs']['missing'], 2)
                    self.repair(work, '--apply')
                    self.assertEqual([row[:2] + row[3:] for row in work.database.rows(THERE)],
                                     [row[:2] + row[3:] for row in there])

    def test_another_spelling_of_a_key_is_no_difference(self):
        work = self.loaded('citext', 'create extension citext', [('Ann', 1, 1, ['a']), ('bob', 1, 2, [])],
                           'error')
        work.database.query("update docs set k = 'ANN' where n = 1")
        self.verify(work)
        self.mended(work, "update docs set n = 7 where k = 'ann'",
                    [['1', '1', 'ANN', 'a'], ['2', '1', 'bob', '\\N']], docs_different=1)

    def test_a_type_without_a_hash(self):
        """Which keys are equal cannot be told: that is said, and no row is written over one of an
        equal key."""
        work = self.loaded('loose', LOOSE, [('Ann', 1, 1, ['a']), ('ANN', 1, 2, ['b']), ('bob', 1, 3, ['c'])],
                           'skip')
        there = work.database.rows(THERE)
        result = self.verify(work, expect=4)
        self.assertIn('only the server can tell which values of k are equal', result.out + result.err)
        work.database.query('update docs set n = 30 where n = 3')
        self.assertIn('nothing was written', self.repair(work, '--apply', expect=1).err)
        self.repair(work, expect=4)
        work.database.query('update docs set n = 3 where n = 30')
        self.assertEqual(work.database.rows(THERE), there)

    def test_arrays_with_other_bounds_are_other_keys(self):
        kind = 'public.list'
        work = self.loaded(kind, 'create domain list as float8[]',
                           [('{1,2}', 1, 1, []), ('[0:1]={1,2}', 1, 2, []), ('{{1,2}}', 1, 3, [])], 'update')
        self.verify(work)
        self.mended(work, 'update docs set n = 30 where n = 3',
                    [[str(n), '1', k, '\\N'] for n, k in ((1, '{1,2}'), (2, '[0:1]={1,2}'), (3, '{{1,2}}'))],
                    docs_different=1)

    def test_keys_of_every_kind(self):
        for kind, (before, keys) in KINDS.items():
            with self.subTest(kind):
                work = self.loaded(kind, before, [(k, 1, n, ['a'] * n) for n, k in enumerate(keys)], 'update')
                there = work.database.rows(THERE)
                self.verify(work)
                self.mended(work,
                            'update docs set n = 10 where n = 1; delete from docs where n = 2; '
                            'delete from tags where ordinal = 1',
                            there, docs_different=1, docs_missing=1)

    def test_columns_as_the_server_spells_their_types(self):
        for kind, value in SPELLED.items():
            with self.subTest(kind):
                work = self.made([{'_id': oid(1), 'v': value, 'n': 1}],
                                 columns=f"{{ 'v', '{kind}' }}, {{ 'n', 'int4' }}", before=NAMES)
                there = self.rows(work, order='1')
                self.verify(work)
                work.database.query('update docs set v = null, n = 2')
                self.assertEqual(counts(self.verify(work, expect=4))['docs']['different'], 1)
                self.repair(work, '--apply')
                self.assertEqual(self.rows(work, order='1'), there)


if __name__ == '__main__':
    harness.main()
