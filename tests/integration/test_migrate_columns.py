"""The safe forms of schema changes, and changes of a column's type."""
import harness
from migrations import WithUsers


class Columns(WithUsers):
    def lua(self, body, **more):
        project = self.with_users(**more)
        project.file('v2_change',
                     f"local schema = require 'lugger.schema'\nreturn {{ up = function(db)\n{body}\nend }}")
        return project

    def test_safe_forms(self):
        project = self.lua('''
  schema.add_column(db, 'users', 'plain', 'int', { default = '7', not_null = true })
  schema.add_column(db, 'users', 'token', 'uuid', { default = 'gen_random_uuid()', not_null = true,
    batch_rows = 6 })
  schema.add_not_null(db, 'users', 'email')
  schema.add_index(db, 'users', { 'plain', { sql = 'lower(email)' } }, { where = 'id > 1' })
  schema.add_unique(db, 'users', 'email')
  schema.add_check(db, 'users', 'positive', 'id > 0')
  schema.create_table(db, 'Order', { { 'id', 'bigint', primary = true }, { 'select', 'int', not_null = true },
    { 'o"dd', 'text', default = "'x'" } })
  schema.add_foreign_key(db, 'Order', 'select', 'users', 'id', { on_delete = 'CASCADE' })
  schema.rename_column(db, 'Order', 'o"dd', 'even')
  schema.create_extension(db, 'plpgsql')''')
        project.migrate('up')
        self.assertEqual(project.query("select count(distinct token), min(plain) from users"), '20|7')
        self.assertEqual(project.query("select string_agg(attname, ',' order by attnum) from pg_attribute "
                                       "where attrelid = 'users'::regclass and attnotnull and attnum > 0"),
                         'id,email,plain,token')
        self.assertEqual(project.query("select string_agg(conname || contype::text || convalidated, ',' "
                                       "order by conname) from pg_constraint where conrelid in "
                                       "('users'::regclass, '\"Order\"'::regclass) and contype <> 'n'"),
                         'Order_pkeypt,Order_select_fkeyft,positivect,users_email_keyut,users_pkeypt'.replace(
                             't,', 'true,') + 'rue')
        self.assertEqual(project.query("select string_agg(attname, ',' order by attnum) from pg_attribute "
                                       "where attrelid = '\"Order\"'::regclass and attnum > 0"),
                         'id,select,even')
        self.assertEqual(project.query("select count(*) from pg_index where indrelid = 'users'::regclass "
                                       "and not indisvalid"),
                         '0')

    def test_s1_11_names_are_quoted_and_extension_rights_are_checked(self):
        hostile = 'x"; DROP TABLE users; --'
        project = self.lua(f'''
  local name = {harness.lua(hostile)}
  schema.create_table(db, name, {{ {{ 'user', 'int', primary = true }} }})
  schema.add_index(db, name, 'user', {{ name = name .. 'i' }})
  schema.add_column(db, name, name, 'int')
  db:exec('INSERT INTO ' .. db:quote_table(name) .. ' VALUES ($1)', 1)
  local ok, err = pcall(schema.create_extension, db, 'no such thing')
  assert(not ok and tostring(err):find 'the server has no extension')''')
        project.migrate('up')
        self.assertEqual(project.query('select count(*) from users'), '20')
        project.query('do $$ begin create role small login; exception when duplicate_object then null; '
                      'end $$; grant all on schema public to small;'
                      ' grant create on database "%s" to small'
                      % project.database.name)
        project.database = type(project.database)(self.server, project.database.name, 'small')
        project.file('v3_extension',
                     "local schema = require 'lugger.schema'\nreturn { up = function(db) "
                     "schema.create_extension(db, 'file_fdw') end }")
        project.database.user = 'small'
        found = project.migrate('up', '--state-schema', 'mine', '--allow-out-of-order', expect=1)
        self.assertNotIn('DROP TABLE', found.out)

    def test_s2_12_change_of_a_type(self):
        project = self.lua("""
  schema.change_type(db, 'users', 'id', 'bigint', { batch_rows = 6 })
  schema.change_type(db, 'users', 'email', 'varchar(40)', { using = 'lower(email)', back = 'email',
    keep_old = true })""")
        project.query("create index by_email on users (email, lower(email)) where email <> ''; "
                      "comment on column users.email is 'mail';"
                      " alter table users alter email set default 'nobody', alter email "
                      "set not null, add constraint short check (length(email) < 99)")
        result = project.migrate('up')
        self.assertIn('of disk until the next vacuum', result.err)
        self.assertIn('VACUUM', result.err)
        self.assertEqual(project.query("select string_agg(attname || ' ' || format_type(atttypid, atttypmod) "
                                       "|| attnotnull, ',' order by attname) from pg_attribute"
                                       " where attrelid = 'users'::regclass and attnum > 0 "
                                       "and not attisdropped"),
                         'data jsonbfalse,email character varying(40)true,email__old textfalse,id biginttrue')
        self.assertEqual(project.query("select string_agg(indexrelid::regclass::text || indisvalid, ',' "
                                       "order by indexrelid::regclass::text) from pg_index "
                                       "where indrelid = 'users'::regclass"),
                         'by_emailtrue,by_email__oldtrue,users_pkeytrue')
        self.assertEqual(project.query("insert into users (id) values (10000000000) "
                                       "returning email, length(email)"),
                         'nobody|6')
        # The old column is kept current until it is dropped.
        self.assertEqual(project.query('select email__old from users where id = 10000000000'), 'nobody')
        self.assertIn('next: --step drop', harness.lugger('vector', 'change-type', 'users.email',
                                                          env=project.env).out)
        harness.lugger('vector', 'change-type', 'users.email', '--step', 'drop', env=project.env)
        self.assertEqual(project.query('select count(*) from pg_trigger where not tgisinternal'), '0')
        self.assertEqual(project.query("select min(email), col_description('users'::regclass, (select attnum "
                                       "from pg_attribute where attrelid = 'users'::regclass "
                                       "and attname = 'email')) from users"),
                         'nobody|mail')

    def test_s2_17_readers_never_miss_the_column(self):
        project = self.lua("  schema.change_type(db, 'users', 'email', 'varchar(40)', { batch_rows = 5, "
                           "pause_ms = 30 })")
        process = project.start('up')
        reads = 0
        while process.poll() is None:
            self.assertEqual(project.query('select count(email) from users'), '20')
            reads += 1
        self.assertEqual(process.communicate(timeout=60) and process.returncode, 0)
        self.assertGreater(reads, 0)
        # Added, four for comparing and trying again, swapped in one, dropped.
        self.assertEqual(
            project.query("select count(*) from lugger.migration_steps where statement = 'transaction'"), '7')

    def test_s2_16_what_depends_on_a_column_is_told(self):
        project = self.lua("  schema.drop_column(db, 'users', 'email')")
        project.query("create view mails as select email from users; alter table users alter email "
                      "set default 'x', add check (email <> '');"
                      " do $$ begin create role reader; exception when duplicate_object then null; end $$; "
                      "grant select (email) on users to reader")
        result = project.migrate('up', expect=1)
        for part in ('users.email is not dropped; on it depend:', 'view mails',
                     'default value for column email of table users',
                     'constraint users_email_check on table users', 'grant of SELECT to reader'):
            self.assertIn(part, result.err)
        project.query('drop view mails')
        self.assertIn('with_own = true', project.migrate('up', expect=1).err)
        project.file('v2_change',
                     "local schema = require 'lugger.schema'\nreturn { up = function(db) "
                     "schema.drop_column(db, 'users', 'email', { with_own = true }) end }")
        project.migrate('up')
        self.assertEqual(project.query("select count(*) from pg_attribute where attrelid = 'users'::regclass "
                                       "and attname = 'email'"),
                         '0')

    def test_s2_16_a_view_is_made_again_and_what_cannot_be_stops_the_change(self):
        project = self.lua("  schema.change_type(db, 'users', 'email', 'varchar(40)')")
        project.query('create view mails as select email from users; '
                      'create materialized view kept as select email from users')
        self.assertIn('the materialized view public.kept', project.migrate('up', expect=1).err)
        self.assertEqual(project.query("select count(*) from pg_attribute "
                                       "where attrelid = 'users'::regclass and attnum > 0"),
                         '3')
        project.query('drop materialized view kept')
        self.assertIn('DROP VIEW public.mails', project.migrate('up', '--plan').out)
        project.migrate('up', '--dry-run')
        project.migrate('up')
        self.assertEqual(project.query('select pg_typeof(email), count(*) from mails group by 1'),
                         'character varying|20')

    def test_s2_18_disk_is_estimated_first(self):
        project = self.lua("  schema.change_type(db, 'users', 'email', 'varchar(40)', { max_bytes = 1000 })")
        self.assertRegex(project.migrate('up', expect=1).err,
                         r'needs up to [\d.]+ kB of disk; max_bytes allows 1.0 kB')
        self.assertEqual(project.query("select count(*) from pg_attribute "
                                       "where attrelid = 'users'::regclass and attnum > 0"),
                         '3')

    def test_writes_during_a_change_of_type_are_kept(self):
        project = self.lua("""
  schema.change_type(db, 'users', 'email', 'varchar(40)', { batch_rows = 5, pause_ms = 150 })""")
        process = project.start('up')
        while project.query("select count(*) from pg_trigger where not tgisinternal") == '0':
            self.assertIsNone(process.poll())
        project.query("update users set email = 'changed' where id = 1; "
                      "insert into users (id, email) values (500, 'inserted')")
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(project.query("select string_agg(email, ',' order by id) from users "
                                       "where id in (1, 500)"),
                         'changed,inserted')


if __name__ == '__main__':
    harness.main()
