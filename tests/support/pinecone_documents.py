"""Pinecone's Documents API (2026-07) in its double. Vectors are scored exactly, texts by how many of the
words a text has; strings that the service would embed itself are not searched."""
import math
from array import array

from pinecone_filter import compiled, metadata_of
from pinecone_pages import ascii_name, cost, ids_of, known, paged, skipped, whole
from pinecone_store import Refused, Sparse, dumps, floats, numbers_text
from pinecone_vectors import MOST_TOP, scorer, sparse_of, with_tail

TYPES = {'string': str, 'string_list': list, 'boolean': bool, 'integer': float, 'float': float}


def is_data(about):
    """Of a field of the schema: it is searched, and no filter compares it."""
    return about['type'] in ('dense_vector', 'sparse_vector') or any(about.get(word) for word in (
        'full_text_search', 'embed', 'sparse_embed'))


def name_of(index, name):
    return index.own(ascii_name(name, 'namespace'))


def field_text(value):
    if isinstance(value, array):
        return numbers_text(value)
    return value.text() if isinstance(value, Sparse) else dumps(value)


def document_text(one, fields, include, score=None):
    parts = [f'"_id":{dumps(one)}'] + ([] if score is None else [f'"_score":{score!r}'])
    parts += [f'{dumps(name)}:{field_text(value)}' for name, value in fields.items()
              if '*' in include or name in include]
    return f"{{{','.join(parts)}}}"


def plain_filter(index, given):
    """A filter of metadata; one of a searched field is refused, as is matching of texts, which the
    double does not have."""
    for key, value in given.items() if isinstance(given, dict) else ():
        if key in ('$and', '$or'):
            for one in value if isinstance(value, list) else ():
                plain_filter(index, one)
        elif key in index.fields and is_data(index.fields[key]):
            raise Refused(f"filter: field '{key}' is searched, not compared")
    return compiled(given)


# Writing.

def one_field(index, one, name, value, limits):
    about = index.fields.get(name)
    where = f"document '{one}', field '{name}'"
    if value is None:       # (unverified) for upserts
        raise Refused(f'{where}: null is no value; leave the field out')
    if name.startswith(('_', '$')):
        raise Refused(f'{where}: the name is reserved')
    if about and about['type'] == 'dense_vector':
        numbers = floats(value, where)
        if len(numbers) != about['dimension']:
            raise Refused(f'{where}: Vector dimension {len(numbers)} does not match the dimension of the '
                          f"field {about['dimension']}")
        if not any(numbers):
            raise Refused(f'{where}: Dense vectors must contain at least one non-zero value')
        return numbers
    if about and about['type'] == 'sparse_vector':
        return sparse_of(value, limits.sparse) or Sparse([], array('f'))
    kept = metadata_of({name: value}, limits.metadata)[name]
    if about and type(kept) is not TYPES[about['type']]:
        raise Refused(f"{where}: a value of type {about['type']} is wanted")
    return kept


def fields_of(index, given, limits, keys=('_id',)):
    """(id, fields) of a document as it came, checked field by field."""
    if not isinstance(given, dict):
        raise Refused('a document is an object')
    one = ascii_name(given.get('_id'), "Document '_id'")
    fields = {name: one_field(index, one, name, value, limits)
              for name, value in given.items() if name not in keys}
    metadata_of({name: value for name, value in fields.items()
                 if not isinstance(value, (array, Sparse)) and name not in index.fields}, limits.metadata)
    return one, fields


def documents_of(given, limits):
    if not isinstance(given, list) or not given:
        raise Refused("'documents' must be a list that is not empty")
    if len(given) > limits.vectors:
        raise Refused(f'Number of documents ({len(given)}) exceeds the maximum limit of {limits.vectors} '
                      'documents', 'OUT_OF_RANGE', 413)
    ids = [one.get('_id') for one in given if isinstance(one, dict)]
    if len({one for one in ids if isinstance(one, str)}) != len(given):
        raise Refused('document IDs must be there and unique within a request')
    return given


def complete(index, one, fields):
    missing = [name for name, about in index.fields.items() if name not in fields and (
        about['type'] == 'dense_vector' or about.get('embed'))]
    if missing:
        raise Refused(f"document '{one}' lacks the required fields {', '.join(missing)}")
    if not any(name in fields for name, about in index.fields.items() if is_data(about)):
        raise Refused(f"document '{one}' has no field that is searched")


