"""Indexes of the source as indexes of the target: every kind becomes a statement that the server
takes, or words that say why not."""
import json
import os
import re
import unittest

import harness
from harness import DATA, lugger
from jobs import Work
from postgres import Postgres

MAPPING = """{ table = 'users', columns = {
  { 'id', 'uuid', generate = 'v5' }, { 'mongo_id', 'text', from = '_id' }, { 'email', 'text' },
  { 'nick', 'text', required = true }, { 'age', 'int4' },
  { 'last_seen', 'timestamptz', from = 'lastSeen' }, { 'bio', 'text' }, { 'name', 'text' },
  { 'code', 'varchar(20)' }, { 'where', 'jsonb' }, { 'hash', 'text' }, { 'attrs', 'jsonb' },
  { 'labels', 'text[]' }, { 'Odd "name', 'text', from = 'odd' },
  { 'ok', 'bool' }, { 'rest', 'jsonb', from = '*' } },
  children = { { table = 'user_tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } },
    { table = 'lines', from = 'lines[]', columns = { { 'sku', 'text' }, { 'qty', 'int4' } } } } }"""
TABLES = """create table users (id uuid, mongo_id text primary key, email text, nick text, age int,
  last_seen timestamptz, bio text, name text,
  code varchar(20), "where" jsonb, hash text, attrs jsonb, labels text[], "Odd ""name" text, ok bool,
  rest jsonb);
create table user_tags (tag text); create table lines (sku text, qty int);
"""
SCRIPT = """
local text = io.open('metadata.json'):read('*a')
local list = require('lugger.mongo_index').translate(text, %s, { %s })
print(require('lugger.inner.base.json_text').encode(require('lugger.inner.base.json_text').list(list)))
"""
REFUSED = {'$not': {'age': {'$not': {'$gt': 1}}}, '$regex': {'email': {'$regex': '^a'}},
           '$nor': {'$nor': [{'age': 1}]},
           'column age is int4': {'age': 'ten'}, 'child table': {'lines.qty': 3},
           'whole document': {'attrs': {'a': 1}},
           'objectId': {'rest_id': {'$type': 'objectId'}}}
FILTERS = (
    ({'age': {'$gt': 17}}, '"age" > 17'),
    ({'age': {'$gte': 1, '$lt': 9}}, '"age" >= 1 AND "age" < 9'),
    ({'email': {'$exists': True}}, '"email" IS NOT NULL'),
    ({'email': None}, '"email" IS NULL'),
    ({'email': "o'hara \\ x"}, "\"email\" = E'o\\'hara".replace("\\'", "''")),
    ({'ok': True, 'age': {'$eq': 3}}, '"ok" = true AND "age" = 3'),
    ({'$or': [{'age': 1}, {'email': 'a'}]}, '("age" = 1 OR "email" = \'a\')'),
    ({'$and': [{'age': {'$lte': 1}}, {'email': {'$in': ['a', 'b', None]}}]}, 'IS NULL)'),
    ({'last_seen': {'$gt': {'$date': '2026-01-01T00:00:00Z'}}}, None),
    ({'lastSeen': {'$gt': {'$date': '2026-01-01T00:00:00Z'}}}, "\"last_seen\" > timestamptz '2026-01-01"),
    ({'a.b': {'$gt': 5}}, "jsonb_typeof((\"rest\" #> '{a,b}')) = 'number'"),
    ({'a': {'$exists': False}}, '("rest" -> \'a\') IS NULL'),
    ({'a': {'$type': 'string'}}, "jsonb_typeof((\"rest\" -> 'a')) = 'string'"),
    ({'age': {'$type': 'int'}}, '"age" IS NOT NULL'),
    ({'odd': "x'; drop table users; --"}, "'x''; drop table users; --'"),
)


# What the page shows, kind by kind.
SAMPLES = (
    ('unique', {'key': {'email': 1}, 'unique': True}), ('compound', {'key': {'address.city': 1, 'age': -1}}),
    ('sparse', {'key': {'nick': 1}, 'sparse': True}),
    ('partial',
     {'key': {'age': 1}, 'partialFilterExpression': {'age': {'$gt': 17}, 'email': {'$exists': True}}}),
    ('TTL', {'key': {'lastSeen': 1}, 'expireAfterSeconds': 86400}),
    ('text',
     {'key': {'_fts': 'text', '_ftsx': 1}, 'weights': {'name': 5, 'bio': 1}, 'default_language': 'english'}),
    ('2dsphere', {'key': {'where': '2dsphere'}}), ('2d', {'key': {'where': '2d'}}),
    ('hashed', {'key': {'hash': 'hashed'}}),
    ('wildcard', {'key': {'attrs.$**': 1}}),
    ('collation', {'key': {'name': 1}, 'collation': {'locale': 'fr', 'strength': 2}}),
    ('array, as a child table', {'key': {'tags': 1}}), ('array in a column', {'key': {'labels': 1}}),
    ('hidden', {'key': {'age': 1}, 'hidden': True}),
    ('_id', {'key': {'_id': 1}}),
)
PAGE = harness.ROOT / 'docs/stages.md'
PART = re.compile(r'(?<=test_indexes.py -->\n).*?(?=<!-- end -->)', re.S)


