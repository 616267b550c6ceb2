"""What the replica of tests keeps: collections in MongoDB's order, and the oplog from which change
streams are served. Nothing here knows of the wire."""
import bisect
import hashlib
import itertools
import time
import uuid
from dataclasses import dataclass, field

import bson
import mongo_order
from mongo_wire import CommandError

INTERNAL = ('admin', 'config', 'local')
MAX_DOCUMENT = 16 * 1024 * 1024


@dataclass
class Entry:
    """One change. `ts` is (seconds, increment); those of a transaction share it and differ in `place`."""
    ts: tuple
    kind: str                       # insert, update, replace, delete, drop, rename, dropDatabase, noop, ...
    database: str = ''
    collection: str = ''
    uuid: bytes = None
    id: object = None
    document: bytes = None          # after the change
    description: dict = None        # of an update; operationDescription of a createIndexes
    to: tuple = None                # of a rename
    place: int = 0
    session: dict = None            # of a transaction: lsid and txnNumber
    wall: float = field(default_factory=time.time)


class Collection:
    """Documents as bytes by the key of their `_id`; the order of the dict is the order of insertion."""

    def __init__(self, name, options=None, kind='collection'):
        self.name, self.options, self.kind = name, options or {}, kind
        self.uuid = None if kind == 'view' else uuid.uuid4().bytes
        self.keys, self.documents, self.size = [], {}, 0
        self.indexes = [{'v': 2, 'key': {'_id': 1}, 'name': '_id_'}]

    def copy(self):
        other = Collection(self.name, self.options, self.kind)
        other.uuid, other.size, other.indexes = self.uuid, self.size, self.indexes
        other.keys, other.documents = list(self.keys), dict(self.documents)
        return other

    def put(self, key, raw):
        old = self.documents.get(key)
        if old is None:
            bisect.insort(self.keys, key)
        else:
            self.size -= len(old)
        self.documents[key] = raw
        self.size += len(raw)

    def remove(self, key):
        self.size -= len(self.documents.pop(key))
        del self.keys[bisect.bisect_left(self.keys, key)]

    def fill(self, documents):
        """Many documents at once, in an empty collection."""
        self.documents = {mongo_order.key_of_document(raw): raw for raw in documents}
        self.keys = sorted(self.documents)
        self.size = sum(map(len, self.documents.values()))


class Oplog:
    """Entries by time, with a clock that only moves forward."""

    def __init__(self):
        self.entries, self.offset = [], 0
        self.last = self.oldest = self.first = (int(time.time()), 1)
        self.append(Entry(self.last, 'noop'))

    def now(self):
        """Seconds of the cluster's clock."""
        return time.time() + self.offset

    def next(self):
        """The time of the next entry."""
        seconds = int(self.now())
        self.last = (seconds, 1) if seconds > self.last[0] else (self.last[0], self.last[1] + 1)
        return self.last

    def append(self, entry):
        self.entries.append(entry)

    def after(self, position):
        """Where the entries from a time on begin."""
        return bisect.bisect_left(self.entries, position, key=lambda entry: entry.ts)

    def trim(self, before):
        """Forgets everything before a time, as a window that moves on does; the last entry stays."""
        del self.entries[:min(self.after(before), len(self.entries) - 1)]
        self.oldest = self.entries[0].ts


