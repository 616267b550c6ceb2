"""Directories and ledgers of goose, dbmate, Flyway and golang-migrate are taken over."""
import shutil
import unittest

import harness
from migrations import Project
from postgres import Postgres

SAMPLES = harness.DATA / 'migrations'
GOOSE = '''create table goose_db_version (id serial primary key, version_id bigint not null,
  is_applied boolean not null, tstamp timestamp default now());
insert into goose_db_version (version_id, is_applied, tstamp)
  values (0, true, now()), (20170506082420, true, '2017-05-06 08:30:00'),
  (20170506082527, true, now()), (20170506082527, false, now())'''
DBMATE = ("create table schema_migrations (version varchar primary key); "
          "insert into schema_migrations values ('20151129054053')")
FLYWAY = '''create table flyway_schema_history (installed_rank int primary key, version varchar(50),
  description varchar(200) not null,
  type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
  installed_on timestamp not null default now(), execution_time int not null, success boolean not null);
insert into flyway_schema_history values (1, '1', 'Create person table', 'SQL', 'V1__Create_person_table.sql',
  1, 'x', '2020-02-03', 12, true),
  (2, '1.2', 'Add people', 'SQL', 'V1_2__Add_people.sql', 1, 'x', now(), 3, true),
  (3, null, 'Blue cars', 'SQL', 'R__Blue_cars.sql', 1, 'x', now(), 3, true)'''
GOLANG = ('create table schema_migrations (version bigint primary key, dirty boolean not null); '
          'insert into schema_migrations values (1, {})')


