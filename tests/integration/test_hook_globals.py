"""Globals and libraries are read only in a hook."""
import unittest

import harness
from test_hook_captures import Work


class Globals(Work, unittest.TestCase):
    def test_globals_are_no_place_for_state(self):
        for before, hook, name in (
                ('', '_G.n = (_G.n or 0) + 1', '_G'), ('', 'math.n = (math.n or 0) + 1', 'math'),
                ('', 'math.pi = 3', 'math'), ('', "_G[row.v] = true", '_G'),
                ('', "rawset(_G, 'n', 1)", '_G'), ('', 'table.insert(string, 1)', 'string'),
                ('', 'package.loaded.n = 1', 'package'),
                ('', 'local g = _G\ng.n = 1', '_G'),
                ('local function count() string.n = 1 end', 'count()', 'string')):
            with self.subTest(hook=hook):
                said = self.refused(hook, before)
                self.assertIn(f'hook `map` writes to `{name}`, of which each worker has its own', said)
                self.assertIn('lugger.scratch()', said)
        for hook in ('n = (n or 0) + 1', 'local function f() n = 1 end f()'):
            self.assertIn('hook `map` sets the global `n`', self.refused(hook))
        for before, hook, name in (
                ('local function note(t) t.n = (t.n or 0) + 1 end', 'note(_G)', '_G'),
                ('local function note(t) t.n = (t.n or 0) + 1 end', 'note(math)', 'math'),
                ('local function note(t) t.pi = 3 end', 'note(math)', 'math'),
                ('local set = rawset', "set(string, 'n', 1)", 'string'),
                ('', "for _, name in ipairs { '_G' } do local g = getfenv(1)[name] g.n = 1 end", '_G'),
                ('', "assert(load 'n = (n or 0) + 1')()", '_G')):
            for flags in ((), ('--sandbox',)):
                if flags and 'getfenv' in hook:
                    continue
                with self.subTest(hook=hook, flags=flags):
                    said = self.refused(hook, before, flags=('run', '--create', *flags),
                                        extra="on_hook_error = 'reject',")
                    self.assertIn(f'the hook writes to `{name}`, of which each worker has its own', said)

    def test_globals_are_read_as_before(self):
        hook = '''
          local math = { n = 1 }
          math.n = math.n + _G.math.floor(1.5) + (_G.nothing and 1 or 0)
          local string = require 'string.buffer'.new()
          string:put(('x'):rep(math.n), lugger.json.encode { a = 1 }, require 'lugger.csv' and 'y')
          row.v = string:tostring() .. tostring(_G._G == _G)'''
        self.assertEqual(self.value(hook), 'xx{"a":1}ytrue')


if __name__ == '__main__':
    harness.main()
