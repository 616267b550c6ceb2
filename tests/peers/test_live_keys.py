"""Two _ids that make one key of the target: while one of their documents is there, so is the row."""
import signal

import bson
import harness
from live_case import LiveCase
from live_moves import SLOW, copy

COLUMNS = "{ 'mongo_id', 'int8', from = '_id' }, { 'k', 'text' }"
FILLER = 'x' * 8000


def by_number(more=''):
    """'5' and 5 are the same key."""
    return copy(columns=COLUMNS, extra=more)


class OneKey(LiveCase):
    def rows_of(self, move):
        return move.database.query("select mongo_id || k from docs where mongo_id < 100 order by 1").split()

    def replace(self, old, new, touch=False):
        """A document comes to have another _id, which its key does not tell from the one before."""
        with self.server.client() as client:
            client.insert('shop.docs', {'_id': new, 'k': 'new'})
            if touch:    # so that the documents are looked up
                client.update('shop.docs', {'_id': new}, {'$set': {'k': 'newer'}})
            client.delete('shop.docs', {'_id': old})

    def pairs(self):
        return [('5', bson.Int32(5)), (bson.Int32(6), '6')]

    def test_within_a_stretch_of_changes(self):
        for touch in (False, True):
            with self.subTest(touch=touch):
                self.command('shop', {'dropDatabase': 1})
                self.insert(*({'_id': old, 'k': 'old'} for old, _ in self.pairs()))
                move = self.move(by_number()).start().follow()
                move.end()
                for old, new in self.pairs():
                    self.replace(old, new, touch)
                self.insert({'_id': bson.Int32(7), 'k': 'last'})
                move.start()
                move.wait_for(lambda: '7last' in self.rows_of(move), 'the last change')
                k = 'newer' if touch else 'new'
                self.assertEqual(self.rows_of(move), [f'5{k}', f'6{k}', '7last'])
                move.assert_books()
                move.end()

    def test_of_large_documents(self):
        """They are looked up one at a time."""
        large = 'x' * 1_200_000
        self.insert(*({'_id': bson.Int32(i), 'k': 'old', 'pad': large} for i in range(10, 16)))
        move = self.move(by_number()).start().follow()
        for i in range(10, 16):
            self.update({'_id': bson.Int32(i)}, {'$set': {'k': 'touched'}})
        move.wait_for(lambda: self.rows_of(move) == [f'{i}touched' for i in range(10, 16)], 'all are touched')
        move.process.send_signal(signal.SIGSTOP)
        with self.server.client() as client:
            client.insert('shop.docs', {'_id': '13', 'k': 'new', 'pad': large})
            client.update('shop.docs', {'_id': '13'}, {'$set': {'k': 'newer'}})
            client.delete('shop.docs', {'_id': bson.Int32(13)})
            client.insert('shop.docs', {'_id': bson.Int32(99), 'k': 'last'})
        move.process.send_signal(signal.SIGCONT)
        move.wait_for(lambda: '99last' in self.rows_of(move), 'the last change')
        touched = [f'{i}touched' for i in range(10, 16)]
        self.assertEqual(self.rows_of(move), [*touched[:3], '13newer', *touched[4:], '99last'])
        move.end()

    def test_a_transaction_that_was_read_to_its_end_does_not_come_again_in_part(self):
        """Its events have one time, from which a stream that jobs share begins."""
        self.insert({'_id': bson.Int32(5), 'k': 'old'}, {'_id': bson.Int32(6), 'k': 'old'})
        self.insert({'_id': bson.Int32(1), 'k': 'u'}, name='users')
        move = self.move(by_number(), copy('shop.users', 'users', columns=COLUMNS, extra=''))
        move.start().follow(jobs=2)
        for turn in range(4):
            key = bson.Int32(5 + turn % 2)
            with self.server.client() as client:
                client.transaction('shop', [
                    {'delete': 'docs', 'deletes': [{'q': {'_id': key}, 'limit': 1}]},
                    {'insert': 'docs', 'documents': [{'_id': key, 'k': f'turn{turn}'}]}])
            move.wait_for(lambda now=turn: f'turn{now}' in ' '.join(self.rows_of(move)), 'the turn')
            move.process.kill()
            move.process.wait()
            move.start().follow(jobs=2)
        self.insert({'_id': bson.Int32(7), 'k': 'last'})
        move.wait_for(lambda: '7last' in self.rows_of(move), 'the last change')
        self.assertEqual(self.rows_of(move), ['5turn2', '6turn3', '7last'])
        move.end()

    def test_while_it_is_copied(self):
        """The keys are settled in their order, whatever came first."""
        self.insert(*({'_id': old, 'k': 'old'} for old, _ in self.pairs()))
        self.insert(*({'_id': bson.Int32(i), 'k': 'k', 'pad': FILLER} for i in range(1000, 1500)))
        move = self.move(by_number(SLOW % 150)).start()
        move.wait_for(move.is_copying, 'the copy')
        for old, new in self.pairs():
            self.replace(old, new)
        move.follow()
        self.assertEqual(self.rows_of(move), ['5new', '6new'])
        move.end()

    def test_a_deleted_document_leaves_no_reject(self):
        """Whatever its _id: what no key can be made of never had a row."""
        self.insert({'_id': bson.Int32(1), 'k': 'a'}, {'_id': 'x', 'k': 'b'})
        move = self.move(by_number()).start().follow()
        self.insert({'_id': 'y', 'k': 'c'}, {'_id': {'z': bson.Int32(1)}, 'k': 'd'})
        rejects = 'select count(*) from lugger.rejects'
        move.wait_for(lambda: move.number(rejects) == 3, 'all are rejected')
        with self.server.client() as client:
            for key in ('x', 'y', {'z': bson.Int32(1)}):
                client.delete('shop.docs', {'_id': key})
        move.wait_for(lambda: move.number(rejects) == 0, 'none is')
        self.assertEqual(self.rows_of(move), ['1a'])
        move.assert_books()
        move.end()


if __name__ == '__main__':
    harness.main()