class Indexes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def setUp(self):
        self.work = Work(self.server.fresh())

    def translate(self, metadata, options='', mapping=MAPPING):
        (self.work.directory / 'metadata.json').write_text(
            metadata if isinstance(metadata, str) else json.dumps(metadata), encoding='utf-8')
        (self.work.directory / 't.lua').write_text(SCRIPT % (mapping, options), encoding='utf-8')
        return json.loads(lugger('--lua', 't.lua', cwd=self.work.directory).out)

    def one(self, options='', **index):
        index = {'v': 2, 'name': 'i_1', 'key': {'age': 1}, **index}
        found = self.translate({'indexes': [index]}, options)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def built(self, found):
        """Every statement, on a server that has to take it."""
        database = self.work.database
        database.query(TABLES)
        for one in found:
            if one.get('ddl'):
                database.query((one['setup'] + ';\n' if one.get('setup') else '') + one['ddl'])
        self.assertEqual(database.query('select count(*) from pg_index where not indisvalid'), '0')
        return database

    def test_s0_77_every_index_of_a_real_dump(self):
        text = (DATA / 'named/dump/shop/users.metadata.json').read_text(encoding='utf-8')
        found = self.translate(text)
        by_name = {one['name']: one for one in found}
        self.assertEqual(sorted(by_name), sorted(i['name'] for i in json.loads(text)['indexes']))
        kinds = {'_id_': 'primary', 'email_1': 'unique', 'city_age': 'compound', 'nick_1': 'sparse',
                 'adults': 'partial', 'lastSeen_1': 'ttl',
                 'bio_text_name_text': 'text', 'where_2dsphere': '2dsphere', 'flat_2d': '2d',
                 'hash_hashed': 'hashed', 'attrs_wild': 'wildcard',
                 'name_fr': 'collation', 'tags_hidden': 'hidden'}
        self.assertEqual({name: one['kind'] for name, one in by_name.items()}, kinds)
        for name, one in by_name.items():
            with self.subTest(name):
                self.assertTrue(one.get('ddl') or one.get('comment'), one)
                if one.get('ddl'):
                    self.assertIn(' CONCURRENTLY ', one['ddl'])
        for name in ('where_2dsphere', 'flat_2d', 'lastSeen_1'):
            self.assertRegex(by_name[name]['comment'], '^no equivalent: .*nearest: ')
        self.assertIn('DELETE FROM "users" WHERE "last_seen" < now() - interval \'315360000 seconds\'',
                      by_name['lastSeen_1']['comment'])
        self.assertIn("websearch_to_tsquery", ' '.join(by_name['bio_text_name_text']['warnings']))
        self.assertIn('CREATE INDEX CONCURRENTLY "user_tags_tags_hidden" ON "user_tags"',
                      by_name['tags_hidden']['comment'])
        database = self.built(found)
        self.assertEqual(database.number("select count(*) from pg_indexes where indexname like 'users\\_%' "
                                         "and indexname <> 'users_pkey'"),
                         9)
        query = by_name['bio_text_name_text']['warnings'][0].split('WHERE ')[1].replace('$1', "'jazz'")
        database.query("insert into users (mongo_id, email, name, bio) select i, i, 'n', "
                       "case i when 7 then 'plays jazz' else 'x' end from generate_series(1, 9) i")
        self.assertEqual(database.query('select mongo_id from users where ' + query), '7')
        self.assertIn('users_bio_text_name_text',
                      database.query('set enable_seqscan = off; explain select from users where ' + query))

    def test_n_07_indexes_are_translated_concurrently_and_taken_by_a_job(self):
        found = self.translate((DATA / 'named/dump/shop/users.metadata.json').read_text(encoding='utf-8'))
        entries = [one['index'] for one in found if one.get('index')]
        self.work.database.query(TABLES)
        (self.work.directory / 'docs.jsonl').write_text('{"_id": 1, "email": "a"}\n', encoding='utf-8')
        self.work.script("local lugger = require 'lugger'\nreturn lugger.copy { "
                         "from = lugger.source('docs.jsonl'), into = lugger.target(lugger.env.PG_URI, "
                         "{ table = 'users', key = 'mongo_id', on_conflict = 'skip' }), "
                         "columns = { { 'mongo_id', 'text', from = '_id' }, { 'email', 'text' } }, "
                         f"indexes = {lua(entries)} }}")
        plan = self.work.lugger('plan', 'job.lua').out
        self.assertIn('CREATE UNIQUE INDEX CONCURRENTLY "users_email_1"', plan)
        for entry, one in ((e, o) for o in found for e in [o.get('index')] if e):
            self.assertIn(one['ddl'], plan, entry)
        self.work.run()
        self.assertEqual(self.work.database.number('select count(*) from pg_index where not indisvalid'), 0)
        self.assertEqual(self.work.database.number("select count(*) from pg_indexes where indexname like "
                                                   "'users\\_%' and indexname <> 'users_pkey'"),
                         9)
        self.assertNotIn('CREATE', self.work.lugger('plan', 'job.lua').out)

    def test_the_page_says_what_the_code_does(self):
        found = self.translate({'indexes': [{'name': 'i', **index} for _, index in SAMPLES]})
        self.assertEqual(len(found), len(SAMPLES))
        rows = ['| in MongoDB | in PostgreSQL |', '|---|---|']
        for (name, _), one in zip(SAMPLES, found):
            parts = [f'`{sql}`' for sql in (one.get('setup'), one.get('ddl')) if sql]
            parts += [one['comment']] if one.get('comment') else []
            rows.append(f'| {name}: `{one["key"]}` | {"<br>".join(parts)} |'.replace('||', '\\|\\|'))
        text = re.sub(r'_i_\d+"', '_i"', '\n'.join(rows) + '\n')
        page = PAGE.read_text(encoding='utf-8')
        if os.environ.get('LUGGER_WRITE_DOCS'):
            page = PART.sub(lambda _: text, page)
            PAGE.write_text(page, encoding='utf-8')
        self.assertEqual(PART.search(page).group(0), text, 'run this test with LUGGER_WRITE_DOCS=1')

    def test_partial_filters(self):
        for filter_, sql in FILTERS:
            with self.subTest(str(filter_)):
                one = self.one(partialFilterExpression=filter_)
                if sql is None:
                    self.assertIn('no form', one['comment'])
                else:
                    self.assertIn(sql, one['index']['where'])
        found = [self.one(partialFilterExpression=f, name=f'p{i}')
                 for i, (f, sql) in enumerate(FILTERS) if sql]
        self.assertEqual(self.built(found).query('select to_regclass($$users$$)'), 'users')

    def test_partial_filters_refused_by_name(self):
        for word, filter_ in REFUSED.items():
            with self.subTest(word):
                one = self.one(partialFilterExpression=filter_, unique=True)
                self.assertNotIn('ddl', one)
                self.assertIn(word, one['comment'])
                self.assertIn('cannot be translated', one['comment'])

    def test_unique_over_nulls(self):
        one = self.one(key={'email': 1}, unique=True)
        self.assertIn('NULLS NOT DISTINCT', one['ddl'])
        self.assertIn('one value', one['warnings'][0])
        self.assertNotIn('NULLS', self.one(key={'nick': 1}, unique=True)['ddl'])
        sparse = self.one(key={'email': 1}, unique=True, sparse=True)
        self.assertIn('("email") WHERE "email" IS NOT NULL', sparse['ddl'])
        both = self.one(key={'email': 1, 'age': 1}, unique=True, sparse=True)
        self.assertIn('NULLS NOT DISTINCT WHERE ("email" IS NOT NULL OR "age" IS NOT NULL)', both['ddl'])

    def test_text_too_long_for_a_btree(self):
        self.assertIn('2704', self.one(key={'email': 1})['warnings'][0])
        self.assertEqual(self.one('max_length = { email = 100 }', key={'email': 1})['warnings'], {})
        self.assertEqual(self.one(key={'code': 1})['warnings'], {})
        long = self.one('max_length = { email = 9000 }', key={'email': 1})
        self.assertIn('USING hash ("email")', long['ddl'])
        unique = self.one('max_length = { email = 9000 }', key={'email': 1}, unique=True)
        self.assertIn('(md5("email"))', unique['ddl'])
        self.built([long, {**unique, 'ddl': unique['ddl'].replace('users_i_1', 'other')}])

    def test_names(self):
        long = 'x' * 80
        found = self.translate(
            {'indexes': [{'name': 'Email_1', 'key': {'email': 1}}, {'name': 'email_1', 'key': {'age': 1}},
                         {'name': long, 'key': {'age': 1}}, {'name': long + 'y', 'key': {'age': -1}},
                         {'name': 'é' * 40, 'key': {'age': 1}}, {'name': 'a"b; drop', 'key': {'odd': 1}}]},
            "taken = { users_email_1 = true }")
        names = [one['index']['name'] for one in found]
        self.assertEqual(names[:2], ['users_email_1_2', 'users_email_1_3'])
        self.assertIn('is taken', found[1]['warnings'][-1])
        self.assertIn('PostgreSQL takes 63', ' '.join(found[2]['warnings']))
        self.assertTrue(all(len(name.encode()) <= 63 for name in names), names)
        self.assertEqual(len(set(names)), len(names))
        self.assertIn('ON "users" USING btree ("Odd ""name")', found[5]['ddl'])
        self.built(found)

    def test_arrays_children_and_paths(self):
        found = self.translate({'indexes': [{'name': 'tags_1', 'key': {'tags': 1}, 'unique': True},
                                            {'name': 'line', 'key': {'lines.sku': 1, 'lines.qty': -1}},
                                            {'name': 'mixed', 'key': {'age': 1, 'lines.sku': 1}},
                                            {'name': 'labels', 'key': {'labels': 1}},
                                            {'name': 'inside', 'key': {'attrs.colours': 1}},
                                            {'name': 'deep', 'key': {'a.b.0.c': 1}},
                                            {'name': 'typed', 'key': {'a.n': -1}},
                                            {'name': 'two', 'key': {'email': 1, 'labels': 1}}]},
                               "arrays = { ['attrs.colours'] = true }, types = { ['a.n'] = 'numeric' }")
        ddl = {}
        for one in found:
            ddl.setdefault(one['name'], []).append(one['ddl'])
        self.assertIn('INDEX CONCURRENTLY "user_tags_tags_1" ON "user_tags" USING btree ("tag")',
                      ddl['tags_1'][0])
        self.assertNotIn('UNIQUE', ddl['tags_1'][0])
        self.assertIn('("sku", "qty" desc)', ddl['line'][0])
        self.assertEqual(len(ddl['mixed']), 2)
        self.assertIn('USING gin ("labels")', ddl['labels'][0])
        self.assertIn("gin ((\"attrs\" -> 'colours')) jsonb_path_ops)".replace('gin (', 'gin (('),
                      ddl['inside'][0])
        self.assertIn("\"rest\" #>> '{a,b,0,c}'", ddl['deep'][0])
        self.assertIn('::numeric)) desc', ddl['typed'][0])
        self.assertEqual(len(ddl['two']), 2)
        self.built(found)

    def test_what_has_no_equal(self):
        self.assertIn('columnstore',
                      self.one(key={'$**': 'columnstore', 'x': 'columnstore'}).get('comment', 'columnstore'))
        self.assertIn('nothing to do', self.one(key={'_id': 1}, name='_id_')['comment'])
        clustered = self.translate({
            'options': {'clusteredIndex': {'key': {'_id': 1}, 'name': 'c', 'unique': True}}, 'indexes': []})
        self.assertEqual(clustered[0]['kind'], 'clustered')
        nowhere = self.translate({'indexes': [{'name': 'x', 'key': {'gone': 1}}]},
                                 mapping="{ table = 't', columns = { { 'a', 'text' } } }")[0]
        self.assertIn('no column holds gone', nowhere['comment'])

    def test_collations(self):
        one = self.one(key={'name': 1}, collation={'locale': 'de_AT', 'strength': 1, 'numericOrdering': True})
        self.assertIn("locale = 'de-AT-u-kn-true-ks-level1', deterministic = false", one['setup'])
        self.assertIn('LIKE', ' '.join(one['warnings']))
        self.assertNotIn('setup', self.one(key={'name': 1}, collation={'locale': 'simple'}))
        self.assertIn('deterministic = true', self.one(key={'name': 1}, collation={'locale': 'sv'})['setup'])
        database = self.built([self.one(key={'name': 1}, name='c', unique=True,
                                        collation={'locale': 'en', 'strength': 2})])
        database.query("insert into users (mongo_id, name) values ('1', 'Ann')")
        self.assertRaises(AssertionError, database.query,
                          "insert into users (mongo_id, name) values ('2', 'ANN')")


def lua(value):
    return harness.lua(value)


if __name__ == '__main__':
    harness.main()
