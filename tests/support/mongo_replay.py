"""Recorded change events as the commands that cause them again, and events compared without what is
new each time."""
import gzip
import re

import bson
import harness
import mongo_wire

WATCH = [{'$changeStream': {}}]


def recorded(name):
    """The events of tests/data/NAME.bson.gz, decoded."""
    return bson.decode_all(gzip.decompress((harness.DATA / f'{name}.bson.gz').read_bytes()))


def by_transaction(events):
    """Events in groups: those of one transaction together, every other one alone."""
    groups, last = [], None
    for event in events:
        mark = event.get('txnNumber') and (event['txnNumber'], event['clusterTime'])
        if mark and mark == last:
            groups[-1].append(event)
        else:
            groups.append([event])
        last = mark
    return groups


def change_of(description):
    """An update that is described so."""
    if description.get('truncatedArrays'):
        cuts = {one['field']: {'$slice': [f'${one["field"]}', one['newSize']]}
                for one in description['truncatedArrays']}
        sets = {path: {'$literal': value} for path, value in description['updatedFields'].items()}
        return [{'$set': {**cuts, **sets}}] + [{'$unset': path} for path in description['removedFields']]
    change = {}
    if description['updatedFields']:
        change['$set'] = description['updatedFields']
    if description['removedFields']:
        change['$unset'] = dict.fromkeys(description['removedFields'], '')
    return change


def command_of(event, existing=()):
    """(database, command) that makes an event happen. A rename onto a collection that exists drops it."""
    database, name, kind = event['ns']['db'], event['ns'].get('coll'), event['operationType']
    if kind == 'insert':
        return database, {'insert': name, 'documents': [event['fullDocument']]}
    if kind == 'delete':
        return database, {'delete': name, 'deletes': [{'q': event['documentKey'], 'limit': 1}]}
    if kind in ('update', 'replace'):
        change = event['fullDocument'] if kind == 'replace' else change_of(event['updateDescription'])
        return database, {'update': name, 'updates': [{'q': event['documentKey'], 'u': change}]}
    if kind == 'drop':
        return database, {'drop': name}
    if kind == 'rename':
        to = f'{event["to"]["db"]}.{event["to"]["coll"]}'
        return 'admin', {'renameCollection': f'{database}.{name}', 'to': to, 'dropTarget': to in existing}
    raise ValueError(kind)


def collections(client, database):
    reply = client.command(database, {'listCollections': 1, 'nameOnly': True})
    return {f'{database}.{one["name"]}' for one in reply['cursor']['firstBatch']}


def replay(client, events):
    """Does what the events tell, transactions as transactions."""
    for group in by_transaction(events):
        if 'txnNumber' in group[0]:
            client.transaction(group[0]['ns']['db'], [command_of(event)[1] for event in group])
        elif group[0]['operationType'] != 'invalidate':
            event = group[0]
            existing = collections(client, event['to']['db']) if 'to' in event else ()
            client.command(*command_of(event, existing))


class Stream:
    """A change stream read by hand: every reply's events, and the position after it."""

    def __init__(self, client, database, collection=1, options=None, stages=(), batch_size=0):
        self.client, self.database, self.events = client, database, []
        cursor = client.command(database, {
            'aggregate': collection, 'pipeline': [{'$changeStream': options or {}}, *stages],
            'cursor': {'batchSize': batch_size}})['cursor']
        self.id, self.namespace = cursor['id'], cursor['ns']
        self.position = cursor.get('postBatchResumeToken')
        self.events += cursor['firstBatch']

    def more(self, wait=100, **more):
        """One getMore; the events that came."""
        name = self.namespace.partition('.')[2]
        cursor = self.client.command(self.database, {
            'getMore': self.id, 'collection': name, 'maxTimeMS': wait, **more})['cursor']
        self.id, self.position = cursor['id'], cursor['postBatchResumeToken']
        self.events += cursor['nextBatch']
        return cursor['nextBatch']

    def read(self, count, tries=100):
        """Reads on until `count` events came in all, or the stream ended."""
        while len(self.events) < count and self.id.value and tries:
            self.more()
            tries -= 1
        return self.events

    def error(self):
        """What the next getMore refuses with."""
        try:
            self.more()
        except mongo_wire.CommandError as error:
            return error
        raise AssertionError('the stream went on')


def token_without_chance(token):
    """A token without its time and the identity of its collection."""
    return re.sub('5A1004[0-9A-F]{32}', '5A1004', token['_data'][18:])


def without_chance(event):
    """An event's bytes with the same placeholders for what differs from run to run."""
    event = dict(event, _id=token_without_chance(event['_id']), clusterTime=None)
    if 'txnNumber' in event:
        event.update(txnNumber=None, lsid=list(event['lsid']))
    return bson.encode(event)
