"""Weaviate as target and source: JSON lines in, the same out, every value and vector compared; kills and
refusals on the way."""
import contextlib
import datetime
import json
import random
import signal
import sqlite3
import time
import unittest
import uuid

import harness
from fixes import until
from weaviate import live_weaviate
from weaviate_case import INTO, ODD, OUT, Case, document, floats, object_id, vector_of


class RoundTrip(Case):
    def test_there_and_back(self):
        documents = [document(i) for i in range(300)]
        self.documents(documents)
        ran = self.run_lugger('run', 'into.lua', '--create')
        self.assertEqual(ran.books()['inserted'], 300)
        stored = self.client.all('Docs')
        self.assertEqual(len(stored), 300)
        odd = stored[object_id('doc "0"\n\u00e9')]
        self.assertEqual(floats(odd['vectors']['embedding']), floats(ODD))
        self.assertEqual(odd['properties']['tags'], ['t0', '', 'a"b'])
        verified = self.run_lugger('verify', 'into.lua')
        self.assertIn('equal', verified.out + verified.err)
        self.run_lugger('run', 'out.lua')
        found = {line['doc']: line for line in self.lines()}
        self.assertEqual(len(found), 300)
        for one in documents:
            line = found[one['_id']]
            self.assertEqual(line['id'], object_id(one['_id']))
            self.assertEqual(floats(line['embedding']), floats(one['embedding']), one['_id'])
            self.assertEqual(json.loads(line['meta']), one['meta'])
            for name in ('title', 'n', 'price', 'good', 'tags'):
                self.assertEqual(line[name], one[name], name)
            self.assertEqual(line['ref'], one['ref']['$uuid'])
            self.assertEqual(line['raw'], '\\x0001ff')

    def test_differences_are_found_by_key(self):
        self.documents(document(i) for i in range(1, 40))
        self.run_lugger('run', 'into.lua', '--create')
        stored = self.client.all('Docs')
        changed = stored[object_id('d5')]
        changed['vectors']['embedding'][3] += 0.25
        extra = {**stored[object_id('d6')], 'id': str(uuid.uuid4())}
        extra['properties'] = {**extra['properties'], 'doc': 'nobody'}
        kept = ('class', 'id', 'properties', 'vectors')
        self.client.add([{name: one[name] for name in kept} for one in (changed, extra)])
        self.client.ask('DELETE', f"/objects/Docs/{object_id('d8')}")
        found = self.run_lugger('verify', 'into.lua', expect=4)
        text = found.out + found.err
        for word in ('d5', 'embedding', 'd8', 'nobody'):
            self.assertIn(word, text)
        self.run_lugger('repair', 'into.lua', '--apply', '--delete-extra')
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        self.assertEqual(len(self.client.all('Docs')), 39)

    def test_recall(self):
        random.seed(3)
        self.documents({'_id': f'd{i}', 'tag': 'ab'[i % 2],
                        'embedding': [random.gauss(0, 1) for _ in range(8)]} for i in range(400))
        (self.cwd / 'queries.jsonl').write_text(''.join(json.dumps(
            {'vector': [random.gauss(0, 1) for _ in range(8)], 'filter': {'tag': 'b'}}) + '\n'
            for _ in range(5)), encoding='utf-8')
        for distance in ('cosine', 'dot', 'l2-squared'):
            (self.cwd / 'into.lua').write_text(INTO.split('columns')[0].replace(
                "table = 'Docs'", f"table = 'Docs{distance[:2]}', distance = '{distance}'") + '''
  columns = { { 'doc', 'text', from = '_id' }, { 'tag', 'text' }, { 'embedding', 'vector(8)' } },
}''', encoding='utf-8')
            self.run_lugger('run', 'into.lua', '--create', '--restart')
            for extra in ((), ('--recall-queries', 'queries.jsonl')):
                told = self.run_lugger('verify', 'into.lua', '--recall', *extra)
                self.assertRegex(told.out, r'target +1\.000 +1\.000', told)
                self.assertIn('index of embedding (flat)', told.out)

    def test_class_with_one_vector_without_a_name(self):
        self.client.make({'class': 'Docs', 'vectorizer': 'none', 'vectorIndexType': 'flat', 'properties': [
            {'name': 'title', 'dataType': ['text']}]})
        self.documents(document(i) for i in range(20))
        (self.cwd / 'legacy.lua').write_text('''
local lugger = require 'lugger'
local columns = { { 'id', 'uuid', from = 'ref' }, { 'title', 'text' }, { 'embedding', 'vector' } }
return lugger.copy { name = 'legacy', from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL .. '/Docs', { key = 'id' }), columns = columns }
''', encoding='utf-8')
        self.run_lugger('run', 'legacy.lua')
        stored = self.client.all('Docs')
        self.assertEqual(set(stored), {str(uuid.UUID(int=i * 7919)) for i in range(20)})
        self.assertEqual(floats(stored[str(uuid.UUID(int=7919))]['vector']), floats(vector_of(1)))
        self.assertIn('equal', repr(self.run_lugger('verify', 'legacy.lua')))
        (self.cwd / 'out2.lua').write_text('''
local lugger = require 'lugger'
return lugger.copy { from = lugger.source(lugger.env.WEAVIATE_URL .. '/Docs'),
  into = lugger.target 'out.jsonl',
  columns = { { 'id', 'uuid', from = '_id' }, { 'title', 'text' },
    { 'embedding', 'vector', from = 'vector' } } }
''', encoding='utf-8')
        self.run_lugger('run', 'out2.lua')
        back = {line['id']: line for line in self.lines()}
        self.assertEqual(floats(back[str(uuid.UUID(int=7919))]['embedding']), floats(vector_of(1)))


