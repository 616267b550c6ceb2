"""Pinecone's control plane in its double, in both shapes: dimension, metric and spec up to API 2026-04,
schema and deployment from 2026-07."""
import re
import time

from pinecone_documents import is_data
from pinecone_pages import known, whole
from pinecone_store import Index, Refused

SCHEMAS = '2026-07'     # the first version of the second shape
METRICS = ('cosine', 'euclidean', 'dotproduct')
FIELDS = {
    'dense_vector': {'dimension', 'metric', 'description'}, 'sparse_vector': {'description'},
    'string': {'full_text_search', 'embed', 'sparse_embed', 'store_text', 'filterable', 'description'},
    'string_list': {'filterable', 'description'}, 'boolean': {'filterable', 'description'},
    'integer': {'filterable', 'description'}, 'float': {'filterable', 'description'},
}


def unprocessable(message):
    return Refused(message, 'UNPROCESSABLE_ENTITY')


# What comes in.

def valid_name(name):
    if not isinstance(name, str) or not re.fullmatch(r'[a-z0-9]([a-z0-9-]*[a-z0-9])?', name) or len(
            name) > 45:
        raise Refused('Name must consist of lower case alphanumeric characters or \'-\', start and end with '
                      'an alphanumeric character, and be 1 to 45 characters long')
    return name


def dense_field(dimension, metric):
    if metric not in METRICS:
        raise Refused(f'metric must be one of {", ".join(METRICS)}, got {metric}')
    return {'type': 'dense_vector', 'dimension': whole(dimension, 'dimension', 1, 20000), 'metric': metric}


def fields_before(body):
    """Of a body up to 2026-04."""
    kind, metric = body.get('vector_type') or 'dense', body.get('metric')
    if kind not in ('dense', 'sparse'):
        raise Refused(f'vector_type must be dense or sparse, got {kind}')
    if kind == 'dense':
        return {'_values': dense_field(body.get('dimension'), metric or 'cosine')}
    if body.get('dimension') is not None:
        raise Refused('dimension must not be given for a sparse index')
    if metric not in (None, 'dotproduct'):
        raise Refused('the metric of a sparse index must be dotproduct')
    return {'_sparse_values': {'type': 'sparse_vector'}}


def deployment_before(spec):
    if not isinstance(spec, dict) or len(spec) != 1:
        raise unprocessable('spec must have one of serverless, pod and byoc')
    (kind, about), = spec.items()
    for word in {'serverless': ('cloud', 'region')}.get(kind, ('environment',)):
        if word not in about:
            raise unprocessable(f'spec: missing field {word}')
    if kind == 'serverless':
        return {'deployment_type': 'managed', 'cloud': about['cloud'], 'region': about['region']}
    if kind == 'byoc':
        return {'deployment_type': 'byoc', 'environment': about['environment']}
    if kind == 'pod':
        return {'deployment_type': 'pod', 'environment': about['environment'],
                'pod_type': about.get('pod_type', 'p1.x1'), 'replicas': about.get('replicas', 1),
                'shards': about.get('shards', 1)}
    raise unprocessable(f'spec: {kind} is unknown')


def fields_of(schema):
    fields = schema.get('fields') if isinstance(schema, dict) else None
    if not isinstance(fields, dict) or not fields:
        raise Refused('schema.fields must name a field at least')
    for name, about in fields.items():
        kind = about.get('type') if isinstance(about, dict) else None
        if kind not in FIELDS:
            raise Refused(f"schema: field '{name}' has the unknown type {kind}")
        known(about, 'type', *FIELDS[kind])
        if not 1 <= len(name.encode()) <= 64:
            raise Refused(f"schema: field name '{name}' must be 1 to 64 bytes long")
        if name.startswith(('_', '$')) and name not in ('_values', '_sparse_values'):
            raise Refused(f"schema: field name '{name}' is reserved")
    fields = {name: about | dense_field(about.get('dimension'), about.get('metric', 'cosine'))
              if about['type'] == 'dense_vector' else about for name, about in fields.items()}
    reserved = fields.keys() & {'_values', '_sparse_values'}
    if reserved and reserved != fields.keys():
        raise Refused('schema: the reserved fields _values and _sparse_values stand alone')  # (unverified)
    if not any(map(is_data, fields.values())):
        raise Refused('schema: at least one searched field is wanted')
    return fields


# What goes out.

def state(server, index):
    if index.going is not None:
        return {'ready': False, 'state': 'Terminating'}
    ready = time.monotonic() >= index.created + server.limits.ready_after
    return {'ready': ready, 'state': 'Ready' if ready else 'Initializing'}


def common(server, index):
    status = state(server, index)
    return {'name': index.name, 'host': server.host_of(index) if status['state'] != 'Initializing' else None,
            'private_host': None, 'status': status, 'deletion_protection': index.protected,
            'tags': index.tags}


