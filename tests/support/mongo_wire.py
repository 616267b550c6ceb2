"""MongoDB's wire protocol, as far as tests speak it: OP_MSG, compressed by zlib or not, and OP_QUERY for the
first handshake.

Any peer, ours or a real server, is written to through `MongoClient(port).command(database, {...})`.
"""
import itertools
import socket
import struct
import uuid
import zlib

import bson

OP_REPLY, OP_QUERY, OP_COMPRESSED, OP_MSG = 1, 2004, 2012, 2013
ZLIB = 2
CHECKSUM, MORE_TO_COME = 1, 2
HEADER = struct.Struct('<iiii')
_numbers = itertools.count(1)

CODES = {
    2: 'BadValue', 8: 'UnknownError', 9: 'FailedToParse', 11: 'UserNotFound', 13: 'Unauthorized',
    14: 'TypeMismatch', 20: 'IllegalOperation', 26: 'NamespaceNotFound', 43: 'CursorNotFound',
    48: 'NamespaceExists', 50: 'MaxTimeMSExpired', 53: 'InvalidIdField', 59: 'CommandNotFound',
    66: 'ImmutableField', 72: 'InvalidOptions', 73: 'InvalidNamespace', 91: 'ShutdownInProgress',
    112: 'WriteConflict', 121: 'DocumentValidationFailure', 166: 'CommandNotSupportedOnView',
    168: 'InvalidPipelineOperator', 175: 'QueryPlanKilled', 189: 'PrimarySteppedDown', 237: 'CursorKilled',
    251: 'NoSuchTransaction', 260: 'InvalidResumeToken', 280: 'ChangeStreamFatalError',
    286: 'ChangeStreamHistoryLost', 361: 'CollectionUUIDMismatch', 10107: 'NotWritablePrimary',
    11000: 'DuplicateKey', 11600: 'InterruptedAtShutdown', 11601: 'Interrupted',
    11602: 'InterruptedDueToReplStateChange', 13435: 'NotPrimaryNoSecondaryOk',
    13436: 'NotPrimaryOrSecondary',
}


class CommandError(Exception):
    """A command's error reply: what servers here raise and clients get."""

    def __init__(self, code, message, labels=(), extra=None):
        super().__init__(f'{code} {CODES.get(code, f"Location{code}")}: {message}')
        self.code, self.message, self.labels, self.extra = code, message, list(labels), extra or {}

    @property
    def name(self):
        return CODES.get(self.code, f'Location{self.code}')

    def reply(self):
        """The reply's fields in the server's order."""
        labels = {'errorLabels': self.labels} if self.labels else {}
        return {**labels, **self.extra, 'ok': 0.0, 'errmsg': self.message, 'code': self.code,
                'codeName': self.name}


class Message:
    """One message: `body` is a dict, in which an OP_MSG's document sequences are lists of Raw documents."""

    def __init__(self, body, number=None, answers=0, kind=OP_MSG, flags=0):
        self.body, self.kind, self.answers, self.flags = body, kind, answers, flags
        self.number = next(_numbers) if number is None else number

    def encode(self):
        document = self.body if isinstance(self.body, bytes) else bson.encode(self.body)
        if self.kind == OP_REPLY:
            payload = struct.pack('<iqii', 8, 0, 0, 1) + document
        else:
            payload = struct.pack('<IB', self.flags, 0) + document
        return HEADER.pack(len(payload) + 16, self.number, self.answers, self.kind) + payload


def compressed(data):
    """A message's bytes, as one that is compressed."""
    size, number, answers, kind = HEADER.unpack_from(data)
    payload = struct.pack('<iiB', kind, size - 16, ZLIB) + zlib.compress(data[16:])
    return HEADER.pack(len(payload) + 16, number, answers, OP_COMPRESSED) + payload


def expanded(data):
    """The bytes of a message that may be compressed, and whether it was."""
    _, number, answers, kind = HEADER.unpack_from(data)
    if kind != OP_COMPRESSED:
        return data, False
    inner, size, compressor = struct.unpack_from('<iiB', data, 16)
    if compressor != ZLIB:
        raise ValueError(f'no compressor {compressor} is known here')
    payload = zlib.decompress(data[25:])
    return HEADER.pack(size + 16, number, answers, inner) + payload, True


def receive_exactly(connection, count):
    """`count` bytes, or nothing when the other side closed."""
    data = bytearray(count)
    view, at = memoryview(data), 0
    while at < count:
        got = connection.recv_into(view[at:])
        if got == 0:
            return None
        at += got
    return bytes(data)


def receive_bytes(connection):
    """The bytes of the next message with its header; None when the connection ended."""
    head = receive_exactly(connection, 16)
    rest = head and receive_exactly(connection, HEADER.unpack(head)[0] - 16)
    return head + rest if rest else None


def receive(connection):
    data = receive_bytes(connection)
    return decode(data) if data else None


