"""Runs into a Weaviate that one before must not be taken for: other tenants and classes, and objects of
others."""
import json
import re
import signal
import time
import unittest
import uuid

import harness
from weaviate_case import INTO, OUT, Case, document, object_id

TENANT = INTO.replace("index = 'flat'", "index = 'flat', tenant = lugger.env.TEN")


class Tenants(Case):
    def load(self, tenant, *arguments, command='run', **options):
        return self.run_lugger(command, 'into.lua', *arguments, env={'TEN': tenant}, **options)

    def test_another_tenant_was_not_loaded_before(self):
        self.documents(document(i) for i in range(1, 40))
        (self.cwd / 'into.lua').write_text(TENANT, encoding='utf-8')
        self.load('y1', '--create')
        self.client.ask('POST', '/schema/Docs/tenants', [{'name': 'acme'}])
        self.client.add([{'class': 'Docs', 'id': str(uuid.uuid4()), 'tenant': 'acme', 'properties': {},
                          'vectors': {'embedding': [1] * 8, 'small': [1, 2]}}])
        refused = self.load('acme', expect=1)
        self.assertIn('holds objects', refused.err)
        again = self.load('y1')
        self.assertIn('loaded before', again.out + again.err)
        self.assertIn('nothing was loaded again', again.out + again.err)
        for words in ("'skip'", 'rows/s'):
            self.assertNotIn(words, again.out + again.err)
        self.load('y2')
        for tenant, count in (('y1', 39), ('y2', 39), ('acme', 1)):
            self.assertEqual(len(self.client.all('Docs', tenant)), count)

    def test_a_tenant_goes_on_with_its_own_run(self):
        documents = [document(i) for i in range(2500)]
        for one in documents:
            one['title'] += 'x' * 3000
        documents[3]['n'] = {'$numberLong': str(2 ** 53 + 1)}
        self.documents(documents)
        (self.cwd / 'into.lua').write_text(TENANT, encoding='utf-8')
        process = harness.start('run', 'into.lua', '--create', '-j', '1', cwd=self.cwd,
                                env={'WEAVIATE_URL': self.server.url, 'TEN': 'acme'})
        end = time.monotonic() + 60
        while not self.counted('acme') and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertLess(self.counted('acme'), 2499)
        for tenant in ('y1', 'y2', 'acme'):
            ran = self.load(tenant, '-j', '1', expect=3)
            self.assertEqual(len(self.client.all('Docs', tenant)), 2499, ran)
            self.assertEqual('resumed' in ran.out + ran.err, tenant == 'acme', ran)
            told = self.load(tenant, command='rejects').out
            self.assertEqual(told.count('2^53'), 1, told)

    def counted(self, tenant):
        try:
            return len(self.client.all('Docs', tenant))
        except OSError:
            return 0

    def test_the_plan_says_so_of_a_tenant_that_a_kill_left_on(self):
        documents = [document(i) for i in range(2500)]
        for one in documents:
            one['title'] += 'x' * 3000
        self.documents(documents[:3])
        update = TENANT.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'")
        (self.cwd / 'into.lua').write_text(update, encoding='utf-8')
        self.load('beta', '--create')
        self.client.ask('PUT', '/schema/Docs/tenants', [{'name': 'beta', 'activityStatus': 'COLD'}])
        self.documents(documents)
        process = harness.start('run', 'into.lua', '-j', '1', cwd=self.cwd,
                                env={'WEAVIATE_URL': self.server.url, 'TEN': 'beta'})
        end = time.monotonic() + 60
        while not self.counted('beta') and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        planned = self.load('beta', command='plan')
        self.assertIn('the tenant beta was turned on by a run that was killed', planned.out + planned.err)
        self.load('beta', '-j', '1')
        planned = self.load('beta', command='plan')
        self.assertIn('the tenant beta is off', planned.out + planned.err)


class Classes(Case):
    def test_another_class_and_an_alias_that_is_turned(self):
        self.documents(document(i) for i in range(1, 20))
        (self.cwd / 'into.lua').write_text(INTO.replace("'Docs'", 'lugger.env.CLASS'), encoding='utf-8')

        def load(name, *arguments, **options):
            return self.run_lugger('run', 'into.lua', *arguments, env={'CLASS': name}, **options)
        for name in ('First', 'Second'):
            load(name, '--create')
            self.assertEqual(len(self.client.all(name)), 19)
        self.client.ask('POST', '/aliases', {'alias': 'Now', 'class': 'Second'})
        self.assertIn('loaded before', repr(load('Now')))
        second = self.client.get('/schema/Second')
        copy = {name: second[name] for name in ('properties', 'vectorConfig')}
        self.client.make({'class': 'Third', **copy})
        self.client.ask('PUT', '/aliases/Now', {'class': 'Third'})
        self.assertNotIn('loaded before', repr(load('now')))
        self.assertEqual(len(self.client.all('Third')), 19)

    def test_plan_refuses_what_the_run_refuses(self):
        self.documents(document(i) for i in range(1, 20))
        self.run_lugger('run', 'into.lua', '--create')
        self.assertNotIn('holds objects', self.run_lugger('plan', 'into.lua').err)  # it was all loaded
        self.documents(document(i) for i in range(1, 30))
        planned = self.run_lugger('plan', 'into.lua', expect=1)
        self.assertIn('the class Docs holds objects', planned.out + planned.err)
        self.assertIn('the class Docs holds objects', self.run_lugger('run', 'into.lua', expect=1).err)
        update = INTO.replace("key = 'doc'", "key = 'doc', on_conflict = 'update'")
        (self.cwd / 'into.lua').write_text(update, encoding='utf-8')
        self.assertIn('replace', self.run_lugger('plan', 'into.lua').out)