class Store:
    """Databases with their collections, changed only through the methods here, which write the oplog."""

    def __init__(self):
        self.oplog, self.databases = Oplog(), {}
        self.locks = {}     # (database, collection, key) -> the transaction that holds it

    # Reading
    def find(self, database, name):
        return self.databases.get(database, {}).get(name)

    def by_uuid(self, database, identity):
        return next((c for c in self.databases.get(database, {}).values() if c.uuid == identity), None)

    # Definitions
    def create(self, database, name, options=None, kind='collection'):
        if self.find(database, name):
            raise CommandError(48, f'Collection already exists. NS: {database}.{name}')
        collection = Collection(name, options, kind)
        self.databases.setdefault(database, {})[name] = collection
        self._note('create', database, name, uuid=collection.uuid)
        return collection

    def ensure(self, database, name):
        return self.find(database, name) or self.create(database, name)

    def _note(self, kind, database, name='', **more):
        if database not in INTERNAL:
            self.oplog.append(Entry(self.oplog.next(), kind, database, name, **more))

    def noop(self):
        self.oplog.append(Entry(self.oplog.next(), 'noop'))

    def note(self, kind, database, name, description=None):
        """An entry that plain change streams do not show: createIndexes, collMod, ..."""
        self._note(kind, database, name, uuid=self.find(database, name).uuid, description=description)

    def drop(self, database, name):
        collection = self.find(database, name)
        if collection is None:
            raise CommandError(26, 'ns not found')
        del self.databases[database][name]
        self._note('drop' if collection.uuid else 'dropView', database, name, uuid=collection.uuid)
        return collection

    def drop_database(self, database):
        for name in list(self.databases.get(database, {})):
            self.drop(database, name)
        if self.databases.pop(database, None) is not None:
            self._note('dropDatabase', database)

    def rename(self, source, target, drop_target):
        (database, name), (to_database, to_name) = source, target
        collection = self.find(database, name)
        if collection is None:
            raise CommandError(26, f'Source collection {database}.{name} does not exist')
        if self.find(to_database, to_name) and not drop_target:
            raise CommandError(48, 'target namespace exists')
        del self.databases[database][name]
        collection.name = to_name
        self.databases.setdefault(to_database, {})[to_name] = collection
        self._note('rename', database, name, uuid=collection.uuid, to=target)

    # Documents
    def apply(self, entry):
        """Writes a change of one document, with an entry of its own time."""
        entry.ts = self.oplog.next()
        self._change(entry)

    def apply_together(self, entries, session):
        """A transaction: all its changes get one time."""
        if not entries:
            return
        ts = self.oplog.next()
        for place, entry in enumerate(entries):
            entry.ts, entry.place, entry.session = ts, place, session
            self._change(entry)

    def _change(self, entry):
        change(self.find(entry.database, entry.collection), entry)
        if entry.database not in INTERNAL:
            self.oplog.append(entry)
        self._roll(entry)

    def _roll(self, entry):
        """A capped collection loses its oldest documents, without events."""
        collection = self.find(entry.database, entry.collection)
        most = collection.options.get('max') if collection.options.get('capped') else None
        while most and len(collection.documents) > most:
            collection.remove(next(iter(collection.documents)))


def change(collection, entry):
    key = mongo_order.key(entry.id)
    if entry.kind == 'delete':
        collection.remove(key)
    else:
        collection.put(key, entry.document)


class Session:
    """A transaction that is open: what it changed, seen by itself alone until it commits."""
    numbers = itertools.count(1)

    def __init__(self, store, lsid, number):
        self.store, self.entries, self.overlay = store, [], {}
        identity = {'id': lsid['id'], 'uid': hashlib.sha256(b'').digest()}
        self.marks = {'txnNumber': number, 'lsid': identity}

    def view(self, collection, database):
        """A collection as the transaction sees it."""
        changed = self.overlay.get((database, collection.name))
        if not changed:
            return collection
        seen = collection.copy()
        for key, raw in changed.items():
            if raw is None:
                if key in seen.documents:
                    seen.remove(key)
            else:
                seen.put(key, raw)
        return seen

    def apply(self, entry):
        key = mongo_order.key(entry.id)
        place = (entry.database, entry.collection, key)
        if self.store.locks.setdefault(place, self) is not self:
            raise CommandError(112, 'WriteConflict error: this operation conflicted with another operation. '
                               'Please retry your operation or multi-document transaction.',
                               ['TransientTransactionError'])
        self.overlay.setdefault(place[:2], {})[key] = entry.document
        self.entries.append(entry)

    def end(self, commit):
        self.store.locks = {place: held for place, held in self.store.locks.items() if held is not self}
        if commit:
            self.store.apply_together(self.entries, self.marks)