def _sections(payload, end):
    """The body of an OP_MSG with its document sequences."""
    body, sequences, at = {}, {}, 4
    while at < end:
        kind, at = payload[at], at + 1
        size = struct.unpack_from('<i', payload, at)[0]
        if kind == 0:
            body = bson.decode(payload[at:at + size])
        else:
            name_end = payload.index(b'\0', at + 4)
            name, place, documents = payload[at + 4:name_end].decode(), name_end + 1, []
            while place < at + size:
                length = struct.unpack_from('<i', payload, place)[0]
                documents.append(bson.Raw(0x03, payload[place:place + length]))
                place += length
            sequences[name] = documents
        at += size
    return {**body, **sequences}


def decode(data):
    """A message of its bytes."""
    size, number, answers, kind = HEADER.unpack_from(data)
    payload = data[16:]
    if kind == OP_MSG:
        flags = struct.unpack_from('<I', payload)[0]
        end = len(payload) - (4 if flags & CHECKSUM else 0)
        return Message(_sections(payload, end), number, answers, kind, flags)
    if kind == OP_QUERY:
        name_end = payload.index(b'\0', 4)
        body = bson.decode(payload[name_end + 9:])
        database = payload[4:name_end].decode().split('.')[0]
        return Message({**body.get('$query', body), '$db': database}, number, answers, kind)
    if kind == OP_REPLY:
        return Message(bson.decode(payload[20:]), number, answers, kind)
    raise ValueError(f'no message of kind {kind} is known here')


class MongoClient:
    """One connection to a server on this machine; made anew after it was lost."""

    def __init__(self, port, host='127.0.0.1', timeout=60):
        self.address, self.timeout, self.connection = (host, port), timeout, None
        self.session = {'id': bson.Binary(uuid.uuid4().bytes, 4)}
        self.transactions = itertools.count(1)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, database, command):
        """The reply's body; CommandError when it says no, OSError when the connection broke."""
        try:
            if self.connection is None:
                self.connection = socket.create_connection(self.address, self.timeout)
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connection.sendall(Message({**command, '$db': database}).encode())
            answer = receive(self.connection)
            if answer is None:
                raise ConnectionError('the server closed the connection')
        except OSError:
            self.close()
            raise
        return self._checked(answer.body)

    @staticmethod
    def _checked(body):
        if not body.get('ok'):
            error = CommandError(body.get('code', 8), body.get('errmsg', ''), body.get('errorLabels', ()))
            error.answer = body
            raise error
        if body.get('writeErrors'):
            first = bson.plain(body['writeErrors'][0])
            error = CommandError(first['code'], first['errmsg'])
            error.answer = body
            raise error
        return body

    def insert(self, namespace, *documents, **more):
        database, _, name = namespace.partition('.')
        return self.command(database, {'insert': name, 'documents': list(documents), **more})

    def update(self, namespace, query, change, multi=False, upsert=False, **more):
        database, _, name = namespace.partition('.')
        return self.command(database, {'update': name, 'updates': [
            {'q': query, 'u': change, 'multi': multi, 'upsert': upsert}], **more})

    def delete(self, namespace, query, limit=0, **more):
        database, _, name = namespace.partition('.')
        return self.command(database, {'delete': name, 'deletes': [{'q': query, 'limit': limit}], **more})

    def batches(self, database, command):
        """Every batch of a cursor's command."""
        cursor = self.command(database, command)['cursor']
        size = {'batchSize': command['batchSize']} if 'batchSize' in command else {}
        yield cursor['firstBatch']
        while cursor['id'].value:
            name = cursor['ns'].partition('.')[2]
            cursor = self.command(database, {'getMore': cursor['id'], 'collection': name, **size})['cursor']
            yield cursor['nextBatch']

    def find(self, namespace, query=None, **more):
        """Every document that answers, through all batches."""
        database, _, name = namespace.partition('.')
        command = {'find': name, 'filter': query or {}, **more}
        return [document for batch in self.batches(database, command) for document in batch]

    def transaction(self, database, commands, commit=True):
        """The commands in one transaction of this client's session."""
        number = bson.Int64(next(self.transactions))
        marks = {'lsid': self.session, 'txnNumber': number, 'autocommit': False}
        for place, command in enumerate(commands):
            begin = {'startTransaction': True} if place == 0 else {}
            try:
                self.command(database, {**command, **marks, **begin})
            except CommandError:
                self._abort(marks)
                raise
        end = 'commitTransaction' if commit else 'abortTransaction'
        return self.command('admin', {end: 1, **marks, 'writeConcern': {'w': 'majority'}})

    def _abort(self, marks):
        """A failed command has ended its transaction on a real server; elsewhere its locks would stay."""
        try:
            self.command('admin', {'abortTransaction': 1, **marks})
        except CommandError:
            pass
