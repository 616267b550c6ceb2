"""A mongos before two shards, as far as clients can tell: what it says of itself, the shard key in the events of a
sharded collection, finds that come in the order of shards unless they are sorted, and its time, which it learns
from the shards when it asks them."""
import bson
from mongo_replica import HELLO, Replica
from mongo_wire import CommandError

OF_A_SET = ('hosts', 'setName', 'setVersion', 'secondary', 'primary', 'me', 'electionId', 'lastWrite')
TO_SHARDS = ('listDatabases',)


class Mongos(Replica):
    """`shard_keys`: the key of each sharded collection, as {'shop.docs': ['region']}."""
    name = 'the mongos of the tests'

    def __init__(self, shard_keys=None, behind=None, **more):
        self.shard_keys, self.known = shard_keys or {}, None
        super().__init__(**more)
        if behind:
            self.store, self.changed, self.transactions = behind.store, behind.changed, behind.transactions

    @property
    def url(self):
        return f'mongodb://{self.address}/'

    def forget(self):
        """It has not heard of the shards' time since now, and other clients write through another mongos."""
        self.known = self.store.oplog.last

    def answer(self, body, connection):
        name, database = next(iter(body)), body.get('$db')
        if database == 'local':
            return CommandError(20, "Operations on 'local' are not allowed through mongos").reply()
        reply = super().answer(self._sorted_or_by_shard(name, body), connection)
        if self.known and name in TO_SHARDS and mode_of(body) == 'primary':
            self.known = self.store.oplog.last
        if name in HELLO:
            reply = {key: value for key, value in reply.items() if key not in OF_A_SET}
            reply['msg'] = 'isdbgrid'
            if self.known:
                stamp = bson.Timestamp(*self.known)
                reply['operationTime'] = reply['$clusterTime']['clusterTime'] = stamp
        if name == 'getMore' and 'ok' in reply and reply['ok'] and body['collection'] == '$cmd.aggregate':
            reply['cursor']['nextBatch'] = [self._with_shard_key(event) for event in
                                            bson.decode(reply['cursor']['nextBatch'].data).values()]
        if name == 'collStats' and f'{database}.{body[name]}' in self.shard_keys:
            reply |= {'sharded': True, 'shards': {}}
        return reply

    def _with_shard_key(self, event):
        ns = event.get('ns') or {}
        names = self.shard_keys.get(f'{ns.get("db")}.{ns.get("coll")}', ())
        if 'documentKey' not in event or not names:
            return event
        document = event.get('fullDocument') or {}
        return {**event, 'documentKey': {**{name: document.get(name, 'of a shard') for name in names},
                                         **event['documentKey']}}

    def _sorted_or_by_shard(self, name, body):
        """Two shards answer a find in the order in which they are asked."""
        if name == 'find' and not body.get('sort'):
            return {**body, 'sort': {'n': 1}} if 'hint' not in body else {**body, 'sort': {'_id': -1}}
        return body


def mode_of(body):
    return (body.get('$readPreference') or {}).get('mode', 'primary')
