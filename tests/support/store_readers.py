"""What stores of vectors hold, read past lugger: {(namespace, id): Record}, floats as their bits."""
import json
from typing import NamedTuple

from vectors import bits_of

DEFAULT = '__default__'   # Pinecone's own word for the namespace without a name


class Record(NamedTuple):
    dense: tuple        # bits of the elements
    sparse: tuple       # (index from 0, bits)
    metadata: object    # None: none


def dense_of(text):
    return tuple(bits_of(float(one)) for one in text[1:-1].split(','))


def sparse_of(text, first):
    """As PostgreSQL writes it, or as Pinecone does."""
    if text.startswith('{"'):
        pairs = json.loads(text)
        return tuple(sorted(zip(pairs['indices'], map(bits_of, pairs['values']))))
    inside = text[1:text.index('}')]
    pairs = (pair.split(':') for pair in inside.split(',') if pair.strip())
    return tuple(sorted((int(at) - first, bits_of(float(number))) for at, number in pairs))


def metadata_of(text):
    return json.loads(text) if text and text != r'\N' else None


def of_table(database, table='docs', division='namespace', first=1):
    """A table of pgvector's types; first=0: of those of PGVecto.rs."""
    rows = database.rows(f'select {division}, id, embedding, sparse_values, metadata from {table}')
    return {('' if name == DEFAULT else name, key): Record(
        dense_of(dense), () if sparse == r'\N' else sparse_of(sparse, first), metadata_of(metadata))
            for name, key, dense, sparse, metadata in rows}


def of_class(client, name, tenants):
    out = {}
    for tenant in tenants:
        for one in client.all(name, tenant).values():
            fields = one['properties']
            out['' if tenant == DEFAULT else tenant, fields['doc_id']] = Record(
                tuple(map(bits_of, one['vectors']['embedding'])),
                sparse_of(fields['sparse_values'], 1) if fields.get('sparse_values') else (),
                metadata_of(fields.get('metadata')))
    return out


def of_index(index, namespaces):
    out = {}
    for name in namespaces:
        for key, record in index.records('' if name == DEFAULT else name).items():
            sparse = record.get('sparse') or {'indices': [], 'values': []}
            out['' if name == DEFAULT else name, key] = Record(
                tuple(map(bits_of, record['values'])),
                tuple(sorted(zip(sparse['indices'], map(bits_of, sparse['values'])))),
                record.get('metadata') or None)
    return out
