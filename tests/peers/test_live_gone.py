"""What changed right before a collection was dropped or renamed."""
import signal

import harness
from live_ddl import AWAY, DATABASE, DROP, Following, on_ddl
from live_moves import script


class ChangedBefore(Following):
    """Documents that changed right before the collection went: when they are looked up, it is gone."""

    def change(self):
        for key in ('a', 'b'):
            self.update({'_id': key}, {'$set': {'k': key.upper()}})

    def test_renamed_while_the_move_stands_still(self):
        for how in (signal.SIGINT, signal.SIGKILL):
            with self.subTest(how=how):
                self.command('shop', DATABASE)
                move = self.following("'stop'")
                move.end(how, -how if how == signal.SIGKILL else 130)
                self.change()
                self.command('admin', AWAY)
                self.assertIn('rename', move.start().ended(1))
                self.assertEqual(self.rows_of(move), ['A', 'B'])
                move.work.script(script(on_ddl("{ rename = 'apply' }")))
                move.start('--accept-changes').wait_to_say('applied: shop.older is followed')
                self.update({'_id': 'a'}, {'$set': {'k': 'again'}}, name='older')
                self.wait_for_rows(move, 'B', 'again')
                move.assert_books()
                move.end()

    def test_renamed_at_once(self):
        keys = [f'c{i:03}' for i in range(200)]
        self.insert(*({'_id': key, 'k': key} for key in keys))
        for policy in ('apply', 'stop'):
            move = self.following("{ rename = '%s' }" % policy)
            with self.server.client() as client:
                for key in keys:
                    client.update('shop.docs', {'_id': key}, {'$set': {'k': 'new'}})
                client.command('admin', AWAY)
            if policy == 'stop':
                self.assertIn('rename', move.ended(1))
                move.work.script(script(on_ddl("{ rename = 'apply' }")))
                move.start('--accept-changes')
            move.wait_to_say('applied: shop.older is followed')
            move.wait_for(lambda: self.rows_of(move) == ['a', 'b', *['new'] * 200], 'all are new')
            move.end()
            with self.server.client() as client:
                client.command('shop', DATABASE)
                client.insert('shop.docs', *({'_id': key, 'k': key} for key in keys))

    def test_dropped_while_the_move_stands_still(self):
        for what, policy in ((DROP, 'stop'), (DATABASE, 'stop'), (DROP, 'warn')):
            with self.subTest(what=what, policy=policy):
                self.command('shop', DATABASE)
                move = self.following(f"'{policy}'")
                move.end()
                self.change()
                self.command('shop', what)
                if policy == 'stop':
                    self.assertIn('drop', move.start().ended(1))
                else:
                    move.start().wait_to_say('told; the rows stand')
                    move.end()
                self.assertEqual(self.rows_of(move), ['a', 'b'])

    def test_dropped_again_behind_a_warning(self):
        move = self.following("{ drop = 'warn' }")
        self.command('shop', DROP)
        self.insert({'_id': 'c', 'k': 'c'})
        self.wait_for_rows(move, 'a', 'b', 'c')
        with self.server.client() as client:
            client.update('shop.docs', {'_id': 'c'}, {'$set': {'k': 'C'}})
            client.command('shop', DROP)
        move.wait_for(lambda: self.noticed(move) == 'drop|drop shop.docs|2', 'the second drop was counted')
        self.assertEqual(len(self.rows_of(move)), 3)
        move.end()


if __name__ == '__main__':
    harness.main()
