"""What is seen of a move while it runs, waits, stops, or has lost its place: status, alarms; and
that nothing grows while it runs."""
import json
import os
import re
import signal
import subprocess
import threading
import time

import bson
import harness
import mongo_proxy
from live_moves import SLOW, TAGS, Writer, copy
from live_seen import Seen, samples, scrape
from mongo_servers import free_port, wait_for
from postgres import Postgres

DENIED = mongo_proxy.fail(13, 'not authorized on local to execute command')


class Status(Seen):
    def test_s0_20_phase_position_lag_and_who_works_on_it(self):
        move = self.following()
        found = self.wait_for_status(move, lambda one: one['phase'] == 'following' and one.get('oplog_s') and
                                     'rejects' in one, 'it follows, and the oplog was measured')
        self.assertLess(found['lag_s'], 16)
        self.assertIn(f'pid {move.process.pid}', found['holder'])
        self.assertRegex(found['changes_to'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$')
        self.assertGreaterEqual(found['oplog_s'], found['oplog_left_s'])
        self.assertEqual((found['rejects'], found['stale'], found['kept']), (0, 0, 0))
        self.assertNotIn('oplog_probed', found)
        before = found['changes']
        self.insert(*range(100, 120))
        self.wait_for_status(move, lambda one: one['changes'] >= before + 20, 'the changes are counted')
        told = move.work.lugger('status', 'job.lua').out
        self.assertRegex(told, r'(?m)^  job +phase +changes up to \(UTC\) +lag +per s +kept +applied +'
                         r'rejected +stale +oplog left *$')
        self.assertRegex(told, r'(?m)^  shop\.docs -> docs +following .* at least \d')
        self.assertTrue(found['oplog_young'])

    def test_a_copy_is_seen_with_what_is_kept(self):
        writer = Writer(self.server, 5, 4000).fill()
        self.addCleanup(writer.finish)
        move = self.move(copy(extra=TAGS + SLOW % 100))
        writer.start()
        move.start().wait_for(move.is_copying, 'rows were copied')
        found = self.wait_for_status(move, lambda one: one['phase'] == 'copying' and one['kept'] > 3 and
                                     one.get('lag_s') is not None, 'what is kept is seen')
        self.assertGreater(found['read'], 0)
        writer.finish()
        move.end()
        self.assertEqual(self.status(move)['phase'], 'stopped')

    def test_one_that_has_ended_says_how(self):
        move = self.following()
        self.wait_for_status(move, lambda one: one['phase'] == 'following', 'it follows')
        move.end(signal.SIGKILL, -signal.SIGKILL)
        found = self.wait_for_status(move, lambda one: one['phase'] == 'stopped', 'its end is seen', 10)
        self.assertIn('its process ended without a word', found['reason'])
        self.assertIn('stopped: its process ended', move.work.lugger('status', 'job.lua').out)
        move.start().wait_to_say('goes on with its changes')
        self.wait_for_status(move, lambda one: one['phase'] == 'following', 'it follows again')
        move.end()
        found = self.status(move)
        self.assertEqual((found['phase'], found['reason']), ('stopped', 'it was stopped'))
        self.assertEqual(found['resume'], 'lugger move job.lua --create')
        move.work.lugger('verify', 'job.lua')
        told = move.work.lugger('status', 'job.lua').out
        self.assertIn('(verify) done', told)
        self.assertIn('\n  go on with: lugger move job.lua --create\n', told)

    def test_ctl_says_how_to_stop_one_and_all(self):
        self.insert(1)
        with self.server.client() as client:
            client.insert('shop.more', {'_id': bson.Int32(1), 'k': 'a'})
        move = self.move(copy(), copy('shop.more', 'more', extra='')).start().follow(2)
        told = move.work.lugger('ctl')
        self.assertRegex(told.out, rf'shop\.more -> more +following +\d+ +{move.process.pid}\b')
        self.assertIn('lugger ctl RUN stop', told.err)
        self.assertIn('to stop all runs of a process: kill PROCESS', told.err)
        listed = map(json.loads, move.work.lugger('ctl', '--json').out.splitlines())
        process = [one['process'] for one in listed if one['job'] == 'shop.more -> more']
        move.end(signal.SIGTERM)
        self.assertEqual(process, [str(move.process.pid)])

    def test_prune_takes_what_was_told_of_jobs_that_are_gone(self):
        move = self.following()
        self.wait_for_status(move, lambda one: one['phase'] == 'following', 'it follows')
        move.end()
        told = 'select (select count(*) from lugger.watched) + (select count(*) from lugger.notices)'
        move.database.query("insert into lugger.notices (job, kind, name, done, count) "
                            "values ('gone -> gone', 'field', 'x', '', 1)")
        before = move.number(told)
        self.assertGreater(before, 1)
        move.work.lugger('state', 'prune', 'job.lua', '--keep', '1')
        self.assertEqual(move.number(told), before - 1)
        move.database.query("update lugger.runs set status = 'done'")
        move.work.lugger('state', 'prune', 'job.lua', '--keep', '0')
        self.assertEqual(move.number(told), 0)

    def test_n_06_a_position_that_the_server_has_no_more_is_seen_as_lost(self):
        self.with_short_oplog()
        move = self.following()
        move.end()
        self.insert(50)
        time.sleep(2)
        self.server.trim_oplog()
        told = move.start().ended(1)
        self.assertIn('no longer has the changes since', told)
        found = self.status(move)
        self.assertEqual(found['phase'], 'lost')
        self.assertIn('no longer has the changes since', found['reason'])
        self.assertIn('--from-time T --restart', found['hint'])

    def test_what_waits_says_so_and_for_how_long(self):
        move = self.following()
        self.wait_for_status(move, lambda one: one['phase'] == 'following', 'it follows')
        said = len(move.said['err'])
        self.server.stop()
        found = self.wait_for_status(move, lambda one: one.get('waits_s', 0) > 6, 'it waits', 90)
        self.assertRegex(found['waits_for'], 'no answer from the source|the connection to the server is lost')
        wait_for(lambda: re.search(r'; waits for [\d. mins]+: ', ''.join(move.said['err'][said:])),
                 'the progress says it', 20)
        later = ''.join(line for line in move.said['err'][said:] if '; waits for ' in line)
        self.assertNotIn('behind', later)
        self.assertIn('waits for ', move.work.lugger('status', 'job.lua').out)
        self.server.start()
        self.insert(70)
        move.wait_for(lambda: move.number("select count(*) from docs where k = '70'"), 'it went on', 60)
        self.wait_for_status(move, lambda one: 'waits_for' not in one, 'it waits no more')
        move.end()


class Rejects(Seen):
    def test_stale_rows_are_those_of_rejected_updates(self):
        move = self.following(documents=5)
        move.database.query('alter table docs add check (n < 1000)')
        self.update(1, {'n': bson.Int32(5000)})
        self.update(2, {'n': bson.Int32(5000)})
        with self.server.client() as client:
            client.insert('shop.docs', {'_id': bson.Int32(9), 'k': '9', 'n': bson.Int32(9000), 'tags': []})
        found = self.wait_for_status(move, lambda one: one.get('rejects') == 3 and one['stale'] == 2,
                                     'three rejects, two of them with an older row')
        self.assertEqual(move.number('select n from docs where k = \'1\''), 1)
        wait_for(lambda: '3 rejects, 2 stale rows' in move.told, 'the progress says it', 20)
        self.assertRegex(move.work.lugger('status', 'job.lua').out, r'(?m)^  shop.docs -> docs .* 3 +2 ')
        self.update(1, {'n': bson.Int32(500)})
        with self.server.client() as client:
            client.delete('shop.docs', {'_id': bson.Int32(2)})
        found = self.wait_for_status(move, lambda one: one.get('rejects') == 1, 'later states clear them')
        self.assertEqual(found['stale'], 0)
        move.end()


class Oplog(Seen):
    def test_without_the_right_to_read_it_the_oplog_is_measured_by_asking(self):
        self.with_short_oplog()
        began = time.time()
        with mongo_proxy.Proxy(self.server.port) as proxy:
            proxy.on('find', DENIED, times=0, where=lambda body: body.get('find') == 'oplog.rs')
            move = self.following(url=proxy.url)
            found = self.wait_for_status(move, lambda one: one.get('oplog_s'), 'the oplog was measured')
            self.assertTrue(found['oplog_probed'])
            self.assertLess(found['oplog_s'], time.time() - began + 20)
            # Who may not ask either is told nothing, and not that all of it is there.
            proxy.on('aggregate', DENIED, times=0, where=lambda body: body.get('maxTimeMS') == 500)
            self.wait_for_status(move, lambda one: 'oplog_s' not in one, 'it is not known any more')
            self.assertRegex(move.work.lugger('status', 'job.lua').out, r'(?m)^  shop.docs .* not known$')
            move.end()

    def test_of_an_oplog_that_was_never_full_no_beginning_is_made_up(self):
        """A server answers for any time then, also for one before it was made."""
        with mongo_proxy.Proxy(self.server.port) as proxy:
            proxy.on('find', DENIED, times=0, where=lambda body: body.get('find') == 'oplog.rs')
            move = self.following(url=proxy.url)
            wait_for(lambda: any(body.get('maxTimeMS') == 500 for body in list(proxy.seen)), 'it asked', 30)
            found = self.wait_for_status(move, lambda one: one.get('lag_s') is not None and
                                         one['told_s'] < 2, 'it was told')
            self.assertNotIn('oplog_s', found)
            self.assertNotIn('alarm', found)
            self.assertRegex(move.work.lugger('status', 'job.lua').out, r'(?m)^  shop.docs .* not known$')
            move.end()

    def test_s0_79_a_lag_that_eats_half_of_the_oplog_raises_the_alarm(self):
        """The oplog is a short one, and a lock keeps the changes from being applied."""
        self.with_short_oplog()
        port = free_port()
        move = self.following('--metrics', str(port))
        with Lock(move.database, 'docs'):
            self.update(1, {'n': bson.Int32(7)})
            writes = threading.Event()

            def write():
                while not writes.wait(0.5):
                    self.update(2, {'n': bson.Int32(int(time.time()) % 1000)})
            threading.Thread(target=write, daemon=True).start()
            self.addCleanup(writes.set)
            move.wait_for(lambda: 'the oplog reaches back' in move.told, 'the alarm', 120)
            found = self.status(move)
            self.assertRegex(found['alarm'], r'it is .* behind, and the oplog reaches back .*: .* are left')
            self.assertGreaterEqual(found['lag_s'] * 2, found['oplog_s'] - 2)
            self.assertIn('alarm: ', move.work.lugger('status', 'job.lua').out)
            self.assertEqual(samples(scrape(port))['lugger_move_alarm'], {'shop.docs -> docs': 1})
        move.wait_for(lambda: 'reaches back far enough again' in move.told, 'the end of the alarm', 60)
        self.assertNotIn('alarm', self.status(move))
        move.end()


class Lock:
    """A table that nobody else writes to meanwhile."""

    def __init__(self, database, table):
        self.database, self.table = database, table

    def __enter__(self):
        self.process = subprocess.Popen(['psql', '-XAtq', '-d', self.database.url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(f'begin; lock table {self.table} in share mode; select 1;\n')
        self.process.stdin.flush()
        self.process.stdout.readline()

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


class Rotation(Seen):
    def test_a_password_that_changes_is_read_again(self):
        """The server is restarted with another password: what follows takes it from .env."""
        postgres = Postgres()
        move = self.move(postgres=postgres)
        self.insert(1, 2)
        database = move.database
        database.query("create role loader login superuser password 'first-secret'")
        hba = open(postgres.data + '/pg_hba.conf', encoding='utf-8').read()
        with open(postgres.data + '/pg_hba.conf', 'w', encoding='utf-8') as file:
            file.write('local all loader scram-sha-256\n' + hba)
        database.query('select pg_reload_conf()')
        env = move.work.directory / '.env'

        def write(password):
            url = database.url.replace('user=postgres', 'user=loader')
            env.write_text(f"PG_URI='{url}&password={password}'\n"
                           f"MONGO_URI='{self.server.url}'\n")
            env.chmod(0o600)
        write('first-secret')
        type(move.work).env, kept = property(lambda _: {}), type(move.work).env
        self.addCleanup(setattr, type(move.work), 'env', kept)
        move.start().follow()
        database.query("alter role loader password 'second-secret'")
        database.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'loader'")
        self.insert(3)
        wait_for(lambda: 'waits' in move.told, 'it waits for the right password', 30)
        write('second-secret')
        move.wait_for(lambda: move.number("select count(*) from docs where k = '3'"), 'it went on', 60)
        self.assertIn('PG_URI was changed', move.told)
        self.assertNotIn('secret', move.told)
        move.end()


class Member(mongo_proxy.Proxy):
    """One member of a set of two, before the same server. A secondary is as far behind as it says."""

    def __init__(self, port, behind=None):
        super().__init__(port)
        self.behind, self.others = behind, [self]

    def _as_our_own(self, body):
        hosts = [one.address for one in self.others]
        body = {**super()._as_our_own(body), 'hosts': hosts, 'me': self.address}
        body['primary'] = next(one.address for one in self.others if one.behind is None)
        if self.behind is None:
            return body
        ts = body['lastWrite']['opTime']['ts']
        optime = {**body['lastWrite']['opTime'], 'ts': bson.Timestamp(ts.seconds - self.behind, 1)}
        primary = {name: False for name in ('isWritablePrimary', 'ismaster') if name in body}
        return {**body, **primary, 'secondary': True, 'lastWrite': {**body['lastWrite'], 'opTime': optime}}

    def scans(self):
        """How often documents were asked for in their order: not by their keys, nor what a server knows."""
        return sum(body.get('find') == 'docs' and 'sort' in body for body in list(self.seen))


class Secondaries(Seen):
    def copied(self, behind, preference=''):
        """A copy from a set whose secondary is so far behind; both members, and what was told."""
        self.insert(*range(50))
        with Member(self.server.port) as primary, Member(self.server.port, behind) as secondary:
            primary.others = secondary.others = [primary, secondary]
            move = self.move(url=primary.url + preference)
            move.start().follow()
            move.end()
            self.assertEqual(move.number('select count(*) from docs'), 50)
            return primary, secondary, move.told

    def test_s0_21_one_that_keeps_up_is_read(self):
        primary, secondary, told = self.copied(5)
        self.assertEqual(primary.scans(), 0, told)
        self.assertGreater(secondary.scans(), 0)
        self.assertNotIn('behind its primary', told)

    def test_s0_21_one_that_lags_is_left_alone_with_a_word(self):
        primary, secondary, told = self.copied(600)
        self.assertGreater(primary.scans(), 0)
        self.assertEqual(secondary.scans(), 0, told)
        self.assertRegex(told, rf'{secondary.address} is 6\d\d s behind its primary: the copy reads from '
                               f'{primary.address}')

    def test_s0_21_where_only_secondaries_may_be_read_it_goes_slowly_with_a_word(self):
        _, secondary, told = self.copied(600, '&readPreference=secondary')
        self.assertGreater(secondary.scans(), 0)
        self.assertIn('the URL allows no other to be read, so the copy goes slowly', told)


class Weeks(Seen):
    def write(self, seconds):
        """Changes of the same documents, in units of a second."""
        end, done = time.monotonic() + seconds, 0
        with self.server.client() as client:
            while time.monotonic() < end:
                done += 1
                client.update('shop.docs', {}, {'$set': {'n': bson.Int32(done)}}, multi=True)
        return done

    @staticmethod
    def ledger(move):
        """The rows of each table of the ledger."""
        names = move.database.query("select relname from pg_class where relkind = 'r' and "
                                    "relnamespace = 'lugger'::regnamespace order by 1").split()
        return {name: move.number(f'select count(*) from lugger.{name}') for name in names}

    def test_s0_07_nothing_grows_with_what_is_applied(self):
        self.insert(*range(40))
        move = self.move()
        told = move.work.lugger('move', 'job.lua', '--create', '--detach', '--metrics', str(free_port())).err
        log = move.work.directory / re.search(r'(/\S+\.log)', told)[1]
        said = wait_for(lambda: re.search(r'lugger process (\d+)', log.read_text()), 'its process')
        process = int(said[1])
        self.addCleanup(lambda: os.path.exists(f'/proc/{process}') and os.kill(process, signal.SIGTERM))
        self.assertIn('to pause or stop it (it can be resumed): lugger ctl', told)
        self.assertIn(f'to stop it (it can be resumed): kill {process}', log.read_text())

        def memory():
            with open(f'/proc/{process}/status', encoding='ascii') as status:
                return int(re.search(r'RssAnon:\s+(\d+) kB', status.read())[1])
        wait_for(lambda: move.follows(), 'the changes were applied', 40)
        self.write(6)
        wait_for(lambda: move.number('select count(*) from lugger.watched') == 1, 'it is watched')
        tables, kilobytes = self.ledger(move), memory()
        log_bytes = log.stat().st_size
        units = "select sum(read) from lugger.partitions where partition = 'changes'"
        before = move.number(units)
        self.write(15)
        wait_for(lambda: move.number(units) > before + 40 * 10, 'many changes were applied')
        self.assertEqual(self.ledger(move), tables)
        # What is read ahead fills up only where the writer is faster than the target.
        self.assertLess(memory() - kilobytes, 16000)
        self.assertLess(log.stat().st_size - log_bytes, 2000)
        with open(log, 'a', encoding='ascii') as file:
            file.write('x' * (9 << 20))
        older = log.with_name(log.name + '.1')
        wait_for(older.exists, 'the log is begun anew', 20)
        wait_for(lambda: 'following' in log.read_text(), 'it goes on there', 20)
        self.assertLess(log.stat().st_size, 10_000)


if __name__ == '__main__':
    harness.main()
