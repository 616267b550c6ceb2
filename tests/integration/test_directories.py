"""Directories as they are found: what other programs leave in them, damaged metadata, exports; and pipes."""
import gzip
import json
import os
import threading
import unittest
from pathlib import Path

import bson
import harness
from harness import lua, lugger
from jobs import dump

INDEX = {'v': 2, 'key': {'_id': 1}, 'name': '_id_'}


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def metadata(name, **more):
    return json.dumps({'options': {}, 'indexes': [INDEX], 'collectionName': name, 'type': 'collection',
                       **more})


def copied(room, place, options, expect=0):
    """The documents a job reads; what it said."""
    text = ("local lugger = require 'lugger'\n"
            f"return lugger.copy {{ name = 'j', from = lugger.source({lua(str(place))}, {options}), "
            "into = lugger.target('out.jsonl'), columns = { { 'd', 'jsonb', from = '*' } } }")
    write(room / 'job.lua', text)
    result = lugger('run', 'job.lua', '--restart', cwd=room, expect=expect)
    return [json.loads(line)['d'] for line in (room / 'out.jsonl').read_text().splitlines()], result


class LeftBehind(unittest.TestCase):
    """macOS and others write files of their own beside a dump's."""

    def setUp(self):
        self.room = Path(harness.scratch())
        folder = dump(self.room, 'app', {'users': [{'_id': 1}, {'_id': 2}], 'orders': [{'_id': 3}]}) / 'app'
        write(folder / 'users.metadata.json', metadata('users'))
        apple = b'\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        '
        for path in ('app/._users.bson', 'app/._users.metadata.json', 'app/.DS_Store', '.DS_Store', '._app',
                     '__MACOSX/app/._users.bson', '__MACOSX/._app', 'app/Thumbs.db', '.git/config.bson'):
            write(self.room / 'dump' / path, apple)
        self.folder = folder

    def test_c10_they_are_passed_over(self):
        for place in ('dump', 'dump/app'):
            found = json.loads(lugger('describe', place, '--json', cwd=self.room).out)
            self.assertEqual([(item['database'], item['collection']) for item in found],
                             [('app', 'orders'), ('app', 'users')])
        self.assertEqual(len(copied(self.room, 'dump', "{ collection = 'app.users' }")[0]), 2)
        lugger('describe', 'dump', '--full', '--no-trial', cwd=self.room)
        lugger('scaffold', 'dump', '--out', 'out', cwd=self.room)
        self.assertEqual({path.name for path in (self.room / 'out').glob('*.lua')},
                         {'all.lua', 'users.lua', 'orders.lua'})

    def test_c10_damaged_metadata_costs_its_collection_the_indexes_alone(self):
        for text in ('', ' \n', '{"indexes": [', b'\xff\xfe\x00', '[1]', '5', '{"indexes": 5}',
                     '{"indexes": [5]}', '{"options": []}', '{"indexes": [{"key": 5, "name": "a"}]}',
                     gzip.compress(b'{}')[:12]):
            with self.subTest(text):
                write(self.folder / 'users.metadata.json', text)
                told = 'users.metadata.json'
                listed = lugger('describe', 'dump', cwd=self.room)
                self.assertIn(told, listed.out + listed.err)
                self.assertIn('app.orders', listed.out)
                for place, options in (('dump', "{ collection = 'app.users' }"),
                                       (self.folder / 'users.bson', '{}')):
                    read, result = copied(self.room, place, options)
                    self.assertEqual(len(read), 2)
                    self.assertIn(told, result.err)
                read, result = copied(self.room, 'dump', "{ collection = 'app.orders' }")
                self.assertEqual(len(read), 1)
                self.assertNotIn(told, result.err)
                self.assertIn(told, lugger('describe', 'dump', '--full', '--no-trial', cwd=self.room).err)
                lugger('describe', 'dump', '-c', 'users', cwd=self.room)
                self.assertIn('app.users', lugger('scaffold', 'dump', '--out', 'out', cwd=self.room).out)

    def test_c10_a_time_series_is_left_out_and_told(self):
        write(self.folder / 'weather.metadata.json',
              json.dumps({'options': {'timeseries': {'timeField': 't'}}, 'indexes': [], 'type': 'timeseries',
                          'collectionName': 'weather'}))
        bson.write(self.folder / 'system.buckets.weather.bson', [{'_id': 1, 'control': {}, 'data': {}}])
        for words in (('scaffold', 'dump', '--out', 'out'), ('describe', 'dump', '--full', '--no-trial')):
            result = lugger(*words, cwd=self.room)
            self.assertRegex(result.err, r'app\.weather: .*mongoexport')
            self.assertIn('app.users', result.out)
        self.assertIn('app.weather', (self.room / 'out/README.md').read_text())

    def test_c10_what_cannot_be_read_leaves_the_others_as_they_are(self):
        write(self.folder / 'broken.bson', b'\x10\x00\x00\x00nonsense that is no document')
        write(self.folder / 'gone.metadata.json', metadata('gone'))
        os.symlink('nowhere', self.folder / 'dangling.bson')
        result = lugger('scaffold', 'dump', '--out', 'out', cwd=self.room, expect=1)
        for name in ('users', 'orders'):
            self.assertTrue((self.room / f'out/{name}.lua').exists(), result)
        for name in ('gone', 'dangling'):
            self.assertRegex(result.err, rf'app\.{name}: left out')
        census = lugger('describe', 'dump', '--full', '--no-trial', '--json', cwd=self.room, expect=1)
        self.assertIn('users', census.out)
        self.assertIn('gone', [item['name'].split('.')[1] for item in json.loads(census.out)['passed']])
        self.assertNotIn('report this', result.err + census.err)


