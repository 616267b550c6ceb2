"""What a hook may capture, what it may keep, and lugger.shared."""
import unittest

import harness
import jobs
from postgres import Postgres


class Work:
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, hook, before='', columns="{ 'v', 'text' }", documents=None, extra='', **more):
        text = jobs.job(columns, extra=f"{extra} unmapped = 'ignore', map = function(row, doc)\n{hook}\nend,",
                        **more)
        text = text.replace("local lugger = require 'lugger'\n",
                            f"local lugger = require 'lugger'\n{before}\n")
        return jobs.Work(self.server.fresh(), documents or [{'_id': 'a', 'v': 'x'}], text)

    def value(self, hook, before='', columns="{ 'v', 'text' }", **more):
        work = self.work(hook, before, columns, **more)
        work.run('--create')
        return work.database.query('select v from docs')

    def refused(self, hook, before='', flags=('plan',), **more):
        work = self.work(hook, before, **more)
        return work.lugger(*flags, 'job.lua', expect=1).err


class Hooks(Work, unittest.TestCase):
    def test_e7_coercers(self):
        before = "local money = lugger.coercer('numeric(12,2)', { decimal = ',', thousands = '.' })"
        self.assertEqual(self.value("row.v = money:coerce '1.234,50'", before, "{ 'v', 'numeric(12,2)' }"),
                         '1234.50')
        self.assertEqual(self.value("row.v = tostring(select(2, money:try_coerce 'x'))", before),
                         'cannot read "x" as numeric(12,2)')
        held = before + "\nlocal by = { de = { money } }"
        self.assertEqual(self.value("row.v = by.de[1]:coerce '0,5'", held, "{ 'v', 'numeric(12,2)' }"),
                         '0.50')

    def test_e7_rows_of_a_query(self):
        before = """local db = lugger.session(lugger.env.PG_URI)
          local rows = db:query [[select 'DE' as code, 0.19::numeric as vat, null::int as none,
            date '2026-03-11' as day, '{"a": [1, 2]}'::jsonb as doc, '{x,y}'::text[] as list
            union all select 'FR', 0.20, 3, null, null, null order by 1]]
          local one, by = db:row 'select 7 as n, null as m', {}
          for _, r in ipairs(rows) do by[r.code] = r end
          db:close()"""
        self.assertEqual(self.value("""
          local r = by.DE
          row.v = table.concat({ tostring(r.vat), tostring(r.none), tostring(r:is_null 'none'),
            tostring(r.day),
            tostring(r.doc.a[2]), r.list[2], tostring(by.FR.none), tostring(one.n), tostring(one:is_null 'm'),
            tostring(#rows), tostring(rows:value()), table.concat(rows.names, '+'), tostring(rows) }, ' ')""",
            before),
            '0.19 nil true 2026-03-11 2 y 3 7 true 2 DE code+vat+none+day+doc+list SELECT 2, 2 rows')

    def test_e7_rows_are_stored_as_documents(self):
        before = """local db = lugger.session(lugger.env.PG_URI)
          local one = db:row "select 1 as b, 'x' as a, null as c"
          local list = db:query 'select i from generate_series(1, 2) i'
          db:close()"""
        self.assertEqual(self.value('row.v = { one = one, two = list[2], [1] = nil }', before,
                                    "{ 'v', 'json', json = 'plain' }"),
                         '{"one":{"b":1,"a":"x","c":null},"two":{"i":2}}')

    VALUES = """local v = {
      day = lugger.session(lugger.env.PG_URI):value "select date '2026-03-11'",
      at = lugger.date '2026-03-11T09:30:00.123456Z', sec = lugger.date '2026-01-01',
      id = lugger.objectid '64f1c0aabbccddeeff001122', uuid = lugger.uuid
        '0190f2c4-8a01-7cc3-98c4-dc0c0c07398f',
      big = 9007199254740993LL, dec = lugger.decimal '1.50', double = lugger.double(3),
      bin = lugger.binary('a\\0b', 128), vec = lugger.vector { 1, 2.5 }, null = lugger.null,
      doc = lugger.json.decode
        [[{"n": {"$numberLong": "7"}, "l": [1, {"x": 2}],
           "r": {"$regularExpression": {"pattern": "a", "options": "i"}}}]],
      interval = lugger.coercer('interval'):coerce '1 day', time = lugger.coercer('time'):coerce '10:00',
      list = lugger.array {}, empty = lugger.document {},
    }
    v.l, v.r = v.doc.l, v.doc.r
    local function shown(t)
      local names, out = {}, {}
      for name in pairs(t) do names[#names + 1] = name end
      table.sort(names)
      for i, name in ipairs(names) do out[i] = name .. '=' .. lugger.type(t[name]) .. ':' ..
        lugger.json.encode { v = t[name] } end
      return table.concat(out, ' ')
    end
    local expected = shown(v)
    """

    def test_e7_values_of_every_type(self):
        """What a worker has is stored as what the script has."""
        work = self.work("row.v = shown(v) == expected and 'the same' or shown(v)",
                         self.VALUES + 'print(expected)')
        said = work.run('--create')
        self.assertEqual(work.database.query('select v from docs'), 'the same', said.out)
        for word in ('day=date:', 'r=regex:', 'interval=interval:', 'l=array:', 'double=double:'):
            self.assertIn(word, said.out)

    def test_e7_regular_expressions(self):
        self.assertEqual(self.value("row.v = row.v:upper() .. tostring(re:match 'ab1' ~= nil)",
                                    "local re = lugger.regex '[a-b]+(\\\\d)'"), 'Xtrue')

    def test_e7_the_rest_is_refused_by_name_and_path(self):
        for before, hook, words in (
                ("local m = { list = { { con = lugger.session 'local:' } } }", 'return m',
                 '`m.list[1].con` (a connection)'),
                ("local f = { [true] = io.tmpfile() }", 'return f', '`f[true]` (a file)'),
                ("local s = lugger.source 'x'", 'return s', '`s` (a source)'),
                ("local c = coroutine.create(print)", 'return c', '`c` (a coroutine)'),
                ("local o = setmetatable({}, { __index = {} })", 'return o',
                 '`o` (a table with a metatable)'),
                ("local p = { f = string.rep } local ffi = require 'ffi' p.c = ffi.new 'int[3]'",
                 'return p', '`p.c` (a cdata)'),
                ("local t = { by = { [lugger.objectid '64f1c0aabbccddeeff001122'] = 1 } }", 'return t',
                 '`t.by` (a table with a key of type objectid); a key of this kind is never found again'),
                ("local b = lugger.source('docs.bson'):cursor():next()", 'return b', '`b` (a batch)')):
            with self.subTest(words=words):
                self.assertIn('hook `map` captures ' + words, self.refused(hook, before))

    # E11

    def test_e11_state_is_refused_when_planned(self):
        for before, hook, name, line in (
                ('local seen = {}', "if seen[row.v] then return lugger.skip 'dup' end\nseen[row.v] = true",
                 'writes to `seen`', 7),
                ('local n = 0', 'n = n + 1', 'sets `n`', 6),
                ('local last', 'last = row.v', 'sets `last`', 6),
                ('local s = { n = 0 }', 's.n = s.n + 1', 'writes to `s`', 6),
                ('local by = { a = {} }', 'by.a[row.v] = (by.a[row.v] or 0) + 1', 'writes to `by`', 6),
                ('local list = {}', 'table.insert(list, row.v)', 'writes to `list`', 6),
                ('local list = {}', 'list[#list + 1] = row.v', 'writes to `list`', 6),
                ('local list = {}', 'rawset(list, 1, row.v)', 'writes to `list`', 6),
                ('local n = 0 local function count() n = n + 1 end', 'count()', 'sets `n`', 2),
                ('local c = {}', 'local own = c\nown[row.v] = 1', 'writes to `c`', 7),
                ('local c = {}', '(function() c.x = 1 end)()', 'writes to `c`', 6)):
            with self.subTest(hook=hook):
                said = self.refused(hook, before)
                self.assertIn(f'hook `map` {name}, which it has captured', said)
                self.assertIn(f'job.lua:{line + 3 if line > 2 else 3}', said)
                self.assertIn('lugger.scratch()', said)
        self.assertIn('sets the global `count`', self.refused('count = 1'))

    def test_e11_state_behind_other_names_is_refused_at_the_write(self):
        for before, hook, name in (
                ('local seen = {} local function note(t, k) t[k] = true end', 'note(seen, row.v)',
                 'writes to `seen`'),
                ('local s = { n = 0 } local function note(t) t.n = t.n + 1 end', 'note(s)', 'writes to `s`'),
                ('local all = {} local add = table.insert', 'add(all, row.v)', 'writes to `all`'),
                ('local a = { { n = 1 } }', 'for _, one in ipairs(a) do one.n = 2 end', 'writes to `a`'),
                ('local n = 0 local f = { count = function() n = n + 1 end }', 'f.count()', 'sets `n`'),
                ('local l = lugger.array { 1 }', 'local function g(t) t[2] = 1 end g(l)', 'writes to `l`'),
                ("local r = lugger.session(lugger.env.PG_URI):row 'select 1 as a, null as b'",
                 'local function g(t) t.b = 1 end g(r)', 'writes to `r`')):
            for reject in ('', "on_hook_error = 'reject',"):
                with self.subTest(hook=hook, reject=reject):
                    said = self.refused(hook, before, flags=('run', '--create'), extra=reject)
                    self.assertIn(f'the hook {name}, which it has captured', said)
                    self.assertIn('lugger.scratch()', said)

    def test_e11_no_false_refusals(self):
        before = """local buffer = require 'string.buffer'
          local limits, names, other = { a = 1, b = { c = 2 } }, { 'x', 'y' }, 5
          local function helper(t) t.seen = true t[#t + 1] = 'y' return t end
          local util = { n = 0 }
          function util.reset() util.n = 0 other = 0 end
          function util.twice(s) return s .. s end"""
        hook = """
          local t, n, list = {}, 0, { 'x' }
          t.a, t[1], t[row.v] = 1, 2, limits.a
          local function inner() n = n + 1 t.b = n list[#list + 1] = n end
          for i = 1, 3 do inner() end
          table.insert(list, limits.b.c)
          table.sort(list, function(a, b) return tostring(a) < tostring(b) end)
          local out = buffer.new()
          for _, name in ipairs(names) do out:put(name) end
          for name, v in pairs(limits) do local copy = { v } copy[name] = v t.copy = copy end
          helper(t)
          local own = doc.nothing and limits or {}
          own.x = 1
          local a, b, c = select(1, limits, {}, {})
          c.x = 1
          row.v = util.twice(out:tostring()) .. #list"""
        work = self.work(hook, before)
        work.lugger('plan', 'job.lua', '--create')
        work.run('--create')
        self.assertEqual(work.database.query('select v from docs'), 'xyxy5')

    def test_e11_scratch_is_each_workers_own(self):
        before = "local cache, s = lugger.scratch(), { deep = lugger.scratch { n = 1 } }"
        hook = """
          local known = cache[row.v]
          if not known then
            known = row.v:upper()
            cache[row.v] = known
          end
          s.deep.n = s.deep.n + 1
          row.v = known"""
        documents = [{'_id': str(i), 'v': f'v{i % 7}', 'pad': 'x' * 7000} for i in range(3000)]
        for workers in '14':
            work = self.work(hook, before, documents=documents)
            work.run('--create', '-j', workers)
            self.assertEqual(work.database.number("select count(*) from docs where v ~ '^V[0-6]$'"), 3000)
        self.assertIn('wants a plain table', self.refused('', 'local x = lugger.scratch(5)'))

    def test_e11_a_fix(self):
        work = jobs.Work(self.server.fresh())
        work.database.query("create table t (id int primary key, v text); insert into t values (1, 'a')")
        work.script("""local lugger = require 'lugger'
          local n = 0
          return lugger.fix { on = lugger.target(lugger.env.PG_URI, { table = 't' }), set = { 'v' },
            map = function(row) n = n + 1 row.v = tostring(n) end }""", 'fix.lua')
        self.assertIn('hook `map` sets `n`', work.lugger('run', 'fix.lua', '--apply', expect=1).err)

    # An action that is thrown away, told when planned

    def test_e2_a_thrown_away_action_is_refused_when_planned(self):
        for before, hook in (('', "if row.v == 'q' then lugger.skip 'q' end"),
                             ('local skip = lugger.skip', "if row.v == 'q' then skip 'q' end"),
                             ("local function check(row) if row.v == 'q' then lugger.skip 'q' end end",
                              'check(row)')):
            said = self.refused(hook, before)
            self.assertIn('calls lugger.skip and does not return it', said)
            self.assertIn('job.lua:', said)


