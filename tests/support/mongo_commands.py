"""Commands that read: handshake, finding, cursors, aggregation, lists and statistics."""
import time

import bson
import mongo_aggregate
import mongo_find
import mongo_match
import mongo_stream
from mongo_wire import CommandError

AWAIT = 1000
NONE = bson.Int64(0)


# Handshake
def hello(request):
    """Waits for a change of the topology when the client asks so."""
    replica, body = request.replica, request.body
    known = body.get('topologyVersion')
    if known and 'maxAwaitTimeMS' in body:
        end = time.monotonic() + mongo_match.integer(body['maxAwaitTimeMS']) / 1000
        while known == replica.topology() and time.monotonic() < end and not replica.stopping:
            replica.changed.wait(end - time.monotonic())
    old = request.name != 'hello'
    out = {'helloOk': True} if body.get('helloOk') else {}
    out['topologyVersion'] = replica.topology()
    if replica.set_name:
        out |= {'hosts': [replica.address, *replica.others], **replica.told}
        out |= {'setName': replica.set_name, 'setVersion': 1}
    out['ismaster' if old else 'isWritablePrimary'] = replica.primary
    if replica.set_name:
        out |= {'secondary': not replica.primary, **({'primary': replica.address} if replica.primary else {}),
                'me': replica.address, **({'electionId': replica.election()} if replica.primary else {}),
                'lastWrite': last_write(replica)}
    return out | {
        'maxBsonObjectSize': 16777216, 'maxMessageSizeBytes': 48000000, 'maxWriteBatchSize': 100000,
        'localTime': bson.Date(int(time.time() * 1000)), 'logicalSessionTimeoutMinutes': 30,
        'connectionId': request.connection, 'minWireVersion': 0, 'maxWireVersion': replica.wire,
        'readOnly': False}


def last_write(replica):
    time_of = {'ts': replica.timestamp(), 't': bson.Int64(replica.term)}
    date = bson.Date(replica.store.oplog.last[0] * 1000)
    return {'opTime': time_of, 'lastWriteDate': date, 'majorityOpTime': time_of, 'majorityWriteDate': date}


VERSIONS = {8: '4.2.24', 9: '4.4.29', 12: '4.9.0', 13: '5.0.31', 17: '6.0.20', 21: '7.0.16', 25: '8.0.4'}


def build_info(request):
    version = VERSIONS.get(request.replica.wire, '4.9.0')
    return {'version': version, 'gitVersion': 'nogitversion', 'modules': [],
            'versionArray': [int(part) for part in version.split('.')] + [0], 'bits': 64, 'debug': False,
            'maxBsonObjectSize': 16777216, 'storageEngines': ['devnull', 'ephemeralForTest', 'wiredTiger']}


# Cursors
def cursor_reply(request, cursor, batch, ended, word):
    replica = request.replica
    cursor.id = 0 if ended else cursor.id or replica.keep(cursor)
    if ended:
        replica.cursors = {key: held for key, held in replica.cursors.items() if held is not cursor}
    body = {word: array(batch)}
    if cursor.stream:
        body['postBatchResumeToken'] = cursor.token
    return {'cursor': {**body, 'id': bson.Int64(cursor.id), 'ns': cursor.namespace}}


HEADS = [b'\x03%d\0' % place for place in range(1000)]


def array(documents):
    """Documents' bytes as one BSON array."""
    while len(HEADS) < len(documents):
        HEADS.append(b'\x03%d\0' % len(HEADS))
    parts = [None] * (2 * len(documents))
    parts[::2], parts[1::2] = HEADS[:len(documents)], documents
    data = b''.join(parts)
    return bson.Raw(0x04, (len(data) + 5).to_bytes(4, 'little') + data + b'\0')


def first_batch(request, cursor, size):
    if size is not None and mongo_match.integer(size) < 0:
        raise CommandError(51024, f"BSON field 'batchSize' value must be >= 0, actual value '{size}'")
    batch, ended = cursor.batch(mongo_find.FIRST_BATCH if size is None else mongo_match.integer(size))
    return cursor_reply(request, cursor, batch, ended or bool(request.body.get('singleBatch')), 'firstBatch')


def find(request):
    replica, body, database, name = request.replica, request.body, request.database, request.body['find']
    replica.must_be_readable(request)
    namespace = f'{database}.{name}'
    if (database, name) == ('local', 'oplog.rs'):
        return first_batch(request, oplog_cursor(request, namespace), body.get('batchSize'))
    fresh = replica.reads_fresh(body)

    def look():
        collection = replica.seen(database, name, fresh)
        if collection and request.transaction:
            return request.transaction.view(collection, database)
        return collection

    collection = look()
    if collection is None:
        cursor = mongo_find.ListCursor(namespace, [], request.session_id())
    elif collection.kind == 'view':
        cursor = mongo_find.ListCursor(namespace, through_view(request, collection), request.session_id())
    else:
        cursor = mongo_find.ScanCursor(namespace, look, body, request.session_id())
    return first_batch(request, cursor, body.get('batchSize'))


