"""lugger scaffold over files that are there already, and over names and documents that nobody expects."""
import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import bson
import harness
from bson import Date
from harness import lugger
from postgres import Postgres
from scaffolding import Case, oid

class Again(Case):
    def setUp(self):
        self.source = self.documents({'users': [{'_id': n, 'email': 'x'} for n in range(5)]})
        self.scaffold(self.source)

    def grow(self):
        bson.write(self.source / 'shop' / 'users.bson',
                   [{'_id': n, 'email': 'x', 'age': n} for n in range(5)])

    def test_nothing_changed(self):
        before = {p.name: p.stat().st_mtime_ns for p in self.out.iterdir()}
        done = self.scaffold(self.source)
        self.assertNotIn('@@', done.out)
        self.assertNotIn('written', done.out)
        self.assertEqual({p.name: p.stat().st_mtime_ns for p in self.out.iterdir()}, before)

    def test_a_link_to_nothing_is_passed_over(self):
        (self.out / 'gone.lua').symlink_to('/nowhere')
        self.assertNotIn('gone', self.scaffold(self.source).out)

    def test_what_nobody_edited_is_renewed(self):
        self.grow()
        done = self.scaffold(self.source)
        self.assertRegex(done.out, r"(?m)^\+ +\{ 'age', 'int4'")
        self.assertIn("'age'", self.text('users.lua'))

    def test_an_edited_file_is_kept(self):
        mine = self.text('users.lua').replace("{ 'email', 'text' }",
                                              "{ 'mail', 'text', from = 'email' "
                                              "}").replace("not_null = { 'email' }", "not_null = { 'mail' }")
        (self.out / 'users.lua').write_text(mine, encoding='utf-8')
        done = self.scaffold(self.source)
        self.assertNotIn('users.lua (scaffold)', done.out)
        self.assertIn('"mail" text', self.text('schema.sql'))
        self.assertNotIn('"email"', self.text('schema.sql') + self.text('constraints.sql'))
        self.grow()
        for flags in ((), ('--force', 'schema.sql')):
            done = self.scaffold(self.source, *flags)
            self.assertRegex(done.out, r"(?m)^\+ +\{ 'age', 'int4'")
            self.assertIn('kept, since they were edited: users.lua', done.err)
            self.assertEqual(self.text('users.lua'), mine)
        self.scaffold(self.source, '--force', 'users.lua')
        self.assertIn("'age'", self.text('users.lua'))

    def test_a_file_that_lost_its_first_line_is_kept(self):
        mine = self.text('users.lua').split('\n', 1)[1]
        (self.out / 'users.lua').write_text(mine, encoding='utf-8')
        self.scaffold(self.source)
        self.assertEqual(self.text('users.lua'), mine)


