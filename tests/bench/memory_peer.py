"""A MongoDB that costs next to nothing: a replica set whose one collection, shop.users, lies in memory as
the replies contain it, so that a batch of documents or events is a slice that is sent as it is.

    memory_peer.py users.bson                              the documents
    memory_peer.py users.bson --events IDS --kind KIND     and changes of them, recorded, in that order
    memory_peer.py users.bson --live RATE                  and changes that happen from the first getMore on

Documents are those of gen.py: their _ids are in order and end with the document's number.
"""
import argparse
import bisect
import itertools
import os
import random
import re
import socket
import socketserver
import struct
import sys
import threading
import time
from array import array
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import bson  # noqa: E402
import mongo_stream  # noqa: E402
import mongo_wire  # noqa: E402
from mongo_wire import CommandError, Message  # noqa: E402

DATABASE, COLLECTION = 'shop', 'users'
NAMESPACE = f'{DATABASE}.{COLLECTION}'
UUID = bytes(range(16))
REPLY_BYTES = 16 << 20      # what a server puts into a reply at most
FIRST = 101
PER_SECOND = 2000           # recorded events of one second of the cluster's time
ELEMENT = b'\x030\0'        # "0": {...}; readers of an array do not look at the names
PULSE = 20                  # of the changes that happen, each one of so many is of the first document
NAMES = (b'User Number ', b'User Change ')
IN = re.compile(rb'\x07\d+\0(.{12})', re.DOTALL)
LOOK_UP = re.compile(rb'.{25}\x02find\0.{4}users\0\x03filter\0.{4}\x03_id\0.{4}\x04\$in\0', re.DOTALL)


class Elements:
    """Documents as an array of BSON has them, in one piece of memory."""

    def __init__(self):
        self.bytes, self.ends = bytearray(), array('Q', [0])

    def __len__(self):
        return len(self.ends) - 1

    def add(self, document):
        self.bytes += ELEMENT + document
        self.ends.append(len(self.bytes))

    def slice(self, begin, end):
        """As many as a reply holds, at least one: the bytes, and the number of the first that is left."""
        last = bisect.bisect_right(self.ends, self.ends[begin] + REPLY_BYTES, begin, end + 1) - 1
        last = min(end, max(last, begin + 1))
        return memoryview(self.bytes)[self.ends[begin]:self.ends[last]], last

    def __getitem__(self, number):
        return memoryview(self.bytes)[self.ends[number] + len(ELEMENT):self.ends[number + 1]]


def documents_of(data):
    out, at = Elements(), 0
    while at < len(data):
        size = struct.unpack_from('<i', data, at)[0]
        out.add(data[at:at + size])
        at += size
    return out


def key_of(number):
    return bytes.fromhex('64f1c0a2') + struct.pack('>Q', number)


def number_of(key):
    return struct.unpack_from('>Q', key, 4)[0]


class EventForm:
    """An event around its document, made of pieces that only differ in time and key."""

    def __init__(self, kind):
        key = {'_id': bson.ObjectId(key_of(0).hex())}
        self.whole = kind == 'replace'
        self.token = mongo_stream.token((0, 0), uuid=UUID, key=key)['_data'][18:].encode()
        token = len(self.token) + 18
        self.head = (b'\x03_id\0' + struct.pack('<i', token + 17) + b'\x02_data\0'
                     + struct.pack('<i', token + 1) + b'82')
        self.after_token = (b'\0\0\x02operationType\0' + bson.string(kind) + b'\x11clusterTime\0')
        self.tail = (b'\x03ns\0' + bson.encode({'db': DATABASE, 'coll': COLLECTION})
                     + b'\x03documentKey\0' + struct.pack('<i', 22) + b'\x07_id\0')

    def make(self, ts, number, document):
        body = b''.join((self.head, b'%08X%08X' % ts, self.token, self.after_token,
                         struct.pack('<II', ts[1], ts[0]), b'\x03fullDocument\0' if self.whole else b'',
                         document if self.whole else b'', self.tail, key_of(number), b'\0\0'))
        return struct.pack('<i', len(body) + 4) + body