def through_view(request, view):
    """A find on a view is an aggregation, which knows no bounds of an index."""
    body = request.body
    for name in ('min', 'max'):
        if body.get(name):
            raise CommandError(168, f'Option {name} not supported in aggregation.')
    words = {'$match': 'filter', '$sort': 'sort', '$skip': 'skip', '$limit': 'limit',
             '$project': 'projection'}
    stages = [{stage: body[word]} for stage, word in words.items() if body.get(word)]
    return of_pipeline(request, view.name, stages)


def of_pipeline(request, name, stages):
    """What a pipeline makes of a collection or view."""
    fresh = request.replica.reads_fresh(request.body)
    collection = request.replica.seen(request.database, name, fresh)
    while collection is not None and collection.kind == 'view':
        stages = collection.options['pipeline'] + stages
        name = collection.options['viewOn']
        collection = request.replica.seen(request.database, name, fresh)
    namespace = f'{request.database}.{name}'
    if collection is None and stages and '$collStats' in stages[0]:
        raise CommandError(26, 'Unable to retrieve storageStats in $collStats stage :: caused by :: '
                           f'Collection [{namespace}] not found.')
    if collection is None:
        return []
    if request.transaction:
        collection = request.transaction.view(collection, request.database)
    return mongo_aggregate.run(collection, namespace, stages)


def oplog_cursor(request, namespace):
    """The oplog as a collection: what tells how far back it reaches."""
    entries = request.replica.store.oplog.entries
    backwards = mongo_match.integer(request.body.get('sort', {}).get('$natural', 1)) < 0
    limit = mongo_match.integer(request.body.get('limit', 0)) or len(entries)
    chosen = (entries[::-1] if backwards else entries)[:limit]
    return mongo_find.ListCursor(namespace, [bson.encode({
        'ts': bson.Timestamp(*entry.ts), 't': bson.Int64(1), 'v': bson.Int64(2), 'op': 'n',
        'o': {'msg': 'initiating set'} if entry.ts == request.replica.store.oplog.first else {},
        'ns': f'{entry.database}.{entry.collection}', 'wall': bson.Date(int(entry.wall * 1000))})
        for entry in chosen], request.session_id())


def aggregate(request):
    replica, body, database = request.replica, request.body, request.database
    replica.must_be_readable(request)
    stages = [bson.plain(stage) for stage in body['pipeline']]
    name = body['aggregate'] if isinstance(body['aggregate'], str) else None
    size = (body.get('cursor') or {}).get('batchSize')
    if stages and '$changeStream' in stages[0]:
        cursor = open_stream(request, name, stages)
    else:
        namespace = f'{database}.{name or "$cmd.aggregate"}'
        cursor = mongo_find.ListCursor(namespace, of_pipeline(request, name, stages), request.session_id())
    return first_batch(request, cursor, size)


def open_stream(request, name, stages):
    replica, database = request.replica, request.database
    spec, rest = stages[0]['$changeStream'], [next(iter(stage.items())) for stage in stages[1:]]
    if not replica.set_name:
        raise CommandError(40573, 'The $changeStream stage is only supported on replica sets')
    if (database == 'admin') != bool(spec.get('allChangesForCluster')) or (database == 'admin' and name):
        raise CommandError(72, "A $changeStream with 'allChangesForCluster:true' may only be opened on the "
                           "'admin' database, and with no collection name")
    level = (request.body.get('readConcern') or {}).get('level', 'majority')
    if level != 'majority':
        raise CommandError(72, '$changeStream cannot run with a readConcern other than majority, '
                           f'but {level} was given')
    held = name and replica.store.find(database, name)
    if held and held.kind != 'collection':
        raise CommandError(166, f'Namespace {database}.{name} is a view, not a collection')
    namespace, scope = f'{database}.{name or "$cmd.aggregate"}', mongo_stream.Scope(database, name)
    return mongo_stream.StreamCursor(replica.store, namespace, scope, spec, rest, replica.wire,
                                     request.session_id())


def cursor_of(request, number):
    """The cursor that a getMore means: it belongs to its namespace and to its session."""
    cursor, body = request.replica.cursors.get(number), request.body
    if cursor is None:
        raise CommandError(43, f'cursor id {number} not found')
    namespace = f'{request.database}.{body["collection"]}'
    if namespace != cursor.namespace:
        raise CommandError(13, f"Requested getMore on namespace '{namespace}', but cursor belongs to a "
                           f'different namespace {cursor.namespace}')
    if cursor.session != request.session_id():
        code = 50736 if cursor.session is None else 50737 if request.session_id() is None else 50738
        raise CommandError(code, f'Cannot run getMore on cursor {number} of another session')
    if 'maxTimeMS' in body and not cursor.stream:
        raise CommandError(2, 'cannot set maxTimeMS on getMore command for a non-awaitData cursor')
    return cursor


