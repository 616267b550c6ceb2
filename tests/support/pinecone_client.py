"""The official client of Pinecone, from PyPI, in an environment of its own (peer_cache): a judge that
neither lugger nor the double has a part in. This file is also the program that runs there: URL KEY CA,
steps come in as JSON and results go out."""
import json
import subprocess
import sys

PACKAGE = 'pinecone==10.2.0'


def interpreter():
    """The Python that has the client; skips by name when it cannot be had."""
    from peer_cache import python_with
    return python_with(PACKAGE)


def ask(server, *steps, key=None, authority=''):
    """Of each step, (object, method, arguments), what the client makes of it; what it raises as
    {'raised': its class, 'status': ..., 'message': ...}. The object is 'indexes', the name of an index, or
    that name and '/documents'. `authority`: a file with certificates that are trusted."""
    # Isolated: its module is called as one of ours could be.
    done = subprocess.run([interpreter(), '-I', '-B', __file__, server.url, key or server.key or 'none',
                           str(authority)], input=json.dumps(steps), capture_output=True, text=True,
                          timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# What follows runs with the client.

def plain(value):
    import msgspec
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value, enc_hook=plain)
    if hasattr(value, 'to_dict'):
        return plain(value.to_dict())
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value]


def step(client, what, method, arguments):
    if what == 'indexes':
        of = client.indexes
    else:
        of = client.index(name=what.split('/')[0])
        of = of.documents if what.endswith('/documents') else of
    return plain(getattr(of, method)(**arguments))


def main():
    import pinecone
    url, key, authority = sys.argv[1:]
    client, out = pinecone.Pinecone(api_key=key, host=url, ssl_ca_certs=authority or None), []
    for what, method, arguments in json.load(sys.stdin):
        try:
            out.append(step(client, what, method, arguments))
        except pinecone.PineconeException as error:
            out.append({'raised': type(error).__name__, 'message': str(error),
                        'status': getattr(error, 'status_code', None)})
    json.dump(out, sys.stdout)


if __name__ == '__main__':
    main()
