"""Documents that come to be meant by a job and cease to be: by a query, and by a hook that skips them."""
import bson
import harness
from harness import lua
from live_case import LiveCase
from live_moves import SLOW, TAGS, copy

SKIPS = "map = function(row, doc) if doc.pad == 'hidden' then return lugger.skip 'hidden' end end,"
WHERE = "{ pad = { ['$ne'] = 'hidden' } }"


def queried(extra=TAGS):
    name = 'collection = ' + lua('shop.docs')
    text = copy(extra=extra)
    assert name in text
    return text.replace(name, f'{name}, where = {WHERE}')


class Where(LiveCase):
    def rows_of(self, move):
        return move.database.query("select k from docs where k not like 'mark%' order by 1").split()

    def fill(self, count=6):
        self.insert(*({'_id': f'u{i}', 'k': f'u{i}', 'n': bson.Int32(i), 'pad': 'hidden' if i % 2 else 'seen',
                       'tags': ['a', 'b']} for i in range(count)))

    def come_and_go(self, job):
        self.fill()
        move = self.move(job)
        move.start().follow()
        move.settle(self.server)
        self.assertEqual(self.rows_of(move), ['u0', 'u2', 'u4'])
        self.update({'_id': 'u0'}, {'$set': {'pad': 'hidden'}})
        self.update({'_id': 'u1'}, {'$set': {'pad': 'seen'}})
        self.update({'_id': 'u2'}, {'$set': {'n': bson.Int32(20)}})
        self.update({'_id': 'u3'}, {'$set': {'n': bson.Int32(30)}})
        self.insert({'_id': 'u6', 'k': 'u6', 'pad': 'hidden'}, {'_id': 'u7', 'k': 'u7', 'pad': 'seen'})
        with self.server.client() as client:
            client.update('shop.docs', {'_id': 'u4'}, {'k': 'u4', 'pad': 'hidden'})
            client.delete('shop.docs', {'_id': 'u5'})
        move.settle(self.server)
        self.assertEqual(self.rows_of(move), ['u1', 'u2', 'u7'])
        self.assertEqual(move.number("select n from docs where k = 'u2'"), 20)
        tags = "select count(*) from docs_tags where parent_mongo_id in ('u0', 'u4')"
        self.assertEqual(move.number(tags), 0)
        # Away and back within one stretch, and back to stay.
        for pad in ('seen', 'hidden', 'seen'):
            self.update({'_id': 'u0'}, {'$set': {'pad': pad}})
        move.settle(self.server)
        self.assertEqual(self.rows_of(move), ['u0', 'u1', 'u2', 'u7'])
        self.assertEqual(move.number('select count(*) from lugger.rejects'), 0)
        move.assert_books()
        move.end()
        return move

    def test_documents_that_satisfy_a_query(self):
        move = self.come_and_go(queried())
        self.assertIn('equal', move.work.lugger('verify', 'job.lua').out)

    def test_documents_that_a_hook_skips(self):
        move = self.come_and_go(copy(extra=TAGS + SKIPS))
        self.assertGreater(move.number("select sum(skipped) from lugger.partitions p join lugger.runs r "
                                       "using (run) where mode = 'follow'"), 0)

    def test_a_change_during_the_copy(self):
        for job in (queried(TAGS + SLOW % 300), copy(extra=TAGS + SKIPS + SLOW % 300)):
            with self.subTest(job), self.server.client() as client:
                client.command('shop', {'dropDatabase': 1})
                bulk = {'pad': 'seen', 'tags': ['a'], 'bulk': 'z' * 8000}
                documents = [{'_id': f'u{i:04}', 'k': f'u{i:04}', **bulk} for i in range(1500)]
                for at in range(0, 1500, 500):
                    client.insert('shop.docs', *documents[at:at + 500])
                move = self.move(job)
                move.start()
                move.wait_for(move.is_copying, 'the copy')
                for i in (0, 1, 1498, 1499):
                    self.update({'_id': f'u{i:04}'}, {'$set': {'pad': 'hidden'}})
                move.follow()
                move.settle(self.server)
                self.assertEqual(len(self.rows_of(move)), 1496)
                move.assert_books()
                move.end()

    def test_beside_a_job_whose_events_carry_documents(self):
        self.fill()
        self.insert({'_id': 'x', 'k': 'x'}, name='users')
        move = self.move(queried(), copy('shop.users', 'users', extra=''))
        move.start().follow(jobs=2)
        self.insert({'_id': 'v0', 'k': 'v0', 'pad': 'hidden'}, {'_id': 'v1', 'k': 'v1', 'pad': 'seen'})
        with self.server.client() as client:
            client.update('shop.docs', {'_id': 'u0'}, {'k': 'u0', 'pad': 'hidden'})
        move.settle(self.server)
        self.assertEqual(self.rows_of(move), ['u2', 'u4', 'v1'])
        move.end()

    def test_a_query_that_is_none(self):
        self.fill()
        move = self.move(queried().replace(WHERE, "'{ pad: '"))
        self.assertIn('where is no query', move.start().ended(1))
        move = self.move(queried().replace(WHERE, "{ pad = { ['$nothing'] = 1 } }"))
        self.assertIn('$nothing', move.start().ended(1))


if __name__ == '__main__':
    harness.main()
