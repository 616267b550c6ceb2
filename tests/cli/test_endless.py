"""Lua that calls itself without end, through C too, and error objects that bite: errors, never the end
of the process."""
import unittest

import harness
from harness import lugger

ENDLESS = {
    'gsub': "local function f(s) return (s:gsub('.', f)) end f('a')",
    'gsub by a table': "local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return "
                       "(k:gsub('.', t)) end local s = ('a'):gsub('.', t)",
    'wrap': 'local function f(n) local c = coroutine.wrap(f) return c(n + 1) end f(1)',
    'resume': 'local function f(n) local c = coroutine.create(f) local ok, '
              'why = coroutine.resume(c, n + 1) if not ok then error(why, 0) end end f(1)',
    'call': 'local function f(n) return 1 + f(n + 1) end f(1)',
    'dofile': "dofile('s.lua')",
    'sort': 'local function f(a, b) table.sort({ 1, 2, 3 }, f) return a < b end table.sort({ 1, 2, 3 }, f)',
}
BITING = {
    'index': "error(setmetatable({}, { __index = function() error('again') end }))",
    'tostring': "error(setmetatable({}, { __tostring = function() error('again') end }))",
    'nil': 'error()', 'false': 'error(false)', 'function': 'error(print)', 'table': 'error {}',
    'no text': 'error(setmetatable({}, { __tostring = function() return 5 end }))',
    'bytes': "error('\\0\\255\\254')", 'number': 'error(42)', 'cdata': "error(require('ffi').new('int', 3))",
}
JOB = """
local lugger = require 'lugger'
return lugger.copy { from = lugger.source('g.json'), into = lugger.target('out.jsonl'),
  columns = { { 'n', 'int4' } }, %s
  map = function(row, doc) %s end }
"""


class Endless(unittest.TestCase):
    def setUp(self):
        self.dir = harness.scratch()

    def write(self, name, text):
        with open(f'{self.dir}/{name}', 'w', encoding='utf-8') as out:
            out.write(text)

    def test_in_a_script_and_at_the_prompt(self):
        for name, text in ENDLESS.items():
            with self.subTest(name):
                self.write('s.lua', text)
                self.assertIn('stack overflow', lugger('run', 's.lua', cwd=self.dir, expect=1).err)
                done = lugger('repl', cwd=self.dir, input=text + '\nprint(6 * 7)\n')
                self.assertIn('stack overflow', done.err)
                self.assertIn('42', done.out)

    def test_in_a_hook(self):
        self.write('g.json', ''.join('{"_id":%d,"n":%d}\n' % (n, n) for n in range(20)))
        for name, text in {**ENDLESS, **BITING}.items():
            if name == 'dofile':
                continue
            with self.subTest(name):
                self.write('j.lua', JOB % ('', text))
                self.assertIn('map: ',
                              lugger('run', 'j.lua', '--restart', '-j', '4', cwd=self.dir, expect=1).err)
                self.write('j.lua', JOB % ("on_hook_error = 'reject',", text))
                self.assertIn('rejected 20',
                              lugger('run', 'j.lua', '--restart', '-j', '4', cwd=self.dir, expect=3).err)

    def test_error_objects_of_a_script(self):
        for name, text in BITING.items():
            with self.subTest(name):
                self.write('s.lua', text)
                lugger('run', 's.lua', cwd=self.dir, expect=1)
                self.assertIn('42', lugger('repl', cwd=self.dir, input=text + '\nprint(6 * 7)\n').out)

    def test_what_is_wrapped_stays_what_it_is(self):
        self.write('s.lua', """
local gsub = string.gsub
assert(('abc'):gsub('b', { b = 'x' }) == 'axc' and gsub('aa', 'a', string.upper, 1) == 'Aa' and
  select(2, ('aa'):gsub('a', '')) == 2)
local c = coroutine.wrap(function(a) local b = coroutine.yield(a + 1) return a + b end)
assert(c(1) == 2 and c(5) == 6)
local ok, why = coroutine.resume(coroutine.create(function() error({ code = 7 }) end))
assert(not ok and why.code == 7)
assert(not pcall(coroutine.wrap, 5) and not pcall(coroutine.resume, 5) and not pcall(gsub, 'a'))
""")
        lugger('run', 's.lua', cwd=self.dir)


if __name__ == '__main__':
    harness.main()
