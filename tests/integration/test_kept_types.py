"""E6: a value of PostgreSQL keeps its type through find, copy, with, edit, a writer and parameters."""
import unittest

import harness
import jobs
from postgres import Postgres

COLUMNS = """id int primary key, at timestamptz, plain timestamp, d date, t time, i interval,
  u uuid, n numeric, big int8, f float8, b bytea, bits bit(3), days date[], ats timestamptz[], j jsonb"""

ROWS = """
  (1, '2024-05-01 10:00:00.123456+00', '2024-05-01 10:00:00.123456', '2024-05-01', '10:00:00.000001',
   '1 mon -2 days 00:00:00.5', '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f', 1.50, 5, 3, '\\x00ff', '101',
   '{2024-05-01,NULL,infinity}', '{2024-05-01 10:00:00.000001+00,-infinity}', '{"a": [1, 2.5]}'),
  (2, '2024-05-01 10:00:00.123+00', '2024-05-01 10:00:00', '2024-05-02', '24:00:00', '-1 day', NULL,
   'NaN', 9007199254740993, 'NaN', '', '000', '{}', NULL, '"text"'),
  (3, 'infinity', '-infinity', 'infinity', '00:00', '178000000 years', NULL, 'Infinity', -1,
   '-Infinity', NULL, NULL, NULL, NULL, '7'),
  (4, '-infinity', 'infinity', '-infinity', '23:59:59.999999',
   '-100 years -3 mons 10 days -00:00:00.000001', NULL,
   repeat('1234567890', 20)::numeric / 7, 9223372036854775807, 1e300, NULL, NULL, NULL, NULL,
   '{"$date": "no date"}'),
  (5, '0001-01-01 00:00:00.000001+00', '294276-12-31 23:59:59.999999', '5874897-12-31', NULL, '0', NULL,
   0.000, 0, 0, NULL, NULL, NULL, NULL, '[]'),
  (6, '4713-01-01 00:00:00.000001+00 BC', '0044-03-15 12:00 BC', '4713-01-01 BC', NULL, NULL, NULL, NULL,
   -9223372036854775808, NULL, NULL, NULL, NULL, NULL, '{}')
"""

# The names that a writer takes, in the order of the table.
WRITTEN = """{ 'id', 'int4' }, { 'at', 'timestamptz' }, { 'plain', 'timestamp' }, { 'd', 'date' },
  { 't', 'time' }, { 'i', 'interval' }, { 'u', 'uuid' }, { 'n', 'numeric' }, { 'big', 'int8' },
  { 'f', 'float8' }, { 'b', 'bytea' }, { 'bits', 'bit(3)' }, { 'days', 'date[]' },
  { 'ats', 'timestamptz[]' }, { 'j', 'jsonb' }"""

SCRIPT = f"""
local lugger = require 'lugger'
local pg = lugger.env.PG_URI
return lugger.task('kept', function(task)
  local source = lugger.source(pg, {{ table = 'given', key = 'id' }})
  local cursor = task:cursor(source)
  local writers = {{}}
  for _, name in ipairs {{ 'found', 'copied', 'changed', 'edited' }} do
    local target = lugger.target(pg, {{ table = name, key = 'id' }})
    writers[name] = task:writer(target, {{ columns = {{ {WRITTEN} }} }})
  end
  for batch in cursor:batches() do
    for doc in batch:docs() do
      local found = source:find {{ id = doc.id }}:first()
      writers.found:add(found:totable(), doc)
      writers.copied:add(doc:copy():totable(), doc)
      writers.changed:add(doc:copy():with {{ id = doc.id, new = lugger.remove }}:totable(), doc)
      writers.edited:add(doc:copy():edit(function(t) t.id = t.id + 0 end):totable(), doc)
    end
    writers.found:commit(batch)
  end
end)
"""

