"""Paths that lead into the jsonb columns and arrays of a PostgreSQL table give what they give for a
document of a dump: in jobs, hooks, filters, tasks, proofs and repairs."""
import unittest

import harness
import jobs
from postgres import Postgres

TABLE = """
create type mood as enum ('sad', 'so, so');
create table original (_id int4 primary key, j jsonb, tags text[], grid int4[], lists jsonb[],
  at timestamptz[], moods mood[], plain json);
insert into original values
  (1, '{"k": {"z": 12345678901234567890.123, "n": null}, "list": [{"x": 1}, {"x": "b"}], "e": [], "t": true}',
   '{a,"b,c"}', '{{1,2},{3,4}}', array['{"x": 7}', '[5]']::jsonb[], '{2026-01-02 03:04:05.123456+00}',
   '{"so, so",NULL}', '{"a": 1, "a": {"b": 2}}'),
  (2, '{"k": 5, "list": []}', '{}', '{7}', '{}', null, '{}', '{"a": {"b": 3}, "a": {"c": 4}}'),
  (3, null, null, null, null, null, null, null),
  (4, 'null', '{NULL}', '{}', array[null, 'null']::jsonb[], '{}', '{sad}', '[1]'),
  (5, '[{"k": 1}, {"k": {"z": 1.5}}]', '{c}', '{8}', null, null, null, '"x"'),
  (6, '{"k": {"z": 1234567890123456789012345678901234567890.5}}', null, null, null, null, null, null)
"""
# The same as a dump has it; what BSON cannot say (microseconds, arrays of enums) is left out.
DOCUMENTS = """\
{"_id":1,"j":{"k":{"z":{"$numberDecimal":"12345678901234567890.123"},"n":null},"list":[{"x":1},{"x":"b"}],\
"e":[],"t":true},"tags":["a","b,c"],"grid":[[1,2],[3,4]],"lists":[{"x":7},[5]],"plain":{"a":{"b":2}}}
{"_id":2,"j":{"k":5,"list":[]},"tags":[],"grid":[7],"lists":[],"plain":{"a":{"c":4}}}
{"_id":3}
{"_id":4,"j":null,"tags":[null],"grid":[],"lists":[null,null],"plain":[1]}
{"_id":5,"j":[{"k":1},{"k":{"z":1.5}}],"tags":["c"],"grid":[8],"plain":"x"}
{"_id":6,"j":{"k":{"z":{"$numberDecimal":"1234567890123456789012345678901234567890.5"}}}}
"""

COLUMNS = """{ 'id', 'int4', from = '_id' }, { 'z', 'numeric', from = 'j.k.z' },
  { 'n', 'jsonb', from = 'j.k.n', json_null = true }, { 'x', 'text', from = 'j.list.1.x' },
  { 'k1', 'jsonb', from = 'j.1.k' }, { 'e', 'jsonb', from = 'j.e' }, { 't', 'bool', from = 'j.t' },
  { 'tag', 'text', from = 'tags.0' }, { 'cell', 'int4', from = 'grid.1.0' },
  { 'line', 'int4[]', from = 'grid.0', on_error = 'null' },
  { 'lx', 'int4', from = 'lists.0.x' }, { 'l5', 'int4', from = 'lists.1.0' },
  { 'b', 'int4', from = 'plain.a.b' }"""
NAMES = 'id, z, n, x, k1, e, t, tag, cell, line, lx, l5, b'

CHILDREN = """children = {
    { table = '%(name)s_x', from = 'j.list[]', columns = { { 'x', 'jsonb' } } },
    { table = '%(name)s_tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } },
    { table = '%(name)s_lists', from = 'lists[]', columns = { { 'v', 'jsonb', from = '.' } } } },"""


def job(source, name, extra='', columns=COLUMNS, line=''):
    return f"""
local lugger = require 'lugger'
local from = {source}
return lugger.copy {{ name = '{name}', from = from, unmapped = 'ignore',
  into = lugger.target(lugger.env.PG_URI, {{ table = '{name}', key = 'id', on_conflict = 'update' }}),
  columns = {{ {columns} }}, {line} {extra} }}"""


ROWS = "lugger.source(lugger.env.PG_URI, { table = 'original', key = '_id' })"
DUMP = "lugger.source 'documents.jsonl'"


