"""Whoever reads a source sees the same documents; and what a source is known by."""
import gzip
import json
import os
import shutil
import unittest
from pathlib import Path

import archive
import bson
import harness
from harness import DATA, lua, lugger
from jobs import Work, dump, job
from postgres import Postgres

LOOK = '''
local lugger = require 'lugger'
local place, options = %s, %s
local function source() return lugger.source(place, options) end
local function to(name)
  local file = assert(io.open(name .. '.seen', 'w'))
  return function(doc) file:write(doc:json 'canonical', '\\n') end, function() file:close() end
end
local function all(name, cursor)
  local write, close = to(name)
  for batch in cursor:batches() do for doc in batch:docs() do write(doc) end end
  close()
end
all('cursor', source():cursor())
-- Gone on with behind every batch, as a script that was interrupted does.
local write, close = to 'seek'
local after
while true do
  local cursor = source():cursor { batch_rows = 7 }
  if after then cursor:seek(after) end
  local batch = cursor:next()
  if not batch then break end
  for doc in batch:docs() do write(doc) end
  after = cursor:position()
  cursor:close()
end
close()
write, close = to 'find'
for doc in source():find():docs() do write(doc) end
close()
write, close = to 'sorted'
for doc in source():find():sort({ _id = 1 }):docs() do write(doc) end
close()
local counts = assert(io.open('counts', 'w'))
counts:write(tostring(tonumber(source():describe().documents)), '\\n')
counts:write(tostring(tonumber(source():cursor():count())), '\\n')
counts:write(tostring(tonumber(source():find():count())), '\\n')
counts:close()
'''

WHOLE = ("columns = {{ {{ 'doc', 'jsonb', from = '*', json = 'canonical', nul = 'replace', "
         "utf8 = 'replace' }} }}")
RUN = '''
local lugger = require 'lugger'
return lugger.copy {{ from = lugger.source({place}, {options}), into = lugger.target('{out}'), {whole} }}
'''
TASK = '''
local lugger = require 'lugger'
return lugger.task('t', function(task)
  local cursor = task:cursor(lugger.source({place}, {options}), {{ batch_rows = 10 }})
  local out = task:writer(lugger.target('{out}'), {{ {whole} }})
  for batch in cursor:batches() do
    out:write(batch)
    out:commit(batch:position())
  end
end)
'''


