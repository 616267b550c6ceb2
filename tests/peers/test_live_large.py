"""Events that are larger than a server can send: their documents are fetched by their keys."""
import itertools

import bson
import harness
from live_case import LiveCase
from live_moves import TAGS, copy

MOST = 16 * 1024 * 1024
KEY = 7000      # the event has it three times: beside the document, and as hex in the token


def largest(key, **fields):
    """A document of the size that a server takes at most."""
    document = {'_id': key, 'k': key[:9], **fields, 'pad': ''}
    return {**document, 'pad': 'x' * (MOST - len(bson.encode(document)))}


class Large(LiveCase):
    def lengths(self, move):
        found = "select k || length(pad) from docs where k not like 'mark%' order by 1"
        return move.database.query(found).split()

    def shrink_and_grow(self, document):
        whole = {name: document[name] for name in document if name != '_id'}
        with self.server.client() as client:
            client.update('shop.docs', {'_id': document['_id']}, {'k': 'L', 'pad': 'y'})
            client.update('shop.docs', {'_id': document['_id']}, whole)

    def test_it_is_stepped_over_and_told(self):
        key = 'L' * KEY
        self.insert({'_id': 'a', 'k': 'a', 'pad': 'aa'})
        move = self.move(copy(extra=TAGS))
        move.start().follow()
        document = largest(key)
        self.insert({'_id': 'b', 'k': 'b', 'pad': 'bb'})
        self.insert(document)
        self.insert({'_id': 'c', 'k': 'c', 'pad': 'cc'})
        large = f'{"L" * 9}{len(document["pad"])}'
        move.wait_for(lambda: self.lengths(move) == [large, 'a2', 'b2', 'c2'], 'all documents')
        move.wait_to_say('event over 16 MB: shop.docs')
        # As a replacement, between others, and again after a restart.
        self.shrink_and_grow(document)
        self.update({'_id': 'a'}, {'k': 'a', 'pad': 'aaa'})
        move.wait_for(lambda: self.lengths(move) == [large, 'a3', 'b2', 'c2'], 'all documents again')
        move.assert_books()
        move.end()
        self.assertIn('event over 16 MB', move.work.lugger('status', 'job.lua').out)
        self.shrink_and_grow(document)
        move.start().follow()
        move.settle(self.server)
        self.assertEqual(self.lengths(move), [large, 'a3', 'b2', 'c2'])
        move.end()

    def test_events_that_were_read_without_documents_are_not_large(self):
        """While it copies, the stream gives keys alone; some of them are followed."""
        self.insert(*({'_id': f'u{i}', 'k': f'u{i}', 'pad': 'z' * 8000} for i in range(300)))
        move = self.move(copy(extra=TAGS + 'throttle = { rows_per_s = 150 },'))
        move.start()
        move.wait_for(move.is_copying, 'the copy')
        for i in itertools.count():
            self.insert({'_id': f'v{i}', 'k': f'v{i}', 'pad': 'v'})
            if move.follows():
                break
        move.settle(self.server)
        self.assertNotIn('over 16 MB', move.end())
        self.assertEqual(move.number("select count(*) from lugger.notices where kind = 'large'"), 0)

    def test_during_the_copy(self):
        """Keys are kept then, and no documents asked for."""
        key = 'L' * KEY
        self.insert(*({'_id': f'u{i}', 'k': f'u{i}', 'pad': 'z' * 8000} for i in range(500)))
        move = self.move(copy(extra=TAGS + 'throttle = { rows_per_s = 150 },'))
        move.start()
        move.wait_for(move.is_copying, 'the copy')
        document = largest(key)
        self.insert(document)
        move.follow()
        move.settle(self.server)
        found = "select length(pad) from docs where k like 'L%'"
        self.assertEqual(move.number(found), len(document['pad']), move.database.query(
            'select document_id, code, left(message, 300) from lugger.rejects'))
        move.end()


if __name__ == '__main__':
    harness.main()
