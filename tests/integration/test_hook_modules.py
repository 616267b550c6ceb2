"""State of a hook in a module of the script's own, and in a large table behind another name."""
import unittest

import harness
from test_hook_captures import Work


class Modules(Work, unittest.TestCase):
    MODULE = """local lugger = require 'lugger'
      local m, n, last = { count = 0, deep = { list = {} } }, 0, nil
      local cache, money, pattern = lugger.scratch(), lugger.coercer 'numeric', lugger.regex '^x'
      local function note(t) t.count = t.count + 1 end
      local function quiet() last = 5 end
      local by_name = { add = function() n = n + 1 end }
      local Counter = {}
      Counter.__index = Counter
      function Counter:up() self.n = self.n + 1 end
      m.counter = setmetatable({ n = 0 }, Counter)
      function m.bump() n = n + 1 return n end
      function m.own() m.count = m.count + 1 return m.count end
      function m.inner() quiet() return last end
      function m.insert(v) table.insert(m.deep.list, v) end
      function m.alias() note(m) end
      function m.object() m.counter:up() end
      function m.chosen(name) by_name[name]() end
      function m.good(v)
        cache[v] = cache[v] or tostring(money:coerce '1') .. tostring(pattern:find(v) ~= nil)
        return cache[v]
      end
      return m"""

    def with_module(self, hook):
        work = self.work(hook, "local m = require 'mine'")
        work.script(self.MODULE, 'mine.lua')
        return work

    def test_state_of_a_module_is_refused(self):
        for hook, words in (('row.v = tostring(m.bump())', '`m.bump`, which sets `n`'),
                            ('row.v = tostring(m.own())', '`m.own`, which writes to `m`'),
                            ('m.inner()', '`m.inner`, which sets `last`'),
                            ('m.insert(row.v)', '`m.insert`, which writes to `m`')):
            with self.subTest(hook=hook):
                said = self.with_module(hook).lugger('plan', 'job.lua', expect=1).err
                self.assertIn(f'hook `map` calls {words}', said)
                self.assertIn('mine.lua:', said)
        for hook, words in (('m.alias()', 'writes to `mine`'), ('m.object()', 'writes to `mine`'),
                            ("m.chosen 'add'", 'sets `n` of the module `mine`'),
                            ("require('mine').chosen 'add'", 'sets `n` of the module `mine`')):
            with self.subTest(hook=hook):
                said = self.with_module(hook).run('--create', expect=1).err
                self.assertIn(f'the hook {words}', said)

    def test_a_module_without_state_is_as_before(self):
        work = self.with_module('row.v = m.good(row.v)')
        work.run('--create')
        self.assertEqual(work.database.query('select v from docs'), '1true')

    def test_a_key_of_a_large_table_behind_another_name(self):
        for count in (65, 3000, 5000):
            before = (f"local big = {{}} for i = 1, {count} do big['k' .. i] = i end "
                      'local function set(t, k) t[k] = 0 end')
            said = self.refused(f"set(big, 'k{count}')", before, flags=('run', '--create'),
                                documents=[{'_id': i, 'v': 'x'} for i in range(10000)])
            self.assertIn('the hook writes to `big`, which it has captured', said)


if __name__ == '__main__':
    harness.main()