def get_more(request):
    replica, body = request.replica, request.body
    number = mongo_match.integer(body['getMore'])
    cursor = cursor_of(request, number)
    count = mongo_match.integer(body.get('batchSize') or 2**31)
    end = time.monotonic() + mongo_match.integer(body.get('maxTimeMS', AWAIT)) / 1000
    elections = replica.elections
    try:
        batch, ended = cursor.batch(count)
        while cursor.stream and not batch and not ended and time.monotonic() < end:
            replica.changed.wait(min(replica.until_noop(), max(0, end - time.monotonic())))
            replica.tick()
            if replica.cursors.get(number) is not cursor:
                raise CommandError(237, 'operation was interrupted because the cursor was killed')
            if elections != replica.elections or replica.stopping:
                raise replica.interrupted()
            batch, ended = cursor.batch(count)
    except CommandError as error:
        if error.code != 11602:
            replica.cursors.pop(number, None)
        raise
    return cursor_reply(request, cursor, batch, ended, 'nextBatch')


def kill_cursors(request):
    numbers = [mongo_match.integer(number) for number in request.body['cursors']]
    known = [number for number in numbers if request.replica.cursors.pop(number, None)]
    request.replica.changed.notify_all()
    return {'cursorsKilled': list(map(bson.Int64, known)),
            'cursorsNotFound': [bson.Int64(number) for number in numbers if number not in known],
            'cursorsAlive': [], 'cursorsUnknown': []}


def end_sessions(request):
    """Their cursors end with them."""
    ended = [one['id'].data for one in map(bson.plain, request.body['endSessions'])]
    request.replica.cursors = {number: cursor for number, cursor in request.replica.cursors.items()
                               if cursor.session not in ended}
    return {}


def count(request):
    body, database = request.body, request.database
    collection = request.replica.seen(database, body['count'], request.replica.reads_fresh(body))
    if collection is None:
        return {'n': 0}
    if not body.get('query') and collection.kind != 'view':
        return {'n': len(collection.documents)}
    stages = [{'$match': body.get('query') or {}}] if body.get('query') else []
    return {'n': len(of_pipeline(request, body['count'], stages))}


# Lists and statistics
def list_databases(request):
    found = []
    for name, collections in sorted(request.replica.store.databases.items()):
        size = sum(collection.size for collection in collections.values())
        if collections:
            found.append({'name': name, **({} if request.body.get('nameOnly') else {
                'sizeOnDisk': bson.Int64(max(4096, size)), 'empty': False})})
    query = request.body.get('filter') or {}
    return {'databases': [one for one in found if mongo_match.matches(one, query)]}


def described(collection):
    out = {'name': collection.name, 'type': collection.kind, 'options': collection.options,
           'info': {'readOnly': collection.kind == 'view'}}
    if collection.kind == 'collection':
        out['info']['uuid'] = bson.Binary(collection.uuid, 4)
        if 'clusteredIndex' not in collection.options:
            out['idIndex'] = collection.indexes[0]
    return out


def list_collections(request):
    collections = request.replica.store.databases.get(request.database, {}).values()
    query = request.body.get('filter') or {}
    found = [one for one in map(described, collections) if mongo_match.matches(one, query)]
    if request.body.get('nameOnly'):
        found = [{'name': one['name'], 'type': one['type']} for one in found]
    return whole(f'{request.database}.$cmd.listCollections', found)


def whole(namespace, documents):
    """A cursor that ends with its first batch."""
    return {'cursor': {'id': NONE, 'ns': namespace, 'firstBatch': documents}}


def list_indexes(request):
    collection = request.replica.existing(request.database, request.body['listIndexes'])
    return whole(f'{request.database}.{collection.name}', collection.indexes)


def coll_stats(request):
    name = request.body['collStats']
    collection = request.replica.store.find(request.database, name)
    return {'ns': f'{request.database}.{name}', **(mongo_aggregate.storage(collection) if collection else {
        'size': 0, 'count': 0, 'storageSize': 0, 'nindexes': 0})}


def server_status(request):
    oplog = request.replica.store.oplog
    times = {name: {'ts': bson.Timestamp(*ts), 't': bson.Int64(1)} for name, ts in (
        ('earliestOptime', oplog.oldest), ('latestOptime', oplog.last))}
    return {'host': request.replica.address, 'version': build_info(request)['version'], 'process': 'mongod',
            **({'oplog': times} if request.body.get('oplog') else {})}


COMMANDS = {
    'hello': hello, 'isMaster': hello, 'ismaster': hello, 'buildInfo': build_info, 'buildinfo': build_info,
    'ping': lambda request: {}, 'endSessions': end_sessions, 'refreshSessions': lambda request: {},
    'find': find, 'aggregate': aggregate, 'getMore': get_more, 'killCursors': kill_cursors, 'count': count,
    'listDatabases': list_databases, 'listCollections': list_collections, 'listIndexes': list_indexes,
    'collStats': coll_stats, 'serverStatus': server_status,
    'connectionStatus': lambda request: {
        'authInfo': {'authenticatedUsers': [], 'authenticatedUserRoles': []}},
}
