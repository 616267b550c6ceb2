"""Aggregation as far as a partitioner and a count need it."""
import random

import bson
import mongo_match
import mongo_order
from mongo_find import sort_key
from mongo_wire import CommandError


def coll_stats(collection, namespace, operand):
    count = len(collection.documents)
    out = {'ns': namespace, 'host': 'replica', 'localTime': bson.Date(0)}
    if 'storageStats' in operand:
        out['storageStats'] = storage(collection)
    if 'count' in operand:
        out['count'] = count
    return out


def storage(collection):
    """The sizes that collStats tells."""
    count = len(collection.documents)
    average = {'avgObjSize': collection.size // count} if count else {}
    return {'size': collection.size, 'count': count, **average,
            'storageSize': max(4096, collection.size), 'freeStorageSize': 0,
            'capped': bool(collection.options.get('capped')), 'nindexes': len(collection.indexes),
            'indexBuilds': [], 'totalIndexSize': 4096 * len(collection.indexes),
            'totalSize': max(4096, collection.size) + 4096 * len(collection.indexes),
            'indexSizes': {index['name']: 4096 for index in collection.indexes}, 'scaleFactor': 1}


def source(collection, namespace, stages):
    """The documents that the first stages take, and the stages left; a sample decodes only what it takes."""
    if stages and '$collStats' in stages[0]:
        return [coll_stats(collection, namespace, stages[0]['$collStats'])], stages[1:]
    if stages and '$sample' in stages[0]:
        size = mongo_match.integer(stages[0]['$sample']['size'])
        keys = random.sample(collection.keys, min(size, len(collection.keys)))
        return [bson.decode(collection.documents[key]) for key in keys], stages[1:]
    if stages and list(stages[0]) == ['$match'] and not stages[0]['$match']:
        return source(collection, namespace, stages[1:])
    if [list(stage)[0] for stage in stages] in (['$count'], ['$group', '$count']) and '$count' in stages[0]:
        return [{stages[0]['$count']: len(collection.documents)}], []
    return [bson.decode(raw) for raw in collection.documents.values()], stages


def ordered(documents, operand):
    for path, direction in reversed(list(operand.items())):
        documents = sorted(documents, key=lambda document: sort_key(document, path),
                           reverse=mongo_match.integer(direction) < 0)
    return documents


def value_of(document, operand):
    """A path or a constant."""
    if isinstance(operand, str) and operand.startswith('$'):
        return mongo_match.values_at(document, operand[1:])[0]
    return operand


def grouped(documents, operand):
    groups = {}
    for document in documents:
        value = value_of(document, operand['_id'])
        value = None if value is mongo_match.MISSING else value
        held = groups.setdefault(mongo_order.key(value), {'_id': value})
        for name, inner in operand.items():
            if name == '_id':
                continue
            (step, what), = inner.items()
            new = value_of(document, what)
            if step == '$sum':
                counts = mongo_match.integer(new) if mongo_match.is_number(new) else 0
                held[name] = held.get(name, 0) + counts
            elif step in ('$min', '$max'):
                old = held.get(name, new)
                held[name] = (min if step == '$min' else max)((old, new), key=mongo_order.key)
            else:
                raise CommandError(15952, f'unknown group operator {step!r}')
    return list(groups.values())


def buckets(documents, operand):
    documents = ordered(documents, {operand['groupBy'][1:]: 1})
    values = [value_of(document, operand['groupBy']) for document in documents]
    size = max(1, -(-len(values) // mongo_match.integer(operand['buckets'])))
    starts = list(range(0, len(values), size))
    return [{'_id': {'min': values[at], 'max': values[min(at + size, len(values) - 1)]},
             'count': min(size, len(values) - at)} for at in starts]


STAGES = {
    '$match': lambda documents, operand: [d for d in documents if mongo_match.matches(d, operand)],
    '$project': lambda documents, operand: [mongo_match.project(d, operand) for d in documents],
    '$unset': lambda documents, operand: [
        mongo_match.project(d, dict.fromkeys([operand] if isinstance(operand, str) else operand, 0))
        for d in documents],
    '$sort': ordered,
    '$limit': lambda documents, operand: documents[:mongo_match.integer(operand)],
    '$skip': lambda documents, operand: documents[mongo_match.integer(operand):],
    '$count': lambda documents, operand: [{operand: len(documents)}] if documents else [],
    '$sample': lambda documents, operand: random.sample(
        documents, min(mongo_match.integer(operand['size']), len(documents))),
    '$group': grouped,
    '$bucketAuto': buckets,
}


def run(collection, namespace, stages):
    """The documents that a pipeline makes of a collection, as bytes."""
    documents, left = source(collection, namespace, stages)
    for stage in left:
        (name, operand), = stage.items()
        if name not in STAGES:
            raise CommandError(40324, f"Unrecognized pipeline stage name: '{name}'")
        documents = STAGES[name](documents, operand)
    return [bson.encode(document) for document in documents]
