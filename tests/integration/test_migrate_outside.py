"""Steps outside transactions: what was done, what failed, and whose is what is left."""
import unittest

import harness
from fixes import Session, until
from migrations import Project
from postgres import Postgres

TABLE = 'create table t (id int primary key, a int, b int); insert into t values (1, 1, 1), (2, 1, 1)'
UNIQUE = '-- up\nCREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a);\n'
INDEXES = """select string_agg(c.relname || case when i.indisvalid then '' else ' INVALID' end, ','
  order by 1)
from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = 't'::regclass
  and not i.indisprimary"""
BUILDING = ("select count(*) from pg_stat_activity where query like 'CREATE UNIQUE INDEX CONCURRENTLY%' "
            "and state = 'active'")


class Outside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, sql=TABLE, **files):
        project = Project(self.server.fresh(), **files)
        project.query(sql)
        return project

    def session(self, project):
        session = Session(project.database)
        self.addCleanup(session.close)
        return session

    def held(self, project):
        """A session that writes to t and does not commit: builds wait for it."""
        writer = self.session(project)
        writer.run('begin')
        writer.run('insert into t values (1000, 1000, 1)')
        return writer

    def started(self, project, condition=BUILDING):
        process = project.start('up')
        until(lambda: project.query(condition) != '0', 'the build begins')
        return process

    def test_a8_another_index_does_not_stand_for_one_that_failed(self):
        project = self.project(v1_a=UNIQUE)
        self.assertIn('could not create unique index', project.migrate('up', expect=1).err)
        self.assertEqual(project.query(INDEXES), '')
        project.query('create index by_dba on t (b)')
        self.assertIn('could not create unique index', project.migrate('up', expect=1).err)
        self.assertEqual(project.states(), {'01': 'failed'})
        project.query('delete from t where id = 2')
        project.migrate('up')
        self.assertEqual(project.query(INDEXES), 'by_dba,t_a')

    def test_a8_a_name_that_never_was_fails_each_time(self):
        for words in ('DROP INDEX CONCURRENTLY typo', 'REINDEX INDEX CONCURRENTLY typo', 'VACUUM typo',
                      'DROP DATABASE typo', 'REINDEX TABLE CONCURRENTLY typo',
                      'CREATE INDEX CONCURRENTLY i ON typo (a)', 'DROP TABLESPACE typo'):
            project = self.project(v1_a=f'-- up\n{words};\n')
            for _ in range(2):
                self.assertIn('does not exist', project.migrate('up', expect=1).err, words)
            self.assertEqual(project.states(), {'01': 'failed'}, words)

    def test_a8_if_exists_is_done_at_once(self):
        project = self.project(v1_a='-- up\nDROP INDEX CONCURRENTLY IF EXISTS typo;\n')
        project.migrate('up')

    def test_a8_a_mended_step_is_run(self):
        project = self.project(v1_a='-- up\nDROP INDEX CONCURRENTLY typo;\n')
        project.query('create index by_dba on t (b)')
        project.migrate('up', expect=1)
        project.file('v1_a', '-- up\nDROP INDEX CONCURRENTLY by_dba;\n')
        project.migrate('up')
        self.assertEqual(project.query(INDEXES), '')

    def test_a8_mended_builds(self):
        for mended, left in (('CREATE INDEX CONCURRENTLY t_a ON t (a)', 't_a'),
                             ('CREATE INDEX CONCURRENTLY other ON t (b)', 'other'),
                             ('CREATE INDEX CONCURRENTLY IF NOT EXISTS t_a ON t (b)', 't_a'),
                             ('CREATE INDEX CONCURRENTLY ON t (a)', 't_a_idx')):
            project = self.project(v1_a=UNIQUE)
            project.migrate('up', expect=1)
            project.file('v1_a', f'-- up\n{mended};\n')
            project.migrate('up')
            self.assertEqual(project.query(INDEXES), left, mended)

    def test_a8_a_statement_before_the_one_that_failed(self):
        project = self.project(v1_a='-- no transaction\n-- up\nUPDATE t SET b = 7;\n' + UNIQUE[6:])
        project.migrate('up', expect=1)
        project.file(
            'v1_a',
            '-- no transaction\n-- up\nUPDATE t SET b = 7;\nDELETE FROM t WHERE id = 2;\n' + UNIQUE[6:])
        project.migrate('up')
        self.assertEqual(project.query(INDEXES), 't_a')

    def test_a8_killed_while_building_is_taken_over(self):
        for words, name in (('t_a ON t (a)', 't_a'), ('ON t (a) WHERE b > 0', 't_a_idx'),
                            ('"T ON" ON public.t USING btree (abs(a) DESC) INCLUDE (b)', 'T ON')):
            project = self.project(v1_a=f'-- up\nCREATE UNIQUE INDEX CONCURRENTLY {words};\n')
            project.query('delete from t where id = 2')
            writer = self.held(project)
            process = self.started(project)
            process.kill()
            process.communicate()
            again = project.start('up')
            until(lambda: project.query("select count(*) from pg_stat_activity where application_name = "
                                        "'lugger migrate'") != '0',
                  'the second begins')
            writer.run('commit')
            out, err = again.communicate(timeout=60)
            self.assertEqual(again.returncode, 0, err)
            self.assertEqual(project.query(INDEXES), name, words)
            self.assertEqual(project.query('select count(*) from t'), '2')

    def test_a8_a_lost_connection_beside_another_build(self):
        project = self.project(v1_a=UNIQUE)
        project.query('delete from t where id = 2')
        writer = self.held(project)
        process = self.started(project)
        dba = self.session(project)
        dba.start('create index concurrently by_dba on t (b)')
        until(lambda: project.query("select count(*) from pg_locks where not granted "
                                    "and relation = 't'::regclass") != '0',
              'the DBA waits')
        project.query("select pg_terminate_backend(pid) from pg_stat_activity "
                      "where query like 'CREATE UNIQUE INDEX CONCURRENTLY%'")
        writer.run('commit')
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        dba.run('select 1')
        self.assertEqual(project.query(INDEXES), 'by_dba,t_a')

    def test_a9_what_another_session_builds_stays(self):
        project = self.project(v1_a=UNIQUE)
        writer = self.held(project)
        process = self.started(project)
        dba = self.session(project)
        dba.start('create index concurrently by_dba on t (b)')
        until(lambda: project.query("select count(*) from pg_locks where not granted "
                                    "and relation = 't'::regclass") != '0',
              'the DBA waits')
        second = self.session(project)
        second.run('begin')
        second.run('insert into t values (1001, 1001, 1)')
        # our build fails on its duplicates; the one of the DBA begins, and waits for the second
        writer.run('commit')
        until(lambda: project.query("select count(*) from pg_index i where indrelid = 't'::regclass "
                                    "and not indisvalid") != '0',
              'the DBA builds')
        until(lambda: process.poll() is not None or project.query(
                  "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
                  " where not l.granted and a.application_name like 'lugger%'") != '0',
              'lugger tidies')
        second.run('commit')
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, err)
        dba.run('select 1')
        self.assertEqual(project.query(INDEXES), 'by_dba')

    def test_a9_an_invalid_index_of_another_stays(self):
        project = self.project(v1_a=UNIQUE.replace('t_a ON', 't_b ON'))
        session = self.session(project)
        session.run('create unique index concurrently t_b on t (b)')   # fails: INVALID, and not ours
        self.assertEqual(project.query(INDEXES), 't_b INVALID')
        for _ in range(2):
            self.assertIn('already exists', project.migrate('up', expect=1).err)
        self.assertEqual(project.query(INDEXES), 't_b INVALID')

    def test_a8_detach_that_was_cancelled_is_finished(self):
        project = self.project('create table t (id int) partition by list (id); '
                               'create table t1 partition of t for values in (1)',
                               v1_a='-- up\nALTER TABLE t DETACH PARTITION t1 CONCURRENTLY;\n')
        reader = self.session(project)
        reader.run('begin')
        reader.run('select * from t')
        process = self.started(project, "select count(*) from pg_inherits where inhdetachpending")
        project.query("select pg_cancel_backend(pid) from pg_stat_activity "
                      "where query like 'ALTER TABLE t DETACH%' and pid <> pg_backend_pid()")
        reader.run('commit')
        process.communicate(timeout=60)
        project.migrate('up', expect=None)
        self.assertEqual(project.query('select count(*) from pg_inherits'), '0')
        self.assertEqual(project.states(), {'01': 'applied'})

    def test_a8_databases_are_made_once(self):
        project = self.project()
        name = project.database.name + '_more'
        project.file('v1_a',
                     f'-- up\nCREATE DATABASE {name};\nCREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a);\n')
        project.migrate('up', expect=1)
        project.query('delete from t where id = 2')
        project.migrate('up')
        project.file('v2_b', f'-- up\nCREATE DATABASE {name};\n')
        for _ in range(2):
            self.assertIn('already exists', project.migrate('up', expect=1).err)
        project.file('v2_b', f'-- up\nDROP DATABASE {name};\n')
        project.migrate('up')

    def test_a8_statements_that_only_the_server_knows(self):
        project = self.project('create table t (id int) partition by list (id); '
                               'create table t1 partition of t for values in (1);'
                               ' create index on t (id)',
                               v1_a='-- no transaction\n-- up\nREINDEX TABLE t;\n')
        project.migrate('up')
        self.assertEqual(project.states(), {'01': 'applied'})

    def test_a8_batches_go_on_over_the_same_rows_only(self):
        body = """local schema = require 'lugger.schema'
return {{ up = function(db) schema.backfill(db, {{ table = 't', set = {{ b = '100 / (5 - id)' }},
  where = {where}, batch_rows = 1 }}) end }}"""
        project = self.project('create table t (id int primary key, a int, b int); '
                               'insert into t select i, i from generate_series(1, 8) i',
                               v1_a=body.format(where="'id > 1'"))
        project.migrate('up', expect=1)
        project.file('v1_a', body.format(where="'id <> 5'"))
        self.assertIn('now goes over other rows', project.migrate('up', expect=1).err)
        project.migrate('repair')
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from t where b is null'), '1')


if __name__ == '__main__':
    harness.main()