class Seen(unittest.TestCase):
    """Every fixture, seen by everybody."""

    def fixtures(self):
        room = Path(harness.scratch())
        named, random = DATA / 'named', DATA / 'random'
        oplog = gzip.decompress((random / 'oplog.bson').read_bytes())
        yield 'plain dump', named / 'dump', 'shop.users', {}
        yield 'gzip dump', named / 'dump-gzip', 'shop.users', {}
        yield 'archive', named / 'shop.archive', 'shop.users', {}
        yield 'gzip archive', named / 'shop.archive.gz', 'shop.users', {}
        yield 'export', named / 'export/users.canonical.json', None, {}
        yield 'export, oplog beside', named / 'export/users.canonical.json', 'shop.users', {
            'oplog': str(named / 'oplog.bson')}
        yield 'oplog elsewhere', named / 'dump', 'shop.users', {'oplog': str(named / 'oplog.bson')}
        yield 'one file', named / 'dump/shop/users.bson', None, {}
        for path in sorted((DATA / 'mongo').iterdir()):
            if path.name != 'raw.bson':
                yield path.name, path, None, {}
        shutil.copytree(random / 'dump', room / 'dump')
        (room / 'dump/oplog.bson').write_bytes(oplog)
        parts = {}
        for name in ('alpha', 'beta'):
            parts[f'rnd.{name}'] = ((random / f'dump/rnd/{name}.bson').read_bytes(),
                                    (random / f'dump/rnd/{name}.metadata.json').read_text())
        parts['admin.system.version'] = (bson.encode({'_id': 'featureCompatibilityVersion'}), '{}')
        (room / 'rnd.archive').write_bytes(archive.archive(parts, oplog))
        (room / 'rnd.archive.gz').write_bytes(gzip.compress((room / 'rnd.archive').read_bytes()))
        for place in ('dump', 'dump/rnd', 'rnd.archive', 'rnd.archive.gz'):
            for name in ('rnd.alpha', 'rnd.beta'):
                yield f'{place} {name}', room / place, name, {}
        yield 'without its oplog', room / 'dump', 'rnd.alpha', {'oplog': False}
        yield from self.made(room)

    def made(self, room):
        """Collections that only an oplog fills, that it empties, capped ones, empty files."""
        made = room / 'made'
        folder = dump(made, 't',
                      {'a': [{'_id': i, 'x': i} for i in range(40)], 'empty': [],
                       'capped': [{'_id': i, 'pad': 'x' * 100} for i in range(30)]}) / 't'
        uuids = {name: bytes([i]) * 16 for i, name in enumerate(('a', 'empty', 'capped', 'new'), 1)}
        for name in ('a', 'empty', 'capped'):
            options = {'capped': True, 'size': 4096, 'max': 25} if name == 'capped' else {}
            (folder / f'{name}.metadata.json').write_text(json.dumps(
                {'options': options, 'indexes': [], 'uuid': uuids[name].hex(), 'collectionName': name}))
        entries = []

        def add(op, ns, o, o2=None):
            entry = {'ts': bson.Timestamp(1000 + len(entries), 1), 'op': op, 'ns': ns,
                     'ui': bson.Binary(uuids[ns.split('.')[1]], 4) if ns.split('.')[1] in uuids else None,
                     'o': o}
            entries.append({k: v for k, v in {**entry, 'o2': o2}.items() if v is not None})

        for i in range(35, 60):
            add('i', 't.a', {'_id': i, 'x': 'inserted'})
            add('i', 't.capped', {'_id': 100 + i, 'pad': 'y' * 100})
            add('i', 't.empty', {'_id': i})
        for i in range(0, 10):
            add('d', 't.a', {'_id': i})
            add('u', 't.a', {'_id': i + 10, 'x': 'replaced'}, {'_id': i + 10})
        entries.append({'ts': bson.Timestamp(2000, 1), 'op': 'c', 'ns': 't.$cmd',
                        'ui': bson.Binary(uuids['new'], 4), 'o': {'create': 'new'}})
        for i in range(12):
            add('i', 't.new', {'_id': i})
        bson.write(made / 'dump/oplog.bson', entries)
        for name, count in (('a', 50), ('empty', 25), ('capped', 25), ('new', 12)):
            yield f'made {name}', made / 'dump', f't.{name}', {'expected': count}

    def look(self, place, collection, options):
        room = Path(harness.scratch())
        expected = options.pop('expected', None)
        options = {**({'collection': collection} if collection else {}), **options}
        words = {'place': lua(str(place)), 'options': lua(options),
                 'whole': WHOLE.replace('{{', '{').replace('}}', '}')}
        (room / 'look.lua').write_text(LOOK % (words['place'], words['options']))
        lugger('--lua', 'look.lua', cwd=room)
        for name, text, flags in (('run', RUN, ('-j', 1)), ('run4', RUN, ('-j', 4)), ('task', TASK, ())):
            (room / f'{name}.lua').write_text(text.format(**words, out=f'{name}.jsonl'))
            lugger('run', f'{name}.lua', *flags, cwd=room)
            if (room / f'{name}.jsonl').exists():
                documents = [json.dumps(json.loads(line)['doc'])
                             for line in (room / f'{name}.jsonl').read_text().splitlines()]
                (room / f'{name}.seen').write_text('\n'.join(documents))
            else:
                (room / f'{name}.seen').write_text('')
        seen = {path.stem: sorted(json.dumps(json.loads(line)).replace('\\u0000', '\\ufffd')
                                  for line in path.read_text().splitlines()) for path in room.glob('*.seen')}
        counts = dict(zip(('describe', 'count', 'find count'),
                          map(int, (room / 'counts').read_text().split())))
        counts['preview'] = lugger('preview', 'run.lua', '-n', 100000, cwd=room).out
        oplog = options.get('oplog')
        words = ['--oplog',
                 oplog if isinstance(oplog, str) else 'yes' if oplog else 'no'] if oplog is not None else []
        taken = json.loads(lugger('describe', place, *(('-c', collection) if collection else ()), *words,
                                  '--full', '--no-trial', '--json', cwd=room).out)
        counts['census'] = int(taken['collections'][0]['documents'])
        return seen, counts, expected

    def test_a4_everybody_sees_the_same_documents(self):
        for name, place, collection, options in self.fixtures():
            with self.subTest(name):
                seen, counts, expected = self.look(place, collection, dict(options))
                documents = seen.pop('run')
                if expected is not None:
                    self.assertEqual(len(documents), expected)
                for seer, found in seen.items():
                    self.assertEqual(found, documents, f'{seer} of {name}')
                for seer in ('describe', 'count', 'find count', 'census'):
                    self.assertEqual(counts[seer], len(documents), f'{seer} of {name}')

    def test_a4_a_task_over_the_shop_with_its_oplog(self):
        work = Work(Postgres().fresh())
        shutil.copytree(harness.ROOT / 'examples/shop/dump', work.directory / 'dump')
        shutil.copy(harness.ROOT / 'examples/shop/oplog.bson', work.directory / 'dump/oplog.bson')
        text = ("local lugger = require 'lugger'\nlocal source = "
                "lugger.source('dump', { collection = 'shop.orders' })\n"
                "print(tonumber(source:cursor():count()))")
        (work.directory / 'count.lua').write_text(text)
        count = int(lugger('--lua', 'count.lua', cwd=work.directory).out)
        work.script((harness.ROOT / 'examples/task.lua').read_text().replace("'shop/dump'", "'dump'"),
                    name='task.lua')
        result = work.lugger('run', 'task.lua', '--create', expect=None)
        self.assertEqual(result.books()['read'], count)
        work.script(job("{ 'status', 'text' }", source='dump', collection='shop.orders'))
        self.assertEqual(work.run('--create', expect=None).books()['read'], count)
        work.lugger('verify', 'job.lua')


