"""Change streams over the replica's oplog: resume tokens, events, and the cursor that gives them.

Tokens have the server's form: cluster time, version, kind of token, place in a transaction, whether it
is of an invalidate event, collection, key of the document.
"""
import bson
import mongo_match
import mongo_order
from mongo_find import BATCH_BYTES, Cursor
from mongo_store import INTERNAL
from mongo_wire import CommandError

VERSION, EVENT, HIGH_WATER = 1, 128, 0
KNOWN = ('fullDocument', 'fullDocumentBeforeChange', 'resumeAfter', 'startAfter', 'startAtOperationTime',
         'allChangesForCluster', 'showMigrationEvents')
NEWER = ('showExpandedEvents', 'showSystemEvents')
SHOWN = ('insert', 'update', 'replace', 'delete', 'drop', 'rename', 'dropDatabase')
EXPANDED = ('create', 'modify', 'createIndexes', 'dropIndexes')
LOST = 'NonResumableChangeStreamError'
MAX_EVENT = 16 * 1024 * 1024 + 16 * 1024
SIX_ZERO = 17               # the wire version that came with MongoDB 6.0


# Tokens
def token(ts, place=0, invalidate=False, uuid=None, key=None, kind=EVENT):
    parts = [bson.Timestamp(*ts), VERSION, kind, place, invalidate]
    if uuid:
        parts.append(bson.Binary(uuid, 4))
    data = b''.join(map(mongo_order.key, parts + ([key] if key else [])))
    bits = mongo_order.type_bits(key['_id']) if key else None
    return {'_data': (data + b'\x04').hex().upper(), **({'_typeBits': bits} if bits else {})}


def high_water(ts):
    return token(ts, kind=HIGH_WATER)


def _malformed(message, code=50811):
    return CommandError(code, message)


class Position:
    """What a token says of its place; positions compare as they come in a stream."""

    def __init__(self, given):
        if not isinstance(given, dict) or not isinstance(given.get('_data'), str):
            raise _malformed('Bad resume token: _data of missing or of wrong type. Expected string, got '
                             f'{given}', 40647)
        self.text = given['_data']
        try:
            data = bytes.fromhex(self.text)
        except ValueError:
            raise _malformed('resume token string was not a valid hex string', 9) from None
        self.data, self.at = data, 0
        if self._take(1) != b'\x82':
            raise _malformed(f'KeyString format error: Unknown type: {data[0]}')
        self.ts = (int.from_bytes(self._take(4), 'big'), int.from_bytes(self._take(4), 'big'))
        version, kind, place = self._number(), self._number(), self._number()
        if version != VERSION:
            raise _malformed('Invalid Resume Token: only supports version 0 or 1', 50795)
        if kind not in (EVENT, HIGH_WATER):
            raise _malformed(f'Token type {kind} not recognized', 51057)
        self.invalidate = self._take(1) == b'\x6f'
        self.is_event, self.has_uuid = kind == EVENT, data[self.at:self.at + 1] == b'\x5a'
        self.place = (self.ts, place if self.is_event else -1, int(self.invalidate))

    def _take(self, count):
        part = self.data[self.at:self.at + count]
        if len(part) < count:
            raise _malformed('KeyString format error: Reached end of buffer')
        self.at += count
        return part

    def _number(self):
        head = self._take(1)[0]
        if head == 0x29:
            return 0
        if not 0x2B <= head <= 0x2E:
            raise _malformed(f'KeyString format error: Unknown type: {head}')
        return int.from_bytes(self._take(head - 0x2A), 'big') >> 1


# Events
def event(entry, options):
    """A change as the stream tells it; `options` are those of $changeStream with the server's version."""
    known = {'_id': entry.id} if entry.kind in ('insert', 'update', 'replace', 'delete') else None
    out = dict(entry.session or {})
    if entry.to:
        out['to'] = {'db': entry.to[0], 'coll': entry.to[1]}
    out['_id'] = token(entry.ts, entry.place, uuid=entry.uuid, key=known)
    out['operationType'] = entry.kind
    out['clusterTime'] = bson.Timestamp(*entry.ts)
    if options['wire'] >= SIX_ZERO:
        out['wallTime'] = bson.Date(int(entry.wall * 1000))
    if entry.kind in ('insert', 'replace'):
        out['fullDocument'] = bson.Raw(0x03, entry.document)
    elif entry.kind == 'update' and options.get('fullDocument', 'default') != 'default':
        out['fullDocument'] = options['lookup'](entry)
    out['ns'] = {'db': entry.database, **({'coll': entry.collection} if entry.collection else {})}
    if known:
        out['documentKey'] = known
    if entry.kind == 'update':
        out['updateDescription'] = entry.description
    if options.get('showExpandedEvents') and entry.uuid:
        out['collectionUUID'] = bson.Binary(entry.uuid, 4)
        if entry.kind in EXPANDED:
            out['operationDescription'] = entry.description or {}
    return out


def invalidation(entry):
    return {'_id': token(entry.ts, entry.place, True, entry.uuid), 'operationType': 'invalidate',
            'clusterTime': bson.Timestamp(*entry.ts)}


def plain_name(name):
    return not name.startswith(('system.', '$'))


class Scope:
    """What a stream looks at: one collection, one database, or everything."""

    def __init__(self, database, collection):
        self.database = None if database == 'admin' else database
        self.collection = collection
        self.shown = SHOWN

    def sees(self, entry):
        if entry.kind not in self.shown or not plain_name(entry.collection):
            return False
        places = [(entry.database, entry.collection)] + ([entry.to] if entry.to else [])
        return any(self._place(*place, entry.kind) for place in places)

    def _place(self, database, collection, kind):
        if self.database is None:
            return database not in INTERNAL
        if database != self.database:
            return False
        return self.collection is None or (collection == self.collection and kind != 'dropDatabase')

    def ends_with(self, entry):
        """Whether an event ends the stream."""
        if self.database is None:
            return False
        return entry.kind in (('dropDatabase',) if self.collection is None else ('drop', 'rename'))


