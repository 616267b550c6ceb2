"""Tasks: books by document, several writers in one transaction, positions, misspelt names, rejects again."""
import json
import unittest

import harness
from jobs import Work
from postgres import Postgres

HEAD = """local lugger = require 'lugger'
local pg = lugger.env.PG_URI
return lugger.task('t', function(task)
  local cursor = task:cursor(lugger.source(lugger.env.MONGO_URI), { batch_rows = 100 })
"""


def target(table, key='id', conflict='update', more=''):
    return f"lugger.target(pg, {{ table = '{table}', key = '{key}', on_conflict = '{conflict}'{more} }})"


class Tasks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def task(self, body, documents=None, count=200):
        documents = documents or [{'_id': n, 'n': n} for n in range(count)]
        return Work(self.server.fresh(), documents, text=HEAD + body + '\nend)\n')

    def books(self, work, run='done'):
        return work.database.query(
            'select status, read, inserted, updated, unchanged, skipped, rejected, rows from lugger.runs '
            "join lugger.partitions using (run) order by started_at desc limit 1")

    ONE = f"""
  local out = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'text' }}, {{ 'n', 'int4' }} }} }})
  for batch in cursor:batches() do
"""

    def test_e12_books_are_by_document(self):
        work = self.task(self.ONE + """
    local i = 0
    for doc in batch:docs() do
      i = i + 1
      if i <= 50 then
        out:add { id = doc._id .. ':1', n = 1 }
        out:add({ id = doc._id .. ':2', n = 2 }, doc)
      end
    end
    out:commit(batch)
  end""")
        done = work.run('--create')
        self.assertEqual(self.books(work), 'done|200|100|0|0|100|0|200')
        self.assertIn('neither added, skipped nor rejected by the task', done.err)
        work.run('--create')
        self.assertEqual(self.books(work), 'done|200|0|0|100|100|0|0')

    def test_e12_skips_and_rejects_win_over_rows(self):
        work = self.task(self.ONE + """
    for i, doc in ipairs(batch) do
      out:add({ id = tostring(doc._id), n = doc.n }, doc)
      if i % 10 == 1 then out:skip(doc, 'first of ten') end
      if i % 10 == 2 then out:reject(doc, 'second of ten', 'n') end
      if i % 10 == 3 then out:add({ id = 'x' .. doc._id, n = 'no number' }, doc) end
    end
    out:commit(batch:position())
  end""")
        done = work.run('--create', expect=3)
        self.assertEqual(self.books(work), 'done|200|140|0|0|20|40|140')
        self.assertIn('first of ten', done.err)
        self.assertEqual(work.database.query('select count(*) from docs where n % 10 in (0, 1, 2)'), '0')
        self.assertEqual(work.database.query(
            "select document_id, \"column\", code from lugger.rejects where document_id in ('$n:1', '$n:2') "
            'order by 1'), '$n:1|n|hook\n$n:2|n|bad_value')

    def test_e12_a_batch_is_written_but_for_what_was_skipped(self):
        work = self.task(self.ONE + """
    for doc in batch:docs() do
      if doc.n % 4 == 0 then out:skip(doc, 'fourth') end
      if doc.n % 4 == 1 then out:add({ id = 'more' .. doc.n, n = doc.n }, doc) end
    end
    out:write(batch)
    out:commit(batch)
  end""", [{'_id': n, 'id': str(n), 'n': n} for n in range(200)])
        work.run('--create')
        self.assertEqual(self.books(work), 'done|200|150|0|0|50|0|200')

    def test_e12_rows_of_no_document_count_as_one(self):
        work = self.task(self.ONE + """
    local sum = 0
    for doc in batch:docs() do sum = sum + doc.n end
    out:add { id = 'sum', n = sum }
    out:commit(batch)
  end""")
        work.run('--create')
        self.assertEqual(self.books(work), 'done|202|1|1|0|200|0|2')

    def test_b2_what_was_not_committed_fails_the_task(self):
        add = 'for doc in batch:docs() do out:add({ id = tostring(doc._id), n = doc.n }, doc) end '
        cases = {
            add + 'end': '200 rows',
            add + "out:commit(batch) end out:add { id = 'sum', n = 1 }": '1 row',
            'if batch[1].n == 100 then ' + add + 'return end ' + add + 'out:commit(batch) end': '100 rows',
            "out:skip(batch[1], 'x') out:reject(batch[2], 'y') end": '2 skips, 2 rejects',
            'out:write(batch) end': '200 rows',
        }
        for body, what in cases.items():
            with self.subTest(body):
                work = self.task(self.ONE + body)
                err = work.run('--create', expect=1).err
                self.assertIn(f'had not committed {what}: nothing of that is written', err)
                self.assertIn('out:commit(batch) at the end of each batch', err)
                self.assertIn('job.lua', err)
                self.assertTrue(self.books(work).startswith('failed|'))
                self.assertIn(f'had not committed {what}', work.run('--dry-run', expect=1).err)

    def test_b2_rows_without_a_cursor_want_a_commit_too(self):
        work = self.task(f"""
  local out = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'text' }} }} }})
  out:add {{ id = 'a' }}""")
        self.assertIn('had not committed 1 row', work.run('--create', expect=1).err)
        self.assertEqual(work.database.query('select count(*) from docs'), '0')

    def test_b2_a_commit_behind_the_loop_takes_what_is_left(self):
        work = self.task("local sum = 0" + self.ONE + """
    for doc in batch:docs() do
      sum = sum + doc.n
      out:add({ id = tostring(doc._id), n = doc.n }, doc)
    end
    out:commit(batch)
  end
  out:add { id = 'sum', n = sum }
  out:commit()""")
        work.run('--create')
        self.assertEqual(self.books(work), 'done|201|201|0|0|0|0|201')
        self.assertEqual(work.database.query("select n from docs where id = 'sum'"), '19900')

    def test_b2_a_commit_without_a_batch_means_the_last_one(self):
        work = self.task(self.ONE + """
    for doc in batch:docs() do out:add({ id = tostring(doc._id), n = doc.n }, doc) end
    if batch[1].n == 100 then out:commit() return end
    out:commit()
  end""")
        work.run('--create')
        self.assertEqual(self.books(work), 'done|200|200|0|0|0|0|200')

    def test_b2_documents_read_and_not_committed_are_told(self):
        work = self.task(self.ONE + """
    if batch[1].n == 100 then return end
    for doc in batch:docs() do out:add({ id = tostring(doc._id), n = doc.n }, doc) end
    out:commit(batch)
  end""")
        self.assertIn('the task read documents and did not commit them: 100', work.run('--create').err)
        self.assertEqual(self.books(work), 'done|100|100|0|0|0|0|100')

    def test_b2_an_action_of_hooks_is_refused(self):
        for call in ("lugger.skip 'void'", "lugger.reject 'void'", "lugger.route 'docs'"):
            with self.subTest(call):
                work = self.task(f"""
  local out = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'text' }} }} }})
  do return {call} end""")
                err = work.run('--create', expect=1).err
                self.assertIn('the body of a task returned lugger.' + call.split('.')[1].split()[0], err)
                self.assertIn('out:skip(doc, reason)', err)

    def test_e12_child_tables(self):
        work = self.task(f"""
  local out = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'text' }} }},
    children = {{ {{ table = 'lines', from = 'lines[]', columns = {{ {{ 'sku', 'text' }} }} }} }} }})
  for batch in cursor:batches() do
    for doc in batch:docs() do
      out:add {{ id = tostring(doc._id), lines = {{ {{ sku = 'a' .. doc.n }}, {{ sku = 'b' }} }} }}
    end
    out:commit(batch)
  end""", count=150)
        work.run('--create')
        self.assertEqual(self.books(work), 'done|150|150|0|0|0|0|450')
        self.assertEqual(work.database.query('select * from lines where parent_id = $$7$$ order by ordinal'),
                         '7|1|a7\n7|2|b')

    def test_an_empty_table_is_an_empty_list_where_one_fits(self):
        work = self.task(f"""
  local out = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'text' }}, {{ 'opts', 'text[]' }},
      {{ 'j', 'jsonb' }} }},
    children = {{
      {{ table = 'lines', from = 'lines[]', columns = {{ {{ 'sku', 'text' }}, {{ 'tags', 'int4[]' }} }},
        children = {{ {{ table = 'parts', from = 'parts[]',
          columns = {{ {{ 'v', 'int4[]', from = '.' }} }} }} }} }},
      {{ table = 'entries', from = 'entries{{}}', columns = {{ {{ 'v', 'int4' }} }} }} }} }})
  for batch in cursor:batches() do
    for doc in batch:docs() do
      if doc.n % 2 == 0 then
        out:add {{ id = tostring(doc._id), opts = {{}}, j = {{}}, lines = {{}}, entries = {{}} }}
      else
        out:add {{ id = tostring(doc._id), opts = doc.none, lines = {{ {{ tags = {{}}, parts = {{}} }},
          {{ sku = 'a', parts = {{ {{}}, {{ 1 }} }} }} }} }}
      end
    end
    out:commit(batch)
  end""", documents=[{'_id': n, 'n': n, 'none': []} for n in range(4)])
        work.run('--create')
        rows = work.database.rows
        self.assertEqual(rows('select id, opts, j from docs order by id'), [
            ['0', '{}', '{}'], ['1', '{}', '\\N'], ['2', '{}', '{}'], ['3', '{}', '\\N']])
        self.assertEqual(rows('select parent_id, sku, tags from lines order by 1, ordinal'), [
            ['1', '\\N', '{}'], ['1', 'a', '\\N'], ['3', '\\N', '{}'], ['3', 'a', '\\N']])
        self.assertEqual(rows('select v from parts order by parent_id, ordinal'), [['{}'], ['{1}']] * 2)
        self.assertEqual(work.database.query('select count(*) from entries'), '0')

    def test_e12_misspelt_names_are_errors_where_they_stand(self):
        for row, message in (("{ id = 'x', nn = 1 }", 'a row has no column "nn"'),
                             ("{ id = 'x', lines = { { skku = 1 } } }", 'a row.lines has no column "skku"')):
            with self.subTest(row):
                work = self.task(f"""
  local out = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'text' }}, {{ 'n', 'int4' }} }},
    children = {{ {{ table = 'lines', from = 'lines[]', columns = {{ {{ 'sku', 'text' }} }} }} }} }})
  for batch in cursor:batches() do
    out:add {row}
    out:commit(batch)
  end""")
                err = work.run('--create', expect=1).err
                self.assertIn(message, err)
                self.assertRegex(err, r'job.lua:9')
                self.assertIn('did you mean', err)
                self.assertEqual(work.database.query('select count(*) from lugger.rejects'), '0')

    def test_e12_positions_are_checked(self):
        cases = {
            "out:commit 'junk'": 'is not the position behind the last batch',
            'out:commit(first or batch)': 'is not the position behind the last batch',
            'out:commit(other:next())': "batch of the task's first cursor",
            'out:commit(7)': 'wants a batch or its position',
            'out.commit(batch)': 'call it with a colon',
        }
        for call, message in cases.items():
            with self.subTest(call):
                work = self.task("""
  local other = task:cursor(lugger.source(lugger.env.MONGO_URI), { batch_rows = 70 })""" + self.ONE + f"""
    for doc in batch:docs() do out:add {{ id = tostring(doc._id), n = doc.n }} end
    if n then {call} end
    out:commit(batch)
    n, first = 1, first or batch
  end""")
                work.script(work.directory.joinpath('job.lua').read_text().replace(
                    'return lugger.task', 'local n, first\nreturn lugger.task'))
                err = work.run('--create', expect=1).err
                self.assertIn(message, err)
                self.assertIn('job.lua:12', err)
                self.assertEqual(self.books(work), 'failed|100|100|0|0|0|0|100')

    def test_e12_a_position_that_leaves_a_batch_out_is_refused(self):
        work = self.task(self.ONE + """
    local later = cursor:next()
    out:commit(batch)
  end""")
        self.assertIn('is not the position behind the last batch', work.run('--create', expect=1).err)

    TWO = f"""
  local docs = task:writer({target('docs')}, {{ columns = {{ {{ 'id', 'int4' }}, {{ 'n', 'int4' }} }} }})
  local odd = task:writer({target('odd')},
    {{ columns = {{ {{ 'id', 'int4' }}, {{ 'word', 'varchar(5)' }} }} }})
  for batch in cursor:batches() do
"""

    def test_e12_several_writers_are_committed_together(self):
        work = self.task(self.TWO + """
    for doc in batch:docs() do
      if doc.n % 3 ~= 0 then docs:add({ id = doc.n, n = doc.n }, doc) end
      if doc.n % 2 == 1 then odd:add({ id = doc.n, word = 'w' .. doc.n }, doc) end
    end
    odd:commit(batch)
  end""", count=300)
        work.run('--create')
        # Of six, four are in docs, one only in odd, and one in none.
        self.assertEqual(self.books(work), 'done|300|250|0|0|50|0|350')
        work.database.query("update odd set word = 'x' where id % 6 = 3 or id = 1; "
                            'delete from docs where id = 2')
        work.run('--create')
        self.assertEqual(self.books(work), 'done|300|1|50|199|50|0|52')

    def test_e12_a_document_refused_for_one_writer_is_loaded_for_none(self):
        work = self.task(self.TWO + """
    docs:write(batch)
    for doc in batch:docs() do
      if doc.n % 2 == 1 then odd:add({ id = doc.n, word = 'w' .. doc.n % 7 }, doc) end
    end
    docs:commit(batch)
  end""", [{'_id': n, 'id': n, 'n': n} for n in range(300)])
        work.database.query('create table docs (id int4 primary key, n int4 check (n <> 17));'
                            "create table odd (id int4 primary key, word text check (word <> 'w5'))")
        work.run(expect=3)
        refused = {n for n in range(300) if n % 2 == 1 and n % 7 == 5} | {17}
        self.assertEqual(self.books(work).split('|')[:7],
                         ['done', '300', str(300 - len(refused)), '0', '0', '0', str(len(refused))])
        self.assertEqual(work.database.query('select count(*) from docs'), str(300 - len(refused)))
        self.assertEqual(
            work.database.query('select count(*), count(distinct document_id) from lugger.rejects'),
            f'{len(refused)}|{len(refused)}')
        self.assertEqual(work.database.query('select count(*) from odd'),
                         str(sum(1 for n in range(1, 300, 2) if n not in refused)))

    def test_e12_writers_of_two_targets_are_refused(self):
        other = self.TWO.replace("target(pg, { table = 'odd'", "target(pg .. '?x=1', { table = 'odd'")
        work = self.task(other + 'end')
        self.assertIn('one transaction cannot commit both', work.run('--create', expect=1).err)
        file = self.TWO.replace("'varchar(5)'", "'text'").replace('(pg,', "('out.jsonl',")
        work = self.task(file.replace(", on_conflict = 'update'", '') + 'end')
        self.assertIn('takes one writer a task', work.run('--create', expect=1).err)

    def test_e8_rejects_of_a_task_are_listed_exported_and_tried_again(self):
        work = self.task(self.ONE + """
    for doc in batch:docs() do
      if doc.n % 50 == BAD then out:reject(doc, 'a bad one', 'n')
      else out:add({ id = tostring(doc._id), n = doc.n }, doc) end
    end
    out:commit(batch)
  end""".replace('BAD', '7'))
        done = work.run('--create', expect=3)
        self.assertIn('lugger rejects job.lua', done.err)
        listed = work.lugger('rejects', 'job.lua')
        self.assertIn('4 rejects', listed.out)
        self.assertIn('a bad one', listed.out)
        lines = work.lugger('rejects', 'job.lua', '--export', '-').out.splitlines()
        exported = [json.loads(line) for line in lines]
        self.assertEqual([row['document']['n']['$numberInt'] for row in exported], ['7', '57', '107', '157'])
        text = work.directory.joinpath('job.lua').read_text()
        work.script(text.replace('% 50 == 7', '% 100 == 7'))
        work.lugger('rejects', 'job.lua', '--retry', expect=3)
        self.assertEqual(self.books(work), 'done|4|2|0|0|0|2|2')
        self.assertEqual(work.database.query('select count(*) from docs'), '198')
        work.script(text.replace('% 50 == 7', '% 50 == 99'))
        work.lugger('rejects', 'job.lua', '--retry')
        self.assertEqual(work.database.query('select count(*) from docs'), '200')
        self.assertIn('no rejects', work.lugger('rejects', 'job.lua').err)

    def test_e8_a_refused_row_of_no_document_is_not_read_as_one(self):
        work = self.task(self.ONE + """
    for doc in batch:docs() do out:add { id = tostring(doc._id), n = doc.n } end
    out:add { id = 'sum', n = 'no number' }
    out:add { id = 'limit', n = -1 }
    out:commit(batch)
  end""", count=100)
        work.database.query('create table docs (id text primary key, n int4 check (n >= 0))')
        work.run(expect=3)
        self.assertEqual(self.books(work), 'done|102|100|0|0|0|2|100')
        listed = work.lugger('rejects', 'job.lua').out
        self.assertIn('sum', listed)
        self.assertIn('limit', listed)
        work.lugger('rejects', 'job.lua', '--retry', expect=None)
        self.assertEqual(work.database.query('select count(*) from lugger.rejects'), '2')

    def test_e8_a_retry_makes_no_row_of_the_rejects_alone(self):
        work = self.task(self.ONE + """
    local sum = 0
    for doc in batch:docs() do
      sum = sum + doc.n
      out:reject(doc, 'no')
    end
    out:add { id = 'sum', n = sum }
    out:commit(batch)
  end""")
        work.run('--create', expect=3)
        self.assertIn('belongs to no document', work.lugger('rejects', 'job.lua', '--retry', expect=1).err)


if __name__ == '__main__':
    harness.main()
