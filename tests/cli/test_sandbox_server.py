"""b1: who a script in the sandbox is on a private server."""
import os

import harness
import project


class Private(project.Case):
    """A private server, as scripts have it: they own what is in it, and are nobody on the machine."""

    def sandboxed(self, text, status=None):
        self.write("job.lua", text)
        return self.lugger("run", "job.lua", "--sandbox", status=status)

    TRY = """
        local lugger = require 'lugger'
        local s = lugger.session 'local:./pg'
        print('super', s("select rolsuper from pg_roles where rolname = current_user")[1].rolsuper)
        s 'create table if not exists mine (a int)'
        s 'insert into mine values (1)'
        for _, sql in ipairs { "copy mine from program 'echo 1'", "copy mine to program 'cat'",
          "select pg_read_file('/etc/hostname')",
          "copy mine from '/etc/hostname'", "select lo_import('/etc/hostname')", "create extension dblink",
          "set role lugger",
          "set session authorization lugger", "create role other superuser",
          "alter role lugger_script superuser",
          "alter system set archive_command = 'id'",
          "load '/tmp/x.so'", "create function f() returns int language c as '/tmp/x.so'",
          "create language plperlu" } do
          local ok, problem = pcall(s, sql)
          if ok then print('ESCAPED', sql) end
        end
        for _, user in ipairs { 'lugger', 'postgres' } do
          local url = 'postgresql:///postgres?host=' .. DIR .. '&port=5432&user=' .. user
          local ok = pcall(function() return lugger.session(url)('select 1')[1] end)
          if ok then print('ESCAPED', user) end
        end
        """

    def test_b1_a_script_is_an_ordinary_role(self):
        done = self.sandboxed(f"local DIR = '{os.path.join(self.dir, 'pg')}'\n" + self.TRY, status=0)
        self.assertEqual(done.out.strip(), "super\tfalse", done)
        # From then on the directory has no other user: what a script left there is run by nobody else.
        done = self.lugger("psql", "local:./pg", "-Atc", "select current_user", status=0)
        self.assertEqual(done.out.strip(), "lugger_script")

    def test_b1_what_was_there_before_is_handed_over(self):
        self.write(
            "before.lua",
            "local s = require('lugger').session 'local:./pg'\ns 'create table old (a serial primary "
            "key, b text)'\n"
            "s \"create type mood as enum ('a')\"\ns 'create schema apart'\ns 'create table apart.more "
            "(a int)'\n"
            "s 'create function f() returns int language sql as $$ select 1 $$'\ns 'create view v as "
            "select 1 as a'\n",
        )
        self.lugger("run", "before.lua", status=0)
        done = self.sandboxed(
            "local s = require('lugger').session 'local:./pg'\ns 'insert into old (b) values (1)'\ns "
            "'alter table old add column c int'\n"
            "s 'drop table apart.more'\ns 'alter type mood add value $$b$$'\ns 'drop function f()'\ns "
            "'drop view v'\nprint 'done'\n",
            status=0,
        )
        self.assertEqual(done.out, "done\n")


if __name__ == "__main__":
    harness.main()
