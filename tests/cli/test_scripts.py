"""Scripts that work with lugger as a library: quiet runs, progress, rejects, errors, options, the stack."""
import json
import shutil
import signal
import unittest
from pathlib import Path

import harness
from harness import lugger
from jobs import Work
from postgres import Postgres

JOB = """local lugger = require 'lugger'
local job = lugger.copy {
  from = lugger.source(lugger.env.MONGO_URI),
  into = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id', on_conflict = 'update' }),
  columns = { { 'id', 'text', from = '_id' }, { 'n', 'int4' } },
}
"""


class Library(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def script(self, body, expect=0, documents=None, flags=()):
        documents = documents or [{'_id': n, 'n': n} for n in range(50)]
        work = Work(self.server.fresh(), documents, text=JOB + body)
        return work, work.lugger('job.lua', *flags, expect=expect)

    def test_e8_a_script_may_use_its_jobs_itself(self):
        for body in ('print(#job:preview(1).documents)', 'print(job:plan { create = true }.job)',
                     'print(#job:shape().tables)', 'job:run { create = true } print(job:verify())',
                     'local run = job:start { create = true } repeat run:poll() until run:ended() '
                     'print(run:result().status)', "print(pcall(job.run, job, { create = 'x' }))"):
            with self.subTest(body):
                _, done = self.script(body)
                self.assertEqual(done.err, '')
                self.assertNotEqual(done.out, '')

    def test_b3_a_dry_run_holds_for_jobs_that_the_script_runs(self):
        fix = "lugger.fix { on = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id' })," \
              " set = { 'n' }," \
              ' map = function(row) row.n = row.n + 1 end }'
        task = """lugger.task('t', function(task)
  local cursor = task:cursor(lugger.source(lugger.env.MONGO_URI))
  local out = task:writer(
    lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id', on_conflict = 'update' }),
    { columns = { { 'id', 'text' }, { 'n', 'int4' } } })
  for batch in cursor:batches() do
    for doc in batch:docs() do out:add({ id = tostring(doc._id), n = 7 }, doc) end
    out:commit(batch)
  end
end)"""
        for call in ('print(job:run { create = true }.tally.read)',
                     'local run = job:start { create = true } print(run:result().tally.read)',
                     f'print({task}:run().tally.read)', f'print({fix}:apply().result.tally.read)'):
            with self.subTest(call):
                work = Work(self.server.fresh(), [{'_id': n, 'n': n} for n in range(50)],
                            text=JOB + 'job:shape() ' + call)
                work.database.query("create table docs (id text primary key, n int); insert into docs "
                                    "select 'x' || n, 1 from generate_series(1, 40) n")
                before = work.database.query('select md5(string_agg(t::text, $$,$$ order by id)) from docs t')
                done = work.lugger('job.lua', '--dry-run', '--limit', '20')
                self.assertEqual(done.out, '20\n')
                self.assertIn('a dry run: no job of the script wrote anything', done.err)
                self.assertEqual(before, work.database.query(
                    'select md5(string_agg(t::text, $$,$$ order by id)) from docs t'))

    def test_b3_a_limit_holds_for_jobs_that_the_script_runs(self):
        work, _ = self.script('job:run { create = true }', flags=('--limit', '7'))
        self.assertEqual(work.database.query('select count(*) from docs'), '7')

    def test_b3_other_commands_do_not_load(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 1}],
                    text=JOB + 'job:run { create = true } return job')
        for command in (['plan'], ['preview'], ['verify'], ['rejects'], ['trace', '1'], ['repair'], ['runs']):
            with self.subTest(command):
                err = work.lugger(command[0], 'job.lua', *command[1:], expect=1).err
                self.assertIn(f'job.lua runs its jobs itself, and `lugger {command[0]}` must not', err)
                self.assertIn('`lugger job.lua` runs it', err)
                self.assertIn('job.lua:7', err)
        self.assertEqual(work.database.query("select count(*) from pg_class where relname = 'docs'"), '0')

    def test_b3_rejects_of_a_script_without_jobs(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 1}], text=JOB + 'job:shape()')
        self.assertIn('job.lua returned no job whose rejects could be looked up',
                      work.lugger('rejects', 'job.lua', expect=1).err)

    def test_b1_routers_of_one_source_have_their_own_rejects(self):
        text = """local lugger = require 'lugger'
local function r(v)
  return lugger.copy {
    from = lugger.source(lugger.env.MONGO_URI),
    into = lugger.target(lugger.env.PG_URI, { key = 'id', on_conflict = 'update' }),
    columns = { { 'id', 'text', from = '_id' }, { v, 'int4', from = 'n' } },
    route = { from = 'kind', tables = { a = v .. '_a' }, otherwise = v .. '_o' },
  }
end
return { r('v1'), r('v2') }
"""
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 'x', 'kind': 'a'}, {'_id': 2, 'n': 2}], text=text)
        work.run('--create', expect=3)
        jobs = work.database.query('select job from lugger.rejects order by 1').splitlines()
        self.assertEqual(len(jobs), 2)
        self.assertTrue(jobs[0].endswith(' v1_a, v1_o') and jobs[1].endswith(' v2_a, v2_o'), jobs)
        again = work.run('--create', expect=3)
        self.assertEqual(work.database.query('select count(*) from lugger.rejects'), '2', again.err)

    def test_b1_jobs_of_one_name_are_refused(self):
        work = Work(self.server.fresh(), [{'_id': 1, 'n': 1}], text=JOB.replace('local job =', 'return { ')
                    .replace("} },\n}", "} }, name = 'x' }, lugger.copy { "
                             "from = lugger.source(lugger.env.MONGO_URI), "
                             "into = lugger.target(lugger.env.PG_URI, { table = 'other' }), "
                             "columns = { { 'n', 'int4' } }, name = 'x' } }"))
        self.assertIn('two jobs of the script have the name x', work.run('--create', expect=1).err)

    def test_e8_a_forgotten_return_is_told(self):
        for body in ('', 'print(job)', 'job:name() local more = lugger.task("t", function() end)'):
            with self.subTest(body):
                self.assertIn('neither returned nor used', self.script(body, expect=1)[1].err)

    def test_a_run_is_quiet_unless_asked(self):
        _, done = self.script("""
local calls, last = 0, nil
local result = job:run { create = true, on_progress = function(p) calls, last = calls + 1, p end }
print(result.status, result.tally.read, calls > 0, last.read, last.job)
""")
        self.assertEqual((done.out, done.err), ('done\t50\ttrue\t50\tdocs.bson -> docs\n', ''))
        _, done = self.script('job:run { create = true, progress = true }')
        self.assertIn('docs.bson -> docs: ', done.err)

    def test_an_error_in_on_progress_stops_the_run_and_is_raised(self):
        work, done = self.script("""
print(pcall(job.run, job, { create = true, on_progress = function() error('mine', 0) end }))
print(job:run().status)
""")
        self.assertEqual(done.out, 'false\tmine\ndone\n')
        self.assertEqual(work.database.query('select count(*) from docs'), '50')

    def test_rejects_of_a_job(self):
        _, done = self.script("""
job:run { create = true }
local rejects = job:rejects()
print(rejects, rejects:count(), #rejects:list(3))
for reject in rejects do print(reject.document_id, reject.column, reject.code, reject.document.n) end
""", documents=[{'_id': n, 'n': f'x{n}' if n % 20 == 3 else n} for n in range(50)])
        self.assertEqual(done.out, '3 rejects of docs.bson -> docs\t3\t3\n$n:3\tn\tbad_value\tx3\n'
                                   '$n:23\tn\tbad_value\tx23\n$n:43\tn\tbad_value\tx43\n')

    def test_a_verdict_prints_and_is_json(self):
        _, done = self.script("""
job:run { create = true }
local verdict = job:verify()
print(verdict)
print(lugger.json.encode(verdict))
""")
        sentence, text = done.out.splitlines()
        self.assertRegex(sentence, r'docs.bson -> docs: equal, 50 rows compared by value')
        self.assertEqual(json.loads(text)['notes'], [])
        self.assertEqual(json.loads(text)['tables'][0]['equal'], 50)

    def test_mistakes_are_told_at_the_line(self):
        cases = {
            'job.run()': 'job.run is a method: call it with a colon',
            'job:run { jobz = 1 }': 'did you mean jobs?',
            "job:run { jobs = 'x' }": 'jobs must be a whole number',
            'job:run { on_progres = print }': 'did you mean on_progress?',
            'job:run { on_progress = 1 }': 'on_progress is a function',
            'job:run(5)': 'job:run wants a table of settings, not a number',
            'job:start({ create = true }).poll(200)': 'run.poll is a method: call it with a colon',
            'job:start({ create = true }).ended()': 'run.ended is a method: call it with a colon',
            "lugger.source('x').find {}": 'source.find is a method',
            "lugger.target('local:').columns()": 'target.columns is a method',
            "lugger.coercer('int4').coerce(1)": 'coercer.coerce is a method',
            "lugger.session(lugger.env.PG_URI).query('select 1')": 'db.query is a method',
            'job.from.cursor()': 'job has no "from"',
            "lugger.source(lugger.env.MONGO_URI):cursor().next()": 'cursor.next is a method',
            "lugger.source(lugger.env.MONGO_URI):cursor():next().docs()": 'batch.docs is a method',
            "lugger.source(lugger.env.MONGO_URI):cursor():next()[1].get('n')": 'doc.get is a method',
            "lugger.decimal('1').round(0)": 'decimal.round is a method',
            "lugger.source('x', { colection = 'y' }):info()": 'did you mean collection?',
            "lugger.coercer('int4', { trimm = true })": 'did you mean trim?',
            "lugger.coercer('int4'):coerce 'x'": 'cannot read "x" as int4',
            "lugger.error { code = 'cnflict', message = 'x' }": 'did you mean conflict?',
            "lugger.sleep 'x'": 'lugger.sleep wants seconds',
        }
        for call, message in cases.items():
            with self.subTest(call):
                err = self.script(f'job:name() -- line 7\n{call}', expect=1)[1].err
                self.assertIn(message, err)
                self.assertIn('job.lua:8', err)

    def test_b6_a_name_that_is_not_there_is_told_with_the_nearest(self):
        cases = {'lugger.cpy {}': 'lugger has no "cpy" (script job.lua:7); did you mean lugger.copy?',
                 'lugger.schema.copy()': "lugger.schema is a module of its own (script job.lua:7); "
                                         "require 'lugger.schema'",
                 'job:runn()': 'job has no "runn" (script job.lua:7); did you mean job:run?',
                 "lugger.text.trm ' x'": 'lugger.text has no "trm" (script job.lua:7); did you mean '
                                         'lugger.text.trim?',
                 'lugger.json.xyzzy {}': '`lugger help lugger.json` lists what it has',
                 "lugger.session(lugger.env.PG_URI):qery ''": 'did you mean db:query?',
                 "lugger.target('local:'):column()": 'did you mean target:columns?',
                 "lugger.source('x.json'):cursr()": 'did you mean source:cursor?',
                 'lugger.source(lugger.env.MONGO_URI):cursor():nxt()': 'did you mean cursor:next?'}
        for body, message in cases.items():
            with self.subTest(body):
                self.assertIn(message, self.script(body, expect=1)[1].err)
        _, done = self.script("""
          print(lugger.has 'copy', lugger.has 'json', lugger.has 'cpy', rawget(lugger, 'cpy'))
          job:preview(1)""")
        self.assertEqual(done.out, 'true\ttrue\tfalse\tnil\n')

    def test_b6_near_names_in_hooks_and_tasks(self):
        task = """return lugger.task('t', function(task)
          local out = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id' }),
            { columns = { { 'id', 'text', from = '_id' } } })
          %s
        end)"""
        bodies = {"out:ad {}": 'writer has no "ad" (script job.lua:10); did you mean writer:add?',
                  "task:cursr()": 'did you mean task:cursor?'}
        for body, message in bodies.items():
            with self.subTest(body):
                self.assertIn(message, self.script(task % body, expect=1, flags=('--create',))[1].err)
        hook = """job.spec.map = function(row) return lugger.skp 'x' end
          lugger.copy(job.spec):run { create = true } job:plan { create = true }"""
        self.assertIn('did you mean lugger.skip?', self.script(hook, expect=1)[1].err)

    def test_b5_a_table_that_no_route_leads_to_is_refused(self):
        route = """local spec = job.spec
          spec.route = { from = 'n', tables = { ['1'] = 'ones' }%s }
          lugger.copy(spec):preview(1) job:preview(1)"""
        self.assertIn("the table docs is none of those that the route leads to",
                      self.script(route % '', expect=1)[1].err)
        self.assertIn("leave table = 'docs' out",
                      self.script(route % ", otherwise = 'rest'", expect=1)[1].err)
        self.script(route % ", otherwise = 'docs'")


