"""Commands that change something: documents, collections, transactions."""
import os
import time

import bson
import mongo_find
import mongo_match
import mongo_order
import mongo_update
from mongo_store import Entry
from mongo_wire import CommandError

WAIT_FOR_LOCK = 5
DELTAS = 10     # the first wire version whose updates are logged as deltas


def new_id():
    return bson.ObjectId(int(time.time()).to_bytes(4, 'big').hex() + os.urandom(8).hex())


def with_id_first(given):
    """A document's bytes and its `_id`, which comes first; made where there is none."""
    raw = given.data if isinstance(given, bson.Raw) else bson.encode(given)
    if raw[5:9] == b'_id\0':
        return raw, bson.value_at(raw, raw[4], 9)
    document = bson.decode(raw)
    identity = document.pop('_id', None) or new_id()
    return bson.encode({'_id': identity, **document}), identity


def check_id(value):
    if isinstance(value, (list, bson.Regex, bson.Undefined)):
        word = {list: 'array', bson.Regex: 'regex'}.get(type(value), 'undefined')
        raise CommandError(53, f"The '_id' value cannot be of type {word}")


def duplicate(namespace, identity):
    return CommandError(11000, f'E11000 duplicate key error collection: {namespace} index: _id_ dup key: '
                        f'{{ _id: {identity!r} }}',
                        extra={'keyPattern': {'_id': 1}, 'keyValue': {'_id': identity}})


class Writer:
    """One write command: its collection, its transaction or none, what it did."""

    def __init__(self, request, name):
        self.replica, self.request = request.replica, request
        self.database, self.name = request.database, name
        self.replica.must_be_primary()
        self.collection = self.replica.store.ensure(self.database, name)
        if self.collection.kind == 'view':
            raise CommandError(166, f'Namespace {self.database}.{name} is a view, not a collection')
        self.errors = []

    def view(self):
        session = self.request.transaction
        return session.view(self.collection, self.database) if session else self.collection

    def document(self, key):
        """One document as the command sees it, or None."""
        session = self.request.transaction
        if session and key in session.overlay.get((self.database, self.name), ()):
            return session.overlay[self.database, self.name][key]
        return self.collection.documents.get(key)

    def write(self, kind, identity, raw, description=None):
        if self.collection.kind == 'timeseries':
            kind = 'measurement'
        entry = Entry((0, 0), kind, self.database, self.name, self.collection.uuid, identity, raw,
                      description)
        if self.request.transaction:
            self.request.transaction.apply(entry)
            return
        place, end = (self.database, self.name, mongo_order.key(identity)), time.monotonic() + WAIT_FOR_LOCK
        while place in self.replica.store.locks and time.monotonic() < end:
            self.replica.changed.wait(0.05)
        self.replica.store.apply(entry)

    def keys(self, query, one):
        """The keys of the documents that a query means."""
        if list(query) == ['_id'] and not mongo_match.is_condition(query['_id']):
            key = mongo_order.key(query['_id'])
            return [key] if self.document(key) is not None else []
        look = self.view()
        scan = mongo_find.ScanCursor('', lambda: look, {'filter': query, 'projection': {'_id': 1}})
        found, _ = scan.batch(1 if one else len(look.documents) + 1)
        return [mongo_order.key_of_document(raw) for raw in found]

    def each(self, items, step):
        """Does the items of a command; an ordered one stops at the first that fails."""
        for index, item in enumerate(items):
            try:
                step(item, index)
            except CommandError as error:
                if self.request.transaction:
                    raise
                self.errors.append({'index': index, 'code': error.code, **error.extra,
                                    'errmsg': error.message})
                if self.request.body.get('ordered', True):
                    break
        return {'writeErrors': self.errors} if self.errors else {}


def insert(request):
    writer, done = Writer(request, request.body['insert']), []

    def _insert(given, _):
        raw, identity = with_id_first(given)
        check_id(identity)
        if writer.document(mongo_order.key(identity)) is not None:
            raise duplicate(f'{writer.database}.{writer.name}', identity)
        writer.write('insert', identity, raw)
        done.append(1)

    errors = writer.each(request.body['documents'], _insert)
    return {'n': len(done), **errors, **request.replica.op_time()}