class Schemes(unittest.TestCase):
    """Names that look like something else."""

    def test_c9_a_path_that_is_there_is_a_path(self):
        room = Path(harness.scratch())
        for name in ('postgres', 'postgres_dump', 'postgresql:old', 'host=x', 'x dbname=y', 'dbname=y',
                     'x password=1', 'mongodb:x', 'a@b:5'):
            with self.subTest(name):
                write(room / name / 'shop/users.bson', bson.encode({'_id': 1}))
                write(room / name / 'shop/orders.bson', bson.encode({'_id': 1}))
                self.assertEqual(len(json.loads(lugger('describe', name, '--json', cwd=room).out)), 2)
                census = json.loads(lugger('describe', name, '--full', '--no-trial', '--json', cwd=room).out)
                self.assertEqual(len(census['collections']), 2)
                lugger('scaffold', name, '--out', 'out', '--into', 'out.jsonl', '--force', 'all.lua',
                       cwd=room)
                self.assertIn(lua(name).replace('"', "'"), (room / 'out/users.lua').read_text())
                self.assertEqual(len(copied(room, name, "{ collection = 'shop.users' }")[0]), 1)

    def test_c9_a_target_is_a_connection_string_only_as_libpq_reads_one(self):
        room = Path(harness.scratch())
        write(room / 'in.jsonl', '{"_id":1}\n')
        for name in ('out dbname=x.jsonl', 'dbname-x.jsonl', 'a.dbname=x.jsonl', 'out/dbname=x.jsonl',
                     'postgres.jsonl', './dbname=x.jsonl'):
            with self.subTest(name):
                (room / 'out').mkdir(exist_ok=True)
                write(room / 'job.lua',
                      "local lugger = require 'lugger'\n"
                      "return lugger.copy { name = 'j', from = lugger.source 'in.jsonl', "
                      f"into = lugger.target({lua(name)}), columns = {{ {{ 'd', 'jsonb', from = '*' }} }} }}")
                lugger('run', 'job.lua', '--restart', cwd=room)
                self.assertTrue((room / name).is_file())


