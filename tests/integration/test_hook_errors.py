"""What a hook raises is told with what it holds, whatever it is; and what a script raises."""
import unittest

import harness
from test_hook_captures import Work

RAISED = (
    ("{ code = 'E42', message = 'bad field', field = 'v', n = 3 }", 'bad field (code E42, field v, n 3)'),
    ("{ message = 42 }", '42'),
    ("{ code = 7 }", '{ code = 7 }'),
    ("{ 1, 'two', a = { b = { 1 } }, at = lugger.date '2026-01-02T03:04:05Z' }",
     '{ 1, "two", a = { b = { 1 } }, at = 2026-01-02T03:04:05Z }'),
    ("{}", '{}'),
    ("setmetatable({ message = 'm' }, { __tostring = function(t) return 'shown: ' .. t.message end })",
     'shown: m'),
    ("setmetatable({ message = 'm', k = 1 }, { __tostring = function() error 'no' end })", 'm (k 1)'),
    ("setmetatable({ message = 'm' }, { __index = function() error 'no' end })", 'm'),
    ("lugger.decimal '1.50'", '1.50'),
    ("true", 'an error that is true'),
    ("nil", 'an error that is nil'),
    ("print", 'an error that is a function'),
    ("'text', 0", 'text'))


class Errors(Work, unittest.TestCase):
    def test_rejects_say_what_was_raised(self):
        for raised, words in RAISED:
            with self.subTest(raised=raised):
                work = self.work(f'error({raised})', extra="on_hook_error = 'reject',")
                work.run('--create', expect=3)
                self.assertEqual(work.database.query('select message from lugger.rejects'), words)

    def test_a_cyclic_and_a_long_table(self):
        for before, words in (('local t = { a = 1 } t.t = t',
                               '{ a = 1, t = { a = 1, t = { a = 1, t = a table } } }'),
                              ("local t = { message = ('x'):rep(1000) }", 'x' * 500 + '...')):
            work = self.work('error(t)', before, extra="on_hook_error = 'reject',")
            work.run('--create', expect=3)
            self.assertEqual(work.database.query('select message from lugger.rejects'), words)

    def test_lugger_error_keeps_code_and_hint(self):
        work = self.work("lugger.error { code = 'coerce', message = 'two tenants', hint = 'merge them' }")
        said = work.run('--create', expect=1).err
        self.assertIn('two tenants', said)
        self.assertIn('merge them', said)

    def test_a_script_and_a_task(self):
        for raised, words in RAISED:
            with self.subTest(raised=raised):
                work = self.work('')
                work.script(f"local lugger = require 'lugger'\nerror({raised})", 'raise.lua')
                self.assertIn('error: ' + words, work.lugger('raise.lua', expect=1).err)
        work.script("""local lugger = require 'lugger'
          return lugger.task('t', function(task) error { code = 'E42', message = 'bad' } end)""", 'task.lua')
        self.assertIn('bad (code E42)', work.run(script='task.lua', expect=1).err)


class Captures(Work, unittest.TestCase):
    def test_a_deep_table_is_refused_by_name(self):
        before = """local deep = { list = {} } local at = deep.list
          for i = 1, 3000 do at[1] = {} at = at[1] end"""
        said = self.refused('return deep.a', before)
        self.assertIn('hook `map` captures `deep.list[1][1]', said)
        self.assertIn('(a table nested deeper than 1000 levels)', said)

    def test_a_cyclic_table_is_captured(self):
        before = "local t = { 'x' } t.t = { t } t.f = function() return t.t[1][1] end"
        self.assertEqual(self.value('row.v = t.f()', before), 'x')


if __name__ == '__main__':
    harness.main()