class Recorded:
    """Events that lie there since a while, each of another document."""

    def __init__(self, documents, kind, path):
        self.ids = [int(line[8:], 16) for line in Path(path).read_text(encoding='ascii').split()]
        self.base, self.events, form = int(time.time()) - 7200, Elements(), EventForm(kind)
        for place, number in enumerate(self.ids):
            self.events.add(form.make(self.time_of(place), number, documents[number]))

    def time_of(self, place):
        return self.base + place // PER_SECOND, place % PER_SECOND + 1

    def now(self):
        return self.base + len(self.ids) // PER_SECOND + 60, 1

    def behind(self, ts):
        """The place of the first event at this time or later."""
        return min(max(0, (ts[0] - self.base) * PER_SECOND + ts[1] - 1), len(self.ids))

    def read(self, place, count):
        """Bytes of so many events from a place on, and the place behind them."""
        if place < len(self.ids):
            return self.events.slice(place, min(len(self.ids), place + count))
        time.sleep(0.05)
        return b'', place


class Live:
    """Changes that happen, so many a second: every second is a replacement, the others are updates. Those of
    the first document tell by `updatedAt` when they were made."""

    def __init__(self, documents, rate):
        self.documents, self.rate, self.begin = documents, rate, None
        self.lock = threading.Lock()
        self.forms = EventForm('replace'), EventForm('update')
        self.base = int(time.time())
        rng = random.Random(3)
        self.numbers = [rng.randrange(1, len(documents)) for _ in range(1 << 16)]

    def number(self, place):
        return 0 if place % PULSE == 0 else self.numbers[place % len(self.numbers)]

    def happened(self):
        return 0 if self.begin is None else int((time.time() - self.begin) * self.rate)

    def time_of(self, place):
        return self.base + place // self.rate, place % self.rate + 1

    def now(self):
        return self.time_of(self.happened())

    def behind(self, ts):
        return max(0, (ts[0] - self.base) * self.rate + ts[1] - 1)

    def pulse(self, place):
        """The first document as the event of this place left it."""
        made = int((self.begin + place / self.rate) * 1000)
        return bytes(self.documents[0][:-9]) + struct.pack('<q', made) + b'\0'

    def read(self, place, count):
        with self.lock:
            if self.begin is None:
                self.begin = time.time()
                self.base = int(self.begin)
        end = time.monotonic() + 1
        while (ready := self.happened()) <= place:
            if time.monotonic() > end:
                return b'', place
            time.sleep(0.001)
        ready, out = min(ready, place + count), []
        for at in range(place, ready):
            number = self.number(at)
            document = self.documents[number] if number else self.pulse(at)
            form = self.forms[0 if number == 0 else at & 1]
            out += ELEMENT, form.make(self.time_of(at), number, document)
        return b''.join(out), ready


