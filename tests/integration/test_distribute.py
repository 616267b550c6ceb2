"""The option `distribute`, as far as it goes without Citus: what is refused, and what a scaffold writes.
Loads: test_citus_distribute.py."""
import re
import unittest

from jobs import Work, job
from postgres import Postgres
from scaffolding import Case as Scaffolded, oid

GOOD = [{'_id': i, 'v': i, 'tenant': f't{i % 3}'} for i in range(10)]
COLUMNS = "{ 'v', 'int4' }, { 'tenant', 'text' }"
TAGS = "children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },"


class Refused(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def fails(self, text, *words, command='run', flags=('--create',)):
        work = Work(self.server.fresh(), GOOD, text)
        result = work.lugger(command, 'job.lua', *flags, expect=1)
        told = re.findall(r'^error: .*|^problem: .*', result.err + result.out, re.M)
        self.assertEqual(len(told), 1, result)
        for word in words:
            self.assertIn(word, told[0])
        self.assertEqual(work.database.query("select to_regclass('docs')"), '')
        return result

    def test_a_database_without_the_extension(self):
        text = job(COLUMNS, target_options="distribute = 'mongo_id',")
        self.fails(text, 'the database has no Citus', 'CREATE EXTENSION citus')
        told = self.fails(text, 'CREATE EXTENSION citus', command='plan').out
        self.assertIn("""SELECT create_distributed_table('"docs"', 'mongo_id')""", told)

    def test_a_column_that_the_mapping_does_not_have(self):
        self.fails(job(COLUMNS, target_options="distribute = 'tennant',"),
                   'docs', '"tennant"', 'did you mean tenant?')
        self.fails(job(COLUMNS, target_options="distribute = 'tennant',", extra='''
            route = { from = 'tenant', tables = { t1 = 'one', t2 = 'two' }, otherwise = 'rest' },'''),
                   'one', '"tennant"')

    def test_a_key_that_does_not_hold_it(self):
        self.fails(job(COLUMNS, target_options="distribute = 'tenant',"),
                   'the key (mongo_id) does not hold tenant',
                   "distribute = 'mongo_id'", "key = { 'tenant', 'mongo_id' }")

    def test_children_without_a_key(self):
        self.fails(job(COLUMNS, key='', target_options="distribute = 'tenant',", extra=TAGS),
                   'docs has child table tags, but no key to link them by')

    def test_places_that_distribute_nothing(self):
        text = job(COLUMNS, target_options="distribute = 'mongo_id',")
        text = text.replace('lugger.env.PG_URI', "'out.jsonl'")
        self.fails(text, '"distribute"', flags=())

    def test_one_key_where_there_are_two(self):
        """The S0 shape: id as the primary key, mongo_id unique. Citus keeps no id unique that does not hold
        mongo_id."""
        text = job("{ 'id', 'uuid', generate = 'v5' }", target_options="distribute = 'mongo_id',", extra=TAGS)
        told = self.fails(text, 'CREATE EXTENSION', command='plan')
        self.assertIn('ALTER TABLE "docs" ADD CONSTRAINT "docs_pkey" PRIMARY KEY ("mongo_id")', told.out)
        self.assertNotIn('UNIQUE', told.out)
        self.assertIn('docs.id is not kept unique', told.err)
        self.assertIn(
            """SELECT create_distributed_table('"tags"', 'parent_mongo_id', colocate_with => '"docs"')""",
            told.out)

    def test_a_key_of_several_columns(self):
        text = job(COLUMNS, key=['mongo_id', 'tenant'], target_options="distribute = 'tenant',", extra="""
            children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text' } },
              children = { { table = 'subs', from = 'subs[]', columns = { { 'x', 'int4' } } } } } },""")
        told = self.fails(text, 'CREATE EXTENSION', command='plan').out
        for table, column in [('tags', 'parent_tenant'), ('subs', 'parent_tenant')]:
            self.assertIn(
                f"""create_distributed_table('"{table}"', '{column}', colocate_with => '"docs"')""", told)

    def test_steps_that_one_shard_alone_cannot_keep(self):
        """Told beside the missing extension: unique indexes without the column, and what they would be with
        it."""
        text = job(COLUMNS, target_options="distribute = 'mongo_id',", extra="""
            indexes = { { 'v', unique = true }, { 'mongo_id', 'v', unique = true }, { 'tenant' } },
            constraints = { { unique = 'tenant' }, { check = 'v >= 0' } },""")
        work = Work(self.server.fresh(), GOOD, text)
        told = work.lugger('plan', 'job.lua', '--create', expect=1)
        obstacles = re.findall(r'^problem: (.*)', told.err + told.out, re.M)
        self.assertEqual(len(obstacles), 3, obstacles)
        self.assertIn('docs_v_idx: docs is distributed by mongo_id, and Citus keeps unique only what holds '
                      'that column', '\n'.join(obstacles))
        self.assertIn('docs_tenant_key: docs is distributed by mongo_id', '\n'.join(obstacles))


class Scaffold(Scaffolded):
    def shop(self):
        users = [{'_id': oid(n), 'email': f'{n}@x', 'tenantId': f't{n % 3}',
                  'orders': [{'sku': 'a', 'lines': [{'n': 1}, {'n': 2}]}] * (n % 3)} for n in range(1, 30)]
        notes = [{'_id': oid(1000 + n), 'userId': oid(n), 'tenantId': f't{n % 3}'} for n in range(1, 20)]
        return self.documents({'users': users, 'notes': notes})

    @staticmethod
    def options(script):
        return re.findall(r"\b(key|distribute) = (\{[^}]*\}|'\w+')[ ,]", script.split('columns = {')[0])

    def test_by_the_old_id(self):
        self.scaffold(self.shop(), '--snake-case', '--distribute', 'mongo_id')
        script = self.text('users.lua')
        self.assertEqual(self.options(script), [('key', "'mongo_id'"), ('distribute', "'mongo_id'")])
        self.assertIn("parent = { 'user_mongo_id' }", script)
        self.assertIn("{ name = 'users_id_idx', columns = { 'id' } }", script)
        self.assertNotIn('unique', re.sub(r'(?m)^ *--.*$', '', script))
        notes = self.text('notes.lua')
        self.assertIn("ref = 'users'", notes)
        self.assertNotIn('fk = true', notes)
        self.assertIn('no foreign key: Citus takes one only where it holds mongo_id', notes)
        schema = self.text('schema.sql')
        at = [schema.index(text) for text in (
            'CREATE TABLE "users"', 'ADD CONSTRAINT "users_pkey" PRIMARY KEY ("mongo_id")',
            """SELECT create_distributed_table('"users"', 'mongo_id');""", 'CREATE TABLE "user_orders"',
            """SELECT create_distributed_table('"user_orders"', 'user_mongo_id', """
            """colocate_with => '"users"');""",
            """SELECT create_distributed_table('"user_order_lines"', 'user_mongo_id', """
            """colocate_with => '"users"');""")]
        self.assertEqual(at, sorted(at))
        self.assertIn('CREATE EXTENSION citus', self.text('README.md'))
        self.assertIn('"user_orders_parent_fkey" FOREIGN KEY ("user_mongo_id") '
                      'REFERENCES "users" ("mongo_id")', self.text('constraints.sql'))

    def test_by_a_column_of_the_documents(self):
        self.scaffold(self.shop(), '--snake-case', '--distribute', 'tenant_id')
        script = self.text('users.lua')
        self.assertEqual(self.options(script),
                         [('key', "{ 'tenant_id', 'id' }"), ('distribute', "'tenant_id'")])
        self.assertIn("parent = { 'user_tenant_id', 'user_id' }", script)
        self.assertIn("{ name = 'users_mongo_id_idx', columns = { 'mongo_id' } }", script)
        self.assertIn("""create_distributed_table('"user_order_lines"', 'user_tenant_id', """
                      """colocate_with => '"users"')""", self.text('schema.sql'))
        self.assertNotIn("'tenant_id'", re.search(r'not_null = .*', script).group(0))

    def test_by_the_new_id(self):
        self.scaffold(self.shop(), '--distribute', 'id')
        script = self.text('users.lua')
        self.assertEqual(self.options(script), [('key', "'id'"), ('distribute', "'id'")])
        self.assertIn("{ name = 'users_mongo_id_idx', columns = { 'mongo_id' } }", script)
        self.assertNotIn('users_mongo_id_key', script + self.text('schema.sql'))

    def test_a_column_that_a_table_does_not_have(self):
        source = self.documents({'users': [{'_id': 1, 'tenantId': 'a'}], 'logs': [{'_id': 1, 'v': 1}]})
        told = self.scaffold(source, '--distribute', 'tenantid', expect=1).err
        self.assertIn('--distribute: no column tenantid in the table of shop.logs, shop.users', told)
        self.assertIn('did you mean tenantId?', told)
        told = self.scaffold(source, '--distribute', 'tenantId', expect=1).err
        self.assertIn('in the table of shop.logs\n', told.replace(';', '\n'))
        self.assertFalse(self.out.exists() and list(self.out.glob('*.lua')))

    def test_documents_without_the_column_are_told(self):
        users = [{'_id': n, 'tenantId': f't{n % 3}'} for n in range(20)]
        del users[7]['tenantId']
        told = self.scaffold(self.documents({'users': users}), '--distribute', 'tenantId')
        self.assertRegex(told.out, r'shop.users +users +20 +1 +3 +1')
        self.assertIn("{ 'tenantId', 'text' }, -- a part of the key: a document without it is rejected",
                      self.text('users.lua'))

    def test_unique_indexes_of_mongodb(self):
        users = [{'_id': oid(n), 'email': f'{n}@x', 'tenantId': 't'} for n in range(1, 9)]
        source = self.documents({'users': users})
        (source / 'shop' / 'users.metadata.json').write_text(
            '{"indexes": [{"v": 2, "key": {"_id": 1}, "name": "_id_"},'
            ' {"v": 2, "unique": true, "key": {"email": 1}, "name": "email_1"},'
            ' {"v": 2, "unique": true, "key": {"tenantId": 1, "email": 1}, "name": "both"}],'
            ' "collectionName": "users"}', encoding='utf-8')
        self.scaffold(source, '--distribute', 'tenantId')
        told = self.text('users.lua')
        entries = {tuple(re.findall(r"columns = \{ ([^}]*) \}", line)): 'unique = true' in line
                   for line in told.split('\n') if 'columns = { ' in line}
        self.assertEqual({k: v for k, v in entries.items() if 'email' in k[0]},
                         {("'email'",): False, ("'tenantId', 'email'",): True})
        self.assertIn('not unique: Citus keeps unique only what holds tenantId', told)

    def test_not_onto_tables_that_stand(self):
        told = self.scaffold(self.shop(), '--distribute', 'mongo_id', '--onto', self.server.fresh().url,
                             expect=2).err
        self.assertIn('--onto', told)


if __name__ == '__main__':
    import harness
    harness.main()