class Foreign(Case):
    def test_objects_of_others_with_the_same_key_are_extra(self):
        self.documents(document(i) for i in range(1, 50))
        self.run_lugger('run', 'into.lua', '--create')
        stored = self.client.all('Docs')
        kept = ('class', 'properties', 'vectors')
        foreign = [str(uuid.uuid5(uuid.NAMESPACE_URL, f'{i}')) for i in range(20)]
        for i, one in enumerate(foreign):
            copy = {name: stored[object_id(document(1 + i % 15)['_id'])][name] for name in kept}
            copy = json.loads(json.dumps(copy))
            if i % 2:
                copy['vectors']['embedding'][0] += 1
            self.client.add([{**copy, 'id': one}])
        for workers in ('1', '2', '4', '2'):
            found = self.run_lugger('verify', 'into.lua', '-j', workers, expect=4)
            text = found.out + found.err
            self.assertRegex(text, r'20 extra|extra +20|extra: 20', text)
            self.assertNotRegex(text, r'[1-9]\d* (missing|different)', text)
            self.assertIn(f'(id {foreign[0]})', text)
        self.run_lugger('repair', 'into.lua', '--apply', '--delete-extra', '--delete-many')
        self.assertEqual(set(self.client.all('Docs')), set(stored))
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))

    def test_keys_that_are_numbers_too(self):
        self.documents(document(i) for i in range(1, 10))
        (self.cwd / 'into.lua').write_text(INTO.replace("key = 'doc'", "key = 'n'"), encoding='utf-8')
        self.run_lugger('run', 'into.lua', '--create')
        one = next(iter(self.client.all('Docs').values()))
        other = str(uuid.uuid4())
        copy = {name: one[name] for name in ('class', 'properties', 'vectors')}
        self.client.add([{**copy, 'id': other}])
        for _ in range(3):
            found = self.run_lugger('verify', 'into.lua', expect=4)
            self.assertIn(f'(id {other})', found.out)
        self.run_lugger('repair', 'into.lua', '--apply', '--delete-extra')
        self.assertIn('equal', repr(self.run_lugger('verify', 'into.lua')))


class Json(Case):
    def test_json_in_a_text_comes_back_as_json_when_decoded(self):
        self.documents([document(1), {**document(2), 'meta': None}])
        self.run_lugger('run', 'into.lua', '--create')
        decodes = "map = function(row, doc) row.meta = doc.meta and lugger.json.decode(doc.meta) end }"
        (self.cwd / 'out.lua').write_text(OUT.rstrip()[:-1] + decodes, encoding='utf-8')
        self.run_lugger('run', 'out.lua')
        found = {line['doc']: line for line in self.lines()}
        self.assertEqual(found['d1']['meta'], document(1)['meta'])
        self.assertIsNone(found['d2'].get('meta'))


class Queries(Case):
    def test_a_query_that_is_near_to_nothing_is_refused(self):
        self.documents(document(i) for i in range(1, 10))
        self.run_lugger('run', 'into.lua', '--create')
        (self.cwd / 'ask.lua').write_text('''
local lugger = require 'lugger'
for _, from in ipairs {
  lugger.source(lugger.env.WEAVIATE_URL, { collection = 'Docs' }), lugger.source 'docs.jsonl' } do
  local function tell(query, more)
    local options = { column = 'embedding' }
    for name, value in pairs(more or {}) do options[name] = value end
    local fine, words = pcall(from.search, from, query, options)
    print(fine, words)
  end
  tell { 0 / 0, 1, 1, 1, 1, 1, 1, 1 }
  tell { 1, 1, 1, 1 / 0, 1, 1, 1, 1 }
  tell { 0, 0, 0, 0, 0, 0, 0, 0 }
  tell { 1, 0, 0, 0, 0, 0, 0, 0 }
end
''', encoding='utf-8')
        told = self.run_lugger('ask.lua')
        for words in ('element 1 of the query is NaN', 'element 4 of the query is inf',
                      'a zero vector has no cosine'):
            self.assertEqual(told.out.count(words), 2, told.out)
        self.assertEqual(len(re.findall('(?m)^true', told.out)), 2, told.out)


if __name__ == '__main__':
    unittest.main()
