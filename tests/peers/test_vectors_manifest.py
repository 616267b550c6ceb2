"""The manifest of vectors: kept in the target, read back from a source, and compared before vectors of two
makings are mixed."""
import json

import harness
from vector_case import VectorCase
from weaviate import live_weaviate

LINES = [{'_id': f'd{i}', 'v': [0.6, 0.8, 0.0] if i % 2 else [0.0, 0.0, -1.0]} for i in range(20)]
MODEL = {'model': 'small-3', 'revision': 'r"1\n', 'prefix': 'passage: ', 'pooling': 'mean',
         'truncation': 512, 'dimensions': 3, 'normalised': True, 'metric': 'dot'}


def manifest(**more):
    return 'manifest = ' + harness.lua({**MODEL, **more})


class Case(VectorCase):
    LINES = LINES

    def job(self, extra='', source="'docs.jsonl'", target="lugger.env.PG, { table = 'docs', key = 'id', "
            "on_conflict = 'update' }", columns="{ 'id', 'text', from = '_id' }, { 'v', 'vector(3)' }",
            name='job'):
        (self.directory / f'{name}.lua').write_text(f'''
local lugger = require 'lugger'
return lugger.copy {{ name = '{name}', from = lugger.source({source}), into = lugger.target({target}),
  columns = {{ {columns} }}, {extra} }}
''', encoding='utf-8')

    def comment(self, database=None, column=2):
        return (database or self.database).query(f"select col_description('docs'::regclass, {column})")

    def kept(self, *place):
        line = next(line for line in self.comment(*place).split('\n') if line.startswith('lugger manifest: '))
        return json.loads(line.removeprefix('lugger manifest: '))


