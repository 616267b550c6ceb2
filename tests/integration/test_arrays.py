"""PostgreSQL arrays as a source's values: hooks index them, and what they do not change is stored as
it was."""
import unittest

import harness
import jobs
from postgres import Postgres

TABLE = """
create table original (id int4 primary key, tags text[], grid int4[], price numeric[], weights float4[],
  plain vector_or_reals);
insert into original values
  (1, '{a,"b,c",NULL}', '[0:1][1:2]={{1,NULL},{3,4}}', '{1.50,NaN}', '{0.1,0.25}', '{3,4}'),
  (2, '{}', '{}', NULL, '{}', '{0,1}'),
  (3, NULL, '{7}', '{0.000,1e30}', '{NaN,Infinity}', NULL)
""".replace('vector_or_reals', 'float8[]')

COLUMNS = """{ 'id', 'int4' }, { 'tags', 'text[]' }, { 'grid', 'int4[]' }, { 'price', 'numeric[]' },
  { 'weights', 'float4[]' }, { 'plain', 'float8[]' }, { 'first', 'text', from = 'no1' },
  { 'length', 'float8', from = 'no2' }"""

SCRIPT = f"""
local lugger, vector = require 'lugger', require 'lugger.vector'
return lugger.copy {{
  from = lugger.source(lugger.env.PG_URI, {{ table = 'original', key = 'id' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'copy', key = 'id' }}),
  columns = {{ {COLUMNS} }},
  map = function(row, doc)
    for _, name in ipairs {{ 'tags', 'grid', 'price', 'weights' }} do
      if row[name] ~= nil then row[name] = doc[name] end
    end
    local words = {{}}
    for i, tag in ipairs(row.tags or {{}}) do words[i] = tostring(tag) end
    row.first = table.concat(words, ' ') .. #(row.grid or {{}})
    if row.plain then row.length = vector.norm(doc.plain) end
  end,
}}"""


class Arrays(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def test_what_a_hook_reads_and_writes_back_is_what_it_was(self):
        database = self.server.fresh()
        database.query(TABLE)
        work = jobs.Work(database, text=SCRIPT)
        work.run('--create')
        same = 'id, tags, grid::text, price, weights, plain'
        self.assertEqual(database.rows(f'select {same} from copy order by id'),
                         database.rows(f'select {same} from original order by id'))
        self.assertEqual(database.rows('select first, length from copy order by id'),
                         [['a b,c null2', '5'], ['0', '1'], ['1', '\\N']])


if __name__ == '__main__':
    harness.main()
