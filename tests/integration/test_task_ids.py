"""Ids with generate = 'v5' of rows that a task adds are computed, as those of jobs are."""
import unittest

import harness
from jobs import Work
from postgres import Postgres

DOCUMENTS = [{'_id': f'd{n}', 'n': n} for n in range(5)]
TASK = """
local lugger = require 'lugger'
return lugger.task('t', function(task)
  local cursor = task:cursor(lugger.source(lugger.env.MONGO_URI, {{ collection = 'shop.docs' }}))
  local out = task:writer(lugger.target(lugger.env.PG_URI, {{ table = 'docs', key = '{key}',
    on_conflict = 'update' }}), {{ columns = {{ {{ 'id', 'uuid', generate = 'v5' }},
    {{ 'mongo_id', 'text', from = '_id' }}, {{ 'n', 'int4' }} }}, {extra} }})
  for batch in cursor:batches() do
    {body}
    out:commit(batch)
  end
end)
"""
JOB = """
local lugger = require 'lugger'
return lugger.copy {{ from = lugger.source(lugger.env.MONGO_URI, {{ collection = 'shop.docs' }}),
  into = lugger.target(lugger.env.PG_URI, {{ table = 'made', key = '{key}', on_conflict = 'update' }}),
  columns = {{ {{ 'id', 'uuid', generate = 'v5' }}, {{ 'mongo_id', 'text', from = '_id' }},
    {{ 'n', 'int4' }} }},
  map = function(row) {map} end }}
"""
EACH = 'for doc in batch:docs() do {} end'


class TaskIds(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def task(self, body, key='mongo_id', extra=''):
        return Work(self.server.fresh(), DOCUMENTS, TASK.format(body=body, key=key, extra=extra))

    def rows(self, body, key='mongo_id', extra='', table='docs'):
        """What the task makes, twice: in two databases."""
        out = []
        for _ in range(2):
            work = self.task(body, key, extra)
            work.run('--create')
            out.append(work.database.rows(f'select id, mongo_id, n from {table} order by mongo_id, n'))
        self.assertEqual(out[0], out[1])
        return work, out[0]

    def of_job(self, work, map='', key='mongo_id'):
        work.script(JOB.format(key=key, map=map), 'made.lua')
        work.run('--create', script='made.lua')
        return work.database.rows('select id, mongo_id, n from made order by mongo_id, n')

    def test_a_documents_row_has_the_documents_id(self):
        add = EACH.format('out:add({ mongo_id = doc._id, n = doc.n }, doc)')
        work, rows = self.rows(add)
        self.assertEqual(rows, self.of_job(work))
        work, rows = self.rows('out:write(batch)')
        self.assertEqual(rows, self.of_job(work))

    def test_more_rows_are_named_by_their_keys(self):
        add = EACH.format("out:add({ mongo_id = doc._id, n = doc.n }, doc) "
                          "out:add({ mongo_id = doc._id .. 'x', n = 7 }, doc)")
        work, rows = self.rows(add)
        self.assertEqual(rows, self.of_job(work, "lugger.emit { mongo_id = row.mongo_id .. 'x', n = 7 }"))
        self.assertEqual(len({row[0] for row in rows}), 10)

    def test_a_key_that_is_the_id(self):
        add = EACH.format('for i = 1, 3 do out:add({ mongo_id = doc._id, n = i }, doc) end')
        work, rows = self.rows(add, key='id')
        self.assertEqual(len({row[0] for row in rows}), 15)
        emitted = 'row.n = 1 for i = 2, 3 do lugger.emit { n = i } end'
        self.assertEqual(rows, self.of_job(work, emitted, key='id'))

    def test_own_ids_and_children(self):
        own = '00112233-4455-6677-8899-aabbccddeeff'
        add = EACH.format(f"out:add({{ id = doc.n == 0 and lugger.uuid '{own}' or nil, mongo_id = doc._id, "
                          "n = doc.n, l = { { v = 1 }, { v = 2 } } }, doc)")
        children = "children = { { table = 'lines', from = 'l[]', columns = { { 'v', 'int4' } } } }"
        work, rows = self.rows(add, key='id', extra=children)
        self.assertEqual(rows[0][0], own)
        self.assertEqual(rows[1:], self.of_job(work)[1:])
        joined = 'select count(*) from lines l join docs d on d.id = l.parent_id'
        self.assertEqual(work.database.number(joined), 10)

    def test_rows_of_no_document(self):
        sum_row = "out:add { mongo_id = 'sum', n = #batch }"
        _, rows = self.rows(sum_row)
        self.assertEqual([row[1:] for row in rows], [['sum', '5']])
        err = self.task(sum_row, key='id').run('--create', expect=1).err
        self.assertIn('there is nothing to compute the id of column id from', err)
        self.assertIn('out:add(row, doc) names the document', err)

    def test_a_batch_that_is_written_has_the_ids(self):
        add = EACH.format("out:add({ mongo_id = doc._id .. 'x', n = 7 }, doc)")
        _, rows = self.rows('out:write(batch) ' + add)
        self.assertEqual(len({row[0] for row in rows}), 10)
        self.assertIn('call out:write(batch) first', self.task(add + ' out:write(batch)').run(
            '--create', expect=1).err)


if __name__ == '__main__':
    harness.main()
