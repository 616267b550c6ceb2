"""What classes of Weaviate have beside properties and one vector: tenants that are off, references,
aliases, objects that expire, many vectors an object."""
import signal
import time
import unittest

import harness
from weaviate_case import INTO, OUT, Case, document, floats, object_id


class Tenants(Case):
    def states(self):
        return {one['name']: one['activityStatus'] for one in self.client.get('/schema/Docs/tenants')}

    def set_state(self, name, state):
        self.client.ask('PUT', '/schema/Docs/tenants', [{'name': name, 'activityStatus': state}])

    def load(self, tenant, count, more='', **options):
        self.documents(document(i) for i in range(1, count + 1))
        (self.cwd / 'into.lua').write_text(
            INTO.replace("index = 'flat'", f"index = 'flat', tenant = '{tenant}'{more}"), encoding='utf-8')
        return self.run_lugger('run', 'into.lua', '--create', '--restart', **options)

    def both(self):
        self.load('acme', 20)
        self.load('beta', 7)
        self.set_state('beta', 'COLD')
        self.assertEqual(self.states(), {'acme': 'HOT', 'beta': 'COLD'})
        (self.cwd / 'out.lua').write_text(
            OUT.replace("{ 'doc', 'text' }", "{ 'doc', 'text' }, { 'tenant', 'text' }"), encoding='utf-8')

    def test_a_tenant_that_is_off_is_read_and_off_again(self):
        self.both()
        planned = self.run_lugger('plan', 'out.lua')
        self.assertIn('1 tenants of Docs are off: beta', planned.out + planned.err)
        self.assertEqual(self.states()['beta'], 'COLD')
        self.run_lugger('run', 'out.lua')
        tenants = [line['tenant'] for line in self.lines()]
        self.assertEqual((tenants.count('acme'), tenants.count('beta')), (20, 7))
        self.assertEqual(self.states(), {'acme': 'HOT', 'beta': 'COLD'})

    def test_tenants_that_are_off_are_left_out_or_refused_when_asked_for(self):
        self.both()
        out = (self.cwd / 'out.lua').read_text(encoding='utf-8')
        for policy in ('skip', 'error'):
            (self.cwd / f'{policy}.lua').write_text(
                out.replace("collection = 'docs'", f"collection = 'docs', inactive = '{policy}'"),
                encoding='utf-8')
        refused = self.run_lugger('run', 'error.lua', expect=1)
        self.assertIn('are not active', refused.err)
        self.run_lugger('run', 'skip.lua')
        self.assertEqual({line['tenant'] for line in self.lines()}, {'acme'})
        self.assertEqual(self.states()['beta'], 'COLD')

    def test_a_tenant_that_is_off_is_loaded_and_off_again(self):
        self.both()
        self.assertIn("on_conflict = 'update'", repr(self.load('beta', 30, expect=1)))
        self.assertIn('is off', repr(self.load('beta', 30, ", on_conflict = 'update'")))
        self.assertEqual(self.states()['beta'], 'COLD')
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        self.assertEqual(self.states()['beta'], 'COLD')
        self.set_state('beta', 'HOT')
        self.assertEqual(len(self.client.all('Docs', 'beta')), 30)

    def begin(self):
        """A load into beta that is under way."""
        self.both()
        documents = [document(i) for i in range(2500)]
        for one in documents:
            one['title'] += 'x' * 3000
        self.documents(documents)
        (self.cwd / 'into.lua').write_text(
            INTO.replace("index = 'flat'", "index = 'flat', tenant = 'beta', on_conflict = 'update'"),
            encoding='utf-8')
        process = harness.start('run', 'into.lua', '--restart', '-j', '1', cwd=self.cwd,
                                env=self.env)
        end = time.monotonic() + 60
        while self.states()['beta'] != 'HOT' and time.monotonic() < end:
            time.sleep(0.01)
        return process

    def test_it_is_off_again_behind_a_run_that_is_stopped(self):
        process = self.begin()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.states()['beta'], 'COLD')

    def test_it_is_off_again_behind_the_run_that_follows_a_kill(self):
        process = self.begin()
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertEqual(self.states()['beta'], 'HOT')
        told = self.run_lugger('plan', 'out.lua')
        self.assertIn('turned on by a run that was killed: beta', told.out + told.err)
        self.assertEqual(self.states()['beta'], 'HOT')
        self.run_lugger('run', 'into.lua', '-j', '1')
        self.assertEqual(self.states(), {'acme': 'HOT', 'beta': 'COLD'})