def upsert(index, ask, name):
    name = name_of(index, name)
    given = documents_of(known(ask.body, 'documents').get('documents'), ask.limits)
    records = dict(fields_of(index, one, ask.limits) for one in given)
    for one, fields in records.items():
        complete(index, one, fields)
    ask.wrote(max(1, math.ceil(ask.size / 1024)))
    index.write(name, lambda space: space.put(records))
    return {'upserted_count': len(records)}


def patched(old, fields, removed):
    return {key: value for key, value in {**old, **fields}.items() if key not in removed}


def update(index, ask, name):
    name = name_of(index, name)
    body = known(ask.body, 'documents', 'filter', 'set_fields', 'remove_fields')
    if (body.get('documents') is None) == (body.get('filter') is None):
        raise Refused("one of 'documents' and 'filter' is wanted")
    if body.get('filter') is not None:
        return update_by_filter(index, ask, name, body)
    patches = {}
    for given in documents_of(body['documents'], ask.limits):
        one, fields = fields_of(index, given, ask.limits, ('_id', '_remove_fields'))
        patches[one] = fields, set(given.get('_remove_fields') or ())
        refuse_bare(index, one, patches[one][1])
    ask.wrote(len(patches))
    index.write(name, lambda space: space.put({     # who is not there is passed over
        one: patched(space.records[one], *patch) for one, patch in patches.items() if one in space.records}))
    return {}


def update_by_filter(index, ask, name, body):
    test = plain_filter(index, body['filter'])
    if not body['filter'] or not (body.get('set_fields') or body.get('remove_fields')):
        raise Refused("'filter' must not be empty, and something must change")
    _, fields = fields_of(index, {'_id': 'set_fields', **(body.get('set_fields') or {})}, ask.limits)
    removed = set(body.get('remove_fields') or ())
    refuse_bare(index, 'set_fields', removed)
    matched = sum(map(test, index.space(name).records.values()))
    ask.wrote(max(1, matched))
    index.write(name, lambda space: space.put({one: patched(old, fields, removed) for one, old in
                                               space.records.items() if test(old)}))
    return {'matched_records': matched}


def refuse_bare(index, one, removed):
    for key in removed:
        if index.fields.get(key, {}).get('type') == 'dense_vector':
            raise Refused(f"document '{one}': field '{key}' is required")       # (unverified)


def delete(index, ask, name):
    name = name_of(index, name)
    body = known(ask.body, 'ids', 'filter', 'delete_all')
    if sum(body.get(word) not in (None, False, []) for word in ('ids', 'filter', 'delete_all')) != 1:
        raise Refused("Provide exactly one of 'ids', 'filter', or 'delete_all'.")
    if body.get('delete_all'):
        index.write(name, lambda space: space.clear())
        return {}
    if body.get('ids'):
        ids = ids_of(body['ids'], ask.limits.ids)
        ask.wrote(len(ids))
        index.write(name, lambda space: space.remove(ids))
        return {}
    test = plain_filter(index, body['filter'])
    if not body['filter']:
        raise Refused('Delete with empty metadata filter is not allowed')
    matched = sum(map(test, index.space(name).records.values()))
    ask.wrote(max(1, matched))
    index.write(name, lambda space: space.remove([one for one, old in space.records.items() if test(old)]))
    return {'matched_records': matched}


# Reading.

def list_ids(index, ask, name):
    body = known(ask.body or {}, 'prefix', 'limit', 'pagination_token')
    name = name_of(index, name)
    limit = whole(body.get('limit'), 'limit', 1, ask.limits.page, ask.limits.page)
    prefix = ascii_name(body.get('prefix') or '', 'prefix', least=0)
    after = skipped(body.get('pagination_token'), ask.limits)
    page, pagination = paged(index.space(name).ids(after, prefix), limit, prefix)
    ask.read(1)
    return {'documents': [{'_id': one} for one in page], 'namespace': name, 'usage': {'read_units': 1},
            **pagination}