class Shared(Work, unittest.TestCase):
    BIG = """local t = {}
      for i = 1, 20000 do t['key' .. i] = { n = i, name = 'name ' .. i, at = lugger.date(i * 1000), tags = {
        'a', 'b' } } end
      t[1], t[2], t[3], t[5], t[-1.5], t[true] = 'one', 'two', lugger.decimal '3.50', 'five', 'less', false
      t[lugger.key(lugger.objectid '64f1c0aabbccddeeff001122')] = lugger.null
      t.big, t.double, t.doc = 9007199254740993LL, lugger.double(3), lugger.json.decode '{"a": [1, {"b": 2}]}'
      local shared = lugger.shared(t)
      t = nil
      """
    LOOK = """
      local n, sum = 0, 0
      for key, v in pairs(shared) do
        n = n + 1
        if type(v) == 'cdata' and lugger.type(v) == 'shared' and v.n then sum = sum + v.n end
      end
      local list = {}
      for i, v in ipairs(shared) do list[i] = tostring(v) end
      local r = shared.key777
      local text = table.concat({ n, sum, #shared, table.concat(list, ','), tostring(shared[4]), shared[5],
        shared[-1.5],
        tostring(shared[true]), tostring(shared[false]), r.n, r.name, tostring(r.at), r.tags[2], #r.tags,
        tostring(r.nothing), tostring(shared.key0), tostring(shared.big), lugger.type(shared.double),
        shared.doc.a[2].b, tostring(shared[lugger.key(lugger.objectid '64f1c0aabbccddeeff001122')]),
        tostring(shared[nil]), tostring(shared[lugger.null]), tostring(shared.key1 == shared.key1),
        tostring(shared.key1 == shared.key2), tostring(shared[0 / 0]), tostring(shared[1.5]) }, ' ')
      """
    EXPECTED = ('20010 200010000 3 one,two,3.50 nil five less false nil 777 name 777 '
                '1970-01-01T00:12:57Z b 2 nil nil 9007199254740993 double 2 null nil nil true false nil nil')

    def test_in_hooks_and_in_the_script(self):
        before = self.BIG + 'do' + self.LOOK + 'print(text) end'
        for workers in '12':
            work = self.work(self.LOOK + 'row.v = text', before)
            said = work.run('--create', '-j', workers)
            self.assertEqual(work.database.query('select v from docs'), self.EXPECTED)
            self.assertIn(self.EXPECTED, said.out)

    def test_outlives_the_collector(self):
        before = """local function made()
            local inner = {}
            for i = 1, 100 do inner[i] = lugger.shared { deep = { deeper = { tostring(i) } } }.deep.deeper end
            return inner
          end
          local inner = made()
          for i = 1, 3 do collectgarbage() end
          for i = 1, 100 do assert(inner[i][1] == tostring(i)) end
          local shared = lugger.shared { a = { b = 'value' } }.a
          inner = nil
          collectgarbage()"""
        self.assertEqual(self.value("row.v = shared.b", before), 'value')

    def test_is_read_only_and_says_what_it_cannot_hold(self):
        self.assertIn('a shared table is read only: key a',
                      self.refused('local own = s own.a = 1', 'local s = lugger.shared {}',
                                   flags=('run', '--create')))
        for value, words in (('{ a = { b = { [2] = print } } }', 'cannot hold a function at a.b[2]'),
                             ('{ [{}] = 1 }', 'a key that is a table'), ('5', 'wants a table, not a number'),
                             ("setmetatable({}, {})", 'cannot hold a table with a metatable'),
                             ("{ x = setmetatable({}, {}) }", 'a table with a metatable at x'),
                             ("{ x = lugger.shared {} }", 'a shared at x'),
                             ("(function() local t = {} t.t = t return t end)()", 'holds itself')):
            with self.subTest(value=value):
                self.assertIn(words, self.refused('', f'local s = lugger.shared({value})'))
        self.assertIn('objectid is no key of a shared table', self.refused(
            "return s[lugger.objectid '64f1c0aabbccddeeff001122']", 'local s = lugger.shared {}',
            flags=('run', '--create')))

    def test_rows_of_a_query_and_columns(self):
        before = """local db = lugger.session(lugger.env.PG_URI)
          local s = lugger.shared(db:query
            "select i as n, 'v' || i as v, null::int as m from generate_series(1, 3) i")
          local by = {}
          for row in db:each "select i as n, array[i, 2] as list from generate_series(1, 3) i" do by[row.n] =
            row end
          by = lugger.shared(by) db:close()"""
        work = self.work("row.v = { #s, s[2].v, s[2].m == nil, by[3].list, all = s[1] } row.w = s[3]", before,
                         columns="{ 'v', 'jsonb' }, { 'w', 'jsonb' }")
        work.script((work.directory / 'job.lua').read_text().replace('{ #s,', '{ count = #s, v =').replace(
            's[2].m == nil, by', 'm = s[2].m == nil, list = by'))
        work.run('--create')
        self.assertEqual(work.database.rows('select v, w from docs'), [[
            '{"m": true, "v": "v2", "all": {"m": null, "n": 1, "v": "v1"}, "list": [3, 2], "count": 3}',
            '{"m": null, "n": 3, "v": "v3"}']])

    def test_in_a_sandbox_a_fix_and_a_module(self):
        work = self.work("row.v = s.a .. m.b", "local s = lugger.shared { a = 'x' } local m = require 'look'",
                         documents=[{'_id': 'a'}])
        work.script("return require 'lugger'.shared { b = 'y' }", 'look.lua')
        work.run('--create', '--sandbox')
        self.assertEqual(work.database.query('select v from docs'), 'xy')
        work.script("""local lugger = require 'lugger'
          local s = lugger.shared { x = 'fixed' }
          return lugger.fix { on = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'mongo_id' }), set
            = { 'v' },
            map = function(row) row.v = s.x end }""", 'fix.lua')
        work.lugger('run', 'fix.lua', '--apply')
        self.assertEqual(work.database.query('select v from docs'), 'fixed')