class References(Case):
    INTO = '''
local lugger = require 'lugger'
return lugger.copy { name = 'papers', from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL, { table = 'Papers', key = 'id' }),
  columns = { { 'id', 'uuid', from = '_id' }, { 'title', 'text' }, { 'author', 'uuid' },
    { 'cites', 'uuid[]' }, { 'about', 'text[]' }, { 'v', 'vector(2)' } } }
'''
    OUT = '''
local lugger = require 'lugger'
return lugger.copy { from = lugger.source(lugger.env.WEAVIATE_URL .. '/Papers'),
  into = lugger.target('out.jsonl', { key = 'id' }),
  columns = { { 'id', 'uuid', from = '_id' }, { 'author', 'uuid[]' }, { 'cites', 'uuid[]' },
    { 'about', 'text[]' }, { 'v', 'vector(2)', from = 'vectors.v' } } }
'''

    def setUp(self):
        super().setUp()
        self.client.make({'class': 'People', 'vectorizer': 'none', 'properties': []})
        self.client.make({'class': 'Papers', 'properties': [{'name': 'title', 'dataType': ['text']}],
                          'vectorConfig': {'v': {'vectorizer': {'none': {}}, 'vectorIndexType': 'flat'}}})
        for name, to in (('author', ['People']), ('cites', ['Papers']), ('about', ['People', 'Papers'])):
            self.client.ask('POST', '/schema/Papers/properties', {'name': name, 'dataType': to})
        self.people = [object_id(f'person {i}') for i in range(5)]
        self.client.add([{'class': 'People', 'id': one} for one in self.people])
        self.papers = [object_id(f'paper {i}') for i in range(200)]

    def paper(self, i):
        out = {'_id': {'$uuid': self.papers[i]}, 'title': f'paper {i}', 'v': [i, 1]}
        if i % 3:
            out['author'] = {'$uuid': self.people[i % 5]}
            out['cites'] = [{'$uuid': self.papers[-i]}, {'$uuid': self.papers[i - 1]}]
            out['about'] = [f'weaviate://localhost/People/{self.people[0]}',
                            f'weaviate://localhost/Papers/{self.papers[5]}'][:i % 3]
        return out

    def test_references_are_written_when_all_objects_are_there(self):
        self.documents(self.paper(i) for i in range(200))
        (self.cwd / 'papers.lua').write_text(self.INTO, encoding='utf-8')
        (self.cwd / 'out.lua').write_text(self.OUT, encoding='utf-8')
        planned = self.run_lugger('plan', 'papers.lua')
        self.assertIn('in a second pass', planned.out + planned.err)
        self.assertEqual(self.run_lugger('run', 'papers.lua').books()['inserted'], 200)
        stored = self.client.all('Papers')
        self.assertEqual([one['beacon'] for one in stored[self.papers[7]]['properties']['cites']],
                         [f'weaviate://localhost/Papers/{self.papers[i]}' for i in (-7, 6)])
        self.assertNotIn('cites', stored[self.papers[6]]['properties'])
        self.assertIn('equal', repr(self.run_lugger('verify', 'papers.lua')))
        self.run_lugger('run', 'out.lua')
        found = {line['id']: line for line in self.lines()}
        for i in range(200):
            line, one = found[self.papers[i]], self.paper(i)
            author = one.get('author')
            self.assertEqual(line.get('author'), author and [author['$uuid']])
            self.assertEqual(line.get('cites'), one.get('cites') and [to['$uuid'] for to in one['cites']])
            self.assertEqual(line.get('about'), one.get('about'))

    def test_a_reference_to_nobody_is_told(self):
        papers = [self.paper(i) for i in range(20)]
        papers[4]['cites'] = [{'$uuid': object_id('nobody')}]
        for one in papers:
            if one.get('cites') and one is not papers[4]:
                one['cites'] = [{'$uuid': self.papers[0]}]
        self.documents(papers)
        (self.cwd / 'papers.lua').write_text(self.INTO, encoding='utf-8')
        ran = self.run_lugger('run', 'papers.lua')
        self.assertIn('1 objects of Papers stand without their references', ran.out + ran.err)
        self.assertIn(self.papers[4], self.run_lugger('verify', 'papers.lua', expect=4).out)