class Import(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def project(self, sample, sql, into='theirs'):
        project = Project(self.server.fresh())
        shutil.copytree(SAMPLES / sample, project.directory / into, dirs_exist_ok=True)
        project.query(sql)
        return project

    def test_goose(self):
        project = self.project('goose',
                               GOOSE + '; create table users (id int primary key, username text, name text)')
        result = project.migrate('import', 'theirs')
        self.assertIn('3 migrations of goose written to migrations; 1 as applied', result.err)
        self.assertIn('is a stub', result.err)
        self.assertEqual(project.query("select version, direction, started_at from lugger.migrations"),
                         '20170506082420|import|2017-05-06 08:30:00+00')
        self.assertEqual(project.states(), {'20': 'applied', '27': 'pending', '00': 'pending'})
        project.migrate('up', '--to', '20170506082527')
        self.assertIn('was not carried over', project.migrate('up', expect=1).err)
        project.migrate('down')
        self.assertEqual(project.query("select to_regclass('users_name') is null"), 't')

    def test_dbmate_in_its_own_place(self):
        project = self.project('dbmate', DBMATE + '; create table users (id int, name text)',
                               into='migrations')
        result = project.migrate('import', 'migrations/')
        self.assertIn('2 migrations of dbmate written to migrations; 1 as applied', result.err)
        project.migrate('up')
        self.assertEqual(project.states(), {'53': 'applied', '00': 'applied'})
        self.assertTrue((project.directory / 'migrations/imported/20151129054053_create_users.sql').exists())
        project.migrate('down', 2)
        self.assertEqual(project.query("select to_regclass('users') is null"), 't')

    def test_flyway(self):
        project = self.project('flyway', FLYWAY + "; create table person (id int, name text)")
        result = project.migrate('import', 'theirs')
        self.assertIn('3 migrations of Flyway written to migrations; 2 as applied', result.err)
        self.assertIn('R__Blue_cars.sql has no counterpart here', result.err)
        names = sorted(p.name for p in (project.directory / 'migrations').iterdir())
        self.assertEqual(names, ['0100_Create_person_table.sql', '0102_Add_people.sql', '0110_Add_index.sql'])
        project.migrate('up')
        self.assertEqual(project.states(), {'00': 'applied', '02': 'applied', '10': 'applied'})
        project.migrate('down', expect=1)   # Flyway had no way back for it

    def test_golang_migrate(self):
        project = self.project('golang-migrate', GOLANG.format('true'))
        self.assertIn('dirty', project.migrate('import', 'theirs', expect=1).err)
        self.assertEqual(list((project.directory / 'migrations').iterdir()), [])
        project.query('update schema_migrations set dirty = false; '
                      'create table users (user_id serial primary key)')
        self.assertIn('2 migrations of golang-migrate written to migrations; 1 as applied',
                      project.migrate('import', 'theirs').err)
        # BEGIN and COMMIT around a file are lugger's business now.
        self.assertNotIn('COMMIT', (project.directory / 'migrations/000002_add_mood.sql').read_text())
        project.migrate('up')
        project.migrate('down')
        self.assertEqual(project.query("select count(*) from pg_attribute where attrelid = 'users'::regclass "
                                       "and attnum > 0 and not attisdropped"),
                         '1')

    def test_without_a_database_the_files_alone(self):
        project = self.project('dbmate', 'select 1')
        result = project.migrate('import', 'theirs', env={'PG_URI': None})
        self.assertIn('no database was given', result.err)
        project.migrate('up')
        self.assertIn('the ledger of this database is not empty',
                      project.migrate('import', 'theirs', '--dir', 'other', expect=1).err)

    def test_what_is_no_such_directory(self):
        project = Project(self.server.fresh())
        self.assertIn('there is no directory nowhere', project.migrate('import', 'nowhere', expect=1).err)
        self.assertIn('holds no migrations of goose', project.migrate('import', 'migrations', expect=1).err)

    def test_a_link_to_nothing_is_named(self):
        project = Project(self.server.fresh())
        theirs = project.directory / 'theirs'
        shutil.copytree(SAMPLES / 'goose', theirs)
        (theirs / '00000000000000_gone.sql').symlink_to('/nowhere')
        self.assertIn('cannot read theirs/00000000000000_gone.sql',
                      project.migrate('import', 'theirs', expect=1).err)


class Marks(unittest.TestCase):
    """Files of other tools that were not imported."""

    IMPORTED = {
        'goose': '-- +goose Up\nCREATE TABLE c (id int);\n-- +goose Down\nDROP TABLE c;\n',
        'dbmate': '-- migrate:up transaction:false\nCREATE TABLE c (id int);\n\n'
                  '-- migrate:down\nDROP TABLE c;\n',
        'sql-migrate': '-- +migrate Up\nCREATE TABLE c (id int);\n-- +migrate Down\nDROP TABLE c;\n',
        'rambler': '-- rambler up\nCREATE TABLE c (id int);\n-- rambler down\nDROP TABLE c;\n',
    }
    BY_HAND = {
        'Liquibase': '--liquibase formatted sql\n\n--changeset ann:1\nCREATE TABLE c (id int);\n'
                     '--rollback DROP TABLE c;\n',
        'sqitch': '-- Deploy shop:c to pg\n\nCREATE TABLE c (id int);\n',
        'MyBatis': '-- // First\nCREATE TABLE c (id int);\n\n-- //@UNDO\nDROP TABLE c;\n',
        'node-pg-migrate': '-- Up Migration\nCREATE TABLE c (id int);\n-- Down Migration\nDROP TABLE c;\n',
        'tern': 'CREATE TABLE c (id int);\n---- create above / drop below ----\nDROP TABLE c;\n',
        'micrate': '-- +micrate Up\nCREATE TABLE c (id int);\n-- +micrate Down\nDROP TABLE c;\n',
        'is `-- ==== UP ====` a mark?': '-- ==== UP ====\nCREATE TABLE c (id int);\n'
                                        '-- ==== DOWN ====\nDROP TABLE c;\n',
        'is `-- @UNDO` a mark?': 'CREATE TABLE c (id int);\n-- @UNDO\nDROP TABLE c;\n',
        'is `-- down:` a mark?': '-- up\nCREATE TABLE c (id int);\n-- down:\nDROP TABLE c;\n',
        'is `-- !Downs` a mark?': '-- up\nCREATE TABLE c (id int);\n-- !Downs\nDROP TABLE c;\n',
    }
    OURS = """-- clean up, and set up
-- up
CREATE TABLE c (id int);   -- up: to now
-- roll down the blinds; +goose is a tool
-- step down
SELECT '
-- migrate:down
', $$
-- +goose Down
$$;
/*
-- migrate:down
*/
-- Down
DROP TABLE c;
"""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def refused(self, project, *words):
        for args in (('up',), ('up', '--plan'), ('up', '--dry-run')):
            err = ' '.join(project.migrate(*args, expect=1).err.split())
            for word in words:
                self.assertIn(word, err)
        self.assertEqual(project.query("select to_regclass('c') is null"), 't')

    def test_a13_marks_are_refused_with_the_command(self):
        for tool, text in self.IMPORTED.items():
            project = Project(self.server.fresh(), v1_c=text)
            self.refused(project, f'is a mark of {tool}', 'lugger migrate import migrations', '01_c.sql:1:')
            project.migrate('import', 'migrations')
            project.migrate('up')
            self.assertEqual(project.query("select to_regclass('c') is null"), 'f', tool)
            project.migrate('down')

    def test_a13_other_marks_are_refused_with_what_to_write(self):
        for words, text in self.BY_HAND.items():
            self.refused(Project(self.server.fresh(), v1_c=text), words, 'write `-- up`')

    def test_a13_windows_line_ends(self):
        text = self.IMPORTED['dbmate'].replace('\n', '\r\n').encode()
        project = Project(self.server.fresh())
        project.file('20260101000001_c.sql', b'\xef\xbb\xbf' + text)
        self.refused(project, 'is a mark of dbmate')

    def test_a13_names_are_refused(self):
        for names, words in ((('000001_c.up.sql', '000001_c.down.sql'), 'lugger migrate import'),
                             (('000001_c.up.sql',), 'golang-migrate'),
                             (('V1__c.sql',), 'Flyway'), (('U1.2__c.sql',), 'Flyway'),
                             (('001.do.c.sql', '1-c-up.sql', '1-c-down.sql'), 'another tool'),
                             (('0001.c.sql', '0001.c.rollback.sql'), 'another tool'),
                             (('001_c.do.sql', '001_c.undo.sql'), 'another tool')):
            project = Project(self.server.fresh(), **{name: 'CREATE TABLE c (id int);' for name in names})
            self.refused(project, words)

    def test_a13_code_of_others_is_told(self):
        project = Project(self.server.fresh(), **{'20080906120000_create.rb': 'class X; end'})
        self.assertIn('20080906120000_create.rb is code of another tool', project.migrate('up').err)

    def test_a13_what_only_looks_like_a_mark(self):
        project = Project(self.server.fresh(), v1_c=self.OURS, **{'20260101000002_shut-down.sql': 'SELECT 1'})
        project.migrate('up')
        project.migrate('down', 1, expect=1)
        self.assertEqual(project.query("select to_regclass('c') is null"), 'f')

    def test_a13_ledgers_of_names(self):
        for tool, ledger in (('sql-migrate',
                              ("create table gorp_migrations (id text primary key, applied_at timestamptz);"
                               " insert into gorp_migrations values ('20260101000001_c.sql', '2020-01-01')")),
                             ('rambler',
                              ("create table migrations (migration varchar(255)); "
                               "insert into migrations values ('20260101000001_c.sql')"))):
            project = Project(self.server.fresh(), v1_c=self.IMPORTED[tool],
                              v2_d=self.IMPORTED[tool].replace(' c', ' d'))
            project.query(ledger)
            self.assertIn('1 as applied', project.migrate('import', 'migrations').err)
            self.assertEqual(project.states(), {'01': 'applied', '02': 'pending'})


if __name__ == '__main__':
    harness.main()
