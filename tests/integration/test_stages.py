"""Stages after the load: indexes and constraints in order, each resumable, and nobody is kept waiting."""
import json
import re
import unittest

import fixes
from jobs import Work, job
from postgres import Postgres
from sessions import Session, wait_for

COLUMNS = "{ 'email', 'text' }, { 'age', 'int4' }, { 'team', 'text' }"
BUILDS = """unmapped = 'ignore',
indexes = { { 'email', unique = true }, { columns = { 'age desc', '(lower(email))' }, name = 'by_age',
  where = 'age > 1', with = { fillfactor = 80 } },
  { 'team', include = { 'age' } } },
not_null = { 'email', 'age' },
constraints = { { check = 'age >= 0', name = 'age_sane' }, 'unique (age, team)',
  { foreign_key = 'team', references = 'teams', on_delete = 'set null' } },
children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"""
SHAPE = """select string_agg(x, E'\\n' order by x)
  from (select indexdef from pg_indexes where schemaname = 'public'
  union all select conrelid::regclass || ' ' || conname || ' ' || convalidated || ' ' ||
    pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'public'::regnamespace
  union all select attrelid::regclass || '.' || attname || ' not null' from pg_attribute where attnotnull
    and attnum > 0
    and attrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'))
      s (x)"""


def people(count=30):
    return [{'_id': i, 'email': f'u{i}@x', 'age': i + 1, 'team': 'a' if i % 2 else 'b', 'tags': ['x', 'y']}
            for i in range(count)]