TYPES = """
local lugger = require 'lugger'
local pg = lugger.session(lugger.env.PG_URI)
local source = lugger.source(lugger.env.PG_URI, { table = 'given', key = 'id' })
local function show(v)
  return lugger.type(v) .. ' ' .. tostring(v)
end
local bad = {}
local cursor = source:cursor()
for batch in cursor:batches() do
  for doc in batch:docs() do
    local row = pg:row('select at, plain, d, i from given where id = $1', doc.id)
    local ways = { found = source:find { id = doc.id }:first(), copied = doc:copy(),
      changed = doc:copy():with { more = 1 }, edited = doc:copy():edit(function(t) t.more = 1 end),
      table = doc:copy():totable(), projected = source:find { id = doc.id }:project { j = false }:first() }
    for _, name in ipairs { 'at', 'plain', 'd', 't', 'i', 'u', 'n', 'big', 'f', 'b', 'bits' } do
      local wanted = show(doc[name])
      for way, got in pairs(ways) do
        local found = show(got[name])
        if found ~= wanted then bad[#bad + 1] = ('%s %s: %s, not %s'):format(way, name, found, wanted) end
        local back = pg:value(('select $1 is not distinct from %s from given where id = $2'):format(name),
          got[name], doc.id)
        if name ~= 'bits' and back ~= true then bad[#bad + 1] = way .. ' as a parameter: ' .. wanted end
      end
      if name == 'at' or name == 'plain' or name == 'd' or name == 'i' then
        local sql = row[name]
        if (doc[name] ~= lugger.null or sql ~= nil) and show(sql) ~= wanted then
          bad[#bad + 1] = ('sql %s: %s, not %s'):format(name, show(sql), wanted)
        end
      end
    end
  end
end
print(#bad == 0 and 'the same' or table.concat(bad, '\\n'))
local after = lugger.date '2024-05-01T10:00:00.123400Z'
print(source:find { at = { ['$gt'] = after } }:count(), source:find { at = after + 0.000056 }:count(),
  source:find { d = { ['$gt'] = lugger.date '2024-05-01' } }:count(),
  source:find { i = { ['$gt'] = lugger.interval '28 days' } }:count(),
  source:find { at = { ['$gt'] = lugger.date '2024-01-01', ['$lt'] = lugger.date '2025-01-01' } }
    :where(function(doc) return doc.at > after end):count())
local text = source:find { id = 1 }:first():json 'canonical'
print(lugger.json.decode(text).at == source:find { id = 1 }:first().at)
"""


HOOK = """
local lugger = require 'lugger'
local day, berlin = lugger.interval '1 day', lugger.date '2024-05-01':in_zone 'Europe/Berlin'
return lugger.copy {
  from = lugger.source(lugger.env.PG_URI, { table = 'given', key = 'id' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'moved', key = 'id' }),
  columns = { { 'id', 'int4' }, { 'i', 'interval' }, { 'at', 'timestamptz' },
    { 'hour', 'text', computed = true }, { 'n', 'numeric', computed = true },
    { 'big', 'int8', computed = true, on_error = 'null' } },
  map = function(row, doc)
    if doc.id > 2 then return lugger.skip 'no' end
    if row.i < day then row.hour = berlin:format '%H %Z' end
    row.i = row.i * 2 + day
    row.at = row.at + day
    row.n = 18446744073709551615ULL
    row.big = doc.id == 1 and 5ULL or 18446744073709551615ULL
  end,
}
"""


class KeptTypes(unittest.TestCase):
    def setUp(self):
        self.database = Postgres().fresh()
        self.database.query(f'create table given ({COLUMNS}); insert into given values {ROWS}')

    def test_e6_a_value_is_what_it_was_whichever_way_it_goes(self):
        # Columns of type numeric refuse these, unless `non_finite` says otherwise.
        self.database.query('update given set n = null, f = null where id in (2, 3)')
        work = jobs.Work(self.database, text=SCRIPT)
        work.run('--create')
        names = 'id, at, plain, d, t, i, u, n, big, f, b, bits, days, ats, j'
        wanted = self.database.rows(f'select {names} from given order by id')
        for way in ('found', 'copied', 'changed', 'edited'):
            self.assertEqual(self.database.rows(f'select {names} from {way} order by id'), wanted, way)

    def test_hooks_compute_with_intervals_and_store_unsigned_integers(self):
        work = jobs.Work(self.database, text=HOOK)
        work.run('--create')
        large = '18446744073709551615'
        self.assertEqual(
            self.database.rows('select i, at, hour, n, big from moved order by id'),
            [['2 mons -3 days +00:00:01', '2024-05-02 10:00:00.123456+00', '\\N', large, '5'],
             ['-1 days', '2024-05-02 10:00:00.123+00', '02 CEST', large, '\\N']])

    def test_e6_the_type_and_the_text_are_the_same(self):
        work = jobs.Work(self.database, text=TYPES)
        told = harness.lugger('--lua', 'job.lua', cwd=work.directory, env=work.env).out.splitlines()
        self.assertEqual(told, ['the same', '2\t1\t3\t2\t1', 'true'])


if __name__ == '__main__':
    harness.main()
