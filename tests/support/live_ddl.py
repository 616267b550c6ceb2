"""Jobs whose collection is dropped or renamed as a whole while they follow it."""
import bson
from live_case import LiveCase
from live_moves import TAGS, copy

DROP, DATABASE = {'drop': 'docs'}, {'dropDatabase': 1}
AWAY = {'renameCollection': 'shop.docs', 'to': 'shop.older'}
ONTO = {'renameCollection': 'shop.other', 'to': 'shop.docs', 'dropTarget': True}


def on_ddl(policy):
    """A job with a policy, as the script writes it."""
    return copy(extra=f'{TAGS} on_ddl = {policy},')


class Following(LiveCase):
    def following(self, policy, *more):
        self.insert({'_id': 'a', 'k': 'a', 'n': bson.Int32(1), 'tags': ['x', 'y']}, {'_id': 'b', 'k': 'b'})
        move = self.move(on_ddl(policy), *more)
        move.start().follow(jobs=1 + len(more))
        move.settle(self.server)
        return move

    def rows_of(self, move):
        return move.database.query("select k from docs where k not like 'mark%' order by 1").split()

    def wait_for_rows(self, move, *rows):
        move.wait_for(lambda: self.rows_of(move) == list(rows), f'the rows are {rows}')

    def noticed(self, move):
        return move.database.query("select kind, name, count from lugger.notices where kind <> 'collections' "
                                   'order by first_at, kind')
