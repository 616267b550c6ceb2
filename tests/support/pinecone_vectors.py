"""The calls of Pinecone's double that are about vectors, for indexes of vectors."""
import heapq
import math
import operator

from pinecone_filter import compiled, metadata_of
from pinecone_pages import (cost, ids_of, known, namespace, paged, refuse_pods, shown, skipped, token,
                            ascii_name, whole)
from pinecone_store import Record, Refused, Sparse, dumps, floats, numbers_text

MOST_TOP = 10000
MOST_BY_METADATA = 10000


def record_text(one, record, values=True, metadata=True, score=None):
    parts = [f'"id":{dumps(one)}']
    if score is not None:
        parts.append(f'"score":{score!r}')
    parts.append(f'"values":{numbers_text(record.values) if values else "[]"}')
    if values and record.sparse:
        parts.append(f'"sparseValues":{record.sparse.text()}')
    if metadata and record.metadata:
        parts.append(f'"metadata":{dumps(record.metadata)}')
    return f"{{{','.join(parts)}}}"


def with_tail(text, **tail):
    """An object of JSON whose first member is written already."""
    return f"{{{text},{dumps(tail)[1:]}"


# Writing.

def sparse_of(given, limit):
    given = known(given, 'indices', 'values')
    indices, values = given.get('indices'), floats(given.get('values'), 'sparse values')
    if not isinstance(indices, list) or len(indices) != len(values):
        raise Refused('Sparse indices and values must have the same length')
    if not all(type(one) is int and 0 <= one < 2 ** 32 for one in indices):
        raise Refused('Sparse indices must be whole numbers of 0 to 4294967295')
    if len(set(indices)) != len(indices):
        raise Refused('Sparse indices must be unique')      # (unverified)
    if len(indices) > limit:
        raise Refused(f'Sparse vector exceeds the limit of {limit} values')
    return Sparse(indices, values) if indices else None


def dense_of(index, given):
    values = floats(given)
    if values and index.vector_type == 'sparse':
        raise Refused('Cannot use dense values with a sparse index')    # (unverified)
    if values and len(values) != index.dimension:
        raise Refused(f'Vector dimension {len(values)} does not match the dimension of the index '
                      f'{index.dimension}')
    if values and not any(values):
        raise Refused('Dense vectors must contain at least one non-zero value')
    return values


def record_of(index, given, limits):
    one = ascii_name(known(given, 'id', 'values', 'sparseValues', 'metadata').get('id'), 'Vector ID')
    values = dense_of(index, given.get('values') or [])
    sparse = sparse_of(given['sparseValues'], limits.sparse) if given.get('sparseValues') else None
    refuse_sparse(index, sparse)
    if not values and index.vector_type == 'dense':
        raise Refused(f"Vector '{one}' must have dense values")         # (unverified)
    if not sparse and index.vector_type == 'sparse':
        raise Refused('Sparse vector must contain at least one value')  # (unverified)
    return one, Record(values, sparse, metadata_of(given.get('metadata'), limits.metadata))


def refuse_sparse(index, sparse):
    if sparse and index.metric != 'dotproduct':
        raise Refused('Index configuration does not support sparse values - only indexes that are sparse or '
                      'using dotproduct are supported')


def upsert(index, ask):
    body = known(ask.body, 'vectors', 'namespace')
    given, name = body.get('vectors'), namespace(index, body.get('namespace'))
    if not isinstance(given, list) or not given:
        raise Refused('at least one vector is wanted')
    if len(given) > ask.limits.vectors:
        raise Refused(f'the number of vectors, {len(given)}, exceeds the limit of {ask.limits.vectors}')
    # All or nothing. Of an id that comes twice the last is kept (unverified).
    records = dict(record_of(index, one, ask.limits) for one in given)
    ask.wrote(max(1, math.ceil(ask.size / 1024)))
    index.write(name, lambda space: space.put(records))
    return {'upsertedCount': len(given)}


