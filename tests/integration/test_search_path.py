"""b2: what lugger's own statements call is PostgreSQL's, whatever lies in the schemas of the search_path."""

import glob
import json
import unittest

from fixes import CUSTOMERS, fix
import harness
from jobs import Work, job
from postgres import Postgres

SETTINGS = {
    'log_statement': 'all',
    'logging_collector': 'on',
    'log_destination': 'jsonlog',
    'log_rotation_age': '0',
    'log_rotation_size': '0',
}

# Every function of each statement, one a line: with how many arguments, by its name as it stands.
CALLS = r"""
local native, json = require 'lugger.native', require 'lugger.json'
local function look(v, found)
  if type(v) ~= 'table' then return end
  local call = rawget(v, 'FuncCall')
  if call then
    local name = {}
    for i, part in ipairs(call.funcname) do name[i] = part.String.sval or part.String.str end
    found[#found + 1] = { name = table.concat(name, '.'), arguments = call.args and #call.args or 0 }
  end
  for _, one in pairs(v) do look(one, found) end
end
for line in io.lines(arg[1]) do
  local sql = json.decode(line)[1]
  local ok, tree = pcall(native.sql.tree, sql)
  local found = {}
  if ok then look(type(tree) == 'string' and json.decode(tree) or tree, found) end
  print(json.encode({ sql = sql, parsed = ok, calls = found }, 'plain'))
end
"""

# Of each name a function for these, alone and mixed: whoever calls without a schema meets one.
TYPES = [
    'text',
    'varchar',
    'integer',
    'smallint',
    'bigint',
    'oid',
    'name',
    'regclass',
    'boolean',
    '"char"',
    'text[]',
    'jsonb',
    'timestamptz',
    'interval',
    'bytea',
    'numeric',
    'uuid',
]
PAIRED = ['text', 'varchar', 'integer', 'bigint', 'oid', 'name', 'regclass', 'text[]']
OPERATORS = [
    '=',
    '<>',
    '<',
    '>',
    '<=',
    '>=',
    '+',
    '-',
    '*',
    '/',
    '%',
    '||',
    '~',
    '!~',
    '~~',
    '!~~',
    '&',
    '|',
    '->',
    '->>',
    '@>',
    '<@',
    '&&',
    '?',
]
DOCUMENTS = [
    {
        '_id': i,
        'n': i,
        'tags': [{'tag': f't{i}'}, {'tag': 'x'}],
        'v': 'a' if i < 900 else 'too long for this one',
    }
    for i in range(950)
]
JOB = job(
    "{ 'n', 'int4' }, { 'v', 'varchar(10)' }",
    conflict='update',
    extra="""
  children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text' } } } },
  indexes = { { 'n', name = 'docs_n' } }, constraints = { 'check (n >= 0)' }, not_null = 'n',
  unmapped = 'ignore',""",
)
HOSTILE = """
    do $$ begin if not exists (select from pg_roles where rolname = 'mallory') then
      create role mallory login; end if;
    end $$;
    grant create, usage on schema public to public; set role mallory;
    create table public.reached (name text); grant all on public.reached to public"""


def hostile_body(name, value='null'):
    return (
        f"language plpgsql as $f$ begin insert into public.reached values ('{name}'); return {value}; end $f$"
    )


class Base(unittest.TestCase):
    settings = None

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres(settings=cls.settings)

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()

    def play(self, work, refused=False):
        """A little of everything; twice, so that rows are compared; something to mend. How each ended."""
        database, ends = work.database, []
        work.script(JOB)
        work.script(fix(extra="name = 'fix',"), 'fix.lua')
        database.query(
            'set search_path = pg_catalog; '
            + CUSTOMERS.format(rows=20).replace('customers', 'public.customers')
        )
        (work.directory / 'migrations').mkdir(exist_ok=True)
        (work.directory / 'migrations' / '20260101000001_x.sql').write_text(
            'create table made (a int);\n', encoding='utf-8'
        )

        def end(*words):
            done = work.lugger(*words, expect=None)
            ends.append((words, done.status, done.err))
            return done

        for words in (
            ('plan', 'job.lua', '--create'),
            ('preview', 'job.lua'),
            ('run', 'job.lua', '--create', '-j', '2'),
            ('run', 'job.lua', '--again'),
            ('verify', 'job.lua'),
            ('rejects', 'job.lua'),
            ('rejects', 'job.lua', '--retry'),
            ('runs', 'job.lua'),
            ('preflight', 'job.lua'),
            ('refs', 'job.lua'),
        ):
            end(*words)
        database.query(
            'update docs set n = n + 1 where n < 3; delete from docs where n = 100; '
            "delete from tags where tag = 't7'",
            check=not refused,
        )
        for words in (
            ('verify', 'job.lua'),
            ('repair', 'job.lua', '--apply'),
            ('run', 'fix.lua'),
            ('run', 'fix.lua', '--apply'),
            ('migrate', 'up'),
            ('migrate', 'status'),
            ('log',),
            ('describe', database.url, '--table', 'docs'),
        ):
            end(*words)
        database.query("update customers set phone = '00' || phone where id < 4", check=not refused)
        run = json.loads(end('run', 'fix.lua', '--apply', '--json').out or '{}').get('run')
        end('undo', run or 'none')
        end('state', 'prune', '--keep', '1')
        return ends

    def books(self, database):
        return database.query(
            "select count(*), sum(n) from docs; select count(*) from tags; "
            "select count(*), min(phone) from customers"
        )

    @staticmethod
    def statuses(ends):
        return [(words[0], status) for words, status, _ in ends]