class Scripts(unittest.TestCase):
    def script(self, text, *flags, expect=0):
        directory = harness.scratch()
        with open(f'{directory}/s.lua', 'w', encoding='utf-8') as file:
            file.write("local lugger = require 'lugger'\n" + text)
        return lugger('s.lua', *flags, cwd=directory, expect=expect)

    def test_errors_of_a_script(self):
        err = self.script("lugger.error { code = 'conflict', message = 'two of them', hint = 'drop one' }",
                          expect=1).err
        self.assertEqual(err, 'error: two of them (script s.lua:2); drop one\n')
        err = self.script("lugger.error { code = 'interrupted', message = 'enough' }", expect=130).err
        self.assertEqual(err, 'error: enough (script s.lua:2)\n')
        self.assertEqual(self.script("print(select(2, pcall(lugger.error, 'plain')).message)").out, 'plain\n')
        self.assertEqual(self.script("error { message = 'a table', hint = 'and a hint' }", expect=1).err,
                         'error: a table; and a hint\n')

    def test_the_stack_behind_an_error(self):
        text = ("local function deep() lugger.error 'down here' end\n"
                'local function mid() deep() return 1 end\nmid()')
        self.assertNotIn('stack traceback', self.script(text, expect=1).err)
        err = self.script(text, '--traceback', expect=1).err
        self.assertRegex(err, r"s.lua:2: in function 'deep'\n\ts.lua:3: in function 'mid'\n"
                              r'\ts.lua:4: in main chunk')

    def test_interrupted_before_the_command_begins(self):
        """Its modules are still being loaded: stopped is stopped, and not failed."""
        stdlib = Path(harness.scratch()) / 'stdlib'
        shutil.copytree(harness.ROOT / 'stdlib', stdlib)
        first = stdlib / 'inner' / 'cli' / 'cli.lua'
        first.write_text("jit.off(true) io.stderr:write('loads\\n') io.stderr:flush() while true do end",
                         encoding='utf-8')
        process = harness.start('--stdlib', stdlib, 'version')
        self.addCleanup(process.kill)
        self.assertIn('loads', process.stderr.readline())
        process.send_signal(signal.SIGINT)
        self.assertIn('interrupted', process.communicate(timeout=30)[1])
        self.assertEqual(process.returncode, 130)

    def test_sleep_ends_with_ctrl_c(self):
        directory = harness.scratch()
        with open(f'{directory}/s.lua', 'w', encoding='utf-8') as file:
            file.write("print 'sleeping' io.stdout:flush() require('lugger').sleep(600)")
        process = harness.start('s.lua', cwd=directory)
        self.assertEqual(process.stdout.readline(), 'sleeping\n')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)

    OPTIONS = """
local o = lugger.options {
  dry = { 'only look', type = 'bool' }, check = { 'check it', default = true },
  n = { 'how many', type = 'int', default = 3 },
  file = { 'the file', argument = 1, required = true },
  more = { 'others', argument = 2, list = true, type = 'int' },
}
print(o.dry, o.check, o.n, o.file, o.more and table.concat(o.more, ','))
"""

    def test_e14_switches_and_arguments(self):
        cases = {('a', ): 'false\ttrue\t3\ta\tnil',
                 ('--dry', 'a', '1', '2'): 'true\ttrue\t3\ta\t1,2',
                 ('a', '--no-check', '--n', '5'): 'false\tfalse\t5\ta\tnil',
                 ('--check=false', '--', '--dry'): 'false\tfalse\t3\t--dry\tnil'}
        for flags, shown in cases.items():
            with self.subTest(flags):
                self.assertEqual(self.script(self.OPTIONS, *flags).out, shown + '\n')
        wrong = {(): (1, 'FILE is required: the file'), ('a', 'x'): (1, 'MORE takes a whole number, not "x"'),
                 ('--no-n', 'a'): (2, 'unknown flag --no-n'), ('--chek', 'a'): (2, 'did you mean --check?'),
                 ('--no-dry=1', 'a'): (1, '--no-dry takes no value')}
        for flags, (status, message) in wrong.items():
            with self.subTest(flags):
                self.assertIn(message, self.script(self.OPTIONS, *flags, expect=status).err)

    def test_e14_help_lists_them(self):
        out = self.script(self.OPTIONS, '--help').out
        for text in ('usage: lugger run s.lua FILE [MORE...] [its flags]',
                     '  FILE\n      the file (text, required)', '--dry, --no-dry', '--n VALUE',
                     '--check, --no-check\n      check it (default true)'):
            self.assertIn(text, out)

    def test_e14_a_declaration_that_cannot_be_is_refused(self):
        cases = {"a = { 'x', argument = 2 }": 'there is no argument 1',
                 "a = { 'x', argument = 1 }, b = { 'y', argument = 1 }": 'both are argument 1',
                 "a = { 'x', argument = 1, list = true }, b = { 'y', argument = 2 }": 'the last argument',
                 "a = { 'x', argument = 1, type = 'bool' }": 'it is no switch',
                 "x = { 'x', type = 'bool' }, no_x = { 'y' }": 'are one flag',
                 "a = { 'x', type = 'nubmer' }":
                     'no type "nubmer" that can be checked here; did you mean number?',
                 "a = { 'x', type = 5 }": 'type must be a text, not 5',
                 "a = { 'x', type = 'numeric(' }": 'no type "numeric("',
                 "a = { 'x', type = 'int', default = 'x' }": 'its default "x" does not fit',
                 "a = { 'x', type = 'int', default = 1.5 }": 'must be a whole number, not 1.5',
                 "a = { 'x', type = 'text', default = 5 }": 'its default must be a text, not 5',
                 "a = { 'x', type = 'bool', default = 1 }": 'must be true or false, not 1',
                 "a = { 'x', type = 'timestamptz', default = 'q' }": 'cannot read "q" as timestamptz',
                 "a = { 'x', type = 'numeric(4,2)', default = 12345 }": 'out of range',
                 "a = { 'x', default = {} }": 'its default must be a text, not a table',
                 "a = { 'x', choices = { 'a' }, default = 'b' }": 'choose one of: a',
                 "a = { 'x', choices = 'a' }": 'choices must be a list',
                 "a = { 'x', list = true, default = 'a' }": 'its default must be a list',
                 "a = { 'x', list = true, type = 'int', default = { 1, 'x' } }":
                     'its default "x" does not fit',
                 "a = { 'x', list = true, type = 'bool' }": 'a switch is no list',
                 "a = { 'x', required = 1 }": 'required must be true or false',
                 "a = { 5 }": 'what it does must be a text'}
        for options, message in cases.items():
            with self.subTest(options):
                self.assertIn(message, self.script(f'lugger.options {{ {options} }}', expect=1).err)

    def test_defaults_are_what_the_command_line_gives(self):
        done = self.script("""
local o = lugger.options { n = { 'x', type = 'int', default = '7' },
  m = { 'x', type = 'numeric(4,2)', default = 2 },
  at = { 'x', type = 'timestamptz', default = lugger.date '2026-01-01' },
  l = { 'x', list = true, default = { 4, 5 } }, c = { 'x', type = 'int', choices = { 1, 2 }, default = 2 },
  ip = { 'x', type = 'inet', default = '10.0.0.1' } }
print(o.n + 1, o.m, o.at, o.l[2] + 1, o.c + 1, o.ip)""")
        self.assertEqual(done.out.split(), ['8', '2.00', '2026-01-01T00:00:00Z', '6', '3', '10.0.0.1'])


if __name__ == '__main__':
    harness.main()