def update(request):
    writer = Writer(request, request.body['update'])
    counts, upserted = {'n': 0, 'nModified': 0}, []

    def _one(key, change):
        raw = writer.document(key)
        before = bson.decode(raw)
        after, description = mongo_update.update(before, change, deltas=request.replica.wire >= DELTAS)
        new = bson.encode(after)
        counts['n'] += 1
        if new != raw:
            writer.write('replace' if description is None else 'update', before['_id'], new, description)
            counts['nModified'] += 1

    def _update(item, index):
        item = bson.plain(item)
        keys = writer.keys(item['q'], not item.get('multi'))
        for key in keys:
            _one(key, item['u'])
        if not keys and item.get('upsert'):
            start = {name: value for name, value in item['q'].items()
                     if not name.startswith('$') and not mongo_match.is_condition(value)}
            after, _ = mongo_update.update(start, item['u'], inserting=True)
            raw, identity = with_id_first({**({'_id': start['_id']} if '_id' in start else {}), **after})
            writer.write('insert', identity, raw)
            upserted.append({'index': index, '_id': identity})
            counts['n'] += 1

    errors = writer.each(request.body['updates'], _update)
    return {'n': counts['n'], **({'upserted': upserted} if upserted else {}),
            'nModified': counts['nModified'], **errors, **request.replica.op_time()}


def delete(request):
    writer, counts = Writer(request, request.body['delete']), []

    def _delete(item, _):
        item = bson.plain(item)
        for key in writer.keys(item['q'], mongo_match.integer(item.get('limit', 0)) == 1):
            writer.write('delete', bson.decode(writer.document(key))['_id'], None)
            counts.append(1)

    errors = writer.each(request.body['deletes'], _delete)
    return {'n': len(counts), **errors, **request.replica.op_time()}


# Collections and databases
def create(request):
    request.replica.must_be_primary()
    store, name = request.replica.store, request.body['create']
    named = ('capped', 'size', 'max', 'validator', 'validationLevel', 'validationAction', 'collation',
             'timeseries', 'viewOn', 'pipeline', 'clusteredIndex', 'expireAfterSeconds',
             'changeStreamPreAndPostImages')
    options = {key: value for key, value in request.body.items() if key in named}
    kind = 'view' if 'viewOn' in options else 'timeseries' if 'timeseries' in options else 'collection'
    if kind == 'view':
        store.ensure(request.database, 'system.views')
    if kind == 'timeseries':
        store.create(request.database, f'system.buckets.{name}', options)
    collection = store.create(request.database, name, options, kind)
    if kind != 'collection':
        collection.indexes = []
    elif 'clusteredIndex' in options:
        collection.indexes = [{'v': 2, 'key': {'_id': 1}, 'name': '_id_', 'clustered': True}]
    return {}


def create_indexes(request):
    request.replica.must_be_primary()
    collection = request.replica.store.ensure(request.database, request.body['createIndexes'])
    before = len(collection.indexes)
    for index in map(bson.plain, request.body['indexes']):
        if index['name'] not in [old['name'] for old in collection.indexes]:
            collection.indexes.append({'v': 2, **index})
            request.replica.store.note('createIndexes', request.database, collection.name,
                                       {'indexes': [collection.indexes[-1]]})
    return {'numIndexesBefore': before, 'numIndexesAfter': len(collection.indexes),
            'createdCollectionAutomatically': False}


def drop_indexes(request):
    collection = request.replica.existing(request.database, request.body['dropIndexes'])
    wanted = request.body['index']
    before = len(collection.indexes)
    collection.indexes = [index for index in collection.indexes if index['name'] == '_id_'
                          or (wanted != '*' and wanted not in (index['name'], index['key']))]
    request.replica.store.note('dropIndexes', request.database, collection.name)
    return {'nIndexesWas': before}


def coll_mod(request):
    collection = request.replica.existing(request.database, request.body['collMod'])
    collection.options.update({key: value for key, value in request.body.items() if key.startswith('valid')})
    request.replica.store.note('modify', request.database, collection.name)
    return {}


def drop(request):
    request.replica.must_be_primary()
    collection = request.replica.store.drop(request.database, request.body['drop'])
    return {'nIndexesWas': len(collection.indexes), 'ns': f'{request.database}.{collection.name}'}


def drop_database(request):
    request.replica.must_be_primary()
    request.replica.store.drop_database(request.database)
    return {'dropped': request.database}


def rename(request):
    request.replica.must_be_primary()
    source, target = (tuple(request.body[name].split('.', 1)) for name in ('renameCollection', 'to'))
    request.replica.store.rename(source, target, bool(request.body.get('dropTarget')))
    return {}


# Transactions
def commit(request):
    return _end(request, True)


def abort(request):
    return _end(request, False)


def no_such_transaction():
    return CommandError(251, 'Given transaction number does not match any in-progress transactions.',
                        ['TransientTransactionError'])


def _end(request, commits):
    session = request.transaction
    if session is None:
        raise no_such_transaction()
    request.replica.transactions.pop(request.session_key(), None)
    session.end(commits)
    return {}


COMMANDS = {
    'insert': insert, 'update': update, 'delete': delete, 'create': create, 'createIndexes': create_indexes,
    'dropIndexes': drop_indexes, 'collMod': coll_mod, 'drop': drop, 'dropDatabase': drop_database,
    'renameCollection': rename, 'commitTransaction': commit, 'abortTransaction': abort,
}