def start_of(spec, store, scope):
    """Where a stream begins: (position, the token that must still be there, first token to give)."""
    tokens = [spec[name] for name in ('resumeAfter', 'startAfter') if name in spec]
    if len(tokens) == 2:
        raise CommandError(50865, "Do not specify both 'resumeAfter' and 'startAfter' in a $changeStream "
                           'stage')
    if tokens and 'startAtOperationTime' in spec:
        raise CommandError(40674, 'Only one type of resume option is allowed, but multiple were found.')
    if not tokens:
        given, (seconds, increment) = spec.get('startAtOperationTime'), store.oplog.last
        # Without a time: one tick beyond the newest entry.
        ts = (given.seconds, given.increment) if given else (seconds, increment + 1)
        return (ts, -1, 0), None, high_water(ts)
    position = Position(tokens[0])
    if position.invalidate and 'resumeAfter' in spec:
        raise CommandError(260, "Attempting to resume a change stream using 'resumeAfter' is not allowed "
                           'from an invalidate notification.')
    if scope.collection and position.is_event and not position.has_uuid:
        raise CommandError(260, 'Attempted to resume a single-collection stream, but the resume token does '
                           'not include a UUID.')
    return position.place, position if position.is_event else None, tokens[0]


class StreamCursor(Cursor):
    stream = True

    def __init__(self, store, namespace, scope, spec, stages, wire, session=None):
        super().__init__(namespace, session)
        unknown = [name for name in spec if name not in KNOWN + (NEWER if wire >= SIX_ZERO else ())]
        if unknown:
            raise CommandError(40415, f"BSON field '$changeStream.{unknown[0]}' is an unknown field.")
        self.store, self.scope, self.stages = store, scope, stages
        if spec.get('showExpandedEvents'):
            self.scope.shown = SHOWN + EXPANDED
        self.options = {**spec, 'wire': wire, 'lookup': self._lookup}
        self.position, self.expected, self.token = start_of(spec, store, scope)
        self.latest = Position(self.token).ts
        self.read_once = self.ended = False

    def _lookup(self, entry):
        """The document as it is now, in the same collection by name and identity."""
        collection = self.store.find(entry.database, entry.collection)
        if collection is None or collection.uuid != entry.uuid:
            return None
        raw = collection.documents.get(mongo_order.key(entry.id))
        return bson.Raw(0x03, raw) if raw else None

    def _events(self):
        """(position, event or None) from where the stream stands; None moves the position alone."""
        entries = self.store.oplog.entries
        for index in range(self.store.oplog.after(self.position[0]), len(entries)):
            entry = entries[index]
            place = (entry.ts, entry.place, 0)
            sees = self.scope.sees(entry)
            if place > self.position or self._is_expected(place):
                yield place, event(entry, self.options) if sees else None
            if sees and self.scope.ends_with(entry):
                place = (entry.ts, entry.place, 1)
                if place > self.position or self._is_expected(place):
                    yield place, invalidation(entry)

    def _is_expected(self, place):
        return self.expected is not None and place == self.expected.place

    def _check(self, found):
        """The token that the stream goes on from must be met before anything behind it is given."""
        if self.expected is None or found is None:
            return found
        if found['_id']['_data'] == self.expected.text:
            self.expected = None
            return None
        raise CommandError(280, 'cannot resume stream; the resume token was not found. '
                           f'{{_data: "{found["_id"]["_data"]}"}}', [LOST])

    def _check_window(self):
        oplog = self.store.oplog
        if self.position[0] >= oplog.oldest or oplog.oldest == oplog.first:  # nothing was let go
            return
        if self.read_once:
            raise CommandError(136, 'CollectionScan died due to failure to restore tailable cursor position.')
        raise CommandError(286, 'Resume of change stream was not possible, as the resume point may no longer '
                           'be in the oplog.', [LOST])

    def batch(self, count):
        if count == 0:
            return [], False
        self._check_window()
        self.read_once = True
        found, size = [], 0
        for place, change in self._events():
            change = self._check(change)
            shown = self._through_stages(change) if change else None
            if shown is not None:
                raw = bson.encode(shown)
                if len(raw) > MAX_EVENT:
                    raise CommandError(10334, f'BSONObj size: {len(raw)} (0x{len(raw):X}) is invalid. Size '
                                       f'must be between 0 and {MAX_EVENT}(16MB) First element: _id: ...')
                size += len(raw)
                if size > BATCH_BYTES and found:
                    break
                found.append(raw)
                self.token, self.latest = change['_id'], place[0]
            elif change is None and self.position == place:
                continue
            elif place[0] > self.latest:
                self.token, self.latest = high_water(place[0]), place[0]
            self.position = place
            if change and change['operationType'] == 'invalidate':
                self.ended = True
                break
            if len(found) == count:
                break
        return found, self.ended

    def _through_stages(self, change):
        for name, operand in self.stages:
            if name == '$match':
                if not mongo_match.matches(change, operand):
                    return None
            elif name == '$project':
                change = mongo_match.project(change, operand)
            elif name == '$addFields' or name == '$set':
                change = {**change, **operand}
            elif name != '$changeStreamSplitLargeEvent':
                raise CommandError(20, f'{name} is not permitted in a $changeStream pipeline')
        if '_id' not in change:
            raise CommandError(280, 'Encountered an event whose _id field, which contains the resume token, '
                               'was modified by the pipeline.', [LOST])
        return change
