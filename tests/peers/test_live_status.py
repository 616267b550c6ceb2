"""What status says of a move whose process is not heard of, that was refused, or that stands among others."""
import json
import signal

import bson
import harness
from live_moves import copy, script
from live_seen import Seen
from mongo_servers import wait_for


class Status(Seen):
    def test_one_that_lost_its_lock_is_not_taken_for_stopped(self):
        """The lock goes with the session, as it does when the target is restarted."""
        move = self.following()
        self.wait_for_status(move, lambda one: one.get('holder') and 'lag_s' in one, 'it follows')
        process = f'pid {move.process.pid}'
        move.process.send_signal(signal.SIGSTOP)
        try:
            move.database.query('select pg_terminate_backend(pid) from pg_stat_activity '
                                'where pid <> pg_backend_pid() and datname = current_database()')
            found = self.wait_for_status(move, lambda one: not one.get('holder'), 'its lock is gone')
            self.assertIn(found['phase'], ('following', 'catching up'))
            self.assertIn(f'{process} lives, and has no connection to this ledger', found['waits_for'])
            told = move.work.lugger('status', 'job.lua').out
            self.assertIn(f'{process} lives', told)
            self.assertNotIn('go on with', told)
            self.assertNotIn('stopped', told)
            # From another machine nobody can tell.
            move.database.query("update lugger.watched set facts = replace(facts, ' pid ', 'x pid '), "
                                "updated_at = now() - interval '70 s'")
            found = self.status(move)
            self.assertEqual(found['phase'], 'not known')
            self.assertRegex(found['reason'], rf'x {process} has told nothing for 1 min 1\d s')
            self.assertGreaterEqual(found['lag_s'], 70)
            self.assertNotIn('resume', found)
            told = move.work.lugger('status', 'job.lua').out
            self.assertIn('where it is gone, go on with: lugger move job.lua --create', told)
        finally:
            move.process.send_signal(signal.SIGCONT)
        self.wait_for_status(move, lambda one: one.get('holder') and one['phase'] == 'following',
                             'it is back')
        move.end()

    def test_one_that_is_refused_shows_what_was_applied(self):
        self.insert(1, 2)
        move = self.move().start().follow()
        self.insert(*range(10, 30))
        self.wait_for_status(move, lambda one: one['changes'] >= 20, 'they are applied')
        move.end()
        before = self.status(move)['changes']
        path = move.work.directory / 'job.lua'
        path.write_text(path.read_text().replace("'n', 'int8'", "'n', 'int4'"))
        told = move.start().ended(1)
        self.assertIn('the script has changed since it began', told)
        self.assertEqual(self.status(move)['changes'], before)

    def test_a_script_shows_its_own_moves_and_what_runs(self):
        """A second script of the same target, stopped, with a command of its own."""
        with self.server.client() as client:
            client.insert('shop.more', {'_id': bson.Int32(1), 'k': 'a'})
        move = self.following()
        other = move.work.directory / 'other.lua'
        other.write_text(script(copy('shop.more', 'more', extra='')))
        process = move.work.start('move', 'other.lua', '--create')
        told = "select count(*) from lugger.watched where job like '%more'"
        wait_for(lambda: move.number(told), 'it is told', 30)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        self.assertEqual([one['job'] for one in self.all_of(move, 'other.lua')], ['shop.more -> more'])
        self.assertEqual(self.status(move)['job'], 'shop.docs -> docs')
        move.work.lugger('verify', 'job.lua')
        told = move.work.lugger('status', 'job.lua').out
        self.assertTrue(told.startswith('shop.docs -> docs running'), told)
        self.assertNotIn('more', told)
        move.end()
        told = move.work.lugger('status', 'job.lua').out
        self.assertTrue(told.startswith('shop.docs -> docs (verify) done'), told)
        # Of all that the target has, each way on is named with its job.
        told = move.work.lugger('status', move.database.url).out
        self.assertIn('  shop.docs -> docs: go on with: lugger move job.lua --create\n', told)
        self.assertIn('  shop.more -> more: go on with: lugger move other.lua --create\n', told)

    @staticmethod
    def all_of(move, place):
        return json.loads(move.work.lugger('status', place, '--json').out)['moves']


if __name__ == '__main__':
    harness.main()