class SearchPath(Base):
    settings = SETTINGS

    def statements(self):
        """What lugger's sessions said, in the server's log."""
        found = set()
        for file in glob.glob(self.server.data + '/log/*.json'):
            with open(file, encoding='utf-8') as lines:
                for line in lines:
                    entry = json.loads(line)
                    head, _, sql = entry.get('message', '').partition(': ')
                    if entry.get('application_name', '').startswith('lugger') and (
                        head == 'statement' or head.startswith('execute ')
                    ):
                        found.add(sql)
        return found

    def calls(self, statements):
        path = harness.script(CALLS, 'calls.lua')
        with open(path + '.txt', 'w', encoding='utf-8') as file:
            for sql in sorted(statements):
                file.write(json.dumps([sql]) + '\n')
        return harness.json_lines(harness.lugger('--lua', path, path + '.txt').out)

    def calm(self):
        """Without anything hostile: how commands end, what is in the tables, which functions are called."""
        if not hasattr(type(self), 'known'):
            work = Work(self.server.fresh(), DOCUMENTS)
            ends = self.play(work)
            type(self).known = ends, self.books(work.database), self.calls(self.statements())
        return type(self).known

    # Of each command in turn: done, rejects, differences.
    ends = (
        ('plan', 0),
        ('preview', 0),
        ('run', 3),
        ('run', 3),
        ('verify', 0),
        ('rejects', 0),
        ('rejects', 3),
        ('runs', 0),
        ('preflight', 0),
        ('refs', 4),
        ('verify', 4),
        ('repair', 0),
        ('run', 0),
        ('run', 0),
        ('migrate', 0),
        ('migrate', 0),
        ('log', 0),
        ('describe', 0),
        ('run', 0),
        ('undo', 0),
        ('state', 0),
    )

    def test_b2_every_function_is_named_with_its_schema(self):
        ends, _, told = self.calm()
        self.assertEqual(self.statuses(ends), list(self.ends), ends)
        self.assertGreater(len(told), 150)
        self.assertGreater(sum(len(one['calls']) for one in told), 150)
        # unnest of several lists is PostgreSQL's own by its grammar.
        bare = {
            (call['name'], one['sql'][:300])
            for one in told
            for call in one['calls']
            if '.' not in call['name'] and not (call['name'] == 'unnest' and call['arguments'] > 1)
        }
        self.assertEqual(bare, set())

    def test_b2_hostile_functions_and_casts_are_not_reached(self):
        ends, books, told = self.calm()
        names = {(call['name'].split('.')[-1], call['arguments']) for one in told for call in one['calls']}
        sql = [HOSTILE, 'create type public.evil as (a text)']
        for name, arguments in sorted({*names, ('hashtextextended', 2), ('concat_ws', 2), ('concat_ws', 3)}):
            types = [*TYPES, 'public.evil']
            lists = (
                [[]]
                if arguments == 0
                else (
                    [[t] for t in types]
                    if arguments == 1
                    else (
                        [[a, b] for a in PAIRED for b in PAIRED]
                        if arguments == 2
                        else [[t] * arguments for t in types]
                    )
                )
            )
            for given in lists:
                sql.append(
                    f'create function public."{name}"({", ".join(given)}) returns text '
                    + hostile_body(f'{name}({",".join(given)})')
                )
        # A type of the stranger's own, into which everything would be turned.
        for one in TYPES:
            sql.append(
                f'create function public.turned({one}) returns public.evil ' + hostile_body(f'cast {one}')
            )
            sql.append(f'create cast ({one} as public.evil) with function public.turned({one}) as implicit')
        work = Work(self.server.fresh(), DOCUMENTS)
        work.database.query(';\n'.join(sql))
        told = self.play(work)
        self.assertEqual(work.database.query('select distinct name from reached'), '')
        self.assertEqual(self.statuses(told), self.statuses(ends), told)
        self.assertEqual(self.books(work.database), books)

    def test_b2_hostile_operators_are_refused_or_not_met(self):
        work = Work(self.server.fresh(), DOCUMENTS)
        sql = [HOSTILE]
        for left in PAIRED:
            for right in PAIRED:
                sql.append(
                    f'create function public.hostile({left}, {right}) returns bool '
                    + hostile_body(f'{left} . {right}', 'false')
                )
                sql += [
                    f'create operator public.{name} (leftarg = {left}, rightarg = {right}, function = '
                    f'public.hostile)'
                    for name in OPERATORS
                ]
        work.database.query(';\n'.join(sql))
        told = self.play(work, refused=True)
        passed = {
            words[0]: err
            for words, status, err in told
            if status != 1 or 'would be called in place of' not in err
        }
        # Those read the ledger, along pg_catalog alone, or the source; nothing was written to be undone.
        self.assertLessEqual(set(passed), {'preview', 'runs', 'rejects', 'undo', 'state'}, passed)
        self.assertEqual(work.database.query('select distinct name from reached'), '')


