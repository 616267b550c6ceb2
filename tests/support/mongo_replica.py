"""A replica set of one member, in memory, for tests: it answers what a reader, a writer and a follower of
MongoDB send, in the form in which a real server was recorded, and lets tests break it in known ways."""
import collections
import itertools
import json
import math
import os
import random
import socket
import socketserver
import sys
import threading
import time
from pathlib import Path

import bson
import mongo_commands
import mongo_wire
import mongo_writes
from mongo_store import Collection, Session, Store, change
from mongo_wire import CommandError, Message

COMMANDS = {**mongo_commands.COMMANDS, **mongo_writes.COMMANDS}
WRITES = tuple(mongo_writes.COMMANDS)
RESUMABLE = (6, 7, 63, 89, 91, 133, 150, 189, 234, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436)
HELLO = ('hello', 'isMaster', 'ismaster')
LABELLED = 9        # 4.4: errors of change streams say whether to go on; and there is hello
RECORDED = 12       # the version of the recordings
UNSIGNED = {'hash': bytes(20), 'keyId': bson.Int64(0)}


class Request:
    """One command with what belongs to it."""

    def __init__(self, replica, body, connection):
        self.replica, self.body, self.connection = replica, body, connection
        self.name, self.database = next(iter(body)), body.get('$db', 'admin')
        self.transaction = None

    def session_id(self):
        return self.body['lsid']['id'].data if 'lsid' in self.body else None

    def session_key(self):
        return self.session_id(), self.body['txnNumber'].value if 'txnNumber' in self.body else None

    def join_transaction(self):
        """The transaction that the command belongs to, begun by it if it says so."""
        if self.body.get('autocommit', True) or 'txnNumber' not in self.body:
            return
        open_ones, key = self.replica.transactions, self.session_key()
        if self.body.get('startTransaction'):
            open_ones[key] = Session(self.replica.store, self.body['lsid'], self.body['txnNumber'])
        self.transaction = open_ones.get(key)
        if self.transaction is None:
            raise mongo_writes.no_such_transaction()