class Refusals(Case):
    def test_a_refused_object_takes_nobody_along(self):
        documents = [document(i) for i in range(1, 60)]
        documents[30]['n'] = {'$numberLong': str(2 ** 53 + 1)}
        documents[40].pop('_id')
        self.documents(documents)
        ran = self.run_lugger('run', 'into.lua', '--create', expect=3)
        books = ran.books()
        self.assertEqual((books['read'], books['inserted'], books['rejected']), (59, 57, 2))
        self.assertEqual(len(self.client.all('Docs')), 57)
        self.assertIn('is beyond 2^53', self.run_lugger('rejects', 'into.lua').out)

    def test_vectors_of_another_length_are_rejects(self):
        self.client.make({'class': 'Docs', 'properties': [{'name': 'doc', 'dataType': ['text']}],
                          'vectorConfig': {'embedding': {'vectorizer': {'none': {}},
                                                         'vectorIndexType': 'hnsw'}}})
        documents = [{'_id': f'd{i}', 'embedding': [1, 2, i]} for i in range(50)]
        documents[33]['embedding'] = [1, 2]
        self.documents(documents)
        (self.cwd / 'into.lua').write_text(INTO.replace("index = 'flat'", '').split('columns')[0] + '''
  columns = { { 'doc', 'text', from = '_id' }, { 'embedding', 'vector' } },
}''', encoding='utf-8')
        ran = self.run_lugger('run', 'into.lua', '-j', '1', expect=3)
        self.assertEqual(ran.books()['rejected'], 1)
        self.assertEqual(len(self.client.all('Docs')), 49)
        told = self.run_lugger('rejects', 'into.lua')
        self.assertIn('a vector of 2 dimensions, and the others of Docs have 3', told.out + told.err)
        self.assertIn('d33', told.out + told.err)
        verified = self.run_lugger('verify', 'into.lua')
        self.assertIn('equal but for 1 rejected document', verified.out + verified.err)

    def test_what_stands_is_not_lost_to_a_vector_of_another_length(self):
        (self.cwd / 'into.lua').write_text(INTO.split('columns')[0].replace(
            "index = 'flat'", "on_conflict = 'update'") + """
  columns = { { 'doc', 'text', from = '_id' }, { 'embedding', 'vector' } },
}""", encoding='utf-8')
        good = [{'_id': f'd{i}', 'embedding': [1, 2, i]} for i in range(30)]
        self.documents([*good, {'_id': 'd3', 'embedding': [1, 2]}])
        self.run_lugger('run', 'into.lua', '--create', '-j', '2', expect=3)
        self.documents([{'_id': one['_id'], 'embedding': [1, 2, 3, 4]} for one in good])
        ran = self.run_lugger('run', 'into.lua', '--restart', expect=3)
        self.assertEqual(ran.books()['rejected'], 30)
        self.assertIn('a vector of 4 dimensions, and the others of Docs have 3',
                      repr(self.run_lugger('rejects', 'into.lua')))
        stored = self.client.all('Docs')
        self.assertEqual({key: one['vectors']['embedding'] for key, one in stored.items()},
                         {object_id(one['_id']): one['embedding'] for one in good})

    def test_a_state_that_cannot_be_read_before_one_that_can(self):
        """As a reject that is tried again it would take the place of the later one."""
        self.documents([document(1), {**document(2), 'n': 'x'}, {**document(2), 'n': 7}])
        (self.cwd / 'into.lua').write_text(INTO.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'"),
                                           encoding='utf-8')
        books = self.run_lugger('run', 'into.lua', '--create').books()
        self.assertEqual((books['skipped'], books['rejected']), (1, 0))
        self.assertEqual(self.client.all('Docs')[object_id('d2')]['properties']['n'], 7)

    def test_a_class_that_holds_objects_is_not_written_over_unasked(self):
        self.documents(document(i) for i in range(1, 10))
        self.run_lugger('run', 'into.lua', '--create')
        self.documents(document(i) for i in range(5, 20))
        refused = self.run_lugger('run', 'into.lua', '--restart', expect=1)
        self.assertIn("on_conflict = 'update'", refused.err)
        update = INTO.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'")
        (self.cwd / 'into.lua').write_text(update, encoding='utf-8')
        self.assertEqual(self.run_lugger('run', 'into.lua', '--restart').books()['updated'], 15)
        self.assertEqual(len(self.client.all('Docs')), 19)

    def test_a_missing_class_is_made_when_asked_for(self):
        self.documents([document(1)])
        self.assertIn('add --create', self.run_lugger('run', 'into.lua', expect=1).err)
        self.assertEqual(self.client.get('/schema')['classes'], [])

    def test_plan_says_what_weaviate_cannot_hold(self):
        self.documents([document(1)])
        (self.cwd / 'bad.lua').write_text('''
local lugger = require 'lugger'
return lugger.copy { from = lugger.source('docs.jsonl'),
  into = lugger.target(lugger.env.WEAVIATE_URL, { table = 'Docs', key = 'n' }),
  columns = { { 'id', 'text', from = '_id' }, { 'bad name', 'text', from = 'title' },
    { 'sparse', 'sparsevec(8)', from = 'embedding' }, { 'price', 'numeric' }, { 'n', 'int8' } },
  children = { { table = 'tags', from = 'tags[]', columns = { { 'tag', 'text', from = '.' } } } },
}''', encoding='utf-8')
        planned = self.run_lugger('plan', 'bad.lua', expect=(0, 1))
        text = planned.out + planned.err
        for words in ("no property can be called id", 'bad name', 'sparse vector', 'numeric is kept as text',
                      '2^53', 'child rows'):
            self.assertIn(words, text)
        for column, said in (('title', "vector = 'title': the column is text, and no vector"),
                             ('nobody', "vector = 'nobody' is no column")):
            (self.cwd / 'bad.lua').write_text(INTO.replace("index = 'flat'", f"vector = '{column}'"),
                                              encoding='utf-8')
            self.assertIn(said, self.run_lugger('plan', 'bad.lua', '--create', expect=1).err)
        (self.cwd / 'bad.lua').write_text(INTO.replace("key = 'doc', ", ''), encoding='utf-8')
        self.assertIn("key = '...'", repr(self.run_lugger('plan', 'bad.lua', expect=(0, 1))))


