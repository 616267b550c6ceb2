"""What scripts reach for, in hooks, tasks and the sandbox: regular expressions, text, digests, CSV, files."""
import hashlib
import hmac
import unittest

import harness
from jobs import Work
from postgres import Postgres

HOOK = """local lugger = require 'lugger'
local phone = lugger.regex([[^(?<country>\\+\\d\\d)[ -]?(?<rest>\\d+)$]])
local text = lugger.text
local sha = lugger.sha256
local countries = {}
for row in lugger.csv.rows 'countries.csv' do countries[row.code] = row.name end
return lugger.copy {
  from = lugger.source 'docs.json', into = lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id' }),
  columns = { { 'id', 'int4', from = '_id' }, { 'name', 'text' }, { 'country', 'text' },
    { 'hash', 'text' }, { 'raw', 'bytea' }, { 'slug', 'text' } },
  unmapped = 'ignore', on_hook_error = 'reject',
  map = function(row, doc)
    row.slug = lugger.regex('[^a-z]+'):gsub(text.lower(row.name), '-')
    local found = phone:groups(doc.phone)
    if found then row.country = countries[found.country] end
    row.hash = lugger.hmac_sha256('key', sha(row.name))
    row.raw = lugger.binary(lugger.base64.decode(lugger.base64.encode(row.name)))
    for part in lugger.csv.parse(doc.tags, { header = false }) do row.name = row.name .. '|' .. part[1] end
  end,
}
"""


class Text(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def work(self, script, documents):
        work = Work(self.server.fresh(), text=script, source='docs.json')
        work.source.write_text('\n'.join(documents) + '\n', 'utf-8')
        (work.directory / 'countries.csv').write_text('code,name\n+49,"Germany, DE"\n', 'utf-8')
        return work

    def test_in_hooks(self):
        documents = [f'{{"_id":{i},"name":"Ärger {i}","phone":"+49 123","tags":"\\"a,b\\",c"}}'
                     for i in range(300)]
        documents.append('{"_id":900,"name":"B","phone":7,"tags":""}')
        documents.append('{"_id":901,"name":"B","phone":null,"tags":""}')
        digest = hashlib.sha256('Ärger 7'.encode()).hexdigest()
        wanted = hmac.new(b'key', digest.encode(), 'sha256').hexdigest()
        for flags in (('-j', '1'), ('-j', '2'), ('--sandbox',)):
            with self.subTest(flags):
                work = self.work(HOOK, documents)
                result = work.run('--create', *flags, expect=3)
                self.assertEqual((result.books()['inserted'], result.books()['rejected']), (301, 1), result)
                self.assertEqual(work.database.query("select name, country, hash, convert_from(raw, 'utf8'), "
                                                     "slug from docs where id = 7"),
                                 f'Ärger 7|a,b|Germany, DE|{wanted}|Ärger 7|-rger-')
                self.assertIn('regex:groups takes text, not null', work.database.query(
                    'select message from lugger.rejects'))

    def test_a_pattern_that_hangs_rejects_its_document(self):
        script = """local lugger = require 'lugger'
local slow = lugger.regex '^(a+)+$'
return lugger.copy {
  from = lugger.source 'docs.json', into = lugger.target(lugger.env.PG_URI, { table = 'docs' }),
  columns = { { 'id', 'int4', from = '_id' }, { 'name', 'text' } }, on_hook_error = 'reject',
  map = function(row) if slow:test(row.name) then row.name = 'a' end end }
"""
        work = self.work(script, ['{"_id":1,"name":"aaaa"}', '{"_id":2,"name":"%sb"}' % ('a' * 60)])
        result = work.run('--create', expect=3)
        self.assertEqual((result.books()['inserted'], result.books()['rejected']), (1, 1), result)
        self.assertIn('tried too many ways', work.database.query('select message from lugger.rejects'))

    def test_in_a_task(self):
        script = """local lugger = require 'lugger'
local re = lugger.regex '^B'
return lugger.task('t', function(task)
  local cursor = task:cursor(lugger.source 'docs.json')
  local out = task:writer(lugger.target(lugger.env.PG_URI, { table = 'docs', key = 'id' }),
    { columns = { { 'id', 'int4' }, { 'name', 'text' } } })
  for batch in cursor:batches() do
    for doc in batch:docs() do
      if re:test(doc.name) then out:add { id = doc._id, name = lugger.text.upper(doc.name) }
      else out:reject(doc, 'not B') end
    end
    out:commit(batch:position())
  end
end)
"""
        work = self.work(script, ['{"_id":1,"name":"Bär"}', '{"_id":2,"name":"C"}'])
        work.run('--create', expect=3)
        self.assertEqual(work.database.query('select name from docs'), 'BÄR')

    def test_in_a_sandbox(self):
        work = self.work("""local lugger = require 'lugger'
local first, path = lugger.lines 'docs.json'(), lugger.glob '*.json'[1]
print(lugger.has 'write_file', #lugger.read_file 'docs.json', first, path)
for _, open in ipairs { lugger.read_file, lugger.lines, lugger.csv.rows, lugger.glob } do
  for _, path in ipairs { '/etc/passwd', '../docs.json', '/proc/self/environ', 'link/passwd' } do
    local ok, err = pcall(open, path)
    assert(not ok and tostring(err):find 'the sandbox has no place', tostring(err))
  end
end
for _, pattern in ipairs { '/etc/*', '../*', 'link/*', '/*' } do
  local ok, err = pcall(lugger.glob, pattern)
  assert(not ok and tostring(err):find 'the sandbox has no place', tostring(err))
end
print 'refused'
""", ['x'])
        (work.directory / 'link').symlink_to('/etc')
        self.assertEqual(work.run('--sandbox').out.split('\n'), ['false\t2\tx\tdocs.json', 'refused', ''])


if __name__ == '__main__':
    harness.main()