class Replica:
    """`wire` is the newest wire version that it claims; `set_name` None makes it a standalone;
    `window` is how many seconds the oplog reaches back, None for ever."""
    name = 'the replica of the tests'

    def __init__(self, wire=RECORDED, set_name='rs0', port=0, noop_seconds=10, window=None):
        self.wire, self.set_name, self.noop_seconds, self.window = wire, set_name, noop_seconds, window
        self.store, self.cursors, self.transactions, self.answered = Store(), {}, {}, {}
        self.changed = threading.Condition(threading.RLock())
        self.primary, self.term, self.elections, self.stopping = True, 1, 0, False
        self.process, self.started = mongo_writes.new_id(), {}
        self.others, self.told = [], {}     # members that are not there; what a handshake says besides
        self.past, self.past_at, self.lagging, self.heard = None, None, None, None
        self.failures, self.delays, self.commands = [], {}, collections.deque(maxlen=10_000)
        self.packed = 0     # replies that were compressed
        self.connections, self.numbers, self.port, self.server = set(), itertools.count(1), port, None
        self.start()

    # Life
    def start(self):
        self.stopping = False
        self.server = _Server(('127.0.0.1', self.port), self)
        self.port = self.server.server_address[1]
        self.address = f'127.0.0.1:{self.port}'
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        """Ends all connections and stops listening; the data stay."""
        with self.changed:
            self.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.drop_connections()

    kill = destroy = stop

    def restart(self, _=None):
        """A server that went down and came back: cursors and open transactions are gone."""
        self.stop()
        with self.changed:
            self.cursors, self.transactions, self.store.locks = {}, {}, {}
            self.process, self.elections = mongo_writes.new_id(), self.elections + 1
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def url(self):
        options = f'?replicaSet={self.set_name}' if self.set_name else '?directConnection=true'
        return f'mongodb://{self.address}/{options}'

    def client(self):
        return mongo_wire.MongoClient(self.port)

    # Data
    def load_dump(self, directory):
        """The collections of a mongodump directory: DIRECTORY/database/collection.bson."""
        with self.changed:
            for path in sorted(Path(directory).glob('*/*.metadata.json')):
                self._load(path.parent.name, path.name.removesuffix('.metadata.json'), path)

    def _load(self, database, name, metadata):
        about = json.loads(metadata.read_text(encoding='utf-8'))
        options = bson.from_extended(about.get('options') or {})
        kind = 'view' if 'viewOn' in options else 'collection'
        collection = self.store.create(database, name, options, kind)
        collection.indexes = bson.from_extended(about.get('indexes') or [])
        if about.get('uuid'):
            collection.uuid = bytes.fromhex(about['uuid'])
        documents = metadata.with_name(f'{name}.bson')
        if documents.exists():
            collection.fill(bson.split(documents.read_bytes()))

    def serve(self, namespace, raw):
        """A collection out of a BSON file's bytes, of which only the ids are decoded. No events."""
        database, _, name = namespace.partition('.')
        collection = Collection(name)
        collection.fill(bson.split(raw))
        with self.changed:
            self.store.databases.setdefault(database, {})[name] = collection

    # What tests do to it
    def trim_oplog(self, before=None):
        """Forgets the oplog before a time (seconds, increment), or all but its last entry."""
        with self.changed:
            self.store.oplog.trim(before or self.store.oplog.last)

    def advance_clock(self, seconds):
        """Lets the cluster's time pass."""
        with self.changed:
            self.store.oplog.offset += seconds
            self.tick()

    def kill_cursors(self):
        with self.changed:
            self.cursors = {}
            self.changed.notify_all()

    def fail(self, command, error, times=1):
        """The next `times` commands of a name answer with an error."""
        self.failures += [(command, error)] * times

    def delay(self, command, seconds):
        """Every command of a name waits first; 0 ends it."""
        self.delays[command] = seconds

    def step_down(self):
        """No primary until `step_up`: writes are refused and waiting reads end."""
        with self.changed:
            self.primary, self.elections = False, self.elections + 1
            for session in self.transactions.values():
                session.end(False)
            self.transactions = {}
            self.changed.notify_all()

    def step_up(self):
        with self.changed:
            self.primary, self.term, self.elections = True, self.term + 1, self.elections + 1
            self.store.noop()
            self.changed.notify_all()

    def drop_connections(self):
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def lag(self, seconds=math.inf):
        """From now on a read that does not say `afterClusterTime` sees the data as they were so long ago."""
        with self.changed:
            self.lagging = seconds
            self.past = {database: {name: collection.copy() for name, collection in collections.items()}
                         for database, collections in self.store.databases.items()}
            self.past_at = self.store.oplog.last

    def catch_up(self):
        with self.changed:
            self.lagging = self.past = self.heard = None

    def turn_deaf(self):
        """From now on reads are answered by a member that learns the cluster's time from clients alone."""
        with self.changed:
            self.heard = self.store.oplog.last

    def hear(self, body):
        told = (body.get('$clusterTime') or {}).get('clusterTime')
        if self.heard and told:
            self.heard = max(self.heard, (told.seconds, told.increment))

    # What commands ask of it
    def topology(self):
        return {'processId': self.process, 'counter': bson.Int64(self.elections + 6)}

    def election(self):
        return bson.ObjectId(f'7fffffff{self.term:016x}')

    def timestamp(self):
        return bson.Timestamp(*self.store.oplog.last)

    def op_time(self):
        if not self.set_name:
            return {}
        return {'opTime': {'ts': self.timestamp(), 't': bson.Int64(self.term)}, 'electionId': self.election()}

    def existing(self, database, name):
        collection = self.store.find(database, name)
        if collection is None:
            raise CommandError(26, f'ns does not exist: {database}.{name}')
        if collection.kind == 'view':
            raise CommandError(166, f'Namespace {database}.{name} is a view, not a collection')
        return collection

    def must_be_primary(self):
        if not self.primary:
            raise self.topology_error(10107, 'not primary')

    def must_be_readable(self, request):
        mode = (request.body.get('$readPreference') or {}).get('mode', 'primary')
        if not self.primary and mode == 'primary':
            raise self.topology_error(13435, 'not primary and secondaryOk=false')

    def interrupted(self):
        if self.stopping:
            return self.topology_error(11600, 'interrupted at shutdown')
        return self.topology_error(11602, 'operation was interrupted')

    def topology_error(self, code, message):
        return CommandError(code, message, extra={'topologyVersion': self.topology()})

    def reads_fresh(self, body):
        """Whether a read has the present; one that names a time to come is refused."""
        after = (body.get('readConcern') or {}).get('afterClusterTime')
        if after and (after.seconds, after.increment) > (self.heard or self.store.oplog.last):
            raise CommandError(72, 'readConcern afterClusterTime value must not be greater than the current '
                               'clusterTime.')
        return bool(after) and (self.past is None or (after.seconds, after.increment) > self.past_at)

    def seen(self, database, name, fresh):
        """A collection as a read sees it."""
        if self.past is None or fresh:
            return self.store.find(database, name)
        until = self.store.oplog.now() - self.lagging
        entries = self.store.oplog.entries
        for entry in entries[self.store.oplog.after((self.past_at[0], self.past_at[1] + 1)):]:
            if entry.ts[0] > until:
                break
            if entry.kind in ('insert', 'update', 'replace', 'delete'):
                collections = self.past.setdefault(entry.database, {})
                if entry.collection not in collections:
                    collections[entry.collection] = Collection(entry.collection)
                    collections[entry.collection].uuid = entry.uuid
                change(collections[entry.collection], entry)
            self.past_at = entry.ts
        return self.past.get(database, {}).get(name)

    def keep(self, cursor):
        number = random.getrandbits(62) + 1
        self.cursors[number] = cursor
        return number

    def until_noop(self):
        """Seconds until an idle primary writes a no-op, by which time goes on."""
        return max(0.01, self.store.oplog.last[0] + self.noop_seconds - self.store.oplog.now())

    def tick(self):
        if self.primary and self.set_name and self.until_noop() <= 0.01:
            self.store.noop()
            self.changed.notify_all()
        oldest = self.store.oplog.now() - (self.window or math.inf)
        if self.store.oplog.oldest[0] < oldest - 1:
            self.store.oplog.trim((int(oldest), 0))

    # Answering
    def accept(self, connection):
        """The connection to speak through."""
        return connection

    def answer(self, body, connection):
        """The reply to a command."""
        request = Request(self, body, connection)
        time.sleep(self.delays.get(request.name, 0))
        with self.changed:
            self.commands.append(request.name)
            self.hear(body)
            self.tick()
            try:
                reply = {**self._run(request), 'ok': 1.0}
            except CommandError as error:
                self._label(request, error)
                reply = error.reply()
            if self.set_name:
                watch = self.heard and request.name in HELLO and 'lsid' not in body
                stamp = bson.Timestamp(*self.heard) if watch else self.timestamp()
                reply['$clusterTime'] = {'clusterTime': stamp, 'signature': UNSIGNED}
                reply['operationTime'] = stamp
            self.changed.notify_all()
            return reply

    def _run(self, request):
        for place, (command, error) in enumerate(self.failures):
            if command == request.name:
                del self.failures[place]
                raise error
        if request.name not in COMMANDS or (request.name == 'hello' and self.wire < LABELLED):
            raise CommandError(59, f"no such command: '{request.name}'")
        request.join_transaction()
        session, number = request.session_key()
        may_come_again = request.name in WRITES and number is not None and request.transaction is None
        if may_come_again and self.answered.get(session, (None,))[0] == number:
            return self.answered[session][1]
        reply = COMMANDS[request.name](request)
        if may_come_again:
            self.answered[session] = number, reply
        return reply

    def _label(self, request, error):
        stream = request.name in ('aggregate', 'getMore')
        label = 'ResumableChangeStreamError'
        if stream and self.wire >= LABELLED and error.code in RESUMABLE and label not in error.labels:
            error.labels.append(label)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 128
    block_on_close = False

    def __init__(self, address, replica):
        self.replica = replica
        super().__init__(address, _Handler)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self):
        replica, number = self.server.replica, next(self.server.replica.numbers)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        replica.connections.add(self.request)
        try:
            link = replica.accept(self.request)
            while not replica.stopping and (data := mongo_wire.receive_bytes(link)):
                data, small = mongo_wire.expanded(data)
                message = mongo_wire.decode(data)
                reply = replica.answer(message.body, number)
                if message.flags & mongo_wire.MORE_TO_COME:
                    continue
                kind = mongo_wire.OP_REPLY if message.kind == mongo_wire.OP_QUERY else mongo_wire.OP_MSG
                data = Message(reply, answers=message.number, kind=kind).encode()
                link.sendall(mongo_wire.compressed(data) if small else data)
                replica.packed += small
        except OSError:
            pass
        finally:
            replica.connections.discard(self.request)


def main():
    """`mongo_replica.py PORT WHAT...` serves dump directories, or collections as NAMESPACE=FILE.bson, until
    its input ends."""
    replica = Replica(port=int(sys.argv[1]))
    for what in sys.argv[2:]:
        namespace, _, path = what.partition('=')
        if path:
            replica.serve(namespace, Path(path).read_bytes())
        else:
            replica.load_dump(what)
    print(replica.url, flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == '__main__':
    main()
