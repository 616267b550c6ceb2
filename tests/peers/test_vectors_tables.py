"""What a table of vectors gets beside its columns: partitions by tenant, words of its texts, indexes on
metadata; and how it is searched."""
import json
import random

import harness
from vector_case import VectorCase

TENANTS = ('acme', 'b"eta', "o'neil", 'late')
DOCUMENTS = [{'_id': f'd{i}', 'tenant': TENANTS[i % 4], 'body': f'the cats ran {i} times',
              'meta': {'n': i % 5}, 'v': [i % 7, 1, i % 3]} for i in range(200)]
COLUMNS = ("{ 'id', 'text', from = '_id' }, { 'tenant', 'text' }, { 'body', 'text' }, { 'meta', 'jsonb' }, "
           "{ 'v', 'vector(3)' }")


class Case(VectorCase):
    LINES = DOCUMENTS

    def job(self, options='', extra='', columns=COLUMNS, key="{ 'tenant', 'id' }", source="'docs.jsonl'"):
        (self.directory / 'job.lua').write_text(f'''
local lugger = require 'lugger'
return lugger.copy {{ name = 'job', from = lugger.source({source}), columns = {{ {columns} }}, {extra}
  into = lugger.target(lugger.env.PG, {{ table = 'docs', key = {key}, on_conflict = 'update', {options} }}) }}
''', encoding='utf-8')

    def query(self, sql):
        return self.database.query(sql)


class Partitions(Case):
    def parts(self):
        return self.database.number(
            "select count(*) from pg_inherits where inhparent = 'docs'::regclass")

    def test_by_hash(self):
        self.job("partition_by = 'tenant', partitions = 3",
                 "indexes = { { 'v', method = 'hnsw', metric = 'l2' }, { '(meta)', method = 'gin' }, "
                 "'body' },")
        self.assertIn('PARTITION BY HASH ("tenant")', self.lugger('plan', 'job.lua', '--create').out)
        self.assertEqual(self.lugger('run', 'job.lua', '--create').books()['inserted'], 200)
        self.assertEqual(self.query("select pg_get_partkeydef('docs'::regclass)"), 'HASH (tenant)')
        self.assertEqual(self.parts(), 3)
        self.assertEqual(self.query(
            "select pg_get_constraintdef(oid) from pg_constraint where contype = 'p' and "
            "conrelid = 'docs'::regclass"), 'PRIMARY KEY (tenant, id)')
        for one in ('docs_v_idx', 'docs_body_idx'):
            self.assertEqual(self.query(
                "select relkind::text || indisvalid from pg_class c join pg_index on indexrelid = c.oid "
                f"where c.oid = '{one}'::regclass"), 'Itrue')
        self.assertIn('equal, 200 rows', self.lugger('verify', 'job.lua').out)
        self.documents([{**one, 'body': 'new'} for one in DOCUMENTS])
        self.assertEqual(self.lugger('run', 'job.lua').books()['updated'], 200)

    def test_by_value_and_all_others(self):
        self.job("partition_by = 'tenant', partition_values = { 'acme', \"o'neil\" }")
        self.lugger('run', 'job.lua', '--create')
        counts = {name: self.database.number(f'select count(*) from docs_{name}')
                  for name in ('p1', 'p2', 'rest')}
        self.assertEqual(counts, {'p1': 50, 'p2': 50, 'rest': 100})
        self.assertEqual(self.query('select distinct tenant from docs_p2'), "o'neil")

    def test_rows_of_one_key_are_settled(self):
        self.documents(DOCUMENTS + [{**one, 'body': 'later'} for one in DOCUMENTS[:30]])
        self.job("partition_by = 'tenant', partitions = 2")
        self.lugger('run', 'job.lua', '--create')
        self.assertEqual(self.database.number('select count(*) from docs'), 200)
        self.assertEqual(self.database.number("select count(*) from docs where body = 'later'"), 30)
        self.lugger('verify', 'job.lua')

    def test_what_cannot_be(self):
        for options, key, said in (
                ("partition_by = 'tenant'", "'id'", "key = { 'tenant', 'id' }"),
                ("partition_by = 'nobody'", "'id'", 'docs has no column nobody'),
                ("partitions = 4", "'id'", "add partition_by = 'tenant'"),
                ("partition_by = 'tenant', partitions = 0", "'id'", 'from 1 to 1024'),
                ("partition_by = 'tenant', partitions = 2, partition_values = { 'a' }", "'id'",
                 'both were given')):
            self.job(options, key=key)
            self.assertIn(said, self.lugger('plan', 'job.lua', '--create', expect=1).err)
        self.query('create table docs (id text, tenant text, body text, meta jsonb, v vector(3), '
                   'primary key (tenant, id))')
        self.job("partition_by = 'tenant'")
        self.assertIn('docs stands and has no partitions', self.lugger('plan', 'job.lua').err)