class InsideRows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.database = self.server.fresh()
        self.database.query(TABLE)

    def work(self, text):
        work = jobs.Work(self.database, text=text)
        (work.directory / 'documents.jsonl').write_text(DOCUMENTS)
        return work

    def both(self, names, **job_parts):
        """What a job makes of the table, and of the dump."""
        out = []
        for source, name in ((ROWS, 'of_rows'), (DUMP, 'of_dump')):
            parts = dict(job_parts)
            if '%(name)s' in parts.get('extra', ''):
                parts['extra'] = parts['extra'] % {'name': name}
            work = self.work(job(source, name, **parts))
            ran = work.run('--create')
            self.assertEqual(ran.books()['rejected'], 0, ran.out + ran.err)
            out.append((work, self.database.rows(f'select {names} from {name} order by id'), ran))
        return out

    def test_a_job(self):
        (work, rows, ran), (_, dump, _) = self.both(NAMES, extra=CHILDREN)
        self.assertEqual(rows, dump)
        self.assertEqual(rows[0], ['1', '12345678901234567890.123', 'null', 'b', '\\N', '[]', 't', 'a', '3',
                                   '{1,2}', '7', '5', '2'])
        self.assertEqual(rows[5][1], '1234567890123456789012345678901234567890.5')
        self.assertNotIn('no document had', ran.out + ran.err)
        for child, value in (('x', 'x'), ('tags', 'tag'), ('lists', 'v')):
            got = [self.database.rows(f'select parent_id, ordinal, {value} from {name}_{child} order by 1, 2')
                   for name in ('of_rows', 'of_dump')]
            self.assertEqual(got[0], got[1])
            self.assertGreater(len(got[0]), 1)

        self.assertIn('equal', work.lugger('verify', 'job.lua').out)
        self.database.query("update of_rows set z = 0; delete from of_rows where id = 5")
        work.lugger('verify', 'job.lua', expect=4)
        work.lugger('repair', 'job.lua', '--apply')
        self.assertEqual(self.database.rows(f'select {NAMES} from of_rows order by id'), dump)

    def test_what_only_postgresql_has(self):
        work = self.work(job(ROWS, 'copied', columns="""{ 'id', 'int4', from = '_id' },
          { 'at', 'timestamptz', from = 'at.0' }, { 'mood', 'text', from = 'moods.0' },
          { 'none', 'text', from = 'moods.1' }, { 'moods', 'text' },
          { 'j', 'jsonb', json_null = true },
          { 'z', 'text', from = 'j.k.z' }"""))
        work.run('--create')
        self.assertEqual(self.database.rows("select at at time zone 'UTC', mood, none, moods, z from copied "
                                            'where id = 1'),
                         [['2026-01-02 03:04:05.123456', 'so, so', '\\N', '{"so, so",NULL}',
                           '12345678901234567890.123']])
        # NULL of a row is not the null that json_null keeps.
        self.assertEqual(self.database.rows('select c.id, c.j from copied c join original o on o._id = c.id '
                                            'where c.j is distinct from o.j'), [])

    def test_a_hook(self):
        hook = """map = function(row, doc)
    local j = doc.j
    row.z = doc:get 'j.k.z'
    row.x = doc:get 'j.list.1.x'
    row.tag = doc:get 'tags.0'
    row.cell = doc:get 'grid.1.0'
    local seen = {}
    for name, v in pairs(doc) do if name == 'j' then seen[1] = tostring(v) end end
    if j and j ~= lugger.null and j.list then
      seen[#seen + 1] = tostring(j.list) .. #j.list .. tostring(j.k)
    end
    if row.whole and row.whole ~= lugger.null then seen[#seen + 1] = tostring(row.whole.k) end
    seen[#seen + 1] = tostring(doc:has 'j.k.n') .. tostring(doc:has 'j.k.m')
    local first = doc.lists and doc.lists ~= lugger.null and doc.lists[1]
    seen[#seen + 1] = tostring(first and first ~= lugger.null and first.x)
    row.seen = table.concat(seen, ' ')
  end,"""
        columns = """{ 'id', 'int4', from = '_id' }, { 'z', 'numeric', computed = true },
          { 'x', 'text', computed = true }, { 'tag', 'text', computed = true },
          { 'cell', 'int4', computed = true }, { 'seen', 'text', computed = true },
          { 'whole', 'jsonb', from = 'j' }"""
        (_, rows, _), (_, dump, _) = self.both('id, z, x, tag, cell, seen', extra=hook, columns=columns)
        self.assertEqual([row[:5] for row in rows], [row[:5] for row in dump])
        for row in (rows[0], dump[0]):
            self.assertIn('"list":[{"x":1},{"x":"b"}]', row[5])
            self.assertTrue(row[5].endswith('truefalse 7'), row[5])

    def test_filters_and_sorts(self):
        asked = ["{ ['j.k.z'] = { ['$gt'] = 1 } }", "{ ['j.list.x'] = 'b' }", "{ tags = 'b,c' }",
                 "{ tags = { 'a', 'b,c' } }",
                 "{ tags = { ['$size'] = 0 } }", "{ ['tags.0'] = 'c' }", "{ grid = 7 }",
                 "{ ['grid.1.0'] = 3 }",
                 "{ ['lists.x'] = 7 }", "{ ['j.k'] = { ['$exists'] = true } }",
                 "{ tags = { ['$type'] = 'array' } }",
                 "{ ['j.list'] = { ['$elemMatch'] = { x = 'b' } } }", "{ j = lugger.null }"]
        body = f"""
local lugger = require 'lugger'
local function ids(query)
  local out = {{}}
  for doc in query do out[#out + 1] = doc._id end
  return table.concat(out, ',')
end
for _, source in ipairs {{ {ROWS}, {DUMP} }} do
  for _, asked in ipairs {{ {', '.join(asked)} }} do io.write(ids(source:find(asked)), ';') end
  io.write(ids(source:find {{}}:sort {{ {{ 'tags', 1 }}, {{ '_id', 1 }} }}), ';')
  io.write(ids(source:find {{}}:sort {{ {{ 'j.k.z', -1 }}, {{ '_id', 1 }} }}), '\\n')
end"""
        rows, dump = self.work(body).lugger('job.lua').out.splitlines()
        self.assertEqual(rows, dump)
        self.assertIn(';1;', rows)

    def test_no_digit_of_a_number_is_lost(self):
        held = '{"p": 0.30000000000000004, "e": [1e-400, -12345678901234567.5], "r": 0.1234567890123456789}'
        self.database.query(f"""create table rated (id int4 primary key, j jsonb, js jsonb[]);
            insert into rated values (1, '{held}', array['{held}'::jsonb]),
              (2, '{held}', '{{}}'), (3, '{held}', '{{}}')""")
        out = self.work("""
local lugger = require 'lugger'
local db = lugger.session(lugger.env.PG_URI)
local rows = lugger.source(lugger.env.PG_URI, { table = 'rated', key = 'id' })
db:exec('update rated set j = $1 where id = 1', db:value 'select j from rated where id = 1')
db:exec('update rated set j = $1 where id = 2', (db:value 'select j from rated where id = 2'):with { x = 1 })
db:exec('update rated set j = $1 where id = 3', rows:find { id = 3 }:first().j)
print(db:value 'select j from rated where id = 1'.r, db:value "select j->'e' from rated where id = 1"[2],
  db:value 'select js from rated where id = 1'[1].r, db:value "select '0.1234567890123456789'::jsonb",
  lugger.type(db:value 'select j from rated where id = 1'.p), rows:find { id = 3 }:first():copy().j.r)
""").lugger('job.lua').out
        self.assertEqual(out.split('\n')[0].split('\t'), ['0.1234567890123456789', '-12345678901234567.5',
                         '0.1234567890123456789', '0.1234567890123456789', 'number', '0.1234567890123456789'])
        self.assertEqual(self.database.query(f"select count(*) from rated where j - 'x' = '{held}'"), '3')

    def test_numbers_with_a_fraction_are_those_of_sql(self):
        self.database.query("""create table priced (id int4 primary key, n numeric, f float8, j jsonb);
            insert into priced values (1, 9.90, 9.9, '{"price": 9.90, "list": [9.90]}'),
              (2, 9.91, 9.91, '{"price": 9.91}'), (3, 9.9000000000000001, 1, '{"price": 9.9000000000000001}'),
              (4, 10, 10, '{"price": 10.0}')""")
        asked = [("{ f = lugger.decimal '9.90' }", '1'), ("{ ['j.list'] = lugger.decimal '9.9' }", '1'),
                 ("{ ['j.list'] = { ['$elemMatch'] = { ['$eq'] = lugger.decimal '9.9' } } }", '1'),
                 ("{ ['$or'] = { { n = 9.9 }, { n = 9.91 } } }", '1 2')]
        for field in ('n', 'j.price'):
            asked += [(f"{{ ['{field}'] = {condition} }}", wanted) for condition, wanted in (
                ('9.9', '1'), ("lugger.decimal '9.9'", '1'), ("{ ['$in'] = { 9.9 } }", '1'),
                ("{ ['$in'] = { lugger.decimal '9.900' } }", '1'), ("{ ['$gte'] = 9.9 }", '1 2 3 4'),
                ("{ ['$gt'] = 9.9 }", '2 3 4'), ("{ ['$lte'] = lugger.decimal '9.9' }", '1'),
                ("{ ['$ne'] = 9.9 }", '2 3 4'), ("lugger.decimal '9.9000000000000001'", '3'), ('10', '4'))]
        out = self.work(f"""
local lugger = require 'lugger'
local rows = lugger.source(lugger.env.PG_URI, {{ table = 'priced', key = 'id' }})
local function ids(query)
  local out = {{}}
  for doc in query do out[#out + 1] = doc.id end
  print(table.concat(out, ' '))
end
for _, asked in ipairs {{ {', '.join(question for question, _ in asked)} }} do ids(rows:find(asked)) end
ids(rows:find {{}}:sort {{ {{ 'j.price', -1 }} }})
""").lugger('job.lua').out.splitlines()
        for (question, wanted), got in zip(asked + [('sorted', '4 2 3 1')], out, strict=True):
            with self.subTest(question):
                self.assertEqual(got, wanted)

    def test_a_task_and_a_cursor(self):
        out = self.work(f"""
local lugger = require 'lugger'
local cursor = {ROWS}:cursor()
for batch in cursor:batches() do
  print(batch[1].j.k.z, batch[1].j.list[2].x, batch[1]:get 'tags.1', batch[2].j.k)
  print(batch[1]:json())
end
""").lugger('job.lua').out
        self.assertEqual(out.splitlines()[0], '12345678901234567890.123\tb\tb,c\t5')

    def test_json_deeper_than_lugger_reads_is_told(self):
        self.database.query("insert into original (_id, j) "
                            "values (9, (repeat('[', 1100) || repeat(']', 1100))::jsonb)")
        work = self.work(job(ROWS, 'deep', columns="{ 'id', 'int4', from = '_id' }, "
                                                   "{ 'a', 'text', from = 'j.a' }"))
        ran = work.run('--create', expect=None)
        why = 'j: JSON nested deeper than 1000 levels, which lugger does not read'
        self.assertIn(why + ': 1 document, first 9', ran.out + ran.err)
        self.assertIn(why, work.lugger('rejects', 'job.lua', expect=None).out)
        found = work.lugger('-e', f'for doc in {ROWS}:find {{ _id = 9 }} do print(doc.j) end', expect=None)
        self.assertIn('JSON in it is nested deeper than 1,000 levels', found.out + found.err)

    def test_a_path_that_no_row_has_is_told(self):
        work = self.work(job(ROWS, 'copied', columns="{ 'id', 'int4', from = '_id' }, "
                                                     "{ 'q', 'text', from = 'j.k.q' }"))
        ran = work.run('--create')
        self.assertIn('no document had: j.k.q', ran.out + ran.err)

    def test_the_rest_of_a_row_is_refused_before_anything_is_made(self):
        columns = "{ 'id', 'int4', from = '_id' }, { 'rest', 'jsonb', from = '*' }"
        work = self.work(job(ROWS, 'copied', columns=columns))
        for words in (('plan', 'job.lua', '--create'), ('run', 'job.lua', '--create')):
            refused = work.lugger(*words, expect=1)
            self.assertIn('copied.rest: from = "*" takes the rest of a document', refused.out + refused.err)
        self.assertEqual(self.database.query("select to_regclass('copied') is null"), 't')


if __name__ == '__main__':
    harness.main()