class Hostile(Case):
    def test_names(self):
        names = ['order', 'User', 'user', 'USER', 'a' * 70, 'a' * 71, 'é' * 40, 'xmin', 'a.b', '$x', "it's",
                 'say "hi"', 'x\n-- y\nos.exit()', 'id', 'mongo_id', 'rest', 'ordinal', '[[', ']]', '\\', '*',
                 'items[]', ' desc', '', 'end', '1', '%s', '--', 'sp ace']
        lines = [{'order_id': 1, 'ordinal': 2, 'parent_id': 3, 'end': 4}]
        documents = [{'_id': n, **{name: n for name in names}, 'lines': lines} for n in range(3)]
        collections = {'orders': documents, 'table': documents, 'lugger': documents, 'Orders': documents}
        self.scaffold(self.documents(collections))
        database, result = self.load()
        self.assertNotIn('no column took', result.err)
        self.assertEqual(database.query('select "User", "user_2", "USER_3" from orders_2 order by 1 limit 1'),
                         '0|0|0')
        script = self.text('orders_2.lua')
        self.assertIn('"order" is a word of SQL', script)
        self.assertIn('its name has 70 bytes', script)
        self.assertIn('the name user is taken by User', script)
        self.assertIn('the name orders is taken by shop.Orders', script)
        empty = self.server.fresh()
        empty.query(self.text('schema.sql'))
        self.assertEqual(empty.query(TABLES), database.query(TABLES))

    def test_snake_case_meets_itself(self):
        self.scaffold(self.documents({'userData': [{'_id': 1, 'createdAt': 1, 'created_at': 2,
                                                    'CreatedAt': 3}]}),
                      '--snake-case')
        self.assertIn("{ 'created_at', 'int4', from = 'createdAt'", self.text('user_data.lua'))
        database, _ = self.load()
        self.assertEqual(database.query('select created_at, created_at_2, created_at_3 from user_data'),
                         '1|2|3')

    def test_s0_37_snake_case_on_request(self):
        source = self.documents({'users': [{'_id': 1, 'createdAt': Date(0), 'HTTPServer': 'x',
                                            'homeAddresses': [{'zipCode': '1'}]}]})
        self.scaffold(source, '--snake-case')
        database, _ = self.load()
        self.assertEqual(database.query('select http_server from users'), 'x')
        self.assertEqual(database.query('select zip_code from user_home_addresses'), '1')

    def test_a_dictionary_and_empty_collections(self):
        self.scaffold(self.documents({'wide': [{'_id': n, **{f'k{n * 400 + i}': i for i in range(400)}}
                                               for n in range(10)],
                                      'none': []}))
        database, result = self.load()
        self.assertNotIn('no column took', result.err)
        self.assertEqual(database.query('select (select count(*) from wide), (select count(*) from "none")'),
                         '10|0')

    def test_documents_without_an_id(self):
        self.dir = Path(harness.scratch())
        (self.dir / 'lines.json').write_text('{"a": 1, "items": [{"b": 2}]}\n{"a": 2, "items": []}\n')
        self.scaffold('lines.json')
        script = self.text('lines.lua')
        self.assertIn('the documents have no _id: the table gets no key', script)
        self.assertIn("{ 'items', 'jsonb'", script)
        database, _ = self.load()
        self.assertEqual(database.query('select sum(a) from lines'), '3')

    def test_s0_69_plain_catalog_objects(self):
        self.scaffold(self.documents({'users': [{'_id': oid(1), 'email': 'x', 'tags': [{'a': 1}]}],
                                      'posts': [{'_id': 1, 'user': oid(1)}]}))
        database = self.server.fresh()
        database.query(self.text('schema.sql'))
        database.query(self.text('constraints.sql'))
        found = database.query('''select table_name, column_name, data_type, is_nullable
            from information_schema.columns
            where table_schema = 'public' and table_name = 'posts' order by ordinal_position''')
        self.assertEqual(found.split('\n')[0], 'posts|id|uuid|NO')
        self.assertEqual(database.query("select count(*) from information_schema.table_constraints "
                                        "where constraint_type = 'PRIMARY KEY'"
                                        " and table_schema = 'public'"),
                         '3')
        self.assertIn('user_tags',
                      database.query("select table_name from information_schema.table_constraints "
                                     "where constraint_type = 'FOREIGN KEY'"))

    def test_wrong_words(self):
        source = self.documents({'users': [{'_id': 1}]})
        self.assertIn('--out DIR', lugger('scaffold', source, expect=2).err)
        self.assertIn('no collection', self.scaffold(source, '-c', 'shop.user', expect=1).err)
        (self.dir / 'file').write_text('x')
        self.assertNotIn('bug', self.scaffold(source, out=self.dir / 'file', expect=1).err)
        self.assertIn('nowhere', self.scaffold('nowhere', expect=1).err)
        self.assertIn('only once', self.scaffold('-', expect=1).err)
        self.assertIn('made from documents', self.scaffold('postgresql://db/x', expect=1).err)

    def test_passwords_are_not_written(self):
        source = self.documents({'users': [{'_id': 1}]})
        self.scaffold(source, '--into', 'postgresql://app:secret@db/shop')
        for path in self.out.iterdir():
            self.assertNotIn('secret', path.read_text(encoding='utf-8'))


TABLES = '''select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) from pg_class c
    join pg_attribute a on a.attrelid = c.oid
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attnum > 0
      order by c.relname, a.attnum'''

class Readme(unittest.TestCase):
    def test_c16_its_commands_work_where_scaffold_was_run(self):
        server = Postgres()
        for out in ('migrate', 'my files/out'):
            room = Path(harness.scratch())
            shutil.copytree(harness.ROOT / 'examples/shop/dump', room / 'dump')
            (room / 'my files').mkdir()
            (room / 'bin').mkdir()
            (room / 'bin/lugger').symlink_to(harness.binary())
            lugger('scaffold', 'dump', '--out', out, cwd=room)
            text = (room / out / 'README.md').read_text()
            block = re.search(r'^```sh\n(.*?)^```$', text, re.M | re.S).group(1)
            database, by_hand = server.fresh(), server.fresh()
            for command in block.splitlines():
                env = harness.clean_environment({'PG_URI': database.url,
                                                 'PATH': f'{room}/bin:{os.environ["PATH"]}'})
                done = subprocess.run(['bash', '-euc', command], cwd=room, env=env,
                                      capture_output=True, text=True, timeout=120)
                self.assertIn(done.returncode, (0, 3, 4), (command, done.stdout, done.stderr))
                self.assertNotIn('error', done.stderr)
            self.assertGreater(database.number('select count(*) from users'), 0)
            for name in ('schema.sql', 'indexes.sql', 'constraints.sql'):
                by_hand.query((room / out / name).read_text())


if __name__ == '__main__':
    harness.main()