class Manifest(Case):
    def test_it_is_kept_and_read_back_through_each_store(self):
        self.job(manifest())
        planned = self.lugger('plan', 'job.lua', '--create')
        self.assertIn('vectors   v: small-3, revision r"1', planned.out)
        self.lugger('run', 'job.lua', '--create')
        self.assertEqual(self.kept(), MODEL)
        self.assertIn('v: small-3', self.lugger('describe', self.database.url, '--table', 'docs').out)
        columns = "{ 'id', 'text' }, { 'v', 'vector(3)' }"
        self.job(source="lugger.env.PG, { table = 'docs', key = 'id' }", target="'out.jsonl', { key = 'id' }",
                 columns=columns, name='out')
        self.lugger('run', 'out.lua')
        self.assertEqual(json.loads((self.directory / 'out.jsonl.manifest').read_text()), {'v': MODEL})
        again = self.server.fresh()
        self.env['PG'] = again.url
        self.job(source="'out.jsonl'", columns=columns, name='back')
        self.lugger('run', 'back.lua', '--create')
        self.assertEqual(self.kept(again), MODEL)
        self.assertIn('back: equal', self.lugger('verify', 'back.lua').out)

    def test_a_comment_keeps_what_it_says_otherwise(self):
        self.database.query("create table docs (id text primary key, v vector(3)); "
                            "comment on column docs.v is E'of the site\nsee wiki'")
        self.job(manifest())
        self.lugger('run', 'job.lua')
        self.job(manifest(model='small-4'))
        self.database.query('truncate docs')
        self.lugger('run', 'job.lua', '--again')
        self.assertEqual(self.kept(), {**MODEL, 'model': 'small-4'})
        self.assertTrue(self.comment().startswith('of the site\nsee wiki\nlugger manifest: '))
        self.assertEqual(self.comment().count('lugger manifest'), 1)

    def test_vectors_of_another_making_are_refused(self):
        self.job(manifest())
        self.lugger('run', 'job.lua', '--create')
        for key, value in (('model', 'ada-002'), ('metric', 'cosine'), ('prefix', 'query: '),
                           ('truncation', 256), ('normalised', False)):
            self.job(manifest(**{key: value}))
            refused = self.lugger('plan', 'job.lua', expect=1)
            self.assertRegex(refused.err,
                             f'vectors of another making: v: those in the target have {key} .* and not')
            self.assertIn('on_mismatch', refused.err)
            self.lugger('run', 'job.lua', expect=1)
        self.assertEqual(self.kept(), MODEL)
        self.job(manifest(model='ada-002', on_mismatch='warn'))
        told = self.lugger('run', 'job.lua', '--again')
        self.assertIn('of another making: v: those in the target have model "small-3" and not "ada-002"',
                      told.err)
        self.assertEqual(self.kept()['model'], 'ada-002')

    def test_dimensions_differ(self):
        self.job(manifest())
        self.lugger('run', 'job.lua', '--create')
        self.job(columns="{ 'id', 'text', from = '_id' }, { 'v', 'vector(2)' }")
        self.assertIn('docs.v is vector(3) in the database, and vector(2) in the mapping',
                      self.lugger('plan', 'job.lua', expect=1).err)
        self.job(manifest(dimensions=4))
        self.assertIn('v is vector(3), and its manifest says 4 dimensions',
                      self.lugger('plan', 'job.lua', expect=1).err)

    def test_a_table_that_stands_with_another_type(self):
        lines = [{**one, 'b': '101', 'm': [one['v']]} for one in LINES]
        self.documents(lines)
        never = "no (vector|value) would fit"
        cases = (('vector(3)', 'halfvec(4)', 'v', never), ('vector(3)', 'sparsevec(4)', 'v', never),
                 ('vector(3)[]', 'vector(4)[]', 'm', never), ('bit(3)', 'bit(4)', 'b', never),
                 ('bit(3)', 'varbit(2)', 'b', never),
                 ('vector', 'vector(4)', 'v', 'values of another length become rejects'),
                 ('float4[]', 'vector(4)', 'v', 'values of another length become rejects'),
                 ('vector(3)', 'halfvec(3)', 'v', 'rounded to half precision'),
                 ('vector(3)', 'vector(3)', 'v', None), ('vector(3)', 'vector', 'v', None),
                 ('bit(3)', 'varbit(3)', 'b', None), ('vector(3)[]', 'vector(3)[]', 'm', None))
        for written, stored, field, said in cases:
            with self.subTest(written=written, stored=stored):
                self.database.query('drop table if exists docs; '
                                    f'create table docs (id text primary key, x {stored})')
                self.job(columns="{ 'id', 'text', from = '_id' }, "
                         f"{{ 'x', '{written}', from = '{field}' }}",
                         extra="unmapped = 'ignore'")
                told = self.lugger('plan', 'job.lua', expect=1 if said == never else 0).err
                if said is None:
                    self.assertNotIn('in the database, and', told)
                else:
                    self.assertRegex(told, r'docs\.x is .* in the database, and .*' + said)
                if said == never:
                    self.assertRegex(self.lugger('run', 'job.lua', '--again', expect=1).err, never)

    def test_the_job_contradicts_its_source(self):
        self.job(manifest())
        self.lugger('run', 'job.lua', '--create')
        self.job(manifest(model='ada-002'), source="lugger.env.PG, { table = 'docs', key = 'id' }",
                 target="'out.jsonl', { key = 'id' }", columns="{ 'id', 'text' }, { 'v', 'vector(3)' }",
                 name='out')
        self.assertIn('v: those of the source have model "small-3" and not "ada-002"',
                      self.lugger('run', 'out.lua', expect=1).err)

    def test_rows_of_unknown_making_are_told(self):
        self.job()
        self.lugger('run', 'job.lua', '--create')
        self.job(manifest())
        self.assertIn('v holds rows, and nothing tells how their vectors were made',
                      self.lugger('plan', 'job.lua').err)
        self.lugger('run', 'job.lua', '--again', '--accept-changes')
        self.job()
        self.assertIn('v holds vectors of small-3', self.lugger('plan', 'job.lua').err)

    def test_normalised_is_checked_on_the_way(self):
        bad = [{'_id': 'long', 'v': [1, 1, 0]}, {'_id': 'zero', 'v': [0, 0, 0]}, {'_id': 'none', 'v': None},
               {'_id': 'near', 'v': [1.0004, 0, 0]}]
        self.documents(LINES + bad)
        kinds = {'vector': 'v', 'halfvec': 'h', 'sparsevec': 's'}
        columns = ', '.join(f"{{ '{name}', '{kind}(3)', from = 'v' }}" for kind, name in kinds.items())
        self.job(manifest(), columns="{ 'id', 'text', from = '_id' }, " + columns)
        done = self.lugger('run', 'job.lua', '--create', expect=3)
        self.assertEqual(done.books()['rejected'], 2)
        self.assertEqual(self.database.query(
            "select string_agg(document_id || ' ' || code, ',' order by document_id) from lugger.rejects"),
            'long not_normalised,zero not_normalised')
        self.job(manifest(), columns="{ 'id', 'text', from = '_id' }, "
                 "{ 'v', 'vector(3)', on_error = 'null' }")
        self.database.query('drop table docs')
        self.lugger('run', 'job.lua', '--create', '--again', '--restart')
        self.assertEqual(self.database.number('select count(*) from docs where v is null'), 3)

    def test_verify_compares_it(self):
        self.job(manifest())
        self.lugger('run', 'job.lua', '--create')
        self.lugger('verify', 'job.lua')
        self.database.query("comment on column docs.v is 'lugger manifest: {\"model\":\"ada-002\"}'")
        differs = self.lugger('verify', 'job.lua', expect=4)
        self.assertIn('those in the target have model "ada-002" and not "small-3"', differs.out + differs.err)

    def test_s1_17_an_index_takes_the_metric(self):
        self.job(manifest(normalised=True) + ", indexes = { { 'v', method = 'hnsw' } }")
        self.lugger('run', 'job.lua', '--create')
        self.assertIn('vector_ip_ops', self.database.query("select pg_get_indexdef('docs_v_idx'::regclass)"))

    def test_a_role_that_does_not_own_the_table(self):
        self.database.query('create table docs (id text primary key, v vector(3)); create role loader login; '
                            'grant all on docs to loader; grant create on database "%s" to loader'
                            % self.database.name)
        self.env['PG'] = self.server.url(self.database.name, 'loader')
        self.job(manifest())
        self.assertIn('its owner can run: COMMENT ON COLUMN "docs"."v"', self.lugger('plan', 'job.lua').err)
        self.assertEqual(self.lugger('run', 'job.lua').books()['inserted'], 20)
        self.assertEqual(self.comment(), '')

    def test_one_for_each_column(self):
        columns = ("{ 'id', 'text', from = '_id' }, { 'v', 'vector(3)' }, { 'h', 'halfvec(3)', from = 'v' }, "
                   "{ 'b', 'bit(2)', value = '01' }")
        self.job("manifest = { model = 'all', h = { model = 'h', metric = 'l2' }, b = { model = 'bits' } }",
                 columns=columns)
        self.lugger('run', 'job.lua', '--create')
        self.assertEqual(self.kept(), {'model': 'all', 'dimensions': 3})
        self.assertEqual(self.kept(self.database, 3), {'model': 'h', 'metric': 'l2', 'dimensions': 3})
        self.assertEqual(self.kept(self.database, 4)['model'], 'bits')

    def test_what_is_no_manifest(self):
        for words, said in (("{ modle = 'x' }", 'did you mean model'),
                            ("{ metric = 'ip' }", "metric = 'dot'"),
                            ("{ id = { model = 'x' } }", 'id is no column of vectors'),
                            ("{ dimensions = 0 }", 'dimensions'), ("'small'", 'manifest')):
            self.job(f'manifest = {words}')
            self.assertIn(said, self.lugger('plan', 'job.lua', '--create', expect=1).err)
        self.job("manifest = { model = 'x' }", columns="{ 'id', 'text', from = '_id' }")
        self.assertIn('no column of vectors', self.lugger('plan', 'job.lua', '--create', expect=1).err)
        self.documents([{'id': 1}])
        (self.directory / 'docs.jsonl.manifest').write_text('{"v": ')
        self.job()
        self.assertIn('docs.jsonl.manifest', self.lugger('plan', 'job.lua', '--create', expect=1).err)

    def test_lines_written_anew_keep_no_older_one(self):
        out = dict(target="'out.jsonl', { key = 'id' }", name='out')
        self.job(manifest(), **out)
        self.lugger('run', 'out.lua')
        self.job(**out)
        self.lugger('run', 'out.lua', '--again', '--restart')
        self.assertFalse((self.directory / 'out.jsonl.manifest').exists())