class Peer:
    def __init__(self, documents, changes):
        self.documents, self.changes = documents, changes
        self.cursors, self.numbers, self.connections = {}, itertools.count(1 << 40), itertools.count(1)
        self.server = _Server(('127.0.0.1', 0), _Handler)
        self.server.peer = self
        self.address = f'127.0.0.1:{self.server.server_address[1]}'

    def now(self):
        return bson.Timestamp(*(self.changes.now() if self.changes else (int(time.time()), 1)))

    # Commands: each gives a dict, or pieces of a reply
    def hello(self, body):
        old = 'hello' not in body
        return {'helloOk': True, 'hosts': [self.address], 'setName': 'rs0', 'setVersion': bson.Int32(1),
                'ismaster' if old else 'isWritablePrimary': True, 'secondary': False, 'primary': self.address,
                'me': self.address, 'maxBsonObjectSize': bson.Int32(REPLY_BYTES),
                'maxMessageSizeBytes': bson.Int32(48000000), 'maxWriteBatchSize': bson.Int32(100000),
                'localTime': bson.Date(int(time.time() * 1000)),
                'logicalSessionTimeoutMinutes': bson.Int32(30), 'minWireVersion': bson.Int32(0),
                'maxWireVersion': bson.Int32(12), 'readOnly': False}

    def list_collections(self, _):
        return self.listed([{'name': COLLECTION, 'type': 'collection', 'options': {},
                             'info': {'readOnly': False, 'uuid': bson.Binary(UUID, 4)}}])

    def list_indexes(self, _):
        return self.listed([{'v': bson.Int32(2), 'key': {'_id': bson.Int32(1)}, 'name': '_id_'}])

    @staticmethod
    def listed(documents):
        return {'cursor': {'firstBatch': documents, 'id': bson.Int64(0), 'ns': f'{DATABASE}.$cmd'}}

    def sizes(self, _):
        return {'ns': NAMESPACE, 'size': bson.Int64(len(self.documents.bytes)),
                'count': bson.Int64(len(self.documents))}

    def find(self, body):
        if 'min' in body and 'hint' not in body:
            raise CommandError(51173, 'When using min()/max() a hint of which index to use must be provided')
        if body.get('filter') or body.get('$db') != DATABASE:
            return self.reply('firstBatch', b'', 0)
        begin = number_of(bytes.fromhex(body['min']['_id'].hex)) if 'min' in body else 0
        end = number_of(bytes.fromhex(body['max']['_id'].hex)) if 'max' in body else len(self.documents)
        return self.scan('firstBatch', begin, end, body.get('batchSize', FIRST))

    def scan(self, word, begin, end, count):
        if begin >= end:
            return self.reply(word, b'', 0)
        piece, last = self.documents.slice(begin, min(end, begin + count) if count else end)
        return self.reply(word, piece, self.keep(('scan', last, end)) if last < end else 0)

    def looked_up(self, raw):
        """All at once; a question holds no more than a reply can."""
        at = LOOK_UP.match(raw).end()
        end, out = at + struct.unpack_from('<i', raw, at)[0], []
        for found in IN.finditer(raw, at + 4, end):
            out += ELEMENT, self.documents[number_of(found[1])]
        return self.reply('firstBatch', b''.join(out), 0)

    def aggregate(self, body):
        first = body['pipeline'][0]
        if '$sample' in first:
            step = max(1, len(self.documents) // first['$sample']['size'])
            keys = [{'_id': bson.ObjectId(key_of(number).hex())}
                    for number in range(step, len(self.documents), step)]
            return {'cursor': {'firstBatch': keys, 'id': bson.Int64(0), 'ns': NAMESPACE}}
        if '$changeStream' not in first or self.changes is None:
            raise CommandError(40324, f'Unrecognized pipeline stage name: {next(iter(first))!r}')
        token = first['$changeStream'].get('startAfter') or first['$changeStream'].get('resumeAfter')
        if token:
            ts = mongo_stream.Position(token).ts
            place = self.changes.behind((ts[0], ts[1] + 1))
        else:
            start = first['$changeStream'].get('startAtOperationTime')
            place = self.changes.behind((start.seconds, start.increment) if start else self.changes.now())
        return self.reply('firstBatch', b'', self.keep(('stream', place)), self.changes.time_of(place))

    def get_more(self, body):
        number = body['getMore'].value
        if number not in self.cursors:
            raise CommandError(43, f'cursor id {number} not found')
        kind, place, *rest = self.cursors[number]
        if kind == 'scan':
            end = rest[0]
            piece, last = self.documents.slice(place, min(end, place + (body.get('batchSize') or end)))
            self.cursors[number] = kind, last, end
            if last == end:
                del self.cursors[number]
                number = 0
            return self.reply('nextBatch', piece, number)
        piece, last = self.changes.read(place, body.get('batchSize') or 1 << 30)
        self.cursors[number] = kind, last
        return self.reply('nextBatch', piece, number, self.changes.time_of(max(0, last - 1)))

    def kill(self, body):
        for number in body['cursors']:
            self.cursors.pop(number.value, None)
        return {'cursorsKilled': body['cursors']}

    def keep(self, cursor):
        number = next(self.numbers)
        self.cursors[number] = cursor
        return number

    def reply(self, word, elements, number, high_water=None):
        """{cursor: {WORD: [...], id, ns}, ok: 1, operationTime} around the elements, in pieces."""
        rest = b'\0\x12id\0' + struct.pack('<q', number) + b'\x02ns\0' + bson.string(NAMESPACE)
        if high_water:
            rest += b'\x03postBatchResumeToken\0' + bson.encode(mongo_stream.high_water(high_water))
        now = self.now()
        tail = (rest + b'\0\x01ok\0' + struct.pack('<d', 1) + b'\x11operationTime\0'
                + struct.pack('<II', now.increment, now.seconds) + b'\0')
        name = b'\x04' + word.encode() + b'\0'
        batch = len(elements) + 5
        cursor = 4 + len(name) + batch - 1 + len(rest) + 1
        whole = 4 + len(b'\x03cursor\0') + 4 + len(name) + 4 + len(elements) + len(tail)
        head = (struct.pack('<i', whole) + b'\x03cursor\0' + struct.pack('<i', cursor) + name
                + struct.pack('<i', batch))
        return head, elements, tail

    def answer(self, raw):
        if LOOK_UP.match(raw):      # nothing of it is decoded but the keys
            return self.framed(self.looked_up(raw), mongo_wire.HEADER.unpack_from(raw)[1])
        message = mongo_wire.decode(raw)
        body = message.body
        name = next(iter(body))
        try:
            if name not in COMMANDS:
                raise CommandError(59, f"no such command: '{name}'")
            found = COMMANDS[name](self, body)
        except CommandError as error:
            found = error.reply()
        if isinstance(found, dict):
            kind = mongo_wire.OP_REPLY if message.kind == mongo_wire.OP_QUERY else mongo_wire.OP_MSG
            return [Message({'ok': 1.0, **found, 'operationTime': self.now()}, answers=message.number,
                            kind=kind).encode()]
        return self.framed(found, message.number)

    @staticmethod
    def framed(pieces, number):
        size = sum(map(len, pieces)) + 21
        head = mongo_wire.HEADER.pack(size, 1, number, mongo_wire.OP_MSG) + struct.pack('<IB', 0, 0)
        return [head + pieces[0], pieces[1], pieces[2]]


COMMANDS = {
    'hello': Peer.hello, 'isMaster': Peer.hello, 'ismaster': Peer.hello, 'collStats': Peer.sizes,
    'listCollections': Peer.list_collections, 'listIndexes': Peer.list_indexes, 'find': Peer.find,
    'aggregate': Peer.aggregate, 'getMore': Peer.get_more, 'killCursors': Peer.kill,
    'listDatabases': lambda *_: {'databases': [{'name': DATABASE}]}, 'ping': lambda *_: {},
    'endSessions': lambda *_: {},
}


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size, block_on_close = True, True, 64, False


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while raw := mongo_wire.receive_bytes(self.request):
                for piece in self.server.peer.answer(raw):
                    self.request.sendall(piece)
        except OSError:
            pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('documents')
    parser.add_argument('--events', help='a file of _ids, one a line')
    parser.add_argument('--kind', default='replace', choices=('replace', 'update'))
    parser.add_argument('--live', type=int, help='changes a second')
    options = parser.parse_args()
    data = Path(options.documents).read_bytes()
    if options.events:
        data = data.replace(*NAMES)
    documents, changes = documents_of(data), None
    del data
    if options.events:
        changes = Recorded(documents, options.kind, options.events)
    elif options.live:
        changes = Live(documents, options.live)
    peer = Peer(documents, changes)
    threading.Thread(target=peer.server.serve_forever, daemon=True).start()
    print(f'mongodb://{peer.address}/?replicaSet=rs0', flush=True)
    if options.events:
        print(changes.base, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == '__main__':
    main()