class Stages(unittest.TestCase):
    maxDiff = None
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, documents=None, extra=BUILDS, columns=COLUMNS, **more):
        work = Work(self.server.fresh(), people() if documents is None else documents,
                    job(columns, extra=extra, **more))
        work.database.query("create table teams (name text primary key); "
                            "insert into teams values ('a'), ('b')")
        return work

    def stages(self, work):
        return work.database.query("select string_agg(stage || ' ' || status, ', ' order by ordinal) "
                                   "from lugger.stage_steps")

    def test_stages_one_by_one_equal_all_in_one(self):
        whole, parts = self.work(), self.work()
        whole.run('--create')
        parts.run('--create', '--stage', 'load')
        self.assertEqual(parts.database.query("select count(*) from pg_indexes "
                                              "where indexname in ('by_age', 'docs_email_idx')"),
                         '0')
        self.assertEqual(parts.database.query("select count(*) from pg_constraint where contype in "
                                              "('f', 'c') and conrelid = 'docs'::regclass"),
                         '0')
        self.assertIn('waiting', self.stages(parts))
        self.assertIn('indexes: 3 built',
                      parts.run('--stage', 'index', '-j', 2, '--index-memory', '64MB').err)
        parts.run('--stage', 'constrain')
        self.assertEqual(parts.database.query(SHAPE), whole.database.query(SHAPE))
        self.assertNotIn('false', parts.database.query(SHAPE))
        for work in (whole, parts):
            self.assertEqual(set(re.findall(r'\w+(?=,|$)', self.stages(work))), {'done'})
            before = work.database.query('select string_agg(step || ended_at::text, $$,$$ order by ordinal) '
                                         'from lugger.stage_steps')
            work.run('--stage', 'index')
            work.run('--stage', 'constrain')
            self.assertEqual(work.database.query('select string_agg(step || ended_at::text, $$,$$ order by '
                                                 'ordinal) from lugger.stage_steps'),
                             before, 'done steps are not done again')
        self.assertIn('INCLUDE (age)', whole.database.query(SHAPE))
        self.assertIn("fillfactor='80'", whole.database.query(SHAPE))

    def test_an_index_by_an_expression_is_one(self):
        columns = "{ 'a', 'jsonb', from = 'email' }, { 'b', 'jsonb', from = 'tags' }"
        gin = "unmapped = 'ignore', indexes = { { '(a)', method = 'gin', opclass = 'jsonb_path_ops' } },"
        told = Work(self.server.fresh(), people(), job(columns, extra=gin)).run('--create').err
        self.assertIn('"docs"."b": jsonb without an index', told)

    def test_a_key_that_is_made_before_the_load_is_planned_once(self):
        work = Work(self.server.fresh(), people(), job(COLUMNS, target_options="writer = 'statement',",
                                                       extra="unmapped = 'ignore',"))
        told = work.lugger('plan', 'job.lua', '--create').out
        self.assertEqual(told.count('PRIMARY KEY'), 1, told)

    def test_plain_where_nobody_can_wait_concurrently_elsewhere(self):
        work = self.work()
        plan = work.lugger('plan', 'job.lua', '--create').out
        self.assertIn('CREATE UNIQUE INDEX "docs_email_idx"', plan)
        work.run('--create')
        self.assertNotIn('CONCURRENTLY',
                         work.database.query('select string_agg(statement, $$;$$) from lugger.stage_steps'))
        later = self.work()
        later.run('--create', '--stage', 'load')
        self.assertIn('CREATE UNIQUE INDEX CONCURRENTLY "docs_email_idx"',
                      later.lugger('plan', 'job.lua').out)
        later.run('--stage', 'index')
        self.assertEqual(later.database.query("select count(*) from lugger.stage_steps where stage = 'index' "
                                              "and statement like '%CONCURRENTLY%'"),
                         '3')

    def test_s0_18_invalid_leftovers_are_dropped_and_built_anew(self):
        work = self.work([*people(), {'_id': 99, 'email': 'u1@x', 'age': 99}],
                         extra="unmapped = 'ignore', indexes = { { 'email', unique = true } },")
        work.run('--create', '--stage', 'load')
        failed = work.run('--stage', 'index', expect=1)
        self.assertIn('preflight', failed.err)
        self.assertEqual(work.database.number('select count(*) from pg_index where not indisvalid'), 0,
                         'a failed build leaves nothing behind')
        work.database.query('create unique index concurrently docs_email_idx on docs (email)', check=False)
        self.assertEqual(work.database.number('select count(*) from pg_index where not indisvalid'), 1)
        work.database.query("delete from docs where mongo_id = '$n:99'")
        result = work.run('--stage', 'index')
        self.assertIn('INVALID leftover of an earlier build was dropped', result.err)
        self.assertEqual(work.database.query("select indisvalid and indisunique from pg_index "
                                             "where indexrelid = 'docs_email_idx'::regclass"),
                         't')

    def test_a9_an_invalid_index_of_another_session_stays(self):
        work = self.work([*people(), {'_id': 99, 'email': 'u1@x', 'age': 99}],
                         extra="unmapped = 'ignore', indexes = { { 'email', name = 'by_email' } },")
        work.run('--create', '--stage', 'load')
        work.database.query('create unique index concurrently by_email on docs (email)', check=False)
        result = work.run('--stage', 'index', expect=1)
        self.assertIn('an INVALID index by_email is on docs that this job did not begin', result.err)
        self.assertEqual(work.database.query("select indisunique from pg_index where not indisvalid"), 't')

    def test_f14_the_option_direct_always_counts(self):
        builds = "unmapped = 'ignore', indexes = { { 'age', name = 'by_age' } },"
        nowhere = self.server.url('nowhere')
        work = self.work(extra=builds, target_options=f"direct = '{nowhere}',")
        work.run('--create', '--stage', 'load')
        self.assertIn('nowhere', work.run('--stage', 'index', expect=1).err)
        work = self.work(extra=builds)
        work.run('--create', '--stage', 'load')
        work.run('--stage', 'index', env={'PG_DIRECT_URI': nowhere})
        self.assertEqual(work.database.number("select count(*) from pg_indexes where indexname = 'by_age'"),
                         1)

    def test_a9_an_index_that_another_session_builds_stays(self):
        work = self.work(extra="unmapped = 'ignore', indexes = { { 'age', name = 'by_age' } },")
        work.run('--create', '--stage', 'load')
        writer, dba = fixes.Session(work.database), fixes.Session(work.database)
        self.addCleanup(writer.close)
        self.addCleanup(dba.close)
        writer.run("begin; insert into docs (mongo_id) values ('held')")
        dba.start('create index concurrently by_age on docs (age)')
        fixes.until(lambda: work.database.query('select count(*) from pg_index where not indisvalid') == '1',
                    'the DBA builds')
        process = work.start('run', 'job.lua', '--stage', 'index', '--log', 'none')
        fixes.until(lambda: process.poll() is not None or work.database.query(
                        "select count(*) from pg_stat_activity where application_name like 'lugger%'") != '0',
                    'lugger looks')
        oid = work.database.query("select 'by_age'::regclass::oid")
        writer.run('commit')
        dba.run('select 1')
        process.communicate(timeout=60)
        self.assertEqual(work.database.query("select 'by_age'::regclass::oid"), oid)
        self.assertEqual(
            work.database.query("select indisvalid from pg_index where indexrelid = 'by_age'::regclass"), 't')

    def test_s0_13_from_no_schema_to_not_null(self):
        work = self.work(extra="unmapped = 'ignore', not_null = { 'email', 'age' },")
        plan = work.lugger('plan', 'job.lua', '--create').out
        steps = ['CHECK ("email" IS NOT NULL AND "age" IS NOT NULL) NOT VALID', 'VALIDATE CONSTRAINT',
                 'ALTER COLUMN "age" SET NOT NULL', 'DROP CONSTRAINT']
        self.assertEqual(sorted(plan.index(s) for s in steps), [plan.index(s) for s in steps])
        work.run('--create', '--stage', 'load')
        self.assertEqual(work.database.query("select string_agg(attname, ',' order by attname) "
                                             "from pg_attribute where attrelid = 'docs'::regclass "
                                             "and attnotnull and attnum > 0"),
                         'mongo_id')
        work.run('--stage', 'constrain')
        self.assertEqual(work.database.query("select string_agg(attname, ',' order by attname) "
                                             "from pg_attribute where attrelid = 'docs'::regclass "
                                             "and attnotnull and attnum > 0"),
                         'age,email,mongo_id')
        self.assertEqual(work.database.query("select count(*) from pg_constraint where conrelid = "
                                             "'docs'::regclass and contype = 'c'"),
                         '0')

    def test_s0_17_not_null_up_front_is_told_and_the_later_form_offered(self):
        work = self.work(columns="{ 'email', 'text', required = true }, { 'age', 'int4' }",
                         extra="unmapped = 'ignore',")
        plan = work.lugger('plan', 'job.lua', '--create')
        self.assertIn('"email" text NOT NULL', plan.out)
        self.assertRegex(plan.err, r"(?s)email.*NOT NULL.*not_null = ")
        work.script(job("{ 'email', 'text' }, { 'age', 'int4' }",
                        extra="unmapped = 'ignore', not_null = 'email',"))
        self.assertNotIn('not_null = ', work.lugger('plan', 'job.lua', '--create').err)

    def test_s0_73_constraints_wait_for_clean_rows(self):
        documents = [*people(5), {'_id': 50, 'age': -4, 'team': 'zz'}, {'_id': 51, 'age': 1, 'team': 'b'}]
        work = self.work(documents)
        result = work.run('--create', expect=4)
        self.assertIn('no constraint was added', result.err)
        self.assertRegex(result.err, r'docs +email +not null +2 +\$n:50; \$n:51')
        self.assertIn('lugger run job.lua --stage constrain', result.err)
        self.assertEqual(work.database.query("select status from lugger.runs"), 'done',
                         'the load itself is over')
        self.assertEqual(work.database.query("select count(*) from pg_constraint where conrelid = "
                                             "'docs'::regclass and contype in ('c', 'f')"),
                         '0')
        self.assertEqual(work.run('--stage', 'constrain', expect=4).status, 4)
        forced = work.run('--stage', 'constrain', '--force')
        self.assertIn('NOT VALID', forced.err)
        shape = work.database.query(SHAPE)
        self.assertIn('docs age_sane false CHECK ((age >= 0)) NOT VALID', shape)
        self.assertIn('docs_not_null_pending false', shape)
        self.assertIn('docs.age not null', shape)
        self.assertNotIn('docs.email not null', shape)
        self.assertNotIn('UNIQUE (age, team)', shape.replace('CREATE UNIQUE', ''))
        work.database.query("delete from tags where parent_mongo_id in ('$n:50', '$n:51'); "
                            "delete from docs where mongo_id in ('$n:50', '$n:51')")
        work.run('--stage', 'constrain')
        self.assertNotIn('false', work.database.query(SHAPE))
        self.assertNotIn('pending', work.database.query(SHAPE))
        self.assertIn('docs.email not null', work.database.query(SHAPE))

    def test_s0_73_only_after_a_clean_verdict(self):
        work = self.work(extra="unmapped = 'ignore', not_null = 'email', name = 'people',")
        work.run('--create', '--stage', 'load')
        run = work.database.query('select run from lugger.runs')
        gate = ('--stage', 'constrain', '--verdict', 'verdict.json')
        for words, job_ in (('not equal', {'job': 'people', 'run': run, 'equal': False}),
                            ('earlier run', {'job': 'people', 'run': 'x', 'equal': True}),
                            ('nothing of this job', {'job': 'other', 'run': run, 'equal': True})):
            with self.subTest(words):
                (work.directory / 'verdict.json').write_text(json.dumps({'format': 'lugger-verdict/1',
                                                                         'equal': True, 'jobs': [job_]}),
                                                             encoding='utf-8')
                self.assertIn(words, work.run(*gate, expect=4).err)
        self.assertEqual(self.stages(work), 'constrain waiting')
        (work.directory / 'verdict.json').write_text('{"a": 1}', encoding='utf-8')
        self.assertIn('not a verdict', work.run(*gate, expect=1).err)
        (work.directory / 'verdict.json').write_text(json.dumps({'format': 'lugger-verdict/1',
                                                                 'jobs': [{'job': 'people', 'run': run,
                                                                           'equal': True}]}),
                                                     encoding='utf-8')
        work.run(*gate)
        self.assertEqual(self.stages(work), 'constrain done')
        self.assertIn('--stage constrain', work.run('--verdict', 'verdict.json', expect=1).err)

    def test_advice_once_when_the_tables_are_made(self):
        work = self.work(columns=COLUMNS + ", { 'rest', 'jsonb', from = '*' }", extra='', conflict='update')
        first = work.run('--create').err
        self.assertIn('fillfactor = 90', first)
        self.assertIn('CREATE INDEX CONCURRENTLY ON "docs" USING gin ("rest" jsonb_path_ops)', first)
        again = work.run('--create').err
        self.assertNotIn('fillfactor', again)
        self.assertNotIn('jsonb_path_ops', again)
        refused = self.work(columns="{ 'email', 'int4' }", extra="unmapped = 'ignore',", conflict='update')
        self.assertNotIn('fillfactor', refused.run('--create', expect=3).err)   # all rows are rejected

    def test_a_task_gets_its_indexes_and_constraints_too(self):
        work = self.work()
        work.script("""local lugger = require 'lugger'
          return lugger.task('t', function(task)
            local out = task:writer(lugger.target(lugger.env.PG_URI,
              { table = 'made', key = 'id', on_conflict = 'skip' }),
              { columns = { { 'id', 'int4' }, { 'v', 'text' } }, indexes = { 'v' },
                constraints = { { not_null = 'v' } } })
            out:add { id = 1, v = 'x' }
            out:commit()
          end)""")
        work.run('--create')
        self.assertIn('made_v_idx', work.database.query(SHAPE))
        self.assertIn('made.v not null', work.database.query(SHAPE))

    def test_traffic_passes_while_a_lock_is_waited_for(self):
        work = self.work(extra="unmapped = 'ignore', constraints = { { check = 'age > 0', name = 'sane' } },")
        work.run('--create', '--stage', 'load')
        holder = Session(work.database)
        holder.run('begin; select count(*) from docs')
        process = work.start('run', 'job.lua', '--stage', 'constrain', '--lock-timeout', '100',
                             '--lock-tries', '1000', '--log', 'json')
        wait_for(work.database,
                 "select exists (select from pg_locks where relation = 'docs'::regclass and not granted)",
                 process)
        for _ in range(8):
            work.database.query("set statement_timeout = '20s'; select count(*) from docs; "
                                "update docs set age = age")
        self.assertIsNone(process.poll())
        holder.run('commit')
        _, err = process.communicate(timeout=60)
        holder.close()
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(work.database.query("select convalidated from pg_constraint where conname = 'sane'"),
                         't')
        self.assertGreater(work.database.number('select tries from lugger.stage_steps'), 2)

    def test_a_lock_that_is_never_given(self):
        work = self.work(extra="unmapped = 'ignore', not_null = 'age',")
        work.run('--create', '--stage', 'load')
        holder = Session(work.database)
        holder.run("set application_name = 'nightly report'; begin; select count(*) from docs")
        result = work.run('--stage', 'constrain', '--lock-timeout', '50', '--lock-tries', '2', expect=1)
        self.assertRegex(result.err,
                         r'docs: its lock was not given within 2 tries of 50 ms; '
                         r'it is held by pid \d+ \(nightly report, idle in transaction')
        self.assertIn('--lock-tries', result.err)
        self.assertEqual(self.stages(work), 'constrain failed')
        holder.run('commit')
        holder.close()
        work.run('--stage', 'constrain')
        self.assertEqual(self.stages(work), 'constrain done')

    def test_a_table_in_use_is_built_concurrently(self):
        work = self.work(extra="unmapped = 'ignore', indexes = { { 'age', concurrently = false } },")
        work.run('--create', '--stage', 'load')
        holder = Session(work.database)
        holder.run('begin; update docs set age = age')
        process = work.start('run', 'job.lua', '--stage', 'index', '--lock-timeout', '50', '--log', 'json')
        wait_for(work.database,
                 "select exists (select from pg_stat_progress_create_index where command like "
                 "'%CONCURRENTLY')",
                 process)
        holder.run('commit')
        _, err = process.communicate(timeout=60)
        holder.close()
        self.assertEqual(process.returncode, 0, err)
        end = json.loads(err.splitlines()[-1])
        self.assertIn('is in use', ' '.join(end['notes']))

    def test_progress_names_whom_it_waits_for(self):
        work = self.work(extra="unmapped = 'ignore', indexes = { 'age' },")
        work.run('--create', '--stage', 'load')
        holder = Session(work.database)
        holder.run("set application_name = 'old report'; begin; update docs set age = age")
        process = work.start('run', 'job.lua', '--stage', 'index', '--log', 'json')
        lines = []
        while not any('old report' in line and 'steps' in json.loads(line) for line in lines):
            lines.append(process.stderr.readline())
            self.assertNotEqual(lines[-1], '', lines)
        steps = json.loads(lines[-1])['steps']
        self.assertEqual((steps[0]['step'], steps[0]['table']), ('docs_age_idx', 'docs'))
        self.assertIn('waiting for writers', steps[0]['phase'])
        holder.run('commit')
        holder.close()
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)

    def test_one_failure_does_not_keep_the_others(self):
        work = self.work([*people(), {'_id': 99, 'email': 'u1@x', 'age': 5}])
        result = work.run('--create', expect=1)
        self.assertIn('docs_email_idx', result.err)
        self.assertEqual(work.database.query("select count(*) from pg_indexes "
                                             "where indexname in ('by_age', 'docs_team_idx')"),
                         '2')
        work.database.query("delete from tags where parent_mongo_id = '$n:99'; "
                            "delete from docs where mongo_id = '$n:99'")
        resumed = work.run()
        self.assertIn('resumed', resumed.err)
        self.assertEqual(work.database.query('select status from lugger.runs'), 'done')
        self.assertNotIn('false', work.database.query(SHAPE))

    def test_mistakes(self):
        cases = (("indexes = { 'emial' },", r'no column emial; did you mean email'),
                 ("indexes = { { 'age', table = 'nowhere' } },", 'no table nowhere'),
                 ("not_null = 'emali',", 'no column emali'),
                 ("constraints = { { check = 'a', unique = 'b' } },", 'one of not_null'),
                 ("constraints = { { foreign_key = 'team' } },", 'which table'),
                 ("indexes = { { 'age', metod = 'hash' } },", 'did you mean method'),
                 ("constraints = { { foreign_key = 'team', references = 'teams', on_delete = 'drop' } },",
                  'on_delete'),
                 ("indexes = { { 'age', with = { ['a b'] = 1 } } },", 'storage parameter'))
        for extra, words in cases:
            with self.subTest(extra):
                work = self.work(extra="unmapped = 'ignore', " + extra)
                self.assertRegex(work.run('--create', expect=1).err, words)
                self.assertEqual(work.database.query("select to_regclass('docs') is null"), 't',
                                 'told before the load, not behind it')
        work = self.work(extra="unmapped = 'ignore', indexes = { 'age' },")
        self.assertIn('does not exist', work.run('--stage', 'index', expect=1).err)
        self.assertEqual(work.run('--stage', 'indexes', expect=2).status, 2)
        self.assertIn('no indexes', work.run('--stage', 'index', '--into', 'out.jsonl', expect=1).err)

    def test_an_index_that_another_script_described_is_told(self):
        work = self.work(extra="unmapped = 'ignore', indexes = { { 'age', name = 'mine' } },")
        work.run('--create')
        work.script(job(COLUMNS, extra="unmapped = 'ignore', indexes = { { 'team', name = 'mine' } },"))
        self.assertIn('index mine exists as an earlier script described it', work.run('--stage', 'index').err)


if __name__ == '__main__':
    import harness
    harness.main()
