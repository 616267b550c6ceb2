"""An application that writes as nobody should: every type of _id, the same number in several types, deletes
and inserts again, and transactions over two collections."""
import threading

import bson
from live_moves import Writer
from mongo_wire import CommandError

NAMES = ('docs', 'other')
INFINITY = float('inf')
# Each row is one _id in every form in which the server takes it for the same.
ALONE = [
    [None], [False], [True], [bson.MinKey()], [bson.MaxKey()], [float('nan'), bson.Decimal128('NaN')],
    [-INFINITY, bson.Decimal128('-Infinity')], [INFINITY, bson.Decimal128('Infinity')], [''], [{}],
    [{'a': {'b': bson.Int32(1)}}], [{'b': 'x', 'a': bson.Int32(1)}], [{'a': bson.Int32(1), 'b': 'x'}],
    [{'a': [bson.Int32(1), None]}], [bson.Binary(b'')], [bson.Binary(b'\0\xff', 128)],
    [bson.Binary(b'\1' * 16, 3)], [bson.Code('f()')], [bson.CodeWithScope('f()', {'a': bson.Int32(1)})],
    [bson.Timestamp(1, 0)], [bson.Date(-1)], [bson.Date(253402300800000)], ['\U0001F600'], ['a\nb\tc\\.'],
    [-0.0, 0.0, bson.Int32(0), bson.Int64(0), bson.Decimal128('0'), bson.Decimal128('0.00')],
    [1e300], [5e-324], [bson.Decimal128('1E6000')], [bson.Int64(2 ** 63 - 1)], [bson.Int64(-2 ** 63)],
    [float(2 ** 53), bson.Int64(2 ** 53)], [bson.Int64(2 ** 53 + 1)], [0.1], [bson.Decimal128('0.1')],
    ['null'], ['true'], ['1'], ['NaN'], ['"1"'], ['{}'], ['0' * 24], [bson.ObjectId('0' * 24)],
    [{'$oid': '0' * 24}], [{'$numberLong': '5'}], ["it's"], ['x' * 900],
]


def numbers(i):
    return [bson.Int32(i), bson.Int64(i), float(i), bson.Decimal128(str(i)), bson.Decimal128(f'{i}.000')]


KINDS = [
    lambda i: [bson.ObjectId(f'{i:024x}')], lambda i: [f's{i}'], numbers, lambda i: [i + 0.5],
    lambda i: [bson.Date(i)], lambda i: [{'a': bson.Int32(i), 'b': 'x'}],
    lambda i: [bson.Binary(i.to_bytes(16, 'big'), 4)], lambda i: [bson.Timestamp(i + 1, 1)],
    lambda i: [bson.Int64(i << 33)],
]


def variants(i):
    return ALONE[i] if i < len(ALONE) else KINDS[i % len(KINDS)](i)


class TortureWriter(Writer):
    """`turn` is held by whoever wants it to pause. Two of them meet in the same documents."""
    longest = 8

    def __init__(self, server, seed, count=600, pause=0.002):
        super().__init__(server, seed, count, pause)
        self.turn = threading.Lock()

    def document(self, i):
        return {**super().document(i), '_id': self.random.choice(variants(i)), 'k': str(i)}

    def fill(self):
        with self.server.client() as client:
            for name in NAMES:
                for i in range(0, self.count, 2):
                    try:
                        client.insert(f'shop.{name}', self.document(i))
                    except CommandError:
                        continue
        return self

    def one_id(self):
        return self.random.choice(variants(self.random.randrange(self.count)))

    def command(self):
        """A random change of one document, or of many."""
        pick, name = self.random, self.random.choice(NAMES)
        i = pick.randrange(self.count)
        what = pick.choice(['set', 'set', 'push', 'pull', 'replace', 'delete', 'delete', 'insert', 'insert',
                            'insert', 'upsert', 'many', 'unset', 'large'])
        if what == 'insert':
            return {'insert': name, 'documents': [self.document(i)]}
        if what == 'delete':
            return {'delete': name, 'deletes': [{'q': {'_id': self.one_id()}, 'limit': 1}]}
        n, place = bson.Int32(pick.randrange(10 ** 6)), pick.choice(variants(i))
        if what == 'many':
            return {'update': name, 'updates': [
                {'q': {'n': {'$lt': bson.Int32(30_000)}}, 'u': {'$inc': {'n': bson.Int32(40_000)}},
                 'multi': True}]}
        query, change = {'_id': place}, {
            'set': {'$set': {'n': n, 'pad': 'y' * pick.randrange(50)}},
            'push': {'$push': {'tags': f'p{pick.randrange(9)}'}},
            'pull': {'$set': {'tags': self.tags()}},
            'replace': {**self.document(i), '_id': place},
            'upsert': {**self.document(i), '_id': place},
            'unset': {'$unset': {'pad': ''}},
            'large': {'$set': {'pad': 'L' * pick.randrange(200_000)}},
        }[what]
        return {'update': name, 'updates': [{'q': query, 'u': change, 'upsert': what == 'upsert'}]}

    def write(self, client):
        with self.turn:
            super().write(client)
