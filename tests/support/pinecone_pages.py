"""What the calls of the data plane share in Pinecone's double: names, ids, pages and their tokens."""
import base64
import binascii
import math
import time

from pinecone_filter import compiled
from pinecone_store import DEFAULT, Refused, dumps, loads

# What a call costs is rounded to whole units, which are all that the official client reads (unverified).
IDS_A_READ_UNIT = 10


def ascii_name(text, what, least=1):
    if not isinstance(text, str):
        raise Refused(f'{what} must be a string')
    if not least <= len(text) <= 512:
        raise Refused(f'{what} must be {least} to 512 characters long, got {len(text)}')
    if not text.isascii() or '\0' in text:
        raise Refused(f"{what} must be ASCII, but got '{text[:64]}'")
    return text


def namespace(index, text):
    return index.own(ascii_name(text or '', 'namespace', least=0))


def shown(name, version):
    """The default namespace in an answer; which versions write it how is (unverified)."""
    return '' if name == DEFAULT and version < '2026-07' else name


def known(body, *names):
    """A key that the call does not have is refused, as protobuf's JSON is (unverified)."""
    if not isinstance(body, dict):
        raise Refused('a JSON object is wanted')
    for key in body:
        if key not in names:
            raise Refused(f'unknown field "{key}"')
    return body


def ids_of(given, most):
    if not isinstance(given, list) or not given:
        raise Refused('ids must be a list of ids that is not empty')
    if len(given) > most:
        raise Refused(f'the number of ids exceeds the limit of {most}')
    return [ascii_name(one, 'Vector ID') for one in given]


def whole(value, name, least, most, default=None):
    if value is None and default is not None:
        return default
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise Refused(f'{name} must be a whole number') from None
    if isinstance(value, bool) or not least <= number <= most:
        raise Refused(f'{name} must be between {least} and {most}, got {value}')
    return number


def token(after, prefix):
    text = dumps({'skip_past': after, 'prefix': prefix, 'at': time.time()})
    return base64.b64encode(text.encode()).decode()


def skipped(given, limits):
    """The last id or name that a token says was seen."""
    if not given:
        return ''
    try:
        said = loads(base64.b64decode(given, validate=True))
        after, at = said['skip_past'], said['at']
    except (ValueError, binascii.Error, KeyError, TypeError):
        raise Refused('Invalid pagination token') from None
    if limits.token_seconds is not None and time.time() - at > limits.token_seconds:
        raise Refused('Pagination token has expired')  # (unverified)
    return after


def paged(found, limit, prefix):
    """(this page, its `pagination` or nothing)"""
    page = found[:limit]
    return page, {'pagination': {'next': token(page[-1], prefix)}} if len(found) > limit else {}


def cost(ask, records):
    ask.read(max(1, math.ceil(records / IDS_A_READ_UNIT)))


# Namespaces.

def described(index, name):
    space, fields = index.space(name), index.schemas.get(name)
    # Numbers of 64 bits are texts in protobuf's JSON, and the client reads them leniently.
    out = {'name': name, 'record_count': str(len(space.records)),
           'size_bytes': str(1000 * len(space.records))}
    if fields:
        out |= {'schema': {'fields': fields}, 'indexed_fields': {'fields': list(fields)}}
    return out


def list_namespaces(index, ask):
    refuse_pods(index, 'Namespaces')
    limit = whole(ask.query.get('limit'), 'limit', 1, 100, 100)
    prefix = ascii_name(ask.query.get('prefix', ''), 'prefix', least=0)
    index.settle(everything=False)
    every = sorted(one for one in index.namespaces if one.startswith(prefix))
    after = skipped(ask.query.get('paginationToken'), ask.limits)
    names, pagination = paged([one for one in every if one > after], limit, prefix)
    ask.read(1)
    return {'namespaces': [described(index, one) for one in names],
            'total_count': len(every), **pagination}


def create_namespace(index, ask):
    refuse_pods(index, 'Namespaces')
    body = known(ask.body, 'name', 'schema')
    name = ascii_name(body.get('name'), 'name')
    if name == DEFAULT:
        raise Refused(f'{DEFAULT} is reserved')
    if name in index.known:
        raise Refused(f'Namespace {name} already exists', 'ALREADY_EXISTS')
    fields = known(body.get('schema') or {'fields': {}}, 'fields')['fields']
    for key, about in fields.items():
        if about != {'filterable': True}:
            raise Refused(f"Field '{key}' is set to filterable: false. Only filterable: true is supported. "
                          'To avoid indexing the field, omit it from the list of fields.')
    index.schemas[name] = fields
    index.write(name, lambda space: None)
    return described(index, name)


def get_namespace(index, ask, name):
    refuse_pods(index, 'Namespaces')
    name = index.own(name)
    index.settle(everything=False)
    if name not in index.namespaces and (name != DEFAULT or index.documents):
        raise Refused('Namespace not found', 'NOT_FOUND')
    ask.read(1)
    return described(index, name)


def delete_namespace(index, ask, name):
    refuse_pods(index, 'Namespaces')
    name = index.own(name)
    if name not in index.known:
        raise Refused('Namespace not found', 'NOT_FOUND')
    index.write(name, lambda space: space.clear())
    index.known.discard(name)
    index.schemas.pop(name, None)
    ask.wrote(1)
    return {}


def refuse_pods(index, what):
    """The status and the words are (unverified)."""
    if index.pods:
        raise Refused(f'{what} is only supported for serverless indexes', 'UNIMPLEMENTED')


# What the double only refuses. The words are (unverified).

def records(index, ask, name):
    raise Refused(f'Index {index.name} has no integrated embedding: the Records API is not for it')


def start_import(index, ask):
    refuse_pods(index, 'Import')
    raise Refused('Import is not available on this plan', 'FORBIDDEN')


def list_imports(index, ask):
    refuse_pods(index, 'Import')
    return {'data': []}


def stats(index, ask):
    given = known(ask.body or {}, 'filter')
    if given.get('filter') and not index.pods:
        raise Refused('Serverless and Starter indexes do not support describing index stats with metadata '
                      'filtering')
    index.settle(everything=False)
    counts = dict(index.counts)
    if given.get('filter'):
        test = compiled(given['filter'])
        counts = {name: sum(test(one.metadata) for one in index.space(name).records.values())
                  for name in counts}
    out = {'namespaces': {shown(name, ask.version): {'vectorCount': count}
                          for name, count in counts.items()},
           'indexFullness': 0, 'totalVectorCount': sum(counts.values()),
           'memory_fullness': 0, 'storage_fullness': 0}
    dense = [one for one in index.fields.values() if one['type'] == 'dense_vector']
    if len(dense) == 1:     # of a document index (unverified)
        out |= {'dimension': dense[0]['dimension'], 'metric': dense[0]['metric']}
    if not index.documents:
        out |= {'metric': index.metric, 'vectorType': index.vector_type}
    ask.read(1)
    return out
