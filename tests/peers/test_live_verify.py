"""lugger verify --live: every planted fault is found while the application writes, and nothing else is."""
import json
import signal
import threading
import time

import bson
import harness
import mongo_proxy
from live_case import LiveCase
from live_moves import COLUMNS, Writer, copy, script
from mongo_servers import wait_for

QUIET = 20      # documents that the application leaves alone, and that are read first
FAULTS = {      # what is done to the rows of a document by somebody else: what verify calls it
    'a value': ("update docs set pad = 'planted' where mongo_id = {id}", {'docs': {'different': 1}}),
    'a row goes': ('delete from docs where mongo_id = {id}',
                   {'docs': {'missing': 1}, 'docs_tags': {'missing': 2}}),
    "a child's value": ("update docs_tags set tag = 'planted' where parent_mongo_id = {id} and ordinal = 1",
                        {'docs_tags': {'different': 1}}),
    'a child goes': ('delete from docs_tags where parent_mongo_id = {id} and ordinal = 2',
                     {'docs_tags': {'missing': 1}}),
    'a child comes': ("insert into docs_tags (parent_mongo_id, ordinal, tag) values ({id}, 9, 'planted')",
                      {'docs_tags': {'extra': 1}}),
    'a row comes': ("insert into docs (mongo_id, k) values ('planted', 'planted'); insert into docs_tags "
                    "(parent_mongo_id, ordinal, tag) values ('planted', 1, 'x')",
                    {'docs': {'extra': 1}, 'docs_tags': {'extra': 1}}),
    'one goes and one comes': ('delete from docs_tags where parent_mongo_id = {id}; insert into docs_tags '
                               "(parent_mongo_id, ordinal, tag) values ({id}, 1, 'planted'), ({id}, 2, 'b')",
                               {'docs_tags': {'different': 1}}),
}
KINDS = ('missing', 'extra', 'different')


def quiet(number):
    """A document that only faults are planted in. Its _id is before those of the application."""
    return {'_id': bson.Int64(-1000 + number), 'k': f'quiet {number}', 'n': bson.Int32(number), 'pad': 'é"',
            'tags': ['a', 'b']}


def id_text(number):
    return f"'$n:{-1000 + number}'"


def plant(database):
    """Every fault, each in a document of its own; what verify must count."""
    wanted = {'docs': dict.fromkeys(KINDS, 0), 'docs_tags': dict.fromkeys(KINDS, 0)}
    for number, (sql, counts) in enumerate(FAULTS.values()):
        database.query(sql.format(id=id_text(number)))
        for table, kinds in counts.items():
            for kind, count in kinds.items():
                wanted[table][kind] += count
    return wanted


def counts(found):
    return {one['table']: {kind: one[kind] for kind in KINDS} for one in found['tables']}


