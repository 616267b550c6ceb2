"""Standard output that takes nothing: told by every command, with a status that says so. A reader that
had enough is no error."""
import os
import re
import subprocess
import unittest

import harness
from bson import ObjectId
from jobs import Work, dump
from postgres import Postgres

JOB = '''
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.%(name)s' }),
  into = lugger.target(lugger.env.PG_URI, { table = '%(name)s', key = 'mongo_id', on_conflict = 'update' }),
  columns = { { 'mongo_id', 'text', from = '_id' }, { 'n', 'int4', on_error = 'reject' },
    { 'friend', 'text', ref = 'users' } },
  indexes = { { 'n', unique = true } },
}
'''
FIX = '''
local lugger = require 'lugger'
return lugger.fix {
  on = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'mongo_id' }), set = { 'n' },
  map = function(row) row.n = row.n + 1000 end,
}
'''
TEST = '''
local t = require 'lugger.test'
t.case('a case', function() end)
'''

# What makes each command print, and the statuses it may have. A sentence is why it stands out.
COMMANDS = {
    'completion': [('bash',)],
    'ctl': [('RUN', 'status')],
    'describe': [('dump',), ('dump', '--json'), ('dump', '--full', '--no-trial')],
    'follow': 'has no end of its own; what it prints goes to standard error',
    'help': [(), ('run',), ('mapping',), ('--man',)],
    'init': 'prints to standard error',
    'lint': [('migrations',), ('migrations', '--json'), ('migrations', '--github')],
    'log': [(), ('--json',)],
    'migrate': [('status',), ('status', '--json'), ('lint',), ('lint', '--json'), ('up', '--dry-run')],
    'move': 'has no end of its own; what it prints goes to standard error',
    'pairs': [('queries.lua', '--times', '1'), ('queries.lua', '--times', '1', '--json')],
    'plan': [('users.lua',)],
    'preflight': [('users.lua',), ('users.lua', '--json')],
    'preview': [('users.lua',)],
    'psql': 'is psql itself',
    'refs': [('users.lua',), ('users.lua', '--json')],
    'rejects': [('users.lua',), ('users.lua', '--export', '-')],
    'repair': [('users.lua',)],
    'repl': [()],
    'run': [('lines.lua',), ('prints.lua',), ('fix.lua',), ('fix.lua', '--json')],
    'runs': [()],
    'scaffold': [('dump', '--out', 'made')],
    'scripts': [(), ('show', 'mongo_to_postgres')],
    'state': [('sql',)],
    'status': [('LOADED',)],
    'test': [('some_test.lua',)],
    'trace': [('users.lua', '$n:1')],
    'undo': [('FIXED', '--dry-run'), ('FIXED', '--dry-run', '--json')],
    'vector': [('change-type', 'public.users.n', 'bigint', '--step', 'plan'),
               ('decide', '--from', 'a', '--to', 'b')],
    'verdict': [('check', 'v.json')],
    'verify': [('users.lua',), ('users.lua', '--json')],
    'version': [()],
}


class StandardOutput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()
        cls.work = work = Work(cls.server.fresh())
        users = [{'_id': n, 'n': n, 'friend': ObjectId(f'{n:024x}')} for n in range(20)]
        dump(work.directory, 'shop', {'users': users + [{'_id': 98, 'n': 'x'}]})
        work.script(JOB % {'name': 'users'}, 'users.lua')
        work.script((JOB % {'name': 'users'}).replace("lugger.env.PG_URI, { table = 'users', "
                                                      "key = 'mongo_id', on_conflict = 'update' }",
                                                      "'-'"),
                    'lines.lua')
        work.script("print(('x'):rep(100000))", 'prints.lua')
        work.script(FIX, 'fix.lua')
        work.script(TEST, 'some_test.lua')
        work.script("return { { name = 'one', sql = 'select 1' } }", 'queries.lua')
        work.run('--create', script='users.lua', expect=3)
        work.lugger('verdict', 'key')
        work.lugger('verify', 'users.lua', '--verdict', 'v.json', expect=None)
        work.run('--apply', script='fix.lua')
        work.database.query("delete from users where mongo_id = '$n:3'; alter table users drop constraint if "
                            "exists users_n_key; drop index if exists users_n_idx;"
                            " update users set n = 5 where mongo_id in ('$n:5', '$n:6')")
        (work.directory / 'migrations').mkdir()
        work.script('alter table users add column x int;\ncreate index on users (n);\n',
                    'migrations/20260101000001_x.sql')
        cls.words = {
            'LOADED': work.database.query("select run from lugger.runs where job like 'shop%' limit 1"),
            'FIXED': work.database.query("select run from lugger.runs where job not like 'shop%' limit 1")}

    def call(self, words, stdout):
        process = subprocess.Popen([harness.binary(), *(self.words.get(w, w) for w in words)],
                                   cwd=self.work.directory, env=harness.clean_environment(self.work.env),
                                   stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.PIPE, text=True)
        out, err = process.communicate('for i = 1, 3000 do print(i) end\n' if words == ('repl',) else '',
                                       timeout=60)
        return process.returncode, out, err

    def every(self):
        names = set(re.findall(r'^  (\w+) +[A-Z]', harness.lugger('help').out, re.M)) - {'lugger'}
        self.assertEqual(sorted(names), sorted(COMMANDS), 'every command stands here')
        for name, cases in COMMANDS.items():
            for words in cases if isinstance(cases, list) else ():
                if name != 'ctl':
                    yield (name, *words)

    def test_nothing_can_be_written(self):
        for words in self.every():
            with self.subTest(words):
                status, out, err = self.call(words, subprocess.PIPE)
                self.assertNotEqual(out, '', err)
                with open('/dev/full', 'w') as full:
                    status, _, err = self.call(words, full)
                self.assertEqual(status, 1, err)
                self.assertEqual(err.count('No space left on device'), 1, err)

    def test_the_reader_has_gone(self):
        for words in self.every():
            with self.subTest(words):
                status, out, err = self.call(words, subprocess.PIPE)
                reading, writing = os.pipe()
                os.close(reading)
                there, _, err = self.call(words, writing)
                os.close(writing)
                if words == ('run', 'lines.lua'):  # rows that nobody takes are not loaded
                    self.assertEqual(there, 1, err)
                    continue
                self.assertEqual(there, status, err)
                self.assertNotRegex(err, 'cannot write|traceback|Broken pipe')

    def test_a_closed_stream_is_no_file_of_ours(self):
        """The number of a closed standard output must not become that of a connection or a file."""
        done = subprocess.run([harness.binary(), 'run', 'prints.lua'], cwd=self.work.directory,
                              env=harness.clean_environment(self.work.env), stderr=subprocess.PIPE, text=True,
                              preexec_fn=lambda: os.close(1), timeout=60)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn('cannot write to standard output: Bad file descriptor', done.stderr)


if __name__ == '__main__':
    harness.main()