def update(index, ask):
    body = known(ask.body, 'id', 'values', 'sparseValues', 'setMetadata', 'namespace',
                 *(('filter', 'dryRun') if ask.version >= '2025-10' else ()))
    name, one = namespace(index, body.get('namespace')), body.get('id')
    if bool(one) == (body.get('filter') is not None):
        raise Refused('Exactly one of id or filter must be provided')
    if body.get('filter') == {}:
        raise Refused('Update with empty metadata filter is not allowed')
    if body.get('filter') and (body.get('values') or body.get('sparseValues')):
        raise Refused('Update by metadata request does not support updating vector values.')
    values = dense_of(index, body.get('values') or [])
    sparse = sparse_of(body['sparseValues'], ask.limits.sparse) if body.get('sparseValues') else None
    refuse_sparse(index, sparse)
    changed = metadata_of(body.get('setMetadata'), ask.limits.metadata) or {}
    test = compiled(body.get('filter'))

    def chosen(space):
        """An id that is not there is no error (unverified)."""
        return [key for key in ([one] if one else list(space.records)) if key in space.records and (
            one or test(space.records[key].metadata))]

    def change(space):
        space.put({key: Record(values or old.values, sparse or old.sparse, {
            **(old.metadata or {}), **changed} or None)
            for key in chosen(space) for old in [space.records[key]]})

    matched = len(chosen(index.space(name)))
    if one or not body.get('dryRun'):
        ask.wrote(max(1, matched))
        index.write(name, change)
    return {} if one else {'matchedRecords': matched}


def delete(index, ask):
    body = known(ask.body, 'ids', 'deleteAll', 'filter', 'namespace')
    name, ids = namespace(index, body.get('namespace')), body.get('ids')
    if body.get('deleteAll') and (ids or body.get('filter')):
        raise Refused(f"No {'explicit IDs' if ids else 'filter'} allowed when delete_all=true")
    if body.get('filter') == {}:
        raise Refused('Delete with empty metadata filter is not allowed')
    if not (ids or body.get('deleteAll') or body.get('filter')):
        raise Refused('one of ids, deleteAll and filter is wanted')
    if ids:
        ids = ids_of(ids, ask.limits.ids)
    test = compiled(body.get('filter'))
    if name not in index.known:     # (unverified)
        raise Refused('Namespace not found', 'NOT_FOUND')
    ask.wrote(max(1, len(ids or ())))

    def change(space):
        if body.get('deleteAll'):
            space.clear()
        elif body.get('filter'):    # ids beside it are ignored
            space.remove([key for key, one in space.records.items() if test(one.metadata)])
        else:
            space.remove(ids)

    index.write(name, change)
    return {}


# Reading.

def list_ids(index, ask):
    refuse_pods(index, 'Listing vector ids')
    limit = whole(ask.query.get('limit'), 'limit', 1, ask.limits.page, ask.limits.page)
    prefix = ascii_name(ask.query.get('prefix', ''), 'prefix', least=0)
    if ' ' in prefix:
        raise Refused('prefix must not hold blanks')
    name = namespace(index, ask.query.get('namespace'))
    after = skipped(ask.query.get('paginationToken'), ask.limits)
    found = index.space(name).ids(after, prefix)
    page, pagination = paged(found, limit, prefix)
    if ask.limits.short_page and len(page) > ask.limits.short_page:
        page = page[:ask.limits.short_page]
        pagination = {'pagination': {'next': token(page[-1], prefix)}}
    ask.read(1)
    return {'vectors': [{'id': one} for one in page], **pagination,
            'namespace': shown(name, ask.version), 'usage': {'readUnits': 1}}


def records_text(index, records, ask, name, pagination):
    cost(ask, len(records))
    text = ','.join(f'{dumps(one)}:{record_text(one, record)}' for one, record in records.items())
    return with_tail(f'"vectors":{{{text}}}', namespace=shown(name, ask.version),
                     usage={'readUnits': ask.units}, **pagination)