class Computed(Work, unittest.TestCase):
    COLUMNS = "{ 'v', 'text' }, { 'w', 'numeric(8,2)', computed = true }"

    def test_it_takes_no_field(self):
        documents = [{'_id': 'a', 'v': 'x', 'w': 7}, {'_id': 'b', 'v': 'y', 'w': 'text'}]
        work = self.work("if row.v == 'x' then row.w = 1.5 end",
                         columns=self.COLUMNS + ", { 'rest', 'jsonb', from = '*' }",
                         documents=documents)
        self.assertIn('(computed by map)', work.lugger('plan', 'job.lua', '--create').out)
        work.run('--create')
        self.assertEqual(work.database.rows('select mongo_id, w, rest from docs order by 1'),
                         [['a', '1.50', '{"w": 7}'], ['b', '\\N', '{"w": "text"}']])
        work.lugger('verify', 'job.lua')
        said = work.lugger('plan', 'job.lua', '--invert', expect=(0, 1)).out
        self.assertIn('computed by the hook', said)

    def test_default_required_and_emitted_rows(self):
        columns = "{ 'v', 'text' }, { 'w', 'int4', computed = true, %s }"
        work = self.work("if row.v == 'x' then row.w = 1 lugger.emit { mongo_id = 'e' } end",
                         columns=columns % 'default = 9', documents=[{'_id': 'a', 'v': 'x'}, {'_id': 'b'}])
        work.run('--create')
        self.assertEqual(work.database.rows('select mongo_id, w from docs order by 1'),
                         [['a', '1'], ['b', '9'], ['e', '1']])
        work = self.work("if row.v == 'x' then row.w = 1 end",
                         columns=columns % 'required = true', documents=[{'_id': 'a', 'v': 'x'},
                                                                         {'_id': 'b'}])
        work.run('--create', expect=3)
        self.assertEqual(work.database.rows('select document_id, code from lugger.rejects'),
                         [['b', 'required_missing']])

    def test_what_is_refused_when_planned(self):
        work = jobs.Work(self.server.fresh(), [{'_id': 'a'}], jobs.job(self.COLUMNS))
        self.assertIn('column w is computed, and no `map` computes it', work.lugger('plan', 'job.lua',
                                                                                    expect=1).err)
        for column in ("from = 'x'", "generate = 'v7'", "value = 5"):
            said = self.refused('', columns=f"{{ 'w', 'text', computed = true, {column} }}")
            self.assertIn('a computed column gets its value from `map` alone', said)
        said = self.refused('', extra="children = { { table = 'c', from = 'c[]', columns = { { 'x', 'text', "
                                      "computed = true } } } },")
        self.assertIn('column x of a child table cannot be computed', said)
        work.script("""local lugger = require 'lugger'
          return lugger.task('t', function(task)
            task:writer(lugger.target(lugger.env.PG_URI, { table = 't', key = 'id' }),
              { columns = { { 'id', 'text' }, { 'x', 'text', computed = true } } })
          end)""", 'task.lua')
        self.assertIn('column x is computed', work.lugger('run', 'task.lua', '--create', expect=1).err)


if __name__ == '__main__':
    harness.main()