class Words(Case):
    def test_a_text_has_its_words_beside_it(self):
        self.job("text_search = 'body'", key="'id'")
        planned = self.lugger('plan', 'job.lua', '--create')
        self.assertIn('ts_rank, which is no BM25', planned.err)
        self.assertIn('USING gin ("body_tsv")', planned.out)
        self.lugger('run', 'job.lua', '--create')
        self.assertEqual(self.query("select body_tsv from docs where id = 'd3'"),
                         "'3':4 'cat':2 'ran':3 'time':5")
        self.assertIn('USING gin (body_tsv)',
                      self.query("select pg_get_indexdef('docs_body_tsv_idx'::regclass)"))
        self.lugger('verify', 'job.lua')
        self.documents([{**one, 'body': 'dogs'} for one in DOCUMENTS])
        self.lugger('run', 'job.lua')
        self.assertEqual(self.query('select distinct body_tsv from docs'), "'dog':1")

    def test_a_table_with_words_is_a_source(self):
        self.job("text_search = 'body'", key="'id'")
        self.lugger('run', 'job.lua', '--create')
        script = self.directory / 'on.lua'
        text = '''
local lugger = require 'lugger'
local from = lugger.source(lugger.env.PG, { table = 'docs', key = 'id' })
local columns = from:columns()
%s
return lugger.copy { name = 'on', from = from, columns = columns,
  into = lugger.target(lugger.env.PG, { table = 'copied', key = 'id', text_search = 'body' }) }
'''
        script.write_text(text % '', encoding='utf-8')
        self.lugger('run', 'on.lua', '--create')
        self.assertIn('equal', self.lugger('verify', 'on.lua').out)
        self.assertEqual(self.query("select body_tsv from copied where id = 'd3'"),
                         "'3':4 'cat':2 'ran':3 'time':5")
        self.query('drop table copied')
        script.write_text(text % "columns[#columns + 1] = { 'body_tsv', 'tsvector' }", encoding='utf-8')
        self.assertIn('body_tsv is made from body', self.lugger('plan', 'on.lua', '--create', expect=1).err)

    def test_in_another_language_and_partitioned(self):
        self.job("text_search = { 'body', 'tenant' }, text_config = 'simple', partition_by = 'tenant'")
        self.lugger('run', 'job.lua', '--create')
        self.assertEqual(self.database.number("select count(*) from docs where body_tsv @@ 'cats' and "
                                              "tenant_tsv @@ 'acme'"), 50)

    def test_what_cannot_be(self):
        self.job("text_search = 'nobody'", key="'id'")
        self.assertIn('text_search: docs has no column nobody',
                      self.lugger('plan', 'job.lua', '--create', expect=1).err)
        self.job("text_search = 'body', text_config = 'klingon'", key="'id'")
        self.assertIn("text_config = 'klingon'", self.lugger('plan', 'job.lua', '--create', expect=1).err)
        self.query('create table docs (id text primary key, tenant text, body text, meta jsonb, v vector(3))')
        self.job("text_search = 'body'", key="'id'")
        refused = self.lugger('plan', 'job.lua', expect=1).err
        self.assertIn('ALTER TABLE "docs" ADD COLUMN "body_tsv" tsvector GENERATED', refused)
        self.query("alter table docs add column body_tsv tsvector generated always as "
                   "(to_tsvector('english', body)) stored")
        self.lugger('run', 'job.lua')
        self.assertIn('gin', self.query("select pg_get_indexdef('docs_body_tsv_idx'::regclass)"))


class Searches(Case):
    def recall(self, options, expect=0):
        side = f"lugger.env.PG, {{ table = 'docs', key = 'id', {options} }}"
        self.job(options, source=side, columns="{ 'id', 'int4' }, { 'kind', 'text' }, { 'v', 'vector(8)' }",
                 key="'id'")
        done = self.lugger('verify', 'job.lua', '--recall-queries', 'queries.jsonl', '--json', expect=expect)
        return json.loads(done.out)[0]['recall']['target'] if expect in (0, 4, (0, 4)) else done

    def setUp(self):
        super().setUp()
        rng = random.Random(28)
        rows = ','.join(f"({i}, '{'rare' if i % 100 == 0 else 'much'}', "
                        f"'{[rng.gauss(0, 1) for _ in range(8)]}')" for i in range(4000))
        self.query('create table docs (id int primary key, kind text, v vector(8)); '
                   f'insert into docs values {rows}; '
                   'create index on docs using hnsw (v vector_l2_ops); analyze docs')
        self.query(f'alter database "{self.database.name}" set enable_seqscan = off; '
                   f'alter database "{self.database.name}" set enable_bitmapscan = off')
        (self.directory / 'queries.jsonl').write_text(''.join(
            json.dumps({'vector': [rng.gauss(0, 1) for _ in range(8)], 'filter': {'kind': 'rare'}}) + '\n'
            for _ in range(5)))

    def test_the_settings_of_a_search(self):
        poor = self.recall('', expect=4)
        self.assertLess(poor['recall'], 0.9)
        good = self.recall("ef_search = 200, iterative_scan = 'relaxed_order', max_scan_tuples = 100000",
                           expect=(0, 4))
        self.assertGreater(good['recall'], poor['recall'])
        self.assertIn('hnsw.ef_search = 200, hnsw.iterative_scan = relaxed_order', good['how'])
        pooled = self.recall("ef_search = 200, iterative_scan = 'strict_order', pooled = true", expect=(0, 4))
        self.assertIn('hnsw.iterative_scan = strict_order', pooled['how'])
        self.assertGreater(pooled['recall'], poor['recall'])

    def test_numbers_that_pgvector_does_not_take(self):
        self.assertIn('ef_search is a whole number from 1 to 1000',
                      self.recall('ef_search = 5000', expect=1).err)
        self.query("update pg_extension set extversion = '0.7.4' where extname = 'vector'")
        self.assertIn('pgvector 0.7.4 has no iterative scans',
                      self.recall("iterative_scan = 'strict_order'", expect=1).err)


if __name__ == '__main__':
    harness.main()