class Doubled(unittest.TestCase):
    """One collection in two files."""

    def room(self):
        room = Path(harness.scratch())
        folder = dump(room, 'shop', {'users': [{'_id': 1}], 'plain': [{'_id': 2}]}) / 'shop'
        (folder / 'users.bson.gz').write_bytes(gzip.compress(bson.encode({'_id': 9})))
        return room

    def test_a22_it_is_refused_wherever_it_is_read(self):
        room = self.room()
        for place in ('dump', 'dump/shop'):
            text = (f"local lugger = require 'lugger'\nreturn lugger.copy {{ "
                    f"from = lugger.source({lua(place)}, {{ collection = 'users' }}), "
                    f"into = lugger.target('o.jsonl'), columns = 'document' }}")
            (room / 'job.lua').write_text(text)
            for words in (('run', 'job.lua'), ('plan', 'job.lua'), ('preview', 'job.lua'),
                          ('describe', place, '-c', 'users'), ('describe', place, '-c', 'users', '--full')):
                with self.subTest((place, words)):
                    result = lugger(*words, cwd=room, expect=None)
                    self.assertNotEqual(result.status, 0)
                    self.assertRegex(result.err,
                                     r'shop\.users lies there 2 times: \S*users\.bson, \S*users\.bson\.gz')
        self.assertIn('shop.plain', lugger('describe', 'dump', '-c', 'plain', cwd=room).out)

    def test_a22_a_look_at_the_place_tells(self):
        result = lugger('describe', 'dump', cwd=self.room())
        self.assertIn('shop.users lies there 2 times', result.out + result.err)

    def test_a22_a_file_that_is_named_is_read_and_the_other_told(self):
        result = lugger('describe', 'dump/shop/users.bson.gz', '--json', cwd=self.room())
        self.assertEqual(json.loads(result.out)['documents'], 1)
        self.assertIn('users.bson lies beside', result.out + result.err)

    def test_a22_an_oplog_twice(self):
        room = self.room()
        os.remove(room / 'dump/shop/users.bson.gz')
        for name, opener in (('oplog.bson', open), ('oplog.bson.gz', gzip.open)):
            with opener(room / 'dump' / name, 'wb') as file:
                file.write(bson.encode({'ts': bson.Timestamp(1, 1), 'op': 'n', 'ns': '', 'o': {}}))
        result = lugger('describe', 'dump', '-c', 'users', cwd=room, expect=None)
        self.assertNotEqual(result.status, 0)
        self.assertIn('the oplog lies there twice', result.err)
        lugger('describe', 'dump', '-c', 'users', '--oplog', 'no', cwd=room)