class Exports(unittest.TestCase):
    """A directory of files of JSON documents and of CSV."""

    def setUp(self):
        self.room = Path(harness.scratch())
        write(self.room / 'ex/users.json', '{"_id":1,"name":"Ada"}\n{"_id":2}\n')
        write(self.room / 'ex/orders.json.gz', gzip.compress(b'{"_id":3,"qty":1}\n'))
        write(self.room / 'ex/events.jsonl', '{"_id":5}\n')
        write(self.room / 'ex/items.json', '[{"_id":6},\n{"_id":7}]\n')
        write(self.room / 'ex/notes.txt', 'not data')
        write(self.room / 'ex/._users.json', b'\x00\x05\x16\x07')

    def test_c11_a_collection_a_file(self):
        found = json.loads(lugger('describe', 'ex', '--json', cwd=self.room).out)
        self.assertEqual([item['collection'] for item in found], ['events', 'items', 'orders', 'users'])
        for name, ids in (('users', [1, 2]), ('orders', [3]), ('events', [5]), ('items', [6, 7])):
            read, _ = copied(self.room, 'ex', f"{{ collection = '{name}' }}")
            self.assertEqual([doc['_id'] for doc in read], ids)
        census = lugger('describe', 'ex', '--full', '--no-trial', '--json', cwd=self.room)
        self.assertEqual([item['documents'] for item in json.loads(census.out)['collections']], [1, 2, 1, 2])

    def test_c11_a_directory_and_its_files_give_the_same(self):
        lugger('scaffold', 'ex', '--out', 'whole', cwd=self.room)
        for file in ('users.json', 'orders.json.gz', 'events.jsonl', 'items.json'):
            lugger('scaffold', f'ex/{file}', '--out', 'single', cwd=self.room)
        for side in ('whole', 'single'):
            self.assertEqual({path.name for path in (self.room / side).glob('*.lua')},
                             {'all.lua', 'users.lua', 'orders.lua', 'events.lua', 'items.lua'})
            for name in ('schema.sql', 'README.md', 'all.lua'):
                text = (self.room / side / name).read_text()
                for collection in ('users', 'orders', 'events', 'items'):
                    self.assertIn(collection, text, (side, name))
        schema = [sorted((self.room / side / 'schema.sql').read_text().split('\n\n')[1:])
                  for side in ('whole', 'single')]
        self.assertEqual(*schema)

    def test_c11_directories_below_are_databases(self):
        write(self.room / 'all/shop/users.json', '{"_id":1}\n')
        write(self.room / 'all/crm/users.json', '{"_id":2}\n')
        found = json.loads(lugger('describe', 'all', '--json', cwd=self.room).out)
        self.assertEqual([(item['database'], item['collection']) for item in found],
                         [('crm', 'users'), ('shop', 'users')])
        self.assertEqual(copied(self.room, 'all', "{ collection = 'crm.users' }")[0], [{'_id': 2}])

    def test_c11_twice_the_same_is_refused(self):
        write(self.room / 'ex/users.jsonl', '{"_id":9}\n')
        result = lugger('describe', 'ex', '-c', 'users', cwd=self.room, expect=1)
        self.assertRegex(result.err, r'users lies there 2 times')

    def test_csv_files_are_collections_too(self):
        write(self.room / 'ex/customers.csv', 'id,email\n1,a@x\n2,\n')
        write(self.room / 'ex/rates.tsv.gz', gzip.compress(b'code\trate\nEUR\t1\n'))
        write(self.room / 'ex/shops.csv', 'id;name\n1;a\n')
        write(self.room / 'ex/crm/people.csv', 'id\n7\n')
        found = json.loads(lugger('describe', 'ex', '--json', cwd=self.room).out)
        self.assertEqual([(item['database'], item['collection']) for item in found],
                         [('', name) for name in ('customers', 'events', 'items', 'orders', 'rates', 'shops',
                                                  'users')] + [('crm', 'people')])
        for options, documents in (
                ("collection = 'customers'", [{'id': '1', 'email': 'a@x'}, {'id': '2', 'email': None}]),
                ("collection = 'customers', null = 'a@x'",
                 [{'id': '1', 'email': None}, {'id': '2', 'email': ''}]),
                ("collection = 'rates'", [{'code': 'EUR', 'rate': '1'}]),
                ("collection = 'shops', delimiter = ';'", [{'id': '1', 'name': 'a'}]),
                ("collection = 'shops', header = false, names = { 'x' }", [{'x': 'id;name'}, {'x': '1;a'}]),
                ("collection = 'crm.people'", [{'id': '7'}]),
                ("collection = 'users'", [{'_id': 1, 'name': 'Ada'}, {'_id': 2}])):
            with self.subTest(options):
                self.assertEqual(copied(self.room, 'ex', f'{{ {options} }}')[0], documents)
        result = lugger('-e', "source('ex', { collection = 'shops' }):describe()", cwd=self.room, expect=1)
        self.assertIn("say delimiter = ';'", result.err)
        listed = lugger('describe', 'ex', '-c', 'customers', cwd=self.room)
        self.assertIn('email', listed.out)
        self.assertIn('rates', lugger('-e', "source 'ex'", cwd=self.room).out)

    def test_options_of_csv_are_for_its_collections(self):
        write(self.room / 'ex/customers.csv', 'id;email\n1;a@x\n')
        refused = lugger('-e', "source('ex', { collection = 'users', delimiter = ';' }):describe()",
                         cwd=self.room, expect=1).err
        self.assertIn('delimiter is an option of CSV, and ex/users.json is none', refused)
        self.assertNotIn("format = 'csv'", refused)
        write(self.room / 'ex/users.csv', 'id\n1\n')
        self.assertIn('users lies there 2 times: ex/users.csv, ex/users.json',
                      lugger('describe', 'ex', '-c', 'users', cwd=self.room, expect=1).err)

    def test_a_scaffold_reads_csv_beside_json(self):
        write(self.room / 'ex/customers.csv', 'id,email\n1,a@x\n2,\n')
        write(self.room / 'ex/shops.csv', 'id;name\n1;a\n')
        result = lugger('scaffold', 'ex', '--out', 'out', cwd=self.room, expect=1)
        self.assertEqual({path.name for path in (self.room / 'out').glob('*.lua')},
                         {'all.lua', 'customers.lua', 'events.lua', 'items.lua', 'orders.lua', 'users.lua'})
        self.assertIn("say delimiter = ';'", result.out + result.err)

    def test_c11_json_beside_a_dump_is_told(self):
        dump(self.room, 'app', {'users': [{'_id': 1}], 'more': [{'_id': 1}]})
        write(self.room / 'dump/app/orders.json', '{"_id":1}')
        write(self.room / 'dump/app/rates.csv', 'id\n1\n')
        write(self.room / 'dump/prelude.json', '{}')
        result = lugger('describe', 'dump', cwd=self.room)
        self.assertIn('orders.json', result.out + result.err)
        self.assertIn('rates.csv', result.out + result.err)
        self.assertNotIn('prelude.json', result.out + result.err)
        self.assertNotIn('app.orders', result.out)


