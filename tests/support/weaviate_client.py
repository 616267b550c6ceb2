"""The official client of Weaviate, from PyPI, in an environment of its own (peer_cache): a judge that
lugger has no part in. This file is also the program that runs there: PORT GRPC_PORT write|read, JSON
comes in and goes out."""
import json
import subprocess
import sys

PACKAGE = 'weaviate-client==4.24.1'


def interpreter():
    """The Python that has the client; skips by name when it cannot be had."""
    from peer_cache import python_with
    return python_with(PACKAGE)


def ask(server, what, given):
    # Isolated: its module is called as one of ours is.
    done = subprocess.run([interpreter(), '-I', '-B', __file__, str(server.port), str(server.grpc_port),
                           what], input=json.dumps(given), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# What follows runs with the client.

def make(client, given):
    from weaviate.classes.config import Configure, DataType, Property
    types = {'text': DataType.TEXT, 'int': DataType.INT, 'number': DataType.NUMBER, 'bool': DataType.BOOL,
             'date': DataType.DATE, 'uuid': DataType.UUID, 'text[]': DataType.TEXT_ARRAY,
             'blob': DataType.BLOB, 'int[]': DataType.INT_ARRAY}
    vectors = [Configure.Vectors.self_provided(name=name) for name in given['vectors']]
    vectors += [Configure.MultiVectors.self_provided(name=name) for name in given['many']]
    return client.collections.create(
        given['class'], vector_config=vectors,
        properties=[Property(name=name, data_type=types[kind]) for name, kind in given['properties'].items()],
        multi_tenancy_config=Configure.multi_tenancy(enabled=bool(given.get('tenant'))))


def write(client, given):
    import datetime
    import uuid
    docs = make(client, given)
    if given.get('tenant'):
        docs.tenants.create(given['tenant'])
        docs = docs.with_tenant(given['tenant'])
    of = {'date': datetime.datetime.fromisoformat, 'uuid': uuid.UUID}
    with docs.batch.fixed_size(50) as batch:
        for one in given['objects']:
            batch.add_object(uuid=one['id'], vector=one['vectors'], properties={
                name: of.get(given['properties'][name], lambda value: value)(value)
                for name, value in one['properties'].items()})
    assert not docs.batch.failed_objects, docs.batch.failed_objects
    return len(given['objects'])


def read(client, given):
    from weaviate.classes.query import QueryReference
    docs = client.collections.get(given['class'])
    if given.get('tenant'):
        docs = docs.with_tenant(given['tenant'])
    refers = [QueryReference(link_on=name) for name in given.get('references', [])] or None
    out = {}
    # Blobs come only when they are asked for by name.
    for one in docs.iterator(include_vector=True, return_properties=given['properties'],
                             return_references=refers):
        linked = {name: sorted(str(to.uuid) for to in found.objects)
                  for name, found in (one.references or {}).items()}
        out[str(one.uuid)] = {'vectors': one.vector, 'references': linked, 'properties': {
            name: value if value is None or isinstance(value, (str, int, float, list)) else
            value.isoformat() if hasattr(value, 'isoformat') else str(value)
            for name, value in one.properties.items()}}
    return out


def main():
    import weaviate
    port, grpc_port, what = sys.argv[1:]
    with weaviate.connect_to_local('127.0.0.1', int(port), int(grpc_port), skip_init_checks=True) as client:
        json.dump({'write': write, 'read': read}[what](client, json.load(sys.stdin)), sys.stdout)


if __name__ == '__main__':
    main()
