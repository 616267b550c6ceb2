"""What a hook may return, add, capture and keep."""
import unittest

import harness
import jobs
from postgres import Postgres


class Actions(unittest.TestCase):
    """One rule: an action is returned, lugger.emit adds rows."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, hook, documents, columns="{ 'v', 'text' }", extra='', **more):
        text = jobs.job(columns, extra=f"{extra} unmapped = 'ignore', map = function(row, doc) {hook} end,",
                        **more)
        return jobs.Work(self.server.fresh(), documents, text)

    def load(self, hook, documents, expect=0, flags=(), **more):
        work = self.work(hook, documents, **more)
        return work, work.run('--create', *flags, expect=expect)

    ROUTE = "route = { from = 'zz', tables = { other = 'other', audit = 'audit' }, otherwise = 'own' },"

    def tables(self, work):
        return {name: work.database.rows(f'select mongo_id, v from {name} order by 1, 2')
                for name in ('own', 'other', 'audit')}

    def test_e2_emit_and_route(self):
        documents = [{'_id': 'a', 'v': 'x'}, {'_id': 'b', 'v': 'y'}]
        work, result = self.load("""
          lugger.emit({ v = 'audit of ' .. row.v }, 'audit')
          lugger.emit { mongo_id = row.mongo_id .. '2', v = 'more' }
          if doc._id == 'a' then return lugger.route 'other' end""", documents, extra=self.ROUTE)
        self.assertEqual(self.tables(work), {
            'own': [['b', 'y'], ['b2', 'more']], 'other': [['a', 'x'], ['a2', 'more']],
            'audit': [['a', 'audit of x'], ['b', 'audit of y']]})
        self.assertEqual(result.books()['inserted'], 2)

    def test_e2_emit_and_a_list(self):
        """The list's first row stands for the document's own, which is in no table twice."""
        work, _ = self.load("""
          lugger.emit({ v = 'audit' }, 'audit')
          lugger.emit { mongo_id = 'e', v = 'emitted' }
          if doc._id == 'a' then return { { v = 'one' }, { mongo_id = 'a2', v = 'two' } } end
          return {}""", [{'_id': 'a', 'v': 'x'}], extra=self.ROUTE)
        self.assertEqual(self.tables(work), {
            'own': [['a', 'one'], ['a2', 'two'], ['e', 'emitted']], 'other': [], 'audit': [['a', 'audit']]})

    def test_e2_an_empty_list_leaves_what_was_emitted(self):
        work, result = self.load("if doc.v then lugger.emit { mongo_id = 'e', v = 'emitted' } end return {}",
                                 [{'_id': 'a', 'v': 'x'}, {'_id': 'b'}])
        self.assertEqual(work.database.rows('select mongo_id, v from docs'), [['e', 'emitted']])
        self.assertEqual(result.books()['skipped'], 1)

    def test_e2_a_document_that_is_left_out_leaves_nothing(self):
        for action in ("lugger.skip 'no'", "lugger.reject 'no'"):
            work, result = self.load(f"lugger.emit {{ mongo_id = 'e' }} if doc.v then return {action} end",
                                     [{'_id': 'a', 'v': 'x'}], expect=(0, 3))
            self.assertEqual(work.database.number('select count(*) from docs'), 0)
            self.assertEqual(result.books()['skipped'] + result.books()['rejected'], 1)

    def test_e2_emitted_tables_are_copied_at_once(self):
        work, _ = self.load("""
          local t = { j = { list = {} } }
          for i = 1, 3 do
            t.mongo_id, t.v, t.j.list[i] = 'e' .. i, tostring(i), i
            lugger.emit(t)
          end
          t.v = 'later'
          row.v = 'own'""", [{'_id': 'a', 'v': 'x'}], columns="{ 'v', 'text' }, { 'j', 'jsonb' }")
        self.assertEqual(work.database.rows('select mongo_id, v, j from docs order by 1'), [
            ['a', 'own', '\\N'], ['e1', '1', '{"list": [1]}'], ['e2', '2', '{"list": [1, 2]}'],
            ['e3', '3', '{"list": [1, 2, 3]}']])

    def test_e2_emitted_rows_inherit_the_row_as_the_hook_leaves_it(self):
        work, _ = self.load("lugger.emit { mongo_id = 'e' } row.v = 'written later'", [{'_id': 'a',
                                                                                        'v': 'x'}])
        self.assertEqual(work.database.rows('select mongo_id, v from docs order by 1'),
                         [['a', 'written later'], ['e', 'written later']])

    ORDER = """if doc.h == 'emit' then lugger.emit { mongo_id = doc.k, v = doc._id .. ' emitted' } end
      if doc.h == 'list' then return { row, { mongo_id = doc.k, v = doc._id .. ' listed' } } end
      if doc.h == 'both' then
        lugger.emit { mongo_id = doc.k, v = doc._id .. ' emitted' }
        return { { v = 'own' }, { mongo_id = doc.k, v = doc._id .. ' listed' } }
      end"""

    def test_e2_rows_of_equal_keys_in_the_order_of_the_documents(self):
        """A row that a hook adds lies where its document does, whatever the way into the table."""
        documents = []
        for i, kind in enumerate(('emit', 'list', 'both')):
            documents += [{'_id': f'a{i}', 'v': 'a', 'h': kind, 'k': f'late{i}'},
                          {'_id': f'late{i}', 'v': 'the document'},
                          {'_id': f'early{i}', 'v': 'the document'},
                          {'_id': f'b{i}', 'v': 'b', 'h': kind, 'k': f'early{i}'}]
        last = {'emit': 'emitted', 'list': 'listed', 'both': 'listed'}
        first = {'emit': 'emitted', 'list': 'listed', 'both': 'emitted'}
        for policy in ('update', 'skip'):
            for options, prepared in (('', False), ('', True), ("writer = 'statement',", False)):
                with self.subTest(policy=policy, options=options, prepared=prepared):
                    work = self.work(self.ORDER, documents, conflict=policy, target_options=options)
                    if prepared:
                        work.database.query("create table docs (mongo_id text primary key, v text);"
                                            "insert into docs values ('old', 'kept')")
                    work.run('--create', '-j', '1')
                    found = dict(work.database.rows("select mongo_id, v from docs where mongo_id like '%e%'"))
                    for i, kind in enumerate(('emit', 'list', 'both')):
                        late, early = 'the document', f'b{i} {last[kind]}'
                        if policy == 'skip':
                            late, early = f'a{i} {first[kind]}', 'the document'
                        self.assertEqual((found[f'late{i}'], found[f'early{i}']), (late, early))

    def test_e2_lines_in_the_order_of_the_documents(self):
        work = jobs.Work(self.server.fresh(), [{'_id': k, 'v': k} for k in 'abc'])
        work.script("""local lugger = require 'lugger'
          return lugger.copy { from = lugger.source('docs.bson'), into = lugger.target('out.jsonl', { key =
            'id' }),
            columns = { { 'id', 'text', from = '_id' } }, unmapped = 'ignore',
            map = function(row)
              lugger.emit { id = row.id .. ' emitted' }
              if row.id == 'b' then return { row, { id = 'b listed' } } end
            end }""")
        work.run()
        self.assertEqual((work.directory / 'out.jsonl').read_text().split('\n')[:-1],
                         [f'{{"id":"{v}"}}' for v in ('a', 'a emitted', 'b', 'b emitted', 'b listed',
                                                      'c', 'c emitted')])

    def test_e2_children_and_ids_belong_to_the_own_row(self):
        work, _ = self.load("""
          lugger.emit { mongo_id = row.mongo_id .. 'e' }
          if doc._id == 'b' then return { { v = 'one' }, { mongo_id = 'b2' } } end""",
                            [{'_id': k, 'tags': ['x', 'y']} for k in 'ab'],
                            columns="{ 'id', 'uuid', generate = 'v5' }, { 'v', 'text' }",
                            extra="children = { { table = 'tags', from = 'tags[]', "
                                  "columns = { { 'tag', 'text', from = '.' } } } },", conflict='update')
        self.assertEqual(work.database.rows('select parent_mongo_id, tag from tags order by 1, 2'),
                         [['a', 'x'], ['a', 'y'], ['b', 'x'], ['b', 'y']])
        self.assertEqual(work.database.number('select count(distinct id) from docs'), 5)
        work.lugger('verify', 'job.lua')

    def test_e2_an_action_that_is_not_returned(self):
        for action, words in (("lugger.skip 'never'", 'lugger.skip "never"'), ("lugger.reject 'bad'",
                                                                               'lugger.reject'),
                              ("lugger.route 'docs'", 'lugger.route "docs"')):
            hook = f"""if row.v == 'x' then row.v = 'seen' end

              local function check() local kept = {action} end
              if row.v ~= 'y' then check() end"""
            _, result = self.load(hook, [{'_id': 'a', 'v': 'x'}], expect=1)
            self.assertIn(words, result.err)
            self.assertIn('did not return it', result.err)
            self.assertIn('write: return lugger.', result.err)
            self.assertIn('job.lua:9', result.err)
            work, result = self.load(hook, [{'_id': 'a', 'v': 'x'}, {'_id': 'b', 'v': 'y'}], expect=3,
                                     extra="on_hook_error = 'reject',")
            self.assertEqual(work.database.rows('select mongo_id from docs'), [['b']])

    def test_e2_one_action_of_several_is_enough(self):
        work, _ = self.load("""
          local action = lugger.skip 'usual'
          if row.v == 'x' then action = lugger.skip 'other' end
          return action""", [{'_id': 'a', 'v': 'x'}, {'_id': 'b', 'v': 'y'}])
        self.assertEqual(work.database.number('select count(*) from docs'), 0)

    def test_e2_emit_outside_a_hook(self):
        work = jobs.Work(self.server.fresh(), text="require 'lugger'.emit { a = 1 }")
        self.assertIn('lugger.emit is for hooks', work.run(expect=1).err)

    def test_e2_a_fix_makes_one_row_of_one(self):
        work = jobs.Work(self.server.fresh())
        work.database.query("create table t (id int primary key, v text); insert into t values (1, 'a')")
        for hook, words in (("lugger.emit { v = 'b' }", 'one row for one row'),
                            ("return { { v = 'b' }, { v = 'c' } }", 'one row for one row'),
                            ("lugger.skip 'x'", 'does not return it')):
            work.script(f"""local lugger = require 'lugger'
              return lugger.fix {{ on = lugger.target(lugger.env.PG_URI, {{ table = 't' }}), set = {{ 'v' }},
                map = function(row) {hook} end }}""", 'fix.lua')
            self.assertIn(words, work.lugger('run', 'fix.lua', '--apply', expect=1).err)


if __name__ == '__main__':
    harness.main()