class Places(Case):
    def test_a_key_is_sent_and_never_shown(self):
        self.server.stop()
        self.server = live_weaviate(key='s3cr3t-key')
        self.addCleanup(self.server.stop)
        self.client = self.server.client()
        self.documents([document(1)])
        refused = self.run_lugger('run', 'into.lua', '--create', expect=1)
        self.assertIn('none was given', refused.err)
        wrong = self.run_lugger('run', 'into.lua', '--create', env={'WEAVIATE_API_KEY': 'wr0ng'}, expect=1)
        self.assertNotIn('wr0ng', wrong.out + wrong.err)
        ran = self.run_lugger('run', 'into.lua', '--create', env={'WEAVIATE_API_KEY': 's3cr3t-key'})
        url = self.server.url.replace('://', '://:s3cr3t-key@')
        planned = self.run_lugger('plan', 'into.lua', env={'WEAVIATE_URL': url})
        for one in (ran, planned):
            self.assertNotIn('s3cr3t', one.out + one.err)
        self.assertEqual(len(self.client.all('Docs')), 1)

    def test_tenants(self):
        self.documents(document(i) for i in range(1, 30))
        (self.cwd / 'into.lua').write_text(INTO.replace("index = 'flat'", "index = 'flat', tenant = 'acme'"),
                                           encoding='utf-8')
        self.run_lugger('run', 'into.lua', '--create')
        self.assertEqual(len(self.client.all('Docs', 'acme')), 29)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        self.client.ask('POST', '/schema/Docs/tenants', [{'name': 'beta'}])
        self.client.add([{'class': 'Docs', 'id': str(uuid.uuid4()), 'tenant': 'beta', 'properties': {
            'doc': 'b'}, 'vectors': {'embedding': [1] * 8, 'small': [1, 2]}}])
        both = OUT.replace("{ 'doc', 'text' }", "{ 'doc', 'text' }, { 'tenant', 'text' }")
        (self.cwd / 'out.lua').write_text(both, encoding='utf-8')
        self.run_lugger('run', 'out.lua')
        tenants = [line['tenant'] for line in self.lines()]
        self.assertEqual((tenants.count('acme'), tenants.count('beta')), (29, 1))

    def test_s1_06_each_tenant_has_its_total(self):
        self.client.make({'class': 'Docs', 'multiTenancyConfig': {'enabled': True}, 'vectorConfig': {
            'v': {'vectorizer': {'none': {}}, 'vectorIndexType': 'flat'}}})
        self.client.ask('POST', '/schema/Docs/tenants',
                        [{'name': 'acme'}, {'name': 'beta'}, {'name': 'none'}])
        self.client.add([{'class': 'Docs', 'id': str(uuid.uuid4()), 'tenant': 'acme' if i < 7 else 'beta',
                          'properties': {}, 'vectors': {'v': [1, i]}} for i in range(8)])
        told = self.run_lugger('describe', f'{self.server.url}/Docs')
        for total in ('tenant acme: 7 objects', 'tenant beta: 1 object', 'tenant none: 0 objects'):
            self.assertIn(total, told.out + told.err)
        self.assertIn('8 documents', told.out)

    def test_s1_09_tenant_vectors_and_times_are_kept(self):
        self.client.make({'class': 'Docs', 'multiTenancyConfig': {'enabled': True}, 'vectorConfig': {
            name: {'vectorizer': {'none': {}}, 'vectorIndexType': 'flat'} for name in ('v', 'w')},
            'properties': [{'name': 'created', 'dataType': ['text']}]})
        self.client.ask('POST', '/schema/Docs/tenants', [{'name': 'acme'}])
        begun = time.time()
        self.client.add([{'class': 'Docs', 'id': str(uuid.uuid4()), 'tenant': 'acme',
                          'properties': {'created': 'its own'}, 'vectors': {'v': [1, 2], 'w': [3]}}])
        (self.cwd / 'out.lua').write_text('''
local lugger = require 'lugger'
return lugger.copy {
  from = lugger.source(lugger.env.WEAVIATE_URL, { collection = 'Docs', timestamps = true }),
  into = lugger.target('out.jsonl', { key = 'id' }), columns = { { 'id', 'uuid', from = '_id' },
    { 'created', 'text' }, { 'made', 'timestamptz', from = '_created' }, { 'updated', 'timestamptz' },
    { 'tenant', 'text' }, { 'v', 'vector(2)', from = 'vectors.v' }, { 'w', 'vector', from = 'vectors.w' } } }
''', encoding='utf-8')
        self.run_lugger('run', 'out.lua')
        (line,) = self.lines()
        self.assertEqual((line['created'], line['tenant'], line['v'], line['w']),
                         ('its own', 'acme', [1, 2], [3]))
        for name in ('made', 'updated'):
            made = datetime.datetime.fromisoformat(line[name].replace(' ', 'T').replace('Z', '+00:00'))
            self.assertLess(abs(made.timestamp() - begun), 60)
        self.assertIn('equal', repr(self.run_lugger('verify', 'out.lua')))

    def test_columns_have_the_types_of_vectors(self):
        documents = [{**document(i), 'default': [i, 2.5], 'many': [[1, i], [3, 4]]} for i in range(1, 5)]
        self.documents(documents)
        (self.cwd / 'into.lua').write_text(INTO.replace(
            "{ 'small', 'halfvec(2)' }", "{ 'small', 'halfvec(2)' }, { 'many', 'vector(2)[]' }"),
                                           encoding='utf-8')
        self.run_lugger('run', 'into.lua', '--create')
        (self.cwd / 'out.lua').write_text('''
local lugger = require 'lugger'
local from = lugger.source(lugger.env.WEAVIATE_URL, { collection = 'Docs' })
local columns = from:columns()
for _, column in ipairs(columns) do
  if column[2]:find '^vector' then print(column[1], column[2], column.from) end
end
return lugger.copy { from = from, into = lugger.target('out.jsonl'), columns = columns }
''', encoding='utf-8')
        told = self.run_lugger('run', 'out.lua').out
        self.assertEqual(sorted(told.split('\n')[:3]), [
            'embedding\tvector(8)\tvectors.embedding', 'many\tvector(2)[]\tvectors.many',
            'small\tvector(2)\tvectors.small'])
        found = {line['doc']: line for line in self.lines()}
        self.assertEqual(floats(found['d3']['embedding']), floats(vector_of(3)))
        self.assertIn('vector(8)', self.run_lugger('describe', f'{self.server.url}/Docs').out)

    def test_describe_and_find(self):
        self.documents(document(i) for i in range(1, 5))
        self.run_lugger('run', 'into.lua', '--create')
        told = self.run_lugger('describe', f'{self.server.url}/Docs')
        self.assertIn('title', told.out + told.err)
        missing = self.run_lugger('describe', f'{self.server.url}/Docss', expect=1)
        self.assertIn('has no collection "Docss"', missing.err)
        self.assertIn('did you mean Docs? it has', missing.err)