class Pipes(unittest.TestCase):
    """A FIFO is read as standard input is."""

    def through(self, data, *words, expect=0, room=None):
        room = room or Path(harness.scratch())
        os.mkfifo(room / 'pipe')

        def fill():
            try:
                with open(room / 'pipe', 'wb') as pipe:
                    pipe.write(data)
            except BrokenPipeError:
                pass
        writer = threading.Thread(target=fill, daemon=True)
        writer.start()
        try:
            return lugger(*words, cwd=room, expect=expect)
        finally:
            try:  # nobody opened it: the writer must not wait for ever
                os.close(os.open(room / 'pipe', os.O_RDONLY | os.O_NONBLOCK))
            except OSError:
                pass
            writer.join()

    def test_c19_every_kind_of_file(self):
        documents = b''.join(bson.encode({'_id': i}) for i in range(3))
        lines = b'{"_id":0}\n{"_id":1}\n{"_id":2}\n'
        for data in (documents, lines, gzip.compress(documents), gzip.compress(lines)):
            for words in (('describe', 'pipe', '--json'), ('describe', 'pipe', '--full', '--json')):
                result = self.through(data, *words)
                found = json.loads(result.out)
                whole = found if 'documents' in found else found['collections'][0]
                self.assertEqual(whole['documents'], 3)

    def test_c19_a_run_loads_it_and_is_not_resumed(self):
        room = Path(harness.scratch())
        write(room / 'job.lua',
              "local lugger = require 'lugger'\n"
              "return lugger.copy { name = 'j', from = lugger.source('pipe', { collection = 'a.b' }), "
              "into = lugger.target('out.jsonl'), columns = { { 'd', 'jsonb', from = '*' } } }")
        result = self.through(b'{"_id":0}\n{"_id":1}\n', 'run', 'job.lua', room=room)
        self.assertEqual(result.books()['read'], 2)

    def test_c19_a_scaffold_reads_several_times_and_says_so(self):
        result = self.through(b'{"_id":0}\n', 'scaffold', 'pipe', '--out', 'out', expect=1)
        self.assertIn('read only once', result.err)


if __name__ == '__main__':
    harness.main()