class LiveVerify(LiveCase):
    def move(self, *jobs, count=300, pause=0.004, seed=1, settled=True):
        """A move that follows, and a writer that has not begun."""
        self.writer = Writer(self.server, seed, count, pause).fill()
        self.insert(*map(quiet, range(QUIET)))
        move = super().move(*jobs)
        move.start().follow()
        if settled:
            move.settle(self.server)
        return move

    def verify(self, move, expect=0, *flags, **more):
        done = move.work.lugger('verify', 'job.lua', '--live', '--json', *flags, expect=expect, timeout=120,
                                **more)
        return json.loads(done.out)[0] if done.out else done.err

    def write(self):
        self.writer.start()
        self.addCleanup(self.writer.finish)
        wait_for(lambda: self.writer.done > 20, 'that the application writes')

    def test_nothing_is_wrong_while_the_application_writes(self):
        move = self.move()
        self.write()
        for _ in range(5):
            found = self.verify(move)
            self.assertTrue(found['equal'], found)
            self.assertGreater(found['tables'][0]['equal'], 200)
        self.writer.finish()
        found = self.verify(move)
        self.assertEqual((found['equal'], found['changing']), (True, 0), found)
        with self.server.client() as client:
            documents = client.find('shop.docs')
        self.assertEqual([one['equal'] for one in found['tables']],
                         [len(documents), sum(len(one.get('tags', [])) for one in documents)])
        self.assertIn('lsn', found['position'])
        move.end()

    def test_every_planted_fault_is_found_and_mended_while_the_application_writes(self):
        move = self.move()
        self.write()
        wanted = plant(move.database)
        found = self.verify(move, 4)
        self.assertEqual(counts(found), wanted, found['rows'])
        self.assertEqual(found['tables'][0]['differing'], {'pad': 1})
        different = [one for one in found['rows'] if (one['kind'], one['table']) == ('different', 'docs')]
        self.assertEqual(different, [{'kind': 'different', 'table': 'docs', 'key': 'mongo_id=$n:-1000',
                                      'columns': [{'column': 'pad', 'source': 'é"', 'target': 'planted'}]}])
        for flags, status, words in (((), 4, 'nothing was written; --apply writes it'),
                                     (('--apply',), 4, '--delete-extra deletes them'),
                                     (('--apply', '--delete-extra'), 0, 'looked up again by the run')):
            told = move.work.lugger('repair', 'job.lua', '--live', *flags, expect=status).err
            self.assertIn(words, told)
        self.assertTrue(self.verify(move)['equal'])
        self.writer.finish()
        move.assert_equal(self.server, books=False)
        self.assertEqual(move.number('select count(*) from lugger.spool'), 0)
        move.end()

    def test_rows_that_are_changed_behind_the_comparison_are_found(self):
        """The first documents are compared when the source is asked for more of them."""
        move = self.move(count=600)
        self.write()
        with mongo_proxy.Proxy(self.server.port) as proxy:
            planted = []

            def fault(exchange):
                time.sleep(0.5)
                planted.append(plant(move.database))
                return exchange.ask()
            proxy.on('getMore', fault, where=lambda body: body.get('collection') == 'docs')
            found = self.verify(move, 4, '-j', '1', env={'MONGO_URI': proxy.url})
        self.assertEqual([counts(found)], planted, found['rows'])
        move.end()

    def test_hot_documents(self):
        """Changed, deleted and inserted without a pause: neither a false alarm nor silence."""
        move = self.move()
        ending = threading.Event()

        def hammer(number):
            with self.server.client() as client:
                key, turn = {'_id': f'hot {number}'}, 0
                while not ending.is_set():
                    turn += 1
                    client.insert('shop.docs', {**key, 'k': f'hot {number}', 'n': bson.Int32(turn % 2),
                                                'tags': ['x'] * (turn % 3)})
                    client.update('shop.docs', key, {'$set': {'n': bson.Int32(2)}})
                    client.delete('shop.docs', key, limit=1)
        threads = [threading.Thread(target=hammer, args=(number,)) for number in range(3)]
        for one in threads:
            one.start()
        try:
            for _ in range(2):
                found = self.verify(move)
                self.assertTrue(found['equal'], found)
                self.assertLessEqual(found['changing'], 3)
            told = move.work.lugger('verify', 'job.lua', '--live')
            if found['changing']:
                self.assertIn('still changing', told.out)
        finally:
            ending.set()
            for one in threads:
                one.join()
        move.end()

    def test_a_mapping_that_is_wrong_everywhere(self):
        """Each row counts, by column, in memory that does not grow with them."""
        move = self.move(count=4000, pause=0.02)
        move.database.query("update docs set n = n + 1, k = k || '!'")
        self.write()
        process = move.work.start('verify', 'job.lua', '--live', '--json')
        most = 0
        while process.poll() is None:
            try:
                status = open(f'/proc/{process.pid}/status', encoding='utf-8').read()
            except OSError:
                break
            most = max(most, *(int(line.split()[1]) for line in status.splitlines() if 'RssAnon' in line), 0)
            time.sleep(0.05)
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 4, err)
        found = json.loads(out)[0]['tables'][0]
        self.assertGreater(found['different'], 3000)   # the application has mended some
        self.assertEqual((found['differing']['n'], found['differing']['k']), (found['different'],) * 2)
        self.assertLess(most, 96 << 10)
        move.end()

    def test_rows_that_are_shown_have_their_keys(self):
        move = self.move()
        self.write()
        self.writer.finish()
        move.settle(self.server)
        move.database.query("insert into docs (mongo_id, k) select 'extra' || i, 'x' "
                            'from generate_series(1, 40) i')
        found = self.verify(move, 4)
        self.assertEqual(counts(found)['docs']['extra'], 40)
        keys = [one['key'] for one in found['rows']]
        self.assertTrue(0 < len(keys) <= 10 and all(keys), keys)
        move.end()

    def test_keys_that_are_made_of_the_id_and_documents_that_are_refused(self):
        columns = ("{ 'mongo_id', 'uuid', generate = 'v5' }, { 'k', 'text' }, { 'n', 'int8' }, "
                   "{ 'pad', 'text' }")
        move = self.move(copy(columns=columns))
        with self.server.client() as client:
            client.insert('shop.docs', {'_id': 'refused', 'k': 'a\0b', 'n': bson.Int32(1)})
            move.settle(self.server)
        self.write()
        found = self.verify(move)
        self.assertEqual((found['equal'], found['rejected']), (True, 1), found)
        move.database.query("insert into docs (mongo_id, k) values (gen_random_uuid(), 'planted'); "
                            "update docs set n = -5 where k = 'quiet 1'")
        found = self.verify(move, 4)
        self.assertEqual(counts(found)['docs'], {'missing': 0, 'extra': 1, 'different': 1}, found['rows'])
        told = move.work.lugger('repair', 'job.lua', '--live', '--apply', '--delete-extra', expect=4)
        self.assertIn('do not tell an _id', told.err)
        self.assertEqual(counts(self.verify(move, 4))['docs'], {'missing': 0, 'extra': 1, 'different': 0})
        move.end()

    def test_where_all_was_rejected_nothing_is_called_equal(self):
        columns = COLUMNS.replace("'k', 'text'", "'k', 'int8', from = 'pad'")
        move = self.move(copy(columns=columns), settled=False)
        told = move.work.lugger('verify', 'job.lua', '--live', expect=4)
        self.assertIn('NOT equal: no row was compared, as', told.out)
        found = self.verify(move, 4)
        self.assertEqual((found['equal'], found['rejected']), (False, found['documents']))
        move.end()

    def test_an_idle_source_is_not_waited_for(self):
        """Each look at the changes is answered at once; it was a second each, and several of them."""
        move = self.move()
        move.database.query("delete from docs where k = 'quiet 1'")
        began = time.monotonic()
        found = self.verify(move, 4)
        self.assertEqual(counts(found)['docs']['missing'], 1, found)
        self.assertLess(found['seconds'], 4 if time.monotonic() - began < 20 else 15)
        move.end()

    def test_nobody_applies_the_changes(self):
        move = self.move()
        move.end()
        self.assertIn('nothing applies its changes', self.verify(move, 1))
        move.start()
        move.wait_for(lambda: 'goes on' in move.told, 'that it goes on')
        self.assertTrue(self.verify(move)['equal'])
        move.end(signal.SIGKILL, -9)
        self.assertIn('has ended', self.verify(move, 1))
        told = move.work.lugger('repair', 'job.lua', '--live', '--apply', expect=1).err
        self.assertIn('lugger move job.lua', told)
        self.assertIn('--where', self.verify(move, 1, '--where', 'true'))

    def test_a_job_that_is_not_followed_does_not_take_the_verdict_of_the_others(self):
        move = self.move()
        self.insert({'_id': 'a', 'k': 'é'}, name='odd')
        move.database.query('create table odd (mongo_id text primary key, k text, n int8, pad text)')
        other = copy('shop.odd', 'odd', extra='')
        for jobs in ([copy(), other], [other, copy()]):
            (move.work.directory / 'two.lua').write_text(script(*jobs), encoding='utf-8')
            done = move.work.lugger('verify', 'two.lua', '--live', '--json', '--verdict', 'verdict.json',
                                    expect=1)
            self.assertEqual([(one['job'], one['equal']) for one in json.loads(done.out)],
                             [('shop.docs -> docs', True)], done.out)
            self.assertIn('shop.odd -> odd cannot be verified under writes', done.err)
            kept = json.loads((move.work.directory / 'verdict.json').read_text(encoding='utf-8'))
            self.assertEqual((kept['equal'], [one['job'] for one in kept['jobs']],
                              [one['job'] for one in kept['failed']]),
                             (False, ['shop.docs -> docs'], ['shop.odd -> odd']), kept)
        told = move.work.lugger('verify', 'two.lua', '--live', expect=1)
        self.assertIn('shop.docs -> docs: equal', told.out)
        move.end()

    def test_what_mends_it_is_told_with_the_flag_that_works(self):
        move = self.move()
        move.database.query("update docs set pad = 'planted' where k = 'quiet 3'")
        told = move.work.lugger('verify', 'job.lua', '--live', expect=4)
        self.assertIn('lugger repair job.lua --live\n', told.out + told.err)
        told = move.work.lugger('repair', 'job.lua', '--apply', expect=1).err
        self.assertIn('with --live the run that follows mends it', told)
        move.work.lugger('repair', 'job.lua', '--live', '--apply')
        move.end()

    def test_a_repair_of_a_source_that_is_written_to_finds_documents_by_their_id(self):
        """Each reading finds one document more before those that are wrong."""
        move = self.move()
        move.end()
        move.database.query("update docs set pad = 'planted' where k in ('quiet 3', 'quiet 7')")
        with mongo_proxy.Proxy(self.server.port) as proxy, self.server.client() as client:
            more = iter(range(-2000, -9000, -1))

            def one_more(exchange):
                client.insert('shop.docs', {**quiet(0), '_id': bson.Int64(next(more)), 'k': 'more'})
                return exchange.ask()
            proxy.on('find', one_more, times=0, where=lambda body: body['find'] == 'docs')
            move.work.lugger('repair', 'job.lua', '--apply', '-j', '1', expect=4,
                             env={'MONGO_URI': proxy.url})
        self.assertEqual(move.number("select count(*) from docs where pad = 'planted'"), 0)


if __name__ == '__main__':
    harness.main()