class Kills(Case):
    def test_kill_and_resume(self):
        count = 3000
        documents = [document(i) for i in range(count)]
        for one in documents:
            one['title'] += 'x' * 3000
        self.documents(documents)
        for attempt in range(3):
            process = harness.start('run', 'into.lua', '--create', '-j', '1', cwd=self.cwd,
                                    env=self.env)
            time.sleep(1.0 + attempt)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.run_lugger('run', 'into.lua', '--create', '-j', '1')
        self.assertEqual(len(self.client.all('Docs')), count)
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))
        for _ in range(2):
            process = harness.start('run', 'out.lua', cwd=self.cwd, env=self.env)
            time.sleep(0.7)
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.run_lugger('run', 'out.lua')
        self.assertEqual(sorted(line['doc'] for line in self.lines()),
                         sorted(one['_id'] for one in documents))


    def killed(self, job, enough):
        process = harness.start('run', job, '--create', '-j', '1', cwd=self.cwd, env=self.env)
        until(enough, "units of the run")
        process.send_signal(signal.SIGKILL)
        process.wait()

    def make_anew(self):
        definition = self.client.get('/schema/Docs')
        self.client.ask('DELETE', '/schema/Docs')
        self.client.make(definition)

    def test_a_class_that_was_made_anew_is_not_gone_on_with(self):
        documents = [document(i) for i in range(9000)]
        for one in documents:
            one['title'] += 'x' * 2000
        self.documents(documents)
        ledger = self.cwd / '.lugger/state.sqlite'

        def units_of(job):
            with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(ledger)) as state:
                return state.execute('SELECT 1 FROM runs JOIN partitions USING (run) WHERE job = ? '
                                     "AND inserted > 0 AND status = 'running'", (job,)).fetchone()
            return None
        self.killed('into.lua', lambda: units_of('into'))
        self.make_anew()
        refused = self.run_lugger('run', 'into.lua', '--create', expect=1)
        self.assertIn('the class Docs was made anew', refused.err)
        self.run_lugger('run', 'into.lua', '--create', '--restart')
        self.assertEqual(len(self.client.all('Docs')), 9000)
        self.killed('out.lua', lambda: units_of('out'))
        self.make_anew()
        refused = self.run_lugger('run', 'out.lua', expect=1)
        self.assertIn('the source has changed since it began', refused.err)


if __name__ == '__main__':
    unittest.main()
