"""References between collections: computed, loaded in any order, dangling ones listed, and what still
needs mongo_id."""
import json
import unittest

import harness
from bson import ObjectId
from jobs import Work
from postgres import Postgres

ANN, BOB, GONE = '64f1c0a1b2c3d4e5f6071829', '64f1c0a1b2c3d4e5f607182a', '64f1c0a1b2c3d4e5f60718ff'
USERS = [{'_id': ObjectId(ANN), 'name': 'Ann'}, {'_id': ObjectId(BOB), 'name': 'Bob'}]
POSTS = [
    {'_id': 1, 'author': ObjectId(ANN), 'readers': [ObjectId(BOB), ObjectId(ANN)],
     'editor': {'$ref': 'users', '$id': ObjectId(BOB)}},
    {'_id': 2, 'author': ObjectId(GONE), 'readers': []},
    {'_id': 3, 'author': None},
]

USERS_LUA = '''
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.users' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'users', key = 'mongo_id', on_conflict = 'update' }),
  columns = { { 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', from = '_id' }, { 'name', 'text' } },
}
'''
POSTS_LUA = '''
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source('dump', { collection = 'shop.posts' }),
  into = lugger.target(lugger.env.PG_URI, { table = 'posts', key = 'id', on_conflict = 'update' }),
  columns = {
    { 'id', 'uuid', generate = 'v5' },
    { 'author_id', 'uuid', from = 'author', ref = 'users'%s },
    { 'reader_ids', 'uuid[]', from = 'readers', ref = 'shop.users' },
    { 'editor', 'text', from = 'editor', ref = { collection = 'users' } },
  },
  children = { { table = 'post_readers', from = 'readers[]',
    columns = { { 'reader_id', 'uuid', from = '.', ref = 'users' } } } },
  %s
}
'''
JOIN = 'select p.author_id, u.mongo_id from posts p join users u on u.id = p.author_id'