def fetch(index, ask):
    ids = ids_of(ask.queries.get('ids'), ask.limits.ids)
    name = namespace(index, ask.query.get('namespace'))
    space = index.space(name)
    return records_text(index, {one: space.records[one] for one in ids if one in space.records}, ask, name,
                        {})


def fetch_by_metadata(index, ask):
    refuse_pods(index, 'Fetching by metadata')
    body = known(ask.body, 'namespace', 'filter', 'limit', 'paginationToken')
    if not body.get('filter'):
        raise Refused('Empty filter provided for fetch by metadata request')
    limit = whole(body.get('limit'), 'limit', 1, MOST_BY_METADATA, 100)
    name, test = namespace(index, body.get('namespace')), compiled(body['filter'])
    space = index.space(name)
    found = [one for one in space.ids(skipped(body.get('paginationToken'), ask.limits))
             if test(space.records[one].metadata)]
    page, pagination = paged(found, limit, '')
    return records_text(index, {one: space.records[one] for one in page}, ask, name, pagination)


def scorer(metric, values, sparse):
    """Of the squared distance (unverified) less is nearer, of the others more."""
    if metric == 'euclidean':
        return lambda one: math.dist(values, one.values) ** 2
    if metric == 'cosine':
        length = math.hypot(*values)
        return lambda one: sum(map(operator.mul, values, one.values)) / (length * one.length)

    def dot(one):
        near = sum(map(operator.mul, values, one.values)) if values else 0.0
        return near + (one.sparse.dot(sparse) if sparse and one.sparse else 0.0)

    return dot


def asked_vector(index, body, space, limits):
    """What to be near to: (values, sparse)"""
    if body.get('id'):
        if body.get('vector') or body.get('sparseVector'):
            raise Refused("Cannot provide both 'ID' and 'vector' at the same time")
        record = space.records.get(body['id'])  # None: matches nothing (unverified)
        return (record.values, record.sparse) if record else None
    values = floats(body.get('vector') or [])
    if values and len(values) != index.dimension:
        raise Refused(f'Query vector dimension {len(values)} does not match the dimension of the index '
                      f'{index.dimension}')
    sparse = sparse_of(body['sparseVector'], limits.sparse) if body.get('sparseVector') else None
    refuse_sparse(index, sparse)
    if not values and (index.vector_type == 'dense' or not sparse):
        raise Refused('a query needs a vector')
    if values and not any(values) and index.metric == 'cosine':
        raise Refused('Query vector must contain at least one non-zero value')      # (unverified)
    return values, sparse


def query(index, ask):
    """Exact."""
    body = known(ask.body, 'topK', 'vector', 'id', 'sparseVector', 'filter', 'includeValues',
                 'includeMetadata', 'namespace',
                 *(('scanFactor', 'maxCandidates') if ask.version >= '2025-10' else ()))
    top = whole(body.get('topK'), 'topK', 1, MOST_TOP)
    name, test = namespace(index, body.get('namespace')), compiled(body.get('filter'))
    space = index.space(name)
    asked = asked_vector(index, body, space, ask.limits)
    hits = []
    if asked:
        score = scorer(index.metric, *asked)
        hits = [(score(one), key) for key, one in space.records.items()
                if (index.vector_type == 'dense' or not asked[1] or set(asked[1].indices) & set(
                    one.sparse.indices)) and (not body.get('filter') or test(one.metadata))]
        sign = 1 if index.metric == 'euclidean' else -1
        hits = heapq.nsmallest(top, hits, key=lambda hit: (sign * hit[0], hit[1]))
    ask.read(max(1, math.ceil(len(space.records) * 4 * (index.dimension or 100) / 1e9)))
    text = ','.join(record_text(key, space.records[key], body.get('includeValues'),
                                body.get('includeMetadata'), near) for near, key in hits)
    if len(text) > ask.limits.result:
        raise Refused(f'the result is larger than {ask.limits.result} bytes')       # (unverified)
    return with_tail(f'"matches":[{text}]', namespace=shown(name, ask.version),
                     usage={'readUnits': ask.units})