class Others(Case):
    def test_an_alias_leads_to_its_class(self):
        self.documents(document(i) for i in range(1, 20))
        self.run_lugger('run', 'into.lua', '--create')
        self.client.ask('POST', '/aliases', {'alias': 'Texts', 'class': 'Docs'})
        (self.cwd / 'into.lua').write_text(
            INTO.replace("'Docs'", "'texts'").replace("key = 'doc'", "key = 'doc', on_conflict = 'update'"),
            encoding='utf-8')
        planned = self.run_lugger('plan', 'into.lua')
        self.assertIn('Texts is an alias: what is loaded goes into the class Docs', planned.out + planned.err)
        self.assertEqual(self.run_lugger('run', 'into.lua', '--restart').books()['updated'], 19)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        for place in ("collection = 'texts'", None):
            out = OUT.replace("collection = 'docs'", place) if place else OUT.replace(
                ", { collection = 'docs' }", " .. '/Texts'")
            (self.cwd / 'out.lua').write_text(out, encoding='utf-8')
            told = self.run_lugger('run', 'out.lua', '--restart')
            self.assertIn('Texts is an alias', told.out + told.err)
            self.assertEqual(len(self.lines()), 19)

    def test_objects_that_expire_are_told(self):
        self.documents(document(i) for i in range(1, 4))
        self.client.make({'class': 'Docs', 'vectorizer': 'none', 'properties': [
            {'name': 'doc', 'dataType': ['text']}], 'invertedIndexConfig': {'indexTimestamps': True},
            'objectTtlConfig': {'enabled': True, 'deleteOn': '_creationTimeUnix', 'defaultTtl': 3600}})
        (self.cwd / 'into.lua').write_text(
            INTO.split('columns')[0] + "columns = { { 'doc', 'text', from = '_id' } } }", encoding='utf-8')
        (self.cwd / 'out.lua').write_text(
            OUT.split('columns')[0] + "columns = { { 'doc', 'text' } } }", encoding='utf-8')
        for script in ('into.lua', 'out.lua'):
            planned = self.run_lugger('plan', script)
            self.assertIn('delete themselves', planned.out + planned.err)

    def test_many_vectors_of_an_object(self):
        rows = [{'_id': f'd{i}', 'many': [[i, -0.0, 1e-45], [0.1, 3.4e38, -1]][:1 + i % 2],
                 'halves': [[0.5, i]]} for i in range(1, 60)]
        rows[9].pop('many')
        rows.append({'_id': 'none', 'many': []})
        self.documents(rows)
        columns = "{ { 'doc', 'text'%s }, { 'many', 'vector(3)[]'%s }, { 'halves', 'halfvec(2)[]'%s } } }"
        (self.cwd / 'into.lua').write_text(
            INTO.split('columns')[0] + 'columns = ' + columns % (", from = '_id'", '', ''), encoding='utf-8')
        (self.cwd / 'out.lua').write_text(OUT.split('columns')[0] + 'columns = ' + columns % (
            '', ", from = 'vectors.many'", ", from = 'vectors.halves'"), encoding='utf-8')
        self.assertIn('have an hnsw index', repr(self.run_lugger('plan', 'into.lua', '--create')))
        ran = self.run_lugger('run', 'into.lua', '--create', expect=3)
        self.assertEqual((ran.books()['inserted'], ran.books()['rejected']), (59, 1))
        stored = self.client.all('Docs')
        self.assertEqual([floats(one) for one in stored[object_id('d1')]['vectors']['many']],
                         [floats(one) for one in rows[0]['many']])
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua', expect=(0, 3))))
        self.run_lugger('run', 'out.lua')
        self.assertEqual(len(self.lines()), 59)
        self.assertIn('equal', repr(self.run_lugger('verify', 'out.lua')))

    def job(self, columns):
        (self.cwd / 'into.lua').write_text(INTO.split('columns')[0].replace(
            "'docs.jsonl')", "'docs.jsonl', { style = 'plain' })") + f"columns = {{ {columns} }} }}",
            encoding='utf-8')

    def test_what_the_class_cannot_hold_is_replaced_as_on_error_says(self):
        self.job('''{ 'doc', 'text', from = '_id' }, { 'i', 'int8', on_error = 'null' },
            { 'd', 'timestamptz', on_error = 'default', default = '2000-01-01T00:00:00Z' },
            { 't', 'text[]', on_error = 'null' }, { 'm', 'vector(3)[]', on_error = 'null' },
            { 'k', 'int8' }''')
        good = {'i': 5, 'd': '2026-01-02T03:04:05Z', 't': ['a'], 'm': [[1, 2, 3]], 'k': 1}
        odd = [{'i': 2**53 + 1}, {'d': '12026-01-02T03:04:05Z'}, {'d': 'infinity'}, {'t': ['a', None]},
               {'m': []}, {'m': [[1, 2]]}, {'k': 2**53 + 1}]
        self.documents([{'_id': f'd{i}', **good, **one} for i, one in enumerate([{}, *odd])])
        ran = self.run_lugger('run', 'into.lua', '--create', expect=3)
        self.assertEqual((ran.books()['inserted'], ran.books()['rejected']), (7, 1))
        told = ran.out + ran.err
        for column in ('i: 1 values', 'd: 2 values', 't: 1 values', 'm: 2 values'):
            self.assertIn(f'.{column} could not be read and were replaced', told)
        stored = self.client.all('Docs')
        self.assertIsNone(stored[object_id('d1')]['properties'].get('i'))
        for key in ('d2', 'd3'):
            self.assertEqual(stored[object_id(key)]['properties']['d'][:10], '2000-01-01')
        self.assertIsNone(stored[object_id('d4')]['properties'].get('t'))
        for key in ('d5', 'd6'):
            self.assertFalse(stored[object_id(key)].get('vectors', {}).get('m'))
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua', expect=(0, 3))))

    def test_a_vector_of_another_length_is_replaced_and_no_difference(self):
        self.job("{ 'doc', 'text', from = '_id' }, { 'v', 'vector', on_error = 'null' }")
        self.documents([{'_id': f'd{i}', 'v': [1] * (2 if i == 3 else 3)} for i in range(6)])
        ran = self.run_lugger('run', 'into.lua', '--create', '-j', '1')
        self.assertIn('Docs.v: 1 values could not be read', ran.out + ran.err)
        self.assertFalse(self.client.all('Docs')[object_id('d3')].get('vectors', {}).get('v'))
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))

    def test_rows_of_one_key_end_the_run_or_count_as_updated(self):
        columns = "{ 'doc', 'text', from = '_id' }, { 'n', 'int4' }"
        self.documents([{'_id': key, 'n': n} for n, key in enumerate('aaba')])
        self.job(columns)
        self.assertIn('the key of document a came before',
                      self.run_lugger('run', 'into.lua', '--create', expect=1).err)
        self.assertEqual(self.client.all('Docs'), {})
        script = (self.cwd / 'into.lua').read_text(encoding='utf-8')
        (self.cwd / 'into.lua').write_text(
            script.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'"), encoding='utf-8')
        books = self.run_lugger('run', 'into.lua', '--restart').books()
        self.assertEqual((books['inserted'], books['updated']), (2, 2))
        self.assertEqual(self.client.all('Docs')[object_id('a')]['properties']['n'], 3)

    def test_what_the_class_cannot_hold_is_a_reject_that_says_why(self):
        self.job('''{ 'doc', 'text', from = '_id' }, { 'd', 'timestamptz' }, { 't', 'text[]' },
            { 'b', 'bytea' }, { 'm', 'vector(3)[]' }, { 's', 'vector(3)', on_error = 'reject' }''')
        odd = [{'d': '12026-01-02T03:04:05Z'}, {'t': ['a', None]}, {'b': '\\x'}, {'m': []},
               {'s': [1, 2]}]
        self.documents([{'_id': f'd{i}', **one} for i, one in enumerate([{'b': '\\x00'}, *odd])])
        ran = self.run_lugger('run', 'into.lua', '--create', expect=3)
        self.assertEqual((ran.books()['inserted'], ran.books()['rejected']), (1, 5))
        told = self.run_lugger('rejects', 'into.lua').out
        for words in ("12026-01-02T03:04:05Z is outside the years 0 to 9999",
                      '{a,NULL} has a NULL in it',
                      'bytes that are none, and Weaviate takes no empty blob', '{} has no vector',
                      'does not have the dimensions of vector(3): it has 2'):
            self.assertIn(words, ' '.join(told.split()))

    def test_elements_have_the_dimensions_of_their_column(self):
        self.job("{ 'doc', 'text', from = '_id' }, { 'm', 'vector(3)[]' }")
        self.documents([{'_id': 'short', 'm': [[1, 2]]}, {'_id': 'good', 'm': [[1, 2, 3]]},
                        {'_id': 'mixed', 'm': [[1, 2, 3], [1, 2, 3, 4]]}])
        ran = self.run_lugger('run', 'into.lua', '--create', expect=3)
        self.assertEqual((ran.books()['inserted'], ran.books()['rejected']), (1, 2))
        self.assertIn('wrong_dimensions', repr(self.run_lugger('rejects', 'into.lua')))
        self.assertEqual(list(self.client.all('Docs')), [object_id('good')])

    def test_a_numeric_that_is_no_number_is_equal(self):
        self.job("{ 'doc', 'text', from = '_id' }, { 'p', 'numeric(6,2)', non_finite = 'keep' }, "
                 "{ 'q', 'numeric', non_finite = 'keep' }")
        self.documents([{'_id': 'a', 'p': 'NaN', 'q': '-Infinity'}, {'_id': 'b', 'p': '1.50', 'q': 'NaN'}])
        self.run_lugger('run', 'into.lua', '--create')
        self.assertEqual(self.client.all('Docs')[object_id('a')]['properties']['q'], '-Infinity')
        self.assertIn('equal, 2', repr(self.run_lugger('verify', 'into.lua')))


if __name__ == '__main__':
    unittest.main()
