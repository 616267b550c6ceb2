"""What is said of an oplog, of a missing one, and of a damaged one."""
import gzip
import unittest

import archive
import bson
import harness
from harness import DATA, lua, lugger
from jobs import Work, dump, job
from oplogs import WHOLE, read
from postgres import Postgres


class Told(unittest.TestCase):
    OPLOG = str(DATA / 'named/oplog.bson')

    def test_s0_20_describe_and_plan_tell_the_window(self):
        listing = lugger('describe', DATA / 'concurrent/dump').out
        self.assertIn('105 entries, 2026-11-21T10:07:01Z (Timestamp(1795255621, 31))',
                      ' '.join(listing.split()))
        one = lugger('describe', DATA / 'concurrent/dump', '-c', 'rnd.alpha').out
        self.assertIn('61 of this collection', ' '.join(one.split()))
        plan = lugger('plan', 'mongo_to_postgres', '--from', DATA / 'concurrent/dump', '--into', '-')
        self.assertRegex(plan.out, r'oplog +\S+/oplog.bson: 105 entries')

    def test_s0_20_a_dump_without_an_oplog(self):
        place = dump(harness.scratch(), 'shop', {'a': [{'_id': 1}], 'b': [{'_id': 2}]})
        for args in (('describe', place), ('describe', place, '-c', 'a'),
                     ('plan', 'mongo_to_postgres', '--from', place, '--into', '-')):
            warnings = [line for line in lugger(*args).err.splitlines() if 'oplog' in line]
            self.assertEqual(len(warnings), 1, args)
            self.assertIn('mongodump --oplog', warnings[0])
        self.assertNotIn('oplog', lugger('describe', place, '--oplog', 'no').err)
        (place / 'shop/prelude.json').write_text('{}')
        self.assertIn('refuses --oplog with --db', lugger('describe', place).err)

    def test_s0_20_a_single_file_of_a_dump_with_an_oplog(self):
        file = DATA / 'concurrent/dump/rnd/alpha.bson'
        self.assertIn('oplog = true replays it', ' '.join(lugger('describe', file).err.split()))
        self.assertNotIn('oplog', lugger('describe', file, '--oplog', 'no').err)
        self.assertIn('61 of this collection',
                      ' '.join(lugger('describe', file, '--oplog', 'yes').out.split()))

    def test_s0_20_an_oplog_that_is_asked_for_and_missing(self):
        place = dump(harness.scratch(), 'shop', {'a': [{'_id': 1}]})
        for args in ((place,), (place / 'shop/a.bson',), (DATA / 'named/shop.archive',),
                     (DATA / 'named/shop.archive.gz', '-c', 'users')):
            result = lugger('describe', *args, '--oplog', 'yes', expect=1)
            self.assertIn('has no oplog', result.err)
            self.assertIn('refuses --db', result.err)
        self.assertIn('there is no oplog in nowhere.bson',
                      lugger('describe', place, '--oplog', 'nowhere.bson', expect=1).err)
        self.assertIn('does not hold BSON',
                      lugger('describe', place, '--oplog', DATA / 'named/final/users.json', expect=1).err)

    def test_s0_75_a_gap_is_closed_without_an_oplog(self):
        place = dump(harness.scratch(), 'shop',
                     {'a': [{'_id': i, 'at': bson.Date(i), 'v': 1} for i in range(40)]})
        self.assertIn('shared tiers (M0, M2, M5, Flex)',
                      lugger('describe', place, '--oplog', 'yes', expect=1).err)
        work = Work(Postgres().fresh(),
                    text=job("{ 'v', 'int4' }, { 'at', 'timestamptz' }", source=place, collection='shop.a',
                             conflict='update'))
        work.run('--create')
        bson.write(place / 'shop/a.bson',
                   [{'_id': i, 'at': bson.Date(i), 'v': 1 + i // 30} for i in range(50)])
        self.assertEqual(
            work.lugger('verify', 'job.lua', '--since', 'at=1970-01-01T00:00:00.030Z', expect=4).status, 4)
        work.run()
        work.lugger('verify', 'job.lua', '--since', 'at=1970-01-01T00:00:00.030Z')

    def test_an_oplog_at_the_end_of_standard_input(self):
        data = archive.archive({'shop.a': (bson.encode({'_id': 1}), '{}'), 'admin.x': (b'', '{}')},
                               bson.encode({'op': 'n', 'ns': '', 'o': {}}))
        found, result = read('-', 'shop.a', input=data)
        self.assertEqual(len(found), 1)
        self.assertIn('write the archive to a file first', ' '.join(result.err.split()))
        _, result = read('-', 'shop.a', input=data, oplog=True, expect=1)
        self.assertIn('standard input is read only once', ' '.join(result.err.split()))

    def test_names_that_have_gone(self):
        for name, words in (('shop.late', 'is called shop.later at its end'),
                            ('shop.tmp_build', 'is called shop.implicit')):
            result = lugger('describe', DATA / 'named/dump', '-c', name, '--oplog', self.OPLOG, expect=1)
            self.assertIn(words, ' '.join(result.err.split()))
        place = dump(harness.scratch(), 'shop', {'a': [{'_id': 1}], 'b': [{'_id': 2}]})
        bson.write(place / 'oplog.bson',
                   [{'ts': bson.Timestamp(1, 1), 'op': 'c', 'ns': 'shop.$cmd', 'o': {'drop': 'a'}}])
        self.assertIn('was dropped at 1970-01-01T00:00:01Z',
                      ' '.join(lugger('describe', place, '-c', 'shop.a', expect=1).err.split()))
        self.assertNotIn('shop.a', lugger('describe', place).out)
        self.assertEqual(len(read(place, 'shop.a', oplog=False)[0]), 1)

    def test_a_damaged_oplog_stops_the_run(self):
        place = dump(harness.scratch(), 'shop', {'a': [{'_id': i} for i in range(10)]})
        entries = [bson.encode({'ts': bson.Timestamp(1, i), 'op': 'i', 'ns': 'shop.a',
                                'o': {'_id': 100 + i, 's': 'text'}}) for i in range(5)]
        whole = b''.join(entries)
        unknown = entries[0] + bson.encode({'ts': bson.Timestamp(1, 9), 'op': 'c', 'ns': 'shop.$cmd',
                                            'o': {'importCollection': 'a'}})
        bad_update = bson.encode({'ts': bson.Timestamp(1, 9), 'op': 'u', 'ns': 'shop.a',
                                  'o': {'$v': 2, 'diff': {'zz': {}}}, 'o2': {'_id': 3}})
        cases = {
            'cut': (whole[:-9], 'entry 5'), 'zeros': (entries[0] + bytes(64), 'entry 2'),
            'flipped': (entries[0] + entries[1].replace(b'\x02s\0', b'\x7as\0'), 'entry 2'),
            'gzip cut': (gzip.compress(whole * 50)[:-20], 'gzip'),
            'unknown': (unknown, 'importCollection'), 'update': (entries[0] + bad_update, 'entry 2'),
        }
        for name, (data, words) in cases.items():
            with self.subTest(name):
                (place / 'oplog.bson').write_bytes(data)
                found, result = read(place, 'shop.a', expect=1)
                self.assertIn(words, ' '.join(result.err.split()))
                self.assertIn('oplog.bson', result.err)
                self.assertEqual(len(read(place, 'shop.a', oplog=False)[0]), 10)

    def test_a_document_that_is_no_bson_is_a_reject_as_ever(self):
        place = dump(harness.scratch(), 'shop', {
            'a': [bson.encode({'_id': 1, 's': 'text'}).replace(b'\x02s', b'\x7as'), {'_id': 2, 'n': 0}]})
        bson.write(place / 'oplog.bson',
                   [{'ts': bson.Timestamp(1, i), 'op': 'u', 'ns': 'shop.a',
                     'o': {'$v': 2, 'diff': {'u': {'n': 5}}}, 'o2': {'_id': i}} for i in (1, 2)])
        found, result = read(place, 'shop.a', expect=3)
        self.assertEqual(len(found), 1)
        self.assertEqual(result.books()['rejected'], 1)

    def stray(self, count=5, resumed=False):
        """A dump whose oplog updates documents that are nowhere."""
        place = dump(harness.scratch(), 'shop',
                     {'a': [{'_id': i, 'n': 0, 'pad': 'x' * 2000} for i in range(6000)]})
        bson.write(place / 'oplog.bson',
                   [{'ts': bson.Timestamp(1, i + 1), 'op': 'u', 'ns': 'shop.a',
                     'o': {'$v': 2, 'diff': {'u': {'n': 5}}}, 'o2': {'_id': i}}
                    for i in [3, 4, 5999] + [9000 + i for i in range(count)]])
        return place

    def test_a24_an_update_of_a_document_that_is_nowhere_is_told(self):
        for jobs in (1, 4):
            found, result = read(self.stray(), 'shop.a', jobs=jobs)
            self.assertEqual(len(found), 6000)
            self.assertIn('5 documents that are updated, the first in entry 4,', ' '.join(result.err.split()))
        _, result = read(self.stray(1), 'shop.a')
        self.assertIn('1 document that is updated in entry 4 is neither', ' '.join(result.err.split()))
        _, result = read(self.stray(0), 'shop.a')
        self.assertNotIn('neither in the dump', ' '.join(result.err.split()))

    def test_a24_it_is_counted_right_by_a_run_that_goes_on(self):
        work = Work(Postgres().fresh(), text=job("{ 'n', 'int4' }", source=self.stray(), collection='shop.a'))
        work.run('--create', '--limit', 3500)
        work.database.query("update lugger.runs set status = 'stopped'")
        result = work.run()
        self.assertEqual(work.database.number('select count(*) from docs where n = 5'), 3)
        self.assertIn('5 documents that are updated', ' '.join(result.err.split()))

    def test_a24_a_task_tells_it_too(self):
        place = self.stray()
        work = Work(Postgres().fresh())
        work.script(f"""local lugger = require 'lugger'
          return lugger.task('t', function(task)
            local cursor = task:cursor(lugger.source({lua(str(place))}, {{ collection = 'shop.a' }}))
            local out = task:writer(lugger.target('out.jsonl'), {{ columns = {{ {{ 'n', 'int4' }} }} }})
            for batch in cursor:batches() do out:write(batch) out:commit(batch:position()) end
          end)""")
        self.assertIn('5 documents that are updated', ' '.join(work.run().err.split()))

    def test_f12_an_insert_into_a_collection_that_nobody_created_is_told(self):
        place = dump(harness.scratch(), 'shop', {'a': [{'_id': 1}]})
        bson.write(place / 'oplog.bson', [
            {'ts': bson.Timestamp(1, i), 'op': 'i', 'ns': 'shop.x', 'o': {'_id': i}} for i in range(1, 4)])
        told = '3 changes of shop.x (3 inserts, 0 replacements, 0 updates, 0 deletes) are left out'
        for result in (lugger('describe', place), lugger('describe', place, '-c', 'shop.a'),
                       read(place, 'shop.a')[1],
                       lugger('describe', place, '-c', 'shop.x', expect=1),
                       lugger('describe', place, '--full', '--no-trial'),
                       lugger('run', 'mongo_to_postgres', '--from', place, '--into', 'local:', '--create')):
            self.assertIn(told, ' '.join((result.out + result.err).split()))
        self.assertNotIn(told, lugger('describe', place, '--oplog', 'no').err)
        # An insert behind a create is loaded.
        bson.write(place / 'oplog.bson',
                   [{'ts': bson.Timestamp(1, 1), 'op': 'c', 'ns': 'shop.$cmd', 'o': {'create': 'x'}},
                    {'ts': bson.Timestamp(1, 2), 'op': 'i', 'ns': 'shop.x', 'o': {'_id': 1}}])
        found, result = read(place, 'shop.x')
        self.assertEqual(len(found), 1)
        self.assertNotIn('left out, for', result.err)

    def test_mistakes_in_the_option(self):
        result = lugger('run',
                        harness.script(WHOLE.format(place=lua(str(DATA / 'named/dump')),
                                                    options="{ collection = 'shop.users', oplog = 5 }")),
                        expect=1)
        self.assertIn('"oplog" takes true, false or text', result.err)


if __name__ == '__main__':
    harness.main()
