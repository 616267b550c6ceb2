"""What status says of a move whose process is not heard of, that was refused, or that stands among others."""
import signal

import harness
from live_seen import Seen


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


if __name__ == '__main__':
    harness.main()
