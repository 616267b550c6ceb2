"""Directories and ledgers of goose, dbmate, Flyway and golang-migrate are taken over."""
import shutil
import unittest

import harness
from migrations import Project
from postgres import Postgres

SAMPLES = harness.DATA / 'migrations'
GOOSE = '''create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp default now());
insert into goose_db_version (version_id, is_applied, tstamp) values (0, true, now()), (20170506082420, true, '2017-05-06 08:30:00'),
  (20170506082527, true, now()), (20170506082527, false, now())'''
DBMATE = "create table schema_migrations (version varchar primary key); insert into schema_migrations values ('20151129054053')"
FLYWAY = '''create table flyway_schema_history (installed_rank int primary key, version varchar(50), description varchar(200) not null,
  type varchar(20) not null, script varchar(1000) not null, checksum int, installed_by varchar(100) not null,
  installed_on timestamp not null default now(), execution_time int not null, success boolean not null);
insert into flyway_schema_history values (1, '1', 'Create person table', 'SQL', 'V1__Create_person_table.sql', 1, 'x', '2020-02-03', 12, true),
  (2, '1.2', 'Add people', 'SQL', 'V1_2__Add_people.sql', 1, 'x', now(), 3, true),
  (3, null, 'Blue cars', 'SQL', 'R__Blue_cars.sql', 1, 'x', now(), 3, true)'''
GOLANG = 'create table schema_migrations (version bigint primary key, dirty boolean not null); insert into schema_migrations values (1, {})'


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
        project = self.project('goose', GOOSE + '; create table users (id int primary key, username text, name text)')
        result = project.migrate('import', 'theirs')
        self.assertIn('3 migrations of goose written to migrations; 1 as applied', result.err)
        self.assertIn('is a stub', result.err)
        self.assertEqual(project.query("select version, direction, started_at from lugger.migrations"), '20170506082420|import|2017-05-06 08:30:00+00')
        self.assertEqual(project.states(), {'20': 'applied', '27': 'pending', '00': 'pending'})
        project.migrate('up', '--to', '20170506082527')
        self.assertIn('was not carried over', project.migrate('up', expect=1).err)
        project.migrate('down')
        self.assertEqual(project.query("select to_regclass('users_name') is null"), 't')

    def test_dbmate_in_its_own_place(self):
        project = self.project('dbmate', DBMATE + '; create table users (id int, name text)', into='migrations')
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
        project.query('update schema_migrations set dirty = false; create table users (user_id serial primary key)')
        self.assertIn('2 migrations of golang-migrate written to migrations; 1 as applied', project.migrate('import', 'theirs').err)
        # BEGIN and COMMIT around a file are lugger's business now.
        self.assertNotIn('COMMIT', (project.directory / 'migrations/000002_add_mood.sql').read_text())
        project.migrate('up')
        project.migrate('down')
        self.assertEqual(project.query("select count(*) from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped"), '1')

    def test_without_a_database_the_files_alone(self):
        project = self.project('dbmate', 'select 1')
        result = project.migrate('import', 'theirs', env={'PG_URI': None})
        self.assertIn('no database was given', result.err)
        project.migrate('up')
        self.assertIn('the ledger of this database is not empty', project.migrate('import', 'theirs', '--dir', 'other', expect=1).err)

    def test_what_is_no_such_directory(self):
        project = Project(self.server.fresh())
        self.assertIn('there is no directory nowhere', project.migrate('import', 'nowhere', expect=1).err)
        self.assertIn('holds no migrations of goose', project.migrate('import', 'migrations', expect=1).err)


if __name__ == '__main__':
    harness.main()