class Identity(unittest.TestCase):
    """A run goes on only over the data that it began with."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postgres()

    def stopped(self, place, collection, files):
        """A run that was interrupted in the middle: its ledger says so, and half of it is there."""
        work = Work(self.server.fresh(), text=job("{ 'n', 'int4' }", source=place, collection=collection))
        work.run('--create', '--limit', 300)
        work.database.query("update lugger.runs set status = 'stopped'; "
                            "update lugger.partitions set done = false")
        return work

    def places(self):
        documents = [{'_id': i, 'n': i, 'pad': 'x' * 1000} for i in range(2000)]
        for kind in ('file', 'directory', 'gzip', 'archive', 'export', 'oplog'):
            room = Path(harness.scratch())
            place = dump(room, 'shop', {'docs': documents})
            file = place / 'shop/docs.bson'
            data = file.read_bytes()
            if kind == 'file':
                place = file
            elif kind == 'gzip':
                place = file = room / 'docs.bson.gz'
                file.write_bytes(gzip.compress(data, 0))
            elif kind == 'archive':
                place = file = room / 'shop.archive'
                file.write_bytes(archive.archive({'shop.docs': (data, '{}')}))
            elif kind == 'export':
                place = file = room / 'docs.json'
                file.write_text(''.join(json.dumps(d) + '\n' for d in documents))
            elif kind == 'oplog':
                file = place / 'oplog.bson'
                bson.write(file,
                           [{'ts': bson.Timestamp(1000 + i, 1), 'op': 'i', 'ns': 'shop.docs',
                             'o': {'_id': 5000 + i, 'n': i}} for i in range(3000)])
            yield kind, place, file

    def test_a26_replaced_by_a_file_of_the_same_size_and_time(self):
        for kind, place, file in self.places():
            with self.subTest(kind):
                work = self.stopped(place, None if kind in ('file', 'gzip', 'export') else 'shop.docs', file)
                stat, data = os.stat(file), file.read_bytes()
                at = data.rfind(b'\x01', 0,
                                len(data) // 2) if kind == 'oplog' else data.find(b'xxxx', len(data) // 2)
                other = data[:at] + (
                    b'\x02' if kind == 'oplog' else b'yyyy') + data[at + (1 if kind == 'oplog' else 4):]
                replacement = file.with_name('replacement')
                replacement.write_bytes(other)
                os.utime(replacement, ns=(stat.st_atime_ns, stat.st_mtime_ns))
                os.replace(replacement, file)
                result = work.run(expect=1)
                self.assertIn('unfinished run', result.err)
                self.assertIn('--restart', result.err)

    def test_a26_changed_at_its_end(self):
        for kind, place, file in self.places():
            with self.subTest(kind):
                work = self.stopped(place, None if kind in ('file', 'gzip', 'export') else 'shop.docs', file)
                stat, data = os.stat(file), bytearray(file.read_bytes())
                data[-5 if kind == 'oplog' else -9] ^= 1
                with open(file, 'r+b') as out:
                    out.write(data)
                os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
                self.assertIn('the source has changed since it began',
                              work.run('--accept-changes', expect=1).err)

    def test_a26_copied_or_touched(self):
        for kind, place, file in self.places():
            with self.subTest(kind):
                work = self.stopped(place, None if kind in ('file', 'gzip', 'export') else 'shop.docs', file)
                os.utime(file)
                result = work.run(expect=1)
                self.assertIn('copied, moved, touched', result.err)
                self.assertIn('--accept-changes', result.err)
                work.run('--accept-changes')
                expected = 5000 if kind == 'oplog' else 2000
                self.assertEqual(work.database.number('select count(*) from docs'), expected)

    def test_a26_untouched_goes_on_without_a_question(self):
        for kind, place, file in self.places():
            with self.subTest(kind):
                work = self.stopped(place, None if kind in ('file', 'gzip', 'export') else 'shop.docs', file)
                work.run()
                self.assertEqual(work.database.number('select count(*) from docs'),
                                 5000 if kind == 'oplog' else 2000)


if __name__ == '__main__':
    harness.main()