def spec_of(index):
    about = {key: value for key, value in index.deployment.items() if key != 'deployment_type'}
    kind = index.deployment['deployment_type']
    if kind == 'pod':
        return {'pod': {**about, 'pods': about['replicas'] * about['shards'],
                        'source_collection': index.source_collection}}
    if kind == 'byoc':
        return {'byoc': about}
    return {'serverless': {**about, 'read_capacity': read_capacity(index),
                           'source_collection': index.source_collection}}


def read_capacity(index):
    return {'mode': 'OnDemand', 'status': {'state': 'Ready'}, **(index.read_capacity or {})}


def model(server, index, version):
    if version >= SCHEMAS:
        return {**common(server, index), 'schema': {'fields': {
                    name: {'description': None, **about} for name, about in index.fields.items()}},
                'deployment': index.deployment, 'source_collection': index.source_collection,
                'source_backup_id': None, 'cmek_id': None,
                'read_capacity': None if index.pods else read_capacity(index)}
    sized = {'dimension': index.dimension} if index.vector_type == 'dense' else {}
    return {**common(server, index), **sized, 'metric': index.metric, 'vector_type': index.vector_type,
            'embed': None, 'spec': spec_of(index)}


# The calls.

def found(server, name):
    index = server.indexes.get(name)
    if index and index.going is not None and time.monotonic() >= index.going:
        server.forget(index)
        index = None
    if index is None:
        raise Refused(f'Resource {name} not found', 'NOT_FOUND')
    return index


def seen(server, name, version):
    index = found(server, name)
    if index.documents and version < SCHEMAS:   # what older versions say is (unverified)
        raise Refused(f'Index {name} has a schema of documents, which API version {version} does not know; '
                      f'use {SCHEMAS} or later')
    return index


def list_indexes(server, ask):
    out = []
    for name in sorted(server.indexes):
        try:
            out.append(model(server, seen(server, name, ask.version), ask.version))
        except Refused:     # gone meanwhile, or left out of a list that has no words for it (unverified)
            continue
    return {'indexes': out}


def get_index(server, ask, name):
    return model(server, seen(server, name, ask.version), ask.version)


def create_index(server, ask):
    both = ('name', 'deletion_protection', 'tags')
    if ask.version >= SCHEMAS:
        body = known(ask.body, *both, 'schema', 'deployment', 'read_capacity', 'source_collection',
                     'source_backup_id', 'cmek_id')
        fields = fields_of(body.get('schema'))
        deployment = body.get('deployment') or {'deployment_type': 'managed', 'cloud': 'aws',
                                                'region': 'us-east-1'}
        if deployment.get('deployment_type') not in ('managed', 'pod', 'byoc'):
            raise unprocessable('deployment.deployment_type must be managed, pod or byoc')
    else:
        body = known(ask.body, *both, 'dimension', 'metric', 'vector_type', 'spec')
        deployment, fields = deployment_before(body.get('spec')), fields_before(body)
    name = valid_name(body.get('name'))
    if name in server.indexes:
        raise Refused('Resource already exists', 'ALREADY_EXISTS')
    if server.limits.indexes is not None and len(server.indexes) >= server.limits.indexes:
        raise Refused(f'You have reached the max serverless indexes allowed in project: '
                      f'{server.limits.indexes}', 'QUOTA_EXCEEDED')
    index = Index(name, fields, deployment)
    index.tags, index.protected = body.get('tags') or None, body.get('deletion_protection', 'disabled')
    index.read_capacity, index.source_collection = body.get('read_capacity'), body.get('source_collection')
    server.serve(index)
    return model(server, index, ask.version)


def change_index(server, ask, name):
    index = seen(server, name, ask.version)
    body = known(ask.body, 'deletion_protection', 'tags', 'read_capacity', 'embed', *(
        ('schema', 'deployment') if ask.version >= SCHEMAS else ('spec',)))
    scaling = body.get('deployment') or (body.get('spec') or {}).get('pod') or {}
    known(scaling, 'replicas', 'pod_type')
    if scaling and not index.pods:
        raise Refused('only pods are scaled')
    index.deployment = {**index.deployment, **scaling}
    if body.get('schema'):
        if not index.documents:
            raise Refused('the schema of a vector index is fixed')      # (unverified)
        added = fields_of(body['schema'])
        if added.keys() & index.fields.keys():
            raise Refused('a field of the schema cannot be changed')
        index.fields = {**index.fields, **added}
    index.protected = body.get('deletion_protection', index.protected)
    if body.get('tags'):    # an empty value removes the tag
        tags = {**(index.tags or {}), **body['tags']}
        index.tags = {key: value for key, value in tags.items() if value} or None
    index.read_capacity = body.get('read_capacity', index.read_capacity)
    return model(server, index, ask.version)


def delete_index(server, ask, name):
    index = found(server, name)
    if index.protected == 'enabled':
        raise Refused(f'Deletion protection is enabled for {name}. Disable deletion protection before '
                      'retrying.', 'FAILED_PRECONDITION', status=412)
    index.going = time.monotonic() + server.limits.gone_after
    if not server.limits.gone_after:
        server.forget(index)