def fetch(index, ask, name):
    body = known(ask.body, 'ids', 'filter', 'include_fields', 'pagination_token', 'limit')
    space = index.space(name_of(index, name))
    if bool(body.get('ids')) == (body.get('filter') is not None):
        raise Refused("The 'ids' and 'filter' fields are mutually exclusive in document fetch requests.")
    if body.get('ids'):
        ids, pagination = ids_of(body['ids'], ask.limits.ids), {}
    else:
        if not body['filter']:
            raise Refused("The 'filter' field must be a non-empty object of filter predicates")
        test, limit = plain_filter(index, body['filter']), whole(body.get('limit'), 'limit', 1, 10000, 100)
        after = skipped(body.get('pagination_token'), ask.limits)
        ids, pagination = paged([one for one in space.ids(after) if test(space.records[one])], limit, '')
    found = {one: space.records[one] for one in ids if one in space.records}
    cost(ask, len(found))
    include = body.get('include_fields') or ['*']
    text = ','.join(f'{dumps(one)}:{document_text(one, fields, include)}' for one, fields in found.items())
    return with_tail(f'"documents":{{{text}}}', namespace=name, usage={'read_units': ask.units},
                     **pagination)


class Scored:
    """A field of a document in the clothes of a record of vectors."""

    def __init__(self, value):
        self.values = value if isinstance(value, array) else array('f')
        self.sparse = value if isinstance(value, Sparse) else None
        self.length = math.hypot(*self.values)


def clause_score(index, clause, limits):
    """(a function of a document's fields, which is None for what cannot match; is less nearer)"""
    if not isinstance(clause, dict):
        raise Refused("'score_by' holds objects")
    kind, names = clause.get('type'), clause.get('fields') or [clause.get('field')]
    about = index.fields.get(names[0], {})
    if kind == 'text':
        words = clause['query'].lower().split()
        return lambda fields: float(sum(str(fields.get(name, '')).lower().split().count(word)
                                        for name in names for word in words)) or None, False
    if kind not in ('dense_vector', 'sparse_vector'):
        raise Refused(f'the double does not score by {kind}', 'UNIMPLEMENTED')
    if about.get('type') != kind:
        raise Refused(f"score_by: '{names[0]}' is no field of type {kind}")
    if kind == 'sparse_vector':
        wanted = sparse_of(clause['sparse_values'], limits.sparse)
        score = scorer('dotproduct', array('f'), wanted)
        return lambda fields: score(Scored(fields[names[0]])) if set(wanted.indices) & set(
            getattr(fields.get(names[0]), 'indices', ())) else None, False
    values = floats(clause.get('values'), names[0])
    if len(values) != about['dimension']:
        raise Refused(f"Query vector dimension {len(values)} does not match the dimension of the field "
                      f"{about['dimension']}")
    score = scorer(about['metric'], values, None)
    return lambda fields: score(Scored(fields[names[0]])) if names[0] in fields else None, (
        about['metric'] == 'euclidean')


def search(index, ask, name):
    body = known(ask.body, 'score_by', 'top_k', 'include_fields', 'filter')
    space, top = index.space(name_of(index, name)), whole(body.get('top_k'), 'top_k', 1, MOST_TOP)
    clauses = body.get('score_by')
    if not isinstance(clauses, list) or not clauses:
        raise Refused("'score_by' must contain at least one scoring method.")
    if len(clauses) > 1 and any(one.get('type') not in ('text', 'query_string') for one in clauses):
        raise Refused("'score_by': a clause of a vector stands alone")
    scores = [clause_score(index, clause, ask.limits) for clause in clauses]
    test, hits = plain_filter(index, body.get('filter')), []
    for one, fields in space.records.items():
        found = [near for score, _ in scores for near in [score(fields)] if near is not None]
        if found and test(fields):
            hits.append((sum(found), one))
    hits.sort(key=lambda hit: (hit[0] if scores[0][1] else -hit[0], hit[1]))
    cost(ask, len(space.records))
    include = body.get('include_fields') or []
    text = ','.join(document_text(one, space.records[one], include, near) for near, one in hits[:top])
    return with_tail(f'"matches":[{text}]', namespace=name, usage={'read_units': ask.units})


CALLS = {'upsert': upsert, 'list': list_ids, 'fetch': fetch, 'search': search, 'update': update,
         'delete': delete}
