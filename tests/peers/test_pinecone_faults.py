"""Pinecone when it is busy, broken, late or finished for the month, and runs that are killed."""
import math
import random
import signal
import subprocess
import threading
import time
import unittest

import harness
import mongo_secure
import pinecone_faults as faults
from fixes import until
from pinecone_double import Pinecone
from pinecone_jobs import BACK, KEY, LINES, PAD, THERE, Case

PATIENT = "metric = 'dotproduct', patience_s = 20"


def many(count):
    return [(('', 'acme')[n % 2], f'id-{n:05}', [n + 1.0, *[0.5] * 7], None, {'n': n}) for n in range(count)]


class Faults(Case):
    def fill_index(self, count, **names):
        index = self.server.make('docs', 8, 'cosine')
        for name in names.get('names', ('', 'acme')):
            index.put({f'id-{n:05}': ([n + 1.0, *[0.5] * 7], {'n': n}) for n in range(count)}, namespace=name)
        return index

    def test_s1_10_a_busy_server_is_asked_again(self):
        self.fill_index(500)
        self.script('back.lua', BACK)
        for call, times in (('fetch', 3), ('list', 2), ('stats', 1)):
            self.server.faults.add(faults.rate(0.1), call=call, times=times)
        self.server.faults.add(faults.status(503), call='fetch', times=2, after=4)
        self.server.faults.add(faults.CUT, call='fetch', times=1, after=8)
        self.server.faults.add(faults.html(), call='list', times=1, after=4)
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create').books()['inserted'], 1000)
        self.assertRegex(self.run_lugger('verify', 'back.lua').out, 'equal, 1,?000 rows')

    def test_the_end_of_a_monthly_quota_ends_the_run(self):
        self.fill_index(500)
        self.script('back.lua', BACK)
        self.server.faults.add(faults.quota(), call='fetch', after=3)
        began = time.monotonic()
        ended = self.run_lugger('run', 'back.lua', '--create', expect=1)
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn('month', ended.err)
        self.server.faults.clear()
        self.run_lugger('run', 'back.lua')
        self.assertEqual(self.database.number('select count(*) from again'), 1000)

    def test_s1_07_a_page_without_progress_ends_in_an_error(self):
        self.fill_index(300, names=('',))
        self.script('back.lua', BACK)

        def stuck(ask, reply):
            if ask.call == 'list':
                reply['pagination'] = first_page.setdefault('pagination', reply.get('pagination'))

        def circling(ask, reply):
            if ask.call == 'list':
                first = first_page.setdefault('vectors', reply['vectors'])
                reply['vectors'] = first
        for reshape in (circling, stuck):
            first_page = {}
            self.server.faults.reshape = reshape
            ended = self.run_lugger('run', 'back.lua', '--create', '--restart', expect=1)
            self.assertIn('goes round', ended.err)

    def test_s1_07_killed_runs_go_on(self):
        index = self.fill_index(3000)
        self.server.faults.hook = lambda ask: time.sleep(0.05) if ask.call == 'fetch' else None
        self.script('back.lua', BACK)
        chance, kills = random.Random(3), 0
        while True:
            process = harness.start('run', 'back.lua', '--create', cwd=self.cwd, env=self.env)
            try:
                process.communicate(timeout=chance.uniform(0.3, 1.2) if kills < 6 else 60)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
        self.server.faults.hook = None
        self.assertEqual(process.returncode, 0)
        self.assertGreater(kills, 0)
        self.assertEqual(self.database.number('select count(*) from again'), 2 * len(index.records('')))
        self.assertRegex(self.run_lugger('verify', 'back.lua').out, 'equal')

    def test_an_old_token_is_no_end(self):
        self.fill_index(2000, names=('',))
        self.script('back.lua', BACK)
        self.server.faults.add(faults.quota(), call='fetch', after=12)
        self.run_lugger('run', 'back.lua', '--create', expect=1)
        self.server.faults.clear()
        self.server.limits.token_seconds = 1
        time.sleep(1.2)
        self.run_lugger('run', 'back.lua')
        self.assertEqual(self.database.number('select count(*) from again'), 2000)

    def test_one_bad_record_is_found(self):
        """What only the server knows to be wrong."""
        self.fill(many(300))
        self.script('there.lua', THERE, PATIENT)

        def refuse(ask):
            bad = ask.call == 'upsert' and b'"id-00137"' in ask.raw
            return faults.status(400) if bad else None
        self.server.faults.hook = refuse
        books = self.run_lugger('run', 'there.lua', '--create', expect=3).books()
        self.assertEqual((books['inserted'], books['rejected']), (299, 1))
        self.assertIn('id-00137', self.run_lugger('rejects', 'there.lua').out)

    def test_a_load_that_is_killed_goes_on(self):
        self.fill(many(2500))
        self.script('there.lua', THERE, PATIENT)
        self.server.faults.hook = lambda ask: time.sleep(0.2) if ask.call == 'upsert' else None
        kills = 0
        for _ in range(3):
            process = harness.start('run', 'there.lua', '--create', cwd=self.cwd, env=self.env)
            try:
                process.communicate(timeout=0.8)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
        self.server.faults.hook = None
        self.assertGreater(kills, 0)
        self.run_lugger('run', 'there.lua', '--create')
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 2,?500 rows')

    def test_a_load_does_not_go_on_into_an_index_that_was_made_anew(self):
        self.fill(many(2500))
        self.script('there.lua', THERE, PATIENT + ", on_conflict = 'update'")
        self.server.faults.hook = lambda ask: time.sleep(0.2) if ask.call == 'upsert' else None
        process = harness.start('run', 'there.lua', '--create', '-j', '1', cwd=self.cwd, env=self.env)
        until(lambda: self.server.counts.get('upsert', 0) > 1, 'upserts')
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.server.faults.hook = None
        self.server.forget(self.server.indexes['docs'])
        self.server.make('docs', 8, 'dotproduct')
        self.assertIn('was made anew', self.run_lugger('run', 'there.lua', '--create', expect=1).err)
        self.run_lugger('run', 'there.lua', '--create', '--restart')
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 2,?500 rows')

    def test_a_load_does_not_go_on_under_the_same_host_into_another_index(self):
        self.script('lines.lua', LINES)
        self.lines([('', f'{n}') for n in range(1700)], PAD)
        self.server.faults.add(faults.quota(), call='upsert', after=1)
        self.assertIn('month', self.run_lugger('run', 'lines.lua', '--create', '-j', '1', expect=1).err)
        self.server.faults.clear()
        index = self.server.indexes['docs']
        index.settle()
        loaded = index.namespaces.pop('__default__')
        index.counts.clear()
        told = self.run_lugger('run', 'lines.lua', expect=1).err
        self.assertRegex(told, r'the index docs holds none of the \d+ records that the run has loaded')
        index.namespaces['__default__'] = loaded
        index.fields['_values']['metric'] = 'euclidean'
        self.assertIn('was made anew', self.run_lugger('run', 'lines.lua', expect=1).err)
        index.fields['_values']['metric'] = 'cosine'
        self.run_lugger('run', 'lines.lua')
        self.assertEqual(len(index.records('')), 1700)

    def test_what_is_not_visible_yet_is_not_different(self):
        self.fill(many(200))
        self.script('there.lua', THERE, "metric = 'dotproduct', patience_s = 1")
        self.run_lugger('run', 'there.lua', '--create')
        self.database.query("update docs set metadata = '{\"n\": -1}' where id = 'id-00007'")
        index = self.server.indexes['docs']
        index.lag = math.inf
        self.script('again.lua', THERE.replace("'there'", "'again'"),
                    "metric = 'dotproduct', patience_s = 1, on_conflict = 'update'")
        self.run_lugger('run', 'again.lua')
        late = self.run_lugger('verify', 'again.lua', expect=1)
        self.assertIn('does not show yet', late.err)
        self.script('again.lua', THERE.replace("'there'", "'again'"),
                    "metric = 'dotproduct', patience_s = 30, on_conflict = 'update'")
        threading.Timer(1.5, index.settle).start()
        self.assertRegex(self.run_lugger('verify', 'again.lua').out, 'equal, 200 rows')
        self.database.query("update docs set metadata = '{\"n\": -2}' where id = 'id-00008'")
        self.assertIn('id-00008', self.run_lugger('verify', 'again.lua', expect=4).out)

    def test_the_key_is_never_shown(self):
        self.script('back.lua', BACK)
        wrong = 'pcsk_wrong-and-secret'
        ended = self.run_lugger('run', 'back.lua', expect=1, env={'PINECONE_API_KEY': wrong})
        self.assertNotIn(wrong, ended.err + ended.out)
        self.assertNotIn(KEY, ended.err + ended.out)
        ended = self.run_lugger('describe', f'pinecone://:{wrong}@docs', expect=1)
        self.assertNotIn(wrong, ended.err + ended.out)
        ended = self.run_lugger('describe', 'pinecone://docs', expect=1,
                                env={'PINECONE_CONTROLLER_HOST': 'http://10.1.2.3:1'})
        self.assertIn('plain_http', ended.err)

    def test_hosts_without_a_scheme_are_spoken_to_by_tls(self):
        mongo_secure.need_openssl()
        authority = mongo_secure.authority('pinecone')
        certificate = mongo_secure.certificate('pinecone', '/CN=pinecone')
        server = Pinecone(key=KEY, certificate=certificate, bare=True)
        self.addCleanup(server.stop)
        server.make('docs', 8).put({'a': [1.0] * 8})
        env = {'PINECONE_CONTROLLER_HOST': server.url}
        self.script('back.lua', BACK)
        self.assertIn('ca_file', self.run_lugger('run', 'back.lua', '--create', env=env, expect=1).err)
        self.script('back.lua', BACK, f"ca_file = '{authority}/ca.pem'")
        self.assertEqual(self.run_lugger('run', 'back.lua', '--create', env=env).books()['inserted'], 1)

    def test_an_index_that_is_made_anew_numbers_its_writes_anew(self):
        self.fill(many(20))
        self.script('there.lua', THERE, PATIENT)
        self.run_lugger('run', 'there.lua', '--create')
        self.server.forget(self.server.indexes['docs'])
        for file in (self.cwd / '.lugger' / 'pinecone').glob('*.lsn'):
            file.write_text('acme 1000\n%20 7\n', encoding='utf-8')
        self.run_lugger('run', 'there.lua', '--create', '--restart')
        self.assertRegex(self.run_lugger('verify', 'there.lua').out, 'equal, 20 rows')

    def test_s1_07_pods_are_refused_with_the_ways_out(self):
        self.server.make('docs', 8, pods=True)
        self.script('back.lua', BACK)
        ended = self.run_lugger('run', 'back.lua', '--create', expect=1)
        for words in ('pod index', 'backup', 'collection', 'JSON lines', 'metadata'):
            self.assertIn(words, ended.err)


if __name__ == '__main__':
    unittest.main()