class Operators(Base):
    def hostile(self, owner):
        database = self.server.fresh()
        database.query(
            f"do $$ begin if not exists (select from pg_roles where rolname = '{owner}') then create "
            f"role {owner} login; end if; end $$; "
            f'grant create, usage on schema public to public; set role {owner}; create table reached (a '
            f'text); grant all on reached to public;'
            "create function public.always(oid, regclass) returns bool language plpgsql as $$ begin "
            "insert into public.reached values ('='); return true; end $$;"
            'create operator public.= (leftarg = oid, rightarg = regclass, function = public.always)'
        )
        return Work(database, DOCUMENTS[:5], job("{ 'n', 'int4' }"))

    def test_b2_a_strangers_operator_is_refused(self):
        work = self.hostile('mallory')
        for words in (('run', 'job.lua', '--create'), ('plan', 'job.lua')):
            done = work.lugger(*words, expect=1)
            self.assertIn('operator public.=(oid,regclass) of role mallory', done.err)
            self.assertIn('search_path', done.err)
        self.assertEqual(work.database.query('select count(*) from reached'), '0')
        work.database.query('drop operator public.= (oid, regclass)')
        work.run('--create')

    def test_b2_nor_one_into_whose_type_others_are_turned(self):
        work = Work(self.server.fresh(), DOCUMENTS[:5], job("{ 'n', 'int4' }"))
        work.database.query(
            HOSTILE
            + "; create type evil as (a text); create function turned(text[]) returns evil "
            + hostile_body('cast')
            + '; create function same(evil, evil) returns bool '
            + hostile_body('=', 'true')
            + '; create operator public.= (leftarg = evil, rightarg = evil, function = same)'
        )
        work.run('--create')
        work.database.query(
            'set role mallory; create cast (text[] as evil) with function turned(text[]) as implicit'
        )
        self.assertIn('operator public.=(evil,evil) of role mallory', work.run(expect=1).err)
        self.assertEqual(work.database.query('select count(*) from reached'), '0')

    def test_b2_the_ledger_is_read_beside_it(self):
        work = Work(self.server.fresh(), DOCUMENTS[:5], job("{ 'n', 'int4' }"))
        work.run('--create')
        work.database.query(
            "create role eve login; grant create, usage on schema public to public; set role eve; create "
            "table reached (a text); grant all on reached to public;"
            "create function public.never(name, name) returns bool language plpgsql as $$ begin insert "
            "into public.reached values ('='); return false; end $$;"
            'create operator public.= (leftarg = varchar, rightarg = varchar, function = '
            'public.never)'.replace(
                'varchar', 'name'
            )
        )
        work.lugger('runs', work.database.url)
        self.assertEqual(work.database.query('select count(*) from reached'), '0')

    def test_b2_operators_of_those_who_are_trusted_stay(self):
        database = self.server.fresh()
        database.query(
            'create function public.same(text, int) returns bool language sql as $$ select $1 = $2::text $$;'
            'create operator public.= (leftarg = text, rightarg = int, function = public.same)'
        )
        Work(database, DOCUMENTS[:5], job("{ 'n', 'int4' }")).run('--create')


if __name__ == '__main__':
    harness.main()