class OfWeaviate(Case):
    def setUp(self):
        super().setUp()
        self.weaviate = live_weaviate()
        self.addCleanup(self.weaviate.stop)
        self.env['WEAVIATE_URL'] = self.weaviate.url
        self.client = self.weaviate.client()

    def into(self, extra, name='into', url='lugger.env.WEAVIATE_URL'):
        self.job(extra, target=f"{url}, {{ table = 'Docs', key = 'id', on_conflict = 'update' }}",
                 columns="{ 'id', 'uuid', generate = 'v5' }, { 'v', 'vector(3)' }", name=name)

    def test_a_class_keeps_it_in_its_description(self):
        self.into(manifest())
        self.lugger('run', 'into.lua', '--create')
        found = self.client.ask('GET', '/schema/Docs')
        self.assertEqual(json.loads(found['description'].removeprefix('lugger manifest: ')), {'v': MODEL})
        self.assertEqual(found['vectorConfig']['v']['vectorIndexConfig']['distance'], 'dot')
        self.lugger('verify', 'into.lua')
        decided = json.loads(self.lugger('vector', 'decide', '--from', self.weaviate.url + '/Docs#v', '--to',
                                         json.dumps(MODEL), '--json').out)
        self.assertEqual((decided['decision'], decided['from']['documents']), ('copy', 20))
        self.job(source="lugger.env.WEAVIATE_URL .. '/Docs'", name='out',
                 columns="{ 'id', 'uuid', from = '_id' }, { 'v', 'vector(3)', from = 'vectors.v' }")
        self.lugger('run', 'out.lua', '--create')
        self.assertEqual(self.kept(), MODEL)
        self.into(manifest(model='ada-002'))
        self.assertIn('those in the target have model "small-3"',
                      self.lugger('run', 'into.lua', expect=1).err)
        self.into(manifest(model='ada-002', on_mismatch='warn'))
        self.lugger('run', 'into.lua', '--again')
        found = self.client.ask('GET', '/schema/Docs')
        self.assertIn('ada-002', found['description'])
        self.assertEqual(found['vectorConfig']['v']['vectorIndexConfig']['distance'], 'dot')

    def test_a_class_that_holds_other_dimensions(self):
        self.into('')
        self.lugger('run', 'into.lua', '--create')
        self.into('')
        text = (self.directory / 'into.lua').read_text()
        (self.directory / 'into.lua').write_text(text.replace('vector(3)', 'vector(2)'))
        self.documents([{'_id': 'd1', 'v': [1, 2]}])
        for command in ('plan', 'run'):
            self.assertIn('v is vector(2), and the vectors of Docs have 3 dimensions',
                          self.lugger(command, 'into.lua', expect=1).err)

    def test_the_metric_of_a_class_is_that_of_its_index(self):
        self.into('')
        self.lugger('run', 'into.lua', '--create')
        self.into(manifest())
        self.assertIn('those in the target have metric "cosine" and not "dot"',
                      self.lugger('plan', 'into.lua', expect=1).err)


if __name__ == '__main__':
    harness.main()