class References(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, fk='', extra='', posts=None):
        work = Work(self.server.fresh())
        from jobs import dump
        dump(work.directory, 'shop', {'users': USERS, 'posts': posts or POSTS})
        work.script(USERS_LUA, 'users.lua')
        work.script(POSTS_LUA % (fk, extra), 'posts.lua')
        work.script("return { require 'posts', require 'users' }", 'all.lua')
        return work

    def test_s0_15_references_meet_in_any_order(self):
        for order in (('posts.lua', 'users.lua'), ('users.lua', 'posts.lua'), ('all.lua',)):
            work = self.work()
            for script in order:
                work.run('--create', script=script)
            self.assertEqual(work.database.query(f'select count(*), min(mongo_id) from ({JOIN}) x'),
                             f'1|{ANN}')
            self.assertEqual(work.database.query('select string_agg(u.name, \',\' order by ordinal) '
                                                 'from post_readers r'
                                                 ' join users u on u.id = r.reader_id'),
                             'Bob,Ann')
            self.assertEqual(work.database.query('select u.name from posts p, users u '
                                                 'where u.id = p.reader_ids[1]'),
                             'Bob')
            self.assertEqual(work.database.query('select u.name from posts p join users u '
                                                 'on u.mongo_id = p.editor'),
                             'Bob')

    def test_s0_15_dangling_are_listed(self):
        work = self.work()
        work.run('--create', script='all.lua')
        done = work.lugger('refs', 'posts.lua', expect=4)
        self.assertRegex(done.out, r'(?m)^posts\.author_id +users\.id +2 +1$')
        self.assertRegex(done.out, r'(?m)^posts\.reader_ids +users\.id +2 +0$')
        self.assertRegex(done.out, r'(?m)^post_readers\.reader_id +users\.id +2 +0$')
        gone = work.database.query("select author_id from posts p where not exists "
                                   "(select from users u where u.id = p.author_id)"
                                   ' and author_id is not null')
        self.assertIn(gone, done.out)
        found = json.loads(work.lugger('refs', 'posts.lua', '--json', expect=4).out)
        by_column = {r['column']: r for r in found['references']}
        self.assertEqual(by_column['author_id']['dangling'], 1)
        self.assertEqual(by_column['author_id']['examples'][0]['value'], gone)
        self.assertEqual(by_column['editor']['dangling'], 0)

    def test_s0_15_foreign_key(self):
        work = self.work(fk=', fk = true', posts=[p for p in POSTS if p['author'] != ObjectId(GONE)])
        work.run('--create', script='users.lua')
        work.run('--create', script='posts.lua')
        self.assertEqual(work.database.query("select conname, convalidated from pg_constraint "
                                             "where contype = 'f' and conname like 'posts%'"),
                         'posts_author_id_fkey|t')
        refused = work.database.query("delete from users where name = 'Ann'", check=False)
        self.assertEqual(work.database.number('select count(*) from users'), 2, refused)

    def test_s0_14_mongo_id_stays_while_something_uses_it(self):
        work = self.work()
        work.run('--create', script='all.lua')
        work.database.query('''
            create view people as select mongo_id, name from users;
            create table notes (author text references users (mongo_id));
            create index on users (name, mongo_id);
            create function find_user(wanted text) returns text
              language sql as 'select name from users where mongo_id = wanted';
        ''')
        done = work.lugger('refs', 'all.lua', '--json', expect=4)
        users = next(h for h in json.loads(done.out)['ids'] if h['table'] == 'users')
        kinds = sorted((use['kind'], use['text']) for use in users['uses'])
        self.assertEqual([k for k, _ in kinds],
                         ['foreign key', 'index', 'mention', 'own', 'reference', 'view'])
        self.assertIn(('view', 'people'), kinds)
        self.assertIn(('mention', 'find_user(text)'), kinds)
        self.assertTrue(any('posts.editor' in text for _, text in kinds))
        text = work.lugger('refs', 'all.lua', expect=4).out
        self.assertIn('it cannot be dropped yet', text)
        self.assertNotIn('DROP COLUMN', text)

    def test_s0_14_the_drop_is_printed_when_nothing_is_left(self):
        work = self.work(posts=POSTS[:1])
        work.run('--create', script='users.lua')
        done = work.lugger('refs', 'users.lua')
        self.assertIn('ALTER TABLE "users" DROP COLUMN "mongo_id";', done.out)
        work.database.query("create function f() returns int language plpgsql as 'begin return "
                            "(select 1 from users where mongo_id = 1::text); end'")
        work.lugger('refs', 'users.lua', expect=4)
        work.lugger('refs', 'users.lua', '--ignore-mentions')
        work.database.query('alter table users drop column mongo_id')
        self.assertIn('nothing to drop', work.lugger('refs', 'users.lua', '--ignore-mentions').out)

    def test_refs_before_the_tables_are_there(self):
        work = self.work()
        done = work.lugger('refs', 'posts.lua', expect=4)
        self.assertIn('table posts does not exist', done.err)

    def test_trace_and_preview_show_the_reference(self):
        work = self.work()
        done = work.lugger('trace', 'posts.lua', '$n:1', '--full')
        self.assertIn(f'id of shop.users {ANN}', done.out)
        self.assertIn('mongo_id of shop.users', done.out)
        self.assertIn('author (id of shop.users)', work.lugger('plan', 'posts.lua', '--create').out)
        self.assertRegex(work.lugger('preview', 'posts.lua').out, r'[0-9a-f]{8}-[0-9a-f]{4}-5')

    def test_hooks_and_rejects(self):
        work = self.work(extra='''map = function(row, doc)
            if doc._id == 1 then row.author_id = doc.readers[1] end
            if doc._id == 3 then row.author_id = lugger.uuid '00112233-4455-6677-8899-aabbccddeeff' end
          end,''', posts=POSTS + [{'_id': 4, 'author': {'$ref': 'staff', '$id': ObjectId(ANN)}}])
        work.run('--create', script='users.lua')
        work.run('--create', script='posts.lua', expect=3)
        self.assertEqual(work.database.query(JOIN).split('|')[1], BOB)
        self.assertEqual(work.database.number("select count(*) from posts where author_id = "
                                              "'00112233-4455-6677-8899-aabbccddeeff'"),
                         1)
        self.assertIn('other_collection', work.lugger('rejects', 'posts.lua').out)
        text = POSTS_LUA % ('', '')
        work.script(text.replace("ref = 'users' }", "ref = 'staff' }",
                                 1).replace("'author', ref = 'users'", "'author', ref = 'staff'"),
                    'posts.lua')
        work.lugger('rejects', 'posts.lua', '--retry')
        self.assertEqual(work.database.number('select count(*) from posts'), 4)

    def test_warnings_within_a_script(self):
        work = self.work()
        work.script(USERS_LUA.replace("generate = 'v5'",
                                      "generate = 'server'").replace("'id', 'uuid'", "'id', 'uuid'"),
                    'users.lua')
        self.assertIn("not made with generate = 'v5'", work.lugger('plan', 'all.lua', '--create').err)
        work.script(USERS_LUA.replace("table = 'users'", "table = 'people'"), 'users.lua')
        self.assertIn('goes to the table people', work.lugger('plan', 'all.lua', '--create').err)
        self.assertIn('goes to the table people', work.run('--dry-run', '--create', script='all.lua').err)

    def test_wrong_words(self):
        for columns, message in (
                ("{ 'a', 'int4', ref = 'users' }", 'cannot hold a reference'),
                ("{ 'a', 'uuid', fk = true }", 'fk = true needs a ref'),
                ("{ 'a', 'uuid[]', ref = 'users', fk = true }", 'an array has no foreign key'),
                ("{ 'a', 'uuid', ref = { colection = 'users' } }", 'did you mean collection'),
                ("{ 'a', 'uuid', ref = true }", 'ref names no collection'),
                ("{ 'a', 'uuid', ref = 'users', generate = 'v5' }", 'exclude each other')):
            work = Work(self.server.fresh(), [{'_id': 1}])
            work.script('local lugger = require "lugger" return lugger.copy { '
                        'from = lugger.source("docs.bson"),'
                        'into = lugger.target(lugger.env.PG_URI, { table = "t" }), columns = { %s } }'
                        % columns)
            self.assertIn(message, work.lugger('plan', 'job.lua', '--create', expect=1).err)


if __name__ == '__main__':
    harness.main()
